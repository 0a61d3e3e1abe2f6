//! `merge` and `patch`: changes of JSON that are themselves JSON.

use clap::Args;

use super::part::{ChangeTarget, PartArgs, PartChange};
use super::traits::{CommandArgs, Group, Traits};
use super::{Caller, Session};
use crate::error::{Error, Result};
use crate::shell::answer::done::Done;
use crate::shell::answer::reply::{Answer, Failure};
use crate::shell::text::argument::{Data, Key, data, key};
use crate::value::{Json, Value};

/// Merge an object into a JSON value; null deletes a member (JSON Merge Patch, RFC 7396)
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "Nested objects are merged too; anything else, including an array, replaces the old value. A missing key counts as an empty object.\n\nExamples:\n  merge user:1 '{\"age\":37,\"nickname\":null}'\n  merge config --pointer /server '{\"port\":8080}' --parents"
)]
pub(crate) struct MergeArgs {
    /// The key
    #[arg(value_name = "KEY", value_parser = key())]
    pub(crate) key: Key,
    /// The changes, usually an object
    #[arg(value_name = "JSON", value_parser = data(), allow_hyphen_values = true)]
    pub(crate) json: Data,
    #[command(flatten)]
    pub(crate) part: PartArgs,
}

impl CommandArgs for MergeArgs {
    const TRAITS: Traits = Traits::changes("merge", Group::Values).everyday();

    fn run<'s>(self, session: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let key: &str = &self.key;
        let patch = json(key, &self.json)?;
        let target = self.part.of(key);
        target.change(session, |before| {
            let merged = match before.value.take() {
                Some(Value::Json(mut json)) => json.merge(&patch).map(|()| json),
                Some(other) if !target.is_part() => Err(not_json(&other)),
                _ => Json::merged(&patch),
            };
            Ok((PartChange::Set(merged?.into()), ()))
        })?;
        Ok(Done::Merged { key: self.key.0 }.into())
    }
}

/// Apply a list of operations to a JSON value, all or none (JSON Patch, RFC 6902)
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "The operations are add, remove, replace, move, copy and test. If a test fails or a part does not exist, nothing is changed and the status is 1.\n\nExamples:\n  patch user:1 '[{\"op\":\"add\",\"path\":\"/age\",\"value\":36}]'\n  patch config '[{\"op\":\"test\",\"path\":\"/a\",\"value\":1},{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/b\"}]'"
)]
pub(crate) struct PatchArgs {
    /// The key
    #[arg(value_name = "KEY", value_parser = key())]
    pub(crate) key: Key,
    /// The operations, a JSON array
    #[arg(value_name = "JSON-PATCH", value_parser = data(), allow_hyphen_values = true)]
    pub(crate) patch: Data,
}

impl CommandArgs for PatchArgs {
    const TRAITS: Traits = Traits::changes("patch", Group::Values).everyday();

    fn run<'s>(self, session: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let key: &str = &self.key;
        let patch = json(key, &self.patch)?;
        let is_there = ChangeTarget::new(key, None).change(session, |before| match before.value.take() {
            None => Ok((PartChange::Same, false)),
            Some(Value::Json(mut json)) => {
                json.patch(&patch)?;
                Ok((PartChange::Set(json.into()), true))
            }
            Some(other) => Err(not_json(&other)),
        })?;
        if is_there { Ok(Done::Patched { key: self.key.0 }.into()) } else { Err(session.not_found(key)) }
    }
}

/// An argument that is JSON.
fn json(key: &str, bytes: &[u8]) -> Result<Json, Failure> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Failure::usage(format!("not valid JSON: byte {} is not UTF-8", error.valid_up_to())).on(key)
    })?;
    Json::parse(text).map_err(|error| Failure::from(error).on(key))
}

fn not_json(value: &Value) -> Error {
    let found = if matches!(value, Value::Bytes(_)) { "binary data" } else { "text" };
    Error::WrongType { wanted: "JSON", found: found.to_owned() }
}
