//! Checking both files in full, and the ways out of what is refused. What is damaged is never changed in place.

use std::ffi::OsString;
#[cfg(feature = "shell")]
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{conflict, salvage};
use crate::error::{self, Error, Result};
use crate::expiry::Timestamp;
use crate::storage::files::disk::{self, Disk, DiskFile, Identity, JOURNAL, Open, Rename, Watch, WatchedDisk};
use crate::storage::files::lock::{self, Doubt, Ending, WritersLock};
use crate::storage::format::record::Change;
use crate::storage::read::journal::{Body, Fold, Header, HeaderFault, Stamp};
use crate::storage::read::layers::Layers;
use crate::storage::read::overlay::Sorted;
use crate::storage::read::pinned_journal::{Journal, open_journal};
use crate::storage::read::snapshot::{Document, Unreadable};
use crate::storage::read::view::{self, Base, View};
use crate::storage::write::merge::{self, Below, FoldFault};
use crate::storage::write::save::{self, Built, Temp};
use crate::storage::{EMPTY, Policy, Settings, Store};

/// What a check has found.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// How many entries can be read.
    pub(crate) entries: u64,
    /// How many changes the journal holds that the snapshot lacks.
    pub(crate) changes: u64,
    /// How many bytes behind them do not count.
    pub(crate) torn: u64,
    /// What a writer has left in doubt, in words.
    pub(crate) doubt: Option<String>,
    pub(crate) faults: Vec<Error>,
    /// What is wrong with the end of a journal that is sound up to there.
    pub(crate) end: Option<Error>,
}

/// What a repair has done.
#[derive(Debug)]
pub(crate) struct Mended {
    /// The file that was made.
    pub(crate) path: PathBuf,
    /// How many entries were rescued, or changes applied or set aside.
    pub(crate) count: u64,
    /// What was left out, for a person.
    pub(crate) dropped: Vec<String>,
    /// Whether the journal stands where it stood, with changes that are in the file that was made.
    pub(crate) journal_remains: bool,
    /// Whether the database itself was mended; `path` is what was set aside then.
    pub(crate) in_place: bool,
    /// Whether a checksum did not match, so that a value that was kept may be wrong.
    pub(crate) corrupt: bool,
}

/// So that nothing is over: what is past its deadline can be read all the same.
const ALL: Timestamp = Timestamp::from_millis(0);

/// Both files as they were at one moment. A snapshot is only ever replaced and a journal only appended to, so what was
/// opened stays as it was.
pub(crate) struct Files<'a> {
    disk: &'a dyn Disk,
    path: &'a Path,
    journal_path: PathBuf,
    snapshot: Option<Opened>,
    journal: Option<Opened>,
}

struct Opened {
    file: Box<dyn DiskFile>,
    seen: Identity,
}

/// What can be read, and the places of what cannot.
#[derive(Default)]
struct Rescued {
    document: Document,
    changes: u64,
    dropped: Dropped,
    /// Whether both sides of a merge have deleted what is missing.
    is_conflict: bool,
}

/// Reads and checks everything; changes nothing and takes no lock.
pub(crate) fn check(path: &Path, watch: Option<Watch>) -> Result<Checked> {
    let path = disk::resolve(path)?;
    let Some(watch) = watch else { return Files::open(&disk::Real, &path)?.check() };
    let watched = WatchedDisk { disk: &disk::Real, watch };
    Files::open(&watched, &path).and_then(|files| files.check()).map_err(disk::or_stopped)
}

/// The same for an open file that has no journal; `shown` names it in messages.
#[cfg(feature = "shell")]
pub(crate) fn check_file(file: File, shown: &Path, watch: Option<Watch>) -> Result<Checked> {
    let opened = |disk| -> Result<Checked> {
        let file = disk::opened(file, watch);
        let seen = file.identity().map_err(|source| Error::Open { path: shown.to_owned(), source })?;
        let snapshot = Some(Opened { file, seen });
        Files { disk, path: shown, journal_path: disk::beside(shown, JOURNAL), snapshot, journal: None }.check()
    };
    opened(&disk::Real).map_err(disk::or_stopped)
}

