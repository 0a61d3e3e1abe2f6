//! T15: who may read and write the files of a database, and what is never followed: modes, owners, attributes and
//! planted links, for the snapshot, its journal, its lock and its temporary files.

use std::collections::BTreeSet;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::fs::{XattrFlags, getxattr, setxattr};
use rusty_kv::{Database, Error};

use crate::common::large::filler;
use crate::common::nobody::{NOBODY, without_privileges};
use crate::common::note::{Note, leave};
use crate::common::untouched::Untouched;
use crate::common::{folder, put};

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path).unwrap_or_else(|error| panic!("{path:?}: {error}")).mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("it is ours");
}

fn side_file(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn names(folder: &Path) -> BTreeSet<String> {
    let items = std::fs::read_dir(folder).expect("the folder exists");
    items.map(|item| item.expect("it can be listed").file_name().to_string_lossy().into_owned()).collect()
}

/// Reports that a case could not be tested; fails if every case must be.
fn skip(what: &str) {
    println!("SKIPPED: {what}");
    assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "SKIPPED: {what}");
}

/// Runs the program on a database under a umask.
fn run(umask: &str, database: &Path, args: &[&str]) -> Output {
    let mut command = Command::new("sh");
    command.args(["-c", "umask \"$0\"; exec \"$@\"", umask, env!("CARGO_BIN_EXE_rusty-kv")]).args(args);
    command.env_clear().env("RUSTY_KV_DB", database).env("HOME", "/nonexistent").stdin(Stdio::null());
    command.output().expect("the program starts")
}

fn run_well(umask: &str, database: &Path, args: &[&str]) {
    let output = run(umask, database, args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A document of a size with or without a journal.
fn document(large: bool) -> String {
    let value = if large { "x".repeat(70_000) } else { "x".to_owned() };
    format!("{{\n  \"map\": {{\n    \"key\": \"{value}\"\n  }}\n}}\n")
}

/// The origin of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Replaced,
    Symlink,
    HardLink,
    /// Another user's file; only root can write to it.
    OtherOwner,
}

/// Checks that all files of the database have exactly this mode.
fn assert_modes(path: &Path, wanted: u32, large: bool, what: &str) {
    assert_eq!(mode(path), wanted, "{what}: the snapshot");
    assert_eq!(mode(&side_file(path, ".lock")), wanted | 0o600, "{what}: the lock");
    let journal = side_file(path, ".journal");
    assert_eq!(journal.exists(), large, "{what}");
    if large {
        assert_eq!(mode(&journal), wanted, "{what}: the journal");
    }
    let folder = path.parent().expect("it is in one");
    let temporary: Vec<_> = names(folder).into_iter().filter(|name| name.contains(".tmp-")).collect();
    assert!(temporary.is_empty(), "{what}: {temporary:?}");
}

/// Checks the modes after each step that writes one of the files.
fn assert_kept(umask: &str, given: &Path, path: &Path, wanted: u32, large: bool, what: &str) {
    run_well(umask, given, &["set", "a", "1"]);
    assert_modes(path, wanted, large, what);
    run_well(umask, given, &["set", "a", "2"]);
    assert_modes(path, wanted, large, what);
    run_well(umask, given, &["save"]);
    assert_modes(path, wanted, large, what);
    let output = run(umask, given, &["get", "a"]);
    assert_eq!(output.stdout, b"2\n", "{what}");
}

#[test]
fn the_owner_s_next_write_gives_the_lock_the_database_s_new_mode() {
    for large in [false, true] {
        let folder = folder();
        let path = folder.path().join("kv.json");
        put(&path, document(large));
        set_mode(&path, 0o600);
        run_well("077", &path, &["set", "a", "1"]);
        for wanted in [0o664, 0o666, 0o640, 0o600] {
            set_mode(&path, wanted);
            if large {
                // A side file that others can write to, but not the database, is refused, so the owner must fix it.
                set_mode(&side_file(&path, ".journal"), wanted);
            }
            run_well("077", &path, &["set", "a", &wanted.to_string()]);
            assert_modes(&path, wanted, large, &format!("{wanted:o}, large {large}"));
        }
    }
}

#[test]
fn every_file_is_as_open_as_the_database_with_any_umask() {
    let mut cases = 0;
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        skip("only root can test a file of another user");
    }
    let places = [Place::Replaced, Place::Symlink, Place::HardLink, Place::OtherOwner];
    for umask in ["000", "022", "027", "077"] {
        for large in [false, true] {
            let folder = folder();
            let path = folder.path().join("kv.json");
            let what = format!("umask {umask}, new, large {large}");
            let value = if large { filler().1.to_string() } else { "x".to_owned() };
            let file = folder.path().join("value");
            put(&file, value);
            run_well(umask, &path, &["set", "key", "--file", file.to_str().expect("it is text")]);
            assert_modes(&path, 0o600, large, &what);
            assert_kept(umask, &path, &path, 0o600, large, &what);
            cases += 1;
            for (wanted, place) in
                [0o600, 0o640, 0o644, 0o666].into_iter().flat_map(|mode| places.map(|place| (mode, place)))
            {
                if place == Place::OtherOwner && !is_root {
                    continue;
                }
                let what = format!("umask {umask}, mode {wanted:o}, {place:?}, large {large}");
                let folder = crate::common::folder();
                let path = folder.path().join("kv.json");
                put(&path, document(large));
                set_mode(&path, wanted);
                let mut given = path.clone();
                match place {
                    Place::Replaced => {}
                    Place::Symlink => {
                        given = folder.path().join("link.json");
                        symlink("kv.json", &given).expect("a link can be made");
                    }
                    Place::HardLink => std::fs::hard_link(&path, folder.path().join("other.json")).expect("likewise"),
                    Place::OtherOwner => chown(&path, Some(NOBODY), Some(NOBODY)).expect("root may"),
                }
                assert_kept(umask, &given, &path, wanted, large, &what);
                match place {
                    Place::Replaced => {}
                    Place::Symlink => {
                        assert!(std::fs::symlink_metadata(&given).expect("it exists").is_symlink(), "{what}");
                        assert!(
                            !side_file(&given, ".lock").exists() && !side_file(&given, ".journal").exists(),
                            "{what}"
                        );
                    }
                    Place::HardLink => {
                        let other = std::fs::read_to_string(folder.path().join("other.json")).expect("it exists");
                        assert!(other == document(large), "{what}: it keeps the old content");
                    }
                    Place::OtherOwner => {
                        for suffix in ["", ".lock", ".journal"].iter().take(2 + usize::from(large)) {
                            let meta = std::fs::metadata(side_file(&path, suffix)).expect("it exists");
                            assert_eq!((meta.uid(), meta.gid()), (NOBODY, NOBODY), "{what}: {suffix}");
                        }
                    }
                }
                cases += 1;
            }
        }
    }
    println!("{cases} cases");
    assert!(cases >= 100);
}

