//! What changes write, and the previous entries.

use xxhash_rust::xxh3::xxh3_128_with_seed;

use crate::database::Changed;
use crate::database::Difference;
use crate::error::{Error, RemoteFault, Result};
use crate::expiry::Timestamp;
use crate::storage::Entry;
use crate::store::{Changes, IsWanted, MayGoOn};
use crate::value::Value;

/// How many bytes of keys and values are remembered at most, for steps and for an open transaction. They are counted as
/// a user would: without escapes and memory overhead.
pub(crate) const MOST: usize = 64 << 20;

/// A key that a change wrote.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) key: String,
    /// The open transaction's change of it.
    pub(super) changed: Changed,
    pub(super) before: Option<Entry>,
    pub(super) left: Left,
}

/// The writes of a change, as far as they are to be remembered.
#[derive(Debug, Default)]
pub(super) struct Writes {
    pub(super) list: Vec<Write>,
    pub(super) bytes: usize,
    pub(super) is_too_large: bool,
}

/// What a write left in a key: a hash and the expiry, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Left(pub(super) Option<(u128, Option<Timestamp>)>);

/// The entries that a restore replaces.
#[derive(Debug)]
pub(crate) struct RestoreStep(pub(super) Writes);

impl RestoreStep {
    /// A restore that cannot be undone.
    pub(crate) fn too_large() -> Self {
        Self(Writes::too_many())
    }

    /// The step with these differences.
    pub(crate) fn of<E>(differences: impl Iterator<Item = Result<Difference, E>>) -> Result<Self, E> {
        let mut writes = Writes::default();
        for difference in differences {
            let Difference { key, old, new } = difference?;
            writes.push(Write::new(&key, Changed::Not, old, new.as_ref()));
            if !writes.needs_more() {
                break;
            }
        }
        Ok(Self(writes))
    }

    /// Whether it can be undone.
    pub(crate) fn can_be_undone(&self) -> bool {
        self.0.needs_more()
    }
}

impl Write {
    pub(super) fn new(key: &str, changed: Changed, before: Option<Entry>, after: Option<&Entry>) -> Self {
        Self { key: key.to_owned(), changed, before, left: Left::of(after) }
    }

    pub(super) fn bytes(&self) -> usize {
        size(&self.key, self.before.as_ref())
    }
}

impl Writes {
    /// More than can be remembered.
    pub(super) fn too_many() -> Self {
        Self { is_too_large: true, ..Self::default() }
    }

    /// Whether previous entries are still needed.
    pub(super) fn needs_more(&self) -> bool {
        !self.is_too_large
    }

    pub(super) fn push(&mut self, write: Write) {
        self.bytes += write.bytes();
        self.list.push(write);
        if self.bytes > MOST {
            *self = Self::too_many();
        }
    }
}

impl Left {
    pub(super) fn of(entry: Option<&Entry>) -> Self {
        Self(entry.map(|Entry { value, expiry }| {
            let kind = match value {
                Value::Text(_) => 0,
                Value::Json(_) => 1,
                Value::Bytes(_) => 2,
            };
            (xxh3_128_with_seed(value.as_bytes(), kind), *expiry)
        }))
    }

    /// Whether a key with the entry `live` holds what the write left, which may have expired.
    pub(super) fn is(self, live: Option<&Entry>, now: Timestamp) -> bool {
        let is_over = |(_, expiry): (u128, Option<Timestamp>)| expiry.is_some_and(|expiry| expiry <= now);
        self == Self::of(live) || (live.is_none() && self.0.is_some_and(is_over))
    }
}

/// The size of a key in a step.
pub(super) fn size(key: &str, before: Option<&Entry>) -> usize {
    key.len() + before.map_or(0, |entry| entry.value.as_bytes().len())
}

/// Records what a change writes.
pub(super) struct Noting<'c, 'w> {
    pub(super) changes: &'c mut dyn Changes,
    pub(super) writes: &'w mut Writes,
}

impl Noting<'_, '_> {
    fn note(&mut self, key: &str, before: Option<Entry>, after: Option<&Entry>) -> Result<()> {
        let changed = self.changes.changed(key)?;
        self.writes.push(Write::new(key, changed, before, after));
        Ok(())
    }
}

impl Changes for Noting<'_, '_> {
    fn now(&self) -> Timestamp {
        self.changes.now()
    }

    fn entry(&self, key: &str) -> Result<Option<Entry>> {
        self.changes.entry(key)
    }

    fn changed(&mut self, key: &str) -> Result<Changed> {
        self.changes.changed(key)
    }

    fn set(&mut self, key: &str, entry: &Entry) -> Result<()> {
        if self.writes.needs_more() {
            let before = self.changes.entry(key)?;
            self.note(key, before, Some(entry))?;
        }
        self.changes.set(key, entry)
    }

    fn delete(&mut self, key: &str) -> Result<bool> {
        if self.writes.needs_more() {
            match self.changes.entry(key) {
                Ok(None) => return Ok(false),
                Ok(before) => self.note(key, before, None)?,
                // What another program made is not known here, so it cannot be put back.
                Err(Error::Remote { fault: RemoteFault::OtherType, .. }) => *self.writes = Writes::too_many(),
                Err(error) => return Err(error),
            }
        }
        self.changes.delete(key)
    }

    fn keys(&self, prefix: &str, is_wanted: &IsWanted<'_>, may_go_on: MayGoOn) -> Result<Vec<String>> {
        self.changes.keys(prefix, is_wanted, may_go_on)
    }
}
