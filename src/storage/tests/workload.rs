//! Workloads: steps on a store, and the expected results.

use super::simulated::{Habits, Simulated};
use super::{NOW, Random, Setup, State, open, settings};
use crate::error::Result;
use crate::expiry::Timestamp;
use crate::storage::Phase;
use crate::storage::format::record::Stored;
use crate::storage::{Policy, Storage};
use crate::value::Value;

/// A step. Each change is a key and its new text, or its deletion.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A commit with the lock held.
    Commit(Vec<Change>),
    /// The same in a transaction that was open for a while.
    Transaction(Vec<Change>),
    /// Sets that take no lock before they are written.
    Blind(Vec<Change>),
    /// The same as one change that does not fit in memory.
    Load(Vec<Change>),
    /// Replaces all content by this.
    Restore(Vec<Change>),
    /// A commit by another process.
    Other(Vec<Change>),
    Save,
    /// Another process saves.
    OtherSaves,
    Reopen,
    Drop,
}

pub(super) type Change = (String, Option<(String, Option<Timestamp>)>);

/// A workload derived from a seed.
#[derive(Clone, Debug)]
pub(super) struct Workload {
    pub(super) policy: Policy,
    pub(super) habits: Habits,
    pub(super) steps: Vec<Step>,
}

impl Workload {
    pub(super) fn of(seed: u64) -> Self {
        let mut random = Random(seed);
        let pick = |random: &mut Random, of: &[u64]| of[random.index(of.len())];
        let policy = Policy {
            small: pick(&mut random, &[0, 0, 60, 120, 400]),
            // Commits of several keys do not fit in the smallest.
            journal: pick(&mut random, &[250, 400, 600, 900, 1500, 4000]),
            share: 1,
            short: pick(&mut random, &[0, 4000]),
            memory: 90,
        };
        let habits = Habits {
            tick: pick(&mut random, &[1, 1, 3, 50]),
            reuse_numbers: random.below(2) == 0,
            exchange: random.below(4) > 0,
        };
        let length = 6 + random.below(7);
        let mut number = 0;
        let steps = (0..length).map(|_| Self::step(&mut random, &mut number)).collect();
        Self { policy, habits, steps }
    }

    fn step(random: &mut Random, number: &mut u64) -> Step {
        match random.below(16) {
            0..6 => Step::Commit(Self::changes(random, number, 2)),
            6..8 => Step::Commit(Self::changes(random, number, 5)),
            8 => Step::Transaction(Self::changes(random, number, 3)),
            9 if random.below(4) == 0 => Step::Load(Self::changes(random, number, 4)),
            9 => Step::Blind(Self::changes(random, number, 4)),
            10..12 => Step::Other(Self::changes(random, number, 2)),
            12 => Step::Save,
            13 if random.below(4) == 0 => Step::Restore(Self::changes(random, number, 3)),
            13 => Step::OtherSaves,
            14 => Step::Reopen,
            _ if random.below(3) == 0 => Step::Drop,
            _ => Step::Commit(Self::changes(random, number, 1)),
        }
    }

    fn changes(random: &mut Random, number: &mut u64, most: u64) -> Vec<Change> {
        let count = 1 + random.below(most);
        let mut changes: Vec<Change> = Vec::new();
        for _ in 0..count {
            *number += 1;
            let key = ["a", "b", "c", "d", "\u{e9}\"", ""][random.index(6)];
            let expiry = (random.below(5) == 0).then(|| Timestamp::from_millis(1_000_000 + *number));
            let long = if random.below(12) == 0 { 150 } else { 3 };
            let text = format!("\"{number}{}\"", "x".repeat(long));
            let change = if random.below(4) == 0 { None } else { Some((text, expiry)) };
            changes.retain(|(there, _)| there != key);
            changes.push((key.to_owned(), change));
        }
        changes
    }
}

impl Step {
    /// Performs the step; what it acknowledges is durable.
    pub(super) fn run(&self, store: &mut Storage, disk: &Simulated, setup: impl Into<Setup>) -> Result<()> {
        let setup = setup.into();
        match self {
            Self::Commit(changes) => commit(store, changes),
            Self::Transaction(changes) => {
                let mut phase = Phase::Idle(std::mem::replace(store, Storage::in_memory(settings(setup.policy))));
                let done = phase.begin().and_then(|()| {
                    put(phase.store_mut(), changes);
                    phase.commit(NOW)
                });
                if phase.is_open() {
                    phase.roll_back();
                }
                *store = phase.take();
                done
            }
            Self::Blind(changes) => {
                for (key, change) in changes.iter().filter_map(|(key, change)| Some((key, change.as_ref()?))) {
                    let text = change.0.trim_matches('"').to_owned();
                    store.pending().set(key, &Value::Text(text), None);
                }
                store.commit(NOW)
            }
            Self::Load(changes) => {
                for (key, change) in changes.iter().filter_map(|(key, change)| Some((key, change.as_ref()?))) {
                    let text = change.0.trim_matches('"').to_owned();
                    store.pending().set(key, &Value::Text(text), change.1);
                    if store.is_full(0) {
                        store.spill(NOW).inspect_err(|_| store.forget())?;
                    }
                }
                store.commit(NOW)
            }
            Self::Restore(changes) => {
                let mut from = Storage::in_memory(settings(setup.policy));
                commit(&mut from, changes)?;
                store.restore(&from, NOW).map(drop)
            }
            Self::Other(changes) => commit(&mut open(disk, setup)?, changes),
            Self::Save => store.save(NOW),
            Self::OtherSaves => open(disk, setup)?.save(NOW),
            Self::Reopen => {
                *store = open(disk, setup)?;
                Ok(())
            }
            Self::Drop => store.remove_file(),
        }
    }

    /// The state that the step turns `state` into.
    pub(super) fn apply(&self, state: &State) -> State {
        let mut state = state.clone();
        match self {
            Self::Commit(changes) | Self::Transaction(changes) | Self::Other(changes) => {
                for (key, change) in changes.clone() {
                    match change {
                        Some(entry) => state.insert(key, entry),
                        None => state.remove(&key),
                    };
                }
            }
            Self::Blind(changes) => {
                let sets = changes.iter().filter_map(|(key, change)| Some((key.clone(), change.clone()?.0)));
                state.extend(sets.map(|(key, text)| (key, (text, None))));
            }
            Self::Load(changes) => {
                state.extend(changes.iter().filter_map(|(key, set)| Some((key.clone(), set.clone()?))));
            }
            Self::Drop => state.clear(),
            Self::Restore(changes) => return Self::Commit(changes.clone()).apply(&State::new()),
            Self::Save | Self::OtherSaves | Self::Reopen => {}
        }
        state
    }
}

fn put(store: &mut Storage, changes: &[Change]) {
    for (key, change) in changes {
        let stored = change.clone().map(|(text, expiry)| Stored { text: text.into(), expiry });
        store.pending().insert(key, stored);
    }
}

/// A set of a text without an expiry.
pub(super) fn change(key: &str, text: &str) -> Change {
    (key.to_owned(), Some((format!("\"{text}\""), None)))
}

/// Makes changes as one commit. After an error, none of them are pending.
pub(super) fn commit(store: &mut Storage, changes: &[Change]) -> Result<()> {
    store.hold()?;
    put(store, changes);
    store.commit(NOW)
}
