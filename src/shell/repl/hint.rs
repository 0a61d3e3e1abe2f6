//! The gray hint after the cursor. The first of these that applies:
//!
//! - after the key of an entry, its value, if the command is complete;
//! - the rest of the newest line of the history that begins with this text, unless it failed, does not begin with a
//!   command, or sets a key that is masked now;
//! - the arguments to come, from clap's tree of the commands.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;

use clap::{Arg, Command};
use rustyline::Context;
use rustyline::hint::Hint;
use rustyline::history::SearchDirection;
use unicode_width::UnicodeWidthStr as _;

use super::columns::fit;
use super::cursor::{self, CursorContext};
use super::lookup::Lookup;
use super::tree::Before;
use crate::database::Seen;
use crate::expiry::Timestamp;
use crate::shell::language::classify::{is_list, positional};
use crate::shell::render::size;
use crate::shell::text::argument::{ArgumentKind, value_name};
use crate::shell::text::escape::terminal_lossy;
use crate::shell::text::mask::HIDDEN;
use crate::shell::text::words::Word;
use crate::value::Value;

/// Longer texts get no hint.
const LONGEST: usize = 4 << 10;

/// The gap between the typed text and the preview of a value.
const VALUE: &str = "  = ";

/// The hint after the cursor.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Suggestion {
    shown: String,
    /// The text to insert if the hint is accepted; `None` if it only informs.
    taken: Option<String>,
}

impl Suggestion {
    /// A hint that only informs.
    pub(super) fn note(shown: String) -> Self {
        Self { shown, taken: None }
    }
}

impl Hint for Suggestion {
    fn display(&self) -> &str {
        &self.shown
    }

    fn completion(&self) -> Option<&str> {
        self.taken.as_deref()
    }
}

/// Finds hints.
pub(super) struct Hints {
    lookup: Rc<Lookup>,
    tree: Rc<Command>,
    /// Lines that failed in this session.
    failed: RefCell<HashSet<String>>,
}

impl Hints {
    pub(super) fn new(lookup: Rc<Lookup>, tree: Rc<Command>) -> Self {
        Self { lookup, tree, failed: RefCell::default() }
    }

    /// Records a line that is not to be suggested again.
    pub(super) fn fail(&self, line: &str) {
        self.failed.borrow_mut().insert(line.to_owned());
    }

    /// The hint after a text, in at most this many columns.
    pub(super) fn behind(&self, text: &str, context: &Context<'_>, room: usize) -> Option<Suggestion> {
        // A shorter hint would say nothing.
        const LEAST: usize = 4;
        if text.trim().is_empty() || text.len() > LONGEST || room < LEAST {
            return None;
        }
        let (to_come, is_value) = self.to_come(text, room).unzip();
        let to_come = to_come.map(Suggestion::note);
        if is_value == Some(true) { to_come } else { self.newest(text, context, room).or(to_come) }
    }

    /// The rest of the newest line that begins with this text and is longer.
    fn newest(&self, text: &str, context: &Context<'_>, room: usize) -> Option<Suggestion> {
        let history = context.history();
        let mut start = history.len().checked_sub(1)?;
        loop {
            let found = history.starts_with(text, start, SearchDirection::Reverse).ok()??;
            let is_good = || {
                !self.failed.borrow().contains(&*found.entry)
                    && self.is_command(&found.entry)
                    && !self.lookup.may_be_secret(&found.entry)
            };
            if found.entry.len() > text.len() && is_good() {
                let rest = found.entry[text.len()..].to_owned();
                return Some(Suggestion { shown: fit(&rest, room), taken: Some(rest) });
            }
            start = found.idx.checked_sub(1)?;
        }
    }

    /// Whether a line of the history begins with an existing command; lines of earlier sessions may have failed.
    fn is_command(&self, line: &str) -> bool {
        cursor::parts(line.as_bytes()).first().is_none_or(|part| !Before::read(&self.tree, &part.words).lost)
    }

