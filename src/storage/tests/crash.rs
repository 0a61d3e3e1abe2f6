//! T1 and T2: the power fails at every change, and again during the recovery from that.

use std::collections::HashSet;

use super::bugs::Bug;
use super::simulated::{Crashed, Cuts, Moment, Simulated};
use super::workload::{Step, Workload, change, commit};
use super::{Setup, State, lose_note, open, path, seeds, state};
use crate::expiry::Timestamp;
use crate::storage::Policy;
use crate::storage::files::disk::Disk as _;
use crate::storage::read::snapshot::Document;

/// A workload that was run: the state after each step, and the disk before each change.
pub(super) struct Ran {
    pub(super) setup: Setup,
    pub(super) history: Vec<State>,
    /// Their marks are the number of acknowledged steps.
    pub(super) moments: Vec<Moment>,
}

/// Runs a workload whose steps all succeed.
pub(super) fn run(workload: &Workload, bug: Option<Bug>) -> Result<Ran, String> {
    let disk = Simulated::new(path().parent().unwrap());
    disk.set_habits(workload.habits);
    disk.record();
    let setup = Setup { bug, ..workload.policy.into() };
    let mut store = open(&disk, setup).map_err(|error| error.to_string())?;
    let mut history = vec![State::new()];
    for (step, index) in workload.steps.iter().zip(0..) {
        disk.mark(index);
        step.run(&mut store, &disk, setup).map_err(|error| format!("step {index} {step:?}: {error}"))?;
        history.push(step.apply(&history[history.len() - 1]));
        store.refresh().map_err(|error| format!("after step {index}: {error}"))?;
        let now = state(&store).map_err(|error| format!("after step {index}: {error}"))?;
        if Some(&now) != history.last() {
            return Err(format!("after step {index} {step:?}: {now:?} instead of {:?}", history.last()));
        }
    }
    disk.mark(workload.steps.len() as u64);
    Ok(Ran { setup, history, moments: disk.take_moments() })
}

/// Checks the state after a crash.
pub(super) fn judge(disk: &Simulated, ran: &Ran, mark: u64, thorough: bool) -> Result<(), String> {
    let mark = usize::try_from(mark).unwrap();
    let allowed = &ran.history[mark..ran.history.len().min(mark + 2)];
    check_file_content(disk, &ran.history[..ran.history.len().min(mark + 2)])?;
    let mut store = open(disk, ran.setup).map_err(|error| format!("P18: it does not open: {error}"))?;
    let found = state(&store).map_err(|error| format!("P18: it cannot be read: {error}"))?;
    if !allowed.contains(&found) {
        return Err(format!("P1 or P2: {found:?} is none of {allowed:?}"));
    }
    if thorough {
        let after = Step::Commit(vec![("next".to_owned(), Some(("\"1\"".to_owned(), None)))]);
        let Step::Commit(changes) = &after else { return Ok(()) };
        commit(&mut store, changes).map_err(|error| format!("P18: it cannot be written: {error}"))?;
        let mut killed = Vec::new();
        disk.crash_states(Cuts { everywhere_up_to: 0, samples: 1, ..Cuts::default() }, |crashed| {
            killed.push(crashed.disk);
        });
        for disk in killed {
            let store = open(&disk, ran.setup).map_err(|error| format!("P1: not open after a commit: {error}"))?;
            let again = state(&store).map_err(|error| format!("P1: not read after a commit: {error}"))?;
            if again != after.apply(&found) {
                return Err(format!("P1: after an acknowledged commit onto {found:?} a crash left {again:?}"));
            }
        }
    }
    Ok(())
}

/// P4: anyone who reads the file itself finds a state that the database once had.
fn check_file_content(disk: &Simulated, history: &[State]) -> Result<(), String> {
    let Some(bytes) = disk.content(path()) else { return Ok(()) };
    let document = Document::read(&bytes).map_err(|fault| format!("P4: the snapshot is no document: {fault:?}"))?;
    let is_saved = |state: &State| {
        let entries = document.entries.iter().map(|(key, stored)| (key.as_str(), &*stored.text, stored.expiry));
        entries.eq(state.iter().map(|(key, (text, expiry))| (key.as_str(), text.as_str(), *expiry)))
    };
    if history.iter().rev().any(is_saved) {
        Ok(())
    } else {
        Err(format!("P4: no state was ever {:?}", document.entries))
    }
}

