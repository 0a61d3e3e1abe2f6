//! Temporary files next to a database: creating them, giving them their names, and removing those that killed writers
//! left.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use crate::error::{self, Error, Result};
use crate::storage::Storage;
use crate::storage::files::disk::{self, Disk, DiskFile, Folder, Identity, OpenAs, Rename};
use crate::storage::files::lock::WritersLock;

/// A file next to the one it will replace; removed on drop unless it was put in place.
pub(crate) struct Temp<'a> {
    disk: &'a dyn Disk,
    pub(crate) path: PathBuf,
    file: Option<Box<dyn DiskFile>>,
    /// Whether the path may now lead to another program's file.
    pub(super) may_be_foreign: Cell<bool>,
}

impl<'a> Temp<'a> {
    pub(crate) fn create(disk: &'a dyn Disk, target: &Path) -> Result<Self> {
        Self::create_as(disk, target, disk::random())
    }

    /// Creates one with this number in its name, or with another number if that one is taken.
    pub(super) fn create_as(disk: &'a dyn Disk, target: &Path, mut number: u64) -> Result<Self> {
        loop {
            let path = temporary(target, number);
            number = disk::random();
            match disk.create(&path) {
                Ok(file) => {
                    let temp = Self { disk, path, file: Some(file), may_be_foreign: Cell::new(false) };
                    if temp.is_taken() {
                        return Ok(temp);
                    }
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(source) => {
                    let folder = target.parent().unwrap_or(target).to_owned();
                    return Err(match source.kind() {
                        std::io::ErrorKind::NotFound => Error::Open { path: folder, source },
                        _ => disk::write_error("create a file in", folder, source),
                    });
                }
            }
        }
    }

    /// Locks the file, so that a save of another process does not mistake it for a leftover; false if that process was
    /// faster.
    fn is_taken(&self) -> bool {
        // Without file locks, no files are removed. If the file cannot be examined, the first write reports why.
        self.file().try_lock().unwrap_or(true) && self.is_at(&self.path).unwrap_or(true)
    }

    /// Whether a path names this file; `None` if unknown.
    pub(super) fn is_at(&self, path: &Path) -> Option<bool> {
        match (self.disk.identity(path), self.file().identity()) {
            (Ok(there), Ok(made)) => Some(there.is_some_and(|there| there.is_same_file(&made))),
            _ => None,
        }
    }

    pub(crate) fn file(&self) -> &(dyn DiskFile + 'static) {
        self.file.as_deref().expect("a temporary file is open until it is put in place")
    }

    /// Reopens the same file without its lock, to keep it open for longer than the lock.
    pub(super) fn reopened(&self, target: &Path) -> Result<Box<dyn DiskFile>> {
        let conflict = || Error::Conflict { path: target.to_owned() };
        let file = self.disk.open(&self.path, OpenAs::Side)?.ok_or_else(conflict)?;
        if self.is_at(&self.path) == Some(false) { Err(conflict()) } else { Ok(file) }
    }

    /// Keeps the file, which now has its final name. It stays locked.
    pub(crate) fn keep(mut self) -> Box<dyn DiskFile> {
        self.file.take().expect("a temporary file is open until it is put in place")
    }
}

impl Drop for Temp<'_> {
    fn drop(&mut self) {
        if self.file.is_some() && !self.may_be_foreign.get() {
            // Report the original error; a leftover temporary file is harmless.
            let _ = self.disk.remove(&self.path);
        }
    }
}

impl Storage {
    /// A temporary file for a save. If it is created without the lock, its name is derived from the journal, so any
    /// process that sees the journal can check whether a save is running or was killed.
    pub(super) fn marked<'d>(&self, disk: &'d dyn Disk, path: &Path) -> Result<Temp<'d>> {
        if self.held.is_some() {
            return Temp::create(disk, path);
        }
        self.sweep_next_to(disk, path);
        Temp::create_as(disk, path, self.pinned().1.unwrap_or_else(disk::random))
    }

    /// Removes what killed writers left next to a path, unless another writer may be active there: a file that an
    /// editor saved during a save has a temporary name for a moment, and no lock.
    pub(super) fn sweep_next_to(&self, disk: &dyn Disk, path: &Path) {
        let is_own = self.path.as_deref() == Some(path);
        let is_locked = is_own && self.held.is_some();
        if is_locked || disk.identity(path).is_ok_and(|there| there.is_none()) {
            sweep(disk, path);
        } else if is_own && !self.settings.read_only && !disk.leftovers(path).is_empty() {
            let lock = WritersLock::try_acquire(disk, path, self.view.seen);
            if lock.is_some() {
                sweep(disk, path);
            }
        }
    }

    /// The name, derived from the journal, of the temporary file of a save without the lock.
    fn save_mark(&self) -> Option<PathBuf> {
        let (path, epoch) = (self.path.as_ref()?, self.pinned().1?);
        (!self.is_short()).then(|| temporary(path, epoch))
    }

    /// Whether a save without the lock is running, or was killed.
    pub(crate) fn is_save_marked(&self) -> bool {
        self.save_mark().is_some_and(|mark| self.disk.identity(&mark).is_ok_and(|there| there.is_some()))
    }

    /// Whether a save without the lock is running.
    pub(crate) fn is_being_saved(&self) -> bool {
        let Some(mark) = self.save_mark() else { return false };
        let Ok(Some(file)) = self.disk.open(&mark, OpenAs::Side) else { return false };
        // An untrusted file must not keep others from saving.
        let counts = |there: Identity| disk::check_side(&*self.disk, &mark, &there, self.view.seen.as_ref()).is_ok();
        file.identity().is_ok_and(counts) && !file.try_lock().unwrap_or(true)
    }
}

