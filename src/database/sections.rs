//! Ranges that several threads read at once.

use std::iter::Zip;
use std::ops::Bound;
use std::slice::IterMut;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::vec::IntoIter;

use super::Database;
use crate::error::{Error, Result};
use crate::expiry::Timestamp;
use crate::storage::{LineSum, RangeSection, SectionFault};

/// Is given keys, values in their form on disk, and expiries.
pub(crate) type Visitor<'a> = dyn FnMut(&str, &str, Option<Timestamp>) -> Result<()> + Send + 'a;

/// How a section has ended.
type SectionEnd = Result<Option<LineSum>, SectionFault>;

/// The sections that no thread has started, and the results of the others.
struct SectionWork<'w, 'a, 'v> {
    left: Zip<IntoIter<RangeSection<'a>>, IterMut<'w, Box<Visitor<'v>>>>,
    begun: usize,
    ended: Vec<SectionEnd>,
}

impl Database {
    /// Gives every live entry as it is stored, until a failure. There are at most as many sections as visitors, each section in
    /// key order and the first for the first; threads share them, if they can be had. Of failures the first in key order counts.
    pub(crate) fn visit(&self, from: Bound<&str>, to: Bound<&str>, visitors: &mut [Box<Visitor<'_>>]) -> Result<()> {
        let sections = self.store.sections(from, to, visitors.len())?;
        let count = sections.len();
        let left = sections.into_iter().zip(visitors);
        let ended = (0..count).map(|_| Err(SectionFault::unread())).collect();
        let work = Mutex::new(SectionWork { left, begun: 0, ended });
        let (now, failed) = (self.now(), AtomicUsize::new(usize::MAX));
        thread::scope(|scope| {
            let first = take(&work);
            for _ in 1..count {
                // What no thread can be had for is done by those that there are.
                let _ = thread::Builder::new().spawn_scoped(scope, || visit_sections(&work, take(&work), now, &failed));
            }
            visit_sections(&work, first, now, &failed);
        });
        let work = work.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.store.end_sections(from, to, work.ended)
    }
}

/// A section's number, itself, and who visits it.
type Begun<'w, 'a, 'v> = (usize, (RangeSection<'a>, &'w mut Box<Visitor<'v>>));

/// The next section that no thread has started.
fn take<'w, 'a, 'v>(work: &Mutex<SectionWork<'w, 'a, 'v>>) -> Option<Begun<'w, 'a, 'v>> {
    let mut work = work.lock().unwrap_or_else(PoisonError::into_inner);
    let next = work.left.next()?;
    work.begun += 1;
    Some((work.begun - 1, next))
}

/// Reads one section after the other, as long as there are any.
fn visit_sections<'w, 'a, 'v>(
    work: &Mutex<SectionWork<'w, 'a, 'v>>,
    mut next: Option<Begun<'w, 'a, 'v>>,
    now: Timestamp,
    failed: &AtomicUsize,
) {
    while let Some((nth, (section, visitor))) = next {
        let ended = section.read(&mut |line| {
            // Nothing after a failure is needed.
            if failed.load(Ordering::Relaxed) < nth {
                return Err(Error::Interrupted);
            }
            if line.expiry.is_some_and(|expiry| expiry <= now) {
                return Ok(());
            }
            visitor(&line.key, line.text, line.expiry)
        });
        if ended.is_err() {
            failed.fetch_min(nth, Ordering::Relaxed);
        }
        work.lock().unwrap_or_else(PoisonError::into_inner).ended[nth] = ended;
        next = take(work);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::prefix_end;

    /// The keys with this prefix that each of four visitors receives.
    fn visited(db: &Database, prefix: &str) -> Vec<Vec<String>> {
        let mut seen = vec![Vec::new(); 4];
        let mut visitors: Vec<Box<Visitor<'_>>> = Vec::new();
        for seen in &mut seen {
            visitors.push(Box::new(|key, text, _| {
                assert!(text.starts_with('"'), "{key}");
                seen.push(key.to_owned());
                Ok(())
            }));
        }
        let end = prefix_end(prefix);
        let from = if prefix.is_empty() { Bound::Unbounded } else { Bound::Included(prefix) };
        db.visit(from, end.as_deref().map_or(Bound::Unbounded, Bound::Excluded), &mut visitors).unwrap();
        drop(visitors);
        seen
    }

    #[test]
    fn sections_are_all_entries_in_order_with_those_of_the_journal_and_without_the_expired() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kv.json");
        let mut db = Database::open(&path).unwrap();
        db.transaction(|tx| (0..5_000).try_for_each(|n| tx.set(&format!("{n:04}"), "v".repeat(1_000)))).unwrap();
        db.save().unwrap();
        db.set("2500x", "new").unwrap();
        db.delete("0001").unwrap();
        let seen = visited(&db, "");
        assert!(seen.iter().all(|keys| !keys.is_empty()), "each has a section");
        assert_eq!(seen.concat(), db.iter().keys().collect::<Result<Vec<_>>>().unwrap());
        assert_eq!(visited(&db, "2").concat().len(), 1_001);
        assert_eq!(visited(&db, "none").concat().len(), 0);
        let missing = visited(&Database::in_memory(), "");
        assert_eq!(missing.concat().len(), 0);
    }

    #[test]
    fn the_failure_that_comes_first_in_key_order_counts() {
        let folder = tempfile::tempdir().unwrap();
        let mut db = Database::open(folder.path().join("kv.json")).unwrap();
        db.transaction(|tx| (0..5_000).try_for_each(|n| tx.set(&format!("{n:04}"), "v".repeat(1_000)))).unwrap();
        db.save().unwrap();
        for _ in 0..20 {
            let mut visitors: Vec<Box<Visitor<'_>>> = Vec::new();
            for _ in 0..4 {
                // The last entry of the first section fails late, the first of the others at once.
                visitors.push(Box::new(|key, _, _| match key {
                    "1200" | "1300" | "2600" | "4000" => {
                        Err(Error::Unsupported { store: key.to_owned(), reason: "for a test" })
                    }
                    _ => Ok(()),
                }));
            }
            let error = db.visit(Bound::Unbounded, Bound::Unbounded, &mut visitors).unwrap_err();
            assert!(error.to_string().contains("1200"), "{error}");
        }
    }
}
