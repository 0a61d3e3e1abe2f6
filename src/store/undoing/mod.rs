//! What the commands of a prompt have replaced, so that it can be taken back. Nothing else remembers: a script and a
//! one-shot mostly write without reading.
//!
//! A *step* is what one command has made durable, or one transaction. What a step has left of each key is kept as a hash:
//! if the key holds something else by now, others have changed it.

use std::collections::{BTreeMap, VecDeque};
use std::mem;

use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::{
    Batch, Body, Changes, Description, Difference, Differences, Entries, Keys, Mark, Outlines, Records, Scan, Scope,
    Store, Watching,
};
use crate::database::{Changed, Database, Loaded, Loading, Replaced, Seen};
use crate::error::{Error, Result};
use crate::expiry::Timestamp;
use crate::storage::Entry;
use crate::value::Value;

/// At most this many bytes of keys and values are remembered of what is done, and of what an open transaction has written.
/// They are counted as a user counts them: neither escapes nor what memory takes besides.
pub(crate) const MOST: usize = 64 << 20;

/// What is said of a command that replaces more.
pub(crate) const TOO_LARGE: &str = "too large to undo: more than 64 MiB would have to be remembered";

/// A key that a change has written.
#[derive(Debug)]
struct Write {
    key: String,
    /// What the open transaction had made of it.
    changed: Changed,
    before: Option<Entry>,
    left: Left,
}

/// What a change has written, as far as it is to be remembered.
#[derive(Debug, Default)]
struct Writes {
    list: Vec<Write>,
    bytes: usize,
    is_too_large: bool,
}

/// What a write has left of a key: a hash and the deadline, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Left(Option<(u128, Option<Timestamp>)>);

/// The keys that a step has written, with what they held before.
#[derive(Debug, Default)]
struct UndoStep {
    keys: BTreeMap<String, (Option<Entry>, Left)>,
    bytes: usize,
    /// Whether it was too much to be remembered.
    is_too_large: bool,
}

/// What a change that is too large to undo does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Consent {
    /// It is made, and said to be too large.
    #[default]
    NotNeeded,
    /// It fails with [`Error::Irreversible`].
    Needed,
    /// It is made: a person has agreed.
    Given,
}

/// The steps that can be undone.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    is_on: bool,
    consent: Consent,
    /// The oldest first.
    steps: VecDeque<UndoStep>,
    /// What the command under way has made durable.
    current: UndoStep,
    /// In both.
    bytes: usize,
    open: OpenWrites,
    /// Whether steps were forgotten for want of room.
    has_forgotten: bool,
    notice: Option<&'static str>,
}

/// What is written but not committed.
#[derive(Debug, Default)]
struct OpenWrites {
    /// In an open transaction by its commands.
    commands: Vec<Vec<Write>>,
    bytes: usize,
    /// Whether it was too much to be remembered.
    is_too_large: bool,
}

/// What a restore replaces.
#[derive(Debug)]
pub(crate) struct RestoreStep(Writes);

impl RestoreStep {
    /// One that cannot be undone.
    pub(crate) fn too_large() -> Self {
        Self(Writes::too_many())
    }

    /// The step that makes these differences.
    pub(crate) fn of<E>(differences: impl Iterator<Item = Result<Difference, E>>) -> Result<Self, E> {
        let mut writes = Writes::default();
        for difference in differences {
            let Difference { key, old, new } = difference?;
            writes.push(Write::new(&key, Changed::Not, old, new.as_ref()));
            if !writes.goes_on() {
                break;
            }
        }
        Ok(Self(writes))
    }

    /// Whether it can be undone.
    pub(crate) fn can_be_undone(&self) -> bool {
        self.0.goes_on()
    }
}

/// What an undo has done.
#[derive(Debug, Default)]
pub(crate) struct Undone {
    pub(crate) steps: usize,
    /// Each key, what it held and what it holds now.
    pub(crate) keys: Vec<(String, Option<Entry>, Option<Entry>)>,
    /// Why it did not do more.
    pub(crate) end: Option<UndoEnd>,
}