/// Writes all that can be read into a new file beside a damaged one.
///
/// Where nothing is wrong but the journal's last record, that is set aside.
pub(crate) fn salvage(path: &Path, settings: Settings) -> Result<Mended> {
    let path = disk::resolve(path)?;
    let files = Files::open(&disk::Real, &path)?;
    let mut faults = files.check()?.faults;
    if faults.is_empty() {
        return Err(Error::NothingToRepair { path, reason: "it is sound" });
    }
    if matches!(faults[..], [Error::LastRecord { .. }]) {
        return Store::settle_end(&path, settings);
    }
    // Whether another file's changes shall count is not for this to decide, and what is new not for this version.
    let is_foreign = matches!(faults[..], [Error::ForeignJournal { .. }]);
    if is_foreign || faults.iter().any(|fault| matches!(fault, Error::NewerVersion { .. })) {
        let first = faults.iter().position(|fault| matches!(fault, Error::NewerVersion { .. })).unwrap_or(0);
        return Err(faults.swap_remove(first));
    }
    let Rescued { document, dropped, is_conflict, .. } = files.rescue()?;
    if document.entries.is_empty() && document.foreign.is_empty() && !is_conflict {
        let reason = "no entry of it can be read; restore a backup, or remove it to start anew".to_owned();
        return Err(Error::Unsuitable { path, reason });
    }
    let is_corrupt = |fault: &Error| match fault {
        Error::Unsuitable { reason, .. } => reason == CHANGED,
        fault => matches!(fault, Error::Corrupt { .. }),
    };
    let corrupt = faults.iter().any(is_corrupt);
    Ok(Mended { corrupt, ..files.write(&document, dropped)? })
}

impl<'a> Files<'a> {
    pub(crate) fn open(disk: &'a dyn Disk, path: &'a Path) -> Result<Self> {
        let journal_path = disk::beside(path, JOURNAL);
        let opened = |path: &Path, file: Box<dyn DiskFile>| -> Result<Opened> {
            let seen = file.identity().map_err(|source| Error::Open { path: path.to_owned(), source })?;
            Ok(Opened { file, seen })
        };
        for _ in 0..view::ATTEMPTS {
            let journal = open_journal(disk, &journal_path, path)?;
            let journal = journal.map(|file| opened(&journal_path, file)).transpose()?;
            let snapshot = disk.open(path, Open::Snapshot)?.map(|file| opened(path, file)).transpose()?;
            if let Some(journal) = &journal {
                disk::check_side(disk, &journal_path, &journal.seen, snapshot.as_ref().map(|opened| &opened.seen))?;
            }
            if snapshot.is_none() && journal.is_none() {
                return Err(missing(path));
            }
            let files = Self { disk, path, journal_path: journal_path.clone(), snapshot, journal };
            if files.are_still_there()? {
                return Ok(files);
            }
        }
        Err(Error::Conflict { path: path.to_owned() })
    }

    fn are_still_there(&self) -> Result<bool> {
        let is = |path: &Path, opened: &Option<Opened>| -> Result<bool> {
            Ok(self.disk.identity(path)? == opened.as_ref().map(|opened| opened.seen))
        };
        Ok(is(self.path, &self.snapshot)? && is(&self.journal_path, &self.journal)?)
    }

    /// All bytes of a file, as far as it reached when it was opened.
    fn read(path: &Path, opened: &Opened) -> Result<Vec<u8>> {
        let read = disk::read_range(&*opened.file, 0, opened.seen.len);
        read.map_err(|source| Error::Open { path: path.to_owned(), source })
    }

    pub(crate) fn check(&self) -> Result<Checked> {
        let checked = self.check_opened();
        // What an editor has written into the file meanwhile is neither a fault of the old content nor of the new.
        if let Some(Opened { file, seen }) = &self.snapshot {
            let now = file.identity().map_err(|source| Error::Open { path: self.path.to_owned(), source })?;
            if !now.is_same_content(seen) {
                return Err(self.conflict());
            }
        }
        let doubt = lock::left_in_doubt(self.disk, self.path).map(Doubt::meaning);
        let mut checked = checked?;
        checked.faults.extend(checked.end.take());
        checked.faults.extend(self.check_lock().err());
        Ok(Checked { doubt, ..checked })
    }

    /// Fails if the lock file is not one that a writer would trust.
    fn check_lock(&self) -> Result<()> {
        let path = lock::path(self.path);
        let Some(side) = self.disk.identity(&path)? else { return Ok(()) };
        disk::check_side(self.disk, &path, &side, self.snapshot.as_ref().map(|opened| &opened.seen))
    }

