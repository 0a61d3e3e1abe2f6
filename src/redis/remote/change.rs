//! Changes that depend on the current values, and transactions: what is read is remembered, what is written waits, and one script
//! makes all of it if what was read is still there.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use redis::Value as Answer;

use super::fetch::Fetched;
use super::{Remote, no_transaction};
use crate::database::{Changed, Difference};
use crate::error::{Error, Result};
use crate::expiry::Timestamp;
use crate::redis::link::text;
use crate::redis::requests::{Requests, raw_of};
use crate::redis::slot::slot;
use crate::storage::{Entry, check_entry};
use crate::store::{Changes, IsWanted, MayGoOn, Mutation, Scan, Scope, Store as _};

/// For each key six arguments: what it must be, the value for that, what is done, the value and the expiry for that. It
/// answers 0, or the number of a key that is another one by now, or the number and type of one that is no string.
const SCRIPT: &str = "\
for i = 1, #KEYS do
  local at = (i - 1) * 5
  local must = ARGV[at + 1]
  local type = redis.call('TYPE', KEYS[i]).ok
  if must == 'any' then
    if type == 'none' then return i end
  else
    if type ~= 'none' and type ~= 'string' then return {i, type} end
    if must == 'none' and type ~= 'none' then return i end
    if must == 'is' and redis.call('GET', KEYS[i]) ~= ARGV[at + 2] then return i end
  end
end
for i = 1, #KEYS do
  local at = (i - 1) * 5
  local what, value, time = ARGV[at + 3], ARGV[at + 4], ARGV[at + 5]
  if what == 'set' then redis.call('SET', KEYS[i], value)
  elseif what == 'keep' then redis.call('SET', KEYS[i], value, 'KEEPTTL')
  elseif what == 'until' then redis.call('SET', KEYS[i], value, 'PXAT', time)
  elseif what == 'expire' then redis.call('PEXPIREAT', KEYS[i], time)
  elseif what == 'persist' then redis.call('PERSIST', KEYS[i])
  elseif what == 'del' then redis.call('DEL', KEYS[i]) end
end
return 0";

/// What was read and written, and is not made yet.
#[derive(Debug, Default)]
pub(super) struct PendingChange {
    seen: RefCell<BTreeMap<String, ReadKey>>,
    writes: KeyWrites,
    /// Whether its keys have nothing to do with each other.
    is_of_each: bool,
}

type KeyWrites = BTreeMap<String, Option<Entry>>;

/// What a key was when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
enum ReadKey {
    Absent,
    /// It was there; what it held was not asked.
    Present,
    Held(Fetched),
}

impl PendingChange {
    pub(super) fn len(&self) -> u64 {
        self.writes.len() as u64
    }

    pub(super) fn writes(&self) -> KeyWrites {
        self.writes.clone()
    }

    pub(super) fn roll_back_to(&mut self, mark: KeyWrites) {
        self.writes = mark;
    }

    /// What waits for a key.
    fn changed(&self, key: &str) -> Changed {
        match self.writes.get(key) {
            None => Changed::Not,
            Some(None) => Changed::Deleted,
            Some(Some(entry)) => Changed::Set(entry.clone()),
        }
    }

    pub(super) fn put_back(&mut self, key: &str, changed: Changed) {
        match changed {
            Changed::Not => _ = self.writes.remove(key),
            Changed::Deleted => _ = self.writes.insert(key.to_owned(), None),
            Changed::Set(entry) => _ = self.writes.insert(key.to_owned(), Some(entry)),
        }
    }

    /// What a key holds, the changes that wait included.
    pub(super) fn entry(&self, store: &Remote, key: &str) -> Result<Option<Entry>> {
        let now = store.now();
        if let Some(written) = self.writes.get(key) {
            return Ok(written.clone().filter(|entry| entry.is_live(now)));
        }
        let held = match self.seen.borrow().get(key) {
            Some(ReadKey::Absent) => return Ok(None),
            Some(ReadKey::Held(held)) => Some(held.entry()),
            Some(ReadKey::Present) | None => None,
        };
        if held.is_some() {
            return Ok(held.filter(|entry| entry.is_live(now)));
        }
        let fetched = store.fetch(&[key])?.pop().unwrap_or(Ok(None))?;
        Ok(self.note(key, fetched).filter(|entry| entry.is_live(now)))
    }

