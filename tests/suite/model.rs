//! For any sequence of operations by either of two handles, a database behaves like a `BTreeMap`.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError};
use rusty_kv::{Database, Entry, Error, Options, Result, Timestamp, Transaction, Value};

use crate::common::large::filler;
use crate::common::{folder, put};

thread_local! {
    /// The time in the sequence that this thread runs, in milliseconds.
    static NOW: Cell<u64> = const { Cell::new(0) };
}

const START: u64 = 1_795_406_400_000;

fn clock() -> Timestamp {
    Timestamp::from_millis(NOW.get())
}

/// Keys that are hard to sort, escape or print; close to each other, so that prefixes and ranges match.
const KEYS: &[&str] = &[
    "",
    " ",
    "\0",
    "\0\0",
    "\n",
    "\r\n",
    "\t",
    "\u{1b}[2J",
    "\"",
    "\\",
    "\\u0061",
    "'",
    "a",
    "a\0",
    "a\u{301}",
    "aa",
    "ab",
    "\u{7f}",
    "\u{80}",
    "\u{9b}1m",
    "é",
    "e\u{301}",
    "\u{200b}",
    "\u{202e}gpj",
    "\u{2028}",
    "\u{2066}x\u{2069}",
    "\u{d7ff}",
    "\u{e000}",
    "\u{feff}",
    "\u{ffff}",
    "😀",
    "👩\u{200d}💻",
    "\u{10ffff}",
    "\u{10ffff}\u{10ffff}",
    "map",
    "expires",
    "$binary",
    "$json",
    "$rusty-kv",
    "user:1",
    "user:10",
    "user:2",
];

/// JSON in which a digit, a member or a marker is easily lost.
const JSON: &[&str] = &[
    "null",
    "true",
    "-0",
    "1.10",
    "1e400",
    "18446744073709551616",
    "31.245270191439438",
    "[]",
    "{}",
    "[[],[[]],\"\\u001b\"]",
    r#"{"z":1,"a":{"":[]}}"#,
    r#"{"$binary":"aGk="}"#,
    r#"{"$binary":5}"#,
    r#"{"$json":{"$json":null}}"#,
    r#"{"$json":"text"}"#,
    r#"{"\u0024json":1}"#,
    r#"{"$serde_json::private::Number":"1"}"#,
    "[\"\\ud83d\\ude00\",\"\\u202e\"]",
];

/// A change of one key.
#[derive(Clone, Debug)]
enum Change {
    Set(String, Value),
    /// Sets it to expire this many milliseconds later.
    SetFor(String, Value, u64),
    Delete(String),
    Expire(String, Option<u64>),
}

#[derive(Clone, Debug)]
enum Operation {
    Change(Change),
    /// A transaction that succeeds or, after its changes, fails.
    Transaction(Vec<Change>, bool),
    Batch(Vec<Change>),
    /// A transaction of this handle that is open while the other one writes.
    Open(Open),
    Range(Bound<String>, Bound<String>),
    Prefix(String),
    Length,
    Load(String),
    Save,
    Reopen,
    Remove,
    /// Another program changes the layout of the file.
    Edit,
    /// This many milliseconds pass.
    Wait(u64),
}

/// What happens between `begin` and `commit` or `rollback`.
#[derive(Clone, Debug)]
struct Open {
    looks: Vec<String>,
    range: Option<(Bound<String>, Bound<String>)>,
    ours: Vec<Change>,
    theirs: Vec<Change>,
    /// Whether the other handle also saves.
    saves: bool,
    commits: bool,
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![9 => select(KEYS).prop_map(str::to_owned), 1 => any::<String>()]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        select(KEYS).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        select(JSON).prop_map(|text| Value::from_json(text).expect("it is JSON")),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::Bytes),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (key(), value()).prop_map(|(key, value)| Change::Set(key, value)),
        2 => (key(), value(), 1..60_u64).prop_map(|(key, value, span)| Change::SetFor(key, value, span)),
        2 => key().prop_map(Change::Delete),
        1 => (key(), prop::option::of(1..60_u64)).prop_map(|(key, span)| Change::Expire(key, span)),
    ]
}

fn bound() -> impl Strategy<Value = Bound<String>> {
    prop_oneof![key().prop_map(Bound::Included), key().prop_map(Bound::Excluded), Just(Bound::Unbounded),]
}

fn open_transaction() -> impl Strategy<Value = Open> {
    let changes = || prop::collection::vec(change(), 0..4);
    let range = prop::option::weighted(0.2, (bound(), bound()));
    let looks = prop::collection::vec(key(), 0..3);
    (looks, range, changes(), changes(), any::<bool>(), prop::bool::weighted(0.8))
        .prop_map(|(looks, range, ours, theirs, saves, commits)| Open { looks, range, ours, theirs, saves, commits })
}

