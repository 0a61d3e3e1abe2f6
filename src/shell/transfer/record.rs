//! What goes through: entries, what reads and what writes them, and why that may end.

use std::io::{self, Write};

use crate::expiry::Timestamp;
use crate::json;
use crate::shell::text::argument::Flatten;
use crate::storage::Entry;
use crate::value::Value;

/// One key and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) key: String,
    pub(crate) entry: Entry,
}

/// What JSON with comments or trailing commas is, and the way out.
pub(super) const JSONC: &str = "comments and trailing commas are JSONC, expected JSON; \
    convert it: npx json5 FILE | rusty-kv import - --format json";

/// How a file is read.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    /// Takes nested JSON objects apart.
    pub(crate) flatten: Option<Flatten>,
    /// The column of the keys; `key`, or else the first.
    pub(crate) key_column: Option<String>,
    /// The column of the values; `value`, or else a JSON object of all columns but the key's.
    pub(crate) value_column: Option<String>,
    /// What separates the columns.
    pub(crate) delimiter: Option<u8>,
    /// The time that relative expiries count from.
    pub(crate) now: Timestamp,
}

/// Why a file cannot be read any further.
#[derive(Debug)]
pub(crate) enum ImportError {
    Input(io::Error),
    Fault(FormatError),
}

impl From<io::Error> for ImportError {
    fn from(error: io::Error) -> Self {
        Self::Input(error)
    }
}

impl From<FormatError> for ImportError {
    fn from(fault: FormatError) -> Self {
        Self::Fault(fault)
    }
}

/// What is wrong with a file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FormatError {
    /// From 1.
    pub(crate) line: u64,
    /// In characters, from 1.
    pub(crate) column: u64,
    pub(crate) reason: String,
}

impl FormatError {
    /// A fault of a whole line.
    pub(super) fn of_line(line: u64, reason: impl Into<String>) -> Self {
        Self { line, column: 1, reason: reason.into() }
    }

    /// A fault at a byte of a line.
    pub(super) fn in_line(line: u64, text: &[u8], at: usize, reason: impl Into<String>) -> Self {
        let before = String::from_utf8_lossy(&text[..at.min(text.len())]);
        Self { line, column: before.chars().count() as u64 + 1, reason: reason.into() }
    }

    /// A fault of JSON that begins at that line and column of the file.
    pub(super) fn of_json(fault: &crate::json::Fault, text: &[u8], line: u64, column: u64) -> Self {
        let (in_line, in_column) = fault.place(text);
        let column = if in_line == 1 { column + in_column - 1 } else { in_column };
        let rest = text.get(fault.at..).unwrap_or_default();
        let reason = if rest.starts_with(b"//") || rest.starts_with(b"/*") || fault.reason.starts_with("trailing comma")
        {
            let what = if rest.starts_with(b"/") { "unexpected '/'" } else { "trailing comma" };
            format!("{what}: {JSONC}")
        } else {
            fault.reason.clone()
        };
        Self { line: line + in_line - 1, column, reason }
    }
}

/// Gives the records of a file in their order.
pub(crate) trait Source {
    fn next(&mut self) -> Result<Option<Record>, ImportError>;
    /// The line that the last one began on.
    fn last_line(&self) -> u64;
    /// What is wrong with a file that has a key twice, where that is no matter of which one counts.
    fn repeats(&self, _key: &str) -> Option<String> {
        None
    }
    /// Gives back the memory that a long one was read into.
    fn release(&mut self) {}
}

/// What of an entry a format cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The entry as a whole.
    Entry,
    Expiry,
    /// That it is JSON: it would come back as text.
    Type,
}

/// Why an entry cannot go into a file as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unfit {
    pub(crate) what: What,
    pub(crate) reason: String,
}

impl Unfit {
    pub(super) fn entry(reason: impl Into<String>) -> Self {
        Self { what: What::Entry, reason: reason.into() }
    }

    /// For a format without expiries.
    pub(super) fn if_it_expires(entry: &Entry) -> Result<(), Self> {
        let reason = "it has an expiry, which this format cannot hold; use jsonl or csv, or --lossy to leave it out";
        if entry.expiry.is_some() { Err(Self { what: What::Expiry, reason: reason.to_owned() }) } else { Ok(()) }
    }

    /// For a format that knows text only.
    pub(super) fn if_it_is_json(entry: &Entry) -> Result<(), Self> {
        let reason = "it is JSON, which this format would turn into text; use jsonl or csv, or --lossy to accept that";
        let is_json = matches!(entry.value, Value::Json(_));
        if is_json { Err(Self { what: What::Type, reason: reason.to_owned() }) } else { Ok(()) }
    }
}

/// Makes a file of records.
pub(crate) trait RecordSink {
    /// Writes what comes before all records.
    fn begin(&mut self, _out: &mut Out<'_>) {}
    /// Writes one, or nothing if the format cannot hold all of it.
    fn put(&mut self, key: &str, entry: &Entry, out: &mut Out<'_>) -> Result<(), Unfit>;
    /// Writes what comes after all records.
    fn end(&mut self, _out: &mut Out<'_>) {}
}

/// A file that is written piece by piece, so that no large value is ever held in its written form. After an error it takes
/// what comes and writes nothing.
pub(crate) struct Out<'w> {
    to: &'w mut dyn Write,
    piece: Vec<u8>,
    result: io::Result<()>,
}

impl<'w> Out<'w> {
    /// About this many bytes are written at once.
    const PIECE: usize = 64 << 10;

    pub(crate) fn new(to: &'w mut dyn Write) -> Self {
        Self { to, piece: Vec::with_capacity(Self::PIECE), result: Ok(()) }
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        if self.piece.len() + bytes.len() > Self::PIECE {
            self.flush();
        }
        if bytes.len() > Self::PIECE {
            self.write(bytes);
        } else {
            self.piece.extend_from_slice(bytes);
        }
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.bytes(&[byte]);
    }

    /// Writes what is held.
    fn flush(&mut self) {
        let mut piece = std::mem::take(&mut self.piece);
        self.write(&piece);
        piece.clear();
        self.piece = piece;
    }

    fn write(&mut self, bytes: &[u8]) {
        if self.result.is_ok() {
            self.result = self.to.write_all(bytes);
        }
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.result.is_err()
    }

    /// Writes the rest, and says whether all of it could be written.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.flush();
        self.result
    }
}

impl json::Sink for Out<'_> {
    fn push(&mut self, c: char) {
        self.push_str(c.encode_utf8(&mut [0; 4]));
    }

    fn push_str(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }
}
