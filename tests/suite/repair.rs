//! Databases that are refused, and how to repair them (P10 P11 P12): checked files are never changed, what is readable
//! is rescued, and nothing is thrown away.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusty_kv::{Database, Entry, Error, Options, Repair, Timestamp, Value};
use tempfile::TempDir;

use crate::common::note::{Note, leave};
use crate::common::untouched::Untouched;
use crate::common::{folder, put};

/// A database in a temporary folder.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: folder() }
    }

    /// A file with these bytes.
    fn of(bytes: impl AsRef<[u8]>) -> Self {
        let place = Self::new();
        put(&place.path(), bytes);
        place
    }

    /// A database that is large enough for a journal, and `changes` commits in it: `change:N` is N.
    fn large(changes: usize) -> Self {
        let place = Self::new();
        let mut db = Database::open(place.path()).unwrap();
        db.transaction(|tx| (0..ENTRIES).try_for_each(|n| tx.set(&format!("key:{n:04}"), "x".repeat(40)))).unwrap();
        db.save().unwrap();
        for n in 0..changes {
            db.set(&format!("change:{n}"), n.to_string()).unwrap();
        }
        drop(db);
        assert_eq!(lines(&place.journal()).len(), changes + 1, "its changes are in the journal");
        place
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("kv.json")
    }

    fn journal(&self) -> PathBuf {
        self.folder.path().join("kv.json.journal")
    }

    /// Changes the file like an editor, so that the journal belongs to another file.
    fn edit(&self) {
        let text =
            std::fs::read_to_string(self.path()).unwrap().replace("\"key:0000\": \"x", "\"key:0000\": \"by hand x");
        put(&self.folder.path().join("edited"), text);
        #[expect(clippy::disallowed_methods, reason = "as an editor does")]
        std::fs::rename(self.folder.path().join("edited"), self.path()).unwrap();
    }

    /// The current state of all files except the lock.
    fn files(&self) -> BTreeMap<PathBuf, Untouched> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let files = entries.filter(|path| path.extension().is_none_or(|extension| extension != "lock"));
        files.map(|path| (path.clone(), Untouched::of(&path))).collect()
    }

    /// The result of a check, which changes nothing and does not even create a lock file.
    fn check(&self) -> rusty_kv::Report {
        let before = (self.files(), std::fs::read_dir(self.folder.path()).unwrap().count());
        let report = Database::check(self.path()).unwrap();
        assert_eq!((self.files(), std::fs::read_dir(self.folder.path()).unwrap().count()), before);
        report
    }

    /// The rescued entries and the dropped lines. Both files stay as they were.
    fn salvage(&self) -> (BTreeMap<String, Entry>, Vec<String>) {
        let before = self.files();
        let repaired = Database::repair(self.path(), Repair::Salvage).unwrap();
        let mut after = self.files();
        assert!(after.remove(&repaired.path).is_some(), "it is a new file");
        assert_eq!(after, before);
        assert!(Database::check(&repaired.path).unwrap().faults.is_empty());
        let entries = entries(&repaired.path);
        assert_eq!(entries.len() as u64, repaired.entries);
        (entries, repaired.dropped)
    }

    /// The error of a repair that is refused, and changes nothing.
    #[track_caller]
    fn refuses(&self, how: Repair) -> Error {
        let before = self.files();
        let error = Database::repair(self.path(), how).unwrap_err();
        assert_eq!(self.files(), before, "{error}");
        assert!(!error.to_string().contains(['\n', '\u{1b}']));
        error
    }
}

const ENTRIES: usize = 2_000;

fn entries(path: &Path) -> BTreeMap<String, Entry> {
    let db = Database::open_read_only(path).unwrap();
    db.iter().map(Result::unwrap).collect()
}

fn lines(path: &Path) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(path).unwrap();
    bytes.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// The values as texts, by key.
fn texts(entries: &BTreeMap<String, Entry>) -> Vec<(&str, String)> {
    entries
        .iter()
        .map(|(key, entry)| (key.as_str(), String::from_utf8_lossy(entry.value.as_bytes()).into_owned()))
        .collect()
}

