//! Changes in few words.

use rusty_kv::{Entry, Value};

/// A key, and what it gets; nothing if it is deleted.
pub(crate) type Change = (&'static str, Option<Entry>);
/// The changes of one commit.
pub(crate) type Changes = Vec<Change>;

pub(crate) fn text(key: &'static str, value: &str) -> Change {
    (key, Some(Entry::from(value)))
}

pub(crate) fn json(key: &'static str, value: &str) -> Change {
    (key, Some(Entry::from(Value::from_json(value).expect("it is JSON"))))
}

pub(crate) fn gone(key: &'static str) -> Change {
    (key, None)
}

pub(crate) fn until(expiry: &str, (key, entry): Change) -> Change {
    let expiry = Some(expiry.parse().expect("a time"));
    (key, entry.map(|entry| Entry { expiry, ..entry }))
}
