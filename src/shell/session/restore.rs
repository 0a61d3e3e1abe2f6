//! A backup in place of the database: restore.

use std::path::Path;

use super::diff::no_database;
use super::{Access, Session, keys};
use crate::database::Restored;
use crate::error::Error;
use crate::shell::config::{self, Location};
use crate::shell::reply::{Answer, Done, Failure, Field, Reply};

impl Session {
    pub(super) fn restore(&mut self, file: &Path) -> Result<Answer<'_>, Failure> {
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
        let target = self.access.options().make_folder(self.location.named);
        let Restored { keys: count, kept } = target.restore(&path, &mut backup)?;
        if self.db.path().is_some() {
            self.db.refresh()?;
            self.db.take_notices();
        }
        if self.db.is_remembering() {
            self.db.remember();
        }
        let place = kept.as_deref().map(|kept| format!("; what was there is in {}", config::short(kept)));
        let done = Done::new(format!("Restored {}{}", keys(count), place.unwrap_or_default()));
        let kept = kept.map_or(Field::None, |kept| Field::Text(kept.to_string_lossy().into_owned()));
        let reply = Reply::Done(done.with("keys", Field::Number(count)).with("kept", kept));
        Ok(Answer { notes: backup.take_notices(), ..reply.into() })
    }
}
