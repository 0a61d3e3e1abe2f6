use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::expiry::Timestamp;
use crate::json::Scanner;
use crate::storage::format::record::{self, Entry};
use crate::storage::read::snapshot::Layout;
use crate::value::Value;

const EPOCH: u64 = 0x0123_4567_89ab_cdef;
/// The commit that the snapshot ends with.
const N: u64 = 16;

type Changes = Vec<(String, Change)>;
/// A change as a replay gives it.
type Told = (u64, String, Change);
type State = BTreeMap<String, Change>;

fn layout() -> Layout {
    let hash = 0xfedc_ba98_7654_3210;
    Layout { length: 300, map: (13, 200), expires: (220, 280), rest: 290, count: 7, expiring: 2, hash }
}

fn stamp() -> Stamp {
    Stamp { device: 64769, inode: 131_082, length: 300, modified: (1_795_406_400, 5), changed: Some((-1, 999_999_999)) }
}

fn text(text: &str) -> Change {
    Change::from(Stored::of(&Entry::from(text)))
}

fn stored(text: &str, deadline: Option<u64>) -> Change {
    Change::from(Stored { text: text.into(), deadline: deadline.map(Timestamp::from_millis) })
}

fn commit(out: &mut Vec<u8>, n: u64, changes: &[(String, Change)]) {
    write_commit(out, EPOCH, n, changes.iter().map(|(key, change)| (key.as_str(), change.as_ref())));
}

fn one(out: &mut Vec<u8>, n: u64, key: &str, change: Change) {
    commit(out, n, &[(key.to_owned(), change)]);
}

fn fold(out: &mut Vec<u8>, through: u64) {
    Fold { through, stamp: stamp(), layout: layout() }.write(out, EPOCH);
}

/// A line of that content, sealed as it should be.
fn sealed(out: &mut Vec<u8>, content: &str) {
    let start = out.len();
    out.extend_from_slice(content.as_bytes());
    seal::seal(out, start, EPOCH);
}

fn body(bytes: &[u8]) -> Body<'_> {
    Body { bytes, epoch: EPOCH, n: N }
}

/// The changes in their order, and what else was read.
fn read(bytes: &[u8]) -> Result<(Vec<Told>, Replayed), Damage> {
    let mut changes = Vec::new();
    let replayed = body(bytes).replay(&mut |n, key, change| changes.push((n, key.into_owned(), change)))?;
    assert_eq!(replayed.good + replayed.torn, bytes.len());
    Ok((changes, replayed))
}

fn state(changes: impl IntoIterator<Item = Told>) -> State {
    changes.into_iter().map(|(_, key, change)| (key, change)).collect()
}

/// A journal of about 2 KiB with everything in it, and where each of its appends ends.
struct Sample {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Sample {
    fn new() -> Self {
        let mut sample = Self { bytes: Vec::new(), ends: vec![0] };
        let a = |key: &str, change: Change| (key.to_owned(), change);
        sample.add(&[a("hello", text("world"))]);
        sample.add(&[
            a("hello", text("w\u{202e}\n\"\\")),
            a("pic", stored("{\"$binary\":\"aGk=\"}", Some(7))),
            a("", None),
        ]);
        sample.add(&[a("n", stored("1795406400123", None))]);
        sample.add(&[a("n", stored("-0.10", Some(1_795_406_400_123))), a("hello", None)]);
        fold(&mut sample.bytes, N + 3);
        sample.ends.push(sample.bytes.len());
        let traps = "{\"n\":17,\"key\":\"x\",\"value\":[{\"n\":1,\"key\":\"hello\",\"last\":3}]}";
        sample.add(&[a("x", text("{\"n\":17,\"key\":\"x\"")), a("y", stored(traps, None)), a("\n\"é", text("é"))]);
        sample.add(&[a("x", None)]);
        sample.add(&[a("y", text("2")), a("z", text("3")), a("w", None), a("v", text(&"4".repeat(700)))]);
        assert!(sample.bytes.len() > 1_900);
        sample
    }

