//! Changes that are newer than the snapshot, in memory, by key.

use std::collections::{BTreeMap, btree_map};
use std::ops::Bound;

use crate::storage::format::record::Change;

/// The latest change of each key, including deletions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overlay {
    changes: BTreeMap<Box<str>, Change>,
    bytes: usize,
}

/// Changes in key order, from both ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct OverlayRange<'a>(btree_map::Range<'a, Box<str>, Change>);

impl Overlay {
    /// The number of changed keys.
    pub(crate) fn len(&self) -> usize {
        self.changes.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The approximate memory use, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// `None` if the key was not changed, `Some(None)` if it was deleted.
    pub(crate) fn get(&self, key: &str) -> Option<&Change> {
        self.changes.get(key)
    }

    /// Adds a change and returns the one that it replaces.
    pub(crate) fn insert(&mut self, key: &str, change: Change) -> Option<Change> {
        self.insert_boxed(key.into(), change)
    }

    /// Removes the change of a key, so the entry below is visible again.
    pub(crate) fn remove(&mut self, key: &str) -> Option<Change> {
        let old = self.changes.remove(key)?;
        self.bytes -= size(key, &old);
        Some(old)
    }

    /// Adds newer changes on top of these.
    pub(crate) fn append(&mut self, newer: Self) {
        if self.is_empty() {
            *self = newer;
            return;
        }
        // Not BTreeMap::append, which rebuilds both maps: a commit is small compared to those before it.
        for (key, change) in newer.changes {
            self.insert_boxed(key, change);
        }
    }

    /// The changes between two bounds; none if the bounds are in the wrong order.
    pub(crate) fn range(&self, from: Bound<&str>, to: Bound<&str>) -> OverlayRange<'_> {
        if is_reversed(from, to) {
            OverlayRange::default()
        } else {
            OverlayRange(self.changes.range::<str, _>((from, to)))
        }
    }

    /// All changes.
    pub(crate) fn iter(&self) -> OverlayRange<'_> {
        self.range(Bound::Unbounded, Bound::Unbounded)
    }

    fn insert_boxed(&mut self, key: Box<str>, change: Change) -> Option<Change> {
        self.bytes += size(&key, &change);
        match self.changes.entry(key) {
            btree_map::Entry::Vacant(place) => {
                place.insert(change);
                None
            }
            btree_map::Entry::Occupied(mut place) => {
                let old = place.insert(change);
                self.bytes -= size(place.key(), &old);
                Some(old)
            }
        }
    }
}

/// Whether two bounds are in the wrong order, which makes a `BTreeMap` panic.
pub(super) fn is_reversed(from: Bound<&str>, to: Bound<&str>) -> bool {
    use Bound::{Excluded, Included, Unbounded};
    match (from, to) {
        (Unbounded, _) | (_, Unbounded) => false,
        (Excluded(from), Excluded(to)) => from >= to,
        (Included(from) | Excluded(from), Included(to) | Excluded(to)) => from > to,
    }
}

impl<'a> Iterator for OverlayRange<'a> {
    type Item = (&'a str, &'a Change);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(key, change)| (&**key, change))
    }
}

impl DoubleEndedIterator for OverlayRange<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|(key, change)| (&**key, change))
    }
}

/// The memory of a change: its texts, its place in a tree whose nodes are two-thirds full, and the allocator's
/// overhead.
fn size(key: &str, change: &Change) -> usize {
    const PLACE: usize = size_of::<(Box<str>, Change)>() * 3 / 2 + 32;
    PLACE + key.len() + change.as_ref().map_or(0, |stored| stored.text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expiry::Timestamp;
    use crate::storage::format::record::Stored;
    use proptest::prelude::*;

    type Model = BTreeMap<String, Change>;

    fn change() -> impl Strategy<Value = Change> {
        let stored = ("[a-z]{0,9}", prop::option::of(0_u64..9))
            .prop_map(|(text, at)| Stored { text: text.into(), expiry: at.map(Timestamp::from_millis) });
        prop::option::of(stored)
    }

    fn filled(changes: &[(String, Change)]) -> (Overlay, Model) {
        let (mut overlay, mut model) = (Overlay::default(), Model::new());
        for (key, change) in changes {
            assert_eq!(overlay.insert(key, change.clone()), model.insert(key.clone(), change.clone()));
        }
        (overlay, model)
    }

    fn assert_same(overlay: &Overlay, model: &Model) {
        assert!(overlay.iter().eq(model.iter().map(|(key, change)| (key.as_str(), change))));
        assert!(overlay.iter().rev().eq(model.iter().rev().map(|(key, change)| (key.as_str(), change))));
        assert_eq!(overlay.bytes(), model.iter().map(|(key, change)| size(key, change)).sum::<usize>());
        assert_eq!((overlay.len(), overlay.is_empty()), (model.len(), model.is_empty()));
    }

    proptest! {
        #[test]
        fn an_overlay_behaves_like_a_map_and_knows_its_size(
            older in prop::collection::vec(("[a-d]{0,2}", change()), 0..20),
            newer in prop::collection::vec(("[a-d]{0,2}", change()), 0..20),
            gone in "[a-d]{0,2}",
        ) {
            let ((mut overlay, mut model), (top, top_model)) = (filled(&older), filled(&newer));
            assert_same(&overlay, &model);
            overlay.append(top);
            model.extend(top_model);
            assert_same(&overlay, &model);
            prop_assert_eq!(overlay.get(&gone), model.get(&gone));
            prop_assert_eq!(overlay.remove(&gone), model.remove(&gone));
            assert_same(&overlay, &model);
        }
    }

    #[test]
    fn a_range_keeps_its_bounds_and_is_empty_if_they_are_in_the_wrong_order() {
        let mut overlay = Overlay::default();
        for key in ["a", "b", "c"] {
            overlay.insert(key, None);
        }
        let keys = |from, to| overlay.range(from, to).map(|(key, _)| key).collect::<String>();
        assert_eq!(keys(Bound::Included("a"), Bound::Excluded("c")), "ab");
        assert_eq!(keys(Bound::Excluded("a"), Bound::Unbounded), "bc");
        assert_eq!(keys(Bound::Excluded("b"), Bound::Excluded("b")), "");
        assert_eq!(keys(Bound::Included("c"), Bound::Included("a")), "");
    }
}