    fn note(&self, key: &str, fetched: Option<Fetched>) -> Option<Entry> {
        let entry = fetched.as_ref().map(Fetched::entry);
        self.seen.borrow_mut().insert(key.to_owned(), fetched.map_or(ReadKey::Absent, ReadKey::Held));
        entry
    }

    /// Whether a key exists, of any type.
    pub(super) fn contains(&self, store: &Remote, key: &str) -> Result<bool> {
        if let Some(written) = self.writes.get(key) {
            return Ok(written.is_some());
        }
        if let Some(seen) = self.seen.borrow().get(key) {
            return Ok(*seen != ReadKey::Absent);
        }
        let is_there = store.ask_one(&[b"EXISTS", key.as_bytes()])? == Answer::Int(1);
        self.seen.borrow_mut().insert(key.to_owned(), if is_there { ReadKey::Present } else { ReadKey::Absent });
        Ok(is_there)
    }

    /// The keys and arguments of the script.
    fn command(&self) -> (Vec<&str>, Vec<Vec<u8>>) {
        let seen = self.seen.borrow();
        let mut keys: Vec<&str> = self.writes.keys().map(String::as_str).collect();
        let mut arguments = Vec::with_capacity(keys.len() * 5);
        for (key, entry) in &self.writes {
            let before = seen.get(key);
            let (must, held) = must(before);
            let (what, value, time) = action(entry.as_ref(), before);
            arguments.extend([must.to_vec(), held, what.to_vec(), value, time]);
        }
        drop(seen);
        (std::mem::take(&mut keys), arguments)
    }
}

/// What a key must be for the script to go on.
fn must(seen: Option<&ReadKey>) -> (&'static [u8], Vec<u8>) {
    match seen {
        None => (b"", Vec::new()),
        Some(ReadKey::Absent) => (b"none", Vec::new()),
        Some(ReadKey::Present) => (b"any", Vec::new()),
        Some(ReadKey::Held(held)) => (b"is", held.raw.clone()),
    }
}

/// What the script does with a key.
fn action(entry: Option<&Entry>, seen: Option<&ReadKey>) -> (&'static [u8], Vec<u8>, Vec<u8>) {
    let Some(entry) = entry else { return (b"del", Vec::new(), Vec::new()) };
    let time = |expiry: Timestamp| expiry.as_millis().max(1).to_string().into_bytes();
    let value = raw_of(&entry.value).into_owned();
    let held = if let Some(ReadKey::Held(held)) = seen { Some(held) } else { None };
    match (held, entry.expiry) {
        (Some(held), expiry) if held.raw == value => match expiry {
            _ if expiry == held.expiry => (b"", Vec::new(), Vec::new()),
            Some(expiry) => (b"expire", Vec::new(), time(expiry)),
            None => (b"persist", Vec::new(), Vec::new()),
        },
        (Some(held), Some(expiry)) if held.expiry == Some(expiry) => (b"keep", value, Vec::new()),
        (_, Some(expiry)) => (b"until", value, time(expiry)),
        (_, None) => (b"set", value, Vec::new()),
    }
}

impl Remote {
    /// Makes one atomic change; again for as long as others are quicker.
    pub(super) fn make_change(&mut self, keys: Scope<'_>, body: &mut Mutation<'_>) -> Result<()> {
        if let Some(open) = self.open.take() {
            let mut change = RemoteChange { store: self, pending: open, undo: Vec::new(), fetched: RefCell::default() };
            let done = body(&mut change);
            let RemoteChange { mut pending, undo, .. } = change;
            if done.is_err() {
                for (key, before) in undo.into_iter().rev() {
                    pending.put_back(&key, before);
                }
            }
            self.open = Some(pending);
            return done;
        }
        self.send_queued();
        self.forget_ahead(keys);
        loop {
            let fetched = RefCell::new(self.fetch_first(keys)?);
            let is_of_each = matches!(keys, Scope::Each(_));
            let pending = PendingChange { is_of_each, ..PendingChange::default() };
            let mut change = RemoteChange { store: self, pending, undo: Vec::new(), fetched };
            body(&mut change)?;
            let pending = change.pending;
            if self.make(&pending)?.is_none() {
                return Ok(());
            }
            self.is_stopped.check()?;
        }
    }

