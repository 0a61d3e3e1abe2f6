//! Plain documents and tables, for programs that know nothing of keys: the key is a member or a column like the others.

use std::borrow::Cow;

use super::csv;
use super::record::{Out, RecordSink, Unfit};
use crate::error::cut;
use crate::json::{self, JsonPointer, Scanner};
use crate::shell::text::escape;
use crate::storage::Entry;
use crate::value::Value;

/// Writes one JSON object for each entry: its value with the key as one member more.
pub(super) struct DocumentWriter {
    /// The name of the key's member.
    name: String,
    key: JsonPointer,
    /// Whether they are items of one array, or lines.
    is_array: bool,
    any: bool,
}

impl DocumentWriter {
    pub(super) fn new(name: String, is_array: bool) -> Self {
        Self { key: JsonPointer::member(&name), name, is_array, any: false }
    }

    /// Whether an object has the key in it already; it must not have anything else there.
    fn has_key(&self, object: &str, key: &str) -> Result<bool, Unfit> {
        let Some(part) = json::part(object, &self.key) else { return Ok(false) };
        let text = Scanner::new(part.as_bytes()).string().unwrap_or(Cow::Borrowed(part));
        if text == key {
            return Ok(true);
        }
        let reason = format!(
            "its member {:?} holds something else; choose another name with --key, or --lossy to leave it out",
            cut(&self.name)
        );
        Err(Unfit::entry(reason))
    }
}

impl RecordSink for DocumentWriter {
    fn begin(&mut self, out: &mut Out<'_>) {
        if self.is_array {
            out.byte(b'[');
        }
    }

    fn put(&mut self, key: &str, entry: &Entry, out: &mut Out<'_>) -> Result<(), Unfit> {
        Unfit::if_it_is_bytes(entry)?;
        Unfit::if_it_expires(entry)?;
        let object = match &entry.value {
            Value::Json(json) if json.as_str().starts_with('{') => Some(json.as_str()),
            _ if self.name == "value" => {
                return Err(Unfit::entry("its value becomes the member \"value\"; choose another name with --key"));
            }
            _ => None,
        };
        let has_key = object.map_or(Ok(false), |object| self.has_key(object, key))?;
        out.bytes(match (self.is_array, self.any) {
            (false, _) => b"",
            (true, false) => b"\n  ",
            (true, true) => b",\n  ",
        });
        self.any = true;
        match object {
            Some(object) if has_key => out.bytes(object.as_bytes()),
            _ => {
                out.byte(b'{');
                json::write_string(out, &self.name);
                out.byte(b':');
                json::write_string(out, key);
                out.bytes(if object == Some("{}") { b"" } else { b"," });
                match (object, &entry.value) {
                    (Some(object), _) => out.bytes(&object.as_bytes()[1..]),
                    (None, value) => {
                        out.bytes(b"\"value\":");
                        match value {
                            Value::Text(text) => json::write_string(out, text),
                            value => out.bytes(value.as_bytes()),
                        }
                        out.byte(b'}');
                    }
                }
            }
        }
        if !self.is_array {
            out.byte(b'\n');
        }
        Ok(())
    }

    fn end(&mut self, out: &mut Out<'_>) {
        if self.is_array {
            out.bytes(if self.any { b"\n]\n" } else { b"]\n" });
        }
    }
}

/// A column of a table that is written.
#[derive(Clone, Debug)]
pub(crate) struct WrittenColumn {
    pub(crate) name: String,
    pub(crate) pointer: JsonPointer,
}

/// Writes a table with the key and some parts of each value.
pub(super) struct TableWriter {
    /// The name of the key's column.
    key: String,
    columns: Vec<WrittenColumn>,
    is_tsv: bool,
}

impl TableWriter {
    pub(super) fn new(key: String, columns: Vec<WrittenColumn>, is_tsv: bool) -> Self {
        Self { key, columns, is_tsv }
    }

    fn field(&self, bytes: &[u8], out: &mut Out<'_>) {
        if self.is_tsv { escape::tsv(out, bytes) } else { csv::field(out, bytes) }
    }

    fn separate(&self, out: &mut Out<'_>) {
        out.byte(if self.is_tsv { b'\t' } else { b',' });
    }
}

impl RecordSink for TableWriter {
    fn begin(&mut self, out: &mut Out<'_>) {
        self.field(self.key.as_bytes(), out);
        for column in &self.columns {
            self.separate(out);
            self.field(column.name.as_bytes(), out);
        }
        out.byte(b'\n');
    }

    fn put(&mut self, key: &str, entry: &Entry, out: &mut Out<'_>) -> Result<(), Unfit> {
        self.field(key.as_bytes(), out);
        for column in &self.columns {
            self.separate(out);
            let part = match &entry.value {
                Value::Json(json) => json::part(json.as_str(), &column.pointer).filter(|part| *part != "null"),
                _ => None,
            };
            match (part, &entry.value) {
                (Some(part), _) => {
                    let text = Scanner::new(part.as_bytes()).string().unwrap_or(Cow::Borrowed(part));
                    self.field(text.as_bytes(), out);
                }
                // The whole of a value that has no parts.
                (None, value @ (Value::Text(_) | Value::Bytes(_))) if column.pointer.is_whole() => {
                    self.field(value.as_bytes(), out);
                }
                _ => {}
            }
        }
        out.byte(b'\n');
        Ok(())
    }
}
