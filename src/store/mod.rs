//! What a session needs of a store of entries, wherever they are kept.
//!
//! | module | what it is |
//! | --- | --- |
//! | `undoing` | a decorator that remembers what can be undone |
//! | `loading` | a load from a source whose failures are not those of a store |
//! | `in_file` | the store that is a [`Database`] |
//!
//! Nothing here speaks of files but [`Store::files`], which lends the database to the commands that need one.

mod in_file;
mod loading;
#[cfg(test)]
mod poor;
mod undoing;

use std::any::Any;
use std::fmt::Debug;
use std::ops::ControlFlow;
use std::path::Path;

use crate::database::{Changed, Database, Difference, Event, LoadObserver, Loaded, Loading, Outline, Seen, prefix_end};
use crate::error::{Error, Result};
use crate::expiry::Timestamp;
use crate::number::Number;
use crate::storage::Entry;
use crate::value::Value;

pub(crate) use self::loading::until_failure;
#[cfg(test)]
pub(crate) use self::poor::Poor;
pub(crate) use self::undoing::{
    Foreign, MOST as UNDO_LIMIT, RestoreStep, TOO_LARGE, UndoEnd, UndoHistory, Undoing, Undone,
};

/// A store of entries as a session uses it.
///
/// Reads miss none of the session's own changes; an implementor that queues some sends them first, and keeps its connection
/// in a cell for that. Of what others write they show at least what was there at the last [`Store::refresh`]. A database in
/// a file shows exactly that; a store without snapshots may show more. A value past its deadline is not there.
pub(crate) trait Store: Debug {
    /// What it is called, and whether it is there. What it cannot do fails with [`Unsupported`](crate::Error::Unsupported).
    fn describe(&self) -> Description;

    /// Takes in what others have written; true if there was anything.
    fn refresh(&mut self) -> Result<bool>;

    /// The point in time that this moment's reads answer for.
    fn now(&self) -> Timestamp;

    /// A key's value and deadline.
    fn entry(&self, key: &str) -> Result<Option<Entry>>;

    /// A key's value.
    fn get(&self, key: &str) -> Result<Option<Value>> {
        Ok(self.entry(key)?.map(|entry| entry.value))
    }

    /// Whether a key has a value.
    fn contains(&self, key: &str) -> Result<bool> {
        Ok(self.entry(key)?.is_some())
    }

    /// How many keys have a value.
    fn len(&self) -> Result<u64>;

    /// Entries in key order, or against it; after an error there are no more.
    fn scan(&self, scan: &Scan) -> EntryIter<'_>;

    /// Their keys alone.
    fn scan_keys(&self, scan: &Scan) -> KeyIter<'_> {
        Box::new(self.scan(scan).map(|item| item.map(|(key, _)| key)))
    }

    /// What a key holds, if that takes no time to speak of; no read of an open transaction.
    fn glance(&self, key: &str, limit: u64) -> Result<Option<Seen>>;

    /// What the keys that begin with `prefix` hold, from both ends, without their values; no read of an open transaction.
    fn outlines(&self, prefix: &str) -> OutlineIter<'_>;

    /// Makes one atomic change of these keys. The body may run again, if others were quicker.
    ///
    /// # Errors
    /// Those of the body, and of writing: then nothing was changed.
    fn change(&mut self, keys: Scope<'_>, body: &mut Mutation<'_>) -> Result<()>;

    /// Sets a key, whatever it held, without a deadline. In a batch nobody waits for it.
    fn set(&mut self, key: &str, value: &Value) -> Result<()>;

    /// Adds to the number that a key holds, 0 if it holds none; the sum.
    fn add(&mut self, key: &str, by: Number) -> Result<Value> {
        self.add_to_read(key, by)
    }

    /// Deletes the keys that begin so and are wanted, all or none if the store can do that; how many.
    fn delete_all(&mut self, prefix: &str, is_wanted: &IsWanted<'_>, may_go_on: MayGoOn) -> Result<u64> {
        self.delete_each(prefix, is_wanted, may_go_on)
    }

    /// Deletes every key, whatever it holds; how many.
    fn clear(&mut self, may_go_on: MayGoOn) -> Result<u64> {
        self.delete_all("", &|_| true, may_go_on)
    }

    /// Sets many entries, all or none; `observer` is told what they replace.
    fn load(&mut self, entries: &mut LoadSource<'_>, how: Loading, observer: &mut dyn LoadObserver) -> Result<Loaded>;

    /// What a load would come to, and each key that would be another one.
    fn rehearse_load(&mut self, entries: &mut LoadSource<'_>, how: Loading) -> Result<(Loaded, DifferenceIter<'_>)>;

    /// Whether it is worth telling which keys are soon to be read: where each read alone is slow.
    fn reads_ahead(&self) -> bool {
        false
    }

    /// Reads what these keys hold for [`Store::get`] within the batch.
    fn read_ahead(&mut self, _: &[&str]) {}

    /// From now on changes wait for [`Store::commit_batch`].
    fn begin_batch(&mut self);

    /// Makes the changes since durable, with one write if that can be, and ends the batch.
    ///
    /// # Errors
    /// Those of writing; then none of the batch's changes was made.
    fn commit_batch(&mut self) -> Result<()>;

    /// What waits in the batch.
    fn batch(&self) -> Batch;

    /// Which changes of batches have failed alone, by their numbers, and how.
    fn take_failures(&mut self) -> Vec<(u64, Error)> {
        Vec::new()
    }

    /// Opens a transaction.
    ///
    /// # Errors
    /// If one is open, or the store has none.
    fn begin(&mut self) -> Result<()>;

    /// Commits the open transaction; how many keys it has changed.
    fn commit(&mut self) -> Result<u64>;

    /// Forgets the open transaction; how many keys it had changed.
    fn rollback(&mut self) -> Result<u64>;

    /// How many keys the open transaction has changed, if one is open.
    fn open_transaction(&self) -> Option<u64>;

    /// Whether one is open: asked for each line of a script, where counting would take too long.
    fn is_in_transaction(&self) -> bool;

    /// Makes of a key in the open transaction what [`Changes::changed`] had said.
    fn put_back(&mut self, key: &str, changed: Changed);

    /// The changes of the open transaction so far.
    fn savepoint(&mut self) -> StoreSavepoint;

    /// Forgets those that came after; how many keys the whole of the transaction had changed by then.
    fn rollback_to(&mut self, mark: StoreSavepoint) -> u64;

    /// What the open transaction would change, in key order.
    fn differences(&mut self) -> DifferenceIter<'_>;

    /// Follows what happens to the keys that begin with `prefix`.
    fn watch(&self, prefix: &str) -> Result<Box<dyn Watching>>;

    /// The databases on the same server by their numbers, with how many keys each has, if it is on one.
    fn siblings(&self) -> Result<Vec<(u32, u64)>> {
        Ok(Vec::new())
    }

    /// What a person should know about the store, each said once.
    fn take_notices(&mut self) -> Vec<String>;

    /// The database, if the store is one in a file.
    fn files(&self) -> Option<&Database>;

    /// The same, for what changes the file.
    fn files_mut(&mut self) -> Option<&mut Database>;
}

