//! Escapes: for a terminal, which text must not affect, and for lines in a pipe, which must be read back exactly.
//!
//! A terminal obeys control characters and reorders bidirectional text, so a stored value could move the cursor, set
//! the title, or look like something else. All text that was stored, typed or printed by the system goes through
//! [`terminal`] or [`terminal_lossy`] before it reaches a terminal; colors are added afterwards.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::json;

/// Whether a character would affect a terminal, reorder text, or be invisible, so that two keys look alike. Joiners,
/// which emoji and some scripts need, are allowed.
pub(crate) fn is_unsafe(c: char) -> bool {
    json::is_unsafe(c)
        || matches!(c, '\u{180e}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

/// `text` for a terminal: every unsafe character as an escape, `\n`, `\t`, `\r` and `\0` by their letters, other ASCII
/// as `\xHH`, all others as `\u{202e}`. A backslash stays as it is, because the result is not read back.
pub(crate) fn terminal(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find(is_unsafe) else {
        return Cow::Borrowed(text);
    };
    let (safe, rest) = text.split_at(first);
    let mut shown = String::with_capacity(text.len() + 8);
    shown.push_str(safe);
    for c in rest.chars() {
        push_terminal(&mut shown, c);
    }
    Cow::Owned(shown)
}

/// [`terminal`] for bytes that may not be text, such as paths and system messages: bytes that are not UTF-8 as `\xHH`.
pub(crate) fn terminal_lossy(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = str::from_utf8(bytes) {
        return terminal(text);
    }
    let mut shown = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            push_terminal(&mut shown, c);
        }
        for &byte in chunk.invalid() {
            push_hex(&mut shown, byte);
        }
    }
    Cow::Owned(shown)
}

/// [`terminal_lossy`] for text of several lines: line feeds and tabs are kept.
pub(crate) fn terminal_lines(bytes: &[u8]) -> Cow<'_, str> {
    let is_kept = |byte: &u8| matches!(byte, b'\n' | b'\t');
    if !bytes.iter().any(is_kept) {
        return terminal_lossy(bytes);
    }
    let mut shown = String::with_capacity(bytes.len() + 8);
    for piece in bytes.split_inclusive(is_kept) {
        let (plain, kept) = match piece {
            [plain @ .., b'\n'] => (plain, "\n"),
            [plain @ .., b'\t'] => (plain, "\t"),
            plain => (plain, ""),
        };
        shown.push_str(&terminal_lossy(plain));
        shown.push_str(kept);
    }
    Cow::Owned(shown)
}

/// The beginning of `text`, safe on a terminal, in at most `max` characters, with `…` as the last one if it was cut. An
/// escape is never cut in two. The time depends on `max`, not on the length of `text`.
pub(crate) fn excerpt(text: &str, max: usize) -> String {
    let mut shown = String::new();
    let mut length = 0;
    let mut kept = 0; // bytes of `shown` that leave room for the `…`
    for c in text.chars() {
        let from = shown.len();
        push_terminal(&mut shown, c);
        length += shown[from..].chars().count();
        if length > max {
            shown.truncate(kept);
            if max > 0 {
                shown.push('…');
            }
            break;
        }
        if length < max {
            kept = shown.len();
        }
    }
    shown
}

/// A message with its middle cut out, if a path or a name makes it extremely long.
pub(crate) fn brief(message: &str) -> Cow<'_, str> {
    const LONGEST: usize = 2_000;
    const END: usize = 400;
    if message.len() <= LONGEST {
        return Cow::Borrowed(message);
    }
    let begin = &message[..message.floor_char_boundary(LONGEST - END)];
    let end = &message[message.ceil_char_boundary(message.len() - END)..];
    Cow::Owned(format!("{begin}…{end}"))
}

/// Appends `bytes` as one field of a line in a pipe: tab, newline, CR, NUL and backslash as `\t \n \r \0 \\`, bytes
/// that are not UTF-8 as `\xHH`, everything else as is.
pub(crate) fn tsv(out: &mut impl json::Sink, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        let mut rest = chunk.valid();
        let letter = |(at, byte)| Some((at, tsv_letter(byte)?));
        while let Some((at, letter)) = rest.bytes().enumerate().find_map(letter) {
            out.push_str(&rest[..at]);
            out.push_str(letter);
            rest = &rest[at + 1..];
        }
        out.push_str(rest);
        for &byte in chunk.invalid() {
            push_hex(out, byte);
        }
    }
}

