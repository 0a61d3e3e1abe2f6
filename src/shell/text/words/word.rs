//! One word, and how it is handed to a parser of arguments.

use memchr::memchr;
use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::ops::Range;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// One word of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word<'a> {
    /// What it means, with quotes and escapes gone; may be any bytes.
    pub(crate) bytes: Cow<'a, [u8]>,
    /// Whether all of it was quoted or is a JSON literal, and so is data, never a flag.
    pub(crate) quoted: bool,
    /// How many of `bytes` are a bare `--flag=` before a quoted rest; 0 for every other word.
    pub(crate) flag: usize,
    /// Where it stands in the input given, quotes included; empty for an argument of the program, which stands in no line.
    pub(crate) span: Range<usize>,
}

impl Word<'_> {
    /// The word as an argument for a parser that takes what begins with `-` for a flag. A NUL, which no argument from outside
    /// can contain, marks what was written how: one in front is for data, one after a `~` for the home directory, if the
    /// argument is a path. [`unmark`] takes it off again.
    pub(crate) fn to_arg(&self) -> OsString {
        let is_data = self.quoted || self.flag > 0 || self.bytes.starts_with(b"\0");
        let at = if is_data { Some(self.flag) } else { self.after_tilde() };
        let (before, after) = self.bytes.split_at(at.unwrap_or(0));
        let mark: &[u8] = if at.is_some() { b"\0" } else { b"" };
        OsString::from_vec([before, mark, after].concat())
    }

    /// Where a bare `~`, alone or before a slash, ends, at the word's start or right after `--flag=`. A `~` that the caller's
    /// own shell has left in an argument of the program is an ordinary character.
    fn after_tilde(&self) -> Option<usize> {
        if self.span.is_empty() {
            return None;
        }
        let flag = if self.bytes.starts_with(b"--") { memchr(b'=', &self.bytes)? + 1 } else { 0 };
        is_in_home(&self.bytes[flag..]).then_some(flag + 1)
    }
}

/// Whether a path begins with the home directory's `~`.
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

/// Whether an argument or a flag's value begins with a `~` that stands for the home directory.
pub(crate) fn is_marked_home(arg: &OsStr) -> bool {
    arg.as_bytes().starts_with(b"~\0")
}
