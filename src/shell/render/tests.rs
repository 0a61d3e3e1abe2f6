//! Answers as every output format shows them.

use std::time::Duration;

use proptest::prelude::*;
use unicode_width::UnicodeWidthStr as _;

use super::samples::{MODES, broken, listing, rendering, shown, some};
use super::*;
use crate::shell::answer::code::Code;
use crate::shell::answer::done::Done;
use crate::shell::answer::reply::{Field, Listing, OnEvent, Show};
use crate::shell::answer::status::Status;
use crate::shell::text::escape;
use crate::storage::Entry;
use crate::value::Value;

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
    let sections = || vec![("a", Field::None), ("rows", Field::Rows(vec![names.into_iter().zip(fields()).collect()]))];
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
    all.into_iter().filter(|reply| matches!(reply, Reply::Values(_) | Reply::Listing(_) | Reply::Rows { .. })).collect()
}

fn unsafe_characters() -> impl Iterator<Item = char> {
    ('\0'..=char::MAX).filter(|&c| crate::json::is_unsafe(c))
}

/// The output without our own colors.
fn without_colors(text: &str) -> String {
    let mut left = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("\x1b[") {
        let end = at + rest[at..].find('m').expect("a color ends with m");
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
                    let shown = if color { without_colors(&shown) } else { shown };
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
        let failure = Failure { status: Status::Io, code: Code::Io, message: text.clone(), key: Some(text.clone()) };
        let style = MessageStyle { color, width: 0 };
        let person = super::failure(style, Some(&text), &failure);
        let noted = note(style, &format!("warning: {text}"));
        for line in [person, failure_json(&failure), noted] {
            let line = without_colors(&line);
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
                for line in without_colors(&shown).lines() {
                    assert!(line.width() <= width, "{line:?}");
                    let by_character: usize = line.chars().map(|c| c.to_string().width()).sum();
                    assert!(by_character <= width, "{line:?}");
                }
            }
        }
    }
}

#[test]
fn colors_change_nothing_but_the_colors() {
    for mode in MODES {
        for (plain, colored) in all("日本 x").into_iter().zip(all("日本 x")) {
            let plain = shown(&rendering(mode, true), plain);
            let colored = shown(&RenderOptions { color: true, ..rendering(mode, true) }, colored);
            assert_eq!(without_colors(&colored), plain);
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
