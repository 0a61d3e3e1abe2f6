//! `SET` and `EXPIRE` lines, quoted as redis-cli takes them. No other command is ever run.

use std::io::BufRead;
use std::time::Duration;

use super::lines::Numbered;
use super::record::{Fault, Record, Sink, Source, Trouble, Unfit};
use crate::expiry::Timestamp;
use crate::storage::Entry;
use crate::value::Value;

pub(super) struct Commands<R> {
    lines: Numbered<R>,
    now: Timestamp,
    /// The entry of the last `SET`: a deadline may follow.
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
    fn next(&mut self) -> Result<Option<Record>, Trouble> {
        while let Some((number, line)) = self.lines.next()? {
            if line.trim_ascii_start().starts_with(b"#") {
                continue;
            }
            let fault = |at: usize, reason: String| Trouble::from(Fault::in_line(number, line, at, reason));
            let words = split(line).map_err(|(at, reason)| fault(at, reason.to_owned()))?;
            let Some((name, args)) = words.split_first() else { continue };
            match (name.bytes.to_ascii_uppercase().as_slice(), args) {
                (b"SET", [key, value, options @ ..]) => {
                    let is_text = str::from_utf8(&key.bytes).map(str::to_owned);
                    let key = is_text.map_err(|_| fault(key.at, "the key is not UTF-8".to_owned()))?;
                    let deadline = match options {
                        [] => None,
                        [unit, n] => {
                            let deadline = deadline(&unit.bytes, &n.bytes, self.now);
                            Some(deadline.map_err(|reason| fault(unit.at, reason))?)
                        }
                        [option, ..] => {
                            let reason = "SET takes one of EX, PX, EXAT and PXAT here, and nothing else";
                            return Err(fault(option.at, reason.to_owned()));
                        }
                    };
                    let entry = Entry { value: Value::from_bytes(value.bytes.clone()), deadline };
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
                        Some(record) if record.key.as_bytes() == key.bytes => {
                            let deadline = deadline(unit, &n.bytes, self.now);
                            record.entry.deadline = Some(deadline.map_err(|reason| fault(n.at, reason))?);
                        }
                        _ => return Err(fault(key.at, "an expiry must follow the SET of its key".to_owned())),
                    }
                }
                _ => {
                    let shown = crate::error::cut(&String::from_utf8_lossy(&name.bytes));
                    let reason =
                        format!("{shown:?} is not taken so: only SET key value, and EXPIRE and its like behind it");
                    return Err(fault(name.at, reason));
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

fn deadline(unit: &[u8], number: &[u8], now: Timestamp) -> Result<Timestamp, String> {
    let number = str::from_utf8(number).ok().and_then(|text| text.parse::<u64>().ok());
    let number = number.ok_or_else(|| "an expiry is a whole number".to_owned())?;
    let after = |span| now.after(span).map_err(|error| error.to_string());
    match unit.to_ascii_uppercase().as_slice() {
        b"EX" | b"PX" if number == 0 => Err("a time to live must be more than zero".to_owned()),
        b"EX" => after(Duration::from_secs(number)),
        b"PX" => after(Duration::from_millis(number)),
        b"EXAT" => Ok(Timestamp::from_millis(number.saturating_mul(1000))),
        b"PXAT" => Ok(Timestamp::from_millis(number)),
        unit => Err(format!("{:?} is not taken: only EX, PX, EXAT and PXAT are", String::from_utf8_lossy(unit))),
    }
}

/// A word and where it begins in its line.
struct Word {
    at: usize,
    bytes: Vec<u8>,
}

/// The words of a line as redis-cli takes them: a quote opens anywhere, and only a blank may follow where it closes.
fn split(line: &[u8]) -> Result<Vec<Word>, (usize, &'static str)> {
    let mut words = Vec::new();
    let mut at = 0;
    loop {
        at += line[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let mut word = Word { at, bytes: Vec::new() };
        let mut is_closed = false;
        while let Some(&byte) = line.get(at).filter(|byte| !byte.is_ascii_whitespace()) {
            if is_closed {
                return Err((at, "something follows the closing quote"));
            }
            if byte == b'"' || byte == b'\'' {
                at = quoted(line, at, &mut word.bytes)?;
                is_closed = true;
            } else {
                word.bytes.push(byte);
                at += 1;
            }
        }
        if at == word.at {
            return Ok(words);
        }
        words.push(word);
    }
}

/// Reads what is in quotes; returns where it goes on.
fn quoted(line: &[u8], open: usize, word: &mut Vec<u8>) -> Result<usize, (usize, &'static str)> {
    let never_closed = (open, "the quote that opens here is not closed on its line");
    let quote = line[open];
    let mut at = open + 1;
    loop {
        let byte = *line.get(at).ok_or(never_closed)?;
        at += 1;
        match byte {
            _ if byte == quote => return Ok(at),
            b'\\' if quote == b'\'' && line.get(at) == Some(&b'\'') => {
                word.push(b'\'');
                at += 1;
            }
            b'\\' if quote == b'"' => at += escape(&line[at..], word).ok_or(never_closed)?,
            _ => word.push(byte),
        }
    }
}

/// Reads what stands behind a backslash; returns how long it is.
fn escape(text: &[u8], word: &mut Vec<u8>) -> Option<usize> {
    let digit = |at: usize| text.get(at).and_then(|&byte| char::from(byte).to_digit(16));
    if text.first() == Some(&b'x')
        && let (Some(high), Some(low)) = (digit(1), digit(2))
    {
        word.push(u8::try_from(high << 4 | low).ok()?);
        return Some(3);
    }
    word.push(match text.first()? {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'a' => 7,
        &other => other,
    });
    Some(1)
}

pub(super) struct Writer;

impl Sink for Writer {
    fn put(&mut self, key: &str, entry: &Entry, out: &mut Vec<u8>) -> Result<(), Unfit> {
        Unfit::if_it_is_json(entry)?;
        out.extend_from_slice(b"SET ");
        word(out, key.as_bytes());
        out.push(b' ');
        word(out, entry.value.as_bytes());
        out.push(b'\n');
        if let Some(deadline) = entry.deadline {
            out.extend_from_slice(b"PEXPIREAT ");
            word(out, key.as_bytes());
            out.extend(format!(" {}\n", deadline.as_millis()).bytes());
        }
        Ok(())
    }
}

fn word(out: &mut Vec<u8>, bytes: &[u8]) {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b":_./@+-".contains(byte);
    if !bytes.is_empty() && bytes.iter().all(is_plain) {
        out.extend_from_slice(bytes);
        return;
    }
    out.push(b'"');
    for chunk in bytes.utf8_chunks() {
        for &byte in chunk.valid().as_bytes() {
            match byte {
                b'"' | b'\\' => out.extend([b'\\', byte]),
                b'\n' => out.extend_from_slice(b"\\n"),
                b'\r' => out.extend_from_slice(b"\\r"),
                b'\t' => out.extend_from_slice(b"\\t"),
                0..0x20 | 0x7f => out.extend(format!("\\x{byte:02x}").bytes()),
                _ => out.push(byte),
            }
        }
        for byte in chunk.invalid() {
            out.extend(format!("\\x{byte:02x}").bytes());
        }
    }
    out.push(b'"');
}
