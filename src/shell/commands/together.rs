//! Commands on several changes together: begin, commit, rollback; and what may not be mixed with them.

use super::{Session, counted};
use crate::database::Savepoint;
use crate::shell::answer::reply::{Answer, Done, Failure, Field, Reply};
use crate::shell::language::traits::{InTransaction, Traits};

impl Session {
    pub(super) fn begin(&mut self) -> Result<Answer<'_>, Failure> {
        if self.rehearses {
            if self.mark.is_some() {
                return Err(Failure::usage("a transaction is open already; `commit` or `rollback` ends it"));
            }
            self.mark = Some(self.db.mark());
        } else {
            self.db.begin()?;
        }
        Ok(Reply::Done(Done::new("Transaction begun: commit or rollback")).into())
    }

    pub(crate) fn commit(&mut self) -> Result<Answer<'_>, Failure> {
        let changed = if self.rehearses { self.mark().map(|_| 0)? } else { self.db.commit()? };
        Ok(Reply::Done(Done::new(format!("Committed {}", changes(changed))).with("changes", Field::Number(changed)))
            .into())
    }

    pub(super) fn roll_back(&mut self) -> Result<Answer<'_>, Failure> {
        let changed = if self.rehearses {
            let mark = self.mark()?;
            self.db.back_to(mark)
        } else {
            self.db.rollback()?
        };
        let done = Done::new(format!("Rolled back {}", changes(changed)));
        Ok(Reply::Done(done.with("changes", Field::Number(changed))).into())
    }

    /// Where the transaction that is rehearsed began.
    fn mark(&mut self) -> Result<Savepoint, Failure> {
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
