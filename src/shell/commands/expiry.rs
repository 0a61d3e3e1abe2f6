//! `expire`, `ttl` and `persist`.

use std::time::Duration;

use clap::Args;

use super::traits::{CommandArgs, Group, Traits};
use super::{Caller, Session};
use crate::shell::answer::done::Done;
use crate::shell::answer::reply::{Answer, Failure, Reply};
use crate::shell::text::argument::{Key, duration, key};
use crate::storage::Entry;
use crate::store::{Store as _, StoreExt as _};

/// Set a key's time to live
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  expire session:9 30m\n  expire token 90")]
pub(crate) struct ExpireArgs {
    /// The key
    #[arg(value_name = "KEY", value_parser = key())]
    pub(crate) key: Key,
    /// The time to live: 90 (seconds), 45s, 1h30m
    #[arg(value_name = "DURATION", value_parser = duration(), allow_hyphen_values = true)]
    pub(crate) duration: Duration,
}

impl CommandArgs for ExpireArgs {
    const TRAITS: Traits = Traits::changes("expire", Group::Expiry).everyday();

    fn run<'s>(self, session: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let Self { key, duration } = self;
        let expiry = session.db.transaction(&[&key], |tx| {
            let expiry = tx.now().after(duration)?;
            let Some(entry) = tx.entry(&key)? else { return Ok(None) };
            tx.set(&key, &Entry { expiry: Some(expiry), ..entry })?;
            Ok(Some(expiry))
        });
        let Some(expiry) = expiry.map_err(|error| Failure::from(error).on(&key))? else {
            return Err(session.not_found(&key));
        };
        Ok(Done::Expires { key: key.0, after: duration, at: expiry }.into())
    }
}

/// Print a key's time to live in seconds, or none
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  ttl session:9\n  ttl session:9 -o json")]
pub(crate) struct TtlArgs {
    /// The key
    #[arg(value_name = "KEY", value_parser = key())]
    pub(crate) key: Key,
}

impl CommandArgs for TtlArgs {
    const TRAITS: Traits = Traits::reads_only("ttl", Group::Expiry).everyday();

    fn run<'s>(self, session: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let key: &str = &self.key;
        let Some(entry) = session.db.entry(key)? else { return Err(session.not_found(key)) };
        let left = entry.expiry.map(|expiry| expiry.since(session.db.now()));
        Ok(Reply::TimeLeft(left).into())
    }
}

/// Remove a key's expiry
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  persist session:9\n  persist token -o json")]
pub(crate) struct PersistArgs {
    /// The key
    #[arg(value_name = "KEY", value_parser = key())]
    pub(crate) key: Key,
}

impl CommandArgs for PersistArgs {
    const TRAITS: Traits = Traits::changes("persist", Group::Expiry).everyday();

    fn run<'s>(self, session: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let key: &str = &self.key;
        let had_one = session.db.transaction(&[key], |tx| {
            let Some(entry) = tx.entry(key)? else { return Ok(None) };
            let had_one = entry.expiry.is_some();
            if had_one {
                tx.set(key, &Entry { expiry: None, ..entry })?;
            }
            Ok(Some(had_one))
        })?;
        match had_one {
            Some(had_expiry) => Ok(Done::Persists { key: self.key.0, had_expiry }.into()),
            None => Err(session.not_found(key)),
        }
    }
}
