//! The writers' lock: one file beside the database, never deleted, never renamed.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::disk::{self, Identity};
use crate::error::{Error, Result};
use crate::expiry::Timestamp;

/// Held while a write is under way. Dropping it, or the death of the process, gives it back at once.
#[derive(Debug)]
pub(crate) struct WritersLock {
    /// Locked as long as it is open.
    _file: File,
}

impl WritersLock {
    /// Takes the lock of the database at `database`, waiting at most `wait`.
    pub(crate) fn acquire(database: &Path, identity: Option<Identity>, wait: Duration) -> Result<Self> {
        let path = disk::beside(database, ".lock");
        let start = Instant::now();
        let mut pause = Duration::from_millis(5);
        loop {
            let mut file = disk::open_lock(&path, identity)?;
            match file.try_lock() {
                // Whoever deletes the file by hand makes a second lock of it: look whether ours still is the one.
                Ok(()) if disk::is_at(&file, &path).map_err(unlockable(&path))? => {
                    // For the message of those who wait, never to decide anything; so a failure here is none.
                    let _ = note_holder(&mut file);
                    return Ok(Self { _file: file });
                }
                Ok(()) => continue,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(TryLockError::Error(error)) => return Err(unlockable(&path)(error)),
            }
            let waited = start.elapsed();
            if waited >= wait {
                return Err(Error::Busy { holder: holder(&mut file), path, waited: wait });
            }
            std::thread::sleep(pause.min(wait.saturating_sub(waited)));
            // Neighbours that began together must not come back together.
            let jitter = u64::from(std::process::id()) % 5;
            pause = (pause + Duration::from_millis(5 + jitter)).min(Duration::from_millis(50));
        }
    }
}

fn unlockable(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path: PathBuf = path.to_owned();
    move |error| {
        let reason = format!("locking does not work here ({error}); reading does, with --read-only");
        Error::Unsuitable { path, reason }
    }
}

fn note_holder(file: &mut File) -> io::Result<()> {
    let program = std::env::args_os().next().unwrap_or_default();
    let program = Path::new(&program).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let host = rustix::system::uname();
    let host = host.nodename().to_string_lossy();
    let note = format!("pid {} ({host}, {program}) since {}\n", std::process::id(), Timestamp::now());
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(note.as_bytes())
}

/// What the holder has noted, fit for a message.
fn holder(file: &mut File) -> String {
    let mut note = String::new();
    let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.take(512).read_to_string(&mut note));
    let note: String = note.trim_end().chars().filter(|&c| !crate::json::is_unsafe(c)).collect();
    if read.is_ok() && note.starts_with("pid ") { note } else { "another process".to_owned() }
}
