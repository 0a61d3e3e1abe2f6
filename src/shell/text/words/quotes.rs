//! Writes and reads quotes and escapes.

use crate::json::Sink;
use crate::shell::text::escape::is_unsafe;
use memchr::memchr;

/// `bytes` as one word that is read back as exactly these bytes and never as a flag, a comment or JSON. It fits on one
/// line and is safe on a terminal.
pub(crate) fn quote(bytes: &[u8]) -> String {
    let mut quoted = String::with_capacity(bytes.len() + 8);
    write_quoted(&mut quoted, bytes);
    quoted
}

/// Writes the result of [`quote`].
pub(crate) fn write_quoted(out: &mut impl Sink, bytes: &[u8]) {
    match str::from_utf8(bytes) {
        Ok(text) if is_plain(text) => out.push_str(text),
        _ => write_quoted_in(out, '\'', bytes),
    }
}

/// [`quote`] for a word whose quote is already open. If `'…'` cannot hold the bytes, `"…"` is used.
pub(crate) fn quote_in(quote: char, bytes: &[u8]) -> String {
    let mut quoted = String::with_capacity(bytes.len() + 8);
    write_quoted_in(&mut quoted, quote, bytes);
    quoted
}

fn write_quoted_in(out: &mut impl Sink, quote: char, bytes: &[u8]) {
    match str::from_utf8(bytes) {
        Ok(text) if quote == '\'' && !text.contains(is_unsafe) => {
            let mut rest = text;
            out.push('\'');
            while let Some(at) = rest.find(['\\', '\'']) {
                out.push_str(&rest[..at]);
                out.push('\\');
                out.push_str(&rest[at..=at]);
                rest = &rest[at + 1..];
            }
            out.push_str(rest);
            out.push('\'');
        }
        _ => write_with_escapes(out, bytes),
    }
}

/// Whether a text is read as itself without quotes, wherever it is, even where `|` and `>` are operators. A BOM would
/// be skipped at the start of a script.
fn is_plain(text: &str) -> bool {
    !matches!(text, "" | "|" | ">" | ">>")
        && !text.starts_with(['\'', '"', '{', '[', '-', '#', '\u{feff}'])
        && !text.contains(|c: char| c.is_whitespace() || is_unsafe(c))
}

fn write_with_escapes(quoted: &mut impl Sink, bytes: &[u8]) {
    quoted.push('"');
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' => quoted.push_str("\\n"),
                '\r' => quoted.push_str("\\r"),
                '\t' => quoted.push_str("\\t"),
                '\x08' => quoted.push_str("\\b"),
                '\x07' => quoted.push_str("\\a"),
                '\0' => quoted.push_str("\\0"),
                '\\' | '"' => ['\\', c].into_iter().for_each(|c| quoted.push(c)),
                '\x01'..='\x1f' | '\x7f' => quoted.push_str(&format!("\\x{:02x}", u32::from(c))),
                _ if is_unsafe(c) => quoted.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
                _ => quoted.push(c),
            }
        }
        for byte in chunk.invalid() {
            quoted.push_str(&format!("\\x{byte:02x}"));
        }
    }
    quoted.push('"');
}

/// An escape inside quotes, and its value.
pub(super) struct Escape {
    /// Its bytes in the input.
    pub(super) length: usize,
    meaning: Meaning,
}

enum Meaning {
    Byte(u8),
    Char(char),
}

impl Escape {
    /// Reads the escape at the start of `text`, inside the given quotes: `None` if more input is needed. The error is
    /// the length of an invalid escape.
    pub(super) fn read(quote: u8, text: &[u8]) -> Result<Option<Self>, usize> {
        let Some(&letter) = text.get(1) else {
            return Ok(None);
        };
        let byte = match letter {
            b'\\' => b'\\',
            _ if letter == quote => quote,
            _ if quote == b'\'' => return Ok(Some(Self::byte(b'\\', 1))),
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'b' => 0x08,
            b'f' => 0x0c,
            b'a' => 0x07,
            b'/' => b'/',
            b'0' => b'\0',
            b'x' => return Self::hex(text),
            b'u' => return Self::unicode(text),
            _ => {
                // The whole character, by the length in its first byte, for the message.
                let length = 1 + (letter.leading_ones() as usize).clamp(1, 4);
                return if length <= text.len() { Err(length) } else { Ok(None) };
            }
        };
        Ok(Some(Self::byte(byte, 2)))
    }

    /// `\xHH`
    fn hex(text: &[u8]) -> Result<Option<Self>, usize> {
        let mut value = 0;
        for at in 2..4 {
            match text.get(at).copied().map(hex_digit) {
                Some(Some(digit)) => value = value << 4 | digit,
                Some(None) => return Err(at),
                None => return Ok(None),
            }
        }
        Ok(Some(Self::byte(value, 4)))
    }

