//! The journal beside a snapshot as it was when it was looked at: its file, and what was read of it so far.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};
use std::path::{Path, PathBuf};

use super::journal::{Body, Corruption, Fold, Header, HeaderFault, Suspect};
use super::overlay::Overlay;
use crate::error::{Error, Result};
use crate::storage::files::disk::{self, Disk, DiskFile, Identity, JOURNAL, OpenAs};
use crate::storage::format::record::Change;

/// The journal as far as it was seen.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    pub(crate) file: Box<dyn DiskFile>,
    pub(crate) header: Header,
    /// Where the header's line ends.
    pub(crate) start: u64,
    /// The file as it was last looked at; its length is how far it counts.
    pub(crate) seen: Identity,
    /// Commits up to this one are in the snapshot: the header's, or what a fold line says.
    pub(crate) through: u64,
    /// The bytes after the header, kept while single keys are searched for in them.
    bytes: RefCell<Option<Vec<u8>>>,
    searches: Cell<u32>,
    /// The last commit of the part whose lines were found to be sound, and where that part ends.
    sound: Cell<Option<(u64, u64)>>,
    /// What reading all of it has shown.
    replay: OnceCell<Replay>,
}

/// The changes of a journal.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    /// What the commits that the snapshot lacks have left.
    pub(crate) overlay: Overlay,
    /// The last complete commit.
    pub(crate) n: u64,
    /// Where the last line ends that counts.
    pub(crate) good: u64,
    /// How many bytes behind it do not count.
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

    /// An open journal; a stranger's does not count.
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

    /// The journal as far as it had been written when its file was seen so.
    pub(crate) fn seen(file: Box<dyn DiskFile>, path: PathBuf, seen: Identity) -> Result<Self> {
        let open_error = |source| Error::Open { path: path.clone(), source };
        let mut first = vec![0; 4 << 10];
        let read = file.read_at(&mut first, 0).map_err(open_error)?;
        let (header, start) = Header::read(&first[..read]).map_err(|fault| match fault {
            HeaderFault::Newer => Error::NewerVersion { path: path.clone() },
            HeaderFault::Cut => damaged_header(&path, "its first line does not end"),
            HeaderFault::Damaged(reason) => damaged_header(&path, reason),
        })?;
        if !header.layout.is_sound() {
            return Err(damaged_header(&path, "its layout contradicts itself"));
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

    pub(crate) fn damaged(&self, damage: Corruption) -> Error {
        let path = self.path.clone();
        if damage.newer {
            return Error::NewerVersion { path };
        }
        Error::JournalDamaged {
            path,
            line: damage.line + 1,
            offset: self.start + damage.at as u64,
            reason: damage.reason,
            good_after: damage.good_after,
        }
    }

    /// All of it, read once.
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

    /// Reads on from where `replay` ends.
    fn extend(&self, replay: &mut Replay, bytes: &[u8]) -> Result<()> {
        let Replay { overlay, n, .. } = replay;
        let through = self.through;
        let mut sink = |n: u64, key: Cow<'_, str>, change: Change| {
            if n > through {
                overlay.insert(&key, change);
            }
        };
        let body = Body { bytes, epoch: self.header.epoch, n: *n };
        let read = body.replay(&mut sink).map_err(|damage| self.damaged(damage))?;
        replay.n = read.n;
        replay.good += read.good as u64;
        replay.torn = read.torn as u64;
        let counts = |fold: &Fold| fold.layout.is_sound() || fold.is_of_nothing();
        replay.fold = read.fold.filter(counts).or(replay.fold);
        Ok(())
    }

    /// Leaves out what the snapshot has already.
    pub(crate) fn skip(&mut self, through: u64) {
        if through > self.through {
            self.through = through;
            self.replay.take();
        }
    }

    /// Whether it is the same file, no shorter, and open to nobody else.
    pub(super) fn has_grown(&self, there: &Identity) -> bool {
        there.is_same_file(&self.seen) && there.len >= self.seen.len && there.has_same_rights(&self.seen)
    }

    /// The same file has become longer.
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

    /// What the complete commits change that were appended since.
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
        body.replay(&mut sink).map_err(|damage| self.damaged(damage))?;
        Ok(fresh)
    }

    /// Takes in a commit that this process has appended.
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

    /// What it says of a key. The first few are searched for in its bytes; after them a map is made.
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

    /// The bytes after the last commit that counts, as far as a read has come upon them: where they begin, and how many.
    pub(crate) fn bad_end(&self) -> Option<(u64, u64)> {
        self.replay.get().filter(|replay| replay.torn > 0).map(|replay| (replay.good, replay.torn))
    }

    /// The error of that end.
    pub(crate) fn last_record(&self, (offset, bytes): (u64, u64), acknowledged: bool) -> Error {
        Error::LastRecord { path: self.path.clone(), offset, bytes, acknowledged }
    }

    /// Whether any commit is in it that its snapshot lacks.
    pub(crate) fn holds_changes(&self) -> Result<bool> {
        let replay = self.replay()?;
        let dropped = replay.fold.filter(Fold::is_of_nothing).map_or(0, |fold| fold.through);
        Ok(replay.n > self.through.max(dropped))
    }

    /// Whether a commit behind `through` has changed a key of which `is_one` says that it matters.
    pub(crate) fn changes_behind(&self, through: u64, is_one: &mut dyn FnMut(&str) -> bool) -> Result<bool> {
        if self.clean_end()? == Some(through) {
            return Ok(false);
        }
        let bytes = self.read(self.start, self.seen.len)?;
        let mut any = false;
        let body = Body { bytes: &bytes, epoch: self.header.epoch, n: self.header.n };
        let replayed = body.replay(&mut |n, key, _| any = any || n > through && is_one(&key));
        replayed.map_err(|damage| self.damaged(damage))?;
        Ok(any)
    }

    /// The last commit's number, if no line is bad and the last commit is complete: nothing may be written behind
    /// anything else. What was looked at once is not looked at again.
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

/// Opens a journal's file. If that is not permitted, whether it is a stranger's is what matters.
pub(crate) fn open_journal(disk: &dyn Disk, path: &Path, database: &Path) -> Result<Option<Box<dyn DiskFile>>> {
    disk.open(path, OpenAs::Side).or_else(|error| {
        if let (Ok(Some(there)), Ok(snapshot)) = (disk.identity(path), disk.identity(database)) {
            disk::check_side(disk, path, &there, snapshot.as_ref())?;
        }
        Err(error)
    })
}

fn damaged_header(path: &Path, reason: &str) -> Error {
    Error::JournalDamaged { path: path.to_owned(), line: 1, offset: 0, reason: reason.to_owned(), good_after: 0 }
}
