//! Where a database on a server is: `redis://[user@]host[:port][/n]` and its kin.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// The port that is meant if none is given.
const PORT: u16 = 6379;

/// An address of a database. What is shown of it has no password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Url {
    scheme: String,
    pub(crate) address: Address,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    /// Whether that stands in the URL.
    pub(crate) shows_password: bool,
    /// Which of the server's databases.
    pub(crate) database: u32,
    /// Whether it is known to be a cluster.
    pub(crate) is_cluster: bool,
}

/// How a server is used.
#[derive(Clone)]
pub(crate) struct RemoteSettings {
    pub(crate) read_only: bool,
    /// How long what passes is waited for.
    pub(crate) wait: Duration,
    /// Whether the user has interrupted.
    pub(crate) is_stopped: fn() -> bool,
}

/// Where the server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// Hosts and ports; more than one are nodes of a cluster.
    Hosts(Vec<(String, u16)>),
    /// A socket of this machine.
    Socket(PathBuf),
}

impl Url {
    /// Reads an address; the error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text.split_once("://").ok_or("it has no '://'")?;
        let scheme = scheme.to_ascii_lowercase();
        let (family, kind) = scheme.split_once('+').unwrap_or((&scheme, ""));
        match (family, kind) {
            ("redis" | "valkey", "" | "unix" | "cluster") => {}
            ("rediss" | "valkeys", _) => return Err("this program was built without TLS; use redis://".to_owned()),
            _ => {
                return Err(format!(
                    "expected redis://, valkey://, redis+cluster:// or redis+unix://, found '{scheme}://'"
                ));
            }
        }
        if kind == "unix" {
            return Self::of_socket(scheme, rest);
        }
        let (access, place) = rest.rsplit_once('@').map_or((None, rest), |(access, place)| (Some(access), place));
        let (hosts, database) = place.split_once('/').unwrap_or((place, ""));
        let hosts = hosts.split(',').map(host).collect::<Result<Vec<_>, _>>()?;
        let database = number(database)?;
        let is_cluster = kind == "cluster" || hosts.len() > 1;
        if is_cluster && database != 0 {
            return Err(format!("a cluster has only database 0, found '/{database}'"));
        }
        let (user, password) = login(access)?;
        let (address, shows_password) = (Address::Hosts(hosts), password.is_some());
        Ok(Self { scheme, address, user, password, shows_password, database, is_cluster })
    }

    fn of_socket(scheme: String, rest: &str) -> Result<Self, String> {
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (access, path) = match place.split_once('@') {
            Some((access, path)) if !access.contains('/') => (Some(access), path),
            _ => (None, place),
        };
        if !path.starts_with('/') {
            return Err("expected the path of a socket, as in redis+unix:///run/redis.sock".to_owned());
        }
        let database = match query.split_once('=') {
            Some(("db", database)) => number(database)?,
            None if query.is_empty() => 0,
            _ => return Err(format!("expected '?db=N', found '?{query}'")),
        };
        let (user, password) = login(access)?;
        let address = Address::Socket(PathBuf::from(decoded(path)?));
        let shows_password = password.is_some();
        Ok(Self { scheme, address, user, password, shows_password, database, is_cluster: false })
    }

    /// The same server's database of that number.
    pub(crate) fn with_database(&self, database: u32) -> Self {
        Self { database, ..self.clone() }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme)?;
        if let Some(user) = &self.user {
            write!(f, "{}@", encoded(user))?;
        }
        match &self.address {
            Address::Socket(path) => {
                f.write_str(&path.to_string_lossy())?;
                if self.database == 0 { Ok(()) } else { write!(f, "?db={}", self.database) }
            }
            Address::Hosts(hosts) => {
                for (number, (host, port)) in hosts.iter().enumerate() {
                    f.write_str(if number == 0 { "" } else { "," })?;
                    if host.contains(':') {
                        write!(f, "[{host}]")?;
                    } else {
                        f.write_str(host)?;
                    }
                    if *port != PORT {
                        write!(f, ":{port}")?;
                    }
                }
                if self.database == 0 { Ok(()) } else { write!(f, "/{}", self.database) }
            }
        }
    }
}

