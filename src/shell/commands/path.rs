//! `path`.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use clap::Args;

use super::traits::{CommandArgs, Group, OpenDatabase, Traits};
use super::{Caller, Session};
use crate::shell::answer::reply::{Answer, Failure, Reply};
use crate::store::StoreExt as _;
use crate::value::Value;

/// Print the path of the database file
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  path\n  path -o json")]
pub(crate) struct PathArgs;

impl CommandArgs for PathArgs {
    // The path with its links resolved, if the database can be opened.
    const TRAITS: Traits = Traits::reads_only("path", Group::Database).on(OpenDatabase::IfPossible).parsed_alone();

    fn run<'s>(self, session: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let path = match session.location.path() {
            None => session.location.name.clone().into(),
            Some(given) => {
                let found = session.db.path().map(Path::to_owned);
                found.or_else(|| std::path::absolute(given).ok()).unwrap_or_default()
            }
        };
        Ok(Reply::Line(Value::from_bytes(path.as_os_str().as_bytes().to_owned())).into())
    }
}
