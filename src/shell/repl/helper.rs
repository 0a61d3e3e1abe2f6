//! The callbacks of rustyline while a line is edited, applied to the previous rows and this one.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clap::Command;
use rustyline::completion::{Completer, Pair};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Context, Helper};

use super::candidate;
use super::columns::{self, Column};
use super::complete::Completions;
use super::cursor;
use super::highlight;
use super::hint::{Hints, Suggestion};
use super::keys::Typing;
use super::lookup::Lookup;
use super::tree;
use crate::shell::commands::Session;
use crate::shell::render::style;
use crate::shell::run::script;
use crate::shell::text::words::Unfinished;

/// The state that rustyline reads a line with.
pub(super) struct Shell {
    completions: Completions,
    hints: Hints,
    tree: Rc<Command>,
    color: bool,
    /// Whether hints are shown. Without colors, hints would look like typed text, so they must be turned on.
    pub(super) hinting: Cell<bool>,
    typing: Arc<Typing>,
    /// The previous rows of the command, with their line breaks.
    before: RefCell<String>,
    /// The width of the prompt.
    prompt: Cell<usize>,
    /// When the last key was pressed.
    last_key: Cell<Option<Instant>>,
    /// Whether a long text arrives faster than a user types. It then gets no colors or hints, so that the editor need
    /// not redraw it for each character.
    is_flooded: Cell<bool>,
}

impl Shell {
    pub(super) fn new(session: Rc<RefCell<Session>>, color: bool, typing: Arc<Typing>) -> Self {
        let (lookup, tree) = (Rc::new(Lookup::new(session)), Rc::new(tree::tree()));
        Self {
            completions: Completions::new(Rc::clone(&lookup), Rc::clone(&tree)),
            hints: Hints::new(lookup, Rc::clone(&tree)),
            tree,
            color,
            hinting: Cell::new(color),
            typing,
            before: RefCell::default(),
            prompt: Cell::new(0),
            last_key: Cell::new(None),
            is_flooded: Cell::new(false),
        }
    }

    /// Checks whether more of a long text is waiting: in the terminal, or in the editor's buffer, which only the time
    /// between two keys reveals.
    fn look_for_flood(&self, row: &str) {
        const LONG: usize = 256;
        const TOO_FAST: Duration = Duration::from_millis(10);
        let last = self.last_key.replace(Some(Instant::now()));
        let is_long = self.before.borrow().len() + row.len() > LONG;
        let is_flooded =
            is_long && (last.is_some_and(|last| last.elapsed() < TOO_FAST) || script::is_ready(&io::stdin()));
        self.is_flooded.set(is_flooded);
    }

    /// Starts a row after these rows and a prompt of this width.
    pub(super) fn begin(&self, before: &str, prompt: usize) {
        before.clone_into(&mut self.before.borrow_mut());
        self.prompt.set(prompt);
        self.typing.continues.store(!before.is_empty(), Ordering::Relaxed);
        self.typing.moved.store(false, Ordering::Relaxed);
    }

    /// Records that an entered line failed.
    pub(super) fn fail(&self, line: &str) {
        self.hints.fail(line);
    }

    fn is_asking(&self) -> bool {
        self.typing.asking.load(Ordering::Relaxed)
    }

    /// The previous rows, followed by this text.
    fn whole<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let before = self.before.borrow();
        if before.is_empty() { text.into() } else { format!("{before}{text}").into() }
    }
}

impl Helper for Shell {}

impl Completer for Shell {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        if self.is_asking() {
            return Ok((pos, Vec::new()));
        }
        let whole = self.whole(&line[..pos]);
        let (start, found) = self.completions.at(&whole, &line[pos..]);
        // A word that begins in a previous row is data of several lines.
        let start = (start + pos).checked_sub(whole.len());
        Ok(start.map_or((pos, Vec::new()), |start| (start, found)))
    }
}

/// For rustyline, every line is complete; continuation lines have a prompt of their own.
impl Validator for Shell {}

impl Hinter for Shell {
    type Hint = Suggestion;

    fn hint(&self, line: &str, pos: usize, context: &Context<'_>) -> Option<Suggestion> {
        self.typing.moved.store(false, Ordering::Relaxed);
        self.look_for_flood(line);
        if self.is_asking() || pos < line.len() || self.is_flooded.get() {
            return None;
        }
        // The terminal decides how column 0 of a row begins.
        let width = columns::terminal().0;
        let room = width.saturating_sub(columns::end(line, self.prompt.get(), width) + 1);
        if self.typing.revealed.load(Ordering::Relaxed) {
            let note = "  (hidden characters are shown as escapes, which count in \"…\"; Enter runs it)";
            return Some(Suggestion::note(columns::fit(note, room)));
        }
        if line.is_empty() || line.ends_with('\n') {
            return open_note(&self.whole(line)).map(|note| Suggestion::note(columns::fit(&note, room)));
        }
        if !self.hinting.get() {
            return None;
        }
        self.hints.behind(&self.whole(line), context, room)
    }
}

/// The open quote or bracket at the end of a text, and how to get out of it.
fn open_note(text: &str) -> Option<String> {
    match cursor::open(text)? {
        Unfinished::Quote(quote) => Some(format!("({quote} is open: close it, or Ctrl-C)")),
        Unfinished::Json => Some("(JSON is open: close it, or Ctrl-C)".to_owned()),
        Unfinished::Line => None,
    }
}

impl Highlighter for Shell {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        let column = Column::new(self.prompt.get(), columns::terminal().0);
        if self.is_asking() || self.is_flooded.get() {
            return { column }.show(line).into();
        }
        let before = self.before.borrow().len();
        highlight::paint(&self.tree, &self.whole(line), before, column, self.color).into()
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        style::faint(self.color, hint).into()
    }

    fn highlight_candidate<'c>(&self, candidate: &'c str, _: CompletionType) -> Cow<'c, str> {
        candidate::paint_row(candidate, self.color)
    }

    /// A change to one character may change the color of all others.
    fn highlight_char(&self, _: &str, _: usize, kind: CmdKind) -> bool {
        if kind == CmdKind::MoveCursor {
            self.typing.moved.store(true, Ordering::Relaxed);
        }
        kind != CmdKind::MoveCursor && !self.is_flooded.get()
    }
}
