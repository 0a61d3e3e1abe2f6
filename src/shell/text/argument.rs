//! Arguments: how a word becomes a value. What quoted words are marked with is taken off here, for all of them.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};

use regex::bytes::Regex;

use super::escape::excerpt;
use super::glob::Glob;
use super::words::{self, Word};
use crate::error::Error;
use crate::expiry::{Timestamp, parse_duration, parse_wait};
use crate::number::Number;

/// How answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutputMode {
    /// For a person on a terminal, line by line and escaped in a pipe.
    Plain,
    /// One JSON document a command.
    Json,
    /// Aligned columns.
    Table,
    /// The exact bytes and nothing else.
    Raw,
}

impl OutputMode {
    /// The names, in the order of help.
    pub(crate) const NAMES: [&'static str; 4] = ["plain", "json", "table", "raw"];
}

/// Whose keys the prompt has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyMode {
    /// Those of emacs, as in bash.
    Emacs,
    /// Those of vi.
    Vi,
}

impl KeyMode {
    /// The names, in the order of help.
    pub(crate) const NAMES: [&'static str; 2] = ["emacs", "vi"];

    pub(crate) fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// The bytes of a value as they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Data(pub(crate) Vec<u8>);

/// Makes a value of an argument, which may be marked, or says why not.
type Parse<T> = dyn Fn(&OsStr) -> Result<T, String> + Send + Sync;

/// Whether an error of clap's is about a pattern.
pub(crate) const IS_PATTERN: ContextKind = ContextKind::Custom;

/// A parser for one argument that first takes off the mark of quoted words ([`words::Word::to_arg`]).
#[derive(Clone)]
pub(crate) struct Unmarked<T> {
    parse: Arc<Parse<T>>,
    possible: &'static [&'static str],
    is_pattern: bool,
}

impl<T> Unmarked<T> {
    fn bytes(parse: impl Fn(&[u8]) -> Result<T, String> + Send + Sync + 'static) -> Self {
        Self::marked(move |arg| parse(&words::unmark(arg)))
    }

    /// An argument whose mark says what it means.
    fn marked(parse: impl Fn(&OsStr) -> Result<T, String> + Send + Sync + 'static) -> Self {
        Self { parse: Arc::new(parse), possible: &[], is_pattern: false }
    }

    /// An argument that is UTF-8.
    pub(crate) fn text(parse: impl Fn(&str) -> Result<T, String> + Send + Sync + 'static) -> Self {
        Self::bytes(move |bytes| match std::str::from_utf8(bytes) {
            Ok(text) => parse(text),
            Err(_) => Err("expected UTF-8, found other bytes; only values may hold those".to_owned()),
        })
    }

    /// A pattern: programs are told that it is the pattern that is wrong.
    fn pattern(parse: impl Fn(&str) -> Result<T, String> + Send + Sync + 'static) -> Self {
        Self { is_pattern: true, ..Self::text(parse) }
    }

    /// One of some names, whose place is turned into the value.
    pub(crate) fn one_of(names: &'static [&'static str], make: fn(usize) -> T) -> Self
    where
        T: 'static,
    {
        let parse = move |text: &str| {
            let at = names.iter().position(|name| name.eq_ignore_ascii_case(text));
            at.map(make).ok_or_else(|| format!("expected {}, found '{}'", any_of(names), excerpt(text, 40)))
        };
        Self { possible: names, ..Self::text(parse) }
    }
}

impl<T> fmt::Debug for Unmarked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unmarked({:?})", self.possible)
    }
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Unmarked<T> {
    type Value = T;

    fn parse_ref(&self, command: &clap::Command, arg: Option<&clap::Arg>, value: &OsStr) -> Result<T, clap::Error> {
        (self.parse)(value).map_err(|reason| {
            let name = arg.map(name_of).unwrap_or_default();
            let message = if self.is_pattern { format!("{reason}\n") } else { format!("{name}: {reason}\n") };
            let mut error = clap::Error::raw(ErrorKind::ValueValidation, message).with_cmd(command);
            error.insert(IS_PATTERN, ContextValue::Bool(self.is_pattern));
            let value = String::from_utf8_lossy(&words::unmark(value)).into_owned();
            error.insert(ContextKind::InvalidValue, ContextValue::String(value));
            error
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        (!self.possible.is_empty()).then(|| Box::new(self.possible.iter().map(PossibleValue::new)) as Box<_>)
    }
}

/// An argument as messages name it: a flag by its dashes, another by what it takes.
fn name_of(arg: &clap::Arg) -> String {
    match (arg.get_long(), arg.get_value_names()) {
        (Some(long), _) => format!("--{long}"),
        (None, Some([name, ..])) => name.to_string(),
        (None, _) => arg.get_id().to_string(),
    }
}

/// Some names, any of which will do: `a, b or c`.
pub(crate) fn any_of<N: AsRef<str>>(names: &[N]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => names.concat(),
    }
}

/// Any text.
pub(crate) fn text() -> Unmarked<String> {
    Unmarked::text(|text| Ok(text.to_owned()))
}

/// A pattern for keys.
pub(crate) fn glob() -> Unmarked<String> {
    Unmarked::pattern(|text| Glob::new(text).map(|_| text.to_owned()))
}

/// A regular expression, compiled.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(pub(crate) Regex);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
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
        text.parse().map_err(|_| format!("expected an exit status from 0 to 255, found '{}'", excerpt(text, 40)))
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

/// `on` or `off`.
pub(crate) fn switch() -> Unmarked<bool> {
    Unmarked::one_of(&["on", "off"], |at| at == 0)
}

/// Reads the name of an output mode.
pub(crate) fn output_mode() -> Unmarked<OutputMode> {
    use OutputMode::{Json, Plain, Raw, Table};
    Unmarked::one_of(&OutputMode::NAMES, |at| [Plain, Json, Table, Raw][at])
}

/// Reads the name of a set of keys.
pub(crate) fn key_mode() -> Unmarked<KeyMode> {
    Unmarked::one_of(&KeyMode::NAMES, |at| [KeyMode::Emacs, KeyMode::Vi][at])
}

/// The format of a file that is imported or exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Jsonl,
    Csv,
    Dotenv,
    Redis,
    Tsv,
    /// `export` lines for a POSIX shell; written only.
    Sh,
    /// `set -gx` lines for fish; written only.
    Fish,
}

