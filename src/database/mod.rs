//! The public API: open, get, set, delete, ranges, transactions, expiries, save.

mod glance;

mod handle;

mod load;

mod rehearsal;

mod options;

mod range;

mod repair;

mod restore;

mod saving;

mod transaction;

mod watch;

mod writing;

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::expiry::Timestamp;
use crate::storage::Storage;
use crate::storage::{Entry, Phase, Stored};
use crate::value::Value;

use self::options::Clock;

pub(crate) use self::glance::Outline;
pub(crate) use self::load::{Conflict, Existing, LoadObserver, Loaded, Loading};
pub use self::options::Options;
pub use self::range::{Keys, Range};
pub(crate) use self::range::{Visitor, prefix_end};
pub(crate) use self::rehearsal::Difference;
pub use self::repair::Repair;
pub use self::restore::Restored;
pub(crate) use self::transaction::Changed;
pub use self::transaction::Transaction;
pub use crate::storage::{Event, Repaired, Report};
pub(crate) use crate::storage::{FileState, JournalState, Seen};

pub use self::watch::Watch;

/// A database: sorted keys, each with a value and optionally an expiry, in one readable JSON file.
///
/// Every change is durable when its method returns; [`Database::transaction`] makes several durable at once. The lock
/// is held only during a change, so any number of processes can share a file. Reads answer from memory;
/// [`Database::refresh`] loads what other processes wrote (changes do that automatically).
///
/// ```
/// use rusty_kv::{Database, Value};
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("kv.json");
/// let mut db = Database::open(&path)?;
/// db.set("hello", "world")?;
/// assert_eq!(db.get("hello")?, Some(Value::from("world")));
/// assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\n  \"map\": {\n    \"hello\": \"world\"\n  }\n}\n");
/// # Ok::<(), rusty_kv::Error>(())
/// ```
#[derive(Debug)]
pub struct Database {
    store: Phase,
    clock: Clock,
    /// Whether changes wait for [`Database::commit_batch`].
    batch: bool,
}

