//! `use`.

use clap::Args;

use super::traits::{CommandArgs, Group, InTransaction, OpenDatabase, Traits};
use super::{Caller, Session, refused};
use crate::shell::answer::code::Reason;
use crate::shell::answer::done::Done;
use crate::shell::answer::reply::{Answer, Failure};
use crate::shell::config::Location;
use crate::shell::text::argument::{DatabaseName, database};
use crate::store::{Store as _, Undoing};

/// Switch to another database
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  use work\n  use ./project.json")]
pub(crate) struct UseArgs {
    /// A name, or a path with a slash or ending in .json or .db
    #[arg(value_name = "NAME", value_parser = database())]
    pub(crate) name: DatabaseName,
}

impl CommandArgs for UseArgs {
    const TRAITS: Traits =
        Traits::changes("use", Group::Database).on(OpenDatabase::Unneeded).in_transaction(InTransaction::AsksAtPrompt);

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let location = session.location.sibling(&self.name).map_or_else(|| Location::of(Some(&self.name)), Ok)?;
        location.check_folder()?;
        let mut db = Undoing::new(session.access.open(&location)?);
        if let Some(question) = session.leaving(&format!("discard them and switch to {}", location.name))
            && !caller.confirm(&question)
        {
            return Ok(refused(Reason::NotConfirmed, format!("Still using {}", session.location.name)));
        }
        if session.db.is_remembering() {
            // Changes here can be undone after switching back to this database.
            let history = session.db.take_history();
            session.undo_histories.insert(session.db.describe().name, history);
            match session.undo_histories.remove(&db.describe().name) {
                Some(history) => db.restore_history(history),
                None => db.remember(),
            }
        }
        session.db = db;
        session.location = location;
        session.absence_noted = false;
        let keys = if session.db.describe().exists { Some(session.db.len()?) } else { None };
        Ok(Done::Using { name: session.location.name.clone(), keys }.into())
    }
}
