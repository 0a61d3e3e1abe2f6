//! Rows of tables and plain documents: which of their parts become key and value.

use std::borrow::Cow;

use super::record::{Record, RowShape};
use crate::error::cut;
use crate::json::{self, JsonPointer, Scanner};
use crate::shell::text::argument::any_of;
use crate::value::{Json, Value};

/// Makes an entry of a checked document, or says why not.
pub(super) fn record_of(item: String, shape: &RowShape) -> Result<Record, String> {
    let parts = shape.keys.iter().map(|pointer| key_part(&item, pointer));
    let key = parts.collect::<Result<Vec<_>, _>>()?.join(&shape.separator);
    let value = match &shape.value {
        None => item,
        Some(pointer) => json::part(&item, pointer).ok_or_else(|| missing(pointer, "value"))?.to_owned(),
    };
    Ok(Record { key, entry: Value::from(Json::from_checked(value)).into() })
}

fn missing(pointer: &JsonPointer, what: &str) -> String {
    format!("no '{}' for the {what}", cut(&pointer.to_string()))
}

/// The part of a document that goes into its key.
fn key_part<'t>(item: &'t str, pointer: &JsonPointer) -> Result<Cow<'t, str>, String> {
    let part = json::part(item, pointer).ok_or_else(|| missing(pointer, "key"))?;
    match part.as_bytes()[0] {
        b'"' => Scanner::new(part.as_bytes()).string().map_err(|fault| fault.reason),
        b'{' | b'[' | b'n' => {
            let (pointer, kind) = (pointer.to_string(), json::kind_of(part));
            Err(format!("expected text or a number for the key at '{}', found {kind}", cut(&pointer)))
        }
        _ => Ok(part.into()),
    }
}

/// Which column of a table is what.
pub(super) struct Columns {
    pub(super) names: Vec<String>,
    pub(super) keys: Vec<usize>,
    pub(super) separator: String,
    /// None: a JSON object of all columns.
    pub(super) value: Option<usize>,
}

impl Columns {
    /// Of a table whose first line has these fields.
    /// The failure says which field is wrong.
    pub(super) fn new(first: Vec<String>, shape: &RowShape) -> Result<Self, (usize, String)> {
        let names = if shape.no_header { (1..=first.len()).map(|number| number.to_string()).collect() } else { first };
        let repeated = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name));
        if let Some((at, name)) = repeated {
            return Err((at, format!("two columns are named {:?}", cut(name))));
        }
        let column = |pointer: &JsonPointer| column(&names, pointer).map_err(|reason| (0, reason));
        let keys = shape.keys.iter().map(column).collect::<Result<_, _>>()?;
        let value = shape.value.as_ref().map(column).transpose()?;
        Ok(Self { names, keys, separator: shape.separator.clone(), value })
    }

    /// Joins the fields that make up the key.
    pub(super) fn key<'t, E>(&self, field: impl Fn(usize) -> Result<&'t str, E>) -> Result<String, E> {
        Ok(self.keys.iter().map(|&at| field(at)).collect::<Result<Vec<_>, _>>()?.join(&self.separator))
    }

    /// Writes a JSON object of all fields.
    pub(super) fn object<'t, E>(
        &self,
        out: &mut impl json::Sink,
        field: impl Fn(usize) -> Result<&'t str, E>,
    ) -> Result<(), E> {
        for (at, name) in self.names.iter().enumerate() {
            out.push(if at == 0 { '{' } else { ',' });
            json::write_string(out, name);
            out.push(':');
            json::write_string(out, field(at)?);
        }
        out.push_str(if self.names.is_empty() { "{}" } else { "}" });
        Ok(())
    }
}

fn column(names: &[String], pointer: &JsonPointer) -> Result<usize, String> {
    let at = match pointer.tokens() {
        [name] => names.iter().position(|known| known == name),
        _ => None,
    };
    at.ok_or_else(|| {
        let known: Vec<String> = names.iter().map(|name| cut(&JsonPointer::member(name).to_string())).collect();
        format!("no column '{}'; expected {}", cut(&pointer.to_string()), any_of(&known))
    })
}
