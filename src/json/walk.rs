//! Where the parts of a checked text are, in bytes.

use std::borrow::Cow;
use std::ops::Range;

use super::Scanner;
use super::pointer::{JsonPointer, index};

const CHECKED: &str = "the text was checked";

/// Where a part is.
#[derive(Debug)]
pub(super) struct PartSpan {
    /// Where its member begins, with the name, or its item.
    pub(super) begin: usize,
    pub(super) value: Range<usize>,
}

/// How far a pointer leads.
#[derive(Debug)]
pub(super) enum Reached {
    /// To a part; whether it is an item of an array.
    There { part: PartSpan, is_item: bool },
    /// Not to its end.
    Short { depth: usize, obstacle: Obstacle },
}

/// What is where a pointer leads no further.
#[derive(Clone, Copy, Debug)]
pub(super) enum Obstacle {
    /// An object without that member; it ends at `close`.
    NoMember { close: usize },
    /// An array that has just as many items, or is asked for a new one.
    NewItem { close: usize },
    /// An array of so few items.
    PastEnd { items: usize },
    /// An array, and the token is no number.
    NotAnIndex,
    /// Neither object nor array, but this.
    Plain(&'static str),
}

/// Follows a pointer as far as it leads.
pub(super) fn walk(text: &str, pointer: &JsonPointer) -> Reached {
    let mut scanner = Scanner::new(text.as_bytes());
    let (mut begin, mut is_item) = (0, false);
    for (depth, token) in pointer.tokens().iter().enumerate() {
        is_item = scanner.peek() == Some(b'[');
        match descend(&mut scanner, token) {
            Ok(at) => begin = at,
            Err(obstacle) => return Reached::Short { depth, obstacle },
        }
    }
    Reached::There { part: PartSpan { begin, value: skip(&mut scanner) }, is_item }
}

/// The part of a text that a pointer names.
pub(crate) fn part<'t>(text: &'t str, pointer: &JsonPointer) -> Option<&'t str> {
    match walk(text, pointer) {
        Reached::There { part, .. } => Some(&text[part.value]),
        Reached::Short { .. } => None,
    }
}

/// Moves to a value in the value that comes next, and says where its member or item begins.
fn descend(scanner: &mut Scanner<'_>, token: &str) -> Result<usize, Obstacle> {
    match scanner.peek() {
        Some(b'{') => {
            scanner.expect(b'{', "").expect(CHECKED);
            let mut first = true;
            while scanner.more(b'}', first).expect(CHECKED) {
                first = false;
                let begin = scanner.at();
                if scanner.name().expect(CHECKED) == token {
                    return Ok(begin);
                }
                scanner.skip();
            }
            Err(Obstacle::NoMember { close: scanner.at() - 1 })
        }
        Some(b'[') => {
            let wanted = if token == "-" { usize::MAX } else { index(token).ok_or(Obstacle::NotAnIndex)? };
            scanner.expect(b'[', "").expect(CHECKED);
            let mut items = 0;
            while scanner.more(b']', items == 0).expect(CHECKED) {
                if items == wanted {
                    return Ok(scanner.at());
                }
                scanner.skip();
                items += 1;
            }
            let is_new = token == "-" || items == wanted;
            Err(if is_new { Obstacle::NewItem { close: scanner.at() - 1 } } else { Obstacle::PastEnd { items } })
        }
        first => Err(Obstacle::Plain(kind(first))),
    }
}

/// Takes the value that comes next, and says where it is.
fn skip(scanner: &mut Scanner<'_>) -> Range<usize> {
    let start = scanner.at();
    scanner.skip();
    start..scanner.at()
}

/// A member of an object.
#[derive(Debug)]
pub(super) struct MemberText<'t> {
    pub(super) name: Cow<'t, str>,
    /// The name as it is written, with its quotes.
    pub(super) raw_name: &'t str,
    pub(super) value: &'t str,
}

/// The members of an object; none for anything else.
pub(super) fn members(text: &str) -> Vec<MemberText<'_>> {
    let mut scanner = Scanner::new(text.as_bytes());
    let mut members = Vec::new();
    if !is_object(text) {
        return members;
    }
    scanner.expect(b'{', "").expect(CHECKED);
    while scanner.more(b'}', members.is_empty()).expect(CHECKED) {
        let begin = scanner.at();
        let name = scanner.name().expect(CHECKED);
        let raw_name = text[begin..scanner.at()].trim_end_matches(':');
        members.push(MemberText { name, raw_name, value: &text[skip(&mut scanner)] });
    }
    members
}

/// The items of an array; `None` for anything else.
pub(super) fn items(text: &str) -> Option<Vec<&str>> {
    let mut items = Vec::new();
    each_item(text, |item| items.push(item)).then_some(items)
}

/// How many items an array has; `None` for anything else.
pub(super) fn count_items(text: &str) -> Option<usize> {
    let mut count = 0;
    each_item(text, |_| count += 1).then_some(count)
}

/// Whether a text is an array, each item of which is told.
fn each_item<'t>(text: &'t str, mut item: impl FnMut(&'t str)) -> bool {
    if !text.starts_with('[') {
        return false;
    }
    let mut scanner = Scanner::new(text.as_bytes());
    scanner.expect(b'[', "").expect(CHECKED);
    let mut first = true;
    while scanner.more(b']', first).expect(CHECKED) {
        first = false;
        item(&text[skip(&mut scanner)]);
    }
    true
}

/// The parts of an object or array, by the tokens that name them; `None` for anything else.
pub(crate) fn parts(text: &str) -> Option<Vec<(String, &str)>> {
    if is_object(text) {
        return Some(members(text).into_iter().map(|member| (member.name.into_owned(), member.value)).collect());
    }
    items(text).map(|items| items.into_iter().enumerate().map(|(at, item)| (at.to_string(), item)).collect())
}

pub(super) fn is_object(text: &str) -> bool {
    text.starts_with('{')
}

/// What a value is, in words.
pub(crate) fn kind_of(text: &str) -> &'static str {
    kind(text.bytes().next())
}

fn kind(first: Option<u8>) -> &'static str {
    match first {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}
