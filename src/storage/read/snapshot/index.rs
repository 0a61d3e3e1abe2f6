//! The snapshot in canonical form as its own index: a lookup reads a few lines.

use std::borrow::Cow;
use std::cell::RefCell;
use std::cmp::Ordering;
use std::ops::Bound;

use super::cursor::{Cursor, End, read_expiry};
use super::document::Document;
use super::fences::{Fences, Known};
use super::window::{CHUNK, Window};
use crate::expiry::Timestamp;
use crate::json::{Fault, Nowhere, Same, Scanner};
use crate::storage::files::disk::DiskFile;
use crate::storage::format::layout::{Layout, Section};
use crate::storage::format::record::Stored;
use crate::storage::format::record::{Entry, Seen};
use crate::storage::format::snapshot_line::{self, INDENT};

pub(crate) use super::lines::Lines;
pub(crate) use super::window::ReadFault;

/// A snapshot in canonical form, read by positioned reads. Its layout must be right. Nothing is read in advance, and
/// every line that is read is checked.
#[derive(Debug)]
pub(crate) struct Indexed {
    file: Box<dyn DiskFile>,
    layout: Layout,
    map: RefCell<Search>,
    expires: RefCell<Search>,
}

/// Where a key is in a section, or would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LinePlace {
    /// Where the first line with this key or a greater one starts; the section's end if there is none.
    pub(crate) at: u64,
    /// The content of that line, if it has this key.
    pub(crate) found: Option<(u64, u64)>,
}

impl Indexed {
    pub(crate) fn new(file: Box<dyn DiskFile>, layout: Layout) -> Self {
        let search = |range| RefCell::new(Search::new(range));
        Self { file, layout, map: search(layout.map), expires: search(layout.expires) }
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    pub(crate) fn file(&self) -> &dyn DiskFile {
        &*self.file
    }

    /// A key's value and expiry. Checks only the lines that they are in.
    pub(crate) fn get(&self, key: &str) -> Result<Option<Stored>, ReadFault> {
        let text = self.map.borrow_mut().value(&*self.file, key)?;
        let Some(text) = text else { return Ok(None) };
        Ok(Some(Stored { text, expiry: self.expiry(key)? }))
    }

    /// A lookup that does not read a line longer than `limit`.
    pub(crate) fn glance(&self, key: &str, limit: u64) -> Result<Option<Seen>, ReadFault> {
        let Some((from, to)) = self.place(Section::Map, key)?.found else { return Ok(None) };
        if to - from > limit {
            return Ok(Some(Seen::Large((to - from).saturating_sub(key.len() as u64))));
        }
        let entry = self.get(key)?.map(Entry::of_stored).transpose();
        Ok(entry.map_err(|fault| ReadFault::corrupt(0, &fault.reason))?.map(Seen::Entry))
    }

    pub(crate) fn contains(&self, key: &str) -> Result<bool, ReadFault> {
        Ok(self.place(Section::Map, key)?.found.is_some())
    }

    /// The expiry of an existing key.
    pub(crate) fn expiry(&self, key: &str) -> Result<Option<Timestamp>, ReadFault> {
        if self.layout.expiring == 0 {
            return Ok(None);
        }
        self.expires.borrow_mut().expiry(&*self.file, key)
    }

    /// Where a key's line is, or would be. Reads only the key of that line.
    pub(crate) fn place(&self, section: Section, key: &str) -> Result<LinePlace, ReadFault> {
        let (_, end) = self.range(section);
        let mut search = self.search(section).borrow_mut();
        let spot = search.find(&*self.file, key)?;
        let content = |to: u64| (spot.at + INDENT.len() as u64, if to == end { to - 1 } else { to - 2 });
        Ok(LinePlace { at: spot.at, found: spot.end.map(content) })
    }

    /// All lines of a section.
    pub(crate) fn lines(&self, section: Section) -> Lines<'_> {
        let (from, to) = self.range(section);
        Lines::new(&*self.file, from, to, to)
    }

    /// How many entries have expired at `now`.
    pub(crate) fn expired(&self, now: Timestamp) -> Result<u64, ReadFault> {
        // All times have the same length, so their texts compare like the times.
        let now = format!("\"{now}\"");
        let mut lines = self.lines(Section::Expires);
        let mut expired = 0;
        loop {
            let at = lines.at();
            let Some(content) = lines.next()? else { return Ok(expired) };
            let (_, expiry) = snapshot_line::split(content).map_err(|fault| ReadFault::within(at, fault))?;
            if expiry.len() != now.len() {
                return Err(ReadFault::corrupt(at, snapshot_line::NO_EXPIRY));
            }
            expired += u64::from(expiry <= now.as_bytes());
        }
    }

