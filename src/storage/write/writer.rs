//! The writers' lock in hand: what whoever takes it must do first, and giving it back.

use std::path::PathBuf;

use super::temporary;
use crate::error::Result;
use crate::storage::files::disk;
use crate::storage::files::lock::WritersLock;
use crate::storage::files::uncertain::Uncertain;
use crate::storage::read::pinned_journal::Journal;
use crate::storage::{Settings, Storage};

/// The right to change the files of a database. It exists only while the writers' lock is held, and dropping it gives the
/// lock back.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    pub(crate) store: &'a mut Storage,
    pub(crate) path: PathBuf,
    pub(super) lock: WritersLock,
}

impl Storage {
    /// Takes the writers' lock and what others wrote before, and recovers what a writer before has left. What is held
    /// already is not taken anew. `None` for a database in memory only, where nobody else writes.
    pub(crate) fn lock(&mut self) -> Result<Option<Writer<'_>>> {
        let Some(path) = self.path.clone() else { return Ok(None) };
        self.check_writable()?;
        Ok(Some(match self.held.take() {
            Some(lock) => Writer::new(self, path, lock),
            None => Writer::acquire(self, path)?,
        }))
    }

    /// Takes the lock and keeps it until the next commit, so that what is read until then stays the newest, and a change
    /// that follows from it is still right when it is written.
    pub(crate) fn hold(&mut self) -> Result<()> {
        if self.held.is_none()
            && let Some(writer) = self.lock()?
        {
            writer.keep();
        }
        Ok(())
    }

    /// Whether the writers' lock is held.
    pub(crate) fn is_locked(&self) -> bool {
        self.held.is_some()
    }

    /// Gives the lock back unless something that needs it waits to be written.
    pub(crate) fn release(&mut self) {
        if !self.is_changed() {
            self.held = None;
        }
    }

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
        // What others have left uncertain is for whoever writes.
        let Some(lock) = lock.filter(|lock| lock.uncertain.is_none()) else { return };
        let mut writer = Writer::new(self, path, lock);
        let is_noted = writer.lock.note(unwritten, Uncertain::Unfinished).is_ok();
        let is_newest = is_noted && writer.store.view.is_current(&*writer.store.disk).unwrap_or(false);
        // Whatever keeps it from being written is no reason not to read.
        let is_recovered = is_newest && writer.recover(true).is_ok();
        // Whoever writes next still has to do what a note that is not there calls for.
        if writer.store.uncertain.is_none() && (is_recovered || !writer.lock.is_new) {
            writer.lock.finish(unwritten);
        }
    }
}

impl<'a> Writer<'a> {
    pub(crate) fn new(store: &'a mut Storage, path: PathBuf, lock: WritersLock) -> Self {
        Self { store, path, lock }
    }

    fn acquire(store: &'a mut Storage, path: PathBuf) -> Result<Self> {
        if store.view.seen.is_some() {
            store.disk.check_writable(&path)?;
        }
        if let (true, Some(folder)) = (store.settings.make_folder, path.parent()) {
            store.disk.make_folder(folder)?;
        }
        let Settings { wait, on_progress, .. } = store.settings;
        let (disk, seen) = (store.disk.clone(), store.view.seen);
        let lock = WritersLock::acquire(&*disk, &path, seen, (wait, on_progress), &mut || {
            store.reload()?;
            Ok(store.view.files_seen())
        })?;
        // Where nobody has left a note, the holder before may have been killed, and its lock file removed.
        let has_no_note = lock.is_new && store.view.seen.is_some();
        let left = lock.uncertain.or(has_no_note.then_some(Uncertain::Unfinished));
        if left.is_some() || store.view.seen.is_none() || store.is_save_marked() {
            temporary::sweep(&*disk, &path);
        }
        store.uncertain = Uncertain::stronger(store.uncertain, left);
        let mut writer = Self::new(store, path, lock);
        let is_unknown = writer.check_end()?;
        writer.note()?;
        writer.recover(false)?;
        if is_unknown {
            writer.lock.name_boot(disk.boot());
            writer.note()?;
        }
        Ok(writer)
    }

    /// Keeps the lock for what comes next.
    pub(crate) fn keep(self) {
        self.store.held = Some(self.lock);
    }

    /// Notes that a write is under way, before anything is done.
    fn note(&mut self) -> Result<()> {
        self.announce(self.store.uncertain.unwrap_or(Uncertain::Unfinished))?;
        if self.store.uncertain.is_none() {
            self.lock.finish(self.store.view.unwritten);
        }
        Ok(())
    }

    /// Notes what is uncertain if this writer does not come to its end.
    pub(crate) fn announce(&mut self, state: Uncertain) -> Result<()> {
        let noted = self.lock.note(self.store.view.unwritten, state);
        noted.map_err(|source| disk::write_error("lock", self.path.clone(), source))
    }
}
