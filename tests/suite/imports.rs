//! What an import prints, refuses and stores: the contents of the file, and nothing else.

#![cfg(feature = "shell")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::common::folder;

/// A database in a folder of its own, with files next to it.
struct Place {
    folder: TempDir,
}

/// The output of the program.
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

    /// Its output, if it ends with status 0.
    fn ok(&self, args: &[&str]) -> String {
        let said = self.run(args);
        assert_eq!(said.status, 0, "{args:?}: {said:?}");
        said.out
    }

    /// Its stderr, if it ends with this status and the database stays empty.
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

/// Files with the same contents: `a` twice, then `b` and `c`.
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

const TABLE: &str = "id,name\n1,Ada\n2,\"Grace\rHopper\"\n";

#[test]
fn rows_end_in_cr_lf_or_both_and_quotes_keep_them() {
    for end in ["\n", "\r\n", "\r"] {
        let place = Place::new();
        place.put(
            "t.csv",
            "key,value\na,1\n\nb,\"2\rx\r\ny\"\nc,\n"
                .replace("\r\n", "\u{1}")
                .replace('\n', end)
                .replace('\u{1}', "\r\n"),
        );
        place.put("t.tsv", "d\t1\n\ne\t2\n".replace('\n', end));
        place.put("t.env", "# x\nf=1 # y\nexport g='2'\nh=\"a b\"\n".replace('\n', end));
        for name in ["t.csv", "t.tsv", "t.env"] {
            place.ok(&["import", name]);
        }
        let list = "a\t1\nb\t2\\rx\\r\\ny\nc\t\nd\t1\ne\t2\nf\t1\ng\t2\nh\ta b\n";
        assert_eq!(place.ok(&["list"]), list, "{end:?}");
    }
    let place = Place::new();
    place.put("t.csv", "key,value\ra,1\rb\r");
    assert!(place.refused(2, &["import", "t.csv"]).contains("t.csv:3:1: "));
}

#[test]
fn a_table_says_how_it_is_separated_or_is_refused_with_the_option_to_give() {
    let wanted = "1\t{\"id\":\"1\",\"name\":\"Ada\"}\n2\t{\"id\":\"2\",\"name\":\"Grace\\\\rHopper\"}\n";
    for (separator, option) in [(';', ";"), ('\t', "\\t"), ('\t', "tab"), ('|', "|"), ('^', "^"), (',', ",")] {
        let separated = TABLE.replace(',', &separator.to_string());
        let place = Place::new();
        place.put("t.csv", &separated);
        if !matches!(separator, ',' | '^') {
            let said = place.refused(2, &["import", "t.csv"]);
            let shown = if separator == '\t' { "\\t".to_owned() } else { separator.to_string() };
            assert!(said.contains(&format!("--delimiter '{shown}'")), "{said}");
        }
        place.ok(&["import", "t.csv", "--delimiter", option]);
        assert_eq!(place.ok(&["list"]), wanted, "{option}");
        for line in
            [format!("sep={separator}\n"), format!("SEP={separator}\r\n"), format!("\u{feff}\"sep={separator}\"\r")]
        {
            place.clear();
            place.put("s.csv", line.clone() + &separated);
            place.ok(&["import", "s.csv"]);
            assert_eq!(place.ok(&["list"]), wanted, "{line:?}");
        }
    }
}

#[test]
fn a_header_is_looked_at_as_it_is_quoted_and_an_option_decides() {
    for (header, args, is_taken) in [
        ("\"id\";\"first; name\"", &[][..], false),
        ("id;first,name;last", &[], false),
        ("id;first,name;last", &["--delimiter", ","], true),
        ("id,\"a;b;c;d\"", &[], true),
        ("\"id;name\"", &[], true),
        ("id", &[], true),
        ("\r\n\nid;name", &[], false),
        ("id,name", &["--delimiter", ";"], false),
        ("id,name;x", &[], false),
    ] {
        let place = Place::new();
        place.put("t.csv", format!("{header}\n"));
        let said = place.run(&[&["import", "t.csv"], args].concat());
        assert_eq!(said.status, if is_taken { 0 } else { 2 }, "{header:?} {args:?}: {said:?}");
    }
    let place = Place::new();
    place.put("t.csv", "a,b\n");
    for wrong in ["", ";;", "\"", "é", "\n"] {
        assert!(place.refused(2, &["import", "t.csv", "--delimiter", wrong]).contains("expected one character"));
    }
}