    /// Reads several keys at once that are going to be asked for one after the other.
    fn fetch_first(&self, keys: Scope<'_>) -> Result<HashMap<String, Fetched>> {
        match keys {
            Scope::Keys(keys) | Scope::Each(keys) if keys.len() > 2 => self.fetch_known(keys),
            Scope::Keys(_) | Scope::Each(_) | Scope::Prefix(_) => Ok(HashMap::new()),
        }
    }

    fn fetch_known<K: AsRef<str>>(&self, keys: &[K]) -> Result<HashMap<String, Fetched>> {
        let mut known = HashMap::new();
        for part in keys.chunks(1_000) {
            for (key, fetched) in part.iter().zip(self.fetch(part)?) {
                known.extend(fetched.ok().flatten().map(|fetched| (key.as_ref().to_owned(), fetched)));
            }
        }
        Ok(known)
    }

    /// Makes what waits, unless a key that was read is another one by now: that one.
    fn make(&mut self, pending: &PendingChange) -> Result<Option<String>> {
        if pending.writes.is_empty() {
            return Ok(None);
        }
        if let Some((key, Some(entry))) = pending.writes.first_key_value()
            && pending.writes.len() == 1
            && pending.seen.borrow().is_empty()
        {
            return self.put(key, entry).map(|()| None);
        }
        let parts = self.parts(pending)?;
        if parts.len() == 1 {
            return self.make_part(pending);
        }
        for part in parts {
            if let Some(key) = self.make_part(&part)? {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    /// What one script each can make: all of it, but on a cluster what is in one slot. Only what does not hang together may
    /// be made in parts.
    fn parts(&self, pending: &PendingChange) -> Result<Vec<PendingChange>> {
        let mut parts: BTreeMap<usize, PendingChange> = BTreeMap::new();
        if self.router.borrow().is_cluster() {
            for (key, entry) in &pending.writes {
                let part = parts.entry(slot(key.as_bytes())).or_default();
                part.writes.insert(key.clone(), entry.clone());
                if let Some(seen) = pending.seen.borrow().get(key) {
                    part.seen.borrow_mut().insert(key.clone(), seen.clone());
                }
            }
        }
        if parts.len() < 2 {
            return Ok(vec![PendingChange::default()]);
        }
        if pending.is_of_each || pending.writes.values().all(Option::is_none) {
            return Ok(parts.into_values().collect());
        }
        Err(self.unsupported(
            "cannot change these keys together, because they are on different slots of the cluster; keys with the same text in braces are on one slot, as in {user:1}.name and {user:1}.age",
        ))
    }

    /// Makes what one script can.
    fn make_part(&mut self, pending: &PendingChange) -> Result<Option<String>> {
        let (keys, arguments) = pending.command();
        let count = keys.len().to_string();
        let mut parts: Vec<&[u8]> = vec![b"EVAL", SCRIPT.as_bytes(), count.as_bytes()];
        parts.extend(keys.iter().map(|key| key.as_bytes()));
        parts.extend(arguments.iter().map(Vec::as_slice));
        let answer = self.router.borrow_mut().once(&Requests::one(&parts))?;
        let key = |number: &Answer| match number {
            Answer::Int(number) => usize::try_from(number - 1).ok().and_then(|at| keys.get(at)).copied(),
            _ => None,
        };
        match self.checked(answer)? {
            Answer::Array(parts) if parts.len() == 2 => {
                Err(self.is_of_type(key(&parts[0]).unwrap_or_default().as_bytes(), &text(&parts[1])))
            }
            number => Ok(key(&number).map(str::to_owned)),
        }
    }

    /// Commits the open transaction.
    pub(super) fn commit_open(&mut self) -> Result<u64> {
        let mut open = self.open.take().ok_or_else(no_transaction)?;
        let changes = open.len();
        if changes == 0 {
            return Ok(0);
        }
        // What was only read must be what it was, too.
        let read: Vec<String> =
            open.seen.borrow().keys().filter(|key| !open.writes.contains_key(*key)).cloned().collect();
        for key in read {
            let seen = open.seen.borrow().get(&key).cloned();
            let entry = match seen {
                Some(ReadKey::Held(held)) => Some(held.into_entry()),
                _ => continue,
            };
            open.writes.insert(key, entry);
        }
        match self.make(&open)? {
            None => Ok(changes),
            Some(key) => Err(Error::Overtaken { key }),
        }
    }

    /// What the open transaction would change.
    pub(super) fn open_differences(&self) -> Result<Vec<Difference>> {
        let Some(open) = &self.open else { return Ok(Vec::new()) };
        self.differences_of(open.writes.clone())
    }

    /// The keys that would be other ones.
    pub(super) fn differences_of(&self, writes: KeyWrites) -> Result<Vec<Difference>> {
        let (keys, new): (Vec<_>, Vec<_>) = writes.into_iter().unzip();
        let mut olds = Vec::with_capacity(keys.len());
        for part in keys.chunks(1_000) {
            for fetched in self.fetch(part)? {
                olds.push(fetched?.map(Fetched::into_entry));
            }
        }
        let all = keys.into_iter().zip(olds).zip(new).map(|((key, old), new)| Difference { key, old, new });
        Ok(all.filter(|difference| difference.old != difference.new).collect())
    }

    /// Deletes the selected keys with this prefix, in atomic parts; returns their number.
    pub(super) fn unlink_all(&mut self, prefix: &str, is_wanted: &IsWanted<'_>, may_go_on: MayGoOn) -> Result<u64> {
        const PIECE: usize = 1_000;
        let mut keys = self.found(&Scan::prefix(prefix))?;
        keys.retain(|key| is_wanted(key));
        let mut deleted = 0;
        for piece in keys.chunks(PIECE) {
            may_go_on()?;
            let mut requests = Requests::default();
            for key in piece {
                requests.push(&[b"UNLINK", key.as_bytes()]);
            }
            for answer in self.ask(&requests)? {
                deleted += u64::from(self.checked(answer)? == Answer::Int(1));
            }
        }
        Ok(deleted)
    }
}

/// A change on its way.
struct RemoteChange<'s> {
    store: &'s Remote,
    pending: PendingChange,
    /// What waited for each key that is written, to be put back if it fails.
    undo: Vec<(String, Changed)>,
    /// What was read at once.
    fetched: RefCell<HashMap<String, Fetched>>,
}

impl RemoteChange<'_> {
    fn write(&mut self, key: &str, entry: Option<Entry>) {
        let before = self.pending.changed(key);
        self.undo.push((key.to_owned(), before));
        self.pending.writes.insert(key.to_owned(), entry);
    }
}

impl Changes for RemoteChange<'_> {
    fn now(&self) -> Timestamp {
        self.store.now()
    }

