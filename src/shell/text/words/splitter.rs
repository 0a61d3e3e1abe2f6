//! Input -> words, a command at a time, however it arrives.

use super::json::{JsonTracker, Verdict};
use super::problem::Problem;
use super::quotes::{Escape, decode};
use super::word::Word;
use memchr::{memchr, memchr_iter, memchr2, memrchr};
use std::borrow::Cow;
use std::ops::Range;

/// What [`Splitter::step`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// More input is needed; never the answer at the end of input.
    More(Unfinished),
    /// A command.
    Command {
        /// Its words; none for a blank line or a comment.
        words: Vec<Word<'a>>,
        /// Its bytes, the newline included.
        consumed: usize,
        /// The lines it stands on.
        lines: usize,
    },
    /// Not a command.
    Error {
        /// What is wrong. It is on the last of the `lines`.
        error: SyntaxError,
        /// The bytes to skip: up to and including the line on which the offending word begins.
        consumed: usize,
        /// The lines in them.
        lines: usize,
        /// The bytes up to the end of the line that has shown it.
        through: usize,
    },
}

/// What the input ends in while it is not yet a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfinished {
    /// A line without its newline; it would be a command if the input ended here, or is one that is wrong.
    Line,
    /// This quote.
    Quote(char),
    /// A JSON literal.
    Json,
}

/// Why some input is not a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    /// The byte offset, in the input given, at which the offending word begins.
    pub(crate) at: usize,
    /// What is wrong and how to write it: one line, safe on a terminal, with at most 40 characters of the input.
    pub(crate) message: String,
}

/// Splits input into commands and remembers how far it has looked, so that a value of many lines that arrives line by line
/// costs no more than one that is there at once.
#[derive(Debug)]
pub(crate) struct Splitter {
    /// Whether a BOM can no longer come.
    begun: bool,
    /// Everything before this offset has been looked at.
    position: usize,
    mode: LexState,
    marks: Vec<WordMark>,
    /// Whether JSON after these words may go on on the next line: where a value stands, and where a command should, so that a
    /// document in the place of a script is one mistake.
    may_go_on: fn(&[&[u8]]) -> bool,
    /// At the prompt: whether the answer of the command that begins with this word may go into a program.
    may_pipe: Option<fn(&[u8]) -> bool>,
}

#[derive(Debug)]
enum LexState {
    /// Between words.
    Blank,
    Comment,
    Bare {
        start: usize,
    },
    /// In a quoted word; its quote is behind the `flag` bytes of a `--flag=`.
    Quote {
        start: usize,
        flag: usize,
        quote: u8,
        escaped: bool,
    },
    Json {
        start: usize,
        json: JsonTracker,
    },
    /// Right behind a closing quote or JSON literal, the last of the marks.
    Closed,
    /// Behind the `|` of a line typed at the prompt, or the `!` that begins one: the rest of the line is a program's.
    Program,
    /// The word begun at `start` is wrong; only the end of this line is still looked for.
    Failed {
        start: usize,
        problem: Problem,
    },
}

/// Where a word stands and what kind it is.
#[derive(Debug)]
struct WordMark {
    span: Range<usize>,
    flag: usize,
    kind: WordKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WordKind {
    Bare,
    Json,
    Quoted {
        escaped: bool,
    },
    /// The rest of a line, which is for another shell to read.
    Program,
}

/// What a look at the input came to.
enum Found {
    More(Unfinished),
    /// The command, or the lines that an error costs, end here.
    End(usize),
}

impl Splitter {
    /// A splitter at the very start of some input. JSON that is open at a line's end goes on on the next one after the words
    /// that `may_go_on` says.
    pub(crate) fn new(may_go_on: fn(&[&[u8]]) -> bool) -> Self {
        Self { begun: false, position: 0, mode: LexState::Blank, marks: Vec::new(), may_go_on, may_pipe: None }
    }

    /// The same for lines typed at the prompt: behind an unquoted `|`, in a command whose first word may be followed by one,
    /// and behind a `!` that begins a line, the rest of the line is one word, verbatim.
    pub(crate) fn at_prompt(may_go_on: fn(&[&[u8]]) -> bool, may_pipe: fn(&[u8]) -> bool) -> Self {
        Self { may_pipe: Some(may_pipe), ..Self::new(may_go_on) }
    }

