//! Tests the crash rules on a simulated disk: workloads, and what may be left of them.
//!
//! A workload is a list of steps, each of which is one commit or none. The oracle knows the state after each step. The
//! power may fail at every change that a step makes to the disk. Opening what is then on the disk must lead to the
//! state after all acknowledged steps, or to that plus all of the current step.
//!
//! Failures print the seed. `RUSTY_KV_SEED=N` runs that workload alone, `RUSTY_KV_LONG=1` many more of them.

#![expect(clippy::print_stdout, reason = "the figures of the long tests")]

mod bugs;
mod crash;
mod edits;
mod faults;
pub(super) mod memory;
mod overtaken;
mod removed_lock;
pub(super) mod simulated;
mod uncertain;
mod workload;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use self::bugs::{Bug, Buggy};
use self::simulated::{Crashed, Random, Simulated};
use super::files::disk::Disk;
use super::{Policy, Settings, Storage};
use crate::error::Result;
use crate::expiry::Timestamp;

/// Text and expiry by key.
type State = BTreeMap<String, (String, Option<Timestamp>)>;

/// Before all expiries: nothing expires while a workload runs.
const NOW: Timestamp = Timestamp::from_millis(0);

fn path() -> &'static Path {
    Path::new("/simulated/kv.json")
}

fn settings(policy: Policy) -> Settings {
    Settings { read_only: false, wait: Duration::ZERO, make_folder: false, policy, on_progress: None }
}

/// How a database is used.
#[derive(Clone, Copy, Debug)]
struct Setup {
    policy: Policy,
    /// The bug of the engine.
    bug: Option<Bug>,
}

impl From<Policy> for Setup {
    fn from(policy: Policy) -> Self {
        Self { policy, bug: None }
    }
}

fn open(disk: &Simulated, setup: impl Into<Setup>) -> Result<Storage> {
    let Setup { policy, bug } = setup.into();
    let disk: Arc<dyn Disk> = match bug {
        Some(bug) => Arc::new(Buggy::new(disk, bug)),
        None => Arc::new(disk.clone()),
    };
    Storage::open_on(disk, path().to_owned(), settings(policy))
}

/// Everything that a reader sees.
fn state(store: &Storage) -> Result<State> {
    let mut state = State::new();
    let mut entries = store.range(Bound::Unbounded, Bound::Unbounded)?;
    while let Some(line) = entries.next()? {
        state.insert(line.key.to_string(), (line.text.to_owned(), line.expiry));
    }
    Ok(state)
}

/// The lock's note is never synced, so a power cut may remove it, or bring back any older one, regardless of the rest.
fn lose_note(crashed: &Crashed<'_>) {
    let lock = super::files::disk::with_suffix(path(), ".lock");
    if crashed.hash & 1 == 0 && crashed.disk.content(&lock).is_some() {
        let older = ["", "pid 1 (host, rusty-kv) since 2026-01-01T00:00:00.000Z\n"][usize::from(crashed.hash & 2 > 0)];
        crashed.disk.edit(&lock, older.as_bytes());
    }
}

/// The seeds of a test: the given one, or `few` of them, or `many` in a long run.
fn seeds(few: u64, many: u64) -> std::ops::Range<u64> {
    match std::env::var("RUSTY_KV_SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => seed..seed + 1,
        None if std::env::var_os("RUSTY_KV_LONG").is_some() => 0..many,
        None => 0..few,
    }
}
