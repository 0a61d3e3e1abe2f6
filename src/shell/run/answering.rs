//! How the answer of one command leaves the runner: rendered, written or held back, with its notes and its failure.

use std::cell::Cell;
use std::io;
use std::rc::Rc;

use super::{Flow, Origin, Runner};
use crate::shell::answer::reply::{Answer, Failure, Reply};
use crate::shell::answer::status::Status;
use crate::shell::render::{self, RenderError, RenderOptions};
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
        place: Origin<'_>,
        rendering: Option<&RenderOptions>,
    ) -> Flow {
        if self.flush() == Flow::Stop {
            return Flow::Stop;
        }
        let rendering = rendering.copied().unwrap_or(self.rendering());
        let said = Self::prepare(answer, &rendering);
        self.deliver(said, place, &rendering)
    }

    pub(crate) fn deliver(
        &mut self,
        said: Result<Said, Failure>,
        place: Origin<'_>,
        rendering: &RenderOptions,
    ) -> Flow {
        match said {
            Ok(Said { out, status, notes }) => {
                if !self.mode.is_rehearsal() {
                    self.write_out(&out);
                }
                self.notes(&notes, place, rendering);
                self.finish(status)
            }
            Err(failure) => self.failure(&failure, place, rendering),
        }
    }

    /// Writes an answer as it comes.
    pub(crate) fn stream(
        &mut self,
        answer: Result<Answer<'_>, Failure>,
        place: Origin<'_>,
        rendering: &RenderOptions,
    ) -> Flow {
        let answer = match answer {
            Ok(answer) if !self.output.is_deaf() && !self.mode.is_rehearsal() => answer,
            Ok(answer) => return self.finish(answer.status),
            Err(failure) => return self.failure(&failure, place, rendering),
        };
        let Answer { reply, status, notes } = answer;
        let later = if let Reply::Pieces(pieces) = &reply { Rc::clone(&pieces.notes) } else { Rc::default() };
        let (reply, found) = counted(reply);
        let written = render::reply(&mut *self.output.console.out, rendering, reply);
        self.tally.found_nothing = found.is_some_and(|found| !found.get());
        match written {
            Ok(()) => {
                self.notes(&notes, place, rendering);
                self.notes(&later.borrow(), place, rendering);
                self.finish(status)
            }
            // Stdout has its whole document already, and a second one would be taken for the next line's.
            Err(RenderError::Source(failure)) if failure.is_of_whole_file() => {
                self.failure_on_stderr(&failure, place, rendering)
            }
            Err(RenderError::Source(failure)) => self.failure(&failure, place, rendering),
            Err(RenderError::Output(error)) => self.broken(&error),
        }
    }

    pub(crate) fn notes(&mut self, notes: &[String], place: Origin<'_>, rendering: &RenderOptions) {
        // A program reads the document; what a note says is in it.
        if rendering.mode == OutputMode::Json {
            return;
        }
        for note in notes {
            match place {
                Origin::Script { name, line } => self.note(&format!("{name}:{line}: {note}")),
                Origin::OneShot | Origin::Prompt => self.note(note),
            }
        }
    }

    pub(crate) fn failure(&mut self, failure: &Failure, place: Origin<'_>, rendering: &RenderOptions) -> Flow {
        // What goes to stdout in a rehearsal is what would change, and nothing else.
        if rendering.mode == OutputMode::Json && matches!(place, Origin::Script { .. }) && !self.mode.is_rehearsal() {
            self.write_out(render::failure_json(failure).as_bytes());
            return self.failed(failure, place);
        }
        self.failure_on_stderr(failure, place, rendering)
    }

    fn failure_on_stderr(&mut self, failure: &Failure, place: Origin<'_>, rendering: &RenderOptions) -> Flow {
        let style = self.output.console.err_style;
        let line = match place {
            Origin::Script { .. } | Origin::OneShot if rendering.mode == OutputMode::Json => {
                render::failure_json(failure)
            }
            Origin::Script { name, line } => render::failure(style, Some(&format!("{name}:{line}")), failure),
            Origin::OneShot => render::failure(style, None, failure),
            Origin::Prompt => {
                let pointer = self.frontend.pointer(failure).filter(|_| style.width > 0);
                let pointer = pointer.map(|pointer| render::pointer(style.color, &pointer)).unwrap_or_default();
                pointer + &render::failure(style, None, failure)
            }
        };
        self.write_err(line.as_bytes());
        self.failed(failure, place)
    }

    fn failed(&mut self, failure: &Failure, place: Origin<'_>) -> Flow {
        if let (Origin::Script { name, line }, true, None) = (place, failure.status >= Status::Usage, &self.tally.fault)
        {
            self.tally.fault = Some(format!("{name}:{line}"));
        }
        self.finish(failure.status)
    }

    /// Renders an answer that is small enough to be held.
    pub(crate) fn prepare(answer: Result<Answer<'_>, Failure>, rendering: &RenderOptions) -> Result<Said, Failure> {
        let Answer { reply, status, notes } = answer?;
        let mut out = Vec::new();
        // Held, perhaps twice, and as much again while it grows.
        check_memory(4 * render::large(&reply).unwrap_or(0))?;
        match render::reply(&mut out, rendering, reply) {
            Err(RenderError::Source(failure)) => Err(failure),
            // Writing to a Vec cannot fail.
            Ok(()) | Err(RenderError::Output(_)) => Ok(Said { out, status, notes }),
        }
    }

    pub(crate) fn write_out(&mut self, bytes: &[u8]) {
        if self.batch.is_open() {
            self.batch.hold(bytes, false);
        } else if let Err(error) = self.output.write(bytes) {
            self.broken(&error);
        }
    }

    pub(crate) fn write_err(&mut self, bytes: &[u8]) {
        if self.batch.is_open() {
            self.batch.hold(bytes, true);
            return;
        }
        if let Err(error) = self.output.flush_for_err() {
            self.broken(&error);
        }
        self.output.write_err(bytes);
    }

    pub(crate) fn flush_out(&mut self) -> Flow {
        match self.output.flush() {
            Ok(()) if self.is_alone() => Flow::Stop,
            Ok(()) => Flow::Next,
            Err(error) => self.broken(&error),
        }
    }

    fn broken(&mut self, error: &io::Error) -> Flow {
        let status = self.output.give_up(error, self.tally.has_changed);
        self.finish(status)
    }

    /// Writes a line to stderr that is no error.
    pub(crate) fn note(&mut self, note: &str) {
        let line = render::note(self.output.console.err_style, note);
        self.write_err(line.as_bytes());
    }

    /// Says what the database, and others that a command has looked at, have to say about their files.
    pub(crate) fn notices(&mut self) {
        let notices = self.session.borrow_mut().take_notices();
        if !self.output.console.rendering.quiet {
            for notice in notices {
                self.note(&notice);
            }
        }
    }
}

/// A listing that notes whether there is anything in it.
fn counted(reply: Reply<'_>) -> (Reply<'_>, Option<Rc<Cell<bool>>>) {
    let Reply::Listing(mut listing) = reply else { return (reply, None) };
    let found = Rc::new(Cell::new(false));
    let is_found = Rc::clone(&found);
    listing.entries = Box::new(listing.entries.inspect(move |_| is_found.set(true)));
    (Reply::Listing(listing), Some(found))
}