#[test]
fn an_option_that_a_format_does_not_use_is_refused_and_the_formats_that_do_are_named() {
    const FORMATS: [&str; 10] = ["json", "jsonl", "csv", "dotenv", "redis", "tsv", "jsonc", "sh", "fish", "json-array"];
    const DOCUMENTS: &[&str] = &["json", "jsonl", "csv", "tsv", "jsonc"];
    const IMPORT: [(&[&str], &[&str]); 11] = [
        (&["--flatten", "dotted"], &["json", "jsonc"]),
        (&["--key", "/id"], DOCUMENTS),
        (&["--value", "/id"], DOCUMENTS),
        (&["--key-column", "id"], &["csv", "tsv"]),
        (&["--value-column", "id"], &["csv", "tsv"]),
        (&["--no-header"], &["csv", "tsv"]),
        (&["--expand"], &["dotenv"]),
        (&["--delimiter", ";"], &["csv"]),
        (&["--prefix", "p:"], &["json", "jsonl", "csv", "dotenv", "redis", "tsv", "jsonc"]),
        (&["--on-conflict", "skip"], &["json", "jsonl", "csv", "dotenv", "redis", "tsv", "jsonc"]),
        (&["--dry-run"], &["json", "jsonl", "csv", "dotenv", "redis", "tsv", "jsonc"]),
    ];
    const EXPORT: [(&[&str], &[&str]); 4] = [
        (&["--lossy"], &["json", "dotenv", "redis", "tsv", "sh", "fish", "json-array"]),
        (&["--key", "id"], &["jsonl", "csv", "tsv", "json-array"]),
        (&["--columns", "/id"], &["csv", "tsv"]),
        (&["--strip-prefix", "p:"], &["json", "jsonl", "csv", "dotenv", "redis", "tsv", "sh", "fish", "json-array"]),
    ];
    let place = Place::new();
    place.put("empty", "");
    place.put("id.csv", "id\n");
    let tried = |command: &str, (option, users): (&[&str], &[&str]), format: &str| {
        let file =
            if command == "import" && format == "csv" && option[0].contains(['k', 'v']) { "id.csv" } else { "empty" };
        let base: &[&str] = if command == "import" { &["import", file] } else { &["export", "-"] };
        let said = place.run(&[base, &["--format", format], option].concat());
        if users.contains(&format) {
            assert!(!said.err.contains("does not apply to"), "{option:?} {format}: {said:?}");
        } else {
            assert_eq!(said.status, 2, "{option:?} {format}: {said:?}");
            assert!(said.err.contains(&format!("only to {}", users.join(", "))), "{said:?}");
        }
    };
    for format in FORMATS {
        for option in IMPORT.into_iter().filter(|_| !matches!(format, "sh" | "fish" | "json-array")) {
            tried("import", option, format);
        }
        for option in EXPORT.into_iter().filter(|_| format != "jsonc") {
            tried("export", option, format);
        }
    }
    // By the file's name, and where the format is the one that is meant if none is named.
    place.put("t.json", "{}");
    assert!(place.refused(2, &["import", "t.json", "--key-column", "id"]).contains("only to csv, tsv"));
    assert!(place.refused(2, &["export", "--lossy"]).contains("does not apply to jsonl"));
}

#[test]
fn a_file_in_another_encoding_is_named_with_the_way_out() {
    let utf16 = |text: &str, little: bool| {
        text.encode_utf16()
            .flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() })
            .collect::<Vec<u8>>()
    };
    for (name, text) in [
        ("t.json", "{\"a\":1}"),
        ("t.jsonl", "{\"key\":\"a\",\"value\":1}\n"),
        ("t.csv", "key,value\na,1\n"),
        ("t.tsv", "a\t1\n"),
        ("t.env", "A=1\n"),
        ("t.redis", "SET a 1\n"),
    ] {
        for mark in ["", "\u{feff}"] {
            for (little, encoding) in [(true, "UTF-16 (little-endian)"), (false, "UTF-16 (big-endian)")] {
                let place = Place::new();
                place.put(name, utf16(&format!("{mark}{text}"), little));
                let said = place.refused(2, &["import", name]);
                assert!(said.contains(encoding) && said.contains("iconv -f UTF-16"), "{name}: {said}");
            }
        }
    }
}

#[test]
fn json_with_comments_or_trailing_commas_is_named_as_such_with_the_way_out() {
    for (document, place_of) in [
        ("// settings, \"all\"\n{\"a\": 1}", "1:1"),
        ("/* x */ {\"a\": 1}", "1:1"),
        ("{\n  // it's one, or {two\n  \"a\": 1}", "2:3"),
        ("{\"a\": 1, // \"b\n \"c\": 2}", "1:10"),
        ("{\"a\": /* x */ 1}", "1:7"),
        ("{\"a\" /* x */ : 1}", "1:6"),
        ("{\"a\": 1 // it's\n}", "1:9"),
        ("{\"a\": [1, // x\n 2]}", "1:11"),
        ("{\"a\": {\"b\": 1 /* } */}}", "1:15"),
        ("{\"a\": 1} // end", "1:10"),
        ("{\"a\": 1,}", "1:9"),
        ("{\"a\": 1,\n}", "2:1"),
        ("{\"a\": [1, 2,]}", "1:12"),
        ("{\"a\": {\"b\": 1, }}", "1:14"),
        ("{\"a\": 1, /* x */}", "1:10"),
    ] {
        let place = Place::new();
        place.put("t.json", document);
        let said = place.refused(2, &["import", "t.json"]);
        assert!(said.contains("JSONC") && said.contains("--format jsonc"), "{document}: {said}");
        assert!(said.contains(&format!("t.json:{place_of}: ")), "{document}: {said}");
    }
    let place = Place::new();
    place.put("t.jsonl", "{\"key\":\"a\",\"value\":[1,]}\n");
    assert!(place.refused(2, &["import", "t.jsonl"]).contains("JSONC"));
    place.put("t.json", "{\"http://a\": \"/* no comment */\"}");
    place.ok(&["import", "t.json"]);
}
