//! Databases in files that are given by an open descriptor rather than a path.

use std::fs::File;
use std::path::Path;

use super::{Database, Options, Report};
use crate::error::Result;
use crate::storage::{self, Storage};

impl Options {
    /// Opens the database in a file for reading; `shown` names it in messages.
    ///
    /// # Errors
    /// As [`Options::open`].
    pub(crate) fn open_file(&self, file: File, shown: &Path) -> Result<Database> {
        Ok(self.with(Storage::of_file(file, shown, self.settings.clone())?))
    }

    /// As [`Options::check`], for a file without a journal.
    ///
    /// # Errors
    /// As [`Options::check`].
    pub(crate) fn check_file(&self, file: File, shown: &Path) -> Result<Report> {
        storage::check_file(file, shown, self.settings.on_progress)
    }
}

impl Database {
    /// Whether the opened file was empty, without even an empty database.
    pub(crate) fn is_blank(&self) -> bool {
        self.store.is_blank()
    }

    /// Writes a snapshot to the end of a file.
    ///
    /// # Errors
    /// As [`Database::save_to`].
    pub(crate) fn write_snapshot(&mut self, file: File) -> Result<()> {
        self.store.write_snapshot(file, self.clock.now())
    }
}
