//! Compares folds and merged reads with a map.

mod measure;
mod model;

use std::ops::Bound;

use proptest::prelude::*;

use self::model::{Foreign, Model, NOW, indexed, layout_of, text_of};
use super::fold::fold_by;
use super::touched::Touched;
use super::*;
use crate::expiry::Timestamp;
use crate::storage::format::layout::Layout;
use crate::storage::format::record::{Change, Stored};
use crate::storage::read::arena::Arena;
use crate::storage::read::layers::{Layer, Layers};
use crate::storage::read::merged::Merged;
use crate::storage::read::overlay::Overlay;
use crate::storage::read::snapshot::cursor::End;
use crate::storage::read::snapshot::index::Indexed;
use crate::storage::read::snapshot::{Document, ReadFault};
use crate::storage::tests::memory::Memory;

fn keys() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[a-c]{0,2}",
        2 => prop::sample::select(vec![
            "\"", "\\", "\\\"", "\n", "\0", "a\0", "\u{7f}", "\u{202e}", "\u{2028}", "é", "\u{ffff}", "😀", "}", "  }",
            "\",", "a\": \"", "map", "expires", "\u{80}",
        ])
        .prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

fn texts() -> impl Strategy<Value = Box<str>> {
    prop_oneof![
        8 => "\"[a-z]{0,3}\"".prop_map(String::into_boxed_str),
        2 => prop::sample::select(vec!["{\"a\":[1,2]}", "1.10", "null", "{\"$binary\":\"aGk=\"}", "\",\\n\\\"  }\"", "\"}\""]).prop_map(Box::from),
        1 => (0_usize..400_000).prop_map(|len| format!("\"{}\"", "x".repeat(len)).into()),
    ]
}

fn expiries() -> impl Strategy<Value = Option<Timestamp>> {
    prop::option::weighted(0.4, (NOW - 2..NOW + 3).prop_map(Timestamp::from_millis))
}

fn stored() -> impl Strategy<Value = Stored> {
    (texts(), expiries()).prop_map(|(text, expiry)| Stored { text, expiry })
}

fn models() -> impl Strategy<Value = Model> {
    prop::collection::btree_map(keys(), stored(), 0..12)
}

fn foreign() -> impl Strategy<Value = Foreign> {
    prop::collection::vec(("[a-z\n\"é]{1,4}", "\"[a-z]{0,3}\"|\\[1,\\{\"map\":2\\}\\]"), 0..3)
}

/// Changes, some of them of existing keys, each in one of the layers.
fn changes() -> impl Strategy<Value = Vec<(usize, String, Change)>> {
    let change = prop_oneof![2 => stored().prop_map(Some), 1 => Just(None)];
    prop::collection::vec((0_usize..2, keys(), change), 0..16)
}

fn aimed(mut changes: Vec<(usize, String, Change)>, model: &Model) -> Vec<(usize, String, Change)> {
    let keys: Vec<&String> = model.keys().collect();
    for (n, (_, key, _)) in changes.iter_mut().enumerate() {
        if let (Some(aim), true) = (keys.get(n * 7 % 13), n % 2 == 0) {
            key.clone_from(aim);
        }
    }
    changes
}

/// The pending and the committed overlay; applies the changes to the model, too.
fn overlays(changes: Vec<(usize, String, Change)>, model: &mut Model) -> [Overlay; 2] {
    let mut overlays = [Overlay::default(), Overlay::default()];
    for (layer, key, change) in changes {
        overlays[layer].insert(&key, change);
    }
    for overlay in overlays.iter().rev() {
        for (key, change) in overlay.iter() {
            match change {
                Some(stored) => model.insert(key.to_owned(), stored.clone()),
                None => model.remove(key),
            };
        }
    }
    overlays
}

fn layers(overlays: &[Overlay; 2]) -> Layers<'_> {
    Layers::new(overlays.iter().map(|overlay| Layer::Overlay(overlay.iter())))
}

fn assert_folds(below: Below<'_>, changes: &Layers<'_>, lines_each: u64, wanted: &str) -> Memory {
    let out = Memory::default();
    let layout = fold_by(&out, below, changes, Timestamp::from_millis(NOW), lines_each).unwrap();
    assert_eq!(String::from_utf8(out.bytes()).unwrap(), wanted);
    assert_eq!(layout, layout_of(wanted));
    out
}

/// The model without what has expired at [`NOW`].
fn live(model: &Model) -> Model {
    let later = Timestamp::from_millis(NOW);
    model
        .iter()
        .filter(|(_, stored)| stored.is_live(later))
        .map(|(key, stored)| (key.clone(), stored.clone()))
        .collect()
}

