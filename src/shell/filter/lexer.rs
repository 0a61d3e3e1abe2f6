//! Tokens of a filter, taken one at a time: what follows a quote depends on who asks.

use std::ops::Range;

use super::problem::FilterProblem;

/// A token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum FilterToken<'t> {
    /// `.name`, without the dot.
    Field(&'t str),
    /// A function's name, or a word such as `and`.
    Name(&'t str),
    /// `$name`, without the dollar sign.
    Variable(&'t str),
    /// A number, as it was written.
    Number(&'t str),
    /// `@name`.
    Format(&'t str),
    /// The quote that opens a string.
    Quote,
    /// Any other sign.
    Sign(&'static str),
    End,
}

/// Every sign of jq, the longer ones first. Those that filters lack are here too, so that they are named in full.
const SIGNS: [&str; 34] = [
    "?//", "//=", "==", "!=", "<=", ">=", "//", "|=", "+=", "-=", "*=", "/=", "%=", "..", ".", "[", "]", "(", ")", "{",
    "}", "|", ",", ":", ";", "=", "<", ">", "+", "-", "*", "/", "%", "?",
];

/// What comes next inside a string.
#[derive(Debug, PartialEq)]
pub(super) enum Piece {
    /// Text, then the `\(` of an expression.
    Before(String),
    /// Text, then the closing quote.
    Last(String),
}

/// Reads a filter's text.
#[derive(Debug)]
pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// The next token and where it stands.
    pub(super) fn next(&mut self) -> Result<(FilterToken<'t>, Range<usize>), FilterProblem> {
        self.skip_blank();
        let (start, rest) = (self.at, &self.text[self.at..]);
        let Some(first) = rest.chars().next() else { return Ok((FilterToken::End, start..start)) };
        let after = &rest[first.len_utf8()..];
        let (token, length) = match first {
            '"' => (FilterToken::Quote, 1),
            '.' if name_length(after) > 0 => {
                let length = name_length(after);
                (FilterToken::Field(&after[..length]), 1 + length)
            }
            '$' | '@' if name_length(after) > 0 => {
                let name = &after[..name_length(after)];
                (if first == '$' { FilterToken::Variable(name) } else { FilterToken::Format(name) }, 1 + name.len())
            }
            _ if number_length(rest) > 0 => {
                let length = number_length(rest);
                (FilterToken::Number(&rest[..length]), length)
            }
            _ if name_length(rest) > 0 => {
                let mut length = name_length(rest);
                while rest[length..].starts_with("::") && name_length(&rest[length + 2..]) > 0 {
                    length += 2 + name_length(&rest[length + 2..]);
                }
                (FilterToken::Name(&rest[..length]), length)
            }
            _ => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                Some(sign) => (FilterToken::Sign(sign), sign.len()),
                None => {
                    let span = start..start + first.len_utf8();
                    let hint = if first == '\'' { "; strings are in double quotes" } else { "" };
                    return Err(FilterProblem::syntax(span, format!("unexpected {first:?}{hint}")));
                }
            },
        };
        self.at += length;
        Ok((token, start..self.at))
    }

    /// Goes on inside a string, up to its next expression or its end. `start` is where the string began.
    pub(super) fn piece(&mut self, start: usize) -> Result<Piece, FilterProblem> {
        let mut text = String::new();
        loop {
            let rest = &self.text[self.at..];
            let Some(end) = memchr::memchr2(b'"', b'\\', rest.as_bytes()) else {
                return Err(FilterProblem::syntax(start..self.text.len(), "this string has no closing quote"));
            };
            text.push_str(&rest[..end]);
            self.at += end + 1;
            if rest.as_bytes()[end] == b'"' {
                return Ok(Piece::Last(text));
            }
            if rest[end..].starts_with("\\(") {
                self.at += 1;
                return Ok(Piece::Before(text));
            }
            text.push(self.escape()?);
        }
    }

    /// The character that an escape stands for, whose backslash was read.
    fn escape(&mut self) -> Result<char, FilterProblem> {
        let start = self.at - 1;
        let rest = &self.text[self.at..];
        let Some(name) = rest.chars().next() else {
            return Err(FilterProblem::syntax(start..self.at, "unknown escape"));
        };
        let plain = match name {
            '"' | '\\' | '/' => Some(name),
            'b' => Some('\u{8}'),
            'f' => Some('\u{c}'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            _ => None,
        };
        if let Some(c) = plain {
            self.at += 1;
            return Ok(c);
        }
        let unit = |at: usize| {
            let digits =
                self.text.get(at + 1..at + 5).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
            u16::from_str_radix(digits, 16).ok().filter(|_| self.text.as_bytes()[at] == b'u')
        };
        let high = unit(self.at);
        let low = high.filter(|_| self.text.get(self.at + 5..self.at + 6) == Some("\\"));
        let low = low.filter(|_| self.text.len() > self.at + 6).and_then(|_| unit(self.at + 6));
        let units: Vec<u16> = high.into_iter().chain(low).collect();
        let decoded = char::decode_utf16(units).next();
        match decoded {
            Some(Ok(c)) => {
                self.at += if u32::from(c) > 0xffff { 11 } else { 5 };
                Ok(c)
            }
            Some(Err(_)) => Err(FilterProblem::syntax(start..self.at + 5, "half of a surrogate pair: no character")),
            None => {
                let known = "unknown escape; strings know \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX and \\(EXPRESSION)";
                Err(FilterProblem::syntax(start..self.at + name.len_utf8(), known))
            }
        }
    }

    /// White space, and comments up to the end of their line.
    fn skip_blank(&mut self) {
        loop {
            let rest = &self.text[self.at..];
            let left = rest.trim_start_matches([' ', '\t', '\n', '\r']);
            self.at += rest.len() - left.len();
            if !left.starts_with('#') {
                return;
            }
            self.at += left.find('\n').unwrap_or(left.len());
        }
    }
}

fn name_length(text: &str) -> usize {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    text.len() - text.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').len()
}

/// The length of a number at the start: `1`, `1.`, `1.5`, `.5`, each with an exponent.
fn number_length(text: &str) -> usize {
    let digits = |from: usize| text.as_bytes()[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits(0);
    let mut at = whole;
    if text[at..].starts_with('.') {
        let fraction = digits(at + 1);
        if whole + fraction > 0 {
            at += 1 + fraction;
        }
    }
    if at == 0 {
        return 0;
    }
    if text[at..].starts_with(['e', 'E']) {
        let sign = usize::from(text[at + 1..].starts_with(['+', '-']));
        let exponent = digits(at + 1 + sign);
        if exponent > 0 {
            at += 1 + sign + exponent;
        }
    }
    at
}
