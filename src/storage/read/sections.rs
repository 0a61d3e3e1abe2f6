//! The parts of a range, which several threads read at once.

use std::io::ErrorKind;
use std::ops::Bound;

use super::merged::Merged;
use super::snapshot::cursor::End;
use super::snapshot::{LineSum, RawEntry, ReadFault, Sums};
use super::view::Base;
use crate::error::{Error, Result};
use crate::storage::{Storage, check_memory};

/// A part of a range. It borrows nothing that only one thread may use.
#[derive(Debug)]
pub(crate) struct RangeSection<'a> {
    merged: Merged<'a>,
}

/// Why a section was not read to its end.
#[derive(Debug)]
pub(crate) enum SectionFault {
    /// The snapshot could not be read.
    Read(ReadFault),
    /// What its entries were for has failed.
    Other(Error),
}

impl RangeSection<'_> {
    /// Gives every entry, those past their expiry included, and says what its lines come to.
    pub(crate) fn read(
        mut self,
        each: &mut dyn FnMut(RawEntry<'_>) -> Result<()>,
    ) -> Result<Option<LineSum>, SectionFault> {
        /// A line of this length is not kept in memory for the short ones.
        const LONG: usize = crate::storage::LARGE;
        while let Some(entry) = self.merged.take(End::Front).map_err(SectionFault::Read)? {
            let is_long = entry.text.len() >= LONG;
            check_memory(entry.text.len()).and_then(|()| each(entry)).map_err(SectionFault::Other)?;
            if is_long {
                self.merged.release();
            }
        }
        Ok(self.merged.take_sum())
    }
}

impl Storage {
    /// Up to this many parts of a range, in key order and of similar length. Short ranges and data in memory are one part.
    pub(crate) fn sections(&self, from: Bound<&str>, to: Bound<&str>, most: usize) -> Result<Vec<RangeSection<'_>>> {
        let splits = match &self.view.base {
            Base::Indexed(indexed) => indexed.splits(from, to, most).map_err(|fault| self.view.fault(fault))?,
            Base::Document(_) => Vec::new(),
        };
        let sums_up = self.sums_up(from, to);
        let starts = std::iter::once(from).chain(splits.iter().map(|key| Bound::Included(&**key)));
        let ends = splits.iter().map(|key| Bound::Excluded(&**key)).chain(std::iter::once(to));
        let section = |(from, to)| {
            let mut merged = self.range(from, to)?.merged;
            if sums_up {
                merged.sum_up_part();
            }
            Ok(RangeSection { merged })
        };
        starts.zip(ends).map(section).collect()
    }

    /// Whether the checksum is verified after all sections of a range.
    fn sums_up(&self, from: Bound<&str>, to: Bound<&str>) -> bool {
        (from, to) == (Bound::Unbounded, Bound::Unbounded) && self.view.sums.get() != Sums::Agree
    }

    /// All sections of a range were read: fails if one of them could not be, if an editor has written into the snapshot
    /// meanwhile, or if they were all and their checksum is not that of the snapshot.
    pub(crate) fn end_sections(
        &self,
        from: Bound<&str>,
        to: Bound<&str>,
        ended: Vec<Result<Option<LineSum>, SectionFault>>,
    ) -> Result<()> {
        let mut sum = LineSum::default();
        for section in ended {
            match section {
                Ok(part) => sum = sum.and(part.unwrap_or_default()),
                Err(SectionFault::Read(fault)) => return Err(self.view.fault(fault)),
                Err(SectionFault::Other(error)) => return Err(error),
            }
        }
        self.view.check_intact()?;
        if self.sums_up(from, to) {
            self.view.note_sum(sum)?;
            self.view.check_sums()?;
            self.check_acknowledged()?;
        }
        Ok(())
    }
}

impl SectionFault {
    /// The result of a section that was not read, because an earlier one failed.
    pub(crate) fn unread() -> Self {
        Self::Read(ReadFault::Io(ErrorKind::Interrupted.into()))
    }
}
