//! The only place that opens, syncs and renames what belongs to a database.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, OFlags};

use crate::error::{Error, Result};

/// What tells one state of a file from another without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
    /// Length in bytes.
    pub(crate) len: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    /// How many names the file has.
    pub(crate) links: u64,
    mode: u32,
    owner: (u32, u32),
}

impl Identity {
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

/// The longest name that is put behind a database's own name, in bytes.
const LONGEST_SUFFIX: usize = ".tmp-0123456789abcdef".len();

/// The absolute path of a database, its symbolic link followed. The file need not be there, nor its folder.
pub(crate) fn resolve(path: &Path) -> Result<PathBuf> {
    let unsuitable = |reason: &str| Error::Unsuitable { path: path.to_owned(), reason: reason.to_owned() };
    let name = path.file_name().ok_or_else(|| unsuitable("this is not the name of a file"))?;
    if path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Err(unsuitable("this is the name of a folder"));
    }
    if name.len() + LONGEST_SUFFIX > 255 {
        return Err(unsuitable("the name is too long for the files beside it; the limit is 234 bytes"));
    }
    match fs::canonicalize(path) {
        Ok(real) => return Ok(real),
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            return Err(Error::Open { path: path.to_owned(), source });
        }
        Err(_) => {}
    }
    if fs::symlink_metadata(path).is_ok() {
        return Err(unsuitable("a symbolic link to nothing; create its target or remove the link"));
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

/// The identity of the file at a path; `None` if there is none.
pub(crate) fn identity(path: &Path) -> Result<Option<Identity>> {
    match fs::metadata(path) {
        Ok(meta) => Ok(Some(Identity::of(&meta))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Open { path: path.to_owned(), source }),
    }
}

/// Reads a whole file; `None` if there is none. Never waits on a FIFO and never reads a device.
pub(crate) fn read(path: &Path) -> Result<Option<(Vec<u8>, Identity)>> {
    let open_error = |source| Error::Open { path: path.to_owned(), source };
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let mut file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(not_regular(path).unwrap_or_else(|| open_error(source))),
    };
    let meta = file.metadata().map_err(open_error)?;
    if let Some(error) = irregular(path, &meta) {
        return Err(error);
    }
    let mut bytes = Vec::new();
    bytes
        .try_reserve_exact(usize::try_from(meta.len()).unwrap_or(usize::MAX))
        .map_err(|_| open_error(io::ErrorKind::OutOfMemory.into()))?;
    file.read_to_end(&mut bytes).map_err(open_error)?;
    Ok(Some((bytes, Identity::of(&meta))))
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

/// Replaces (or creates) a file so that every reader sees the old or the new whole, and the new one is durable on
/// return. If what is there just before the rename is not `old`, nothing happens.
///
/// The new file has the mode and, where permitted, the owner of the old one, or mode 0600.
pub(crate) fn replace(
    path: &Path,
    old: Option<Identity>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<Identity> {
    let failed = |operation, path: &Path| {
        let path = path.to_owned();
        move |source: io::Error| write_error(operation, path, source)
    };
    // Opened before anything is done, so that the last sync cannot fail for want of a descriptor.
    let folder = path.parent().unwrap_or(Path::new("/"));
    let folder = File::open(folder).map_err(|source| Error::Open { path: folder.to_owned(), source })?;
    let mut temp = Temp::create(path)?;
    let mut out = BufWriter::with_capacity(256 << 10, &temp.file);
    write(&mut out).and_then(|()| out.flush()).map_err(failed("write", path))?;
    drop(out);
    if let Some(old) = old {
        inherit(&temp.file, old).map_err(failed("set the mode of", path))?;
    }
    temp.file.sync_all().map_err(failed("sync", path))?;
    // An editor takes no lock: whatever it has put there since the file was read must not be overwritten.
    if identity(path)? != old {
        return Err(Error::Conflict { path: path.to_owned() });
    }
    put_in_place(&temp.path, path, old.is_none()).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => Error::Conflict { path: path.to_owned() },
        _ => failed("replace", path)(source),
    })?;
    temp.keep = true;
    // From here on the change is made: whatever fails now, it must not be called "not stored".
    let settled = folder.sync_all().and_then(|()| temp.file.metadata());
    settled.map(|meta| Identity::of(&meta)).map_err(|source| Error::OutcomeUnknown { path: path.to_owned(), source })
}

/// The one rename of a snapshot: synced before, its folder synced after. A new file is not to replace one that somebody
/// has put there in the last moment; some file systems cannot promise that.
fn put_in_place(from: &Path, to: &Path, new: bool) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    if new {
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            Err(Errno::NOSYS | Errno::INVAL | Errno::NOTSUP) => {}
            done => return Ok(done?),
        }
    }
    #[expect(clippy::disallowed_methods, reason = "its one home")]
    fs::rename(from, to)
}

/// A new file beside the one that it will replace; removed again unless it is kept.
struct Temp {
    path: PathBuf,
    file: File,
    keep: bool,
}

