//! One JSON object, member by member, or an array of documents: a text is text, anything else is JSON.

use std::collections::{HashMap, VecDeque};
use std::io::BufRead;

use super::memory;
use super::record::{FormatError, ImportError, JSONC, Out, Reading, Record, RecordSink, RowShape, Source, Unfit};
use super::rows::record_of;
use crate::error::cut;
use crate::json::{self, Length, Scanner};
use crate::shell::text::argument::Flatten;
use crate::storage::{Entry, LARGE};
use crate::value::{Json, Value};

/// A member is held as a whole; one that is longer than any value can be is refused.
const LONGEST: usize = 4 << 30;

/// Where the reading is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReadState {
    Start,
    First,
    Rest,
    End,
}

/// Reads the members of an object that need not fit into memory.
pub(super) struct Members<R> {
    input: R,
    flatten: Option<Flatten>,
    rows: RowShape,
    state: ReadState,
    /// What ends the object, or the array.
    close: u8,
    /// The text of the member that is read.
    member: Vec<u8>,
    /// Of the byte that comes next.
    line: u64,
    column: u64,
    ready: VecDeque<Record>,
    odd: Odd,
    /// The line that the last member began on.
    begin: u64,
}

impl<R: BufRead> Members<R> {
    pub(super) fn new(input: R, Reading { flatten, rows, .. }: Reading) -> Self {
        let (member, ready, odd) = (Vec::new(), VecDeque::new(), Odd::new());
        let (state, close, begin) = (ReadState::Start, b'}', 0);
        Self { input, flatten, rows, state, close, member, line: 1, column: 1, ready, odd, begin }
    }

    fn fault<T>(&self, reason: impl Into<String>) -> Result<T, ImportError> {
        Err(FormatError { line: self.line, column: self.column, reason: reason.into() }.into())
    }

    fn peek(&mut self) -> Result<Option<u8>, ImportError> {
        Ok(self.input.fill_buf()?.first().copied())
    }

    fn step(&mut self, byte: u8) {
        self.input.consume(1);
        self.count(byte);
    }

    fn count(&mut self, byte: u8) {
        match byte {
            b'\n' => (self.line, self.column) = (self.line + 1, 1),
            // A continuation byte of a character is not a column.
            0x80..0xc0 => {}
            _ => self.column += 1,
        }
    }

    fn after_blanks(&mut self) -> Result<Option<u8>, ImportError> {
        loop {
            match self.peek()? {
                Some(byte @ (b' ' | b'\t' | b'\n' | b'\r')) => self.step(byte),
                other => return Ok(other),
            }
        }
    }

    /// Refuses a comment that begins here.
    fn no_comment(&mut self) -> Result<(), ImportError> {
        if self.peek()? == Some(b'/') { self.fault(format!("unexpected '/': {JSONC}")) } else { Ok(()) }
    }

    fn start(&mut self) -> Result<(), ImportError> {
        let next = self.after_blanks()?;
        self.no_comment()?;
        match next {
            Some(b'{') if self.rows.keys.is_empty() => self.step(b'{'),
            Some(b'[') if !self.rows.keys.is_empty() => {
                self.step(b'[');
                self.close = b']';
            }
            Some(b'[') => {
                return self.fault(
                    "expected an object, {\"key\": value, …}, found an array; to import its items, name the part that is \
                     the key: --key /id",
                );
            }
            Some(b'{') => {
                return self.fault(
                    "expected an array of objects, found an object, whose members' names are the keys; omit --key",
                );
            }
            Some(_) if !self.rows.keys.is_empty() => return self.fault("expected an array of objects"),
            Some(_) => return self.fault("expected an object: {\"key\": value, …}"),
            None => return self.fault("the file is empty; expected an object: {\"key\": value, …}"),
        }
        self.state = ReadState::First;
        Ok(())
    }

    /// Consumes the bytes up to the ',' or '}' after a member.
    fn take_member(&mut self) -> Result<(), ImportError> {
        self.member.clear();
        let (mut depth, mut in_string, mut escaped) = (0_u64, false, false);
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                let what = if self.close == b']' { "array" } else { "object" };
                return self.fault(format!("the file ends inside the {what}"));
            }
            let end = buffer.iter().position(|&byte| {
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' if in_string => escaped = true,
                    b'"' => in_string = !in_string,
                    _ if in_string => {}
                    // Never a part of JSON.
                    b'/' => return true,
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
            memory::reserve(&mut self.member, taken)?;
            self.member.extend_from_slice(&buffer[..taken]);
            self.input.consume(taken);
            for at in from..self.member.len() {
                self.count(self.member[at]);
            }
            if end.is_some() {
                if self.member.len() >= LARGE {
                    self.member.shrink_to_fit();
                }
                memory::check(&self.member)?;
                return self.no_comment();
            }
        }
    }

    fn read_member(&mut self) -> Result<(), json::Fault> {
        let mut scanner = Scanner::new(&self.member);
        if self.close == b']' {
            self.ready.push_back(document(&mut scanner, &self.rows)?);
            return scanner.end();
        }
        let name = scanner.name()?;
        match self.flatten {
            None => self.ready.push_back(Record { key: name.into_owned(), entry: read(&mut scanner)? }),
            Some(how) => Flattened { how, ready: &mut self.ready, odd: &mut self.odd }
                .flatten(&mut scanner, &MemberPath::TOP.child(how, &name))?,
        }
        scanner.end()
    }
}