    /// The arguments to come and the current value; whether the cursor is right after its key and no argument is
    /// missing.
    fn to_come(&self, text: &str, room: usize) -> Option<(String, bool)> {
        let cursor = CursorContext::at_end_of(text)?;
        let typing = cursor.start < text.len() || cursor.flag.is_some();
        let mut before = Before::read(&self.tree, &cursor.before);
        if before.outside.is_some() || before.lost {
            return None;
        }
        if let Some(flag) = &cursor.flag {
            before.give(flag);
        }
        let typed = String::from_utf8_lossy(&cursor.typed);
        let is_bare = cursor.quote.is_none() && !before.only_data && cursor.flag.is_none();
        if let Some(arg) = before.value_of {
            return (!typing).then(|| (fit(value_name(arg), room), false));
        }
        if before.command.is_none() || (is_bare && typing && typed.starts_with('-') && typed.len() > 1) {
            // The name or the flag at the cursor, if it is complete.
            let word = Word { bytes: cursor.typed.as_slice().into(), quoted: !is_bare, flag: 0, span: 0..0 };
            before.take(&word);
            before.command?;
            if let Some(arg) = before.value_of {
                return Some((fit(&format!(" {}", value_name(arg)), room), false));
            }
            if typed.starts_with('-') {
                return None;
            }
            return Some((Self::pieces(&before, false, None, " ", room)?, false));
        }
        let seen = self.preview(&before, &cursor, typing && cursor.flag.is_none());
        let start = if typing { " " } else { "" };
        let shown = Self::pieces(&before, typing && cursor.flag.is_none(), seen, start, room)?;
        let is_value = typing && shown.starts_with(VALUE);
        Some((shown, is_value))
    }

    /// The arguments as they are written, positional ones first, as many as fit; or the required ones and a value.
    fn pieces(before: &Before<'_>, typing: bool, seen: Option<String>, start: &str, room: usize) -> Option<String> {
        let is_typed = |arg: &Arg| is_list(arg) && (typing || !before.places.is_empty());
        let places = before.missing(typing).filter(|arg| !before.excludes(arg) && !is_typed(arg));
        let places: Vec<String> = places.map(by_place).collect();
        let Some(seen) = seen else {
            let flags = before.free().filter(|arg| !arg.is_global_set() && arg.get_id() != "help");
            let flags: Vec<String> = flags.filter(|arg| !before.excludes(arg)).filter_map(by_flag).collect();
            let all: Vec<String> = places.into_iter().chain(flags).collect();
            return fill(start, &all, room);
        };
        let must: Vec<String> = places.into_iter().filter(|place| !place.starts_with('[')).collect();
        let mut shown = fill(start, &must, room).unwrap_or_default();
        let left = room.saturating_sub(shown.width());
        shown.push_str(&fit(&format!("{VALUE}{seen}"), left));
        Some(shown)
    }

    /// The value of the last key of the line, if it exists.
    fn preview(&self, before: &Before<'_>, cursor: &CursorContext<'_>, typing: bool) -> Option<String> {
        let command = before.command?;
        let place = if typing { before.places.len() } else { before.places.len().checked_sub(1)? };
        let arg = positional(command, place)?;
        if ArgumentKind::of(arg) != ArgumentKind::Key {
            return None;
        }
        let key = if typing { &cursor.typed } else { before.places.last().filter(|_| before.ends_in_place)? };
        let key = str::from_utf8(key).ok().filter(|key| !key.is_empty())?;
        Some(match self.lookup.value(key)? {
            _ if self.lookup.is_masked(key) => HIDDEN.to_owned(),
            Seen::Large(bytes) => format!("<{}>", size(bytes)),
            Seen::Entry(entry) => {
                let left = entry.expiry.map(|expiry| left(expiry, self.lookup.now()));
                let value = shown(&entry.value);
                // The time to live must not be cut off because the value is long.
                left.map_or_else(|| value.clone(), |left| format!("({left}) {value}"))
            }
        })
    }
}

/// The time until an expiry, in one unit.
pub(super) fn left(expiry: Timestamp, now: Timestamp) -> String {
    let seconds = expiry.since(now).as_secs();
    let (count, unit) = match seconds {
        0..120 => (seconds, "s"),
        120..7_200 => (seconds / 60, "m"),
        7_200..172_800 => (seconds / 3_600, "h"),
        _ => (seconds / 86_400, "d"),
    };
    format!("{count}{unit} left")
}

