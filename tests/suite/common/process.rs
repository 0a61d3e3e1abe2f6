//! What another process is doing, so that a test can wait for that instead of for a time.

use std::time::{Duration, Instant};

/// Nothing takes this long on the busiest of machines.
pub(crate) const EXPIRY: Duration = Duration::from_secs(30);

/// Waits until a condition holds.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < EXPIRY, "{what}: it was not created to that in {EXPIRY:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The name of the program that a process runs, and its state: running (`R`), waiting (`S`), stopped (`T`), … Nothing
/// once it has ended.
#[cfg(target_os = "linux")]
pub(crate) fn state(pid: u32) -> Option<(String, char)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (name, rest) = stat.split_once('(')?.1.rsplit_once(") ")?;
    Some((name.to_owned(), rest.chars().next()?))
}

/// Whether a process waits for something; true as well once it has ended.
#[cfg(target_os = "linux")]
pub(crate) fn is_waiting(pid: u32) -> bool {
    let waits = || !matches!(state(pid), Some((_, 'R' | 'D')));
    // Not between two steps of its own.
    waits() && {
        std::thread::sleep(Duration::from_millis(1));
        waits()
    }
}

/// Whether a process waits for something: there is nobody to ask here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn is_waiting(_pid: u32) -> bool {
    true
}
