//! Entries of a file into the database: import.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::{Session, counted};
use crate::database::{Difference, Existing};
use crate::error::Error;
use crate::shell::argument::{Format, OnConflict};
use crate::shell::command::Import;
use crate::shell::interrupt;
use crate::shell::progress;
use crate::shell::reply::{Answer, Changes, Done, Failure, Field, Reply, shown};
use crate::shell::status::Status;
use crate::shell::transfer::{self, Reading, Record, Source, Trouble};
use crate::storage::{self, LARGE};
use crate::value::Value;

/// So much is read at once.
const PIECE: usize = 64 << 10;

impl Session {
    pub(super) fn import(&mut self, import: Import) -> Result<Answer<'_>, Failure> {
        let Some(format) = import.format.or_else(|| Format::of_path(&import.file)).filter(|format| format.is_read())
        else {
            let names = Format::READ.join(", ");
            let message = format!("the name {:?} does not say what it is: --format, one of {names}", import.file);
            return Err(Failure::usage(message));
        };
        let input = self.input(&import.file)?;
        let reading = Reading {
            flatten: import.flatten,
            key_column: import.key_column,
            value_column: import.value_column,
            now: self.db.now(),
        };
        let source = transfer::source(format, input, reading);
        let records = Records { source, file: import.file, prefix: import.prefix, count: 0 };
        if import.dry_run {
            return Ok(Reply::Changes(Changes(Box::new(self.would_change(records, import.on_conflict)))).into());
        }
        let existing = match import.on_conflict {
            OnConflict::Replace => Existing::Replaced,
            OnConflict::Skip => Existing::Kept,
            OnConflict::Fail => Existing::Refused,
        };
        // Nothing, until there is an entry; then whether all of them are those that a database has at its top.
        let looks_like_database = Cell::new(None);
        let entries = records.map(|record| {
            let Record { key, entry } = record?;
            let looks = match &entry.value {
                Value::Json(json) => matches!(key.as_str(), "map" | "expires") && json.as_str().starts_with('{'),
                _ => false,
            };
            looks_like_database.set(Some(looks && looks_like_database.get().unwrap_or(format == Format::Json)));
            Ok::<_, Failure>((key, entry))
        });
        // All or nothing: what is said behind the last of them keeps all of them out.
        let entries = entries.chain(std::iter::from_fn(|| {
            let is_database = looks_like_database.take() == Some(true);
            is_database.then(|| {
                let way = "rusty-kv -d ./FILE export | rusty-kv import - --format jsonl";
                Err(Failure::usage(format!("the file is a database; its entries come by: {way}. Nothing was imported")))
            })
        }));
        let loaded = self.db.load_entries(entries, existing)?;
        if let (Existing::Refused, Some(key)) = (existing, &loaded.first_kept) {
            return Err(is_there(key));
        }
        let imported = counted(loaded.entries, "entry", "entries");
        let kept = match loaded.kept {
            0 => String::new(),
            kept => format!("; {} there already", counted(kept, "key was", "keys were")),
        };
        let done = Done::new(format!("Imported {imported}{kept}")).with("imported", Field::Number(loaded.entries));
        let answer = Answer::from(Reply::Done(done.with("skipped", Field::Number(loaded.kept))));
        Ok(answer)
    }

    /// What an import would change, entry by entry.
    fn would_change<'a>(
        &'a self,
        records: Records<'a>,
        on_conflict: OnConflict,
    ) -> impl Iterator<Item = Result<Difference, Failure>> + 'a {
        records.filter_map(move |record| {
            let difference = || -> Result<Option<Difference>, Failure> {
                let Record { key, entry } = record?;
                let old = self.db.entry(&key)?;
                match (&old, on_conflict) {
                    (Some(_), OnConflict::Fail) => Err(is_there(&key)),
                    (Some(_), OnConflict::Skip) => Ok(None),
                    (Some(old), OnConflict::Replace) if *old == entry => Ok(None),
                    _ => Ok(Some(Difference { key, old, new: Some(entry) })),
                }
            };
            difference().transpose()
        })
    }

    fn input(&self, path: &Path) -> Result<Box<dyn BufRead>, Failure> {
        if path == Path::new("-") {
            if !self.stdin_is_free {
                return Err(Failure::usage("`import -` reads stdin, which is in use here; give a file"));
            }
            return Ok(Box::new(BufReader::with_capacity(PIECE, Input::new(io::stdin(), 0))));
        }
        let failed = |error: io::Error| Failure::io("read", path, &error);
        // A FIFO that nobody writes to must not hold up the prompt.
        let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
        let file = File::options().read(true).custom_flags(nonblocking).open(path).map_err(failed)?;
        let meta = file.metadata().map_err(failed)?;
        if meta.is_dir() {
            return Err(failed(ErrorKind::IsADirectory.into()));
        }
        let waits = meta.file_type().is_fifo() || meta.file_type().is_char_device();
        rustix::fs::fcntl_setfl(&file, OFlags::empty()).map_err(|error| failed(error.into()))?;
        let total = if waits { 0 } else { meta.len() };
        Ok(Box::new(BufReader::with_capacity(PIECE, Input { waits, ..Input::new(file, total) })))
    }
}

/// A file that is read for as long as the person wants it to be.
struct Input<R> {
    file: R,
    /// Whether it may have to be waited for.
    waits: bool,
    done: u64,
    total: u64,
}

impl<R> Input<R> {
    fn new(file: R, total: u64) -> Self {
        Self { file, waits: true, done: 0, total }
    }
}

impl<R: Read + AsFd> Read for Input<R> {
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

fn is_there(key: &str) -> Failure {
    let message = format!("Key '{}' is there already; nothing was imported", shown(key));
    Failure { status: Status::No, code: "exists", message, key: Some(key.to_owned()) }
}

/// The records of a file, under a prefix.
struct Records<'a> {
    source: Box<dyn Source + 'a>,
    file: PathBuf,
    prefix: String,
    count: u64,
}

impl Records<'_> {
    /// So many are gone through between two looks whether to stop.
    const EACH: u64 = 64;

    fn failure(&self, trouble: Trouble) -> Failure {
        match trouble {
            Trouble::Input(_) if interrupt::is_asked() => Error::Interrupted.into(),
            Trouble::Input(error) => Failure::io("read", &self.file, &error),
            Trouble::Fault(fault) => self.fault(fault.line, fault.column, &fault.reason),
        }
    }

    fn fault(&self, line: u64, column: u64, reason: &str) -> Failure {
        let is_stdin = self.file == Path::new("-");
        let name = if is_stdin { "stdin".into() } else { self.file.to_string_lossy() };
        let message = format!("{name}:{line}:{column}: {reason}. Nothing was imported");
        Failure { code: "syntax", ..Failure::usage(message) }
    }

    /// The record under its prefix, unless it is more than a database takes.
    fn accept(&self, Record { key, entry }: Record) -> Result<Record, Failure> {
        let key = if self.prefix.is_empty() { key } else { self.prefix.clone() + &key };
        match storage::check_key(&key).and_then(|()| storage::check_value(&entry.value)) {
            Ok(()) => Ok(Record { key, entry }),
            Err(error) => Err(self.fault(self.source.last_line(), 1, &error.to_string())),
        }
    }
}

impl Iterator for Records<'_> {
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
            Err(trouble) => Some(Err(self.failure(trouble))),
        }
    }
}
