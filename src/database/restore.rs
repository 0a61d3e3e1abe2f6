//! A backup in place of a database.

use std::path::{Path, PathBuf};

use super::{Database, Options};
use crate::error::{Error, Result};
use crate::storage::Storage;

/// What [`Options::restore`] has done.
#[derive(Debug)]
pub struct Restored {
    /// How many keys there are now.
    pub keys: u64,
    /// Where what was there before is now, if there was anything.
    pub kept: Option<PathBuf>,
}

impl Options {
    /// Puts what another database holds, such as a backup, in the place of the one at `path`, atomically. What was there is
    /// kept beside it, also if it is damaged; then as it is.
    ///
    /// # Errors
    /// As [`Options::open`], but for what is wrong with the content of the files at `path`; and as [`Database::set`].
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let (path, copy) = (folder.path().join("kv.json"), folder.path().join("copy.json"));
    /// use rusty_kv::{Database, Options};
    /// let mut db = Database::open(&path)?;
    /// db.set("a", "1")?;
    /// db.save_to(&copy)?;
    /// db.set("a", "2")?;
    /// let restored = Options::new().restore(&path, &mut Database::open(&copy)?)?;
    /// assert_eq!(Database::open(&path)?.get("a")?, Some("1".into()));
    /// assert_eq!(Database::open(restored.kept.unwrap())?.get("a")?, Some("2".into()));
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn restore(&self, path: impl AsRef<Path>, from: &mut Database) -> Result<Restored> {
        let path = path.as_ref();
        // All of it is read before anything is replaced.
        let mut keys = 0;
        for key in from.iter().keys() {
            key?;
            keys += 1;
        }
        let now = from.now();
        // Damage may show up only when what is there is copied, or its journal is put in order.
        let restored = self.open(path).and_then(|mut db| db.store.must_be_idle()?.restore(&from.store, now));
        let kept = match restored {
            Ok(kept) => kept,
            Err(
                Error::Damaged { .. }
                | Error::JournalDamaged { .. }
                | Error::LastRecord { .. }
                | Error::Corrupt { .. }
                | Error::ForeignJournal { .. }
                | Error::NewerVersion { .. }
                | Error::Unsuitable { .. },
            ) => Some(Storage::restore_damaged(path, &from.store, self.settings.clone(), now)?),
            Err(error) => return Err(error),
        };
        Ok(Restored { keys, kept })
    }
}
