//! Finds the command among some words.

use std::borrow::Borrow;

use crate::shell::text::escape::excerpt;
use crate::shell::text::words::Word;

/// Where the command stands among some words.
pub(super) struct CommandPosition {
    /// The number of words for options before it; all words if there is no command, or if something else comes first.
    pub(super) command: usize,
    /// The first option that asks for help or the version.
    pub(super) asks: Option<usize>,
}

impl CommandPosition {
    /// Finds the command after the options before it.
    pub(super) fn of<O: Borrow<clap::Command>>(words: &[Word<'_>], options: impl FnOnce() -> O) -> Self {
        let mut head = Self { command: 0, asks: None };
        let is_option = |word: &Word<'_>| may_be_flag(word) && word.bytes.len() > 1;
        if !words.first().is_some_and(is_option) {
            return head;
        }
        let options = options();
        let options = options.borrow();
        while let Some(word) = words.get(head.command).filter(|word| is_option(word)) {
            let takes_next = match word.bytes.strip_prefix(b"--") {
                Some(b"help" | b"version") => {
                    head.ask();
                    Some(false)
                }
                Some(long) => long_takes_next(options, long),
                None => head.letters(options, &word.bytes[1..]),
            };
            head.command = match takes_next {
                Some(takes_next) => head.command + 1 + usize::from(takes_next),
                None => words.len(),
            };
        }
        head.command = head.command.min(words.len());
        head
    }

    fn ask(&mut self) {
        self.asks.get_or_insert(self.command);
    }

    /// Whether the last of some one-letter options takes the next word; `None` if one is unknown.
    fn letters(&mut self, options: &clap::Command, letters: &[u8]) -> Option<bool> {
        for (at, &letter) in letters.iter().enumerate() {
            if matches!(letter, b'h' | b'V') {
                self.ask();
                continue;
            }
            let option = options.get_arguments().find(|arg| arg.get_short() == Some(char::from(letter)))?;
            if option.get_action().takes_values() {
                return Some(at + 1 == letters.len());
            }
        }
        Some(false)
    }
}

/// Whether a long option, without its dashes, takes the next word; `None` if it is unknown.
fn long_takes_next(options: &clap::Command, long: &[u8]) -> Option<bool> {
    let end = long.iter().position(|&byte| byte == b'=');
    let name = &long[..end.unwrap_or(long.len())];
    let by_name = |arg: &&clap::Arg| arg.get_long().is_some_and(|long| long.as_bytes() == name);
    let option = options.get_arguments().find(by_name)?;
    Some(option.get_action().takes_values() && end.is_none())
}

/// The command name at the start of some words, in any case.
pub(super) fn name_of(words: &[Word<'_>]) -> Option<String> {
    let name = std::str::from_utf8(&words.first()?.bytes).ok()?;
    Some(excerpt(name, 40).to_ascii_lowercase())
}

/// Whether an unquoted word begins like a flag.
pub(super) fn may_be_flag(word: &Word<'_>) -> bool {
    !word.quoted && word.bytes.first() == Some(&b'-')
}
