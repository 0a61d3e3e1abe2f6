//! Every example runs and prints what it promises: once on a new file, and repeatedly on an existing one.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The program of an example; `cargo test` builds them all next to the tests.
fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its program");
    let target = test.parent().and_then(Path::parent).expect("tests lie in target/PROFILE/deps");
    let program = target.join("examples").join(name);
    assert!(program.exists(), "{program:?} is not built; `cargo test` does so, or `cargo build --examples`");
    program
}

fn output(name: &str, path: Option<&Path>) -> String {
    let output = Command::new(program(name)).args(path).output().expect("it starts");
    assert!(output.status.success(), "{name}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{name}");
    String::from_utf8(output.stdout).expect("it prints text")
}

fn assert_prints(name: &str, wanted: &str) {
    assert_eq!(output(name, None), wanted);
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("kept.json");
    for _ in 0..2 {
        assert_eq!(output(name, Some(&path)), wanted, "with a path");
    }
    assert!(path.exists(), "the file that was named is kept");
}

#[test]
fn hello() {
    assert_prints(
        "hello",
        r#"hello = world
goodbye = None
{
  "map": {
    "answer": "42",
    "hello": "world"
  }
}
"#,
    );
}

#[test]
fn session_cache() {
    assert_prints(
        "session_cache",
        "it is 2026-11-23T04:00:00.000Z
  session:1: Ada, for 30m more
20 minutes later
  session:1: Ada, for 10m more
  session:2: Grace, for 30m more
10 minutes later
  session:1: nobody
  session:2: Grace, for 20m more
after a click
  session:2: Grace, for 30m more
",
    );
}

#[test]
fn user_profiles() {
    assert_prints(
        "user_profiles",
        r#"Grace (1906) speaks FLOW-MATIC and COBOL
user:ada = {"name":"Ada","born":1815}
user:grace = {"name":"Grace","born":1906,"languages":["FLOW-MATIC","COBOL"]}
  first of all FLOW-MATIC
user:broken is no profile (cannot convert: invalid type: string "just a text", expected struct Profile at line 1 column 13)
"#,
    );
}

#[test]
fn scan() {
    assert_prints(
        "scan",
        "all users:
  user:ada = admin
  user:grace = operator
from the 22nd up to the 24th:
  log:2026-11-22T09:30 = backup
  log:2026-11-23T10:15 = upgraded
the last two of the log, newest first:
  log:2026-11-24T08:00 = stopped
  log:2026-11-23T10:15 = upgraded
the first key of all: log:2026-11-21T08:00
6 keys, 4 of them in the log
",
    );
}

#[test]
fn tour() {
    // `tests/transcripts.rs` checks the output that the README shows; here, it must run twice on one database.
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/tour.kv");
    let run = || {
        let mut program = Command::new(env!("CARGO_BIN_EXE_rusty-kv"));
        let output = program.arg("-d").arg(folder.path().join("tour.json")).arg("-f").arg(&script).output();
        let output = output.expect("it starts");
        assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("it prints text")
    };
    let first = run();
    assert!(first.starts_with("world\nit is a value\nnight owl\n41\n42\n"), "{first}");
    assert_eq!(run(), first);
}

/// An example in a language that may not be installed: prints that, or fails with `CI=true`.
fn script(interpreter: &str, name: &str, args: &[&str], database: &Path) -> Option<Command> {
    if !Command::new(interpreter).arg("-c").arg("").output().is_ok_and(|output| output.status.success()) {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{interpreter} is not installed");
        let _ = writeln!(std::io::stderr(), "SKIPPED: {interpreter} is not installed, so {name} was not run");
        return None;
    }
    let folder = Path::new(env!("CARGO_BIN_EXE_rusty-kv")).parent().expect("a program lies in a folder").to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(folder).chain(std::env::split_paths(&path)));
    let mut command = Command::new(interpreter);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)).args(args);
    command.env("PATH", path.expect("folders of a PATH")).env("RUSTY_KV_DB", database);
    Some(command)
}

fn says(command: &mut Command) -> String {
    let output = command.output().expect("it starts");
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it prints text")
}

