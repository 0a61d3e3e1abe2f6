//! The results of commands that return no data: what happened, not how it is worded.

use std::path::PathBuf;
use std::time::Duration;

use super::code::Reason;
use crate::database::Loaded;
use crate::expiry::Timestamp;
use crate::shell::text::argument::KeyMode;
use crate::store::Undone;
use crate::value::Value;

/// The result of a command, or the reason why nothing was done.
#[derive(Debug)]
pub(crate) enum Done {
    /// Nothing to report.
    Quietly,
    /// The change was not made.
    Refused(Reason),
    /// The change was or was not made; with the old value, which was requested.
    WithOld(Box<Self>, Option<Value>),
    Set {
        key: String,
    },
    /// The number of keys that one command set.
    SetKeys {
        keys: u64,
    },
    /// A key was set with an expiry in the past, so it does not exist.
    SetTooLate {
        key: String,
    },
    /// A number was added or subtracted; the result.
    Computed(Value),
    /// The new length of a value in bytes.
    Appended {
        key: String,
        bytes: u64,
    },
    /// A part of a value was set.
    PartSet {
        key: String,
        pointer: String,
    },
    PartDeleted {
        key: String,
        pointer: String,
    },
    /// The number of values added to an array, and its new length.
    Pushed {
        key: String,
        values: u64,
        length: u64,
    },
    Merged {
        key: String,
    },
    Patched {
        key: String,
    },
    Renamed {
        from: String,
        to: String,
    },
    Copied {
        from: String,
        to: String,
    },
    RenamedMany {
        keys: u64,
    },
    CopiedMany {
        keys: u64,
    },
    /// The number of keys deleted, and the named keys that did not exist.
    Deleted {
        keys: u64,
        missing: Vec<String>,
    },
    /// All keys; `hint` is for users who meant to clear the screen.
    Cleared {
        keys: u64,
        hint: Option<&'static str>,
    },
    Expires {
        key: String,
        after: Duration,
        at: Timestamp,
    },
    /// The number of keys; `None` if there were none.
    ExpiresMany {
        keys: u64,
        after: Option<Duration>,
        at: Option<Timestamp>,
    },
    PersistsMany {
        keys: u64,
    },
    Persists {
        key: String,
        had_expiry: bool,
    },
    /// A value was edited but not changed; it may not exist.
    Unchanged {
        key: String,
        is_there: bool,
    },
    /// The expected key exists.
    Appeared {
        key: String,
    },
    Begun,
    Committed {
        changes: u64,
    },
    RolledBack {
        changes: u64,
    },
    /// `is_counted` if the number of changes was given.
    Undone {
        undone: Undone,
        is_counted: bool,
        now: Timestamp,
    },
    /// Undone changes were redone.
    Redone {
        undone: Undone,
        is_counted: bool,
        now: Timestamp,
    },
    Saved {
        keys: u64,
        path: PathBuf,
    },
    /// `kept` is the path of the old file.
    Restored {
        keys: u64,
        kept: Option<PathBuf>,
    },
    /// Switched to another database; `keys` if its file exists.
    Using {
        name: String,
        keys: Option<u64>,
    },
    Dropped {
        name: String,
        keys: u64,
    },
    /// The result of a check: the number of entries, of changes in the journal, and of torn bytes at its end.
    Checked {
        entries: u64,
        changes: u64,
        torn: u64,
        faults: Vec<String>,
        uncertain: Option<String>,
    },
    /// The number of entries, or of changes in the journal, written to that file; details are in the notes.
    Repaired {
        path: PathBuf,
        count: u64,
        is_entries: bool,
        dropped: Vec<String>,
        is_corrupt: bool,
    },
    Imported(Loaded),
    /// Entries are in another database.
    CopiedOut(Loaded),
    Exported {
        keys: u64,
        file: PathBuf,
    },
    /// The number of keys of a file that a merge changed.
    MergedFiles {
        keys: u64,
        file: PathBuf,
        conflicts: Vec<MergeConflict>,
    },
    Switched(Setting),
    /// The number of commands of a file that were run from the prompt.
    Ran {
        commands: u64,
    },
    /// The same, run from a script.
    Sourced {
        commands: u64,
    },
}

/// A part of an entry that two versions have changed in different ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MergeConflict {
    pub(crate) key: String,
    /// A JSON Pointer, or `expiry`; empty for the whole value.
    pub(crate) part: String,
    /// What it is in the versions, or its beginning.
    pub(crate) ours: String,
    pub(crate) theirs: String,
}

/// A setting for the rest of the session.
#[derive(Clone, Debug)]
pub(crate) enum Setting {
    Timer(bool),
    Pager(bool),
    Hints(bool),
    Keys(KeyMode),
    History(bool),
    /// The patterns of masked keys.
    Mask(Vec<String>),
}
