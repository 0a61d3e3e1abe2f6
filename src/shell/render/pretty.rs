//! JSON for a terminal: colored, with one entry per line. A container without nested ones stays on one line if it fits.
//!
//! Only white space is added: members, their order and the digits of numbers are as stored. Active characters become
//! `\u` escapes, so the output is still JSON.

use std::fmt::Write as _;
use std::io::{self, Write};

use unicode_width::UnicodeWidthStr as _;

use super::CHUNK;
use super::style::{self, Style};
use crate::shell::text::escape;

/// Spaces per level.
const INDENT: usize = 2;
/// A longer container is broken into lines, however wide the terminal is.
const LONGEST: usize = 100;

/// Writes compact JSON in several lines, and a newline.
pub(super) fn json(out: &mut dyn Write, color: bool, room: usize, text: &str) -> io::Result<()> {
    let mut spread = Spread { lines: String::new(), color, room, depth: 0, column: 0, is_inline: false };
    let mut rest = text;
    while let Some(token) = token(rest) {
        rest = &rest[token.len()..];
        match token {
            "{" | "[" if rest.starts_with(['}', ']']) => {
                spread.lines.push_str(token);
                spread.lines.push_str(&rest[..1]);
                rest = &rest[1..];
                spread.column += 2;
            }
            "{" | "[" => spread.open(token, rest),
            "}" | "]" => spread.close(token),
            "," if spread.is_inline => spread.lines.push_str(", "),
            "," => {
                spread.lines.push(',');
                spread.new_line();
            }
            ":" => {
                spread.lines.push_str(": ");
                spread.column += 2;
            }
            scalar => spread.scalar(scalar, rest.starts_with(':')),
        }
        if spread.lines.len() >= CHUNK {
            out.write_all(spread.lines.as_bytes())?;
            spread.lines.clear();
        }
    }
    spread.lines.push('\n');
    out.write_all(spread.lines.as_bytes())
}

/// The formatter.
struct Spread {
    /// The rest of the input.
    lines: String,
    color: bool,
    room: usize,
    /// The number of open containers that are broken into lines.
    depth: usize,
    /// The columns used in this line.
    column: usize,
    /// Whether it is inside a container that stays on one line.
    is_inline: bool,
}

impl Spread {
    /// Opens a container; `rest` is its contents and everything after it.
    fn open(&mut self, token: &str, rest: &str) {
        self.lines.push_str(token);
        // Numbers in a row are read at once; without a terminal's width there is no end to them.
        let is_numbers = token == "[" && self.room != usize::MAX && is_numbers(rest, self.room);
        let room = if is_numbers { self.room } else { self.room.min(LONGEST) };
        self.is_inline = width_inline(token, rest, room.saturating_sub(self.column)).is_some();
        if self.is_inline {
            self.column += 1;
        } else {
            self.depth += 1;
            self.new_line();
        }
    }

    fn close(&mut self, token: &str) {
        if self.is_inline {
            self.is_inline = false;
        } else {
            self.depth -= 1;
            self.new_line();
        }
        self.lines.push_str(token);
        self.column += 1;
    }

    fn scalar(&mut self, scalar: &str, is_name: bool) {
        let shown = shown(scalar);
        self.column += shown.width();
        let style: Style = match scalar.as_bytes()[0] {
            b'"' if is_name => style::key,
            b'"' => style::string,
            b't' | b'f' | b'n' => style::literal,
            _ => style::number,
        };
        self.lines.push_str(&style(self.color, &shown));
    }

    fn new_line(&mut self) {
        self.column = self.depth * INDENT;
        self.lines.push('\n');
        self.lines.extend(std::iter::repeat_n(' ', self.column));
    }
}

/// Whether an array holds nothing but numbers, as far as a line shows it.
fn is_numbers(rest: &str, room: usize) -> bool {
    let is_of_number = |byte: &u8| byte.is_ascii_digit() || b"+-.eE,".contains(byte);
    rest.bytes().take(room).take_while(|&byte| byte != b']').all(|byte| is_of_number(&byte))
}

