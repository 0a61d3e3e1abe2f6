//! The storage engine: what is on disk, and why a crash at any point loses nothing that was acknowledged.
//!
//! # Files
//! For a database at `kv.json` (a symbolic link is resolved once, at open):
//!
//! | file | what it is |
//! | --- | --- |
//! | `kv.json` | the snapshot: one valid JSON document, always complete |
//! | `kv.json.journal` | the commits since the snapshot; a small database has none |
//! | `kv.json.lock` | the writers' lock, with a note of its holder, how the last writer ended, and the boot; never deleted or renamed |
//! | `kv.json.tmp-…` | a snapshot, journal or copy being written, and locked while it is; left over only by a crash, and removed by the next writer |
//! | `kv.json.journal.torn` | an unreadable last record that was set aside: usually the rest of an unacknowledged commit |
//! | `kv.json.old-…` | a file that an editor saved at the moment of a save, if it could not be put back |
//!
//! # Snapshot
//! ```json
//! {
//!   "map": {
//!     "hello": "world",
//!     "pic": {"$binary":"iVBORw0="},
//!     "user:1": {"name":"Ada","age":36}
//!   },
//!   "expires": {
//!     "hello": "2026-11-23T04:00:00.000Z"
//!   }
//! }
//! ```
//! This is the *canonical form*. Keys are sorted by their UTF-8 bytes, one entry per line, indented by two spaces per
//! level, with a newline at the end. Text is a JSON string; JSON values are compact; bytes are
//! `{"$binary":"<base64>"}`. A JSON object that looks like one of these markers is wrapped as `{"$json":…}`. Strings
//! escape `"`, `\`, C0, DEL, C1, bidirectional controls and U+2028/9. `"expires"` is present only if an entry expires.
//! Unknown top-level members are kept, after ours; `"$rusty-kv"` is reserved, and a file that has it is refused as made
//! by a newer version. Any other layout of the same document opens as well, for example `{"map":{"hello":"world"}}`,
//! and the next save writes it in canonical form.
//!
//! The sorted lines serve as an index: a lookup is a binary search over line starts with positioned reads. This is safe
//! only if the file is the one that was written in canonical form. The journal's header identifies that file by device,
//! inode, length, mtime, ctime, section offsets, line count, and the sum of the hashes of all lines:
//!
//! - If the stat matches, the file is unchanged.
//! - If only the length and the sum match, the file is a copy.
//! - Otherwise, the file is read and checked in full.
//!
//! A stat without ctime, which is all a fold line has, is not enough: the sum must match, too.
//!
//! A stat does not detect corruption on the disk. Therefore, a read of all lines that passes them on as the complete
//! content adds up their hashes and compares the sum at the end. After a match, it is not computed again until the stat
//! changes. Reads of single keys and of parts of the file are not verified. A fold copies lines without verifying them
//! and carries the sum over, so the new file still shows the corruption. A copy to another file fails if the sum of the
//! copied lines does not match.
//!
//! # Journal
//! ```json
//! {"rusty-kv-journal":1,"epoch":"…","n":16,"stamp":{…},"layout":{…},"sum":"…"}
//! {"n":17,"key":"hello","value":"world","last":1,"sum":"…"}
//! {"n":18,"key":"a","value":"1","expires":"2026-11-23T04:00:00.000Z","sum":"…"}
//! {"n":18,"key":"b","deleted":true,"last":2,"sum":"…"}
//! {"fold":{"stamp":{…},"layout":{…}},"n":18,"sum":"…"}
//! ```
//! The header identifies the snapshot and the last commit `n` that the snapshot contains. Each line after it sets or
//! deletes one key. All lines of a commit carry its number, and its last line carries the number of lines, so part of a
//! commit is never mistaken for a commit. `sum` is a hash of the line, seeded with the journal's random epoch, so bytes
//! of an older journal never pass. A fold line records that a snapshot was written: which file it is, and the last
//! commit in it.
//!
//! # Lock
//! A writer locks (flock) the lock file, then the snapshot and the journal, and then checks that all of them still have
//! their names; if not, it starts over. A new snapshot or journal is locked before it gets its name. Thus, deleting the
//! lock file and creating another is harmless: two writers with different lock files meet at the data files, and one
//! waits until the other's write is acknowledged. A new database has no data file to lock, but its snapshot never
//! replaces an existing file, so the second of two writers gets a conflict. The content of a deleted lock file is
//! unknown, which counts as "unfinished".
//!
//! In a folder that others may write to, anyone can create a journal or a lock file. Such a file counts only if every
//! user who could have written it could also have written the snapshot. Readers and writers refuse any other.
//!
//! # Commit
//! With the lock held: check both files again, and load what other processes wrote; recover the journal's end; append the
//! lines of the commit with one write; fdatasync; release the lock; acknowledge.
//!
//! **A crash before the fdatasync returns** leaves all, some or none of the lines, in any mixture of old, new and zero
//! bytes. Nothing was acknowledged. An incomplete commit fails its checksums or its line count and is *torn*: readers
//! ignore it, and the next writer sets it aside and continues in a new journal. A complete commit counts.
//!
//! **A crash after the fdatasync** leaves the commit.
//!
//! **Torn or corrupt?** At most one commit is unsynced at any time, because a commit is appended only to a journal that
//! is in order. So if a line of a later commit or a fold line follows a bad line, the bad line was synced once. It is
//! corrupt, and the journal is refused.
//!
//! A bad *last* record is ambiguous: a crash tore it, or it changed on disk long after it was acknowledged. The lock's
//! note distinguishes the two, provided that it is from this boot of this host. It is then the newest note; notes are
//! never synced, so a note from an earlier boot may be an old one.
//!
//! - The last writer did not finish: the record was not acknowledged. It is torn.
//! - The last writer finished: the record was acknowledged. It is corrupt; reads leave it out with a warning, and
//!   writes are refused until a repair sets it aside.
//! - Any other note, or none: unknown. A message says so, and the next write sets the record aside.
//!
//! A writer must not turn an unknown end into a known one, so it examines the journal's end before it writes a note. At
//! a corrupt end, it writes none. At an unknown end, its notes name no boot until the end is in order.
//!
//! **A write fails because the disk is full.** None of the data was lost on its way to the disk. The bytes that were
//! written are cut off again, and a sync makes that durable. So deletions need no space for a new journal.
//!
//! **Any other write fails, or the fdatasync.** The system may keep, lose, or later write the data, and a second
//! fdatasync proves nothing. So the good bytes of the journal are copied to a new file. If that fails, too, the lock's
//! note records up to which byte the journal is good, and the next writer, in any process, starts by copying it.
//!
//! **A writer is killed, but the system keeps running.** What it wrote or renamed is visible, but may not be durable.
//! So the lock's note says "unfinished" from before the first change until everything is in order. A writer that is
//! killed, or cannot write the note any longer, leaves it that way. The next writer that finds this note syncs the
//! folder and rewrites the journal before it builds on either.
//!
//! # Save (fold)
//! A fold merges snapshot and changes into a new snapshot. Every commit to a small database folds, because a journal
//! would only get in the way of `jq` and editors. Other databases fold at `save`, when the journal has grown past its
//! limit ([`Policy`]), and at commits that are larger than the limit.
//!
//! 1. Write the new snapshot to a temporary file in the same folder, copy the old one's mode, owner and attributes, and
//!    fsync it. A large snapshot is written without the writers' lock, from a pinned view. The name of its temporary
//!    file is derived from the journal's epoch, and shows other processes that a save is running or was killed. With
//!    the lock held, the new snapshot is valid only if the snapshot and the journal's epoch have not changed (a commit
//!    that was visible before its sync failed is not in the next journal), and if no commit since then changed a key
//!    that this writer changes, too. Otherwise, it is written again with the lock held. *Crash: a stray file.*
//! 2. With the lock held, append a fold line to the journal, and fdatasync. *Crash: the fold line names a file that
//!    does not exist; the snapshot is still the header's, so every commit counts.*
//! 3. Check again that the snapshot is the one that was read, and exchange both names. Editors take no lock: if the
//!    displaced file is a different one, exchange them back. fsync the folder. *Crash: the old snapshot, as in step 2,
//!    or the new one, which matches the fold line, so commits up to its number are skipped. Changes are absolute, so
//!    even applying them twice would be correct.*
//! 4. Write a new journal (a new epoch, the new snapshot's identity, and the commits since step 1), fsync it, rename it
//!    over the old one, and fsync the folder. *Crash: both journals lead to the same state, and the next writer catches
//!    up.* This must not happen before step 3 is synced: the new journal next to the old snapshot would lack the folded
//!    commits.
//!
//! A killed writer leaves at most one temporary file. The lock's note or the name of the file tells the next writer to
//! look for it; a writer that creates one without the lock looks for it first.
//!
//! Without a journal (a small or new database), there are no steps 2 and 4, and the rename in step 3 is the commit. If
//! the fsync of the folder fails, the outcome is unknown, and the lock's note makes the next writer write a new
//! snapshot. Removing a database first appends a fold line of "nothing" to its journal, then removes the snapshot, then
//! the journal.
//!
//! # Reading
//! Readers take no lock. They open the journal, then the snapshot. If the two do not belong together, a save came in
//! between, and they try again. Open files stay readable even after their names are replaced.
//!
//! Checking for changes costs two stats. A replaced file has a new inode, and a journal is never rewritten in place. It
//! is shortened only to remove the part that a full disk let through, and then gets a later mtime than it had when it
//! was longer. So equal stats mean equal content.
//!
//! An editor may write into the snapshot's file in place. So a listing, or a read in a transaction, ends by checking
//! that the file has not changed since it was opened, and reports a conflict if it has. A journal that belongs to
//! another snapshot (which was restored or edited by hand) is replaced if it holds no changes; otherwise, it is refused
//! until `repair` is told what to do with it.
//!
//! # Deliberately not done
//! No mmap (truncating the file would kill the process), no compression, no background thread, no compaction (a save
//! leaves no dead space), no lock for readers.
//!
//! # Assumptions
//! fsync and fdatasync do what they promise. A rename is atomic. A file that was synced and is only read does not
//! change. A synced append does not affect the bytes before it. flock works between the processes of one host; where it
//! does not work for files that are open read-only (NFS), the lock file alone excludes other writers. Network file
//! systems, and disks that lie about syncs, are outside the promise.

