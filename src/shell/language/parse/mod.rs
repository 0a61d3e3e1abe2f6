//! Parses words or arguments into a command, and reports clap's errors in one line.

mod command_position;
mod direct;
mod for_clap;

use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{Args as _, CommandFactory, FromArgMatches};

use self::command_position::{CommandPosition, name_of};
use self::direct::direct;
pub(crate) use self::direct::{keys_read, plain_set};
use self::for_clap::{NotWhole, alone_of, whole};
use super::classify::ArgumentError;
use super::cli::{Cli, GlobalOptions, Line, LineOptions};
use super::command::Alone;
use super::habits;
use super::refused::{Attempt, unmarked};
use crate::shell::answer::reply::Failure;
use crate::shell::text::argument::DatabaseName;
use crate::shell::text::caret::Blame;
use crate::shell::text::words::Word;

/// The request of a line or of the arguments.
#[derive(Debug)]
pub(crate) enum Parsed<T> {
    /// A command.
    Run(T),
    /// `--help`, for this command or the whole program.
    Help(Option<String>),
    /// The text of `--version`.
    Version(String),
}

/// Parses one line after another. The definition of a command is built when a line first needs it, and kept.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    alone: HashMap<String, Alone>,
    /// The whole language, for rare commands and for errors.
    tree: Option<clap::Command>,
    /// Where the last line that failed was wrong, if clap knows.
    pub(crate) blame: Option<Blame>,
}

