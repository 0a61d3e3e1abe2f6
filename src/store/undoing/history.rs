//! The steps that can be undone, and the command that is in progress.

use std::collections::{BTreeMap, VecDeque};
use std::mem;

use super::writes::{Left, MOST, Write, Writes, size};
use crate::storage::Entry;

/// The message after a command that replaces more.
pub(crate) const TOO_LARGE: &str = "too large to undo (undo remembers at most 64 MiB)";

/// The keys that a step wrote, with their previous entries.
#[derive(Debug, Default)]
pub(super) struct UndoStep {
    pub(super) keys: BTreeMap<String, (Option<Entry>, Left)>,
    pub(super) bytes: usize,
    /// Whether it was too large to remember.
    pub(super) is_too_large: bool,
}

/// What happens to a change that is too large to undo.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Consent {
    /// It is made and reported as too large.
    #[default]
    NotNeeded,
    /// It fails with [`Irreversible`](crate::Error::Irreversible).
    Needed,
    /// It is made, because the user agreed.
    Given,
}

/// The steps that can be undone.
#[derive(Debug, Default)]
pub(crate) struct UndoHistory {
    pub(super) is_on: bool,
    pub(super) consent: Consent,
    /// Oldest first.
    pub(super) steps: VecDeque<UndoStep>,
    /// What the current command has made durable.
    pub(super) current: UndoStep,
    /// The size of `steps` and `current`.
    pub(super) bytes: usize,
    pub(super) open: OpenWrites,
    /// Whether steps were dropped for lack of space.
    pub(super) has_forgotten: bool,
    pub(super) notice: Option<&'static str>,
}

/// Writes that are not committed.
#[derive(Debug, Default)]
pub(super) struct OpenWrites {
    /// The writes of each command in an open transaction.
    pub(super) commands: Vec<Vec<Write>>,
    pub(super) bytes: usize,
    /// Whether they were too large to remember.
    pub(super) is_too_large: bool,
}

/// Why an undo stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UndoEnd {
    /// There are no more steps.
    Nothing,
    /// Older steps were dropped for lack of space.
    Forgotten,
    /// The step was too large to remember.
    TooLarge,
    /// Another process changed a key since, and the user declined to replace it.
    Refused,
}

impl UndoStep {
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty() && !self.is_too_large
    }

    /// Adds a later write.
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
    /// Whether writes are to be passed to [`UndoHistory::note`].
    pub(super) fn is_on(&self) -> bool {
        self.is_on && !self.current.is_too_large && !self.open.is_too_large
    }

    /// Starts over.
    pub(super) fn start(&mut self) {
        *self = Self { is_on: true, ..Self::default() };
    }

    /// A command starts: earlier changes form a step of their own, if there are any.
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

    /// Records what a transaction wrote, but has not committed yet.
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

    /// The recorded writes were committed or discarded.
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

    /// Whether a change with these writes needs consent. In an open transaction, it does not: it can be rolled back.
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