mod check;
mod files;
mod format;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub(crate) use self::files::disk::OnProgress;
pub use self::files::disk::Progress;
pub(crate) use self::files::disk::mounted;
use self::files::disk::{self, Disk, Identity, JOURNAL};
pub(crate) use self::files::lock::side_files;
use self::files::lock::{self, WritersLock};
use self::files::uncertain::Uncertain;
pub(crate) use self::read::arena::{Arena, Sorted, Winner};
use self::read::pending::Pending;
use self::read::snapshot::MAX_KEY;
use self::read::view::{Refreshed, View};
use crate::error::{Error, Result};
use crate::value::Value;

pub use self::check::repair::Repaired;
pub(crate) use self::check::repair::salvage;
pub use self::check::report::Report;
pub(crate) use self::check::report::check;
pub(crate) use self::check::report::check_file;
pub use self::format::record::Entry;
pub(crate) use self::format::record::{Change, LARGE, Stored};
pub(crate) use self::format::record::{Seen, decode, kind, value_len};
pub(crate) use self::format::record::{decode_base64_in_place, write_base64};
pub(crate) use self::read::reading::Entries;
pub(crate) use self::read::snapshot::RawEntry;
pub(crate) use self::read::snapshot::cursor::End;
pub(crate) use self::read::state::{FileState, JournalState};
pub use self::read::watch::Event;
pub(crate) use self::read::watch::Feed;
pub(crate) use self::write::transaction::Phase;
pub(crate) use self::write::transaction::Savepoint;

