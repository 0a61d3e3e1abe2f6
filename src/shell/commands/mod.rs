//! A command on an open database gives a reply. Holds what lasts from one command to the next.

mod values;

mod looking;

mod time;

mod databases;

mod repair;

mod stats;

mod edit;

mod together;

mod undo;

mod import;

mod export;

mod diff;

mod restore;

mod watch;
mod whole;

mod run;

pub(crate) use self::together::changes;
pub(crate) use self::undo::TOO_LARGE_QUESTION;
pub(crate) use self::values::was_set;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::answer::reply::{Answer, Done, Failure, Field, Reply};
use super::answer::status::Status;
use super::config::Location;
use super::language::command::{Append, Command, Count, Expire, Find, List, OfKey, OfKeys};
use super::language::traits::{OpenDatabase, Traits};
use super::render;
use super::terminal::destination::Descriptor;
use super::terminal::interrupt;
use super::terminal::progress;
use super::text::argument::OutputMode;
use crate::database::{Database, Memory, Options, Repair, Savepoint};
use crate::storage::{self, Progress};
use crate::value::Value;

/// One open database and its settings.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) db: Database,
    pub(crate) location: Location,
    /// How answers are written unless a line says otherwise.
    pub(crate) output: OutputMode,
    /// Whether each command says how long it took.
    pub(crate) timer: bool,
    /// Whether `set --file -` may read stdin: in a one-shot, and in a script that does not come from there.
    pub(crate) stdin_is_free: bool,
    access: Access,
    /// Whether it was said already that there is no file yet.
    absence_noted: bool,
    /// How many more missing keys are compared with those that are there.
    near_misses: Cell<u8>,
    /// Whether what runs is a script.
    in_script: bool,
    /// When what others wrote was taken in for the lines that were read last.
    looked: Option<Instant>,
    /// A value on its way to the database: a line of a script needs no memory of its own.
    scratch: String,
    /// Other databases that a command looks at.
    beside: Vec<Database>,
    /// Whether the script as a whole is a transaction.
    pub(crate) atomic: bool,
    /// Whether nothing is to be changed: the whole is a transaction that will be rolled back.
    pub(crate) rehearses: bool,
    /// Where a transaction of the script that is rehearsed began.
    pub(crate) mark: Option<Savepoint>,
    /// Whether the command that runs was entered at the prompt.
    pub(crate) at_prompt: bool,
    /// Whether the user has said yes to whatever it may ask (`--yes`).
    pub(crate) yes: bool,
    /// What can be undone in databases that were in use before, by their paths.
    memories: BTreeMap<PathBuf, Memory>,
    /// How a command that goes on says what must not wait for its end.
    pub(crate) warnings: Warnings,
}

/// Warnings that go to stderr at once.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Warnings {
    pub(crate) color: bool,
    pub(crate) quiet: bool,
}

impl Warnings {
    fn say(self, warning: &str) {
        if !self.quiet {
            progress::make_room();
            // There is no place left to say that stderr is broken.
            let _ = io::stderr().write_all(render::note(self.color, warning).as_bytes());
        }
    }
}

/// How databases are opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access {
    pub(crate) read_only: bool,
    pub(crate) wait: Duration,
}

impl Access {
    fn open(self, location: &Location) -> Result<Database, Failure> {
        // What a descriptor's name leads to is never replaced.
        let read_only = self.read_only || Descriptor::named_by(&location.path).is_some();
        Ok(Self { read_only, ..self }.options().make_folder(location.named).open(&location.path)?)
    }

    fn options(self) -> Options {
        Options::new().read_only(self.read_only).wait(self.wait).on_progress(on_progress)
    }
}

impl Session {
    pub(crate) fn open(location: Location, access: Access, output: OutputMode) -> Result<Self, Failure> {
        let db = access.open(&location)?;
        Ok(Self::on(db, location, access, output))
    }

    /// A session on no database, for the commands that do without: nothing is read for them.
    pub(crate) fn without_database(location: Location, access: Access, output: OutputMode) -> Self {
        Self::on(Database::in_memory(), location, access, output)
    }

