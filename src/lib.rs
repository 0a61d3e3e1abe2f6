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
//! # What it is, and is not
//! It is an embedded store for one machine: text, JSON and bytes under text keys, deadlines, ordered ranges, atomic
//! transactions, any number of processes on one file. It is not a server, and has no query language.
//!
//! # Floor plan, top first
//! A module uses only what is below it; `tests/suite/floors.rs` holds it to that.
//!
//! | module | what it is |
//! | --- | --- |
//! | `shell` | the program `rusty-kv` (feature `shell`, on by default) |
//! | — `repl`, `run` | the prompt; one-shots and scripts |
//! | — `language` | what may be said: options, the commands together, help |
//! | — `commands` | each command: its arguments, what it is, what it does |
//! | — `terminal` | streams, pager, other programs, Ctrl-C, progress |
//! | — `render`, `transfer` | answers as text; the formats of `import` and `export` |
//! | — `config`, `answer` | folders and settings; replies, failures, statuses |
//! | — `text` | words, patterns, kinds of arguments, escapes |
//! | `redis` | the store that is a database on Redis or Valkey (feature `redis`) |
//! | `store` | what a session needs of any store, and what it remembers to undo |
//! | `database` | the public face: [`Database`], [`Transaction`], [`Range`], [`Keys`], [`Options`], [`Watch`], [`Report`], [`Repaired`] |
//! | `storage` | what is on disk, and when: the format, commits and saves, crash by crash |
//! | — `check` | check, repair, salvage |
//! | — `write` | the writer under the lock: commits, saves, recovery |
//! | — `read` | a snapshot and its journal, pinned; lookups, ranges, what has changed |
//! | — `format`, `files` | pure bytes; the file system and the writers' lock |
//! | `value` | [`Value`]: text, [`Json`] or bytes |
//! | `number` | [`Number`]: exact decimals for `incr` |
//! | `json` | the checking scanner over JSON text |
//! | `expiry` | [`Timestamp`] and durations |
//! | `error` | [`Error`] |
//!
//! # Glossary
//! *Key*: any UTF-8 text of at most 64 KiB. *Value*: what it holds. *Entry*: a value and its deadline. *Snapshot*: the
//! JSON file. *Journal*: the commits since it was saved. *Commit*: changes that become durable together. *Fold*, *save*:
//! snapshot and journal become a new snapshot. *Session*: one open database and its settings. *Reply*: what a command answers.

#![warn(clippy::print_stdout, clippy::print_stderr)]
#![cfg_attr(
    not(feature = "shell"),
    expect(dead_code, unused_imports, reason = "the shell asks for more of the engine than the library shows")
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

/// The library's part of the README is compiled with the documentation's tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
