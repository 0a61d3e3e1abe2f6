//! The store that is a database on a server: reads, plain sets, batches.
//!
//! | module | what it is |
//! | --- | --- |
//! | `change` | changes that depend on the current values: read, computed here, compared and set by a script |
//! | `fetch` | what keys hold, as it is stored |
//! | `queue` | sets that wait, and values that are read ahead |
//! | `keys` | listings, by a scan that is sorted here |
//! | `load` | many entries at once |
//! | `follow` | what happens to keys |

mod change;

mod fetch;

mod follow;

mod keys;

mod load;

mod queue;

use std::cell::{Cell, RefCell};
use std::time::Instant;

use redis::Value as Answer;

use self::change::PendingChange;
use self::fetch::Fetched;
use self::follow::Follower;
use self::keys::{EntryPieces, Glances};
use self::queue::{Queue, ReadAhead};
use crate::database::{Changed, Database, LoadObserver, Loaded, Loading, Seen};
use crate::error::{Error, RemoteFault, Result};
use crate::expiry::Timestamp;
use crate::number::Number;
use crate::redis::fault;
use crate::redis::link::{said, text};
use crate::redis::raw;
use crate::redis::requests::{Requests, raw_of};
use crate::redis::router::Router;
use crate::redis::url::{RemoteSettings, Url};
use crate::storage::{Entry, check_entry};
use crate::store::{
    Batch, Description, DifferenceIter, EntryIter, IsWanted, KeyIter, LoadSource, MayGoOn, Mutation, OutlineIter, Scan,
    Scope, Store, StoreExt as _, StoreSavepoint, Watching,
};
use crate::value::Value;

/// What is said of a password in a URL.
const SHOWN_PASSWORD: &str =
    "warning: others can see the password in the URL (`ps` shows it); use RUSTY_KV_PASSWORD or --password-file";

/// A database on a server.
#[derive(Debug)]
pub(crate) struct Remote {
    name: String,
    read_only: bool,
    is_stopped: StopCheck,
    router: RefCell<Router>,
    queue: RefCell<Queue>,
    /// Whether changes may wait for the end of a batch.
    in_batch: bool,
    ahead: RefCell<ReadAhead>,
    open: Option<PendingChange>,
    notices: RefCell<Vec<String>>,
    glances: Glances,
    /// Whether it has been said that keys were left out.
    has_noted: Cell<bool>,
}

/// Asks whether the user has interrupted.
#[derive(Clone, Copy, Debug)]
struct StopCheck(fn() -> bool);

impl StopCheck {
    fn check(self) -> Result<()> {
        if (self.0)() { Err(Error::Interrupted) } else { Ok(()) }
    }
}

impl Remote {
    pub(super) fn open(url: &Url, settings: &RemoteSettings) -> Result<Self> {
        let router = Router::open(url, settings)?;
        let facts = router.facts();
        let refused = |reason: String| Err(fault::remote(&url.to_string(), RemoteFault::Unsupported, reason));
        if facts.mode == "sentinel" {
            return refused("this is a Sentinel, which keeps no data; give the address of the primary".to_owned());
        }
        if facts.version < (6, 2) {
            let (major, minor) = facts.version;
            return refused(format!("the server is version {major}.{minor}; 6.2 or newer is needed"));
        }
        Ok(Self {
            name: url.to_string(),
            read_only: settings.read_only,
            is_stopped: StopCheck(settings.is_stopped),
            router: RefCell::new(router),
            queue: RefCell::default(),
            in_batch: false,
            ahead: RefCell::default(),
            open: None,
            notices: RefCell::new(url.shows_password.then(|| SHOWN_PASSWORD.to_owned()).into_iter().collect()),
            glances: Glances::default(),
            has_noted: Cell::new(false),
        })
    }

    /// Answers to commands that do no harm if they are sent twice, all of them.
    fn ask(&self, requests: &Requests) -> Result<Vec<Answer>> {
        self.send_queued();
        self.router.borrow_mut().repeatable(requests).all()
    }

