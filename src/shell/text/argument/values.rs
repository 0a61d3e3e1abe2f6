//! A word becomes a value: the parser of each kind of argument.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use regex::bytes::Regex;

use super::kind::{
    Data, DatabaseName, Delimiter, FilterText, Key, KeyBound, PartPointer, Pattern, Prefix, ProgramWord, Topic,
};
use super::parser::Unmarked;
use crate::error::Error;
use crate::expiry::{Timestamp, parse_duration, parse_wait};
use crate::json::JsonPointer;
use crate::number::Number;
use crate::shell::text::escape::excerpt;
use crate::shell::text::glob::Glob;
use crate::shell::text::words::{self, Word};

/// Text, of the kind that `make` says.
fn kind_of_text<T>(make: fn(String) -> T) -> Unmarked<T>
where
    T: 'static,
{
    Unmarked::text(move |text| Ok(make(text.to_owned())))
}

/// The name of a key.
pub(crate) fn key() -> Unmarked<Key> {
    kind_of_text(Key)
}

/// What keys begin with.
pub(crate) fn prefix() -> Unmarked<Prefix> {
    kind_of_text(Prefix)
}

/// Where a range of keys begins or ends.
pub(crate) fn bound() -> Unmarked<KeyBound> {
    kind_of_text(KeyBound)
}

/// The way to a part of a JSON value: a JSON Pointer or a path.
pub(crate) fn pointer() -> Unmarked<PartPointer> {
    Unmarked::text(|text| {
        let path = JsonPointer::parse(text).map_err(|error| error.to_string())?;
        Ok(PartPointer { typed: text.to_owned(), path })
    })
}

/// A filter.
pub(crate) fn filter() -> Unmarked<FilterText> {
    kind_of_text(FilterText)
}

/// What `help` is asked about.
pub(crate) fn topic() -> Unmarked<Topic> {
    kind_of_text(Topic)
}

/// Any other text.
pub(crate) fn text() -> Unmarked<String> {
    kind_of_text(std::convert::identity)
}

/// The name of an environment variable.
pub(crate) fn variable() -> Unmarked<String> {
    Unmarked::text(|text| match text {
        // What stands after the `=` is the secret itself.
        _ if text.contains('=') => Err("expected the name of a variable, found a name with a value ('=')".to_owned()),
        "" => Err("expected the name of a variable, found nothing".to_owned()),
        name => Ok(name.to_owned()),
    })
}

/// A pattern for keys.
pub(crate) fn glob() -> Unmarked<Glob> {
    Unmarked::pattern(Glob::new)
}

/// A regular expression.
pub(crate) fn regex() -> Unmarked<Pattern> {
    Unmarked::pattern(|text| {
        Regex::new(text).map(Pattern).map_err(|error| {
            // The last line of the crate's drawing says what is wrong.
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            format!("not a regular expression: {reason}")
        })
    })
}

/// Any bytes.
pub(crate) fn data() -> Unmarked<Data> {
    Unmarked::bytes(|bytes| Ok(Data(bytes.to_owned())))
}

/// A path, which need not be UTF-8. An unquoted `~` at the start of one in a line is the home directory.
pub(crate) fn path() -> Unmarked<PathBuf> {
    Unmarked::marked(|arg| Ok(path_of_arg(arg)))
}

fn path_of_arg(arg: &OsStr) -> PathBuf {
    let path = words::unmark(arg);
    if words::is_marked_home(arg) { in_home(&path) } else { PathBuf::from(OsStr::from_bytes(&path)) }
}

/// A database, by its name or by the path of its file.
pub(crate) fn database() -> Unmarked<DatabaseName> {
    Unmarked::marked(|arg| Ok(DatabaseName(path_of_arg(arg).into_os_string())))
}

/// A program, or an argument of one.
pub(crate) fn program() -> Unmarked<ProgramWord> {
    Unmarked::marked(|arg| Ok(ProgramWord(path_of_arg(arg))))
}

/// The path that a word means.
pub(crate) fn path_of(word: &Word<'_>) -> PathBuf {
    path_of_arg(&word.to_arg())
}

/// The path with the home directory in place of its `~`, if it begins with one.
pub(crate) fn in_home(path: &[u8]) -> PathBuf {
    match dirs::home_dir().filter(|_| words::is_in_home(path)) {
        Some(home) => PathBuf::from(OsString::from_vec([home.as_os_str().as_bytes(), &path[1..]].concat())),
        None => PathBuf::from(OsStr::from_bytes(path)),
    }
}

/// An exit status.
pub(crate) fn status() -> Unmarked<u8> {
    Unmarked::text(|text| {
        text.parse().map_err(|_| format!("expected an exit status between 0 and 255, found '{}'", excerpt(text, 40)))
    })
}

/// How many.
pub(crate) fn number<N: FromStr>() -> Unmarked<N> {
    Unmarked::text(|text| {
        text.parse().map_err(|_| format!("expected a whole number of 0 or more, found '{}'", excerpt(text, 40)))
    })
}

/// A number of steps, at least one.
pub(crate) fn steps() -> Unmarked<usize> {
    Unmarked::text(|text| match text.parse() {
        Ok(0) | Err(_) => Err(format!("expected a whole number of 1 or more, found '{}'", excerpt(text, 40))),
        Ok(steps) => Ok(steps),
    })
}

/// An exact number.
pub(crate) fn decimal() -> Unmarked<Number> {
    Unmarked::text(|text| text.parse().map_err(|error: Error| error.to_string()))
}

/// A time span that is not nothing.
pub(crate) fn duration() -> Unmarked<Duration> {
    Unmarked::text(|text| parse_duration(text).map_err(|error| error.to_string()))
}

/// How long to wait; not at all is a way to look.
pub(crate) fn timeout() -> Unmarked<Duration> {
    Unmarked::text(|text| parse_wait(text).map_err(|error| error.to_string()))
}

/// A point in time.
pub(crate) fn time() -> Unmarked<Timestamp> {
    Unmarked::text(|text| text.parse().map_err(|error: Error| error.to_string()))
}

/// One character that can separate columns.
pub(crate) fn delimiter() -> Unmarked<Delimiter> {
    Unmarked::text(|text| match text.as_bytes() {
        b"\\t" | b"tab" => Ok(Delimiter(b'\t')),
        &[byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n' | 0) => Ok(Delimiter(byte)),
        _ => Err(format!("expected one character such as ; or \\t, found '{}'", excerpt(text, 40))),
    })
}
