//! A buffer of sets, in order of arrival, that is sorted once.

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::hint::black_box;
use std::ops::Bound;
use std::slice;

use crate::expiry::Timestamp;
use crate::storage::format::record::{self, LARGE, value_len};
use crate::value::Value;

/// Sets that have not been read yet: for a bulk load, a tree would cost more time and memory than everything else.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    /// Keys and values, one after the other. When a chunk is full, a new one is started, so nothing is copied and no
    /// memory is wasted.
    chunks: Vec<String>,
    sets: Vec<Set>,
    /// How many leading bytes all keys have in common.
    common: usize,
    /// The capacity of the chunks.
    bytes: usize,
    /// Whether the sets are in key order, each key once.
    is_sorted: bool,
}

/// The sets of an [`Arena`] in key order, each key once.
#[derive(Debug, Default)]
pub(crate) struct Sorted(Arena);

/// Which set counts if a key has several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Winner {
    First,
    Last,
}

/// Keys and values in key order, from both ends.
#[derive(Clone, Debug)]
pub(crate) struct Sets<'a> {
    chunks: &'a [String],
    rest: slice::Iter<'a, Set>,
    /// How many of the next sets are already in the processor's cache.
    fetched: usize,
}

/// Where a key is, followed by its value.
#[derive(Clone, Copy, Debug)]
struct Set {
    /// The first bytes of the key after the common prefix: most comparisons need no more.
    head: u64,
    chunk: u32,
    at: u32,
    /// The highest bit says that an expiry is between key and value.
    key_len: u32,
    text_len: u32,
}

const HAS_EXPIRY: u32 = 1 << 31;

/// The number of digits of an expiry.
const EXPIRY: usize = 16;

const CHUNK: usize = 1 << 20;

impl Arena {
    pub(crate) fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// The size of all sets and their index, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Sets a key.
    pub(crate) fn set(&mut self, key: &str, value: &Value, expiry: Option<Timestamp>) {
        if value.as_bytes().len() >= LARGE {
            self.push_with(key, record::length(value), expiry, &mut |out| record::write_value(out, value));
            return;
        }
        let mut text = String::with_capacity(value.as_bytes().len() + 2);
        record::write_value(&mut text, value);
        self.push(key, &text, expiry);
    }

    /// Sets a key to an encoded value.
    pub(crate) fn push(&mut self, key: &str, text: &str, expiry: Option<Timestamp>) {
        self.push_with(key, text.len(), expiry, &mut |chunk| chunk.push_str(text));
    }

    /// Sets a key to a value of at most `most` bytes, which `write` writes in place.
    fn push_with(&mut self, key: &str, most: usize, expiry: Option<Timestamp>, write: &mut dyn FnMut(&mut String)) {
        let need = key.len() + expiry.map_or(0, |_| EXPIRY) + most;
        self.bytes += need + size_of::<Set>();
        if self.chunks.last().is_none_or(|chunk| chunk.capacity() - chunk.len() < need) {
            let chunk = String::with_capacity(need.max(CHUNK));
            self.chunks.push(chunk);
        }
        let index = self.chunks.len() - 1;
        let chunk = &mut self.chunks[index];
        let mut set = Set {
            head: 0,
            chunk: short(index),
            at: short(chunk.len()),
            key_len: short(key.len()) | expiry.map_or(0, |_| HAS_EXPIRY),
            text_len: 0,
        };
        chunk.push_str(key);
        if let Some(expiry) = expiry {
            write!(chunk, "{:016x}", expiry.as_millis()).expect("writing to a String cannot fail");
        }
        let start = chunk.len();
        write(chunk);
        set.text_len = short(chunk.len() - start);
        self.common = match self.sets.first() {
            Some(first) => {
                let first = &first.key(&self.chunks).as_bytes()[..self.common];
                let is_common = key.as_bytes().starts_with(first);
                let alike = || first.iter().zip(key.as_bytes()).take_while(|(a, b)| a == b).count();
                if is_common { self.common } else { alike() }
            }
            None => key.len(),
        };
        self.sets.push(set);
        self.is_sorted = false;
    }

    /// The sets in key order; the last one for each key.
    pub(crate) fn sort(self) -> Sorted {
        self.sort_to(Winner::Last, |_| {})
    }

