//! The writers' lock: one file next to the database, never deleted, never renamed; and the database's own files.
//!
//! Somebody may delete the lock file all the same, while a writer is at work: the next one makes another and locks that.
//! So each locks the files that are about to change as well, snapshot and journal, and begins again if by then others
//! have their names. What takes their places is locked before it does. All locks are held until the write is
//! acknowledged, and two writers with different lock files wait for each other as two with the same one do. Where there
//! is neither file yet, the new snapshot's name decides: it is never taken from another.
//!
//! Its note names the holder, for messages only. It also tells two things from one writer to the next, neither of which
//! must survive a crash of the system: whether the database was ever written to, and the uncertain
//! state that a failed sync, or the death of a holder, has left. It also names the boot that it was written in: of a journal's end that cannot be read, a
//! note of this boot says whether it was acknowledged, and any other says nothing.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::disk::{self, Disk, DiskFile, Identity, JOURNAL, LockFile, OnProgress, OpenAs, Progress};
use super::uncertain::Uncertain;
use crate::error::{Error, Result};
use crate::expiry::Timestamp;

/// Held while a write is under way. Dropping it, or the death of the process, gives it back at once.
#[derive(Debug)]
pub(crate) struct WritersLock {
    file: Box<dyn LockFile>,
    /// The database's files, locked: those that were there, and those that took their places since.
    data: Vec<Box<dyn DiskFile>>,
    /// The uncertain state that the holder before has left.
    pub(crate) uncertain: Option<Uncertain>,
    /// Whether nobody has noted anything yet: there is nothing to tell what became of the holder before, if there was one.
    pub(crate) is_new: bool,
    /// What its note says of a last record that cannot be read.
    pub(crate) ending: Ending,
    /// The boot that its notes name: this one, or none while it must stay unknown what became of a bad end.
    boot: String,
    /// The note that giving the lock back leaves, once all is in order.
    finished: Option<String>,
}

impl Drop for WritersLock {
    fn drop(&mut self) {
        if let Some(note) = self.finished.take() {
            // If it cannot be written, the next holder does more than it must.
            let _ = self.file.set_note(&note);
        }
        // Before the lock file's own, which others wait for. The files may stay open, and with them their locks.
        for file in &self.data {
            let _ = file.unlock();
        }
        // Closing alone would not do while a child of this process, between its fork and its exec, has the file too.
        // Should this fail, closing is what is left.
        let _ = self.file.unlock();
    }
}

/// What a try to take the lock has come to.
enum Tried {
    Taken(WritersLock),
    /// Somebody has it: what is known of them.
    Held(String),
    /// A file has got another's name meanwhile.
    Replaced,
}

/// The snapshot and the journal as they are at their paths.
pub(crate) type FilesSeen = (Option<Identity>, Option<Identity>);

/// How the files of a database are found once they are locked.
pub(crate) type Newest<'a> = dyn FnMut() -> Result<FilesSeen> + 'a;

/// Stands before the name of the boot.
const BOOT: &str = ", boot ";
/// Ends the note of a holder before whom nothing was ever written to the database.
const UNWRITTEN: &str = ", before the first write";

/// What became of a journal's last record that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Its writer did not finish: it was never acknowledged.
    Torn,
    /// Every writer of this boot finished, so it was acknowledged, and its bytes changed after that.
    Corrupt,
    /// It may or may not have been acknowledged: the note is of another boot or host, or there is none.
    Unknown,
}

