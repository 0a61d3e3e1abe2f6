//! `expire`, `ttl` and `persist`.

use std::time::Duration;

use clap::Args;

use super::traits::{CommandArgs, Group, Traits};
use super::{Caller, Session};
use crate::expiry::Timestamp;
use crate::shell::answer::done::Done;
use crate::shell::answer::reply::{Answer, Failure, Reply};
use crate::shell::text::argument::{Key, duration, key, time};
use crate::storage::Entry;
use crate::store::{Store as _, StoreExt as _};

/// Set a key's time to live
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "Examples:\n  expire session:9 30m\n  expire token 90\n  expire session:9 --at 2030-01-01T00:00:00Z"
)]
pub(crate) struct ExpireArgs {
    /// The key
    #[arg(value_name = "KEY", value_parser = key())]
    pub(crate) key: Key,
    /// The time to live: 90 (seconds), 45s, 1h30m
    #[arg(value_name = "DURATION", value_parser = duration(), allow_hyphen_values = true, required_unless_present = "at")]
    pub(crate) duration: Option<Duration>,
    /// Delete the key at this time: 2026-11-23T04:00:00Z
    #[arg(long, value_name = "RFC3339", value_parser = time(), conflicts_with = "duration")]
    pub(crate) at: Option<Timestamp>,
    /// Print the key's value
    #[arg(long)]
    pub(crate) print: bool,
}

impl CommandArgs for ExpireArgs {
    const TRAITS: Traits = Traits::changes("expire", Group::Expiry).everyday();

    fn run<'s>(self, session: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let Self { key, duration, at, print } = self;
        let expires = session.db.transaction(&[&key], |tx| {
            let now = tx.now();
            let expiry = match (at, duration) {
                (Some(at), _) => at,
                (None, duration) => now.after(duration.unwrap_or_default())?,
            };
            let Some(entry) = tx.entry(&key)? else { return Ok(None) };
            let left = expiry.since(now);
            if left.is_zero() {
                tx.delete(&key)?;
            } else {
                tx.set(&key, &Entry { value: entry.value.clone(), expiry: Some(expiry) })?;
            }
            Ok(Some((entry.value, expiry, left)))
        });
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
    /// In milliseconds
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

/// Remove a key's expiry
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  persist session:9\n  persist token -o json")]
pub(crate) struct PersistArgs {
    /// The key
    #[arg(value_name = "KEY", value_parser = key())]
    pub(crate) key: Key,
    /// Print the key's value
    #[arg(long)]
    pub(crate) print: bool,
}

impl CommandArgs for PersistArgs {
    const TRAITS: Traits = Traits::changes("persist", Group::Expiry).everyday();

    fn run<'s>(self, session: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let key: &str = &self.key;
        let had_one = session.db.transaction(&[key], |tx| {
            let Some(entry) = tx.entry(key)? else { return Ok(None) };
            let had_one = entry.expiry.is_some();
            if had_one {
                tx.set(key, &Entry { value: entry.value.clone(), expiry: None })?;
            }
            Ok(Some((entry.value, had_one)))
        })?;
        match had_one {
            Some((value, _)) if self.print => Ok(Reply::Value(value).into()),
            Some((_, had_expiry)) => Ok(Done::Persists { key: self.key.0, had_expiry }.into()),
            None => Err(session.not_found(key)),
        }
    }
}
