//! Values in messages.

use super::term::{Term, TermArray, TermObject};
use crate::shell::text::escape;

/// A value in a message: what it is, and how it begins.
pub(super) fn shown(term: &Term<'_>) -> String {
    let kind = term.kind();
    let mut text = String::new();
    match term {
        Term::Null => return "null".to_owned(),
        // Only its beginning is wanted.
        Term::Text(text) if text.length() > 200 => return format!("a long {kind}"),
        Term::Array(TermArray::Made(items)) if items.len() > 8 => return format!("a long {kind}"),
        Term::Array(TermArray::Raw(raw)) | Term::Object(TermObject::Raw(raw)) => {
            return format!("{} {kind} {}", article(kind), excerpt(raw));
        }
        term => term.write(&mut text),
    }
    format!("{} {kind} {}", article(kind), excerpt(&text))
}

pub(super) fn article(kind: &str) -> &'static str {
    if kind.starts_with(['a', 'o']) { "an" } else { "a" }
}

/// The beginning of a text, safe to show.
pub(super) fn excerpt(text: &str) -> String {
    escape::excerpt(text, 40)
}
