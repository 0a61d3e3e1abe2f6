//! T3: tests the tests. Each of twelve bugs of the protocol must be found by the checks of T1.
//!
//! The engine has no switch for them: a special disk does what an engine with that bug would have done.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::crash::{crash, judge, run};
use super::path;
use super::simulated::Simulated;
use super::workload::Workload;
use crate::error::Result;
use crate::storage::files::disk::{self, Disk, DiskFile, Folder, Identity, JOURNAL, LockFile, OpenAs, Rename};
use crate::storage::read::journal::{Body, Header};

/// A bug of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bug {
    /// Appends to the journal are never synced.
    NoJournalSync,
    /// A new snapshot or journal is not synced before it is renamed.
    NoTempSync,
    /// The folder is not synced between the snapshot's rename and the journal's.
    NoFolderSyncBeforeReset,
    /// The journal is renewed before the snapshot is installed.
    ResetBeforeRename,
    /// A commit is acknowledged, then synced.
    AcknowledgedBeforeSync,
    /// A new snapshot is written over the old one.
    SaveInPlace,
    /// The folder is not synced after the rename of the journal.
    JournalNameNotSynced,
    /// A fold line does not record which commits are in the snapshot, so they are applied again.
    ReplayedTwice,
    /// The sums of the journal's lines are not checked.
    NoChecksum,
    /// A new commit is appended after the remains of a crash.
    TailNotCut,
    /// Lines of one journal are accepted in any other.
    StaleAccepted,
    /// Changes that a writer makes before its first write are not synced.
    RecoveryNotSynced,
    /// No bug: the control.
    None,
}

impl Bug {
    const ALL: [Self; 12] = [
        Self::NoJournalSync,
        Self::NoTempSync,
        Self::NoFolderSyncBeforeReset,
        Self::ResetBeforeRename,
        Self::AcknowledgedBeforeSync,
        Self::SaveInPlace,
        Self::JournalNameNotSynced,
        Self::ReplayedTwice,
        Self::NoChecksum,
        Self::TailNotCut,
        Self::StaleAccepted,
        Self::RecoveryNotSynced,
    ];
}

/// A disk that makes the engine seem to have a bug.
#[derive(Clone, Debug)]
pub(super) struct Buggy {
    inner: Simulated,
    bug: Bug,
    memory: Arc<Mutex<Memory>>,
}

/// The last operations, and delayed ones.
#[derive(Debug, Default)]
struct Memory {
    /// The target of the last rename.
    renamed: Option<PathBuf>,
    /// A rename of the snapshot, delayed until after the journal's.
    delayed: Option<PathBuf>,
    /// Whether a sync of the journal is delayed.
    unsynced: bool,
    /// Whether anything has been written yet.
    has_written: bool,
}

fn journal() -> PathBuf {
    disk::with_suffix(path(), JOURNAL)
}

impl Buggy {
    pub(super) fn new(inner: &Simulated, bug: Bug) -> Self {
        Self { inner: inner.clone(), bug, memory: Arc::default() }
    }

    fn memory<T>(&self, look: impl FnOnce(&mut Memory) -> T) -> T {
        look(&mut self.memory.lock().unwrap())
    }

    /// Performs a delayed sync.
    fn catch_up(&self) -> io::Result<()> {
        if !self.memory(|memory| std::mem::take(&mut memory.unsynced)) {
            return Ok(());
        }
        match self.inner.open(&journal(), OpenAs::Side) {
            Ok(Some(file)) => file.sync_data(),
            _ => Ok(()),
        }
    }

    fn file(&self, path: &Path, inner: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        Box::new(BuggyFile { disk: self.clone(), path: path.to_owned(), inner })
    }

    /// Overwrites the snapshot in place, as `cp` does.
    fn copy_over(&self, from: &Path) -> io::Result<()> {
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        let bytes = self.inner.content(from).ok_or_else(missing)?;
        self.inner.remove(path())?;
        let file = self.inner.create(path())?;
        let (first, second) = bytes.split_at(bytes.len() / 2);
        file.append(first)?;
        file.append(second)?;
        file.sync_all()?;
        self.inner.remove(from)
    }
}

impl Disk for Buggy {
    fn identity(&self, path: &Path) -> Result<Option<Identity>> {
        match self.open(path, OpenAs::Side)? {
            Some(file) if path == journal() => Ok(file.identity().ok()),
            _ => self.inner.identity(path),
        }
    }

    fn open(&self, path: &Path, how: OpenAs) -> Result<Option<Box<dyn DiskFile>>> {
        Ok(self.inner.open(path, how)?.map(|inner| self.file(path, inner)))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.catch_up()?;
        Ok(self.file(path, self.inner.create(path)?))
    }

