//! JSON Merge Patch (RFC 7396).

use std::collections::HashMap;

use super::edit::check_length;
use super::walk::{MemberText, is_object, members};
use crate::error::{Error, Result};

/// What a patch makes of a value (of none: something new): an object is merged member by member, and null removes one;
/// anything else takes the value's place.
pub(crate) fn merged(value: Option<&str>, patch: &str) -> Result<String> {
    let bytes = value.map_or(0, str::len) + patch.len();
    let mut out = String::new();
    out.try_reserve(bytes).map_err(|_| Error::OutOfMemory { bytes })?;
    merge(value, patch, &mut out);
    check_length(out.len())?;
    Ok(out)
}

/// Nesting ends at its limit, so recursion does too.
fn merge(value: Option<&str>, patch: &str, out: &mut String) {
    if !is_object(patch) {
        out.push_str(patch);
        return;
    }
    let changes = members(patch);
    let by_name: HashMap<&str, usize> = (0..).zip(&changes).map(|(at, change)| (&*change.name, at)).collect();
    let mut is_done = vec![false; changes.len()];
    out.push('{');
    let start = out.len();
    for MemberText { name, raw_name, value } in members(value.unwrap_or_default()) {
        let change = by_name.get(&*name).map(|&at| {
            is_done[at] = true;
            changes[at].value
        });
        match change {
            Some("null") => {}
            Some(change) => member(start, raw_name, out, |out| merge(Some(value), change, out)),
            None => member(start, raw_name, out, |out| out.push_str(value)),
        }
    }
    for (change, is_done) in changes.iter().zip(is_done) {
        if !is_done && change.value != "null" {
            member(start, change.raw_name, out, |out| merge(None, change.value, out));
        }
    }
    out.push('}');
}

/// Writes a member of the object whose first begins at `start`.
fn member(start: usize, raw_name: &str, out: &mut String, value: impl FnOnce(&mut String)) {
    if out.len() > start {
        out.push(',');
    }
    out.push_str(raw_name);
    out.push(':');
    value(out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_merged_as_rfc_7396_says() {
        for (value, patch, wanted) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, "{}"),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
            (r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#),
            (r#"{"a":"foo"}"#, "null", "null"),
            (r#"{"a":"foo"}"#, r#""bar""#, r#""bar""#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
            ("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
            ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
            (r#"{"n":1.10,"\u0061":1e400}"#, r#"{"a":-0,"b":[null]}"#, r#"{"n":1.10,"\u0061":-0,"b":[null]}"#),
        ] {
            assert_eq!(merged(Some(value), patch).unwrap(), wanted, "{value} {patch}");
        }
        assert_eq!(merged(None, r#"{"a":{"b":null,"c":1}}"#).unwrap(), r#"{"a":{"c":1}}"#);
    }
}
