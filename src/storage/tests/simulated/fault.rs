//! Injected faults.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustix::io::Errno;

use crate::storage::files::disk::Rename;

/// An operation that changes a disk, or makes changes durable. Files are named as they were opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Create(Arc<Path>),
    Append(Arc<Path>, usize),
    Cut(Arc<Path>, usize),
    SyncData(Arc<Path>),
    SyncAll(Arc<Path>),
    Inherit(Arc<Path>),
    Rename { from: Arc<Path>, to: Arc<Path>, how: Rename },
    Remove(Arc<Path>),
    SyncFolder(Arc<Path>),
    MakeFolder(Arc<Path>),
    CreateLock(Arc<Path>),
    SetNote(Arc<Path>),
}

impl Operation {
    pub(crate) fn is_sync(&self) -> bool {
        matches!(self, Self::SyncData(_) | Self::SyncAll(_) | Self::SyncFolder(_))
    }
}

/// The error of an operation that was made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Injected {
    /// An error of the system; nothing is done.
    Error(Errno),
    /// Half of an append is done, then the disk is full; any other operation is not done at all.
    Short,
    /// It is done, but reported to have failed.
    Done,
}

impl Injected {
    pub(crate) const ALL: [Self; 10] = [
        Self::Error(Errno::IO),
        Self::Error(Errno::NOSPC),
        Self::Error(Errno::DQUOT),
        Self::Error(Errno::ROFS),
        Self::Error(Errno::ACCESS),
        Self::Error(Errno::MFILE),
        Self::Error(Errno::NOMEM),
        Self::Error(Errno::INTR),
        Self::Short,
        Self::Done,
    ];

    pub(super) fn error(self) -> io::Error {
        match self {
            Self::Error(errno) => errno.into(),
            Self::Short => Errno::NOSPC.into(),
            Self::Done => Errno::IO.into(),
        }
    }
}

/// How often an operation is made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    Once,
    FromThenOn,
}

#[derive(Clone, Copy)]
pub(super) struct Fault {
    pub(super) at: u64,
    pub(super) kind: Injected,
    pub(super) until: Until,
}

impl Fault {
    pub(super) fn hits(self, number: u64) -> bool {
        number == self.at || number > self.at && self.until == Until::FromThenOn
    }
}

/// What happens to an operation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Done,
    Half,
    Lost,
    /// Reported as done, but not done.
    Lie,
}
