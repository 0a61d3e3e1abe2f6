//! A value's encoding on disk, read and written. The only place that knows the markers. Pure.
//!
//! Text is a JSON string, JSON is stored as it is, bytes are `{"$binary":"<base64>"}`. An object with exactly one
//! member whose name is a marker would be read back as something else, so it is wrapped as `{"$json":…}`.

use data_encoding::BASE64;

use crate::expiry::Timestamp;
use crate::json::{self, Escaped, Fault, Length, Nowhere, Same, Scanner, Sink};
use crate::value::{Json, Value};

/// A value and its expiry, if it has one.
///
/// ```
/// let entry = rusty_kv::Entry::from("hello");
/// assert_eq!(entry.expiry, None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The value of the key.
    pub value: Value,
    /// When the entry expires; `None` if never.
    pub expiry: Option<Timestamp>,
}

impl Entry {
    /// Decodes a value's encoding on disk, with nothing after it.
    pub(crate) fn decode(text: &str, expiry: Option<Timestamp>) -> Result<Self, Fault> {
        Ok(Self { value: decode(text)?, expiry })
    }

    /// Decodes a stored entry, reusing its memory.
    pub(crate) fn of_stored(stored: Stored) -> Result<Self, Fault> {
        Ok(Self { value: decode_in_place(stored.text)?, expiry: stored.expiry })
    }

    /// Whether the entry has not expired at `now`.
    ///
    /// ```
    /// use rusty_kv::{Entry, Timestamp};
    /// let entry = Entry { expiry: Some(Timestamp::from_millis(10)), ..Entry::from("x") };
    /// assert!(entry.is_live(Timestamp::from_millis(9)));
    /// assert!(!entry.is_live(Timestamp::from_millis(10)));
    /// ```
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expiry.is_none_or(|expiry| now < expiry)
    }
}

impl<V: Into<Value>> From<V> for Entry {
    fn from(value: V) -> Self {
        Self { value: value.into(), expiry: None }
    }
}

/// A value's encoding on disk, and its expiry: what the engine keeps in memory and copies from file to file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    /// The value's encoding, as [`write_value`] writes it.
    pub(crate) text: Box<str>,
    pub(crate) expiry: Option<Timestamp>,
}

/// The result of a lookup that must be fast.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The full entry.
    Entry(Entry),
    /// Only the approximate size of the encoding, in bytes.
    Large(u64),
}

impl Seen {
    /// Looks at an entry in memory.
    pub(crate) fn of(stored: &Stored, limit: u64) -> Result<Self, Fault> {
        let bytes = stored.text.len() as u64;
        if bytes > limit { Ok(Self::Large(bytes)) } else { Entry::decode(&stored.text, stored.expiry).map(Self::Entry) }
    }
}

/// The result of writing a key: an entry, or `None` if it was deleted.
pub(crate) type Change = Option<Stored>;

impl Stored {
    pub(crate) fn of(entry: &Entry) -> Self {
        let length = entry.value.as_bytes().len();
        // Growing a short buffer costs less than computing the exact length.
        let mut text = String::with_capacity(if length < LARGE { length + 2 } else { self::length(&entry.value) });
        write_value(&mut text, &entry.value);
        Self { text: text.into_boxed_str(), expiry: entry.expiry }
    }

    /// Whether the entry has not expired at `now`.
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        self.expiry.is_none_or(|expiry| now < expiry)
    }
}

/// From this size on, allocations are checked. If there is no memory for less, everything else fails as well.
pub(crate) const LARGE: usize = 1 << 20;

/// Decodes a value's encoding on disk, with nothing after it.
pub(crate) fn decode(text: &str) -> Result<Value, Fault> {
    let mut scanner = Scanner::new(text.as_bytes());
    let value = read_value(&mut scanner)?;
    scanner.end()?;
    Ok(value)
}

