//! JSON as text: one checking scanner and one way to write a string. Pure.
//!
//! The scanner never builds a tree. It checks RFC 8259 strictly and three things more that a store needs: no
//! object names a member twice, nesting ends at [`MAX_DEPTH`], and a number is any number, kept digit for digit.

use std::borrow::Cow;
use std::collections::HashSet;

/// How deep arrays and objects may nest in a value.
pub(crate) const MAX_DEPTH: usize = 100;

/// The first thing that is wrong with a text, and the byte where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Offset in bytes.
    pub(crate) at: usize,
    /// What is wrong, without the place.
    pub(crate) reason: String,
    /// Whether it is valid JSON there, but not of the shape that is wanted.
    pub(crate) shape: bool,
}

impl Fault {
    pub(crate) fn new(at: usize, reason: impl Into<String>) -> Self {
        Self { at, reason: reason.into(), shape: false }
    }

    pub(crate) fn shape(at: usize, reason: impl Into<String>) -> Self {
        Self { at, reason: reason.into(), shape: true }
    }

    /// Line and column of the fault in `bytes`, both from 1; the column counts characters, or bytes where the line
    /// is not UTF-8.
    pub(crate) fn place(&self, bytes: &[u8]) -> (u64, u64) {
        let before = &bytes[..self.at.min(bytes.len())];
        let line_start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        let in_line = &before[line_start..];
        let column = std::str::from_utf8(in_line).map_or(in_line.len(), |text| text.chars().count()) + 1;
        (line as u64, column as u64)
    }
}

