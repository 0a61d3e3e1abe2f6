//! `restore`: replaces the database with a backup.

use std::path::{Path, PathBuf};

use clap::Args;

use super::diff::{Differences, no_database};
use super::traits::{CommandArgs, Group, InTransaction, OpenDatabase, Traits};
use super::undo::NO_UNDO;
use super::{Access, Caller, Session, keys, refused};
use crate::database::{Database, Restored};
use crate::error::Error;
use crate::shell::answer::code::Reason;
use crate::shell::answer::done::Done;
use crate::shell::answer::reply::{Answer, Failure};
use crate::shell::config::{self, Location};
use crate::shell::terminal::spool;
use crate::shell::text::argument::path;
use crate::store::{RestoreStep, Store as _, StoreExt as _};

/// Replace the database with a backup made by `save FILE`, and keep the old file
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  restore backup.json\n  restore backups/monday.json")]
pub(crate) struct RestoreArgs {
    /// The backup: a file, a pipe, or - for stdin
    #[arg(value_name = "FILE", value_parser = path())]
    pub(crate) file: PathBuf,
}

impl CommandArgs for RestoreArgs {
    const TRAITS: Traits = Traits::changes("restore", Group::Database)
        .on(OpenDatabase::Unneeded)
        .in_transaction(InTransaction::Refused)
        .doing("Restoring");

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let file: &Path = &self.file;
        config::check_path(file)?;
        let path = session.real_path()?;
        if session.is_read_only() {
            return Err(Error::ReadOnly { path, reason: String::new() }.into());
        }
        let mut backup = session.open_backup(file, &path)?;
        let step = session.restore_step(&backup);
        if !caller.confirm(&session.question(file, &path, backup.len()?, &step)) {
            return Ok(refused(Reason::NotConfirmed, "Nothing was restored".to_owned()));
        }
        let target = session.access.options().make_folder(session.location.is_named());
        let Restored { keys: count, kept } = target.restore(&path, &mut backup)?;
        session.db.give_consent();
        session.db.note_restored(step);
        // The backup is in place; the next command reports any problem with it.
        if session.db.path().is_some() && session.db.refresh().is_ok() {
            session.db.take_notices();
        }
        Ok(Answer { notes: backup.take_notices(), ..Done::Restored { keys: count, kept }.into() })
    }
}

impl Session {
    /// The backup, which must exist and must not be empty.
    fn open_backup(&self, file: &Path, path: &Path) -> Result<Database, Failure> {
        let options = Access { read_only: true, ..self.access }.options();
        if let Some(spooled) = spool::of(file, self.stdin_is_free)? {
            return Ok(options.open_file(spooled, file)?);
        }
        let backup = options.open(file)?;
        if !backup.is_on_disk() {
            let name = file.to_string_lossy().into_owned();
            return Err(no_database(&Location::of_file(name, file)));
        }
        if backup.path() == Some(path) {
            return Err(Failure::usage(format!("{file:?} is the database itself; nothing was changed")));
        }
        if backup.is_blank() {
            let reason = "the file is empty, so nothing was restored (`clear` deletes every key)".to_owned();
            return Err(Error::Unsuitable { path: file.to_owned(), reason }.into());
        }
        Ok(backup)
    }

    /// The question before the backup replaces the database.
    fn question(&self, file: &Path, path: &Path, count: u64, step: &RestoreStep) -> String {
        let (shown, file) = (config::short(path), config::short(file));
        let old = match self.db.len() {
            Ok(old) if self.db.path() == Some(path) => format!(" ({})", keys(old)),
            // The database cannot be read, which may be why it is restored.
            _ => String::new(),
        };
        let undo = if step.can_be_undone() { String::new() } else { format!(" ({NO_UNDO})") };
        format!("Replace {shown}{old} with {file} ({})?{undo}", keys(count))
    }

    /// The step that `undo` needs for a restore; if nothing is remembered, nothing is read.
    fn restore_step(&mut self, backup: &Database) -> RestoreStep {
        if !self.db.is_remembering() || self.db.refresh().is_err() {
            return RestoreStep::too_large();
        }
        RestoreStep::of(Differences::between(&self.db, backup)).unwrap_or_else(|_| RestoreStep::too_large())
    }
}
