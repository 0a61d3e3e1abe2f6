//! Sets that wait for the others of their batch, and values that are read before they are asked for.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use redis::Value as Answer;

use super::Remote;
use crate::error::{Error, Result};
use crate::redis::fault;
use crate::redis::requests::{Requests, raw_of};
use crate::storage::{Entry, check_entry};
use crate::store::Scope;
use crate::value::Value;

/// What is read for the next lines of a script is as old as this at most.
const FRESH: Duration = Duration::from_millis(100);

/// Sets on their way.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) requests: Requests,
    /// How many the batch had before them.
    pub(super) sent: u64,
    /// Which of the batch's changes were not made.
    pub(super) failures: Vec<(u64, Error)>,
}

impl Queue {
    /// More is not kept waiting.
    pub(super) const MOST: usize = 8_192;
    const MOST_BYTES: usize = 1 << 20;

    pub(super) fn is_full(&self) -> bool {
        self.requests.len() >= Self::MOST || self.requests.size() >= Self::MOST_BYTES
    }
}

/// What keys hold that are soon to be read.
#[derive(Debug, Default)]
pub(super) struct ReadAhead {
    pub(super) since: Option<Instant>,
    pub(super) values: HashMap<String, Option<Value>>,
}

impl ReadAhead {
    pub(super) fn get(&self, key: &str) -> Option<&Option<Value>> {
        let since = self.since?;
        self.values.get(key).filter(|_| since.elapsed() < FRESH)
    }
}

impl Remote {
    /// Makes the changes that wait; which were not made, is noted.
    pub(super) fn send_queued(&self) {
        let mut queue = self.queue.borrow_mut();
        if queue.requests.is_empty() {
            return;
        }
        let answers = self.router.borrow_mut().repeatable(&queue.requests);
        for (number, answer) in answers.values.into_iter().enumerate() {
            let error = match answer {
                Some(answer @ Answer::ServerError(_)) => {
                    let key = queue.requests.part(number, 1).to_vec();
                    self.checked_on(&key, answer).err()
                }
                Some(_) => None,
                None => answers.failure.as_ref().map(fault::same),
            };
            let number = queue.sent + number as u64;
            queue.failures.extend(error.map(|error| (number, error)));
        }
        queue.sent += queue.requests.len() as u64;
        queue.requests.clear();
    }

    /// Sets a key whatever it held, unless that is no string: now, or in a batch some time.
    pub(super) fn put(&mut self, key: &str, entry: &Entry) -> Result<()> {
        check_entry(key, &entry.value)?;
        let queue = self.queue.get_mut();
        push_set(&mut queue.requests, key, entry);
        if self.in_batch {
            let ahead = self.ahead.get_mut();
            if let Some(value) = ahead.values.get_mut(key) {
                *value = Some(entry.value.clone());
            }
            if queue.is_full() {
                self.send_queued();
            }
            Ok(())
        } else {
            self.send_queued();
            let queue = self.queue.get_mut();
            queue.sent = 0;
            queue.failures.pop().map_or(Ok(()), |(_, error)| Err(error))
        }
    }

    /// Discards what was read ahead of keys that change.
    pub(super) fn forget_ahead(&mut self, keys: Scope<'_>) {
        let values = &mut self.ahead.get_mut().values;
        match keys {
            Scope::Keys(keys) | Scope::Each(keys) => keys.iter().for_each(|key| drop(values.remove(*key))),
            Scope::Prefix(_) => values.clear(),
        }
    }
}

/// Adds the command that sets a key. It returns the old value, which is discarded: without that, it would replace a hash.
pub(super) fn push_set(requests: &mut Requests, key: &str, entry: &Entry) {
    let value = raw_of(&entry.value);
    match entry.expiry {
        None => requests.push(&[b"SET", key.as_bytes(), &value, b"GET"]),
        Some(expiry) => {
            let at = expiry.as_millis().max(1).to_string();
            requests.push(&[b"SET", key.as_bytes(), &value, b"GET", b"PXAT", at.as_bytes()]);
        }
    }
}
