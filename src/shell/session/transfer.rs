//! Commands that move entries: import, export, dump, diff, restore.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::{Session, counted, keys};
use crate::database::{Existing, Range};
use crate::shell::argument::{Format, OnConflict};
use crate::shell::command::Import;
use crate::shell::config::{self, Location};
use crate::shell::escape;
use crate::shell::glob::Glob;
use crate::shell::reply::{Answer, Changes, Delta, Done, Failure, Field, Pieces, Reply};
use crate::shell::status::Status;
use crate::shell::transfer::{self, Loss, Reading, Record, Sink, Source, Trouble};
use crate::shell::words;
use crate::storage::Entry;
use crate::value::Value;

/// About so many bytes are written at once.
const PIECE: usize = 64 << 10;

impl Session {
    pub(super) fn import(&mut self, import: Import) -> Result<Answer<'_>, Failure> {
        let format = match import.format.or_else(|| Format::of_path(&import.file)) {
            Some(Format::Sh | Format::Fish) | None => {
                let names = "json, jsonl, csv, dotenv, redis or tsv";
                return Err(Failure::usage(format!(
                    "what {:?} is, its name does not say: --format {names}",
                    import.file
                )));
            }
            Some(format) => format,
        };
        let input: Box<dyn BufRead> = if import.file == Path::new("-") {
            if !self.stdin_is_free {
                return Err(Failure::usage("`import -` reads stdin, which is in use here; give a file"));
            }
            Box::new(io::stdin().lock())
        } else {
            let file = File::open(&import.file).map_err(|error| Failure::io("read", &import.file, &error))?;
            Box::new(BufReader::with_capacity(PIECE, file))
        };
        let reading = Reading {
            flatten: import.flatten,
            key_column: import.key_column,
            value_column: import.value_column,
            now: self.db.now(),
        };
        let records =
            Records { source: transfer::source(format, input, reading), file: import.file, prefix: import.prefix };
        if import.dry_run {
            return Ok(Reply::Changes(Changes(Box::new(self.would_change(records, import.on_conflict)))).into());
        }
        let existing = match import.on_conflict {
            OnConflict::Replace => Existing::Replaced,
            OnConflict::Skip => Existing::Kept,
            OnConflict::Fail => Existing::Refused,
        };
        let entries = records.map(|record| record.map(|Record { key, entry }| (key, entry)));
        let loaded = self.db.load_entries(entries, existing)?;
        if let (Existing::Refused, Some(key)) = (existing, &loaded.first_kept) {
            return Err(is_there(key));
        }
        let mut message = format!("Imported {}", counted(loaded.entries, "entry", "entries"));
        if loaded.kept > 0 {
            message.push_str(&format!("; {} there already", counted(loaded.kept, "key was", "keys were")));
        }
        let done = Done::new(message).with("imported", Field::Number(loaded.entries));
        Ok(Reply::Done(done.with("skipped", Field::Number(loaded.kept))).into())
    }

    /// What an import would change, record by record.
    fn would_change<'a>(
        &'a self,
        records: Records<'a>,
        on_conflict: OnConflict,
    ) -> impl Iterator<Item = Result<Delta, Failure>> + 'a {
        records.filter_map(move |record| {
            let delta = || -> Result<Option<Delta>, Failure> {
                let Record { key, entry } = record?;
                let old = self.db.entry(&key)?;
                match (&old, on_conflict) {
                    (Some(_), OnConflict::Fail) => Err(is_there(&key)),
                    (Some(_), OnConflict::Skip) => Ok(None),
                    (Some(old), OnConflict::Replace) if *old == entry => Ok(None),
                    _ => Ok(Some(Delta { key, old, new: Some(entry) })),
                }
            };
            delta().transpose()
        })
    }

    pub(super) fn export(
        &mut self,
        file: Option<&Path>,
        glob: Option<&str>,
        format: Option<Format>,
    ) -> Result<Answer<'_>, Failure> {
        let file = file.filter(|file| *file != Path::new("-"));
        let format = match (format, file) {
            (Some(format), _) => format,
            (None, None) => Format::Jsonl,
            (None, Some(file)) => Format::of_path(file).ok_or_else(|| {
                let names = Format::ALL.map(|(name, _)| name).join(", ");
                Failure::usage(format!("what {file:?} is to be, its name does not say: --format, one of {names}"))
            })?,
        };
        let glob = glob.map(Glob::new).transpose().map_err(Failure::usage)?;
        self.write_out(file, glob, transfer::sink(format))
    }

    pub(super) fn dump(&mut self, file: Option<&Path>) -> Result<Answer<'_>, Failure> {
        self.write_out(file.filter(|file| *file != Path::new("-")), None, Box::new(Commands))
    }

    fn write_out(
        &mut self,
        file: Option<&Path>,
        glob: Option<Glob>,
        sink: Box<dyn Sink>,
    ) -> Result<Answer<'_>, Failure> {
        let prefix = glob.as_ref().map_or("", Glob::prefix).to_owned();
        let entries = self.db.prefix(&prefix);
        let export = Export { entries, glob, sink, state: State::Begin, count: 0, lost: Lost::default() };
        let Some(file) = file else {
            let notes = Rc::default();
            let pieces = Box::new(Noted { export, notes: Rc::clone(&notes) });
            return Ok(Reply::Pieces(Pieces { pieces, notes }).into());
        };
        config::check_path(file)?;
        let (count, notes) = to_file(file, export)?;
        let done = Done::new(format!("Wrote {} to {}", keys(count), config::short(file)));
        let done = done.with("exported", Field::Number(count));
        Ok(Answer { notes, ..Reply::Done(done).into() })
    }

    pub(super) fn diff(&mut self, a: &Path, b: Option<&Path>) -> Result<Answer<'_>, Failure> {
        let open = |name: &Path| {
            let location = Location::of(Some(name.as_os_str()))?;
            let db = self.access.open(&location)?;
            if db.is_on_disk() {
                return Ok(db);
            }
            let message = format!("There is no database '{}' ({:?})", location.name, location.path);
            Err(Failure { status: Status::Database, code: "cannot_open", message, key: None })
        };
        self.beside = vec![open(a)?];
        if let Some(b) = b {
            self.beside.push(open(b)?);
        }
        let old = self.beside[0].iter();
        let new = self.beside.get(1).unwrap_or(&self.db).iter();
        let mut deltas = Deltas::new(old, new).peekable();
        let status = if deltas.peek().is_none() { Status::Done } else { Status::No };
        Ok(Answer { status, ..Reply::Changes(Changes(Box::new(deltas))).into() })
    }

    pub(super) fn restore(&mut self, file: &Path) -> Result<Answer<'_>, Failure> {
        config::check_path(file)?;
        let location = Location { path: file.to_owned(), ..self.location.clone() };
        let mut backup = self.access.open(&location)?;
        if !backup.is_on_disk() {
            let message = format!("There is no file {file:?}");
            return Err(Failure { status: Status::Database, code: "cannot_open", message, key: None });
        }
        let Some(path) = self.db.path().map(Path::to_owned) else {
            return Err(Failure::usage("a database in memory cannot be restored"));
        };
        // Read in full before anything is replaced.
        for item in &backup {
            item?;
        }
        let mut kept = None;
        if self.db.is_on_disk() {
            let beside = free_name(&path);
            kept = Some(self.db.save_to(&beside)?);
        }
        backup.save_to(&path)?;
        self.db.refresh()?;
        let count = self.db.len()?;
        let mut message = format!("Restored {}", keys(count));
        let mut done = Done::new("").with("keys", Field::Number(count));
        if let Some(kept) = kept {
            message.push_str(&format!("; what was there is in {}", config::short(&kept)));
            done = done.with("kept", Field::Text(kept.to_string_lossy().into_owned()));
        }
        Ok(Reply::Done(Done { confirmation: message, ..done }).into())
    }
}

