//! Runs the lines that are typed at the prompt, with what others do not have: an answer that goes elsewhere or into the
//! pager, the time it took, and a finger on the word that is wrong.

use std::cell::RefCell;
use std::path::Path;
use std::process::Command;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::editor::Editor;
use super::frontend::{LineState, PromptFrontend};
use crate::shell::answer::code::Code;
use crate::shell::answer::reply::Failure;
use crate::shell::answer::status::Status;
use crate::shell::commands::Session;
use crate::shell::language::reading;
use crate::shell::language::redirect::{self, Target};
use crate::shell::render::{self, RenderOptions};
use crate::shell::run::{Flow, Origin, Runner, script};
use crate::shell::terminal::console::{self, Console};
use crate::shell::terminal::destination::Descriptor;
use crate::shell::terminal::interrupt;
use crate::shell::terminal::outlet::{Outlet, Pager, Program, Saved};
use crate::shell::text::caret::{Blame, TypedLine};
use crate::shell::text::escape::excerpt;
use crate::shell::text::words::{Step, Word};

/// A runner, and what the person at the prompt has besides.
pub(super) struct Prompt {
    pub(super) runner: Runner<'static>,
    line_state: Rc<RefCell<LineState>>,
}

impl Prompt {
    pub(super) fn new(session: Rc<RefCell<Session>>, console: Console, editor: Rc<RefCell<Editor>>, yes: bool) -> Self {
        let line_state = Rc::new(RefCell::new(LineState::new(Pager::of_environment())));
        let frontend = Box::new(PromptFrontend { editor, line_state: Rc::clone(&line_state) });
        Self { runner: Runner::new(session, console, frontend, yes), line_state }
    }

    /// Runs what was typed or pasted behind a prompt of so many columns. After Ctrl-C the rest of it is not run.
    pub(super) fn run(&mut self, text: &str, prompt: usize) -> Flow {
        let mut splitter = reading::prompt();
        let room = self.runner.rendering().width;
        let mut rest = text;
        while !rest.is_empty() {
            let step = splitter.step(rest.as_bytes(), true);
            let (Step::Command { consumed, .. } | Step::Error { consumed, .. }) = step else { break };
            let (line, behind) = rest.split_at(consumed);
            // What stands in the rows below a word that has gone on there belongs to it.
            let goes_on = matches!(&step, Step::Error { through, .. } if *through > consumed);
            let is_all = line.trim() == text.trim();
            let start = Instant::now();
            self.runner.read_on(true, false);
            let flow = match step {
                Step::Command { words, .. } => {
                    let typed = TypedLine::new(line, &words, prompt, room, is_all);
                    match self.typed(&words, typed) {
                        Flow::Source(file) => script::source(&mut self.runner, &file, Origin::Prompt),
                        flow => flow,
                    }
                }
                Step::Error { error, .. } => {
                    let end = line[error.at..].find('\n').map_or(line.len(), |newline| error.at + newline);
                    let typed = TypedLine::new(line, &[], prompt, room, is_all);
                    let failure = Failure { code: Code::Syntax, ..Failure::usage(error.message) };
                    self.mistyped(failure, Blame::Span(error.at..end), typed)
                }
                Step::More(_) => break,
            };
            self.took(start);
            if flow == Flow::Stop {
                self.runner.flush();
                return Flow::Stop;
            }
            if goes_on || interrupt::is_asked() {
                break;
            }
            rest = behind;
        }
        self.runner.flush()
    }

