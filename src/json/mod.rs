//! JSON as text: one checking scanner, one way to write a string, and changes of parts by their pointers. Pure.
//!
//! The scanner never builds a tree. It checks RFC 8259 strictly and three things more that a store needs: no
//! object names a member twice, nesting ends at [`MAX_DEPTH`], and a number is any number, kept digit for digit.

mod edit;

mod equal;

mod finite;

mod merge;

mod patch;

mod pointer;

#[cfg(test)]
mod properties;

mod scanner;

mod sink;

mod strings;

mod walk;

pub(crate) use self::edit::{PutMode, pop, push, put, remove};
pub(crate) use self::finite::check_finite;
pub(crate) use self::merge::merged;
pub(crate) use self::patch::patched;
pub(crate) use self::pointer::JsonPointer;
pub(crate) use self::scanner::Scanner;
pub(crate) use self::sink::{Length, Nowhere, Same, Sink};
pub(crate) use self::strings::{Escaped, is_unsafe, unescape_in_place, write_string};
pub(crate) use self::walk::{part, parts};

/// The longest value, in bytes.
pub(crate) const MAX_LEN: usize = 512 << 20;

/// How deep arrays and objects may nest in a value.
pub(crate) const MAX_DEPTH: usize = 100;

/// The first fault in a text, and its offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Offset in bytes.
    pub(crate) at: usize,
    /// What is wrong, without the place.
    pub(crate) reason: String,
    /// Whether the JSON is valid there, but not of the expected form.
    pub(crate) shape: bool,
}

impl Fault {
    pub(crate) fn new(at: usize, reason: impl Into<String>) -> Self {
        Self { at, reason: reason.into(), shape: false }
    }

    pub(crate) fn shape(at: usize, reason: impl Into<String>) -> Self {
        Self { at, reason: reason.into(), shape: true }
    }

    /// The line and column of the fault in `bytes`, both from 1; the column counts characters, or bytes if the line is
    /// not UTF-8.
    pub(crate) fn place(&self, bytes: &[u8]) -> (u64, u64) {
        let before = &bytes[..self.at.min(bytes.len())];
        let line_start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        let in_line = &before[line_start..];
        let column = std::str::from_utf8(in_line).map_or(in_line.len(), |text| text.chars().count()) + 1;
        (line as u64, column as u64)
    }
}

/// The fault of a duplicate name; `what` is `key` or `member`.
pub(crate) fn duplicate(at: usize, what: &str, name: &str) -> Fault {
    Fault::new(at, format!("duplicate {what} {:?}", crate::error::cut(name)))
}

/// The fault of a value that is nested too deep.
pub(crate) fn too_deep(at: usize) -> Fault {
    Fault::new(at, format!("nested deeper than {MAX_DEPTH} levels"))
}

/// The nesting depth of a checked text.
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
            ("", 0, "the end of the text"),
            ("{", 1, "the end of the text"),
            ("[1,]", 2, "trailing comma"),
            ("{\"a\":1,}", 6, "trailing comma"),
            ("[1 2]", 3, "',' or ']'"),
            ("01", 0, "start with 0"),
            ("1.", 2, "digit"),
            ("-", 1, "digit"),
            ("1e", 2, "digit"),
            ("nul", 0, "a value"),
            ("{a:1}", 1, "double quotes"),
            ("'a'", 0, "double quotes"),
            ("NaN", 0, "NaN"),
            ("// x", 0, "comments"),
            ("1 1", 2, "unexpected data after"),
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
