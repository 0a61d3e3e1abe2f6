//! Edits a text in the editor: `$VISUAL`, or `$EDITOR`, or `vi`.
//!
//! The text is in a file that only the user can read, in a folder that only the user can enter, and both are removed
//! afterwards. If rusty-kv is killed, the next edit removes them: a folder in use is locked. The variable is split into
//! words as a shell does; no shell runs.

use std::ffi::OsString;
use std::fs::{File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{Mode, OFlags};

use super::interrupt;
use super::outlet::how_ended;
use crate::shell::answer::code::Code;
use crate::shell::answer::reply::Failure;
use crate::shell::answer::status::Status;
use crate::shell::text::escape::excerpt;
use crate::value::Value;

/// Opens a text in the editor, at a line (starting from 1) if the editor supports that; `None` if it was not changed.
/// The suffix (`.json`) tells the editor the type of the text.
pub(crate) fn edit_text(initial: &[u8], suffix: &str, line: Option<usize>) -> Result<Option<Vec<u8>>, Failure> {
    let (program, args) = words()?;
    sweep();
    let folder =
        TempFolder::new().map_err(|error| Failure::io("make", Path::new("a folder for the editor"), &error))?;
    let path = folder.place.path().join(format!("rusty-kv{suffix}"));
    write(&path, initial).map_err(|error| Failure::io("write", &path, &error))?;
    let mut command = Command::new(&program);
    command.args(args);
    if let Some(line) = line.filter(|_| takes_line(&program)) {
        command.arg(format!("+{line}"));
    }
    let name = excerpt(&program.to_string_lossy(), 60);
    let status = interrupt::run_lent(command.arg(&path)).map_err(|error| {
        let reason = crate::error::reason(&error);
        let message = format!("cannot run the editor '{name}': {reason}; set $VISUAL or $EDITOR. Nothing was changed");
        Failure { status: Status::Io, code: Code::Io, message, key: None }
    })?;
    let edited = read(&path);
    if !status.success() {
        let mut message = format!("the editor '{name}' {}; nothing was changed", how_ended(status));
        // The editor may have been killed after hours of work.
        if let Ok(edited) = edited
            && edited != initial
            && let Ok(kept) = keep(&edited)
        {
            message = format!("{message}; what you wrote is in {kept:?}");
        }
        return Err(Failure { status: Status::Io, code: Code::Io, message, key: None });
    }
    let edited = edited.map_err(|error| Failure::io("read", &path, &error))?;
    Ok((edited != initial).then_some(edited))
}

/// The program and its arguments in the variable.
fn words() -> Result<(OsString, Vec<OsString>), Failure> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.as_bytes().trim_ascii().is_empty());
    let Some((name, value)) = ["VISUAL", "EDITOR"].into_iter().find_map(|name| Some((name, set(name)?))) else {
        return Ok(("vi".into(), Vec::new()));
    };
    split(value.as_bytes()).ok_or_else(|| {
        Failure::usage(format!("${name} cannot be split into words: a quote in it is open. Nothing was changed"))
    })
}

fn split(value: &[u8]) -> Option<(OsString, Vec<OsString>)> {
    let words = shlex::bytes::split(value)?;
    let mut words = words.into_iter().map(std::os::unix::ffi::OsStringExt::from_vec);
    Some((words.next()?, words.collect()))
}

/// Whether the editor supports `+N` for a line.
fn takes_line(program: &OsString) -> bool {
    const KNOWN: [&str; 11] =
        ["vi", "vim", "nvim", "view", "ex", "nano", "pico", "emacs", "emacsclient", "micro", "joe"];
    Path::new(program).file_name().is_some_and(|name| KNOWN.iter().any(|known| name == *known))
}

/// Keeps the edited text in a private file.
pub(crate) fn keep(text: &[u8]) -> io::Result<PathBuf> {
    let mut file = tempfile::Builder::new().prefix("rusty-kv-edited-").tempfile()?;
    file.write_all(text)?;
    Ok(file.keep()?.1)
}