    /// Looks for one command at the start of `input`; `end` says that no more will come behind it.
    ///
    /// After [`Step::More`] call again with the same bytes and more behind them. After the others drop `consumed` bytes, which
    /// are at least one unless `input` is empty; the next call begins a new command.
    pub(crate) fn step<'a>(&mut self, input: &'a [u8], end: bool) -> Step<'a> {
        let consumed = match self.scan(input, end) {
            Found::More(open) => return Step::More(open),
            Found::End(consumed) => consumed,
        };
        self.begun = true;
        self.position = 0;
        let text = &input[..consumed];
        let checked = match std::mem::replace(&mut self.mode, LexState::Blank) {
            LexState::Failed { start, problem } => {
                let (start, problem) = self.broken_json(text).unwrap_or((start, problem));
                Err(SyntaxError { at: start, message: problem.message(start, text) })
            }
            _ => check_bytes(text, &self.marks),
        };
        let step = match checked {
            Ok(()) => Step::Command {
                words: self.marks.iter().map(|mark| mark.word(text)).collect(),
                consumed,
                lines: count_lines(text),
            },
            Err(error) => {
                let rest = &text[error.at..];
                let consumed = memchr(b'\n', rest).map_or(consumed, |newline| error.at + newline + 1);
                let lines = count_lines(&text[..consumed]);
                Step::Error { error, consumed, lines, through: text.len() }
            }
        };
        self.marks.clear();
        step
    }

    fn scan(&mut self, input: &[u8], end: bool) -> Found {
        const BOM: &[u8] = b"\xef\xbb\xbf";
        if !self.begun {
            if input.starts_with(BOM) {
                self.position = BOM.len();
            } else if BOM.starts_with(input) && !end {
                return Found::More(Unfinished::Line);
            }
            self.begun = true;
        }
        loop {
            let found = match self.mode {
                LexState::Blank => self.blank(input, end),
                LexState::Comment | LexState::Failed { .. } => Some(self.rest_of_line(input, end)),
                LexState::Bare { start } => self.bare(input, end, start),
                LexState::Quote { start, flag, quote, .. } => self.quoted(input, end, start, flag, quote),
                LexState::Json { start, .. } => self.json(input, end, start),
                LexState::Closed => self.closed(input, end),
                LexState::Program => Some(self.program(input, end)),
            };
            if let Some(found) = found {
                return found;
            }
        }
    }

    fn blank(&mut self, input: &[u8], end: bool) -> Option<Found> {
        let start = self.position;
        match input.get(start) {
            None if end => return Some(Found::End(start)),
            Some(b'\n') => return Some(Found::End(start + 1)),
            Some(b'#') if self.marks.is_empty() => self.mode = LexState::Comment,
            Some(b'!') if self.marks.is_empty() && self.may_pipe.is_some() => {
                self.position += 1;
                self.mark(start, 0, WordKind::Bare);
                self.mode = LexState::Program;
            }
            Some(&quote @ (b'\'' | b'"')) => self.open_quote(start, 0, quote),
            Some(b'{' | b'[') => {
                let json = JsonTracker::new();
                self.mode = LexState::Json { start, json };
            }
            byte => match is_boundary(byte, input.get(start + 1), end) {
                None => return Some(Found::More(Unfinished::Line)),
                Some(true) => self.position += 1,
                Some(false) => self.mode = LexState::Bare { start },
            },
        }
        None
    }

    fn rest_of_line(&mut self, input: &[u8], end: bool) -> Found {
        match memchr(b'\n', &input[self.position..]) {
            Some(newline) => Found::End(self.position + newline + 1),
            None if end => Found::End(input.len()),
            None => {
                self.position = input.len();
                Found::More(Unfinished::Line)
            }
        }
    }

    fn bare(&mut self, input: &[u8], end: bool, start: usize) -> Option<Found> {
        loop {
            let ahead = input[self.position..].iter().position(|&byte| MAY_END_BARE[usize::from(byte)]);
            self.position = ahead.map_or(input.len(), |ahead| self.position + ahead);
            let (byte, next) = (input.get(self.position), input.get(self.position + 1));
            if let Some(&quote @ (b'\'' | b'"')) = byte
                && is_flag(&input[start..self.position])
            {
                self.open_quote(start, self.position - start, quote);
                return None;
            }
            match is_boundary(byte, next, end) {
                None => return Some(Found::More(Unfinished::Line)),
                Some(true) => break,
                Some(false) => self.position += 1,
            }
        }
        self.mark(start, 0, WordKind::Bare);
        self.mode = if self.is_pipe(input) { LexState::Program } else { LexState::Blank };
        None
    }

    /// Whether the last of the marks sends the answer of those before it into a program.
    fn is_pipe(&self, input: &[u8]) -> bool {
        let (Some(may_pipe), [first, .., last]) = (self.may_pipe, &self.marks[..]) else { return false };
        input[last.span.clone()] == *b"|" && first.kind == WordKind::Bare && may_pipe(&input[first.span.clone()])
    }

    fn program(&mut self, input: &[u8], end: bool) -> Found {
        let from = self.position;
        let newline = memchr(b'\n', &input[from..]).map(|newline| from + newline);
        let Some(stop) = newline.or(end.then_some(input.len())) else { return Found::More(Unfinished::Line) };
        let blanks = input[from..stop].len() - input[from..stop].trim_ascii_start().len();
        let length = input[from..stop].trim_ascii().len();
        if length > 0 {
            self.position = from + blanks + length;
            self.mark(from + blanks, 0, WordKind::Program);
        }
        Found::End(newline.map_or(stop, |newline| newline + 1))
    }

    fn open_quote(&mut self, start: usize, flag: usize, quote: u8) {
        self.position = start + flag + 1;
        self.mode = LexState::Quote { start, flag, quote, escaped: false };
    }

    fn quoted(&mut self, input: &[u8], end: bool, start: usize, flag: usize, quote: u8) -> Option<Found> {
        let LexState::Quote { escaped, .. } = &mut self.mode else {
            return None;
        };
        while let Some(ahead) = memchr2(quote, b'\\', &input[self.position..]) {
            self.position += ahead;
            if input[self.position] == quote {
                let kind = WordKind::Quoted { escaped: *escaped };
                self.position += 1;
                self.mark(start, flag, kind);
                self.mode = LexState::Closed;
                return None;
            }
            match Escape::read(quote, &input[self.position..]) {
                Ok(Some(escape)) => {
                    *escaped = true;
                    self.position += escape.length;
                }
                Ok(None) if end => break,
                Ok(None) => return Some(Found::More(Unfinished::Quote(char::from(quote)))),
                Err(length) => {
                    let at = self.position;
                    self.fail(start, Problem::UnknownEscape { at, length });
                    return None;
                }
            }
        }
        self.position = input.len();
        if end {
            self.fail(start, Problem::NeverClosed { quote });
            return None;
        }
        Some(Found::More(Unfinished::Quote(char::from(quote))))
    }

    fn json(&mut self, input: &[u8], end: bool, start: usize) -> Option<Found> {
        let LexState::Json { json, .. } = &mut self.mode else {
            return None;
        };
        let goes_on = || {
            let texts: Vec<&[u8]> = self.marks.iter().map(|mark| &input[mark.span.clone()]).collect();
            (self.may_go_on)(&texts)
        };
        while let Some(&byte) = input.get(self.position) {
            if byte == b'\n' && !goes_on() {
                self.not_json(input, start);
                return None;
            }
            match json.feed(byte) {
                Verdict::Open => self.position += 1,
                Verdict::Done => {
                    self.position += 1;
                    self.mark(start, 0, WordKind::Json);
                    self.mode = LexState::Closed;
                    return None;
                }
                Verdict::Impossible => {
                    self.not_json(input, start);
                    return None;
                }
            }
        }
        match goes_on() {
            true if end => self.fail(start, Problem::NeverFinished),
            true => return Some(Found::More(Unfinished::Json)),
            false if end => self.not_json(input, start),
            false => return Some(Found::More(Unfinished::Line)),
        }
        None
    }

    /// The word begun at `start` looked like JSON and is not, as `self.position` shows.
    fn not_json(&mut self, input: &[u8], start: usize) {
        let at = self.position;
        if memchr(b'\n', &input[start..at]).is_none() {
            self.position = start;
            self.mode = LexState::Bare { start };
        } else {
            self.fail(start, Problem::NotJson { at });
        }
    }

    /// The word in front of a wrong one that looked like JSON and was not: its blanks have cut it into words, and its quotes
    /// are what is wrong with them.
    fn broken_json(&self, text: &[u8]) -> Option<(usize, Problem)> {
        let mark = self.marks.iter().find(|mark| mark.kind == WordKind::Bare && text[mark.span.start] == b'{')?;
        let mut json = JsonTracker::new();
        let bytes = text.iter().enumerate().skip(mark.span.start);
        let (at, _) = bytes.into_iter().find(|&(_, &byte)| !matches!(json.feed(byte), Verdict::Open))?;
        Some((mark.span.start, Problem::NotJson { at }))
    }

    fn closed(&mut self, input: &[u8], end: bool) -> Option<Found> {
        let at = self.position;
        match is_boundary(input.get(at), input.get(at + 1), end) {
            None => return Some(Found::More(Unfinished::Line)),
            Some(true) => self.mode = LexState::Blank,
            Some(false) => match self.marks.pop() {
                Some(WordMark { span, flag, kind }) if kind != WordKind::Json => {
                    let quote = input[span.start + flag];
                    self.fail(span.start, Problem::NoSpace { at, quote });
                }
                mark => self.not_json(input, mark.map_or(at, |mark| mark.span.start)),
            },
        }
        None
    }

    fn mark(&mut self, start: usize, flag: usize, kind: WordKind) {
        let span = start..self.position;
        self.marks.push(WordMark { span, flag, kind });
    }

    fn fail(&mut self, start: usize, problem: Problem) {
        self.mode = LexState::Failed { start, problem };
    }
}

