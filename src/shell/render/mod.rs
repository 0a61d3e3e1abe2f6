//! Answers as bytes: how a reply looks in each mode, on a terminal and in a pipe.
//!
//! | | a terminal | a pipe |
//! | --- | --- | --- |
//! | plain | `human`: words and tables | `plain`: lines that read back exactly |
//! | table | the same | the same tables, whole; one value as its exact bytes |
//! | raw | `plain`: values alone, escaped; one value exactly, if the line itself says raw | `plain`: the exact bytes |
//! | json | `json`: one document | the same |
//!
//! JSON that is the whole answer is spread out for a person by `pretty`.
//! What a command has done is put into a sentence, or into members, by `done`; what is no answer is in `message`.
//!
//! Nothing that was stored, typed or said by the system acts on a terminal: it goes through [`super::text::escape`] first.
//! Widths are those of the escaped text, and colours are added last.

use std::io::{self, Write};

pub(crate) use self::counts::{changes, counted, keys};
pub(crate) use self::difference::{difference, difference_json};
pub(crate) use self::done::{found, imported};
pub(crate) use self::message::{MessageStyle, aside, failure, failure_json, note, pointer, wrapped};
use self::plain::PlainStyle;
pub(crate) use self::table::size;
pub(crate) use self::undone::value_of;
use super::answer::reply::{Events, Failure, Reply};
use super::text::argument::OutputMode;
use crate::database::Event;
use crate::error::Error;
use crate::storage::{LARGE, check_memory};
use crate::value::Value;

mod human;

mod table;

mod plain;

mod difference;

mod json;

mod pretty;

mod stream;

mod message;
mod outputs;

mod counts;

mod done;

mod undone;

pub(crate) mod style;

/// A stream is written in pieces of about this many bytes.
const CHUNK: usize = 32 << 10;

/// Where an answer goes and how it is to look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RenderOptions {
    pub(crate) mode: OutputMode,
    /// Whether a person reads it.
    pub(crate) terminal: bool,
    /// Columns of that terminal; 0 if it does not say.
    pub(crate) width: usize,
    pub(crate) color: bool,
    /// No confirmations.
    pub(crate) quiet: bool,
    /// Whether a single value goes out exactly where it else would not: one of bytes into a file or a program at the prompt,
    /// and any on a terminal if the line itself says raw.
    pub(crate) exact: bool,
    /// Whether a pager shows what is longer than the screen: then a listing is not cut.
    pub(crate) paged: bool,
}

impl RenderOptions {
    /// Plain lines, as into a pipe.
    pub(crate) const PIPE: Self = Self {
        mode: OutputMode::Plain,
        terminal: false,
        width: 0,
        color: false,
        quiet: false,
        exact: false,
        paged: false,
    };

    /// Columns that a line may take.
    fn room(&self) -> usize {
        if self.terminal && self.width > 0 { self.width } else { usize::MAX }
    }
}

/// Why an answer could not be written whole.
#[derive(Debug)]
pub(crate) enum RenderError {
    /// The output did not take it.
    Output(io::Error),
    /// The database could not give it, or not in this form.
    Source(Failure),
}

