//! The lock file is deleted again and again while three writers are active. Nothing that was acknowledged may depend on
//! it.
//!
//! The writers and the deletions take turns, one operation at a time, in any order.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use super::simulated::{Cuts, Moment, Random, Simulated};
use super::workload::{change, commit};
use super::{NOW, State, lose_note, open, path, seeds, state};
use crate::error::Error;
use crate::storage::check::files::Files;
use crate::storage::check::report::Report;
use crate::storage::files::disk::{self, Disk};
use crate::storage::format::record::Stored;
use crate::storage::{Policy, Storage};

const WRITERS: usize = 3;
/// How often each of them tries to write.
const TRIES: u64 = 12;

/// Every commit writes a new snapshot.
const SMALL: Policy = Policy { small: 1 << 20, journal: 4000, share: 1, short: 1 << 20, memory: 1 << 20 };
/// Commits go into the journal.
const LARGE: Policy = Policy { small: 0, journal: 4000, share: 1, short: 1 << 20, memory: 1 << 20 };
/// Commits go into the journal, which has room for a few; saves are built without the lock.
const TIGHT: Policy = Policy { small: 0, journal: 700, share: 1, short: 0, memory: 1 << 20 };

/// The results that the writers got, in order.
#[derive(Debug, Default)]
struct Outcomes {
    /// Keys that were acknowledged.
    acknowledged: Vec<String>,
    /// Keys whose outcome is unknown.
    unknown: Vec<String>,
    refused: usize,
}

fn text(text: &str) -> String {
    format!("\"{text}\"")
}

fn number(store: &Storage) -> crate::Result<u64> {
    let stored = store.get("number")?.map(|stored| stored.text.trim_matches('"').to_owned());
    Ok(stored.map_or(0, |text| text.parse().unwrap()))
}

/// Sets its own key and increments a counter, as one commit.
fn count(store: &mut Storage, key: &str) -> crate::Result<()> {
    store.hold()?;
    let next = match number(store) {
        Ok(number) => number + 1,
        Err(error) => {
            store.forget();
            return Err(error);
        }
    };
    for (key, text) in [("number", text(&next.to_string())), (key, text(key))] {
        store.pending().insert(key, Some(Stored { text: text.into(), expiry: None }));
    }
    store.commit(NOW)
}

fn write(disk: &Simulated, policy: Policy, writer: usize, seed: u64, outcomes: &Mutex<Outcomes>) {
    let mut random = Random(seed);
    let mut session = None;
    for attempt in 0..TRIES {
        let key = format!("{writer}.{attempt}");
        let done = match session.take().map_or_else(|| open(disk, policy), Ok) {
            Ok(mut store) => {
                let done = if random.below(6) == 0 {
                    store.save(NOW).map(|()| false)
                } else {
                    count(&mut store, &key).map(|()| true)
                };
                session = (random.below(3) > 0).then_some(store);
                done
            }
            Err(error) => Err(error),
        };
        // No other thread runs before this is recorded: it is still this one's turn.
        let mut outcomes = outcomes.lock().unwrap();
        match done {
            Ok(true) => {
                outcomes.acknowledged.push(key);
                disk.mark(outcomes.acknowledged.len() as u64);
            }
            Ok(false) => {}
            Err(Error::OutcomeUnknown { .. } | Error::Uncertain { .. }) => outcomes.unknown.push(key),
            // Another writer came first.
            Err(Error::Busy { .. } | Error::Conflict { .. }) => outcomes.refused += 1,
            Err(error) => panic!("{key}: {error}"),
        }
    }
}

