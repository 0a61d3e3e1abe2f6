//! Splits a line of the prompt or of a script into words.
//!
//! - A bare word ends at the next white space. Quotes are special only at the start of a word and right after
//!   `--flag=`: `it's` and `5"` are plain.
//! - `'…'` is literal except for `\'` and `\\`. `"…"` supports `\n \r \t \b \f \a \0 \/ \\ \" \xHH \uHHHH \u{H…}`, so
//!   every JSON string literal is a word. A closing quote must be followed by white space or the end.
//! - A word that starts with `{` or `[` and is JSON up to its balanced end is one word, verbatim. If the first line
//!   shows that it is not JSON, it is a bare word: `keys [a-z]*`.
//! - An open quote, or JSON in the place of a value, continues on the next line. Anywhere else, JSON that is open at
//!   the end of the line is a bare word: `watch [`.
//! - A line whose first character is `#` is a comment.
//! - A newline ends a command, with or without CR before it. A BOM at the very start is skipped.
//! - Input is UTF-8 without NUL, even in quotes and comments; `"\xff"` and `"\0"` write such bytes.
//!
//! After a syntax error, the lines up to the one with the start of the wrong word are skipped.
//!
//! At the prompt only, an unquoted `|` after a command that reads makes the rest of the line one word, verbatim, for a
//! program. In scripts, `|` is an ordinary word.
//!
//! An unquoted `~` or `~/` at the start of a word that is a path is the home directory: see [`Word::to_arg`].
//!
//! Omitted on purpose: a backslash outside quotes is literal, words are not joined (`a"b c"` is two), and there are no
//! variables, no globbing and no `;`.

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
