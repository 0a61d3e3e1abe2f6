//! What a command answers: data only, no looks. Listings are streams, never held in memory.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

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

/// The whole answer of a command that did not fail.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    /// What goes to stdout.
    pub(crate) reply: Reply<'a>,
    /// [`Status::Done`], [`Status::No`] if a part of what was asked is not there, or what a check has found.
    pub(crate) status: Status,
    /// Lines for stderr. `-o json` leaves them out: what they say is in its document.
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
    /// A change, or a condition that kept it from being made.
    Done(Done),
    /// One value: `get a`.
    Value(Value),
    /// One value that is a line, whatever it holds: `path`.
    Line(Value),
    /// Several values by key: `get a b`. `None` for a key that is not there.
    Values(Vec<(String, Option<Value>)>),
    /// How many: `count`, `exists`.
    Number(u64),
    /// What is left of a key's time; `None` if it does not expire.
    TimeLeft(Option<Duration>),
    /// `keys`, `list`, `find`.
    Listing(Listing<'a>),
    /// Named facts: `info`, `stats`.
    Record(Vec<(&'static str, Field)>),
    /// A table: `dbs`. The first column names the row.
    Rows { columns: Vec<&'static str>, rows: Vec<Vec<Field>> },
    /// Text as it is: `help`. Without its last newline.
    Text(String),
    /// What happens, as it happens: `watch`.
    Events(Events<'a>),
    /// A file for another program: `export`, `dump`.
    Pieces(Pieces<'a>),
    /// What is not alike, or would not be: `diff`, `--dry-run`.
    Changes(DifferenceStream<'a>),
    /// What a filter makes of values: `--select`.
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
    /// A time span.
    Span(Duration),
    /// Text.
    Text(String),
    /// Keys.
    Keys(Vec<String>),
    /// A stored value.
    Value(Value),
    /// A number that was computed with all its digits.
    Exact(String),
    /// The beginning of something longer; on a terminal no more than fits into its line.
    Beginning(String),
    /// A number that a person sees as a bar beside the others of its column.
    Bar(u64),
    /// Yes or no; on a terminal a mark or nothing.
    Flag(bool),
    /// A point in time, and how long ago that is, which a person is told.
    Moment(Timestamp, Duration),
    /// What would take too long to find out.
    Unknown,
    /// What is wrong with a row, if anything is.
    Fault(Option<String>),
    /// Several of the same kind, each with the same names.
    Rows(Vec<Vec<(&'static str, Field)>>),
}

/// Writes a file where it is told to. What it could not make is its failure; the inner error is one of writing.
pub(crate) type WriteOut<'a> = dyn FnOnce(&mut dyn io::Write) -> Result<io::Result<()>, Failure> + 'a;

/// A file that is made as it is written.
pub(crate) struct Pieces<'a> {
    pub(crate) write: Box<WriteOut<'a>>,
    /// What there is to say of it, when all of it was written.
    pub(crate) notes: Rc<RefCell<Vec<String>>>,
}

/// A stream of what is not alike.
pub(crate) struct DifferenceStream<'a> {
    pub(crate) differences: Box<dyn Iterator<Item = Result<Difference, Failure>> + 'a>,
    /// The keys whose values are not shown.
    pub(crate) masks: Masks,
}

impl<'a> DifferenceStream<'a> {
    pub(crate) fn of(differences: impl Iterator<Item = Result<Difference, Failure>> + 'a) -> Self {
        Self { differences: Box::new(differences), masks: Masks::default() }
    }
}

/// What filters make of entries: a stream of keys, each with the outputs of its value.
pub(crate) struct Outputs<'a> {
    pub(crate) entries: Box<dyn Iterator<Item = Result<(String, Vec<FilterOutput>)>> + 'a>,
    /// Whether the keys are shown.
    pub(crate) keys: bool,
}

/// What a filter makes of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FilterOutput {
    pub(crate) json: String,
    /// A string, without its quotes and escapes.
    pub(crate) bare: Option<String>,
}

/// A stream of entries.
pub(crate) struct Listing<'a> {
    /// In the order in which they are shown.
    pub(crate) entries: Box<dyn Iterator<Item = Result<(String, Entry)>> + 'a>,
    /// What of them.
    pub(crate) show: Show,
    /// A NUL instead of a newline behind each record, which is not escaped then.
    pub(crate) nul: bool,
    /// Whether the user has said how many: then a terminal shows all of them.
    pub(crate) limited: bool,
}

/// A key and what has become of it, where it is to be shown; an error ends it.
pub(crate) type OnEvent<'s> = dyn FnMut(&str, &Event) -> io::Result<()> + 's;

/// Shows events by the function it is given until there are to be no more; an error is one of showing.
pub(crate) type Run<'a> = dyn FnOnce(&mut OnEvent<'_>) -> io::Result<()> + 'a;

/// Something that goes on until somebody ends it.
pub(crate) struct Events<'a> {
    /// What a person is told at its beginning.
    pub(crate) title: String,
    pub(crate) run: Box<Run<'a>>,
}

impl std::fmt::Debug for Events<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").field("title", &self.title).finish_non_exhaustive()
    }
}

/// What a listing shows of each entry.
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

/// What a message says of the nearest name, if there is one.
pub(crate) fn did_you_mean(near: Option<&str>) -> String {
    near.map(|near| format!("; did you mean '{near}'?")).unwrap_or_default()
}

/// A key for a message: its beginning, if it is long.
pub(crate) fn shown(key: &str) -> String {
    excerpt(key, 80)
}

/// Why a command has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) status: Status,
    pub(crate) code: Code,
    /// One line: what failed, where, why, and the way out. Not yet fit for a terminal.
    pub(crate) message: String,
    /// The key in question.
    pub(crate) key: Option<String>,
}

impl Failure {
    /// Usage, syntax, or a refused value.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { status: Status::Usage, code: Code::Usage, message: message.into(), key: None }
    }

    /// Help that the word `asks` has asked for together with something else, which was not done: a message of several lines.
    /// `tail` says how that word is written if something else was meant by it.
    pub(crate) fn help(asks: &str, tail: &str, text: &str) -> Self {
        let what = if matches!(asks, "-V" | "--version") { "the version" } else { "help" };
        let message = format!("'{asks}' asks for {what}, so nothing else was done.{tail}\n\n{text}");
        Self { code: Code::Help, ..Self::usage(message) }
    }

    /// A key that is not there; `near` is the nearest that is, `place` says where it was looked for if that is news.
    pub(crate) fn not_found(key: &str, near: Option<&str>, place: Option<&str>) -> Self {
        let near = did_you_mean(near);
        let place = place.map(|place| format!(" ({place})")).unwrap_or_default();
        let message = format!("Key '{}' not found{near}{place}", shown(key));
        Self { status: Status::No, code: Code::NotFound, message, key: Some(key.to_owned()) }
    }

    /// Input or output that is not the database's.
    pub(crate) fn io(operation: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        let message = format!("cannot {operation} {path:?}: {}", crate::error::reason(error));
        Self { status: Status::Io, code: Code::Io, message, key: None }
    }

    /// A stdout that takes no more.
    pub(crate) fn stdout(error: &std::io::Error) -> Self {
        let message = format!("cannot write to stdout: {}", crate::error::reason(error));
        Self { status: Status::Io, code: Code::Io, message, key: None }
    }

    /// Whether it is that of a file all of which was read: a streamed answer is whole, then, but may be wrong.
    pub(crate) fn is_of_whole_file(&self) -> bool {
        self.code == Code::Corrupt
    }

    /// The same failure of a command on that key.
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
