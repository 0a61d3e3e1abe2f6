//! The way to a cluster: one pipeline for each of its primaries, and after a redirect the commands of that key again in their
//! order. Nothing comes back before all of it is done, so that no later command overtakes a redirected one.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use redis::{RedisError, ServerErrorKind, Value};

use super::fault::{self, Fate};
use super::link::{Facts, Link, LinkError, Login, said, text};
use super::requests::Requests;
use super::slot::{SLOTS, slot};
use super::tries::{Again, Answers, Retries, is_passing};
use super::url::{Address, RemoteSettings, Url};
use crate::error::{Error, RemoteFault, Result};

/// A server by host and port.
pub(super) type Primary = (String, u16);

/// The way to a cluster.
pub(super) struct Cluster {
    name: String,
    /// Where to ask for the layout if all else fails.
    seeds: Vec<Primary>,
    login: Login,
    wait: Duration,
    is_stopped: fn() -> bool,
    /// The primaries of all slots.
    primaries: Vec<Primary>,
    /// The index of the node that serves each slot; out of range if no node does.
    slots: Vec<usize>,
    links: HashMap<Primary, Link>,
    pub(super) facts: Facts,
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").field("name", &self.name).field("primaries", &self.primaries).finish_non_exhaustive()
    }
}

/// What became of a command.
enum RoundOutcome {
    Done(Value),
    /// Its slot is elsewhere, and is so from now on,
    Moved(usize, Primary),
    /// or for this key only, until all of the slot is.
    Ask(Primary),
    /// It was not done.
    Failed(Again, Error),
}

impl Cluster {
    pub(super) fn on(
        url: &Url,
        settings: &RemoteSettings,
        login: Login,
        (address, link, facts): (Address, Link, Facts),
    ) -> Result<Self> {
        let seed = match address {
            Address::Hosts(hosts) => hosts.into_iter().next().unwrap_or_default(),
            Address::Socket(_) => ("localhost".to_owned(), 0),
        };
        let others = match &url.address {
            Address::Hosts(hosts) => hosts.clone(),
            Address::Socket(_) => Vec::new(),
        };
        let mut cluster = Self {
            name: url.to_string(),
            seeds: std::iter::once(seed.clone()).chain(others).collect(),
            login,
            wait: settings.wait,
            is_stopped: settings.is_stopped,
            primaries: Vec::new(),
            slots: vec![usize::MAX; SLOTS],
            links: HashMap::from([(seed, link)]),
            facts,
        };
        cluster.learn().map_err(|(_, error)| error)?;
        Ok(cluster)
    }

    pub(super) fn another(&self) -> Result<Self> {
        let mut cluster = Self {
            name: self.name.clone(),
            seeds: self.seeds.clone(),
            login: self.login.clone(),
            wait: self.wait,
            is_stopped: self.is_stopped,
            primaries: self.primaries.clone(),
            slots: self.slots.clone(),
            links: HashMap::new(),
            facts: self.facts.clone(),
        };
        cluster.learn().map_err(|(_, error)| error)?;
        Ok(cluster)
    }

    pub(super) fn primaries(&self) -> Vec<Primary> {
        self.primaries.clone()
    }

    pub(super) fn link(&self, primary: &Primary) -> Result<Link, LinkError> {
        Link::open(&Address::Hosts(vec![primary.clone()]), &self.login).map(|(link, _)| link)
    }

    /// Asks the first node that answers which node serves which slots.
    fn learn(&mut self) -> Result<(), (Again, Error)> {
        let known: BTreeSet<Primary> = self.primaries.iter().chain(&self.seeds).cloned().collect();
        let mut failure = None;
        for node in known {
            match self.ask(&node, &Requests::one(&[b"CLUSTER", b"SLOTS"])) {
                Ok(Value::Array(ranges)) if !ranges.is_empty() => {
                    self.take_in(&ranges, &node.0);
                    return Ok(());
                }
                Ok(Value::ServerError(error)) => {
                    failure = Some((Again::Later, fault::of_answer(&self.name, &said(&error))));
                }
                Ok(_) => {
                    let reason = "the cluster serves no slots; create it with `redis-cli --cluster create`";
                    failure = Some((Again::Later, fault::remote(&self.name, RemoteFault::Busy, reason)));
                }
                Err(error) => _ = failure.get_or_insert(error),
            }
        }
        let none = || (Again::Never, fault::remote(&self.name, RemoteFault::Io, "no server of the cluster is known"));
        Err(failure.unwrap_or_else(none))
    }

