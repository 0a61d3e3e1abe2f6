//! Changes that do not fit in memory are spilled into a snapshot without a name.

use super::temporary::Temp;
use crate::error::Result;
use crate::expiry::Timestamp;
use crate::storage::Storage;
use crate::storage::read::pending::Spilled;
use crate::storage::read::snapshot::Indexed;

impl Storage {
    /// Whether the changes in memory plus this many bytes exceed the memory limit.
    pub(crate) fn is_full(&self, more: usize) -> bool {
        self.pending_bytes() + more as u64 >= self.settings.policy.memory
    }

    /// Whether some of the changes have been spilled.
    pub(crate) fn has_spilled(&self) -> bool {
        self.pending.spilled().is_some()
    }

    /// Whether the spilled changes contain a key.
    pub(crate) fn has_spilled_key(&self, key: &str) -> Result<bool> {
        let contains = |spilled: &Spilled| spilled.snapshot.contains(key).map_err(|fault| self.view.fault(fault));
        self.pending.spilled().map_or(Ok(false), contains)
    }

    /// Moves the changes so far out of memory, as part of a larger batch. From then on, the lock is held until the
    /// commit.
    pub(crate) fn spill(&mut self, now: Timestamp) -> Result<()> {
        let Some(path) = self.path.clone() else { return Ok(()) };
        self.hold()?;
        let disk = self.disk.clone();
        let temp = Temp::create(&*disk, &path)?;
        let (layout, through) = self.merge(temp.file(), &path, now)?;
        let left = temp.path.clone();
        let file = temp.keep();
        // It stays open, and is only ours; if its name cannot be removed, the next save removes it.
        let _ = disk.remove(&left);
        self.pending.spill(Spilled { snapshot: Indexed::new(file, layout), through });
        Ok(())
    }
}
