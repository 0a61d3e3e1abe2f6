//! The operating system's files.

mod file;

mod lock;

use std::borrow::Cow;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::{Access, CWD, OFlags, RenameFlags, renameat_with};
use rustix::io::Errno;

pub(super) use self::file::RealFile;
use self::file::bits;
use super::{Disk, DiskFile, Folder, Identity, LockFile, OpenAs, Rename, irregular, not_regular, write_error};
use crate::error::{Error, Result};

/// The operating system's file system.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Real;

impl Disk for Real {
    fn identity(&self, path: &Path) -> Result<Option<Identity>> {
        match fs::symlink_metadata(path) {
            Ok(meta) => Ok(Some(Identity::of(&meta))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::Open { path: path.to_owned(), source }),
        }
    }

    fn open(&self, path: &Path, how: OpenAs) -> Result<Option<Box<dyn DiskFile>>> {
        // Opening must not block on a FIFO or acquire a controlling terminal.
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW;
        let mut options = OpenOptions::new();
        options.read(true).append(how == OpenAs::SideAppend).custom_flags(bits(flags));
        let file = match options.open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(open_error(path, how, source)),
        };
        let meta = file.metadata().map_err(|source| Error::Open { path: path.to_owned(), source })?;
        match irregular(path, &meta) {
            Some(error) => Err(error),
            None => Ok(Some(Box::new(RealFile::from(file)))),
        }
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        // O_EXCL does not follow links, and ensures that the file is ours.
        let mut options = OpenOptions::new();
        options.read(true).append(true).create_new(true).mode(0o600).custom_flags(bits(OFlags::NOFOLLOW));
        Ok(Box::new(RealFile::from(options.open(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path, how: Rename) -> io::Result<()> {
        let with = |flags| renameat_with(CWD, from, CWD, to, flags).map_err(|errno| mounted(errno.into()));
        let is_unknown = |error: &io::Error| {
            matches!(Errno::from_io_error(error), Some(Errno::NOSYS | Errno::INVAL | Errno::NOTSUP))
        };
        match how {
            Rename::Replace => {}
            Rename::New => match with(RenameFlags::NOREPLACE) {
                Err(error) if is_unknown(&error) => {}
                done => return done,
            },
            Rename::Exchange => {
                return match with(RenameFlags::EXCHANGE) {
                    Err(error) if is_unknown(&error) => Err(io::ErrorKind::Unsupported.into()),
                    done => done,
                };
            }
        }
        #[expect(clippy::disallowed_methods, reason = "the only place that renames files")]
        fs::rename(from, to).map_err(mounted)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path).map_err(mounted)
    }

    fn open_folder(&self, path: &Path) -> io::Result<Box<dyn Folder>> {
        let folder = OpenOptions::new().read(true).custom_flags(bits(OFlags::DIRECTORY)).open(path)?;
        Ok(Box::new(RealFolder { folder }))
    }

    fn make_folder(&self, path: &Path) -> Result<()> {
        let failed = |source| write_error("create the folder", path.to_owned(), source);
        let missing: Vec<&Path> = path.ancestors().take_while(|folder| !folder.exists()).collect();
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        // A name is durable only if its folder is.
        for folder in missing {
            let above = folder.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
            self.open_folder(above).and_then(|above| above.sync()).map_err(failed)?;
        }
        Ok(())
    }

    fn check_writable(&self, path: &Path) -> Result<()> {
        match rustix::fs::access(path, Access::WRITE_OK) {
            // It is gone; the next access reports that.
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(write_error("write", path.to_owned(), errno.into())),
        }
    }

    fn leftovers(&self, path: &Path) -> Vec<PathBuf> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Vec::new() };
        let is_relevant = |entry: &fs::DirEntry| {
            // For a symbolic link, this is the metadata of the link.
            super::is_temporary(&entry.file_name(), name) && entry.metadata().is_ok_and(|meta| meta.is_file())
        };
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.filter(is_relevant).map(|entry| entry.path()).collect()
    }

    fn open_lock(&self, path: &Path, database: Option<Identity>) -> Result<Box<dyn LockFile>> {
        Ok(Box::new(RealFile::from(lock::open(path, database)?)))
    }

    fn boot(&self) -> String {
        static BOOT: OnceLock<String> = OnceLock::new();
        BOOT.get_or_init(boot).clone()
    }
}

/// The error of a rename that failed, with the way out.
pub(crate) fn mounted(error: io::Error) -> io::Error {
    if error.kind() != io::ErrorKind::ResourceBusy {
        return error;
    }
    let reason = "the file itself is a mount point, so it cannot be replaced or removed; mount its folder instead";
    io::Error::new(error.kind(), reason)
}

