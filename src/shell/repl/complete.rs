//! What Tab offers: from the definitions of the commands, from the live database, from the file system. It never runs
//! anything, and what it puts into the line is quoted.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use clap::{Arg, Command};
use rustyline::completion::Pair;
use unicode_width::UnicodeWidthStr as _;

use super::columns::{self, fit};
use super::cursor::Cursor;
use super::hint::left;
use super::lookup::Lookup;
use super::tree::{Before, Outside, by_long, positional, value_name};
use crate::database::{Outline, Seen};
use crate::shell::render::style;
use crate::shell::{config, help, words};
use crate::storage::Entry;
use crate::value::Value;

/// More candidates than these help nobody, and the editor cannot list more than 65,535.
const MOST: usize = 1_000;

/// Columns that one candidate may take in the list.
const WIDEST: usize = 76;

/// Finds candidates.
pub(super) struct Completions {
    lookup: Rc<Lookup>,
    tree: Rc<Command>,
}

impl Completions {
    pub(super) fn new(lookup: Rc<Lookup>, tree: Rc<Command>) -> Self {
        Self { lookup, tree }
    }

    /// What the text could go on with, where the part begins that is replaced, and what stands behind the cursor.
    pub(super) fn at(&self, text: &str, after: &str) -> (usize, Vec<Pair>) {
        let Some(cursor) = Cursor::at_end_of(text) else { return (text.len(), Vec::new()) };
        let candidates = self.candidates(&cursor);
        let widest = WIDEST.min(columns::terminal().0.saturating_sub(2));
        (cursor.start, fill(&cursor, &candidates, &text[cursor.start..], after, widest))
    }

    fn candidates(&self, cursor: &Cursor<'_>) -> Vec<Candidate> {
        let before = Before::read(&self.tree, &cursor.before);
        let typed = String::from_utf8_lossy(&cursor.typed);
        match before.outside {
            Some(Outside::File) => return paths(&cursor.typed),
            Some(Outside::Program) => return Vec::new(),
            None => {}
        }
        let arg = match &cursor.flag {
            Some(flag) => before.command.and_then(|command| by_long(command, flag)),
            None if before.value_of.is_some() => before.value_of,
            None if cursor.quote.is_none() && !before.only_data && typed.starts_with('-') => {
                return flags(&before, &typed);
            }
            None => match before.command {
                Some(command) => positional(command, before.places.len()),
                None if before.lost || cursor.quote.is_some() => None,
                None => return self.commands(&typed),
            },
        };
        match arg {
            Some(arg) if value_name(arg) == "POINTER" => self.pointers(&before, &typed),
            Some(arg) => self.values(arg, cursor, &typed),
            None => Vec::new(),
        }
    }

    /// The commands that begin so, each with what it does.
    fn commands(&self, typed: &str) -> Vec<Candidate> {
        let about = |name: &str| self.tree.find_subcommand(name).and_then(Command::get_about);
        explained(words_of(help::names(), typed), |name| about(name).map(ToString::to_string))
    }

    /// The parts of the JSON at the key that is there, by the pointers to them.
    fn pointers(&self, before: &Before<'_>, typed: &str) -> Vec<Candidate> {
        let key = before.places.first().and_then(|key| str::from_utf8(key).ok());
        let Some(Seen::Entry(Entry { value: Value::Json(json), .. })) = key.and_then(|key| self.lookup.value(key))
        else {
            return Vec::new();
        };
        let parent = &typed[..typed.rfind('/').unwrap_or(0)];
        let Ok(Some(Value::Json(inside))) = json.pointer(parent) else { return Vec::new() };
        let candidate = |name: String, inside: &serde_json::Value| {
            let (about, kind) = match inside {
                serde_json::Value::Object(_) => ("{…}".to_owned(), Kind::Begun),
                serde_json::Value::Array(items) => (format!("[{}]", items.len()), Kind::Begun),
                plain => (fit(&plain.to_string(), 30), Kind::Data),
            };
            let pointer = format!("{parent}/{}", name.replace('~', "~0").replace('/', "~1"));
            Candidate { about, ..Candidate::new(pointer, kind) }
        };
        let parts: Vec<Candidate> = match serde_json::from_str(inside.as_str()) {
            Ok(serde_json::Value::Object(members)) => {
                members.into_iter().map(|(name, inside)| candidate(name, &inside)).collect()
            }
            Ok(serde_json::Value::Array(items)) => {
                (0..).zip(&items).map(|(at, inside): (usize, _)| candidate(at.to_string(), inside)).collect()
            }
            _ => Vec::new(),
        };
        parts.into_iter().filter(|part| part.shown.starts_with(typed)).take(MOST).collect()
    }

