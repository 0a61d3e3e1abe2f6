//! Finds the word and the command at the cursor.

use std::borrow::Cow;
use std::ops::Range;

use crate::shell::language::reading;
use crate::shell::text::words::{Splitter, Step, Unfinished, Word};

/// The word at the cursor and the words before it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CursorContext<'a> {
    /// The words of the same command before it.
    pub(super) before: Vec<Word<'a>>,
    /// Where the part that a completion replaces begins in the text: the word, or what follows its `--flag=`.
    pub(super) start: usize,
    /// The `flag` of a `--flag=` before that part.
    pub(super) flag: Option<String>,
    /// The bytes that part stands for so far.
    pub(super) typed: Vec<u8>,
    /// The quote that opens it.
    pub(super) quote: Option<char>,
}

impl<'a> CursorContext<'a> {
    /// Reads the text before the cursor; `None` in a comment or after a syntax error.
    pub(super) fn at_end_of(text: &'a str) -> Option<Self> {
        let text = text.as_bytes();
        let (from, open, mut splitter) = last_command(text);
        let command = &text[from..];
        if command.trim_ascii_start().starts_with(b"#") {
            return None;
        }
        let last = splitter.step(command, true);
        let mut cursor = match (open, last) {
            (Unfinished::Line, Step::Command { words, .. }) => Self::behind(words, command.len()),
            (Unfinished::Quote(quote), Step::Error { error, .. }) => {
                // The contents of the open quote, as if it were closed here.
                let mut word = command[error.at..].to_vec();
                word.push(u8::try_from(quote).ok()?);
                let word = split(&word)?.pop()?;
                let span = error.at + word.span.start..command.len();
                let bytes = Cow::Owned(word.bytes.into_owned());
                let mut words = split(&command[..error.at])?;
                words.push(Word { bytes, quoted: word.quoted, flag: word.flag, span });
                Self::behind(words, command.len())
            }
            // The word may become JSON; otherwise it is a bare word.
            (Unfinished::Json, Step::Error { error, .. }) => {
                let word = &command[error.at..];
                let span = error.at..command.len();
                let mut words = split(&command[..error.at])?;
                words.push(Word { bytes: word.into(), quoted: false, flag: 0, span });
                Self::behind(words, command.len()).filter(|_| !word.contains(&b'\n'))
            }
            _ => None,
        }?;
        if cursor.start < command.len() {
            cursor.quote = Some(char::from(command[cursor.start])).filter(|c| matches!(c, '\'' | '"'));
        }
        cursor.start += from;
        Some(cursor)
    }

    /// The cursor at the end of the last word if the text ends there, or else before a new word.
    fn behind(mut words: Vec<Word<'a>>, end: usize) -> Option<Self> {
        let Some(word) = words.pop_if(|word| word.span.end == end) else {
            return Some(Self { before: words, start: end, flag: None, typed: Vec::new(), quote: None });
        };
        let bytes = &word.bytes;
        let bare_flag = || bytes.iter().position(|&byte| byte == b'=').filter(|_| bytes.starts_with(b"--"));
        let length = match word.flag {
            0 if !word.quoted => bare_flag().map_or(0, |at| at + 1),
            length => length,
        };
        let flag = (length > 0).then(|| str::from_utf8(&bytes[2..length - 1]).map(str::to_owned));
        let typed = bytes[length..].to_vec();
        Some(Self { before: words, start: word.span.start + length, flag: flag.transpose().ok()?, typed, quote: None })
    }
}

/// A command of a text, and the unfinished part at its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CommandPart<'a> {
    /// Its words, by their positions in the whole text.
    pub(super) words: Vec<Word<'a>>,
    pub(super) rest: Option<(Rest, Range<usize>)>,
}

/// The unfinished part at the end of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    Comment,
    /// The text after an opening quote.
    Unclosed,
    /// Incomplete JSON.
    Json,
    /// Text that cannot become a word.
    Wrong,
}

/// The commands of a text that may be incomplete.
pub(super) fn parts(text: &[u8]) -> Vec<CommandPart<'_>> {
    let mut parts = Vec::new();
    let mut splitter = reading::prompt();
    let mut start = 0;
    while start < text.len() {
        let left = &text[start..];
        let (step, open) = match splitter.step(left, false) {
            Step::More(open) => (splitter.step(left, true), Some(open)),
            step => (step, None),
        };
        let (mut words, rest, consumed) = match step {
            Step::Command { words, consumed, .. } => {
                let is_comment = words.is_empty() && left.trim_ascii_start().starts_with(b"#");
                let rest = is_comment.then_some((Rest::Comment, 0..consumed));
                (words, rest, consumed)
            }
            Step::Error { error, consumed, .. } => {
                let kind = match open {
                    Some(Unfinished::Quote(_)) => Rest::Unclosed,
                    Some(Unfinished::Json) => Rest::Json,
                    _ => Rest::Wrong,
                };
                let end = if open.is_some() { left.len() } else { consumed };
                (split(&left[..error.at]).unwrap_or_default(), Some((kind, error.at..end)), end)
            }
            Step::More(_) => break,
        };
        for word in &mut words {
            word.span = word.span.start + start..word.span.end + start;
        }
        let rest = rest.map(|(rest, span)| (rest, span.start + start..span.end + start));
        parts.push(CommandPart { words, rest });
        start += consumed.max(1);
    }
    parts
}

