//! Sends commands to a server and brings their answers back in order. What was lost on the way is sent again as long as the
//! same again does no harm and somebody still waits for it.

use std::time::{Duration, Instant};

use redis::Value;

use super::fault::{self, Fate};
use super::link::{Facts, Link, LinkError, Login, said};
use super::requests::Requests;
use super::url::{RemoteSettings, Url};
use crate::error::{Error, Result};
use crate::expiry::Timestamp;

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(50);

/// Answers in the order of their commands; if there are fewer, why.
#[derive(Debug, Default)]
pub(super) struct Answers {
    pub(super) values: Vec<Value>,
    pub(super) failure: Option<Error>,
}

impl Answers {
    /// All of them, or why not.
    pub(super) fn all(self) -> Result<Vec<Value>> {
        self.failure.map_or(Ok(self.values), Err)
    }
}

/// The way to a server.
pub(super) struct Router {
    url: Url,
    login: Login,
    wait: Duration,
    is_stopped: fn() -> bool,
    /// The connection, while there is one.
    link: Option<Link>,
    pub(super) facts: Facts,
}

impl std::fmt::Debug for Router {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Router").field("url", &self.url).field("facts", &self.facts).finish_non_exhaustive()
    }
}

impl Router {
    pub(super) fn open(url: &Url, settings: &RemoteSettings) -> Result<Self> {
        let login = Login { user: url.user.clone(), password: url.password.clone(), database: url.database };
        let (link, facts) =
            Link::open(&url.address, &login).map_err(|error| fault::of_link(&url.to_string(), &error))?;
        let (wait, is_stopped) = (settings.wait, settings.is_stopped);
        Ok(Self { url: url.clone(), login, wait, is_stopped, link: Some(link), facts })
    }

    /// Another way to the same server.
    pub(super) fn another(&self) -> Result<Self> {
        let (link, facts) = self.link_and_facts().map_err(|error| fault::of_link(&self.url.to_string(), &error))?;
        Ok(Self { url: self.url.clone(), login: self.login.clone(), link: Some(link), facts, ..*self })
    }

    /// A connection of one's own.
    pub(super) fn link(&self) -> Result<Link, LinkError> {
        self.link_and_facts().map(|(link, _)| link)
    }

    fn link_and_facts(&self) -> Result<(Link, Facts), LinkError> {
        Link::open(&self.url.address, &self.login)
    }

    /// The time by the server's clock.
    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_millis(Timestamp::now().as_millis().saturating_add_signed(self.facts.ahead))
    }

    /// Sends commands that do no harm if they are sent twice.
    pub(super) fn repeatable(&mut self, requests: &Requests) -> Answers {
        let mut retries = Retries::new(self.wait, self.is_stopped);
        let mut values = Vec::with_capacity(requests.len());
        while values.len() < requests.len() {
            let before = values.len();
            let (why, failure) = match self.exchange(requests, &mut values) {
                Ok(()) => match values[before..].iter().position(is_passing) {
                    None => break,
                    Some(at) => {
                        let Value::ServerError(error) = &values[before + at] else { break };
                        let failure = fault::of_answer(&self.url.to_string(), &said(error));
                        // Those after it are carried out again, so that the last of one key's changes stays the last.
                        values.truncate(before + at);
                        (Again::Later, failure)
                    }
                },
                Err((why, failure)) => (why, failure),
            };
            if why == Again::Never || !retries.pause() {
                return Answers { values, failure: Some(failure) };
            }
        }
        Answers { values, failure: None }
    }

    /// Sends one command that must not be carried out twice.
    pub(super) fn once(&mut self, request: &Requests) -> Result<Value> {
        let mut retries = Retries::new(self.wait, self.is_stopped);
        loop {
            if let Err((why, failure)) = self.connect() {
                if why == Again::Never || !retries.pause() {
                    return Err(failure);
                }
                continue;
            }
            let Some(link) = &mut self.link else { continue };
            let answer = link.send(request.from(0)).and_then(|()| link.receive());
            match answer {
                Ok(value) if is_passing(&value) && retries.pause() => {}
                Ok(value) => return Ok(value),
                Err(error) => {
                    self.link = None;
                    return Err(fault::of_connection(&self.url.to_string(), &error, Fate::Unknown));
                }
            }
        }
    }

    /// Sends one command whose answer may take as long as it takes.
    pub(super) fn once_patiently(&mut self, request: &Requests) -> Result<Value> {
        const LONG: Duration = Duration::from_mins(10);
        if let Some(link) = &mut self.link {
            let _ = link.set_patience(Some(LONG));
        }
        let answer = self.once(request);
        if let Some(link) = &mut self.link {
            let _ = link.set_patience(None);
        }
        answer
    }

    /// Sends what has no answer yet, and takes in the answers until one cannot be had.
    fn exchange(&mut self, requests: &Requests, values: &mut Vec<Value>) -> Result<(), (Again, Error)> {
        self.connect()?;
        let Some(link) = &mut self.link else { return Ok(()) };
        let mut done = link.send(requests.from(values.len()));
        while done.is_ok() && values.len() < requests.len() {
            done = link.receive().map(|value| values.push(value));
        }
        done.map_err(|error| {
            self.link = None;
            let again = if error.kind() == redis::ErrorKind::Parse { Again::Never } else { Again::Later };
            (again, fault::of_connection(&self.url.to_string(), &error, Fate::Repeatable))
        })
    }

    /// Makes a connection if there is none.
    fn connect(&mut self) -> Result<(), (Again, Error)> {
        if self.link.is_some() {
            return Ok(());
        }
        let (link, facts) = self.link_and_facts().map_err(|error| {
            let again = match &error {
                LinkError::Broken(_) => Again::Later,
                LinkError::Said(said) if fault::is_passing(said) => Again::Later,
                LinkError::Said(_) | LinkError::NoServer => Again::Never,
            };
            (again, fault::of_link(&self.url.to_string(), &error))
        })?;
        (self.link, self.facts) = (Some(link), facts);
        Ok(())
    }
}

/// Whether a try is worth another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Again {
    Later,
    Never,
}

/// How long tries go on.
struct Retries {
    end: Option<Instant>,
    wait: Duration,
    is_stopped: fn() -> bool,
}

impl Retries {
    fn new(wait: Duration, is_stopped: fn() -> bool) -> Self {
        Self { end: None, wait, is_stopped }
    }

    /// Waits before another try; false if there is to be none.
    fn pause(&mut self) -> bool {
        let now = Instant::now();
        let end = *self.end.get_or_insert(now + self.wait);
        if now + PAUSE > end || (self.is_stopped)() {
            return false;
        }
        std::thread::sleep(PAUSE);
        true
    }
}

fn is_passing(value: &Value) -> bool {
    matches!(value, Value::ServerError(error) if fault::is_passing(&said(error)))
}
