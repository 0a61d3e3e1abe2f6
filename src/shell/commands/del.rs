//! `del`.

use std::collections::HashSet;

use clap::Args;

use super::choosing::{Asking, Where};
use super::many::{Many, ManyChanged};
use super::part::{ChangeTarget, PartChange, nothing_at};
use super::traits::{CommandArgs, Group, Traits};
use super::{Caller, Session, refused};
use crate::shell::answer::code::Reason;
use crate::shell::answer::done::Done;
use crate::shell::answer::reply::{Answer, Failure};
use crate::shell::answer::status::Status;
use crate::shell::text::argument::{Key, PartPointer, Prefix, glob, key, pointer, prefix};
use crate::shell::text::glob::Glob;
use crate::store::StoreExt as _;

/// Delete keys
#[derive(Args, Clone, Debug, Default, PartialEq)]
#[command(
    after_help = "Examples:\n  del hello user:1\n  del --prefix session:\n  del user:1 --pointer /name\n  del --where '.expired == true'"
)]
pub(crate) struct DelArgs {
    /// The keys
    #[arg(required_unless_present_any = ["glob", "prefix", "condition", "kind", "expiring"], value_name = "KEY", value_parser = key())]
    pub(crate) keys: Vec<Key>,
    /// Delete all keys that match: * ? [a-z] [^x] \x
    #[arg(long, value_name = "GLOB", value_parser = glob(), conflicts_with = "keys")]
    pub(crate) glob: Option<Glob>,
    /// Delete all keys with this prefix
    #[arg(long, value_name = "PREFIX", value_parser = prefix(), conflicts_with_all = ["keys", "glob"])]
    pub(crate) prefix: Option<Prefix>,
    /// Delete only the part of the JSON value at this JSON Pointer or path: /tags/0, .name.first
    #[arg(long, value_name = "POINTER", value_parser = pointer(), conflicts_with_all = ["glob", "prefix", "condition", "kind", "expiring"])]
    pub(crate) pointer: Option<PartPointer>,
    #[command(flatten)]
    pub(crate) filtered: Where,
}

impl CommandArgs for DelArgs {
    const TRAITS: Traits = Traits::changes("del", Group::Values).also_named(&["delete", "rm", "unset"]).everyday();

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let asking = Asking::new(&self.filtered, None, session, caller.warnings)?;
        if asking.is_some() || self.glob.is_some() || self.prefix.is_some() {
            let many = Many { named: &self.keys, glob: self.glob.as_ref(), prefix: self.prefix.as_ref(), asking };
            return delete_many(session, caller, &many);
        }
        if let Some(pointer) = self.pointer {
            return delete_part(session, &self.keys, pointer);
        }
        let mut seen = HashSet::new();
        let named: Vec<&str> = self.keys.iter().map(|key| &**key).filter(|key| seen.insert(*key)).collect();
        let (deleted, missing) = session.db.transaction(&named, |tx| {
            let (mut deleted, mut missing) = (0_u64, Vec::new());
            for key in &named {
                if tx.delete(key)? {
                    deleted += 1;
                } else {
                    missing.push((*key).to_owned());
                }
            }
            Ok((deleted, missing))
        })?;
        if let ([key], 0) = (&missing[..], deleted) {
            return Err(session.not_found(key));
        }
        let notes: Vec<String> = missing.iter().map(|key| session.not_found(key).message).collect();
        let status = if missing.is_empty() { Status::Done } else { Status::No };
        Ok(Answer { status, notes, ..Done::Deleted { keys: deleted, missing }.into() })
    }
}

/// Deletes what a glob, a prefix or a filter picks.
fn delete_many<'s>(session: &mut Session, caller: &mut Caller<'_>, many: &Many<'_>) -> Result<Answer<'s>, Failure> {
    match many.change(session, caller, &|keys| format!("Delete {keys}"), &mut |tx, key| tx.delete(key))? {
        ManyChanged::Refused => Ok(refused(Reason::NotConfirmed, "Nothing was deleted".to_owned())),
        ManyChanged::Keys(keys, notes) => Ok(Answer { notes, ..Done::Deleted { keys, missing: Vec::new() }.into() }),
    }
}

/// Deletes a part of the JSON value of one key.
fn delete_part<'s>(session: &mut Session, keys: &[Key], pointer: PartPointer) -> Result<Answer<'s>, Failure> {
    let [key] = keys else {
        return Err(Failure::usage("--pointer takes one key"));
    };
    let was_there = ChangeTarget::new(key, Some(&pointer)).change(session, |before| {
        let is_there = before.value.is_some();
        Ok((if is_there { PartChange::Removed } else { PartChange::Same }, is_there))
    })?;
    if !was_there {
        return Err(nothing_at(key, &pointer.typed));
    }
    Ok(Done::PartDeleted { key: key.to_string(), pointer: pointer.typed }.into())
}
