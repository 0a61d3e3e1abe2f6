//! Lines for programs: one record per line, with tabs between its fields, escaped so that they can be read back
//! exactly, and a single value as its exact bytes. Without any escaping, this is `-o raw`.

use std::io::{self, Write};

use super::{CHUNK, RenderError, done};
use crate::database::Event;
use crate::expiry::whole_seconds;
use crate::shell::answer::reply::{Field, Listing, Reply, Show};
use crate::shell::text::escape;
use crate::value::Value;

/// How much an answer is formatted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlainStyle {
    /// Plain in a pipe: a single value is followed by a newline; keys and values of a record are escaped by
    /// [`escape::tsv`].
    Lines,
    /// Raw in a pipe: the exact bytes of a value, with nothing added but the separators of a listing.
    Exact,
    /// Raw on a terminal, which must not receive active characters: values are escaped, a single one keeps its line
    /// breaks, and fields are two spaces apart.
    Shown,
}

impl PlainStyle {
    /// The separator between the fields of a record.
    pub(super) fn gap(self) -> &'static [u8] {
        if self == Self::Shown { b"  " } else { b"\t" }
    }

    /// Appends a key or a value of a record.
    fn push(self, line: &mut Vec<u8>, bytes: &[u8]) {
        match self {
            Self::Lines => escape::tsv(line, bytes),
            Self::Exact => line.extend_from_slice(bytes),
            Self::Shown => line.extend_from_slice(escape::terminal_lossy(bytes).as_bytes()),
        }
    }
}

/// Writes an answer.
pub(super) fn reply(out: &mut dyn Write, form: PlainStyle, reply: Reply<'_>) -> Result<(), RenderError> {
    let mut lines = Vec::new();
    match reply {
        Reply::Done(done) => return Ok(done::value(&done).map_or(Ok(()), |value| one(out, form, &value))?),
        Reply::Value(value) => return Ok(one(out, form, &value)?),
        Reply::Line(value) if form == PlainStyle::Shown => {
            form.push(&mut lines, value.as_bytes());
            lines.push(b'\n');
        }
        Reply::Line(value) => return Ok(one(out, form, &value)?),
        Reply::Listing(listing) => return list(out, form, listing),
        Reply::Values(values) => {
            for (key, value) in values {
                let Some(value) = value else { continue };
                if form == PlainStyle::Lines {
                    form.push(&mut lines, key.as_bytes());
                    lines.extend_from_slice(form.gap());
                }
                form.push(&mut lines, value.as_bytes());
                if form != PlainStyle::Exact {
                    lines.push(b'\n');
                }
            }
        }
        Reply::Number(number) => lines.extend(format!("{number}\n").bytes()),
        Reply::TimeLeft(None) => lines.extend_from_slice(b"none\n"),
        Reply::TimeLeft(Some(span)) => lines.extend(format!("{}\n", whole_seconds(span)).bytes()),
        Reply::Record(facts) => {
            for (name, fact) in &facts {
                push_fact(&mut lines, form, name, fact);
            }
        }
        Reply::Rows { rows, .. } => {
            for row in &rows {
                for (at, field) in row.iter().enumerate() {
                    if at > 0 {
                        lines.extend_from_slice(form.gap());
                    }
                    push_field(&mut lines, form, field);
                }
                lines.push(b'\n');
            }
        }
        Reply::Text(text) => push_text(&mut lines, form == PlainStyle::Shown, &text),
        Reply::Events(events) => {
            return super::events(out, events, &mut |line, key, event| push_event(line, form, key, event));
        }
        Reply::Pieces(_) | Reply::Changes(_) | Reply::Outputs(_) | Reply::Sheet(_) => {}
    }
    Ok(out.write_all(&lines)?)
}

/// Appends an event: its kind, the key, and the value if one was set. Even a raw value is kept on one line.
fn push_event(line: &mut String, form: PlainStyle, key: &str, event: &Event) {
    let form = if form == PlainStyle::Exact { PlainStyle::Lines } else { form };
    let (name, value) = match event {
        Event::Set(entry) => ("set", Some(entry.value.as_bytes())),
        Event::Deleted => ("del", None),
        Event::Expired => ("expired", None),
    };
    let mut bytes = name.as_bytes().to_vec();
    for field in [Some(key.as_bytes()), value].into_iter().flatten() {
        bytes.extend_from_slice(form.gap());
        form.push(&mut bytes, field);
    }
    bytes.push(b'\n');
    line.push_str(&String::from_utf8_lossy(&bytes));
}

