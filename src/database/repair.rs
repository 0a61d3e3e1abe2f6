//! Checking and repairing the files of a database.

use std::path::Path;

use super::{Database, Options};
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::storage::{self, Repaired, Report, Storage};

/// How [`Database::repair`] proceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repair {
    /// Write what is readable to a new file.
    Salvage,
    /// Apply the changes of a foreign journal to the file.
    KeepJournal,
    /// Set a foreign or corrupt journal aside under a different name.
    DropJournal,
}

impl Options {
    /// As [`Database::check`], with progress reports.
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
    /// Reads everything, as it is at one moment, and reports what is wrong. Changes nothing and takes no lock.
    ///
    /// A file that is not in canonical form is read into memory; any other is checked as a stream.
    ///
    /// # Errors
    /// [`Error::Open`] or [`Error::Unsuitable`] if a file cannot be read at all or does not exist; [`Error::Conflict`]
    /// if an editor changes the file during the check. Corrupt content is not an error, but a fault in the report.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("kv.json");
    /// use rusty_kv::{Database, Error};
    /// # let write = |text: &str| std::io::Write::write_all(&mut std::fs::File::create(&path).unwrap(), text.as_bytes());
    /// # write("{\"map\":{\n\"a\":\"1\",\n\"b\":2x,\n\"c\":\"3\"}}").unwrap();
    /// let report = Database::check(&path)?; // {"map":{ "a":"1", "b":2x, "c":"3"}}, one entry per line
    /// assert!(matches!(report.faults[..], [Error::Unreadable { line: 3, .. }]));
    /// assert_eq!(report.entries, 2);
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn check(path: impl AsRef<Path>) -> Result<Report> {
        Options::new().check(path)
    }

    /// Makes a database usable again.
    ///
    /// - [`Repair::Salvage`] writes everything readable to a new file next to it (`kv.repaired.json`) and leaves both
    ///   files unchanged. The content must fit in memory. If only the journal's last record is bad, that record is set
    ///   aside (`kv.json.journal.torn`), and the database is intact again.
    /// - [`Repair::KeepJournal`] applies the changes of a journal that belongs to another version of the file to the
    ///   current file.
    /// - [`Repair::DropJournal`] renames a foreign or corrupt journal (`kv.json.journal.dropped-…`).
    ///
    /// # Errors
    /// [`Error::NothingToRepair`] if there is no fault that this can repair; the error of opening the database if this
    /// is not the right repair for it. After any error but [`Error::OutcomeUnknown`], the database is unchanged.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("kv.json");
    /// use rusty_kv::{Database, Repair};
    /// # let write = |text: &str| std::io::Write::write_all(&mut std::fs::File::create(&path).unwrap(), text.as_bytes());
    /// # write("{\"map\":{\n\"a\":\"1\",\n\"b\":2x,\n\"c\":\"3\"}}").unwrap();
    /// let repaired = Database::repair(&path, Repair::Salvage)?; // {"map":{ "a":"1", "b":2x, "c":"3"}}, one entry per line
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
    /// As [`Database::repair`], with the wait and the clock of these options.
    ///
    /// # Errors
    /// As [`Database::repair`]; [`Error::Busy`] after waiting for the lock.
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
