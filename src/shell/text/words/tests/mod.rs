//! What the words of a line are, and are not.

mod errors;
mod json;
mod marks;
mod plain;
mod prompt;
mod properties;
mod quotes;

use super::*;

/// A language of two commands that take a value after a key.
fn may_go_on(words: &[&[u8]]) -> bool {
    words.first().is_none_or(|name| matches!(*name, b"set" | b"append") && words.len() > 1)
}

fn splitter() -> Splitter {
    Splitter::new(may_go_on)
}

/// All the steps of an input that is there at once.
fn steps(input: &[u8]) -> Vec<Step<'_>> {
    let mut splitter = splitter();
    let mut rest = input;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let step = splitter.step(rest, true);
        rest = &rest[consumed(&step)..];
        steps.push(step);
    }
    steps
}

fn consumed(step: &Step<'_>) -> usize {
    match step {
        Step::More(open) => panic!("more at the end: {open:?}"),
        Step::Command { consumed, .. } | Step::Error { consumed, .. } => *consumed,
    }
}

/// The words of an input that is one command.
fn words(input: &(impl AsRef<[u8]> + ?Sized)) -> Vec<Word<'_>> {
    let input = input.as_ref();
    match steps(input).as_slice() {
        [Step::Command { words, consumed, .. }] if *consumed == input.len() => words.clone(),
        other => panic!("{:?} is not one command: {other:?}", input.escape_ascii().to_string()),
    }
}

/// The same as text, each word of data in guillemets.
fn split(input: &(impl AsRef<[u8]> + ?Sized)) -> Vec<String> {
    let show = |word: &Word<'_>| {
        let text = String::from_utf8_lossy(&word.bytes).into_owned();
        if word.quoted { format!("«{text}»") } else { text }
    };
    words(input).iter().map(show).collect()
}

/// The first step of an input, which must be an error: where, what, and the lines it costs.
fn error(input: &(impl AsRef<[u8]> + ?Sized)) -> (usize, String, usize) {
    match splitter().step(input.as_ref(), true) {
        Step::Error { error, lines, .. } => (error.at, error.message, lines),
        other => panic!("not an error: {other:?}"),
    }
}
