//! Key, tab, value: what `list` prints into a pipe, and `skate list`.

use std::io::BufRead;

use super::lines::Numbered;
use super::record::{FormatError, ImportError, Out, Record, RecordSink, Source, Unfit};
use crate::shell::text::escape;
use crate::storage::Entry;
use crate::value::Value;

pub(super) struct Pairs<R> {
    lines: Numbered<R>,
}

impl<R: BufRead> Pairs<R> {
    pub(super) fn new(input: R) -> Self {
        Self { lines: Numbered::at_any_end(input) }
    }
}

impl<R: BufRead> Source for Pairs<R> {
    fn next(&mut self) -> Result<Option<Record>, ImportError> {
        while let Some((number, line)) = self.lines.next()? {
            if line.is_empty() {
                continue;
            }
            let fault = |reason: &str| ImportError::from(FormatError::of_line(number, reason));
            let tab = memchr::memchr(b'\t', line).ok_or_else(|| fault("there is no tab between key and value"))?;
            let length = line.len();
            for (field, before) in [(&line[..tab], 0), (&line[tab + 1..], tab + 1)] {
                let reason = "unknown escape; expected \\t \\n \\r \\0 \\\\ and \\xHH";
                escape::check_tsv(field).map_err(|at| FormatError::in_line(number, line, before + at, reason))?;
            }
            let mut key = line[..tab].to_vec();
            escape::untsv(&mut key);
            let key = String::from_utf8(key).map_err(|_| fault("the key is not UTF-8"))?;
            let mut value = self.lines.take(tab + 1..length);
            escape::untsv(&mut value);
            value.shrink_to_fit();
            let value = Value::from_bytes(value);
            return Ok(Some(Record { key, entry: Entry { value, expiry: None } }));
        }
        Ok(None)
    }

    fn last_line(&self) -> u64 {
        self.lines.number()
    }

    fn release(&mut self) {
        self.lines.release();
    }
}

pub(super) struct TsvWriter;

impl RecordSink for TsvWriter {
    fn put(&mut self, key: &str, entry: &Entry, out: &mut Out<'_>) -> Result<(), Unfit> {
        Unfit::if_it_expires(entry)?;
        Unfit::if_it_is_json(entry)?;
        // At the start of a file it would be skipped.
        let rest = key.strip_prefix('\u{feff}').inspect(|_| out.bytes(b"\\xef\\xbb\\xbf"));
        escape::tsv(out, rest.unwrap_or(key).as_bytes());
        out.byte(b'\t');
        escape::tsv(out, entry.value.as_bytes());
        out.byte(b'\n');
        Ok(())
    }
}