impl Temp {
    fn create(target: &Path) -> Result<Self> {
        loop {
            let random = RandomState::new().build_hasher().finish();
            let path = beside(target, &format!(".tmp-{random:016x}"));
            // O_EXCL follows no link, and nobody can have put a file there before.
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
                Ok(file) => return Ok(Self { path, file, keep: false }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let folder = target.parent().unwrap_or(target).to_owned();
                    return Err(Error::Open { path: folder, source: error });
                }
                Err(error) => {
                    let folder = target.parent().unwrap_or(target).to_owned();
                    return Err(write_error("create a file in", folder, error));
                }
            }
        }
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        if !self.keep {
            // The error that led here is the one to report; a left-over temporary file harms nobody.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Takes over owner and mode. Where the owner cannot be kept, the group's rights are not given to another group.
fn inherit(file: &File, old: Identity) -> io::Result<()> {
    let meta = file.metadata()?;
    let mut mode = old.mode & 0o777;
    if (meta.uid(), meta.gid()) != old.owner {
        let kept = std::os::unix::fs::fchown(file, Some(old.owner.0), Some(old.owner.1)).is_ok()
            || std::os::unix::fs::fchown(file, None, Some(old.owner.1)).is_ok();
        if !kept {
            mode &= 0o707;
        }
    }
    file.set_permissions(fs::Permissions::from_mode(mode))
}

/// Opens (or creates) a file for locking, with the mode and owner of the database. Follows no link.
pub(crate) fn open_lock(path: &Path, database: Option<Identity>) -> Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600).custom_flags(flags);
    let open = || match options.clone().create_new(true).open(path) {
        // Whoever may write to the database must be able to lock it, whatever the umask of who came first.
        // Its owner must be able to also when the database becomes writable later.
        Ok(file) => {
            let inherited = database.map(|old| inherit(&file, Identity { mode: old.mode | 0o600, ..old }));
            inherited.unwrap_or(Ok(())).map(|()| file)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => options.open(path),
        Err(error) => Err(error),
    };
    let file = open().map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => Error::Open { path: path.parent().unwrap_or(path).to_owned(), source },
        _ => not_regular(path).unwrap_or_else(|| write_error("open", path.to_owned(), source)),
    })?;
    let meta = file.metadata().map_err(|source| Error::Open { path: path.to_owned(), source })?;
    if meta.nlink() > 1 {
        // The holder's note would be written into a file of another name.
        let reason = "the lock file has other hard links; remove it while no program uses the database".to_owned();
        return Err(Error::Unsuitable { path: path.to_owned(), reason });
    }
    irregular(path, &meta).map_or(Ok(file), Err)
}

/// Whether `file` is still what its path names.
pub(crate) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let here = file.metadata()?;
    Ok(fs::symlink_metadata(path).is_ok_and(|there| (there.dev(), there.ino()) == (here.dev(), here.ino())))
}

/// Makes a folder and those above it, for the user alone.
pub(crate) fn make_folder(path: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| write_error("create the folder", path.to_owned(), source))
}

/// Renaming over a file or removing it asks for no right to write to it; whoever took that right away meant it.
pub(crate) fn check_writable(path: &Path) -> Result<()> {
    match rustix::fs::access(path, Access::WRITE_OK) {
        // It is gone by now, which whoever looks next will see.
        Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
        Err(errno) => Err(write_error("write", path.to_owned(), errno.into())),
    }
}

/// Removes a file durably.
pub(crate) fn remove(path: &Path) -> Result<()> {
    let failed = |source| write_error("remove", path.to_owned(), source);
    let folder = File::open(path.parent().unwrap_or(Path::new("/"))).map_err(failed)?;
    fs::remove_file(path).map_err(failed)?;
    folder.sync_all().map_err(|source| Error::OutcomeUnknown { path: path.to_owned(), source })
}

/// Removes what writers that were killed have left beside a file. Its lock must be held.
pub(crate) fn remove_left_overs(path: &Path) {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return };
    let own = rustix::process::geteuid().as_raw();
    let is_ours = |entry: &fs::DirEntry| {
        let there = entry.file_name();
        let random =
            there.as_encoded_bytes().strip_prefix(name.as_encoded_bytes()).and_then(|rest| rest.strip_prefix(b".tmp-"));
        random.is_some_and(|random| random.len() == 16 && random.iter().all(u8::is_ascii_hexdigit))
            && entry.metadata().is_ok_and(|meta| meta.is_file() && meta.uid() == own)
    };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten().filter(is_ours) {
        // They harm nobody; whatever keeps this one from going is no reason to fail.
        let _ = fs::remove_file(entry.path());
    }
}

/// The path with `suffix` behind its name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// A failed write; one that was not permitted means that the database is read-only.
fn write_error(operation: &'static str, path: PathBuf, source: io::Error) -> Error {
    use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    match source.kind() {
        PermissionDenied | ReadOnlyFilesystem => Error::ReadOnly { path, reason: crate::error::reason(&source) },
        _ => Error::Io { operation, path, source },
    }
}
