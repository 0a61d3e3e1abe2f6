//! Entries of a snapshot in key order, from both ends.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::check::{LineSum, SumsCell};
use super::lines::Lines;
use super::window::ReadFault;
use crate::expiry::Timestamp;
use crate::storage::files::disk::DiskFile;
use crate::storage::format::layout::{Layout, Section};
use crate::storage::format::snapshot_line;

/// The entries between two bounds.
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    map: Ends<'a>,
    expires: Expiries<'a>,
    file: &'a dyn DiskFile,
    layout: Layout,
    /// Whether these are all lines of the snapshot.
    is_whole: bool,
    /// The sum of the lines read; `None` if it is not wanted, or was already recorded.
    sum: Option<LineSum>,
    /// Where the result of the comparison is recorded at the end; `None` if there are other lines.
    noted: Option<&'a SumsCell>,
}

/// The end to take from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Front,
    Back,
}

/// An entry as it is encoded in the snapshot.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RawEntry<'c> {
    pub(crate) key: Cow<'c, str>,
    /// The encoded value; only checked to be UTF-8.
    pub(crate) text: &'c str,
    pub(crate) expiry: Option<Timestamp>,
}

impl<'a> Cursor<'a> {
    /// The entries in the lines `map` and the expiries in the lines `lines`, both for the same range of keys.
    pub(super) fn new(file: &'a dyn DiskFile, layout: &Layout, map: (u64, u64), lines: (u64, u64)) -> Self {
        let ends = Ends::new(file, lines, layout.expires.1);
        let expires = Expiries { lines: ends, front: Waiting::default(), back: Waiting::default() };
        let is_whole = (map, lines) == (layout.map, layout.expires);
        Self {
            map: Ends::new(file, map, layout.map.1),
            expires,
            file,
            layout: *layout,
            is_whole,
            sum: None,
            noted: None,
        }
    }

    /// Sums up the lines from the first one on; false if they are not all lines of the snapshot.
    pub(crate) fn sum_up(&mut self, sums: &'a SumsCell) -> bool {
        if self.is_whole {
            (self.sum, self.noted) = (Some(LineSum::default()), Some(sums));
        }
        self.is_whole
    }

    /// Sums up the lines, for a caller that adds the sums of other parts.
    pub(crate) fn sum_up_part(&mut self) {
        self.sum = Some(LineSum::default());
    }

    /// What the lines of a part come to.
    pub(crate) fn take_sum(&mut self) -> Option<LineSum> {
        self.sum.take()
    }

    /// The entry next to an end that is left.
    pub(crate) fn take(&mut self, end: End) -> Result<Option<RawEntry<'_>>, ReadFault> {
        let at = self.map.at(end);
        let Some(content) = self.map.take(end)? else {
            if let Some(noted) = self.noted
                && let Some(sum) = self.sum.take()
            {
                noted.set(sum.is_of(self.file, &self.layout)?.into());
            }
            return Ok(None);
        };
        if let Some(sum) = &mut self.sum {
            sum.add(Section::Map, content);
        }
        let (key, text) = snapshot_line::split(content).map_err(|fault| ReadFault::within(at, fault))?;
        let text = str::from_utf8(text).map_err(|_| ReadFault::corrupt(at, "not UTF-8"))?;
        let expiry = self.expires.of(end, &key, self.sum.as_mut())?;
        Ok(Some(RawEntry { key, text, expiry }))
    }

    /// Frees the memory that a long line took.
    pub(crate) fn release(&mut self) {
        self.map.front.release();
        self.map.back.release();
    }
}

/// Lines taken from both ends.
#[derive(Debug)]
struct Ends<'a> {
    front: Lines<'a>,
    back: Lines<'a>,
}

impl<'a> Ends<'a> {
    /// The lines of `from..to` of a section that ends at `end`.
    fn new(file: &'a dyn DiskFile, (from, to): (u64, u64), end: u64) -> Self {
        Self { front: Lines::new(file, from, to, end), back: Lines::back(file, from, to, end) }
    }

    /// Where the next line from the front starts, or the next from the back ends.
    fn at(&self, end: End) -> u64 {
        match end {
            End::Front => self.front.at(),
            End::Back => self.back.at(),
        }
    }

    fn take(&mut self, end: End) -> Result<Option<&[u8]>, ReadFault> {
        match end {
            End::Front => {
                self.front.limit_to(self.back.at());
                self.front.next()
            }
            End::Back => {
                self.back.limit_to(self.front.at());
                self.back.next_back()
            }
        }
    }
}

/// The expiries in the same range, read along with the entries.
#[derive(Debug)]
struct Expiries<'a> {
    lines: Ends<'a>,
    front: Waiting,
    back: Waiting,
}

/// An expiry that was read before its entry.
#[derive(Debug, Default)]
struct Waiting {
    key: String,
    expiry: Option<Timestamp>,
}

impl Expiries<'_> {
    /// The expiry of the next key from an end.
    fn of(&mut self, end: End, key: &str, sum: Option<&mut LineSum>) -> Result<Option<Timestamp>, ReadFault> {
        let (near, far) = match end {
            End::Front => (&mut self.front, &mut self.back),
            End::Back => (&mut self.back, &mut self.front),
        };
        if near.expiry.is_none() {
            let at = self.lines.at(end);
            match self.lines.take(end)? {
                Some(content) => near.hold(content, at, sum)?,
                // When the ends meet, all that remains is what the other end has read.
                None => return Ok(far.take(key)),
            }
        }
        let order = (*near.key).cmp(key);
        if order == if end == End::Front { Ordering::Less } else { Ordering::Greater } {
            return Err(ReadFault::corrupt(self.lines.at(end), WITHOUT_KEY));
        }
        Ok(near.take(key))
    }
}

const WITHOUT_KEY: &str = "an expiry near here has a key that is not in the map";

impl Waiting {
    fn hold(&mut self, content: &[u8], at: u64, sum: Option<&mut LineSum>) -> Result<(), ReadFault> {
        if let Some(sum) = sum {
            sum.add(Section::Expires, content);
        }
        let (key, expiry) = read_expiry(content, at)?;
        self.key.clear();
        self.key.push_str(&key);
        self.expiry = Some(expiry);
        Ok(())
    }

    /// The expiry held, if it belongs to this key.
    fn take(&mut self, key: &str) -> Option<Timestamp> {
        self.expiry.take_if(|_| self.key == key)
    }
}

/// The key and the expiry in a line of the second section at offset `at`.
pub(super) fn read_expiry(content: &[u8], at: u64) -> Result<(Cow<'_, str>, Timestamp), ReadFault> {
    let (key, text) = snapshot_line::split(content).map_err(|fault| ReadFault::within(at, fault))?;
    let expiry = snapshot_line::expiry(text).ok_or_else(|| ReadFault::corrupt(at, snapshot_line::NO_EXPIRY))?;
    Ok((key, expiry))
}
