//! Locations: the platform's directories, environment variables, and the file that a `--db` names.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::answer::code::Code;
use super::answer::reply::Failure;
use super::answer::status::Status;
use super::text::escape::excerpt;

/// Default database when --db is not given.
const DEFAULT_NAME: &str = "kv";

/// A database as named by the user, and its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    /// The name shown at the prompt: `work`, or a path as given.
    pub(crate) name: String,
    /// The file.
    pub(crate) path: PathBuf,
    /// Whether the file is in the config directory, which is created when needed.
    pub(crate) named: bool,
}

/// The longest excerpt of a name in a message.
const SHOWN: usize = 80;

impl Location {
    /// The database that `--db`, `use` and `drop` name: a path if it has a separator or ends in `.json` or `.db`, or
    /// else a name. If none is given, `RUSTY_KV_DB`, or `kv`.
    pub(crate) fn of(given: Option<&OsStr>) -> Result<Self, Failure> {
        let from_environment = std::env::var_os("RUSTY_KV_DB").filter(|name| !name.is_empty());
        let Some(given) = given.or(from_environment.as_deref()) else { return Self::named(DEFAULT_NAME) };
        let bytes = given.as_bytes();
        if bytes.windows(3).any(|part| part == b"://") {
            let given = excerpt(&given.to_string_lossy(), SHOWN);
            return Err(Failure::usage(format!(
                "\"{given}\": remote databases are not supported; give a name or a path"
            )));
        }
        let is_path = bytes.contains(&b'/') || bytes.ends_with(b".json") || bytes.ends_with(b".db");
        if is_path {
            check_path(Path::new(given))?;
            let name = given.to_string_lossy().into_owned();
            return Ok(Self { name, path: PathBuf::from(given), named: false });
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
        let folder = self.path.parent().filter(|folder| !self.named && !folder.as_os_str().is_empty());
        match folder {
            Some(folder) if !folder.exists() => Err(Failure {
                status: Status::Database,
                code: Code::CannotOpen,
                message: format!("cannot open {:?}: the folder {folder:?} does not exist", self.path),
                key: None,
            }),
            _ => Ok(()),
        }
    }

    fn named(name: &str) -> Result<Self, Failure> {
        let path = databases_dir()?.join(format!("{name}.json"));
        Ok(Self { name: name.to_owned(), path, named: true })
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

/// The path of the rc file, if it exists.
pub(crate) fn rc_path() -> Option<PathBuf> {
    databases_dir().ok().map(|dir| dir.join("rc"))
}

/// The path of the rc file, whether it exists or not.
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
            assert_eq!(of(path).unwrap().path, Path::new(path));
        }
        assert!(of("work").unwrap().path.ends_with("rusty-kv/work.json"));
        assert!(of("redis://localhost").is_err());
        assert!(of("no good").is_err());
    }
}
