//! Runs commands one after another and writes their answers: what scripts, the prompt and one-shots have in common.
//!
//! | module | what it is |
//! | --- | --- |
//! | `script` | lines from a file or a pipe |
//! | `batch` | a script's changes that are synced together, and their answers meanwhile |
//! | `output`, `answering` | where answers go, and how one gets there |
//! | `ending` | what ends a script, and a run that is one transaction or a rehearsal |
//! | `tally` | what a run has come to, and its status |
//! | `settings` | the settings of a run, and where they come from |
//! | `shell_command` | the commands of the shell itself |
//! | `hinting` | what is said after a line that did not do what was meant |
//! | `program` | `run`: another program with keys as its environment |
//! | `frontend` | who gives the commands: a person who can be asked, or nobody |
//!
//! In a script, changes are gathered into batches: a batch takes the lock with its first change, is synced at once, and
//! only then are its answers written, with the lock given back.

pub(crate) mod answering;
pub(crate) mod batch;
pub(crate) mod ending;
#[cfg(test)]
mod foreign;
pub(crate) mod frontend;
#[cfg(test)]
mod golden;
mod hinting;
pub(crate) mod output;
pub(crate) mod program;
pub(crate) mod script;
pub(crate) mod settings;
pub(crate) mod shell_command;
pub(crate) mod tally;

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

use self::batch::PendingAnswers;
use self::frontend::Frontend;
use self::output::Output;
use self::settings::RunSettings;
use self::tally::Tally;
use crate::shell::answer::code::{Code, Reason};
use crate::shell::answer::done::Done;
use crate::shell::answer::masked::masked;
use crate::shell::answer::reply::{Answer, Failure, Reply};
use crate::shell::answer::status::Status;
use crate::shell::commands::mode::RunMode;
use crate::shell::commands::traits::{NotIn, Pace, Traits, WithoutUndo};
use crate::shell::commands::{self, Caller, Session, Warnings};
use crate::shell::language::cli::Line;
use crate::shell::language::command::Command;
use crate::shell::language::help;
use crate::shell::language::parse::{self, Parsed, Parser};
use crate::shell::render::{self, RenderOptions};
use crate::shell::terminal::console::Console;
use crate::shell::terminal::interrupt;
use crate::shell::terminal::progress;
use crate::shell::text::argument::OutputMode;
use crate::shell::text::words::Word;
use crate::store::Store as _;

/// Whether a command has failed because it cannot be undone and nobody has agreed to that.
fn lacks_consent<T>(done: &Result<T, Failure>) -> bool {
    done.as_ref().is_err_and(|failure| failure.code == Code::Irreversible)
}

/// Whether a command has changed something that is stored. What a transaction changes is stored by its commit.
fn is_stored(answer: &Answer<'_>, traits: &Traits, was_in_transaction: bool) -> bool {
    match answer.reply {
        Reply::Done(Done::Committed { changes }) => changes > 0,
        Reply::Done(Done::Begun) => false,
        _ => !traits.effect.is_read() && !was_in_transaction,
    }
}

/// Where a command came from; failures are shown accordingly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin<'a> {
    /// The program's arguments.
    OneShot,
    /// A person at the prompt.
    Prompt,
    /// A line of a script.
    Script { name: &'a str, line: usize },
}

impl Origin<'_> {
    fn is_script(self) -> bool {
        matches!(self, Self::Script { .. })
    }
}

/// Whether to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Next,
    /// The commands of that file come first.
    Source(PathBuf),
    /// `exit`, `--bail`, or an output that nobody reads any more.
    Stop,
}

/// Runs commands on one session.
pub(crate) struct Runner<'a> {
    pub(crate) session: Rc<RefCell<Session>>,
    frontend: Box<dyn Frontend + 'a>,
    pub(crate) parser: Parser,
    pub(crate) output: Output,
    pub(crate) tally: Tally,
    mode: RunMode,
    batch: PendingAnswers,
    /// End at the first status of 2 or more.
    pub(crate) bail: bool,
    /// Never ask.
    yes: bool,
    pub(crate) settings: RunSettings,
    /// The folder of the script that runs, if that is a file.
    folder: Option<PathBuf>,
    /// How many `source` are under way.
    depth: usize,
}

impl<'a> Runner<'a> {
    pub(crate) fn new(
        session: Rc<RefCell<Session>>,
        console: Console,
        frontend: Box<dyn Frontend + 'a>,
        yes: bool,
    ) -> Self {
        Self {
            session,
            frontend,
            parser: Parser::default(),
            output: Output::new(console),
            tally: Tally::new(),
            mode: RunMode::Plain,
            batch: PendingAnswers::new(),
            bail: false,
            yes,
            settings: RunSettings::default(),
            folder: None,
            depth: 0,
        }
    }

    /// The status that the program ends with.
    pub(crate) fn code(&self) -> u8 {
        self.tally.code(self.output.is_gone())
    }

    /// How answers are written unless a line says otherwise.
    pub(crate) fn rendering(&self) -> RenderOptions {
        self.output.console.rendering
    }

