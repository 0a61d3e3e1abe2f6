//! What can go wrong, modelled by what the caller can do about it.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong. The message is one line: what failed, on which path, why, and the way out.
///
/// Paths in messages are shown with their control characters escaped, so that a message may be
/// written to a terminal as it is.
///
/// ```
/// let error = rusty_kv::Json::parse("{\"a\":1,\"a\":2}").unwrap_err();
/// assert!(matches!(error, rusty_kv::Error::NotJson { line: 1, column: 8, .. }));
/// assert_eq!(error.to_string(), "not valid JSON at line 1 column 8: duplicate member \"a\"");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database could not be opened or read. Nothing was changed.
    #[error("cannot open {path:?}: {}", reason(source))]
    Open {
        /// The file or folder that could not be opened.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The path names something that cannot hold a database: a folder, a FIFO, a device, a dangling link.
    #[error("cannot open {path:?}: {reason}")]
    Unsuitable {
        /// The path as it was given.
        path: PathBuf,
        /// What it is, or why it cannot be used.
        reason: String,
    },
    /// The file is not a database that this version can read. No byte of it was changed.
    #[error("cannot open {path:?}: {} at line {line} column {column}: {reason}. Nothing was changed{}", if *syntax { "not valid JSON" } else { "not a rusty-kv database" }, salvage(*syntax, (*line, *column)))]
    Damaged {
        /// The snapshot.
        path: PathBuf,
        /// Line of the first fault, from 1.
        line: u64,
        /// Column of the first fault in characters, from 1 (in bytes where the line is not UTF-8).
        column: u64,
        /// Whether the file is no JSON at all (true), or JSON of another shape (false).
        syntax: bool,
        /// What is wrong there.
        reason: String,
    },
    /// The file was made by a newer version. No byte of it was changed.
    #[error("cannot open {path:?}: made by a newer version of rusty-kv; use that version. Nothing was changed")]
    NewerVersion {
        /// The snapshot.
        path: PathBuf,
    },
    /// A write failed. It was not stored: what was saved before is untouched.
    #[error("cannot {operation} {path:?}: {}. Nothing was stored", reason(source))]
    Io {
        /// The step that failed, as a verb.
        operation: &'static str,
        /// The file or folder it was done to.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A save failed. Nothing is lost: the file is what it was, and all changes are in the journal.
    #[error("cannot save {path:?}: {}. All changes are safe in the journal", reason(source))]
    NotSaved {
        /// The file or folder that could not be written.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A step failed after which it cannot be known whether the write is durable.
    #[error(
        "outcome unknown: {path:?} was changed, but its folder could not be synced: {}; a crash may undo the change, so save again before you rely on it",
        reason(source)
    )]
    OutcomeUnknown {
        /// The snapshot.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The journal could not be synced, nor could what was written be taken out of it again. Others may see it until the
    /// next write, which begins by taking it out.
    #[error(
        "outcome unknown: {path:?} could not be synced: {}; the change may be visible until the next write, which removes it: repeat it",
        reason(source)
    )]
    InDoubt {
        /// The journal.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database, its folder or its file system is read-only, or it was opened read-only.
    #[error("the database is read-only: {path:?}{}", because(reason))]
    ReadOnly {
        /// What could not be written.
        path: PathBuf,
        /// Why, empty if it was asked for.
        reason: String,
    },
    /// Another process held the writers' lock for the whole wait. Nothing was stored.
    #[error("busy: {path:?} is held by {holder} (waited {}); try again, or wait longer with --wait", humantime::format_duration(*waited))]
    Busy {
        /// The lock file.
        path: PathBuf,
        /// Who says to hold it: process id, host, command and since when.
        holder: String,
        /// How long it was waited for.
        waited: Duration,
    },
    /// Whoever was told of the progress ([`Options::on_progress`](crate::Options::on_progress)) wanted it to stop. Nothing
    /// was changed.
    #[error("interrupted")]
    Interrupted,
    /// The file was changed by a program that takes no lock, while a write, a listing or a transaction was under way. Nothing was stored.
    #[error(
        "conflict: {path:?} was changed by another program. Nothing was stored; try again (a transaction from its `begin`)"
    )]
    Conflict {
        /// The snapshot.
        path: PathBuf,
    },
    /// A key or range that a transaction had read or written was changed by someone else before its commit. Nothing was
    /// stored.
    #[error("conflict: key {key:?} was changed by another process. Nothing was stored; start again with `begin`")]
    Overtaken {
        /// The first such key.
        key: String,
    },
    /// A database on a server has not done what was asked of it.
    #[error("{server}: {reason}")]
    Remote {
        /// Its address, without a password.
        server: String,
        /// What the caller can do about it.
        fault: RemoteFault,
        /// What went wrong, and the way out.
        reason: String,
    },
    /// The store has nothing of the kind.
    #[error("{store} {reason}")]
    Unsupported {
        /// What the store is called.
        store: String,
        /// What it cannot do, and the way out.
        reason: &'static str,
    },
    /// A transaction was to be begun inside another, or ended without one.
    #[error("{reason}")]
    Transaction {
        /// What is wrong, and the way out.
        reason: &'static str,
    },
    /// The change could not be undone, as more than can be remembered would be replaced, and nobody has agreed to that.
    /// Nothing was changed.
    #[error("this cannot be undone, because undo remembers at most 64 MiB. Nothing was changed; -y does it anyway")]
    Irreversible,
    /// The journal is damaged before its end. No byte of it was changed.
    #[error(
        "cannot open {path:?}: corrupt in line {line} (offset {offset}): {reason}; {good_after} good lines follow. Nothing was changed; `repair` writes what can be read to a new file, `repair --drop-journal` sets the journal aside"
    )]
    JournalDamaged {
        /// The journal.
        path: PathBuf,
        /// The first bad line, from 1.
        line: u64,
        /// Where it begins, in bytes.
        offset: u64,
        /// What is wrong with it.
        reason: String,
        /// How many good lines follow.
        good_after: u64,
    },
    /// The journal ends in a record that cannot be read. All before it can be; reads leave it out. No byte was changed.
    #[error("{}", last_record(path, (*offset, *bytes), *acknowledged))]
    LastRecord {
        /// The journal.
        path: PathBuf,
        /// Where the record begins, in bytes.
        offset: u64,
        /// How long it is, to the end of the file.
        bytes: u64,
        /// Whether it is known to have been acknowledged: then writes are refused. Otherwise the next write sets it aside.
        acknowledged: bool,
    },
    /// All of the file was read, and its checksum is not the one that it was written with: a value in it changed on disk.
    #[error(
        "{path:?} is corrupt: its checksum does not match its content, so what was read may be wrong. Nothing was changed; run `check` for details, or restore a backup"
    )]
    Corrupt {
        /// The snapshot.
        path: PathBuf,
    },
    /// The journal holds changes, but belongs to another snapshot: the file was edited, replaced or restored by hand.
    /// Nothing was changed.
    #[error(
        "cannot open {path:?}: {journal:?} holds changes to another version of it; `repair --keep-journal` applies them to this file, `repair --drop-journal` sets them aside. Nothing was changed"
    )]
    ForeignJournal {
        /// The snapshot.
        path: PathBuf,
        /// Its journal.
        journal: PathBuf,
    },
    /// A repair was asked for that has nothing to do. Nothing was changed.
    #[error("nothing to repair at {path:?}: {reason}")]
    NothingToRepair {
        /// The snapshot.
        path: PathBuf,
        /// Why, and what to do instead.
        reason: &'static str,
    },
    /// A large value needs more memory than there is.
    #[error("out of memory: {} MiB could not be allocated. No data was lost", bytes.div_ceil(1 << 20))]
    OutOfMemory {
        /// How much was asked for.
        bytes: usize,
    },
    /// A key, value or nesting is over its limit.
    #[error("{what} is {actual}; the limit is {limit}")]
    Limit {
        /// What is too large: `key`, `value`, `nesting`.
        what: &'static str,
        /// The size that was given, with its unit.
        actual: String,
        /// The limit, with its unit.
        limit: &'static str,
    },
    /// A text that should be JSON is not.
    #[error("not valid JSON at line {line} column {column}: {reason}")]
    NotJson {
        /// Line of the first fault, from 1.
        line: u64,
        /// Column of the first fault in characters, from 1.
        column: u64,
        /// What is wrong there.
        reason: String,
    },
    /// A value is of another type than the operation wants.
    #[error("expected {wanted}, found {found}")]
    WrongType {
        /// What the operation wants, with its article: `a number`, `text`.
        wanted: &'static str,
        /// What the value is.
        found: String,
    },
    /// Arithmetic left the range of the type. Nothing was changed.
    #[error("the result is out of range ({range})")]
    OutOfRange {
        /// The range, in words.
        range: &'static str,
    },
    /// A duration or time could not be read.
    #[error("{reason}")]
    NotATime {
        /// What was given, cut to 40 characters.
        given: String,
        /// What is wrong with it, and what is expected.
        reason: String,
    },
    /// A Rust value and a stored value do not fit each other.
    #[error("cannot convert: {0}")]
    Convert(#[from] serde_json::Error),
}

