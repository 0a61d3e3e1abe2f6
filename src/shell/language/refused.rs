//! Rewords clap's errors in one line.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::classify::{SHOWN, nearest_flag};
use super::habits;
use super::help;
use crate::shell::answer::code::Code;
use crate::shell::answer::reply::{Failure, did_you_mean};
use crate::shell::text::argument::{ArgumentKind, IS_PATTERN, any_of};
use crate::shell::text::caret::Blame;
use crate::shell::text::escape::excerpt;
use crate::shell::text::words::{self, Word};

/// The input in which clap found an error.
pub(crate) struct Attempt<'a> {
    /// The whole language.
    pub(crate) tree: &'a clap::Command,
    /// The words, beginning with the command's name if there is one.
    pub(crate) words: &'a [Word<'a>],
    /// The program's name and a space; empty for a line.
    pub(crate) program: &'static str,
    /// How to write the last word as data.
    pub(crate) as_text: &'a str,
}

impl Attempt<'_> {
    /// The failure, and the word that it is about.
    pub(crate) fn failure(&self, error: &clap::Error) -> (Failure, Option<Blame>) {
        let message = match error.kind() {
            ErrorKind::UnknownArgument => return self.unknown(error),
            ErrorKind::MissingRequiredArgument => {
                let missing = strings(error, ContextKind::InvalidArg);
                let missing: Vec<String> = missing.iter().map(|arg| name_of(arg)).collect();
                format!("missing {}{}{}", missing.join(" and "), usage(error), self.as_text)
            }
            ErrorKind::InvalidValue => {
                let possible = any_of(&strings(error, ContextKind::ValidValue));
                let possible = if possible.is_empty() { possible } else { format!(" ({possible})") };
                format!("expected a value for {}{possible}, found nothing", argument(error))
            }
            ErrorKind::TooManyValues => {
                let value = string(error, ContextKind::InvalidValue).unwrap_or_default();
                format!("{} takes no value, found '{}'", argument(error), excerpt(&value, SHOWN))
            }
            ErrorKind::ArgumentConflict => conflict(error),
            ErrorKind::InvalidSubcommand => {
                let Some(word) = self.dashes().or(self.words.first()) else { return (self.no_command(), None) };
                let failure = if *word.bytes == *b"--" {
                    self.found_dashes()
                } else {
                    unknown_command(self.words, word, self.program)
                };
                return (failure, Some(Blame::Span(word.span.clone())));
            }
            ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                return (self.no_command(), Some(Blame::End));
            }
            _ => {
                let text = unmarked(error);
                let what = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
                what.split_whitespace().collect::<Vec<_>>().join(" ")
            }
        };
        let code = if let Some(ContextValue::Bool(true)) = error.get(IS_PATTERN) { Code::Pattern } else { Code::Usage };
        (Failure { code, ..Failure::usage(message) }, blame(error))
    }

    fn no_command(&self) -> Failure {
        let found = self.words.last().map(|word| String::from_utf8_lossy(&word.bytes));
        let found = found.map(|word| format!(" after '{}'", excerpt(&word, SHOWN))).unwrap_or_default();
        Failure::usage(format!("expected a command{found} (`{}help` lists them)", self.program))
    }

    /// An unexpected argument: an unknown flag, or another word.
    fn unknown(&self, error: &clap::Error) -> (Failure, Option<Blame>) {
        let given = string(error, ContextKind::InvalidArg).unwrap_or_default();
        let is_bare = |word: &&Word<'_>| !word.quoted;
        let mut flags = self.words.iter().take_while(|word| word.quoted || *word.bytes != *b"--").filter(is_bare);
        let is_flag = given.starts_with('-') && flags.any(|word| word.bytes.starts_with(b"-"));
        let shown = excerpt(&given, SHOWN);
        let blame = Some(Blame::Word(given.clone().into_bytes()));
        if let Some(dashes) = self.dashes().filter(|_| self.command().is_none()) {
            return (self.found_dashes(), Some(Blame::Span(dashes.span.clone())));
        }
        if is_flag {
            let near = given.strip_prefix("--").and_then(|name| nearest_flag(self.command(), self.tree, name));
            let near = did_you_mean(near.map(|near| format!("--{near}")).as_deref());
            return (Failure::usage(format!("unknown flag '{shown}'{near}")), blame);
        }
        if let Some((message, word)) = self.closer_look() {
            return (Failure::usage(message), Some(Blame::Span(word.span.clone())));
        }
        (Failure::usage(format!("unexpected '{shown}'{}{}", self.way_out(), usage(error))), blame)
    }

    fn dashes(&self) -> Option<&Word<'_>> {
        self.words.iter().find(|word| !word.quoted && *word.bytes == *b"--")
    }

    fn found_dashes(&self) -> Failure {
        Failure::usage(format!("expected a command, found '--' (`{}help` lists them)", self.program))
    }

    fn command(&self) -> Option<&clap::Command> {
        self.tree.find_subcommand(String::from_utf8_lossy(&self.words.first()?.bytes).to_ascii_lowercase())
    }

    /// An unexpected word that would redirect the answer of another command, or the beginning of invalid JSON that was
    /// split at its spaces.
    fn closer_look(&self) -> Option<(String, &Word<'_>)> {
        if !self.program.is_empty() {
            return None;
        }
        let bare = || self.words.iter().skip(1).filter(|word| !word.quoted);
        if let Some(word) = bare().find(|word| matches!(&*word.bytes, b"|" | b">" | b">>")) {
            let sign = String::from_utf8_lossy(&word.bytes);
            return Some((
                format!(
                    "unexpected '{sign}': a pipe or redirection needs a command that only reads (see `help pipes`)"
                ),
                word,
            ));
        }
        let word = bare().find(|word| word.bytes.starts_with(b"{"))?;
        let begin = excerpt(&String::from_utf8_lossy(&word.bytes), 20);
        Some((format!("the word that starts with {begin} is not valid JSON; if it is text, quote it: '…'"), word))
    }

    /// What the user may have meant by an unexpected word.
    fn way_out(&self) -> &'static str {
        let Some(command) = self.command() else { return "" };
        match command.get_positionals().last() {
            Some(last) if last.is_last_set() => "; the program goes after '--'",
            Some(last) if ArgumentKind::of(last) == ArgumentKind::Value => " — to store several words, quote them",
            _ => "",
        }
    }
}

