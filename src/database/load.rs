//! Bulk loads of any size, all or nothing.

use std::hash::{BuildHasher, RandomState};

use super::{Changed, Database, Entry};
use crate::error::{Error, Result};
use crate::expiry::Timestamp;
use crate::storage::{self, Arena, Sorted, Stored, Winner, check_memory};

use super::rehearsal::Difference;

/// What to do with keys that already exist or occur twice, as if the entries were set one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    /// Set them; the last of several values counts.
    Replaced,
    /// Keep them; the first of several new values counts.
    Kept,
    /// Set nothing at all.
    Refused,
}

/// How to load entries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loading {
    pub(crate) existing: Existing,
    /// Whether a key that occurs twice makes the load set nothing, regardless of `existing`.
    pub(crate) unique: bool,
}

/// The result of a load. Entries that were read, but neither set nor kept, repeated a key or had expired.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// How many entries were read.
    pub(crate) read: u64,
    /// How many of them had already expired.
    pub(crate) expired: u64,
    /// How many keys were set.
    pub(crate) entries: u64,
    /// How many keys existed and were kept.
    pub(crate) kept: u64,
    /// Why nothing was set, if so.
    pub(crate) conflict: Option<Conflict>,
}

impl Loaded {
    /// How many entries had the same key as another.
    pub(crate) fn repeated(&self) -> u64 {
        self.read.saturating_sub(self.expired + self.entries + self.kept)
    }
}

/// A key that made the load set nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Conflict {
    Exists(String),
    Repeats(String),
}

/// Receives what a load replaces.
pub(crate) trait LoadObserver {
    /// How many bytes of keys and values to report at most; `None` to report nothing.
    fn limit(&self) -> Option<usize>;
    /// Reports a key that is set: its change in the open transaction, its old entry, and its new one.
    fn note(&mut self, key: &str, changed: Changed, before: Option<Entry>, after: &Entry);
    /// Called when there is more than the limit; nothing is reported in that case.
    ///
    /// # Errors
    /// An error makes the load set nothing.
    fn too_many(&mut self) -> Result<()>;
    /// Called when everything has been reported.
    ///
    /// # Errors
    /// An error makes the load set nothing.
    fn agree(&mut self) -> Result<()>;
}

/// Observes nothing.
impl LoadObserver for () {
    fn limit(&self) -> Option<usize> {
        None
    }

    fn note(&mut self, _: &str, _: Changed, _: Option<Entry>, _: &Entry) {}

    fn too_many(&mut self) -> Result<()> {
        Ok(())
    }

    fn agree(&mut self) -> Result<()> {
        Ok(())
    }
}

/// A load in progress.
struct Load {
    how: Loading,
    /// Whether to write nothing.
    rehearses: bool,
    now: Timestamp,
    /// Entries that were read and are still in memory.
    sets: Arena,
    /// Keys that are no longer in memory.
    gone: Gone,
    loaded: Loaded,
}

impl Load {
    fn new(how: Loading, rehearses: bool, now: Timestamp) -> Self {
        Self { how, rehearses, now, sets: Arena::default(), gone: Gone::default(), loaded: Loaded::default() }
    }

    fn repeats(&mut self, key: &str) {
        if self.how.unique || self.how.existing == Existing::Refused {
            self.loaded.conflict.get_or_insert_with(|| Conflict::Repeats(key.to_owned()));
        }
    }

    fn exists(&mut self, key: &str) {
        self.loaded.kept += 1;
        if self.how.existing == Existing::Refused {
            self.loaded.conflict.get_or_insert_with(|| Conflict::Exists(key.to_owned()));
        }
    }
}

