//! Steps that are taken back, or made again.

use std::collections::BTreeMap;

use super::history::{UndoStep, UndoneCommand, Way};
use super::writes::{Left, Write};
use super::{Foreign, UndoEnd, Undoing, Undone};
use crate::database::Changed;
use crate::error::Result;
use crate::storage::Entry;
use crate::store::Scope;

impl Undoing {
    /// Takes back the last `count` steps, all at once; within an open transaction those of its commands. `allow` is asked,
    /// without the lock, about keys that others have changed since; a no ends it before that step.
    pub(crate) fn undo(&mut self, count: usize, allow: &mut dyn FnMut(&[Foreign]) -> bool) -> Result<Undone> {
        if self.inner.is_in_transaction() { self.undo_open(count) } else { self.go(Way::Back, count, allow) }
    }

    /// Makes the last `count` steps that were undone again, as [`undo`](Self::undo) takes them back. A change since then has
    /// left nothing to redo.
    pub(crate) fn redo(&mut self, count: usize, allow: &mut dyn FnMut(&[Foreign]) -> bool) -> Result<Undone> {
        if self.inner.is_in_transaction() { Ok(self.redo_open(count)) } else { self.go(Way::Again, count, allow) }
    }

    fn go(&mut self, way: Way, count: usize, allow: &mut dyn FnMut(&[Foreign]) -> bool) -> Result<Undone> {
        let mut agreed = BTreeMap::new();
        loop {
            let Plan { seen, undone, inverse } = self.plan(way, count, &mut agreed, allow)?;
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
                self.history.turn(way, inverse);
                return Ok(undone);
            }
        }
    }

    /// What the last `count` steps come to, and what their keys hold now. `agreed` is what others have left of keys and may
    /// be replaced.
    fn plan(
        &self,
        way: Way,
        count: usize,
        agreed: &mut BTreeMap<String, Left>,
        allow: &mut dyn FnMut(&[Foreign]) -> bool,
    ) -> Result<Plan> {
        let now = self.inner.now();
        let mut states: BTreeMap<&str, State<'_>> = BTreeMap::new();
        let (mut inverse, mut end) = (Vec::new(), None);
        for step in self.history.steps(way).iter().rev().take(count) {
            if step.is_too_large {
                end = Some(UndoEnd::TooLarge);
                break;
            }
            let mut foreign = Vec::new();
            for (key, (before, left)) in &step.keys {
                if !states.contains_key(key.as_str()) {
                    states.insert(key, State { held: self.inner.entry(key)?, to: None });
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
            let mut back = UndoStep::default();
            for (key, (before, _)) in &step.keys {
                if let Some(state) = states.get_mut(key.as_str()) {
                    let to = before.as_ref().filter(|before| before.is_live(now));
                    back.put(key, state.now().cloned(), Left::of(to));
                    state.to = Some(Goal(to));
                }
            }
            inverse.push(back);
        }
        let steps = inverse.len();
        if steps == 0 {
            states.clear();
        }
        if steps < count && end.is_none() {
            end = Some(self.history.end(way));
        }
        let seen = states.iter().map(|(key, state)| ((*key).to_owned(), Left::of(state.held.as_ref()))).collect();
        let changed = states.into_iter().filter(|(_, state)| state.held.as_ref() != state.now());
        let keys = changed
            .map(|(key, State { held, to })| (key.to_owned(), held, to.and_then(|Goal(entry)| entry.cloned())))
            .collect();
        Ok(Plan { seen, undone: Undone { steps, keys, end }, inverse })
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
            let after = |write: &Write| Ok((write.key.clone(), self.inner.entry(&write.key)?));
            let after = writes.iter().map(after).collect::<Result<_>>()?;
            for write in writes.iter().rev() {
                self.history.open.bytes -= write.bytes();
                self.inner.put_back(&write.key, write.changed.clone());
            }
            self.history.open.undone.push(UndoneCommand { writes, after });
            undone.steps += 1;
        }
        let changed = keys.into_iter().filter(|(_, (from, to))| from != to);
        undone.keys = changed.map(|(key, (from, to))| (key, from, to)).collect();
        Ok(undone)
    }

    /// Makes the last commands again that were undone in the open transaction. Nothing is read for it.
    fn redo_open(&mut self, count: usize) -> Undone {
        let mut redone = Undone::default();
        let mut keys: BTreeMap<String, (Option<Entry>, Option<Entry>)> = BTreeMap::new();
        self.history.open.commands.retain(|writes| !writes.is_empty());
        while redone.steps < count {
            let Some(UndoneCommand { writes, after }) = self.history.open.undone.pop() else {
                let is_too_large = self.history.open.undone.is_too_large;
                redone.end = Some(if is_too_large { UndoEnd::TooLarge } else { UndoEnd::Nothing });
                break;
            };
            for write in &writes {
                self.history.open.bytes += write.bytes();
                keys.entry(write.key.clone()).or_insert_with(|| (write.before.clone(), None));
            }
            self.history.open.commands.push(writes);
            for (key, entry) in after {
                let changed = entry.clone().map_or(Changed::Deleted, Changed::Set);
                self.inner.put_back(&key, changed);
                if let Some((_, to)) = keys.get_mut(&key) {
                    *to = entry;
                }
            }
            redone.steps += 1;
        }
        let changed = keys.into_iter().filter(|(_, (from, to))| from != to);
        redone.keys = changed.map(|(key, (from, to))| (key, from, to)).collect();
        redone
    }
}

/// What an undo or a redo comes to.
struct Plan {
    /// What its keys hold now.
    seen: BTreeMap<String, Left>,
    undone: Undone,
    /// The steps that lead back from it, in the order in which they were taken.
    inverse: Vec<UndoStep>,
}

/// What an undo does to a key.
struct State<'s> {
    held: Option<Entry>,
    /// What it is to hold, if it is to change.
    to: Option<Goal<'s>>,
}

/// An entry, or none.
#[derive(Clone, Copy)]
struct Goal<'s>(Option<&'s Entry>);

impl State<'_> {
    /// What the key holds by now.
    fn now(&self) -> Option<&Entry> {
        self.to.map_or(self.held.as_ref(), |Goal(entry)| entry)
    }
}
