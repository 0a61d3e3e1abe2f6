//! What a session needs of a store of entries, wherever it is.
//!
//! | module | what it is |
//! | --- | --- |
//! | `undoing` | a decorator that adds undo |
//! | `loading` | a load from a source whose errors are not those of a store |
//! | `in_file` | the store of a [`Database`] |
//!
//! Files are mentioned only in [`Store::files`], which gives the database to the commands that need one.

mod in_file;
mod loading;
#[cfg(test)]
mod poor;
mod undoing;

use std::any::Any;
use std::fmt::Debug;
use std::ops::ControlFlow;
use std::path::Path;

pub(crate) use crate::database::Visitor;
use crate::database::{Changed, Database, Difference, Event, LoadObserver, Loaded, Loading, Outline, Seen, prefix_end};
use crate::error::{Error, Result};
use crate::expiry::Timestamp;
use crate::number::Number;
use crate::storage::{Entry, Stored};
use crate::value::Value;

pub(crate) use self::loading::until_failure;
#[cfg(test)]
pub(crate) use self::poor::Poor;
pub(crate) use self::undoing::{
    Foreign, MOST as UNDO_LIMIT, RestoreStep, TOO_LARGE, UndoEnd, UndoHistory, Undoing, Undone,
};

/// A store of entries, as a session uses it.
///
/// Reads see all of the session's own changes; an implementation that queues changes must send them first, and keep its
/// connection in a cell for that. Of other processes' changes, reads see at least those before the last
/// [`Store::refresh`]. A database in a file shows exactly those; a store without snapshots may show more. Expired
/// entries do not exist.
pub(crate) trait Store: Debug {
    /// Its name, and whether it exists. Unsupported operations fail with [`Unsupported`](crate::Error::Unsupported).
    fn describe(&self) -> Description;

    /// Loads what others wrote; true if there was anything.
    fn refresh(&mut self) -> Result<bool>;

    /// The current time, as used to decide which entries have expired.
    fn now(&self) -> Timestamp;

    /// A key's value and expiry.
    fn entry(&self, key: &str) -> Result<Option<Entry>>;

    /// A key's value.
    fn get(&self, key: &str) -> Result<Option<Value>> {
        Ok(self.entry(key)?.map(|entry| entry.value))
    }

    /// Whether a key exists.
    fn contains(&self, key: &str) -> Result<bool> {
        Ok(self.entry(key)?.is_some())
    }

    /// The number of keys.
    fn len(&self) -> Result<u64>;

    /// Entries in key order, or in reverse; the iterator ends after an error.
    fn scan(&self, scan: &Scan) -> EntryIter<'_>;

