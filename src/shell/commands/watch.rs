//! `watch` and `wait`: they look on, 20 times a second, until something happens or somebody ends it.

use std::io;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use clap::Args;
use rustix::event::{PollFd, PollFlags, Timespec};

use super::traits::{CommandArgs, Group, InTransaction, Pace, Traits};
use super::{Caller, Session, Warnings, refused};
use crate::error::Error;
use crate::shell::answer::code::Reason;
use crate::shell::answer::done::Done;
use crate::shell::answer::reply::{Answer, Events, Failure, OnEvent, Reply, shown};
use crate::shell::terminal::interrupt;
use crate::shell::text::argument::{Data, Key, data, glob, key, timeout};
use crate::shell::text::glob::Glob;
use crate::store::{Store as _, StoreExt as _, Watching};
use crate::value::Value;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// Print what changes as it happens, from this or another program, until Ctrl-C
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "Examples:\n  watch\n  watch user:* -o json\n\nEach key's last value is told, not every value on the way: it looks 20 times a second. While the file cannot be read it warns once and goes on looking. -o json is one event a line: {\"event\":\"set\",\"key\":…,\"value\":…,\"type\":…,\"expires\":…}, or \"del\" or \"expired\" with the key."
)]
pub(crate) struct WatchArgs {
    /// Only keys that match: * ? [a-z] [^x] \x
    #[arg(value_name = "GLOB", value_parser = glob())]
    pub(crate) glob: Option<Glob>,
}

impl CommandArgs for WatchArgs {
    const TRAITS: Traits = Traits {
        pace: Pace::OfOthers,
        ..Traits::changes("watch", Group::Together).in_transaction(InTransaction::Refused)
    };

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let Self { glob } = self;
        let what = glob.as_ref().map_or_else(|| "all keys".to_owned(), |glob| shown(glob.as_str()));
        let title = format!("Watching {what}; Ctrl-C ends it");
        let mut watch = session.db.watch(glob.as_ref().map_or("", Glob::prefix))?;
        let patience = Patience::new(caller.warnings);
        let run = move |show: &mut OnEvent<'_>| follow(&mut *watch, glob.as_ref(), patience, show);
        Ok(Reply::Events(Events { title, run: Box::new(run) }).into())
    }
}

/// Wait until a key exists or holds a value; status 1 on timeout
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "Examples:\n  wait job:1:done --timeout 30s\n  wait state --equals ready\n\nIt prints nothing: `wait job:1 && get job:1` prints the value. A key that already exists ends it at once. While the file cannot be read it warns once and goes on waiting; a timeout ends it with status 3 then."
)]
pub(crate) struct WaitArgs {
    /// The key
    #[arg(value_name = "KEY", value_parser = key())]
    pub(crate) key: Key,
    /// Wait for exactly this value
    #[arg(long, value_name = "VALUE", value_parser = data(), allow_hyphen_values = true)]
    pub(crate) equals: Option<Data>,
    /// How long: 90 (seconds), 1h30m, 2days; else as long as it takes
    #[arg(long, value_name = "DURATION", value_parser = timeout(), allow_hyphen_values = true)]
    pub(crate) timeout: Option<Duration>,
}

impl CommandArgs for WaitArgs {
    const TRAITS: Traits = Traits {
        pace: Pace::OfOthers,
        ..Traits::changes("wait", Group::Together).in_transaction(InTransaction::Refused).parsed_alone()
    };

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let key: &str = &self.key;
        let start = Instant::now();
        let mut patience = Patience::new(caller.warnings);
        loop {
            let looked = session.db.refresh().and_then(|_| session.db.get(key));
            let is_there = match patience.of(looked) {
                Some(Some(value)) => self.equals.as_ref().is_none_or(|Data(wanted)| is_same(&value, wanted)),
                Some(None) | None => false,
            };
            if is_there {
                return Ok(Done::Appeared { key: self.key.0 }.into());
            }
            let left = self.timeout.map_or(PAUSE, |timeout| timeout.saturating_sub(start.elapsed()));
            if left.is_zero() {
                // Whether it came, nobody can say.
                patience.since.take().map_or(Ok(()), |(_, error)| Err(error))?;
                let what = if self.equals.is_some() { "did not get that value" } else { "did not come" };
                let span = humantime::format_duration(self.timeout.unwrap_or_default());
                return Ok(refused(Reason::Timeout, format!("Key '{}' {what} within {span}", shown(key))));
            }
            if interrupt::is_asked() {
                return Ok(refused(Reason::Interrupted, "Not waiting any more".to_owned()));
            }
            std::thread::sleep(left.min(PAUSE));
        }
    }
}

/// Shows what happens until Ctrl-C, or nobody reads it any more.
fn follow(
    watch: &mut dyn Watching,
    glob: Option<&Glob>,
    mut patience: Patience,
    show: &mut OnEvent<'_>,
) -> io::Result<()> {
    loop {
        let mut shown = Ok(());
        let looked = watch.poll(&interrupt::is_asked, &mut |key, event| {
            if glob.is_none_or(|glob| glob.matches(key)) {
                shown = show(key, &event);
            }
            if shown.is_ok() && !interrupt::is_asked() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        if watch.has_missed() {
            patience.warnings.say("warning: the file was changed in place, and what changed in it cannot be shown");
        }
        patience.of(looked);
        if shown.is_err() || interrupt::is_asked() || is_left() {
            return shown;
        }
    }
}

/// Pauses; true if whoever read stdout is gone, which no event may come to show.
fn is_left() -> bool {
    let stdout = io::stdout();
    let mut fds = [PollFd::new(&stdout, PollFlags::empty())];
    let pause = Timespec { tv_sec: 0, tv_nsec: i64::from(PAUSE.subsec_nanos()) };
    match rustix::event::poll(&mut fds, Some(&pause)) {
        Ok(1..) if fds[0].revents().intersects(PollFlags::ERR | PollFlags::HUP) => true,
        Ok(1..) => {
            std::thread::sleep(PAUSE);
            false
        }
        _ => false,
    }
}

/// Whether a value is the one that was given: as it is, or as JSON.
fn is_same(value: &Value, wanted: &[u8]) -> bool {
    let as_json = || std::str::from_utf8(wanted).ok().and_then(|text| Value::from_json(text).ok());
    value.as_bytes() == wanted || (matches!(value, Value::Json(_)) && as_json().as_ref() == Some(value))
}

/// Bears errors for as long as they last: an editor that writes into the file leaves half of it there for a moment, and
/// whatever else is wrong with it somebody may put right. What lasts is said once.
struct Patience {
    /// Since when the last look has failed, and how.
    since: Option<(Instant, Error)>,
    warned: bool,
    warnings: Warnings,
}

impl Patience {
    fn new(warnings: Warnings) -> Self {
        Self { since: None, warned: false, warnings }
    }

    /// What was found; nothing for an error.
    fn of<T>(&mut self, found: Result<T, Error>) -> Option<T> {
        /// Nobody need know of what passes sooner.
        const UNSAID: Duration = Duration::from_secs(1);
        match found {
            Ok(found) => {
                (self.since, self.warned) = (None, false);
                Some(found)
            }
            Err(error) => {
                let since = self.since.take().map_or_else(Instant::now, |(since, _)| since);
                if !self.warned && since.elapsed() > UNSAID {
                    self.warnings
                        .say(&format!("warning: {error}. Still looking: it goes on when the file can be read again"));
                    self.warned = true;
                }
                self.since = Some((since, error));
                None
            }
        }
    }
}
