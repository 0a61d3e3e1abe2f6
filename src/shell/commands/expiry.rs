//! `expire`, `ttl` and `persist`.

use std::time::Duration;

use clap::Args;

use super::choosing::{Asking, Where};
use super::many::{Many, ManyChanged};
use super::traits::{CommandArgs, Group, Traits};
use super::{Caller, Session, refused};
use crate::expiry::{Timestamp, parse_duration};
use crate::shell::answer::code::Reason;
use crate::shell::answer::done::Done;
use crate::shell::answer::reply::{Answer, Failure, Reply};
use crate::shell::text::argument::{Key, Prefix, duration, glob, key, prefix, time};
use crate::shell::text::glob::Glob;
use crate::storage::Entry;
use crate::store::{Changes, Store as _, StoreExt as _};
use crate::value::Value;

/// Set the time to live of keys
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "Examples:\n  expire session:9 30m\n  expire token 90\n  expire session:9 --at 2030-01-01T00:00:00Z\n  expire --prefix session: 1h"
)]
pub(crate) struct ExpireArgs {
    /// The key
    #[arg(value_name = "KEY", value_parser = key(), required_unless_present_any = ["glob", "prefix", "condition", "kind", "expiring"])]
    pub(crate) key: Option<Key>,
    /// The time to live: 90 (seconds), 45s, 1h30m
    #[arg(value_name = "DURATION", value_parser = duration(), allow_hyphen_values = true, required_unless_present_any = ["at", "glob", "prefix", "condition", "kind", "expiring"])]
    pub(crate) duration: Option<Duration>,
    /// Delete the key at this time: 2026-11-23T04:00:00Z
    #[arg(long, value_name = "RFC3339", value_parser = time(), conflicts_with = "duration")]
    pub(crate) at: Option<Timestamp>,
    /// Print the key's value
    #[arg(long, conflicts_with_all = ["glob", "prefix", "condition", "kind", "expiring"])]
    pub(crate) print: bool,
    #[command(flatten)]
    pub(crate) pick: Pick,
}

/// Many keys in place of one.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub(crate) struct Pick {
    /// All keys that match: * ? [a-z] [^x] \x
    #[arg(long, value_name = "GLOB", value_parser = glob())]
    pub(crate) glob: Option<Glob>,
    /// All keys with this prefix
    #[arg(long, value_name = "PREFIX", value_parser = prefix(), conflicts_with = "glob")]
    pub(crate) prefix: Option<Prefix>,
    #[command(flatten)]
    pub(crate) filtered: Where,
}

impl Pick {
    fn is_given(&self) -> bool {
        self.glob.is_some() || self.prefix.is_some() || self.filtered.is_given()
    }

    fn many(&self, session: &Session, caller: &Caller<'_>) -> Result<Many<'_>, Failure> {
        let asking = Asking::new(&self.filtered, None, session, caller.warnings)?;
        Ok(Many { glob: self.glob.as_ref(), prefix: self.prefix.as_ref(), asking, ..Many::default() })
    }
}

/// Where many keys are chosen, what stands in the place of the key is the time, if there is one.
fn only_duration(key: Option<Key>, duration: Option<Duration>, at: bool) -> Result<Option<Duration>, Failure> {
    match (key, duration) {
        (Some(_), Some(_)) => Err(Failure::usage(NO_KEY)),
        (Some(_), None) if at => Err(Failure::usage(NO_KEY)),
        (Some(Key(text)), None) => parse_duration(&text).map(Some).map_err(|error| Failure::usage(error.to_string())),
        (None, None) if !at => Err(Failure::usage("expected a DURATION such as 90, 45s or 1h30m, or --at")),
        (None, duration) => Ok(duration),
    }
}

const NO_KEY: &str = "--glob, --prefix, --where, --type and --expiring choose among many keys: leave out the KEY";

/// Sets the expiry of a key; the entry's value, the expiry and what is left until then. `None` if it is not there.
fn expire(
    tx: &mut dyn Changes,
    key: &str,
    at: Option<Timestamp>,
    after: Option<Duration>,
) -> crate::Result<Option<(Value, Timestamp, Duration)>> {
    let now = tx.now();
    let expiry = match at {
        Some(at) => at,
        None => now.after(after.unwrap_or_default())?,
    };
    let Some(entry) = tx.entry(key)? else { return Ok(None) };
    let left = expiry.since(now);
    if left.is_zero() {
        tx.delete(key)?;
    } else {
        tx.set(key, &Entry { value: entry.value.clone(), expiry: Some(expiry) })?;
    }
    Ok(Some((entry.value, expiry, left)))
}

/// Takes the expiry of a key away; the value and whether there was one. `None` if the key is not there.
fn persist(tx: &mut dyn Changes, key: &str) -> crate::Result<Option<(Value, bool)>> {
    let Some(entry) = tx.entry(key)? else { return Ok(None) };
    let had_one = entry.expiry.is_some();
    if had_one {
        tx.set(key, &Entry { value: entry.value.clone(), expiry: None })?;
    }
    Ok(Some((entry.value, had_one)))
}

impl ExpireArgs {
    fn many<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let Self { key, duration, at, pick, .. } = self;
        let after = only_duration(key, duration, at.is_some())?;
        let many = pick.many(session, caller)?;
        let mut expires = None;
        let ask = |keys: &str| format!("Set the time to live of {keys}");
        let changed = many.change(session, caller, &ask, &mut |tx, key| {
            let done = expire(tx, key, at, after)?;
            if let Some((_, expiry, left)) = &done {
                expires = Some((*expiry, *left));
            }
            Ok(done.is_some())
        })?;
        Ok(match changed {
            ManyChanged::Refused => refused(Reason::NotConfirmed, "No time to live was set".to_owned()),
            ManyChanged::Keys(keys, notes) => {
                let (at, after) = expires.map_or((None, None), |(at, left)| (Some(at), Some(after.unwrap_or(left))));
                Answer { notes, ..Done::ExpiresMany { keys, after, at }.into() }
            }
        })
    }
}

