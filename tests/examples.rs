//! Every example runs and prints what a newcomer is promised to see: once for itself, and over again on a given file.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The program of an example; `cargo test` builds them all and puts them beside the tests.
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
    // What it prints, the README says and `tests/transcripts.rs` checks; here it must run twice on a database that stays.
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

#[test]
fn no_example_is_left_out_here() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let here = include_str!("examples.rs");
    // The picture and the recorded session.
    let there = include_str!("repl/picture.rs");
    for item in std::fs::read_dir(folder).expect("the folder is there") {
        let path = item.expect("it can be listed").path();
        let file = path.file_name().expect("an example has a name").to_string_lossy();
        let name = file.split('.').next().unwrap_or_default();
        assert!(here.contains(&format!("fn {name}()")) || there.contains(&format!("{file:?}")), "{file} has no test");
    }
}
