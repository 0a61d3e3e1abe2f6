//! Databases above the small limit, which have a journal.

use rusty_kv::Value;

/// A key after all others, with a value that makes a snapshot large enough to have a journal.
pub(crate) fn filler() -> (&'static str, Value) {
    ("~filler", Value::Text("x".repeat(66_000)))
}
