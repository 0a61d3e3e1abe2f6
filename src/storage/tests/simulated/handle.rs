//! Open files and folders.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::fault::{Fate, Operation};
use super::{Shared, Simulated};
use crate::storage::files::disk::{DiskFile, Folder, Identity, LockFile};

static HANDLES: AtomicU64 = AtomicU64::new(1);

/// An open file.
#[derive(Debug)]
pub(super) struct Handle {
    disk: Simulated,
    /// The name under which it was opened.
    path: Arc<Path>,
    file: usize,
    /// Shared by all handles of the same open file; the last one releases the lock.
    number: Arc<u64>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        let mut shared = self.disk.shared();
        let inode = &mut shared.world.files[self.file];
        inode.handles -= 1;
        let is_last = Arc::strong_count(&self.number) == 1;
        inode.locked_by.take_if(|holder| is_last && *holder == *self.number);
    }
}

impl Handle {
    pub(super) fn new(disk: &Simulated, shared: &mut Shared, path: Arc<Path>, file: usize) -> Self {
        shared.world.files[file].handles += 1;
        Self { disk: disk.clone(), path, file, number: Arc::new(HANDLES.fetch_add(1, Ordering::Relaxed)) }
    }

    fn sync(&self, operation: Operation, times: bool) -> io::Result<()> {
        self.disk.change(operation, |world, fate| {
            match fate {
                Fate::Done => world.sync(self.file, times),
                Fate::Lie => {}
                Fate::Lost | Fate::Half => world.fail_to_sync(self.file),
            }
            Ok(())
        })
    }
}

impl DiskFile for Handle {
    fn identity(&self) -> io::Result<Identity> {
        Ok(self.disk.look()?.world.identity(self.file))
    }

    fn again(&self) -> io::Result<Box<dyn DiskFile>> {
        self.disk.look()?.world.files[self.file].handles += 1;
        let (disk, path, number) = (self.disk.clone(), Arc::clone(&self.path), Arc::clone(&self.number));
        Ok(Box::new(Self { disk, path, file: self.file, number }))
    }

    fn cut(&self, len: u64) -> io::Result<()> {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        self.disk.change(Operation::Cut(Arc::clone(&self.path), len), |world, fate| {
            if fate == Fate::Done {
                world.cut(self.file, len);
            }
            Ok(())
        })
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let shared = self.disk.look()?;
        let content = &shared.world.files[self.file].content;
        let rest = usize::try_from(at).ok().and_then(|at| content.get(at..)).unwrap_or_default();
        let len = rest.len().min(buffer.len());
        buffer[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }

    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        self.disk.change(Operation::Append(Arc::clone(&self.path), bytes.len()), |world, fate| {
            match fate {
                Fate::Done => world.append(self.file, bytes),
                Fate::Half => world.append(self.file, &bytes[..bytes.len() / 2]),
                Fate::Lost | Fate::Lie => {}
            }
            Ok(())
        })
    }

    fn append_from(&self, other: &dyn DiskFile, from: u64, to: u64) -> io::Result<()> {
        let mut bytes = vec![0; usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX)];
        let len = other.read_at(&mut bytes, from)?;
        self.append(&bytes[..len])?;
        if len < bytes.len() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sync(Operation::SyncData(Arc::clone(&self.path)), false)
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync(Operation::SyncAll(Arc::clone(&self.path)), true)
    }

    fn inherit(&self, from: &dyn DiskFile) -> io::Result<Vec<&'static str>> {
        let old = from.identity()?;
        self.disk.change(Operation::Inherit(Arc::clone(&self.path)), |world, fate| {
            if fate == Fate::Done {
                let at = world.now();
                let inode = &mut world.files[self.file];
                (inode.mode, inode.owner, inode.changed) = (old.mode, old.owner, at);
            }
            Ok(Vec::new())
        })
    }

    fn try_lock(&self) -> io::Result<bool> {
        let mut shared = self.disk.look()?;
        Ok(*shared.world.files[self.file].locked_by.get_or_insert(*self.number) == *self.number)
    }

    fn unlock(&self) -> io::Result<()> {
        self.disk.look()?.world.files[self.file].locked_by.take_if(|holder| *holder == *self.number);
        Ok(())
    }

    fn real(&self) -> Option<&File> {
        None
    }
}

impl LockFile for Handle {
    fn set_note(&self, note: &str) -> io::Result<()> {
        self.disk.change(Operation::SetNote(Arc::clone(&self.path)), |world, fate| {
            if fate == Fate::Done {
                let at = world.now();
                let inode = &mut world.files[self.file];
                inode.content = Arc::new(note.as_bytes().to_vec());
                (inode.modified, inode.changed) = (at, at);
            }
            Ok(())
        })
    }
}

#[derive(Debug)]
pub(super) struct OpenFolder {
    pub(super) disk: Simulated,
    pub(super) path: Arc<Path>,
}

impl Folder for OpenFolder {
    fn sync(&self) -> io::Result<()> {
        self.disk.change(Operation::SyncFolder(Arc::clone(&self.path)), |world, fate| {
            match fate {
                Fate::Done => world.sync_folder(&self.path),
                Fate::Lie => {}
                Fate::Lost | Fate::Half => world.fail_to_sync_folder(&self.path),
            }
            Ok(())
        })
    }
}
