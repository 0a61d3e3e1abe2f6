//! JSON text, read where it stands: what is passed over is not parsed. The text was checked when it was stored; where it is
//! no JSON after all, reading ends early, and nothing panics.

use crate::json::Scanner;

/// Where the value ends that begins at `at`.
pub(super) fn skip(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at) {
        Some(b'"') => skip_string(bytes, at),
        Some(b'{' | b'[') => skip_nested(bytes, at),
        _ => {
            let rest = &bytes[at.min(bytes.len())..];
            at + rest.iter().position(|&byte| matches!(byte, b',' | b'}' | b']' | b' ')).unwrap_or(rest.len())
        }
    }
}

/// Behind the closing quote of the string that begins at `at`.
fn skip_string(bytes: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    // Most strings are short: a search that starts quickly beats one that runs quickly.
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn skip_nested(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = skip_string(bytes, at);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// The items of an array, or the names and values of an object, each as its text.
#[derive(Clone, Debug)]
pub(super) struct Parts<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parts<'a> {
    /// Of a text that begins with its bracket.
    pub(super) fn of(text: &'a str) -> Self {
        Self { text, at: 1 }
    }

    /// How far it was read.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Takes the next name or value; the signs between them are not told apart.
    fn take(&mut self) -> Option<&'a str> {
        let bytes = self.text.as_bytes();
        while matches!(bytes.get(self.at), Some(b',' | b':' | b' ')) {
            self.at += 1;
        }
        if matches!(bytes.get(self.at), None | Some(b']' | b'}')) {
            return None;
        }
        let start = self.at;
        self.at = skip(bytes, start);
        self.text.get(start..self.at)
    }

    /// The next member: its name in quotes, and its value.
    pub(super) fn member(&mut self) -> Option<(&'a str, &'a str)> {
        let name = self.take()?;
        Some((name, self.take()?))
    }

    /// Goes to the value of the member of this name.
    pub(super) fn find(&mut self, wanted: &str) -> Option<&'a str> {
        loop {
            let name = self.take()?;
            if is_name(name, wanted) {
                return self.take();
            }
            self.take()?;
        }
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        self.take()
    }
}

/// Whether a string in its quotes stands for this text.
pub(super) fn is_name(quoted: &str, wanted: &str) -> bool {
    let bytes = quoted.as_bytes();
    let Some(inner) = bytes.get(1..bytes.len().saturating_sub(1)) else { return false };
    if inner.len() <= wanted.len() {
        return inner == wanted.as_bytes() && memchr::memchr(b'\\', inner).is_none();
    }
    // Only escapes make it longer than what it stands for.
    unescaped(quoted).is_some_and(|text| text == wanted)
}

/// What a string in its quotes stands for, if it has escapes.
pub(super) fn unescaped(quoted: &str) -> Option<String> {
    memchr::memchr(b'\\', quoted.as_bytes())?;
    Scanner::new(quoted.as_bytes()).string().ok().map(std::borrow::Cow::into_owned)
}
