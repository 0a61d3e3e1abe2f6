//! The target of a command: the value of a key, or a part of its JSON value.

use clap::Args;

use super::Session;
use crate::error::{Error, Result};
use crate::expiry::Timestamp;
use crate::json::PutMode;
use crate::shell::answer::code::Code;
use crate::shell::answer::reply::{Failure, shown};
use crate::shell::answer::status::Status;
use crate::shell::text::argument::{PartPointer, pointer};
use crate::storage::Entry;
use crate::store::{Changes, StoreExt as _};
use crate::value::{Json, Value};

/// The part to change, and whether to create its parents.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub(crate) struct PartArgs {
    /// Change only the part of the JSON value at this JSON Pointer or path: /tags/0, .name.first (/tags/- adds an item)
    #[arg(long, value_name = "POINTER", value_parser = pointer())]
    pub(crate) pointer: Option<PartPointer>,
    /// Create missing parents of the part, including the key
    #[arg(long, requires = "pointer")]
    pub(crate) parents: bool,
}

impl PartArgs {
    /// The target of a change of this key.
    pub(crate) fn of<'t>(&'t self, key: &'t str) -> ChangeTarget<'t> {
        ChangeTarget { parents: self.parents, ..ChangeTarget::new(key, self.pointer.as_ref()) }
    }
}

/// The target of a change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChangeTarget<'t> {
    key: &'t str,
    pointer: Option<&'t PartPointer>,
    parents: bool,
    is_blind: bool,
}

/// The state before a change.
#[derive(Debug)]
pub(crate) struct OldPart {
    /// The value or the part, if it exists.
    pub(crate) value: Option<Value>,
    /// The expiry of the key, which is kept unless the change sets another.
    pub(crate) expiry: Option<Timestamp>,
    pub(crate) now: Timestamp,
}

/// What to do with it.
#[derive(Debug)]
pub(crate) enum PartChange {
    /// Keep it.
    Same,
    Set(Value),
    Removed,
    /// Delete the whole key.
    KeyDeleted,
}

impl<'t> ChangeTarget<'t> {
    pub(crate) fn new(key: &'t str, pointer: Option<&'t PartPointer>) -> Self {
        Self { key, pointer, parents: false, is_blind: false }
    }

    /// The same; a whole value whose old state does not matter is not read.
    pub(crate) fn blind(self, is_blind: bool) -> Self {
        Self { is_blind, ..self }
    }

    /// Whether it is a part of a JSON value.
    pub(crate) fn is_part(&self) -> bool {
        self.pointer.is_some_and(|pointer| !pointer.path.is_whole())
    }

    /// Makes one atomic change, which keeps the expiry. `change` is called again if another process was faster.
    pub(crate) fn change<T>(
        &self,
        session: &mut Session,
        mut change: impl FnMut(&mut OldPart) -> Result<(PartChange, T)>,
    ) -> Result<T, Failure> {
        let changed = session.db.transaction(&[self.key], |tx| self.apply(tx, &mut change));
        match changed {
            Ok(Some(done)) => Ok(done),
            Ok(None) => Err(session.not_found(self.key)),
            Err(Error::NothingThere { pointer }) => {
                let failure = nothing_at(self.key, &pointer);
                let message = format!("{}; --parents creates what is missing", failure.message);
                Err(Failure { message, ..failure })
            }
            Err(error) => Err(Failure::from(error).on(self.key)),
        }
    }

    /// `None` if the key of a part does not exist.
    fn apply<T>(
        &self,
        tx: &mut dyn Changes,
        change: &mut impl FnMut(&mut OldPart) -> Result<(PartChange, T)>,
    ) -> Result<Option<T>> {
        let is_read = self.pointer.is_some() || !self.is_blind;
        let (value, expiry) = match if is_read { tx.entry(self.key)? } else { None } {
            Some(entry) => (Some(entry.value), entry.expiry),
            None => (None, None),
        };
        let mut before = OldPart { value: None, expiry, now: tx.now() };
        let Some(pointer) = self.pointer else {
            before.value = value;
            return self.write(tx, change(&mut before)?, before.expiry);
        };
        let (mut json, is_there) = match (value, self.parents) {
            (Some(value), _) if pointer.path.is_whole() => {
                before.value = Some(value);
                return self.write(tx, change(&mut before)?, before.expiry);
            }
            (Some(value), _) => (json_of(value)?, true),
            (None, true) => (Json::around(&pointer.path), false),
            (None, false) => return Ok(None),
        };
        before.value = if is_there { json.part(&pointer.path) } else { None };
        let (after, done) = change(&mut before)?;
        let how = if self.parents { PutMode::SetWithParents } else { PutMode::Set };
        let after = match after {
            PartChange::Set(value) => {
                json.put(&pointer.path, &value.try_into()?, how)?;
                PartChange::Set(json.into())
            }
            PartChange::Removed => {
                json.take_out(&pointer.path)?;
                PartChange::Set(json.into())
            }
            other => other,
        };
        self.write(tx, (after, done), before.expiry)
    }

    fn write<T>(&self, tx: &mut dyn Changes, after: (PartChange, T), expiry: Option<Timestamp>) -> Result<Option<T>> {
        match after.0 {
            PartChange::Same => {}
            PartChange::Set(value) => tx.set(self.key, &Entry { value, expiry })?,
            PartChange::Removed | PartChange::KeyDeleted => drop(tx.delete(self.key)?),
        }
        Ok(Some(after.1))
    }
}

/// The part of a value that a pointer names, if it exists. Text and bytes have no parts.
pub(crate) fn part_of(value: Value, pointer: &PartPointer) -> Result<Option<Value>> {
    if pointer.path.is_whole() {
        return Ok(Some(value));
    }
    json_of(value).map(|json| json.part(&pointer.path))
}

/// The failure of a command on a part that does not exist.
pub(crate) fn nothing_at(key: &str, pointer: &str) -> Failure {
    let message = format!("Key '{}' has nothing at '{}'", shown(key), shown(pointer));
    Failure { status: Status::No, code: Code::NotFound, message, key: Some(key.to_owned()) }
}

fn json_of(value: Value) -> Result<Json> {
    let found = match value {
        Value::Json(json) => return Ok(json),
        Value::Text(_) => "text (only JSON has parts)",
        Value::Bytes(_) => "binary data (only JSON has parts)",
    };
    Err(Error::WrongType { wanted: "JSON", found: found.to_owned() })
}