impl Database {
    /// Opens the database in a file with the default [`Options`]. The first change creates the file.
    ///
    /// # Errors
    /// As [`Options::open`].
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("kv.json");
    /// let db = rusty_kv::Database::open(&path)?;
    /// assert!(db.is_empty()?);
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Options::new().open(path)
    }

    /// Opens a database read-only.
    ///
    /// # Errors
    /// As [`Options::open`].
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("kv.json");
    /// let mut db = rusty_kv::Database::open_read_only(&path)?;
    /// assert!(db.set("a", "b").is_err());
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn open_read_only(path: impl AsRef<Path>) -> Result<Self> {
        Options::new().read_only(true).open(path)
    }

    /// Creates a database without a file.
    ///
    /// ```
    /// let mut db = rusty_kv::Database::in_memory();
    /// db.set("a", "b")?;
    /// assert_eq!(db.path(), None);
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn in_memory() -> Self {
        Options::new().in_memory()
    }

    /// The path of the file, with symbolic links resolved; `None` in memory.
    ///
    /// ```
    /// assert_eq!(rusty_kv::Database::in_memory().path(), None);
    /// ```
    pub fn path(&self) -> Option<&Path> {
        self.store.path()
    }

    /// Whether the file existed at the last refresh.
    ///
    /// ```
    /// assert!(!rusty_kv::Database::in_memory().is_on_disk());
    /// ```
    pub fn is_on_disk(&self) -> bool {
        self.store.is_on_disk()
    }

    /// The length of the file at the last refresh, in bytes.
    ///
    /// ```
    /// assert_eq!(rusty_kv::Database::in_memory().file_len(), 0);
    /// ```
    pub fn file_len(&self) -> u64 {
        self.store.file_len()
    }

    /// The current time, as used to decide which entries have expired.
    ///
    /// ```
    /// assert!(rusty_kv::Database::in_memory().now() > rusty_kv::Timestamp::from_millis(0));
    /// ```
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Loads what other processes wrote since the last refresh; true if there was anything.
    ///
    /// # Errors
    /// As [`Options::open`].
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("kv.json");
    /// let mut ours = rusty_kv::Database::open(&path)?;
    /// rusty_kv::Database::open(&path)?.set("a", "b")?;
    /// assert!(ours.refresh()?);
    /// assert!(ours.contains("a")?);
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn refresh(&mut self) -> Result<bool> {
        self.store.refresh()
    }

    /// Returns notices about the file, each of them once: for example, that an empty file was taken for a new database,
    /// or that hard links were split.
    ///
    /// ```
    /// assert!(rusty_kv::Database::in_memory().take_notices().is_empty());
    /// ```
    pub fn take_notices(&mut self) -> Vec<String> {
        self.store.store_mut().take_notices()
    }

    /// The value of a key; `None` if it does not exist or has expired.
    ///
    /// # Errors
    /// [`Error::Open`] if the file cannot be read; [`Error::Unreadable`] or [`Error::JournalCorrupt`] if its content is
    /// corrupt.
    ///
    /// ```
    /// assert_eq!(rusty_kv::Database::in_memory().get("nothing")?, None);
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn get(&self, key: &str) -> Result<Option<Value>> {
        Ok(self.entry(key)?.map(|entry| entry.value))
    }

    /// The value of a key and its expiry.
    ///
    /// # Errors
    /// As [`Database::get`].
    ///
    /// ```
    /// let mut db = rusty_kv::Database::in_memory();
    /// db.set("a", "b")?;
    /// assert_eq!(db.entry("a")?, Some("b".into()));
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn entry(&self, key: &str) -> Result<Option<Entry>> {
        self.live(key)?.map(|stored| self.store.entry_of(stored)).transpose()
    }

    /// Whether a key exists.
    ///
    /// # Errors
    /// As [`Database::get`].
    ///
    /// ```
    /// assert!(!rusty_kv::Database::in_memory().contains("a")?);
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn contains(&self, key: &str) -> Result<bool> {
        Ok(self.live(key)?.is_some())
    }

    /// Deserializes a key's JSON or text into a Rust value.
    ///
    /// # Errors
    /// [`Error::Convert`] if the types do not match, and as [`Database::get`].
    ///
    /// ```
    /// let mut db = rusty_kv::Database::in_memory();
    /// db.store("point", &(1, 2))?;
    /// assert_eq!(db.load::<(u8, u8)>("point")?, Some((1, 2)));
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn load<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        self.get(key)?.map(|value| value.deserialize()).transpose()
    }

    fn live(&self, key: &str) -> Result<Option<Stored>> {
        Ok(self.store.get(key)?.filter(|stored| stored.expiry.is_none() || stored.is_live(self.now())))
    }

    /// Sets a key, without an expiry. Durable on return.
    ///
    /// # Errors
    /// [`Error::Limit`], [`Error::Busy`], [`Error::ReadOnly`], [`Error::Io`] and other errors of writing. After any
    /// error but [`Error::OutcomeUnknown`] and [`Error::Uncertain`], nothing is stored.
    ///
    /// ```
    /// let mut db = rusty_kv::Database::in_memory();
    /// db.set("hello", "world")?;
    /// db.set("picture", vec![0x89, 0x50])?;
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn set(&mut self, key: &str, value: impl Into<Value>) -> Result<()> {
        self.set_entry(key, Entry::from(value))
    }

    /// Sets a key and its expiry.
    ///
    /// # Errors
    /// As [`Database::set`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use rusty_kv::{Database, Entry};
    /// let mut db = Database::in_memory();
    /// let expiry = Some(db.now().after(Duration::from_secs(60))?);
    /// db.set_entry("session:1", Entry { expiry, ..Entry::from("Ada") })?;
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn set_entry(&mut self, key: &str, entry: Entry) -> Result<()> {
        self.transaction(|tx| tx.set_entry(key, entry))
    }

    /// Sets a key to any serializable Rust value, as JSON.
    ///
    /// # Errors
    /// As [`Database::set`] and [`Value::from_serialize`].
    ///
    /// ```
    /// let mut db = rusty_kv::Database::in_memory();
    /// db.store("primes", &[2, 3, 5])?;
    /// assert_eq!(db.get("primes")?.unwrap().to_string(), "[2,3,5]");
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn store<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<()> {
        self.set(key, Value::from_serialize(value)?)
    }

    /// Deletes a key; true if it existed.
    ///
    /// # Errors
    /// As [`Database::set`].
    ///
    /// ```
    /// let mut db = rusty_kv::Database::in_memory();
    /// db.set("a", "b")?;
    /// assert!(db.delete("a")?);
    /// assert!(!db.delete("a")?);
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn delete(&mut self, key: &str) -> Result<bool> {
        self.transaction(|tx| tx.delete(key))
    }

    /// Sets or removes a key's expiry; true if the key exists.
    ///
    /// # Errors
    /// As [`Database::set`].
    ///
    /// ```
    /// use std::time::Duration;
    /// let mut db = rusty_kv::Database::in_memory();
    /// db.set("a", "b")?;
    /// let expiry = db.now().after(Duration::from_secs(5))?;
    /// assert!(db.expire("a", Some(expiry))?);
    /// assert_eq!(db.entry("a")?.unwrap().expiry, Some(expiry));
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn expire(&mut self, key: &str, expiry: Option<Timestamp>) -> Result<bool> {
        self.transaction(|tx| {
            let Some(entry) = tx.entry(key)? else { return Ok(false) };
            tx.set_entry(key, Entry { expiry, ..entry })?;
            Ok(true)
        })
    }

    /// The state of the file and its journal at the last refresh.
    pub(crate) fn file_state(&self) -> Result<FileState> {
        self.store.file_state()
    }

    /// Whether opening a file is fast: it is small, or its journal has its layout.
    pub(crate) fn opens_at_once(path: &Path) -> Result<bool> {
        Storage::opens_at_once(path)
    }

    /// The number of keys.
    ///
    /// # Errors
    /// As [`Database::get`].
    ///
    /// ```
    /// assert_eq!(rusty_kv::Database::in_memory().len()?, 0);
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn len(&self) -> Result<u64> {
        self.store.count(self.now())
    }

    /// Whether there are no keys.
    ///
    /// # Errors
    /// As [`Database::get`].
    ///
    /// ```
    /// assert!(rusty_kv::Database::in_memory().is_empty()?);
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.iter().next().transpose()?.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_save_that_drops_expired_entries_changes_nothing_for_a_transaction() {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NOW: AtomicU64 = AtomicU64::new(0);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kv.json");
        let open = || Options::new().clock(|| Timestamp::from_millis(NOW.load(Ordering::Relaxed))).open(&path).unwrap();
        for reads in [false, true] {
            NOW.store(1_000, Ordering::Relaxed);
            let (mut ours, mut theirs) = (open(), open());
            theirs.set("c", "x").unwrap();
            theirs.set_entry("b", Entry { expiry: Some(Timestamp::from_millis(2_000)), ..Entry::from("x") }).unwrap();
            NOW.store(2_000, Ordering::Relaxed);
            ours.begin().unwrap();
            if reads {
                assert_eq!(ours.get("b").unwrap(), None);
                assert_eq!(ours.range("a".."z").count(), 1);
            }
            ours.set("b", "y").unwrap();
            theirs.save().unwrap();
            assert_eq!(ours.commit().unwrap(), 1, "reads: {reads}");
        }
    }

    #[test]
    fn a_clock_that_steps_back_revives_nothing() {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NOW: AtomicU64 = AtomicU64::new(1_000);
        let mut db = Options::new().clock(|| Timestamp::from_millis(NOW.load(Ordering::Relaxed))).in_memory();
        let expiry = Some(Timestamp::from_millis(2_000));
        db.set_entry("a", Entry { expiry, ..Entry::from("x") }).unwrap();
        assert_eq!(db.len().unwrap(), 1);
        NOW.store(2_000, Ordering::Relaxed);
        assert_eq!(db.get("a").unwrap(), None);
        NOW.store(500, Ordering::Relaxed);
        assert_eq!(db.get("a").unwrap(), None);
        assert_eq!(db.len().unwrap(), 0);
    }
}
