//! Pending changes: made in memory, and not yet in any file.
//!
//! Sets that have not been read yet are in an [`Arena`], where a million of them are cheap. Changes that have been read
//! are in a map. Changes beyond the memory limit are spilled into a snapshot without a name. Callers cannot tell the
//! difference: a read sorts the arena, and the next change moves its sets into the map.

use std::cell::{OnceCell, RefCell};
use std::ops::Bound;

use super::arena::{Arena, Sorted};
use super::layers::{Layer, Layers};
use super::overlay::Overlay;
use super::snapshot::Indexed;
use crate::expiry::Timestamp;
use crate::storage::format::record::{Change, Stored};
use crate::value::Value;

/// Pending changes, the latest of each key.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    map: Overlay,
    /// Sets that have not been read, newer than the map; empty once they are sorted.
    arena: RefCell<Arena>,
    /// The same sets after a read.
    sorted: OnceCell<Sorted>,
    spilled: Option<Spilled>,
}

/// A snapshot without a name: the database's snapshot merged with spilled changes.
#[derive(Debug)]
pub(crate) struct Spilled {
    pub(crate) snapshot: Indexed,
    /// The last commit it contains.
    pub(crate) through: u64,
}

impl Pending {
    pub(crate) fn is_empty(&self) -> bool {
        self.map.is_empty()
            && self.arena.borrow().is_empty()
            && self.sorted.get().is_none_or(Sorted::is_empty)
            && self.spilled.is_none()
    }

    /// The number of changed keys, without spilled ones.
    pub(crate) fn len(&self) -> usize {
        let is_new = |(key, ..): &(&str, &str, Option<Timestamp>)| self.map.get(key).is_none();
        self.map.len() + self.sorted().iter().filter(is_new).count()
    }

    /// The approximate memory use, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.map.bytes() + self.arena.borrow().bytes() + self.sorted.get().map_or(0, Sorted::bytes)
    }

    /// The memory use of the map alone: about what a merge writes for it.
    pub(crate) fn map_bytes(&self) -> usize {
        self.map.bytes()
    }

    /// Sets a key.
    pub(crate) fn set(&mut self, key: &str, value: &Value, expiry: Option<Timestamp>) {
        self.unsorted().set(key, value, expiry);
    }

    /// Sets many keys.
    pub(crate) fn set_all(&mut self, sets: Sorted) {
        self.map();
        *self.arena.get_mut() = sets.into_arena();
    }

    /// Changes a key, and returns its previous pending change.
    pub(crate) fn insert(&mut self, key: &str, change: Change) -> Option<Change> {
        self.map().insert(key, change)
    }

    /// Undoes an insert, given its result.
    pub(crate) fn undo_insert(&mut self, key: &str, old: Option<Change>) {
        match old {
            Some(change) => self.map().insert(key, change),
            None => self.map().remove(key),
        };
    }

    /// The pending change of a key: `Some(None)` if it is deleted. Ignores spilled changes.
    pub(crate) fn get(&self, key: &str) -> Option<Change> {
        match self.sorted().find(key) {
            Some((_, text, expiry)) => Some(Some(Stored { text: text.into(), expiry })),
            None => self.map.get(key).cloned(),
        }
    }

    /// Whether a key has a pending change that is not spilled.
    pub(crate) fn contains(&self, key: &str) -> bool {
        self.sorted().find(key).is_some() || self.map.get(key).is_some()
    }

    /// The changes between two bounds, without spilled ones, as layers for [`Layers`].
    pub(crate) fn range(&self, from: Bound<&str>, to: Bound<&str>) -> [Layer<'_>; 2] {
        [Layer::Sets(self.sorted().range(from, to)), Layer::Overlay(self.map.range(from, to))]
    }

    /// All changes, without spilled ones.
    pub(crate) fn iter(&self) -> Layers<'_> {
        Layers::new(self.layers())
    }

    /// All changes, without spilled ones, as layers.
    pub(crate) fn layers(&self) -> [Layer<'_>; 2] {
        self.range(Bound::Unbounded, Bound::Unbounded)
    }

    /// The spilled changes, as the bottom layer.
    pub(crate) fn spilled(&self) -> Option<&Spilled> {
        self.spilled.as_ref()
    }

    /// Replaces all changes by a snapshot without a name that contains them.
    pub(crate) fn spill(&mut self, spilled: Spilled) {
        *self = Self { spilled: Some(spilled), ..Self::default() };
    }

    /// Takes all changes, without spilled ones.
    pub(crate) fn take(&mut self) -> Overlay {
        std::mem::take(self.map())
    }

    fn sorted(&self) -> &Sorted {
        self.sorted.get_or_init(|| self.arena.take().sort())
    }

    /// The arena, ready for more sets.
    fn unsorted(&mut self) -> &mut Arena {
        if self.sorted.get().is_some() {
            self.map();
        }
        self.arena.get_mut()
    }

    /// All changes by key.
    pub(crate) fn map(&mut self) -> &mut Overlay {
        if self.sorted.get().is_none() && self.arena.get_mut().is_empty() {
            return &mut self.map;
        }
        let newer = self.sorted.take().unwrap_or_else(|| self.arena.take().sort());
        for (key, text, expiry) in newer.iter() {
            self.map.insert(key, Some(Stored { text: text.into(), expiry }));
        }
        &mut self.map
    }
}

