//! The keys whose lines a fold must change.

use std::cmp::Ordering;
use std::iter::Peekable;

use super::fault::FoldFault;
use crate::expiry::Timestamp;
use crate::json::Fault;
use crate::storage::format::layout::Section;
use crate::storage::format::snapshot_line;
use crate::storage::read::layers::{LayerEntry, Layers};
use crate::storage::read::snapshot::index::{Indexed, Lines};

/// The changes, and deletions of unchanged keys of the snapshot that have expired. Ascending, each key once.
#[derive(Debug)]
pub(super) struct Touched<'a> {
    changes: Peekable<Layers<'a>>,
    expired: Expired<'a>,
    now: Timestamp,
}

/// The keys of the snapshot that have expired.
#[derive(Debug)]
struct Expired<'a> {
    /// `None` after the last one.
    lines: Option<Lines<'a>>,
    /// `now` in the format of expiries, which has a fixed length, so texts compare like times.
    now: String,
    key: String,
    /// Whether `key` was read, but not consumed.
    held: bool,
}

impl<'a> Touched<'a> {
    pub(super) fn new(old: &'a Indexed, changes: &Layers<'a>, now: Timestamp) -> Self {
        let lines = (old.layout().expiring > 0).then(|| old.lines(Section::Expires));
        let expired = Expired { lines, now: format!("\"{now}\""), key: String::new(), held: false };
        Self { changes: changes.clone().peekable(), expired, now }
    }

    /// The next key; a change that has expired is a deletion.
    pub(super) fn next(&mut self) -> Result<Option<LayerEntry<'_>>, FoldFault> {
        let order = match (self.changes.peek(), self.expired.peek()?) {
            (None, None) => return Ok(None),
            (Some(change), Some(expired)) => change.key.cmp(expired),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
        };
        if order.is_ge() {
            self.expired.held = false;
        }
        if order.is_gt() {
            return Ok(Some(LayerEntry { key: &self.expired.key, text: None, expiry: None }));
        }
        Ok(self.changes.next().map(|change| change.live(self.now)))
    }

    /// Whether there is less than one for every `lines_each` of `lines`.
    pub(super) fn are_few(mut self, lines: u64, lines_each: u64) -> Result<bool, FoldFault> {
        let mut most = lines;
        while let Some(left) = most.checked_sub(lines_each).filter(|left| *left > 0) {
            if self.next()?.is_none() {
                return Ok(true);
            }
            most = left;
        }
        Ok(false)
    }
}

impl Expired<'_> {
    fn peek(&mut self) -> Result<Option<&str>, FoldFault> {
        while !self.held {
            let Some(lines) = &mut self.lines else { return Ok(None) };
            let at = lines.at();
            let Some(content) = lines.next()? else {
                self.lines = None;
                return Ok(None);
            };
            let expiry = content.split_at_checked(content.len().saturating_sub(self.now.len()));
            let Some((key @ [.., b':', b' '], expiry @ [b'"', ..])) = expiry else {
                return Err(FoldFault::line(at, Fault::shape(0, "its expiry is not in the canonical form")));
            };
            if expiry <= self.now.as_bytes() {
                let (key, _) = snapshot_line::split(key).map_err(|fault| FoldFault::line(at, fault))?;
                self.key.clear();
                self.key.push_str(&key);
                self.held = true;
            }
        }
        Ok(Some(&self.key))
    }
}
