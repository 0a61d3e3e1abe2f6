//! The system's own files.

use std::borrow::Cow;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::{Access, CWD, OFlags, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::{
    Disk, DiskFile, Folder, Identity, LockFile, Open, Rename, attributes, irregular, not_regular, write_error,
};
use crate::error::{Error, Result};

/// The file system of the system.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Real;

/// How much of a file is copied at once.
const COPY: u64 = 256 << 10;

impl Disk for Real {
    fn identity(&self, path: &Path) -> Result<Option<Identity>> {
        match fs::symlink_metadata(path) {
            Ok(meta) => Ok(Some(Identity::of(&meta))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::Open { path: path.to_owned(), source }),
        }
    }

    fn open(&self, path: &Path, how: Open) -> Result<Option<Box<dyn DiskFile>>> {
        // A FIFO must not be waited for, and a terminal must not become that of this process.
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW;
        let mut options = OpenOptions::new();
        options.read(true).append(how == Open::SideAppend).custom_flags(bits(flags));
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
        // O_EXCL follows no link, and nobody can have put a file there before.
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
        #[expect(clippy::disallowed_methods, reason = "its one home")]
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
        // What is durable in a folder that is not durable itself is nothing.
        for folder in missing {
            let above = folder.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
            self.open_folder(above).and_then(|above| above.sync()).map_err(failed)?;
        }
        Ok(())
    }

    fn check_writable(&self, path: &Path) -> Result<()> {
        match rustix::fs::access(path, Access::WRITE_OK) {
            // It is gone by now, which whoever looks next will see.
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(write_error("write", path.to_owned(), errno.into())),
        }
    }

    fn left_overs(&self, path: &Path) -> Vec<PathBuf> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Vec::new() };
        let is_one = |entry: &fs::DirEntry| {
            // Of a symbolic link this is its own.
            super::is_temporary(&entry.file_name(), name) && entry.metadata().is_ok_and(|meta| meta.is_file())
        };
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.filter(is_one).map(|entry| entry.path()).collect()
    }

    fn boot(&self) -> String {
        static BOOT: OnceLock<String> = OnceLock::new();
        BOOT.get_or_init(boot).clone()
    }

    fn open_lock(&self, path: &Path, database: Option<Identity>) -> Result<Box<dyn LockFile>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o600).custom_flags(bits(OFlags::NOFOLLOW | OFlags::NONBLOCK));
        // Whoever may write to the database must be able to lock it, whatever the umask of who came first. Its owner must
        // be able to also when the database becomes writable later.
        let wanted = database.map(|database| Identity { mode: database.mode | 0o600, ..database });
        let open = || loop {
            match options.open(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                opened => break opened,
            }
            match options.clone().create_new(true).open(path) {
                Ok(file) => {
                    let inherited = wanted.map(|wanted| attributes::take_owner_and_mode(&file, wanted));
                    break inherited.unwrap_or(Ok(())).map(|()| file);
                }
                // Another program has made it in the meantime.
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
            // The holder's note would be written into a file of another name.
            let reason = "the lock file has other hard links; remove it while no program uses the database".to_owned();
            return Err(Error::Unsuitable { path: path.to_owned(), reason });
        }
        if let Some(wanted) = wanted {
            follow(&file, &meta, wanted);
        }
        Ok(Box::new(RealLock { file }))
    }
}

/// Gives a lock file that was there already the mode and owner that are wanted of it by now, if it is ours to give. If
/// that cannot be done, it is as good as it was.
fn follow(file: &File, meta: &fs::Metadata, wanted: Identity) {
    let (there, own) = (Identity::of(meta), rustix::process::geteuid());
    if !there.has_same_rights(&wanted) && (own.is_root() || own.as_raw() == meta.uid()) {
        let _ = attributes::take_owner_and_mode(file, wanted);
        if there.mode & !wanted.mode & 0o022 != 0 {
            // Others than the database's writers may have written the note. Without it the next holder does more than it
            // must.
            let _ = file.set_len(0);
        }
    }
}

/// The error of a name that cannot be given to another file, with the way out.
pub(crate) fn mounted(error: io::Error) -> io::Error {
    if error.kind() != io::ErrorKind::ResourceBusy {
        return error;
    }
    let reason = "the file itself is a mount point, so it cannot be replaced or removed; mount its folder instead";
    io::Error::new(error.kind(), reason)
}

fn bits(flags: OFlags) -> i32 {
    flags.bits().cast_signed()
}

fn open_error(path: &Path, how: Open, source: io::Error) -> Error {
    if fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink()) {
        // The database's own link is followed before this.
        let reason = match how {
            Open::Snapshot => "it was replaced by a symbolic link while it was in use; open the database again",
            Open::Side | Open::SideAppend => "a symbolic link, not a regular file",
        };
        return Error::Unsuitable { path: path.to_owned(), reason: reason.to_owned() };
    }
    not_regular(path).unwrap_or_else(|| match how {
        Open::Snapshot | Open::Side => Error::Open { path: path.to_owned(), source },
        Open::SideAppend => write_error("open", path.to_owned(), source),
    })
}

