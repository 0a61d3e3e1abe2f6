//! An unreadable last record of the journal: what is known about it, and what happens to it.
//!
//! A power cut leaves such a record, and so does a bit that flips on disk. The lock's note distinguishes them (see
//! [`Ending`]). A record that was never acknowledged is set aside by the next write. One that was acknowledged is
//! corrupt, and only a repair sets it aside. If neither is known, a message says so.

use std::path::{Path, PathBuf};

use super::writer::Writer;
use crate::error::{Error, Result};
use crate::storage::Storage;
use crate::storage::files::disk;
use crate::storage::files::lock::{self, Ending};
use crate::storage::read::pinned_journal::Journal;

impl Writer<'_> {
    /// Saves the end of the journal to a separate file, unless it was acknowledged. `unfinished` is its state if the
    /// previous writer did not finish.
    pub(crate) fn set_end_aside(&mut self, place: (u64, u64), unfinished: Ending) -> Result<()> {
        let Some(journal) = &self.store.view.journal else { return Ok(()) };
        let noted = self.lock.ending;
        let what = match if noted == Ending::Torn { unfinished } else { noted } {
            Ending::Corrupt => return Err(journal.last_record(place, true)),
            Ending::Torn => ("torn record", "were never acknowledged"),
            Ending::Unknown => ("corrupt record", "may or may not have been acknowledged"),
        };
        let (offset, bytes) = place;
        let aside = self.store.set_aside(journal.path(), &journal.read(offset, offset + bytes)?)?;
        let (what, known) = what;
        self.store.notices.push(format!(
            "warning: the journal ended with a {what}: {bytes} bytes that {known} were moved to {aside:?}"
        ));
        Ok(())
    }

    /// Refuses to write after an unreadable record that was acknowledged, before the note is written; true if it is
    /// unknown whether it was.
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
    /// Saves bytes that are no longer valid to a separate file.
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

    /// Fails if the journal's last record was acknowledged, but is unreadable: the rest is then not the complete
    /// content.
    pub(crate) fn check_acknowledged(&self) -> Result<()> {
        self.view.changes()?;
        match self.bad_end() {
            Some((journal, place, Some(Ending::Corrupt))) => Err(journal.last_record(place, true)),
            _ => Ok(()),
        }
    }

    /// The journal's last record if it is unreadable, and what is known about it. The holder of the lock has decided
    /// that already.
    fn bad_end(&self) -> Option<(&Journal, (u64, u64), Option<Ending>)> {
        let (Some(path), Some(journal), None) = (&self.path, &self.view.journal, &self.held) else { return None };
        let place = journal.bad_end()?;
        let ending = lock::ending(&*self.disk, path, (journal.path(), journal.seen), (journal.header.epoch, place.0));
        Some((journal, place, ending))
    }

    /// Adds a notice about a bad end of the journal, once per state of the journal.
    pub(crate) fn notice_end(&mut self) {
        if self.view.journal.as_ref().is_some_and(|journal| self.end_noticed == Some(journal.seen)) {
            return;
        }
        let Some((journal, place, ending)) = self.bad_end() else { return };
        let (error, seen) = (journal.end_error(place, ending), journal.seen);
        self.notices.extend(error.map(|error| format!("warning: {error}")));
        // While a writer is active, nothing is known; try again later.
        if ending.is_some() {
            self.end_noticed = Some(seen);
        }
    }
}

impl Journal {
    /// The error for a bad end of the journal, unless the end is torn or nothing is known about it.
    pub(crate) fn end_error(&self, place: (u64, u64), ending: Option<Ending>) -> Option<Error> {
        match ending {
            Some(Ending::Corrupt) => Some(self.last_record(place, true)),
            Some(Ending::Unknown) => Some(self.last_record(place, false)),
            Some(Ending::Torn) | None => None,
        }
    }
}