    /// Only the keys.
    fn scan_keys(&self, scan: &Scan) -> KeyIter<'_> {
        Box::new(self.scan(scan).map(|item| item.map(|(key, _)| key)))
    }

    /// Entries, each in its form on disk, until a failure. A store that can be read in several places at once gives each
    /// visitor a section of them; the first visitor gets the first, in whose thread it is called.
    fn visit(&self, prefix: &str, visitors: &mut [Box<Visitor<'_>>]) -> Result<()> {
        let Some(visitor) = visitors.first_mut() else { return Ok(()) };
        for item in self.scan(&Scan::prefix(prefix)) {
            let (key, entry) = item?;
            visitor(&key, &Stored::of(&entry).text, entry.expiry)?;
        }
        Ok(())
    }

    /// What a key holds, if that takes no time to speak of; no read of an open transaction.
    fn glance(&self, key: &str, limit: u64) -> Result<Option<Seen>>;

    /// The entries of the keys that start with `prefix`, from both ends, without their values; does not count as a read
    /// of an open transaction.
    fn outlines(&self, prefix: &str) -> OutlineIter<'_>;

    /// Makes one atomic change of these keys. The body may run again if another writer came first.
    ///
    /// # Errors
    /// Those of the body, and of writing; then nothing was changed.
    fn change(&mut self, keys: Scope<'_>, body: &mut Mutation<'_>) -> Result<()>;

    /// Sets a key, without an expiry. In a batch, it need not be sent at once.
    fn set(&mut self, key: &str, value: &Value) -> Result<()>;

    /// Adds to the number that a key holds, 0 if it holds none; the sum.
    fn add(&mut self, key: &str, by: Number) -> Result<Value> {
        self.add_to_read(key, by)
    }

    /// Deletes the selected keys with this prefix, all or none if the store can do that; returns their number.
    fn delete_all(&mut self, prefix: &str, is_wanted: &IsWanted<'_>, may_go_on: MayGoOn) -> Result<u64> {
        self.delete_each(prefix, is_wanted, may_go_on)
    }

    /// Deletes every key, whatever it holds; how many.
    fn clear(&mut self, may_go_on: MayGoOn) -> Result<u64> {
        self.delete_all("", &|_| true, may_go_on)
    }

    /// Sets many entries, all or nothing; `observer` receives what they replace.
    fn load(&mut self, entries: &mut LoadSource<'_>, how: Loading, observer: &mut dyn LoadObserver) -> Result<Loaded>;

    /// The result that a load would have, and each key that would change.
    fn rehearse_load(&mut self, entries: &mut LoadSource<'_>, how: Loading) -> Result<(Loaded, DifferenceIter<'_>)>;

    /// Whether it is worth telling which keys are soon to be read: where each read alone is slow.
    fn reads_ahead(&self) -> bool {
        false
    }

    /// Reads what these keys hold for [`Store::get`] within the batch.
    fn read_ahead(&mut self, _: &[&str]) {}

    /// Starts a batch: changes wait for [`Store::commit_batch`].
    fn begin_batch(&mut self);

    /// Makes the changes of the batch durable, with one write if possible, and ends the batch.
    ///
    /// # Errors
    /// Those of writing; then none of the batch's changes were made.
    fn commit_batch(&mut self) -> Result<()>;

    /// The state of the batch.
    fn batch(&self) -> Batch;

    /// Which changes of batches have failed alone, by their numbers, and how.
    fn take_failures(&mut self) -> Vec<(u64, Error)> {
        Vec::new()
    }

    /// Opens a transaction.
    ///
    /// # Errors
    /// If one is already open, or the store does not support it.
    fn begin(&mut self) -> Result<()>;

    /// Commits the open transaction; returns how many keys it changed.
    fn commit(&mut self) -> Result<u64>;

    /// Discards the open transaction; returns how many keys it had changed.
    fn rollback(&mut self) -> Result<u64>;

    /// How many keys the open transaction has changed, if one is open.
    fn open_transaction(&self) -> Option<u64>;

    /// Whether a transaction is open. Called for each line of a script, where counting would take too long.
    fn is_in_transaction(&self) -> bool;

    /// Restores a key in the open transaction to what [`Changes::changed`] returned.
    fn put_back(&mut self, key: &str, changed: Changed);

    /// The changes of the open transaction so far.
    fn savepoint(&mut self) -> StoreSavepoint;

    /// Undoes what came after the savepoint; returns how many keys the whole transaction had changed before.
    fn rollback_to(&mut self, mark: StoreSavepoint) -> u64;

    /// The changes of the open transaction, in key order.
    fn differences(&mut self) -> DifferenceIter<'_>;

    /// Watches the keys that start with `prefix`.
    fn watch(&self, prefix: &str) -> Result<Box<dyn Watching>>;

    /// The databases on the same server by their numbers, with how many keys each has, if it is on one.
    fn siblings(&self) -> Result<Vec<(u32, u64)>> {
        Ok(Vec::new())
    }

    /// Returns notices about the store, each of them once.
    fn take_notices(&mut self) -> Vec<String>;

    /// The database, if the store is in a file.
    fn files(&self) -> Option<&Database>;

    /// The database, to change its file.
    fn files_mut(&mut self) -> Option<&mut Database>;
}

/// A store as shown to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Description {
    /// A path or an address, without secrets.
    pub(crate) name: String,
    /// Whether it exists already, or will be created by the first change.
    pub(crate) exists: bool,
}

/// Which entries to scan, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scan {
    /// The first key.
    pub(crate) from: Option<String>,
    /// The end of the range, exclusive.
    pub(crate) to: Option<String>,
    pub(crate) reverse: bool,
    /// Whether only some of the entries are needed, so that the store need not be verified.
    pub(crate) is_partial: bool,
}

impl Scan {
    /// The keys that start with `prefix`; all if it is empty.
    pub(crate) fn prefix(prefix: &str) -> Self {
        Self { from: Some(prefix.to_owned()), to: prefix_end(prefix), ..Self::default() }
    }

    /// Sets whether only some of the entries are needed.
    pub(crate) fn partial(self, is_partial: bool) -> Self {
        Self { is_partial, ..self }
    }
}

pub(crate) type EntryIter<'a> = Box<dyn Iterator<Item = Result<(String, Entry)>> + 'a>;
pub(crate) type KeyIter<'a> = Box<dyn Iterator<Item = Result<String>> + 'a>;
pub(crate) type OutlineIter<'a> = Box<dyn DoubleEndedIterator<Item = Result<Outline>> + 'a>;
pub(crate) type DifferenceIter<'a> = Box<dyn Iterator<Item = Result<Difference>> + 'a>;
/// The entries to load.
pub(crate) type LoadSource<'a> = dyn Iterator<Item = Result<(String, Entry)>> + 'a;
/// A filter of keys.
pub(crate) type IsWanted<'a> = dyn Fn(&str) -> bool + 'a;
/// Fails if the user stopped the operation.
pub(crate) type MayGoOn = fn() -> Result<()>;
/// The body of a change.
pub(crate) type Mutation<'a> = dyn FnMut(&mut dyn Changes) -> Result<()> + 'a;

