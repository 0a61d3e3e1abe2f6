//! The lines of a file, numbered; without their ends, and without a BOM.

use std::io::{self, BufRead};

/// A line is held as a whole; one that is longer than the largest value can be in any form is refused.
const LONGEST: usize = 3 << 30;

pub(super) struct Numbered<R> {
    input: R,
    line: Vec<u8>,
    number: u64,
}

impl<R: BufRead> Numbered<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, line: Vec::new(), number: 0 }
    }

    /// The number of the last line.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The next line and its number, from 1.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, &[u8])>> {
        self.line.clear();
        let limit = LONGEST as u64;
        if io::Read::take(&mut self.input, limit).read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        if self.line.len() >= LONGEST {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "a line is longer than 3 GiB"));
        }
        self.number += 1;
        let mut line = &self.line[..];
        line = line.strip_suffix(b"\n").unwrap_or(line);
        line = line.strip_suffix(b"\r").unwrap_or(line);
        if self.number == 1 {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        Ok(Some((self.number, line)))
    }
}

impl<R> Numbered<R> {
    /// Gives back the memory of the last line.
    pub(super) fn release(&mut self) {
        self.line = Vec::new();
    }
}
