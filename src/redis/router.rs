//! Sends commands where they belong and brings their answers back in order. What was lost on the way is sent again as long
//! as repeating it is harmless and its caller still waits for it.

use redis::Value;

use super::cluster::Cluster;
use super::fault;
use super::link::{Facts, Link, LinkError, Login};
use super::requests::Requests;
use super::single::Single;
use super::tries::Answers;
use super::url::{Address, RemoteSettings, Url};
use crate::error::{RemoteFault, Result};
use crate::expiry::Timestamp;

/// The way to a database.
#[derive(Debug)]
pub(super) enum Router {
    Single(Single),
    Cluster(Cluster),
}

impl Router {
    /// Connects to the first host that can be reached, and finds out whether it is part of a cluster.
    pub(super) fn open(url: &Url, settings: &RemoteSettings) -> Result<Self> {
        let login = Login { user: url.user.clone(), password: url.password.clone(), database: url.database };
        let name = url.to_string();
        let addresses = match &url.address {
            Address::Hosts(hosts) => hosts.iter().map(|host| Address::Hosts(vec![host.clone()])).collect(),
            socket @ Address::Socket(_) => vec![socket.clone()],
        };
        let mut failure = None;
        for address in addresses {
            match Link::open(&address, &login) {
                Ok((link, facts)) if facts.mode == "cluster" => {
                    return Cluster::on(url, settings, login, (address, link, facts)).map(Self::Cluster);
                }
                Ok(_) if url.is_cluster => {
                    let reason = "this server is not part of a cluster; use redis://";
                    return Err(fault::remote(&name, RemoteFault::CannotOpen, reason));
                }
                Ok(made) => return Ok(Self::Single(Single::on(url, settings, login, made))),
                Err(error @ LinkError::Said(_)) => return Err(fault::of_link(&name, &error)),
                Err(error) => _ = failure.get_or_insert(fault::of_link(&name, &error)),
            }
        }
        Err(failure.unwrap_or_else(|| fault::remote(&name, RemoteFault::CannotOpen, "no host is given")))
    }

    /// Sends commands that do no harm if they are sent twice.
    pub(super) fn repeatable(&mut self, requests: &Requests) -> Answers {
        match self {
            Self::Single(single) => single.repeatable(requests),
            Self::Cluster(cluster) => cluster.repeatable(requests),
        }
    }

    /// Sends one command that must not be carried out twice.
    pub(super) fn once(&mut self, request: &Requests) -> Result<Value> {
        match self {
            Self::Single(single) => single.once(request),
            Self::Cluster(cluster) => cluster.once(request),
        }
    }

    /// Sends such commands to each server, whose answers may take as long as they take.
    pub(super) fn everywhere_patiently(&mut self, request: &Requests) -> Result<Vec<Value>> {
        match self {
            Self::Single(single) => Ok(vec![single.once_patiently(request)?]),
            Self::Cluster(cluster) => cluster.everywhere_patiently(request),
        }
    }

    /// The servers that have a part of the data each.
    pub(super) fn shards(&self) -> Vec<Shard> {
        match self {
            Self::Single(_) => vec![None],
            Self::Cluster(cluster) => cluster.primaries().into_iter().map(Some).collect(),
        }
    }

    /// Sends commands that only read to one of them.
    pub(super) fn on_shard(&mut self, shard: &Shard, requests: &Requests) -> Answers {
        match (self, shard) {
            (Self::Cluster(cluster), Some(primary)) => cluster.on_primary(primary, requests),
            (router, _) => router.repeatable(requests),
        }
    }

    /// What is where, to see whether that has changed; `None` while something is on its way from one server to another.
    pub(super) fn layout(&mut self) -> Result<Option<String>> {
        match self {
            Self::Single(_) => Ok(Some(String::new())),
            Self::Cluster(cluster) => cluster.layout(),
        }
    }

    pub(super) fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }

    /// Another way to the same database.
    pub(super) fn another(&self) -> Result<Self> {
        match self {
            Self::Single(single) => single.another().map(Self::Single),
            Self::Cluster(cluster) => cluster.another().map(Self::Cluster),
        }
    }

    /// A connection of one's own to one of the servers.
    pub(super) fn link(&self, shard: &Shard) -> Result<Link, LinkError> {
        match (self, shard) {
            (Self::Cluster(cluster), Some(primary)) => cluster.link(primary),
            (Self::Cluster(_), None) => Err(LinkError::NoServer),
            (Self::Single(single), _) => single.link(),
        }
    }

    pub(super) fn facts(&self) -> &Facts {
        match self {
            Self::Single(single) => &single.facts,
            Self::Cluster(cluster) => &cluster.facts,
        }
    }

    /// The time by the server's clock.
    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_millis(Timestamp::now().as_millis().saturating_add_signed(self.facts().ahead))
    }
}

/// One of the servers of a cluster by host and port, or the only one.
pub(super) type Shard = Option<(String, u16)>;