#[track_caller]
fn assert_salvaged(document: impl AsRef<[u8]>, wanted: &[(&str, &str)], dropped: &[&str]) {
    let place = Place::of(document);
    assert_eq!(place.check().entries, wanted.len() as u64);
    let (entries, named) = place.salvage();
    let wanted: Vec<_> = wanted.iter().map(|&(key, text)| (key, text.to_owned())).collect();
    assert_eq!(texts(&entries), wanted);
    assert_eq!(named, dropped);
}

const DOCUMENT: &str = "{\n  \"map\": {\n    \"a\": \"1\",\n    \"b\": {\"c\":[2]},\n    \"d\": 34\n  }\n}\n";

#[test]
fn an_intact_database_is_reported_as_such_and_is_not_repaired() {
    for place in [
        Place::of(DOCUMENT),
        Place::of("{\"map\":{\"b\":\"1\",\"a\":\"2\",\"c\":3}}"),
        Place::large(0),
        Place::large(5),
    ] {
        let report = place.check();
        let is_large = place.journal().exists();
        let changes = if is_large { lines(&place.journal()).len() as u64 - 1 } else { 0 };
        assert!(report.faults.is_empty(), "{:?}", report.faults);
        let entries = if is_large { ENTRIES as u64 + changes } else { 3 };
        assert_eq!((report.entries, report.changes, report.torn), (entries, changes, 0));
        for how in [Repair::Salvage, Repair::KeepJournal, Repair::DropJournal] {
            assert!(matches!(place.refuses(how), Error::NothingToRepair { .. }));
        }
    }
    let nowhere = Place::new();
    assert!(matches!(Database::check(nowhere.path()), Err(Error::Open { .. })));
    for how in [Repair::Salvage, Repair::KeepJournal, Repair::DropJournal] {
        assert!(matches!(nowhere.refuses(how), Error::Open { .. }));
    }
    assert_eq!(std::fs::read_dir(nowhere.folder.path()).unwrap().count(), 0);
}

#[test]
fn the_first_fault_of_each_file_is_named_with_its_place() {
    let place = Place::large(6);
    let mut journal = lines(&place.journal());
    let offset: usize = journal[..3].iter().map(Vec::len).sum();
    journal[3][20] ^= 1;
    put(&place.journal(), journal.concat());
    let mut snapshot = lines(&place.path());
    snapshot[9] = b"    what is this\n".to_vec();
    put(&place.path(), snapshot.concat());
    let report = place.check();
    let [
        Error::Unreadable { line: 10, column: 5, .. },
        Error::JournalCorrupt { line: 4, offset: at, good_after: 3, .. },
    ] = report.faults[..]
    else {
        panic!("{:?}", report.faults)
    };
    assert_eq!(at, offset as u64);
    assert_eq!((report.entries, report.changes), (ENTRIES as u64 - 1 + 5, 5));
    assert!(report.faults[0].to_string().ends_with("`repair` writes what can be read to a new file"));
    assert!(report.faults[1].to_string().contains("`repair --drop-journal`"));
}

#[test]
fn what_a_killed_writer_left_is_counted_and_is_not_a_fault() {
    let place = Place::large(3);
    let mut journal = lines(&place.journal()).concat();
    journal.extend_from_slice(b"{\"n\":4,\"key\":");
    put(&place.journal(), journal);
    leave(&place.path(), Note::Unfinished);
    let report = place.check();
    assert!(report.faults.is_empty(), "{:?}", report.faults);
    assert_eq!((report.changes, report.torn), (3, 13));
}