    /// What an argument can be, by the name that its definition gives to its value.
    fn values(&self, arg: &Arg, cursor: &Cursor<'_>, typed: &str) -> Vec<Candidate> {
        let possible = arg.get_possible_values();
        if arg.get_action().takes_values() && !possible.is_empty() {
            return words_of(possible.iter().map(|value| value.get_name().to_owned()).collect(), typed);
        }
        match value_name(arg) {
            "KEY" | "NEW" => self.keys(&cursor.typed, true),
            "K" | "P" | "PREFIX" => self.keys(&cursor.typed, false),
            "GLOB" => {
                let is_pattern = |key: &Candidate| key.text.iter().any(|byte| b"*?[\\".contains(byte));
                self.keys(&cursor.typed, false).into_iter().filter(|key| !is_pattern(key)).collect()
            }
            "NAME" if typed.contains('/') => {
                let beside = |path: &Candidate| path.text.ends_with(b".lock") || path.text.ends_with(b".journal");
                paths(&cursor.typed).into_iter().filter(|path| !beside(path)).collect()
            }
            "NAME" => words_of(config::database_names(), typed),
            "FILE" | "PATH" => paths(&cursor.typed),
            "COMMAND" => words_of(help::topics(), typed),
            "DURATION" => durations(typed),
            "RFC3339" => self.times(typed),
            _ => Vec::new(),
        }
    }

    /// The keys that begin so; if there is none, and it helps, those that have these characters in this order.
    fn keys(&self, typed: &[u8], fuzzy: bool) -> Vec<Candidate> {
        let Ok(typed) = str::from_utf8(typed) else { return Vec::new() };
        let (mut found, last) = self.lookup.keys(typed, MOST);
        let kind = if found.is_empty() { Kind::Near } else { Kind::Data };
        if found.is_empty() && fuzzy {
            found = self.lookup.fuzzy(typed, MOST);
        }
        let now = self.lookup.now();
        let candidate = |outline: Outline| {
            let left = outline.deadline.map(|deadline| format!(", {}", left(deadline, now))).unwrap_or_default();
            let about = format!("{}{left}", outline.kind);
            Candidate { shown: outline.key.clone(), about, text: outline.key.into_bytes(), kind }
        };
        let last = last.map(|outline| Candidate::new(outline.key, Kind::Last));
        found.into_iter().map(candidate).chain(last).collect()
    }

    /// Some points in time.
    fn times(&self, typed: &str) -> Vec<Candidate> {
        const HOUR: u64 = 3_600;
        let now = self.lookup.now();
        let spans = [
            (HOUR, "in an hour"),
            (24 * HOUR, "in a day"),
            (7 * 24 * HOUR, "in a week"),
            (30 * 24 * HOUR, "in 30 days"),
        ];
        let times = spans.into_iter().filter_map(|(seconds, about)| {
            let time = now.after(Duration::from_secs(seconds)).ok()?.to_string();
            let about = about.to_owned();
            Some(Candidate { shown: time.clone(), about, text: time.into_bytes(), kind: Kind::Word })
        });
        times.filter(|time| time.shown.starts_with(typed)).collect()
    }
}

/// The flags that begin so, are not there yet, and go with those that are.
fn flags(before: &Before<'_>, typed: &str) -> Vec<Candidate> {
    let free = before.free().filter(|arg| !before.excludes(arg));
    let names = free.filter_map(|arg| match arg.get_short() {
        Some(short) if typed == format!("-{short}") => Some(typed.to_owned()),
        _ => arg.get_long().map(|long| format!("--{long}")),
    });
    let help = |name: &str| by_long(before.scope(), name.strip_prefix("--")?)?.get_help().map(ToString::to_string);
    explained(words_of(names.collect(), typed), help)
}

