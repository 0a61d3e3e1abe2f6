//! Entries between a database and the formats of other programs, one at a time, so that memory stays bounded.
//!
//! | format | what it carries | what it cannot |
//! | --- | --- | --- |
//! | jsonl | everything: `{"key":…,"value":…,"type":…,"expires":…}` a line | — |
//! | csv | everything: the columns key, value, type, expires; any other table as JSON values | — |
//! | json | text and JSON: one object | bytes (refused), deadlines |
//! | redis | text, bytes, deadlines: `SET` and `PEXPIREAT` as redis-cli takes them | that a value is JSON |
//! | tsv | key, tab, value: what `list` prints into a pipe | that a value is JSON, deadlines |
//! | dotenv, sh, fish | names and text: `NAME="value"` and the like; sh and fish are written only | other keys, bytes (refused), that a value is JSON, deadlines |
//!
//! What a format cannot carry is refused, or counted as a [`Loss`]; it is never left out silently.

mod csv;
mod dotenv;
mod json;
mod jsonl;
mod lines;
mod redis;
mod tsv;

use std::io::{self, BufRead};

use super::argument::{Flatten, Format};
use crate::expiry::Timestamp;
use crate::storage::Entry;

/// One key and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) key: String,
    pub(crate) entry: Entry,
}

/// How a file is read.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    /// Takes nested JSON objects apart.
    pub(crate) flatten: Option<Flatten>,
    /// The column of the keys; `key`, or else the first.
    pub(crate) key_column: Option<String>,
    /// The column of the values; `value`, or else a JSON object of all columns but the key's.
    pub(crate) value_column: Option<String>,
    /// The time that relative deadlines count from.
    pub(crate) now: Timestamp,
}

/// Why a file cannot be read any further.
#[derive(Debug)]
pub(crate) enum Trouble {
    Input(io::Error),
    Fault(Fault),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Input(error)
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What is wrong with a file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// From 1.
    pub(crate) line: u64,
    /// In characters, from 1; 0 if it is the line as a whole.
    pub(crate) column: u64,
    pub(crate) reason: String,
}

impl Fault {
    fn of_line(line: u64, reason: impl Into<String>) -> Self {
        Self { line, column: 0, reason: reason.into() }
    }

    /// A fault of JSON that begins at that line and column of the file.
    fn of_json(fault: &crate::json::Fault, text: &[u8], line: u64, column: u64) -> Self {
        let (in_line, in_column) = fault.place(text);
        let column = if in_line == 1 { column + in_column - 1 } else { in_column };
        Self { line: line + in_line - 1, column, reason: fault.reason.clone() }
    }
}

/// Gives the records of a file in their order.
pub(crate) trait Source {
    fn next(&mut self) -> Result<Option<Record>, Trouble>;
}

/// Reads a format, one of those that can be read.
pub(crate) fn source<'a>(format: Format, input: impl BufRead + 'a, reading: Reading) -> Box<dyn Source + 'a> {
    match format {
        Format::Json => Box::new(json::Members::new(input, reading.flatten)),
        Format::Jsonl => Box::new(jsonl::Lines::new(input)),
        Format::Csv => Box::new(csv::Table::new(input, reading)),
        Format::Dotenv | Format::Sh | Format::Fish => Box::new(dotenv::Variables::new(input)),
        Format::Redis => Box::new(redis::Commands::new(input, reading.now)),
        Format::Tsv => Box::new(tsv::Pairs::new(input)),
    }
}

/// What of an entry did not go into the file, though its text did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Loss {
    pub(crate) deadline: bool,
    /// That it is JSON: it would come back as text.
    pub(crate) kind: bool,
}

/// Makes a file of records.
pub(crate) trait Sink {
    /// Appends what stands before all records.
    fn begin(&mut self, _out: &mut Vec<u8>) {}
    /// Appends one. The error says why the format cannot hold it.
    fn put(&mut self, key: &str, entry: &Entry, out: &mut Vec<u8>) -> Result<Loss, String>;
    /// Appends what stands behind all records.
    fn end(&mut self, _out: &mut Vec<u8>) {}
}

/// Writes a format.
pub(crate) fn sink(format: Format) -> Box<dyn Sink> {
    match format {
        Format::Json => Box::new(json::Object::default()),
        Format::Jsonl => Box::new(jsonl::Writer::default()),
        Format::Csv => Box::new(csv::Writer),
        Format::Dotenv => Box::new(dotenv::Writer::Dotenv),
        Format::Sh => Box::new(dotenv::Writer::Sh),
        Format::Fish => Box::new(dotenv::Writer::Fish),
        Format::Redis => Box::new(redis::Writer),
        Format::Tsv => Box::new(tsv::Writer),
    }
}

#[cfg(test)]
mod tests;
