//! How scripts and runs begin and end that are one transaction (`--atomic`), or come to nothing (`--dry-run`).

use super::{Origin, Runner};
use crate::shell::answer::code::Code;
use crate::shell::answer::done::Done;
use crate::shell::answer::reply::Failure;
use crate::shell::commands::mode::RunMode;
use crate::shell::render::{self, changes};
use crate::shell::text::argument::OutputMode;
use crate::shell::text::mask::Masks;
use crate::store::Store as _;

impl Runner<'_> {
    /// Makes the whole of what follows one transaction, or one that is only rehearsed.
    ///
    /// Answers are written as they come, from the pinned state and the changes before them. Whether what they confirm was
    /// stored, the status alone says.
    pub(crate) fn begin(&mut self, is_atomic: bool, is_dry: bool) -> Result<(), Failure> {
        self.mode = RunMode::begun(&mut self.session.borrow_mut().db, is_atomic, is_dry)?;
        self.bail |= is_atomic;
        Ok(())
    }

    /// Ends a script: commits it if it is one transaction, and leaves none open.
    pub(crate) fn end_script(&mut self, name: &str) {
        self.flush();
        if matches!(self.mode, RunMode::Atomic) {
            self.mode = RunMode::Plain;
            self.end_atomic();
        }
        let changed = self.mode.end_script(&mut self.session.borrow_mut().db);
        // Whoever left on the way, or was stopped, did not forget it.
        let was_meant = self.tally.left || self.output.is_gone() || self.is_stopped();
        if changed > 0 && !was_meant {
            let message = format!("{name}: `commit` is missing; {} rolled back", changes(changed));
            self.fail(Failure::usage(message), Origin::OneShot);
        }
        if self.mode.is_rehearsal() {
            return;
        }
        if changed > 0 && was_meant {
            self.left_open(changed);
        }
        self.notices();
        self.flush_out();
    }

    /// Commits, or says that nothing was stored and why.
    fn end_atomic(&mut self) {
        let rendering = self.rendering();
        if self.tally.is_good(self.output.is_gone()) {
            let changed = self.mode.commit(&mut self.session.borrow_mut().db);
            self.tally.has_changed |= changed.as_ref().is_ok_and(|&changes| changes > 0);
            let said = Self::prepare(changed.map(|changes| Done::Committed { changes }.into()), &rendering);
            // Its lines have had their answers; a program that counts them gets no other.
            if said.is_err() || rendering.mode != OutputMode::Json {
                self.deliver(said, Origin::OneShot, &rendering);
            }
        }
        // None is open if it was committed, or if its failure says what has become of it.
        let left = self.session.borrow_mut().db.rollback();
        if left.is_ok() {
            let why = match (self.tally.fault.take(), self.tally.exit) {
                (Some(line), _) => format!("{line} failed, and "),
                (None, Some(code @ 2..)) => format!("the script exited with status {code}, and "),
                _ => String::new(),
            };
            let message = format!("nothing was stored: {why}with --atomic a script is one transaction");
            if rendering.mode == OutputMode::Json {
                let failure = Failure { status: self.tally.worst, code: Code::NotStored, message, key: None };
                self.write_err(render::failure_json(&failure).as_bytes());
            } else {
                self.note(&message);
            }
        }
    }

    /// Says that leaving has ended a transaction.
    pub(crate) fn left_open(&mut self, changed: u64) {
        self.note(&format!("warning: the open transaction was rolled back ({})", changes(changed)));
    }

    /// Says what would have changed, if it was a rehearsal.
    pub(crate) fn end_rehearsal(&mut self) {
        if !self.mode.is_rehearsal() {
            return;
        }
        if !self.mode.is_atomic() || self.tally.is_good(self.output.is_gone()) {
            self.say_differences();
        } else {
            let line = self.tally.fault.take().map(|line| format!("{line} failed, and ")).unwrap_or_default();
            self.note(&format!("nothing would be stored: {line}with --atomic a script is one transaction"));
        }
        self.mode = RunMode::Plain;
        // It ends with the process.
        let _ = self.session.borrow_mut().db.rollback();
        self.notices();
        self.flush_out();
    }

    fn say_differences(&mut self) {
        let rendering = self.rendering();
        let is_json = rendering.mode == OutputMode::Json;
        let session = std::rc::Rc::clone(&self.session);
        let mut session = session.borrow_mut();
        let masks = if rendering.terminal { session.masks.clone() } else { Masks::default() };
        let mut separator = "[";
        for difference in session.db.differences() {
            match difference {
                Ok(difference) if is_json => {
                    let document = render::difference_json(&difference, &masks);
                    self.write_out(format!("{separator}{document}").as_bytes());
                    separator = ",";
                }
                Ok(difference) => self.write_out(&render::difference(&rendering, &difference, &masks)),
                Err(error) => {
                    self.failure(&error.into(), Origin::OneShot, &rendering);
                    break;
                }
            }
        }
        if is_json {
            self.write_out(if separator == "[" { b"[]\n" } else { b"]\n" });
        }
    }
}