impl From<io::Error> for RenderError {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<Failure> for RenderError {
    fn from(failure: Failure) -> Self {
        Self::Source(failure)
    }
}

impl From<Error> for RenderError {
    fn from(error: Error) -> Self {
        Self::Source(error.into())
    }
}

/// How long the values of an answer are, if they are too long to be held as they will be written.
pub(crate) fn large(reply: &Reply<'_>) -> Option<usize> {
    let length = match reply {
        Reply::Value(value) | Reply::Line(value) => value.as_bytes().len(),
        Reply::Done(done) => done::value(done).map_or(0, |value| value.as_bytes().len()),
        Reply::Values(values) => {
            values.iter().filter_map(|(_, value)| value.as_ref()).map(|value| value.as_bytes().len()).sum()
        }
        _ => 0,
    };
    (length >= LARGE).then_some(length)
}

/// Writes the data of an answer, and nothing else.
pub(crate) fn reply(out: &mut dyn Write, rendering: &RenderOptions, reply: Reply<'_>) -> Result<(), RenderError> {
    let reply = match reply {
        Reply::Pieces(pieces) => return stream::pieces(out, rendering, pieces),
        Reply::Changes(changes) => return stream::changes(out, rendering, changes),
        Reply::Outputs(outputs) => return outputs::write(out, rendering, outputs),
        Reply::Listing(mut listing) => {
            // A value of a listing is put together with what stands around it.
            let entries = std::mem::replace(&mut listing.entries, Box::new(std::iter::empty()));
            let entries = entries.map(|entry| {
                let entry = entry?;
                let length = entry.1.value.as_bytes().len();
                check_memory(if length < LARGE { 0 } else { 8 * length })?;
                Ok(entry)
            });
            listing.entries = Box::new(entries);
            Reply::Listing(listing)
        }
        reply => reply,
    };
    if let Some(length) = large(&reply) {
        // Single values go as they are; what else there is, is put together first.
        let is_whole = matches!(reply, Reply::Value(_))
            && (rendering.mode == OutputMode::Json || !rendering.terminal && rendering.mode != OutputMode::Table);
        check_memory(if is_whole { 0 } else { 8 * length })?;
    }
    let is_exact = rendering.exact
        && match &reply {
            Reply::Value(Value::Bytes(_)) if !rendering.terminal => true,
            Reply::Value(_) | Reply::Done(_) => rendering.mode == OutputMode::Raw,
            _ => false,
        };
    match (rendering.mode, rendering.terminal) {
        (OutputMode::Json, _) => json::reply(out, reply),
        (_, _) if is_exact => plain::reply(out, PlainStyle::Exact, reply),
        (OutputMode::Plain | OutputMode::Table, true) => human::reply(out, rendering, reply),
        (OutputMode::Plain, false) => plain::reply(out, PlainStyle::Lines, reply),
        (OutputMode::Raw, true) => plain::reply(out, PlainStyle::Shown, reply),
        (OutputMode::Raw, false) => plain::reply(out, PlainStyle::Exact, reply),
        (OutputMode::Table, false) => match reply {
            Reply::Done(_) | Reply::Value(_) | Reply::Line(_) | Reply::Text(_) => {
                plain::reply(out, PlainStyle::Lines, reply)
            }
            Reply::Listing(ref listing) if listing.nul => plain::reply(out, PlainStyle::Lines, reply),
            reply => human::reply(out, rendering, reply),
        },
    }
}

/// Writes events as they come, each at once.
fn events(
    out: &mut dyn Write,
    events: Events<'_>,
    push: &mut dyn FnMut(&mut String, &str, &Event),
) -> Result<(), RenderError> {
    let mut line = String::new();
    Ok((events.run)(&mut |key, event| {
        line.clear();
        push(&mut line, key, event);
        out.write_all(line.as_bytes())?;
        out.flush()
    })?)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use unicode_width::UnicodeWidthStr as _;

    use super::*;
    use crate::shell::answer::code::Code;
    use crate::shell::answer::done::Done;
    use crate::shell::answer::reply::{Field, Listing, OnEvent, Show};
    use crate::shell::answer::status::Status;
    use crate::shell::text::escape;
    use crate::storage::Entry;
    use crate::value::Value;

    pub(super) const MODES: [OutputMode; 4] = [OutputMode::Plain, OutputMode::Json, OutputMode::Table, OutputMode::Raw];

    pub(super) fn rendering(mode: OutputMode, terminal: bool) -> RenderOptions {
        RenderOptions { mode, terminal, width: 80, ..RenderOptions::PIPE }
    }

    pub(super) fn bytes(rendering: &RenderOptions, reply: Reply<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        super::reply(&mut out, rendering, reply).unwrap();
        out
    }

    pub(super) fn shown(rendering: &RenderOptions, reply: Reply<'_>) -> String {
        String::from_utf8(bytes(rendering, reply)).unwrap()
    }

    pub(super) fn json(text: &str) -> Value {
        Value::from_json(text).unwrap()
    }

    pub(super) fn listing<'a, V: Into<Value>>(
        show: Show,
        entries: impl IntoIterator<Item = (String, V), IntoIter: 'a>,
    ) -> Listing<'a> {
        let entries = entries.into_iter().map(|(key, value)| Ok((key, Entry::from(value.into()))));
        Listing { entries: Box::new(entries), show, nul: false, limited: false }
    }

    /// A text, JSON, bytes, and text that needs escaping.
    pub(super) fn some(show: Show) -> Listing<'static> {
        let entries = [
            ("a\tb", Value::from("x\ny\\")),
            ("bin", Value::Bytes(vec![0xff, b'!'])),
            ("hello", "world".into()),
            ("user:1", json(r#"{"name": "Ada", "age": 36}"#)),
        ];
        listing(show, entries.map(|(key, value)| (key.to_owned(), value)))
    }

    /// A listing whose third entry cannot be read; the first two are of that length.
    pub(super) fn broken(show: Show, length: usize) -> Listing<'static> {
        let good = ["a", "b"].map(|key| Ok((key.to_owned(), Entry::from("v".repeat(length)))));
        let entries = good.into_iter().chain([Err(Error::OutOfRange { range: "test" })]);
        Listing { entries: Box::new(entries), show, nul: false, limited: false }
    }

    /// Every reply, with that text wherever a user or the system can put one.
    fn all(text: &str) -> Vec<Reply<'static>> {
        let value = || Value::from(text);
        let pair = || (text.to_owned(), value());
        let fields = || {
            vec![
                Field::None,
                Field::Number(1),
                Field::Bytes(2),
                Field::Span(Duration::from_secs(3)),
                Field::Text(text.to_owned()),
                Field::Keys(vec![text.to_owned(), text.to_owned()]),
                Field::Value(value()),
                Field::Exact("1.50".to_owned()),
                Field::Beginning(text.to_owned()),
                Field::Bar(7),
                Field::Flag(true),
                Field::Moment(crate::Timestamp::from_millis(0), Duration::from_secs(90)),
                Field::Unknown,
                Field::Fault(Some(text.to_owned())),
            ]
        };
        let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n"];
        let sections =
            || vec![("a", Field::None), ("rows", Field::Rows(vec![names.into_iter().zip(fields()).collect()]))];
        let events = |event: Event| {
            let key = text.to_owned();
            let run: Box<dyn FnOnce(&mut OnEvent<'_>) -> _> = Box::new(move |show| show(&key, &event));
            Reply::Events(Events { title: text.to_owned(), run })
        };
        let mut bytes = text.as_bytes().to_vec();
        bytes.push(0xff);
        vec![
            Reply::Done(Done::Set { key: text.to_owned() }),
            Reply::Done(Done::WithOld(Box::new(Done::Quietly), Some(value()))),
            Reply::Value(value()),
            Reply::Value(Value::Bytes(bytes.clone())),
            Reply::Line(value()),
            Reply::Value(Value::try_from(serde_json::json!([text, {text: text}])).unwrap()),
            Reply::Values(vec![(text.to_owned(), Some(value())), ("missing".to_owned(), None)]),
            Reply::Values(vec![(text.to_owned(), Some(Value::Bytes(bytes.clone())))]),
            Reply::Number(3),
            Reply::TimeLeft(None),
            Reply::TimeLeft(Some(Duration::from_secs(90))),
            Reply::Listing(listing(Show::Keys, [pair(), pair()])),
            Reply::Listing(listing(Show::Entries, [pair(), pair()])),
            Reply::Listing(listing(Show::Values, [pair(), (String::new(), Value::Bytes(bytes))])),
            Reply::Listing(Listing { nul: true, ..listing(Show::Entries, [pair()]) }),
            Reply::Record(names.into_iter().zip(fields()).collect()),
            Reply::Rows { columns: names.to_vec(), rows: vec![fields(), fields()] },
            Reply::Text(text.to_owned()),
            Reply::Record(sections()),
            events(Event::Set(Entry::from(value()))),
            events(Event::Expired),
        ]
    }

    /// The listings and tables among them.
    fn tables(text: &str) -> Vec<Reply<'static>> {
        let all = all(text);
        all.into_iter()
            .filter(|reply| matches!(reply, Reply::Values(_) | Reply::Listing(_) | Reply::Rows { .. }))
            .collect()
    }

    fn unsafe_characters() -> impl Iterator<Item = char> {
        ('\0'..=char::MAX).filter(|&c| crate::json::is_unsafe(c))
    }

    /// What is left without our own colours.
    fn without_colours(text: &str) -> String {
        let mut left = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("\x1b[") {
            let end = at + rest[at..].find('m').expect("a colour ends with m");
            assert!(rest[at + 2..end].bytes().all(|byte| byte.is_ascii_digit() || byte == b';'), "{text:?}");
            left.push_str(&rest[..at]);
            rest = &rest[end + 1..];
        }
        left + rest
    }

    #[test]
    fn no_unsafe_character_reaches_a_terminal_in_any_mode() {
        let mut cases = 0;
        for c in unsafe_characters() {
            for text in [c.to_string(), format!("{c}[31m x{c}"), format!("日{c}\u{301}{}", "x".repeat(100))] {
                for (mode, color) in MODES.into_iter().flat_map(|mode| [(mode, false), (mode, true)]) {
                    let rendering = RenderOptions { color, ..rendering(mode, true) };
                    for reply in all(&text) {
                        let name = format!("{reply:?}");
                        let shown = shown(&rendering, reply);
                        let shown = if color { without_colours(&shown) } else { shown };
                        // One value keeps its tabs.
                        let live = shown.find(|c| !matches!(c, '\n' | '\t') && escape::is_unsafe(c));
                        assert_eq!(live, None, "{mode:?} {name}: {shown:?}");
                        cases += 1;
                    }
                }
            }
        }
        assert_eq!(cases, 79 * 3 * 8 * 21);
    }

    #[test]
    fn failures_and_notes_are_one_line_without_unsafe_characters_wherever_they_go() {
        for (c, color) in unsafe_characters().flat_map(|c| [(c, false), (c, true)]) {
            let text = format!("a{c}b");
            let failure =
                Failure { status: Status::Io, code: Code::Io, message: text.clone(), key: Some(text.clone()) };
            let style = MessageStyle { color, width: 0 };
            let person = super::failure(style, Some(&text), &failure);
            let noted = note(style, &format!("warning: {text}"));
            for line in [person, failure_json(&failure), noted] {
                let line = without_colours(&line);
                let line = line.strip_suffix('\n').unwrap();
                assert!(!line.contains(escape::is_unsafe), "{line:?}");
            }
        }
    }

    #[test]
    fn a_failure_says_its_place_and_only_real_ones_say_error() {
        let line = super::failure;
        let usage = Failure::usage("unknown command 'st'");
        let no = Failure::not_found("x", Some("y"), None);
        let plain = MessageStyle::default();
        let colored = MessageStyle { color: true, width: 0 };
        assert_eq!(line(plain, None, &usage), "error: unknown command 'st'\n");
        assert_eq!(line(plain, Some("a.kv:17"), &usage), "a.kv:17: error: unknown command 'st'\n");
        assert_eq!(line(colored, None, &usage), "\x1b[1;31merror:\x1b[0m unknown command 'st'\n");
        assert_eq!(line(colored, None, &no), "Key 'x' not found; did you mean 'y'?\n");
        assert_eq!(line(plain, Some("a.kv:17"), &no), "a.kv:17: Key 'x' not found; did you mean 'y'?\n");
    }

    #[test]
    fn a_failure_for_a_program_is_json_and_names_the_key_if_there_is_one() {
        let line = failure_json;
        assert_eq!(
            line(&Failure::not_found("x\"", None, None)),
            "{\"error\":{\"code\":\"not_found\",\"message\":\"Key 'x\\\"' not found\",\"key\":\"x\\\"\"}}\n"
        );
        assert_eq!(line(&Failure::usage("no\nway")), "{\"error\":{\"code\":\"usage\",\"message\":\"no\\nway\"}}\n");
    }

    #[test]
    fn a_note_is_a_line_and_a_warning_stands_out() {
        let plain = MessageStyle::default();
        let colored = MessageStyle { color: true, width: 0 };
        let line = note;
        assert_eq!(line(colored, "took 3 ms"), "took 3 ms\n");
        assert_eq!(line(plain, "warning: torn"), "warning: torn\n");
        assert_eq!(line(colored, "warning: torn"), "\x1b[1;33mwarning:\x1b[0m torn\n");
        assert_eq!(line(colored, "error: torn"), "\x1b[1;31merror:\x1b[0m torn\n");
    }

    #[test]
    fn no_line_of_a_table_is_wider_than_the_terminal() {
        let texts = [
            "x".repeat(200),
            "日本語".repeat(40),
            "👩‍🚀❤️".repeat(40),
            "e\u{301}\u{302}".repeat(200),
            "\x1b\u{202e}".repeat(40),
        ];
        for (text, width) in texts.iter().flat_map(|text| [(text, 80), (text, 40)]) {
            for (mode, color) in [(OutputMode::Plain, false), (OutputMode::Plain, true), (OutputMode::Table, false)] {
                for reply in tables(text) {
                    let rendering = RenderOptions { width, color, ..rendering(mode, true) };
                    let shown = shown(&rendering, reply);
                    for line in without_colours(&shown).lines() {
                        assert!(line.width() <= width, "{line:?}");
                        let by_character: usize = line.chars().map(|c| c.to_string().width()).sum();
                        assert!(by_character <= width, "{line:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn colours_change_nothing_but_the_colours() {
        for mode in MODES {
            for (plain, coloured) in all("日本 x").into_iter().zip(all("日本 x")) {
                let plain = shown(&rendering(mode, true), plain);
                let coloured = shown(&RenderOptions { color: true, ..rendering(mode, true) }, coloured);
                assert_eq!(without_colours(&coloured), plain);
            }
        }
    }

    #[test]
    fn a_terminal_that_does_not_say_its_width_is_given_all() {
        let long = "v".repeat(500);
        let rendering = RenderOptions { width: 0, ..rendering(OutputMode::Plain, true) };
        let reply = Reply::Values(vec![("k".to_owned(), Some(long.as_str().into()))]);
        assert_eq!(shown(&rendering, reply), format!("KEY  VALUE\nk    {long}\n"));
    }

    #[test]
    fn what_the_output_does_not_take_is_the_outputs_trouble() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        for (mode, terminal) in MODES.into_iter().flat_map(|mode| [(mode, true), (mode, false)]) {
            for reply in [Reply::Value("x".into()), Reply::Listing(some(Show::Entries))] {
                let trouble = super::reply(&mut Full, &rendering(mode, terminal), reply).unwrap_err();
                assert!(matches!(trouble, RenderError::Output(_)), "{trouble:?}");
            }
        }
    }

    #[test]
    fn what_came_before_a_failure_of_the_source_is_written_and_the_failure_returned() {
        for (mode, terminal) in MODES.into_iter().flat_map(|mode| [(mode, true), (mode, false)]) {
            let mut out = Vec::new();
            let trouble =
                super::reply(&mut out, &rendering(mode, terminal), Reply::Listing(broken(Show::Keys, 1))).unwrap_err();
            assert!(matches!(trouble, RenderError::Source(_)), "{trouble:?}");
            let expected: &[u8] = if mode == OutputMode::Json { b"" } else { b"a\nb\n" };
            assert_eq!(out, expected, "{mode:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn every_json_answer_is_one_line_that_parses(text in r"(\PC|[\x00-\x1f\\\x22]){0,20}", terminal: bool) {
            for reply in all(&text) {
                let shown = shown(&rendering(OutputMode::Json, terminal), reply);
                prop_assert_eq!(shown.matches('\n').count(), 1);
                prop_assert!(serde_json::from_str::<serde_json::Value>(&shown).is_ok(), "{}", shown);
            }
        }
    }
}
