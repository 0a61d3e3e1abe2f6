//! Files that are deleted, moved or left over while other processes write: the lock file, the database itself, the
//! temporary files of killed writers.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusty_kv::{Database, Error, Options};

use crate::common::large::filler;
use crate::common::random::Random;
use crate::common::{folder, put};

fn side_file(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn command(database: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rusty-kv"));
    command.args(args).env_clear().env("RUSTY_KV_DB", database).env("HOME", "/nonexistent").stdin(Stdio::null());
    command
}

fn run(database: &Path, args: &[&str]) -> Output {
    command(database, args).output().expect("the program starts")
}

fn run_well(database: &Path, args: &[&str]) -> String {
    let output = run(database, args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", said(&output));
    String::from_utf8(output.stdout).expect("it writes text")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A database, with a journal if it is large.
fn create(path: &Path, large: bool) {
    let mut db = Database::open(path).expect("a new one opens");
    db.set("a", "1").expect("it can be written");
    if large {
        let (key, value) = filler();
        db.set(key, value).expect("it can be written");
    }
    assert_eq!(side_file(path, ".journal").exists(), large);
}

/// Deletes the lock file again and again while `body` runs.
fn without_lock_file<T>(path: &Path, body: impl FnOnce() -> T) -> (T, u64) {
    let (done, deleted) = (AtomicBool::new(false), AtomicU64::new(0));
    let lock = side_file(path, ".lock");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                deleted.fetch_add(u64::from(std::fs::remove_file(&lock).is_ok()), Ordering::Relaxed);
                std::thread::yield_now();
            }
        });
        let result = body();
        done.store(true, Ordering::Relaxed);
        (result, deleted.load(Ordering::Relaxed))
    })
}

