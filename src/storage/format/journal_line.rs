//! One line after the header: its exact form, read and written. Reading takes one pass, and checks the sum first.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::header::{FOLD, Fold};
use super::record::{self, Change, Stored};
use super::seal;
use crate::expiry::Timestamp;
use crate::json::{self, Scanner};

pub(crate) const N: &[u8] = b"{\"n\":";
const KEY: &str = "\"key\":";
const VALUE: &str = ",\"value\":";
const EXPIRES: &str = ",\"expires\":\"";
const DELETED: &str = ",\"deleted\":true";
const LAST: &str = ",\"last\":";

/// One change of a commit.
#[derive(Debug)]
pub(crate) struct ChangeLine<'a> {
    /// The commit's number.
    pub(crate) n: u64,
    /// How many lines the commit has; only on its last line.
    pub(crate) last: Option<usize>,
    pub(crate) key: Cow<'a, str>,
    pub(crate) change: Change,
    /// The line up to its seal.
    pub(crate) content: &'a [u8],
}

/// The kinds of lines.
#[derive(Debug)]
pub(crate) enum LineKind<'a> {
    Change(ChangeLine<'a>),
    Fold(Fold),
    /// Its checksum does not match, or it is not a line; the reason.
    Bad(&'static str),
    /// It is intact, but not usable.
    Refused(Refused),
}

/// Why an intact line is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// This version does not write such lines.
    Newer,
    /// It is not a change.
    Wrong(String),
}

/// The lines of a journal after its header.
#[derive(Clone, Debug)]
pub(crate) struct JournalLines<'a> {
    bytes: &'a [u8],
    /// Where the next line begins.
    pub(crate) at: usize,
    /// How many lines were read.
    pub(crate) taken: u64,
}

impl<'a> JournalLines<'a> {
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, taken: 0 }
    }

    /// Reads the next line. `scratch` is a buffer to reuse.
    pub(crate) fn read(&mut self, epoch: u64, scratch: &mut String) -> Option<LineKind<'a>> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        self.taken += 1;
        let Some(end) = memchr::memchr(b'\n', rest) else {
            self.at = self.bytes.len();
            return Some(LineKind::Bad(if is_zero(rest) { ZEROS } else { "it does not end in a newline" }));
        };
        self.at += end + 1;
        Some(read(&rest[..end], epoch, scratch))
    }
}

const ZEROS: &str = "it consists of zero bytes";

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| byte == 0)
}

/// Reads a line without its newline.
pub(crate) fn read<'a>(line: &'a [u8], epoch: u64, scratch: &mut String) -> LineKind<'a> {
    let Some(content) = seal::open(line, epoch) else {
        let zeros = !line.is_empty() && is_zero(line);
        return LineKind::Bad(if zeros { ZEROS } else { "its checksum does not match" });
    };
    if content.starts_with(FOLD) {
        return Fold::read(content).map_or(LineKind::Refused(Refused::Newer), LineKind::Fold);
    }
    match read_change(content, scratch) {
        Ok(line) => LineKind::Change(line),
        Err(refused) => LineKind::Refused(refused),
    }
}

/// Reads the good line at the start of bytes that are not a line as a whole, because its newline is corrupt. Only
/// needed where something other than that newline can follow.
pub(crate) fn front<'a>(bytes: &'a [u8], epoch: u64, scratch: &mut String) -> Option<LineKind<'a>> {
    let end = seal::ends(bytes)
        .take_while(|end| end + 1 < bytes.len())
        .find(|&end| seal::open(&bytes[..end], epoch).is_some())?;
    Some(read(&bytes[..end], epoch, scratch))
}

fn read_change<'a>(content: &'a [u8], scratch: &mut String) -> Result<ChangeLine<'a>, Refused> {
    let (n, rest) = content.strip_prefix(N).and_then(number).ok_or(Refused::Newer)?;
    let rest = rest.strip_prefix(b",").and_then(|rest| strip(rest, KEY)).ok_or(Refused::Newer)?;
    let (key, mut rest) = read_key(rest, scratch)?;
    let change = if let Some(tail) = strip(rest, DELETED) {
        rest = tail;
        None
    } else {
        let (text, tail) = read_value(strip(rest, VALUE).ok_or(Refused::Newer)?, scratch)?;
        rest = tail;
        let expiry = match strip(rest, EXPIRES) {
            None => None,
            Some(tail) => {
                let (expiry, tail) = read_expiry(tail)?;
                rest = tail;
                Some(expiry)
            }
        };
        Some(Stored { text, expiry })
    };
    let last = match strip(rest, LAST).and_then(number) {
        Some((count, [])) => Some(usize::try_from(count).map_err(|_| Refused::Newer)?),
        None if rest.is_empty() => None,
        _ => return Err(Refused::Newer),
    };
    Ok(ChangeLine { n, last, key, change, content })
}

