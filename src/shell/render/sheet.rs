//! Tables whose rows come as a stream, in every mode.

use std::borrow::Cow;
use std::io::Write;

use super::human::{MOST, field_cell, footer};
use super::plain::PlainStyle;
use super::table::Table;
use super::{CHUNK, RenderError, RenderOptions, json, plain, style};
use crate::error::Error;
use crate::shell::answer::reply::{Field, Sheet};
use crate::shell::text::argument::OutputMode;
use crate::shell::text::escape;
use crate::storage::write_base64;
use crate::value::Value;

/// Writes the rows as they come. What came before a failure of the source is written.
pub(super) fn write(out: &mut dyn Write, rendering: &RenderOptions, sheet: Sheet<'_>) -> Result<(), RenderError> {
    match (rendering.mode, rendering.terminal) {
        (OutputMode::Csv, _) => csv(out, rendering, sheet),
        (OutputMode::Json | OutputMode::Jsonl, _) => documents(out, rendering, sheet),
        (OutputMode::Plain, false) | (OutputMode::Raw, _) => {
            let form = if rendering.terminal { PlainStyle::Shown } else { PlainStyle::Lines };
            lines(out, sheet, &mut |line, at, field| {
                line.extend_from_slice(if at == 0 { b"" } else { form.gap() });
                plain::push_field(line, form, field);
            })
        }
        (OutputMode::Plain | OutputMode::Table, _) => table(out, rendering, sheet),
    }
}

fn table(out: &mut dyn Write, rendering: &RenderOptions, sheet: Sheet<'_>) -> Result<(), RenderError> {
    let most = if rendering.terminal && !sheet.limited && !rendering.paged { MOST } else { u64::MAX };
    let head: Vec<&str> = sheet.columns.iter().map(|name| &**name).collect();
    let total = Table::new(rendering).stream(out, sheet.rows, most, Some(&head), |table, row| {
        let cell = |(at, field): (usize, &Field)| match field {
            Field::Text(key) if at == 0 => table.cell(key, style::key),
            field => field_cell(table, rendering, field),
        };
        row.iter().enumerate().map(cell).collect()
    })?;
    Ok(footer(out, rendering, total, most)?)
}

/// A row a line, of fields that `push` appends.
fn lines(
    out: &mut dyn Write,
    sheet: Sheet<'_>,
    push: &mut dyn FnMut(&mut Vec<u8>, usize, &Field),
) -> Result<(), RenderError> {
    let mut lines = Vec::with_capacity(2 * CHUNK);
    for row in sheet.rows {
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                out.write_all(&lines)?;
                return Err(error.into());
            }
        };
        for (at, field) in row.iter().enumerate() {
            push(&mut lines, at, field);
        }
        lines.push(b'\n');
        if lines.len() >= CHUNK {
            out.write_all(&lines)?;
            lines.clear();
        }
    }
    Ok(out.write_all(&lines)?)
}

/// A head and a record a row (RFC 4180): what is missing is empty, bytes are base64.
fn csv(out: &mut dyn Write, rendering: &RenderOptions, sheet: Sheet<'_>) -> Result<(), RenderError> {
    let field = |line: &mut Vec<u8>, at: usize, bytes: &[u8]| {
        line.extend_from_slice(if at == 0 { b"" } else { b"," });
        let shown = if rendering.terminal {
            Cow::Owned(escape::terminal_lossy(bytes).into_owned().into_bytes())
        } else {
            Cow::Borrowed(bytes)
        };
        escape::csv(&shown, |part| line.extend_from_slice(part));
    };
    let mut head = Vec::new();
    for (at, name) in sheet.columns.iter().enumerate() {
        field(&mut head, at, name.as_bytes());
    }
    head.push(b'\n');
    out.write_all(&head)?;
    lines(out, sheet, &mut |line, at, value| match value {
        Field::None => line.extend_from_slice(if at == 0 { b"" } else { b"," }),
        Field::Value(Value::Bytes(bytes)) => {
            let mut base64 = String::new();
            write_base64(&mut base64, bytes);
            field(line, at, base64.as_bytes());
        }
        Field::Value(stored) => field(line, at, stored.as_bytes()),
        Field::Text(text) => field(line, at, text.as_bytes()),
        other => {
            let mut text = Vec::new();
            plain::push_field(&mut text, PlainStyle::Exact, other);
            field(line, at, &text);
        }
    })
}

/// An object a row, or what a single column holds: in an array, or a line each.
fn documents(out: &mut dyn Write, rendering: &RenderOptions, sheet: Sheet<'_>) -> Result<(), RenderError> {
    let (open, gap, close) = if rendering.mode == OutputMode::Json { ("[", ",", "]\n") } else { ("", "\n", "") };
    let mut text = String::from(open);
    let (mut is_first, mut is_begun, mut corrupt) = (true, false, None);
    for row in sheet.rows {
        let row = match row {
            Ok(row) => row,
            // All there is was given.
            Err(error @ Error::Corrupt { .. }) => {
                corrupt = Some(error);
                break;
            }
            Err(error) => {
                if is_begun {
                    out.write_all(b"\n")?;
                }
                return Err(error.into());
            }
        };
        text.push_str(if is_first { "" } else { gap });
        is_first = false;
        match &row[..] {
            [only] => json::push_field(&mut text, only),
            row => {
                for (at, (name, field)) in sheet.columns.iter().zip(row).enumerate() {
                    text.push(if at == 0 { '{' } else { ',' });
                    json::push_name(&mut text, name);
                    json::push_field(&mut text, field);
                }
                text.push('}');
            }
        }
        if text.len() >= CHUNK {
            out.write_all(text.as_bytes())?;
            text.clear();
            is_begun = true;
        }
    }
    if rendering.mode == OutputMode::Jsonl && !is_first {
        text.push('\n');
    }
    text.push_str(close);
    out.write_all(text.as_bytes())?;
    corrupt.map_or(Ok(()), |error| Err(error.into()))
}
