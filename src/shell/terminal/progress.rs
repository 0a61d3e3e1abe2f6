//! The progress of a command that takes over a second: one line on stderr, if that is a terminal, erased at the end.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The delay before progress is shown.
const LATE: Duration = Duration::from_secs(1);

thread_local! {
    static SHOWN: RefCell<ProgressLine> = const { RefCell::new(ProgressLine { since: None, what: "", total: 0, bar: None }) };
}

struct ProgressLine {
    /// The start of the current work.
    since: Option<Instant>,
    what: &'static str,
    /// The total, as last reported; 0 if unknown.
    total: u64,
    bar: Option<ProgressBar>,
}

/// Starts work with this label: `Saving`.
pub(crate) fn begin(what: &'static str) {
    SHOWN.with_borrow_mut(|shown| *shown = ProgressLine { since: Some(Instant::now()), what, total: 0, bar: None });
}

/// Ends the progress line, because the work is done or other output would be overwritten.
pub(crate) fn end() {
    SHOWN.with_borrow_mut(|shown| {
        shown.since = None;
        shown.clear();
    });
}

/// Resumes; the time until now does not count.
pub(crate) fn go_on() {
    SHOWN.with_borrow_mut(|shown| shown.since = shown.since.map(|_| Instant::now()));
}

/// Makes room for a line on stderr; the progress line is drawn again below it.
pub(crate) fn make_room() {
    SHOWN.with_borrow_mut(ProgressLine::clear);
}

/// Sets the number of keys to process.
pub(crate) fn of_keys(total: u64) {
    SHOWN.with_borrow_mut(|shown| shown.total = total);
}

/// Reports the number of keys processed.
pub(crate) fn keys(done: u64) {
    SHOWN.with_borrow_mut(|shown| {
        let total = shown.total;
        shown.step(done, total, "{human_pos} keys");
    });
}

/// Reports that this many bytes of `total` are done; 0 if the total is unknown.
pub(crate) fn bytes(done: u64, total: u64) {
    SHOWN.with_borrow_mut(|shown| shown.step(done, total, "{bytes}"));
}

impl ProgressLine {
    fn step(&mut self, done: u64, total: u64, count: &str) {
        if self.since.is_none_or(|since| since.elapsed() < LATE) {
            return;
        }
        if self.bar.is_some() && self.total != total {
            self.clear();
        }
        self.total = total;
        let what = self.what;
        let bar = self.bar.get_or_insert_with(|| bar(what, total, count));
        bar.set_position(if total > 0 { done.min(total) } else { done });
    }

    fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn bar(what: &'static str, total: u64, count: &str) -> ProgressBar {
    let (length, template) = match total {
        0 => (None, format!("{{msg}} {{spinner}} {count}")),
        // The spaces overwrite the `^C` that a terminal may print.
        _ => (Some(total), "{msg} [{wide_bar}] {percent:>3}% {eta:>4}    ".to_owned()),
    };
    // It draws at most ten times a second, and only if stderr is a terminal that is not dumb.
    let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr_with_hz(10)).with_message(what);
    let style = ProgressStyle::with_template(&template).map(|style| style.progress_chars("=> ").tick_chars("|/-\\ "));
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
