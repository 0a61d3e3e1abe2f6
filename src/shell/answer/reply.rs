//! The reply of a command, as data. Listings are streams, never held in memory.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use regex::bytes::Regex;

use super::code::Code;
use super::done::Done;
use super::status::Status;
use crate::database::Difference;
use crate::database::Event;
use crate::error::{Error, Result};
use crate::expiry::Timestamp;
use crate::shell::text::escape::excerpt;
use crate::shell::text::mask::Masks;
use crate::storage::Entry;
use crate::value::Value;

/// The complete answer of a command that did not fail.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    /// The data for stdout.
    pub(crate) reply: Reply<'a>,
    /// [`Status::Done`], or [`Status::No`] if a requested key does not exist, or the result of a check.
    pub(crate) status: Status,
    /// Lines for stderr. `-o json` omits them, because its document includes the same information.
    pub(crate) notes: Vec<String>,
}

impl<'a> From<Reply<'a>> for Answer<'a> {
    fn from(reply: Reply<'a>) -> Self {
        Self { reply, status: Status::Done, notes: Vec::new() }
    }
}

impl From<Done> for Answer<'_> {
    fn from(done: Done) -> Self {
        Reply::Done(done).into()
    }
}

/// The data of an answer.
#[derive(Debug)]
pub(crate) enum Reply<'a> {
    /// A change, or the reason why it was not made.
    Done(Done),
    /// One value: `get a`.
    Value(Value),
    /// One value that is always a line: `path`.
    Line(Value),
    /// Several values by key: `get a b`. `None` for a key that does not exist.
    Values(Vec<(String, Option<Value>)>),
    /// A number: `count`, `exists`.
    Number(u64),
    /// The time to live of a key; `None` if it does not expire.
    TimeLeft(Option<Duration>),
    /// `keys`, `list`, `find`.
    Listing(Listing<'a>),
    /// A table of entries: `list -l`, `list --columns`.
    Sheet(Sheet<'a>),
    /// Named facts: `info`, `stats`.
    Record(Vec<(&'static str, Field)>),
    /// A table: `dbs`. The first column names the row.
    Rows { columns: Vec<&'static str>, rows: Vec<Vec<Field>> },
    /// Text without its final newline: `help`.
    Text(String),
    /// Events as they happen: `watch`.
    Events(Events<'a>),
    /// A file for another program: `export`, `dump`.
    Pieces(Pieces<'a>),
    /// Actual or possible differences: `diff`, `--dry-run`.
    Changes(DifferenceStream<'a>),
    /// The outputs of a filter: `--select`.
    Outputs(Outputs<'a>),
}

/// One fact.
#[derive(Debug)]
pub(crate) enum Field {
    /// Nothing: `null`, or `none` in words.
    None,
    /// A number.
    Number(u64),
    /// A size in bytes.
    Bytes(u64),
    /// A duration.
    Span(Duration),
    /// Text.
    Text(String),
    /// Keys.
    Keys(Vec<String>),
    /// A stored value.
    Value(Value),
    /// A computed number with all its digits.
    Exact(String),
    /// The beginning of something longer, cut to the line on a terminal.
    Beginning(String),
    /// A number that a terminal shows as a bar relative to its column.
    Bar(u64),
    /// Yes or no; on a terminal a mark or nothing.
    Flag(bool),
    /// A time; on a terminal with how long ago it was.
    Moment(Timestamp, Duration),
    /// A fact that would take too long to find out.
    Unknown,
    /// The problem with a row, if any.
    Fault(Option<String>),
    /// Several rows with the same names.
    Rows(Vec<Vec<(&'static str, Field)>>),
}

/// Writes a file to the given output. A failure to create the contents is a `Failure`; the inner error is one of
/// writing.
pub(crate) type WriteOut<'a> = dyn FnOnce(&mut dyn io::Write) -> Result<io::Result<()>, Failure> + 'a;

/// A file that is created while it is written.
pub(crate) struct Pieces<'a> {
    pub(crate) write: Box<WriteOut<'a>>,
    /// Notes for when the file is complete.
    pub(crate) notes: Rc<RefCell<Vec<String>>>,
}

/// A stream of differences.
pub(crate) struct DifferenceStream<'a> {
    pub(crate) differences: Box<dyn Iterator<Item = Result<Difference, Failure>> + 'a>,
    /// The keys whose values are masked.
    pub(crate) masks: Masks,
}

impl<'a> DifferenceStream<'a> {
    pub(crate) fn of(differences: impl Iterator<Item = Result<Difference, Failure>> + 'a) -> Self {
        Self { differences: Box::new(differences), masks: Masks::default() }
    }
}

/// The outputs of a filter: a stream of keys, each with the outputs for its value.
pub(crate) struct Outputs<'a> {
    pub(crate) entries: Box<dyn Iterator<Item = Result<(String, Vec<FilterOutput>)>> + 'a>,
    /// Whether the keys are shown.
    pub(crate) keys: bool,
    /// Whether the user named each key; then the outputs for masked ones are shown, too.
    pub(crate) is_by_key: bool,
}

/// One output of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FilterOutput {
    pub(crate) json: String,
    /// A string, without its quotes and escapes.
    pub(crate) bare: Option<String>,
}

/// A stream of entries.
pub(crate) struct Listing<'a> {
    /// In the order of the output.
    pub(crate) entries: Box<dyn Iterator<Item = Result<(String, Entry)>> + 'a>,
    /// The parts of each entry to print.
    pub(crate) show: Show,
    /// NUL instead of a newline after each record, and no escapes.
    pub(crate) nul: bool,
    /// Whether the user has given a limit; then a terminal shows all entries.
    pub(crate) limited: bool,
    /// What was searched for: on a terminal it stands out.
    pub(crate) marks: Option<Marks>,
}

/// What is highlighted in keys and values.
#[derive(Clone, Debug)]
pub(crate) struct Marks {
    pub(crate) regex: Regex,
    pub(crate) keys: bool,
    pub(crate) values: bool,
}

/// A table whose rows come as a stream.
pub(crate) struct Sheet<'a> {
    /// The names of the columns, the key's first.
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Box<dyn Iterator<Item = Result<Vec<Field>>> + 'a>,
    /// Whether the user has said how many: then a terminal shows all of them.
    pub(crate) limited: bool,
}

impl std::fmt::Debug for Sheet<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sheet").field("columns", &self.columns).finish_non_exhaustive()
    }
}

impl<'a> From<Listing<'a>> for Sheet<'a> {
    fn from(listing: Listing<'a>) -> Self {
        let names: &[&str] = match listing.show {
            Show::Keys => &["key"],
            Show::Entries => &["key", "value"],
            Show::Values => &["value"],
        };
        let show = listing.show;
        let rows = listing.entries.map(move |item| {
            let (key, entry) = item?;
            let (key, value) = (Field::Text(key), Field::Value(entry.value));
            Ok(match show {
                Show::Keys => vec![key],
                Show::Entries => vec![key, value],
                Show::Values => vec![value],
            })
        });
        let columns = names.iter().map(|&name| name.to_owned()).collect();
        Self { columns, rows: Box::new(rows), limited: listing.limited }
    }
}

/// A function that shows a key and what happened to it; an error ends the stream.
pub(crate) type OnEvent<'s> = dyn FnMut(&str, &Event) -> io::Result<()> + 's;

/// Passes events to a function until the stream ends; an error is one of showing.
pub(crate) type Run<'a> = dyn FnOnce(&mut OnEvent<'_>) -> io::Result<()> + 'a;

