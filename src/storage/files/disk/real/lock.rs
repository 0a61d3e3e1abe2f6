//! The lock file on the operating system's file system.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

use super::super::{Identity, attributes, irregular, not_regular, write_error};
use super::file::bits;
use crate::error::{Error, Result};

/// Opens or creates a lock file.
pub(super) fn open(path: &Path, database: Option<Identity>) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600).custom_flags(bits(OFlags::NOFOLLOW | OFlags::NONBLOCK));
    // Every user who may write to the database must be able to lock it, whatever umask its creator had. So must the
    // owner, in case the database becomes writable later.
    let wanted = database.map(|database| Identity { mode: database.mode | 0o600, ..database });
    let open = || loop {
        match options.open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => break opened,
        }
        match options.clone().create_new(true).open(path) {
            Ok(file) => {
                let inherited = wanted.map(|wanted| attributes::copy_owner_and_mode(&file, wanted));
                break inherited.unwrap_or(Ok(())).map(|()| file);
            }
            // Another process has just created it.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => break Err(error),
        }
    };
    let file = open().map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => Error::Open { path: path.parent().unwrap_or(path).to_owned(), source },
        _ => not_regular(path).unwrap_or_else(|| write_error("open", path.to_owned(), source)),
    })?;
    let meta = file.metadata().map_err(|source| Error::Open { path: path.to_owned(), source })?;
    if let Some(error) = irregular(path, &meta) {
        return Err(error);
    }
    if meta.nlink() > 1 {
        // The note would be written into a file that also has another name.
        let reason = "the lock file has other hard links; remove it while no program uses the database".to_owned();
        return Err(Error::Unsuitable { path: path.to_owned(), reason });
    }
    if let Some(wanted) = wanted {
        follow(&file, &meta, wanted);
    }
    Ok(file)
}

/// Gives an existing lock file the current mode and owner of the database, if it is ours to change. If that fails, it
/// is as good as before.
fn follow(file: &File, meta: &fs::Metadata, wanted: Identity) {
    let (there, own) = (Identity::of(meta), rustix::process::geteuid());
    if !there.has_same_rights(&wanted) && (own.is_root() || own.as_raw() == meta.uid()) {
        let _ = attributes::copy_owner_and_mode(file, wanted);
        if there.mode & !wanted.mode & 0o022 != 0 {
            // Users who may not write to the database may have written the note. Without it, the next holder only does
            // more work than needed.
            let _ = file.set_len(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{Disk, LockFile, Real};

    fn note(file: &dyn LockFile) -> String {
        let mut note = [0; 1024];
        let read = file.read_at(&mut note, 0).unwrap();
        String::from_utf8_lossy(&note[..read]).into_owned()
    }

    #[test]
    fn a_lock_has_one_holder_and_everyone_reads_its_note() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kv.json.lock");
        let (one, other) = (Real.open_lock(&path, None).unwrap(), Real.open_lock(&path, None).unwrap());
        assert!(one.try_lock().unwrap() && !other.try_lock().unwrap());
        one.set_note(&"long".repeat(1000)).unwrap();
        assert_eq!(note(&*other), "long".repeat(256));
        one.set_note("short").unwrap();
        assert_eq!(note(&*other), "short");
        drop(one);
        assert!(other.try_lock().unwrap());
        let is_in_place =
            || Real.identity(&path).unwrap().is_some_and(|it| it.is_same_file(&other.identity().unwrap()));
        assert!(is_in_place());
        Real.remove(&path).unwrap();
        assert!(!is_in_place());
        Real.open_lock(&path, None).unwrap();
        assert!(!is_in_place());
    }
}
