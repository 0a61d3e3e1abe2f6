//! One JSON document per command, on one line, valid whatever was stored.
//!
//! Text is a JSON string, and JSON is printed digit for digit. Bytes are `{"$binary":"<base64>"}` as in the file;
//! unlike there, JSON that looks like this is not wrapped, because programs know what they have stored. Unsafe
//! characters are `\u` escapes in strings, so an answer is as safe on a terminal as in a pipe.

use std::collections::HashSet;
use std::io::{self, Write};

use super::{CHUNK, RenderError, done};
use crate::database::Event;
use crate::error::Error;
use crate::expiry::whole_seconds;
use crate::json::{Sink, write_string};
use crate::shell::answer::code::Code;
use crate::shell::answer::reply::{Failure, Field, Listing, Reply, Show};
use crate::shell::text::escape;
use crate::storage::write_base64;
use crate::value::{Json, Value};

/// Writes an answer.
pub(super) fn reply(out: &mut dyn Write, reply: Reply<'_>) -> Result<(), RenderError> {
    let mut line = String::new();
    match reply {
        Reply::Done(done) => {
            line.push_str(if done::is_ok(&done) { "{\"ok\":true" } else { "{\"ok\":false" });
            for (name, field) in done::fields(done) {
                line.push(',');
                push_name(&mut line, name);
                push_field(&mut line, &field);
            }
            line.push('}');
        }
        Reply::Value(value) | Reply::Line(value) => {
            let mut written = Written { out, text: line, failure: Ok(()) };
            push_value(&mut written, &value);
            written.text.push('\n');
            written.flush();
            return Ok(written.failure?);
        }
        Reply::Values(values) => push_values(&mut line, &values),
        Reply::Number(number) => line.push_str(&number.to_string()),
        Reply::TimeLeft(None) => line.push_str("null"),
        Reply::TimeLeft(Some(span)) => line.push_str(&whole_seconds(span).to_string()),
        Reply::Listing(listing) => return list(out, listing),
        Reply::Record(facts) => push_object(&mut line, facts.iter().map(|(name, fact)| (*name, fact))),
        Reply::Rows { columns, rows } => {
            line.push('[');
            for (at, row) in rows.iter().enumerate() {
                if at > 0 {
                    line.push(',');
                }
                push_object(&mut line, columns.iter().copied().zip(row));
            }
            line.push(']');
        }
        Reply::Text(text) => write_string(&mut line, &text),
        Reply::Events(events) => return super::events(out, events, &mut push_event),
        Reply::Pieces(_) | Reply::Changes(_) | Reply::Outputs(_) | Reply::Sheet(_) => {}
    }
    line.push('\n');
    Ok(out.write_all(line.as_bytes())?)
}

/// A failure as a JSON document, with its newline.
pub(super) fn failure(failure: &Failure) -> String {
    // No stored key is longer.
    const LONGEST: usize = 64 << 10;
    let brief = escape::brief(&failure.message);
    let mut line = "{\"error\":{\"code\":".to_owned();
    write_string(&mut line, failure.code.name());
    line.push_str(",\"message\":");
    let is_long = matches!(failure.code, Code::Help | Code::Filter);
    write_string(&mut line, if is_long { &failure.message } else { &brief });
    if let Some(key) = failure.key.as_ref().filter(|key| key.len() <= LONGEST) {
        line.push_str(",\"key\":");
        write_string(&mut line, key);
    }
    line.push_str("}}\n");
    line
}

/// One document per event.
fn push_event(line: &mut String, key: &str, event: &Event) {
    let name = match event {
        Event::Set(_) => "set",
        Event::Deleted => "del",
        Event::Expired => "expired",
    };
    line.push_str("{\"event\":\"");
    line.push_str(name);
    line.push_str("\",\"key\":");
    write_string(line, key);
    if let Event::Set(entry) = event {
        line.push_str(",\"value\":");
        push_value(line, &entry.value);
        line.push_str(",\"type\":\"");
        line.push_str(entry.value.kind());
        line.push_str("\",\"expires\":");
        push_field(line, &entry.expiry.map_or(Field::None, |expiry| Field::Text(expiry.to_string())));
    }
    line.push_str("}\n");
}

