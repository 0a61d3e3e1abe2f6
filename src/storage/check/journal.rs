//! Repairing the journal: applying its changes to the file, or setting it or its end aside.

use std::path::{Path, PathBuf};

use super::files::{Files, missing};
use super::repair::Repaired;
use super::rescue::{Dropped, salvage_journal};
use crate::error::{Error, Result};
use crate::expiry::Timestamp;
use crate::storage::files::disk::{self, JOURNAL, Rename};
use crate::storage::files::lock::{self, Ending, WritersLock};
use crate::storage::files::uncertain::Uncertain;
use crate::storage::read::journal::{Fold, Stamp};
use crate::storage::read::view::View;
use crate::storage::write::save::Built;
use crate::storage::write::temporary::{self, Temp};
use crate::storage::write::writer::Writer;
use crate::storage::{Settings, Storage};

impl Storage {
    /// A store for the files at `path`, which are not loaded yet, and the writers' lock.
    pub(crate) fn to_repair(path: &Path, settings: Settings) -> Result<(Self, PathBuf, WritersLock)> {
        let path = disk::resolve(path)?;
        let store = Self { path: Some(path.clone()), ..Self::in_memory(settings) };
        let seen = store.disk.identity(&path)?;
        if seen.is_some() {
            store.disk.check_writable(&path)?;
        }
        if seen.is_none() && store.disk.identity(&disk::with_suffix(&path, JOURNAL))?.is_none() {
            return Err(missing(&path));
        }
        let Settings { wait, on_progress, .. } = store.settings;
        let newest = &mut || lock::files(&*store.disk, &path);
        let lock = WritersLock::acquire(&*store.disk, &path, seen, (wait, on_progress), newest)?;
        temporary::sweep(&*store.disk, &path);
        Ok((store, path, lock))
    }

    /// Applies the changes of a foreign journal to the file.
    ///
    /// This is a save, in the same order and for the same reasons:
    ///
    /// 1. Write the new snapshot, which is the file plus the changes, to a temporary file and sync it. *Crash: a stray
    ///    file.*
    /// 2. Replace the journal by its good part and a fold line that names the new snapshot. *Crash: the old file is
    ///    still there, and the journal is as foreign to it as before, so the repair can be repeated.*
    /// 3. Put the new snapshot in place, and sync the folder. *Crash: the old file, as in step 2, or the new one, which
    ///    the fold line says contains all changes.*
    ///
    /// So the changes are never missing, and never counted as applied when they are not. The rest of the journal is no
    /// longer needed; the next writer renews it if that fails here. Nothing needs to be set aside: the journal is
    /// removed only after its changes are in the file.
    pub(crate) fn keep_journal(path: &Path, settings: Settings, now: Timestamp) -> Result<Repaired> {
        let (mut store, path, mut lock) = Self::to_repair(path, settings)?;
        let disk = store.disk.clone();
        match View::pin(&*disk, &path) {
            Ok(_) => return Err(Error::NothingToRepair { path, reason: "there is no foreign journal" }),
            Err(Error::ForeignJournal { .. }) => {}
            Err(error) => return Err(error),
        }
        let conflict = || Error::Conflict { path: path.clone() };
        let journal_path = disk::with_suffix(&path, JOURNAL);
        store.view = View::adopt(&*disk, &path)?.ok_or_else(conflict)?;
        let entries = store.view.changes()?.map_or(0, |replay| replay.overlay.len() as u64);
        let folder = temporary::open_folder(&*disk, &path)?;
        let mut notices = Vec::new();
        let temp = Temp::create(&*disk, &path)?;
        let built = store.build(temp, &path, store.view.file(), now, &mut notices)?;
        store.name_fold(&built, lock.uncertain, &journal_path)?;
        folder.sync().map_err(|source| Error::Io { operation: "sync", path: journal_path.clone(), source })?;
        let Built { temp, .. } = built;
        let noted = lock.note(false, Uncertain::Folder);
        noted.map_err(|source| disk::write_error("lock", path.clone(), source))?;
        temporary::put_in_place(&*disk, &temp, &path, store.view.seen, &*folder)?;
        lock.hold(temp.keep());
        disk::sync_name(&*folder, &path)?;
        lock.finish(false);
        // The next writer tries again.
        if let Ok(view) = View::pin(&*disk, &path) {
            store.view = view;
            let _ = Writer::new(&mut store, path.clone(), lock).recover(false);
        }
        Ok(Repaired { dropped: notices, ..Repaired::of(path, entries) })
    }

