//! What Tab offers: from the definitions of the commands, from the live database, from the file system. It never runs
//! anything, and what it puts into the line is quoted.

use std::rc::Rc;
use std::time::Duration;

use clap::{Arg, Command};
use rustyline::completion::Pair;

use super::candidate::{Candidate, CandidateKind, MOST, WIDEST, fill};
use super::columns;
use super::cursor::CursorContext;
use super::hint::left;
use super::lookup::Lookup;
use super::outside;
use super::parts;
use super::paths::paths;
use super::tree::{Before, Outside};
use crate::database::{Outline, Seen};
use crate::shell::config;
use crate::shell::language::classify::{by_long, positional};
use crate::shell::language::help;
use crate::shell::text::argument::ArgumentKind;
use crate::storage::Entry;
use crate::value::Value;

/// Finds candidates.
pub(super) struct Completions {
    lookup: Rc<Lookup>,
    tree: Rc<Command>,
    /// Whether it is for the prompt, where keys that do not begin with what was typed help too.
    fuzzy: bool,
}

/// What belongs where the cursor is.
#[derive(Debug)]
pub(super) enum Wanted<'t> {
    Nothing,
    Command,
    Flag,
    /// The value of an argument.
    Value(&'t Arg),
    /// A file that an answer goes to.
    File,
}

impl<'t> Wanted<'t> {
    /// By the words before it and what was typed of it.
    pub(super) fn at(cursor: &CursorContext<'_>, before: &Before<'t>) -> Self {
        match before.outside {
            Some(Outside::File) => return Self::File,
            Some(Outside::Program) => return Self::Nothing,
            None => {}
        }
        let arg = match &cursor.flag {
            Some(flag) => by_long(before.scope(), flag),
            None if before.value_of.is_some() => before.value_of,
            None if cursor.quote.is_none() && !before.only_data && cursor.typed.starts_with(b"-") => return Self::Flag,
            None => match before.command {
                Some(command) => positional(command, before.places.len()),
                None if before.lost || cursor.quote.is_some() => None,
                None => return Self::Command,
            },
        };
        arg.map_or(Self::Nothing, Self::Value)
    }
}

impl Completions {
    pub(super) fn new(lookup: Rc<Lookup>, tree: Rc<Command>) -> Self {
        Self { lookup, tree, fuzzy: true }
    }

    /// For whoever shows only what begins with what was typed.
    pub(super) fn by_prefix(lookup: Rc<Lookup>, tree: Rc<Command>) -> Self {
        Self { fuzzy: false, ..Self::new(lookup, tree) }
    }

    /// What the text could go on with, where the part begins that is replaced, and what stands behind the cursor.
    pub(super) fn at(&self, text: &str, after: &str) -> (usize, Vec<Pair>) {
        let Some(cursor) = CursorContext::at_end_of(text) else { return (text.len(), Vec::new()) };
        let before = Before::read(&self.tree, &cursor.before);
        let widest = WIDEST.min(columns::terminal().0.saturating_sub(2));
        if before.outside == Some(Outside::Program) {
            return outside::at(text, cursor.start, after, widest);
        }
        let candidates = self.candidates(&Wanted::at(&cursor, &before), &cursor, &before);
        (cursor.start, fill(&cursor, &candidates, &text[cursor.start..], after, widest))
    }

    pub(super) fn candidates(
        &self,
        wanted: &Wanted<'_>,
        cursor: &CursorContext<'_>,
        before: &Before<'_>,
    ) -> Vec<Candidate> {
        let typed = String::from_utf8_lossy(&cursor.typed);
        match wanted {
            Wanted::Nothing => Vec::new(),
            Wanted::File => paths(cursor),
            Wanted::Command => self.commands(&typed),
            Wanted::Flag => flags(before, &typed, self.few()),
            Wanted::Value(arg) if ArgumentKind::of(arg) == ArgumentKind::Pointer => self.pointers(before, &typed),
            Wanted::Value(arg) => self.values(arg, cursor, &typed),
        }
    }

    /// Of more candidates nothing is said where the room is that of the prompt.
    fn few(&self) -> usize {
        if self.fuzzy { 16 } else { usize::MAX }
    }

    /// The commands that begin so, each with what it does.
    fn commands(&self, typed: &str) -> Vec<Candidate> {
        let about = |name: &str| self.tree.find_subcommand(name).and_then(Command::get_about);
        explained(words_of(help::names_in(&self.tree), typed), self.few(), |name| about(name).map(ToString::to_string))
    }

    /// The parts of the JSON at the key that is there, by the pointers to them.
    fn pointers(&self, before: &Before<'_>, typed: &str) -> Vec<Candidate> {
        let key = before.places.first().and_then(|key| str::from_utf8(key).ok());
        let Some(Seen::Entry(Entry { value: Value::Json(json), .. })) = key.and_then(|key| self.lookup.value(key))
        else {
            return Vec::new();
        };
        let is_masked = key.is_some_and(|key| self.lookup.is_masked(key));
        parts::candidates(&json, typed, is_masked).into_iter().take(MOST).collect()
    }

