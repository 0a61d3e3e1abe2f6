//! `clear`.

use clap::Args;

use super::del;
use super::traits::{CommandArgs, Group, Traits};
use super::{Confirm, Session, keys, refused};
use crate::shell::answer::reply::{Answer, Failure, Reply};
use crate::shell::terminal::interrupt;
use crate::store::{Store as _, StoreExt as _};

/// Delete every key
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  clear\n  clear --yes")]
pub(crate) struct ClearArgs;

impl CommandArgs for ClearArgs {
    const TRAITS: Traits = Traits::changes("clear", Group::Database);

    fn run<'s>(self, session: &'s mut Session, confirm: &mut Confirm<'_>) -> Result<Answer<'s>, Failure> {
        let count = session.db.len()?;
        let warning = session.undo_warning("", |_| true)?;
        // Shells have a command of this name that clears the screen.
        let other = session.at_prompt.then_some("Ctrl-L clears the screen");
        let notes: Vec<&str> = warning.into_iter().chain(other).collect();
        let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join("; ")) };
        let all = if count == 1 { "the only key".to_owned() } else { format!("all {}", keys(count)) };
        if count > 0 && !confirm(&format!("Delete {all}?{notes}")) {
            return Ok(refused("not_confirmed", "Nothing was deleted".to_owned()));
        }
        if warning.is_some() {
            session.db.give_consent();
        }
        let deleted = session.db.delete_all("", &|_| true, interrupt::check)?;
        let hint = other.filter(|_| count == 0).map(|other| format!(" ({other})")).unwrap_or_default();
        Ok(Reply::Done(del::done(deleted, &hint)).into())
    }
}