    /// Replaces the journal by its good part and a fold line for the new snapshot. Sets a torn end aside.
    fn name_fold(&self, built: &Built<'_>, uncertain: Option<Uncertain>, journal_path: &Path) -> Result<()> {
        let failed = |operation| move |source| disk::write_error(operation, journal_path.to_owned(), source);
        let (Some(journal), Some(replay)) = (&self.view.journal, self.view.changes()?) else { return Ok(()) };
        let synced = uncertain.and_then(|state| state.synced(journal.header.epoch));
        if synced.is_some_and(|synced| synced < replay.good) {
            // Later lines were reported as not stored, and must not come back.
            let reason = "a sync of it failed, so not all of it is valid; `repair --drop-journal` sets it aside";
            return Err(Error::Unsuitable { path: journal_path.to_owned(), reason: reason.to_owned() });
        }
        if replay.torn > 0 {
            let torn = journal.read(replay.good, replay.good + replay.torn)?;
            self.set_aside(journal_path, &torn)?;
        }
        let mut text = journal.read(0, replay.good)?;
        let made = built.temp.file().identity().map_err(failed("write"))?;
        let stamp = Stamp::before_rename(&made);
        Fold { through: built.through, stamp, layout: built.layout }.write(&mut text, journal.header.epoch);
        // Named after the database, so that the next one finds a leftover.
        let temp = Temp::create(&*self.disk, self.path.as_deref().unwrap_or(journal_path))?;
        temp.file().append(&text).map_err(failed("write"))?;
        temp.file().inherit(&*journal.file).map_err(failed("set the mode of"))?;
        temp.file().sync_all().map_err(failed("sync"))?;
        self.disk.rename(&temp.path, journal_path, Rename::Replace).map_err(failed("replace"))?;
        temp.keep();
        Ok(())
    }

    /// Renames a journal that cannot be used.
    pub(crate) fn drop_journal(path: &Path, settings: Settings) -> Result<Repaired> {
        let (store, path, lock) = Self::to_repair(path, settings)?;
        let disk = &*store.disk;
        let journal_path = disk::with_suffix(&path, JOURNAL);
        let is_missing = disk.identity(&path)?.is_none();
        let looked = View::pin(disk, &path).and_then(|view| {
            let journal = view.journal.as_ref().filter(|_| lock.ending != Ending::Torn);
            view.changes()?;
            Ok((
                view.journal.is_some() || view.stray.is_some(),
                journal.is_some_and(|journal| journal.bad_end().is_some()),
            ))
        });
        match looked {
            Ok((_, true)) => {}
            Ok((false, _)) => return Err(Error::NothingToRepair { path, reason: "there is no journal" }),
            Ok((true, _)) => {
                return Err(Error::NothingToRepair {
                    path,
                    reason: "the journal is intact and belongs to the file; `save` writes its changes to the file",
                });
            }
            Err(Error::ForeignJournal { .. } | Error::JournalCorrupt { .. }) => {}
            Err(Error::Unsuitable { .. }) if is_missing => {}
            Err(error) => return Err(error),
        }
        let folder = temporary::open_folder(disk, &path)?;
        let entries = match Files::open(disk, &path, None)? {
            Files { journal: Some(opened), .. } => {
                let bytes = Files::read(&journal_path, &opened)?;
                salvage_journal(&bytes, &mut Dropped::default()).map_or(0, |(changes, ..)| changes.len() as u64)
            }
            Files { journal: None, .. } => return Err(Error::Conflict { path }),
        };
        let aside = loop {
            let aside = disk::with_suffix(&journal_path, &format!(".dropped-{:016x}", disk::random()));
            match disk.rename(&journal_path, &aside, Rename::New) {
                Ok(()) => break aside,
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(disk::write_error("rename", journal_path, source)),
            }
        };
        disk::sync_name(&*folder, &journal_path)?;
        Ok(Repaired::of(aside, entries))
    }

    /// Sets the end of a journal aside, whether or not it was acknowledged, so that writing can continue.
    pub(crate) fn drop_end(path: &Path, settings: Settings) -> Result<Repaired> {
        let (mut store, path, lock) = Self::to_repair(path, settings)?;
        store.view = View::pin(&*store.disk, &path)?;
        let Some(journal) = &store.view.journal else { return Err(sound(path)) };
        let replay = journal.replay()?;
        let (mut good, bytes, through) = (replay.good, replay.torn, journal.through);
        if bytes == 0 {
            return Err(sound(path));
        }
        store.uncertain = lock.uncertain;
        if let Some(synced) = store.uncertain.and_then(|state| state.synced(journal.header.epoch)) {
            good = good.min(synced);
        }
        let record = journal.read(good, journal.seen.len)?;
        let folder = temporary::open_folder(&*store.disk, &path)?;
        let aside = store.set_aside(journal.path(), &record)?;
        let begins = crate::error::cut(String::from_utf8_lossy(&record[..record.len().min(160)]).trim());
        let dropped = vec![format!("the journal's last {} bytes, which begin with {begins:?}", record.len())];
        let uncertain = store.uncertain.unwrap_or(Uncertain::Unfinished);
        let mut writer = Writer::new(&mut store, path, lock);
        writer.announce(uncertain)?;
        writer.renew(through, good, &*folder)?;
        if uncertain != Uncertain::Folder {
            writer.resolve();
        }
        Ok(Repaired { dropped, in_place: true, ..Repaired::of(aside, 0) })
    }
}

fn sound(path: PathBuf) -> Error {
    Error::NothingToRepair { path, reason: "it is intact" }
}
