//! The change feed: what changed between two looks at the files.
//!
//! A look costs two stats. If the journal has only grown, its new lines are the changes. After a save, which replaces
//! the snapshot, the pinned entries are compared with the current ones, both as streams. So each key's last value is
//! reported, but not every value in between.

use std::ops::{Bound, ControlFlow};
use std::time::Duration;

use super::merged::Held;
use super::reading::Entries;
use super::view::{Advance, Base, View};
use crate::error::Result;
use crate::expiry::Timestamp;
use crate::json::Fault;
use crate::storage::{Change, Entry, Storage, Stored};

/// A change feed for a range of keys.
#[derive(Debug)]
pub(crate) struct Feed {
    /// The entries at the last look.
    store: Storage,
    from: Bound<String>,
    to: Bound<String>,
    /// Entries that had expired by this time have been reported.
    reported: Timestamp,
    /// The first expiry after that, if any.
    next: Option<Timestamp>,
    /// Expiries are not scanned again before this time.
    rest_until: Timestamp,
    /// Whether the last look missed changes, because an editor overwrote the old content.
    pub(crate) missed: bool,
}

/// A change of a key; see [`Watch::look`](crate::Watch::look).
///
/// ```
/// assert_ne!(rusty_kv::Event::Deleted, rusty_kv::Event::Set("a".into()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It was set to this entry.
    Set(Entry),
    /// It was deleted.
    Deleted,
    /// It expired.
    Expired,
}

/// Receives each change; a break ends the look.
pub(crate) type EventSink<'a> = dyn FnMut(&str, Event) -> ControlFlow<()> + 'a;

/// A snapshot up to this size is kept in memory, so that the old content is still available if an editor writes into
/// the file.
const HELD: u64 = 1 << 20;

/// For every this many expiries scanned, rest a millisecond, so that scanning takes at most a tenth of the time.
const EXPIRIES_PER_MILLISECOND: u64 = 500;

/// How many entries are compared between two checks whether to stop.
const CHECK_EVERY: u64 = 1024;

impl Storage {
    /// Watches a range of this database from now on, independently of this store.
    pub(crate) fn watch(&self, from: Bound<&str>, to: Bound<&str>, now: Timestamp) -> Result<Feed> {
        let mut feed = Feed {
            store: self.at_newest()?,
            from: from.map(str::to_owned),
            to: to.map(str::to_owned),
            reported: now,
            next: None,
            rest_until: now,
            missed: false,
        };
        feed.scan_expiries(now, &mut |_, _| ControlFlow::Continue(()))?;
        Ok(feed)
    }

    /// A separate store with the current state.
    fn at_newest(&self) -> Result<Self> {
        let mut settings = self.settings.clone();
        settings.read_only = true;
        let Some(path) = self.path.clone() else { return Ok(Self::in_memory(settings)) };
        let view = View::pin(&*self.disk, &path)?;
        let mut store = Self { disk: self.disk.clone(), path: Some(path), view, ..Self::in_memory(settings) };
        store.check_empty_file()?;
        if let Base::Indexed(indexed) = &store.view.base
            && store.file_len() <= HELD
        {
            let document = indexed.document().map_err(|fault| store.view.fault(fault))?;
            store.view.base = Base::Document(document);
        }
        Ok(store)
    }
}

impl Feed {
    /// Reports what changed since the last look. Calls `stop` from time to time during a long one.
    pub(crate) fn poll(&mut self, now: Timestamp, stop: &dyn Fn() -> bool, each: &mut EventSink<'_>) -> Result<()> {
        self.missed = false;
        match self.store.view.advance(&*self.store.disk)? {
            Advance::Nothing => {}
            Advance::Grown(changes) => {
                for (key, old, new) in changes {
                    if self.holds(&key)
                        && self.report(&key, old, new, now, each).map_err(|fault| self.store.corrupt(fault))?.is_break()
                    {
                        return Ok(());
                    }
                }
            }
            Advance::Renewed => {
                let newest = self.store.at_newest()?;
                if let Err(error) = self.store.view.check_intact() {
                    self.store = newest;
                    self.missed = true;
                    // Skip those that have expired by now, too.
                    self.scan_expiries(now, &mut |_, _| ControlFlow::Continue(()))?;
                    return Err(error);
                }
                if self.compare(&newest, now, stop, each)?.is_break() {
                    return Ok(());
                }
                self.store = newest;
            }
        }
        if self.next.is_some_and(|next| next <= now) && self.rest_until <= now {
            self.scan_expiries(now, each)?;
        }
        Ok(())
    }

    fn bounds(&self) -> (Bound<&str>, Bound<&str>) {
        (self.from.as_ref().map(String::as_str), self.to.as_ref().map(String::as_str))
    }

    fn holds(&self, key: &str) -> bool {
        std::ops::RangeBounds::<str>::contains(&self.bounds(), key)
    }

    /// Reports a key whose stored entry changed.
    fn report(
        &mut self,
        key: &str,
        old: Change,
        new: Change,
        now: Timestamp,
        each: &mut EventSink<'_>,
    ) -> Result<ControlFlow<()>, Fault> {
        let is_over = |stored: &Stored| stored.expiry.is_some_and(|expiry| expiry <= now);
        // An entry that had expired by the last look has been reported.
        let old = old.filter(|stored| stored.is_live(self.reported));
        let event = match (old, new) {
            (old, Some(new)) if new.is_live(now) => {
                self.expect(new.expiry);
                if old.as_ref() == Some(&new) {
                    return Ok(ControlFlow::Continue(()));
                }
                Event::Set(Entry::decode(&new.text, new.expiry)?)
            }
            // The scan of expiries will report it.
            (_, Some(new)) if new.is_live(self.reported) => {
                self.expect(new.expiry);
                return Ok(ControlFlow::Continue(()));
            }
            (Some(_), Some(_)) => Event::Expired,
            (Some(old), None) => {
                if is_over(&old) {
                    Event::Expired
                } else {
                    Event::Deleted
                }
            }
            (None, _) => return Ok(ControlFlow::Continue(())),
        };
        Ok(each(key, event))
    }

