//! The uncertain state that a failed sync leaves, or a writer that was not created to its end: what it is, and its words in
//! the note of the writers' lock. A writer recovers from it before anything else.

use std::fmt;

/// What cannot be known to be durable after a sync has failed: whoever writes next makes it anew in a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Uncertain {
    /// The journal of that epoch counts up to that byte only.
    Journal { epoch: u64, good: u64 },
    /// The snapshot's name in the folder: the snapshot must be replaced once more.
    Folder,
    /// The holder died while it held the lock, or the journal's name was not synced: neither the journal nor the names
    /// may be durable.
    Unfinished,
}

const JOURNAL: &str = ", a sync failed behind byte ";
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
    /// What must be made up for if a process knows of an uncertain state, and the lock's note names one as well. What the
    /// note says is newer, unless it was only noted ahead; and a new snapshot makes up for everything else.
    pub(crate) fn stronger(own: Option<Self>, noted: Option<Self>) -> Option<Self> {
        let rank = |state: Self| match state {
            Self::Folder => 2,
            Self::Journal { .. } => 1,
            Self::Unfinished => 0,
        };
        // Of two alike it is the last.
        own.into_iter().chain(noted).max_by_key(|state| rank(*state))
    }

    /// What it means for whoever reads, in words.
    pub(crate) fn meaning(self) -> String {
        match self {
            Self::Journal { good, .. } => format!(
                "a sync of the journal failed; what is after byte {good} is not valid, and the next write removes it"
            ),
            Self::Folder => {
                "a sync of the folder failed; until the next write, a crash may undo the last save"
                    .to_owned()
            }
            Self::Unfinished => {
                "a writer was not created to its end; a crash may undo what it did last, until the next write makes up for it"
                    .to_owned()
            }
        }
    }

    /// Up to which byte the journal of that epoch counts, if it is what is uncertain.
    pub(crate) fn synced(self, epoch: u64) -> Option<u64> {
        match self {
            Self::Journal { epoch: of, good } if of == epoch => Some(good),
            _ => None,
        }
    }

    /// Where the words for it begin in a note.
    pub(super) fn place(note: &str) -> Option<usize> {
        [JOURNAL, FOLDER, UNFINISHED].iter().filter_map(|words| note.find(words)).min()
    }

    /// What the end of a note says.
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
