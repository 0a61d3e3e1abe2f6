//! Words or arguments -> a command, and what clap says about those that are none, in one line.

use std::borrow::{Borrow, Cow};
use std::collections::HashMap;
use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{Args as _, CommandFactory, FromArgMatches};

use super::cli::{Cli, Line, LineOptions, Options};
use super::command::{Alone, Command};
use super::help;
use super::place::{self, Places, Refused};
use super::refused::{Attempt, unknown_command, unmarked};
use crate::number::Number;
use crate::shell::answer::reply::Failure;
use crate::shell::commands::count::CountArgs;
use crate::shell::commands::del::DelArgs;
use crate::shell::commands::exists::ExistsArgs;
use crate::shell::commands::get::GetArgs;
use crate::shell::commands::incr::{IncrArgs, Sum};
use crate::shell::commands::listing::{KeysArgs, ListArgs, Looking};
use crate::shell::commands::run::RunArgs;
use crate::shell::commands::set::SetArgs;
use crate::shell::text::argument::{Data, DatabaseName, Key, Prefix, ProgramWord, path_of};
use crate::shell::text::caret::Blame;
use crate::shell::text::escape::excerpt;
use crate::shell::text::glob::Glob;
use crate::shell::text::words::Word;

/// What a line or the arguments ask for.
#[derive(Debug)]
pub(crate) enum Parsed<T> {
    /// Something to do.
    Run(T),
    /// `--help` or `--version`: the text of it.
    Text(String),
}

/// Parses lines, one after another: what a command's definition is made into is kept, and made only if a line needs it.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    alone: HashMap<String, Alone>,
    /// All of the language, for the commands that seldom run and for what is wrong with the others.
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
        let options = || LineOptions::augment_args(clap::Command::new("").no_binary_name(true));
        let head = Head::of(words, options);
        let (first, words) = words.split_at(head.command);
        if let Some(name) = name_of(words)
            && let Some(line) = self.by_itself(&name, &head, first, words, options)?
        {
            return Ok(Parsed::Run(line));
        }
        self.by_all(&head, first, words)
    }

    /// The line by all of the language.
    fn by_all(&mut self, head: &Head, first: &[Word<'_>], words: &[Word<'_>]) -> Result<Parsed<Line>, Failure> {
        let tree = self.tree.get_or_insert_with(Line::command);
        let whole = match whole(tree, head, first, words, true) {
            Ok(whole) => whole,
            Err(NotWhole::Failed(at, failure)) => {
                let word = first.iter().chain(words).nth(at);
                self.blame = Some(word.map_or(Blame::End, |word| Blame::Span(word.span.clone())));
                return Err(failure);
            }
            Err(NotWhole::Help(failure)) => return Err(failure),
        };
        let found = tree.try_get_matches_from_mut(whole.args);
        let error = match found.and_then(|mut matches| Line::from_arg_matches_mut(&mut matches)) {
            Ok(line) => return Ok(Parsed::Run(line)),
            Err(error) => error,
        };
        if let Some(text) = text_of(&error) {
            return Ok(Parsed::Text(text));
        }
        let words = if words.is_empty() { first } else { words };
        let (failure, blame) = Attempt { tree, words, program: "", as_text: &whole.as_text }.failure(&error);
        self.blame = blame;
        Err(failure)
    }

    /// The line of a command that can be parsed without the rest of the language, if nothing is wrong with it.
    fn by_itself(
        &mut self,
        name: &str,
        head: &Head,
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
            Err(Refused { at, message }) => {
                self.blame = Some(words.get(at).map_or(Blame::End, |word| Blame::Span(word.span.clone())));
                Err(Failure::usage(message))
            }
        }
    }
}

/// Where the command stands among some words.
struct Head {
    /// How many options and their values stand before it; all words if there is none, or if something else does.
    command: usize,
    /// The first of them that asks for help or the version.
    asks: Option<usize>,
}