/// One database: a view of its files, and pending changes. Does not read the clock.
#[derive(Debug)]
pub(crate) struct Storage {
    disk: Arc<dyn Disk>,
    /// `None` for a database in memory.
    path: Option<PathBuf>,
    settings: Settings,
    view: View,
    pending: Pending,
    /// The writers' lock, if it is held across changes.
    held: Option<WritersLock>,
    /// The uncertain state that a failed sync of this process left.
    uncertain: Option<Uncertain>,
    notices: Vec<String>,
    /// The journal whose bad end was reported last.
    end_noticed: Option<Identity>,
}

/// The settings of a store.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) read_only: bool,
    /// How long a writer waits for the lock.
    pub(crate) wait: Duration,
    /// Whether the first write creates the folder.
    pub(crate) make_folder: bool,
    pub(crate) policy: Policy,
    /// Receives the progress of long operations.
    pub(crate) on_progress: Option<OnProgress>,
}

/// When changes go into the journal, and when into a new snapshot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    /// A snapshot up to this size has no journal: every commit rewrites it.
    pub(crate) small: u64,
    /// A journal is folded when it grows past this size,
    pub(crate) journal: u64,
    /// or past this fraction of the snapshot, if that is larger.
    pub(crate) share: u64,
    /// Up to this size, a fold runs with the lock held: others do not notice the time it takes.
    pub(crate) short: u64,
    /// How many bytes of pending changes are held in memory.
    pub(crate) memory: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self { small: 64 << 10, journal: 256 << 10, share: 256, short: 8 << 20, memory: 256 << 20 }
    }
}