#[test]
fn entries_deleted_by_both_sides_of_a_merge_do_not_come_back() {
    let conflict = "{\n  \"map\": {\n    \"a\": \"1\",\n<<<<<<< HEAD\n    \"b\": \"ours\",\n||||||| 1234567\n    \"b\": \"old\",\n    \"gone\": {\n      \"x\": 1\n    },\n=======\n    \"b\": \"theirs\",\n    \"c\": \"3\",\n>>>>>>> topic\n    \"d\": \"4\"\n  }\n}\n";
    let kept = [("a", "1"), ("b", "theirs"), ("c", "3"), ("d", "4")];
    let dropped = [
        "line 4: \"<<<<<<< HEAD\"",
        "line 5: \"\\\"b\\\": \\\"ours\\\"\"",
        "line 6: \"||||||| 1234567\"",
        "line 7: \"\\\"b\\\": \\\"old\\\",\"",
        "line 8: \"\\\"gone\\\": {\"",
        "line 9: \"\\\"x\\\": 1\"",
        "line 11: \"=======\"",
        "line 14: \">>>>>>> topic\"",
    ];
    assert_salvaged(conflict, &kept, &dropped);
    // Expiries that both sides removed are not brought back, either.
    let place = Place::of(
        "{\n  \"map\": {\n    \"a\": \"1\",\n    \"b\": \"2\"\n  },\n  \"expires\": {\n<<<<<<<<< ours\n    \"b\": \"2100-01-01T00:00:00.000Z\"\n||||||||| base\n    \"a\": \"2001-01-01T00:00:00.000Z\",\n    \"b\": \"2001-01-01T00:00:00.000Z\"\n=========\n>>>>>>>>> theirs\n  }\n}\n",
    );
    let db = Database::open(Database::repair(place.path(), Repair::Salvage).unwrap().path).unwrap();
    assert_eq!(db.entry("a").unwrap().unwrap().expiry, None);
    assert_eq!(db.entry("b").unwrap().unwrap().expiry, Some("2100-01-01T00:00:00.000Z".parse().unwrap()));
}

#[test]
fn a_conflict_without_entries_is_repaired_to_an_empty_database() {
    let conflict = "{\n  \"map\": {\n<<<<<<< a\n||||||| b\n    \"x\": \"1\"\n=======\n>>>>>>> c\n  }\n}\n";
    let marks = ["line 3: \"<<<<<<< a\"", "line 4: \"||||||| b\"", "line 5: \"\\\"x\\\": \\\"1\\\"\""];
    let all: Vec<_> = marks.into_iter().chain(["line 6: \"=======\"", "line 7: \">>>>>>> c\""]).collect();
    assert_salvaged(conflict, &[], &all);
}

#[test]
fn an_unreadable_file_is_not_sent_back_to_repair() {
    let said = Place::of("{\"map\": {\"a\": x}}").refuses(Repair::Salvage).to_string();
    assert!(said.contains("restore a backup") && !said.contains("`repair`"), "{said}");
}

#[test]
fn dropped_lines_are_listed_in_the_order_of_the_file() {
    let text = "{\"map\": {\n\"a\": \"1\",\n\"b\": 2x,\n\"a\": \"3\",\n\"c\": \"4\"\n}}";
    assert_salvaged(
        text,
        &[("a", "3"), ("c", "4")],
        &["line 2: \"\\\"a\\\": \\\"1\\\"\"", "line 3: \"\\\"b\\\": 2x,\""],
    );
}

#[test]
fn a_merge_that_git_left_unfinished_is_repaired_without_its_base_in_every_style() {
    for style in ["merge", "diff3", "zdiff3"] {
        let place = Place::new();
        let save = |entries: &[(&str, &str)]| {
            let _ = std::fs::remove_file(place.path());
            let mut db = Database::open(place.path()).unwrap();
            db.transaction(|tx| entries.iter().try_for_each(|(key, value)| tx.set(key, *value))).unwrap();
        };
        let git = |args: &[&str]| {
            let config = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", &format!("merge.conflictStyle={style}")];
            let mut command = std::process::Command::new("git");
            command.args(config).args(args).current_dir(place.folder.path());
            command.env("HOME", place.folder.path()).env("GIT_CONFIG_NOSYSTEM", "1").output()
        };
        if git(&["init", "-q", "-b", "main"]).is_err() {
            println!("SKIPPED: git is not installed, so it merged nothing");
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "SKIPPED: git");
            return;
        }
        let commit = |entries: &[(&str, &str)]| {
            save(entries);
            git(&["add", "kv.json"]).and_then(|_| git(&["commit", "-qm", "m"])).unwrap();
        };
        commit(&[("a", "1"), ("b", "old"), ("gone", "x"), ("z", "1")]);
        git(&["checkout", "-qb", "topic"]).unwrap();
        commit(&[("a", "1"), ("b", "theirs"), ("new", "2"), ("z", "1")]);
        git(&["checkout", "-q", "main"]).unwrap();
        commit(&[("a", "1"), ("b", "ours"), ("z", "1")]);
        git(&["merge", "-q", "topic"]).unwrap();
        let text = std::fs::read_to_string(place.path()).unwrap();
        assert!(text.contains("<<<<<<<") && text.contains("|||||||") == (style != "merge"), "{style}: {text}");
        let db = Database::open(Database::repair(place.path(), Repair::Salvage).unwrap().path).unwrap();
        let found: Vec<_> =
            db.iter().map(|item| item.unwrap()).map(|(key, entry)| (key, entry.value.to_string())).collect();
        let wanted = [("a", "1"), ("b", "theirs"), ("new", "2"), ("z", "1")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(found, wanted, "{style}: {text}");
    }
}

