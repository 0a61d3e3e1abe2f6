//! Answers and renderings for the tests of every output format.

use super::RenderOptions;
use crate::error::Error;
use crate::shell::answer::reply::{Listing, Reply, Show};
use crate::shell::text::argument::OutputMode;
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
    Listing { entries: Box::new(entries), show, nul: false, limited: false, marks: None }
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
    Listing { entries: Box::new(entries), show, nul: false, limited: false, marks: None }
}
