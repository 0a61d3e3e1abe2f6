//! What an import says, refuses and makes: what was in the file, and nothing else.

#![cfg(feature = "shell")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::common::folder;

/// A database in a folder of its own, and files beside it.
struct Place {
    folder: TempDir,
}

/// What the program has answered.
#[derive(Debug)]
struct Said {
    status: i32,
    out: String,
    err: String,
}

impl Place {
    fn new() -> Self {
        Self { folder: folder() }
    }

    /// Writes a file.
    fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        super::common::put(&self.folder.path().join(name), content);
    }

    /// Runs the program on the database.
    fn run(&self, args: &[&str]) -> Said {
        let output = Command::new(env!("CARGO_BIN_EXE_rusty-kv"))
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .args(["-d", "./kv.json"])
            .args(args)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said { status: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// What it prints, if it ends with status 0.
    fn ok(&self, args: &[&str]) -> String {
        let said = self.run(args);
        assert_eq!(said.status, 0, "{args:?}: {said:?}");
        said.out
    }

    /// What it says on stderr, if it ends with that status and the database holds nothing.
    fn refused(&self, status: i32, args: &[&str]) -> String {
        let said = self.run(args);
        assert_eq!(said.status, status, "{args:?}: {said:?}");
        assert_eq!(self.ok(&["count"]), "0\n", "{args:?}");
        said.err
    }

    fn clear(&self) {
        let _ = fs::remove_file(self.folder.path().join("kv.json"));
    }
}

/// Files that say the same: `a` twice, then `b` and `c`.
const REPEATING: [(&str, &str); 5] = [
    ("r.csv", "key,value\na,1\na,2\nb,3\nc,4\n"),
    ("r.tsv", "a\t1\na\t2\nb\t3\nc\t4\n"),
    ("r.env", "a=1\na=2\nb=3\nc=4\n"),
    ("r.redis", "SET a 1\nSET a 2\nSET b 3\nSET c 4\n"),
    (
        "r.jsonl",
        "{\"key\":\"a\",\"value\":\"1\"}\n{\"key\":\"a\",\"value\":\"2\"}\n{\"key\":\"b\",\"value\":\"3\"}\n\
         {\"key\":\"c\",\"value\":\"4\"}\n",
    ),
];

#[test]
fn on_conflict_governs_repeats_within_the_file_and_the_counts_are_what_happened() {
    for (name, content) in REPEATING {
        let place = Place::new();
        place.put(name, content);
        for (how, answer, list) in [
            ("replace", r#"{"ok":true,"imported":3,"read":4,"repeated":1,"skipped":0}"#, "a\t2\nb\t3\nc\t4\n"),
            ("skip", r#"{"ok":true,"imported":2,"read":4,"repeated":1,"skipped":1}"#, "a\t1\nb\t3\nc\told\n"),
        ] {
            place.clear();
            place.ok(&["set", "c", "old"]);
            assert_eq!(place.ok(&["import", name, "--on-conflict", how, "-o", "json"]).trim_end(), answer, "{name}");
            assert_eq!(place.ok(&["list"]), list, "{name} {how}");
        }
        place.clear();
        let said = place.refused(1, &["import", name, "--on-conflict", "fail"]);
        assert!(said.contains("'a' appears more than once"), "{said}");
    }
}

#[test]
fn a_rehearsed_import_shows_exactly_what_the_import_makes() {
    for (name, content) in REPEATING {
        for how in ["replace", "skip", "fail"] {
            let place = Place::new();
            place.put(name, content);
            place.ok(&["set", "c", "old"]);
            place.ok(&["set", "z", "stays"]);
            place.ok(&["save", "before.json"]);
            let dry = place.run(&["import", name, "--on-conflict", how, "--dry-run"]);
            assert_eq!(place.run(&["diff", "before.json"]).status, 0, "{name}: it changed nothing");
            let real = place.run(&["import", name, "--on-conflict", how]);
            assert_eq!(dry.status, real.status, "{name} {how}");
            assert_eq!(dry.out, place.run(&["diff", "before.json"]).out, "{name} {how}");
            assert_eq!(dry.out.is_empty(), how == "fail");
        }
    }
}

#[test]
fn a_rehearsed_import_of_a_database_that_may_only_be_read_works_and_a_database_is_refused_by_both() {
    let place = Place::new();
    place.ok(&["set", "a", "1"]);
    place.put("b.env", "a=2\n");
    assert_eq!(place.ok(&["--read-only", "import", "b.env", "--dry-run"]), "~ a 1 → 2\n");
    for args in [&["import", "kv.json"][..], &["import", "kv.json", "--dry-run"]] {
        let said = place.run(args);
        assert_eq!((said.status, said.out.as_str()), (2, ""), "{said:?}");
    }
}

#[test]
fn an_entry_that_has_expired_is_not_counted_as_imported() {
    let place = Place::new();
    place.put("old.csv", "key,value,type,expires\na,1,text,2001-01-01T00:00:00Z\nb,2,text,\n");
    let answer = r#"{"ok":true,"imported":1,"read":2,"repeated":0,"skipped":0,"expired":1}"#;
    assert_eq!(place.ok(&["import", "old.csv", "-o", "json"]).trim_end(), answer);
    assert_eq!(place.ok(&["list"]), "b\t2\n");
}

#[test]
fn members_of_one_document_that_would_become_one_key_are_refused_and_both_named() {
    for (document, how, first, second) in [
        (r#"{"a.b":1,"a":{"b":2}}"#, Some("dotted"), "/a.b", "/a/b"),
        (r#"{"a":{"b":2},"a.b":1}"#, Some("dotted"), "/a.b", "/a/b"),
        (r#"{"a":{"b.c":1,"b":{"c":2}}}"#, Some("dotted"), "/a/b.c", "/a/b/c"),
        (r#"{"a.b":{"c":1},"a":{"b.c":2}}"#, Some("dotted"), "/a.b/c", "/a/b.c"),
        (r#"{"":{"a":1},"a":2}"#, Some("dotted"), "//a", "/a"),
        (r#"{"a":{"":1},"a.":2}"#, Some("dotted"), "/a/", "/a."),
        (r#"{"a.b":{},"a":{"b":[]}}"#, Some("dotted"), "/a.b", "/a/b"),
        (r#"{"x":1,"a":{"b":1},"a":{"b":2}}"#, Some("pointer"), "/a/b", "/a/b"),
        (r#"{"x":1,"a~b":{"b":1},"a~b":{"b":2}}"#, Some("dotted"), "/a~0b/b", "/a~0b/b"),
        (r#"{"x":1,"a":{"b":1},"a":{"b":2}}"#, None, "/a", "/a"),
    ] {
        let place = Place::new();
        place.put("x.json", document);
        for rest in [&[][..], &["--dry-run"], &["--prefix", "p:"], &["--on-conflict", "skip"]] {
            let mut args = vec!["import", "x.json"];
            args.extend(how.iter().flat_map(|how| ["--flatten", how]));
            args.extend(rest);
            let said = place.refused(2, &args);
            let named = |pointer: &str| said.contains(&format!("{pointer:?}"));
            assert!(named(first) && named(second), "{document}: {said}");
        }
    }
    let place = Place::new();
    place.put("x.json", r#"{"a.b":1,"a":{"c":2},"":{"d":3}}"#);
    place.ok(&["import", "x.json", "--flatten", "dotted"]);
    assert_eq!(place.ok(&["list"]), "a.b\t1\na.c\t2\nd\t3\n");
}
