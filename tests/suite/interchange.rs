//! Exactness: what goes out comes back identical by every format that can carry it, and a format that cannot says so.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use rusty_kv::{Database, Entry, Timestamp, Value};

/// What `dump` writes and `-f` reads, besides the formats of `export` and `import`.
const COMMANDS: &str = "kv";

/// A folder with databases, and the program in it.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program on the database of that name.
    fn command(&self, name: &str, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rusty-kv"));
        command
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .arg("-d")
            .arg(format!("{name}.json"))
            .args(args)
            .stdin(Stdio::null());
        command
    }

    fn run(&self, name: &str, args: &[&str]) -> Output {
        self.command(name, args).output().unwrap()
    }

    /// What it prints, if it ends with status 0 and says nothing on stderr.
    fn says(&self, name: &str, args: &[&str]) -> Vec<u8> {
        said(&self.command(name, args).output().unwrap(), args)
    }

    fn fill(&self, name: &str, entries: &BTreeMap<String, Entry>) {
        let mut db = Database::open(self.path(&format!("{name}.json"))).unwrap();
        db.transaction(|tx| entries.iter().try_for_each(|(key, entry)| tx.set_entry(key, entry.clone()))).unwrap();
    }

    fn content(&self, name: &str) -> BTreeMap<String, Entry> {
        let db = Database::open(self.path(&format!("{name}.json"))).unwrap();
        db.iter().collect::<rusty_kv::Result<_>>().unwrap()
    }

    /// Out of one database into an empty one, by a file of that format, and by pipes; the bytes of the file.
    fn there_and_back(&self, name: &str, format: &str) -> Vec<u8> {
        let file = format!("{name}.out.{format}");
        let back = |how: &str| format!("{name}-{format}-{how}");
        let (by_file, by_pipe) = (back("file"), back("pipe"));
        let mut piped = self.command(&by_pipe, &[]);
        if format == COMMANDS {
            self.says(name, &["dump", &file]);
            self.says(&by_file, &["-f", &file]);
        } else {
            self.says(name, &["export", &file]);
            self.says(&by_file, &["import", &file]);
            piped.args(["import", "-", "--format", format]);
        }
        let bytes = fs::read(self.path(&file)).unwrap();
        let to_stdout: &[&str] = if format == COMMANDS { &["dump"] } else { &["export", "--format", format] };
        assert!(self.says(name, to_stdout) == bytes, "{format}: stdout and the file are alike");
        said(&fed(piped, &bytes), &[format]);
        let snapshot = |name: &str| fs::read(self.path(&format!("{name}.json"))).unwrap();
        let wanted = self.content(name);
        for back in [by_file, by_pipe] {
            assert_alike(&self.content(&back), &wanted, format);
            self.says(&back, &["save"]);
            assert!(snapshot(&back) == snapshot(name), "{format}: the files are identical");
            assert!(self.says(&back, &["diff", &format!("{name}.json")]).is_empty());
        }
        bytes
    }
}

fn said(output: &Output, what: &[&str]) -> Vec<u8> {
    assert!(output.status.success() && output.stderr.is_empty(), "{what:?}: {output:?}");
    output.stdout.clone()
}

/// Runs a program with that on its stdin.
fn fed(mut command: Command, input: &[u8]) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    output
}

/// Equal, and if not the first difference, not all of both.
fn assert_alike(ours: &BTreeMap<String, Entry>, wanted: &BTreeMap<String, Entry>, what: &str) {
    for (key, entry) in wanted {
        assert_eq!(ours.get(key), Some(entry), "{what}: {key:?}");
    }
    assert_eq!(ours.len(), wanted.len(), "{what}");
}

