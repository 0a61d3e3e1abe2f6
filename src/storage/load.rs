//! Changes of any size: sets that nobody reads before all of them are there, and that memory need not hold.

use super::Store;
use super::overlay::{Bulk, Overlay, Sorted};
use super::record::value_len;
use super::snapshot::Indexed;
use crate::error::{Error, Result};
use crate::expiry::Timestamp;

/// A snapshot that never gets a name: what a change of any size has made so far of the one that is there.
#[derive(Debug)]
pub(super) struct Staged {
    pub(super) snapshot: Indexed,
    /// The last commit that it contains.
    pub(super) through: u64,
}

impl Store {
    /// How many sets were put blindly and are still in memory.
    pub(crate) fn bulk_len(&self) -> u64 {
        self.bulk.len() as u64
    }

    /// What was put blindly, to be put otherwise; none of it may be staged.
    pub(crate) fn take_bulk(&mut self) -> Sorted {
        debug_assert!(self.staged.is_none(), "a part of it is no longer in memory");
        std::mem::take(&mut self.bulk).sort()
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

    /// Takes the keys that are there already, and are not past their deadline, out of what was put blindly; returns how
    /// many there were and the first. Takes the lock, so that there will be no more of them.
    pub(crate) fn drop_existing(&mut self, now: Timestamp) -> Result<(u64, Option<String>)> {
        self.lock()?;
        let sorted = std::mem::take(&mut self.bulk).sort();
        let (mut count, mut first) = (0, None);
        self.bulk = sorted.filter::<Error>(|key| {
            let is_there = self.get(key)?.is_some_and(|stored| stored.is_live(now));
            if is_there {
                count += 1;
                first.get_or_insert_with(|| key.to_owned());
            }
            Ok(!is_there)
        })?;
        Ok((count, first))
    }

    /// Moves what was put so far out of memory, as part of a change that is larger than that. From then on the lock is
    /// held until it is committed.
    pub(crate) fn stage(&mut self, now: Timestamp) -> Result<()> {
        let Some(path) = self.path.clone() else { return Ok(()) };
        self.lock()?;
        let disk = self.disk.clone();
        let newest = std::mem::take(&mut self.bulk).sort();
        let (temp, layout, through) = self.merge(&*disk, &path, &newest, now)?;
        let left = temp.path.clone();
        let file = temp.keep();
        // Open, it is there for us alone; whatever kept its name is swept away by the next save.
        let _ = disk.remove(&left);
        self.pending = Overlay::default();
        self.staged = Some(Staged { snapshot: Indexed::new(file, layout), through });
        Ok(())
    }
}
