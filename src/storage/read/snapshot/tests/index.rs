use std::ops::Bound;
use std::path::Path;
use std::sync::atomic::Ordering;

use proptest::prelude::*;

use super::support::{Entries, entries, keys, laid_out};
use crate::error::Error;
use crate::storage::format::layout::Section;
use crate::storage::format::record::{Entry, Stored};
use crate::storage::read::snapshot::check::check;
use crate::storage::read::snapshot::cursor::End;
use crate::storage::read::snapshot::index::{Indexed, LinePlace, ReadFault};
use crate::storage::tests::memory::Memory;

/// The keys of a section with the places of their lines and contents, found by scanning.
fn lines_by_hand(bytes: &[u8], (from, to): (u64, u64)) -> Vec<(String, u64, (u64, u64))> {
    let mut at = from;
    let section = &bytes[usize::try_from(from).unwrap()..usize::try_from(to).unwrap()];
    let line_of = |line: &[u8]| {
        let content = line.strip_suffix(b"\n").unwrap().strip_prefix(b"    ").unwrap();
        let content = content.strip_suffix(b",").unwrap_or(content);
        let key = serde_json::Deserializer::from_slice(content).into_iter::<String>().next().unwrap().unwrap();
        let start = at;
        at += line.len() as u64;
        (key, start, (start + 4, start + 4 + content.len() as u64))
    };
    section.split_inclusive(|byte| *byte == b'\n').map(line_of).collect()
}

/// Where a key's line would have to be.
fn place_by_hand(lines: &[(String, u64, (u64, u64))], end: u64, key: &str) -> LinePlace {
    let after = lines.iter().find(|(there, ..)| **there >= *key);
    after.map_or(LinePlace { at: end, found: None }, |(there, at, content)| LinePlace {
        at: *at,
        found: (there == key).then_some(*content),
    })
}

fn agrees(entries: &Entries, asked: &[String]) {
    let (bytes, layout) = laid_out(entries, &[]);
    let indexed = Indexed::new(Box::new(Memory::of(&bytes)), layout);
    let sections = [(Section::Map, layout.map), (Section::Expires, layout.expires)]
        .map(|(section, range)| (section, range.1, lines_by_hand(&bytes, range)));
    for round in 0..2 {
        for key in asked {
            let wanted = entries.get(key);
            assert_eq!(indexed.get(key).unwrap().as_ref(), wanted, "{key:?} in round {round}");
            assert_eq!(indexed.contains(key).unwrap(), wanted.is_some(), "{key:?} in round {round}");
            let expiry = wanted.and_then(|stored| stored.expiry);
            assert_eq!(indexed.expiry(key).unwrap(), expiry, "{key:?} in round {round}");
            for (section, end, lines) in &sections {
                let place = indexed.place(*section, key).unwrap();
                assert_eq!(place, place_by_hand(lines, *end, key), "{key:?} in round {round}");
            }
        }
    }
}

proptest! {
    #[test]
    fn a_key_is_found_exactly_where_a_map_has_it(entries in entries(120), asked in prop::collection::vec(keys(), 20), seed: u64) {
        let mut asked = asked;
        for key in entries.keys() {
            asked.extend([key.clone(), format!("{key}\0"), key.chars().skip(1).collect(), key.clone() + "k"]);
        }
        let length = asked.len() as u64;
        asked.sort_by_key(|key| seed.wrapping_mul(key.len() as u64 + 1) % length);
        agrees(&entries, &asked);
    }
}

#[test]
fn lines_longer_than_blocks_are_found_between_short_ones() {
    let mut entries = Entries::new();
    for (n, length) in [0, 1, 3_000_000, 0, 4096, 4080, 200_000, 5, 5, 1_000_000].into_iter().enumerate() {
        entries.insert(format!("k{n}"), Stored::of(&Entry::from("x".repeat(length))));
        entries.insert(format!("k{n}{}", "\n".repeat(length.min(65_000))), Stored::of(&Entry::from("y")));
    }
    let mut asked: Vec<String> = entries.keys().cloned().collect();
    asked.extend(["", "k", "k2x", "k9z", "z"].map(str::to_owned));
    agrees(&entries, &asked);
}

