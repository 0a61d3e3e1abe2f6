//! What an argument stands for: its kind, which is told by the type that its parser makes of it.
//!
//! Completion, hints, carets, the home directory's `~` and the user's own shells read the kind. What help calls an
//! argument (`KEY`, `NEW`) is for people.

use std::any::TypeId;
use std::ffi::OsString;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::Duration;

use regex::bytes::Regex;

use super::names::HistoryAsk;
use crate::expiry::Timestamp;
use crate::json::JsonPointer;
use crate::number::Number;
use crate::shell::text::glob::Glob;

/// What an argument stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ArgumentKind {
    /// The name of a key.
    Key,
    /// What keys begin with.
    Prefix,
    /// Where a range of keys begins or ends.
    Bound,
    /// A pattern for keys.
    Glob,
    /// A regular expression.
    Regex,
    /// A filter in jq's syntax.
    Filter,
    /// A value, or what one is compared with: any bytes.
    Value,
    /// The way to a part of the JSON that a key holds.
    Pointer,
    /// A file that is read or written.
    File,
    /// A database, by its name or by the path of its file.
    Database,
    /// A program and its arguments.
    Program,
    /// What `help` explains.
    Topic,
    /// Some other text.
    Text,
    /// A character that separates columns.
    Delimiter,
    /// A number.
    Number,
    /// A span of time.
    Duration,
    /// A point in time.
    Time,
    /// One of a few names.
    Name,
}

impl ArgumentKind {
    /// The types that have a kind of their own; a value of any other is one of a few names.
    const TYPES: [(fn() -> TypeId, Self); 22] = [
        (TypeId::of::<Key>, Self::Key),
        (TypeId::of::<Prefix>, Self::Prefix),
        (TypeId::of::<KeyBound>, Self::Bound),
        (TypeId::of::<Glob>, Self::Glob),
        (TypeId::of::<Pattern>, Self::Regex),
        (TypeId::of::<FilterText>, Self::Filter),
        (TypeId::of::<Data>, Self::Value),
        (TypeId::of::<PartPointer>, Self::Pointer),
        (TypeId::of::<PathBuf>, Self::File),
        (TypeId::of::<DatabaseName>, Self::Database),
        (TypeId::of::<ProgramWord>, Self::Program),
        (TypeId::of::<Topic>, Self::Topic),
        (TypeId::of::<String>, Self::Text),
        (TypeId::of::<Delimiter>, Self::Delimiter),
        (TypeId::of::<Number>, Self::Number),
        (TypeId::of::<u64>, Self::Number),
        (TypeId::of::<usize>, Self::Number),
        (TypeId::of::<u8>, Self::Number),
        (TypeId::of::<HistoryAsk>, Self::Number),
        (TypeId::of::<Duration>, Self::Duration),
        (TypeId::of::<Timestamp>, Self::Time),
        (TypeId::of::<bool>, Self::Name),
    ];

    /// The kind of an argument.
    pub(crate) fn of(arg: &clap::Arg) -> Self {
        let id = arg.get_value_parser().type_id();
        Self::TYPES.iter().find(|(of, _)| id == of()).map_or(Self::Name, |&(_, kind)| kind)
    }

    /// Whether it is text of some sort: a value, a key, a path; not a number, a time or one of a few names.
    pub(crate) fn is_text(self) -> bool {
        !matches!(self, Self::Number | Self::Duration | Self::Time | Self::Name)
    }

    /// Whether it may be any text, also one that begins with a dash.
    pub(crate) fn is_any_text(self) -> bool {
        matches!(self, Self::Value | Self::Regex | Self::Filter)
    }

    /// Whether what it may be is found in the database.
    pub(crate) fn is_in_database(self) -> bool {
        matches!(self, Self::Key | Self::Prefix | Self::Bound | Self::Glob | Self::Pointer)
    }
}

/// Makes a type for each kind of argument that would otherwise have the type of another.
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident($inside:ty) is $seen:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub(crate) struct $name(pub(crate) $inside);

        impl Deref for $name {
            type Target = $seen;

            fn deref(&self) -> &$seen {
                &self.0
            }
        }
    )*};
}

kinds! {
    /// The name of a key.
    Key(String) is str;
    /// What keys begin with.
    Prefix(String) is str;
    /// The first key of a range, or the first one after it.
    KeyBound(String) is str;
    /// A filter in jq's syntax, not yet parsed: what it is given may stand after it.
    FilterText(String) is str;
    /// A command or a topic of `help`.
    Topic(String) is str;
    /// A database: a name, or the path of a file.
    DatabaseName(OsString) is std::ffi::OsStr;
    /// A program, or an argument of one.
    ProgramWord(PathBuf) is Path;
    /// The bytes of a value as they were given.
    Data(Vec<u8>) is [u8];
}

/// The way to a part of a JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartPointer {
    /// As it was written.
    pub(crate) typed: String,
    pub(crate) path: JsonPointer,
}

/// The character that separates the columns of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Delimiter(pub(crate) u8);

/// A regular expression, compiled.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(pub(crate) Regex);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}