/// Columns of a container on one line, if it holds no other but empty ones and is no wider than `room`.
fn width_inline(open: &str, mut rest: &str, room: usize) -> Option<usize> {
    let mut width = open.len();
    loop {
        let token = token(rest)?;
        rest = &rest[token.len()..];
        width += match token {
            "{" | "[" if rest.starts_with(['}', ']']) => {
                rest = &rest[1..];
                2
            }
            "{" | "[" => return None,
            "}" | "]" => return Some(width + 1).filter(|width| *width < room),
            "," | ":" => 2,
            // A long one need not be measured.
            scalar if scalar.len() > 4 * room => return None,
            scalar => shown(scalar).width(),
        };
        if width >= room {
            return None;
        }
    }
}

/// The first token of a JSON text.
fn token(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let length = match bytes.first()? {
        b'"' => {
            let mut at = 1;
            loop {
                at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
                if bytes[at] == b'"' {
                    break at + 1;
                }
                at += 2;
            }
        }
        b'{' | b'}' | b'[' | b']' | b',' | b':' => 1,
        _ => bytes.iter().position(|byte| b",:{}[]\"".contains(byte)).unwrap_or(bytes.len()),
    };
    text.get(..length)
}

/// A token, escaped for a terminal.
fn shown(token: &str) -> std::borrow::Cow<'_, str> {
    if !token.contains(escape::is_unsafe) {
        return token.into();
    }
    let mut safe = String::with_capacity(token.len() + 8);
    for c in token.chars() {
        if escape::is_unsafe(c) {
            // All of these characters are in the Basic Multilingual Plane.
            write!(safe, "\\u{:04x}", u32::from(c)).expect("a String takes all that is written");
        } else {
            safe.push(c);
        }
    }
    safe.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::json as value;
    use super::*;

    fn pretty(room: usize, text: &str) -> String {
        let mut out = Vec::new();
        json(&mut out, false, room, std::str::from_utf8(value(text).as_bytes()).unwrap()).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_fits_stays_on_its_line_and_the_rest_is_an_entry_a_line() {
        assert_eq!(pretty(80, r#"{"name":"Ada","age":36}"#), "{\"name\": \"Ada\", \"age\": 36}\n");
        assert_eq!(pretty(20, r#"{"name":"Ada","age":36}"#), "{\n  \"name\": \"Ada\",\n  \"age\": 36\n}\n");
        assert_eq!(
            pretty(80, r#"{"a":[1,2,{}],"b":{"c":null},"d":[[true]]}"#),
            "{\n  \"a\": [1, 2, {}],\n  \"b\": {\"c\": null},\n  \"d\": [\n    [true]\n  ]\n}\n"
        );
        let numbers = format!("[{}]", ["1234"; 20].join(","));
        assert_eq!(pretty(125, &numbers), numbers.replace(',', ", ") + "\n", "numbers take the whole width");
        assert_eq!(pretty(100, &numbers).lines().count(), 22);
        for scalar in ["[]", "{}", "1e400", "\"a\\\"b\"", "null"] {
            assert_eq!(pretty(80, &format!("[{scalar}]")), format!("[{scalar}]\n"));
        }
    }

    #[test]
    fn what_could_act_is_escaped_as_json_is() {
        assert_eq!(pretty(80, "[\"a\u{202e}b\u{9b}\"]"), "[\"a\\u202eb\\u009b\"]\n");
    }

    #[test]
    fn colors_tell_names_texts_numbers_and_words_apart() {
        let mut out = Vec::new();
        json(&mut out, true, 80, r#"{"a":["b",1,true]}"#).unwrap();
        let text = String::from_utf8(out).unwrap();
        for styled in [
            style::key(true, "\"a\""),
            style::string(true, "\"b\""),
            style::number(true, "1"),
            style::literal(true, "true"),
        ] {
            assert!(text.contains(&styled), "{text:?}");
        }
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(5, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_shown_is_the_same_json_and_safe(given in any_json(), room in 20usize..120) {
            let given = serde_json::json!([given]);
            let shown = pretty(room, &given.to_string());
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), given);
            prop_assert!(!shown.replace('\n', "").contains(escape::is_unsafe));
            prop_assert!(shown.lines().all(|line| line == line.trim_end()));
        }
    }
}