    /// The answer to one such command.
    fn ask_one(&self, parts: &[&[u8]]) -> Result<Answer> {
        let answer = self.ask(&Requests::one(parts))?.pop().unwrap_or(Answer::Nil);
        self.checked(answer)
    }

    /// An answer that is no error.
    fn checked(&self, answer: Answer) -> Result<Answer> {
        match answer {
            Answer::ServerError(error) => Err(fault::of_answer(&self.name, &said(&error))),
            answer => Ok(answer),
        }
    }

    /// The same of a command on a key, which may be of another type.
    fn checked_on(&self, key: &[u8], answer: Answer) -> Result<Answer> {
        match answer {
            Answer::ServerError(error) if error.code() == "WRONGTYPE" => Err(self.other_type(key)),
            answer => self.checked(answer),
        }
    }

    /// The failure of a command on a key that holds no string.
    fn other_type(&self, key: &[u8]) -> Error {
        let kind = self.router.borrow_mut().repeatable(&Requests::one(&[b"TYPE", key])).all();
        let kind = kind.ok().and_then(|mut answers| answers.pop()).map(|answer| text(&answer));
        self.is_of_type(key, kind.as_deref().unwrap_or("no string"))
    }

    fn is_of_type(&self, key: &[u8], kind: &str) -> Error {
        let kind = match kind {
            "zset" => "sorted set",
            "none" => "value that is gone by now",
            kind => kind,
        };
        let key = keys::shown(key);
        let reason =
            format!("'{key}' is a {kind} made by another program; only strings can be read and set (`del` deletes it)");
        fault::remote(&self.name, RemoteFault::OtherType, reason)
    }

    fn unsupported(&self, reason: &'static str) -> Error {
        Error::Unsupported { store: self.name.clone(), reason }
    }

    /// Fails if changes are refused.
    fn check_writable(&self) -> Result<()> {
        // A key that the user creates is offered at once.
        self.glances.forget();
        if !self.read_only {
            return Ok(());
        }
        Err(Error::ReadOnly { path: self.name.clone().into(), reason: String::new() })
    }
}

impl Store for Remote {
    fn describe(&self) -> Description {
        Description { name: self.name.clone(), exists: true }
    }

    fn refresh(&mut self) -> Result<bool> {
        Ok(false)
    }

    fn now(&self) -> Timestamp {
        self.router.borrow().now()
    }

    fn entry(&self, key: &str) -> Result<Option<Entry>> {
        if let Some(open) = &self.open {
            return open.entry(self, key);
        }
        let found = self.fetch(&[key])?.pop().unwrap_or(Ok(None))?;
        Ok(found.map(Fetched::into_entry))
    }

    fn get(&self, key: &str) -> Result<Option<Value>> {
        if let Some(open) = &self.open {
            return Ok(open.entry(self, key)?.map(|entry| entry.value));
        }
        if self.in_batch
            && let Some(value) = self.ahead.borrow().get(key)
        {
            return Ok(value.clone());
        }
        let answer = self.ask(&Requests::one(&[b"GET", key.as_bytes()]))?.pop().unwrap_or(Answer::Nil);
        Ok(match self.checked_on(key.as_bytes(), answer)? {
            Answer::BulkString(raw) => Some(raw::decode(raw)),
            _ => None,
        })
    }

    fn contains(&self, key: &str) -> Result<bool> {
        if let Some(open) = &self.open {
            return open.contains(self, key);
        }
        Ok(self.ask_one(&[b"EXISTS", key.as_bytes()])? == Answer::Int(1))
    }

    fn len(&self) -> Result<u64> {
        self.check_listing()?;
        self.send_queued();
        let mut router = self.router.borrow_mut();
        let mut count = 0;
        for shard in router.shards() {
            for answer in router.on_shard(&shard, &Requests::one(&[b"DBSIZE"])).all()? {
                if let Answer::Int(keys) = self.checked(answer)? {
                    count += u64::try_from(keys).unwrap_or(0);
                }
            }
        }
        Ok(count)
    }