    fn rename(&self, from: &Path, to: &Path, how: Rename) -> io::Result<()> {
        self.catch_up()?;
        self.memory(|memory| memory.renamed = Some(to.to_owned()));
        let is_save = to == path() && self.inner.content(path()).is_some();
        if is_save && matches!(self.bug, Bug::SaveInPlace | Bug::ResetBeforeRename) {
            if how == Rename::Exchange {
                return Err(io::ErrorKind::Unsupported.into());
            }
            if self.bug == Bug::SaveInPlace {
                return self.copy_over(from);
            }
            // Without a journal, there is nothing to reset.
            if self.inner.content(&journal()).is_some() {
                self.memory(|memory| memory.delayed = Some(from.to_owned()));
                return Ok(());
            }
        }
        self.inner.rename(from, to, how)?;
        match self.memory(|memory| memory.delayed.take().filter(|_| to == journal())) {
            Some(from) => self
                .open_folder(path().parent().unwrap())?
                .sync()
                .and_then(|()| self.inner.rename(&from, path(), Rename::Replace)),
            None => Ok(()),
        }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.catch_up()?;
        self.inner.remove(path)
    }

    fn open_folder(&self, path: &Path) -> io::Result<Box<dyn Folder>> {
        Ok(Box::new(BuggyFolder { disk: self.clone(), inner: self.inner.open_folder(path)? }))
    }

    fn make_folder(&self, path: &Path) -> Result<()> {
        self.inner.make_folder(path)
    }

    fn check_writable(&self, path: &Path) -> Result<()> {
        self.inner.check_writable(path)
    }

    fn leftovers(&self, path: &Path) -> Vec<PathBuf> {
        self.inner.leftovers(path)
    }

    fn boot(&self) -> String {
        self.inner.boot()
    }

    fn open_lock(&self, path: &Path, database: Option<Identity>) -> Result<Box<dyn LockFile>> {
        self.inner.open_lock(path, database)
    }
}

#[derive(Debug)]
struct BuggyFolder {
    disk: Buggy,
    inner: Box<dyn Folder>,
}

impl Folder for BuggyFolder {
    fn sync(&self) -> io::Result<()> {
        let (renamed, has_written) = self.disk.memory(|memory| (memory.renamed.clone(), memory.has_written));
        let is_omitted = match self.disk.bug {
            Bug::NoFolderSyncBeforeReset => {
                renamed.as_deref() == Some(path()) && self.disk.inner.content(&journal()).is_some()
            }
            Bug::JournalNameNotSynced => renamed == Some(journal()),
            Bug::RecoveryNotSynced => !has_written,
            _ => false,
        };
        if is_omitted { Ok(()) } else { self.inner.sync() }
    }
}

#[derive(Debug)]
struct BuggyFile {
    disk: Buggy,
    path: PathBuf,
    inner: Box<dyn DiskFile>,
}

impl BuggyFile {
    fn is_journal(&self) -> bool {
        self.path == journal()
    }

    /// The whole file as the engine would see it.
    fn taken(&self) -> io::Result<Vec<u8>> {
        let len = usize::try_from(self.inner.identity()?.len).unwrap();
        let mut bytes = vec![0; len];
        self.inner.read_at(&mut bytes, 0)?;
        let Ok((header, start)) = Header::read(&bytes) else { return Ok(bytes) };
        match self.disk.bug {
            Bug::NoChecksum => {
                let body = sealed(&bytes[start..], header.epoch);
                bytes.truncate(start);
                bytes.extend(body);
            }
            Bug::TailNotCut => {
                let body = Body { bytes: &bytes[start..], epoch: header.epoch, n: header.n };
                if let Ok(replayed) = body.replay(&mut |_, _, _| {}) {
                    bytes.truncate(start + replayed.good);
                }
            }
            _ => {}
        }
        Ok(bytes)
    }
}

impl DiskFile for BuggyFile {
    fn identity(&self) -> io::Result<Identity> {
        let mut identity = self.inner.identity()?;
        if self.is_journal() {
            identity.len = self.taken()?.len() as u64;
        }
        Ok(identity)
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        if !self.is_journal() {
            return self.inner.read_at(buffer, at);
        }
        let bytes = self.taken()?;
        let rest = bytes.get(usize::try_from(at).unwrap()..).unwrap_or_default();
        let len = rest.len().min(buffer.len());
        buffer[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }

    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        self.disk.catch_up()?;
        let is_new_journal = bytes.starts_with(b"{\"rusty-kv-journal\":");
        if !is_new_journal && !self.path.to_string_lossy().contains(".torn") {
            self.disk.memory(|memory| memory.has_written = true);
        }
        // The fold line of a drop names no snapshot.
        let is_fold = bytes.starts_with(b"{\"fold\":{\"stamp\":{\"device\":7");
        match self.disk.bug {
            Bug::StaleAccepted if is_new_journal => {
                let (header, _) = Header::read(bytes).unwrap();
                let text = String::from_utf8(bytes.to_vec()).unwrap();
                let text = text.replacen(&format!("{:016x}", header.epoch), &format!("{:016x}", 0), 1);
                self.inner.append(&sealed(text.as_bytes(), 0))
            }
            Bug::ReplayedTwice if is_fold && self.is_journal() => {
                let mut first = vec![0; 4096];
                let read = self.inner.read_at(&mut first, 0)?;
                let (header, _) = Header::read(&first[..read]).unwrap();
                let text = String::from_utf8(bytes.to_vec()).unwrap();
                let at = text.rfind(",\"n\":").unwrap();
                let text = format!("{},\"n\":{},\"sum\":\"{:016x}\"}}\n", &text[..at], header.n, 0);
                self.inner.append(&sealed(text.as_bytes(), header.epoch))
            }
            _ => self.inner.append(bytes),
        }
    }

