//! What keys hold, as it is stored.

use redis::Value as Answer;

use super::Remote;
use crate::error::Result;
use crate::expiry::Timestamp;
use crate::redis::raw;
use crate::redis::requests::Requests;
use crate::storage::Entry;
use crate::store::Store as _;

/// What a key holds, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fetched {
    pub(super) raw: Vec<u8>,
    pub(super) expiry: Option<Timestamp>,
}

impl Fetched {
    pub(super) fn entry(&self) -> Entry {
        self.clone().into_entry()
    }

    pub(super) fn into_entry(self) -> Entry {
        Entry { value: raw::decode(self.raw), expiry: self.expiry }
    }
}

/// The expiry that a server has answered: a point in time, or a span.
pub(super) fn expiry(answer: &Answer, is_point: bool, now: Timestamp) -> Option<Timestamp> {
    let Answer::Int(millis) = answer else { return None };
    let millis = u64::try_from(*millis).ok()?;
    Some(Timestamp::from_millis(if is_point { millis } else { now.as_millis().saturating_add(millis) }))
}

impl Remote {
    /// What keys hold; of each its own failure.
    pub(super) fn fetch<K: AsRef<str>>(&self, keys: &[K]) -> Result<Vec<Result<Option<Fetched>>>> {
        let has_times = self.router.borrow().facts().version >= (7, 0);
        let time: &[u8] = if has_times { b"PEXPIRETIME" } else { b"PTTL" };
        let mut requests = Requests::default();
        for key in keys {
            requests.push(&[b"GET", key.as_ref().as_bytes()]);
            requests.push(&[time, key.as_ref().as_bytes()]);
        }
        let mut answers = self.ask(&requests)?.into_iter();
        let now = self.now();
        let mut fetched = Vec::with_capacity(keys.len());
        for key in keys {
            let (value, time) = (answers.next().unwrap_or(Answer::Nil), answers.next().unwrap_or(Answer::Nil));
            let value = self.checked_on(key.as_ref().as_bytes(), value).map(|value| match value {
                Answer::BulkString(raw) => Some(Fetched { raw, expiry: expiry(&time, has_times, now) }),
                _ => None,
            });
            fetched.push(value);
        }
        Ok(fetched)
    }
}
