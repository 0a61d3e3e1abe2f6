//! `NAME=value` lines as of a `.env` file. A `$` is a `$`, unless variables are to be expanded: then from the file's own
//! earlier lines, and from nowhere else.

use std::collections::HashMap;
use std::io::BufRead;

use super::lines::Numbered;
use super::readers::{self, Quoting};
use super::record::{FormatError, ImportError, Out, Record, RecordSink, Source, Unfit};
use crate::storage::Entry;
use crate::value::Value;

/// Whether a key can be the name of an environment variable.
pub(crate) fn is_name(key: &str) -> bool {
    let mut bytes = key.bytes();
    bytes.next().is_some_and(|byte| byte == b'_' || byte.is_ascii_alphabetic())
        && bytes.all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
}

pub(super) struct Variables<R> {
    lines: Numbered<R>,
    /// That the last value began on.
    line: u64,
    /// The variables so far, if they are expanded.
    known: Option<KnownVariables>,
}

type KnownVariables = HashMap<String, Vec<u8>>;

impl<R: BufRead> Variables<R> {
    pub(super) fn new(input: R, expand: bool) -> Self {
        Self { lines: Numbered::at_any_end(input), line: 0, known: expand.then(KnownVariables::new) }
    }
}

/// A value as far as it was read.
enum PartialValue {
    Whole(Vec<u8>),
    /// That quote is open at the line's end.
    Open(u8, Vec<u8>),
}

impl<R: BufRead> Source for Variables<R> {
    fn next(&mut self) -> Result<Option<Record>, ImportError> {
        while let Some((number, full)) = self.lines.next()? {
            self.line = number;
            let line = full.trim_ascii_start();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            // Each part of a line extends to its end, so the rest gives its start.
            let fault =
                |full: &[u8], rest: usize, reason| FormatError::in_line(number, full, full.len() - rest, reason);
            let after = line.strip_prefix(b"export").filter(|after| after.first().is_some_and(u8::is_ascii_whitespace));
            let line = after.map_or(line, <[u8]>::trim_ascii_start);
            let Some(equals) = memchr::memchr(b'=', line) else {
                return Err(fault(full, line.len(), "expected '=' after the name").into());
            };
            let name = str::from_utf8(line[..equals].trim_ascii_end()).ok().filter(|name| is_name(name));
            let Some(key) = name.map(str::to_owned) else {
                return Err(fault(
                    full,
                    line.len(),
                    "not a name: expected letters, digits and _, not starting with a digit",
                )
                .into());
            };
            let text = &line[equals + 1..];
            let has_blank = text.first().is_some_and(u8::is_ascii_whitespace);
            let text = text.trim_ascii_start();
            let start = fault(full, text.len(), "the quote opened here is never closed: the file was cut off");
            let mut part =
                begin(text, has_blank, self.known.as_ref()).map_err(|(rest, reason)| fault(full, rest, reason))?;
            let value = loop {
                match part {
                    PartialValue::Whole(value) => break value,
                    PartialValue::Open(quote, mut value) => {
                        value.push(if self.lines.has_ended_in_cr()? { b'\r' } else { b'\n' });
                        let Some((number, line)) = self.lines.next()? else { return Err(start.into()) };
                        part = quoted(quote, line, value, self.known.as_ref())
                            .map_err(|(rest, reason)| FormatError::in_line(number, line, line.len() - rest, reason))?;
                    }
                }
            };
            if let Some(known) = &mut self.known {
                known.insert(key.clone(), value.clone());
            }
            return Ok(Some(Record { key, entry: Value::from_bytes(value).into() }));
        }
        Ok(None)
    }

    fn last_line(&self) -> u64 {
        self.line
    }

    fn release(&mut self) {
        self.lines.release();
    }
}

