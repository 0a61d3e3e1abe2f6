//! The lines of a file, numbered, without their ends.

use std::io::{self, BufRead};
use std::ops::Range;

use super::memory;
use crate::storage::LARGE;

/// A line is held as a whole; one that is longer than the largest value can be in any form is refused.
const LONGEST: usize = 3 << 30;

pub(super) struct Numbered<R> {
    input: R,
    line: Vec<u8>,
    number: u64,
    /// Whether a CR alone ends a line.
    at_cr: bool,
    /// Whether the last line has ended in a CR, so that an LF may follow that is a part of its end.
    after_cr: bool,
}

impl<R: BufRead> Numbered<R> {
    /// Lines that end in LF or CR LF.
    pub(super) fn new(input: R) -> Self {
        Self { input, line: Vec::new(), number: 0, at_cr: false, after_cr: false }
    }

    /// Lines that may also end in CR.
    pub(super) fn at_any_end(input: R) -> Self {
        Self { at_cr: true, ..Self::new(input) }
    }

    /// The number of the last line.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Whether the last line has ended in a CR alone.
    pub(super) fn has_ended_in_cr(&mut self) -> io::Result<bool> {
        Ok(self.after_cr && self.input.fill_buf()?.first() != Some(&b'\n'))
    }

    /// The next line and its number, from 1.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, &[u8])>> {
        self.line.clear();
        if self.after_cr && self.input.fill_buf()?.first() == Some(&b'\n') {
            self.input.consume(1);
        }
        self.after_cr = false;
        self.read()?;
        if self.line.is_empty() {
            return Ok(None);
        }
        if self.line.len() >= LONGEST {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "a line is longer than 3 GiB"));
        }
        if self.line.len() >= LARGE {
            self.line.shrink_to_fit();
        }
        memory::check(&self.line)?;
        self.number += 1;
        let mut line = &self.line[..];
        line = line.strip_suffix(b"\n").unwrap_or(line);
        line = line.strip_suffix(b"\r").unwrap_or(line);
        Ok(Some((self.number, line)))
    }

    fn read(&mut self) -> io::Result<()> {
        loop {
            let buffer = match self.input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                buffer => buffer?,
            };
            let cr = if self.at_cr { b'\r' } else { b'\n' };
            let end = memchr::memchr2(b'\n', cr, buffer);
            let taken = end.map_or(buffer.len(), |end| end + 1);
            self.after_cr = end.is_some_and(|end| buffer[end] == b'\r');
            memory::reserve(&mut self.line, taken)?;
            self.line.extend_from_slice(&buffer[..taken]);
            self.input.consume(taken);
            if taken == 0 || end.is_some() || self.line.len() >= LONGEST {
                return Ok(());
            }
        }
    }
}

impl<R> Numbered<R> {
    /// Gives back the memory of the last line.
    pub(super) fn release(&mut self) {
        self.line = Vec::new();
    }

    /// A part of the last line, to be changed: in the memory of the line if it is large.
    pub(super) fn take(&mut self, part: Range<usize>) -> Vec<u8> {
        if part.len() < LARGE {
            return self.line[part].to_vec();
        }
        let mut line = std::mem::take(&mut self.line);
        line.truncate(part.end);
        line.drain(..part.start);
        line
    }
}
