//! `begin`, `commit` and `rollback`.

use clap::Args;

use super::traits::{CommandArgs, Group, InTransaction, NotIn, Traits};
use super::undo::NO_UNDO;
use super::{Caller, Session, changes, refused};
use crate::shell::answer::code::Reason;
use crate::shell::answer::done::Done;
use crate::shell::answer::reply::{Answer, Failure};
use crate::store::Store as _;

/// Begin a transaction; `commit` makes all of its changes or none
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  begin\n  begin -o json")]
pub(crate) struct BeginArgs;

impl CommandArgs for BeginArgs {
    const TRAITS: Traits = Traits {
        not_in: NotIn::OneShot("a transaction needs the prompt or a script (see --atomic)"),
        ..Traits::changes("begin", Group::Processes).also_named(&["multi"]).in_transaction(InTransaction::Controls)
    };

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        caller.mode.begin(&mut session.db)?;
        Ok(Done::Begun.into())
    }
}

/// Commit the transaction, unless another process changed what it read or wrote
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  commit\n  commit -o json")]
pub(crate) struct CommitArgs;

impl CommandArgs for CommitArgs {
    const TRAITS: Traits =
        Traits::changes("commit", Group::Processes).also_named(&["exec"]).in_transaction(InTransaction::Controls);

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        if session.db.is_open_too_large()
            && !caller.confirm(&format!("The transaction is too large to undo. Commit it? ({NO_UNDO})"))
        {
            return Ok(refused(
                Reason::NotConfirmed,
                "The transaction is still open; `rollback` discards it".to_owned(),
            ));
        }
        let changes = caller.mode.commit(&mut session.db)?;
        Ok(Done::Committed { changes }.into())
    }
}

/// Discard the transaction's changes
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  rollback\n  rollback -o json")]
pub(crate) struct RollbackArgs;

impl CommandArgs for RollbackArgs {
    const TRAITS: Traits =
        Traits::changes("rollback", Group::Processes).also_named(&["discard"]).in_transaction(InTransaction::Controls);

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let changes = caller.mode.rollback(&mut session.db)?;
        Ok(Done::RolledBack { changes }.into())
    }
}

impl Session {
    /// The question before a command that would discard an open transaction.
    pub(crate) fn leaving(&self, what: &str) -> Option<String> {
        let changed = self.db.open_transaction().filter(|&changed| changed > 0)?;
        Some(format!("A transaction with {} is open; {what}?", changes(changed)))
    }
}
