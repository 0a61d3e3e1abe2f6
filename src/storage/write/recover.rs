//! What a failed sync, or a writer that was not created to its end, has left uncertain: how it is noted, and made up for.

use super::temporary::open_folder;
use super::writer::Writer;
use crate::error::Result;
use crate::storage::files::lock::Ending;
use crate::storage::files::uncertain::Uncertain;
use crate::storage::read::view::View;

impl Writer<'_> {
    /// Puts the journal in order before anything is written behind it, if a writer before has not come to its end, or could
    /// not sync what it wrote.
    pub(crate) fn recover(&mut self, publish: bool) -> Result<()> {
        let (path, disk, uncertain) = (self.path.clone(), self.store.disk.clone(), self.store.uncertain);
        let folder = || open_folder(&*disk, &path);
        let unfinished = uncertain.is_some_and(|state| state != Uncertain::Folder);
        let Some(journal) = &self.store.view.journal else {
            if publish {
                let folder = folder()?;
                self.renew(0, 0, &*folder)?;
            }
            // What was removed must not come back beside what is made next.
            if unfinished {
                let folder = folder()?;
                self.sync(&*folder, &path)?;
                self.resolve();
            }
            return Ok(());
        };
        // That of another epoch says that somebody was about to renew the journal, or has.
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

    /// Something cannot be known to be durable: until it was written anew, nobody may build on it.
    pub(crate) fn leave(&mut self, state: Uncertain) {
        self.store.uncertain = Some(state);
        // Should this fail, the one that was noted ahead stands.
        let _ = self.lock.note(self.store.view.unwritten, state);
    }

    pub(crate) fn resolve(&mut self) {
        self.store.uncertain = None;
        self.lock.finish(self.store.view.unwritten);
    }
}
