//! **A key-value database you can read.** The data is one plain, sorted JSON file that you can `cat`, `jq`, `git diff`
//! and edit by hand.
//!
//! ```
//! # fn main() -> Result<(), rusty_kv::Error> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("kv.json");
//! let mut db = rusty_kv::Database::open(&path)?;
//! db.set("hello", "world")?;
//! assert_eq!(db.get("hello")?, Some("world".into()));
//! # Ok(())
//! # }
//! ```
//!
//! # What it is, and what it is not
//! It is an embedded store for one machine: text, JSON and bytes under text keys, expiries, ordered ranges, atomic
//! transactions, and any number of processes on one file. It is not a server, and has no query language.
//!
//! # Modules, from top to bottom
//! A module uses only modules below it; `tests/suite/floors.rs` enforces that.
//!
//! | module | what it is |
//! | --- | --- |
//! | `shell` | the program `rusty-kv` (feature `shell`, on by default) |
//! | — `repl`, `run` | the prompt; one-shot commands and scripts |
//! | — `language` | parsing command lines: options, the list of commands, help |
//! | — `commands` | each command: its arguments, traits and implementation |
//! | — `terminal` | streams, pager, other programs, Ctrl-C, progress |
//! | — `render`, `transfer`, `filter` | answers as text; the formats of `import` and `export`; filters in jq's syntax |
//! | — `config`, `answer` | folders and settings; replies, failures, statuses |
//! | — `text` | words, patterns, kinds of arguments, escapes |
//! | `redis` | the store that is a database on Redis or Valkey (feature `redis`) |
//! | `store` | what a session needs of any store, and undo |
//! | `database` | the public API: [`Database`], [`Transaction`], [`Range`], [`Keys`], [`Options`], [`Watch`], [`Report`], [`Repaired`] |
//! | `storage` | the files: their format, commits and saves, and why crashes lose nothing |
//! | — `check` | check, repair, salvage |
//! | — `write` | the writer that holds the lock: commits, saves, recovery |
//! | — `read` | a snapshot and its journal, pinned; lookups, ranges, the change feed |
//! | — `format`, `files` | the formats as pure bytes; the file system and the writers' lock |
//! | `value` | [`Value`]: text, [`Json`] or bytes |
//! | `number` | [`Number`]: exact decimals for `incr` |
//! | `json` | the checking scanner over JSON text, and changes of its parts |
//! | `expiry` | [`Timestamp`] and durations |
//! | `error` | [`Error`] |
//!
//! # Glossary
//! *Key*: any UTF-8 text of at most 64 KiB. *Value*: what a key holds. *Entry*: a value and its expiry. *Snapshot*: the
//! JSON file. *Journal*: the commits since the last save. *Commit*: changes that become durable together. *Fold*,
//! *save*: merging snapshot and journal into a new snapshot. *Session*: an open database and its settings. *Reply*: the
//! answer to a command.

#![warn(clippy::print_stdout, clippy::print_stderr)]
#![cfg_attr(
    not(feature = "shell"),
    expect(dead_code, unused_imports, reason = "the shell uses more of the engine than the library exports")
)]

#[cfg(feature = "shell")]
pub mod shell;

#[cfg(feature = "shell")]
mod redis;

#[cfg(feature = "shell")]
mod store;

mod database;

mod storage;

mod value;

mod number;

mod json;

mod expiry;

mod error;

pub use self::database::{
    Database, Event, Keys, Options, Range, Repair, Repaired, Report, Restored, Transaction, Watch,
};
pub use self::error::{Error, RemoteFault, Result};
pub use self::expiry::{Timestamp, format_duration, parse_duration};
pub use self::number::Number;
pub use self::storage::{Entry, Progress};
pub use self::value::{Json, Value};

/// Compiles the Rust examples in the README as doctests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
