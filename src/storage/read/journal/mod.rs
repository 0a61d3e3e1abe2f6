//! The journal: the changes since the snapshot, one JSON line per change. Pure: bytes in, bytes out.
//!
//! ```json
//! {"rusty-kv-journal":1,"epoch":"<16 hex>","n":16,"stamp":{…},"layout":{…},"sum":"<16 hex>"}
//! {"n":17,"key":"k","value":"v","expires":"2026-11-23T04:00:00.000Z","sum":"<16 hex>"}
//! {"n":17,"key":"l","deleted":true,"last":2,"sum":"<16 hex>"}
//! {"fold":{"stamp":{…},"layout":{…}},"n":17,"sum":"<16 hex>"}
//! ```
//! The first line, the [`Header`], names the snapshot, the last commit in it, and a random epoch. It is followed by the
//! commits, which are numbered without gaps. A commit is a set of changes that are valid only together, one line per
//! key; its last line has the number of lines. A [`Fold`] line records a save and has no number of its own. `sum` is
//! the checksum of the line before it, seeded with the epoch.
//!
//! # Torn or corrupt
//! A commit is one append and one sync, and nothing is appended after the remains of a crash. So a crash can leave
//! some, but not all, lines of the one next commit, with arbitrary bytes between and after them, or the start of a fold
//! line. That is *torn*: it was never acknowledged, and is ignored.
//!
//! Anything else that is not the next complete commit or a fold line is *corruption*, because an acknowledged commit
//! may be lost or follow it: a good line of any other commit, a fold line, a complete commit after a bad line, or one
//! that lacks more than its newline. A line with the right sum that this version does not write was written by a newer
//! version, wherever it is.
//!
//! # Deliberately not done
//! The sum protects against accidents, not against forgery. Lines that trade places within their commit are not
//! noticed; their order has no meaning.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::storage::format::journal_line::{ChangeLine, JournalLines, LineKind, Refused};
use crate::storage::format::record::{Change, Stored};
use crate::storage::format::{header, journal_line, seal};

pub(crate) use crate::storage::format::header::{Fold, Header, HeaderFault, Stamp};

/// Appends a commit: its changes, each of a different key. Writes nothing if there are none.
pub(crate) fn write_commit<'a>(
    out: &mut Vec<u8>,
    epoch: u64,
    n: u64,
    changes: impl IntoIterator<Item = (&'a str, Option<&'a Stored>)>,
) {
    let mut scratch = String::new();
    let mut count = 0;
    let mut changes = changes.into_iter().peekable();
    while let Some(change) = changes.next() {
        count += 1;
        let last = changes.peek().is_none().then_some(count);
        journal_line::write(out, &mut scratch, epoch, n, change, last);
    }
}

/// The lines of a journal after its header, or after the part that has been read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Body<'a> {
    pub(crate) bytes: &'a [u8],
    /// The journal's.
    pub(crate) epoch: u64,
    /// The commit before the first one in `bytes`.
    pub(crate) n: u64,
}

/// The result of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Replayed {
    /// Where the last complete commit or fold line ends.
    pub(crate) good: usize,
    /// How many bytes follow that: the remains of a crash, or a write in progress.
    pub(crate) torn: usize,
    /// The number of the last complete commit.
    pub(crate) n: u64,
    /// The last fold line.
    pub(crate) fold: Option<Fold>,
}

/// Why a journal cannot be used: no crash explains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Corruption {
    /// Where the line starts.
    pub(crate) at: usize,
    /// The number of the line in the bytes, from 1.
    pub(crate) line: u64,
    pub(crate) reason: String,
    /// Whether the line is intact, but written by a newer version.
    pub(crate) newer: bool,
    /// How many good lines follow.
    pub(crate) good_after: u64,
}

