//! A snapshot and the journal that belongs to it: what one look at the disk shows, pinned.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};
use std::path::{Path, PathBuf};

use super::journal::{Body, Damage, Fold, Header, HeaderFault, Stamp, Suspect};
use super::overlay::Overlay;
use super::snapshot::{self, Document, Indexed, Layout, ReadFault, Sums, Unreadable};
use crate::error::{Error, Result};
use crate::storage::files::disk::{self, Disk, DiskFile, Identity, Open};
use crate::storage::files::lock;
#[cfg(feature = "shell")]
use crate::storage::format::record::Glance;
use crate::storage::format::record::{Change, Stored};

pub(crate) use crate::storage::files::disk::JOURNAL;

/// What is below the changes.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one of it for each database")]
pub(crate) enum Base {
    /// In memory: there is no file, or its layout is not the one form.
    Document(Document),
    /// The file is its own index.
    Indexed(Indexed),
}

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
    /// The bytes behind the header, kept while single keys are searched for in them.
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

/// A state of the database as it is on disk.
#[derive(Debug)]
pub(crate) struct View {
    path: PathBuf,
    pub(crate) base: Base,
    /// The snapshot as it was when it was opened; `None` if there is none.
    pub(crate) seen: Option<Identity>,
    pub(crate) journal: Option<Journal>,
    /// A journal that belongs to no snapshot and holds no change; the next save does away with it.
    pub(crate) stray: Option<Identity>,
    /// Whether the base was checked in full because no header vouched for it.
    pub(crate) unpublished: bool,
    /// Whether there is no file yet, or an empty one that was never written to.
    pub(crate) unwritten: bool,
    /// The file of a base in memory, for its lock and attributes.
    file: Option<Box<dyn DiskFile>>,
    /// The snapshot's file as it was when its content was last found to be what was seen.
    intact: Cell<Option<Identity>>,
    /// Whether the snapshot's content was found to be what its layout says, since it was opened.
    pub(crate) sums: Cell<Sums>,
}

/// What another look has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Looked {
    Same,
    Changed,
    /// Somebody has removed the journal of a snapshot that is still there, and with it the changes of so many keys.
    WithoutJournal {
        lost: usize,
    },
}

/// What a look shows to who wants to know what has changed.
#[derive(Debug)]
pub(crate) enum Advance {
    Nothing,
    /// Commits behind those that were seen, and they were taken in: each key, what it held and what it holds.
    Grown(Vec<(Box<str>, Change, Change)>),
    /// Another file is there.
    Renewed,
}

