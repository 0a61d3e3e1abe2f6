//! Golden transcripts: `sh` runs the console blocks of `tests/transcripts/*.md`, of the README and of the recipes, line
//! by line, and the output must match. A line `[status N]` stands for every status but 0.
//!
//! Each file has a home and a working directory of its own, in which `tests/data` is `data`; the README's contains a
//! fresh clone. `UPDATE=1 cargo test --test suite transcripts` writes the output to the files: read the diff before you
//! commit it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Runs the blocks of a file in a folder that contains `from`, and returns its text with the output.
fn rerun(text: &str, from: &[(OsString, PathBuf)]) -> String {
    let home = tempfile::tempdir().unwrap();
    let work = home.path().join("work");
    std::fs::create_dir(&work).unwrap();
    for (name, target) in from {
        std::os::unix::fs::symlink(target, work.join(name)).unwrap();
    }
    let mut result = String::new();
    let mut lines = text.lines().peekable();
    let mut in_block = false;
    while let Some(line) = lines.next() {
        if line.starts_with("```") {
            in_block = !in_block && line == "```console";
        }
        let Some(command) = line.strip_prefix("$ ").filter(|_| in_block) else {
            // Replaces the output of commands and keeps everything else.
            if !in_block || line.starts_with("```") {
                result.push_str(line);
                result.push('\n');
            }
            continue;
        };
        let mut command = command.to_owned();
        result.push_str(line);
        result.push('\n');
        while let Some(more) = lines.next_if(|line| line.starts_with("> ") || *line == ">") {
            command.push('\n');
            command.push_str(more.get(2..).unwrap_or_default());
            result.push_str(more);
            result.push('\n');
        }
        result.push_str(&run(&command, home.path(), &work));
    }
    result
}

/// The output of a command on both streams, and its status.
fn run(command: &str, home: &Path, work: &Path) -> String {
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_rusty-kv"));
    let path = std::env::join_paths(
        std::iter::once(binary.parent().unwrap().to_owned())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    );
    let output = Command::new("sh")
        .arg("-c")
        .arg(format!("exec 2>&1\n{command}"))
        .current_dir(work)
        .env_clear()
        .env("PATH", path.unwrap())
        .env("HOME", home)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    match output.status.code() {
        Some(0) => {}
        Some(code) => text = format!("{text}[status {code}]\n"),
        None => text.push_str("[ended by a signal]\n"),
    }
    // The temporary home differs in each run.
    text.replace(&*home.canonicalize().unwrap().to_string_lossy(), "/home/ada")
        .replace(&*home.to_string_lossy(), "/home/ada")
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The files for the transcripts.
fn given() -> Vec<(OsString, PathBuf)> {
    vec![("data".into(), root().join("tests/data")), ("examples".into(), root().join("examples"))]
}

/// The files for the README: those of a fresh clone.
fn clone() -> Vec<(OsString, PathBuf)> {
    let items = std::fs::read_dir(root()).unwrap().map(|item| item.unwrap());
    items.filter(|item| item.file_name() != "target").map(|item| (item.file_name(), item.path())).collect()
}

/// Compares a file with the current output of its commands; the message is the first difference.
fn check(file: &Path, from: &[(OsString, PathBuf)]) -> Result<usize, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let now = rerun(&text, from);
    let commands = text.lines().filter(|line| line.starts_with("$ ")).count();
    if now == text {
        return Ok(commands);
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::File::create(file).and_then(|mut file| file.write_all(now.as_bytes())).unwrap();
        return Ok(commands);
    }
    let differs = text.lines().zip(now.lines()).position(|(old, new)| old != new);
    let at = differs.unwrap_or_else(|| text.lines().count().min(now.lines().count()));
    let context = |text: &str| text.lines().skip(at.saturating_sub(3)).take(8).collect::<Vec<_>>().join("\n    ");
    Err(format!("{}:{}: expected\n    {}\n  printed\n    {}", file.display(), at + 1, context(&text), context(&now)))
}

#[test]
fn every_transcript_prints_what_it_says() {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(root().join("tests/transcripts")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let results: Vec<_> = files.iter().map(|file| check(file, &given())).collect();
    let failures: Vec<_> = results.iter().filter_map(|result| result.as_ref().err().cloned()).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    assert!(results.into_iter().flatten().sum::<usize>() >= 150, "too few commands: were the files read?");
}

#[test]
fn the_readme_prints_what_it_says() {
    let commands = check(&root().join("README.md"), &clone()).unwrap_or_else(|failure| panic!("{failure}"));
    assert!(commands >= 15, "only {commands} commands");
}

#[test]
fn the_recipes_print_what_they_say() {
    let commands = check(&root().join("examples/README.md"), &clone()).unwrap_or_else(|failure| panic!("{failure}"));
    assert!(commands >= 10, "only {commands} commands");
}

#[test]
fn a_wrong_transcript_is_found() {
    let text = "```console\n$ rusty-kv set a b\n$ rusty-kv get a\nc\n```\n";
    assert_eq!(rerun(text, &given()), "```console\n$ rusty-kv set a b\n$ rusty-kv get a\nb\n```\n");
}
