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

/// The sections that nobody has begun, and how the others have ended.
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

/// The next section that nobody has begun.
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
            // Nobody asks for what comes after a failure.
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
