//! Two versions of a database that have a base in common become one: merge-file, which git runs as a merge driver.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;

use super::atomic_file::AtomicFile;
use super::diff::Differences;
use super::traits::{CommandArgs, Group, InTransaction, OpenDatabase, Traits};
use super::{Access, Caller, Session, counted};
use crate::database::{Database, Difference, Options};
use crate::error::Result;
use crate::expiry::Timestamp;
use crate::json::{self, Side};
use crate::shell::answer::done::{Done, MergeConflict};
use crate::shell::answer::reply::{Answer, Failure, shown};
use crate::shell::answer::status::Status;
use crate::shell::terminal::interrupt;
use crate::shell::terminal::progress;
use crate::shell::text::argument::path;
use crate::shell::text::escape::excerpt;
use crate::shell::text::mask::HIDDEN;
use crate::storage::{self, Entry};
use crate::value::{Json, Value};

/// Merge two versions of a database by key, as a merge driver for git
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "The result goes into OURS. Keys, and members of JSON objects, that only one side changed since BASE are merged. \
Where both sides changed the same part in different ways, OURS stays, each conflict is listed on stderr, and the status is 1. \
If a file cannot be read, nothing is written, and the status is 129. An empty BASE is an empty database. \
`help git` shows the configuration.\n\nExamples:\n  merge-file base.json ours.json theirs.json\n  merge-file --theirs base.json ours.json theirs.json"
)]
pub(crate) struct MergeFileArgs {
    /// The file that both sides started from
    #[arg(value_name = "BASE", value_parser = path())]
    pub(crate) base: PathBuf,
    /// Our version, which becomes the result
    #[arg(value_name = "OURS", value_parser = path())]
    pub(crate) ours: PathBuf,
    /// Their version
    #[arg(value_name = "THEIRS", value_parser = path())]
    pub(crate) theirs: PathBuf,
    /// Keep their value where both sides changed the same part
    #[arg(long = "theirs")]
    pub(crate) prefer_theirs: bool,
}

impl CommandArgs for MergeFileArgs {
    const TRAITS: Traits = Traits::changes("merge-file", Group::Transfer)
        .on(OpenDatabase::Unneeded)
        .in_transaction(InTransaction::RefusedInDryRun)
        .doing("Merging");

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let prefer = if self.prefer_theirs { Side::Theirs } else { Side::Ours };
        let stopped = |failure| Failure { status: Status::NotMerged, ..failure };
        let result =
            Versions::open(&self, session.access).and_then(|versions| versions.merge(prefer)).map_err(stopped)?;
        let Merge { changes, mut conflicts, .. } = result;
        for conflict in conflicts.iter_mut().filter(|conflict| caller.is_masked(&conflict.key)) {
            (conflict.ours, conflict.theirs) = (HIDDEN.to_owned(), HIDDEN.to_owned());
        }
        let notes = notes(&conflicts, prefer);
        let status = if conflicts.is_empty() { Status::Done } else { Status::No };
        let done = Done::MergedFiles { keys: changes.len() as u64, file: self.ours, conflicts };
        Ok(Answer { status, notes, ..done.into() })
    }
}

/// What stderr says of each conflict, and of all of them.
fn notes(conflicts: &[MergeConflict], prefer: Side) -> Vec<String> {
    let mut notes: Vec<String> = conflicts
        .iter()
        .map(|MergeConflict { key, part, ours, theirs }| {
            let part = if part.is_empty() { String::new() } else { format!(", {part}") };
            format!("conflict in '{}'{part}: ours is {ours}, theirs is {theirs}", shown(key))
        })
        .collect();
    if !conflicts.is_empty() {
        let kept = if prefer == Side::Ours { "ours" } else { "theirs" };
        let count = counted(conflicts.len() as u64, "conflict", "conflicts");
        notes.push(format!("{count}: kept {kept}; set the right values, then commit"));
    }
    notes
}

/// The three databases.
struct Versions {
    base: Database,
    ours: Database,
    theirs: Database,
    /// Where ours is.
    target: PathBuf,
    /// Whether ours has side files, so that other processes may be using it.
    is_shared: bool,
}

impl Versions {
    fn open(args: &MergeFileArgs, access: Access) -> Result<Self, Failure> {
        let reading = Access { read_only: true, ..access }.options();
        let target = args.ours.canonicalize().map_err(|error| Failure::io("read", &args.ours, &error))?;
        let is_shared = has_side_files(&target);
        let is_empty = fs::metadata(&args.base).is_ok_and(|meta| meta.is_file() && meta.len() == 0);
        let base = if is_empty { reading.in_memory() } else { open(&args.base, &reading)? };
        let ours = if is_shared { access.options().open(&target)? } else { open(&args.ours, &reading)? };
        Ok(Self { base, ours, theirs: open(&args.theirs, &reading)?, target, is_shared })
    }

    /// Makes our version the result.
    fn merge(mut self, prefer: Side) -> Result<Merge, Failure> {
        let mut merge = Merge { prefer, changes: Vec::new(), conflicts: Vec::new() };
        progress::of_keys(self.base.len()?);
        for difference in Differences::between(&self.base, &self.theirs) {
            let difference = difference?;
            let ours = self.ours.entry(&difference.key)?;
            merge.key(difference, ours.as_ref())?;
        }
        if merge.changes.is_empty() {
            return Ok(merge);
        }
        self.ours.transaction(|tx| {
            interrupt::check()?;
            merge.changes.iter().try_for_each(|(key, entry)| match entry {
                Some(entry) => tx.set_entry(key, entry.clone()),
                None => tx.delete(key).map(drop),
            })
        })?;
        if self.is_shared {
            self.ours.save()?;
        } else {
            replace(&self.target, &mut self.ours)?;
        }
        Ok(merge)
    }
}

