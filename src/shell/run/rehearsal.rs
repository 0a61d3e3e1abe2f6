//! `--dry-run`: the commands run on a transaction that is never committed, and what it has come to is said instead of
//! their answers.

use super::runner::{Place, Runner};
use crate::shell::answer::reply::Failure;
use crate::shell::answer::status::Status;
use crate::shell::commands::changes;
use crate::shell::render;
use crate::shell::text::argument::OutputMode;
use crate::store::Store as _;

impl Runner<'_> {
    /// From now on nothing is changed.
    pub(crate) fn begin_rehearsal(&mut self) -> Result<(), Failure> {
        let mut session = self.session.borrow_mut();
        if !self.atomic {
            session.db.begin()?;
        }
        session.rehearses = true;
        self.rehearses = true;
        Ok(())
    }

    /// Ends a script that is rehearsed: a transaction that it has left open would have been rolled back.
    pub(crate) fn end_rehearsed_script(&mut self, name: &str) {
        let mut session = self.session.borrow_mut();
        let Some(mark) = session.mark.take() else { return };
        let all = session.db.back_to(mark);
        let left = session.db.open_transaction().map_or(0, |kept| all.saturating_sub(kept));
        drop(session);
        if left > 0 && !self.left && !self.gone && !self.is_stopped() {
            let message = format!("{name}: `commit` is missing; {} rolled back", changes(left));
            self.fail(Failure::usage(message), Place::OneShot);
        }
    }

    /// Says what would have changed, if it was a rehearsal.
    pub(crate) fn end_rehearsal(&mut self) {
        if !self.rehearses {
            return;
        }
        let is_stored = !self.atomic || (self.worst < Status::Usage && self.code() < Status::Usage.code());
        if is_stored {
            self.say_differences();
        } else {
            let line = self.fault.take().map(|line| format!("{line} failed, and ")).unwrap_or_default();
            self.note(&format!("nothing would be stored: {line}with --atomic a script is one transaction"));
        }
        self.atomic = false;
        // It ends with the process.
        let _ = self.session.borrow_mut().db.rollback();
        self.notices();
        self.flush_out();
    }

    fn say_differences(&mut self) {
        let look = self.look();
        let is_json = look.mode == OutputMode::Json;
        let session = std::rc::Rc::clone(&self.session);
        let mut session = session.borrow_mut();
        let mut separator = "[";
        for difference in session.db.differences() {
            match difference {
                Ok(difference) if is_json => {
                    let document = render::difference_json(&difference);
                    self.write_out(format!("{separator}{document}").as_bytes());
                    separator = ",";
                }
                Ok(difference) => self.write_out(&render::difference(&look, &difference)),
                Err(error) => {
                    self.failure(&error.into(), Place::OneShot, &look);
                    break;
                }
            }
        }
        if is_json {
            self.write_out(if separator == "[" { b"[]\n" } else { b"]\n" });
        }
    }
}
