//! `clear`.

use clap::Args;

use super::traits::{CommandArgs, Group, Traits};
use super::undo::NO_UNDO;
use super::{Caller, Session, keys, refused};
use crate::shell::answer::code::Reason;
use crate::shell::answer::done::Done;
use crate::shell::answer::reply::{Answer, Failure};
use crate::shell::terminal::interrupt;
use crate::store::Store as _;

/// Delete every key
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  clear\n  clear --yes")]
pub(crate) struct ClearArgs;

impl CommandArgs for ClearArgs {
    const TRAITS: Traits = Traits::changes("clear", Group::Database);

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let count = session.db.len()?;
        let warning = match session.db.files() {
            Some(_) => session.undo_warning("", |_| true)?,
            // What other programs have made goes too, and cannot be put back.
            None => Some(NO_UNDO),
        };
        // Shells have a command of this name that clears the screen.
        let other = caller.at_prompt.then_some("Ctrl-L clears the screen");
        let notes: Vec<&str> = warning.into_iter().chain(other).collect();
        let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join("; ")) };
        let all = if count == 1 { "the only key".to_owned() } else { format!("all {}", keys(count)) };
        if count > 0 && !caller.confirm(&format!("Delete {all}?{notes}")) {
            return Ok(refused(Reason::NotConfirmed, "Nothing was deleted".to_owned()));
        }
        if warning.is_some() {
            session.db.give_consent();
        }
        let deleted = session.db.clear(interrupt::check)?;
        Ok(Done::Cleared { keys: deleted, hint: other.filter(|_| count == 0) }.into())
    }
}
