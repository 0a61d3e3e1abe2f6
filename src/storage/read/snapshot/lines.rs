//! The lines of a section one after the other, from either end.

use super::window::{CHUNK, ReadFault, Window};
use crate::storage::files::disk::DiskFile;
use crate::storage::format::snapshot_line::{self, MAX_KEY};
use crate::value::Value;

/// How much is read ahead at first, and at most.
const FIRST: u64 = 4 << 10;
const MOST: u64 = CHUNK as u64;

/// No line is longer: every byte of its key and value as an escape of six, and a little.
const LONGEST: u64 = 6 * (MAX_KEY as u64 + Value::MAX_LEN as u64) + 64;

/// The lines of a section, the first one first.
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    file: &'a dyn DiskFile,
    window: Window,
    /// Where the next line begins.
    at: u64,
    /// Where the last line ends that is wanted.
    to: u64,
    /// Where the section ends.
    end: u64,
    ahead: u64,
}

impl<'a> Lines<'a> {
    /// The lines of `from..to` of a section that ends at `end`.
    pub(super) fn new(file: &'a dyn DiskFile, from: u64, to: u64, end: u64) -> Self {
        Self { file, window: Window::default(), at: from, to, end, ahead: FIRST }
    }

    /// Where the next line begins.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// Lets the lines end at `to`.
    pub(super) fn end_at(&mut self, to: u64) {
        self.to = to;
    }

    /// Gives back the memory that a long line has taken.
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

    /// The next line as it is, without its newline.
    pub(super) fn whole(&mut self) -> Result<Option<&[u8]>, ReadFault> {
        let from = self.at;
        if from >= self.to {
            return Ok(None);
        }
        if !self.window.shows(from, from) {
            self.window.show(self.file, from, from)?;
        }
        let mut searched = from;
        let newline = loop {
            if let Some(skip) = memchr::memchr(b'\n', self.window.bytes(searched, self.to)) {
                break searched + skip as u64;
            }
            searched = self.window.end().min(self.to);
            if searched >= self.to || searched - from > LONGEST {
                return Err(ReadFault::damaged(from, "this line does not end where its section ends"));
            }
            // Of a long line little is read in vain.
            let to = (searched + self.ahead.max((searched - from) / 8)).min(self.to);
            self.window.show(self.file, from, to)?;
            self.ahead = (2 * self.ahead).min(MOST);
        };
        self.at = newline + 1;
        Ok(Some(self.window.bytes(from, newline)))
    }
}

/// The lines of a section, the last one first.
#[derive(Debug)]
pub(super) struct LinesBack<'a> {
    file: &'a dyn DiskFile,
    window: Window,
    /// Where the next line, the one before, ends.
    at: u64,
    /// Where the first line begins that is wanted.
    from: u64,
    /// Where the section ends.
    end: u64,
    ahead: u64,
}

impl<'a> LinesBack<'a> {
    pub(super) fn new(file: &'a dyn DiskFile, from: u64, to: u64, end: u64) -> Self {
        Self { file, window: Window::default(), at: to, from, end, ahead: FIRST }
    }

    /// Where the next line ends.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Gives back the memory that a long line has taken.
    pub(super) fn release(&mut self) {
        self.window.release();
    }

    /// Lets the lines begin at `from`.
    pub(super) fn begin_at(&mut self, from: u64) {
        self.from = from;
    }

    /// The content of the line before.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, ReadFault> {
        let to = self.at;
        if to <= self.from {
            return Ok(None);
        }
        // Searched for is the newline of the line before this one.
        let mut searched = to - 1;
        if !self.window.shows(searched, to) {
            searched = to;
            self.window.show(self.file, to, to)?;
        }
        let start = loop {
            let first = self.window.start().max(self.from);
            if let Some(at) = memchr::memrchr(b'\n', self.window.bytes(first, searched)) {
                break first + at as u64 + 1;
            }
            searched = first.min(to - 1);
            if first == self.from && self.window.shows(first, to) {
                break first;
            }
            if to - first > LONGEST {
                return Err(ReadFault::damaged(first, "no line is as long as this"));
            }
            let from = first.saturating_sub(self.ahead.max((to - first) / 8)).max(self.from);
            self.window.show(self.file, from, to)?;
            self.ahead = (2 * self.ahead).min(MOST);
        };
        self.at = start;
        let Some((b'\n', line)) = self.window.bytes(start, to).split_last() else {
            return Err(ReadFault::damaged(start, "this line does not end where its section ends"));
        };
        snapshot_line::content(line, to == self.end).map(Some).map_err(|fault| ReadFault::within(start, fault))
    }
}