/// Why an undo goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UndoEnd {
    /// There is nothing more.
    Nothing,
    /// What is older was forgotten for want of room.
    Forgotten,
    /// The step was too large to be remembered.
    TooLarge,
    /// Others have changed a key since, and the answer was no.
    Refused,
}

/// A key that others have changed since, and what it holds now.
pub(crate) type Foreign = (String, Option<Entry>);

impl Write {
    fn new(key: &str, changed: Changed, before: Option<Entry>, after: Option<&Entry>) -> Self {
        Self { key: key.to_owned(), changed, before, left: Left::of(after) }
    }

    fn bytes(&self) -> usize {
        size(&self.key, self.before.as_ref())
    }
}

impl Writes {
    /// More than can be remembered.
    fn too_many() -> Self {
        Self { is_too_large: true, ..Self::default() }
    }

    /// Whether what a key held before is still wanted.
    fn goes_on(&self) -> bool {
        !self.is_too_large
    }

    fn push(&mut self, write: Write) {
        self.bytes += write.bytes();
        self.list.push(write);
        if self.bytes > MOST {
            *self = Self::too_many();
        }
    }
}

impl Left {
    fn of(entry: Option<&Entry>) -> Self {
        Self(entry.map(|Entry { value, deadline }| {
            let kind = match value {
                Value::Text(_) => 0,
                Value::Json(_) => 1,
                Value::Bytes(_) => 2,
            };
            (xxh3_128_with_seed(value.as_bytes(), kind), *deadline)
        }))
    }

    /// Whether a key that holds `live` holds what was left of it: also if the time of that is over.
    fn is(self, live: Option<&Entry>, now: Timestamp) -> bool {
        let is_over = |(_, deadline): (u128, Option<Timestamp>)| deadline.is_some_and(|deadline| deadline <= now);
        self == Self::of(live) || (live.is_none() && self.0.is_some_and(is_over))
    }
}

/// What a key of a step counts.
fn size(key: &str, before: Option<&Entry>) -> usize {
    key.len() + before.map_or(0, |entry| entry.value.as_bytes().len())
}

impl UndoStep {
    fn is_empty(&self) -> bool {
        self.keys.is_empty() && !self.is_too_large
    }

    /// Takes in a later write.
    fn add(&mut self, write: Write) {
        let Write { key, before, left, .. } = write;
        if let Some((_, last)) = self.keys.get_mut(&key) {
            *last = left;
        } else {
            self.bytes += size(&key, before.as_ref());
            self.keys.insert(key, (before, left));
        }
    }
}

impl Memory {
    /// Whether what is written is to be told to [`Memory::note`].
    fn is_on(&self) -> bool {
        self.is_on && !self.current.is_too_large && !self.open.is_too_large
    }

    /// Begins anew.
    fn start(&mut self) {
        *self = Self { is_on: true, ..Self::default() };
    }

    /// A command begins: what was done before it is a step of its own, if it has changed anything.
    fn next_step(&mut self, in_transaction: bool) {
        if in_transaction {
            let commands = &mut self.open.commands;
            if commands.last().is_none_or(|writes| !writes.is_empty()) {
                commands.push(Vec::new());
            }
            return;
        }
        let mut step = mem::take(&mut self.current);
        self.bytes -= step.bytes;
        step.keys.retain(|_, (before, left)| Left::of(before.as_ref()) != *left);
        step.bytes = step.keys.iter().map(|(key, (before, _))| size(key, before.as_ref())).sum();
        self.bytes += step.bytes;
        if !step.is_empty() {
            self.steps.push_back(step);
        }
    }

    /// Takes in what a transaction has written, which is not committed yet.
    fn note(&mut self, writes: Writes) {
        if !self.is_on() {
            return;
        }
        let Writes { list, bytes, is_too_large } = writes;
        let open = &mut self.open;
        open.bytes += bytes;
        match open.commands.last_mut() {
            Some(last) => last.extend(list),
            None => open.commands.push(list),
        }
        if open.bytes > MOST || is_too_large {
            *open = OpenWrites { is_too_large: true, ..OpenWrites::default() };
        }
    }