    /// Takes in which slots are where. A server without a host is the one that was asked.
    fn take_in(&mut self, ranges: &[Value], asked: &str) {
        self.primaries.clear();
        self.slots.fill(usize::MAX);
        for range in ranges {
            let Value::Array(parts) = range else { continue };
            let [Value::Int(first), Value::Int(last), Value::Array(node), ..] = &parts[..] else { continue };
            let host = node.first().map(text).filter(|host| !host.is_empty()).unwrap_or_else(|| asked.to_owned());
            let Some(Value::Int(port)) = node.get(1) else { continue };
            let primary = (host, u16::try_from(*port).unwrap_or(0));
            let number = self.number_of(&primary);
            let (first, last) = (usize::try_from(*first).unwrap_or(0), usize::try_from(*last).unwrap_or(0));
            self.slots.iter_mut().take(last + 1).skip(first).for_each(|slot| *slot = number);
        }
    }

    fn number_of(&mut self, primary: &Primary) -> usize {
        self.primaries.iter().position(|known| known == primary).unwrap_or_else(|| {
            self.primaries.push(primary.clone());
            self.primaries.len() - 1
        })
    }

    /// A connection to a server, made if there is none.
    fn connect(&mut self, node: &Primary) -> Result<&mut Link, (Again, Error)> {
        if !self.links.contains_key(node) {
            let link = self.link(node).map_err(|error| {
                let again = match &error {
                    LinkError::Broken(_) => Again::Later,
                    LinkError::Said(said) if fault::is_passing(said) => Again::Later,
                    LinkError::Said(_) | LinkError::NoServer => Again::Never,
                };
                (again, fault::of_link(&self.at(node), &error))
            })?;
            self.links.insert(node.clone(), link);
        }
        self.links
            .get_mut(node)
            .ok_or_else(|| (Again::Later, fault::remote(&self.name, RemoteFault::Io, "no connection")))
    }

    /// A server of the cluster, for messages.
    fn at(&self, (host, port): &Primary) -> String {
        format!("{} ({host}:{port})", self.name)
    }

    fn broken(&mut self, node: &Primary, error: &RedisError, fate: Fate) -> Error {
        self.links.remove(node);
        fault::of_connection(&self.at(node), error, fate)
    }

    /// The answer of one server to one command that may be sent again.
    fn ask(&mut self, node: &Primary, request: &Requests) -> Result<Value, (Again, Error)> {
        let link = self.connect(node)?;
        let answer = link.send(request.from(0)).and_then(|()| link.receive());
        answer.map_err(|error| (Again::Later, self.broken(node, &error, Fate::Repeatable)))
    }

    /// Where a command of a pipeline belongs.
    fn home(&self, requests: &Requests, number: usize) -> Option<Primary> {
        match requests.key(number) {
            Some(key) => self.primaries.get(self.slots[slot(key)]).cloned(),
            None => self.primaries.first().cloned(),
        }
    }

    /// Sends commands that do no harm if they are sent twice.
    pub(super) fn repeatable(&mut self, requests: &Requests) -> Answers {
        let mut retries = Retries::new(self.wait, self.is_stopped);
        let mut values: Vec<Option<Value>> = vec![None; requests.len()];
        let mut pending: Vec<usize> = (0..requests.len()).collect();
        let mut redirects = 0;
        while !pending.is_empty() {
            let outcomes = self.round(requests, &pending);
            let (mut left, mut asks, mut failure) = (Vec::new(), Vec::new(), None);
            // A key's commands after one that was not done are done again, so that the last one stays the last.
            let mut undone: BTreeSet<&[u8]> = BTreeSet::new();
            let was = pending.len();
            for (number, outcome) in pending.into_iter().zip(outcomes) {
                let key = requests.key(number).unwrap_or_default();
                match outcome {
                    RoundOutcome::Done(value) if !undone.contains(key) => {
                        values[number] = Some(value);
                        continue;
                    }
                    RoundOutcome::Done(_) => {}
                    RoundOutcome::Moved(slot, primary) => self.slots[slot] = self.number_of(&primary),
                    RoundOutcome::Ask(primary) if !undone.contains(key) => asks.push((number, primary)),
                    RoundOutcome::Ask(_) => {}
                    RoundOutcome::Failed(again, error) => {
                        if failure.as_ref().is_none_or(|(known, _)| *known == Again::Later) {
                            failure = Some((again, error));
                        }
                    }
                }
                undone.insert(key);
                left.push(number);
            }
            for (number, primary) in asks {
                if let RoundOutcome::Done(value) = self.ask_there(requests, number, &primary) {
                    values[number] = Some(value);
                    left.retain(|&left| left != number);
                }
            }
            redirects += usize::from(left.len() == was);
            if let Some((again, error)) = failure {
                if again == Again::Never || !retries.pause() {
                    return Answers { values, failure: Some(error) };
                }
                // A failed node may have been replaced by now.
                let _ = self.learn();
            } else if redirects > 16 && !left.is_empty() {
                let reason =
                    "the servers of the cluster send each other's keys around; see `redis-cli --cluster check`";
                redirects = 0;
                if !retries.pause() {
                    return Answers { values, failure: Some(fault::remote(&self.name, RemoteFault::Busy, reason)) };
                }
                let _ = self.learn();
            }
            pending = left;
        }
        Answers { values, failure: None }
    }