#[test]
fn with_one_entry_per_line_only_corrupt_lines_are_lost() {
    let replaced = |from: &str, to: &str| DOCUMENT.replacen(from, to, 1);
    let (a, b, d) = (("a", "1"), ("b", "{\"c\":[2]}"), ("d", "34"));
    assert_salvaged(replaced("\"1\"", "\"1"), &[b, d], &["line 3: \"\\\"a\\\": \\\"1,\""]);
    assert_salvaged(replaced("[2]", "[2"), &[a, d], &["line 4: \"\\\"b\\\": {\\\"c\\\":[2},\""]);
    assert_salvaged(replaced("[2]}", "[2],"), &[a, d], &["line 4: \"\\\"b\\\": {\\\"c\\\":[2],,\""]);
    assert_salvaged(replaced("  \"map\": {", "#"), &[a, b, d], &["line 2: \"#\""]);
    assert_salvaged(replaced("{\n  \"map\": {", "\u{0}"), &[a, b, d], &["line 1: \"\\0\""]);
    assert_salvaged(replaced("\"1\",", "\"1\""), &[a, b, d], &[]);
    assert_salvaged(replaced("34\n", "34,\n"), &[a, b, d], &[]);
    assert_salvaged(replaced("  }\n}\n", "  }\n}\nmore\n"), &[a, b, d], &["line 8: \"more\""]);
    // Any indent, and values on several lines.
    let spread = "{\"map\":{\n\t\"a\": \"1\",\n\t\"b\": {\n\t\t\"c\": [2\n\t\t]},\n\t\"x\": {\n\t\t\"a\": nought,\n\t\t\"y\": 1\n\t},\n\t\"d\":34}}";
    let named = ["line 6: \"\\\"x\\\": {\"", "line 7: \"\\\"a\\\": nought,\"", "line 8: \"\\\"y\\\": 1\""];
    assert_salvaged(spread, &[a, b, d], &named);
}

#[test]
fn in_a_file_of_one_line_everything_before_the_fault_is_kept() {
    let document = "{\"map\":{\"a\":\"1\",\"b\":{\"c\":[2]},\"d\":34,\"e\":!,\"f\":\"6\"}}";
    let kept = [("a", "1"), ("b", "{\"c\":[2]}"), ("d", "34")];
    assert_salvaged(document, &kept, &["line 1: \"\\\"e\\\":!,\\\"f\\\":\\\"6\\\"}}\""]);
}

#[test]
fn a_file_cut_anywhere_gives_the_entries_before_the_cut_and_no_others() {
    for document in [DOCUMENT, "{\"map\":{\"a\":\"1\",\"b\":{\"c\":[2]},\"d\":34}}"] {
        let whole = entries(&Place::of(document).path());
        for tail in ["", "\0", "\0\0\0\0\0\0\0\0\0\0\0", "\u{fffd}{\u{fffd}"] {
            for cut in 1..document.trim_end().len() {
                let place = Place::of([&document[..cut], tail].concat());
                let report = place.check();
                assert_eq!(report.faults.len(), 1);
                if report.entries == 0 {
                    assert!(matches!(place.refuses(Repair::Salvage), Error::Unsuitable { .. }));
                    continue;
                }
                let (rescued, _) = place.salvage();
                assert!(rescued.iter().all(|(key, entry)| whole.get(key) == Some(entry)), "{cut} {rescued:?}");
                let read =
                    ["\"1\"", "[2]}", "34\n", "34}"].iter().filter(|end| document[..cut].contains(**end)).count();
                assert!(rescued.len() >= read.min(3) - usize::from(!tail.is_empty() && read > 0), "{cut} {rescued:?}");
            }
        }
    }
}

