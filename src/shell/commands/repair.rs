//! `check` and `repair`: commands on files that may be corrupt. Neither needs a database that can be opened.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use clap::Args;

use super::traits::{CommandArgs, Group, InTransaction, OpenDatabase, Traits};
use super::{Caller, Session, changes, counted, on_progress, refused};
use crate::database::{Options, Repair, Repaired, Report};
use crate::error::Error;
use crate::shell::answer::code::Reason;
use crate::shell::answer::done::Done;
use crate::shell::answer::reply::{Answer, Failure};
use crate::shell::answer::status::Status;
use crate::shell::config::{self, Location};
use crate::shell::render::found;
use crate::shell::terminal::spool;
use crate::shell::text::argument::path;
use crate::store::StoreExt as _;

/// Check the whole database and report what is wrong
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  check\n  check backup.json\n  check -")]
pub(crate) struct CheckArgs {
    /// Another database: a name, a path with a slash or ending in .json or .db, a pipe, or - for stdin
    #[arg(value_name = "FILE", value_parser = path())]
    pub(crate) file: Option<PathBuf>,
}

impl CommandArgs for CheckArgs {
    const TRAITS: Traits = Traits::reads_only("check", Group::Database)
        .on(OpenDatabase::Unneeded)
        .in_transaction(InTransaction::Refused)
        .doing("Checking");

    fn run<'s>(self, session: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let options = Options::new().on_progress(on_progress);
        if let Some(file) = self.file.as_deref()
            && let Some(spooled) = spool::of(file, session.stdin_is_free)?
        {
            return Ok(checked(options.check_file(spooled, file)?));
        }
        let location = match self.file {
            Some(file) => Location::of(Some(file.as_os_str()))?,
            None => session.location.clone(),
        };
        Ok(checked(options.check(location.file()?)?))
    }
}

/// Write what is readable to a new file, or resolve a foreign journal
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "A journal is foreign if the database file was replaced while the journal still held changes. If only the last record of the journal is corrupt, repair sets that record aside and the database works again.\n\nExamples:\n  repair\n  repair --keep-journal\n  repair --drop-journal"
)]
pub(crate) struct RepairArgs {
    /// Apply the journal's changes to the current file
    #[arg(long, conflicts_with = "drop_journal")]
    pub(crate) keep_journal: bool,
    /// Set the journal aside under another name
    #[arg(long)]
    pub(crate) drop_journal: bool,
}

impl CommandArgs for RepairArgs {
    const TRAITS: Traits =
        Traits::changes("repair", Group::Database).on(OpenDatabase::Unneeded).in_transaction(InTransaction::Refused);

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let how = match self {
            Self { keep_journal: true, .. } => Repair::KeepJournal,
            Self { drop_journal: true, .. } => Repair::DropJournal,
            Self { .. } => Repair::Salvage,
        };
        let path = session.real_path()?;
        if session.is_read_only() {
            return Err(Error::ReadOnly { path, reason: String::new() }.into());
        }
        let shown = config::short(&path);
        let question = match how {
            Repair::Salvage => format!(
                "Write what can be read of {shown} to a new file (or, if only the last record of its journal is corrupt, set that aside)?"
            ),
            Repair::KeepJournal => format!("Apply the changes in the journal to {shown}?"),
            Repair::DropJournal => format!("Set the journal of {shown} aside, including its changes?"),
        };
        if !caller.confirm(&question) {
            return Ok(refused(Reason::NotConfirmed, "Nothing was written".to_owned()));
        }
        let repaired = session.access.options().repair(&path, how)?;
        Ok(told(&path, how, repaired))
    }
}

impl Session {
    /// The file that is replaced when the database is written, also if it cannot be opened.
    pub(super) fn real_path(&self) -> Result<PathBuf, Failure> {
        let path = self.location.file()?;
        let found = self.db.path().map(Path::to_owned).or_else(|| path.canonicalize().ok());
        Ok(found.or_else(|| std::path::absolute(path).ok()).unwrap_or_else(|| path.to_owned()))
    }
}