/// The error, and the length of the rest of the line.
type Wrong = (usize, &'static str);

/// A `#` begins a comment only after a blank.
fn begin(text: &[u8], has_blank: bool, known: Option<&KnownVariables>) -> Result<PartialValue, Wrong> {
    match text.first() {
        Some(&quote @ (b'"' | b'\'' | b'`')) => quoted(quote, &text[1..], Vec::new(), known),
        _ => {
            let comment = text.windows(2).position(|pair| pair[0].is_ascii_whitespace() && pair[1] == b'#');
            let end = if has_blank && text.starts_with(b"#") { 0 } else { comment.unwrap_or(text.len()) };
            let bare = text[..end].trim_ascii_end();
            match known {
                None => Ok(PartialValue::Whole(bare.to_vec())),
                Some(known) => expanded(bare, known)
                    .map(PartialValue::Whole)
                    .map_err(|(rest, reason)| (rest + text.len() - bare.len(), reason)),
            }
        }
    }
}

/// A bare value with variables in place of their names; `\$` is a `$`.
fn expanded(text: &[u8], known: &KnownVariables) -> Result<Vec<u8>, Wrong> {
    let (mut value, mut at) = (Vec::new(), 0);
    while let Some(&byte) = text.get(at) {
        at += 1;
        match (byte, text.get(at)) {
            (b'\\', Some(b'$')) => {
                value.push(b'$');
                at += 1;
            }
            (b'$', _) => at += reference(&text[at..], known, &mut value)?,
            _ => value.push(byte),
        }
    }
    Ok(value)
}

/// Adds the variable that is named after a `$`, and says how long its name is, with braces; without one, the `$` itself.
fn reference(after: &[u8], known: &KnownVariables, value: &mut Vec<u8>) -> Result<usize, Wrong> {
    let wrong = |reason| (after.len() + 1, reason);
    let (name, length) = if after.starts_with(b"{") {
        let end = memchr::memchr(b'}', after).ok_or(wrong("expected '}' after the variable's name"))?;
        (&after[1..end], end + 1)
    } else {
        let is_part = |byte: &u8| *byte == b'_' || byte.is_ascii_alphanumeric();
        let end = after.iter().position(|byte| !is_part(byte)).unwrap_or(after.len());
        let starts_name = after.first().is_some_and(|first| !first.is_ascii_digit());
        if end == 0 || !starts_name {
            value.push(b'$');
            return Ok(0);
        }
        (&after[..end], end)
    };
    let name = str::from_utf8(name).ok().filter(|name| is_name(name));
    let name = name.ok_or(wrong("expected the name of a variable in ${…}"))?;
    let found = known.get(name);
    let found =
        found.ok_or(wrong("no earlier line sets this variable, and --expand looks nowhere else; write \\$ for a $"))?;
    value.extend_from_slice(found);
    Ok(length)
}

fn quoted(quote: u8, text: &[u8], mut value: Vec<u8>, known: Option<&KnownVariables>) -> Result<PartialValue, Wrong> {
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        match byte {
            _ if byte == quote => {
                let rest = text[at..].trim_ascii_start();
                return if rest.is_empty() || rest.starts_with(b"#") {
                    Ok(PartialValue::Whole(value))
                } else {
                    Err((rest.len(), "unexpected text after the closing quote"))
                };
            }
            b'\\' if quote == b'"' => {
                let Some(&escaped) = text.get(at) else {
                    value.push(b'\\');
                    break;
                };
                at += 1;
                match escaped {
                    b'n' => value.push(b'\n'),
                    b'r' => value.push(b'\r'),
                    b't' => value.push(b'\t'),
                    b'"' | b'\\' | b'$' | b'`' => value.push(escaped),
                    _ => value.extend([b'\\', escaped]),
                }
            }
            b'$' if quote == b'"' && known.is_some() => {
                at += known.map_or(Ok(0), |known| reference(&text[at..], known, &mut value))?;
            }
            _ => value.push(byte),
        }
    }
    Ok(PartialValue::Open(quote, value))
}

/// Lines that set variables.
pub(super) enum DotenvWriter {
    /// `NAME='value'`, or another form that all readers understand: see [`readers`].
    Dotenv,
    /// `export NAME='value'`, for any POSIX shell.
    Sh,
    /// `set -gx NAME 'value'`
    Fish,
}

impl RecordSink for DotenvWriter {
    fn put(&mut self, key: &str, entry: &Entry, out: &mut Out<'_>) -> Result<(), Unfit> {
        if !is_name(key) {
            return Err(Unfit::entry(
                "it is not a valid name (letters, digits and _, not starting with a digit); use --lossy to leave it out",
            ));
        }
        let text = str::from_utf8(entry.value.as_bytes()).ok().filter(|text| !text.contains('\0'));
        let Some(text) = text.filter(|_| !matches!(entry.value, Value::Bytes(_))) else {
            return Err(Unfit::entry(
                "a variable cannot hold a NUL or bytes that are not text; use --lossy to leave it out",
            ));
        };
        let mut form = Quoting::Single;
        if matches!(self, Self::Dotenv) {
            form = readers::form(key, text)?;
            Unfit::if_it_expires(entry)?;
            Unfit::if_it_is_json(entry)?;
        }
        let (before, between) = match self {
            Self::Dotenv => ("", "="),
            Self::Sh => ("export ", "="),
            Self::Fish => ("set -gx ", " "),
        };
        let quote = match form {
            Quoting::Bare => "",
            Quoting::Single => "'",
            Quoting::Double => "\"",
        };
        for part in [before, key, between, quote] {
            out.bytes(part.as_bytes());
        }
        for &byte in text.as_bytes() {
            match (&*self, byte) {
                (Self::Fish, b'\'' | b'\\') => out.bytes(&[b'\\', byte]),
                (Self::Sh, b'\'') => out.bytes(b"'\\''"),
                _ => out.byte(byte),
            }
        }
        out.bytes(quote.as_bytes());
        out.byte(b'\n');
        Ok(())
    }
}
