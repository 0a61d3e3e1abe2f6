//! Iterators over entries or keys, in key order and from both ends.

use std::ops::{Bound, RangeBounds};

use super::Database;
use crate::error::Result;
use crate::expiry::Timestamp;
use crate::json::Fault;
use crate::storage::{End, Entries, Entry, LARGE, RawEntry, Stored, check_memory};

/// Is given keys, values in their form on disk, and expiries.
pub(crate) type Visitor<'a> = dyn FnMut(&str, &str, Option<Timestamp>) -> Result<()> + 'a;

/// Entries in key order, from [`Database::iter`], [`Database::range`] or [`Database::prefix`]. They are streamed: only
/// a read-ahead buffer is in memory. The iterator ends after an error.
///
/// ```
/// let db = rusty_kv::Database::in_memory();
/// let mut entries: rusty_kv::Range<'_> = db.iter();
/// assert!(entries.next().is_none() && entries.next_back().is_none());
/// ```
#[derive(Debug)]
pub struct Range<'a> {
    /// An error is returned once.
    entries: Option<Result<Entries<'a>>>,
    now: Timestamp,
}

impl<'a> Range<'a> {
    pub(super) fn new(entries: Result<Entries<'a>>, now: Timestamp) -> Self {
        Self { entries: Some(entries), now }
    }

    /// Only the keys, without copying values.
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

    /// Skips the file's checksum at the end, for callers that may stop early.
    pub(crate) fn unverified(mut self) -> Self {
        if let Some(Ok(entries)) = &mut self.entries {
            entries.leave_unverified();
        }
        self
    }

    /// Gives every live entry as it is stored, until a failure.
    pub(crate) fn visit(mut self, each: &mut Visitor<'_>) -> Result<()> {
        while let Some(given) = self.pull(End::Front, |line| Ok(each(&line.key, line.text, line.expiry))) {
            given??;
        }
        Ok(())
    }

    /// The next live entry from an end, made into what is wanted of it.
    pub(super) fn pull<T>(
        &mut self,
        end: End,
        make: impl FnOnce(RawEntry<'_>) -> Result<T, Fault>,
    ) -> Option<Result<T>> {
        if let Some(Err(_)) = &self.entries {
            return self.entries.take()?.err().map(Err);
        }
        let Some(Ok(entries)) = &mut self.entries else { return None };
        let taken = loop {
            match entries.take(end) {
                Ok(Some(line)) if line.expiry.is_some_and(|expiry| expiry <= self.now) => {}
                Ok(Some(line)) => {
                    let is_large = line.text.len() >= LARGE;
                    if let Err(error) = check_memory(line.text.len()) {
                        break Err(error);
                    }
                    let result = make(line).map_err(|fault| entries.corrupt(fault));
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

fn entry(line: RawEntry<'_>) -> Result<(String, Entry), Fault> {
    let entry = if line.text.len() < LARGE {
        Entry::decode(line.text, line.expiry)?
    } else {
        Entry::of_stored(Stored { text: line.text.into(), expiry: line.expiry })?
    };
    Ok((line.key.into_owned(), entry))
}

#[expect(clippy::unnecessary_wraps, reason = "it replaces a conversion that can fail")]
fn key(line: RawEntry<'_>) -> Result<String, Fault> {
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

impl Database {
    /// All entries in key order.
    ///
    /// # Errors
    /// As [`Database::get`], for each item.
    ///
    /// ```
    /// let mut db = rusty_kv::Database::in_memory();
    /// db.set("b", "2")?;
    /// db.set("a", "1")?;
    /// let keys: Vec<String> = db.iter().map(|item| item.map(|(key, _)| key)).collect::<Result<_, _>>()?;
    /// assert_eq!(keys, ["a", "b"]);
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn iter(&self) -> Range<'_> {
        self.between(Bound::Unbounded, Bound::Unbounded)
    }

    /// The entries in a range of keys, in key order and from both ends. Empty if the bounds are in the wrong order.
    ///
    /// ```
    /// let mut db = rusty_kv::Database::in_memory();
    /// for key in ["a", "b", "c"] {
    ///     db.set(key, "")?;
    /// }
    /// assert_eq!(db.range("a".."c").count(), 2);
    /// assert_eq!(db.range("b"..).next_back().unwrap()?.0, "c");
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn range<K: AsRef<str>>(&self, keys: impl RangeBounds<K>) -> Range<'_> {
        self.between(keys.start_bound().map(AsRef::as_ref), keys.end_bound().map(AsRef::as_ref))
    }

    /// The entries whose keys start with `prefix`, in key order.
    ///
    /// ```
    /// let mut db = rusty_kv::Database::in_memory();
    /// for key in ["user:1", "user:2", "video:1"] {
    ///     db.set(key, "")?;
    /// }
    /// assert_eq!(db.prefix("user:").count(), 2);
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn prefix(&self, prefix: &str) -> Range<'_> {
        with_prefix(prefix, |from, to| self.between(from, to))
    }

    fn between(&self, from: Bound<&str>, to: Bound<&str>) -> Range<'_> {
        Range::new(self.store.verified_range(from, to), self.now())
    }
}

/// Calls `range` with the bounds of the keys that start with `prefix`.
pub(super) fn with_prefix<T>(prefix: &str, range: impl FnOnce(Bound<&str>, Bound<&str>) -> T) -> T {
    let end = prefix_end(prefix);
    range(Bound::Included(prefix), end.as_deref().map_or(Bound::Unbounded, Bound::Excluded))
}

/// The smallest text that is greater than every text that starts with `prefix`; `None` if there is none.
pub(crate) fn prefix_end(prefix: &str) -> Option<String> {
    let mut end = prefix.to_owned();
    while let Some(last) = end.pop() {
        // U+D800 to U+DFFF are not characters, so U+E000 follows U+D7FF.
        let next = if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(u32::from(last) + 1) };
        if let Some(next) = next {
            end.push(next);
            return Some(end);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_where_its_last_keys_end() {
        let mut db = Database::in_memory();
        for key in ["a", "a\u{10ffff}", "a\u{10ffff}\u{10ffff}x", "b", "\u{d7ff}x", "\u{e000}", "\u{10ffff}"] {
            db.set(key, "").unwrap();
        }
        assert_eq!(db.prefix("a").count(), 3);
        assert_eq!(db.prefix("a\u{10ffff}").count(), 2);
        assert_eq!(db.prefix("\u{d7ff}").count(), 1);
        assert_eq!(db.prefix("\u{10ffff}").count(), 1);
        assert_eq!(db.prefix("").count(), 7);
    }

    #[test]
    fn a_range_with_bounds_in_the_wrong_order_is_empty() {
        let mut db = Database::in_memory();
        db.set("b", "").unwrap();
        assert_eq!(db.range("c".."a").count(), 0);
        assert_eq!(db.range::<&str>((Bound::Excluded("b"), Bound::Excluded("b"))).count(), 0);
    }
}
