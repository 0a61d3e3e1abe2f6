//! What a command has done that answers with no data of the database: what happened, not how that is said.

use std::path::PathBuf;
use std::time::Duration;

use super::code::Reason;
use crate::database::Loaded;
use crate::expiry::Timestamp;
use crate::shell::text::argument::KeyMode;
use crate::store::Undone;
use crate::value::Value;

/// What a command has done, or what kept it from that.
#[derive(Debug)]
pub(crate) enum Done {
    /// What is not worth a word.
    Quietly,
    /// Something kept it from being done.
    Refused(Reason),
    /// What was done, or not, and what the key held before, which was asked for.
    WithOld(Box<Self>, Option<Value>),
    Set {
        key: String,
    },
    /// So many keys, by one command.
    SetKeys {
        keys: u64,
    },
    /// A key was set whose time is over already: it is not there.
    SetTooLate {
        key: String,
    },
    /// A number was added to, or subtracted from: what it is now.
    Computed(Value),
    /// A value is that many bytes long now.
    Appended {
        key: String,
        bytes: u64,
    },
    /// A part was set.
    PartSet {
        key: String,
        pointer: String,
    },
    PartDeleted {
        key: String,
        pointer: String,
    },
    /// An array was given so many values, and has so many items now.
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
    /// So many keys; those that were named and not there.
    Deleted {
        keys: u64,
        missing: Vec<String>,
    },
    /// All keys; `hint` is for who may have meant something else.
    Cleared {
        keys: u64,
        hint: Option<&'static str>,
    },
    Expires {
        key: String,
        after: Duration,
        at: Timestamp,
    },
    Persists {
        key: String,
        had_expiry: bool,
    },
    /// A value was edited and left as it was; perhaps there is none.
    Unchanged {
        key: String,
        is_there: bool,
    },
    /// The key that was waited for exists.
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
    /// `is_counted` if several steps were asked for.
    Undone {
        undone: Undone,
        is_counted: bool,
        now: Timestamp,
    },
    /// Steps that were undone are made again.
    Redone {
        undone: Undone,
        is_counted: bool,
        now: Timestamp,
    },
    Saved {
        keys: u64,
        path: PathBuf,
    },
    /// `kept` is where the file went that was there.
    Restored {
        keys: u64,
        kept: Option<PathBuf>,
    },
    /// Another database is used now; `keys` if its file is there.
    Using {
        name: String,
        keys: Option<u64>,
    },
    Dropped {
        name: String,
        keys: u64,
    },
    /// What a check has found: so many entries, changes in the journal and torn bytes at its end.
    Checked {
        entries: u64,
        changes: u64,
        torn: u64,
        faults: Vec<String>,
        uncertain: Option<String>,
    },
    /// So many entries, or changes of the journal, are in that file; what is said of it is in the notes.
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
    Switched(Setting),
    /// A person has had so many commands of a file run.
    Ran {
        commands: u64,
    },
    /// A script has.
    Sourced {
        commands: u64,
    },
}

/// A setting that holds for the rest of a session.
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
