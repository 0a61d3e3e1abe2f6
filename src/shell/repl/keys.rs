//! What keys do beyond what the editor has by itself. The rest is as in bash.
//!
//! | key | what it does |
//! | --- | --- |
//! | Up, Down | search for the lines that begin with what stands before the cursor |
//! | Right, End, Ctrl-E, Ctrl-F at the end | take the line that the hint has, Alt-F a word of it |
//! | Ctrl-R | search the history; Enter runs what was found, and nothing if nothing was |
//! | `/` in vi's command mode | the newest line that holds what is typed then |
//! | Alt-Enter | begins a new line |
//! | Ctrl-X Ctrl-E, `v` in vi's command mode | open the line in the person's own editor |
//! | Up and Backspace at the start of a row that continues | go back to the rows before it |
//!
//! A character that a terminal would act on is not taken in; one that was pasted is shown as its escape before it is run.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustyline::history::DefaultHistory;
use rustyline::{
    Cmd, ConditionalEventHandler, EditMode, Event, EventContext, EventHandler, Helper, InputMode, KeyCode, KeyEvent,
    Modifiers, Movement, RepeatCount,
};

use crate::shell::text::escape::is_unsafe;

/// Binds the keys of this shell.
pub(super) fn bind<H: Helper>(line: &mut rustyline::Editor<H, DefaultHistory>, typing: &Arc<Typing>) {
    let keys = KeyHandler {
        typing: Arc::clone(typing),
        walk: AtomicU8::new(HistoryWalk::None as u8),
        search: Mutex::default(),
    };
    line.bind_sequence(Event::Any, EventHandler::Conditional(Box::new(keys)));
    line.bind_sequence(KeyEvent::new('\r', Modifiers::ALT), Cmd::Newline);
    let sequence = Event::KeySeq(vec![KeyEvent::ctrl('X'), KeyEvent::ctrl('E')]);
    line.bind_sequence(sequence, EventHandler::Conditional(Box::new(InEditor { typing: Arc::clone(typing) })));
}

/// What the keys and the rest of the editor tell each other. The editor wants its handlers to be `Sync`.
#[derive(Debug, Default)]
pub(super) struct Typing {
    /// Why the line was given up before it was finished: a [`Leave`].
    leave: AtomicU8,
    /// Where the cursor was then.
    at: AtomicUsize,
    /// Whether this row continues those before it.
    pub(super) continues: AtomicBool,
    /// Whether the cursor has moved since the hint was shown, which it is not any more.
    pub(super) moved: AtomicBool,
    /// Whether a question is open: its answer is no command.
    pub(super) asking: AtomicBool,
    /// Whether characters were just made visible.
    pub(super) revealed: AtomicBool,
}

/// Why a line was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    /// It was entered.
    No,
    /// Ctrl-C.
    Cancel,
    /// It goes on in the person's own editor.
    Editor,
    /// The rows before it are wanted, the cursor in the last of them.
    Up,
    /// It is to be joined to the row before it.
    Join,
    /// A line of the history is wanted in its place.
    Search,
    /// It holds what would act on the terminal, and is to be shown with escapes for it before it is run.
    Reveal,
}

impl Typing {
    /// Why the line was given up and where the cursor was; asked once.
    pub(super) fn take_leave(&self) -> (Leave, usize) {
        let leaves = [Leave::No, Leave::Cancel, Leave::Editor, Leave::Up, Leave::Join, Leave::Search, Leave::Reveal];
        let leave = self.leave.swap(Leave::No as u8, Ordering::Relaxed);
        let leave = leaves.into_iter().find(|&known| known as u8 == leave).unwrap_or(Leave::No);
        (leave, self.at.load(Ordering::Relaxed))
    }

    /// Ends the line as if it were entered: nothing is left of a hint that way.
    fn give_up(&self, why: Leave, context: &EventContext<'_>) -> Cmd {
        self.leave.store(why as u8, Ordering::Relaxed);
        self.at.store(context.pos(), Ordering::Relaxed);
        Cmd::AcceptLine
    }
}

/// What Up and Down do until another key is pressed.
enum HistoryWalk {
    /// The last key was another one.
    None,
    /// Go through all lines, and through the rows of one with several.
    All,
    /// Go through the lines that begin with what stands before the cursor.
    Prefix,
}

/// Every key but sequences of several.
struct KeyHandler {
    typing: Arc<Typing>,
    /// A [`HistoryWalk`].
    walk: AtomicU8,
    /// What the history is searched for, while it is.
    search: Mutex<Option<String>>,
}

