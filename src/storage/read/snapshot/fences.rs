//! What searches have learned of a section: the first key of each of its blocks, as far as one was looked at.

use std::cmp::Ordering;

use super::window::size;

/// A section is seen as blocks of 4 KiB; of larger ones above 4 GiB, so that their number stays within a million, and
/// at most of 64 KiB.
const BLOCK: u32 = 12;
const LARGEST: u32 = 16;
const MOST: u64 = 1 << 20;

/// The fences of a section. A fence is the first line that begins in a block.
#[derive(Debug)]
pub(super) struct Fences {
    /// Where the section begins.
    start: u64,
    /// The size of a block is 2 to this.
    shift: u32,
    blocks: usize,
    /// For each block [`UNKNOWN`], [`NONE`] or where its fence is in the arena; nothing at all before the first is known.
    table: Vec<u32>,
    /// The fences: where the line begins in its block (2 bytes), how much of the key is kept (1 byte), and that.
    arena: Vec<u8>,
}

const UNKNOWN: u32 = 0;
/// No line begins in the block.
const NONE: u32 = 1;

/// So much of a key is kept. A key that is kept in part has [`CUT`] set in its length.
const LONGEST: usize = 127;
const CUT: u8 = 0x80;

/// What is known of a block.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Known {
    Nothing,
    /// No line begins in it.
    Empty,
    /// Where its first line begins, and how that line's key compares with the one asked for; `None` if too little of it
    /// is kept.
    First(u64, Option<Ordering>),
}

impl Fences {
    pub(super) fn new((start, end): (u64, u64)) -> Self {
        let length = end.saturating_sub(start);
        let shift = (BLOCK..LARGEST).find(|shift| length >> shift < MOST).unwrap_or(LARGEST);
        let blocks = size(length.div_ceil(1 << shift));
        Self { start, shift, blocks, table: Vec::new(), arena: Vec::new() }
    }

    /// How many blocks the section has.
    pub(super) fn blocks(&self) -> usize {
        self.blocks
    }

    /// The block of an offset of the section.
    pub(super) fn block(&self, at: u64) -> usize {
        size((at - self.start) >> self.shift)
    }

    /// Where a block begins.
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

    /// Learns that `key` is that of the first line from the block `from` on, and that this line begins at `line`.
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

    /// Learns that no line begins in the blocks `from..to`.
    pub(super) fn learn_empty(&mut self, from: usize, to: usize) {
        if self.table.is_empty() {
            self.table = vec![UNKNOWN; self.blocks];
        }
        if let Some(places) = self.table.get_mut(from..to) {
            places.fill(NONE);
        }
    }
}
