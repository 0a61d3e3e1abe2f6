//! Merges sorted layers of changes, newest first.

use std::collections::btree_map;

use super::{arena, overlay};
use crate::expiry::Timestamp;
use crate::storage::format::record::Change;
use crate::storage::format::record::Stored;

/// A layer's change of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LayerEntry<'a> {
    pub(crate) key: &'a str,
    /// The encoded value; `None` if the key is deleted.
    pub(crate) text: Option<&'a str>,
    pub(crate) expiry: Option<Timestamp>,
}

/// A source of changes: keys ascending, each once.
#[derive(Clone, Debug)]
pub(crate) enum Layer<'a> {
    Overlay(overlay::OverlayRange<'a>),
    Sets(arena::Sets<'a>),
    /// A snapshot in memory, as the bottom layer.
    Document(btree_map::Range<'a, String, Stored>),
}

/// Layers, newest first, as one stream: keys ascending, each once with its newest change. Iterates from both ends. A
/// clone starts at the current position.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layers<'a> {
    layers: Vec<TwoEnded<'a>>,
}

/// A layer, and the items at its ends that were peeked at.
#[derive(Clone, Debug)]
struct TwoEnded<'a> {
    layer: Layer<'a>,
    front: Option<LayerEntry<'a>>,
    back: Option<LayerEntry<'a>>,
}

impl<'a> Layers<'a> {
    pub(crate) fn new(layers: impl IntoIterator<Item = Layer<'a>>) -> Self {
        let two_ended = |layer| TwoEnded { layer, front: None, back: None };
        Self { layers: layers.into_iter().map(two_ended).collect() }
    }

    /// Adds an older layer below.
    pub(crate) fn over(mut self, layer: Layer<'a>) -> Self {
        self.layers.push(TwoEnded { layer, front: None, back: None });
        self
    }
}

impl<'a> Iterator for Layers<'a> {
    type Item = LayerEntry<'a>;

    fn next(&mut self) -> Option<LayerEntry<'a>> {
        let mut first: Option<LayerEntry<'a>> = None;
        for layer in &mut self.layers {
            if let Some(front) = layer.peek() {
                first = first.filter(|first| first.key <= front.key).or(Some(front));
            }
        }
        let first = first?;
        for layer in &mut self.layers {
            layer.front.take_if(|front| front.key == first.key);
        }
        Some(first)
    }
}

impl DoubleEndedIterator for Layers<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let mut last: Option<LayerEntry<'_>> = None;
        for layer in &mut self.layers {
            if let Some(back) = layer.peek_back() {
                last = last.filter(|last| last.key >= back.key).or(Some(back));
            }
        }
        let last = last?;
        for layer in &mut self.layers {
            layer.back.take_if(|back| back.key == last.key);
        }
        Some(last)
    }
}

impl<'a> TwoEnded<'a> {
    fn peek(&mut self) -> Option<LayerEntry<'a>> {
        if self.front.is_none() {
            // When the ends meet, the item that the other end peeked at is next.
            self.front = self.layer.next().or_else(|| self.back.take());
        }
        self.front
    }

    fn peek_back(&mut self) -> Option<LayerEntry<'a>> {
        if self.back.is_none() {
            self.back = self.layer.next_back().or_else(|| self.front.take());
        }
        self.back
    }
}

impl<'a> LayerEntry<'a> {
    fn of(key: &'a str, stored: Option<&'a Stored>) -> Self {
        Self { key, text: stored.map(|stored| &*stored.text), expiry: stored.and_then(|stored| stored.expiry) }
    }

    /// The change as it is at `now`: a deletion if it has expired.
    pub(crate) fn live(self, now: Timestamp) -> Self {
        if self.expiry.is_some_and(|expiry| expiry <= now) {
            return Self { text: None, expiry: None, ..self };
        }
        self
    }

    /// The entry that the change leads to.
    pub(crate) fn stored(&self) -> Change {
        self.text.map(|text| Stored { text: text.into(), expiry: self.expiry })
    }

    fn set((key, text, expiry): (&'a str, &'a str, Option<Timestamp>)) -> Self {
        Self { key, text: Some(text), expiry }
    }
}

impl<'a> Iterator for Layer<'a> {
    type Item = LayerEntry<'a>;

    fn next(&mut self) -> Option<LayerEntry<'a>> {
        match self {
            Self::Overlay(changes) => changes.next().map(|(key, change)| LayerEntry::of(key, change.as_ref())),
            Self::Sets(sets) => sets.next().map(LayerEntry::set),
            Self::Document(entries) => entries.next().map(|(key, stored)| LayerEntry::of(key, Some(stored))),
        }
    }
}

impl DoubleEndedIterator for Layer<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        match self {
            Self::Overlay(changes) => changes.next_back().map(|(key, change)| LayerEntry::of(key, change.as_ref())),
            Self::Sets(sets) => sets.next_back().map(LayerEntry::set),
            Self::Document(entries) => entries.next_back().map(|(key, stored)| LayerEntry::of(key, Some(stored))),
        }
    }
}
