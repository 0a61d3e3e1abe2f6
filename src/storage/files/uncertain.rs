//! The uncertain state that a failed sync or a killed writer leaves, and its text in the note of the writers' lock. The
//! next writer recovers from it before anything else.

use std::fmt;

/// What may not be durable after a sync failed: the next writer writes it again, to a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Uncertain {
    /// The journal with this epoch is valid only up to this byte.
    Journal { epoch: u64, good: u64 },
    /// The snapshot's name in the folder: the snapshot must be replaced again.
    Folder,
    /// The holder died with the lock held, or the journal's name was not synced: neither the journal nor the names may
    /// be durable.
    Unfinished,
}

const JOURNAL: &str = ", a sync failed after byte ";
const FOLDER: &str = ", a sync of the folder failed";
const UNFINISHED: &str = ", unfinished";

impl fmt::Display for Uncertain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Journal { epoch, good } => write!(f, "{JOURNAL}{good} of journal {epoch:016x}"),
            Self::Folder => f.write_str(FOLDER),
            Self::Unfinished => f.write_str(UNFINISHED),
        }
    }
}

impl Uncertain {
    /// The state to recover from if both this process and the lock's note name one. The note is newer, unless it was
    /// only a precaution. Writing a new snapshot recovers from everything else.
    pub(crate) fn stronger(own: Option<Self>, noted: Option<Self>) -> Option<Self> {
        let rank = |state: Self| match state {
            Self::Folder => 2,
            Self::Journal { .. } => 1,
            Self::Unfinished => 0,
        };
        // Of two equal ones, this picks the last.
        own.into_iter().chain(noted).max_by_key(|state| rank(*state))
    }

    /// What it means for readers, in words.
    pub(crate) fn meaning(self) -> String {
        match self {
            Self::Journal { good, .. } => format!(
                "a sync of the journal failed; what is after byte {good} is not valid, and the next write removes it"
            ),
            Self::Folder => {
                "a sync of the folder failed; until the next write, a crash may undo the last save".to_owned()
            }
            Self::Unfinished => {
                "a writer did not finish; until the next write, a crash may undo its last change".to_owned()
            }
        }
    }

    /// The byte up to which the journal of this epoch is valid, if the journal is what is uncertain.
    pub(crate) fn synced(self, epoch: u64) -> Option<u64> {
        match self {
            Self::Journal { epoch: of, good } if of == epoch => Some(good),
            _ => None,
        }
    }

    /// Where the text of an uncertain state starts in a note.
    pub(super) fn place(note: &str) -> Option<usize> {
        [JOURNAL, FOLDER, UNFINISHED].iter().filter_map(|words| note.find(words)).min()
    }

    /// The state at the end of a note.
    pub(super) fn in_note(note: &str) -> Option<Self> {
        if note.ends_with(FOLDER) {
            return Some(Self::Folder);
        }
        if note.ends_with(UNFINISHED) {
            return Some(Self::Unfinished);
        }
        let (_, journal) = note.split_once(JOURNAL)?;
        let (good, epoch) = journal.split_once(" of journal ")?;
        Some(Self::Journal { epoch: u64::from_str_radix(epoch, 16).ok()?, good: good.parse().ok()? })
    }
}