/// The result of a check: one line, or every fault and what can be read.
fn checked(report: Report) -> Answer<'static> {
    let Report { entries, changes: in_journal, torn, uncertain, faults } = report;
    let is_torn = torn > 0 && !faults.iter().any(|fault| matches!(fault, Error::LastRecord { .. }));
    let faults: Vec<String> = faults.iter().map(Error::to_string).collect();
    let mut notes: Vec<String> = faults.iter().map(|fault| format!("error: {fault}")).collect();
    let status = if faults.is_empty() { Status::Done } else { Status::Database };
    if !faults.is_empty() {
        notes.push(format!("{} can be read", found(entries, in_journal)));
    }
    notes.extend(uncertain.as_ref().map(|uncertain| format!("warning: {uncertain}")));
    if is_torn {
        notes.push(format!(
            "warning: the journal ends in {torn} torn bytes, which hold no acknowledged change; the next write sets them aside"
        ));
    }
    Answer { status, notes, ..Done::Checked { entries, changes: in_journal, torn, faults, uncertain }.into() }
}

/// The result of a repair, and what to do next.
fn told(path: &Path, how: Repair, repaired: Repaired) -> Answer<'static> {
    let Repaired { path: made, entries, dropped, journal_remains, in_place, corrupt } = repaired;
    let shown = config::short(&made);
    let mut notes = match how {
        Repair::Salvage if in_place => {
            vec![format!("Set the journal's last record aside in {shown}; the rest is intact")]
        }
        Repair::Salvage => {
            let mut notes = vec![
                format!("Wrote {} to {shown}; nothing else was changed", counted(entries, "entry", "entries")),
                format!("to use it: mv {} {}", quoted(made.as_os_str()), quoted(path.as_os_str())),
            ];
            if journal_remains {
                notes.push(
                    "then run `repair --drop-journal`: the journal's readable changes are in the new file".to_owned(),
                );
            }
            notes
        }
        Repair::KeepJournal => vec![format!("Applied {} to {shown}", changes(entries))],
        Repair::DropJournal => vec![format!("Set the journal aside: {} in {shown}", changes(entries))],
    };
    if corrupt {
        let new = quoted(made.as_os_str());
        notes.push(format!(
            "warning: the checksum of the old file does not match its content, so a value in the new one may be wrong; compare it with a backup: rusty-kv diff BACKUP {new}"
        ));
    }
    let lost = dropped.iter().map(|line| format!("dropped: {line}"));
    notes.splice(1..1, lost);
    let is_entries = how == Repair::Salvage;
    let done = Done::Repaired { path: made, count: entries, is_entries, dropped, is_corrupt: corrupt };
    Answer { notes, ..done.into() }
}

