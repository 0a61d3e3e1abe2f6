//! Reads: pending changes on top of the journal's changes on top of the snapshot.

use std::ops::Bound;

use super::layers::{Layer, Layers};
use super::merged::Merged;
use super::snapshot::cursor::End;
use super::snapshot::{RawEntry, Sums};
use super::view::Base;
use crate::error::{Error, Result};
use crate::expiry::Timestamp;
use crate::json::Fault;
use crate::storage::Storage;
use crate::storage::format::record::Seen;
use crate::storage::format::record::{Entry, Stored};

/// Entries in key order, from both ends, including expired ones.
#[derive(Debug)]
pub(crate) struct Entries<'a> {
    store: &'a Storage,
    pub(super) merged: Merged<'a>,
    /// How many were given out.
    given: u64,
    /// Whether the file's checksum is verified after the last of them.
    pub(super) verifies: bool,
}

/// How many entries are read between two checks that the snapshot has not changed.
const CHECK_EVERY: u64 = 1 << 12;

impl Storage {
    /// A key's entry, even if it has expired.
    pub(crate) fn get(&self, key: &str) -> Result<Option<Stored>> {
        if let Some(change) = self.pending.get(key) {
            return Ok(change);
        }
        self.view.get(key)
    }

    /// An entry with its value decoded.
    pub(crate) fn entry(&self, stored: &Stored) -> Result<Entry> {
        Entry::decode(&stored.text, stored.expiry).map_err(|fault| self.corrupt(fault))
    }

    /// Decodes an entry, reusing its memory.
    pub(crate) fn entry_of(&self, stored: Stored) -> Result<Entry> {
        Entry::of_stored(stored).map_err(|fault| self.corrupt(fault))
    }

    /// The error for a stored value that cannot be decoded; a full read of the file finds its place.
    pub(crate) fn corrupt(&self, fault: Fault) -> Error {
        self.view.corrupt(fault)
    }

    /// A lookup that does not count as a read of a transaction; reads at most `limit` bytes of a value from the
    /// snapshot.
    pub(crate) fn glance(&self, key: &str, limit: u64) -> Result<Option<Seen>> {
        if let Some(change) = self.pending.get(key) {
            return self.view.seen_of(change.as_ref(), limit);
        }
        self.view.glance(key, limit)
    }

    /// The entries between two bounds; none if the bounds are in the wrong order.
    pub(crate) fn range(&self, from: Bound<&str>, to: Bound<&str>) -> Result<Entries<'_>> {
        let committed = self.view.changes()?.map(|replay| Layer::Overlay(replay.overlay.range(from, to)));
        let mut layers = Vec::from(self.pending.range(from, to));
        layers.extend(committed);
        let below = match &self.view.base {
            Base::Document(document) => {
                layers.push(Layer::Document(document.range(from, to)));
                None
            }
            Base::Indexed(indexed) => Some(indexed.cursor(from, to).map_err(|fault| self.view.fault(fault))?),
        };
        Ok(Entries { store: self, merged: Merged::new(Layers::new(layers), below), given: 0, verifies: false })
    }

    /// The number of live entries at `now`.
    pub(crate) fn count(&self, now: Timestamp) -> Result<u64> {
        let fault = |fault| self.view.fault(fault);
        let mut count = match &self.view.base {
            Base::Document(document) => document.entries.values().filter(|stored| stored.is_live(now)).count() as u64,
            Base::Indexed(indexed) => indexed.layout().count - indexed.expired(now).map_err(fault)?,
        };
        let is_below = |key: &str| match &self.view.base {
            Base::Document(document) => Ok(document.entries.get(key).is_some_and(|stored| stored.is_live(now))),
            Base::Indexed(indexed) if indexed.contains(key).map_err(fault)? => {
                Ok(indexed.expiry(key).map_err(fault)?.is_none_or(|expiry| now < expiry))
            }
            Base::Indexed(_) => Ok::<_, Error>(false),
        };
        for change in self.changes()? {
            let is_above = change.text.is_some() && change.expiry.is_none_or(|expiry| now < expiry);
            count = count + u64::from(is_above) - u64::from(is_below(change.key)?);
        }
        self.view.check_intact()?;
        Ok(count)
    }

    /// All changes on top of the snapshot.
    fn changes(&self) -> Result<Layers<'_>> {
        let committed = self.view.changes()?.map(|replay| Layer::Overlay(replay.overlay.iter()));
        Ok(Layers::new(self.pending.layers().into_iter().chain(committed)))
    }
}

impl Entries<'_> {
    /// Verifies the file's checksum after the last entry, if these are all entries and it has not been verified before.
    pub(crate) fn verified(mut self) -> Self {
        let sums = &self.store.view.sums;
        self.verifies = sums.get() != Sums::Agree && self.merged.sum_up(sums);
        self
    }

    /// For a caller that may stop early: skips the checksum.
    pub(crate) fn leave_unverified(&mut self) {
        self.verifies = false;
    }

    /// The next entry.
    pub(crate) fn next(&mut self) -> Result<Option<RawEntry<'_>>> {
        self.take(End::Front)
    }

    /// Takes the next entry from an end. Fails if an editor has changed the snapshot in place, which is checked from
    /// time to time and at the end.
    pub(crate) fn take(&mut self, end: End) -> Result<Option<RawEntry<'_>>> {
        let Self { store, merged, given, verifies } = self;
        let entry = merged.take(end).map_err(|fault| store.view.fault(fault))?;
        *given += 1;
        if entry.is_none() || given.is_multiple_of(CHECK_EVERY) {
            store.view.check_intact()?;
        }
        if entry.is_none() && *verifies {
            store.view.check_sums()?;
            store.check_acknowledged()?;
        }
        Ok(entry)
    }

    /// Frees the memory that a long line took.
    pub(crate) fn release(&mut self) {
        self.merged.release();
    }

    /// The error for a value that cannot be decoded.
    pub(crate) fn corrupt(&self, fault: Fault) -> Error {
        self.store.corrupt(fault)
    }
}
