//! A line -> words: how the shell reads a command, typed or from a script.
//!
//! - A bare word runs to the next white space. Quotes are special at a word's start only, and right behind `--flag=`: `it's` and
//!   `5"` are plain.
//! - `'…'` is literal but for `\'` and `\\`. `"…"` knows `\n \r \t \b \f \a \0 \/ \\ \" \xHH \uHHHH \u{H…}`, so that every string literal of
//!   JSON is a word. Behind a closing quote there must be white space or the end.
//! - A word that starts with `{` or `[` and is JSON up to its balanced end is one word, verbatim. If the first line shows that
//!   it is not JSON it is a bare word: `keys [a-z]*`.
//! - An open quote, and in the place of a value JSON that is still possible, goes on on the next line. Anywhere else JSON that
//!   is open at the line's end is a bare word: `watch [`.
//! - A line whose first character is `#` is a comment.
//! - A newline ends a command, with or without CR before it. A BOM at the very start is skipped.
//! - Input is UTF-8 without NUL, in quotes and comments too; `"\xff"` and `"\0"` make such bytes.
//!
//! A syntax error costs the lines up to the one on which the offending word begins; reading goes on with the line after that one.
//!
//! At the prompt only, an unquoted `|` behind a command that reads makes the rest of the line one word, verbatim: it is a
//! program's. In scripts it is a word like any other.
//!
//! An unquoted `~` or `~/` at the start of a word that is a path is the home directory: see [`Word::to_arg`].
//!
//! Left out on purpose: a backslash outside quotes is a plain character, words are not glued together (`a"b c"` is two), no
//! variables, no globbing, no `;`.

mod json;
mod problem;
mod quotes;
mod splitter;
mod word;

pub(crate) use self::quotes::{quote, quote_in, write_quoted};
pub(crate) use self::splitter::{Splitter, Step, Unfinished};
pub(crate) use self::word::{Word, is_in_home, is_marked_home, unmark};

#[cfg(test)]
mod tests;