fn operation() -> impl Strategy<Value = Operation> {
    let changes = || prop::collection::vec(change(), 0..6);
    prop_oneof![
        12 => change().prop_map(Operation::Change),
        3 => (changes(), any::<bool>()).prop_map(|(changes, succeeds)| Operation::Transaction(changes, succeeds)),
        2 => changes().prop_map(Operation::Batch),
        3 => open_transaction().prop_map(Operation::Open),
        3 => (bound(), bound()).prop_map(|(from, to)| Operation::Range(from, to)),
        2 => key().prop_map(Operation::Prefix),
        1 => Just(Operation::Length),
        1 => key().prop_map(Operation::Load),
        1 => Just(Operation::Save),
        2 => Just(Operation::Reopen),
        1 => Just(Operation::Edit),
        4 => (0..40_u64).prop_map(Operation::Wait),
        1 => prop_oneof![7 => Just(Operation::Length), 1 => Just(Operation::Remove)],
    ]
}

impl Change {
    fn key(&self) -> &String {
        let (Self::Set(key, _) | Self::SetFor(key, ..) | Self::Delete(key) | Self::Expire(key, _)) = self;
        key
    }
}

fn is_within((from, to): &(Bound<String>, Bound<String>), key: &String) -> bool {
    let after = match from {
        Bound::Included(from) => key >= from,
        Bound::Excluded(from) => key > from,
        Bound::Unbounded => true,
    };
    after
        && match to {
            Bound::Included(to) => key <= to,
            Bound::Excluded(to) => key < to,
            Bound::Unbounded => true,
        }
}

/// The expected content of a database.
#[derive(Clone, Debug, Default)]
struct Model(BTreeMap<String, Entry>);

impl Model {
    fn get(&self, key: &str) -> Option<&Entry> {
        self.0.get(key).filter(|entry| is_live(entry))
    }

    fn live(&self) -> impl DoubleEndedIterator<Item = (String, Entry)> {
        let live = self.0.iter().filter(|(_, entry)| is_live(entry));
        live.map(|(key, entry)| (key.clone(), entry.clone()))
    }

    /// Applies a change and returns the expected answer: whether the key existed, for changes that return that.
    fn apply(&mut self, change: &Change) -> bool {
        match change {
            Change::Set(key, value) => {
                self.0.insert(key.clone(), value.clone().into());
                true
            }
            Change::SetFor(key, value, span) => {
                self.0.insert(key.clone(), Entry { value: value.clone(), expiry: Some(ahead(*span)) });
                true
            }
            Change::Delete(key) => {
                let there = self.get(key).is_some();
                self.0.remove(key);
                there
            }
            Change::Expire(key, span) => {
                let there = self.get(key).is_some();
                if there && let Some(entry) = self.0.get_mut(key) {
                    entry.expiry = span.map(ahead);
                }
                there
            }
        }
    }
}

/// Computed independently of the library.
fn is_live(entry: &Entry) -> bool {
    entry.expiry.is_none_or(|expiry| clock().as_millis() < expiry.as_millis())
}

fn ahead(span: u64) -> Timestamp {
    Timestamp::from_millis(NOW.get() + span)
}

fn apply(db: &mut Database, change: &Change) -> Result<bool> {
    match change {
        Change::Set(key, value) => db.set(key, value.clone()).map(|()| true),
        Change::SetFor(key, value, span) => {
            db.set_entry(key, Entry { value: value.clone(), expiry: Some(ahead(*span)) }).map(|()| true)
        }
        Change::Delete(key) => db.delete(key),
        Change::Expire(key, span) => db.expire(key, span.map(ahead)),
    }
}

fn apply_within(tx: &mut Transaction<'_>, change: &Change) -> Result<bool> {
    match change {
        Change::Set(key, value) => tx.set(key, value.clone()).map(|()| true),
        Change::SetFor(key, value, span) => {
            tx.set_entry(key, Entry { value: value.clone(), expiry: Some(ahead(*span)) }).map(|()| true)
        }
        Change::Delete(key) => tx.delete(key),
        Change::Expire(key, span) => {
            let Some(entry) = tx.entry(key)? else { return Ok(false) };
            tx.set_entry(key, Entry { expiry: span.map(ahead), ..entry }).map(|()| true)
        }
    }
}

type Checked = std::result::Result<(), TestCaseError>;

fn failed(error: &rusty_kv::Error) -> TestCaseError {
    TestCaseError::fail(error.to_string())
}

