//! Ctrl-C: a wish that work under way sees when it looks, instead of the end of the process.
//!
//! The handler is set before the line editor is made, which puts back after each line what it found then.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

static ASKED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

fn flag() -> &'static Arc<AtomicBool> {
    ASKED.get_or_init(Arc::default)
}

/// From now on SIGINT is noted rather than obeyed.
pub(crate) fn listen() -> io::Result<()> {
    signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::clone(flag())).map(drop)
}

/// Forgets what was asked before: a command begins.
pub(crate) fn forget() {
    flag().store(false, Ordering::Relaxed);
}

/// Whether the person wants what is under way to stop.
pub(crate) fn is_asked() -> bool {
    flag().load(Ordering::Relaxed)
}
