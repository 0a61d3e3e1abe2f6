//! Runs commands one after another and writes their answers: what scripts, the prompt and one-shots have in common.
//!
//! In a script, changes are gathered into groups: a group takes the lock with its first change, is written at once, and
//! only then are its answers written, with the lock given back.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::group::Group;
use crate::shell::answer::reply::{Answer, Done, Failure, Field, Reply};
use crate::shell::answer::status::Status;
use crate::shell::commands::lines::{ExitArgs, HistoryArgs, SourceArgs};
use crate::shell::commands::manual::{CompletionsArgs, HelpArgs};
use crate::shell::commands::settings::{EditModeArgs, HintsArgs, OutputArgs, PagerArgs, TimerArgs};
use crate::shell::commands::traits::{NotIn, Pace, WithoutUndo};
use crate::shell::commands::{self, Session, Warnings, changes, was_set};
use crate::shell::language::cli::Line;
use crate::shell::language::command::{Command, ShellCommand};
use crate::shell::language::help;
use crate::shell::language::man;
use crate::shell::language::own_shell;
use crate::shell::language::parse::{self, Parsed, Parser};
use crate::shell::render::{self, Look};
use crate::shell::terminal::console::Console;
use crate::shell::terminal::interrupt;
use crate::shell::terminal::outlet::{Outlet, Pager};
use crate::shell::terminal::progress;
use crate::shell::text::argument::{KeyMode, OutputMode};
use crate::shell::text::caret::{Blame, Typed};
use crate::shell::text::words::Word;
use crate::store::{NOT_UNDONE, Store as _};

/// Whether a command has failed because it cannot be undone and nobody has agreed to that.
fn lacks_consent<T>(done: &Result<T, Failure>) -> bool {
    done.as_ref().is_err_and(|failure| failure.message == NOT_UNDONE)
}

/// What only the way in can do: ask a person, show what was typed.
pub(crate) trait Front {
    /// Whether a person says yes; true where there is nobody to ask.
    fn confirm(&mut self, question: &str) -> bool;
    /// The last lines that were typed, the oldest first.
    fn history(&mut self, n: usize) -> Result<Vec<String>, Failure>;
    /// Changes how lines are typed.
    fn typing(&mut self, setting: TypingSetting) -> Result<(), Failure>;
}

/// A setting of the line editor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TypingSetting {
    /// Whether there are hints.
    Hints(bool),
    /// Whose keys it has.
    Keys(KeyMode),
}

/// A script, a pipe or a one-shot on which nobody sits.
pub(crate) struct Nobody;

impl Front for Nobody {
    fn confirm(&mut self, _question: &str) -> bool {
        true
    }

    fn history(&mut self, _n: usize) -> Result<Vec<String>, Failure> {
        Err(Failure::usage("`history` is for the prompt"))
    }

    fn typing(&mut self, setting: TypingSetting) -> Result<(), Failure> {
        let name = match setting {
            TypingSetting::Hints(_) => "hints",
            TypingSetting::Keys(_) => "edit-mode",
        };
        Err(Failure::usage(format!("`{name}` is for the prompt")))
    }
}

/// Whether an answer to a question is a yes.
pub(crate) fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