#[test]
fn a_temporary_file_is_never_more_open_than_the_database() {
    let folder = folder();
    let path = folder.path().join("kv.json");
    let (key, _) = filler();
    Database::open(&path).and_then(|mut db| db.set(key, "x".repeat(2 << 20))).expect("a new database can be written");
    set_mode(&path, 0o640);
    let (done, looks) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                for item in std::fs::read_dir(folder.path()).expect("it exists").flatten() {
                    let Ok(meta) = item.metadata() else { continue };
                    let mode = meta.mode() & 0o7777;
                    // The old snapshot, displaced, has such a name for a moment, too.
                    assert!(mode & !0o640 == 0, "{:?} has mode {mode:o}", item.file_name());
                    looks.fetch_add(
                        usize::from(item.file_name().to_string_lossy().contains(".tmp-")),
                        Ordering::Relaxed,
                    );
                }
            }
        });
        let mut db = Database::open(&path).expect("it opens");
        let saved = (0..60).try_for_each(|round| db.set("round", round.to_string()).and_then(|()| db.save()));
        done.store(true, Ordering::Relaxed);
        saved.expect("it can be saved");
    });
    println!("{looks:?} looks at temporary files");
    assert!(looks.into_inner() > 0);
}

#[test]
fn what_a_crash_left_is_set_aside_for_the_user_only() {
    let folder = folder();
    let path = folder.path().join("kv.json");
    put(&path, document(true));
    set_mode(&path, 0o644);
    run_well("000", &path, &["set", "a", "1"]);
    tear(&path);
    run_well("000", &path, &["set", "b", "1"]);
    assert_eq!(mode(&side_file(&path, ".journal.torn")), 0o600);
    assert_modes(&path, 0o644, true, "after it");
}

