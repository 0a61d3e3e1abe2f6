//! What a filter may do for one entry, so that none hangs or eats the memory.

use std::cell::Cell;

use super::problem::Stop;

/// Steps: some hundred milliseconds.
const WORK: usize = 20_000_000;

/// Bytes of what is made, kept or not.
const MEMORY: usize = 64 << 20;

/// How many outputs an entry may have.
pub(super) const MAX_OUTPUTS: usize = 10_000;

/// What is left for an entry.
#[derive(Debug)]
pub(super) struct Budget {
    work: Cell<usize>,
    memory: Cell<usize>,
}

impl Budget {
    /// For an entry whose value has so many bytes.
    pub(super) fn new(length: usize) -> Self {
        Self { work: Cell::new(WORK + length), memory: Cell::new(MEMORY) }
    }

    /// Steps are about to be taken.
    pub(super) fn work(&self, steps: usize) -> Result<(), Stop> {
        spend(&self.work, steps, "the filter takes too many steps on this value; pipe it into jq")
    }

    /// Bytes are about to be made.
    pub(super) fn memory(&self, bytes: usize) -> Result<(), Stop> {
        spend(&self.memory, bytes, "the filter makes more than 64 MiB of this value; pipe it into jq")
    }
}

fn spend(left: &Cell<usize>, wanted: usize, bound: &'static str) -> Result<(), Stop> {
    left.set(left.get().checked_sub(wanted).ok_or(Stop::Bound(bound))?);
    Ok(())
}
