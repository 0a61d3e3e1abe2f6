//! The lines of a file, numbered, without their ends.

use std::io::{self, BufRead, Read};

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
        let length = if self.at_cr { self.read_to_any_end()? } else { self.read_to_lf()? };
        if length == 0 {
            return Ok(None);
        }
        if self.line.len() >= LONGEST {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "a line is longer than 3 GiB"));
        }
        self.number += 1;
        let mut line = &self.line[..];
        line = line.strip_suffix(b"\n").unwrap_or(line);
        line = line.strip_suffix(b"\r").unwrap_or(line);
        Ok(Some((self.number, line)))
    }

    fn read_to_lf(&mut self) -> io::Result<usize> {
        Read::take(&mut self.input, LONGEST as u64).read_until(b'\n', &mut self.line)
    }

    fn read_to_any_end(&mut self) -> io::Result<usize> {
        loop {
            let buffer = self.input.fill_buf()?;
            let end = memchr::memchr2(b'\n', b'\r', buffer);
            let taken = end.map_or(buffer.len(), |end| end + 1);
            self.after_cr = end.is_some_and(|end| buffer[end] == b'\r');
            self.line.extend_from_slice(&buffer[..taken]);
            self.input.consume(taken);
            if taken == 0 || end.is_some() || self.line.len() >= LONGEST {
                return Ok(self.line.len());
            }
        }
    }
}

impl<R> Numbered<R> {
    /// Gives back the memory of the last line.
    pub(super) fn release(&mut self) {
        self.line = Vec::new();
    }
}
