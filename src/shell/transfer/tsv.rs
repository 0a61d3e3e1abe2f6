//! Key, tab, value: what `list` prints into a pipe, and `skate list`; or a table with more columns.

use std::io::BufRead;

use super::lines::Numbered;
use super::record::{FormatError, ImportError, Out, Record, RecordSink, RowShape, Source, Unfit};
use super::rows::Columns;
use crate::shell::text::escape;
use crate::storage::Entry;
use crate::value::{Json, Value};

pub(super) struct Pairs<R> {
    lines: Numbered<R>,
}

impl<R: BufRead> Pairs<R> {
    pub(super) fn new(input: R) -> Self {
        Self { lines: Numbered::at_any_end(input) }
    }
}

impl<R: BufRead> Source for Pairs<R> {
    fn next(&mut self) -> Result<Option<Record>, ImportError> {
        while let Some((number, line)) = self.lines.next()? {
            if line.is_empty() {
                continue;
            }
            let fault = |reason: &str| ImportError::from(FormatError::of_line(number, reason));
            let tab = memchr::memchr(b'\t', line).ok_or_else(|| fault("there is no tab between key and value"))?;
            let length = line.len();
            check(number, line)?;
            let mut key = line[..tab].to_vec();
            escape::untsv(&mut key);
            let key = String::from_utf8(key).map_err(|_| fault("the key is not UTF-8"))?;
            let mut value = self.lines.take(tab + 1..length);
            escape::untsv(&mut value);
            value.shrink_to_fit();
            let value = Value::from_bytes(value);
            return Ok(Some(Record { key, entry: Entry { value, expiry: None } }));
        }
        Ok(None)
    }

    fn last_line(&self) -> u64 {
        self.lines.number()
    }

    fn release(&mut self) {
        self.lines.release();
    }
}

/// Checks the escapes of a line.
fn check(number: u64, line: &[u8]) -> Result<(), FormatError> {
    let reason = "unknown escape; expected \\t \\n \\r \\0 \\\\ and \\xHH";
    let mut before = 0;
    for field in line.split(|&byte| byte == b'\t') {
        escape::check_tsv(field).map_err(|at| FormatError::in_line(number, line, before + at, reason))?;
        before += field.len() + 1;
    }
    Ok(())
}

/// The rows of a table whose first line names its columns.
pub(super) struct TsvTable<R> {
    lines: Numbered<R>,
    shape: RowShape,
    columns: Option<Columns>,
}

impl<R: BufRead> TsvTable<R> {
    pub(super) fn new(input: R, shape: RowShape) -> Self {
        Self { lines: Numbered::at_any_end(input), shape, columns: None }
    }
}

impl<R: BufRead> Source for TsvTable<R> {
    fn next(&mut self) -> Result<Option<Record>, ImportError> {
        while let Some((number, line)) = self.lines.next()? {
            if line.is_empty() {
                continue;
            }
            check(number, line)?;
            let fault = |reason: String| ImportError::from(FormatError::of_line(number, reason));
            let fields = line.split(|&byte| byte == b'\t').map(|field| {
                let mut field = field.to_vec();
                escape::untsv(&mut field);
                field
            });
            let mut fields: Vec<Vec<u8>> = fields.collect();
            let text = |field: &[u8]| {
                str::from_utf8(field).map(str::to_owned).map_err(|_| fault("a field is not UTF-8".to_owned()))
            };
            let columns = match &self.columns {
                Some(columns) => columns,
                None => {
                    let first = fields.iter().map(|field| text(field)).collect::<Result<_, _>>()?;
                    let mut columns = Columns::new(first, &self.shape).map_err(|(_, reason)| fault(reason))?;
                    if columns.keys.is_empty() {
                        columns.keys.push(0);
                    }
                    let columns = self.columns.insert(columns);
                    if !self.shape.no_header {
                        continue;
                    }
                    columns
                }
            };
            let expected = columns.names.len();
            if fields.len() != expected {
                return Err(fault(format!("the first line has {expected} columns, this one {}", fields.len())));
            }
            let field = |at: usize| str::from_utf8(&fields[at]).map_err(|_| fault("a field is not UTF-8".to_owned()));
            let key = columns.key(field)?;
            let value = match columns.value {
                None => {
                    let mut object = String::new();
                    columns.object(&mut object, field)?;
                    Value::Json(Json::from_checked(object))
                }
                Some(at) => Value::from_bytes(std::mem::take(&mut fields[at])),
            };
            return Ok(Some(Record { key, entry: value.into() }));
        }
        Ok(None)
    }

    fn last_line(&self) -> u64 {
        self.lines.number()
    }

    fn release(&mut self) {
        self.lines.release();
    }
}

pub(super) struct TsvWriter;

impl RecordSink for TsvWriter {
    fn put(&mut self, key: &str, entry: &Entry, out: &mut Out<'_>) -> Result<(), Unfit> {
        Unfit::if_it_expires(entry)?;
        Unfit::if_it_is_json(entry)?;
        // At the start of a file it would be skipped.
        let rest = key.strip_prefix('\u{feff}').inspect(|_| out.bytes(b"\\xef\\xbb\\xbf"));
        escape::tsv(out, rest.unwrap_or(key).as_bytes());
        out.byte(b'\t');
        escape::tsv(out, entry.value.as_bytes());
        out.byte(b'\n');
        Ok(())
    }
}