impl WordMark {
    #[inline]
    fn word<'a>(&self, input: &'a [u8]) -> Word<'a> {
        let raw = &input[self.span.clone()];
        let bytes = match self.kind {
            WordKind::Bare | WordKind::Json | WordKind::Program => Cow::Borrowed(raw),
            WordKind::Quoted { escaped } => {
                let (flag, inner) = (&raw[..self.flag], &raw[self.flag + 1..raw.len() - 1]);
                if escaped {
                    Cow::Owned(decode(raw[self.flag], flag, inner))
                } else if flag.is_empty() {
                    Cow::Borrowed(inner)
                } else {
                    Cow::Owned([flag, inner].concat())
                }
            }
        };
        Word { bytes, quoted: self.kind != WordKind::Bare && self.flag == 0, flag: self.flag, span: self.span.clone() }
    }
}

/// The bytes at which a bare word may end, or its quoted part begin.
const MAY_END_BARE: [bool; 256] = {
    let mut table = [false; 256];
    let bytes = b" \t\n\r\x0b\x0c'\"";
    let mut at = 0;
    while at < bytes.len() {
        table[bytes[at] as usize] = true;
        at += 1;
    }
    table
};

/// Whether a word ends before `byte`, which `next` follows: at white space or at the end of input. A CR counts before a newline
/// and at the end only. `None` if that depends on input still to come.
fn is_boundary(byte: Option<&u8>, next: Option<&u8>, end: bool) -> Option<bool> {
    match (byte, next) {
        (None, _) | (Some(b'\r'), None) => end.then_some(true),
        (Some(b'\r'), Some(next)) => Some(*next == b'\n'),
        (Some(byte), _) => Some(matches!(byte, b' ' | b'\t' | b'\n' | b'\x0b' | b'\x0c')),
    }
}

