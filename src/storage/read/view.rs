//! A snapshot and its journal, pinned as they were at one moment.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use super::journal::{Fold, Stamp};
use super::pinned_journal::{Journal, Replay, open_journal};
use super::snapshot::{self, Document, Indexed, Layout, ReadFault, Sums, Unreadable};
use crate::error::{Error, Result};
use crate::json::Fault;
use crate::storage::files::disk::{self, Disk, DiskFile, Identity, JOURNAL, OpenAs};
use crate::storage::files::lock;
use crate::storage::format::record::Seen;
use crate::storage::format::record::{Change, Stored};

/// What the changes are based on.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one per database")]
pub(crate) enum Base {
    /// In memory: there is no file, or it is not in canonical form.
    Document(Document),
    /// The file is its own index.
    Indexed(Indexed),
}

/// The state of the database on disk at one moment.
#[derive(Debug)]
pub(crate) struct View {
    path: PathBuf,
    pub(crate) base: Base,
    /// The snapshot when it was opened; `None` if there is none.
    pub(crate) seen: Option<Identity>,
    pub(crate) journal: Option<Journal>,
    /// A journal without a snapshot and without changes; the next save removes it.
    pub(crate) stray: Option<Identity>,
    /// Whether the base was checked in full because no header confirmed it.
    pub(crate) unpublished: bool,
    /// Whether there is no file yet, or an empty one that was never written to.
    pub(crate) unwritten: bool,
    /// The file of a base in memory, for its lock and attributes.
    file: Option<Box<dyn DiskFile>>,
    /// The file's state when it was last known to have the pinned content.
    intact: Cell<Option<Identity>>,
    /// Whether the snapshot's content has been verified since it was opened.
    pub(crate) sums: Cell<Sums>,
}

/// The result of a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refreshed {
    Same,
    Changed,
    /// The journal was removed while its snapshot remained, and with it the changes of this many keys.
    WithoutJournal {
        lost: usize,
    },
}

/// The result of a refresh for a watcher.
#[derive(Debug)]
pub(crate) enum Advance {
    Nothing,
    /// New commits, which are loaded now: each key with its old and new entry.
    Grown(Vec<(Box<str>, Change, Change)>),
    /// The snapshot was replaced.
    Renewed,
}

/// How often pinning is repeated because a save came in between; a save takes longer than an attempt.
pub(crate) const ATTEMPTS: usize = 1000;