    fn check_opened(&self) -> Result<Checked> {
        let mut checked = Checked::default();
        let view = self.check_snapshot(&mut checked)?;
        let journal = self.check_journal(&mut checked)?;
        let mut view = view.filter(|_| checked.faults.is_empty());
        if let Some((journal, fold)) = journal {
            self.check_both(&mut view, journal, fold, &mut checked)?;
        }
        checked.entries = match view {
            Some(view) => count(view)?,
            None => match self.rescue() {
                Ok(rescued) => rescued.document.entries.len() as u64,
                Err(Error::NewerVersion { .. }) => 0,
                Err(error) => return Err(error),
            },
        };
        Ok(checked)
    }

    fn check_snapshot(&self, checked: &mut Checked) -> Result<Option<View>> {
        let Some(opened) = &self.snapshot else { return Ok(None) };
        // The view keeps its file; ours is kept for what may have to be rescued.
        let again = opened.file.again().map_err(|source| Error::Open { path: self.path.to_owned(), source })?;
        match View::read_base(self.path, again, opened.seen) {
            Ok(view) => {
                if view.unwritten && lock::was_written(self.disk, self.path)? {
                    checked.faults.push(Error::Unsuitable { path: self.path.to_owned(), reason: EMPTY.to_owned() });
                }
                Ok(Some(view))
            }
            Err(error @ (Error::Damaged { .. } | Error::NewerVersion { .. })) => {
                checked.faults.push(error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The journal, if it is sound, and its last fold line.
    fn check_journal(&self, checked: &mut Checked) -> Result<Option<(Journal, Option<Fold>)>> {
        let Some(opened) = &self.journal else { return Ok(None) };
        let path = self.journal_path.clone();
        // The one at the path may be another by now.
        let again = opened.file.again().map_err(|source| Error::Open { path: path.clone(), source })?;
        let journal = match Journal::seen(again, path, opened.seen) {
            Ok(journal) => journal,
            Err(error @ (Error::JournalDamaged { .. } | Error::NewerVersion { .. })) => {
                checked.faults.push(error);
                checked.changes = self.rescue().map_or(0, |rescued| rescued.changes);
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        match journal.replay() {
            Ok(replay) => {
                checked.torn = replay.torn;
                let fold = replay.fold;
                if let Some(place) = journal.bad_end() {
                    let ending = lock::ending(
                        self.disk,
                        self.path,
                        (&self.journal_path, opened.seen),
                        (journal.header.epoch, place.0),
                    );
                    checked.end = journal.end_error(place, ending);
                }
                Ok(Some((journal, fold)))
            }
            Err(error @ (Error::JournalDamaged { .. } | Error::NewerVersion { .. })) => {
                checked.faults.push(error);
                checked.changes = self.rescue().map_or(0, |rescued| rescued.changes);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the journal belongs to the snapshot; if so, the view gets it.
    fn check_both(
        &self,
        view: &mut Option<View>,
        mut journal: Journal,
        fold: Option<Fold>,
        checked: &mut Checked,
    ) -> Result<()> {
        let removed = fold.filter(Fold::is_of_nothing).map_or(0, |fold| fold.through);
        let mut through = journal.header.n.max(removed);
        let Some(opened) = &self.snapshot else {
            if journal.holds_changes()? {
                checked.faults.push(Error::Unsuitable { path: self.path.to_owned(), reason: view::MISSING.to_owned() });
            }
            checked.changes = Self::count_changes(&journal, through)?;
            return Ok(());
        };
        let stamp = Stamp::of(&opened.seen);
        let fold = fold.filter(|fold| fold.layout.is_sound());
        let by_fold = fold.filter(|fold| fold.stamp == Stamp::before_rename(&opened.seen));
        let claimed = match by_fold {
            _ if journal.header.stamp == stamp => Some(journal.header.layout),
            Some(fold) => Some(fold.layout),
            None => None,
        };
        let found = view.as_ref().and_then(|view| match &view.base {
            Base::Indexed(indexed) => Some(*indexed.layout()),
            Base::Document(_) => None,
        });
        let is_copy = |layout| found == Some(layout);
        let is_folded = match claimed {
            Some(_) => journal.header.stamp != stamp,
            None => !is_copy(journal.header.layout) && fold.is_some_and(|fold| is_copy(fold.layout)),
        };
        if let (true, Some(fold)) = (is_folded, fold) {
            through = through.max(fold.through);
            journal.skip(through);
        }
        checked.changes = Self::count_changes(&journal, through)?;
        let Some(mut sound) = view.take() else { return Ok(()) };
        if claimed.is_some_and(|layout| found != Some(layout)) {
            checked.faults.push(Error::Unsuitable { path: self.path.to_owned(), reason: CHANGED.to_owned() });
        } else if claimed.is_some() || is_folded || is_copy(journal.header.layout) {
            sound.journal = Some(journal);
            *view = Some(sound);
        } else {
            if journal.holds_changes()? {
                let (path, journal) = (self.path.to_owned(), self.journal_path.clone());
                checked.faults.push(Error::ForeignJournal { path, journal });
            }
            *view = Some(sound);
        }
        Ok(())
    }

    fn count_changes(journal: &Journal, through: u64) -> Result<u64> {
        let bytes = journal.read(journal.start, journal.seen.len)?;
        let mut count = 0;
        let body = Body { bytes: &bytes, epoch: journal.header.epoch, n: journal.header.n };
        let replayed = body.replay(&mut |n, _, _| count += u64::from(n > through));
        replayed.map(|_| count).map_err(|damage| journal.damaged(damage))
    }

    fn rescue(&self) -> Result<Rescued> {
        let mut rescued = Rescued::default();
        if let Some(opened) = &self.snapshot {
            let bytes = Self::read(self.path, opened)?;
            let newer = || Error::NewerVersion { path: self.path.to_owned() };
            rescued.document = match Document::read(&bytes) {
                Ok(document) => document,
                Err(Unreadable::Newer) => return Err(newer()),
                Err(Unreadable::Fault(_)) => {
                    let mut dropped = |place| rescued.dropped.add(false, &bytes, place);
                    rescued.is_conflict = conflict::has_conflict(&bytes);
                    salvage::salvage(&bytes, &mut dropped).ok_or_else(newer)?
                }
            };
        }
        if let Some(opened) = &self.journal {
            let bytes = Self::read(&self.journal_path, opened)?;
            let (changes, fold, n) = salvage_journal(&bytes, &mut rescued.dropped)
                .ok_or_else(|| Error::NewerVersion { path: self.journal_path.clone() })?;
            // What the file has already must not be brought back to what it was before.
            let stamp = self.snapshot.as_ref().map(|opened| Stamp::before_rename(&opened.seen));
            let is_in = |fold: &Fold| fold.is_of_nothing() || Some(fold.stamp) == stamp;
            let through = fold.filter(is_in).map_or(n, |fold| fold.through.max(n));
            for (_, key, change) in changes.into_iter().filter(|(n, ..)| *n > through) {
                rescued.changes += 1;
                match change {
                    Some(stored) => rescued.document.entries.insert(key, stored),
                    None => rescued.document.entries.remove(&key),
                };
            }
        }
        Ok(rescued)
    }

    /// Writes a document into a new file, with the mode of the old.
    fn write(&self, document: &Document, dropped: Dropped) -> Result<Mended> {
        let mut target = repaired(self.path, "");
        let failed = |operation| {
            let target = target.clone();
            move |source| disk::write_error(operation, target, source)
        };
        let folder = save::open_folder(self.disk, self.path)?;
        if self.disk.identity(&target)?.is_none() {
            save::sweep(self.disk, &target);
        }
        let temp = Temp::create(self.disk, &target)?;
        merge::fold(temp.file(), Below::Document(document), &Layers::new([]), ALL).map_err(|fault| match fault {
            FoldFault::Write(source) => failed("write")(source),
            FoldFault::Read(_) | FoldFault::Inconsistent(_) => self.conflict(),
        })?;
        if let Some(like) = self.snapshot.as_ref().or(self.journal.as_ref()) {
            temp.file().inherit(&*like.file).map_err(failed("set the mode of"))?;
        }
        temp.file().sync_all().map_err(failed("sync"))?;
        if !self.are_still_there()? {
            return Err(self.conflict());
        }
        while let Err(error) = save::put_in_place(self.disk, &temp, &target, None, &*folder) {
            if !matches!(error, Error::Conflict { .. }) {
                return Err(error);
            }
            target = repaired(self.path, &format!("-{:016x}", disk::random()));
        }
        temp.keep();
        folder.sync().map_err(|source| Error::OutcomeUnknown { path: target.clone(), source })?;
        let (count, journal_remains) = (document.entries.len() as u64, self.journal.is_some());
        Ok(Mended { path: target, count, dropped: dropped.list(), journal_remains, in_place: false, corrupt: false })
    }

    fn conflict(&self) -> Error {
        Error::Conflict { path: self.path.to_owned() }
    }
}

fn missing(path: &Path) -> Error {
    let source = std::io::Error::new(std::io::ErrorKind::NotFound, "there is no such database");
    Error::Open { path: path.to_owned(), source }
}

/// How many entries a view has, those past their deadline included.
fn count(view: View) -> Result<u64> {
    let (policy, watch) = (Policy::default(), None);
    let settings = Settings { read_only: true, wait: Duration::ZERO, make_folder: false, policy, watch };
    Store { view, ..Store::in_memory(settings) }.count(ALL)
}

const CHANGED: &str = "its content is not what its journal says, although its size and times are: it was changed in place, or by the disk; restore a backup, or let `repair` write what can be read into a new file";

/// The name of a repaired file: `kv.repaired.json`.
fn repaired(path: &Path, random: &str) -> PathBuf {
    let mut name = path.file_stem().map(OsString::from).unwrap_or_default();
    name.push(".repaired");
    name.push(random);
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

type Changes = Vec<(u64, String, Change)>;

/// The changes that can be read in a journal, its last fold line, and the commit that they begin behind. `None`: a newer
/// version made it.
fn salvage_journal(bytes: &[u8], dropped: &mut Dropped) -> Option<(Changes, Option<Fold>, u64)> {
    let (epoch, n, start) = match Header::read(bytes) {
        Ok((header, start)) => (header.epoch, header.n, start),
        Err(HeaderFault::Newer) => return None,
        Err(HeaderFault::Cut | HeaderFault::Damaged(_)) => {
            let end = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |newline| newline + 1);
            dropped.add(true, bytes, 0..end);
            // Without its epoch nothing can be told from rubbish.
            (Header::epoch_in(&bytes[..end]).unwrap_or_default(), 0, end)
        }
    };
    let mut changes = Vec::new();
    let mut sink = |n, key: &str, change| changes.push((n, key.to_owned(), change));
    let body = Body { bytes: &bytes[start..], epoch, n };
    let mut left_out = |place: Range<usize>| dropped.add(true, bytes, place.start + start..place.end + start);
    let fold = body.salvage(&mut sink, &mut left_out);
    Some((changes, fold, n))
}

/// What is left out of a repaired file: the first lines are named, the rest is counted.
#[derive(Debug, Default)]
struct Dropped {
    /// Whether it is of the journal, the number of the line, and what is said of it.
    lines: Vec<(bool, usize, String)>,
    more: u64,
}

impl Dropped {
    const MOST: usize = 100;

    fn add(&mut self, is_journal: bool, bytes: &[u8], place: Range<usize>) {
        let what = if is_journal { "journal " } else { "" };
        if self.lines.len() == Self::MOST {
            self.more += 1;
            return;
        }
        let line = memchr::memchr_iter(b'\n', &bytes[..place.start]).count() + 1;
        let text = &bytes[place];
        // No character takes more than four bytes.
        let text = String::from_utf8_lossy(&text[..text.len().min(160)]);
        self.lines.push((is_journal, line, format!("{what}line {line}: {:?}", error::cut(text.trim()))));
    }

    /// In the order of the files.
    fn list(mut self) -> Vec<String> {
        // A line that a later one replaces is known as dropped only then.
        self.lines.sort_by_key(|&(is_journal, line, _)| (is_journal, line));
        let mut list: Vec<String> = self.lines.into_iter().map(|(.., text)| text).collect();
        if self.more > 0 {
            list.push(format!("and {} more", self.more));
        }
        list
    }
}

impl Store {
    /// A store of the files at `path`, not looked at yet, and the writers' lock.
    pub(crate) fn to_repair(path: &Path, settings: Settings) -> Result<(Self, PathBuf, WritersLock)> {
        let path = disk::resolve(path)?;
        let store = Self { path: Some(path.clone()), ..Self::in_memory(settings) };
        let seen = store.disk.identity(&path)?;
        if seen.is_some() {
            store.disk.check_writable(&path)?;
        }
        if seen.is_none() && store.disk.identity(&disk::beside(&path, JOURNAL))?.is_none() {
            return Err(missing(&path));
        }
        let Settings { wait, watch, .. } = store.settings;
        let newest = &mut || lock::files(&*store.disk, &path);
        let lock = WritersLock::acquire(&*store.disk, &path, seen, (wait, watch), newest)?;
        save::sweep(&*store.disk, &path);
        Ok((store, path, lock))
    }

    /// Applies a foreign journal's changes to the file that is there.
    ///
    /// This is a save, with its order and for its reasons:
    ///
    /// 1. The new snapshot, file and changes, is written to a temporary file and synced. *Crash: a stray file.*
    /// 2. The journal is replaced by its good part with a fold line that names the new snapshot. *Crash: the old file is
    ///    there still, and the journal is as foreign to it as it was; to begin again leads to the same.*
    /// 3. The new snapshot is put in place, and the folder synced. *Crash: the old file, as in 2; or the new one, which the
    ///    fold line knows to contain all changes.*
    ///
    /// So no moment is without the changes, and none takes them for applied that are not. What is left of the journal has
    /// nothing more to say; the next writer renews it if that cannot be done here. Nothing has to be kept aside: the
    /// journal goes only when its changes are in the file.
    pub(crate) fn keep_journal(path: &Path, settings: Settings, now: Timestamp) -> Result<Mended> {
        let (mut store, path, mut lock) = Self::to_repair(path, settings)?;
        let disk = store.disk.clone();
        match View::pin(&*disk, &path) {
            Ok(_) => return Err(Error::NothingToRepair { path, reason: "no journal of another file is there" }),
            Err(Error::ForeignJournal { .. }) => {}
            Err(error) => return Err(error),
        }
        let conflict = || Error::Conflict { path: path.clone() };
        let journal_path = disk::beside(&path, JOURNAL);
        store.view = View::adopt(&*disk, &path)?.ok_or_else(conflict)?;
        let count = store.view.changes()?.map_or(0, |replay| replay.overlay.len() as u64);
        let folder = save::open_folder(&*disk, &path)?;
        let mut notices = Vec::new();
        let temp = Temp::create(&*disk, &path)?;
        let built = store.build(temp, &path, store.view.file(), &Sorted::default(), now, &mut notices)?;
        store.name_fold(&built, lock.doubt, &journal_path)?;
        folder.sync().map_err(|source| Error::Io { operation: "sync", path: journal_path.clone(), source })?;
        let Built { temp, .. } = built;
        let noted = lock.note(false, Doubt::Folder);
        noted.map_err(|source| disk::write_error("lock", path.clone(), source))?;
        save::put_in_place(&*disk, &temp, &path, store.view.seen, &*folder)?;
        lock.hold(temp.keep());
        folder.sync().map_err(|source| Error::OutcomeUnknown { path: path.clone(), source })?;
        lock.finish(false);
        // The next writer does it again.
        if let Ok(view) = View::pin(&*disk, &path) {
            (store.view, store.lock) = (view, Some(lock));
            let _ = store.settle(false);
        }
        Ok(Mended { path, count, dropped: notices, journal_remains: false, in_place: false, corrupt: false })
    }

    /// Replaces the journal by its good part with a fold line of what was built. What is torn is set aside.
    fn name_fold(&self, built: &Built<'_>, doubt: Option<Doubt>, journal_path: &Path) -> Result<()> {
        let failed = |operation| move |source| disk::write_error(operation, journal_path.to_owned(), source);
        let (Some(journal), Some(replay)) = (&self.view.journal, self.view.changes()?) else { return Ok(()) };
        if let Some(Doubt::Journal { epoch, good }) = doubt
            && epoch == journal.header.epoch
            && good < replay.good
        {
            // What stands behind `good` was reported as not stored, and must not come back.
            let reason = "a sync of it has failed, so not all of it counts; `repair --drop-journal` sets it aside";
            return Err(Error::Unsuitable { path: journal_path.to_owned(), reason: reason.to_owned() });
        }
        if replay.torn > 0 {
            let torn = journal.read(replay.good, replay.good + replay.torn)?;
            self.set_aside(journal_path, &torn)?;
        }
        let mut text = journal.read(0, replay.good)?;
        let made = built.temp.file().identity().map_err(failed("write"))?;
        let stamp = Stamp::before_rename(&made);
        Fold { through: built.through, stamp, layout: built.layout }.write(&mut text, journal.header.epoch);
        // After the database, so that the next one finds what is left of it.
        let temp = Temp::create(&*self.disk, self.path.as_deref().unwrap_or(journal_path))?;
        temp.file().append(&text).map_err(failed("write"))?;
        temp.file().inherit(&*journal.file).map_err(failed("set the mode of"))?;
        temp.file().sync_all().map_err(failed("sync"))?;
        self.disk.rename(&temp.path, journal_path, Rename::Replace).map_err(failed("replace"))?;
        temp.keep();
        Ok(())
    }

    /// Gives a journal that cannot be used another name.
    pub(crate) fn drop_journal(path: &Path, settings: Settings) -> Result<Mended> {
        let (store, path, lock) = Self::to_repair(path, settings)?;
        let disk = &*store.disk;
        let journal_path = disk::beside(&path, JOURNAL);
        let is_missing = disk.identity(&path)?.is_none();
        let looked = View::pin(disk, &path).and_then(|view| {
            let journal = view.journal.as_ref().filter(|_| lock.ending != Ending::Torn);
            view.changes()?;
            Ok((
                view.journal.is_some() || view.stray.is_some(),
                journal.is_some_and(|journal| journal.bad_end().is_some()),
            ))
        });
        match looked {
            Ok((_, true)) => {}
            Ok((false, _)) => return Err(Error::NothingToRepair { path, reason: "there is no journal" }),
            Ok((true, _)) => {
                return Err(Error::NothingToRepair {
                    path,
                    reason: "the journal is sound and belongs to the file; `save` puts its changes into the file",
                });
            }
            Err(Error::ForeignJournal { .. } | Error::JournalDamaged { .. }) => {}
            Err(Error::Unsuitable { .. }) if is_missing => {}
            Err(error) => return Err(error),
        }
        let folder = save::open_folder(disk, &path)?;
        let count = match Files::open(disk, &path)? {
            Files { journal: Some(opened), .. } => {
                let bytes = Files::read(&journal_path, &opened)?;
                salvage_journal(&bytes, &mut Dropped::default()).map_or(0, |(changes, ..)| changes.len() as u64)
            }
            Files { journal: None, .. } => return Err(Error::Conflict { path }),
        };
        let aside = loop {
            let aside = disk::beside(&journal_path, &format!(".dropped-{:016x}", disk::random()));
            match disk.rename(&journal_path, &aside, Rename::New) {
                Ok(()) => break aside,
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(disk::write_error("rename", journal_path, source)),
            }
        };
        folder.sync().map_err(|source| Error::OutcomeUnknown { path: journal_path, source })?;
        Ok(Mended { path: aside, count, dropped: Vec::new(), journal_remains: false, in_place: false, corrupt: false })
    }

    /// Sets the end of a journal aside, whatever became of it, so that writing can go on.
    pub(crate) fn settle_end(path: &Path, settings: Settings) -> Result<Mended> {
        let (mut store, path, lock) = Self::to_repair(path, settings)?;
        store.view = View::pin(&*store.disk, &path)?;
        let Some(journal) = &store.view.journal else { return Err(sound(path)) };
        let replay = journal.replay()?;
        let (mut good, bytes, through) = (replay.good, replay.torn, journal.through);
        if bytes == 0 {
            return Err(sound(path));
        }
        store.doubt = lock.doubt;
        store.lock = Some(lock);
        if let Some(Doubt::Journal { epoch, good: synced }) = store.doubt
            && epoch == journal.header.epoch
        {
            good = good.min(synced);
        }
        let record = journal.read(good, journal.seen.len)?;
        let folder = save::open_folder(&*store.disk, &path)?;
        let aside = store.set_aside(journal.path(), &record)?;
        let begins = crate::error::cut(String::from_utf8_lossy(&record[..record.len().min(160)]).trim());
        let dropped = vec![format!("the journal's last {} bytes, which begin with {begins:?}", record.len())];
        let doubt = store.doubt.unwrap_or(Doubt::Unfinished);
        if let Some(lock) = &mut store.lock {
            let noted = lock.note(store.view.unwritten, doubt);
            noted.map_err(|source| disk::write_error("lock", path.clone(), source))?;
        }
        store.sync(&*folder, &path)?;
        let old = store.view.journal.take();
        store.renew(old.as_ref(), through, good, &*folder)?;
        if doubt != Doubt::Folder {
            store.resolve_doubt();
        }
        Ok(Mended { path: aside, count: 0, dropped, journal_remains: false, in_place: true, corrupt: false })
    }
}

fn sound(path: std::path::PathBuf) -> Error {
    Error::NothingToRepair { path, reason: "it is sound" }
}