    /// All expiries, in key order.
    pub(crate) fn expiries(&self, each: &mut dyn FnMut(&str, Timestamp)) -> Result<(), ReadFault> {
        let mut lines = self.lines(Section::Expires);
        loop {
            let at = lines.at();
            let Some(content) = lines.next()? else { return Ok(()) };
            let (key, expiry) = read_expiry(content, at)?;
            each(&key, expiry);
        }
    }

    /// All entries, in memory; without unknown top-level members.
    pub(crate) fn document(&self) -> Result<Document, ReadFault> {
        let mut document = Document::default();
        let mut cursor = self.cursor(Bound::Unbounded, Bound::Unbounded)?;
        while let Some(line) = cursor.take(End::Front)? {
            let stored = Stored { text: line.text.into(), expiry: line.expiry };
            document.entries.insert(line.key.into_owned(), stored);
        }
        Ok(document)
    }

    /// The entries between two bounds, from both ends; none if the bounds are in the wrong order.
    pub(crate) fn cursor(&self, from: Bound<&str>, to: Bound<&str>) -> Result<Cursor<'_>, ReadFault> {
        let range = |section| -> Result<(u64, u64), ReadFault> {
            let (start, end) = self.range(section);
            let from = self.bound(section, from, start, false)?;
            let to = self.bound(section, to, end, true)?;
            Ok((from, to.max(from)))
        };
        let expires = if self.layout.expiring == 0 { self.layout.expires } else { range(Section::Expires)? };
        Ok(Cursor::new(self.file(), &self.layout, range(Section::Map)?, expires))
    }

    /// Keys that divide the lines between two bounds into up to this many parts of similar length, none of them short.
    pub(crate) fn splits(&self, from: Bound<&str>, to: Bound<&str>, most: usize) -> Result<Vec<String>, ReadFault> {
        /// The smallest part that is worth a thread.
        const SHORT: u64 = 1 << 20;
        let (start, end) = self.layout.map;
        let from = self.bound(Section::Map, from, start, false)?;
        let to = self.bound(Section::Map, to, end, true)?.max(from);
        let parts = ((to - from) / SHORT).min(most as u64);
        let mut window = Window::default();
        let mut keys: Vec<String> = Vec::new();
        for part in 1..parts {
            let at = from + (to - from) / parts * part;
            let Some(line) = line_after(&mut window, &*self.file, at, to)? else { break };
            let key = probed_key(&mut window, &*self.file, line, end)?.into_owned();
            let key = String::from_utf8(key).map_err(|_| ReadFault::corrupt(line, "not UTF-8"))?;
            // A long line may reach over several places.
            if keys.last().is_none_or(|last| *last < key) {
                keys.push(key);
            }
        }
        Ok(keys)
    }

    /// Where the lines begin, or (`upper`) end, that a bound lets in; `open` if it lets in all.
    fn bound(&self, section: Section, bound: Bound<&str>, open: u64, upper: bool) -> Result<u64, ReadFault> {
        let (key, is_after) = match bound {
            Bound::Unbounded => return Ok(open),
            Bound::Included(key) => (key, upper),
            Bound::Excluded(key) => (key, !upper),
        };
        let spot = self.search(section).borrow_mut().find(&*self.file, key)?;
        Ok(spot.end.filter(|_| is_after).unwrap_or(spot.at))
    }

    fn range(&self, section: Section) -> (u64, u64) {
        match section {
            Section::Map => self.layout.map,
            Section::Expires => self.layout.expires,
            Section::Rest => (self.layout.rest, self.layout.length),
        }
    }

    fn search(&self, section: Section) -> &RefCell<Search> {
        if section == Section::Expires { &self.expires } else { &self.map }
    }
}

/// The first few searches use no fences, so that a single lookup does not pay for them.
const UNFENCED: u32 = 3;

/// The sizes of the reads that look for one line: most lines are short, a few are very long.
const PROBE: u64 = 512;
const LARGEST_PROBE: u64 = CHUNK as u64;

/// When a search has narrowed down its range to this length, the rest is read at once.
const AT_ONCE: u64 = 16 << 10;

/// Finds keys in a section.
#[derive(Debug)]
struct Search {
    start: u64,
    end: u64,
    fences: Fences,
    searches: u32,
    /// The lines of the previous search, which may contain the next key, too.
    window: Window,
    probe: Window,
}

