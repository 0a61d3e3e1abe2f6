//! Restoring a backup.

use std::path::{Path, PathBuf};

use super::{Database, Options};
use crate::error::{Error, Result};
use crate::storage::Storage;

/// The result of [`Options::restore`].
#[derive(Debug)]
pub struct Restored {
    /// The number of keys in the restored database.
    pub keys: u64,
    /// The new path of the previous database, if there was one.
    pub kept: Option<PathBuf>,
}

impl Options {
    /// Atomically replaces the database at `path` by the content of another one, such as a backup. The previous
    /// database is kept next to it, unchanged if it is corrupt.
    ///
    /// # Errors
    /// As [`Options::open`], except for faults in the content at `path`; and as [`Database::set`].
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let (path, copy) = (folder.path().join("kv.json"), folder.path().join("copy.json"));
    /// use rusty_kv::{Database, Options};
    /// let mut db = Database::open(&path)?;
    /// db.set("a", "1")?;
    /// db.save_to(&copy)?;
    /// db.set("a", "2")?;
    /// let restored = Options::new().restore(&path, &mut Database::open(&copy)?)?;
    /// assert_eq!(Database::open(&path)?.get("a")?, Some("1".into()));
    /// assert_eq!(Database::open(restored.kept.unwrap())?.get("a")?, Some("2".into()));
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn restore(&self, path: impl AsRef<Path>, from: &mut Database) -> Result<Restored> {
        let path = path.as_ref();
        // Read all of it before anything is replaced.
        let mut keys = 0;
        for key in from.iter().keys() {
            key?;
            keys += 1;
        }
        let now = from.now();
        // Corruption may show only when the old content is copied, or its journal recovered.
        let restored = self.open(path).and_then(|mut db| db.store.must_be_idle()?.restore(&from.store, now));
        let kept = match restored {
            Ok(kept) => kept,
            Err(
                Error::Unreadable { .. }
                | Error::JournalCorrupt { .. }
                | Error::LastRecord { .. }
                | Error::Corrupt { .. }
                | Error::ForeignJournal { .. }
                | Error::NewerVersion { .. }
                | Error::Unsuitable { .. },
            ) => Some(Storage::restore_corrupt(path, &from.store, self.settings.clone(), now)?),
            Err(error) => return Err(error),
        };
        Ok(Restored { keys, kept })
    }
}
