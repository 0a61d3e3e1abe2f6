//! Changes made with the lock held, all or none.

#[cfg(doc)]
use super::Database;
use super::Range;
use super::range::with_prefix;
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::expiry::Timestamp;
use crate::storage::{Change, Entry, Phase, Stored, check_entry};
use crate::value::Value;

/// The current state with the lock held, and changes to it; see [`Database::transaction`].
///
/// ```
/// let mut db = rusty_kv::Database::in_memory();
/// let failed = db.transaction(|tx: &mut rusty_kv::Transaction<'_>| {
///     tx.set("a", "1")?;
///     rusty_kv::Value::from_json("not JSON").map(|_| ())
/// });
/// assert!(failed.is_err());
/// assert!(!db.contains("a")?);
/// # Ok::<(), rusty_kv::Error>(())
/// ```
#[derive(Debug)]
pub struct Transaction<'a> {
    store: &'a mut Phase,
    now: Timestamp,
    /// The previous pending change of each changed key, oldest first.
    undo: Vec<(String, Option<Change>)>,
    kept: bool,
}

/// An open transaction's change of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Changed {
    /// The key has not been changed.
    Not,
    Deleted,
    Set(Entry),
}

/// Undoes every change unless they are to be kept: the body failed or panicked.
impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if !self.kept {
            for (key, old) in std::mem::take(&mut self.undo).into_iter().rev() {
                self.store.pending().undo_insert(&key, old);
            }
            self.store.release();
        }
    }
}

impl<'a> Transaction<'a> {
    /// The caller must have called [`Phase::hold`].
    pub(super) fn new(store: &'a mut Phase, now: Timestamp) -> Self {
        Self { store, now, undo: Vec::new(), kept: false }
    }

    /// Keeps the changes in the store.
    pub(super) fn keep(mut self) {
        self.kept = true;
    }

    /// The time of the transaction, which does not change.
    ///
    /// ```
    /// rusty_kv::Database::in_memory().transaction(|tx| tx.now().after(std::time::Duration::from_secs(1)))?;
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// As [`Database::get`], including this transaction's changes.
    ///
    /// # Errors
    /// As [`Database::get`].
    ///
    /// ```
    /// rusty_kv::Database::in_memory().transaction(|tx| tx.get("a"))?;
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn get(&self, key: &str) -> Result<Option<Value>> {
        Ok(self.entry(key)?.map(|entry| entry.value))
    }

    /// As [`Database::entry`], including this transaction's changes.
    ///
    /// # Errors
    /// As [`Database::get`].
    ///
    /// ```
    /// rusty_kv::Database::in_memory().transaction(|tx| tx.entry("a"))?;
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn entry(&self, key: &str) -> Result<Option<Entry>> {
        self.stored(key)?.map(|stored| self.store.entry_of(stored)).transpose()
    }

    /// The keys that start with `prefix`, in order; all keys if it is empty.
    ///
    /// # Errors
    /// As [`Database::get`].
    ///
    /// ```
    /// let keys = rusty_kv::Database::in_memory().transaction(|tx| tx.keys(""))?;
    /// assert!(keys.is_empty());
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn keys(&self, prefix: &str) -> Result<Vec<String>> {
        self.all_keys(prefix, |_| true, || Ok(()))
    }

    /// The keys that start with `prefix` and for which `is_wanted` is true, in order; stops when `may_go_on` fails.
    pub(crate) fn all_keys(
        &self,
        prefix: &str,
        is_wanted: impl Fn(&str) -> bool,
        may_go_on: fn() -> Result<()>,
    ) -> Result<Vec<String>> {
        const EACH: usize = 1024;
        let range = Range::new(with_prefix(prefix, |from, to| self.store.range(from, to)), self.now);
        let mut keys = Vec::new();
        for (number, key) in range.keys().enumerate() {
            if number % EACH == 0 {
                may_go_on()?;
            }
            keys.extend(Some(key?).filter(|key| is_wanted(key)));
        }
        Ok(keys)
    }

    /// As [`Database::set`]; durable when the transaction is.
    ///
    /// # Errors
    /// [`Error::Limit`].
    ///
    /// ```
    /// rusty_kv::Database::in_memory().transaction(|tx| tx.set("a", "b"))?;
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn set(&mut self, key: &str, value: impl Into<Value>) -> Result<()> {
        self.set_entry(key, Entry::from(value))
    }

    /// As [`Database::set_entry`]; durable when the transaction is.
    ///
    /// # Errors
    /// [`Error::Limit`].
    ///
    /// ```
    /// rusty_kv::Database::in_memory().transaction(|tx| tx.set_entry("a", "b".into()))?;
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    #[expect(clippy::needless_pass_by_value, reason = "as Database::set_entry, and as a map's insert")]
    pub fn set_entry(&mut self, key: &str, entry: Entry) -> Result<()> {
        self.put_entry(key, &entry)
    }

    /// As [`Database::update`]; durable when the transaction is.
    ///
    /// # Errors
    /// Those of `change`, and [`Error::Limit`].
    ///
    /// ```
    /// let mut db = rusty_kv::Database::in_memory();
    /// db.transaction(|tx| tx.update("a", |value| Ok(Some(value.unwrap_or("b".into())))))?;
    /// assert_eq!(db.get("a")?, Some("b".into()));
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn update(&mut self, key: &str, change: impl FnOnce(Option<Value>) -> Result<Option<Value>>) -> Result<()> {
        let (value, expiry) = self.entry(key)?.map_or((None, None), |entry| (Some(entry.value), entry.expiry));
        match change(value)? {
            Some(value) => self.put_entry(key, &Entry { value, expiry }),
            None => self.delete(key).map(drop),
        }
    }

    /// As [`Transaction::set_entry`].
    pub(crate) fn put_entry(&mut self, key: &str, entry: &Entry) -> Result<()> {
        check_entry(key, &entry.value)?;
        self.put(key, Some(Stored::of(entry)));
        Ok(())
    }

    /// The open transaction's change of a key.
    pub(crate) fn changed(&mut self, key: &str) -> Result<Changed> {
        Ok(match self.store.pending().get(key) {
            None => Changed::Not,
            Some(None) => Changed::Deleted,
            Some(Some(stored)) => Changed::Set(self.store.entry_of(stored)?),
        })
    }

    /// As [`Database::delete`]; durable when the transaction is.
    ///
    /// # Errors
    /// As [`Database::get`].
    ///
    /// ```
    /// rusty_kv::Database::in_memory().transaction(|tx| tx.delete("a"))?;
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn delete(&mut self, key: &str) -> Result<bool> {
        let is_live = self.stored(key)?.is_some();
        if is_live {
            self.put(key, None);
        }
        Ok(is_live)
    }

    /// Decodes a stored entry.
    pub(super) fn decode(&self, stored: Stored) -> Result<Entry> {
        self.store.entry_of(stored)
    }

    /// A key's stored entry.
    fn stored(&self, key: &str) -> Result<Change> {
        Ok(self.store.get(key)?.filter(|stored| stored.is_live(self.now)))
    }

    /// Changes a key.
    pub(super) fn put(&mut self, key: &str, change: Change) {
        let old = self.store.pending().insert(key, change);
        self.undo.push((key.to_owned(), old));
    }
}
