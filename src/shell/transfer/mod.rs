//! Entries between a database and the formats of other programs, one at a time, so that memory stays bounded.
//!
//! | format | what it carries | what it cannot |
//! | --- | --- | --- |
//! | jsonl | everything: `{"key":…,"value":…,"type":…,"expires":…}` a line | — |
//! | csv | everything: the columns key, value, type, expires; any other table as JSON values | — |
//! | dump | everything: `set` lines of our own language; read by `rusty-kv -f`, not by `import` | — |
//! | json | text and JSON: one object | bytes, deadlines |
//! | redis | text, bytes, deadlines: `SET` and `PEXPIREAT` as redis-cli takes them | that a value is JSON |
//! | tsv | text and bytes: key, tab, value, what `list` prints into a pipe | that a value is JSON, deadlines |
//! | dotenv | text under names: `NAME="value"` | other keys, bytes, that a value is JSON, deadlines |
//! | sh, fish | as dotenv, for a shell that sources it; never read back, so types and deadlines mean nothing | other keys, bytes |
//!
//! What a format cannot carry it refuses ([`Unfit`]); nothing is ever left out silently.

mod record;

mod csv;
mod dotenv;
mod json;
mod jsonl;
mod lines;
mod redis;
mod script;
mod tsv;

pub(crate) use self::record::{Reading, Record, Sink, Source, Trouble, Unfit, What};
pub(crate) use self::script::Script;

use std::io::BufRead;

use super::argument::Format;

/// What `help formats` prints.
pub(crate) const HELP: &str = "\
Formats of import and export; the file's name says which, or --format:

  jsonl   everything, one a line: {\"key\":\"a\",\"value\":1,\"type\":\"json\",\"expires\":\"2030-01-01T00:00:00Z\"}
  csv     everything, in the columns key, value, type, expires; of any other table each row is read \
          as a JSON object under its first column, or as --key-column and --value-column say
  json    text and JSON: one object. --flatten takes nested ones apart: a.b (dotted) or /a/b (pointer)
  redis   text, bytes, deadlines: SET and PEXPIREAT lines for redis-cli; no other command is ever read
  tsv     text and bytes: key, tab, value, with \\t \\n \\r \\0 \\\\ \\xHH; what `list` prints into a pipe
  dotenv  text under names of variables: NAME=\"value\"; nothing is expanded
  sh      the same for a shell to source: export NAME='value'; written only, as is
  fish    set -gx NAME 'value'

What a format cannot hold is refused, with the key; `export --lossy` leaves it out and says how much. \
An import is all or nothing; of a key that comes twice the last counts. `dump` writes commands, which \
`rusty-kv -f` takes.
";

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

/// Writes a format.
pub(crate) fn sink(format: Format) -> Box<dyn Sink> {
    match format {
        Format::Json => Box::new(json::Object::default()),
        Format::Jsonl => Box::new(jsonl::Writer),
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
