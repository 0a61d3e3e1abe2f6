//! Restoring: another database's content replaces this one's, which is kept next to it.

use std::path::{Path, PathBuf};

use super::save::Built;
use super::temporary::{Temp, open_folder};
use crate::error::{Error, Result};
use crate::expiry::Timestamp;
use crate::storage::files::disk::{self, Disk, JOURNAL, OpenAs, Rename};
use crate::storage::{Settings, Storage};

impl Storage {
    /// Replaces the content by another store's, and saves the old content to a new file, whose path is returned. The
    /// lock is held throughout, so everything that other processes write is in one of the two.
    pub(crate) fn restore(&mut self, from: &Self, now: Timestamp) -> Result<Option<PathBuf>> {
        let Some(path) = self.path.clone() else { return Ok(None) };
        self.hold()?;
        let restored = self.replace(from, &path, now);
        self.forget();
        restored
    }

    fn replace(&mut self, from: &Self, path: &Path, now: Timestamp) -> Result<Option<PathBuf>> {
        let disk = self.disk.clone();
        let kept = if self.is_on_disk() { Some(self.copy_to(free_name(&*disk, path)?, now)?) } else { None };
        let replaced = self.take_over(from, path, now);
        if let (Err(error), Some(kept)) = (&replaced, &kept)
            && !matches!(error, Error::OutcomeUnknown { .. } | Error::Uncertain { .. })
        {
            // It is a copy of what is still in place.
            let _ = disk.remove(kept);
        }
        replaced.map(|()| kept)
    }

    fn take_over(&mut self, from: &Self, path: &Path, now: Timestamp) -> Result<()> {
        let disk = self.disk.clone();
        let mut notices = Vec::new();
        let Some(mut writer) = self.lock()? else { return Ok(()) };
        let view = &writer.store.view;
        let through = view.changes()?.map_or(0, |replay| replay.n);
        let temp = Temp::create(&*disk, path)?;
        let built = from.build(temp, path, view.file(), now, &mut notices)?;
        writer.install(Built { through, ..built })?;
        writer.store.notices.append(&mut notices);
        writer.keep();
        Ok(())
    }

    /// Restores over files that cannot be opened: they are renamed as they are. The journal goes first: the
    /// snapshot is corrupt with or without it, and the new one must not find it there.
    pub(crate) fn restore_corrupt(path: &Path, from: &Self, settings: Settings, now: Timestamp) -> Result<PathBuf> {
        let (store, path, _lock) = Self::to_repair(path, settings)?;
        let disk = &*store.disk;
        let folder = open_folder(disk, &path)?;
        let kept = free_name(disk, &path)?;
        let old = disk.open(&path, OpenAs::Side)?;
        let mut notices = Vec::new();
        let temp = Temp::create(disk, &path)?;
        let Built { temp, .. } = from.build(temp, &path, old.as_deref(), now, &mut notices)?;
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| disk::write_error("rename", path, source)
        };
        let journal = disk::with_suffix(&path, JOURNAL);
        if disk.identity(&journal)?.is_some() {
            disk.rename(&journal, &disk::with_suffix(&kept, JOURNAL), Rename::New).map_err(failed(&journal))?;
            disk::sync_name(&*folder, &path)?;
        }
        if old.is_some() {
            // Given its final name first, so that at every moment one of the two exists.
            disk.rename(&temp.path, &kept, Rename::New).map_err(failed(&kept))?;
            match disk.rename(&kept, &path, Rename::Exchange) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::Unsupported => {
                    disk.rename(&kept, &temp.path, Rename::New).map_err(failed(&kept))?;
                    disk.rename(&path, &kept, Rename::New).map_err(failed(&path))?;
                    disk.rename(&temp.path, &path, Rename::New).map_err(failed(&path))?;
                }
                Err(source) => {
                    // It is a copy of the backup, and not needed.
                    let _ = disk.remove(&kept);
                    return Err(failed(&path)(source));
                }
            }
        } else {
            disk.rename(&temp.path, &path, Rename::New).map_err(failed(&path))?;
        }
        // Locked until the restore is acknowledged.
        let _file = temp.keep();
        disk::sync_name(&*folder, &path)?;
        Ok(kept)
    }
}

/// An unused name next to a database: `kv.before-restore.json`, `kv.before-restore-2.json`, ….
fn free_name(disk: &dyn Disk, path: &Path) -> Result<PathBuf> {
    let is_free = |path: &Path| Ok::<_, Error>(disk.identity(path)?.is_none());
    for number in 1_u64.. {
        let again = if number > 1 { format!("-{number}") } else { String::new() };
        let name = disk::sibling(path, &format!(".before-restore{again}"));
        if is_free(&name)? && is_free(&disk::with_suffix(&name, JOURNAL))? {
            return Ok(name);
        }
    }
    Err(Error::Conflict { path: path.to_owned() })
}
