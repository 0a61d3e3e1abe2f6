//! Checking the files of a database, and the ways out of what is refused.

use std::path::Path;

use super::{Database, Options};
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::storage::{self, Repaired, Report, Storage};

/// What [`Database::repair`] shall do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repair {
    /// Write what is readable into a new file.
    Salvage,
    /// Apply a foreign journal's changes to the file that is there.
    KeepJournal,
    /// Set a foreign or damaged journal aside under another name.
    DropJournal,
}

impl Options {
    /// [`Database::check`], telling of its progress.
    ///
    /// # Errors
    /// As [`Database::check`], and [`Error::Interrupted`].
    ///
    /// ```
    /// assert!(rusty_kv::Options::new().check("/no/such/file").is_err());
    /// ```
    pub fn check(&self, path: impl AsRef<Path>) -> Result<Report> {
        storage::check(path.as_ref(), self.settings.on_progress)
    }
}

impl Database {
    /// Reads everything, as it is at one moment, and says what is wrong. Changes nothing and holds up nobody.
    ///
    /// A file that is in no order is read into memory; any other is checked as a stream.
    ///
    /// # Errors
    /// [`Error::Open`] or [`Error::Unsuitable`] if a file cannot be read at all, or is not there;
    /// [`Error::Conflict`] if an editor writes into the file meanwhile. What is wrong with the content of the files is no
    /// error but a fault in the report.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("kv.json");
    /// use rusty_kv::{Database, Error};
    /// # let write = |text: &str| std::io::Write::write_all(&mut std::fs::File::create(&path).unwrap(), text.as_bytes());
    /// # write("{\"map\":{\n\"a\":\"1\",\n\"b\":2x,\n\"c\":\"3\"}}").unwrap();
    /// let report = Database::check(&path)?; // {"map":{ "a":"1", "b":2x, "c":"3"}}, an entry a line
    /// assert!(matches!(report.faults[..], [Error::Damaged { line: 3, .. }]));
    /// assert_eq!(report.entries, 2);
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn check(path: impl AsRef<Path>) -> Result<Report> {
        Options::new().check(path)
    }

    /// Makes a database usable again.
    ///
    /// - [`Repair::Salvage`] writes all that can be read into a new file beside (`kv.repaired.json`) and leaves both files
    ///   as they are. It is held in memory meanwhile. If nothing is wrong but the journal's last record, that record is
    ///   set aside (`kv.json.journal.torn`) and the database is sound again.
    /// - [`Repair::KeepJournal`] applies the changes of a journal that belongs to another version of the file to the file
    ///   that is there.
    /// - [`Repair::DropJournal`] gives a foreign or damaged journal another name (`kv.json.journal.dropped-…`).
    ///
    /// # Errors
    /// [`Error::NothingToRepair`] if nothing is wrong that this could mend; the error that the database cannot be opened
    /// with if this is no way out of it. After any but [`Error::OutcomeUnknown`] the database is as it was.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("kv.json");
    /// use rusty_kv::{Database, Repair};
    /// # let write = |text: &str| std::io::Write::write_all(&mut std::fs::File::create(&path).unwrap(), text.as_bytes());
    /// # write("{\"map\":{\n\"a\":\"1\",\n\"b\":2x,\n\"c\":\"3\"}}").unwrap();
    /// let repaired = Database::repair(&path, Repair::Salvage)?; // {"map":{ "a":"1", "b":2x, "c":"3"}}, an entry a line
    /// assert_eq!(repaired.path.file_name(), Some("kv.repaired.json".as_ref()));
    /// assert_eq!(repaired.dropped, ["line 3: \"\\\"b\\\":2x,\""]);
    /// assert_eq!(Database::open(&repaired.path)?.len()?, 2);
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn repair(path: impl AsRef<Path>, how: Repair) -> Result<Repaired> {
        Options::new().repair(path, how)
    }
}

impl Options {
    /// As [`Database::repair`], waiting for the lock and asking for the time as a database opened so would.
    ///
    /// # Errors
    /// As [`Database::repair`]; [`Error::Busy`] if the lock was not had in time.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("kv.json");
    /// use rusty_kv::{Database, Error, Options, Repair};
    /// Database::open(&path)?.set("a", "1")?;
    /// let refused = Options::new().wait(std::time::Duration::ZERO).repair(&path, Repair::DropJournal);
    /// assert!(matches!(refused, Err(Error::NothingToRepair { .. })));
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn repair(&self, path: impl AsRef<Path>, how: Repair) -> Result<Repaired> {
        let path = path.as_ref();
        let Self { settings, clock } = self.clone();
        match how {
            Repair::Salvage => storage::salvage(path, settings),
            Repair::KeepJournal => Storage::keep_journal(path, settings, clock()),
            Repair::DropJournal => Storage::drop_journal(path, settings),
        }
    }
}
