//! Writes a snapshot in canonical form as a stream, and computes its layout on the way.

use std::io;

use super::fault::FoldFault;
use crate::json;
use crate::storage::files::disk::DiskFile;
use crate::storage::format::layout::{BETWEEN, CLOSE, END, HEAD, Layout, Section, line_hash};
use crate::storage::format::snapshot_line::INDENT;
use crate::storage::read::layers::LayerEntry;
use crate::storage::read::snapshot::index::ReadFault;

/// The bytes of a line besides its content: indent, comma, newline.
const FRAME: u64 = INDENT.len() as u64 + 2;

/// A snapshot that is being written. Its layout starts as that of the old snapshot, whose untouched lines are kept
/// without reading them; each line that is added or removed is accounted for.
#[derive(Debug)]
pub(super) struct SnapshotWriter<'a> {
    out: BufferedFile<'a>,
    layout: Layout,
    section: Section,
    /// Where the section's lines start.
    start: u64,
    /// Whether a line of the section has been written.
    begun: bool,
    /// How many lines the section will have, and their length including frames.
    lines: u64,
    bytes: u64,
    /// Whether a line with an expiry was added to the map.
    expiries: bool,
    content: String,
}

impl<'a> SnapshotWriter<'a> {
    /// `old` is the layout of the part of the old snapshot that is kept; empty if none is.
    pub(super) fn new(out: &'a dyn DiskFile, old: Layout) -> Self {
        Self {
            out: BufferedFile::new(out),
            layout: old,
            section: Section::Map,
            start: 0,
            begun: false,
            lines: 0,
            bytes: 0,
            expiries: false,
            content: String::new(),
        }
    }

    pub(super) fn begin(&mut self, section: Section) -> io::Result<()> {
        let ((from, to), lines) = match section {
            Section::Expires => (self.layout.expires, self.layout.expiring),
            _ => (self.layout.map, self.layout.count),
        };
        self.section = section;
        self.begun = false;
        self.lines = lines;
        // The last line has no comma.
        self.bytes = if from < to { (to - from).saturating_add(1) } else { 0 };
        if section == Section::Map {
            self.out.push(HEAD)?;
        }
        self.start = self.out.position();
        Ok(())
    }

    /// Whether the expiries need any work after the map has been written.
    pub(super) fn has_expiries(&self) -> bool {
        self.expiries || self.layout.expiring > 0
    }

    /// Writes what precedes a line's indent.
    fn separate(&mut self) -> io::Result<()> {
        if self.begun {
            return self.out.push(b",\n");
        }
        self.begun = true;
        self.out.push(if self.section == Section::Expires { BETWEEN } else { b"\n" })?;
        self.start = self.out.position();
        Ok(())
    }

    /// Copies a line of the old snapshot.
    pub(super) fn keep(&mut self, content: &[u8]) -> io::Result<()> {
        self.separate()?;
        self.out.push(INDENT.as_bytes())?;
        self.out.push(content)
    }

    /// Copies whole lines of the old snapshot; the last line of its section ends at `end`.
    pub(super) fn keep_range(&mut self, old: &dyn DiskFile, from: u64, to: u64, end: u64) -> Result<(), FoldFault> {
        if from == to {
            return Ok(());
        }
        let tail = if to == end { "\n" } else { ",\n" };
        let to = to.checked_sub(tail.len() as u64).filter(|to| from < *to);
        let to = to.ok_or(FoldFault::Inconsistent("its keys are not sorted"))?;
        self.separate()?;
        self.out.copy(old, from, to)
    }

    /// Accounts for a line of the old snapshot that is dropped.
    pub(super) fn remove(&mut self, content: &[u8]) -> Result<(), FoldFault> {
        let fault = FoldFault::Inconsistent("it has more lines than expected");
        let left = self.lines.checked_sub(1).zip(self.bytes.checked_sub(content.len() as u64 + FRAME));
        (self.lines, self.bytes) = left.ok_or(fault)?;
        self.layout.hash = self.layout.hash.wrapping_sub(line_hash(self.section, content));
        Ok(())
    }

    /// Adds the line that a change leads to in this section, if any.
    pub(super) fn add(&mut self, change: LayerEntry<'_>) -> io::Result<()> {
        let Some(text) = change.text else { return Ok(()) };
        self.content.clear();
        // Check that there is memory for a large value; this is the maximum, even if every character of the key is
        // escaped.
        let most = text.len() + 6 * change.key.len() + "\"\": ".len();
        self.content.try_reserve_exact(most).map_err(|_| io::ErrorKind::OutOfMemory)?;
        json::write_string(&mut self.content, change.key);
        self.content.push_str(": ");
        match (self.section, change.expiry) {
            (Section::Expires, None) => return Ok(()),
            (Section::Expires, Some(expiry)) => {
                json::write_string(&mut self.content, &expiry.to_string());
            }
            (_, expiry) => {
                self.expiries |= expiry.is_some();
                self.content.push_str(text);
            }
        }
        self.separate()?;
        self.lines += 1;
        self.bytes += self.content.len() as u64 + FRAME;
        self.layout.hash = self.layout.hash.wrapping_add(line_hash(self.section, self.content.as_bytes()));
        self.out.push(INDENT.as_bytes())?;
        self.out.push(self.content.as_bytes())
    }

