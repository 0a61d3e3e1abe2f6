//! `stats`: the whole database in one pass that keeps little.

use clap::Args;

use super::traits::{CommandArgs, Group, OpenDatabase, Traits};
use super::{Caller, Session, changes};
use crate::database::{Database, JournalState};
use crate::shell::answer::reply::{Answer, Failure, Field, Reply};
use crate::shell::terminal::interrupt::stoppable;
use crate::shell::terminal::progress;
use crate::shell::text::mask::HIDDEN;
use crate::store::{Scan, Store as _};
use crate::value::Value;

/// So many of the biggest values are named,
const BIGGEST: usize = 5;
/// and so many of the commonest prefixes.
const PREFIXES: usize = 10;

/// What is found on the way.
#[derive(Default)]
struct Stats {
    keys: u64,
    text: u64,
    json: u64,
    binary: u64,
    expiring: u64,
    key_bytes: u64,
    value_bytes: u64,
    /// The biggest first: key, bytes, type.
    biggest: Vec<(String, u64, &'static str)>,
    prefixes: Prefixes,
    /// How many values there are by [`size_class`].
    sizes: [u64; 16],
}

/// How many keys share what stands up to their first `:`, `/` or `.`. Keys come sorted, so those of a prefix come together,
/// and none but the commonest need be kept.
#[derive(Default)]
struct Prefixes {
    current: String,
    count: u64,
    /// The commonest first.
    commonest: Vec<(String, u64)>,
}

/// Describe the database: keys, sizes, types, files
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  stats\n  stats -o json")]
pub(crate) struct StatsArgs;

impl CommandArgs for StatsArgs {
    const TRAITS: Traits = Traits::reads_only("stats", Group::Queries).on(OpenDatabase::NotedIfMissing).parsed_alone();

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let mut stats = Stats::default();
        progress::of_keys(session.db.len()?);
        for item in stoppable(session.db.scan(&Scan::default()), progress::keys) {
            let (key, entry) = item?;
            stats.expiring += u64::from(entry.expiry.is_some());
            stats.add(key, &entry.value);
        }
        stats.prefixes.end();
        let mut record = vec![
            ("keys", Field::Number(stats.keys)),
            ("text", Field::Number(stats.text)),
            ("json", Field::Number(stats.json)),
            ("binary", Field::Number(stats.binary)),
            ("expiring", Field::Number(stats.expiring)),
            ("key_bytes", Field::Bytes(stats.key_bytes)),
            ("value_bytes", Field::Bytes(stats.value_bytes)),
        ];
        match session.db.files() {
            Some(db) => record.extend(file_record(db)?),
            None => record.push(("store", Field::Text(session.db.describe().name))),
        }
        record.push(("biggest", stats.biggest(caller)));
        record.push(("prefixes", stats.prefixes()));
        record.push(("sizes", stats.sizes()));
        Ok(Reply::Record(record).into())
    }
}

/// What there is to say of the database's files.
fn file_record(db: &Database) -> Result<Vec<(&'static str, Field)>, Failure> {
    let path = db.path().map_or(Field::None, |path| Field::Text(path.to_string_lossy().into_owned()));
    let files = db.file_state()?;
    let journal = |number: fn(u64) -> Field, of: fn(&JournalState) -> u64| {
        files.journal.as_ref().map_or(Field::None, |journal| number(of(journal)))
    };
    let folded = files.journal.as_ref().map_or(0, |journal| journal.changes);
    let save = match folded {
        _ if !db.is_on_disk() => "nothing to do: the file does not exist yet".to_owned(),
        1.. => format!("would write {} to the file", changes(folded)),
        0 if !files.is_in_form => "would rewrite the file in canonical form".to_owned(),
        0 if files.journal.is_none() => "nothing to do: every change is saved at once".to_owned(),
        0 => "nothing to do".to_owned(),
    };
    Ok(vec![
        ("file_bytes", Field::Bytes(db.file_len())),
        ("file", path),
        ("journal_bytes", journal(Field::Bytes, |journal| journal.bytes)),
        ("journal_bound", journal(Field::Bytes, |journal| journal.bound)),
        ("journal_changes", journal(Field::Number, |journal| journal.changes)),
        ("save", Field::Text(save)),
    ])
}