    /// What was written is committed, or not to be.
    fn close(&mut self, is_committed: bool) {
        let OpenWrites { commands, is_too_large, .. } = mem::take(&mut self.open);
        if !is_committed {
            return;
        }
        for write in commands.into_iter().flatten() {
            let before = self.current.bytes;
            self.current.add(write);
            self.bytes += self.current.bytes - before;
        }
        while (self.bytes > MOST || is_too_large)
            && let Some(oldest) = self.steps.pop_front()
        {
            self.bytes -= oldest.bytes;
            self.has_forgotten = true;
        }
        if self.bytes > MOST || is_too_large {
            self.current = UndoStep { is_too_large: true, ..UndoStep::default() };
            self.bytes = 0;
            self.notice = Some(TOO_LARGE).filter(|_| self.consent != Consent::Given);
        }
    }

    /// Whether a change that comes to these writes must be agreed to first. An open transaction need not: it can be rolled
    /// back.
    fn needs_consent(&self, writes: &Writes) -> bool {
        let is_too_large = writes.is_too_large || self.current.bytes + self.open.bytes + writes.bytes > MOST;
        self.is_on() && self.consent == Consent::Needed && is_too_large
    }

    fn take_notice(&mut self) -> Option<String> {
        self.notice.take().map(str::to_owned)
    }

    /// Why there is nothing to undo.
    fn end(&self) -> UndoEnd {
        if self.has_forgotten { UndoEnd::Forgotten } else { UndoEnd::Nothing }
    }
}

/// A store, and what of its changes can be undone.
#[derive(Debug)]
pub(crate) struct Undoing {
    inner: Box<dyn Store>,
    memory: Memory,
    /// Whether changes wait for the end of a batch.
    in_batch: bool,
}

impl Undoing {
    pub(crate) fn new(inner: Box<dyn Store>) -> Self {
        Self { inner, memory: Memory::default(), in_batch: false }
    }

    /// What has become of a change: it is a step, unless it waits for the rest of a batch or of a transaction.
    fn closed<T>(&mut self, done: Result<T>) -> Result<T> {
        if !self.in_batch && !self.inner.is_in_transaction() {
            self.memory.close(done.is_ok());
        }
        done
    }

    /// From now on what is replaced is remembered, and what was is forgotten.
    pub(crate) fn remember(&mut self) {
        self.memory.start();
    }

    /// Whether what is replaced is remembered.
    pub(crate) fn is_remembering(&self) -> bool {
        self.memory.is_on
    }

    /// Whether committing the open transaction could not be undone, although what is done here is remembered.
    pub(crate) fn is_open_too_large(&self) -> bool {
        self.memory.is_on && self.memory.open.is_too_large
    }

    /// A command begins: what it replaces is a step of its own.
    pub(crate) fn next_step(&mut self) {
        self.memory.consent = Consent::default();
        self.memory.next_step(self.inner.is_in_transaction());
    }

    /// Until the next step a change that is too large to undo fails unless it is agreed to.
    pub(crate) fn need_consent(&mut self) {
        self.memory.consent = Consent::Needed;
    }

    /// Until the next step any change is agreed to.
    pub(crate) fn give_consent(&mut self) {
        self.memory.consent = Consent::Given;
    }

    /// What can be undone, to be recalled when this database is opened again.
    pub(crate) fn take_memory(&mut self) -> Memory {
        self.memory.close(false);
        mem::take(&mut self.memory)
    }

    /// What can be undone from now on.
    pub(crate) fn recall(&mut self, memory: Memory) {
        self.memory = memory;
    }

