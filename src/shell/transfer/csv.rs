//! Comma-separated values with a header (RFC 4180). The columns key, value, type and expires carry everything.
//!
//! An open quote at the end means that the file was cut off, so it is refused, and so is text after a closing quote.

use std::io::{self, BufRead, ErrorKind};

use data_encoding::BASE64;

use super::memory;
use super::record::{FormatError, ImportError, Out, Reading, Record, RecordSink, Source, Unfit};
use super::rows::Columns;
use crate::error::cut;
use crate::expiry::Timestamp;
use crate::json;
use crate::shell::text::escape;
use crate::storage::{Entry, LARGE, write_base64};
use crate::value::{Json, Value};

const OWN: [&str; 4] = ["key", "value", "type", "expires"];

/// A row is held as a whole; one that is longer than any entry can be is refused.
const LONGEST: usize = 3 << 30;

/// The columns of a table; in one of our own, also those of types and expiries.
struct CsvColumns {
    all: Columns,
    kind: Option<usize>,
    expires: Option<usize>,
}

/// A place in the file: a line and a column.
type Position = (u64, u64);

/// The fields of one row, and where they begin in the file.
#[derive(Default)]
struct CsvRow {
    text: Vec<u8>,
    fields: Vec<(usize, Position)>,
}

impl CsvRow {
    fn field(&self, at: usize) -> &[u8] {
        let end = |at: usize| self.fields.get(at).map_or(self.text.len(), |field| field.0);
        &self.text[if at == 0 { 0 } else { end(at - 1) }..end(at)]
    }

    fn fault(&self, at: usize, reason: impl Into<String>) -> ImportError {
        let (line, column) = self.fields.get(at).or(self.fields.last()).map_or((1, 1), |field| field.1);
        FormatError { line, column, reason: reason.into() }.into()
    }

    fn text(&self, at: usize, what: &str) -> Result<&str, ImportError> {
        str::from_utf8(self.field(at)).map_err(|_| self.fault(at, format!("{what} is not UTF-8")))
    }

    /// Takes the next byte of the row; true if it is the last one.
    fn take(&mut self, field: &mut OpenField, byte: u8, place: &FilePlace, delimiter: u8) -> Result<bool, ImportError> {
        match (field.state, byte) {
            (FieldState::Start, b'\n') if place.follows_cr && self.fields.is_empty() => {}
            (FieldState::Start, b'"') => *field = OpenField { state: FieldState::Quoted, begin: place.here },
            (FieldState::Quoted, b'"') => field.state = FieldState::Closed,
            (FieldState::Closed, b'"') => {
                self.text.push(b'"');
                field.state = FieldState::Quoted;
            }
            (FieldState::Quoted, _) => self.text.push(byte),
            (_, byte) if byte == delimiter => {
                memory::reserve(&mut self.fields, 1)?;
                self.fields.push((self.text.len(), field.begin));
                *field = OpenField { state: FieldState::Start, begin: place.next };
            }
            (_, b'\n' | b'\r') => {
                self.close(field);
                return Ok(true);
            }
            (FieldState::Closed, _) => {
                let reason = "something follows the quote that closes the field; a quote inside is written twice";
                return Err(fault_at(place.here, reason));
            }
            (FieldState::Start | FieldState::Bare, _) => {
                self.text.push(byte);
                field.state = FieldState::Bare;
            }
        }
        Ok(false)
    }

    /// Ends the last field, unless the row is empty.
    fn close(&mut self, field: &OpenField) {
        if field.state != FieldState::Start || !self.fields.is_empty() {
            self.fields.push((self.text.len(), field.begin));
        }
    }

    /// Handles the end of the input; false if the row is empty.
    fn end(&mut self, field: &OpenField) -> Result<bool, ImportError> {
        if field.state == FieldState::Quoted {
            return Err(fault_at(field.begin, "the quote opened here is never closed: the file was cut off"));
        }
        self.close(field);
        Ok(!self.fields.is_empty())
    }
}

fn fault_at((line, column): Position, reason: &str) -> ImportError {
    FormatError { line, column, reason: reason.to_owned() }.into()
}

/// How far the file was read.
struct FilePlace {
    /// Of the last byte.
    here: Position,
    /// Of the byte that comes next.
    next: Position,
    /// Whether the last byte came after a CR, and whether it is one: an LF after a CR is a part of the same line end.
    follows_cr: bool,
    is_cr: bool,
}

impl FilePlace {
    /// The beginning of a line.
    fn at_line(line: u64) -> Self {
        Self { here: (line, 1), next: (line, 1), follows_cr: false, is_cr: false }
    }

    fn pass(&mut self, byte: u8) {
        self.here = self.next;
        self.follows_cr = std::mem::replace(&mut self.is_cr, byte == b'\r');
        match byte {
            b'\n' if self.follows_cr => {}
            b'\n' | b'\r' => self.next = (self.here.0 + 1, 1),
            // A continuation byte of a character is not a column.
            0x80..0xc0 => {}
            _ => self.next.1 += 1,
        }
    }
}

