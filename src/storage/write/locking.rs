//! Taking the writers' lock, with all that whoever takes it must do first, and giving it back.

use std::path::Path;

use super::temporary;
use crate::error::{Error, Result};
use crate::storage::files::disk;
use crate::storage::files::lock::{Doubt, WritersLock};
use crate::storage::read::pinned_journal::Journal;
use crate::storage::{Settings, Store};

impl Store {
    /// Vouches for a large snapshot that was checked in full, so that the next one need not; if nobody is writing.
    pub(crate) fn publish(&mut self) {
        let Some(path) = self.path.clone() else { return };
        let is_small = self.file_len() <= self.settings.policy.small && self.view.journal.is_none();
        if !self.view.unpublished || is_small || self.settings.read_only || self.disk.check_writable(&path).is_err() {
            return;
        }
        // An end that cannot be read is for whoever writes.
        let is_whole = |journal: &Journal| matches!(journal.clean_end(), Ok(Some(_)));
        if !self.view.journal.as_ref().is_none_or(is_whole) {
            return;
        }
        let unwritten = self.view.unwritten;
        let lock = WritersLock::try_acquire(&*self.disk, &path, self.view.seen);
        // What others have left in doubt is for whoever writes.
        self.lock = lock.filter(|lock| lock.doubt.is_none());
        let is_noted = |lock: &mut WritersLock| lock.note(unwritten, Doubt::Unfinished).is_ok();
        let is_newest = self.lock.as_mut().is_some_and(is_noted) && self.view.is_current(&*self.disk).unwrap_or(false);
        // Whatever keeps it from being written is no reason not to read.
        let is_settled = is_newest && self.settle(true).is_ok();
        if let (None, Some(lock)) = (self.doubt, &mut self.lock)
            // Whoever writes next still has to do what a note that is not there calls for.
            && (is_settled || !lock.is_new)
        {
            lock.finish(unwritten);
        }
        self.lock = None;
    }

    /// Whether the writers' lock is held.
    pub(crate) fn is_locked(&self) -> bool {
        self.lock.is_some()
    }

    /// Takes the writers' lock and what others wrote before, and mends what a writer before has left. Nothing if it is
    /// held already, or a transaction is open, which takes it at its end.
    pub(crate) fn lock(&mut self) -> Result<()> {
        let Some(path) = self.path.clone() else { return Ok(()) };
        if self.settings.read_only {
            return Err(Error::ReadOnly { path, reason: String::new() });
        }
        if self.lock.is_some() || self.reads.is_some() {
            return Ok(());
        }
        if self.view.seen.is_some() {
            self.disk.check_writable(&path)?;
        }
        if let (true, Some(folder)) = (self.settings.make_folder, path.parent()) {
            self.disk.make_folder(folder)?;
        }
        let Settings { wait, watch, .. } = self.settings;
        let (disk, seen) = (self.disk.clone(), self.view.seen);
        let mut lock = WritersLock::acquire(&*disk, &path, seen, (wait, watch), &mut || {
            self.look_again()?;
            Ok(self.view.files_seen())
        })?;
        // Where nobody has left a note, the holder before may have been killed, and its lock file removed.
        let has_no_note = lock.is_new && self.view.seen.is_some();
        let left = lock.doubt.or(has_no_note.then_some(Doubt::Unfinished));
        if left.is_some() || self.view.seen.is_none() || self.is_save_marked() {
            temporary::sweep(&*disk, &path);
        }
        self.doubt = Doubt::stronger(self.doubt, left);
        let is_unknown = self.check_end(&mut lock)?;
        self.note(lock, &path)?;
        let settled = self.settle(false);
        if settled.is_err() {
            self.lock = None;
        }
        settled?;
        if is_unknown && let Some(mut lock) = self.lock.take() {
            lock.name_boot(self.disk.boot());
            self.note(lock, &path)?;
        }
        Ok(())
    }

    /// Notes that a write is under way, before anything is done, and keeps the lock.
    fn note(&mut self, mut lock: WritersLock, path: &Path) -> Result<()> {
        let noted = lock.note(self.view.unwritten, self.doubt.unwrap_or(Doubt::Unfinished));
        noted.map_err(|source| disk::write_error("lock", path.to_owned(), source))?;
        if self.doubt.is_none() {
            lock.finish(self.view.unwritten);
        }
        self.lock = Some(lock);
        Ok(())
    }

    /// Gives the lock back unless something that needs it waits to be written.
    pub(crate) fn release(&mut self) {
        if !self.is_changed() {
            self.lock = None;
        }
    }
}
