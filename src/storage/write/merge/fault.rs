//! Why a fold fails.

use std::io;

use crate::json::Fault;
use crate::storage::format::snapshot_line::INDENT;
use crate::storage::read::snapshot::ReadFault;

/// The reason a fold failed. The file that it wrote is unusable.
#[derive(Debug)]
pub(crate) enum FoldFault {
    /// The old snapshot could not be read.
    Read(ReadFault),
    /// The new one could not be written.
    Write(io::Error),
    /// The old snapshot does not match its layout; continues "the snapshot is corrupt: ".
    Inconsistent(&'static str),
}

impl FoldFault {
    /// A fault in the line of the old snapshot that starts at `start`.
    pub(super) fn line(start: u64, fault: Fault) -> Self {
        let at = start + INDENT.len() as u64 + fault.at as u64;
        Self::Read(ReadFault::Corrupt { at, reason: fault.reason })
    }
}

impl From<ReadFault> for FoldFault {
    fn from(fault: ReadFault) -> Self {
        Self::Read(fault)
    }
}

impl From<io::Error> for FoldFault {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}
