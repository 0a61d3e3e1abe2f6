//! How far a command is that takes over a second: one line on stderr, if that is a terminal, and gone when it is done.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Nothing is shown before.
const LATE: Duration = Duration::from_secs(1);

thread_local! {
    static SHOWN: RefCell<ProgressLine> = const { RefCell::new(ProgressLine { since: None, what: "", total: 0, bar: None }) };
}

struct ProgressLine {
    /// Since when something is under way that may be shown.
    since: Option<Instant>,
    what: &'static str,
    /// What there is to do, as it was said last; 0 if it is not known.
    total: u64,
    bar: Option<ProgressBar>,
}

/// Something begins: `Saving`.
pub(crate) fn begin(what: &'static str) {
    SHOWN.with_borrow_mut(|shown| *shown = ProgressLine { since: Some(Instant::now()), what, total: 0, bar: None });
}

/// It has ended, or nothing may be shown of it any more: what is on the screen now would be overwritten.
pub(crate) fn end() {
    SHOWN.with_borrow_mut(|shown| {
        shown.since = None;
        shown.clear();
    });
}

/// It goes on; what has passed until now was not its own time.
pub(crate) fn go_on() {
    SHOWN.with_borrow_mut(|shown| shown.since = shown.since.map(|_| Instant::now()));
}

/// Makes room for a line on stderr; what is under way is shown again below it.
pub(crate) fn make_room() {
    SHOWN.with_borrow_mut(ProgressLine::clear);
}

/// How many keys there are to go through.
pub(crate) fn of_keys(total: u64) {
    SHOWN.with_borrow_mut(|shown| shown.total = total);
}

/// So many keys were gone through.
pub(crate) fn keys(done: u64) {
    SHOWN.with_borrow_mut(|shown| {
        let total = shown.total;
        shown.step(done, total, "{human_pos} keys");
    });
}

/// So many bytes of `total` are done; 0 if it is not known how many there will be.
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
        // The blanks are for the `^C` that a terminal may show.
        _ => (Some(total), "{msg} [{wide_bar}] {percent:>3}% {eta:>4}    ".to_owned()),
    };
    // It draws ten times a second at most, and nothing where stderr is no terminal or a dumb one.
    let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr_with_hz(10)).with_message(what);
    let style = ProgressStyle::with_template(&template).map(|style| style.progress_chars("=> ").tick_chars("|/-\\ "));
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
