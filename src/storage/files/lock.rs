//! The writers' lock: one file next to the database, never deleted or renamed. Also the paths of the side files.
//!
//! Someone may still delete the lock file while a writer holds it, and then the next writer creates another one and
//! locks that. So each writer locks the files that it is about to change as well, snapshot and journal, and starts over
//! if their names now belong to other files. A replacement is locked before it gets its name. All locks are held until
//! the write is acknowledged, so writers with different lock files wait for each other, too. If there are no data files
//! yet, the name of the new snapshot decides: it never replaces an existing file.
//!
//! The lock file holds a note, which names the holder for messages. It also passes two facts from one writer to the
//! next, neither of which must survive a system crash: whether the database was ever written to, and the uncertain
//! state that a failed sync or a killed writer left. The note names its boot as well. If the journal's last record
//! cannot be read, a note of this boot tells whether that record was acknowledged; a note of any other boot does not.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::disk::{self, Disk, DiskFile, Identity, JOURNAL, LockFile, OnProgress, OpenAs, Progress};
use super::uncertain::Uncertain;
use crate::error::{Error, Result};
use crate::expiry::Timestamp;

/// Held during a write. Dropping it, or the end of the process, releases the lock at once.
#[derive(Debug)]
pub(crate) struct WritersLock {
    file: Box<dyn LockFile>,
    /// The database's files, locked: the existing ones and those that replaced them since.
    data: Vec<Box<dyn DiskFile>>,
    /// The uncertain state that the previous holder left.
    pub(crate) uncertain: Option<Uncertain>,
    /// Whether there is no note yet, so nothing is known about a previous holder.
    pub(crate) is_new: bool,
    /// What its note says about an unreadable last record.
    pub(crate) ending: Ending,
    /// The boot that its notes name; empty while it must stay unknown whether a bad end was acknowledged.
    boot: String,
    /// The note to leave when the lock is released after everything is in order.
    finished: Option<String>,
}

impl Drop for WritersLock {
    fn drop(&mut self) {
        if let Some(note) = self.finished.take() {
            // If this fails, the next holder only does more work than needed.
            let _ = self.file.set_note(&note);
        }
        // Before the lock file itself, which other writers wait for. The files may stay open, and their locks with
        // them.
        for file in &self.data {
            let _ = file.unlock();
        }
        // Closing is not enough: a child of this process may have inherited the file between fork and exec. If
        // unlocking fails, closing is all that can be done.
        let _ = self.file.unlock();
    }
}

/// The result of one attempt to take the lock.
enum Tried {
    Taken(WritersLock),
    /// Another process holds it; what is known about the holder.
    Held(String),
    /// A file was replaced during the attempt.
    Replaced,
}

/// The identities of the files at the paths of the snapshot and the journal.
pub(crate) type FilesSeen = (Option<Identity>, Option<Identity>);

/// Finds the files of a database after they are locked.
pub(crate) type Newest<'a> = dyn FnMut() -> Result<FilesSeen> + 'a;

/// Precedes the name of the boot.
const BOOT: &str = ", boot ";
/// Ends the note of a holder if nothing has been written to the database yet.
const UNWRITTEN: &str = ", before the first write";

/// What is known about an unreadable last record of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Its writer did not finish: it was never acknowledged.
    Torn,
    /// Every writer of this boot finished, so it was acknowledged, and its bytes changed later.
    Corrupt,
    /// It may have been acknowledged: the note is from another boot or host, or there is none.
    Unknown,
}

impl Ending {
    /// What a note says during the given boot of this host. Notes are never synced, so a note that survived a system
    /// crash may be an old one.
    fn in_note(note: &str, boot: &str) -> Self {
        let host = note.split_once(" (").and_then(|(_, rest)| rest.split_once(", "));
        let is_of_host = host.is_some_and(|(host, _)| host == rustix::system::uname().nodename().to_string_lossy());
        let noted = note.rsplit_once(BOOT).map(|(_, rest)| rest.split(',').next().unwrap_or_default());
        if !is_of_host || !noted.is_some_and(|noted| is_same_boot(noted, boot)) {
            return Self::Unknown;
        }
        if uncertain_in(note).is_some() { Self::Torn } else { Self::Corrupt }
    }
}

