//! The entries of the database into a file: export, dump.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use clap::Args;

use super::atomic_file::AtomicFile;
use super::choosing::{Asking, Where};
use super::traits::{CommandArgs, Group, InTransaction, OpenDatabase, Traits};
use super::{Caller, Session, counted};
use crate::error::Error;
use crate::shell::answer::code::Code;
use crate::shell::answer::done::Done;
use crate::shell::answer::reply::{Answer, Failure, Pieces, Reply, shown};
use crate::shell::config;
use crate::shell::terminal::destination::{self, Descriptor, SpecialFile};
use crate::shell::terminal::interrupt::{Stoppable, stoppable};
use crate::shell::terminal::progress;
use crate::shell::text::argument::{Format, Prefix, export_format, glob, path, prefix};
use crate::shell::text::glob::Glob;
use crate::shell::transfer::{self, Out, RecordSink, Unfit, What};
use crate::storage::Entry;
use crate::store::{EntryIter, Scan, Store as _};
use crate::value::Value;

/// Export entries to a file or stdout
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "Examples:\n  export all.jsonl\n  export users.csv user:*\n  export --format sh --strip-prefix app:"
)]
pub(crate) struct ExportArgs {
    /// The file (default: stdout)
    #[arg(value_name = "FILE", value_parser = path())]
    pub(crate) file: Option<PathBuf>,
    /// Only keys that match: * ? [a-z] [^x] \x
    #[arg(value_name = "GLOB", value_parser = glob())]
    pub(crate) glob: Option<Glob>,
    /// The format; if none is given, the file's name says, and jsonl is the default on stdout
    #[arg(long, value_name = "FORMAT", value_parser = export_format())]
    pub(crate) format: Option<Format>,
    /// Only keys with this prefix, and remove it from them
    #[arg(long, value_name = "P", value_parser = prefix(), default_value = "", hide_default_value = true)]
    pub(crate) strip_prefix: Prefix,
    /// Leave out what the format cannot hold, and report how much that is
    #[arg(long)]
    pub(crate) lossy: bool,
    /// Replace FILE even if it is a database
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) filtered: Where,
}

impl CommandArgs for ExportArgs {
    const TRAITS: Traits = Traits::reads_only("export", Group::Transfer)
        .on(OpenDatabase::NotedIfMissing)
        .doing("Exporting")
        .parsed_alone();

    fn traits(&self) -> Traits {
        into(self.file.as_deref(), Self::TRAITS)
    }

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let file = named(self.file.as_deref());
        check_no_folder(file)?;
        let format = match (self.format, file) {
            (Some(format), _) => format,
            (None, None) => Format::Jsonl,
            (None, Some(file)) => Format::of_path(file).ok_or_else(|| {
                let names = Format::NAMES.join(", ");
                Failure::usage(format!(
                    "the name {file:?} does not indicate a format; use --format with one of {names}"
                ))
            })?,
        };
        format.check_options(&[("--lossy", self.lossy)]).map_err(Failure::usage)?;
        let Where { condition, given } = &self.filtered;
        let asking = Asking::new(condition.as_ref(), None, given, session, caller.warnings)?;
        let choice =
            Choice { glob: self.glob, strip: self.strip_prefix.0, lossy: self.lossy, force: self.force, asking };
        session.write_out(file, choice, transfer::sink(format))
    }
}

/// Write a script that recreates the database
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "Run the script on an empty database with `rusty-kv -f FILE`: it deletes nothing.\n\nExamples:\n  dump all.kv\n  dump"
)]
pub(crate) struct DumpArgs {
    /// The file (default: stdout)
    #[arg(value_name = "FILE", value_parser = path())]
    pub(crate) file: Option<PathBuf>,
    /// Replace FILE even if it is a database
    #[arg(long)]
    pub(crate) force: bool,
}

impl CommandArgs for DumpArgs {
    const TRAITS: Traits =
        Traits::reads_only("dump", Group::Transfer).on(OpenDatabase::NotedIfMissing).doing("Exporting");