fn strip<'a>(bytes: &'a [u8], prefix: &str) -> Option<&'a [u8]> {
    bytes.strip_prefix(prefix.as_bytes())
}

/// A number in canonical form, and the bytes after it.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let len = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = bytes.split_at(len);
    if digits.is_empty() || (digits[0] == b'0' && len > 1) {
        return None;
    }
    let number = digits.iter().try_fold(0_u64, |number, digit| {
        number.checked_mul(10).and_then(|number| number.checked_add(u64::from(digit - b'0')))
    })?;
    Some((number, rest))
}

/// A key in canonical form: a search for its bytes must find the same key as a replay.
fn read_key<'a>(bytes: &'a [u8], scratch: &mut String) -> Result<(Cow<'a, str>, &'a [u8]), Refused> {
    if bytes.first() != Some(&b'"') {
        return Err(Refused::Newer);
    }
    let mut scanner = Scanner::new(bytes);
    let key = scanner.string().map_err(|fault| Refused::Wrong(format!("its key: {}", fault.reason)))?;
    let (raw, rest) = bytes.split_at(scanner.at());
    scratch.clear();
    json::write_string(scratch, &key);
    if scratch.as_bytes() == raw { Ok((key, rest)) } else { Err(Refused::Newer) }
}

fn read_value<'a>(bytes: &'a [u8], scratch: &mut String) -> Result<(Box<str>, &'a [u8]), Refused> {
    let wrong = |fault: json::Fault| Refused::Wrong(format!("its value: {}", fault.reason));
    let mut scanner = Scanner::new(bytes);
    scratch.clear();
    // A wrapper is nested one level deeper than the value in it. The wrapped value is checked, too.
    let marked = bytes.starts_with(b"{\"$") || bytes.starts_with(b"{\"\\");
    if marked { scanner.wrapped_value(scratch) } else { scanner.value(scratch) }.map_err(wrong)?;
    let (raw, rest) = bytes.split_at(scanner.at());
    if scratch.as_bytes() != raw {
        return Err(Refused::Newer);
    }
    if marked {
        record::decode(scratch).map_err(wrong)?;
    }
    Ok((scratch.as_str().into(), rest))
}

fn read_expiry(bytes: &[u8]) -> Result<(Timestamp, &[u8]), Refused> {
    let end = memchr::memchr(b'"', bytes).ok_or(Refused::Newer)?;
    let text = std::str::from_utf8(&bytes[..end]).map_err(|_| Refused::Newer)?;
    let expiry: Timestamp = text
        .parse()
        .map_err(|_| Refused::Wrong("its expiry is not a time such as 2026-11-23T04:00:00.000Z".to_owned()))?;
    if expiry.to_string() == text { Ok((expiry, &bytes[end + 1..])) } else { Err(Refused::Newer) }
}

/// Reads the number of a change's commit and, on its last line, how many lines the commit has. Reads only the two ends
/// of the line's content.
pub(crate) fn glance(content: &[u8]) -> Option<(u64, Option<usize>)> {
    let (n, _) = content.strip_prefix(N).and_then(number)?;
    let digits = content.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    // A value cannot end like this: its own last digits would follow `"value":`.
    let (before, count) = content.split_at(content.len() - digits);
    if !before.ends_with(LAST.as_bytes()) {
        return Some((n, None));
    }
    let (count, _) = number(count)?;
    Some((n, Some(usize::try_from(count).ok()?)))
}

/// The bytes between the number of a commit and the value in a line that changes this key.
pub(crate) fn needle(key: &str) -> String {
    let mut needle = KEY.to_owned();
    json::write_string(&mut needle, key);
    needle
}

/// Where the line starts that has its key at `at`; `None` if the bytes before `at` do not match.
pub(crate) fn start_of(bytes: &[u8], at: usize) -> Option<usize> {
    let before = bytes[..at].strip_suffix(b",")?;
    // A 64-bit number has at most 20 digits, so a long number in a value costs nothing here.
    let digits = before.iter().rev().take(20).take_while(|byte| byte.is_ascii_digit()).count();
    let start = before[..before.len() - digits].strip_suffix(N)?.len();
    (start == 0 || bytes[start - 1] == b'\n').then_some(start)
}

