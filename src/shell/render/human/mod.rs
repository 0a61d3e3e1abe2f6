//! Answers for a user: confirmations, aligned tables with a count, sizes and durations in words.
//!
//! All active characters of stored data are escaped, in tables also newlines and tabs: a value never decides what
//! happens on the screen. A single value, help and the like keep their line breaks.

use std::io::{self, Write};
use std::time::Duration;

use unicode_width::UnicodeWidthStr as _;

use super::counts::grouped;
use super::style::{self, Style};
use super::table::{Cell, Table, cut, size};
use super::{RenderError, RenderOptions, done, plain, pretty};
use crate::database::Event;
use crate::error::Error;
use crate::expiry::format_duration;
use crate::shell::answer::done::Done;
use crate::shell::answer::reply::{Field, Listing, Marks, Reply, Show};
use crate::shell::text::escape;
use crate::storage::Entry;
use crate::value::Value;

/// The number of entries shown on a terminal if no limit is given.
pub(super) const MOST: u64 = 100;

/// Writes an answer.
pub(super) fn reply(out: &mut dyn Write, rendering: &RenderOptions, reply: Reply<'_>) -> Result<(), RenderError> {
    match reply {
        Reply::Done(done) => done_or_not(out, rendering, &done)?,
        Reply::Value(one) => value(out, rendering, &one)?,
        Reply::Line(line) => writeln!(out, "{}", escape::terminal_lossy(line.as_bytes()))?,
        Reply::Values(values) => {
            let found = values.into_iter().filter_map(|(key, value)| Some(Ok((key, Entry::from(value?)))));
            table(out, rendering, found, Show::Entries, u64::MAX, None)?;
        }
        Reply::Number(number) => {
            let number = if rendering.terminal { grouped(number) } else { number.to_string() };
            writeln!(out, "{}", style::number(rendering.color, &number))?;
        }
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
        Reply::Pieces(_) | Reply::Changes(_) | Reply::Outputs(_) | Reply::Sheet(_) => {}
    }
    Ok(())
}

/// Events are not aligned with each other, because they cannot wait.
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

/// The result, if it is data, or else a confirmation.
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

/// A listing, followed by the number of entries and how to see the rest.
fn list(out: &mut dyn Write, rendering: &RenderOptions, listing: Listing<'_>) -> Result<(), RenderError> {
    let most = if rendering.terminal && !listing.limited && !rendering.paged { MOST } else { u64::MAX };
    let total = table(out, rendering, listing.entries, listing.show, most, listing.marks)?;
    Ok(footer(out, rendering, total, most)?)
}

/// How many there are and, if only `most` were shown, how to see the rest: a terminal is told.
pub(super) fn footer(out: &mut dyn Write, rendering: &RenderOptions, total: u64, most: u64) -> io::Result<()> {
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
    writeln!(out, "{}", style::faint(rendering.color, &cut(&footer, rendering.room())))
}

/// Writes the first `most` entries as a table and returns the number of all entries. The rest is counted, not held. If
/// the source fails, the entries before the failure are written.
fn table(
    out: &mut dyn Write,
    rendering: &RenderOptions,
    entries: impl Iterator<Item = Result<(String, Entry), Error>>,
    show: Show,
    most: u64,
    marks: Option<Marks>,
) -> Result<u64, RenderError> {
    let mut table = Table::new(rendering);
    let (in_keys, in_values) = marks.as_ref().map_or((false, false), |marks| (marks.keys, marks.values));
    if let Some(marks) = marks {
        table = table.marking(marks.regex);
    }
    let head = (show == Show::Entries).then_some(&["key", "value"][..]);
    table.stream(out, entries, most, head, |table, (key, entry)| {
        let key = || table.cell(&key, style::key).marked(in_keys);
        let value = || value_cell(table, rendering, &entry.value).marked(in_values);
        match show {
            Show::Keys => vec![key()],
            Show::Entries => vec![key(), value()],
            Show::Values => vec![value()],
        }
    })
}

/// Facts, one per line, and those with several rows under their names. They are not cut, because a path must be
/// complete.
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

/// Facts in columns, numbers right-aligned; a mark has no head. A problem with a row is printed in full below the
/// table, after the row's name.
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

/// A bar in eighths of a column; anything above zero is visible.
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

pub(super) fn field_cell(table: &Table, rendering: &RenderOptions, field: &Field) -> Cell {
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

/// A duration in its largest unit.
fn coarse(span: Duration) -> String {
    let seconds = span.as_secs();
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let unit = units.into_iter().find(|(length, _)| seconds >= *length).unwrap_or((1, "s"));
    format!("{}{}", seconds / unit.0, unit.1)
}

/// The placeholder for binary values.
fn binary(bytes: &[u8]) -> String {
    format!("<binary, {}>", size(bytes.len() as u64))
}

#[cfg(test)]
mod tests;
