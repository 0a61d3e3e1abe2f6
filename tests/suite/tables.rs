//! Tables and documents of other programs, in and out: real files, sqlite3 and jq.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

const EMOJI: &str = include_str!("../data/tables/emojibase.json");
const CARS: &str = include_str!("../data/tables/cars.json");
const STOCKS: &str = include_str!("../data/tables/stocks.csv");

/// A folder, and the program in it.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        for (name, content) in [("emoji.json", EMOJI), ("cars.json", CARS), ("stocks.csv", STOCKS)] {
            fs::File::create(place.folder.path().join(name))
                .and_then(|mut file| file.write_all(content.as_ref()))
                .unwrap();
        }
        place
    }

    /// What a command line of `sh` prints; it must end well.
    fn sh(&self, line: &str) -> String {
        let program = PathBuf::from(env!("CARGO_BIN_EXE_rusty-kv"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(program.parent().unwrap().to_owned()).chain(std::env::split_paths(&path));
        let mut command = Command::new("sh");
        command.args(["-ec", line]).current_dir(self.folder.path()).env("HOME", self.folder.path());
        command.env("PATH", std::env::join_paths(folders).unwrap()).stdin(Stdio::null());
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What a command says with `-o json` that it has done.
    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.sh(line)).unwrap()
    }
}

/// Whether a program is installed; if not that is said, and is a failure with `CI=true`.
fn has(program: &str) -> bool {
    let is_there = Command::new(program).arg("--version").output().is_ok();
    if !is_there {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{program} is not installed");
        std::io::stderr().write_all(format!("SKIPPED: {program} is not installed\n").as_bytes()).unwrap();
    }
    is_there
}

fn items(array: &str) -> Vec<Value> {
    serde_json::from_str(array).unwrap()
}

/// The items by a member, the last one of those that have the same.
fn by(member: &str, items: Vec<Value>) -> BTreeMap<String, Value> {
    items.into_iter().map(|item| (item[member].as_str().unwrap().to_owned(), item)).collect()
}

#[test]
fn an_array_of_emoji_goes_in_by_its_key_and_comes_back_equal() {
    let place = Place::new();
    place.sh("rusty-kv -d a import emoji.json --key /hexcode");
    let wanted = by("hexcode", items(EMOJI));
    for format in ["json-array", "jsonl"] {
        let out = place.sh(&format!("rusty-kv -d a export --format {format} --key hexcode"));
        let out = if format == "jsonl" { format!("[{}]", out.trim_end().replace('\n', ",")) } else { out };
        assert_eq!(by("hexcode", items(&out)), wanted);
    }
    place.sh("rusty-kv -d a export out.jsonl --key hexcode; rusty-kv -d b import out.jsonl --key .hexcode");
    assert_eq!(place.sh("rusty-kv -d b diff a"), "");
    let labels =
        place.sh("rusty-kv -d labels import emoji.json --key /hexcode --value /label; rusty-kv -d labels get 1F1E6");
    assert_eq!(labels, "regional indicator A\n");
}

#[test]
fn cars_of_one_name_are_counted_and_several_parts_tell_them_apart() {
    let place = Place::new();
    let (rows, names) = (items(CARS).len(), by("Name", items(CARS)).len());
    assert!(names < rows);
    let said = place.json("rusty-kv -d a import cars.json --key /Name -o json");
    assert_eq!((said["imported"].as_u64(), said["read"].as_u64()), (Some(names as u64), Some(rows as u64)));
    assert_eq!(said["repeated"].as_u64(), Some((rows - names) as u64));
    let kept: BTreeMap<String, Value> = place
        .sh("rusty-kv -d a list -o json")
        .parse::<Value>()
        .map(|list| serde_json::from_value(list).unwrap())
        .unwrap();
    assert_eq!(kept, by("Name", items(CARS)), "the last one counts");
    let said = place.json("rusty-kv -d b import cars.json --key /Name --key /Year --key /Weight_in_lbs -o json");
    let different: BTreeSet<String> = items(CARS)
        .iter()
        .map(|car| {
            format!("{}:{}:{}", car["Name"].as_str().unwrap(), car["Year"].as_str().unwrap(), car["Weight_in_lbs"])
        })
        .collect();
    assert_eq!(said["imported"].as_u64(), Some(different.len() as u64));
    assert_eq!(place.sh("rusty-kv -d b keys").lines().map(str::to_owned).collect::<BTreeSet<_>>(), different);
}

