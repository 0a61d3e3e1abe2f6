//! A snapshot's journal, pinned: its file, and what has been read of it so far.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};
use std::path::{Path, PathBuf};

use super::journal::{Body, Corruption, Fold, Header, HeaderFault, Suspect};
use super::overlay::Overlay;
use crate::error::{Error, Result};
use crate::storage::files::disk::{self, Disk, DiskFile, Identity, JOURNAL, OpenAs};
use crate::storage::format::record::Change;

/// The journal up to the pinned length.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    pub(crate) file: Box<dyn DiskFile>,
    pub(crate) header: Header,
    /// Where the header line ends.
    pub(crate) start: u64,
    /// The file at the last refresh; anything after its length is ignored.
    pub(crate) seen: Identity,
    /// Commits up to this one are in the snapshot, according to the header or a fold line.
    pub(crate) through: u64,
    /// The bytes after the header, kept while single keys are searched for in them.
    bytes: RefCell<Option<Vec<u8>>>,
    searches: Cell<u32>,
    /// The last commit of the part whose lines are known to be intact, and where that part ends.
    sound: Cell<Option<(u64, u64)>>,
    /// The result of reading all of it.
    replay: OnceCell<Replay>,
}

/// The changes of a journal.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    /// The changes of the commits that are not in the snapshot.
    pub(crate) overlay: Overlay,
    /// The last complete commit.
    pub(crate) n: u64,
    /// Where the last valid line ends.
    pub(crate) good: u64,
    /// How many bytes after that are invalid.
    pub(crate) torn: u64,
    pub(crate) fold: Option<Fold>,
}

impl Journal {
    /// Opens the journal of a snapshot and reads its header.
    pub(crate) fn open(disk: &dyn Disk, database: &Path, snapshot: Option<&Identity>) -> Result<Option<Self>> {
        let path = disk::with_suffix(database, JOURNAL);
        let Some(file) = open_journal(disk, &path, database)? else { return Ok(None) };
        Self::of(file, disk, path, snapshot).map(Some)
    }

    /// Wraps an open journal; refuses one that is not trusted.
    pub(crate) fn of(
        file: Box<dyn DiskFile>,
        disk: &dyn Disk,
        path: PathBuf,
        snapshot: Option<&Identity>,
    ) -> Result<Self> {
        let seen = disk::seen(&*file, &path)?;
        disk::check_side(disk, &path, &seen, snapshot)?;
        Self::seen(file, path, seen)
    }