/// Words that look like something else, numbers at the edge, and whole scripts.
const WORDS: &[&str] = &[
    "",
    " ",
    "  two  blanks  ",
    "\ttab\t",
    "\r\n",
    "a\r\nb\rc\nd",
    "\n\n",
    "end\n",
    "\nset x 1\nclear --yes\n",
    "a\0b",
    "-",
    "--",
    "--yes",
    "-5",
    "--ttl",
    "-d",
    "#",
    "# comment",
    "; x",
    "// x",
    "/* x */",
    "exit 7",
    "begin",
    "clear --yes",
    "set a b",
    "\\",
    "\\\\",
    "\\n",
    "\\x41",
    "\\u0041",
    "\\u{41}",
    "\\t",
    "\\'",
    "\\\"",
    "\\restrict",
    "\"\\nflushall\"",
    "$(id)",
    "`id`",
    "${HOME}",
    "$HOME",
    "%s",
    "!x",
    "!!",
    "~",
    "*",
    "?",
    "[a-z]",
    "a=b",
    "=",
    "export A=1",
    "a;b",
    "a|b",
    "a&b",
    ">x",
    "<x",
    ",",
    ",,",
    "a,b",
    "\"\"",
    "\"a\",\"b\"",
    "a\"b\"c",
    "'a'",
    "{",
    "}",
    "[",
    "]",
    "{}",
    "[]",
    "{\"a\":1}",
    "[1",
    "{\"$binary\":\"AA==\"}",
    "{\"$json\":1}",
    "$binary",
    "$json",
    "$rusty-kv",
    "map",
    "expires",
    "key",
    "value",
    "type",
    "$serde_json::private::Number",
    "$serde_json::private::RawValue",
    "__proto__",
    "constructor",
    "null",
    "NULL",
    "nil",
    "true",
    "false",
    "NaN",
    "Infinity",
    "0",
    "-0",
    "007",
    "1.0",
    "1e2",
    "1.50",
    "+1",
    "9007199254740991",
    "9007199254740993",
    "18446744073709551615",
    "18446744073709551616",
    "-9223372036854775809",
    "0.1000000000000000055511151231257827",
    "1.7976931348623157e308",
    "5e-324",
    "1e400",
    "2026-11-24",
    "1h30m",
    "0x1F",
    "SET",
    "SET a b",
    "EXPIRE",
    "e\u{301}\u{301}\u{301}",
    "👩‍🚀",
    "🇩🇪",
    "\u{202e}txt.exe",
    "Ωμέγα",
    "日本語",
    "עברית",
    "\u{1b}[2J",
    "\u{1b}]0;title\u{7}",
    "\u{9b}31m",
];

/// Texts that programs stumble over.
fn nasty() -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    // Each control character, each that a terminal obeys, those beside the surrogates, and the ends of every plane.
    let controls = (0..0x20).chain(0x7f..0xa0).chain([0xad, 0x61c, 0x180e, 0x200b, 0x200c, 0x200d, 0x200e, 0x200f]);
    let bidi = (0x2028..=0x202f).chain(0x2060..=0x206f).chain([0x3000, 0xa0, 0x85]);
    let edges = [0x7ff, 0x800, 0xd7ff, 0xe000, 0xf8ff, 0xfdd0, 0xfeff, 0xfff9, 0xfffc, 0xfffd, 0xfffe, 0xffff];
    let planes = (0..=0x10_u32).flat_map(|plane| [plane << 16, plane << 16 | 0x1f600 & 0xffff, plane << 16 | 0xffff]);
    for c in controls.chain(bidi).chain(edges).chain(planes).filter_map(char::from_u32) {
        texts.extend([c.to_string(), format!("a{c}b"), format!("{c}{c}")]);
    }
    let quotes = "' \" ` ´ ‘ ’ ‚ “ ” „ ‹ › « » ′ ″ ‵ ＂ ＇ ｀ ＼ 「 」 ʼ";
    texts.extend(
        quotes.split(' ').flat_map(|quote| [quote.to_owned(), format!("{quote}x{quote}"), format!("it{quote}s")]),
    );
    texts.extend(WORDS.iter().map(|&word| word.to_owned()));
    texts.push("x".repeat(5000));
    texts.push("é\\\"'\n".repeat(500));
    texts
}

/// JSON that must stay digit for digit.
fn documents() -> Vec<String> {
    let numbers = [
        "0",
        "-0",
        "1.0",
        "1.50",
        "1e2",
        "1E+2",
        "-1e-7",
        "9007199254740991",
        "9007199254740993",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775809",
        "123456789012345678901234567890",
        "0.1000000000000000055511151231257827",
        "0.30000000000000004",
        "1.7976931348623157e308",
        "2.2250738585072014e-308",
        "5e-324",
        "1e400",
    ];
    let others = [
        "null",
        "true",
        "false",
        "[]",
        "{}",
        "[[[]]]",
        r#"{"b":1,"a":2}"#,
        r#"{"$binary":"AA=="}"#,
        r#"{"$json":{"$json":1}}"#,
        r#"{"":""}"#,
    ];
    let nested = nasty().into_iter().map(|text| {
        let text = serde_json::to_string(&text).unwrap();
        format!("{{{text}:[{text}]}}")
    });
    let deep = format!("{}1{}", "[".repeat(90), "]".repeat(90));
    numbers.into_iter().chain(others).map(str::to_owned).chain(nested).chain([deep]).collect()
}