/// The result of a search.
#[derive(Clone, Copy, Debug)]
struct Spot {
    /// Where the first line with this key or a greater one starts.
    at: u64,
    /// Where that line ends, including its newline, if it has this key.
    end: Option<u64>,
}

/// A line, and how its key compares with the wanted one.
type Compared = (u64, Ordering);

impl Search {
    fn new((start, end): (u64, u64)) -> Self {
        Self {
            start,
            end: end.max(start),
            fences: Fences::new((start, end)),
            searches: 0,
            window: Window::default(),
            probe: Window::default(),
        }
    }

    /// The encoded value of a key, checked.
    fn value(&mut self, file: &dyn DiskFile, key: &str) -> Result<Option<Box<str>>, ReadFault> {
        let Some((at, to)) = self.content(file, key)? else { return Ok(None) };
        let text = value_text(self.window.bytes(at, to)).map_err(|fault| ReadFault::within(at, fault))?;
        if !self.window.is_large() {
            return Ok(Some(text.into()));
        }
        let from = to - text.len() as u64;
        let text = self.window.take(from, to);
        String::from_utf8(text)
            .map(|text| Some(text.into_boxed_str()))
            .map_err(|_| ReadFault::corrupt(from, "not UTF-8"))
    }

    fn expiry(&mut self, file: &dyn DiskFile, key: &str) -> Result<Option<Timestamp>, ReadFault> {
        let Some((at, to)) = self.content(file, key)? else { return Ok(None) };
        let content = self.window.bytes(at, to);
        read_expiry(content, at).map(|(_, expiry)| Some(expiry))
    }

    /// Reads a key's line into the window, and returns where its content is.
    fn content(&mut self, file: &dyn DiskFile, key: &str) -> Result<Option<(u64, u64)>, ReadFault> {
        let Spot { at, end: Some(end) } = self.find(file, key)? else { return Ok(None) };
        if !self.window.shows(at, end) {
            self.window.show(file, at, end)?;
        }
        let Some((b'\n', whole)) = self.window.bytes(at, end).split_last() else {
            return Err(ReadFault::corrupt(at, "this line does not end where the next one starts"));
        };
        let content = snapshot_line::content(whole, end == self.end).map_err(|fault| ReadFault::within(at, fault))?;
        let from = at + INDENT.len() as u64;
        Ok(Some((from, from + content.len() as u64)))
    }

    /// Finds the block first, by fences or, if none is known, by a read; then the line among those that start in it.
    fn find(&mut self, file: &dyn DiskFile, key: &str) -> Result<Spot, ReadFault> {
        let key = key.as_bytes();
        self.searches = self.searches.saturating_add(1);
        // The blocks low..high are left. `floor` is a line whose key is not greater, `ceiling` one whose key is.
        let (mut low, mut high) = (0, self.fences.blocks());
        let (mut floor, mut ceiling) = (None, self.end);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.first_line(file, (middle, high), ceiling, key)? {
                None => high = middle,
                Some((line, Ordering::Greater)) => (high, ceiling) = (middle, line),
                Some((line, _)) => {
                    low = self.fences.block(line) + 1;
                    floor = Some(line);
                }
            }
        }
        match floor {
            None => Ok(Spot { at: self.start, end: None }),
            Some(floor) => self.find_line(file, floor, ceiling, key),
        }
    }

    /// The first line that starts in the blocks `from..to`; `None` if there is none. `ceiling` is the first line after
    /// them.
    fn first_line(
        &mut self,
        file: &dyn DiskFile,
        (from, to): (usize, usize),
        ceiling: u64,
        key: &[u8],
    ) -> Result<Option<Compared>, ReadFault> {
        let mut block = from;
        while block < to {
            match self.fences.find(block, key) {
                Known::Empty => block += 1,
                Known::First(line, Some(order)) => return Ok(Some((line, order))),
                Known::First(line, None) => {
                    let there = probed_key(&mut self.probe, file, line, self.end)?;
                    return Ok(Some((line, (*there).cmp(key))));
                }
                Known::Nothing => break,
            }
        }
        if block >= to {
            return Ok(None);
        }
        let start = self.fences.start(block);
        let line = if block == 0 { Some(self.start) } else { line_after(&mut self.probe, file, start - 1, ceiling)? };
        let learns = self.searches > UNFENCED;
        let Some(line) = line else {
            if learns {
                self.fences.learn_empty(block, to);
            }
            return Ok(None);
        };
        let there = probed_key(&mut self.probe, file, line, self.end)?;
        if learns {
            self.fences.learn(block, line, &there);
        }
        Ok(Some((line, (*there).cmp(key))))
    }

    /// Searches the lines that start in the same block as `floor`; the next line after them is `ceiling`.
    fn find_line(&mut self, file: &dyn DiskFile, floor: u64, ceiling: u64, key: &[u8]) -> Result<Spot, ReadFault> {
        let block_end = self.fences.start(self.fences.block(floor) + 1).min(ceiling);
        let shown = if ceiling - floor <= AT_ONCE { ceiling } else { block_end };
        if !self.window.shows(floor, shown) {
            self.window.show(file, floor, shown)?;
        }
        // The lines that start in low..high are left.
        let (mut low, mut high, mut place) = (floor, block_end, ceiling);
        while low < high {
            let middle = low + (high - low) / 2;
            let before = self.window.bytes(low, middle);
            let line = memchr::memrchr(b'\n', before).map_or(low, |at| low + at as u64 + 1);
            let newline = memchr::memchr(b'\n', self.window.bytes(middle, shown));
            let next = newline.map_or(ceiling, |at| middle + at as u64 + 1);
            let order = loop {
                let bytes = self.window.bytes(line, ceiling);
                if let Some(there) = line_key(bytes, line)? {
                    break (*there).cmp(key);
                }
                let end = self.window.end();
                if end >= ceiling {
                    return Err(ReadFault::corrupt(line, "this line ends in its key"));
                }
                let to = (end + LARGEST_PROBE).min(ceiling);
                self.window.show(file, floor, to)?;
            };
            match order {
                Ordering::Less => low = next,
                Ordering::Equal => return Ok(Spot { at: line, end: Some(next) }),
                Ordering::Greater => (high, place) = (line, line),
            }
        }
        Ok(Spot { at: place, end: None })
    }
}

