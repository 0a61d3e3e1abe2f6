//! What the commands of a prompt have replaced, so that it can be undone and redone. Nothing else remembers: a script and a
//! one-shot mostly write without reading.
//!
//! A *step* is what one command or one transaction made durable. The result of each write is kept as a hash: if the key
//! holds something else later, another process changed it.

mod history;
mod steps;
mod writes;

use std::mem;

use self::history::Consent;
pub(crate) use self::history::{TOO_LARGE, UndoEnd, UndoHistory};
pub(crate) use self::writes::{MOST, RestoreStep};
use self::writes::{Noting, Write, Writes};
use super::{
    Batch, Description, DifferenceIter, EntryIter, IsWanted, KeyIter, LoadSource, MayGoOn, Mutation, OutlineIter, Scan,
    Scope, Store, StoreExt as _, StoreSavepoint, Visitor, Watching,
};
use crate::database::{Changed, Database, LoadObserver, Loaded, Loading, Seen};
use crate::error::{Error, Result};
use crate::expiry::Timestamp;
use crate::number::Number;
use crate::storage::Entry;
use crate::value::Value;

/// What an undo or a redo has done.
#[derive(Debug, Default)]
pub(crate) struct Undone {
    pub(crate) steps: usize,
    /// Each key with its entries before and after the undo.
    pub(crate) keys: Vec<(String, Option<Entry>, Option<Entry>)>,
    /// Why it did not undo more.
    pub(crate) end: Option<UndoEnd>,
}

/// A key that another process changed since, and its current entry.
pub(crate) type Foreign = (String, Option<Entry>);

/// A store with an undo history.
#[derive(Debug)]
pub(crate) struct Undoing {
    inner: Box<dyn Store>,
    history: UndoHistory,
    /// Whether changes wait for the end of a batch.
    in_batch: bool,
}

impl Undoing {
    pub(crate) fn new(inner: Box<dyn Store>) -> Self {
        Self { inner, history: UndoHistory::default(), in_batch: false }
    }

    /// Closes a change: it becomes a step, unless it is part of a batch or of a transaction.
    fn closed<T>(&mut self, done: Result<T>) -> Result<T> {
        if !self.in_batch && !self.inner.is_in_transaction() {
            self.history.close(done.is_ok());
        }
        done
    }

    /// Starts a new history.
    pub(crate) fn remember(&mut self) {
        self.history.start();
    }

    /// Whether there is a history.
    pub(crate) fn is_remembering(&self) -> bool {
        self.history.is_on
    }

    /// Whether committing the open transaction could not be undone, although a history is kept.
    pub(crate) fn is_open_too_large(&self) -> bool {
        self.history.is_on && self.history.open.is_too_large
    }

    /// A command starts: what it replaces becomes a new step.
    pub(crate) fn next_step(&mut self) {
        self.history.consent = Consent::default();
        self.history.next_step(self.inner.is_in_transaction());
    }

    /// Until the next step, a change that is too large to undo fails without consent.
    pub(crate) fn need_consent(&mut self) {
        self.history.consent = Consent::Needed;
    }

    /// Gives consent to any change until the next step.
    pub(crate) fn give_consent(&mut self) {
        self.history.consent = Consent::Given;
    }

    /// Takes the history, to restore it when this database is opened again.
    pub(crate) fn take_history(&mut self) -> UndoHistory {
        self.history.close(false);
        mem::take(&mut self.history)
    }

    /// Restores a history.
    pub(crate) fn restore_history(&mut self, history: UndoHistory) {
        self.history = history;
    }

    /// Records that a backup was restored, as a step.
    pub(crate) fn note_restored(&mut self, step: RestoreStep) {
        self.history.note(step.0);
        self.history.close(true);
    }
}

/// Records what a load replaces.
struct LoadRecorder<'m> {
    history: &'m UndoHistory,
    /// Whether it becomes a step of its own.
    is_alone: bool,
    writes: Writes,
    /// Another observer to inform.
    next: &'m mut dyn LoadObserver,
}

impl LoadRecorder<'_> {
    fn check(&self) -> Result<()> {
        if self.is_alone && self.history.needs_consent(&self.writes) { Err(Error::Irreversible) } else { Ok(()) }
    }
}

impl LoadObserver for LoadRecorder<'_> {
    fn limit(&self) -> Option<usize> {
        self.history.is_on().then_some(MOST).max(self.next.limit())
    }

    fn note(&mut self, key: &str, changed: Changed, before: Option<Entry>, after: &Entry) {
        if self.next.limit().is_some() {
            self.next.note(key, changed.clone(), before.clone(), after);
        }
        if self.history.is_on() && self.writes.needs_more() {
            self.writes.push(Write::new(key, changed, before, Some(after)));
        }
    }

    fn too_many(&mut self) -> Result<()> {
        self.writes = Writes::too_many();
        self.check()?;
        self.next.too_many()
    }

    fn agree(&mut self) -> Result<()> {
        self.check()?;
        self.next.agree()
    }
}

impl Store for Undoing {
    fn change(&mut self, keys: Scope<'_>, body: &mut Mutation<'_>) -> Result<()> {
        if !self.history.is_on() {
            let done = self.inner.change(keys, body);
            return self.closed(done);
        }
        let is_alone = !self.inner.is_in_transaction();
        let (history, mut writes) = (&self.history, Writes::default());
        let done = self.inner.change(keys, &mut |changes| {
            writes = Writes::default();
            body(&mut Noting { changes, writes: &mut writes })?;
            if is_alone && history.needs_consent(&writes) { Err(Error::Irreversible) } else { Ok(()) }
        });
        if done.is_ok() {
            self.history.note(writes);
        }
        self.closed(done)
    }