#[test]
fn expiries_are_rescued_and_never_mistaken_for_values() {
    let place = Place::new();
    let mut db = Database::open(place.path()).unwrap();
    let expiry = Some(Timestamp::from_millis(4_000_000_000_000));
    for key in ["a", "b", "c"] {
        db.set_entry(key, Entry { expiry, ..Entry::from(key) }).unwrap();
    }
    drop(db);
    let whole = entries(&place.path());
    let text = std::fs::read_to_string(place.path()).unwrap();
    for (from, to) in
        [("  },\n  \"expires\": {", "\0\n\0"), ("  \"expires\": {", "?"), ("  },\n", "?\n"), ("  }\n}\n", "")]
    {
        let place = Place::of(text.replacen(from, to, 1));
        assert_eq!(place.check().faults.len(), 1, "{from:?}");
        assert_eq!(place.salvage().0, whole, "{from:?}");
    }
    let (rescued, dropped) = Place::of(text.replacen("\"b\": \"2096", "\"b\": \"2O96", 1)).salvage();
    assert_eq!((rescued["b"].expiry, rescued["c"].expiry), (None, expiry));
    assert_eq!(dropped.len(), 1);
}

#[test]
fn the_last_of_two_equal_keys_wins_and_the_first_is_listed() {
    let document = "{\n  \"map\": {\n    \"a\": \"1\",\n    \"b\": \"2\",\n    \"\\u0061\": \"3\"\n  }\n}\n";
    assert_salvaged(document, &[("a", "3"), ("b", "2")], &["line 3: \"\\\"a\\\": \\\"1\\\"\""]);
}

#[test]
fn bad_utf_8_and_garbage_are_dropped_and_listed_safely_for_a_terminal() {
    let document =
        [&b"{\"map\":{\n\"a\":\"1\",\n\"b\":\"\xff\x1b[31m\",\n"[..], b"\x9b\xe2\x80\xae\x00\x07\n\"d\":34\n}}"]
            .concat();
    let place = Place::of(document);
    let (rescued, dropped) = place.salvage();
    assert_eq!(texts(&rescued), [("a", "1".to_owned()), ("d", "34".to_owned())]);
    assert_eq!(dropped.len(), 2);
    for line in dropped {
        assert!(!line.chars().any(|c| c.is_control() || c == '\u{202e}'), "{line:?}");
    }
}

#[test]
fn a_hundred_dropped_lines_are_listed_and_the_rest_is_counted() {
    let bad = format!("    \"{}\": ?,\n", "é".repeat(300));
    let (entries, dropped) =
        Place::of(format!("{{\n  \"map\": {{\n{}    \"z\": 1\n  }}\n}}\n", bad.repeat(250))).salvage();
    assert_eq!((entries.len(), dropped.len()), (1, 101));
    assert_eq!(dropped[0], format!("line 3: \"\\\"{}\"", "é".repeat(39)));
    assert_eq!(dropped[100], "and 150 more");
}

#[test]
fn foreign_members_are_kept_and_a_newer_version_s_file_is_left_to_it() {
    let place = Place::of("{\n  \"map\": {\n    \"a\": 1,\n    ?\n  },\n  \"note\": {\"of\": \"mine\"}\n}\n");
    let repaired = Database::repair(place.path(), Repair::Salvage).unwrap();
    assert!(std::fs::read_to_string(repaired.path).unwrap().contains("\"note\": {\"of\":\"mine\"}"));
    for text in ["{\n  \"map\": {\n    \"a\": 1,\n    ?\n  },\n  \"$rusty-kv\": 2\n}\n", "{\"map\":{},\"$rusty-kv\":2}"]
    {
        let place = Place::of(text);
        assert_eq!(place.check().faults.len(), 1);
        assert!(matches!(place.refuses(Repair::Salvage), Error::NewerVersion { .. }));
    }
}

