//! What the commands of a prompt have replaced, so that it can be taken back. Nothing else remembers: a script and a
//! one-shot mostly write without reading.
//!
//! A *step* is what one command has made durable, or one transaction. What a step has left of each key is kept as a hash:
//! if the key holds something else by now, others have changed it.

mod history;
mod writes;

use std::collections::BTreeMap;
use std::mem;

use self::history::Consent;
pub(crate) use self::history::{TOO_LARGE, UndoEnd, UndoHistory};
use self::writes::{Left, Noting, Write, Writes};
pub(crate) use self::writes::{MOST, RestoreStep};
use super::{
    Batch, Description, DifferenceIter, EntryIter, IsWanted, KeyIter, LoadSource, MayGoOn, Mutation, OutlineIter, Scan,
    Scope, Store, StoreExt as _, StoreSavepoint, Watching,
};
use crate::database::{Changed, Database, LoadObserver, Loaded, Loading, Seen};
use crate::error::{Error, Result};
use crate::expiry::Timestamp;
use crate::number::Number;
use crate::storage::Entry;
use crate::value::Value;

/// What an undo has done.
#[derive(Debug, Default)]
pub(crate) struct Undone {
    pub(crate) steps: usize,
    /// Each key, what it held and what it holds now.
    pub(crate) keys: Vec<(String, Option<Entry>, Option<Entry>)>,
    /// Why it did not do more.
    pub(crate) end: Option<UndoEnd>,
}

/// A key that others have changed since, and what it holds now.
pub(crate) type Foreign = (String, Option<Entry>);

/// A store, and what of its changes can be undone.
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

    /// What has become of a change: it is a step, unless it waits for the rest of a batch or of a transaction.
    fn closed<T>(&mut self, done: Result<T>) -> Result<T> {
        if !self.in_batch && !self.inner.is_in_transaction() {
            self.history.close(done.is_ok());
        }
        done
    }

    /// From now on what is replaced is remembered, and what was is forgotten.
    pub(crate) fn remember(&mut self) {
        self.history.start();
    }

    /// Whether what is replaced is remembered.
    pub(crate) fn is_remembering(&self) -> bool {
        self.history.is_on
    }

    /// Whether committing the open transaction could not be undone, although what is done here is remembered.
    pub(crate) fn is_open_too_large(&self) -> bool {
        self.history.is_on && self.history.open.is_too_large
    }

    /// A command begins: what it replaces is a step of its own.
    pub(crate) fn next_step(&mut self) {
        self.history.consent = Consent::default();
        self.history.next_step(self.inner.is_in_transaction());
    }

    /// Until the next step a change that is too large to undo fails unless it is agreed to.
    pub(crate) fn need_consent(&mut self) {
        self.history.consent = Consent::Needed;
    }

    /// Until the next step any change is agreed to.
    pub(crate) fn give_consent(&mut self) {
        self.history.consent = Consent::Given;
    }

    /// What can be undone, to be recalled when this database is opened again.
    pub(crate) fn take_history(&mut self) -> UndoHistory {
        self.history.close(false);
        mem::take(&mut self.history)
    }

    /// What can be undone from now on.
    pub(crate) fn restore_history(&mut self, history: UndoHistory) {
        self.history = history;
    }

    /// The backup is in the place of what was there: a step like any other.
    pub(crate) fn note_restored(&mut self, step: RestoreStep) {
        self.history.note(step.0);
        self.history.close(true);
    }

    /// Takes back the last `count` steps, all at once; within an open transaction those of its commands. `allow` is asked,
    /// without the lock, about keys that others have changed since; a no ends it before that step.
    pub(crate) fn undo(&mut self, count: usize, allow: &mut dyn FnMut(&[Foreign]) -> bool) -> Result<Undone> {
        if self.inner.is_in_transaction() {
            return self.undo_open(count);
        }
        let mut agreed = BTreeMap::new();
        loop {
            let (seen, undone) = self.plan(count, &mut agreed, allow)?;
            let keys: Vec<&str> = seen.keys().map(String::as_str).collect();
            let mut is_current = true;
            self.inner.change(Scope::Each(&keys), &mut |changes| {
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

    /// What the last `count` steps come to, and what their keys hold now. `agreed` is what others have left of keys and may
    /// be replaced.
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

    /// Takes back the last commands of the open transaction. What their keys held before is known; only what they hold now is
    /// read, which the transaction has written itself.
    fn undo_open(&mut self, count: usize) -> Result<Undone> {
        let now = self.inner.now();
        self.history.open.commands.retain(|writes| !writes.is_empty());
        let mut keys = BTreeMap::new();
        for Write { key, before, .. } in
            self.history.open.commands.iter().rev().take(count).flat_map(|list| list.iter().rev())
        {
            let to = before.clone().filter(|before| before.is_live(now));
            match keys.get_mut(key) {
                // The earliest of several writes tells.
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
    /// What it is to hold, if it is to change.
    to: Option<Goal<'s>>,
}

/// An entry, or none.
#[derive(Clone, Copy)]
struct Goal<'s>(Option<&'s Entry>);

impl KeyState<'_> {
    /// What the key holds by now.
    fn now(&self) -> Option<&Entry> {
        self.to.map_or(self.held.as_ref(), |Goal(entry)| entry)
    }
}

/// Notes what a load replaces.
struct LoadRecorder<'m> {
    history: &'m UndoHistory,
    /// Whether a step of its own comes of it.
    is_alone: bool,
    writes: Writes,
    /// Who else is to be told.
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
        if self.history.is_on() && self.writes.goes_on() {
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
            // What other programs have made is gone with the rest, and nobody knows what it was.
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
