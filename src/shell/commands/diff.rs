//! `diff`: compares two databases.

use std::cmp::Ordering;
use std::ffi::OsStr;
use std::iter::Peekable;
use std::path::Path;

use clap::Args;

use super::traits::{CommandArgs, Group, OpenDatabase, Traits};
use super::{Access, Caller, Session};
use crate::database::Difference;
use crate::error::Error;
use crate::shell::answer::code::Code;
use crate::shell::answer::reply::{Answer, DifferenceStream, Failure, Reply};
use crate::shell::answer::status::Status;
use crate::shell::config::Location;
use crate::shell::terminal::interrupt::{Stoppable, stoppable};
use crate::shell::terminal::progress;
use crate::shell::terminal::spool;
use crate::shell::text::argument::{DatabaseName, database};
use crate::store::{EntryIter, Scan, Store};

/// Compare two databases by key (status 1 if they differ)
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "Each key that differs is one line: + is only in B, - is only in A, ~ has another value or expiry.\n\nExamples:\n  diff backup.json\n  diff old.json new.json"
)]
pub(crate) struct DiffArgs {
    /// A database: a name, a path with a slash or ending in .json or .db, a pipe, or - for stdin
    #[arg(value_name = "A", value_parser = database())]
    pub(crate) a: DatabaseName,
    /// The other database (default: the open one)
    #[arg(value_name = "B", value_parser = database())]
    pub(crate) b: Option<DatabaseName>,
}

impl CommandArgs for DiffArgs {
    const TRAITS: Traits = Traits::reads_only("diff", Group::Database).doing("Comparing");

    fn traits(&self) -> Traits {
        if self.b.is_some() { Self::TRAITS.on(OpenDatabase::Unneeded) } else { Self::TRAITS }
    }

    fn run<'s>(self, session: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let (a, b) = (&*self.a, self.b.as_deref());
        // Opening a database only to read it must create no files.
        let access = Access { read_only: true, ..session.access };
        let stdin_is_free = session.stdin_is_free;
        let open = |name: &OsStr| {
            if let Some(file) = spool::of(Path::new(name), stdin_is_free)? {
                return Ok(Box::new(access.options().open_file(file, Path::new(name))?) as Box<dyn Store>);
            }
            let location = Location::of(Some(name))?;
            let db = access.open(&location)?;
            if db.describe().exists { Ok(db) } else { Err(no_database(&location)) }
        };
        session.others = [Some(a), b].into_iter().flatten().map(open).collect::<Result<_, Failure>>()?;
        if b.is_none() && !session.db.describe().exists {
            return Err(no_database(&session.location));
        }
        let new = session.others.get(1).map_or(&session.db as &dyn Store, |b| &**b);
        let old = &*session.others[0];
        progress::of_keys(old.len()?);
        let mut differences = Differences::between(old, new).peekable();
        let status = if differences.peek().is_none() { Status::Done } else { Status::No };
        Ok(Answer { status, ..Reply::Changes(DifferenceStream::of(differences)).into() })
    }
}

/// The failure of a command on a database that does not exist.
pub(super) fn no_database(location: &Location) -> Failure {
    let message = format!("there is no database '{}' ({:?})", location.name, location.path().unwrap_or(Path::new("")));
    Failure { status: Status::Database, code: Code::CannotOpen, message, key: None }
}

/// The differences between two sorted streams.
pub(super) struct Differences<'a> {
    old: Peekable<Stoppable<EntryIter<'a>>>,
    new: Peekable<EntryIter<'a>>,
    /// The error that one of the files is corrupt, reported after the last difference.
    corrupt: Option<Error>,
}

impl<'a> Differences<'a> {
    pub(super) fn between(old: &'a dyn Store, new: &'a dyn Store) -> Self {
        let (old, new) = (old.scan(&Scan::default()), new.scan(&Scan::default()));
        Self { old: stoppable(old, progress::keys).peekable(), new: new.peekable(), corrupt: None }
    }
}

impl Iterator for Differences<'_> {
    type Item = Result<Difference, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let is_corrupt = |item: &crate::Result<_>| matches!(item, Err(Error::Corrupt { .. }));
            let corrupt = self.old.next_if(is_corrupt).or_else(|| self.new.next_if(is_corrupt));
            if let Some(Err(error)) = corrupt {
                self.corrupt.get_or_insert(error);
                continue;
            }
            let order = match (self.old.peek(), self.new.peek()) {
                (None, None) => return self.corrupt.take().map(|error| Err(error.into())),
                (Some(Err(_)), _) | (Some(_), None) => Ordering::Less,
                (_, Some(Err(_))) | (None, Some(_)) => Ordering::Greater,
                (Some(Ok((old, _))), Some(Ok((new, _)))) => old.cmp(new),
            };
            let old = if order == Ordering::Greater { None } else { self.old.next() };
            let new = if order == Ordering::Less { None } else { self.new.next() };
            let (old, new) = match (old.transpose(), new.transpose()) {
                (Ok(old), Ok(new)) => (old, new),
                (Err(error), _) | (_, Err(error)) => return Some(Err(error.into())),
            };
            let key = old.as_ref().or(new.as_ref()).map(|(key, _)| key.clone()).unwrap_or_default();
            let (old, new) = (old.map(|(_, entry)| entry), new.map(|(_, entry)| entry));
            if old != new {
                return Some(Ok(Difference { key, old, new }));
            }
        }
    }
}
