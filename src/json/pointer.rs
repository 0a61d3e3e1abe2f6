//! The way to a part of a document: a JSON Pointer (RFC 6901), or a path such as `.a.b[0]` or `$.a.b[0]`.

use std::fmt;

use super::{Scanner, write_string};
use crate::error::{Error, Result, cut};

/// The members and items that lead to a part, outermost first; none for the whole document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct JsonPointer(Vec<String>);

impl JsonPointer {
    /// Reads either spelling: `/a/b/0`, or `.a.b[0]` and `$.a.b[0]`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        match text.as_bytes().first() {
            None | Some(b'/') => Self::rfc_6901(text),
            Some(b'.' | b'$') => Self::path(text),
            Some(_) => Err(without_start(text)),
        }
    }

    /// Reads a JSON Pointer and nothing else.
    pub(super) fn rfc_6901(text: &str) -> Result<Self> {
        if !text.is_empty() && !text.starts_with('/') {
            return Err(without_start(text));
        }
        if text.split('~').skip(1).any(|after| !after.starts_with(['0', '1'])) {
            let found = format!("'{}' (in a pointer '~' is written ~0 and '/' is written ~1)", shown(text));
            return Err(Error::WrongType { wanted: POINTER, found });
        }
        Ok(Self(text.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~")).collect()))
    }

    fn path(text: &str) -> Result<Self> {
        let mut rest = text.strip_prefix('$').unwrap_or(text);
        let mut tokens = Vec::new();
        if rest == "." {
            rest = "";
        }
        while !rest.is_empty() {
            let Some((token, after)) = step(rest) else {
                let at = text.len() - rest.len();
                let found = format!("'{}' (no step at '{}')", shown(text), shown(&text[at..]));
                return Err(Error::WrongType { wanted: "a path such as .a.b[0] or .a[\"b c\"]", found });
            };
            tokens.push(token);
            rest = after;
        }
        Ok(Self(tokens))
    }

    /// Whether it names the whole document.
    pub(crate) fn is_whole(&self) -> bool {
        self.0.is_empty()
    }

    /// A member of the whole document.
    pub(crate) fn member(name: &str) -> Self {
        Self(vec![name.to_owned()])
    }

    /// An item of the whole document.
    pub(super) fn item(index: usize) -> Self {
        Self(vec![index.to_string()])
    }

    /// The empty document that the part can be put into, with what is missing on the way.
    pub(crate) fn empty_document(&self) -> &'static str {
        if self.0.first().is_some_and(|first| starts_array(first)) { "[]" } else { "{}" }
    }

    /// The names on the way, between dots.
    pub(crate) fn name(&self) -> String {
        self.0.join(".")
    }

    /// The names and indexes on the way.
    pub(crate) fn tokens(&self) -> &[String] {
        &self.0
    }

    /// The pointer to what holds the part of the first tokens.
    pub(super) fn outer(&self, tokens: usize) -> Self {
        Self(self.0[..tokens].to_vec())
    }

    /// Whether it leads to a part inside of what `other` leads to.
    pub(super) fn is_inside(&self, other: &Self) -> bool {
        self.0.len() > other.0.len() && self.0.starts_with(&other.0)
    }
}

/// As a JSON Pointer.
impl fmt::Display for JsonPointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|token| write!(f, "/{}", token.replace('~', "~0").replace('/', "~1")))
    }
}

const POINTER: &str = "a JSON Pointer such as /a/b/0 or a path such as .a.b[0]";

/// Of a name, both of its spellings are shown.
fn without_start(text: &str) -> Error {
    let meant = JsonPointer::path(&format!(".{text}")).map(|meant| format!("; write {meant} or .{text}"));
    let meant = meant.unwrap_or_default();
    Error::WrongType { wanted: POINTER, found: format!("'{}'{}", shown(text), shown(&meant)) }
}

/// What was given, for a message.
fn shown(text: &str) -> String {
    cut(text).escape_debug().to_string().replace("\\\"", "\"").replace("\\'", "'")
}

