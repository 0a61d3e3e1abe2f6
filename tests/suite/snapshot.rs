//! The file as other programs see it: its canonical form byte for byte, what it keeps, and what it accepts.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rusty_kv::{Database, Entry, Json, Options, Result, Timestamp, Value};
use serde::{Deserialize, Serialize};

use crate::common::{folder, put};

/// The database of the tutorial that this program follows: it must be able to read and write the file.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Tutorial {
    map: HashMap<String, String>,
}

fn noon() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().expect("a time")
}

fn open(path: &Path) -> Result<Database> {
    Options::new().clock(noon).open(path)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("the file exists and is text")
}

fn json(text: &str) -> Value {
    Value::from_json(text).expect("JSON")
}

/// What a save writes for a handwritten document.
fn saved(document: &str) -> String {
    let folder = folder();
    let path = folder.path().join("kv.json");
    put(&path, document);
    open(&path).and_then(|mut db| db.save()).unwrap_or_else(|error| panic!("{document:?}: {error}"));
    read(&path)
}

/// The value in a handwritten document with one key.
fn value_of(written: &str) -> Value {
    let folder = folder();
    let path = folder.path().join("kv.json");
    put(&path, format!("{{\"map\":{{\"k\":{written}}}}}"));
    open(&path).and_then(|db| db.get("k")).unwrap_or_else(|error| panic!("{written}: {error}")).expect("it exists")
}

