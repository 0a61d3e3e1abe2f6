//! Real data is stored and read back unchanged.

use std::path::Path;

use rusty_kv::{Database, Result, Value};
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::common::{folder, put};

const MEDIA_TYPES: &str = include_str!("../data/mime-db.json");
const EMOJI: &str = include_str!("../data/emoji.json");

#[test]
fn media_types_read_back_as_they_were() {
    check(MEDIA_TYPES, 2_522, with_the_library);
}

#[test]
fn emoji_read_back_as_they_were() {
    check(EMOJI, 1_914, with_the_library);
}

#[test]
fn a_document_of_another_program_is_a_database_once_it_stands_under_map() {
    for (source, entries) in [(MEDIA_TYPES, 2_522), (EMOJI, 1_914)] {
        check(source, entries, |path, _| put(path, format!("{{\"map\": {source}}}\n")));
    }
}

#[test]
fn prefixes_and_ranges_over_media_types_find_what_a_filter_finds() {
    let folder = folder();
    let path = folder.path().join("kv.json");
    let members = members(MEDIA_TYPES);
    with_the_library(&path, &members);
    let db = Database::open(&path).unwrap();
    let count = |wanted: &dyn Fn(&str) -> bool| members.iter().filter(|(key, _)| wanted(key)).count();
    for prefix in ["", "a", "audio/", "image/", "video/mp4", "x", "application/vnd.", "nothing"] {
        assert_eq!(db.prefix(prefix).count(), count(&|key| key.starts_with(prefix)), "{prefix}");
    }
    assert_eq!(db.range("image/".."message/").count(), count(&|key| ("image/".."message/").contains(&key)));
    let last = db.iter().next_back().unwrap().unwrap().0;
    assert_eq!(Some(&last), members.iter().map(|(key, _)| key).max());
}

/// A key and the JSON text of its value, without white space between tokens.
type Member = (String, String);

/// One way to load data: adds members to the database at a path. Each other way has a test that also calls [`check`].
fn with_the_library(path: &Path, members: &[Member]) {
    let mut db = Database::open(path).expect("it opens");
    db.transaction(|tx| members.iter().try_for_each(|(key, value)| tx.set(key, Value::from_json(value)?)))
        .expect("it is stored");
}

/// Loads the members of a JSON object this way, and compares the database with the source.
fn check(source: &str, entries: usize, load: impl Fn(&Path, &[Member])) {
    let folder = folder();
    let path = folder.path().join("kv.json");
    let members = members(source);
    assert_eq!(members.len(), entries);
    load(&path, &members);

    let theirs: serde_json::Map<String, serde_json::Value> = serde_json::from_str(source).expect("it is JSON");
    let mut db = Database::open(&path).expect("it opens");
    assert_eq!(db.len().expect("it can be counted"), entries as u64);
    for (key, text) in &members {
        let ours = db.get(key).expect("it can be read").unwrap_or_else(|| panic!("{key:?} is lost"));
        assert_eq!(ours.to_string(), *text, "{key:?}");
        let parsed: serde_json::Value = ours.try_into().expect("it is JSON");
        assert_eq!(parsed, theirs[key], "{key:?}");
    }
    let keys: Vec<String> = db.iter().map(|item| item.map(|(key, _)| key)).collect::<Result<_>>().expect("readable");
    assert!(keys.is_sorted());

    db.save().expect("it can be saved");
    let document = std::fs::read_to_string(&path).expect("it is there");
    let document: serde_json::Value = serde_json::from_str(&document).expect("it is JSON");
    assert_eq!(document, serde_json::json!({ "map": theirs }));
}

/// The members of a JSON object in the order of the text.
fn members(source: &str) -> Vec<Member> {
    let compact = compact(source);
    let mut rest = &compact[1..];
    let mut members = Vec::new();
    while !rest.is_empty() {
        let (key, len) = first::<String>(rest);
        rest = &rest[len + ":".len()..];
        let (_, len) = first::<IgnoredAny>(rest);
        members.push((key, rest[..len].to_owned()));
        // A comma, or the closing brace.
        rest = &rest[len + 1..];
    }
    members
}

/// The value at the start of a text, and its length.
fn first<T: DeserializeOwned>(text: &str) -> (T, usize) {
    let mut values = serde_json::Deserializer::from_str(text).into_iter();
    let value = values.next().expect("a value is there").expect("it is JSON");
    (value, values.byte_offset())
}

/// A JSON text without white space between its tokens.
fn compact(text: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    let keep = |c: &char| {
        let keep = in_string || !c.is_ascii_whitespace();
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => in_string = !in_string,
            _ => {}
        }
        keep
    };
    text.chars().filter(keep).collect()
}
