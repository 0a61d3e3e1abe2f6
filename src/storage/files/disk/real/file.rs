//! Files of the operating system.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::super::{DiskFile, Identity, LockFile, attributes};

/// How much of a file is copied at a time.
const COPY: u64 = 256 << 10;

#[derive(Debug)]
pub(in super::super) struct RealFile {
    file: File,
    /// The same file without `O_APPEND`, which would rule out copying in the kernel; opened on first use.
    target: OnceLock<Option<File>>,
}

impl From<File> for RealFile {
    fn from(file: File) -> Self {
        Self { file, target: OnceLock::new() }
    }
}

impl RealFile {
    /// Appends bytes of another file by copying in the kernel, as far as possible; returns the offset reached.
    fn copy_within_kernel(&self, other: &File, mut from: u64, to: u64) -> io::Result<u64> {
        let reopen = || OpenOptions::new().write(true).open(format!("/proc/self/fd/{}", self.file.as_raw_fd())).ok();
        let Some(target) = self.target.get_or_init(reopen) else { return Ok(from) };
        let mut end = self.file.metadata()?.len();
        while from < to {
            let len = usize::try_from(to - from).unwrap_or(usize::MAX);
            match copy_range(other, &mut from, target, &mut end, len) {
                Ok(1..) | Err(Errno::INTR) => {}
                // The plain copy reports any real error.
                Ok(0) | Err(_) => break,
            }
        }
        Ok(from)
    }
}

/// Copies in the kernel, or shares the blocks if the file system supports it.
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
        loop {
            match self.file.try_lock() {
                Ok(()) => return Ok(true),
                Err(TryLockError::WouldBlock) => return Ok(false),
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    fn unlock(&self) -> io::Result<()> {
        self.file.unlock()
    }

    fn real(&self) -> Option<&File> {
        Some(&self.file)
    }
}

impl LockFile for RealFile {
    fn set_note(&self, note: &str) -> io::Result<()> {
        self.file.write_all_at(note.as_bytes(), 0)?;
        let len = note.len() as u64;
        // Most notes are longer than the previous one, and truncating to the same length is not free.
        if self.file.metadata()?.len() == len { Ok(()) } else { self.file.set_len(len) }
    }
}

pub(super) fn bits(flags: OFlags) -> i32 {
    flags.bits().cast_signed()
}

#[cfg(test)]
mod tests {
    use super::super::super::{Disk, OpenAs, Real};
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
    fn a_copied_range_is_appended() {
        let folder = folder();
        let other = Real.create(&folder.path().join("other")).unwrap();
        let bytes: Vec<u8> = (0..COPY * 3 + 17).map(|at| u8::try_from(at % 251).unwrap()).collect();
        other.append(&bytes).unwrap();
        for (from, to) in [(0, bytes.len()), (1, bytes.len() - 1), (5, 5), (7, 8), (100, 100 + (256 << 10))] {
            let path = folder.path().join(format!("{from}-{to}"));
            let file = Real.create(&path).unwrap();
            file.append(b"before").unwrap();
            file.append_from(&*other, from as u64, to as u64).unwrap();
            file.append(b"after").unwrap();
            let wanted = [b"before", &bytes[from..to], b"after"].concat();
            assert!(content(&*file) == wanted, "{from}..{to}");
            assert!(content(&*Real.open(&path, OpenAs::Side).unwrap().unwrap()) == wanted);
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
}
