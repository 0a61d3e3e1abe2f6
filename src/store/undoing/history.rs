//! The steps that can be undone or redone, and the command that is on its way to be one.

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

/// Where steps lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// They are undone.
    Back,
    /// They are redone.
    Again,
}

/// What a change that is too large to undo does.
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
    /// The steps that were undone, which can be redone until something else changes.
    pub(super) undone: UndoneSteps,
    /// Whether steps were forgotten for want of room.
    pub(super) has_forgotten: bool,
    pub(super) notice: Option<&'static str>,
}

/// Writes that are not committed.
#[derive(Debug, Default)]
pub(super) struct OpenWrites {
    /// The writes of each command in an open transaction.
    pub(super) commands: Vec<Vec<Write>>,
    pub(super) bytes: usize,
    /// Commands of it that were undone, which can be redone until it writes something else.
    pub(super) undone: UndoneCommands,
    /// Whether it was too much to be remembered.
    pub(super) is_too_large: bool,
}

/// Steps that were undone, the last of them at the end. What a key held before such a step is what it is to hold again.
#[derive(Debug, Default)]
pub(super) struct UndoneSteps {
    pub(super) steps: VecDeque<UndoStep>,
    pub(super) bytes: usize,
}

/// Commands of an open transaction that were undone, the last of them at the end.
#[derive(Debug, Default)]
pub(super) struct UndoneCommands {
    pub(super) commands: Vec<UndoneCommand>,
    pub(super) bytes: usize,
    /// Whether it was too much to be remembered.
    pub(super) is_too_large: bool,
}

/// What a command has written, and what its keys held when it had.
#[derive(Debug)]
pub(super) struct UndoneCommand {
    pub(super) writes: Vec<Write>,
    pub(super) after: BTreeMap<String, Option<Entry>>,
}

/// Why an undo or a redo goes no further.
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

    /// Takes in what a key held and what it holds, as long as that is little enough to be remembered.
    pub(super) fn put(&mut self, key: &str, before: Option<Entry>, left: Left) {
        if self.is_too_large {
            return;
        }
        self.bytes += size(key, before.as_ref());
        self.keys.insert(key.to_owned(), (before, left));
        if self.bytes > MOST {
            *self = Self { is_too_large: true, ..Self::default() };
        }
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

impl UndoneCommands {
    /// Takes in a command that is about to be undone.
    pub(super) fn push(&mut self, command: UndoneCommand) {
        self.bytes += command.bytes();
        self.commands.push(command);
        if self.bytes > MOST {
            *self = Self { is_too_large: true, ..Self::default() };
        }
    }

    pub(super) fn pop(&mut self) -> Option<UndoneCommand> {
        let command = self.commands.pop()?;
        self.bytes -= command.bytes();
        Some(command)
    }
}

impl UndoneCommand {
    fn bytes(&self) -> usize {
        self.after.iter().map(|(key, after)| size(key, after.as_ref())).sum()
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
            self.undone = UndoneSteps::default();
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
        if !list.is_empty() {
            open.undone = UndoneCommands::default();
        }
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
        self.make_room(is_too_large);
        if self.bytes > MOST || is_too_large {
            self.current = UndoStep { is_too_large: true, ..UndoStep::default() };
            self.bytes = 0;
            self.notice = Some(TOO_LARGE).filter(|_| self.consent != Consent::Given);
        }
    }

    /// Forgets the oldest steps until the others fit, or all.
    fn make_room(&mut self, for_all: bool) {
        while (self.bytes > MOST || for_all)
            && let Some(oldest) = self.steps.pop_front()
        {
            self.bytes -= oldest.bytes;
            self.has_forgotten = true;
        }
    }

    /// The last steps were taken back, or taken again; these lead the other way.
    pub(super) fn turn(&mut self, way: Way, inverse: Vec<UndoStep>) {
        for step in inverse {
            match way {
                Way::Back => {
                    self.bytes -= self.steps.pop_back().map_or(0, |step| step.bytes);
                    self.undone.bytes += step.bytes;
                    self.undone.steps.push_back(step);
                }
                Way::Again => {
                    self.undone.bytes -= self.undone.steps.pop_back().map_or(0, |step| step.bytes);
                    self.bytes += step.bytes;
                    self.steps.push_back(step);
                }
            }
        }
        self.make_room(false);
        while self.undone.bytes > MOST
            && let Some(farthest) = self.undone.steps.pop_front()
        {
            self.undone.bytes -= farthest.bytes;
        }
    }

    /// The steps that lead this way, the next of them at the end.
    pub(super) fn steps(&self, way: Way) -> &VecDeque<UndoStep> {
        match way {
            Way::Back => &self.steps,
            Way::Again => &self.undone.steps,
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

    /// Why there is nothing to undo, or to redo.
    pub(super) fn end(&self, way: Way) -> UndoEnd {
        if self.has_forgotten && way == Way::Back { UndoEnd::Forgotten } else { UndoEnd::Nothing }
    }
}