fn open(path: &Path) -> std::result::Result<Database, TestCaseError> {
    Options::new().clock(clock).open(path).map_err(|error| failed(&error))
}

fn all(items: rusty_kv::Range<'_>) -> std::result::Result<Vec<(String, Entry)>, TestCaseError> {
    items.collect::<Result<_>>().map_err(|error| failed(&error))
}

/// A transaction on both, whose answers are compared.
fn transact(db: &mut Database, model: &mut Model, changes: &[Change], succeeds: bool) -> Checked {
    let mut after = model.clone();
    let mut answers = Vec::new();
    let done = db.transaction(|tx| {
        for change in changes {
            answers.push((apply_within(tx, change)?, after.apply(change)));
            let key = change.key();
            answers.push((tx.entry(key)?.as_ref() == after.get(key), true));
            let keys = after.live().map(|(key, _)| key).filter(|other| other.starts_with(key)).collect::<Vec<_>>();
            answers.push((tx.keys(key)? == keys, true));
        }
        if succeeds { Ok(()) } else { Value::from_json("not JSON").map(drop) }
    });
    prop_assert_eq!(done.is_ok(), succeeds, "{:?}", done);
    prop_assert!(answers.iter().all(|(got, wanted)| got == wanted), "{:?}", answers);
    if succeeds {
        *model = after;
    }
    Ok(())
}

/// A transaction of `db` that is open while `other` writes.
fn interleave(db: &mut Database, other: &mut Database, model: &mut Model, open: &Open) -> Checked {
    let before = model.clone();
    let mut after = model.clone();
    let mut written = BTreeSet::new();
    db.begin().map_err(|error| failed(&error))?;
    let look = |db: &Database, after: &Model| -> Checked {
        for key in &open.looks {
            prop_assert_eq!(db.entry(key).map_err(|error| failed(&error))?, after.get(key).cloned());
        }
        if let Some(range) = &open.range {
            let wanted: Vec<_> = after.live().filter(|(key, _)| is_within(range, key)).collect();
            prop_assert_eq!(all(db.range(range.clone()))?, wanted);
        }
        Ok(())
    };
    look(db, &after)?;
    for change in &open.ours {
        let answer = apply(db, change).map_err(|error| failed(&error))?;
        prop_assert_eq!(answer, after.apply(change), "{:?}", change);
        if answer {
            written.insert(change.key().clone());
        }
    }
    for change in &open.theirs {
        let answer = apply(other, change).map_err(|error| failed(&error))?;
        prop_assert_eq!(answer, model.apply(change), "an open transaction is seen by others");
    }
    if open.saves {
        other.save().map_err(|error| failed(&error))?;
    }
    look(db, &after)?;
    if !open.commits {
        prop_assert_eq!(db.rollback().ok(), Some(written.len() as u64));
        return Ok(());
    }
    let mut changed = false;
    // Whether an expired entry is still stored makes no difference.
    let mut look_at = |key: &String| changed |= before.get(key) != model.get(key);
    open.looks.iter().chain(open.ours.iter().map(Change::key)).for_each(&mut look_at);
    if let Some(range) = &open.range {
        before.0.keys().chain(model.0.keys()).filter(|key| is_within(range, key)).for_each(&mut look_at);
    }
    match db.commit() {
        Ok(keys) => {
            prop_assert_eq!(keys, written.len() as u64);
            prop_assert!(!changed || written.is_empty(), "what was read was changed by the other");
            for key in written {
                match after.0.get(&key) {
                    Some(entry) => model.0.insert(key, entry.clone()),
                    None => model.0.remove(&key),
                };
            }
        }
        Err(Error::Overtaken { key }) => {
            prop_assert!(changed && !written.is_empty(), "{:?} was not changed", key);
        }
        Err(error) => return Err(failed(&error)),
    }
    prop_assert_eq!(db.open_transaction(), None);
    Ok(())
}