/// The keys that a change may access.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(
    not(any(test, feature = "redis")),
    expect(dead_code, reason = "a database locks all of its keys, and need not know")
)]
pub(crate) enum Scope<'a> {
    /// These, together.
    Keys(&'a [&'a str]),
    /// Each of these: together if the store can do that.
    Each(&'a [&'a str]),
    /// All keys with this prefix.
    #[cfg_attr(
        all(feature = "redis", not(test)),
        expect(dead_code, reason = "what reads all of them at once asks for them itself")
    )]
    Prefix(&'a str),
}

/// The state of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Batch {
    /// Whether a batch is open.
    pub(crate) is_open: bool,
    /// Whether other writers are waiting for its end.
    pub(crate) is_locked: bool,
    /// Its size, in bytes.
    pub(crate) bytes: u64,
    /// How many changes it has had, if each of them may fail alone.
    pub(crate) changes: Option<u64>,
    /// Whether it is time to end it.
    pub(crate) is_full: bool,
}

/// The current state during a change.
pub(crate) trait Changes {
    /// The time of the change, which does not move.
    fn now(&self) -> Timestamp;
    fn entry(&self, key: &str) -> Result<Option<Entry>>;
    /// The open transaction's change of a key.
    fn changed(&mut self, key: &str) -> Result<Changed>;
    fn set(&mut self, key: &str, entry: &Entry) -> Result<()>;
    /// Deletes a key; true if it existed.
    fn delete(&mut self, key: &str) -> Result<bool>;
    /// The keys that start with `prefix` and for which `is_wanted` is true; stops when `may_go_on` fails.
    fn keys(&self, prefix: &str, is_wanted: &IsWanted<'_>, may_go_on: MayGoOn) -> Result<Vec<String>>;
}

/// The changes of an open transaction at some point, as its store keeps them.
#[derive(Debug)]
pub(crate) struct StoreSavepoint(Box<dyn Any>);

impl StoreSavepoint {
    pub(crate) fn of(changes: impl Any) -> Self {
        Self(Box::new(changes))
    }

    /// What it was made of.
    pub(crate) fn changes<C: Any>(self) -> C {
        *self.0.downcast().expect("a mark goes back to the store that it is of")
    }
}

/// Watches the keys of a store.
pub(crate) trait Watching {
    /// Reports what changed since the last poll, until `stop` returns true, which is checked from time to time, or
    /// `each` breaks.
    fn poll(&mut self, stop: &dyn Fn() -> bool, each: &mut dyn FnMut(&str, Event) -> ControlFlow<()>) -> Result<()>;
    /// Why the last poll could not tell what has changed, if so.
    fn missed(&self) -> Option<&'static str>;
}

/// Convenience methods for stores.
pub(crate) trait StoreExt: Store {
    /// As [`Store::change`], with a result.
    fn transaction<T>(&mut self, keys: &[&str], mut body: impl FnMut(&mut dyn Changes) -> Result<T>) -> Result<T> {
        let mut done = None;
        self.change(Scope::Keys(keys), &mut |changes| body(changes).map(|result| done = Some(result)))?;
        Ok(done.expect("a change that succeeds has run its body"))
    }

    /// As [`Store::add`], by a change that reads the number.
    fn add_to_read(&mut self, key: &str, by: Number) -> Result<Value> {
        self.transaction(&[key], |changes| {
            let entry = changes.entry(key)?.unwrap_or_else(|| Entry::from("0"));
            let value = entry.value.checked_add(by)?;
            changes.set(key, &Entry { value: value.clone(), ..entry })?;
            Ok(value)
        })
    }

    /// Deletes the selected keys with this prefix, all or none; returns their number.
    fn delete_each(&mut self, prefix: &str, is_wanted: &IsWanted<'_>, may_go_on: MayGoOn) -> Result<u64> {
        let mut deleted = 0;
        self.change(Scope::Prefix(prefix), &mut |changes| {
            deleted = 0;
            for key in changes.keys(prefix, is_wanted, may_go_on)? {
                may_go_on()?;
                deleted += u64::from(changes.delete(&key)?);
            }
            Ok(())
        })?;
        Ok(deleted)
    }

    /// The path of the database, if the store is in a file.
    fn path(&self) -> Option<&Path> {
        self.files().and_then(Database::path)
    }
}

impl<S: Store + ?Sized> StoreExt for S {}
