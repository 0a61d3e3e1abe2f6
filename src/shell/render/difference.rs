//! Keys that would be other ones: `+ key`, `- key`, `~ key old → new`.

use super::json::{push_name, push_value};
use super::{RenderOptions, style};
use crate::database::Difference;
use crate::json::write_string;
use crate::shell::text::escape;
use crate::shell::text::mask::{HIDDEN, Masks};
use crate::storage::Entry;
use crate::value::Value;

/// The line of a key, with its newline. Values are cut: `-o json` has all of them.
pub(crate) fn difference(rendering: &RenderOptions, difference: &Difference, masks: &Masks) -> Vec<u8> {
    let is_masked = masks.hides(&difference.key);
    let shown = |entry: &Entry| if is_masked { HIDDEN.to_owned() } else { shown(entry) };
    let mut key = Vec::new();
    if rendering.terminal {
        key.extend_from_slice(escape::terminal(&difference.key).as_bytes());
    } else {
        escape::tsv(&mut key, difference.key.as_bytes());
    }
    let key = String::from_utf8_lossy(&key);
    let line = match (&difference.old, &difference.new) {
        (Some(old), Some(new)) => {
            let (old, new) = if old.value == new.value { (expiry(old), expiry(new)) } else { (shown(old), shown(new)) };
            format!("{} {key} {old} → {new}", style::number(rendering.color, "~"))
        }
        (None, _) => format!("{} {key}", style::string(rendering.color, "+")),
        (Some(_), None) => format!("{} {key}", style::error(rendering.color, "-")),
    };
    (line + "\n").into_bytes()
}

/// The beginning of a value, on one line.
fn shown(entry: &Entry) -> String {
    const LONGEST: usize = 60;
    match &entry.value {
        Value::Text(text) => escape::excerpt(text, LONGEST),
        Value::Json(json) => escape::excerpt(json.as_str(), LONGEST),
        Value::Bytes(bytes) => format!("<binary, {} bytes>", bytes.len()),
    }
}

fn expiry(entry: &Entry) -> String {
    entry.expiry.map_or_else(|| "<no expiry>".to_owned(), |expiry| format!("<until {expiry}>"))
}

/// A key as a JSON object, without a newline: `{"key":"a","change":"changed","old":"1","new":"2"}`, where it has them with
/// `old_expires` and `new_expires`.
pub(crate) fn difference_json(difference: &Difference, masks: &Masks) -> String {
    let Difference { key, old, new } = difference;
    let is_masked = masks.hides(key);
    let change = match (old, new) {
        (Some(_), Some(_)) => "changed",
        (None, _) => "added",
        (Some(_), None) => "deleted",
    };
    let mut text = "{".to_owned();
    push_name(&mut text, "key");
    write_string(&mut text, key);
    text.push(',');
    push_name(&mut text, "change");
    write_string(&mut text, change);
    for (name, expires, entry) in [("old", "old_expires", old), ("new", "new_expires", new)] {
        let Some(Entry { value, expiry }) = entry else { continue };
        text.push(',');
        push_name(&mut text, name);
        if is_masked {
            write_string(&mut text, HIDDEN);
        } else {
            push_value(&mut text, value);
        }
        if let Some(expiry) = expiry {
            text.push(',');
            push_name(&mut text, expires);
            write_string(&mut text, &expiry.to_string());
        }
    }
    text.push('}');
    text
}