impl<'a> Body<'a> {
    /// Passes the changes of all complete commits to `sink`, in order, each with its commit's number.
    pub(crate) fn replay(self, sink: &mut dyn FnMut(u64, Cow<'a, str>, Change)) -> Result<Replayed, Corruption> {
        self.walk(&mut |line| sink(line.n, line.key, line.change))
    }

    /// The latest change of one key, if any; found by searching for its bytes. Checks only the last commit and the line
    /// with the answer: if anything is wrong with them, only a replay can answer.
    pub(crate) fn find(self, key: &str) -> Result<Option<Change>, Suspect> {
        if self.ends_complete() { self.search(key) } else { Err(Suspect) }
    }

    /// The number of the last commit if all lines are good and all commits are complete. Checks only sums and numbers,
    /// which is much faster than a replay.
    pub(crate) fn last_commit(self) -> Option<u64> {
        let mut n = self.n;
        let mut open = 0;
        let mut rest = self.bytes;
        while !rest.is_empty() {
            let end = memchr::memchr(b'\n', rest)?;
            let content = seal::open(&rest[..end], self.epoch)?;
            rest = &rest[end + 1..];
            if content.starts_with(header::FOLD) {
                Fold::read(content).filter(|fold| open == 0 && fold.through <= n)?;
                continue;
            }
            let (number, last) =
                journal_line::glance(content).filter(|&(number, _)| n.checked_add(1) == Some(number))?;
            open += 1;
            match last {
                Some(count) if count != open => return None,
                Some(_) => (n, open) = (number, 0),
                None => {}
            }
        }
        (open == 0).then_some(n)
    }

    /// Appends the commits after `through` to another journal: the same changes and numbers with its epoch.
    pub(crate) fn carry_over(self, out: &mut Vec<u8>, through: u64, epoch: u64) -> Result<Replayed, Corruption> {
        let start = out.len();
        let replayed = self.walk(&mut |line| {
            if line.n > through {
                let start = out.len();
                out.extend_from_slice(line.content);
                seal::seal(out, start, epoch);
            }
        });
        if replayed.is_err() {
            out.truncate(start);
        }
        replayed
    }

    fn walk(self, sink: &mut dyn FnMut(ChangeLine<'a>)) -> Result<Replayed, Corruption> {
        let mut replayed = Replayed { good: 0, torn: 0, n: self.n, fold: None };
        let mut lines = JournalLines::of(self.bytes);
        let mut scratch = String::new();
        let mut commit = Vec::new();
        loop {
            let before = lines.clone();
            let Some(kind) = lines.read(self.epoch, &mut scratch) else { break };
            // There is no number after the last one; a line with it belongs to a commit that is already read.
            let next = replayed.n.saturating_add(1);
            let fault = match kind {
                LineKind::Change(line) if line.n != next || line.n == replayed.n => {
                    format!("expected commit {next}, found commit {}", line.n)
                }
                LineKind::Change(line) => match line.last {
                    Some(count) if count != commit.len() + 1 => {
                        format!("it says that commit {next} has {count} lines, found {}", commit.len() + 1)
                    }
                    last => {
                        commit.push(line);
                        if last.is_some() {
                            commit.drain(..).for_each(&mut *sink);
                            replayed.n = next;
                            replayed.good = lines.at;
                        }
                        continue;
                    }
                },
                LineKind::Fold(fold) if commit.is_empty() && fold.through <= replayed.n => {
                    replayed.fold = Some(fold);
                    replayed.good = lines.at;
                    continue;
                }
                LineKind::Fold(fold) if fold.through <= replayed.n => {
                    format!("it records a save of commit {} inside commit {next}", fold.through)
                }
                LineKind::Fold(fold) => {
                    format!("it records a save of commit {}, but commit {} was the last", fold.through, replayed.n)
                }
                LineKind::Bad(reason) => reason.to_owned(),
                // `judge` finds the same fault and its reason.
                LineKind::Refused(_) => String::new(),
            };
            self.judge(&before, next, commit.len(), fault)?;
            break;
        }
        replayed.torn = self.bytes.len() - replayed.good;
        Ok(replayed)
    }

    /// Fails unless everything from the faulty line on can be the remains of commit `next` after a crash. `before` of
    /// its lines have been read.
    fn judge(self, from: &JournalLines<'a>, next: u64, before: usize, fault: String) -> Result<(), Corruption> {
        let mut scratch = String::new();
        let mut lines = from.clone();
        let (mut good_after, mut count, mut whole, mut foreign) = (0_u64, before, usize::MAX, false);
        loop {
            let at = lines.clone();
            let Some(mut kind) = lines.read(self.epoch, &mut scratch) else { break };
            if matches!(kind, LineKind::Bad(_)) {
                match journal_line::front(&self.bytes[at.at..lines.at], self.epoch, &mut scratch) {
                    Some(front) => kind = front,
                    None => continue,
                }
            } else {
                good_after += u64::from(at.at > from.at);
            }
            match kind {
                LineKind::Change(line) if line.n == next => {
                    count += 1;
                    whole = whole.min(line.last.unwrap_or(usize::MAX));
                }
                LineKind::Change(_) | LineKind::Fold(_) => foreign = true,
                LineKind::Bad(_) => {}
                LineKind::Refused(refused) => {
                    let (reason, newer) = match refused {
                        Refused::Newer => ("a newer version of rusty-kv wrote it".to_owned(), true),
                        Refused::Wrong(reason) => (reason, false),
                    };
                    let good_after = self.good_lines(lines.clone());
                    return Err(Corruption { at: at.at, line: lines.taken, reason, newer, good_after });
                }
            }
        }
        if foreign || count >= whole {
            let line = from.taken + 1;
            return Err(Corruption { at: from.at, line, reason: fault, newer: false, good_after });
        }
        Ok(())
    }

    fn good_lines(self, mut lines: JournalLines<'a>) -> u64 {
        let mut scratch = String::new();
        let mut good = 0;
        while let Some(kind) = lines.read(self.epoch, &mut scratch) {
            good += u64::from(matches!(kind, LineKind::Change(_) | LineKind::Fold(_)));
        }
        good
    }

    /// Whether the last line is a fold line or ends a complete commit, read from the end. If so, no line is torn, and
    /// any bad line before is corrupt.
    fn ends_complete(self) -> bool {
        let mut rest = self.bytes;
        let Some(last) = take_last(&mut rest) else { return rest.is_empty() };
        let Some(content) = seal::open(last, self.epoch) else { return false };
        if content.starts_with(header::FOLD) {
            return true;
        }
        let Some((n, Some(count))) = journal_line::glance(content) else { return false };
        (1..count).all(|_| {
            let line = take_last(&mut rest).and_then(|line| seal::open(line, self.epoch));
            line.and_then(journal_line::glance) == Some((n, None))
        })
    }

    /// The change in the newest line with this key, found by searching for its bytes.
    fn search(self, key: &str) -> Result<Option<Change>, Suspect> {
        let needle = journal_line::needle(key);
        let starts =
            memchr::memmem::find_iter(self.bytes, &needle).filter_map(|at| journal_line::start_of(self.bytes, at));
        let Some(start) = starts.last() else { return Ok(None) };
        match JournalLines::of(&self.bytes[start..]).read(self.epoch, &mut String::new()) {
            Some(LineKind::Change(line)) if line.key == key => Ok(Some(line.change)),
            _ => Err(Suspect),
        }
    }
}

/// A line is bad. Only a replay shows what that means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Suspect;

/// Removes and returns the last line, without its newline. `None` if no line ends in one.
fn take_last<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let lines = bytes.strip_suffix(b"\n")?;
    let start = memchr::memrchr(b'\n', lines).map_or(0, |at| at + 1);
    *bytes = &bytes[..start];
    Some(&lines[start..])
}