    fn entry(&self, key: &str) -> Result<Option<Entry>> {
        if let Some(fetched) = self.fetched.borrow_mut().remove(key)
            && !self.pending.writes.contains_key(key)
            && !self.pending.seen.borrow().contains_key(key)
        {
            return Ok(self.pending.note(key, Some(fetched)));
        }
        self.pending.entry(self.store, key)
    }

    fn changed(&mut self, key: &str) -> Result<Changed> {
        Ok(self.pending.changed(key))
    }

    fn set(&mut self, key: &str, entry: &Entry) -> Result<()> {
        check_entry(key, &entry.value)?;
        self.write(key, Some(entry.clone()));
        Ok(())
    }

    fn delete(&mut self, key: &str) -> Result<bool> {
        let is_there = self.pending.contains(self.store, key)?;
        if is_there {
            self.write(key, None);
        }
        Ok(is_there)
    }

    fn keys(&self, prefix: &str, is_wanted: &IsWanted<'_>, may_go_on: MayGoOn) -> Result<Vec<String>> {
        may_go_on()?;
        let mut keys = self.store.found(&Scan::prefix(prefix))?;
        keys.retain(|key| is_wanted(key));
        *self.fetched.borrow_mut() = self.store.fetch_known(&keys)?;
        Ok(keys)
    }
}
