//! One line of a snapshot in canonical form: `    "key": value` and, except at the end of its section, a comma.

use std::borrow::Cow;

use crate::expiry::Timestamp;
use crate::json::{Fault, Scanner};

/// The longest key, in bytes.
pub(crate) const MAX_KEY: usize = 64 << 10;

/// The start of every line of an entry or an expiry.
pub(crate) const INDENT: &str = "    ";

/// An escape takes six bytes for a character of one byte.
const LONGEST_KEY: usize = 6 * MAX_KEY + 2;

/// The content of a line without its newline; `last` says that it is the last line of its section.
pub(crate) fn content(line: &[u8], last: bool) -> Result<&[u8], Fault> {
    let content =
        line.strip_prefix(INDENT.as_bytes()).ok_or_else(|| Fault::new(0, "expected an indent of four spaces"))?;
    match (content, last) {
        ([content @ .., b','], false) => Ok(content),
        ([.., b','], true) => Err(Fault::new(line.len() - 1, "expected no comma after the last line")),
        (_, true) => Ok(content),
        (_, false) => Err(Fault::new(line.len(), "expected a comma")),
    }
}

/// Splits the content of a line (after its indent, before its comma) into the key and the value's text. Does not parse
/// the value.
pub(crate) fn split(content: &[u8]) -> Result<(Cow<'_, str>, &[u8]), Fault> {
    let mut scanner = Scanner::new(content);
    if content.first() != Some(&b'"') {
        return Err(Fault::new(0, "expected a key in double quotes"));
    }
    let key = scanner.string()?;
    match content.get(scanner.at()..) {
        Some([b':', b' ', value @ ..]) => Ok((key, value)),
        _ => Err(Fault::new(scanner.at(), "expected \": \"")),
    }
}

/// The key of a line's content, as the bytes that it is sorted by; `None` if the content is cut off before the key's
/// end. Decodes nothing but escapes.
pub(crate) fn key(content: &[u8]) -> Result<Option<Cow<'_, [u8]>>, Fault> {
    let Some((quote, rest)) = content.split_first() else { return Ok(None) };
    if *quote != b'"' {
        return Err(Fault::new(0, "expected a key in double quotes"));
    }
    match memchr::memchr2(b'"', b'\\', rest) {
        Some(end) if rest[end] == b'"' => Ok(Some(Cow::Borrowed(&rest[..end]))),
        Some(escape) if is_ended(&rest[escape..]) => {
            let key = Scanner::new(content).string()?.into_owned();
            Ok(Some(Cow::Owned(key.into_bytes())))
        }
        _ if content.len() > LONGEST_KEY => Err(Fault::new(0, "this is too long for a key")),
        _ => Ok(None),
    }
}

/// Whether a string that starts before these bytes ends in them.
fn is_ended(mut inside: &[u8]) -> bool {
    while let Some(at) = memchr::memchr2(b'"', b'\\', inside) {
        if inside[at] == b'"' {
            return true;
        }
        inside = inside.get(at + 2..).unwrap_or_default();
    }
    false
}

pub(crate) const NO_EXPIRY: &str = "an expiry is a time such as \"2026-11-23T04:00:00.000Z\"";

/// The expiry in a value's text.
pub(crate) fn expiry(text: &[u8]) -> Option<Timestamp> {
    match text {
        [b'"', time @ .., b'"'] => str::from_utf8(time).ok()?.parse().ok(),
        _ => None,
    }
}