/// A word quoted for `sh`.
fn quoted(word: &OsStr) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+=:@%,".contains(byte);
    let text = word.to_string_lossy();
    if word.as_bytes().iter().all(is_plain) { text.into_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::answer::reply::Reply;
    use crate::shell::render::{self, RenderOptions};
    use crate::shell::text::argument::OutputMode;

    fn answer(answer: Answer<'_>) -> (Done, Status, Vec<String>) {
        match answer.reply {
            Reply::Done(done) => (done, answer.status, answer.notes),
            other => panic!("{other:?}"),
        }
    }

    /// The JSON output.
    fn json(done: Done) -> String {
        let mut out = Vec::new();
        let rendering = RenderOptions { mode: OutputMode::Json, ..RenderOptions::PIPE };
        render::reply(&mut out, &rendering, Reply::Done(done)).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// The plain output.
    fn plain(done: Done) -> String {
        let mut out = Vec::new();
        render::reply(&mut out, &RenderOptions::PIPE, Reply::Done(done)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_sound_database_is_one_line() {
        let report = Report { entries: 1, changes: 2, torn: 0, uncertain: None, faults: Vec::new() };
        let (done, status, notes) = answer(checked(report));
        assert!(status == Status::Done && notes.is_empty());
        assert_eq!(plain(done), "ok: 1 entry, 2 changes in the journal\n");
        let report = Report { entries: 1, changes: 2, torn: 0, uncertain: None, faults: Vec::new() };
        let members = "{\"ok\":true,\"entries\":1,\"changes\":2,\"torn_bytes\":0}\n";
        assert_eq!(json(answer(checked(report)).0), members);
    }

    #[test]
    fn a_torn_journal_is_sound_but_said() {
        let report = Report { entries: 3, changes: 1, torn: 17, uncertain: None, faults: Vec::new() };
        let (done, status, notes) = answer(checked(report));
        assert!(status == Status::Done);
        assert!(notes[0].starts_with("warning: the journal ends in 17 torn bytes"), "{notes:?}");
        let json = json(done);
        assert!(json.starts_with("{\"ok\":true,") && json.contains("\"torn_bytes\":17"), "{json}");
    }

    #[test]
    fn every_fault_is_an_error_and_what_can_be_read_comes_last() {
        let fault = |line| Error::Unreadable {
            path: PathBuf::from("/kv.json"),
            line,
            column: 1,
            syntax: true,
            reason: "expected a ','".to_owned(),
        };
        let report = Report { entries: 7, changes: 0, torn: 0, uncertain: None, faults: vec![fault(3), fault(9)] };
        let (done, status, notes) = answer(checked(report));
        assert_eq!(status, Status::Database);
        assert_eq!(notes.len(), 3);
        assert!(notes[0].starts_with("error: cannot open \"/kv.json\": not valid JSON at line 3"), "{notes:?}");
        assert!(notes[1].starts_with("error: ") && notes[1].contains("line 9"), "{notes:?}");
        assert_eq!(notes[2], "7 entries, 0 changes in the journal can be read");
        let json = json(done);
        assert!(json.starts_with("{\"ok\":false,") && json.contains("\"faults\":[\"cannot open"), "{json}");
        let report = Report { entries: 7, changes: 0, torn: 0, uncertain: None, faults: vec![fault(3)] };
        assert_eq!(plain(answer(checked(report)).0), "");
    }

    #[test]
    fn a_repair_says_what_it_wrote_what_it_dropped_and_how_to_go_on() {
        let repaired = |dropped| {
            let path = PathBuf::from("/a b/kv.json.repaired");
            Repaired { path, entries: 2, dropped, journal_remains: false, in_place: false, corrupt: false }
        };
        let dropped = vec!["line 3: key \"x\"".to_owned()];
        let (done, status, notes) = answer(told(Path::new("/a b/it's.json"), Repair::Salvage, repaired(dropped)));
        assert_eq!(status, Status::Done);
        assert_eq!(
            notes,
            [
                "Wrote 2 entries to /a b/kv.json.repaired; nothing else was changed",
                "dropped: line 3: key \"x\"",
                "to use it: mv '/a b/kv.json.repaired' '/a b/it'\\''s.json'",
            ]
        );
        let members = json(done);
        assert!(members.starts_with("{\"ok\":true,\"entries\":2,"), "{members}");
        let (done, _, notes) = answer(told(Path::new("/kv.json"), Repair::DropJournal, repaired(Vec::new())));
        assert_eq!(notes, ["Set the journal aside: 2 changes in /a b/kv.json.repaired"]);
        let members = json(done);
        assert!(members.starts_with("{\"ok\":true,\"changes\":2,"), "{members}");
        let (_, _, notes) = answer(told(Path::new("/kv.json"), Repair::KeepJournal, repaired(Vec::new())));
        assert_eq!(notes, ["Applied 2 changes to /a b/kv.json.repaired"]);
    }

    #[test]
    fn the_old_journal_is_not_forgotten() {
        let path = Path::new("/kv.json");
        let repaired = |journal_remains| Repaired {
            path: path.with_extension("new"),
            entries: 0,
            dropped: Vec::new(),
            journal_remains,
            in_place: false,
            corrupt: false,
        };
        assert_eq!(answer(told(path, Repair::Salvage, repaired(false))).2.len(), 2);
        let notes = answer(told(path, Repair::Salvage, repaired(true))).2;
        assert!(notes[2].starts_with("then run `repair --drop-journal`"), "{notes:?}");
    }

    #[test]
    fn a_word_for_the_shell_is_quoted_where_it_must_be() {
        assert_eq!(quoted(OsStr::new("/a/b-1.json")), "/a/b-1.json");
        assert_eq!(quoted(OsStr::new("a'b")), "'a'\\''b'");
        assert_eq!(quoted(OsStr::new("$(x)")), "'$(x)'");
    }
}
