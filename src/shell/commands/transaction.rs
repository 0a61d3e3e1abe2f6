//! `begin`, `commit` and `rollback`; and what may not be mixed with them.

use clap::Args;

use super::traits::{CommandArgs, Group, InTransaction, NotIn, Traits};
use super::undo::NO_UNDO;
use super::{Confirm, Session, counted, refused};
use crate::shell::answer::reply::{Answer, Done, Failure, Field, Reply};
use crate::store::{Mark, Store as _};

/// Begin a transaction: its changes are made by `commit`, all or none
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  begin\n  begin -o json")]
pub(crate) struct BeginArgs;

impl CommandArgs for BeginArgs {
    const TRAITS: Traits = Traits {
        not_in: NotIn::OneShot("a transaction needs a session: the prompt, or a script (see --atomic)"),
        ..Traits::changes("begin", Group::Together).also_named(&["multi"]).in_transaction(InTransaction::Controls)
    };

    fn run<'s>(self, session: &'s mut Session, _: &mut Confirm<'_>) -> Result<Answer<'s>, Failure> {
        if session.rehearses {
            if session.mark.is_some() {
                return Err(Failure::usage("a transaction is open already; `commit` or `rollback` ends it"));
            }
            session.mark = Some(session.db.mark());
        } else {
            session.db.begin()?;
        }
        Ok(Reply::Done(Done::new("Transaction begun: commit or rollback")).into())
    }
}

/// Commit the transaction, unless another process changed what it read or wrote
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  commit\n  commit -o json")]
pub(crate) struct CommitArgs;

impl CommandArgs for CommitArgs {
    const TRAITS: Traits =
        Traits::changes("commit", Group::Together).also_named(&["exec"]).in_transaction(InTransaction::Controls);

    fn run<'s>(self, session: &'s mut Session, confirm: &mut Confirm<'_>) -> Result<Answer<'s>, Failure> {
        if session.db.is_open_too_large()
            && !confirm(&format!("The transaction is too large to undo. Commit it? ({NO_UNDO})"))
        {
            return Ok(refused("not_confirmed", "The transaction is still open; `rollback` ends it".to_owned()));
        }
        session.commit()
    }
}

/// Forget the transaction's changes
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  rollback\n  rollback -o json")]
pub(crate) struct RollbackArgs;

impl CommandArgs for RollbackArgs {
    const TRAITS: Traits =
        Traits::changes("rollback", Group::Together).also_named(&["discard"]).in_transaction(InTransaction::Controls);

    fn run<'s>(self, session: &'s mut Session, _: &mut Confirm<'_>) -> Result<Answer<'s>, Failure> {
        let changed = if session.rehearses {
            let mark = session.mark()?;
            session.db.back_to(mark)
        } else {
            session.db.rollback()?
        };
        let done = Done::new(format!("Rolled back {}", changes(changed)));
        Ok(Reply::Done(done.with("changes", Field::Number(changed))).into())
    }
}

impl Session {
    pub(crate) fn commit(&mut self) -> Result<Answer<'_>, Failure> {
        let changed = if self.rehearses { self.mark().map(|_| 0)? } else { self.db.commit()? };
        Ok(Reply::Done(Done::new(format!("Committed {}", changes(changed))).with("changes", Field::Number(changed)))
            .into())
    }

    /// Where the transaction that is rehearsed began.
    fn mark(&mut self) -> Result<Mark, Failure> {
        self.mark.take().ok_or_else(|| Failure::usage("no transaction is open"))
    }

    /// What a person is asked who would lose the changes of an open transaction by that.
    pub(crate) fn leaving(&self, what: &str) -> Option<String> {
        let changed = self.db.open_transaction().filter(|&changed| changed > 0)?;
        Some(format!("A transaction with {} is open; {what}?", changes(changed)))
    }

    /// Fails for what cannot be done while a transaction is open.
    pub(super) fn check_transaction(&self, traits: &Traits) -> Result<(), Failure> {
        let refused = self.db.is_in_transaction()
            && match traits.in_transaction {
                InTransaction::Allowed => false,
                InTransaction::Refused => true,
                InTransaction::AsksAtPrompt => !self.at_prompt,
                InTransaction::Controls => self.atomic,
                InTransaction::RefusedInDryRun => self.rehearses,
                InTransaction::AllowedInDryRun => !self.rehearses,
            };
        if !refused {
            return Ok(());
        }
        Err(Failure::usage(if self.atomic {
            "the whole script is one transaction (--atomic); leave this line out"
        } else if self.rehearses {
            "--dry-run changes no file and waits for nobody; leave this line out"
        } else {
            "a transaction is open; `commit` or `rollback` it first"
        }))
    }
}

/// `1 change`, `2 changes`.
pub(crate) fn changes(count: u64) -> String {
    counted(count, "change", "changes")
}
