//! Both files of a database, opened together for inspection, even if they are corrupt.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::storage::files::disk::{self, Disk, DiskFile, Identity, JOURNAL, OnProgress, OpenAs};
use crate::storage::read::pinned_journal::open_journal;
use crate::storage::read::view;

/// Both files as they were at one moment. A snapshot is only ever replaced, and a journal only appended to, so the open
/// files stay the same.
pub(crate) struct Files<'a> {
    pub(super) disk: &'a dyn Disk,
    pub(super) path: &'a Path,
    pub(super) journal_path: PathBuf,
    pub(super) snapshot: Option<Opened>,
    pub(super) journal: Option<Opened>,
}

pub(super) struct Opened {
    pub(super) file: Box<dyn DiskFile>,
    pub(super) seen: Identity,
}

impl<'a> Files<'a> {
    /// Opens them; `on_progress` receives the progress of reading them.
    pub(crate) fn open(disk: &'a dyn Disk, path: &'a Path, on_progress: Option<OnProgress>) -> Result<Self> {
        let journal_path = disk::with_suffix(path, JOURNAL);
        let opened = |path: &Path, file: Box<dyn DiskFile>| -> Result<Opened> {
            let seen = disk::seen(&*file, path)?;
            Ok(Opened { file: disk::reporting(file, on_progress), seen })
        };
        for _ in 0..view::ATTEMPTS {
            let journal = open_journal(disk, &journal_path, path)?;
            let journal = journal.map(|file| opened(&journal_path, file)).transpose()?;
            let snapshot = disk.open(path, OpenAs::Snapshot)?.map(|file| opened(path, file)).transpose()?;
            if let Some(journal) = &journal {
                disk::check_side(disk, &journal_path, &journal.seen, snapshot.as_ref().map(|opened| &opened.seen))?;
            }
            if snapshot.is_none() && journal.is_none() {
                return Err(missing(path));
            }
            let files = Self { disk, path, journal_path: journal_path.clone(), snapshot, journal };
            if files.are_still_there()? {
                return Ok(files);
            }
        }
        Err(Error::Conflict { path: path.to_owned() })
    }

    pub(super) fn are_still_there(&self) -> Result<bool> {
        let is = |path: &Path, opened: &Option<Opened>| -> Result<bool> {
            Ok(self.disk.identity(path)? == opened.as_ref().map(|opened| opened.seen))
        };
        Ok(is(self.path, &self.snapshot)? && is(&self.journal_path, &self.journal)?)
    }

    /// All bytes of a file, up to its length when it was opened.
    pub(super) fn read(path: &Path, opened: &Opened) -> Result<Vec<u8>> {
        let read = disk::read_range(&*opened.file, 0, opened.seen.len);
        read.map_err(|source| Error::Open { path: path.to_owned(), source })
    }

    pub(super) fn conflict(&self) -> Error {
        Error::Conflict { path: self.path.to_owned() }
    }
}

pub(super) fn missing(path: &Path) -> Error {
    let source = std::io::Error::new(std::io::ErrorKind::NotFound, "there is no such database");
    Error::Open { path: path.to_owned(), source }
}
