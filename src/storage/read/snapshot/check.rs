//! Checks whether a file is a snapshot in canonical form, and computes its layout.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use xxhash_rust::xxh3::Xxh3;

use super::document::RESERVED;
use super::lines::Lines;
use super::window::{ReadFault, fill, size};
use crate::json::{self, Length, Scanner};
use crate::storage::files::disk::DiskFile;
use crate::storage::format::layout::{BETWEEN, CLOSE, END, HEAD, Layout, Section, line_hash};
use crate::storage::format::record;
use crate::storage::format::snapshot_line::{self, MAX_KEY};
use crate::value::Value;

/// The layout of a snapshot that is byte for byte in canonical form; `None` if it is not. Only a full read shows what
/// is wrong with such a file, if anything.
///
/// Takes one pass over the file, and another over the map if there are expiries. Holds one line in memory at a time.
pub(crate) fn check(file: &dyn DiskFile) -> Result<Option<Layout>, ReadFault> {
    let length = file.identity()?.len;
    if length <= HEAD.len() as u64 || !has_text(file, 0, HEAD)? {
        return Ok(None);
    }
    match read(file, length) {
        Ok(layout) => Ok(Some(layout)),
        Err(ReadFault::Corrupt { .. }) => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// Whether a file has that layout, by its hash. Also checks the order of the keys and the text between the sections,
/// but not the values.
pub(crate) fn hash(file: &dyn DiskFile, layout: &Layout) -> Result<bool, ReadFault> {
    let is_of = || Ok(has_frame(file, layout)? && sum_is_of(file, layout, true, &AtomicBool::new(false))?);
    or_corrupt(is_of())
}

/// Whether the content of a file that is known to have had that layout is unchanged, by its checksum alone, which takes
/// half the time. The result means nothing if it was stopped.
pub(crate) fn verify(file: &dyn DiskFile, layout: &Layout, stop: &AtomicBool) -> Result<bool, ReadFault> {
    or_corrupt(sum_is_of(file, layout, false, stop))
}

fn or_corrupt(answer: Result<bool, ReadFault>) -> Result<bool, ReadFault> {
    match answer {
        Err(ReadFault::Corrupt { .. }) => Ok(false),
        answer => answer,
    }
}

fn sum_is_of(file: &dyn DiskFile, layout: &Layout, orders: bool, stop: &AtomicBool) -> Result<bool, ReadFault> {
    /// How many lines are read between two checks whether to stop.
    const CHECK_EVERY: u64 = 4096;
    let mut sum = LineSum::default();
    for (section, (from, to)) in [(Section::Map, layout.map), (Section::Expires, layout.expires)] {
        let mut lines = Lines::new(file, from, to, to);
        let mut before: Option<Vec<u8>> = None;
        while let Some(content) = lines.next()? {
            sum.add(section, content);
            if sum.lines % CHECK_EVERY == 0 && stop.load(Ordering::Relaxed) {
                return Ok(false);
            }
            if orders {
                let Some(key) = snapshot_line::key(content).ok().flatten() else { return Ok(false) };
                if before.as_ref().is_some_and(|before| **before >= *key) {
                    return Ok(false);
                }
                let before = before.get_or_insert_default();
                before.clear();
                before.extend_from_slice(&key);
            }
        }
    }
    sum.is_of(file, layout)
}

/// Whether a snapshot's content matches the checksum in its layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sums {
    /// Not all of it has been read.
    Unread,
    Agree,
    Differ,
}

impl From<bool> for Sums {
    fn from(agree: bool) -> Self {
        if agree { Self::Agree } else { Self::Differ }
    }
}

/// The sum of the lines read so far, so that verifying the checksum needs no extra pass.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LineSum {
    hash: u64,
    lines: u64,
    expiries: u64,
}

impl LineSum {
    pub(super) fn add(&mut self, section: Section, content: &[u8]) {
        self.hash = self.hash.wrapping_add(line_hash(section, content));
        *if section == Section::Map { &mut self.lines } else { &mut self.expiries } += 1;
    }