    /// What an argument can be, by its kind.
    fn values(&self, arg: &Arg, cursor: &CursorContext<'_>, typed: &str) -> Vec<Candidate> {
        let possible = arg.get_possible_values();
        if arg.get_action().takes_values() && !possible.is_empty() {
            return words_of(possible.iter().map(|value| value.get_name().to_owned()).collect(), typed);
        }
        match ArgumentKind::of(arg) {
            ArgumentKind::Key => self.keys(&cursor.typed, self.fuzzy),
            ArgumentKind::Prefix | ArgumentKind::Bound => self.keys(&cursor.typed, false),
            ArgumentKind::Glob => {
                let is_pattern = |key: &Candidate| key.text.iter().any(|byte| b"*?[\\".contains(byte));
                self.keys(&cursor.typed, false).into_iter().filter(|key| !is_pattern(key)).collect()
            }
            ArgumentKind::Database => databases(cursor, typed),
            ArgumentKind::Topic => words_of(help::topics(), typed),
            ArgumentKind::Duration => durations(typed),
            ArgumentKind::Time => self.times(typed),
            ArgumentKind::File | ArgumentKind::Program => paths(cursor),
            _ => Vec::new(),
        }
    }

    /// The keys that begin so; if there is none, and it helps, those that have these characters in this order.
    fn keys(&self, typed: &[u8], fuzzy: bool) -> Vec<Candidate> {
        let Ok(typed) = str::from_utf8(typed) else { return Vec::new() };
        // The last one comes too, so that a shell finds what is common to all.
        let most = if self.fuzzy { MOST } else { 200 };
        let (mut found, last) = self.lookup.keys(typed, most);
        let kind = if found.is_empty() { CandidateKind::Near } else { CandidateKind::Data };
        if found.is_empty() && fuzzy {
            found = self.lookup.fuzzy(typed, MOST);
        }
        let now = self.lookup.now();
        let candidate = |outline: Outline| {
            let left = outline.expiry.map(|expiry| format!(", {}", left(expiry, now))).unwrap_or_default();
            let about = format!("{}{left}", outline.kind);
            Candidate { shown: outline.key.clone(), about, text: outline.key.into_bytes(), kind }
        };
        let last = last.map(|outline| Candidate::new(outline.key, CandidateKind::Last));
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
            Some(Candidate { shown: time.clone(), about, text: time.into_bytes(), kind: CandidateKind::Word })
        });
        times.filter(|time| time.shown.starts_with(typed)).collect()
    }
}

/// The flags that begin so, are not there yet, and go with those that are.
fn flags(before: &Before<'_>, typed: &str, few: usize) -> Vec<Candidate> {
    let free = before.free().filter(|arg| !before.excludes(arg));
    let names = free.filter_map(|arg| match arg.get_short() {
        Some(short) if typed == format!("-{short}") => Some(typed.to_owned()),
        _ => arg.get_long().map(|long| format!("--{long}")),
    });
    let help = |name: &str| by_long(before.scope(), name.strip_prefix("--")?)?.get_help().map(ToString::to_string);
    explained(words_of(names.collect(), typed), few, help)
}

/// Candidates with what is said of them, if they are so few that it helps.
fn explained(candidates: Vec<Candidate>, few: usize, about: impl Fn(&str) -> Option<String>) -> Vec<Candidate> {
    if candidates.len() > few {
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
    spans
        .into_iter()
        .filter(|span| span.starts_with(typed))
        .map(|span| Candidate::new(span, CandidateKind::Word))
        .collect()
}

/// Those of the words that begin so, in any case, sorted.
fn words_of(mut words: Vec<String>, typed: &str) -> Vec<Candidate> {
    words.sort_unstable();
    let typed = typed.to_ascii_lowercase();
    let fitting = words.into_iter().filter(|word| word.to_ascii_lowercase().starts_with(&typed));
    fitting.map(|word| Candidate::new(word, CandidateKind::Word)).collect()
}

/// The databases whose name begins so, or else the files.
fn databases(cursor: &CursorContext<'_>, typed: &str) -> Vec<Candidate> {
    let names = words_of(config::database_names(), typed);
    if !names.is_empty() {
        return names;
    }
    let is_side_file = |path: &Candidate| path.text.ends_with(b".lock") || path.text.ends_with(b".journal");
    paths(cursor).into_iter().filter(|path| !is_side_file(path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time_follow_the_number_that_was_typed() {
        let spans = |typed: &str| durations(typed).into_iter().map(|span| span.shown).collect::<Vec<_>>().join(" ");
        assert_eq!(spans(""), "30s 5m 30m 1h 12h 1d 7d 30d");
        assert_eq!(spans("15"), "15s 15m 15h 15d");
        assert_eq!(spans("1h"), "1h");
    }
}
