//! Bulk loads of any size, all or none.

use super::undo::Writes;
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
        if self.memory.is_on() && self.store.is_bulk_up_to(Writes::MOST, Writes::EACH) {
            let sets = self.store.take_bulk();
            return self.transaction(|tx| {
                sets.iter()
                    .try_for_each(|(key, text, deadline)| tx.put(key, Some(Stored { text: text.into(), deadline })))
            });
        }
        if self.store.is_open() {
            self.store.settle_bulk();
        } else {
            self.store.commit(self.clock.now())?;
        }
        self.memory.note(Some(Writes::too_many()));
        if !self.store.is_open() {
            self.memory.settle(true);
        }
        Ok(())
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
