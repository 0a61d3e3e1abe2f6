//! Reads what is typed: rustyline with the keys, the continuation and the completion of this shell.

use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::{Hint, Hinter};
use rustyline::history::DefaultHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{
    Cmd, ColorMode, CompletionType, ConditionalEventHandler, Config, Context, Event, EventContext, EventHandler,
    Helper, KeyCode, KeyEvent, Modifiers, RepeatCount,
};

use super::complete::Completions;
use super::cursor;
use super::history::{self, HistoryFile};
use crate::shell::render::style;
use crate::shell::reply::Failure;
use crate::shell::runner::is_yes;
use crate::shell::session::Session;
use crate::shell::words::Open;

/// What came from the prompt.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// One or more commands.
    Text(String),
    /// Ctrl-C: the line is gone.
    Cancelled,
    /// Ctrl-D on an empty line, and whether the cursor is on a new one.
    End { ends_line: bool },
}

/// The line editor and its history.
pub(super) struct Editor {
    line: rustyline::Editor<Shell, DefaultHistory>,
    history: HistoryFile,
    color: bool,
    notes: Vec<String>,
}

impl Editor {
    pub(super) fn new(session: Rc<RefCell<Session>>, color: bool) -> Result<Self, Failure> {
        let config = Config::builder()
            .max_history_size(history::LONGEST)
            .and_then(|config| config.history_ignore_dups(true))
            .map_err(|error| failure(&error))?
            .history_ignore_space(true)
            .completion_type(CompletionType::List)
            .color_mode(if color { ColorMode::Forced } else { ColorMode::Disabled })
            .build();
        let mut line = rustyline::Editor::with_config(config).map_err(|error| failure(&error))?;
        line.set_helper(Some(Shell { completions: Completions::new(session), asking: Cell::new(false) }));
        bind_keys(&mut line);
        let history = HistoryFile::open(line.history_mut());
        Ok(Self { line, history, color, notes: Vec::new() })
    }

    /// Reads commands, and adds them to the history before they run.
    pub(super) fn read(&mut self, prompt: &str) -> Result<Typed, Failure> {
        match self.read_line(prompt) {
            Ok(text) => {
                self.history.add(self.line.history_mut(), &text);
                Ok(Typed::Text(text))
            }
            Err(ReadlineError::Interrupted) => Ok(Typed::Cancelled),
            Err(ReadlineError::Eof) => Ok(Typed::End { ends_line: !is_dumb() }),
            Err(ReadlineError::Io(error)) if error.kind() == ErrorKind::InvalidData => {
                self.notes.push("that line is not UTF-8; write such bytes as \"\\xHH\"".to_owned());
                Ok(Typed::Cancelled)
            }
            Err(error) => Err(failure(&error)),
        }
    }

    /// Asks a question, which leaves no trace in the history; `None` for Ctrl-C, Ctrl-D and a terminal that is gone.
    pub(super) fn ask(&mut self, question: &str) -> Option<String> {
        self.question(question).ok()
    }

    /// Asks whether to leave. Whoever has gone away is not asked again.
    pub(super) fn asks_to_leave(&mut self, question: &str) -> bool {
        match self.question(question) {
            Ok(answer) => is_yes(&answer),
            Err(error) => !matches!(error, ReadlineError::Interrupted),
        }
    }

    fn question(&mut self, question: &str) -> rustyline::Result<String> {
        let asking = |line: &rustyline::Editor<Shell, DefaultHistory>, yes| {
            if let Some(shell) = line.helper() {
                shell.asking.set(yes);
            }
        };
        asking(&self.line, true);
        let answer = self.line.readline(question);
        asking(&self.line, false);
        answer
    }

    /// The last entries of the history, the oldest first.
    pub(super) fn last(&self, n: usize) -> Vec<String> {
        let mut last: Vec<String> = self.line.history().iter().rev().take(n).cloned().collect();
        last.reverse();
        last
    }

    /// What a person should know, each said once.
    pub(super) fn take_notes(&mut self) -> Vec<String> {
        let mut notes = self.history.take_notes();
        notes.append(&mut self.notes);
        notes
    }

    fn read_line(&mut self, prompt: &str) -> rustyline::Result<String> {
        self.line.readline(&(prompt, style::prompt(self.color, prompt)))
    }
}