impl Format {
    /// The names, in the order of help.
    pub(crate) const NAMES: [&'static str; 8] = ["json", "jsonl", "csv", "dotenv", "redis", "tsv", "sh", "fish"];
    /// Those of the formats that can be read.
    pub(crate) const READ: [&'static str; 6] = ["json", "jsonl", "csv", "dotenv", "redis", "tsv"];
    /// The options of `import` and `export` that not every format uses, and the formats that do.
    pub(crate) const OPTIONS: [(&'static str, &'static [Self]); 5] = [
        ("--flatten", &[Self::Json]),
        ("--key-column", &[Self::Csv]),
        ("--value-column", &[Self::Csv]),
        ("--delimiter", &[Self::Csv]),
        // The others hold everything.
        ("--lossy", &[Self::Json, Self::Dotenv, Self::Redis, Self::Tsv, Self::Sh, Self::Fish]),
    ];
    const ALL: [Self; 8] =
        [Self::Json, Self::Jsonl, Self::Csv, Self::Dotenv, Self::Redis, Self::Tsv, Self::Sh, Self::Fish];

    pub(crate) fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// Whether it can be read.
    pub(crate) fn is_read(self) -> bool {
        !matches!(self, Self::Sh | Self::Fish)
    }

    /// Refuses options that are given and that the format does not use.
    pub(crate) fn check_options(self, given: &[(&str, bool)]) -> Result<(), String> {
        for (option, users) in Self::OPTIONS {
            if given.contains(&(option, true)) && !users.contains(&self) {
                let users = users.iter().map(|format| format.name()).collect::<Vec<_>>().join(", ");
                return Err(format!("{option} is not for {}, only for {users}", self.name()));
            }
        }
        Ok(())
    }

    /// The format that a file's name says it has.
    pub(crate) fn of_path(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        if name == ".env" || name.starts_with(".env.") {
            return Some(Self::Dotenv);
        }
        match name.rsplit_once('.')?.1 {
            "ndjson" => Some(Self::Jsonl),
            "env" => Some(Self::Dotenv),
            ending => Self::ALL.into_iter().find(|format| format.name() == ending),
        }
    }
}

/// How nested objects become keys of their own. Arrays and empty objects stay values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flatten {
    /// `a.b`
    Dotted,
    /// `/a/b`, as in RFC 6901.
    Pointer,
}

/// What becomes of a key that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnConflict {
    Replace,
    Skip,
    Fail,
}

/// A format that can be read.
pub(crate) fn import_format() -> Unmarked<Format> {
    Unmarked::one_of(&Format::READ, |at| Format::ALL[at])
}

/// A format that can be written.
pub(crate) fn export_format() -> Unmarked<Format> {
    Unmarked::one_of(&Format::NAMES, |at| Format::ALL[at])
}

/// `dotted` or `pointer`.
pub(crate) fn flatten() -> Unmarked<Flatten> {
    Unmarked::one_of(&["dotted", "pointer"], |at| [Flatten::Dotted, Flatten::Pointer][at])
}

/// One character that can separate columns.
pub(crate) fn delimiter() -> Unmarked<u8> {
    Unmarked::text(|text| match text.as_bytes() {
        b"\\t" | b"tab" => Ok(b'\t'),
        &[byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n' | 0) => Ok(byte),
        _ => Err(format!("expected one character such as ; or \\t, found '{}'", excerpt(text, 40))),
    })
}

/// `replace`, `skip` or `fail`.
pub(crate) fn on_conflict() -> Unmarked<OnConflict> {
    use OnConflict::{Fail, Replace, Skip};
    Unmarked::one_of(&["replace", "skip", "fail"], |at| [Replace, Skip, Fail][at])
}
