//! Entries between a database and the formats of other programs, one at a time, so that memory stays bounded.
//!
//! | format | what it carries | what it cannot |
//! | --- | --- | --- |
//! | jsonl | everything: `{"key":…,"value":…,"type":…,"expires":…}` a line | — |
//! | csv | everything: the columns key, value, type, expires; any other table as JSON values | — |
//! | dump | everything: `set` lines of our own language; read by `rusty-kv -f`, not by `import` | — |
//! | json | text and JSON: one object | bytes, expiries |
//! | redis | text, bytes, expiries: `SET` and `PEXPIREAT` as redis-cli takes them | that a value is JSON |
//! | tsv | text and bytes: key, tab, value, what `list` prints into a pipe | that a value is JSON, expiries |
//! | dotenv | text under names that its [`readers`] agree on: `NAME='value'` | other keys, bytes, that a value is JSON, expiries |
//! | sh, fish | as dotenv, for a shell that sources it; never read back, so types and expiries mean nothing | other keys, bytes |
//!
//! What a format cannot carry it refuses ([`Unfit`]); nothing is ever left out silently.

mod memory;
mod record;

mod csv;
mod dotenv;
mod encoding;
mod json;
mod jsonl;
mod lines;
mod readers;
mod redis;
mod script;
mod tsv;

pub(crate) use self::memory::reserve;
pub(crate) use self::record::{FormatError, ImportError, Out, Reading, Record, RecordSink, Source, Unfit, What};
pub(crate) use self::script::ScriptWriter;

use std::io::{BufRead, Cursor, Read};

use super::text::argument::Format;

/// So much of a file is looked at before it is read.
const HEAD: u64 = 4096;

/// Reads a format, one of those that can be read.
pub(crate) fn source<'a>(
    format: Format,
    mut input: impl BufRead + 'a,
    reading: Reading,
) -> Result<Box<dyn Source + 'a>, ImportError> {
    let mut head = Vec::new();
    input.by_ref().take(HEAD).read_to_end(&mut head)?;
    if let Some((name, encoding)) = encoding::of(&head) {
        let reason = format!(
            "the file is {name}, expected UTF-8; convert it: iconv -f {encoding} -t UTF-8 FILE | rusty-kv import - \
             --format {}",
            format.name()
        );
        return Err(FormatError::of_line(1, reason).into());
    }
    if head.starts_with(encoding::BOM) {
        head.drain(..encoding::BOM.len());
    }
    let dialect = if format == Format::Csv { Some(csv::Dialect::of(&mut head, reading.delimiter)?) } else { None };
    let input = Cursor::new(head).chain(input);
    Ok(match (format, dialect) {
        (Format::Csv, Some(dialect)) => Box::new(csv::CsvReader::new(input, reading, dialect)),
        (Format::Json, _) => Box::new(json::Members::new(input, reading.flatten)),
        (Format::Redis, _) => Box::new(redis::Commands::new(input, reading.now)),
        (Format::Tsv, _) => Box::new(tsv::Pairs::new(input)),
        (Format::Dotenv | Format::Sh | Format::Fish, _) => Box::new(dotenv::Variables::new(input)),
        (Format::Jsonl | Format::Csv, _) => Box::new(jsonl::JsonlReader::new(input)),
    })
}

/// Writes a format.
pub(crate) fn sink(format: Format) -> Box<dyn RecordSink> {
    match format {
        Format::Json => Box::new(json::Object::default()),
        Format::Jsonl => Box::new(jsonl::JsonlWriter),
        Format::Csv => Box::new(csv::CsvWriter),
        Format::Dotenv => Box::new(dotenv::DotenvWriter::Dotenv),
        Format::Sh => Box::new(dotenv::DotenvWriter::Sh),
        Format::Fish => Box::new(dotenv::DotenvWriter::Fish),
        Format::Redis => Box::new(redis::RedisWriter),
        Format::Tsv => Box::new(tsv::TsvWriter),
    }
}

#[cfg(test)]
mod tests;
