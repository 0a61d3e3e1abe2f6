//! The options for opening a database, and its clock.

use std::cell::Cell;
use std::fmt;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use super::Database;
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::expiry::Timestamp;
use crate::storage::{Phase, Policy, Progress, Settings, Storage};

/// Options for opening a database.
///
/// ```
/// use std::time::Duration;
/// use rusty_kv::{Database, Error, Options};
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("kv.json");
/// let mut db = Options::new().wait(Duration::from_secs(1)).read_only(true).open(&path)?;
/// assert!(matches!(db.set("a", "b"), Err(Error::ReadOnly { .. })));
/// # Ok::<(), rusty_kv::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    pub(super) settings: Settings,
    pub(super) clock: fn() -> Timestamp,
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl Options {
    /// The defaults: read and write, wait 5 s for the lock, use the system's clock, create no folder.
    ///
    /// ```
    /// let options = rusty_kv::Options::new();
    /// ```
    pub fn new() -> Self {
        let (wait, policy) = (Duration::from_secs(5), Policy::default());
        let settings = Settings { read_only: false, wait, make_folder: false, policy, on_progress: None };
        Self { settings, clock: Timestamp::now }
    }

    /// Whether changes are refused.
    ///
    /// ```
    /// let options = rusty_kv::Options::new().read_only(true);
    /// ```
    #[must_use]
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.settings.read_only = read_only;
        self
    }

    /// How long a change waits for the writers' lock before it fails with [`Error::Busy`].
    ///
    /// ```
    /// let options = rusty_kv::Options::new().wait(std::time::Duration::ZERO);
    /// ```
    #[must_use]
    pub fn wait(mut self, wait: Duration) -> Self {
        self.settings.wait = wait;
        self
    }

    /// Whether the first change creates the file's folder (mode 0700) if it is missing.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("new/kv.json");
    /// let mut db = rusty_kv::Options::new().make_folder(true).open(&path)?;
    /// assert!(!path.exists());
    /// db.set("a", "b")?;
    /// assert!(path.exists());
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    #[must_use]
    pub fn make_folder(mut self, make_folder: bool) -> Self {
        self.settings.make_folder = make_folder;
        self
    }

    /// Sets a progress callback. It is called every few KiB to MiB of a save or a check and, with nothing done, while a
    /// change waits for the lock. [`ControlFlow::Break`] stops the operation with [`Error::Interrupted`]: the database
    /// is unchanged, and a change that needed that save is not made.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use rusty_kv::{Error, Options};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("kv.json");
    /// rusty_kv::Database::open(&path)?.set("a", "b")?;
    /// let options = Options::new().on_progress(|_| ControlFlow::Break(()));
    /// assert!(matches!(options.open(&path)?.save(), Err(Error::Interrupted)));
    /// assert!(matches!(options.check(&path), Err(Error::Interrupted)));
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    #[must_use]
    pub fn on_progress(mut self, report: fn(Progress) -> ControlFlow<()>) -> Self {
        self.settings.on_progress = Some(report);
        self
    }

    /// How many bytes of pending changes to hold in memory.
    #[cfg(test)]
    pub(crate) fn memory(mut self, bytes: u64) -> Self {
        self.settings.policy.memory = bytes;
        self
    }

    /// Sets the clock for expiries. It is read once per operation, and never goes back, so that an expired entry stays
    /// expired.
    ///
    /// ```
    /// use rusty_kv::{Options, Timestamp};
    /// let db = Options::new().clock(|| Timestamp::from_millis(1_000)).in_memory();
    /// assert_eq!(db.now(), Timestamp::from_millis(1_000));
    /// ```
    #[must_use]
    pub fn clock(mut self, clock: fn() -> Timestamp) -> Self {
        self.clock = clock;
        self
    }

    /// Opens the database in a file. The first change creates the file.
    ///
    /// # Errors
    /// [`Error::Open`], [`Error::Unsuitable`], [`Error::Unreadable`], [`Error::NewerVersion`]. Nothing is changed.
    ///
    /// ```
    /// assert!(rusty_kv::Options::new().open("/").is_err());
    /// ```
    pub fn open(&self, path: impl AsRef<Path>) -> Result<Database> {
        Ok(self.with(Storage::open(path.as_ref(), self.settings.clone())?))
    }

    /// Creates a database without a file.
    ///
    /// ```
    /// let mut db = rusty_kv::Options::new().in_memory();
    /// db.set("a", "b")?;
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn in_memory(&self) -> Database {
        self.with(Storage::in_memory(self.settings.clone()))
    }

    pub(super) fn with(&self, store: Storage) -> Database {
        let clock = Clock { now: self.clock, latest: Cell::new(Timestamp::from_millis(0)) };
        Database { store: Phase::Idle(store), clock, batch: false }
    }
}

/// A clock that never goes back.
#[derive(Clone)]
pub(super) struct Clock {
    now: fn() -> Timestamp,
    latest: Cell<Timestamp>,
}

impl Clock {
    pub(super) fn now(&self) -> Timestamp {
        let now = (self.now)().max(self.latest.get());
        self.latest.set(now);
        now
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.latest.get())
    }
}
