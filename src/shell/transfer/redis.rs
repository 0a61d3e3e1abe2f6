//! `SET` and `EXPIRE` lines, quoted as redis-cli takes them. No other command is ever run.

use std::io::BufRead;
use std::time::Duration;

use super::lines::Numbered;
use super::{Fault, Loss, Record, Sink, Source, Trouble};
use crate::expiry::Timestamp;
use crate::storage::Entry;
use crate::value::Value;

pub(super) struct Commands<R> {
    lines: Numbered<R>,
    now: Timestamp,
    /// The entry of the last `SET`: a deadline may follow.
    held: Option<Record>,
}

impl<R: BufRead> Commands<R> {
    pub(super) fn new(input: R, now: Timestamp) -> Self {
        Self { lines: Numbered::new(input), now, held: None }
    }
}

impl<R: BufRead> Source for Commands<R> {
    fn next(&mut self) -> Result<Option<Record>, Trouble> {
        while let Some((number, line)) = self.lines.next()? {
            let fault = |reason: String| Trouble::from(Fault::of_line(number, reason));
            let words = split(line).ok_or_else(|| fault("a quote is open, or something follows it".to_owned()))?;
            let Some((name, args)) = words.split_first() else { continue };
            if name.starts_with(b"#") {
                continue;
            }
            match (name.to_ascii_uppercase().as_slice(), args) {
                (b"SET", [key, value, options @ ..]) => {
                    let key = String::from_utf8(key.clone()).map_err(|_| fault("the key is not UTF-8".to_owned()))?;
                    let deadline = match options {
                        [] => None,
                        [unit, n] => Some(deadline(unit, n, self.now).map_err(fault)?),
                        _ => return Err(fault("SET takes EX, PX, EXAT or PXAT here, and nothing else".to_owned())),
                    };
                    let entry = Entry { value: Value::from_bytes(value.clone()), deadline };
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
                        Some(record) if record.key.as_bytes() == key => {
                            record.entry.deadline = Some(deadline(unit, n, self.now).map_err(fault)?);
                        }
                        _ => return Err(fault("a deadline must follow the SET of its key".to_owned())),
                    }
                }
                _ => {
                    let name = crate::error::cut(&String::from_utf8_lossy(name));
                    return Err(fault(format!("{name:?} is not taken: only SET, and EXPIRE and its like behind it")));
                }
            }
        }
        Ok(self.held.take())
    }
}

fn deadline(unit: &[u8], number: &[u8], now: Timestamp) -> Result<Timestamp, String> {
    let number = str::from_utf8(number).ok().and_then(|text| text.parse::<u64>().ok());
    let number = number.ok_or_else(|| "a deadline is a whole number".to_owned())?;
    let after = |span| now.after(span).map_err(|error| error.to_string());
    match unit.to_ascii_uppercase().as_slice() {
        b"EX" | b"PX" if number == 0 => Err("a time to live is more than nothing".to_owned()),
        b"EX" => after(Duration::from_secs(number)),
        b"PX" => after(Duration::from_millis(number)),
        b"EXAT" => Ok(Timestamp::from_millis(number.saturating_mul(1000))),
        b"PXAT" => Ok(Timestamp::from_millis(number)),
        unit => Err(format!("{:?} is not taken: only EX, PX, EXAT and PXAT are", String::from_utf8_lossy(unit))),
    }
}

/// The words of a line; none if a quote is open or not followed by a blank.
fn split(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut rest = line.trim_ascii_start();
    while let Some(&first) = rest.first() {
        let mut word = Vec::new();
        let mut at = 0;
        if first == b'"' || first == b'\'' {
            at = 1;
            loop {
                let byte = *rest.get(at)?;
                at += 1;
                match byte {
                    _ if byte == first => break,
                    b'\\' if first == b'\'' && rest.get(at) == Some(&b'\'') => {
                        word.push(b'\'');
                        at += 1;
                    }
                    b'\\' if first == b'"' => at += escape(&rest[at..], &mut word)?,
                    _ => word.push(byte),
                }
            }
            if rest.get(at).is_some_and(|byte| !byte.is_ascii_whitespace()) {
                return None;
            }
        } else {
            while let Some(&byte) = rest.get(at).filter(|byte| !byte.is_ascii_whitespace()) {
                word.push(byte);
                at += 1;
            }
        }
        words.push(word);
        rest = rest[at..].trim_ascii_start();
    }
    Some(words)
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
    fn put(&mut self, key: &str, entry: &Entry, out: &mut Vec<u8>) -> Result<Loss, String> {
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
        Ok(Loss { deadline: false, kind: matches!(entry.value, Value::Json(_)) })
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
