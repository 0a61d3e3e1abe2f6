//! All readers agree about an exported `.env` file: python-dotenv, dotenv from npm, `node --env-file` and bash.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use rusty_kv::Database;

use super::common::folder;

type Variables = BTreeMap<String, String>;

/// The commands that read a file, given as the last argument or as `$FILE`, and print its variables as an object; and
/// the commands that check whether each is installed.
const READERS: [(&str, &[&str], &[&str]); 4] = [
    (
        "python-dotenv",
        &["python3", "-c", "from dotenv import dotenv_values"],
        &[
            "python3",
            "-c",
            "import json,sys; from dotenv import dotenv_values; print(json.dumps(dotenv_values(sys.argv[1])))",
        ],
    ),
    (
        "dotenv from npm",
        &["node", "-e", "require('dotenv')"],
        &[
            "node",
            "-e",
            "console.log(JSON.stringify(require('dotenv').parse(require('fs').readFileSync(process.argv[1]))))",
        ],
    ),
    (
        "node --env-file",
        &["node", "--env-file=/dev/null", "-e", ""],
        &["sh", "-c", "exec node --env-file=\"$0\" -e 'console.log(JSON.stringify(process.env))'"],
    ),
    ("bash", &["bash", "-c", ""], &["bash", "-c", "set -a; . \"$0\"; exec env -0"]),
];

/// Where node finds packages that are installed globally.
fn node_path() -> OsString {
    static PATH: LazyLock<OsString> = LazyLock::new(|| {
        std::env::var_os("NODE_PATH").unwrap_or_else(|| {
            let npm = Command::new("npm").args(["root", "--global"]).output();
            npm.map(|output| String::from_utf8_lossy(&output.stdout).trim().into()).unwrap_or_default()
        })
    });
    PATH.clone()
}

/// The variables as a reader sees them; `None` if it is not installed, which only CI requires.
fn read(reader: usize, file: &Path) -> Option<Variables> {
    let (name, probe, words) = READERS[reader];
    let start = |words: &[&str]| {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).env_clear();
        for kept in ["PATH", "HOME", "VIRTUAL_ENV"] {
            command.envs(std::env::var_os(kept).map(|value| (kept, value)));
        }
        command.env("NODE_PATH", node_path());
        command
    };
    if !start(probe).output().is_ok_and(|output| output.status.success()) {
        let _ = writeln!(std::io::stderr(), "SKIPPED: {name} is not installed, so no file was read by it");
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "SKIPPED: {name}");
        return None;
    }
    let output = start(words).arg(file).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{name}: {output:?}");
    Some(if name == "bash" {
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_terminator('\0').filter_map(|line| line.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect()
    } else {
        serde_json::from_slice(&output.stdout).unwrap()
    })
}

/// Characters with a meaning to some reader, alone, in pairs and in threes.
fn hard() -> Vec<String> {
    const PARTS: [&str; 28] = [
        "a", " ", "\t", "\n", "'", "\"", "\\", "$", "{", "}", "`", "#", "=", "\r", "n", "!", "é", "*", "~", "(", "-",
        ":", "1", "\u{b}", "\u{1b}", "\u{85}", "\u{2028}", "\u{feff}",
    ];
    let pairs = PARTS.iter().flat_map(|a| PARTS.iter().map(move |b| format!("{a}{b}")));
    let threes =
        pairs.clone().flat_map(|pair| PARTS.iter().step_by(2).map(move |c| format!("{pair}{c}")).collect::<Vec<_>>());
    let whole = [
        "",
        "DgaH$a43",
        "it's",
        "say \"hi\"",
        "C:\\new\\table",
        "${HOME}",
        "$HOME",
        "it's $5",
        "it's 5$",
        "a#b",
        "#ff0000",
        " x ",
        "line 1\nline 2\n",
        "-----BEGIN KEY-----\nMIIE+/=\n-----END KEY-----\n",
        "{\"a\": [1, \"b\"]}",
        "`id`",
        "$(id)",
        "a=b",
        "${a:-b}",
        "${a",
        "}${",
        "x: y",
        "export A=1",
        "\\d+\\.\\d",
        "it's \\d",
        "100%",
        "a,b;c",
        "日本",
        "\u{1f600}",
        "'",
        "''",
    ];
    whole.into_iter().map(str::to_owned).chain(PARTS.map(str::to_owned)).chain(pairs).chain(threes).collect()
}

