//! JSON strings: escaping and unescaping.

use super::Fault;
use super::sink::Sink;

/// The text of a JSON string with its escapes; fails unless it is UTF-8 without raw control characters.
pub(super) fn check_raw(raw: &[u8], start: usize) -> Result<&str, Fault> {
    if let Some(at) = raw.iter().position(|&byte| byte < 0x20) {
        if raw[at..].iter().all(|&byte| byte == 0) {
            let reason = format!("zero bytes from offset {} on (left by a crash, or by the disk?)", start + at);
            return Err(Fault::new(start + at, reason));
        }
        let reason = format!("bare control character 0x{:02x} in a string; write it as an escape", raw[at]);
        return Err(Fault::new(start + at, reason));
    }
    std::str::from_utf8(raw).map_err(|error| {
        let at = error.valid_up_to();
        Fault::new(start + at, format!("not UTF-8: byte 0x{:02x} at offset {}", raw[at], start + at))
    })
}

/// Unescapes a string; `start` is its offset, for faults.
pub(super) fn unescape(raw: &str, start: usize) -> Result<String, Fault> {
    let mut text = String::with_capacity(raw.len());
    unescape_into(raw, start, &mut text)?;
    Ok(text)
}

/// Unescapes a string into a sink, which may need no memory.
pub(super) fn unescape_into(raw: &str, start: usize, text: &mut impl Sink) -> Result<(), Fault> {
    let mut at = 0;
    while let Some(skip) = memchr::memchr(b'\\', &raw.as_bytes()[at..]) {
        text.push_str(&raw[at..at + skip]);
        at += skip;
        let (c, length) =
            escape(&raw.as_bytes()[at..]).map_err(|fault| Fault { at: start + at + fault.at, ..fault })?;
        text.push(c);
        at += length;
    }
    text.push_str(&raw[at..]);
    Ok(())
}

/// Unescapes a string in place. It must have been checked; no escape is shorter than its character.
pub(crate) fn unescape_in_place(bytes: &mut Vec<u8>) {
    let (mut from, mut to) = (0, 0);
    while let Some(skip) = memchr::memchr(b'\\', &bytes[from..]) {
        bytes.copy_within(from..from + skip, to);
        (from, to) = (from + skip, to + skip);
        let Ok((c, length)) = escape(&bytes[from..]) else { break };
        let mut utf8 = [0; 4];
        let utf8 = c.encode_utf8(&mut utf8).as_bytes();
        bytes[to..to + utf8.len()].copy_from_slice(utf8);
        (from, to) = (from + length, to + utf8.len());
    }
    let rest = bytes.len() - from;
    bytes.copy_within(from.., to);
    bytes.truncate(to + rest);
}

/// The character of the escape at the start of `raw`, and the escape's length.
fn escape(raw: &[u8]) -> Result<(char, usize), Fault> {
    let plain = match raw.get(1) {
        Some(b'"') => '"',
        Some(b'\\') => '\\',
        Some(b'/') => '/',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unicode_escape(raw),
        _ => return Err(Fault::new(0, "unknown escape; JSON has \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\uXXXX")),
    };
    Ok((plain, 2))
}

fn unicode_escape(raw: &[u8]) -> Result<(char, usize), Fault> {
    let lone = || Fault::new(0, "half of a surrogate pair, which is not a character");
    let unit = hex4(raw, 2).ok_or_else(|| Fault::new(0, "expected four hexadecimal digits after \\u"))?;
    if !(0xD800..=0xDBFF).contains(&unit) {
        return char::from_u32(unit).map(|c| (c, 6)).ok_or_else(lone);
    }
    let low = (raw.get(6..8) == Some(b"\\u")).then(|| hex4(raw, 8)).flatten();
    let low = low.filter(|low| (0xDC00..=0xDFFF).contains(low)).ok_or_else(lone)?;
    Ok((char::from_u32(0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00)).unwrap_or('\u{fffd}'), 12))
}

fn hex4(raw: &[u8], at: usize) -> Option<u32> {
    let digits = raw.get(at..at + 4)?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u32::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

/// Whether a character could act on a terminal or hide text: C0, DEL, C1, the bidirectional controls and the separators
/// U+2028/9. The only list of them.
pub(crate) fn is_unsafe(c: char) -> bool {
    matches!(c,
        '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The first unsafe character of a text and its offset.
pub(super) fn find_unsafe(text: &str) -> Option<(usize, char)> {
    find(text, false)
}

/// Searches the bytes that can start such a character, and decodes only there. `quotes` includes `"` and `\`.
fn find(text: &str, quotes: bool) -> Option<(usize, char)> {
    /// Plain ASCII is skipped in blocks, which compile to vector instructions.
    const BLOCK: usize = 8;
    const LEADS: [bool; 256] = {
        let mut leads = [false; 256];
        let mut byte = 0;
        while byte < 0x20 {
            leads[byte] = true;
            byte += 1;
        }
        leads[0x7f] = true;
        leads[0xc2] = true;
        leads[0xd8] = true;
        leads[0xe2] = true;
        leads[b'"' as usize] = true;
        leads[b'\\' as usize] = true;
        leads
    };
    let is_special =
        |byte: u8| u8::from(!(b' '..=b'~').contains(&byte)) | u8::from(byte == b'"') | u8::from(byte == b'\\');
    let bytes = text.as_bytes();
    let is_plain_block = |block: &&[u8]| block.iter().fold(0, |any, &byte| any | is_special(byte)) == 0;
    let mut at = bytes.chunks_exact(BLOCK).take_while(is_plain_block).count() * BLOCK;
    while let Some(skip) = bytes[at..].iter().position(|&byte| LEADS[usize::from(byte)]) {
        at += skip;
        let c = text[at..].chars().next()?;
        if is_unsafe(c) || (quotes && matches!(c, '"' | '\\')) {
            return Some((at, c));
        }
        at += c.len_utf8();
    }
    None
}

/// Appends `text` as a quoted JSON string, with unsafe characters escaped.
pub(crate) fn write_string(out: &mut impl Sink, text: &str) {
    out.push('"');
    Escaped(out).push_str(text);
    out.push('"');
}

/// Writes a text as the inside of a JSON string.
pub(crate) struct Escaped<'a, S>(pub(crate) &'a mut S);

impl<S: Sink> Sink for Escaped<'_, S> {
    fn push(&mut self, c: char) {
        self.push_str(c.encode_utf8(&mut [0; 4]));
    }

    fn push_str(&mut self, text: &str) {
        let mut rest = text;
        while let Some((at, c)) = find(rest, true) {
            self.0.push_str(&rest[..at]);
            push_escape(self.0, c);
            rest = &rest[at + c.len_utf8()..];
        }
        self.0.push_str(rest);
    }
}

pub(super) fn push_escape(out: &mut impl Sink, c: char) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        c => out.push_str(&format!("\\u{:04x}", u32::from(c))),
    }
}
