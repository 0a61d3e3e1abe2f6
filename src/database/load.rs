//! Loads of any size, all or none.

use std::hash::{BuildHasher, RandomState};

use super::{Changed, Database, Entry};
use crate::error::{Error, Result};
use crate::expiry::Timestamp;
use crate::storage::{self, Arena, Sorted, Stored, Winner, check_memory};

use super::rehearsal::Difference;

/// What becomes of keys that already exist or that repeat, as if the entries were set one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    /// They get the new values; of several the last.
    Replaced,
    /// They stay as they are; of several new values the first counts.
    Kept,
    /// They are a reason to set none.
    Refused,
}

/// How entries are loaded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loading {
    pub(crate) existing: Existing,
    /// A key that repeats is a reason to set none, whatever becomes of keys that exist.
    pub(crate) unique: bool,
}

/// What a load has come to. Of the entries read, those that were neither set nor kept out repeated a key or had expired.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// How many entries were read.
    pub(crate) read: u64,
    /// How many of them had expired before they were read.
    pub(crate) expired: u64,
    /// How many keys were set.
    pub(crate) entries: u64,
    /// How many keys existed and stayed as they were.
    pub(crate) kept: u64,
    /// Why none were set, if none were to be.
    pub(crate) conflict: Option<Conflict>,
}

impl Loaded {
    /// How many entries had the key of another one.
    pub(crate) fn repeated(&self) -> u64 {
        self.read.saturating_sub(self.expired + self.entries + self.kept)
    }
}

/// A key that is a reason to set none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Conflict {
    Exists(String),
    Repeats(String),
}

/// Is told what a load replaces.
pub(crate) trait LoadObserver {
    /// Of how many bytes of keys and values it is to be told, if of any.
    fn limit(&self) -> Option<usize>;
    /// A key is set: what the open transaction had made of it, what it holds, and what it is to hold.
    fn note(&mut self, key: &str, changed: Changed, before: Option<Entry>, after: &Entry);
    /// There is more than that, of which it is told nothing.
    ///
    /// # Errors
    /// Then nothing is set.
    fn too_many(&mut self) -> Result<()>;
    /// All of it was noted.
    ///
    /// # Errors
    /// Then nothing is set.
    fn agree(&mut self) -> Result<()>;
}

/// Nobody wants to know.
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

/// A load on its way.
struct Load {
    how: Loading,
    /// Whether nothing is to be written.
    rehearses: bool,
    now: Timestamp,
    /// The entries that were read and are still in memory.
    sets: Arena,
    /// The keys that are no longer in memory.
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
    /// Sets many entries, all or none; of those with one key the last. What takes more than 256 MiB is spilled into a file
    /// without a name next to the database; from then on until the end other writers wait. Returns how many keys were set.
    ///
    /// # Errors
    /// As [`Database::set`], and the first error among the entries; then none of them was stored.
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

    /// The same, where keys that already exist may be left as they are, or be a reason to set none.
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

    /// What the same would come to, entry by entry in key order. Neither locks nor writes anything; the entries are held in
    /// memory.
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

    /// Reads the entries; returns those that are to be set and were not spilled.
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
                // It takes the place of what it may replace, and is nothing itself.
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

    /// Takes what is to be set of the entries in memory, each key once, and counts it.
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

    /// Leaves out the keys that exist, and those that the load itself has set.
    fn keep_existing(&mut self, load: &mut Load, sets: &mut Sorted) -> Result<()> {
        if !load.rehearses {
            // From now on no further key comes to exist.
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

    /// Commits what was put, or makes it part of the open transaction.
    fn put_sets(&mut self, sets: Sorted, observer: &mut dyn LoadObserver) -> Result<()> {
        if observer.limit().is_some_and(|limit| !self.store.has_spilled() && sets.is_up_to(limit)) {
            // Each is there once more as a change, and once as what can be undone.
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

/// The keys of a load that are no longer in memory, to tell those that repeat: eight bytes for each. A key is known by its
/// hash alone, which errs about three times in a million loads of ten million keys.
#[derive(Default)]
struct Gone {
    hasher: RandomState,
    /// Each is sorted.
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

    /// Of the keys that have not expired.
    fn hashes(&self, sets: &Sorted, now: Timestamp) -> Vec<u64> {
        let live = sets.iter().filter(|set| is_live(set, now));
        let mut hashes: Vec<u64> = live.map(|(key, ..)| self.hasher.hash_one(key)).collect();
        hashes.sort_unstable();
        hashes
    }

    /// How many of them are here.
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
