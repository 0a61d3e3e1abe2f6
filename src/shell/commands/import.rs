//! `import`: reads the entries of a file into the database.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use clap::Args;

use super::copy_to::{existing, load};
use super::traits::{CommandArgs, Group, Traits, WithoutUndo};
use super::{Access, Caller, Session};
use crate::database::{Conflict, Existing, Loaded, Loading};
use crate::error::Error;
use crate::json::{self, JsonPointer};
use crate::shell::answer::code::Code;
use crate::shell::answer::done::Done;
use crate::shell::answer::reply::{Answer, DifferenceStream, Failure, Reply, shown};
use crate::shell::answer::status::Status;
use crate::shell::config::Location;
use crate::shell::render::imported;
use crate::shell::terminal::interrupt::{self, stoppable};
use crate::shell::terminal::progress;
use crate::shell::text::argument::{
    Delimiter, Flatten, Format, OnConflict, PartPointer, Prefix, delimiter, flatten, import_format, on_conflict, path,
    pointer, prefix, text,
};
use crate::shell::transfer::{self, FormatError, ImportError, Reading, Record, RowShape, Source};
use crate::storage::{self, Entry, LARGE};
use crate::store::{Scan, Store as _, StoreExt as _, until_failure};
use crate::value::{Json, Value};

/// So much is read at once.
const PIECE: usize = 64 << 10;

/// Import entries from a file, all or nothing
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "Examples:\n  import users.jsonl\n  import .env --prefix env: --on-conflict skip\n  import users.json --key /id\n  import table.csv --key /id --value /name\n  import .env --expand"
)]
pub(crate) struct ImportArgs {
    /// The file (- for stdin), or the URL of a database on a server
    #[arg(value_name = "FILE", value_parser = path())]
    pub(crate) file: PathBuf,
    /// The format; if none is given, the file's name says
    #[arg(long, value_name = "FORMAT", value_parser = import_format())]
    pub(crate) format: Option<Format>,
    /// Add this prefix to every key
    #[arg(long, value_name = "P", value_parser = prefix(), default_value = "", hide_default_value = true)]
    pub(crate) prefix: Prefix,
    /// What to do with a key that already exists or that repeats in the file
    #[arg(long, value_name = "WHAT", value_parser = on_conflict(), default_value = "replace")]
    pub(crate) on_conflict: OnConflict,
    /// Print what would change, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Split nested JSON objects into keys such as a.b (dotted) or /a/b (pointer)
    #[arg(long, value_name = "HOW", value_parser = flatten())]
    pub(crate) flatten: Option<Flatten>,
    /// Replace $NAME and ${NAME} with what earlier lines of the file set (dotenv)
    #[arg(long)]
    pub(crate) expand: bool,
    #[command(flatten)]
    pub(crate) rows: RowArgs,
}

/// What of a row or a document becomes key and value.
#[derive(Args, Clone, Debug, PartialEq)]
pub(crate) struct RowArgs {
    /// The part that is the key, in arrays of objects, lines of plain objects, and tables; repeat it to join several
    #[arg(long, value_name = "POINTER", value_parser = pointer())]
    pub(crate) key: Vec<PartPointer>,
    /// What joins several parts of a key
    #[arg(long, value_name = "TEXT", value_parser = text(), default_value = ":")]
    pub(crate) key_separator: String,
    /// The part that is the value; without it, the whole object or row
    #[arg(long, value_name = "POINTER", value_parser = pointer())]
    pub(crate) value: Option<PartPointer>,
    /// The table has no header: its columns are /1, /2 and so on
    #[arg(long)]
    pub(crate) no_header: bool,
    /// The character that separates columns: , ; or \t
    #[arg(long, value_name = "C", value_parser = delimiter())]
    pub(crate) delimiter: Option<Delimiter>,
    /// Another spelling of --key
    #[arg(long, value_name = "NAME", value_parser = text(), hide = true, conflicts_with = "key")]
    pub(crate) key_column: Option<String>,
    /// Another spelling of --value
    #[arg(long, value_name = "NAME", value_parser = text(), hide = true, conflicts_with = "value")]
    pub(crate) value_column: Option<String>,
}

impl RowArgs {
    /// Whether anything is said about rows.
    fn is_given(&self) -> bool {
        let names = [&self.key_column, &self.value_column];
        !self.key.is_empty()
            || self.value.is_some()
            || self.no_header
            || self.delimiter.is_some()
            || names.into_iter().any(Option::is_some)
    }

    /// Refuses what makes no sense together.
    fn check(&self, format: Format, flatten: bool) -> Result<(), Failure> {
        let documents = matches!(format, Format::Json | Format::Jsonl | Format::Jsonc);
        if documents && self.key.is_empty() && self.value.is_some() {
            return Err(Failure::usage(format!(
                "--value with {} needs --key, the part that is the key",
                format.name()
            )));
        }
        if flatten && !self.key.is_empty() {
            return Err(Failure::usage(
                "--flatten is for one object, and --key for an array of objects; give one of them",
            ));
        }
        Ok(())
    }

