//! Memory for large values: one copy to read, two to move, and an error if there is not enough.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use rusty_kv::{Database, Value};

use crate::common::{folder, put};

/// The size of the values, in KiB.
const LONG: u64 = 20 << 10;

/// Runs a line of a shell in a folder; `$K` is the program.
fn sh(folder: &Path, line: &str) -> Output {
    let mut command = Command::new("bash");
    command.args(["-c", line]).current_dir(folder).env("HOME", folder).env("K", env!("CARGO_BIN_EXE_rusty-kv"));
    command.output().unwrap()
}

/// The peak memory of a command, in KiB; `None` if no tool reports it.
fn peak(folder: &Path, args: &str) -> Option<u64> {
    const TIME: &str = "/usr/bin/time";
    if !Path::new(TIME).exists() {
        println!("SKIPPED: {TIME} is not installed, so no memory was measured");
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "SKIPPED: {TIME}");
        return None;
    }
    // Returns memory that is no longer used at once.
    let output = sh(folder, &format!("MALLOC_MMAP_THRESHOLD_=65536 {TIME} -f %M -o peak $K {args} > answer"));
    assert!(output.status.success(), "{args}: {output:?}");
    Some(fs::read_to_string(folder.join("peak")).unwrap().trim().parse().unwrap())
}

/// The formats that can be exported and imported.
const FORMATS: [&str; 6] = ["jsonl", "csv", "json", "redis", "tsv", "dotenv"];

