//! Changes inside a document: only the bytes of the part that is named change.
//!
//! The crate json-patch works on `serde_json::Value`, which keeps numbers as `f64` or 64-bit integers and members sorted
//! (unless features change that for the whole program, and with it what keys may be called): 1.10 would become 1.1,
//! 1e400 an error, and the order of an object would be lost. Here the text itself is cut and joined, so all that is not
//! named stays as it was written.

use super::pointer::{JsonPointer, wrapping};
use super::walk::{Obstacle, PartSpan, Reached, count_items, kind_of, walk};
use super::{MAX_DEPTH, MAX_LEN, depth, write_string};
use crate::error::{Error, Result};

/// How a part is put into a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PutMode {
    /// In place of the old value, or as a new member or item.
    Set,
    /// The same; what is missing on the way is made.
    SetWithParents,
    /// As [`PutMode::Set`], but before an existing item (the `add` of RFC 6902).
    Add,
}

/// Puts a value into a text. After an error the text is as it was.
pub(crate) fn put(text: &mut String, pointer: &JsonPointer, value: &str, how: PutMode) -> Result<()> {
    check_depth(pointer.tokens().len() + depth(value))?;
    let (depth, obstacle) = match walk(text, pointer) {
        Reached::There { part, is_item } if is_item && how == PutMode::Add => {
            return splice(text, part.begin..part.begin, &[value, ","]);
        }
        Reached::There { part, .. } => return splice(text, part.value, &[value]),
        Reached::Short { depth, obstacle } => (depth, obstacle),
    };
    let (token, rest) = (&pointer.tokens()[depth], &pointer.tokens()[depth + 1..]);
    if !rest.is_empty() && how != PutMode::SetWithParents {
        return Err(nothing_at(&pointer.outer(depth + 1)));
    }
    let mut name = String::new();
    let close = match obstacle {
        Obstacle::NoMember { close } => {
            write_string(&mut name, token);
            name.push(':');
            close
        }
        Obstacle::NewItem { close } => close,
        _ => return Err(no_place(pointer, depth, obstacle)),
    };
    // A value never ends in an opening bracket, nor does a checked text hold white space before a closing one.
    let comma = if text[..close].ends_with(['{', '[']) { "" } else { "," };
    let (open, end) = wrapping(rest);
    splice(text, close..close, &[comma, &name, &open, value, &end])
}

/// Takes a part out of a text; `None` if there is none.
pub(crate) fn remove(text: &mut String, pointer: &JsonPointer) -> Result<Option<String>> {
    if pointer.tokens().is_empty() {
        let reason = "the empty pointer names the whole value, which cannot be removed from itself";
        return Err(Error::NotApplicable { reason: reason.to_owned() });
    }
    let Reached::There { part: PartSpan { begin, value }, .. } = walk(text, pointer) else { return Ok(None) };
    let removed = text[value.clone()].to_owned();
    let end = value.end;
    let is_first = text[..begin].ends_with(['{', '[']);
    let range = match text.as_bytes()[end] {
        b',' => begin..end + 1,
        _ if is_first => begin..end,
        _ => begin - 1..end,
    };
    text.replace_range(range, "");
    Ok(Some(removed))
}

/// Adds values to an array, in their order; how many items it has then.
pub(crate) fn push<'v>(text: &mut String, values: impl Iterator<Item = &'v str>, front: bool) -> Result<usize> {
    let items = items_of(text)?;
    let (mut joined, mut length) = (String::new(), items);
    for value in values {
        check_depth(1 + depth(value))?;
        if length > items {
            joined.push(',');
        }
        joined.push_str(value);
        length += 1;
    }
    let comma = if items == 0 || length == items { "" } else { "," };
    let at = if front { 1 } else { text.len() - 1 };
    let pieces = if front { [&joined, comma] } else { [comma, &joined] };
    splice(text, at..at, &pieces)?;
    Ok(length)
}

/// Takes the first or the last item out of an array; `None` if it is empty.
pub(crate) fn pop(text: &mut String, front: bool) -> Result<Option<String>> {
    match items_of(text)? {
        0 => Ok(None),
        items => remove(text, &JsonPointer::item(if front { 0 } else { items - 1 })),
    }
}

/// How many items an array has.
fn items_of(text: &str) -> Result<usize> {
    let not_an_array = || Error::WrongType { wanted: "a JSON array", found: kind_of(text).to_owned() };
    count_items(text).ok_or_else(not_an_array)
}

/// Puts other text into the place of a range.
fn splice(text: &mut String, range: std::ops::Range<usize>, pieces: &[&str]) -> Result<()> {
    let bytes: usize = pieces.iter().map(|piece| piece.len()).sum();
    check_length(text.len() - range.len() + bytes)?;
    text.try_reserve(bytes.saturating_sub(range.len()))
        .map_err(|_| Error::OutOfMemory { bytes: text.len() + bytes })?;
    match pieces {
        [piece] => text.replace_range(range, piece),
        pieces => text.replace_range(range, &pieces.concat()),
    }
    Ok(())
}

/// Fails if a text is too long to be a value.
pub(super) fn check_length(length: usize) -> Result<()> {
    if length > MAX_LEN {
        return Err(Error::Limit { what: "the value", actual: format!("{length} bytes"), limit: "512 MiB" });
    }
    Ok(())
}

