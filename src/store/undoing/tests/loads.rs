//! What a load sets, keeps and refuses, in memory and spilled.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proptest::prelude::*;

use super::super::*;
use crate::Options;
use crate::database::Difference;
use crate::database::Existing;

/// Memory holds at most two or three sets.
fn open(path: &Path) -> Database {
    Options::new().clock(|| Timestamp::from_millis(1_000)).memory(100).open(path).unwrap()
}

fn content(db: &dyn Store) -> BTreeMap<String, Entry> {
    db.scan(&Scan::default()).collect::<Result<_>>().unwrap()
}

fn entry(value: u8, expiry: Option<u64>) -> Entry {
    Entry { expiry: expiry.map(Timestamp::from_millis), ..Entry::from(value.to_string()) }
}

/// The expected result of a load.
struct Model {
    content: BTreeMap<String, Entry>,
    set: u64,
    expired: u64,
    kept: u64,
    is_refused: bool,
}

impl Model {
    fn of(old: &BTreeMap<String, Entry>, load: &[(u8, u8, Option<u64>)], how: Loading) -> Self {
        let (mut content, mut set, mut kept) = (old.clone(), BTreeSet::new(), BTreeSet::new());
        let (mut expired, mut is_refused) = (0, false);
        for &(key, value, expiry) in load {
            let (key, entry) = (key.to_string(), entry(value, expiry));
            let is_live = entry.is_live(Timestamp::from_millis(1_000));
            expired += u64::from(!is_live);
            let replaces = how.existing == Existing::Replaced;
            is_refused |= how.unique && set.contains(&key);
            match (replaces, is_live) {
                (true, false) => {
                    content.remove(&key);
                    set.remove(&key);
                }
                (false, false) => {}
                (false, true) if content.contains_key(&key) => {
                    is_refused |= how.existing == Existing::Refused || how.unique && kept.contains(&key);
                    if !set.contains(&key) {
                        kept.insert(key);
                    }
                }
                _ => {
                    content.insert(key.clone(), entry);
                    set.insert(key);
                }
            }
        }
        Self { content, set: set.len() as u64, expired, kept: kept.len() as u64, is_refused }
    }
}

fn loads() -> impl Strategy<Value = Vec<(u8, u8, Option<u64>)>> {
    // Some of them have expired.
    prop::collection::vec((0..8_u8, any::<u8>(), prop::option::of(prop_oneof![Just(500), Just(5_000)])), 0..12)
}

/// Sets entries one by one and returns the result.
fn fill(db: &mut Undoing, entries: Vec<(u8, u8, Option<u64>)>) -> BTreeMap<String, Entry> {
    let mut left = BTreeMap::new();
    for (key, value, expiry) in entries {
        let (key, entry) = (key.to_string(), entry(value, expiry));
        db.transaction(&[&key], |changes| changes.set(&key, &entry)).unwrap();
        left.insert(key, entry);
    }
    left.retain(|_, entry: &mut Entry| entry.is_live(db.now()));
    left
}

