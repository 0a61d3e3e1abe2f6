//! The file in its environment: its mode, its links, its atomic replacement, and concurrent users.

use std::collections::BTreeSet;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusty_kv::{Database, Error, Options, Result, Value};

use crate::common::nobody::{NOBODY, without_privileges};
use crate::common::untouched::Untouched;
use crate::common::{folder, put};

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("it exists").mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("it is ours");
}

fn names(folder: &Path) -> BTreeSet<String> {
    let items = std::fs::read_dir(folder).expect("the folder exists");
    items.map(|item| item.expect("it can be listed").file_name().to_string_lossy().into_owned()).collect()
}

fn assert_names(folder: &Path, wanted: &[&str]) {
    assert_eq!(names(folder), wanted.iter().map(|&name| name.to_owned()).collect());
}

/// A key's text as a number.
fn number(value: Option<Value>) -> u32 {
    value.map_or(0, |value| value.to_string().parse().expect("a number"))
}

fn increment(db: &mut Database, key: &str) -> Result<()> {
    db.transaction(|tx| {
        let next = number(tx.get(key)?) + 1;
        tx.set(key, next.to_string())
    })
}

/// Runs one test of this file, which is otherwise ignored, in a separate process.
fn run_apart(test: &str, folder: &Path, variable: (&str, &str)) {
    let mut command = Command::new(std::env::current_exe().expect("a test knows its program"));
    let test = format!("files::{test}");
    command.args(["--exact", &test, "--ignored", "--nocapture"]);
    command.env("RUSTY_KV_TEST_FOLDER", folder).env(variable.0, variable.1);
    let output = command.output().expect("the test program starts again");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{test} failed:\n{said}");
}

/// The folder given by [`run_apart`].
fn given_folder() -> PathBuf {
    std::env::var_os("RUSTY_KV_TEST_FOLDER").expect("only another test runs this one").into()
}

#[test]
fn a_new_file_and_its_lock_are_for_the_user_only_with_any_umask() {
    for umask in ["000", "022", "027", "077"] {
        let folder = folder();
        run_apart("apart::makes_a_database", folder.path(), ("RUSTY_KV_TEST_UMASK", umask));
        let path = folder.path().join("made/kv.json");
        assert_eq!(mode(&path), 0o600, "umask {umask}");
        assert_eq!(mode(&folder.path().join("made/kv.json.lock")), 0o600, "umask {umask}");
        assert_eq!(mode(&folder.path().join("made")), 0o700, "umask {umask}");
    }
}

