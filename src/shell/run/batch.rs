//! Batches of a script's lines: their changes are synced together, and their answers are written after that.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::{Flow, Origin, Runner};
use crate::error::Error;
use crate::shell::answer::code::Code;
use crate::shell::answer::reply::Failure;
use crate::shell::text::argument::OutputMode;
use crate::store::Store;

/// A line whose changes may fail while those around it do not.
struct QueuedLine {
    /// How many changes the batch had with its own.
    changes: u64,
    line: usize,
    /// Its answer within what is held.
    from: usize,
    to: Option<usize>,
}

/// The answers that wait for their batch's sync, and when it is time for that.
pub(crate) struct PendingAnswers {
    /// When the first of them began to wait, and the lines that they belong to.
    open: Option<(Instant, String)>,
    /// The lines: with `-o json`, each gets an answer.
    lines: Vec<usize>,
    held: Vec<u8>,
    /// The parts of `held` for stderr: ends of alternating pieces, stdout first.
    cuts: Vec<usize>,
    /// The lines whose changes may fail alone, if there are such.
    queued: Option<Vec<QueuedLine>>,
    /// Whether its script is a file: then it is written once, at the end, if that can be.
    has_known_end: bool,
    /// Whether its lines have changed anything, which takes effect when the batch is written.
    pub(crate) has_changed: bool,
    /// How long the last write took.
    last: Duration,
    /// When the lock was last released for a while.
    gap: Instant,
}

impl PendingAnswers {
    /// Held answers are written when they reach this size.
    const HELD: usize = 1 << 20;
    /// The number of bytes of changes that are kept in memory for a file.
    const PENDING: u64 = 256 << 20;
    /// The same for a pipe, whose end is not known.
    const PENDING_OF_PIPE: u64 = 64 << 20;
    /// A script that never pauses yields to other writers after this time.
    const LONGEST: Duration = Duration::from_secs(1);
    /// The same if writes take long: still less than other writers wait.
    const LONGEST_OF_ALL: Duration = Duration::from_secs(3);

    pub(crate) fn new() -> Self {
        Self {
            open: None,
            lines: Vec::new(),
            queued: None,
            held: Vec::new(),
            cuts: Vec::new(),
            has_known_end: false,
            has_changed: false,
            last: Duration::ZERO,
            gap: Instant::now(),
        }
    }

    /// Records a line that was run, if a batch is open: every line if each gets an answer, or else the first and the
    /// last.
    pub(crate) fn add(&mut self, db: &dyn Store, name: &str, line: usize, each: bool) {
        if self.open.is_none() {
            if !db.batch().is_open {
                return;
            }
            self.open = Some((Instant::now(), name.to_owned()));
            self.queued = db.batch().changes.map(|_| Vec::new());
        }
        if let Some(queued) = &mut self.queued
            && let Some(changes) = db.batch().changes
        {
            // The changes of a line are the last ones so far.
            let last = queued.last().map_or(0, |last: &QueuedLine| last.changes);
            if changes > last {
                queued.push(QueuedLine { changes, line, from: self.held.len(), to: None });
            }
        }
        match &mut self.lines[..] {
            [_, last] if !each => *last = line,
            _ => self.lines.push(line),
        }
    }

    /// The maximum time of a batch: longer than it takes to write it.
    fn longest(&self) -> Duration {
        (self.last * 4).clamp(Self::LONGEST, Self::LONGEST_OF_ALL)
    }

    /// Whether the batch should be written now. Other processes only wait for a batch that holds the lock.
    pub(crate) fn is_due(&self, db: &dyn Store) -> bool {
        let most = if self.has_known_end { Self::PENDING } else { Self::PENDING_OF_PIPE };
        let batch = db.batch();
        let waits = batch.is_locked || !self.has_known_end;
        self.held.len() >= Self::HELD
            || batch.is_full
            || batch.bytes >= most
            || (waits && self.open.as_ref().is_some_and(|(since, _)| since.elapsed() > self.longest()))
    }

    /// Whether answers are held back.
    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// The answer of the line that was run last is complete.
    fn end_line(&mut self) {
        let end = self.held.len();
        if let Some(last) = self.queued.as_mut().and_then(|queued| queued.last_mut()) {
            last.to.get_or_insert(end);
        }
    }

    /// Leaves the lock alone for a moment now and then: a waiting process retries every 25 ms at most, and would otherwise have
    /// to be lucky to find it free between two batches.
    fn make_way(&mut self) {
        const GAP: Duration = Duration::from_millis(30);
        if self.gap.elapsed() > Self::LONGEST {
            std::thread::sleep(GAP);
            self.gap = Instant::now();
        }
    }

    /// Holds back a piece of an answer.
    pub(crate) fn hold(&mut self, bytes: &[u8], is_err: bool) {
        // If the number of cuts is odd, the current piece goes to stderr.
        if (self.cuts.len() % 2 == 1) != is_err {
            self.cuts.push(self.held.len());
        }
        self.held.extend_from_slice(bytes);
    }
}

