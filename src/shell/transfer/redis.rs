//! `SET` and `EXPIRE` lines, quoted as redis-cli takes them. No other command is ever run.

use std::io::BufRead;
use std::ops::Range;
use std::time::Duration;

use super::lines::Numbered;
use super::record::{FormatError, ImportError, Out, Record, RecordSink, Source, Unfit};
use crate::expiry::Timestamp;
use crate::storage::Entry;
use crate::value::Value;

pub(super) struct Commands<R> {
    lines: Numbered<R>,
    now: Timestamp,
    /// The entry of the last `SET`: an expiry may follow.
    held: Option<Record>,
    /// Its line, and that of the entry before it.
    line: u64,
    given: u64,
}

impl<R: BufRead> Commands<R> {
    pub(super) fn new(input: R, now: Timestamp) -> Self {
        Self { lines: Numbered::new(input), now, held: None, line: 0, given: 0 }
    }
}

impl<R: BufRead> Source for Commands<R> {
    fn next(&mut self) -> Result<Option<Record>, ImportError> {
        while let Some((number, line)) = self.lines.next()? {
            if line.trim_ascii_start().starts_with(b"#") {
                continue;
            }
            let fault = |at: usize, reason: String| ImportError::from(FormatError::in_line(number, line, at, reason));
            let words = split(line).map_err(|(at, reason)| fault(at, reason.to_owned()))?;
            let Some((name, args)) = words.split_first() else { continue };
            let word = |span: &Span| unquote(line[span.clone()].to_vec());
            match (word(name).to_ascii_uppercase().as_slice(), args) {
                (b"SET", [key, value, options @ ..]) => {
                    let text = String::from_utf8(word(key));
                    let key = text.map_err(|_| fault(key.start, "the key is not UTF-8".to_owned()))?;
                    let expiry = match options {
                        [] => None,
                        [unit, n] => {
                            let expiry = expiry(&word(unit), &word(n), self.now);
                            Some(expiry.map_err(|reason| fault(unit.start, reason))?)
                        }
                        [option, ..] => {
                            let reason = "SET accepts only one of EX, PX, EXAT and PXAT here";
                            return Err(fault(option.start, reason.to_owned()));
                        }
                    };
                    let mut value = unquote(self.lines.take(value.clone()));
                    value.shrink_to_fit();
                    let entry = Entry { value: Value::from_bytes(value), expiry };
                    self.given = std::mem::replace(&mut self.line, number);
                    if let Some(record) = self.held.replace(Record { key, entry }) {
                        return Ok(Some(record));
                    }
                }
                (name @ (b"EXPIRE" | b"PEXPIRE" | b"EXPIREAT" | b"PEXPIREAT"), [key, n]) => {
                    let unit: &[u8] = match name {
                        b"EXPIRE" => b"EX",
                        b"PEXPIRE" => b"PX",
                        b"EXPIREAT" => b"EXAT",
                        _ => b"PXAT",
                    };
                    match &mut self.held {
                        Some(record) if record.key.as_bytes() == word(key) => {
                            let expiry = expiry(unit, &word(n), self.now);
                            record.entry.expiry = Some(expiry.map_err(|reason| fault(n.start, reason))?);
                        }
                        _ => return Err(fault(key.start, "an expiry must follow the SET of its key".to_owned())),
                    }
                }
                _ => {
                    let shown = crate::error::cut(&String::from_utf8_lossy(&word(name)));
                    let reason = format!("expected SET key value, or EXPIRE and its like after it, found {shown:?}");
                    return Err(fault(name.start, reason));
                }
            }
        }
        self.given = self.line;
        Ok(self.held.take())
    }

    fn last_line(&self) -> u64 {
        self.given
    }

    fn release(&mut self) {
        self.lines.release();
    }
}

fn expiry(unit: &[u8], number: &[u8], now: Timestamp) -> Result<Timestamp, String> {
    let number = str::from_utf8(number).ok().and_then(|text| text.parse::<u64>().ok());
    let number = number.ok_or_else(|| "an expiry is a whole number".to_owned())?;
    let after = |span| now.after(span).map_err(|error| error.to_string());
    match unit.to_ascii_uppercase().as_slice() {
        b"EX" | b"PX" if number == 0 => Err("a time to live must be more than zero".to_owned()),
        b"EX" => after(Duration::from_secs(number)),
        b"PX" => after(Duration::from_millis(number)),
        b"EXAT" => Ok(Timestamp::from_millis(number.saturating_mul(1000))),
        b"PXAT" => Ok(Timestamp::from_millis(number)),
        unit => Err(format!("{:?} is not supported: only EX, PX, EXAT and PXAT are", String::from_utf8_lossy(unit))),
    }
}

/// Where a word is in its line, quotes included.
type Span = Range<usize>;

