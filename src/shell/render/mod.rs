//! Turns answers into bytes, for each output format, on a terminal and in a pipe.
//!
//! | | a terminal | a pipe |
//! | --- | --- | --- |
//! | plain | `human`: words and tables | `plain`: lines that read back exactly |
//! | table | the same | the same tables, uncut; a single value as its exact bytes |
//! | raw | `plain`: bare values, escaped; a single value exactly, if the line itself has `-o raw` | `plain`: the exact
//! bytes |
//! | json | `json`: one document | the same |
//! | csv, jsonl | `sheet`: an entry a line; what is no listing as plain, or as json | the same |
//!
//! `pretty` formats JSON that is the whole answer. `done` turns the result of a change into a sentence or into JSON
//! members, and `message` formats everything that is not an answer.
//!
//! Text from the database, the user or the system never affects a terminal: it goes through [`super::text::escape`]
//! first. Widths are those of the escaped text, and colors are added last.

use std::io::{self, Write};

pub(crate) use self::counts::{changes, counted, keys};
pub(crate) use self::difference::{difference, difference_json};
pub(crate) use self::done::{found, imported};
pub(crate) use self::message::{MessageStyle, aside, failure, failure_json, note, pointer, wrapped};
use self::plain::PlainStyle;
pub(crate) use self::table::size;
pub(crate) use self::undone::value_of;
use super::answer::reply::{Events, Failure, Reply};
use super::text::argument::OutputMode;
use crate::database::Event;
use crate::error::Error;
use crate::storage::{LARGE, check_memory};
use crate::value::Value;

mod human;

mod table;

mod plain;

mod difference;

mod json;

mod pretty;

mod stream;

mod message;
mod outputs;

mod sheet;

mod counts;

mod done;

mod undone;

pub(crate) mod style;

/// Streams are written in pieces of about this many bytes.
const CHUNK: usize = 32 << 10;

/// The target of an answer, and its format.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RenderOptions {
    pub(crate) mode: OutputMode,
    /// Whether the target is a terminal.
    pub(crate) terminal: bool,
    /// The width of that terminal; 0 if unknown.
    pub(crate) width: usize,
    pub(crate) color: bool,
    /// No confirmations.
    pub(crate) quiet: bool,
    /// Whether a single value is written exactly where it otherwise would not be: bytes to a file or a program at the
    /// prompt, and any value on a terminal if the line itself has `-o raw`.
    pub(crate) exact: bool,
    /// Whether a pager shows long answers, so that a listing need not be cut.
    pub(crate) paged: bool,
}

impl RenderOptions {
    /// Plain lines, as into a pipe.
    pub(crate) const PIPE: Self = Self {
        mode: OutputMode::Plain,
        terminal: false,
        width: 0,
        color: false,
        quiet: false,
        exact: false,
        paged: false,
    };

    /// The maximum width of a line.
    fn room(&self) -> usize {
        if self.terminal && self.width > 0 { self.width } else { usize::MAX }
    }
}

/// Why an answer was not written completely.
#[derive(Debug)]
pub(crate) enum RenderError {
    /// Writing the output failed.
    Output(io::Error),
    /// The database could not provide the answer, or not in this format.
    Source(Failure),
}

impl From<io::Error> for RenderError {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<Failure> for RenderError {
    fn from(failure: Failure) -> Self {
        Self::Source(failure)
    }
}

impl From<Error> for RenderError {
    fn from(error: Error) -> Self {
        Self::Source(error.into())
    }
}

/// The length of the values of an answer, if they are too long to be held in memory once more.
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

/// Writes the data of an answer, without anything else.
pub(crate) fn reply(out: &mut dyn Write, rendering: &RenderOptions, reply: Reply<'_>) -> Result<(), RenderError> {
    let reply = match reply {
        Reply::Pieces(pieces) => return stream::pieces(out, rendering, pieces),
        Reply::Changes(changes) => return stream::changes(out, rendering, changes),
        Reply::Outputs(outputs) => return outputs::write(out, rendering, outputs),
        Reply::Sheet(rows) => return sheet::write(out, rendering, rows),
        Reply::Listing(mut listing) => {
            // A value of a listing is copied together with its surroundings.
            let entries = std::mem::replace(&mut listing.entries, Box::new(std::iter::empty()));
            let entries = entries.map(|entry| {
                let entry = entry?;
                let length = entry.1.value.as_bytes().len();
                check_memory(if length < LARGE { 0 } else { 8 * length })?;
                Ok(entry)
            });
            listing.entries = Box::new(entries);
            if matches!(rendering.mode, OutputMode::Csv | OutputMode::Jsonl) {
                return sheet::write(out, rendering, listing.into());
            }
            Reply::Listing(listing)
        }
        reply => reply,
    };
    if let Some(length) = large(&reply) {
        // Single values are written directly; everything else is assembled first.
        let is_whole = matches!(reply, Reply::Value(_))
            && (rendering.mode == OutputMode::Json || !rendering.terminal && rendering.mode != OutputMode::Table);
        check_memory(if is_whole { 0 } else { 8 * length })?;
    }
    let is_exact = rendering.exact
        && match &reply {
            Reply::Value(Value::Bytes(_)) if !rendering.terminal => true,
            Reply::Value(_) | Reply::Done(_) => rendering.mode == OutputMode::Raw,
            _ => false,
        };
    match (rendering.mode, rendering.terminal) {
        (OutputMode::Json | OutputMode::Jsonl, _) => json::reply(out, reply),
        (_, _) if is_exact => plain::reply(out, PlainStyle::Exact, reply),
        (OutputMode::Plain | OutputMode::Table | OutputMode::Csv, true) => human::reply(out, rendering, reply),
        (OutputMode::Plain | OutputMode::Csv, false) => plain::reply(out, PlainStyle::Lines, reply),
        (OutputMode::Raw, true) => plain::reply(out, PlainStyle::Shown, reply),
        (OutputMode::Raw, false) => plain::reply(out, PlainStyle::Exact, reply),
        (OutputMode::Table, false) => match reply {
            Reply::Done(_) | Reply::Value(_) | Reply::Line(_) | Reply::Text(_) => {
                plain::reply(out, PlainStyle::Lines, reply)
            }
            Reply::Listing(ref listing) if listing.nul => plain::reply(out, PlainStyle::Lines, reply),
            reply => human::reply(out, rendering, reply),
        },
    }
}

/// Writes each event as it comes.
fn events(
    out: &mut dyn Write,
    events: Events<'_>,
    push: &mut dyn FnMut(&mut String, &str, &Event),
) -> Result<(), RenderError> {
    let mut line = String::new();
    Ok((events.run)(&mut |key, event| {
        line.clear();
        push(&mut line, key, event);
        out.write_all(line.as_bytes())?;
        out.flush()
    })?)
}

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
