//! The validating scanner.

use std::borrow::Cow;
use std::collections::HashSet;

use super::sink::{Nowhere, Sink};
use super::strings::{check_raw, find_unsafe, push_escape, unescape, unescape_into};
use super::{Fault, MAX_DEPTH, duplicate, too_deep};

/// Reads JSON tokens from bytes, in order.
#[derive(Clone, Debug)]
pub(crate) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Skips a byte order mark, if there is one.
    pub(crate) fn skip_mark(&mut self) {
        if self.bytes[self.at..].starts_with(b"\xef\xbb\xbf") {
            self.at += 3;
        }
    }

    /// The offset of the next byte.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Skips white space and returns the next byte without consuming it.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        while let Some(&byte) = self.bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.at += 1;
        }
        None
    }

    /// Skips white space and consumes `wanted`.
    pub(crate) fn expect(&mut self, wanted: u8, what: &str) -> Result<(), Fault> {
        if self.peek() == Some(wanted) {
            self.at += 1;
            return Ok(());
        }
        Err(self.unexpected(what))
    }

    /// Consumes the `,` before another item and returns true, or the closing `end` and returns false. `first` says that
    /// no item has been read yet.
    pub(crate) fn more(&mut self, end: u8, first: bool) -> Result<bool, Fault> {
        match self.peek() {
            Some(byte) if byte == end => {
                self.at += 1;
                Ok(false)
            }
            Some(b',') if !first => {
                let comma = self.at;
                self.at += 1;
                if self.peek() == Some(end) {
                    return Err(Fault::new(comma, "trailing comma; JSON does not allow one after the last item"));
                }
                Ok(true)
            }
            _ if first => Ok(true),
            _ => Err(self.unexpected(if end == b'}' { "',' or '}'" } else { "',' or ']'" })),
        }
    }

    /// Reads an object: calls `member` with the offset of each name and the name, and it must consume the value.
    /// Anything but an object is a fault of form, with `what` as its reason.
    pub(crate) fn object<E: From<Fault>>(
        &mut self,
        what: &str,
        mut member: impl FnMut(&mut Self, usize, Cow<'a, str>) -> Result<(), E>,
    ) -> Result<(), E> {
        if matches!(self.peek(), Some(b'[' | b'"' | b't' | b'f' | b'n' | b'-' | b'0'..=b'9')) {
            let at = self.at;
            self.value(&mut Nowhere)?;
            return Err(Fault::shape(at, what).into());
        }
        self.expect(b'{', "a '{'")?;
        let mut first = true;
        while self.more(b'}', first)? {
            first = false;
            self.peek();
            let at = self.at;
            let name = self.name()?;
            member(self, at, name)?;
        }
        Ok(())
    }

    /// Expects the end of the text after white space.
    pub(crate) fn end(&mut self) -> Result<(), Fault> {
        match self.peek() {
            None => Ok(()),
            Some(0) => Err(self.unexpected("")),
            Some(_) => Err(Fault::new(self.at, "unexpected data after the end of the document")),
        }
    }

    /// Reads a string, unescaped.
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, Fault> {
        let (raw, start) = self.raw_string()?;
        if memchr::memchr(b'\\', raw.as_bytes()).is_none() {
            return Ok(Cow::Borrowed(raw));
        }
        unescape(raw, start).map(Cow::Owned)
    }

    /// Reads a string and appends it to `out`, unescaped.
    pub(crate) fn string_into(&mut self, out: &mut impl Sink) -> Result<(), Fault> {
        let (raw, start) = self.raw_string()?;
        unescape_into(raw, start, out)
    }

    /// Reads a member's name and the `:` after it.
    pub(crate) fn name(&mut self) -> Result<Cow<'a, str>, Fault> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("a member's name in double quotes"));
        }
        let name = self.string()?;
        self.expect(b':', "':'")?;
        Ok(name)
    }

    /// Any value: checked, and appended to `out` without the white space between its tokens. Characters that could
    /// act on a terminal ([`super::is_unsafe`]) become `\u` escapes; everything else stays as it was written.
    pub(crate) fn value(&mut self, out: &mut impl Sink) -> Result<(), Fault> {
        self.nested(out, MAX_DEPTH)
    }

    /// Goes past any value of a text that was checked before.
    pub(crate) fn skip(&mut self) {
        self.peek();
        let mut levels = 0_usize;
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'"' => self.skip_string(),
                b'{' | b'[' => {
                    levels += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    levels -= 1;
                    self.at += 1;
                }
                b',' | b':' => self.at += 1,
                _ => {
                    let rest = &self.bytes[self.at..];
                    let is_over = |byte: &u8| matches!(byte, b',' | b':' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t');
                    self.at += rest.iter().position(is_over).unwrap_or(rest.len());
                    if levels > 0 {
                        self.peek();
                    }
                }
            }
            if levels == 0 {
                return;
            }
        }
    }

    fn skip_string(&mut self) {
        self.at += 1;
        while let Some(skip) = memchr::memchr2(b'"', b'\\', self.bytes.get(self.at..).unwrap_or_default()) {
            let is_end = self.bytes[self.at + skip] == b'"';
            self.at += skip + if is_end { 1 } else { 2 };
            if is_end {
                return;
            }
        }
        self.at = self.bytes.len();
    }

    /// Like [`Scanner::value`], for a value that may stand in a wrapper of one level.
    pub(crate) fn wrapped_value(&mut self, out: &mut impl Sink) -> Result<(), Fault> {
        self.nested(out, MAX_DEPTH + 1)
    }

    /// `levels` is how many more levels may open.
    fn nested(&mut self, out: &mut impl Sink, levels: usize) -> Result<(), Fault> {
        match self.peek() {
            Some(b'"') => self.copy_string(out),
            Some(b'-' | b'0'..=b'9') => self.number(out),
            Some(b'{' | b'[') if levels == 0 => Err(too_deep(self.at)),
            Some(open @ (b'{' | b'[')) => {
                self.at += 1;
                out.push(char::from(open));
                if open == b'{' { self.members(out, levels - 1) } else { self.items(out, levels - 1) }
            }
            Some(b't') => self.word("true", out),
            Some(b'f') => self.word("false", out),
            Some(b'n') => self.word("null", out),
            _ => Err(self.unexpected("a value")),
        }
    }

    fn members(&mut self, out: &mut impl Sink, levels: usize) -> Result<(), Fault> {
        let mut names = Names::default();
        let mut first = true;
        while self.more(b'}', first)? {
            if !first {
                out.push(',');
            }
            first = false;
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("a member's name in double quotes"));
            }
            let at = self.at;
            let name = self.string()?;
            self.at = at;
            self.copy_string(out)?;
            if let Some(name) = names.insert(name) {
                return Err(duplicate(at, "member", &name));
            }
            self.expect(b':', "':'")?;
            out.push(':');
            self.nested(out, levels)?;
        }
        out.push('}');
        Ok(())
    }

    fn items(&mut self, out: &mut impl Sink, levels: usize) -> Result<(), Fault> {
        let mut first = true;
        while self.more(b']', first)? {
            if !first {
                out.push(',');
            }
            first = false;
            self.nested(out, levels)?;
        }
        out.push(']');
        Ok(())
    }

    fn copy_string(&mut self, out: &mut impl Sink) -> Result<(), Fault> {
        let (raw, start) = self.raw_string()?;
        if memchr::memchr(b'\\', raw.as_bytes()).is_some() {
            unescape_into(raw, start, &mut Nowhere)?;
        }
        out.push('"');
        let mut rest = raw;
        while let Some((at, c)) = find_unsafe(rest) {
            out.push_str(&rest[..at]);
            push_escape(out, c);
            rest = &rest[at + c.len_utf8()..];
        }
        out.push_str(rest);
        out.push('"');
        Ok(())
    }

    /// The text between the quotes, with its escapes, and its offset.
    fn raw_string(&mut self) -> Result<(&'a str, usize), Fault> {
        self.expect(b'"', "a string in double quotes")?;
        let start = self.at;
        let mut at = start;
        loop {
            match memchr::memchr2(b'"', b'\\', &self.bytes[at.min(self.bytes.len())..]) {
                Some(skip) if self.bytes[at + skip] == b'"' => {
                    at += skip;
                    break;
                }
                Some(skip) => at += skip + 2,
                None => {
                    let rest = &self.bytes[start..];
                    check_raw(rest, start)?;
                    return Err(Fault::new(start - 1, "the file ends inside the string that starts here"));
                }
            }
        }
        self.at = at + 1;
        check_raw(&self.bytes[start..at], start).map(|raw| (raw, start))
    }

    fn number(&mut self, out: &mut impl Sink) -> Result<(), Fault> {
        let start = self.at;
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        match self.byte() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            _ => return Err(self.unexpected("a digit")),
        }
        if matches!(self.byte(), Some(b'0'..=b'9')) {
            return Err(Fault::new(start, "a number must not start with 0; put it in quotes to keep it as text"));
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        for &digit in &self.bytes[start..self.at] {
            out.push(char::from(digit));
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while matches!(self.byte(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(self.unexpected("a digit")) } else { Ok(()) }
    }

    fn word(&mut self, word: &'static str, out: &mut impl Sink) -> Result<(), Fault> {
        if self.bytes[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            out.push_str(word);
            return Ok(());
        }
        Err(self.unexpected("a value"))
    }

    fn byte(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// A fault at the next byte, which says what was found and, for common mistakes, the way out.
    fn unexpected(&self, wanted: &str) -> Fault {
        let rest = &self.bytes[self.at.min(self.bytes.len())..];
        let Some(&byte) = rest.first() else {
            return Fault::new(self.at, format!("expected {wanted}, found the end of the text"));
        };
        let reason = match byte {
            0 => format!("zero bytes from offset {} on (left by a crash, or by the disk?)", self.at),
            b'/' => "comments are not JSON".to_owned(),
            b'\'' => "JSON strings need double quotes".to_owned(),
            b'N' | b'I' if rest.starts_with(b"NaN") || rest.starts_with(b"Infinity") => {
                "NaN and Infinity are not JSON".to_owned()
            }
            _ => {
                let shown = match std::str::from_utf8(&rest[..rest.len().min(4)]) {
                    Ok(text) => text.chars().next(),
                    Err(error) => std::str::from_utf8(&rest[..error.valid_up_to()]).ok().and_then(|t| t.chars().next()),
                };
                match shown {
                    Some(c) => format!("expected {wanted}, found {c:?}"),
                    None => format!("expected {wanted}, found byte 0x{byte:02x}"),
                }
            }
        };
        Fault::new(self.at, reason)
    }
}

/// The names in one object so far: a list while it is short, then a set.
#[derive(Debug, Default)]
struct Names<'a> {
    few: Vec<Cow<'a, str>>,
    many: HashSet<Cow<'a, str>>,
}

impl<'a> Names<'a> {
    /// Adds a name; returns it if it was already there.
    fn insert(&mut self, name: Cow<'a, str>) -> Option<Cow<'a, str>> {
        const FEW: usize = 16;
        if self.many.is_empty() && self.few.len() < FEW {
            if self.few.contains(&name) {
                return Some(name);
            }
            self.few.push(name);
            return None;
        }
        self.many.extend(self.few.drain(..));
        if self.many.contains(&name) {
            return Some(name);
        }
        self.many.insert(name);
        None
    }
}
