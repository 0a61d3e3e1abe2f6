//! Restoring a backup: all or nothing, and the previous database is kept, whatever state it is in.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusty_kv::{Database, Error, Options, Restored, Timestamp, Value};

use crate::common::{folder, put};

/// Large enough for a journal.
fn large(path: &Path, value: &str) -> Database {
    let mut db = Database::open(path).unwrap();
    db.extend((0..3_000).map(|n| (format!("key:{n:05}"), format!("{value} and what it takes to be long enough"))))
        .unwrap();
    db
}

fn restore(path: &Path, backup: &Path) -> rusty_kv::Result<Restored> {
    Options::new().restore(path, &mut Database::open(backup)?)
}

fn content(path: &Path) -> Vec<(String, Value)> {
    let db = Database::open_read_only(path).unwrap();
    db.iter().map(|item| item.map(|(key, entry)| (key, entry.value))).collect::<rusty_kv::Result<_>>().unwrap()
}

/// The names in a folder, except for lock files.
fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|item| item.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| !name.contains(".lock")).collect();
    names.sort();
    names
}

#[test]
fn both_journals_count() {
    let folder = folder();
    let (path, backup) = (folder.path().join("kv.json"), folder.path().join("backup.json"));
    let (mut ours, mut theirs) = (large(&path, "ours"), large(&backup, "theirs"));
    ours.set("key:00001", "ours, later").unwrap();
    theirs.set("key:00001", "theirs, later").unwrap();
    let (old, new) = (content(&path), content(&backup));
    let restored = restore(&path, &backup).unwrap();
    assert_eq!(restored.keys, 3_000);
    let kept = restored.kept.unwrap();
    assert_eq!(kept, folder.path().canonicalize().unwrap().join("kv.before-restore.json"));
    assert!(content(&path) == new && content(&kept) == old && content(&backup) == new);
    // An open session continues with it, and nothing of the old journal comes back.
    ours.refresh().unwrap();
    assert_eq!(ours.get("key:00001").unwrap(), Some("theirs, later".into()));
    ours.set("a", "1").unwrap();
    let mut after = new.clone();
    after.insert(0, ("a".to_owned(), "1".into()));
    assert!(content(&path) == after);
    // And back again.
    let again = restore(&path, &kept).unwrap();
    assert!(content(&path) == old && content(&again.kept.unwrap()) == after);
}

#[test]
fn a_database_that_cannot_be_opened_is_kept_unchanged() {
    let good = "{\"map\": {\"a\": \"1\"}}\n";
    let folder = folder();
    let (path, backup) = (folder.path().join("kv.json"), folder.path().join("backup.json"));
    let journal = folder.path().join("kv.json.journal");
    put(&backup, good);
    for (snapshot, lines) in [
        ("{\"map\": {\"a\": ", ""),
        ("", ""),
        ("{\"map\": {}, \"$rusty-kv\": 9}", ""),
        ("{\"map\": {\"x\": 1 \"y\"}}", "no journal\n"),
        (good, "no journal\n"),
    ] {
        large(&path, "x").save().unwrap();
        let _ = fs::remove_file(&journal);
        put(&path, snapshot);
        if !lines.is_empty() {
            put(&journal, lines);
        }
        assert!(Database::open(&path).is_err(), "{snapshot:?}");
        let kept = restore(&path, &backup).unwrap().kept.unwrap();
        assert_eq!(content(&path), [("a".to_owned(), "1".into())]);
        assert_eq!(fs::read_to_string(&kept).unwrap(), snapshot);
        let kept_journal = PathBuf::from(format!("{}.journal", kept.display()));
        assert_eq!(fs::read_to_string(&kept_journal).unwrap_or_default(), lines);
        assert!(!journal.exists());
        Database::open(&path).unwrap().set("b", "2").unwrap();
        for file in [kept, kept_journal] {
            let _ = fs::remove_file(file);
        }
        assert_eq!(names(folder.path()), ["backup.json", "kv.json"], "nothing else is left");
    }
}