/// Where a command came from; failures are shown accordingly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    /// The program's arguments.
    OneShot,
    /// A person at the prompt.
    Prompt,
    /// A line of a script.
    Script { name: &'a str, line: usize },
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
    pub(crate) console: Console,
    front: Box<dyn Front + 'a>,
    pub(crate) parser: Parser,
    /// End at the first status of 2 or more.
    pub(crate) bail: bool,
    /// Whether the script as a whole is a transaction.
    pub(crate) atomic: bool,
    /// The folder of the script that runs, if that is a file.
    pub(crate) folder: Option<PathBuf>,
    /// Whether nothing is to be changed, and what would be is to be said.
    pub(crate) rehearses: bool,
    /// Never ask.
    yes: bool,
    /// The highest status so far.
    pub(crate) worst: Status,
    /// The line of a script that was the first to fail.
    pub(crate) fault: Option<String>,
    /// What `exit N` has said, or the program that was run.
    pub(crate) exit: Option<u8>,
    /// Whether `exit` was said.
    pub(crate) left: bool,
    /// Commands of scripts that were run.
    pub(crate) lines: u64,
    /// How many `source` are under way.
    pub(crate) depth: usize,
    pub(crate) group: Group,
    /// Whether stdout is broken: nothing is written to it any more.
    pub(crate) deaf: bool,
    /// Whether its reader has gone away: there is nobody left to work for.
    pub(crate) gone: bool,
    /// What longer answers are shown by at the prompt.
    pub(crate) pager: Option<Pager>,
    /// Where the answer goes, if not to stdout.
    pub(crate) outlet: Option<Outlet>,
    /// What waits for that to end before it goes to stderr.
    pub(crate) late: Vec<u8>,
    /// The line that was typed, and what is wrong with it if that is known.
    pub(crate) typed: Option<Typed>,
    pub(crate) blame: Option<Blame>,
    /// Whether the line has written exact bytes to the terminal, which may end anywhere in a row.
    pub(crate) leaves_row: bool,
    /// How long it was waited for a person to answer a question; `None` if for another program too.
    pub(crate) waited: Option<Duration>,
    /// Whether a command has changed something.
    pub(crate) has_changed: bool,
    /// Whether Ctrl-C has cut a script short, and it was said what that means.
    pub(crate) was_cut_short: bool,
}

impl<'a> Runner<'a> {
    pub(crate) fn new(session: Rc<RefCell<Session>>, console: Console, front: Box<dyn Front + 'a>, yes: bool) -> Self {
        Self {
            session,
            console,
            front,
            parser: Parser::default(),
            bail: false,
            atomic: false,
            folder: None,
            rehearses: false,
            yes,
            worst: Status::Done,
            exit: None,
            left: false,
            lines: 0,
            depth: 0,
            group: Group::new(),
            fault: None,
            deaf: false,
            gone: false,
            pager: None,
            outlet: None,
            late: Vec::new(),
            typed: None,
            blame: None,
            leaves_row: false,
            waited: Some(Duration::ZERO),
            has_changed: false,
            was_cut_short: false,
        }
    }

    /// The status that the program ends with.
    pub(crate) fn code(&self) -> u8 {
        match self.exit {
            Some(code) => code,
            // What a "no" would have told, nobody was there to hear.
            None if self.gone && self.worst == Status::No => 0,
            None => self.worst.code(),
        }
    }

    /// What `exit` has said, if it has.
    pub(crate) fn exit_status(&self) -> Option<u8> {
        self.exit
    }