/// Candidates with what is said of them, if they are so few that it helps.
fn explained(candidates: Vec<Candidate>, about: impl Fn(&str) -> Option<String>) -> Vec<Candidate> {
    const FEW: usize = 16;
    if candidates.len() > FEW {
        return candidates;
    }
    let explain = |candidate: Candidate| Candidate { about: about(&candidate.shown).unwrap_or_default(), ..candidate };
    candidates.into_iter().map(explain).collect()
}

/// Spans of time, the shortest first; those of a number that was typed if there is one.
fn durations(typed: &str) -> Vec<Candidate> {
    let is_number = !typed.is_empty() && typed.bytes().all(|byte| byte.is_ascii_digit());
    let spans: Vec<String> = if is_number {
        ["s", "m", "h", "d"].iter().map(|unit| format!("{typed}{unit}")).collect()
    } else {
        ["30s", "5m", "30m", "1h", "12h", "1d", "7d", "30d"].map(str::to_owned).to_vec()
    };
    spans.into_iter().filter(|span| span.starts_with(typed)).map(|span| Candidate::new(span, Kind::Word)).collect()
}

/// Something that may be put in.
struct Candidate {
    text: Vec<u8>,
    /// How it is listed, before it is made safe and cut.
    shown: String,
    /// What is said of it in the list, if anything.
    about: String,
    kind: Kind,
}

impl Candidate {
    /// Bytes that are not listed yet.
    fn of(text: Vec<u8>) -> Self {
        Self { text, shown: String::new(), about: String::new(), kind: Kind::Data }
    }

    /// A text that is listed as it is.
    fn new(text: String, kind: Kind) -> Self {
        Self { shown: text.clone(), kind, ..Self::of(text.into_bytes()) }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A word of the language, which needs no quotes.
    Word,
    /// Data, quoted where it must be.
    Data,
    /// Data that goes on: a folder.
    Begun,
    /// Data behind some that was left out: it is not listed, but what all begin with, it begins with too.
    Last,
    /// Data that does not begin with what was typed, and so takes its place only where it is alone.
    Near,
}

/// Those of the words that begin so, in any case, sorted.
fn words_of(mut words: Vec<String>, typed: &str) -> Vec<Candidate> {
    words.sort_unstable();
    let typed = typed.to_ascii_lowercase();
    let fitting = words.into_iter().filter(|word| word.to_ascii_lowercase().starts_with(&typed));
    fitting.map(|word| Candidate::new(word, Kind::Word)).collect()
}

/// The files and folders whose path begins so, sorted; hidden ones only if asked for.
fn paths(typed: &[u8]) -> Vec<Candidate> {
    let (folder, name) = typed.split_at(typed.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1));
    let listed = Path::new(OsStr::from_bytes(if folder.is_empty() { b"." } else { folder }));
    let Ok(entries) = std::fs::read_dir(listed) else { return Vec::new() };
    let fits = |found: &[u8]| found.starts_with(name) && (found.first() != Some(&b'.') || name.first() == Some(&b'.'));
    let mut names: Vec<Vec<u8>> =
        entries.flatten().map(|entry| entry.file_name().into_vec()).filter(|found| fits(found)).collect();
    names.sort_unstable();
    let last = if names.len() > MOST { names.pop() } else { None };
    names.truncate(MOST);
    let last = last.map(|name| Candidate { kind: Kind::Last, ..Candidate::of([folder, &name[..]].concat()) });
    let candidate = |mut name: Vec<u8>| {
        let is_folder = listed.join(OsStr::from_bytes(&name)).is_dir();
        if is_folder {
            name.push(b'/');
        }
        let kind = if is_folder { Kind::Begun } else { Kind::Data };
        let shown = String::from_utf8_lossy(&name).into_owned();
        Candidate { shown, kind, ..Candidate::of([folder, &name[..]].concat()) }
    };
    names.into_iter().map(candidate).chain(last).collect()
}

