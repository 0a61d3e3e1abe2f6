//! Answers for a person: confirmations, aligned tables with a count below, sizes and time spans in words.
//!
//! Of what was stored everything that could act on a terminal is shown escaped, in tables a newline and a tab too: what a
//! value does to the screen is never the value's to say. One value alone, help and the like keep their own line ends.

use std::io::{self, Write};
use std::time::Duration;

use unicode_width::UnicodeWidthStr as _;

use super::style::{self, Style};
use super::table::{Cell, Table, cut, size};
use super::{Look, Trouble, done, plain, pretty};
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
pub(super) fn reply(out: &mut dyn Write, look: &Look, reply: Reply<'_>) -> Result<(), Trouble> {
    match reply {
        Reply::Done(done) => done_or_not(out, look, &done)?,
        Reply::Value(one) => value(out, look, &one)?,
        Reply::Line(line) => writeln!(out, "{}", escape::terminal_lossy(line.as_bytes()))?,
        Reply::Values(values) => {
            let found = values.into_iter().filter_map(|(key, value)| Some(Ok((key, Entry::from(value?)))));
            table(out, look, found, Show::Entries, u64::MAX)?;
        }
        Reply::Number(number) => writeln!(out, "{}", style::number(look.color, &number.to_string()))?,
        Reply::TimeLeft(left) => {
            let (text, style) = span(left);
            writeln!(out, "{}", style(look.color, &text))?;
        }
        Reply::Listing(listing) => list(out, look, listing)?,
        Reply::Record(facts) => record(out, look, &facts)?,
        Reply::Rows { columns, rows } => {
            let rows: Vec<Vec<&Field>> = rows.iter().map(|row| row.iter().collect()).collect();
            table_of_facts(out, look, &columns, &rows)?;
        }
        Reply::Text(text) => {
            let mut lines = Vec::new();
            plain::push_text(&mut lines, look.terminal, &text);
            out.write_all(&lines)?;
        }
        Reply::Events(events) => {
            if look.terminal && !look.quiet {
                writeln!(out, "{}", style::faint(look.color, &cut(&events.title, look.room())))?;
                out.flush()?;
            }
            return super::events(out, events, &mut |line, key, event| push_event(line, look, key, event));
        }
        Reply::Pieces(_) | Reply::Changes(_) => {}
    }
    Ok(())
}

