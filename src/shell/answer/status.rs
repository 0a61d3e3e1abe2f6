//! Exit statuses: one table, for the program's end and for `help exit-codes`.

use crate::error::Error;

/// The code of [`Error::Corrupt`] in `-o json`.
pub(crate) const CORRUPT: &str = "corrupt";

/// How a command or a whole run ended. Ordered: a script ends with the highest of its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// 0: done.
    Done,
    /// 1: no such key, or false. An answer, not a failure.
    No,
    /// 2: usage, syntax, or a refused value.
    Usage,
    /// 3: the database cannot be opened or is damaged.
    Database,
    /// 4: input or output failed.
    Io,
    /// 5: the lock was not had in time, or another process changed what a transaction had read.
    Busy,
    /// 70: a bug.
    Internal,
}

impl Status {
    /// The number that the process ends with.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::No => 1,
            Self::Usage => 2,
            Self::Database => 3,
            Self::Io => 4,
            Self::Busy => 5,
            Self::Internal => 70,
        }
    }

    /// The status of an error of the library, and its code in `-o json`.
    pub(crate) fn of(error: &Error) -> (Self, &'static str) {
        match error {
            Error::Open { source, .. } if source.kind() == std::io::ErrorKind::OutOfMemory => (Self::Io, "io"),
            Error::OutOfMemory { .. } => (Self::Io, "io"),
            Error::Open { .. } | Error::Unsuitable { .. } => (Self::Database, "cannot_open"),
            Error::Damaged { .. } | Error::JournalDamaged { .. } | Error::LastRecord { .. } => {
                (Self::Database, "damaged")
            }
            Error::Corrupt { .. } => (Self::Database, CORRUPT),
            Error::ForeignJournal { .. } => (Self::Database, "foreign_journal"),
            Error::NewerVersion { .. } => (Self::Database, "newer_version"),
            Error::Io { .. } | Error::NotSaved { .. } => (Self::Io, "io"),
            Error::OutcomeUnknown { .. } | Error::InDoubt { .. } => (Self::Io, "outcome_unknown"),
            Error::ReadOnly { .. } => (Self::Io, "read_only"),
            Error::Busy { .. } => (Self::Busy, "busy"),
            Error::Conflict { .. } | Error::Overtaken { .. } => (Self::Busy, "conflict"),
            Error::Limit { .. } | Error::OutOfRange { .. } => (Self::Usage, "limit"),
            Error::Interrupted => (Self::No, "interrupted"),
            Error::NotJson { .. } => (Self::Usage, "not_json"),
            Error::WrongType { .. } | Error::Convert(_) => (Self::Usage, "wrong_type"),
            Error::Unsupported { .. } => (Self::Usage, "unsupported"),
            Error::NotATime { .. } | Error::Transaction { .. } | Error::NothingToRepair { .. } => {
                (Self::Usage, "usage")
            }
        }
    }
}

/// What `help exit-codes` prints.
pub(crate) const TABLE: &str = "\
Exit statuses:
    0  done
    1  no such key, or false (an answer, not a failure)
    2  usage, syntax, or a refused value
    3  the database cannot be opened or is damaged
    4  input or output failed
    5  busy or conflict: the lock was not had in time, or another program changed what was being written
   70  internal error (a bug)
  129, 130, 131, 143  ended by a signal

A script goes on past a failing line and ends with the highest status of its lines; `exit N` wins. With --bail it stops \
at the first status of 2 or more; with --atomic too, and nothing of it is stored then. A reader that goes away \
(`| head`) ends a script, and is no failure; one with --atomic goes on to its end.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_statuses_is_the_order_of_their_codes_and_all_are_in_the_table() {
        use Status::{Busy, Database, Done, Internal, Io, No, Usage};
        let all = [Done, No, Usage, Database, Io, Busy, Internal];
        assert!(all.is_sorted_by_key(|status| status.code()) && all.is_sorted());
        for status in all {
            assert!(TABLE.contains(&format!("\n{:>5}  ", status.code())), "{status:?}");
        }
    }
}