/// The first step of a path, and what follows it.
fn step(path: &str) -> Option<(String, &str)> {
    if let Some(inside) = path.strip_prefix(".[").or_else(|| path.strip_prefix('[')) {
        if inside.starts_with(['"', '\'']) {
            let (token, rest) = quoted(inside)?;
            return Some((token, rest.strip_prefix(']')?));
        }
        let (token, rest) = inside.split_once(']')?;
        return (token == "-" || index(token).is_some()).then(|| (token.to_owned(), rest));
    }
    let name = path.strip_prefix('.')?;
    if name.starts_with('"') {
        return quoted(name);
    }
    let (token, rest) = name.split_at(name.find(['.', '[']).unwrap_or(name.len()));
    (!token.is_empty()).then(|| (token.to_owned(), rest))
}

/// A name in quotes: double ones as in JSON, single ones with `\` before a quote.
fn quoted(text: &str) -> Option<(String, &str)> {
    if text.starts_with('"') {
        let mut scanner = Scanner::new(text.as_bytes());
        let name = scanner.string().ok()?.into_owned();
        return Some((name, &text[scanner.at()..]));
    }
    let mut name = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' => return Some((name, &text[at + 1..])),
            '\\' => name.push(chars.next()?.1),
            c => name.push(c),
        }
    }
    None
}

/// The number of an item, if it is one as RFC 6901 writes it.
pub(super) fn index(token: &str) -> Option<usize> {
    let is_plain = token == "0" || token.starts_with(|first: char| matches!(first, '1'..='9'));
    let is_plain = is_plain && token.bytes().all(|byte| byte.is_ascii_digit());
    // More items than that there cannot be.
    is_plain.then(|| token.parse().unwrap_or(usize::MAX))
}

/// The text before and after a value in a new document that has it at these tokens.
pub(super) fn wrapping(tokens: &[String]) -> (String, String) {
    let (mut open, mut close) = (String::new(), String::new());
    for token in tokens {
        if starts_array(token) {
            open.push('[');
            close.insert(0, ']');
        } else {
            open.push('{');
            write_string(&mut open, token);
            open.push(':');
            close.insert(0, '}');
        }
    }
    (open, close)
}

/// Whether what is made for this token is an array.
fn starts_array(token: &str) -> bool {
    matches!(token, "-" | "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<String> {
        JsonPointer::parse(text).unwrap().0
    }

    #[test]
    fn both_spellings_lead_to_the_same_part() {
        for (path, pointer) in [
            (".", ""),
            ("$", ""),
            (".a.b[0]", "/a/b/0"),
            ("$.a.b[0]", "/a/b/0"),
            ("$[0][12]", "/0/12"),
            (".[0].a", "/0/a"),
            (".a[-]", "/a/-"),
            (".a-b.c d", "/a-b/c d"),
            (r#".["a/b"].x"#, "/a~1b/x"),
            (r#"."a.b"[1]"#, "/a.b/1"),
            (r"$['it\'s'][0]", "/it's/0"),
            (r#".a["m~n\u00e9"]"#, "/a/m~0né"),
        ] {
            assert_eq!(tokens(path), tokens(pointer), "{path}");
            assert_eq!(JsonPointer::parse(path).unwrap().to_string(), pointer, "{path}");
        }
    }

    #[test]
    fn what_is_neither_is_refused_and_a_name_is_shown_in_both_spellings() {
        for text in
            ["..a", ".a.", ".a[]", ".a[01]", ".a[x]", ".a[0", "$a", ".a[\"b\"", ".a['b", ".a[0]b", "/a~2", "/a~"]
        {
            assert!(JsonPointer::parse(text).is_err(), "{text}");
        }
        let message = JsonPointer::parse("user.name").unwrap_err().to_string();
        assert!(message.ends_with("found 'user.name'; write /user/name or .user.name"), "{message}");
    }
}