/// The unfinished construct at the end of a text that needs more lines.
pub(super) fn open(text: &str) -> Option<Unfinished> {
    let (_, open, _) = last_command(text.as_bytes());
    (!matches!(open, Unfinished::Line)).then_some(open)
}

/// The start of the last command of a text, its unfinished part, and the splitter after it.
fn last_command(text: &[u8]) -> (usize, Unfinished, Splitter) {
    let mut splitter = reading::prompt();
    let mut start = 0;
    loop {
        match splitter.step(&text[start..], false) {
            Step::More(open) => return (start, open, splitter),
            Step::Command { consumed, .. } | Step::Error { consumed, .. } => start += consumed,
        }
    }
}

/// The words of one complete command.
fn split(text: &[u8]) -> Option<Vec<Word<'_>>> {
    match reading::prompt().step(text, true) {
        Step::Command { words, .. } => Some(words),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words before the cursor, the start of the replaced part, its flag, the typed text and its quote.
    type Found = (Vec<String>, usize, Option<String>, String, Option<char>);

    fn at(text: &str) -> Option<Found> {
        let cursor = CursorContext::at_end_of(text)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let before = cursor.before.iter().map(|word| text(&word.bytes)).collect();
        Some((before, cursor.start, cursor.flag, text(&cursor.typed), cursor.quote))
    }

    #[expect(clippy::unnecessary_wraps, reason = "to be compared with what was found")]
    fn some(before: &[&str], start: usize, flag: Option<&str>, typed: &str, quote: Option<char>) -> Option<Found> {
        let before = before.iter().map(|&word| word.to_owned()).collect();
        Some((before, start, flag.map(str::to_owned), typed.to_owned(), quote))
    }

    #[test]
    fn the_word_at_the_cursor_is_found_with_its_quotes_and_flags() {
        assert_eq!(at(""), some(&[], 0, None, "", None));
        assert_eq!(at("ge"), some(&[], 0, None, "ge", None));
        assert_eq!(at("get "), some(&["get"], 4, None, "", None));
        assert_eq!(at("get ab"), some(&["get"], 4, None, "ab", None));
        assert_eq!(at("get 'a b"), some(&["get"], 4, None, "a b", Some('\'')));
        assert_eq!(at("get \"a\\x42 "), some(&["get"], 4, None, "aB ", Some('"')));
        assert_eq!(at("get 'a b'"), some(&["get"], 4, None, "a b", Some('\'')));
        assert_eq!(at("get [a"), some(&["get"], 4, None, "[a", None));
        assert_eq!(at("get {\"a"), some(&["get"], 4, None, "{\"a", None));
        assert_eq!(at("set k --file=x"), some(&["set", "k"], 13, Some("file"), "x", None));
        assert_eq!(at("set k --file='x y"), some(&["set", "k"], 13, Some("file"), "x y", Some('\'')));
        assert_eq!(at("set k '--file=x"), some(&["set", "k"], 6, None, "--file=x", Some('\'')));
    }

    #[test]
    fn only_the_last_command_of_a_block_counts() {
        assert_eq!(at("set a b\nget c"), some(&["get"], 12, None, "c", None));
        assert_eq!(at("set a 'x\ny' "), some(&["set", "a", "x\ny"], 12, None, "", None));
        assert_eq!(at("bad 'x'y\nget c"), some(&["get"], 13, None, "c", None));
    }

    #[test]
    fn there_is_nothing_to_complete_in_comments_and_mistakes() {
        for text in ["# get a", "  #", "get \"a\\", "get \"a\\q", "get 'a'b"] {
            assert_eq!(at(text), None, "{text}");
        }
    }

    #[test]
    fn a_text_that_grows_is_words_and_one_rest() {
        let found = |text: &str| -> Vec<String> {
            let show = |part: &CommandPart<'_>| {
                let mut shown: Vec<&str> = part.words.iter().map(|word| &text[word.span.clone()]).collect();
                let rest = part.rest.as_ref().map(|(rest, span)| format!("{rest:?} {}", &text[span.clone()]));
                shown.extend(rest.as_deref());
                shown.join("/")
            };
            parts(text.as_bytes()).iter().map(show).collect()
        };
        assert_eq!(found(""), [""; 0]);
        assert_eq!(found("get a 'b c'"), ["get/a/'b c'"]);
        assert_eq!(found("get a\nset b 'c"), ["get/a", "set/b/Unclosed 'c"]);
        assert_eq!(found("set b {\"a\": "), ["set/b/Json {\"a\": "]);
        assert_eq!(found("get 'a'b\nget c"), ["get/Wrong 'a'b\n", "get/c"]);
        assert_eq!(found("# x"), ["Comment # x"]);
        assert_eq!(found("set a 'x\ny' z"), ["set/a/'x\ny'/z"]);
    }

    #[test]
    fn open_quotes_and_brackets_need_more_lines() {
        assert_eq!(open("set a 'b"), Some(Unfinished::Quote('\'')));
        assert_eq!(open("set a {\"b\": [\n"), Some(Unfinished::Json));
        assert_eq!(open("set a \"b\nc"), Some(Unfinished::Quote('"')));
        for whole in
            ["", "set a b", "set a it's", "set a {\"b\": 1}", "set a 'b'\nset c d\n", "# it's '", "keys [a-z]*"]
        {
            assert_eq!(open(whole), None, "{whole}");
        }
    }
}