    fn shape(self) -> RowShape {
        let by_name = |name: &String| JsonPointer::member(name);
        let keys = self.key.into_iter().map(|key| key.path).chain(self.key_column.as_ref().map(by_name)).collect();
        let value = self.value.map(|value| value.path).or(self.value_column.as_ref().map(by_name));
        RowShape { keys, separator: self.key_separator, value, no_header: self.no_header }
    }
}

impl CommandArgs for ImportArgs {
    const TRAITS: Traits = Traits::changes("import", Group::Transfer).doing("Importing");

    fn traits(&self) -> Traits {
        // An import compares as a stream, whatever its size.
        let is_dry = self.dry_run;
        let without_undo = if self.file.is_file() { WithoutUndo::Asks } else { WithoutUndo::Fails };
        Traits { without_undo, is_dry, ..Self::TRAITS }
    }

    fn run<'s>(self, session: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        if self.file.to_string_lossy().contains("://") {
            return self.import_server(session);
        }
        let Some(format) = self.format.or_else(|| Format::of_path(&self.file)).filter(|format| format.is_read()) else {
            let names = Format::READ.join(", ");
            let message =
                format!("the name {:?} does not indicate a format; use --format with one of {names}", self.file);
            return Err(Failure::usage(message));
        };
        let given = [
            ("--flatten", self.flatten.is_some()),
            ("--key", !self.rows.key.is_empty()),
            ("--value", self.rows.value.is_some()),
            ("--key-column", self.rows.key_column.is_some()),
            ("--value-column", self.rows.value_column.is_some()),
            ("--no-header", self.rows.no_header),
            ("--delimiter", self.rows.delimiter.is_some()),
            ("--expand", self.expand),
        ];
        format.check_options(&Format::IMPORT_OPTIONS, &given).map_err(Failure::usage)?;
        self.rows.check(format, self.flatten.is_some())?;
        let input = session.input(&self.file)?;
        let reading = Reading {
            flatten: self.flatten,
            delimiter: self.rows.delimiter.map(|Delimiter(byte)| byte),
            rows: self.rows.shape(),
            expand: self.expand,
            now: session.db.now(),
        };
        // Two members of one object have no order: neither is the one that counts. Items of an array have one.
        let unique = matches!(format, Format::Json | Format::Jsonc) && reading.rows.keys.is_empty();
        let source = transfer::source(format, input, reading).map_err(|trouble| failure(&self.file, trouble))?;
        let mut records = FileRecords { source, file: self.file, prefix: self.prefix.0, count: 0 };
        if self.on_conflict == OnConflict::Merge {
            let how = Loading { existing: Existing::Replaced, unique };
            return session.merge_in(&mut records, format, how, self.dry_run);
        }
        let how = Loading { existing: existing(self.on_conflict)?, unique };
        let mut failed = None;
        let mut entries = until_failure(entries(&mut records, format), &mut failed);
        if self.dry_run {
            let rehearsed = session.db.rehearse_load(&mut entries, how);
            drop(entries);
            let (loaded, changes) = failed.map_or_else(|| rehearsed.map_err(Failure::from), Err)?;
            refuse(loaded.conflict.as_ref(), &records)?;
            let changes = DifferenceStream::of(changes.map(|change| change.map_err(Failure::from)));
            return Ok(Answer { notes: vec![imported("Would import", &loaded)], ..Reply::Changes(changes).into() });
        }
        let loaded = session.db.load(&mut entries, how, &mut ());
        drop(entries);
        let loaded = failed.map_or_else(|| loaded.map_err(Failure::from), Err)?;
        refuse(loaded.conflict.as_ref(), &records)?;
        Ok(Done::Imported(loaded).into())
    }
}

impl ImportArgs {
    /// Takes in the entries of a database on a server.
    fn import_server(self, session: &mut Session) -> Result<Answer<'_>, Failure> {
        let is_of_file = self.format.is_some() || self.flatten.is_some() || self.expand;
        if is_of_file || self.rows.is_given() {
            return Err(Failure::usage("a database on a server has no format; remove the options for files"));
        }
        let location = Location::of(Some(self.file.as_os_str()))?;
        session.others = vec![Access { read_only: true, ..session.access }.open(&location)?];
        let source = &*session.others[0];
        progress::of_keys(source.len()?);
        let prefix = self.prefix.0;
        let entries = stoppable(source.scan(&Scan::default()), progress::keys)
            .map(|item| item.map(|(key, entry)| (prefix.clone() + &key, entry)));
        let existing = existing(self.on_conflict)?;
        if !self.dry_run {
            return Ok(Done::Imported(load(&mut session.db, Box::new(entries), existing, "imported")?).into());
        }
        let (loaded, changes) = session.db.rehearse_load(&mut { entries }, Loading { existing, unique: false })?;
        let changes = DifferenceStream::of(changes.map(|change| change.map_err(Failure::from)));
        Ok(Answer { notes: vec![imported("Would import", &loaded)], ..Reply::Changes(changes).into() })
    }
}

