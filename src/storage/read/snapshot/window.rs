//! A part of a file in memory, and the faults of reading it.

use std::io;
use std::path::Path;

use crate::error::Error;
use crate::json::Fault;
use crate::storage::files::disk::DiskFile;

/// Why a snapshot in canonical form could not be read.
#[derive(Debug)]
pub(crate) enum ReadFault {
    /// The read failed.
    Io(io::Error),
    /// The bytes are not what they must be.
    Corrupt {
        /// Offset in bytes from the file's start.
        at: u64,
        /// What is wrong, without the place.
        reason: String,
    },
}

impl ReadFault {
    pub(super) fn corrupt(at: u64, reason: &str) -> Self {
        Self::Corrupt { at, reason: reason.to_owned() }
    }

    /// A fault in the bytes that start at `start`.
    pub(super) fn within(start: u64, fault: Fault) -> Self {
        Self::Corrupt { at: start + fault.at as u64, reason: fault.reason }
    }

    /// The error for a fault in the file at `path`; line and column are counted in `file`.
    pub(crate) fn error(self, path: &Path, file: &dyn DiskFile) -> Error {
        let path = path.to_owned();
        let (at, reason) = match self {
            Self::Io(source) => return Error::Open { path, source },
            Self::Corrupt { at, reason } => (at, reason),
        };
        match place(file, at) {
            Ok((line, column)) => Error::Unreadable { path, line, column, syntax: true, reason },
            Err(source) => Error::Open { path, source },
        }
    }
}

impl From<io::Error> for ReadFault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Line and column of an offset, both from 1. The column counts characters, or bytes if the line is not UTF-8 or is
/// longer than a chunk.
fn place(file: &dyn DiskFile, at: u64) -> io::Result<(u64, u64)> {
    let mut chunk = vec![0; CHUNK];
    let (mut line, mut line_start, mut from) = (1, 0, 0);
    while from < at {
        let wanted = size(at - from).min(CHUNK);
        let read = file.read_at(&mut chunk[..wanted], from)?;
        for newline in memchr::memchr_iter(b'\n', &chunk[..read]) {
            line += 1;
            line_start = from + newline as u64 + 1;
        }
        from += read as u64;
        if read < wanted {
            break;
        }
    }
    let before = size(at.saturating_sub(line_start));
    if before > CHUNK {
        return Ok((line, before as u64 + 1));
    }
    let read = file.read_at(&mut chunk[..before], line_start)?;
    let column = std::str::from_utf8(&chunk[..read]).map_or(read, |text| text.chars().count());
    Ok((line, column as u64 + 1))
}

/// How much is read at a time.
pub(super) const CHUNK: usize = 256 << 10;

/// A length as a size in memory.
pub(super) fn size(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

/// A part of a file in memory. Its buffer is reused for the next part.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// Longer than the part in it, so that it need not be cleared each time.
    buffer: Vec<u8>,
    start: u64,
    filled: usize,
}

impl Window {
    /// Moves the window to `from..to`. Does not read again what it already holds.
    pub(super) fn show(&mut self, file: &dyn DiskFile, from: u64, to: u64) -> Result<(), ReadFault> {
        let (mut kept_from, mut kept_to) = (from.max(self.start), to.min(self.end()));
        let length = size(to.saturating_sub(from));
        if length > self.buffer.len() {
            self.buffer
                .try_reserve_exact(length - self.buffer.len())
                .map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
            self.buffer.resize(length, 0);
        }
        if kept_from < kept_to {
            let start = size(kept_from - self.start);
            self.buffer.copy_within(start..start + size(kept_to - kept_from), size(kept_from - from));
        } else {
            (kept_from, kept_to) = (to, to);
        }
        self.filled = 0;
        fill(file, &mut self.buffer[..size(kept_from - from)], from)?;
        fill(file, &mut self.buffer[size(kept_to - from)..length], kept_to)?;
        (self.start, self.filled) = (from, length);
        if length <= CHUNK {
            self.release();
        }
        Ok(())
    }

    /// Frees the memory that a long line took: short ones do not need it.
    pub(super) fn release(&mut self) {
        if self.is_large() {
            self.filled = self.filled.min(CHUNK);
            self.buffer.truncate(CHUNK);
            self.buffer.shrink_to_fit();
        }
    }

    /// Whether a long line made it larger than short ones need.
    pub(super) fn is_large(&self) -> bool {
        self.buffer.len() > 4 * CHUNK
    }

    /// Takes the bytes of `from..to` in the window out of it, with their memory.
    pub(super) fn take(&mut self, from: u64, to: u64) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.buffer);
        bytes.truncate(size(to.saturating_sub(self.start)).min(self.filled));
        bytes.drain(..size(from.saturating_sub(self.start)).min(bytes.len()));
        self.filled = 0;
        bytes
    }

    pub(super) fn start(&self) -> u64 {
        self.start
    }

    pub(super) fn end(&self) -> u64 {
        self.start + self.filled as u64
    }

    /// Whether the window holds all of `from..to`.
    pub(super) fn shows(&self, from: u64, to: u64) -> bool {
        self.start <= from && to <= self.end()
    }

    /// The bytes of `from..to` in the window; `from` must be in it.
    pub(super) fn bytes(&self, from: u64, to: u64) -> &[u8] {
        let to = size(to.saturating_sub(self.start)).min(self.filled);
        let from = size(from.saturating_sub(self.start)).min(to);
        &self.buffer[from..to]
    }
}

/// Fills the buffer; a file that ends before it is full is corrupt.
pub(super) fn fill(file: &dyn DiskFile, buffer: &mut [u8], at: u64) -> Result<(), ReadFault> {
    if buffer.is_empty() {
        return Ok(());
    }
    let read = file.read_at(buffer, at)?;
    if read < buffer.len() {
        return Err(ReadFault::corrupt(at + read as u64, "the file is shorter than expected"));
    }
    Ok(())
}