impl View {
    /// The view of a database without a file.
    pub(crate) fn empty(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            base: Base::Document(Document::default()),
            seen: None,
            journal: None,
            stray: None,
            unpublished: false,
            unwritten: true,
            file: None,
            intact: Cell::new(None),
            sums: Cell::new(Sums::Unread),
        }
    }

    /// The view of a snapshot that was just installed.
    pub(crate) fn of(path: &Path, file: Box<dyn DiskFile>, seen: Identity, layout: Layout) -> Self {
        let base = Base::Indexed(Indexed::new(file, layout));
        Self { base, seen: Some(seen), unwritten: false, ..Self::empty(path) }
    }

    /// Opens a snapshot and a journal that belong together, trying again if a save came in between.
    pub(crate) fn pin(disk: &dyn Disk, path: &Path) -> Result<Self> {
        for _ in 0..ATTEMPTS {
            if let Some(view) = Self::try_pin(disk, path)? {
                return Ok(view);
            }
        }
        Err(Error::Conflict { path: path.to_owned() })
    }

    /// One attempt; `None` if something changed during it.
    fn try_pin(disk: &dyn Disk, path: &Path) -> Result<Option<Self>> {
        let journal_path = disk::with_suffix(path, JOURNAL);
        // The journal first: a save writes a fold line to the old one before it replaces the snapshot.
        let journal = open_journal(disk, &journal_path, path)?;
        let file = disk.open(path, OpenAs::Snapshot)?;
        let seen = file.as_deref().map(DiskFile::identity).transpose();
        let seen = seen.map_err(|source| Error::Open { path: path.to_owned(), source })?;
        let journal = journal.map(|file| Journal::of(file, disk, journal_path.clone(), seen.as_ref())).transpose()?;
        let are_unchanged = |journal: Option<&Journal>, seen: Option<Identity>| -> Result<bool> {
            let same_journal = disk.identity(&journal_path)? == journal.map(|journal| journal.seen);
            Ok(same_journal && disk.identity(path)? == seen)
        };
        let (Some(file), Some(seen)) = (file, seen) else {
            let mut view = Self::empty(path);
            let Some(journal) = journal else { return Ok(are_unchanged(None, None)?.then_some(view)) };
            if !are_unchanged(Some(&journal), None)? {
                return Ok(None);
            }
            if journal.holds_changes()? {
                return Err(Error::Unsuitable { path: path.to_owned(), reason: MISSING.to_owned() });
            }
            view.stray = Some(journal.seen);
            return Ok(Some(view));
        };
        let Some(journal) = journal else {
            let view = Self::read_base(path, file, seen)?;
            return Ok(if are_unchanged(None, Some(seen))? { Some(view) } else { None });
        };
        if journal.header.stamp == Stamp::of(&seen) {
            let layout = journal.header.layout;
            return Ok(Some(Self { journal: Some(journal), ..Self::of(path, file, seen, layout) }));
        }
        journal.replay()?;
        if are_unchanged(Some(&journal), Some(seen))? {
            Self::of_other(path, file, seen, journal).map(Some)
        } else {
            Ok(None)
        }
    }

    /// The view of a snapshot that is not the one in the journal's header. A fold line lacks the ctime that the rename
    /// sets, so it does not distinguish an edit that kept length and mtime: the content must match. It may also be a
    /// copy of either snapshot. But if the database was removed, it must be the very file whose removal did not finish.
    fn of_other(path: &Path, file: Box<dyn DiskFile>, seen: Identity, mut journal: Journal) -> Result<Self> {
        let fold = journal.replay()?.fold;
        let known = [Some((journal.header.layout, journal.through)), fold.map(|fold| (fold.layout, fold.through))];
        let is_same = Stamp { changed: None, ..journal.header.stamp } == Stamp::before_rename(&seen);
        let may_be = is_same || !fold.is_some_and(|fold| fold.is_of_nothing());
        for (layout, through) in known.into_iter().flatten().filter(|_| may_be) {
            let is_copy = layout.length == seen.len
                && snapshot::hash(&*file, &layout).map_err(|fault| fault.error(path, &*file))?;
            if is_copy {
                journal.skip(through);
                let (journal, sums) = (Some(journal), Cell::new(Sums::Agree));
                return Ok(Self { journal, unpublished: true, sums, ..Self::of(path, file, seen, layout) });
            }
        }
        if journal.holds_changes()? {
            return Err(Error::ForeignJournal { path: path.to_owned(), journal: journal.path().to_owned() });
        }
        Ok(Self { stray: Some(journal.seen), ..Self::read_base(path, file, seen)? })
    }

    /// The current file, under the changes of a journal that belongs to another one. No writer may be active.
    pub(crate) fn adopt(disk: &dyn Disk, path: &Path) -> Result<Option<Self>> {
        let Some(file) = disk.open(path, OpenAs::Snapshot)? else { return Ok(None) };
        let seen = disk::seen(&*file, path)?;
        let Some(mut journal) = Journal::open(disk, path, Some(&seen))? else { return Ok(None) };
        let removed = journal.replay()?.fold.filter(Fold::is_of_nothing);
        journal.skip(removed.map_or(0, |fold| fold.through));
        let view = Self { journal: Some(journal), ..Self::read_base(path, file, seen)? };
        if view.is_current(disk)? { Ok(Some(view)) } else { Err(Error::Conflict { path: path.to_owned() }) }
    }

    /// Reads and checks a whole file for which there is no layout.
    pub(crate) fn read_base(path: &Path, file: Box<dyn DiskFile>, seen: Identity) -> Result<Self> {
        let view = Self { seen: Some(seen), unwritten: false, ..Self::empty(path) };
        // In one pass without a map: only other layouts must be in memory.
        if let Some(layout) = snapshot::check(&*file).map_err(|fault| fault.error(path, &*file))? {
            let sums = Cell::new(Sums::Agree);
            return Ok(Self { unpublished: true, sums, ..Self::of(path, file, seen, layout) });
        }
        let bytes =
            disk::read_range(&*file, 0, seen.len).map_err(|source| Error::Open { path: path.to_owned(), source })?;
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes).trim_ascii_start();
        if text.is_empty() {
            // An empty file that was never written to is a new database; one that was written to before is a loss.
            return Ok(Self { unwritten: true, file: Some(file), ..view });
        }
        let document = Document::read(&bytes).map_err(|unreadable| match unreadable {
            Unreadable::Newer => Error::NewerVersion { path: path.to_owned() },
            Unreadable::Fault(fault) => {
                // A file that starts with anything else was never a database, with or without a byte order mark.
                let looks_like_json = text.starts_with(b"{") || fault.at > bytes.len() - text.len();
                let (line, column) = if looks_like_json { fault.place(&bytes) } else { (1, 1) };
                Error::Unreadable { path: path.to_owned(), line, column, syntax: !fault.shape, reason: fault.reason }
            }
        })?;
        Ok(Self { base: Base::Document(document), file: Some(file), ..view })
    }

    /// The snapshot's open file, if there is one.
    pub(crate) fn file(&self) -> Option<&dyn DiskFile> {
        match &self.base {
            Base::Indexed(indexed) => Some(indexed.file()),
            Base::Document(_) => self.file.as_deref(),
        }
    }

    /// Fails if an editor has written into the snapshot's file since it was opened: reads would no longer be
    /// consistent. A base in memory is not affected.
    pub(crate) fn check_intact(&self) -> Result<()> {
        let (Base::Indexed(indexed), Some(seen)) = (&self.base, self.seen) else { return Ok(()) };
        let open_error = |source| Error::Open { path: self.path.clone(), source };
        let now = indexed.file().identity().map_err(open_error)?;
        let known = self.intact.get().unwrap_or(seen);
        if now == known {
            return Ok(());
        }
        // A save removes the name, which changes the ctime. There are few other reasons for that, and they require a
        // look at the content.
        let is_intact = now.is_same_content(&seen)
            && (now.changed == known.changed
                || now.links < known.links
                || snapshot::hash(indexed.file(), indexed.layout()).map_err(|fault| self.fault(fault))?);
        if !is_intact {
            return Err(Error::Conflict { path: self.path.clone() });
        }
        self.intact.set(Some(now));
        Ok(())
    }

    /// Fails if all of the snapshot was read and its checksum did not match.
    pub(crate) fn check_sums(&self) -> Result<()> {
        match self.sums.get() {
            Sums::Differ => Err(Error::Corrupt { path: self.path.clone() }),
            Sums::Agree | Sums::Unread => Ok(()),
        }
    }

    /// Whether the files have not changed since the last refresh.
    pub(crate) fn is_current(&self, disk: &dyn Disk) -> Result<bool> {
        Ok(lock::files(disk, &self.path)? == self.files_seen())
    }

    /// The files at the last refresh.
    pub(crate) fn files_seen(&self) -> (Option<Identity>, Option<Identity>) {
        (self.seen, self.journal_seen())
    }

    fn journal_seen(&self) -> Option<Identity> {
        self.journal.as_ref().map(|journal| journal.seen).or(self.stray)
    }

    /// Loads what other processes wrote.
    pub(crate) fn refresh(&mut self, disk: &dyn Disk) -> Result<Refreshed> {
        let (snapshot, there) = lock::files(disk, &self.path)?;
        if (snapshot, there) == self.files_seen() {
            return Ok(Refreshed::Same);
        }
        if let (Some(journal), Some(there)) = (&mut self.journal, there)
            && snapshot == self.seen
            && journal.has_grown(&there)
        {
            journal.grow(there)?;
            return Ok(Refreshed::Changed);
        }
        let newest = Self::pin(disk, &self.path)?;
        let old = std::mem::replace(self, newest);
        if let (Base::Indexed(is), Base::Indexed(was)) = (&self.base, &old.base)
            && self.seen == old.seen
            && is.layout() == was.layout()
            && self.sums.get() == Sums::Unread
        {
            self.sums.set(old.sums.get());
        }
        Ok(match self.lost_since(&old) {
            0 => Refreshed::Changed,
            lost => Refreshed::WithoutJournal { lost },
        })
    }

    /// How many keys' changes were lost with a journal that was removed by hand. A save would have replaced the
    /// snapshot, and a writer that renews a journal keeps its valid commits.
    fn lost_since(&self, old: &Self) -> usize {
        let Some(was) = old.journal.as_ref().filter(|_| self.seen == old.seen) else { return 0 };
        let n = |journal: &Journal| journal.replay().map_or(u64::MAX, |replay| replay.n);
        // A commit is left out if its sync failed.
        let needs_more = |is: &Journal| is.header.epoch == was.header.epoch || n(is).saturating_add(1) >= n(was);
        if self.journal.as_ref().is_some_and(needs_more) {
            return 0;
        }
        was.replay().map_or(0, |replay| replay.overlay.len())
    }

    /// Loads what other processes appended to the journal, and returns the changes.
    pub(crate) fn advance(&mut self, disk: &dyn Disk) -> Result<Advance> {
        let (snapshot, there) = lock::files(disk, &self.path)?;
        if (snapshot, there) == self.files_seen() {
            return Ok(Advance::Nothing);
        }
        let (Some(journal), Some(there)) = (&self.journal, there) else { return Ok(Advance::Renewed) };
        if snapshot != self.seen || !journal.has_grown(&there) {
            return Ok(Advance::Renewed);
        }
        let fresh = journal.fresh(there)?;
        let replaced = |(key, new): (&str, &Change)| {
            let old = self.get(key)?;
            Ok((old != *new).then(|| (key.into(), old, new.clone())))
        };
        let changes = fresh.iter().filter_map(|change| replaced(change).transpose()).collect::<Result<Vec<_>>>()?;
        if let Some(journal) = &mut self.journal {
            journal.grow(there)?;
        }
        Ok(Advance::Grown(changes))
    }

    /// A key's entry, even if it has expired.
    pub(crate) fn get(&self, key: &str) -> Result<Option<Stored>> {
        if let Some(journal) = &self.journal
            && let Some(change) = journal.get(key)?
        {
            return Ok(change);
        }
        match &self.base {
            Base::Document(document) => Ok(document.entries.get(key).cloned()),
            Base::Indexed(indexed) => indexed.get(key).map_err(|fault| self.fault(fault)),
        }
    }

    /// A key's entry, even if it has expired; reads at most `limit` bytes of a value from the snapshot.
    pub(crate) fn glance(&self, key: &str, limit: u64) -> Result<Option<Seen>> {
        if let Some(journal) = &self.journal
            && let Some(change) = journal.get(key)?
        {
            return self.seen_of(change.as_ref(), limit);
        }
        match &self.base {
            Base::Document(document) => self.seen_of(document.entries.get(key), limit),
            Base::Indexed(indexed) => indexed.glance(key, limit).map_err(|fault| self.fault(fault)),
        }
    }

    pub(super) fn seen_of(&self, stored: Option<&Stored>, limit: u64) -> Result<Option<Seen>> {
        stored.map(|stored| Seen::of(stored, limit)).transpose().map_err(|fault| self.corrupt(fault))
    }

    /// The error for a stored value that cannot be decoded; a full read of the file finds its place.
    pub(super) fn corrupt(&self, fault: Fault) -> Error {
        self.fault(ReadFault::Corrupt { at: 0, reason: fault.reason })
    }

    /// The changes of the journal, which is read in full.
    pub(crate) fn changes(&self) -> Result<Option<&Replay>> {
        self.journal.as_ref().map(Journal::replay).transpose()
    }

    /// The error for a fault in the snapshot.
    pub(crate) fn fault(&self, fault: ReadFault) -> Error {
        let is_still = |file: &dyn DiskFile| {
            file.identity().is_ok_and(|now| self.seen.is_some_and(|seen| now.is_same_content(&seen)))
        };
        match self.file() {
            Some(file) if is_still(file) => fault.error(&self.path, file),
            // Another program is writing into the file.
            _ => Error::Conflict { path: self.path.clone() },
        }
    }
}

pub(crate) const MISSING: &str = "the data file is missing, but its journal holds changes; put the file back, run `repair` to write them to a new file, or run `repair --drop-journal` to set the journal aside";
