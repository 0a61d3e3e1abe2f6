//! Databases on Redis and Valkey.
//!
//! | module | what it is |
//! | --- | --- |
//! | `remote` | the store |
//! | `router` | sends commands where they belong |
//! | `single`, `cluster` | to one server, or to the one that has the key |
//! | `tries`, `link`, `requests`, `slot` | answers, a connection, commands, parts of a cluster |
//! | `fault` | the messages of failures |
//! | `raw` | values as a server holds them |
//! | `url` | where a database is |
//!
//! What one command reads and writes is atomic. There are no snapshots: a listing shows each key that was there all the
//! while exactly once, and of others perhaps something.

#[cfg_attr(not(feature = "redis"), expect(dead_code, reason = "only who connects asks where to"))]
mod url;

#[cfg(feature = "redis")]
mod fault;

#[cfg(feature = "redis")]
mod link;

#[cfg(feature = "redis")]
mod raw;

#[cfg(feature = "redis")]
mod remote;

#[cfg(feature = "redis")]
mod requests;

#[cfg(feature = "redis")]
mod router;

#[cfg(feature = "redis")]
mod cluster;

#[cfg(feature = "redis")]
mod single;

#[cfg(feature = "redis")]
mod slot;

#[cfg(feature = "redis")]
mod tries;

use crate::error::Result;
use crate::store::Store;

pub(crate) use self::url::{RemoteSettings, Url};

/// Opens the database at an address.
#[cfg(feature = "redis")]
pub(crate) fn open(url: &Url, settings: &RemoteSettings) -> Result<Box<dyn Store>> {
    Ok(Box::new(remote::Remote::open(url, settings)?))
}

/// Says that this program has no way to it.
#[cfg(not(feature = "redis"))]
pub(crate) fn open(url: &Url, _: &RemoteSettings) -> Result<Box<dyn Store>> {
    let reason = "cannot be opened: this program was built without the feature `redis`";
    Err(crate::error::Error::Unsupported { store: url.to_string(), reason })
}
