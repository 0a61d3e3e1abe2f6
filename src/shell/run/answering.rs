//! How the answer of one command leaves the runner: rendered, written or held back, with its notes and its failure.

use std::rc::Rc;

use super::runner::{Flow, Place, Runner};
use crate::shell::answer::reply::{Answer, Failure, Reply};
use crate::shell::answer::status::Status;
use crate::shell::render::{self, Look, Trouble};
use crate::shell::text::argument::OutputMode;
use crate::storage::check_memory;

/// An answer as it will be written.
pub(crate) struct Said {
    out: Vec<u8>,
    status: Status,
    notes: Vec<String>,
}

impl Runner<'_> {
    /// Writes an answer of the shell itself. What waits before it is written first, as it does not depend on it.
    pub(crate) fn answer(
        &mut self,
        answer: Result<Answer<'_>, Failure>,
        place: Place<'_>,
        look: Option<&Look>,
    ) -> Flow {
        if self.flush() == Flow::Stop {
            return Flow::Stop;
        }
        let look = look.cloned().unwrap_or_else(|| self.look());
        let said = Self::prepare(answer, &look);
        self.deliver(said, place, &look)
    }

    pub(crate) fn deliver(&mut self, said: Result<Said, Failure>, place: Place<'_>, look: &Look) -> Flow {
        match said {
            Ok(Said { out, status, notes }) => {
                if !self.rehearses {
                    self.write_out(&out);
                }
                self.notes(&notes, place, look);
                self.finish(status)
            }
            Err(failure) => self.failure(&failure, place, look),
        }
    }

    /// Writes an answer as it comes.
    pub(crate) fn stream(&mut self, answer: Result<Answer<'_>, Failure>, place: Place<'_>, look: &Look) -> Flow {
        let answer = match answer {
            Ok(answer) if !self.deaf && !self.rehearses => answer,
            Ok(answer) => return self.finish(answer.status),
            Err(failure) => return self.failure(&failure, place, look),
        };
        let Answer { reply, status, notes } = answer;
        let later = if let Reply::Pieces(pieces) = &reply { Rc::clone(&pieces.notes) } else { Rc::default() };
        let written = render::reply(&mut *self.console.out, look, reply);
        match written {
            Ok(()) => {
                self.notes(&notes, place, look);
                self.notes(&later.borrow(), place, look);
                self.finish(status)
            }
            // Stdout has its whole document already, and a second one would be taken for the next line's.
            Err(Trouble::Source(failure)) if failure.is_of_whole_file() => {
                self.failure_on_stderr(&failure, place, look)
            }
            Err(Trouble::Source(failure)) => self.failure(&failure, place, look),
            Err(Trouble::Output(error)) => self.broken(&error),
        }
    }

    pub(crate) fn notes(&mut self, notes: &[String], place: Place<'_>, look: &Look) {
        // A program reads the document; what a note says is in it.
        if look.mode == OutputMode::Json {
            return;
        }
        for note in notes {
            match place {
                Place::Script { name, line } => self.note(&format!("{name}:{line}: {note}")),
                Place::OneShot | Place::Prompt => self.note(note),
            }
        }
    }

    pub(crate) fn failure(&mut self, failure: &Failure, place: Place<'_>, look: &Look) -> Flow {
        // What goes to stdout in a rehearsal is what would change, and nothing else.
        if look.mode == OutputMode::Json && matches!(place, Place::Script { .. }) && !self.rehearses {
            self.write_out(render::failure_json(failure).as_bytes());
            return self.failed(failure, place);
        }
        self.failure_on_stderr(failure, place, look)
    }

    fn failure_on_stderr(&mut self, failure: &Failure, place: Place<'_>, look: &Look) -> Flow {
        let color = self.console.err_color;
        let line = match place {
            Place::Script { .. } | Place::OneShot if look.mode == OutputMode::Json => render::failure_json(failure),
            Place::Script { name, line } => render::failure(color, Some(&format!("{name}:{line}")), failure),
            Place::OneShot => render::failure(color, None, failure),
            Place::Prompt => self.pointer(failure) + &render::failure(color, None, failure),
        };
        self.write_err(line.as_bytes());
        self.failed(failure, place)
    }

    fn failed(&mut self, failure: &Failure, place: Place<'_>) -> Flow {
        if let (Place::Script { name, line }, true, None) = (place, failure.status >= Status::Usage, &self.fault) {
            self.fault = Some(format!("{name}:{line}"));
        }
        self.finish(failure.status)
    }

    /// Renders an answer that is small enough to be held.
    pub(crate) fn prepare(answer: Result<Answer<'_>, Failure>, look: &Look) -> Result<Said, Failure> {
        let Answer { reply, status, notes } = answer?;
        let mut out = Vec::new();
        // Held, perhaps twice, and as much again while it grows.
        check_memory(4 * render::large(&reply).unwrap_or(0))?;
        match render::reply(&mut out, look, reply) {
            Err(Trouble::Source(failure)) => Err(failure),
            // Writing to a Vec cannot fail.
            Ok(()) | Err(Trouble::Output(_)) => Ok(Said { out, status, notes }),
        }
    }
}