/// As [`decode`], in place, without allocating, if the text is as [`write_value`] writes it.
pub(crate) fn decode_in_place(text: Box<str>) -> Result<Value, Fault> {
    let mut scanner = Scanner::new(text.as_bytes());
    if text.starts_with('"') {
        scanner.string_into(&mut Nowhere)?;
        let end = scanner.at();
        scanner.end()?;
        let mut bytes = String::from(text).into_bytes();
        bytes.truncate(end - 1);
        bytes.drain(..1);
        json::unescape_in_place(&mut bytes);
        return Ok(Value::Text(String::from_utf8(bytes).expect("it was checked")));
    }
    let mut same = Same::new(text.as_bytes());
    scanner.wrapped_value(&mut same)?;
    scanner.end()?;
    if !same.is_whole() {
        return decode(&text);
    }
    match mark(&text) {
        None if json::depth(&text) > json::MAX_DEPTH => Err(json::too_deep(0)),
        None => Ok(Value::Json(Json::from_checked(String::from(text)))),
        Some((JSON, inner)) => {
            let mut text = String::from(text);
            text.pop();
            text.drain(..inner);
            if text.starts_with('"') {
                return decode_in_place(text.into_boxed_str());
            }
            Ok(Value::Json(Json::from_checked(text)))
        }
        Some((_, inner)) => {
            let encoded = text.as_bytes().get(inner + 1..text.len().saturating_sub(2)).unwrap_or_default();
            if text.as_bytes()[inner] != b'"' || memchr::memchr2(b'"', b'\\', encoded).is_some() {
                return decode(&text);
            }
            let mut bytes = String::from(text).into_bytes();
            bytes.truncate(bytes.len() - 2);
            bytes.drain(..=inner);
            decode_base64_in_place(&mut bytes).then_some(Value::Bytes(bytes)).ok_or_else(no_base64)
        }
    }
}

fn no_base64() -> Fault {
    Fault::shape(0, "expected base64 text in \"$binary\"")
}

/// Decodes base64 in place; false if it is not base64.
pub(crate) fn decode_base64_in_place(bytes: &mut Vec<u8>) -> bool {
    const CHARACTERS: usize = 4 << 10;
    let mut piece = [0; CHARACTERS / 4 * 3];
    let (mut from, mut to) = (0, 0);
    while from < bytes.len() {
        let end = bytes.len().min(from + CHARACTERS);
        let encoded = &bytes[from..end];
        let Ok(most) = BASE64.decode_len(encoded.len()) else { return false };
        let Ok(decoded) = BASE64.decode_mut(encoded, &mut piece[..most]) else { return false };
        bytes[to..to + decoded].copy_from_slice(&piece[..decoded]);
        (from, to) = (end, to + decoded);
    }
    bytes.truncate(to);
    true
}

/// The kind of value in an encoding, from its first bytes alone, as named by [`Value::kind`].
pub(crate) fn kind(text: &str) -> &'static str {
    match text.as_bytes() {
        [b'"', ..] => "text",
        _ if text.starts_with("{\"$binary\":") => "binary",
        _ => "json",
    }
}

/// The length in bytes of the encoded value, without escapes and quotes.
pub(crate) fn value_len(text: &str) -> usize {
    match text.as_bytes() {
        [b'"', inner @ .., b'"'] if memchr::memchr(b'\\', inner).is_none() => inner.len(),
        [b'"', ..] | [b'{', b'"', b'$' | b'\\', ..] => decode(text).map_or(text.len(), |value| value.as_bytes().len()),
        _ => text.len(),
    }
}

const BINARY: &str = "$binary";
const JSON: &str = "$json";

/// Appends the value's encoding.
pub(crate) fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Text(text) => json::write_string(out, text),
        Value::Json(json) if mark(json.as_str()).is_some() => {
            out.push_str("{\"$json\":");
            out.push_str(json.as_str());
            out.push('}');
        }
        Value::Json(json) => out.push_str(json.as_str()),
        Value::Bytes(bytes) => {
            out.push_str("{\"$binary\":\"");
            BASE64.encode_append(bytes, out);
            out.push_str("\"}");
        }
    }
}