    fn on(db: Database, location: Location, access: Access, output: OutputMode) -> Self {
        let near_misses = Cell::new(100);
        Self {
            db,
            location,
            output,
            timer: false,
            stdin_is_free: false,
            access,
            absence_noted: false,
            near_misses,
            in_script: false,
            looked: None,
            scratch: String::new(),
            beside: Vec::new(),
            atomic: false,
            rehearses: false,
            mark: None,
            at_prompt: false,
            yes: false,
            memories: BTreeMap::new(),
            warnings: Warnings::default(),
        }
    }

    /// The files of the open database, which nothing else may write to.
    pub(crate) fn own_files(&self) -> Vec<PathBuf> {
        let path = self.db.path().unwrap_or(&self.location.path);
        let [journal, lock] = storage::side_files(path);
        vec![path.to_owned(), journal, lock]
    }

    /// What a person should know about the files that were read, each said once.
    pub(crate) fn take_notices(&mut self) -> Vec<String> {
        let mut notices = self.db.take_notices();
        notices.extend(self.beside.iter_mut().flat_map(Database::take_notices));
        notices
    }

    /// Whether changes are refused.
    pub(crate) fn is_read_only(&self) -> bool {
        self.access.read_only || Descriptor::named_by(&self.location.path).is_some()
    }

