//! The state of other processes, so that a test need not wait for a fixed time.

use std::time::{Duration, Instant};

/// A limit that even a busy machine does not reach.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(30);

/// Waits until a condition holds.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < TIME_LIMIT, "{what}: it was not created to that in {TIME_LIMIT:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The name of the program that a process runs, and its state: running (`R`), waiting (`S`), stopped (`T`), … `None` if
/// it has ended.
#[cfg(target_os = "linux")]
pub(crate) fn state(pid: u32) -> Option<(String, char)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (name, rest) = stat.split_once('(')?.1.rsplit_once(") ")?;
    Some((name.to_owned(), rest.chars().next()?))
}

/// Whether a process is blocked; also true if it has ended.
#[cfg(target_os = "linux")]
pub(crate) fn is_waiting(pid: u32) -> bool {
    let waits = || !matches!(state(pid), Some((_, 'R' | 'D')));
    // Not just between two steps of its own.
    waits() && {
        std::thread::sleep(Duration::from_millis(1));
        waits()
    }
}

/// Whether a process is blocked, which this system cannot tell.
#[cfg(not(target_os = "linux"))]
pub(crate) fn is_waiting(_pid: u32) -> bool {
    true
}
