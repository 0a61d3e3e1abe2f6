//! JSON for a person: an entry a line and coloured. What holds no other container stays on one line if it fits there.
//!
//! The text is only spread out: members, their order and the digits of numbers are what was stored. What could act on a
//! terminal becomes a `\u` escape, so that what is shown is JSON still.

use std::fmt::Write as _;
use std::io::{self, Write};

use unicode_width::UnicodeWidthStr as _;

use super::CHUNK;
use super::style::{self, Style};
use crate::shell::text::escape;

/// Blanks a level.
const INDENT: usize = 2;
/// A container longer than this is spread out, however wide the terminal is.
const LONGEST: usize = 100;

/// Writes JSON that has no white space between its tokens, and a newline.
pub(super) fn json(out: &mut dyn Write, color: bool, room: usize, text: &str) -> io::Result<()> {
    let mut lines = String::new();
    let mut depth = 0;
    let mut rest = text;
    // Columns taken in this line.
    let mut column = 0;
    let mut is_inline = false;
    while let Some(token) = token(rest) {
        rest = &rest[token.len()..];
        match token {
            "{" | "[" if rest.starts_with(['}', ']']) => {
                lines.push_str(token);
                lines.push_str(&rest[..1]);
                rest = &rest[1..];
                column += 2;
            }
            "{" | "[" => {
                lines.push_str(token);
                is_inline = width_inline(token, rest, room.min(LONGEST).saturating_sub(column)).is_some();
                if is_inline {
                    column += 1;
                } else {
                    depth += 1;
                    column = new_line(&mut lines, depth);
                }
            }
            "}" | "]" => {
                if is_inline {
                    is_inline = false;
                } else {
                    depth -= 1;
                    column = new_line(&mut lines, depth);
                }
                lines.push_str(token);
                column += 1;
            }
            "," if is_inline => lines.push_str(", "),
            "," => {
                lines.push(',');
                column = new_line(&mut lines, depth);
            }
            ":" => {
                lines.push_str(": ");
                column += 2;
            }
            scalar => {
                let shown = shown(scalar);
                column += shown.width();
                let style: Style = match scalar.as_bytes()[0] {
                    b'"' if rest.starts_with(':') => style::key,
                    b'"' => style::string,
                    b't' | b'f' | b'n' => style::literal,
                    _ => style::number,
                };
                lines.push_str(&style(color, &shown));
            }
        }
        if lines.len() >= CHUNK {
            out.write_all(lines.as_bytes())?;
            lines.clear();
        }
    }
    lines.push('\n');
    out.write_all(lines.as_bytes())
}

fn new_line(lines: &mut String, depth: usize) -> usize {
    lines.push('\n');
    lines.extend(std::iter::repeat_n(' ', depth * INDENT));
    depth * INDENT
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
            // A long one is not worth measuring.
            scalar if scalar.len() > 4 * room => return None,
            scalar => shown(scalar).width(),
        };
        if width >= room {
            return None;
        }
    }
}

/// The first token of some JSON.
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

/// A token as a terminal may see it.
fn shown(token: &str) -> std::borrow::Cow<'_, str> {
    if !token.contains(escape::is_unsafe) {
        return token.into();
    }
    let mut safe = String::with_capacity(token.len() + 8);
    for c in token.chars() {
        if escape::is_unsafe(c) {
            // All of them are in the first plane.
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

    use super::super::tests::json as value;
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
        for scalar in ["[]", "{}", "1e400", "\"a\\\"b\"", "null"] {
            assert_eq!(pretty(80, &format!("[{scalar}]")), format!("[{scalar}]\n"));
        }
    }

    #[test]
    fn what_could_act_is_escaped_as_json_is() {
        assert_eq!(pretty(80, "[\"a\u{202e}b\u{9b}\"]"), "[\"a\\u202eb\\u009b\"]\n");
    }

    #[test]
    fn colours_tell_names_texts_numbers_and_words_apart() {
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
