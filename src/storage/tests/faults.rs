//! T4: every operation fails, once or from then on, with every error that a system has for it.
//!
//! A scenario is a disk and the steps of a process on it. After the fault, the disk works again. The same process,
//! another process, and one after a power cut must then see what was acknowledged, and nothing that was reported to
//! have failed.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::simulated::{Cuts, Injected, Moment, Simulated, Until};
use super::workload::{Change, Step, change, commit};
use super::{State, lose_note, open, path, state};
use crate::error::Error;
use crate::storage::{Policy, Storage};

/// Steps that succeed, then steps with a fault.
struct Scenario {
    name: &'static str,
    policy: Policy,
    before: Vec<Step>,
    steps: Vec<Step>,
    exchange: bool,
}

/// Every commit writes a new snapshot.
const SMALL: Policy = Policy { small: 4000, journal: 4000, share: 1, short: 4000, memory: 60 };
/// Commits go into the journal.
const LARGE: Policy = Policy { small: 0, journal: 4000, share: 1, short: 4000, memory: 60 };
/// Commits go into the journal, which has room for a few.
const TIGHT: Policy = Policy { small: 0, journal: 700, share: 1, short: 0, memory: 60 };

fn set(key: &str, text: &str) -> Step {
    Step::Commit(vec![change(key, text)])
}

fn delete(key: &str) -> Step {
    Step::Commit(vec![(key.to_owned(), None)])
}

fn many(count: usize, text: &str) -> Vec<Change> {
    (0..count).map(|number| change(&format!("many {number}"), text)).collect()
}

fn of(name: &'static str, policy: Policy, before: &[Step], steps: &[Step]) -> Scenario {
    Scenario { name, policy, before: before.to_vec(), steps: steps.to_vec(), exchange: true }
}

fn filled() -> [Step; 2] {
    [set("a", "1"), set("b", "2")]
}

fn writes() -> Vec<Scenario> {
    use Step::{Blind, Commit, Load, Transaction};
    let filled = filled();
    vec![
        of("the first write of a small database", SMALL, &[], &[set("a", "1")]),
        of("the first write of a large database", LARGE, &[], &[set("a", "1")]),
        of("a write to a small database", SMALL, &filled, &[set("a", "3")]),
        of("a write to a journal", LARGE, &filled, &[set("a", "3")]),
        of("writes to a journal", LARGE, &filled, &[set("a", "3"), set("c", "4"), delete("b"), set("b", "5")]),
        of("writes to a small database", SMALL, &filled, &[set("a", "3"), delete("b"), set("b", "5")]),
        of("several keys in a journal", LARGE, &filled, &[Commit(many(4, "x"))]),
        of("several keys in a small database", SMALL, &filled, &[Commit(many(4, "x"))]),
        of("a commit larger than its journal", TIGHT, &filled, &[Commit(many(8, "x")), set("a", "4")]),
        of(
            "a journal that grows too long",
            TIGHT,
            &filled,
            &[set("a", &"x".repeat(500)), set("b", "3"), set("a", "4")],
        ),
        of("a small database becomes large", SMALL, &filled, &[Commit(many(8, &"x".repeat(600))), set("a", "3")]),
        of("a transaction in a journal", LARGE, &filled, &[Transaction(vec![change("a", "3"), change("c", "4")])]),
        of(
            "a transaction in a small database",
            SMALL,
            &filled,
            &[Transaction(vec![change("a", "3"), ("b".to_owned(), None)])],
        ),
        of(
            "blind sets into a journal",
            LARGE,
            &filled,
            &[Blind(vec![change("a", "3"), change("c", "4")]), set("b", "3")],
        ),
        of("a load that memory does not hold", LARGE, &filled, &[Load(many(4, "x")), set("b", "3")]),
        of("a load into nothing", SMALL, &[], &[Load(many(4, "x"))]),
        of("blind sets into a small database", SMALL, &filled, &[Blind(vec![change("a", "3"), change("c", "4")])]),
        of(
            "blind sets larger than the journal",
            TIGHT,
            &filled,
            &[Blind(many(16, "x")), Blind(vec![change("a", "4")])],
        ),
    ]
}

