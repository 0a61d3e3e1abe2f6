//! What rustyline asks while a line is being typed, all of it on the rows before and this one.

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

/// What the line is read with.
pub(super) struct Shell {
    completions: Completions,
    hints: Hints,
    tree: Rc<Command>,
    color: bool,
    /// Whether there are hints. Without colours, where they look like what was typed, only if they are asked for.
    pub(super) hinting: Cell<bool>,
    typing: Arc<Typing>,
    /// The rows before this one, with their line breaks.
    before: RefCell<String>,
    /// The columns that the prompt takes.
    prompt: Cell<usize>,
    /// When the last key came.
    last_key: Cell<Option<Instant>>,
    /// Whether a long text comes in faster than it could be looked at: then it is neither coloured nor hinted at, so that the
    /// editor need not draw all of it anew for each character.
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

    /// Looks whether more of a long text waits: at the terminal, or in the buffer of the editor, which only the time between
    /// two keys tells.
    fn look_for_flood(&self, row: &str) {
        const LONG: usize = 256;
        const TOO_FAST: Duration = Duration::from_millis(10);
        let last = self.last_key.replace(Some(Instant::now()));
        let is_long = self.before.borrow().len() + row.len() > LONG;
        let is_flooded =
            is_long && (last.is_some_and(|last| last.elapsed() < TOO_FAST) || script::is_ready(&io::stdin()));
        self.is_flooded.set(is_flooded);
    }

    /// A row begins behind these rows and a prompt of so many columns.
    pub(super) fn begin(&self, before: &str, prompt: usize) {
        before.clone_into(&mut self.before.borrow_mut());
        self.prompt.set(prompt);
        self.typing.continues.store(!before.is_empty(), Ordering::Relaxed);
        self.typing.moved.store(false, Ordering::Relaxed);
    }

    /// A line that was entered has failed.
    pub(super) fn fail(&self, line: &str) {
        self.hints.fail(line);
    }

    fn is_asking(&self) -> bool {
        self.typing.asking.load(Ordering::Relaxed)
    }

    /// The rows before this text and itself.
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
        // What begins in a row before this one is data of several lines.
        let start = (start + pos).checked_sub(whole.len());
        Ok(start.map_or((pos, Vec::new()), |start| (start, found)))
    }
}

/// A line is always whole for rustyline: what is open goes on behind a prompt of its own.
impl Validator for Shell {}

impl Hinter for Shell {
    type Hint = Suggestion;

    fn hint(&self, line: &str, pos: usize, context: &Context<'_>) -> Option<Suggestion> {
        self.typing.moved.store(false, Ordering::Relaxed);
        self.look_for_flood(line);
        if self.is_asking() || pos < line.len() || self.is_flooded.get() {
            return None;
        }
        // Column 0 of a row is the terminal's to begin.
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

/// What is open at the end of a text, and the ways out.
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

    /// A change of one character may change what all of them are.
    fn highlight_char(&self, _: &str, _: usize, kind: CmdKind) -> bool {
        if kind == CmdKind::MoveCursor {
            self.typing.moved.store(true, Ordering::Relaxed);
        }
        kind != CmdKind::MoveCursor && !self.is_flooded.get()
    }
}
