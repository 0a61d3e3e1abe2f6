//! Files that are not a database: each is refused with its place, on one line, and is not changed.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use rusty_kv::{Database, Entry, Error, Options, Timestamp, Value};

use crate::common::untouched::Untouched;
use crate::common::{folder, put};

/// The error for a file, after the checks that apply to every error.
fn refusal(bytes: &[u8]) -> Error {
    let folder = folder();
    let path = folder.path().join("kv.json");
    put(&path, bytes);
    let before = Untouched::of(&path);
    let error = Database::open(&path).expect_err("this is no database");
    assert_tellable(&error, &path);
    let read_only = Database::open_read_only(&path).expect_err("this is no database");
    assert_eq!(read_only.to_string(), error.to_string());
    assert_eq!(Untouched::of(&path), before, "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder exists").count(), 1, "there is nothing next to it");
    error
}

/// Checks that a message is one line that is safe on a terminal, names the path, and does not mention Rust.
fn assert_tellable(error: &Error, path: &Path) {
    let message = error.to_string();
    assert!(!message.chars().any(char::is_control), "{message:?}");
    assert!(message.starts_with(&format!("cannot open {path:?}: ")), "{message}");
    assert!(!message.contains("os error") && !message.contains("Error"), "{message}");
}

/// Checks that a document is refused at this line and column, as invalid JSON (`true`) or as JSON of another form, for
/// this reason.
#[track_caller]
fn assert_refused(document: impl AsRef<[u8]>, place: (u64, u64), is_syntax: bool, why: &str) {
    let document = document.as_ref();
    let shown = String::from_utf8_lossy(&document[..document.len().min(100)]).into_owned();
    let error = refusal(document);
    let message = error.to_string();
    let Error::Unreadable { line, column, syntax, reason, .. } = error else { panic!("{shown}: {message}") };
    assert_eq!((line, column, syntax), (place.0, place.1, is_syntax), "{shown}: {message}");
    assert!(reason.contains(why), "{shown}: {message}");
    let kind = if syntax { "not valid JSON" } else { "not a rusty-kv database" };
    let way_out = if syntax && place != (1, 1) { "; `repair` writes what can be read to a new file" } else { "" };
    let tail = format!(": {kind} at line {line} column {column}: {reason}. Nothing was changed{way_out}");
    assert!(message.ends_with(&tail), "{message}");
}

#[test]
fn an_empty_file_is_new_unless_it_was_written_to_before() {
    for blank in ["", " ", "\n\t \r\n"] {
        let folder = folder();
        let path = folder.path().join("kv.json");
        put(&path, blank);
        let before = Untouched::of(&path);
        let mut db = Database::open(&path).unwrap();
        assert!(db.is_empty().unwrap());
        let notices = db.take_notices();
        assert!(notices.len() == 1 && notices[0].contains("empty: taken as a new database"), "{notices:?}");
        assert_eq!(Untouched::of(&path), before, "looking changes nothing");
        db.set("a", "b").unwrap();
        assert_eq!(Database::open(&path).unwrap().len().unwrap(), 1);

        // The lock file remains from the earlier database.
        put(&path, blank);
        let before = Untouched::of(&path);
        let error = Database::open(&path).unwrap_err();
        assert_tellable(&error, &path);
        assert!(error.to_string().contains("is empty, but was written to before; restore a backup"), "{error}");
        assert!(db.set("c", "d").is_err(), "a session that is open must not build on it either");
        assert_eq!(Untouched::of(&path), before);
    }
}

#[test]
fn a_new_empty_file_opens_again_after_a_change_that_changed_nothing() {
    let folder = folder();
    let path = folder.path().join("kv.json");
    put(&path, "");
    let mut db = Database::open(&path).unwrap();
    assert!(!db.delete("nothing").unwrap());
    drop(db);
    Database::open(&path).unwrap().set("a", "b").unwrap();
}

#[test]
fn utf_16_is_named() {
    let text = "{\"map\":{\"a\":\"b\"}}\n";
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for document in [[b"\xff\xfe", &little[..]].concat(), [b"\xfe\xff", &big[..]].concat(), little, big] {
        assert_refused(document, (1, 1), true, "looks like UTF-16");
    }
}

