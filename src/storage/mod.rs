//! What is on disk, and when.
//!
//! # Files
//! For a database at `kv.json` (a symbolic link is followed once, at open):
//!
//! | file | what it is |
//! | --- | --- |
//! | `kv.json` | the snapshot: one valid JSON document, always whole |
//! | `kv.json.journal` | the commits since; absent beside a small database |
//! | `kv.json.lock` | the writers' lock, with a note who holds it, how they ended and in which boot; never deleted, never renamed |
//! | `kv.json.tmp-…` | a snapshot, a journal or a copy in the making; locked while it is; left over only by a crash, and removed by the next writer |
//! | `kv.json.journal.torn` | a last record that could not be read, set aside: mostly what a crash has left of a commit that was never acknowledged |
//! | `kv.json.old-…` | what an editor has put there just when a save replaced it, if it could not be put back |
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
//! Keys are sorted by their UTF-8 bytes, one entry a line, two spaces of indent, a newline at the end. Text is a JSON
//! string; JSON values are compact; bytes are `{"$binary":"<base64>"}`; a JSON object that could be taken for one of
//! these marks is wrapped as `{"$json":…}`. In strings `"`, `\`, C0, DEL, C1, bidirectional controls and U+2028/9 are
//! escaped. `"expires"` is there only if something expires. Top-level members that are not ours are kept, behind ours;
//! `"$rusty-kv"` is reserved and refused as made by a newer version. Any other layout of the same document opens as
//! well, and the next save puts it into this form. The tutorial's `{"map":{"hello":"world"}}` is such a layout.
//!
//! The sorted lines are an index: a key is found by binary search over line starts with positioned reads. That is trusted
//! only while the file is the one that was written in this form, which the journal's header tells: it names device,
//! inode, length, mtime, ctime, the offsets of the sections, the number of lines, and the sum of the hashes of all lines.
//! If a stat agrees, the file is what it was; if only length and hash do, it is a copy; otherwise it is read and checked
//! in full. A stat without ctime, which is all that a fold line has, does not count: the hash must agree.
//!
//! A stat says nothing about what the disk makes of the bytes. So whoever reads all lines, and would pass them on as the
//! whole, adds up their hashes on the way and compares the sum at the end; once it has agreed, it is not added up again
//! while the stat stays the same. Single keys and parts of the file are taken as they are. A fold copies lines without
//! looking at them and carries the sum on, so corruption stays visible behind it; a copy to another file is made only if
//! the sum of what is copied agrees.
//!
//! # Journal
//! ```json
//! {"rusty-kv-journal":1,"epoch":"…","n":16,"stamp":{…},"layout":{…},"sum":"…"}
//! {"n":17,"key":"hello","value":"world","last":1,"sum":"…"}
//! {"n":18,"key":"a","value":"1","expires":"2026-11-23T04:00:00.000Z","sum":"…"}
//! {"n":18,"key":"b","deleted":true,"last":2,"sum":"…"}
//! {"fold":{"stamp":{…},"layout":{…}},"n":18,"sum":"…"}
//! ```
//! The header names the snapshot and the last commit `n` in it. Each line behind it is the absolute change of one key; the
//! lines of one commit bear its number, and its last line says how many they are, so a part of a commit is never taken
//! for one. `sum` is a hash of the line seeded with the journal's random epoch: bytes of an older journal never pass. A
//! fold line says that a snapshot was made, which file it is, and the last commit in it.
//!
//! # Lock
//! A writer locks (flock) the lock file, then the snapshot and the journal, and looks whether all of them still have their
//! names; if not it begins again. A new snapshot or journal is locked before it gets its name. So whoever deletes the lock
//! file, and makes a second one of it, changes nothing: two writers meet at the files themselves, and one waits until the
//! other's write is acknowledged. A new database has no file yet; its snapshot never takes a name that is taken, so of two
//! the second is told of a conflict. What the lost lock file had to say is unknown, and taken for "unfinished".
//!
//! A journal or lock file counts only if whoever could have written it could have written the snapshot: in a folder that
//! others may write to anybody can put one there. Any other is refused by readers and writers.
//!
//! # Commit
//! Under the lock: look at both files again and take in what others wrote; put the journal's end in order; append the
//! commit's lines with one write; fdatasync; give the lock back; acknowledge. A crash
//!
//! - before the fdatasync returns leaves all, a part or nothing of the lines, in any mixture of old, new and zero bytes.
//!   Nothing was acknowledged. A part fails its sums or its count and is *torn*: readers ignore it, the next writer sets
//!   it aside and goes on in a new journal. All of it is a commit that happened.
//! - after it leaves the commit.
//!
//! At most one commit is unsynced at any time, because the next is written only behind a journal that is in order. A bad
//! line with a line of a later commit, or a fold line, behind it was therefore synced once: that is corruption, and refused.
//!
//! A bad last record alone looks the same whether a crash tore it or a bit of it flipped long after it was acknowledged.
//! The lock's note tells, if it is of this boot of this host, since it then is the newest (it is never synced): a writer
//! that did not finish was not acknowledged, and the record is torn; if the last one finished, so did the record, and it
//! is corrupt: reads leave it out with a warning, writes are refused until a repair sets it aside. With any other note, or
//! none, nothing is known, which is said; the next write sets it aside. So that a holder does not make known what was
//! not, it looks at the journal's end before it notes anything: at a corrupt one it notes nothing, and at an unknown one
//! its notes name no boot until the end is in order.
//!
//! A write that fails because the disk is full has lost nothing on its way to the disk: what got through of it is cut off
//! again, and a sync makes sure of that, so that deletions need no room for a new journal. If any other write fails, or
//! the fdatasync, the system may keep, lose or later write what was written, and a second
//! fdatasync proves nothing. So the journal is made anew from its good bytes in a new file; if that fails too, the lock's
//! note says up to which byte it is good, and whoever writes next, in whatever process, begins with that. A note that
//! something is unfinished stands there from the beginning, so that a writer that is killed, or cannot note anything any
//! more, leaves it: whoever writes next then syncs the folder and makes the journal anew before it builds on either.
//!
//! A writer may also be killed while the system goes on: what it wrote or renamed is seen by the next one, but need not be
//! durable. So the lock's note says "unfinished" from before the first change until all is in order again, and whoever
//! finds that syncs the folder and renews the journal before it builds on either.
//!
//! # Save (fold)
//! Snapshot and changes become a new snapshot. A small database, whose journal would only be in the way of `jq` and
//! editors, is saved by every commit; others at `save`, when the journal has passed its bound ([`Policy`]), and by commits that are
//! larger than that bound.
//!
//! 1. Write the new snapshot to a temporary file in the same folder, give it mode, owner and attributes of the old one,
//!    fsync it. A large one is made without the writers' lock, from a pinned view; the name of its file follows from the
//!    journal's epoch, and tells others that a save is under way, or was killed. It counts only if, under the lock, the
//!    snapshot and the journal's epoch are still those (a commit that was seen before its sync failed is not in the next
//!    journal), and no commit that came meanwhile has changed a key that this writer changes too; else it is made again,
//!    under the lock. *Crash: a stray file.*
//! 2. Under the lock: append a fold line to the journal, fdatasync. *Crash: the fold line names a file that is nowhere;
//!    the snapshot still is the header's, so every commit counts.*
//! 3. Look once more that the snapshot is the one that was read, and exchange both names (an editor takes no lock: if the
//!    displaced file is another one, exchange them back). fsync the folder. *Crash: the old snapshot, as in 2, or the new
//!    one; the new one matches the fold line, so commits up to its number are skipped. Absolute changes would bear being
//!    applied twice, too.*
//! 4. Write a new journal (new epoch, the new snapshot's identity, the commits that came while 1 was under way), fsync it,
//!    rename it over the old, fsync the folder. *Crash: either journal leads to the same state; the next writer makes up
//!    for it.* It must not come before 3 is synced: the new journal beside the old snapshot would have lost the commits.
//!
//! A writer that is killed leaves at most the temporary file that it is at. The lock's note, or the file's name, tells the
//! next writer to look for it; whoever makes one without the lock looks before that.
//!
//! Without a journal (a small or a new database) steps 2 and 4 fall away, and the rename of 3 is the commit. If the fsync
//! of the folder fails, the outcome is unknown, and the lock's note has the next writer make a new snapshot. Dropping
//! a database puts a fold line of "nothing" into its journal before it removes first the snapshot, then the journal.
//!
//! # Reading
//! Readers take no lock. They open the journal, then the snapshot; if the two do not belong together a save has come
//! between, and they look again. What was opened stays readable however often the names are renewed. A look is two stats;
//! a file that is renewed has a new inode, and the journal is never rewritten in place. It is shortened only by what a full
//! disk let through, and gets a later time than it had when it was longer. So equal stats mean equal content. An editor
//! may write into the snapshot's file itself: a listing ends, and a transaction's read, with a look whether the file is
//! what it was when it was opened, and otherwise with a conflict. A journal that belongs to another snapshot (one restored or edited by hand) is replaced if it
//! holds no change, and otherwise refused until `repair` is told what to do with it.
//!
//! # Deliberately not done
//! No mmap (a file cut by somebody else would kill the process), no compression, no background thread, no
//! compaction of deleted space (a save leaves none), no lock for readers.
//!
//! # Assumed
//! fsync and fdatasync do what they say; a rename is atomic; a file that was synced and is only read does not change; a
//! synced append does not disturb the bytes before it; flock works across the processes of one host. Where it does not work
//! for files that are open for reading only (NFS), the lock file alone keeps writers apart. Network file
//! systems and disks that lie about syncs are outside the promise.

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

