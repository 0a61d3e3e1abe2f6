//! The lines of a section in order, from either end.

use super::window::{CHUNK, ReadFault, Window};
use crate::storage::files::disk::DiskFile;
use crate::storage::format::snapshot_line::{self, MAX_KEY};
use crate::value::Value;

/// The read-ahead size, at first and at most.
const FIRST: u64 = 4 << 10;
const MOST: u64 = CHUNK as u64;

/// No line is longer: every byte of key and value as an escape of six, plus the frame.
const LONGEST: u64 = 6 * (MAX_KEY as u64 + Value::MAX_LEN as u64) + 64;

/// The lines of a section, from the first one on, or ([`Lines::back`]) from the last one.
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    file: &'a dyn DiskFile,
    window: Window,
    /// Where the next line starts or, from the back, ends.
    at: u64,
    /// Where the last wanted line ends or, from the back, the first one starts.
    limit: u64,
    /// Where the section ends.
    end: u64,
    ahead: u64,
}

impl<'a> Lines<'a> {
    /// The lines of `from..to` of a section that ends at `end`.
    pub(super) fn new(file: &'a dyn DiskFile, from: u64, to: u64, end: u64) -> Self {
        Self { file, window: Window::default(), at: from, limit: to, end, ahead: FIRST }
    }

    /// The same lines from the back.
    pub(super) fn back(file: &'a dyn DiskFile, from: u64, to: u64, end: u64) -> Self {
        Self { at: to, limit: from, ..Self::new(file, from, to, end) }
    }

    /// Where the next line starts or, from the back, ends.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// Moves the place where the lines end or, from the back, start.
    pub(super) fn limit_to(&mut self, limit: u64) {
        self.limit = limit;
    }

    /// Frees the memory that a long line took.
    pub(super) fn release(&mut self) {
        self.window.release();
    }

    /// The content of the next line.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>, ReadFault> {
        let (at, end) = (self.at, self.end);
        let Some(line) = self.whole()? else { return Ok(None) };
        let last = at + line.len() as u64 + 1 == end;
        snapshot_line::content(line, last).map(Some).map_err(|fault| ReadFault::within(at, fault))
    }

    /// The next line in full, without its newline.
    pub(super) fn whole(&mut self) -> Result<Option<&[u8]>, ReadFault> {
        let from = self.at;
        if from >= self.limit {
            return Ok(None);
        }
        if !self.window.shows(from, from) {
            self.window.show(self.file, from, from)?;
        }
        let mut searched = from;
        let newline = loop {
            if let Some(skip) = memchr::memchr(b'\n', self.window.bytes(searched, self.limit)) {
                break searched + skip as u64;
            }
            searched = self.window.end().min(self.limit);
            if searched >= self.limit || searched - from > LONGEST {
                return Err(ReadFault::corrupt(from, "this line does not end where its section ends"));
            }
            // Avoids reading far past the end of a long line.
            let to = (searched + self.ahead.max((searched - from) / 8)).min(self.limit);
            self.window.show(self.file, from, to)?;
            self.ahead = (2 * self.ahead).min(MOST);
        };
        self.at = newline + 1;
        Ok(Some(self.window.bytes(from, newline)))
    }

    /// The content of the previous line.
    pub(super) fn next_back(&mut self) -> Result<Option<&[u8]>, ReadFault> {
        let to = self.at;
        if to <= self.limit {
            return Ok(None);
        }
        // Looks for the newline of the previous line.
        let mut searched = to - 1;
        if !self.window.shows(searched, to) {
            searched = to;
            self.window.show(self.file, to, to)?;
        }
        let start = loop {
            let first = self.window.start().max(self.limit);
            if let Some(at) = memchr::memrchr(b'\n', self.window.bytes(first, searched)) {
                break first + at as u64 + 1;
            }
            searched = first.min(to - 1);
            if first == self.limit && self.window.shows(first, to) {
                break first;
            }
            if to - first > LONGEST {
                return Err(ReadFault::corrupt(first, "this line is too long"));
            }
            let from = first.saturating_sub(self.ahead.max((to - first) / 8)).max(self.limit);
            self.window.show(self.file, from, to)?;
            self.ahead = (2 * self.ahead).min(MOST);
        };
        self.at = start;
        let Some((b'\n', line)) = self.window.bytes(start, to).split_last() else {
            return Err(ReadFault::corrupt(start, "this line does not end where its section ends"));
        };
        snapshot_line::content(line, to == self.end).map(Some).map_err(|fault| ReadFault::within(start, fault))
    }
}