    fn add(&mut self, changes: &[(String, Change)]) {
        let n = read(&self.bytes).unwrap().1.n + 1;
        commit(&mut self.bytes, n, changes);
        self.ends.push(self.bytes.len());
    }

    fn lines(&self) -> Vec<&[u8]> {
        self.bytes.split_inclusive(|&byte| byte == b'\n').collect()
    }

    /// Where the last commit begins.
    fn last(&self) -> usize {
        self.ends[self.ends.len() - 2]
    }

    /// What the journal says after each of its appends.
    fn states(&self) -> Vec<State> {
        self.ends.iter().map(|&end| state(read(&self.bytes[..end]).unwrap().0)).collect()
    }
}

/// Whether a find gives what a replay gives, for every key, or leaves it to that if the end is torn; where a replay refuses,
/// it may answer something older.
fn assert_find_fits(bytes: &[u8], keys: &[&str], states: &[State]) {
    let replayed = read(bytes).map(|(changes, replayed)| (state(changes), replayed.torn));
    for &key in keys {
        match (&replayed, body(bytes).find(key)) {
            (Ok((state, _)), Ok(found)) => assert_eq!(found.as_ref(), state.get(key), "{key:?}"),
            (Ok((_, torn)), Err(Suspect)) => assert!(*torn > 0, "{key:?}"),
            (Err(_), Ok(found)) => assert!(states.iter().any(|state| state.get(key) == found.as_ref()), "{key:?}"),
            (Err(_), Err(Suspect)) => {}
        }
    }
}

const KEYS: &[&str] = &["hello", "pic", "", "n", "x", "y", "z", "w", "v", "\n\"é", "key", "no"];

#[test]
fn the_form_is_the_one_of_the_design_byte_for_byte() {
    let mut out = Vec::new();
    Header { epoch: EPOCH, n: N, stamp: stamp(), layout: layout() }.write(&mut out);
    commit(&mut out, 17, &[("k\n".to_owned(), stored("\"v\"", Some(1_795_406_400_000))), ("l".to_owned(), None)]);
    fold(&mut out, 17);
    let stamp = r#""stamp":{"device":64769,"inode":131082,"length":300,"modified":[1795406400,5]"#;
    let layout = r#""layout":{"length":300,"map":[13,200],"expires":[220,280],"rest":290,"count":7,"expiring":2,"hash":"fedcba9876543210"}"#;
    let wanted = format!(
        r#"{{"rusty-kv-journal":1,"epoch":"0123456789abcdef","n":16,{stamp},"changed":[-1,999999999]}},{layout},"sum":"5a85fb063f99db4b"}}
{{"n":17,"key":"k\n","value":"v","expires":"2026-11-23T04:00:00.000Z","sum":"41a75e1b6b521f87"}}
{{"n":17,"key":"l","deleted":true,"last":2,"sum":"6ece39f020453317"}}
{{"fold":{{{stamp}}},{layout}}},"n":17,"sum":"ceac6ee73a8941de"}}
"#
    );
    assert_eq!(String::from_utf8(out).unwrap(), wanted);
}

#[test]
fn a_journal_of_nothing_says_nothing() {
    let (changes, replayed) = read(b"").unwrap();
    assert!(changes.is_empty());
    assert_eq!(replayed, Replayed { good: 0, torn: 0, n: N, fold: None });
    assert_eq!(body(b"").find("x"), Ok(None));
    let mut out = Vec::new();
    commit(&mut out, 17, &[]);
    assert!(out.is_empty(), "a commit of nothing is none");
}

#[test]
fn every_cut_leaves_the_commits_before_it() {
    let sample = Sample::new();
    let (all, _) = read(&sample.bytes).unwrap();
    for cut in 0..=sample.bytes.len() {
        let (changes, replayed) = read(&sample.bytes[..cut]).unwrap();
        let good = *sample.ends.iter().rfind(|&&end| end <= cut).unwrap();
        assert_eq!((replayed.good, replayed.torn), (good, cut - good));
        assert_eq!(changes[..], all[..changes.len()]);
        assert_eq!(changes.len(), all.iter().filter(|&&(n, ..)| n <= replayed.n).count());
        assert_find_fits(&sample.bytes[..cut], KEYS, &[]);
    }
}