#[test]
fn a_repaired_file_takes_a_new_name_and_the_mode_of_the_old() {
    let place = Place::of("{\"map\":{\n\"a\":1,\n\"b\":?}}");
    std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o640)).unwrap();
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let first = Database::repair(place.path(), Repair::Salvage).unwrap().path;
    assert_eq!(name(&first), "kv.repaired.json");
    assert_eq!(std::fs::metadata(&first).unwrap().permissions().mode() & 0o7777, 0o640);
    put(&first, "mine");
    std::os::unix::fs::symlink("/nowhere", place.folder.path().join("x")).unwrap();
    let second = Database::repair(place.path(), Repair::Salvage).unwrap().path;
    assert!(name(&second).starts_with("kv.repaired-") && name(&second).len() == "kv.repaired-.json".len() + 16);
    assert_eq!(std::fs::read(first).unwrap(), b"mine");
    let odd = place.folder.path().join("data");
    put(&odd, "{\"map\":{\n\"a\":1,\n\"b\":?}}");
    assert_eq!(name(&Database::repair(odd, Repair::Salvage).unwrap().path), "data.repaired");
}

#[test]
fn every_complete_commit_of_a_corrupt_journal_is_applied_and_dropped_lines_are_listed() {
    let place = Place::large(0);
    let mut db = Database::open(place.path()).unwrap();
    db.set("a", "1").unwrap();
    db.transaction(|tx| tx.set("b", "2").and_then(|()| tx.set("c", "3"))).unwrap();
    db.set("a", "4").unwrap();
    db.delete("key:0001").unwrap();
    drop(db);
    let whole = entries(&place.path());
    let journal = lines(&place.journal());
    assert_eq!(journal.len(), 6);
    for bad in 1..journal.len() - 1 {
        let mut corrupt = journal.clone();
        corrupt[bad][8] ^= 1;
        put(&place.journal(), corrupt.concat());
        assert!(matches!(place.check().faults[..], [Error::JournalCorrupt { .. }]), "{bad}");
        let (rescued, dropped) = place.salvage();
        let mut wanted = whole.clone();
        match bad {
            2 | 3 => wanted.retain(|key, _| key != "b" && key != "c"),
            4 => drop(wanted.insert("a".to_owned(), Entry::from("1"))),
            _ => {}
        }
        assert_eq!(rescued, wanted, "{bad}");
        let named = if matches!(bad, 2 | 3) { 2 } else { 1 };
        assert!(dropped.len() == named && dropped.iter().all(|line| line.starts_with("journal line ")), "{dropped:?}");
    }
    // In the header, the epoch is enough.
    let mut corrupt = journal.clone();
    let len = corrupt[0].len();
    corrupt[0][len - 5] ^= 1;
    put(&place.journal(), corrupt.concat());
    let (rescued, dropped) = place.salvage();
    assert_eq!((rescued, dropped.len()), (whole.clone(), 1));
    // A page of garbage in the middle.
    let mut corrupt = journal.clone();
    corrupt.insert(3, vec![b'\n'; 10]);
    corrupt.insert(3, vec![0; 4096]);
    put(&place.journal(), corrupt.concat());
    assert_eq!(place.check().faults.len(), 1);
    let kept = place.salvage().0;
    assert_eq!(kept["a"], whole["a"]);
    assert!(!kept.contains_key("key:0001"));
}

#[test]
fn a_journal_that_belongs_to_another_file_is_a_fault_and_its_changes_are_not_counted_in() {
    let place = Place::large(5);
    place.edit();
    assert!(matches!(Database::open(place.path()), Err(Error::ForeignJournal { .. })));
    let report = place.check();
    assert!(matches!(report.faults[..], [Error::ForeignJournal { .. }]), "{:?}", report.faults);
    assert_eq!((report.entries, report.changes), (ENTRIES as u64, 5));
    assert!(matches!(place.refuses(Repair::Salvage), Error::ForeignJournal { .. }));
}

