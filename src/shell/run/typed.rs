//! What a line typed at the prompt has that others do not: an answer that goes elsewhere or into the pager, the time it
//! took, and a finger on the word that is wrong.

use std::time::{Duration, Instant};

use super::runner::{Flow, Place, Runner};
use crate::shell::answer::reply::{Answer, Done, Failure, Reply};
use crate::shell::answer::status::Status;
use crate::shell::commands::counted;
use crate::shell::language::command;
use crate::shell::language::parse::Parsed;
use crate::shell::language::reading;
use crate::shell::language::redirect::{self, Target};
use crate::shell::render::{self, Look};
use crate::shell::terminal::console;
use crate::shell::terminal::destination::Descriptor;
use crate::shell::terminal::outlet::{Outlet, Pager, Program, Saved};
use crate::shell::text::caret::{Blame, Typed};
use crate::shell::text::words::Word;

impl Runner<'_> {
    /// Runs the words of a line typed at the prompt; `typed` is the line, if a person still sees it.
    pub(crate) fn typed(&mut self, words: &[Word<'_>], typed: Option<Typed>) -> Flow {
        self.typed = typed;
        // That is where it goes anyhow.
        let is_elsewhere = |target: &Target| match target {
            Target::File { path, .. } => Descriptor::named_by(path) != Some(Descriptor::Stdout),
            Target::Program(_) => true,
        };
        let cut = redirect::cut(words).map(|(command, target)| (command, target.filter(is_elsewhere)));
        let flow = match cut {
            Ok((command, Some(target))) => self.elsewhere(command, target),
            Ok((command, None)) => {
                let flow = self.paged(command);
                if std::mem::take(&mut self.leaves_row) {
                    self.flush_out();
                    self.console.end_row();
                }
                if let Some(note) = redirect::stuck(command) {
                    self.note(&note);
                }
                flow
            }
            Err(fault) => {
                self.blame = Some(Blame::Span(fault.span));
                self.fail(Failure::usage(fault.message), Place::Prompt)
            }
        };
        self.typed = None;
        self.blame = None;
        flow
    }

    /// Says what is wrong with a line typed at the prompt that could not be split into words.
    pub(crate) fn mistyped(&mut self, failure: Failure, blame: Blame, typed: Option<Typed>) -> Flow {
        (self.typed, self.blame) = (typed, Some(blame));
        let flow = self.fail(failure, Place::Prompt);
        self.typed = None;
        flow
    }

    /// Says how long a line typed at the prompt took, if that is wanted, or if it was long and nobody else had a part in that.
    pub(crate) fn took(&mut self, start: Instant) {
        const LONG: Duration = Duration::from_millis(500);
        let waited = self.waited.replace(Duration::ZERO);
        let took = start.elapsed().saturating_sub(waited.unwrap_or_default());
        if self.session.borrow().timer {
            self.note(&format!("{took:.1?}"));
        } else if took >= LONG && waited.is_some() && !self.console.look.quiet {
            let line = render::aside(self.console.err_color, &format!("{:.1} s", took.as_secs_f64()));
            self.write_err(line.as_bytes());
        }
    }

    /// Runs a command whose answer goes through the pager, should it be longer than the screen.
    fn paged(&mut self, words: &[Word<'_>]) -> Flow {
        let pager = self.pager.clone().filter(|_| words.first().is_some_and(|name| command::reads(&name.bytes)));
        let Some(pager) = pager else { return self.words(words, Place::Prompt) };
        let outlet = Outlet::pager(pager, self.console.look.width, console::height());
        let look = Look { paged: true, ..self.console.look.clone() };
        self.through(&outlet, look, |runner| runner.words(words, Place::Prompt))
    }

    /// Runs a command whose answer goes into a program or a file, as it would into a pipe.
    fn elsewhere(&mut self, words: &[Word<'_>], target: Target) -> Flow {
        let parsed = match self.parser.line(words) {
            Ok(parsed) => parsed,
            Err(failure) => {
                self.blame = self.parser.blame.take();
                return self.fail(failure, Place::Prompt);
            }
        };
        let outlet = match target {
            Target::Program(line) => Program::of_shell(&line).map(Outlet::program),
            Target::File { path, append } => {
                Saved::open(path, append, &self.session.borrow().own_files()).map(Outlet::file)
            }
        };
        let outlet = match outlet {
            Ok(outlet) => outlet,
            Err(failure) => return self.fail(failure, Place::Prompt),
        };
        let look = Look { terminal: false, width: 0, color: false, exact: true, ..self.console.look.clone() };
        self.through(&outlet, look, |runner| match parsed {
            Parsed::Run(line) => runner.line(line, Place::Prompt),
            Parsed::Text(text) => runner.answer(Ok(Reply::Text(text).into()), Place::Prompt, None),
        })
    }

    /// Runs something whose answer goes into an outlet. What goes to stderr meanwhile waits for that to end.
    fn through(&mut self, outlet: &Outlet, look: Look, run: impl FnOnce(&mut Self) -> Flow) -> Flow {
        // What a block has said before comes first.
        self.flush_out();
        let out = std::mem::replace(&mut self.console.out, Box::new(outlet.clone()));
        let look = std::mem::replace(&mut self.console.look, look);
        let worst = std::mem::replace(&mut self.worst, Status::Done);
        self.outlet = Some(outlet.clone());
        let flow = run(self);
        self.flush_out();
        let failed = self.worst >= Status::No;
        let ended = outlet.end(failed);
        if ended.was_shared {
            // How long it has waited for that program, or its person, cannot be told.
            self.waited = None;
        }
        self.outlet = None;
        self.console.out = out;
        self.console.look = look;
        // A reader that went away was the program behind the pipe, not the person at the prompt.
        let was_deaf = std::mem::take(&mut self.deaf);
        self.gone = false;
        self.worst = self.worst.max(worst);
        if ended.was_shared {
            self.console.end_row();
        }
        let late = std::mem::take(&mut self.late);
        self.write_err(&late);
        if let Some(failure) = ended.failure.filter(|_| !was_deaf) {
            self.fail(failure, Place::Prompt);
        }
        if let Some(note) = ended.note.filter(|_| !self.console.look.quiet) {
            self.note(&note);
        }
        if self.left { flow } else { Flow::Next }
    }

    /// Says how many commands a script had that was run from the prompt.
    pub(crate) fn ran(&mut self, commands: u64) -> Flow {
        let done = Done::new(format!("Ran {}", counted(commands, "command", "commands")));
        self.answer(Ok(Reply::Done(done).into()), Place::Prompt, None)
    }

    /// Answers longer than the screen are shown by the pager of the environment from now on, if there is one.
    pub(crate) fn find_pager(&mut self) {
        self.pager = Pager::of_environment();
    }

    pub(crate) fn set_pager(&mut self, on: bool) -> Result<Answer<'static>, Failure> {
        self.pager = if on { Pager::of_environment().or_else(Pager::usual) } else { None };
        if on && self.pager.is_none() {
            return Err(Failure::usage("there is no pager for this terminal; PAGER names one"));
        }
        Ok(Reply::Done(Done::new(format!("Pager is {}", if on { "on" } else { "off" }))).into())
    }

    /// The lines that point at what is wrong with the line that was typed, if that is known and can be seen.
    pub(crate) fn pointer(&mut self, failure: &Failure) -> String {
        let blame = self.blame.take().or_else(|| match (failure.code, &failure.key) {
            ("not_found" | "wrong_type", Some(key)) => Some(Blame::Word(key.clone().into_bytes())),
            ("not_json", _) => self.typed.as_ref()?.argument(1, reading::takes_next).map(Blame::Span),
            _ => None,
        });
        let typed = self.typed.as_ref().filter(|_| self.console.err_terminal);
        let pointer = typed.zip(blame).and_then(|(typed, blame)| typed.point(&blame));
        pointer.map(|pointer| render::pointer(self.console.err_color, &pointer)).unwrap_or_default()
    }
}
