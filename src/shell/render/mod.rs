//! Answers as bytes: how a reply looks in each mode, on a terminal and in a pipe.
//!
//! | | a terminal | a pipe |
//! | --- | --- | --- |
//! | plain | `person`: words and tables | `plain`: lines that read back exactly |
//! | table | the same | the same tables, whole; one value as its exact bytes |
//! | raw | `plain`: values alone, escaped; one value exactly, if the line itself says raw | `plain`: the exact bytes |
//! | json | `json`: one document | the same |
//!
//! JSON that is the whole answer is spread out for a person by `pretty`.
//!
//! Nothing that was stored, typed or said by the system acts on a terminal: it goes through [`super::text::escape`] first.
//! Widths are those of the escaped text, and colours are added last.

use std::io::{self, Write};

pub(crate) use self::counts::{changes, counted, keys};
pub(crate) use self::difference::{difference, difference_json};
pub(crate) use self::done::{found, imported};
use self::plain::Form;
pub(crate) use self::table::size;
pub(crate) use self::undone::value_of;
use super::answer::code::Code;
use super::answer::reply::{Events, Failure, Reply};
use super::answer::status::Status;
use super::text::argument::OutputMode;
use super::text::caret::Pointer;
use super::text::escape;
use crate::database::Event;
use crate::error::Error;
use crate::storage::{LARGE, check_memory};
use crate::value::Value;

mod person;

mod table;

mod plain;

mod difference;

mod json;

mod pretty;

mod stream;

mod counts;

mod done;

mod undone;

pub(crate) mod style;

/// A stream is written in pieces of about this many bytes.
const CHUNK: usize = 32 << 10;

/// Where an answer goes and how it is to look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) mode: OutputMode,
    /// Whether a person reads it.
    pub(crate) terminal: bool,
    /// Columns of that terminal; 0 if it does not say.
    pub(crate) width: usize,
    pub(crate) color: bool,
    /// No confirmations.
    pub(crate) quiet: bool,
    /// Whether a single value goes out exactly where it else would not: one of bytes into a file or a program at the prompt,
    /// and any on a terminal if the line itself says raw.
    pub(crate) exact: bool,
    /// Whether a pager shows what is longer than the screen: then a listing is not cut.
    pub(crate) paged: bool,
}

impl Look {
    /// Columns that a line may take.
    fn room(&self) -> usize {
        if self.terminal && self.width > 0 { self.width } else { usize::MAX }
    }
}

/// Why an answer could not be written whole.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The output did not take it.
    Output(io::Error),
    /// The database could not give it, or not in this form.
    Source(Failure),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Source(failure)
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Source(error.into())
    }
}

/// How long the values of an answer are, if they are too long to be held as they will be written.
pub(crate) fn large(reply: &Reply<'_>) -> Option<usize> {
    let length = match reply {
        Reply::Value(value) | Reply::Line(value) => value.as_bytes().len(),
        Reply::Done(done) => done::value(done).map_or(0, |value| value.as_bytes().len()),
        Reply::Values(values) => {
            values.iter().filter_map(|(_, value)| value.as_ref()).map(|value| value.as_bytes().len()).sum()
        }
        _ => 0,
    };
    (length >= LARGE).then_some(length)
}