/// Runs the writers while the lock file is deleted; returns their results, and the moments.
fn run(disk: &Simulated, policy: Policy, seed: u64) -> (Outcomes, Vec<Moment>) {
    disk.record();
    let outcomes = Arc::new(Mutex::new(Outcomes::default()));
    let disks = disk.taking_turns(seed, WRITERS + 1);
    let done = std::thread::scope(|scope| {
        let threads: Vec<_> = (disks.iter().enumerate())
            .map(|(who, disk)| {
                let outcomes = &outcomes;
                scope.spawn(move || {
                    let work = || match who {
                        WRITERS => {
                            let lock = disk::with_suffix(path(), ".lock");
                            for _ in 0..TRIES * 12 {
                                let _ = disk.remove(&lock);
                            }
                        }
                        _ => write(disk, policy, who, seed ^ who as u64, outcomes),
                    };
                    let done = catch_unwind(AssertUnwindSafe(work));
                    disk.leave();
                    done
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    for done in done {
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    }
    let outcomes = std::mem::take(&mut *outcomes.lock().unwrap());
    (outcomes, disk.take_moments())
}

/// Checks a state: everything in `acknowledged` must be in it, and nothing that was refused.
fn judge(found: &State, acknowledged: &[String], possible: &[String]) -> Result<(), String> {
    let has = |key: &String| found.contains_key(key);
    if let Some(lost) = acknowledged.iter().find(|key| !has(key)) {
        return Err(format!("{lost} was acknowledged, and is not there"));
    }
    let keys = found.keys().filter(|key| !["number", "first"].contains(&key.as_str()));
    if let Some(foreign) = keys.clone().find(|key| !possible.contains(key)) {
        return Err(format!("{foreign} was refused, but exists"));
    }
    let counted = found.get("number").map_or(0, |(text, _)| text.trim_matches('"').parse().unwrap());
    let there = keys.count();
    if there == counted { Ok(()) } else { Err(format!("{counted} were counted, but {there} exist")) }
}

fn survives(policy: Policy, is_new: bool, seed: u64) -> (usize, usize) {
    let disk = Simulated::new(path().parent().unwrap());
    if !is_new {
        commit(&mut open(&disk, policy).unwrap(), &[change("first", "1")]).unwrap();
    }
    let (outcomes, moments) = run(&disk, policy, seed);
    let failed =
        |wrong: String| -> ! { panic!("RUSTY_KV_SEED={seed} {policy:?} new: {is_new}: {wrong}\n{outcomes:?}") };
    let possible = [&outcomes.acknowledged[..], &outcomes.unknown[..]].concat();
    let found = open(&disk, policy).and_then(|store| state(&store)).unwrap_or_else(|error| failed(error.to_string()));
    judge(&found, &outcomes.acknowledged, &possible).unwrap_or_else(|wrong| failed(wrong));
    if disk.identity(path()).unwrap().is_some() {
        let faults = Files::open(&disk, path(), None).and_then(|files| Report::of(&files)).unwrap().faults;
        if !faults.is_empty() {
            failed(format!("{faults:?}"));
        }
    }
    let mut random = Random(seed);
    let mut states = 0;
    for moment in moments.iter().filter(|_| random.below(12) == 0) {
        let acknowledged = &outcomes.acknowledged[..usize::try_from(moment.mark).unwrap()];
        // All writers are killed, and their lock file is lost with its note. The next writer writes.
        let killed = moment.killed();
        let _ = killed.remove(&disk::with_suffix(path(), ".lock"));
        let next = open(&killed, policy).and_then(|mut store| commit(&mut store, &[change("next", "1")]));
        next.unwrap_or_else(|error| failed(format!("killed before {}: {error}", moment.changes)));
        let next = ["next".to_owned()];
        for (moment, next) in [(moment, &next[..0]), (&killed.moment(), &next)] {
            moment.crash_states(Cuts { everywhere_up_to: 0, samples: 2, seed, old_times: false }, |crashed| {
                states += 1;
                lose_note(&crashed);
                let found = open(&crashed.disk, policy).and_then(|store| state(&store));
                let found = found.unwrap_or_else(|error| failed(format!("before {}: {error}", moment.changes)));
                if let Some(lost) = acknowledged.iter().chain(next).find(|key| !found.contains_key(*key)) {
                    failed(format!("a power cut before change {} takes {lost}", moment.changes));
                }
            });
        }
    }
    (outcomes.acknowledged.len(), states)
}

#[test]
fn three_writers_lose_nothing_though_the_lock_file_is_deleted_again_and_again() {
    let (mut acknowledged, mut states, mut runs) = (0, 0, 0);
    for seed in seeds(60, 4_000) {
        for policy in [SMALL, LARGE, TIGHT] {
            for is_new in [false, true] {
                let (more, cuts) = survives(policy, is_new, seed);
                (acknowledged, states, runs) = (acknowledged + more, states + cuts, runs + 1);
            }
        }
    }
    println!("{acknowledged} acknowledged in {runs} runs, {states} crash states");
    assert!(acknowledged >= 4 * runs, "only {acknowledged} of {runs} runs were acknowledged");
}
