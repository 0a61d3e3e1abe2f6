//! Answers for a person: confirmations, aligned tables with a count below, sizes and time spans in words.
//!
//! Of what was stored everything that could act on a terminal is shown escaped, in tables a newline and a tab too: what a
//! value does to the screen is never the value's to say. One value alone, help and the like keep their own line ends.

use std::io::{self, Write};
use std::time::Duration;

use unicode_width::UnicodeWidthStr as _;

use super::style::{self, Style};
use super::table::{Cell, Table, cut, size};
use super::{RenderError, RenderOptions, done, plain, pretty};
use crate::database::Event;
use crate::error::Error;
use crate::expiry::format_duration;
use crate::shell::answer::done::Done;
use crate::shell::answer::reply::{Field, Listing, Reply, Show};
use crate::shell::text::escape;
use crate::storage::Entry;
use crate::value::Value;

/// So many entries are shown on a terminal to who has not said how many.
const MOST: u64 = 100;

/// Writes an answer.
pub(super) fn reply(out: &mut dyn Write, rendering: &RenderOptions, reply: Reply<'_>) -> Result<(), RenderError> {
    match reply {
        Reply::Done(done) => done_or_not(out, rendering, &done)?,
        Reply::Value(one) => value(out, rendering, &one)?,
        Reply::Line(line) => writeln!(out, "{}", escape::terminal_lossy(line.as_bytes()))?,
        Reply::Values(values) => {
            let found = values.into_iter().filter_map(|(key, value)| Some(Ok((key, Entry::from(value?)))));
            table(out, rendering, found, Show::Entries, u64::MAX)?;
        }
        Reply::Number(number) => writeln!(out, "{}", style::number(rendering.color, &number.to_string()))?,
        Reply::TimeLeft(left) => {
            let (text, style) = span(left);
            writeln!(out, "{}", style(rendering.color, &text))?;
        }
        Reply::Listing(listing) => list(out, rendering, listing)?,
        Reply::Record(facts) => record(out, rendering, &facts)?,
        Reply::Rows { columns, rows } => {
            let rows: Vec<Vec<&Field>> = rows.iter().map(|row| row.iter().collect()).collect();
            table_of_facts(out, rendering, &columns, &rows)?;
        }
        Reply::Text(text) => {
            let mut lines = Vec::new();
            plain::push_text(&mut lines, rendering.terminal, &text);
            out.write_all(&lines)?;
        }
        Reply::Events(events) => {
            if rendering.terminal && !rendering.quiet {
                writeln!(out, "{}", style::faint(rendering.color, &cut(&events.title, rendering.room())))?;
                out.flush()?;
            }
            return super::events(out, events, &mut |line, key, event| push_event(line, rendering, key, event));
        }
        Reply::Pieces(_) | Reply::Changes(_) | Reply::Outputs(_) => {}
    }
    Ok(())
}

/// An event in a row of its own: it cannot wait for those that it would be aligned with.
fn push_event(line: &mut String, rendering: &RenderOptions, key: &str, event: &Event) {
    let mut table = Table::new(rendering);
    let name = |name| table.cell(name, style::faint);
    let key = || table.cell(key, style::key);
    let row = match event {
        Event::Set(entry) => {
            let until = entry.expiry.map(|expiry| table.cell(&format!("until {expiry}"), style::faint));
            let value = value_cell(&table, rendering, &entry.value);
            [name("set    "), key(), value].into_iter().chain(until).collect()
        }
        Event::Deleted => vec![name("del    "), key()],
        Event::Expired => vec![name("expired"), key()],
    };
    table.push(row);
    let mut bytes = Vec::new();
    // Writing to a Vec cannot fail.
    let _ = table.write(&mut bytes);
    line.push_str(&String::from_utf8_lossy(&bytes));
}

/// What was made or found, if it is data; else what was done.
fn done_or_not(out: &mut dyn Write, rendering: &RenderOptions, done: &Done) -> io::Result<()> {
    match done::value(done) {
        Some(made) => value(out, rendering, &made),
        None if rendering.quiet => Ok(()),
        None => done::sentence(done).map_or(Ok(()), |sentence| writeln!(out, "{}", escape::terminal(&sentence))),
    }
}

