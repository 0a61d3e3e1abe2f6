//! A store for tests with the minimum of features: no transactions, no files, and explicit sorting. Code that works
//! with it does not rely on what a database in a file happens to offer.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    Batch, Changes, Description, DifferenceIter, EntryIter, IsWanted, LoadSource, MayGoOn, Mutation, OutlineIter, Scan,
    Scope, Store, StoreSavepoint, Watching,
};
use crate::database::{
    Changed, Conflict, Database, Difference, Existing, LoadObserver, Loaded, Loading, Outline, Seen,
};
use crate::error::{Error, Result};
use crate::expiry::Timestamp;
use crate::storage::Entry;
use crate::value::Value;

#[derive(Debug, Default)]
pub(crate) struct Poor {
    entries: HashMap<String, Entry>,
    /// How many sets are in the open batch.
    batched: Option<u64>,
    /// Whether batches fail.
    fails: bool,
}

impl Poor {
    /// A store whose batches fail.
    pub(crate) fn failing() -> Self {
        Self { fails: true, ..Self::default() }
    }

    fn unsupported(&self, reason: &'static str) -> Error {
        Error::Unsupported { store: self.describe().name, reason }
    }

    fn live(&self) -> impl Iterator<Item = (&String, &Entry)> {
        let now = self.now();
        self.entries.iter().filter(move |(_, entry)| entry.is_live(now))
    }
}

impl Store for Poor {
    fn describe(&self) -> Description {
        Description { name: "poor:".to_owned(), exists: true }
    }

    fn refresh(&mut self) -> Result<bool> {
        Ok(false)
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn entry(&self, key: &str) -> Result<Option<Entry>> {
        Ok(self.entries.get(key).filter(|entry| entry.is_live(self.now())).cloned())
    }

    fn len(&self) -> Result<u64> {
        Ok(self.live().count() as u64)
    }

    fn scan(&self, scan: &Scan) -> EntryIter<'_> {
        let is_in = |key: &String| {
            scan.from.as_ref().is_none_or(|from| key >= from) && scan.to.as_ref().is_none_or(|to| key < to)
        };
        let mut found: Vec<_> = self.live().filter(|(key, _)| is_in(key)).collect();
        found.sort_by_key(|(key, _)| *key);
        if scan.reverse {
            found.reverse();
        }
        Box::new(found.into_iter().map(|(key, entry)| Ok((key.clone(), entry.clone()))))
    }

    fn glance(&self, key: &str, _: u64) -> Result<Option<Seen>> {
        Ok(self.entry(key)?.map(Seen::Entry))
    }

    fn outlines(&self, prefix: &str) -> OutlineIter<'_> {
        let outline = |(key, entry): (String, Entry)| Outline { key, kind: entry.value.kind(), expiry: entry.expiry };
        let found: Vec<_> = self.scan(&Scan::prefix(prefix)).map(|item| item.map(outline)).collect();
        Box::new(found.into_iter())
    }

    fn change(&mut self, keys: Scope<'_>, body: &mut Mutation<'_>) -> Result<()> {
        // The first attempt always loses to another writer.
        let mut first = Change { store: self, keys, changed: BTreeMap::new() };
        body(&mut first)?;
        let mut change = Change { store: self, keys, changed: BTreeMap::new() };
        body(&mut change)?;
        for (key, entry) in change.changed {
            match entry {
                Some(entry) => self.entries.insert(key, entry),
                None => self.entries.remove(&key),
            };
        }
        Ok(())
    }

    fn set(&mut self, key: &str, value: &Value) -> Result<()> {
        self.entries.insert(key.to_owned(), Entry::from(value.clone()));
        self.batched = self.batched.map(|sets| sets + 1);
        Ok(())
    }

    fn load(&mut self, entries: &mut LoadSource<'_>, how: Loading, observer: &mut dyn LoadObserver) -> Result<Loaded> {
        let (loaded, sets) = plan(self, entries, how)?;
        if loaded.conflict.is_some() {
            return Ok(loaded);
        }
        let size = |(key, entry): (&String, &Option<Entry>)| {
            key.len() + entry.as_ref().map_or(0, |entry| entry.value.as_bytes().len())
        };
        let bytes: usize = sets.iter().map(size).sum();
        if observer.limit().is_some_and(|limit| bytes <= limit) {
            for (key, entry) in &sets {
                if let Some(entry) = entry {
                    observer.note(key, Changed::Not, self.entry(key)?, entry);
                }
            }
            observer.agree()?;
        } else {
            observer.too_many()?;
        }
        for (key, entry) in sets {
            match entry {
                Some(entry) => self.entries.insert(key, entry),
                None => self.entries.remove(&key),
            };
        }
        Ok(loaded)
    }

    fn rehearse_load(&mut self, entries: &mut LoadSource<'_>, how: Loading) -> Result<(Loaded, DifferenceIter<'_>)> {
        let (loaded, sets) = plan(self, entries, how)?;
        let sets = if loaded.conflict.is_some() { BTreeMap::new() } else { sets };
        Ok((loaded, Box::new(differences(self, sets))))
    }

    fn begin_batch(&mut self) {
        self.batched = Some(0);
    }

    fn commit_batch(&mut self) -> Result<()> {
        let was_batched = self.batched.take().is_some();
        if was_batched && self.fails { Err(self.unsupported("has gone away")) } else { Ok(()) }
    }

    fn batch(&self) -> Batch {
        Batch { is_open: self.batched.is_some_and(|sets| sets > 0), ..Batch::default() }
    }

    fn begin(&mut self) -> Result<()> {
        Err(self.unsupported("has no transactions"))
    }

    fn commit(&mut self) -> Result<u64> {
        Err(self.unsupported("has no transactions"))
    }

    fn rollback(&mut self) -> Result<u64> {
        Err(self.unsupported("has no transactions"))
    }

    fn open_transaction(&self) -> Option<u64> {
        None
    }

    fn is_in_transaction(&self) -> bool {
        false
    }

    fn put_back(&mut self, _: &str, _: Changed) {}

    fn savepoint(&mut self) -> StoreSavepoint {
        StoreSavepoint::of(())
    }

    fn rollback_to(&mut self, _: StoreSavepoint) -> u64 {
        0
    }

    fn differences(&mut self) -> DifferenceIter<'_> {
        Box::new(std::iter::empty())
    }

    fn watch(&self, _: &str) -> Result<Box<dyn Watching>> {
        Err(self.unsupported("does not tell what happens to its keys"))
    }

    fn take_notices(&mut self) -> Vec<String> {
        Vec::new()
    }

    fn files(&self) -> Option<&Database> {
        None
    }

    fn files_mut(&mut self) -> Option<&mut Database> {
        None
    }
}