/// Visits all new crash states of a workload; returns how many, and the first wrong one.
pub(super) fn crash(ran: &Ran, seed: u64, visit: &mut dyn FnMut(&Moment, Crashed<'_>)) -> usize {
    let mut distinct = HashSet::new();
    let cuts = Cuts { everywhere_up_to: 32, samples: 8, seed, old_times: seed.is_multiple_of(3) };
    for moment in &ran.moments {
        moment.crash_states(cuts, |crashed| {
            if distinct.insert((crashed.hash, moment.mark)) {
                lose_note(&crashed);
                visit(moment, crashed);
            }
        });
    }
    distinct.len()
}

/// A power cut at every change of a workload; returns the number of distinct states.
fn survives(seed: u64) -> usize {
    let workload = Workload::of(seed);
    let ran = run(&workload, None).unwrap_or_else(|error| panic!("RUSTY_KV_SEED={seed}: {error}\n{workload:?}"));
    crash(&ran, seed, &mut |moment, crashed| {
        let how = format!("{:?}", crashed.how);
        if let Err(wrong) = judge(&crashed.disk, &ran, moment.mark, (crashed.hash >> 8) % 6 == 0) {
            panic!(
                "RUSTY_KV_SEED={seed}: before change {} of step {}, {how}: {wrong}\n{workload:?}",
                moment.changes, moment.mark
            );
        }
    })
}

#[test]
fn a_power_cut_at_any_change_loses_nothing_that_was_acknowledged() {
    let seeds = seeds(1_000, 40_000);
    let states: usize = std::thread::scope(|scope| {
        let halves = [0, 1].map(|half| {
            let seeds = seeds.clone();
            scope.spawn(move || seeds.filter(|seed| seed % 2 == half).map(survives).sum::<usize>())
        });
        halves.into_iter().map(|half| half.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).sum()
    });
    println!("{states} distinct crash states of {} workloads", seeds.clone().count());
    assert!(states >= 1_000_000 || seeds.count() == 1, "only {states} states");
}

#[test]
fn a_power_cut_while_it_is_recovering_from_one_loses_nothing_either() {
    let (mut states, mut crashes) = (0_usize, 0_usize);
    for seed in seeds(40, 20_000) {
        let workload = Workload::of(seed);
        let ran = run(&workload, None).unwrap();
        let mut random = super::Random(seed);
        crash(&ran, seed, &mut |moment, crashed| {
            // Only a sample: most crash states need no recovery.
            if random.below(24) > 0 {
                return;
            }
            crashes += 1;
            crashed.disk.record();
            let recovered = open(&crashed.disk, ran.setup).and_then(|mut store| store.hold());
            recovered.unwrap_or_else(|error| panic!("RUSTY_KV_SEED={seed}: {error}"));
            for again in crashed.disk.take_moments() {
                let cuts = Cuts { everywhere_up_to: 32, samples: 4, seed, old_times: false };
                states += again.crash_states(cuts, |twice| {
                    lose_note(&twice);
                    if let Err(wrong) = judge(&twice.disk, &ran, moment.mark, (twice.hash >> 8) % 64 == 0) {
                        panic!(
                            "RUSTY_KV_SEED={seed}: before change {} of step {}, {:?}, then {:?}: {wrong}\n{workload:?}",
                            moment.changes, moment.mark, crashed.how, twice.how
                        );
                    }
                });
            }
        });
    }
    println!("{states} crash states of {crashes} recoveries");
    assert!(states >= 100_000 || std::env::var_os("RUSTY_KV_SEED").is_some(), "only {states} states");
}

#[test]
fn later_writers_do_not_build_on_what_a_power_cut_may_undo_of_a_killed_writer() {
    let mut kills = 0_usize;
    for seed in seeds(150, 20_000) {
        let workload = Workload::of(seed);
        let ran = run(&workload, None).unwrap();
        for moment in &ran.moments {
            // What was not synced is still visible to the next writer.
            kills += 1;
            if let Err(wrong) = judge(&moment.killed(), &ran, moment.mark, true) {
                panic!(
                    "RUSTY_KV_SEED={seed}: killed before change {} of step {}: {wrong}\n{workload:?}",
                    moment.changes, moment.mark
                );
            }
        }
    }
    println!("{kills} kills");
    assert!(kills >= 10_000 || std::env::var_os("RUSTY_KV_SEED").is_some(), "only {kills} kills");
}

#[test]
fn killed_writers_leave_at_most_one_temporary_file() {
    /// Saves are built without the lock.
    const TIGHT: Policy = Policy { small: 0, journal: 700, share: 1, short: 0, memory: 60 };
    let save = |disk: &Simulated| open(disk, TIGHT).and_then(|mut store| store.save(Timestamp::from_millis(1)));
    let disk = Simulated::new(path().parent().unwrap());
    let mut store = open(&disk, TIGHT).unwrap();
    for key in ["a", "b"] {
        commit(&mut store, &[change(key, "1")]).unwrap();
    }
    store.save(Timestamp::from_millis(1)).unwrap();
    commit(&mut store, &[change("a", "2")]).unwrap();
    drop(store);
    disk.record();
    save(&disk).unwrap();
    let mut kills = 0;
    for first in disk.take_moments() {
        let disk = first.killed();
        disk.record();
        save(&disk).unwrap();
        for second in disk.take_moments() {
            kills += 1;
            let (first, left) = (first.changes, second.killed().leftovers(path()));
            assert!(left.len() <= 1, "killed before change {first}, then before {}: {left:?}", second.changes);
        }
    }
    assert!(kills >= 100, "only {kills} kills");
}
