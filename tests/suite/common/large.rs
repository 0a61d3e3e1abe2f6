//! Databases over the small limit: they have a journal.

use rusty_kv::Value;

/// A key behind all others, and a value that takes a snapshot over the limit up to which there is no journal.
pub(crate) fn filler() -> (&'static str, Value) {
    ("~filler", Value::Text("x".repeat(66_000)))
}
