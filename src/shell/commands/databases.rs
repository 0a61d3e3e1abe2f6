//! Commands on whole databases: save, use, dbs, drop, path, clear.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::rc::Rc;

use super::undo::NO_UNDO;
use super::{Session, keys, refused};
use crate::database::Database;
use crate::error::Error;
use crate::expiry::Timestamp;
use crate::shell::answer::reply::{Answer, Done, Failure, Field, Pieces, Reply};
use crate::shell::answer::status::Status;
use crate::shell::config::{self, Location};
use crate::shell::terminal::destination::{self, Descriptor, Open};
use crate::shell::terminal::interrupt;
use crate::shell::terminal::spool;
use crate::storage;
use crate::value::Value;

impl Session {
    pub(super) fn save(
        &mut self,
        path: Option<&Path>,
        confirm: &mut dyn FnMut(&str) -> bool,
    ) -> Result<Answer<'_>, Failure> {
        let path = match path {
            Some(path) => {
                config::check_path(path)?;
                if let Some(descriptor) = Descriptor::named_by(path) {
                    return self.save_into(path, descriptor);
                }
                if let Some(live) = self.live_database(path) {
                    let what = format!("{} is a database in use (it has {live})", config::short(path));
                    if !self.yes && !self.at_prompt {
                        let way_out = "save to another file, or replace it with --yes";
                        return Err(Failure::usage(format!("{what}; nothing was written to it: {way_out}")));
                    }
                    if !confirm(&format!("{what}. Replace it with a copy of this one? This cannot be undone.")) {
                        return Ok(refused("not_confirmed", "Nothing was saved".to_owned()));
                    }
                }
                self.db.save_to(path).map_err(|error| not_a_backup(path, error))?
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

    /// The side file, if there is one, of another database at a path: somebody works on it.
    fn live_database(&self, path: &Path) -> Option<String> {
        let real = path.canonicalize().ok()?;
        if self.db.path() == Some(&real) {
            return None;
        }
        let found = storage::side_files(&real).into_iter().find(|side_file| side_file.exists())?;
        Some(found.file_name()?.to_string_lossy().into_owned())
    }

    /// Writes a snapshot to an open descriptor. It is made in a file without a name first, so that a failure writes none.
    fn save_into(&mut self, path: &Path, descriptor: Descriptor) -> Result<Answer<'_>, Failure> {
        destination::check(path, &self.own_files(), self.yes)?;
        let made = spool::nameless().and_then(|file| Ok((file.try_clone()?, file)));
        let (snapshot, mut file) = made.map_err(|error| Failure::io("write", path, &error))?;
        self.db.write_snapshot(snapshot)?;
        let failed = |error: io::Error| Failure::io("write to", path, &error);
        file.rewind().map_err(failed)?;
        if descriptor == Descriptor::Stdout {
            let write = Box::new(move |to: &mut dyn Write| {
                loop {
                    let piece = piece_of(&mut file)?;
                    if piece.is_empty() {
                        return Ok(Ok(()));
                    }
                    if let Err(error) = to.write_all(&piece) {
                        return Ok(Err(error));
                    }
                }
            });
            return Ok(Reply::Pieces(Pieces { write, notes: Rc::default() }).into());
        }
        if let Some(mut open) = Open::of(path).map_err(failed)? {
            io::copy(&mut file, &mut open).map_err(failed)?;
        }
        let count = self.db.len()?;
        let done = Done::new(format!("Saved {} to {}", keys(count), config::short(path)))
            .with("keys", Field::Number(count))
            .with("path", Field::Text(path.to_string_lossy().into_owned()));
        Ok(Reply::Done(done).into())
    }

    pub(super) fn use_database(
        &mut self,
        name: &OsStr,
        confirm: &mut dyn FnMut(&str) -> bool,
    ) -> Result<Answer<'_>, Failure> {
        let location = Location::of(Some(name))?;
        location.check_folder()?;
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
        name: &OsStr,
        confirm: &mut dyn FnMut(&str) -> bool,
    ) -> Result<Answer<'_>, Failure> {
        let location = Location::of(Some(name))?;
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
        let all = if count == 1 { "the only key".to_owned() } else { format!("all {}", keys(count)) };
        if count > 0 && !confirm(&format!("Delete {all}?{notes}")) {
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

/// The next bytes of a file; nothing at its end.
fn piece_of(file: &mut File) -> Result<Vec<u8>, Failure> {
    let mut piece = Vec::new();
    let read = file.take(64 << 10).read_to_end(&mut piece);
    read.map_err(|error| Failure::io("read", Path::new("a temporary file"), &error))?;
    Ok(piece)
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

/// What keeps a save from replacing a file: one that holds something else is not to be repaired but left alone.
fn not_a_backup(path: &Path, error: Error) -> Failure {
    let is_target = |there: &Path| path.canonicalize().is_ok_and(|path| path == there);
    match &error {
        Error::Damaged { path: there, .. } if is_target(there) => {
            let message = format!(
                "{} exists and cannot be read as a database; nothing was written to it: save to another file, or remove it first",
                config::short(path)
            );
            Failure { message, ..error.into() }
        }
        _ => error.into(),
    }
}
