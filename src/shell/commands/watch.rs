//! `watch` and `wait`: check the database 20 times a second.

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
use crate::store::{Store as _, Watching};
use crate::value::Value;

/// The time between two checks.
const PAUSE: Duration = Duration::from_millis(50);

/// Print changes made by any program as they happen, until Ctrl-C
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "The database is checked 20 times a second, so of several changes to one key in that time only the last is printed. If the file becomes unreadable, watch warns once and keeps trying. With -o json, each event is one line: {\"event\":\"set\",\"key\":…,\"value\":…,\"type\":…,\"expires\":…}; the other events, \"del\" and \"expired\", have only the key.\n\nExamples:\n  watch\n  watch user:* -o json"
)]
pub(crate) struct WatchArgs {
    /// Only keys that match: * ? [a-z] [^x] \x
    #[arg(value_name = "GLOB", value_parser = glob())]
    pub(crate) glob: Option<Glob>,
}

impl CommandArgs for WatchArgs {
    const TRAITS: Traits = Traits {
        pace: Pace::OfOthers,
        ..Traits::changes("watch", Group::Processes).in_transaction(InTransaction::Refused)
    };

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let Self { glob } = self;
        let what = glob.as_ref().map_or_else(|| "all keys".to_owned(), |glob| shown(glob.as_str()));
        let title = format!("Watching {what}; press Ctrl-C to stop");
        let mut watch = session.db.watch(glob.as_ref().map_or("", Glob::prefix))?;
        let patience = Patience::new(caller.warnings);
        let run = move |show: &mut OnEvent<'_>| follow(&mut *watch, glob.as_ref(), patience, show);
        Ok(Reply::Events(Events { title, run: Box::new(run) }).into())
    }
}

/// Wait until a key exists or has a value (status 1 on timeout)
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "wait prints nothing. It returns at once if the key already exists. If the file becomes unreadable, wait warns once and keeps trying; a timeout then ends it with status 3.\n\nExamples:\n  wait job:1:done --timeout 30s\n  wait state --equals ready"
)]
pub(crate) struct WaitArgs {
    /// The key
    #[arg(value_name = "KEY", value_parser = key())]
    pub(crate) key: Key,
    /// Wait for exactly this value
    #[arg(long, value_name = "VALUE", value_parser = data(), allow_hyphen_values = true)]
    pub(crate) equals: Option<Data>,
    /// Give up after this time: 90 (seconds), 45s, 1h30m; without it, wait forever
    #[arg(long, value_name = "DURATION", value_parser = timeout(), allow_hyphen_values = true)]
    pub(crate) timeout: Option<Duration>,
}

impl CommandArgs for WaitArgs {
    const TRAITS: Traits = Traits {
        pace: Pace::OfOthers,
        ..Traits::changes("wait", Group::Processes).in_transaction(InTransaction::Refused).parsed_alone()
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
                // Whether the key was created is unknown.
                patience.since.take().map_or(Ok(()), |(_, error)| Err(error))?;
                let what = if self.equals.is_some() { "did not get the expected value" } else { "was not created" };
                let span = humantime::format_duration(self.timeout.unwrap_or_default());
                return Ok(refused(Reason::Timeout, format!("Key '{}' {what} within {span}", shown(key))));
            }
            if interrupt::is_asked() {
                return Ok(refused(Reason::Interrupted, "Stopped waiting".to_owned()));
            }
            std::thread::sleep(left.min(PAUSE));
        }
    }
}

/// Shows events until Ctrl-C, or until the reader of the output exits.
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
        if let Some(why) = watch.missed() {
            patience.warnings.say(&format!("warning: {why}, so the changes cannot be shown"));
        }
        patience.of(looked);
        if shown.is_err() || interrupt::is_asked() || is_left() {
            return shown;
        }
    }
}

/// Pauses; true if the reader of stdout has exited, which no event may reveal.
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

/// Whether a value equals the given one, as text or as JSON.
fn is_same(value: &Value, wanted: &[u8]) -> bool {
    let as_json = || std::str::from_utf8(wanted).ok().and_then(|text| Value::from_json(text).ok());
    value.as_bytes() == wanted || (matches!(value, Value::Json(_)) && as_json().as_ref() == Some(value))
}

/// Tolerates errors while they last: an editor that writes to the file leaves it incomplete for a moment, and other
/// problems may be fixed, too. A lasting error is reported once.
struct Patience {
    /// When the checks began to fail, and the error.
    since: Option<(Instant, Error)>,
    warned: bool,
    warnings: Warnings,
}

impl Patience {
    fn new(warnings: Warnings) -> Self {
        Self { since: None, warned: false, warnings }
    }

    /// The result of a check; `None` for an error.
    fn of<T>(&mut self, found: Result<T, Error>) -> Option<T> {
        /// Shorter failures are not reported.
        const UNSAID: Duration = Duration::from_secs(1);
        match found {
            Ok(found) => {
                (self.since, self.warned) = (None, false);
                Some(found)
            }
            Err(error) => {
                let since = self.since.take().map_or_else(Instant::now, |(since, _)| since);
                if !self.warned && since.elapsed() > UNSAID {
                    self.warnings.say(&format!(
                        "warning: {error}. Still trying: watching continues when the file can be read again"
                    ));
                    self.warned = true;
                }
                self.since = Some((since, error));
                None
            }
        }
    }
}
