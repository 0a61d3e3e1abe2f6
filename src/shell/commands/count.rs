//! `count`.

use clap::Args;

use super::traits::{CommandArgs, Group, OpenDatabase, Traits};
use super::{Caller, Session};
use crate::shell::answer::reply::{Answer, Failure, Reply};
use crate::shell::terminal::interrupt::stoppable;
use crate::shell::terminal::progress;
use crate::shell::text::argument::glob;
use crate::shell::text::glob::Glob;
use crate::store::{Scan, Store as _};

/// Count keys
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  count\n  count user:*")]
pub(crate) struct CountArgs {
    /// Only keys that match: * ? [a-z] [^x] \x
    #[arg(value_name = "GLOB", value_parser = glob())]
    pub(crate) glob: Option<Glob>,
}

impl CommandArgs for CountArgs {
    const TRAITS: Traits = Traits::reads_only("count", Group::Queries).on(OpenDatabase::NotedIfMissing).everyday();

    fn run<'s>(self, session: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let Some(glob) = self.glob else { return Ok(Reply::Number(session.db.len()?).into()) };
        let mut count = 0;
        for key in stoppable(session.db.scan_keys(&Scan::prefix(glob.prefix())), progress::keys) {
            count += u64::from(glob.matches(&key?));
        }
        Ok(Reply::Number(count).into())
    }
}