/// Whether the bare beginning of a word is a `--flag=`.
fn is_flag(text: &[u8]) -> bool {
    let name = text.strip_suffix(b"=").and_then(|text| text.strip_prefix(b"--"));
    name.and_then(<[u8]>::split_first).is_some_and(|(first, rest)| {
        first.is_ascii_alphabetic() && rest.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
    })
}

/// Refuses what may not stand in a command even inside quotes: bytes that are not UTF-8, and NUL, which marks data in arguments.
fn check_bytes(command: &[u8], marks: &[WordMark]) -> Result<(), SyntaxError> {
    let valid = if command.is_ascii() { Ok("") } else { str::from_utf8(command) };
    let invalid = valid.err().map(|error| error.valid_up_to());
    let Some(bad) = invalid.or_else(|| memchr(b'\0', command)) else {
        return Ok(());
    };
    let at = marks.iter().find(|mark| mark.span.contains(&bad)).map_or(bad, |mark| mark.span.start);
    let column = bad - memrchr(b'\n', &command[..bad]).map_or(0, |newline| newline + 1) + 1;
    let place = match count_newlines(&command[at..bad]) {
        0 => format!("at byte {column} of the line"),
        below => format!("at byte {column} of the line {below} further down"),
    };
    let message = match command[bad] {
        0 => format!("NUL byte {place}; write it as \"\\0\""),
        byte => format!("not UTF-8 {place}; if the byte is meant, write it as \"\\x{byte:02x}\""),
    };
    Err(SyntaxError { at, message })
}

pub(super) fn count_newlines(text: &[u8]) -> usize {
    memchr_iter(b'\n', text).count()
}

/// The lines in `text`, a last one without newline included.
pub(super) fn count_lines(text: &[u8]) -> usize {
    // Nearly every command stands on one line.
    if memchr(b'\n', text).is_some_and(|newline| newline + 1 == text.len()) {
        return 1;
    }
    count_newlines(text) + usize::from(text.last().is_some_and(|&last| last != b'\n'))
}