    /// The backup is in the place of what was there: a step like any other.
    pub(crate) fn note_restored(&mut self, step: RestoreStep) {
        self.memory.note(step.0);
        self.memory.close(true);
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
                    let bytes = self.memory.steps.pop_back().map_or(0, |step| step.bytes);
                    self.memory.bytes -= bytes;
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
        let mut states: BTreeMap<&str, (Option<Entry>, Option<Entry>)> = BTreeMap::new();
        let (mut steps, mut end) = (0, None);
        for step in self.memory.steps.iter().rev().take(count) {
            if step.is_too_large {
                end = Some(UndoEnd::TooLarge);
                break;
            }
            let mut foreign = Vec::new();
            for (key, (before, left)) in &step.keys {
                if !states.contains_key(key.as_str()) {
                    let held = self.inner.entry(key)?;
                    states.insert(key, (held.clone(), held));
                }
                let held = &states[key.as_str()].1;
                let is_back = *held == before.clone().filter(|before| before.is_live(now));
                if !left.is(held.as_ref(), now) && !is_back && agreed.get(key) != Some(&Left::of(held.as_ref())) {
                    foreign.push((key.clone(), held.clone()));
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
                if let Some((_, held)) = states.get_mut(key.as_str()) {
                    *held = before.clone().filter(|before| before.is_live(now));
                }
            }
            steps += 1;
        }
        if steps == 0 {
            states.clear();
        }
        if steps < count && end.is_none() {
            end = Some(self.memory.end());
        }
        let seen = states.iter().map(|(key, (held, _))| ((*key).to_owned(), Left::of(held.as_ref()))).collect();
        let changed = states.into_iter().filter(|(_, (from, to))| from != to);
        let keys = changed.map(|(key, (from, to))| (key.to_owned(), from, to)).collect();
        Ok((seen, Undone { steps, keys, end }))
    }

    /// Takes back the last commands of the open transaction.
    fn undo_open(&mut self, count: usize) -> Result<Undone> {
        let mut undone = Undone::default();
        let mut before = BTreeMap::new();
        self.memory.open.commands.retain(|writes| !writes.is_empty());
        while undone.steps < count {
            let Some(writes) = self.memory.open.commands.pop() else {
                undone.end = Some(if self.memory.open.is_too_large { UndoEnd::TooLarge } else { UndoEnd::Nothing });
                break;
            };
            for write in writes.into_iter().rev() {
                self.memory.open.bytes -= write.bytes();
                if !before.contains_key(&write.key) {
                    before.insert(write.key.clone(), self.inner.entry(&write.key)?);
                }
                self.inner.put_back(&write.key, write.changed);
            }
            undone.steps += 1;
        }
        for (key, from) in before {
            let to = self.inner.entry(&key)?;
            if from != to {
                undone.keys.push((key, from, to));
            }
        }
        Ok(undone)
    }
}

/// Notes what a change writes.
struct Noting<'c, 'w> {
    changes: &'c mut dyn Changes,
    writes: &'w mut Writes,
}

impl Noting<'_, '_> {
    fn note(&mut self, key: &str, before: Option<Entry>, after: Option<&Entry>) -> Result<()> {
        if self.writes.goes_on() {
            let changed = self.changes.changed(key)?;
            self.writes.push(Write::new(key, changed, before, after));
        }
        Ok(())
    }
}

impl Changes for Noting<'_, '_> {
    fn now(&self) -> Timestamp {
        self.changes.now()
    }

    fn entry(&self, key: &str) -> Result<Option<Entry>> {
        self.changes.entry(key)
    }

    fn changed(&mut self, key: &str) -> Result<Changed> {
        self.changes.changed(key)
    }

    fn set(&mut self, key: &str, entry: &Entry) -> Result<()> {
        if self.writes.goes_on() {
            let before = self.changes.entry(key)?;
            self.note(key, before, Some(entry))?;
        }
        self.changes.set(key, entry)
    }

    fn delete(&mut self, key: &str) -> Result<bool> {
        if self.writes.goes_on() {
            let Some(before) = self.changes.entry(key)? else { return Ok(false) };
            self.note(key, Some(before), None)?;
        }
        self.changes.delete(key)
    }

