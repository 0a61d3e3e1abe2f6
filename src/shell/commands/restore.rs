//! A backup in place of the database: restore.

use std::path::Path;

use super::diff::{Differences, no_database};
use super::undo::NO_UNDO;
use super::{Access, Session, keys, refused};
use crate::database::{Database, RestoreStep, Restored};
use crate::error::Error;
use crate::shell::answer::reply::{Answer, Done, Failure, Field, Reply};
use crate::shell::config::{self, Location};
use crate::shell::terminal::spool;

impl Session {
    pub(super) fn restore(
        &mut self,
        file: &Path,
        confirm: &mut dyn FnMut(&str) -> bool,
    ) -> Result<Answer<'_>, Failure> {
        config::check_path(file)?;
        let path = self.real_path();
        if self.is_read_only() {
            return Err(Error::ReadOnly { path, reason: String::new() }.into());
        }
        let mut backup = self.open_backup(file, &path)?;
        let step = self.restore_step(&backup);
        if !confirm(&self.question(file, &path, backup.len()?, &step)) {
            return Ok(refused("not_confirmed", "Nothing was restored".to_owned()));
        }
        let target = self.access.options().make_folder(self.location.named);
        let Restored { keys: count, kept } = target.restore(&path, &mut backup)?;
        if self.db.path().is_some() {
            self.db.refresh()?;
            self.db.take_notices();
        }
        self.db.give_consent();
        self.db.note_restored(step);
        let place = kept.as_deref().map(|kept| format!("; what was there is in {}", config::short(kept)));
        let done = Done::new(format!("Restored {}{}", keys(count), place.unwrap_or_default()));
        let kept = kept.map_or(Field::None, |kept| Field::Text(kept.to_string_lossy().into_owned()));
        let reply = Reply::Done(done.with("keys", Field::Number(count)).with("kept", kept));
        Ok(Answer { notes: backup.take_notices(), ..reply.into() })
    }

    /// The backup, which must be there and hold something.
    fn open_backup(&self, file: &Path, path: &Path) -> Result<Database, Failure> {
        let options = Access { read_only: true, ..self.access }.options();
        if let Some(spooled) = spool::of(file, self.stdin_is_free)? {
            return Ok(options.open_file(spooled, file)?);
        }
        let backup = options.open(file)?;
        if !backup.is_on_disk() {
            let name = file.to_string_lossy().into_owned();
            return Err(no_database(&Location { name, path: file.to_owned(), named: false }));
        }
        if backup.path() == Some(path) {
            return Err(Failure::usage(format!("{file:?} is the database itself; nothing was changed")));
        }
        if backup.is_blank() {
            let reason = "the file is empty; nothing was restored (`clear` deletes every key)".to_owned();
            return Err(Error::Unsuitable { path: file.to_owned(), reason }.into());
        }
        Ok(backup)
    }

    /// What a person is asked before the backup takes the database's place.
    fn question(&self, file: &Path, path: &Path, count: u64, step: &RestoreStep) -> String {
        let (shown, file) = (config::short(path), config::short(file));
        let old = match self.db.len() {
            Ok(old) if self.db.path() == Some(path) => format!(" ({})", keys(old)),
            // It cannot be read, which may be why it is restored.
            _ => String::new(),
        };
        let undo = if step.can_be_undone() { String::new() } else { format!(" ({NO_UNDO})") };
        format!("Replace {shown}{old} with {file} ({})?{undo}", keys(count))
    }

    /// What `undo` is to know of a restore; where nothing is remembered, nothing is read for it.
    fn restore_step(&mut self, backup: &Database) -> RestoreStep {
        if !self.db.is_remembering() || self.db.refresh().is_err() {
            return RestoreStep::too_large();
        }
        RestoreStep::of(Differences::between(&self.db, backup)).unwrap_or_else(|_| RestoreStep::too_large())
    }
}
