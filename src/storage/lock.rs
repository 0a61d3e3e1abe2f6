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
    /// Locked until it is unlocked or closed everywhere.
    file: File,
}

impl Drop for WritersLock {
    fn drop(&mut self) {
        // Closing alone would not do while a child of this process, between its fork and its exec, has the file too.
        // Should this fail, closing is what is left.
        let _ = self.file.unlock();
    }
}

/// Ends the note of a holder before whom nothing was ever written to the database.
const UNWRITTEN: &str = ", before the first write";

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
                Ok(()) if disk::is_at(&file, &path).map_err(unlockable(&path))? => return Ok(Self { file }),
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
            pause = (pause + Duration::from_millis(5)).min(Duration::from_millis(20 + jitter));
        }
    }

    /// Notes who holds the lock, for those who wait, and whether the database was never written to, for
    /// [`was_written`]. Nothing rests on it that a failure here could harm, so it is none.
    pub(crate) fn note(&mut self, unwritten: bool) {
        let program = std::env::args_os().next().unwrap_or_default();
        let program = Path::new(&program).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let host = rustix::system::uname();
        let host = host.nodename().to_string_lossy();
        let (pid, now) = (std::process::id(), Timestamp::now());
        let end = if unwritten { UNWRITTEN } else { "" };
        let note = format!("pid {pid} ({host}, {program}) since {now}{end}\n");
        let mut write = || {
            self.file.seek(SeekFrom::Start(0))?;
            self.file.write_all(note.as_bytes())?;
            self.file.set_len(note.len() as u64)
        };
        let _: io::Result<()> = write();
    }
}

/// Whether a database was ever written to, as far as its lock file knows: an empty one beside it is new, or a loss.
pub(crate) fn was_written(database: &Path) -> Result<bool> {
    let note = disk::read(&disk::beside(database, ".lock"))?;
    Ok(note.is_some_and(|(note, _)| !note.is_empty() && !note.trim_ascii_end().ends_with(UNWRITTEN.as_bytes())))
}

fn unlockable(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path: PathBuf = path.to_owned();
    move |error| {
        let reason = format!("locking does not work here ({error}); reading does, with --read-only");
        Error::Unsuitable { path, reason }
    }
}

/// What the holder has noted, fit for a message.
fn holder(file: &mut File) -> String {
    let mut note = String::new();
    let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.take(512).read_to_string(&mut note));
    let note: String = note.trim_end().chars().filter(|&c| !crate::json::is_unsafe(c)).collect();
    if read.is_ok() && note.starts_with("pid ") { note } else { "another process".to_owned() }
}
