//! How a database is opened, and the clock it goes by.

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

/// How a database is opened.
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
    /// Reading and writing, 5 s of waiting for the lock, the system's clock, no folder made.
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

    /// Whether the first change makes the folder of the file (mode 0700) if it is missing.
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

    /// Who is told how far a save or a check is, each few KiB to MiB, and, with nothing done, that a change waits for the
    /// lock. [`ControlFlow::Break`] stops it with
    /// [`Error::Interrupted`]: the database is what it was, and a change that was to be made by that save is not made.
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

    /// How many bytes of changes memory holds.
    #[cfg(test)]
    pub(crate) fn memory(mut self, bytes: u64) -> Self {
        self.settings.policy.memory = bytes;
        self
    }

    /// Where `now` comes from, for expiries. It is asked once an operation, and a step back is not followed, so that
    /// nothing that has expired comes back.
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

    /// Opens the database in a file. The file is created by the first change.
    ///
    /// # Errors
    /// [`Error::Open`], [`Error::Unsuitable`], [`Error::Damaged`], [`Error::NewerVersion`]; no byte is changed.
    ///
    /// ```
    /// assert!(rusty_kv::Options::new().open("/").is_err());
    /// ```
    pub fn open(&self, path: impl AsRef<Path>) -> Result<Database> {
        Ok(self.with(Storage::open(path.as_ref(), self.settings.clone())?))
    }

    /// A database without a file.
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
