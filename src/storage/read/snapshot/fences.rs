//! A cache of what searches have learned about a section: the first key of each block that was read.

use std::cmp::Ordering;

use super::window::size;

/// The smallest block is 4 KiB; above 4 GiB, blocks are larger, up to 64 KiB, to keep their number within a million.
const BLOCK: u32 = 12;
const LARGEST: u32 = 16;
const MOST: u64 = 1 << 20;

/// The fences of a section. A fence is the first line that starts in a block.
#[derive(Debug)]
pub(super) struct Fences {
    /// Where the section starts.
    start: u64,
    /// The block size is 2 to the power of this.
    shift: u32,
    blocks: usize,
    /// For each block [`UNKNOWN`], [`NONE`], or the fence's offset in the arena; empty until the first is known.
    table: Vec<u32>,
    /// The fences: the line's offset in its block (2 bytes), the length of the stored key (1 byte), and the key.
    arena: Vec<u8>,
}

const UNKNOWN: u32 = 0;
/// No line starts in the block.
const NONE: u32 = 1;

/// The maximum length of a stored key. The length of a truncated key has [`CUT`] set.
const LONGEST: usize = 127;
const CUT: u8 = 0x80;

/// What is known about a block.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Known {
    Nothing,
    /// No line starts in it.
    Empty,
    /// Where its first line starts, and how that line's key compares with the wanted one; `None` if too little of it is
    /// stored.
    First(u64, Option<Ordering>),
}

impl Fences {
    pub(super) fn new((start, end): (u64, u64)) -> Self {
        let length = end.saturating_sub(start);
        let shift = (BLOCK..LARGEST).find(|shift| length >> shift < MOST).unwrap_or(LARGEST);
        let blocks = size(length.div_ceil(1 << shift));
        Self { start, shift, blocks, table: Vec::new(), arena: Vec::new() }
    }

    /// The number of blocks in the section.
    pub(super) fn blocks(&self) -> usize {
        self.blocks
    }

    /// The block of an offset in the section.
    pub(super) fn block(&self, at: u64) -> usize {
        size((at - self.start) >> self.shift)
    }

    /// Where a block starts.
    pub(super) fn start(&self, block: usize) -> u64 {
        self.start + ((block as u64) << self.shift)
    }

    pub(super) fn find(&self, block: usize, key: &[u8]) -> Known {
        let at = match self.table.get(block) {
            None | Some(&UNKNOWN) => return Known::Nothing,
            Some(&NONE) => return Known::Empty,
            Some(&at) => at as usize,
        };
        let [low, high, length, fence @ ..] = &self.arena[at..] else { return Known::Nothing };
        let line = self.start(block) + u64::from(u16::from_le_bytes([*low, *high]));
        let fence = &fence[..usize::from(length & !CUT)];
        if length & CUT == 0 {
            return Known::First(line, Some(fence.cmp(key)));
        }
        let order = fence.cmp(&key[..key.len().min(fence.len())]);
        Known::First(line, Some(order).filter(|order| order.is_ne()))
    }

    /// Records that the first line from the block `from` on starts at `line` and has this key.
    pub(super) fn learn(&mut self, from: usize, line: u64, key: &[u8]) {
        let block = self.block(line);
        self.learn_empty(from, block);
        let kept = &key[..key.len().min(LONGEST)];
        let (Some(place), Ok(offset)) =
            (self.table.get_mut(block), u16::try_from(line - self.start - ((block as u64) << self.shift)))
        else {
            return;
        };
        let at = self.arena.len().max(NONE as usize + 1);
        let (UNKNOWN, Ok(entry)) = (*place, u32::try_from(at)) else { return };
        *place = entry;
        self.arena.resize(at, 0);
        self.arena.extend_from_slice(&offset.to_le_bytes());
        let length = u8::try_from(kept.len()).unwrap_or_default();
        self.arena.push(if kept.len() < key.len() { length | CUT } else { length });
        self.arena.extend_from_slice(kept);
    }

    /// Records that no line starts in the blocks `from..to`.
    pub(super) fn learn_empty(&mut self, from: usize, to: usize) {
        if self.table.is_empty() {
            self.table = vec![UNKNOWN; self.blocks];
        }
        if let Some(places) = self.table.get_mut(from..to) {
            places.fill(NONE);
        }
    }
}