/// The beginning of a value, at most one row.
fn shown(value: &Value) -> String {
    const MOST: usize = 1_000;
    match value {
        Value::Bytes(bytes) => format!("<binary, {}>", size(bytes.len() as u64)),
        value => {
            let bytes = value.as_bytes();
            let text = &bytes[..bytes.len().min(MOST)];
            let whole = str::from_utf8(text).map_or_else(|error| error.valid_up_to(), str::len);
            terminal_lossy(&text[..whole]).into_owned()
        }
    }
}

fn by_place(arg: &Arg) -> String {
    let name = value_name(arg);
    // Clap only knows half of it: a value or a key is optional if another option replaces it.
    let must = arg.is_required_set() || matches!(ArgumentKind::of(arg), ArgumentKind::Key | ArgumentKind::Value);
    let dots = if is_list(arg) { "..." } else { "" };
    if must { format!("{name}{dots}") } else { format!("[{name}{dots}]") }
}

fn by_flag(arg: &Arg) -> Option<String> {
    let name = match (arg.get_long(), arg.get_short()) {
        (Some(long), _) => format!("--{long}"),
        (None, Some(short)) => format!("-{short}"),
        (None, None) => return None,
    };
    let value = value_name(arg);
    let takes = arg.get_action().takes_values();
    Some(if takes { format!("[{name} {value}]") } else { format!("[{name}]") })
}

