//! Saving (fold): snapshot and changes become a new snapshot, which takes the old one's place.

#[cfg(feature = "shell")]
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::merge::{self, Below, FoldFault};
use super::temporary::{Temp, open_folder, put_in_place, rename, sweep};
use crate::error::{self, Error, Result};
use crate::expiry::Timestamp;
use crate::storage::files::disk::{self, Disk, DiskFile, Folder, Identity, JOURNAL, Rename, Watched};
use crate::storage::files::lock::{Doubt, side_files};
use crate::storage::read::journal::{Body, Fold, Header, Stamp};
use crate::storage::read::layers::{Layer, Layers};
use crate::storage::read::pending::Pending;
use crate::storage::read::pinned_journal::Journal;
use crate::storage::read::snapshot::{self, Layout, ReadFault, Sums};
use crate::storage::read::view::{Base, View};
use crate::storage::{Settings, Store};

/// A finished snapshot, synced, that waits to be put in place.
pub(crate) struct Built<'a> {
    pub(crate) temp: Temp<'a>,
    pub(crate) layout: Layout,
    /// The last commit that it contains.
    pub(crate) through: u64,
}

impl Store {
    /// Writes snapshot and changes, those not yet written included, into a file that will replace `target`, and syncs it.
    pub(crate) fn build<'d>(
        &self,
        temp: Temp<'d>,
        target: &Path,
        like: Option<&dyn DiskFile>,
        now: Timestamp,
        notices: &mut Vec<String>,
    ) -> Result<Built<'d>> {
        let failed = |operation| move |source| disk::write_error(operation, target.to_owned(), source);
        let (temp, layout, through) = self.merge(temp, target, now)?;
        if let Some(like) = like {
            let lost = temp.file().inherit(like).map_err(failed("set the mode of"))?;
            notices.extend(
                lost.iter().map(|what| format!("warning: {target:?} is replaced, but {what} could not be kept")),
            );
        }
        temp.file().sync_all().map_err(failed("sync"))?;
        Ok(Built { temp, layout, through })
    }

    /// The same for a copy, which must not take over what is corrupt: a fold copies lines without looking at them.
    fn build_verified<'d>(
        &self,
        temp: Temp<'d>,
        target: &Path,
        like: Option<&dyn DiskFile>,
        now: Timestamp,
        notices: &mut Vec<String>,
    ) -> Result<Built<'d>> {
        /// From this length on the checksum is computed while the copy is written and synced.
        const LONG: u64 = 1 << 20;
        let Base::Indexed(indexed) = &self.view.base else {
            return self.build(temp, target, like, now, notices);
        };
        if self.view.sums.get() == Sums::Agree {
            return self.build(temp, target, like, now, notices);
        }
        let (file, layout, stop) = (indexed.file(), *indexed.layout(), AtomicBool::new(false));
        let hash = || snapshot::verify(file, &layout, &stop);
        // Only the system's files are read from elsewhere: on a simulated disk everything has its order.
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

    /// Merges snapshot and changes, those not yet written included, into a file that will replace `target`; says also the
    /// last commit that is in it.
    pub(crate) fn merge<'d>(&self, temp: Temp<'d>, target: &Path, now: Timestamp) -> Result<(Temp<'d>, Layout, u64)> {
        let (layout, through) = self.merge_into(temp.file(), target, now)?;
        Ok((temp, layout, through))
    }

    /// The same into an empty file that is open for appending; `target` names it in messages.
    fn merge_into(&self, file: &(dyn DiskFile + 'static), target: &Path, now: Timestamp) -> Result<(Layout, u64)> {
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
        let watched = self.settings.watch.map(|watch| {
            let spilled = self.pending.spilled().map(|spilled| spilled.snapshot.layout().length);
            Watched::new(file, watch, spilled.unwrap_or(self.file_len()) + self.pending_bytes())
        });
        let file: &dyn DiskFile = watched.as_ref().map_or(file, |watched| watched);
        let layout = merge::fold(file, below, &changes, now).map_err(|fault| {
            disk::or_stopped(match fault {
                FoldFault::Write(source) => disk::write_error("write", target.to_owned(), source),
                FoldFault::Read(fault) => self.view.fault(fault),
                FoldFault::Inconsistent(reason) => {
                    self.view.fault(ReadFault::Damaged { at: 0, reason: format!("the snapshot is damaged: {reason}") })
                }
            })
        })?;
        Ok((layout, through))
    }

    /// Writes a snapshot into an empty file that is open for appending.
    #[cfg(feature = "shell")]
    pub(crate) fn write_snapshot(&mut self, file: File, now: Timestamp) -> Result<()> {
        let file = disk::opened(file, None);
        self.merge_into(&*file, Path::new("a temporary file"), now).map(drop)
    }

    /// Makes a new snapshot of everything, what is not yet written included. A large one is built without the lock, which
    /// is then taken for the exchange only, so that others may go on writing.
    pub(crate) fn fold(&mut self, now: Timestamp) -> Result<()> {
        let disk = self.disk.clone();
        let Some(path) = self.path.clone() else { return Ok(()) };
        let mut notices = Vec::new();
        let is_short = self.is_short();
        for attempt in 0.. {
            // Whoever was overtaken by another save must not be overtaken again.
            if is_short || attempt > 0 {
                self.lock()?;
            }
            self.refresh()?;
            let pinned = self.pinned();
            notices.clear();
            let temp = self.marked(&*disk, &path)?;
            let built = self.build(temp, &path, self.view.file(), now, &mut notices)?;
            self.lock()?;
            if self.pinned() == pinned && !self.was_overtaken(built.through)? {
                self.install(built)?;
                self.notices.append(&mut notices);
                return Ok(());
            }
        }
        Ok(())
    }

    /// Whether merging snapshot and changes takes less time than others notice.
    pub(super) fn is_short(&self) -> bool {
        self.file_len() + self.pending_bytes() <= self.settings.policy.short
    }

    /// What a snapshot that was built without the lock rests on: the snapshot before it, and the journal. The next journal
    /// of the same snapshot may lack a commit that was seen in this one, if its writer could not sync it.
    pub(super) fn pinned(&self) -> (Option<Identity>, Option<u64>) {
        (self.view.seen, self.view.journal.as_ref().map(|journal| journal.header.epoch))
    }

    /// Whether a commit behind `through` has changed a key that this store changes too. A commit that was not seen when
    /// the new snapshot was built stays in the journal, and so above it; but these changes are the newer ones.
    fn was_overtaken(&self, through: u64) -> Result<bool> {
        let Some(journal) = &self.view.journal else { return Ok(false) };
        journal.changes_behind(through, &mut |key| self.pending.contains(key))
    }

    /// Puts a new snapshot in place of the one that is there, and renews the journal. The lock must be held, and the view
    /// be the newest.
    pub(crate) fn install(&mut self, built: Built<'_>) -> Result<()> {
        let disk = self.disk.clone();
        let Some(path) = self.path.clone() else { return Ok(()) };
        // Opened before anything is done, so that the last sync cannot fail for want of a descriptor.
        let folder = open_folder(&*disk, &path)?;
        let Built { temp, layout, through } = built;
        let made = temp.file().identity().map_err(|source| disk::write_error("write", path.clone(), source))?;
        let file = temp.reopened(&path)?;
        let fold = Fold { through, stamp: Stamp::before_rename(&made), layout };
        let good = self.view.changes()?.map_or(0, |replay| replay.good);
        self.append_fold(&fold)?;
        if self.view.seen.is_some_and(|seen| seen.links > 1) {
            self.notices.push(format!("{path:?} had other hard links; they keep the old content"));
        }
        let unwritten = self.view.unwritten;
        if let Some(lock) = &mut self.lock {
            let noted = lock.note(unwritten, Doubt::Folder);
            noted.map_err(|source| disk::write_error("lock", path.clone(), source))?;
        }
        let placed = put_in_place(&*disk, &temp, &path, self.view.seen, &*folder);
        match (&placed, &mut self.lock) {
            (Err(Error::OutcomeUnknown { .. }), _) => self.doubt(Doubt::Folder),
            (Err(_), Some(lock)) if self.doubt.is_none() => lock.finish(unwritten),
            _ => {}
        }
        placed?;
        let locked = temp.keep();
        if let Some(lock) = &mut self.lock {
            lock.hold(locked);
        }
        // From here on the change is made: whatever fails now, it must not be called "not stored".
        let settled = folder.sync().and_then(|()| file.identity());
        let seen = settled.map_err(|source| {
            self.doubt(Doubt::Folder);
            Error::OutcomeUnknown { path: path.clone(), source }
        })?;
        self.doubt = None;
        if let Some(lock) = &mut self.lock {
            // Should this fail, the next writer makes one snapshot more than it must.
            let _ = lock.note(false, Doubt::Unfinished);
            lock.finish(false);
        }
        self.pending = Pending::default();
        let old = std::mem::replace(&mut self.view, View::of(&path, file, seen, layout));
        self.view.stray = old.stray;
        let old = old.journal;
        // Both journals lead to this snapshot, so a failure loses nothing; the next writer does it again.
        let _ = self.renew(old.as_ref(), through, good, &*folder);
        Ok(())
    }

    /// Says in the journal, if there is one, what the snapshot that is about to be put in place contains.
    pub(crate) fn append_fold(&mut self, fold: &Fold) -> Result<()> {
        let Some(journal) = &self.view.journal else { return Ok(()) };
        let mut line = Vec::new();
        fold.write(&mut line, journal.header.epoch);
        self.append(&line).map_err(|error| match error {
            // The line names a file that will be nowhere, so nothing depends on whether it is there.
            Error::InDoubt { path, source } if !fold.is_of_nothing() => disk::write_error("sync", path, source),
            error => error,
        })
    }

    /// Makes a new journal for the snapshot that is there, with the commits behind `through` of the old one up to byte
    /// `good`; or does away with it, if there are none and the database is small. The lock must be held.
    pub(crate) fn renew(&mut self, old: Option<&Journal>, through: u64, good: u64, folder: &dyn Folder) -> Result<()> {
        let disk = self.disk.clone();
        let (Some(path), Base::Indexed(indexed), Some(seen)) = (self.path.clone(), &self.view.base, self.view.seen)
        else {
            return Ok(());
        };
        let layout = *indexed.layout();
        let journal_path = disk::beside(&path, JOURNAL);
        let failed = |operation| {
            let path = journal_path.clone();
            move |source| disk::write_error(operation, path, source)
        };
        let epoch = disk::random();
        let mut text = Vec::new();
        Header { epoch, n: through, stamp: Stamp::of(&seen), layout }.write(&mut text);
        let mut carried = 0;
        if let Some(old) = old {
            let bytes = old.read(old.start, good)?;
            let body = Body { bytes: &bytes, epoch: old.header.epoch, n: old.header.n };
            let replayed = body.carry_over(&mut text, through, epoch).map_err(|damage| old.damaged(damage))?;
            carried = replayed.n.saturating_sub(through);
        }
        if carried == 0 && layout.length <= self.settings.policy.small {
            if old.is_some() || self.view.stray.is_some() {
                let removed = disk.remove(&journal_path);
                // The next snapshot is made without a journal; this one must not come back beside that. It may be gone
                // even if that was reported to have failed.
                self.sync(folder, &journal_path)?;
                removed.map_err(failed("remove"))?;
            }
            self.view.journal = None;
            self.view.stray = None;
            return Ok(());
        }
        let temp = Temp::create(&*disk, &path)?;
        let needed = text.len() as u64;
        temp.file().append(&text).map_err(|source| failed("write")(without_room(source, needed)))?;
        temp.file().inherit(indexed.file()).map_err(failed("set the mode of"))?;
        temp.file().sync_all().map_err(failed("sync"))?;
        let file = temp.reopened(&journal_path)?;
        let renamed = rename(&*disk, &temp, &journal_path, Rename::Replace);
        // Whoever finds it in place writes behind it: it must be durable also if the rename was reported to have failed.
        self.sync(folder, &journal_path)?;
        renamed?;
        let locked = temp.keep();
        if let Some(lock) = &mut self.lock {
            lock.hold(locked);
        }
        self.view.stray = None;
        self.view.unpublished = false;
        self.view.journal = Some(Journal::of(file, &*disk, journal_path, Some(&seen))?);
        Ok(())
    }

    /// Makes the journal's name, or that there is none, durable.
    pub(crate) fn sync(&mut self, folder: &dyn Folder, path: &Path) -> Result<()> {
        folder.sync().map_err(|source| {
            self.doubt(Doubt::Unfinished);
            Error::OutcomeUnknown { path: path.to_owned(), source }
        })
    }

    /// Writes the snapshot in its one form now, and removes what killed writers have left. It writes also what seems to
    /// be there already: an earlier sync may have failed.
    pub(crate) fn save(&mut self, now: Timestamp) -> Result<()> {
        if self.reads.is_some() {
            return Err(Error::Transaction { reason: "a transaction is open; `commit` or `rollback` it first" });
        }
        let Some(path) = self.path.clone() else { return self.commit(now) };
        let was_safe = self.view.journal.is_some() && !self.is_changed();
        let saved = self.fold(now).map_err(|error| if was_safe { not_saved(error) } else { error });
        if saved.is_ok() {
            sweep(&*self.disk, &path);
        }
        self.forget();
        saved
    }

    /// Writes everything to another file, atomically. What is there already must be a database, and is replaced under its
    /// lock if it has side files.
    pub(crate) fn save_to(&mut self, path: &Path, now: Timestamp) -> Result<PathBuf> {
        let path = disk::resolve(path)?;
        if self.path.as_ref() == Some(&path) {
            self.save(now)?;
            return Ok(path);
        }
        self.copy_to(path, now)
    }

    /// The same to a resolved path that is not the store's own.
    pub(crate) fn copy_to(&mut self, path: PathBuf, now: Timestamp) -> Result<PathBuf> {
        let disk = self.disk.clone();
        let read_only = Settings { read_only: true, ..self.settings.clone() };
        let mut copy = Self::open_on(disk.clone(), path.clone(), read_only)?;
        self.check_acknowledged()?;
        let mut notices = Vec::new();
        if copy.is_on_disk() && self.settings.read_only {
            return Err(Error::ReadOnly { path, reason: "a copy may go to a new file only".to_owned() });
        }
        if has_side_files(&*disk, &path)? {
            let settings = Settings { read_only: false, ..self.settings.clone() };
            copy = Self::open_on(disk.clone(), path.clone(), settings)?;
        }
        if copy.is_on_disk() && !copy.settings.read_only {
            copy.lock()?;
            let through = copy.view.changes()?.map_or(0, |replay| replay.n);
            let temp = Temp::create(&*disk, &path)?;
            let built = self.build_verified(temp, &path, copy.view.file(), now, &mut notices)?;
            copy.install(Built { through, ..built })?;
        } else {
            // Nobody works on a backup, and nothing shall look as if somebody did.
            let old = copy.view.seen;
            if old.is_some() {
                disk.check_writable(&path)?;
            }
            let folder = open_folder(&*disk, &path)?;
            // After the database itself, so that the next copy, whatever its name, finds what is left of one whose maker
            // was killed.
            let name = self.path.as_ref().and_then(|own| own.file_name()).map(|own| path.with_file_name(own));
            let name = name.unwrap_or_else(|| path.clone());
            self.sweep_next_to(&*disk, &name);
            let built =
                self.build_verified(Temp::create(&*disk, &name)?, &path, copy.view.file(), now, &mut notices)?;
            put_in_place(&*disk, &built.temp, &path, old, &*folder)?;
            let _file = built.temp.keep();
            folder.sync().map_err(|source| Error::OutcomeUnknown { path: path.clone(), source })?;
        }
        self.notices.append(&mut notices);
        self.notices.append(&mut copy.notices);
        Ok(path)
    }
}

/// Whether a database was ever written to at a path, rather than copied there.
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

/// A full disk's error, with how much room is needed: it may be more than the change that was asked for.
fn without_room(source: std::io::Error, needed: u64) -> std::io::Error {
    if !disk::is_full(&source) {
        return source;
    }
    let reason = error::reason(&source);
    std::io::Error::new(source.kind(), format!("{reason}; a new journal needs {} KiB", needed.div_ceil(1024)))
}
