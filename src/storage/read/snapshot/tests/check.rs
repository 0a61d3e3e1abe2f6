use proptest::prelude::*;

use super::support::{Entries, entries, laid_out};
use crate::storage::format::layout::Layout;
use crate::storage::format::record::{Entry, Stored};
use crate::storage::read::snapshot::check::{check, hash};
use crate::storage::read::snapshot::document::Document;
use crate::storage::tests::memory::Memory;

fn foreign() -> Vec<(String, String)> {
    vec![("mine".to_owned(), "[1,2.50]".to_owned()), ("\n".to_owned(), "{\"map\":\"\\n\"}".to_owned())]
}

fn checked(bytes: &[u8]) -> Option<Layout> {
    check(&Memory::of(bytes)).unwrap()
}

proptest! {
    #[test]
    fn a_document_in_canonical_form_is_accepted_with_its_layout_and_hash(entries in entries(60), members in 0..3_usize) {
        let foreign = foreign()[..members.min(2)].to_vec();
        let (bytes, layout) = laid_out(&entries, &foreign);
        prop_assert_eq!(checked(&bytes), Some(layout));
        prop_assert!(hash(&Memory::of(&bytes), &layout).unwrap());
        let other = Layout { hash: layout.hash ^ 1, ..layout };
        prop_assert!(!hash(&Memory::of(&bytes), &other).unwrap());
        prop_assert_eq!(Document::read(&bytes).unwrap(), Document { entries, foreign });
    }

    /// A document that passes is exactly what the simple writer writes for it.
    #[test]
    fn a_changed_document_passes_only_if_it_is_canonical(
        entries in entries(12),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0..3_u8, prop::sample::select(&b" \n\"\\,:{}[]0a5Z\x00\xff"[..])), 1..3),
    ) {
        let (bytes, layout) = laid_out(&entries, &foreign());
        let mut changed = bytes.clone();
        for (at, how, byte) in changes {
            let at = at.index(changed.len());
            match how {
                0 => changed[at] = byte,
                1 => changed.insert(at, byte),
                _ => _ = changed.remove(at),
            }
        }
        let in_form = Document::read(&changed).ok().map(|read| laid_out(&read.entries, &read.foreign));
        let wanted = in_form.filter(|(written, _)| *written == changed).map(|(_, layout)| layout);
        prop_assert_eq!(checked(&changed), wanted);
        prop_assert_eq!(hash(&Memory::of(&changed), &layout).unwrap(), changed == bytes);
    }
}

#[test]
fn every_other_layout_of_a_document_needs_a_full_read() {
    let text = "{\n  \"map\": {\n    \"a\": {\"$json\":{\"$json\":1}},\n    \"b\": \"\\n\",\n    \"é\": [1,\"\\u0041\"]\n  },\n  \"expires\": {\n    \"b\": \"2026-11-23T04:00:00.000Z\"\n  },\n  \"mine\": [1]\n}\n";
    assert!(checked(text.as_bytes()).is_some());
    for (from, to) in [
        ("{\n", "{ \n"),
        ("\n}\n", "\n}"),
        ("\n}\n", "\n}\n\n"),
        ("\n}\n", "\n}\n{}"),
        ("    \"a\"", "\t\"a\""),
        ("\"a\": ", "\"a\":"),
        ("\"a\": ", "\"\\u0061\": "),
        ("\"a\": ", "\"c\": "),
        ("{\"$json\":{\"$json\":1}}", "{\"$json\":1}"),
        ("{\"$json\":{\"$json\":1}}", "{\"$json\":{\"x\":1}}"),
        ("{\"$json\":{\"$json\":1}}", "{\"$binary\":\"a\"}"),
        ("{\"$json\":{\"$json\":1}}", "{\"$binary\":\"aGk\"}"),
        ("\"\\n\",", "\"\\u000a\","),
        ("\"\\n\",", "\"\\/\","),
        ("\"\\n\",", "\"\u{202e}\","),
        ("[1,\"", "[1, \""),
        ("[1,\"", "[01,\""),
        ("\"]\n", "\"],\n"),
        ("04:00:00.000Z", "04:00:00Z"),
        ("04:00:00.000Z", "04:00:00.000z"),
        ("\"b\": \"2026", "\"c\": \"2026"),
        ("\"expires\": {\n    \"b\": \"2026-11-23T04:00:00.000Z\"\n  }", "\"expires\": {}"),
        ("\"expires\"", "\"elapses\""),
        ("\"mine\": [1]", "\"mine\":[1]"),
        ("\"mine\": [1]", "\"mine\": [1 ]"),
        ("\"mine\": [1]", "\"mine\": [1],"),
        ("\"mine\": [1]", "\"mine\": [1],\n  \"mine\": 2"),
        ("\"mine\": [1]", "\"map\": {}"),
        ("\"mine\": [1]", "\"$rusty-kv\": 2"),
    ] {
        assert!(text.contains(from), "{from:?}");
        assert_eq!(checked(text.replacen(from, to, 1).as_bytes()), None, "{from:?} to {to:?}");
    }
    for text in [
        "",
        " ",
        "{}",
        "{\n  \"map\": {",
        "{\n  \"map\": {\n",
        "{\n  \"map\": {\n  }\n}\n",
        "\u{feff}{\n  \"map\": {}\n}\n",
    ] {
        assert_eq!(checked(text.as_bytes()), None, "{text:?}");
    }
}

#[test]
fn limits_of_keys_and_depth_hold() {
    for (length, passes) in [(64 << 10, true), ((64 << 10) + 1, false)] {
        let entries = Entries::from([("\n".repeat(length), Stored::of(&Entry::from("x")))]);
        assert_eq!(checked(&laid_out(&entries, &[]).0).is_some(), passes, "{length}");
    }
    for (depth, passes) in [(100, true), (101, false)] {
        let text = "[".repeat(depth) + &"]".repeat(depth);
        let entries = Entries::from([("a".to_owned(), Stored { text: text.into(), expiry: None })]);
        assert_eq!(checked(&laid_out(&entries, &[]).0).is_some(), passes, "{depth}");
    }
}

#[test]
fn a_wrong_layout_is_no_reason_to_panic() {
    let entries = Entries::from(["a", "b"].map(|key| (key.to_owned(), Stored::of(&Entry::from("x")))));
    let (bytes, layout) = laid_out(&entries, &[]);
    let file = Memory::of(&bytes);
    for value in [0, 1, 12, 13, 40, u64::MAX - 2, u64::MAX] {
        let changed = [
            Layout { length: value, ..layout },
            Layout { map: (value, layout.map.1), ..layout },
            Layout { map: (layout.map.0, value), ..layout },
            Layout { map: (value, value), ..layout },
            Layout { expires: (value, layout.expires.1), ..layout },
            Layout { expires: (layout.expires.0, value), ..layout },
            Layout { rest: value, ..layout },
            Layout { count: value, ..layout },
            Layout { expiring: value, ..layout },
        ];
        for changed in changed.into_iter().filter(|changed| *changed != layout) {
            assert!(!hash(&file, &changed).unwrap(), "{changed:?}");
        }
    }
}
