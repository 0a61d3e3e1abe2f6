//! `getdel`.

use clap::Args;

use super::traits::{CommandArgs, Group, Traits};
use super::{Caller, Session};
use crate::shell::answer::reply::{Answer, Failure, Reply};
use crate::shell::text::argument::{Key, key};
use crate::store::StoreExt as _;

/// Print a value and delete its key
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  getdel job:1\n  getdel token -o raw")]
pub(crate) struct GetdelArgs {
    /// The key
    #[arg(value_name = "KEY", value_parser = key())]
    pub(crate) key: Key,
}

impl CommandArgs for GetdelArgs {
    const TRAITS: Traits = Traits::changes("getdel", Group::Values).answering().everyday();

    fn run<'s>(self, session: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let key = &self.key;
        let value = session.db.transaction(&[key], |tx| {
            let value = tx.entry(key)?.map(|entry| entry.value);
            tx.delete(key)?;
            Ok(value)
        })?;
        match value {
            Some(value) => Ok(Reply::Value(value).into()),
            None => Err(session.not_found(key)),
        }
    }
}
