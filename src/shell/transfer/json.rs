//! One JSON object, member by member: a text is text, anything else is JSON.

use std::collections::VecDeque;
use std::io::BufRead;

use super::record::{Fault, Record, Sink, Source, Trouble, Unfit};
use crate::json::{self, Scanner};
use crate::shell::argument::Flatten;
use crate::storage::Entry;
use crate::value::{Json, Value};

/// A member is held as a whole; one that is longer than any value can be is refused.
const LONGEST: usize = 4 << 30;

/// Where the reading is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    First,
    Rest,
    End,
}

/// Reads the members of an object that need not fit into memory. Of two with one name the last counts.
pub(super) struct Members<R> {
    input: R,
    flatten: Option<Flatten>,
    state: State,
    /// The text of the member that is read.
    member: Vec<u8>,
    /// Of the byte that comes next.
    line: u64,
    column: u64,
    ready: VecDeque<Record>,
    /// The line that the last member began on.
    begin: u64,
}

impl<R: BufRead> Members<R> {
    pub(super) fn new(input: R, flatten: Option<Flatten>) -> Self {
        let (member, ready) = (Vec::new(), VecDeque::new());
        Self { input, flatten, state: State::Start, member, line: 1, column: 1, ready, begin: 0 }
    }

    fn fault<T>(&self, reason: impl Into<String>) -> Result<T, Trouble> {
        Err(Fault { line: self.line, column: self.column, reason: reason.into() }.into())
    }

    fn peek(&mut self) -> Result<Option<u8>, Trouble> {
        Ok(self.input.fill_buf()?.first().copied())
    }

    fn step(&mut self, byte: u8) {
        self.input.consume(1);
        self.count(byte);
    }

    fn count(&mut self, byte: u8) {
        match byte {
            b'\n' => (self.line, self.column) = (self.line + 1, 1),
            // What continues a character is no column of its own.
            0x80..0xc0 => {}
            _ => self.column += 1,
        }
    }

    fn after_blanks(&mut self) -> Result<Option<u8>, Trouble> {
        loop {
            match self.peek()? {
                Some(byte @ (b' ' | b'\t' | b'\n' | b'\r')) => self.step(byte),
                other => return Ok(other),
            }
        }
    }

    fn start(&mut self) -> Result<(), Trouble> {
        for byte in *b"\xef\xbb\xbf" {
            if self.peek()? == Some(byte) {
                self.input.consume(1);
            }
        }
        match self.after_blanks()? {
            Some(b'{') => self.step(b'{'),
            Some(b'[') => return self.fault("an object is wanted, {\"key\": value, …}; this is an array"),
            Some(_) => return self.fault("an object is wanted: {\"key\": value, …}"),
            None => return self.fault("the file is empty; an object is wanted: {\"key\": value, …}"),
        }
        self.state = State::First;
        Ok(())
    }

    /// Takes the bytes up to the ',' or '}' behind a member.
    fn take_member(&mut self) -> Result<(), Trouble> {
        self.member.clear();
        let (mut depth, mut in_string, mut escaped) = (0_u64, false, false);
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                return self.fault("the file ends inside the object");
            }
            let end = buffer.iter().position(|&byte| {
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' if in_string => escaped = true,
                    b'"' => in_string = !in_string,
                    _ if in_string => {}
                    b'{' | b'[' => depth += 1,
                    b',' | b'}' | b']' if depth == 0 => return true,
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
                false
            });
            let taken = end.unwrap_or(buffer.len());
            if self.member.len() + taken > LONGEST {
                return self.fault("a member is longer than 4 GiB");
            }
            let from = self.member.len();
            self.member.extend_from_slice(&buffer[..taken]);
            self.input.consume(taken);
            for at in from..self.member.len() {
                self.count(self.member[at]);
            }
            if end.is_some() {
                return Ok(());
            }
        }
    }

    fn read_member(&mut self) -> Result<(), json::Fault> {
        let mut scanner = Scanner::new(&self.member);
        let name = scanner.name()?;
        match self.flatten {
            None => self.ready.push_back(Record { key: name.into_owned(), entry: read(&mut scanner)? }),
            Some(how) => flatten(&mut scanner, &child(how, "", &name), how, &mut self.ready)?,
        }
        scanner.end()
    }
}

