//! The commands, with one file for each command or family: the arguments with their help and examples, the traits, and
//! the implementation, which works on an open database and returns a reply.
//!
//! To add a command, add such a file, its `mod` line here, and a line in
//! [`language::command`](super::language::command).
//!
//! | module | purpose |
//! | --- | --- |
//! | `traits` | what every command is |
//! | `mode` | when the changes of a run are stored, and what is refused until then |
//! | `settings`, `mask`, `lines`, `manual` | the commands of the shell itself, which the runner executes |
//! | `part` | what a command changes: a value, or a part of one |
//! | `atomic_file` | files that an export makes |
//! | `choosing` | filters that are asked of entries |
//! | `sheet` | entries as the rows of a table |
//! | `many` | changes of all keys that a glob, a prefix or a filter picks |
//!
//! The session is the state that lasts from one command to the next; the caller is the source of a command.

pub(crate) mod append;
mod atomic_file;
pub(crate) mod choosing;
pub(crate) mod clear;
pub(crate) mod copy_to;
pub(crate) mod count;
pub(crate) mod dbs;
pub(crate) mod del;
pub(crate) mod diff;
pub(crate) mod drop;
pub(crate) mod echo;
pub(crate) mod edit;
pub(crate) mod exists;
pub(crate) mod expiry;
pub(crate) mod export;
pub(crate) mod find;
pub(crate) mod get;
pub(crate) mod getdel;
pub(crate) mod import;
pub(crate) mod incr;
pub(crate) mod info;
pub(crate) mod lines;
pub(crate) mod listing;
pub(crate) mod manual;
mod many;
pub(crate) mod mask;
pub(crate) mod merge;
pub(crate) mod merge_file;
pub(crate) mod mode;
pub(crate) mod mset;
pub(crate) mod part;
pub(crate) mod path;
pub(crate) mod ping;
pub(crate) mod push;
pub(crate) mod redo;
pub(crate) mod rename;
pub(crate) mod repair;
pub(crate) mod restore;
pub(crate) mod run;
pub(crate) mod save;
pub(crate) mod set;
pub(crate) mod settings;
mod sheet;
pub(crate) mod stats;
pub(crate) mod traits;
pub(crate) mod transaction;
pub(crate) mod type_of;
pub(crate) mod undo;
pub(crate) mod use_database;
pub(crate) mod version;
pub(crate) mod watch;

pub(crate) use self::undo::TOO_LARGE_QUESTION;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use self::mode::RunMode;
use self::traits::{OpenDatabase, Traits};
use super::answer::code::Reason;
use super::answer::done::Done;
use super::answer::reply::{Answer, Failure};
use super::answer::status::Status;
use super::config::{Location, NEEDS_FILE, Place};
use super::render::{self, changes, counted, keys};
use super::terminal::destination::Descriptor;
use super::terminal::interrupt;
use super::terminal::progress;
use super::text::mask::Masks;
use crate::database::{Database, Options};
use crate::error::Error;
use crate::redis;
use crate::storage::{self, Progress};
use crate::store::{Store, StoreExt as _, UndoHistory, Undoing};

/// The source of a command: a line of a script, the program's arguments, or the prompt.
pub(crate) struct Caller<'c> {
    /// Asks the user a question; returns whether the user confirms.
    pub(crate) ask: &'c mut dyn FnMut(&str) -> bool,
    pub(crate) mode: &'c mut RunMode,
    /// Whether the command was entered at the prompt.
    pub(crate) at_prompt: bool,
    /// Whether `--yes` answers all questions.
    pub(crate) yes: bool,
    /// How a long-running command prints what must not wait for its end.
    pub(crate) warnings: Warnings,
    /// The masks that apply to its answer.
    pub(crate) masks: Option<Masks>,
}

impl Caller<'_> {
    /// Whether the user confirms the question.
    fn confirm(&mut self, question: &str) -> bool {
        (self.ask)(question)
    }

    /// Whether the value of a key is masked.
    fn is_masked(&self, key: &str) -> bool {
        self.masks.as_ref().is_some_and(|masks| masks.hides(key))
    }
}

