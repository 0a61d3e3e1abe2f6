//! What Tab offers: from the definitions of the commands, from the live database, from the file system. It never runs
//! anything, and what it puts into the line is quoted.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::rc::Rc;

use clap::{Arg, ArgAction, Command, CommandFactory};
use rustyline::completion::Pair;
use unicode_width::UnicodeWidthStr as _;

use super::cursor::Cursor;
use crate::shell::cli::Line;
use crate::shell::escape::excerpt;
use crate::shell::session::Session;
use crate::shell::words::{self, Word};
use crate::shell::{config, help};

/// More candidates than these help nobody, and the editor cannot list more than 65,535.
const MOST: usize = 1_000;

/// Columns that one candidate may take in the list.
const WIDEST: usize = 60;

/// Finds candidates.
pub(super) struct Completions {
    session: Rc<RefCell<Session>>,
    tree: Command,
}

impl Completions {
    pub(super) fn new(session: Rc<RefCell<Session>>) -> Self {
        let mut tree = Line::command();
        tree.build();
        Self { session, tree }
    }

    /// What the text before `pos` could go on with, and where the part begins that is replaced.
    pub(super) fn at(&self, line: &str, pos: usize) -> (usize, Vec<Pair>) {
        let Some(cursor) = Cursor::at_end_of(&line[..pos]) else { return (pos, Vec::new()) };
        let candidates = self.candidates(&cursor);
        let columns = terminal_size::terminal_size().map_or(80, |(columns, _)| usize::from(columns.0));
        let widest = WIDEST.min(columns.saturating_sub(2));
        (cursor.start, fill(&cursor, &candidates, &line[cursor.start..pos], &line[pos..], widest))
    }

    fn candidates(&self, cursor: &Cursor<'_>) -> Vec<Candidate> {
        let before = Before::read(&self.tree, &cursor.before);
        let typed = String::from_utf8_lossy(&cursor.typed);
        let arg = match &cursor.flag {
            Some(flag) => before.command.and_then(|command| by_long(command, flag)),
            None if before.value_of.is_some() => before.value_of,
            None if cursor.quote.is_none() && !before.only_data && typed.starts_with('-') => {
                return before.flags(&self.tree, &typed);
            }
            None => match before.command {
                Some(command) => positional(command, before.positionals),
                None if before.lost || cursor.quote.is_some() => None,
                None => return words_of(help::names(), &typed),
            },
        };
        arg.map_or_else(Vec::new, |arg| self.values(arg, cursor, &typed))
    }

    /// What an argument can be, by the name that its definition gives to its value.
    fn values(&self, arg: &Arg, cursor: &Cursor<'_>, typed: &str) -> Vec<Candidate> {
        let possible = arg.get_possible_values();
        if arg.get_action().takes_values() && !possible.is_empty() {
            return words_of(possible.iter().map(|value| value.get_name().to_owned()).collect(), typed);
        }
        match arg.get_value_names().and_then(<[_]>::first).map_or("", |name| name.as_str()) {
            "KEY" | "NEW" | "K" | "P" | "PREFIX" => self.keys(&cursor.typed),
            "NAME" if typed.contains('/') => {
                let beside = |path: &Candidate| path.text.ends_with(b".lock") || path.text.ends_with(b".journal");
                paths(&cursor.typed).into_iter().filter(|path| !beside(path)).collect()
            }
            "NAME" => words_of(config::database_names(), typed),
            "FILE" | "PATH" => paths(&cursor.typed),
            "COMMAND" => words_of(help::topics(), typed),
            _ => Vec::new(),
        }
    }

    /// The keys that begin so, those that others have just written included.
    fn keys(&self, typed: &[u8]) -> Vec<Candidate> {
        let (Ok(prefix), Ok(mut session)) = (str::from_utf8(typed), self.session.try_borrow_mut()) else {
            return Vec::new();
        };
        let beside;
        let db = if session.db.open_transaction().is_some() {
            // What a transaction reads must not change until its commit; to press Tab is not to read.
            let Ok(opened) = session.open_beside() else { return Vec::new() };
            beside = opened;
            &beside
        } else {
            // What is wrong with the file, the next command says.
            let _ = session.db.refresh();
            &session.db
        };
        let keys = db.prefix(prefix).keys().map_while(Result::ok).take(MOST + 1);
        keys.map(|key| Candidate { shown: key.clone(), text: key.into_bytes(), kind: Kind::Data }).collect()
    }
}

/// Something that may be put in.
struct Candidate {
    text: Vec<u8>,
    /// How it is listed, before it is made safe and cut.
    shown: String,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A word of the language, which needs no quotes.
    Word,
    /// Data, quoted where it must be.
    Data,
    /// Data that goes on: a folder.
    Begun,
}

/// Those of the words that begin so, in any case, sorted.
fn words_of(mut words: Vec<String>, typed: &str) -> Vec<Candidate> {
    words.sort_unstable();
    let typed = typed.to_ascii_lowercase();
    let fitting = words.into_iter().filter(|word| word.to_ascii_lowercase().starts_with(&typed));
    fitting.map(|word| Candidate { shown: word.clone(), text: word.into_bytes(), kind: Kind::Word }).collect()
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
    names.truncate(MOST + 1);
    let candidate = |mut name: Vec<u8>| {
        let is_folder = listed.join(OsStr::from_bytes(&name)).is_dir();
        if is_folder {
            name.push(b'/');
        }
        let kind = if is_folder { Kind::Begun } else { Kind::Data };
        Candidate { shown: String::from_utf8_lossy(&name).into_owned(), text: [folder, &name[..]].concat(), kind }
    };
    names.into_iter().map(candidate).collect()
}