fn value(out: &mut dyn Write, rendering: &RenderOptions, value: &Value) -> io::Result<()> {
    match value {
        Value::Text(text) => writeln!(out, "{}", escape::terminal_lines(text.as_bytes())),
        Value::Json(json) => pretty::json(out, rendering.color, rendering.room(), json.as_str()),
        Value::Bytes(bytes) => writeln!(out, "{}", style::faint(rendering.color, &binary(bytes))),
    }
}

/// A listing and, on a terminal, how many there are and how to see the rest.
fn list(out: &mut dyn Write, rendering: &RenderOptions, listing: Listing<'_>) -> Result<(), RenderError> {
    let most = if rendering.terminal && !listing.limited && !rendering.paged { MOST } else { u64::MAX };
    let total = table(out, rendering, listing.entries, listing.show, most)?;
    if !rendering.terminal || (rendering.quiet && total <= most) {
        return Ok(());
    }
    let footer = match total {
        0 => "no keys".to_owned(),
        1 => "1 key".to_owned(),
        _ if total > most => {
            let more = format!("… {} more of {} (--limit N", grouped(total - most), grouped(total));
            let long = format!("{more}, or pipe it)");
            if long.width() <= rendering.room() { long } else { more + ")" }
        }
        _ => format!("{} keys", grouped(total)),
    };
    Ok(writeln!(out, "{}", style::faint(rendering.color, &cut(&footer, rendering.room())))?)
}

/// Writes the first `most` entries as a table and returns how many there are. The rest is counted, not held. What came
/// before a failure of the source is written.
fn table(
    out: &mut dyn Write,
    rendering: &RenderOptions,
    entries: impl Iterator<Item = Result<(String, Entry), Error>>,
    show: Show,
    most: u64,
) -> Result<u64, RenderError> {
    let mut table = Table::new(rendering);
    let mut total = 0;
    for entry in entries {
        let (key, entry) = match entry {
            Ok(entry) => entry,
            Err(error) => {
                table.write(out)?;
                return Err(error.into());
            }
        };
        total += 1;
        if total > most {
            continue;
        }
        if total == 1 && show == Show::Entries {
            table.push(vec![table.head("key"), table.head("value")]);
        }
        let key = || table.cell(&key, style::key);
        let value = || value_cell(&table, rendering, &entry.value);
        let row = match show {
            Show::Keys => vec![key()],
            Show::Entries => vec![key(), value()],
            Show::Values => vec![value()],
        };
        table.push(row);
        if table.is_full() || total == most {
            table.write(out)?;
        }
    }
    table.write(out)?;
    Ok(total)
}