/// The candidates as the editor wants them. It inserts what all replacements begin with, so of several all say the same:
/// as far as they agree, in quotes that stay open. `raw` is what is replaced, `after` what stands behind the cursor.
fn fill(cursor: &Cursor<'_>, candidates: &[Candidate], raw: &str, after: &str, widest: usize) -> Vec<Pair> {
    if let [only] = candidates {
        return vec![Pair { display: fit(&only.shown, widest), replacement: whole(only, cursor.quote, after) }];
    }
    let Some(common) = common(candidates) else { return Vec::new() };
    let is_word = candidates[0].kind == Kind::Word;
    let is_near = candidates[0].kind == Kind::Near;
    let replacement = if is_near || common.len() <= cursor.typed.len() {
        raw.to_owned()
    } else if is_word {
        String::from_utf8_lossy(common).into_owned()
    } else {
        opened(common, cursor.quote)
    };
    let has_more = candidates.last().is_some_and(|last| last.kind == Kind::Last);
    let rows = listed(&candidates[..candidates.len() - usize::from(has_more)], widest);
    let rows = rows.into_iter().chain(has_more.then(|| "… and more".to_owned()));
    rows.map(|display| Pair { display, replacement: replacement.clone() }).collect()
}

/// The rows of the list: safe, and not so wide that it falls apart. What is said of the candidates stands in a column.
fn listed(candidates: &[Candidate], widest: usize) -> Vec<String> {
    /// What is much longer than the others does not push all of them away.
    const COLUMN: usize = 32;
    let widths = |of: fn(&Candidate) -> &str| candidates.iter().map(move |candidate| of(candidate).width());
    let about = widths(|candidate| &candidate.about).max().unwrap_or(0);
    if about == 0 {
        return candidates.iter().map(|candidate| fit(&candidate.shown, widest)).collect();
    }
    let shortest = widths(|candidate| &candidate.shown).filter(|&width| width <= COLUMN).max().unwrap_or(COLUMN);
    let about = about.min(widest.saturating_sub(shortest + GAP.len()));
    let room = widest.saturating_sub(about + GAP.len());
    let names: Vec<String> = candidates.iter().map(|candidate| fit(&candidate.shown, room)).collect();
    let column = names.iter().map(|name| name.width()).filter(|&width| width <= COLUMN).max().unwrap_or(0);
    let row = |(name, candidate): (String, &Candidate)| {
        let blanks = " ".repeat(column.saturating_sub(name.width()));
        format!("{name}{blanks}{GAP}{}", fit(&candidate.about, about))
    };
    names.into_iter().zip(candidates).map(row).collect()
}

/// What stands in a row of the list between a candidate and what is said of it.
const GAP: &str = "  ";

/// A row of the list in colours: what is said of a candidate is not what may be put in.
pub(super) fn paint_row(row: &str, color: bool) -> Cow<'_, str> {
    match row.rsplit_once(GAP) {
        Some((name, about)) if color => format!("{name}{GAP}{}", style::faint(true, about)).into(),
        _ => row.into(),
    }
}

/// What all candidates begin with, whole characters of it.
fn common(candidates: &[Candidate]) -> Option<&[u8]> {
    let (first, rest) = candidates.split_first()?;
    let mut common = &first.text[..];
    for candidate in rest {
        let same = common.iter().zip(&candidate.text).take_while(|(a, b)| a == b).count();
        common = &common[..same];
    }
    // An error without a length is a character that was cut.
    if let Err(error) = str::from_utf8(common)
        && error.error_len().is_none()
    {
        common = &common[..error.valid_up_to()];
    }
    Some(common)
}

/// A candidate with its quotes, and the blank that comes next.
fn whole(candidate: &Candidate, quote: Option<char>, after: &str) -> String {
    let mut text = match candidate.kind {
        Kind::Word => String::from_utf8_lossy(&candidate.text).into_owned(),
        Kind::Data | Kind::Near | Kind::Last => quoted(&candidate.text, quote),
        Kind::Begun => return opened(&candidate.text, quote),
    };
    if quote.is_some_and(|quote| after.starts_with(quote) && text.ends_with(quote)) {
        text.pop();
    } else if !after.starts_with(char::is_whitespace) {
        text.push(' ');
    }
    text
}

/// The same without its closing quote.
fn opened(bytes: &[u8], quote: Option<char>) -> String {
    let mut text = quoted(bytes, quote);
    if text.starts_with(['\'', '"']) {
        text.pop();
    }
    text
}

