//! Changes of any size: sets that nobody reads before all of them are there, and that memory need not hold.

use super::temporary::Temp;
use crate::error::Result;
use crate::expiry::Timestamp;
use crate::storage::Store;
use crate::storage::format::record::{self, LARGE, value_len};
use crate::storage::read::overlay::{Bulk, Overlay, Sorted, Winner};
use crate::storage::read::snapshot::Indexed;
use crate::value::Value;

/// A snapshot that never gets a name: what a change of any size has made so far of the one that is there.
#[derive(Debug)]
pub(crate) struct Staged {
    pub(crate) snapshot: Indexed,
    /// The last commit that it contains.
    pub(crate) through: u64,
}

impl Store {
    /// Puts a set where only a load looks, which need not be one that will be written.
    pub(crate) fn gather(&mut self, key: &str, value: &Value, deadline: Option<Timestamp>) {
        if value.as_bytes().len() >= LARGE {
            self.bulk.push_with(key, record::length(value), deadline, &mut |out| record::write_value(out, value));
            return;
        }
        let mut text = String::with_capacity(value.as_bytes().len() + 2);
        record::write_value(&mut text, value);
        self.bulk.push(key, &text, deadline);
    }

    /// What was put blindly and is still in memory, to be put back or put otherwise.
    pub(crate) fn take_bulk(&mut self, winner: Winner, repeated: impl FnMut(&str)) -> Sorted {
        std::mem::take(&mut self.bulk).sort_to(winner, repeated)
    }

    /// Puts back what was taken.
    pub(crate) fn put_bulk(&mut self, sorted: Sorted) {
        self.bulk = sorted.into_bulk();
    }

    /// Forgets what was put blindly.
    pub(crate) fn forget_bulk(&mut self) {
        self.bulk = Bulk::default();
    }

    /// Whether memory should hold no more changes.
    pub(crate) fn is_full(&self) -> bool {
        self.pending_bytes() >= self.settings.policy.memory
    }

    /// Whether all that was put blindly is in memory, and its keys and values are no longer than this.
    pub(crate) fn is_bulk_up_to(&self, bytes: usize) -> bool {
        self.staged.is_none() && (self.bulk.bytes() <= bytes || self.bulk.content_len(value_len) <= bytes)
    }

    /// Whether a key exists that has not expired.
    pub(crate) fn has(&self, key: &str, now: Timestamp) -> Result<bool> {
        Ok(self.get(key)?.is_some_and(|stored| stored.is_live(now)))
    }

    /// Whether what was moved out of memory has a key.
    pub(crate) fn has_staged(&self, key: &str) -> Result<bool> {
        let contains = |staged: &Staged| staged.snapshot.contains(key).map_err(|fault| self.view.fault(fault));
        self.staged.as_ref().map_or(Ok(false), contains)
    }

    /// Moves what was put so far out of memory, as part of a change that is larger than that. From then on the lock is
    /// held until it is committed.
    pub(crate) fn stage(&mut self, now: Timestamp) -> Result<()> {
        let Some(path) = self.path.clone() else { return Ok(()) };
        self.lock()?;
        let disk = self.disk.clone();
        let newest = std::mem::take(&mut self.bulk).sort();
        let (temp, layout, through) = self.merge(Temp::create(&*disk, &path)?, &path, &newest, now)?;
        let left = temp.path.clone();
        let file = temp.keep();
        // Open, it is there for us alone; whatever kept its name is swept away by the next save.
        let _ = disk.remove(&left);
        self.pending = Overlay::default();
        self.staged = Some(Staged { snapshot: Indexed::new(file, layout), through });
        Ok(())
    }
}