#[test]
fn zero_bytes_are_named_with_their_offset() {
    assert_refused([0; 512], (1, 1), true, "zero bytes from offset 0");
    assert_refused("{\"map\":{}}\n\0\0\0", (2, 1), true, "zero bytes from offset 11");
    assert_refused("{\"map\":{\n\"a\":\"b\0\0\0", (2, 7), true, "zero bytes from offset 15");
    assert_refused("{\"map\":{\"a\":\0\0", (1, 13), true, "zero bytes from offset 12");
    assert_refused("{\"map\":{\"a\":[1\0\0", (1, 15), true, "zero bytes from offset 14");
}

#[test]
fn raw_control_characters_in_a_string_are_refused_with_their_place() {
    for (document, place) in [
        ("{\"map\":{\"a\":\"x\0y\"}}", (1, 15)),
        ("{\"map\":{\"a\":\"\x1b[2J\"}}", (1, 14)),
        ("{\"map\":{\n\"é\":\"漢\ny\"}}", (2, 7)),
        ("{\"map\":{\"a\tb\":1}}", (1, 11)),
        ("{\"map\":{\"a\":{\"b\":[\"\r\"]}}}", (1, 20)),
        ("{\"other\":\"\x01\",\"map\":{}}", (1, 11)),
        ("{\"map\":{\"a\":\"b\"},\"expires\":{\"\x02\":1}}", (1, 30)),
    ] {
        assert_refused(document, place, true, "bare control character 0x");
    }
}

#[test]
fn bytes_that_are_not_utf_8_are_refused_with_their_offset() {
    for (bytes, what) in [
        (&b"\xff"[..], "a byte that is never there"),
        (b"\x80", "a tail without a head"),
        (b"\xc3", "a head without a tail"),
        (b"\xe2\x82", "two of three"),
        (b"\xc0\xaf", "overlong"),
        (b"\xed\xa0\x80", "half of a surrogate pair"),
        (b"\xf4\x90\x80\x80", "beyond the last character"),
    ] {
        let within = |before: &str, after: &str| [before.as_bytes(), bytes, after.as_bytes()].concat();
        let named = |at: usize| format!("not UTF-8: byte 0x{:02x} at offset {at}", bytes[0]);
        assert_refused(within("{\"map\":{\n\"a\":\"é", "\"}}"), (2, 7), true, &named(16));
        assert_refused(within("{\"map\":{\"", "\":1}}"), (1, 10), true, &named(9));
        assert_refused(within("{\"map\":{\"a\":[\"", "\"]}}"), (1, 15), true, &named(14));
        assert_refused(within("{\"map\":{},\"b\":\"", "\"}"), (1, 16), true, &named(15));
        let outside = format!("expected a value, found byte 0x{:02x}", bytes[0]);
        assert_refused(within("{\"map\":{\"a\":", "}}"), (1, 13), true, &outside);
        assert_refused(within("{\"map\":{}}", ""), (1, 11), true, "unexpected data after");
        assert!(what.len() > 3);
    }
}

#[test]
fn an_offset_counts_a_byte_order_mark_too() {
    assert_refused(b"\xef\xbb\xbf{\"map\":{\"a\":\"\xff\"}}", (1, 15), true, "at offset 16");
    assert_refused("\u{feff}{\"map\":{}}\0\0", (1, 12), true, "zero bytes from offset 13");
}