/// Increments a counter and sets its own key until all writers together have `wanted` acknowledged changes; returns how
/// many were its own.
fn count(path: &Path, writer: usize, acknowledged: &AtomicU64, wanted: u64) -> u64 {
    let options = Options::new().wait(Duration::from_mins(1));
    let mut db = options.open(path).expect("it opens");
    let mut own = 0;
    while acknowledged.load(Ordering::Relaxed) < wanted {
        let done = db.transaction(|tx| {
            let total = tx.get("total")?.map_or(0, |value| value.to_string().parse::<u64>().expect("a number"));
            tx.set("total", (total + 1).to_string())?;
            tx.set(&format!("own:{writer}"), (own + 1).to_string())
        });
        match done {
            Ok(()) => {
                own += 1;
                acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            Err(Error::Busy { .. } | Error::Conflict { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        if own % 50 == 0 {
            db = options.open(path).expect("it opens");
        }
    }
    own
}

#[test]
fn ten_thousand_acknowledged_changes_survive_constant_deletion_of_the_lock_file() {
    let is_long = std::env::var_os("RUSTY_KV_LONG").is_some_and(|long| long == "1");
    // The journal is rewritten each time, because the lock file's note is lost.
    for (large, wanted) in [(false, 8_500), (true, if is_long { 10_000 } else { 1_500 })] {
        let folder = folder();
        let path = folder.path().join("kv.json");
        create(&path, large);
        let acknowledged = AtomicU64::new(0);
        let (own, deleted) = without_lock_file(&path, || {
            std::thread::scope(|scope| {
                let writers = [0, 1, 2].map(|writer| {
                    let (path, acknowledged) = (&path, &acknowledged);
                    scope.spawn(move || count(path, writer, acknowledged, wanted))
                });
                writers.map(|writer| writer.join().expect("a writer has failed"))
            })
        });
        println!("large {large}: {own:?}, deleted {deleted} times");
        assert!(deleted > 20, "only deleted {deleted} times");
        let db = Database::open(&path).expect("it opens");
        let number = |key: &str| -> u64 {
            db.get(key).expect("it can be read").map_or(0, |value| value.to_string().parse().expect("a number"))
        };
        assert_eq!(number("total"), own.iter().sum::<u64>(), "large {large}");
        for (writer, own) in own.into_iter().enumerate() {
            assert_eq!(number(&format!("own:{writer}")), own, "large {large}");
        }
        run_well(&path, &["check"]);
    }
}

#[test]
fn constant_deletion_of_the_lock_file_does_not_extend_the_wait() {
    for large in [false, true] {
        let folder = folder();
        let path = folder.path().join("kv.json");
        create(&path, large);
        // Like a writer with another lock file.
        let held = File::open(&path).expect("it exists");
        held.lock().expect("it is free");
        let started = Instant::now();
        let (output, _) = without_lock_file(&path, || run(&path, &["--wait", "300ms", "set", "a", "2"]));
        let waited = started.elapsed();
        assert_eq!(output.status.code(), Some(5), "{}", said(&output));
        assert!(waited >= Duration::from_millis(300) && waited < Duration::from_secs(10), "{waited:?}");
        held.unlock().expect("it is ours");
        run_well(&path, &["set", "a", "3"]);
        assert_eq!(run_well(&path, &["get", "a"]), "3\n");
    }
}

/// A session that is sent one line at a time.
struct Session {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Session {
    fn start(database: &Path) -> Self {
        let mut command = command(database, &["-o", "json"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program starts");
        let answers = BufReader::new(child.stdout.take().expect("it has one"));
        Self { child, answers }
    }

    fn ask(&mut self, line: &str) -> String {
        writeln!(self.child.stdin.as_mut().expect("it has one"), "{line}").expect("it listens");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("it answers");
        answer
    }

    fn end(mut self) -> Option<i32> {
        drop(self.child.stdin.take());
        self.child.wait().expect("it ends").code()
    }
}

#[test]
fn a_session_does_not_write_to_a_database_that_was_replaced_by_a_link() {
    for large in [false, true] {
        let folder = folder();
        let (path, elsewhere) = (folder.path().join("kv.json"), folder.path().join("moved.json"));
        create(&path, large);
        let mut session = Session::start(&path);
        assert!(session.ask("set a 2").contains("\"ok\":true"));
        let moved = Command::new("mv").args([&path, &elsewhere]).status();
        assert!(moved.expect("it runs").success());
        symlink("moved.json", &path).expect("a link can be made");
        let before = std::fs::read(&elsewhere).expect("it exists");
        for line in ["set a 3", "get a", "save", "del a"] {
            let answer = session.ask(line);
            assert!(answer.contains("replaced by a symbolic link"), "large {large}: {line}: {answer}");
        }
        assert_eq!(session.end(), Some(3));
        assert!(std::fs::read(&elsewhere).expect("it exists") == before, "large {large}");
        assert!(std::fs::symlink_metadata(&path).expect("it exists").is_symlink());
        if large {
            // What it acknowledged is in the journal, which must be moved, too.
            let journal = |path: &Path| PathBuf::from(format!("{}.journal", path.display()));
            for args in [&["get", "b"][..], &["set", "b", "4"], &["check"]] {
                let output = command(&path, args).output().expect("it runs");
                let said = String::from_utf8_lossy(&output.stderr);
                assert_eq!(output.status.code(), Some(3), "{args:?}: {said}");
                assert!(said.contains("holds changes that are not in that file"), "{args:?}: {said}");
            }
            let moved = Command::new("mv").args([journal(&path), journal(&elsewhere)]).status();
            assert!(moved.expect("it runs").success());
            assert_eq!(run_well(&path, &["get", "a"]), "2\n");
        }
        // Opening it now follows the link.
        run_well(&path, &["set", "b", "4"]);
        assert_eq!(run_well(&elsewhere, &["get", "b"]), "4\n");
    }
}

/// The temporary files in a folder.
fn left(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).expect("it exists").flatten().map(|item| item.file_name());
    names.map(|name| name.to_string_lossy().into_owned()).filter(|name| name.contains("tmp")).collect()
}

/// Runs a command and kills it, again and again, after different times; returns how often files were left.
fn kill(database: &Path, rounds: u64, random: &mut Random, args: impl Fn(u64) -> Vec<String>) -> usize {
    let folder = database.parent().expect("it is in one");
    let words = |round| args(round).into_iter().collect::<Vec<_>>();
    let started = Instant::now();
    let mut whole = command(database, &[]);
    assert!(
        whole.args(words(rounds)).stdout(Stdio::null()).status().expect("it runs").success(),
        "{:?}",
        words(rounds)
    );
    let takes = u64::try_from(started.elapsed().as_micros()).expect("not so long") * 3 / 2;
    let mut times = 0;
    for round in 0..rounds {
        let mut killed = command(database, &[]);
        let mut child = killed.args(words(round)).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
        std::thread::sleep(Duration::from_micros(random.below(takes)));
        child.kill().expect("it is ours");
        child.wait().expect("it has ended");
        let left = left(folder);
        assert!(left.len() <= 1, "{:?}, round {round}: {left:?}", words(round));
        times += left.len();
    }
    times
}

#[test]
fn killed_writers_leave_at_most_one_temporary_file_and_the_next_write_removes_it() {
    let seed = std::env::var("RUSTY_KV_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7);
    let mut random = Random(seed);
    let (folder, backups) = (folder(), folder());
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    // Small: each write rewrites the file.
    let path = folder.path().join("kv.json");
    let (key, _) = filler();
    let value = "x".repeat(50_000);
    let file = backups.path().join("value");
    put(&file, &value);
    run_well(&path, &["set", key, "--file", file.to_str().expect("it is text")]);
    let mut times = kill(&path, 150, &mut random, |round| words(&["set", "a", &round.to_string()]));
    run_well(&path, &["set", "a", "1"]);
    assert_eq!(left(folder.path()), [""; 0]);

    // Large: saves are built without the lock.
    let path = folder.path().join("large.json");
    let entries = (0..120).map(|n| (format!("key {n}"), rusty_kv::Value::Text("y".repeat(100_000))));
    let mut db = Database::open(&path).expect("a new one opens");
    db.extend(entries).expect("it can be written");
    drop(db);
    let backup = backups.path().join("backup.json");
    run_well(&path, &["save", backup.to_str().expect("it is text")]);
    times += kill(&path, 40, &mut random, |_| words(&["save"]));
    run_well(&path, &["set", "a", "1"]);
    assert_eq!(left(folder.path()), [""; 0], "after saves");
    // Copies, each with a different name.
    let copy = |round: u64| backups.path().join(format!("{round}.json")).to_str().expect("it is text").to_owned();
    let killed = kill(&path, 40, &mut random, |round| words(&["save", &copy(round)]));
    assert!(left(backups.path()).len() <= 1, "{:?}", left(backups.path()));
    run_well(&path, &["save", &copy(1_000)]);
    assert_eq!(left(backups.path()), [""; 0], "after copies");
    times += killed;
    times += kill(&path, 30, &mut random, |_| words(&["restore", backup.to_str().expect("it is text"), "-y"]));
    run_well(&path, &["set", "a", "1"]);
    assert_eq!(left(folder.path()), [""; 0], "after restores");
    println!("RUSTY_KV_SEED={seed}: something was left {times} times");
    assert!(times > 10, "only {times} kills have left anything: nothing was at stake");
}