/// The words of a line as redis-cli takes them: a quote opens anywhere, and only a blank may follow where it closes.
fn split(line: &[u8]) -> Result<Vec<Span>, (usize, &'static str)> {
    let mut words = Vec::new();
    let mut at = 0;
    loop {
        at += line[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let begin = at;
        while let Some(&byte) = line.get(at).filter(|byte| !byte.is_ascii_whitespace()) {
            at += 1;
            if matches!(byte, b'"' | b'\'') {
                at = after_quoted(line, at - 1)?;
                if line.get(at).is_some_and(|byte| !byte.is_ascii_whitespace()) {
                    return Err((at, "unexpected text after the closing quote"));
                }
            }
        }
        if at == begin {
            return Ok(words);
        }
        words.push(begin..at);
    }
}

/// Where a line goes on after the quote that opens there.
fn after_quoted(line: &[u8], open: usize) -> Result<usize, (usize, &'static str)> {
    let quote = line[open];
    let mut at = open + 1;
    loop {
        match line.get(at..) {
            Some([byte, ..]) if *byte == quote => return Ok(at + 1),
            Some([b'\\', b'\'', ..]) if quote == b'\'' => at += 2,
            Some([b'\\', rest @ ..]) if quote == b'"' && !rest.is_empty() => at += 1 + escape(rest).1,
            Some([byte, ..]) if *byte != b'\\' || quote == b'\'' => at += 1,
            _ => return Err((open, "the quote opened here is not closed on its line")),
        }
    }
}

/// What a word of [`split`] means, in its own memory.
fn unquote(mut word: Vec<u8>) -> Vec<u8> {
    let Some(open) = word.iter().position(|byte| matches!(byte, b'"' | b'\'')) else { return word };
    let quote = word[open];
    let (mut from, mut to) = (open + 1, open);
    while from + 1 < word.len() {
        let (byte, length) = match word[from..] {
            [b'\\', b'\'', ..] if quote == b'\'' => (b'\'', 2),
            [b'\\', ref rest @ ..] if quote == b'"' => {
                let (byte, length) = escape(rest);
                (byte, 1 + length)
            }
            _ => (word[from], 1),
        };
        word[to] = byte;
        (from, to) = (from + length, to + 1);
    }
    word.truncate(to);
    word
}

/// The byte that an escape stands for, whose text without the backslash this begins with, and how long that text is.
fn escape(text: &[u8]) -> (u8, usize) {
    let digit = |at: usize| text.get(at).and_then(|&byte| char::from(byte).to_digit(16)?.try_into().ok());
    if text.first() == Some(&b'x')
        && let (Some(high), Some(low)) = (digit(1), digit(2))
    {
        let (high, low): (u8, u8) = (high, low);
        return (high << 4 | low, 3);
    }
    let byte = match text.first() {
        Some(b'n') => b'\n',
        Some(b'r') => b'\r',
        Some(b't') => b'\t',
        Some(b'b') => 8,
        Some(b'a') => 7,
        other => other.copied().unwrap_or(b'\\'),
    };
    (byte, 1)
}

pub(super) struct RedisWriter;

impl RecordSink for RedisWriter {
    fn put(&mut self, key: &str, entry: &Entry, out: &mut Out<'_>) -> Result<(), Unfit> {
        Unfit::if_it_is_json(entry)?;
        out.bytes(b"SET ");
        word(out, key.as_bytes());
        out.byte(b' ');
        word(out, entry.value.as_bytes());
        out.byte(b'\n');
        if let Some(expiry) = entry.expiry {
            out.bytes(b"PEXPIREAT ");
            word(out, key.as_bytes());
            out.bytes(format!(" {}\n", expiry.as_millis()).as_bytes());
        }
        Ok(())
    }
}

fn word(out: &mut Out<'_>, bytes: &[u8]) {
    let is_escaped = |c: char| matches!(c, '"' | '\\' | '\0'..'\x20' | '\x7f');
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b":_./@+-".contains(byte);
    if !bytes.is_empty() && bytes.iter().all(is_plain) {
        out.bytes(bytes);
        return;
    }
    out.byte(b'"');
    for chunk in bytes.utf8_chunks() {
        for part in chunk.valid().split_inclusive(is_escaped) {
            let end = part.chars().next_back().filter(|&c| is_escaped(c));
            out.bytes(&part.as_bytes()[..part.len() - usize::from(end.is_some())]);
            match end {
                None => {}
                Some('"') => out.bytes(b"\\\""),
                Some('\\') => out.bytes(b"\\\\"),
                Some('\n') => out.bytes(b"\\n"),
                Some('\r') => out.bytes(b"\\r"),
                Some('\t') => out.bytes(b"\\t"),
                Some(other) => out.bytes(format!("\\x{:02x}", u32::from(other)).as_bytes()),
            }
        }
        for byte in chunk.invalid() {
            out.bytes(format!("\\x{byte:02x}").as_bytes());
        }
    }
    out.byte(b'"');
}
