//! Salvaging what is readable in a corrupt journal.

use std::ops::Range;

use crate::storage::format::header::FOLD;
use crate::storage::format::journal_line::{self, ChangeLine, JournalLines, LineKind};
use crate::storage::format::record::Change;
use crate::storage::format::seal;
use crate::storage::read::journal::{Body, Fold};

impl<'a> Body<'a> {
    /// Passes the changes of every complete commit to `sink`, even if there is garbage in between, and the place of
    /// every other line to `dropped`; returns the last fold line. Skips commits that lack a line, and commits that
    /// follow a later one.
    pub(crate) fn salvage(
        self,
        sink: &mut dyn FnMut(u64, &str, Change),
        dropped: &mut dyn FnMut(Range<usize>),
    ) -> Option<Fold> {
        let mut lines = JournalLines::of(self.bytes);
        let mut scratch = String::new();
        // The lines of a commit that may still become complete.
        let mut open: Vec<(Range<usize>, ChangeLine<'a>)> = Vec::new();
        let (mut n, mut fold) = (self.n, None);
        loop {
            let from = lines.at;
            let Some(kind) = lines.read(self.epoch, &mut scratch) else { break };
            let place = from..lines.at;
            let kinds = match kind {
                LineKind::Bad(_) => {
                    let found = within(&self.bytes[place.clone()], self.epoch, &mut scratch);
                    dropped(place.clone());
                    found.into_iter().map(|(_, kind)| kind).collect()
                }
                kind => vec![kind],
            };
            for kind in kinds {
                let line = match kind {
                    LineKind::Change(line) if line.n > n => line,
                    LineKind::Fold(line) => {
                        fold = Some(line);
                        continue;
                    }
                    _ => {
                        dropped(place.clone());
                        continue;
                    }
                };
                if open.first().is_some_and(|(_, first)| first.n != line.n) {
                    open.drain(..).for_each(|(place, _)| dropped(place));
                }
                let (last, number) = (line.last, line.n);
                open.push((place.clone(), line));
                match last {
                    Some(count) if count == open.len() => {
                        open.drain(..).for_each(|(_, line)| sink(line.n, &line.key, line.change));
                        n = number;
                    }
                    Some(_) => open.drain(..).for_each(|(place, _)| dropped(place)),
                    None => {}
                }
            }
        }
        open.drain(..).for_each(|(place, _)| dropped(place));
        fold
    }
}

/// The lines inside what should be one line, in case newlines were overwritten: everything that starts and ends like a
/// line, with its offset.
fn within<'a>(line: &'a [u8], epoch: u64, scratch: &mut String) -> Vec<(usize, LineKind<'a>)> {
    /// A value may contain any number of places that look like one.
    const MOST: usize = 100;
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let ends = memchr::memmem::find_iter(line, b"\"}").map(|at| at + 2);
    let ends: Vec<usize> = ends.filter(|&end| seal::is_end(&line[..end])).take(MOST).collect();
    let starts = [journal_line::N, FOLD].into_iter().flat_map(|what| memchr::memmem::find_iter(line, what).take(MOST));
    let mut starts: Vec<usize> = starts.collect();
    starts.sort_unstable();
    let pairs =
        starts.iter().flat_map(|&start| ends.iter().filter(move |&&end| start < end).map(move |&end| start..end));
    let kinds = pairs.map(|range| (range.start, journal_line::read(&line[range], epoch, scratch)));
    kinds.filter(|(_, kind)| !matches!(kind, LineKind::Bad(_))).collect()
}