/// The uncertain state in a note.
fn uncertain_in(note: &str) -> Option<Uncertain> {
    Uncertain::in_note(note.strip_suffix(UNWRITTEN).unwrap_or(note))
}

/// Whether two names belong to one boot. On systems without boot names, the boot time is used, which drifts with the
/// clock.
fn is_same_boot(noted: &str, boot: &str) -> bool {
    const WANDERS: i64 = 2;
    let time = |name: &str| name.strip_prefix('@').and_then(|seconds| seconds.parse::<i64>().ok());
    match (time(noted), time(boot)) {
        (Some(noted), Some(boot)) => noted.abs_diff(boot) <= WANDERS.unsigned_abs(),
        _ => !boot.is_empty() && noted == boot,
    }
}

impl WritersLock {
    /// Takes the lock of the database at `database`. Waits at most `wait`, and stops when `on_progress` asks for it.
    /// Also locks the files that `newest` finds.
    pub(crate) fn acquire(
        disk: &dyn Disk,
        database: &Path,
        identity: Option<Identity>,
        (wait, on_progress): (Duration, Option<OnProgress>),
        newest: &mut Newest<'_>,
    ) -> Result<Self> {
        /// How often an attempt is repeated without a pause. Each repetition means that another writer came first.
        const AT_ONCE: u32 = 10;
        let start = Instant::now();
        let mut pause = Duration::from_millis(5);
        let mut restarts = 0;
        loop {
            let holder = match Self::attempt(disk, database, identity, newest)? {
                Tried::Taken(lock) => return Ok(lock),
                Tried::Replaced if restarts < AT_ONCE => {
                    restarts += 1;
                    continue;
                }
                Tried::Replaced => OTHERS.to_owned(),
                Tried::Held(holder) => holder,
            };
            let waited = start.elapsed();
            if waited >= wait {
                return Err(Error::Busy { holder, path: self::path(database), waited: wait });
            }
            if on_progress.is_some_and(|report| report(Progress { done: 0, total: 0 }).is_break()) {
                return Err(Error::Interrupted);
            }
            std::thread::sleep(pause.min(wait.saturating_sub(waited)));
            // Processes that started together must not retry at the same time.
            let jitter = u64::from(std::process::id()) % 5;
            pause = (pause + Duration::from_millis(5)).min(Duration::from_millis(20 + jitter));
        }
    }

    fn attempt(disk: &dyn Disk, database: &Path, identity: Option<Identity>, newest: &mut Newest<'_>) -> Result<Tried> {
        let path = self::path(database);
        let file = open(disk, &path, database, identity)?;
        if !file.try_lock().map_err(unlockable(&path))? {
            return Ok(Tried::Held(holder(&*file)));
        }
        let (note, boot) = (note_in(&*file).unwrap_or_default(), disk.boot());
        let (uncertain, ending) = (uncertain_in(&note), Ending::in_note(&note, &boot));
        let is_new = note.is_empty();
        let mut lock = Self { file, data: Vec::new(), uncertain, is_new, ending, boot, finished: None };
        let here = lock.file.identity().map_err(unlockable(&path))?;
        if !is_same(disk.identity(&path)?, Some(here)) {
            return Ok(Tried::Replaced);
        }
        let mut files = [None, None];
        let paths = [(database.to_owned(), OpenAs::Snapshot), (disk::with_suffix(database, JOURNAL), OpenAs::Side)];
        for (locked, (path, how)) in files.iter_mut().zip(paths) {
            let Some(file) = disk.open(&path, how)? else { continue };
            if !lock_data(&*file).map_err(unlockable(&path))? {
                return Ok(Tried::Held(OTHERS.to_owned()));
            }
            *locked = Some(disk::seen(&*file, &path)?);
            lock.data.push(file);
        }
        let (snapshot, journal) = newest()?;
        let is_current = is_same(files[0], snapshot) && is_same(files[1], journal);
        Ok(if is_current { Tried::Taken(lock) } else { Tried::Replaced })
    }

    /// Takes the lock if it is free.
    pub(crate) fn try_acquire(disk: &dyn Disk, database: &Path, identity: Option<Identity>) -> Option<Self> {
        Self::acquire(disk, database, identity, (Duration::ZERO, None), &mut || files(disk, database)).ok()
    }

    /// Holds the lock of a file that replaces one of the database's files.
    pub(crate) fn hold(&mut self, file: Box<dyn DiskFile>) {
        self.data.push(file);
    }