    /// Runs the words of a line; `typed` is the line, if a person still sees it.
    fn typed(&mut self, words: &[Word<'_>], typed: Option<TypedLine>) -> Flow {
        self.line_state.borrow_mut().typed = typed;
        if let Some(line) = redirect::program(words) {
            let flow = self.outside(&line);
            self.line_state.borrow_mut().typed = None;
            return flow;
        }
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
                if self.runner.output.has_left_row() {
                    self.runner.flush_out();
                    self.runner.output.console.end_row();
                }
                if let Some(note) = redirect::stuck(command) {
                    self.runner.note(&note);
                }
                flow
            }
            Err(fault) => self.blamed(Failure::usage(fault.message), Some(Blame::Span(fault.span))),
        };
        let mut line_state = self.line_state.borrow_mut();
        (line_state.typed, line_state.blame) = (None, None);
        flow
    }

    /// Runs a command of the system's shell, which has the terminal meanwhile.
    fn outside(&mut self, line: &str) -> Flow {
        if line.is_empty() {
            return self.blamed(Failure::usage("expected a command of sh after `!`: !ls"), Some(Blame::End));
        }
        self.runner.flush_out();
        // How long that takes is not ours to tell.
        self.line_state.borrow_mut().waited = None;
        match interrupt::run_lent(Command::new("sh").arg("-c").arg(line)) {
            Ok(status) => {
                self.runner.output.console.end_row();
                if !status.success() {
                    self.runner.note(&format!("'{}' ended with {status}", excerpt(line, 60)));
                }
                Flow::Next
            }
            Err(error) => self.runner.fail(Failure::io("run", Path::new("sh"), &error), Origin::Prompt),
        }
    }

    /// Says what is wrong with a line that could not be split into words.
    fn mistyped(&mut self, failure: Failure, blame: Blame, typed: Option<TypedLine>) -> Flow {
        self.line_state.borrow_mut().typed = typed;
        let flow = self.blamed(failure, Some(blame));
        self.line_state.borrow_mut().typed = None;
        flow
    }

    /// Says a failure that something in the line is to blame for.
    fn blamed(&mut self, failure: Failure, blame: Option<Blame>) -> Flow {
        self.line_state.borrow_mut().blame = blame;
        self.runner.fail(failure, Origin::Prompt)
    }

    /// Says how long a line took, if that is wanted, or if it was long and nobody else had a part in that.
    fn took(&mut self, start: Instant) {
        const LONG: Duration = Duration::from_millis(500);
        let waited = self.line_state.borrow_mut().waited.replace(Duration::ZERO);
        let took = start.elapsed().saturating_sub(waited.unwrap_or_default());
        let console = &self.runner.output.console;
        if self.runner.settings.timer {
            self.runner.note(&format!("{took:.1?}"));
        } else if took >= LONG && waited.is_some() && !console.rendering.quiet {
            let line = render::aside(console.err_style.color, &format!("{:.1} s", took.as_secs_f64()));
            self.runner.write_err(line.as_bytes());
        }
    }

    /// Runs a command whose answer goes through the pager, should it be longer than the screen.
    fn paged(&mut self, words: &[Word<'_>]) -> Flow {
        let is_read = words.first().is_some_and(|name| reading::answers(&name.bytes));
        let pager = self.line_state.borrow().pager.clone().filter(|_| is_read);
        let Some(pager) = pager else { return self.runner.words(words, Origin::Prompt) };
        let rendering = self.runner.rendering();
        let outlet = Outlet::pager(pager, rendering.width, console::height());
        self.through(&outlet, RenderOptions { paged: true, ..rendering }, |runner| runner.words(words, Origin::Prompt))
    }

    /// Runs a command whose answer goes into a program or a file, as it would into a pipe.
    fn elsewhere(&mut self, words: &[Word<'_>], target: Target) -> Flow {
        let parsed = match self.runner.parser.line(words) {
            Ok(parsed) => parsed,
            Err(failure) => {
                let blame = self.runner.parser.blame.take();
                let flow = self.blamed(failure, blame);
                self.runner.hint(Origin::Prompt, || words.into());
                return flow;
            }
        };
        let outlet = match target {
            Target::Program(line) => Program::of_shell(&line).map(Outlet::program),
            Target::File { path, append } => {
                Saved::open(path, append, &self.runner.session.borrow().own_files()).map(Outlet::file)
            }
        };
        let outlet = match outlet {
            Ok(outlet) => outlet,
            Err(failure) => return self.runner.fail(failure, Origin::Prompt),
        };
        let rendering =
            RenderOptions { terminal: false, width: 0, color: false, exact: true, ..self.runner.rendering() };
        self.through(&outlet, rendering, |runner| runner.parsed(parsed, Origin::Prompt))
    }

    /// Runs something whose answer goes into an outlet. What goes to stderr meanwhile waits for that to end.
    fn through(
        &mut self,
        outlet: &Outlet,
        rendering: RenderOptions,
        run: impl FnOnce(&mut Runner<'static>) -> Flow,
    ) -> Flow {
        let runner = &mut self.runner;
        // What a block has said before comes first.
        runner.flush_out();
        let before = runner.output.turn(outlet, rendering);
        let worst = std::mem::replace(&mut runner.tally.worst, Status::Done);
        let flow = run(runner);
        runner.flush_out();
        let ended = outlet.end(runner.tally.worst >= Status::No);
        if ended.was_shared {
            // How long it has waited for that program, or its person, cannot be told.
            self.line_state.borrow_mut().waited = None;
        }
        let (late, took_all) = runner.output.turn_back(before);
        runner.tally.worst = runner.tally.worst.max(worst);
        if ended.was_shared {
            runner.output.console.end_row();
        }
        runner.write_err(&late);
        if let Some(failure) = ended.failure.filter(|_| took_all) {
            runner.fail(failure, Origin::Prompt);
        }
        if let Some(note) = ended.note.filter(|_| !runner.rendering().quiet) {
            runner.note(&note);
        }
        if runner.tally.left { flow } else { Flow::Next }
    }
}