/// A store, for whoever has it before them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Description {
    /// A path or an address, without what is secret in it.
    pub(crate) name: String,
    /// Whether it is there already, and not made by the first change.
    pub(crate) exists: bool,
}

/// Which entries are scanned, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scan {
    /// The first key.
    pub(crate) from: Option<String>,
    /// The first key that is no longer part of it.
    pub(crate) to: Option<String>,
    pub(crate) reverse: bool,
    /// Whether only some of the entries are wanted, so that the store need not be proved whole.
    pub(crate) is_partial: bool,
}

impl Scan {
    /// The keys that begin with `prefix`; all for the empty one.
    pub(crate) fn prefix(prefix: &str) -> Self {
        Self { from: Some(prefix.to_owned()), to: prefix_end(prefix), ..Self::default() }
    }

    /// The same keys, of which only some are wanted.
    pub(crate) fn partial(self, is_partial: bool) -> Self {
        Self { is_partial, ..self }
    }
}

pub(crate) type EntryIter<'a> = Box<dyn Iterator<Item = Result<(String, Entry)>> + 'a>;
pub(crate) type KeyIter<'a> = Box<dyn Iterator<Item = Result<String>> + 'a>;
pub(crate) type OutlineIter<'a> = Box<dyn DoubleEndedIterator<Item = Result<Outline>> + 'a>;
pub(crate) type DifferenceIter<'a> = Box<dyn Iterator<Item = Result<Difference>> + 'a>;
/// What is to be loaded.
pub(crate) type LoadSource<'a> = dyn Iterator<Item = Result<(String, Entry)>> + 'a;
/// Which keys are wanted.
pub(crate) type IsWanted<'a> = dyn Fn(&str) -> bool + 'a;
/// Fails once a person wants to go no further.
pub(crate) type MayGoOn = fn() -> Result<()>;
/// What makes a change.
pub(crate) type Mutation<'a> = dyn FnMut(&mut dyn Changes) -> Result<()> + 'a;

/// The keys that a change is about.
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
    /// Those that begin so.
    #[cfg_attr(
        all(feature = "redis", not(test)),
        expect(dead_code, reason = "what reads all of them at once asks for them itself")
    )]
    Prefix(&'a str),
}

/// What waits in a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Batch {
    /// Whether there is anything.
    pub(crate) is_open: bool,
    /// Whether others wait for its end.
    pub(crate) is_locked: bool,
    /// Its size.
    pub(crate) bytes: u64,
    /// How many changes it has had, if each of them may fail alone.
    pub(crate) changes: Option<u64>,
    /// Whether it is time to end it.
    pub(crate) is_full: bool,
}

/// The newest state, while it is changed.
pub(crate) trait Changes {
    /// The one point in time of the change.
    fn now(&self) -> Timestamp;
    fn entry(&self, key: &str) -> Result<Option<Entry>>;
    /// What the open transaction has made of a key.
    fn changed(&mut self, key: &str) -> Result<Changed>;
    fn set(&mut self, key: &str, entry: &Entry) -> Result<()>;
    /// True if the key was there.
    fn delete(&mut self, key: &str) -> Result<bool>;
    /// The keys that begin so and are wanted; now and then it is asked whether to go on.
    fn keys(&self, prefix: &str, is_wanted: &IsWanted<'_>, may_go_on: MayGoOn) -> Result<Vec<String>>;
}

/// The changes of an open transaction at some time, as its store has them.
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

/// What follows the keys of a store.
pub(crate) trait Watching {
    /// Tells what has changed since the last poll, until `stop` says so, which is asked now and then, or a break.
    fn poll(&mut self, stop: &dyn Fn() -> bool, each: &mut dyn FnMut(&str, Event) -> ControlFlow<()>) -> Result<()>;
    /// Why the last poll could not tell what has changed, if so.
    fn missed(&self) -> Option<&'static str>;
}

/// What can be said in terms of a store.
pub(crate) trait StoreExt: Store {
    /// As [`Store::change`], with what comes of it.
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

    /// Deletes the keys that begin so and are wanted, all or none; how many.
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

    /// The path of the database, if the store is one in a file.
    fn path(&self) -> Option<&Path> {
        self.files().and_then(Database::path)
    }
}

impl<S: Store + ?Sized> StoreExt for S {}
