//! What is undone, and what is not.

mod loads;

use super::*;
use crate::Options;
use crate::database::Existing;
use crate::error::Error;
use crate::store::Poor;
use proptest::prelude::*;

fn yes(_: &[Foreign]) -> bool {
    true
}

fn remembering() -> Undoing {
    on(Database::in_memory())
}

fn on(store: impl Store + 'static) -> Undoing {
    let mut db = Undoing::new(Box::new(store));
    db.remember();
    db
}

fn content(db: &Undoing) -> Vec<(String, Entry)> {
    db.scan(&Scan::default()).collect::<Result<_>>().unwrap()
}

fn set(db: &mut Undoing, key: &str, value: impl Into<Value>) {
    Store::set(db, key, &value.into()).unwrap();
}

fn set_entry(db: &mut Undoing, key: &str, entry: &Entry) {
    db.transaction(&[key], |changes| changes.set(key, entry)).unwrap();
}

/// Deletes keys; true if all existed.
fn delete(db: &mut Undoing, keys: &[&str]) -> Result<bool> {
    db.transaction(keys, |changes| keys.iter().try_fold(true, |all, key| Ok(changes.delete(key)? && all)))
}

fn load(db: &mut Undoing, entries: &[(&str, &str)]) -> Result<Loaded> {
    let mut entries = entries.iter().map(|&(key, value)| Ok((key.to_owned(), Entry::from(value))));
    db.load(&mut entries, Loading { existing: Existing::Replaced, unique: false }, &mut ())
}

#[test]
fn the_oldest_steps_are_dropped_for_lack_of_space() {
    let mut db = remembering();
    let large = "x".repeat(30 << 20);
    for key in ["a", "b", "c"] {
        db.next_step();
        set(&mut db, key, large.as_str());
        db.next_step();
        delete(&mut db, &[key]).unwrap();
    }
    db.next_step();
    assert!(db.history.bytes <= MOST && db.take_notices().is_empty());
    let undone = db.undo(9, &mut yes).unwrap();
    assert_eq!((undone.steps, undone.end), (4, Some(UndoEnd::Forgotten)));
    assert!(content(&db).is_empty());
    assert_eq!(db.history.bytes, 0);
}

#[test]
fn a_step_that_does_not_fit_is_reported_and_blocks_older_steps() {
    let mut db = remembering();
    let large = "x".repeat(40 << 20);
    db.next_step();
    set(&mut db, "a", large.as_str());
    set(&mut db, "b", large.as_str());
    db.next_step();
    delete(&mut db, &["a", "b"]).unwrap();
    assert_eq!(db.take_notices(), [TOO_LARGE]);
    db.next_step();
    set(&mut db, "c", "1");
    db.next_step();
    let undone = db.undo(3, &mut yes).unwrap();
    assert_eq!((undone.steps, undone.end), (1, Some(UndoEnd::TooLarge)));
    assert!(content(&db).is_empty());
    assert_eq!(db.undo(1, &mut yes).unwrap().steps, 0);
    db.begin().unwrap();
    set(&mut db, "d", large.as_str());
    db.next_step();
    set(&mut db, "d", large.as_str());
    db.next_step();
    set(&mut db, "d", large.as_str());
    db.next_step();
    assert_eq!(db.undo(1, &mut yes).unwrap().end, Some(UndoEnd::TooLarge));
    db.rollback().unwrap();
    assert!(db.take_notices().is_empty(), "nothing was done that could be undone");
    db.next_step();
    set(&mut db, "e", "1");
    db.next_step();
    assert_eq!(db.undo(1, &mut yes).unwrap().steps, 1);
}

#[test]
fn the_history_counts_the_bytes_of_keys_and_values() {
    let mut db = remembering();
    // Escaped, its first part takes six times as many bytes in the file.
    let escaped = "\u{1}".repeat(1_000);
    let value = format!("{escaped}{}", "x".repeat(MOST / 2 - escaped.len()));
    db.next_step();
    db.need_consent();
    set(&mut db, "a", value.as_str());
    set(&mut db, "b", vec![0xff; MOST / 2 - 2]);
    let keys: Vec<String> = (0..50_000).map(|n| n.to_string()).collect();
    db.next_step();
    db.need_consent();
    delete(&mut db, &["a", "b"]).unwrap();
    db.next_step();
    assert_eq!(db.undo(1, &mut yes).unwrap().keys.len(), 2);
    db.next_step();
    db.need_consent();
    let names: Vec<&str> = keys.iter().map(String::as_str).collect();
    db.transaction(&names, |tx| names.iter().try_for_each(|key| tx.set(key, &Entry::from("")))).unwrap();
    let bytes: usize = keys.iter().map(String::len).sum();
    assert_eq!(db.history.bytes, bytes);
}

