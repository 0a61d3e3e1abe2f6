//! Listings: the server's scan, whose keys come in no order and perhaps more than once, sorted here.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use redis::Value as Answer;

use super::Remote;
use super::fetch::{Fetched, expiry};
use crate::database::{Outline, Seen, prefix_end};
use crate::error::Result;
use crate::redis::link::text;
use crate::redis::raw;
use crate::redis::requests::Requests;
use crate::redis::router::Shard;
use crate::storage::Entry;
use crate::store::{OutlineIter, Scan, Store as _};

/// The number of keys that the server scans for each answer.
const STEP: &[u8] = b"1000";

/// The time limit of a lookup while the user types,
const GLANCE: Duration = Duration::from_millis(50);
/// and is good for this long.
const KEPT: Duration = Duration::from_secs(1);

/// A key that may not be text, for a message.
pub(super) fn shown(key: &[u8]) -> String {
    const LONGEST: usize = 80;
    let mut shown = String::new();
    for chunk in key[..key.len().min(LONGEST)].utf8_chunks() {
        shown.push_str(chunk.valid());
        shown.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    if key.len() > LONGEST {
        shown.push('…');
    }
    shown
}

impl Remote {
    /// Fails where keys cannot be listed: in a transaction, as its commit could not tell whether others have come.
    pub(super) fn check_listing(&self) -> Result<()> {
        if self.open.is_none() {
            return Ok(());
        }
        Err(self.unsupported(
            "cannot list or count keys in a transaction, because a server has no snapshots; do so before `begin` or after `commit`",
        ))
    }

    /// The keys of a scan that hold strings, in its order.
    pub(super) fn found(&self, scan: &Scan) -> Result<Vec<String>> {
        self.check_listing()?;
        let mut others = Others::default();
        let mut found = Vec::new();
        self.scan_all(&common_prefix(scan), &mut |key| {
            match String::from_utf8(key) {
                Ok(key) => {
                    let is_in = scan.from.as_ref().is_none_or(|from| key >= *from)
                        && scan.to.as_ref().is_none_or(|to| key < *to);
                    found.extend(is_in.then_some(key));
                }
                Err(error) => others.note(error.as_bytes()),
            }
            true
        })?;
        found.sort_unstable();
        found.dedup();
        if scan.reverse {
            found.reverse();
        }
        if let Some(note) = others.say().filter(|_| !self.has_noted.replace(true)) {
            self.notices.borrow_mut().push(note);
        }
        Ok(found)
    }

    /// Reports each key with this prefix that holds a string. A key that moved from a server that was not looked at yet to one
    /// that was is found when all are looked at once more: it goes there once.
    fn scan_all(&self, prefix: &str, each: &mut dyn FnMut(Vec<u8>) -> bool) -> Result<()> {
        self.send_queued();
        let before = self.router.borrow_mut().layout()?;
        let shards = self.router.borrow().shards();
        shards.iter().try_for_each(|shard| self.scan_server(shard, prefix, each))?;
        let after = self.router.borrow_mut().layout()?;
        if before.is_some() && before == after {
            return Ok(());
        }
        let shards = self.router.borrow().shards();
        shards.iter().try_for_each(|shard| self.scan_server(shard, prefix, each))
    }

    /// The same on one server, until there are no more keys or it has had enough.
    fn scan_server(&self, shard: &Shard, prefix: &str, each: &mut dyn FnMut(Vec<u8>) -> bool) -> Result<()> {
        let pattern = pattern(prefix);
        let mut cursor = b"0".to_vec();
        loop {
            self.is_stopped.check()?;
            let mut parts: Vec<&[u8]> = vec![b"SCAN", &cursor, b"COUNT", STEP, b"TYPE", b"string"];
            if !prefix.is_empty() {
                parts.extend([b"MATCH", pattern.as_slice()]);
            }
            let answer = self.router.borrow_mut().on_shard(shard, &Requests::one(&parts)).all()?.pop();
            let Answer::Array(answer) = self.checked(answer.unwrap_or(Answer::Nil))? else { return Ok(()) };
            let mut answer = answer.into_iter();
            let next = answer.next().map(|next| text(&next).into_bytes()).unwrap_or_default();
            let Some(Answer::Array(keys)) = answer.next() else { return Ok(()) };
            for key in keys {
                if let Answer::BulkString(key) = key
                    && !each(key)
                {
                    return Ok(());
                }
            }
            if next == b"0" || next.is_empty() {
                return Ok(());
            }
            cursor = next;
        }
    }

    /// What a key holds, if it is not larger than that.
    pub(super) fn glance_at(&self, key: &str, limit: u64) -> Result<Option<Seen>> {
        let (key, last) = (key.as_bytes(), limit.to_string());
        let mut requests = Requests::one(&[b"STRLEN", key]);
        requests.push(&[b"GETRANGE", key, b"0", last.as_bytes()]);
        requests.push(&[b"PTTL", key]);
        let answers = self.ask(&requests)?;
        let [length, value, time] = &answers[..] else { return Ok(None) };
        let (Answer::Int(length), Answer::BulkString(raw)) = (length, value) else { return Ok(None) };
        if *time == Answer::Int(-2) {
            return Ok(None);
        }
        let length = u64::try_from(*length).unwrap_or(0);
        if length > limit {
            return Ok(Some(Seen::Large(length)));
        }
        let expiry = expiry(time, false, self.now());
        Ok(Some(Seen::Entry(Entry { value: raw::decode(raw.clone()), expiry })))
    }

    /// The keys with this prefix, as far as a short scan finds them.
    pub(super) fn bounded_outlines(&self, prefix: &str) -> OutlineIter<'_> {
        if self.open.is_some() {
            return Box::new(std::iter::empty());
        }
        let keys = self.glances.known(prefix).or_else(|| {
            let begun = Instant::now();
            let (mut keys, mut is_whole) = (Vec::new(), true);
            let shards = self.router.borrow().shards();
            let scanned = shards.iter().try_for_each(|shard| {
                self.scan_server(shard, prefix, &mut |key| {
                    keys.extend(String::from_utf8(key).ok().filter(|key| key.starts_with(prefix)));
                    is_whole = begun.elapsed() < GLANCE;
                    is_whole
                })
            });
            keys.sort_unstable();
            keys.dedup();
            scanned.ok().map(|()| self.glances.keep(prefix, keys, is_whole))
        });
        Box::new(OutlinePieces { store: self, keys: keys.unwrap_or_default().into(), ready: VecDeque::new() })
    }

    fn outlines_of(&self, keys: Vec<String>) -> VecDeque<Result<Outline>> {
        let mut requests = Requests::default();
        for key in &keys {
            requests.push(&[b"GETRANGE", key.as_bytes(), b"0", b"3"]);
            requests.push(&[b"PTTL", key.as_bytes()]);
        }
        let answers = match self.ask(&requests) {
            Ok(answers) => answers,
            Err(error) => return VecDeque::from([Err(error)]),
        };
        let now = self.now();
        let outlines = keys.into_iter().zip(answers.chunks_exact(2)).filter_map(|(key, answers)| {
            let Answer::BulkString(beginning) = &answers[0] else { return None };
            let kind = raw::kind_of_beginning(beginning);
            Some(Ok(Outline { key, kind, expiry: expiry(&answers[1], false, now) }))
        });
        outlines.collect()
    }
}