    /// Whether the file has that layout, given that those were all of its lines.
    pub(super) fn is_of(self, file: &dyn DiskFile, layout: &Layout) -> Result<bool, ReadFault> {
        if (self.lines, self.expiries) != (layout.count, layout.expiring) || !has_frame(file, layout)? {
            return Ok(false);
        }
        Ok(self.hash.wrapping_add(rest_hash(file, layout.rest, layout.length)?) == layout.hash)
    }
}

/// Whether the file has `text` at `at`.
fn has_text(file: &dyn DiskFile, at: u64, text: &[u8]) -> Result<bool, ReadFault> {
    let mut there = [0; 32];
    let there = &mut there[..text.len()];
    fill(file, there, at)?;
    Ok(there == text)
}

/// Whether the text around the lines is right, and nothing follows it.
fn has_frame(file: &dyn DiskFile, layout: &Layout) -> Result<bool, ReadFault> {
    let &Layout { length, map, expires, count, expiring, .. } = layout;
    if !layout.is_sound() || file.read_at(&mut [0], length)? > 0 {
        return Ok(false);
    }
    let mut frame = vec![(0, HEAD), (length - END.len() as u64, END)];
    if count > 0 {
        frame.extend([(map.0 - 1, &b"\n"[..]), (map.1, CLOSE)]);
    } else {
        frame.push((map.1, b"}"));
    }
    if expiring > 0 {
        frame.extend([(expires.0 - BETWEEN.len() as u64, BETWEEN), (expires.1, CLOSE)]);
    }
    for (at, text) in frame {
        if !has_text(file, at, text)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn rest_hash(file: &dyn DiskFile, mut from: u64, to: u64) -> Result<u64, ReadFault> {
    let mut chunk = vec![0; 64 << 10];
    let mut hasher = Xxh3::with_seed(Section::Rest as u64);
    while from < to {
        let length = size(to - from).min(chunk.len());
        fill(file, &mut chunk[..length], from)?;
        hasher.update(&chunk[..length]);
        from += length as u64;
    }
    Ok(hasher.digest())
}

/// A strict read from the second line on. Any deviation from canonical form is a fault; its place is not reported.
fn read(file: &dyn DiskFile, length: u64) -> Result<Layout, ReadFault> {
    let head = HEAD.len() as u64;
    let mut layout = Layout { length, ..Layout::default() };
    let mut written = String::new();
    let mut lines = Lines::new(file, 2, length, length);
    let mut more = match lines.whole()?.ok_or_else(not_canonical)? {
        b"  \"map\": {" => {
            let map = read_section(&mut lines, Section::Map, is_value)?;
            (layout.map, layout.count, layout.hash) = (map.range, map.count, map.hash);
            layout.rest = map.range.1 + CLOSE.len() as u64;
            map.more
        }
        line @ (b"  \"map\": {}" | b"  \"map\": {},") => {
            layout.map = (head, head);
            layout.rest = head + 1;
            line.ends_with(b",")
        }
        _ => return Err(not_canonical()),
    };
    layout.expires = (layout.rest, layout.rest);
    let mut names = HashSet::new();
    while more {
        let line = lines.whole()?.ok_or_else(not_canonical)?;
        if line == b"  \"expires\": {" && layout.expiring == 0 && names.is_empty() {
            let expires = read_section(&mut lines, Section::Expires, is_expiry)?;
            (layout.expires, layout.expiring) = (expires.range, expires.count);
            layout.hash = layout.hash.wrapping_add(expires.hash);
            layout.rest = expires.range.1 + CLOSE.len() as u64;
            more = expires.more;
        } else {
            more = line.ends_with(b",");
            let name = foreign_name(line.strip_suffix(b",").unwrap_or(line), &mut written).ok_or_else(not_canonical)?;
            if !names.insert(name) {
                return Err(not_canonical());
            }
        }
    }
    if lines.whole()? != Some(b"}") || lines.at() != length {
        return Err(not_canonical());
    }
    check_expiries(file, &layout)?;
    layout.hash = layout.hash.wrapping_add(rest_hash(file, layout.rest, length)?);
    Ok(layout)
}

fn not_canonical() -> ReadFault {
    ReadFault::corrupt(0, "not in canonical form")
}

/// A section that was read.
struct Read {
    range: (u64, u64),
    count: u64,
    hash: u64,
    /// Whether another member follows.
    more: bool,
}

/// Reads the lines of a section and its closing line.
fn read_section(lines: &mut Lines<'_>, section: Section, is_value: fn(&[u8]) -> bool) -> Result<Read, ReadFault> {
    let from = lines.at();
    let mut read = Read { range: (from, from), count: 0, hash: 0, more: false };
    let (mut before, mut written) = (String::new(), String::new());
    let mut comma = true;
    loop {
        read.range.1 = lines.at();
        let line = lines.whole()?.ok_or_else(not_canonical)?;
        if !comma {
            read.more = line == b"  },";
            return if read.more || line == CLOSE { Ok(read) } else { Err(not_canonical()) };
        }
        comma = line.ends_with(b",");
        let content = snapshot_line::content(line, !comma).map_err(|_| not_canonical())?;
        let (key, value) = snapshot_line::split(content).map_err(|_| not_canonical())?;
        let is_key = is_written(&key, &content[..content.len() - value.len() - 2], &mut written)
            && key.len() <= MAX_KEY
            && (read.count == 0 || *before < *key);
        if !is_key || !is_value(value) {
            return Err(not_canonical());
        }
        read.hash = read.hash.wrapping_add(line_hash(section, content));
        read.count += 1;
        before.clear();
        before.push_str(&key);
    }
}

/// Whether `raw` is the canonical encoding of a string. Leaves that encoding in `written`.
fn is_written(text: &str, raw: &[u8], written: &mut String) -> bool {
    written.clear();
    json::write_string(written, text);
    written.as_bytes() == raw
}

fn is_value(raw: &[u8]) -> bool {
    // Compute the length only if it may be over the limit; no byte takes more than six.
    let may_be_long = || raw.len() > Value::MAX_LEN;
    let length = || match raw.first() {
        Some(b'"') => {
            let mut length = Length::default();
            Scanner::new(raw).string_into(&mut length).map_or(usize::MAX, |()| length.0)
        }
        _ => str::from_utf8(raw)
            .ok()
            .and_then(|text| record::decode(text).ok())
            .map_or(usize::MAX, |value| value.as_bytes().len()),
    };
    record::is_written(raw) && !(may_be_long() && length() > Value::MAX_LEN)
}

fn is_expiry(raw: &[u8]) -> bool {
    snapshot_line::expiry(raw).is_some_and(|expiry| format!("\"{expiry}\"").as_bytes() == raw)
}

/// The name of a top-level member that is not ours; `None` if the line is not in canonical form.
fn foreign_name(line: &[u8], written: &mut String) -> Option<String> {
    let content = line.strip_prefix(b"  ")?;
    let (name, value) = snapshot_line::split(content).ok()?;
    let is_ours = matches!(&*name, "map" | "expires" | RESERVED);
    if is_ours || !is_written(&name, &content[..content.len() - value.len() - 2], written) {
        return None;
    }
    written.clear();
    let mut scanner = Scanner::new(value);
    scanner.value(written).ok()?;
    (written.as_bytes() == value).then(|| name.into_owned())
}

/// Checks that every expiry has its key in the map.
fn check_expiries(file: &dyn DiskFile, layout: &Layout) -> Result<(), ReadFault> {
    let section = |(from, to)| Lines::new(file, from, to, to);
    let (mut keys, mut expiries) = (section(layout.map), section(layout.expires));
    while let Some(expiry) = expiries.next()? {
        let wanted = snapshot_line::key(expiry).map_err(|_| not_canonical())?;
        loop {
            let content = keys.next()?.ok_or_else(not_canonical)?;
            if snapshot_line::key(content).map_err(|_| not_canonical())? == wanted {
                break;
            }
        }
    }
    Ok(())
}
