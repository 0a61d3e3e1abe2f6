//! Groups of a script's lines: their changes are written together, and only then their answers.

use std::time::{Duration, Instant};

use crate::store::Store;

/// The answers that wait for their group's write, and when it is time for that.
pub(crate) struct Group {
    /// Since when there is something to write, and how many lines ago, by their place.
    pub(crate) open: Option<(Instant, String)>,
    /// Which lines: `-o json` owes each an answer.
    pub(crate) lines: Vec<usize>,
    pub(crate) held: Vec<u8>,
    /// What of `held` goes to stderr: ends of alternating pieces, stdout first.
    pub(crate) cuts: Vec<usize>,
    /// Whether its script is a file: then it is written once, at the end, if that can be.
    pub(crate) has_known_end: bool,
    /// How long the last write took.
    pub(crate) last: Duration,
    /// When the lock was last left alone for a while.
    pub(crate) gap: Instant,
}

impl Group {
    /// Answers held back are written when they reach this size.
    const HELD: usize = 1 << 20;
    /// So many bytes of changes are kept in memory,
    const PENDING: u64 = 256 << 20;
    /// or of those that come through a pipe, whose end is not known.
    const PENDING_OF_PIPE: u64 = 64 << 20;
    /// A script that never pauses makes way for other writers after this time,
    pub(crate) const LONGEST: Duration = Duration::from_secs(1);
    /// or after this where writing takes long: still less than others wait.
    const LONGEST_OF_ALL: Duration = Duration::from_secs(3);

    pub(crate) fn new() -> Self {
        Self {
            open: None,
            lines: Vec::new(),
            held: Vec::new(),
            cuts: Vec::new(),
            has_known_end: false,
            last: Duration::ZERO,
            gap: Instant::now(),
        }
    }

    /// Notes a line that was run, if there is a group or it has opened one: each of them if it is owed an answer of its own,
    /// else the first and the last.
    pub(crate) fn add(&mut self, db: &dyn Store, name: &str, line: usize, each: bool) {
        if self.open.is_none() {
            if !db.batch().is_open {
                return;
            }
            self.open = Some((Instant::now(), name.to_owned()));
        }
        match &mut self.lines[..] {
            [_, last] if !each => *last = line,
            _ => self.lines.push(line),
        }
    }

    /// How long a group may last, so that it lasts longer than it takes to write it.
    fn longest(&self) -> Duration {
        (self.last * 4).clamp(Self::LONGEST, Self::LONGEST_OF_ALL)
    }

    /// Whether it is time to write, given what waits in the database. Others wait only for a group that holds the lock.
    pub(crate) fn is_due(&self, db: &dyn Store) -> bool {
        let most = if self.has_known_end { Self::PENDING } else { Self::PENDING_OF_PIPE };
        let batch = db.batch();
        let waits = batch.is_locked || !self.has_known_end;
        self.held.len() >= Self::HELD
            || batch.bytes >= most
            || (waits && self.open.as_ref().is_some_and(|(since, _)| since.elapsed() > self.longest()))
    }

    /// Holds a piece of an answer back.
    pub(crate) fn hold(&mut self, bytes: &[u8], is_err: bool) {
        // An odd number of cuts means that the piece being written goes to stderr.
        if (self.cuts.len() % 2 == 1) != is_err {
            self.cuts.push(self.held.len());
        }
        self.held.extend_from_slice(bytes);
    }
}