#[test]
fn the_document_is_canonical_byte_for_byte() {
    let folder = folder();
    let path = folder.path().join("kv.json");
    let mut db = open(&path).unwrap();
    db.set("hello", "world").unwrap();
    assert_eq!(read(&path), "{\n  \"map\": {\n    \"hello\": \"world\"\n  }\n}\n");

    db.set("pic", vec![0x89, b'P', b'N', b'G', b'\r']).unwrap();
    db.set("user:1", json(r#"{ "name": "Ada", "age": 36, "tags": [ ] }"#)).unwrap();
    let expiry = Some("2026-11-23T16:00:00Z".parse().unwrap());
    db.set_entry("session:9", Entry { expiry, ..Entry::from("Ada") }).unwrap();
    assert_eq!(
        read(&path),
        r#"{
  "map": {
    "hello": "world",
    "pic": {"$binary":"iVBORw0="},
    "session:9": "Ada",
    "user:1": {"name":"Ada","age":36,"tags":[]}
  },
  "expires": {
    "session:9": "2026-11-23T16:00:00.000Z"
  }
}
"#
    );
    for key in ["hello", "pic", "session:9", "user:1"] {
        assert!(db.delete(key).unwrap());
    }
    assert_eq!(read(&path), "{\n  \"map\": {}\n}\n");
}

#[test]
fn the_same_content_gives_the_same_bytes_in_any_order_of_writes() {
    let keys = ["é", "z", "Z", "", "\0", "😀", "\u{ffff}", "a", "a\u{301}", "aa", "~"];
    let folder = folder();
    let (forth, back) = (folder.path().join("forth.json"), folder.path().join("back.json"));
    let mut db = open(&forth).unwrap();
    keys.iter().try_for_each(|key| db.set(key, *key)).unwrap();
    let mut db = open(&back).unwrap();
    keys.iter().rev().try_for_each(|key| db.set(key, *key)).unwrap();
    assert_eq!(read(&forth), read(&back));

    let order: Vec<String> = db.iter().map(|item| item.unwrap().0).collect();
    assert_eq!(order, ["", "\0", "Z", "a", "aa", "a\u{301}", "z", "~", "é", "\u{ffff}", "😀"], "by the bytes of UTF-8");
}

#[test]
fn characters_that_act_on_a_terminal_are_escaped_and_others_are_not() {
    for (text, written) in [
        ("\"\\/", r#""\"\\/""#),
        ("\0\u{1}\u{8}\t\n\u{b}\u{c}\r\u{1b}", r#""\u0000\u0001\b\t\n\u000b\f\r\u001b""#),
        ("\u{7f}\u{80}\u{9b}\u{9f}\u{a0}", "\"\\u007f\\u0080\\u009b\\u009f\u{a0}\""),
        ("\u{61c}\u{200e}\u{200f}\u{202a}\u{202e}\u{2066}\u{2069}", r#""\u061c\u200e\u200f\u202a\u202e\u2066\u2069""#),
        ("\u{2028}\u{2029}", r#""\u2028\u2029""#),
        ("é 漢 😀 a\u{301} \u{200d} \u{feff} <&>'", "\"é 漢 😀 a\u{301} \u{200d} \u{feff} <&>'\""),
    ] {
        let folder = folder();
        let path = folder.path().join("kv.json");
        open(&path).and_then(|mut db| db.set(text, text)).unwrap();
        assert_eq!(read(&path), format!("{{\n  \"map\": {{\n    {written}: {written}\n  }}\n}}\n"));
        assert_eq!(open(&path).unwrap().get(text).unwrap(), Some(text.into()));
        let theirs: Tutorial = serde_json::from_str(&read(&path)).unwrap();
        assert_eq!(theirs.map[text], text);
    }
}

#[test]
fn every_character_reads_back_and_none_acts_on_a_terminal() {
    let folder = folder();
    let path = folder.path().join("kv.json");
    let blocks = ('\0'..=char::MAX).collect::<Vec<_>>();
    let mut db = open(&path).unwrap();
    db.begin_batch();
    for block in blocks.chunks(4096) {
        let text: String = block.iter().collect();
        db.set(&text, text.as_str()).unwrap();
    }
    db.commit_batch().unwrap();
    let acting =
        |c: char| c.is_control() && c != '\n' || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert_eq!(read(&path).find(acting), None);
    let db = open(&path).unwrap();
    for block in blocks.chunks(4096) {
        let text: String = block.iter().collect();
        assert!(db.get(&text).unwrap() == Some(text.as_str().into()), "from {:?} on", block[0]);
    }
}

#[test]
fn a_file_of_the_tutorials_program_opens() {
    let folder = folder();
    let path = folder.path().join("kv.json");
    let mut theirs = Tutorial::default();
    let texts = ["hello", "", "\n", "\u{1b}[2J", "\u{202e}", "é😀", "\"\\", "\u{7f}", "007", "null", "{\"$json\":1}"];
    theirs.map.extend(texts.iter().map(|text| ((*text).to_owned(), format!("value of {text}"))));
    for bytes in [serde_json::to_vec(&theirs).unwrap(), serde_json::to_vec_pretty(&theirs).unwrap()] {
        put(&path, bytes);
        let db = open(&path).unwrap();
        assert_eq!(db.len().unwrap(), texts.len() as u64);
        for text in texts {
            assert_eq!(db.get(text).unwrap(), Some(format!("value of {text}").into()));
        }
    }
}

#[test]
fn the_tutorials_program_reads_what_text_values_make_expiries_included() {
    let folder = folder();
    let path = folder.path().join("kv.json");
    let mut db = open(&path).unwrap();
    for text in ["hello", "", "\0\n", "\u{1b}[2J", "\u{202e}\u{2028}", "é😀", "\"\\", "42", "[1]"] {
        db.set(text, text).unwrap();
    }
    let expiry = Some("2027-01-01T00:00:00Z".parse().unwrap());
    db.set_entry("brief", Entry { expiry, ..Entry::from("soon gone") }).unwrap();
    let theirs: Tutorial = serde_json::from_str(&read(&path)).unwrap();
    assert_eq!(theirs.map.len(), 10);
    for (key, value) in &theirs.map {
        assert_eq!(db.get(key).unwrap(), Some(value.as_str().into()));
    }

    // It does not know about expiries, so it writes none back.
    put(&path, serde_json::to_vec(&theirs).unwrap());
    db.refresh().unwrap();
    assert_eq!(db.entry("brief").unwrap(), Some("soon gone".into()));
}

#[test]
fn foreign_members_are_kept_in_order_after_ours() {
    let document = "{\"z\":[1, 2.50],\"map\":{\"b\":\"2\"},\"$schema\":\"x\\u001b\",\"a\":{\"n\": 1e400, \"b\": {}},\"\":null,\"expires\":{}}";
    let wanted = r#"{
  "map": {
    "b": "2"
  },
  "z": [1,2.50],
  "$schema": "x\u001b",
  "a": {"n":1e400,"b":{}},
  "": null
}
"#;
    assert_eq!(saved(document), wanted);
    assert_eq!(saved(wanted), wanted);

    let folder = folder();
    let path = folder.path().join("kv.json");
    put(&path, document);
    let mut db = open(&path).unwrap();
    assert!(db.delete("b").unwrap());
    db.set("c", "3").unwrap();
    assert_eq!(read(&path), wanted.replace("\"b\": \"2\"", "\"c\": \"3\""));
}

#[test]
fn removing_a_database_removes_foreign_members() {
    let folder = folder();
    let path = folder.path().join("kv.json");
    put(&path, r#"{"mine":1,"map":{"a":"b"}}"#);
    let mut db = open(&path).unwrap();
    db.remove_file().unwrap();
    db.set("c", "d").unwrap();
    assert_eq!(read(&path), "{\n  \"map\": {\n    \"c\": \"d\"\n  }\n}\n");
}

#[test]
fn json_that_looks_like_a_marker_is_wrapped_and_reads_back() {
    for (value, written) in [
        (r#"{"$binary":"aGk="}"#, r#"{"$json":{"$binary":"aGk="}}"#),
        (r#"{"$binary":5}"#, r#"{"$json":{"$binary":5}}"#),
        (r#"{"$json":1}"#, r#"{"$json":{"$json":1}}"#),
        (r#"{"$json":{"$json":"x"}}"#, r#"{"$json":{"$json":{"$json":"x"}}}"#),
        (r#"{"\u0024binary":""}"#, r#"{"$json":{"\u0024binary":""}}"#),
        (r#"{"$binary":"aGk=","b":1}"#, r#"{"$binary":"aGk=","b":1}"#),
        (r#"{"$other":1}"#, r#"{"$other":1}"#),
        (r#"[{"$binary":"aGk="}]"#, r#"[{"$binary":"aGk="}]"#),
    ] {
        let folder = folder();
        let path = folder.path().join("kv.json");
        open(&path).and_then(|mut db| db.set("k", json(value))).unwrap();
        assert_eq!(read(&path), format!("{{\n  \"map\": {{\n    \"k\": {written}\n  }}\n}}\n"));
        assert_eq!(open(&path).unwrap().get("k").unwrap(), Some(json(value)));
    }
}

#[test]
fn bytes_of_every_value_and_length_read_back() {
    let folder = folder();
    let path = folder.path().join("kv.json");
    let all: Vec<u8> = (0..=255).collect();
    let mut db = open(&path).unwrap();
    db.begin_batch();
    for len in 0..=256 {
        db.set(&len.to_string(), all[..len].to_vec()).unwrap();
    }
    db.commit_batch().unwrap();
    let db = open(&path).unwrap();
    for len in 0..=256 {
        assert_eq!(db.get(&len.to_string()).unwrap(), Some(Value::Bytes(all[..len].to_vec())));
    }
}

#[test]
fn numbers_stay_as_they_were_written_digit_for_digit() {
    for number in [
        "18446744073709551616",
        "-9223372036854775809",
        "123456789012345678901234567890",
        "1.10",
        "1e400",
        "1E-400",
        "31.245270191439438",
        "0.1",
        "-0",
        "1.0",
        "1e2",
        "1E+2",
        "9007199254740993",
        "2.2250738585072014e-308",
    ] {
        for document in [format!("{{\"map\":{{\"k\":{number}}}}}"), format!("{{\"map\":{{\"k\":[ {number} ]}}}}")] {
            let after = saved(&document);
            let array = document.contains('[');
            let wanted = if array { format!("\"k\": [{number}]\n") } else { format!("\"k\": {number}\n") };
            assert!(after.contains(&wanted), "{after}");
            assert_eq!(saved(&after), after);
        }
        assert_eq!(value_of(number), json(number));
        assert_eq!(value_of(&format!("\"{number}\"")), Value::from(number), "text that looks like a number is text");
    }
}

#[test]
fn the_order_and_names_of_a_value_s_members_are_kept() {
    let text = r#"{"z":1,"a":{"10":1,"9":2,"":3},"$serde_json::private::Number":"1","$serde_json::private::RawValue":"2","é":[]}"#;
    assert!(saved(&format!("{{\"map\":{{\"k\":{text}}}}}")).contains(text));
    assert_eq!(value_of(text), Value::Json(Json::parse(text).unwrap()));
}

#[test]
fn text_that_looks_like_something_else_is_text() {
    let folder = folder();
    let path = folder.path().join("kv.json");
    let texts = ["007", "null", "true", "1e400", "{}", "[1,]", "{\"$binary\":\"aGk=\"}", "\"quoted\"", " ", "\u{feff}"];
    let mut db = open(&path).unwrap();
    texts.iter().try_for_each(|text| db.set(text, *text)).unwrap();
    let db = open(&path).unwrap();
    for text in texts {
        assert_eq!(db.get(text).unwrap(), Some(Value::Text(text.to_owned())));
    }
}

#[test]
fn escapes_that_another_program_chose_read_as_the_characters_they_mean() {
    for (written, text) in [
        (r#""\u0061\u00e9\u6f22""#, "aé漢"),
        (r#""\ud83d\ude00""#, "😀"),
        (r#""\uD83D\uDE00\uDBFF\uDFFF""#, "😀\u{10ffff}"),
        (r#""\/\b\f\n\r\t\"\\""#, "/\u{8}\u{c}\n\r\t\"\\"),
        (r#""\u0000""#, "\0"),
        ("\"\u{7f}\u{85}\u{202e}\"", "\u{7f}\u{85}\u{202e}"),
    ] {
        assert_eq!(value_of(written), Value::from(text), "{written}");
    }
}

#[test]
fn a_byte_order_mark_is_accepted_and_the_next_save_leaves_it_out() {
    assert_eq!(saved("\u{feff}{\"map\":{\"a\":\"b\"}}"), "{\n  \"map\": {\n    \"a\": \"b\"\n  }\n}\n");
    let folder = folder();
    let path = folder.path().join("kv.json");
    put(&path, "\u{feff}\u{feff}{\"map\":{}}");
    assert!(open(&path).is_err(), "one is enough");
}

#[test]
fn hand_edited_layouts_open_and_are_saved_in_canonical_form() {
    let wanted = "{\n  \"map\": {\n    \"a\": \"1\",\n    \"b\": {\"x\":[1,2]}\n  },\n  \"expires\": {\n    \"a\": \"2027-01-01T00:00:00.000Z\"\n  }\n}\n";
    for document in [
        r#"{"map":{"a":"1","b":{"x":[1,2]}},"expires":{"a":"2027-01-01T00:00:00Z"}}"#,
        r#"{"expires":{"a":"2027-01-01T00:00:00.000Z"},"map":{"b":{"x":[1,2]},"a":"1"}}"#,
        "{\r\n  \"map\": {\r\n    \"b\": {\r\n      \"x\": [\r\n        1,\r\n        2\r\n      ]\r\n    },\r\n    \"a\": \"1\"\r\n  },\r\n  \"expires\": {\r\n    \"a\": \"2027-01-01T00:00:00Z\"\r\n  }\r\n}\r\n",
        "\n\t {\n\"map\"\n:\n{ \"\\u0061\"\t:\"1\" , \"b\":{\"x\" : [ 1 ,2 ] } } ,\"expires\":{\"a\":\"2027-01-01T00:00:00.0009Z\"}\n}\n\n\n",
        "{\"map\": {\"a\": \"1\",\n\"b\": {\"x\": [1, 2]}}, \"expires\": {\"a\": \"2027-01-01T00:00:00Z\", \"gone\": \"2027-01-01T00:00:00Z\"}}",
    ] {
        assert_eq!(saved(document), wanted);
    }
}

#[test]
fn a_save_of_a_canonical_file_rewrites_the_same_bytes() {
    let folder = folder();
    let path = folder.path().join("kv.json");
    let mut db = open(&path).unwrap();
    db.set("a", "b").unwrap();
    let before = (std::fs::read(&path).unwrap(), std::fs::metadata(&path).unwrap().ino());
    db.save().unwrap();
    // An earlier sync may have failed: only a new file that was synced is certainly on disk.
    assert_ne!(std::fs::metadata(&path).unwrap().ino(), before.1);
    assert_eq!(std::fs::read(&path).unwrap(), before.0);
}

#[test]
fn a_save_creates_the_file_of_an_empty_database() {
    let folder = folder();
    let path = folder.path().join("kv.json");
    open(&path).and_then(|mut db| db.save()).unwrap();
    assert_eq!(read(&path), "{\n  \"map\": {}\n}\n");
}

#[test]
fn an_expired_entry_is_not_read_and_the_next_save_drops_it() {
    let document = r#"{"map":{"old":"x","new":"y","edge":"z"},"expires":{"old":"2026-11-23T11:59:59Z","new":"2026-11-23T12:00:00.001Z","edge":"2026-11-23T12:00:00Z"}}"#;
    let folder = folder();
    let path = folder.path().join("kv.json");
    put(&path, document);
    let db = open(&path).unwrap();
    assert_eq!(db.len().unwrap(), 1);
    assert_eq!(db.get("edge").unwrap(), None, "the expiry itself is past");
    assert_eq!(db.get("new").unwrap(), Some("y".into()));
    assert_eq!(
        saved(document),
        "{\n  \"map\": {\n    \"new\": \"y\"\n  },\n  \"expires\": {\n    \"new\": \"2026-11-23T12:00:00.001Z\"\n  }\n}\n"
    );
}

#[test]
fn a_copy_is_canonical_and_the_database_is_unchanged() {
    let folder = folder();
    let (path, copy) = (folder.path().join("kv.json"), folder.path().join("copy.json"));
    let mut db = open(&path).unwrap();
    db.set("a", vec![1, 2]).unwrap();
    assert_eq!(db.save_to(&copy).unwrap(), copy.canonicalize().unwrap());
    assert_eq!(read(&copy), read(&path));
}

#[test]
fn keys_and_values_at_their_limits_are_kept_and_beyond_them_refused() {
    let folder = folder();
    let path = folder.path().join("kv.json");
    let mut db = open(&path).unwrap();
    let longest = "k".repeat(64 << 10);
    db.set(&longest, "").unwrap();
    let error = db.set(&format!("{longest}k"), "").unwrap_err();
    assert_eq!(error.to_string(), "the key is 65537 bytes; the limit is 64 KiB");
    let nest = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    db.set("deep", json(&nest(100))).unwrap();
    assert!(Value::from_json(&nest(101)).unwrap_err().to_string().contains("nested deeper than 100 levels"));
    let db = open(&path).unwrap();
    assert!(db.contains(&longest).unwrap());
    assert_eq!(db.get("deep").unwrap(), Some(json(&nest(100))));
}
