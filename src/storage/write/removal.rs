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
    /// Removes the files of the database, under the lock; the lock file stays.
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
            // It is gone, whatever cannot be seen of it; and the next look shows what there is.
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
        // A journal without its snapshot would otherwise be taken for a loss after a crash.
        let good = self.store.journal_len();
        if let Some(n) = self.store.view.changes()?.map(|replay| replay.n) {
            self.append_fold(&Fold::nothing(n))?;
        }
        if let Err(source) = self.store.disk.remove(path) {
            // Some file systems report an error for what they have done.
            match self.store.disk.identity(path) {
                Ok(None) => {}
                Ok(Some(_)) => {
                    // Beside a file that is edited later, the changes would be taken for those of a removed one.
                    self.take_back_to(good)?;
                    return Err(disk::write_error("remove", path.to_owned(), source));
                }
                Err(_) => return Err(Error::OutcomeUnknown { path: path.to_owned(), source }),
            }
        }
        disk::sync_name(&*folder, path)?;
        if self.store.view.journal.is_some() || self.store.view.stray.is_some() {
            // It says that nothing is left; whoever finds it does away with it.
            let _ = self.store.disk.remove(&disk::with_suffix(path, JOURNAL)).and_then(|()| folder.sync());
        }
        Ok(())
    }
}