    /// Runs the words of one line; none at all is a comment or a blank line.
    pub(crate) fn words(&mut self, words: &[Word<'_>], place: Place<'_>) -> Flow {
        if words.is_empty() {
            return self.pace();
        }
        if let Place::Script { name, line } = place
            && let Some((key, value)) = parse::plain_set(words)
            && !self.session.borrow().timer
            && let Some(flow) = self.set(key, value, name, line)
        {
            return flow;
        }
        match self.parser.line(words) {
            Ok(Parsed::Run(line)) => self.line(line, place),
            Ok(Parsed::Text(text)) => self.answer(Ok(Reply::Text(text).into()), place, None),
            Err(failure) => {
                self.blame = self.parser.blame.take().filter(|_| place == Place::Prompt);
                let args: Vec<_> = words.iter().map(Word::to_arg).collect();
                let json = parse::asks_for_json(&args).then(|| Look { mode: OutputMode::Json, ..self.look() });
                self.answer(Err(failure), place, json.as_ref())
            }
        }
    }

    /// A plain `set` of a script, past all that it does not need: nothing is read for it, and mostly nothing said. `None` if
    /// a person is to be asked first.
    fn set(&mut self, key: &str, value: &[u8], name: &str, line: usize) -> Option<Flow> {
        let mut session = self.session.borrow_mut();
        let mode = session.output;
        let is_open = session.db.is_in_transaction();
        if !is_open {
            session.db.begin_batch();
        }
        let set = session.set_plain(key, value);
        if lacks_consent(&set) {
            return None;
        }
        if !is_open {
            self.group.add(&session.db, name, line, mode == OutputMode::Json);
        }
        drop(session);
        let is_silent = set.is_ok() && mode != OutputMode::Json;
        let flow = if is_silent {
            self.finish(Status::Done)
        } else {
            let look = self.look();
            self.deliver(Self::prepare(set.map(|()| was_set(key).into()), &look), Place::Script { name, line }, &look)
        };
        Some(if flow == Flow::Next { self.pace() } else { flow })
    }

    /// Runs one command.
    pub(crate) fn line(&mut self, line: Line, place: Place<'_>) -> Flow {
        let start = Instant::now();
        let mode = line.options.output;
        let in_script = matches!(place, Place::Script { .. });
        // Nobody wants a script's changes confirmed one by one.
        let quiet = self.console.look.quiet || in_script;
        let exact = mode == Some(OutputMode::Raw) || (self.console.look.exact && !in_script);
        self.leaves_row |= place == Place::Prompt && mode == Some(OutputMode::Raw) && self.console.look.terminal;
        // What a program shows meanwhile is not to be drawn over.
        if !in_script && !self.outlet.as_ref().is_some_and(Outlet::is_program) {
            progress::begin(line.command.traits().doing);
        }
        if place == Place::Prompt {
            let mut session = self.session.borrow_mut();
            session.db.next_step();
            if !self.yes && !line.options.yes && line.command.traits().without_undo != WithoutUndo::Runs {
                session.db.need_consent();
            }
        }
        let flow = match line.command {
            Command::Shell(command) => {
                self.shell(command, place, mode.map(|mode| Look { mode, quiet, exact, ..self.look() }).as_ref())
            }
            command => {
                let look = Look { mode: mode.unwrap_or(self.look().mode), quiet, exact, ..self.look() };
                self.data(command, place, &look, line.options.yes)
            }
        };
        if !in_script {
            progress::end();
        }
        // The rc script says nothing.
        let is_timed = self.session.borrow().timer && !self.console.look.quiet;
        if is_timed && flow == Flow::Next && place != Place::Prompt {
            self.note(&format!("{:.1?}", start.elapsed()));
        }
        flow
    }

    /// Says that a command is done which has nothing else to say.
    pub(crate) fn done(&mut self, place: Place<'_>) -> Flow {
        self.answer(Ok(Reply::Done(Done::new("")).into()), place, None)
    }

    /// Says that a file of so many commands was run: the last of its lines to whoever counts them.
    pub(crate) fn sourced(&mut self, commands: u64, place: Place<'_>) -> Flow {
        let done = Done::new("").with("commands", Field::Number(commands));
        self.answer(Ok(Reply::Done(done).into()), place, None)
    }

    /// Says what is wrong with a line that could not be split into words.
    pub(crate) fn fail(&mut self, failure: Failure, place: Place<'_>) -> Flow {
        self.answer(Err(failure), place, None)
    }

    /// Makes the whole of what follows one transaction.
    ///
    /// Answers are written as they come, from the pinned state and the changes before them. Whether what they confirm was
    /// stored, the status alone says.
    pub(crate) fn begin_atomic(&mut self) -> Result<(), Failure> {
        let mut session = self.session.borrow_mut();
        session.db.begin()?;
        session.atomic = true;
        self.atomic = true;
        self.bail = true;
        Ok(())
    }

    /// Ends a script: commits it if it is one transaction, and leaves none open.
    pub(crate) fn end_script(&mut self, name: &str) {
        self.flush();
        if self.rehearses {
            return self.end_rehearsed_script(name);
        }
        if std::mem::take(&mut self.atomic) {
            self.session.borrow_mut().atomic = false;
            self.end_atomic();
        }
        let left = self.session.borrow_mut().db.rollback();
        if let Ok(changed @ 1..) = left {
            // Whoever left on the way, or was stopped, did not forget it.
            if self.left || self.gone || self.is_stopped() {
                self.left_open(changed);
            } else {
                let message = format!("{name}: `commit` is missing; {} rolled back", changes(changed));
                self.fail(Failure::usage(message), Place::OneShot);
            }
        }
        self.notices();
        self.flush_out();
    }

    /// Commits, or says that nothing was stored and why.
    fn end_atomic(&mut self) {
        let look = self.look();
        if self.worst < Status::Usage && self.code() < Status::Usage.code() {
            let said = Self::prepare(self.session.borrow_mut().commit(), &look);
            // Its lines have had their answers; a program that counts them gets no other.
            if said.is_err() || look.mode != OutputMode::Json {
                self.deliver(said, Place::OneShot, &look);
            }
        }
        // None is open if it was committed, or if its failure says what has become of it.
        let left = self.session.borrow_mut().db.rollback();
        if left.is_ok() {
            let why = match (self.fault.take(), self.exit) {
                (Some(line), _) => format!("{line} failed, and "),
                (None, Some(code @ 2..)) => format!("the script left with status {code}, and "),
                _ => String::new(),
            };
            let message = format!("nothing was stored: {why}with --atomic a script is one transaction");
            if look.mode == OutputMode::Json {
                let failure = Failure { status: self.worst, code: "not_stored", message, key: None };
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

    /// A person who was about to leave stays.
    pub(crate) fn stay(&mut self) {
        self.exit = None;
        self.left = false;
    }

    /// Writes a line to stderr that is no error.
    pub(crate) fn note(&mut self, note: &str) {
        let line = render::note(self.console.err_color, note);
        self.write_err(line.as_bytes());
    }

    /// Says what the database, and others that a command has looked at, have to say about their files.
    pub(crate) fn notices(&mut self) {
        let notices = self.session.borrow_mut().take_notices();
        if !self.console.look.quiet {
            for notice in notices {
                self.note(&notice);
            }
        }
    }

    pub(crate) fn look(&self) -> Look {
        Look { mode: self.session.borrow().output, ..self.console.look.clone() }
    }

    /// A command on the data.
    fn data(&mut self, command: Command, place: Place<'_>, look: &Look, yes: bool) -> Flow {
        let asks = !self.yes && !yes && !matches!(place, Place::Script { .. }) && !self.rehearses;
        let traits = command.traits();
        if let (NotIn::OneShot(why), Place::OneShot) | (NotIn::Script(why), Place::Script { .. }) =
            (traits.not_in, place)
        {
            return self.failure(&Failure::usage(why), place, look);
        }
        if let Command::Run(run) = &command {
            return self.run_program(run, place, look);
        }
        let is_open = self.session.borrow().db.is_in_transaction();
        let grouped = matches!(place, Place::Script { .. }) && traits.pace == Pace::Quick && !is_open;
        if !grouped && self.flush() == Flow::Stop {
            return Flow::Stop;
        }
        let session = Rc::clone(&self.session);
        let mut session = session.borrow_mut();
        session.at_prompt = place == Place::Prompt;
        session.yes = self.yes || yes;
        session.warnings = Warnings { color: self.console.err_color, quiet: self.console.look.quiet };
        if grouped {
            session.db.begin_batch();
        }
        if traits.pace == Pace::OfOthers {
            self.waited = None;
            progress::end();
        }
        let (front, waited) = (&mut self.front, &mut self.waited);
        let mut confirm = |question: &str| {
            let start = Instant::now();
            let yes = !asks || front.confirm(question);
            *waited = waited.map(|waited| waited.saturating_add(start.elapsed()));
            progress::go_on();
            yes
        };
        let can_run_again = traits.without_undo == WithoutUndo::Asks;
        let again = (!traits.reads && session.db.is_remembering() && can_run_again).then(|| command.clone());
        let answer = command.run(&mut session, &mut confirm);
        if let Some(again) = again.filter(|_| lacks_consent(&answer)) {
            drop(answer);
            drop(session);
            return self.with_consent(again, place, look);
        }
        let answer = answer.map_err(|failure| match failure.code {
            "interrupted" if !traits.reads => {
                Failure { message: "interrupted; nothing was changed".to_owned(), ..failure }
            }
            _ => failure,
        });
        self.has_changed |= !traits.reads && answer.is_ok();
        let is_stream = |answer: &Answer<'_>| match &answer.reply {
            Reply::Listing(_) | Reply::Pieces(_) | Reply::Changes(_) | Reply::Events(_) => true,
            reply => !grouped && render::large(reply).is_some(),
        };
        if answer.as_ref().is_ok_and(is_stream) {
            let flow = self.stream(answer, place, look);
            drop(session);
            self.notices();
            return flow;
        }
        let said = Self::prepare(answer, look);
        // The answer of the group's first change must wait like the others.
        if let Place::Script { name, line } = place {
            self.group.add(&session.db, name, line, session.output == OutputMode::Json);
        }
        drop(session);
        let flow = self.deliver(said, place, look);
        self.notices();
        if flow == Flow::Next { self.pace() } else { flow }
    }

    /// Runs a command that could not be undone if a person agrees. A no ends a script that was run from the prompt.
    fn with_consent(&mut self, command: Command, place: Place<'_>, look: &Look) -> Flow {
        if self.flush() == Flow::Stop {
            return Flow::Stop;
        }
        let start = Instant::now();
        let agrees = self.front.confirm(commands::TOO_LARGE_QUESTION);
        self.waited = self.waited.map(|waited| waited.saturating_add(start.elapsed()));
        progress::go_on();
        if agrees {
            self.session.borrow_mut().db.give_consent();
            return self.data(command, place, look, false);
        }
        if matches!(place, Place::Script { .. }) {
            interrupt::ask();
        }
        self.answer(Ok(commands::refused("not_confirmed", "Nothing was changed".to_owned())), place, Some(look))
    }

    /// A command of the shell itself.
    fn shell(&mut self, command: ShellCommand, place: Place<'_>, look: Option<&Look>) -> Flow {
        if self.flush() == Flow::Stop {
            return Flow::Stop;
        }
        let answer = match command {
            ShellCommand::Source(SourceArgs { file }) => return Flow::Source(file),
            ShellCommand::Output(OutputArgs { mode }) => {
                // The line was sent in the old mode, and is answered in it.
                let old = std::mem::replace(&mut self.session.borrow_mut().output, mode);
                let look = look.cloned().unwrap_or(Look { mode: old, ..self.look() });
                return self.answer(Ok(Reply::Done(Done::new("")).into()), place, Some(&look));
            }
            ShellCommand::Timer(TimerArgs { on }) => {
                self.session.borrow_mut().timer = on;
                Ok(Reply::Done(Done::new(format!("Timer is {}", if on { "on" } else { "off" }))).into())
            }
            ShellCommand::Pager(PagerArgs { on }) => self.set_pager(on),
            ShellCommand::Hints(HintsArgs { on }) => {
                let done = Done::new(format!("Hints are {}", if on { "on" } else { "off" }));
                self.front.typing(TypingSetting::Hints(on)).map(|()| Reply::Done(done).into())
            }
            ShellCommand::EditMode(EditModeArgs { mode }) => {
                let done = Done::new(format!("Edit mode is {}", mode.name()));
                self.front.typing(TypingSetting::Keys(mode)).map(|()| Reply::Done(done).into())
            }
            ShellCommand::History(HistoryArgs { n }) => {
                self.front.history(n).map(|lines| Reply::Text(lines.join("\n")).into())
            }
            ShellCommand::Completions(CompletionsArgs { shell }) => {
                Ok(Reply::Text(own_shell::script(shell).trim_end().to_owned()).into())
            }
            ShellCommand::Man(_) => Ok(Reply::Text(man::page().trim_end().to_owned()).into()),
            ShellCommand::Help(HelpArgs { topic }) => {
                help::text(topic.as_deref(), self.console.look.width).map(|text| Reply::Text(text).into())
            }
            ShellCommand::Exit(ExitArgs { code }) => {
                self.exit = code.or(self.exit);
                self.left = true;
                // A program on the pipe is owed its line.
                if matches!(place, Place::Script { .. }) {
                    self.done(place);
                }
                return Flow::Stop;
            }
        };
        self.answer(answer, place, look)
    }

    pub(crate) fn finish(&mut self, status: Status) -> Flow {
        self.worst = self.worst.max(status);
        if self.is_alone() || self.is_stopped() { Flow::Stop } else { Flow::Next }
    }

    /// Whether `--bail` or `--atomic` has ended it.
    pub(crate) fn is_stopped(&self) -> bool {
        self.bail && self.worst >= Status::Usage
    }

    /// Whether there is nobody left to work for. Half a transaction is of no use to anybody: it goes on to its end.
    pub(crate) fn is_alone(&self) -> bool {
        self.gone && !self.atomic
    }

    /// Makes the group's changes durable, then writes its answers. Call it before waiting for anything.
    pub(crate) fn flush(&mut self) -> Flow {
        let start = Instant::now();
        let committed = self.session.borrow_mut().db.commit_batch();
        let lines = std::mem::take(&mut self.group.lines);
        let held = std::mem::take(&mut self.group.held);
        let cuts = std::mem::take(&mut self.group.cuts);
        let Some((_, name)) = self.group.open.take() else { return self.flush_out() };
        self.group.last = start.elapsed();
        let mut flow = Flow::Next;
        match committed {
            Ok(()) => {
                let mut from = 0;
                for (piece, to) in cuts.into_iter().chain([held.len()]).enumerate() {
                    if piece % 2 == 0 {
                        self.write_out(&held[from..to]);
                    } else {
                        self.write_err(&held[from..to]);
                    }
                    from = to;
                }
            }
            Err(error) => flow = self.lost(&error.into(), &name, &lines),
        }
        self.notices();
        if self.flush_out() == Flow::Stop {
            return Flow::Stop;
        }
        self.make_way();
        flow
    }

    /// A group that could not be written: its answers do not hold, each of its lines has failed.
    fn lost(&mut self, failure: &Failure, name: &str, lines: &[usize]) -> Flow {
        let look = self.look();
        let (Some(&first), Some(&last)) = (lines.first(), lines.last()) else { return Flow::Next };
        let was_cut_short = failure.code == "interrupted";
        self.was_cut_short |= was_cut_short;
        if look.mode == OutputMode::Json {
            let flows: Vec<Flow> =
                lines.iter().map(|&line| self.failure(failure, Place::Script { name, line }, &look)).collect();
            return if flows.contains(&Flow::Stop) { Flow::Stop } else { Flow::Next };
        }
        if first == last {
            return self.failure(failure, Place::Script { name, line: first }, &look);
        }
        let message = match was_cut_short {
            true if first == 1 => "interrupted; nothing was stored".to_owned(),
            true => format!("interrupted; lines {first} to {last} are not stored, those before are"),
            false => format!("lines {first} to {last}: {}", failure.message),
        };
        self.failure(&Failure { message, ..failure.clone() }, Place::Script { name, line: first }, &look)
    }

    /// Writes the group if it is time to. Asked behind every line, also one that does nothing.
    fn pace(&mut self) -> Flow {
        let is_due = self.group.open.is_some() && self.group.is_due(&self.session.borrow().db);
        if is_due { self.flush() } else { Flow::Next }
    }

    /// More of a script was read; what stands in it may depend on what others have written before.
    pub(crate) fn read_on(&mut self, has_known_end: bool, in_script: bool) {
        self.group.has_known_end = has_known_end;
        self.session.borrow_mut().look_again(in_script);
    }

    /// Leaves the lock alone for a moment, once in a while: who waits for it looks at most 25 ms apart, and would else have
    /// to be lucky to find it free between two groups.
    fn make_way(&mut self) {
        const GAP: Duration = Duration::from_millis(30);
        if self.group.gap.elapsed() > Group::LONGEST {
            std::thread::sleep(GAP);
            self.group.gap = Instant::now();
        }
    }
}
