//! A word, and how it is passed to an argument parser.

use memchr::memchr;
use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::ops::Range;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// One word of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word<'a> {
    /// Its value without quotes and escapes, which may be any bytes.
    pub(crate) bytes: Cow<'a, [u8]>,
    /// Whether it is all quoted or a JSON literal, and so is data, never a flag.
    pub(crate) quoted: bool,
    /// The length of a bare `--flag=` before a quoted rest; 0 for every other word.
    pub(crate) flag: usize,
    /// Its position in the input, including quotes; empty for an argument of the program.
    pub(crate) span: Range<usize>,
}

impl Word<'_> {
    /// The word as an argument for a parser that reads what begins with `-` as a flag. A NUL, which no argument from
    /// outside can contain, marks how it was written: one at the start marks data, one after a `~` the home directory,
    /// if the argument is a path. [`unmark`] removes it.
    pub(crate) fn to_arg(&self) -> OsString {
        let is_data = self.quoted || self.flag > 0 || self.bytes.starts_with(b"\0");
        let at = if is_data { Some(self.flag) } else { self.after_tilde() };
        let (before, after) = self.bytes.split_at(at.unwrap_or(0));
        let mark: &[u8] = if at.is_some() { b"\0" } else { b"" };
        OsString::from_vec([before, mark, after].concat())
    }

    /// The end of a bare `~`, alone or before a slash, at the start of the word or right after `--flag=`. A `~` in an
    /// argument of the program, which the caller's shell did not expand, is an ordinary character.
    fn after_tilde(&self) -> Option<usize> {
        if self.span.is_empty() {
            return None;
        }
        let flag = if self.bytes.starts_with(b"--") { memchr(b'=', &self.bytes)? + 1 } else { 0 };
        is_in_home(&self.bytes[flag..]).then_some(flag + 1)
    }
}

/// Whether a path begins with a `~` for the home directory.
pub(crate) fn is_in_home(path: &[u8]) -> bool {
    path == b"~" || path.starts_with(b"~/")
}

/// An argument or a flag's value without the mark of [`Word::to_arg`], if there is one.
pub(crate) fn unmark(arg: &OsStr) -> Cow<'_, [u8]> {
    let bytes = arg.as_bytes();
    match memchr(0, bytes) {
        None => bytes.into(),
        Some(0) => bytes[1..].into(),
        Some(at) => [&bytes[..at], &bytes[at + 1..]].concat().into(),
    }
}

/// Whether an argument or a flag's value begins with a `~` for the home directory.
pub(crate) fn is_marked_home(arg: &OsStr) -> bool {
    arg.as_bytes().starts_with(b"~\0")
}