/// What the words before the cursor come to.
struct Before<'t> {
    command: Option<&'t Command>,
    /// Whether a word is no command.
    lost: bool,
    /// The flag whose value comes next.
    value_of: Option<&'t Arg>,
    /// How many of the arguments by place are there.
    positionals: usize,
    /// Whether a `--` says that what follows is data.
    only_data: bool,
    /// The flags that are there.
    given: Vec<&'t clap::Id>,
}

impl<'t> Before<'t> {
    fn read(tree: &'t Command, words: &[Word<'_>]) -> Self {
        let mut before =
            Self { command: None, lost: false, value_of: None, positionals: 0, only_data: false, given: Vec::new() };
        for word in words {
            before.take(tree, word);
        }
        before
    }

    fn take(&mut self, tree: &'t Command, word: &Word<'_>) {
        let text = String::from_utf8_lossy(&word.bytes);
        if self.value_of.take().is_some() {
            return;
        }
        let is_data = word.quoted || self.only_data;
        if !is_data && text == "--" {
            self.only_data = true;
            return;
        }
        if let Some((arg, has_value)) = flag(self.command.unwrap_or(tree), &text).filter(|_| !is_data) {
            self.given.push(arg.get_id());
            self.value_of = Some(arg).filter(|arg| arg.get_action().takes_values() && !has_value);
            return;
        }
        if self.command.is_some() {
            self.positionals += 1;
        } else {
            self.command = tree.find_subcommand(text.to_ascii_lowercase());
            self.lost |= self.command.is_none();
        }
    }

    /// The flags that begin so and are not there yet.
    fn flags(&self, tree: &Command, typed: &str) -> Vec<Candidate> {
        let command = self.command.unwrap_or(tree);
        let free = command.get_arguments().filter(|arg| !arg.is_hide_set() && !self.given.contains(&arg.get_id()));
        let names = free.filter_map(|arg| match arg.get_short() {
            Some(short) if typed == format!("-{short}") => Some(typed.to_owned()),
            _ => arg.get_long().map(|long| format!("--{long}")),
        });
        words_of(names.collect(), typed)
    }
}

/// The flag that a word is, and whether its value is in the same word.
fn flag<'t>(command: &'t Command, word: &str) -> Option<(&'t Arg, bool)> {
    if let Some(long) = word.strip_prefix("--") {
        let (name, has_value) = long.split_once('=').map_or((long, false), |(name, _)| (name, true));
        return by_long(command, name).map(|arg| (arg, has_value));
    }
    let mut letters = word.strip_prefix('-')?.chars();
    let letter = letters.next()?;
    let arg = command.get_arguments().find(|arg| arg.get_short() == Some(letter))?;
    Some((arg, !letters.as_str().is_empty()))
}

fn by_long<'t>(command: &'t Command, name: &str) -> Option<&'t Arg> {
    command.get_arguments().find(|arg| arg.get_long() == Some(name))
}

/// The argument at a place; the last one may take many.
fn positional(command: &Command, at: usize) -> Option<&Arg> {
    let mut args = command.get_positionals();
    let last = command.get_positionals().last().filter(|arg| matches!(arg.get_action(), ArgAction::Append));
    args.nth(at).or(last)
}

/// The candidates as the editor wants them. It inserts what all replacements begin with, so of several all say the same:
/// as far as they agree, in quotes that stay open. `raw` is what is replaced, `after` what stands behind the cursor.
fn fill(cursor: &Cursor<'_>, candidates: &[Candidate], raw: &str, after: &str, widest: usize) -> Vec<Pair> {
    if let [only] = candidates {
        return vec![Pair { display: listed(&only.shown, widest), replacement: whole(only, cursor.quote, after) }];
    }
    let Some(common) = common(candidates) else { return Vec::new() };
    let is_word = candidates[0].kind == Kind::Word;
    let replacement = if common.len() <= cursor.typed.len() {
        raw.to_owned()
    } else if is_word {
        String::from_utf8_lossy(common).into_owned()
    } else {
        opened(common, cursor.quote)
    };
    let has_more = candidates.len() > MOST;
    let listed = candidates.iter().take(MOST).map(|candidate| listed(&candidate.shown, widest));
    let listed = listed.chain(has_more.then(|| "… and more".to_owned()));
    listed.map(|display| Pair { display, replacement: replacement.clone() }).collect()
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
        Kind::Data => quoted(&candidate.text, quote),
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

/// A candidate in the list: safe, and not so wide that the list falls apart.
fn listed(text: &str, widest: usize) -> String {
    let mut length = widest;
    loop {
        let shown = excerpt(text, length);
        let over = shown.width().saturating_sub(widest);
        if over == 0 {
            return shown;
        }
        length -= over.div_ceil(2).min(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Tab inserts for the text, and what it lists, if the keys are these.
    fn tab(line: &str, after: &str, keys: &[&str]) -> (String, Vec<String>) {
        let cursor = Cursor::at_end_of(line).unwrap();
        let candidates: Vec<Candidate> =
            keys.iter().map(|&key| Candidate { text: key.into(), shown: key.to_owned(), kind: Kind::Data }).collect();
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
        let keys: Vec<String> = (0..=MOST).map(|number| format!("{number:04} {}", "世".repeat(40))).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let (_, listed) = tab("get ", "", &keys);
        assert_eq!(listed.len(), MOST + 1);
        assert_eq!(listed[MOST], "… and more");
        assert!(listed.iter().all(|row| row.width() <= 20), "{:?}", listed[0]);
        assert!(listed[0].width() >= 18, "{:?}", listed[0]);
    }
}