fn failure(error: &ReadlineError) -> Failure {
    let error = match error {
        ReadlineError::Io(error) => io::Error::new(error.kind(), error.to_string()),
        error => io::Error::other(error.to_string()),
    };
    Failure::io("read from", Path::new("the terminal"), &error)
}

/// Whether the terminal is one on which rustyline reads lines without editing them.
fn is_dumb() -> bool {
    let term = std::env::var("TERM").unwrap_or_default();
    ["dumb", "cons25", "emacs"].iter().any(|dumb| term.eq_ignore_ascii_case(dumb))
}

/// What the editor asks while a line is being typed.
struct Shell {
    completions: Completions,
    /// Whether a question is open: its answer is no command.
    asking: Cell<bool>,
}

impl Helper for Shell {}

impl Completer for Shell {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        Ok(if self.asking.get() { (pos, Vec::new()) } else { self.completions.at(line, pos) })
    }
}

impl Validator for Shell {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let is_open = !self.asking.get() && cursor::open(context.input()).is_some();
        Ok(if is_open { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

/// Why Enter did not run the command. It is there until the next key and cannot be accepted.
struct StillOpen(String);

impl Hint for StillOpen {
    fn display(&self) -> &str {
        &self.0
    }

    fn completion(&self) -> Option<&str> {
        None
    }
}

impl Hinter for Shell {
    type Hint = StillOpen;

    fn hint(&self, line: &str, pos: usize, _: &Context<'_>) -> Option<StillOpen> {
        if self.asking.get() || pos < line.len() || !line.ends_with('\n') {
            return None;
        }
        match cursor::open(line)? {
            Open::Quote(quote) => Some(StillOpen(format!("({quote} is open: close it, or Ctrl-C)"))),
            Open::Json => Some(StillOpen("(JSON is open: finish it, or Ctrl-C)".to_owned())),
            Open::Line => None,
        }
    }
}

impl Highlighter for Shell {
    fn highlight_hint<'h>(&self, hint: &'h str) -> std::borrow::Cow<'h, str> {
        // The editor asks only where there are colours.
        style::faint(true, hint).into()
    }
}

/// Up and Down search for what the line begins with, Alt-Enter begins a new line. The rest is as in bash.
fn bind_keys(line: &mut rustyline::Editor<Shell, DefaultHistory>) {
    let walk = Arc::new(AtomicU8::new(Walk::None as u8));
    let arrows = || EventHandler::Conditional(Box::new(Arrows { walk: Arc::clone(&walk) }));
    for event in [Event::from(UP), Event::from(DOWN), Event::Any] {
        line.bind_sequence(event, arrows());
    }
    line.bind_sequence(KeyEvent::new('\r', Modifiers::ALT), Cmd::Newline);
}

const UP: KeyEvent = KeyEvent(KeyCode::Up, Modifiers::NONE);
const DOWN: KeyEvent = KeyEvent(KeyCode::Down, Modifiers::NONE);

/// What Up and Down do until another key is pressed.
enum Walk {
    /// The last key was another one.
    None,
    /// Go through all lines, and through the rows of one with several.
    All,
    /// Go through the lines that begin with what stands before the cursor.
    Prefix,
}

/// Decides at the first Up or Down what the next ones do: an empty line was filled by the first.
struct Arrows {
    /// A [`Walk`]; the editor wants its handlers to be `Sync`.
    walk: Arc<AtomicU8>,
}

impl ConditionalEventHandler for Arrows {
    fn handle(&self, event: &Event, _: RepeatCount, _: bool, context: &EventContext<'_>) -> Option<Cmd> {
        let key = event.get(0).copied().filter(|key| [UP, DOWN].contains(key));
        let Some(key) = key else {
            self.walk.store(Walk::None as u8, Ordering::Relaxed);
            return None;
        };
        let mut walk = self.walk.load(Ordering::Relaxed);
        if walk == Walk::None as u8 {
            let all = context.pos() == 0 || context.line().contains('\n');
            walk = if all { Walk::All as u8 } else { Walk::Prefix as u8 };
            self.walk.store(walk, Ordering::Relaxed);
        }
        let search = if key == UP { Cmd::HistorySearchBackward } else { Cmd::HistorySearchForward };
        (walk == Walk::Prefix as u8).then_some(search)
    }
}