#[test]
fn a_journal_of_another_file_and_one_without_a_file_are_kept_too() {
    let folder = folder();
    let (path, backup) = (folder.path().join("kv.json"), folder.path().join("backup.json"));
    large(&backup, "backup");
    for is_removed in [false, true] {
        large(&path, "old").set("key:00001", "in the journal").unwrap();
        if is_removed {
            fs::remove_file(&path).unwrap();
        } else {
            put(&path, "{\"map\": {\"hand\": \"made\"}}\n");
        }
        assert!(Database::open(&path).is_err());
        let kept = restore(&path, &backup).unwrap().kept.unwrap();
        assert!(content(&path) == content(&backup));
        let journal = fs::read_to_string(format!("{}.journal", kept.display())).unwrap();
        assert!(journal.contains("in the journal"));
        assert_eq!(kept.exists(), !is_removed);
    }
}

#[test]
fn restoring_to_a_new_path_keeps_nothing_and_drops_expired_entries() {
    let folder = folder();
    let (path, backup) = (folder.path().join("kv.json"), folder.path().join("backup.json"));
    put(&backup, "{\"map\": {\"a\": \"1\", \"b\": \"2\"}, \"expires\": {\"b\": \"2001-01-01T00:00:00.000Z\"}}");
    let restored = restore(&path, &backup).unwrap();
    assert!(restored.kept.is_none() && restored.keys == 1);
    assert_eq!(content(&path), [("a".to_owned(), "1".into())]);
    let expiry = Some(Timestamp::from_millis(4_102_444_800_123));
    let mut db = Database::open(&backup).unwrap();
    db.expire("a", expiry).unwrap();
    restore(&path, &backup).unwrap();
    assert_eq!(Database::open(&path).unwrap().entry("a").unwrap().unwrap().expiry, expiry);
}

#[test]
fn a_link_stays_a_link_and_the_mode_stays_the_database_s() {
    let folder = folder();
    let (path, backup) = (folder.path().join("kv.json"), folder.path().join("backup.json"));
    let real = folder.path().join("real.json");
    put(&real, "{\"map\": {\"old\": \"1\"}}");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    symlink(&real, &path).unwrap();
    put(&backup, "{\"map\": {\"new\": \"1\"}}");
    for corrupt in [false, true] {
        if corrupt {
            put(&real, "{");
        }
        let kept = restore(&path, &backup).unwrap().kept.unwrap();
        assert!(path.is_symlink() && content(&real)[0].0 == "new");
        assert_eq!(fs::metadata(&real).unwrap().mode() & 0o777, 0o640);
        assert!(kept.file_name().unwrap().to_str().unwrap().starts_with("real.before-restore"));
    }
}

#[test]
fn a_restore_waits_for_the_lock_and_a_bad_backup_changes_nothing() {
    let folder = folder();
    let (path, backup) = (folder.path().join("kv.json"), folder.path().join("backup.json"));
    large(&path, "old");
    put(&backup, "{\"map\": {\"new\": \"1\"}}");
    let before = content(&path);
    let mut busy = Database::open(&path).unwrap();
    busy.transaction(|_| {
        let mut from = Database::open(&backup).unwrap();
        let refused = Options::new().wait(Duration::ZERO).restore(&path, &mut from);
        assert!(matches!(refused, Err(Error::Busy { .. })), "{refused:?}");
        Ok(())
    })
    .unwrap();
    let read_only = Options::new().read_only(true).restore(&path, &mut Database::open(&backup).unwrap());
    assert!(matches!(read_only, Err(Error::ReadOnly { .. })));
    put(&backup, "{\"map\": {\"new\": ");
    assert!(restore(&path, &backup).is_err());
    assert!(content(&path) == before);
    let names = names(folder.path());
    assert!(!names.iter().any(|name| name.contains("before") || name.contains("tmp")), "{names:?}");
}

#[test]
fn a_byte_order_mark_alone_is_empty_and_a_file_that_never_was_a_database_is_not_sent_to_repair() {
    let folder = folder();
    let path = folder.path().join("kv.json");
    put(&path, b"\xef\xbb\xbf\n");
    assert!(Database::open_read_only(&path).unwrap().is_empty().unwrap());
    for text in ["hello", "\u{feff}hello"] {
        put(&path, text);
        let said = Database::open_read_only(&path).unwrap_err().to_string();
        assert!(!said.contains("repair"), "{text}: {said}");
    }
    put(&path, "{\"map\": {\n\"a\": 1x\n}}");
    assert!(Database::open_read_only(&path).unwrap_err().to_string().contains("`repair`"));
}
