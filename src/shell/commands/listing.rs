//! `keys` and `list`.

use std::rc::Rc;

use clap::Args;

use super::choosing::{self, Asking, Select, Where};
use super::traits::{CommandArgs, Group, OpenDatabase, Traits};
use super::{Caller, Session, at_most};
use crate::database::prefix_end;
use crate::shell::answer::reply::{Answer, Failure, Listing, Outputs, Reply, Show};
use crate::shell::terminal::interrupt::stoppable;
use crate::shell::terminal::progress;
use crate::shell::text::argument::{FilterText, KeyBound, Prefix, bound, glob, number, prefix};
use crate::shell::text::glob::Glob;
use crate::storage::Entry;
use crate::store::{Scan, Store as _};

/// Print keys, in order
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  keys user:*\n  keys --from 2026-01 --to 2026-02 --limit 10")]
pub(crate) struct KeysArgs {
    #[command(flatten)]
    pub(crate) looking: Looking,
}

impl CommandArgs for KeysArgs {
    const TRAITS: Traits = Traits::reads_only("keys", Group::Queries).on(OpenDatabase::NotedIfMissing).parsed_alone();

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        listing(session, self.looking, Show::Keys, None, caller)
    }
}

/// Print keys and values
#[derive(Args, Clone, Debug, Default, PartialEq)]
#[command(
    after_help = "Examples:\n  list --prefix log: --reverse --limit 5\n  list user:* --where '.age > 30' --select .name"
)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) looking: Looking,
    /// Print only the values
    #[arg(long)]
    pub(crate) values: bool,
    #[command(flatten)]
    pub(crate) selected: Select,
}

impl CommandArgs for ListArgs {
    const TRAITS: Traits = Traits::reads_only("list", Group::Queries)
        .also_named(&["ls", "scan"])
        .on(OpenDatabase::NotedIfMissing)
        .parsed_alone();

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let show = if self.values { Show::Values } else { Show::Entries };
        listing(session, self.looking, show, self.selected.select.as_ref(), caller)
    }
}

/// Which keys, for `keys` and `list`.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub(crate) struct Looking {
    /// Only keys that match: * ? [a-z] [^x] \x
    #[arg(value_name = "GLOB", value_parser = glob())]
    pub(crate) glob: Option<Glob>,
    /// Only keys with this prefix
    #[arg(long, value_name = "P", value_parser = prefix())]
    pub(crate) prefix: Option<Prefix>,
    /// Start at this key
    #[arg(long, value_name = "K", value_parser = bound())]
    pub(crate) from: Option<KeyBound>,
    /// Stop before this key
    #[arg(long, value_name = "K", value_parser = bound())]
    pub(crate) to: Option<KeyBound>,
    /// Stop after N entries
    #[arg(long, value_name = "N", value_parser = number::<u64>())]
    pub(crate) limit: Option<u64>,
    /// Print in reverse order
    #[arg(long)]
    pub(crate) reverse: bool,
    /// End each record with NUL instead of newline, and escape nothing
    #[arg(short = '0', long = "null")]
    pub(crate) nul: bool,
    #[command(flatten)]
    pub(crate) filtered: Where,
}

fn listing<'s>(
    session: &'s mut Session,
    looking: Looking,
    show: Show,
    select: Option<&FilterText>,
    caller: &Caller<'_>,
) -> Result<Answer<'s>, Failure> {
    let Looking { glob, prefix, from, to, limit, reverse, nul, filtered } = looking;
    let Where { condition, given } = &filtered;
    let asking = Asking::new(condition.as_ref(), select, given, session, caller.warnings)?.map(Rc::new);
    let prefixes = [prefix.as_deref(), glob.as_ref().map(Glob::prefix)];
    // The narrowest range that holds all that can match.
    let from = prefixes.into_iter().flatten().chain(from.as_deref()).max();
    let ends = prefixes.into_iter().flatten().filter_map(prefix_end);
    let to = ends.chain(to.map(|KeyBound(to)| to)).min();
    let is_partial = limit.is_some();
    let scan = Scan { from: from.map(str::to_owned), to, reverse, is_partial };
    let entries: Box<dyn Iterator<Item = _>> = if show == Show::Keys && asking.is_none() {
        // Parts that are not printed need not be copied.
        let keys = stoppable(session.db.scan_keys(&scan), progress::keys);
        pick(keys.map(|key| Ok((key?, Entry::from("")))), glob, None, limit)
    } else {
        pick(stoppable(session.db.scan(&scan), progress::keys), glob, asking.clone(), limit)
    };
    if let (Some(asking), Some(_)) = (asking, select) {
        let entries = entries.map(move |item| {
            let (key, entry) = item?;
            let outputs = asking.outputs(&key, &entry)?;
            Ok((key, outputs))
        });
        let outputs = Outputs { entries: Box::new(entries), keys: show == Show::Entries, is_by_key: false };
        return Ok(Reply::Outputs(outputs).into());
    }
    let listing = Listing { entries, show, nul, limited: is_partial };
    Ok(Reply::Listing(listing).into())
}

/// The entries of a scan that match the glob, up to the limit.
fn pick<'a>(
    entries: impl Iterator<Item = crate::Result<(String, Entry)>> + 'a,
    glob: Option<Glob>,
    asking: Option<Rc<Asking>>,
    limit: Option<u64>,
) -> Box<dyn Iterator<Item = crate::Result<(String, Entry)>> + 'a> {
    let hits = entries.filter(move |item| match (item, &glob) {
        (Ok((key, _)), Some(glob)) => glob.matches(key),
        _ => true,
    });
    let hits = hits.filter_map(move |item| choosing::kept(item, asking.as_deref()));
    Box::new(hits.take(at_most(limit)))
}
