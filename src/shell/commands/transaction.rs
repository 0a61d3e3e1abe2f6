//! `begin`, `commit` and `rollback`.

use clap::Args;

use super::traits::{CommandArgs, Group, InTransaction, NotIn, Traits};
use super::undo::NO_UNDO;
use super::{Caller, Session, counted, refused};
use crate::shell::answer::code::Reason;
use crate::shell::answer::reply::{Answer, Done, Failure, Field, Reply};

/// Begin a transaction: its changes are made by `commit`, all or none
#[derive(Args, Clone, Debug, PartialEq)]
#[command(visible_aliases = Self::TRAITS.aliases, after_help = "Examples:\n  begin\n  begin -o json")]
pub(crate) struct BeginArgs;

impl CommandArgs for BeginArgs {
    const TRAITS: Traits = Traits {
        aliases: &["multi"],
        in_transaction: InTransaction::Controls,
        not_in: NotIn::OneShot("a transaction needs a session: the prompt, or a script (see --atomic)"),
        ..Traits::changes("begin", Group::Together)
    };

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        caller.mode.begin(&mut session.db)?;
        Ok(Reply::Done(Done::new("Transaction begun: commit or rollback")).into())
    }
}

/// Commit the transaction, unless another process changed what it read or wrote
#[derive(Args, Clone, Debug, PartialEq)]
#[command(visible_aliases = Self::TRAITS.aliases, after_help = "Examples:\n  commit\n  commit -o json")]
pub(crate) struct CommitArgs;

impl CommandArgs for CommitArgs {
    const TRAITS: Traits = Traits {
        aliases: &["exec"],
        in_transaction: InTransaction::Controls,
        ..Traits::changes("commit", Group::Together)
    };

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        if session.db.is_open_too_large()
            && !caller.confirm(&format!("The transaction is too large to undo. Commit it? ({NO_UNDO})"))
        {
            return Ok(refused(Reason::NotConfirmed, "The transaction is still open; `rollback` ends it".to_owned()));
        }
        Ok(committed(caller.mode.commit(&mut session.db)?))
    }
}

/// Forget the transaction's changes
#[derive(Args, Clone, Debug, PartialEq)]
#[command(visible_aliases = Self::TRAITS.aliases, after_help = "Examples:\n  rollback\n  rollback -o json")]
pub(crate) struct RollbackArgs;

impl CommandArgs for RollbackArgs {
    const TRAITS: Traits = Traits {
        aliases: &["discard"],
        in_transaction: InTransaction::Controls,
        ..Traits::changes("rollback", Group::Together)
    };

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let changed = caller.mode.rollback(&mut session.db)?;
        let done = Done::new(format!("Rolled back {}", changes(changed)));
        Ok(Reply::Done(done.with("changes", Field::Number(changed))).into())
    }
}

impl Session {
    /// What a person is asked who would lose the changes of an open transaction by that.
    pub(crate) fn leaving(&self, what: &str) -> Option<String> {
        let changed = self.db.open_transaction().filter(|&changed| changed > 0)?;
        Some(format!("A transaction with {} is open; {what}?", changes(changed)))
    }
}

/// The answer of a commit that has changed so many keys.
pub(crate) fn committed(changed: u64) -> Answer<'static> {
    Reply::Done(Done::new(format!("Committed {}", changes(changed))).with("changes", Field::Number(changed))).into()
}

/// `1 change`, `2 changes`.
pub(crate) fn changes(count: u64) -> String {
    counted(count, "change", "changes")
}
