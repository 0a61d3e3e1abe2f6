//! Many entries at once. They are read to their end before the first is sent, so that what is wrong with them keeps all out;
//! on the server they are set one after the other.

use std::collections::{BTreeMap, BTreeSet};

use redis::Value as Answer;

use super::Remote;
use super::fetch::Fetched;
use super::queue::push_set;
use crate::database::{Changed, Conflict, Existing, LoadObserver, Loaded, Loading};
use crate::error::Result;
use crate::redis::fault;
use crate::redis::link::said;
use crate::redis::requests::{Requests, raw_of};
use crate::storage::{Entry, check_entry};
use crate::store::{DifferenceIter, LoadSource, Scope, Store as _};

/// What is to be written.
type PlannedSets = BTreeMap<String, Option<Entry>>;

impl Remote {
    pub(super) fn load_entries(
        &mut self,
        entries: &mut LoadSource<'_>,
        how: Loading,
        observer: &mut dyn LoadObserver,
    ) -> Result<Loaded> {
        self.send_queued();
        let (mut loaded, sets) = self.plan(entries, how)?;
        if loaded.conflict.is_some() {
            return Ok(loaded);
        }
        if self.open.is_some() {
            self.make_change(Scope::Keys(&[]), &mut |changes| {
                sets.iter().try_for_each(|(key, entry)| match entry {
                    Some(entry) => changes.set(key, entry),
                    None => changes.delete(key).map(drop),
                })
            })?;
            return Ok(loaded);
        }
        self.tell(&sets, observer)?;
        let kept = self.send_sets(&sets, how)?;
        loaded.kept += kept;
        loaded.entries -= kept;
        Ok(loaded)
    }

    /// Reports what a load replaces, if there is an observer.
    fn tell(&self, sets: &PlannedSets, observer: &mut dyn LoadObserver) -> Result<()> {
        let size = |(key, entry): (&String, &Option<Entry>)| {
            key.len() + entry.as_ref().map_or(0, |entry| entry.value.as_bytes().len())
        };
        let bytes: usize = sets.iter().map(size).sum();
        let Some(limit) = observer.limit() else { return observer.agree() };
        if bytes > limit {
            return observer.too_many();
        }
        let known: Vec<(&String, &Entry)> =
            sets.iter().filter_map(|(key, entry)| entry.as_ref().map(|entry| (key, entry))).collect();
        for part in known.chunks(1_000) {
            let keys: Vec<&str> = part.iter().map(|(key, _)| key.as_str()).collect();
            for ((key, entry), before) in part.iter().zip(self.fetch(&keys)?) {
                observer.note(key, Changed::Not, before?.map(Fetched::into_entry), entry);
            }
        }
        observer.agree()
    }

    /// Sends the entries to set; returns the number of keys that others created in the meantime and that are kept.
    fn send_sets(&mut self, sets: &PlannedSets, how: Loading) -> Result<u64> {
        const PIECE: usize = 1_000;
        const BYTES: usize = 1 << 20;
        let mut kept = 0;
        let mut requests = Requests::default();
        for (number, (key, entry)) in sets.iter().enumerate() {
            match entry {
                None => requests.push(&[b"DEL", key.as_bytes()]),
                Some(entry) if how.existing == Existing::Replaced => push_set(&mut requests, key, entry),
                Some(entry) => push_new(&mut requests, key, entry),
            }
            if requests.len() >= PIECE || requests.size() >= BYTES || number + 1 == sets.len() {
                self.is_stopped.check()?;
                let answers = self.ask(&requests)?;
                for (number, answer) in answers.into_iter().enumerate() {
                    kept += u64::from(how.existing != Existing::Replaced && answer == Answer::Nil);
                    let key = requests.part(number, 1).to_vec();
                    self.checked_on(&key, answer)?;
                }
                requests.clear();
            }
        }
        Ok(kept)
    }

    pub(super) fn rehearse(
        &mut self,
        entries: &mut LoadSource<'_>,
        how: Loading,
    ) -> Result<(Loaded, DifferenceIter<'_>)> {
        self.send_queued();
        let (loaded, sets) = self.plan(entries, how)?;
        let sets = if loaded.conflict.is_some() { PlannedSets::new() } else { sets };
        let found = self.differences_of(sets)?;
        Ok((loaded, Box::new(found.into_iter().map(Ok))))
    }

    /// What a load comes to: each key that is written, with what it is to be.
    fn plan(&self, entries: &mut LoadSource<'_>, how: Loading) -> Result<(Loaded, PlannedSets)> {
        let now = self.now();
        let mut loaded = Loaded::default();
        let mut sets = PlannedSets::new();
        for item in entries {
            let (key, entry) = item?;
            check_entry(&key, &entry.value)?;
            loaded.read += 1;
            let is_live = entry.is_live(now);
            loaded.expired += u64::from(!is_live);
            let repeats = sets.contains_key(&key);
            if repeats && (how.unique || how.existing == Existing::Refused) {
                loaded.conflict.get_or_insert_with(|| Conflict::Repeats(key.clone()));
            }
            match how.existing {
                // What has expired takes the place of what it may replace, and is nothing itself.
                Existing::Replaced => _ = sets.insert(key, Some(entry).filter(|_| is_live)),
                Existing::Kept | Existing::Refused if is_live && !repeats => _ = sets.insert(key, Some(entry)),
                Existing::Kept | Existing::Refused => {}
            }
        }
        if how.existing != Existing::Replaced {
            let there = self.existing(&sets)?;
            loaded.kept = there.len() as u64;
            if how.existing == Existing::Refused
                && let Some(first) = there.first()
            {
                loaded.conflict.get_or_insert_with(|| Conflict::Exists(first.clone()));
            }
            sets.retain(|key, _| !there.contains(key));
        }
        loaded.entries = if loaded.conflict.is_some() { 0 } else { sets.values().flatten().count() as u64 };
        Ok((loaded, sets))
    }

    /// Which of the keys already exist.
    fn existing(&self, sets: &PlannedSets) -> Result<BTreeSet<String>> {
        let keys: Vec<&String> = sets.keys().collect();
        let mut there = BTreeSet::new();
        for part in keys.chunks(1_000) {
            if let Some(open) = &self.open {
                for key in part {
                    there.extend(open.contains(self, key)?.then(|| (*key).clone()));
                }
                continue;
            }
            let mut requests = Requests::default();
            for key in part {
                requests.push(&[b"EXISTS", key.as_bytes()]);
            }
            for (key, answer) in part.iter().zip(self.ask(&requests)?) {
                match answer {
                    Answer::Int(1) => _ = there.insert((*key).clone()),
                    Answer::ServerError(error) => return Err(fault::of_answer(&self.name, &said(&error))),
                    _ => {}
                }
            }
        }
        Ok(there)
    }
}

/// Adds the command that sets a key that must not be there.
fn push_new(requests: &mut Requests, key: &str, entry: &Entry) {
    let value = raw_of(&entry.value);
    match entry.expiry {
        None => requests.push(&[b"SET", key.as_bytes(), &value, b"NX"]),
        Some(expiry) => {
            let at = expiry.as_millis().max(1).to_string();
            requests.push(&[b"SET", key.as_bytes(), &value, b"NX", b"PXAT", at.as_bytes()]);
        }
    }
}
