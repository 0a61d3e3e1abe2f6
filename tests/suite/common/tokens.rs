//! The crate's source files and their tokens.

use std::path::Path;

/// Every source file in a folder, by its path in the folder, except `build.rs`, which is a separate program.
pub(crate) fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for item in std::fs::read_dir(&next).expect("the folder is there") {
            let path = item.expect("it can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path != folder.join("build.rs") && path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(folder).expect("it lies in the folder").display().to_string();
                files.push((name, std::fs::read_to_string(&path).expect("it is text")));
            }
        }
    }
    files
}

pub(crate) fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// Names, `::` and single characters, without comments, strings, characters and lifetimes.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while let Some(c) = rest.chars().next() {
        let name = rest.len() - rest.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_').len();
        let hashes = |text: &str| text.len() - text.trim_start_matches('#').len();
        let len = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if c == '"' {
            quoted(rest, '"')
        } else if c == '\'' {
            let after = rest[1..].chars().nth(1);
            if rest[1..].starts_with('\\') || after == Some('\'') { quoted(rest, '\'') } else { 1 }
        } else if matches!(&rest[..name], "r" | "br") && rest[name + hashes(&rest[name..])..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes(&rest[name..])));
            let start = name + end.len();
            start + rest[start..].find(&end).map_or(rest.len() - start, |at| at + end.len())
        } else if name > 0 {
            tokens.push(Token { text: rest[..name].to_owned(), line });
            name
        } else {
            let len = if rest.starts_with("::") { 2 } else { c.len_utf8() };
            if !c.is_whitespace() {
                tokens.push(Token { text: rest[..len].to_owned(), line });
            }
            len
        };
        line += rest[..len].matches('\n').count();
        rest = &rest[len..];
    }
    tokens
}

/// The length of a literal that begins with `quote` and ends with the next one that is not escaped.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a block comment; they nest.
fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}
