//! When the changes of a run are stored, and which commands that excludes.

use super::traits::InTransaction;
use crate::shell::answer::reply::Failure;
use crate::store::{Store, StoreSavepoint};

/// When the changes of a run are stored.
#[derive(Debug, Default)]
pub(crate) enum RunMode {
    /// As they are made, or with the transaction that the lines begin and commit.
    #[default]
    Plain,
    /// All at the end, or none: the whole run is one transaction (`--atomic`).
    Atomic,
    /// Never (`--dry-run`): the whole run is a transaction whose changes are read at its end and rolled back.
    Rehearsal {
        /// Whether the same run without `--dry-run` would be one transaction.
        is_atomic: bool,
        /// Where the open transaction of the lines began.
        mark: Option<StoreSavepoint>,
    },
}

impl RunMode {
    /// The mode that the options ask for; begins the transaction if the run is one.
    pub(crate) fn begun(db: &mut dyn Store, is_atomic: bool, is_dry: bool) -> Result<Self, Failure> {
        if is_atomic || is_dry {
            db.begin()?;
        }
        Ok(match (is_dry, is_atomic) {
            (true, _) => Self::Rehearsal { is_atomic, mark: None },
            (false, true) => Self::Atomic,
            (false, false) => Self::Plain,
        })
    }

    /// Whether the run is stored as a whole or not at all.
    pub(crate) fn is_atomic(&self) -> bool {
        matches!(self, Self::Atomic | Self::Rehearsal { is_atomic: true, .. })
    }

    /// Whether nothing is stored.
    pub(crate) fn is_rehearsal(&self) -> bool {
        matches!(self, Self::Rehearsal { .. })
    }

    /// Fails for a command that cannot run in the open transaction.
    pub(crate) fn check(&self, in_transaction: InTransaction, at_prompt: bool) -> Result<(), Failure> {
        let refused = match in_transaction {
            InTransaction::Allowed => false,
            InTransaction::Refused => true,
            InTransaction::AsksAtPrompt => !at_prompt,
            InTransaction::Controls => self.is_atomic(),
            InTransaction::RefusedInDryRun => self.is_rehearsal(),
            InTransaction::AllowedInDryRun => !self.is_rehearsal(),
        };
        if !refused {
            return Ok(());
        }
        Err(Failure::usage(match self {
            _ if self.is_atomic() => "with --atomic, the whole script is one transaction; remove this line",
            Self::Rehearsal { .. } => "--dry-run changes no file and waits for nothing; remove this line",
            _ => "a transaction is open; run `commit` or `rollback` first",
        }))
    }

    /// Begins a transaction in the lines.
    pub(crate) fn begin(&mut self, db: &mut dyn Store) -> Result<(), Failure> {
        match self {
            Self::Rehearsal { mark: Some(_), .. } => {
                Err(Failure::usage("a transaction is already open; end it with `commit` or `rollback`"))
            }
            Self::Rehearsal { mark, .. } => {
                *mark = Some(db.savepoint());
                Ok(())
            }
            Self::Plain | Self::Atomic => Ok(db.begin()?),
        }
    }

    /// Commits the transaction of the lines, or that of the run; returns the number of changed keys.
    pub(crate) fn commit(&mut self, db: &mut dyn Store) -> Result<u64, Failure> {
        match self {
            Self::Rehearsal { mark, .. } => took(mark).map(|_| 0),
            Self::Plain | Self::Atomic => Ok(db.commit()?),
        }
    }

    /// Discards the transaction of the lines; returns the number of keys that it had changed.
    pub(crate) fn rollback(&mut self, db: &mut dyn Store) -> Result<u64, Failure> {
        match self {
            Self::Rehearsal { mark, .. } => took(mark).map(|mark| db.rollback_to(mark)),
            Self::Plain | Self::Atomic => Ok(db.rollback()?),
        }
    }

    /// Ends a script and any transaction that it left open; returns the number of keys that the transaction had
    /// changed.
    pub(crate) fn end_script(&mut self, db: &mut dyn Store) -> u64 {
        let Self::Rehearsal { mark, .. } = self else { return db.rollback().unwrap_or(0) };
        let Some(mark) = mark.take() else { return 0 };
        let all = db.rollback_to(mark);
        db.open_transaction().map_or(0, |kept| all.saturating_sub(kept))
    }
}

/// Where the transaction began that a dry run has closed.
fn took(mark: &mut Option<StoreSavepoint>) -> Result<StoreSavepoint, Failure> {
    mark.take().ok_or_else(|| Failure::usage("no transaction is open"))
}
