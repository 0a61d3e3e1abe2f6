//! Bytes that changed on disk are never served silently (P9 P36): the lock file's note classifies an unreadable last
//! record of the journal, and a read of all lines verifies the checksum.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rusty_kv::{Database, Error};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::common::fold::fold_line;
use crate::common::note::{Note, leave};
use crate::common::untouched::Untouched;
use crate::common::{folder, put};

/// A database that is large enough for a journal.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// `key:0000` and so on, every tenth with an expiry; saved.
    fn new() -> Self {
        let place = Self { folder: folder() };
        let mut db = Database::open(place.path()).unwrap();
        db.transaction(|tx| (0..2000).try_for_each(|n| tx.set(&format!("key:{n:04}"), "x".repeat(40)))).unwrap();
        db.transaction(|tx| {
            let expires = tx.now().after(std::time::Duration::from_hours(24))?;
            (0..2000).step_by(10).try_for_each(|n| {
                let key = format!("key:{n:04}");
                let entry = tx.entry(&key)?.unwrap();
                tx.set_entry(&key, rusty_kv::Entry { expiry: Some(expires), ..entry })
            })
        })
        .unwrap();
        db.save().unwrap();
        place
    }

    /// Two commits in the journal, the last of which is corrupt.
    fn with_a_bad_end(note: Note) -> Self {
        let place = Self::new();
        let mut db = Database::open(place.path()).unwrap();
        db.set("a", "one").unwrap();
        db.set("a", "two").unwrap();
        let journal = std::fs::read_to_string(place.journal()).unwrap();
        put(&place.journal(), journal.replace("\"two\"", "\"twn\""));
        leave(&place.path(), note);
        place
    }

    /// A snapshot with one changed byte and the same stat as before.
    fn corrupt() -> Self {
        let place = Self::new();
        place.flip("key:0700\": \"x", "key:0700\": \"y");
        place
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("kv.json")
    }

    fn journal(&self) -> PathBuf {
        self.folder.path().join("kv.json.journal")
    }

    fn flip(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path()).unwrap();
        assert!(text.contains(from), "{from}");
        put(&self.path(), text.replacen(from, to, 1));
        // A bit that flips on disk changes no times, so the journal must have the new ones.
        let meta = std::fs::metadata(self.path()).unwrap();
        let times = [(meta.mtime(), meta.mtime_nsec()), (meta.ctime(), meta.ctime_nsec())];
        let [modified, changed] = times.map(|(seconds, nanos)| format!("[{seconds},{nanos}]"));
        let journal = std::fs::read_to_string(self.journal()).unwrap();
        let (header, rest) = journal.split_once('\n').unwrap();
        let (before, _) = header.split_once("\"modified\":").unwrap();
        let (_, after) = header.split_once("},\"layout\"").unwrap();
        let (after, _) = after.rsplit_once(",\"sum\":").unwrap();
        let content = format!("{before}\"modified\":{modified},\"changed\":{changed}}},\"layout\"{after}");
        let (_, epoch) = content.split_once("\"epoch\":\"").unwrap();
        let epoch = u64::from_str_radix(&epoch[..16], 16).unwrap();
        let sum = xxh3_64_with_seed(content.as_bytes(), epoch);
        put(&self.journal(), format!("{content},\"sum\":\"{sum:016x}\"}}\n{rest}"));
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rusty-kv"));
        command.args(args).env_clear().env("HOME", self.folder.path()).env("RUSTY_KV_DB", self.path());
        command.current_dir(self.folder.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(args).output().unwrap())
    }

    fn script(&self, args: &[&str], script: &str) -> Ran {
        let file = self.folder.path().join("script.kv");
        put(&file, script);
        Ran::of(self.command(args).stdin(std::fs::File::open(file).unwrap()).output().unwrap())
    }
}