    /// Runs the words of one line; none at all is a comment or a blank line.
    pub(crate) fn words(&mut self, words: &[Word<'_>], place: Origin<'_>) -> Flow {
        if words.is_empty() {
            return self.pace();
        }
        if let Origin::Script { name, line } = place
            && let Some((key, value)) = parse::plain_set(words)
            && !self.settings.timer
            && let Some(flow) = self.set(key, value, name, line)
        {
            return flow;
        }
        self.tally.found_nothing = false;
        let flow = match self.parser.line(words) {
            Ok(parsed) => self.parsed(parsed, place),
            Err(failure) => {
                if let Some(blame) = self.parser.blame.take().filter(|_| place == Origin::Prompt) {
                    self.frontend.blame(blame);
                }
                let args: Vec<_> = words.iter().map(Word::to_arg).collect();
                let json =
                    parse::asks_for_json(&args).then(|| RenderOptions { mode: OutputMode::Json, ..self.rendering() });
                self.answer(Err(failure), place, json.as_ref())
            }
        };
        self.hint(place, || words.into());
        flow
    }

    /// Runs a line, or answers it with the help that it asks for.
    pub(crate) fn parsed(&mut self, parsed: Parsed<Line>, place: Origin<'_>) -> Flow {
        let text = match parsed {
            Parsed::Run(line) => return self.line(line, place),
            Parsed::Help(command) => help::text(command.as_deref(), self.rendering().width),
            Parsed::Version(text) => Ok(text),
        };
        self.answer(text.map(|text| Reply::Text(text).into()), place, None)
    }

    /// A plain `set` of a script, past all that it does not need: nothing is read for it, and mostly nothing said. The usual
    /// way it would take 1.6 times as long. `None` if a person is to be asked first.
    fn set(&mut self, key: &str, value: &[u8], name: &str, line: usize) -> Option<Flow> {
        let rendering = self.rendering();
        let mut session = self.session.borrow_mut();
        let is_open = session.db.is_in_transaction();
        if !is_open {
            session.db.begin_batch();
        }
        let set = session.set_plain(key, value);
        if lacks_consent(&set) {
            return None;
        }
        if !is_open {
            self.batch.add(&session.db, name, line, rendering.mode == OutputMode::Json);
        }
        drop(session);
        self.note_change(set.is_ok() && !is_open, true);
        let is_silent = set.is_ok() && rendering.mode != OutputMode::Json;
        let flow = if is_silent {
            self.finish(Status::Done)
        } else {
            let answer = set.map(|()| Done::Set { key: key.to_owned() }.into());
            self.deliver(Self::prepare(answer, &rendering), Origin::Script { name, line }, &rendering)
        };
        Some(if flow == Flow::Next { self.pace() } else { flow })
    }

    /// Runs one command.
    pub(crate) fn line(&mut self, line: Line, place: Origin<'_>) -> Flow {
        let Line { options, command } = line;
        // Asking for the time takes longer than all else that is done here for a line of a script. `timer` times itself.
        let start = (self.settings.timer || matches!(command, Command::Shell(_))).then(Instant::now);
        let in_script = place.is_script();
        let own = self.rendering();
        // Nobody wants a script's changes confirmed one by one.
        let quiet = own.quiet || in_script;
        let exact = options.output == Some(OutputMode::Raw) || (own.exact && !in_script);
        let rendering = RenderOptions { mode: options.output.unwrap_or(own.mode), quiet, exact, ..own };
        if place == Origin::Prompt && options.output == Some(OutputMode::Raw) {
            self.output.leave_row();
        }
        // What a program shows meanwhile is not to be drawn over.
        if !in_script && !self.output.is_in_program() {
            progress::begin(command.traits().doing);
        }
        if place == Origin::Prompt {
            let mut session = self.session.borrow_mut();
            session.db.next_step();
            if !self.yes && !options.yes && command.traits().without_undo != WithoutUndo::Runs {
                session.db.need_consent();
            }
        }
        let flow = match command {
            // What they say is no change that a script makes, so it is said there too.
            Command::Shell(command) => {
                self.run_shell_command(command, place, &options.output.map_or(own, |_| rendering))
            }
            command => self.data(command, place, &rendering, options.yes),
        };
        if !in_script {
            progress::end();
        }
        // The rc script says nothing.
        let is_told = self.settings.timer && !self.rendering().quiet && flow == Flow::Next && place != Origin::Prompt;
        if let Some(start) = start.filter(|_| is_told) {
            self.note(&format!("{:.1?}", start.elapsed()));
        }
        flow
    }

    /// Says what is wrong with a line that could not be split into words.
    pub(crate) fn fail(&mut self, failure: Failure, place: Origin<'_>) -> Flow {
        self.answer(Err(failure), place, None)
    }

    /// A command on the data.
    fn data(&mut self, command: Command, place: Origin<'_>, rendering: &RenderOptions, yes: bool) -> Flow {
        let traits = command.traits();
        if let (NotIn::OneShot(why), Origin::OneShot) | (NotIn::Script(why), Origin::Script { .. }) =
            (traits.not_in, place)
        {
            return self.failure(&Failure::usage(why), place, rendering);
        }
        if let Command::Run(run) = &command {
            return self.run_program(run, place, rendering);
        }
        let is_open = self.session.borrow().db.is_in_transaction();
        let in_batch = place.is_script() && traits.pace == Pace::Quick && !is_open;
        if !in_batch && self.flush() == Flow::Stop {
            return Flow::Stop;
        }
        let session = Rc::clone(&self.session);
        let mut session = session.borrow_mut();
        if in_batch {
            session.db.begin_batch();
        }
        if traits.pace == Pace::OfOthers {
            self.frontend.share_time();
            progress::end();
        }
        let can_run_again = traits.without_undo == WithoutUndo::Asks;
        let again = (!traits.effect.is_read() && session.db.is_remembering() && can_run_again).then(|| command.clone());
        let answer = self.act(command, &traits, &mut session, place, yes);
        if let Some(again) = again.filter(|_| lacks_consent(&answer)) {
            drop(answer);
            drop(session);
            return self.with_consent(again, place, rendering);
        }
        let answer = answer.map_err(|failure| match failure.code {
            Code::Interrupted if !traits.effect.is_read() => {
                Failure { message: "interrupted; nothing was changed".to_owned(), ..failure }
            }
            _ => failure,
        });
        self.note_change(answer.as_ref().is_ok_and(|answer| is_stored(answer, &traits, is_open)), in_batch);
        if answer.as_ref().is_ok_and(|answer| is_stream(answer, in_batch)) {
            let flow = self.stream(answer, place, rendering);
            drop(session);
            self.notices();
            return flow;
        }
        self.tally.found_nothing = matches!(&answer, Ok(Answer { reply: Reply::Number(0), .. }));
        let said = Self::prepare(answer, rendering);
        // The answer of the batch's first change must wait like the others.
        if let Origin::Script { name, line } = place {
            self.batch.add(&session.db, name, line, self.rendering().mode == OutputMode::Json);
        }
        drop(session);
        let flow = self.deliver(said, place, rendering);
        self.notices();
        if flow == Flow::Next { self.pace() } else { flow }
    }

    /// Has a command do what it does.
    fn act<'s>(
        &mut self,
        command: Command,
        traits: &Traits,
        session: &'s mut Session,
        place: Origin<'_>,
        yes: bool,
    ) -> Result<Answer<'s>, Failure> {
        let asks = !self.yes && !yes && !place.is_script() && !self.mode.is_rehearsal();
        let frontend = &mut self.frontend;
        let mut ask = |question: &str| {
            let yes = !asks || frontend.confirm(question);
            progress::go_on();
            yes
        };
        let console = &self.output.console;
        let masks = console.rendering.terminal.then(|| session.masks.clone());
        let mut caller = Caller {
            ask: &mut ask,
            mode: &mut self.mode,
            at_prompt: place == Origin::Prompt,
            yes: self.yes || yes,
            warnings: Warnings { style: console.err_style, quiet: console.rendering.quiet },
            masks,
        };
        let answer = command.run(traits, session, &mut caller)?;
        Ok(match &caller.masks {
            Some(masks) => masked(answer, masks),
            None => answer,
        })
    }

    /// Runs a command that could not be undone if a person agrees. A no ends a script that was run from the prompt.
    fn with_consent(&mut self, command: Command, place: Origin<'_>, rendering: &RenderOptions) -> Flow {
        if self.flush() == Flow::Stop {
            return Flow::Stop;
        }
        let agrees = self.frontend.confirm(commands::TOO_LARGE_QUESTION);
        progress::go_on();
        if agrees {
            self.session.borrow_mut().db.give_consent();
            return self.data(command, place, rendering, false);
        }
        if place.is_script() {
            interrupt::ask();
        }
        self.answer(
            Ok(commands::refused(Reason::NotConfirmed, "Nothing was changed".to_owned())),
            place,
            Some(rendering),
        )
    }

    /// Notes that something was changed, which in a batch holds once that is written.
    fn note_change(&mut self, is_stored: bool, in_batch: bool) {
        let has_changed = if in_batch { &mut self.batch.has_changed } else { &mut self.tally.has_changed };
        *has_changed |= is_stored;
    }

    fn finish(&mut self, status: Status) -> Flow {
        self.tally.last = status;
        self.tally.worst = self.tally.worst.max(status);
        if self.is_alone() || self.is_stopped() { Flow::Stop } else { Flow::Next }
    }

    /// Whether `--bail` or `--atomic` has ended it.
    fn is_stopped(&self) -> bool {
        self.bail && self.tally.worst >= Status::Usage
    }

    /// Whether there is nobody left to work for. Half a transaction is of no use to anybody: it goes on to its end.
    fn is_alone(&self) -> bool {
        self.output.is_gone() && !self.mode.is_atomic()
    }
}

/// Whether an answer is written as it comes rather than held.
fn is_stream(answer: &Answer<'_>, in_batch: bool) -> bool {
    match &answer.reply {
        Reply::Listing(_) | Reply::Pieces(_) | Reply::Changes(_) | Reply::Events(_) | Reply::Outputs(_) => true,
        reply => !in_batch && render::large(reply).is_some(),
    }
}
