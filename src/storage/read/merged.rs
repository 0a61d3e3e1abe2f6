//! Merges the layers in memory with the snapshot in its file, as a reader sees them.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::mem;

use super::layers::{LayerEntry, Layers};
use super::snapshot::cursor::{Cursor, End, RawEntry};
use super::snapshot::{LineSum, ReadFault, SumsCell};
use crate::expiry::Timestamp;

/// The entries in key order, from both ends, including expired ones. Copies nothing except the line of the snapshot
/// that is next at each end.
#[derive(Debug)]
pub(crate) struct Merged<'a> {
    above: Layers<'a>,
    /// `None` if the snapshot is in memory; it is then the last layer.
    below: Option<Cursor<'a>>,
    front: Ahead<'a>,
    back: Ahead<'a>,
}

/// The item that was peeked at on one end.
#[derive(Debug, Default)]
struct Ahead<'a> {
    change: Option<LayerEntry<'a>>,
    line: Held,
}

/// A copy of a line, because its source moves on before it is used.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Whether it holds a line.
    pub(crate) full: bool,
    pub(crate) key: String,
    pub(crate) text: String,
    pub(crate) expiry: Option<Timestamp>,
}

/// The next item at an end.
#[derive(Debug)]
enum Next<'a> {
    Nothing,
    /// A change that hides the entry below and yields none.
    Deleted,
    Change(RawEntry<'a>),
    /// The held line.
    Held,
    /// The next entry of the snapshot: there are no changes left.
    Below,
}

impl<'a> Merged<'a> {
    /// The layers and the cursor must have the same bounds.
    pub(crate) fn new(above: Layers<'a>, below: Option<Cursor<'a>>) -> Self {
        Self { above, below, front: Ahead::default(), back: Ahead::default() }
    }

    /// Sums up the snapshot's lines, and notes at their end whether that agrees with its layout; false if not all of them
    /// come.
    pub(crate) fn sum_up(&mut self, sums: &'a SumsCell) -> bool {
        self.below.as_mut().is_some_and(|below| below.sum_up(sums))
    }

    /// The same for a part of the snapshot; the caller has the sums of the other parts.
    pub(crate) fn sum_up_part(&mut self) {
        if let Some(below) = &mut self.below {
            below.sum_up_part();
        }
    }

    /// What the lines of a part come to.
    pub(crate) fn take_sum(&mut self) -> Option<LineSum> {
        self.below.as_mut().and_then(Cursor::take_sum)
    }

    /// Gives back the memory that a long line has taken which was given out.
    pub(crate) fn release(&mut self) {
        for held in [&mut self.front.line, &mut self.back.line] {
            if !held.full {
                held.text = String::new();
            }
        }
        if let Some(below) = &mut self.below {
            below.release();
        }
    }

    /// Takes the next entry from an end.
    pub(crate) fn take(&mut self, end: End) -> Result<Option<RawEntry<'_>>, ReadFault> {
        match (self.peek(end)?, end) {
            (Next::Nothing | Next::Deleted, _) => Ok(None),
            (Next::Change(line), _) => Ok(Some(line)),
            (Next::Held, End::Front) => Ok(Some(self.front.line.line())),
            (Next::Held, End::Back) => Ok(Some(self.back.line.line())),
            (Next::Below, _) => self.below.as_mut().map_or(Ok(None), |below| below.take(end)),
        }
    }

    /// Finds the next entry after deletions.
    fn peek(&mut self, end: End) -> Result<Next<'a>, ReadFault> {
        let (near, far) = match end {
            End::Front => (&mut self.front, &mut self.back),
            End::Back => (&mut self.back, &mut self.front),
        };
        loop {
            // When the ends meet, the item that the other end peeked at is next.
            if near.change.is_none() {
                let next = match end {
                    End::Front => self.above.next(),
                    End::Back => self.above.next_back(),
                };
                near.change = next.or_else(|| far.change.take());
            }
            if !near.line.full {
                if let Some(below) = &mut self.below {
                    if near.change.is_none() && !far.line.full {
                        return Ok(Next::Below);
                    }
                    near.line.hold(below.take(end)?);
                }
                if !near.line.full {
                    mem::swap(&mut near.line, &mut far.line);
                }
            }
            match near.take(end) {
                Next::Deleted => {}
                next => return Ok(next),
            }
        }
    }
}

impl<'a> Ahead<'a> {
    /// Takes the next item at this end.
    fn take(&mut self, end: End) -> Next<'a> {
        let order = match &self.change {
            Some(change) if self.line.full => match end {
                End::Front => change.key.cmp(&self.line.key),
                End::Back => (*self.line.key).cmp(change.key),
            },
            Some(_) => Ordering::Less,
            None if self.line.full => Ordering::Greater,
            None => return Next::Nothing,
        };
        if order.is_ge() {
            self.line.full = false;
        }
        if order.is_gt() {
            return Next::Held;
        }
        match self.change.take() {
            Some(LayerEntry { key, text: Some(text), expiry }) => {
                Next::Change(RawEntry { key: Cow::Borrowed(key), text, expiry })
            }
            _ => Next::Deleted,
        }
    }
}

impl Held {
    pub(crate) fn hold(&mut self, line: Option<RawEntry<'_>>) {
        self.full = line.is_some();
        if let Some(line) = line {
            self.key.clear();
            self.key.push_str(&line.key);
            self.text.clear();
            self.text.push_str(line.text);
            self.expiry = line.expiry;
        }
    }

    fn line(&self) -> RawEntry<'_> {
        RawEntry { key: Cow::Borrowed(&self.key), text: &self.text, expiry: self.expiry }
    }
}
