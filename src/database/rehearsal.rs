//! Trial changes: made in an open transaction, read, and rolled back.

use super::{Changed, Database};
use crate::error::{Error, Result};
use crate::storage::{Entry, Savepoint, Stored};

/// A key with different entries before and after a change, or in two databases.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) key: String,
    /// The old entry.
    pub(crate) old: Option<Entry>,
    /// The new entry.
    pub(crate) new: Option<Entry>,
}

impl Database {
    /// The changes of the open transaction so far, for [`Database::rollback_to`].
    pub(crate) fn savepoint(&mut self) -> Savepoint {
        self.store.savepoint()
    }

    /// Undoes what the open transaction changed after the savepoint; returns how many keys had changed before.
    pub(crate) fn rollback_to(&mut self, mark: Savepoint) -> u64 {
        let changed = self.store.changed_keys();
        self.store.rollback_to(mark);
        changed
    }

    /// Restores a key in the open transaction to what [`Transaction::changed`](super::Transaction::changed) returned.
    pub(crate) fn put_back(&mut self, key: &str, changed: Changed) {
        let changed = match changed {
            Changed::Not => None,
            Changed::Deleted => Some(None),
            Changed::Set(entry) => Some(Some(Stored::of(&entry))),
        };
        self.store.pending().undo_insert(key, changed);
    }

    /// The changes of the open transaction, in key order.
    pub(crate) fn differences(&mut self) -> impl Iterator<Item = Result<Difference>> + '_ {
        let now = self.clock.now();
        let store = &self.store;
        store.differences(now).filter_map(move |item| {
            let entry = |stored: Option<_>| stored.map(|stored| store.entry(&stored)).transpose();
            let made = item.and_then(|(key, old, new)| {
                Ok::<_, Error>(Difference { key: key.to_owned(), old: entry(old)?, new: entry(new)? })
            });
            Some(made).filter(|made| made.as_ref().map_or(true, |made| made.old != made.new))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_without_effect_are_not_a_difference() {
        let mut db = Database::in_memory();
        db.set("a", "1").unwrap();
        db.set("b", "1").unwrap();
        db.set("c", "1").unwrap();
        db.begin().unwrap();
        db.set("a", "2").unwrap();
        db.set("a", "1").unwrap();
        db.set("b", "2").unwrap();
        let mark = db.savepoint();
        db.delete("c").unwrap();
        db.set("new", "x").unwrap();
        db.set("gone", "x").unwrap();
        db.delete("gone").unwrap();
        let keys = |db: &mut Database| db.differences().map(|item| item.unwrap().key).collect::<Vec<_>>();
        assert_eq!(keys(&mut db), ["b", "c", "new"]);
        db.rollback_to(mark);
        assert_eq!(keys(&mut db), ["b"]);
        db.rollback().unwrap();
        assert_eq!(db.get("b").unwrap(), Some("1".into()));
    }

    #[test]
    fn collecting_keys_can_be_stopped() {
        let mut db = Database::in_memory();
        db.extend((0..3000).map(|n| (format!("{n:04}"), "x"))).unwrap();
        let collect =
            |db: &mut Database, may_go_on| db.transaction(|tx| tx.all_keys("1", |key| key != "1000", may_go_on));
        assert_eq!(collect(&mut db, || Ok(())).unwrap().len(), 999);
        assert!(matches!(collect(&mut db, || Err(Error::Interrupted)), Err(Error::Interrupted)));
    }
}