impl Storage {
    pub(crate) fn open(path: &Path, settings: Settings) -> Result<Self> {
        let path = disk::resolve(path)?;
        Self::open_on(Arc::new(disk::Real), path, settings)
    }

    /// Opens the database at a resolved path of a disk.
    fn open_on(disk: Arc<dyn Disk>, path: PathBuf, settings: Settings) -> Result<Self> {
        let view = View::pin(&*disk, &path)?;
        let mut store = Self { disk, path: Some(path), view, ..Self::in_memory(settings) };
        store.check_empty_file()?;
        store.publish();
        Ok(store)
    }

    /// Reads the database in an open file; `shown` names it in messages. Changes stay in memory.
    pub(crate) fn of_file(file: File, shown: &Path, settings: Settings) -> Result<Self> {
        let file = disk::opened(file);
        let seen = disk::seen(&*file, shown)?;
        let view = View::read_base(shown, file, seen)?;
        if view.unwritten {
            return Err(Error::Unsuitable { path: shown.to_owned(), reason: NOTHING.to_owned() });
        }
        Ok(Self { view, ..Self::in_memory(settings) })
    }

    pub(crate) fn in_memory(settings: Settings) -> Self {
        Self {
            disk: Arc::new(disk::Real),
            path: None,
            settings,
            view: View::empty(Path::new("")),
            pending: Pending::default(),
            held: None,
            uncertain: None,
            notices: Vec::new(),
            end_noticed: None,
        }
    }

    /// The resolved path of the file; `None` in memory.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Whether the file existed at the last refresh.
    pub(crate) fn is_on_disk(&self) -> bool {
        self.view.seen.is_some()
    }

    /// Whether the file existed, but was empty.
    pub(crate) fn is_blank(&self) -> bool {
        self.view.seen.is_some() && self.view.unwritten
    }

    /// The length of the snapshot at the last refresh, in bytes.
    pub(crate) fn file_len(&self) -> u64 {
        self.view.seen.map_or(0, |seen| seen.len)
    }

    /// Returns notices about the files, each of them once.
    pub(crate) fn take_notices(&mut self) -> Vec<String> {
        self.notice_end();
        std::mem::take(&mut self.notices)
    }

