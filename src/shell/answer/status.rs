//! Exit statuses: one table, for the program and for `help exit-codes`.

use super::code::Code;
use crate::error::{Error, RemoteFault};

/// The status of a command or of a whole run. They are ordered: a script ends with the highest status of its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// 0: done.
    Done,
    /// 1: no such key, or false. An answer, not a failure.
    No,
    /// 2: usage, syntax, or a refused value.
    Usage,
    /// 3: the database cannot be opened or is corrupt.
    Database,
    /// 4: input or output failed.
    Io,
    /// 5: timed out waiting for the lock, or another process changed data that a transaction had read.
    Busy,
    /// 70: a bug.
    Internal,
    /// 129: a merge that was not made. More than 128, as git takes any less for conflicts that were found.
    NotMerged,
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
            Self::NotMerged => 129,
        }
    }

    /// The status and the code of an error of the library.
    pub(crate) fn of(error: &Error) -> (Self, Code) {
        match error {
            Error::Open { source, .. } if source.kind() == std::io::ErrorKind::OutOfMemory => (Self::Io, Code::Io),
            Error::OutOfMemory { .. } => (Self::Io, Code::Io),
            Error::Open { .. } | Error::Unsuitable { .. } => (Self::Database, Code::CannotOpen),
            Error::Unreadable { .. } | Error::JournalCorrupt { .. } | Error::LastRecord { .. } => {
                (Self::Database, Code::Damaged)
            }
            Error::Corrupt { .. } => (Self::Database, Code::Corrupt),
            Error::ForeignJournal { .. } => (Self::Database, Code::ForeignJournal),
            Error::NewerVersion { .. } => (Self::Database, Code::NewerVersion),
            Error::Io { .. } | Error::NotSaved { .. } => (Self::Io, Code::Io),
            Error::OutcomeUnknown { .. } | Error::Uncertain { .. } => (Self::Io, Code::OutcomeUnknown),
            Error::ReadOnly { .. } => (Self::Io, Code::ReadOnly),
            Error::Busy { .. } => (Self::Busy, Code::Busy),
            Error::Conflict { .. } | Error::Overtaken { .. } => (Self::Busy, Code::Conflict),
            Error::Limit { .. } | Error::OutOfRange { .. } => (Self::Usage, Code::Limit),
            Error::NothingThere { .. } => (Self::No, Code::NotFound),
            Error::Differs { .. } => (Self::No, Code::Differs),
            Error::NotApplicable { .. } => (Self::Usage, Code::Unfit),
            Error::Patch { source, .. } => Self::of(source),
            Error::Interrupted => (Self::No, Code::Interrupted),
            Error::NotJson { .. } => (Self::Usage, Code::NotJson),
            Error::WrongType { .. } | Error::Convert(_) => (Self::Usage, Code::WrongType),
            Error::Remote { fault, .. } => Self::of_remote(*fault),
            Error::Irreversible => (Self::Usage, Code::Irreversible),
            Error::Unsupported { .. } => (Self::Usage, Code::Unsupported),
            Error::NotATime { .. } | Error::Transaction { .. } | Error::NothingToRepair { .. } => {
                (Self::Usage, Code::Usage)
            }
        }
    }

    fn of_remote(fault: RemoteFault) -> (Self, Code) {
        match fault {
            RemoteFault::Io => (Self::Io, Code::Io),
            RemoteFault::OutcomeUnknown => (Self::Io, Code::OutcomeUnknown),
            RemoteFault::ReadOnly => (Self::Io, Code::ReadOnly),
            RemoteFault::CannotOpen => (Self::Database, Code::CannotOpen),
            RemoteFault::Busy => (Self::Busy, Code::Busy),
            RemoteFault::OtherType => (Self::Usage, Code::WrongType),
            RemoteFault::Unsupported => (Self::Usage, Code::Unsupported),
        }
    }
}

/// What `help exit-codes` prints.
pub(crate) const TABLE: &str = "\
Exit statuses:
    0  done
    1  no such key, or false (an answer, not a failure)
    2  usage, syntax, or a refused value
    3  the database cannot be opened or is corrupt
    4  input or output failed
    5  busy or conflict: timed out waiting for the lock, or another program changed the same data
   70  internal error (a bug)
  129  merge-file could not read or write a file, so that git stops
  129, 130, 131, 143  ended by a signal

A script continues after a failed line and exits with the highest status of its lines, or with N after `exit N`. With --bail, it stops \
at the first status of 2 or more; with --atomic, it stops too, and nothing is stored. If the program that reads its output exits \
(as in `| head`), the script stops without an error; with --atomic, it runs to its end.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_statuses_is_the_order_of_their_codes_and_all_are_in_the_table() {
        use Status::{Busy, Database, Done, Internal, Io, No, NotMerged, Usage};
        let all = [Done, No, Usage, Database, Io, Busy, Internal, NotMerged];
        assert!(all.is_sorted_by_key(|status| status.code()) && all.is_sorted());
        for status in all {
            assert!(TABLE.contains(&format!("\n{:>5}  ", status.code())), "{status:?}");
        }
    }
}