/// As many of the pieces as fit, with `…` for the rest.
fn fill(start: &str, pieces: &[String], room: usize) -> Option<String> {
    let mut shown = String::new();
    for (at, piece) in pieces.iter().enumerate() {
        let blank = if at == 0 { start } else { " " };
        let end = if at + 1 == pieces.len() { 0 } else { 2 };
        if shown.width() + blank.len() + piece.width() + end > room {
            if shown.is_empty() {
                return None;
            }
            shown.push_str(" …");
            break;
        }
        shown.push_str(blank);
        shown.push_str(piece);
    }
    (!shown.is_empty()).then_some(shown)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::time::Duration;

    use rustyline::history::{DefaultHistory, History as _};

    use super::super::tree;
    use super::*;
    use crate::database::Database;
    use crate::shell::commands::{Access, Session};
    use crate::shell::config::Location;
    use crate::store::Undoing;

    fn hints() -> Hints {
        let location = Location::of_file("test", "test.json");
        let access = Access { read_only: false, wait: Some(Duration::ZERO) };
        let mut session = Session::without_database(location, access);
        let mut db = Database::in_memory();
        db.set("user:1", Value::from_json("{\"name\":\"Ada\"}").unwrap()).unwrap();
        db.set("visits", "41").unwrap();
        db.set("escape", "a\x1b[31m\nb").unwrap();
        db.set("bytes", Value::Bytes(vec![0xff; 2_048])).unwrap();
        db.set("large", "x".repeat(100_000)).unwrap();
        db.set("long", "y".repeat(500)).unwrap();
        session.db = Undoing::new(Box::new(db));
        Hints::new(Rc::new(Lookup::new(Rc::new(RefCell::new(session)))), Rc::new(tree::tree()))
    }

    fn shown(hints: &Hints, text: &str, room: usize) -> String {
        let history = DefaultHistory::new();
        hints.behind(text, &Context::new(&history), room).map_or_else(String::new, |hint| {
            assert_eq!(hint.completion(), None);
            hint.shown
        })
    }

    #[test]
    fn the_arguments_to_come_shrink_as_they_come() {
        let hints = hints();
        for (text, wanted) in [
            ("rename", " KEY NEW [--replace] [--prefix]"),
            ("rename ", "KEY NEW [--replace] [--prefix]"),
            ("rename a", " NEW [--replace] [--prefix]"),
            ("rename a ", "NEW [--replace] [--prefix]"),
            ("rename a b", " [--replace] [--prefix]"),
            ("rename a b --replace", ""),
            ("rename a b --rep", ""),
            ("RENAME a", " NEW [--replace] [--prefix]"),
            ("get ", "KEY... [--glob GLOB] [--prefix PREFIX] [--pointer POINTER] …"),
            ("get nothing", " [--glob GLOB] [--prefix PREFIX] [--pointer POINTER] …"),
            ("get nothing --pointer", " POINTER"),
            ("get nothing --pointer ", "POINTER"),
            ("get nothing --pointer /a", ""),
            ("get nothing --pointer=/a", " [--default VALUE] [--where FILTER] [--type TYPE] …"),
            ("del --prefix x ", "[--where FILTER] [--type TYPE] [--expiring WITHIN] [--arg NAME] …"),
            ("incr n ", "[BY] [--pointer POINTER] [--parents]"),
            ("nonsense ", ""),
            ("# x", ""),
            ("get 'a'b", ""),
            ("list | jq ", ""),
            ("", ""),
            ("  ", ""),
        ] {
            assert_eq!(shown(&hints, text, 70), wanted, "{text:?}");
        }
        assert!(shown(&hints, "set ", 70).starts_with("KEY VALUE [--json] [--ttl DURATION]"));
        let file = shown(&hints, "set k --file x ", 200);
        assert!(!file.contains("VALUE ") && file.contains("[--ttl DURATION]"), "{file}");
    }

    #[test]
    fn the_value_of_a_whole_key_is_shown_and_what_must_come_before_it() {
        let hints = hints();
        for (text, wanted) in [
            ("get user:1", "  = {\"name\":\"Ada\"}"),
            ("get user:1 ", "  = {\"name\":\"Ada\"}"),
            ("get 'user:1'", "  = {\"name\":\"Ada\"}"),
            ("set visits", " VALUE  = 41"),
            ("set visits ", "VALUE  = 41"),
            ("set visits 4", " [--json]"),
            ("incr visits", "  = 41"),
            ("del visits user:1", "  = {\"name\":\"Ada\"}"),
            ("rename visits user:1", "  = {\"name\":\"Ada\"}"),
            ("get escape", "  = a\\x1b[31m\\nb"),
            ("get bytes", "  = <binary, 2 KiB>"),
            ("get large", "  = <98 KiB>"),
            ("get visits --default 'x'", ""),
            ("append visits user:1", " [--pointer POINTER] [--parents]"),
        ] {
            let found = shown(&hints, text, 70);
            assert!(found.starts_with(wanted) && (found == wanted || text == "set visits 4"), "{text:?}: {found:?}");
        }
    }

    #[test]
    fn no_hint_is_wider_than_the_room_it_has() {
        let hints = hints();
        for room in 0..60 {
            for text in ["set ", "get ", "get long", "set long", "list ", "get visits --pointer ", "get escape"] {
                assert!(shown(&hints, text, room).width() <= room, "{text:?} in {room}");
            }
        }
    }

    #[test]
    fn the_newest_line_of_the_history_wins_and_can_be_taken() {
        let hints = hints();
        let mut history = DefaultHistory::new();
        for line in ["get visits --pointer /a", "get user:2", "get user:1", "set x 'a\nb'", "gett user:9"] {
            history.add(line).unwrap();
        }
        let context = Context::new(&history);
        let hint = |text: &str| hints.behind(text, &context, 12);
        assert_eq!(hint("get u").unwrap().completion(), Some("ser:1"));
        assert_eq!(hint("gett").map(|hint| hint.taken), None, "it is no command");
        assert_eq!(hint("get visits").unwrap().display(), "  = 41");
        assert_eq!(hint("get visits ").unwrap().completion(), Some("--pointer /a"));
        assert_eq!(hint("get visits ").unwrap().display(), "--pointer /a");
        assert_eq!(hint("set x").unwrap().completion(), Some(" 'a\nb'"));
        assert_eq!(hint("set x").unwrap().display(), " 'a\\nb'");
        assert_eq!(hint("get user:1").unwrap().completion(), None);
    }

    #[test]
    fn what_is_left_is_told_in_one_unit() {
        let at = |seconds: u64| left(Timestamp::from_millis(seconds * 1_000), Timestamp::from_millis(0));
        let told: Vec<String> = [0, 119, 120, 7_199, 7_200, 172_799, 172_800].map(at).to_vec();
        assert_eq!(told, ["0s left", "119s left", "2m left", "119m left", "2h left", "47h left", "2d left"]);
    }
}