fn is_there(key: &str) -> Failure {
    let message = format!("Key '{}' exists already; nothing was imported", escape::excerpt(key, 60));
    Failure { status: Status::No, code: "exists", message, key: Some(key.to_owned()) }
}

/// A name beside a database that nothing has: `kv.before-restore.json`, `kv.before-restore-2.json`, ….
fn free_name(path: &Path) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let name = |n: u32| match n {
        1 => format!("{stem}.before-restore.json"),
        n => format!("{stem}.before-restore-{n}.json"),
    };
    let names = (1..).map(|n| path.with_file_name(name(n)));
    names
        .into_iter()
        .find(|path| std::fs::symlink_metadata(path).is_err())
        .unwrap_or_else(|| path.with_file_name(name(1)))
}

/// The records of a file, under a prefix.
struct Records<'a> {
    source: Box<dyn Source + 'a>,
    file: PathBuf,
    prefix: String,
}

impl Iterator for Records<'_> {
    type Item = Result<Record, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        let name = || if self.file == Path::new("-") { "stdin".into() } else { self.file.to_string_lossy() };
        match self.source.next() {
            Ok(record) => record.map(|record| Ok(Record { key: format!("{}{}", self.prefix, record.key), ..record })),
            Err(Trouble::Input(error)) => Some(Err(Failure::io("read", &self.file, &error))),
            Err(Trouble::Fault(fault)) => {
                let column = if fault.column > 0 { format!("{}:", fault.column) } else { String::new() };
                let place = format!("{}:{}:{column}", name(), fault.line);
                Some(Err(Failure::usage(format!("{place} {}. Nothing was imported", fault.reason))))
            }
        }
    }
}

/// What did not go into a file.
#[derive(Default)]
struct Lost {
    deadlines: u64,
    kinds: u64,
}

impl Lost {
    fn add(&mut self, loss: Loss) {
        self.deadlines += u64::from(loss.deadline);
        self.kinds += u64::from(loss.kind);
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.deadlines > 0 {
            let deadlines = counted(self.deadlines, "deadline is", "deadlines are");
            notes.push(format!("warning: {deadlines} not in it; jsonl and csv keep them"));
        }
        if self.kinds > 0 {
            let values = counted(self.kinds, "JSON value", "JSON values");
            notes.push(format!("warning: {values} would come back as text; jsonl and csv keep the type"));
        }
        notes
    }
}

