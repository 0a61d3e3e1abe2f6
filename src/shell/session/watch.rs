//! `watch` and `wait`: they look on, 20 times a second, until something happens or somebody ends it.

use std::io;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};

use super::{Session, refused};
use crate::database::Watch;
use crate::error::Error;
use crate::shell::argument::Data;
use crate::shell::command::Wait;
use crate::shell::glob::Glob;
use crate::shell::interrupt;
use crate::shell::reply::{Answer, Done, Events, Failure, OnEvent, Reply, shown};
use crate::value::Value;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(50);

impl Session {
    pub(super) fn watch(&mut self, glob: Option<&str>) -> Result<Answer<'_>, Failure> {
        let what = glob.map_or_else(|| "all keys".to_owned(), shown);
        let glob = glob.map(Glob::new).transpose().map_err(Failure::usage)?;
        let title = format!("Watching {what}; Ctrl-C ends it");
        let mut watch = self.db.watch(glob.as_ref().map_or("", Glob::prefix))?;
        let run = move |show: &mut OnEvent<'_>| follow(&mut watch, glob.as_ref(), show);
        Ok(Reply::Events(Events { title, run: Box::new(run) }).into())
    }

    pub(super) fn wait(&mut self, wait: &Wait) -> Result<Answer<'_>, Failure> {
        let key = &wait.key;
        let start = Instant::now();
        let mut patience = Patience::default();
        loop {
            let looked = self.db.refresh().and_then(|_| self.db.get(key));
            let is_there = match patience.of(looked)? {
                Some(Some(value)) => wait.equals.as_ref().is_none_or(|Data(wanted)| is_same(&value, wanted)),
                Some(None) | None => false,
            };
            if is_there {
                return Ok(Reply::Done(Done::new(format!("Key '{}' is there", shown(key)))).into());
            }
            let left = wait.timeout.map_or(PAUSE, |timeout| timeout.saturating_sub(start.elapsed()));
            if left.is_zero() {
                let what = if wait.equals.is_some() { "did not get that value" } else { "did not come" };
                let span = humantime::format_duration(wait.timeout.unwrap_or_default());
                return Ok(refused("timeout", format!("Key '{}' {what} within {span}", shown(key))));
            }
            if interrupt::is_asked() {
                return Ok(refused("interrupted", "Not waiting any more".to_owned()));
            }
            std::thread::sleep(left.min(PAUSE));
        }
    }
}

/// Shows what happens until Ctrl-C, or nobody reads it any more.
fn follow(watch: &mut Watch, glob: Option<&Glob>, show: &mut OnEvent<'_>) -> crate::Result<io::Result<()>> {
    let mut patience = Patience::default();
    loop {
        let mut shown = Ok(());
        let looked = watch.look_until(&interrupt::is_asked, &mut |key, event| {
            if glob.is_none_or(|glob| glob.matches(key)) {
                shown = show(key, &event);
            }
            if shown.is_ok() && !interrupt::is_asked() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        patience.of(looked)?;
        if shown.is_err() || interrupt::is_asked() || is_left() {
            return Ok(shown);
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

/// Bears errors for a while: an editor that writes into the file leaves half of it there for a moment.
#[derive(Default)]
struct Patience {
    since: Option<Instant>,
}

impl Patience {
    /// What was found; nothing for an error that may pass.
    fn of<T>(&mut self, found: Result<T, Error>) -> Result<Option<T>, Error> {
        const LONGEST: Duration = Duration::from_secs(1);
        match found {
            Ok(found) => {
                self.since = None;
                Ok(Some(found))
            }
            Err(error) if self.since.get_or_insert_with(Instant::now).elapsed() > LONGEST => Err(error),
            Err(_) => Ok(None),
        }
    }
}