/// Appends text of several lines, escaped line by line on a terminal.
pub(super) fn push_text(lines: &mut Vec<u8>, terminal: bool, text: &str) {
    if text.is_empty() {
        return;
    }
    for line in text.split('\n') {
        let line = if terminal { escape::terminal(line) } else { line.into() };
        lines.extend_from_slice(line.as_bytes());
        lines.push(b'\n');
    }
}

/// Writes a single value. In a pipe it is not copied, because it may be large.
fn one(out: &mut dyn Write, form: PlainStyle, value: &Value) -> io::Result<()> {
    match form {
        PlainStyle::Exact => out.write_all(value.as_bytes()),
        PlainStyle::Lines => {
            out.write_all(value.as_bytes())?;
            out.write_all(b"\n")
        }
        PlainStyle::Shown => {
            out.write_all(escape::terminal_lines(value.as_bytes()).as_bytes())?;
            out.write_all(b"\n")
        }
    }
}

/// Streams a listing. If the source fails, the entries before the failure are written.
fn list(out: &mut dyn Write, form: PlainStyle, listing: Listing<'_>) -> Result<(), RenderError> {
    let (form, end) = match form {
        PlainStyle::Lines | PlainStyle::Exact if listing.nul => (PlainStyle::Exact, b'\0'),
        form => (form, b'\n'),
    };
    let mut lines = Vec::with_capacity(2 * CHUNK);
    for entry in listing.entries {
        let (key, entry) = match entry {
            Ok(entry) => entry,
            Err(error) => {
                out.write_all(&lines)?;
                return Err(error.into());
            }
        };
        if listing.show != Show::Values {
            form.push(&mut lines, key.as_bytes());
        }
        if listing.show == Show::Entries {
            lines.extend_from_slice(form.gap());
        }
        if listing.show != Show::Keys {
            form.push(&mut lines, entry.value.as_bytes());
        }
        lines.push(end);
        if lines.len() >= CHUNK {
            out.write_all(&lines)?;
            lines.clear();
        }
    }
    Ok(out.write_all(&lines)?)
}

/// Appends a line for a fact, or one for each of its rows.
fn push_fact(lines: &mut Vec<u8>, form: PlainStyle, name: &str, fact: &Field) {
    let one = |lines: &mut Vec<u8>, fields: &mut dyn Iterator<Item = &Field>| {
        lines.extend_from_slice(name.as_bytes());
        for field in fields {
            lines.extend_from_slice(form.gap());
            push_field(lines, form, field);
        }
        lines.push(b'\n');
    };
    match fact {
        Field::Rows(rows) => rows.iter().for_each(|row| one(lines, &mut row.iter().map(|(_, field)| field))),
        fact => one(lines, &mut std::iter::once(fact)),
    }
}