/// Writes bytes as base64, in chunks.
pub(crate) fn write_base64(out: &mut impl Sink, bytes: &[u8]) {
    // A multiple of three bytes needs no padding.
    const PIECE: usize = 3 << 14;
    for piece in bytes.chunks(PIECE) {
        out.push_str(&BASE64.encode(piece));
    }
}

/// The maximum length of a value's encoding.
pub(crate) fn length(value: &Value) -> usize {
    const MARK: usize = "{\"$binary\":\"\"}".len();
    match value {
        Value::Text(text) => {
            let mut length = Length(2);
            Escaped(&mut length).push_str(text);
            length.0
        }
        // It may need a marker.
        Value::Json(json) => json.as_str().len() + MARK,
        Value::Bytes(bytes) => BASE64.encode_len(bytes.len()) + MARK,
    }
}

/// Reads the next value.
pub(crate) fn read_value(scanner: &mut Scanner<'_>) -> Result<Value, Fault> {
    if scanner.peek() == Some(b'"') {
        return Ok(Value::Text(scanner.string()?.into_owned()));
    }
    let start = scanner.at();
    let mut text = String::new();
    // A wrapper is nested one level deeper than the value in it.
    scanner.wrapped_value(&mut text)?;
    match mark(&text) {
        None if json::depth(&text) > json::MAX_DEPTH => Err(json::too_deep(start)),
        None => Ok(Value::Json(Json::from_checked(text))),
        Some((JSON, inner)) => {
            let inner = text[inner..text.len() - 1].to_owned();
            Ok(Json::from_checked(inner).into())
        }
        Some((_, inner)) => {
            let mut inner = Scanner::new(&text.as_bytes()[inner..]);
            let encoded = (inner.peek() == Some(b'"')).then(|| inner.string()).transpose()?;
            encoded
                .and_then(|encoded| BASE64.decode(encoded.as_bytes()).ok())
                .map(Value::Bytes)
                .ok_or_else(|| Fault { at: start, ..no_base64() })
        }
    }
}

/// Whether a text is, byte for byte, what [`write_value`] writes for its value. Allocates nothing.
pub(crate) fn is_written(raw: &[u8]) -> bool {
    let mut scanner = Scanner::new(raw);
    let mut same = Same::new(raw);
    let checked = if raw.first() == Some(&b'"') {
        same.push('"');
        let checked = scanner.string_into(&mut Escaped(&mut same));
        same.push('"');
        checked
    } else {
        scanner.wrapped_value(&mut same)
    };
    let Ok(text) = str::from_utf8(raw) else { return false };
    checked.is_ok() && same.is_whole() && (text.starts_with('"') || is_written_json(text))
}

/// As [`is_written`], for a compact text that is not a string.
fn is_written_json(text: &str) -> bool {
    match mark(text) {
        None => json::depth(text) <= json::MAX_DEPTH,
        Some((JSON, inner)) => text.starts_with("{\"$json\":") && mark(&text[inner..text.len() - 1]).is_some(),
        Some((_, inner)) => {
            let encoded = text[inner..].strip_prefix('"').and_then(|text| text.strip_suffix("\"}"));
            text.starts_with("{\"$binary\":") && encoded.is_some_and(is_base64)
        }
    }
}

/// Whether a text is base64, padded only at its end.
fn is_base64(text: &str) -> bool {
    const CHARACTERS: usize = 4 << 10;
    let mut piece = [0; CHARACTERS / 4 * 3];
    let pad = text.find('=').unwrap_or(text.len());
    text.len() - pad <= 2
        && text.as_bytes().chunks(CHARACTERS).all(|encoded| {
            let most = BASE64.decode_len(encoded.len());
            most.is_ok_and(|most| BASE64.decode_mut(encoded, &mut piece[..most]).is_ok())
        })
}

