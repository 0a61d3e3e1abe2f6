//! Commands on whole databases: save, use, dbs, drop, path, clear.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::undo::NO_UNDO;
use super::{Session, keys, refused};
use crate::database::Database;
use crate::error::Error;
use crate::expiry::Timestamp;
use crate::shell::config::{self, Location};
use crate::shell::interrupt;
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
            None if self.rehearses => self.db.path().map(Path::to_owned).unwrap_or_default(),
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
            // What was done here can be undone once this database is in use again.
            let memory = self.db.take_memory();
            self.memories.extend(self.db.path().map(|path| (path.to_owned(), memory)));
            match db.path().and_then(|path| self.memories.remove(path)) {
                Some(memory) => db.recall(memory),
                None => db.remember(),
            }
        }
        self.db = db;
        self.location = location;
        self.absence_noted = false;
        let state =
            if self.db.is_on_disk() { keys(self.db.len()?) } else { "new, made by the first change".to_owned() };
        let done = Done::new(format!("Using {} ({state})", self.location.name));
        Ok(Reply::Done(done.with("name", Field::Text(self.location.name.clone()))).into())
    }

    pub(super) fn databases(&self) -> Result<Answer<'_>, Failure> {
        let dir = config::databases_dir()?;
        let now = self.db.now();
        let rows: Vec<_> = config::database_names()
            .into_iter()
            .filter_map(|name| {
                let path = dir.join(format!("{name}.json"));
                let file = std::fs::metadata(&path).ok()?;
                // What was changed since the last save stands in the journal.
                let journal = std::fs::metadata(dir.join(format!("{name}.json.journal"))).ok();
                let size = file.len() + journal.as_ref().map_or(0, std::fs::Metadata::len);
                let times = std::iter::once(&file).chain(&journal).filter_map(|meta| meta.modified().ok());
                let since = times.max()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
                let changed = Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
                let (keys, fault) = match glance(&path) {
                    Ok(Some(count)) => (Field::Number(count), None),
                    Ok(None) => (Field::Unknown, None),
                    Err(error) => (Field::Unknown, Some(in_short(&error))),
                };
                let is_current = self.location.named && self.location.name == name;
                Some(vec![
                    Field::Text(name),
                    keys,
                    Field::Bytes(size),
                    Field::Moment(changed, now.since(changed)),
                    Field::Flag(is_current),
                    Field::Fault(fault),
                ])
            })
            .collect();
        let none = rows.is_empty().then(|| format!("there are no databases in {dir:?} yet"));
        let reply = Reply::Rows { columns: vec!["name", "keys", "size", "changed", "current", "error"], rows };
        Ok(Answer { notes: none.into_iter().collect(), ..reply.into() })
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
        let question = format!("Delete the database '{}' with {}? ({NO_UNDO})", location.name, keys(count));
        if count > 0 && !confirm(&question) {
            return Ok(refused("not_confirmed", "Nothing was deleted".to_owned()));
        }
        other.remove_file()?;
        self.memories.retain(|path, _| Some(path.as_path()) != other.path());
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
        Reply::Line(Value::from_bytes(path.as_os_str().as_bytes().to_owned())).into()
    }

    pub(super) fn clear(&mut self, confirm: &mut dyn FnMut(&str) -> bool) -> Result<Answer<'_>, Failure> {
        let count = self.db.len()?;
        let warning = self.undo_warning("", |_| true)?;
        // Shells have a command of this name that clears the screen.
        let other = self.at_prompt.then_some("Ctrl-L clears the screen");
        let notes: Vec<&str> = warning.into_iter().chain(other).collect();
        let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join("; ")) };
        if count > 0 && !confirm(&format!("Delete all {}?{notes}", keys(count))) {
            return Ok(refused("not_confirmed", "Nothing was deleted".to_owned()));
        }
        if warning.is_some() {
            self.db.give_consent();
        }
        let deleted = self.db.transaction(|tx| {
            let mut deleted = 0;
            for key in tx.all_keys("", |_| true, interrupt::check)? {
                interrupt::check()?;
                deleted += u64::from(tx.delete(&key)?);
            }
            Ok(deleted)
        })?;
        let hint = other.filter(|_| count == 0).map(|other| format!(" ({other})")).unwrap_or_default();
        let done = Done::new(format!("Deleted {}{hint}", keys(deleted))).with("deleted", Field::Number(deleted));
        Ok(Reply::Done(done).into())
    }
}

/// How many keys a database has, if that can be told without reading a large file.
fn glance(path: &Path) -> Result<Option<u64>, Error> {
    if !Database::opens_at_once(path)? {
        return Ok(None);
    }
    Database::open_read_only(path)?.len().map(Some)
}

/// What is wrong with a database, without its path, which its name tells.
fn in_short(error: &Error) -> String {
    match error {
        Error::Damaged { line, column, reason, .. } => format!("damaged at line {line} column {column}: {reason}"),
        Error::JournalDamaged { line, reason, .. } => format!("its journal is damaged at line {line}: {reason}"),
        Error::NewerVersion { .. } => "made by a newer version".to_owned(),
        Error::ForeignJournal { .. } => "its journal belongs to another file".to_owned(),
        Error::Open { source, .. } => crate::error::reason(source),
        Error::Unsuitable { reason, .. } => reason.clone(),
        other => other.to_string(),
    }
}