/// The field that is being read.
struct OpenField {
    state: FieldState,
    begin: Position,
}

/// Where in a field the reading is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FieldState {
    Start,
    Bare,
    Quoted,
    /// After a quote that closes the field, or is the first of two.
    Closed,
}

/// How the fields of a table are separated, and where it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    delimiter: u8,
    /// The number of its first line.
    line: u64,
}

impl Dialect {
    /// The separator from `--delimiter`, or from a first line `sep=;`, which is removed; refuses a header that suggests
    /// another.
    pub(super) fn of(head: &mut Vec<u8>, chosen: Option<u8>) -> Result<Self, FormatError> {
        let (said, mut line) = (said_separator(head), 1);
        if let Some((_, length)) = said {
            head.drain(..length);
            line = 2;
        }
        let explicit = chosen.or(said.map(|said| said.0));
        let delimiter = explicit.unwrap_or(b',');
        let header = head.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(head.len());
        let count = |separator| shown(&head[header..], separator);
        let other =
            [b',', b';', b'\t', b'|'].into_iter().filter(|&other| other != delimiter).rev().max_by_key(|&c| count(c));
        let (here, there) = (count(delimiter), other.map_or(0, count));
        // A decimal comma occurs as often as a separator of two columns.
        let refuses = if explicit.is_some() || here == 0 { here == 0 && there > 0 } else { there >= here };
        match other {
            Some(other) if refuses => {
                let name =
                    |separator| if separator == b'\t' { "\\t".to_owned() } else { char::from(separator).to_string() };
                let (other, delimiter) = (name(other), name(delimiter));
                let or = if here > 0 { format!(", or with --delimiter '{delimiter}'") } else { String::new() };
                let reason = format!(
                    "the header shows '{other}' as separator, expected '{delimiter}'; import it with --delimiter '{other}'{or}"
                );
                Err(FormatError::of_line(line, reason))
            }
            _ => Ok(Self { delimiter, line }),
        }
    }
}

/// The separator of a first line `sep=;`, quoted or not, and the length of the line.
fn said_separator(head: &[u8]) -> Option<(u8, usize)> {
    let line = head.split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
    let text = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line);
    let separator = match text {
        [name @ .., separator] if name.eq_ignore_ascii_case(b"sep=") => *separator,
        _ => return None,
    };
    let end = &head[line.len()..];
    let end = if end.starts_with(b"\r\n") { 2 } else { end.len().min(1) };
    Some((separator, line.len() + end))
}

/// How often a separator occurs in the first line outside quotes.
fn shown(head: &[u8], separator: u8) -> usize {
    let mut quoted = false;
    let is_bare = |&&byte: &&u8| {
        quoted ^= byte == b'"';
        !quoted
    };
    let mut line = head.iter().filter(is_bare).take_while(|byte| !matches!(byte, b'\r' | b'\n'));
    line.by_ref().filter(|&&byte| byte == separator).count()
}

pub(super) struct CsvReader<R> {
    input: R,
    row: CsvRow,
    place: FilePlace,
    delimiter: u8,
    reading: Reading,
    columns: Option<CsvColumns>,
}

impl<R: BufRead> CsvReader<R> {
    /// A table whose first line in `input` has that number.
    pub(super) fn new(input: R, reading: Reading, Dialect { delimiter, line }: Dialect) -> Self {
        Self { input, row: CsvRow::default(), place: FilePlace::at_line(line), delimiter, reading, columns: None }
    }

    /// Reads the next row that is not empty; false if there is none.
    fn read(&mut self) -> Result<bool, ImportError> {
        loop {
            if !self.read_row()? {
                return Ok(false);
            }
            if !self.row.fields.is_empty() {
                memory::check(&self.row.text)?;
                return Ok(true);
            }
        }
    }

    /// Reads the next row; false at the end. A row without anything, not even an empty field in quotes, has no fields.
    fn read_row(&mut self) -> Result<bool, ImportError> {
        let Self { input, row, place, delimiter, .. } = self;
        row.text.clear();
        row.fields.clear();
        let mut field = OpenField { state: FieldState::Start, begin: place.next };
        loop {
            let buffer = input.fill_buf()?;
            if buffer.is_empty() {
                return row.end(&field);
            }
            memory::reserve(&mut row.text, buffer.len())?;
            let mut used = 0;
            let mut is_whole = false;
            for &byte in buffer {
                used += 1;
                place.pass(byte);
                if row.take(&mut field, byte, place, *delimiter)? {
                    is_whole = true;
                    break;
                }
            }
            input.consume(used);
            if is_whole {
                return Ok(true);
            }
            if row.text.len() > LONGEST {
                return Err(fault_at(field.begin, "a row is longer than 3 GiB"));
            }
        }
    }