#[test]
fn an_irreversible_change_needs_consent() {
    let mut db = remembering();
    set(&mut db, "a", "x".repeat(MOST));
    db.next_step();
    db.need_consent();
    assert!(matches!(delete(&mut db, &["a"]), Err(Error::Irreversible)));
    assert!(db.contains("a").unwrap() && !db.batch().is_locked);
    db.give_consent();
    assert!(delete(&mut db, &["a"]).unwrap());
    assert!(db.take_notices().is_empty(), "it was said before");
    db.next_step();
    assert_eq!(db.undo(1, &mut yes).unwrap().end, Some(UndoEnd::TooLarge));
}

#[test]
fn rolling_back_a_change_too_large_to_undo_keeps_earlier_steps() {
    let mut db = remembering();
    db.next_step();
    set(&mut db, "a", "1");
    db.next_step();
    set(&mut db, "a", "2");
    db.next_step();
    db.begin().unwrap();
    for n in 0..3 {
        db.next_step();
        set(&mut db, "b", "x".repeat((40 << 20) + n));
    }
    db.rollback().unwrap();
    db.next_step();
    assert_eq!(db.undo(1, &mut yes).unwrap().steps, 1);
    assert_eq!(db.get("a").unwrap(), Some("1".into()));
}

#[test]
fn changes_made_while_the_user_is_asked_are_asked_about_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv.json");
    let (mut ours, mut theirs) = (on(Database::open(&path).unwrap()), Database::open(&path).unwrap());
    set(&mut ours, "n", "1");
    ours.next_step();
    theirs.set("n", "2").unwrap();
    ours.refresh().unwrap();
    let mut asked = Vec::new();
    let undone = ours.undo(1, &mut |foreign| {
        let held = foreign[0].1.as_ref().map(|entry| entry.value.to_string());
        asked.push(held.clone().unwrap());
        if asked.len() == 1 {
            theirs.set("n", "3").unwrap();
        }
        true
    });
    assert_eq!(undone.unwrap().steps, 1);
    assert_eq!(asked, ["2", "3"]);
    assert!(content(&ours).is_empty());
}

#[test]
fn an_undo_in_a_transaction_needs_nothing_that_others_could_have_changed() {
    let folder = tempfile::tempdir().unwrap();
    let [path, other] = ["kv.json", "other.json"].map(|name| folder.path().join(name));
    for (path, value) in [(&path, "ours"), (&other, "else")] {
        let mut db = Database::open(path).unwrap();
        db.extend((0..4_000).map(|n| (format!("k{n:04}"), value))).unwrap();
        db.save().unwrap();
    }
    let mut db = on(Database::open(&path).unwrap());
    db.begin().unwrap();
    for key in ["k0000", "k0000", "new"] {
        db.next_step();
        set(&mut db, key, "x");
    }
    db.next_step();
    // Like an editor, into the file itself: the unchanged part of the transaction's view is no longer readable.
    assert!(std::process::Command::new("cp").arg(&other).arg(&path).status().unwrap().success());
    assert!(db.entry("k0001").is_err());
    let undone = db.undo(9, &mut yes).unwrap();
    let wanted = [("k0000", Some("ours".into())), ("new", None)];
    assert_eq!(undone.steps, 3);
    assert_eq!(undone.keys, wanted.map(|(key, to)| (key.to_owned(), Some("x".into()), to)));
    assert_eq!(db.open_transaction(), Some(0));
}