#[derive(Debug)]
pub(super) struct RealFile {
    file: File,
    /// The same file without `O_APPEND`, with which the system copies nothing; opened when it is first wanted.
    target: OnceLock<Option<File>>,
}

impl From<File> for RealFile {
    fn from(file: File) -> Self {
        Self { file, target: OnceLock::new() }
    }
}

impl RealFile {
    /// Appends bytes of another file without taking them out of the kernel, as far as that goes; returns up to where.
    fn copy_within_kernel(&self, other: &File, mut from: u64, to: u64) -> io::Result<u64> {
        let reopen = || OpenOptions::new().write(true).open(format!("/proc/self/fd/{}", self.file.as_raw_fd())).ok();
        let Some(target) = self.target.get_or_init(reopen) else { return Ok(from) };
        let mut end = self.file.metadata()?.len();
        while from < to {
            let len = usize::try_from(to - from).unwrap_or(usize::MAX);
            match copy_range(other, &mut from, target, &mut end, len) {
                Ok(1..) | Err(Errno::INTR) => {}
                // Whatever is really wrong, the plain copy will meet it too.
                Ok(0) | Err(_) => break,
            }
        }
        Ok(from)
    }
}

/// Copies within the kernel, or within the file system where that can share what is the same.
#[cfg(target_os = "linux")]
fn copy_range(from: &File, at: &mut u64, to: &File, end: &mut u64, len: usize) -> Result<usize, Errno> {
    rustix::fs::copy_file_range(from, Some(at), to, Some(end), len)
}

#[cfg(not(target_os = "linux"))]
fn copy_range(_: &File, _: &mut u64, _: &File, _: &mut u64, _: usize) -> Result<usize, Errno> {
    Err(Errno::NOSYS)
}

impl DiskFile for RealFile {
    fn identity(&self) -> io::Result<Identity> {
        Ok(Identity::of(&self.file.metadata()?))
    }

