//! `keys` and `list`.

use std::rc::Rc;

use clap::Args;

use super::choosing::{self, Asking, Select, Where};
use super::sheet::{self, SheetColumns};
use super::traits::{CommandArgs, Group, OpenDatabase, Traits};
use super::{Caller, Session, at_most};
use crate::database::prefix_end;
use crate::shell::answer::reply::{Answer, Failure, Listing, Outputs, Reply, Show};
use crate::shell::terminal::interrupt::stoppable;
use crate::shell::terminal::progress;
use crate::shell::text::argument::{
    FilterText, KeyBound, MemberColumns, PartPointer, Prefix, bound, glob, member_columns, number, pointer, prefix,
};
use crate::shell::text::glob::Glob;
use crate::storage::Entry;
use crate::store::{Scan, Store as _};

/// Print keys, in order
#[derive(Args, Clone, Debug, Default, PartialEq)]
#[command(after_help = "Examples:\n  keys user:*\n  keys --from 2026-01 --to 2026-02 --limit 10")]
pub(crate) struct KeysArgs {
    #[command(flatten)]
    pub(crate) looking: Looking,
    /// Print the type, the size and the time to live, too
    #[arg(short, long, conflicts_with = "nul")]
    pub(crate) long: bool,
}

impl CommandArgs for KeysArgs {
    const TRAITS: Traits = Traits::reads_only("keys", Group::Queries).on(OpenDatabase::NotedIfMissing).parsed_alone();

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        if !self.long {
            return listing(session, self.looking, Show::Keys, None, caller);
        }
        let now = session.db.now();
        let answer = listing(session, self.looking, Show::Entries, None, caller)?;
        Ok(sheet::of(answer, SheetColumns::Long { now, values: false }, caller))
    }
}

/// Print keys and values
#[derive(Args, Clone, Debug, Default, PartialEq)]
#[command(
    after_help = "Examples:\n  list --prefix log: --reverse --limit 5\n  list user:* --where '.age > 30' --select .name\n  list user:* --sort-by /age --reverse --limit 10\n  list user:* --columns /name,/age -o csv"
)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) looking: Looking,
    /// Print only the values
    #[arg(long)]
    pub(crate) values: bool,
    /// Print the type, the size and the time to live, too
    #[arg(short, long, conflicts_with_all = ["values", "select", "nul"])]
    pub(crate) long: bool,
    /// Print a table of these parts of JSON values: /name,/age
    #[arg(long, value_name = "POINTERS", value_parser = member_columns(), conflicts_with_all = ["values", "select", "long", "nul"])]
    pub(crate) columns: Option<MemberColumns>,
    #[command(flatten)]
    pub(crate) selected: Select,
}

impl CommandArgs for ListArgs {
    const TRAITS: Traits = Traits::reads_only("list", Group::Queries)
        .also_named(&["ls", "scan"])
        .on(OpenDatabase::NotedIfMissing)
        .parsed_alone();

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let Self { looking, values, long, columns, selected } = self;
        let now = session.db.now();
        let show = if values { Show::Values } else { Show::Entries };
        let answer = listing(session, looking, show, selected.select.as_ref(), caller)?;
        Ok(match (long, columns) {
            (true, _) => sheet::of(answer, SheetColumns::Long { now, values: true }, caller),
            (false, Some(MemberColumns(members))) => sheet::of(answer, SheetColumns::Members(members), caller),
            (false, None) => answer,
        })
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
    /// Sort by the part of the JSON values at this JSON Pointer or path, in the order of jq; missing parts first
    #[arg(long, value_name = "POINTER", value_parser = pointer())]
    pub(crate) sort_by: Option<PartPointer>,
    /// End each record with NUL instead of newline, and escape nothing
    #[arg(short = '0', long = "null")]
    pub(crate) nul: bool,
    #[command(flatten)]
    pub(crate) filtered: Where,
}

/// Lists what is looked for.
pub(super) fn listing<'s>(
    session: &'s mut Session,
    looking: Looking,
    show: Show,
    select: Option<&FilterText>,
    caller: &Caller<'_>,
) -> Result<Answer<'s>, Failure> {
    let Looking { glob, prefix, from, to, limit, reverse, sort_by, nul, filtered } = looking;
    let asking = Asking::new(&filtered, select, session, caller.warnings)?.map(Rc::new);
    let prefixes = [prefix.as_deref(), glob.as_ref().map(Glob::prefix)];
    // The narrowest range that holds all that can match.
    let from = prefixes.into_iter().flatten().chain(from.as_deref()).max();
    let ends = prefixes.into_iter().flatten().filter_map(prefix_end);
    let to = ends.chain(to.map(|KeyBound(to)| to)).min();
    let is_limited = limit.is_some();
    let is_partial = is_limited && sort_by.is_none();
    let scan = Scan { from: from.map(str::to_owned), to, reverse: reverse && sort_by.is_none(), is_partial };
    let entries: Box<dyn Iterator<Item = _>> = if let Some(by) = sort_by {
        let entries = pick(stoppable(session.db.scan(&scan), progress::keys), glob, asking.clone(), None);
        Box::new(sheet::sorted(entries, &by, reverse, limit)?.into_iter().map(Ok))
    } else if show == Show::Keys && asking.is_none() {
        // What is not shown need not be copied.
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
    let listing = Listing { entries, show, nul, limited: is_limited, marks: None };
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