/// Appends a change of commit `n`. `last` is the number of lines of the commit if this is its last line.
pub(crate) fn write(
    out: &mut Vec<u8>,
    scratch: &mut String,
    epoch: u64,
    n: u64,
    (key, change): (&str, Option<&Stored>),
    last: Option<usize>,
) {
    const STRING: &str = "writing to a String cannot fail";
    let start = out.len();
    scratch.clear();
    out.extend_from_slice(N);
    write!(scratch, "{n},{KEY}").expect(STRING);
    json::write_string(scratch, key);
    match change {
        None => scratch.push_str(DELETED),
        Some(Stored { text, expiry }) => {
            scratch.push_str(VALUE);
            scratch.push_str(text);
            if let Some(expiry) = expiry {
                write!(scratch, "{EXPIRES}{expiry}\"").expect(STRING);
            }
        }
    }
    if let Some(count) = last {
        write!(scratch, "{LAST}{count}").expect(STRING);
    }
    out.extend_from_slice(scratch.as_bytes());
    seal::seal(out, start, epoch);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(content: &str) -> Vec<u8> {
        let mut line = content.as_bytes().to_vec();
        seal::seal(&mut line, 0, 5);
        line.pop();
        line
    }

    fn refused(content: &str) -> Refused {
        match read(&sealed(content), 5, &mut String::new()) {
            LineKind::Refused(refused) => refused,
            other => panic!("{content}: {other:?}"),
        }
    }

    #[test]
    fn any_other_form_was_written_by_a_newer_version() {
        for content in [
            r#"{"n":17,"key":"a","value":1,"color":"red","last":1"#,
            r#"{"n":17,"key":"a","value":1,"last":1,"more":0"#,
            r#"{"n":17,"key":"a","value":1,"last":01"#,
            r#"{"n":17,"key":"a","value": 1,"last":1"#,
            r#"{"n":17,"key":"a","value":[1, 2],"last":1"#,
            r#"{"n": 17,"key":"a","value":1,"last":1"#,
            r#"{"n":017,"key":"a","value":1,"last":1"#,
            r#"{"n":99999999999999999999,"key":"a","value":1,"last":1"#,
            r#"{"n":17,"key":"\u0061","value":1,"last":1"#,
            r#"{"n":17,"key": "a","value":1,"last":1"#,
            r#"{"n":17,"key":5,"value":1,"last":1"#,
            r#"{"n":17,"key":"a","deleted":false,"last":1"#,
            r#"{"n":17,"key":"a","deleted":true,"expires":"2026-11-23T04:00:00.000Z","last":1"#,
            r#"{"n":17,"key":"a","value":1,"expires":"2026-11-23T04:00:00Z","last":1"#,
            r#"{"n":17,"value":1,"key":"a","last":1"#,
            r#"{"n":17,"increment":"a","last":1"#,
            "{\"n\":17,\"key\":\"a\",\"value\":\"\u{202e}\",\"last\":1",
            r#"{"fold":{},"n":17"#,
            "",
            "{",
            "[",
        ] {
            assert_eq!(refused(content), Refused::Newer, "{content}");
        }
    }

    #[test]
    fn a_line_without_a_change_is_wrong() {
        for (content, why) in [
            (r#"{"n":17,"key":"a","value":tru,"last":1"#, "its value: expected a value"),
            (r#"{"n":17,"key":"a","value":{"b":1,"b":2},"last":1"#, "its value: duplicate member"),
            (r#"{"n":17,"key":"a","value":{"$binary":"?"},"last":1"#, "its value: expected base64 text in \"$binary\""),
            (r#"{"n":17,"key":"a","value":"\ud800","last":1"#, "its value: half of a surrogate"),
            (r#"{"n":17,"key":"\x","value":1,"last":1"#, "its key: unknown escape"),
            (r#"{"n":17,"key":"a","value":1,"expires":"soon","last":1"#, "its expiry is not a time"),
        ] {
            let refused = refused(content);
            assert!(matches!(&refused, Refused::Wrong(reason) if reason.starts_with(why)), "{content}: {refused:?}");
        }
    }

    #[test]
    fn the_deepest_value_is_read_even_in_its_wrapper() {
        let line = |value: &str| format!("{{\"n\":17,\"key\":\"a\",\"value\":{value},\"last\":1");
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        for value in [deep(100), format!("{{\"$json\":{{\"$json\":{}}}}}", deep(99))] {
            let line = sealed(&line(&value));
            assert!(matches!(read(&line, 5, &mut String::new()), LineKind::Change(_)));
        }
        assert!(matches!(refused(&line(&deep(101))), Refused::Wrong(reason) if reason.contains("nested deeper")));
    }
}
