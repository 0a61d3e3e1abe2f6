//! The common part of all argument parsers: removes the mark of quoted words.

use std::ffi::OsStr;
use std::fmt;
use std::sync::Arc;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::shell::text::escape::excerpt;
use crate::shell::text::words;

/// Converts an argument, which may be marked, or explains why it cannot.
type Parse<T> = dyn Fn(&OsStr) -> Result<T, String> + Send + Sync;

/// Whether an error of clap is about a pattern.
pub(crate) const IS_PATTERN: ContextKind = ContextKind::Custom;

/// A parser for one argument that first removes the mark of quoted words ([`words::Word::to_arg`]).
#[derive(Clone)]
pub(crate) struct Unmarked<T> {
    parse: Arc<Parse<T>>,
    possible: &'static [&'static str],
    is_pattern: bool,
}

impl<T> Unmarked<T> {
    pub(super) fn bytes(parse: impl Fn(&[u8]) -> Result<T, String> + Send + Sync + 'static) -> Self {
        Self::marked(move |arg| parse(&words::unmark(arg)))
    }

    /// An argument whose mark has a meaning.
    pub(super) fn marked(parse: impl Fn(&OsStr) -> Result<T, String> + Send + Sync + 'static) -> Self {
        Self { parse: Arc::new(parse), possible: &[], is_pattern: false }
    }

    /// An argument that is UTF-8.
    pub(crate) fn text(parse: impl Fn(&str) -> Result<T, String> + Send + Sync + 'static) -> Self {
        Self::bytes(move |bytes| match std::str::from_utf8(bytes) {
            Ok(text) => parse(text),
            Err(_) => Err("expected UTF-8, found other bytes; only values may contain them".to_owned()),
        })
    }

    /// A pattern; its errors have a code of their own for programs.
    pub(super) fn pattern(parse: impl Fn(&str) -> Result<T, String> + Send + Sync + 'static) -> Self {
        Self { is_pattern: true, ..Self::text(parse) }
    }

    /// One of several names, whose index is converted to the value.
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

/// An argument as named in messages: a flag with its dashes, any other by its value name.
fn name_of(arg: &clap::Arg) -> String {
    match (arg.get_long(), value_name(arg)) {
        (Some(long), _) => format!("--{long}"),
        (None, "") => arg.get_id().to_string(),
        (None, name) => name.to_owned(),
    }
}

/// The name of an argument's value in help, for users only.
pub(crate) fn value_name(arg: &clap::Arg) -> &str {
    arg.get_value_names().and_then(<[_]>::first).map_or("", |name| name.as_str())
}

/// A list of alternatives: `a, b or c`.
pub(crate) fn any_of<N: AsRef<str>>(names: &[N]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => names.concat(),
    }
}
