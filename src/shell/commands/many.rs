//! Changes of many keys at once: those that a glob, a prefix or a filter picks.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::choosing::Asking;
use super::{Caller, Session, keys};
use crate::error::Result;
use crate::shell::answer::reply::Failure;
use crate::shell::terminal::interrupt::{self, stoppable};
use crate::shell::terminal::progress;
use crate::shell::text::argument::{Key, Prefix};
use crate::shell::text::glob::Glob;
use crate::storage::Entry;
use crate::store::{Changes, Scan, Scope, Store as _};

/// Which keys.
#[derive(Debug, Default)]
pub(super) struct Many<'a> {
    /// If there are any, only those.
    pub(super) named: &'a [Key],
    pub(super) glob: Option<&'a Glob>,
    pub(super) prefix: Option<&'a Prefix>,
    pub(super) asking: Option<Asking>,
}

/// What has become of them.
#[derive(Debug)]
pub(super) enum ManyChanged {
    /// The number of keys changed, and notes about the others.
    Keys(u64, Vec<String>),
    /// The user declined.
    Refused,
}

/// Changes an entry, and says whether that was one.
pub(super) type ChangeOne<'c> = dyn FnMut(&mut dyn Changes, &str) -> Result<bool> + 'c;

/// Keys, each with what tells its entry from another.
type Fingerprints = HashMap<String, u64>;

impl Many<'_> {
    fn start(&self) -> &str {
        self.glob.map_or(self.prefix.map_or("", |prefix| prefix), Glob::prefix)
    }

    fn hits(&self, key: &str) -> bool {
        self.glob.is_none_or(|glob| glob.matches(key))
    }

    /// Makes one atomic change of all of them. The user is asked first if there are several: `ask` makes the question from
    /// their number in words.
    ///
    /// Without a filter, the entries under the lock count. A filter is evaluated without the lock; an entry that another
    /// process has changed since is left alone.
    pub(super) fn change(
        &self,
        session: &mut Session,
        caller: &mut Caller<'_>,
        ask: &dyn Fn(&str) -> String,
        change: &mut ChangeOne<'_>,
    ) -> Result<ManyChanged, Failure> {
        let (count, picked) = match &self.asking {
            Some(asking) => {
                let picked = self.picked(session, asking)?;
                (picked.len() as u64, Some(picked))
            }
            None => (self.count(session)?, None),
        };
        let is_hit = |key: &str| picked.as_ref().map_or_else(|| self.hits(key), |picked| picked.contains_key(key));
        if count > 1 {
            let warning = session.undo_warning(self.start(), is_hit)?;
            let note = warning.map(|warning| format!(" ({warning})")).unwrap_or_default();
            if !caller.confirm(&format!("{}?{note}", ask(&keys(count)))) {
                return Ok(ManyChanged::Refused);
            }
            if warning.is_some() {
                session.db.give_consent();
            }
        }
        let (mut changed, mut others) = (0, 0);
        session.db.change(Scope::Prefix(self.start()), &mut |tx| {
            (changed, others) = (0, 0);
            let all = match &picked {
                Some(picked) => picked.keys().cloned().collect(),
                None => tx.keys(self.start(), &is_hit, interrupt::check)?,
            };
            for key in all {
                interrupt::check()?;
                let seen = picked.as_ref().and_then(|picked| picked.get(&key));
                let is_other = |seen: &u64| -> Result<bool> {
                    Ok(tx.entry(&key)?.is_none_or(|entry| fingerprint(&entry) != *seen))
                };
                if seen.map(is_other).transpose()?.unwrap_or_default() {
                    others += 1;
                } else {
                    changed += u64::from(change(tx, &key)?);
                }
            }
            Ok(())
        })?;
        let note =
            || format!("warning: another process changed {} since the filter was asked; left alone", keys(others));
        Ok(ManyChanged::Keys(changed, (others > 0).then(note).into_iter().collect()))
    }

    fn count(&self, session: &Session) -> Result<u64, Failure> {
        let mut count = 0;
        for key in stoppable(session.db.scan_keys(&Scan::prefix(self.start())), progress::keys) {
            count += u64::from(self.hits(&key?));
        }
        Ok(count)
    }

    /// What the filter picks, each with its fingerprint.
    fn picked(&self, session: &Session, asking: &Asking) -> Result<Fingerprints, Failure> {
        let named: HashSet<&str> = self.named.iter().map(|key| &**key).collect();
        let mut picked = Fingerprints::new();
        for item in stoppable(session.db.scan(&Scan::prefix(self.start())), progress::keys) {
            let (key, entry) = item?;
            let is_hit = self.hits(&key) && (named.is_empty() || named.contains(&*key));
            if is_hit && asking.holds(&key, &entry)? {
                picked.insert(key, fingerprint(&entry));
            }
        }
        Ok(picked)
    }
}

/// What tells an entry from another of its key.
fn fingerprint(entry: &Entry) -> u64 {
    let mut hasher = DefaultHasher::new();
    entry.value.kind().hash(&mut hasher);
    entry.value.as_bytes().hash(&mut hasher);
    entry.expiry.map(crate::expiry::Timestamp::as_millis).hash(&mut hasher);
    hasher.finish()
}
