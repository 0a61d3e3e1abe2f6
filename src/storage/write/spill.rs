//! Changes that are more than memory is to hold: they are spilled into a snapshot without a name.

use super::temporary::Temp;
use crate::error::Result;
use crate::expiry::Timestamp;
use crate::storage::Storage;
use crate::storage::read::pending::Spilled;
use crate::storage::read::snapshot::Indexed;

impl Storage {
    /// Whether memory should hold no more changes than these and so many bytes.
    pub(crate) fn is_full(&self, more: usize) -> bool {
        self.pending_bytes() + more as u64 >= self.settings.policy.memory
    }

    /// Whether a part of the changes is no longer in memory.
    pub(crate) fn has_spilled(&self) -> bool {
        self.pending.spilled().is_some()
    }

    /// Whether what is no longer in memory has a key.
    pub(crate) fn has_spilled_key(&self, key: &str) -> Result<bool> {
        let contains = |spilled: &Spilled| spilled.snapshot.contains(key).map_err(|fault| self.view.fault(fault));
        self.pending.spilled().map_or(Ok(false), contains)
    }

    /// Moves the changes so far out of memory, as part of a change that is larger than that. From then on the lock is held
    /// until it is committed.
    pub(crate) fn spill(&mut self, now: Timestamp) -> Result<()> {
        let Some(path) = self.path.clone() else { return Ok(()) };
        self.hold()?;
        let disk = self.disk.clone();
        let temp = Temp::create(&*disk, &path)?;
        let (layout, through) = self.merge(temp.file(), &path, now)?;
        let left = temp.path.clone();
        let file = temp.keep();
        // Open, it is there for us alone; whatever kept its name is swept away by the next save.
        let _ = disk.remove(&left);
        self.pending.spill(Spilled { snapshot: Indexed::new(file, layout), through });
        Ok(())
    }
}
