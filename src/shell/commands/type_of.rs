//! `type`.

use clap::Args;

use super::traits::{CommandArgs, Group, Traits};
use super::{Caller, Session};
use crate::shell::answer::reply::{Answer, Failure, Reply};
use crate::shell::text::argument::{Key, key};
use crate::store::Store as _;

/// Print what kind of value a key holds: text, json or binary
#[derive(Args, Clone, Debug, PartialEq)]
#[command(hide = true, after_help = "Examples:\n  type user:1\n  type user:1 -o json")]
pub(crate) struct TypeArgs {
    /// The key
    #[arg(value_name = "KEY", value_parser = key())]
    pub(crate) key: Key,
}

impl CommandArgs for TypeArgs {
    const TRAITS: Traits = Traits::reads_only("type", Group::Queries).everyday();

    fn run<'s>(self, session: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let Some(entry) = session.db.entry(&self.key)? else { return Err(session.not_found(&self.key)) };
        Ok(Reply::Line(entry.value.kind().into()).into())
    }
}
