//! `count`.

use clap::Args;

use super::choosing::{Asking, Where};
use super::traits::{CommandArgs, Group, OpenDatabase, Traits};
use super::{Caller, Session};
use crate::shell::answer::reply::{Answer, Failure, Reply};
use crate::shell::terminal::interrupt::{self, stoppable};
use crate::shell::terminal::progress;
use crate::shell::text::argument::glob;
use crate::shell::text::glob::Glob;
use crate::store::{Scan, Store as _};

/// Count keys
#[derive(Args, Clone, Debug, Default, PartialEq)]
#[command(after_help = "Examples:\n  count user:*\n  count --where '.age > 30 and .addr.city == \"Oslo\"'")]
pub(crate) struct CountArgs {
    /// Only keys that match: * ? [a-z] [^x] \x
    #[arg(value_name = "GLOB", value_parser = glob())]
    pub(crate) glob: Option<Glob>,
    #[command(flatten)]
    pub(crate) filtered: Where,
}

impl CommandArgs for CountArgs {
    const TRAITS: Traits = Traits::reads_only("count", Group::Queries).on(OpenDatabase::NotedIfMissing).everyday();

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let Where { condition, given } = &self.filtered;
        if let Some(asking) = Asking::new(condition.as_ref(), None, given, session, caller.warnings)? {
            return matching(session, self.glob.as_ref(), &asking);
        }
        let Some(glob) = self.glob else { return Ok(Reply::Number(session.db.len()?).into()) };
        let mut count = 0;
        for key in stoppable(session.db.scan_keys(&Scan::prefix(glob.prefix())), progress::keys) {
            count += u64::from(glob.matches(&key?));
        }
        Ok(Reply::Number(count).into())
    }
}

/// Counts the entries for which a filter holds, where they are stored.
fn matching<'s>(session: &'s Session, glob: Option<&Glob>, asking: &Asking) -> Result<Answer<'s>, Failure> {
    let scan = Scan::prefix(glob.map_or("", Glob::prefix));
    let (mut seen, mut count) = (0_u64, 0);
    session.db.visit(&scan, &mut |key, text, expiry| {
        seen += 1;
        if seen.is_multiple_of(64) {
            progress::keys(seen);
            interrupt::check()?;
        }
        if glob.is_none_or(|glob| glob.matches(key)) && asking.holds_stored(key, text, expiry)? {
            count += 1;
        }
        Ok(())
    })?;
    Ok(Reply::Number(count).into())
}
