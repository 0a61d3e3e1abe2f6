//! Comma-separated values with a header (RFC 4180). The columns key, value, type and expires carry everything.

use std::io::BufRead;

use csv::{ByteRecord, Reader, ReaderBuilder};
use data_encoding::BASE64;

use super::{Fault, Loss, Reading, Record, Sink, Source, Trouble};
use crate::expiry::Timestamp;
use crate::json;
use crate::storage::Entry;
use crate::value::{Json, Value};

const OWN: [&str; 4] = ["key", "value", "type", "expires"];

/// Which column is what.
struct Columns {
    names: Vec<String>,
    key: usize,
    /// None: a JSON object of all columns.
    value: Option<usize>,
    kind: Option<usize>,
    expires: Option<usize>,
}

pub(super) struct Table<R> {
    rows: Reader<R>,
    row: ByteRecord,
    reading: Reading,
    columns: Option<Columns>,
}

impl<R: BufRead> Table<R> {
    pub(super) fn new(input: R, reading: Reading) -> Self {
        let rows = ReaderBuilder::new().has_headers(false).from_reader(input);
        Self { rows, row: ByteRecord::new(), reading, columns: None }
    }

    /// The next row and its line.
    fn read(&mut self) -> Result<Option<u64>, Trouble> {
        let line = self.rows.position().line();
        match self.rows.read_byte_record(&mut self.row) {
            Ok(false) => Ok(None),
            Ok(true) => Ok(Some(self.row.position().map_or(line, csv::Position::line))),
            Err(error) => Err(trouble(error, line)),
        }
    }

    fn header(&mut self) -> Result<Option<Columns>, Trouble> {
        let Some(line) = self.read()? else { return Ok(None) };
        let fault = |reason: String| Trouble::from(Fault::of_line(line, reason));
        let mut names: Vec<String> = Vec::new();
        for name in &self.row {
            let name = if names.is_empty() { name.strip_prefix(b"\xef\xbb\xbf").unwrap_or(name) } else { name };
            let name = str::from_utf8(name).map_err(|_| fault("the name of a column is not UTF-8".to_owned()))?;
            if names.iter().any(|there| there == name) {
                return Err(fault(format!("two columns are named {:?}", crate::error::cut(name))));
            }
            names.push(name.to_owned());
        }
        let find = |name: &str| names.iter().position(|there| there == name);
        let chosen = |name: &Option<String>| match name {
            None => Ok(None),
            Some(name) => find(name).map(Some).ok_or_else(|| {
                let there = names.iter().map(|name| crate::error::cut(name)).collect::<Vec<_>>().join(", ");
                fault(format!("there is no column {:?}; there are {there}", crate::error::cut(name)))
            }),
        };
        let (key, value) = (chosen(&self.reading.key_column)?, chosen(&self.reading.value_column)?);
        let is_own = key.is_none() && value.is_none() && names.iter().all(|name| OWN.contains(&name.as_str()));
        let own = |name: &str| if is_own { find(name) } else { None };
        let (kind, expires) = (own("type"), own("expires"));
        let value = if self.reading.value_column.is_some() { value } else { own("value") };
        let key = key.or_else(|| find("key")).unwrap_or(0);
        Ok(Some(Columns { key, value, kind, expires, names }))
    }
}

impl<R: BufRead> Source for Table<R> {
    fn next(&mut self) -> Result<Option<Record>, Trouble> {
        if self.columns.is_none() {
            self.columns = self.header()?;
        }
        let Some(line) = self.read()? else { return Ok(None) };
        let Some(columns) = &self.columns else { return Ok(None) };
        let fault = |reason: String| Trouble::from(Fault::of_line(line, reason));
        let text = |at: usize, what: &str| {
            let field = self.row.get(at).unwrap_or_default();
            str::from_utf8(field).map_err(|_| fault(format!("{what} is not UTF-8")))
        };
        let key = text(columns.key, "the key")?.to_owned();
        let kind = columns.kind.map_or(Ok(""), |at| text(at, "the type"))?;
        let value = match (columns.value, kind) {
            (None, _) => {
                let mut object = String::from("{");
                for (at, name) in columns.names.iter().enumerate() {
                    object.push_str(if at == 0 { "" } else { "," });
                    json::write_string(&mut object, name);
                    object.push(':');
                    json::write_string(&mut object, text(at, "a value")?);
                }
                object.push('}');
                Value::Json(Json::from_checked(object))
            }
            (Some(at), "" | "text") => Value::from_bytes(self.row.get(at).unwrap_or_default().to_vec()),
            (Some(at), "json") => {
                Value::from_json(text(at, "the value")?).map_err(|error| fault(format!("the value: {error}")))?
            }
            (Some(at), "binary") => BASE64
                .decode(self.row.get(at).unwrap_or_default())
                .map(Value::from_bytes)
                .map_err(|error| fault(format!("the value is not base64: {error}")))?,
            (Some(_), kind) => {
                let kind = crate::error::cut(kind);
                return Err(fault(format!("unknown type {kind:?}; there are text, json and binary")));
            }
        };
        let deadline = match columns.expires.map_or(Ok(""), |at| text(at, "the deadline"))? {
            "" => None,
            text => Some(text.parse::<Timestamp>().map_err(|error| fault(error.to_string()))?),
        };
        Ok(Some(Record { key, entry: Entry { value, deadline } }))
    }
}

fn trouble(error: csv::Error, line: u64) -> Trouble {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => Trouble::Input(error),
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = pos.map_or(line, |pos| pos.line());
            Fault::of_line(line, format!("the header has {expected_len} columns, this row {len}")).into()
        }
        kind => Fault::of_line(line, format!("{kind:?}")).into(),
    }
}

pub(super) struct Writer;

impl Sink for Writer {
    fn begin(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(OWN.join(",").as_bytes());
        out.push(b'\n');
    }

    fn put(&mut self, key: &str, entry: &Entry, out: &mut Vec<u8>) -> Result<Loss, String> {
        field(out, key.as_bytes());
        out.push(b',');
        match &entry.value {
            Value::Bytes(bytes) => out.extend_from_slice(BASE64.encode(bytes).as_bytes()),
            value => field(out, value.as_bytes()),
        }
        out.push(b',');
        out.extend_from_slice(entry.value.kind().as_bytes());
        out.push(b',');
        if let Some(deadline) = entry.deadline {
            out.extend_from_slice(deadline.to_string().as_bytes());
        }
        out.push(b'\n');
        Ok(Loss::default())
    }
}

/// Quoted where it must be, and where a spreadsheet would otherwise change it.
fn field(out: &mut Vec<u8>, bytes: &[u8]) {
    let plain = |byte: &u8| !matches!(byte, b'"' | b',' | b'\r' | b'\n');
    let is_edge = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_whitespace);
    if bytes.iter().all(plain) && !is_edge(bytes.first()) && !is_edge(bytes.last()) && !bytes.starts_with(b"\xef") {
        out.extend_from_slice(bytes);
        return;
    }
    out.push(b'"');
    for &byte in bytes {
        out.extend_from_slice(if byte == b'"' { b"\"\"" } else { std::slice::from_ref(&byte) });
    }
    out.push(b'"');
}