/// An event in a row of its own: it cannot wait for those that it would be aligned with.
fn push_event(line: &mut String, look: &Look, key: &str, event: &Event) {
    let mut table = Table::new(look);
    let name = |name| table.cell(name, style::faint);
    let key = || table.cell(key, style::key);
    let row = match event {
        Event::Set(entry) => {
            let until = entry.deadline.map(|deadline| table.cell(&format!("until {deadline}"), style::faint));
            let value = value_cell(&table, look, &entry.value);
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
fn done_or_not(out: &mut dyn Write, look: &Look, done: &Done) -> io::Result<()> {
    match done::value(done) {
        Some(made) => value(out, look, &made),
        None if look.quiet => Ok(()),
        None => done::sentence(done).map_or(Ok(()), |sentence| writeln!(out, "{}", escape::terminal(&sentence))),
    }
}

fn value(out: &mut dyn Write, look: &Look, value: &Value) -> io::Result<()> {
    match value {
        Value::Text(text) => writeln!(out, "{}", escape::terminal_lines(text.as_bytes())),
        Value::Json(json) => pretty::json(out, look.color, look.room(), json.as_str()),
        Value::Bytes(bytes) => writeln!(out, "{}", style::faint(look.color, &binary(bytes))),
    }
}

/// A listing and, on a terminal, how many there are and how to see the rest.
fn list(out: &mut dyn Write, look: &Look, listing: Listing<'_>) -> Result<(), Trouble> {
    let most = if look.terminal && !listing.limited && !look.paged { MOST } else { u64::MAX };
    let total = table(out, look, listing.entries, listing.show, most)?;
    if !look.terminal || (look.quiet && total <= most) {
        return Ok(());
    }
    let footer = match total {
        0 => "no keys".to_owned(),
        1 => "1 key".to_owned(),
        _ if total > most => {
            let more = format!("… {} more of {} (--limit N", grouped(total - most), grouped(total));
            let long = format!("{more}, or pipe it)");
            if long.width() <= look.room() { long } else { more + ")" }
        }
        _ => format!("{} keys", grouped(total)),
    };
    Ok(writeln!(out, "{}", style::faint(look.color, &cut(&footer, look.room())))?)
}

/// Writes the first `most` entries as a table and returns how many there are. The rest is counted, not held. What came
/// before a failure of the source is written.
fn table(
    out: &mut dyn Write,
    look: &Look,
    entries: impl Iterator<Item = Result<(String, Entry), Error>>,
    show: Show,
    most: u64,
) -> Result<u64, Trouble> {
    let mut table = Table::new(look);
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
        let value = || value_cell(&table, look, &entry.value);
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
fn record(out: &mut dyn Write, look: &Look, facts: &[(&'static str, Field)]) -> io::Result<()> {
    let name_width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let mut table = Table::whole(look);
    for (name, fact) in facts.iter().filter(|(_, fact)| !matches!(fact, Field::Rows(_))) {
        let fact = match fact {
            Field::Beginning(text) => table.cell(&cut(text, look.room().saturating_sub(name_width + 2)), style::plain),
            fact => field_cell(&table, look, fact),
        };
        table.push(vec![table.cell(&name.replace('_', " "), style::heading), fact]);
    }
    table.write(out)?;
    for (name, fact) in facts {
        let Field::Rows(rows) = fact else { continue };
        let Some(first) = rows.first() else { continue };
        writeln!(out, "\n{}", style::heading(look.color, name))?;
        let columns: Vec<&'static str> = first.iter().map(|(name, _)| *name).collect();
        let rows: Vec<Vec<&Field>> = rows.iter().map(|row| row.iter().map(|(_, field)| field).collect()).collect();
        table_of_facts(out, look, &columns, &rows)?;
    }
    Ok(())
}

/// Facts in columns, those of numbers at the right; a mark needs no head. What is wrong with a row stands below in full,
/// behind what the row begins with.
fn table_of_facts(out: &mut dyn Write, look: &Look, columns: &[&'static str], rows: &[Vec<&Field>]) -> io::Result<()> {
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
    let mut table = Table::new(look);
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
            cells.push(field_cell(&table, look, field).at_right(at_right(field)));
            if let Field::Bar(number) = field {
                cells.push(table.cell(&bar(*number, most, look.room()), style::number));
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
            writeln!(out, "{}", style::error(look.color, &line))?;
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

fn value_cell(table: &Table, look: &Look, value: &Value) -> Cell {
    match value {
        Value::Text(text) => table.cell(text, style::plain).of_size(text.len()),
        Value::Json(json) => table.cell(json.as_str(), style::plain).of_size(json.as_str().len()),
        Value::Bytes(bytes) if look.terminal => table.cell(&binary(bytes), style::faint),
        Value::Bytes(bytes) => Cell::of_bytes(bytes, style::plain),
    }
}

fn field_cell(table: &Table, look: &Look, field: &Field) -> Cell {
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
        Field::Value(value) => value_cell(table, look, value),
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
mod tests {
    use super::super::tests::{broken, bytes, json, listing, look, shown, some};
    use super::*;
    use crate::shell::text::argument::OutputMode;

    fn terminal() -> Look {
        look(OutputMode::Plain, true)
    }

    fn table_in_a_pipe() -> Look {
        look(OutputMode::Table, false)
    }

    /// On a terminal, where plain and table are the same; and the table in a pipe.
    fn both(reply: fn() -> Reply<'static>) -> [String; 2] {
        let plain = shown(&terminal(), reply());
        assert_eq!(shown(&look(OutputMode::Table, true), reply()), plain);
        [plain, shown(&table_in_a_pipe(), reply())]
    }

    fn numbered(show: Show, count: usize) -> Listing<'static> {
        listing(show, (0..count).map(|n| (format!("k{n:05}"), format!("v{n}"))))
    }

    #[test]
    fn a_change_is_confirmed_to_a_person_who_is_not_told_its_value() {
        let set = || Reply::Done(Done::Set { key: "a\x1bb".to_owned() });
        assert_eq!(both(set), ["Set value for key: a\\x1bb\n", ""]);
        assert_eq!(shown(&Look { quiet: true, ..terminal() }, set()), "");
        assert_eq!(both(|| Reply::Done(Done::Quietly)), ["", ""]);
        let made = || Reply::Done(Done::WithOld(Box::new(Done::Set { key: "a".to_owned() }), Some("4\n2".into())));
        assert_eq!(both(made), ["4\n2\n", "4\n2\n"]);
        assert_eq!(shown(&Look { quiet: true, ..terminal() }, made()), "4\n2\n");
    }

    #[test]
    fn a_value_keeps_its_lines_and_is_escaped_and_bytes_are_only_named() {
        assert_eq!(
            both(|| Reply::Value("a\tb\n\x1b]0;t\x07".into())),
            ["a\tb\n\\x1b]0;t\\x07\n", "a\tb\n\x1b]0;t\x07\n"]
        );
        assert_eq!(both(|| Reply::Value("".into())), ["\n", "\n"]);
        assert_eq!(both(|| Reply::Value(json("[1, 2]"))), ["[1, 2]\n", "[1,2]\n"]);
        assert_eq!(shown(&terminal(), Reply::Value(vec![0xff; 12_345].into())), "<binary, 12 KiB>\n");
        assert_eq!(bytes(&table_in_a_pipe(), Reply::Value(vec![0xff].into())), b"\xff\n");
    }

    #[test]
    fn several_values_are_a_table_of_the_found_ones() {
        let values = || {
            let found = ("a\tb".to_owned(), Some("x\ny".into()));
            Reply::Values(vec![found, ("no".to_owned(), None), ("c".to_owned(), Some(vec![0xff].into()))])
        };
        assert_eq!(
            both(values),
            ["KEY   VALUE\na\\tb  x\\ny\nc     <binary, 1 B>\n", "KEY   VALUE\na\\tb  x\\ny\nc     \\xff\n"]
        );
        assert_eq!(both(|| Reply::Values(vec![("no".to_owned(), None)])), ["", ""]);
    }

    #[test]
    fn numbers_are_digits_and_times_are_words() {
        assert_eq!(both(|| Reply::Number(2_522)), ["2522\n"; 2]);
        assert_eq!(both(|| Reply::TimeLeft(Some(Duration::from_millis(5_399_200)))), ["1h 30m\n"; 2]);
        assert_eq!(both(|| Reply::TimeLeft(None)), ["none\n"; 2]);
    }

    #[test]
    fn a_listing_is_a_table_and_a_terminal_is_told_how_many() {
        let table = "\
KEY     VALUE
a\\tb    x\\ny\\
bin     <binary, 2 B>
hello   world
user:1  {\"name\":\"Ada\",\"age\":36}
";
        let piped = table.replace("y\\", "y\\\\").replace("<binary, 2 B>", "\\xff!");
        assert_eq!(both(|| Reply::Listing(some(Show::Entries))), [format!("{table}4 keys\n"), piped]);
        let keys = "a\\tb\nbin\nhello\nuser:1\n";
        assert_eq!(both(|| Reply::Listing(some(Show::Keys))), [format!("{keys}4 keys\n"), keys.to_owned()]);
        let values = "x\\ny\\\n<binary, 2 B>\nworld\n{\"name\":\"Ada\",\"age\":36}\n4 keys\n";
        assert_eq!(shown(&terminal(), Reply::Listing(some(Show::Values))), values);
    }

    #[test]
    fn the_count_below_a_listing_is_for_people_who_want_it() {
        assert_eq!(both(|| Reply::Listing(numbered(Show::Keys, 0))), ["no keys\n", ""]);
        assert_eq!(both(|| Reply::Listing(numbered(Show::Entries, 0))), ["no keys\n", ""]);
        assert_eq!(both(|| Reply::Listing(numbered(Show::Keys, 1))), ["k00000\n1 key\n", "k00000\n"]);
        let quiet = Look { quiet: true, ..terminal() };
        assert_eq!(shown(&quiet, Reply::Listing(numbered(Show::Keys, 1))), "k00000\n");
        let cut_off = shown(&quiet, Reply::Listing(numbered(Show::Keys, 101)));
        assert!(cut_off.ends_with("\n… 1 more of 101 (--limit N, or pipe it)\n"), "{cut_off}");
    }

    #[test]
    fn a_terminal_gets_a_hundred_entries_unless_it_was_said_how_many() {
        let first = shown(&terminal(), Reply::Listing(numbered(Show::Entries, 2_522)));
        assert_eq!(first.lines().count(), 1 + 100 + 1);
        assert!(first.ends_with("k00099  v99\n… 2,422 more of 2,522 (--limit N, or pipe it)\n"), "{first}");
        let narrow = shown(&Look { width: 40, ..terminal() }, Reply::Listing(numbered(Show::Entries, 2_522)));
        assert!(narrow.ends_with("v99\n… 2,422 more of 2,522 (--limit N)\n"), "{narrow}");
        let paged = shown(&Look { paged: true, ..terminal() }, Reply::Listing(numbered(Show::Keys, 2_522)));
        assert!(paged.ends_with("k02521\n2,522 keys\n"), "{paged}");
        let exactly = shown(&terminal(), Reply::Listing(numbered(Show::Keys, 100)));
        assert!(exactly.ends_with("k00099\n100 keys\n"), "{exactly}");
        let limited = Listing { limited: true, ..numbered(Show::Entries, 2_522) };
        let limited = shown(&terminal(), Reply::Listing(limited));
        assert_eq!(limited.lines().count(), 1 + 2_522 + 1);
        assert!(limited.ends_with("k02521  v2521\n2,522 keys\n"), "{limited}");
        let piped = shown(&table_in_a_pipe(), Reply::Listing(numbered(Show::Entries, 2_522)));
        assert_eq!(piped.lines().count(), 1 + 2_522);
    }

    #[test]
    fn a_listing_is_cut_to_the_terminal_and_to_one_line_each() {
        let look = Look { width: 40, ..terminal() };
        let long = "k".repeat(60);
        let entries = |show| Reply::Listing(listing(show, [(long.clone(), "日".repeat(60)), ("a".into(), "b".into())]));
        let expected =
            format!("KEY              VALUE\n{}…  {}…\na                b\n2 keys\n", "k".repeat(14), "日".repeat(11));
        assert_eq!(shown(&look, entries(Show::Entries)), expected);
        assert_eq!(shown(&look, entries(Show::Keys)), format!("{}…\na\n2 keys\n", "k".repeat(39)));
        assert_eq!(shown(&look, entries(Show::Values)), format!("{}…\nb\n2 keys\n", "日".repeat(19)));
    }

    #[test]
    fn keys_are_coloured_and_what_is_about_them_is_faint() {
        let look = Look { color: true, ..terminal() };
        let shown = shown(&look, Reply::Listing(numbered(Show::Entries, 1)));
        assert_eq!(
            shown,
            "\x1b[2mKEY\x1b[0m     \x1b[2mVALUE\x1b[0m\n\x1b[36mk00000\x1b[0m  v0\n\x1b[2m1 key\x1b[0m\n"
        );
    }

    #[test]
    fn a_record_is_aligned_and_not_cut() {
        let path = format!("/{}", "d".repeat(100));
        let facts = vec![
            ("path", Field::Text(path.clone())),
            ("size", Field::Bytes(12_345)),
            ("entries", Field::Number(2_522)),
            ("left", Field::Span(Duration::from_mins(90))),
            ("deadline", Field::None),
            ("near", Field::Keys(vec!["a".to_owned(), "b\n".to_owned()])),
            ("value", Field::Value(vec![0xff].into())),
            ("sum", Field::Exact("1.50".to_owned())),
        ];
        let expected = format!(
            "path      {path}\nsize      12 KiB\nentries   2,522\nleft      1h 30m\ndeadline  none\nnear      a, b\\n\n\
             value     <binary, 1 B>\nsum       1.50\n"
        );
        assert_eq!(shown(&terminal(), Reply::Record(facts)), expected);
    }

    #[test]
    fn rows_have_a_head_and_numbers_at_the_right() {
        let rows = || {
            let row = |name: &str, size, left| vec![Field::Text(name.to_owned()), size, left];
            let rows = vec![
                row("kv", Field::Bytes(999), Field::None),
                row("work", Field::Bytes(1_234_567), Field::Span(Duration::from_mins(1))),
                row("none", Field::None, Field::None),
            ];
            Reply::Rows { columns: vec!["name", "size", "left"], rows }
        };
        let expected = "NAME     SIZE  LEFT\nkv      999 B  none\nwork  1.2 MiB  1m\nnone  none     none\n";
        assert_eq!(both(rows), [expected; 2]);
    }

    #[test]
    fn a_bar_is_as_long_as_its_share_and_never_nothing() {
        let rows = || {
            let row = |up_to, count| vec![("up_to", Field::Bytes(up_to)), ("keys", Field::Bar(count))];
            let rows = vec![row(4, 1), row(16, 0), row(64, 16_000), row(256, 32_000)];
            Reply::Record(vec![
                ("journal_bytes", Field::None),
                ("sizes", Field::Rows(rows)),
                ("none", Field::Rows(vec![])),
            ])
        };
        let full = "█".repeat(16);
        let expected = format!(
            "journal bytes  none\n\nsizes\nUP TO    KEYS\n  4 B       1  ▏\n 16 B       0\n 64 B  16,000  {}\n256 B  32,000  {full}\n",
            "█".repeat(8)
        );
        assert_eq!(shown(&Look { width: 40, ..terminal() }, rows()), expected);
    }

    #[test]
    fn what_is_wrong_with_a_row_stands_below_the_table_in_full() {
        let rows = || {
            let row = |name: &str, keys, is_current, fault: Option<&str>| {
                let ago = Duration::from_secs(7_300);
                let changed = Field::Moment(crate::Timestamp::from_millis(0), ago);
                let fault = Field::Fault(fault.map(str::to_owned));
                vec![Field::Text(name.to_owned()), keys, changed, Field::Flag(is_current), fault]
            };
            let rows = vec![
                row("bad", Field::Unknown, false, Some("it is damaged, and this is a long line\x1b that says why")),
                row("kv", Field::Number(1_000), true, None),
            ];
            Reply::Rows { columns: vec!["name", "keys", "changed", "current", "error"], rows }
        };
        let expected = "NAME   KEYS  CHANGED\nbad       ?  2h ago\nkv    1,000  2h ago   *\n\
                        bad: it is damaged, and this is a long line\\x1b that says why\n";
        assert_eq!(shown(&Look { width: 40, ..terminal() }, rows()), expected);
    }

    #[test]
    fn a_beginning_is_cut_to_what_is_left_of_its_line() {
        let facts = || Reply::Record(vec![("begins", Field::Beginning("v".repeat(80)))]);
        assert_eq!(shown(&Look { width: 20, ..terminal() }, facts()), "begins  vvvvvvvvvvv…\n");
        assert_eq!(shown(&table_in_a_pipe(), facts()), format!("begins  {}\n", "v".repeat(80)));
    }

    #[test]
    fn text_keeps_its_lines_and_nothing_else_that_acts() {
        assert_eq!(both(|| Reply::Text("a\n\n  b\x1b".to_owned())), ["a\n\n  b\\x1b\n", "a\n\n  b\x1b\n"]);
        assert_eq!(both(|| Reply::Text(String::new())), ["", ""]);
    }

    #[test]
    fn entries_before_a_failure_of_the_source_are_shown_without_a_count() {
        let mut out = Vec::new();
        reply(&mut out, &terminal(), Reply::Listing(broken(Show::Entries, 2))).unwrap_err();
        assert_eq!(out, b"KEY  VALUE\na    vv\nb    vv\n");
    }

    #[test]
    fn sizes_are_short_and_rounded() {
        let expected = [
            (0, "0 B"),
            (1_023, "1023 B"),
            (1_024, "1 KiB"),
            (1_536, "1.5 KiB"),
            (10_188, "9.9 KiB"),
            (10_189, "10 KiB"),
            (12_345, "12 KiB"),
            ((1 << 20) - 512, "1 MiB"),
            ((1 << 20) - 513, "1023 KiB"),
            (512 << 20, "512 MiB"),
            (u64::MAX, "16777216 TiB"),
        ];
        for (bytes, shown) in expected {
            assert_eq!(size(bytes), shown);
        }
    }

    #[test]
    fn thousands_stand_apart() {
        for (number, shown) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), shown);
        }
    }
}