    pub(super) fn end(&mut self) -> Result<(), FoldFault> {
        if self.begun {
            self.out.push(b"\n")?;
        }
        let range = (self.start, self.out.position());
        if range.1 - range.0 + u64::from(self.begun) != self.bytes || self.begun != (self.lines > 0) {
            return Err(FoldFault::Inconsistent("its lines have unexpected lengths"));
        }
        match (self.section, self.begun) {
            (_, true) => self.out.push(CLOSE)?,
            (Section::Expires, false) => {}
            _ => self.out.push(b"}")?,
        }
        if self.section == Section::Expires {
            (self.layout.expires, self.layout.expiring) = (range, self.lines);
        } else {
            (self.layout.map, self.layout.count) = (range, self.lines);
        }
        self.layout.rest = self.out.position();
        Ok(())
    }

    /// Copies the text after the sections from the old snapshot.
    pub(super) fn keep_rest(&mut self, old: &dyn DiskFile, from: u64, to: u64) -> Result<(), FoldFault> {
        self.out.copy(old, from, to)
    }

    /// Writes the text after the sections from memory.
    pub(super) fn add_rest(&mut self, foreign: &[(String, String)]) -> io::Result<()> {
        self.content.clear();
        for (name, value) in foreign {
            self.content.push_str(",\n  ");
            json::write_string(&mut self.content, name);
            self.content.push_str(": ");
            self.content.push_str(value);
        }
        self.content.push_str("\n}\n");
        self.layout.hash = self.layout.hash.wrapping_add(line_hash(Section::Rest, self.content.as_bytes()));
        self.out.push(self.content.as_bytes())
    }

    /// The layout of the new snapshot, after checking the length of the file.
    pub(super) fn finish(mut self) -> Result<Layout, FoldFault> {
        self.out.flush()?;
        self.layout.length = self.out.position();
        let mut end = [0; END.len() + 1];
        let read = self.out.file.read_at(&mut end, self.layout.length - END.len() as u64)?;
        if end[..read] != *END {
            return Err(FoldFault::Inconsistent("its end is not where it was expected"));
        }
        Ok(self.layout)
    }
}

/// Buffered writing to the file. Dropping it writes nothing.
#[derive(Debug)]
struct BufferedFile<'a> {
    file: &'a dyn DiskFile,
    buffer: Vec<u8>,
    /// How many bytes have been written to the file.
    written: u64,
}

const BUFFER: usize = 256 << 10;

/// A range shorter than this goes through the buffer: copying from file to file takes two more calls.
const SHORT: u64 = 32 << 10;

impl<'a> BufferedFile<'a> {
    fn new(file: &'a dyn DiskFile) -> Self {
        Self { file, buffer: Vec::with_capacity(BUFFER), written: 0 }
    }

    fn position(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.buffer.len() + bytes.len() > BUFFER {
            self.flush()?;
        }
        if bytes.len() > BUFFER {
            self.file.append(bytes)?;
            self.written += bytes.len() as u64;
        } else {
            self.buffer.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn copy(&mut self, old: &dyn DiskFile, start: u64, end: u64) -> Result<(), FoldFault> {
        let len = end.saturating_sub(start);
        match usize::try_from(len) {
            Ok(short) if len <= SHORT => {
                if self.buffer.len() + short > BUFFER {
                    self.flush()?;
                }
                let at = self.buffer.len();
                self.buffer.resize(at + short, 0);
                read_exact_at(old, &mut self.buffer[at..], start)
            }
            _ => {
                self.flush()?;
                self.file.append_from(old, start, end)?;
                self.written += len;
                Ok(())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.buffer.is_empty() {
            self.file.append(&self.buffer)?;
            self.written += self.buffer.len() as u64;
            self.buffer.clear();
        }
        Ok(())
    }
}

/// Fills the buffer from the old snapshot.
pub(super) fn read_exact_at(old: &dyn DiskFile, buffer: &mut [u8], at: u64) -> Result<(), FoldFault> {
    let read = old.read_at(buffer, at).map_err(ReadFault::Io)?;
    if read < buffer.len() { Err(FoldFault::Inconsistent("it is shorter than expected")) } else { Ok(()) }
}
