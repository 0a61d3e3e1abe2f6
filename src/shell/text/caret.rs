//! Points at the wrong word, with carets below the line.

use std::ops::Range;

use unicode_width::UnicodeWidthStr as _;

use super::escape;
use super::words::Word;

/// A line as entered at the prompt.
#[derive(Clone, Debug)]
pub(crate) struct TypedLine {
    text: String,
    /// The width of the prompt.
    prompt: usize,
    /// Columns of the terminal.
    room: usize,
    /// Whether the line is the last thing on the screen.
    is_above: bool,
    words: Vec<(Range<usize>, Vec<u8>)>,
}

/// The part of a line that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Blame {
    /// The word or flag with this text.
    Word(Vec<u8>),
    /// The text at this range.
    Span(Range<usize>),
    /// Something is missing at the end.
    End,
}

impl TypedLine {
    /// There are no carets for longer lines, which do not fit on the screen.
    const LONGEST: usize = 4 << 10;

    /// One command: its text without the newline, and its words. `is_above` if it was entered alone.
    pub(crate) fn new(text: &str, words: &[Word<'_>], prompt: usize, room: usize, is_above: bool) -> Option<Self> {
        let text = text.trim_end_matches(['\r', '\n']);
        if text.len() > Self::LONGEST {
            return None;
        }
        let words = words.iter().map(|word| (word.span.clone(), word.bytes.to_vec())).collect();
        Some(Self { text: text.to_owned(), prompt, room, is_above, words })
    }

    /// The lines that point at the blamed part, if it is found: the carets, with the text around it above them unless
    /// the line is right above.
    pub(crate) fn point(&self, blame: &Blame) -> Option<Pointer> {
        let span = match blame {
            Blame::Word(word) => self.find(word)?,
            Blame::Span(span) => span.start.min(self.text.len())..span.end.min(self.text.len()),
            Blame::End => {
                let end = self.text.trim_end().len();
                end..end
            }
        };
        let (before, word) = (self.text.get(..span.start)?, self.text.get(span.clone())?);
        let gap = usize::from(*blame == Blame::End);
        let word = word.split('\n').next().unwrap_or_default();
        let fits = self.prompt + self.text.width() + gap < self.room.max(1);
        if self.is_above && fits && !self.text.contains(escape::is_unsafe) {
            let carets = word.width().max(1);
            return Some(Pointer { excerpt: None, indent: self.prompt + before.width() + gap, carets });
        }
        Some(self.excerpt(before, word, &self.text[span.end..], gap))
    }

    /// The nth positional word; `takes_next` says which flags take the next word.
    pub(crate) fn argument(&self, n: usize, takes_next: impl Fn(&[u8]) -> bool) -> Option<Range<usize>> {
        let mut words = self.words.iter().skip(1);
        let mut arguments = std::iter::from_fn(|| {
            loop {
                let (span, bytes) = words.next()?;
                match bytes.starts_with(b"-") {
                    true if takes_next(bytes) => drop(words.next()),
                    true => {}
                    false => return Some(span.clone()),
                }
            }
        });
        arguments.nth(n)
    }

    fn excerpt(&self, before: &str, word: &str, behind: &str, gap: usize) -> Pointer {
        const INDENT: usize = 2;
        let room = self.room.clamp(20, 200) - INDENT;
        let last_line = before.rsplit('\n').next().unwrap_or_default();
        let word = escape::excerpt(word, room * 2 / 3);
        // The text before it is cut at its start, the text after it at its end.
        let shown = escape::terminal(last_line);
        let left = room.saturating_sub(word.width() + 4) / 2;
        let mut begin = tail(&shown, left).to_owned();
        if begin.len() < shown.len() {
            begin.insert(0, '…');
        }
        let rest = room.saturating_sub(begin.width() + word.width() + gap + 1);
        let behind = behind.split('\n').next().unwrap_or_default().trim_end();
        let behind = if behind.is_empty() { String::new() } else { cut(&escape::terminal(behind), rest) };
        let (indent, carets) = (INDENT + begin.width() + gap, word.width().max(1));
        Pointer { excerpt: Some(format!("  {begin}{word}{behind}")), indent, carets }
    }

    /// The last word with this text; a flag may have its value after `=`. The last one is the one that is repeated.
    fn find(&self, word: &[u8]) -> Option<Range<usize>> {
        let is = |bytes: &[u8]| {
            let flag = || bytes.strip_prefix(word).is_some_and(|rest| rest.starts_with(b"="));
            bytes == word || (word.starts_with(b"--") && flag())
        };
        let value = |bytes: &[u8]| bytes.starts_with(b"--") && bytes.ends_with(word) && !word.is_empty();
        let found = self.words.iter().skip(1).rev().find(|(_, bytes)| is(bytes));
        let found = found.or_else(|| self.words.iter().skip(1).rev().find(|(_, bytes)| value(bytes)));
        found.map(|(span, _)| span.clone())
    }
}

/// The position of the carets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Pointer {
    /// The excerpt above them.
    pub(crate) excerpt: Option<String>,
    /// The spaces before them.
    pub(crate) indent: usize,
    /// The number of carets.
    pub(crate) carets: usize,
}