enum State {
    Begin,
    Middle,
    End,
}

/// Entries on their way into a file, piece by piece.
struct Export<'a> {
    entries: Range<'a>,
    glob: Option<Glob>,
    sink: Box<dyn Sink>,
    state: State,
    count: u64,
    lost: Lost,
}

impl Iterator for Export<'_> {
    type Item = Result<Vec<u8>, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut piece = Vec::with_capacity(PIECE + PIECE / 4);
        if matches!(self.state, State::Begin) {
            self.sink.begin(&mut piece);
            self.state = State::Middle;
        }
        while matches!(self.state, State::Middle) && piece.len() < PIECE {
            match self.entries.next() {
                None => {
                    self.sink.end(&mut piece);
                    self.state = State::End;
                }
                Some(Err(error)) => return Some(Err(error.into())),
                Some(Ok((key, _))) if self.glob.as_ref().is_some_and(|glob| !glob.matches(&key)) => {}
                Some(Ok((key, entry))) => match self.sink.put(&key, &entry, &mut piece) {
                    Ok(loss) => {
                        self.lost.add(loss);
                        self.count += 1;
                    }
                    Err(reason) => {
                        self.state = State::End;
                        let message = format!("Key '{}' cannot be written: {reason}", escape::excerpt(&key, 60));
                        return Some(Err(Failure::usage(message).on(&key)));
                    }
                },
            }
        }
        (!piece.is_empty()).then_some(Ok(piece))
    }
}

/// An export whose notes are known when it has come to its end.
struct Noted<'a> {
    export: Export<'a>,
    notes: Rc<RefCell<Vec<String>>>,
}

impl Iterator for Noted<'_> {
    type Item = Result<Vec<u8>, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.export.next();
        if next.is_none() {
            *self.notes.borrow_mut() = self.export.lost.notes();
        }
        next
    }
}

/// Writes a file that is there when it is whole; says how many entries it holds, and what it does not.
fn to_file(path: &Path, mut export: Export<'_>) -> Result<(u64, Vec<String>), Failure> {
    let failed = |error: &io::Error| Failure::io("write", path, error);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| failed(&error))?;
    for piece in &mut export {
        file.write_all(&piece?).map_err(|error| failed(&error))?;
    }
    file.as_file().sync_all().map_err(|error| failed(&error))?;
    file.persist(path).map_err(|error| failed(&error.error))?;
    Ok((export.count, export.lost.notes()))
}

/// A command file: one `set` an entry, in words that read back as what they were.
struct Commands;

impl Sink for Commands {
    fn begin(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"# A database as commands: rusty-kv -f FILE\n");
    }

    fn put(&mut self, key: &str, entry: &Entry, out: &mut Vec<u8>) -> Result<Loss, String> {
        out.extend_from_slice(b"set");
        if let Some(deadline) = entry.deadline {
            out.extend(format!(" --expires-at {deadline}").bytes());
        }
        let (flag, value) = match &entry.value {
            Value::Text(text) => ("", words::quote(text.as_bytes())),
            Value::Json(json) => (" --json", words::quote(json.as_str().as_bytes())),
            Value::Bytes(bytes) => (" --base64", data_encoding::BASE64.encode(bytes)),
        };
        // An empty value in base64 is an empty word.
        let value = if value.is_empty() { "''".to_owned() } else { value };
        out.extend(format!("{flag} {} {value}\n", words::quote(key.as_bytes())).bytes());
        Ok(Loss::default())
    }
}

/// What two sorted streams do not have alike.
struct Deltas<'a> {
    old: std::iter::Peekable<Range<'a>>,
    new: std::iter::Peekable<Range<'a>>,
}

impl<'a> Deltas<'a> {
    fn new(old: Range<'a>, new: Range<'a>) -> Self {
        Self { old: old.peekable(), new: new.peekable() }
    }
}

impl Iterator for Deltas<'_> {
    type Item = Result<Delta, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let order = match (self.old.peek(), self.new.peek()) {
                (None, None) => return None,
                (Some(Err(_)), _) | (Some(_), None) => Ordering::Less,
                (_, Some(Err(_))) | (None, Some(_)) => Ordering::Greater,
                (Some(Ok((old, _))), Some(Ok((new, _)))) => old.cmp(new),
            };
            let take = |from: &mut std::iter::Peekable<Range<'_>>, wanted| if wanted { from.next() } else { None };
            let old = take(&mut self.old, order != Ordering::Greater).transpose();
            let new = take(&mut self.new, order != Ordering::Less).transpose();
            let (old, new) = match (old, new) {
                (Ok(old), Ok(new)) => (old, new),
                (Err(error), _) | (_, Err(error)) => return Some(Err(error.into())),
            };
            let key = old.as_ref().or(new.as_ref()).map(|(key, _)| key.clone()).unwrap_or_default();
            let (old, new) = (old.map(|(_, entry)| entry), new.map(|(_, entry)| entry));
            if old != new {
                return Some(Ok(Delta { key, old, new }));
            }
        }
    }
}