    fn set(&mut self, key: &str, value: &Value) -> Result<()> {
        if self.history.is_on() {
            let entry = Entry::from(value.clone());
            return self.change(Scope::Keys(&[key]), &mut |changes| changes.set(key, &entry));
        }
        let done = self.inner.set(key, value);
        self.closed(done)
    }

    fn add(&mut self, key: &str, by: Number) -> Result<Value> {
        if self.history.is_on() {
            return self.add_to_read(key, by);
        }
        let done = self.inner.add(key, by);
        self.closed(done)
    }

    fn delete_all(&mut self, prefix: &str, is_wanted: &IsWanted<'_>, may_go_on: MayGoOn) -> Result<u64> {
        if self.history.is_on() {
            return self.delete_each(prefix, is_wanted, may_go_on);
        }
        let done = self.inner.delete_all(prefix, is_wanted, may_go_on);
        self.closed(done)
    }

    fn clear(&mut self, may_go_on: MayGoOn) -> Result<u64> {
        if self.history.is_on() && self.inner.files().is_some() {
            return self.delete_each("", &|_| true, may_go_on);
        }
        let done = self.inner.clear(may_go_on);
        if done.is_ok() {
            // Data of other programs is gone, too, and it is unknown what it was.
            self.history.note(Writes::too_many());
        }
        self.closed(done)
    }

    fn load(&mut self, entries: &mut LoadSource<'_>, how: Loading, observer: &mut dyn LoadObserver) -> Result<Loaded> {
        self.commit_batch()?;
        let is_alone = !self.inner.is_in_transaction();
        let mut loads = LoadRecorder { history: &self.history, is_alone, writes: Writes::default(), next: observer };
        let loaded = self.inner.load(entries, how, &mut loads);
        let writes = loads.writes;
        if loaded.as_ref().is_ok_and(|loaded| loaded.conflict.is_none()) {
            self.history.note(writes);
        }
        self.closed(loaded)
    }

    fn rehearse_load(&mut self, entries: &mut LoadSource<'_>, how: Loading) -> Result<(Loaded, DifferenceIter<'_>)> {
        self.commit_batch()?;
        self.inner.rehearse_load(entries, how)
    }

    fn reads_ahead(&self) -> bool {
        self.inner.reads_ahead()
    }

    fn read_ahead(&mut self, keys: &[&str]) {
        self.inner.read_ahead(keys);
    }

    fn siblings(&self) -> Result<Vec<(u32, u64)>> {
        self.inner.siblings()
    }

    fn take_failures(&mut self) -> Vec<(u64, Error)> {
        self.inner.take_failures()
    }

    fn begin_batch(&mut self) {
        self.in_batch = true;
        self.inner.begin_batch();
    }

    fn commit_batch(&mut self) -> Result<()> {
        self.in_batch = false;
        let done = self.inner.commit_batch();
        self.closed(done)
    }

    fn begin(&mut self) -> Result<()> {
        self.commit_batch()?;
        self.inner.begin()
    }

    fn commit(&mut self) -> Result<u64> {
        let done = self.inner.commit();
        self.closed(done)
    }

    fn rollback(&mut self) -> Result<u64> {
        let changes = self.inner.rollback()?;
        self.history.close(false);
        Ok(changes)
    }

    fn take_notices(&mut self) -> Vec<String> {
        let mut notices = self.inner.take_notices();
        notices.extend(self.history.take_notice());
        notices
    }

    fn describe(&self) -> Description {
        self.inner.describe()
    }

    fn refresh(&mut self) -> Result<bool> {
        self.inner.refresh()
    }

    fn now(&self) -> Timestamp {
        self.inner.now()
    }

    fn entry(&self, key: &str) -> Result<Option<Entry>> {
        self.inner.entry(key)
    }

    fn get(&self, key: &str) -> Result<Option<Value>> {
        self.inner.get(key)
    }

    fn contains(&self, key: &str) -> Result<bool> {
        self.inner.contains(key)
    }

    fn len(&self) -> Result<u64> {
        self.inner.len()
    }

    fn scan(&self, scan: &Scan) -> EntryIter<'_> {
        self.inner.scan(scan)
    }

    fn visit(&self, prefix: &str, visitors: &mut [Box<Visitor<'_>>]) -> Result<()> {
        self.inner.visit(prefix, visitors)
    }

    fn scan_keys(&self, scan: &Scan) -> KeyIter<'_> {
        self.inner.scan_keys(scan)
    }

    fn glance(&self, key: &str, limit: u64) -> Result<Option<Seen>> {
        self.inner.glance(key, limit)
    }

    fn outlines(&self, prefix: &str) -> OutlineIter<'_> {
        self.inner.outlines(prefix)
    }

    fn batch(&self) -> Batch {
        self.inner.batch()
    }

    fn open_transaction(&self) -> Option<u64> {
        self.inner.open_transaction()
    }

    fn is_in_transaction(&self) -> bool {
        self.inner.is_in_transaction()
    }

    fn put_back(&mut self, key: &str, changed: Changed) {
        self.inner.put_back(key, changed);
    }

    fn savepoint(&mut self) -> StoreSavepoint {
        self.inner.savepoint()
    }

    fn rollback_to(&mut self, mark: StoreSavepoint) -> u64 {
        self.inner.rollback_to(mark)
    }

    fn differences(&mut self) -> DifferenceIter<'_> {
        self.inner.differences()
    }

    fn watch(&self, prefix: &str) -> Result<Box<dyn Watching>> {
        self.inner.watch(prefix)
    }

    fn files(&self) -> Option<&Database> {
        self.inner.files()
    }

    fn files_mut(&mut self) -> Option<&mut Database> {
        self.inner.files_mut()
    }
}

#[cfg(test)]
mod tests;
