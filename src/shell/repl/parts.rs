//! The parts of a JSON value that what was typed may go on to, as pointers or, if that was begun, as paths.

use super::candidate::{Candidate, CandidateKind};
use super::columns::fit;
use crate::json::{self, JsonPointer, write_string};
use crate::shell::text::mask::HIDDEN;
use crate::value::{Json, Value};

/// Columns of a list that what a part holds may take.
const ROOM: usize = 30;

/// The parts of the innermost part that is named whole, as far as they begin with what was typed.
pub(super) fn candidates(json: &Json, typed: &str, is_masked: bool) -> Vec<Candidate> {
    let Some((outer, pointer)) = named(typed) else { return Vec::new() };
    let Some(Value::Json(inside)) = json.part(&pointer) else { return Vec::new() };
    let is_array = inside.as_str().starts_with('[');
    let step = |name: &str| if is_path(typed) { step(name, is_array, outer) } else { token(name) };
    let candidate = |(name, value): (String, &str)| {
        let (about, kind) = match json::parts(value) {
            Some(_) if value.starts_with('{') => ("{…}".to_owned(), CandidateKind::Begun),
            Some(items) => (format!("[{}]", items.len()), CandidateKind::Begun),
            None if is_masked => (HIDDEN.to_owned(), CandidateKind::Data),
            None => (fit(value, ROOM), CandidateKind::Data),
        };
        Candidate { about, ..Candidate::new(format!("{outer}{}", step(&name)), kind) }
    };
    let parts = json::parts(inside.as_str()).unwrap_or_default();
    parts.into_iter().map(candidate).filter(|part| part.shown.starts_with(typed)).collect()
}

fn is_path(typed: &str) -> bool {
    typed.starts_with(['.', '$'])
}

/// What was typed before its last step, and what that names.
fn named(typed: &str) -> Option<(&str, JsonPointer)> {
    let begins = |c| if is_path(typed) { matches!(c, '.' | '[') } else { c == '/' };
    let steps = typed.char_indices().rev().filter(|&(_, c)| begins(c)).map(|(at, _)| &typed[..at]);
    steps.chain([if typed == "$" { typed } else { "" }]).find_map(|outer| {
        let pointer = JsonPointer::parse(outer).ok()?;
        Some((outer, pointer))
    })
}

/// A step of a pointer.
fn token(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// A step of a path; the first one begins with a dot.
fn step(name: &str, is_index: bool, outer: &str) -> String {
    let dot = if outer.is_empty() { "." } else { "" };
    let is_special = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '.' | '[' | ']' | '"' | '\'' | '\\');
    if is_index {
        return format!("{dot}[{name}]");
    }
    if !name.is_empty() && !name.contains(is_special) {
        return format!(".{name}");
    }
    let mut quoted = String::new();
    write_string(&mut quoted, name);
    format!("{dot}[{quoted}]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_goes_on_as_it_was_begun() {
        let json = Json::parse(r#"{"name":{"first":"Ada","a/b~":1e400},"tags":[true,{"x y":"z"}],"a.b":[]}"#).unwrap();
        let shown = |typed: &str| {
            let found = candidates(&json, typed, false);
            found.iter().map(|part| format!("{} {}", part.shown, part.about)).collect::<Vec<_>>().join("  ")
        };
        for (typed, wanted) in [
            ("", "/name {…}  /tags [2]  /a.b [0]"),
            ("/t", "/tags [2]"),
            ("/name/", "/name/first \"Ada\"  /name/a~1b~0 1e400"),
            ("/tags/1/", "/tags/1/x y \"z\""),
            (".", ".name {…}  .tags [2]  .[\"a.b\"] [0]"),
            ("$", "$.name {…}  $.tags [2]  $[\"a.b\"] [0]"),
            ("$.n", "$.name {…}"),
            (".[\"a.", ".[\"a.b\"] [0]"),
            (".tags[", ".tags[0] true  .tags[1] {…}"),
            (".tags[1].", ""),
            (".tags[1][", ".tags[1][\"x y\"] \"z\""),
            ("/none/", ""),
            ("name", ""),
        ] {
            assert_eq!(shown(typed), wanted, "{typed}");
        }
    }
}