/// Appends one fact. Keys stand apart by the same gap as fields, which no escaped key holds.
pub(super) fn push_field(line: &mut Vec<u8>, form: PlainStyle, field: &Field) {
    // Here too a raw fact keeps to its line.
    let form = if form == PlainStyle::Exact { PlainStyle::Lines } else { form };
    match field {
        Field::None | Field::Fault(None) => line.extend_from_slice(b"none"),
        Field::Unknown => line.push(b'?'),
        Field::Number(number) | Field::Bytes(number) | Field::Bar(number) => line.extend(number.to_string().bytes()),
        Field::Span(span) => line.extend(whole_seconds(*span).to_string().bytes()),
        Field::Flag(flag) => line.extend_from_slice(if *flag { b"yes" } else { b"no" }),
        Field::Moment(at, _) => line.extend(at.to_string().bytes()),
        Field::Text(text) | Field::Exact(text) | Field::Beginning(text) | Field::Fault(Some(text)) => {
            form.push(line, text.as_bytes());
        }
        // Rows have lines of their own.
        Field::Rows(rows) => line.extend(rows.len().to_string().bytes()),
        Field::Value(value) => form.push(line, value.as_bytes()),
        Field::Keys(keys) => {
            for (at, key) in keys.iter().enumerate() {
                if at > 0 {
                    line.extend_from_slice(form.gap());
                }
                form.push(line, key.as_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::RenderOptions;
    use super::super::samples::{broken, bytes, json, listing, rendering, shown, some};
    use super::*;
    use crate::shell::answer::done::Done;
    use crate::shell::text::argument::OutputMode;

    fn pipe() -> RenderOptions {
        rendering(OutputMode::Plain, false)
    }

    fn raw() -> RenderOptions {
        rendering(OutputMode::Raw, false)
    }

    fn raw_on_a_terminal() -> RenderOptions {
        rendering(OutputMode::Raw, true)
    }

    fn everywhere(reply: fn() -> Reply<'static>) -> [String; 3] {
        [pipe(), raw(), raw_on_a_terminal()].map(|rendering| shown(&rendering, reply()))
    }

    #[test]
    fn a_change_says_nothing_but_its_value() {
        assert_eq!(everywhere(|| Reply::Done(Done::Set { key: "a".to_owned() })), ["", "", ""]);
        let made = || Reply::Done(Done::Computed("4\n2".into()));
        assert_eq!(everywhere(made), ["4\n2\n", "4\n2", "4\n2\n"]);
    }

    #[test]
    fn one_value_is_exact() {
        assert_eq!(
            everywhere(|| Reply::Value("a\tb\n\x1b\\".into())),
            ["a\tb\n\x1b\\\n", "a\tb\n\x1b\\", "a\tb\n\\x1b\\\n"]
        );
        assert_eq!(everywhere(|| Reply::Value(json("[1, 2.50]"))), ["[1,2.50]\n", "[1,2.50]", "[1,2.50]\n"]);
        let binary = || Reply::Value(vec![0xff, 0, b'!'].into());
        assert_eq!(bytes(&pipe(), binary()), b"\xff\0!\n");
        assert_eq!(bytes(&raw(), binary()), b"\xff\0!");
        assert_eq!(bytes(&raw_on_a_terminal(), binary()), b"\\xff\\0!\n");
        assert_eq!(bytes(&RenderOptions { exact: true, ..raw_on_a_terminal() }, binary()), b"\xff\0!");
        assert_eq!(bytes(&RenderOptions { exact: true, ..pipe() }, binary()), b"\xff\0!");
        assert_eq!(shown(&RenderOptions { exact: true, ..pipe() }, Reply::Value("text".into())), "text\n");
        assert_eq!(everywhere(|| Reply::Line("a\nb".into())), ["a\nb\n", "a\nb", "a\\nb\n"]);
    }

    #[test]
    fn several_values_are_the_found_ones_with_their_keys() {
        let values = || {
            let found = ("a\tb".to_owned(), Some("x\ny".into()));
            Reply::Values(vec![found, ("no".to_owned(), None), ("c".to_owned(), Some("z".into()))])
        };
        assert_eq!(everywhere(values), ["a\\tb\tx\\ny\nc\tz\n", "x\nyz", "x\\ny\nz\n"]);
    }

    #[test]
    fn numbers_and_times_are_digits() {
        assert_eq!(everywhere(|| Reply::Number(10_000)), ["10000\n"; 3]);
        assert_eq!(everywhere(|| Reply::TimeLeft(Some(Duration::from_millis(5_399_200)))), ["5400\n"; 3]);
        assert_eq!(everywhere(|| Reply::TimeLeft(None)), ["none\n"; 3]);
    }

    #[test]
    fn a_listing_is_a_line_an_entry() {
        assert_eq!(shown(&pipe(), Reply::Listing(some(Show::Keys))), "a\\tb\nbin\nhello\nuser:1\n");
        assert_eq!(
            shown(&pipe(), Reply::Listing(some(Show::Entries))),
            "a\\tb\tx\\ny\\\\\nbin\t\\xff!\nhello\tworld\nuser:1\t{\"name\":\"Ada\",\"age\":36}\n"
        );
        assert_eq!(
            shown(&pipe(), Reply::Listing(some(Show::Values))),
            "x\\ny\\\\\n\\xff!\nworld\n{\"name\":\"Ada\",\"age\":36}\n"
        );
    }

    #[test]
    fn a_raw_listing_is_exact_and_on_a_terminal_escaped() {
        assert_eq!(bytes(&raw(), Reply::Listing(some(Show::Keys))), b"a\tb\nbin\nhello\nuser:1\n");
        assert_eq!(
            bytes(&raw(), Reply::Listing(some(Show::Entries))),
            b"a\tb\tx\ny\\\nbin\t\xff!\nhello\tworld\nuser:1\t{\"name\":\"Ada\",\"age\":36}\n"
        );
        assert_eq!(
            shown(&raw_on_a_terminal(), Reply::Listing(some(Show::Entries))),
            "a\\tb  x\\ny\\\nbin  \\xff!\nhello  world\nuser:1  {\"name\":\"Ada\",\"age\":36}\n"
        );
        assert_eq!(
            shown(&raw_on_a_terminal(), Reply::Listing(some(Show::Values))),
            "x\\ny\\\n\\xff!\nworld\n{\"name\":\"Ada\",\"age\":36}\n"
        );
    }

    #[test]
    fn with_nul_records_are_exact_in_every_mode_of_lines_but_not_on_a_terminal() {
        let nul = |show| Reply::Listing(Listing { nul: true, ..some(show) });
        for mode in [OutputMode::Plain, OutputMode::Raw, OutputMode::Table] {
            assert_eq!(bytes(&rendering(mode, false), nul(Show::Keys)), b"a\tb\0bin\0hello\0user:1\0");
            assert_eq!(
                bytes(&rendering(mode, false), nul(Show::Entries)),
                b"a\tb\tx\ny\\\0bin\t\xff!\0hello\tworld\0user:1\t{\"name\":\"Ada\",\"age\":36}\0"
            );
            assert!(!bytes(&rendering(mode, true), nul(Show::Entries)).contains(&0));
        }
    }

    #[test]
    fn a_record_is_a_line_a_fact() {
        let facts = || {
            let facts = vec![
                ("key", Field::Text("a\tb".to_owned())),
                ("size", Field::Bytes(12_345)),
                ("entries", Field::Number(7)),
                ("left", Field::Span(Duration::from_millis(1_500))),
                ("deadline", Field::None),
                ("near", Field::Keys(vec!["a b".to_owned(), "c\td".to_owned()])),
                ("old", Field::Value("x\n".into())),
                ("sum", Field::Exact("1.50".to_owned())),
            ];
            Reply::Record(facts)
        };
        let lines =
            "key\ta\\tb\nsize\t12345\nentries\t7\nleft\t2\ndeadline\tnone\nnear\ta b\tc\\td\nold\tx\\n\nsum\t1.50\n";
        assert_eq!(everywhere(facts), [lines.to_owned(), lines.to_owned(), lines.replace('\t', "  ")]);
    }

    #[test]
    fn rows_are_lines_without_a_head() {
        let rows = || {
            let row = |name: &str, size| vec![Field::Text(name.to_owned()), Field::Bytes(size)];
            Reply::Rows { columns: vec!["name", "size"], rows: vec![row("kv", 2_048), row("work", 5)] }
        };
        assert_eq!(everywhere(rows), ["kv\t2048\nwork\t5\n", "kv\t2048\nwork\t5\n", "kv  2048\nwork  5\n"]);
    }

    #[test]
    fn text_ends_its_line_and_keeps_its_own() {
        assert_eq!(everywhere(|| Reply::Text("a\tb\n\nc".to_owned())), ["a\tb\n\nc\n", "a\tb\n\nc\n", "a\\tb\n\nc\n"]);
        assert_eq!(everywhere(|| Reply::Text(String::new())), ["", "", ""]);
    }

    #[test]
    fn a_long_listing_leaves_in_pieces_and_whole() {
        /// Records the length of each write.
        struct Pieces(Vec<usize>);
        impl Write for Pieces {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.push(bytes.len());
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let entries = (0..20_000).map(|n| (format!("key:{n:06}"), "value"));
        let mut pieces = Pieces(Vec::new());
        super::super::reply(&mut pieces, &pipe(), Reply::Listing(listing(Show::Entries, entries))).unwrap();
        assert_eq!(pieces.0.iter().sum::<usize>(), 20_000 * "key:000000\tvalue\n".len());
        assert!(pieces.0.iter().all(|&length| length < 2 * CHUNK), "{:?}", pieces.0);
        assert!(pieces.0.len() < 15, "{:?}", pieces.0);
    }

    #[test]
    fn records_before_a_failure_of_the_source_are_whole() {
        let mut out = Vec::new();
        super::super::reply(&mut out, &pipe(), Reply::Listing(broken(Show::Entries, 2))).unwrap_err();
        assert_eq!(out, b"a\tvv\nb\tvv\n");
    }
}
