//! The change feed of a database.

use std::ops::ControlFlow;

use super::Database;
use super::options::Clock;
use super::range::with_prefix;
use crate::error::Result;
use crate::storage::{Event, Feed};

/// Watches the keys that start with a prefix; see [`Database::watch`].
///
/// It reports each key's last value, not every value in between: a key that is set twice between two looks is reported
/// once. A look that finds nothing costs two `stat`s. With a journal, a look costs as much as the new commits hold.
/// After a save, the entries before and after it are compared, which reads both files once.
#[derive(Debug)]
pub struct Watch {
    feed: Feed,
    clock: Clock,
}

impl Database {
    /// Watches the keys that start with `prefix` in the database's file from now on, for changes by any process. It is
    /// independent of this `Database`. A database in memory reports nothing, because no other process can change it.
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
    /// Reports what changed since the last look, or since the watch was created. Does not wait for changes: call it
    /// repeatedly.
    ///
    /// # Errors
    /// As [`Options::open`](crate::Options::open); the next look then starts where the last successful one ended. If an
    /// editor wrote into a large file in place, the old content and thus the changes are lost:
    /// [`Error::Conflict`](crate::Error::Conflict) reports that once, and the next look starts from the current
    /// content.
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

    /// Whether the last look missed changes.
    pub(crate) fn has_missed(&self) -> bool {
        self.feed.missed
    }

    /// As [`Watch::look`], until `stop` returns true, which is checked from time to time, or `each` breaks.
    pub(crate) fn look_until(
        &mut self,
        stop: &dyn Fn() -> bool,
        each: &mut dyn FnMut(&str, Event) -> ControlFlow<()>,
    ) -> Result<()> {
        self.feed.poll(self.clock.now(), stop, each)
    }
}