    /// Runs one command on the newest state. `confirm` asks a person, before much is deleted.
    pub(crate) fn run(
        &mut self,
        command: Command,
        confirm: &mut dyn FnMut(&str) -> bool,
    ) -> Result<Answer<'_>, Failure> {
        let traits = Traits::of(&command);
        self.check_transaction(traits)?;
        if traits.database != OpenDatabase::Unneeded {
            self.look()?;
        }
        let absence = self.absence(traits);
        let mut answer = match command {
            Command::Set(set) => self.set(&set),
            Command::Get(get) => self.get(&get),
            Command::Del(del) => self.del(&del, confirm),
            Command::Exists(OfKeys { keys }) => self.exists(&keys),
            Command::Getdel(OfKey { key }) => self.getdel(&key),
            Command::Incr(add) => self.add(&add.key, add.by),
            Command::Decr(add) => self.add(&add.key, add.by.negated()?),
            Command::Append(Append { key, value }) => self.append(&key, &value.0),
            Command::Rename(names) => self.rename(&names),
            Command::Copy(names) => self.copy(&names),
            Command::Keys(looking) => self.keys(&looking),
            Command::List(List { looking, values }) => self.list(&looking, values),
            Command::Find(Find { regex, keys, values, limit }) => self.find(&regex, keys, values, limit),
            Command::Count(Count { glob }) => self.count(glob.as_deref()),
            Command::Info(OfKey { key }) => self.info(&key),
            Command::Stats => self.stats(),
            Command::Edit(edit) => self.edit(&edit, confirm),
            Command::Expire(Expire { key, duration }) => self.expire(&key, duration),
            Command::Ttl(OfKey { key }) => self.ttl(&key),
            Command::Persist(OfKey { key }) => self.persist(&key),
            Command::Begin => self.begin(),
            Command::Commit => self.commit_after_asking(confirm),
            Command::Rollback => self.roll_back(),
            Command::Undo { n } => self.undo(n, confirm),
            Command::Watch { glob } => self.watch(glob.as_deref()),
            Command::Wait(wait) => self.wait(&wait),
            Command::Check { file } => self.check(file.as_deref()),
            Command::Repair { keep_journal: true, .. } => self.repair(Repair::KeepJournal, confirm),
            Command::Repair { drop_journal: true, .. } => self.repair(Repair::DropJournal, confirm),
            Command::Repair { .. } => self.repair(Repair::Salvage, confirm),
            Command::Save { path } => self.save(path.as_deref(), confirm),
            Command::Use { name } => self.use_database(&name, confirm),
            Command::Dbs => self.databases(),
            Command::Drop { name } => self.drop_database(&name, confirm),
            Command::Path => Ok(self.path()),
            Command::Clear => self.clear(confirm),
            Command::Restore { file } => self.restore(&file, confirm),
            Command::Diff { a, b } => self.diff(&a, b.as_deref()),
            Command::Import(import) => self.import(import),
            Command::Export(export) => self.export(&export),
            Command::Dump { file, force } => self.dump(file.as_deref(), force),
            Command::Run(_) | Command::Shell(_) => Err(Failure::usage("this command is the shell's own")),
        }?;
        answer.notes.extend(absence);
        Ok(answer)
    }

    /// Takes in what others wrote. Lines of a script that were read together are answered from one look, for as long as
    /// nobody could tell: two looks at files cost more than a `get`.
    fn look(&mut self) -> Result<(), Failure> {
        const FRESH: Duration = Duration::from_millis(10);
        if self.looked.is_some_and(|looked| looked.elapsed() < FRESH) {
            return Ok(());
        }
        self.db.refresh()?;
        self.looked = self.in_script.then(Instant::now);
        Ok(())
    }

    /// More of a script was read, by whoever may know more.
    pub(crate) fn look_again(&mut self, in_script: bool) {
        self.in_script = in_script;
        self.looked = None;
    }

    /// What a read of a database that is not there says, once: the path that was looked at. `get` and the others that
    /// fail on a missing key say it in their failure.
    fn absence(&mut self, traits: &Traits) -> Option<String> {
        let is_noted = traits.database == OpenDatabase::NotedIfMissing && !self.absence_noted;
        let note = self.place().filter(|_| is_noted)?;
        self.absence_noted = true;
        Some(note)
    }

    /// Where was looked, if there is no file there.
    fn place(&self) -> Option<String> {
        let path = self.db.path().filter(|_| !self.db.is_on_disk() && !self.db.has_open_batch())?;
        Some(format!("there is no database at {path:?} yet"))
    }

    /// The failure of a command on a key that is not there: names the nearest key.
    fn not_found(&self, key: &str) -> Failure {
        Failure::not_found(key, self.nearest(key).as_deref(), self.place().as_deref())
    }

    /// The key most like this one, if one is close. Looks at a bounded number of keys, and helps a session a bounded number
    /// of times: a script that asks for a million keys is not looking for a typing error.
    fn nearest(&self, key: &str) -> Option<String> {
        const LOOKED_AT: usize = 2_000;
        const LONGEST: usize = 64;
        let left = self.near_misses.get();
        // In a transaction whatever is read may be what others have changed.
        if key.is_empty() || key.len() > LONGEST || left == 0 || self.db.is_in_transaction() {
            return None;
        }
        self.near_misses.set(left - 1);
        let first: String = key.chars().take(1).collect();
        let close = 1 + key.chars().count() / 5;
        let same_start = self.db.prefix(&first).unverified().keys().take(LOOKED_AT);
        same_start
            .chain(self.db.iter().unverified().keys().take(LOOKED_AT))
            .filter_map(Result::ok)
            .filter(|there| there.len() <= LONGEST + 4)
            .map(|there| (strsim::damerau_levenshtein(key, &there), there))
            .filter(|&(distance, ref there)| distance <= close && distance < there.chars().count())
            .min()
            .map(|(_, there)| there)
    }
}

/// Shows how far a save or a check is, and stops it when the person wants that.
fn on_progress(progress: Progress) -> ControlFlow<()> {
    if progress.done > 0 {
        progress::bytes(progress.done, progress.total);
    }
    if interrupt::is_asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// The answer to a change that a condition kept from being made.
pub(crate) fn refused<'a>(reason: &'static str, note: String) -> Answer<'a> {
    let done = Done { ok: false, ..Done::new("") }.with("reason", Field::Text(reason.to_owned()));
    Answer { reply: Reply::Done(done), status: Status::No, notes: vec![note] }
}

fn value_field(value: Option<&Value>) -> Field {
    value.map_or(Field::None, |value| Field::Value(value.clone()))
}

/// `1 key`, `2 keys`.
pub(crate) fn keys(count: u64) -> String {
    counted(count, "key", "keys")
}

/// How many of them: `1 key`, `2 keys`.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
