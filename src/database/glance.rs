//! Bounded lookups for hints and completion while a line is being typed. They do not count as reads of an open
//! transaction.

use super::range::with_prefix;
use super::{Database, Range};
use crate::error::Result;
use crate::expiry::Timestamp;
use crate::json::Fault;
use crate::storage::{End, RawEntry, Seen, kind};

/// An entry without its value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outline {
    pub(crate) key: String,
    /// As returned by [`Value::kind`](crate::Value::kind).
    pub(crate) kind: &'static str,
    pub(crate) expiry: Option<Timestamp>,
}

impl Database {
    /// Looks up a key, reading at most about `limit` bytes of the file.
    pub(crate) fn glance(&self, key: &str, limit: u64) -> Result<Option<Seen>> {
        let now = self.now();
        let is_there = |seen: &Seen| !matches!(seen, Seen::Entry(entry) if !entry.is_live(now));
        Ok(self.store.glance(key, limit)?.filter(is_there))
    }

    /// The entries whose keys start with `prefix`, without their values, of which only the first bytes are read.
    pub(crate) fn outlines(&self, prefix: &str) -> Outlines<'_> {
        Outlines(Range::new(with_prefix(prefix, |from, to| self.store.untracked_range(from, to)), self.now()))
    }
}

/// Entries without their values, from both ends.
pub(crate) struct Outlines<'a>(Range<'a>);

impl Iterator for Outlines<'_> {
    type Item = Result<Outline>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.pull(End::Front, outline)
    }
}

impl DoubleEndedIterator for Outlines<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.pull(End::Back, outline)
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it replaces a conversion that can fail")]
fn outline(line: RawEntry<'_>) -> Result<Outline, Fault> {
    Ok(Outline { kind: kind(line.text), key: line.key.into_owned(), expiry: line.expiry })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    fn filled(path: &std::path::Path) -> Database {
        let mut db = Database::open(path).unwrap();
        db.set("bytes", Value::Bytes(vec![0xff])).unwrap();
        db.set("json", Value::from_json("[1]").unwrap()).unwrap();
        db.set("large", "x".repeat(5_000)).unwrap();
        db.set("text", "hello").unwrap();
        db.save().unwrap();
        db
    }

    #[test]
    fn a_glance_shows_what_is_small_and_the_size_of_what_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let mut db = filled(&folder.path().join("kv.json"));
        db.set("late", "y".repeat(5_000)).unwrap();
        assert_eq!(db.glance("text", 1_000).unwrap(), Some(Seen::Entry("hello".into())));
        assert!(matches!(db.glance("large", 1_000).unwrap(), Some(Seen::Large(5_000..5_020))));
        assert!(matches!(db.glance("late", 1_000).unwrap(), Some(Seen::Large(5_000..5_020))));
        assert!(matches!(db.glance("large", 10_000).unwrap(), Some(Seen::Entry(_))));
        assert_eq!(db.glance("nothing", 1_000).unwrap(), None);
    }

    #[test]
    fn outlines_tell_kind_and_expiry_in_key_order() {
        let folder = tempfile::tempdir().unwrap();
        let mut db = filled(&folder.path().join("kv.json"));
        let expiry = Some(Timestamp::from_millis(db.now().as_millis() + 60_000));
        db.expire("text", expiry).unwrap();
        let mut seen = Vec::new();
        for outline in db.outlines("") {
            let outline = outline.unwrap();
            seen.push((outline.key, outline.kind, outline.expiry.is_some()));
        }
        let wanted = [("bytes", "binary"), ("json", "json"), ("large", "text"), ("text", "text")];
        assert_eq!(seen, wanted.map(|(key, kind)| (key.to_owned(), kind, key == "text")));
    }

    #[test]
    fn a_glance_in_a_transaction_is_no_read_of_it_and_sees_its_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kv.json");
        let mut db = filled(&path);
        db.begin().unwrap();
        db.set("mine", "1").unwrap();
        assert_eq!(db.glance("mine", 100).unwrap(), Some(Seen::Entry("1".into())));
        assert!(db.glance("text", 100).unwrap().is_some());
        assert!(db.outlines("te").next().is_some());
        Database::open(&path).unwrap().set("text", "other").unwrap();
        assert_eq!(db.commit().unwrap(), 1);
    }
}