    /// Notes an expiry that may be the next one.
    fn expect(&mut self, expiry: Option<Timestamp>) {
        self.next = self.next.into_iter().chain(expiry).min();
    }

    /// Reports the differences to a newer state.
    fn compare(
        &mut self,
        newest: &Storage,
        now: Timestamp,
        stop: &dyn Fn() -> bool,
        each: &mut EventSink<'_>,
    ) -> Result<ControlFlow<()>> {
        // Taken out, so that reports can be recorded while it is read.
        let last = std::mem::replace(&mut self.store, Storage::in_memory(newest.settings.clone()));
        let compared = self.compare_with(&last, newest, now, stop, each);
        self.store = last;
        compared
    }

    fn compare_with(
        &mut self,
        last: &Storage,
        newest: &Storage,
        now: Timestamp,
        stop: &dyn Fn() -> bool,
        each: &mut EventSink<'_>,
    ) -> Result<ControlFlow<()>> {
        let (from, to) = (self.from.clone(), self.to.clone());
        let bounds = || (from.as_ref().map(String::as_str), to.as_ref().map(String::as_str));
        let mut old = Lookahead::of(last.range(bounds().0, bounds().1)?)?;
        let mut new = Lookahead::of(newest.range(bounds().0, bounds().1)?)?;
        self.next = None;
        for looked_at in 0_u64.. {
            if looked_at.is_multiple_of(CHECK_EVERY) && stop() {
                return Ok(ControlFlow::Break(()));
            }
            let order = match (old.key(), new.key()) {
                (None, None) => break,
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some(old), Some(new)) => old.cmp(new),
            };
            if order.is_eq() && old.next.text == new.next.text && old.next.expiry == new.next.expiry {
                if new.next.expiry.is_some_and(|expiry| expiry > self.reported) {
                    self.expect(new.next.expiry);
                }
            } else {
                let key = if order.is_le() { old.next.key.clone() } else { new.next.key.clone() };
                let (was, is) = (order.is_le().then(|| old.stored()), order.is_ge().then(|| new.stored()));
                if self.report(&key, was, is, now, each).map_err(|fault| last.corrupt(fault))?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            if order.is_le() {
                old.advance()?;
            }
            if order.is_ge() {
                new.advance()?;
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Reports the expiries that have passed since the last scan, and finds the next one.
    fn scan_expiries(&mut self, now: Timestamp, each: &mut EventSink<'_>) -> Result<()> {
        let (reported, mut next, mut count) = (self.reported, None, 0_u64);
        let mut expired = Vec::new();
        self.store.expiries(self.bounds(), &mut |key, expiry| {
            count += 1;
            if expiry > now {
                next = next.into_iter().chain([expiry]).min();
            } else if expiry > reported {
                expired.push(key.to_owned());
            }
        })?;
        (self.reported, self.next) = (now, next);
        self.rest_until = now.after(Duration::from_millis(count / EXPIRIES_PER_MILLISECOND)).unwrap_or(now);
        for key in expired {
            if each(&key, Event::Expired).is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl Storage {
    /// The expiries of the keys in a range, in no particular order.
    fn expiries(&self, (from, to): (Bound<&str>, Bound<&str>), each: &mut dyn FnMut(&str, Timestamp)) -> Result<()> {
        let changes = self.view.changes()?.map(|replay| &replay.overlay);
        let is_below = |key: &str| changes.is_none_or(|changes| changes.get(key).is_none());
        match &self.view.base {
            Base::Document(document) => {
                for (key, stored) in document.range(from, to).filter(|(key, _)| is_below(key)) {
                    stored.expiry.into_iter().for_each(|expiry| each(key, expiry));
                }
            }
            Base::Indexed(indexed) => {
                let is_inside = |key: &str| std::ops::RangeBounds::<str>::contains(&(from, to), key);
                let mut inside = |key: &str, expiry| {
                    if is_inside(key) && is_below(key) {
                        each(key, expiry);
                    }
                };
                indexed.expiries(&mut inside).map_err(|fault| self.view.fault(fault))?;
            }
        }
        for (key, change) in changes.into_iter().flat_map(|changes| changes.range(from, to)) {
            change.iter().filter_map(|stored| stored.expiry).for_each(|expiry| each(key, expiry));
        }
        Ok(())
    }
}

/// Entries with a copy of the next one.
struct Lookahead<'a> {
    entries: Entries<'a>,
    next: Held,
}

impl<'a> Lookahead<'a> {
    fn of(entries: Entries<'a>) -> Result<Self> {
        let mut ahead = Self { entries, next: Held::default() };
        ahead.advance()?;
        Ok(ahead)
    }

    fn key(&self) -> Option<&str> {
        self.next.full.then_some(&*self.next.key)
    }

    fn stored(&self) -> Stored {
        Stored { text: self.next.text.as_str().into(), expiry: self.next.expiry }
    }

    fn advance(&mut self) -> Result<()> {
        self.next.hold(self.entries.next()?);
        Ok(())
    }
}
