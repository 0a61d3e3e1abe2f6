//! Making changes: in transactions, including open ones, in batches, and in bulk.

#[cfg(doc)]
use super::Options;
use super::{Database, Transaction};
use crate::error::{Error, Result};
use crate::expiry::Timestamp;
use crate::storage;
use crate::value::Value;

const NO_TRANSACTION: Error = Error::Transaction { reason: "no transaction is open; start one with `begin`" };

impl Database {
    /// Runs `body` on the current state with the writers' lock held, then makes all of its changes durable at once. If
    /// `body` fails, none are made.
    ///
    /// # Errors
    /// Those of `body`, and as [`Database::set`].
    ///
    /// ```
    /// let mut db = rusty_kv::Database::in_memory();
    /// db.transaction(|tx| {
    ///     tx.set("from", "90")?;
    ///     tx.set("to", "110")
    /// })?;
    /// assert_eq!(db.len()?, 2);
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn transaction<T>(&mut self, body: impl FnOnce(&mut Transaction<'_>) -> Result<T>) -> Result<T> {
        self.store.hold()?;
        let now = self.now();
        let mut tx = Transaction::new(&mut self.store, now);
        let done = body(&mut tx);
        match done {
            Ok(_) => tx.keep(),
            Err(_) => drop(tx),
        }
        // Committing no changes releases the lock.
        self.commit_alone(Some(now))?;
        done
    }

    /// Makes one atomic change of what a key holds: `change` gets its value, `None` if there is none, and returns what it
    /// becomes, `None` to delete it. The expiry stays.
    ///
    /// # Errors
    /// Those of `change`, and as [`Database::set`]; then nothing was changed.
    ///
    /// ```
    /// use rusty_kv::{Database, Json, Value};
    /// let mut db = Database::in_memory();
    /// db.set("user:1", Value::from_json(r#"{"name":"Ada","balance":1.10}"#)?)?;
    /// db.update("user:1", |value| {
    ///     let mut user = value.map_or_else(|| Json::parse("{}"), Json::try_from)?;
    ///     user.set("/city", "London")?;
    ///     Ok(Some(user.into()))
    /// })?;
    /// assert_eq!(db.get("user:1")?.unwrap().to_string(), r#"{"name":"Ada","balance":1.10,"city":"London"}"#);
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn update(&mut self, key: &str, change: impl FnOnce(Option<Value>) -> Result<Option<Value>>) -> Result<()> {
        self.transaction(|tx| tx.update(key, change))
    }

    /// Commits what is no part of a batch or of an open transaction. Only then is the time asked for, if it is not known:
    /// reading it for each of a million sets would be a tenth of the work.
    fn commit_alone(&mut self, now: Option<Timestamp>) -> Result<()> {
        let Some(store) = self.store.idle().filter(|_| !self.batch) else { return Ok(()) };
        let now = now.unwrap_or_else(|| self.clock.now());
        store.commit(now)
    }

    /// Opens a transaction: until [`Database::commit`] or [`Database::rollback`], reads see the current state plus the
    /// transaction's own changes, and changes are made in memory only. No lock is held.
    ///
    /// # Errors
    /// [`Error::Transaction`] if one is already open, and as [`Options::open`].
    ///
    /// ```
    /// let mut db = rusty_kv::Database::in_memory();
    /// db.begin()?;
    /// db.set("a", "1")?;
    /// db.set("b", "2")?;
    /// assert_eq!(db.commit()?, 2);
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn begin(&mut self) -> Result<()> {
        if self.store.is_open() {
            let reason = "a transaction is already open; end it with `commit` or `rollback`";
            return Err(Error::Transaction { reason });
        }
        self.commit_batch()?;
        self.store.begin()
    }

    /// Makes the open transaction's changes durable, all at once, and ends it; returns how many keys it changed.
    ///
    /// # Errors
    /// [`Error::Overtaken`] if another process changed a key or range that it read or wrote; [`Error::Transaction`] if
    /// none is open; and as [`Options::open`] and [`Database::set`]. The transaction stays open if the current state
    /// could not be read or locked, as with [`Error::Busy`]; any other error ends it. To find out, call
    /// [`Database::open_transaction`].
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("kv.json");
    /// use rusty_kv::{Database, Error};
    /// let (mut ours, mut theirs) = (Database::open(&path)?, Database::open(&path)?);
    /// ours.begin()?;
    /// let seen = ours.get("a")?;
    /// theirs.set("a", "first")?;
    /// ours.set("b", seen.unwrap_or("nothing".into()))?;
    /// assert!(matches!(ours.commit(), Err(Error::Overtaken { key }) if key == "a"));
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn commit(&mut self) -> Result<u64> {
        let changes = self.open_transaction().ok_or(NO_TRANSACTION)?;
        self.store.commit(self.clock.now()).map(|()| changes)
    }

    /// Discards the open transaction's changes and ends it; returns how many keys it had changed.
    ///
    /// # Errors
    /// [`Error::Transaction`] if none is open.
    ///
    /// ```
    /// let mut db = rusty_kv::Database::in_memory();
    /// db.begin()?;
    /// db.set("a", "1")?;
    /// assert_eq!(db.rollback()?, 1);
    /// assert!(db.is_empty()?);
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn rollback(&mut self) -> Result<u64> {
        let changes = self.open_transaction().ok_or(NO_TRANSACTION)?;
        self.store.roll_back();
        Ok(changes)
    }

    /// How many keys the open transaction has changed; `None` if none is open.
    ///
    /// ```
    /// assert_eq!(rusty_kv::Database::in_memory().open_transaction(), None);
    /// ```
    pub fn open_transaction(&self) -> Option<u64> {
        self.store.is_open().then(|| self.store.changed_keys())
    }

    /// Sets many keys without expiries, much faster than one by one. Durable on return. Anything beyond 256 MiB is made
    /// durable in parts, so after an error some of it may be stored.
    ///
    /// # Errors
    /// As [`Database::set`].
    ///
    /// ```
    /// let mut db = rusty_kv::Database::in_memory();
    /// db.extend((0..1000).map(|n| (format!("key:{n:04}"), n.to_string())))?;
    /// assert_eq!(db.get("key:0042")?, Some("42".into()));
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn extend<K: AsRef<str>, V: Into<Value>>(&mut self, entries: impl IntoIterator<Item = (K, V)>) -> Result<()> {
        self.commit_batch()?;
        for (key, value) in entries {
            let set = self.put_unread(key.as_ref(), &value.into());
            let Some(store) = self.store.idle() else {
                set?;
                continue;
            };
            if set.is_err() {
                store.forget();
                return set;
            }
            if store.is_full(0) {
                store.commit(self.clock.now())?;
            }
        }
        self.commit_batch()
    }

    /// Sets a key without reading it.
    fn put_unread(&mut self, key: &str, value: &Value) -> Result<()> {
        storage::check_entry(key, value)?;
        self.store.check_writable()?;
        self.store.pending().set(key, value, None);
        Ok(())
    }

    /// Sets a key as part of a batch, without reading it, and without taking the lock before the batch is committed.
    pub(crate) fn set_unread(&mut self, key: &str, value: &Value) -> Result<()> {
        self.put_unread(key, value)?;
        self.commit_alone(None)
    }

    /// The size of the pending changes, in bytes.
    pub(crate) fn pending_bytes(&self) -> u64 {
        self.store.pending_bytes()
    }

    /// Whether a transaction is open. Called for each line of a script, where counting its changes would take too long.
    pub(crate) fn is_in_transaction(&self) -> bool {
        self.store.is_open()
    }

    /// Whether the writers' lock is held.
    pub(crate) fn is_locked(&self) -> bool {
        self.store.is_locked()
    }

    /// Starts a batch: the first change takes the lock, and [`Database::commit_batch`] makes all changes durable with
    /// one write. Other writers have to wait until then, so do not wait for anything during a batch.
    ///
    /// ```
    /// let mut db = rusty_kv::Database::in_memory();
    /// db.begin_batch();
    /// db.set("a", "1")?;
    /// db.set("b", "2")?;
    /// db.commit_batch()?;
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn begin_batch(&mut self) {
        self.batch = true;
    }

    /// Whether a batch has taken the lock, so that it needs [`Database::commit_batch`].
    ///
    /// ```
    /// assert!(!rusty_kv::Database::in_memory().has_open_batch());
    /// ```
    pub fn has_open_batch(&self) -> bool {
        self.batch && (self.store.is_locked() || self.store.is_changed())
    }

    /// Makes the changes since [`Database::begin_batch`] durable and ends the batch.
    ///
    /// # Errors
    /// As [`Database::set`]; then none of the batch's changes are stored, and they are discarded.
    ///
    /// ```
    /// rusty_kv::Database::in_memory().commit_batch()?;
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn commit_batch(&mut self) -> Result<()> {
        self.batch = false;
        self.commit_alone(None)
    }
}