/// An open database and the settings of the session.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) db: Undoing,
    pub(crate) location: Location,
    /// Whether `set --file -` may read stdin: in a one-shot command, and in a script that is not stdin itself.
    pub(crate) stdin_is_free: bool,
    access: Access,
    /// Whether a missing database file was already reported.
    absence_noted: bool,
    /// The number of missing keys for which similar ones will still be looked up.
    near_misses: Cell<u8>,
    /// Whether a script is running.
    in_script: bool,
    /// When changes by other processes were read for the current lines.
    refreshed: Option<Instant>,
    /// A reusable buffer for values, so that a line of a script needs no allocation.
    scratch: String,
    /// Other databases that a command reads.
    others: Vec<Box<dyn Store>>,
    /// What can be undone in databases that were in use before, by their names.
    undo_histories: BTreeMap<String, UndoHistory>,
    /// The keys whose values are masked on a terminal.
    pub(crate) masks: Masks,
}

/// Prints warnings to stderr at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Warnings {
    pub(crate) style: render::MessageStyle,
    pub(crate) quiet: bool,
}

impl Warnings {
    fn say(self, warning: &str) {
        if !self.quiet {
            progress::make_room();
            // If stderr is broken, there is nowhere left to report that.
            let _ = io::stderr().write_all(render::note(self.style, warning).as_bytes());
        }
    }
}

/// How databases are opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access {
    pub(crate) read_only: bool,
    /// How long what passes is waited for, if that was given.
    pub(crate) wait: Option<Duration>,
}

impl Access {
    fn open(self, location: &Location) -> Result<Box<dyn Store>, Failure> {
        /// A primary that fails is given up by its cluster after 15 seconds.
        const WAIT: Duration = Duration::from_secs(30);
        match &location.place {
            Place::File { .. } => Ok(Box::new(self.open_file(location)?)),
            Place::Remote(url) => {
                let (read_only, wait) = (self.read_only, self.wait.unwrap_or(WAIT));
                Ok(redis::open(url, &redis::RemoteSettings { read_only, wait, is_stopped: interrupt::is_asked })?)
            }
        }
    }

    /// The same of a database that must be in a file.
    fn open_file(self, location: &Location) -> Result<Database, Failure> {
        let path = location.file()?;
        // What a descriptor's name leads to is never replaced.
        let read_only = self.read_only || Descriptor::named_by(path).is_some();
        Ok(Self { read_only, ..self }.options().make_folder(location.is_named()).open(path)?)
    }

    fn options(self) -> Options {
        /// Other writers hold the lock for a moment each.
        const WAIT: Duration = Duration::from_secs(5);
        Options::new().read_only(self.read_only).wait(self.wait.unwrap_or(WAIT)).on_progress(on_progress)
    }
}

impl Session {
    pub(crate) fn open(location: Location, access: Access) -> Result<Self, Failure> {
        let db = access.open(&location)?;
        Ok(Self::on(db, location, access))
    }

    /// A session without a database, for commands that do not need one.
    pub(crate) fn without_database(location: Location, access: Access) -> Self {
        Self::on(Box::new(Database::in_memory()), location, access)
    }

    /// A session on any store.
    pub(crate) fn on(db: Box<dyn Store>, location: Location, access: Access) -> Self {
        let near_misses = Cell::new(100);
        Self {
            db: Undoing::new(db),
            location,
            stdin_is_free: false,
            access,
            absence_noted: false,
            near_misses,
            in_script: false,
            refreshed: None,
            scratch: String::new(),
            others: Vec::new(),
            undo_histories: BTreeMap::new(),
            masks: Masks::default(),
        }
    }

    /// The database itself, for operations that only a file database has.
    pub(crate) fn files(&mut self) -> Result<&mut Database, Failure> {
        let name = self.db.describe().name;
        let unsupported = || Error::Unsupported { store: name, reason: NEEDS_FILE };
        Ok(self.db.files_mut().ok_or_else(unsupported)?)
    }

    /// The files of the open database, which cannot be overwritten.
    pub(crate) fn own_files(&self) -> Vec<PathBuf> {
        let Some(path) = self.db.path().or(self.location.path()) else { return Vec::new() };
        let [journal, lock] = storage::side_files(path);
        vec![path.to_owned(), journal, lock]
    }