/// Reads JSON tokens out of bytes, in order.
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Takes a byte order mark, if there is one.
    pub(crate) fn skip_mark(&mut self) {
        if self.bytes[self.at..].starts_with(b"\xef\xbb\xbf") {
            self.at += 3;
        }
    }

    /// Where the next byte is read.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Goes past white space and returns the byte that follows, without taking it.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        while let Some(&byte) = self.bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.at += 1;
        }
        None
    }

    /// Takes `wanted` after white space.
    pub(crate) fn expect(&mut self, wanted: u8, what: &str) -> Result<(), Fault> {
        if self.peek() == Some(wanted) {
            self.at += 1;
            return Ok(());
        }
        Err(self.unexpected(what))
    }

    /// Takes the `,` before another item and returns true, or the closing `end` and returns false. `first` says that
    /// no item was read yet.
    pub(crate) fn more(&mut self, end: u8, first: bool) -> Result<bool, Fault> {
        match self.peek() {
            Some(byte) if byte == end => {
                self.at += 1;
                Ok(false)
            }
            Some(b',') if !first => {
                let comma = self.at;
                self.at += 1;
                if self.peek() == Some(end) {
                    return Err(Fault::new(comma, "trailing comma; JSON has none after the last item"));
                }
                Ok(true)
            }
            _ if first => Ok(true),
            _ => Err(self.unexpected(if end == b'}' { "',' or '}'" } else { "',' or ']'" })),
        }
    }

    /// An object, member by member: `member` is given the offset of its name and the name, and must take its value. What
    /// is no object is a fault of shape, `what` its reason.
    pub(crate) fn object<E: From<Fault>>(
        &mut self,
        what: &str,
        mut member: impl FnMut(&mut Self, usize, Cow<'a, str>) -> Result<(), E>,
    ) -> Result<(), E> {
        if matches!(self.peek(), Some(b'[' | b'"' | b't' | b'f' | b'n' | b'-' | b'0'..=b'9')) {
            let at = self.at;
            self.value(&mut String::new())?;
            return Err(Fault::shape(at, what).into());
        }
        self.expect(b'{', "a '{'")?;
        let mut first = true;
        while self.more(b'}', first)? {
            first = false;
            self.peek();
            let at = self.at;
            let name = self.name()?;
            member(self, at, name)?;
        }
        Ok(())
    }

    /// The end of the text, white space aside.
    pub(crate) fn end(&mut self) -> Result<(), Fault> {
        match self.peek() {
            None => Ok(()),
            Some(0) => Err(self.unexpected("")),
            Some(_) => Err(Fault::new(self.at, "trailing data after the end of the document")),
        }
    }

    /// A string, unescaped.
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, Fault> {
        let (raw, start) = self.raw_string()?;
        if memchr::memchr(b'\\', raw.as_bytes()).is_none() {
            return Ok(Cow::Borrowed(raw));
        }
        unescape(raw, start).map(Cow::Owned)
    }

    /// A member's name and the `:` behind it.
    pub(crate) fn name(&mut self) -> Result<Cow<'a, str>, Fault> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("a member's name in double quotes"));
        }
        let name = self.string()?;
        self.expect(b':', "':'")?;
        Ok(name)
    }

    /// Any value: checked, and appended to `out` without the white space between its tokens. Characters that could
    /// act on a terminal ([`is_unsafe`]) become `\u` escapes; everything else stays as it was written.
    pub(crate) fn value(&mut self, out: &mut String) -> Result<(), Fault> {
        self.nested(out, MAX_DEPTH)
    }

    /// Like [`Scanner::value`], for a value that may stand in a wrapper of one level.
    pub(crate) fn wrapped_value(&mut self, out: &mut String) -> Result<(), Fault> {
        self.nested(out, MAX_DEPTH + 1)
    }

    /// `levels` is how many more levels may open.
    fn nested(&mut self, out: &mut String, levels: usize) -> Result<(), Fault> {
        match self.peek() {
            Some(b'"') => self.copy_string(out),
            Some(b'-' | b'0'..=b'9') => self.number(out),
            Some(b'{' | b'[') if levels == 0 => Err(too_deep(self.at)),
            Some(open @ (b'{' | b'[')) => {
                self.at += 1;
                out.push(char::from(open));
                if open == b'{' { self.members(out, levels - 1) } else { self.items(out, levels - 1) }
            }
            Some(b't') => self.word("true", out),
            Some(b'f') => self.word("false", out),
            Some(b'n') => self.word("null", out),
            _ => Err(self.unexpected("a value")),
        }
    }

    fn members(&mut self, out: &mut String, levels: usize) -> Result<(), Fault> {
        let mut names = Names::default();
        let mut first = true;
        while self.more(b'}', first)? {
            if !first {
                out.push(',');
            }
            first = false;
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("a member's name in double quotes"));
            }
            let at = self.at;
            let name = self.string()?;
            self.at = at;
            self.copy_string(out)?;
            if let Some(name) = names.insert(name) {
                return Err(duplicate(at, "member", &name));
            }
            self.expect(b':', "':'")?;
            out.push(':');
            self.nested(out, levels)?;
        }
        out.push('}');
        Ok(())
    }

    fn items(&mut self, out: &mut String, levels: usize) -> Result<(), Fault> {
        let mut first = true;
        while self.more(b']', first)? {
            if !first {
                out.push(',');
            }
            first = false;
            self.nested(out, levels)?;
        }
        out.push(']');
        Ok(())
    }

    fn copy_string(&mut self, out: &mut String) -> Result<(), Fault> {
        let (raw, start) = self.raw_string()?;
        if memchr::memchr(b'\\', raw.as_bytes()).is_some() {
            unescape(raw, start)?;
        }
        out.push('"');
        let mut rest = raw;
        while let Some((at, c)) = find_unsafe(rest) {
            out.push_str(&rest[..at]);
            push_escape(out, c);
            rest = &rest[at + c.len_utf8()..];
        }
        out.push_str(rest);
        out.push('"');
        Ok(())
    }

    /// The text between the quotes, escapes not yet looked at, and its offset.
    fn raw_string(&mut self) -> Result<(&'a str, usize), Fault> {
        self.expect(b'"', "a string in double quotes")?;
        let start = self.at;
        let mut at = start;
        loop {
            match memchr::memchr2(b'"', b'\\', &self.bytes[at.min(self.bytes.len())..]) {
                Some(skip) if self.bytes[at + skip] == b'"' => {
                    at += skip;
                    break;
                }
                Some(skip) => at += skip + 2,
                None => {
                    let rest = &self.bytes[start..];
                    check_raw(rest, start)?;
                    return Err(Fault::new(start - 1, "the file ends inside the string that begins here"));
                }
            }
        }
        self.at = at + 1;
        check_raw(&self.bytes[start..at], start).map(|raw| (raw, start))
    }

    fn number(&mut self, out: &mut String) -> Result<(), Fault> {
        let start = self.at;
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        match self.byte() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            _ => return Err(self.unexpected("a digit")),
        }
        if matches!(self.byte(), Some(b'0'..=b'9')) {
            return Err(Fault::new(start, "a number may not begin with 0; put it in quotes to keep it as text"));
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        out.extend(self.bytes[start..self.at].iter().map(|&digit| char::from(digit)));
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while matches!(self.byte(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(self.unexpected("a digit")) } else { Ok(()) }
    }

    fn word(&mut self, word: &'static str, out: &mut String) -> Result<(), Fault> {
        if self.bytes[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            out.push_str(word);
            return Ok(());
        }
        Err(self.unexpected("a value"))
    }

    fn byte(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// A fault at the next byte, saying what stands there and, for the usual mistakes, the way out.
    fn unexpected(&self, wanted: &str) -> Fault {
        let rest = &self.bytes[self.at.min(self.bytes.len())..];
        let Some(&byte) = rest.first() else {
            return Fault::new(self.at, format!("{wanted} is wanted, but the text ends here"));
        };
        let reason = match byte {
            0 => format!("zero bytes from offset {} on (a crash of another program, or of the disk?)", self.at),
            b'/' => "comments are not JSON".to_owned(),
            b'\'' => "JSON wants double quotes".to_owned(),
            b'N' | b'I' if rest.starts_with(b"NaN") || rest.starts_with(b"Infinity") => {
                "NaN and Infinity are not JSON".to_owned()
            }
            _ => {
                let shown = match std::str::from_utf8(&rest[..rest.len().min(4)]) {
                    Ok(text) => text.chars().next(),
                    Err(error) => std::str::from_utf8(&rest[..error.valid_up_to()]).ok().and_then(|t| t.chars().next()),
                };
                match shown {
                    Some(c) => format!("{wanted} is wanted, but {c:?} stands here"),
                    None => format!("{wanted} is wanted, but byte 0x{byte:02x} stands here"),
                }
            }
        };
        Fault::new(self.at, reason)
    }
}

/// The names of one object so far: a list while it is short, a set from then on.
#[derive(Debug, Default)]
struct Names<'a> {
    few: Vec<Cow<'a, str>>,
    many: HashSet<Cow<'a, str>>,
}