#[test]
fn coprocess() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("kv.json");
    let path_text = path.to_str().expect("it is text");
    for _ in 0..2 {
        if let Some(mut python) = script("python3", "coprocess.py", &[path_text], &path) {
            let wanted = "two lines,\n\"quoted\"\nAda for True\n[1, 2, 3]\n{'ok': False, 'reason': 'exists'}\nnot_found\n['a key', 'user:1', 'visits']\nstatus 1\n";
            assert_eq!(says(&mut python), wanted);
        }
        if let Some(mut bash) = script("bash", "coprocess.sh", &[path_text], &path) {
            let counts = [1, 2, 3].map(|n| format!("{{\"ok\":true,\"value\":{n}}}\n")).concat();
            let wanted = format!(
                "\"two lines,\\n\\\"quoted\\\"\"\n{counts}nobody does not exist\n[\"a key\",\"visits\"]\nstatus 1\n"
            );
            assert_eq!(says(&mut bash), wanted);
        }
    }
}

/// Runs several of them at once and returns the output of each.
fn at_once(commands: Vec<Command>) -> Vec<String> {
    let start = |mut command: Command| std::thread::spawn(move || says(&mut command));
    let running: Vec<_> = commands.into_iter().map(start).collect();
    running.into_iter().map(|one| one.join().expect("it ends well")).collect()
}

#[test]
fn mutex() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("kv.json");
    // Without the mutex, most of the steps would be lost.
    let step = "n=$(rusty-kv get total --default 0); sleep 0.01; rusty-kv set total $((n + 1))";
    for _ in 0..4 {
        let one = || script("sh", "mutex.sh", &["total", "sh", "-c", step], &path);
        at_once((0..6).filter_map(|_| one()).collect());
    }
    let failed = script("sh", "mutex.sh", &["total", "false"], &path).map(|mut command| command.status());
    assert!(failed.is_none_or(|status| status.expect("it starts").code() == Some(1)));
    let mut get = Command::new(env!("CARGO_BIN_EXE_rusty-kv"));
    assert_eq!(says(get.args(["get", "total"]).env("RUSTY_KV_DB", &path)), "24\n");
}

#[test]
fn counter() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("kv.json");
    let said = at_once((0..6).filter_map(|_| script("sh", "counter.sh", &["tickets", "20"], &path)).collect());
    let mut numbers: Vec<u32> =
        said.iter().flat_map(|said| said.lines()).map(|line| line.parse().expect("a number")).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=120).collect::<Vec<_>>());
}

#[test]
fn queue() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("kv.json");
    let items: Vec<String> = (0..30).map(|n| format!("item {n}, -x \"quoted\"")).collect();
    let puts = items.iter().filter_map(|item| script("sh", "queue.sh", &["put", "jobs", item], &path));
    let takes = items.iter().filter_map(|_| script("sh", "queue.sh", &["take", "jobs"], &path));
    let mut got = at_once(puts.chain(takes).collect());
    got.retain(|said| !said.is_empty());
    got.sort_unstable();
    let mut wanted: Vec<String> = items.iter().map(|item| format!("{item}\n")).collect();
    wanted.sort_unstable();
    assert_eq!(got, wanted);
    let put = |text: &str| says(&mut script("sh", "queue.sh", &["put", "jobs", text], &path).expect("sh is there"));
    let take = || says(&mut script("sh", "queue.sh", &["take", "jobs"], &path).expect("sh is there"));
    for text in ["first", "second", "third"] {
        put(text);
    }
    assert_eq!([take(), take(), take()], ["first\n", "second\n", "third\n"]);
}

#[test]
fn no_example_is_left_out_here() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let here = include_str!("examples.rs");
    // The picture and the recorded session.
    let there = include_str!("../repl/picture.rs");
    let recipes = include_str!("transcripts.rs");
    for item in std::fs::read_dir(folder).expect("the folder is there") {
        let path = item.expect("it can be listed").path();
        let file = path.file_name().expect("an example has a name").to_string_lossy();
        let name = file.split('.').next().unwrap_or_default();
        assert!(
            here.contains(&format!("fn {name}()")) || there.contains(&format!("{file:?}")) || recipes.contains(&*file),
            "{file} has no test"
        );
    }
}