/// Streams a listing.
///
/// If the source fails before anything is written, nothing is, and the caller's error is the document. After that, the
/// document cannot be completed: its line ends there, invalid, so that no program mistakes a part for the whole, and
/// the next line is the error. Corruption is found after all entries, so that document is complete.
fn list(out: &mut dyn Write, listing: Listing<'_>) -> Result<(), RenderError> {
    let (open, close) = if listing.show == Show::Entries { ('{', '}') } else { ('[', ']') };
    let mut text = String::with_capacity(2 * CHUNK);
    text.push(open);
    let mut first = true;
    let mut begun = false;
    let mut corrupt = None;
    for entry in listing.entries {
        let (key, entry) = match entry {
            Ok(entry) => entry,
            Err(error @ Error::Corrupt { .. }) => {
                corrupt = Some(error);
                break;
            }
            Err(error) => {
                if begun {
                    out.write_all(b"\n")?;
                }
                return Err(error.into());
            }
        };
        if !first {
            text.push(',');
        }
        first = false;
        match listing.show {
            Show::Keys => write_string(&mut text, &key),
            Show::Values => push_value(&mut text, &entry.value),
            Show::Entries => {
                push_name(&mut text, &key);
                push_value(&mut text, &entry.value);
            }
        }
        if text.len() >= CHUNK {
            out.write_all(text.as_bytes())?;
            text.clear();
            begun = true;
        }
    }
    text.push(close);
    text.push('\n');
    out.write_all(text.as_bytes())?;
    corrupt.map_or(Ok(()), |error| Err(error.into()))
}

/// A key that is requested twice is one member, because names in an object are unique.
fn push_values(text: &mut String, values: &[(String, Option<Value>)]) {
    let mut seen = HashSet::new();
    text.push('{');
    for (at, (key, value)) in values.iter().filter(|(key, _)| seen.insert(key)).enumerate() {
        if at > 0 {
            text.push(',');
        }
        push_name(text, key);
        match value {
            Some(value) => push_value(text, value),
            None => text.push_str("null"),
        }
    }
    text.push('}');
}

fn push_object<'a>(text: &mut String, facts: impl Iterator<Item = (&'static str, &'a Field)>) {
    text.push('{');
    for (at, (name, fact)) in facts.enumerate() {
        if at > 0 {
            text.push(',');
        }
        push_name(text, name);
        push_field(text, fact);
    }
    text.push('}');
}

pub(super) fn push_name(text: &mut String, name: &str) {
    write_string(text, name);
    text.push(':');
}

/// A text that is written as it grows.
struct Written<'o> {
    out: &'o mut dyn Write,
    text: String,
    failure: io::Result<()>,
}

impl Written<'_> {
    fn flush(&mut self) {
        if self.failure.is_ok() {
            self.failure = self.out.write_all(self.text.as_bytes());
        }
        self.text.clear();
    }
}

impl Sink for Written<'_> {
    fn push(&mut self, c: char) {
        self.text.push(c);
    }

    fn push_str(&mut self, text: &str) {
        if self.text.len() + text.len() < CHUNK {
            return self.text.push_str(text);
        }
        self.flush();
        if self.failure.is_ok() {
            self.failure = self.out.write_all(text.as_bytes());
        }
    }
}

pub(super) fn push_value(text: &mut impl Sink, value: &Value) {
    match value {
        Value::Text(stored) => write_string(text, stored),
        Value::Json(json) => text.push_str(json.as_str()),
        Value::Bytes(bytes) => {
            text.push_str("{\"$binary\":\"");
            write_base64(text, bytes);
            text.push_str("\"}");
        }
    }
}