/// The encoded value in a line's content, checked.
fn value_text(content: &[u8]) -> Result<&str, Fault> {
    let (_, text) = snapshot_line::split(content)?;
    let start = content.len() - text.len();
    let shift = |fault: Fault| Fault { at: start + fault.at, ..fault };
    let mut scanner = Scanner::new(text);
    let in_form = if text.first() == Some(&b'"') {
        scanner.string_into(&mut Nowhere).map_err(shift)?;
        true
    } else {
        let mut same = Same::new(text);
        scanner.wrapped_value(&mut same).map_err(shift)?;
        same.is_whole()
    };
    match str::from_utf8(text) {
        Ok(valid) if in_form && scanner.at() == text.len() => Ok(valid),
        _ => Err(Fault::new(start, "this value is not in canonical form")),
    }
}

/// The first line that starts after the first newline from `from` on, if that is before `ceiling`. Reads its start into
/// the window.
fn line_after(window: &mut Window, file: &dyn DiskFile, mut from: u64, ceiling: u64) -> Result<Option<u64>, ReadFault> {
    let mut length = PROBE;
    while from < ceiling {
        window.show(file, from, (from + length).min(ceiling))?;
        if let Some(at) = memchr::memchr(b'\n', window.bytes(from, ceiling)) {
            return Ok(Some(from + at as u64 + 1).filter(|line| *line < ceiling));
        }
        from = window.end();
        length = (8 * length).min(LARGEST_PROBE);
    }
    Ok(None)
}

/// The key of the line at `line`, which is read into the window as far as needed.
fn probed_key<'w>(
    window: &'w mut Window,
    file: &dyn DiskFile,
    line: u64,
    end: u64,
) -> Result<Cow<'w, [u8]>, ReadFault> {
    let mut length = PROBE;
    if !window.shows(line, line) {
        window.show(file, line, line)?;
    }
    while line_key(window.bytes(line, end), line)?.is_none() {
        if window.shows(line, (line + length).min(end)) {
            if window.end() >= end {
                return Err(ReadFault::corrupt(line, "this line ends in its key"));
            }
            length *= 8;
        }
        window.show(file, line, (line + length).min(end))?;
    }
    Ok(line_key(window.bytes(line, end), line)?.unwrap_or_default())
}

/// The key of the line at `line`, given its first bytes; `None` if they do not include all of it.
fn line_key(bytes: &[u8], line: u64) -> Result<Option<Cow<'_, [u8]>>, ReadFault> {
    let Some(content) = bytes.get(INDENT.len()..) else { return Ok(None) };
    if !bytes.starts_with(INDENT.as_bytes()) {
        return Err(ReadFault::corrupt(line, "expected an indent of four spaces"));
    }
    snapshot_line::key(content).map_err(|fault| ReadFault::within(line + INDENT.len() as u64, fault))
}
