//! What can be said about the files without reading them.

use std::path::Path;

use super::journal::Stamp;
use super::pinned_journal::Journal;
use super::view::Base;
use crate::error::Result;
use crate::storage::Storage;
use crate::storage::files::disk::{self, Disk as _};

/// The files of a database at the last refresh.
#[derive(Debug)]
pub(crate) struct FileState {
    /// Whether the file is in canonical form.
    pub(crate) is_in_form: bool,
    /// `None` for a small database, in which every change is a save.
    pub(crate) journal: Option<JournalState>,
}

/// A journal.
#[derive(Debug)]
pub(crate) struct JournalState {
    pub(crate) bytes: u64,
    /// The length at which it is folded into the file.
    pub(crate) bound: u64,
    /// How many keys it changes.
    pub(crate) changes: u64,
}

impl Storage {
    /// The state of the files.
    pub(crate) fn file_state(&self) -> Result<FileState> {
        let changes = self.view.changes()?.map_or(0, |replay| replay.overlay.len() as u64);
        let state = |journal: &Journal| JournalState { bytes: journal.seen.len, bound: self.journal_bound(), changes };
        let is_in_form = matches!(self.view.base, Base::Indexed(_)) || self.view.seen.is_none();
        Ok(FileState { is_in_form, journal: self.view.journal.as_ref().map(state) })
    }

    /// Whether opening a file is fast: it is small, or its journal has its layout.
    pub(crate) fn opens_at_once(path: &Path) -> Result<bool> {
        const SMALL: u64 = 1 << 20;
        let (disk, path) = (disk::Real, disk::resolve(path)?);
        let Some(seen) = disk.identity(&path)?.filter(|seen| seen.len > SMALL) else { return Ok(true) };
        let Some(journal) = Journal::open(&disk, &path, Some(&seen))? else { return Ok(false) };
        Ok(journal.header.stamp == Stamp::of(&seen))
    }
}