/// Whether [`tsv`] could have written a field. The error is the offset of an invalid escape.
pub(crate) fn check_tsv(field: &[u8]) -> Result<(), usize> {
    let mut done = 0;
    while let Some(ahead) = memchr::memchr(b'\\', &field[done..]) {
        let at = done + ahead;
        let (_, length) = tsv_escape(&field[at..]).ok_or(at)?;
        done = at + length;
    }
    Ok(())
}

/// Reads back a field that [`check_tsv`] has accepted, in place.
pub(crate) fn untsv(field: &mut Vec<u8>) {
    let (mut from, mut to) = (0, 0);
    while let Some(ahead) = memchr::memchr(b'\\', &field[from..]) {
        field.copy_within(from..from + ahead, to);
        (from, to) = (from + ahead, to + ahead);
        let Some((byte, length)) = tsv_escape(&field[from..]) else { break };
        field[to] = byte;
        (from, to) = (from + length, to + 1);
    }
    let rest = field.len() - from;
    field.copy_within(from.., to);
    field.truncate(to + rest);
}

/// The byte of an escape, and the escape's length.
fn tsv_escape(text: &[u8]) -> Option<(u8, usize)> {
    Some(match text[1..] {
        [b't', ..] => (b'\t', 2),
        [b'n', ..] => (b'\n', 2),
        [b'r', ..] => (b'\r', 2),
        [b'0', ..] => (b'\0', 2),
        [b'\\', ..] => (b'\\', 2),
        [b'x', high, low, ..] => (digit(high)? << 4 | digit(low)?, 4),
        _ => return None,
    })
}

const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

fn push_terminal(shown: &mut String, c: char) {
    match c {
        '\n' => shown.push_str("\\n"),
        '\t' => shown.push_str("\\t"),
        '\r' => shown.push_str("\\r"),
        '\0' => shown.push_str("\\0"),
        '\x01'..='\x1f' | '\x7f' => push_hex(shown, c as u8),
        _ if is_unsafe(c) => {
            write!(shown, "\\u{{{:x}}}", u32::from(c)).expect("a String takes all that is written");
        }
        _ => shown.push(c),
    }
}

fn push_hex(out: &mut impl json::Sink, byte: u8) {
    let [high, low] = hex(byte);
    for byte in [b'\\', b'x', high, low] {
        out.push(char::from(byte));
    }
}

const fn tsv_letter(byte: u8) -> Option<&'static str> {
    match byte {
        b'\t' => Some("\\t"),
        b'\n' => Some("\\n"),
        b'\r' => Some("\\r"),
        b'\0' => Some("\\0"),
        b'\\' => Some("\\\\"),
        _ => None,
    }
}

const fn hex(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [DIGITS[(byte >> 4) as usize], DIGITS[(byte & 15) as usize]]
}

