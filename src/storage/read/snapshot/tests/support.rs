//! Shared by the tests of snapshots: documents and their layouts, written in the simplest way.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::expiry::Timestamp;
use crate::json;
use crate::storage::format::layout::{Layout, Section, line_hash};
use crate::storage::format::record::{Entry, Stored};
use crate::value::Value;

pub(super) type Entries = BTreeMap<String, Stored>;

/// The document of some entries and foreign members in canonical form, and its layout.
pub(super) fn laid_out(entries: &Entries, foreign: &[(String, String)]) -> (Vec<u8>, Layout) {
    let mut layout = Layout::default();
    let mut text = "{\n  \"map\": {".to_owned();
    let mut section = |text: &mut String, section, lines: Vec<String>| {
        let from = text.len() as u64;
        for line in &lines {
            layout.hash = layout.hash.wrapping_add(line_hash(section, line.as_bytes()));
        }
        if !lines.is_empty() {
            text.extend(["    ", &lines.join(",\n    "), "\n"]);
        }
        ((from, text.len() as u64), lines.len() as u64)
    };
    let line = |key: &str, value: &str| {
        let mut line = String::new();
        json::write_string(&mut line, key);
        line + ": " + value
    };
    let map: Vec<String> = entries.iter().map(|(key, stored)| line(key, &stored.text)).collect();
    let expires: Vec<String> = entries
        .iter()
        .filter_map(|(key, stored)| stored.expiry.map(|expiry| line(key, &format!("\"{expiry}\""))))
        .collect();
    text += if map.is_empty() { "" } else { "\n" };
    let map = section(&mut text, Section::Map, map);
    text += if map.1 == 0 { "}" } else { "  }" };
    text += if expires.is_empty() { "" } else { ",\n  \"expires\": {\n" };
    let expires = section(&mut text, Section::Expires, expires);
    text += if expires.1 == 0 { "" } else { "  }" };
    (layout.map, layout.count) = map;
    (layout.expires, layout.expiring) = expires;
    layout.rest = text.len() as u64;
    for (name, value) in foreign {
        text += ",\n  ";
        text += &line(name, value);
    }
    text += "\n}\n";
    let rest = &text.as_bytes()[usize::try_from(layout.rest).unwrap()..];
    layout.hash = layout.hash.wrapping_add(line_hash(Section::Rest, rest));
    layout.length = text.len() as u64;
    (text.into_bytes(), layout)
}

/// Keys that are close to each other, escaped, empty, multibyte, and long.
pub(super) fn keys() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[ab]{0,6}",
        2 => "[a\"\\\\\n\u{7f}é\u{202e}\u{10ffff}]{0,4}",
        2 => "user:[0-9]{1,4}",
        1 => any::<String>(),
        1 => ("[ab]{0,2}", 100..200_usize, "[ab\n]{0,2}").prop_map(|(head, n, tail)| head + &"k".repeat(n) + &tail),
        1 => ("[ab]{0,2}", 400..5000_usize, "[ab\"]{0,2}").prop_map(|(head, n, tail)| head + &"é".repeat(n) + &tail),
    ]
}

pub(super) fn values() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => "[a-z\"\n]{0,20}".prop_map(Value::from),
        2 => (0..400_usize).prop_map(|n| Value::from("v".repeat(n))),
        1 => (3000..30_000_usize).prop_map(|n| Value::from("\\\"".repeat(n / 2))),
        1 => Just(Value::from_json(r#"{"$json":[1.50,{"a":"\n    \"x\": 1"}]}"#).unwrap()),
        1 => any::<Vec<u8>>().prop_map(Value::Bytes),
    ]
}

pub(super) fn entries(most: usize) -> impl Strategy<Value = Entries> {
    let expiry = prop_oneof![3 => Just(None), 1 => (0..1_u64 << 48).prop_map(|at| Some(Timestamp::from_millis(at)))];
    let stored = (values(), expiry).prop_map(|(value, expiry)| Stored::of(&Entry { value, expiry }));
    prop::collection::btree_map(keys(), stored, 0..most)
}