#[test]
fn a_table_of_prices_goes_through_sqlite_and_back() {
    let place = Place::new();
    let said = place.json("rusty-kv -d one import stocks.csv --key /symbol --value /price -o json");
    assert_eq!((said["imported"].as_u64(), said["read"].as_u64()), (Some(5), Some(560)));
    place.sh("rusty-kv -d all import stocks.csv --key /symbol --key /date --key-separator /");
    let rows = place.sh("rusty-kv -d all count").trim().parse::<usize>().unwrap();
    assert_eq!(rows, STOCKS.lines().skip(1).collect::<BTreeSet<_>>().len());
    let table = place.sh("rusty-kv -d all export out.csv --columns /symbol,/date,/price; cat out.csv");
    let columns = |line: &str| line.split_once(',').unwrap().1.to_owned();
    let back: BTreeSet<String> = table.lines().map(columns).collect();
    assert_eq!(back, STOCKS.lines().map(|line| line.trim_end().to_owned()).collect());
    place.sh("rusty-kv -d all export out.tsv --columns .symbol,.date,.price; rusty-kv -d tsv import out.tsv --key /key --value /price");
    assert_eq!(place.sh("rusty-kv -d tsv get 'MSFT/Jan 1 2000'"), "39.81\n");
    if !has("sqlite3") {
        return;
    }
    let dump = r#"sqlite3 x.db ".import --csv out.csv t" ".mode json" "select * from t" > sqlite.json"#;
    place.sh(&format!("{dump}; rusty-kv -d back import sqlite.json --key /key"));
    place.sh("rusty-kv -d back export back.csv --columns /symbol,/date,/price");
    assert_eq!(place.sh("cat back.csv"), table);
}

#[test]
fn jq_reads_what_is_exported_and_writes_what_is_imported() {
    if !has("jq") {
        return;
    }
    let place = Place::new();
    place.sh(
        "jq -c '.[] | {id: .hexcode, label: .label}' emoji.json > jq.jsonl; rusty-kv -d a import jq.jsonl --key /id",
    );
    let sums = "rusty-kv -d a export --format json-array --key id | jq -r 'map(.label) | sort | join(\",\")'; \
                jq -r 'map(.label) | sort | join(\",\")' emoji.json";
    let sums = place.sh(sums);
    let (ours, theirs) = sums.trim_end().split_once('\n').unwrap();
    assert_eq!(ours, theirs);
    // Tables of jq escape as ours do.
    place.sh(r#"jq -rn '["id","text"], ["1","a\tb\\c\nd"] | @tsv' > jq.tsv; rusty-kv -d t import jq.tsv --key /id --value /text"#);
    assert_eq!(place.sh("rusty-kv -d t get 1"), "a\tb\\c\nd\n");
}

#[test]
fn all_countries_go_in_by_a_nested_key_and_come_back_equal() {
    let find = "console.log(require.resolve('world-countries/package.json'))";
    let found = Command::new("node").args(["-e", find]).output().ok().filter(|found| found.status.success());
    let Some(found) = found else {
        std::io::stderr().write_all(b"SKIPPED: world-countries from npm is not installed\n").unwrap();
        return;
    };
    let package = PathBuf::from(String::from_utf8(found.stdout).unwrap().trim()).with_file_name("countries.json");
    let source = fs::read_to_string(package).unwrap();
    let place = Place::new();
    fs::File::create(place.folder.path().join("countries.json"))
        .and_then(|mut file| file.write_all(source.as_ref()))
        .unwrap();
    place.sh("rusty-kv -d a import countries.json --key .name.common; rusty-kv -d b import countries.json --key /cca3");
    assert_eq!(place.sh("rusty-kv -d a get Norway --pointer /cca3"), "NOR\n");
    let out = place.sh("rusty-kv -d b export --format json-array --key cca3");
    assert_eq!(by("cca3", items(&out)), by("cca3", items(&source)));
}