/// What kind of failure that of a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RemoteFault {
    /// It cannot be reached, was lost, or cannot store anything now. Nothing was changed.
    Io,
    /// The connection was lost before its answer to a change came.
    OutcomeUnknown,
    /// It is a replica, which takes no changes.
    ReadOnly,
    /// It does not let us in, or is no such server.
    CannotOpen,
    /// It is not ready, and was waited for.
    Busy,
    /// The key holds what another program has made, and is no string.
    OtherType,
    /// It cannot do this.
    Unsupported,
}

/// The operating system's text without Rust's `(os error N)`.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error ") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}

/// What was given, short enough for a message.
pub(crate) fn cut(text: &str) -> String {
    text.chars().take(40).collect()
}

/// The way out of a damaged file; of one that never was a database there is none.
fn salvage(is_syntax: bool, place: (u64, u64)) -> &'static str {
    if is_syntax && place != (1, 1) { "; `repair` writes what can be read to a new file" } else { "" }
}

/// What is known of a journal's last record that cannot be read, and the way out.
fn last_record(path: &std::path::Path, (offset, bytes): (u64, u64), acknowledged: bool) -> String {
    let place = format!("{bytes} bytes from offset {offset}");
    if acknowledged {
        format!(
            "{path:?} is corrupt: its last record ({place}) was acknowledged and then corrupted on disk; it is ignored. Nothing was changed; `repair` sets the record aside"
        )
    } else {
        format!(
            "{path:?} ends in a corrupt record ({place}), which may or may not have been acknowledged; it is ignored, and the next write sets it aside"
        )
    }
}

fn because(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(" ({reason})") }
}
