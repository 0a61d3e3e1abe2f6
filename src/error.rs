//! The errors, grouped by what the caller can do about them.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// The result type of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error. The message is one line: what failed, on which path, why, and the way out.
///
/// Control characters in paths are escaped, so that a message can be printed to a terminal as it is.
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
        /// The cause.
        source: io::Error,
    },
    /// The path leads to something that cannot hold a database: a folder, a FIFO, a device, a dangling link.
    #[error("cannot open {path:?}: {reason}")]
    Unsuitable {
        /// The path as given.
        path: PathBuf,
        /// What it is, or why it cannot be used.
        reason: String,
    },
    /// The file is not a database that this version can read. It was not changed.
    #[error("cannot open {path:?}: {} at line {line} column {column}: {reason}. Nothing was changed{}", if *syntax { "not valid JSON" } else { "not a rusty-kv database" }, salvage(*syntax, (*line, *column)))]
    Unreadable {
        /// The snapshot.
        path: PathBuf,
        /// The line of the first fault, from 1.
        line: u64,
        /// The column of the first fault in characters, from 1 (in bytes if the line is not UTF-8).
        column: u64,
        /// Whether the file is not valid JSON (true), or JSON of another form (false).
        syntax: bool,
        /// What is wrong there.
        reason: String,
    },
    /// A newer version wrote the file. It was not changed.
    #[error("cannot open {path:?}: made by a newer version of rusty-kv; use that version. Nothing was changed")]
    NewerVersion {
        /// The snapshot.
        path: PathBuf,
    },
    /// A write failed, and nothing was stored. What was saved before is unchanged.
    #[error("cannot {operation} {path:?}: {}. Nothing was stored", reason(source))]
    Io {
        /// The step that failed, as a verb.
        operation: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A save failed. Nothing is lost: the file is unchanged, and all changes are in the journal.
    #[error("cannot save {path:?}: {}. All changes are safe in the journal", reason(source))]
    NotSaved {
        /// The file or folder that could not be written.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A step failed after which it is unknown whether the write is durable.
    #[error(
        "outcome unknown: {path:?} was changed, but its folder could not be synced: {}; a crash may undo the change, so save again before you rely on it",
        reason(source)
    )]
    OutcomeUnknown {
        /// The snapshot.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The journal could not be synced, and the write could not be removed from it, either. Other processes may see it
    /// until the next write, which removes it first.
    #[error(
        "outcome unknown: {path:?} could not be synced: {}; the change may be visible until the next write, which removes it: repeat it",
        reason(source)
    )]
    Uncertain {
        /// The journal.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The database, its folder or its file system is read-only, or it was opened read-only.
    #[error("the database is read-only: {path:?}{}", because(reason))]
    ReadOnly {
        /// What could not be written.
        path: PathBuf,
        /// The cause; empty if it was opened read-only.
        reason: String,
    },
    /// Another process held the writers' lock for the whole wait. Nothing was stored.
    #[error("busy: {path:?} is held by {holder} (waited {}); try again, or wait longer with --wait", humantime::format_duration(*waited))]
    Busy {
        /// The lock file.
        path: PathBuf,
        /// The holder, according to its note: process id, host, command and start time.
        holder: String,
        /// How long this process waited.
        waited: Duration,
    },
    /// The progress callback ([`Options::on_progress`](crate::Options::on_progress)) stopped the operation. Nothing was
    /// changed.
    #[error("interrupted")]
    Interrupted,
    /// A program that takes no lock changed the file during a write, a listing or a transaction. Nothing was stored.
    #[error(
        "conflict: {path:?} was changed by another program. Nothing was stored; try again (a transaction from its `begin`)"
    )]
    Conflict {
        /// The snapshot.
        path: PathBuf,
    },
    /// Another process changed a key or range that a transaction had read or written before its commit. Nothing was
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
    /// The store does not support the operation.
    #[error("{store} {reason}")]
    Unsupported {
        /// The name of the store.
        store: String,
        /// What it does not support, and the way out.
        reason: &'static str,
    },
    /// A transaction was started inside another, or ended without one.
    #[error("{reason}")]
    Transaction {
        /// What is wrong, and the way out.
        reason: &'static str,
    },
    /// The change could not be undone, because it would replace more than undo can remember, and the user did not agree
    /// to that. Nothing was changed.
    #[error("this cannot be undone, because undo remembers at most 64 MiB. Nothing was changed; -y does it anyway")]
    Irreversible,
    /// The journal is corrupt before its end. It was not changed.
    #[error(
        "cannot open {path:?}: corrupt in line {line} (offset {offset}): {reason}; {good_after} good lines follow. Nothing was changed; `repair` writes what can be read to a new file, `repair --drop-journal` sets the journal aside"
    )]
    JournalCorrupt {
        /// The journal.
        path: PathBuf,
        /// The first bad line, from 1.
        line: u64,
        /// Where it starts, in bytes.
        offset: u64,
        /// What is wrong with it.
        reason: String,
        /// How many good lines follow.
        good_after: u64,
    },
    /// The journal's last record is unreadable. Reads leave it out, and see everything before it. It was not changed.
    #[error("{}", last_record(path, (*offset, *bytes), *acknowledged))]
    LastRecord {
        /// The journal.
        path: PathBuf,
        /// Where the record starts, in bytes.
        offset: u64,
        /// Its length up to the end of the file.
        bytes: u64,
        /// Whether it is known to have been acknowledged; if so, writes are refused. If not, the next write sets it
        /// aside.
        acknowledged: bool,
    },
    /// All of the file was read, and its checksum does not match: a value changed on disk.
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
    /// There is nothing to repair. Nothing was changed.
    #[error("nothing to repair at {path:?}: {reason}")]
    NothingToRepair {
        /// The snapshot.
        path: PathBuf,
        /// The reason, and what to do instead.
        reason: &'static str,
    },
    /// There is not enough memory for a large value.
    #[error("out of memory: {} MiB could not be allocated. No data was lost", bytes.div_ceil(1 << 20))]
    OutOfMemory {
        /// The size of the allocation.
        bytes: usize,
    },
    /// A key, value or nesting depth exceeds its limit.
    #[error("{what} is {actual}; the limit is {limit}")]
    Limit {
        /// What is too large: `key`, `value`, `nesting`.
        what: &'static str,
        /// The actual size, with its unit.
        actual: String,
        /// The limit, with its unit.
        limit: &'static str,
    },
    /// A text is not valid JSON.
    #[error("not valid JSON at line {line} column {column}: {reason}")]
    NotJson {
        /// The line of the first fault, from 1.
        line: u64,
        /// The column of the first fault in characters, from 1.
        column: u64,
        /// What is wrong there.
        reason: String,
    },
    /// A value does not have the type that the operation needs.
    #[error("expected {wanted}, found {found}")]
    WrongType {
        /// The type that the operation needs, with its article: `a number`, `text`.
        wanted: &'static str,
        /// What the value is.
        found: String,
    },
    /// A pointer leads to no part of a JSON value. Nothing was changed.
    #[error("nothing at '{}'", pointer.escape_debug())]
    NothingThere {
        /// The pointer, as RFC 6901 writes it.
        pointer: String,
    },
    /// A change does not fit the JSON value that it is made to. Nothing was changed.
    #[error("{reason}")]
    NotApplicable {
        /// What does not fit.
        reason: String,
    },
    /// A `test` of a JSON Patch found another value. Nothing was changed.
    #[error("'{}' has another value", pointer.escape_debug())]
    Differs {
        /// The pointer, as RFC 6901 writes it.
        pointer: String,
    },
    /// An operation of a JSON Patch failed, so none of them was applied.
    #[error("operation {operation}: {source}. Nothing was changed")]
    Patch {
        /// Which one, from 1.
        operation: usize,
        /// Why.
        source: Box<Error>,
    },
    /// Arithmetic left the range of the type. Nothing was changed.
    #[error("the result is out of range ({range})")]
    OutOfRange {
        /// The range, in words.
        range: &'static str,
    },
    /// A duration or time could not be parsed.
    #[error("{reason}")]
    NotATime {
        /// The text, cut to 40 characters.
        given: String,
        /// What is wrong with it, and what is expected.
        reason: String,
    },
    /// A Rust value and a stored value do not match.
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

/// A text, cut to a length that fits in a message.
pub(crate) fn cut(text: &str) -> String {
    text.chars().take(40).collect()
}

/// The way out of a corrupt file; there is none for a file that never was a database.
fn salvage(is_syntax: bool, place: (u64, u64)) -> &'static str {
    if is_syntax && place != (1, 1) { "; `repair` writes what can be read to a new file" } else { "" }
}

/// What is known about an unreadable last record of a journal, and the way out.
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
