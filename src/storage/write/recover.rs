//! Recovering from a failed sync or a killed writer, and noting what is uncertain.

use super::temporary::open_folder;
use super::writer::Writer;
use crate::error::Result;
use crate::storage::files::lock::Ending;
use crate::storage::files::uncertain::Uncertain;
use crate::storage::read::view::View;

impl Writer<'_> {
    /// Puts the journal in order before the first write, if an earlier writer did not finish or could not sync.
    pub(crate) fn recover(&mut self, publish: bool) -> Result<()> {
        let (path, disk, uncertain) = (self.path.clone(), self.store.disk.clone(), self.store.uncertain);
        let folder = || open_folder(&*disk, &path);
        let unfinished = uncertain.is_some_and(|state| state != Uncertain::Folder);
        let Some(journal) = &self.store.view.journal else {
            if publish {
                let folder = folder()?;
                self.renew(0, 0, &*folder)?;
            }
            // A removed journal must not reappear next to the files that are written next.
            if unfinished {
                let folder = folder()?;
                self.sync(&*folder, &path)?;
                self.resolve();
            }
            return Ok(());
        };
        // A note with another epoch means that a writer was about to renew the journal, or did.
        let synced = uncertain.and_then(|state| state.synced(journal.header.epoch));
        let is_whole = journal.through == journal.header.n && !self.store.view.unpublished && !unfinished;
        if is_whole && journal.clean_end()?.is_some() {
            return Ok(());
        }
        let (through, folder) = (journal.through, folder()?);
        let replay = journal.replay()?;
        let (good, torn) = (replay.good, replay.torn);
        match synced {
            Some(synced) if torn > 0 && good < synced => {
                self.set_end_aside((good, synced - good), Ending::Corrupt)?;
            }
            None if torn > 0 => self.set_end_aside((good, torn), Ending::Torn)?,
            _ => {}
        }
        if synced.is_none() {
            // What a crash may still undo must be durable before the journal that can redo it is replaced.
            self.sync(&*folder, &path)?;
        }
        let renewed = self.renew(through, synced.unwrap_or(good), &*folder);
        if renewed.is_err() {
            self.store.view = View::pin(&*disk, &path)?;
        } else if unfinished {
            self.resolve();
        }
        renewed
    }

    /// Records that something may not be durable: no writer may build on it until it is written again.
    pub(crate) fn leave(&mut self, state: Uncertain) {
        self.store.uncertain = Some(state);
        // If this fails, the precautionary note remains.
        let _ = self.lock.note(self.store.view.unwritten, state);
    }

    pub(crate) fn resolve(&mut self) {
        self.store.uncertain = None;
        self.lock.finish(self.store.view.unwritten);
    }
}