#[test]
fn every_flipped_bit_leaves_an_earlier_state_or_is_damage() {
    let sample = Sample::new();
    let states = sample.states();
    let mut bytes = sample.bytes.clone();
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        match read(&bytes) {
            Ok((changes, replayed)) => {
                let at = sample.ends.iter().position(|&end| end == replayed.good).unwrap();
                assert_eq!(state(changes), states[at]);
                assert_eq!(replayed.good, sample.last(), "only of the last append it is not known");
                assert!(bit / 8 >= sample.last());
            }
            Err(damage) => {
                assert!(bit / 8 < sample.last());
                let line = memchr::memchr_iter(b'\n', &sample.bytes[..bit / 8]).count() + 1;
                assert_eq!((damage.line, damage.newer), (line as u64, false));
                assert!(damage.at <= bit / 8 && (1..sample.lines().len() as u64).contains(&damage.good_after));
            }
        }
        if bit % 8 == bit / 8 % 8 {
            assert_find_fits(&bytes, KEYS, &states);
        }
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn a_line_that_is_dropped_doubled_or_in_another_place_never_makes_another_state() {
    let sample = Sample::new();
    let states = sample.states();
    let lines = sample.lines();
    let last = memchr::memchr_iter(b'\n', &sample.bytes[..sample.last()]).count();
    let is_fold = |line: usize| lines[line].starts_with(b"{\"fold\"");
    let starts: Vec<usize> = (0..lines.len()).map(|line| lines[..line].concat().len()).collect();
    let commit_of = |line: usize| sample.ends.iter().filter(|&&end| end <= starts[line]).count();
    let is_end = |line: usize| line + 1 == lines.len() || commit_of(line) != commit_of(line + 1);
    let check = |what: &str, line: usize, bytes: &[u8]| {
        assert_find_fits(bytes, KEYS, &states);
        let read = read(bytes).map(|(changes, replayed)| (state(changes), replayed.n));
        if is_fold(line) {
            assert_eq!(&read.unwrap().0, states.last().unwrap(), "{what} {line}");
        } else if line < last {
            assert!(read.is_err(), "{what} {line}: {read:?}");
        } else if let Ok((state, _)) = read {
            assert_eq!(state, states[states.len() - 2], "{what} {line}");
        }
    };
    for line in 0..lines.len() {
        let mut dropped = lines.clone();
        dropped.remove(line);
        check("dropped", line, &dropped.concat());
        let mut doubled = lines.clone();
        doubled.insert(line, lines[line]);
        check("doubled", line, &doubled.concat());
    }
    for (a, b) in (0..lines.len()).flat_map(|a| (0..a).map(move |b| (b, a))) {
        let mut swapped = lines.clone();
        swapped.swap(a, b);
        if let Ok((changes, replayed)) = read(&swapped.concat()) {
            let whole = replayed.torn == 0;
            let wanted = if whole { states.last().unwrap() } else { &states[states.len() - 2] };
            assert_eq!(&state(changes), wanted, "{a} and {b}");
            let of_one_commit = commit_of(a) == commit_of(b) && ![a, b].map(is_end).contains(&true);
            assert!(of_one_commit || is_fold(a) || is_fold(b) || a >= last, "{a} and {b}");
        }
    }
}

#[test]
fn a_crash_in_an_append_is_never_taken_for_damage() {
    let sample = Sample::new();
    let kept = &sample.bytes[..sample.last()];
    let append = &sample.bytes[sample.last()..];
    let lines: Vec<&[u8]> = append.split_inclusive(|&byte| byte == b'\n').collect();
    // Each line whole, as zeros, as rubbish with newlines in it, or of an older journal.
    for mut holes in 0..4_u32.pow(u32::try_from(lines.len()).unwrap()) {
        let mut bytes = kept.to_vec();
        let whole = holes == 0;
        for line in &lines {
            match holes % 4 {
                0 => bytes.extend_from_slice(line),
                1 => bytes.extend(std::iter::repeat_n(0, line.len())),
                2 => bytes.extend(line.iter().enumerate().map(|(at, byte)| if at % 9 == 0 { b'\n' } else { byte ^ 1 })),
                _ => {
                    let other = Body { bytes: line, epoch: EPOCH, n: N + 6 };
                    assert_eq!(other.carry_over(&mut Vec::new(), 0, 1).unwrap().good, 0);
                    let content = seal::open(line.strip_suffix(b"\n").unwrap(), EPOCH).unwrap();
                    let start = bytes.len();
                    bytes.extend_from_slice(content);
                    seal::seal(&mut bytes, start, EPOCH - 1);
                }
            }
            holes /= 4;
        }
        let (_, replayed) = read(&bytes).unwrap();
        assert_eq!(replayed.n, if whole { N + 7 } else { N + 6 });
        assert_eq!(replayed.torn, if whole { 0 } else { append.len() });
        assert_find_fits(&bytes, KEYS, &[]);
        // Nothing is appended behind what a crash has left, so what stands there says that it was none.
        if !whole {
            if !bytes.ends_with(b"\n") {
                bytes.push(b'\n');
            }
            one(&mut bytes, N + 8, "later", None);
            let damage = read(&bytes).unwrap_err();
            assert!(damage.at >= kept.len() && damage.good_after >= 1, "{damage:?}");
        }
    }
}

#[test]
fn what_stands_behind_bad_bytes_decides_whether_they_are_torn() {
    let bad = |tail: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = Vec::new();
        one(&mut bytes, 17, "a", text("1"));
        bytes.extend_from_slice(b"{\"fold\":{\n");
        tail(&mut bytes);
        read(&bytes).map(|(_, replayed)| replayed.n)
    };
    assert_eq!(bad(&|_| ()), Ok(17));
    assert_eq!(bad(&|bytes| bytes.extend_from_slice(&[0; 4096])), Ok(17));
    let damage = bad(&|bytes| one(bytes, 18, "b", None)).unwrap_err();
    assert_eq!((damage.line, damage.good_after), (2, 1), "a whole commit is no part of the append that failed");
    assert_eq!(damage.reason, "its checksum does not fit");
    assert!(bad(&|bytes| one(bytes, 19, "b", None)).is_err());
    assert!(bad(&|bytes| one(bytes, 17, "b", None)).is_err());
    assert!(bad(&|bytes| fold(bytes, 17)).is_err());
    let part = |bytes: &mut Vec<u8>, skip: usize| {
        let mut whole = Vec::new();
        commit(&mut whole, 18, &[("b".to_owned(), None), ("c".to_owned(), None)]);
        whole.split_inclusive(|&byte| byte == b'\n').skip(skip).take(1).for_each(|line| bytes.extend_from_slice(line));
    };
    assert_eq!(bad(&|bytes| part(bytes, 0)), Ok(17));
    assert_eq!(bad(&|bytes| part(bytes, 1)), Ok(17));
    assert!(bad(&|bytes| (0..2).for_each(|line| part(bytes, line))).is_err());
    let mut bytes = Vec::new();
    one(&mut bytes, 17, "a", text("1"));
    part(&mut bytes, 0);
    fold(&mut bytes, 17);
    part(&mut bytes, 1);
    assert_eq!(read(&bytes).unwrap_err().reason, "it notes a save of commit 17 inside commit 18");
}

