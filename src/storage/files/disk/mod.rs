//! The only place that opens, syncs and renames the files of a database.

mod attributes;
mod progress;
mod real;
mod trust;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

pub use self::progress::Progress;
pub(crate) use self::progress::{OnProgress, Reporting, or_stopped};
pub(crate) use self::real::Real;
pub(crate) use self::real::mounted;
pub(crate) use self::trust::check_side;

/// What the engine needs of a file system. [`Real`] is the operating system's.
///
/// Paths are absolute and resolved ([`resolve`]). Nothing is durable until the file is synced and, for a new name, its
/// folder.
pub(crate) trait Disk: fmt::Debug + Send + Sync {
    /// The identity of the file at a path, without following a link; `None` if there is none.
    fn identity(&self, path: &Path) -> Result<Option<Identity>>;
    /// Opens a file; `None` if there is none. Never blocks on a FIFO. Anything but a regular file, including a symbolic
    /// link, is [`Error::Unsuitable`].
    fn open(&self, path: &Path, how: OpenAs) -> Result<Option<Box<dyn DiskFile>>>;
    /// Creates a new file for appending, with mode 0600. Fails with `AlreadyExists` if the name exists, even as a link.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Renames the file at `from` to `to`.
    fn rename(&self, from: &Path, to: &Path, how: Rename) -> io::Result<()>;
    /// Removes a name.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Opens a folder, to sync the names in it.
    fn open_folder(&self, path: &Path) -> io::Result<Box<dyn Folder>>;
    /// Creates a folder and its parents, with mode 0700, durably.
    fn make_folder(&self, path: &Path) -> Result<()>;
    /// Fails with [`Error::ReadOnly`] if the user may not write to the file. Renaming over a file needs no such right,
    /// but a user who removed it meant it.
    fn check_writable(&self, path: &Path) -> Result<()>;
    /// The temporary files that killed writers left next to `path`.
    fn leftovers(&self, path: &Path) -> Vec<PathBuf>;
    /// The name of the current boot; it changes with every power cut or system crash. Empty if unknown.
    fn boot(&self) -> String;
    /// Opens or creates a lock file, with the mode and owner of the database. Does not follow links.
    fn open_lock(&self, path: &Path, database: Option<Identity>) -> Result<Box<dyn LockFile>>;
}

/// How to open a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpenAs {
    /// The snapshot, for reading.
    Snapshot,
    /// A side file, for reading.
    Side,
    /// A side file, for reading and appending.
    SideAppend,
}

/// What a rename does if the new name exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rename {
    /// Replaces the file.
    Replace,
    /// Fails with `AlreadyExists`. Works like `Replace` if the system cannot guarantee that.
    New,
    /// Exchanges the two files. Fails with `Unsupported` if the system cannot do that.
    Exchange,
}

/// An open file. It is only appended to and truncated.
pub(crate) trait DiskFile: fmt::Debug + Send + Sync {
    fn identity(&self) -> io::Result<Identity>;
    /// Another handle of the same file, whatever its name is now. Both share one lock.
    fn again(&self) -> io::Result<Box<dyn DiskFile>>;
    /// Fills the buffer, starting at `at`; returns less than its length only at the end of the file.
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize>;
    /// Appends all of `bytes`, with one write if the system allows it. After an error, any part of it may have been
    /// written.
    fn append(&self, bytes: &[u8]) -> io::Result<()>;
    /// Appends the bytes `from..to` of another file on this disk.
    fn append_from(&self, other: &dyn DiskFile, from: u64, to: u64) -> io::Result<()>;
    /// Truncates the file to `len`, durably only after a sync.
    fn cut(&self, len: u64) -> io::Result<()>;
    /// Makes the content durable (fdatasync).
    fn sync_data(&self) -> io::Result<()>;
    /// Makes content and attributes durable (fsync).
    fn sync_all(&self) -> io::Result<()>;
    /// Copies mode, owner, access control list and extended attributes of the file that this one will replace or
    /// accompany, without ever widening rights. Returns what was not permitted, in words, e.g. `its owner`.
    fn inherit(&self, from: &dyn DiskFile) -> io::Result<Vec<&'static str>>;
    /// Takes an exclusive lock on the file itself if it is free.
    fn try_lock(&self) -> io::Result<bool>;
    fn unlock(&self) -> io::Result<()>;
    /// The operating system's file, if it is one.
    fn real(&self) -> Option<&File>;
}