struct Ran {
    status: i32,
    out: String,
    err: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { status: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    #[track_caller]
    fn is(&self, status: i32, err: &str) {
        assert_eq!(self.status, status, "{}", self.err);
        assert!(
            if err.is_empty() { self.err.is_empty() } else { self.err.contains(err) },
            "{:?} in {:?}",
            err,
            self.err
        );
    }
}

#[test]
fn an_acknowledged_last_record_that_cannot_be_read_is_corruption_until_it_is_repaired() {
    let place = Place::with_a_bad_end(Note::Finished);
    let before = [place.path(), place.journal()].map(|path| Untouched::of(&path));
    for read in
        [&["get", "a"][..], &["get", "key:0001"], &["list", "--limit", "1"], &["count"], &["-o", "json", "get", "a"]]
    {
        place.run(read).is(0, "was acknowledged");
    }
    // Reads of all lines return less than was acknowledged, and no file is made of that.
    for whole in [
        &["list"][..],
        &["keys"],
        &["find", "x"],
        &["export"],
        &["dump"],
        &["export", "new.jsonl"],
        &["dump", "new.kv"],
        &["save", "new.json"],
        &["diff", "./kv.json", "./kv.json"],
    ] {
        place.run(whole).is(3, "was acknowledged");
        assert!(["new.jsonl", "new.kv", "new.json"].iter().all(|new| !place.folder.path().join(new).exists()));
    }
    assert_eq!(place.run(&["get", "a"]).out, "one\n");
    for refused in
        [&["set", "b", "c"][..], &["del", "a"], &["incr", "n"], &["save"], &["check"], &["-o", "json", "check"]]
    {
        let ran = place.run(refused);
        assert_eq!(ran.status, 3, "{refused:?}: {}", ran.err);
        assert!((ran.err + &ran.out).contains("was acknowledged"), "{refused:?}");
    }
    place.script(&[], "get a\nset b c\n").is(3, "was acknowledged");
    assert!(before == [place.path(), place.journal()].map(|path| Untouched::of(&path)), "a file was changed");
    let ran = place.run(&["repair"]);
    ran.is(0, "last record");
    assert!(ran.err.contains("dropped: ") && ran.err.contains("kv.json.journal.torn"), "{}", ran.err);
    place.run(&["check"]).is(0, "");
    place.run(&["set", "b", "c"]).is(0, "");
    assert_eq!(place.run(&["get", "a"]).out, "one\n");
    assert!(std::fs::read_to_string(place.folder.path().join("kv.json.journal.torn")).unwrap().contains("\"twn\""));
}

#[test]
fn a_corrupt_journal_can_also_be_dropped() {
    let place = Place::with_a_bad_end(Note::Finished);
    place.run(&["repair", "--drop-journal"]).is(0, "1 change");
    place.run(&["check"]).is(0, "");
    assert_eq!(place.run(&["exists", "a"]).out, "0\n");
}

#[test]
fn a_backup_takes_the_place_of_a_database_with_a_corrupt_end_which_is_kept() {
    let place = Place::with_a_bad_end(Note::Finished);
    let backup = place.folder.path().join("backup.json");
    put(&backup, "{\"map\":{\"a\":\"backup\"}}");
    place.run(&["restore", "backup.json"]).is(0, "");
    assert_eq!(place.run(&["get", "a"]).out, "backup\n");
    assert!(place.folder.path().join("kv.before-restore.json.journal").exists());
}

#[test]
fn a_record_that_its_writer_did_not_finish_is_torn() {
    let place = Place::with_a_bad_end(Note::Unfinished);
    let ran = place.run(&["get", "a"]);
    ran.is(0, "");
    assert_eq!(ran.out, "one\n");
    let ran = place.run(&["check"]);
    ran.is(0, "warning: the journal ends in ");
    assert!(!ran.err.contains("error"), "{}", ran.err);
    place.run(&["set", "b", "c"]).is(0, "never acknowledged");
    place.run(&["check"]).is(0, "");
}

#[test]
fn a_record_with_an_unknown_outcome_is_neither_torn_nor_corrupt() {
    for note in [Note::OtherBoot, Note::OtherHost, Note::Missing] {
        let place = Place::with_a_bad_end(note);
        let ran = place.run(&["get", "a"]);
        ran.is(0, "may or may not have been acknowledged");
        assert_eq!(ran.out, "one\n");
        place.run(&["check"]).is(3, "may or may not have been acknowledged");
        place.run(&["get", "a"]).is(0, "may or may not have been acknowledged");
        place.run(&["set", "b", "c"]).is(0, "may or may not have been acknowledged");
        place.run(&["check"]).is(0, "");
    }
    let place = Place::with_a_bad_end(Note::OtherBoot);
    std::fs::remove_file(place.folder.path().join("kv.json.lock")).unwrap();
    place.run(&["check"]).is(3, "may or may not have been acknowledged");
    place.run(&["repair"]).is(0, "last record");
    place.run(&["check"]).is(0, "");
}

#[test]
fn copying_a_database_does_not_make_an_unknown_end_known() {
    let place = Place::with_a_bad_end(Note::OtherBoot);
    let copy = folder();
    for name in ["kv.json", "kv.json.journal", "kv.json.lock"] {
        std::fs::copy(place.folder.path().join(name), copy.path().join(name)).unwrap();
    }
    let path = copy.path().join("kv.json");
    for _ in 0..2 {
        let mut db = Database::open(&path).unwrap();
        assert_eq!(db.get("a").unwrap(), Some("one".into()));
        assert!(db.take_notices().iter().any(|notice| notice.contains("may or may not")));
        assert!(db.take_notices().is_empty(), "once a session is enough");
    }
    let report = Database::check(&path).unwrap();
    assert!(matches!(report.faults[..], [Error::LastRecord { acknowledged: false, .. }]), "{:?}", report.faults);
}

#[test]
fn every_full_read_finds_a_flipped_bit() {
    let place = Place::corrupt();
    for read in [
        &["list"][..],
        &["list", "--reverse"],
        &["list", "--values"],
        &["keys"],
        &["keys", "*7*"],
        &["export"],
        &["export", "--format", "json", "--lossy"],
        &["export", "--format", "jsonl", "*9"],
        &["dump"],
        &["count", "*1"],
        &["find", "nothing"],
        &["find", "--keys", "key"],
        &["stats"],
        &["diff", "kv.json"],
        &["del", "--glob", "*nothing*"],
        &["-o", "table", "list"],
        &["-o", "raw", "list"],
        &["check"],
    ] {
        let ran = place.run(read);
        assert_eq!(ran.status, 3, "{read:?}: {}", ran.err);
    }
    let ran = place.run(&["list"]);
    ran.is(3, "is corrupt: its checksum");
    assert_eq!(ran.out.lines().count(), 2000);
    let scripted = place.script(&[], "list\nget key:0001\n");
    scripted.is(3, "stdin:1: error: ");
    assert_eq!(scripted.out.lines().count(), 2001);
    for part in [
        &["list", "--limit", "5"][..],
        &["list", "--limit", "5000"],
        &["keys", "key:00*"],
        &["get", "key:0001"],
        &["count"],
        &["find", "x", "--limit", "1"],
    ] {
        place.run(part).is(0, "");
    }
}

#[test]
fn a_flipped_bit_anywhere_in_the_file_is_found() {
    for (from, to) in [
        ("    \"key:1999", "    \"key:1998"),
        ("{\n  \"map\"", "{\n  \"mbp\""),
        ("Z\",\n", "Z\",\t"),
        ("-", "."),
        ("\n}\n", "\n}\t"),
    ] {
        let place = Place::new();
        place.flip(from, to);
        assert_eq!(place.run(&["list"]).status, 3, "{from:?}");
        assert_eq!(place.run(&["list", "--reverse"]).status, 3, "{from:?}");
        assert_eq!(place.run(&["save", "copy.json"]).status, 3, "{from:?}");
        assert!(!place.folder.path().join("copy.json").exists(), "{from:?}");
    }
}

#[test]
fn no_file_is_made_of_a_corrupt_database() {
    let place = Place::corrupt();
    put(&place.folder.path().join("old.json"), "{\"map\":{\"a\":\"old\"}}");
    for write in [
        &["save", "new.json"][..],
        &["save", "old.json"],
        &["export", "new.jsonl"],
        &["export", "new.json", "--lossy"],
        &["export", "new.csv"],
        &["dump", "new.kv"],
    ] {
        place.run(write).is(3, "is corrupt");
    }
    let mut names: Vec<_> =
        std::fs::read_dir(place.folder.path()).unwrap().map(|item| item.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["kv.json", "kv.json.journal", "kv.json.lock", "old.json"]);
    assert!(std::fs::read_to_string(place.folder.path().join("old.json")).unwrap().contains("\"old\""));
    // A corrupt backup is not restored; an intact one replaces a corrupt database.
    let other = Place::new();
    let ran = other.run(&["restore", &place.path().to_string_lossy()]);
    ran.is(3, "is corrupt");
    assert_eq!(place.run(&["restore", &other.path().to_string_lossy()]).status, 0);
    place.run(&["list"]).is(0, "");
}

#[test]
fn a_repair_of_a_corrupt_database_warns_that_a_value_may_be_wrong() {
    let place = Place::corrupt();
    place.run(&["repair", "-y"]).is(0, "a value in the new one may be wrong; compare it with a backup");
    let ran = place.run(&["repair", "-y", "-o", "json"]);
    assert!(ran.out.contains("\"corrupt\":true"), "{}", ran.out);
    // A line that is corrupt in another way is dropped, and the rest is right.
    let place = Place::new();
    place.flip("key:0700\": \"x", "key:0700\": \"\\");
    std::fs::remove_file(place.journal()).unwrap();
    let ran = place.run(&["repair", "-y"]);
    assert!(!ran.err.contains("may be wrong"), "{}", ran.err);
}

#[test]
fn a_document_of_a_corrupt_database_is_whole_and_the_error_is_on_stderr() {
    let place = Place::corrupt();
    for (command, is_object) in [("list", true), ("keys", false), ("list --values", false), ("find key", true)] {
        let args: Vec<_> = ["-o", "json"].into_iter().chain(command.split(' ')).collect();
        for ran in [place.run(&args), place.script(&["-o", "json"], &format!("{command}\n"))] {
            ran.is(3, "\"code\":\"corrupt\"");
            let document: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
            let length = document.as_object().map(serde_json::Map::len).or(document.as_array().map(Vec::len));
            assert_eq!((document.is_object(), length), (is_object, Some(2000)), "{command}");
            assert_eq!(ran.err.lines().count(), 1);
        }
    }
    let ran = place.run(&["export", "--format", "json", "--lossy"]);
    ran.is(3, "is corrupt");
    assert!(serde_json::from_str::<serde_json::Value>(&ran.out).unwrap().is_object());
    put(&place.folder.path().join("other.json"), "{\"map\":{\"zzz\":\"1\"}}");
    for ran in [
        place.run(&["-o", "json", "diff", "kv.json", "other.json"]),
        place.run(&["-o", "json", "diff", "other.json", "kv.json"]),
    ] {
        ran.is(3, "is corrupt");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&ran.out).unwrap().as_array().unwrap().len(), 2001);
    }
    // One answer per line: if there is no document, the error takes its place.
    let ran = place.script(&["-o", "json"], "count *1\nget key:0001\n");
    ran.is(3, "");
    assert!(ran.out.starts_with("{\"error\":{\"code\":\"corrupt\"") && ran.out.lines().count() == 2, "{}", ran.out);
}

