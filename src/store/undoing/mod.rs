//! Undo: remembers what the commands at the prompt replaced. Scripts and one-shot commands remember nothing, because
//! most of their writes do not read.
//!
//! A *step* is what one command or one transaction made durable. The result of each write is kept as a hash: if the key
//! holds something else later, another process changed it.

mod history;
mod writes;

use std::collections::BTreeMap;
use std::mem;

use self::history::Consent;
pub(crate) use self::history::{TOO_LARGE, UndoEnd, UndoHistory};
use self::writes::{Left, Noting, Write, Writes};
pub(crate) use self::writes::{MOST, RestoreStep};
use super::{
    Batch, Description, DifferenceIter, EntryIter, KeyIter, LoadSource, Mutation, OutlineIter, Scan, Scope, Store,
    StoreSavepoint, Watching,
};
use crate::database::{Changed, Database, LoadObserver, Loaded, Loading, Seen};
use crate::error::{Error, Result};
use crate::expiry::Timestamp;
use crate::storage::Entry;
use crate::value::Value;

/// The result of an undo.
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

    /// Undoes the last `count` steps at once; in an open transaction, those of its commands. Calls `allow`, without the
    /// lock, for keys that another process changed since; if it returns false, the undo stops before that step.
    pub(crate) fn undo(&mut self, count: usize, allow: &mut dyn FnMut(&[Foreign]) -> bool) -> Result<Undone> {
        if self.inner.is_in_transaction() {
            return self.undo_open(count);
        }
        let mut agreed = BTreeMap::new();
        loop {
            let (seen, undone) = self.plan(count, &mut agreed, allow)?;
            let keys: Vec<&str> = seen.keys().map(String::as_str).collect();
            let mut is_current = true;
            self.inner.change(Scope::Keys(&keys), &mut |changes| {
                is_current = true;
                for (key, seen) in &seen {
                    if Left::of(changes.entry(key)?.as_ref()) != *seen {
                        is_current = false;
                        return Ok(());
                    }
                }
                undone.keys.iter().try_for_each(|(key, _, to)| match to {
                    Some(entry) => changes.set(key, entry),
                    None => changes.delete(key).map(drop),
                })
            })?;
            if is_current {
                for _ in 0..undone.steps {
                    let bytes = self.history.steps.pop_back().map_or(0, |step| step.bytes);
                    self.history.bytes -= bytes;
                }
                return Ok(undone);
            }
        }
    }

    /// What undoing the last `count` steps leads to, and the current entries of their keys. `agreed` is what other
    /// processes left in keys and may be replaced.
    fn plan(
        &self,
        count: usize,
        agreed: &mut BTreeMap<String, Left>,
        allow: &mut dyn FnMut(&[Foreign]) -> bool,
    ) -> Result<(BTreeMap<String, Left>, Undone)> {
        let now = self.inner.now();
        let mut states: BTreeMap<&str, KeyState<'_>> = BTreeMap::new();
        let (mut steps, mut end) = (0, None);
        for step in self.history.steps.iter().rev().take(count) {
            if step.is_too_large {
                end = Some(UndoEnd::TooLarge);
                break;
            }
            let mut foreign = Vec::new();
            for (key, (before, left)) in &step.keys {
                if !states.contains_key(key.as_str()) {
                    states.insert(key, KeyState { held: self.inner.entry(key)?, to: None });
                }
                let held = states[key.as_str()].now();
                let is_back = held == before.as_ref().filter(|before| before.is_live(now));
                if !is_back && !left.is(held, now) && agreed.get(key) != Some(&Left::of(held)) {
                    foreign.push((key.clone(), held.cloned()));
                }
            }
            if !foreign.is_empty() {
                if !allow(&foreign) {
                    end = Some(UndoEnd::Refused);
                    break;
                }
                agreed.extend(foreign.iter().map(|(key, held)| (key.clone(), Left::of(held.as_ref()))));
            }
            for (key, (before, _)) in &step.keys {
                if let Some(state) = states.get_mut(key.as_str()) {
                    state.to = Some(Goal(before.as_ref().filter(|before| before.is_live(now))));
                }
            }
            steps += 1;
        }
        if steps == 0 {
            states.clear();
        }
        if steps < count && end.is_none() {
            end = Some(self.history.end());
        }
        let seen = states.iter().map(|(key, state)| ((*key).to_owned(), Left::of(state.held.as_ref()))).collect();
        let changed = states.into_iter().filter(|(_, state)| state.held.as_ref() != state.now());
        let keys = changed
            .map(|(key, KeyState { held, to })| (key.to_owned(), held, to.and_then(|Goal(entry)| entry.cloned())))
            .collect();
        Ok((seen, Undone { steps, keys, end }))
    }

    /// Undoes the last commands of the open transaction. Their previous entries are known; only the current ones are
    /// read, which the transaction wrote itself.
    fn undo_open(&mut self, count: usize) -> Result<Undone> {
        let now = self.inner.now();
        self.history.open.commands.retain(|writes| !writes.is_empty());
        let mut keys = BTreeMap::new();
        for Write { key, before, .. } in
            self.history.open.commands.iter().rev().take(count).flat_map(|list| list.iter().rev())
        {
            let to = before.clone().filter(|before| before.is_live(now));
            match keys.get_mut(key) {
                // The earliest of several writes counts.
                Some((_, later)) => *later = to,
                None => _ = keys.insert(key.clone(), (self.inner.entry(key)?, to)),
            }
        }
        let mut undone = Undone::default();
        while undone.steps < count {
            let Some(writes) = self.history.open.commands.pop() else {
                undone.end = Some(if self.history.open.is_too_large { UndoEnd::TooLarge } else { UndoEnd::Nothing });
                break;
            };
            for write in writes.into_iter().rev() {
                self.history.open.bytes -= write.bytes();
                self.inner.put_back(&write.key, write.changed);
            }
            undone.steps += 1;
        }
        let changed = keys.into_iter().filter(|(_, (from, to))| from != to);
        undone.keys = changed.map(|(key, (from, to))| (key, from, to)).collect();
        Ok(undone)
    }
}

/// What an undo does to a key.
struct KeyState<'s> {
    held: Option<Entry>,
    /// Its new entry, if it changes.
    to: Option<Goal<'s>>,
}

/// An entry, or `None` to delete it.
#[derive(Clone, Copy)]
struct Goal<'s>(Option<&'s Entry>);

impl KeyState<'_> {
    /// The current entry.
    fn now(&self) -> Option<&Entry> {
        self.to.map_or(self.held.as_ref(), |Goal(entry)| entry)
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

    fn contains(&self, key: &str) -> Result<bool> {
        self.inner.contains(key)
    }

    fn len(&self) -> Result<u64> {
        self.inner.len()
    }

    fn scan(&self, scan: &Scan) -> EntryIter<'_> {
        self.inner.scan(scan)
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
