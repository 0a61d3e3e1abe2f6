//! An output file named by the user: it may be replaced, must be written to in place, or is refused.
//!
//! A path that names an open descriptor, such as `/dev/stdout` or `/proc/self/fd/3`, stands for whatever the caller has
//! opened there, perhaps to append to it. It is never truncated or replaced.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::interrupt;
use crate::shell::answer::reply::Failure;
use crate::shell::text::escape;
use crate::storage;

/// An open descriptor of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Descriptor {
    Stdout,
    Stderr,
    /// Any other descriptor, perhaps of another process, which only the path leads to.
    Other,
}

impl Descriptor {
    /// The descriptor that a path names, through any links.
    pub(crate) fn named_by(path: &Path) -> Option<Self> {
        // The number of links that Linux follows.
        const LINKS: u32 = 40;
        // Except on one system, all of them are links; this check makes opening a database a little faster.
        if fs::read_link(path).is_err_and(|error| error.kind() == io::ErrorKind::InvalidInput)
            && !path.starts_with("/dev")
        {
            return None;
        }
        let mut path = path.to_owned();
        for _ in 0..LINKS {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let folder = folder.canonicalize().ok()?;
            let name = path.file_name()?;
            if let Some(is_own) = lists_descriptors(&folder) {
                return Some(match name.to_str()?.parse::<u32>().ok()? {
                    1 if is_own => Self::Stdout,
                    2 if is_own => Self::Stderr,
                    _ => Self::Other,
                });
            }
            path = folder.join(fs::read_link(folder.join(name)).ok()?);
        }
        None
    }

    /// Opens the descriptor for appending. `path` names it.
    fn open(self, path: &Path) -> io::Result<File> {
        match self {
            Self::Stdout => io::stdout().as_fd().try_clone_to_owned().map(File::from),
            Self::Stderr => io::stderr().as_fd().try_clone_to_owned().map(File::from),
            Self::Other => open_special(path, true),
        }
    }
}

/// Whether a folder lists the descriptors of a process; the folder is canonical.
fn lists_descriptors(folder: &Path) -> Option<bool> {
    if folder == Path::new("/dev/fd") {
        return Some(true);
    }
    #[cfg(target_os = "linux")]
    if folder.file_name().is_some_and(|name| name == "fd")
        && rustix::fs::statfs(folder).is_ok_and(|system| system.f_type == rustix::fs::PROC_SUPER_MAGIC)
    {
        // `/proc/PID/fd` or `/proc/PID/task/TID/fd`, wherever it is mounted.
        let own = std::process::id().to_string();
        return Some(folder.components().any(|part| part.as_os_str() == own.as_str()));
    }
    None
}

/// Opens an existing file that is not regular. A FIFO without a reader must not block the prompt.
fn open_special(path: &Path, append: bool) -> io::Result<File> {
    interrupt::open_at_once(path, File::options().write(true).append(append))
}

/// An open file that is written to in place: a descriptor, a FIFO, a device. On a terminal, active characters are
/// escaped.
#[derive(Debug)]
pub(crate) struct SpecialFile {
    file: File,
    is_terminal: bool,
}

impl SpecialFile {
    /// Opens the target of a path if it must be written to in place; `None` for a regular file, which may be replaced,
    /// and for one that does not exist.
    pub(crate) fn of(path: &Path) -> io::Result<Option<Self>> {
        let file = match Descriptor::named_by(path) {
            Some(descriptor) => descriptor.open(path)?,
            None if fs::metadata(path).is_ok_and(|meta| !meta.is_file()) => open_special(path, false)?,
            None => return Ok(None),
        };
        Ok(Some(Self::from(file)))
    }

    /// Truncates the file.
    pub(crate) fn empty(&self) -> io::Result<()> {
        self.file.set_len(0)
    }
}

impl From<File> for SpecialFile {
    fn from(file: File) -> Self {
        let is_terminal = file.is_terminal();
        Self { file, is_terminal }
    }
}

impl Write for SpecialFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.is_terminal {
            return self.file.write(bytes);
        }
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            let (line, end) = line.strip_suffix(b"\n").map_or((line, ""), |line| (line, "\n"));
            write!(self.file, "{}{end}", escape::terminal_lossy(line))?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Refuses a path of the open database, whose files are `own`, and, unless `forced`, of another database.
pub(crate) fn check(path: &Path, own: &[PathBuf], forced: bool) -> Result<(), Failure> {
    if own.iter().any(|own| is_same(own, path)) {
        return Err(Failure::usage(format!("{path:?} belongs to the database; nothing was written to it")));
    }
    if forced || matches!(Descriptor::named_by(path), Some(Descriptor::Stdout | Descriptor::Stderr)) {
        return Ok(());
    }
    let found = holds_database(path).map_err(|error| Failure::io("read", path, &error))?;
    let [journal, _] = storage::side_files(&path.canonicalize().unwrap_or_else(|_| path.to_owned()));
    if !found && !journal.exists() {
        return Ok(());
    }
    let way_out = "write to another file, or remove it first; `export` and `dump` replace it with --force";
    Err(Failure::usage(format!("{path:?} is a database; nothing was written to it: {way_out}")))
}