/// Facts under each other, then those of several rows under their names. They are not cut: who asks for a path wants all
/// of it.
fn record(out: &mut dyn Write, rendering: &RenderOptions, facts: &[(&'static str, Field)]) -> io::Result<()> {
    let name_width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let mut table = Table::whole(rendering);
    for (name, fact) in facts.iter().filter(|(_, fact)| !matches!(fact, Field::Rows(_))) {
        let fact = match fact {
            Field::Beginning(text) => {
                table.cell(&cut(text, rendering.room().saturating_sub(name_width + 2)), style::plain)
            }
            fact => field_cell(&table, rendering, fact),
        };
        table.push(vec![table.cell(&name.replace('_', " "), style::heading), fact]);
    }
    table.write(out)?;
    for (name, fact) in facts {
        let Field::Rows(rows) = fact else { continue };
        let Some(first) = rows.first() else { continue };
        writeln!(out, "\n{}", style::heading(rendering.color, name))?;
        let columns: Vec<&'static str> = first.iter().map(|(name, _)| *name).collect();
        let rows: Vec<Vec<&Field>> = rows.iter().map(|row| row.iter().map(|(_, field)| field).collect()).collect();
        table_of_facts(out, rendering, &columns, &rows)?;
    }
    Ok(())
}

/// Facts in columns, those of numbers at the right; a mark needs no head. What is wrong with a row stands below in full,
/// behind what the row begins with.
fn table_of_facts(
    out: &mut dyn Write,
    rendering: &RenderOptions,
    columns: &[&'static str],
    rows: &[Vec<&Field>],
) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let at_right = |field: &Field| {
        matches!(field, Field::Number(_) | Field::Bytes(_) | Field::Exact(_) | Field::Bar(_) | Field::Unknown)
    };
    let column = |at: usize| rows.iter().filter_map(move |row| row.get(at).copied());
    let shown: Vec<usize> =
        (0..columns.len()).filter(|&at| !column(at).any(|field| matches!(field, Field::Fault(_)))).collect();
    let most =
        rows.iter().flatten().filter_map(|field| if let Field::Bar(number) = field { Some(*number) } else { None });
    let most = most.max().unwrap_or_default();
    let mut table = Table::new(rendering);
    let head = shown.iter().map(|&at| {
        let is_mark = column(at).any(|field| matches!(field, Field::Flag(_)));
        let name = if is_mark { String::new() } else { columns[at].replace('_', " ") };
        table.head(&name).at_right(column(at).any(at_right))
    });
    let head = head.collect();
    table.push(head);
    for row in rows {
        let mut cells: Vec<Cell> = Vec::new();
        for field in shown.iter().filter_map(|&at| row.get(at)) {
            cells.push(field_cell(&table, rendering, field).at_right(at_right(field)));
            if let Field::Bar(number) = field {
                cells.push(table.cell(&bar(*number, most, rendering.room()), style::number));
            }
        }
        table.push(cells);
        if table.is_full() {
            table.write(out)?;
        }
    }
    table.write(out)?;
    for row in rows {
        if let (Some(Field::Text(name)), Some(Field::Fault(Some(fault)))) = (row.first(), row.last()) {
            let line = format!("{}: {}", escape::terminal(name), escape::terminal(fault));
            writeln!(out, "{}", style::error(rendering.color, &line))?;
        }
    }
    Ok(())
}

/// A bar in eighths of a column; whatever is more than nothing can be seen.
fn bar(number: u64, most: u64, room: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let longest = if room == usize::MAX { 30 } else { (room * 2 / 5).clamp(4, 40) } as u128 * 8;
    let length = (u128::from(number) * longest).div_ceil(u128::from(most.max(1)));
    let length = usize::try_from(length).unwrap_or_default();
    "█".repeat(length / 8) + EIGHTHS[length % 8]
}

fn value_cell(table: &Table, rendering: &RenderOptions, value: &Value) -> Cell {
    match value {
        Value::Text(text) => table.cell(text, style::plain).of_size(text.len()),
        Value::Json(json) => table.cell(json.as_str(), style::plain).of_size(json.as_str().len()),
        Value::Bytes(bytes) if rendering.terminal => table.cell(&binary(bytes), style::faint),
        Value::Bytes(bytes) => Cell::of_bytes(bytes, style::plain),
    }
}

fn field_cell(table: &Table, rendering: &RenderOptions, field: &Field) -> Cell {
    match field {
        Field::None => table.cell("none", style::faint),
        Field::Number(number) | Field::Bar(number) => table.cell(&grouped(*number), style::number),
        Field::Unknown => table.cell("?", style::faint),
        Field::Flag(flag) => table.cell(if *flag { "*" } else { "" }, style::number),
        Field::Moment(_, ago) => table.cell(&format!("{} ago", coarse(*ago)), style::plain),
        Field::Fault(fault) => table.cell(fault.as_deref().unwrap_or_default(), style::error),
        Field::Rows(rows) => table.cell(&grouped(rows.len() as u64), style::number),
        Field::Bytes(bytes) => table.cell(&size(*bytes), style::number),
        Field::Exact(number) => table.cell(number, style::number),
        Field::Span(left) => {
            let (text, style) = span(Some(*left));
            table.cell(&text, style)
        }
        Field::Text(text) | Field::Beginning(text) => table.cell(text, style::plain),
        Field::Keys(keys) => table.cell(&keys.join(", "), style::key),
        Field::Value(value) => value_cell(table, rendering, value),
    }
}

fn span(left: Option<Duration>) -> (String, Style) {
    left.map_or(("none".to_owned(), style::faint as Style), |left| (format_duration(left), style::number))
}

/// A time span in its largest unit.
fn coarse(span: Duration) -> String {
    let seconds = span.as_secs();
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let unit = units.into_iter().find(|(length, _)| seconds >= *length).unwrap_or((1, "s"));
    format!("{}{}", seconds / unit.0, unit.1)
}

/// What stands for bytes that are not text.
fn binary(bytes: &[u8]) -> String {
    format!("<binary, {}>", size(bytes.len() as u64))
}

/// A number with its thousands apart: `2,522`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests;
