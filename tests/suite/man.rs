//! The man page, as shown by `man` and checked by mandoc. A tool that is not installed is skipped with a message, or is
//! a failure with `CI=true`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};

fn page(folder: &Path) -> std::path::PathBuf {
    let output = Command::new(env!("CARGO_BIN_EXE_rusty-kv")).arg("man").env("HOME", folder).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty());
    let path = folder.join("rusty-kv.1");
    std::fs::File::create(&path).unwrap().write_all(&output.stdout).unwrap();
    path
}

/// The output of a tool for the page.
fn tool(name: &str, args: &[&str], page: &Path) -> Option<Output> {
    match Command::new(name).args(args).arg(page).env("MANWIDTH", "80").env("LC_ALL", "C.UTF-8").output() {
        Ok(output) => Some(output),
        Err(_) => {
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{name} is not installed");
            let _ =
                writeln!(std::io::stderr(), "SKIPPED: {name} is not installed, so the man page was not shown to it");
            None
        }
    }
}

#[test]
fn man_shows_every_command_without_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let page = page(folder.path());
    let Some(output) = tool("man", &["--warnings", "-E", "UTF-8", "-l"], &page) else { return };
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for part in [
        "rusty-kv - ",
        "--dry-run",
        "set KEY [VALUE]",
        "run PREFIX -- CMD…",
        "rusty-kv-man",
        "EXIT STATUS",
        "RUSTY_KV_DB",
    ] {
        assert_eq!(text.contains(part), part != "rusty-kv-man", "{part}");
    }
    let help = Command::new(env!("CARGO_BIN_EXE_rusty-kv")).arg("help").env("HOME", folder.path()).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let names: Vec<&str> = help.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    assert!(names.len() > 35, "{names:?}");
    for name in names {
        assert!(
            text.lines().any(|line| line.trim_start().split(' ').next() == Some(name)),
            "{name} is not in the page"
        );
    }
}

#[test]
fn mandoc_has_nothing_to_say_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let page = page(folder.path());
    let Some(output) = tool("mandoc", &["-T", "lint", "-W", "style"], &page) else { return };
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