    /// The sets in key order, one for each key; `repeated` is called with the key of each other set.
    pub(crate) fn sort_to(self, winner: Winner, mut repeated: impl FnMut(&str)) -> Sorted {
        if self.is_sorted {
            return Sorted(self);
        }
        let Self { chunks, mut sets, common, bytes, .. } = self;
        for set in &mut sets {
            set.head = head(&set.key(&chunks).as_bytes()[common..]);
        }
        sets.sort_unstable_by(|a, b| match a.head.cmp(&b.head) {
            Ordering::Equal => a.key(&chunks).cmp(b.key(&chunks)).then((a.chunk, a.at).cmp(&(b.chunk, b.at))),
            order => order,
        });
        sets.dedup_by(|later, kept| {
            let same = later.head == kept.head && later.key(&chunks) == kept.key(&chunks);
            if same {
                repeated(kept.key(&chunks));
                if winner == Winner::Last {
                    *kept = *later;
                }
            }
            same
        });
        Sorted(Self { chunks, sets, common, bytes, is_sorted: true })
    }
}

impl Sorted {
    /// The set of a key.
    pub(crate) fn find(&self, key: &str) -> Option<(&str, &str, Option<Timestamp>)> {
        let Arena { chunks, sets, .. } = &self.0;
        let at = sets.binary_search_by(|set| set.key(chunks).cmp(key)).ok()?;
        Some(sets[at].read(chunks))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.sets.len()
    }

    /// As [`Arena::bytes`].
    pub(crate) fn bytes(&self) -> usize {
        self.0.bytes
    }

    /// Whether all keys and values together are no larger than this, in bytes.
    pub(crate) fn is_up_to(&self, most: usize) -> bool {
        let content = || self.iter().map(|(key, text, _)| key.len() + value_len(text)).sum::<usize>();
        self.0.bytes <= most || content() <= most
    }

    /// The set at an index in key order.
    pub(crate) fn get(&self, at: usize) -> (&str, &str, Option<Timestamp>) {
        self.0.sets[at].read(&self.0.chunks)
    }

    /// Keeps some of the keys.
    pub(crate) fn filter<E>(&mut self, mut keeps: impl FnMut(&str) -> Result<bool, E>) -> Result<(), E> {
        let Arena { chunks, sets, bytes, .. } = &mut self.0;
        let mut kept = 0;
        for at in 0..sets.len() {
            if keeps(sets[at].key(chunks))? {
                sets.swap(kept, at);
                kept += 1;
            }
        }
        sets.truncate(kept);
        *bytes = chunks.iter().map(String::len).sum::<usize>() + sets.len() * size_of::<Set>();
        Ok(())
    }

    /// Turns it back into an arena that takes more sets.
    pub(crate) fn into_arena(self) -> Arena {
        self.0
    }

    pub(crate) fn iter(&self) -> Sets<'_> {
        Sets { chunks: &self.0.chunks, rest: self.0.sets.iter(), fetched: 0 }
    }

    /// The sets between two bounds; none if the bounds are in the wrong order.
    pub(crate) fn range(&self, from: Bound<&str>, to: Bound<&str>) -> Sets<'_> {
        let Arena { chunks, sets, .. } = &self.0;
        let below = |bound: &str, with: bool| {
            sets.partition_point(|set| if with { set.key(chunks) <= bound } else { set.key(chunks) < bound })
        };
        let start = match from {
            Bound::Unbounded => 0,
            Bound::Included(from) => below(from, false),
            Bound::Excluded(from) => below(from, true),
        };
        let end = match to {
            Bound::Unbounded => sets.len(),
            Bound::Included(to) => below(to, true),
            Bound::Excluded(to) => below(to, false),
        };
        Sets { chunks, rest: sets.get(start..end).unwrap_or_default().iter(), fetched: 0 }
    }
}

impl Sets<'_> {
    /// Prefetches the next sets. In key order, they are scattered over memory; this waits for all of them at once
    /// rather than for each in turn, and halves the time to fold a million random keys.
    fn fetch(&mut self) {
        const AT_ONCE: usize = 32;
        const CACHE_LINE: usize = 64;
        const LINES: usize = 4;
        for set in self.rest.as_slice().iter().take(AT_ONCE) {
            let bytes = &self.chunks[set.chunk as usize].as_bytes()[set.at as usize..];
            let len = (set.key_len() + set.text_len as usize).min(LINES * CACHE_LINE);
            for at in (0..len).step_by(CACHE_LINE) {
                black_box(bytes[at]);
            }
        }
        self.fetched = AT_ONCE;
    }
}

impl<'a> Iterator for Sets<'a> {
    type Item = (&'a str, &'a str, Option<Timestamp>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.fetched == 0 {
            self.fetch();
        }
        self.fetched -= 1;
        self.rest.next().map(|set| set.read(self.chunks))
    }
}

