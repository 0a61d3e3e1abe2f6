//! Transactions that stay open: a pinned view, changes in memory, and a check for conflicts at the commit.

use std::cell::RefCell;
use std::ops::{Bound, Deref};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::expiry::Timestamp;
use crate::storage::files::disk;
use crate::storage::format::record::Change;
use crate::storage::format::record::Stored;
use crate::storage::read::overlay::Overlay;
use crate::storage::read::pending::Pending;
use crate::storage::read::reads::Reads;
use crate::storage::{Entries, Storage, View};

/// A store, with or without an open transaction.
#[derive(Debug)]
pub(crate) enum Phase {
    Idle(Storage),
    Open(OpenTransaction),
}

/// An open transaction.
#[derive(Debug)]
pub(crate) struct OpenTransaction {
    /// Its view is pinned: it does not load what others write, and holds no lock. Its pending changes are those of the
    /// transaction.
    store: Storage,
    /// What the transaction has read.
    reads: RefCell<Reads>,
}

/// The changes of an open transaction at some point.
#[derive(Debug)]
pub(crate) struct Savepoint(Overlay);

const IS_OPEN: Error = Error::Transaction { reason: "a transaction is open; run `commit` or `rollback` first" };

/// For access that does not count as a read of the transaction.
impl Deref for Phase {
    type Target = Storage;

    fn deref(&self) -> &Storage {
        match self {
            Self::Idle(store) | Self::Open(OpenTransaction { store, .. }) => store,
        }
    }
}

impl Phase {
    /// Whether a transaction is open.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self, Self::Open(_))
    }

    /// The store if no transaction is open.
    pub(crate) fn idle(&mut self) -> Option<&mut Storage> {
        match self {
            Self::Idle(store) => Some(store),
            Self::Open(_) => None,
        }
    }

    /// The store; fails if a transaction is open.
    pub(crate) fn must_be_idle(&mut self) -> Result<&mut Storage> {
        self.idle().ok_or(IS_OPEN)
    }

    /// The store, for changes in memory.
    pub(crate) fn store_mut(&mut self) -> &mut Storage {
        match self {
            Self::Idle(store) | Self::Open(OpenTransaction { store, .. }) => store,
        }
    }

    /// As [`Storage::pending`]; in an open transaction, the transaction's changes.
    pub(crate) fn pending(&mut self) -> &mut Pending {
        &mut self.store_mut().pending
    }

    /// As [`Storage::refresh`]; does nothing in an open transaction.
    pub(crate) fn refresh(&mut self) -> Result<bool> {
        self.idle().map_or(Ok(false), Storage::refresh)
    }

    /// As [`Storage::hold`]; an open transaction takes the lock only when it commits.
    pub(crate) fn hold(&mut self) -> Result<()> {
        match self {
            Self::Idle(store) => store.hold(),
            Self::Open(open) => open.store.check_writable(),
        }
    }

    /// Releases the lock unless pending changes need it.
    pub(crate) fn release(&mut self) {
        if let Some(store) = self.idle() {
            store.release();
        }
    }

    /// A key's entry, even if it has expired.
    pub(crate) fn get(&self, key: &str) -> Result<Option<Stored>> {
        match self {
            Self::Idle(store) => store.get(key),
            Self::Open(open) => open.get(key),
        }
    }

    /// The entries between two bounds; none if the bounds are in the wrong order.
    pub(crate) fn range(&self, from: Bound<&str>, to: Bound<&str>) -> Result<Entries<'_>> {
        self.note_range(from, to);
        self.untracked_range(from, to)
    }

    /// As [`Self::range`], with the checksum verified at the end.
    pub(crate) fn verified_range(&self, from: Bound<&str>, to: Bound<&str>) -> Result<Entries<'_>> {
        Ok(self.range(from, to)?.verified())
    }

    /// As [`Self::range`], without recording a read of the transaction.
    pub(crate) fn untracked_range(&self, from: Bound<&str>, to: Bound<&str>) -> Result<Entries<'_>> {
        let entries = Storage::range(self, from, to)?;
        if self.is_open() {
            self.view.check_intact()?;
        }
        Ok(entries)
    }

    /// The number of live entries at `now`.
    pub(crate) fn count(&self, now: Timestamp) -> Result<u64> {
        self.note_range(Bound::Unbounded, Bound::Unbounded);
        Storage::count(self, now)
    }

    fn note_range(&self, from: Bound<&str>, to: Bound<&str>) {
        if let Self::Open(open) = self {
            open.reads.borrow_mut().note_range(from, to);
        }
    }

    /// Opens a transaction on the current state: from now on, the view stays the same, no lock is taken, and reads are
    /// recorded.
    pub(crate) fn begin(&mut self) -> Result<()> {
        self.must_be_idle()?.refresh()?;
        let store = self.take();
        *self = Self::Open(OpenTransaction { store, reads: RefCell::default() });
        Ok(())
    }

    /// How many keys the open transaction has changed.
    pub(crate) fn changed_keys(&self) -> u64 {
        self.pending.len() as u64
    }

    /// Discards the changes of the open transaction.
    pub(crate) fn roll_back(&mut self) {
        self.end().forget();
    }

    /// Makes the changes of the open transaction durable, unless another process changed what it read or wrote. If the
    /// current state is not available (locked, unreadable or read-only), the transaction stays open; any other error
    /// ends it.
    pub(crate) fn commit(&mut self, now: Timestamp) -> Result<()> {
        let Self::Open(open) = self else { return Ok(()) };
        if open.store.path.is_none() || !open.store.is_changed() {
            return self.end().commit(now);
        }
        let newest = open.store.newest()?;
        let changes = std::mem::take(&mut open.store.pending);
        let overtaken = open.overtaken(&newest, &changes, now);
        let Storage { notices, .. } = self.take();
        // The pinned view is no longer needed.
        let store = self.put_back(Storage { notices, ..newest });
        let checked = overtaken.and_then(|key| key.map_or(Ok(()), |key| Err(Error::Overtaken { key })));
        if checked.is_err() {
            store.forget();
            return checked;
        }
        store.pending = changes;
        store.commit(now)
    }

    /// Writes everything to another file, as [`Storage::copy_to`], or saves if that file is the database's own.
    pub(crate) fn save_to(&mut self, path: &Path, now: Timestamp) -> Result<PathBuf> {
        let path = disk::resolve(path)?;
        if self.path.as_ref() == Some(&path) {
            self.must_be_idle()?.save(now)?;
            return Ok(path);
        }
        self.store_mut().copy_to(path, now)
    }

    /// Ends the transaction.
    fn end(&mut self) -> &mut Storage {
        let store = self.take();
        self.put_back(store)
    }

    /// Takes the store out, to be put back later.
    pub(crate) fn take(&mut self) -> Storage {
        let none = Storage::in_memory(self.settings.clone());
        match std::mem::replace(self, Self::Idle(none)) {
            Self::Idle(store) | Self::Open(OpenTransaction { store, .. }) => store,
        }
    }

    fn put_back(&mut self, store: Storage) -> &mut Storage {
        *self = Self::Idle(store);
        self.store_mut()
    }

    /// The changes of the open transaction so far.
    pub(crate) fn savepoint(&mut self) -> Savepoint {
        Savepoint(self.pending().map().clone())
    }

    /// Discards the changes made after the savepoint.
    pub(crate) fn rollback_to(&mut self, mark: Savepoint) {
        *self.pending() = mark.0.into();
    }

    /// The keys that the open transaction wrote, each with its entry in the pinned view and its new entry.
    pub(crate) fn differences(&self, now: Timestamp) -> impl Iterator<Item = Result<(&str, Change, Change)>> {
        self.pending.iter().map(move |changed| {
            let live = |change: Change| change.filter(|stored| stored.is_live(now));
            Ok((changed.key, live(self.view.get(changed.key)?), live(changed.stored())))
        })
    }
}