/// Whether two paths lead to the same file, even if it does not exist yet.
pub(crate) fn is_same(one: &Path, other: &Path) -> bool {
    let identity = |path: &Path| fs::metadata(path).map(|meta| (meta.dev(), meta.ino())).ok();
    let place = |path: &Path| {
        let path = std::path::absolute(path).ok()?;
        Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?))
    };
    let alike = |one: Option<_>, other| one.is_some() && one == other;
    alike(identity(one), identity(other)) || place(one).is_some_and(|one| place(other) == Some(one))
}

/// Whether a regular file begins like a database: an object with a member `map` that is an object. Its end does not
/// matter, because a corrupt database can be repaired.
fn holds_database(path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(meta) if meta.is_file() && meta.len() > 0 => begins_as_database(BufReader::new(File::open(path)?)),
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Scans the members of the first object, without validating what it skips.
fn begins_as_database(text: impl BufRead) -> io::Result<bool> {
    const BOM: [u8; 3] = [0xef, 0xbb, 0xbf];
    let mut depth = 0_u32;
    // The last string in the object itself, and whether a ':' followed it.
    let (mut name, mut is_value) = (Vec::new(), false);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next().transpose()? {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {}
            byte if depth == 0 && BOM.contains(&byte) => {}
            b'{' if depth == 1 && is_value && is_map(&name) => return Ok(true),
            b'{' => depth += 1,
            b'[' if depth > 0 => depth += 1,
            b'}' | b']' if depth > 1 => depth -= 1,
            b'"' if depth > 0 => {
                let string = skip_string(&mut bytes)?;
                if depth == 1 && !is_value {
                    name = string;
                }
            }
            b':' if depth == 1 => is_value = true,
            b',' if depth == 1 => is_value = false,
            _ if depth == 0 || byte == b'}' => return Ok(false),
            _ => {}
        }
    }
    Ok(false)
}

/// The beginning of a string, from after its opening quote to its end.
fn skip_string(bytes: &mut impl Iterator<Item = io::Result<u8>>) -> io::Result<Vec<u8>> {
    // `map`, with each character as an escape.
    const LONGEST: usize = 3 * 6;
    let mut string = Vec::new();
    let mut escaped = false;
    for byte in bytes {
        match byte? {
            b'"' if !escaped => break,
            byte => {
                escaped = byte == b'\\' && !escaped;
                if string.len() <= LONGEST {
                    string.push(byte);
                }
            }
        }
    }
    Ok(string)
}

fn is_map(name: &[u8]) -> bool {
    let quoted = [b"\"", name, b"\""].concat();
    serde_json::from_slice::<String>(&quoted).is_ok_and(|name| name == "map")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn every_name_of_a_descriptor_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        symlink("/dev/stdout", &link).unwrap();
        symlink("link", folder.path().join("link-to-link")).unwrap();
        let own = std::process::id();
        let mut names = vec![
            ("/dev/stdout".to_owned(), Some(Descriptor::Stdout)),
            ("/dev/stderr".to_owned(), Some(Descriptor::Stderr)),
            ("/dev/stdin".to_owned(), Some(Descriptor::Other)),
            ("/dev/../dev/fd/1".to_owned(), Some(Descriptor::Stdout)),
            ("/dev/fd/2".to_owned(), Some(Descriptor::Stderr)),
            ("/dev/fd/63".to_owned(), Some(Descriptor::Other)),
            (format!("{}/link-to-link", folder.path().display()), Some(Descriptor::Stdout)),
            (format!("{}/file", folder.path().display()), None),
            ("/dev/null".to_owned(), None),
            ("no/such/folder".to_owned(), None),
        ];
        if cfg!(target_os = "linux") {
            names.extend([
                ("/proc/self/fd/1".to_owned(), Some(Descriptor::Stdout)),
                (format!("/proc/{own}/fd/2"), Some(Descriptor::Stderr)),
                ("/proc/thread-self/fd/2".to_owned(), Some(Descriptor::Stderr)),
                (format!("/proc/{own}/task/{own}/fd/7"), Some(Descriptor::Other)),
                ("/proc/1/fd/1".to_owned(), Some(Descriptor::Other)),
                ("/proc/self/stat".to_owned(), None),
            ]);
        }
        for (name, wanted) in names {
            let found = Descriptor::named_by(Path::new(&name));
            // Another user's process cannot be inspected.
            assert!(found == wanted || name == "/proc/1/fd/1" && found.is_none(), "{name}: {found:?}");
        }
    }

    #[test]
    fn a_database_is_known_by_its_map() {
        for (text, wanted) in [
            (r#"{"map":{}}"#, true),
            ("\u{feff} {\n  \"map\" : {\"a\": \"1\"", true),
            (r#"{"expires": {"map": {}}, "x": [{"map": 1}, "}"], "map": {}}"#, true),
            (r#"{"\u006dap": {"#, true),
            (r#"{"map": []}"#, false),
            (r#"{"map": "{"}"#, false),
            (r#"{"a": "map", "b": {}}"#, false),
            (r#"{"a": "\"map\": {"}"#, false),
            (r#"{"a": {"map": {}}}"#, false),
            (r#"[{"map": {}}]"#, false),
            ("{\"key\":\"a\"}\n{\"map\":{}}\n", false),
            ("key,value\n{\"map\":{}},1\n", false),
            ("set map {}", false),
            ("{\"map\":", false),
            ("", false),
        ] {
            assert_eq!(begins_as_database(text.as_bytes()).unwrap(), wanted, "{text}");
        }
    }
}