impl From<Overlay> for Pending {
    fn from(map: Overlay) -> Self {
        Self { map, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[derive(Clone, Debug)]
    enum Step {
        Set(String, String),
        Insert(String, Option<String>),
        Get(String),
        Range(String, String),
        SetAll(Vec<(String, String)>),
        Len,
    }

    fn step() -> impl Strategy<Value = Step> {
        let key = || "[a-c]{0,2}";
        prop_oneof![
            4 => (key(), "[a-z]{0,9}").prop_map(|(key, text)| Step::Set(key, text)),
            2 => (key(), prop::option::of("[a-z]{0,9}")).prop_map(|(key, text)| Step::Insert(key, text)),
            2 => key().prop_map(Step::Get),
            1 => (key(), key()).prop_map(|(from, to)| Step::Range(from, to)),
            1 => prop::collection::vec((key(), "[a-z]{0,9}"), 0..5).prop_map(Step::SetAll),
            1 => Just(Step::Len),
        ]
    }

    fn stored(text: &str) -> Stored {
        Stored { text: format!("\"{text}\"").into(), expiry: None }
    }

    proptest! {
        #[test]
        fn pending_changes_behave_like_a_map(steps in prop::collection::vec(step(), 0..40)) {
            let (mut pending, mut model) = (Pending::default(), BTreeMap::<String, Change>::new());
            for step in steps {
                match step {
                    Step::Set(key, text) => {
                        pending.set(&key, &Value::Text(text.clone()), None);
                        model.insert(key, Some(stored(&text)));
                    }
                    Step::Insert(key, text) => {
                        let change = text.as_deref().map(stored);
                        let (old, was) = (pending.insert(&key, change.clone()), model.insert(key.clone(), change));
                        prop_assert_eq!(&old, &was);
                        if key.len() == 1 {
                            pending.undo_insert(&key, old);
                            match was {
                                Some(was) => model.insert(key, was),
                                None => model.remove(&key),
                            };
                        }
                    }
                    Step::Get(key) => {
                        prop_assert_eq!(pending.get(&key), model.get(&key).cloned());
                        prop_assert_eq!(pending.contains(&key), model.contains_key(&key));
                    }
                    Step::Range(from, to) => {
                        let layers = pending.range(Bound::Included(&from), Bound::Excluded(&to));
                        let keys: Vec<_> = Layers::new(layers).map(|change| change.key.to_owned()).collect();
                        let wanted = model.keys().filter(|key| (&from..&to).contains(key));
                        prop_assert!(keys.iter().eq(wanted), "{keys:?}");
                    }
                    Step::SetAll(sets) => {
                        let mut arena = Arena::default();
                        for (key, text) in sets {
                            arena.set(&key, &Value::Text(text.clone()), None);
                            model.insert(key, Some(stored(&text)));
                        }
                        pending.set_all(arena.sort());
                    }
                    Step::Len => prop_assert_eq!((pending.len(), pending.is_empty()), (model.len(), model.is_empty())),
                }
            }
            let all: Vec<_> = pending.iter().map(|change| (change.key.to_owned(), change.stored())).collect();
            prop_assert!(all.iter().map(|(key, change)| (key, change)).eq(&model));
            let taken = pending.take();
            prop_assert!(taken.iter().eq(model.iter().map(|(key, change)| (key.as_str(), change))));
            prop_assert!(pending.is_empty());
        }
    }
}