/// The prefix of the folder names.
const PREFIX: &str = "rusty-kv-editing-";

/// A folder with mode 0700, locked while it is in use.
struct TempFolder {
    place: tempfile::TempDir,
    _lock: File,
}

impl TempFolder {
    fn new() -> io::Result<Self> {
        let in_first = runtime_dir().map(|parent| Self::new_in(&parent));
        in_first.and_then(Result::ok).map_or_else(|| Self::new_in(&std::env::temp_dir()), Ok)
    }

    fn new_in(parent: &Path) -> io::Result<Self> {
        loop {
            let mut builder = tempfile::Builder::new();
            let place = builder.prefix(PREFIX).permissions(Permissions::from_mode(0o700)).tempdir_in(parent)?;
            // Until it is locked, another process may remove it as abandoned.
            match File::open(place.path()) {
                Ok(lock) if !matches!(lock.try_lock(), Err(TryLockError::WouldBlock)) && place.path().exists() => {
                    return Ok(Self { place, _lock: lock });
                }
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
}

/// The user's runtime folder in memory that some systems have, if no other user can write to it. Files created in it
/// have modes of their own.
fn runtime_dir() -> Option<PathBuf> {
    let folder = dirs::runtime_dir()?;
    let found = std::fs::metadata(&folder).ok()?;
    let is_private = found.is_dir() && is_own(&found) && found.mode() & 0o022 == 0;
    is_private.then_some(folder)
}

fn is_own(found: &Metadata) -> bool {
    found.uid() == rustix::process::geteuid().as_raw()
}

/// Removes the folders of killed processes, which are not locked.
pub(crate) fn sweep() {
    for parent in runtime_dir().into_iter().chain([std::env::temp_dir()]) {
        let Ok(entries) = std::fs::read_dir(parent) else { continue };
        let of_editors = entries.flatten().filter(|entry| entry.file_name().as_bytes().starts_with(PREFIX.as_bytes()));
        for path in of_editors.map(|entry| entry.path()) {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let Ok(folder) = rustix::fs::open(&path, flags, Mode::empty()).map(File::from) else { continue };
            if folder.metadata().is_ok_and(|found| is_own(&found)) && folder.try_lock().is_ok() {
                // A folder that cannot be removed now is left for the next edit.
                let _ = std::fs::remove_dir_all(&path);
            }
        }
    }
}

fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(text)
}

/// Reads the current file, because most editors replace it; at most the maximum size of a value.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(Value::MAX_LEN as u64 + 1).read_to_end(&mut text)?;
    if text.len() > Value::MAX_LEN {
        return Err(io::Error::other("it is longer than 512 MiB"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_editor_are_those_of_a_shell() {
        let words = |value: &str| {
            split(value.as_bytes()).map(|(program, args)| {
                let args: Vec<_> = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
                (program.to_string_lossy().into_owned(), args)
            })
        };
        assert_eq!(words("code --wait"), Some(("code".to_owned(), vec!["--wait".to_owned()])));
        assert_eq!(words("'/my editor/ed' -x"), Some(("/my editor/ed".to_owned(), vec!["-x".to_owned()])));
        assert_eq!(words("vim '-c x"), None);
        assert_eq!(words(""), None);
    }

    #[test]
    fn the_folder_and_the_file_are_private_and_gone_afterwards() {
        let folder = TempFolder::new().unwrap();
        let path = folder.place.path().join("text");
        write(&path, b"secret").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(folder.place.path()), mode(&path)), (0o700, 0o600));
        assert!(write(&path, b"again").is_err(), "it follows and replaces nothing");
        assert_eq!(read(&path).unwrap(), b"secret");
        let path = folder.place.path().to_owned();
        sweep();
        assert!(path.exists(), "it is in use");
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn only_known_editors_are_told_the_line() {
        for (program, takes) in [("vim", true), ("/usr/bin/nano", true), ("code", false), ("./my-vim", false)] {
            assert_eq!(takes_line(&program.into()), takes, "{program}");
        }
    }
}
