//! Masks: keys whose values are hidden on a terminal.
//!
//! A mask only hides values from people who look at the screen. It changes nothing in the database, and a command that
//! requests a single value or writes to a pipe prints it.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use super::glob::Glob;

/// The placeholder for a masked value, whatever its length.
pub(crate) const HIDDEN: &str = "••••";

/// The masks of a session, shared by everything that shows values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Masks(Rc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    patterns: OnceCell<RefCell<Vec<Glob>>>,
    /// Keys that were set to a secret in this session.
    secrets: RefCell<BTreeSet<String>>,
    /// Loads the patterns when they are first needed.
    load: Option<fn() -> Vec<Glob>>,
}

/// The masks of one moment.
#[derive(Clone, Debug)]
pub(crate) struct MaskedKeys {
    patterns: Vec<Glob>,
    secrets: BTreeSet<String>,
}

impl MaskedKeys {
    /// Whether the value of a key is masked.
    pub(crate) fn hides(&self, key: &str) -> bool {
        self.secrets.contains(key) || self.patterns.iter().any(|pattern| pattern.matches(key))
    }
}

impl Masks {
    /// Masks that are loaded when a value is about to be shown.
    pub(crate) fn loaded_by(load: fn() -> Vec<Glob>) -> Self {
        Self(Rc::new(Shared { load: Some(load), ..Shared::default() }))
    }

    fn patterns(&self) -> &RefCell<Vec<Glob>> {
        self.0.patterns.get_or_init(|| RefCell::new(self.0.load.map(|load| load()).unwrap_or_default()))
    }

    /// Whether nothing is masked.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.secrets.borrow().is_empty() && self.patterns().borrow().is_empty()
    }

    /// Whether the value of a key is masked.
    pub(crate) fn hides(&self, key: &str) -> bool {
        self.0.secrets.borrow().contains(key) || self.patterns().borrow().iter().any(|pattern| pattern.matches(key))
    }

    /// Masks the keys that match.
    pub(crate) fn add(&self, added: Vec<Glob>) {
        let mut patterns = self.patterns().borrow_mut();
        for pattern in added {
            if !patterns.iter().any(|known| known.as_str() == pattern.as_str()) {
                patterns.push(pattern);
            }
        }
    }

    /// Masks one key for the rest of the session: its value is a secret.
    pub(crate) fn add_secret(&self, key: &str) {
        self.0.secrets.borrow_mut().insert(key.to_owned());
    }

    /// Masks a second key like the first, which has been copied or renamed to it.
    pub(crate) fn carry_secret(&self, from: &str, to: &str) {
        if self.0.secrets.borrow().contains(from) {
            self.add_secret(to);
        }
    }

    /// Removes the patterns. Keys that were set to a secret stay masked.
    pub(crate) fn clear(&self) {
        self.patterns().borrow_mut().clear();
    }

    /// The keys that are masked now, for other threads.
    pub(crate) fn snapshot(&self) -> MaskedKeys {
        MaskedKeys { patterns: self.patterns().borrow().clone(), secrets: self.0.secrets.borrow().clone() }
    }

    /// The patterns as given.
    pub(crate) fn names(&self) -> Vec<String> {
        self.patterns().borrow().iter().map(|pattern| pattern.as_str().to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_match_and_keys_with_a_secret_are_hidden() {
        let masks = Masks::loaded_by(|| vec![Glob::new("api:*").unwrap()]);
        let other = masks.clone();
        masks.add(vec![Glob::new("*token*").unwrap(), Glob::new("api:*").unwrap()]);
        masks.add_secret("pin");
        masks.carry_secret("pin", "pin2");
        masks.carry_secret("api:key", "plain");
        let hidden = ["api:key", "my-token", "pin", "pin2", "plain", "pins"].map(|key| other.hides(key));
        assert_eq!(hidden, [true, true, true, true, false, false]);
        assert_eq!(masks.names(), ["api:*", "*token*"]);
        other.clear();
        assert!(!masks.hides("api:key") && masks.hides("pin"), "a secret stays one");
    }
}