    /// Writes the note: the holder, for processes that wait; whether the database was never written to, for
    /// [`was_written`]; and the uncertain state that applies if the holder never updates the note. So it must be
    /// written before anything that could cause that state.
    pub(crate) fn note(&mut self, unwritten: bool, uncertain: Uncertain) -> std::io::Result<()> {
        self.finished = None;
        self.uncertain = Some(uncertain);
        self.file.set_note(&text(&self.boot, unwritten, &uncertain.to_string()))
    }

    /// Sets the boot that later notes name. An empty name keeps an unknown end unknown if the holder does not repair
    /// it.
    pub(crate) fn name_boot(&mut self, boot: String) {
        self.boot = boot;
    }

    /// Everything is in order: releasing the lock will record that.
    pub(crate) fn finish(&mut self, unwritten: bool) {
        self.uncertain = None;
        self.finished = Some(text(&self.boot, unwritten, ""));
    }
}

fn text(boot: &str, unwritten: bool, uncertain: &str) -> String {
    let program = std::env::args_os().next().unwrap_or_default();
    let program = Path::new(&program).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let host = rustix::system::uname();
    let host = host.nodename().to_string_lossy();
    let (pid, now) = (std::process::id(), Timestamp::now());
    let unwritten = if unwritten { UNWRITTEN } else { "" };
    let boot = if boot.is_empty() { String::new() } else { format!("{BOOT}{boot}") };
    format!("pid {pid} ({host}, {program}) since {now}{boot}{uncertain}{unwritten}\n")
}

/// The files of a database at their paths.
pub(crate) fn files(disk: &dyn Disk, database: &Path) -> Result<FilesSeen> {
    Ok((disk.identity(database)?, disk.identity(&disk::with_suffix(database, JOURNAL))?))
}

