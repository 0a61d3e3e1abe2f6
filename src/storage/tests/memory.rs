//! A file in memory, for tests that need a file, but no disk.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::storage::files::disk::{Disk, DiskFile, Identity, Real};

/// A file in memory that counts its reads. Its clones are the same file.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    bytes: Arc<Mutex<Vec<u8>>>,
    pub(crate) reads: Arc<AtomicUsize>,
    /// Appends beyond this length fail.
    most: usize,
}

impl Default for Memory {
    fn default() -> Self {
        Self::of("")
    }
}

impl Memory {
    pub(crate) fn of(bytes: impl AsRef<[u8]>) -> Self {
        let bytes = Arc::new(Mutex::new(bytes.as_ref().to_owned()));
        Self { bytes, reads: Arc::default(), most: usize::MAX }
    }

    /// An empty file on a disk that is full after this many bytes.
    pub(crate) fn full_at(most: usize) -> Self {
        Self { most, ..Self::default() }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.bytes.lock().unwrap().clone()
    }
}

impl DiskFile for Memory {
    fn identity(&self) -> io::Result<Identity> {
        // Any identity will do, except for its length.
        let identity = Real.identity(Path::new("/")).unwrap().unwrap();
        Ok(Identity { len: self.bytes.lock().unwrap().len() as u64, ..identity })
    }

    fn again(&self) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(self.clone()))
    }

    fn cut(&self, len: u64) -> io::Result<()> {
        self.bytes.lock().unwrap().truncate(usize::try_from(len).unwrap());
        Ok(())
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let bytes = self.bytes.lock().unwrap();
        let from = bytes.get(usize::try_from(at).unwrap()..).unwrap_or_default();
        let length = from.len().min(buffer.len());
        buffer[..length].copy_from_slice(&from[..length]);
        Ok(length)
    }

    fn append(&self, more: &[u8]) -> io::Result<()> {
        let mut bytes = self.bytes.lock().unwrap();
        if bytes.len() + more.len() > self.most {
            return Err(io::ErrorKind::StorageFull.into());
        }
        bytes.extend_from_slice(more);
        Ok(())
    }

    fn append_from(&self, other: &dyn DiskFile, from: u64, to: u64) -> io::Result<()> {
        let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
        if other.read_at(&mut bytes, from)? < bytes.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.append(&bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn sync_all(&self) -> io::Result<()> {
        Ok(())
    }

    fn inherit(&self, _: &dyn DiskFile) -> io::Result<Vec<&'static str>> {
        Ok(Vec::new())
    }

    fn try_lock(&self) -> io::Result<bool> {
        Ok(true)
    }

    fn unlock(&self) -> io::Result<()> {
        Ok(())
    }

    fn real(&self) -> Option<&File> {
        None
    }
}