#[test]
fn two_lines_that_became_one_are_damage_even_at_the_end() {
    let append = |bytes: &mut Vec<u8>, kind: &str, n: u64| match kind {
        "one" => one(bytes, n, "a", text("1")),
        "two" => commit(bytes, n, &[("a".to_owned(), None), ("b".to_owned(), text("2"))]),
        _ => fold(bytes, n - 1),
    };
    for (first, second) in ["one", "two", "fold"].iter().flat_map(|a| ["one", "two", "fold"].map(|b| (*a, b))) {
        let mut bytes = Vec::new();
        one(&mut bytes, 17, "z", text("0"));
        append(&mut bytes, first, 18);
        let joint = bytes.len() - 1;
        append(&mut bytes, second, if first == "fold" { 18 } else { 19 });
        let harmed = |harm: &dyn Fn(&mut Vec<u8>)| {
            let mut harmed = bytes.clone();
            harm(&mut harmed);
            read(&harmed).map(|(changes, _)| changes)
        };
        for byte in (0..=u8::MAX).filter(|&byte| byte != b'\n') {
            assert!(harmed(&|bytes| bytes[joint] = byte).is_err(), "{first} {second} {byte}");
        }
        let removed = |bytes: &mut Vec<u8>| {
            bytes.remove(joint);
        };
        assert!(harmed(&removed).is_err(), "{first} {second}");
        assert!(harmed(&|bytes| bytes[joint..joint + 9].fill(0)).is_err(), "{first} {second}");
        // What a crash can leave of the last newline, in a block of its own.
        let last = bytes.len() - 1;
        assert!(harmed(&|bytes| bytes[last] = 0).is_ok(), "{first} {second}");
    }
}