/// A stream that ends only when it is interrupted.
pub(crate) struct Events<'a> {
    /// A note for the user at its beginning.
    pub(crate) title: String,
    pub(crate) run: Box<Run<'a>>,
}

impl std::fmt::Debug for Events<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").field("title", &self.title).finish_non_exhaustive()
    }
}

/// The parts of an entry that a listing prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Show {
    /// The key.
    Keys,
    /// Key and value.
    Entries,
    /// The value.
    Values,
}

impl std::fmt::Debug for Listing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listing").field("show", &self.show).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Outputs<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outputs").field("keys", &self.keys).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Pieces<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pieces")
    }
}

impl std::fmt::Debug for DifferenceStream<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Changes")
    }
}

/// The hint at the nearest name in a message, if there is one.
pub(crate) fn did_you_mean(near: Option<&str>) -> String {
    near.map(|near| format!("; did you mean '{near}'?")).unwrap_or_default()
}

/// A key for a message, cut if it is long.
pub(crate) fn shown(key: &str) -> String {
    excerpt(key, 80)
}

/// Why a command failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) status: Status,
    pub(crate) code: Code,
    /// One line: what failed, where, why, and what to do. Not escaped for a terminal yet.
    pub(crate) message: String,
    /// The key that it is about.
    pub(crate) key: Option<String>,
}

impl Failure {
    /// A usage or syntax error, or a refused value.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { status: Status::Usage, code: Code::Usage, message: message.into(), key: None }
    }

    /// Help that the word `asks` requested together with something else, which was not done: a message of several
    /// lines. `tail` says how to write that word as data.
    pub(crate) fn help(asks: &str, tail: &str, text: &str) -> Self {
        let what = if matches!(asks, "-V" | "--version") { "the version" } else { "help" };
        let message = format!("'{asks}' asks for {what}, so nothing else was done.{tail}\n\n{text}");
        Self { code: Code::Help, ..Self::usage(message) }
    }

    /// A key that does not exist; `near` is the nearest existing one, and `place` says which database was read, if the
    /// user may not expect it.
    pub(crate) fn not_found(key: &str, near: Option<&str>, place: Option<&str>) -> Self {
        let near = did_you_mean(near);
        let place = place.map(|place| format!(" ({place})")).unwrap_or_default();
        let message = format!("Key '{}' not found{near}{place}", shown(key));
        Self { status: Status::No, code: Code::NotFound, message, key: Some(key.to_owned()) }
    }

    /// A failed input or output outside the database.
    pub(crate) fn io(operation: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        let message = format!("cannot {operation} {path:?}: {}", crate::error::reason(error));
        Self { status: Status::Io, code: Code::Io, message, key: None }
    }

    /// A broken stdout.
    pub(crate) fn stdout(error: &std::io::Error) -> Self {
        let message = format!("cannot write to stdout: {}", crate::error::reason(error));
        Self { status: Status::Io, code: Code::Io, message, key: None }
    }

    /// Whether the failure came after all of the file was read: a streamed answer is then complete, but may be wrong.
    pub(crate) fn is_of_whole_file(&self) -> bool {
        self.code == Code::Corrupt
    }

    /// The same failure for a command on that key.
    pub(crate) fn on(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let (status, code) = Status::of(&error);
        Self { status, code, message: error.to_string(), key: None }
    }
}
