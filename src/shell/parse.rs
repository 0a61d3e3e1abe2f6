//! Words or arguments -> a command, and what clap says about those that are none, in one line.

use std::borrow::Cow;
use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches};

use super::argument::{Data, IS_PATTERN, path_of};
use super::caret::Blame;
use super::cli::{Cli, Line, Options};
use super::command::{Add, Command, Del, Get, Looking, Run, Set};
use super::glob::Glob;
use super::help;
use super::reply::{Failure, did_you_mean};
use super::words::{self, Word};
use crate::number::Number;

/// What a line or the arguments ask for.
#[derive(Debug)]
pub(crate) enum Parsed<T> {
    /// Something to do.
    Run(T),
    /// `--help` or `--version`: the text of it.
    Text(String),
}

/// Parses lines, one after another: clap's tree is built once, and only if a line needs it.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    tree: Option<clap::Command>,
    /// What was wrong with the line that failed last, if clap says.
    pub(crate) blame: Option<Blame>,
}

impl Parser {
    /// A line's words; there must be at least one.
    pub(crate) fn line(&mut self, words: &[Word<'_>]) -> Result<Parsed<Line>, Failure> {
        direct(words).map_or_else(|| self.through_clap(words), |command| Ok(Parsed::Run(Line::of(command))))
    }

    fn through_clap(&mut self, words: &[Word<'_>]) -> Result<Parsed<Line>, Failure> {
        let mut args: Vec<OsString> = words.iter().map(Word::to_arg).collect();
        if let Ok(name) = std::str::from_utf8(&words[0].bytes) {
            args[0] = name.to_ascii_lowercase().into();
        }
        match self.tree.get_or_insert_with(Line::command).try_get_matches_from_mut(args) {
            Ok(mut matches) => {
                Line::from_arg_matches_mut(&mut matches).map(Parsed::Run).map_err(|error| failure(&error, ""))
            }
            Err(error) => {
                if let Some(failure) = self.closer_look(&error, words) {
                    return Err(failure);
                }
                self.blame = blame(&error, &words[0]);
                text_or_failure(&error, "")
            }
        }
    }

    /// What is wrong with an argument too many, where that is another word: a misspelt flag that was taken for a value, a
    /// sign that would send the answer elsewhere behind another command, or JSON that is none and was cut at its blanks.
    fn closer_look(&mut self, error: &clap::Error, words: &[Word<'_>]) -> Option<Failure> {
        if error.kind() != ErrorKind::UnknownArgument {
            return None;
        }
        let name = String::from_utf8_lossy(&words[0].bytes).to_ascii_lowercase();
        let command = self.tree.as_ref()?.find_subcommand(name)?;
        let bare = || words[1..].iter().filter(|word| !word.quoted);
        let misspelt = bare().find_map(|word| {
            let name = flag_name(word)?;
            help::nearest_flag(command, name).filter(|near| near != name).map(|near| (word, near))
        });
        let (word, message) = if let Some((word, near)) = misspelt {
            let unknown = super::escape::excerpt(flag_name(word).unwrap_or_default(), 40);
            let usage = text_or_failure::<()>(error, "").err()?.message;
            let usage = usage.rfind(" (usage: ").map_or("", |at| &usage[at..]);
            (word, format!("unknown flag '--{unknown}'; did you mean '--{near}'?{usage}"))
        } else if let Some(word) = bare().find(|word| matches!(&*word.bytes, b"|" | b">" | b">>")) {
            let sign = String::from_utf8_lossy(&word.bytes);
            (word, format!("'{sign}' is a plain word here, and one too many (see `help pipes`)"))
        } else {
            let word = bare().find(|word| word.bytes.starts_with(b"{"))?;
            let begin = super::escape::excerpt(&String::from_utf8_lossy(&word.bytes), 20);
            (word, format!("what begins with {begin} is not valid JSON; if it is plain text, quote it: '…'"))
        };
        self.blame = Some(Blame::Span(word.span.clone()));
        Some(Failure::usage(message))
    }
}

/// The name in a `--name` or `--name=…`.
fn flag_name<'a>(word: &'a Word<'_>) -> Option<&'a str> {
    let flag = std::str::from_utf8(&word.bytes).ok()?.strip_prefix("--")?;
    flag.split('=').next()
}

/// The word that clap does not accept.
fn blame(error: &clap::Error, command: &Word<'_>) -> Option<Blame> {
    let text = |kind| match error.get(kind) {
        // An argument is named with what it takes: `--ttl <DURATION>`.
        Some(ContextValue::String(text)) => text.split(" <").next().map(str::to_owned),
        _ => None,
    };
    let word = match error.kind() {
        ErrorKind::InvalidSubcommand => return Some(Blame::Span(command.span.clone())),
        ErrorKind::MissingRequiredArgument => return Some(Blame::End),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => match text(ContextKind::InvalidValue)? {
            missing if missing.is_empty() => return Some(Blame::End),
            value => value,
        },
        // As it was given to clap.
        _ => return Some(Blame::Word(words::unmark(text(ContextKind::InvalidArg)?.as_ref()).into_owned())),
    };
    Some(Blame::Word(word.into_bytes()))
}

/// The everyday commands without flags, past clap: a script of a million lines takes a twentieth of the time to parse.
/// What it gives is what clap would give; what it does not know it leaves to clap.
fn direct(words: &[Word<'_>]) -> Option<Command> {
    let (name, args) = words.split_first()?;
    match &*name.bytes {
        b"list" => return Some(Command::List { looking: looking(args)?, values: false }),
        b"keys" => return looking(args).map(Command::Keys),
        b"run" => return program(args).map(Command::Run),
        _ if args.iter().any(may_be_flag) => return None,
        _ => {}
    }
    let keys = || args.iter().map(text).collect::<Option<Vec<_>>>().filter(|keys| !keys.is_empty());
    match (&*name.bytes, args) {
        (b"set", _) => {
            let (key, value) = plain_set(words)?;
            Some(Command::Set(Set { key: key.to_owned(), value: Some(Data(value.to_vec())), ..Set::default() }))
        }
        (b"get", _) => Some(Command::Get(Get { keys: keys()?, ..Get::default() })),
        (b"del", _) => Some(Command::Del(Del { keys: keys()?, ..Del::default() })),
        (b"count", []) => Some(Command::Count { glob: None }),
        (b"count", [glob]) => Some(Command::Count { glob: Some(pattern(glob)?) }),
        (b"exists", _) => Some(Command::Exists { keys: keys()? }),
        (b"incr", [key]) => Some(Command::Incr(Add { key: text(key)?, by: Number::ONE })),
        (b"incr", [key, by]) => Some(Command::Incr(Add { key: text(key)?, by: text(by)?.parse().ok()? })),
        _ => None,
    }
}

/// A program and its arguments behind `--`, where nothing is a flag.
fn program(args: &[Word<'_>]) -> Option<Run> {
    let [prefix, dashes, command @ ..] = args else { return None };
    let is_plain = !may_be_flag(prefix) && !dashes.quoted && *dashes.bytes == *b"--" && !command.is_empty();
    let command = || command.iter().map(path_of).collect();
    is_plain.then_some(Run { prefix: text(prefix)?, upper: false, any_name: false, command: command() })
}

/// Which keys: all, those that match, or those that begin so.
fn looking(args: &[Word<'_>]) -> Option<Looking> {
    let is_prefix = |flag: &Word<'_>| !flag.quoted && *flag.bytes == *b"--prefix";
    match args {
        [] => Some(Looking::default()),
        [glob] if !may_be_flag(glob) => Some(Looking { glob: Some(pattern(glob)?), ..Looking::default() }),
        [flag, prefix] if is_prefix(flag) && !may_be_flag(prefix) => {
            Some(Looking { prefix: Some(text(prefix)?), ..Looking::default() })
        }
        _ => None,
    }
}

fn text(word: &Word<'_>) -> Option<String> {
    std::str::from_utf8(&word.bytes).ok().map(str::to_owned)
}

/// A pattern for keys; what is wrong with one, clap says.
fn pattern(word: &Word<'_>) -> Option<String> {
    text(word).filter(|text| Glob::new(text).is_ok())
}

fn may_be_flag(word: &Word<'_>) -> bool {
    !word.quoted && word.bytes.first() == Some(&b'-')
}

/// The key and the value of a `set` without flags, as they stand in the line.
pub(crate) fn plain_set<'a>(words: &'a [Word<'_>]) -> Option<(&'a str, &'a [u8])> {
    let [name, key, value] = words else { return None };
    if *name.bytes != *b"set" || may_be_flag(key) || may_be_flag(value) {
        return None;
    }
    Some((std::str::from_utf8(&key.bytes).ok()?, &value.bytes))
}

/// The program's arguments, its own name first.
pub(crate) fn arguments(args: impl IntoIterator<Item = OsString>) -> Result<Parsed<Box<Cli>>, Failure> {
    let mut args: Vec<OsString> = args.into_iter().collect();
    direct_arguments(&args).map_or_else(|| arguments_through_clap(&mut args), |cli| Ok(Parsed::Run(Box::new(cli))))
}

/// The everyday commands past clap, for a one-shot too; a `--db` in front is everyday.
fn direct_arguments(args: &[OsString]) -> Option<Cli> {
    let args = args.get(1..)?;
    let (db, args) = match args {
        [flag, db, rest @ ..] if (flag == "-d" || flag == "--db") && !db.as_encoded_bytes().starts_with(b"-") => {
            (Some(db.clone()), rest)
        }
        _ => (None, args),
    };
    let command = direct(&args.iter().map(word).collect::<Vec<_>>())?;
    Some(Cli { options: Options { db, ..Options::default() }, command: Some(command) })
}

/// An argument as a word that nothing has quoted.
fn word(arg: &OsString) -> Word<'_> {
    Word { bytes: Cow::Borrowed(arg.as_encoded_bytes()), quoted: false, flag: 0, span: 0..0 }
}

fn arguments_through_clap(args: &mut [OsString]) -> Result<Parsed<Box<Cli>>, Failure> {
    let mut tree = Cli::command();
    let mut matches = tree.try_get_matches_from_mut(&*args);
    if let Some(at) = matches.as_ref().err().and_then(|error| unknown_command(error, args)) {
        args[at] = args[at].to_ascii_lowercase();
        matches = tree.try_get_matches_from_mut(&*args);
    }
    // The list of commands in the program's own help takes time to make, so it is made when it is asked for.
    if matches.as_ref().is_err_and(|error| error.kind() == ErrorKind::DisplayHelp) {
        matches = help::with_groups(Cli::command()).try_get_matches_from(&*args);
    }
    match matches {
        Ok(mut matches) => Cli::from_arg_matches_mut(&mut matches)
            .map(|cli| Parsed::Run(Box::new(cli)))
            .map_err(|error| failure(&error, "rusty-kv ")),
        Err(error) => text_or_failure(&error, "rusty-kv "),
    }
}

/// Where among the arguments the command stands that clap does not know as it is written; names are case-insensitive.
fn unknown_command(error: &clap::Error, args: &[OsString]) -> Option<usize> {
    const WITH_VALUE: [&str; 6] = ["--db", "--output", "--color", "--script", "--wait", "--"];
    let Some(ContextValue::String(name)) = error.get(ContextKind::InvalidSubcommand) else { return None };
    // Short options may be clustered: `-qd NAME`.
    let clustered = |arg: &OsString| {
        let arg = arg.as_encoded_bytes();
        arg.starts_with(b"-")
            && !arg.starts_with(b"--")
            && arg.ends_with(b"d") | arg.ends_with(b"o") | arg.ends_with(b"f")
    };
    let takes_value = |arg: &OsString| clustered(arg) || WITH_VALUE.iter().any(|option| arg == option);
    (1..args.len()).find(|&at| args[at] == **name && !takes_value(&args[at - 1]))
}

/// Whether the arguments, which may not be parsable, ask for JSON.
pub(crate) fn asks_for_json(args: &[OsString]) -> bool {
    let is = |arg: &OsString, text: &str| arg.eq_ignore_ascii_case(text);
    args.windows(2).any(|pair| (is(&pair[0], "-o") || is(&pair[0], "--output")) && is(&pair[1], "json"))
        || args.iter().any(|arg| is(arg, "-ojson") || is(arg, "-o=json") || is(arg, "--output=json"))
}

fn text_or_failure<T>(error: &clap::Error, program: &str) -> Result<Parsed<T>, Failure> {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Ok(Parsed::Text(unmarked(error).trim_end().to_owned())),
        _ => Err(failure(error, program)),
    }
}

/// One line of a clap error: what is wrong, and the way out.
fn failure(error: &clap::Error, program: &str) -> Failure {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.trim_start_matches('\0').to_owned()),
        Some(ContextValue::Strings(texts)) => texts.last().cloned(),
        _ => None,
    };
    if let (ErrorKind::InvalidSubcommand, Some(name)) = (error.kind(), context(ContextKind::InvalidSubcommand)) {
        let name = super::escape::excerpt(&name, 40);
        let near = did_you_mean(help::nearest_command(&name).as_deref());
        return Failure::usage(format!("unknown command '{name}'{near} (`{program}help` lists them)"));
    }
    let text = unmarked(error);
    let mut paragraphs = text.split("\n\n");
    let what = one_line(paragraphs.next().unwrap_or_default().trim_start_matches("error: "));
    let tip = text.lines().find_map(|line| line.trim_start().strip_prefix("tip: "));
    let usage = text.lines().find_map(|line| line.trim_start().strip_prefix("Usage: "));
    let mut message = what;
    if let Some(tip) = tip {
        message = format!("{message}; {tip}");
    }
    if let Some(usage) = usage {
        message = format!("{message} (usage: {usage})");
    }
    if let Some(ContextValue::Bool(true)) = error.get(IS_PATTERN) {
        return Failure { code: "pattern", ..Failure::usage(message) };
    }
    Failure::usage(message)
}

/// The text without the marks of quoted words and without colours.
fn unmarked(error: &clap::Error) -> String {
    error.render().to_string().replace('\0', "")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_word() -> impl Strategy<Value = Word<'static>> {
        let bytes = prop_oneof![
            "(set|get|del|exists|incr|list|keys|count|run|SET|put|help)".prop_map(String::into_bytes),
            "(-{0,2}[a-z0-9.=]{0,4}|--|--json|--ttl|--prefix|-o|json|5|-5|1.5)".prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 0..4),
        ];
        (bytes, any::<bool>()).prop_map(|(bytes, quoted)| {
            let quoted = quoted || bytes.is_empty();
            Word { bytes: Cow::Owned(bytes), quoted, flag: 0, span: 0..0 }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        #[test]
        fn the_direct_path_gives_what_clap_gives(words in prop::collection::vec(any_word(), 1..5)) {
            if let Some(command) = direct(&words) {
                match Parser::default().through_clap(&words) {
                    Ok(Parsed::Run(line)) => prop_assert_eq!(line, Line::of(command)),
                    other => prop_assert!(false, "{:?}", other),
                }
            }
        }
    }

    proptest! {
        #[test]
        fn the_direct_path_of_arguments_gives_what_clap_gives(
            db in prop::option::of(("(-d|--db)", "([a-z./]{0,4}|-?[a-z]{0,2}|\\PC{0,3})")),
            args in prop::collection::vec("(set|get|del|exists|incr|keys|list|count|run|--|--prefix|[a-z0-9.=]{0,4}|-{1,2}[a-z]{0,3}|\\PC{0,3})", 1..5),
        ) {
            let db = db.into_iter().flat_map(|(flag, value)| [flag, value]);
            let name = std::iter::once("rusty-kv".to_owned());
            let mut args: Vec<OsString> = name.chain(db).chain(args).map(OsString::from).collect();
            if let Some(direct) = direct_arguments(&args) {
                match arguments_through_clap(&mut args) {
                    Ok(Parsed::Run(cli)) => {
                        prop_assert_eq!(cli.command, direct.command);
                        prop_assert_eq!(cli.options, direct.options);
                    }
                    other => prop_assert!(false, "{:?}", other),
                }
            }
        }
    }

    #[test]
    fn the_direct_path_is_taken_by_the_everyday_commands() {
        let word =
            |text: &'static str| Word { bytes: Cow::Borrowed(text.as_bytes()), quoted: false, flag: 0, span: 0..0 };
        for line in [
            &["set", "k", "v"][..],
            &["get", "k"],
            &["get", "a", "b"],
            &["del", "k"],
            &["incr", "k"],
            &["incr", "k", "5"],
            &["exists", "k"],
            &["count"],
            &["keys", "user:*"],
            &["list", "--prefix", "user:"],
            &["run", "app:", "--", "env", "-i"],
        ] {
            assert!(direct(&line.iter().copied().map(word).collect::<Vec<_>>()).is_some(), "{line:?}");
        }
        for line in [&["set", "k", "-5"][..], &["get", "k", "-o", "json"], &["set", "k"], &["keys", "--limit", "5"]] {
            assert!(direct(&line.iter().copied().map(word).collect::<Vec<_>>()).is_none(), "{line:?}");
        }
    }

    #[test]
    fn the_name_of_a_command_may_be_written_in_any_case_and_only_it() {
        let run = |args: &[&str]| match arguments(args.iter().map(OsString::from)) {
            Ok(Parsed::Run(cli)) => (cli.options.db, cli.command),
            other => panic!("{other:?}"),
        };
        let (db, command) = run(&["rusty-kv", "-qd", "GeT", "GeT", "GeT"]);
        assert_eq!(db, Some("GeT".into()));
        assert_eq!(command, Some(Command::Get(Get { keys: vec!["GeT".to_owned()], ..Get::default() })));
    }
}
