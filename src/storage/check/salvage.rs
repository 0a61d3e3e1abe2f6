//! Salvaging what is readable in a corrupt snapshot.
//!
//! The file is parsed as JSON as far as possible. At a fault, the rest of the entry is dropped, and parsing resumes at
//! the next line that can start an entry: one that is not indented deeper than the entries before it. So in a file with
//! one entry per line, only corrupt lines are lost; in a file on one line, everything after the fault. The base part of
//! a merge conflict is dropped: entries only in the base were deleted by both sides. An entry counts only if it is
//! followed by something that ends an entry, so that a truncated number does not become a different number.

use std::collections::HashMap;
use std::ops::Range;

use super::conflict;
use crate::expiry::Timestamp;
use crate::json::{Fault, Scanner};
use crate::storage::format::record::{self, Entry, Stored};
use crate::storage::format::snapshot_line::MAX_KEY;
use crate::storage::read::snapshot::document::{Document, RESERVED};
use crate::value::Value;

/// Reads what is readable, and passes the place of everything else to `dropped`: each line, or part of one, that is not
/// an entry. If a key occurs twice, drops the first entry. `None` if a newer version wrote the file.
pub(crate) fn salvage(bytes: &[u8], dropped: &mut dyn FnMut(Range<usize>)) -> Option<Document> {
    let mut salvage = Salvage {
        bytes,
        at: if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 },
        section: Region::Before,
        seen: (false, false),
        indent: None,
        is_corrupt: false,
        document: Document::default(),
        entries: HashMap::new(),
        expiries: HashMap::new(),
        dropped,
    };
    let mut bases = conflict::base_parts(bytes).into_iter().peekable();
    while salvage.skip_blank() {
        let start = salvage.at;
        while bases.next_if(|base| base.end <= start).is_some() {}
        if let Some(base) = bases.next_if(|base| base.start <= start) {
            salvage.skip(base.end);
            continue;
        }
        match salvage.step() {
            Ok(true) => {}
            Ok(false) => return None,
            Err(_) => salvage.resume(start),
        }
    }
    Some(salvage.done())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Region {
    /// Before the document's `{`.
    Before,
    Top,
    Map,
    Expires,
    /// After the document's `}`.
    After,
}

struct Salvage<'a, 'd> {
    bytes: &'a [u8],
    at: usize,
    section: Region,
    /// Whether the map and the expiries have started.
    seen: (bool, bool),
    /// The indent of the previous entry, if it started its line.
    indent: Option<usize>,
    /// Whether there was a fault.
    is_corrupt: bool,
    document: Document,
    /// The place of each entry, and of each expiry.
    entries: HashMap<String, Range<usize>>,
    expiries: HashMap<String, (Range<usize>, Timestamp)>,
    dropped: &'d mut dyn FnMut(Range<usize>),
}

impl Salvage<'_, '_> {
    /// Skips white space; false at the end.
    fn skip_blank(&mut self) -> bool {
        let blank = self.bytes[self.at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.at += blank;
        self.at < self.bytes.len()
    }

    /// Drops all lines up to `end`: the common ancestor of a merge.
    fn skip(&mut self, end: usize) {
        self.is_corrupt = true;
        while self.at < end {
            self.drop_line();
        }
    }

    /// Drops the rest of the line. Inside a dropped entry, braces have no meaning.
    fn drop_line(&mut self) {
        let rest = &self.bytes[self.at..];
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |newline| newline + 1);
        if !rest[..end].iter().all(|byte| byte.is_ascii_whitespace() || b"{}[],".contains(byte)) {
            (self.dropped)(self.at..self.at + end);
        }
        self.at += end;
    }

    /// Reads the next item: a brace, a comma, or a member with its value. False if a newer version wrote the file.
    fn step(&mut self) -> Result<bool, Fault> {
        self.section = match (self.bytes[self.at], self.section) {
            (b'{', Region::Before) => Region::Top,
            (b'}', Region::Map | Region::Expires) if self.closes() => Region::Top,
            (b'}', Region::Top) => Region::After,
            (b',', Region::Top | Region::Map | Region::Expires) => self.section,
            (b'"', Region::Top) => return self.member(),
            (b'"', Region::Map) => return self.entry().map(|()| true),
            (b'"', Region::Expires) => return self.expiry().map(|()| true),
            _ => return Err(Fault::new(self.at, "")),
        };
        self.at += 1;
        Ok(true)
    }

    /// Whether the bytes after a brace can follow the end of a section.
    fn closes(&self) -> bool {
        matches!(self.bytes[self.at + 1..].trim_ascii_start().first(), None | Some(b',' | b'}'))
    }

    fn member(&mut self) -> Result<bool, Fault> {
        let mut scanner = Scanner::new(&self.bytes[self.at..]);
        let name = scanner.name()?;
        let section = match &*name {
            RESERVED => return Ok(false),
            "map" => Region::Map,
            "expires" => Region::Expires,
            _ => {
                let mut text = String::new();
                scanner.value(&mut text)?;
                let end = self.at + scanner.at();
                self.check_end(end)?;
                self.document.foreign.retain(|(other, _)| *other != name);
                self.document.foreign.push((name.into_owned(), text));
                self.at = end;
                return Ok(true);
            }
        };
        if section == Region::Expires && scanner.peek() == Some(b'n') {
            scanner.value(&mut String::new())?;
            let end = self.at + scanner.at();
            self.check_end(end)?;
            self.at = end;
            return Ok(true);
        }
        scanner.expect(b'{', "a '{'")?;
        self.at += scanner.at();
        self.begin(section);
        Ok(true)
    }

