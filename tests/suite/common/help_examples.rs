//! The examples of every help text, where each of them may be run, and what must be there for it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

/// A way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    OneShot,
    Script,
    Prompt,
}

use Mode::{OneShot, Prompt, Script};

/// What is not for all three modes, by how it begins; the first that fits counts.
const MODES: [(&str, &[Mode]); 19] = [
    ("begin", &[Script, Prompt]),
    ("commit", &[Script, Prompt]),
    ("rollback", &[Script, Prompt]),
    ("undo", &[Prompt]),
    ("redo", &[Prompt]),
    ("history", &[Prompt]),
    ("hints", &[Prompt]),
    ("edit-mode", &[Prompt]),
    ("pager", &[Prompt]),
    ("prompt", &[Prompt]),
    ("mask", &[Script, Prompt]),
    ("edit ", &[OneShot, Prompt]),
    ("run ", &[OneShot, Prompt]),
    // Elsewhere `>` and `|` are words, or those of the caller's shell.
    ("man ", &[OneShot, Prompt]),
    // What is broken cannot be opened as a session.
    ("repair", &[OneShot]),
    // These read stdin.
    ("check -", &[OneShot]),
    ("diff -", &[OneShot]),
    ("restore -", &[OneShot]),
    ("import -", &[OneShot]),
];

/// An example of a help text.
#[derive(Debug)]
pub(crate) struct Example {
    pub(crate) line: String,
    pub(crate) modes: &'static [Mode],
}

impl Example {
    pub(crate) fn new(line: &str) -> Self {
        let own = MODES.iter().find(|(begin, _)| line.starts_with(begin));
        Self { line: line.to_owned(), modes: own.map_or(&[OneShot, Script, Prompt], |(_, modes)| modes) }
    }

    /// What must have been done in the same session.
    pub(crate) fn before(&self) -> &'static [&'static str] {
        match self.line.split(' ').next() {
            Some("commit" | "rollback") => &["begin", "set a 1"],
            Some("undo" | "history") => &["set a 1", "set a 2", "set a 3"],
            Some("redo") => &["set a 1", "undo"],
            _ => &[],
        }
    }
}

/// What the program prints as help on a topic, or on all.
pub(crate) fn help(topic: Option<&str>) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rusty-kv"));
    let output = command.arg("help").args(topic).env_clear().output().expect("it starts");
    assert!(output.status.success(), "help {topic:?}");
    String::from_utf8(output.stdout).expect("help is text")
}

/// The examples of all commands.
pub(crate) fn all() -> Vec<Example> {
    let overview = help(None);
    let shown =
        overview.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next().filter(|name| !name.is_empty()));
    let examples: Vec<Example> = shown.chain(["man"]).flat_map(|name| of(&help(Some(name)))).collect();
    assert!(examples.len() > 100, "{examples:?}");
    examples
}

fn of(help: &str) -> Vec<Example> {
    let examples = help.lines().skip_while(|line| *line != "Examples:").skip(1);
    examples.map_while(|line| line.strip_prefix("  ")).map(Example::new).collect()
}

/// Makes a home with a folder `work` in it, where the database `kv.json` and the files are that the example speaks of.
pub(crate) fn prepare(home: &Path, example: &Example) {
    let work = home.join("work");
    let put = |name: &str, text: &str| {
        fs::File::create(work.join(name))
            .and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()))
            .expect("a file can be written");
    };
    fs::create_dir_all(work.join("backups")).expect("a folder can be made");
    put("setup.kv", KEYS);
    put("my commands.kv", "set a 1\n");
    put("users.jsonl", "{\"key\":\"user:7\",\"value\":\"Eve\"}\n");
    put(".env", "NAME=value\n");
    put("table.csv", "id,name\n1,Ada\n");
    put("server", "#!/bin/sh\ntest \"$1 $2 $TOKEN\" = '--port 80 abc'\n");
    fs::set_permissions(work.join("server"), fs::Permissions::from_mode(0o700)).expect("its mode can be set");
    let run = |args: &[&str]| {
        let output = program(home).args(args).output().expect("it starts");
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    run(&["-f", "setup.kv"]);
    for copy in ["backup.json", "backups/monday.json", "project.json", "old.json", "new.json"] {
        fs::copy(work.join("kv.json"), work.join(copy)).expect("the database can be copied");
    }
    fs::create_dir_all(home.join(".config/rusty-kv")).expect("a folder can be made");
    for name in ["scratch", "work"] {
        put(&format!("../.config/rusty-kv/{name}.json"), "{\"map\":{\"a\":\"1\"}}\n");
    }
    match example.line.as_str() {
        "repair" => put("kv.json", "{\"map\":{\n\"a\": \"1\",\n\"b\": 2x\n}}\n"),
        line if line.starts_with("repair") => {
            // A journal that belongs to another version of the file.
            let many: Vec<String> = (0..3_000).map(|n| format!("set key:{n} '{}'\n", "v".repeat(80))).collect();
            put("many.kv", &many.concat());
            run(&["-f", "many.kv"]);
            run(&["save"]);
            run(&["set", "a", "1"]);
            put("kv.json", "{\"map\":{\"a\":\"2\"}}\n");
        }
        _ => {}
    }
}

/// The keys that the examples are about.
const KEYS: &str = "\
set hello world
set user:1 '{\"name\":\"Ada\"}' --json
set user:2 Bob
set session:9 x --ttl 1h
set token abc --ttl 1h
set job:1 build
set job:1:done 1
set state ready
set visits 1
set balance 10
set stock 20
set log text
set greeting hello
set draft 1
set new 1
set current 2
set config '{\"a\":1}' --json
set cfg '{\"x\":{\"a\":1}}' --json
set '|' 1
set jobs '[\"build\"]' --json
set order:1 '{\"items\":[\"tea\"],\"visits\":1}' --json
set app:TOKEN abc
set app/db-host localhost
";

/// The program in that home, on that database.
pub(crate) fn program(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rusty-kv"));
    surround(&mut command, home);
    command
}

/// The place and the environment that the examples are run in.
pub(crate) fn surround(command: &mut Command, home: &Path) {
    command.env_clear().env("HOME", home).current_dir(home.join("work"));
    command.env("RUSTY_KV_DB", "./kv.json").env("EDITOR", "true").env("LC_ALL", "C.UTF-8");
    let folder = Path::new(env!("CARGO_BIN_EXE_rusty-kv")).parent().expect("a program lies in a folder").to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(folder).chain(std::env::split_paths(&path)));
    command.env("PATH", path.expect("folders of a PATH"));
}

/// Whether a program is installed that an example names; if not that is said, and is a failure with `CI=true`.
pub(crate) fn has_its_program(example: &Example) -> bool {
    let Some((_, program)) = example.line.split_once("| ") else { return true };
    let name = program.split(' ').next().unwrap_or_default();
    let is_there = Command::new(name).arg("--version").output().is_ok();
    if !is_there {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{name} is not installed");
        let _ = std::io::Write::write_all(
            &mut std::io::stderr(),
            format!("SKIPPED: {name} is not installed, so `{}` was not run\n", example.line).as_bytes(),
        );
    }
    is_there
}
