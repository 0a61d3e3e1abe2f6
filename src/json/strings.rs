//! JSON strings: their escapes, both ways.

use super::Fault;

/// The text of a JSON string whose escapes are still in it: UTF-8, and no bare control character.
pub(super) fn check_raw(raw: &[u8], start: usize) -> Result<&str, Fault> {
    if let Some(at) = raw.iter().position(|&byte| byte < 0x20) {
        if raw[at..].iter().all(|&byte| byte == 0) {
            let reason =
                format!("zero bytes from offset {} on (a crash of another program, or of the disk?)", start + at);
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

/// Resolves the escapes of a string; `start` is its offset, for faults.
pub(super) fn unescape(raw: &str, start: usize) -> Result<String, Fault> {
    let mut text = String::with_capacity(raw.len());
    let mut at = 0;
    while let Some(skip) = memchr::memchr(b'\\', &raw.as_bytes()[at..]) {
        text.push_str(&raw[at..at + skip]);
        at += skip;
        let fault = |reason: &str| Fault::new(start + at, reason);
        let code = raw.as_bytes().get(at + 1).copied();
        let plain = match code {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let unit = hex4(raw, at + 2).ok_or_else(|| fault("\\u wants four hexadecimal digits"))?;
                at += 4;
                match unit {
                    0xD800..=0xDBFF => {
                        let low = (raw.as_bytes().get(at + 2..at + 4) == Some(b"\\u"))
                            .then(|| hex4(raw, at + 4))
                            .flatten()
                            .filter(|low| (0xDC00..=0xDFFF).contains(low));
                        let low = low.ok_or_else(|| Fault::new(start + at - 4, LONE))?;
                        at += 6;
                        char::from_u32(0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00)).unwrap_or('\u{fffd}')
                    }
                    unit => char::from_u32(unit).ok_or_else(|| Fault::new(start + at - 4, LONE))?,
                }
            }
            _ => return Err(fault("unknown escape; JSON knows \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\uXXXX")),
        };
        text.push(plain);
        at += 2;
    }
    text.push_str(&raw[at..]);
    Ok(text)
}

const LONE: &str = "half of a surrogate pair: no character";

fn hex4(raw: &str, at: usize) -> Option<u32> {
    let digits = raw.get(at..at + 4)?;
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(digits, 16).ok()
}

/// Whether a character could act on a terminal or hide what stands there: C0, DEL, C1, the bidirectional controls and
/// the separators U+2028/9. It is the one list of them.
pub(crate) fn is_unsafe(c: char) -> bool {
    matches!(c,
        '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The first unsafe character of a text and its offset.
pub(super) fn find_unsafe(text: &str) -> Option<(usize, char)> {
    find(text, false)
}

/// Looks at bytes that can begin such a character, and only there at characters. `quotes` counts `"` and `\` too.
fn find(text: &str, quotes: bool) -> Option<(usize, char)> {
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
    let bytes = text.as_bytes();
    let mut at = 0;
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

/// Appends `text` as a JSON string in its quotes, unsafe characters escaped.
pub(crate) fn write_string(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    while let Some((at, c)) = find(rest, true) {
        out.push_str(&rest[..at]);
        push_escape(out, c);
        rest = &rest[at + c.len_utf8()..];
    }
    out.push_str(rest);
    out.push('"');
}

pub(super) fn push_escape(out: &mut String, c: char) {
    use std::fmt::Write as _;
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        c => write!(out, "\\u{:04x}", u32::from(c)).expect("writing to a String cannot fail"),
    }
}