/// An open folder.
pub(crate) trait Folder: fmt::Debug + Send + Sync {
    /// Makes the names in the folder durable.
    fn sync(&self) -> io::Result<()>;
}

/// The open lock file. Its content is a note.
pub(crate) trait LockFile: DiskFile {
    /// Replaces the note. Never synced: it holds nothing that must survive a system crash.
    fn set_note(&self, note: &str) -> io::Result<()>;
}

/// Distinguishes the states of a file without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    /// Length in bytes.
    pub(crate) len: u64,
    pub(crate) modified: (i64, i64),
    pub(crate) changed: (i64, i64),
    /// How many names the file has.
    pub(crate) links: u64,
    pub(crate) mode: u32,
    pub(crate) owner: (u32, u32),
}

impl Identity {
    /// Whether both are states of the same file.
    pub(crate) fn is_same_file(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }

    /// Whether both have the same content; a rename in between makes no difference.
    pub(crate) fn is_same_content(&self, other: &Self) -> bool {
        self.is_same_file(other) && (self.len, self.modified) == (other.len, other.modified)
    }

    /// Whether the same users have the same rights on both.
    pub(crate) fn has_same_rights(&self, other: &Self) -> bool {
        (self.mode, self.owner) == (other.mode, other.owner)
    }

    fn of(meta: &fs::Metadata) -> Self {
        Self {
            device: meta.dev(),
            inode: meta.ino(),
            len: meta.len(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
            links: meta.nlink(),
            mode: meta.mode() & 0o7777,
            owner: (meta.uid(), meta.gid()),
        }
    }
}

/// The longest suffix added to a database's name, in bytes.
const LONGEST_SUFFIX: usize = ".tmp-0123456789abcdef".len();

/// The absolute path of a database, with its symbolic link resolved. Neither the file nor its folder needs to exist.
pub(crate) fn resolve(path: &Path) -> Result<PathBuf> {
    let unsuitable = |reason: &str| Error::Unsuitable { path: path.to_owned(), reason: reason.to_owned() };
    let name = path.file_name().ok_or_else(|| unsuitable("this is not a file name"))?;
    if path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Err(unsuitable("this names a folder"));
    }
    if name.len() + LONGEST_SUFFIX > 255 {
        return Err(unsuitable("the name is too long for the side files; the limit is 234 bytes"));
    }
    match fs::canonicalize(path) {
        Ok(real) => {
            check_left_over(path, &real)?;
            return Ok(real);
        }
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            return Err(Error::Open { path: path.to_owned(), source });
        }
        Err(_) => {}
    }
    if let Ok(there) = fs::symlink_metadata(path) {
        if !there.is_symlink() {
            // Another process has just created it.
            return resolve(path);
        }
        // The name of a descriptor leads to something without a path, such as a pipe.
        let reason = match fs::metadata(path) {
            Ok(meta) if meta.file_type().is_fifo() => {
                "a pipe, not a regular file; `diff`, `check`, `restore` and `import` can read it"
            }
            Ok(meta) if meta.is_file() => "a descriptor of a file that has no path",
            Ok(meta) => return Err(irregular(path, &meta).unwrap_or_else(|| unsuitable("not a regular file"))),
            Err(_) => "a symbolic link to nothing; create its target or remove the link",
        };
        return Err(unsuitable(reason));
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    match fs::canonicalize(folder) {
        Ok(folder) => Ok(folder.join(name)),
        Err(_) => std::path::absolute(path).map_err(|source| Error::Open { path: path.to_owned(), source }),
    }
}

/// Wraps a file that is already open, for reading, or for writing if it was opened for appending.
pub(crate) fn opened(file: File) -> Box<dyn DiskFile> {
    Box::new(real::RealFile::from(file))
}