/// Writes half a line at the end of the journal.
fn tear(path: &Path) {
    let journal = side_file(path, ".journal");
    let bytes = std::fs::read(&journal).expect("it exists");
    put(&journal, [&bytes[..], b"{\"n\":2,\"key\":\"hal"].concat());
    leave(path, Note::Unfinished);
}

/// A folder on a file system that supports this attribute, if there is one.
fn folder_with(name: &str, value: &[u8]) -> Option<tempfile::TempDir> {
    let candidates = [folder(), tempfile::tempdir().expect("a temporary folder can be made")];
    candidates.into_iter().find(|folder| {
        let probe = folder.path().join("probe");
        put(&probe, "");
        setxattr(&probe, name, value, XattrFlags::empty()).is_ok() && std::fs::remove_file(&probe).is_ok()
    })
}

fn attribute(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut value = vec![0; 1 << 10];
    let len = getxattr(path, name, &mut value[..]).ok()?;
    value.truncate(len);
    Some(value)
}

#[test]
fn extended_attributes_survive_a_save_and_are_on_the_journal_too() {
    let Some(folder) = folder_with("user.color", b"green") else {
        return skip("no file system here has extended attributes");
    };
    for large in [false, true] {
        let path = folder.path().join(format!("{large}.json"));
        put(&path, document(large));
        setxattr(&path, "user.color", b"green", XattrFlags::empty()).expect("it could before");
        for args in [&["set", "a", "1"][..], &["set", "a", "2"], &["save"]] {
            run_well("022", &path, args);
            assert_eq!(attribute(&path, "user.color").as_deref(), Some(&b"green"[..]), "{large} {args:?}");
            if large {
                assert_eq!(attribute(&side_file(&path, ".journal"), "user.color").as_deref(), Some(&b"green"[..]));
            }
        }
    }
}

/// The attribute in which the kernel keeps an access control list.
const ACL: &str = "system.posix_acl_access";

/// An access control list: the owner and one more user may do everything, group and others nothing. The mode is 0660.
fn list() -> Vec<u8> {
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    for (tag, rights, id) in
        [(1_u16, 6_u16, u32::MAX), (2, 6, 65_533), (4, 0, u32::MAX), (16, 6, u32::MAX), (32, 0, u32::MAX)]
    {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(rights.to_le_bytes());
        bytes.extend(id.to_le_bytes());
    }
    bytes
}

#[test]
fn an_access_control_list_survives_a_save_and_is_on_the_journal_too() {
    let Some(folder) = folder_with(ACL, &list()) else {
        return skip("no file system here has access control lists");
    };
    for large in [false, true] {
        let path = folder.path().join(format!("{large}.json"));
        put(&path, document(large));
        setxattr(&path, ACL, &list(), XattrFlags::empty()).expect("it could before");
        for args in [&["set", "a", "1"][..], &["set", "a", "2"], &["save"]] {
            run_well("022", &path, args);
            assert_eq!(attribute(&path, ACL), Some(list()), "{large} {args:?}");
            if large {
                assert_eq!(attribute(&side_file(&path, ".journal"), ACL), Some(list()));
            }
        }
    }
}

/// What is planted in the place of a side file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Planted {
    /// A symbolic link to another file.
    Link,
    /// A symbolic link to a missing file.
    Dangling,
    Fifo,
    Folder,
    Socket,
}

