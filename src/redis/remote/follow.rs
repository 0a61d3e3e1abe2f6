//! What happens to keys, as the server tells it: it broadcasts which keys change, and what they hold is asked then.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::time::Duration;

use redis::Value as Answer;

use super::Remote;
use super::fetch::expiry;
use crate::database::Event;
use crate::error::Result;
use crate::expiry::Timestamp;
use crate::redis::fault::{self, Fate};
use crate::redis::link::{Link, LinkError, said};
use crate::redis::raw;
use crate::redis::requests::Requests;
use crate::redis::router::{Router, Shard};
use crate::storage::Entry;
use crate::store::{Store as _, Watching};

/// So long a look waits for news.
const LOOK: Duration = Duration::from_millis(1);

/// Follows the keys with this prefix.
pub(super) struct Follower {
    name: String,
    prefix: String,
    /// Asks what keys hold, and connects anew.
    router: Router,
    /// Where the news comes from, of each server whose connection has not broken.
    news: Vec<(Shard, Link)>,
    /// The expiries that keys had when they were seen last: what goes then has expired.
    expiries: HashMap<String, Timestamp>,
    missed: Option<&'static str>,
}

impl Follower {
    pub(super) fn of(store: &Remote, prefix: &str) -> Result<Self> {
        store.send_queued();
        let router = store.router.borrow().another()?;
        let name = store.describe().name;
        let mut follower =
            Self { name, prefix: prefix.to_owned(), router, news: Vec::new(), expiries: HashMap::new(), missed: None };
        follower.listen()?;
        Ok(follower)
    }

    /// Has each server tell what changes.
    fn listen(&mut self) -> Result<()> {
        for shard in self.router.shards() {
            if !self.news.iter().any(|(known, _)| *known == shard) {
                let link = self.listen_to(&shard)?;
                self.news.push((shard, link));
            }
        }
        Ok(())
    }

    fn listen_to(&self, shard: &Shard) -> Result<Link> {
        let mut requests = Requests::one(&[b"HELLO", b"3"]);
        let prefix = self.prefix.as_bytes();
        if prefix.is_empty() {
            requests.push(&[b"CLIENT", b"TRACKING", b"ON", b"BCAST"]);
        } else {
            requests.push(&[b"CLIENT", b"TRACKING", b"ON", b"BCAST", b"PREFIX", prefix]);
        }
        let made = self.router.link(shard).and_then(|mut link| {
            link.send(requests.from(0))?;
            for _ in 0..requests.len() {
                if let Answer::ServerError(error) = link.receive()? {
                    return Err(LinkError::Said(said(&error)));
                }
            }
            link.set_patience(Some(LOOK))?;
            Ok(link)
        });
        made.map_err(|error| fault::of_link(&self.name, &error))
    }

    /// The keys that have changed since the last look.
    fn changed(&mut self) -> Result<BTreeSet<Vec<u8>>> {
        const MOST: usize = 10_000;
        let mut keys = BTreeSet::new();
        let mut broken = None;
        for (number, (_, link)) in self.news.iter_mut().enumerate() {
            while keys.len() < MOST {
                match link.receive() {
                    Ok(Answer::Push { data, .. }) => match data.into_iter().next() {
                        Some(Answer::Array(list)) => keys.extend(list.into_iter().filter_map(|key| match key {
                            Answer::BulkString(key) => Some(key),
                            _ => None,
                        })),
                        _ => self.missed = Some("the server's database was flushed"),
                    },
                    Ok(_) => {}
                    Err(error) if error.is_timeout() => break,
                    Err(error) => {
                        broken = Some((number, error));
                        break;
                    }
                }
            }
        }
        if let Some((number, error)) = broken {
            self.news.swap_remove(number);
            self.missed = Some("a connection was lost");
            return Err(fault::of_connection(&self.name, &error, Fate::Repeatable));
        }
        keys.retain(|key| key.starts_with(self.prefix.as_bytes()));
        Ok(keys)
    }

    /// What became of a key, given what it holds now.
    fn event(&mut self, key: &str, value: Answer, time: &Answer, now: Timestamp) -> Option<Event> {
        match value {
            Answer::BulkString(raw) => {
                let expiry = expiry(time, false, now);
                match expiry {
                    Some(expiry) => _ = self.expiries.insert(key.to_owned(), expiry),
                    None => _ = self.expiries.remove(key),
                }
                Some(Event::Set(Entry { value: raw::decode(raw), expiry }))
            }
            Answer::Nil => {
                let has_expired = self.expiries.remove(key).is_some_and(|expiry| expiry <= now);
                Some(if has_expired { Event::Expired } else { Event::Deleted })
            }
            // What another program has made of it cannot be shown.
            _ => None,
        }
    }
}

impl Watching for Follower {
    fn poll(&mut self, stop: &dyn Fn() -> bool, each: &mut dyn FnMut(&str, Event) -> ControlFlow<()>) -> Result<()> {
        self.missed = None;
        self.listen()?;
        let keys: Vec<String> = self.changed()?.into_iter().filter_map(|key| String::from_utf8(key).ok()).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let mut requests = Requests::default();
        for key in &keys {
            requests.push(&[b"GET", key.as_bytes()]);
            requests.push(&[b"PTTL", key.as_bytes()]);
        }
        let mut answers = self.router.repeatable(&requests).all()?.into_iter();
        let now = self.router.now();
        for key in &keys {
            let (Some(value), Some(time)) = (answers.next(), answers.next()) else { break };
            if let Some(event) = self.event(key, value, &time, now)
                && (each(key, event).is_break() || stop())
            {
                break;
            }
        }
        Ok(())
    }

    fn missed(&self) -> Option<&'static str> {
        self.missed
    }
}