#[test]
fn changes_in_the_journal_come_with_a_listing_of_a_corrupt_file() {
    let place = Place::corrupt();
    let mut db = Database::open(place.path()).unwrap();
    for key in ["a", "key:0700", "zzz"] {
        db.set(key, "new").unwrap();
    }
    db.delete("key:1999").unwrap();
    let ran = place.run(&["keys"]);
    ran.is(3, "is corrupt");
    assert!(ran.out.starts_with("a\n") && ran.out.ends_with("key:1998\nzzz\n"));
    place.run(&["save"]).is(0, "");
    place.run(&["keys"]).is(3, "is corrupt");
}

#[test]
fn a_library_s_listing_of_all_keys_ends_in_the_error() {
    let place = Place::corrupt();
    let mut db = Database::open(place.path()).unwrap();
    assert!(matches!(db.iter().last(), Some(Err(Error::Corrupt { .. }))));
    assert!(matches!(db.iter().keys().last(), Some(Err(Error::Corrupt { .. }))));
    assert!(db.prefix("key:0").all(|item| item.is_ok()), "a part of it is not all of it");
    // From both ends.
    let (mut range, mut errors) = (db.iter(), 0);
    for n in 0..3000 {
        let next = if n % 3 == 0 { range.next_back() } else { range.next() };
        errors += usize::from(next.is_some_and(|item| item.is_err()));
    }
    assert_eq!(errors, 1);
    assert!(matches!(db.save_to(place.folder.path().join("copy.json")), Err(Error::Corrupt { .. })));
    let sound = Place::new();
    let db = Database::open(sound.path()).unwrap();
    let mut range = db.iter();
    let both = std::iter::from_fn(|| range.next().and_then(|item| item.is_ok().then(|| range.next_back())));
    assert_eq!(both.flatten().flatten().count(), 1000);
}