/// The marker of a compact JSON text, and where the marked value starts.
fn mark(text: &str) -> Option<(&'static str, usize)> {
    // The name may contain escapes ("\u0024json"), so comparing bytes is not enough.
    if !text.starts_with("{\"$") && !text.starts_with("{\"\\") {
        return None;
    }
    let mut scanner = Scanner::new(&text.as_bytes()[1..]);
    let name = scanner.name().ok()?;
    let name = [BINARY, JSON].into_iter().find(|&mark| mark == name)?;
    let inner = 1 + scanner.at();
    scanner.wrapped_value(&mut Nowhere).ok()?;
    (scanner.peek() == Some(b'}')).then_some((name, inner))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn through_disk(value: &Value) -> Value {
        let mut text = String::new();
        write_value(&mut text, value);
        assert_eq!(decode_in_place(text.clone().into()).as_ref(), Ok(value));
        read_value(&mut Scanner::new(text.as_bytes())).unwrap()
    }

    #[test]
    fn the_length_of_a_value_is_that_of_its_decoded_bytes() {
        for value in [
            Value::from("plain"),
            Value::from("é\"\u{1}\\"),
            Value::from(""),
            Value::Bytes(vec![0xff; 7]),
            Value::from_json(r#"{"$json":1}"#).unwrap(),
            Value::from_json("[1,2]").unwrap(),
        ] {
            let mut text = String::new();
            write_value(&mut text, &value);
            assert_eq!(value_len(&text), value.as_bytes().len(), "{text}");
        }
    }

    #[test]
    fn json_that_looks_like_a_marker_reads_back_as_json() {
        for text in [
            r#"{"$binary":"aGk="}"#,
            r#"{"$json":1}"#,
            r#"{"\u0024json":{"$binary":""}}"#,
            r#"{"$json":{"$json":"x"}}"#,
            r#"{"$binary":"aGk=","b":1}"#,
            r#"{"$other":1}"#,
        ] {
            let value = Value::from_json(text).unwrap();
            assert_eq!(through_disk(&value), value);
        }
    }

    #[test]
    fn the_deepest_value_reads_back_even_when_it_must_be_wrapped() {
        let arrays = json::MAX_DEPTH - 1;
        let text = format!("{{\"$json\":{}{}}}", "[".repeat(arrays), "]".repeat(arrays));
        let value = Value::from_json(&text).unwrap();
        assert_eq!(through_disk(&value), value);
        let deeper = "[".repeat(json::MAX_DEPTH + 1) + &"]".repeat(json::MAX_DEPTH + 1);
        assert!(read_value(&mut Scanner::new(deeper.as_bytes())).unwrap_err().reason.contains("nested deeper"));
    }

    #[test]
    fn a_marker_with_other_content_is_refused() {
        for text in [r#"{"$binary":5}"#, r#"{"$binary":"a"}"#, r#"{"$binary":"aGk"}"#, r#"{"$binary":{}}"#] {
            assert!(read_value(&mut Scanner::new(text.as_bytes())).unwrap_err().shape, "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_and_bytes_read_back_as_they_were(text in any::<String>(), bytes in any::<Vec<u8>>()) {
            let (text, bytes) = (Value::Text(text), Value::Bytes(bytes));
            prop_assert_eq!(&through_disk(&text), &text);
            prop_assert_eq!(&through_disk(&bytes), &bytes);
        }

        #[test]
        fn decoding_in_place_gives_the_same_result(
            text in "(\"|\\{\"\\$(binary|json)\":|\\{\"\\$binary\":\")?([aGk=/+09]|\\\\[nu\"d8c0]|[\"{}\\[\\]:, ]|é){0,12}(\"\\}?|\\})?",
        ) {
            // If two things are wrong, either may be reported.
            prop_assert_eq!(decode_in_place(text.clone().into()).ok(), decode(&text).ok());
            let mut written = String::new();
            let decoded = decode(&text).map(|value| write_value(&mut written, &value));
            prop_assert_eq!(is_written(text.as_bytes()), decoded.is_ok() && written == text);
        }
    }
}
