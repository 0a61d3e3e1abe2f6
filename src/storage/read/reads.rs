//! What an open transaction has read: single keys, and ranges, merged where they overlap.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// Keys and ranges that were read.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    keys: BTreeSet<Box<str>>,
    /// The start and end of each range; no two overlap.
    ranges: BTreeMap<Cut, Cut>,
}

/// A place between keys, where a range starts or ends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cut {
    /// Before a key or, if true, after it.
    At(String, bool),
    /// After all keys.
    End,
}

impl Cut {
    fn before(bound: Bound<&str>) -> Self {
        match bound {
            Bound::Unbounded => Self::At(String::new(), false),
            Bound::Included(key) => Self::At(key.to_owned(), false),
            Bound::Excluded(key) => Self::At(key.to_owned(), true),
        }
    }

    fn after(bound: Bound<&str>) -> Self {
        match bound {
            Bound::Unbounded => Self::End,
            Bound::Included(key) => Self::At(key.to_owned(), true),
            Bound::Excluded(key) => Self::At(key.to_owned(), false),
        }
    }

    fn as_start(&self) -> Bound<&str> {
        match self {
            Self::At(key, false) => Bound::Included(key),
            Self::At(key, true) => Bound::Excluded(key),
            // No range starts there.
            Self::End => Bound::Unbounded,
        }
    }

    fn as_end(&self) -> Bound<&str> {
        match self {
            Self::At(key, true) => Bound::Included(key),
            Self::At(key, false) => Bound::Excluded(key),
            Self::End => Bound::Unbounded,
        }
    }
}

impl Reads {
    pub(crate) fn note_key(&mut self, key: &str) {
        if !self.keys.contains(key) {
            self.keys.insert(key.into());
        }
    }

    /// Merges overlapping ranges, so that the commit compares each key only once.
    pub(crate) fn note_range(&mut self, from: Bound<&str>, to: Bound<&str>) {
        let (mut from, mut to) = (Cut::before(from), Cut::after(to));
        if from >= to {
            return;
        }
        if let Some((start, end)) = self.ranges.range(..=&from).next_back()
            && *end >= from
        {
            if *end >= to {
                return;
            }
            from = start.clone();
        }
        while let Some((start, end)) = self.ranges.range(&from..=&to).next() {
            let start = start.clone();
            to = to.max(end.clone());
            self.ranges.remove(&start);
        }
        self.ranges.insert(from, to);
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| &**key)
    }

    pub(crate) fn ranges(&self) -> impl Iterator<Item = (Bound<&str>, Bound<&str>)> {
        self.ranges.iter().map(|(from, to)| (from.as_start(), to.as_end()))
    }

    /// Whether a key was read, directly or in a range.
    pub(crate) fn has(&self, key: &str) -> bool {
        let before = Cut::At(key.to_owned(), false);
        self.keys.contains(key) || self.ranges.range(..=&before).next_back().is_some_and(|(_, end)| *end > before)
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Bound::{Excluded, Included, Unbounded};

    use super::*;

    fn ranges(reads: &Reads) -> Vec<(Bound<&str>, Bound<&str>)> {
        reads.ranges().collect()
    }

    #[test]
    fn a_range_inside_another_is_recorded_once() {
        let mut reads = Reads::default();
        for _ in 0..100 {
            reads.note_range(Included("a"), Excluded("b"));
            reads.note_range(Unbounded, Unbounded);
            reads.note_range(Excluded("x"), Unbounded);
        }
        assert_eq!(ranges(&reads), [(Included(""), Unbounded)]);
    }

    #[test]
    fn overlapping_ranges_are_merged_and_others_are_not() {
        let mut reads = Reads::default();
        reads.note_range(Included("b"), Excluded("d"));
        reads.note_range(Included("f"), Included("g"));
        reads.note_range(Excluded("x"), Included("y"));
        assert_eq!(ranges(&reads).len(), 3);
        reads.note_range(Included("c"), Excluded("f"));
        assert_eq!(ranges(&reads), [(Included("b"), Included("g")), (Excluded("x"), Included("y"))]);
        reads.note_range(Included("z"), Included("c"));
        reads.note_range(Excluded("q"), Excluded("q"));
        assert_eq!(ranges(&reads).len(), 2);
        reads.note_key("m");
        let has = |key| reads.has(key);
        assert_eq!(
            ["a", "b", "e", "g", "ga", "m", "x", "xa", "y", "ya"].map(has),
            [false, true, true, true, false, true, false, true, true, false]
        );
    }

    #[test]
    fn reads_are_covered_in_any_order() {
        let key = |number: u64| ["a", "b", "c", "d", "e", "f"][usize::try_from(number % 6).unwrap()];
        let mut random = crate::storage::tests::simulated::Random(3);
        for _ in 0..2_000 {
            let (mut reads, mut read) = (Reads::default(), BTreeSet::new());
            for _ in 0..random.below(5) {
                let mut bound = || match random.below(4) {
                    0 => Unbounded,
                    1 => Excluded(key(random.below(6))),
                    _ => Included(key(random.below(6))),
                };
                let (from, to) = (bound(), bound());
                reads.note_range(from, to);
                let contains = |key: &&str| {
                    let begins = match from {
                        Unbounded => true,
                        Included(from) => from <= *key,
                        Excluded(from) => from < *key,
                    };
                    begins
                        && match to {
                            Unbounded => true,
                            Included(to) => *key <= to,
                            Excluded(to) => *key < to,
                        }
                };
                read.extend((0..6).map(key).filter(contains));
            }
            for key in (0..6).map(key) {
                assert_eq!(reads.has(key), read.contains(key), "{key}: {reads:?}");
            }
        }
    }
}