/// Bytes that are no text, and files that are none.
fn binaries() -> Vec<Vec<u8>> {
    let all: Vec<u8> = (0..=255).collect();
    let program = fs::read(env!("CARGO_BIN_EXE_rusty-kv")).unwrap();
    let mut binaries =
        vec![all.repeat(3), program[..100_000].to_vec(), vec![0xff], vec![0, 0xff, 0], b"\xed\xa0\x80".to_vec()];
    binaries.extend([b"\xc0\x80".to_vec(), b"\xf4\x90\x80\x80".to_vec(), b"a\xc3".to_vec(), b"\xff\xfea\0".to_vec()]);
    binaries.extend((0x80..=0xff).map(|byte| vec![b'a', byte, b'\n']));
    binaries
}

fn until(millis: u64) -> Entry {
    Entry { expiry: Some(Timestamp::from_millis(millis)), ..Entry::from("x") }
}

/// Every nasty text as a key and as a value.
fn texts() -> BTreeMap<String, Entry> {
    let texts = nasty();
    let shifted = texts.iter().cycle().skip(7);
    let mut entries: BTreeMap<_, _> =
        texts.iter().cloned().zip(shifted.map(|text| Entry::from(text.as_str()))).collect();
    entries.extend(texts.iter().enumerate().map(|(n, text)| (format!("value:{n:05}"), Entry::from(text.as_str()))));
    entries
}

fn with_json() -> BTreeMap<String, Entry> {
    let values = documents().into_iter().map(|text| Entry::from(Value::from_json(&text).unwrap()));
    values.enumerate().map(|(n, entry)| (format!("json:{n:05}"), entry)).collect()
}

fn with_bytes() -> BTreeMap<String, Entry> {
    let values = binaries().into_iter().map(|bytes| Entry::from(Value::from_bytes(bytes)));
    values.enumerate().map(|(n, entry)| (format!("bytes:{n:05}"), entry)).collect()
}

/// Expiries to the millisecond, on keys of every kind.
fn with_expiries() -> BTreeMap<String, Entry> {
    let expiries = [4_102_444_800_001, 4_102_444_800_999, 32_472_144_000_000, 253_402_300_799_999];
    let keys = nasty().into_iter().take(40).chain(["ttl".to_owned(), "-".to_owned()]);
    let entry = |n: usize| until(expiries[n % expiries.len()]);
    keys.enumerate().map(|(n, key)| (format!("{key}ttl"), entry(n))).collect()
}

/// Names of variables with every text that a variable can hold.
fn variables() -> BTreeMap<String, Entry> {
    let values = nasty().into_iter().filter(|text| !text.contains('\0'));
    values.enumerate().map(|(n, text)| (format!("_V{n:05}"), Entry::from(text))).collect()
}

/// Those of them in which nothing has a meaning to any program that reads variables.
fn plain_variables() -> BTreeMap<String, Entry> {
    let is_plain = |entry: &Entry| !entry.value.to_string().contains(['\'', '\\', '$', '\r']);
    variables().into_iter().filter(|(_, entry)| is_plain(entry)).collect()
}

fn all(parts: &[BTreeMap<String, Entry>]) -> BTreeMap<String, Entry> {
    parts.iter().flatten().map(|(key, entry)| (key.clone(), entry.clone())).collect()
}

#[test]
fn everything_comes_back_by_the_formats_that_carry_everything() {
    let place = Place::new();
    let everything = all(&[texts(), with_json(), with_bytes(), with_expiries()]);
    place.fill("all", &everything);
    assert_alike(&place.content("all"), &everything, "stored");
    for format in ["jsonl", "csv", COMMANDS] {
        place.there_and_back("all", format);
    }
    // A backup and a restore are no less exact.
    place.says("all", &["save", "backup.json"]);
    place.says("other", &["set", "a", "b"]);
    place.says("other", &["restore", "backup.json"]);
    assert_alike(&place.content("other"), &everything, "restored");
    assert_eq!(place.content("other.before-restore").len(), 1);
}

#[test]
fn what_a_format_can_carry_comes_back_by_it() {
    for (format, content) in [
        ("json", all(&[texts(), with_json()])),
        ("redis", all(&[texts(), with_bytes(), with_expiries()])),
        ("tsv", all(&[texts(), with_bytes()])),
        ("dotenv", plain_variables()),
    ] {
        let place = Place::new();
        place.fill("part", &content);
        place.there_and_back("part", format);
    }
}