/// The result of a rehearsal, and the content it leads to.
fn rehearse(
    db: &mut Undoing,
    entries: &mut LoadSource<'_>,
    how: Loading,
    old: &BTreeMap<String, Entry>,
) -> (Loaded, BTreeMap<String, Entry>) {
    let (rehearsed, changes) = db.rehearse_load(entries, how).unwrap();
    let mut predicted = old.clone();
    for change in changes {
        let Difference { key, old, new } = change.unwrap();
        assert_eq!(predicted.remove(&key), old);
        predicted.extend(new.map(|entry| (key, entry)));
    }
    (rehearsed, predicted)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// In memory, in a file that must spill, at a prompt with undo, and in an open transaction. A rehearsal predicts
    /// the result.
    #[test]
    fn a_load_sets_entries_one_after_the_other_or_none(
        before in loads(),
        mut load in loads(),
        existing in prop_oneof![Just(Existing::Replaced), Just(Existing::Kept), Just(Existing::Refused)],
        (remembers, is_open, is_file, fails, unique) in any::<(bool, bool, bool, bool, bool)>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kv.json");
        let clock = || Timestamp::from_millis(1_000);
        let db = if is_file { open(&path) } else { Options::new().clock(clock).in_memory() };
        let mut db = Undoing::new(Box::new(db));
        let old = fill(&mut db, before);
        if remembers {
            db.remember();
        }
        db.next_step();
        if is_open {
            db.begin().unwrap();
        }
        load.iter_mut().filter(|_| unique).for_each(|(_, _, expiry)| *expiry = None);
        let how = Loading { existing, unique };
        let model = Model::of(&old, &load, how);
        let entries = || load.iter().map(|&(key, value, expiry)| Ok((key.to_string(), entry(value, expiry))));
        let (rehearsed, predicted) = rehearse(&mut db, &mut entries(), how, &old);
        let is_refused = model.is_refused;
        prop_assert_eq!(rehearsed.conflict.is_some(), is_refused);
        prop_assert_eq!(&predicted, if is_refused { &old } else { &model.content });
        prop_assert!(!db.batch().is_locked);
        let too_long = fails.then(|| Ok(("k".repeat(70_000), Entry::from("x"))));
        let loaded = db.load(&mut entries().chain(too_long), how, &mut ());
        prop_assert_eq!(loaded.is_err(), fails);
        if let Ok(loaded) = &loaded {
            prop_assert_eq!(loaded.conflict.is_some(), is_refused);
            if !is_refused {
                prop_assert_eq!((loaded.read, loaded.expired, loaded.kept), (load.len() as u64, model.expired, model.kept));
                // An entry set in one part that has expired in a later one counts as set.
                prop_assert!(loaded.entries == model.set || is_file && model.expired > 0 && loaded.entries > model.set);
                prop_assert_eq!(rehearsed.entries, model.set);
                prop_assert_eq!((rehearsed.read, rehearsed.expired), (loaded.read, loaded.expired));
                prop_assert_eq!(rehearsed.kept, loaded.kept);
            }
        }
        let wanted = if fails || is_refused { old.clone() } else { model.content };
        prop_assert_eq!(content(&db), wanted.clone());
        if is_open {
            db.commit().unwrap();
        }
        prop_assert!(!db.batch().is_locked && !db.batch().is_open);
        prop_assert_eq!(content(&db), wanted.clone());
        if is_file {
            prop_assert_eq!(content(&open(&path)), wanted.clone());
        }
        db.next_step();
        let undone = db.undo(1, &mut |_| true).unwrap();
        prop_assert!(undone.steps == 0 || content(&db) == old);
        prop_assert!(!remembers || is_file || wanted == old || undone.steps == 1);
    }
}

#[test]
fn a_load_too_large_to_undo_is_made_and_reported() {
    let mut db = Undoing::new(Box::new(Database::in_memory()));
    db.remember();
    db.set("a", &"1".into()).unwrap();
    db.next_step();
    let value = "x".repeat(1 << 20);
    let mut entries = (0..70).map(|n| Ok((n.to_string(), Entry::from(value.as_str()))));
    let how = Loading { existing: Existing::Replaced, unique: false };
    assert_eq!(db.load(&mut entries, how, &mut ()).unwrap().entries, 70);
    db.next_step();
    assert_eq!(db.take_notices(), [TOO_LARGE]);
    assert_eq!(db.undo(1, &mut |_| true).unwrap().steps, 0);
    assert_eq!(db.len().unwrap(), 71);
}

#[test]
fn a_store_with_undo_passes_on_what_a_load_replaces() {
    let mut inner = Undoing::new(Box::new(Database::in_memory()));
    inner.remember();
    let mut outer = Undoing::new(Box::new(inner));
    outer.remember();
    let how = Loading { existing: Existing::Replaced, unique: false };
    outer.load(&mut std::iter::once(Ok(("a".to_owned(), Entry::from("x")))), how, &mut ()).unwrap();
    outer.next_step();
    assert_eq!(outer.undo(1, &mut |_| true).unwrap().steps, 1);
    assert!(content(&outer).is_empty());
}

#[test]
fn a_load_takes_no_lock_before_it_has_all_of_its_entries() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv.json");
    let (mut ours, mut theirs) = (Database::open(&path).unwrap(), Database::open(&path).unwrap());
    let entries = ["a", "b"].map(|key| {
        theirs.set(key, "theirs").unwrap();
        Ok::<_, Error>((key.to_owned(), Entry::from("ours")))
    });
    let how = |existing| Loading { existing, unique: false };
    let loaded = ours.load_entries(entries, how(Existing::Kept), &mut ()).unwrap();
    assert_eq!((loaded.entries, loaded.kept), (0, 2));
    let entries = ["b", "c"].into_iter().map(|key| {
        theirs.set(key, "theirs again").unwrap();
        Ok::<_, Error>((key.to_owned(), Entry::from("ours")))
    });
    assert_eq!(ours.load_entries(entries, how(Existing::Replaced), &mut ()).unwrap().entries, 2);
    theirs.refresh().unwrap();
    assert_eq!(theirs.get("c").unwrap(), Some("ours".into()));
}
