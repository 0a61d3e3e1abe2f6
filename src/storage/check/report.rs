//! Checking both files in full.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use super::files::{Files, Opened};
use super::rescue::{ALL, Rescued};
use crate::error::{Error, Result};
use crate::storage::files::disk::{self, OnProgress};
use crate::storage::files::lock;
use crate::storage::files::uncertain::Uncertain;
use crate::storage::read::journal::{Body, Fold, Stamp};
use crate::storage::read::pinned_journal::Journal;
use crate::storage::read::view::{self, Base, View};
use crate::storage::{EMPTY, Policy, Settings, Storage};

/// The result of [`Database::check`](crate::Database::check).
#[derive(Debug)]
pub struct Report {
    /// How many entries are readable, including expired ones.
    pub entries: u64,
    /// How many changes are in the journal, but not in the file.
    pub changes: u64,
    /// How many bytes follow the journal's last complete commit. They do not count, and are a fault
    /// ([`Error::LastRecord`]) only if they were acknowledged, or may have been.
    pub torn: u64,
    /// The uncertain state that a failed write left for the next one to recover from, in words. Not a fault.
    pub uncertain: Option<String>,
    /// The faults: the first one in each file, and whether they belong together. Empty if the database is intact.
    pub faults: Vec<Error>,
}

/// A check in progress.
struct Check<'f> {
    files: &'f Files<'f>,
    found: Report,
    /// The fault at the end of an otherwise intact journal.
    end: Option<Error>,
}

/// Reads and checks everything. Changes nothing and takes no lock.
pub(crate) fn check(path: &Path, on_progress: Option<OnProgress>) -> Result<Report> {
    let path = disk::resolve(path)?;
    Files::open(&disk::Real, &path, on_progress).and_then(|files| Report::of(&files)).map_err(disk::or_stopped)
}

/// As [`check`], for an open file without a journal; `shown` names it in messages.
pub(crate) fn check_file(file: File, shown: &Path, on_progress: Option<OnProgress>) -> Result<Report> {
    let opened = |disk| -> Result<Report> {
        let file = disk::reporting(disk::opened(file), on_progress);
        let seen = disk::seen(&*file, shown)?;
        let snapshot = Some(Opened { file, seen });
        let journal_path = disk::with_suffix(shown, disk::JOURNAL);
        Report::of(&Files { disk, path: shown, journal_path, snapshot, journal: None })
    };
    opened(&disk::Real).map_err(disk::or_stopped)
}

impl Report {
    /// Checks both files in full. Faults in them are not an error.
    pub(crate) fn of(files: &Files<'_>) -> Result<Self> {
        let found = Self { entries: 0, changes: 0, torn: 0, uncertain: None, faults: Vec::new() };
        let mut check = Check { files, found, end: None };
        let checked = check.check_opened();
        // If an editor changed the file during the check, a fault belongs to neither the old nor the new content.
        if let Some(Opened { file, seen }) = &files.snapshot {
            let now = disk::seen(&**file, files.path)?;
            if !now.is_same_content(seen) {
                return Err(files.conflict());
            }
        }
        let uncertain = lock::left_uncertain(files.disk, files.path).map(Uncertain::meaning);
        checked?;
        let Check { mut found, end, .. } = check;
        found.faults.extend(end);
        found.faults.extend(check_lock(files).err());
        Ok(Self { uncertain, ..found })
    }
}

