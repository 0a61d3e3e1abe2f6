//! Commits: appended to the journal, or written by a save.

use std::time::Duration;

use super::save::not_saved;
use super::writer::Writer;
use crate::error::{Error, Result};
use crate::expiry::Timestamp;
use crate::storage::files::disk::{self, DiskFile, OpenAs};
use crate::storage::files::uncertain::Uncertain;
use crate::storage::read::journal;
use crate::storage::read::view::Base;
use crate::storage::{Policy, Storage};

impl Storage {
    /// Makes the pending changes durable and releases the lock. After an error, none of them are stored.
    pub(crate) fn commit(&mut self, now: Timestamp) -> Result<()> {
        if !self.is_changed() {
            self.held = None;
            return Ok(());
        }
        if self.path.is_none() {
            self.absorb();
            return Ok(());
        }
        let before = self.journal_len();
        let written = self.write(now);
        // Retry at each multiple of the limit, so that a failing save does not slow down every write.
        let bound = self.journal_bound();
        let is_over = self.journal_len() / bound > before / bound;
        self.forget();
        match written {
            Ok(()) if is_over => self.tidy(now),
            Ok(()) => {}
            // Report the error of the write. If reloading fails, too, the next refresh reports that.
            Err(_) => drop(self.reload()),
        }
        written
    }

    /// In memory: applies the pending changes to the content.
    fn absorb(&mut self) {
        let Base::Document(document) = &mut self.view.base else { return };
        for (key, change) in self.pending.take().iter() {
            match change {
                Some(stored) => document.entries.insert(key.to_owned(), stored.clone()),
                None => document.entries.remove(key),
            };
        }
    }

    fn write(&mut self, now: Timestamp) -> Result<()> {
        if !self.fits_journal() {
            return self.fold(now);
        }
        let Some(mut writer) = self.lock()? else { return Ok(()) };
        if writer.store.fits_journal() {
            return writer.commit();
        }
        writer.keep();
        self.fold(now)
    }

    /// Whether the changes go into the journal rather than into a new snapshot.
    fn fits_journal(&self) -> bool {
        let Policy { small, .. } = self.settings.policy;
        self.view.journal.is_some()
            && !self.has_spilled()
            && self.uncertain != Some(Uncertain::Folder)
            && self.file_len() > small
            && self.pending_bytes() <= self.journal_bound()
    }

    pub(crate) fn journal_bound(&self) -> u64 {
        let Policy { journal, share, .. } = self.settings.policy;
        journal.max(self.file_len() / share)
    }

    pub(crate) fn journal_len(&self) -> u64 {
        self.view.journal.as_ref().map_or(0, |journal| journal.seen.len)
    }

    /// Folds a journal that has grown too long. A failure does not affect the write that triggered it.
    fn tidy(&mut self, now: Timestamp) {
        if self.is_being_saved() {
            return;
        }
        // A user who stopped the fold needs no message about it.
        if let Err(error) = self.fold(now).map_err(not_saved)
            && !matches!(error, Error::Interrupted)
        {
            self.notices.push(format!("warning: {error}"));
        }
        self.held = None;
    }
}

impl Writer<'_> {
    /// Makes the pending changes durable as a commit in the journal.
    fn commit(&mut self) -> Result<()> {
        let changes = self.store.pending.take();
        let Some(journal) = &self.store.view.journal else { return Ok(()) };
        let n = journal.clean_end()?.ok_or_else(|| Error::Conflict { path: journal.path().to_owned() })? + 1;
        let mut text = Vec::new();
        let lines = changes.iter().map(|(key, change)| (key, change.as_ref()));
        journal::write_commit(&mut text, journal.header.epoch, n, lines);
        self.append(&text)?;
        let seen = self.store.view.journal.as_ref().map(|journal| journal.file.identity());
        if let (Some(journal), Some(Ok(seen))) = (&mut self.store.view.journal, seen) {
            journal.appended(n, seen, changes);
        }
        Ok(())
    }

    /// Appends to the journal and makes it durable. After an error, the text is not stored, or its state is
    /// [`Error::Uncertain`].
    pub(crate) fn append(&mut self, text: &[u8]) -> Result<()> {
        let Some(journal) = &self.store.view.journal else { return Ok(()) };
        let journal_path = journal.path().to_owned();
        let good = journal.seen.len;
        let conflict = || Error::Conflict { path: journal_path.clone() };
        let file = self.store.disk.open(&journal_path, OpenAs::SideAppend)?.ok_or_else(conflict)?;
        let there = disk::seen(&*file, &journal_path)?;
        if !there.is_same_file(&journal.seen) || there.len != good {
            return Err(conflict());
        }
        let epoch = journal.header.epoch;
        let (operation, source, complete) = match file.append(text) {
            Err(source) if disk::is_full(&source) && cut_back(&*file, good).unwrap_or(false) => {
                return Err(disk::write_error("write", journal_path, source));
            }
            Err(source) => {
                let there = file.identity().map_or(u64::MAX, |there| there.len);
                ("write", source, there >= good + text.len() as u64)
            }
            Ok(()) => match file.sync_data() {
                Ok(()) => return Ok(()),
                Err(source) => ("sync", source, true),
            },
        };
        // The system may now treat unwritten data as written: only a new file can be trusted.
        let before = self.store.uncertain;
        self.leave(Uncertain::Journal { epoch, good });
        let recovered = self.recover(false);
        if before == Some(Uncertain::Folder) {
            // The uncertain folder remains. The appended text was a fold line, which is harmless.
            self.leave(Uncertain::Folder);
        }
        if recovered.is_err() && complete {
            return Err(Error::Uncertain { path: journal_path, source });
        }
        Err(disk::write_error(operation, journal_path, source))
    }

    /// Removes the lines after an offset of the journal, although they are durable.
    pub(crate) fn truncate_to(&mut self, good: u64) -> Result<()> {
        let Some(journal) = &self.store.view.journal else { return Ok(()) };
        let (epoch, path) = (journal.header.epoch, journal.path().to_owned());
        self.leave(Uncertain::Journal { epoch, good });
        self.recover(false).map_err(|error| match error {
            Error::Io { source, .. } | Error::Open { source, .. } => Error::Uncertain { path, source },
            Error::ReadOnly { reason, .. } => Error::Uncertain { path, source: std::io::Error::other(reason) },
            error => error,
        })
    }
}

/// Removes the part of an append that a full disk let through; true if the file is as it was. Nothing of it was synced,
/// so nothing is uncertain. But a reader may have seen the longer file, and must not mistake later content of the same
/// length for it, so the file gets a later mtime than it had then.
fn cut_back(file: &dyn DiskFile, good: u64) -> std::io::Result<bool> {
    /// How many attempts, and the pause between them: the clock's resolution may be coarse.
    const ATTEMPTS: usize = 8;
    const TICK: Duration = Duration::from_millis(5);
    let before = file.identity()?;
    if before.len == good {
        return Ok(true);
    }
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            std::thread::sleep(TICK);
        }
        file.cut(good)?;
        let after = file.identity()?;
        if after.len == good && after.modified > before.modified {
            return file.sync_data().map(|()| true);
        }
    }
    Ok(false)
}