/// Values whose lines are about this long: text with escapes, and bytes.
fn values(kib: u64) -> [(&'static str, Value); 2] {
    let length = usize::try_from(kib << 10).unwrap();
    [
        ("text", Value::Text(("a".repeat(1021) + "\n").repeat(length >> 10))),
        ("bytes", Value::Bytes(vec![0xfe; length / 4 * 3])),
    ]
}

#[test]
fn a_long_value_takes_little_more_than_its_line_to_get_and_two_and_a_half_to_move() {
    /// As [`LONG`], for what takes much longer to measure.
    const LONG: u64 = 8 << 10;
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let Some(base) = peak(folder.path(), "-d ./none.json count") else { return };
    let check = |args: String, tenths: u64| {
        let peak = peak(folder.path(), &args).unwrap();
        assert!(peak <= base + LONG * tenths / 10, "{args}: {peak} KiB, {base} without");
    };
    for (name, value) in values(LONG) {
        Database::open(path(&format!("{name}.json"))).unwrap().set("big", value.clone()).unwrap();
        check(format!("-d ./{name}.json get big -o raw"), 13);
        assert!(fs::read(path("answer")).unwrap() == value.as_bytes(), "{name}");
        check(format!("-d ./{name}.json get big -o json"), 13);
        // There is no layout for a copy, so it is checked first.
        fs::copy(path(&format!("{name}.json")), path("copy.json")).unwrap();
        check("-d ./copy.json get big".to_owned(), 13);
        check(format!("-d ./{name}.json dump"), 25);
        for format in FORMATS {
            if name == "bytes" && matches!(format, "json" | "dotenv") {
                continue;
            }
            check(format!("-d ./{name}.json export --force out.{format}"), 25);
            check(format!("-d ./{name}.json export - --format {format}"), 25);
            // With four characters for a byte, the line is three times as long.
            let tenths = if name == "bytes" && matches!(format, "redis" | "tsv") { 35 } else { 25 };
            check(format!("-d ./{name}-again.json import out.{format}"), tenths);
            let db = Database::open(path(&format!("{name}-again.json"))).unwrap();
            assert!(db.get("big").unwrap().as_ref() == Some(&value), "{name} {format}");
            fs::remove_file(path(&format!("{name}-again.json"))).unwrap();
        }
        for side_file in ["", ".journal", ".lock"] {
            let _ = fs::remove_file(path(&format!("copy.json{side_file}")));
        }
    }
}

#[test]
fn running_out_of_memory_for_a_value_is_an_error_and_loses_nothing() {
    let folder = folder();
    let path = folder.path().join("kv.json");
    let [(name, value), ..] = values(LONG);
    {
        Database::open(&path).unwrap().set("big", value.clone()).unwrap();
        put(&folder.path().join("value"), value.as_bytes());
        let before = fs::read(&path).unwrap();
        let mut refused = 0;
        for limit in [30, 45, 57, 70, 82, 95, 107].map(|mib| mib << 10) {
            for args in ["get big", "set big --file value", "append big x"] {
                let output = sh(folder.path(), &format!("ulimit -v {limit}; $K -d ./kv.json {args} > /dev/null"));
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                match output.status.code() {
                    Some(0 | 2) => {}
                    // It cannot even be started.
                    Some(127) => continue,
                    Some(4) if said.contains("out of memory") => {
                        refused += 1;
                        assert!(fs::read(&path).unwrap() == before, "{name}: {args}");
                    }
                    _ => panic!("{name}: {args}: {limit} KiB: {output:?}"),
                }
                if !args.starts_with("get") {
                    put(&path, &before);
                    for side_file in ["kv.json.journal", "kv.json.lock"] {
                        let _ = fs::remove_file(folder.path().join(side_file));
                    }
                }
            }
        }
        assert!(refused > 0, "{name}: no limit was too small");
        fs::remove_file(&path).unwrap();
    }
}

/// Files from other programs: each holds one entry on one line of half of [`LONG`], and is read by the command.
fn imported(folder: &Path) -> Vec<String> {
    let db = folder.join("db.json");
    let text = "a b\u{7f}'".repeat(usize::try_from(LONG << 9).unwrap() / 5);
    Database::open(&db).unwrap().set("big", text).unwrap();
    put(&folder.join("from.dotenv"), ["A=".to_owned(), "b".repeat(10 << 20)].concat().into_bytes());
    let mut commands: Vec<String> = FORMATS.map(|format| format!("import from.{format}")).into();
    for format in FORMATS.into_iter().filter(|format| *format != "dotenv") {
        let made = sh(folder, &format!("$K -d ./db.json export from.{format}"));
        assert!(made.status.success(), "{made:?}");
    }
    assert!(sh(folder, "$K -d ./db.json dump from.kv").status.success());
    assert!(sh(folder, "(printf 'id,x\\n1,'; head -c 10M /dev/zero | tr '\\0' b) > table.csv").status.success());
    assert!(
        sh(folder, "(printf '[\"'; head -c 10M /dev/zero | tr '\\0' '\\177'; printf '\"]') > raw").status.success()
    );
    assert!(sh(folder, "(printf '{\"a\":{\"b\":'; cat raw; printf '}}') > deep.json").status.success());
    assert!(sh(folder, "(head -c 10M /dev/zero | tr '\\0' ',') > commas.csv").status.success());
    commands.extend(
        ["import table.csv", "import deep.json --flatten pointer", "import commas.csv", "-f from.kv", "< from.kv"]
            .map(str::to_owned),
    );
    commands.extend(["set big --json --file raw", "import - --format jsonl < from.jsonl"].map(str::to_owned));
    commands
}

#[test]
fn running_out_of_memory_for_a_line_of_a_file_is_an_error_and_loses_nothing() {
    let folder = folder();
    let path = folder.path().join("kv.json");
    let commands = imported(folder.path());
    Database::open(&path).unwrap().set("old", "value").unwrap();
    let before = fs::read(&path).unwrap();
    for args in commands {
        let mut refused = 0;
        for limit in [20, 30, 40, 50, 60, 75].map(|mib| mib << 10) {
            let output = sh(folder.path(), &format!("ulimit -v {limit}; $K -d ./kv.json {args} > /dev/null"));
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            match output.status.code() {
                // It is refused for its content.
                Some(2) if args.contains("commas") => {}
                Some(0) => {}
                // It cannot even be started.
                Some(127) => continue,
                Some(4) if said.contains("out of memory") => {
                    refused += 1;
                    assert!(fs::read(&path).unwrap() == before, "{args}");
                }
                _ => panic!("{args}: {limit} KiB: {output:?}"),
            }
            put(&path, &before);
            for side_file in ["kv.json.journal", "kv.json.lock"] {
                let _ = fs::remove_file(folder.path().join(side_file));
            }
        }
        assert!(refused > 0, "{args}: no limit was too small");
    }
}