/// The failure for an unknown command.
pub(crate) fn unknown_command(words: &[Word<'_>], word: &Word<'_>, program: &str) -> Failure {
    let name = String::from_utf8_lossy(&word.bytes);
    // A hint about other shells follows on a line of its own.
    let near = if habits::is_known(words) { None } else { help::nearest_command(&name) };
    let near = did_you_mean(near.as_deref());
    let name = excerpt(&name, SHOWN);
    Failure::usage(format!("unknown command '{name}'{near} (`{program}help` lists them)"))
}

/// The text of help without quoting marks and colors, with an excerpt of the user's words.
pub(crate) fn unmarked(error: &clap::Error) -> String {
    const LONGEST: usize = 80;
    let mut text = error.render().to_string().replace('\0', "");
    for (_, given) in error.context() {
        let ContextValue::String(given) = given else { continue };
        let given = given.trim_start_matches('\0');
        if given.len() > LONGEST {
            text = text.replace(given, &excerpt(given, LONGEST));
        }
    }
    text
}

fn conflict(error: &clap::Error) -> String {
    let arg = argument(error);
    let others: Vec<String> = strings(error, ContextKind::PriorArg).iter().map(|other| quoted(other)).collect();
    if others.is_empty() || others == [arg.as_str()] {
        return format!("{arg} may be given only once");
    }
    format!("{arg} cannot be used with {}", others.join(" and "))
}

/// The usage of the command, for the end of a message.
fn usage(error: &clap::Error) -> String {
    let text = unmarked(error);
    let usage = text.lines().find_map(|line| line.trim_start().strip_prefix("Usage: "));
    usage.map(|usage| format!(" (usage: {usage})")).unwrap_or_default()
}

/// The argument that the error is about.
fn argument(error: &clap::Error) -> String {
    quoted(&string(error, ContextKind::InvalidArg).unwrap_or_default())
}

/// An argument in clap's messages: a flag in quotes without its value, any other by its name alone.
fn quoted(arg: &str) -> String {
    let name = name_of(arg);
    if name.starts_with('-') { format!("'{name}'") } else { name }
}

fn name_of(arg: &str) -> String {
    if arg.starts_with('-') {
        return arg.split(" <").next().unwrap_or_default().to_owned();
    }
    arg.trim_end_matches('.').trim_matches(['<', '>', '[', ']']).to_owned()
}

fn string(error: &clap::Error, kind: ContextKind) -> Option<String> {
    strings(error, kind).into_iter().next()
}

fn strings(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    let unmark = |text: &String| String::from_utf8_lossy(&words::unmark(text.as_ref())).into_owned();
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![unmark(text)],
        Some(ContextValue::Strings(texts)) => texts.iter().map(unmark).collect(),
        _ => Vec::new(),
    }
}

/// The word that clap refused.
fn blame(error: &clap::Error) -> Option<Blame> {
    let word = match error.kind() {
        ErrorKind::MissingRequiredArgument => return Some(Blame::End),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            match string(error, ContextKind::InvalidValue).unwrap_or_default() {
                missing if missing.is_empty() => return Some(Blame::End),
                value => value,
            }
        }
        _ => {
            let given =
                [ContextKind::InvalidArg, ContextKind::PriorArg].into_iter().filter_map(|kind| string(error, kind));
            given.map(|arg| name_of(&arg)).find(|name| name.starts_with('-'))?
        }
    };
    Some(Blame::Word(word.into_bytes()))
}
