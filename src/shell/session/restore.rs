//! A backup in place of the database: restore.

use std::path::Path;

use super::diff::{Differences, no_database};
use super::undo::NO_UNDO;
use super::{Access, Session, keys, refused};
use crate::database::{Database, RestoreStep, Restored};
use crate::error::Error;
use crate::shell::config::{self, Location};
use crate::shell::reply::{Answer, Done, Failure, Field, Reply};

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
        let options = Access { read_only: true, ..self.access }.options();
        let mut backup = options.open(file)?;
        if !backup.is_on_disk() {
            let name = file.to_string_lossy().into_owned();
            return Err(no_database(&Location { name, path: file.to_owned(), named: false }));
        }
        if backup.path() == Some(&path) {
            return Err(Failure::usage(format!("{file:?} is the database itself; nothing was changed")));
        }
        let step = self.restore_step(&backup);
        if self.db.is_remembering()
            && !step.can_be_undone()
            && !confirm(&format!("Replace the database with {}? ({NO_UNDO})", config::short(file)))
        {
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
        Ok(Reply::Done(done.with("keys", Field::Number(count)).with("kept", kept)).into())
    }

    /// What `undo` is to know of a restore; where nothing is remembered, nothing is read for it.
    fn restore_step(&mut self, backup: &Database) -> RestoreStep {
        if !self.db.is_remembering() || self.db.refresh().is_err() {
            return RestoreStep::too_large();
        }
        RestoreStep::of(Differences::between(&self.db, backup)).unwrap_or_else(|_| RestoreStep::too_large())
    }
}
