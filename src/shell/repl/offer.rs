//! Completion in the user's own shell: the shell passes its words and reads the candidates, one per line.
//!
//! Lookups are as bounded as at the prompt. Nothing is written, and errors are not reported, because there is a
//! half-typed line on the screen.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::rc::Rc;
use std::time::Duration;

use unicode_width::UnicodeWidthStr as _;

use super::candidate::{Candidate, CandidateKind};
use super::complete::{Completions, Wanted};
use super::cursor::CursorContext;
use super::lookup::Lookup;
use super::tree::{Before, Role, tree_of_program};
use crate::database::Database;
use crate::shell::commands::{Access, Session};
use crate::shell::config::Location;
use crate::shell::language::own_shell::{BashLine, ShellAction};
use crate::shell::language::rc;
use crate::shell::text::argument::{ArgumentKind, OwnShell, in_home};
use crate::shell::text::escape;
use crate::shell::text::mask::Masks;
use crate::shell::text::words::Word;

/// The column of the descriptions; longer candidates do not push it to the right.
const COLUMN: usize = 32;

/// A request from a shell.
struct Asked {
    shell: OwnShell,
    /// The arguments before the one at the cursor.
    before: Vec<Vec<u8>>,
    /// The bytes that the argument at the cursor stands for so far.
    typed: Vec<u8>,
    /// Whether it begins with a quote, or with a tilde that does not mean the home directory.
    is_quoted: bool,
    /// The line, for the shell that expects quoted words.
    bash: Option<BashLine>,
}

/// Answers a request: the shell's name, followed by its arguments.
pub(crate) fn offer(args: &[OsString]) {
    let Some(text) = Asked::of(args).and_then(|asked| asked.answer()) else { return };
    // If the shell has stopped reading, an error is of no use to it either.
    let _ = io::stdout().write_all(text.as_bytes());
}

impl Asked {
    /// bash passes the line up to the cursor and the part to be replaced; zsh the open quote, the word at the cursor
    /// and the words before it; fish the word and the words before it.
    fn of(args: &[OsString]) -> Option<Self> {
        let (shell, args) = args.split_first()?;
        let shell = OwnShell::named(shell.to_str()?)?;
        let meant = |words: &[OsString]| words.iter().map(|word| word.as_bytes().to_vec()).collect();
        match (shell, args) {
            (OwnShell::Bash, [line, replaced]) => {
                let line = BashLine::read(line.to_str()?, replaced.to_str()?)?;
                let before = line.before.get(1..)?.to_vec();
                Some(Self { shell, before, typed: line.typed.clone(), is_quoted: false, bash: Some(line) })
            }
            (OwnShell::Zsh, [quote, word, before @ ..]) => {
                let typed = BashLine::meaning_of(quote.to_str()?, word.to_str()?)?;
                Some(Self { shell, before: meant(before), typed, is_quoted: false, bash: None })
            }
            (OwnShell::Fish, [word, before @ ..]) => {
                let word = word.to_str()?;
                let is_quoted = word.starts_with(['\'', '"']) || word.starts_with("\\~");
                Some(Self { shell, before: meant(before), typed: fish_meaning(word), is_quoted, bash: None })
            }
            _ => None,
        }
    }

    fn answer(&self) -> Option<String> {
        if self.bash.as_ref().is_some_and(|line| line.is_file) {
            return Some(said(ShellAction::Files, Vec::new()));
        }
        let words: Vec<Word<'_>> = self.before.iter().map(|bytes| word(bytes)).collect();
        let tree = Rc::new(tree_of_program(&words));
        let (cursor, before, db) = self.read(&tree)?;
        let wanted = Wanted::at(&cursor, &before);
        let kind = match wanted {
            Wanted::Value(arg) => Some(ArgumentKind::of(arg)),
            _ => None,
        };
        let is_database = kind == Some(ArgumentKind::Database);
        match kind {
            Some(ArgumentKind::Program) if before.places.len() < 2 => {
                return Some(said(ShellAction::Programs, Vec::new()));
            }
            Some(ArgumentKind::Database) if !cursor.typed.iter().any(|byte| b"/~".contains(byte)) => {}
            Some(ArgumentKind::Database | ArgumentKind::File | ArgumentKind::Program) => {
                return Some(said(ShellAction::Files, Vec::new()));
            }
            _ => {}
        }
        let session = session(db.as_deref(), kind.is_some_and(ArgumentKind::is_in_database))?;
        let lookup = Rc::new(Lookup::once(session));
        let mut candidates = Completions::by_prefix(lookup, Rc::clone(&tree)).candidates(&wanted, &cursor, &before);
        // A candidate that begins with a dash would be read as a flag.
        if !before.only_data && !matches!(wanted, Wanted::Flag) && cursor.flag.is_none() {
            candidates.retain(|candidate| !candidate.text.starts_with(b"-"));
        }
        candidates.retain(|candidate| candidate.text.starts_with(&cursor.typed));
        if is_database
            && (candidates.is_empty() || candidates.iter().any(|candidate| candidate.kind != CandidateKind::Word))
        {
            return Some(said(ShellAction::Files, Vec::new()));
        }
        let goes_on = matches!(&candidates[..], [only] if only.kind == CandidateKind::Begun);
        let flag = self.typed.strip_suffix(&cursor.typed[..]).unwrap_or_default();
        let widths = candidates.iter().map(|candidate| candidate.shown.width()).filter(|&width| width <= COLUMN);
        let column = flag.len() + widths.max().unwrap_or(0);
        let lines = candidates.iter().filter_map(|candidate| self.line(flag, candidate, column)).collect();
        Some(said(if goes_on { ShellAction::Open } else { ShellAction::Words }, lines))
    }