/// The end of a text, in at most `columns` columns.
fn tail(text: &str, columns: usize) -> &str {
    let mut from = text.len();
    for (at, _) in text.char_indices().rev() {
        if text[at..].width() > columns {
            break;
        }
        from = at;
    }
    &text[from..]
}

/// The beginning of a text, in at most `columns` columns.
fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let ends = text.char_indices().map(|(at, _)| at);
    let end = ends.take_while(|&at| text[..at].width() < columns).last().unwrap_or(0);
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::text::words::{Splitter, Step};

    fn typed(text: &str, room: usize, is_above: bool) -> TypedLine {
        let step = Splitter::new(|_| false).step(text.as_bytes(), true);
        let Step::Command { words, .. } = step else { panic!("{step:?}") };
        TypedLine::new(text, &words, 4, room, is_above).unwrap()
    }

    fn word(word: &str) -> Blame {
        Blame::Word(word.as_bytes().to_vec())
    }

    #[test]
    fn carets_stand_under_the_word_behind_the_prompt() {
        let pointer = |text: &str, blame| typed(text, 80, true).point(&blame).unwrap();
        assert_eq!(pointer("get usr:1", word("usr:1")), Pointer { excerpt: None, indent: 8, carets: 5 });
        assert_eq!(pointer("set k v --tl 5", word("--tl")), Pointer { excerpt: None, indent: 12, carets: 4 });
        assert_eq!(pointer("set k v --tl=5", word("--tl")), Pointer { excerpt: None, indent: 12, carets: 6 });
        assert_eq!(pointer("set k v --ttl=5q", word("5q")), Pointer { excerpt: None, indent: 12, carets: 8 });
        assert_eq!(pointer("set k ", Blame::End), Pointer { excerpt: None, indent: 10, carets: 1 });
        assert_eq!(pointer("sett k", Blame::Span(0..4)), Pointer { excerpt: None, indent: 4, carets: 4 });
    }

    #[test]
    fn wide_characters_take_two_columns() {
        let pointer = typed("get 日本 'x 語'", 80, true).point(&word("x 語")).unwrap();
        assert_eq!(pointer, Pointer { excerpt: None, indent: 4 + 4 + 4 + 1, carets: 6 });
    }

    #[test]
    fn a_line_that_is_not_right_above_is_shown_once_more() {
        let pointer = typed("get usr:1", 80, false).point(&word("usr:1")).unwrap();
        assert_eq!(pointer, Pointer { excerpt: Some("  get usr:1".to_owned()), indent: 6, carets: 5 });
        let long = format!("set {} 'v v' --tl 5", "k".repeat(60));
        let pointer = typed(&long, 40, true).point(&word("--tl")).unwrap();
        let excerpt = pointer.excerpt.unwrap();
        assert_eq!(excerpt, format!("  …{} 'v v' --tl 5", "k".repeat(8)));
        assert_eq!(excerpt.chars().skip(pointer.indent).take(pointer.carets).collect::<String>(), "--tl");
    }

    #[test]
    fn a_line_of_several_rows_or_with_what_would_act_is_shown_escaped() {
        let pointer = typed("set 'a\nb' v --tl 5", 80, true).point(&word("--tl")).unwrap();
        assert_eq!(pointer, Pointer { excerpt: Some("  b' v --tl 5".to_owned()), indent: 7, carets: 4 });
        let pointer = typed("get a\x1bb", 80, true).point(&word("a\x1bb")).unwrap();
        assert_eq!(pointer, Pointer { excerpt: Some("  get a\\x1bb".to_owned()), indent: 6, carets: 6 });
    }

    #[test]
    fn arguments_are_counted_without_flags_and_what_is_theirs() {
        let second = |text: &str| typed(text, 80, true).argument(1, |flag| flag == b"--ttl");
        assert_eq!(second("set --ttl 5 --json k {bad"), Some(21..25));
        assert_eq!(second("set k '{' --json"), Some(6..9));
        assert_eq!(second("set k --json"), None);
    }

    #[test]
    fn what_is_not_in_the_line_is_not_pointed_at() {
        assert_eq!(typed("get a", 80, true).point(&word("b")), None);
        assert_eq!(typed("get get", 80, true).point(&word("get")).unwrap().indent, 8, "not the command");
    }

    #[test]
    fn an_excerpt_is_never_wider_than_the_terminal() {
        for room in [20, 40, 80] {
            for at in 0..6 {
                let mut parts: Vec<String> = (0..6).map(|n| format!("wört日本{n}").repeat(n + 1)).collect();
                parts[at] = "--flag".to_owned();
                let text = format!("set {}", parts.join(" "));
                let pointer = typed(&text, room, false).point(&word("--flag")).unwrap();
                let excerpt = pointer.excerpt.unwrap();
                assert!(excerpt.width() <= room, "{excerpt}");
                assert!(excerpt.contains("--flag"), "{excerpt}");
            }
        }
    }
}
