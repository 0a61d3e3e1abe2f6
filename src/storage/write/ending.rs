//! A last record of the journal that cannot be read: what is known of it, and what becomes of it.
//!
//! A power cut leaves such a record, and so does a disk that flips a bit. The lock's note tells them apart (see
//! [`Ending`]): what was never acknowledged is set aside by the next write; what was acknowledged is corruption, which
//! only a repair sets aside; and where nothing is known, that is said.

use std::path::{Path, PathBuf};

use super::writer::Writer;
use crate::error::{Error, Result};
use crate::storage::Storage;
use crate::storage::files::disk;
use crate::storage::files::lock::{self, Ending};
use crate::storage::read::pinned_journal::Journal;

impl Writer<'_> {
    /// Keeps the end of the journal in a file of its own, unless it was acknowledged. `unfinished` is what it is if the
    /// writer before did not finish.
    pub(crate) fn set_end_aside(&mut self, place: (u64, u64), unfinished: Ending) -> Result<()> {
        let Some(journal) = &self.store.view.journal else { return Ok(()) };
        let noted = self.lock.ending;
        let what = match if noted == Ending::Torn { unfinished } else { noted } {
            Ending::Corrupt => return Err(journal.last_record(place, true)),
            Ending::Torn => ("torn write", "were never acknowledged"),
            Ending::Unknown => ("damaged record", "may or may not have been acknowledged"),
        };
        let (offset, bytes) = place;
        let aside = self.store.set_aside(journal.path(), &journal.read(offset, offset + bytes)?)?;
        let (what, known) = what;
        self.store
            .notices
            .push(format!("warning: the journal ended in a {what}: {bytes} bytes that {known} are now in {aside:?}"));
        Ok(())
    }

    /// Refuses to go on behind a last record that was acknowledged and cannot be read, before anything is noted; true if it
    /// is not known whether it was.
    pub(crate) fn check_end(&mut self) -> Result<bool> {
        let Some(journal) = &self.store.view.journal else { return Ok(false) };
        if self.lock.ending == Ending::Torn || journal.clean_end()?.is_some() {
            return Ok(false);
        }
        if self.lock.ending == Ending::Unknown {
            self.lock.name_boot(String::new());
            return Ok(true);
        }
        self.store.end_noticed = Some(journal.seen);
        Err(journal.last_record(journal.bad_end().unwrap_or_default(), true))
    }
}

impl Storage {
    /// Keeps bytes that no longer count in a file of their own.
    pub(crate) fn set_aside(&self, journal: &Path, bytes: &[u8]) -> Result<PathBuf> {
        let mut path = disk::with_suffix(journal, ".torn");
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| disk::write_error("write", path, source)
        };
        let file = loop {
            match self.disk.create(&path) {
                Ok(file) => break file,
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                    path = disk::with_suffix(journal, &format!(".torn-{:016x}", disk::random()));
                }
                Err(error) => return Err(failed(&path)(error)),
            }
        };
        file.append(bytes).and_then(|()| file.sync_all()).map_err(failed(&path))?;
        Ok(path)
    }

    /// Fails if the journal's last record was acknowledged and cannot be read: what all of the rest gives is not the whole.
    pub(crate) fn check_acknowledged(&self) -> Result<()> {
        self.view.changes()?;
        match self.bad_end() {
            Some((journal, place, Some(Ending::Corrupt))) => Err(journal.last_record(place, true)),
            _ => Ok(()),
        }
    }

    /// The journal's last record if it cannot be read, and what became of it. Who holds the lock has decided that already.
    fn bad_end(&self) -> Option<(&Journal, (u64, u64), Option<Ending>)> {
        let (Some(path), Some(journal), None) = (&self.path, &self.view.journal, &self.held) else { return None };
        let place = journal.bad_end()?;
        let ending = lock::ending(&*self.disk, path, (journal.path(), journal.seen), (journal.header.epoch, place.0));
        Some((journal, place, ending))
    }

    /// What a read has come upon at the journal's end, for a person: once for each state of the journal.
    pub(crate) fn notice_end(&mut self) {
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
}

impl Journal {
    /// What is wrong with its end, unless that is nothing but torn, or cannot be told.
    pub(crate) fn end_error(&self, place: (u64, u64), ending: Option<Ending>) -> Option<Error> {
        match ending {
            Some(Ending::Corrupt) => Some(self.last_record(place, true)),
            Some(Ending::Unknown) => Some(self.last_record(place, false)),
            Some(Ending::Torn) | None => None,
        }
    }
}