#[test]
fn what_a_format_cannot_carry_is_refused_by_key_and_no_file_is_left() {
    let place = Place::new();
    let odd = [
        ("TEXT", Entry::from("x")),
        ("JSON", Entry::from(Value::from_json("1").unwrap())),
        ("BYTES", Entry::from(Value::from_bytes(vec![0xff]))),
        ("EXPIRY", until(4_102_444_800_000)),
        ("no name", Entry::from("x")),
        ("NUL", Entry::from("\0")),
    ];
    let refuses: [(&str, &[&str]); 8] = [
        ("jsonl", &[]),
        ("csv", &[]),
        ("json", &["BYTES", "EXPIRY"]),
        ("redis", &["JSON"]),
        ("tsv", &["JSON", "EXPIRY"]),
        ("dotenv", &["JSON", "BYTES", "EXPIRY", "no name", "NUL"]),
        ("sh", &["BYTES", "no name", "NUL"]),
        ("fish", &["BYTES", "no name", "NUL"]),
    ];
    for (key, entry) in odd {
        place.fill(key, &BTreeMap::from([(key.to_owned(), entry)]));
        for (format, refused) in refuses {
            let file = format!("{key}.out.{format}");
            let output = place.run(key, &["export", &file, "-o", "json"]);
            assert_eq!(
                output.status.code(),
                Some(if refused.contains(&key) { 2 } else { 0 }),
                "{format} {key}: {output:?}"
            );
            assert_eq!(place.path(&file).exists(), !refused.contains(&key));
            if refused.contains(&key) {
                let error: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
                assert_eq!(
                    (&error["error"]["code"], &error["error"]["key"]),
                    (&"unfit".into(), &key.into()),
                    "{error}"
                );
                let lossy = place.run(key, &["export", &file, "--lossy"]);
                let stderr = String::from_utf8(lossy.stderr).unwrap();
                assert!(lossy.status.success() && stderr.contains("left out") && stderr.contains(" 1 "), "{stderr}");
            }
        }
    }
}

#[test]
fn real_data_comes_back_identical() {
    for (source, entries) in [("mime-db.json", 2_522), ("emoji.json", 1_914)] {
        let place = Place::new();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(source);
        place.says("data", &["import", source.to_str().unwrap()]);
        assert_eq!(place.content("data").len(), entries);
        for format in ["jsonl", "csv", COMMANDS] {
            place.there_and_back("data", format);
        }
        let parsed = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap();
        assert!(parsed(&place.there_and_back("data", "json")) == parsed(&fs::read(&source).unwrap()));
        // As keys of their own they are the same leaves.
        for how in ["dotted", "pointer"] {
            place.says(how, &["import", source.to_str().unwrap(), "--flatten", how]);
            let flat = place.content(how);
            let mut leaves = BTreeMap::new();
            flatten(&parsed(&fs::read(&source).unwrap()), String::new(), how, &mut leaves);
            assert_eq!(flat.len(), leaves.len());
            for (key, leaf) in leaves {
                let ours = match &flat[&key].value {
                    Value::Text(text) => serde_json::Value::from(text.as_str()),
                    other => parsed(other.to_string().as_bytes()),
                };
                assert_eq!(ours, leaf, "{key}");
            }
        }
    }
}

fn flatten(value: &serde_json::Value, key: String, how: &str, leaves: &mut BTreeMap<String, serde_json::Value>) {
    match value {
        serde_json::Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                let key = match how {
                    "pointer" => format!("{key}/{}", name.replace('~', "~0").replace('/', "~1")),
                    _ if key.is_empty() => name.clone(),
                    _ => format!("{key}.{name}"),
                };
                flatten(member, key, how, leaves);
            }
        }
        leaf => assert!(leaves.insert(key, leaf.clone()).is_none()),
    }
}

