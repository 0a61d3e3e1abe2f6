//! The kind of an argument, which follows from the type that its parser returns.
//!
//! Completion, hints, carets, `~` and shell completion use the kind. The name in help (`KEY`, `NEW`) is for users only.

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

/// The kind of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ArgumentKind {
    /// The name of a key.
    Key,
    /// A prefix of keys.
    Prefix,
    /// An end of a range of keys.
    Bound,
    /// A pattern for keys.
    Glob,
    /// A regular expression.
    Regex,
    /// A filter in jq's syntax.
    Filter,
    /// A value, or one to compare with: any bytes.
    Value,
    /// The path to a part of a JSON value.
    Pointer,
    /// A file to read or write.
    File,
    /// A database, by name or by the path of its file.
    Database,
    /// A program and its arguments.
    Program,
    /// A topic of `help`.
    Topic,
    /// Some other text.
    Text,
    /// A character that separates columns.
    Delimiter,
    /// A number.
    Number,
    /// A duration.
    Duration,
    /// A time.
    Time,
    /// One of several names.
    Name,
}

impl ArgumentKind {
    /// The types that have a kind of their own; a value of any other is one of a few names.
    const TYPES: [(fn() -> TypeId, Self); 23] = [
        (TypeId::of::<Key>, Self::Key),
        (TypeId::of::<Prefix>, Self::Prefix),
        (TypeId::of::<KeyBound>, Self::Bound),
        (TypeId::of::<Glob>, Self::Glob),
        (TypeId::of::<Pattern>, Self::Regex),
        (TypeId::of::<FilterText>, Self::Filter),
        (TypeId::of::<Data>, Self::Value),
        (TypeId::of::<PartPointer>, Self::Pointer),
        (TypeId::of::<MemberColumns>, Self::Pointer),
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

    /// Whether it is text: a value, a key or a path, but not a number, a time or one of several names.
    pub(crate) fn is_text(self) -> bool {
        !matches!(self, Self::Number | Self::Duration | Self::Time | Self::Name)
    }

    /// Whether it may be any text, including one that begins with a dash.
    pub(crate) fn is_any_text(self) -> bool {
        matches!(self, Self::Value | Self::Regex | Self::Filter)
    }

    /// Whether its values are found in the database.
    pub(crate) fn is_in_database(self) -> bool {
        matches!(self, Self::Key | Self::Prefix | Self::Bound | Self::Glob | Self::Pointer)
    }
}

/// Defines a type for each kind of argument that would otherwise share one.
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
    /// A prefix of keys.
    Prefix(String) is str;
    /// The first key of a range, or the first key after it.
    KeyBound(String) is str;
    /// A filter in jq's syntax, not parsed yet, because its arguments may follow it.
    FilterText(String) is str;
    /// A command or a topic of `help`.
    Topic(String) is str;
    /// A database: a name, or the path of a file.
    DatabaseName(OsString) is std::ffi::OsStr;
    /// A program, or an argument of one.
    ProgramWord(PathBuf) is Path;
    /// The bytes of a value as given.
    Data(Vec<u8>) is [u8];
}

/// The path to a part of a JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartPointer {
    /// As written.
    pub(crate) typed: String,
    pub(crate) path: JsonPointer,
}

/// The members that are the columns of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MemberColumns(pub(crate) Vec<PartPointer>);

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