/// Writes the data of an answer, and nothing else.
pub(crate) fn reply(out: &mut dyn Write, look: &Look, reply: Reply<'_>) -> Result<(), Trouble> {
    let reply = match reply {
        Reply::Pieces(pieces) => return stream::pieces(out, look, pieces),
        Reply::Changes(changes) => return stream::changes(out, look, changes),
        Reply::Listing(mut listing) => {
            // A value of a listing is put together with what stands around it.
            let entries = std::mem::replace(&mut listing.entries, Box::new(std::iter::empty()));
            let entries = entries.map(|entry| {
                let entry = entry?;
                let length = entry.1.value.as_bytes().len();
                check_memory(if length < LARGE { 0 } else { 8 * length })?;
                Ok(entry)
            });
            listing.entries = Box::new(entries);
            Reply::Listing(listing)
        }
        reply => reply,
    };
    if let Some(length) = large(&reply) {
        // Single values go as they are; what else there is, is put together first.
        let is_whole = matches!(reply, Reply::Value(_))
            && (look.mode == OutputMode::Json || !look.terminal && look.mode != OutputMode::Table);
        check_memory(if is_whole { 0 } else { 8 * length })?;
    }
    let is_exact = look.exact
        && match &reply {
            Reply::Value(Value::Bytes(_)) if !look.terminal => true,
            Reply::Value(_) | Reply::Done(_) => look.mode == OutputMode::Raw,
            _ => false,
        };
    match (look.mode, look.terminal) {
        (OutputMode::Json, _) => json::reply(out, reply),
        (_, _) if is_exact => plain::reply(out, Form::Exact, reply),
        (OutputMode::Plain | OutputMode::Table, true) => person::reply(out, look, reply),
        (OutputMode::Plain, false) => plain::reply(out, Form::Lines, reply),
        (OutputMode::Raw, true) => plain::reply(out, Form::Shown, reply),
        (OutputMode::Raw, false) => plain::reply(out, Form::Exact, reply),
        (OutputMode::Table, false) => match reply {
            Reply::Done(_) | Reply::Value(_) | Reply::Line(_) | Reply::Text(_) => plain::reply(out, Form::Lines, reply),
            Reply::Listing(ref listing) if listing.nul => plain::reply(out, Form::Lines, reply),
            reply => person::reply(out, look, reply),
        },
    }
}

/// Writes events as they come, each at once.
fn events(
    out: &mut dyn Write,
    events: Events<'_>,
    push: &mut dyn FnMut(&mut String, &str, &Event),
) -> Result<(), Trouble> {
    let mut line = String::new();
    Ok((events.run)(&mut |key, event| {
        line.clear();
        push(&mut line, key, event);
        out.write_all(line.as_bytes())?;
        out.flush()
    })?)
}

/// A failure for a person: one line, to be written at once so that the lines of several programs on one stderr stay whole; `error: ` before all but answers of "no", behind the place if there is one
/// (`commands.kv:17`). Control characters are escaped wherever it goes.
pub(crate) fn failure(color: bool, place: Option<&str>, failure: &Failure) -> String {
    let mut line = String::new();
    if let Some(place) = place {
        line.push_str(&escape::terminal(place));
        line.push_str(": ");
    }
    if failure.status >= Status::Usage {
        line.push_str(&style::error(color, "error:"));
        line.push(' ');
    }
    if failure.code == Code::Help {
        for row in failure.message.lines() {
            line.push_str(&escape::terminal(row));
            line.push('\n');
        }
        return line;
    }
    line.push_str(&escape::terminal(&escape::brief(&failure.message)));
    line.push('\n');
    line
}

/// A failure for a program: `{"error":{"code":…,"message":…,"key":…}}` on one line.
pub(crate) fn failure_json(failure: &Failure) -> String {
    json::failure(failure)
}

/// The line that points at what is wrong with the one above it, or with the excerpt that it begins with.
pub(crate) fn pointer(color: bool, pointer: &Pointer) -> String {
    let excerpt = pointer.excerpt.as_ref().map(|excerpt| format!("{}\n", style::faint(color, excerpt)));
    let carets = style::error(color, &"^".repeat(pointer.carets));
    format!("{}{}{carets}\n", excerpt.unwrap_or_default(), " ".repeat(pointer.indent))
}

/// A line about a command rather than of it.
pub(crate) fn aside(color: bool, text: &str) -> String {
    style::faint(color, text) + "\n"
}

/// A line that is not a failure: a note, a notice, what the timer says, what a check has found.
pub(crate) fn note(color: bool, note: &str) -> String {
    let (mark, rest) = match note.split_once(' ') {
        Some((mark @ "warning:", rest)) => (style::warning(color, mark) + " ", rest),
        Some((mark @ "error:", rest)) => (style::error(color, mark) + " ", rest),
        _ => (String::new(), note),
    };
    mark + &escape::terminal(rest) + "\n"
}

#[cfg(test)]
mod tests;
