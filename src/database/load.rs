//! Bulk loads of any size, all or none.

use super::undo::{self, NOT_AGREED, Writes};
use super::{Database, Entry};
use crate::error::{Error, Result};
use crate::storage::Stored;

/// What becomes of keys that are there already, and have not expired.
#[cfg_attr(not(feature = "shell"), expect(dead_code, reason = "only an import asks for anything but the first"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    /// They get the new values.
    Replaced,
    /// They stay as they are.
    Kept,
    /// They are a reason to set none.
    Refused,
}

/// What a load has come to.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// How many entries were set.
    pub(crate) entries: u64,
    /// How many keys were there already and were to stay.
    pub(crate) kept: u64,
    /// The first of them.
    pub(crate) first_kept: Option<String>,
}

impl Database {
    /// Sets many entries, all or none, as a bulk load. What takes more than 256 MiB is gathered in a file without a name
    /// beside the database; from then on until the end other writers wait. Returns how many entries there were.
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
        self.load_entries(entries, Existing::Replaced).map(|loaded| loaded.entries)
    }

    /// The same, where keys that are there already may be left as they are, or be a reason to set none.
    pub(crate) fn load_entries<E: From<Error>>(
        &mut self,
        entries: impl IntoIterator<Item = Result<(String, Entry), E>>,
        existing: Existing,
    ) -> Result<Loaded, E> {
        self.commit_group()?;
        self.store.settle_bulk();
        let mut loaded = Loaded::default();
        let gathered = self.gather(entries, existing, &mut loaded);
        let is_refused = existing == Existing::Refused && loaded.kept > 0;
        let done = match gathered {
            Ok(()) if !is_refused => self.put_bulk().map_err(E::from),
            gathered => gathered,
        };
        if done.is_err() || is_refused {
            self.forget_load();
            loaded.entries = 0;
        }
        done.map(|()| loaded)
    }

    fn gather<E: From<Error>>(
        &mut self,
        entries: impl IntoIterator<Item = Result<(String, Entry), E>>,
        existing: Existing,
        loaded: &mut Loaded,
    ) -> Result<(), E> {
        for entry in entries {
            let (key, Entry { value, deadline }) = entry?;
            self.put_blind(&key, &value, deadline)?;
            if !self.store.is_open() && self.store.is_full() {
                self.ask_for_consent()?;
                self.thin_out(existing, loaded)?;
                self.store.stage(self.clock.now())?;
            }
        }
        Ok(self.thin_out(existing, loaded)?)
    }

    /// Takes the keys that are to stay as they are out of what was put.
    fn thin_out(&mut self, existing: Existing, loaded: &mut Loaded) -> Result<()> {
        if existing != Existing::Replaced {
            let (kept, first) = self.store.drop_existing(self.now())?;
            loaded.kept += kept;
            loaded.first_kept = loaded.first_kept.take().or(first);
        }
        loaded.entries += self.store.bulk_len();
        Ok(())
    }

    /// Commits what was put, or makes it part of the open transaction.
    fn put_bulk(&mut self) -> Result<()> {
        if self.memory.is_on() && self.store.is_bulk_up_to(undo::MOST) {
            let sets = self.store.take_bulk();
            return self.transaction(|tx| {
                sets.iter()
                    .try_for_each(|(key, text, deadline)| tx.put(key, Some(Stored { text: text.into(), deadline })))
            });
        }
        if self.store.is_open() {
            self.store.settle_bulk();
        } else {
            self.ask_for_consent()?;
            self.store.commit(self.clock.now())?;
        }
        self.memory.note(Some(Writes::too_many()));
        if !self.store.is_open() {
            self.memory.settle(true);
        }
        Ok(())
    }

    /// Fails if a load of any size is not agreed to.
    fn ask_for_consent(&mut self) -> Result<()> {
        if !self.store.is_open() && self.memory.needs_consent(Some(&Writes::too_many())) {
            Err(NOT_AGREED)
        } else {
            Ok(())
        }
    }

    fn forget_load(&mut self) {
        if self.store.is_open() {
            self.store.forget_bulk();
        } else {
            self.store.forget();
            self.memory.settle(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::{Options, Timestamp};

    /// Memory holds two or three sets at most.
    fn open(path: &Path) -> Database {
        let mut options = Options::new().clock(|| Timestamp::from_millis(1_000));
        options.settings.policy.memory = 100;
        options.open(path).unwrap()
    }

    fn content(db: &Database) -> BTreeMap<String, Entry> {
        db.iter().collect::<Result<_>>().unwrap()
    }

    fn entry(value: u8, deadline: Option<u64>) -> Entry {
        Entry { deadline: deadline.map(Timestamp::from_millis), ..Entry::from(value.to_string()) }
    }

    fn loads() -> impl Strategy<Value = Vec<(u8, u8, Option<u64>)>> {
        // Some deadlines are over.
        prop::collection::vec((0..8_u8, any::<u8>(), prop::option::of(prop_oneof![Just(500), Just(5_000)])), 0..12)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// In memory, in a file that must be staged, at a prompt that remembers, in an open transaction.
        #[test]
        fn a_load_is_a_map_extended_or_nothing(
            before in loads(),
            load in loads(),
            existing in prop_oneof![Just(Existing::Replaced), Just(Existing::Kept), Just(Existing::Refused)],
            (remembers, is_open, is_file, fails) in any::<(bool, bool, bool, bool)>(),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("kv.json");
            let clock = || Timestamp::from_millis(1_000);
            let mut db = if is_file { open(&path) } else { Options::new().clock(clock).in_memory() };
            let live = |deadline: Option<u64>| deadline != Some(500);
            let mut model = BTreeMap::new();
            for (key, value, deadline) in before {
                db.set_entry(&key.to_string(), entry(value, deadline)).unwrap();
                model.insert(key.to_string(), (entry(value, deadline), live(deadline)));
            }
            model.retain(|_, (_, is_live)| *is_live);
            let old: BTreeMap<_, _> = model.into_iter().map(|(key, (entry, _))| (key, entry)).collect();
            if remembers {
                db.remember();
            }
            db.next_step();
            if is_open {
                db.begin().unwrap();
            }
            let too_long = fails.then(|| Ok(("k".repeat(70_000), Entry::from("x"))));
            let entries = load.iter().map(|&(key, value, deadline)| Ok((key.to_string(), entry(value, deadline))));
            let loaded = db.load_entries::<Error>(entries.chain(too_long), existing);
            let mut new = BTreeMap::new();
            for (key, value, deadline) in load {
                new.insert(key.to_string(), (entry(value, deadline), live(deadline)));
            }
            let kept = new.keys().filter(|key| old.contains_key(*key)).count() as u64;
            let kept = if existing == Existing::Replaced { 0 } else { kept };
            let mut wanted = old.clone();
            prop_assert_eq!(loaded.is_err(), fails);
            if let Ok(loaded) = loaded {
                // Parts of it are compared one by one, so a key of two parts counts twice.
                prop_assert!(loaded.kept >= kept && (loaded.kept == 0) == (kept == 0));
                if !(existing == Existing::Refused && kept > 0) {
                    for (key, (entry, is_live)) in new {
                        if existing == Existing::Kept && old.contains_key(&key) {
                            continue;
                        }
                        if is_live {
                            wanted.insert(key, entry);
                        } else {
                            wanted.remove(&key);
                        }
                    }
                }
            }
            prop_assert_eq!(content(&db), wanted.clone());
            if is_open {
                db.commit().unwrap();
            }
            prop_assert!(!db.is_locked() && !db.has_open_group());
            prop_assert_eq!(content(&db), wanted.clone());
            if is_file {
                prop_assert_eq!(content(&open(&path)), wanted.clone());
            }
            db.next_step();
            let undone = db.undo(1, &mut |_| true).unwrap();
            prop_assert!(undone.steps == 0 || content(&db) == old);
            prop_assert!(!remembers || is_file || wanted == old || undone.steps == 1);
        }
    }

    #[test]
    fn what_is_too_much_to_be_remembered_is_loaded_all_the_same_and_said_to_be() {
        let mut db = Database::in_memory();
        db.remember();
        db.set("a", "1").unwrap();
        db.next_step();
        let value = "x".repeat(1 << 20);
        let entries = (0..70).map(|n| Ok::<_, Error>((n.to_string(), Entry::from(value.as_str()))));
        assert_eq!(db.load_all(entries).unwrap(), 70);
        db.next_step();
        assert_eq!(db.take_notices(), [crate::database::TOO_LARGE]);
        assert_eq!(db.undo(1, &mut |_| true).unwrap().steps, 0);
        assert_eq!(db.len().unwrap(), 71);
    }

    #[test]
    fn a_load_waits_for_nobody_s_lock_before_it_has_all_of_its_entries() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kv.json");
        let (mut ours, mut theirs) = (Database::open(&path).unwrap(), Database::open(&path).unwrap());
        let entries = ["a", "b"].map(|key| {
            theirs.set(key, "theirs").unwrap();
            Ok::<_, Error>((key.to_owned(), Entry::from("ours")))
        });
        let loaded = ours.load_entries(entries, Existing::Kept).unwrap();
        assert_eq!((loaded.entries, loaded.kept, loaded.first_kept.as_deref()), (0, 2, Some("a")));
        let entries = ["b", "c"].into_iter().map(|key| {
            theirs.set(key, "theirs again").unwrap();
            Ok::<_, Error>((key.to_owned(), Entry::from("ours")))
        });
        assert_eq!(ours.load_entries(entries, Existing::Replaced).unwrap().entries, 2);
        theirs.refresh().unwrap();
        assert_eq!(theirs.get("c").unwrap(), Some("ours".into()));
    }
}
