//! `info`.

use clap::Args;

use super::traits::{CommandArgs, Group, Traits};
use super::{Caller, Session};
use crate::shell::answer::reply::{Answer, Failure, Field, Reply};
use crate::shell::text::argument::{Key, key};
use crate::shell::text::mask::HIDDEN;
use crate::store::Store as _;
use crate::value::Value;

/// Describe a key: type, size, expiry
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  info user:1\n  info user:1 -o json")]
pub(crate) struct InfoArgs {
    /// The key
    #[arg(value_name = "KEY", value_parser = key())]
    pub(crate) key: Key,
    /// Print only the size of its value in bytes
    #[arg(long)]
    pub(crate) size: bool,
}

impl CommandArgs for InfoArgs {
    const TRAITS: Traits = Traits::reads_only("info", Group::Queries).everyday();

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let key: &str = &self.key;
        let Some(entry) = session.db.entry(key)? else { return Err(session.not_found(key)) };
        if self.size {
            return Ok(Reply::Number(entry.value.as_bytes().len() as u64).into());
        }
        let left = entry.expiry.map(|expiry| expiry.since(session.db.now()));
        let is_masked = caller.is_masked(key);
        // How long a secret is, is a part of it.
        let size = Field::Bytes(entry.value.as_bytes().len() as u64);
        let size = if is_masked { Field::Text(HIDDEN.to_owned()) } else { size };
        let beginning = if is_masked { HIDDEN.to_owned() } else { beginning(&entry.value) };
        let record = vec![
            ("key", Field::Text(key.to_owned())),
            ("type", Field::Text(entry.value.kind().to_owned())),
            ("size", size),
            ("expires", entry.expiry.map_or(Field::None, |expiry| Field::Text(expiry.to_string()))),
            ("ttl", left.map_or(Field::None, Field::Span)),
            ("begins", Field::Beginning(beginning)),
        ];
        Ok(Reply::Record(record).into())
    }
}

/// The beginning of a value: its text, or the first of its bytes in hexadecimal.
fn beginning(value: &Value) -> String {
    const CHARACTERS: usize = 80;
    const BYTES: usize = 16;
    let (mut beginning, is_all) = match value {
        Value::Bytes(bytes) => {
            let hex: Vec<String> = bytes.iter().take(BYTES).map(|byte| format!("{byte:02x}")).collect();
            (hex.join(" "), bytes.len() <= BYTES)
        }
        Value::Text(text) => (text.chars().take(CHARACTERS).collect(), text.chars().nth(CHARACTERS).is_none()),
        Value::Json(json) => {
            (json.as_str().chars().take(CHARACTERS).collect(), json.as_str().chars().nth(CHARACTERS).is_none())
        }
    };
    if !is_all {
        beginning.push_str(if matches!(value, Value::Bytes(_)) { " …" } else { "…" });
    }
    beginning
}