#[test]
fn keeping_a_foreign_journal_applies_its_changes_to_the_file() {
    for torn in [&b""[..], b"{\"n\":6,\"key\":"] {
        for one_form in [true, false] {
            let place = Place::large(5);
            place.edit();
            if !one_form {
                let text = std::fs::read_to_string(place.path()).unwrap();
                put(&place.path(), text.replace("\": \"", "\" :  \""));
            }
            put(&place.journal(), [lines(&place.journal()).concat(), torn.to_vec()].concat());
            let repaired = Database::repair(place.path(), Repair::KeepJournal).unwrap();
            assert_eq!((repaired.path, repaired.entries), (place.path().canonicalize().unwrap(), 5));
            let report = place.check();
            assert!(report.faults.is_empty(), "{:?}", report.faults);
            assert_eq!((report.entries, report.changes), (ENTRIES as u64 + 5, 0));
            let db = Database::open(place.path()).unwrap();
            assert_eq!(db.get("change:4").unwrap(), Some(Value::from("4")));
            assert!(db.get("key:0000").unwrap().unwrap().as_bytes().starts_with(b"by hand"));
            let aside = place.folder.path().join("kv.json.journal.torn");
            assert_eq!(std::fs::read(aside).unwrap_or_default(), torn, "what is torn is kept");
            assert!(matches!(place.refuses(Repair::KeepJournal), Error::NothingToRepair { .. }));
        }
    }
}

#[test]
fn a_restored_backup_is_not_mistaken_for_the_journal_s_snapshot() {
    let place = Place::large(3);
    let backup = std::fs::read(place.path()).unwrap();
    let mut db = Database::open(place.path()).unwrap();
    db.set("later", "1").unwrap();
    db.save().unwrap();
    db.set("latest", "2").unwrap();
    drop(db);
    put(&place.path(), backup);
    assert!(matches!(place.check().faults[..], [Error::ForeignJournal { .. }]));
    let repaired = Database::repair(place.path(), Repair::KeepJournal).unwrap();
    assert_eq!(repaired.entries, 1);
    let rescued = entries(&place.path());
    assert!(rescued.contains_key("latest") && !rescued.contains_key("later"));
}

#[test]
fn a_repair_waits_for_the_lock_as_long_as_it_is_told_to() {
    let place = Place::large(3);
    place.edit();
    let holder = std::fs::File::open(place.folder.path().join("kv.json.lock")).unwrap();
    holder.lock().unwrap();
    for how in [Repair::KeepJournal, Repair::DropJournal] {
        let start = std::time::Instant::now();
        let refused = Options::new().wait(Duration::from_millis(20)).repair(place.path(), how);
        assert!(matches!(refused, Err(Error::Busy { .. })), "{refused:?}");
        assert!(start.elapsed() < Duration::from_secs(3));
    }
    let flags = [["--wait", "10ms", "repair", "--keep-journal"], ["repair", "--drop-journal", "--wait", "10ms"]];
    for args in flags {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_rusty-kv"));
        command.args(args).env_clear().env("RUSTY_KV_DB", place.path()).env("HOME", place.folder.path());
        let start = std::time::Instant::now();
        assert_eq!(command.output().unwrap().status.code(), Some(5));
        assert!(start.elapsed() < Duration::from_secs(3));
    }
    holder.unlock().unwrap();
    Options::new().wait(Duration::ZERO).repair(place.path(), Repair::KeepJournal).unwrap();
}