    /// The journal up to the length in `seen`.
    pub(crate) fn seen(file: Box<dyn DiskFile>, path: PathBuf, seen: Identity) -> Result<Self> {
        let open_error = |source| Error::Open { path: path.clone(), source };
        let mut first = vec![0; 4 << 10];
        let read = file.read_at(&mut first, 0).map_err(open_error)?;
        let (header, start) = Header::read(&first[..read]).map_err(|fault| match fault {
            HeaderFault::Newer => Error::NewerVersion { path: path.clone() },
            HeaderFault::Cut => corrupt_header(&path, "its first line has no end"),
            HeaderFault::Corrupt(reason) => corrupt_header(&path, reason),
        })?;
        if !header.layout.is_sound() {
            return Err(corrupt_header(&path, "its layout is inconsistent"));
        }
        Ok(Self {
            path,
            file,
            start: start as u64,
            seen,
            through: header.n,
            header,
            bytes: RefCell::new(None),
            searches: Cell::new(0),
            sound: Cell::new(None),
            replay: OnceCell::new(),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes between two offsets of the file.
    pub(crate) fn read(&self, from: u64, to: u64) -> Result<Vec<u8>> {
        let read = disk::read_range(&*self.file, from, to);
        read.map_err(|source| Error::Open { path: self.path.clone(), source })
    }

    pub(crate) fn corrupt(&self, corruption: Corruption) -> Error {
        let path = self.path.clone();
        if corruption.newer {
            return Error::NewerVersion { path };
        }
        Error::JournalCorrupt {
            path,
            line: corruption.line + 1,
            offset: self.start + corruption.at as u64,
            reason: corruption.reason,
            good_after: corruption.good_after,
        }
    }

    /// Reads all of it, once.
    pub(crate) fn replay(&self) -> Result<&Replay> {
        if let Some(replay) = self.replay.get() {
            return Ok(replay);
        }
        let bytes = match self.bytes.take() {
            Some(bytes) => bytes,
            None => self.read(self.start, self.seen.len)?,
        };
        let mut replay = Replay { n: self.header.n, good: self.start, ..Replay::default() };
        self.extend(&mut replay, &bytes)?;
        Ok(self.replay.get_or_init(|| replay))
    }

    /// Continues from the end of `replay`.
    fn extend(&self, replay: &mut Replay, bytes: &[u8]) -> Result<()> {
        let Replay { overlay, n, .. } = replay;
        let through = self.through;
        let mut sink = |n: u64, key: Cow<'_, str>, change: Change| {
            if n > through {
                overlay.insert(&key, change);
            }
        };
        let body = Body { bytes, epoch: self.header.epoch, n: *n };
        let read = body.replay(&mut sink).map_err(|corruption| self.corrupt(corruption))?;
        replay.n = read.n;
        replay.good += read.good as u64;
        replay.torn = read.torn as u64;
        let counts = |fold: &Fold| fold.layout.is_sound() || fold.is_of_nothing();
        replay.fold = read.fold.filter(counts).or(replay.fold);
        Ok(())
    }

    /// Ignores commits that the snapshot contains.
    pub(crate) fn skip(&mut self, through: u64) {
        if through > self.through {
            self.through = through;
            self.replay.take();
        }
    }

    /// Whether it is the same file, at least as long, and with the same rights.
    pub(super) fn has_grown(&self, there: &Identity) -> bool {
        there.is_same_file(&self.seen) && there.len >= self.seen.len && there.has_same_rights(&self.seen)
    }

    /// Continues with the same file, which is longer now.
    pub(super) fn grow(&mut self, there: Identity) -> Result<()> {
        self.seen = there;
        self.bytes.take();
        if let Some(mut replay) = self.replay.take() {
            let bytes = self.read(replay.good, there.len)?;
            self.extend(&mut replay, &bytes)?;
            self.replay = OnceCell::from(replay);
        }
        Ok(())
    }

    /// The changes of the complete commits that were appended since.
    pub(super) fn fresh(&self, there: Identity) -> Result<Overlay> {
        let replay = self.replay()?;
        let mut fresh = Overlay::default();
        let bytes = self.read(replay.good, there.len)?;
        let mut sink = |n: u64, key: Cow<'_, str>, change: Change| {
            if n > self.through {
                fresh.insert(&key, change);
            }
        };
        let body = Body { bytes: &bytes, epoch: self.header.epoch, n: replay.n };
        body.replay(&mut sink).map_err(|corruption| self.corrupt(corruption))?;
        Ok(fresh)
    }

    /// Adds a commit that this process appended.
    pub(crate) fn appended(&mut self, n: u64, seen: Identity, changes: Overlay) {
        self.seen = seen;
        self.sound.set(Some((n, seen.len)));
        self.bytes.take();
        if let Some(replay) = self.replay.get_mut() {
            replay.n = n;
            replay.good = seen.len;
            replay.overlay.append(changes);
        }
    }

    /// The change of a key. The first few lookups search the bytes; later ones use a map.
    pub(super) fn get(&self, key: &str) -> Result<Option<Change>> {
        const SEARCHES: u32 = 4;
        if self.seen.len == self.start {
            return Ok(None);
        }
        let searches = self.searches.get();
        if self.replay.get().is_some() || searches == SEARCHES || self.through > self.header.n {
            return Ok(self.replay()?.overlay.get(key).cloned());
        }
        self.searches.set(searches + 1);
        let found = {
            let mut bytes = self.bytes.borrow_mut();
            if bytes.is_none() {
                *bytes = Some(self.read(self.start, self.seen.len)?);
            }
            let bytes = bytes.as_deref().unwrap_or_default();
            Body { bytes, epoch: self.header.epoch, n: self.header.n }.find(key)
        };
        match found {
            Ok(found) => Ok(found),
            Err(Suspect) => Ok(self.replay()?.overlay.get(key).cloned()),
        }
    }

    /// The bytes after the last valid commit, if a read has found any: their offset and length.
    pub(crate) fn bad_end(&self) -> Option<(u64, u64)> {
        self.replay.get().filter(|replay| replay.torn > 0).map(|replay| (replay.good, replay.torn))
    }

    /// The error for that end.
    pub(crate) fn last_record(&self, (offset, bytes): (u64, u64), acknowledged: bool) -> Error {
        Error::LastRecord { path: self.path.clone(), offset, bytes, acknowledged }
    }

    /// Whether it has a commit that is not in its snapshot.
    pub(crate) fn holds_changes(&self) -> Result<bool> {
        let replay = self.replay()?;
        let dropped = replay.fold.filter(Fold::is_of_nothing).map_or(0, |fold| fold.through);
        Ok(replay.n > self.through.max(dropped))
    }

    /// Whether a commit after `through` changed a key for which `is_relevant` is true.
    pub(crate) fn changes_after(&self, through: u64, is_relevant: &mut dyn FnMut(&str) -> bool) -> Result<bool> {
        if self.clean_end()? == Some(through) {
            return Ok(false);
        }
        let bytes = self.read(self.start, self.seen.len)?;
        let mut any = false;
        let body = Body { bytes: &bytes, epoch: self.header.epoch, n: self.header.n };
        let replayed = body.replay(&mut |n, key, _| any = any || n > through && is_relevant(&key));
        replayed.map_err(|corruption| self.corrupt(corruption))?;
        Ok(any)
    }

    /// The last commit's number if no line is bad and the last commit is complete: only then may the next one be
    /// appended. Does not check the same part twice.
    pub(crate) fn clean_end(&self) -> Result<Option<u64>> {
        if let Some(replay) = self.replay.get() {
            return Ok((replay.torn == 0).then_some(replay.n));
        }
        let (n, from) = self.sound.get().unwrap_or((self.header.n, self.start));
        let bytes = self.read(from, self.seen.len)?;
        if let Some(n) = (Body { bytes: &bytes, epoch: self.header.epoch, n }).last_commit() {
            self.sound.set(Some((n, self.seen.len)));
            return Ok(Some(n));
        }
        let replay = self.replay()?;
        Ok((replay.torn == 0).then_some(replay.n))
    }
}

/// Opens a journal's file. If that is not permitted, an untrusted owner is the error to report.
pub(crate) fn open_journal(disk: &dyn Disk, path: &Path, database: &Path) -> Result<Option<Box<dyn DiskFile>>> {
    disk.open(path, OpenAs::Side).or_else(|error| {
        if let (Ok(Some(there)), Ok(snapshot)) = (disk.identity(path), disk.identity(database)) {
            disk::check_side(disk, path, &there, snapshot.as_ref())?;
        }
        Err(error)
    })
}

fn corrupt_header(path: &Path, reason: &str) -> Error {
    Error::JournalCorrupt { path: path.to_owned(), line: 1, offset: 0, reason: reason.to_owned(), good_after: 0 }
}
