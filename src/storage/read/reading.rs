//! What reads see: pending changes over the journal's over the snapshot.

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

/// Entries in key order, from both ends, those past their expiry included.
#[derive(Debug)]
pub(crate) struct Entries<'a> {
    store: &'a Storage,
    merged: Merged<'a>,
    /// How many were given out.
    given: u64,
    /// Whether the file's checksum is looked at behind the last of them.
    verifies: bool,
}

/// After so many entries it is looked whether the snapshot is still what it was.
const LOOKED_AT: u64 = 1 << 12;

impl Storage {
    /// A key's entry, expiry passed or not.
    pub(crate) fn get(&self, key: &str) -> Result<Option<Stored>> {
        if let Some(change) = self.pending.get(key) {
            return Ok(change);
        }
        self.view.get(key)
    }

    /// An entry with its value decoded.
    pub(crate) fn entry(&self, stored: &Stored) -> Result<Entry> {
        Entry::decode(&stored.text, stored.expiry).map_err(|fault| self.damaged(fault))
    }

    /// The same, in the memory that it was stored in.
    pub(crate) fn entry_of(&self, stored: Stored) -> Result<Entry> {
        Entry::of_stored(stored).map_err(|fault| self.damaged(fault))
    }

    /// The error of a stored value that cannot be read; a full read of the file tells where it is.
    pub(crate) fn damaged(&self, fault: Fault) -> Error {
        self.view.damaged(fault)
    }

    /// What an entry is, for a look that is no read of a transaction: at most `limit` bytes of a value are read from the
    /// snapshot.
    pub(crate) fn glance(&self, key: &str, limit: u64) -> Result<Option<Seen>> {
        if let Some(change) = self.pending.get(key) {
            return self.view.seen_of(change.as_ref(), limit);
        }
        self.view.glance(key, limit)
    }

    /// The entries between two bounds; none if they run backwards.
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

    /// How many entries there are at `now`.
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

    /// All changes above the snapshot.
    fn changes(&self) -> Result<Layers<'_>> {
        let committed = self.view.changes()?.map(|replay| Layer::Overlay(replay.overlay.iter()));
        Ok(Layers::new(self.pending.layers().into_iter().chain(committed)))
    }
}

impl Entries<'_> {
    /// At their end the file's checksum is looked at, if they are all and it was not looked at before.
    pub(crate) fn verified(mut self) -> Self {
        let sums = &self.store.view.sums;
        self.verifies = sums.get() != Sums::Agree && self.merged.sum_up(sums);
        self
    }

    /// Whoever stops before their end, or may, wants no checksum.
    pub(crate) fn leave_unverified(&mut self) {
        self.verifies = false;
    }

    /// The first entry that was not given out yet.
    pub(crate) fn next(&mut self) -> Result<Option<RawEntry<'_>>> {
        self.take(End::Front)
    }

    /// The entry next to an end that was not given out yet, unless an editor has written into the snapshot meanwhile; that
    /// is looked at now and then, and at the end.
    pub(crate) fn take(&mut self, end: End) -> Result<Option<RawEntry<'_>>> {
        let Self { store, merged, given, verifies } = self;
        let entry = merged.take(end).map_err(|fault| store.view.fault(fault))?;
        *given += 1;
        if entry.is_none() || given.is_multiple_of(LOOKED_AT) {
            store.view.check_intact()?;
        }
        if entry.is_none() && *verifies {
            store.view.check_sums()?;
            store.check_acknowledged()?;
        }
        Ok(entry)
    }

    /// Gives back the memory that a long line has taken.
    pub(crate) fn release(&mut self) {
        self.merged.release();
    }

    /// The error of one of their values that cannot be read.
    pub(crate) fn damaged(&self, fault: Fault) -> Error {
        self.store.damaged(fault)
    }
}