#[test]
fn a_file_is_whole_or_not_there_and_stays_what_it_was() {
    let place = Place::new();
    place.fill("db", &BTreeMap::from([("a".to_owned(), Entry::from("1"))]));
    let mode = |name: &str| fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o777;
    place.says("db", &["export", "new.jsonl"]);
    assert_eq!(mode("new.jsonl"), 0o600);
    // What is replaced keeps its mode, and a link stays one.
    let put = |name: &str, text: &str| fs::File::create(place.path(name)).unwrap().write_all(text.as_bytes()).unwrap();
    put("old.jsonl", "old\n");
    fs::set_permissions(place.path("old.jsonl"), fs::Permissions::from_mode(0o644)).unwrap();
    std::os::unix::fs::symlink("old.jsonl", place.path("link.jsonl")).unwrap();
    place.says("db", &["export", "link.jsonl"]);
    assert!(place.path("link.jsonl").is_symlink());
    assert_eq!(
        (mode("old.jsonl"), fs::read(place.path("old.jsonl")).unwrap()),
        (0o644, fs::read(place.path("new.jsonl")).unwrap())
    );
    // A failure leaves it as it was, and nothing beside it.
    put("old.tsv", "old\n");
    place.says("db", &["set", "b", "2", "--ttl", "1h"]);
    assert_eq!(place.run("db", &["export", "old.tsv"]).status.code(), Some(2));
    assert_eq!(fs::read_to_string(place.path("old.tsv")).unwrap(), "old\n");
    let full = place.run("db", &["export", "/dev/full", "--format", "jsonl"]);
    assert_eq!(full.status.code(), Some(4), "{full:?}");
    assert!(Command::new("mkfifo").arg(place.path("fifo")).status().unwrap().success());
    assert_eq!(place.run("db", &["export", "fifo", "--format", "jsonl"]).status.code(), Some(4), "nobody reads");
    let names = fs::read_dir(place.folder.path()).unwrap().map(|item| item.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    assert_eq!(names, ["db.json", "db.json.lock", "fifo", "link.jsonl", "new.jsonl", "old.jsonl", "old.tsv"]);
    // The files of the database are never a target, whatever they are called.
    std::os::unix::fs::symlink("db.json", place.path("alias.json")).unwrap();
    for own in ["db.json", "./db.json.journal", "db.json.lock", "alias.json"] {
        let output = place.run("db", &["export", own, "--format", "json", "--lossy"]);
        assert_eq!(output.status.code(), Some(2), "{own}: {output:?}");
    }
    assert_eq!(place.content("db").len(), 2);
}

/// A file without a name is gone with its program, where the system has such files.
#[cfg(target_os = "linux")]
#[test]
fn nothing_is_left_of_an_export_that_is_killed() {
    let place = Place::new();
    let mut db = Database::open(place.path("db.json")).unwrap();
    db.extend((0..100_000).map(|n| (format!("key:{n:05}"), format!("{n} ").repeat(50)))).unwrap();
    drop(db);
    let names = || fs::read_dir(place.folder.path()).unwrap().map(|item| item.unwrap().file_name()).collect::<Vec<_>>();
    let before = names();
    for (command, file) in [("export", "all.jsonl"), ("dump", "all.kv")] {
        for millis in [5, 20, 40] {
            let mut child = place.command("db", &[command, file]).spawn().unwrap();
            std::thread::sleep(std::time::Duration::from_millis(millis));
            child.kill().unwrap();
            child.wait().unwrap();
            let whole = place.path(file);
            if whole.exists() {
                fs::remove_file(whole).unwrap();
            }
            assert_eq!(names().len(), before.len(), "{:?}", names());
        }
    }
}

/// What streams takes no memory for what it streams: 60 MB of entries where the program may have 50 MB in all.
#[cfg(target_os = "linux")]
#[test]
fn memory_is_bounded_whatever_goes_out() {
    let place = Place::new();
    let mut db = Database::open(place.path("db.json")).unwrap();
    db.extend((0..60_000).map(|n| (format!("key:{n:05}"), format!("{n} ").repeat(180)))).unwrap();
    drop(db);
    let limited = |args: &str| {
        let line = format!("ulimit -v 50000; exec \"$0\" -d ./db.json {args} > /dev/null");
        let mut sh = Command::new("sh");
        sh.args(["-c", &line, env!("CARGO_BIN_EXE_rusty-kv")]).current_dir(place.folder.path()).output().unwrap()
    };
    assert!(fs::metadata(place.path("db.json")).unwrap().len() > 60_000_000);
    for format in ["json", "jsonl", "csv", "redis", "tsv"] {
        said(&limited(&format!("export --format {format}")), &[format]);
    }
    said(&limited("export all.jsonl"), &["to a file"]);
    said(&limited("dump"), &["dump"]);
    said(&limited("diff ./db.json"), &["diff"]);
    // The limit is one: what is held as a whole does not fit.
    assert!(!limited("import all.jsonl").status.success());
}

/// A shell that takes lines of variables; none if it is not there, which only CI may not be without.
fn shell(name: &str) -> Option<Command> {
    let there = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).any(|dir| dir.join(name).exists());
    if there {
        return Some(Command::new(name));
    }
    assert!(std::env::var_os("CI").is_none(), "{name} is needed for this test");
    eprintln!("SKIPPED: {name} is not installed");
    None
}

