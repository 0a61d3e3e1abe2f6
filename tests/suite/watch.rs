//! What a watch tells, put together, is what is there: whoever writes, by the journal, by saves or into the file.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use rusty_kv::{Database, Entry, Event, Options, Timestamp, Watch};

/// What one look tells.
fn look(watch: &mut Watch) -> Vec<(String, Event)> {
    let mut seen = Vec::new();
    watch.look(|key, event| seen.push((key.to_owned(), event))).unwrap();
    seen
}

fn set(key: &str, value: &str) -> (String, Event) {
    (key.to_owned(), Event::Set(value.into()))
}

fn deleted(key: &str) -> (String, Event) {
    (key.to_owned(), Event::Deleted)
}

/// A database whose changes go into a journal.
fn make_large(db: &mut Database) {
    db.extend((0..300).map(|n| (format!("filler:{n:03}"), "x".repeat(300)))).unwrap();
}

#[test]
fn the_last_value_of_each_key_is_told_once_and_nothing_that_is_as_it_was() {
    for is_large in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kv.json");
        let mut db = Database::open(&path).unwrap();
        if is_large {
            make_large(&mut db);
        }
        db.set("a", "1").unwrap();
        let mut watch = db.watch("").unwrap();
        assert_eq!(look(&mut watch), []);
        db.set("b", "1").unwrap();
        db.set("b", "2").unwrap();
        db.set("a", "1").unwrap();
        assert_eq!(look(&mut watch), [set("b", "2")], "{is_large}");
        db.set("c", "1").unwrap();
        db.delete("c").unwrap();
        db.delete("a").unwrap();
        db.save().unwrap();
        db.set("d", "1").unwrap();
        db.save().unwrap();
        assert_eq!(look(&mut watch), [deleted("a"), set("d", "1")], "{is_large}");
        db.remove_file().unwrap();
        let gone = look(&mut watch);
        assert_eq!(gone.len(), if is_large { 302 } else { 2 });
        assert!(gone.iter().all(|(_, event)| *event == Event::Deleted));
        Database::open(&path).unwrap().set("e", "1").unwrap();
        assert_eq!(look(&mut watch), [set("e", "1")]);
    }
}

#[test]
fn only_keys_with_the_prefix_are_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv.json");
    let mut db = Database::open(&path).unwrap();
    let mut watch = db.watch("b").unwrap();
    for key in ["a", "b", "b1", "c"] {
        db.set(key, "1").unwrap();
    }
    assert_eq!(look(&mut watch), [set("b", "1"), set("b1", "1")]);
    make_large(&mut db);
    assert_eq!(look(&mut watch), []);
    for key in ["a", "b", "b1", "c"] {
        db.delete(key).unwrap();
    }
    assert_eq!(look(&mut watch), [deleted("b"), deleted("b1")]);
}

#[test]
fn an_edit_of_the_file_in_place_is_told_once_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv.json");
    let mut db = Database::open(&path).unwrap();
    db.set("a", "1").unwrap();
    db.set("b", "1").unwrap();
    let mut watch = db.watch("").unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let write = |text: &str| {
        let mut file = std::fs::OpenOptions::new().write(true).truncate(true).open(&path).unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    };
    write(&text[..30]);
    assert!(watch.look(|_, _| panic!("half a file tells nothing")).is_err());
    write("");
    assert!(watch.look(|_, _| panic!("nor does an empty one")).is_err());
    write(&text.replace("\"a\": \"1\"", "\"a\": \"2\""));
    assert_eq!(look(&mut watch), [set("a", "2")]);
}

static NOW: AtomicU64 = AtomicU64::new(1_000_000);

fn now() -> Timestamp {
    Timestamp::from_millis(NOW.load(Ordering::Relaxed))
}

#[derive(Clone, Debug)]
enum Step {
    /// A value, and after how many milliseconds it expires.
    Set(u8, u8, Option<u8>),
    Delete(u8),
    Bulk(Vec<(u8, u8)>),
    Save,
    Wait(u8),
    Look,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0..6_u8, 0..3_u8, prop::option::of(1..60_u8)).prop_map(|(key, value, ttl)| Step::Set(key, value, ttl)),
        3 => (0..6_u8).prop_map(Step::Delete),
        1 => prop::collection::vec((0..6_u8, 0..3_u8), 0..5).prop_map(Step::Bulk),
        1 => Just(Step::Save),
        3 => (0..40_u8).prop_map(Step::Wait),
        4 => Just(Step::Look),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// After each look the map that its events make is the content, and no event leaves it as it is.
    #[test]
    fn what_is_told_adds_up_to_what_is_there(is_large: bool, steps in prop::collection::vec(step(), 1..40)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kv.json");
        let open = || Options::new().clock(now).open(&path).unwrap();
        let mut db = open();
        if is_large {
            make_large(&mut db);
        }
        let mut watch = db.watch("key:").unwrap();
        let mut told: BTreeMap<String, Entry> = BTreeMap::new();
        let name = |key: u8| format!("key:{key}");
        for step in steps.into_iter().chain([Step::Look, Step::Wait(100), Step::Look]) {
            match step {
                Step::Set(key, value, ttl) => {
                    let expiry = ttl.map(|ttl| now().after(Duration::from_millis(ttl.into())).unwrap());
                    db.set_entry(&name(key), Entry { expiry, ..Entry::from(value.to_string()) }).unwrap();
                }
                Step::Delete(key) => drop(db.delete(&name(key)).unwrap()),
                Step::Bulk(sets) => {
                    db.extend(sets.into_iter().map(|(key, value)| (name(key), value.to_string()))).unwrap();
                }
                Step::Save => db.save().unwrap(),
                Step::Wait(millis) => drop(NOW.fetch_add(millis.into(), Ordering::Relaxed)),
                Step::Look => {
                    for (key, event) in look(&mut watch) {
                        let old = match event {
                            Event::Set(entry) => {
                                let old = told.insert(key, entry.clone());
                                prop_assert_ne!(old.as_ref(), Some(&entry));
                                continue;
                            }
                            Event::Deleted | Event::Expired => told.remove(&key),
                        };
                        // A key may come and go between two looks; it is told of only if its time was over.
                        prop_assert!(old.is_some() || event == Event::Expired);
                    }
                    let content: BTreeMap<String, Entry> = db.prefix("key:").collect::<Result<_, _>>().unwrap();
                    prop_assert_eq!(&told, &content);
                }
            }
        }
        prop_assert!(told.values().all(|entry| entry.expiry.is_none()));
    }
}