/// Keys that are no text.
#[derive(Default)]
struct Others {
    count: u64,
    first: Vec<String>,
}

impl Others {
    fn note(&mut self, key: &[u8]) {
        self.count += 1;
        if self.first.len() < 3 {
            self.first.push(format!("'{}'", shown(key)));
        }
    }

    fn say(&self) -> Option<String> {
        let more = if self.count > 3 { ", …" } else { "" };
        let keys = if self.count == 1 { "key is" } else { "keys are" };
        let first = self.first.join(", ");
        (self.count > 0).then(|| format!("{} {keys} not UTF-8 and left out: {first}{more}", self.count))
    }
}

/// The longest text that all keys of a scan begin with.
fn common_prefix(scan: &Scan) -> String {
    let (Some(from), Some(to)) = (&scan.from, &scan.to) else { return String::new() };
    let holds = |prefix: &str| prefix_end(prefix).is_some_and(|end| to <= &end);
    let ends = from.char_indices().map(|(at, _)| at).chain([from.len()]);
    ends.map(|end| &from[..end]).take_while(|prefix| prefix.is_empty() || holds(prefix)).last().unwrap_or("").to_owned()
}

/// The server's pattern for keys with this prefix.
fn pattern(prefix: &str) -> Vec<u8> {
    let mut pattern = Vec::with_capacity(prefix.len() + 1);
    for byte in prefix.bytes() {
        if matches!(byte, b'*' | b'?' | b'[' | b']' | b'\\' | b'^' | b'-') {
            pattern.push(b'\\');
        }
        pattern.push(byte);
    }
    pattern.push(b'*');
    pattern
}

/// Entries by their keys, read in pieces.
pub(super) struct EntryPieces<'s> {
    store: &'s Remote,
    keys: std::vec::IntoIter<String>,
    ready: VecDeque<Result<(String, Entry)>>,
    piece: usize,
}