impl<R: BufRead> Source for Members<R> {
    fn next(&mut self) -> Result<Option<Record>, Trouble> {
        loop {
            if let Some(record) = self.ready.pop_front() {
                return Ok(Some(record));
            }
            match self.state {
                State::End => return Ok(None),
                State::Start => self.start()?,
                State::First | State::Rest => {}
            }
            let mut next = self.after_blanks()?;
            if next == Some(b',') && self.state == State::Rest {
                self.step(b',');
                next = self.after_blanks()?;
                if next == Some(b'}') {
                    return self.fault("trailing comma; JSON has none after the last member");
                }
            }
            if next == Some(b'}') {
                self.step(b'}');
                if self.after_blanks()?.is_some() {
                    return self.fault("trailing data after the end of the object");
                }
                self.state = State::End;
                continue;
            }
            let (line, column) = (self.line, self.column);
            self.begin = line;
            self.take_member()?;
            self.state = State::Rest;
            self.read_member().map_err(|fault| Fault::of_json(&fault, &self.member, line, column))?;
        }
    }

    fn last_line(&self) -> u64 {
        self.begin
    }

    fn release(&mut self) {
        self.member = Vec::new();
    }
}

fn read(scanner: &mut Scanner<'_>) -> Result<Entry, json::Fault> {
    if scanner.peek() == Some(b'"') {
        return Ok(Value::Text(scanner.string()?.into_owned()).into());
    }
    let mut text = String::new();
    scanner.value(&mut text)?;
    Ok(Value::Json(Json::from_checked(text)).into())
}

fn child(how: Flatten, parent: &str, name: &str) -> String {
    match how {
        Flatten::Dotted if parent.is_empty() => name.to_owned(),
        Flatten::Dotted => format!("{parent}.{name}"),
        Flatten::Pointer => format!("{parent}/{}", name.replace('~', "~0").replace('/', "~1")),
    }
}

fn flatten(scanner: &mut Scanner<'_>, key: &str, how: Flatten, out: &mut VecDeque<Record>) -> Result<(), json::Fault> {
    if scanner.peek() != Some(b'{') {
        out.push_back(Record { key: key.to_owned(), entry: read(scanner)? });
        return Ok(());
    }
    // Checked as a whole first: nesting and names that come twice.
    let mut text = String::new();
    scanner.value(&mut text)?;
    if text == "{}" {
        out.push_back(Record { key: key.to_owned(), entry: Value::Json(Json::from_checked(text)).into() });
        return Ok(());
    }
    Scanner::new(text.as_bytes())
        .object("an object", |inner, _, name| flatten(inner, &child(how, key, &name), how, out))
}

/// Writes an object, a member a line.
#[derive(Default)]
pub(super) struct Object {
    any: bool,
}

impl Sink for Object {
    fn begin(&mut self, out: &mut Vec<u8>) {
        out.push(b'{');
    }

    fn put(&mut self, key: &str, entry: &Entry, out: &mut Vec<u8>) -> Result<(), Unfit> {
        if let Value::Bytes(_) = entry.value {
            return Err(Unfit::entry("JSON has no form for bytes; jsonl and csv have one, --lossy leaves it out"));
        }
        Unfit::if_it_expires(entry)?;
        out.extend_from_slice(if self.any { b",\n  " } else { b"\n  " });
        json::write_string(out, key);
        out.extend_from_slice(b": ");
        match &entry.value {
            Value::Text(value) => json::write_string(out, value),
            value => out.extend_from_slice(value.as_bytes()),
        }
        self.any = true;
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.any { b"\n}\n" } else { b"}\n" });
    }
}