impl CommandArgs for ExpireArgs {
    const TRAITS: Traits = Traits::changes("expire", Group::Expiry).everyday();

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        if self.pick.is_given() {
            return self.many(session, caller);
        }
        self.pick.filtered.given.check_unused()?;
        let Self { key, duration, at, print, .. } = self;
        let key = key.unwrap_or_default();
        let expires = session.db.transaction(&[&key], |tx| expire(tx, &key, at, duration));
        let Some((value, at, left)) = expires.map_err(|error| Failure::from(error).on(&key))? else {
            return Err(session.not_found(&key));
        };
        if print {
            return Ok(Reply::Value(value).into());
        }
        if left.is_zero() {
            return Ok(Done::SetTooLate { key: key.0 }.into());
        }
        Ok(Done::Expires { key: key.0, after: duration.unwrap_or(left), at }.into())
    }
}

/// Print a key's time to live in seconds, or none
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  ttl session:9\n  ttl session:9 -o json")]
pub(crate) struct TtlArgs {
    /// The key
    #[arg(value_name = "KEY", value_parser = key())]
    pub(crate) key: Key,
    /// Print milliseconds instead of seconds
    #[arg(long)]
    pub(crate) ms: bool,
}

impl CommandArgs for TtlArgs {
    const TRAITS: Traits = Traits::reads_only("ttl", Group::Expiry).everyday();

    fn run<'s>(self, session: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let key: &str = &self.key;
        let Some(entry) = session.db.entry(key)? else { return Err(session.not_found(key)) };
        let left = entry.expiry.map(|expiry| expiry.since(session.db.now()));
        Ok(match left {
            Some(left) if self.ms => Reply::Number(u64::try_from(left.as_millis()).unwrap_or(u64::MAX)),
            left => Reply::TimeLeft(left),
        }
        .into())
    }
}

/// Remove the expiry of keys
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  persist session:9\n  persist token -o json\n  persist --prefix session:")]
pub(crate) struct PersistArgs {
    /// The key
    #[arg(value_name = "KEY", value_parser = key(), required_unless_present_any = ["glob", "prefix", "condition", "kind", "expiring"])]
    pub(crate) key: Option<Key>,
    /// Print the key's value
    #[arg(long, conflicts_with_all = ["glob", "prefix", "condition", "kind", "expiring"])]
    pub(crate) print: bool,
    #[command(flatten)]
    pub(crate) pick: Pick,
}

impl PersistArgs {
    fn many<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        if self.key.is_some() {
            return Err(Failure::usage(NO_KEY));
        }
        let mut pick = self.pick;
        // The others have nothing to lose.
        pick.filtered.expiring.get_or_insert_default();
        let many = pick.many(session, caller)?;
        let ask = |keys: &str| format!("Remove the expiry of {keys}");
        let change = &mut |tx: &mut dyn Changes, key: &str| Ok(persist(tx, key)?.is_some());
        Ok(match many.change(session, caller, &ask, change)? {
            ManyChanged::Refused => refused(Reason::NotConfirmed, "No expiry was removed".to_owned()),
            ManyChanged::Keys(keys, notes) => Answer { notes, ..Done::PersistsMany { keys }.into() },
        })
    }
}

impl CommandArgs for PersistArgs {
    const TRAITS: Traits = Traits::changes("persist", Group::Expiry).everyday();

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        if self.pick.is_given() {
            return self.many(session, caller);
        }
        self.pick.filtered.given.check_unused()?;
        let key = self.key.unwrap_or_default();
        match session.db.transaction(&[&key], |tx| persist(tx, &key))? {
            Some((value, _)) if self.print => Ok(Reply::Value(value).into()),
            Some((_, had_expiry)) => Ok(Done::Persists { key: key.0, had_expiry }.into()),
            None => Err(session.not_found(&key)),
        }
    }
}