    fn append_from(&self, other: &dyn DiskFile, from: u64, to: u64) -> io::Result<()> {
        self.inner.append_from(other, from, to)
    }

    fn again(&self) -> io::Result<Box<dyn DiskFile>> {
        Ok(self.disk.file(&self.path, self.inner.again()?))
    }

    fn cut(&self, len: u64) -> io::Result<()> {
        self.inner.cut(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        match self.disk.bug {
            Bug::NoJournalSync if self.is_journal() => Ok(()),
            Bug::AcknowledgedBeforeSync if self.is_journal() => {
                self.disk.memory(|memory| memory.unsynced = true);
                Ok(())
            }
            _ => self.inner.sync_data(),
        }
    }

    fn sync_all(&self) -> io::Result<()> {
        let is_omitted = match self.disk.bug {
            Bug::NoTempSync => true,
            Bug::RecoveryNotSynced => !self.disk.memory(|memory| memory.has_written),
            _ => false,
        };
        if is_omitted { Ok(()) } else { self.inner.sync_all() }
    }

    fn inherit(&self, from: &dyn DiskFile) -> io::Result<Vec<&'static str>> {
        self.inner.inherit(from)
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.inner.try_lock()
    }

    fn unlock(&self) -> io::Result<()> {
        self.inner.unlock()
    }

    fn real(&self) -> Option<&std::fs::File> {
        None
    }
}

/// The same lines with correct sums, wherever there is something like a sum.
fn sealed(bytes: &[u8], epoch: u64) -> Vec<u8> {
    const SEAL: usize = ",\"sum\":\"0123456789abcdef\"}".len();
    let mut sealed = Vec::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let content =
            line.strip_suffix(b"\n").and_then(|line| line.len().checked_sub(SEAL).map(|len| line.split_at(len)));
        match content {
            Some((content, seal)) if seal.starts_with(b",\"sum\":\"") && seal.ends_with(b"\"}") => {
                sealed.extend_from_slice(content);
                let sum = xxh3_64_with_seed(content, epoch);
                sealed.extend_from_slice(format!(",\"sum\":\"{sum:016x}\"}}\n").as_bytes());
            }
            _ => sealed.extend_from_slice(line),
        }
    }
    sealed
}

/// The first fault that T1 finds in the workload of a seed.
fn found(seed: u64, bug: Option<Bug>) -> Option<String> {
    let ran = match run(&Workload::of(seed), bug) {
        Ok(ran) => ran,
        // A bug that shows without a crash is not a bug of the protocol.
        Err(wrong) => return Some(format!("without a crash: {wrong}")),
    };
    let mut wrong = None;
    for moment in &ran.moments {
        let killed = judge(&moment.killed(), &ran, moment.mark, true);
        wrong = wrong.or_else(|| killed.err().map(|wrong| format!("after a kill: {wrong}")));
    }
    crash(&ran, seed, &mut |moment, crashed| {
        if wrong.is_none() {
            wrong = judge(&crashed.disk, &ran, moment.mark, true).err();
        }
    });
    wrong
}

/// A few seeds are enough for each bug.
const SEEDS: std::ops::Range<u64> = 0..60;

#[test]
fn each_bug_of_the_protocol_is_found() {
    let mut missed = Vec::new();
    for bug in Bug::ALL {
        let by = SEEDS
            .filter_map(|seed| Some((seed, found(seed, Some(bug))?)))
            .find(|(_, wrong)| !wrong.starts_with("without a crash"));
        match by {
            Some((seed, wrong)) => println!("{bug:?}: seed {seed}: {}", wrong.chars().take(160).collect::<String>()),
            None => missed.push((bug, found(0, Some(bug)))),
        }
    }
    assert!(missed.is_empty(), "not found: {missed:?}");
}

#[test]
fn without_a_bug_nothing_is_found() {
    for seed in SEEDS.take(12) {
        for bug in [None, Some(Bug::None)] {
            assert_eq!(found(seed, bug), None, "RUSTY_KV_SEED={seed}");
        }
    }
}