    /// Loads what other processes wrote; true if there was anything. While the lock is held, no other process writes.
    pub(crate) fn refresh(&mut self) -> Result<bool> {
        if self.held.is_some() { Ok(false) } else { self.reload() }
    }

    fn reload(&mut self) -> Result<bool> {
        let Some(path) = &self.path else { return Ok(false) };
        let was_there = self.view.seen.is_some();
        match self.view.refresh(&*self.disk)? {
            Refreshed::Same => return Ok(false),
            Refreshed::Changed => {}
            Refreshed::WithoutJournal { lost } => {
                let (s, journal) = (if lost == 1 { "" } else { "s" }, disk::with_suffix(path, JOURNAL));
                self.notices.push(format!(
                    "warning: {journal:?} was removed, and with it {lost} change{s} that {path:?} does not hold"
                ));
            }
        }
        if was_there && self.view.seen.is_none() {
            self.notices.push(format!("{path:?} was removed; this session continues with an empty database"));
        }
        self.check_empty_file()?;
        Ok(true)
    }

    /// An empty file that was never written to is a new database. One that was written to before has lost its data, and
    /// is refused.
    fn check_empty_file(&mut self) -> Result<()> {
        let Some(path) = self.path.clone().filter(|_| self.view.unwritten && self.view.seen.is_some()) else {
            return Ok(());
        };
        if lock::was_written(&*self.disk, &path)? {
            self.view = View::empty(&path);
            return Err(Error::Unsuitable { path, reason: EMPTY.to_owned() });
        }
        self.notices.push(format!("{path:?} is empty: taken as a new database"));
        Ok(())
    }

    /// The pending changes.
    pub(crate) fn pending(&mut self) -> &mut Pending {
        &mut self.pending
    }

    /// Fails if the store is read-only.
    pub(crate) fn check_writable(&self) -> Result<()> {
        match &self.path {
            Some(path) if self.settings.read_only => Err(Error::ReadOnly { path: path.clone(), reason: String::new() }),
            _ => Ok(()),
        }
    }

    /// The size of the pending changes, in bytes.
    pub(crate) fn pending_bytes(&self) -> u64 {
        self.pending.bytes() as u64
    }

    /// Whether there are pending changes.
    pub(crate) fn is_changed(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Discards the pending changes and releases the lock.
    pub(crate) fn forget(&mut self) {
        self.pending = Pending::default();
        self.held = None;
    }
}

const EMPTY: &str = "the file is empty, but was written to before; restore a backup, or remove it to start over";

/// The reason if an empty file is opened for reading.
const NOTHING: &str = "the file is empty; it holds no database";

/// Fails if a key is too long.
pub(crate) fn check_key(key: &str) -> Result<()> {
    match key.len() {
        len if len > MAX_KEY => Err(Error::Limit { what: "the key", actual: format!("{len} bytes"), limit: "64 KiB" }),
        _ => Ok(()),
    }
}

/// Fails if an allocation of this size is not possible. Working with a large value copies it, and a failed allocation
/// aborts the process, so callers check first.
pub(crate) fn check_memory(bytes: usize) -> Result<()> {
    if bytes < LARGE {
        return Ok(());
    }
    let mut memory: Vec<u8> = Vec::new();
    let had = memory.try_reserve_exact(bytes);
    // Keeps the compiler from removing the unused allocation.
    std::hint::black_box(&mut memory);
    had.map_err(|_| Error::OutOfMemory { bytes })
}

/// Fails if the key or the value is too long, or if there is not enough memory for the two copies that storing it
/// needs: as a pending change and as a line.
pub(crate) fn check_entry(key: &str, value: &Value) -> Result<()> {
    check_key(key)?;
    match value.as_bytes().len() {
        len if len > Value::MAX_LEN => {
            Err(Error::Limit { what: "the value", actual: format!("{len} bytes"), limit: "512 MiB" })
        }
        len if len >= LARGE => check_memory(2 * format::record::length(value)),
        _ => Ok(()),
    }
}