fn open_error(path: &Path, how: OpenAs, source: io::Error) -> Error {
    if fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink()) {
        // The database's own link has been resolved already.
        let reason = match how {
            OpenAs::Snapshot => "it was replaced by a symbolic link while it was in use; open the database again",
            OpenAs::Side | OpenAs::SideAppend => "a symbolic link, not a regular file",
        };
        return Error::Unsuitable { path: path.to_owned(), reason: reason.to_owned() };
    }
    not_regular(path).unwrap_or_else(|| match how {
        OpenAs::Snapshot | OpenAs::Side => Error::Open { path: path.to_owned(), source },
        OpenAs::SideAppend => write_error("open", path.to_owned(), source),
    })
}

#[derive(Debug)]
struct RealFolder {
    folder: File,
}

impl Folder for RealFolder {
    fn sync(&self) -> io::Result<()> {
        self.folder.sync_all()
    }
}

/// The kernel's name for this boot.
#[cfg(target_os = "linux")]
fn boot() -> String {
    const LENGTH: usize = 36;
    let mut id = [0; LENGTH];
    let read = File::open("/proc/sys/kernel/random/boot_id").and_then(|mut file| file.read_exact(&mut id));
    let id = read.map_or(Cow::default(), |()| String::from_utf8_lossy(&id));
    id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect()
}

/// The time of this boot, on systems without boot names.
#[cfg(not(target_os = "linux"))]
fn boot() -> String {
    let up = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic).tv_sec;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.ok().and_then(|now| i64::try_from(now.as_secs()).ok()).map_or_else(String::new, |now| format!("@{}", now - up))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn each_kind_of_rename_creates_exchanges_or_replaces() {
        let folder = folder();
        let [a, b, c] = ["a", "b", "c"].map(|name| folder.path().join(name));
        for path in [&a, &b] {
            Real.create(path).unwrap().append(path.file_name().unwrap().as_encoded_bytes()).unwrap();
        }
        assert_eq!(Real.create(&a).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(Real.rename(&a, &b, Rename::New).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        Real.rename(&a, &b, Rename::Exchange).unwrap();
        assert_eq!((fs::read(&a).unwrap(), fs::read(&b).unwrap()), (b"b".to_vec(), b"a".to_vec()));
        assert_eq!(Real.rename(&a, &c, Rename::Exchange).unwrap_err().kind(), io::ErrorKind::NotFound);
        Real.rename(&a, &c, Rename::New).unwrap();
        Real.rename(&c, &b, Rename::Replace).unwrap();
        assert_eq!(fs::read(&b).unwrap(), b"b");
        Real.open_folder(folder.path()).unwrap().sync().unwrap();
        Real.remove(&b).unwrap();
        assert!(Real.identity(&b).unwrap().is_none());
        assert!(Real.open(&b, OpenAs::SideAppend).unwrap().is_none());
    }

    #[test]
    fn a_side_file_is_not_a_link_and_opening_never_blocks() {
        let folder = folder();
        let [file, link, fifo] = ["file", "link", "fifo"].map(|name| folder.path().join(name));
        Real.create(&file).unwrap();
        symlink(&file, &link).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        assert_eq!(Real.create(&link).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        let error = Real.open(&link, OpenAs::Snapshot).unwrap_err().to_string();
        assert!(error.contains("replaced by a symbolic link"), "{error}");
        for (path, reason) in [
            (&*link, "a symbolic link, not a regular file"),
            (&*fifo, "a FIFO, not a regular file"),
            (folder.path(), "Is a directory"),
            (Path::new("/dev/null"), "a device, not a regular file"),
        ] {
            for how in [OpenAs::Snapshot, OpenAs::Side, OpenAs::SideAppend] {
                if (path, how) != (&*link, OpenAs::Snapshot) {
                    let error = Real.open(path, how).unwrap_err().to_string();
                    assert_eq!(error, format!("cannot open {path:?}: {reason}"), "{how:?}");
                }
            }
        }
    }

    #[test]
    fn leftovers_are_regular_files_with_such_a_name() {
        let folder = folder();
        let path = folder.path().join("kv.json");
        let left = folder.path().join("kv.json.tmp-0123456789abcdef");
        for name in ["kv.json", "kv.json.lock", "kv.json.tmp-0123456789abcde", "kv.json.journal.tmp-0123456789abcdef"] {
            Real.create(&folder.path().join(name)).unwrap();
        }
        Real.create(&left).unwrap();
        symlink(&left, folder.path().join("kv.json.tmp-0123456789abcde0")).unwrap();
        Real.make_folder(&folder.path().join("kv.json.tmp-0123456789abcde1")).unwrap();
        assert_eq!(Real.leftovers(&path), [left]);
    }
}
