//! Long operations report their progress, and can be stopped with nothing half done.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use rusty_kv::{Database, Error, Options, Progress};

thread_local! {
    static TOLD: RefCell<Vec<Progress>> = const { RefCell::new(Vec::new()) };
}

fn note(progress: Progress) -> ControlFlow<()> {
    TOLD.with_borrow_mut(|told| told.push(progress));
    ControlFlow::Continue(())
}

fn stop(_: Progress) -> ControlFlow<()> {
    ControlFlow::Break(())
}

/// A database of a few MiB.
fn large(path: &Path) -> Database {
    let mut db = Options::new().on_progress(note).open(path).unwrap();
    let value = "v".repeat(1000);
    db.extend((0..4000).map(|n| (format!("{n:04}"), value.clone()))).unwrap();
    db.save().unwrap();
    db
}

/// The files in the database's folder, with their contents.
fn files(path: &Path) -> Vec<(String, Vec<u8>)> {
    let items = std::fs::read_dir(path.parent().unwrap()).unwrap().map(Result::unwrap);
    let mut files: Vec<_> = items
        .map(|item| (item.file_name().into_string().unwrap(), std::fs::read(item.path()).unwrap()))
        .filter(|(name, _)| !name.contains(".lock"))
        .collect();
    files.sort();
    files
}

#[test]
fn a_save_tells_how_far_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv.json");
    let mut db = large(&path);
    TOLD.take();
    db.set("5000", "new").unwrap();
    db.save().unwrap();
    let told = TOLD.take();
    assert!(told.is_sorted_by_key(|progress| progress.done));
    let last = told.last().unwrap();
    let about = |length: u64| length - length / 20..length + length / 20;
    assert!(about(db.file_len()).contains(&last.done) && about(db.file_len()).contains(&last.total), "{last:?}");
}

#[test]
fn a_save_that_is_stopped_changes_nothing_and_another_one_succeeds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv.json");
    large(&path).set("a", "1").unwrap();
    let before = files(&path);
    let mut db = Options::new().on_progress(stop).open(&path).unwrap();
    assert!(matches!(db.save(), Err(Error::Interrupted)));
    assert!(matches!(db.save_to(folder.path().join("copy.json")), Err(Error::Interrupted)));
    assert_eq!(files(&path), before, "not even a temporary file");
    assert_eq!(db.get("a").unwrap(), Some("1".into()));
    assert!(matches!(Options::new().on_progress(stop).check(&path), Err(Error::Interrupted)));
    Database::open(&path).unwrap().save().unwrap();
    assert!(Database::check(&path).unwrap().faults.is_empty());
    assert_eq!(Database::open(&path).unwrap().len().unwrap(), 4001);
}

#[test]
fn a_change_that_is_stopped_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv.json");
    Database::open(&path).unwrap().set("a", "1").unwrap();
    let before = files(&path);
    let mut db = Options::new().on_progress(stop).open(&path).unwrap();
    assert!(matches!(db.set("a", "2"), Err(Error::Interrupted)));
    assert!(matches!(db.extend([("b", "2")]), Err(Error::Interrupted)));
    assert_eq!(files(&path), before);
    assert_eq!(db.get("a").unwrap(), Some("1".into()));
    assert_eq!(db.get("b").unwrap(), None);
}

#[test]
fn waiting_for_the_lock_can_be_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv.json");
    let mut holder = Database::open(&path).unwrap();
    holder
        .transaction(|tx| {
            tx.set("a", "1")?;
            let start = Instant::now();
            let mut other = Options::new().wait(Duration::from_mins(1)).on_progress(stop).open(&path)?;
            assert!(matches!(other.set("b", "2"), Err(Error::Interrupted)));
            assert!(start.elapsed() < Duration::from_secs(10));
            Ok(())
        })
        .unwrap();
    assert_eq!(Database::open(&path).unwrap().get("b").unwrap(), None);
}
