//! `drop`.

use clap::Args;

use super::traits::{CommandArgs, Group, InTransaction, OpenDatabase, Traits};
use super::undo::NO_UNDO;
use super::{Caller, Session, keys, refused};
use crate::shell::answer::code::{Code, Reason};
use crate::shell::answer::done::Done;
use crate::shell::answer::reply::{Answer, Failure};
use crate::shell::answer::status::Status;
use crate::shell::config::Location;
use crate::shell::text::argument::{DatabaseName, database};
use crate::store::{Store as _, StoreExt as _};

/// Delete a database and its file
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  drop scratch\n  drop scratch --yes")]
pub(crate) struct DropArgs {
    /// The name of the database
    #[arg(value_name = "NAME", value_parser = database())]
    pub(crate) name: DatabaseName,
}

impl CommandArgs for DropArgs {
    const TRAITS: Traits =
        Traits::changes("drop", Group::Database).on(OpenDatabase::Unneeded).in_transaction(InTransaction::Refused);

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let location = Location::of(Some(&self.name))?;
        let mut other = session.access.open_file(&location)?;
        let path = location.file()?;
        if !other.is_on_disk() {
            let message = format!("there is no database '{}' ({:?})", location.name, path);
            return Err(Failure { status: Status::No, code: Code::NotFound, message, key: None });
        }
        let count = other.len()?;
        let question = format!("Delete the database '{}' with {}? ({NO_UNDO})", location.name, keys(count));
        if count > 0 && !caller.confirm(&question) {
            return Ok(refused(Reason::NotConfirmed, "Nothing was deleted".to_owned()));
        }
        other.remove_file()?;
        session.undo_histories.remove(&other.describe().name);
        if std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink()) {
            // A link to what is gone would only be in the way of the next database of that name.
            std::fs::remove_file(path).map_err(|error| Failure::io("remove", path, &error))?;
        }
        if other.path() == session.db.path() {
            session.db.refresh()?;
            session.db.take_notices();
            if session.db.is_remembering() {
                session.db.remember();
            }
        }
        Ok(Done::Dropped { name: location.name, keys: count }.into())
    }
}
