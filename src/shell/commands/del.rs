//! `del`.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use clap::Args;

use super::choosing::{Asking, Where};
use super::part::{ChangeTarget, PartChange, nothing_at};
use super::traits::{CommandArgs, Group, Traits};
use super::{Caller, Session, keys, refused};
use crate::shell::answer::code::Reason;
use crate::shell::answer::done::Done;
use crate::shell::answer::reply::{Answer, Failure};
use crate::shell::answer::status::Status;
use crate::shell::terminal::interrupt::{self, stoppable};
use crate::shell::terminal::progress;
use crate::shell::text::argument::{Key, PartPointer, Prefix, glob, key, pointer, prefix};
use crate::shell::text::glob::Glob;
use crate::storage::Entry;
use crate::store::{Scan, Store as _, StoreExt as _};

/// Delete keys
#[derive(Args, Clone, Debug, Default, PartialEq)]
#[command(
    after_help = "Examples:\n  del hello user:1\n  del --prefix session:\n  del user:1 --pointer /name\n  del --where '.expired == true'"
)]
pub(crate) struct DelArgs {
    /// The keys
    #[arg(required_unless_present_any = ["glob", "prefix", "condition"], value_name = "KEY", value_parser = key())]
    pub(crate) keys: Vec<Key>,
    /// Delete all keys that match: * ? [a-z] [^x] \x
    #[arg(long, value_name = "GLOB", value_parser = glob(), conflicts_with = "keys")]
    pub(crate) glob: Option<Glob>,
    /// Delete all keys with this prefix
    #[arg(long, value_name = "PREFIX", value_parser = prefix(), conflicts_with_all = ["keys", "glob"])]
    pub(crate) prefix: Option<Prefix>,
    /// Delete only the part of the JSON value at this JSON Pointer or path: /tags/0, .tags[0]
    #[arg(long, value_name = "POINTER", value_parser = pointer(), conflicts_with_all = ["glob", "prefix", "condition"])]
    pub(crate) pointer: Option<PartPointer>,
    #[command(flatten)]
    pub(crate) filtered: Where,
}

impl CommandArgs for DelArgs {
    const TRAITS: Traits = Traits::changes("del", Group::Values).also_named(&["delete", "rm", "unset"]).everyday();

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let Where { condition, given } = &self.filtered;
        if let Some(asking) = Asking::new(condition.as_ref(), None, given, session, caller.warnings)? {
            return self.asked(session, caller, &asking);
        }
        if self.glob.is_some() || self.prefix.is_some() {
            return self.many(session, caller);
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

impl DelArgs {
    /// Deletes what a filter holds for, of the keys, of what a glob or prefix hits, or of all. It is asked without the lock; an
    /// entry that another process has changed since stays.
    fn asked<'s>(
        &self,
        session: &'s mut Session,
        caller: &mut Caller<'_>,
        asking: &Asking,
    ) -> Result<Answer<'s>, Failure> {
        let glob = self.glob.as_ref();
        let prefix = glob.map_or(self.prefix.as_deref().unwrap_or_default(), Glob::prefix);
        let named: HashSet<&str> = self.keys.iter().map(|key| &**key).collect();
        let mut hits: HashMap<String, u64> = HashMap::new();
        for item in stoppable(session.db.scan(&Scan::prefix(prefix)), progress::keys) {
            let (key, entry) = item?;
            let is_hit = glob.is_none_or(|glob| glob.matches(&key)) && (named.is_empty() || named.contains(&*key));
            if is_hit && asking.holds(&key, &entry)? {
                hits.insert(key, fingerprint(&entry));
            }
        }
        let count = hits.len() as u64;
        if count > 1 {
            let warning = session.undo_warning(prefix, |key| hits.contains_key(key))?;
            let note = warning.map(|warning| format!(" ({warning})")).unwrap_or_default();
            if !caller.confirm(&format!("Delete {}?{note}", keys(count))) {
                return Ok(refused(Reason::NotConfirmed, "Nothing was deleted".to_owned()));
            }
            if warning.is_some() {
                session.db.give_consent();
            }
        }
        let all: Vec<&str> = hits.keys().map(String::as_str).collect();
        let deleted = session.db.transaction(&all, |tx| {
            let mut deleted = 0;
            for (key, seen) in &hits {
                interrupt::check()?;
                if tx.entry(key)?.is_some_and(|entry| fingerprint(&entry) == *seen) && tx.delete(key)? {
                    deleted += 1;
                }
            }
            Ok(deleted)
        })?;
        let left = count - deleted;
        let notes = (left > 0)
            .then(|| format!("warning: another process changed {} since the filter was asked; left alone", keys(left)));
        Ok(Answer { notes: notes.into_iter().collect(), ..Done::Deleted { keys: deleted, missing: Vec::new() }.into() })
    }

    /// Deletes what a glob or prefix hits. A person is asked first, without the lock; what is there when the lock is
    /// had counts.
    fn many<'s>(&self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let glob = self.glob.as_ref();
        let prefix = glob.map_or(self.prefix.as_deref().unwrap_or_default(), Glob::prefix);
        let hit = |key: &str| glob.is_none_or(|glob| glob.matches(key));
        let mut count = 0;
        for key in stoppable(session.db.scan_keys(&Scan::prefix(prefix)), progress::keys) {
            count += u64::from(hit(&key?));
        }
        if count > 1 {
            let warning = session.undo_warning(prefix, hit)?;
            let note = warning.map(|warning| format!(" ({warning})")).unwrap_or_default();
            if !caller.confirm(&format!("Delete {}?{note}", keys(count))) {
                return Ok(refused(Reason::NotConfirmed, "Nothing was deleted".to_owned()));
            }
            if warning.is_some() {
                session.db.give_consent();
            }
        }
        let deleted = session.db.delete_all(prefix, &hit, interrupt::check)?;
        Ok(Done::Deleted { keys: deleted, missing: Vec::new() }.into())
    }
}

/// Deletes a part of the JSON of one key.
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

/// What tells an entry from another of its key.
fn fingerprint(entry: &Entry) -> u64 {
    let mut hasher = DefaultHasher::new();
    entry.value.kind().hash(&mut hasher);
    entry.value.as_bytes().hash(&mut hasher);
    entry.expiry.map(crate::expiry::Timestamp::as_millis).hash(&mut hasher);
    hasher.finish()
}
