//! What of some words clap is to read, of one command by itself or of all of the language.

use std::ffi::OsString;

use clap::FromArgMatches;

use super::command_position::{CommandPosition, name_of};
use crate::shell::answer::reply::Failure;
use crate::shell::language::classify::{self, ArgumentError, Places};
use crate::shell::language::command::{Alone, Command};
use crate::shell::language::help;
use crate::shell::language::refused::unknown_command;
use crate::shell::text::escape::excerpt;
use crate::shell::text::words::Word;

/// What a command that is parsed by itself comes to; nothing if all of the language is needed, as it is for help and for
/// what is wrong.
pub(super) fn alone_of<O: FromArgMatches>(
    alone: &mut Alone,
    head: &CommandPosition,
    first: &[Word<'_>],
    words: &[Word<'_>],
    in_line: bool,
) -> Result<Option<(O, Command)>, ArgumentError> {
    let places = Places { command: &alone.arguments, program: &alone.arguments, in_line };
    let found = places.of(words)?;
    // By itself a command would take `-ojson` before it for its first argument, if that may be any text.
    let takes_text = alone.arguments.get_positionals().next().is_some_and(clap::Arg::is_allow_hyphen_values_set);
    let is_cluster = |word: &Word<'_>| word.bytes.len() > 2 && !word.bytes.starts_with(b"--");
    if found.help.is_some() || head.asks.is_some() || (takes_text && first.iter().any(is_cluster)) {
        return Ok(None);
    }
    let args: Vec<OsString> = first.iter().map(Word::to_arg).chain(found.args).collect();
    Ok(alone.parse(&args))
}

/// What all of the language is to parse.
pub(super) struct ClapInput {
    /// The arguments for clap.
    pub(super) args: Vec<OsString>,
    /// How the last word is written if it is meant as text.
    pub(super) as_text: String,
}

/// Why some words are not for clap to read.
#[derive(Debug)]
pub(super) enum NotWhole {
    /// One of them, the options before the command included; where something is missing, what would be the next.
    Failed(usize, Failure),
    /// Help was asked for, and something else.
    Help(Failure),
}

/// The arguments for all of the language.
pub(super) fn whole(
    tree: &mut clap::Command,
    head: &CommandPosition,
    first: &[Word<'_>],
    words: &[Word<'_>],
    in_line: bool,
) -> Result<ClapInput, NotWhole> {
    if let Some(at) = first.iter().position(classify::is_too_long) {
        return Err(NotWhole::Failed(at, Failure::usage(classify::unknown(&first[at]))));
    }
    let mut args: Vec<OsString> = first.iter().map(Word::to_arg).collect();
    let Some(word) = words.first() else { return Ok(ClapInput { args, as_text: String::new() }) };
    let name = name_of(words).unwrap_or_default();
    let Some(command) = tree.find_subcommand(&name) else {
        let program = if in_line { "" } else { "rusty-kv " };
        return Err(NotWhole::Failed(first.len(), unknown_command(words, word, program)));
    };
    let places = Places { command, program: tree, in_line };
    let refused = |ArgumentError { at, message }| NotWhole::Failed(first.len() + at, Failure::usage(message));
    let found = places.of(words).map_err(refused)?;
    let asks = found.help.filter(|_| found.has_more);
    let asks_before = head.asks.filter(|_| words.len() > 1).map(|at| &first[at]);
    if let Some(word) = asks.map(|at| &words[at]).or(asks_before) {
        let tail = asks.map(|at| places.help_as_text(words, at)).unwrap_or_default();
        let text = help::command(&name).unwrap_or_default();
        let word = excerpt(&String::from_utf8_lossy(&word.bytes), 40);
        return Err(NotWhole::Help(Failure::help(&word, &tail, text.trim_end())));
    }
    args.push(name.into());
    args.extend(found.args);
    Ok(ClapInput { args, as_text: found.as_text })
}
