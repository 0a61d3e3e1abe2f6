//! Databases read from pipes by `diff`, `check` and `restore`; and empty backups.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::{Command, Output};

use crate::common::{folder, put};

/// Runs a shell line in which `$K` is the program on `x.json`, in a folder with databases.
fn sh(folder: &tempfile::TempDir, line: &str) -> Output {
    let program = env!("CARGO_BIN_EXE_rusty-kv");
    let mut command = Command::new("bash");
    command.args(["-c", line]).current_dir(folder.path()).env("HOME", folder.path());
    command.env("K", format!("{program} -d ./x.json")).output().unwrap()
}

fn place() -> tempfile::TempDir {
    let folder = folder();
    put(&folder.path().join("x.json"), "{\"map\":{\"a\":\"1\",\"b\":\"2\"}}");
    put(&folder.path().join("old.json"), "{\"map\":{\"a\":\"0\"}}");
    folder
}

#[test]
fn diff_check_and_restore_read_pipes_and_stdin() {
    let folder = place();
    for (line, status, printed) in [
        ("$K diff <(cat old.json) ./x.json", 1, "~ a 0 → 1\n+ b\n"),
        ("$K diff <(cat old.json)", 1, "~ a 0 → 1\n+ b\n"),
        ("$K diff ./x.json <(cat old.json)", 1, "~ a 1 → 0\n- b\n"),
        ("$K diff <(cat x.json) <(cat x.json)", 0, ""),
        ("cat old.json | $K diff -", 1, "~ a 0 → 1\n+ b\n"),
        ("$K diff /dev/stdin < old.json", 1, "~ a 0 → 1\n+ b\n"),
        ("mkfifo fifo; cat old.json > fifo & $K diff ./fifo", 1, "~ a 0 → 1\n+ b\n"),
        ("$K check <(cat x.json)", 0, "ok: 2 entries, 0 changes in the journal\n"),
        ("cat x.json | $K check -", 0, "ok: 2 entries, 0 changes in the journal\n"),
        ("head -c 20 x.json | $K check -", 3, ""),
        ("$K restore <(cat old.json); $K list", 0, "a\t0\n"),
        ("echo '{\"map\":{\"c\":\"3\"}}' | $K restore -; $K list", 0, "c\t3\n"),
    ] {
        let output = sh(&folder, line);
        assert_eq!((output.status.code(), str::from_utf8(&output.stdout).unwrap()), (Some(status), printed), "{line}");
    }
}

#[test]
fn a_pipe_that_brings_nothing_is_a_failure_and_no_pipe_is_opened_as_a_database() {
    let folder = place();
    for line in ["$K diff <(true) ./x.json", "$K diff - - < /dev/null", "true | $K check -", "$K restore <(true)"] {
        let output = sh(&folder, line);
        assert_eq!(output.status.code(), Some(3), "{line}: {output:?}");
    }
    let refused = sh(&folder, "$K get a; ${K% -d*} -d <(cat old.json) get a");
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(3) && said.contains("a pipe, not a regular file"), "{said}");
    let in_use = sh(&folder, "echo check - | $K");
    assert_eq!(in_use.status.code(), Some(2), "a script's stdin is the script");
}

#[test]
fn a_backup_that_holds_nothing_empties_no_database() {
    let folder = place();
    for nothing in ["", " \n\n", "\0\0\0\0", "\u{feff}", "\t"] {
        put(&folder.path().join("nothing.json"), nothing);
        let output = sh(&folder, "$K restore nothing.json");
        assert_eq!(output.status.code(), Some(3), "{nothing:?}: {output:?}");
        assert_eq!(sh(&folder, "$K count").stdout, b"2\n", "{nothing:?}");
    }
    // An empty database is a database.
    put(&folder.path().join("nothing.json"), "{\"map\":{}}");
    assert_eq!(sh(&folder, "$K restore nothing.json; $K count").stdout, b"0\n");
}
