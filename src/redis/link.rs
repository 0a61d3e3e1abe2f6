//! One connection to one server.

use std::time::{Duration, Instant};

use redis::io::tcp::TcpSettings;
use redis::{
    ConnectionAddr, ErrorKind, IntoConnectionInfo as _, RedisConnectionInfo, RedisError, ServerErrorKind, Value,
};

use super::requests::Requests;
use super::url::Address;
use crate::expiry::Timestamp;

/// How long it may take to connect,
const CONNECT: Duration = Duration::from_secs(2);
/// and to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// How to get into a server.
#[derive(Clone, Default)]
pub(super) struct Login {
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: u32,
}

/// What a server says of itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    /// Its version, as its first two numbers.
    pub(super) version: (u32, u32),
    /// `standalone`, `cluster` or `sentinel`.
    pub(super) mode: String,
    /// How many milliseconds its clock is ahead of this machine's.
    pub(super) ahead: i64,
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum LinkError {
    /// It broke, or was never there.
    Broken(RedisError),
    /// The server has said something else than was hoped for.
    Said(String),
    /// What answers does not speak the protocol.
    NoServer,
}

/// A connection that is ready for commands.
pub(super) struct Link {
    inner: redis::Connection,
    /// When it was used last.
    used: Instant,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Link")
    }
}

impl Link {
    /// Connects, and finds out what the server is, in one round trip.
    pub(super) fn open(address: &Address, login: &Login) -> Result<(Self, Facts), LinkError> {
        let address = match address {
            Address::Hosts(hosts) => {
                let (host, port) = hosts.first().cloned().unwrap_or_default();
                ConnectionAddr::Tcp(host, port)
            }
            Address::Socket(path) => ConnectionAddr::Unix(path.clone()),
        };
        let info = address
            .into_connection_info()?
            .set_redis_settings(RedisConnectionInfo::default().set_skip_set_lib_name())
            .set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let inner = redis::Client::open(info)?.get_connection_with_timeout(CONNECT)?;
        inner.set_read_timeout(Some(ANSWER))?;
        inner.set_write_timeout(Some(ANSWER))?;
        let mut link = Self { inner, used: Instant::now() };
        let facts = link.greet(login)?;
        Ok((link, facts))
    }

    fn greet(&mut self, login: &Login) -> Result<Facts, LinkError> {
        let mut requests = Requests::default();
        match (&login.user, &login.password) {
            (Some(user), Some(password)) => requests.push(&[b"AUTH", user.as_bytes(), password.as_bytes()]),
            (None, Some(password)) => requests.push(&[b"AUTH", password.as_bytes()]),
            _ => {}
        }
        let logs_in = !requests.is_empty();
        requests.push(&[b"HELLO"]);
        requests.push(&[b"TIME"]);
        if login.database != 0 {
            requests.push(&[b"SELECT", login.database.to_string().as_bytes()]);
        }
        let sent = Timestamp::now();
        self.send(requests.from(0))?;
        if logs_in {
            match self.receive_said() {
                // A server without a password accepts any.
                Err(LinkError::Said(said)) if said.contains("without any password configured") => {}
                answer => drop(answer?),
            }
        }
        let mut facts = self.receive_said().map(|hello| of_hello(&hello))?;
        let time = self.receive_said()?;
        facts.ahead = ahead(&time, sent, Timestamp::now());
        if login.database != 0 {
            self.receive_said()?;
        }
        Ok(facts)
    }

    /// Whether the server is still there, as far as can be known without asking for each command: what is sent to one that
    /// was lost in the meantime may or may not have been executed.
    pub(super) fn is_alive(&mut self) -> bool {
        const IDLE: Duration = Duration::from_secs(5);
        let ping = Requests::one(&[b"PING"]);
        self.used.elapsed() < IDLE || self.send(ping.from(0)).and_then(|()| self.receive()).is_ok()
    }

    /// Sends commands without waiting for their answers.
    pub(super) fn send(&mut self, bytes: &[u8]) -> Result<(), RedisError> {
        self.used = Instant::now();
        self.inner.send_packed_command(bytes)
    }

    /// The next answer; an error that the server answers is one too.
    pub(super) fn receive(&mut self) -> Result<Value, RedisError> {
        self.inner.recv_response()
    }

    fn receive_said(&mut self) -> Result<Value, LinkError> {
        match self.receive() {
            Ok(Value::ServerError(error)) => Err(LinkError::Said(said(&error))),
            Ok(value) => Ok(value),
            Err(error) if error.kind() == ErrorKind::Parse => Err(LinkError::NoServer),
            Err(error) => Err(error.into()),
        }
    }

    /// How long an answer may take, if longer than usual.
    pub(super) fn set_patience(&mut self, patience: Option<Duration>) -> Result<(), RedisError> {
        self.inner.set_read_timeout(Some(patience.unwrap_or(ANSWER)))
    }
}

impl From<RedisError> for LinkError {
    fn from(error: RedisError) -> Self {
        Self::Broken(error)
    }
}

/// What a server has answered, word for word.
pub(super) fn said(error: &redis::ServerError) -> String {
    let code = if error.kind() == Some(ServerErrorKind::ResponseError) { "ERR" } else { error.code() };
    error.details().map_or_else(|| code.to_owned(), |details| format!("{code} {details}"))
}

/// A text among answers.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::SimpleString(text) => text.clone(),
        Value::Int(number) => number.to_string(),
        Value::Okay => "OK".to_owned(),
        _ => String::new(),
    }
}

fn of_hello(hello: &Value) -> Facts {
    let pairs: Vec<(String, String)> = match hello {
        Value::Array(items) => items.chunks_exact(2).map(|pair| (text(&pair[0]), text(&pair[1]))).collect(),
        Value::Map(pairs) => pairs.iter().map(|(name, value)| (text(name), text(value))).collect(),
        _ => Vec::new(),
    };
    let find = |wanted: &str| pairs.iter().find(|(name, _)| name == wanted).map_or("", |(_, value)| value);
    let mut numbers = find("version").split('.').map(|number| number.parse().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    Facts { version, mode: find("mode").to_owned(), ahead: 0 }
}

/// How far the server's clock is ahead, given when it was asked and when it had answered.
fn ahead(time: &Value, sent: Timestamp, received: Timestamp) -> i64 {
    let Value::Array(parts) = time else { return 0 };
    let number = |at: usize| parts.get(at).and_then(|part| text(part).parse::<i64>().ok());
    let (Some(seconds), Some(micros)) = (number(0), number(1)) else { return 0 };
    let theirs = seconds.saturating_mul(1000).saturating_add(micros / 1000);
    let ours = |moment: Timestamp| i64::try_from(moment.as_millis()).unwrap_or(i64::MAX);
    let (sent, received) = (ours(sent), ours(received));
    // What lies between the two is not known better.
    if (sent..=received).contains(&theirs) { 0 } else { theirs - (sent + (received - sent) / 2) }
}
