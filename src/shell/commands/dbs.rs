//! `dbs`.

use std::path::Path;

use clap::Args;

use super::traits::{CommandArgs, Group, OpenDatabase, Traits};
use super::{Caller, Session};
use crate::database::Database;
use crate::error::Error;
use crate::expiry::Timestamp;
use crate::shell::answer::reply::{Answer, Failure, Field, Reply};
use crate::shell::config;
use crate::store::Store as _;

/// List the databases in the config directory, or on the server of the open one
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  dbs\n  dbs -o json")]
pub(crate) struct DbsArgs;

impl CommandArgs for DbsArgs {
    const TRAITS: Traits = Traits::reads_only("dbs", Group::Database).on(OpenDatabase::Unneeded);

    fn run<'s>(self, session: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        if session.location.path().is_none() {
            return on_server(session);
        }
        let dir = config::databases_dir()?;
        let now = session.db.now();
        let rows: Vec<_> = config::database_names()
            .into_iter()
            .filter_map(|name| {
                let path = dir.join(format!("{name}.json"));
                let file = std::fs::metadata(&path).ok()?;
                // Changes since the last save are in the journal.
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
                let is_current = session.location.is_named() && session.location.name == name;
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
}

/// The databases of the server that the open one is on: those with keys, and the open one.
fn on_server(session: &Session) -> Result<Answer<'_>, Failure> {
    let mut siblings = session.db.siblings()?;
    let current = session.location.number();
    if let Some(current) = current.filter(|current| siblings.iter().all(|(number, _)| number != current)) {
        siblings.push((current, 0));
        siblings.sort_unstable();
    }
    let row = |(number, keys): (u32, u64)| {
        vec![Field::Text(number.to_string()), Field::Number(keys), Field::Flag(current == Some(number))]
    };
    let rows = siblings.into_iter().map(row).collect();
    Ok(Reply::Rows { columns: vec!["name", "keys", "current"], rows }.into())
}

/// The number of keys of a database, if that is known without reading a large file.
fn glance(path: &Path) -> Result<Option<u64>, Error> {
    if !Database::opens_at_once(path)? {
        return Ok(None);
    }
    Database::open_read_only(path)?.len().map(Some)
}

/// The problem with a database, without its path.
fn in_short(error: &Error) -> String {
    match error {
        Error::Unreadable { line, column, reason, .. } => format!("corrupt at line {line} column {column}: {reason}"),
        Error::JournalCorrupt { line, reason, .. } => format!("its journal is corrupt at line {line}: {reason}"),
        Error::NewerVersion { .. } => "made by a newer version".to_owned(),
        Error::ForeignJournal { .. } => "its journal belongs to another file".to_owned(),
        Error::Open { source, .. } => crate::error::reason(source),
        Error::Unsuitable { reason, .. } => reason.clone(),
        other => other.to_string(),
    }
}
