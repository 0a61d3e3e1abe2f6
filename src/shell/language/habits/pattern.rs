//! Patterns of the table: the lines that a row matches, and the values of its placeholders.

use std::borrow::Cow;

use self::Fit::{Any, Bare, Like};
use crate::expiry::Timestamp;
use crate::shell::config;
use crate::shell::language::command;
use crate::shell::text::escape::excerpt;
use crate::shell::text::words::{Word, quote, quote_in};

/// A condition for the word at some position.
#[derive(Clone, Copy)]
enum Fit {
    Any,
    Like(fn(&[u8]) -> bool),
    /// The same, for a word that is not quoted.
    Bare(fn(&[u8]) -> bool),
}

/// The placeholders, in capitals.
const SLOTS: &[(&str, Fit)] = &[
    ("BY", Any),
    ("COMMAND", Bare(command::is_name)),
    ("DOCUMENT", Like(|word| matches!(word.first(), Some(b'{' | b'[')))),
    ("FIELD", Any),
    ("FILE", Any),
    ("GLOB", Like(|word| word.iter().any(|byte| matches!(byte, b'*' | b'?' | b'[')))),
    ("KEY", Any),
    ("KEY@DB", Bare(names_database)),
    ("MODE", Any),
    ("MS", Any),
    ("N", Like(|word| word.iter().all(u8::is_ascii_digit))),
    ("NAME", Any),
    ("NEW", Any),
    ("PATH", Like(|word| word.contains(&b'/') || word.ends_with(b".json") || word.ends_with(b".db"))),
    ("PIPED", Bare(|word| word.get(1..).is_some_and(|rest| rest.contains(&b'|')))),
    ("SCRIPT", Like(|word| word.ends_with(b".kv"))),
    ("SECONDS", Any),
    ("TABLE", Like(|word| !word.is_empty())),
    ("TEXT", Any),
    ("UNIX", Any),
    ("UNIXMS", Any),
    ("VALUE", Any),
    ("WORD", Like(|word| word.iter().all(|&byte| byte.is_ascii_alphanumeric() || b"-_:.".contains(&byte)))),
];

/// A word of a pattern: literal text, or a placeholder with the text before and after it.
#[derive(Clone, Copy)]
enum PatternPart {
    Literal(&'static str),
    Slot { before: &'static str, name: &'static str, fit: Fit, after: &'static str },
}

impl PatternPart {
    fn of(text: &'static str) -> Self {
        let is_name = |c: char| c.is_ascii_uppercase() || c == '@';
        let start = text.find(is_name).unwrap_or(text.len());
        let end = text[start..].find(|c| !is_name(c)).map_or(text.len(), |length| start + length);
        match SLOTS.iter().find(|(slot, _)| *slot == &text[start..end]) {
            Some(&(name, fit)) => Self::Slot { before: &text[..start], name, fit, after: &text[end..] },
            None => Self::Literal(text),
        }
    }

    /// The part of a word that matches. For other shells, a `;` at the end of a line is not part of its last word.
    fn of_word<'w>(self, word: &'w Word<'_>, is_last: bool) -> Option<Word<'w>> {
        let bytes = &*word.bytes;
        let ended = bytes.strip_suffix(b";").filter(|_| is_last).unwrap_or(bytes);
        let found = match self {
            Self::Literal(text) => {
                let mut names = text.split('/').map(str::as_bytes);
                let is_one = names.any(|name| name.eq_ignore_ascii_case(bytes) || name.eq_ignore_ascii_case(ended));
                (is_one && !word.quoted).then_some(bytes)?
            }
            Self::Slot { before, name, fit, after } => {
                let bytes = if name == "COMMAND" && after.is_empty() { ended } else { bytes };
                let inner = bytes.strip_prefix(before.as_bytes())?.strip_suffix(after.as_bytes())?;
                let is_whole = before.is_empty() && after.is_empty();
                let fits = match fit {
                    Any => is_whole || !word.quoted,
                    Like(is_like) => is_like(inner) && (is_whole || !word.quoted),
                    Bare(is_like) => is_like(inner) && !word.quoted,
                };
                fits.then_some(inner)?
            }
        };
        Some(Word { bytes: Cow::Borrowed(found), ..lend(word) })
    }
}

/// Whether a word is `key@db` with the name of an existing database.
fn names_database(word: &[u8]) -> bool {
    let pair = std::str::from_utf8(word).ok().and_then(|word| word.rsplit_once('@'));
    pair.is_some_and(|(key, db)| !key.is_empty() && config::is_database(db))
}

/// Whether a word is written like a flag: `-k`, `--ask`, but not `-5` or `-`.
pub(super) fn is_flag(word: &Word<'_>) -> bool {
    let second = word.bytes.strip_prefix(b"-").and_then(|rest| rest.first());
    !word.quoted && second.is_some_and(|&byte| byte == b'-' || byte.is_ascii_alphabetic())
}

/// The same word, without copying its bytes.
fn lend<'w>(word: &'w Word<'_>) -> Word<'w> {
    Word { bytes: Cow::Borrowed(&word.bytes), span: word.span.clone(), ..*word }
}

/// A line that a pattern matches.
pub(super) struct Fitted<'w> {
    /// The values of the placeholders.
    slots: Vec<(&'static str, Vec<Word<'w>>)>,
    /// What follows.
    rest: &'w [Word<'w>],
    /// Whether no word of the pattern is missing.
    is_whole: bool,
}

