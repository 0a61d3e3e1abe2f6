//! `get`.

use clap::Args;

use super::traits::{CommandArgs, Group, Traits};
use super::{Caller, Session};
use crate::shell::answer::code::Code;
use crate::shell::answer::reply::{Answer, Failure, Reply, shown};
use crate::shell::answer::status::Status;
use crate::shell::text::argument::{Data, Key, Pointer, data, key, pointer};
use crate::store::Store as _;
use crate::value::Value;

/// Print the values of keys
#[derive(Args, Clone, Debug, Default, PartialEq)]
#[command(
    after_help = "On a terminal, line feeds and tabs are printed and other control characters are escaped. `-o raw` on the command itself prints the exact bytes there, too.\n\nExamples:\n  get hello\n  get user:1 --pointer /name --default none"
)]
pub(crate) struct GetArgs {
    /// The keys
    #[arg(required = true, value_name = "KEY", value_parser = key())]
    pub(crate) keys: Vec<Key>,
    /// Print only the part of the JSON value at this JSON Pointer: /name, /tags/0
    #[arg(long, value_name = "POINTER", value_parser = pointer())]
    pub(crate) pointer: Option<Pointer>,
    /// Print this if the key does not exist
    #[arg(long, value_name = "VALUE", value_parser = data(), allow_hyphen_values = true)]
    pub(crate) default: Option<Data>,
}

impl CommandArgs for GetArgs {
    const TRAITS: Traits = Traits::reads_only("get", Group::Values).everyday();

    fn run<'s>(self, session: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let default = self.default.map(|Data(bytes)| Value::from_bytes(bytes));
        let mut found = Vec::with_capacity(self.keys.len());
        let mut missing = Vec::new();
        for Key(key) in self.keys {
            let value = match session.db.get(&key)? {
                Some(value) => match part(&key, value, self.pointer.as_deref())? {
                    Ok(part) => Some(part),
                    Err(failure) if default.is_none() => {
                        missing.push(failure);
                        None
                    }
                    Err(_) => default.clone(),
                },
                None if default.is_some() => default.clone(),
                None => {
                    missing.push(session.not_found(&key));
                    None
                }
            };
            found.push((key, value));
        }
        if let [(key, value)] = &mut found[..] {
            return match (value.take(), missing.pop()) {
                (Some(value), _) => Ok(Reply::Value(value).into()),
                (None, Some(failure)) => Err(failure),
                (None, None) => Err(session.not_found(key)),
            };
        }
        let status = if missing.is_empty() { Status::Done } else { Status::No };
        let notes = missing.into_iter().map(|failure| failure.message).collect();
        Ok(Answer { reply: Reply::Values(found), status, notes })
    }
}

/// The part of a value that a pointer names; the inner failure says that there is none.
fn part(key: &str, value: Value, pointer: Option<&str>) -> Result<Result<Value, Failure>, Failure> {
    let Some(pointer) = pointer else { return Ok(Ok(value)) };
    let (found, why) = match &value {
        Value::Json(json) => (json.pointer(pointer)?, ""),
        Value::Text(_) | Value::Bytes(_) if pointer.is_empty() => return Ok(Ok(value)),
        Value::Text(_) => (None, ": it is text, not JSON"),
        Value::Bytes(_) => (None, ": it is binary, not JSON"),
    };
    Ok(found.ok_or_else(|| Failure {
        status: Status::No,
        code: Code::NotFound,
        message: format!("Key '{}' has nothing at '{}'{why}", shown(key), shown(pointer)),
        key: Some(key.to_owned()),
    }))
}