/// Performs one operation on one of the handles and on the model; all answers must be the same.
fn operate(db: &mut Database, path: &Path, model: &mut Model, operation: &Operation) -> Checked {
    match operation {
        Operation::Change(change) => {
            let answer = apply(db, change).map_err(|error| failed(&error))?;
            prop_assert_eq!(answer, model.apply(change));
        }
        Operation::Transaction(changes, succeeds) => transact(db, model, changes, *succeeds)?,
        Operation::Batch(changes) => {
            let files = || (std::fs::read(path).ok(), std::fs::read(path.with_added_extension("journal")).ok());
            let before = files();
            db.begin_batch();
            for change in changes {
                let answer = apply(db, change).map_err(|error| failed(&error))?;
                prop_assert_eq!(answer, model.apply(change));
            }
            prop_assert!(files() == before, "a batch is on disk before its end");
            db.commit_batch().map_err(|error| failed(&error))?;
        }
        Operation::Open(_) => unreachable!("it takes both handles"),
        Operation::Range(from, to) => {
            let range = (from.clone(), to.clone());
            let mut wanted: Vec<_> = model.live().filter(|(key, _)| is_within(&range, key)).collect();
            prop_assert_eq!(&all(db.range(range.clone()))?, &wanted);
            let backwards: Result<Vec<_>> = db.range(range).rev().collect();
            wanted.reverse();
            prop_assert_eq!(backwards.map_err(|error| failed(&error))?, wanted);
        }
        Operation::Prefix(prefix) => {
            let wanted: Vec<_> = model.live().filter(|(key, _)| key.starts_with(prefix)).collect();
            prop_assert_eq!(all(db.prefix(prefix))?, wanted);
        }
        Operation::Length => {
            prop_assert_eq!(db.len().ok(), Some(model.live().count() as u64));
            prop_assert_eq!(db.is_empty().ok(), Some(model.live().next().is_none()));
        }
        Operation::Load(key) => {
            let wanted = model.get(key);
            prop_assert_eq!(db.get(key).ok(), Some(wanted.map(|entry| entry.value.clone())));
            prop_assert_eq!(db.entry(key).ok(), Some(wanted.cloned()));
            prop_assert_eq!(db.contains(key).ok(), Some(wanted.is_some()));
        }
        Operation::Save => db.save().map_err(|error| failed(&error))?,
        Operation::Reopen => *db = open(path)?,
        Operation::Remove => {
            db.remove_file().map_err(|error| failed(&error))?;
            model.0.clear();
        }
        Operation::Edit => {
            // Editing the file next to a journal with changes is a different case.
            db.save().map_err(|error| failed(&error))?;
            // No value contains a raw newline, so this changes only the layout.
            if let Ok(text) = std::fs::read_to_string(path) {
                put(path, format!("\u{feff}{}", text.trim_start_matches('\u{feff}').replace('\n', " \r\n\t")));
            }
        }
        Operation::Wait(span) => NOW.set(NOW.get() + span),
    }
    Ok(())
}

/// Runs a sequence; `true` selects the second handle. A large database has a journal.
fn run(large: bool, operations: &[(bool, Operation)]) -> Checked {
    NOW.set(START);
    let folder = folder();
    let path = folder.path().join("kv.json");
    let mut model = Model::default();
    let (mut first, mut second) = (open(&path)?, open(&path)?);
    if large {
        let (key, value) = filler();
        let change = Change::Set(key.to_owned(), value);
        prop_assert_eq!(apply(&mut first, &change).ok(), Some(model.apply(&change)));
    }
    for (swapped, operation) in operations {
        let (db, other) = if *swapped { (&mut second, &mut first) } else { (&mut first, &mut second) };
        // Writes load what others wrote; reads need a refresh.
        if !matches!(operation, Operation::Change(_) | Operation::Transaction(..) | Operation::Batch(_)) {
            db.refresh().map_err(|error| failed(&error))?;
        }
        match operation {
            Operation::Open(open) => interleave(db, other, &mut model, open)?,
            operation => operate(db, &path, &mut model, operation)?,
        }
        db.refresh().map_err(|error| failed(&error))?;
        prop_assert_eq!(all(db.iter())?, model.live().collect::<Vec<_>>(), "after {:?}", operation);
    }
    // The file does not depend on the history of the database.
    let mut db = first;
    db.save().map_err(|error| failed(&error))?;
    let mut fresh = Options::new().clock(clock).in_memory();
    for (key, entry) in model.live() {
        fresh.set_entry(&key, entry).map_err(|error| failed(&error))?;
    }
    let copy = fresh.save_to(folder.path().join("copy.json")).map_err(|error| failed(&error))?;
    let read = |path: &Path| std::fs::read_to_string(path).expect("it was saved");
    prop_assert_eq!(read(&path), read(&copy));
    prop_assert_eq!(all(open(&path)?.iter())?, model.live().collect::<Vec<_>>());
    Ok(())
}

#[test]
fn every_sequence_of_operations_behaves_like_a_sorted_map() {
    let long = std::env::var_os("RUSTY_KV_LONG").is_some_and(|long| long == "1");
    let cases = if long { 20_000 } else { 500 };
    let sequences = prop::collection::vec((any::<bool>(), operation()), 1..=60);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    proptest!(config, |(large in prop::bool::weighted(0.3), operations in sequences)| run(large, &operations)?);
}