impl<'w> Fitted<'w> {
    /// Matches a pattern with these words. Placeholders at its end may be missing.
    pub(super) fn of(pattern: &'static str, words: &'w [Word<'w>]) -> Option<Self> {
        let mut fitted = Self { slots: Vec::new(), rest: words, is_whole: true };
        let mut parts = pattern.split(' ').peekable();
        while let Some(text) = parts.next() {
            if let Some(name) = text.strip_suffix('…') {
                if let PatternPart::Slot { name, .. } = PatternPart::of(name) {
                    let rest = std::mem::take(&mut fitted.rest);
                    fitted.is_whole &= !rest.is_empty();
                    fitted.slots.push((name, rest.iter().map(lend).collect()));
                } else {
                    let next = parts.peek().copied().map(PatternPart::of);
                    let is_next = |at: &usize| next.is_some_and(|next| fitted.fits(next, *at));
                    let at = (0..fitted.rest.len()).find(is_next).unwrap_or(fitted.rest.len());
                    fitted.rest = &fitted.rest[at..];
                }
                continue;
            }
            let part = PatternPart::of(text);
            match (fitted.rest.split_first(), part) {
                (None, PatternPart::Slot { fit: Any, .. }) => fitted.is_whole = false,
                (None, _) => return None,
                (Some((word, rest)), _) => {
                    let word = part.of_word(word, rest.is_empty())?;
                    fitted.rest = rest;
                    if let PatternPart::Slot { name, .. } = part {
                        fitted.slots.push((name, vec![word]));
                    }
                }
            }
        }
        Some(fitted)
    }

    fn fits(&self, part: PatternPart, at: usize) -> bool {
        part.of_word(&self.rest[at], at + 1 == self.rest.len()).is_some()
    }

    /// Whether the pattern covers the whole line, and the line the whole pattern.
    pub(super) fn is_exact(&self) -> bool {
        self.is_whole && self.rest.is_empty()
    }

    /// Whether a word of the pattern is missing.
    pub(super) fn lacks_a_word(&self) -> bool {
        !self.is_whole
    }

    /// What follows in the line.
    pub(super) fn rest(&self) -> &'w [Word<'w>] {
        self.rest
    }

    /// Whether a placeholder stands for a single flag of the line.
    pub(super) fn takes_flag(&self) -> bool {
        self.slots.iter().any(|(_, words)| words.iter().any(is_flag))
    }

    fn words_for(&self, name: &str) -> Option<&[Word<'w>]> {
        self.slots.iter().find(|(slot, _)| *slot == name).map(|(_, words)| &words[..])
    }

