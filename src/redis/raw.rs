//! Values as a server holds them: as they are, so that other programs can read them. JSON arrays and objects read as JSON,
//! other UTF-8 as text, the rest as bytes. What would come back as something else has a mark before it: a byte that no
//! UTF-8 text has, and a letter.

use crate::value::{Json, Value};

/// How a mark begins.
const MARK: u8 = 0xff;

/// What a value is stored as.
pub(super) fn encode(value: &Value) -> Vec<u8> {
    let mut raw = Vec::new();
    encode_into(&mut raw, value);
    raw
}

/// The same, appended to a buffer.
pub(super) fn encode_into(raw: &mut Vec<u8>, value: &Value) {
    raw.extend(mark(value).into_iter().flatten());
    raw.extend_from_slice(value.as_bytes());
}

/// The mark that a value needs.
pub(super) fn mark(value: &Value) -> Option<[u8; 2]> {
    let letter = match value {
        Value::Text(text) => Some(b't').filter(|_| is_json(text.as_bytes())),
        Value::Json(json) => Some(b'j').filter(|_| !matches!(json.as_str().as_bytes().first(), Some(b'{' | b'['))),
        Value::Bytes(bytes) => Some(b'b').filter(|_| !is_plain_bytes(bytes)),
    };
    letter.map(|letter| [MARK, letter])
}

/// The value that is stored so.
pub(super) fn decode(raw: Vec<u8>) -> Value {
    match raw[..] {
        [MARK, b't', ref rest @ ..] if is_json(rest) => Value::from_bytes(rest.to_vec()),
        [MARK, b'j', ref rest @ ..] => scalar(rest).map_or(Value::Bytes(raw), Value::Json),
        [MARK, b'b', ref rest @ ..] if !is_plain_bytes(rest) => Value::Bytes(rest.to_vec()),
        _ => match String::from_utf8(raw) {
            Ok(text) => json(&text).map_or(Value::Text(text), Value::Json),
            Err(error) => Value::Bytes(error.into_bytes()),
        },
    }
}

/// The type of a value, as far as its first bytes tell.
pub(super) fn kind_of_beginning(raw: &[u8]) -> &'static str {
    match raw {
        [MARK, b't', ..] => "text",
        [MARK, b'j', ..] | [b'{' | b'[', ..] => "json",
        [byte, ..] if *byte >= 0xf8 || (0x80..0xc2).contains(byte) => "binary",
        _ => "text",
    }
}

/// An array or an object.
fn json(text: &str) -> Option<Json> {
    let may_be = matches!(text.trim_start_matches([' ', '\t', '\r', '\n']).as_bytes().first(), Some(b'{' | b'['));
    may_be.then(|| Json::parse(text).ok()).flatten()
}

fn is_json(raw: &[u8]) -> bool {
    std::str::from_utf8(raw).is_ok_and(|text| json(text).is_some())
}

/// Any other JSON value, in canonical form.
fn scalar(raw: &[u8]) -> Option<Json> {
    let text = std::str::from_utf8(raw).ok()?;
    let json = Json::parse(text).ok()?;
    let is_scalar = !matches!(raw.first(), Some(b'{' | b'[' | b'"'));
    Some(json).filter(|json| is_scalar && json.as_str() == text)
}

/// Whether bytes come back as they are without a mark.
fn is_plain_bytes(bytes: &[u8]) -> bool {
    match bytes {
        [MARK, b't', rest @ ..] => !is_json(rest),
        [MARK, b'j', rest @ ..] => scalar(rest).is_none(),
        [MARK, b'b', rest @ ..] => is_plain_bytes(rest),
        _ => std::str::from_utf8(bytes).is_err(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_what_would_come_back_as_something_else_has_a_mark() {
        let json = |text: &str| Value::from_json(text).unwrap();
        for (value, raw) in [
            (Value::from("hello"), &b"hello"[..]),
            (Value::from("12"), b"12"),
            (Value::from("[not json"), b"[not json"),
            (Value::from("[1]"), b"\xfft[1]"),
            (Value::from(" {}"), b"\xfft {}"),
            (json("{\"a\": 1}"), b"{\"a\":1}"),
            (json("12"), b"\xffj12"),
            (json("null"), b"\xffjnull"),
            (Value::Bytes(vec![0xff, 0xd8]), b"\xff\xd8"),
            (Value::Bytes(b"\xffj12".to_vec()), b"\xffb\xffj12"),
            (Value::Bytes(b"plain".to_vec()), b"\xffbplain"),
        ] {
            assert_eq!(encode(&value), raw, "{value:?}");
            assert_eq!(decode(raw.to_vec()), value);
        }
        for raw in [&b"\xfft"[..], b"\xffthello", b"\xffj[1]", b"\xffj \"x\"", b"\xffb\xff\xd8", b"\xff"] {
            assert_eq!(decode(raw.to_vec()), Value::Bytes(raw.to_vec()), "what others have stored stays what it is");
        }
    }

    proptest! {
        #[test]
        fn every_value_comes_back(bytes in prop::collection::vec(prop::sample::select(&b"\xfftjb[]{}1\" \x80a"[..]), 0..7)) {
            if let Ok(text) = std::str::from_utf8(&bytes) {
                prop_assert_eq!(decode(encode(&Value::from(text))), Value::from(text));
                if let Ok(value) = Value::from_json(text) {
                    prop_assert_eq!(decode(encode(&value)), value);
                }
            }
            let value = Value::Bytes(bytes.clone());
            prop_assert_eq!(decode(encode(&value)), value);
            // What is read and written back is what was there, unless it was JSON with white space.
            let again = encode(&decode(bytes.clone()));
            prop_assert!(again == bytes || matches!(decode(bytes), Value::Json(_)));
        }
    }
}