#[test]
fn what_is_out_of_turn_says_so() {
    let reason = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = Vec::new();
        one(&mut bytes, 17, "a", text("1"));
        write(&mut bytes);
        let damage = read(&bytes).unwrap_err();
        assert_eq!((damage.line, damage.good_after, damage.newer), (2, 0, false));
        damage.reason
    };
    assert_eq!(reason(&|bytes| one(bytes, 19, "b", None)), "expected commit 18, found commit 19");
    assert_eq!(reason(&|bytes| one(bytes, 17, "b", None)), "expected commit 18, found commit 17");
    assert_eq!(reason(&|bytes| fold(bytes, 18)), "it notes a save of commit 18, but commit 17 was the last");
}

#[test]
fn the_last_of_all_numbers_has_no_next() {
    let mut bytes = Vec::new();
    one(&mut bytes, u64::MAX, "a", None);
    let end = Body { n: u64::MAX - 1, ..body(&bytes) };
    assert_eq!(end.replay(&mut |_, _, _| ()).unwrap().n, u64::MAX);
    assert_eq!(end.find("a"), Ok(Some(None)));
    one(&mut bytes, u64::MAX, "b", None);
    assert!(Body { n: u64::MAX - 1, ..body(&bytes) }.replay(&mut |_, _, _| ()).is_err());
}

#[test]
fn a_good_sum_over_what_cannot_be_used_is_refused_wherever_it_stands() {
    for (content, newer) in
        [("{\"n\":17,\"key\":\"a\",\"colour\":1", true), ("{\"n\":17,\"key\":\"a\",\"value\":tru", false)]
    {
        let mut bytes = Vec::new();
        sealed(&mut bytes, content);
        one(&mut bytes, 17, "b", None);
        let damage = read(&bytes).unwrap_err();
        assert_eq!((damage.newer, damage.line, damage.good_after), (newer, 1, 1), "{damage:?}");
        let mut bytes = b"rubbish\n".to_vec();
        sealed(&mut bytes, content);
        let damage = read(&bytes).unwrap_err();
        assert_eq!((damage.newer, damage.line, damage.at), (newer, 2, 8), "{damage:?}");
        assert_eq!(body(&bytes).find("a"), Err(Suspect));
    }
}