/// The files after a crash between the renames of the snapshot and the journal, with an edit of the snapshot that keeps
/// its length and times.
fn crashed(edit: impl FnOnce(&Path)) -> Place {
    let place = Place::new();
    let mut db = Database::open(place.path()).unwrap();
    db.set("a", "one").unwrap();
    let journal = std::fs::read(place.journal()).unwrap();
    db.save().unwrap();
    drop(db);
    let newer = std::fs::read(place.journal()).unwrap();
    put(&place.journal(), [&journal[..], &fold_line(&journal, &newer, 1)].concat());
    edit(&place.path());
    place
}

#[test]
fn an_edit_after_a_crash_that_keeps_length_and_time_is_not_trusted() {
    let sound = crashed(|_| ());
    assert_eq!(sound.run(&["get", "a"]).out, "one\n");
    sound.run(&["check"]).is(0, "");
    let place = crashed(|path| {
        let modified = std::fs::metadata(path).unwrap().modified().unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        put(path, text.replace("\"a\": \"one\"", "\"a\": \"eno\""));
        std::fs::File::options().write(true).open(path).unwrap().set_modified(modified).unwrap();
    });
    let before = [place.path(), place.journal()].map(|path| Untouched::of(&path));
    let ran = place.run(&["get", "a"]);
    assert_eq!((ran.status, ran.out.as_str()), (3, ""), "{}", ran.err);
    place.run(&["set", "b", "c"]).is(3, "cannot open");
    place.run(&["check"]).is(3, "its content does not match the checksum");
    assert!(before == [place.path(), place.journal()].map(|path| Untouched::of(&path)), "a file was changed");
}

