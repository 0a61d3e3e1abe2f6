//! The way to one server.

use std::time::Duration;

use redis::Value;

use super::fault::{self, Fate};
use super::link::{Facts, Link, LinkError, Login, said};
use super::requests::Requests;
use super::tries::{Again, Answers, Retries, is_passing};
use super::url::{RemoteSettings, Url};
use crate::error::{Error, Result};

/// The way to a server.
pub(super) struct Single {
    url: Url,
    login: Login,
    wait: Duration,
    is_stopped: fn() -> bool,
    /// The connection, while there is one.
    link: Option<Link>,
    pub(super) facts: Facts,
}

impl std::fmt::Debug for Single {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Single").field("url", &self.url).field("facts", &self.facts).finish_non_exhaustive()
    }
}

impl Single {
    /// By a connection that was made.
    pub(super) fn on(url: &Url, settings: &RemoteSettings, login: Login, (link, facts): (Link, Facts)) -> Self {
        let (wait, is_stopped) = (settings.wait, settings.is_stopped);
        Self { url: url.clone(), login, wait, is_stopped, link: Some(link), facts }
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
                return Answers::partial(values, requests.len(), failure);
            }
        }
        Answers::whole(values)
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
            if !link.is_alive() {
                self.link = None;
                continue;
            }
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

    /// Sends one command, without a time limit for the answer.
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
