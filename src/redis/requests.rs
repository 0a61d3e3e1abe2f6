//! Commands as they are sent.

use std::borrow::Cow;

use super::raw;
use crate::value::Value;

/// Commands in the form of the protocol, one after another.
#[derive(Debug, Default)]
pub(super) struct Requests {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Requests {
    /// One command.
    pub(super) fn one(parts: &[&[u8]]) -> Self {
        let mut requests = Self::default();
        requests.push(parts);
        requests
    }

    /// Adds a command.
    pub(super) fn push(&mut self, parts: &[&[u8]]) {
        self.head(b'*', parts.len());
        for part in parts {
            self.head(b'$', part.len());
            self.bytes.extend_from_slice(part);
            self.bytes.extend_from_slice(b"\r\n");
        }
        self.ends.push(self.bytes.len());
    }

    fn head(&mut self, mark: u8, number: usize) {
        let mut digits = [0; 20];
        let mut at = digits.len();
        let mut left = number;
        loop {
            at -= 1;
            digits[at] = b"0123456789"[left % 10];
            left /= 10;
            if left == 0 {
                break;
            }
        }
        self.bytes.push(mark);
        self.bytes.extend_from_slice(&digits[at..]);
        self.bytes.extend_from_slice(b"\r\n");
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many bytes they take.
    pub(super) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// What is sent, from the command of that number on.
    pub(super) fn from(&self, number: usize) -> &[u8] {
        &self.bytes[self.start(number)..]
    }

    /// One command as it is sent.
    pub(super) fn alone(&self, number: usize) -> &[u8] {
        &self.bytes[self.start(number)..self.ends[number]]
    }

    /// The key that a command is about, the first if it is about several.
    pub(super) fn key(&self, number: usize) -> Option<&[u8]> {
        match self.part(number, 0) {
            b"EVAL" => Some(self.part(number, 3)),
            b"SCAN" | b"DBSIZE" | b"FLUSHDB" | b"INFO" | b"CLUSTER" | b"PING" => None,
            _ => Some(self.part(number, 1)),
        }
    }

    fn start(&self, number: usize) -> usize {
        number.checked_sub(1).map_or(0, |before| self.ends[before])
    }

    /// The part `at` of a command, from 0.
    pub(super) fn part(&self, number: usize, at: usize) -> &[u8] {
        let mut rest = &self.bytes[self.start(number)..self.ends[number]];
        let mut part: &[u8] = &[];
        for _ in 0..at + 2 {
            // The first line is the number of parts.
            let Some(end) = memchr::memchr(b'\r', rest) else { break };
            let (head, after) = (&rest[..end], &rest[end + 2..]);
            let length = match head {
                [b'$', digits @ ..] => std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()),
                _ => None,
            };
            (part, rest) = match length {
                Some(length) => (&after[..length], &after[length + 2..]),
                None => (&after[..0], after),
            };
        }
        part
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}

/// A value as it is stored.
pub(super) fn raw_of(value: &Value) -> Cow<'_, [u8]> {
    if raw::mark(value).is_some() { Cow::Owned(raw::encode(value)) } else { Cow::Borrowed(value.as_bytes()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_have_the_form_of_the_protocol() {
        let mut requests = Requests::one(&[b"GET", b"a"]);
        requests.push(&[b"SET", b"", b"0123456789"]);
        assert_eq!(
            requests.from(0),
            b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n*3\r\n$3\r\nSET\r\n$0\r\n\r\n$10\r\n0123456789\r\n"
        );
        assert_eq!(requests.part(1, 1), b"");
        assert_eq!(requests.part(1, 2), b"0123456789");
        assert_eq!(requests.part(0, 0), b"GET");
        assert_eq!(requests.from(1), b"*3\r\n$3\r\nSET\r\n$0\r\n\r\n$10\r\n0123456789\r\n");
    }
}