impl Session {
    /// Merges objects into those that exist, and into those of one key in the file; other values are replaced. What is read
    /// is held in memory.
    fn merge_in(
        &mut self,
        records: &mut FileRecords<'_>,
        format: Format,
        how: Loading,
        is_dry: bool,
    ) -> Result<Answer<'_>, Failure> {
        let now = self.db.now();
        let mut loaded = Loaded::default();
        let mut read: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        let mut repeated = None;
        for entry in entries(records, format) {
            let (key, entry) = entry?;
            loaded.read += 1;
            if !entry.is_live(now) {
                loaded.expired += 1;
                continue;
            }
            if how.unique && read.contains_key(&key) {
                repeated = Some(Conflict::Repeats(key));
                break;
            }
            read.entry(key).or_default().push(entry);
        }
        refuse(repeated.as_ref(), records)?;
        loaded.entries = read.len() as u64;
        let merged = |key: &str, there: Option<Entry>| {
            read.get(key).into_iter().flatten().try_fold(there, |there, entry| merged_entry(there, entry).map(Some))
        };
        if is_dry {
            let keys = read.keys().map(|key| Ok((key.clone(), merged(key, self.db.entry(key)?)?)));
            let merged: Vec<_> = keys.collect::<crate::Result<_>>()?;
            let mut entries = merged.into_iter().filter_map(|(key, entry)| Some(Ok((key, entry?))));
            let changes = self.db.rehearse_load(&mut entries, how)?.1;
            let changes = DifferenceStream::of(changes.map(|change| change.map_err(Failure::from)));
            return Ok(Answer { notes: vec![imported("Would import", &loaded)], ..Reply::Changes(changes).into() });
        }
        let keys: Vec<&str> = read.keys().map(String::as_str).collect();
        self.db.transaction(&keys, |tx| {
            keys.iter().try_for_each(|key| match merged(key, tx.entry(key)?)? {
                Some(entry) => tx.set(key, &entry),
                None => Ok(()),
            })
        })?;
        Ok(Done::Imported(loaded).into())
    }

    fn input(&self, path: &Path) -> Result<Box<dyn BufRead>, Failure> {
        if path == Path::new("-") {
            if !self.stdin_is_free {
                return Err(Failure::usage("`import -` reads stdin, which is already in use; give a file"));
            }
            return Ok(Box::new(BufReader::with_capacity(PIECE, StoppableInput::new(io::stdin(), 0))));
        }
        let failed = |error: io::Error| Failure::io("read", path, &error);
        let file = interrupt::open_at_once(path, File::options().read(true)).map_err(failed)?;
        let meta = file.metadata().map_err(failed)?;
        if meta.is_dir() {
            return Err(failed(ErrorKind::IsADirectory.into()));
        }
        let waits = meta.file_type().is_fifo() || meta.file_type().is_char_device();
        let total = if waits { 0 } else { meta.len() };
        Ok(Box::new(BufReader::with_capacity(PIECE, StoppableInput { waits, ..StoppableInput::new(file, total) })))
    }
}

/// A file that is read until Ctrl-C.
struct StoppableInput<R> {
    file: R,
    /// Whether it may have to be waited for.
    waits: bool,
    done: u64,
    total: u64,
}

impl<R> StoppableInput<R> {
    fn new(file: R, total: u64) -> Self {
        Self { file, waits: true, done: 0, total }
    }
}

impl<R: Read + AsFd> Read for StoppableInput<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let waited = if self.waits { interrupt::wait_to_read(&self.file) } else { Ok(()) };
        // Of another kind, as readers try again after an interruption.
        let stopped = |error: io::Error| if interrupt::is_asked() { io::Error::other("interrupted") } else { error };
        waited.map_err(stopped)?;
        let length = self.file.read(buffer)?;
        self.done += length as u64;
        progress::bytes(self.done, self.total);
        Ok(length)
    }
}