    /// Sends commands, one pipeline for each server; what became of each.
    fn round(&mut self, requests: &Requests, pending: &[usize]) -> Vec<RoundOutcome> {
        let mut by_node: BTreeMap<Primary, (Vec<u8>, Vec<usize>)> = BTreeMap::new();
        let mut outcomes: Vec<Option<RoundOutcome>> = Vec::new();
        outcomes.resize_with(pending.len(), || None);
        for (at, &number) in pending.iter().enumerate() {
            if let Some(node) = self.home(requests, number) {
                let (bytes, places) = by_node.entry(node).or_default();
                bytes.extend_from_slice(requests.alone(number));
                places.push(at);
            }
        }
        let mut failures: HashMap<Primary, (Again, Error)> = HashMap::new();
        for (node, (bytes, _)) in &by_node {
            let sent = self.connect(node).map(|link| link.send(bytes));
            match sent {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    let error = self.broken(node, &error, Fate::Repeatable);
                    failures.insert(node.clone(), (Again::Later, error));
                }
                Err(failed) => _ = failures.insert(node.clone(), failed),
            }
        }
        for (node, (_, places)) in by_node {
            let mut failed = failures.remove(&node);
            for at in places {
                if failed.is_none() {
                    match self.links.get_mut(&node).map(Link::receive) {
                        Some(Ok(value)) => {
                            outcomes[at] = Some(self.outcome(value, &node.0));
                            continue;
                        }
                        Some(Err(error)) => failed = Some((Again::Later, self.broken(&node, &error, Fate::Repeatable))),
                        None => {}
                    }
                }
                outcomes[at] = failed.as_ref().map(|(again, error)| RoundOutcome::Failed(*again, fault::same(error)));
            }
        }
        let unserved =
            || fault::remote(&self.name, RemoteFault::Busy, "no server of the cluster serves this key's slot");
        outcomes
            .into_iter()
            .map(|outcome| outcome.unwrap_or_else(|| RoundOutcome::Failed(Again::Later, unserved())))
            .collect()
    }

    /// What an answer means.
    fn outcome(&self, value: Value, asked: &str) -> RoundOutcome {
        let Value::ServerError(error) = &value else { return RoundOutcome::Done(value) };
        match error.kind() {
            Some(kind @ (ServerErrorKind::Moved | ServerErrorKind::Ask)) => {
                let Some((slot, primary)) = error.details().and_then(|details| redirect(details, asked)) else {
                    return RoundOutcome::Done(value);
                };
                if kind == ServerErrorKind::Moved {
                    RoundOutcome::Moved(slot, primary)
                } else {
                    RoundOutcome::Ask(primary)
                }
            }
            // It was a primary until a moment ago.
            _ if is_passing(&value) || error.kind() == Some(ServerErrorKind::ReadOnly) => {
                RoundOutcome::Failed(Again::Later, fault::of_answer(&self.name, &said(error)))
            }
            _ => RoundOutcome::Done(value),
        }
    }

    /// Sends one command to the server that is taking over its slot.
    fn ask_there(&mut self, requests: &Requests, number: usize, node: &Primary) -> RoundOutcome {
        let mut bytes = Requests::one(&[b"ASKING"]).from(0).to_vec();
        bytes.extend_from_slice(requests.alone(number));
        let link = match self.connect(node) {
            Ok(link) => link,
            Err((again, error)) => return RoundOutcome::Failed(again, error),
        };
        let answer = link.send(&bytes).and_then(|()| link.receive()).and_then(|_| link.receive());
        match answer {
            Ok(value) => self.outcome(value, &node.0),
            Err(error) => RoundOutcome::Failed(Again::Never, self.broken(node, &error, Fate::Unknown)),
        }
    }

    /// Sends one command that must not be carried out twice: a redirect has not carried it out.
    pub(super) fn once(&mut self, request: &Requests) -> Result<Value> {
        let mut retries = Retries::new(self.wait, self.is_stopped);
        let mut ask: Option<Primary> = None;
        let mut redirects = 0;
        loop {
            let (outcome, node) = match (ask.take(), self.home(request, 0)) {
                (Some(node), _) => (self.ask_there(request, 0, &node), node),
                (None, Some(node)) => (self.send_once(request, &node), node),
                (None, None) => {
                    let error = fault::remote(&self.name, RemoteFault::Busy, "no server serves this key's slot");
                    (RoundOutcome::Failed(Again::Later, error), Primary::default())
                }
            };
            let failure = match outcome {
                RoundOutcome::Done(value) => return Ok(value),
                RoundOutcome::Moved(slot, primary) => {
                    self.slots[slot] = self.number_of(&primary);
                    None
                }
                RoundOutcome::Ask(primary) => {
                    ask = Some(primary);
                    None
                }
                RoundOutcome::Failed(Again::Never, error) => return Err(error),
                RoundOutcome::Failed(Again::Later, error) => Some(error),
            };
            redirects += 1;
            if failure.is_some() || redirects % 16 == 0 {
                if !retries.pause() {
                    let reason = "the servers of the cluster send this key around";
                    return Err(failure.unwrap_or_else(|| fault::remote(&self.at(&node), RemoteFault::Busy, reason)));
                }
                let _ = self.learn();
            }
        }
    }

    fn send_once(&mut self, request: &Requests, node: &Primary) -> RoundOutcome {
        if self.links.get_mut(node).is_some_and(|link| !link.is_alive()) {
            self.links.remove(node);
        }
        let link = match self.connect(node) {
            Ok(link) => link,
            Err((again, error)) => return RoundOutcome::Failed(again, error),
        };
        match link.send(request.from(0)).and_then(|()| link.receive()) {
            Ok(value) => self.outcome(value, &node.0),
            Err(error) => RoundOutcome::Failed(Again::Never, self.broken(node, &error, Fate::Unknown)),
        }
    }

    /// Sends one command to each primary, without a time limit for the answer.
    pub(super) fn everywhere_patiently(&mut self, request: &Requests) -> Result<Vec<Value>> {
        const LONG: Duration = Duration::from_mins(10);
        let mut answers = Vec::new();
        for node in self.primaries() {
            let link = self.connect(&node).map_err(|(_, error)| error)?;
            let _ = link.set_patience(Some(LONG));
            let answer = link.send(request.from(0)).and_then(|()| link.receive());
            let _ = link.set_patience(None);
            answers.push(answer.map_err(|error| self.broken(&node, &error, Fate::Unknown))?);
        }
        Ok(answers)
    }

    /// Sends commands that only read to one primary.
    pub(super) fn on_primary(&mut self, node: &Primary, requests: &Requests) -> Answers {
        let mut retries = Retries::new(self.wait, self.is_stopped);
        loop {
            let mut values = Vec::new();
            let sent = self.connect(node).map(|link| {
                let mut done = link.send(requests.from(0));
                while done.is_ok() && values.len() < requests.len() {
                    done = link.receive().map(|value| values.push(value));
                }
                done
            });
            let (again, error) = match sent {
                Ok(Ok(())) => return Answers::whole(values),
                Ok(Err(error)) => (Again::Later, self.broken(node, &error, Fate::Repeatable)),
                Err(failed) => failed,
            };
            if again == Again::Never || !retries.pause() {
                return Answers::partial(Vec::new(), requests.len(), error);
            }
            let _ = self.learn();
            if !self.primaries.contains(node) {
                return Answers::partial(Vec::new(), requests.len(), error);
            }
        }
    }

    /// What is where; `None` while a slot is on its way.
    pub(super) fn layout(&mut self) -> Result<Option<String>> {
        self.learn().map_err(|(_, error)| error)?;
        let layout = format!("{:?} {:?}", self.slots, self.primaries);
        for node in self.primaries() {
            let nodes = self.on_primary(&node, &Requests::one(&[b"CLUSTER", b"NODES"])).all()?;
            let is_moving = nodes.first().map(text).is_some_and(|nodes| nodes.contains("->-") || nodes.contains("-<-"));
            if is_moving {
                return Ok(None);
            }
        }
        Ok(Some(layout))
    }
}

/// Where a redirect leads: `SLOT HOST:PORT`, or without a host to the one that was asked.
fn redirect(details: &str, asked: &str) -> Option<(usize, Primary)> {
    let (slot, place) = details.split_once(' ')?;
    let (host, port) = place.rsplit_once(':')?;
    let host = if host.is_empty() { asked } else { host };
    Some((slot.parse().ok().filter(|&slot| slot < SLOTS)?, (host.to_owned(), port.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_leads_to_a_host_or_to_another_port_of_the_same() {
        assert_eq!(redirect("12182 10.0.0.2:7001", "a"), Some((12_182, ("10.0.0.2".to_owned(), 7001))));
        assert_eq!(redirect("1 :7001", "a"), Some((1, ("a".to_owned(), 7001))));
        assert_eq!(redirect("1 ::1:7001", "a"), Some((1, ("::1".to_owned(), 7001))));
        assert_eq!(redirect("99999 a:1", "a"), None);
    }
}
