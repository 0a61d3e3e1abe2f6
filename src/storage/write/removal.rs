//! Removing a database.

use std::path::Path;

use super::temporary::open_folder;
use super::writer::Writer;
use crate::error::{Error, Result};
use crate::storage::Storage;
use crate::storage::files::disk::{self, JOURNAL};
use crate::storage::read::journal::Fold;
use crate::storage::read::view::View;

impl Storage {
    /// Removes the files of the database with the lock held; the lock file remains.
    pub(crate) fn remove_file(&mut self) -> Result<()> {
        self.forget();
        let Some(mut writer) = self.lock()? else {
            self.view = View::empty(Path::new(""));
            return Ok(());
        };
        let removed = writer.remove();
        if removed.is_ok() && writer.store.uncertain.is_none() {
            writer.lock.finish(true);
        }
        let path = writer.path.clone();
        drop(writer);
        match View::pin(&*self.disk, &path) {
            Ok(view) => self.view = view,
            // The removal succeeded, even if the files cannot be examined; the next refresh shows their state.
            Err(_) if removed.is_ok() => self.view = View::empty(&path),
            Err(_) => {}
        }
        removed
    }
}

impl Writer<'_> {
    fn remove(&mut self) -> Result<()> {
        if self.store.view.seen.is_none() {
            return Ok(());
        }
        let path = &self.path.clone();
        let folder = open_folder(&*self.store.disk, path)?;
        // After a crash, a journal without its snapshot would otherwise look like a loss.
        let good = self.store.journal_len();
        if let Some(n) = self.store.view.changes()?.map(|replay| replay.n) {
            self.append_fold(&Fold::nothing(n))?;
        }
        if let Err(source) = self.store.disk.remove(path) {
            // Some file systems report an error although the operation succeeded.
            match self.store.disk.identity(path) {
                Ok(None) => {}
                Ok(Some(_)) => {
                    // Next to a file that is edited later, the changes would seem to belong to a removed one.
                    self.truncate_to(good)?;
                    return Err(disk::write_error("remove", path.to_owned(), source));
                }
                Err(_) => return Err(Error::OutcomeUnknown { path: path.to_owned(), source }),
            }
        }
        disk::sync_name(&*folder, path)?;
        if self.store.view.journal.is_some() || self.store.view.stray.is_some() {
            // It records that nothing is left; the next writer removes it.
            let _ = self.store.disk.remove(&disk::with_suffix(path, JOURNAL)).and_then(|()| folder.sync());
        }
        Ok(())
    }
}
