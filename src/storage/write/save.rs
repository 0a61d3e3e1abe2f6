//! Saving (fold): snapshot and changes are merged into a new snapshot, which replaces the old one.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::merge::{self, Below, FoldFault};
use super::temporary::{Temp, open_folder, put_in_place, sweep};
use crate::error::{Error, Result};
use crate::expiry::Timestamp;
use crate::storage::files::disk::{self, Disk, DiskFile, Identity, Reporting};
use crate::storage::files::lock::side_files;
use crate::storage::read::layers::{Layer, Layers};
use crate::storage::read::snapshot::{self, Layout, ReadFault, Sums};
use crate::storage::read::view::Base;
use crate::storage::{Settings, Storage};

/// A new snapshot that is complete and synced, but not in place yet.
pub(crate) struct Built<'a> {
    pub(crate) temp: Temp<'a>,
    pub(crate) layout: Layout,
    /// The last commit it contains.
    pub(crate) through: u64,
}

impl Storage {
    /// Writes snapshot and changes, including pending ones, to a file that will replace `target`, and syncs it.
    pub(crate) fn build<'d>(
        &self,
        temp: Temp<'d>,
        target: &Path,
        like: Option<&dyn DiskFile>,
        now: Timestamp,
        notices: &mut Vec<String>,
    ) -> Result<Built<'d>> {
        let failed = |operation| move |source| disk::write_error(operation, target.to_owned(), source);
        let (layout, through) = self.merge(temp.file(), target, now)?;
        if let Some(like) = like {
            let lost = temp.file().inherit(like).map_err(failed("set the mode of"))?;
            notices.extend(
                lost.iter().map(|what| format!("warning: {target:?} was replaced, but {what} could not be kept")),
            );
        }
        temp.file().sync_all().map_err(failed("sync"))?;
        Ok(Built { temp, layout, through })
    }

    /// Like `build`, for a copy, which must not propagate corruption: a fold copies lines without verifying them.
    fn build_verified<'d>(
        &self,
        temp: Temp<'d>,
        target: &Path,
        like: Option<&dyn DiskFile>,
        now: Timestamp,
        notices: &mut Vec<String>,
    ) -> Result<Built<'d>> {
        /// From this length on, the checksum is computed while the copy is written and synced.
        const LONG: u64 = 1 << 20;
        let Base::Indexed(indexed) = &self.view.base else {
            return self.build(temp, target, like, now, notices);
        };
        if self.view.sums.get() == Sums::Agree {
            return self.build(temp, target, like, now, notices);
        }
        let (file, layout, stop) = (indexed.file(), *indexed.layout(), AtomicBool::new(false));
        let hash = || snapshot::verify(file, &layout, &stop);
        // Only for the operating system's files: a simulated disk needs a fixed order of operations.
        let is_long = layout.length > LONG && file.real().is_some();
        let (built, agree) = std::thread::scope(|scope| {
            let hashing = is_long.then(|| std::thread::Builder::new().spawn_scoped(scope, hash)).and_then(Result::ok);
            let built = self.build(temp, target, like, now, notices);
            if built.is_err() {
                stop.store(true, Ordering::Relaxed);
            }
            let agree = match hashing {
                Some(hashing) => hashing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                None => hash(),
            };
            (built, agree)
        });
        let built = built?;
        self.view.sums.set(agree.map_err(|fault| self.view.fault(fault))?.into());
        self.view.check_intact()?;
        self.view.check_sums()?;
        Ok(built)
    }

    /// Merges snapshot and changes, including pending ones, into an empty file that is open for appending; `target`
    /// names it in messages. Also returns the last commit in it.
    pub(super) fn merge(
        &self,
        file: &(dyn DiskFile + 'static),
        target: &Path,
        now: Timestamp,
    ) -> Result<(Layout, u64)> {
        let changes = self.pending.layers().into_iter();
        let (below, changes, through) = match self.pending.spilled() {
            Some(spilled) => (Below::Indexed(&spilled.snapshot), Layers::new(changes), spilled.through),
            None => {
                let replay = self.view.changes()?;
                let committed = replay.map(|replay| Layer::Overlay(replay.overlay.iter()));
                let below = match &self.view.base {
                    Base::Document(document) => Below::Document(document),
                    Base::Indexed(indexed) => Below::Indexed(indexed),
                };
                (below, Layers::new(changes.chain(committed)), replay.map_or(0, |replay| replay.n))
            }
        };
        let reporting = self.settings.on_progress.map(|on_progress| {
            let spilled = self.pending.spilled().map(|spilled| spilled.snapshot.layout().length);
            let below = spilled.unwrap_or(self.file_len());
            Reporting::new(file, on_progress, below + self.pending.map_bytes() as u64)
        });
        let file: &dyn DiskFile = reporting.as_ref().map_or(file, |reporting| reporting);
        let layout = merge::fold(file, below, &changes, now).map_err(|fault| {
            disk::or_stopped(match fault {
                FoldFault::Write(source) => disk::write_error("write", target.to_owned(), source),
                FoldFault::Read(fault) => self.view.fault(fault),
                FoldFault::Inconsistent(reason) => {
                    self.view.fault(ReadFault::Corrupt { at: 0, reason: format!("the snapshot is corrupt: {reason}") })
                }
            })
        })?;
        Ok((layout, through))
    }

    /// Writes a snapshot to an empty file that is open for appending.
    pub(crate) fn write_snapshot(&self, file: File, now: Timestamp) -> Result<()> {
        let file = disk::opened(file);
        self.merge(&*file, Path::new("a temporary file"), now).map(drop)
    }

    /// Creates a new snapshot of everything, including pending changes. A large one is built without the lock, which is
    /// then taken only to exchange the files, so that other processes can keep writing.
    pub(crate) fn fold(&mut self, now: Timestamp) -> Result<()> {
        let disk = self.disk.clone();
        let Some(path) = self.path.clone() else { return Ok(()) };
        let mut notices = Vec::new();
        let is_short = self.is_short();
        if !is_short {
            self.recover_first()?;
        }
        for attempt in 0.. {
            // After being overtaken by another save once, a second attempt must succeed.
            if is_short || attempt > 0 {
                self.hold()?;
            }
            self.refresh()?;
            let pinned = self.pinned();
            notices.clear();
            let temp = self.marked(&*disk, &path)?;
            let built = self.build(temp, &path, self.view.file(), now, &mut notices)?;
            let Some(mut writer) = self.lock()? else { break };
            if writer.store.pinned() == pinned && !writer.store.was_overtaken(built.through)? {
                writer.install(built)?;
                writer.store.notices.append(&mut notices);
                writer.keep();
                break;
            }
            writer.keep();
        }
        Ok(())
    }

    /// Recovers from a killed writer, unless another writer is active. If recovery takes a new snapshot, it must happen
    /// before this save creates its own: otherwise, a second kill would leave two temporary files.
    fn recover_first(&mut self) -> Result<()> {
        if self.held.is_some() {
            return Ok(());
        }
        let wait = std::mem::take(&mut self.settings.wait);
        let held = self.hold();
        self.settings.wait = wait;
        match held {
            Err(Error::Busy { .. }) => Ok(()),
            held => {
                // Pending changes that were made without the lock do not keep it.
                self.held = None;
                held
            }
        }
    }

    /// Whether merging snapshot and changes is too quick for others to notice.
    pub(super) fn is_short(&self) -> bool {
        self.file_len() + self.pending_bytes() <= self.settings.policy.short
    }

    /// What a snapshot built without the lock is based on: the previous snapshot, and the journal's epoch. The next
    /// journal of the same snapshot may lack a commit that is in this one, if its writer could not sync it.
    pub(super) fn pinned(&self) -> (Option<Identity>, Option<u64>) {
        (self.view.seen, self.view.journal.as_ref().map(|journal| journal.header.epoch))
    }

    /// Whether a commit after `through` changed a key that this store changes, too. A commit that came after the new
    /// snapshot was built stays in the journal, and would take precedence over it, although these changes are newer.
    fn was_overtaken(&self, through: u64) -> Result<bool> {
        let Some(journal) = &self.view.journal else { return Ok(false) };
        journal.changes_after(through, &mut |key| self.pending.contains(key))
    }

    /// Writes the snapshot in canonical form, and removes the files that killed writers left. Also writes what seems to
    /// be saved already, because an earlier sync may have failed.
    pub(crate) fn save(&mut self, now: Timestamp) -> Result<()> {
        let Some(path) = self.path.clone() else { return self.commit(now) };
        let was_safe = self.view.journal.is_some() && !self.is_changed();
        let saved = self.fold(now).map_err(|error| if was_safe { not_saved(error) } else { error });
        if saved.is_ok() {
            sweep(&*self.disk, &path);
        }
        self.forget();
        saved
    }

    /// Writes everything to a resolved path other than the store's own, atomically. An existing file must be a
    /// database, and is replaced with its lock held if it has side files.
    pub(crate) fn copy_to(&mut self, path: PathBuf, now: Timestamp) -> Result<PathBuf> {
        let disk = self.disk.clone();
        let read_only = Settings { read_only: true, ..self.settings.clone() };
        let mut copy = Self::open_on(disk.clone(), path.clone(), read_only)?;
        self.check_acknowledged()?;
        let mut notices = Vec::new();
        if copy.is_on_disk() && self.settings.read_only {
            return Err(Error::ReadOnly { path, reason: "a copy can only be written to a new file".to_owned() });
        }
        if has_side_files(&*disk, &path)? {
            let settings = Settings { read_only: false, ..self.settings.clone() };
            copy = Self::open_on(disk.clone(), path.clone(), settings)?;
        }
        if copy.is_on_disk()
            && !copy.settings.read_only
            && let Some(mut writer) = copy.lock()?
        {
            let view = &writer.store.view;
            let through = view.changes()?.map_or(0, |replay| replay.n);
            let temp = Temp::create(&*disk, &path)?;
            let built = self.build_verified(temp, &path, view.file(), now, &mut notices)?;
            writer.install(Built { through, ..built })?;
        } else {
            // No process works on a backup, so the copy leaves no traces of one.
            let old = copy.view.seen;
            if old.is_some() {
                disk.check_writable(&path)?;
            }
            let folder = open_folder(&*disk, &path)?;
            // After the database itself, so that the next copy, under any name, finds the temporary file of a killed
            // one.
            let name = self.path.as_ref().and_then(|own| own.file_name()).map(|own| path.with_file_name(own));
            let name = name.unwrap_or_else(|| path.clone());
            self.sweep_next_to(&*disk, &name);
            let built =
                self.build_verified(Temp::create(&*disk, &name)?, &path, copy.view.file(), now, &mut notices)?;
            put_in_place(&*disk, &built.temp, &path, old, &*folder)?;
            let _file = built.temp.keep();
            disk::sync_name(&*folder, &path)?;
        }
        self.notices.append(&mut notices);
        self.notices.append(&mut copy.notices);
        Ok(path)
    }
}

/// Whether the database at a path was written to there, rather than copied.
fn has_side_files(disk: &dyn Disk, path: &Path) -> Result<bool> {
    let [journal, lock] = side_files(path);
    Ok(disk.identity(&journal)?.is_some() || disk.identity(&lock)?.is_some())
}

/// The error of a save whose changes are all in the journal.
pub(crate) fn not_saved(error: Error) -> Error {
    match error {
        Error::Io { path, source, .. } => Error::NotSaved { path, source },
        error => error,
    }
}