    /// Notices about the files that were read, each reported once.
    pub(crate) fn take_notices(&mut self) -> Vec<String> {
        let mut notices = self.db.take_notices();
        notices.extend(self.others.iter_mut().flat_map(|other| other.take_notices()));
        notices
    }

    /// Whether changes are refused.
    pub(crate) fn is_read_only(&self) -> bool {
        self.access.read_only || self.location.path().is_some_and(|path| Descriptor::named_by(path).is_some())
    }

    /// Prepares for a command: reads the newest state, if it needs one. The note is for its answer.
    pub(crate) fn prepare(&mut self, traits: &Traits, caller: &Caller<'_>) -> Result<Option<String>, Failure> {
        if self.db.is_in_transaction() {
            caller.mode.check(traits.in_transaction, caller.at_prompt)?;
        }
        if traits.database.is_needed() {
            self.refresh()?;
        }
        Ok(self.absence(traits))
    }

    /// Reads changes by other processes. Script lines that were read together share one refresh, as long as no one can
    /// tell the difference, because checking the files twice costs more than a `get`.
    fn refresh(&mut self) -> Result<(), Failure> {
        const FRESH: Duration = Duration::from_millis(10);
        if self.refreshed.is_some_and(|refreshed| refreshed.elapsed() < FRESH) {
            return Ok(());
        }
        self.db.refresh()?;
        self.refreshed = self.in_script.then(Instant::now);
        Ok(())
    }

    /// Notes that more of a script was read, whose author may know of newer changes.
    pub(crate) fn mark_stale(&mut self, in_script: bool) {
        self.in_script = in_script;
        self.refreshed = None;
    }

    /// Reports once that the database does not exist, with its path. `get` and other commands that fail on a missing
    /// key include this in their failure.
    fn absence(&mut self, traits: &Traits) -> Option<String> {
        if traits.database != OpenDatabase::NotedIfMissing || self.absence_noted {
            return None;
        }
        let note = self.place()?;
        self.absence_noted = true;
        Some(note)
    }

    /// The path, if the file does not exist.
    fn place(&self) -> Option<String> {
        let path = self.db.path().filter(|_| !self.db.describe().exists && !self.db.batch().is_open)?;
        Some(format!("there is no database at {path:?} yet"))
    }

    /// The failure of a command on a key that does not exist; suggests the nearest key.
    fn not_found(&self, key: &str) -> Failure {
        Failure::not_found(key, self.nearest(key).as_deref(), self.place().as_deref())
    }

    /// The nearest key to this one, if one is close. It checks a bounded number of keys, and a bounded number of times
    /// per session: a script that reads a million missing keys has no typing errors.
    fn nearest(&self, key: &str) -> Option<String> {
        const LOOKED_AT: usize = 2_000;
        const LONGEST: usize = 64;
        let left = self.near_misses.get();
        // In a transaction, everything that is read counts for conflicts.
        if key.is_empty() || key.len() > LONGEST || left == 0 || self.db.is_in_transaction() {
            return None;
        }
        self.near_misses.set(left - 1);
        let first: String = key.chars().take(1).collect();
        let close = 1 + key.chars().count() / 5;
        let same_start = self.db.outlines(&first).take(LOOKED_AT);
        same_start
            .chain(self.db.outlines("").take(LOOKED_AT))
            .filter_map(|outline| Some(outline.ok()?.key))
            .filter(|there| there.len() <= LONGEST + 4)
            .map(|there| (strsim::damerau_levenshtein(key, &there), there))
            .filter(|&(distance, ref there)| distance <= close && distance < there.chars().count())
            .min()
            .map(|(_, there)| there)
    }
}

/// Shows the progress of a save or a check, and stops it on Ctrl-C.
fn on_progress(progress: Progress) -> ControlFlow<()> {
    if progress.done > 0 {
        progress::bytes(progress.done, progress.total);
    }
    if interrupt::is_asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// The answer to a change that a condition prevented.
pub(crate) fn refused<'a>(reason: Reason, note: String) -> Answer<'a> {
    Answer { status: Status::No, notes: vec![note], ..Done::Refused(reason).into() }
}

/// A limit as a number of entries.
fn at_most(limit: Option<u64>) -> usize {
    limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
}
