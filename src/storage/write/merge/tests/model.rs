//! A second, minimal implementation of snapshots.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::json;
use crate::storage::format::layout::{Layout, Section, line_hash};
use crate::storage::format::record::Stored;
use crate::storage::read::snapshot::index::Indexed;
use crate::storage::tests::memory::Memory;

/// The time of all folds here.
pub(super) const NOW: u64 = 1_000;

pub(super) type Model = BTreeMap<String, Stored>;
pub(super) type Foreign = Vec<(String, String)>;

/// The snapshot of a model in canonical form.
pub(super) fn text_of(model: &Model, foreign: &Foreign) -> String {
    let quoted = |text: &str| {
        let mut out = String::new();
        json::write_string(&mut out, text);
        out
    };
    let live = |stored: &Stored| stored.expiry.is_none_or(|expiry| expiry.as_millis() > NOW);
    let map: Vec<String> = model
        .iter()
        .filter(|(_, stored)| live(stored))
        .map(|(key, stored)| format!("    {}: {}", quoted(key), stored.text))
        .collect();
    let expires: Vec<String> = model
        .iter()
        .filter(|(_, stored)| live(stored))
        .filter_map(|(key, stored)| Some(format!("    {}: \"{}\"", quoted(key), stored.expiry?)))
        .collect();
    let mut text = "{\n  \"map\": {".to_owned();
    let end = if map.is_empty() { "}".to_owned() } else { format!("\n{}\n  }}", map.join(",\n")) };
    text.push_str(&end);
    if !expires.is_empty() {
        write!(text, ",\n  \"expires\": {{\n{}\n  }}", expires.join(",\n")).unwrap();
    }
    for (name, value) in foreign {
        write!(text, ",\n  {}: {value}", quoted(name)).unwrap();
    }
    text + "\n}\n"
}

/// The layout of a snapshot in canonical form, from its text alone.
pub(super) fn layout_of(text: &str) -> Layout {
    const HEAD: &str = "{\n  \"map\": {";
    const EXPIRES: &str = ",\n  \"expires\": {\n";
    assert!(text.starts_with(HEAD), "{text:?}");
    let mut hash = 0_u64;
    let mut section = |section, start: usize| {
        let (mut at, mut count) = (start, 0);
        while let Some(content) = text[at..].strip_prefix("    ") {
            let content = &content[..content.find('\n').unwrap()];
            at += 4 + content.len() + 1;
            count += 1;
            let content = if text[at..].starts_with("    ") { content.strip_suffix(',').unwrap() } else { content };
            hash = hash.wrapping_add(line_hash(section, content.as_bytes()));
        }
        ((start as u64, at as u64), at, count)
    };
    let (map, mut at, count) = section(Section::Map, HEAD.len() + usize::from(text[HEAD.len()..].starts_with('\n')));
    at += if count > 0 { "  }".len() } else { "}".len() };
    let (mut expires, mut expiring) = ((at as u64, at as u64), 0);
    if text[at..].starts_with(EXPIRES) {
        (expires, at, expiring) = section(Section::Expires, at + EXPIRES.len());
        at += "  }".len();
    }
    hash = hash.wrapping_add(line_hash(Section::Rest, &text.as_bytes()[at..]));
    Layout { length: text.len() as u64, map, expires, rest: at as u64, count, expiring, hash }
}

pub(super) fn indexed(text: &str) -> Indexed {
    Indexed::new(Box::new(Memory::of(text)), layout_of(text))
}