    fn scan(&self, scan: &Scan) -> EntryIter<'_> {
        match self.found(scan) {
            Ok(keys) => Box::new(EntryPieces::new(self, keys)),
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    }

    fn scan_keys(&self, scan: &Scan) -> KeyIter<'_> {
        match self.found(scan) {
            Ok(keys) => Box::new(keys.into_iter().map(Ok)),
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    }

    fn glance(&self, key: &str, limit: u64) -> Result<Option<Seen>> {
        self.glance_at(key, limit)
    }

    fn outlines(&self, prefix: &str) -> OutlineIter<'_> {
        self.bounded_outlines(prefix)
    }

    fn change(&mut self, keys: Scope<'_>, body: &mut Mutation<'_>) -> Result<()> {
        self.check_writable()?;
        self.make_change(keys, body)
    }

    fn set(&mut self, key: &str, value: &Value) -> Result<()> {
        self.check_writable()?;
        if self.open.is_some() {
            let entry = Entry::from(value.clone());
            return self.make_change(Scope::Keys(&[key]), &mut |changes| changes.set(key, &entry));
        }
        // A script's sets are not copied more than once.
        if self.in_batch {
            check_entry(key, value)?;
            let queue = self.queue.get_mut();
            queue.requests.push(&[b"SET", key.as_bytes(), &raw_of(value), b"GET"]);
            if let Some(known) = self.ahead.get_mut().values.get_mut(key) {
                *known = Some(value.clone());
            }
            if queue.is_full() {
                self.send_queued();
            }
            return Ok(());
        }
        self.put(key, &Entry::from(value.clone()))
    }

    fn add(&mut self, key: &str, by: Number) -> Result<Value> {
        // The server adds whole numbers only, and others to them only with a loss.
        let Some(whole) = by.to_string().parse::<i64>().ok().filter(|_| self.open.is_none()) else {
            return self.add_to_read(key, by);
        };
        self.check_writable()?;
        self.send_queued();
        let request = Requests::one(&[b"INCRBY", key.as_bytes(), whole.to_string().as_bytes()]);
        let answer = self.router.borrow_mut().once(&request)?;
        self.ahead.get_mut().values.remove(key);
        match answer {
            Answer::Int(sum) => Ok(Value::from(sum.to_string())),
            Answer::ServerError(error) if said(&error).starts_with("ERR ") => self.add_to_read(key, by),
            answer => Err(self.checked_on(key.as_bytes(), answer).err().unwrap_or(Error::Interrupted)),
        }
    }

    fn delete_all(&mut self, prefix: &str, is_wanted: &IsWanted<'_>, may_go_on: MayGoOn) -> Result<u64> {
        self.check_writable()?;
        self.forget_ahead(Scope::Prefix(prefix));
        self.unlink_all(prefix, is_wanted, may_go_on)
    }

    fn clear(&mut self, _: MayGoOn) -> Result<u64> {
        self.check_writable()?;
        let count = self.len()?;
        let answers = self.router.borrow_mut().everywhere_patiently(&Requests::one(&[b"FLUSHDB"]))?;
        answers.into_iter().try_for_each(|answer| self.checked(answer).map(drop))?;
        Ok(count)
    }

    fn load(&mut self, entries: &mut LoadSource<'_>, how: Loading, observer: &mut dyn LoadObserver) -> Result<Loaded> {
        self.check_writable()?;
        self.load_entries(entries, how, observer)
    }

    fn rehearse_load(&mut self, entries: &mut LoadSource<'_>, how: Loading) -> Result<(Loaded, DifferenceIter<'_>)> {
        self.rehearse(entries, how)
    }

    fn read_ahead(&mut self, keys: &[&str]) {
        if self.open.is_some() {
            return;
        }
        let mut requests = Requests::default();
        for key in keys {
            requests.push(&[b"GET", key.as_bytes()]);
        }
        let ahead = self.ahead.get_mut();
        ahead.values.clear();
        ahead.since = None;
        if requests.len() < 2 {
            return;
        }
        // What cannot be had so is asked for when its turn has come.
        let Ok(answers) = self.ask(&requests) else { return };
        let ahead = self.ahead.get_mut();
        ahead.since = Some(Instant::now());
        for (key, answer) in keys.iter().zip(answers) {
            let value = match answer {
                Answer::BulkString(raw) => Some(raw::decode(raw)),
                Answer::Nil => None,
                _ => continue,
            };
            ahead.values.insert((*key).to_owned(), value);
        }
    }

    fn reads_ahead(&self) -> bool {
        self.open.is_none()
    }

    fn begin_batch(&mut self) {
        self.in_batch = true;
    }

    fn commit_batch(&mut self) -> Result<()> {
        self.in_batch = false;
        self.ahead.get_mut().since = None;
        self.send_queued();
        self.queue.get_mut().sent = 0;
        Ok(())
    }

    fn batch(&self) -> Batch {
        let queue = self.queue.borrow();
        let changes = queue.sent + queue.requests.len() as u64;
        Batch {
            is_open: changes > 0,
            is_locked: false,
            bytes: queue.requests.size() as u64,
            changes: Some(changes),
            is_full: changes >= Queue::MOST as u64,
        }
    }

    fn take_failures(&mut self) -> Vec<(u64, Error)> {
        std::mem::take(&mut self.queue.get_mut().failures)
    }

    fn begin(&mut self) -> Result<()> {
        if self.open.is_some() {
            return Err(Error::Transaction {
                reason: "a transaction is already open; end it with `commit` or `rollback`",
            });
        }
        self.check_writable()?;
        self.send_queued();
        self.open = Some(PendingChange::default());
        Ok(())
    }

    fn commit(&mut self) -> Result<u64> {
        self.commit_open()
    }

    fn rollback(&mut self) -> Result<u64> {
        self.open.take().map(|open| open.len()).ok_or_else(no_transaction)
    }

    fn open_transaction(&self) -> Option<u64> {
        self.open.as_ref().map(PendingChange::len)
    }

    fn is_in_transaction(&self) -> bool {
        self.open.is_some()
    }

    fn put_back(&mut self, key: &str, changed: Changed) {
        if let Some(open) = &mut self.open {
            open.put_back(key, changed);
        }
    }

    fn savepoint(&mut self) -> StoreSavepoint {
        StoreSavepoint::of(self.open.as_ref().map(PendingChange::writes).unwrap_or_default())
    }

    fn rollback_to(&mut self, mark: StoreSavepoint) -> u64 {
        let Some(open) = &mut self.open else { return 0 };
        let changed = open.len();
        open.roll_back_to(mark.changes());
        changed
    }

    fn differences(&mut self) -> DifferenceIter<'_> {
        match self.open_differences() {
            Ok(found) => Box::new(found.into_iter().map(Ok)),
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    }

    fn watch(&self, prefix: &str) -> Result<Box<dyn Watching>> {
        Ok(Box::new(Follower::of(self, prefix)?))
    }

    fn siblings(&self) -> Result<Vec<(u32, u64)>> {
        if self.router.borrow().is_cluster() {
            return Ok(vec![(0, self.len()?)]);
        }
        let info = text(&self.ask_one(&[b"INFO", b"keyspace"])?);
        // Such as `db0:keys=3,expires=0,avg_ttl=0`.
        let database = |line: &str| {
            let (number, rest) = line.strip_prefix("db")?.split_once(":keys=")?;
            Some((number.parse().ok()?, rest.split(',').next()?.parse().ok()?))
        };
        Ok(info.lines().filter_map(database).collect())
    }

    fn take_notices(&mut self) -> Vec<String> {
        std::mem::take(self.notices.get_mut())
    }

    fn files(&self) -> Option<&Database> {
        None
    }

    fn files_mut(&mut self) -> Option<&mut Database> {
        None
    }
}

fn no_transaction() -> Error {
    Error::Transaction { reason: "no transaction is open; start one with `begin`" }
}
