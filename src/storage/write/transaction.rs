//! Transactions that stay open: a pinned view, changes in memory, and a look for what others changed at the end.

use std::cell::RefCell;
use std::ops::Bound;

use crate::error::{Error, Result};
use crate::expiry::Timestamp;
#[cfg(feature = "shell")]
use crate::storage::format::record::Change;
#[cfg(feature = "shell")]
use crate::storage::read::overlay::Overlay;
use crate::storage::read::pending::Pending;
use crate::storage::read::reads::Reads;
use crate::storage::{Entries, Store, View};

/// The changes of an open transaction at some time.
#[cfg(feature = "shell")]
#[derive(Debug)]
pub(crate) struct Mark(Overlay);

impl Store {
    /// Whether a transaction is open.
    pub(crate) fn is_open(&self) -> bool {
        self.reads.is_some()
    }

    /// How many keys were changed since.
    pub(crate) fn changed_keys(&self) -> u64 {
        self.pending.len() as u64
    }

    /// From now on the view stays as it is, no lock is taken, and what is read is noted.
    pub(crate) fn begin(&mut self) -> Result<()> {
        self.refresh()?;
        self.reads = Some(RefCell::default());
        Ok(())
    }

    /// The changes of the open transaction so far.
    #[cfg(feature = "shell")]
    pub(crate) fn mark(&mut self) -> Mark {
        Mark(self.pending.map().clone())
    }

    /// Forgets those that came after.
    #[cfg(feature = "shell")]
    pub(crate) fn back_to(&mut self, mark: Mark) {
        self.pending = mark.0.into();
    }

    /// The keys that the open transaction has written, each with what it is in the pinned view and what it would be.
    #[cfg(feature = "shell")]
    pub(crate) fn differences(&self, now: Timestamp) -> impl Iterator<Item = Result<(&str, Change, Change)>> {
        self.pending.iter().map(move |changed| {
            let live = |change: Change| change.filter(|stored| stored.is_live(now));
            Ok((changed.key, live(self.view.get(changed.key)?), live(changed.stored())))
        })
    }

    /// Forgets the changes of the open transaction.
    pub(crate) fn roll_back(&mut self) {
        self.reads = None;
        self.forget();
    }

    /// Makes the changes of the open transaction durable, if nothing that it has read or written was changed by others
    /// meanwhile. If the lock cannot be had it stays open.
    pub(crate) fn commit_transaction(&mut self, now: Timestamp) -> Result<()> {
        let Some(reads) = self.reads.take() else { return Ok(()) };
        if self.path.is_none() || !self.is_changed() {
            return self.commit(now);
        }
        let changes = std::mem::take(&mut self.pending);
        let newest = match self.newest() {
            Ok(newest) => newest,
            Err(error) => {
                self.pending = changes;
                self.reads = Some(reads);
                return Err(error);
            }
        };
        let overtaken = self.overtaken(&newest, &reads.into_inner(), &changes, now);
        // The pinned view has done its service.
        *self = Self { notices: std::mem::take(&mut self.notices), ..newest };
        match overtaken {
            Ok(None) => {
                self.pending = changes;
                self.commit(now)
            }
            Ok(Some(key)) => {
                self.forget();
                Err(Error::Overtaken { key })
            }
            Err(error) => {
                self.forget();
                Err(error)
            }
        }
    }

    /// The newest state of the same database, under the lock.
    fn newest(&self) -> Result<Self> {
        let Some(path) = self.path.clone() else { return Ok(Self::in_memory(self.settings.clone())) };
        let mut newest = Self::open_on(self.disk.clone(), path, self.settings.clone())?;
        newest.doubt = self.doubt;
        newest.hold()?;
        Ok(newest)
    }

    /// The first of the keys read or written whose entry is another one by now. Whether an entry past its deadline is still
    /// there is nobody's business: every save leaves some out.
    fn overtaken(&self, newest: &Self, reads: &Reads, written: &Pending, now: Timestamp) -> Result<Option<String>> {
        if self.view.is_current(&*self.disk)? {
            return Ok(None);
        }
        // What an editor has written into the pinned file would be compared with itself.
        self.view.check_intact()?;
        let differs = |key: &str| {
            let live = |view: &View| Ok::<_, Error>(view.get(key)?.filter(|stored| stored.is_live(now)));
            Ok::<_, Error>(live(&self.view)? != live(&newest.view)?)
        };
        if self.view.seen == newest.view.seen {
            // On one and the same snapshot only what the journals change can differ.
            let changed = [&self.view, &newest.view].map(View::changes);
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
                if line.deadline.is_none_or(|deadline| now < deadline) {
                    return Ok::<_, Error>(Some((line.key.into_owned(), line.text.to_owned(), line.deadline)));
                }
            }
            Ok(None)
        };
        for (from, to) in reads.ranges() {
            let (mut old, mut new) = (self.range(from, to)?, newest.range(from, to)?);
            loop {
                match (next(&mut old)?, next(&mut new)?) {
                    (None, None) => break,
                    (old, new) if old == new => {}
                    (old, new) => return Ok(old.into_iter().chain(new).map(|(key, ..)| key).min()),
                }
            }
        }
        self.view.check_intact()?;
        Ok(None)
    }

    /// Notes that a key is read.
    pub(crate) fn note_key(&self, key: &str) {
        if let Some(reads) = &self.reads {
            reads.borrow_mut().note_key(key);
        }
    }

    /// Notes that a range is read.
    pub(crate) fn note_range(&self, from: Bound<&str>, to: Bound<&str>) {
        if let Some(reads) = &self.reads {
            reads.borrow_mut().note_range(from, to);
        }
    }
}
