//! Any journal, and any corruption of it.

use proptest::prelude::*;

use super::*;
use crate::json::Scanner;
use crate::storage::format::record;
use crate::value::Value;

fn any_key() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec!["", "a", "b", "key", "n", "a\",\"key\":\"b", "{\"n\":1,", "\"", "\\", "\n{\"n\":17,", "é\u{202e}", "x,"])
            .prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

fn any_value() -> impl Strategy<Value = String> {
    let json = prop::sample::select(vec![
        "null",
        "true",
        "0",
        "-1.50",
        "18446744073709551616",
        "[]",
        "{}",
        "{\"$json\":1}",
        "{\"$binary\":1}",
        "{\"key\":\"a\"}",
        "{\"n\":1,\"key\":\"x\",\"last\":3}",
        "[{\"n\":17,\"key\":\"key\",\"value\":1,\"last\":1,\"sum\":\"\"}]",
        "{\"last\":3}",
        "[3,\"last\",3]",
        "{\"\\u0024json\":{}}",
    ]);
    prop_oneof![
        any_key().prop_map(Value::Text),
        prop::collection::vec(any::<u8>(), 0..9).prop_map(Value::Bytes),
        json.prop_map(|text| Value::from_json(text).unwrap()),
    ]
    .prop_map(|value| {
        let mut text = String::new();
        record::write_value(&mut text, &value);
        text
    })
}

fn any_change() -> impl Strategy<Value = Change> {
    let expiry = prop::option::of(0..300_000_000_000_000_u64);
    prop_oneof![1 => Just(None), 3 => (any_value(), expiry).prop_map(|(text, expiry)| stored(&text, expiry))]
}

/// Commits, each optionally followed by a fold line.
fn any_journal() -> impl Strategy<Value = Vec<(Changes, bool)>> {
    let commit =
        prop::collection::btree_map(any_key(), any_change(), 1..5).prop_map(|changes| changes.into_iter().collect());
    prop::collection::vec((commit, prop::bool::weighted(0.2)), 0..7)
}

fn written(journal: &[(Changes, bool)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (n, (changes, folds)) in (N + 1..).zip(journal) {
        commit(&mut bytes, n, changes);
        if *folds {
            fold(&mut bytes, n);
        }
    }
    bytes
}

/// Bytes that overwrite others.
fn any_corruption() -> impl Strategy<Value = (prop::sample::Index, Vec<u8>)> {
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 1..40),
        (1..300_usize).prop_map(|len| vec![0; len]),
        Just(b"\n".to_vec()),
    ];
    (any::<prop::sample::Index>(), bytes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn written_commits_read_back_and_are_found(journal in any_journal(), other in any_key()) {
        let bytes = written(&journal);
        let wanted: Vec<_> = (N + 1..).zip(&journal)
            .flat_map(|(n, (changes, _))| changes.iter().map(move |(key, change)| (n, key.clone(), change.clone())))
            .collect();
        let (changes, replayed) = read(&bytes).unwrap();
        prop_assert_eq!(&changes, &wanted);
        prop_assert_eq!((replayed.n, replayed.torn), (N + journal.len() as u64, 0));
        let last = (N + 1..).zip(&journal).filter(|(_, (_, folds))| *folds).last();
        prop_assert_eq!(replayed.fold.map(|fold| fold.through), last.map(|(n, _)| n));
        let state = state(changes);
        for key in state.keys().chain([&other]) {
            prop_assert_eq!(body(&bytes).find(key).unwrap(), state.get(key).cloned());
        }
        prop_assert!(body(&bytes).ends_complete());
        for line in bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            prop_assert!(serde_json::from_slice::<serde_json::Value>(line).is_ok());
            let content = seal::open(line, EPOCH).unwrap();
            match journal_line::read(line, EPOCH, &mut String::new()) {
                LineKind::Change(line) => prop_assert_eq!(journal_line::glance(content), Some((line.n, line.last))),
                _ => prop_assert_eq!(journal_line::glance(content), None),
            }
        }
    }

    #[test]
    fn a_find_gives_what_a_replay_gives_after_any_cut_and_corruption(
        journal in any_journal(), cut in any::<prop::sample::Index>(), corruption in prop::option::of(any_corruption()), other in any_key()
    ) {
        let mut bytes = written(&journal);
        let ends: Vec<usize> = (0..=journal.len()).map(|commits| written(&journal[..commits]).len()).collect();
        let states: Vec<State> = ends.iter().map(|&end| state(read(&bytes[..end]).unwrap().0)).collect();
        bytes.truncate(cut.index(bytes.len() + 1));
        if let Some((at, over)) = corruption {
            let at = at.index(bytes.len() + 1);
            let len = over.len().min(bytes.len() - at);
            bytes[at..at + len].copy_from_slice(&over[..len]);
        }
        if let Ok((changes, replayed)) = read(&bytes) {
            prop_assert_eq!(&state(changes), &states[usize::try_from(replayed.n - N).unwrap()]);
        }
        let keys: Vec<&str> = states.last().unwrap().keys().map(String::as_str).chain([other.as_str()]).collect();
        assert_find_fits(&bytes, &keys, &states);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), sealed_bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = read(&bytes);
        let mut line = sealed_bytes;
        seal::seal(&mut line, 0, EPOCH);
        let _ = (read(&line), body(&line).find("a"), Header::read(&line));
        if let LineKind::Change(line) = journal_line::read(line.strip_suffix(b"\n").unwrap(), EPOCH, &mut String::new()) {
            prop_assert!(Scanner::new(line.content).peek().is_some());
        }
    }

    #[test]
    fn carried_over_commits_have_the_same_changes(journal in any_journal(), skip in 0..8_u64) {
        let bytes = written(&journal);
        let through = (N + skip).min(N + journal.len() as u64);
        let mut out = Vec::new();
        body(&bytes).carry_over(&mut out, through, 1).unwrap();
        let mut carried = Vec::new();
        Body { bytes: &out, epoch: 1, n: through }.replay(&mut |n, key, change| carried.push((n, key.into_owned(), change))).unwrap();
        prop_assert_eq!(carried, read(&bytes).unwrap().0.into_iter().filter(|&(n, ..)| n > through).collect::<Vec<_>>());
    }
}