impl Database {
    /// Sets many entries, all or nothing; the last of several with the same key counts. Anything beyond 256 MiB is
    /// spilled into a file without a name next to the database, and from then on other writers wait. Returns how many
    /// keys were set.
    ///
    /// # Errors
    /// As [`Database::set`], and the first error among the entries. After an error, nothing is stored.
    ///
    /// ```
    /// use rusty_kv::{Database, Entry, Error};
    /// let mut db = Database::in_memory();
    /// let entries = (0..1000).map(|n| Ok::<_, Error>((format!("key:{n:04}"), Entry::from(n.to_string()))));
    /// assert_eq!(db.load_all(entries)?, 1000);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn load_all<E: From<Error>>(
        &mut self,
        entries: impl IntoIterator<Item = Result<(String, Entry), E>>,
    ) -> Result<u64, E> {
        let how = Loading { existing: Existing::Replaced, unique: false };
        self.load_entries(entries, how, &mut ()).map(|loaded| loaded.entries)
    }

    /// As [`Database::load_all`]; existing keys may be kept, or make it set nothing.
    pub(crate) fn load_entries<E: From<Error>>(
        &mut self,
        entries: impl IntoIterator<Item = Result<(String, Entry), E>>,
        how: Loading,
        observer: &mut dyn LoadObserver,
    ) -> Result<Loaded, E> {
        self.commit_batch()?;
        let mut load = Load::new(how, false, self.now());
        let read = self.read_all(entries, &mut load, observer);
        let mut loaded = load.loaded;
        let done = match read {
            Ok(sets) if loaded.conflict.is_none() => self.put_sets(sets, observer).map_err(E::from),
            read => read.map(drop),
        };
        if done.is_err() || loaded.conflict.is_some() {
            loaded.entries = 0;
            if let Some(store) = self.store.idle() {
                store.forget();
            }
        }
        done.map(|()| loaded)
    }

    /// The result that [`Database::load_entries`] would have, and the changes in key order. Takes no lock and writes
    /// nothing; holds the entries in memory.
    pub(crate) fn rehearse_load<E: From<Error>>(
        &mut self,
        entries: impl IntoIterator<Item = Result<(String, Entry), E>>,
        how: Loading,
    ) -> Result<(Loaded, impl Iterator<Item = Result<Difference>> + '_), E> {
        self.commit_batch()?;
        let mut load = Load::new(how, true, self.now());
        let sets = self.read_all(entries, &mut load, &mut ())?;
        let Load { loaded, now, .. } = load;
        let count = if loaded.conflict.is_some() { 0 } else { sets.len() };
        let differences = (0..count).filter_map(move |at| {
            let difference = || -> Result<Option<Difference>> {
                let (key, text, expiry) = sets.get(at);
                let old = self.entry(key)?;
                let new = self.store.entry(&Stored { text: text.into(), expiry })?;
                let new = Some(new).filter(|entry| entry.is_live(now));
                Ok((old != new).then(|| Difference { key: key.to_owned(), old, new }))
            };
            difference().transpose()
        });
        Ok((loaded, differences))
    }

    /// Reads the entries; returns those to set that were not spilled.
    fn read_all<E: From<Error>>(
        &mut self,
        entries: impl IntoIterator<Item = Result<(String, Entry), E>>,
        load: &mut Load,
        observer: &mut dyn LoadObserver,
    ) -> Result<Sorted, E> {
        for entry in entries {
            let (key, entry) = entry?;
            load.loaded.read += 1;
            if !entry.is_live(load.now) {
                load.loaded.expired += 1;
                // An expired entry replaces what it may replace, and is itself gone.
                if load.how.existing != Existing::Replaced {
                    continue;
                }
            }
            let Entry { value, expiry } = entry;
            if load.rehearses {
                load.sets.set(&key, &value, expiry);
                continue;
            }
            storage::check_entry(&key, &value)?;
            self.store.check_writable()?;
            load.sets.set(&key, &value, expiry);
            if !self.store.is_open() && self.store.is_full(load.sets.bytes()) {
                observer.too_many()?;
                let sets = self.thin_out(load, true)?;
                let store = self.store.must_be_idle()?;
                store.pending().set_all(sets);
                store.spill(self.clock.now())?;
            }
        }
        Ok(self.thin_out(load, false)?)
    }

    /// Takes the entries to set from memory, each key once, and counts them.
    fn thin_out(&mut self, load: &mut Load, spills: bool) -> Result<Sorted> {
        let replaces = load.how.existing == Existing::Replaced;
        let winner = if replaces { Winner::Last } else { Winner::First };
        let mut sets = std::mem::take(&mut load.sets).sort_to(winner, |key| load.repeats(key));
        let now = load.now;
        let live = |sets: &Sorted| match load.loaded.expired {
            0 => sets.len() as u64,
            _ => sets.iter().filter(|set| is_live(set, now)).count() as u64,
        };
        let hashes = (spills || !load.gone.is_empty()).then(|| load.gone.hashes(&sets, now));
        if replaces {
            load.loaded.entries += live(&sets);
            load.loaded.entries -= hashes.as_ref().map_or(0, |hashes| load.gone.known(hashes));
            let repeats = load.how.unique.then(|| sets.iter().map(|(key, ..)| key).find(|key| load.gone.contains(key)));
            if let Some(key) = repeats.flatten() {
                load.repeats(key);
            }
        } else {
            self.keep_existing(load, &mut sets)?;
            load.loaded.entries += sets.len() as u64;
        }
        load.gone.parts.extend(hashes);
        Ok(sets)
    }

    /// Drops keys that exist, and those that the load has already set.
    fn keep_existing(&mut self, load: &mut Load, sets: &mut Sorted) -> Result<()> {
        if !load.rehearses {
            // From now on, no other process can add a key.
            self.store.hold()?;
        }
        let now = self.now();
        sets.filter(|key| {
            let exists = self.store.get(key)?.is_some_and(|stored| stored.is_live(now));
            let repeats = load.gone.contains(key) && (exists || self.store.has_spilled_key(key)?);
            match (exists, repeats) {
                (_, true) => load.repeats(key),
                (true, false) => load.exists(key),
                (false, false) => return Ok(true),
            }
            Ok(false)
        })
    }

    /// Commits the sets, or adds them to the open transaction.
    fn put_sets(&mut self, sets: Sorted, observer: &mut dyn LoadObserver) -> Result<()> {
        if observer.limit().is_some_and(|limit| !self.store.has_spilled() && sets.is_up_to(limit)) {
            // Each set is copied twice: as a pending change, and for undo.
            check_memory(2 * sets.bytes())?;
            return self.transaction(|tx| {
                for (key, text, expiry) in sets.iter() {
                    let stored = Stored { text: text.into(), expiry };
                    observer.note(key, tx.changed(key)?, tx.entry(key)?, &tx.decode(stored.clone())?);
                    tx.put(key, Some(stored));
                }
                observer.agree()
            });
        }
        observer.too_many()?;
        self.store.pending().set_all(sets);
        match self.store.idle() {
            Some(store) => store.commit(self.clock.now()),
            None => Ok(()),
        }
    }
}

