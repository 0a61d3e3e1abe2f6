//! Writing what is readable in a corrupt database to a new file. Corrupt files are never changed in place.

use std::path::{Path, PathBuf};

use super::files::Files;
use super::report::{CHANGED, Report};
use super::rescue::{ALL, Dropped, Rescued};
use crate::error::{Error, Result};
use crate::storage::files::disk;
use crate::storage::read::layers::Layers;
use crate::storage::read::snapshot::Document;
use crate::storage::write::merge::{self, Below, FoldFault};
use crate::storage::write::temporary::{self, Temp};
use crate::storage::{Settings, Storage};

/// The result of [`Database::repair`](crate::Database::repair).
#[derive(Debug)]
pub struct Repaired {
    /// The new file, or the new name of the journal.
    pub path: PathBuf,
    /// How many entries were rescued, or changes applied or set aside.
    pub entries: u64,
    /// What was dropped: each place, and how the text there starts. After a hundred lines, the last one counts the
    /// rest.
    pub dropped: Vec<String>,
    /// Whether the old journal is still next to the corrupt file. If so, run
    /// [`Repair::DropJournal`](crate::Repair::DropJournal) after the new file has replaced that one.
    pub journal_remains: bool,
    /// Whether the database itself is intact again, because only the journal's last record was bad: it is now in the
    /// file at `path`.
    pub in_place: bool,
    /// Whether a checksum of the old file did not match: a rescued value may be wrong, and only a backup shows which.
    pub corrupt: bool,
}

impl Repaired {
    pub(super) fn of(path: PathBuf, entries: u64) -> Self {
        Self { path, entries, dropped: Vec::new(), journal_remains: false, in_place: false, corrupt: false }
    }
}

/// Writes everything readable to a new file next to a corrupt one.
///
/// If only the journal's last record is bad, sets that aside instead.
pub(crate) fn salvage(path: &Path, settings: Settings) -> Result<Repaired> {
    let path = disk::resolve(path)?;
    let files = Files::open(&disk::Real, &path, None)?;
    let mut faults = Report::of(&files)?.faults;
    if faults.is_empty() {
        return Err(Error::NothingToRepair { path, reason: "it is intact" });
    }
    if matches!(faults[..], [Error::LastRecord { .. }]) {
        return Storage::drop_end(&path, settings);
    }
    // The caller must decide whether a foreign journal applies, and a newer format needs a newer version.
    let is_foreign = matches!(faults[..], [Error::ForeignJournal { .. }]);
    if is_foreign || faults.iter().any(|fault| matches!(fault, Error::NewerVersion { .. })) {
        let first = faults.iter().position(|fault| matches!(fault, Error::NewerVersion { .. })).unwrap_or(0);
        return Err(faults.swap_remove(first));
    }
    let Rescued { document, dropped, is_conflict, .. } = Rescued::of(&files)?;
    if document.entries.is_empty() && document.foreign.is_empty() && !is_conflict {
        let reason = "none of its entries can be read; restore a backup, or remove it to start over".to_owned();
        return Err(Error::Unsuitable { path, reason });
    }
    let is_corrupt = |fault: &Error| match fault {
        Error::Unsuitable { reason, .. } => reason == CHANGED,
        fault => matches!(fault, Error::Corrupt { .. }),
    };
    let corrupt = faults.iter().any(is_corrupt);
    Ok(Repaired { corrupt, ..write(&files, &document, dropped)? })
}

/// Writes a document to a new file, with the mode of the old one.
fn write(files: &Files<'_>, document: &Document, dropped: Dropped) -> Result<Repaired> {
    let mut target = disk::sibling(files.path, ".repaired");
    let failed = |operation| {
        let target = target.clone();
        move |source| disk::write_error(operation, target, source)
    };
    let folder = temporary::open_folder(files.disk, files.path)?;
    if files.disk.identity(&target)?.is_none() {
        temporary::sweep(files.disk, &target);
    }
    let temp = Temp::create(files.disk, &target)?;
    merge::fold(temp.file(), Below::Document(document), &Layers::new([]), ALL).map_err(|fault| match fault {
        FoldFault::Write(source) => failed("write")(source),
        FoldFault::Read(_) | FoldFault::Inconsistent(_) => files.conflict(),
    })?;
    if let Some(like) = files.snapshot.as_ref().or(files.journal.as_ref()) {
        temp.file().inherit(&*like.file).map_err(failed("set the mode of"))?;
    }
    temp.file().sync_all().map_err(failed("sync"))?;
    if !files.are_still_there()? {
        return Err(files.conflict());
    }
    while let Err(error) = temporary::put_in_place(files.disk, &temp, &target, None, &*folder) {
        if !matches!(error, Error::Conflict { .. }) {
            return Err(error);
        }
        target = disk::sibling(files.path, &format!(".repaired-{:016x}", disk::random()));
    }
    temp.keep();
    disk::sync_name(&*folder, &target)?;
    let (dropped, journal_remains) = (dropped.list(), files.journal.is_some());
    Ok(Repaired { dropped, journal_remains, ..Repaired::of(target, document.entries.len() as u64) })
}