fn numbered(count: usize) -> Entries {
    let value = "v".repeat(90);
    (0..count).map(|n| (format!("user:{n:08}"), Stored::of(&Entry::from(&*value)))).collect()
}

#[test]
fn one_key_costs_a_few_short_reads_and_a_known_block_one() {
    let (bytes, layout) = laid_out(&numbered(20_000), &[]);
    let file = Memory::of(&bytes);
    let reads = file.reads.clone();
    let indexed = Indexed::new(Box::new(file), layout);
    let reads_for = |n: usize| {
        reads.store(0, Ordering::Relaxed);
        indexed.get(&format!("user:{n:08}")).unwrap().unwrap();
        reads.load(Ordering::Relaxed)
    };
    assert!(reads_for(12_345) <= 11);
    (0..20_000).step_by(7).for_each(|n| _ = reads_for(n));
    for n in (0..20_000).step_by(97) {
        assert!(reads_for(n) <= 1, "{n}");
    }
}

#[test]
fn a_corrupt_line_is_refused_where_it_is_read() {
    let (bytes, layout) = laid_out(&numbered(200), &[]);
    let text = String::from_utf8(bytes).unwrap();
    let at = text.find("user:00000077").unwrap() as u64;
    for (from, to) in [
        ("00077\": \"vv", "00077\": \"v\u{1}"),
        ("00077\": \"vv", "00077\":\"vvv"),
        ("00077\": \"vv", "00077\": 1\"v"),
        ("    \"user:00000077", "   *\"user:00000077"),
    ] {
        let corrupt = text.replacen(from, to, 1);
        assert_eq!(corrupt.len(), text.len());
        let indexed = Indexed::new(Box::new(Memory::of(corrupt.as_bytes())), layout);
        let fault = indexed.get("user:00000077");
        assert!(
            matches!(fault, Err(ReadFault::Corrupt { at: there, .. }) if there.abs_diff(at) < 130),
            "{from} to {to}: {fault:?}"
        );
        indexed.get("user:00000100").unwrap().unwrap();
    }
    let indexed = Indexed::new(Box::new(Memory::of(&text.as_bytes()[..10_000])), layout);
    assert!(matches!(indexed.get("user:00000199"), Err(ReadFault::Corrupt { .. })));
}

proptest! {
    #[test]
    fn no_content_makes_a_search_panic_or_hang(
        entries in entries(40),
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(&b" \n\"\\,:{x\x00\xff"[..])), 1..20),
        asked in prop::collection::vec(keys(), 10),
    ) {
        let (mut bytes, layout) = laid_out(&entries, &[]);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let indexed = Indexed::new(Box::new(Memory::of(&bytes)), layout);
        for key in asked.iter().chain(entries.keys()) {
            let _ = indexed.get(key);
            let _ = indexed.place(Section::Expires, key);
        }
        let open = || indexed.cursor(Bound::Unbounded, Bound::Unbounded).unwrap();
        let mut cursor = open();
        while let Ok(Some(_)) = cursor.take(End::Front) {}
        let mut cursor = open();
        while let Ok(Some(_)) = cursor.take(End::Back) {}
        if let Ok(Some(found)) = check(indexed.file()) {
            prop_assert!(found.is_sound());
        }
    }
}

#[test]
fn it_is_send() {
    fn goes<T: Send>() {}
    goes::<Indexed>();
}

#[test]
fn the_fault_of_a_read_names_line_and_column() {
    let (bytes, layout) = laid_out(&numbered(200), &[]);
    let text = String::from_utf8(bytes).unwrap().replacen("00077\": \"vv", "00077\": \"v\u{1}", 1);
    let indexed = Indexed::new(Box::new(Memory::of(text.as_bytes())), layout);
    let error = indexed.get("user:00000077").unwrap_err().error(Path::new("/kv.json"), indexed.file());
    assert!(matches!(error, Error::Unreadable { line: 80, column: 24, .. }), "{error:?}");
}