    fn again(&self) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(Self::from(self.file.try_clone()?)))
    }

    fn cut(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.file.read_at(&mut buffer[filled..], at + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        (&self.file).write_all(bytes)
    }

    fn append_from(&self, other: &dyn DiskFile, from: u64, to: u64) -> io::Result<()> {
        let mut from = from;
        if let Some(other) = other.real()
            && to.saturating_sub(from) >= COPY
        {
            from = self.copy_within_kernel(other, from, to)?;
        }
        let mut buffer = vec![0; usize::try_from(COPY.min(to.saturating_sub(from))).unwrap_or_default()];
        while from < to {
            let wanted = usize::try_from(to - from).unwrap_or(usize::MAX).min(buffer.len());
            let read = other.read_at(&mut buffer[..wanted], from)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.append(&buffer[..read])?;
            from += read as u64;
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    fn inherit(&self, from: &dyn DiskFile) -> io::Result<Vec<&'static str>> {
        match from.real() {
            Some(from) => attributes::inherit(&self.file, from),
            None => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    fn try_lock(&self) -> io::Result<bool> {
        try_lock(&self.file)
    }

    fn unlock(&self) -> io::Result<()> {
        self.file.unlock()
    }

    fn real(&self) -> Option<&File> {
        Some(&self.file)
    }
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

/// The kernel's name of this boot.
#[cfg(target_os = "linux")]
fn boot() -> String {
    const LENGTH: usize = 36;
    let mut id = [0; LENGTH];
    let read = File::open("/proc/sys/kernel/random/boot_id").and_then(|mut file| file.read_exact(&mut id));
    let id = read.map_or(Cow::default(), |()| String::from_utf8_lossy(&id));
    id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect()
}

/// The time of this boot: elsewhere it has no name.
#[cfg(not(target_os = "linux"))]
fn boot() -> String {
    let up = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic).tv_sec;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.ok().and_then(|now| i64::try_from(now.as_secs()).ok()).map_or_else(String::new, |now| format!("@{}", now - up))
}

#[derive(Debug)]
struct RealLock {
    file: File,
}

impl Drop for RealLock {
    fn drop(&mut self) {
        // Closing alone would not do while a child of this process, between its fork and its exec, has the file too.
        // Should this fail, closing is what is left.
        let _ = self.file.unlock();
    }
}

/// The longest note that is read.
const NOTE: usize = 1024;

impl LockFile for RealLock {
    fn try_lock(&self) -> io::Result<bool> {
        try_lock(&self.file)
    }

    fn identity(&self) -> io::Result<Identity> {
        Ok(Identity::of(&self.file.metadata()?))
    }

    fn note(&self) -> io::Result<String> {
        let mut note = [0; NOTE];
        let mut len = 0;
        while len < NOTE {
            match self.file.read_at(&mut note[len..], len as u64) {
                Ok(0) => break,
                Ok(read) => len += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(String::from_utf8_lossy(&note[..len]).into_owned())
    }

    fn set_note(&self, note: &str) -> io::Result<()> {
        self.file.write_all_at(note.as_bytes(), 0)?;
        let len = note.len() as u64;
        // Most notes are longer than the one before, and a file system works for a length that stays.
        if self.file.metadata()?.len() == len { Ok(()) } else { self.file.set_len(len) }
    }
}

fn try_lock(file: &File) -> io::Result<bool> {
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) => return Ok(false),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    fn content(file: &dyn DiskFile) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(file.identity().unwrap().len).unwrap()];
        assert_eq!(file.read_at(&mut bytes, 0).unwrap(), bytes.len());
        bytes
    }

    #[test]
    fn what_is_copied_is_the_range_and_comes_behind_what_is_there() {
        let folder = folder();
        let other = Real.create(&folder.path().join("other")).unwrap();
        let bytes: Vec<u8> = (0..COPY * 3 + 17).map(|at| u8::try_from(at % 251).unwrap()).collect();
        other.append(&bytes).unwrap();
        for (from, to) in [(0, bytes.len()), (1, bytes.len() - 1), (5, 5), (7, 8), (100, 100 + (256 << 10))] {
            let path = folder.path().join(format!("{from}-{to}"));
            let file = Real.create(&path).unwrap();
            file.append(b"before").unwrap();
            file.append_from(&*other, from as u64, to as u64).unwrap();
            file.append(b"behind").unwrap();
            let wanted = [b"before", &bytes[from..to], b"behind"].concat();
            assert!(content(&*file) == wanted, "{from}..{to}");
            assert!(content(&*Real.open(&path, Open::Side).unwrap().unwrap()) == wanted);
        }
        let file = Real.create(&folder.path().join("beyond")).unwrap();
        let error = file.append_from(&*other, 0, bytes.len() as u64 + 1).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn the_kernel_copies_long_ranges() {
        let folder = folder();
        let other = RealFile::from(File::create_new(folder.path().join("other")).unwrap());
        other.append(&vec![b'x'; 1 << 20]).unwrap();
        let file = Real.create(&folder.path().join("file")).unwrap();
        let file = RealFile::from(file.real().unwrap().try_clone().unwrap());
        let other = File::open(folder.path().join("other")).unwrap();
        let to = file.copy_within_kernel(&other, 3, 1 << 20).unwrap();
        assert_eq!(file.identity().unwrap().len, to - 3);
        if cfg!(target_os = "linux") {
            assert_eq!(to, 1 << 20);
        }
    }

    #[test]
    fn a_name_is_taken_exchanged_or_replaced_as_it_was_asked_for() {
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
        assert!(Real.open(&b, Open::SideAppend).unwrap().is_none());
    }

    #[test]
    fn a_side_file_is_no_link_and_nothing_is_waited_for() {
        let folder = folder();
        let [file, link, fifo] = ["file", "link", "fifo"].map(|name| folder.path().join(name));
        Real.create(&file).unwrap();
        symlink(&file, &link).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        assert_eq!(Real.create(&link).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        let error = Real.open(&link, Open::Snapshot).unwrap_err().to_string();
        assert!(error.contains("replaced by a symbolic link"), "{error}");
        for (path, reason) in [
            (&*link, "a symbolic link, not a regular file"),
            (&*fifo, "a FIFO, not a regular file"),
            (folder.path(), "Is a directory"),
            (Path::new("/dev/null"), "a device, not a regular file"),
        ] {
            for how in [Open::Snapshot, Open::Side, Open::SideAppend] {
                if (path, how) != (&*link, Open::Snapshot) {
                    let error = Real.open(path, how).unwrap_err().to_string();
                    assert_eq!(error, format!("cannot open {path:?}: {reason}"), "{how:?}");
                }
            }
        }
    }

    #[test]
    fn left_overs_are_the_regular_files_with_such_a_name() {
        let folder = folder();
        let path = folder.path().join("kv.json");
        let left = folder.path().join("kv.json.tmp-0123456789abcdef");
        for name in ["kv.json", "kv.json.lock", "kv.json.tmp-0123456789abcde", "kv.json.journal.tmp-0123456789abcdef"] {
            Real.create(&folder.path().join(name)).unwrap();
        }
        Real.create(&left).unwrap();
        symlink(&left, folder.path().join("kv.json.tmp-0123456789abcde0")).unwrap();
        Real.make_folder(&folder.path().join("kv.json.tmp-0123456789abcde1")).unwrap();
        assert_eq!(Real.left_overs(&path), [left]);
    }

    #[test]
    fn a_lock_is_had_by_one_and_its_note_is_for_all() {
        let folder = folder();
        let path = folder.path().join("kv.json.lock");
        let (one, other) = (Real.open_lock(&path, None).unwrap(), Real.open_lock(&path, None).unwrap());
        assert!(one.try_lock().unwrap() && !other.try_lock().unwrap());
        one.set_note(&"long".repeat(1000)).unwrap();
        assert_eq!(other.note().unwrap(), "long".repeat(256));
        one.set_note("short").unwrap();
        assert_eq!(other.note().unwrap(), "short");
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
