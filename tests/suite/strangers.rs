//! Journals and lock files that other users have put next to a database, and a database shared by the users of a group.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rusty_kv::Database;
use tempfile::TempDir;

use crate::common::large::filler;
use crate::common::put;
use crate::common::random::Random;

/// The group of the users A, B and C.
const GROUP: u32 = 64_100;
const A: u32 = 64_101;
const B: u32 = 64_102;
const C: u32 = 64_103;
const STRANGER: u32 = 64_104;

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("root may");
}

/// A folder for several users, and a copy of the program that all of them can run.
struct Shared {
    folder: TempDir,
    program: PathBuf,
}

impl Shared {
    /// `None`, with a message, if the test cannot switch users.
    fn new(mode: u32) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            println!("SKIPPED: only root can be several users");
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "SKIPPED: only root can be several users");
            return None;
        }
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        set_mode(folder.path(), 0o755);
        let program = folder.path().join("program");
        std::fs::copy(env!("CARGO_BIN_EXE_rusty-kv"), &program).expect("it can be copied");
        set_mode(&program, 0o755);
        let data = folder.path().join("data");
        std::fs::create_dir(&data).expect("it can be made");
        chown(&data, Some(A), Some(GROUP)).expect("root may");
        set_mode(&data, mode);
        Some(Self { folder, program })
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("data/kv.json")
    }

    fn command(&self, user: u32, args: &[&str]) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", "umask 007; exec \"$@\"", "sh"]).arg(&self.program).args(args);
        command.env_clear().env("RUSTY_KV_DB", self.database()).env("HOME", "/nonexistent").stdin(Stdio::null());
        command.uid(user).gid(if user == STRANGER { STRANGER } else { GROUP }).current_dir("/");
        command
    }

    fn run(&self, user: u32, args: &[&str]) -> Output {
        self.command(user, args).output().expect("the program starts")
    }

    fn run_well(&self, user: u32, args: &[&str]) -> String {
        let output = self.run(user, args);
        assert_eq!(output.status.code(), Some(0), "user {user}, {args:?}: {}", said(&output));
        String::from_utf8(output.stdout).expect("it writes text")
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Writes a document, which has a journal if it is large.
fn document(path: &Path, large: bool, owner: u32, mode: u32) {
    let value = if large { "x".repeat(70_000) } else { "x".to_owned() };
    put(path, format!("{{\n  \"map\": {{\n    \"key\": \"{value}\"\n  }}\n}}\n"));
    chown(path, Some(owner), Some(if owner == STRANGER { STRANGER } else { GROUP })).expect("root may");
    set_mode(path, mode);
}

#[test]
fn users_of_one_group_share_a_database_with_its_journal_saves_and_kills() {
    for large in [false, true] {
        let Some(shared) = Shared::new(0o2770) else { return };
        let path = shared.database();
        document(&path, large, A, 0o660);
        let mut random = Random(11);
        for round in 0..12 {
            for user in [A, B, C] {
                shared.run_well(user, &["set", &format!("by {user}"), &round.to_string()]);
                if round % 4 == 3 {
                    shared.run_well(user, &["save"]);
                }
                let mut killed = self::killed(&shared, user, &["incr", "n"]);
                std::thread::sleep(Duration::from_micros(random.below(6_000)));
                killed.kill().expect("it is ours");
                killed.wait().expect("it has ended");
                for reader in [A, B, C] {
                    assert_eq!(shared.run_well(reader, &["get", &format!("by {user}")]), format!("{round}\n"));
                }
            }
        }
        for user in [A, B, C] {
            shared.run_well(user, &["check"]);
        }
        assert_eq!(beside(&path, ".journal").exists(), large);
        for suffix in ["", ".lock", ".journal"].iter().take(2 + usize::from(large)) {
            let meta = std::fs::metadata(beside(&path, suffix)).expect("it is there");
            assert_eq!((meta.gid(), meta.mode() & 0o777), (GROUP, 0o660), "{suffix}");
        }
        assert_eq!(shared.run(STRANGER, &["get", "key"]).status.code(), Some(3));
    }
}

fn killed(shared: &Shared, user: u32, args: &[&str]) -> std::process::Child {
    let mut command = shared.command(user, args);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts")
}

/// Fails unless a command is refused because of another user's file.
fn assert_refused(output: &Output, file: &str, what: &str) {
    assert_eq!(output.status.code(), Some(3), "{what}: {}", said(output));
    let said = said(output);
    assert!(said.contains(file) && said.contains(&STRANGER.to_string()), "{what}: {said}");
    assert!(said.contains("copy the database to a folder of your own"), "{what}: {said}");
}

#[test]
fn in_a_folder_of_all_a_stranger_s_journal_and_lock_are_refused_and_a_copy_elsewhere_works() {
    for large in [false, true] {
        for mode in [0o600, 0o660, 0o644] {
            let Some(shared) = Shared::new(0o1777) else { return };
            let what = format!("large {large}, mode {mode:03o}");
            let (path, journal) = (shared.database(), beside(&shared.database(), ".journal"));
            chown(path.parent().expect("it is in one"), Some(0), Some(0)).expect("root may");
            document(&path, large, A, mode);
            // The other user creates a matching file, as the program would.
            let made = shared.folder.path().join("made");
            std::fs::create_dir(&made).expect("it can be made");
            let mut db = Database::open(&path).expect("it opens");
            let (key, value) = filler();
            db.set(key, value).and_then(|()| db.save()).and_then(|()| db.set("key", "forged")).expect("root may");
            drop(db);
            let forged = std::fs::read(&journal).expect("it is there");
            std::fs::remove_file(&journal).expect("root may");
            std::fs::remove_file(beside(&path, ".lock")).expect("root may");
            for open in [0o644, 0o600] {
                put(&journal, &forged);
                chown(&journal, Some(STRANGER), Some(STRANGER)).expect("root may");
                set_mode(&journal, open);
                for args in [&["get", "key"][..], &["set", "a", "1"], &["list"], &["check"], &["save"], &["repair"]] {
                    assert_refused(&shared.run(A, args), "kv.json.journal", &format!("{what}, {open:03o}: {args:?}"));
                }
                assert!(std::fs::read(&journal).expect("it is there") == forged, "{what}");
            }
            let own = made.join("kv.json");
            std::fs::copy(&path, &own).expect("root may");
            for path in [&made, &own] {
                chown(path, Some(A), Some(GROUP)).expect("root may");
            }
            let copy = own.to_str().expect("it is text");
            assert!(!shared.run_well(A, &["-d", copy, "get", "key"]).contains("forged"), "{what}");
            shared.run_well(A, &["-d", copy, "set", "a", "1"]);
            std::fs::remove_file(&journal).expect("root may");

            let lock = beside(&path, ".lock");
            for open in [0o666, 0o600] {
                put(&lock, "");
                chown(&lock, Some(STRANGER), Some(STRANGER)).expect("root may");
                set_mode(&lock, open);
                // It need not be waited for.
                let held = std::fs::File::open(&lock).expect("root may");
                held.lock().expect("nobody has it");
                shared.run_well(A, &["get", "key"]);
                for args in [&["set", "a", "1"][..], &["check"]] {
                    assert_refused(&shared.run(A, args), "kv.json.lock", &format!("{what}, {open:03o}: {args:?}"));
                }
            }
            std::fs::remove_file(&lock).expect("root may");
            shared.run_well(A, &["set", "a", "1"]);
        }
    }
}

#[test]
fn a_stranger_s_lock_in_the_way_of_a_new_database_is_refused() {
    let Some(shared) = Shared::new(0o1777) else { return };
    chown(shared.database().parent().expect("it is in one"), Some(0), Some(0)).expect("root may");
    let lock = beside(&shared.database(), ".lock");
    put(&lock, "");
    chown(&lock, Some(STRANGER), Some(STRANGER)).expect("root may");
    set_mode(&lock, 0o666);
    assert_refused(&shared.run(A, &["set", "a", "1"]), "kv.json.lock", "new");
    assert!(!shared.database().exists());
}

#[test]
fn a_journal_that_more_users_may_write_to_than_the_database_is_refused_until_its_mode_is_changed() {
    let Some(shared) = Shared::new(0o770) else { return };
    let (path, journal) = (shared.database(), beside(&shared.database(), ".journal"));
    document(&path, true, A, 0o660);
    shared.run_well(A, &["set", "a", "1"]);
    set_mode(&path, 0o600);
    for args in [&["get", "a"][..], &["set", "a", "2"]] {
        let output = shared.run(A, args);
        assert_eq!(output.status.code(), Some(3), "{}", said(&output));
        let said = said(&output);
        assert!(said.contains("kv.json.journal") && said.contains("chmod 600"), "{said}");
    }
    set_mode(&journal, 0o600);
    assert_eq!(shared.run_well(A, &["get", "a"]), "1\n");
    shared.run_well(A, &["set", "a", "2"]);
}

#[test]
fn an_owner_that_could_not_be_kept_is_said_only_where_something_was_written() {
    let Some(shared) = Shared::new(0o1777) else { return };
    chown(shared.database().parent().expect("it is in one"), Some(0), Some(0)).expect("root may");
    document(&shared.database(), false, A, 0o666);
    let output = shared.run(B, &["set", "a", "1"]);
    assert_ne!(output.status.code(), Some(0), "nobody else may replace a file in such a folder");
    assert!(!said(&output).contains("could not be kept"), "{}", said(&output));
    let Some(shared) = Shared::new(0o2770) else { return };
    document(&shared.database(), false, A, 0o660);
    let output = shared.run(B, &["set", "a", "1"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("its owner could not be kept"), "{}", said(&output));
}

#[test]
fn a_file_that_is_mounted_by_itself_cannot_be_written_and_the_message_says_to_mount_its_folder() {
    let Some(shared) = Shared::new(0o755) else { return };
    let path = shared.database();
    let other = shared.folder.path().join("other.json");
    document(&path, false, A, 0o644);
    document(&other, false, A, 0o644);
    let script = "mount --bind \"$0\" \"$1\" || exit 77; shift; exec \"$@\"";
    let mut unshare = Command::new("unshare");
    unshare.args(["-m", "sh", "-c", script]).args([&other, &path]).arg(&shared.program);
    let run = |args: &[&str]| {
        let mut command = Command::new(unshare.get_program());
        command.args(unshare.get_args()).args(args).env("RUSTY_KV_DB", &path).env("HOME", "/nonexistent");
        command.stdin(Stdio::null()).output()
    };
    let set = run(&["set", "a", "1"]);
    let Some(output) = set.ok().filter(|output| ![Some(77), Some(1), Some(127)].contains(&output.status.code())) else {
        println!("SKIPPED: nothing can be mounted here");
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "SKIPPED: nothing can be mounted here");
        return;
    };
    for (output, what) in [(output, "set"), (run(&["save"]).expect("it ran before"), "save")] {
        assert!(said(&output).contains("mount its folder"), "{what}: {}", said(&output));
        assert_eq!(output.status.code(), Some(4), "{what}: {}", said(&output));
    }
    assert_eq!(run(&["get", "key"]).expect("it ran before").stdout, b"x\n");
}
