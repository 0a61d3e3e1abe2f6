//! `find`.

use clap::Args;
use regex::bytes::{Regex, RegexBuilder};

use super::choosing::{self, Asking, Where};
use super::traits::{CommandArgs, Group, OpenDatabase, Traits};
use super::{Caller, Session, at_most};
use crate::shell::answer::code::Code;
use crate::shell::answer::reply::{Answer, Failure, Listing, Reply, Show};
use crate::shell::terminal::interrupt::stoppable;
use crate::shell::terminal::progress;
use crate::shell::text::argument::{Pattern, number, regex};
use crate::store::{Scan, Store as _};

/// Search keys and values with a regular expression
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  find -i ada\n  find ^user: --keys")]
pub(crate) struct FindArgs {
    /// The regular expression (syntax of the Rust regex crate)
    #[arg(value_name = "REGEX", value_parser = regex(), allow_hyphen_values = true)]
    pub(crate) regex: Pattern,
    /// Ignore case
    #[arg(short, long)]
    pub(crate) ignore_case: bool,
    /// Search keys only
    #[arg(long, conflicts_with = "values")]
    pub(crate) keys: bool,
    /// Search values only
    #[arg(long)]
    pub(crate) values: bool,
    /// Stop after N entries
    #[arg(long, value_name = "N", value_parser = number::<u64>())]
    pub(crate) limit: Option<u64>,
    #[command(flatten)]
    pub(crate) filtered: Where,
}

impl CommandArgs for FindArgs {
    const TRAITS: Traits = Traits::reads_only("find", Group::Queries).on(OpenDatabase::NotedIfMissing).parsed_alone();

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let Self { regex: Pattern(regex), ignore_case, keys, values, limit, filtered: Where { condition, given } } =
            self;
        let regex = if ignore_case { without_case(&regex)? } else { regex };
        let asking = Asking::new(condition.as_ref(), None, &given, session, caller.warnings)?;
        progress::of_keys(session.db.len()?);
        let scan = Scan::default().partial(limit.is_some());
        let entries = stoppable(session.db.scan(&scan), progress::keys).filter(move |item| match item {
            Ok((key, entry)) => {
                (!values && regex.is_match(key.as_bytes())) || (!keys && regex.is_match(entry.value.as_bytes()))
            }
            Err(_) => true,
        });
        let entries = entries.filter_map(move |item| choosing::kept(item, asking.as_ref()));
        let entries = Box::new(entries.take(at_most(limit)));
        let listing = Listing { entries, show: Show::Entries, nul: false, limited: limit.is_some() };
        Ok(Reply::Listing(listing).into())
    }
}

/// The same regular expression for letters of any case.
fn without_case(regex: &Regex) -> Result<Regex, Failure> {
    let made = RegexBuilder::new(regex.as_str()).case_insensitive(true).build();
    made.map_err(|_| Failure {
        code: Code::Pattern,
        ..Failure::usage("the regular expression is too large with --ignore-case")
    })
}