impl OpenTransaction {
    fn get(&self, key: &str) -> Result<Option<Stored>> {
        if self.store.pending.contains(key) {
            return self.store.get(key);
        }
        self.reads.borrow_mut().note_key(key);
        let stored = self.store.get(key)?;
        // The view must still be the one that the transaction began with.
        self.store.view.check_intact()?;
        Ok(stored)
    }

    /// The first key that was read or written whose entry another process changed. An expired entry counts as missing,
    /// because every save drops some.
    fn overtaken(&self, newest: &Storage, written: &Pending, now: Timestamp) -> Result<Option<String>> {
        let (view, reads) = (&self.store.view, self.reads.borrow());
        if view.is_current(&*newest.disk)? {
            return Ok(None);
        }
        // If an editor wrote into the pinned file, it would be compared with itself.
        view.check_intact()?;
        let differs = |key: &str| {
            let live = |view: &View| Ok::<_, Error>(view.get(key)?.filter(|stored| stored.is_live(now)));
            Ok::<_, Error>(live(view)? != live(&newest.view)?)
        };
        if view.seen == newest.view.seen {
            // With the same snapshot, only what the journals change can differ.
            let changed = [view, &newest.view].map(View::changes);
            for replay in changed.into_iter().filter_map(Result::transpose) {
                for (key, _) in replay?.overlay.iter() {
                    if (reads.has(key) || written.contains(key)) && differs(key)? {
                        return Ok(Some(key.to_owned()));
                    }
                }
            }
            return Ok(None);
        }
        for key in reads.keys().chain(written.iter().map(|changed| changed.key)) {
            if differs(key)? {
                return Ok(Some(key.to_owned()));
            }
        }
        let next = |entries: &mut Entries<'_>| {
            while let Some(line) = entries.next()? {
                if line.expiry.is_none_or(|expiry| now < expiry) {
                    return Ok::<_, Error>(Some((line.key.into_owned(), line.text.to_owned(), line.expiry)));
                }
            }
            Ok(None)
        };
        for (from, to) in reads.ranges() {
            let (mut old, mut new) = (self.store.range(from, to)?, newest.range(from, to)?);
            loop {
                match (next(&mut old)?, next(&mut new)?) {
                    (None, None) => break,
                    (old, new) if old == new => {}
                    (old, new) => return Ok(old.into_iter().chain(new).map(|(key, ..)| key).min()),
                }
            }
        }
        view.check_intact()?;
        Ok(None)
    }
}

impl Storage {
    /// The current state of the same database, with the lock held.
    fn newest(&self) -> Result<Self> {
        let Some(path) = self.path.clone() else { return Ok(Self::in_memory(self.settings.clone())) };
        let mut newest = Self::open_on(self.disk.clone(), path, self.settings.clone())?;
        newest.uncertain = self.uncertain;
        newest.hold()?;
        Ok(newest)
    }
}