    fn begin(&mut self, section: Region) {
        self.section = section;
        self.seen.0 |= section == Region::Map;
        self.seen.1 |= section == Region::Expires;
    }

    fn entry(&mut self) -> Result<(), Fault> {
        let mut scanner = Scanner::new(&self.bytes[self.at..]);
        let key = scanner.name()?.into_owned();
        scanner.peek();
        let value_at = self.at + scanner.at();
        let value = record::read_value(&mut scanner)?;
        let place = self.at..self.at + scanner.at();
        self.check_end(place.end)?;
        self.check_lines(&place)?;
        if key.len() > MAX_KEY || value.as_bytes().len() > Value::MAX_LEN {
            return Err(Fault::new(place.start, ""));
        }
        if let Some(first) = self.entries.get(&key) {
            // The line that starts the expiries may be the corrupt one.
            if self.is_corrupt && !self.seen.1 && expiry(&self.bytes[value_at..place.end]).is_some() {
                self.begin(Region::Expires);
                return self.expiry();
            }
            (self.dropped)(first.clone());
        }
        self.document.entries.insert(key.clone(), Stored::of(&Entry::from(value)));
        self.entries.insert(key, place.clone());
        self.take(&place);
        Ok(())
    }

    fn expiry(&mut self) -> Result<(), Fault> {
        let mut scanner = Scanner::new(&self.bytes[self.at..]);
        let key = scanner.name()?.into_owned();
        scanner.peek();
        let value_at = self.at + scanner.at();
        scanner.string()?;
        let place = self.at..self.at + scanner.at();
        self.check_end(place.end)?;
        let expiry = expiry(&self.bytes[value_at..place.end]).ok_or_else(|| Fault::new(value_at, ""))?;
        if let Some((first, _)) = self.expiries.insert(key, (place.clone(), expiry)) {
            (self.dropped)(first);
        }
        self.take(&place);
        Ok(())
    }

    fn take(&mut self, place: &Range<usize>) {
        self.at = place.end;
        self.indent = self.indent_of(place.start).or(self.indent);
    }

    /// Checks that the bytes after a value end it.
    fn check_end(&self, end: usize) -> Result<(), Fault> {
        let after = &self.bytes[end..];
        match after.iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r')) {
            Some(b',' | b'}' | b'\n') => Ok(()),
            None if !self.bytes[end - 1].is_ascii_digit() => Ok(()),
            _ => Err(Fault::new(end, "")),
        }
    }

    /// Checks that a value of several lines has not swallowed the entries after it.
    fn check_lines(&self, place: &Range<usize>) -> Result<(), Fault> {
        let Some(own) = self.indent_of(place.start) else { return Ok(()) };
        for newline in memchr::memchr_iter(b'\n', &self.bytes[place.clone()]) {
            let line = &self.bytes[place.start + newline + 1..];
            if blanks(line) <= own && line[blanks(line)..].starts_with(b"\"") {
                return Err(Fault::new(place.start, ""));
            }
        }
        Ok(())
    }

    /// The indent of an item that starts a line at `at`.
    fn indent_of(&self, at: usize) -> Option<usize> {
        let start = memchr::memrchr(b'\n', &self.bytes[..at])? + 1;
        (blanks(&self.bytes[start..]) == at - start).then_some(at - start)
    }

    /// Drops everything from `start` to a line where parsing can resume.
    fn resume(&mut self, start: usize) {
        self.is_corrupt = true;
        self.at = start;
        loop {
            self.drop_line();
            if self.at >= self.bytes.len() || self.is_start() {
                return;
            }
        }
    }

    /// Whether parsing can resume at this line; sets the section of that line.
    fn is_start(&mut self) -> bool {
        let line = &self.bytes[self.at..];
        let indent = blanks(line);
        let is_outside = self.indent.map_or_else(|| begins_section(&line[indent..]), |own| indent < own);
        match (line.get(indent), self.section) {
            (Some(b'}'), Region::Map | Region::Expires) => self.indent.is_none_or(|own| indent < own),
            (Some(b'}'), Region::Top) => indent == 0,
            (Some(b'"'), _) if is_outside => {
                self.section = Region::Top;
                true
            }
            (Some(b'"'), Region::Map | Region::Expires) => self.indent.is_none_or(|own| indent == own),
            // The line that starts its section was corrupt, or the section only seemed to end.
            (Some(b'"'), _) => {
                let is_expiry = self.is_expiry(&line[indent..]);
                self.begin(if is_expiry { Region::Expires } else { Region::Map });
                true
            }
            _ => false,
        }
    }

    /// Whether it is the line of an entry's expiry.
    fn is_expiry(&self, line: &[u8]) -> bool {
        let mut scanner = Scanner::new(line);
        let is_known = scanner.name().is_ok_and(|key| self.entries.contains_key(&*key));
        scanner.peek();
        is_known && expiry(&line[scanner.at()..]).is_some()
    }

    fn done(mut self) -> Document {
        for (key, (_, expiry)) in self.expiries {
            if let Some(entry) = self.document.entries.get_mut(&key) {
                entry.expiry = Some(expiry);
            }
        }
        self.document
    }
}

fn blanks(line: &[u8]) -> usize {
    line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// Whether the text starts the map or the expiries, with their entries on the following lines.
fn begins_section(line: &[u8]) -> bool {
    let mut scanner = Scanner::new(line);
    scanner.name().is_ok_and(|name| matches!(&*name, "map" | "expires"))
        && scanner.expect(b'{', "").is_ok()
        && line[scanner.at()..].iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r')) == Some(&b'\n')
}

/// The expiry in a JSON string.
fn expiry(text: &[u8]) -> Option<Timestamp> {
    Scanner::new(text).string().ok()?.parse().ok()
}
