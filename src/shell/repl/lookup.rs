//! Looks up data for hints and completion: bounded in time, and outside the reads of a transaction.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::secrets;
use crate::database::{Outline, Seen};
use crate::expiry::Timestamp;
use crate::shell::commands::Session;
use crate::store::{OutlineIter, Store as _};

/// The approximate time limit of a lookup.
const LONGEST: Duration = Duration::from_millis(20);

/// Values that take more bytes than this in the file are not shown.
const LARGEST: u64 = 64 << 10;

/// Reads the session's database between its commands.
pub(super) struct Lookup {
    session: Rc<RefCell<Session>>,
    /// When changes by other processes were last read.
    refreshed: Cell<Option<Instant>>,
    /// Whether the database was opened for a single lookup.
    once: bool,
}

impl Lookup {
    pub(super) fn new(session: Rc<RefCell<Session>>) -> Self {
        Self { session, refreshed: Cell::new(None), once: false }
    }

    /// A lookup in a database that was opened for it.
    pub(super) fn once(session: Session) -> Self {
        Self { once: true, ..Self::new(Rc::new(RefCell::new(session))) }
    }

    /// The keys with this prefix, including changes by other processes: the first `most` keys and, if there are more,
    /// the last one.
    pub(super) fn keys(&self, prefix: &str, most: usize) -> (Vec<Outline>, Option<Outline>) {
        self.refreshed.set(None);
        let found = self.with_session(|session| {
            let mut range = session.db.outlines(prefix);
            let begun = Instant::now();
            let found = collect(&mut range, most, begun, |_| true);
            // Finding the last key costs as much as finding the first.
            let may_be_more = found.len() == most || begun.elapsed() > LONGEST;
            let last = if may_be_more { range.next_back().and_then(Result::ok) } else { None };
            (found, last)
        });
        found.unwrap_or_default()
    }

    /// The keys that contain the characters of a text in order, best match first. Keys that begin with its first
    /// character are tried first, as far as time allows.
    pub(super) fn fuzzy(&self, typed: &str, most: usize) -> Vec<Outline> {
        let begun = Instant::now();
        let first: String = typed.chars().take(1).collect();
        if first.is_empty() {
            return Vec::new();
        }
        let fits = |key: &str| distance(key, typed).is_some();
        let found = self.with_session(|session| {
            let mut found = collect(&mut session.db.outlines(&first), most, begun, fits);
            let others = |key: &str| !key.starts_with(&first) && fits(key);
            found.extend(collect(&mut session.db.outlines(""), most - found.len(), begun, others));
            found
        });
        let mut found = found.unwrap_or_default();
        found.sort_by_cached_key(|outline| (distance(&outline.key, typed), outline.key.clone()));
        found
    }

    /// The value of a key; `None` if it does not exist or cannot be read.
    pub(super) fn value(&self, key: &str) -> Option<Seen> {
        self.with_session(|session| session.db.glance(key, LARGEST)).and_then(Result::ok).flatten()
    }

    /// Whether a line of the history may contain a secret.
    pub(super) fn may_be_secret(&self, line: &str) -> bool {
        self.session.try_borrow().map_or(true, |session| secrets::may_be_in(line, &session.masks))
    }

    /// Whether the value of a key is masked.
    pub(super) fn is_masked(&self, key: &str) -> bool {
        self.session.try_borrow().map_or(true, |session| session.masks.hides(key))
    }

    /// The time that expiries are compared with.
    pub(super) fn now(&self) -> Timestamp {
        self.with_session(|session| session.db.now()).unwrap_or_else(|| Timestamp::from_millis(0))
    }

    fn with_session<T>(&self, ask: impl FnOnce(&Session) -> T) -> Option<T> {
        const FRESH: Duration = Duration::from_millis(500);
        let mut session = self.session.try_borrow_mut().ok()?;
        let is_fresh = self.refreshed.get().is_some_and(|refreshed| refreshed.elapsed() < FRESH);
        // Reads of a transaction must stay the same until its commit. The next command reports problems with the file.
        if !is_fresh && !self.once && !session.db.is_in_transaction() {
            let _ = session.db.refresh();
            self.refreshed.set(Some(Instant::now()));
        }
        Some(ask(&session))
    }
}

/// The keys that match, until the time limit since `begun` is reached.
fn collect(range: &mut OutlineIter<'_>, most: usize, begun: Instant, fits: impl Fn(&str) -> bool) -> Vec<Outline> {
    let mut found = Vec::new();
    let mut looked_at = 0_u32;
    while found.len() < most
        && let Some(Ok(outline)) = range.next()
    {
        if fits(&outline.key) {
            found.push(outline);
        }
        looked_at += 1;
        if looked_at.is_multiple_of(64) && begun.elapsed() > LONGEST {
            break;
        }
    }
    found
}

/// The distance of a key from a text whose characters it contains in order: the number of other characters between
/// them, then the position of the first. `None` if the key does not match.
fn distance(key: &str, typed: &str) -> Option<(usize, usize)> {
    let lower = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<Vec<char>>();
    let (key, typed) = (lower(key), lower(typed));
    if typed.is_empty() {
        return Some((0, 0));
    }
    if let Some(at) = key.windows(typed.len()).position(|part| part == typed) {
        return Some((0, at));
    }
    // Finds the first position where the match ends, and from there back the last position where it begins.
    let mut left = typed.iter().peekable();
    let end = key.iter().position(|c| left.next_if_eq(&c).is_some() && left.peek().is_none())? + 1;
    let mut left = typed.iter().rev().peekable();
    let start = key[..end].iter().rposition(|c| left.next_if_eq(&c).is_some() && left.peek().is_none())?;
    Some((end - start - typed.len(), start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_key_is_the_one_with_the_least_between() {
        assert_eq!(distance("user:1:name", "NAME"), Some((0, 7)));
        assert_eq!(distance("session:9", "ss9"), Some((4, 2)));
        assert_eq!(distance("session:9", "9s"), None);
        assert_eq!(distance("a", ""), Some((0, 0)));
        assert_eq!(distance("ÄÖ", "äö"), Some((0, 0)));
        assert_eq!(distance("short", "shorter"), None);
    }

    #[test]
    fn a_look_takes_a_bounded_time_however_many_keys_there_are() {
        use crate::shell::commands::Access;
        use crate::shell::config::Location;

        let location = Location::of_file("test", "test.json");
        let access = Access { read_only: false, wait: Some(Duration::ZERO) };
        let mut session = Session::without_database(location, access);
        let db = session.db.files_mut().unwrap();
        db.extend((0..300_000).map(|n| (format!("user:{n:06}"), "x"))).unwrap();
        let lookup = Lookup::new(Rc::new(RefCell::new(session)));
        // On a busy machine, the time limit may pass before the lookup begins.
        let is_found = || {
            let (keys, last) = lookup.keys("user:", 1_000);
            (keys.len(), last.map(|last| last.key)) == (1_000, Some("user:299999".to_owned()))
        };
        assert!((0..1_000).any(|_| is_found()));
        let is_found = || lookup.fuzzy("u00007", 1_000).first().is_some_and(|first| first.key == "user:000070");
        assert!((0..1_000).any(|_| is_found()));
        assert!(lookup.fuzzy("zzz", 1_000).is_empty());
        let is_over = Instant::now().checked_sub(LONGEST).unwrap();
        let session = lookup.session.borrow();
        assert_eq!(collect(&mut session.db.outlines(""), 1_000, is_over, |_| true).len(), 64);
        assert!(collect(&mut session.db.outlines(""), 1_000, is_over, |_| false).is_empty());
    }
}