/// Fails if a text nests too deep to be a value.
pub(super) fn check_depth(levels: usize) -> Result<()> {
    if levels > MAX_DEPTH {
        return Err(Error::Limit { what: "nesting", actual: format!("{levels} levels"), limit: "100 levels" });
    }
    Ok(())
}

/// The failure of what needs a part that is not there.
pub(super) fn nothing_at(pointer: &JsonPointer) -> Error {
    Error::NothingThere { pointer: pointer.to_string() }
}

/// The failure of putting a part where none can be.
fn no_place(pointer: &JsonPointer, depth: usize, obstacle: Obstacle) -> Error {
    let container = pointer.outer(depth).to_string();
    let whole = if container.is_empty() { "the value".to_owned() } else { format!("'{container}'") };
    let token = &pointer.tokens()[depth];
    let reason = match obstacle {
        Obstacle::PastEnd { items } => {
            format!("{whole} is an array of {items} items, so '{token}' is past its end; '{container}/-' adds an item")
        }
        Obstacle::Plain(what) => format!("{whole} is {what}, so it cannot have a member '{token}'"),
        _ => format!("{whole} is an array: expected the number of an item, or - for a new one, found '{token}'"),
    };
    Error::NotApplicable { reason: reason.escape_debug().to_string().replace("\\'", "'").replace("\\\"", "\"") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str, pointer: &str, value: &str, how: PutMode) -> Result<String> {
        let mut text = text.to_owned();
        put(&mut text, &JsonPointer::parse(pointer)?, value, how).map(|()| text)
    }

    fn removed(text: &str, pointer: &str) -> String {
        let mut text = text.to_owned();
        remove(&mut text, &JsonPointer::parse(pointer).unwrap()).unwrap();
        text
    }

    #[test]
    fn a_part_is_replaced_or_added_and_the_rest_stays() {
        let text = r#"{"z":1.10,"a":[1e400,-0,{"b\u0041":"\/"}],"n":18446744073709551616}"#;
        for (pointer, value, wanted) in [
            ("/z", "2", r#"{"z":2,"a":[1e400,-0,{"b\u0041":"\/"}],"n":18446744073709551616}"#),
            ("/a/1", "[]", r#"{"z":1.10,"a":[1e400,[],{"b\u0041":"\/"}],"n":18446744073709551616}"#),
            ("/a/2/bA", "7", r#"{"z":1.10,"a":[1e400,-0,{"b\u0041":7}],"n":18446744073709551616}"#),
            ("/a/-", "7", r#"{"z":1.10,"a":[1e400,-0,{"b\u0041":"\/"},7],"n":18446744073709551616}"#),
            ("/a/3", "7", r#"{"z":1.10,"a":[1e400,-0,{"b\u0041":"\/"},7],"n":18446744073709551616}"#),
            ("/new\n", "7", r#"{"z":1.10,"a":[1e400,-0,{"b\u0041":"\/"}],"n":18446744073709551616,"new\n":7}"#),
            ("", "7", "7"),
        ] {
            assert_eq!(set(text, pointer, value, PutMode::Set).unwrap(), wanted, "{pointer}");
        }
        assert_eq!(set("{}", "/a", "1", PutMode::Set).unwrap(), r#"{"a":1}"#);
        assert_eq!(set("[1,2]", "/0", "0", PutMode::Add).unwrap(), "[0,1,2]");
        assert_eq!(set("{}", "/a/-/b/0/c", "1", PutMode::SetWithParents).unwrap(), r#"{"a":[{"b":[{"c":1}]}]}"#);
    }

    #[test]
    fn what_has_no_place_is_refused_with_its_reason() {
        for (text, pointer, how, word) in [
            ("{}", "/a/b", PutMode::Set, "nothing at '/a'"),
            ("[1]", "/7", PutMode::Set, "past its end; '/-' adds"),
            ("[1]", "/x", PutMode::Set, "expected the number of an item"),
            ("[1]", "/x/y", PutMode::SetWithParents, "expected the number of an item"),
            (r#"{"a":5}"#, "/a/b", PutMode::SetWithParents, "'/a' is a number"),
            ("null", "/a", PutMode::Set, "the value is null"),
        ] {
            let message = set(text, pointer, "1", how).unwrap_err().to_string();
            assert!(message.contains(word), "{pointer}: {message}");
        }
        assert!(set("[]", &"/0".repeat(100), "[]", PutMode::SetWithParents).is_err());
        assert!(set("[]", &"/0".repeat(100), "1", PutMode::SetWithParents).is_ok());
    }

    #[test]
    fn a_part_goes_with_one_comma() {
        for (text, pointer, wanted) in [
            ("[1,2,3]", "/0", "[2,3]"),
            ("[1,2,3]", "/1", "[1,3]"),
            ("[1,2,3]", "/2", "[1,2]"),
            ("[1]", "/0", "[]"),
            (r#"{"a":1,"b":{"c":"}"}}"#, "/b", r#"{"a":1}"#),
            (r#"{"a":1,"b":{"c":"}"}}"#, "/b/c", r#"{"a":1,"b":{}}"#),
            (r#"{"a":1,"b":2}"#, "/a", r#"{"b":2}"#),
            (r#"{"a":1}"#, "/b", r#"{"a":1}"#),
        ] {
            assert_eq!(removed(text, pointer), wanted, "{pointer}");
        }
    }
}
