//! `redo`: what was undone is made again, and named.

use clap::Args;

use super::traits::{CommandArgs, Group, InTransaction, Traits};
use super::undo::question;
use super::{Caller, Session, refused};
use crate::shell::answer::code::Reason;
use crate::shell::answer::done::Done;
use crate::shell::answer::reply::{Answer, Failure};
use crate::shell::answer::status::Status;
use crate::shell::text::argument::steps;
use crate::store::{Store as _, UndoEnd};

/// Redo the last undone change, or the last N
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "redo reverts an undo, and another undo reverts the redo. After a new change there is nothing to redo. If another program has changed a key since, redo asks first (-y answers yes). In an open transaction, redo works on its own commands.\n\nExamples:\n  redo\n  redo 3"
)]
pub(crate) struct RedoArgs {
    /// How many changes
    #[arg(value_name = "N", value_parser = steps(), default_value = "1", hide_default_value = true)]
    pub(crate) n: usize,
}

impl CommandArgs for RedoArgs {
    const TRAITS: Traits = Traits::changes("redo", Group::Processes).in_transaction(InTransaction::RefusedInDryRun);

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let Self { n } = self;
        if !caller.at_prompt || !session.db.is_remembering() {
            return Err(Failure::usage("`redo` is for the prompt"));
        }
        let in_transaction = session.db.is_in_transaction();
        let masks = caller.masks.clone().unwrap_or_default();
        let undone = session.db.redo(n, &mut |foreign| caller.confirm(&question("Redo", foreign, &masks)))?;
        if undone.steps == 0 {
            return Ok(nothing(undone.end, in_transaction));
        }
        let note = match undone.end {
            None => None,
            Some(UndoEnd::Nothing | UndoEnd::Forgotten) => Some("There is nothing more to redo".to_owned()),
            Some(UndoEnd::TooLarge) => Some("The next change is too large to redo".to_owned()),
            Some(UndoEnd::Refused) => Some("The next change was not redone".to_owned()),
        };
        let status = if undone.end == Some(UndoEnd::Refused) { Status::No } else { Status::Done };
        let done = Done::Redone { undone, is_counted: n > 1, now: session.db.now() };
        Ok(Answer { status, notes: note.into_iter().collect(), ..done.into() })
    }
}

/// The answer if no step was made again.
fn nothing<'a>(end: Option<UndoEnd>, in_transaction: bool) -> Answer<'a> {
    let (reason, note) = match end {
        Some(UndoEnd::Refused) => (Reason::NotConfirmed, "Nothing was redone"),
        Some(UndoEnd::TooLarge) => {
            (Reason::TooLarge, "The change is too large to redo (redo remembers at most 64 MiB)")
        }
        _ if in_transaction => (Reason::Nothing, "Nothing to redo in this transaction"),
        _ => (Reason::Nothing, "Nothing to redo"),
    };
    refused(reason, note.to_owned())
}