impl DoubleEndedIterator for Sets<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.rest.next_back().map(|set| set.read(self.chunks))
    }
}

impl Set {
    fn key_len(self) -> usize {
        (self.key_len & !HAS_EXPIRY) as usize
    }

    fn key(self, chunks: &[String]) -> &str {
        let at = self.at as usize;
        &chunks[self.chunk as usize][at..at + self.key_len()]
    }

    fn read(self, chunks: &[String]) -> (&str, &str, Option<Timestamp>) {
        let (key, rest) = chunks[self.chunk as usize][self.at as usize..].split_at(self.key_len());
        let (expiry, rest) = if self.key_len & HAS_EXPIRY == 0 {
            (None, rest)
        } else {
            let (digits, rest) = rest.split_at(EXPIRY);
            (u64::from_str_radix(digits, 16).ok().map(Timestamp::from_millis), rest)
        };
        (key, &rest[..self.text_len as usize], expiry)
    }
}

/// The first eight bytes as a number that compares like them. A shorter key is padded with zeros; ties are resolved by
/// the full keys.
fn head(key: &[u8]) -> u64 {
    match key.first_chunk() {
        Some(bytes) => u64::from_be_bytes(*bytes),
        None => {
            let mut bytes = [0; 8];
            bytes[..key.len()].copy_from_slice(key);
            u64::from_be_bytes(bytes)
        }
    }
}

fn short(number: usize) -> u32 {
    u32::try_from(number).expect("an escaped value is below 4 GiB: six bytes for each of its 512 MiB at most")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    type Entry = (String, Option<Timestamp>);

    fn arena_of(sets: &[(String, Entry)]) -> Arena {
        let mut arena = Arena::default();
        for (key, (text, expiry)) in sets {
            arena.push(key, text, *expiry);
        }
        arena
    }

    proptest! {
        #[test]
        fn an_arena_behaves_like_a_map(
            prefix in "[a-c]{0,3}",
            sets in prop::collection::vec(("[ab\0é]{0,12}", ("[a-z]{0,9}", prop::option::of(any::<u64>()))), 0..60),
        ) {
            let entry = |(text, millis): (_, Option<u64>)| (text, millis.map(Timestamp::from_millis));
            let sets: Vec<_> = sets.into_iter().map(|(key, set)| (prefix.clone() + &key, entry(set))).collect();
            let model: BTreeMap<_, _> = sets.iter().cloned().collect();
            let sorted = arena_of(&sets).sort();
            let wanted = || model.iter().map(|(key, (text, expiry))| (key.as_str(), text.as_str(), *expiry));
            prop_assert!(sorted.iter().eq(wanted()));
            prop_assert!(sorted.iter().rev().eq(wanted().rev()));
        }
    }

    #[test]
    fn a_value_larger_than_a_chunk_gets_its_own() {
        let large = "x".repeat(CHUNK + 1);
        let sets = [("b", "1"), ("a", &large), ("c", "2")].map(|(key, text)| (key.to_owned(), (text.to_owned(), None)));
        let sorted = arena_of(&sets).sort();
        assert_eq!(
            sorted.iter().map(|(key, text, _)| (key, text.len())).collect::<Vec<_>>(),
            [("a", CHUNK + 1), ("b", 1), ("c", 1)]
        );
    }

    #[expect(clippy::print_stderr, reason = "it measures")]
    #[test]
    #[ignore = "a measurement: cargo test --release -- --ignored --nocapture arena_of_a_million"]
    fn an_arena_of_a_million_sets() {
        const COUNT: u64 = 1_000_000;
        let text = format!("\"{}\"", "v".repeat(98));
        for (name, step) in [("ascending", 1), ("scattered", 387_420_489)] {
            let keys: Vec<String> = (0..COUNT).map(|n| format!("key:{:09}", n * step % 999_999_937)).collect();
            let start = std::time::Instant::now();
            let mut arena = Arena::default();
            for key in &keys {
                arena.push(key, &text, None);
            }
            let pushed = start.elapsed();
            let bytes = arena.bytes();
            let sorted = arena.sort();
            let all = start.elapsed();
            let payload = sorted.iter().map(|(key, text, _)| key.len() + text.len()).sum::<usize>();
            eprintln!(
                "{name}: push {pushed:?}, with sort {all:?}, {bytes} bytes for {payload}, walk to {:?}",
                start.elapsed()
            );
        }
    }
}
