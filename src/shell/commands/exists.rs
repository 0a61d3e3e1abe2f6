//! `exists`.

use clap::Args;

use super::part::part_of;
use super::traits::{CommandArgs, Group, OpenDatabase, Traits};
use super::{Caller, Session};
use crate::shell::answer::reply::{Answer, Failure, Reply};
use crate::shell::answer::status::Status;
use crate::shell::text::argument::{Key, PartPointer, key, pointer};
use crate::store::Store as _;

/// Count how many of the keys exist (status 0 only if all do)
#[derive(Args, Clone, Debug, Default, PartialEq)]
#[command(after_help = "Examples:\n  exists hello\n  exists user:1 user:2\n  exists user:1 --pointer /name")]
pub(crate) struct ExistsArgs {
    /// The keys
    #[arg(required = true, value_name = "KEY", value_parser = key())]
    pub(crate) keys: Vec<Key>,
    /// Count the keys that have a part at this JSON Pointer or path: /tags/0, .name.first
    #[arg(long, value_name = "POINTER", value_parser = pointer())]
    pub(crate) pointer: Option<PartPointer>,
}

impl CommandArgs for ExistsArgs {
    const TRAITS: Traits = Traits::reads_only("exists", Group::Values).on(OpenDatabase::NotedIfMissing).everyday();

    fn run<'s>(self, session: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let mut count = 0;
        for key in &self.keys {
            count += u64::from(self.is_there(session, key)?);
        }
        let status = if count == self.keys.len() as u64 { Status::Done } else { Status::No };
        Ok(Answer { status, ..Reply::Number(count).into() })
    }
}

impl ExistsArgs {
    fn is_there(&self, session: &Session, key: &str) -> Result<bool, Failure> {
        let Some(pointer) = &self.pointer else { return Ok(session.db.contains(key)?) };
        let Some(value) = session.db.get(key)? else { return Ok(false) };
        part_of(value, pointer).map(|part| part.is_some()).map_err(|error| Failure::from(error).on(key))
    }
}