/// One database: a view of its files, and the changes that are not in them yet. Knows no clock.
#[derive(Debug)]
pub(crate) struct Storage {
    disk: Arc<dyn Disk>,
    /// None: in memory only.
    path: Option<PathBuf>,
    settings: Settings,
    view: View,
    pending: Pending,
    /// The writers' lock, where it is kept from one change to the next.
    held: Option<WritersLock>,
    /// What a failed sync of this process has left.
    uncertain: Option<Uncertain>,
    notices: Vec<String>,
    /// The journal whose end was last said to be bad.
    end_noticed: Option<Identity>,
}

/// How a store is used.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) read_only: bool,
    /// How long a writer waits for the lock.
    pub(crate) wait: Duration,
    /// Whether the first write makes the folder.
    pub(crate) make_folder: bool,
    pub(crate) policy: Policy,
    /// Who is told how far something long is.
    pub(crate) on_progress: Option<OnProgress>,
}

/// When changes go into the journal and when into a new snapshot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    /// A snapshot up to this size has no journal: every commit writes it anew.
    pub(crate) small: u64,
    /// A journal is folded when it passes this size,
    pub(crate) journal: u64,
    /// or this part of the snapshot, if that is more.
    pub(crate) share: u64,
    /// Up to this size snapshot and changes are merged under the lock: it takes less time than others notice.
    pub(crate) short: u64,
    /// So many bytes of changes are held in memory.
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

    /// What an open file holds, for reading; `shown` names it in messages. What is changed is changed in memory only.
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

    /// The real path of the file, if there is one to be.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Whether the file was there when it was last looked at.
    pub(crate) fn is_on_disk(&self) -> bool {
        self.view.seen.is_some()
    }

    /// Whether there was a file, but nothing in it.
    pub(crate) fn is_blank(&self) -> bool {
        self.view.seen.is_some() && self.view.unwritten
    }

    /// The length of the snapshot when it was last looked at, in bytes.
    pub(crate) fn file_len(&self) -> u64 {
        self.view.seen.map_or(0, |seen| seen.len)
    }

    /// What a person should know about the file, each said once.
    pub(crate) fn take_notices(&mut self) -> Vec<String> {
        self.notice_end();
        std::mem::take(&mut self.notices)
    }

    /// Takes in what others wrote; true if there was anything. While the lock is held nobody else writes.
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
            self.notices.push(format!("{path:?} was removed; this session goes on with an empty database"));
        }
        self.check_empty_file()?;
        Ok(true)
    }

    /// An empty file that was never written to is a new database; one that once was is a loss, and not to be built on.
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

    /// What is changed and not written yet.
    pub(crate) fn pending(&mut self) -> &mut Pending {
        &mut self.pending
    }

    /// Fails if changes are refused.
    pub(crate) fn check_writable(&self) -> Result<()> {
        match &self.path {
            Some(path) if self.settings.read_only => Err(Error::ReadOnly { path: path.clone(), reason: String::new() }),
            _ => Ok(()),
        }
    }

    /// How many bytes of changes are not written yet.
    pub(crate) fn pending_bytes(&self) -> u64 {
        self.pending.bytes() as u64
    }

    /// Whether there is anything to write.
    pub(crate) fn is_changed(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Forgets what was put and gives the lock back.
    pub(crate) fn forget(&mut self) {
        self.pending = Pending::default();
        self.held = None;
    }
}

const EMPTY: &str = "the file is empty, but was written to before; restore a backup, or remove it to start anew";

/// What an empty file lacks where a database is to be read.
const NOTHING: &str = "the file is empty; it holds no database";

/// Fails if a key is too long.
pub(crate) fn check_key(key: &str) -> Result<()> {
    match key.len() {
        len if len > MAX_KEY => Err(Error::Limit { what: "the key", actual: format!("{len} bytes"), limit: "64 KiB" }),
        _ => Ok(()),
    }
}

/// Fails if so much memory cannot be had at once. What is done with a large value takes copies of it, and a copy that
/// cannot be made ends the process; so whoever makes some asks before.
pub(crate) fn check_memory(bytes: usize) -> Result<()> {
    if bytes < LARGE {
        return Ok(());
    }
    let mut memory: Vec<u8> = Vec::new();
    let had = memory.try_reserve_exact(bytes);
    // Memory that nobody looks at might not be asked for.
    std::hint::black_box(&mut memory);
    had.map_err(|_| Error::OutOfMemory { bytes })
}

/// Fails if a key or a value is too long, or there is not enough memory to store the value: its form on disk, as a change
/// and as a line.
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