impl Stats {
    fn add(&mut self, key: String, value: &Value) {
        let size = value.as_bytes().len() as u64;
        self.keys += 1;
        self.key_bytes += key.len() as u64;
        self.value_bytes += size;
        match value {
            Value::Text(_) => self.text += 1,
            Value::Json(_) => self.json += 1,
            Value::Bytes(_) => self.binary += 1,
        }
        self.sizes[size_class(size)] += 1;
        self.prefixes.add(&key);
        if self.biggest.len() < BIGGEST || self.biggest.last().is_some_and(|(_, least, _)| *least < size) {
            let at = self.biggest.partition_point(|(_, there, _)| *there >= size);
            self.biggest.insert(at, (key, size, value.kind()));
            self.biggest.truncate(BIGGEST);
        }
    }

    fn biggest(&self, caller: &Caller<'_>) -> Field {
        let row = |(key, size, kind): &(String, u64, &str)| {
            let size = if caller.is_masked(key) { Field::Text(HIDDEN.to_owned()) } else { Field::Bytes(*size) };
            vec![("key", Field::Text(key.clone())), ("size", size), ("type", Field::Text((*kind).to_owned()))]
        };
        Field::Rows(self.biggest.iter().map(row).collect())
    }

    fn prefixes(&self) -> Field {
        let row = |(prefix, count): &(String, u64)| {
            vec![("prefix", Field::Text(prefix.clone())), ("keys", Field::Bar(*count))]
        };
        Field::Rows(self.prefixes.commonest.iter().map(row).collect())
    }

    fn sizes(&self) -> Field {
        let is_used = |count: &u64| *count > 0;
        let (Some(first), Some(last)) = (self.sizes.iter().position(is_used), self.sizes.iter().rposition(is_used))
        else {
            return Field::Rows(Vec::new());
        };
        let row =
            |class: usize| vec![("up_to", Field::Bytes(4 << (2 * class))), ("values", Field::Bar(self.sizes[class]))];
        Field::Rows((first..=last).map(row).collect())
    }
}

/// The least class whose sizes, up to 4, 16, 64, … bytes, hold this one.
fn size_class(size: u64) -> usize {
    (0..15).find(|class| size <= 4 << (2 * class)).unwrap_or(15)
}

impl Prefixes {
    fn add(&mut self, key: &str) {
        let Some(end) = key.find([':', '/', '.']) else { return };
        let prefix = &key[..=end];
        if prefix != self.current {
            self.end();
            prefix.clone_into(&mut self.current);
        }
        self.count += 1;
    }

    fn end(&mut self) {
        let count = std::mem::take(&mut self.count);
        if count > 0 {
            let at = self.commonest.partition_point(|(_, there)| *there >= count);
            self.commonest.insert(at, (std::mem::take(&mut self.current), count));
            self.commonest.truncate(PREFIXES);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_size_is_in_the_least_class_that_holds_it() {
        let classes = [(0, 0), (4, 0), (5, 1), (16, 1), (17, 2), (64, 2), (1024, 4), (1025, 5), (512 << 20, 14)];
        for (size, class) in classes {
            assert_eq!(size_class(size), class, "{size}");
        }
        assert_eq!(size_class(u64::MAX), 15);
    }

    proptest! {
        #[test]
        fn prefixes_are_counted_as_a_map_would(keys in prop::collection::btree_set("[a-c]{0,2}[:/.x][a-c:]{0,2}", 0..60)) {
            let mut prefixes = Prefixes::default();
            let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
            for key in &keys {
                prefixes.add(key);
                if let Some(end) = key.find([':', '/', '.']) {
                    *counts.entry(&key[..=end]).or_default() += 1;
                }
            }
            prefixes.end();
            let mut most: Vec<u64> = counts.values().copied().collect();
            most.sort_unstable_by(|a, b| b.cmp(a));
            most.truncate(PREFIXES);
            let found: Vec<u64> = prefixes.commonest.iter().map(|(_, count)| *count).collect();
            prop_assert_eq!(found, most);
            for (prefix, count) in &prefixes.commonest {
                prop_assert_eq!(counts[prefix.as_str()], *count);
            }
        }
    }
}
