//! A large save is built without the lock: the result of concurrent changes must be the same as if they had come one
//! after the other.

use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use super::simulated::{Injected, Operation, Simulated, Until};
use super::workload::{change, commit};
use super::{NOW, open, path, state};
use crate::error::Error;
use crate::storage::Policy;
use crate::storage::write::temporary::Temp;
use crate::value::Value;

/// Commits go into the journal, and a save holds the lock only at its end.
const POLICY: Policy = Policy { small: 0, journal: 4000, share: 1, short: 0, memory: 60 };

/// A disk with a database of a few keys and its journal.
fn disk() -> Simulated {
    let disk = Simulated::new(path().parent().unwrap());
    set(&disk, "counter", "5").unwrap();
    open(&disk, POLICY).unwrap().save(NOW).unwrap();
    set(&disk, "a", "old").unwrap();
    disk
}

fn set(disk: &Simulated, key: &str, text: &str) -> crate::Result<()> {
    commit(&mut open(disk, POLICY)?, &[change(key, text)])
}

/// Runs `interfere` when the next save has read the files, but not yet written anything.
fn during_the_next_save(disk: &Simulated, interfere: impl FnOnce() + Send + 'static) {
    disk.before(|operation| matches!(operation, Operation::Create(_)), interfere);
}

fn texts(disk: &Simulated) -> Vec<(String, String)> {
    let state = state(&open(disk, POLICY).unwrap()).unwrap();
    state.into_iter().map(|(key, (text, _))| (key, text.trim_matches('"').to_owned())).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|&(key, text)| (key.to_owned(), text.to_owned())).collect()
}

#[test]
fn a_commit_during_a_save_is_kept() {
    let disk = disk();
    let other = disk.clone();
    during_the_next_save(&disk, move || set(&other, "a", "new").unwrap());
    open(&disk, POLICY).unwrap().save(NOW).unwrap();
    assert_eq!(texts(&disk), pairs(&[("a", "new"), ("counter", "5")]));
}

#[test]
fn blind_sets_take_precedence_over_commits_made_during_the_merge() {
    let disk = disk();
    let other = disk.clone();
    during_the_next_save(&disk, move || {
        set(&other, "counter", "6").unwrap();
        set(&other, "b", "during").unwrap();
    });
    let mut store = open(&disk, POLICY).unwrap();
    for (key, text) in [("counter", "1000000".to_owned()), ("x", "x".repeat(5000))] {
        store.pending().set(key, &Value::Text(text), None);
    }
    store.commit(NOW).unwrap();
    let x = "x".repeat(5000);
    assert_eq!(texts(&disk), pairs(&[("a", "old"), ("b", "during"), ("counter", "1000000"), ("x", &x)]));
}

#[test]
fn a_save_that_saw_a_commit_whose_sync_failed_is_made_again_without_it() {
    let disk = disk();
    let (go, gone) = mpsc::channel::<()>();
    let (reached, wait) = mpsc::channel();
    let saver = Arc::new(Mutex::new(None));
    let (other, started) = (disk.clone(), Arc::clone(&saver));
    disk.before(Operation::is_sync, move || {
        other.fail(other.changes() + 1, Injected::Error(rustix::io::Errno::IO), Until::Once);
        during_the_next_save(&other, move || {
            reached.send(()).unwrap();
            gone.recv().unwrap();
        });
        let save = move || open(&other, POLICY).unwrap().save(NOW);
        *started.lock().unwrap() = Some(thread::spawn(save));
        wait.recv().unwrap();
    });
    let failed = set(&disk, "failed", "there");
    assert!(matches!(failed, Err(Error::Io { .. })), "{failed:?}");
    assert_eq!(disk.injected(), 1);
    set(&disk, "acknowledged", "yes").unwrap();
    go.send(()).unwrap();
    saver.lock().unwrap().take().unwrap().join().unwrap().unwrap();
    assert_eq!(texts(&disk), pairs(&[("a", "old"), ("acknowledged", "yes"), ("counter", "5")]));
}

#[test]
fn a_save_keeps_the_temporary_file_of_a_running_one() {
    let disk = disk();
    let left = Path::new("/simulated/kv.json.tmp-0123456789abcdef");
    disk.put(left, b"of a killed writer");
    let mut store = open(&disk, POLICY).unwrap();
    let file = Temp::create(&disk, path()).unwrap();
    store.save(NOW).unwrap();
    assert!(disk.content(left).is_none(), "what no one holds is gone");
    assert!(disk.content(&file.path).is_some(), "what someone holds remains");
}