impl<'a> Names<'a> {
    /// Gives the name back if it was there already.
    fn insert(&mut self, name: Cow<'a, str>) -> Option<Cow<'a, str>> {
        const FEW: usize = 16;
        if self.many.is_empty() && self.few.len() < FEW {
            if self.few.contains(&name) {
                return Some(name);
            }
            self.few.push(name);
            return None;
        }
        self.many.extend(self.few.drain(..));
        if self.many.contains(&name) {
            return Some(name);
        }
        self.many.insert(name);
        None
    }
}

/// The fault of a second member of the same name; `what` is `key` or `member`.
pub(crate) fn duplicate(at: usize, what: &str, name: &str) -> Fault {
    let short: String = name.chars().take(40).collect();
    Fault::new(at, format!("duplicate {what} {short:?}"))
}

/// The fault of a value that nests too deep.
pub(crate) fn too_deep(at: usize) -> Fault {
    Fault::new(at, format!("nested deeper than {MAX_DEPTH} levels"))
}

/// How many levels a checked text nests.
pub(crate) fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth -= 1,
            _ => {}
        }
    }
    deepest
}

/// The text of a JSON string whose escapes are still in it: UTF-8, and no bare control character.
fn check_raw(raw: &[u8], start: usize) -> Result<&str, Fault> {
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
fn unescape(raw: &str, start: usize) -> Result<String, Fault> {
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
pub(crate) fn find_unsafe(text: &str) -> Option<(usize, char)> {
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

fn push_escape(out: &mut String, c: char) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn compact(text: &str) -> Result<String, Fault> {
        let mut scanner = Scanner::new(text.as_bytes());
        let mut out = String::new();
        scanner.value(&mut out)?;
        scanner.end()?;
        Ok(out)
    }

    #[test]
    fn numbers_and_member_order_stay_as_they_were_written() {
        for text in
            ["18446744073709551616", "1.10", "1e400", "-0", "31.245270191439438", "1E+2", r#"{"z":1,"a":[2,{}]}"#]
        {
            assert_eq!(compact(text).unwrap(), text);
        }
    }

    #[test]
    fn white_space_between_tokens_goes_and_inside_strings_stays() {
        assert_eq!(compact(" { \"a b\" :\t[ 1 ,\n2 ] , \"c\" : \" x \" } ").unwrap(), r#"{"a b":[1,2],"c":" x "}"#);
    }

    #[test]
    fn what_is_not_json_is_refused_at_its_byte() {
        for (text, at, word) in [
            ("", 0, "ends"),
            ("{", 1, "ends"),
            ("[1,]", 2, "trailing comma"),
            ("{\"a\":1,}", 6, "trailing comma"),
            ("[1 2]", 3, "',' or ']'"),
            ("01", 0, "begin with 0"),
            ("1.", 2, "digit"),
            ("-", 1, "digit"),
            ("1e", 2, "digit"),
            ("nul", 0, "a value"),
            ("{a:1}", 1, "double quotes"),
            ("'a'", 0, "double quotes"),
            ("NaN", 0, "NaN"),
            ("// x", 0, "comments"),
            ("1 1", 2, "trailing data"),
            ("\"abc", 0, "ends inside"),
            ("\"\\x\"", 1, "unknown escape"),
            ("\"\\u12g4\"", 1, "four hex"),
            ("\"\\ud800\"", 1, "surrogate"),
            ("\"\\udc00\"", 1, "surrogate"),
            ("\"\\ud800\\u0041\"", 1, "surrogate"),
            ("\"a\nb\"", 2, "control character"),
            ("{\"a\":1,\"\\u0061\":2}", 7, "duplicate member"),
            ("[1]\0\0", 3, "zero bytes"),
        ] {
            let fault = compact(text).unwrap_err();
            assert!(fault.reason.contains(word), "{text:?}: {fault:?}");
            assert_eq!(fault.at, at, "{text:?}: {fault:?}");
        }
    }

    #[test]
    fn nesting_ends_at_its_limit_without_touching_the_stack() {
        let nest = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(compact(&nest(MAX_DEPTH)).is_ok());
        assert!(compact(&nest(MAX_DEPTH + 1)).unwrap_err().reason.contains("nested deeper"));
        assert!(compact(&"[".repeat(1_000_000)).unwrap_err().reason.contains("nested deeper"));
    }

    #[test]
    fn a_duplicate_is_found_among_many_members() {
        let members: Vec<String> = (0..1000).map(|n| format!("\"k{n}\":{n}")).collect();
        let text = format!("{{{},\"k999\":0}}", members.join(","));
        assert!(compact(&text).unwrap_err().reason.contains("duplicate member \"k999\""));
    }

    #[test]
    fn unsafe_characters_inside_json_become_escapes() {
        assert_eq!(compact("[\"a\u{202e}b\u{7f}\u{9b}é\u{200d}\"]").unwrap(), "[\"a\\u202eb\\u007f\\u009bé\u{200d}\"]");
    }

    proptest! {
        #[test]
        fn a_written_string_reads_back_and_holds_nothing_unsafe(text in any::<String>()) {
            let mut written = String::new();
            write_string(&mut written, &text);
            prop_assert!(!written.chars().any(is_unsafe));
            let mut scanner = Scanner::new(written.as_bytes());
            prop_assert_eq!(scanner.string().unwrap(), text.as_str());
            prop_assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
        }

        #[test]
        fn any_bytes_are_read_or_refused_and_what_is_read_serde_json_reads_too(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut out = String::new();
            let mut scanner = Scanner::new(&bytes);
            if scanner.value(&mut out).is_ok() && scanner.end().is_ok() {
                prop_assert!(serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).is_ok());
            }
        }

        #[test]
        fn near_json_is_judged_as_serde_json_judges_it(text in "[\\[\\]{}:,\"a\\\\u0-9eE.+ -]{0,12}") {
            let strict = compact(&text).is_ok();
            let serde = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            let duplicate = compact(&text).is_err_and(|fault| fault.reason.contains("duplicate") || fault.reason.contains("surrogate"));
            prop_assert!(strict == serde || duplicate, "{}: ours {} serde {}", text, strict, serde);
        }
    }
}