fn quoted(bytes: &[u8], quote: Option<char>) -> String {
    quote.map_or_else(|| words::quote(bytes), |quote| words::quote_in(quote, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Tab inserts for the text, and what it lists, if the keys are these.
    fn tab(line: &str, after: &str, keys: &[&str]) -> (String, Vec<String>) {
        let cursor = Cursor::at_end_of(line).unwrap();
        let candidates: Vec<Candidate> = keys.iter().map(|&key| Candidate::new(key.to_owned(), Kind::Data)).collect();
        let pairs = fill(&cursor, &candidates, &line[cursor.start..], after, 20);
        let inserted = pairs.first().map(|pair| pair.replacement.clone()).unwrap_or_default();
        assert!(pairs.iter().all(|pair| pair.replacement == inserted));
        (inserted, pairs.into_iter().map(|pair| pair.display).collect())
    }

    #[test]
    fn one_candidate_is_put_in_whole_and_several_as_far_as_they_agree() {
        for (line, after, keys, inserted) in [
            ("get a", "", &["abc"][..], "abc "),
            ("get a", " b", &["abc"], "abc"),
            ("get a", "", &["abc", "abd"], "ab"),
            ("get ab", "", &["abc", "abd"], "ab"),
            ("get a", "", &["a b", "a c"], "'a "),
            ("get a", "", &["abc d", "abcd"], "abc"),
            ("get \"a", "", &["a b", "a c"], "\"a "),
            ("get 'a", "'", &["a b"], "'a b"),
            ("get 'a", "", &["a\u{1b}b"], "\"a\\x1bb\" "),
            ("get a", "", &["a\u{1b}b", "a\u{1b}c"], "\"a\\x1b"),
            ("get 世", "", &["世界", "世畍"], "世"),
            ("get ", "", &["é", "è"], ""),
            ("get x", "", &[], ""),
        ] {
            let (found, listed) = tab(line, after, keys);
            assert_eq!(found, inserted, "{line}");
            assert_eq!(listed.len(), keys.len());
        }
    }

    #[test]
    fn a_list_is_capped_and_its_columns_too() {
        let keys: Vec<String> = (0..MOST).map(|number| format!("{number:04} {}", "世".repeat(40))).collect();
        let cursor = Cursor::at_end_of("get ").unwrap();
        let mut candidates: Vec<Candidate> = keys.into_iter().map(|key| Candidate::new(key, Kind::Data)).collect();
        candidates.push(Candidate::new("9".to_owned(), Kind::Last));
        let pairs = fill(&cursor, &candidates, "", "", 20);
        assert!(pairs.iter().all(|pair| pair.replacement.is_empty()), "{}", pairs[0].replacement);
        let listed: Vec<String> = pairs.into_iter().map(|pair| pair.display).collect();
        assert_eq!(listed.len(), MOST + 1);
        assert_eq!(listed[MOST], "… and more");
        assert!(listed.iter().all(|row| row.width() <= 20), "{:?}", listed[0]);
        assert!(listed[0].width() >= 18, "{:?}", listed[0]);
    }

    #[test]
    fn what_is_said_of_the_candidates_stands_in_a_column() {
        let about = |name: &str, about: &str| Candidate {
            about: about.to_owned(),
            ..Candidate::new(name.to_owned(), Kind::Data)
        };
        let long = "k".repeat(80);
        let rows = listed(&[about("session:9", "text, 29m left"), about("a\x1b", "json"), about(&long, "text")], 60);
        assert_eq!(rows[0], "session:9  text, 29m left");
        assert_eq!(rows[1], "a\\x1b      json");
        assert_eq!(rows[2], format!("{}…  text", "k".repeat(43)));
        assert!(listed(&[about(&long, "text")], 3).iter().all(|row| !row.contains('k')));
    }

    #[test]
    fn spans_of_time_follow_the_number_that_was_typed() {
        let spans = |typed: &str| durations(typed).into_iter().map(|span| span.shown).collect::<Vec<_>>().join(" ");
        assert_eq!(spans(""), "30s 5m 30m 1h 12h 1d 7d 30d");
        assert_eq!(spans("15"), "15s 15m 15h 15d");
        assert_eq!(spans("1h"), "1h");
    }
}
