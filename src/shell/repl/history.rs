//! The history of this session and earlier ones, and its file.
//!
//! Several sessions append to one file, each line at once, so a killed session loses nothing. A file that is not text,
//! or that contains control characters (recalling such a line would affect the terminal), is set aside. The history is
//! a convenience: a problem with its file is reported once, and the session continues.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustyline::error::ReadlineError;
use rustyline::history::{DefaultHistory, History as _};

use crate::json::is_unsafe;
use crate::shell::config;

/// The maximum number of lines.
pub(super) const LONGEST: usize = 10_000;

/// Where the history is stored.
pub(super) struct HistoryFile {
    /// In memory only: it lasts for the session.
    path: Option<PathBuf>,
    /// A notice for the user, reported once.
    notes: Vec<String>,
    /// Whether lines are added.
    pub(super) is_on: bool,
    /// Whether a failure to write was reported.
    complained: bool,
}

impl HistoryFile {
    /// Loads the lines of earlier sessions into `history`.
    pub(super) fn open(history: &mut DefaultHistory) -> Self {
        let mut file = Self { path: config::history_file(), notes: Vec::new(), is_on: true, complained: false };
        let Some(path) = file.path.clone() else { return file };
        match fs::metadata(&path) {
            // Special files, above all `/dev/null`, must stay as they are.
            Ok(meta) if !meta.is_file() => file.path = None,
            Ok(meta) => {
                if let Err(error) = file.load(&path, history) {
                    file.complain("read", &path, &error);
                } else if meta.permissions().mode() & 0o077 != 0 {
                    // A file that is read-only can still be read.
                    let _ = fs::set_permissions(&path, Permissions::from_mode(0o600));
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => file.complain("read", &path, &error),
        }
        file
    }

    fn load(&mut self, path: &Path, history: &mut DefaultHistory) -> io::Result<()> {
        if !is_sound(&read(path)?) {
            let aside = set_aside(path)?;
            self.notes.push(format!(
                "the history in {path:?} is corrupt: it was moved to {aside:?}, and a new one was started"
            ));
            return Ok(());
        }
        // A file that is read-only can still be read.
        let _ = end_last_line(path);
        history.load(path).map_err(io_error)
    }

    /// Adds what was entered, all its lines as one entry, unless it begins with a blank or has a password in a URL.
    pub(super) fn add(&mut self, history: &mut DefaultHistory, text: &str) {
        let text = text.trim_end();
        if !self.is_on || text.contains(|c| is_live(c) && c != '\r') || shows_password(text) {
            return;
        }
        // Adding to the history in memory cannot fail.
        if !history.add(&text.replace('\r', "")).unwrap_or(false) {
            return;
        }
        let Some(path) = self.path.clone() else { return };
        if let Err(error) = make_folder(&path).and_then(|()| history.append(&path).map_err(io_error)) {
            self.complain("write", &path, &error);
        }
    }

    /// Notices for the user, each reported once.
    pub(super) fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    fn complain(&mut self, operation: &str, path: &Path, error: &io::Error) {
        if !std::mem::replace(&mut self.complained, true) {
            let reason = crate::error::reason(error);
            self.notes
                .push(format!("cannot {operation} the history {path:?}: {reason}; it is kept for this session only"));
        }
    }
}

/// Whether there is a URL with a password in it.
fn shows_password(text: &str) -> bool {
    let has_one = |rest: &str| {
        let word = rest.split(char::is_whitespace).next().unwrap_or_default();
        word.rsplit_once('@').is_some_and(|(access, _)| access.contains(':'))
    };
    text.split("://").skip(1).any(has_one)
}

/// Reads the whole file under its lock, while no other process writes to it.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    while let Err(error) = file.lock_shared() {
        if error.kind() != ErrorKind::Interrupted {
            return Err(error);
        }
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Ends the last line of a file that was edited by hand, so that an appended entry begins on a new line.
fn end_last_line(path: &Path) -> io::Result<()> {
    let mut file = File::options().read(true).append(true).open(path)?;
    file.lock()?;
    if file.metadata()?.len() > 0 {
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    Ok(())
}

fn is_sound(bytes: &[u8]) -> bool {
    str::from_utf8(bytes).is_ok_and(|text| !text.lines().any(|line| line.contains(is_live)))
}

/// Whether it would affect a terminal. Line breaks and tabs are harmless.
fn is_live(c: char) -> bool {
    is_unsafe(c) && !matches!(c, '\n' | '\t')
}

/// Renames a corrupt file to a free name in its folder, so that nothing is lost.
#[expect(clippy::disallowed_methods, reason = "no data of the database: a file that is moved out of the way as it is")]
fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let mut number = 0;
    let aside = loop {
        let mut name = path.as_os_str().to_owned();
        name.push(if number == 0 { ".damaged".to_owned() } else { format!(".damaged-{number}") });
        let name = PathBuf::from(name);
        if fs::symlink_metadata(&name).is_err() {
            break name;
        }
        number += 1;
    };
    fs::rename(path, &aside)?;
    Ok(aside)
}

fn make_folder(path: &Path) -> io::Result<()> {
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => fs::DirBuilder::new().recursive(true).mode(0o700).create(folder),
        None => Ok(()),
    }
}

fn io_error(error: ReadlineError) -> io::Error {
    match error {
        ReadlineError::Io(error) => error,
        ReadlineError::Errno(errno) => io::Error::from_raw_os_error(errno as i32),
        error => io::Error::other(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_is_text_without_control_characters() {
        for sound in ["", "#V2\nget a\n", "#V2\r\nget a\r\n", "set a \"x\\ny\"\n", "get\ta\n", "get 世界"] {
            assert!(is_sound(sound.as_bytes()), "{sound:?}");
        }
        for damaged in [&b"get \xff\n"[..], b"get \x1b[31m\n", b"a\rb\n", "get \u{202e}x\n".as_bytes(), b"a\0"] {
            assert!(!is_sound(damaged), "{damaged:?}");
        }
    }

    #[test]
    fn what_is_set_aside_never_replaces_what_was_set_aside_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history");
        let mut names = Vec::new();
        for _ in 0..3 {
            File::create(&path).unwrap();
            names.push(set_aside(&path).unwrap().file_name().unwrap().to_owned());
        }
        assert_eq!(names, ["history.damaged", "history.damaged-1", "history.damaged-2"]);
    }
}