impl<'s> EntryPieces<'s> {
    /// The number of values that are read at once,
    const MOST: usize = 512;
    /// if they are not large.
    const BYTES: usize = 8 << 20;

    pub(super) fn new(store: &'s Remote, keys: Vec<String>) -> Self {
        Self { store, keys: keys.into_iter(), ready: VecDeque::new(), piece: 32 }
    }

    fn read_on(&mut self) -> Result<()> {
        self.store.is_stopped.check()?;
        let keys: Vec<String> = self.keys.by_ref().take(self.piece).collect();
        let mut bytes = 0;
        for (key, fetched) in keys.iter().zip(self.store.fetch(&keys)?) {
            match fetched {
                // What has gone, or has become something else, is no longer part of the listing.
                Ok(None) | Err(_) => {}
                Ok(Some(fetched)) => {
                    bytes += fetched.raw.len();
                    self.ready.push_back(Ok((key.clone(), Fetched::into_entry(fetched))));
                }
            }
        }
        self.piece = if bytes > Self::BYTES { 1.max(self.piece / 8) } else { Self::MOST.min(self.piece * 4) };
        Ok(())
    }
}

impl Iterator for EntryPieces<'_> {
    type Item = Result<(String, Entry)>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.ready.is_empty() && self.keys.len() > 0 {
            if let Err(error) = self.read_on() {
                self.keys = Vec::new().into_iter();
                return Some(Err(error));
            }
        }
        self.ready.pop_front()
    }
}

/// Outlines by their keys, read in pieces from the front and singly from the back.
struct OutlinePieces<'s> {
    store: &'s Remote,
    keys: VecDeque<String>,
    ready: VecDeque<Result<Outline>>,
}

impl Iterator for OutlinePieces<'_> {
    type Item = Result<Outline>;

    fn next(&mut self) -> Option<Self::Item> {
        const PIECE: usize = 64;
        while self.ready.is_empty() && !self.keys.is_empty() {
            let keys = self.keys.drain(..PIECE.min(self.keys.len())).collect();
            self.ready = self.store.outlines_of(keys);
        }
        self.ready.pop_front()
    }
}

impl DoubleEndedIterator for OutlinePieces<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        while let Some(key) = self.keys.pop_back() {
            if let Some(found) = self.store.outlines_of(vec![key]).pop_front() {
                return Some(found);
            }
        }
        self.ready.pop_back()
    }
}

/// The result of the last lookup while typing, which serves the next one, too.
#[derive(Debug, Default)]
pub(super) struct Glances(RefCell<Option<Glance>>);

#[derive(Debug)]
struct Glance {
    at: Instant,
    prefix: String,
    keys: Vec<String>,
    /// Whether these are all keys with this prefix.
    is_whole: bool,
}

impl Glances {
    fn known(&self, prefix: &str) -> Option<Vec<String>> {
        let kept = self.0.borrow();
        let glance = kept.as_ref().filter(|glance| {
            glance.at.elapsed() < KEPT
                && (glance.prefix == prefix || (glance.is_whole && prefix.starts_with(&glance.prefix)))
        })?;
        Some(glance.keys.iter().filter(|key| key.starts_with(prefix)).cloned().collect())
    }

    fn keep(&self, prefix: &str, keys: Vec<String>, is_whole: bool) -> Vec<String> {
        let glance = Glance { at: Instant::now(), prefix: prefix.to_owned(), keys: keys.clone(), is_whole };
        *self.0.borrow_mut() = Some(glance);
        keys
    }

    pub(super) fn forget(&self) {
        *self.0.borrow_mut() = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_asked_for_the_longest_beginning_that_all_keys_of_a_scan_have() {
        let common = |from: &str, to: &str| {
            common_prefix(&Scan { from: Some(from.to_owned()), to: Some(to.to_owned()), ..Scan::default() })
        };
        assert_eq!(common_prefix(&Scan::prefix("user:")), "user:");
        assert_eq!(common("user:1", "user:2"), "user:1");
        assert_eq!(common("user:1", "user:3"), "user:");
        assert_eq!(common("a", "z"), "");
        assert_eq!(common("é1", "é9"), "é");
        assert_eq!(common_prefix(&Scan::default()), "");
        assert_eq!(pattern("a*[b]\\"), b"a\\*\\[b\\]\\\\*");
    }

    #[test]
    fn a_key_that_is_no_text_is_shown_escaped() {
        assert_eq!(shown(b"a\xffb\xc3\xa9"), "a\\xffbé");
    }
}