#[test]
fn a_dropped_journal_is_renamed_and_never_deleted() {
    let corrupt = Place::large(5);
    let mut journal = lines(&corrupt.journal());
    journal[2][9] ^= 1;
    put(&corrupt.journal(), journal.concat());
    let foreign = Place::large(5);
    foreign.edit();
    for (place, count) in [(corrupt, 4), (foreign, 5)] {
        let mut before = place.files();
        let journal = before.remove(&place.journal()).unwrap();
        let repaired = Database::repair(place.path(), Repair::DropJournal).unwrap();
        let name = repaired.path.file_name().unwrap().to_str().unwrap().to_owned();
        assert!(name.starts_with("kv.json.journal.dropped-") && name.len() == 24 + 16, "{name}");
        assert_eq!(repaired.entries, count);
        let mut after = place.files();
        assert_eq!(after.remove(&repaired.path), Some(journal));
        assert_eq!(after, before);
        let report = place.check();
        assert!(report.faults.is_empty(), "{:?}", report.faults);
        assert_eq!((report.entries, report.changes), (ENTRIES as u64, 0));
        assert!(matches!(place.refuses(Repair::DropJournal), Error::NothingToRepair { .. }));
        Database::open(place.path()).unwrap().set("on", "it goes").unwrap();
    }
}

#[test]
fn a_missing_file_is_reported_and_the_journal_s_changes_can_be_rescued() {
    let place = Place::large(4);
    std::fs::remove_file(place.path()).unwrap();
    let report = place.check();
    assert!(
        matches!(&report.faults[..], [Error::Unsuitable { reason, .. }] if reason.contains("data file is missing"))
    );
    assert_eq!((report.entries, report.changes), (4, 4));
    assert!(matches!(place.refuses(Repair::KeepJournal), Error::Unsuitable { .. }));
    assert_eq!(place.salvage().0.len(), 4);
    std::fs::remove_file(place.folder.path().join("kv.repaired.json")).unwrap();
    assert_eq!(Database::repair(place.path(), Repair::DropJournal).unwrap().entries, 4);
    assert!(!place.journal().exists());
}

#[test]
fn a_corrupt_journal_is_not_kept() {
    let place = Place::large(5);
    let mut journal = lines(&place.journal());
    journal[2][9] ^= 1;
    put(&place.journal(), journal.concat());
    assert!(matches!(place.refuses(Repair::KeepJournal), Error::NothingToRepair { .. } | Error::JournalCorrupt { .. }));
    place.edit();
    assert!(matches!(place.refuses(Repair::KeepJournal), Error::JournalCorrupt { .. }));
}

#[test]
fn a_file_that_was_changed_in_place_without_a_trace_is_found_by_a_check() {
    let place = Place::large(2);
    let modified = std::fs::metadata(place.path()).unwrap().modified().unwrap();
    let mut snapshot = lines(&place.path());
    snapshot[9][20] = b'y';
    put(&place.path(), snapshot.concat());
    std::fs::File::options().write(true).open(place.path()).unwrap().set_modified(modified).unwrap();
    let report = place.check();
    // The ctime cannot be set back, so to the journal this is another file.
    assert!(matches!(report.faults[..], [Error::ForeignJournal { .. }]), "{:?}", report.faults);
}

#[test]
fn any_corruption_of_a_line_loses_only_that_line() {
    let place = Place::new();
    let mut db = Database::open(place.path()).unwrap();
    let text = |n: usize| format!("a value \\ \"{n}\" with é and {}", "x".repeat(n % 7));
    db.transaction(|tx| (0..40).try_for_each(|n| tx.set(&format!("key:{n:02}"), text(n)))).unwrap();
    drop(db);
    let whole = entries(&place.path());
    let document = lines(&place.path());
    let (mut state, mut refused) = (7_u64, 0);
    for _ in 0..2_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let line = 2 + (state >> 33) as usize % 40;
        let mut corrupt = document.clone();
        let at = (state >> 13) as usize % (corrupt[line].len() - 1);
        corrupt[line][at] = [0, 0xff, b'"', b'\\', b'{', b'}', b'[', b','][(state >> 40) as usize % 8];
        let place = Place::of(corrupt.concat());
        if place.check().faults.is_empty() {
            continue;
        }
        refused += 1;
        let (rescued, dropped) = place.salvage();
        let lost = format!("key:{:02}", line - 2);
        for (key, entry) in &whole {
            assert!(*key == lost || rescued.get(key) == Some(entry), "line {line} at {at}: {key} {dropped:?}");
        }
    }
    assert!(refused > 1_000, "{refused}");
}
