//! `exists`.

use clap::Args;

use super::traits::{CommandArgs, Group, OpenDatabase, Traits};
use super::{Caller, Session};
use crate::shell::answer::reply::{Answer, Failure, Reply};
use crate::shell::answer::status::Status;
use crate::shell::text::argument::{Key, key};
use crate::store::Store as _;

/// Count how many of the keys exist (status 0 only if all do)
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  exists hello\n  exists user:1 user:2")]
pub(crate) struct ExistsArgs {
    /// The keys
    #[arg(required = true, value_name = "KEY", value_parser = key())]
    pub(crate) keys: Vec<Key>,
}

impl CommandArgs for ExistsArgs {
    const TRAITS: Traits = Traits::reads_only("exists", Group::Values).on(OpenDatabase::NotedIfMissing).everyday();

    fn run<'s>(self, session: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let mut count = 0;
        for key in &self.keys {
            count += u64::from(session.db.contains(key)?);
        }
        let status = if count == self.keys.len() as u64 { Status::Done } else { Status::No };
        Ok(Answer { status, ..Reply::Number(count).into() })
    }
}
