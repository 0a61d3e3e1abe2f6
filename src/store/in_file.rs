//! The store of a database in a file or in memory.

use std::ops::{Bound, ControlFlow};

use super::{
    Batch, Changes, Description, DifferenceIter, EntryIter, IsWanted, KeyIter, LoadSource, MayGoOn, Mutation,
    OutlineIter, Scan, Scope, Store, StoreSavepoint, Visitor, Watching,
};
use crate::database::{
    Changed, Database, Event, LoadObserver, Loaded, Loading, Range, Seen, Transaction, Watch, prefix_end,
};
use crate::error::Result;
use crate::expiry::Timestamp;
use crate::storage::Entry;
use crate::value::Value;

impl Store for Database {
    fn describe(&self) -> Description {
        let name = self.path().map_or_else(|| "memory".to_owned(), |path| path.to_string_lossy().into_owned());
        Description { name, exists: self.is_on_disk() }
    }

    fn refresh(&mut self) -> Result<bool> {
        Database::refresh(self)
    }

    fn now(&self) -> Timestamp {
        Database::now(self)
    }

    fn entry(&self, key: &str) -> Result<Option<Entry>> {
        Database::entry(self, key)
    }

    fn contains(&self, key: &str) -> Result<bool> {
        Database::contains(self, key)
    }

    fn len(&self) -> Result<u64> {
        Database::len(self)
    }

    fn scan(&self, scan: &Scan) -> EntryIter<'_> {
        let range = range(self, scan);
        if scan.reverse { Box::new(range.rev()) } else { Box::new(range) }
    }

    fn visit(&self, prefix: &str, visitors: &mut [Box<Visitor<'_>>]) -> Result<()> {
        let end = prefix_end(prefix);
        let from = if prefix.is_empty() { Bound::Unbounded } else { Bound::Included(prefix) };
        Database::visit(self, from, end.as_deref().map_or(Bound::Unbounded, Bound::Excluded), visitors)
    }

    fn scan_keys(&self, scan: &Scan) -> KeyIter<'_> {
        let keys = range(self, scan).keys();
        if scan.reverse { Box::new(keys.rev()) } else { Box::new(keys) }
    }

    fn glance(&self, key: &str, limit: u64) -> Result<Option<Seen>> {
        Database::glance(self, key, limit)
    }

    fn outlines(&self, prefix: &str) -> OutlineIter<'_> {
        Box::new(Database::outlines(self, prefix))
    }

    fn change(&mut self, _: Scope<'_>, body: &mut Mutation<'_>) -> Result<()> {
        // The lock covers all keys.
        Database::transaction(self, |tx| body(tx))
    }

    fn set(&mut self, key: &str, value: &Value) -> Result<()> {
        self.set_unread(key, value)
    }

    fn load(&mut self, entries: &mut LoadSource<'_>, how: Loading, observer: &mut dyn LoadObserver) -> Result<Loaded> {
        self.load_entries(entries, how, observer)
    }

    fn rehearse_load(&mut self, entries: &mut LoadSource<'_>, how: Loading) -> Result<(Loaded, DifferenceIter<'_>)> {
        let (loaded, changes) = Database::rehearse_load(self, entries, how)?;
        Ok((loaded, Box::new(changes)))
    }

    fn begin_batch(&mut self) {
        Database::begin_batch(self);
    }

    fn commit_batch(&mut self) -> Result<()> {
        Database::commit_batch(self)
    }

    fn batch(&self) -> Batch {
        Batch {
            is_open: self.has_open_batch(),
            is_locked: self.is_locked(),
            bytes: self.pending_bytes(),
            ..Batch::default()
        }
    }

    fn begin(&mut self) -> Result<()> {
        Database::begin(self)
    }

    fn commit(&mut self) -> Result<u64> {
        Database::commit(self)
    }

    fn rollback(&mut self) -> Result<u64> {
        Database::rollback(self)
    }

    fn open_transaction(&self) -> Option<u64> {
        Database::open_transaction(self)
    }

    fn is_in_transaction(&self) -> bool {
        Database::is_in_transaction(self)
    }

    fn put_back(&mut self, key: &str, changed: Changed) {
        Database::put_back(self, key, changed);
    }

    fn savepoint(&mut self) -> StoreSavepoint {
        StoreSavepoint::of(Database::savepoint(self))
    }

    fn rollback_to(&mut self, mark: StoreSavepoint) -> u64 {
        Database::rollback_to(self, mark.changes())
    }

    fn differences(&mut self) -> DifferenceIter<'_> {
        Box::new(Database::differences(self))
    }

    fn watch(&self, prefix: &str) -> Result<Box<dyn Watching>> {
        Ok(Box::new(Database::watch(self, prefix)?))
    }

    fn take_notices(&mut self) -> Vec<String> {
        Database::take_notices(self)
    }

    fn files(&self) -> Option<&Database> {
        Some(self)
    }

    fn files_mut(&mut self) -> Option<&mut Database> {
        Some(self)
    }
}

fn range<'d>(db: &'d Database, scan: &Scan) -> Range<'d> {
    let from = scan.from.as_deref().map_or(Bound::Unbounded, Bound::Included);
    let to = scan.to.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
    let range = db.range::<&str>((from, to));
    if scan.is_partial { range.unverified() } else { range }
}

impl Changes for Transaction<'_> {
    fn now(&self) -> Timestamp {
        Transaction::now(self)
    }

    fn entry(&self, key: &str) -> Result<Option<Entry>> {
        Transaction::entry(self, key)
    }

    fn changed(&mut self, key: &str) -> Result<Changed> {
        Transaction::changed(self, key)
    }

    fn set(&mut self, key: &str, entry: &Entry) -> Result<()> {
        self.put_entry(key, entry)
    }

    fn delete(&mut self, key: &str) -> Result<bool> {
        Transaction::delete(self, key)
    }

    fn keys(&self, prefix: &str, is_wanted: &IsWanted<'_>, may_go_on: MayGoOn) -> Result<Vec<String>> {
        self.all_keys(prefix, is_wanted, may_go_on)
    }
}

impl Watching for Watch {
    fn poll(&mut self, stop: &dyn Fn() -> bool, each: &mut dyn FnMut(&str, Event) -> ControlFlow<()>) -> Result<()> {
        self.look_until(stop, each)
    }

    fn missed(&self) -> Option<&'static str> {
        self.has_missed().then_some("the file was changed in place")
    }
}
