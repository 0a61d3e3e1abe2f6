//! Commands of our own language: what `dump` writes.

use data_encoding::BASE64;

use super::record::{Sink, Unfit};
use crate::shell::words;
use crate::storage::Entry;
use crate::value::Value;

/// One `set` an entry, in words that read back as what they were, whatever they say: see [`words::quote`].
pub(crate) struct Script;

impl Sink for Script {
    fn begin(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"# A database of rusty-kv as commands. Into an empty one: rusty-kv -d NAME -f FILE\n");
    }

    fn put(&mut self, key: &str, entry: &Entry, out: &mut Vec<u8>) -> Result<(), Unfit> {
        let deadline = entry.deadline.map(|deadline| format!(" --expires-at {deadline}")).unwrap_or_default();
        let key = words::quote(key.as_bytes());
        let in_base64 = |bytes: &[u8]| match bytes {
            [] => "''".to_owned(),
            bytes => BASE64.encode(bytes),
        };
        let (mut flag, mut value) = match &entry.value {
            Value::Text(text) => ("", words::quote(text.as_bytes())),
            Value::Json(json) => (" --json", words::quote(json.as_str().as_bytes())),
            Value::Bytes(bytes) => (" --base64", in_base64(bytes)),
        };
        if value.len() > Value::MAX_LEN && matches!(entry.value, Value::Text(_)) {
            // Escapes make it longer than base64 does.
            (flag, value) = (" --base64", in_base64(entry.value.as_bytes()));
        }
        if value.len() > Value::MAX_LEN {
            return Err(Unfit::entry("it is too long for a line of commands; `export` as jsonl keeps it"));
        }
        out.extend(format!("set{deadline}{flag} {key} {value}\n").bytes());
        Ok(())
    }
}
