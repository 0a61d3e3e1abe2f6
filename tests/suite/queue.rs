//! `push` and `pop --front` are a queue in one key, whoever uses it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

use rusty_kv::Database;

use crate::common::folder;

const SIDES: usize = 4;
const EACH: usize = 50;

#[test]
fn eight_processes_at_once_lose_nothing_and_take_nothing_twice() {
    let folder = folder();
    let path = folder.path().join("kv.json");
    let popped = AtomicUsize::new(0);
    let taken: Vec<Vec<(usize, usize)>> = std::thread::scope(|scope| {
        for pusher in 0..SIDES {
            let path = &path;
            scope.spawn(move || push_all(path, pusher));
        }
        let poppers: Vec<_> = (0..SIDES).map(|_| scope.spawn(|| pop_all(&path, &popped))).collect();
        poppers.into_iter().map(|popper| popper.join().unwrap()).collect()
    });
    let mut times: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for taken in &taken {
        // What one process takes comes in the order in which each other put it in.
        for pusher in 0..SIDES {
            assert!(taken.iter().filter(|item| item.0 == pusher).is_sorted(), "{taken:?}");
        }
        for &item in taken {
            *times.entry(item).or_default() += 1;
        }
    }
    let pushed = (0..SIDES).flat_map(|pusher| (0..EACH).map(move |number| ((pusher, number), 1)));
    assert_eq!(times, pushed.collect());
    assert_eq!(Database::open(&path).unwrap().get("queue").unwrap().unwrap().to_string(), "[]");
}

fn push_all(path: &Path, pusher: usize) {
    for number in 0..EACH {
        let output = run(path, &["push", "queue", &format!("[{pusher},{number}]"), "--json"]);
        assert!(output.status.success(), "{output:?}");
    }
}

/// Takes items until all have taken all of them.
fn pop_all(path: &Path, popped: &AtomicUsize) -> Vec<(usize, usize)> {
    let mut taken = Vec::new();
    while popped.load(Ordering::Relaxed) < SIDES * EACH {
        let output = run(path, &["pop", "queue", "--front"]);
        match output.status.code() {
            Some(0) => {
                taken.push(serde_json::from_slice(&output.stdout).expect("an item as it was pushed"));
                popped.fetch_add(1, Ordering::Relaxed);
            }
            Some(1) => {}
            _ => panic!("{output:?}"),
        }
    }
    taken
}

fn run(path: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rusty-kv"));
    command.env_clear().arg("--db").arg(path).args(["--wait", "60s"]).args(args).output().expect("it starts")
}