    /// A JSON object of the row, in memory that is had at once.
    fn object(&self, columns: &Columns) -> Result<String, ImportError> {
        let mut object = String::new();
        if self.row.text.len() >= LARGE {
            let mut length = json::Length::default();
            columns.object(&mut length, |at| self.row.text(at, "a value"))?;
            object.try_reserve_exact(length.0).map_err(|_| io::Error::from(ErrorKind::OutOfMemory))?;
        }
        columns.object(&mut object, |at| self.row.text(at, "a value"))?;
        Ok(object)
    }

    /// The columns that the row says there are, which is the first.
    fn header(&self) -> Result<CsvColumns, ImportError> {
        let row = &self.row;
        let names = (0..row.fields.len()).map(|at| row.text(at, "the name of a column").map(str::to_owned));
        let shape = &self.reading.rows;
        let mut all =
            Columns::new(names.collect::<Result<_, _>>()?, shape).map_err(|(at, reason)| row.fault(at, reason))?;
        let is_own = all.keys.is_empty() && all.value.is_none() && all.names.iter().all(|name| OWN.contains(&&**name));
        let find = |name: &str| all.names.iter().position(|there| there == name);
        let own = |name: &str| if is_own { find(name) } else { None };
        let (kind, expires, value) = (own("type"), own("expires"), own("value"));
        let key = find("key").unwrap_or(0);
        if all.keys.is_empty() {
            all.keys.push(key);
        }
        all.value = all.value.or(value);
        Ok(CsvColumns { all, kind, expires })
    }
}

impl<R: BufRead> Source for CsvReader<R> {
    fn next(&mut self) -> Result<Option<Record>, ImportError> {
        if !self.read()? {
            return Ok(None);
        }
        if self.columns.is_none() {
            self.columns = Some(self.header()?);
            if !self.reading.rows.no_header && !self.read()? {
                return Ok(None);
            }
        }
        let (Some(columns), row) = (&self.columns, &self.row) else { return Ok(None) };
        let expected = columns.all.names.len();
        if row.fields.len() != expected {
            let first = if self.reading.rows.no_header { "first row" } else { "header" };
            let reason = format!("the {first} has {expected} columns, this row {}", row.fields.len());
            return Err(row.fault(0, reason));
        }
        let key = columns.all.key(|at| row.text(at, "the key"))?;
        let kind = columns.kind.map_or(Ok(""), |at| row.text(at, "the type"))?;
        let value = match (columns.all.value, kind) {
            (None, _) => Value::Json(Json::from_checked(self.object(&columns.all)?)),
            (Some(at), "" | "text") => Value::from_bytes(row.field(at).to_vec()),
            (Some(at), "json") => Value::from_json(row.text(at, "the value")?)
                .map_err(|error| row.fault(at, format!("the value: {error}")))?,
            (Some(at), "binary") => BASE64
                .decode(row.field(at))
                .map(Value::Bytes)
                .map_err(|error| row.fault(at, format!("the value is not base64: {error}")))?,
            (Some(_), kind) => {
                let reason = format!("unknown type {:?}; there are text, json and binary", cut(kind));
                return Err(row.fault(columns.kind.unwrap_or(0), reason));
            }
        };
        let expiry = match columns.expires {
            Some(at) if !row.field(at).is_empty() => {
                let parsed = row.text(at, "the expiry")?.parse::<Timestamp>();
                Some(parsed.map_err(|error| row.fault(at, error.to_string()))?)
            }
            _ => None,
        };
        Ok(Some(Record { key, entry: Entry { value, expiry } }))
    }

    fn last_line(&self) -> u64 {
        self.row.fields.first().map_or(0, |field| field.1.0)
    }

    fn release(&mut self) {
        self.row.text = Vec::new();
    }
}

pub(super) struct CsvWriter;

impl RecordSink for CsvWriter {
    fn begin(&mut self, out: &mut Out<'_>) {
        out.bytes(OWN.join(",").as_bytes());
        out.byte(b'\n');
    }

    fn put(&mut self, key: &str, entry: &Entry, out: &mut Out<'_>) -> Result<(), Unfit> {
        field(out, key.as_bytes());
        out.byte(b',');
        match &entry.value {
            Value::Bytes(bytes) => write_base64(out, bytes),
            value => field(out, value.as_bytes()),
        }
        out.byte(b',');
        out.bytes(entry.value.kind().as_bytes());
        out.byte(b',');
        if let Some(expiry) = entry.expiry {
            out.bytes(expiry.to_string().as_bytes());
        }
        out.byte(b'\n');
        Ok(())
    }
}

pub(super) fn field(out: &mut Out<'_>, bytes: &[u8]) {
    escape::csv(bytes, |part| out.bytes(part));
}