/// The entries that were read, as input to the database. All or nothing: an error at the end discards everything before
/// it.
fn entries<'r>(
    records: &'r mut FileRecords<'_>,
    format: Format,
) -> impl Iterator<Item = Result<(String, Entry), Failure>> + 'r {
    // Nothing, until there is an entry; then whether all of them are those that a database has at its top.
    let looks_like_database = Rc::new(Cell::new(None));
    let looks = Rc::clone(&looks_like_database);
    let entries = records.map(move |record| {
        let Record { key, entry } = record?;
        let is_part = match &entry.value {
            Value::Json(json) => {
                matches!(key.as_str(), "map" | "expires") && json.as_str().starts_with('{')
                    || key == "expires" && json.as_str() == "null"
            }
            _ => false,
        };
        looks.set(Some(is_part && looks.get().unwrap_or(matches!(format, Format::Json | Format::Jsonc))));
        Ok((key, entry))
    });
    entries.chain(std::iter::from_fn(move || {
        let is_database = looks_like_database.take() == Some(true);
        is_database.then(|| {
            let way = "rusty-kv -d ./FILE export | rusty-kv import - --format jsonl";
            Err(Failure::usage(format!("the file is a database; to import its entries: {way}. Nothing was imported")))
        })
    }))
}

/// What an entry becomes: objects are merged as RFC 7396 says and keep their expiry, unless they are given another one.
fn merged_entry(there: Option<Entry>, entry: &Entry) -> crate::Result<Entry> {
    match (there, &entry.value) {
        (Some(Entry { value: Value::Json(old), expiry }), Value::Json(new))
            if old.as_str().starts_with('{') && new.as_str().starts_with('{') =>
        {
            let text = json::merged(Some(old.as_str()), new.as_str())?;
            Ok(Entry { value: Value::Json(Json::from_checked(text)), expiry: entry.expiry.or(expiry) })
        }
        _ => Ok(entry.clone()),
    }
}

/// The failure of an import that a key kept from being made.
fn refuse(conflict: Option<&Conflict>, records: &FileRecords<'_>) -> Result<(), Failure> {
    let (code, key, what) = match conflict {
        None => return Ok(()),
        Some(Conflict::Exists(key)) => (Code::Exists, key, "already exists"),
        Some(Conflict::Repeats(key)) => match records.repeats(key) {
            Some(failure) => return Err(failure),
            None => (Code::Repeats, key, "appears more than once"),
        },
    };
    let message = format!("Key '{}' {what}; nothing was imported", shown(key));
    Err(Failure { status: Status::No, code, message, key: Some(key.to_owned()) })
}

fn failure(file: &Path, trouble: ImportError) -> Failure {
    match trouble {
        ImportError::Input(_) if interrupt::is_asked() => Error::Interrupted.into(),
        ImportError::Input(error) => {
            let failure = Failure::io("read", file, &error);
            Failure { message: format!("{}. Nothing was imported", failure.message), ..failure }
        }
        ImportError::Fault(FormatError { line, column, reason }) => fault(file, line, column, &reason),
    }
}

fn fault(file: &Path, line: u64, column: u64, reason: &str) -> Failure {
    let message = format!("{}:{line}:{column}: {reason}. Nothing was imported", name(file));
    Failure { code: Code::Syntax, ..Failure::usage(message) }
}

fn name(file: &Path) -> Cow<'_, str> {
    if file == Path::new("-") { "stdin".into() } else { file.to_string_lossy() }
}

/// The records of a file, under a prefix.
struct FileRecords<'a> {
    source: Box<dyn Source + 'a>,
    file: PathBuf,
    prefix: String,
    count: u64,
}

impl FileRecords<'_> {
    /// The number of entries between two checks for Ctrl-C.
    const EACH: u64 = 64;

    /// The failure of a file that must not have a key twice, and has.
    fn repeats(&self, key: &str) -> Option<Failure> {
        let reason = self.source.repeats(key.strip_prefix(&self.prefix)?)?;
        let message = format!("{}: {reason}. Nothing was imported", name(&self.file));
        Some(Failure { code: Code::Syntax, ..Failure::usage(message).on(key) })
    }

    /// The record under its prefix, unless it is more than a database takes.
    fn accept(&self, Record { key, entry }: Record) -> Result<Record, Failure> {
        let key = if self.prefix.is_empty() { key } else { self.prefix.clone() + &key };
        match storage::check_entry(&key, &entry.value) {
            Ok(()) => Ok(Record { key, entry }),
            Err(Error::OutOfMemory { .. }) => {
                Err(failure(&self.file, ImportError::Input(ErrorKind::OutOfMemory.into())))
            }
            Err(error) => Err(fault(&self.file, self.source.last_line(), 1, &error.to_string())),
        }
    }
}

impl Iterator for FileRecords<'_> {
    type Item = Result<Record, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        self.count += 1;
        if self.count.is_multiple_of(Self::EACH)
            && let Err(error) = interrupt::check()
        {
            return Some(Err(error.into()));
        }
        match self.source.next() {
            Ok(record) => {
                if record.as_ref().is_some_and(|record| record.entry.value.as_bytes().len() >= LARGE) {
                    self.source.release();
                }
                record.map(|record| self.accept(record))
            }
            Err(trouble) => Some(Err(failure(&self.file, trouble))),
        }
    }
}
