//! `push` and `pop`: a JSON array as a queue or a stack.

use clap::Args;

use super::part::{ChangeTarget, OldPart, PartArgs, PartChange, nothing_at};
use super::traits::{CommandArgs, Group, Traits};
use super::{Caller, Session};
use crate::error::{Error, Result};
use crate::shell::answer::code::Code;
use crate::shell::answer::done::Done;
use crate::shell::answer::reply::{Answer, Failure, Reply, shown};
use crate::shell::answer::status::Status;
use crate::shell::text::argument::{Data, Key, PartPointer, data, key, pointer};
use crate::value::{Json, Value};

/// Add values to the end of a JSON array (a missing key counts as an empty array)
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "Values keep their order, also with --front. Use `pop KEY --front` for a queue and `pop KEY` for a stack; any number of programs can push and pop at the same time.\n\nExamples:\n  push jobs build test\n  push order:1 --pointer /items coffee\n  push points '[1, 2.50]' --json --front"
)]
pub(crate) struct PushArgs {
    /// The key
    #[arg(value_name = "KEY", value_parser = key())]
    pub(crate) key: Key,
    /// The values
    #[arg(required = true, value_name = "VALUE", value_parser = data())]
    pub(crate) values: Vec<Data>,
    /// The values are JSON: they are checked, and their digits are kept
    #[arg(long)]
    pub(crate) json: bool,
    /// Add the values before the first item
    #[arg(long)]
    pub(crate) front: bool,
    #[command(flatten)]
    pub(crate) part: PartArgs,
}

impl CommandArgs for PushArgs {
    const TRAITS: Traits = Traits::changes("push", Group::Values).everyday();

    fn run<'s>(self, session: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let key: &str = &self.key;
        let values: Vec<Json> =
            self.values.iter().map(|Data(bytes)| item(key, bytes, self.json)).collect::<Result<_, _>>()?;
        let length = self.part.of(key).change(session, |before| {
            let mut array = array(before)?;
            let length = array.push(&values, self.front)?;
            Ok((PartChange::Set(array.into()), length))
        })?;
        Ok(Done::Pushed { values: values.len() as u64, length, key: self.key.0 }.into())
    }
}

/// Remove the last item of a JSON array and print it
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "The status is 1 if there is no item. An empty array is kept.\n\nExamples:\n  pop jobs --front\n  pop order:1 --pointer /items"
)]
pub(crate) struct PopArgs {
    /// The key
    #[arg(value_name = "KEY", value_parser = key())]
    pub(crate) key: Key,
    /// Remove the first item instead
    #[arg(long)]
    pub(crate) front: bool,
    /// Take it from the array at this JSON Pointer or path: /tags, .tags
    #[arg(long, value_name = "POINTER", value_parser = pointer())]
    pub(crate) pointer: Option<PartPointer>,
}

impl CommandArgs for PopArgs {
    const TRAITS: Traits = Traits::changes("pop", Group::Values).everyday();

    fn run<'s>(self, session: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let key: &str = &self.key;
        let popped = ChangeTarget::new(key, self.pointer.as_ref()).change(session, |before| {
            let is_there = before.value.is_some();
            let mut array = array(before)?;
            Ok(match array.pop(self.front)? {
                Some(item) => (PartChange::Set(array.into()), Ok(item)),
                None => (PartChange::Same, Err(is_there)),
            })
        })?;
        match (popped, &self.pointer) {
            (Ok(item), _) => Ok(Reply::Value(item).into()),
            (Err(true), pointer) => Err(empty(key, pointer.as_ref())),
            (Err(false), Some(pointer)) => Err(nothing_at(key, &pointer.typed)),
            (Err(false), None) => Err(session.not_found(key)),
        }
    }
}

/// A value as an item of an array.
fn item(key: &str, bytes: &[u8], is_json: bool) -> Result<Json, Failure> {
    let text = std::str::from_utf8(bytes).map_err(|_| {
        Failure::usage("expected UTF-8, found other bytes; a JSON array cannot hold binary data").on(key)
    })?;
    let item = if is_json { Json::parse(text) } else { Value::from(text).try_into() };
    item.map_err(|error| Failure::from(error).on(key))
}

/// The array that is there, or an empty one.
fn array(before: &mut OldPart) -> Result<Json> {
    match before.value.take() {
        None => Ok(Json::empty_array()),
        Some(Value::Json(json)) => Ok(json),
        Some(other) => {
            let found = if matches!(other, Value::Text(_)) { "text" } else { "binary data" };
            Err(Error::WrongType { wanted: "a JSON array", found: found.to_owned() })
        }
    }
}

fn empty(key: &str, pointer: Option<&PartPointer>) -> Failure {
    let place = pointer.map(|pointer| format!(" at '{}'", shown(&pointer.typed))).unwrap_or_default();
    let message = format!("Key '{}' has an empty array{place}", shown(key));
    Failure { status: Status::No, code: Code::NotFound, message, key: Some(key.to_owned()) }
}