pub(super) fn push_field(text: &mut String, field: &Field) {
    match field {
        Field::None => text.push_str("null"),
        Field::Number(number) | Field::Bytes(number) | Field::Bar(number) => text.push_str(&number.to_string()),
        Field::Span(span) => text.push_str(&whole_seconds(*span).to_string()),
        Field::Text(fact) | Field::Beginning(fact) | Field::Fault(Some(fact)) => write_string(text, fact),
        Field::Unknown | Field::Fault(None) => text.push_str("null"),
        Field::Flag(flag) => text.push_str(if *flag { "true" } else { "false" }),
        Field::Moment(at, _) => write_string(text, &at.to_string()),
        Field::Rows(rows) => {
            text.push('[');
            for (at, row) in rows.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                push_object(text, row.iter().map(|(name, field)| (*name, field)));
            }
            text.push(']');
        }
        Field::Keys(keys) => {
            text.push('[');
            for (at, key) in keys.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                write_string(text, key);
            }
            text.push(']');
        }
        Field::Value(value) => push_value(text, value),
        // Not every number of the language is one in JSON: `+1` and `.5` are strings there.
        Field::Exact(number) => match Json::parse(number) {
            Ok(json) => text.push_str(json.as_str()),
            Err(_) => write_string(text, number),
        },
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;

    use std::collections::BTreeMap;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::super::samples::{broken, json, listing, rendering, shown, some};
    use super::*;
    use crate::shell::answer::code::Reason;
    use crate::shell::answer::done::Done;
    use crate::shell::text::argument::OutputMode;

    /// The same on a terminal and in a pipe.
    fn document(reply: fn() -> Reply<'static>) -> String {
        let piped = shown(&rendering(OutputMode::Json, false), reply());
        assert_eq!(shown(&rendering(OutputMode::Json, true), reply()), piped);
        piped
    }

    #[test]
    fn a_change_says_whether_it_was_made_and_its_fields() {
        assert_eq!(document(|| Reply::Done(Done::Set { key: "a".to_owned() })), "{\"ok\":true}\n");
        let kept = || Reply::Done(Done::WithOld(Box::new(Done::Refused(Reason::Exists)), None));
        assert_eq!(document(kept), "{\"ok\":false,\"reason\":\"exists\",\"old\":null}\n");
        let deleted = || {
            let missing = vec!["a".to_owned(), "b\n".to_owned()];
            Reply::Done(Done::Deleted { keys: 2, missing })
        };
        assert_eq!(document(deleted), "{\"ok\":true,\"deleted\":2,\"missing\":[\"a\",\"b\\n\"]}\n");
    }

    #[test]
    fn a_value_is_a_string_or_itself_or_marked_base64() {
        assert_eq!(document(|| Reply::Value("007\n\"\u{202e}".into())), "\"007\\n\\\"\\u202e\"\n");
        assert_eq!(document(|| Reply::Value(json("{\"n\": 1e400, \"$binary\": 1}"))), "{\"n\":1e400,\"$binary\":1}\n");
        assert_eq!(document(|| Reply::Value(json("{\"$binary\": \"\"}"))), "{\"$binary\":\"\"}\n");
        assert_eq!(document(|| Reply::Value(vec![0xff, 0].into())), "{\"$binary\":\"/wA=\"}\n");
    }

    #[test]
    fn several_values_are_an_object_and_a_key_asked_for_twice_is_in_it_once() {
        let values = || {
            let a = || ("a".to_owned(), Some("1".into()));
            Reply::Values(vec![a(), ("no".to_owned(), None), a(), ("{".to_owned(), Some(json("2")))])
        };
        assert_eq!(document(values), "{\"a\":\"1\",\"no\":null,\"{\":2}\n");
    }

    #[test]
    fn numbers_and_times_are_numbers_or_null() {
        assert_eq!(document(|| Reply::Number(u64::MAX)), "18446744073709551615\n");
        assert_eq!(document(|| Reply::TimeLeft(Some(Duration::from_millis(1_001)))), "2\n");
        assert_eq!(document(|| Reply::TimeLeft(None)), "null\n");
    }

    #[test]
    fn a_listing_is_an_array_or_an_object() {
        assert_eq!(document(|| Reply::Listing(some(Show::Keys))), "[\"a\\tb\",\"bin\",\"hello\",\"user:1\"]\n");
        assert_eq!(
            document(|| Reply::Listing(some(Show::Entries))),
            "{\"a\\tb\":\"x\\ny\\\\\",\"bin\":{\"$binary\":\"/yE=\"},\
             \"hello\":\"world\",\"user:1\":{\"name\":\"Ada\",\"age\":36}}\n"
        );
        assert_eq!(
            document(|| Reply::Listing(some(Show::Values))),
            "[\"x\\ny\\\\\",{\"$binary\":\"/yE=\"},\"world\",{\"name\":\"Ada\",\"age\":36}]\n"
        );
        let none = |show| Reply::Listing(listing(show, Vec::<(String, Value)>::new()));
        assert_eq!(shown(&rendering(OutputMode::Json, false), none(Show::Keys)), "[]\n");
        assert_eq!(shown(&rendering(OutputMode::Json, false), none(Show::Entries)), "{}\n");
    }

    #[test]
    fn facts_are_members_with_exact_digits() {
        let facts = || {
            let facts = vec![
                ("size", Field::Bytes(12)),
                ("left", Field::Span(Duration::from_millis(1_500))),
                ("name", Field::Text("a\tb".to_owned())),
                ("value", Field::Value(json("[1]"))),
                ("sum", Field::Exact("1.50".to_owned())),
                ("odd", Field::Exact("+1".to_owned())),
            ];
            Reply::Record(facts)
        };
        let expected = r#"{"size":12,"left":2,"name":"a\tb","value":[1],"sum":1.50,"odd":"+1"}"#;
        assert_eq!(document(facts), format!("{expected}\n"));
    }

    #[test]
    fn rows_are_an_array_of_objects() {
        let rows = || {
            let row = |name: &str, size| vec![Field::Text(name.to_owned()), size];
            let rows = vec![row("kv", Field::Bytes(3)), row("work", Field::None)];
            Reply::Rows { columns: vec!["name", "size"], rows }
        };
        assert_eq!(document(rows), "[{\"name\":\"kv\",\"size\":3},{\"name\":\"work\",\"size\":null}]\n");
        assert_eq!(document(|| Reply::Rows { columns: vec!["name"], rows: Vec::new() }), "[]\n");
    }

    #[test]
    fn text_is_a_string() {
        assert_eq!(document(|| Reply::Text("a\nb".to_owned())), "\"a\\nb\"\n");
        assert_eq!(document(|| Reply::Text(String::new())), "\"\"\n");
    }

    #[test]
    fn a_document_that_cannot_be_made_whole_is_not_begun_or_ends_its_line() {
        let write = |length| {
            let mut out = Vec::new();
            reply(&mut out, Reply::Listing(broken(Show::Entries, length))).unwrap_err();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(write(3), "");
        let begun = write(CHUNK);
        assert!(begun.starts_with("{\"a\":\"vvv") && begun.ends_with("v\"\n"));
        assert!(serde_json::from_str::<serde_json::Value>(&begun).is_err());
    }

    #[test]
    fn a_long_listing_is_one_document() {
        let entries: BTreeMap<String, String> = (0..20_000).map(|n| (format!("{n:05}"), format!("v{n}"))).collect();
        let text = shown(&rendering(OutputMode::Json, false), Reply::Listing(listing(Show::Entries, entries.clone())));
        assert_eq!(serde_json::from_str::<BTreeMap<String, String>>(&text).unwrap(), entries);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn every_text_and_every_byte_comes_back(
            entries in prop::collection::btree_map(any::<String>(), prop::collection::vec(any::<u8>(), 0..30), 0..8),
        ) {
            let values = entries.iter().map(|(key, bytes)| (key.clone(), Value::from_bytes(bytes.clone())));
            let values: Vec<_> = values.collect();
            let text = shown(&rendering(OutputMode::Json, false), Reply::Listing(listing(Show::Entries, values)));
            let read: BTreeMap<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
            let back = read.into_iter().map(|(key, value)| {
                let bytes = match value {
                    serde_json::Value::String(text) => text.into_bytes(),
                    value => BASE64.decode(value["$binary"].as_str().unwrap().as_bytes()).unwrap(),
                };
                (key, bytes)
            });
            prop_assert_eq!(back.collect::<BTreeMap<_, _>>(), entries);
        }
    }
}