impl Runner<'_> {
    /// Makes the batch's changes durable, and then writes its answers. It must be called before waiting for anything.
    pub(crate) fn flush(&mut self) -> Flow {
        let start = Instant::now();
        let committed = self.session.borrow_mut().db.commit_batch();
        self.tally.has_changed |= std::mem::take(&mut self.batch.has_changed) && committed.is_ok();
        let Some((_, name)) = self.batch.open.take() else {
            // A batch without lines has nothing to write; if the write fails anyway, no line caused it.
            let flow = committed
                .map_or_else(|error| self.failure(&error.into(), Origin::OneShot, &self.rendering()), |()| Flow::Next);
            return if flow == Flow::Stop { flow } else { self.flush_out() };
        };
        let lines = std::mem::take(&mut self.batch.lines);
        let held = std::mem::take(&mut self.batch.held);
        let cuts = std::mem::take(&mut self.batch.cuts);
        let queued = self.batch.queued.take();
        let failures = self.session.borrow_mut().db.take_failures();
        let failures = failed_lines(queued.as_deref().unwrap_or_default(), failures);
        self.batch.last = start.elapsed();
        let mut flow = Flow::Next;
        match committed {
            Ok(()) => {
                let mut from = 0;
                for FailedLine { line, part, failure } in &failures {
                    self.write_held(&held, &cuts, from..part.start);
                    from = part.end;
                    if self.failure(failure, Origin::Script { name: &name, line: *line }, &self.rendering())
                        == Flow::Stop
                    {
                        flow = Flow::Stop;
                    }
                }
                self.write_held(&held, &cuts, from..held.len());
            }
            Err(error) => flow = self.lost(&error.into(), &name, &lines),
        }
        self.notices();
        if self.flush_out() == Flow::Stop {
            return Flow::Stop;
        }
        if queued.is_none() {
            self.batch.make_way();
        }
        flow
    }

    /// Writes a part of what was held, each piece where it belongs.
    fn write_held(&mut self, held: &[u8], cuts: &[usize], part: Range<usize>) {
        let mut from = part.start;
        for (piece, end) in cuts.iter().copied().chain([held.len()]).enumerate() {
            let to = end.min(part.end);
            if to > from {
                if piece % 2 == 0 {
                    self.write_out(&held[from..to]);
                } else {
                    self.write_err(&held[from..to]);
                }
                from = to;
            }
        }
    }

    /// A batch that could not be written: its answers do not hold, each of its lines has failed.
    fn lost(&mut self, failure: &Failure, name: &str, lines: &[usize]) -> Flow {
        let rendering = self.rendering();
        let (Some(&first), Some(&last)) = (lines.first(), lines.last()) else { return Flow::Next };
        let was_cut_short = failure.code == Code::Interrupted;
        self.tally.was_cut_short |= was_cut_short;
        if rendering.mode == OutputMode::Json {
            let flows: Vec<Flow> =
                lines.iter().map(|&line| self.failure(failure, Origin::Script { name, line }, &rendering)).collect();
            return if flows.contains(&Flow::Stop) { Flow::Stop } else { Flow::Next };
        }
        if first == last {
            return self.failure(failure, Origin::Script { name, line: first }, &rendering);
        }
        let message = match was_cut_short {
            // Lines of a previous script may be stored.
            true if first == 1 => format!("interrupted; lines 1 to {last} were not stored"),
            true => format!("interrupted; lines {first} to {last} were not stored, earlier ones were"),
            false => format!("lines {first} to {last}: {}", failure.message),
        };
        self.failure(&Failure { message, ..failure.clone() }, Origin::Script { name, line: first }, &rendering)
    }

    /// Writes the batch if it is time. Called after every line, even if that did nothing.
    pub(crate) fn pace(&mut self) -> Flow {
        self.batch.end_line();
        // The next line is not to be run if this one may have failed.
        let is_last = self.bail && self.batch.queued.is_some();
        let is_due = self.batch.is_open() && (is_last || self.batch.is_due(&self.session.borrow().db));
        if is_due { self.flush() } else { Flow::Next }
    }

    /// Notes that more of a script was read; its lines may depend on changes by other processes.
    pub(crate) fn read_on(&mut self, has_known_end: bool, in_script: bool) {
        self.batch.has_known_end = has_known_end;
        self.session.borrow_mut().mark_stale(in_script);
    }
}

/// A line whose change was not made.
struct FailedLine {
    line: usize,
    /// What it had answered, which does not hold.
    part: Range<usize>,
    failure: Failure,
}

/// The lines of changes that have failed, in their order.
fn failed_lines(queued: &[QueuedLine], failures: Vec<(u64, Error)>) -> Vec<FailedLine> {
    let mut failed: Vec<FailedLine> = Vec::new();
    for (number, error) in failures {
        let at = queued.partition_point(|queued| queued.changes <= number);
        let Some(QueuedLine { line, from, to, .. }) = queued.get(at) else { continue };
        failed.push(FailedLine { line: *line, part: *from..to.unwrap_or(*from), failure: error.into() });
    }
    failed
}