fn scenarios() -> Vec<Scenario> {
    use Step::{Commit, Drop, Other, OtherSaves, Reopen, Restore, Save};
    let filled = filled();
    let mut scenarios = vec![
        of("a save of a large database", LARGE, &filled, &[set("a", "3"), Save, set("b", "4")]),
        of("a save of a small database", SMALL, &filled, &[Save, set("b", "4")]),
        of("a save without changes", LARGE, &[], &[Save]),
        of("a large database becomes small", LARGE, &filled, &[set("a", "3"), Save]),
        of("a restore", LARGE, &filled, &[Restore(vec![change("a", "7"), change("z", "1")]), set("b", "3")]),
        of("a restore of a small database", SMALL, &filled, &[Restore(vec![change("z", "1")])]),
        of(
            "writes of two processes in a journal",
            LARGE,
            &filled,
            &[Other(vec![change("a", "3")]), set("b", "4"), Other(vec![change("c", "5")])],
        ),
        of(
            "writes of two processes in a small database",
            SMALL,
            &filled,
            &[Other(vec![change("a", "3")]), set("b", "4")],
        ),
        of("another process saves", LARGE, &filled, &[set("a", "3"), OtherSaves, set("b", "4")]),
        of("closing and opening", LARGE, &filled, &[set("a", "3"), Reopen, set("b", "4")]),
        of("dropping a large database", LARGE, &filled, &[set("a", "3"), Drop]),
        of("dropping a small database", SMALL, &filled, &[Drop]),
        of("a new database after a dropped one", LARGE, &filled, &[Drop, set("c", "5"), set("d", "6")]),
    ];
    scenarios.extend(writes());
    for (name, policy) in [("the same without an exchanging rename, large", TIGHT), ("the same, small", SMALL)] {
        let steps = [set("a", "3"), Commit(many(8, "x")), Save, set("b", "4")];
        scenarios.push(Scenario { exchange: false, ..of(name, policy, &filled, &steps) });
    }
    let becomes_small = scenarios.iter_mut().find(|scenario| scenario.name == "a large database becomes small");
    // The steps run with a different policy than the preparation.
    if let Some(scenario) = becomes_small {
        scenario.steps.push(set("b", "9"));
    }
    scenarios
}

/// The operation that fails, and how.
#[derive(Clone, Copy, Debug)]
struct Fault {
    at: u64,
    kind: Injected,
    until: Until,
    is_look: bool,
}

impl Scenario {
    /// The disk before the steps with a fault, and its state.
    fn prepare(&self) -> (Moment, State) {
        let disk = Simulated::new(path().parent().unwrap());
        disk.set_habits(super::simulated::Habits { exchange: self.exchange, ..Default::default() });
        let mut store = open(&disk, self.policy).unwrap();
        let mut now = State::new();
        for step in &self.before {
            step.run(&mut store, &disk, self.policy).unwrap();
            now = step.apply(&now);
        }
        (disk.moment(), now)
    }

    /// How many changes and other operations there are without a fault.
    fn operations(&self, base: &Moment) -> (u64, u64) {
        let disk = base.killed();
        let mut store = open(&disk, self.policy).unwrap();
        for step in &self.steps {
            step.run(&mut store, &disk, self.policy).unwrap();
            state(&store).unwrap();
        }
        (disk.changes(), disk.looks())
    }

    /// Runs once; returns how many operations were made to fail.
    fn meet(&self, base: &Moment, start: &State, fault: Fault, by_other: bool) -> Result<u64, String> {
        let disk = base.killed();
        if fault.is_look {
            disk.fail_look(fault.at, fault.kind, fault.until);
        } else {
            disk.fail(fault.at, fault.kind, fault.until);
        }
        // More than one after an unknown outcome.
        let mut possible = vec![start.clone()];
        let mut store = open(&disk, self.policy).ok();
        for step in &self.steps {
            let Some(open_store) = &mut store else {
                store = open(&disk, self.policy).ok();
                continue;
            };
            let done = step.run(open_store, &disk, self.policy);
            let after = possible.iter().map(|state| step.apply(state));
            match &done {
                Ok(()) => possible = after.collect(),
                Err(Error::OutcomeUnknown { .. } | Error::Uncertain { .. }) => {
                    possible = possible.iter().cloned().chain(after).collect();
                }
                Err(_) => {}
            }
            if open_store.is_changed() || open_store.is_locked() {
                return Err(format!("{step:?} left changes or the lock behind: {done:?}"));
            }
            if open_store.refresh().is_ok()
                && let Ok(seen) = state(open_store)
                && !possible.contains(&seen)
            {
                return Err(format!("P3: at once after {step:?} ({done:?}) {seen:?} is none of {possible:?}"));
            }
        }
        disk.heal();
        let seen = open(&disk, self.policy).and_then(|store| state(&store));
        let seen = seen.map_err(|error| format!("P18: another process cannot read: {error}"))?;
        if !possible.contains(&seen) {
            return Err(format!("P3: another process sees {seen:?}, which is none of {possible:?}"));
        }
        self.cut(&disk, &possible, "P3: after a power cut")?;
        self.check_next_writes(&disk, store, possible, by_other)?;
        Ok(disk.injected())
    }