fn is_same(one: Option<Identity>, other: Option<Identity>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.is_same_file(&other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// Opens the lock file, or creates it. Refuses one that an untrusted user may have written.
fn open(disk: &dyn Disk, path: &Path, database: &Path, identity: Option<Identity>) -> Result<Box<dyn LockFile>> {
    // What is known about the database may be outdated.
    let check = |there: &Identity| {
        disk::check_side(disk, path, there, identity.as_ref())
            .or_else(|_| disk::check_side(disk, path, there, disk.identity(database)?.as_ref()))
    };
    match disk.open_lock(path, identity) {
        Ok(file) => {
            check(&file.identity().map_err(unlockable(path))?)?;
            Ok(file)
        }
        Err(error) => {
            if let Ok(Some(there)) = disk.identity(path) {
                check(&there)?;
            }
            Err(error)
        }
    }
}

/// Locks one of the database's files if it is free. On file systems without such locks, the lock file alone must do.
fn lock_data(file: &dyn DiskFile) -> std::io::Result<bool> {
    file.try_lock().or_else(|error| match Errno::from_io_error(&error) {
        Some(Errno::BADF | Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => Ok(true),
        _ => Err(error),
    })
}

/// The suffix of the lock file's name.
const LOCK: &str = ".lock";

/// The path of a database's lock file.
pub(crate) fn path(database: &Path) -> PathBuf {
    disk::with_suffix(database, LOCK)
}

/// The journal and the lock file of a database.
pub(crate) fn side_files(database: &Path) -> [PathBuf; 2] {
    [JOURNAL, LOCK].map(|end| disk::with_suffix(database, end))
}

/// An unknown holder.
const OTHERS: &str = "another process";

/// Whether the database was ever written to, according to its lock file: an empty file is then a loss, not a new
/// database.
pub(crate) fn was_written(disk: &dyn Disk, database: &Path) -> Result<bool> {
    let Some(file) = opened(disk, database)? else { return Ok(false) };
    let note = note_in(&*file).map_err(|source| Error::Open { path: path(database), source })?;
    Ok(!note.is_empty() && !note.ends_with(UNWRITTEN))
}

/// Opens the lock file for reading. Refuses one that an untrusted user may have written.
fn opened(disk: &dyn Disk, database: &Path) -> Result<Option<Box<dyn DiskFile>>> {
    let path = path(database);
    let Some(file) = disk.open(&path, OpenAs::Side)? else { return Ok(None) };
    let there = disk::seen(&*file, &path)?;
    disk::check_side(disk, &path, &there, disk.identity(database)?.as_ref())?;
    Ok(Some(file))
}

/// The uncertain state that an earlier writer left. `None` while a writer is active, because its note is only a
/// precaution.
pub(crate) fn left_uncertain(disk: &dyn Disk, database: &Path) -> Option<Uncertain> {
    let file = opened(disk, database).ok()??;
    let noted = || uncertain_in(&note_in(&*file).ok()?);
    // Usually there is none, and no writer has to wait.
    noted()?;
    if !file.try_lock().ok()? {
        return None;
    }
    let noted = noted();
    let _ = file.unlock();
    noted
}

/// What is known about an unreadable last record of a journal at `at`, for readers. `None` if it cannot be determined
/// now: a writer is active, or the journal has changed.
pub(crate) fn ending(
    disk: &dyn Disk,
    database: &Path,
    (journal, seen): (&Path, Identity),
    (epoch, at): (u64, u64),
) -> Option<Ending> {
    let file = disk.open(&path(database), disk::OpenAs::Side).ok().flatten();
    // Without file locks, no writer is known to be active.
    if file.as_ref().is_some_and(|file| !file.try_lock().unwrap_or(true)) {
        return None;
    }
    let note = file.as_ref().and_then(|file| note_in(&**file).ok()).unwrap_or_default();
    let is_there = disk.identity(journal).is_ok_and(|there| there == Some(seen));
    if let Some(file) = file {
        let _ = file.unlock();
    }
    let ending = is_there.then(|| Ending::in_note(&note, &disk.boot()))?;
    // Everything before the byte at which a sync failed was acknowledged.
    let is_before = uncertain_in(&note).and_then(|uncertain| uncertain.synced(epoch)).is_some_and(|good| at < good);
    Some(if ending == Ending::Torn && is_before { Ending::Corrupt } else { ending })
}

/// Reads the note of a lock file.
fn note_in(file: &dyn DiskFile) -> std::io::Result<String> {
    let mut note = [0; 1 << 10];
    let read = file.read_at(&mut note, 0)?;
    Ok(String::from_utf8_lossy(note[..read].trim_ascii_end()).into_owned())
}

fn unlockable(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path: PathBuf = path.to_owned();
    move |error| {
        let reason = format!("locking does not work here ({error}); use --read-only to read");
        Error::Unsuitable { path, reason }
    }
}

/// The holder named in the note, fit for a message.
fn holder(file: &dyn DiskFile) -> String {
    let note = note_in(file).unwrap_or_default();
    let ends = [BOOT, UNWRITTEN].iter().filter_map(|end| note.find(end));
    let end = ends.chain(Uncertain::place(&note)).min().unwrap_or(note.len());
    let note: String = note[..end].trim_end().chars().filter(|&c| !crate::json::is_unsafe(c)).collect();
    if note.starts_with("pid ") { note } else { OTHERS.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_classifies_a_bad_end_only_on_its_own_boot_and_host() {
        let note = |boot: &str, unwritten, uncertain: &str| text(boot, unwritten, uncertain).trim_end().to_owned();
        for unwritten in [false, true] {
            assert_eq!(Ending::in_note(&note("b-1", unwritten, ""), "b-1"), Ending::Corrupt);
            for uncertain in [Uncertain::Unfinished, Uncertain::Folder, Uncertain::Journal { epoch: 7, good: 9 }] {
                let note = note("b-1", unwritten, &uncertain.to_string());
                assert_eq!(uncertain_in(&note), Some(uncertain));
                assert_eq!(Ending::in_note(&note, "b-1"), Ending::Torn);
                assert_eq!(Ending::in_note(&note, "b-2"), Ending::Unknown);
            }
            assert_eq!(Ending::in_note(&note("", unwritten, ""), ""), Ending::Unknown);
        }
        assert_eq!(Ending::in_note(&note("b-1", false, "").replace(" (", " (x"), "b-1"), Ending::Unknown);
        for other in ["", "pid 1", "pid 1 (, x) since now, boot b-1"] {
            assert_eq!(Ending::in_note(other, "b-1"), Ending::Unknown);
        }
        assert!(is_same_boot("@100", "@101") && !is_same_boot("@100", "@160") && !is_same_boot("@100", ""));
    }
}
