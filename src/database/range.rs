//! Entries, or keys alone, in key order and from both ends.

use super::Database;
use crate::error::Result;
use crate::expiry::Timestamp;
use crate::storage::{Entries, Entry};

/// Entries in key order, from [`Database::iter`], [`Database::range`] or [`Database::prefix`].
///
/// ```
/// let db = rusty_kv::Database::in_memory();
/// let mut entries: rusty_kv::Range<'_> = db.iter();
/// assert!(entries.next().is_none() && entries.next_back().is_none());
/// ```
#[derive(Debug)]
pub struct Range<'a> {
    entries: Entries<'a>,
    now: Timestamp,
}

impl<'a> Range<'a> {
    pub(super) fn new(entries: Entries<'a>, now: Timestamp) -> Self {
        Self { entries, now }
    }

    /// The keys alone: values are not copied.
    ///
    /// ```
    /// let mut db = rusty_kv::Database::in_memory();
    /// db.set("b", "2")?;
    /// db.set("a", "1")?;
    /// assert_eq!(db.iter().keys().collect::<Result<Vec<_>, _>>()?, ["a", "b"]);
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn keys(self) -> Keys<'a> {
        Keys { range: self }
    }
}

impl Iterator for Range<'_> {
    type Item = Result<(String, Entry)>;

    fn next(&mut self) -> Option<Self::Item> {
        let found = self.entries.by_ref().find(|(_, entry)| entry.is_live(self.now));
        found.map(|(key, entry)| Ok((key.clone(), entry.clone())))
    }
}

impl DoubleEndedIterator for Range<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let found = self.entries.by_ref().rfind(|(_, entry)| entry.is_live(self.now));
        found.map(|(key, entry)| Ok((key.clone(), entry.clone())))
    }
}

impl<'a> IntoIterator for &'a Database {
    type Item = Result<(String, Entry)>;
    type IntoIter = Range<'a>;

    fn into_iter(self) -> Range<'a> {
        self.iter()
    }
}

/// Keys in order, from [`Range::keys`].
///
/// ```
/// let db = rusty_kv::Database::in_memory();
/// let mut keys: rusty_kv::Keys<'_> = db.prefix("user:").keys();
/// assert!(keys.next().is_none());
/// ```
#[derive(Debug)]
pub struct Keys<'a> {
    range: Range<'a>,
}

impl Iterator for Keys<'_> {
    type Item = Result<String>;

    fn next(&mut self) -> Option<Self::Item> {
        let now = self.range.now;
        self.range.entries.find(|(_, entry)| entry.is_live(now)).map(|(key, _)| Ok(key.clone()))
    }
}

impl DoubleEndedIterator for Keys<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let now = self.range.now;
        self.range.entries.rfind(|(_, entry)| entry.is_live(now)).map(|(key, _)| Ok(key.clone()))
    }
}