/// Gives the pieces of a field of comma-separated values: quoted where it must be, and where a spreadsheet would otherwise
/// change it.
pub(crate) fn csv(bytes: &[u8], mut push: impl FnMut(&[u8])) {
    let is_plain = |byte: &u8| !matches!(byte, b'"' | b',' | b'\r' | b'\n');
    let is_edge = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_whitespace);
    if bytes.iter().all(is_plain) && !is_edge(bytes.first()) && !is_edge(bytes.last()) && !bytes.starts_with(b"\xef") {
        return push(bytes);
    }
    push(b"\"");
    for part in bytes.split_inclusive(|&byte| byte == b'"') {
        push(part);
        if part.ends_with(b"\"") {
            push(b"\"");
        }
    }
    push(b"\"");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn untsv(field: &[u8]) -> Result<Vec<u8>, usize> {
        check_tsv(field)?;
        let mut bytes = field.to_vec();
        super::untsv(&mut bytes);
        Ok(bytes)
    }

    fn field(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        tsv(&mut out, bytes);
        out
    }

    #[test]
    fn text_of_several_lines_keeps_its_line_feeds_and_tabs_and_nothing_else_that_acts() {
        assert_eq!(terminal_lines(b"a\tb\nc\x1b[31m\xe2\x80\xae\r\n"), "a\tb\nc\\x1b[31m\\u{202e}\\r\n");
        assert_eq!(terminal_lines("plain 👩\u{200d}🚀".as_bytes()), "plain 👩\u{200d}🚀");
        assert_eq!(terminal_lines(b"\xff\n\x07"), "\\xff\n\\x07");
        assert_eq!(terminal_lines(b""), "");
    }

    #[test]
    fn every_control_bidi_and_invisible_character_is_unsafe_and_nothing_else() {
        let listed = |c: u32| {
            c < 0x20
                || (0x7f..0xa0).contains(&c)
                || [0x061c, 0x200e, 0x200f, 0x2028, 0x2029].contains(&c)
                || (0x202a..=0x202e).contains(&c)
                || (0x2066..=0x2069).contains(&c)
                || [0x180e, 0x200b, 0xfeff].contains(&c)
                || (0x2060..=0x2064).contains(&c)
                || (0x206a..=0x206f).contains(&c)
        };
        for c in '\0'..=char::MAX {
            assert_eq!(is_unsafe(c), listed(u32::from(c)), "U+{:04X}", u32::from(c));
        }
        assert_eq!(('\0'..=char::MAX).filter(|&c| is_unsafe(c)).count(), 32 + 1 + 32 + 12 + 2 + 14);
    }

    #[test]
    fn a_terminal_gets_escapes_where_it_would_have_acted() {
        assert_eq!(terminal("plain ✓ C:\\dir"), "plain ✓ C:\\dir");
        assert!(matches!(terminal("plain"), Cow::Borrowed("plain")));
        assert_eq!(terminal("a\tb\nc\rd\0e"), "a\\tb\\nc\\rd\\0e");
        assert_eq!(terminal("\x1b]0;title\x07"), "\\x1b]0;title\\x07");
        assert_eq!(terminal("\x7f\u{9b}31m"), "\\x7f\\u{9b}31m");
        assert_eq!(terminal("\u{202e}txt.exe\u{2028}"), "\\u{202e}txt.exe\\u{2028}");
    }

    #[test]
    fn a_path_that_is_not_text_is_shown_byte_by_byte_where_it_is_not() {
        assert_eq!(terminal_lossy(b"/tmp/caf\xe9\x1b[2J"), "/tmp/caf\\xe9\\x1b[2J");
        assert_eq!(terminal_lossy("café".as_bytes()), "café");
    }

    #[test]
    fn an_excerpt_is_never_longer_than_asked_and_says_when_it_was_cut() {
        assert_eq!(excerpt("hello", 5), "hello");
        assert_eq!(excerpt("hello!", 5), "hell…");
        assert_eq!(excerpt("ab\x1bcd", 5), "ab…", "an escape is not cut in two");
        assert_eq!(excerpt("a\x1b", 5), "a\\x1b");
        assert_eq!(excerpt("hello", 1), "…");
        assert_eq!(excerpt("hello", 0), "");
        assert_eq!(excerpt("", 0), "");
    }

    #[test]
    fn a_field_of_a_pipe_escapes_what_would_break_its_line() {
        assert_eq!(field(b"a\tb\nc\rd\0e\\f"), b"a\\tb\\nc\\rd\\0e\\\\f");
        assert_eq!(field(b"\xff caf\xc3\xa9 \xc3"), b"\\xff caf\xc3\xa9 \\xc3");
        assert_eq!(field(b"\x1b[1m"), b"\x1b[1m", "a pipe gets everything else exactly");
    }

    #[test]
    fn a_field_with_an_unknown_escape_is_refused_at_its_offset() {
        assert_eq!(untsv(b"ab\\q"), Err(2));
        assert_eq!(untsv(b"\\\\\\"), Err(2));
        assert_eq!(untsv(b"\\x4"), Err(0));
        assert_eq!(untsv(b"-\\xzz"), Err(1));
        assert_eq!(untsv(b"\\xFf\\x00"), Ok(vec![0xff, 0]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn a_field_comes_back_exactly_and_stays_on_its_line(bytes: Vec<u8>) {
            let field = field(&bytes);
            prop_assert!(!field.iter().any(|b| b"\t\n\r\0".contains(b)));
            prop_assert!(str::from_utf8(&field).is_ok());
            prop_assert_eq!(untsv(&field), Ok(bytes));
        }

        #[test]
        fn text_with_escapes_in_it_comes_back_exactly(text in r"([\\\\tnr0x\t\n\r\x00a]|\PC)*") {
            prop_assert_eq!(untsv(&field(text.as_bytes())), Ok(text.into_bytes()));
        }

        #[test]
        fn nothing_unsafe_reaches_a_terminal(bytes: Vec<u8>, text: String, max in 0usize..60) {
            prop_assert!(!terminal_lossy(&bytes).contains(is_unsafe));
            prop_assert!(!terminal(&text).contains(is_unsafe));
            let excerpt = excerpt(&text, max);
            prop_assert!(!excerpt.contains(is_unsafe));
            prop_assert!(excerpt.chars().count() <= max);
        }

        #[test]
        fn reading_a_field_never_panics(text in r"([\\xa0n]|\PC)*") {
            let bytes = text.as_bytes();
            if let Err(at) = untsv(bytes) {
                prop_assert_eq!(bytes[at], b'\\');
            }
        }
    }
}
