//! Restoring: the content of another database takes the place of this one's, which is kept beside.

use std::path::{Path, PathBuf};

use super::save::Built;
use super::temporary::{Temp, open_folder};
use crate::error::{Error, Result};
use crate::expiry::Timestamp;
use crate::storage::files::disk::{self, Disk, JOURNAL, OpenAs, Rename};
use crate::storage::{Settings, Storage};

impl Storage {
    /// Puts what another store holds in this one's place, and what was there into a new file, whose path is returned. The
    /// lock is held from the first to the last, so that what others write is in one of the two.
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
            && !matches!(error, Error::OutcomeUnknown { .. } | Error::InDoubt { .. })
        {
            // A copy of what is still in its place.
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

    /// The same for files that cannot be opened: they get other names as they are. The journal goes first: what was corrupt
    /// with it is corrupt without it, and what is put in place must not find it there.
    pub(crate) fn restore_damaged(path: &Path, from: &Self, settings: Settings, now: Timestamp) -> Result<PathBuf> {
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
            // Under its last name from the start, so that no moment is without either of them.
            disk.rename(&temp.path, &kept, Rename::New).map_err(failed(&kept))?;
            match disk.rename(&kept, &path, Rename::Exchange) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::Unsupported => {
                    disk.rename(&kept, &temp.path, Rename::New).map_err(failed(&kept))?;
                    disk.rename(&path, &kept, Rename::New).map_err(failed(&path))?;
                    disk.rename(&temp.path, &path, Rename::New).map_err(failed(&path))?;
                }
                Err(source) => {
                    // A copy of the backup, which is of no use there.
                    let _ = disk.remove(&kept);
                    return Err(failed(&path)(source));
                }
            }
        } else {
            disk.rename(&temp.path, &path, Rename::New).map_err(failed(&path))?;
        }
        // Locked until it is acknowledged.
        let _file = temp.keep();
        disk::sync_name(&*folder, &path)?;
        Ok(kept)
    }
}

/// A name beside a database that nothing has: `kv.before-restore.json`, `kv.before-restore-2.json`, ….
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