fn has_side_files(path: &Path) -> bool {
    storage::side_files(path).iter().any(|file| file.exists())
}

/// Opens a version for reading: with its journal if it has one.
fn open(path: &Path, options: &Options) -> Result<Database, Failure> {
    let failed = |error: io::Error| Failure::io("read", path, &error);
    let real = path.canonicalize().map_err(failed)?;
    if has_side_files(&real) {
        return Ok(options.open(&real)?);
    }
    let file = interrupt::open_at_once(path, File::options().read(true)).map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(failed(io::Error::other("not a regular file")));
    }
    Ok(options.open_file(file, path)?)
}

/// Writes a database into the place of a file, with the same mode.
fn replace(target: &Path, db: &mut Database) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::io("write", target, &error);
    let folder = target.parent().unwrap_or(Path::new("/"));
    let mode = fs::metadata(target).map_err(failed)?.permissions();
    let mut new_file = AtomicFile::new_in(folder).map_err(failed)?;
    db.write_snapshot(new_file.file().try_clone().map_err(failed)?)?;
    new_file.file().set_permissions(mode).map_err(failed)?;
    new_file.file().sync_all().map_err(failed)?;
    new_file.put(folder, target).map_err(failed)
}

/// What becomes of our version.
struct Merge {
    prefer: Side,
    /// What changes in it.
    changes: Vec<(String, Option<Entry>)>,
    conflicts: Vec<MergeConflict>,
}

impl Merge {
    /// Takes a key that is not the same in the base and in their version.
    fn key(&mut self, between: Difference, ours: Option<&Entry>) -> Result<(), Failure> {
        let Difference { key, old: base, new: theirs } = between;
        let side = json::unchanged_side(&base.as_ref(), &ours, &theirs.as_ref(), |a, b| a == b);
        let merged = match (side, ours, &theirs) {
            (Some(Side::Ours), ..) => return Ok(()),
            (Some(Side::Theirs), ..) => theirs,
            (None, Some(in_ours), Some(in_theirs)) => Some(self.entry(&key, base.as_ref(), in_ours, in_theirs)?),
            (None, ..) => {
                let text =
                    |entry: Option<&Entry>| entry.map_or_else(|| "deleted".to_owned(), |entry| beginning(&entry.value));
                self.conflict(&key, "", text(ours), text(theirs.as_ref()));
                if self.prefer == Side::Ours {
                    return Ok(());
                }
                theirs
            }
        };
        if merged.as_ref() != ours {
            self.changes.push((key, merged));
        }
        Ok(())
    }

    /// Merges an entry that is in both versions, value and expiry by themselves.
    fn entry(&mut self, key: &str, base: Option<&Entry>, ours: &Entry, theirs: &Entry) -> Result<Entry> {
        let value = self.value(key, base.map(|base| &base.value), &ours.value, &theirs.value)?;
        let base = base.and_then(|base| base.expiry);
        let side = json::unchanged_side(&base, &ours.expiry, &theirs.expiry, |a, b| a == b).unwrap_or_else(|| {
            let text = |at: Option<Timestamp>| at.map_or("none".to_owned(), |at| at.to_string());
            self.conflict(key, "expiry", text(ours.expiry), text(theirs.expiry));
            self.prefer
        });
        Ok(Entry { value, expiry: if side == Side::Ours { ours.expiry } else { theirs.expiry } })
    }

    fn value(&mut self, key: &str, base: Option<&Value>, ours: &Value, theirs: &Value) -> Result<Value> {
        if let (Value::Json(in_ours), Value::Json(in_theirs)) = (ours, theirs) {
            let base = match base {
                Some(Value::Json(base)) => Some(base.as_str()),
                _ => None,
            };
            let merged = json::three_way(base, in_ours.as_str(), in_theirs.as_str(), self.prefer)?;
            for clash in merged.clashes {
                let text = |part: Option<String>| part.map_or("deleted".to_owned(), |part| excerpt(&part, SHOWN));
                self.conflict(key, &clash.pointer, text(clash.ours), text(clash.theirs));
            }
            return Ok(Value::Json(Json::from_checked(merged.text)));
        }
        let side = json::unchanged_side(&base, &Some(ours), &Some(theirs), |a, b| a == b).unwrap_or_else(|| {
            self.conflict(key, "", beginning(ours), beginning(theirs));
            self.prefer
        });
        Ok(if side == Side::Ours { ours } else { theirs }.clone())
    }

    fn conflict(&mut self, key: &str, part: &str, ours: String, theirs: String) {
        let (key, part) = (key.to_owned(), part.to_owned());
        self.conflicts.push(MergeConflict { key, part, ours, theirs });
    }
}

/// The number of characters of a value that are shown.
const SHOWN: usize = 40;

/// The beginning of a value, as JSON.
fn beginning(value: &Value) -> String {
    match value {
        Value::Text(text) => {
            let mut quoted = String::new();
            json::write_string(&mut quoted, &text.chars().take(SHOWN).collect::<String>());
            excerpt(&quoted, SHOWN)
        }
        Value::Json(json) => excerpt(json.as_str(), SHOWN),
        Value::Bytes(bytes) => format!("<binary, {}>", counted(bytes.len() as u64, "byte", "bytes")),
    }
}
