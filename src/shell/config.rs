//! Where things are: the directories of the platform, the environment, and which database a `--db` means.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::answer::code::Code;
use super::answer::reply::Failure;
use super::answer::status::Status;
use super::text::escape::excerpt;
use crate::error::Error;
use crate::redis::Url;

/// Default database when --db is not given.
const DEFAULT_NAME: &str = "kv";

/// A database as the user names it, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    /// The name for the prompt: `work`, a path as it was given, or a URL without its password.
    pub(crate) name: String,
    pub(crate) place: Place,
}

/// Where a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    File {
        path: PathBuf,
        /// Whether the file is in the config directory, which is made when it is needed.
        named: bool,
    },
    Remote(Box<Url>),
}

/// Why a command cannot be done on another store.
pub(crate) const NEEDS_FILE: &str = "is not a database in a file, which this command needs";

/// The longest excerpt of a name in a message.
const SHOWN: usize = 80;

impl Location {
    /// A file that is no named database.
    pub(crate) fn of_file(name: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        Self { name: name.into(), place: Place::File { path: path.into(), named: false } }
    }

    /// What `--db`, `use` and `drop` mean: a URL if there is a `://`, a path if there is a separator or the ending `.json` or
    /// `.db`, else a name.
    /// Without one, `RUSTY_KV_DB` says, or it is `kv`.
    pub(crate) fn of(given: Option<&OsStr>) -> Result<Self, Failure> {
        let from_environment = std::env::var_os("RUSTY_KV_DB").filter(|name| !name.is_empty());
        let Some(given) = given.or(from_environment.as_deref()) else { return Self::named(DEFAULT_NAME) };
        let bytes = given.as_bytes();
        if bytes.windows(3).any(|part| part == b"://") {
            return Self::of_url(&given.to_string_lossy());
        }
        let is_path = bytes.contains(&b'/') || bytes.ends_with(b".json") || bytes.ends_with(b".db");
        if is_path {
            check_path(Path::new(given))?;
            let name = given.to_string_lossy().into_owned();
            return Ok(Self::of_file(name, given));
        }
        match given.to_str().filter(|name| is_name(name)) {
            Some(name) => Self::named(name),
            None => Err(Failure::usage(format!(
                "\"{}\" is not a database name (1 to 64 of A-Z a-z 0-9 _ - . and no dot in front); a path contains a slash or ends in .json",
                excerpt(&given.to_string_lossy(), SHOWN)
            ))),
        }
    }

    /// Refuses a database in a folder that does not exist, because the first change would report it too late. The
    /// folder of named databases is created when needed.
    pub(crate) fn check_folder(&self) -> Result<(), Failure> {
        let Place::File { path, named: false } = &self.place else { return Ok(()) };
        match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            Some(folder) if !folder.exists() => Err(Failure {
                status: Status::Database,
                code: Code::CannotOpen,
                message: format!("cannot open {path:?}: the folder {folder:?} does not exist"),
                key: None,
            }),
            _ => Ok(()),
        }
    }

    fn named(name: &str) -> Result<Self, Failure> {
        let path = databases_dir()?.join(format!("{name}.json"));
        Ok(Self { name: name.to_owned(), place: Place::File { path, named: true } })
    }

    /// A database on a server. The password may be in the environment, where `ps` does not show it.
    fn of_url(given: &str) -> Result<Self, Failure> {
        let mut url =
            Url::parse(given).map_err(|reason| Failure::usage(format!("not the URL of a database: {reason}")))?;
        if url.password.is_none() {
            url.password = std::env::var("RUSTY_KV_PASSWORD").ok().filter(|password| !password.is_empty());
        }
        Ok(Self { name: url.to_string(), place: Place::Remote(Box::new(url)) })
    }

    /// The database of that number on the same server, if this one is on a server.
    pub(crate) fn sibling(&self, number: &OsStr) -> Option<Self> {
        let Place::Remote(url) = &self.place else { return None };
        let url = url.with_database(number.to_str().filter(|text| !text.starts_with('+'))?.parse().ok()?);
        Some(Self { name: url.to_string(), place: Place::Remote(Box::new(url)) })
    }

    /// Its number, if it is on a server.
    pub(crate) fn number(&self) -> Option<u32> {
        match &self.place {
            Place::File { .. } => None,
            Place::Remote(url) => Some(url.database),
        }
    }

    /// The same with a password, if it is on a server and has none in its URL.
    pub(crate) fn with_password(mut self, password: String) -> Self {
        if let Place::Remote(url) = &mut self.place
            && !url.shows_password
        {
            url.password = Some(password);
        }
        self
    }

    /// The file, if it is in one.
    pub(crate) fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::File { path, .. } => Some(path),
            Place::Remote(_) => None,
        }
    }

    /// The file, for what only a database in a file can do.
    pub(crate) fn file(&self) -> Result<&Path, Failure> {
        let unsupported = || Error::Unsupported { store: self.name.clone(), reason: NEEDS_FILE };
        self.path().ok_or_else(|| unsupported().into())
    }

    /// Whether it is in the config directory.
    pub(crate) fn is_named(&self) -> bool {
        matches!(self.place, Place::File { named: true, .. })
    }
}