impl Check<'_> {
    fn check_opened(&mut self) -> Result<()> {
        let files = self.files;
        let view = self.check_snapshot()?;
        let journal = self.check_journal()?;
        let mut view = view.filter(|_| self.found.faults.is_empty());
        if let Some((journal, fold)) = journal {
            self.check_both(&mut view, journal, fold)?;
        }
        self.found.entries = match view {
            Some(view) => count(view)?,
            None => match Rescued::of(files) {
                Ok(rescued) => rescued.document.entries.len() as u64,
                Err(Error::NewerVersion { .. }) => 0,
                Err(error) => return Err(error),
            },
        };
        Ok(())
    }

    fn check_snapshot(&mut self) -> Result<Option<View>> {
        let files = self.files;
        let Some(opened) = &files.snapshot else { return Ok(None) };
        // The view keeps its file; ours is kept for a rescue.
        let again = opened.file.again().map_err(|source| Error::Open { path: files.path.to_owned(), source })?;
        match View::read_base(files.path, again, opened.seen) {
            Ok(view) => {
                if view.unwritten && lock::was_written(files.disk, files.path)? {
                    self.found.faults.push(Error::Unsuitable { path: files.path.to_owned(), reason: EMPTY.to_owned() });
                }
                Ok(Some(view))
            }
            Err(error @ (Error::Unreadable { .. } | Error::NewerVersion { .. })) => {
                self.found.faults.push(error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The journal, if it is intact, and its last fold line.
    fn check_journal(&mut self) -> Result<Option<(Journal, Option<Fold>)>> {
        let files = self.files;
        let Some(opened) = &files.journal else { return Ok(None) };
        let path = files.journal_path.clone();
        // The path may lead to a new journal by now.
        let again = opened.file.again().map_err(|source| Error::Open { path: path.clone(), source })?;
        let read = Journal::seen(again, path, opened.seen).and_then(|journal| {
            let (torn, fold) = journal.replay().map(|replay| (replay.torn, replay.fold))?;
            Ok((journal, torn, fold))
        });
        let (journal, torn, fold) = match read {
            Ok(read) => read,
            Err(error @ (Error::JournalCorrupt { .. } | Error::NewerVersion { .. })) => {
                self.found.faults.push(error);
                self.found.changes = Rescued::of(files).map_or(0, |rescued| rescued.changes);
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        self.found.torn = torn;
        if let Some(place) = journal.bad_end() {
            let seen = (files.journal_path.as_path(), opened.seen);
            let ending = lock::ending(files.disk, files.path, seen, (journal.header.epoch, place.0));
            self.end = journal.end_error(place, ending);
        }
        Ok(Some((journal, fold)))
    }

    /// Checks whether the journal belongs to the snapshot, and adds it to the view if so.
    fn check_both(&mut self, view: &mut Option<View>, mut journal: Journal, fold: Option<Fold>) -> Result<()> {
        let files = self.files;
        let removed = fold.filter(Fold::is_of_nothing).map_or(0, |fold| fold.through);
        let mut through = journal.header.n.max(removed);
        let Some(opened) = &files.snapshot else {
            if journal.holds_changes()? {
                self.found
                    .faults
                    .push(Error::Unsuitable { path: files.path.to_owned(), reason: view::MISSING.to_owned() });
            }
            self.found.changes = count_changes(&journal, through)?;
            return Ok(());
        };
        let stamp = Stamp::of(&opened.seen);
        let fold = fold.filter(|fold| fold.layout.is_sound());
        let by_fold = fold.filter(|fold| fold.stamp == Stamp::before_rename(&opened.seen));
        let claimed = match by_fold {
            _ if journal.header.stamp == stamp => Some(journal.header.layout),
            Some(fold) => Some(fold.layout),
            None => None,
        };
        let found = view.as_ref().and_then(|view| match &view.base {
            Base::Indexed(indexed) => Some(*indexed.layout()),
            Base::Document(_) => None,
        });
        let is_copy = |layout| found == Some(layout);
        let is_folded = match claimed {
            Some(_) => journal.header.stamp != stamp,
            None => !is_copy(journal.header.layout) && fold.is_some_and(|fold| is_copy(fold.layout)),
        };
        if let (true, Some(fold)) = (is_folded, fold) {
            through = through.max(fold.through);
            journal.skip(through);
        }
        self.found.changes = count_changes(&journal, through)?;
        let Some(mut sound) = view.take() else { return Ok(()) };
        if claimed.is_some_and(|layout| found != Some(layout)) {
            self.found.faults.push(Error::Unsuitable { path: files.path.to_owned(), reason: CHANGED.to_owned() });
        } else if claimed.is_some() || is_folded || is_copy(journal.header.layout) {
            sound.journal = Some(journal);
            *view = Some(sound);
        } else {
            if journal.holds_changes()? {
                let (path, journal) = (files.path.to_owned(), files.journal_path.clone());
                self.found.faults.push(Error::ForeignJournal { path, journal });
            }
            *view = Some(sound);
        }
        Ok(())
    }
}

/// Fails if writers would not trust the lock file.
fn check_lock(files: &Files<'_>) -> Result<()> {
    let path = lock::path(files.path);
    let Some(side) = files.disk.identity(&path)? else { return Ok(()) };
    disk::check_side(files.disk, &path, &side, files.snapshot.as_ref().map(|opened| &opened.seen))
}

fn count_changes(journal: &Journal, through: u64) -> Result<u64> {
    let bytes = journal.read(journal.start, journal.seen.len)?;
    let mut count = 0;
    let body = Body { bytes: &bytes, epoch: journal.header.epoch, n: journal.header.n };
    let replayed = body.replay(&mut |n, _, _| count += u64::from(n > through));
    replayed.map(|_| count).map_err(|corruption| journal.corrupt(corruption))
}

/// How many entries a view has, including expired ones.
fn count(view: View) -> Result<u64> {
    let (policy, on_progress) = (Policy::default(), None);
    let settings = Settings { read_only: true, wait: Duration::ZERO, make_folder: false, policy, on_progress };
    Storage { view, ..Storage::in_memory(settings) }.count(ALL)
}

pub(super) const CHANGED: &str = "its content does not match the checksum in its journal, although its size and times do: it was changed in place or corrupted on disk; restore a backup, or let `repair` write what can be read to a new file";