impl Head {
    /// Looks for it behind the options that may stand before it.
    fn of<O: Borrow<clap::Command>>(words: &[Word<'_>], options: impl FnOnce() -> O) -> Self {
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

    /// Whether the last of some options of one letter takes the next word; `None` if there is one that is none.
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

/// Whether a long option, without its dashes, takes the next word; `None` if it is none.
fn long_takes_next(options: &clap::Command, long: &[u8]) -> Option<bool> {
    let end = long.iter().position(|&byte| byte == b'=');
    let name = &long[..end.unwrap_or(long.len())];
    let by_name = |arg: &&clap::Arg| arg.get_long().is_some_and(|long| long.as_bytes() == name);
    let option = options.get_arguments().find(by_name)?;
    Some(option.get_action().takes_values() && end.is_none())
}

/// The name of the command that some words begin with; case does not matter.
fn name_of(words: &[Word<'_>]) -> Option<String> {
    let name = std::str::from_utf8(&words.first()?.bytes).ok()?;
    Some(excerpt(name, 40).to_ascii_lowercase())
}

/// What a command that is parsed by itself comes to; nothing if all of the language is needed, as it is for help and for
/// what is wrong.
fn alone_of<O: FromArgMatches>(
    alone: &mut Alone,
    head: &Head,
    first: &[Word<'_>],
    words: &[Word<'_>],
    in_line: bool,
) -> Result<Option<(O, Command)>, Refused> {
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
struct Whole {
    /// The arguments for clap.
    args: Vec<OsString>,
    /// How the last word is written if it is meant as text.
    as_text: String,
}

/// Why some words are not for clap to read.
#[derive(Debug)]
enum NotWhole {
    /// One of them, the options before the command included; where something is missing, what would be the next.
    Failed(usize, Failure),
    /// Help was asked for, and something else.
    Help(Failure),
}

/// The arguments for all of the language.
fn whole(
    tree: &mut clap::Command,
    head: &Head,
    first: &[Word<'_>],
    words: &[Word<'_>],
    in_line: bool,
) -> Result<Whole, NotWhole> {
    if let Some(at) = first.iter().position(place::is_too_long) {
        return Err(NotWhole::Failed(at, Failure::usage(place::unknown(&first[at]))));
    }
    let mut args: Vec<OsString> = first.iter().map(Word::to_arg).collect();
    let Some(word) = words.first() else { return Ok(Whole { args, as_text: String::new() }) };
    let name = name_of(words).unwrap_or_default();
    let Some(command) = tree.find_subcommand(&name) else {
        let name = String::from_utf8_lossy(&word.bytes);
        return Err(NotWhole::Failed(first.len(), unknown_command(&name, if in_line { "" } else { "rusty-kv " })));
    };
    let places = Places { command, program: tree, in_line };
    let refused = |Refused { at, message }| NotWhole::Failed(first.len() + at, Failure::usage(message));
    let found = places.of(words).map_err(refused)?;
    let asks = found.help.filter(|_| found.has_more);
    let asks_before = head.asks.filter(|_| words.len() > 1).map(|at| &first[at]);
    if let Some(word) = asks.map(|at| &words[at]).or(asks_before) {
        let tail = asks.map(|at| places.help_as_text(words, at)).unwrap_or_default();
        let program = if in_line { None } else { Some("rusty-kv") };
        let text = match tree.try_get_matches_from_mut(program.into_iter().chain([&name, "--help"])) {
            Err(error) => unmarked(&error),
            Ok(_) => String::new(),
        };
        let word = excerpt(&String::from_utf8_lossy(&word.bytes), 40);
        return Err(NotWhole::Help(Failure::help(&word, &tail, text.trim_end())));
    }
    args.push(name.into());
    args.extend(found.args);
    Ok(Whole { args, as_text: found.as_text })
}

/// The everyday commands without flags, past clap: a script of a million lines takes a twentieth of the time to parse.
/// What it gives is what clap would give; what it does not know it leaves to clap.
fn direct(words: &[Word<'_>]) -> Option<Command> {
    let (name, args) = words.split_first()?;
    match &*name.bytes {
        b"list" => return Some(Command::List(ListArgs { looking: looking(args)?, values: false })),
        b"keys" => return looking(args).map(|looking| Command::Keys(KeysArgs { looking })),
        b"run" => return program(args).map(Command::Run),
        _ if args.iter().any(may_be_flag) => return None,
        _ => {}
    }
    let keys = || args.iter().map(key).collect::<Option<Vec<_>>>().filter(|keys| !keys.is_empty());
    match (&*name.bytes, args) {
        (b"set", _) => {
            let (key, value) = plain_set(words)?;
            Some(Command::Set(SetArgs {
                key: Key(key.to_owned()),
                value: Some(Data(value.to_vec())),
                ..SetArgs::default()
            }))
        }
        (b"get", _) => Some(Command::Get(GetArgs { keys: keys()?, ..GetArgs::default() })),
        (b"del", _) => Some(Command::Del(DelArgs { keys: keys()?, ..DelArgs::default() })),
        (b"count", []) => Some(Command::Count(CountArgs { glob: None })),
        (b"count", [glob]) => Some(Command::Count(CountArgs { glob: Some(pattern(glob)?) })),
        (b"exists", _) => Some(Command::Exists(ExistsArgs { keys: keys()? })),
        (b"incr", [key]) => Some(incr(self::key(key)?, Number::ONE)),
        (b"incr", [key, by]) => Some(incr(self::key(key)?, text(by)?.parse().ok()?)),
        _ => None,
    }
}

fn incr(key: Key, by: Number) -> Command {
    Command::Incr(IncrArgs { sum: Sum { key, by } })
}

/// A program and its arguments behind `--`, where nothing is a flag.
fn program(args: &[Word<'_>]) -> Option<RunArgs> {
    let [prefix, dashes, command @ ..] = args else { return None };
    let is_plain = !may_be_flag(prefix) && !dashes.quoted && *dashes.bytes == *b"--" && !command.is_empty();
    let command = || command.iter().map(|word| ProgramWord(path_of(word))).collect();
    is_plain.then_some(RunArgs { prefix: text(prefix).map(Prefix)?, upper: false, any_name: false, command: command() })
}

/// Which keys: all, those that match, or those that begin so.
fn looking(args: &[Word<'_>]) -> Option<Looking> {
    let is_prefix = |flag: &Word<'_>| !flag.quoted && *flag.bytes == *b"--prefix";
    match args {
        [] => Some(Looking::default()),
        [glob] if !may_be_flag(glob) => Some(Looking { glob: Some(pattern(glob)?), ..Looking::default() }),
        [flag, prefix] if is_prefix(flag) && !may_be_flag(prefix) => {
            Some(Looking { prefix: Some(Prefix(text(prefix)?)), ..Looking::default() })
        }
        _ => None,
    }
}

fn text(word: &Word<'_>) -> Option<String> {
    std::str::from_utf8(&word.bytes).ok().map(str::to_owned)
}

fn key(word: &Word<'_>) -> Option<Key> {
    text(word).map(Key)
}

/// A pattern for keys; what is wrong with one, clap says.
fn pattern(word: &Word<'_>) -> Option<Glob> {
    Glob::new(std::str::from_utf8(&word.bytes).ok()?).ok()
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
    let args: Vec<OsString> = args.into_iter().collect();
    direct_arguments(&args).map_or_else(|| arguments_through_clap(&args), |cli| Ok(Parsed::Run(Box::new(cli))))
}

/// The everyday commands past clap, for a one-shot too; a `--db` in front is everyday.
fn direct_arguments(args: &[OsString]) -> Option<Cli> {
    let args = args.get(1..)?;
    let (db, args) = match args {
        [flag, db, rest @ ..] if (flag == "-d" || flag == "--db") && !db.as_encoded_bytes().starts_with(b"-") => {
            (Some(DatabaseName(db.clone())), rest)
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

fn arguments_through_clap(args: &[OsString]) -> Result<Parsed<Box<Cli>>, Failure> {
    let words: Vec<Word<'_>> = args.iter().skip(1).map(word).collect();
    let options = Options::augment_args(clap::Command::new("").no_binary_name(true));
    let head = Head::of(&words, || &options);
    let (first, words) = words.split_at(head.command);
    if words.is_empty()
        && let Some(options) = options_alone(options.clone(), first)
    {
        return Ok(Parsed::Run(Box::new(Cli { options, command: None })));
    }
    let alone = name_of(words).and_then(|name| Alone::named(&name, options));
    if let Some(mut alone) = alone {
        let found = alone_of(&mut alone, &head, first, words, false);
        if let Some((options, command)) = found.map_err(|refused| Failure::usage(refused.message))? {
            return Ok(Parsed::Run(Box::new(Cli { options, command: Some(command) })));
        }
    }
    let mut tree = Cli::command();
    let whole = whole(&mut tree, &head, first, words, false).map_err(|why| match why {
        NotWhole::Failed(_, failure) | NotWhole::Help(failure) => failure,
    })?;
    let args: Vec<OsString> = std::iter::once("rusty-kv".into()).chain(whole.args).collect();
    let mut matches = tree.try_get_matches_from_mut(&args);
    // The list of commands in the program's own help takes time to make, so it is made when it is asked for.
    if matches.as_ref().is_err_and(|error| error.kind() == ErrorKind::DisplayHelp) {
        matches = help::with_groups(Cli::command()).try_get_matches_from(&args);
    }
    let error = match matches.and_then(|mut matches| Cli::from_arg_matches_mut(&mut matches)) {
        Ok(cli) => return Ok(Parsed::Run(Box::new(cli))),
        Err(error) => error,
    };
    if let Some(text) = text_of(&error) {
        return Ok(Parsed::Text(text));
    }
    let words = if words.is_empty() { first } else { words };
    Err(Attempt { tree: &tree, words, program: "rusty-kv ", as_text: &whole.as_text }.failure(&error).0)
}

/// The options of a script or the prompt, if nothing is wrong with them.
fn options_alone(options: clap::Command, words: &[Word<'_>]) -> Option<Options> {
    let mut matches = options.try_get_matches_from(words.iter().map(Word::to_arg)).ok()?;
    Options::from_arg_matches_mut(&mut matches).ok()
}

/// Whether the arguments, which may not be parsable, ask for JSON.
pub(crate) fn asks_for_json(args: &[OsString]) -> bool {
    let is = |arg: &OsString, text: &str| arg.eq_ignore_ascii_case(text);
    args.windows(2).any(|pair| (is(&pair[0], "-o") || is(&pair[0], "--output")) && is(&pair[1], "json"))
        || args.iter().any(|arg| is(arg, "-ojson") || is(arg, "-o=json") || is(arg, "--output=json"))
}

/// The text of help or of the version, if it is that and no error.
fn text_of(error: &clap::Error) -> Option<String> {
    matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion)
        .then(|| unmarked(error).trim_end().to_owned())
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
            // No way in lets a bare word hold a NUL.
            let quoted = quoted || bytes.is_empty() || bytes.contains(&0);
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

    fn line_options() -> clap::Command {
        LineOptions::augment_args(clap::Command::new("").no_binary_name(true))
    }

    fn any_argument() -> impl Strategy<Value = String> {
        let flags: Vec<String> = Line::command()
            .get_subcommands()
            .flat_map(|command| command.get_arguments().filter_map(clap::Arg::get_long).collect::<Vec<_>>())
            .map(|long| format!("--{long}"))
            .collect();
        prop_oneof![
            prop::sample::select(flags),
            "(-o|-y|-q|-0|-oy|-yo|-ojson|-d|--output|--db|--output=json|--yes|--quiet|--wait|--|-|-5|-hq|-h|--help|-V)",
            "(json|plain|5|1h|k|v|[a-z*]{0,3}|--[a-z]{0,4}=?[a-z]?|-{1,2}[a-z]{0,3}|\\PC{0,3})",
        ]
    }

    fn any_alone() -> impl Strategy<Value = String> {
        let names = help::names().into_iter().filter(|name| Alone::named(name, line_options()).is_some());
        prop::sample::select(names.collect::<Vec<_>>())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_500))]
        #[test]
        fn a_command_by_itself_is_parsed_as_by_all_of_the_language(
            first in prop::collection::vec(any_argument(), 0..2),
            name in any_alone(),
            rest in prop::collection::vec((any_argument(), any::<bool>()), 0..6),
        ) {
            let word = |text: &str, quoted| Word { bytes: Cow::Owned(text.as_bytes().to_vec()), quoted, flag: 0, span: 0..0 };
            let mut words: Vec<Word<'_>> = first.iter().map(|text| word(text, false)).collect();
            words.push(word(&name, false));
            words.extend(rest.iter().map(|(text, quoted)| word(text, *quoted)));
            let head = Head::of(&words, line_options);
            let (first, words) = words.split_at(head.command);
            let mut parser = Parser::default();
            if words.first().is_some_and(|word| *word.bytes == *name.as_bytes())
                && let Ok(Some(line)) = parser.by_itself(&name, &head, first, words, line_options)
            {
                match parser.by_all(&head, first, words) {
                    Ok(Parsed::Run(by_all)) => prop_assert_eq!(by_all, line),
                    other => prop_assert!(false, "{:?}", other),
                }
            }
        }

        #[test]
        fn arguments_by_themselves_are_parsed_as_by_all_of_the_language(
            first in prop::collection::vec(any_argument(), 0..2),
            name in any_alone(),
            rest in prop::collection::vec(any_argument(), 0..6),
        ) {
            let args: Vec<OsString> = first.iter().chain([&name]).chain(&rest).map(OsString::from).collect();
            let words: Vec<Word<'_>> = args.iter().map(word).collect();
            let options = || Options::augment_args(clap::Command::new("").no_binary_name(true));
            let head = Head::of(&words, options);
            let (first, words) = words.split_at(head.command);
            let Some(mut alone) = name_of(words).and_then(|name| Alone::named(&name, options())) else { return Ok(()) };
            if let Ok(Some((options, command))) = alone_of::<Options>(&mut alone, &head, first, words, false) {
                let mut tree = Cli::command();
                let whole = whole(&mut tree, &head, first, words, false);
                let args = std::iter::once("rusty-kv".into()).chain(whole.unwrap().args);
                let cli = tree.try_get_matches_from(args).and_then(|matches| Cli::from_arg_matches(&matches)).unwrap();
                prop_assert_eq!(cli.command, Some(command));
                prop_assert_eq!(cli.options, options);
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
            let args: Vec<OsString> = name.chain(db).chain(args).map(OsString::from).collect();
            if let Some(direct) = direct_arguments(&args) {
                match arguments_through_clap(&args) {
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
        for name in ["set", "get", "del", "exists", "count", "keys", "list", "ttl", "info", "incr", "find", "run"] {
            assert!(Alone::named(name, line_options()).is_some(), "{name}");
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
        assert_eq!(db, Some(DatabaseName("GeT".into())));
        assert_eq!(command, Some(Command::Get(GetArgs { keys: vec![Key("GeT".to_owned())], ..GetArgs::default() })));
    }
}