#[test]
fn what_is_carried_over_keeps_its_numbers_and_leaves_the_old_epoch() {
    let sample = Sample::new();
    for through in N..=N + 7 {
        let mut out = b"header\n".to_vec();
        let replayed = body(&sample.bytes).carry_over(&mut out, through, 9).unwrap();
        assert_eq!((replayed.n, replayed.torn), (N + 7, 0));
        let mut carried = Vec::new();
        let new = Body { bytes: &out[7..], epoch: 9, n: through };
        let again = new.replay(&mut |n, key, change| carried.push((n, key.into_owned(), change))).unwrap();
        assert_eq!((again.n, again.torn, again.fold), (N + 7, 0, None));
        let wanted: Vec<_> = read(&sample.bytes).unwrap().0.into_iter().filter(|&(n, ..)| n > through).collect();
        assert_eq!(carried, wanted);
        let stale = Body { epoch: 10, ..new }.replay(&mut |_, _, _| ()).unwrap();
        assert_eq!((stale.n, stale.torn), (through, out.len() - 7), "stale bytes of another journal are no lines");
    }
    let mut torn = sample.bytes.clone();
    torn.pop();
    let mut out = Vec::new();
    assert_eq!(body(&torn).carry_over(&mut out, N + 6, 9).unwrap().n, N + 6);
    assert!(out.is_empty(), "what is torn is not carried over");
    torn[100] ^= 1;
    assert!(body(&torn).carry_over(&mut out, N, 9).is_err());
    assert!(out.is_empty(), "nor is anything of a damaged journal");
}

#[test]
fn what_was_appended_since_is_read_without_the_rest() {
    let sample = Sample::new();
    for &end in &sample.ends {
        let (mut changes, first) = read(&sample.bytes[..end]).unwrap();
        let since = Body { bytes: &sample.bytes[end..], epoch: EPOCH, n: first.n };
        let second = since.replay(&mut |n, key, change| changes.push((n, key.into_owned(), change))).unwrap();
        assert_eq!((changes, second.n), (read(&sample.bytes).unwrap().0, N + 7));
    }
}

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
    let deadline = prop::option::of(0..300_000_000_000_000_u64);
    prop_oneof![1 => Just(None), 3 => (any_value(), deadline).prop_map(|(text, deadline)| stored(&text, deadline))]
}

/// Commits; after each, perhaps, a fold line.
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

/// Bytes that are put over others.
fn any_harm() -> impl Strategy<Value = (prop::sample::Index, Vec<u8>)> {
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
    fn what_is_written_reads_back_and_is_found(journal in any_journal(), other in any_key()) {
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
        prop_assert!(body(&bytes).ends_whole());
        for line in bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            prop_assert!(serde_json::from_slice::<serde_json::Value>(line).is_ok());
            let content = seal::open(line, EPOCH).unwrap();
            match journal_line::read(line, EPOCH, &mut String::new()) {
                Kind::Change(line) => prop_assert_eq!(journal_line::glance(content), Some((line.n, line.last))),
                _ => prop_assert_eq!(journal_line::glance(content), None),
            }
        }
    }

    #[test]
    fn a_find_gives_what_a_replay_gives_after_any_cut_and_harm(
        journal in any_journal(), cut in any::<prop::sample::Index>(), harm in prop::option::of(any_harm()), other in any_key()
    ) {
        let mut bytes = written(&journal);
        let ends: Vec<usize> = (0..=journal.len()).map(|commits| written(&journal[..commits]).len()).collect();
        let states: Vec<State> = ends.iter().map(|&end| state(read(&bytes[..end]).unwrap().0)).collect();
        bytes.truncate(cut.index(bytes.len() + 1));
        if let Some((at, over)) = harm {
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
        if let Kind::Change(line) = journal_line::read(line.strip_suffix(b"\n").unwrap(), EPOCH, &mut String::new()) {
            prop_assert!(Scanner::new(line.content).peek().is_some());
        }
    }

    #[test]
    fn what_is_carried_over_means_the_same(journal in any_journal(), skip in 0..8_u64) {
        let bytes = written(&journal);
        let through = (N + skip).min(N + journal.len() as u64);
        let mut out = Vec::new();
        body(&bytes).carry_over(&mut out, through, 1).unwrap();
        let mut carried = Vec::new();
        Body { bytes: &out, epoch: 1, n: through }.replay(&mut |n, key, change| carried.push((n, key.into_owned(), change))).unwrap();
        prop_assert_eq!(carried, read(&bytes).unwrap().0.into_iter().filter(|&(n, ..)| n > through).collect::<Vec<_>>());
    }
}