/// Without the password.
impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn host(text: &str) -> Result<(String, u16), String> {
    let wrong = || format!("expected HOST or HOST:PORT, found '{text}'");
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or_else(wrong)?;
            (host, if port.is_empty() { None } else { Some(port.strip_prefix(':').ok_or_else(wrong)?) })
        }
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let port = match port {
        Some(port) => port.parse().ok().filter(|&port| port != 0).ok_or_else(wrong)?,
        None => PORT,
    };
    if host.is_empty() { Err(wrong()) } else { Ok((host.to_owned(), port)) }
}

fn number(text: &str) -> Result<u32, String> {
    if text.is_empty() {
        return Ok(0);
    }
    text.parse().map_err(|_| format!("expected the number of a database, found '{text}'"))
}

/// The user and the password before the `@`.
fn login(access: Option<&str>) -> Result<(Option<String>, Option<String>), String> {
    let Some(access) = access else { return Ok((None, None)) };
    let (user, password) = access.split_once(':').map_or((access, None), |(user, password)| (user, Some(password)));
    let some = |text: &str| decoded(text).map(|text| Some(text).filter(|text| !text.is_empty()));
    Ok((some(user)?, password.map_or(Ok(None), some)?))
}

/// What `%40` and its like stand for. A password is not shown, so no message has it.
fn decoded(text: &str) -> Result<String, String> {
    const WRONG: &str = "a '%' begins two hexadecimal digits; write %25 for '%' itself";
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else { return Err(WRONG.to_owned()) };
        bytes.extend(u8::try_from(high * 16 + low));
    }
    String::from_utf8(bytes).map_err(|_| WRONG.to_owned())
}

/// The other way round, for what ends a part of an address.
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '%' => out.push_str("%25"),
            '@' => out.push_str("%40"),
            ':' => out.push_str("%3A"),
            '/' => out.push_str("%2F"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_what_was_given_without_the_password() {
        for (given, shown) in [
            ("redis://localhost", "redis://localhost"),
            ("redis://localhost:6379/0", "redis://localhost"),
            ("REDIS://a:7000/3", "redis://a:7000/3"),
            ("valkey://ada@a", "valkey://ada@a"),
            ("redis://ada:s%40cret@a:1", "redis://ada@a:1"),
            ("redis://:secret@[::1]:7", "redis://[::1]:7"),
            ("redis+cluster://a:7000,b:7001", "redis+cluster://a:7000,b:7001"),
            ("redis+unix:///run/r.sock?db=2", "redis+unix:///run/r.sock?db=2"),
        ] {
            let url = Url::parse(given).unwrap();
            assert_eq!((url.to_string(), format!("{url:?}")), (shown.to_owned(), shown.to_owned()));
        }
    }

    #[test]
    fn a_password_may_hold_anything_that_is_encoded_and_an_at_sign_as_it_is() {
        let login = |given: &str| Url::parse(given).map(|url| (url.user, url.password));
        assert_eq!(login("redis://u:a%3A%2F%25@h"), Ok((Some("u".to_owned()), Some("a:/%".to_owned()))));
        assert_eq!(login("redis://u:p@ss@h"), Ok((Some("u".to_owned()), Some("p@ss".to_owned()))));
        assert!(login("redis://u:%4@h").is_err());
    }

    #[test]
    fn what_is_no_address_is_refused_without_showing_a_password() {
        for wrong in [
            "http://h",
            "rediss://h",
            "redis://",
            "redis://h:0",
            "redis://h:x",
            "redis://h/x",
            "redis://[::1",
            "redis+cluster://a,b/1",
            "redis://a,",
            "redis+unix://relative",
            "redis+unix:///s?x=1",
            "redis+x://h",
        ] {
            assert!(Url::parse(wrong).is_err(), "{wrong}");
        }
        let error = Url::parse("redis://u:secret@h:x").unwrap_err();
        assert!(!error.contains("secret"), "{error}");
    }
}