#[test]
fn half_a_surrogate_pair_is_not_a_character() {
    for (document, column) in [
        (r#"{"map":{"a":"\ud800"}}"#, 14),
        (r#"{"map":{"a":"x\udc00"}}"#, 15),
        (r#"{"map":{"a":"\ud800\u0041"}}"#, 14),
        (r#"{"map":{"a":"\ud800\ud800"}}"#, 14),
        (r#"{"map":{"\udfff":1}}"#, 10),
        (r#"{"map":{"a":["\ud83d"]}}"#, 15),
        (r#"{"map":{},"\ud83d":1}"#, 12),
    ] {
        assert_refused(document, (1, column), true, "half of a surrogate pair");
    }
}

#[test]
fn a_duplicate_key_is_refused_with_both_lines() {
    assert_refused("{\"map\":{\n\"a\":\"1\",\n\"a\":\"1\"}}", (3, 1), true, "duplicate key \"a\", first in line 2");
    assert_refused("{\"map\":{\"a\":1,\n  \"\\u0061\":2}}", (2, 3), true, "duplicate key \"a\", first in line 1");
    assert_refused("{\"map\":{\"é\":1,\n\n\"\\u00e9\":2}}", (3, 1), true, "duplicate key \"é\", first in line 1");
    assert_refused("{\"map\":{\"\":1,\"b\":{},\n\"\":2}}", (2, 1), true, "duplicate key \"\", first in line 1");
    assert_refused("{\"map\":{\"a\":{\"x\":1,\"x\":1}}}", (1, 20), true, "duplicate member \"x\"");
    assert_refused("{\"map\":{\"a\":[{\"x\":1,\n\"\\u0078\":1}]}}", (2, 1), true, "duplicate member \"x\"");
    assert_refused("\u{feff}\n{\"map\":{\"a\":1,\n\"a\":2}}", (3, 1), true, "duplicate key \"a\", first in line 2");
    assert_refused("{\"map\":{},\n\"map\":{}}", (2, 1), true, "duplicate member \"map\"");
    assert_refused("{\"map\":{},\"x\":1,\n\"x\":1}", (2, 1), true, "duplicate member \"x\"");
    assert_refused("{\"expires\":{},\"map\":{},\n\"\\u0065xpires\":{}}", (2, 1), true, "duplicate member \"expires\"");
    let twice = "{\"map\":{\"a\":1},\"expires\":{\"a\":\"2027-01-01T00:00:00Z\",\n\"a\":\"2027-01-01T00:00:00Z\"}}";
    assert_refused(twice, (2, 1), true, "duplicate key \"a\"");
}

#[test]
fn a_key_in_a_message_is_escaped_and_short() {
    let key = format!("\\u001b[31m\u{202e}{}", "k".repeat(60_000));
    let document = format!("{{\"map\":{{\"{key}\":1,\"{key}\":2}}}}");
    let error = refusal(document.as_bytes());
    let message = error.to_string();
    assert!(message.contains(r#"duplicate key "\u{1b}[31m\u{202e}kkk"#), "{message}");
    assert!(message.len() < 400, "{message}");
}

#[test]
fn what_follows_the_document_is_refused() {
    for (document, column) in [("{\"map\":{}}x", 11), ("{\"map\":{}} {\"map\":{}}", 12), ("{\"map\":{}}}", 11)] {
        assert_refused(document, (1, column), true, "unexpected data after");
    }
    assert_refused("{\"map\":{\"a\":\"b\"}}\n}\n", (2, 1), true, "unexpected data after");
}

#[test]
fn habits_of_other_notations_are_refused_with_a_hint() {
    for (document, column, why) in [
        ("{\"map\":{\"a\":\"b\",}}", 16, "trailing comma"),
        ("{\"map\":{\"a\":[1,]}}", 15, "trailing comma"),
        ("{\"map\":{},}", 10, "trailing comma"),
        ("{\"map\":{}, // mine\n}", 12, "comments are not JSON"),
        ("{\"map\":{/* mine */}}", 9, "comments are not JSON"),
        ("// mine\n{\"map\":{}}", 1, "comments are not JSON"),
        ("{'map':{}}", 2, "JSON strings need double quotes"),
        ("{\"map\":{\"a\":'b'}}", 13, "JSON strings need double quotes"),
        ("{\"map\":{a:1}}", 9, "expected a member's name in double quotes, found 'a'"),
        ("{\"map\":{1:1}}", 9, "a member's name in double quotes"),
        ("{\"map\":{\"a\":NaN}}", 13, "NaN and Infinity are not JSON"),
        ("{\"map\":{\"a\":[Infinity]}}", 14, "NaN and Infinity are not JSON"),
        ("{\"map\":{\"a\":-Infinity}}", 14, "NaN and Infinity are not JSON"),
        ("{\"map\":{\"a\":007}}", 13, "must not start with 0"),
        ("{\"map\":{\"a\":+1}}", 13, "expected a value"),
        ("{\"map\":{\"a\":.5}}", 13, "expected a value"),
        ("{\"map\":{\"a\":1.}}", 15, "expected a digit"),
        ("{\"map\":{\"a\":0x10}}", 14, "',' or '}'"),
        ("{\"map\":{\"a\":True}}", 13, "expected a value"),
        ("{\"map\":{\"a\":undefined}}", 13, "expected a value"),
        ("{\"map\":{\"a\" \"b\"}}", 13, "':'"),
        ("{\"map\":{\"a\":\"b\" \"c\":\"d\"}}", 17, "',' or '}'"),
        ("{\"map\":{,}}", 9, "a member's name"),
        ("{\"map\":{\"a\":\"\\x41\"}}", 14, "unknown escape"),
        ("{\"map\":{\"a\":\"\\u12\"}}", 14, "four hexadecimal digits"),
        ("hello", 1, "'{'"),
        ("<html>", 1, "'{'"),
    ] {
        assert_refused(document, (1, column), true, why);
    }
}

#[test]
fn json_of_another_shape_is_distinguished_from_invalid_json() {
    for document in ["[]", "\"map\"", "17", "-1", "null", "true", "false", "[{\"map\":{}}]"] {
        assert_refused(document, (1, 1), false, "expected an object");
    }
    assert_refused("\n [1", (2, 4), true, "found the end of the text");
    for document in ["{}", "{\"Map\":{}}", "{\"hello\":\"world\"}", "{\"expires\":{}}"] {
        assert_refused(document, (1, 1), false, "it has no member \"map\"");
    }
    for document in ["{\"map\":[]}", "{\"map\":\"x\"}", "{\"map\":null}", "{\"map\":1}"] {
        assert_refused(document, (1, 8), false, "\"map\" is not an object");
    }
    assert_refused("{\"map\":{},\"expires\":[]}", (1, 21), false, "\"expires\" is not an object");
    for expiry in ["5", "\"soon\"", "\"\"", "null", "{}", "\"2026-13-01T00:00:00Z\"", "\"1969-12-31T23:59:59Z\""] {
        let document = format!("{{\"map\":{{\"a\":1}},\n\"expires\":{{\"a\":{expiry}}}}}");
        assert_refused(document, (2, 16), false, "an expiry is a time such as");
    }
    for mark in ["5", "\"a\"", "\"aGk\"", "\"a Gk=\"", "{}", "null"] {
        let document = format!("{{\"map\":{{\n\"a\":{{\"$binary\":{mark}}}}}}}");
        assert_refused(document, (2, 5), false, "expected base64 text in \"$binary\"");
    }
    let document = format!("{{\"map\":{{\"{}\":1}}}}", "k".repeat((64 << 10) + 1));
    assert_refused(document, (1, 9), false, "longer than 64 KiB");
}

#[test]
fn a_large_object_that_is_not_a_database_is_refused_like_a_small_one() {
    let members: Vec<String> = (0..200_000).map(|n| format!("\"{n}\":0")).collect();
    assert_refused(format!("{{{}}}", members.join(",")), (1, 1), false, "it has no member \"map\"");
}

#[test]
fn nesting_over_the_limit_is_refused_at_any_depth() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let value = |depth: usize| open.repeat(depth) + "0" + &close.repeat(depth);
        let (member, other) = ("{\"map\":{\"a\":", "{\"map\":{},\"other\":");
        let width = open.len() as u64;
        for depth in [101, 128, 100_000] {
            // The place is where the first value over the limit starts, or its parent, because one more level may be a
            // marker.
            let column = if depth == 101 { 13 } else { 13 + 101 * width };
            let value = value(depth);
            assert_refused(format!("{member}{value}}}}}"), (1, column), true, "nested deeper than 100 levels");
            assert_refused(format!("{other}{value}}}"), (1, 19 + 100 * width), true, "nested deeper than 100 levels");
        }
        let unclosed = format!("{member}{}", open.repeat(100_000));
        assert_refused(unclosed, (1, 13 + 101 * width), true, "nested deeper than 100 levels");
    }
    assert_refused("[".repeat(100_000), (1, 101), true, "nested deeper than 100 levels");
}

#[test]
fn a_file_of_a_newer_version_is_distinguished_from_corruption() {
    for document in [r#"{"$rusty-kv":2,"map":{}}"#, r#"{"map":{"a":"b"},"$rusty-kv":{"any":"thing"}}"#] {
        let error = refusal(document.as_bytes());
        assert!(matches!(error, Error::NewerVersion { .. }), "{error}");
        assert!(
            error.to_string().ends_with("made by a newer version of rusty-kv; use that version. Nothing was changed")
        );
    }
    // Only at the top level: below, it is an ordinary key.
    let folder = folder();
    let path = folder.path().join("kv.json");
    put(&path, r#"{"map":{"$rusty-kv":{"$rusty-kv":1}}}"#);
    assert!(Database::open(&path).unwrap().contains("$rusty-kv").unwrap());
}

/// A file with every kind of member, about 1 KiB long.
const REFERENCE: &str = r#"{
  "map": {
    "": "the empty key",
    "\u0000\u001b[2J": "\u202e\"\\\n",
    "bytes": {"$binary":"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"},
    "café": "漢字 and 😀",
    "counter": 18446744073709551616,
    "empty": {},
    "list": [1,-0,1.10,1e2,31.245270191439438,true,false,null,[[]],""],
    "mark": {"$json":{"$binary":"aGk="}},
    "poem": "So much depends upon a red wheel barrow glazed with rain water beside the white chickens",
    "session:1": "Ada",
    "session:2": {"user":"Grace","roles":["admin","ops"]},
    "text": "007",
    "user:1": {"name":"Ada","born":{"year":1815,"month":12,"day":10},"tags":["a","b"],"note":"\ud83d\ude00"},
    "user:2": {"name":"Grace","born":{"year":1906,"month":12,"day":9},"tags":[],"note":null},
    "z": "last"
  },
  "expires": {
    "session:1": "2027-01-01T00:00:00.000Z",
    "session:2": "2100-12-31T23:59:59.999Z"
  },
  "mine": {"keep":"this","n":1.0},
  "version": "not ours"
}
"#;

fn noon() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().expect("a time")
}

fn entries(path: &Path) -> Result<Vec<(String, Entry)>, Error> {
    Options::new().clock(noon).open(path)?.iter().collect()
}

/// How a document was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Opened,
    Refused,
}

/// Opens a document that may be corrupt, and checks what is promised of the result.
fn outcome(path: &Path, document: &[u8], what: &str) -> Outcome {
    put(path, document);
    match entries(path) {
        Ok(opened) => {
            assert_says_what_serde_json_reads(document, &opened, what);
            let saved = Options::new().clock(noon).open(path).and_then(|mut db| db.save());
            saved.unwrap_or_else(|error| panic!("{what}: it opened, but cannot be saved: {error}"));
            let again = entries(path).unwrap_or_else(|error| panic!("{what}: what was saved does not open: {error}"));
            assert_eq!(again, opened, "{what}");
            let form = std::fs::read(path).expect("it was saved");
            Options::new().clock(noon).open(path).and_then(|mut db| db.save()).expect("it was saved before");
            assert_eq!(std::fs::read(path).expect("it was saved"), form, "{what}: a second save changes nothing");
            Outcome::Opened
        }
        Err(Error::Unreadable { line, column, syntax, reason, .. }) => {
            let lines = document.split(|&byte| byte == b'\n').count() as u64;
            assert!((1..=lines).contains(&line) && column >= 1, "{what}: line {line} column {column}");
            let text = std::str::from_utf8(document).ok();
            let is_json = text.is_some_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok());
            // serde_json accepts duplicate names, and escapes in what it ignores.
            let stricter = ["duplicate", "surrogate"].iter().any(|word| reason.contains(word));
            assert!(!(syntax && is_json) || stricter, "{what}: it is JSON, but: {reason}");
            assert_eq!(std::fs::read(path).expect("it exists"), document, "{what}");
            Outcome::Refused
        }
        Err(other) => panic!("{what}: {other}"),
    }
}

/// The entries must be those that another parser finds in the document.
fn assert_says_what_serde_json_reads(document: &[u8], opened: &[(String, Entry)], what: &str) {
    // A number beyond f64 is the one thing that we accept and serde_json does not.
    let Ok(theirs) = serde_json::from_slice::<serde_json::Value>(document) else { return };
    let map = theirs["map"].as_object().expect("what opened has a map");
    let expired = |key: &str| {
        let expiry = theirs["expires"][key].as_str().and_then(|text| text.parse::<Timestamp>().ok());
        expiry.is_some_and(|expiry| expiry <= noon())
    };
    assert_eq!(opened.len(), map.keys().filter(|key| !expired(key)).count(), "{what}");
    for (key, entry) in opened {
        let their = &map[key];
        match &entry.value {
            Value::Text(text) => assert!(their == text || &their["$json"] == text, "{what}: {key:?}"),
            Value::Json(json) => {
                let ours: serde_json::Value = serde_json::from_str(json.as_str()).expect("what is stored is JSON");
                assert!(*their == ours || their["$json"] == ours, "{what}: {key:?}");
            }
            Value::Bytes(_) => assert!(their["$binary"].is_string(), "{what}: {key:?}"),
        }
    }
}

/// Every possible small corruption of the reference, with a description.
fn damages() -> Vec<(Vec<u8>, String)> {
    let reference = REFERENCE.as_bytes();
    let mut damages = Vec::new();
    for at in 1..reference.len() {
        damages.push((reference[..at].to_vec(), format!("cut to {at} bytes")));
    }
    for at in 0..reference.len() {
        let mut change = |byte: u8, what: String| {
            let mut document = reference.to_vec();
            if std::mem::replace(&mut document[at], byte) != byte {
                damages.push((document, what));
            }
        };
        for bit in 0..8 {
            change(reference[at] ^ (1 << bit), format!("bit {bit} of byte {at} flipped"));
        }
        for byte in [0x00, 0xff, b'"', b'\n', b'{'] {
            change(byte, format!("byte {at} made 0x{byte:02x}"));
        }
    }
    let lines: Vec<&[u8]> = reference.split_inclusive(|&byte| byte == b'\n').collect();
    for at in 0..lines.len() {
        let mut dropped = lines.clone();
        dropped.remove(at);
        damages.push((dropped.concat(), format!("line {} dropped", at + 1)));
        let mut doubled = lines.clone();
        doubled.insert(at, lines[at]);
        damages.push((doubled.concat(), format!("line {} doubled", at + 1)));
        if at + 1 < lines.len() {
            let mut swapped = lines.clone();
            swapped.swap(at, at + 1);
            damages.push((swapped.concat(), format!("line {} swapped with the next", at + 1)));
        }
    }
    damages
}

/// T13, on a small scale.
#[test]
fn every_small_corruption_is_read_correctly_or_refused_with_its_place() {
    let damages = damages();
    let workers = 2;
    let outcomes: Vec<Outcome> = std::thread::scope(|scope| {
        let halves = damages.chunks(damages.len().div_ceil(workers)).map(|half| {
            scope.spawn(|| {
                let folder = folder();
                let path = folder.path().join("kv.json");
                half.iter().map(|(document, what)| outcome(&path, document, what)).collect::<Vec<_>>()
            })
        });
        let halves: Vec<_> = halves.collect();
        halves.into_iter().flat_map(|half| half.join().expect("nothing may panic")).collect()
    });
    let refused = outcomes.iter().filter(|&&outcome| outcome == Outcome::Refused).count();
    let opened = outcomes.len() - refused;
    println!("{} cases: {opened} opened, {refused} refused", outcomes.len());
    assert!(outcomes.len() >= 10_000 && opened >= 1_000 && refused >= 1_000);
    for ((document, what), outcome) in damages.iter().zip(outcomes) {
        let cut = what.starts_with("cut") && document.len() < REFERENCE.trim_end().len();
        assert!(!cut || outcome == Outcome::Refused, "{what} is not a whole document");
    }
}

#[test]
fn the_reference_is_in_canonical_form() {
    let folder = folder();
    let path = folder.path().join("kv.json");
    put(&path, REFERENCE);
    Options::new().clock(noon).open(&path).unwrap().save().unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), REFERENCE);
}

/// The error of opening a path and writing to it; fails if that takes forever.
fn opening(path: &Path) -> Error {
    let (send, receive) = mpsc::channel();
    let own: PathBuf = path.to_owned();
    std::thread::spawn(move || send.send(Database::open(own).and_then(|mut db| db.set("a", "b"))));
    let result = receive.recv_timeout(Duration::from_mins(1)).expect("it must not hang");
    let error = result.expect_err("this cannot hold a database");
    assert!(!error.to_string().chars().any(char::is_control), "{error}");
    assert!(!error.to_string().contains("os error"), "{error}");
    error
}

#[test]
fn paths_that_cannot_hold_a_database_are_refused_with_their_kind() {
    let folder = folder();
    let home = folder.path();
    std::fs::create_dir(home.join("folder.json")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(home.join("fifo.json")).status();
    assert!(made.is_ok_and(|status| status.success()), "a FIFO can be made");
    let _listener = UnixListener::bind(home.join("socket.json")).unwrap();
    symlink("nowhere.json", home.join("dangling.json")).unwrap();
    symlink("loop.json", home.join("loop.json")).unwrap();
    symlink("fifo.json", home.join("to-fifo.json")).unwrap();
    put(&home.join("file"), "");
    for (name, why) in [
        ("folder.json", "Is a directory"),
        ("fifo.json", "a FIFO, not a regular file"),
        ("to-fifo.json", "a FIFO, not a regular file"),
        ("socket.json", "a socket, not a regular file"),
        ("dangling.json", "a symbolic link to nothing"),
        ("loop.json", "Too many levels of symbolic links"),
        ("file/kv.json", "Not a directory"),
        ("file/", "this names a folder"),
        ("folder.json/..", "not a file name"),
        (&"x".repeat(235), "the name is too long"),
        (&"x".repeat(255), "the name is too long"),
        (&"x".repeat(256), "the name is too long"),
    ] {
        let error = opening(&home.join(name));
        assert!(error.to_string().contains(why), "{name}: {error}");
    }
    assert!(opening(Path::new("/dev/zero")).to_string().contains("a device, not a regular file"));
    assert!(opening(Path::new("/dev/null")).to_string().contains("a device, not a regular file"));
    assert!(opening(Path::new("")).to_string().contains("not a file name"));
    assert!(!home.join("nowhere.json").exists(), "nothing is made through a dangling link");
    Database::open(home.join("x".repeat(234))).and_then(|mut db| db.set("a", "b")).unwrap();
}

#[test]
fn a_missing_folder_is_reported_and_not_created() {
    let folder = folder();
    let missing = folder.path().join("missing");
    let path = missing.join("kv.json");
    assert!(Database::open(&path).unwrap().is_empty().unwrap(), "there is nothing to read, and that is no fault");
    let error = opening(&path);
    assert_eq!(error.to_string(), format!("cannot open {missing:?}: No such file or directory"));
    assert!(!missing.exists());
}

#[test]
fn a_path_in_a_message_cannot_act_on_a_terminal() {
    let folder = folder();
    let path = folder.path().join("\u{1b}[2J\n\u{202e}.json");
    put(&path, "[]");
    let message = Database::open(&path).unwrap_err().to_string();
    assert!(message.contains(r"\u{1b}[2J\n\u{202e}.json"), "{message}");
    assert!(!message.chars().any(|c| c.is_control() || c == '\u{202e}'), "{message:?}");
}

#[test]
fn a_path_that_is_not_utf_8_works() {
    use std::os::unix::ffi::OsStrExt;
    let folder = folder();
    let path = folder.path().join(std::ffi::OsStr::from_bytes(b"k\xffv.json"));
    // Some file systems accept only UTF-8.
    if std::fs::File::create(&path).is_err() {
        return;
    }
    Database::open(&path).and_then(|mut db| db.set("a", "b")).unwrap();
    assert_eq!(Database::open(&path).unwrap().len().unwrap(), 1);
    put(&path, "{");
    assert!(Database::open(&path).unwrap_err().to_string().contains(r#"k\xFFv.json": "#));
}

#[test]
fn a_file_corrupted_during_a_session_is_refused_at_the_next_write() {
    let folder = folder();
    let path = folder.path().join("kv.json");
    let mut db = Database::open(&path).unwrap();
    db.set("a", "b").unwrap();
    put(&path, "{\"map\":{\"a\":\"b\",\n<<<<<<< HEAD\n");
    let before = Untouched::of(&path);
    for result in [db.set("c", "d"), db.delete("a").map(drop), db.save(), db.remove_file(), db.refresh().map(drop)] {
        let error = result.unwrap_err();
        assert!(matches!(error, Error::Unreadable { line: 2, column: 1, .. }), "{error}");
        assert_eq!(Untouched::of(&path), before);
    }
    put(&path, "{\"map\":{\"a\":\"mended\"}}");
    db.set("c", "d").unwrap();
    assert_eq!(Database::open(&path).unwrap().get("a").unwrap(), Some("mended".into()));
}