    /// The next write succeeds, and a power cut does not undo it.
    fn check_next_writes(
        &self,
        disk: &Simulated,
        store: Option<Storage>,
        possible: Vec<State>,
        by_other: bool,
    ) -> Result<(), String> {
        let reopen = || open(disk, self.policy).map_err(|error| format!("it does not open again: {error}"));
        let mut writer = match store {
            Some(store) if !by_other => store,
            // The first process is still running.
            Some(_) | None => reopen()?,
        };
        let mut possible = possible;
        for (key, text) in [("next", "1"), ("next", "2"), ("a", "3")] {
            let changes = [change(key, text)];
            commit(&mut writer, &changes).map_err(|error| format!("P6: it can no longer be written: {error}"))?;
            possible = possible.iter().map(|state| Step::Commit(changes.to_vec()).apply(state)).collect();
            let seen = state(&writer).map_err(|error| format!("the writer can no longer read: {error}"))?;
            if !possible.contains(&seen) {
                return Err(format!("after a further write there is {seen:?}, which is none of {possible:?}"));
            }
            // An acknowledged write makes an unknown outcome known.
            possible = vec![seen];
            self.cut(disk, &possible, "P6: after a further write and a power cut")?;
        }
        let seen = state(&reopen()?).map_err(|error| format!("another process can no longer read: {error}"))?;
        if possible.contains(&seen) { Ok(()) } else { Err(format!("another process sees {seen:?} of {possible:?}")) }
    }

    fn cut(&self, disk: &Simulated, possible: &[State], when: &str) -> Result<(), String> {
        let mut wrong = None;
        disk.crash_states(Cuts { everywhere_up_to: 0, samples: 1, ..Cuts::default() }, |crashed| {
            if wrong.is_some() {
                return;
            }
            let how = format!("{:?}", crashed.how);
            lose_note(&crashed);
            wrong = match open(&crashed.disk, self.policy).and_then(|store| state(&store)) {
                Ok(seen) if possible.contains(&seen) => None,
                Ok(seen) => Some(format!("{when} ({how}) there is {seen:?}, which is none of {possible:?}")),
                Err(error) => Some(format!("{when} ({how}) it does not open: {error}")),
            };
        });
        wrong.map_or(Ok(()), Err)
    }
}

impl Scenario {
    /// Runs with every fault; returns how many, and adds failures to `wrong`.
    fn meet_all(&self, wrong: &mut Vec<(String, String)>) -> u64 {
        let (base, start) = self.prepare();
        let (changes, looks) = self.operations(&base);
        let mut injected = 0;
        let operations = (1..=changes).map(|at| (at, false)).chain((1..=looks).map(|at| (at, true)));
        for (at, is_look) in operations {
            let untils = [Until::Once, Until::FromThenOn];
            for (kind, until) in Injected::ALL.into_iter().flat_map(|kind| untils.map(|until| (kind, until))) {
                let fault = Fault { at, kind, until, is_look };
                for by_other in [false, true] {
                    let met = catch_unwind(AssertUnwindSafe(|| self.meet(&base, &start, fault, by_other)));
                    match met.unwrap_or_else(|_| Err("P20: a panic".to_owned())) {
                        Ok(hits) => injected += hits.min(1),
                        Err(why) => {
                            let at = format!("{}, {} {at}", self.name, if is_look { "look" } else { "change" });
                            wrong.push((at, format!("{kind:?} {until:?}, by other: {by_other}: {why}")));
                        }
                    }
                }
            }
        }
        assert!(injected > 0, "{}: no fault was met", self.name);
        injected
    }
}

#[test]
fn a_fault_at_any_operation_loses_nothing_and_leaves_nothing_that_was_reported_to_have_failed() {
    let scenarios = scenarios();
    assert!(scenarios.len() >= 20);
    let next = AtomicUsize::new(0);
    let work = || {
        let (mut all, mut wrong) = (0, Vec::new());
        while let Some(scenario) = scenarios.get(next.fetch_add(1, Ordering::Relaxed)) {
            all += scenario.meet_all(&mut wrong);
        }
        (all, wrong)
    };
    let (all, wrong): (Vec<u64>, Vec<_>) = std::thread::scope(|scope| {
        let workers = [0, 1].map(|_| scope.spawn(work));
        workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic))).unzip()
    });
    let (all, wrong) = (all.into_iter().sum::<u64>(), wrong.concat());
    println!("{all} faults in {} scenarios", scenarios.len());
    // Most failures are of a few kinds.
    let mut examples = wrong.clone();
    examples.dedup_by_key(|(at, _)| at.clone());
    let examples: Vec<String> = examples.into_iter().take(40).map(|(at, why)| format!("{at}, {why}")).collect();
    assert!(wrong.is_empty(), "{} wrong, e.g.\n{}", wrong.len(), examples.join("\n"));
    assert!(all >= 20_000, "only {all} faults");
}
