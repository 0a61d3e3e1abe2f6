//! Pipes and redirections of the prompt: `get cfg | jq .x`, `list user:* > users.txt`, `keys >> all`.
//!
//! `|`, `>` and `>>` are operators only as unquoted words after a command that reads, and only at the prompt. In scripts,
//! in one-shot commands and after commands that change data, they are ordinary words; but at the prompt a command that
//! takes a list refuses them.

use std::ops::Range;
use std::path::PathBuf;

use super::command;
use super::reading;
use crate::shell::text::argument;
use crate::shell::text::escape;
use crate::shell::text::words::Word;

/// What `help pipes` prints.
pub(crate) fn help() -> String {
    let readers: Vec<&str> =
        command::all().filter(|traits| traits.effect.is_answer()).map(|traits| traits.name).collect();
    let (last, others) = readers.split_last().unwrap_or((&"", &[]));
    format!(
        "\
At the prompt, you can send the answer of a command to a program or a file:

  get cfg | jq '.x | keys'     to a program: sh runs the rest of the line
  list user:* > users.txt      to a file, which is overwritten; ~ is the home directory
  keys >> keys.txt             appended to a file

The answer is exact, complete and without color; -o works as usual. A single \
binary value has no newline added. A database is never overwritten. \
Put spaces around `|`, `>` and `>>`. Quoted, they are data: get '|'

This works after {} and {last}; after other commands, `|` and `>` are plain words, so `set a >` stores a '>'; \
those that take a list, such as mset and del, refuse them unless they are quoted. `!COMMAND` runs a program with sh. \
All of this works only at the prompt: in scripts, in the rc file and in one-shot commands these are plain words, so that no file can start a program.",
        others.join(", ")
    )
}

/// The line for `sh`, if these are the words of a line that begins with an unquoted `!`.
pub(crate) fn program(words: &[Word<'_>]) -> Option<String> {
    let (first, rest) = words.split_first()?;
    let is_sign = !first.quoted && *first.bytes == *b"!";
    is_sign.then(|| rest.first().map(|line| String::from_utf8_lossy(&line.bytes).into_owned()).unwrap_or_default())
}

/// The error for an operator that is part of a word, and so redirects nothing.
pub(crate) fn stuck(words: &[Word<'_>]) -> Option<String> {
    let (first, rest) = words.split_first()?;
    let is_stuck = |word: &&Word<'_>| !word.quoted && word.bytes.len() > 1 && word.bytes.starts_with(b"|");
    let is_file = |word: &&Word<'_>| !word.quoted && word.bytes.len() > 2 && word.bytes.starts_with(b">");
    let word = rest.iter().find(|word| is_stuck(word) || is_file(word))?;
    let word = escape::excerpt(&String::from_utf8_lossy(&word.bytes), 40);
    let sign = if word.starts_with(">>") { ">>" } else { &word[..1] };
    reading::answers(&first.bytes)
        .then(|| format!("'{word}' is a plain word; to send the answer elsewhere, put a space after the `{sign}`"))
}

/// The target of a redirected answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A program, run by `sh`.
    Program(String),
    /// A file; its contents are kept if `append`.
    File { path: PathBuf, append: bool },
}

/// Why a line has no valid target, and where it is wrong.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RedirectError {
    pub(crate) message: &'static str,
    pub(crate) span: Range<usize>,
}

/// The error for an operator after a command that takes a list and changes data.
const NEEDS_READER: &str =
    "a pipe or redirection needs a command that only reads (see `help pipes`); as data, quote the sign: '|'";

