//! Key, tab, value: what `list` prints into a pipe, and `skate list`.

use std::io::BufRead;

use super::lines::Numbered;
use super::record::{Fault, Record, Sink, Source, Trouble, Unfit};
use crate::shell::escape;
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
    fn next(&mut self) -> Result<Option<Record>, Trouble> {
        while let Some((number, line)) = self.lines.next()? {
            if line.is_empty() {
                continue;
            }
            let fault = |reason: &str| Trouble::from(Fault::of_line(number, reason));
            let tab = memchr::memchr(b'\t', line).ok_or_else(|| fault("there is no tab between key and value"))?;
            let read = |field: &[u8], before: usize| {
                let reason = "unknown escape; there are \\t \\n \\r \\0 \\\\ and \\xHH";
                escape::untsv(field).map_err(|at| Fault::in_line(number, line, before + at, reason))
            };
            let key = String::from_utf8(read(&line[..tab], 0)?).map_err(|_| fault("the key is not UTF-8"))?;
            let value = Value::from_bytes(read(&line[tab + 1..], tab + 1)?);
            return Ok(Some(Record { key, entry: Entry { value, deadline: None } }));
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

pub(super) struct Writer;

impl Sink for Writer {
    fn put(&mut self, key: &str, entry: &Entry, out: &mut Vec<u8>) -> Result<(), Unfit> {
        Unfit::if_it_expires(entry)?;
        Unfit::if_it_is_json(entry)?;
        // At the start of a file it would be skipped.
        let rest = key.strip_prefix('\u{feff}').inspect(|_| out.extend_from_slice(b"\\xef\\xbb\\xbf"));
        escape::tsv(out, rest.unwrap_or(key).as_bytes());
        out.push(b'\t');
        escape::tsv(out, entry.value.as_bytes());
        out.push(b'\n');
        Ok(())
    }
}