impl ConditionalEventHandler for KeyHandler {
    fn handle(&self, event: &Event, _: RepeatCount, _: bool, context: &EventContext<'_>) -> Option<Cmd> {
        use KeyCode::{Backspace, Char, Down, End, Enter, Right, Up};
        const NONE: Modifiers = Modifiers::NONE;
        const CTRL: Modifiers = Modifiers::CTRL;
        let &KeyEvent(code, modifiers) = event.get(0)?;
        self.typing.leave.store(Leave::No as u8, Ordering::Relaxed);
        self.typing.revealed.store(false, Ordering::Relaxed);
        if !matches!((code, modifiers), (Up | Down, NONE)) {
            self.walk.store(HistoryWalk::None as u8, Ordering::Relaxed);
        }
        let is_command = context.mode() == EditMode::Vi && context.input_mode() == InputMode::Command;
        if let Some(end) = self.search(code, modifiers, context) {
            return Some(end);
        }
        match (code, modifiers) {
            (Up, NONE) if self.is_first_row(context) => Some(self.typing.give_up(Leave::Up, context)),
            (Up | Down, NONE) => self.walk(code == Up, context),
            (Char('C'), CTRL) => Some(self.typing.give_up(Leave::Cancel, context)),
            (Char('v'), NONE) if is_command => Some(self.typing.give_up(Leave::Editor, context)),
            (Char('/'), NONE) | (Char('R'), CTRL) if is_command => Some(self.typing.give_up(Leave::Search, context)),
            (Char(c), NONE) if is_unsafe(c) => Some(Cmd::Noop),
            // It would take in any character.
            (Char('V' | 'Q'), CTRL) => Some(Cmd::Noop),
            (Enter, NONE) | (Char('M' | 'J'), CTRL) => self.reveal(context),
            (Right | End, NONE) | (Char('E' | 'F'), CTRL) => self.suggestion(code, context),
            (Char('f' | 'F') | Right, Modifiers::ALT) | (Right, CTRL) => self.word_of_suggestion(context),
            (Backspace, NONE) | (Char('H'), CTRL)
                if context.pos() == 0 && self.is_first_row(context) && !is_command =>
            {
                Some(self.typing.give_up(Leave::Join, context))
            }
            _ => None,
        }
    }
}

impl KeyHandler {
    /// Follows a search of the history, and ends one that has found nothing: the editor itself would run the last line that
    /// was found, whatever was typed since.
    fn search(&self, code: KeyCode, modifiers: Modifiers, context: &EventContext<'_>) -> Option<Cmd> {
        let mut search = self.search.lock().unwrap_or_else(PoisonError::into_inner);
        match (code, modifiers, search.as_mut()) {
            (KeyCode::Char('R' | 'S'), Modifiers::CTRL, _) => _ = search.get_or_insert_default(),
            (KeyCode::Char(c), Modifiers::NONE, Some(wanted)) => wanted.push(c),
            (KeyCode::Backspace, Modifiers::NONE, Some(wanted))
            | (KeyCode::Char('H'), Modifiers::CTRL, Some(wanted)) => {
                wanted.pop();
            }
            (KeyCode::Enter, Modifiers::NONE, Some(wanted))
            | (KeyCode::Char('M' | 'J'), Modifiers::CTRL, Some(wanted)) => {
                let is_found = context.line().contains(&**wanted);
                *search = None;
                return (!is_found).then_some(Cmd::Abort);
            }
            _ => *search = None,
        }
        None
    }

    /// Whether the cursor is in the first row of text that continues rows before it.
    fn is_first_row(&self, context: &EventContext<'_>) -> bool {
        self.typing.continues.load(Ordering::Relaxed) && !context.line()[..context.pos()].contains('\n')
    }

    /// Decides at the first Up or Down what the next ones do: an empty line was filled by the first.
    fn walk(&self, up: bool, context: &EventContext<'_>) -> Option<Cmd> {
        let mut walk = self.walk.load(Ordering::Relaxed);
        if walk == HistoryWalk::None as u8 {
            let all = context.pos() == 0 || context.line().contains('\n');
            walk = if all { HistoryWalk::All as u8 } else { HistoryWalk::Prefix as u8 };
            self.walk.store(walk, Ordering::Relaxed);
        }
        let search = if up { Cmd::HistorySearchBackward } else { Cmd::HistorySearchForward };
        (walk == HistoryWalk::Prefix as u8).then_some(search)
    }

    /// Puts escapes in the place of what would act on the terminal, which is not shown, before the line is run.
    fn reveal(&self, context: &EventContext<'_>) -> Option<Cmd> {
        let line = context.line();
        let is_hidden = |c: char| is_unsafe(c) && !matches!(c, '\n' | '\t');
        line.contains(is_hidden).then(|| self.typing.give_up(Leave::Reveal, context))
    }

    fn suggestion(&self, code: KeyCode, context: &EventContext<'_>) -> Option<Cmd> {
        Self::text_of_suggestion(context).map(|text| match text {
            _ if self.typing.moved.load(Ordering::Relaxed) => Cmd::Repaint,
            Some(_) => Cmd::CompleteHint,
            None if code == KeyCode::End => Cmd::Move(Movement::EndOfLine),
            None => Cmd::Move(Movement::ForwardChar(1)),
        })
    }

    fn word_of_suggestion(&self, context: &EventContext<'_>) -> Option<Cmd> {
        let text = Self::text_of_suggestion(context)??;
        if self.typing.moved.load(Ordering::Relaxed) {
            return Some(Cmd::Repaint);
        }
        let start = text.find(|c: char| !c.is_whitespace()).unwrap_or(text.len());
        let end = text[start..].find(char::is_whitespace).map_or(text.len(), |length| start + length);
        Some(Cmd::Insert(1, text[..end].to_owned()))
    }

    /// What the hint has to take, if the cursor is where it stands.
    #[expect(clippy::option_option, reason = "no hint, one that only informs, and one to take")]
    fn text_of_suggestion<'c>(context: &'c EventContext<'_>) -> Option<Option<&'c str>> {
        let is_there = context.has_hint() && context.pos() == context.line().len();
        is_there.then(|| context.hint_text().filter(|text| !text.is_empty()))
    }
}

/// Ctrl-X Ctrl-E.
struct InEditor {
    typing: Arc<Typing>,
}

impl ConditionalEventHandler for InEditor {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext<'_>) -> Option<Cmd> {
        Some(self.typing.give_up(Leave::Editor, context))
    }
}
