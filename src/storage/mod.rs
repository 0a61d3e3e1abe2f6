//! What is on disk, and when.
//!
//! # Files
//! For a database at `kv.json` (a symbolic link is followed once, at open):
//!
//! | file | what it is |
//! | --- | --- |
//! | `kv.json` | the snapshot: one valid JSON document, always whole |
//! | `kv.json.lock` | the writers' lock, with a note who holds it; never deleted, never renamed |
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
//! well, and the next write puts it into this form. The tutorial's `{"map":{"hello":"world"}}` is such a layout.
//!
//! # Writing
//! A commit takes the lock, takes in what others wrote since, applies its changes, writes the whole document to a new
//! file in the same folder (`O_EXCL`, mode 0600), gives it the mode and owner of the old one, syncs it, renames it over
//! the old one, syncs the folder, and gives the lock back. A crash before the rename leaves the old document and a
//! stray `kv.json.tmp-…` (the next `save` removes it), one after it the new document; a reader sees one of the two. An error before the rename leaves the
//! old document, and the changes are forgotten in memory too; an error of the last sync is reported as unknown.
//!
//! # Deliberately not done
//! No journal: in this version every commit writes the whole document, so a write costs time in proportion to the
//! database. Readers take no lock.

mod disk;
mod lock;
mod record;
mod snapshot;

use std::collections::btree_map;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::time::Duration;

use self::disk::Identity;
use self::lock::WritersLock;
use self::snapshot::{Snapshot, Unreadable};
use crate::error::{Error, Result};
use crate::expiry::Timestamp;

pub use self::record::Entry;
pub(crate) use self::snapshot::MAX_KEY;

/// Entries in key order, those past their deadline included.
pub(crate) type Entries<'a> = btree_map::Range<'a, String, Entry>;

/// One database file and its content in memory. Knows no clock.
#[derive(Debug)]
pub(crate) struct Store {
    /// None: in memory only.
    path: Option<PathBuf>,
    settings: Settings,
    snapshot: Snapshot,
    /// How many entries have a deadline.
    expiring: usize,
    /// The file that the content was read from or written to.
    seen: Option<Identity>,
    lock: Option<WritersLock>,
    /// Whether the content differs from the file.
    changed: bool,
    /// Whether there is no file yet, or an empty one that was never written to.
    unwritten: bool,
    notices: Vec<String>,
}

/// How a store is used.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) read_only: bool,
    /// How long a writer waits for the lock.
    pub(crate) wait: Duration,
    /// Whether the first write makes the folder.
    pub(crate) make_folder: bool,
}

impl Store {
    pub(crate) fn open(path: &Path, settings: Settings) -> Result<Self> {
        let path = disk::resolve(path)?;
        let mut store = Self { path: Some(path), ..Self::in_memory(settings) };
        store.load()?;
        Ok(store)
    }

    pub(crate) fn in_memory(settings: Settings) -> Self {
        Self {
            path: None,
            settings,
            snapshot: Snapshot::default(),
            expiring: 0,
            seen: None,
            lock: None,
            changed: false,
            unwritten: true,
            notices: Vec::new(),
        }
    }

    /// The real path of the file, if there is one to be.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Whether the file was there when it was last looked at.
    pub(crate) fn is_on_disk(&self) -> bool {
        self.seen.is_some()
    }

    /// The length of the file when it was last looked at, in bytes.
    pub(crate) fn file_len(&self) -> u64 {
        self.seen.map_or(0, |seen| seen.len)
    }

