//! Copies input that can be read only once, such as a pipe, to an unnamed file, which disappears when it is closed.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use rustix::fs::OFlags;

use super::destination::Descriptor;
use super::interrupt;
use crate::error::Error;
use crate::shell::answer::reply::Failure;

/// The contents of a pipe, of a descriptor without a path, or of stdin (`-`, if it is free); `None` if the path can be
/// opened directly.
pub(crate) fn of(path: &Path, stdin_is_free: bool) -> Result<Option<File>, Failure> {
    let failed = |error: io::Error| {
        if interrupt::is_asked() { Error::Interrupted.into() } else { Failure::io("read", path, &error) }
    };
    let copy = if path == Path::new("-") {
        if !stdin_is_free {
            return Err(Failure::usage("'-' is stdin, which is already in use; give a file"));
        }
        copy(&mut io::stdin())
    } else if is_read_once(path) {
        interrupt::open_at_once(path, File::options().read(true)).and_then(|mut file| copy(&mut file))
    } else {
        return Ok(None);
    };
    let copy = copy.map_err(failed)?;
    if copy.metadata().map_err(failed)?.len() == 0 {
        let reason = "it is empty (did the program that writes it fail?)".to_owned();
        return Err(Error::Unsuitable { path: path.to_owned(), reason }.into());
    }
    Ok(Some(copy))
}

fn is_read_once(path: &Path) -> bool {
    let Ok(kind) = fs::metadata(path).map(|meta| meta.file_type()) else { return false };
    let has_path = || path.canonicalize().is_ok();
    kind.is_fifo() || kind.is_socket() || !kind.is_dir() && Descriptor::named_by(path).is_some() && !has_path()
}

fn copy(from: &mut (impl Read + AsFd)) -> io::Result<File> {
    let mut copy = nameless()?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        interrupt::wait_to_read(from)?;
        match from.read(&mut buffer) {
            Ok(0) => return Ok(copy),
            Ok(read) => copy.write_all(&buffer[..read])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted && !interrupt::is_asked() => {}
            Err(error) => return Err(error),
        }
    }
}

/// An unnamed file that disappears with its last descriptor, opened for appending.
pub(crate) fn nameless() -> io::Result<File> {
    let file = tempfile::tempfile()?;
    rustix::fs::fcntl_setfl(&file, OFlags::APPEND)?;
    Ok(file)
}
