//! Putting a new snapshot or a new journal in place.

use std::path::Path;

use super::save::Built;
use super::temporary::{Temp, open_folder, put_in_place, rename};
use super::writer::Writer;
use crate::error::{self, Error, Result};
use crate::storage::files::disk::{self, Folder, JOURNAL, Rename};
use crate::storage::files::uncertain::Uncertain;
use crate::storage::read::journal::{Body, Fold, Header, Stamp};
use crate::storage::read::pending::Pending;
use crate::storage::read::pinned_journal::Journal;
use crate::storage::read::view::{Base, View};

impl Writer<'_> {
    /// Replaces the snapshot and renews the journal. The view must be current.
    pub(crate) fn install(&mut self, built: Built<'_>) -> Result<()> {
        let disk = self.store.disk.clone();
        let path = self.path.clone();
        // Opened first, so that the final sync cannot fail for lack of a descriptor.
        let folder = open_folder(&*disk, &path)?;
        let Built { temp, layout, through } = built;
        let made = temp.file().identity().map_err(|source| disk::write_error("write", path.clone(), source))?;
        let file = temp.reopened(&path)?;
        let fold = Fold { through, stamp: Stamp::before_rename(&made), layout };
        let good = self.store.view.changes()?.map_or(0, |replay| replay.good);
        self.append_fold(&fold)?;
        if self.store.view.seen.is_some_and(|seen| seen.links > 1) {
            self.store.notices.push(format!("{path:?} had other hard links, which keep the old content"));
        }
        let unwritten = self.store.view.unwritten;
        self.announce(Uncertain::Folder)?;
        let placed = put_in_place(&*disk, &temp, &path, self.store.view.seen, &*folder);
        match &placed {
            Err(Error::OutcomeUnknown { .. }) => self.leave(Uncertain::Folder),
            Err(_) if self.store.uncertain.is_none() => self.lock.finish(unwritten),
            _ => {}
        }
        placed?;
        self.lock.hold(temp.keep());
        // The change is made: errors from here on must not say "not stored".
        let synced = folder.sync().and_then(|()| file.identity());
        let seen = synced.map_err(|source| {
            self.leave(Uncertain::Folder);
            Error::OutcomeUnknown { path: path.clone(), source }
        })?;
        self.store.uncertain = None;
        // If this fails, the next writer only writes one more snapshot than needed.
        let _ = self.lock.note(false, Uncertain::Unfinished);
        self.lock.finish(false);
        self.store.pending = Pending::default();
        let old = std::mem::replace(&mut self.store.view, View::of(&path, file, seen, layout));
        (self.store.view.stray, self.store.view.journal) = (old.stray, old.journal);
        // Both journals lead to this snapshot, so a failure loses nothing, and the next writer tries again.
        let _ = self.renew(through, good, &*folder);
        Ok(())
    }

    /// Records in the journal, if there is one, what the snapshot about to be installed contains.
    pub(crate) fn append_fold(&mut self, fold: &Fold) -> Result<()> {
        let Some(journal) = &self.store.view.journal else { return Ok(()) };
        let mut line = Vec::new();
        fold.write(&mut line, journal.header.epoch);
        self.append(&line).map_err(|error| match error {
            // The line names a file that will not exist, so it makes no difference whether the line does.
            Error::Uncertain { path, source } if !fold.is_of_nothing() => disk::write_error("sync", path, source),
            error => error,
        })
    }

    /// Creates a new journal for the current snapshot, with the old one's commits after `through` up to offset `good`.
    /// Removes the journal if there are none and the database is small.
    pub(crate) fn renew(&mut self, through: u64, good: u64, folder: &dyn Folder) -> Result<()> {
        let old = self.store.view.journal.take();
        let disk = self.store.disk.clone();
        let (Base::Indexed(indexed), Some(seen)) = (&self.store.view.base, self.store.view.seen) else { return Ok(()) };
        let layout = *indexed.layout();
        let journal_path = disk::with_suffix(&self.path, JOURNAL);
        let failed = |operation| {
            let path = journal_path.clone();
            move |source| disk::write_error(operation, path, source)
        };
        let epoch = disk::random();
        let mut text = Vec::new();
        Header { epoch, n: through, stamp: Stamp::of(&seen), layout }.write(&mut text);
        let mut carried = 0;
        if let Some(old) = &old {
            let bytes = old.read(old.start, good)?;
            let body = Body { bytes: &bytes, epoch: old.header.epoch, n: old.header.n };
            let replayed = body.carry_over(&mut text, through, epoch).map_err(|corruption| old.corrupt(corruption))?;
            carried = replayed.n.saturating_sub(through);
        }
        if carried == 0 && layout.length <= self.store.settings.policy.small {
            if old.is_some() || self.store.view.stray.is_some() {
                let removed = disk.remove(&journal_path);
                // The next snapshot is written without a journal; this one must not reappear next to it. It may be gone
                // even if the removal reported an error.
                self.sync(folder, &journal_path)?;
                removed.map_err(failed("remove"))?;
            }
            self.store.view.stray = None;
            return Ok(());
        }
        let temp = Temp::create(&*disk, &self.path)?;
        let needed = text.len() as u64;
        temp.file().append(&text).map_err(|source| failed("write")(with_space_needed(source, needed)))?;
        temp.file().inherit(indexed.file()).map_err(failed("set the mode of"))?;
        temp.file().sync_all().map_err(failed("sync"))?;
        let file = temp.reopened(&journal_path)?;
        let renamed = rename(&*disk, &temp, &journal_path, Rename::Replace);
        // The next writer appends to it, so it must be durable even if the rename reported an error.
        self.sync(folder, &journal_path)?;
        renamed?;
        self.lock.hold(temp.keep());
        self.store.view.stray = None;
        self.store.view.unpublished = false;
        self.store.view.journal = Some(Journal::of(file, &*disk, journal_path, Some(&seen))?);
        Ok(())
    }

    /// Makes the name of the journal, or its removal, durable.
    pub(crate) fn sync(&mut self, folder: &dyn Folder, path: &Path) -> Result<()> {
        folder.sync().map_err(|source| {
            self.leave(Uncertain::Unfinished);
            Error::OutcomeUnknown { path: path.to_owned(), source }
        })
    }
}

/// The error of a full disk, with the space needed: it may be more than the size of the change.
fn with_space_needed(source: std::io::Error, needed: u64) -> std::io::Error {
    if !disk::is_full(&source) {
        return source;
    }
    let reason = error::reason(&source);
    std::io::Error::new(source.kind(), format!("{reason}; a new journal needs {} KiB", needed.div_ceil(1024)))
}