#[test]
fn a_failed_change_is_not_a_step() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv.json");
    let (mut ours, mut theirs) = (on(Database::open(&path).unwrap()), Database::open(&path).unwrap());
    ours.begin().unwrap();
    set(&mut ours, "a", "1");
    theirs.set("a", "theirs").unwrap();
    assert!(ours.commit().is_err());
    ours.next_step();
    assert_eq!(ours.undo(1, &mut yes).unwrap().end, Some(UndoEnd::Nothing));
    let mut ours = on(Poor::failing());
    ours.begin_batch();
    set(&mut ours, "b", "1");
    assert!(ours.commit_batch().is_err());
    ours.next_step();
    assert_eq!(ours.undo(1, &mut yes).unwrap().steps, 0);
    assert_eq!(ours.history.bytes, 0);
}

#[test]
fn an_entry_that_expired_since_does_not_come_back_and_is_not_a_foreign_change() {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NOW: AtomicU64 = AtomicU64::new(1_000);
    let mut db = on(Options::new().clock(|| Timestamp::from_millis(NOW.load(Ordering::Relaxed))).in_memory());
    let until = |millis| Entry { expiry: Some(Timestamp::from_millis(millis)), ..Entry::from("x") };
    db.next_step();
    set_entry(&mut db, "short", &until(2_000));
    db.next_step();
    set(&mut db, "short", "y");
    db.next_step();
    set_entry(&mut db, "other", &until(2_000));
    NOW.store(3_000, Ordering::Relaxed);
    db.next_step();
    let mut no = |_: &[Foreign]| panic!("no key was changed");
    assert!(db.undo(1, &mut no).unwrap().keys.is_empty());
    assert_eq!(db.undo(1, &mut no).unwrap().keys.len(), 1);
    assert!(content(&db).is_empty());
}

#[test]
fn what_others_change_is_asked_about_before_a_redo_and_a_no_leaves_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv.json");
    let (mut ours, mut theirs) = (on(Database::open(&path).unwrap()), Database::open(&path).unwrap());
    set(&mut ours, "n", "1");
    ours.next_step();
    set(&mut ours, "m", "1");
    ours.next_step();
    assert_eq!(ours.undo(2, &mut yes).unwrap().steps, 2);
    theirs.set("n", "2").unwrap();
    ours.refresh().unwrap();
    let redone = ours.redo(2, &mut |_| false).unwrap();
    assert_eq!((redone.steps, redone.end), (0, Some(UndoEnd::Refused)));
    assert_eq!(ours.redo(2, &mut yes).unwrap().steps, 2);
    assert_eq!(content(&ours), [("m".to_owned(), "1".into()), ("n".to_owned(), "1".into())]);
    assert_eq!(ours.undo(1, &mut yes).unwrap().steps, 1);
    set(&mut ours, "x", "1");
    ours.next_step();
    assert_eq!(ours.redo(1, &mut yes).unwrap().end, Some(UndoEnd::Nothing), "a change leaves nothing to redo");
}

#[test]
fn what_is_too_large_to_remember_can_be_undone_and_not_redone() {
    let mut db = remembering();
    set(&mut db, "a", "x".repeat(MOST));
    db.next_step();
    assert_eq!(db.undo(1, &mut yes).unwrap().steps, 1);
    assert_eq!(db.redo(1, &mut yes).unwrap().end, Some(UndoEnd::TooLarge));
    db.begin().unwrap();
    set(&mut db, "a", "x".repeat(MOST));
    db.next_step();
    assert_eq!(db.undo(1, &mut yes).unwrap().steps, 1);
    assert_eq!(db.redo(1, &mut yes).unwrap().end, Some(UndoEnd::TooLarge));
}

#[test]
fn a_load_is_a_step_like_any_other() {
    let mut db = remembering();
    set(&mut db, "a", "old");
    db.next_step();
    load(&mut db, &[("a", "1"), ("b", "2")]).unwrap();
    db.next_step();
    assert_eq!(db.undo(1, &mut yes).unwrap().keys.len(), 2);
    assert_eq!(content(&db), [("a".to_owned(), "old".into())]);
    let too_long = "k".repeat(70_000);
    assert!(load(&mut db, &[("b", "2"), (&*too_long, "3")]).is_err());
    db.begin().unwrap();
    assert!(load(&mut db, &[("c", "2"), (&*too_long, "3")]).is_err());
    db.commit().unwrap();
    db.next_step();
    assert_eq!(db.undo(9, &mut yes).unwrap().steps, 1, "what was set before");
    assert!(content(&db).is_empty() && !db.batch().is_open);
}