/// The path of a temporary file.
pub(super) fn temporary(target: &Path, number: u64) -> PathBuf {
    disk::with_suffix(target, &format!(".tmp-{number:016x}"))
}

/// Removes the temporary files next to a database that no process holds a lock on. No other writer may be active.
pub(crate) fn sweep(disk: &dyn Disk, path: &Path) {
    for left in disk.leftovers(path) {
        let file = disk.open(&left, OpenAs::Side);
        if let Ok(Some(file)) = file
            && file.try_lock().unwrap_or(false)
        {
            // They are harmless, so a failure to remove one is ignored.
            let _ = disk.remove(&left);
        }
    }
}

/// Opens the folder of a database, to sync the names in it.
pub(crate) fn open_folder(disk: &dyn Disk, path: &Path) -> Result<Box<dyn Folder>> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    disk.open_folder(folder).map_err(|source| Error::Open { path: folder.to_owned(), source })
}

/// The only rename of a snapshot. Editors take no lock, and a file that one of them saved since the snapshot was read
/// must not be overwritten. So the two files are exchanged where the system supports it, and the displaced one is
/// checked. After an error, the new file is not in place, or the error is [`Error::OutcomeUnknown`].
pub(crate) fn put_in_place(
    disk: &dyn Disk,
    temp: &Temp<'_>,
    path: &Path,
    old: Option<Identity>,
    folder: &dyn Folder,
) -> Result<()> {
    if disk.identity(path)? != old {
        return Err(Error::Conflict { path: path.to_owned() });
    }
    let Some(old) = old else { return rename(disk, temp, path, Rename::New) };
    match rename(disk, temp, path, Rename::Exchange) {
        Ok(()) => {}
        Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::Unsupported => {
            return rename(disk, temp, path, Rename::Replace);
        }
        Err(error) => return Err(error),
    }
    let displaced = disk.identity(&temp.path);
    if !matches!(&displaced, Ok(Some(displaced)) if displaced.is_same_content(&old)) {
        // A crash must not leave only the first of two exchanges.
        let back = disk.rename(&temp.path, path, Rename::Exchange);
        let back = back.map_err(|source| keep_displaced(disk, temp, path, source)).and_then(|()| folder.sync());
        back.map_err(|source| Error::OutcomeUnknown { path: path.to_owned(), source })?;
        displaced?;
        return Err(Error::Conflict { path: path.to_owned() });
    }
    // A leftover is harmless; the next save removes it.
    let _ = disk.remove(&temp.path);
    Ok(())
}

/// Keeps a file of another program that could not be put back, under a name that is never removed.
fn keep_displaced(disk: &dyn Disk, temp: &Temp<'_>, path: &Path, source: std::io::Error) -> std::io::Error {
    if temp.is_at(&temp.path) == Some(true) {
        return source;
    }
    temp.may_be_foreign.set(true);
    let kept = disk::with_suffix(path, &format!(".old-{:016x}", disk::random()));
    let kept = if disk.rename(&temp.path, &kept, Rename::New).is_ok() { &kept } else { &temp.path };
    let reason = error::reason(&source);
    std::io::Error::other(format!("{reason}; what another program wrote there in the meantime is in {kept:?}"))
}

/// Gives a finished file its name. Some file systems report an error although the operation succeeded, so the names are
/// checked after an error. After an error, the file does not have the name, or the error is [`Error::OutcomeUnknown`].
pub(super) fn rename(disk: &dyn Disk, temp: &Temp<'_>, to: &Path, how: Rename) -> Result<()> {
    use std::io::ErrorKind::{AlreadyExists, Unsupported};
    let Err(source) = disk.rename(&temp.path, to, how) else { return Ok(()) };
    match source.kind() {
        AlreadyExists => return Err(Error::Conflict { path: to.to_owned() }),
        Unsupported => {}
        _ => match temp.is_at(to) {
            Some(true) => return Ok(()),
            Some(false) => {}
            None => return Err(Error::OutcomeUnknown { path: to.to_owned(), source }),
        },
    }
    Err(disk::write_error("replace", to.to_owned(), source))
}