/// The text of a model whose snapshot was written before anything in it expired.
fn text_before(model: &Model, foreign: &Foreign) -> String {
    let shifted = |stored: &Stored| {
        let expiry = stored.expiry.map(|expiry| Timestamp::from_millis(expiry.as_millis() + NOW));
        Stored { expiry, ..stored.clone() }
    };
    let shifted = model.iter().map(|(key, stored)| (key.clone(), shifted(stored))).collect();
    let mut text = text_of(&shifted, foreign);
    for expiry in model.values().filter_map(|stored| stored.expiry) {
        let shifted = Timestamp::from_millis(expiry.as_millis() + NOW).to_string();
        text = text.replace(&shifted, &expiry.to_string());
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_kind_of_fold_writes_the_model(
        base in models(),
        foreign in foreign(),
        changes in changes(),
        more in changes(),
    ) {
        let before = text_before(&base, &foreign);
        let old = indexed(&before);
        let mut model = base.clone();
        let overlays_first = overlays(aimed(changes, &base), &mut model);
        let wanted = text_of(&model, &foreign);
        let document = Document { entries: base, foreign: foreign.clone() };
        assert_folds(Below::Document(&document), &layers(&overlays_first), 0, &wanted);
        assert_folds(Below::Indexed(&old), &layers(&overlays_first), 0, &wanted);
        assert_folds(Below::Indexed(&old), &layers(&overlays_first), 1, &wanted);
        let file = assert_folds(Below::Indexed(&old), &layers(&overlays_first), u64::MAX, &wanted);
        // Folds once more, on top of the result.
        let old = Indexed::new(Box::new(file), layout_of(&wanted));
        let mut model = live(&model);
        let more = aimed(more, &model);
        let overlays_more = overlays(more, &mut model);
        let wanted = text_of(&model, &foreign);
        for lines_each in [0, 2, u64::MAX] {
            assert_folds(Below::Indexed(&old), &layers(&overlays_more), lines_each, &wanted);
        }
    }

    #[test]
    fn a_fold_of_an_arena_and_committed_changes_writes_the_model(
        base in models(),
        committed in changes(),
        sets in prop::collection::vec((keys(), texts()), 0..16),
    ) {
        let old = indexed(&text_before(&base, &Foreign::new()));
        let mut model = base.clone();
        let below = overlays(aimed(committed, &base), &mut model);
        let mut arena = Arena::default();
        for (key, text) in sets {
            arena.push(&key, &text, None);
            model.insert(key, Stored { text, expiry: None });
        }
        let sorted = arena.sort();
        let layers = [Layer::Sets(sorted.iter()), Layer::Overlay(below[0].iter()), Layer::Overlay(below[1].iter())];
        let layers = Layers::new(layers);
        let wanted = text_of(&model, &Foreign::new());
        for lines_each in [0, u64::MAX] {
            assert_folds(Below::Indexed(&old), &layers, lines_each, &wanted);
        }
    }

    #[test]
    fn merged_reads_are_those_of_the_model_from_either_end(
        base in models(),
        changes in changes(),
        from in prop_oneof![Just(Bound::Unbounded), keys().prop_map(Bound::Included), keys().prop_map(Bound::Excluded)],
        to in prop_oneof![Just(Bound::Unbounded), keys().prop_map(Bound::Included), keys().prop_map(Bound::Excluded)],
        fronts in prop::collection::vec(any::<bool>(), 40),
    ) {
        let old = indexed(&text_before(&base, &Foreign::new()));
        let mut model = base.clone();
        let overlays = overlays(aimed(changes, &base), &mut model);
        let (from, to) = (from.as_ref().map(String::as_str), to.as_ref().map(String::as_str));
        let bounds = (from, to);
        let wanted: Vec<_> = model
            .iter()
            .filter(|(key, _)| std::ops::RangeBounds::<str>::contains(&bounds, key.as_str()))
            .collect();
        let layers = || Layers::new(overlays.iter().map(|overlay| Layer::Overlay(overlay.range(from, to))));
        let in_file = Merged::new(layers(), Some(old.cursor(from, to).unwrap()));
        let in_memory: Overlay = {
            let mut overlay = Overlay::default();
            for (key, stored) in &base {
                overlay.insert(key, Some(stored.clone()));
            }
            overlay
        };
        let in_memory = Merged::new(layers().over(Layer::Overlay(in_memory.range(from, to))), None);
        for mut merged in [in_file, in_memory] {
            let mut wanted = wanted.iter();
            for &front in &fronts {
                let (found, wanted) = if front {
                    (merged.take(End::Front).unwrap(), wanted.next())
                } else {
                    (merged.take(End::Back).unwrap(), wanted.next_back())
                };
                let found = found.as_ref().map(|line| (&*line.key, line.text, line.expiry));
                let wanted = wanted.map(|(key, stored)| (key.as_str(), &*stored.text, stored.expiry));
                prop_assert_eq!(found, wanted);
            }
        }
    }
}

/// Three entries, one with an expiry, and an unknown member.
fn small() -> String {
    let stored = |text: &str, expiry| Stored { text: text.into(), expiry };
    let model: Model = [
        ("a".to_owned(), stored("\"1\"", None)),
        ("b".to_owned(), stored("\"22\"", Some(Timestamp::from_millis(NOW + 5)))),
        ("c".to_owned(), stored("\"333\"", None)),
    ]
    .into();
    text_of(&model, &vec![("mine".to_owned(), "1".to_owned())])
}

fn fold_without_b(text: &str, layout: Layout, lines_each: u64) -> Result<Layout, FoldFault> {
    let old = Indexed::new(Box::new(Memory::of(text)), layout);
    let mut overlay = Overlay::default();
    overlay.insert("b", None);
    let layers = Layers::new([Layer::Overlay(overlay.iter())]);
    fold_by(&Memory::default(), Below::Indexed(&old), &layers, Timestamp::from_millis(NOW), lines_each)
}

/// Makes a layout wrong.
type Spoils = fn(&mut Layout);

#[test]
fn a_wrong_layout_is_not_carried_over() {
    let text = small();
    // The number of the map's lines is checked only if all of them are scanned.
    let spoilt: [(Spoils, u64); 11] = [
        (|layout| layout.count += 1, u64::MAX),
        (|layout| layout.count = 0, 0),
        (|layout| layout.count = 0, u64::MAX),
        (|layout| layout.map.1 = layout.map.0, 0),
        (|layout| layout.map.1 = layout.map.0, u64::MAX),
        (|layout| layout.expiring += 1, 0),
        (|layout| layout.expiring = 0, 0),
        (|layout| layout.length -= 1, 0),
        (|layout| layout.length += 1, 0),
        (|layout| layout.rest += 20, 0),
        (|layout| layout.expires.1 += 1, 0),
    ];
    for (n, (spoil, lines_each)) in spoilt.into_iter().enumerate() {
        let mut layout = layout_of(&text);
        assert!(fold_without_b(&text, layout, lines_each).is_ok());
        spoil(&mut layout);
        let folded = fold_without_b(&text, layout, lines_each);
        assert!(folded.is_err(), "spoilt layout {n} was taken: {folded:?}");
    }
}

#[test]
fn corruption_that_a_fold_finds_is_reported_with_its_place() {
    let text = small();
    let layout = layout_of(&text);
    for (right, wrong) in [
        ("    \"a\": ", "    'a': "),
        ("    \"c\": ", "  , \"c\": "),
        ("    \"c\": \"333\"\n", "    \"c\": \"333\","),
        ("    \"b\": \"1970-", "    \"b\": 71970-"),
    ] {
        let at = text.find(right).unwrap() as u64;
        let spoilt = text.replacen(right, wrong, 1);
        let line = at..at + 45;
        match fold_without_b(&spoilt, layout, u64::MAX) {
            Err(FoldFault::Read(ReadFault::Corrupt { at, .. })) if line.contains(&at) => {}
            folded => panic!("{wrong:?}: {folded:?} is not in {line:?}"),
        }
    }
}

#[test]
fn keys_are_found_one_by_one_only_if_there_are_few() {
    let text = small();
    let old = indexed(&text);
    for (changed, later, lines, few) in
        [(0, 0, 10, false), (0, 0, 11, true), (1, 0, 20, false), (1, 0, 21, true), (1, 5, 30, false), (1, 5, 31, true)]
    {
        let mut overlay = Overlay::default();
        for n in 0..changed {
            overlay.insert(&format!("k{n}"), None);
        }
        let layers = Layers::new([Layer::Overlay(overlay.iter())]);
        let touched = Touched::new(&old, &layers, Timestamp::from_millis(NOW + later));
        assert_eq!(touched.are_few(lines, 10).unwrap(), few, "{changed} changed, {later} later, {lines} lines");
    }
}

#[test]
fn a_write_that_fails_at_any_byte_fails_the_fold() {
    let large = |n: usize| Stored { text: format!("\"{}\"", "x".repeat(n)).into(), expiry: None };
    let model: Model = (0..9).map(|n| (format!("k{n}"), large(n * 40_000))).collect();
    let old = indexed(&text_of(&model, &Foreign::new()));
    let mut overlay = Overlay::default();
    overlay.insert("k5", Some(large(300_000)));
    let layers = Layers::new([Layer::Overlay(overlay.iter())]);
    for lines_each in [0, u64::MAX] {
        let whole = Memory::default();
        fold_by(&whole, Below::Indexed(&old), &layers, Timestamp::from_millis(NOW), lines_each).unwrap();
        for cut in (0..whole.bytes().len()).step_by(9_973) {
            let full = Memory::full_at(cut);
            let folded = fold_by(&full, Below::Indexed(&old), &layers, Timestamp::from_millis(NOW), lines_each);
            assert!(matches!(folded, Err(FoldFault::Write(_))), "{cut}: {folded:?}");
        }
    }
}