    /// The relevant arguments: the word at the cursor, the words before it, and the database that they name.
    fn read<'t>(&'t self, tree: &'t clap::Command) -> Option<(CursorContext<'t>, Before<'t>, Option<OsString>)> {
        let mut before = Before::in_program(tree);
        let mut db = None;
        for bytes in &self.before {
            let is_database = |arg: &clap::Arg| arg.is_global_set() && ArgumentKind::of(arg) == ArgumentKind::Database;
            let is_db = before.value_of.is_some_and(is_database);
            let role = before.take(&word(bytes));
            let value = match role {
                Role::Value if is_db => Some(&bytes[..]),
                Role::Flag => [&b"--db="[..], b"-d"].iter().find_map(|flag| bytes.strip_prefix(*flag)),
                _ => None,
            };
            db = value.filter(|value| !value.is_empty()).map(|name| in_home(name).into()).or(db);
        }
        let length = match self.typed.iter().position(|&byte| byte == b'=') {
            Some(at) if self.typed.starts_with(b"--") && !before.only_data && before.value_of.is_none() => at + 1,
            _ => 0,
        };
        let flag = match length {
            0 => None,
            length => Some(str::from_utf8(&self.typed[2..length - 1]).ok()?.to_owned()),
        };
        let words = self.before.iter().map(|bytes| word(bytes)).collect();
        let typed = self.typed[length..].to_vec();
        Some((CursorContext { before: words, start: 0, flag, typed, quote: None }, before, db))
    }

    /// Formats a candidate for the shell.
    fn line(&self, flag: &[u8], candidate: &Candidate, column: usize) -> Option<String> {
        let text = [flag, &candidate.text[..]].concat();
        if let Some(line) = &self.bash {
            return line.rest_of(&text);
        }
        let text = String::from_utf8(text).ok().filter(|text| !text.contains('\0'))?;
        let about = escape::terminal(&candidate.about);
        match self.shell {
            // fish inserts lines literally, and a tilde as one unless one was typed.
            OwnShell::Fish if text.contains(escape::is_unsafe) => None,
            OwnShell::Fish if text.starts_with('~') && !self.is_quoted => None,
            OwnShell::Fish => Some(format!("{text}\t{about}")),
            _ => {
                let shown = escape::terminal(&text);
                let blanks = " ".repeat(column.saturating_sub(shown.width()));
                let about = if about.is_empty() { String::new() } else { format!("{blanks}  -- {about}") };
                Some(format!("{}\t{shown}{about}", BashLine::quoted(&text)))
            }
        }
    }
}

fn said(how: ShellAction, lines: Vec<String>) -> String {
    let mut text = how.name().to_owned();
    for line in lines {
        text.push('\n');
        text.push_str(&line);
    }
    text.push('\n');
    text
}

fn word(bytes: &[u8]) -> Word<'_> {
    Word { bytes: Cow::Borrowed(bytes), quoted: false, flag: 0, span: 0..0 }
}

/// A session on the named database, if it is needed and can be opened quickly.
fn session(db: Option<&OsStr>, is_needed: bool) -> Option<Session> {
    let location = Location::of(db).ok()?;
    let access = Access { read_only: true, wait: Some(Duration::ZERO) };
    let opens = is_needed
        && match location.path() {
            Some(path) => Database::opens_at_once(path).is_ok_and(|at_once| at_once),
            None => true,
        };
    let mut session =
        if opens { Session::open(location, access).ok()? } else { Session::without_database(location, access) };
    session.masks = Masks::loaded_by(rc::masks);
    Some(session)
}

/// The bytes that a word of fish stands for; the word may be incomplete.
fn fish_meaning(word: &str) -> Vec<u8> {
    let mut meant = String::new();
    let mut quote = None;
    let mut rest = word.chars().peekable();
    while let Some(c) = rest.next() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (None, '\\') => meant.extend(rest.next()),
            (Some(open), '\\') => {
                let is_escape = |&next: &char| next == '\\' || next == open || (open == '"' && next == '$');
                meant.push(rest.next_if(is_escape).unwrap_or('\\'));
            }
            (_, c) => meant.push(c),
        }
    }
    meant.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_fish_is_read_as_fish_reads_it() {
        for (word, meant) in [
            (r"a\ b", "a b"),
            ("'a b", "a b"),
            (r"'a\'b\c", r"a'b\c"),
            (r#""a\"\$\x"#, r#"a"$\x"#),
            ("a'b'\"c\"d", "abcd"),
        ] {
            assert_eq!(String::from_utf8(fish_meaning(word)).unwrap(), meant, "{word}");
        }
    }
}