#[test]
fn a_planted_side_file_is_never_followed_nor_waited_for() {
    let mut cases = 0;
    for suffix in [".journal", ".lock", ".journal.torn", ".tmp-0123456789abcdef"] {
        for planted in [Planted::Link, Planted::Dangling, Planted::Fifo, Planted::Folder, Planted::Socket] {
            for large in [false, true] {
                let what = format!("{planted:?} at {suffix}, large {large}");
                let folder = folder();
                let path = folder.path().join("kv.json");
                let (precious, nowhere) = (folder.path().join("precious"), folder.path().join("nowhere"));
                put(&path, document(large));
                put(&precious, "mine");
                let before = (Untouched::of(&precious), Untouched::of(&path));
                if suffix == ".journal.torn" {
                    if !large {
                        continue;
                    }
                    run_well("022", &path, &["set", "a", "1"]);
                    tear(&path);
                }
                let place = side_file(&path, suffix);
                let mut _listener = None;
                match planted {
                    Planted::Link => symlink("precious", &place).expect("a link can be made"),
                    Planted::Dangling => symlink("nowhere", &place).expect("a link can be made"),
                    Planted::Fifo => {
                        assert!(Command::new("mkfifo").arg(&place).status().is_ok_and(|status| status.success()));
                    }
                    Planted::Folder => std::fs::create_dir(&place).expect("a folder can be made"),
                    Planted::Socket => _listener = Some(UnixListener::bind(&place).expect("a socket can be made")),
                }
                let is_harmless = matches!(suffix, ".journal.torn" | ".tmp-0123456789abcdef");
                for args in [&["set", "b", "1"][..], &["save"], &["get", "key"], &["set", "b", "2"]] {
                    let output = run("022", &path, args);
                    let said = String::from_utf8_lossy(&output.stderr).into_owned();
                    let reads = args[0] == "get" && suffix == ".lock";
                    match output.status.code() {
                        Some(0) => assert!(is_harmless || reads, "{what}: {args:?}: {said}"),
                        Some(3 | 4) => assert!(!is_harmless && !reads, "{what}: {args:?}: {said}"),
                        code => panic!("{what}: {args:?}: {code:?}: {said}"),
                    }
                }
                assert_eq!(Untouched::of(&precious), before.0, "{what}");
                assert!(!nowhere.exists(), "{what}: something was made through the link");
                assert!(
                    std::fs::symlink_metadata(&place).is_ok_and(|meta| !meta.is_file()),
                    "{what}: it was taken away"
                );
                assert!(
                    is_harmless || Untouched::of(&path) == before.1,
                    "{what}: a refused write changed the database"
                );
                cases += 1;
            }
        }
    }
    println!("{cases} cases");
    assert!(cases >= 30);
}

#[cfg(target_os = "linux")]
#[test]
fn a_large_database_without_write_permission_can_be_read_and_stays_unchanged() {
    for (place, folder_mode, file_mode, has_lock, is_appended) in [
        ("a folder without a lock", 0o500, 0o600, false, false),
        // An existing file may be appended to; that needs no new name.
        ("a folder", 0o500, 0o600, true, true),
        ("a file", 0o700, 0o400, true, false),
        ("a folder and a file", 0o500, 0o400, true, false),
    ] {
        let folder = folder();
        let path = folder.path().join("kv.json");
        put(&path, document(true));
        Database::open(&path).and_then(|mut db| db.set("a", "1")).expect("it can be written yet");
        if !has_lock {
            std::fs::remove_file(side_file(&path, ".lock")).expect("it exists");
        }
        for path in [folder.path().to_owned(), path.clone(), side_file(&path, ".lock"), side_file(&path, ".journal")] {
            if rustix::process::geteuid().is_root() && path.exists() {
                chown(&path, Some(NOBODY), Some(NOBODY)).expect("root may");
            }
        }
        // The new ctime makes it a copy, which the hash finds to be unchanged.
        set_mode(&path, file_mode);
        let before = (Untouched::of(&path), names(folder.path()));
        let journal = Untouched::of(&side_file(&path, ".journal"));
        set_mode(folder.path(), folder_mode);
        without_privileges("a_large_database_without_write_permission_can_be_read_and_stays_unchanged", || {
            let mut db = Database::open(&path).unwrap_or_else(|error| panic!("{place}: {error}"));
            assert_eq!(db.get("a").expect("it reads"), Some("1".into()), "{place}");
            let written = db.set("b", "2");
            match &written {
                Ok(()) => assert!(is_appended, "{place}"),
                Err(error) => assert!(matches!(error, Error::ReadOnly { .. }), "{place}: {error}"),
            }
            let saved = db.save();
            assert!(saved.is_err(), "{place}");
            let reader = Database::open_read_only(&path).expect("it opens");
            assert_eq!(reader.get("b").expect("it reads").is_some(), written.is_ok(), "{place}");
            assert_eq!(db.get("b").expect("it reads").is_some(), written.is_ok(), "{place}");
        });
        assert_eq!((Untouched::of(&path), names(folder.path())), before, "{place}");
        assert!(is_appended || Untouched::of(&side_file(&path, ".journal")) == journal, "{place}");
        set_mode(folder.path(), 0o700);
    }
}
