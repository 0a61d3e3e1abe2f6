use std::ops::Bound;

use proptest::prelude::*;

use super::support::{Entries, entries, keys, laid_out};
use crate::expiry::Timestamp;
use crate::json;
use crate::storage::format::layout::Section;
use crate::storage::format::record::{Entry, Stored};
use crate::storage::read::snapshot::cursor::{End, RawEntry};
use crate::storage::read::snapshot::document::Document;
use crate::storage::read::snapshot::index::{Indexed, ReadFault};
use crate::storage::tests::memory::Memory;

fn bounds() -> impl Strategy<Value = Bound<String>> {
    prop_oneof![Just(Bound::Unbounded), keys().prop_map(Bound::Included), keys().prop_map(Bound::Excluded)]
}

fn owned(line: Option<RawEntry<'_>>) -> Option<(String, Stored)> {
    line.map(|line| (line.key.into_owned(), Stored { text: line.text.into(), expiry: line.expiry }))
}

proptest! {
    #[test]
    fn entries_are_taken_from_both_ends_like_a_map(
        entries in entries(80),
        (from, to) in (bounds(), bounds()),
        near: bool,
        ends in prop::collection::vec(any::<bool>(), 100),
    ) {
        let (bytes, layout) = laid_out(&entries, &[]);
        let indexed = Indexed::new(Box::new(Memory::of(&bytes)), layout);
        // Bounds that are themselves keys of the map.
        let (from, to) = match entries.keys().nth(entries.len() / 3).filter(|_| near) {
            Some(key) => (from.map(|_| key.clone()), to.map(|_| entries.keys().next_back().unwrap().clone())),
            None => (from, to),
        };
        let mut cursor = indexed.cursor(from.as_ref().map(|key| &**key), to.as_ref().map(|key| &**key)).unwrap();
        let document = Document { entries, foreign: Vec::new() };
        let wanted = document.range(from.as_ref().map(|key| &**key), to.as_ref().map(|key| &**key));
        let mut wanted = wanted.map(|(key, stored)| (key.clone(), stored.clone()));
        for is_first in ends {
            let (there, wanted) = if is_first {
                (owned(cursor.take(End::Front).unwrap()), wanted.next())
            } else {
                (owned(cursor.take(End::Back).unwrap()), wanted.next_back())
            };
            prop_assert_eq!(there, wanted);
        }
    }

    #[test]
    fn every_entry_is_either_expired_or_live(entries in entries(80), now in 0..1_u64 << 48) {
        let (bytes, layout) = laid_out(&entries, &[]);
        let now = Timestamp::from_millis(now);
        let expired = entries.values().filter(|stored| !stored.is_live(now)).count() as u64;
        prop_assert_eq!(Indexed::new(Box::new(Memory::of(&bytes)), layout).expired(now).unwrap(), expired);
    }

    #[test]
    fn the_lines_of_a_section_are_its_contents(entries in entries(80)) {
        let (bytes, layout) = laid_out(&entries, &[]);
        let indexed = Indexed::new(Box::new(Memory::of(&bytes)), layout);
        let mut lines = indexed.lines(Section::Map);
        for (key, stored) in &entries {
            let at = usize::try_from(lines.at()).unwrap();
            let mut wanted = String::new();
            json::write_string(&mut wanted, key);
            wanted += ": ";
            wanted += &stored.text;
            prop_assert_eq!(lines.next().unwrap(), Some(wanted.as_bytes()));
            prop_assert_eq!(&bytes[at + 4..at + 4 + wanted.len()], wanted.as_bytes());
        }
        prop_assert_eq!(lines.next().unwrap(), None);
        prop_assert_eq!(lines.at(), layout.map.1);
    }
}

#[test]
fn long_lines_are_read_in_full_from_both_ends() {
    let lengths = [5, 3_000_000, 0, 70_000, 4096, 300_000, 1];
    let entries: Entries =
        (0..).zip(lengths).map(|(n, length)| (format!("{n}"), Stored::of(&Entry::from("x".repeat(length))))).collect();
    let (bytes, layout) = laid_out(&entries, &[]);
    let indexed = Indexed::new(Box::new(Memory::of(&bytes)), layout);
    let mut cursor = indexed.cursor(Bound::Unbounded, Bound::Unbounded).unwrap();
    for length in lengths {
        assert_eq!(cursor.take(End::Front).unwrap().unwrap().text.len(), length + 2);
    }
    let mut cursor = indexed.cursor(Bound::Unbounded, Bound::Unbounded).unwrap();
    for length in lengths.into_iter().rev() {
        assert_eq!(cursor.take(End::Back).unwrap().unwrap().text.len(), length + 2);
    }
}

#[test]
fn an_expiry_without_its_key_is_corruption() {
    let mut entries = Entries::new();
    let stored = Stored { expiry: Some(Timestamp::from_millis(1)), ..Stored::of(&Entry::from("x")) };
    entries.extend(["a", "b", "c"].map(|key| (key.to_owned(), stored.clone())));
    let (bytes, layout) = laid_out(&entries, &[]);
    for (from, to) in [("\"b\": \"x\"", "\"bb\": \"\""), ("\"b\": \"1970", "\"B\": \"1970"), ("00.001Z", "00.0010")] {
        let corrupt = String::from_utf8(bytes.clone()).unwrap().replacen(from, to, 3);
        let indexed = Indexed::new(Box::new(Memory::of(corrupt.as_bytes())), layout);
        let mut cursor = indexed.cursor(Bound::Unbounded, Bound::Unbounded).unwrap();
        let mut faults = (0..3).filter_map(|_| cursor.take(End::Front).map(|line| assert!(line.is_some())).err());
        assert!(matches!(faults.next(), Some(ReadFault::Corrupt { .. })), "{from}");
    }
}