impl Ending {
    /// What a note says at a given boot of this host. A note is never synced, so one that outlived a crash of the system
    /// may be any older one.
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

/// The uncertain state that a note names.
fn uncertain_in(note: &str) -> Option<Uncertain> {
    Uncertain::in_note(note.strip_suffix(UNWRITTEN).unwrap_or(note))
}

/// Whether two names are of one boot. Where a boot has no name, its time stands for it, and that wanders with the clock.
fn is_same_boot(noted: &str, boot: &str) -> bool {
    const WANDERS: i64 = 2;
    let time = |name: &str| name.strip_prefix('@').and_then(|seconds| seconds.parse::<i64>().ok());
    match (time(noted), time(boot)) {
        (Some(noted), Some(boot)) => noted.abs_diff(boot) <= WANDERS.unsigned_abs(),
        _ => !boot.is_empty() && noted == boot,
    }
}

impl WritersLock {
    /// Takes the lock of the database at `database`, waiting at most `wait`, and no longer than `on_progress` says. The files
    /// that `newest` finds are those that are locked then.
    pub(crate) fn acquire(
        disk: &dyn Disk,
        database: &Path,
        identity: Option<Identity>,
        (wait, on_progress): (Duration, Option<OnProgress>),
        newest: &mut Newest<'_>,
    ) -> Result<Self> {
        /// How often it is begun again at once. Each time somebody else has come on.
        const AT_ONCE: u32 = 10;
        let start = Instant::now();
        let mut pause = Duration::from_millis(5);
        let mut begun_again = 0;
        loop {
            let holder = match Self::attempt(disk, database, identity, newest)? {
                Tried::Taken(lock) => return Ok(lock),
                Tried::Replaced if begun_again < AT_ONCE => {
                    begun_again += 1;
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
            // Neighbours that began together must not come back together.
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

    /// Takes the lock if it can be had at once.
    pub(crate) fn try_acquire(disk: &dyn Disk, database: &Path, identity: Option<Identity>) -> Option<Self> {
        Self::acquire(disk, database, identity, (Duration::ZERO, None), &mut || files(disk, database)).ok()
    }

    /// Keeps the lock of a file that is about to take the place of one of the database's, or has just done so.
    pub(crate) fn hold(&mut self, file: Box<dyn DiskFile>) {
        self.data.push(file);
    }

    /// Notes who holds the lock, for those who wait; whether the database was never written to, for [`was_written`];
    /// and what is uncertain should the holder not come to say otherwise. So it must stand there before anything is done
    /// that could leave it so.
    pub(crate) fn note(&mut self, unwritten: bool, uncertain: Uncertain) -> std::io::Result<()> {
        self.finished = None;
        self.uncertain = Some(uncertain);
        self.file.set_note(&text(&self.boot, unwritten, &uncertain.to_string()))
    }

    /// Names no boot in notes from now on, so that what is not known of a bad end stays so if the holder does not come to
    /// mend it; or names this one again.
    pub(crate) fn name_boot(&mut self, boot: String) {
        self.boot = boot;
    }

    /// Everything is in order: giving the lock back will say so.
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

/// The files of a database as they are at their paths.
pub(crate) fn files(disk: &dyn Disk, database: &Path) -> Result<FilesSeen> {
    Ok((disk.identity(database)?, disk.identity(&disk::with_suffix(database, JOURNAL))?))
}

fn is_same(one: Option<Identity>, other: Option<Identity>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.is_same_file(&other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// Opens the lock file, or makes it. A stranger's does not count.
fn open(disk: &dyn Disk, path: &Path, database: &Path, identity: Option<Identity>) -> Result<Box<dyn LockFile>> {
    // What is known of the database may be old.
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

/// Locks one of the database's files, if that can be done at once. Where such files cannot be locked, the lock file has
/// to do.
fn lock_data(file: &dyn DiskFile) -> std::io::Result<bool> {
    file.try_lock().or_else(|error| match Errno::from_io_error(&error) {
        Some(Errno::BADF | Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => Ok(true),
        _ => Err(error),
    })
}

/// What the lock's name has behind the database's.
const LOCK: &str = ".lock";

/// Where a database's lock file is.
pub(crate) fn path(database: &Path) -> PathBuf {
    disk::with_suffix(database, LOCK)
}

/// The journal and the lock file of a database at that path.
pub(crate) fn side_files(database: &Path) -> [PathBuf; 2] {
    [JOURNAL, LOCK].map(|end| disk::with_suffix(database, end))
}

/// Of a holder that is not known.
const OTHERS: &str = "another process";

/// Whether a database was ever written to, as far as its lock file knows: an empty one beside it is new, or a loss.
pub(crate) fn was_written(disk: &dyn Disk, database: &Path) -> Result<bool> {
    let Some(file) = opened(disk, database)? else { return Ok(false) };
    let note = note_in(&*file).map_err(|source| Error::Open { path: path(database), source })?;
    Ok(!note.is_empty() && !note.ends_with(UNWRITTEN))
}

/// The lock file, to be looked at only. A stranger's does not count.
fn opened(disk: &dyn Disk, database: &Path) -> Result<Option<Box<dyn DiskFile>>> {
    let path = path(database);
    let Some(file) = disk.open(&path, OpenAs::Side)? else { return Ok(None) };
    let there = disk::seen(&*file, &path)?;
    disk::check_side(disk, &path, &there, disk.identity(database)?.as_ref())?;
    Ok(Some(file))
}

/// The uncertain state that a writer that is gone has left. Nothing while one is at work, who notes much ahead.
pub(crate) fn left_uncertain(disk: &dyn Disk, database: &Path) -> Option<Uncertain> {
    let file = opened(disk, database).ok()??;
    let noted = || uncertain_in(&note_in(&*file).ok()?);
    // In the common case nobody is made to wait.
    noted()?;
    if !file.try_lock().ok()? {
        return None;
    }
    let noted = noted();
    let _ = file.unlock();
    noted
}

/// What became of the last record of a journal that cannot be read, which begins at `at`, for whoever only reads. `None` if it cannot be told
/// now: a writer is at work, or the journal is no longer what was seen.
pub(crate) fn ending(
    disk: &dyn Disk,
    database: &Path,
    (journal, seen): (&Path, Identity),
    (epoch, at): (u64, u64),
) -> Option<Ending> {
    let file = disk.open(&path(database), disk::OpenAs::Side).ok().flatten();
    // Where files cannot be locked, nobody writes.
    if file.as_ref().is_some_and(|file| !file.try_lock().unwrap_or(true)) {
        return None;
    }
    let note = file.as_ref().and_then(|file| note_in(&**file).ok()).unwrap_or_default();
    let is_there = disk.identity(journal).is_ok_and(|there| there == Some(seen));
    if let Some(file) = file {
        let _ = file.unlock();
    }
    let ending = is_there.then(|| Ending::in_note(&note, &disk.boot()))?;
    // Up to the byte behind which a sync failed, all was acknowledged.
    let is_before = uncertain_in(&note).and_then(|uncertain| uncertain.synced(epoch)).is_some_and(|good| at < good);
    Some(if ending == Ending::Torn && is_before { Ending::Corrupt } else { ending })
}

/// The note of a lock file that is only looked at.
fn note_in(file: &dyn DiskFile) -> std::io::Result<String> {
    let mut note = [0; 1 << 10];
    let read = file.read_at(&mut note, 0)?;
    Ok(String::from_utf8_lossy(note[..read].trim_ascii_end()).into_owned())
}

fn unlockable(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path: PathBuf = path.to_owned();
    move |error| {
        let reason = format!("locking does not work here ({error}); reading does, with --read-only");
        Error::Unsuitable { path, reason }
    }
}

/// What the holder has noted, fit for a message.
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
    fn a_note_tells_of_a_bad_end_only_at_its_own_boot_and_host() {
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
