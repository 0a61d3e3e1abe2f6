//! The steps that can be undone, and the command that is on its way to be one.

use std::collections::{BTreeMap, VecDeque};
use std::mem;

use super::writes::{Left, MOST, Write, Writes, size};
use crate::storage::Entry;

/// What is said of a command that replaces more.
pub(crate) const TOO_LARGE: &str = "too large to undo: more than 64 MiB would have to be remembered";

/// The keys that a step has written, with what they held before.
#[derive(Debug, Default)]
pub(super) struct UndoStep {
    pub(super) keys: BTreeMap<String, (Option<Entry>, Left)>,
    pub(super) bytes: usize,
    /// Whether it was too much to be remembered.
    pub(super) is_too_large: bool,
}

/// What a change that is too large to undo does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Consent {
    /// It is made, and said to be too large.
    #[default]
    NotNeeded,
    /// It fails with [`Irreversible`](crate::Error::Irreversible).
    Needed,
    /// It is made: a person has agreed.
    Given,
}

/// The steps that can be undone.
#[derive(Debug, Default)]
pub(crate) struct UndoHistory {
    pub(super) is_on: bool,
    pub(super) consent: Consent,
    /// The oldest first.
    pub(super) steps: VecDeque<UndoStep>,
    /// What the command under way has made durable.
    pub(super) current: UndoStep,
    /// In both.
    pub(super) bytes: usize,
    pub(super) open: OpenWrites,
    /// Whether steps were forgotten for want of room.
    pub(super) has_forgotten: bool,
    pub(super) notice: Option<&'static str>,
}

/// What is written but not committed.
#[derive(Debug, Default)]
pub(super) struct OpenWrites {
    /// In an open transaction by its commands.
    pub(super) commands: Vec<Vec<Write>>,
    pub(super) bytes: usize,
    /// Whether it was too much to be remembered.
    pub(super) is_too_large: bool,
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

impl UndoStep {
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty() && !self.is_too_large
    }

    /// Takes in a later write.
    pub(super) fn add(&mut self, write: Write) {
        let Write { key, before, left, .. } = write;
        if let Some((_, last)) = self.keys.get_mut(&key) {
            *last = left;
        } else {
            self.bytes += size(&key, before.as_ref());
            self.keys.insert(key, (before, left));
        }
    }
}

impl UndoHistory {
    /// Whether what is written is to be told to [`UndoHistory::note`].
    pub(super) fn is_on(&self) -> bool {
        self.is_on && !self.current.is_too_large && !self.open.is_too_large
    }

    /// Begins anew.
    pub(super) fn start(&mut self) {
        *self = Self { is_on: true, ..Self::default() };
    }

    /// A command begins: what was done before it is a step of its own, if it has changed anything.
    pub(super) fn next_step(&mut self, in_transaction: bool) {
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
    pub(super) fn note(&mut self, writes: Writes) {
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
    pub(super) fn close(&mut self, is_committed: bool) {
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
    pub(super) fn needs_consent(&self, writes: &Writes) -> bool {
        let is_too_large = writes.is_too_large || self.current.bytes + self.open.bytes + writes.bytes > MOST;
        self.is_on() && self.consent == Consent::Needed && is_too_large
    }

    pub(super) fn take_notice(&mut self) -> Option<String> {
        self.notice.take().map(str::to_owned)
    }

    /// Why there is nothing to undo.
    pub(super) fn end(&self) -> UndoEnd {
        if self.has_forgotten { UndoEnd::Forgotten } else { UndoEnd::Nothing }
    }
}
