//! `get`.

use std::{iter, mem};

use clap::Args;

use super::choosing::{Asking, Select, Where};
use super::listing::{Looking, listing};
use super::part::{nothing_at, part_of};
use super::traits::{CommandArgs, Group, Traits};
use super::{Caller, Session};
use crate::shell::answer::reply::{Answer, Failure, Outputs, Reply, Show};
use crate::shell::answer::status::Status;
use crate::shell::text::argument::{Data, Key, PartPointer, Prefix, data, glob, key, pointer, prefix};
use crate::shell::text::glob::Glob;
use crate::storage::Entry;
use crate::store::Store as _;
use crate::value::Value;

/// Print the values of keys
#[derive(Args, Clone, Debug, Default, PartialEq)]
#[command(
    after_help = "On a terminal, line feeds and tabs are printed and other control characters are escaped. `-o raw` on the command itself prints the exact bytes there, too.\n\nExamples:\n  get hello\n  get user:1 --pointer /name --default none\n  get --prefix user: --pointer /name"
)]
pub(crate) struct GetArgs {
    /// The keys
    #[arg(required_unless_present_any = ["glob", "prefix", "condition", "kind", "expiring"], value_name = "KEY", value_parser = key())]
    pub(crate) keys: Vec<Key>,
    /// Print all keys that match: * ? [a-z] [^x] \x
    #[arg(long, value_name = "GLOB", value_parser = glob(), conflicts_with = "keys")]
    pub(crate) glob: Option<Glob>,
    /// Print all keys with this prefix
    #[arg(long, value_name = "PREFIX", value_parser = prefix(), conflicts_with_all = ["keys", "glob"])]
    pub(crate) prefix: Option<Prefix>,
    /// Print only the part of the JSON value at this JSON Pointer or path: /tags/0, .name.first
    #[arg(long, value_name = "POINTER", value_parser = pointer(), conflicts_with = "select")]
    pub(crate) pointer: Option<PartPointer>,
    /// Print this value if the key or the part does not exist
    #[arg(long, value_name = "VALUE", value_parser = data(), allow_hyphen_values = true, conflicts_with = "select")]
    pub(crate) default: Option<Data>,
    #[command(flatten)]
    pub(crate) selected: Select,
    #[command(flatten)]
    pub(crate) filtered: Where,
}

impl CommandArgs for GetArgs {
    const TRAITS: Traits = Traits::reads_only("get", Group::Values).everyday();

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        if self.keys.is_empty() {
            return self.many(session, caller);
        }
        if self.filtered.is_given() {
            return Err(Failure::usage("--where, --type and --expiring choose among many keys: leave out the KEYs"));
        }
        let select = self.selected.select.as_ref();
        if let Some(asking) = Asking::new(&self.filtered, select, session, caller.warnings)? {
            return selected(session, &self.keys, &asking);
        }
        let default = self.default.map(|Data(bytes)| Value::from_bytes(bytes));
        let mut found = Vec::with_capacity(self.keys.len());
        let mut missing = Vec::new();
        for Key(key) in self.keys {
            let value = match session.db.get(&key)? {
                Some(value) => match part(&key, value, self.pointer.as_ref()) {
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
        let status = missing.iter().map(|failure| failure.status).max().unwrap_or(Status::Done);
        let notes = missing.into_iter().map(|failure| failure.message).collect();
        Ok(Answer { reply: Reply::Values(found), status, notes })
    }
}

impl GetArgs {
    /// The values of what a glob, a prefix or a filter picks. Those without the part that a pointer names are left out, unless
    /// something is to stand for it.
    fn many<'s>(self, session: &'s mut Session, caller: &Caller<'_>) -> Result<Answer<'s>, Failure> {
        let Self { glob, prefix, filtered, pointer, default, selected, .. } = self;
        let looking = Looking { glob, prefix, filtered, ..Looking::default() };
        let mut answer = listing(session, looking, Show::Entries, selected.select.as_ref(), caller)?;
        if let (Reply::Listing(listing), Some(pointer)) = (&mut answer.reply, pointer) {
            let default = default.map(|Data(bytes)| Value::from_bytes(bytes));
            let entries = mem::replace(&mut listing.entries, Box::new(iter::empty()));
            listing.entries = Box::new(entries.filter_map(move |item| {
                let (key, entry) = match item {
                    Ok(item) => item,
                    Err(error) => return Some(Err(error)),
                };
                let part = part_of(entry.value, &pointer).ok().flatten();
                Some(Ok((key, Entry { value: part.or_else(|| default.clone())?, ..entry })))
            }));
        }
        Ok(answer)
    }
}

/// The value, or the part of it that a pointer names.
fn part(key: &str, value: Value, pointer: Option<&PartPointer>) -> Result<Value, Failure> {
    let Some(pointer) = pointer else { return Ok(value) };
    let found = part_of(value, pointer).map_err(|error| Failure::from(error).on(key))?;
    found.ok_or_else(|| nothing_at(key, &pointer.typed))
}

/// The outputs of a filter for the values of keys. A single missing key is a failure.
fn selected<'s>(session: &'s Session, keys: &[Key], asking: &Asking) -> Result<Answer<'s>, Failure> {
    let mut found = Vec::with_capacity(keys.len());
    let mut missing = Vec::new();
    for Key(key) in keys {
        match session.db.entry(key)? {
            Some(entry) => found.push(Ok((key.clone(), asking.outputs(key, &entry)?))),
            None if keys.len() == 1 => return Err(session.not_found(key)),
            None => missing.push(session.not_found(key).message),
        }
    }
    let status = if missing.is_empty() { Status::Done } else { Status::No };
    let outputs = Outputs { entries: Box::new(found.into_iter()), keys: keys.len() > 1, is_by_key: true };
    Ok(Answer { reply: Reply::Outputs(outputs), status, notes: missing })
}