/// A change in progress. It may only access the keys that were named.
struct Change<'s> {
    store: &'s Poor,
    keys: Scope<'s>,
    changed: BTreeMap<String, Option<Entry>>,
}

impl Change<'_> {
    fn check(&self, key: &str) {
        let is_named = match self.keys {
            Scope::Keys(keys) | Scope::Each(keys) => keys.contains(&key),
            Scope::Prefix(prefix) => key.starts_with(prefix),
        };
        assert!(is_named, "{key:?} is not among {:?}", self.keys);
    }
}

impl Changes for Change<'_> {
    fn now(&self) -> Timestamp {
        self.store.now()
    }

    fn entry(&self, key: &str) -> Result<Option<Entry>> {
        self.check(key);
        self.changed.get(key).map_or_else(|| self.store.entry(key), |changed| Ok(changed.clone()))
    }

    fn changed(&mut self, _: &str) -> Result<Changed> {
        Ok(Changed::Not)
    }

    fn set(&mut self, key: &str, entry: &Entry) -> Result<()> {
        self.check(key);
        self.changed.insert(key.to_owned(), Some(entry.clone()));
        Ok(())
    }

    fn delete(&mut self, key: &str) -> Result<bool> {
        let was_there = self.entry(key)?.is_some();
        self.changed.insert(key.to_owned(), None);
        Ok(was_there)
    }

    fn keys(&self, prefix: &str, is_wanted: &IsWanted<'_>, may_go_on: MayGoOn) -> Result<Vec<String>> {
        may_go_on()?;
        let keys = self.store.scan_keys(&Scan::prefix(prefix));
        keys.filter(|key| key.as_ref().map_or(true, |key| is_wanted(key))).collect()
    }
}

/// The result of a load: each key that is written, with its new entry.
fn plan(
    store: &dyn Store,
    entries: &mut LoadSource<'_>,
    how: Loading,
) -> Result<(Loaded, BTreeMap<String, Option<Entry>>)> {
    let now = store.now();
    let mut loaded = Loaded::default();
    let mut sets: BTreeMap<String, Option<Entry>> = BTreeMap::new();
    let mut kept = BTreeSet::new();
    for item in entries {
        let (key, entry) = item?;
        loaded.read += 1;
        let is_live = entry.is_live(now);
        loaded.expired += u64::from(!is_live);
        let repeats = sets.contains_key(&key) || kept.contains(&key);
        if repeats && (how.unique || how.existing == Existing::Refused) {
            loaded.conflict.get_or_insert_with(|| Conflict::Repeats(key.clone()));
        }
        match how.existing {
            // An expired entry replaces what it may replace, and is itself gone.
            Existing::Replaced => _ = sets.insert(key, Some(entry).filter(|_| is_live)),
            Existing::Kept | Existing::Refused => {
                if !is_live || repeats {
                    continue;
                }
                if store.contains(&key)? {
                    loaded.kept += 1;
                    if how.existing == Existing::Refused {
                        loaded.conflict.get_or_insert_with(|| Conflict::Exists(key.clone()));
                    }
                    kept.insert(key);
                } else {
                    sets.insert(key, Some(entry));
                }
            }
        }
    }
    loaded.entries = if loaded.conflict.is_some() { 0 } else { sets.values().flatten().count() as u64 };
    Ok((loaded, sets))
}

/// The keys whose entries would change.
fn differences(store: &dyn Store, sets: BTreeMap<String, Option<Entry>>) -> impl Iterator<Item = Result<Difference>> {
    sets.into_iter().filter_map(|(key, new)| {
        let difference = store.entry(&key).map(|old| (old != new).then_some(Difference { key, old, new }));
        difference.transpose()
    })
}
