//! `copy-to`: entries of the open database into another, wherever that is.

use clap::Args;

use super::traits::{CommandArgs, Group, InTransaction, Traits};
use super::{Caller, Session};
use crate::database::{Conflict, Existing, Loaded, Loading};
use crate::shell::answer::code::Code;
use crate::shell::answer::done::Done;
use crate::shell::answer::reply::{Answer, Failure, shown};
use crate::shell::answer::status::Status;
use crate::shell::config::Location;
use crate::shell::terminal::interrupt::stoppable;
use crate::shell::terminal::progress;
use crate::shell::text::argument::{DatabaseName, OnConflict, database, glob, on_conflict};
use crate::shell::text::glob::Glob;
use crate::store::{EntryIter, Scan, Store};

/// Copy entries to another database: values and expiries
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "The other database is a name, a path, or a URL such as redis://host or redis+cluster://a:7000,b:7001. A copy into a file is all or nothing. A copy to a server is made in parts: if it fails, what was copied before stays, and --on-conflict skip continues it.\n\nExamples:\n  copy-to ./copy.json user:*\n  copy-to ./copy.json --on-conflict skip"
)]
pub(crate) struct CopyToArgs {
    /// The other database
    #[arg(value_name = "DB", value_parser = database())]
    pub(crate) to: DatabaseName,
    /// Only keys that match: * ? [a-z] [^x] \x
    #[arg(value_name = "GLOB", value_parser = glob())]
    pub(crate) glob: Option<Glob>,
    /// What to do with a key that already exists there
    #[arg(long, value_name = "WHAT", value_parser = on_conflict(), default_value = "replace")]
    pub(crate) on_conflict: OnConflict,
}

impl CommandArgs for CopyToArgs {
    const TRAITS: Traits =
        Traits::changes("copy-to", Group::Transfer).in_transaction(InTransaction::Refused).doing("Copying");

    fn run<'s>(self, session: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let location = Location::of(Some(&self.to))?;
        location.check_folder()?;
        let mut target = session.access.open(&location)?;
        if target.describe() == session.db.describe() {
            return Err(Failure::usage(format!("{} is the open database itself; nothing was copied", location.name)));
        }
        progress::of_keys(session.db.len()?);
        let prefix = self.glob.as_ref().map_or("", Glob::prefix);
        let entries = stoppable(session.db.scan(&Scan::prefix(prefix)), progress::keys);
        let glob = self.glob.as_ref();
        let wanted = entries.filter(|item| match (item, glob) {
            (Ok((key, _)), Some(glob)) => glob.matches(key),
            _ => true,
        });
        let loaded = load(&mut *target, Box::new(wanted), existing(self.on_conflict)?, "copied")?;
        Ok(Answer { notes: target.take_notices(), ..Done::CopiedOut(loaded).into() })
    }
}

/// What happens to keys that already exist.
pub(super) fn existing(on_conflict: OnConflict) -> Result<Existing, Failure> {
    match on_conflict {
        OnConflict::Replace => Ok(Existing::Replaced),
        OnConflict::Skip => Ok(Existing::Kept),
        OnConflict::Fail => Ok(Existing::Refused),
        OnConflict::Merge => Err(Failure::usage("--on-conflict merge works only for files that are imported")),
    }
}

/// Puts entries into a store: all of them or none, if it is in a file; else in parts, so that not all must be in memory.
pub(super) fn load(
    target: &mut dyn Store,
    mut entries: EntryIter<'_>,
    existing: Existing,
    done: &str,
) -> Result<Loaded, Failure> {
    const PART: usize = 10_000;
    let how = Loading { existing, unique: false };
    if target.files().is_some() {
        let loaded = target.load(&mut entries, how, &mut ())?;
        return refuse(&loaded, &format!("nothing was {done}")).map(|()| loaded);
    }
    let mut all = Loaded::default();
    let mut entries = entries.peekable();
    while entries.peek().is_some() {
        let loaded = target.load(&mut entries.by_ref().take(PART), how, &mut ())?;
        refuse(&loaded, &format!("entries before it may have been {done}"))?;
        all.read += loaded.read;
        all.expired += loaded.expired;
        all.entries += loaded.entries;
        all.kept += loaded.kept;
    }
    Ok(all)
}

fn refuse(loaded: &Loaded, rest: &str) -> Result<(), Failure> {
    let Some(Conflict::Exists(key) | Conflict::Repeats(key)) = &loaded.conflict else { return Ok(()) };
    let message = format!("Key '{}' already exists; {rest}", shown(key));
    Err(Failure { status: Status::No, code: Code::Exists, message, key: Some(key.clone()) })
}