/// A command: some sets and deletes in one transaction, or the start or end of an open one.
#[derive(Clone, Debug)]
enum Step {
    Write(Vec<(u8, Option<u8>)>),
    Begin,
    Commit,
    Rollback,
    Undo(usize),
    Redo(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let write = || prop::collection::vec((0..4_u8, prop::option::of(0..3_u8)), 0..4).prop_map(Step::Write);
    let undo = (1..4_usize).prop_map(Step::Undo);
    let redo = (1..4_usize).prop_map(Step::Redo);
    let ends = prop_oneof![Just(Step::Begin), Just(Step::Commit), Just(Step::Rollback)];
    prop_oneof![4 => write(), 3 => ends, 3 => undo, 3 => redo]
}

/// Makes the writes in a transaction; true if it set or deleted anything.
fn write(db: &mut Undoing, writes: &[(u8, Option<u8>)]) -> bool {
    let mut wrote = false;
    db.change(Scope::Prefix(""), &mut |changes| {
        for (key, value) in writes {
            let key = key.to_string();
            wrote |= match value {
                Some(value) => changes.set(&key, &Entry::from(value.to_string())).map(|()| true)?,
                None => changes.delete(&key)?,
            };
        }
        Ok(())
    })
    .unwrap();
    wrote
}

proptest! {
    /// Against stacks of whole states: those before, and those that were undone.
    #[test]
    fn undo_gives_back_the_states_before_and_redo_those_after(commands in prop::collection::vec(step(), 1..30)) {
        let mut db = remembering();
        let (mut all, mut open): (Stacks, Option<Stacks>) = (Stacks::default(), None);
        for command in commands {
            db.next_step();
            let before = content(&db);
            match command {
                Step::Write(writes) => {
                    let wrote = write(&mut db, &writes);
                    match &mut open {
                        // In a transaction, a command that wrote is a step even if nothing is different.
                        Some(open) if wrote => open.push(before),
                        None if content(&db) != before => all.push(before),
                        _ => {}
                    }
                }
                Step::Begin if open.is_none() => {
                    db.begin().unwrap();
                    open = Some(Stacks { begun: before, ..Stacks::default() });
                }
                Step::Commit if open.is_some() => {
                    db.commit().unwrap();
                    let begun = open.take().unwrap().begun;
                    if begun != before {
                        all.push(begun);
                    }
                }
                Step::Rollback if open.is_some() => {
                    db.rollback().unwrap();
                    prop_assert_eq!(content(&db), open.take().unwrap().begun);
                }
                Step::Undo(count) => {
                    let undone = db.undo(count, &mut yes).unwrap();
                    let Stacks { undo, redo, .. } = open.as_mut().unwrap_or(&mut all);
                    prop_assert_eq!((undone.steps, content(&db)), walk(undo, redo, count, before));
                }
                Step::Redo(count) => {
                    let redone = db.redo(count, &mut yes).unwrap();
                    let Stacks { undo, redo, .. } = open.as_mut().unwrap_or(&mut all);
                    prop_assert_eq!((redone.steps, content(&db)), walk(redo, undo, count, before));
                }
                Step::Begin | Step::Commit | Step::Rollback => {}
            }
        }
        if open.is_some() {
            db.rollback().unwrap();
        }
        db.next_step();
        db.undo(usize::MAX, &mut yes).unwrap();
        prop_assert!(content(&db).is_empty());
        prop_assert_eq!(db.history.bytes, 0);
    }
}

/// What a database holds.
type Content = Vec<(String, Entry)>;

/// The states that undo and redo lead to, the next of them at the end.
#[derive(Default)]
struct Stacks {
    /// Of a transaction: the state in which it was begun.
    begun: Content,
    undo: Vec<Content>,
    redo: Vec<Content>,
}

impl Stacks {
    /// A step was made in that state.
    fn push(&mut self, before: Content) {
        self.undo.push(before);
        self.redo.clear();
    }
}

/// Takes up to this many steps one way; returns how many, and the state they lead to.
fn walk(from: &mut Vec<Content>, to: &mut Vec<Content>, count: usize, mut now: Content) -> (usize, Content) {
    let steps = count.min(from.len());
    for _ in 0..steps {
        to.push(std::mem::replace(&mut now, from.pop().unwrap()));
    }
    (steps, now)
}