impl Parser {
    /// A line's words; there must be at least one.
    pub(crate) fn line(&mut self, words: &[Word<'_>]) -> Result<Parsed<Line>, Failure> {
        direct(words).map_or_else(|| self.through_clap(words), |command| Ok(Parsed::Run(Line::of(command))))
    }

    fn through_clap(&mut self, words: &[Word<'_>]) -> Result<Parsed<Line>, Failure> {
        let options = || LineOptions::augment_args(clap::Command::new("").no_binary_name(true));
        let head = CommandPosition::of(words, options);
        let (first, words) = words.split_at(head.command);
        let rewritten = habits::rewrite(words).map_err(|error| self.refused(words, error))?;
        let words = rewritten.as_deref().unwrap_or(words);
        if let Some(name) = name_of(words)
            && let Some(line) = self.by_itself(&name, &head, first, words, options)?
        {
            return Ok(Parsed::Run(line));
        }
        self.by_all(&head, first, words)
    }

    /// Parses the line with the whole language.
    fn by_all(
        &mut self,
        head: &CommandPosition,
        first: &[Word<'_>],
        words: &[Word<'_>],
    ) -> Result<Parsed<Line>, Failure> {
        let tree = self.tree.get_or_insert_with(Line::command);
        by_all(tree, head, first, words, true).map_err(|(failure, blame)| {
            self.blame = blame;
            failure
        })
    }

    /// Parses the line of a single command, if it is correct.
    fn by_itself(
        &mut self,
        name: &str,
        head: &CommandPosition,
        first: &[Word<'_>],
        words: &[Word<'_>],
        options: impl Fn() -> clap::Command,
    ) -> Result<Option<Line>, Failure> {
        if !self.alone.contains_key(name) {
            let Some(alone) = Alone::named(name, options()) else { return Ok(None) };
            self.alone.insert(name.to_owned(), alone);
        }
        let Some(alone) = self.alone.get_mut(name) else { return Ok(None) };
        match alone_of(alone, head, first, words, true) {
            Ok(found) => Ok(found.map(|(options, command)| Line { options, command })),
            Err(error) => Err(self.refused(words, error)),
        }
    }

    fn refused(&mut self, words: &[Word<'_>], ArgumentError { at, message }: ArgumentError) -> Failure {
        self.blame = Some(words.get(at).map_or(Blame::End, |word| Blame::Span(word.span.clone())));
        Failure::usage(message)
    }
}

/// The program's arguments, its own name first.
pub(crate) fn arguments(args: &[OsString]) -> Result<Parsed<Box<Cli>>, Failure> {
    direct_arguments(args).map_or_else(|| arguments_through_clap(args), |cli| Ok(Parsed::Run(Box::new(cli))))
}

/// The words of the command in the program's arguments.
pub(crate) fn command_in(args: &[OsString]) -> Vec<Word<'_>> {
    let mut words: Vec<Word<'_>> = args.iter().skip(1).map(word).collect();
    let head = CommandPosition::of(&words, || GlobalOptions::augment_args(clap::Command::new("").no_binary_name(true)));
    // Without a command, the word in its place is wrong.
    if head.command == words.len() { words } else { words.split_off(head.command) }
}

/// The fast path also serves one-shot commands, even with `--db` before them.
fn direct_arguments(args: &[OsString]) -> Option<Cli> {
    let args = args.get(1..)?;
    let (db, args) = match args {
        [flag, db, rest @ ..] if (flag == "-d" || flag == "--db") && !db.as_encoded_bytes().starts_with(b"-") => {
            (Some(DatabaseName(db.clone())), rest)
        }
        _ => (None, args),
    };
    let command = direct(&args.iter().map(word).collect::<Vec<_>>())?;
    Some(Cli { options: GlobalOptions { db, ..GlobalOptions::default() }, command: Some(command) })
}

/// An argument as an unquoted word.
fn word(arg: &OsString) -> Word<'_> {
    Word { bytes: Cow::Borrowed(arg.as_encoded_bytes()), quoted: false, flag: 0, span: 0..0 }
}

fn arguments_through_clap(args: &[OsString]) -> Result<Parsed<Box<Cli>>, Failure> {
    let words: Vec<Word<'_>> = args.iter().skip(1).map(word).collect();
    let options = GlobalOptions::augment_args(clap::Command::new("").no_binary_name(true));
    let head = CommandPosition::of(&words, || &options);
    let (first, words) = words.split_at(head.command);
    if words.is_empty()
        && let Some(options) = options_alone(options.clone(), first)
    {
        return Ok(Parsed::Run(Box::new(Cli { options, command: None })));
    }
    let rewritten = habits::rewrite(words).map_err(|error| Failure::usage(error.message))?;
    let words = rewritten.as_deref().unwrap_or(words);
    let alone = name_of(words).and_then(|name| Alone::named(&name, options));
    if let Some(mut alone) = alone {
        let found = alone_of(&mut alone, &head, first, words, false);
        if let Some((options, command)) = found.map_err(|refused| Failure::usage(refused.message))? {
            return Ok(Parsed::Run(Box::new(Cli { options, command: Some(command) })));
        }
    }
    let found = by_all(&mut Cli::command(), &head, first, words, false).map_err(|(failure, _)| failure)?;
    Ok(match found {
        Parsed::Run(cli) => Parsed::Run(Box::new(cli)),
        Parsed::Help(command) => Parsed::Help(command),
        Parsed::Version(text) => Parsed::Version(text),
    })
}

/// Parses words with the whole language; an error comes with its position.
fn by_all<T: FromArgMatches>(
    tree: &mut clap::Command,
    head: &CommandPosition,
    first: &[Word<'_>],
    words: &[Word<'_>],
    in_line: bool,
) -> Result<Parsed<T>, (Failure, Option<Blame>)> {
    let whole = whole(tree, head, first, words, in_line).map_err(|why| match why {
        NotWhole::Failed(at, failure) => {
            let word = first.iter().chain(words).nth(at);
            (failure, Some(word.map_or(Blame::End, |word| Blame::Span(word.span.clone()))))
        }
        NotWhole::Help(failure) => (failure, None),
    })?;
    let program = if in_line { None } else { Some("rusty-kv".into()) };
    let args: Vec<OsString> = program.into_iter().chain(whole.args).collect();
    let matches = tree.try_get_matches_from_mut(&args);
    let error = match matches.and_then(|mut matches| T::from_arg_matches_mut(&mut matches)) {
        Ok(found) => return Ok(Parsed::Run(found)),
        Err(error) => error,
    };
    match error.kind() {
        ErrorKind::DisplayHelp => return Ok(Parsed::Help(name_of(words))),
        ErrorKind::DisplayVersion => return Ok(Parsed::Version(unmarked(&error).trim_end().to_owned())),
        _ => {}
    }
    let words = if words.is_empty() { first } else { words };
    let program = if in_line { "" } else { "rusty-kv " };
    Err(Attempt { tree, words, program, as_text: &whole.as_text }.failure(&error))
}

/// The options of a script or the prompt, if they are correct.
fn options_alone(options: clap::Command, words: &[Word<'_>]) -> Option<GlobalOptions> {
    let mut matches = options.try_get_matches_from(words.iter().map(Word::to_arg)).ok()?;
    GlobalOptions::from_arg_matches_mut(&mut matches).ok()
}

/// Whether the arguments, which may be invalid, ask for JSON.
pub(crate) fn asks_for_json(args: &[OsString]) -> bool {
    let is = |arg: &OsString, text: &str| arg.eq_ignore_ascii_case(text);
    args.windows(2).any(|pair| (is(&pair[0], "-o") || is(&pair[0], "--output")) && is(&pair[1], "json"))
        || args.iter().any(|arg| is(arg, "-ojson") || is(arg, "-o=json") || is(arg, "--output=json"))
}

#[cfg(test)]
mod tests;
