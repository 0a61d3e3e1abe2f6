//! Entries of a snapshot in key order, from both ends.

use std::borrow::Cow;
use std::cell::Cell;

use super::check::{Sum, Sums};
use super::lines::{Lines, LinesBack};
use super::window::ReadFault;
use crate::expiry::Timestamp;
use crate::storage::files::disk::DiskFile;
use crate::storage::format::layout::{Layout, Section};
use crate::storage::format::snapshot_line;

/// The entries between two bounds.
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    map: Ends<'a>,
    expires: Deadlines<'a>,
    file: &'a dyn DiskFile,
    layout: Layout,
    /// Whether these are all lines of the snapshot.
    is_whole: bool,
    /// What the lines that were read come to, and where it is noted whether that agrees; none if nobody asks, or it is
    /// noted already.
    sum: Option<(Sum, &'a Cell<Sums>)>,
}

/// An entry as it stands in the snapshot.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RawEntry<'c> {
    pub(crate) key: Cow<'c, str>,
    /// The value's form on disk; not checked but for being UTF-8.
    pub(crate) text: &'c str,
    pub(crate) deadline: Option<Timestamp>,
}

impl<'a> Cursor<'a> {
    /// The entries of the lines `map` and the deadlines of the lines `lines`, both between the same keys.
    pub(super) fn new(file: &'a dyn DiskFile, layout: &Layout, map: (u64, u64), lines: (u64, u64)) -> Self {
        let ends = Ends::new(file, lines, layout.expires.1);
        let expires = Deadlines { lines: ends, front: Waiting::default(), back: Waiting::default() };
        let is_whole = (map, lines) == (layout.map, layout.expires);
        Self { map: Ends::new(file, map, layout.map.1), expires, file, layout: *layout, is_whole, sum: None }
    }

    /// Sums up the lines from the first one on; false if they are not all lines of the snapshot.
    pub(crate) fn sum_up(&mut self, sums: &'a Cell<Sums>) -> bool {
        self.sum = self.is_whole.then(|| (Sum::default(), sums));
        self.is_whole
    }

    /// The first entry that is left.
    pub(crate) fn next(&mut self) -> Result<Option<RawEntry<'_>>, ReadFault> {
        let at = self.map.front.at();
        match self.map.next()? {
            None => note_sum(&mut self.sum, self.file, &self.layout).map(|()| None),
            Some(content) => {
                if let Some((sum, _)) = &mut self.sum {
                    sum.add(Section::Map, content);
                }
                let (key, text) = parts(content, at)?;
                let deadline = self.expires.of_first(&key, self.sum.as_mut().map(|(sum, _)| sum))?;
                Ok(Some(RawEntry { key, text, deadline }))
            }
        }
    }

    /// Gives back the memory that a long line has taken.
    pub(crate) fn release(&mut self) {
        self.map.front.release();
        self.map.back.release();
    }

    /// The last entry that is left.
    pub(crate) fn next_back(&mut self) -> Result<Option<RawEntry<'_>>, ReadFault> {
        let at = self.map.back.at();
        match self.map.next_back()? {
            None => note_sum(&mut self.sum, self.file, &self.layout).map(|()| None),
            Some(content) => {
                if let Some((sum, _)) = &mut self.sum {
                    sum.add(Section::Map, content);
                }
                let (key, text) = parts(content, at)?;
                let deadline = self.expires.of_last(&key, self.sum.as_mut().map(|(sum, _)| sum))?;
                Ok(Some(RawEntry { key, text, deadline }))
            }
        }
    }
}

/// All lines were read.
fn note_sum(sum: &mut Option<(Sum, &Cell<Sums>)>, file: &dyn DiskFile, layout: &Layout) -> Result<(), ReadFault> {
    if let Some((sum, noted)) = sum.take() {
        noted.set(sum.is_of(file, layout)?.into());
    }
    Ok(())
}

fn parts(content: &[u8], at: u64) -> Result<(Cow<'_, str>, &str), ReadFault> {
    let (key, text) = snapshot_line::split(content).map_err(|fault| ReadFault::within(at, fault))?;
    let text = str::from_utf8(text).map_err(|_| ReadFault::damaged(at, "not UTF-8"))?;
    Ok((key, text))
}

/// Lines that are taken from both ends.
#[derive(Debug)]
struct Ends<'a> {
    front: Lines<'a>,
    back: LinesBack<'a>,
}

impl<'a> Ends<'a> {
    /// The lines of `from..to` of a section that ends at `end`.
    fn new(file: &'a dyn DiskFile, (from, to): (u64, u64), end: u64) -> Self {
        Self { front: Lines::new(file, from, to, end), back: LinesBack::new(file, from, to, end) }
    }

    fn next(&mut self) -> Result<Option<&[u8]>, ReadFault> {
        self.front.end_at(self.back.at());
        self.front.next()
    }

    fn next_back(&mut self) -> Result<Option<&[u8]>, ReadFault> {
        self.back.begin_at(self.front.at());
        self.back.next()
    }
}

/// The deadlines between the same bounds, read along with the entries.
#[derive(Debug)]
struct Deadlines<'a> {
    lines: Ends<'a>,
    front: Waiting,
    back: Waiting,
}

/// A deadline that was read before the entry it belongs to.
#[derive(Debug, Default)]
struct Waiting {
    key: String,
    deadline: Option<Timestamp>,
}

impl Deadlines<'_> {
    /// The deadline of the first key that is left.
    fn of_first(&mut self, key: &str, sum: Option<&mut Sum>) -> Result<Option<Timestamp>, ReadFault> {
        if self.front.deadline.is_none() {
            let at = self.lines.front.at();
            match self.lines.next()? {
                Some(content) => self.front.hold(content, at, sum)?,
                // Where the ends meet, what the other end has read is all that is left.
                None => return Ok(self.back.take(key)),
            }
        }
        if *self.front.key < *key {
            return Err(ReadFault::damaged(self.lines.front.at(), WITHOUT_KEY));
        }
        Ok(self.front.take(key))
    }

    /// The deadline of the last key that is left.
    fn of_last(&mut self, key: &str, sum: Option<&mut Sum>) -> Result<Option<Timestamp>, ReadFault> {
        if self.back.deadline.is_none() {
            let at = self.lines.back.at();
            match self.lines.next_back()? {
                Some(content) => self.back.hold(content, at, sum)?,
                None => return Ok(self.front.take(key)),
            }
        }
        if *self.back.key > *key {
            return Err(ReadFault::damaged(self.lines.back.at(), WITHOUT_KEY));
        }
        Ok(self.back.take(key))
    }
}

const WITHOUT_KEY: &str = "an expiry near here has a key that is not in the map";

impl Waiting {
    fn hold(&mut self, content: &[u8], at: u64, sum: Option<&mut Sum>) -> Result<(), ReadFault> {
        if let Some(sum) = sum {
            sum.add(Section::Expires, content);
        }
        let (key, text) = snapshot_line::split(content).map_err(|fault| ReadFault::within(at, fault))?;
        let deadline =
            snapshot_line::deadline(text).ok_or_else(|| ReadFault::damaged(at, snapshot_line::NO_DEADLINE))?;
        self.key.clear();
        self.key.push_str(&key);
        self.deadline = Some(deadline);
        Ok(())
    }

    /// What is held, if it is of that key.
    fn take(&mut self, key: &str) -> Option<Timestamp> {
        self.deadline.take_if(|_| self.key == key)
    }
}
