//! `count`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use clap::Args;

use super::choosing::{Asking, FilterTally, Where};
use super::traits::{CommandArgs, Group, OpenDatabase, Traits};
use super::{Caller, Session};
use crate::shell::answer::reply::{Answer, Failure, Reply};
use crate::shell::terminal::interrupt::{self, stoppable};
use crate::shell::terminal::progress;
use crate::shell::text::argument::glob;
use crate::shell::text::glob::Glob;
use crate::store::{Scan, Store as _, Visitor};

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
        if let Some(asking) = Asking::new(&self.filtered, None, session, caller.warnings)? {
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

/// Counts the entries for which a filter holds, where they are stored, on all processors.
fn matching<'s>(session: &'s Session, glob: Option<&Glob>, asking: &Asking) -> Result<Answer<'s>, Failure> {
    /// Each takes memory.
    const MOST: usize = 8;
    let threads = thread::available_parallelism().map_or(1, |n| n.get().min(MOST));
    let (filters, seen) = (asking.filters(), AtomicU64::new(0));
    let mut tallies: Vec<(u64, FilterTally)> = (0..threads).map(|_| Default::default()).collect();
    let mut visitors: Vec<Box<Visitor<'_>>> = Vec::new();
    for (count, tally) in &mut tallies {
        let (seen, mut unsaid) = (&seen, 0);
        visitors.push(Box::new(move |key, text, expiry| {
            unsaid += 1;
            if unsaid == 64 {
                unsaid = 0;
                // Of the threads one has a line on the terminal.
                progress::keys(64 + seen.fetch_add(64, Ordering::Relaxed));
                interrupt::check()?;
            }
            if glob.is_none_or(|glob| glob.matches(key)) && filters.holds_stored(key, text, expiry, tally)? {
                *count += 1;
            }
            Ok(())
        }));
    }
    session.db.visit(glob.map_or("", Glob::prefix), &mut visitors)?;
    drop(visitors);
    let mut total = 0;
    for (count, tally) in tallies {
        total += count;
        asking.add(tally);
    }
    Ok(Reply::Number(total).into())
}
