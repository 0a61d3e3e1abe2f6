//! What changes in a database while one looks on.

use std::ops::ControlFlow;

use super::Database;
use super::options::Clock;
use super::range::with_prefix;
use crate::error::Result;
use crate::storage::{Event, Feed};

/// Follows the keys of a database that begin with a prefix, from [`Database::watch`].
///
/// It is told each key's last value, not every value on the way: what is set twice between two looks is told once. A look
/// that finds nothing costs two `stat`s. Commits to the journal of a large database cost what they hold; behind a save the
/// entries before and after it are compared, which reads both files once.
#[derive(Debug)]
pub struct Watch {
    feed: Feed,
    clock: Clock,
}

impl Database {
    /// Follows what happens to the keys that begin with `prefix` in the database's file from now on, whoever does it. It
    /// looks for itself, whatever this `Database` does. A database without a file has nobody else who changes it: nothing
    /// is told of it.
    ///
    /// # Errors
    /// As [`Options::open`](crate::Options::open).
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("kv.json");
    /// use rusty_kv::{Database, Event};
    /// let mut db = Database::open(&path)?;
    /// let mut watch = db.watch("user:")?;
    /// db.set("user:1", "Ada")?;
    /// db.set("video:1", "x")?;
    /// let mut seen = Vec::new();
    /// watch.look(|key, event| seen.push((key.to_owned(), event)))?;
    /// assert_eq!(seen, [("user:1".to_owned(), Event::Set("Ada".into()))]);
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn watch(&self, prefix: &str) -> Result<Watch> {
        let clock = self.clock.clone();
        let feed = with_prefix(prefix, |from, to| self.store.watch(from, to, clock.now()))?;
        Ok(Watch { feed, clock })
    }
}

impl Watch {
    /// Tells what has changed since the last look, or since the watch began. It does not wait: look again in a moment.
    ///
    /// # Errors
    /// As [`Options::open`](crate::Options::open); the next look begins where the last one did that had none. But where an
    /// editor has written into a large file, what was there before is gone, and so is what changed:
    /// [`Error::Conflict`](crate::Error::Conflict) says so once, and the next look begins with what is there.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// let db = rusty_kv::Database::open(folder.path().join("kv.json"))?;
    /// db.watch("")?.look(|key, event| println!("{key}: {event:?}"))?;
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn look(&mut self, mut each: impl FnMut(&str, Event)) -> Result<()> {
        self.look_until(&|| false, &mut |key, event| {
            each(key, event);
            ControlFlow::Continue(())
        })
    }

    /// Whether the last look found that what has changed cannot be told.
    pub(crate) fn has_missed(&self) -> bool {
        self.feed.missed
    }

    /// The same, until `stop` says so, which is asked now and then, or a break.
    pub(crate) fn look_until(
        &mut self,
        stop: &dyn Fn() -> bool,
        each: &mut dyn FnMut(&str, Event) -> ControlFlow<()>,
    ) -> Result<()> {
        self.feed.poll(self.clock.now(), stop, each)
    }
}