fn export(folder: &Path, args: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rusty-kv"));
    command
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .args(["-d", "./kv.json", "export", "out.env"])
        .args(args);
    let output = command.output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn what_is_exported_is_read_back_exactly_by_all_who_read_such_files() {
    let folder = folder();
    let values: Variables = hard().into_iter().enumerate().map(|(n, value)| (format!("V{n}"), value)).collect();
    let mut db = Database::open(folder.path().join("kv.json")).unwrap();
    db.extend(values.iter().map(|(key, value)| (key.clone(), value.as_str()))).unwrap();
    drop(db);
    let (status, said) = export(folder.path(), &["--lossy"]);
    assert_eq!(status, 0, "{said}");
    let file = folder.path().join("out.env");
    // Its contents, according to rusty-kv.
    let mut back = Command::new(env!("CARGO_BIN_EXE_rusty-kv"));
    back.current_dir(folder.path()).env_clear().env("HOME", folder.path()).args([
        "-d",
        "./back.json",
        "import",
        "out.env",
    ]);
    assert!(back.output().unwrap().status.success());
    let db = Database::open(folder.path().join("back.json")).unwrap();
    let written: Variables =
        db.iter().map(|item| item.map(|(key, entry)| (key, entry.value.to_string())).unwrap()).collect();
    assert!(written.len() > values.len() / 2, "{} of {}", written.len(), values.len());
    for (key, value) in &written {
        assert_eq!(Some(value), values.get(key), "{key}");
    }
    for (reader, (name, ..)) in READERS.iter().enumerate() {
        let Some(read) = read(reader, &file) else { continue };
        for (key, value) in &written {
            assert_eq!(read.get(key), Some(value), "{name}: {key}");
        }
    }
}

#[test]
fn what_some_reader_would_misread_is_refused_with_the_key_and_the_reader_and_left_out_by_lossy() {
    let place = |key: &str, value: &str| {
        let folder = folder();
        Database::open(folder.path().join("kv.json")).unwrap().set(key, value).unwrap();
        folder
    };
    for (key, value, reader) in [
        ("A", "${HOME}", "python-dotenv"),
        ("A", "x ${HOME:-y} z", "python-dotenv"),
        ("A", "a\\\\b", "python-dotenv"),
        ("A", "ends with \\", "python-dotenv"),
        ("A", "it's a\\nb", "python-dotenv"),
        ("A", "both ' and \"", "bash"),
        ("A", "it's $HOME", "bash"),
        ("A", "it's `id`", "bash"),
        ("A", "a\rb", "dotenv from npm"),
        ("A", "a\r\nb", "dotenv from npm"),
        ("UID", "1000", "bash"),
        ("RANDOM", "x", "bash"),
        ("__proto__", "x", "dotenv from npm"),
    ] {
        let folder = place(key, value);
        let (status, said) = export(folder.path(), &[]);
        assert_eq!(status, 2, "{value:?}: {said}");
        for part in [&format!("'{key}'"), reader, "--format sh", "--format json", "--lossy"] {
            assert!(said.contains(part), "{value:?}: {said}");
        }
        assert!(!folder.path().join("out.env").exists());
        assert_eq!(export(folder.path(), &["--lossy"]).0, 0);
        assert_eq!(std::fs::read_to_string(folder.path().join("out.env")).unwrap(), "");
    }
    for (value, line) in [
        ("", "A=\n"),
        ("a_B./:@%+,-1", "A=a_B./:@%+,-1\n"),
        ("DgaH$a43", "A='DgaH$a43'\n"),
        ("a\nb", "A='a\nb'\n"),
        ("say \"hi\"", "A='say \"hi\"'\n"),
        ("a\\nb", "A='a\\nb'\n"),
        ("#ff0000", "A='#ff0000'\n"),
        ("it's", "A=\"it's\"\n"),
        ("it's 5$", "A=\"it's 5$\"\n"),
    ] {
        let folder = place("A", value);
        assert_eq!(export(folder.path(), &[]), (0, String::new()), "{value:?}");
        assert_eq!(std::fs::read_to_string(folder.path().join("out.env")).unwrap(), line);
    }
}