/// The password in a file: its first line.
pub(crate) fn password_in(path: &Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::io("read", path, &error))?;
    let password = text.lines().next().unwrap_or_default().to_owned();
    if password.is_empty() {
        Err(Failure::usage(format!("{path:?} has no password in its first line")))
    } else {
        Ok(password)
    }
}

/// Refuses text that cannot be a file path, before looking it up.
pub(crate) fn check_path(path: &Path) -> Result<(), Failure> {
    let bytes = path.as_os_str().as_bytes();
    if bytes.is_empty() || bytes.ends_with(b"/") {
        return Err(Failure::usage(format!("{path:?} is not the path of a file")));
    }
    Ok(())
}

/// Whether a text is a valid database name, which cannot leave the directory.
pub(crate) fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (1..=64).contains(&name.len()) && name.bytes().all(allowed) && !name.starts_with('.')
}

/// The directory of named databases, which may not exist yet.
pub(crate) fn databases_dir() -> Result<PathBuf, Failure> {
    dirs::config_dir().map(|dir| dir.join("rusty-kv")).ok_or_else(|| Failure {
        status: Status::Database,
        code: Code::CannotOpen,
        message: "there is no home directory for databases; give a path with --db".to_owned(),
        key: None,
    })
}

/// Whether a database in the config directory has this name.
pub(crate) fn is_database(name: &str) -> bool {
    is_name(name) && databases_dir().is_ok_and(|dir| dir.join(format!("{name}.json")).is_file())
}

/// The names of the databases in the config directory, sorted.
pub(crate) fn database_names() -> Vec<String> {
    let Ok(entries) = databases_dir().map(std::fs::read_dir) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().is_file())
        .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".json")?.to_owned()))
        .filter(|name| is_name(name))
        .collect();
    names.sort_unstable();
    names
}

/// The path of the rc file, whether it exists or not.
pub(crate) fn rc_path() -> Option<PathBuf> {
    databases_dir().ok().map(|dir| dir.join("rc"))
}

/// The path of the rc file, if it exists.
pub(crate) fn rc_file() -> Option<PathBuf> {
    rc_path().filter(|path| path.is_file())
}

/// The history file; `RUSTY_KV_HISTORY` names a different one, and turns it off if it is empty.
pub(crate) fn history_file() -> Option<PathBuf> {
    match std::env::var_os("RUSTY_KV_HISTORY") {
        Some(path) if path.is_empty() => None,
        Some(path) => Some(PathBuf::from(path)),
        None => dirs::state_dir().or_else(dirs::data_local_dir).map(|dir| dir.join("rusty-kv").join("history")),
    }
}

/// A path for a message or a prompt, with `~` for the home directory.
pub(crate) fn short(path: &Path) -> String {
    let home = dirs::home_dir();
    match home.as_deref().and_then(|home| path.strip_prefix(home).ok()) {
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_the_directory() {
        for name in ["", ".", "..", ".hidden", "a/b", "a b", "a\0b", "é", "a\n", &"x".repeat(65)] {
            assert!(!is_name(name), "{name:?}");
        }
        for name in ["kv", "a.b", "_x", "-", "2026-11", &"x".repeat(64)] {
            assert!(is_name(name), "{name:?}");
        }
    }

    #[test]
    fn what_has_a_slash_or_an_ending_is_a_path_and_the_rest_a_name() {
        let of = |given: &str| Location::of(Some(OsStr::new(given)));
        for path in ["./x", "a/b", "x.json", "x.db", "/tmp/x"] {
            assert_eq!(of(path).unwrap().path(), Some(Path::new(path)));
        }
        assert!(of("work").unwrap().path().unwrap().ends_with("rusty-kv/work.json"));
        assert_eq!(of("redis://u:secret@localhost").unwrap().name, "redis://u@localhost");
        assert!(of("http://localhost").is_err());
        assert!(of("no good").is_err());
    }
}
