//! `version`.

use clap::Args;

use super::traits::{CommandArgs, Group, OpenDatabase, Traits};
use super::{Caller, Session};
use crate::shell::answer::reply::{Answer, Failure, Reply};

/// Print the program's version
#[derive(Args, Clone, Debug, PartialEq)]
#[command(hide = true, after_help = "Examples:\n  version\n  version -o json")]
pub(crate) struct VersionArgs;

impl CommandArgs for VersionArgs {
    const TRAITS: Traits = Traits::reads_only("version", Group::Shell).on(OpenDatabase::Unneeded);

    fn run<'s>(self, _: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        Ok(Reply::Line(concat!("rusty-kv ", env!("CARGO_PKG_VERSION")).into()).into())
    }
}