    /// The rewritten line, with its placeholders replaced, followed by the rest of the user's line. Our flags come right
    /// after the command's name, where they are not the value of the user's flags, nor after a `--`.
    pub(super) fn fill(&self, ours: &'static str, first: &Word<'_>) -> Vec<Word<'w>> {
        let made = |bytes| Word { bytes, quoted: false, flag: 0, span: first.span.clone() };
        let (mut line, mut flags): (Vec<Word<'w>>, Vec<Word<'w>>) = (Vec::new(), Vec::new());
        for text in ours.split(' ') {
            let is_flag = text.starts_with("--") || !flags.is_empty();
            let line = if is_flag { &mut flags } else { &mut line };
            match PatternPart::of(text.trim_end_matches('…')) {
                PatternPart::Literal(text) => line.push(made(Cow::Borrowed(text.as_bytes()))),
                // The command reports a missing word.
                PatternPart::Slot { before, name, after, .. } => {
                    let words = self.words_for(name).unwrap_or_default();
                    line.extend(words.iter().map(|word| converted(name, word, before, after)));
                }
            }
        }
        line.extend(self.rest.iter().map(lend));
        let name = line.len().min(1);
        line.splice(name..name, flags);
        line
    }

    /// A text for the user, with the placeholders replaced that have values.
    pub(super) fn tell(&self, text: &str) -> String {
        let mut told = String::new();
        let mut rest = text;
        while let Some(start) = rest.find(|c: char| c.is_ascii_uppercase()) {
            let length = rest[start..].find(|c: char| !c.is_ascii_uppercase()).unwrap_or(rest.len() - start);
            let (before, name) = (&rest[..start], &rest[start..start + length]);
            told.push_str(before);
            match self.words_for(name) {
                Some(words) => {
                    let words: Vec<_> = words.iter().map(|word| shown(name, word)).collect();
                    told.push_str(&words.join(" "));
                }
                None => told.push_str(&self.part_of_pair(name).unwrap_or_else(|| name.to_owned())),
            }
            rest = &rest[start + length..];
        }
        told + rest
    }

    /// The key or the database of a `key@db`, or a side of a `|` without spaces around it.
    fn part_of_pair(&self, name: &str) -> Option<String> {
        let word = |name| self.words_for(name).and_then(|words| std::str::from_utf8(&words.first()?.bytes).ok());
        let pair = match name {
            "KEY" | "DB" => word("KEY@DB")?.rsplit_once('@')?,
            "LEFT" | "RIGHT" => word("PIPED")?.split_once('|')?,
            _ => return None,
        };
        Some(quote(if matches!(name, "KEY" | "LEFT") { pair.0 } else { pair.1 }.as_bytes()))
    }
}

/// A word of a rewritten line: milliseconds and Unix times are converted.
fn converted<'w>(name: &str, word: &Word<'w>, before: &'static str, after: &'static str) -> Word<'w> {
    let number = std::str::from_utf8(&word.bytes).ok().and_then(|text| text.parse::<u64>().ok());
    let text = match (name, number) {
        ("MS", Some(number)) => Some(format!("{number}ms")),
        ("UNIX", Some(number)) => number.checked_mul(1_000).and_then(time),
        ("UNIXMS", Some(number)) => time(number),
        _ => None,
    };
    let bytes = match text {
        Some(text) => Cow::Owned(text.into_bytes()),
        None if before.is_empty() && after.is_empty() => word.bytes.clone(),
        None => Cow::Owned([before.as_bytes(), &word.bytes, after.as_bytes()].concat()),
    };
    Word { bytes, ..word.clone() }
}

/// The time this many milliseconds after 1970; `None` after the last year, which the command reports.
fn time(millis: u64) -> Option<String> {
    let time = Timestamp::from_millis(millis);
    (time.as_millis() == millis).then(|| time.to_string())
}

/// A word as written in a line, or its beginning. A pattern is quoted, because the user's shell would expand it.
fn shown(name: &str, word: &Word<'_>) -> String {
    const LONGEST: usize = 60;
    match std::str::from_utf8(&word.bytes) {
        _ if name == "GLOB" => quote_in('\'', &word.bytes),
        Ok(text) if text.len() > LONGEST => excerpt(text, LONGEST),
        _ => quote(&word.bytes),
    }
}