    /// `\uHHHH` as in JSON, where a surrogate pair is one character; or `\u{H…}`.
    fn unicode(text: &[u8]) -> Result<Option<Self>, usize> {
        match text.get(2) {
            None => return Ok(None),
            Some(b'{') => return Self::braced(text),
            Some(_) => {}
        }
        let Some(first) = unit(text)? else { return Ok(None) };
        let (code, length) = match first {
            0xd800..0xdc00 => match second_unit(&text[UNIT..])? {
                Some(second) => (0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00), 2 * UNIT),
                None => return Ok(None),
            },
            first => (first, UNIT),
        };
        let meaning = Meaning::Char(char::from_u32(code).ok_or(length)?);
        Ok(Some(Self { length, meaning }))
    }

    /// `\u{H…}`: one to six digits that are a Unicode scalar value.
    fn braced(text: &[u8]) -> Result<Option<Self>, usize> {
        let mut value = 0;
        for at in 3..10 {
            match text.get(at).copied() {
                None => return Ok(None),
                Some(b'}') if at > 3 => {
                    let length = at + 1;
                    let meaning = Meaning::Char(char::from_u32(value).ok_or(length)?);
                    return Ok(Some(Self { length, meaning }));
                }
                Some(byte) => {
                    value = value << 4 | u32::from(hex_digit(byte).filter(|_| at < 9).ok_or(at)?);
                }
            }
        }
        Err(10)
    }

    const fn byte(byte: u8, length: usize) -> Self {
        let meaning = Meaning::Byte(byte);
        Self { length, meaning }
    }
}

/// The bytes of a `\uHHHH`.
const UNIT: usize = 6;

/// The UTF-16 unit of the `\uHHHH` at the start of `text`, whose first two bytes exist; `None` if more input is needed.
fn unit(text: &[u8]) -> Result<Option<u32>, usize> {
    let mut value = 0;
    for at in 2..UNIT {
        let Some(&byte) = text.get(at) else { return Ok(None) };
        value = value << 4 | u32::from(hex_digit(byte).ok_or(at)?);
    }
    Ok(Some(value))
}

/// The second half of a surrogate pair at the start of `text`; `None` if more input is needed. The error is the length
/// of the unpaired first half.
fn second_unit(text: &[u8]) -> Result<Option<u32>, usize> {
    if !text.starts_with(b"\\u") {
        return if b"\\u".starts_with(text) { Ok(None) } else { Err(UNIT) };
    }
    match unit(text) {
        Ok(Some(unit)) if !(0xdc00..0xe000).contains(&unit) => Err(UNIT),
        Err(_) => Err(UNIT),
        found => found,
    }
}

/// Whether an invalid escape is half of a surrogate pair.
pub(super) fn is_surrogate(escape: &[u8]) -> bool {
    matches!(escape, [b'\\', b'u', b'd' | b'D', b'8' | b'9' | b'a'..=b'f' | b'A'..=b'F', _, _])
}

const fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// The value of a quoted text, after the `flag` before it.
pub(super) fn decode(quote: u8, flag: &[u8], mut inner: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(flag.len() + inner.len());
    bytes.extend_from_slice(flag);
    while let Some(ahead) = memchr(b'\\', inner) {
        let (plain, rest) = inner.split_at(ahead);
        bytes.extend_from_slice(plain);
        let escape =
            Escape::read(quote, rest).ok().flatten().expect("every escape was read before the quote was closed");
        match escape.meaning {
            Meaning::Byte(byte) => bytes.push(byte),
            Meaning::Char(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        inner = &rest[escape.length..];
    }
    bytes.extend_from_slice(inner);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_is_as_light_as_it_can_be() {
        for (bytes, quoted) in [
            (&b"plain"[..], "plain"),
            (b"it's", "it's"),
            ("世界".as_bytes(), "世界"),
            (b"a\\b", "a\\b"),
            (b"", "''"),
            (b"a b", "'a b'"),
            (b"it's so", r"'it\'s so'"),
            (b"a \\", r"'a \\'"),
            (b"|", "'|'"),
            (b">>", "'>>'"),
            (b"-5", "'-5'"),
            (b"#x", "'#x'"),
            (b"[1]", "'[1]'"),
            (b"{}", "'{}'"),
            (b"'x", r"'\'x'"),
            ("a\u{a0}b".as_bytes(), "'a\u{a0}b'"),
            (b"a\nb\t\"\\\x07\x08\0", r#""a\nb\t\"\\\a\b\0""#),
            (b"\xff\x1b\x7f", r#""\xff\x1b\x7f""#),
            ("\u{9b}\u{202e}\u{2028}é".as_bytes(), r#""\u{9b}\u{202e}\u{2028}é""#),
        ] {
            assert_eq!(quote(bytes), quoted);
        }
    }
}