#[test]
fn an_existing_files_mode_is_kept_and_its_lock_is_as_open() {
    for wanted in [0o600, 0o640, 0o644] {
        let folder = folder();
        let path = folder.path().join("kv.json");
        put(&path, r#"{"map":{}}"#);
        set_mode(&path, wanted);
        Database::open(&path).and_then(|mut db| db.set("a", "b")).unwrap();
        assert_eq!(mode(&path), wanted);
        assert_eq!(
            mode(&folder.path().join("kv.json.lock")),
            wanted,
            "a user who may write the one must be able to lock the other"
        );
        Database::open(&path).and_then(|mut db| db.set("a", "c")).unwrap();
        assert_eq!(mode(&path), wanted);
    }
}

#[test]
fn a_group_writable_file_has_a_group_writable_lock() {
    for wanted in [0o660, 0o664, 0o666] {
        let folder = folder();
        let path = folder.path().join("kv.json");
        put(&path, r#"{"map":{}}"#);
        set_mode(&path, wanted);
        Database::open(&path).and_then(|mut db| db.set("a", "b")).unwrap();
        assert_eq!(mode(&path), wanted);
        assert_eq!(mode(&folder.path().join("kv.json.lock")), wanted);
    }
}

#[test]
fn setuid_and_execute_bits_are_not_copied() {
    let folder = folder();
    let path = folder.path().join("kv.json");
    put(&path, r#"{"map":{}}"#);
    set_mode(&path, 0o6640);
    Database::open(&path).and_then(|mut db| db.set("a", "b")).unwrap();
    assert_eq!(mode(&path), 0o640);
}

#[test]
fn the_owner_of_an_existing_file_is_kept_and_owns_its_lock() {
    if !rustix::process::geteuid().is_root() {
        // Only root can give a file away, so there is nothing to keep for others.
        println!("SKIPPED: the_owner_of_an_existing_file_is_kept_and_owns_its_lock: only root can try it");
        return;
    }
    let folder = folder();
    let path = folder.path().join("kv.json");
    put(&path, r#"{"map":{}}"#);
    std::os::unix::fs::chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
    Database::open(&path).and_then(|mut db| db.set("a", "b")).unwrap();
    for path in [path, folder.path().join("kv.json.lock")] {
        let meta = std::fs::metadata(&path).unwrap();
        assert_eq!((meta.uid(), meta.gid()), (NOBODY, NOBODY), "{path:?}");
    }
}

#[test]
fn a_symbolic_link_is_followed_and_kept() {
    let folder = folder();
    std::fs::create_dir(folder.path().join("real")).unwrap();
    let (real, link) = (folder.path().join("real/kv.json"), folder.path().join("link.json"));
    put(&real, r#"{"map":{"a":"1"}}"#);
    symlink("real/kv.json", &link).unwrap();
    symlink("link.json", folder.path().join("second.json")).unwrap();
    let mut db = Database::open(folder.path().join("second.json")).unwrap();
    assert_eq!(db.path(), Some(&*real.canonicalize().unwrap()));
    db.set("b", "2").unwrap();
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(!std::fs::symlink_metadata(&real).unwrap().is_symlink());
    assert_eq!(Database::open(&real).unwrap().len().unwrap(), 2);
    assert_names(folder.path(), &["link.json", "real", "second.json"]);
    assert_names(&folder.path().join("real"), &["kv.json", "kv.json.lock"]);
}

#[test]
fn two_names_of_one_file_share_a_lock() {
    let folder = folder();
    let (real, link) = (folder.path().join("kv.json"), folder.path().join("link.json"));
    put(&real, r#"{"map":{}}"#);
    symlink(&real, &link).unwrap();
    let mut holder = Database::open(&real).unwrap();
    holder.begin_batch();
    holder.set("a", "b").unwrap();
    let mut other = Options::new().wait(Duration::ZERO).open(&link).unwrap();
    assert!(matches!(other.set("c", "d"), Err(Error::Busy { .. })));
}

#[test]
fn a_dangling_link_is_refused_and_its_target_is_not_created() {
    let folder = folder();
    let link = folder.path().join("link.json");
    symlink("nowhere.json", &link).unwrap();
    let error = Database::open(&link).unwrap_err();
    assert!(error.to_string().contains("a symbolic link to nothing; create its target or remove the link"), "{error}");
    assert_names(folder.path(), &["link.json"]);
}

#[test]
fn a_link_in_the_place_of_the_lock_file_is_not_followed() {
    let folder = folder();
    let (path, precious) = (folder.path().join("kv.json"), folder.path().join("precious"));
    put(&path, r#"{"map":{}}"#);
    put(&precious, "mine");
    for target in ["precious", "nowhere"] {
        symlink(target, folder.path().join("kv.json.lock")).unwrap();
        let before = Untouched::of(&path);
        Database::open(&path).and_then(|mut db| db.set("a", "b")).unwrap_err();
        assert_eq!(Untouched::of(&path), before);
        assert_eq!(std::fs::read(&precious).unwrap(), b"mine");
        assert!(!folder.path().join("nowhere").exists());
        std::fs::remove_file(folder.path().join("kv.json.lock")).unwrap();
    }
}

#[test]
fn a_split_from_hard_links_is_noticed_once() {
    let folder = folder();
    let (path, other) = (folder.path().join("kv.json"), folder.path().join("other.json"));
    put(&path, r#"{"map":{"a":"1"}}"#);
    std::fs::hard_link(&path, &other).unwrap();
    let before = std::fs::read(&other).unwrap();
    let mut db = Database::open(&path).unwrap();
    assert!(db.take_notices().is_empty(), "reading splits nothing");
    db.set("a", "2").unwrap();
    let notices = db.take_notices();
    assert!(
        notices.len() == 1 && notices[0].contains("had other hard links, which keep the old content"),
        "{notices:?}"
    );
    db.set("a", "3").unwrap();
    assert!(db.take_notices().is_empty());
    assert_eq!(std::fs::read(&other).unwrap(), before);
}

#[test]
fn only_the_lock_remains_next_to_the_file() {
    let folder = folder();
    let path = folder.path().join("kv.json");
    let lock = folder.path().join("kv.json.lock");
    let mut db = Database::open(&path).unwrap();
    assert_names(folder.path(), &[]);
    db.set("a", "1").unwrap();
    assert_names(folder.path(), &["kv.json", "kv.json.lock"]);
    let inode = std::fs::metadata(&lock).unwrap().ino();
    db.save().unwrap();
    db.delete("a").unwrap();
    drop(db);
    Database::open(&path).and_then(|mut db| db.set("b", "2")).unwrap();
    assert_eq!(std::fs::metadata(&lock).unwrap().ino(), inode);
    Database::open(&path).and_then(|mut db| db.remove_file()).unwrap();
    assert_names(folder.path(), &["kv.json.lock"]);
    assert_eq!(std::fs::metadata(&lock).unwrap().ino(), inode);
}

#[test]
fn reading_creates_no_files() {
    let (folder, path, mut db) = opened();
    assert_eq!(db.get("a").unwrap(), None);
    assert!(!db.refresh().unwrap() && !db.is_on_disk());
    assert_names(folder.path(), &[]);
    put(&path, r#"{"map":{"a":"b"}}"#);
    Database::open_read_only(&path).and_then(|db| db.get("a")).unwrap();
    assert_names(folder.path(), &["kv.json"]);
}

#[test]
fn a_database_opened_read_only_refuses_every_change() {
    let folder = folder();
    let path = folder.path().join("kv.json");
    put(&path, r#"{"map":{"a":"b"}}"#);
    let before = Untouched::of(&path);
    let mut db = Database::open_read_only(&path).unwrap();
    for result in [
        db.set("a", "c"),
        db.delete("a").map(drop),
        db.expire("a", None).map(drop),
        db.transaction(|tx| tx.set("a", "c")),
        db.save(),
        db.remove_file(),
    ] {
        let error = result.unwrap_err();
        assert_eq!(error.to_string(), format!("the database is read-only: {path:?}"));
    }
    assert_eq!(db.get("a").unwrap(), Some("b".into()));
    assert_eq!(Untouched::of(&path), before);
    assert_names(folder.path(), &["kv.json"]);
}

/// A new database in a temporary folder, which is removed with the first of the three.
fn opened() -> (tempfile::TempDir, PathBuf, Database) {
    let folder = folder();
    let path = folder.path().join("kv.json");
    let db = Database::open(&path).expect("a new database opens");
    (folder, path, db)
}

#[test]
fn a_write_without_permission_fails_and_leaves_nothing() {
    // A read-only folder, a read-only file, and a folder with an existing lock file.
    for (place, folder_mode, file_mode, locked) in
        [("folder", 0o500, 0o600, false), ("file", 0o700, 0o400, false), ("folder with a lock", 0o500, 0o600, true)]
    {
        let folder = folder();
        let path = folder.path().join("kv.json");
        put(&path, "{\"map\":{\"a\":\"b\"}}\n");
        let lock = folder.path().join("kv.json.lock");
        if locked {
            put(&lock, "");
        }
        for path in [folder.path(), &path, &lock] {
            if rustix::process::geteuid().is_root() && path.exists() {
                std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        set_mode(&path, file_mode);
        set_mode(folder.path(), folder_mode);
        let before = Untouched::of(&path);
        without_privileges("a_write_without_permission_fails_and_leaves_nothing", || {
            let mut db = Database::open(&path).unwrap();
            for result in [db.set("c", "d"), db.delete("a").map(drop), db.save(), db.transaction(|tx| tx.set("a", "x"))]
            {
                let error = result.unwrap_err();
                assert!(matches!(error, Error::ReadOnly { .. }), "{place}: {error}");
                assert!(error.to_string().ends_with("(Permission denied)"), "{place}: {error}");
            }
            db.begin_batch();
            let failed = db.set("c", "d").and_then(|()| db.commit_batch());
            assert!(matches!(failed, Err(Error::ReadOnly { .. })), "{place}: {failed:?}");
            assert_eq!(db.get("a").unwrap(), Some("b".into()), "{place}");
            assert!(!db.contains("c").unwrap(), "{place}: what was not stored is not in memory either");
            let removed = db.remove_file();
            assert!(matches!(removed, Err(Error::ReadOnly { .. })), "{place}: {removed:?}");
            assert!(db.contains("a").unwrap(), "{place}: what was not removed is still there");
        });
        assert_eq!(Untouched::of(&path), before, "{place}");
        let lock = names(folder.path()).into_iter().filter(|name| name != "kv.json").collect::<Vec<_>>();
        assert!(lock.is_empty() || lock == ["kv.json.lock"], "{place}: {lock:?}");
        set_mode(folder.path(), 0o700);
    }
}

/// Tests that only [`run_apart`] runs.
mod apart {
    use super::{Options, given_folder};

    #[test]
    #[ignore = "run by a_new_file_and_its_lock_are_for_the_user_only_with_any_umask"]
    fn makes_a_database() {
        let umask = std::env::var("RUSTY_KV_TEST_UMASK").unwrap();
        let umask = rustix::fs::RawMode::from_str_radix(&umask, 8).unwrap();
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(umask));
        let path = given_folder().join("made/kv.json");
        let mut db = Options::new().make_folder(true).open(path).unwrap();
        db.set("a", "b").unwrap();
        db.set("a", "c").unwrap();
    }
}

#[test]
fn after_a_failed_write_nothing_is_stored_and_no_files_are_left() {
    let (folder, path, mut db) = opened();
    db.set("a", "b").unwrap();
    let result = db.transaction(|tx| {
        tx.set("c", "d")?;
        // Another program puts a folder in the place of the file: the replacement must fail at its very end.
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        Ok(())
    });
    assert!(result.is_err());
    assert_names(folder.path(), &["kv.json", "kv.json.lock"]);
    assert!(!db.contains("c").unwrap());
    std::fs::remove_dir(&path).unwrap();
    db.set("e", "f").unwrap();
    assert_eq!(Database::open(&path).unwrap().len().unwrap(), 1);
}

#[test]
fn a_failed_transaction_leaves_the_file_alone() {
    let folder = folder();
    let path = folder.path().join("kv.json");
    let fails = |db: &mut Database| {
        let failed = db.transaction(|tx| {
            tx.set("a", "2")?;
            tx.delete("b")?;
            Value::from_json("not JSON").map(drop)
        });
        assert!(matches!(failed, Err(Error::NotJson { .. })), "{failed:?}");
    };
    let mut db = Database::open(&path).unwrap();
    fails(&mut db);
    assert!(!path.exists(), "a transaction that failed made the file");

    db.set("a", "1").unwrap();
    db.set("b", "1").unwrap();
    let before = Untouched::of(&path);
    fails(&mut db);
    assert_eq!(Untouched::of(&path), before);
    assert_eq!(db.get("a").unwrap(), Some("1".into()));
    assert_eq!(db.get("b").unwrap(), Some("1".into()));
}

#[test]
fn a_failed_transaction_in_a_batch_undoes_only_its_own_changes() {
    let (_folder, path, mut db) = opened();
    db.begin_batch();
    db.set("a", "1").unwrap();
    let failed = db.transaction(|tx| {
        tx.set("a", "2")?;
        tx.set("b", "2")?;
        Value::from_json("not JSON").map(drop)
    });
    assert!(failed.is_err());
    db.commit_batch().unwrap();
    let db = Database::open(&path).unwrap();
    assert_eq!(db.get("a").unwrap(), Some("1".into()));
    assert_eq!(db.len().unwrap(), 1);
}

#[test]
fn a_transaction_that_panics_leaves_nothing() {
    let (_folder, path, mut db) = opened();
    db.set("a", "1").unwrap();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        db.transaction(|tx| {
            tx.set("a", "2")?;
            std::panic::resume_unwind(Box::new("on purpose"));
            #[expect(unreachable_code, reason = "it gives the closure its type")]
            Ok(())
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(db.get("a").unwrap(), Some("1".into()), "a half-done transaction is in memory");
    Options::new().wait(Duration::ZERO).open(&path).and_then(|mut db| db.set("b", "1")).expect("the lock is free");
    db.set("c", "1").unwrap();
    assert_eq!(Database::open(&path).unwrap().get("a").unwrap(), Some("1".into()));
}

#[test]
fn readers_see_a_whole_document_while_it_is_replaced_200_times() {
    let folder = folder();
    let path = folder.path().join("kv.json");
    let filler = "x".repeat(64 << 10);
    let write = |db: &mut Database, round: usize| {
        db.transaction(|tx| {
            tx.set("first", round.to_string())?;
            tx.set("middle", filler.as_str())?;
            tx.set("zlast", round.to_string())
        })
    };
    let mut db = Database::open(&path).unwrap();
    write(&mut db, 0).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut looks, mut different) = (0, BTreeSet::new());
            while !done.load(Ordering::Relaxed) || looks == 0 {
                let text = std::fs::read_to_string(&path).expect("it is always there");
                let document: serde_json::Value = serde_json::from_str(&text).expect("it is always whole");
                assert_eq!(document["map"]["first"], document["map"]["zlast"], "never a mix");
                let ours = Database::open(&path).expect("it always opens");
                assert_eq!(ours.get("first").expect("it can be read"), ours.get("zlast").expect("it can be read"));
                different.insert(document["map"]["first"].to_string());
                looks += 1;
            }
            (looks, different.len())
        });
        let writer = scope.spawn(|| {
            for round in 1..=200 {
                // The reader must be told to stop in any case.
                if let Err(error) = write(&mut db, round) {
                    done.store(true, Ordering::Relaxed);
                    panic!("{error}");
                }
            }
            done.store(true, Ordering::Relaxed);
        });
        writer.join().expect("every write is accepted");
        let (looks, different) = reader.join().expect("every look is answered");
        println!("{looks} looks saw {different} states");
    });
    assert_eq!(number(Database::open(&path).unwrap().get("first").unwrap()), 200);
}

#[test]
fn a_timed_out_wait_names_the_holder_of_the_lock() {
    let folder = folder();
    let path = folder.path().join("kv.json");
    let mut holder = Database::open(&path).unwrap();
    holder.begin_batch();
    holder.set("a", "1").unwrap();
    for wait in [Duration::ZERO, Duration::from_millis(30)] {
        let mut other = Options::new().wait(wait).open(&path).unwrap();
        let start = std::time::Instant::now();
        let error = other.set("b", "2").unwrap_err();
        assert!(start.elapsed() >= wait, "it waited too short");
        let message = error.to_string();
        let Error::Busy { holder, waited, path: lock } = error else { panic!("{message}") };
        assert!(holder.starts_with(&format!("pid {} (", std::process::id())), "{holder}");
        assert!(holder.contains(") since 20") && !holder.contains('\n'), "{holder}");
        assert_eq!((waited, lock.file_name().unwrap()), (wait, "kv.json.lock".as_ref()));
        assert!(message.contains(&holder), "{message}");
        assert_eq!(other.len().unwrap(), 0, "reading does not wait");
    }
    holder.commit_batch().unwrap();
    Options::new().wait(Duration::ZERO).open(&path).and_then(|mut db| db.set("b", "2")).unwrap();
}

#[test]
fn the_lock_is_free_after_any_end_of_its_holder() {
    let folder = folder();
    let path = folder.path().join("kv.json");
    let is_free = || Options::new().wait(Duration::ZERO).open(&path).and_then(|mut db| db.set("free", "yes"));
    let mut db = Database::open(&path).unwrap();
    db.set("a", "b").unwrap();
    is_free().unwrap();
    db.delete("nothing").unwrap();
    is_free().unwrap();
    db.transaction(|_| Value::from_json("not JSON").map(drop)).unwrap_err();
    is_free().unwrap();
    db.save().unwrap();
    is_free().unwrap();
    db.begin_batch();
    db.set("a", "c").unwrap();
    is_free().unwrap_err();
    drop(db);
    is_free().unwrap();
    assert_eq!(Database::open(&path).unwrap().get("a").unwrap(), Some("b".into()), "a dropped batch was not stored");
    Database::open(&path).and_then(|mut db| db.remove_file()).unwrap();
    is_free().unwrap();
}

#[test]
fn no_increment_of_four_writers_is_lost() {
    const WRITERS: usize = 4;
    const TIMES: usize = 50;
    let folder = folder();
    let path = folder.path().join("kv.json");
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let path = &path;
            scope.spawn(move || {
                let mut db = Options::new().wait(Duration::from_mins(2)).open(path).expect("it opens");
                for _ in 0..TIMES {
                    increment(&mut db, "shared").expect("the lock is had in time");
                    increment(&mut db, &format!("own:{writer}")).expect("the lock is had in time");
                }
            });
        }
    });
    let db = Database::open(&path).unwrap();
    assert_eq!(number(db.get("shared").unwrap()), u32::try_from(WRITERS * TIMES).unwrap());
    for item in db.prefix("own:") {
        assert_eq!(number(Some(item.unwrap().1.value)), u32::try_from(TIMES).unwrap());
    }
    assert_eq!(db.len().unwrap(), WRITERS as u64 + 1);
}

#[test]
fn an_edit_by_a_program_that_takes_no_lock_is_a_conflict_and_survives() {
    let edit = "{\"map\":{\"edited\":\"by hand\"}}\n";
    let (folder, path, mut db) = opened();
    db.set("a", "1").unwrap();
    let edits: [&dyn Fn(); 3] = [
        &|| put(&path, edit),
        &|| {
            // Like careful editors.
            put(&folder.path().join("new"), edit);
            #[expect(clippy::disallowed_methods, reason = "this plays another program")]
            std::fs::rename(folder.path().join("new"), &path).unwrap();
        },
        &|| {
            std::fs::remove_file(&path).unwrap();
            put(&path, edit);
        },
    ];
    for change in edits {
        let result = db.transaction(|tx| {
            change();
            tx.set("a", "2")
        });
        assert!(matches!(result, Err(Error::Conflict { .. })), "{result:?}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), edit);
        assert_eq!(db.get("edited").unwrap(), Some("by hand".into()), "the session continues with the edit");
        assert_eq!(db.get("a").unwrap(), None);
        assert_names(folder.path(), &["kv.json", "kv.json.lock"]);
        db.set("a", "1").unwrap();
        assert_eq!(Database::open(&path).unwrap().len().unwrap(), 2);
    }
}

#[test]
fn an_edit_in_place_under_an_open_transaction_or_a_listing_is_a_conflict_and_survives() {
    let folder = folder();
    let path = folder.path().join("kv.json");
    let mut db = Database::open(&path).unwrap();
    db.extend((0..9_000).map(|n| (format!("key:{n:04}"), Value::from("1 of some length")))).unwrap();
    db.save().unwrap();
    let edit = |from: &str, to: &str| {
        // No clock tells what happens within one of its ticks.
        std::thread::sleep(Duration::from_millis(20));
        put(&path, std::fs::read_to_string(&path).unwrap().replace(from, to));
    };
    let conflict = |read: Result<()>| assert!(matches!(read, Err(Error::Conflict { .. })), "{read:?}");

    db.begin().unwrap();
    assert_eq!(db.get("key:0007").unwrap(), Some("1 of some length".into()));
    edit("\"key:0007\": \"1", "\"key:0007\": \"2");
    conflict(db.get("key:8000").map(|_| ()));
    db.set("key:0007", "from 1").unwrap();
    conflict(db.commit().map(|_| ()));
    assert_eq!(db.get("key:0007").unwrap(), Some("2 of some length".into()));

    let mut listed = db.iter();
    listed.next().unwrap().unwrap();
    edit("\"key:8999\": \"1", "\"key:8999\": \"2");
    conflict(listed.try_for_each(|entry| entry.map(|_| ())));
    db.refresh().unwrap();
    assert_eq!(db.iter().filter(|entry| entry.as_ref().unwrap().1.value == "2 of some length".into()).count(), 2);
}

#[test]
fn a_file_created_or_removed_by_another_program_during_a_write_is_a_conflict() {
    let (_folder, path, mut db) = opened();
    let made = db.transaction(|tx| {
        put(&path, r#"{"map":{"theirs":"1"}}"#);
        tx.set("a", "1")
    });
    assert!(matches!(made, Err(Error::Conflict { .. })), "{made:?}");
    assert_eq!(db.get("theirs").unwrap(), Some("1".into()));
    let removed = db.transaction(|tx| {
        std::fs::remove_file(&path).unwrap();
        tx.set("a", "1")
    });
    assert!(removed.is_err());
    assert!(!path.exists() && db.is_empty().unwrap());
}

#[test]
fn a_refresh_loads_the_changes_of_writers_and_editors() {
    let folder = folder();
    let path = folder.path().join("kv.json");
    let mut ours = Database::open(&path).unwrap();
    assert!(!ours.refresh().unwrap());
    let mut theirs = Database::open(&path).unwrap();
    theirs.set("a", "1").unwrap();
    assert_eq!(ours.get("a").unwrap(), None, "reads answer from memory");
    assert!(ours.refresh().unwrap());
    assert_eq!(ours.get("a").unwrap(), Some("1".into()));
    assert!(!ours.refresh().unwrap());
    theirs.delete("a").unwrap();
    theirs.set("b", "2").unwrap();
    ours.set("c", "3").unwrap();
    assert_eq!(ours.get("a").unwrap(), None, "a write takes it in by itself");
    assert_eq!(ours.len().unwrap(), 2);
    put(&path, r#"{"map":{"d":4},"expires":{}}"#);
    assert!(ours.refresh().unwrap());
    assert_eq!(ours.get("d").unwrap(), Some(Value::from_json("4").unwrap()));
    assert_eq!((ours.len().unwrap(), ours.file_len()), (1, 28));
}

#[test]
fn the_removal_of_the_file_is_noticed_once() {
    let (_folder, path, mut db) = opened();
    db.set("a", "1").unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(db.refresh().unwrap());
    let notices = db.take_notices();
    assert!(
        notices.len() == 1 && notices[0].contains("was removed; this session continues with an empty"),
        "{notices:?}"
    );
    assert!(!db.refresh().unwrap() && db.take_notices().is_empty());
    assert!(db.is_empty().unwrap() && !db.is_on_disk());
    db.set("b", "2").unwrap();
    assert_eq!(Database::open(&path).unwrap().len().unwrap(), 1, "what was removed does not come back");
}

#[test]
fn a_removed_database_is_empty_and_can_be_filled_again() {
    let (_folder, path, mut db) = opened();
    db.remove_file().unwrap();
    db.set("a", "1").unwrap();
    db.remove_file().unwrap();
    assert!(!path.exists() && db.is_empty().unwrap() && !db.is_on_disk());
    assert!(db.take_notices().is_empty(), "the one who removed it knows");
    db.set("b", "2").unwrap();
    assert_eq!(Database::open(&path).unwrap().len().unwrap(), 1);
}

#[test]
fn a_child_process_being_started_does_not_keep_the_lock() {
    let (_folder, path, mut db) = opened();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        // A child shares all open files with this process until it executes its program.
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                assert!(std::process::Command::new("true").status().unwrap().success());
            }
        });
        let mut other = Options::new().wait(Duration::ZERO).open(&path).unwrap();
        let results: Vec<_> = (0..1_000).map(|_| db.set("a", "1").and_then(|()| other.set("a", "2"))).collect();
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        results.into_iter().collect::<Result<(), _>>().unwrap();
    });
}

#[test]
fn a_lock_file_with_another_hard_link_is_not_written_to() {
    let folder = folder();
    let path = folder.path().join("kv.json");
    let other = folder.path().join("other");
    put(&other, "precious");
    std::fs::hard_link(&other, folder.path().join("kv.json.lock")).unwrap();
    let refused = Database::open(&path).unwrap().set("a", "1");
    assert!(matches!(refused, Err(Error::Unsuitable { .. })), "{refused:?}");
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "precious");
}

#[test]
fn a_removed_database_in_memory_is_empty() {
    let mut db = Database::in_memory();
    db.set("a", "1").unwrap();
    db.remove_file().unwrap();
    assert!(db.is_empty().unwrap());
}

#[test]
fn a_removal_in_a_batch_discards_the_batch_s_changes() {
    let (_folder, path, mut db) = opened();
    db.set("a", "1").unwrap();
    db.begin_batch();
    db.set("b", "2").unwrap();
    db.remove_file().unwrap();
    db.commit_batch().unwrap();
    assert!(!path.exists() && db.is_empty().unwrap());
}

#[test]
fn a_batch_is_on_disk_completely_or_not_at_all() {
    let (_folder, path, mut db) = opened();
    db.set("before", "1").unwrap();
    let before = Untouched::of(&path);
    db.begin_batch();
    for key in ["a", "b", "c"] {
        db.set(key, "1").unwrap();
    }
    assert!(db.delete("before").unwrap());
    assert_eq!(db.len().unwrap(), 3, "it reads its own changes");
    assert_eq!(Untouched::of(&path), before, "nothing is on disk yet");
    assert_eq!(Database::open(&path).unwrap().len().unwrap(), 1);
    db.commit_batch().unwrap();
    assert_eq!(Database::open(&path).unwrap().len().unwrap(), 3);
    db.commit_batch().unwrap();
    db.set("d", "1").unwrap();
    assert_eq!(Database::open(&path).unwrap().len().unwrap(), 4, "after a batch each change is durable by itself");
}

#[test]
fn a_batch_that_could_not_be_stored_is_discarded_from_memory() {
    let (_folder, path, mut db) = opened();
    db.set("before", "1").unwrap();
    db.begin_batch();
    db.set("a", "1").unwrap();
    db.delete("before").unwrap();
    put(&path, r#"{"map":{"before":"edited"}}"#);
    let result = db.commit_batch();
    assert!(matches!(result, Err(Error::Conflict { .. })), "{result:?}");
    assert_eq!(db.get("a").unwrap(), None);
    assert_eq!(db.get("before").unwrap(), Some("edited".into()));
    db.set("after", "1").unwrap();
    assert_eq!(Database::open(&path).unwrap().len().unwrap(), 2);
}

#[test]
fn a_copy_over_an_existing_file_keeps_that_files_mode() {
    let folder = folder();
    let copy = folder.path().join("copy.json");
    let mut db = Database::in_memory();
    db.set("a", "1").unwrap();
    db.save_to(&copy).unwrap();
    assert_eq!(mode(&copy), 0o600);
    assert_names(folder.path(), &["copy.json"]);
    set_mode(&copy, 0o644);
    db.save_to(&copy).unwrap();
    assert_eq!(mode(&copy), 0o644);
    // No process works on a backup, and the files do not look as if one did.
    assert_names(folder.path(), &["copy.json"]);
    // A database that other processes may be writing to is replaced with its lock held.
    Database::open(&copy).and_then(|mut copy| copy.set("b", "2")).unwrap();
    db.save_to(&copy).unwrap();
    assert_names(folder.path(), &["copy.json", "copy.json.lock"]);
    assert_eq!(Database::open(&copy).and_then(|copy| copy.len()).unwrap(), 1);
}