#[test]
fn a_shell_gets_the_variables_as_they_are_and_runs_nothing_of_them() {
    let place = Place::new();
    // No shell takes all characters that are no characters; what is written is exact all the same, see `dotenv`.
    place.fill("env", &variables());
    for (format, name) in [("sh", "sh"), ("sh", "bash"), ("sh", "zsh"), ("fish", "fish")] {
        let Some(mut shell) = shell(name) else { continue };
        let lines = place.says("env", &["export", "--format", format]);
        fs::File::create(place.path("variables")).unwrap().write_all(&lines).unwrap();
        shell
            .current_dir(place.folder.path())
            .env("LC_ALL", "C.UTF-8")
            .env("HOME", place.folder.path())
            .args(["-c", ". ./variables; env -0"])
            .stdin(Stdio::null());
        let output = shell.output().unwrap();
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{name}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let found: BTreeMap<Vec<u8>, Vec<u8>> = output
            .stdout
            .split(|&byte| byte == 0)
            .filter_map(|line| {
                let equals = line.iter().position(|&byte| byte == b'=')?;
                Some((line[..equals].to_vec(), line[equals + 1..].to_vec()))
            })
            .collect();
        for (key, entry) in variables() {
            let ours = found.get(key.as_bytes()).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
            assert_eq!(ours.as_deref(), Some(&*entry.value.to_string()), "{name}: {key}");
        }
    }
}

/// A redis of the test's own.
struct Redis {
    server: Child,
    socket: PathBuf,
}

impl Redis {
    fn start(place: &Place) -> Option<Self> {
        let mut server = shell("redis-server")?;
        shell("redis-cli")?;
        let socket = place.path("redis.socket");
        server.args(["--port", "0", "--save", "", "--dir"]).arg(place.folder.path()).arg("--unixsocket").arg(&socket);
        let server = server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let redis = Self { server, socket };
        for _ in 0..500 {
            if redis.says(b"PING\n") == b"PONG\n" {
                return Some(redis);
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        panic!("redis-server does not answer");
    }

    fn says(&self, lines: &[u8]) -> Vec<u8> {
        let mut cli = Command::new("redis-cli");
        cli.arg("-s").arg(&self.socket).stderr(Stdio::null());
        fed(cli, lines).stdout
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn a_real_redis_takes_the_lines_and_holds_the_same() {
    let place = Place::new();
    let Some(redis) = Redis::start(&place) else { return };
    let content = all(&[texts(), with_bytes(), with_expiries()]);
    place.fill("db", &content);
    let lines = place.says("db", &["export", "--format", "redis"]);
    let answers = redis.says(&lines);
    let count = lines.split(|&byte| byte == b'\n').count() - 1;
    let good = answers.split(|&byte| byte == b'\n').filter(|line| matches!(*line, b"OK" | b"1")).count();
    assert_eq!(good, count, "{}", String::from_utf8_lossy(&answers));
    assert_eq!(redis.says(b"DBSIZE\n"), format!("{}\n", content.len()).into_bytes());
    // Asked by a script of its own, so that nothing rests on how redis-cli shows a value: key, value and expiry in hex.
    let script = "local a = {} for _, k in ipairs(redis.call('KEYS', '*')) do local h = function(s) return (s:gsub('.', function(c) return string.format('%02x', c:byte()) end)) end a[#a + 1] = h(k) .. ' ' .. h(redis.call('GET', k)) .. ' ' .. string.format('%.0f', redis.call('PEXPIRETIME', k)) end return a";
    let found = redis.says(format!("EVAL \"{script}\" 0\n").as_bytes());
    let mut found: Vec<&str> = str::from_utf8(&found).unwrap().lines().collect();
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 15])
            .map(|digit| format!("{digit:x}"))
            .collect::<Vec<_>>()
            .concat()
    };
    let wanted = content.iter().map(|(key, entry)| {
        let expiry = entry.expiry.map_or("-1".to_owned(), |expiry| expiry.as_millis().to_string());
        format!("{} {} {expiry}", hex(key.as_bytes()), hex(entry.value.as_bytes()))
    });
    let mut wanted: Vec<String> = wanted.collect();
    found.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(found.len(), wanted.len());
    for (found, wanted) in found.iter().zip(&wanted) {
        assert_eq!(found, wanted);
    }
}
