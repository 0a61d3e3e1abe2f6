//! Entries, or keys alone, in key order and from both ends.

use super::Database;
use crate::error::Result;
use crate::expiry::Timestamp;
use crate::json::Fault;
use crate::storage::{Entries, Entry, LARGE, Line, Stored, check_memory};

/// Entries in key order, from [`Database::iter`], [`Database::range`] or [`Database::prefix`]: a stream, of which only
/// what is read ahead is in memory. After an error there are no more.
///
/// ```
/// let db = rusty_kv::Database::in_memory();
/// let mut entries: rusty_kv::Range<'_> = db.iter();
/// assert!(entries.next().is_none() && entries.next_back().is_none());
/// ```
#[derive(Debug)]
pub struct Range<'a> {
    /// An error is given out once.
    entries: Option<Result<Entries<'a>>>,
    now: Timestamp,
}

/// Which end the next item comes from.
#[derive(Clone, Copy)]
pub(super) enum End {
    Front,
    Back,
}

impl<'a> Range<'a> {
    pub(super) fn new(entries: Result<Entries<'a>>, now: Timestamp) -> Self {
        Self { entries: Some(entries), now }
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

    /// Does not look at the file's checksum at its end: for whoever wants only so many.
    #[cfg(feature = "shell")]
    pub(crate) fn unverified(mut self) -> Self {
        if let Some(Ok(entries)) = &mut self.entries {
            entries.leave_unverified();
        }
        self
    }

    /// The next live entry from an end, made into what is wanted of it.
    pub(super) fn pull<T>(&mut self, end: End, make: fn(Line<'_>) -> Result<T, Fault>) -> Option<Result<T>> {
        if let Some(Err(_)) = &self.entries {
            return self.entries.take()?.err().map(Err);
        }
        let Some(Ok(entries)) = &mut self.entries else { return None };
        let taken = loop {
            let line = match end {
                End::Front => entries.next(),
                End::Back => entries.next_back(),
            };
            match line {
                Ok(Some(line)) if line.deadline.is_some_and(|deadline| deadline <= self.now) => {}
                Ok(Some(line)) => {
                    let is_large = line.text.len() >= LARGE;
                    if let Err(error) = check_memory(line.text.len()) {
                        break Err(error);
                    }
                    let result = make(line).map_err(|fault| entries.damaged(fault));
                    if is_large {
                        entries.release();
                    }
                    break result;
                }
                Ok(None) => return None,
                Err(error) => break Err(error),
            }
        };
        if taken.is_err() {
            self.entries = None;
        }
        Some(taken)
    }
}

fn entry(line: Line<'_>) -> Result<(String, Entry), Fault> {
    let entry = if line.text.len() < LARGE {
        Entry::decode(line.text, line.deadline)?
    } else {
        Entry::of_stored(Stored { text: line.text.into(), deadline: line.deadline })?
    };
    Ok((line.key.into_owned(), entry))
}

#[expect(clippy::unnecessary_wraps, reason = "it stands where an entry, which can be at fault, does")]
fn key(line: Line<'_>) -> Result<String, Fault> {
    Ok(line.key.into_owned())
}

impl Iterator for Range<'_> {
    type Item = Result<(String, Entry)>;

    fn next(&mut self) -> Option<Self::Item> {
        self.pull(End::Front, entry)
    }
}

impl DoubleEndedIterator for Range<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.pull(End::Back, entry)
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
        self.range.pull(End::Front, key)
    }
}

impl DoubleEndedIterator for Keys<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.range.pull(End::Back, key)
    }
}
