//! The messages of failures, with what the user can do.

use std::io::ErrorKind;

use redis::RedisError;

use super::link::LinkError;
use crate::error::{Error, RemoteFault};

/// What the crate wraps around the errors of the system.
type WrappedError = std::sync::Arc<dyn std::error::Error + Send + Sync>;

/// What became of commands whose connection broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// They were not sent.
    NotSent,
    /// They only read, or the same again would do no harm.
    Repeatable,
    /// They may have been carried out.
    Unknown,
}

pub(super) fn remote(server: &str, fault: RemoteFault, reason: impl Into<String>) -> Error {
    Error::Remote { server: server.to_owned(), fault, reason: reason.into() }
}

/// The same failure of another command.
pub(super) fn same(error: &Error) -> Error {
    match error {
        Error::Remote { server, fault, reason } => remote(server, *fault, reason.clone()),
        other => remote("", RemoteFault::Io, other.to_string()),
    }
}

/// The failure of a connection that could not be made.
pub(super) fn of_link(server: &str, error: &LinkError) -> Error {
    match error {
        LinkError::Broken(error) => of_connection(server, error, Fate::NotSent),
        LinkError::Said(said) => of_answer(server, said),
        LinkError::NoServer => remote(
            server,
            RemoteFault::CannotOpen,
            "what answers there is not a Redis or Valkey server; check host and port",
        ),
    }
}

/// The failure of a connection that broke.
pub(super) fn of_connection(server: &str, error: &RedisError, fate: Fate) -> Error {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<WrappedError>());
    let io = source.and_then(|source| source.downcast_ref::<std::io::Error>());
    let why = match io.map(std::io::Error::kind) {
        _ if error.kind() == redis::ErrorKind::Parse => {
            "the server sent an answer that is not in its protocol".to_owned()
        }
        Some(ErrorKind::ConnectionRefused) => "connection refused; is the server running there?".to_owned(),
        Some(ErrorKind::NotFound) => "no such socket; is the server running?".to_owned(),
        Some(ErrorKind::TimedOut | ErrorKind::WouldBlock) if fate == Fate::NotSent => {
            "connecting timed out after 2 s; check host and port".to_owned()
        }
        Some(ErrorKind::TimedOut | ErrorKind::WouldBlock) => "the server did not answer within 5 s".to_owned(),
        Some(
            ErrorKind::UnexpectedEof
            | ErrorKind::ConnectionReset
            | ErrorKind::BrokenPipe
            | ErrorKind::ConnectionAborted,
        ) => "the connection was lost".to_owned(),
        _ => io.map_or_else(|| error.to_string(), crate::error::reason),
    };
    match fate {
        Fate::NotSent | Fate::Repeatable => remote(server, RemoteFault::Io, why),
        Fate::Unknown => {
            let reason = format!("{why}; the change may or may not have been stored, so look before you repeat it");
            remote(server, RemoteFault::OutcomeUnknown, reason)
        }
    }
}

/// The failure that a server has answered.
pub(super) fn of_answer(server: &str, said: &str) -> Error {
    let (code, rest) = said.split_once(' ').unwrap_or((said, ""));
    let (fault, reason) = match code {
        "NOAUTH" => (
            RemoteFault::CannotOpen,
            "the server needs a password; set RUSTY_KV_PASSWORD or use --password-file".to_owned(),
        ),
        "WRONGPASS" => (RemoteFault::CannotOpen, "the server refused the user name or the password".to_owned()),
        "NOPERM" => (RemoteFault::CannotOpen, format!("this user may not do that: {rest}")),
        "LOADING" => (
            RemoteFault::Busy,
            "the server is still loading its data; try again, or wait longer with --wait".to_owned(),
        ),
        "CLUSTERDOWN" => {
            (RemoteFault::Busy, format!("the cluster is down: {rest}; try again, or wait longer with --wait"))
        }
        "BUSY" => (RemoteFault::Busy, "a script keeps the server busy; try again".to_owned()),
        "MASTERDOWN" => (RemoteFault::Busy, "the replica has lost its primary; try again".to_owned()),
        "READONLY" => (
            RemoteFault::ReadOnly,
            "this server is a replica, which takes no changes; connect to its primary. Nothing was stored".to_owned(),
        ),
        "OOM" => (RemoteFault::Io, "the server is out of memory (maxmemory); nothing was stored".to_owned()),
        "MISCONF" => (
            RemoteFault::Io,
            "the server cannot save to its disk, so it takes no changes (MISCONF); see its log. Nothing was stored"
                .to_owned(),
        ),
        "NOREPLICAS" => (RemoteFault::Io, "too few replicas are connected; nothing was stored".to_owned()),
        "EXECABORT" | "CROSSSLOT" | "TRYAGAIN" => (RemoteFault::Unsupported, rest.to_owned()),
        _ if rest.starts_with("unknown command") || rest.starts_with("syntax error") => {
            (RemoteFault::Unsupported, format!("the server is too old for this: it needs Redis 6.2 or newer ({rest})"))
        }
        _ if rest.starts_with("SELECT is not allowed") => {
            (RemoteFault::Unsupported, "a cluster has only database 0".to_owned())
        }
        _ if rest.starts_with("DB index") || rest.starts_with("invalid DB index") => (
            RemoteFault::CannotOpen,
            "the server has no database of that number; `dbs` lists those with keys".to_owned(),
        ),
        _ => (RemoteFault::Io, format!("the server answered: {said}")),
    };
    remote(server, fault, reason)
}

/// Whether a server that answers so will be able to do it in a moment.
pub(super) fn is_passing(said: &str) -> bool {
    ["LOADING", "CLUSTERDOWN", "TRYAGAIN", "MASTERDOWN", "BUSY "].iter().any(|code| said.starts_with(code))
}