/// The words of the command, and the target of its answer, if there is one.
pub(crate) fn cut<'w, 'a>(words: &'w [Word<'a>]) -> Result<(&'w [Word<'a>], Option<Target>), RedirectError> {
    let is = |word: &Word<'_>, sign: &[u8]| !word.quoted && word.flag == 0 && *word.bytes == *sign;
    let is_sign = |word: &Word<'_>| [&b"|"[..], b">", b">>"].iter().any(|sign| is(word, sign));
    let Some(at) = words.iter().position(is_sign).filter(|&at| at > 0) else { return Ok((words, None)) };
    let fault = |message, word: &Word<'_>| Err(RedirectError { message, span: word.span.clone() });
    if words[0].quoted || !reading::answers(&words[0].bytes) {
        // A list would take the sign and the program for data.
        let is_list = !words[0].quoted && reading::takes_list(&words[0].bytes);
        return if is_list { fault(NEEDS_READER, &words[at]) } else { Ok((words, None)) };
    }
    let (command, behind) = words.split_at(at);
    let (sign, behind) = (&behind[0], &behind[1..]);
    if is(sign, b"|") {
        return match behind {
            [] => fault("expected a program after `|`: get cfg | jq .x (to store a '|', quote it: '|')", sign),
            [program, ..] => {
                let program = String::from_utf8_lossy(&program.bytes).into_owned();
                Ok((command, Some(Target::Program(program))))
            }
        };
    }
    match behind {
        [] => fault("expected a file: list user:* > users.txt (to store a '>', quote it: '>')", sign),
        [_, other, ..] if is(other, b"|") => {
            fault("an answer goes to a file or to a program, not both; `| tee FILE | …` does both", other)
        }
        [_, other, ..] => fault("expected one file after `>`; quote a name that contains spaces", other),
        [path] => Ok((command, Some(Target::File { path: argument::path_of(path), append: is(sign, b">>") }))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::text::words::Step;

    fn target(line: &str) -> Result<(usize, Option<Target>), &'static str> {
        let step = reading::prompt().step(line.as_bytes(), true);
        let Step::Command { words, .. } = step else { panic!("{step:?}") };
        let (words, target) = cut(&words).map_err(|fault| fault.message)?;
        Ok((words.len(), target))
    }

    #[expect(clippy::unnecessary_wraps, reason = "to be compared with what was found")]
    fn file(path: &str, append: bool) -> Option<Target> {
        Some(Target::File { path: path.into(), append })
    }

    #[test]
    fn the_answer_of_a_command_that_reads_goes_into_a_program_or_a_file() {
        assert_eq!(target("get cfg | jq '.x|.y'"), Ok((2, Some(Target::Program("jq '.x|.y'".to_owned())))));
        assert_eq!(target("LIST user:* > users.txt"), Ok((2, file("users.txt", false))));
        assert_eq!(target("keys >> 'my file'"), Ok((1, file("my file", true))));
        assert_eq!(target("getdel a | b"), Ok((2, Some(Target::Program("b".to_owned())))));
        assert_eq!(target("get a -o json | cat > x"), Ok((4, Some(Target::Program("cat > x".to_owned())))));
    }

    #[test]
    fn elsewhere_the_signs_are_words_like_any_other() {
        for (line, words) in [
            ("set a > b", 4),
            ("set a | b", 4),
            ("append log >> x", 4),
            ("get '>' b", 3),
            ("get \"|\" b", 3),
            ("get a>b c|d", 3),
            ("> a", 2),
            ("'get' a > b", 4),
        ] {
            assert_eq!(target(line), Ok((words, None)), "{line}");
        }
    }

    #[test]
    fn a_target_that_is_missing_or_double_is_refused() {
        assert!(target("get a |").unwrap_err().starts_with("expected a program after `|`"));
        assert!(target("get a >").unwrap_err().starts_with("expected a file"));
        assert!(target("get a > b c").unwrap_err().starts_with("expected one file"));
        assert!(target("get a > b | c").unwrap_err().contains("not both"));
        for line in ["mset a 1 | cat", "push arr x | cat", "del a | cat", "UNLINK a > b", "msetnx a >> b", ".del a | b"]
        {
            assert_eq!(target(line), Err(NEEDS_READER), "{line}");
        }
        assert_eq!(target("del a '|' b"), Ok((4, None)));
    }

    #[test]
    fn a_tilde_is_the_home_directory_unless_it_is_quoted() {
        let home = dirs::home_dir().unwrap();
        assert_eq!(target("keys > ~/x").unwrap().1, file(home.join("x").to_str().unwrap(), false));
        assert_eq!(target("keys > '~/x'").unwrap().1, file("~/x", false));
        assert_eq!(target("keys > ~x").unwrap().1, file("~x", false));
    }
}
