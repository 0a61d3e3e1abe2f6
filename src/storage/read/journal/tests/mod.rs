//! Journals, written and read.

mod any;
mod corruption;

use std::collections::BTreeMap;

use super::*;
use crate::expiry::Timestamp;
use crate::storage::format::record::Entry;
use crate::storage::read::snapshot::Layout;

const EPOCH: u64 = 0x0123_4567_89ab_cdef;
/// The last commit in the snapshot.
const N: u64 = 16;

type Changes = Vec<(String, Change)>;
/// A change as a replay passes it on.
type Numbered = (u64, String, Change);
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

fn stored(text: &str, expiry: Option<u64>) -> Change {
    Change::from(Stored { text: text.into(), expiry: expiry.map(Timestamp::from_millis) })
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

/// Appends a line with this content and a correct seal.
fn sealed(out: &mut Vec<u8>, content: &str) {
    let start = out.len();
    out.extend_from_slice(content.as_bytes());
    seal::seal(out, start, EPOCH);
}

fn body(bytes: &[u8]) -> Body<'_> {
    Body { bytes, epoch: EPOCH, n: N }
}

/// The changes in order, and the result of the replay.
fn read(bytes: &[u8]) -> Result<(Vec<Numbered>, Replayed), Corruption> {
    let mut changes = Vec::new();
    let replayed = body(bytes).replay(&mut |n, key, change| changes.push((n, key.into_owned(), change)))?;
    assert_eq!(replayed.good + replayed.torn, bytes.len());
    Ok((changes, replayed))
}

fn state(changes: impl IntoIterator<Item = Numbered>) -> State {
    changes.into_iter().map(|(_, key, change)| (key, change)).collect()
}

/// A journal of about 2 KiB with everything in it, and the end of each append.
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

    /// Where the last commit starts.
    fn last(&self) -> usize {
        self.ends[self.ends.len() - 2]
    }

    /// The state after each append.
    fn states(&self) -> Vec<State> {
        self.ends.iter().map(|&end| state(read(&self.bytes[..end]).unwrap().0)).collect()
    }
}

/// Checks that a find returns what a replay returns, for every key, or leaves it to the replay if the end is torn. If
/// the replay fails, it may return something older.
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
fn the_canonical_form_is_as_specified_byte_for_byte() {
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
fn an_empty_journal_is_not_reported() {
    let (changes, replayed) = read(b"").unwrap();
    assert!(changes.is_empty());
    assert_eq!(replayed, Replayed { good: 0, torn: 0, n: N, fold: None });
    assert_eq!(body(b"").find("x"), Ok(None));
    let mut out = Vec::new();
    commit(&mut out, 17, &[]);
    assert!(out.is_empty(), "an empty commit writes nothing");
}

#[test]
fn carried_over_commits_keep_their_numbers_and_get_the_new_epoch() {
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
    assert!(out.is_empty(), "nor is anything of a corrupt journal");
}

#[test]
fn only_what_was_appended_since_is_read() {
    let sample = Sample::new();
    for &end in &sample.ends {
        let (mut changes, first) = read(&sample.bytes[..end]).unwrap();
        let since = Body { bytes: &sample.bytes[end..], epoch: EPOCH, n: first.n };
        let second = since.replay(&mut |n, key, change| changes.push((n, key.into_owned(), change))).unwrap();
        assert_eq!((changes, second.n), (read(&sample.bytes).unwrap().0, N + 7));
    }
}