    fn traits(&self) -> Traits {
        into(self.file.as_deref(), Self::TRAITS)
    }

    fn run<'s>(self, session: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let file = named(self.file.as_deref());
        check_no_folder(file)?;
        session.write_out(file, Choice { force: self.force, ..Choice::default() }, Box::new(transfer::ScriptWriter))
    }
}

impl Session {
    fn write_out(
        &mut self,
        file: Option<&Path>,
        choice: Choice,
        sink: Box<dyn RecordSink>,
    ) -> Result<Answer<'_>, Failure> {
        if let Some(path) = file {
            config::check_path(path)?;
        }
        destination::check(file.unwrap_or(Path::new("/dev/stdout")), &self.own_files(), choice.force)?;
        // The narrower of the two, if anything can be in both.
        let prefix = [choice.strip.as_str(), choice.glob.as_ref().map_or("", Glob::prefix)].into_iter().max();
        let prefix = prefix.unwrap_or_default().to_owned();
        if prefix.is_empty() {
            progress::of_keys(self.db.len()?);
        }
        let entries = stoppable(self.db.scan(&Scan::prefix(&prefix)), progress::keys);
        let mut export = Exported { entries, choice, sink, count: 0, lost: Lost::default() };
        let Some(file) = file else {
            let notes: Rc<RefCell<Vec<String>>> = Rc::default();
            let later = Rc::clone(&notes);
            let write = Box::new(move |to: &mut dyn Write| {
                let written = export.write(to);
                if matches!(written, Ok(Ok(()))) {
                    later.borrow_mut().extend(export.lost.note());
                }
                written
            });
            return Ok(Reply::Pieces(Pieces { write, notes }).into());
        };
        let (keys, notes) = to_file(file, export)?;
        Ok(Answer { notes, ..Done::Exported { keys, file: file.to_owned() }.into() })
    }
}

/// What a command is that writes into this file, if there is one: a dry run writes none.
fn into(file: Option<&Path>, traits: Traits) -> Traits {
    if file.is_some() { traits.in_transaction(InTransaction::RefusedInDryRun) } else { traits }
}

/// Refuses a folder as the file to write.
fn check_no_folder(file: Option<&Path>) -> Result<(), Failure> {
    match file.filter(|file| file.is_dir()) {
        Some(folder) => Err(Failure::io("write", folder, &std::io::ErrorKind::IsADirectory.into())),
        None => Ok(()),
    }
}

/// The file that is meant, unless it is stdout.
fn named(file: Option<&Path>) -> Option<&Path> {
    file.filter(|file| *file != Path::new("-") && Descriptor::named_by(file) != Some(Descriptor::Stdout))
}

/// What of the database goes into the file, and how.
#[derive(Default)]
struct Choice {
    glob: Option<Glob>,
    /// What the keys begin with, and what is left out of them.
    strip: String,
    /// Whether what the format cannot hold is left out.
    lossy: bool,
    /// Whether a database in the file's place is replaced.
    force: bool,
    /// The filter that is asked, if there is one.
    asking: Option<Asking>,
}

impl Choice {
    /// The key in the file, if it is to be there.
    fn key<'k>(&self, key: &'k str) -> Option<&'k str> {
        // To compare with no bytes that lie nowhere takes some processors longer than all the rest of an entry.
        let stripped = if self.strip.is_empty() { key } else { key.strip_prefix(self.strip.as_str())? };
        self.glob.as_ref().is_none_or(|glob| glob.matches(key)).then_some(stripped)
    }
}

/// What did not go into a file.
#[derive(Default)]
struct Lost {
    expiries: u64,
    types: u64,
    entries: u64,
}

