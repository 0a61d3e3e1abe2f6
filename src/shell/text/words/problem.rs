//! Syntax errors in words, and their messages.

use super::quotes::is_surrogate;
use crate::shell::text::escape::excerpt;
use memchr::memchr;

/// A syntax error in a word, by offsets in the input.
#[derive(Debug, Clone, Copy)]
pub(super) enum Problem {
    /// Its quote is still open at the end of input.
    NeverClosed {
        quote: u8,
    },
    UnknownEscape {
        at: usize,
        length: usize,
    },
    /// Something follows the closing quote.
    NoSpace {
        at: usize,
        quote: u8,
    },
    /// Its JSON is still open at the end of input.
    NeverFinished,
    /// It continued over several lines as JSON, or its quotes were read as those of words, and it cannot become JSON.
    NotJson {
        at: usize,
    },
}

impl Problem {
    /// The message; `text` ends with the line that showed the problem.
    pub(super) fn message(self, start: usize, text: &[u8]) -> String {
        match self {
            Self::NeverClosed { quote } => {
                let (quote, word) = (char::from(quote), shown(&text[start..], 40));
                let other = if quote == '"' { '\'' } else { '"' };
                format!(
                    "the {quote} that opens the word {word} is never closed; end the word with \
                     {quote}, or, if the {quote} belongs to it, put it in {other}…{other}"
                )
            }
            Self::UnknownEscape { at, length } if text.get(at..at + length).is_some_and(is_surrogate) => {
                let escape = shown(&text[at..at + length], 12);
                format!(
                    "{escape} is half of a surrogate pair, and the other half is missing; a character is both, \
                     as in \\ud83d\\ude00, or \\u{{1f600}}"
                )
            }
            Self::UnknownEscape { at, length } => {
                let escape = match text.get(at..at + length) {
                    Some([_, b'\n' | b'\r']) => "\\<newline>".to_owned(),
                    escape => shown(escape.unwrap_or(&text[at..]), 12),
                };
                format!(
                    "unknown escape {escape} inside \"…\"; there are \\n \\r \\t \\b \\f \\a \\0 \\/ \\\\ \\\" \
                     \\xHH \\uHHHH \\u{{H…}}, and inside '…' a backslash is itself"
                )
            }
            Self::NoSpace { at, quote } => {
                let (quote, behind) = (char::from(quote), shown(&text[at..], 40));
                format!(
                    "{behind} follows a closing {quote} without a space; inside {quote}…{quote} write \
                     \\{quote} for the quote itself"
                )
            }
            Self::NeverFinished => {
                let word = shown(&text[start..], 40);
                format!(
                    "the JSON literal {word} begins here and is never finished; if it is plain text, \
                     quote it: '…'"
                )
            }
            Self::NotJson { at } => {
                // `tru,` is wrong from its `t` on.
                let letters = text[start..at].iter().rev().take_while(|byte| byte.is_ascii_alphabetic()).count();
                let (word, bad) = (shown(&text[start..], 20), shown(&text[at - letters..], 20));
                format!(
                    "the JSON literal {word} begins here and cannot go on with {bad}; if it is plain \
                     text, quote it: '…'"
                )
            }
        }
    }
}

/// The first line of `text` for a message, at most `max` characters of it.
fn shown(text: &[u8], max: usize) -> String {
    let line = memchr(b'\n', text).filter(|&newline| newline > 0).map_or(text, |newline| &text[..newline]);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    excerpt(&String::from_utf8_lossy(&line[..line.len().min(4 * (max + 1))]), max)
}
