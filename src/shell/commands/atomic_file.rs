//! Atomic output files: they appear when they are complete, or not at all.

use std::fs::{self, File};
use std::io;
#[cfg(target_os = "linux")]
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;
use tempfile::{NamedTempFile, TempPath};

use crate::storage::mounted;

/// The prefix of unfinished files.
const PREFIX: &str = ".rusty-kv-export-";

/// A file that gets its name when it is complete. If the system supports unnamed files, a killed program leaves
/// nothing; otherwise it leaves at most one file, which the next export to that folder removes.
pub(super) enum AtomicFile {
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "no other system has them"))]
    Nameless(File),
    Named(NamedTempFile),
}

impl AtomicFile {
    pub(super) fn new_in(folder: &Path) -> io::Result<Self> {
        sweep(folder);
        #[cfg(target_os = "linux")]
        if let Ok(file) = rustix::fs::open(
            folder,
            OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        ) {
            let file = File::from(file);
            take(&file);
            return Ok(Self::Nameless(file));
        }
        let file = tempfile::Builder::new().prefix(PREFIX).tempfile_in(folder)?;
        take(file.as_file());
        Ok(Self::Named(file))
    }

    pub(super) fn file(&mut self) -> &mut File {
        match self {
            Self::Nameless(file) => file,
            Self::Named(file) => file.as_file_mut(),
        }
    }

    /// Puts the file in place, replacing any other. An unnamed file cannot replace another, so it gets a name first.
    pub(super) fn put(self, folder: &Path, target: &Path) -> io::Result<()> {
        let put = |named: TempPath| named.persist(target).map_err(|error| mounted(error.error));
        match self {
            #[cfg(target_os = "linux")]
            Self::Nameless(file) => {
                let open = format!("/proc/self/fd/{}", file.as_raw_fd());
                let link = |path: &Path| {
                    let flags = rustix::fs::AtFlags::SYMLINK_FOLLOW;
                    rustix::fs::linkat(rustix::fs::CWD, &open, rustix::fs::CWD, path, flags).map_err(io::Error::from)
                };
                match link(target) {
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                        put(tempfile::Builder::new().prefix(PREFIX).make_in(folder, link)?.into_temp_path())
                    }
                    linked => linked,
                }
            }
            #[cfg(not(target_os = "linux"))]
            Self::Nameless(_) => Err(io::ErrorKind::Unsupported.into()),
            Self::Named(file) => put(file.into_temp_path()),
        }
    }
}

/// Locks the file, to mark it as in use. Where files cannot be locked, nothing is removed later.
fn take(file: &File) {
    let _ = file.try_lock();
}

/// Removes unfinished files of killed exports, which are not locked.
fn sweep(folder: &Path) {
    let is_unfinished = |entry: &fs::DirEntry| {
        entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes())
            && entry.file_type().is_ok_and(|kind| kind.is_file())
    };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten().filter(is_unfinished) {
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let file = File::options().read(true).custom_flags(flags).open(entry.path());
        if file.is_ok_and(|file| file.try_lock().is_ok()) {
            // A leftover file is harmless, so a failure to remove it is ignored.
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn what_a_killed_export_has_left_is_removed_by_the_next_one_and_what_is_in_use_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let [left, used] = ["left", "used"].map(|name| folder.path().join(format!("{PREFIX}{name}")));
        fs::File::create(&left).unwrap();
        let in_use = fs::File::create(&used).unwrap();
        take(&in_use);
        let target = folder.path().join("target");
        for content in ["first", "second"] {
            let mut whole = AtomicFile::new_in(folder.path()).unwrap();
            assert!(!left.exists() && used.exists());
            whole.file().write_all(content.as_bytes()).unwrap();
            whole.put(folder.path(), &target).unwrap();
            assert_eq!(fs::read_to_string(&target).unwrap(), content);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
