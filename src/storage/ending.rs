//! A last record of the journal that cannot be read: what is known of it, and what becomes of it.
//!
//! A power cut leaves such a record, and so does a disk that flips a bit. The lock's note tells them apart (see
//! [`Ending`]): what was never acknowledged is set aside by the next write; what was acknowledged is corruption, which
//! only a repair sets aside; and where nothing is known, that is said.

use std::path::Path;

use super::disk;
use super::lock::{self, Doubt, Ending, WritersLock};
use super::repair::Mended;
use super::save;
use super::view::{Journal, View};
use super::{Settings, Store};
use crate::error::{Error, Result};

impl Store {
    /// Keeps the end of the journal in a file of its own, unless it was acknowledged. `unfinished` is what it is if the
    /// writer before did not finish.
    pub(super) fn set_end_aside(&mut self, place: (u64, u64), unfinished: Ending) -> Result<()> {
        let Some(journal) = &self.view.journal else { return Ok(()) };
        let noted = self.lock.as_ref().map_or(Ending::Unknown, |lock| lock.ending);
        let what = match if noted == Ending::Torn { unfinished } else { noted } {
            Ending::Corrupt => return Err(journal.last_record(place, true)),
            Ending::Torn => ("torn write", "were never acknowledged"),
            Ending::Unknown => ("damaged record", "may or may not have been acknowledged"),
        };
        let (offset, bytes) = place;
        let aside = self.set_aside(journal.path(), &journal.read(offset, offset + bytes)?)?;
        let (what, known) = what;
        self.notices
            .push(format!("warning: the journal ended in a {what}: {bytes} bytes that {known} are now in {aside:?}"));
        Ok(())
    }

    /// Refuses to go on behind a last record that was acknowledged and cannot be read, before anything is noted; true if it
    /// is not known whether it was.
    pub(super) fn check_end(&mut self, lock: &mut WritersLock) -> Result<bool> {
        let Some(journal) = &self.view.journal else { return Ok(false) };
        if lock.ending == Ending::Torn || journal.clean_end()?.is_some() {
            return Ok(false);
        }
        if lock.ending == Ending::Unknown {
            lock.name_boot(String::new());
            return Ok(true);
        }
        self.end_noticed = Some(journal.seen);
        Err(journal.last_record(journal.bad_end().unwrap_or_default(), true))
    }

    /// Fails if the journal's last record was acknowledged and cannot be read: what all of the rest gives is not the whole.
    pub(super) fn check_acknowledged(&self) -> Result<()> {
        self.view.changes()?;
        match self.bad_end() {
            Some((journal, place, Some(Ending::Corrupt))) => Err(journal.last_record(place, true)),
            _ => Ok(()),
        }
    }

    /// The journal's last record if it cannot be read, and what became of it. Who holds the lock has decided that already.
    fn bad_end(&self) -> Option<(&Journal, (u64, u64), Option<Ending>)> {
        let (Some(path), Some(journal), None) = (&self.path, &self.view.journal, &self.lock) else { return None };
        let place = journal.bad_end()?;
        let ending = lock::ending(&*self.disk, path, (journal.path(), journal.seen), (journal.header.epoch, place.0));
        Some((journal, place, ending))
    }

    /// What a read has come upon at the journal's end, for a person: once for each state of the journal.
    pub(super) fn notice_end(&mut self) {
        if self.view.journal.as_ref().is_some_and(|journal| self.end_noticed == Some(journal.seen)) {
            return;
        }
        let Some((journal, place, ending)) = self.bad_end() else { return };
        let (error, seen) = (journal.end_error(place, ending), journal.seen);
        self.notices.extend(error.map(|error| format!("warning: {error}")));
        // What cannot be told while somebody writes is looked at again.
        if ending.is_some() {
            self.end_noticed = Some(seen);
        }
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

impl Journal {
    /// What is wrong with its end, unless that is nothing but torn, or cannot be told.
    pub(super) fn end_error(&self, place: (u64, u64), ending: Option<Ending>) -> Option<Error> {
        match ending {
            Some(Ending::Corrupt) => Some(self.last_record(place, true)),
            Some(Ending::Unknown) => Some(self.last_record(place, false)),
            Some(Ending::Torn) | None => None,
        }
    }
}

fn sound(path: std::path::PathBuf) -> Error {
    Error::NothingToRepair { path, reason: "it is sound" }
}