/// A child process whose lines of stdout and stderr can be awaited.
struct Looking {
    child: std::process::Child,
    lines: std::sync::mpsc::Receiver<String>,
}

impl Looking {
    fn new(place: &Place, args: &[&str]) -> Self {
        let mut child = place.command(args).spawn().unwrap();
        let (sender, lines) = std::sync::mpsc::channel();
        let outputs: [Box<dyn std::io::Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for output in outputs {
            let sender = sender.clone();
            std::thread::spawn(move || {
                let lines = std::io::BufRead::lines(std::io::BufReader::new(output));
                lines.map_while(Result::ok).try_for_each(|line| sender.send(line))
            });
        }
        Self { child, lines }
    }

    #[track_caller]
    fn next(&self) -> String {
        self.lines.recv_timeout(std::time::Duration::from_secs(30)).expect("it says something")
    }

    /// Changes a key until the child reports it, which shows that it is watching; skips its earlier output.
    fn is_looking(&self, place: &Place) {
        let mut db = Database::open(place.path()).unwrap();
        for n in 0.. {
            db.set("probe", n.to_string()).unwrap();
            if self.lines.recv_timeout(std::time::Duration::from_millis(200)).is_ok() {
                while self.lines.recv_timeout(std::time::Duration::from_millis(200)).is_ok() {}
                return;
            }
        }
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_watch_outlives_a_file_that_cannot_be_read_for_a_while() {
    for is_large in [false, true] {
        let place = if is_large { Place::new() } else { Place { folder: folder() } };
        if !is_large {
            Database::open(place.path()).unwrap().set("a", "1").unwrap();
        }
        let watch = Looking::new(&place, &["watch"]);
        watch.is_looking(&place);
        // An editor in the middle of writing.
        let text = std::fs::read_to_string(place.path()).unwrap();
        put(&place.path(), &text[..text.len() / 2]);
        assert!(watch.next().starts_with("warning: cannot open"), "is_large: {is_large}");
        let _ = std::fs::remove_file(place.journal());
        put(&place.path(), text.replacen("\n  }", ",\n    \"zzz\": \"1\"\n  }", 1));
        loop {
            // What was only in the journal is reported as gone.
            match watch.next() {
                line if line == "set\tzzz\t1" => break,
                line => assert!(line.contains("probe"), "{line}"),
            }
        }
        // Another outage leads to another warning.
        put(&place.path(), "");
        assert!(watch.next().starts_with("warning: "));
    }
}

#[test]
fn a_watch_outlives_a_journal_that_belongs_to_another_file() {
    let place = Place::new();
    let watch = Looking::new(&place, &["watch"]);
    watch.is_looking(&place);
    let text = std::fs::read_to_string(place.path()).unwrap().replace("\"key:0001\": \"x", "\"key:0001\": \"y");
    let edited = place.folder.path().join("edited");
    put(&edited, text);
    rustix::fs::rename(edited, place.path()).unwrap();
    assert!(watch.next().contains("holds changes to another version"));
    place.run(&["repair", "--keep-journal"]).is(0, "Applied 1 change");
    assert!(watch.next().starts_with("set\tkey:0001\ty"));
}

#[test]
fn a_wait_outlives_a_file_that_cannot_be_read_for_a_while_and_ends_with_what_it_knows() {
    let place = Place { folder: folder() };
    Database::open(place.path()).unwrap().set("a", "1").unwrap();
    // The first lines of a script show that it has started.
    let script = place.folder.path().join("script.kv");
    for (timeout, status) in [("", 0), ("--timeout 3s", 3)] {
        put(&place.path(), "{\"map\":{\"a\":\"1\"}}");
        put(&script, format!("get a\nwait job {timeout}\n"));
        let mut wait = Looking::new(&place, &["-f", "script.kv"]);
        assert_eq!(wait.next(), "1");
        put(&place.path(), "{\"map\":{\"a\":");
        assert!(wait.next().starts_with("warning: cannot open"));
        if status == 0 {
            put(&place.path(), "{\"map\":{\"job\":\"1\"}}");
        }
        assert_eq!(wait.child.wait().unwrap().code(), Some(status));
    }
    put(&place.path(), "{\"map\":{\"a\":\"1\"}}");
    let ran = place.script(&[], "get a\nwait b --timeout 100ms\n");
    ran.is(1, "was not created within 100ms");
}

#[test]
fn a_file_whose_expires_is_null_opens_and_is_written_without() {
    let place = Place { folder: folder() };
    put(&place.path(), "{\"map\": {\"a\": \"1\"}, \"expires\": null}");
    assert_eq!(place.run(&["get", "a"]).out, "1\n");
    place.run(&["check"]).is(0, "");
    place.run(&["set", "a", "2"]).is(0, "");
    assert_eq!(std::fs::read_to_string(place.path()).unwrap(), "{\n  \"map\": {\n    \"a\": \"2\"\n  }\n}\n");
    put(&place.path(), "{\n  \"map\": {\n    \"a\": \"1\",\n    \"b\": x\n  },\n  \"expires\": null\n}\n");
    place.run(&["repair"]).is(0, "Wrote 1 entry");
}