impl<R: BufRead> Source for Members<R> {
    fn next(&mut self) -> Result<Option<Record>, ImportError> {
        loop {
            if let Some(record) = self.ready.pop_front() {
                return Ok(Some(record));
            }
            match self.state {
                ReadState::End => return Ok(None),
                ReadState::Start => self.start()?,
                ReadState::First | ReadState::Rest => {}
            }
            let mut next = self.after_blanks()?;
            self.no_comment()?;
            if next == Some(b',') && self.state == ReadState::Rest {
                self.step(b',');
                next = self.after_blanks()?;
                self.no_comment()?;
                if next == Some(self.close) {
                    return self.fault(format!("trailing comma: {JSONC}"));
                }
            }
            if next == Some(self.close) {
                self.step(self.close);
                let next = self.after_blanks()?;
                self.no_comment()?;
                if next.is_some() {
                    return self.fault("unexpected data after the end of the document");
                }
                self.state = ReadState::End;
                continue;
            }
            let (line, column) = (self.line, self.column);
            self.begin = line;
            self.take_member()?;
            self.state = ReadState::Rest;
            self.read_member().map_err(|fault| FormatError::of_json(&fault, &self.member, line, column))?;
        }
    }

    fn last_line(&self) -> u64 {
        self.begin
    }

    /// Which members have that key.
    fn repeats(&self, key: &str) -> Option<String> {
        if self.close == b']' {
            return None;
        }
        let plain = match self.flatten {
            None => MemberPath::TOP.child(Flatten::Pointer, key).pointer,
            Some(Flatten::Pointer) => key.to_owned(),
            Some(Flatten::Dotted) => "/".to_owned() + &key.split('.').map(escaped).collect::<Vec<_>>().join("/"),
        };
        let (first, second) = match self.odd.get(key).map_or(&[][..], Vec::as_slice) {
            [] => (&plain, &plain),
            [odd] => (&plain, odd),
            [first, second, ..] => (first, second),
        };
        let (first, second, key) = (cut(first), cut(second), cut(key));
        Some(if first == second {
            format!("the member {first:?} appears twice")
        } else {
            format!(
                "the members {first:?} and {second:?} would both become the key {key:?}; --flatten pointer keeps them apart"
            )
        })
    }

    fn release(&mut self) {
        self.member = Vec::new();
    }
}

/// The JSON Pointers of members whose keys say them only in part, by these keys: only they can have a key in common.
type Odd = HashMap<String, Vec<String>>;

/// Where a member is in its document.
struct MemberPath {
    /// What it becomes.
    key: String,
    pointer: String,
    /// Whether its dotted key, split at the dots, gives other names.
    is_odd: bool,
}

/// Reads a document that is an entry by itself.
pub(super) fn document(scanner: &mut Scanner<'_>, rows: &RowShape) -> Result<Record, json::Fault> {
    scanner.peek();
    let at = scanner.at();
    let mut text = String::new();
    scanner.value(&mut text)?;
    record_of(text, rows).map_err(|reason| json::Fault::shape(at, reason))
}

fn read(scanner: &mut Scanner<'_>) -> Result<Entry, json::Fault> {
    if scanner.peek() == Some(b'"') {
        return Ok(Value::Text(scanner.string()?.into_owned()).into());
    }
    let mut text = String::new();
    scanner.value(&mut text)?;
    Ok(Value::Json(Json::from_checked(text)).into())
}

/// A name as a part of a JSON Pointer.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

impl MemberPath {
    const TOP: Self = Self { key: String::new(), pointer: String::new(), is_odd: false };

    fn child(&self, how: Flatten, name: &str) -> Self {
        let pointer = format!("{}/{}", self.pointer, escaped(name));
        let key = match how {
            Flatten::Dotted if self.key.is_empty() => name.to_owned(),
            Flatten::Dotted => format!("{}.{name}", self.key),
            Flatten::Pointer => pointer.clone(),
        };
        Self { key, pointer, is_odd: self.is_odd || name.is_empty() || name.contains('.') }
    }
}

/// Where the parts of a member go.
struct Flattened<'a> {
    how: Flatten,
    ready: &'a mut VecDeque<Record>,
    odd: &'a mut Odd,
}

impl Flattened<'_> {
    fn flatten(&mut self, scanner: &mut Scanner<'_>, place: &MemberPath) -> Result<(), json::Fault> {
        if scanner.peek() != Some(b'{') {
            let entry = read(scanner)?;
            self.put(place, entry);
            return Ok(());
        }
        // Checked as a whole first: nesting and names that come twice.
        let mut length = Length::default();
        let mut inner = scanner.clone();
        scanner.value(&mut length)?;
        if length.0 == "{}".len() {
            self.put(place, Value::Json(Json::from_checked("{}".to_owned())).into());
            return Ok(());
        }
        inner.object("an object", |inner, _, name| self.flatten(inner, &place.child(self.how, &name)))
    }

    fn put(&mut self, place: &MemberPath, entry: Entry) {
        if place.is_odd && self.how == Flatten::Dotted {
            self.odd.entry(place.key.clone()).or_default().push(place.pointer.clone());
        }
        self.ready.push_back(Record { key: place.key.clone(), entry });
    }
}

/// Writes an object, a member a line.
#[derive(Default)]
pub(super) struct Object {
    any: bool,
}

impl RecordSink for Object {
    fn begin(&mut self, out: &mut Out<'_>) {
        out.byte(b'{');
    }

    fn put(&mut self, key: &str, entry: &Entry, out: &mut Out<'_>) -> Result<(), Unfit> {
        Unfit::if_it_is_bytes(entry)?;
        Unfit::if_it_expires(entry)?;
        out.bytes(if self.any { b",\n  " } else { b"\n  " });
        json::write_string(out, key);
        out.bytes(b": ");
        match &entry.value {
            Value::Text(value) => json::write_string(out, value),
            value => out.bytes(value.as_bytes()),
        }
        self.any = true;
        Ok(())
    }

    fn end(&mut self, out: &mut Out<'_>) {
        out.bytes(if self.any { b"\n}\n" } else { b"}\n" });
    }
}