/// The keys of a load that are no longer in memory, to detect repeated ones, at eight bytes each. Keys are compared by
/// their hashes alone, which is wrong for about three in a million loads of ten million keys.
#[derive(Default)]
struct Gone {
    hasher: RandomState,
    /// Each part is sorted.
    parts: Vec<Vec<u64>>,
}

impl Gone {
    fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    fn contains(&self, key: &str) -> bool {
        let hash = || self.hasher.hash_one(key);
        !self.is_empty() && self.parts.iter().any(|part| part.binary_search(&hash()).is_ok())
    }

    /// The hashes of the keys that have not expired.
    fn hashes(&self, sets: &Sorted, now: Timestamp) -> Vec<u64> {
        let live = sets.iter().filter(|set| is_live(set, now));
        let mut hashes: Vec<u64> = live.map(|(key, ..)| self.hasher.hash_one(key)).collect();
        hashes.sort_unstable();
        hashes
    }

    /// How many of them are known.
    fn known(&self, hashes: &[u64]) -> u64 {
        let mut parts: Vec<_> = self.parts.iter().map(|part| part.iter().peekable()).collect();
        let is_known = |hash: &&u64| {
            parts.iter_mut().any(|part| {
                while part.next_if(|older| older < hash).is_some() {}
                part.peek() == Some(hash)
            })
        };
        hashes.iter().filter(is_known).count() as u64
    }
}

fn is_live((_, _, expiry): &(&str, &str, Option<Timestamp>), now: Timestamp) -> bool {
    expiry.is_none_or(|expiry| now < expiry)
}
