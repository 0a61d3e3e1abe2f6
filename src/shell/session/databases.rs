//! Commands on whole databases: save, use, dbs, drop, path, clear.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::{Session, keys, refused};
use crate::expiry::Timestamp;
use crate::shell::config::{self, Location};
use crate::shell::reply::{Answer, Done, Failure, Field, Reply};
use crate::shell::status::Status;
use crate::value::Value;

impl Session {
    pub(super) fn save(&mut self, path: Option<&Path>) -> Result<Answer<'_>, Failure> {
        let path = match path {
            Some(path) => {
                config::check_path(path)?;
                self.db.save_to(path)?
            }
            None => {
                self.db.save()?;
                self.db.path().map(Path::to_owned).unwrap_or_default()
            }
        };
        let count = self.db.len()?;
        let done = Done::new(format!("Saved {} to {}", keys(count), config::short(&path)))
            .with("keys", Field::Number(count))
            .with("path", Field::Text(path.to_string_lossy().into_owned()));
        Ok(Reply::Done(done).into())
    }

    pub(super) fn use_database(
        &mut self,
        name: &Path,
        confirm: &mut dyn FnMut(&str) -> bool,
    ) -> Result<Answer<'_>, Failure> {
        let location = Location::of(Some(name.as_os_str()))?;
        let mut db = self.access.open(&location)?;
        if let Some(question) = self.leaving(&format!("forget them and use {}", location.name))
            && !confirm(&question)
        {
            return Ok(refused("not_confirmed", format!("Still using {}", self.location.name)));
        }
        if self.db.is_remembering() {
            db.remember();
        }
        self.db = db;
        self.location = location;
        self.absence_noted = false;
        let state =
            if self.db.is_on_disk() { keys(self.db.len()?) } else { "new, made by the first change".to_owned() };
        let done = Done::new(format!("Using {} ({state})", self.location.name));
        Ok(Reply::Done(done.with("name", Field::Text(self.location.name.clone()))).into())
    }

    pub(super) fn databases<'a>() -> Result<Answer<'a>, Failure> {
        let dir = config::databases_dir()?;
        let rows = config::database_names()
            .into_iter()
            .filter_map(|name| {
                let meta = std::fs::metadata(dir.join(format!("{name}.json"))).ok()?;
                let since = meta.modified().ok()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
                let changed = Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
                Some(vec![Field::Text(name), Field::Bytes(meta.len()), Field::Text(changed.to_string())])
            })
            .collect();
        Ok(Reply::Rows { columns: vec!["name", "size", "changed"], rows }.into())
    }

    pub(super) fn drop_database(
        &mut self,
        name: &Path,
        confirm: &mut dyn FnMut(&str) -> bool,
    ) -> Result<Answer<'_>, Failure> {
        let location = Location::of(Some(name.as_os_str()))?;
        let mut other = self.access.open(&location)?;
        if !other.is_on_disk() {
            let message = format!("There is no database '{}' ({:?})", location.name, location.path);
            return Err(Failure { status: Status::No, code: "not_found", message, key: None });
        }
        let count = other.len()?;
        if count > 0 && !confirm(&format!("Delete the database '{}' with {}?", location.name, keys(count))) {
            return Ok(refused("not_confirmed", "Nothing was deleted".to_owned()));
        }
        other.remove_file()?;
        if std::fs::symlink_metadata(&location.path).is_ok_and(|meta| meta.is_symlink()) {
            // A link to what is gone would only be in the way of the next database of that name.
            std::fs::remove_file(&location.path).map_err(|error| Failure::io("remove", &location.path, &error))?;
        }
        if other.path() == self.db.path() {
            self.db.refresh()?;
            self.db.take_notices();
            if self.db.is_remembering() {
                self.db.remember();
            }
        }
        let done = Done::new(format!("Dropped {} ({})", location.name, keys(count)));
        Ok(Reply::Done(done.with("deleted", Field::Number(count))).into())
    }

    pub(super) fn path(&mut self) -> Answer<'_> {
        let path =
            self.db.path().map_or_else(|| std::path::absolute(&self.location.path).unwrap_or_default(), Path::to_owned);
        Reply::Value(Value::from_bytes(path.as_os_str().as_bytes().to_owned())).into()
    }

    pub(super) fn clear(&mut self, confirm: &mut dyn FnMut(&str) -> bool) -> Result<Answer<'_>, Failure> {
        let count = self.db.len()?;
        if count > 1 && !confirm(&format!("Delete all {}?", keys(count))) {
            return Ok(refused("not_confirmed", "Nothing was deleted".to_owned()));
        }
        let deleted = self.db.transaction(|tx| {
            let mut deleted = 0;
            for key in tx.keys("")? {
                deleted += u64::from(tx.delete(&key)?);
            }
            Ok(deleted)
        })?;
        let done = Done::new(format!("Deleted {}", keys(deleted))).with("deleted", Field::Number(deleted));
        Ok(Reply::Done(done).into())
    }
}