    fn keys(
        &self,
        prefix: &str,
        is_wanted: &dyn Fn(&str) -> bool,
        may_go_on: fn() -> Result<()>,
    ) -> Result<Vec<String>> {
        self.changes.keys(prefix, is_wanted, may_go_on)
    }
}

/// Notes what a load replaces.
struct Loads<'m> {
    memory: &'m Memory,
    /// Whether a step of its own comes of it.
    is_alone: bool,
    writes: Writes,
}

impl Loads<'_> {
    fn check(&self) -> Result<()> {
        if self.is_alone && self.memory.needs_consent(&self.writes) { Err(Error::Irreversible) } else { Ok(()) }
    }
}

impl Replaced for Loads<'_> {
    fn limit(&self) -> Option<usize> {
        self.memory.is_on().then_some(MOST)
    }

    fn note(&mut self, key: &str, changed: Changed, before: Option<Entry>, after: &Entry) {
        if self.writes.goes_on() {
            self.writes.push(Write::new(key, changed, before, Some(after)));
        }
    }

    fn too_many(&mut self) -> Result<()> {
        self.writes = Writes::too_many();
        self.check()
    }

    fn agree(&mut self) -> Result<()> {
        self.check()
    }
}

impl Store for Undoing {
    fn change(&mut self, keys: Scope<'_>, body: &mut Body<'_>) -> Result<()> {
        if !self.memory.is_on() {
            let done = self.inner.change(keys, body);
            return self.closed(done);
        }
        let is_alone = !self.inner.is_in_transaction();
        let (memory, mut writes) = (&self.memory, Writes::default());
        let done = self.inner.change(keys, &mut |changes| {
            writes = Writes::default();
            body(&mut Noting { changes, writes: &mut writes })?;
            if is_alone && memory.needs_consent(&writes) { Err(Error::Irreversible) } else { Ok(()) }
        });
        if done.is_ok() {
            self.memory.note(writes);
        }
        self.closed(done)
    }

    fn set(&mut self, key: &str, value: &Value) -> Result<()> {
        if self.memory.is_on() {
            let entry = Entry::from(value.clone());
            return self.change(Scope::Keys(&[key]), &mut |changes| changes.set(key, &entry));
        }
        let done = self.inner.set(key, value);
        self.closed(done)
    }

    fn load(&mut self, entries: &mut Records<'_>, how: Loading, _: &mut dyn Replaced) -> Result<Loaded> {
        self.commit_batch()?;
        let is_alone = !self.inner.is_in_transaction();
        let mut loads = Loads { memory: &self.memory, is_alone, writes: Writes::default() };
        let loaded = self.inner.load(entries, how, &mut loads);
        let writes = loads.writes;
        if loaded.as_ref().is_ok_and(|loaded| loaded.conflict.is_none()) {
            self.memory.note(writes);
        }
        self.closed(loaded)
    }

    fn rehearse_load(&mut self, entries: &mut Records<'_>, how: Loading) -> Result<(Loaded, Differences<'_>)> {
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
        self.memory.close(false);
        Ok(changes)
    }

    fn take_notices(&mut self) -> Vec<String> {
        let mut notices = self.inner.take_notices();
        notices.extend(self.memory.take_notice());
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

    fn scan(&self, scan: &Scan) -> Entries<'_> {
        self.inner.scan(scan)
    }

    fn scan_keys(&self, scan: &Scan) -> Keys<'_> {
        self.inner.scan_keys(scan)
    }

    fn glance(&self, key: &str, limit: u64) -> Result<Option<Seen>> {
        self.inner.glance(key, limit)
    }

    fn outlines(&self, prefix: &str) -> Outlines<'_> {
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

    fn mark(&mut self) -> Mark {
        self.inner.mark()
    }

    fn back_to(&mut self, mark: Mark) -> u64 {
        self.inner.back_to(mark)
    }

    fn differences(&mut self) -> Differences<'_> {
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
