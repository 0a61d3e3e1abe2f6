//! `save`.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use clap::Args;

use super::traits::{CommandArgs, Group, InTransaction, Traits};
use super::{Caller, Session, refused};
use crate::error::Error;
use crate::shell::answer::code::Reason;
use crate::shell::answer::done::Done;
use crate::shell::answer::reply::{Answer, Failure, Pieces, Reply};
use crate::shell::config;
use crate::shell::terminal::destination::{self, Descriptor, SpecialFile};
use crate::shell::terminal::spool;
use crate::shell::text::argument::path;
use crate::storage;
use crate::store::{Store as _, StoreExt as _};

/// Write pending changes to the database file, or a copy to PATH
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "An existing backup at PATH is replaced; a database in use (one with side files) only with --yes.\n\nExamples:\n  save\n  save backup.json"
)]
pub(crate) struct SaveArgs {
    /// The file to write a copy to
    #[arg(value_name = "PATH", value_parser = path())]
    pub(crate) path: Option<PathBuf>,
}

impl CommandArgs for SaveArgs {
    const TRAITS: Traits = Traits::changes("save", Group::Database)
        .also_named(&["flush"])
        .in_transaction(InTransaction::Refused)
        .doing("Saving");

    fn traits(&self) -> Traits {
        let is_copy = self.path.is_some();
        if is_copy { Self::TRAITS } else { Self::TRAITS.in_transaction(InTransaction::AllowedInDryRun) }
    }

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let path = match self.path.as_deref() {
            Some(path) => {
                config::check_path(path)?;
                if let Some(descriptor) = Descriptor::named_by(path) {
                    return session.save_into(path, descriptor, caller.yes);
                }
                if let Some(live) = session.live_database(path) {
                    let what = format!("{} is a database in use (with {live})", config::short(path));
                    if !caller.yes && !caller.at_prompt {
                        let way_out = "save to another file, or use --yes to replace it";
                        return Err(Failure::usage(format!("{what}; nothing was written to it: {way_out}")));
                    }
                    if !caller
                        .confirm(&format!("{what}. Replace it with a copy of this database? This cannot be undone."))
                    {
                        return Ok(refused(Reason::NotConfirmed, "Nothing was saved".to_owned()));
                    }
                }
                session.files()?.save_to(path).map_err(|error| not_a_backup(path, error))?
            }
            None if caller.mode.is_rehearsal() => session.db.path().map(Path::to_owned).unwrap_or_default(),
            None => {
                session.files()?.save()?;
                session.db.path().map(Path::to_owned).unwrap_or_default()
            }
        };
        Ok(Done::Saved { keys: session.db.len()?, path }.into())
    }
}

impl Session {
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
    fn save_into(&mut self, path: &Path, descriptor: Descriptor, yes: bool) -> Result<Answer<'_>, Failure> {
        destination::check(path, &self.own_files(), yes)?;
        let made = spool::nameless().and_then(|file| Ok((file.try_clone()?, file)));
        let (snapshot, mut file) = made.map_err(|error| Failure::io("write", path, &error))?;
        self.files()?.write_snapshot(snapshot)?;
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
        if let Some(mut open) = SpecialFile::of(path).map_err(failed)? {
            io::copy(&mut file, &mut open).map_err(failed)?;
        }
        Ok(Done::Saved { keys: self.db.len()?, path: path.to_owned() }.into())
    }
}

/// The next bytes of a file; nothing at its end.
fn piece_of(file: &mut File) -> Result<Vec<u8>, Failure> {
    let mut piece = Vec::new();
    let read = file.take(64 << 10).read_to_end(&mut piece);
    read.map_err(|error| Failure::io("read", Path::new("a temporary file"), &error))?;
    Ok(piece)
}

/// What keeps a save from replacing a file: one that holds something else is not to be repaired but left alone.
fn not_a_backup(path: &Path, error: Error) -> Failure {
    let is_target = |there: &Path| path.canonicalize().is_ok_and(|path| path == there);
    match &error {
        Error::Unreadable { path: there, .. } if is_target(there) => {
            let message = format!(
                "{} exists and cannot be read as a database; nothing was written to it: save to another file, or remove it first",
                config::short(path)
            );
            Failure { message, ..error.into() }
        }
        _ => error.into(),
    }
}