/// Reports the progress of reading the file if there is a callback.
pub(crate) fn reporting(file: Box<dyn DiskFile>, on_progress: Option<OnProgress>) -> Box<dyn DiskFile> {
    match on_progress {
        Some(on_progress) => Box::new(Reporting::new(file, on_progress, 0)),
        None => file,
    }
}

/// The identity of an open file; `path` names it in messages.
pub(crate) fn seen(file: &dyn DiskFile, path: &Path) -> Result<Identity> {
    file.identity().map_err(|source| Error::Open { path: path.to_owned(), source })
}

/// Makes a new, changed or removed name in a folder durable. After an error, it may or may not be.
pub(crate) fn sync_name(folder: &dyn Folder, path: &Path) -> Result<()> {
    folder.sync().map_err(|source| Error::OutcomeUnknown { path: path.to_owned(), source })
}

/// The bytes between two offsets of a file.
pub(crate) fn read_range(file: &dyn DiskFile, from: u64, to: u64) -> io::Result<Vec<u8>> {
    let length = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).map_err(|_| io::ErrorKind::OutOfMemory)?;
    bytes.resize(length, 0);
    let read = file.read_at(&mut bytes, from)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// Fails if there is a journal with changes next to a symbolic link: its database was moved without it.
fn check_left_over(path: &Path, real: &Path) -> Result<()> {
    let journal = with_suffix(path, JOURNAL);
    let is_link = path != real && fs::symlink_metadata(path).is_ok_and(|there| there.is_symlink());
    if !is_link || journal == with_suffix(real, JOURNAL) {
        return Ok(());
    }
    // A header alone holds no changes.
    let holds_changes = fs::symlink_metadata(&journal).is_ok_and(|there| there.is_file())
        && fs::read(&journal).is_ok_and(|bytes| memchr::memchr(b'\n', &bytes).is_some_and(|end| end + 1 < bytes.len()));
    if !holds_changes {
        return Ok(());
    }
    let reason = format!(
        "it is a symbolic link to {real:?}, and {journal:?} next to the link holds changes that are not in that file; move the journal next to the file if they belong together, or remove it"
    );
    Err(Error::Unsuitable { path: path.to_owned(), reason })
}

fn not_regular(path: &Path) -> Option<Error> {
    fs::metadata(path).ok().and_then(|meta| irregular(path, &meta))
}

fn irregular(path: &Path, meta: &fs::Metadata) -> Option<Error> {
    let kind = meta.file_type();
    let reason = if kind.is_file() {
        return None;
    } else if kind.is_dir() {
        "Is a directory"
    } else if kind.is_fifo() {
        "a FIFO, not a regular file"
    } else if kind.is_socket() {
        "a socket, not a regular file"
    } else {
        "a device, not a regular file"
    };
    Some(Error::Unsuitable { path: path.to_owned(), reason: reason.to_owned() })
}

/// The suffix of the journal's name.
pub(crate) const JOURNAL: &str = ".journal";

/// The path with `suffix` appended to its name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The name of another database in the same folder: `kv.repaired.json` for `kv.json` and `.repaired`.
pub(crate) fn sibling(path: &Path, infix: &str) -> PathBuf {
    let mut name = path.file_stem().map(OsString::from).unwrap_or_default();
    name.push(infix);
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// Whether `name` is that of a temporary file of `database`.
pub(crate) fn is_temporary(name: &OsStr, database: &OsStr) -> bool {
    let (name, database) = (name.as_encoded_bytes(), database.as_encoded_bytes());
    let random = name.strip_prefix(database).and_then(|rest| rest.strip_prefix(b".tmp-"));
    random.is_some_and(|random| random.len() == 16 && random.iter().all(u8::is_ascii_hexdigit))
}

/// Whether an error says that the disk is full: no data was lost on its way to the disk.
pub(crate) fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// The error of a failed write; if it was not permitted, the database is read-only.
pub(crate) fn write_error(operation: &'static str, path: PathBuf, source: io::Error) -> Error {
    use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    match source.kind() {
        PermissionDenied | ReadOnlyFilesystem => Error::ReadOnly { path, reason: crate::error::reason(&source) },
        _ => Error::Io { operation, path, source },
    }
}

/// 64 random bits, for unpredictable names and epochs.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
