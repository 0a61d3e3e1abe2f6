//! What becomes of the changes of a run: when they are stored, and which commands have no place meanwhile.

use super::traits::InTransaction;
use crate::shell::answer::reply::Failure;
use crate::store::{Store, StoreSavepoint};

/// When the changes of a run are stored.
#[derive(Debug, Default)]
pub(crate) enum RunMode {
    /// As they are made, or with the transaction that the lines begin and commit.
    #[default]
    Plain,
    /// All at its end or none: the whole run is one transaction (`--atomic`).
    Atomic,
    /// Never (`--dry-run`): the whole run is a transaction that is read at its end, and rolled back.
    Rehearsal {
        /// Whether the run that is rehearsed would be one transaction.
        is_atomic: bool,
        /// Where the transaction began that the lines have open.
        mark: Option<StoreSavepoint>,
    },
}

impl RunMode {
    /// The mode that the options ask for; begins the transaction that the run is, if it is one.
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

    /// Whether all of the run is stored, or would be, or nothing.
    pub(crate) fn is_atomic(&self) -> bool {
        matches!(self, Self::Atomic | Self::Rehearsal { is_atomic: true, .. })
    }

    /// Whether nothing is stored.
    pub(crate) fn is_rehearsal(&self) -> bool {
        matches!(self, Self::Rehearsal { .. })
    }

    /// Fails for a command that cannot be run while the transaction that is open is.
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
            _ if self.is_atomic() => "the whole script is one transaction (--atomic); leave this line out",
            Self::Rehearsal { .. } => "--dry-run changes no file and waits for nobody; leave this line out",
            _ => "a transaction is open; `commit` or `rollback` it first",
        }))
    }

    /// Begins a transaction of the lines.
    pub(crate) fn begin(&mut self, db: &mut dyn Store) -> Result<(), Failure> {
        match self {
            Self::Rehearsal { mark: Some(_), .. } => {
                Err(Failure::usage("a transaction is open already; `commit` or `rollback` ends it"))
            }
            Self::Rehearsal { mark, .. } => {
                *mark = Some(db.savepoint());
                Ok(())
            }
            Self::Plain | Self::Atomic => Ok(db.begin()?),
        }
    }

    /// Commits the transaction of the lines, or the one that the run is; returns how many keys that has changed.
    pub(crate) fn commit(&mut self, db: &mut dyn Store) -> Result<u64, Failure> {
        match self {
            Self::Rehearsal { mark, .. } => took(mark).map(|_| 0),
            Self::Plain | Self::Atomic => Ok(db.commit()?),
        }
    }

    /// Forgets the changes of the transaction of the lines; returns how many keys had changed.
    pub(crate) fn rollback(&mut self, db: &mut dyn Store) -> Result<u64, Failure> {
        match self {
            Self::Rehearsal { mark, .. } => took(mark).map(|mark| db.rollback_to(mark)),
            Self::Plain | Self::Atomic => Ok(db.rollback()?),
        }
    }

    /// Ends a script: leaves none of its transactions open; returns how many keys one had changed that was.
    pub(crate) fn end_script(&mut self, db: &mut dyn Store) -> u64 {
        let Self::Rehearsal { mark, .. } = self else { return db.rollback().unwrap_or(0) };
        let Some(mark) = mark.take() else { return 0 };
        let all = db.rollback_to(mark);
        db.open_transaction().map_or(0, |kept| all.saturating_sub(kept))
    }
}

/// Where the transaction began that is rehearsed, and is not open any more.
fn took(mark: &mut Option<StoreSavepoint>) -> Result<StoreSavepoint, Failure> {
    mark.take().ok_or_else(|| Failure::usage("no transaction is open"))
}
