//! Commands that look: keys, list, find, count, info, stats.

use std::ops::Bound;

use super::Session;
use crate::database::prefix_end;
use crate::shell::answer::reply::{Answer, Failure, Field, Listing, Reply, Show};
use crate::shell::language::command::Looking;
use crate::shell::terminal::interrupt::stoppable;
use crate::shell::terminal::progress;
use crate::shell::text::argument::Pattern;
use crate::shell::text::glob::Glob;
use crate::storage::Entry;
use crate::value::Value;

impl Session {
    pub(super) fn keys(&mut self, looking: &Looking) -> Result<Answer<'_>, Failure> {
        self.listing(looking, Show::Keys)
    }

    pub(super) fn list(&mut self, looking: &Looking, values: bool) -> Result<Answer<'_>, Failure> {
        self.listing(looking, if values { Show::Values } else { Show::Entries })
    }

    fn listing(&mut self, looking: &Looking, show: Show) -> Result<Answer<'_>, Failure> {
        let glob = looking.glob.clone();
        let prefixes = [looking.prefix.as_deref(), glob.as_ref().map(Glob::prefix)];
        // The narrowest range that holds all that can match.
        let from = prefixes.into_iter().flatten().chain(looking.from.as_deref()).max();
        let ends = prefixes.into_iter().flatten().filter_map(prefix_end);
        let to = ends.chain(looking.to.as_deref().map(str::to_owned)).min();
        let from = from.map_or(Bound::Unbounded, Bound::Included);
        let range = self.db.range::<&str>((from, to.as_deref().map_or(Bound::Unbounded, Bound::Excluded)));
        let range = if looking.limit.is_some() { range.unverified() } else { range };
        let entries: Box<dyn Iterator<Item = _>> = if show == Show::Keys {
            // What is not shown need not be copied.
            pick(stoppable(range.keys(), progress::keys).map(|key| Ok((key?, Entry::from("")))), glob, looking)
        } else {
            pick(stoppable(range, progress::keys), glob, looking)
        };
        let listing = Listing { entries, show, nul: looking.nul, limited: looking.limit.is_some() };
        Ok(Reply::Listing(listing).into())
    }

    pub(super) fn find(
        &mut self,
        Pattern(regex): &Pattern,
        keys: bool,
        values: bool,
        limit: Option<u64>,
    ) -> Result<Answer<'_>, Failure> {
        let regex = regex.clone();
        progress::of_keys(self.db.len()?);
        let range = if limit.is_some() { self.db.iter().unverified() } else { self.db.iter() };
        let entries = stoppable(range, progress::keys).filter(move |item| match item {
            Ok((key, entry)) => {
                (!values && regex.is_match(key.as_bytes())) || (!keys && regex.is_match(entry.value.as_bytes()))
            }
            Err(_) => true,
        });
        let entries = Box::new(entries.take(at_most(limit)));
        let listing = Listing { entries, show: Show::Entries, nul: false, limited: limit.is_some() };
        Ok(Reply::Listing(listing).into())
    }

    pub(super) fn count(&mut self, glob: Option<&Glob>) -> Result<Answer<'_>, Failure> {
        let Some(glob) = glob else { return Ok(Reply::Number(self.db.len()?).into()) };
        let mut count = 0;
        for key in stoppable(self.db.prefix(glob.prefix()).keys(), progress::keys) {
            count += u64::from(glob.matches(&key?));
        }
        Ok(Reply::Number(count).into())
    }

    pub(super) fn info(&mut self, key: &str) -> Result<Answer<'_>, Failure> {
        let Some(entry) = self.db.entry(key)? else { return Err(self.not_found(key)) };
        let left = entry.deadline.map(|deadline| deadline.since(self.db.now()));
        let record = vec![
            ("key", Field::Text(key.to_owned())),
            ("type", Field::Text(entry.value.kind().to_owned())),
            ("size", Field::Bytes(entry.value.as_bytes().len() as u64)),
            ("expires", entry.deadline.map_or(Field::None, |deadline| Field::Text(deadline.to_string()))),
            ("ttl", left.map_or(Field::None, Field::Span)),
            ("begins", Field::Beginning(beginning(&entry.value))),
        ];
        Ok(Reply::Record(record).into())
    }
}

/// The beginning of a value: its text, or the first of its bytes in hexadecimal.
fn beginning(value: &Value) -> String {
    const CHARACTERS: usize = 80;
    const BYTES: usize = 16;
    let (mut beginning, is_all) = match value {
        Value::Bytes(bytes) => {
            let hex: Vec<String> = bytes.iter().take(BYTES).map(|byte| format!("{byte:02x}")).collect();
            (hex.join(" "), bytes.len() <= BYTES)
        }
        Value::Text(text) => (text.chars().take(CHARACTERS).collect(), text.chars().nth(CHARACTERS).is_none()),
        Value::Json(json) => {
            (json.as_str().chars().take(CHARACTERS).collect(), json.as_str().chars().nth(CHARACTERS).is_none())
        }
    };
    if !is_all {
        beginning.push_str(if matches!(value, Value::Bytes(_)) { " …" } else { "…" });
    }
    beginning
}

/// What of a range matches the glob, as many and in the order that are asked for.
fn pick<'a>(
    range: impl DoubleEndedIterator<Item = crate::Result<(String, Entry)>> + 'a,
    glob: Option<Glob>,
    looking: &Looking,
) -> Box<dyn Iterator<Item = crate::Result<(String, Entry)>> + 'a> {
    let hits = range.filter(move |item| match (item, &glob) {
        (Ok((key, _)), Some(glob)) => glob.matches(key),
        _ => true,
    });
    let limit = at_most(looking.limit);
    if looking.reverse { Box::new(hits.rev().take(limit)) } else { Box::new(hits.take(limit)) }
}

fn at_most(limit: Option<u64>) -> usize {
    limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
}
