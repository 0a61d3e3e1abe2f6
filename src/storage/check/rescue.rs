//! What is readable in corrupt files, and what is not.

use std::ops::Range;

use super::files::Files;
use super::{conflict, salvage};
use crate::error::{self, Error, Result};
use crate::expiry::Timestamp;
use crate::storage::format::record::Change;
use crate::storage::read::journal::{Body, Fold, Header, HeaderFault, Stamp};
use crate::storage::read::snapshot::{Document, Unreadable};

/// The time at which nothing has expired: expired entries are rescued as well.
pub(super) const ALL: Timestamp = Timestamp::from_millis(0);

/// What is readable, and the places of what is not.
#[derive(Default)]
pub(super) struct Rescued {
    pub(super) document: Document,
    pub(super) changes: u64,
    pub(super) dropped: Dropped,
    /// Whether what is missing was deleted by both sides of a merge.
    pub(super) is_conflict: bool,
}

impl Rescued {
    pub(super) fn of(files: &Files<'_>) -> Result<Self> {
        let mut rescued = Self::default();
        if let Some(opened) = &files.snapshot {
            let bytes = Files::read(files.path, opened)?;
            let newer = || Error::NewerVersion { path: files.path.to_owned() };
            rescued.document = match Document::read(&bytes) {
                Ok(document) => document,
                Err(Unreadable::Newer) => return Err(newer()),
                Err(Unreadable::Fault(_)) => {
                    let mut dropped = |place| rescued.dropped.add(false, &bytes, place);
                    rescued.is_conflict = conflict::has_conflict(&bytes);
                    salvage::salvage(&bytes, &mut dropped).ok_or_else(newer)?
                }
            };
        }
        if let Some(opened) = &files.journal {
            let bytes = Files::read(&files.journal_path, opened)?;
            let (changes, fold, n) = salvage_journal(&bytes, &mut rescued.dropped)
                .ok_or_else(|| Error::NewerVersion { path: files.journal_path.clone() })?;
            // Changes that the file already contains must not be applied to it again.
            let stamp = files.snapshot.as_ref().map(|opened| Stamp::before_rename(&opened.seen));
            let is_in = |fold: &Fold| fold.is_of_nothing() || Some(fold.stamp) == stamp;
            let through = fold.filter(is_in).map_or(n, |fold| fold.through.max(n));
            for (_, key, change) in changes.into_iter().filter(|(n, ..)| *n > through) {
                rescued.changes += 1;
                match change {
                    Some(stored) => rescued.document.entries.insert(key, stored),
                    None => rescued.document.entries.remove(&key),
                };
            }
        }
        Ok(rescued)
    }
}

pub(super) type SalvagedChanges = Vec<(u64, String, Change)>;

/// The readable changes in a journal, its last fold line, and the commit after which they start. `None` if a newer
/// version wrote it.
pub(super) fn salvage_journal(bytes: &[u8], dropped: &mut Dropped) -> Option<(SalvagedChanges, Option<Fold>, u64)> {
    let (epoch, n, start) = match Header::read(bytes) {
        Ok((header, start)) => (header.epoch, header.n, start),
        Err(HeaderFault::Newer) => return None,
        Err(HeaderFault::Cut | HeaderFault::Corrupt(_)) => {
            let end = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |newline| newline + 1);
            dropped.add(true, bytes, 0..end);
            // Without its epoch, good lines cannot be told from garbage.
            (Header::epoch_in(&bytes[..end]).unwrap_or_default(), 0, end)
        }
    };
    let mut changes = Vec::new();
    let mut sink = |n, key: &str, change| changes.push((n, key.to_owned(), change));
    let body = Body { bytes: &bytes[start..], epoch, n };
    let mut omitted = |place: Range<usize>| dropped.add(true, bytes, place.start + start..place.end + start);
    let fold = body.salvage(&mut sink, &mut omitted);
    Some((changes, fold, n))
}

/// What is missing in a repaired file: the first lines in full, the rest as a count.
#[derive(Debug, Default)]
pub(super) struct Dropped {
    /// Whether the line is in the journal, its number, and its description.
    lines: Vec<(bool, usize, String)>,
    more: u64,
}

impl Dropped {
    const MOST: usize = 100;

    fn add(&mut self, is_journal: bool, bytes: &[u8], place: Range<usize>) {
        let what = if is_journal { "journal " } else { "" };
        if self.lines.len() == Self::MOST {
            self.more += 1;
            return;
        }
        let line = memchr::memchr_iter(b'\n', &bytes[..place.start]).count() + 1;
        let text = &bytes[place];
        // No character takes more than four bytes.
        let text = String::from_utf8_lossy(&text[..text.len().min(160)]);
        self.lines.push((is_journal, line, format!("{what}line {line}: {:?}", error::cut(text.trim()))));
    }

    /// Sorted by place in the files.
    pub(super) fn list(mut self) -> Vec<String> {
        // A line that a later one replaces is dropped only when that one is read.
        self.lines.sort_by_key(|&(is_journal, line, _)| (is_journal, line));
        let mut list: Vec<String> = self.lines.into_iter().map(|(.., text)| text).collect();
        if self.more > 0 {
            list.push(format!("and {} more", self.more));
        }
        list
    }
}
