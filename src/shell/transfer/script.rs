//! Commands of our own language: what `dump` writes.

use data_encoding::BASE64;

use super::record::{Out, RecordSink, Unfit};
use crate::json::Length;
use crate::shell::text::words;
use crate::storage::{Entry, write_base64};
use crate::value::Value;

/// One `set` an entry, in words that read back as what they were, whatever they say: see [`words::quote`].
pub(crate) struct ScriptWriter;

impl RecordSink for ScriptWriter {
    fn begin(&mut self, out: &mut Out<'_>) {
        out.bytes(b"# A rusty-kv database as commands. To load it into an empty one: rusty-kv -d NAME -f FILE\n");
    }

    fn put(&mut self, key: &str, entry: &Entry, out: &mut Out<'_>) -> Result<(), Unfit> {
        let bytes = entry.value.as_bytes();
        let in_base64 = match &entry.value {
            Value::Bytes(_) => true,
            // Escapes make it longer than base64 does.
            Value::Text(_) => is_longer(bytes),
            Value::Json(_) if is_longer(bytes) => return Err(too_long()),
            Value::Json(_) => false,
        };
        if in_base64 && BASE64.encode_len(bytes.len()) > Value::MAX_LEN {
            return Err(too_long());
        }
        let expiry = entry.expiry.map(|expiry| format!(" --expires-at {expiry}")).unwrap_or_default();
        let flag = match &entry.value {
            Value::Json(_) => " --json",
            _ if in_base64 => " --base64",
            _ => "",
        };
        out.bytes(format!("set{expiry}{flag} ").as_bytes());
        words::write_quoted(out, key.as_bytes());
        out.byte(b' ');
        if in_base64 && !bytes.is_empty() {
            write_base64(out, bytes);
        } else {
            words::write_quoted(out, bytes);
        }
        out.byte(b'\n');
        Ok(())
    }
}

fn too_long() -> Unfit {
    Unfit::entry("it is too long for a script line; use `export` with jsonl")
}

/// Whether a value in quotes would be longer than a value may be.
fn is_longer(bytes: &[u8]) -> bool {
    /// No escape makes a byte longer.
    const MOST: usize = 4;
    let mut length = Length(0);
    if bytes.len() > Value::MAX_LEN / MOST - 1 {
        words::write_quoted(&mut length, bytes);
    }
    length.0 > Value::MAX_LEN
}