impl Lost {
    fn note(&self) -> Option<String> {
        let lost = [
            (self.entries, "entry", "entries"),
            (self.expiries, "expiry", "expiries"),
            (self.types, "type of a value", "types of values"),
        ];
        let lost: Vec<_> =
            lost.into_iter().filter(|lost| lost.0 > 0).map(|(n, one, many)| counted(n, one, many)).collect();
        (!lost.is_empty())
            .then(|| format!("warning: left out because the format cannot hold them: {}", lost.join(", ")))
    }
}

/// Entries on their way into a file.
struct Exported<'a> {
    entries: Stoppable<EntryIter<'a>>,
    choice: Choice,
    sink: Box<dyn RecordSink>,
    count: u64,
    lost: Lost,
}

impl Exported<'_> {
    /// Writes all of it.
    fn write(&mut self, to: &mut dyn Write) -> Result<io::Result<()>, Failure> {
        let mut out = Out::new(to);
        match self.write_entries(&mut out) {
            Err(failure) if !failure.is_of_whole_file() => Err(failure),
            written => {
                let finished = out.finish();
                written.map(|()| finished)
            }
        }
    }

    fn write_entries(&mut self, out: &mut Out<'_>) -> Result<(), Failure> {
        self.sink.begin(out);
        let end = loop {
            match self.entries.next() {
                Some(Ok((key, entry))) => self.put(&key, entry, out)?,
                // That the database is corrupt is said after the end of a whole document.
                Some(Err(error @ Error::Corrupt { .. })) => break Err(error.into()),
                Some(Err(error)) => return Err(error.into()),
                None => break Ok(()),
            }
            if out.has_failed() {
                return Ok(());
            }
        };
        self.sink.end(out);
        end
    }

    /// Writes an entry, or says why it cannot be written.
    fn put(&mut self, key: &str, mut entry: Entry, out: &mut Out<'_>) -> Result<(), Failure> {
        let Some(name) = self.choice.key(key) else { return Ok(()) };
        if let Some(asking) = &self.choice.asking
            && !asking.holds(key, &entry)?
        {
            return Ok(());
        }
        loop {
            let Err(Unfit { what, reason }) = self.sink.put(name, &entry, out) else {
                self.count += 1;
                return Ok(());
            };
            if !self.choice.lossy {
                let message = format!("Key '{}' cannot be written: {reason}", shown(key));
                return Err(Failure { code: Code::Unfit, ..Failure::usage(message).on(key) });
            }
            match what {
                What::Entry => {
                    self.lost.entries += 1;
                    return Ok(());
                }
                What::Expiry => {
                    self.lost.expiries += 1;
                    entry.expiry = None;
                }
                What::Type => {
                    self.lost.types += 1;
                    entry.value = into_text(entry.value);
                }
            }
        }
    }
}

/// The same value as text.
fn into_text(value: Value) -> Value {
    match value {
        Value::Json(json) => Value::Text(json.into_string()),
        value => value,
    }
}

/// Writes a file that is there when it is whole, for its owner only if it is new; says how many entries it holds, and what
/// it does not. What names an open descriptor, or is there and no regular file, is written to.
fn to_file(path: &Path, mut export: Exported<'_>) -> Result<(u64, Vec<String>), Failure> {
    let failed = |error: io::Error| Failure::io("write", path, &error);
    if let Some(mut open) = SpecialFile::of(path).map_err(failed)? {
        export.write(&mut open)?.map_err(failed)?;
    } else {
        let old = match fs::metadata(path) {
            Ok(meta) => Some(meta),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        // A link stays one.
        let target = if old.is_some() { path.canonicalize().map_err(failed)? } else { path.to_owned() };
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = AtomicFile::new_in(folder).map_err(failed)?;
        export.write(file.file())?.map_err(failed)?;
        if let Some(old) = old {
            file.file().set_permissions(old.permissions()).map_err(failed)?;
        }
        file.file().sync_all().map_err(failed)?;
        file.put(folder, &target).map_err(failed)?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    }
    Ok((export.count, export.lost.note().into_iter().collect()))
}