    /// What a person should know about the file, each said once.
    pub(crate) fn take_notices(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notices)
    }

    /// Takes in what others wrote; true if there was anything. While the lock is held nobody else writes.
    pub(crate) fn refresh(&mut self) -> Result<bool> {
        let Some(path) = self.path.as_deref().filter(|_| self.lock.is_none()) else { return Ok(false) };
        if disk::identity(path)? == self.seen {
            return Ok(false);
        }
        let was_there = self.seen.is_some();
        self.load()?;
        if was_there && self.seen.is_none() {
            let path = self.path.as_deref().unwrap_or(Path::new(""));
            self.notices.push(format!("{path:?} was removed; this session goes on with an empty database"));
        }
        Ok(true)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        self.snapshot.entries.get(key)
    }

    /// The entries between two bounds in key order, those past their deadline included.
    pub(crate) fn range(&self, from: Bound<&str>, to: Bound<&str>) -> Entries<'_> {
        use Bound::{Excluded, Included, Unbounded};
        let empty = match (from, to) {
            (Unbounded, _) | (_, Unbounded) => false,
            (Excluded(from), Excluded(to)) => from >= to,
            (Included(from) | Excluded(from), Included(to) | Excluded(to)) => from > to,
        };
        // A BTreeMap panics on a range that runs backwards.
        if empty {
            return self.snapshot.entries.range::<str, _>((Excluded(""), Included("")));
        }
        self.snapshot.entries.range::<str, _>((from, to))
    }

    /// How many entries there are, those past their deadline included.
    pub(crate) fn len(&self) -> usize {
        self.snapshot.entries.len()
    }

    /// How many of them have a deadline.
    pub(crate) fn expiring(&self) -> usize {
        self.expiring
    }

    /// Whether the writers' lock is held.
    pub(crate) fn is_locked(&self) -> bool {
        self.lock.is_some()
    }

    /// Takes the writers' lock and what others wrote before. Nothing if it is held already.
    pub(crate) fn lock(&mut self) -> Result<()> {
        let Some(path) = self.path.as_deref() else { return Ok(()) };
        if self.settings.read_only {
            return Err(Error::ReadOnly { path: path.to_owned(), reason: String::new() });
        }
        if self.lock.is_some() {
            return Ok(());
        }
        if self.seen.is_some() {
            disk::check_writable(path)?;
        }
        if let (true, Some(folder)) = (self.settings.make_folder, path.parent()) {
            disk::make_folder(folder)?;
        }
        let mut lock = WritersLock::acquire(path, self.seen, self.settings.wait)?;
        self.refresh()?;
        lock.note(self.unwritten);
        self.lock = Some(lock);
        Ok(())
    }

    /// Puts an entry in, or takes it out; gives the old one back. The lock must be held.
    pub(crate) fn put(&mut self, key: String, entry: Option<Entry>) -> Option<Entry> {
        debug_assert!(self.lock.is_some() || self.path.is_none(), "a change without the lock");
        self.changed = true;
        self.expiring += usize::from(entry.as_ref().is_some_and(|entry| entry.deadline.is_some()));
        let old = match entry {
            Some(entry) => self.snapshot.entries.insert(key, entry),
            None => self.snapshot.entries.remove(&key),
        };
        self.expiring -= usize::from(old.as_ref().is_some_and(|entry| entry.deadline.is_some()));
        old
    }

    /// Whether anything was put that is not in the file yet.
    pub(crate) fn is_changed(&self) -> bool {
        self.changed
    }

    /// Takes puts back, given what each of them gave back, oldest first; `changed` is what [`Store::is_changed`] was
    /// before them. Gives the lock back unless earlier puts still need it.
    pub(crate) fn take_back(&mut self, puts: Vec<(String, Option<Entry>)>, changed: bool) {
        for (key, old) in puts.into_iter().rev() {
            self.put(key, old);
        }
        self.changed = changed;
        if !changed {
            self.lock = None;
        }
    }

    /// Makes what was put durable and gives the lock back. After an error the content is that of the file again.
    pub(crate) fn commit(&mut self, now: Timestamp) -> Result<()> {
        let unlocked = self.path.is_some() && self.lock.is_none();
        if !self.changed || unlocked {
            self.lock = None;
            return Ok(());
        }
        let written = self.write(now);
        self.lock = None;
        self.changed = false;
        if written.is_err() {
            // The write's own error is the one to report; if this fails too, the next look at the file says so.
            let _ = self.load();
        }
        written
    }

    /// Writes the document in its one form now, and removes what killed writers have left. The lock must be held; it is
    /// given back. It writes also what seems to be there already: an earlier sync may have failed.
    pub(crate) fn save(&mut self, now: Timestamp) -> Result<()> {
        if let Some(path) = self.path.as_deref() {
            disk::remove_left_overs(path);
            self.changed = true;
        }
        self.commit(now)
    }

    /// Writes the content to another file, atomically. What is there already must be a database, and is replaced under
    /// its lock.
    pub(crate) fn save_to(&mut self, path: &Path, now: Timestamp) -> Result<PathBuf> {
        let path = disk::resolve(path)?;
        if self.path.as_ref() == Some(&path) {
            self.lock()?;
            self.save(now)?;
            return Ok(path);
        }
        let mut copy = Self::open(&path, Settings { read_only: false, ..self.settings.clone() })?;
        if copy.is_on_disk() {
            if self.settings.read_only {
                return Err(Error::ReadOnly { path, reason: "a copy may go to a new file only".to_owned() });
            }
            copy.lock()?;
        }
        std::mem::swap(&mut copy.snapshot, &mut self.snapshot);
        let written = copy.write(now);
        std::mem::swap(&mut copy.snapshot, &mut self.snapshot);
        written.map(|()| path)
    }

    /// Removes the file, under the lock.
    pub(crate) fn remove_file(&mut self) -> Result<()> {
        self.lock()?;
        let Some(path) = self.path.as_deref() else {
            self.snapshot = Snapshot::default();
            self.expiring = 0;
            return Ok(());
        };
        let removed = if self.seen.is_some() { disk::remove(path) } else { Ok(()) };
        if let (true, Some(lock)) = (removed.is_ok(), &mut self.lock) {
            lock.note(true);
        }
        self.lock = None;
        self.load()?;
        removed
    }

    fn write(&mut self, now: Timestamp) -> Result<()> {
        if let Some(path) = self.path.as_deref() {
            if self.seen.is_some_and(|seen| seen.links > 1) {
                self.notices.push(format!("{path:?} had other hard links; they keep the old content"));
            }
            let snapshot = &self.snapshot;
            self.seen = Some(disk::replace(path, self.seen, |out| snapshot.write(out, now))?);
            if let (true, Some(lock)) = (std::mem::take(&mut self.unwritten), &mut self.lock) {
                lock.note(false);
            }
        }
        Ok(())
    }

    fn load(&mut self) -> Result<()> {
        let Some(path) = self.path.as_deref() else { return Ok(()) };
        self.seen = None;
        self.snapshot = Snapshot::default();
        self.expiring = 0;
        self.changed = false;
        self.unwritten = true;
        let Some((bytes, identity)) = disk::read(path)? else { return Ok(()) };
        self.unwritten = bytes.trim_ascii().is_empty();
        if self.unwritten {
            self.accept_empty_file(path.to_owned())?;
        } else {
            self.snapshot = Snapshot::read(&bytes).map_err(|unreadable| match unreadable {
                Unreadable::Newer => Error::NewerVersion { path: path.to_owned() },
                Unreadable::Fault(fault) => {
                    let (line, column) = fault.place(&bytes);
                    Error::Damaged { path: path.to_owned(), line, column, syntax: !fault.shape, reason: fault.reason }
                }
            })?;
        }
        self.expiring = self.snapshot.entries.values().filter(|entry| entry.deadline.is_some()).count();
        self.seen = Some(identity);
        Ok(())
    }

    /// An empty file that was never written to is a new database; one that once was is a loss, and not to be built on.
    fn accept_empty_file(&mut self, path: PathBuf) -> Result<()> {
        if lock::was_written(&path)? {
            let reason =
                "the file is empty, but was written to before; restore a backup, or remove it to start anew".to_owned();
            return Err(Error::Unsuitable { path, reason });
        }
        self.notices.push(format!("{path:?} is empty: taken as a new database"));
        Ok(())
    }
}
