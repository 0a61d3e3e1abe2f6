//! Taking the writers' lock, what a new holder must do first, and releasing the lock.

use std::path::PathBuf;

use super::temporary;
use crate::error::Result;
use crate::storage::files::disk;
use crate::storage::files::lock::WritersLock;
use crate::storage::files::uncertain::Uncertain;
use crate::storage::read::pinned_journal::Journal;
use crate::storage::{Settings, Storage};

/// The right to change the files of a database. It exists only while the writers' lock is held; dropping it releases
/// the lock.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    pub(crate) store: &'a mut Storage,
    pub(crate) path: PathBuf,
    pub(super) lock: WritersLock,
}

impl Storage {
    /// Takes the writers' lock, loads what others wrote, and recovers from an uncertain state. A lock that is already
    /// held is reused. `None` for a database in memory, which has no other writers.
    pub(crate) fn lock(&mut self) -> Result<Option<Writer<'_>>> {
        let Some(path) = self.path.clone() else { return Ok(None) };
        self.check_writable()?;
        Ok(Some(match self.held.take() {
            Some(lock) => Writer::new(self, path, lock),
            None => Writer::acquire(self, path)?,
        }))
    }

    /// Takes the lock and keeps it until the next commit, so that reads until then stay current, and a change based on
    /// them is still right when it is written.
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

    /// Releases the lock unless pending changes need it.
    pub(crate) fn release(&mut self) {
        if !self.is_changed() {
            self.held = None;
        }
    }

    /// Records that a large snapshot was checked in full, so that the next open need not check it, unless another
    /// writer is active.
    pub(crate) fn publish(&mut self) {
        let Some(path) = self.path.clone() else { return };
        let is_small = self.file_len() <= self.settings.policy.small && self.view.journal.is_none();
        if !self.view.unpublished || is_small || self.settings.read_only || self.disk.check_writable(&path).is_err() {
            return;
        }
        // An unreadable end is left to the next writer.
        let is_whole = |journal: &Journal| matches!(journal.clean_end(), Ok(Some(_)));
        if !self.view.journal.as_ref().is_none_or(is_whole) {
            return;
        }
        let unwritten = self.view.unwritten;
        let lock = WritersLock::try_acquire(&*self.disk, &path, self.view.seen);
        // An uncertain state is left to the next writer.
        let Some(lock) = lock.filter(|lock| lock.uncertain.is_none()) else { return };
        let mut writer = Writer::new(self, path, lock);
        let is_noted = writer.lock.note(unwritten, Uncertain::Unfinished).is_ok();
        let is_newest = is_noted && writer.store.view.is_current(&*writer.store.disk).unwrap_or(false);
        // Failing to write it is no reason not to read.
        let is_recovered = is_newest && writer.recover(true).is_ok();
        // If there was no note, the next writer must still do what a missing note calls for.
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
        // Without a note, the previous holder may have been killed and its lock file removed.
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

    /// Keeps the lock for the next change.
    pub(crate) fn keep(self) {
        self.store.held = Some(self.lock);
    }

    /// Notes that a write is in progress, before anything is changed.
    fn note(&mut self) -> Result<()> {
        self.announce(self.store.uncertain.unwrap_or(Uncertain::Unfinished))?;
        if self.store.uncertain.is_none() {
            self.lock.finish(self.store.view.unwritten);
        }
        Ok(())
    }

    /// Notes the state that is uncertain if this writer does not finish.
    pub(crate) fn announce(&mut self, state: Uncertain) -> Result<()> {
        let noted = self.lock.note(self.store.view.unwritten, state);
        noted.map_err(|source| disk::write_error("lock", self.path.clone(), source))
    }
}
