//! Masks: keys whose values are hidden on a terminal.
//!
//! A mask only hides values from people who look at the screen. It changes nothing in the database, and a command that
//! requests a single value or writes to a pipe prints it.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::glob::Glob;

/// The placeholder for a masked value, whatever its length.
pub(crate) const HIDDEN: &str = "••••";

/// The masks of a session, shared by everything that shows values, on any thread.
#[derive(Clone, Debug, Default)]
pub(crate) struct Masks(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    patterns: OnceLock<RwLock<Vec<Glob>>>,
    /// Keys that were set to a secret in this session.
    secrets: RwLock<BTreeSet<String>>,
    /// Loads the patterns when they are first needed.
    load: Option<fn() -> Vec<Glob>>,
}

impl Masks {
    /// Masks that are loaded when a value is about to be shown.
    pub(crate) fn loaded_by(load: fn() -> Vec<Glob>) -> Self {
        Self(Arc::new(Shared { load: Some(load), ..Shared::default() }))
    }

    fn patterns(&self) -> &RwLock<Vec<Glob>> {
        self.0.patterns.get_or_init(|| RwLock::new(self.0.load.map(|load| load()).unwrap_or_default()))
    }

    /// Whether nothing is masked.
    pub(crate) fn is_empty(&self) -> bool {
        read(&self.0.secrets).is_empty() && read(self.patterns()).is_empty()
    }

    /// Whether the value of a key is masked.
    pub(crate) fn hides(&self, key: &str) -> bool {
        read(&self.0.secrets).contains(key) || read(self.patterns()).iter().any(|pattern| pattern.matches(key))
    }

    /// Masks the keys that match.
    pub(crate) fn add(&self, added: Vec<Glob>) {
        let mut patterns = write(self.patterns());
        for pattern in added {
            if !patterns.iter().any(|known| known.as_str() == pattern.as_str()) {
                patterns.push(pattern);
            }
        }
    }

    /// Masks one key for the rest of the session: its value is a secret.
    pub(crate) fn add_secret(&self, key: &str) {
        write(&self.0.secrets).insert(key.to_owned());
    }

    /// Masks a second key like the first, which has been copied or renamed to it.
    pub(crate) fn carry_secret(&self, from: &str, to: &str) {
        let is_secret = read(&self.0.secrets).contains(from);
        if is_secret {
            self.add_secret(to);
        }
    }

    /// The same for all keys with a prefix, which is replaced.
    pub(crate) fn carry_secrets(&self, from: &str, to: &str) {
        let mut secrets = write(&self.0.secrets);
        let carried: Vec<String> =
            secrets.iter().filter_map(|key| Some(format!("{to}{}", key.strip_prefix(from)?))).collect();
        secrets.extend(carried);
    }

    /// Removes the patterns. Keys that were set to a secret stay masked.
    pub(crate) fn clear(&self) {
        write(self.patterns()).clear();
    }

    /// The patterns as given.
    pub(crate) fn names(&self) -> Vec<String> {
        read(self.patterns()).iter().map(|pattern| pattern.as_str().to_owned()).collect()
    }
}

/// A thread that panicked has left the masks whole: each change of them is one step.
fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
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
        masks.carry_secrets("pi", "bak:pi");
        let hidden = ["api:key", "my-token", "pin", "pin2", "plain", "pins"].map(|key| other.hides(key));
        assert_eq!(hidden, [true, true, true, true, false, false]);
        assert_eq!(
            ["bak:pin", "bak:pin2", "bak:pi", "bak:plain"].map(|key| other.hides(key)),
            [true, true, false, false]
        );
        assert_eq!(masks.names(), ["api:*", "*token*"]);
        other.clear();
        assert!(!masks.hides("api:key") && masks.hides("pin"), "a secret stays one");
    }
}
