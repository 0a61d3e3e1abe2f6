//! Saving, copying and removing the file.

use std::path::{Path, PathBuf};

use super::Database;
#[cfg(doc)]
use super::Options;
use crate::error::Result;

impl Database {
    /// Writes the file in canonical form: sorted, one entry per line, without expired entries. Changes are durable
    /// without it.
    ///
    /// # Errors
    /// As [`Database::set`].
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("kv.json");
    /// std::fs::write(&path, r#"{"map":{"hello":"world"}}"#).unwrap();
    /// rusty_kv::Database::open(&path)?.save()?;
    /// assert!(std::fs::read_to_string(&path).unwrap().contains("\n    \"hello\": \"world\"\n"));
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    #[doc(alias = "flush")]
    pub fn save(&mut self) -> Result<()> {
        let now = self.clock.now();
        self.store.must_be_idle()?.save(now)
    }

    /// An alias for [`Database::save`], named as in the tutorial.
    ///
    /// # Errors
    /// As [`Database::save`].
    ///
    /// ```
    /// rusty_kv::Database::in_memory().flush()?;
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn flush(&mut self) -> Result<()> {
        self.save()
    }

    /// Atomically writes a snapshot of the database to another file; returns its resolved path. An existing file must
    /// be a database, and is replaced.
    ///
    /// # Errors
    /// As [`Options::open`] and [`Database::set`].
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// let mut db = rusty_kv::Database::in_memory();
    /// db.set("a", "b")?;
    /// let copy = db.save_to(folder.path().join("copy.json"))?;
    /// assert_eq!(rusty_kv::Database::open(copy)?.len()?, 1);
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn save_to(&mut self, path: impl AsRef<Path>) -> Result<PathBuf> {
        self.store.save_to(path.as_ref(), self.clock.now())
    }

    /// Removes the file; the database is then empty. The lock file remains, because other processes may be waiting for
    /// it.
    ///
    /// # Errors
    /// As [`Database::set`].
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("kv.json");
    /// let mut db = rusty_kv::Database::open(&path)?;
    /// db.set("a", "b")?;
    /// db.remove_file()?;
    /// assert!(!path.exists() && db.is_empty()?);
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn remove_file(&mut self) -> Result<()> {
        self.store.must_be_idle()?.remove_file()
    }
}
