//! One JSON object a line: the form that carries everything.

use std::io::BufRead;

use super::lines::Numbered;
use super::record::{FormatError, ImportError, Out, Record, RecordSink, Source, Unfit};
use crate::expiry::Timestamp;
use crate::json::{self, Scanner};
use crate::storage::{Entry, decode_base64_in_place, write_base64};
use crate::value::{Json, Value};

pub(super) struct JsonlReader<R> {
    lines: Numbered<R>,
}

impl<R: BufRead> JsonlReader<R> {
    pub(super) fn new(input: R) -> Self {
        Self { lines: Numbered::new(input) }
    }
}

impl<R: BufRead> Source for JsonlReader<R> {
    fn next(&mut self) -> Result<Option<Record>, ImportError> {
        while let Some((number, line)) = self.lines.next()? {
            if line.trim_ascii().is_empty() {
                continue;
            }
            return match read(line) {
                Ok(record) => Ok(Some(record)),
                Err(fault) => Err(FormatError::of_json(&fault, line, number, 1).into()),
            };
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

fn read(line: &[u8]) -> Result<Record, json::Fault> {
    let (mut key, mut value, mut kind, mut expires) = (None, None, None, None);
    let mut scanner = Scanner::new(line);
    scanner.object("a line is an object: {\"key\":…,\"value\":…}", |scanner, at, name| {
        let twice = match &*name {
            "key" => key.replace(scanner.string()?.into_owned()).is_some(),
            "value" => {
                scanner.peek();
                let start = scanner.at();
                let read = if scanner.peek() == Some(b'"') {
                    Value::Text(scanner.string()?.into_owned())
                } else {
                    let mut text = String::new();
                    scanner.value(&mut text)?;
                    Value::Json(Json::from_checked(text))
                };
                value.replace((start, read)).is_some()
            }
            "type" => kind.replace((at, scanner.string()?.into_owned())).is_some(),
            "expires" if scanner.peek() == Some(b'n') => {
                scanner.value(&mut String::new())?;
                false
            }
            "expires" => {
                let text = scanner.string()?;
                let expiry = text.parse::<Timestamp>().map_err(|error| json::Fault::shape(at, error.to_string()))?;
                expires.replace(expiry).is_some()
            }
            _ => return Err(json::Fault::shape(at, format!("unknown member {:?}", crate::error::cut(&name)))),
        };
        if twice { Err(json::duplicate(at, "member", &name)) } else { Ok(()) }
    })?;
    scanner.end()?;
    let missing = |what: &str| json::Fault::shape(0, format!("the line has no {what:?}"));
    let key = key.ok_or_else(|| missing("key"))?;
    let (at, value) = value.ok_or_else(|| missing("value"))?;
    let value = match (kind.as_ref().map(|(at, kind)| (at, kind.as_str())), value) {
        (None, value) | (Some((_, "text")), value @ Value::Text(_)) | (Some((_, "json")), value @ Value::Json(_)) => {
            value
        }
        (Some((_, "binary")), Value::Text(text)) => {
            let mut bytes = text.into_bytes();
            if !decode_base64_in_place(&mut bytes) {
                return Err(json::Fault::shape(at, "not base64"));
            }
            Value::Bytes(bytes)
        }
        (Some((_, kind @ ("text" | "json" | "binary"))), _) => {
            return Err(json::Fault::shape(at, format!("the value is not of the type {kind:?}")));
        }
        (Some((at, kind)), _) => {
            let kind = crate::error::cut(kind);
            return Err(json::Fault::shape(*at, format!("unknown type {kind:?}; expected text, json or binary")));
        }
    };
    Ok(Record { key, entry: Entry { value, expiry: expires } })
}

pub(super) struct JsonlWriter;

impl RecordSink for JsonlWriter {
    fn put(&mut self, key: &str, entry: &Entry, out: &mut Out<'_>) -> Result<(), Unfit> {
        out.bytes(b"{\"key\":");
        json::write_string(out, key);
        out.bytes(b",\"value\":");
        match &entry.value {
            Value::Text(text) => json::write_string(out, text),
            Value::Json(json) => out.bytes(json.as_str().as_bytes()),
            Value::Bytes(bytes) => {
                out.byte(b'"');
                write_base64(out, bytes);
                out.byte(b'"');
            }
        }
        out.bytes(b",\"type\":\"");
        out.bytes(entry.value.kind().as_bytes());
        out.byte(b'"');
        if let Some(expiry) = entry.expiry {
            out.bytes(format!(",\"expires\":\"{expiry}\"").as_bytes());
        }
        out.bytes(b"}\n");
        Ok(())
    }
}
