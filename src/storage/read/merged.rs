//! What a reader sees: the layers in memory over the snapshot in its file.

use std::borrow::Cow;
use std::cell::Cell;
use std::cmp::Ordering;
use std::mem;

use super::layers::{LayerEntry, Layers};
use super::snapshot::cursor::{Cursor, End, RawEntry};
use super::snapshot::{ReadFault, Sums};
use crate::expiry::Timestamp;

/// The entries in key order, from both ends; those past their expiry are among them. Nothing is copied but the line
/// of the snapshot that waits for its turn at either end.
#[derive(Debug)]
pub(crate) struct Merged<'a> {
    above: Layers<'a>,
    /// `None` if the snapshot is in memory; it is the last layer then.
    below: Option<Cursor<'a>>,
    front: Ahead<'a>,
    back: Ahead<'a>,
}

/// What was looked at on one end, but not given out.
#[derive(Debug, Default)]
struct Ahead<'a> {
    change: Option<LayerEntry<'a>>,
    line: Held,
}

/// A line, copied: what it came from goes on before it is used.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Whether there is one.
    pub(crate) full: bool,
    pub(crate) key: String,
    pub(crate) text: String,
    pub(crate) expiry: Option<Timestamp>,
}

/// What comes next at an end.
#[derive(Debug)]
enum Next<'a> {
    Nothing,
    /// A change that hides what lies below it and gives nothing itself.
    Deleted,
    Change(RawEntry<'a>),
    /// The line that is held.
    Held,
    /// Whatever the snapshot has: nothing else is left.
    Below,
}

impl<'a> Merged<'a> {
    /// The layers and the cursor are of the same bounds.
    pub(crate) fn new(above: Layers<'a>, below: Option<Cursor<'a>>) -> Self {
        Self { above, below, front: Ahead::default(), back: Ahead::default() }
    }

    /// Sums up the snapshot's lines, and notes at their end whether that agrees with its layout; false if not all of them
    /// come.
    pub(crate) fn sum_up(&mut self, sums: &'a Cell<Sums>) -> bool {
        self.below.as_mut().is_some_and(|below| below.sum_up(sums))
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

    /// The entry next to an end that was not given out yet.
    pub(crate) fn take(&mut self, end: End) -> Result<Option<RawEntry<'_>>, ReadFault> {
        match (self.peek(end)?, end) {
            (Next::Nothing | Next::Deleted, _) => Ok(None),
            (Next::Change(line), _) => Ok(Some(line)),
            (Next::Held, End::Front) => Ok(Some(self.front.line.line())),
            (Next::Held, End::Back) => Ok(Some(self.back.line.line())),
            (Next::Below, _) => self.below.as_mut().map_or(Ok(None), |below| below.take(end)),
        }
    }

    /// Looks for the next entry, past deletions.
    fn peek(&mut self, end: End) -> Result<Next<'a>, ReadFault> {
        let (near, far) = match end {
            End::Front => (&mut self.front, &mut self.back),
            End::Back => (&mut self.back, &mut self.front),
        };
        loop {
            // Where the ends meet, what the other end has looked at comes next.
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
    /// Takes what comes next at this end.
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