/// How often a look is repeated because a save came between; each save takes longer than a look.
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

    /// The view of a snapshot that was just put in place.
    pub(crate) fn of(path: &Path, file: Box<dyn DiskFile>, seen: Identity, layout: Layout) -> Self {
        let base = Base::Indexed(Indexed::new(file, layout));
        Self { base, seen: Some(seen), unwritten: false, ..Self::empty(path) }
    }

    /// Opens a snapshot and a journal that belong together, looking again if a save comes between.
    pub(crate) fn pin(disk: &dyn Disk, path: &Path) -> Result<Self> {
        for _ in 0..ATTEMPTS {
            if let Some(view) = Self::look(disk, path)? {
                return Ok(view);
            }
        }
        Err(Error::Conflict { path: path.to_owned() })
    }

    /// One look; `None` if something changed meanwhile.
    fn look(disk: &dyn Disk, path: &Path) -> Result<Option<Self>> {
        let journal_path = disk::beside(path, JOURNAL);
        // The journal first: a save puts what a reader needs into the old one before it touches the snapshot.
        let journal = open_journal(disk, &journal_path, path)?;
        let file = disk.open(path, Open::Snapshot)?;
        let seen = file.as_deref().map(DiskFile::identity).transpose();
        let seen = seen.map_err(|source| Error::Open { path: path.to_owned(), source })?;
        let journal = journal.map(|file| Journal::of(file, disk, journal_path.clone(), seen.as_ref())).transpose()?;
        let is_settled = |journal: Option<&Journal>, seen: Option<Identity>| -> Result<bool> {
            let same_journal = disk.identity(&journal_path)? == journal.map(|journal| journal.seen);
            Ok(same_journal && disk.identity(path)? == seen)
        };
        let (Some(file), Some(seen)) = (file, seen) else {
            let mut view = Self::empty(path);
            let Some(journal) = journal else { return Ok(is_settled(None, None)?.then_some(view)) };
            if !is_settled(Some(&journal), None)? {
                return Ok(None);
            }
            if journal.holds_changes()? {
                return Err(Error::Unsuitable { path: path.to_owned(), reason: MISSING.to_owned() });
            }
            view.stray = Some(journal.seen);
            return Ok(Some(view));
        };
        let Some(mut journal) = journal else {
            let view = Self::read_base(path, file, seen)?;
            return Ok(if is_settled(None, Some(seen))? { Some(view) } else { None });
        };
        let view = |file, layout, journal, read| Self {
            journal: Some(journal),
            unpublished: read,
            sums: Cell::new(if read { Sums::Agree } else { Sums::Unread }),
            ..Self::of(path, file, seen, layout)
        };
        if journal.header.stamp == Stamp::of(&seen) {
            let layout = journal.header.layout;
            return Ok(Some(view(file, layout, journal, false)));
        }
        let fold = journal.replay()?.fold;
        if !is_settled(Some(&journal), Some(seen))? {
            return Ok(None);
        }
        // The header does not know this file. A fold line has not seen what time the rename gave it, so an edit that kept
        // its length and time looks the same: only the content tells. It may also be a copy of one of the two; but where their database was removed, only the very
        // file that the removal did not come to.
        let known = [Some((journal.header.layout, journal.through)), fold.map(|fold| (fold.layout, fold.through))];
        let is_same = Stamp { changed: None, ..journal.header.stamp } == Stamp::before_rename(&seen);
        let may_be = is_same || !fold.is_some_and(|fold| fold.is_of_nothing());
        for (layout, through) in known.into_iter().flatten().filter(|_| may_be) {
            let is_copy = layout.length == seen.len
                && snapshot::hash(&*file, &layout).map_err(|fault| fault.error(path, &*file))?;
            if is_copy {
                journal.skip(through);
                return Ok(Some(view(file, layout, journal, true)));
            }
        }
        if journal.holds_changes()? {
            return Err(Error::ForeignJournal { path: path.to_owned(), journal: journal_path });
        }
        let mut view = Self::read_base(path, file, seen)?;
        view.stray = Some(journal.seen);
        Ok(Some(view))
    }

    /// The file that is there under the changes of a journal that belongs to another one. Nobody may be writing.
    pub(crate) fn adopt(disk: &dyn Disk, path: &Path) -> Result<Option<Self>> {
        let Some(file) = disk.open(path, Open::Snapshot)? else { return Ok(None) };
        let seen = file.identity().map_err(|source| Error::Open { path: path.to_owned(), source })?;
        let Some(mut journal) = Journal::open(disk, path, Some(&seen))? else { return Ok(None) };
        let removed = journal.replay()?.fold.filter(Fold::is_of_nothing);
        journal.skip(removed.map_or(0, |fold| fold.through));
        let view = Self { journal: Some(journal), ..Self::read_base(path, file, seen)? };
        if view.is_current(disk)? { Ok(Some(view)) } else { Err(Error::Conflict { path: path.to_owned() }) }
    }

    /// Reads and checks a whole file that nobody vouches for.
    pub(crate) fn read_base(path: &Path, file: Box<dyn DiskFile>, seen: Identity) -> Result<Self> {
        let view = Self { seen: Some(seen), unwritten: false, ..Self::empty(path) };
        // One pass without a map: only what is in another form must be in memory.
        if let Some(layout) = snapshot::check(&*file).map_err(|fault| fault.error(path, &*file))? {
            let sums = Cell::new(Sums::Agree);
            return Ok(Self { unpublished: true, sums, ..Self::of(path, file, seen, layout) });
        }
        let bytes = read_all(&*file, seen.len).map_err(|source| Error::Open { path: path.to_owned(), source })?;
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes).trim_ascii_start();
        if text.is_empty() {
            // An empty file that was never written to is a new database; one that once was is a loss.
            return Ok(Self { unwritten: true, file: Some(file), ..view });
        }
        let document = Document::read(&bytes).map_err(|unreadable| match unreadable {
            Unreadable::Newer => Error::NewerVersion { path: path.to_owned() },
            Unreadable::Fault(fault) => {
                // A file that begins with something else never was a database, with or without a mark.
                let begins_so = text.starts_with(b"{") || fault.at > bytes.len() - text.len();
                let (line, column) = if begins_so { fault.place(&bytes) } else { (1, 1) };
                Error::Damaged { path: path.to_owned(), line, column, syntax: !fault.shape, reason: fault.reason }
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

    /// Fails if an editor has written into the snapshot's file since it was opened: what is read in it from then on is not
    /// what was seen, and may be a mixture. A base in memory stays what it was.
    pub(crate) fn check_intact(&self) -> Result<()> {
        let (Base::Indexed(indexed), Some(seen)) = (&self.base, self.seen) else { return Ok(()) };
        let open_error = |source| Error::Open { path: self.path.clone(), source };
        let now = indexed.file().identity().map_err(open_error)?;
        let known = self.intact.get().unwrap_or(seen);
        if now == known {
            return Ok(());
        }
        // A save takes the name away, which changes a time. Other reasons for that are rare, and the content tells.
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

    /// Fails if all of the snapshot was read and its content is not what its layout says.
    pub(crate) fn check_sums(&self) -> Result<()> {
        match self.sums.get() {
            Sums::Differ => Err(Error::Corrupt { path: self.path.clone() }),
            Sums::Agree | Sums::Unread => Ok(()),
        }
    }

    /// Whether nothing has happened to the files since they were looked at.
    pub(crate) fn is_current(&self, disk: &dyn Disk) -> Result<bool> {
        Ok(lock::files(disk, &self.path)? == self.files_seen())
    }

    /// The files as they were when they were looked at.
    pub(crate) fn files_seen(&self) -> (Option<Identity>, Option<Identity>) {
        (self.seen, self.journal_seen())
    }

    fn journal_seen(&self) -> Option<Identity> {
        self.journal.as_ref().map(|journal| journal.seen).or(self.stray)
    }

    /// Takes in what others wrote.
    pub(crate) fn refresh(&mut self, disk: &dyn Disk) -> Result<Looked> {
        let (snapshot, there) = lock::files(disk, &self.path)?;
        if (snapshot, there) == self.files_seen() {
            return Ok(Looked::Same);
        }
        if let (Some(journal), Some(there)) = (&mut self.journal, there)
            && snapshot == self.seen
            && journal.has_grown(&there)
        {
            journal.grow(there)?;
            return Ok(Looked::Changed);
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
            0 => Looked::Changed,
            lost => Looked::WithoutJournal { lost },
        })
    }

    /// How many keys' changes are gone with a journal that was removed by hand: no save came between, which would have made
    /// another snapshot, and whoever renews a journal takes along what counts in it.
    fn lost_since(&self, old: &Self) -> usize {
        let Some(was) = old.journal.as_ref().filter(|_| self.seen == old.seen) else { return 0 };
        let n = |journal: &Journal| journal.replay().map_or(u64::MAX, |replay| replay.n);
        // Up to one commit is left out where a sync of it has failed.
        let goes_on = |is: &Journal| is.header.epoch == was.header.epoch || n(is).saturating_add(1) >= n(was);
        if self.journal.as_ref().is_some_and(goes_on) {
            return 0;
        }
        was.replay().map_or(0, |replay| replay.overlay.len())
    }

    /// Takes in what others have appended to the journal, and says what that changes.
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

    /// A key's entry, deadline passed or not.
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

    /// What a key's entry is, deadline passed or not; at most `limit` bytes of a value are read from the snapshot.
    #[cfg(feature = "shell")]
    pub(crate) fn glance(&self, key: &str, limit: u64) -> Result<Option<Glance>> {
        if let Some(journal) = &self.journal
            && let Some(change) = journal.get(key)?
        {
            return Ok(change.map(|stored| Glance::of(&stored, limit)));
        }
        match &self.base {
            Base::Document(document) => Ok(document.entries.get(key).map(|stored| Glance::of(stored, limit))),
            Base::Indexed(indexed) => indexed.glance(key, limit).map_err(|fault| self.fault(fault)),
        }
    }

    /// The changes of the journal, all of it read.
    pub(crate) fn changes(&self) -> Result<Option<&Replay>> {
        self.journal.as_ref().map(Journal::replay).transpose()
    }

    /// The error of a fault in the snapshot.
    pub(crate) fn fault(&self, fault: ReadFault) -> Error {
        let is_still = |file: &dyn DiskFile| {
            file.identity().is_ok_and(|now| self.seen.is_some_and(|seen| now.is_same_content(&seen)))
        };
        match self.file() {
            Some(file) if is_still(file) => fault.error(&self.path, file),
            // Somebody is writing into the file.
            _ => Error::Conflict { path: self.path.clone() },
        }
    }
}

pub(crate) const MISSING: &str = "the data file is missing, but its journal holds changes; put the file back, or let `repair` write them into a new one, or `repair --drop-journal` set the journal aside";

impl Journal {
    /// Opens the journal of a snapshot and reads its header.
    pub(crate) fn open(disk: &dyn Disk, database: &Path, snapshot: Option<&Identity>) -> Result<Option<Self>> {
        let path = disk::beside(database, JOURNAL);
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
        let seen = file.identity().map_err(|source| Error::Open { path: path.clone(), source })?;
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
        let read = read_range(&*self.file, from, to);
        read.map_err(|source| Error::Open { path: self.path.clone(), source })
    }

    pub(crate) fn damaged(&self, damage: Damage) -> Error {
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
    fn has_grown(&self, there: &Identity) -> bool {
        there.is_same_file(&self.seen) && there.len >= self.seen.len && there.has_same_rights(&self.seen)
    }

    /// The same file has become longer.
    fn grow(&mut self, there: Identity) -> Result<()> {
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
    fn fresh(&self, there: Identity) -> Result<Overlay> {
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
    fn get(&self, key: &str) -> Result<Option<Change>> {
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

    /// The bytes behind the last commit that counts, as far as a read has come upon them: where they begin, and how many.
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
    disk.open(path, Open::Side).or_else(|error| {
        if let (Ok(Some(there)), Ok(snapshot)) = (disk.identity(path), disk.identity(database)) {
            disk::check_side(disk, path, &there, snapshot.as_ref())?;
        }
        Err(error)
    })
}

fn damaged_header(path: &Path, reason: &str) -> Error {
    Error::JournalDamaged { path: path.to_owned(), line: 1, offset: 0, reason: reason.to_owned(), good_after: 0 }
}

/// A whole file of that length.
pub(crate) fn read_all(file: &dyn DiskFile, length: u64) -> std::io::Result<Vec<u8>> {
    read_range(file, 0, length)
}

fn read_range(file: &dyn DiskFile, from: u64, to: u64) -> std::io::Result<Vec<u8>> {
    let length = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).map_err(|_| std::io::ErrorKind::OutOfMemory)?;
    bytes.resize(length, 0);
    let read = file.read_at(&mut bytes, from)?;
    bytes.truncate(read);
    Ok(bytes)
}
