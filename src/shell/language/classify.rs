//! Decides what each argument of a command is, before clap sees it: an option, an option's value, or data.
//!
//! Where a command accepts any text (a VALUE, a REGEX, the value of `--default`), clap would accept a misspelled flag
//! as that text, and would read a text that begins like a one-letter option as the option. Here, the misspelled flag is
//! refused, and the text is marked as data.

use std::ffi::OsString;

use clap::builder::PossibleValue;
use clap::{Arg, ArgAction, Command};

use super::nearest::nearest_flag as flag_nearest_to;
use crate::shell::text::argument::{ArgumentKind, any_of, value_name};
use crate::shell::text::escape::excerpt;
use crate::shell::text::words::{Word, quote};

/// The one-letter options of every command: each is an option even where any text is allowed.
const LETTERS: &[u8] = b"hqyodf";

/// The longest excerpt of a word in a message.
pub(crate) const SHOWN: usize = 40;

/// The name in a `--name` or `--name=…`. An underscore may be a misspelled dash: `--if_absent`.
pub(crate) fn flag_name(word: &[u8]) -> Option<&str> {
    let rest = word.strip_prefix(b"--")?;
    let name = rest.split(|&byte| byte == b'=').next()?;
    let (first, others) = name.split_first()?;
    let is_name = first.is_ascii_alphabetic()
        && others.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    std::str::from_utf8(name).ok().filter(|_| is_name)
}

/// Whether an unquoted word that begins with a dash is data where any text is allowed. A flag with a `;` from the habit
/// of ending lines in one is not.
pub(crate) fn is_data(word: &[u8]) -> bool {
    match word {
        b"--" => false,
        [b'-', letter] | [b'-', letter, b';'] => !LETTERS.contains(letter),
        _ => flag_name(word.strip_suffix(b";").unwrap_or(word)).is_none(),
    }
}

/// The same for a command, whose own one-letter options count, too.
pub(crate) fn is_data_for(command: &Command, word: &[u8]) -> bool {
    let is_own = |letter: u8| command.get_arguments().any(|arg| arg.get_short() == Some(char::from(letter)));
    match word {
        &[b'-', letter] => is_data(word) && !is_own(letter),
        word => is_data(word),
    }
}

/// The arguments of a command, by position.
#[derive(Debug)]
pub(crate) struct Placed {
    /// The arguments for clap.
    pub(crate) args: Vec<OsString>,
    /// The word that asks for help.
    pub(crate) help: Option<usize>,
    /// Whether the command has any other arguments. Options of every command do not count.
    pub(crate) has_more: bool,
    /// How to write the last word as data; `None` if no text is allowed there, or if it is data already.
    pub(crate) as_text: String,
}

/// A word that is refused, and the reason.
#[derive(Debug)]
pub(crate) struct ArgumentError {
    /// The position of the word, or of the missing one.
    pub(crate) at: usize,
    pub(crate) message: String,
}

/// A command, the options of every command, and the source of the words.
#[derive(Clone, Copy)]
pub(crate) struct Places<'a> {
    pub(crate) command: &'a Command,
    /// The definition of the options of every command, which may be the command itself.
    pub(crate) program: &'a Command,
    /// Whether the words are those of a line, in which quotes mark data.
    pub(crate) in_line: bool,
}

/// The state after the words so far.
struct Placing<'a> {
    /// An option whose value comes next, as written.
    value_of: Option<(&'a Arg, String)>,
    /// The number of positional arguments so far.
    count: usize,
    only_data: bool,
    placed: Placed,
}

impl<'a> Places<'a> {
    /// Classifies each word; the first is the command's name.
    pub(crate) fn of(self, words: &[Word<'_>]) -> Result<Placed, ArgumentError> {
        let args = Vec::with_capacity(words.len());
        let placed = Placed { args, help: None, has_more: false, as_text: String::new() };
        let mut walk = Placing { value_of: None, count: 0, only_data: false, placed };
        for (at, word) in words.iter().enumerate().skip(1) {
            let is_marked = self.take(&mut walk, words, at)?;
            let arg = word.to_arg();
            walk.placed.args.push(if is_marked { marked(&arg) } else { arg });
        }
        if let Some(last) =
            words[1..].last().filter(|word| !word.quoted && !walk.only_data && word.bytes.starts_with(b"-"))
            && let Some(place) = positional(self.command, walk.count).filter(|place| takes_text(place))
        {
            let it = format!("'{}'", shown(last));
            walk.placed.as_text = format!(".{}", self.as_text(place, words, words.len() - 1, &it));
        }
        match walk.value_of.filter(|(option, _)| !may_lack_value(option)) {
            Some((option, flag)) => {
                let message = format!("{}, found nothing{}", expected(option, &flag), walk.placed.as_text);
                Err(ArgumentError { at: words.len(), message })
            }
            None => Ok(walk.placed),
        }
    }

    /// Reads one word; returns whether it must be marked as data.
    fn take(self, walk: &mut Placing<'a>, words: &[Word<'_>], at: usize) -> Result<bool, ArgumentError> {
        let word = &words[at];
        let bytes = &*word.bytes;
        let may_be_option = !word.quoted && !walk.only_data && bytes.starts_with(b"-") && bytes.len() > 1;
        if let Some((option, flag)) = walk.value_of.take() {
            let is_none = may_be_option && is_no_value(option, bytes);
            if !is_none {
                return Ok(false);
            }
            if !may_lack_value(option) {
                return Err(self.no_value(option, &flag, words, at));
            }
        }
        if may_be_option && bytes == b"--" {
            walk.only_data = true;
            return Ok(false);
        }
        let place = positional(self.command, walk.count);
        if may_be_option && !(place.is_some_and(takes_dashes) && is_data_for(self.command, bytes)) {
            let is_known = self.option(walk, bytes, at);
            // For a program that should follow `--`, clap reports the error.
            let is_of_program = place.is_some_and(Arg::is_last_set);
            return if is_known || is_of_program { Ok(false) } else { Err(self.no_flag(place, words, at)) };
        }
        walk.count += 1;
        walk.placed.has_more = true;
        Ok(may_be_option)
    }

    /// Reads what clap will treat as options; returns whether they are known.
    fn option(self, walk: &mut Placing<'a>, bytes: &[u8], at: usize) -> bool {
        let found = if bytes.starts_with(b"--") {
            let (name, has_value) = match bytes.iter().position(|&byte| byte == b'=') {
                Some(end) => (&bytes[2..end], true),
                None => (&bytes[2..], false),
            };
            let by_name = |arg: &&Arg| arg.get_long().is_some_and(|long| long.as_bytes() == name);
            if name == b"help" {
                walk.placed.help.get_or_insert(at);
                return true;
            }
            self.find(by_name).map(|arg| (arg, has_value)).into_iter().collect()
        } else {
            self.letters(walk, &bytes[1..], at)
        };
        for &(option, has_value) in &found {
            walk.placed.has_more |= !option.is_global_set();
            let takes_next = option.get_action().takes_values() && !has_value;
            walk.value_of = takes_next.then(|| (option, written(option, bytes)));
        }
        !found.is_empty() || walk.placed.help == Some(at)
    }

    /// The one-letter options in a word, up to one that takes the rest as its value.
    fn letters(self, walk: &mut Placing<'a>, letters: &[u8], at: usize) -> Vec<(&'a Arg, bool)> {
        let mut found = Vec::new();
        for (n, &letter) in letters.iter().enumerate() {
            if letter == b'h' {
                walk.placed.help.get_or_insert(at);
                continue;
            }
            let Some(option) = self.find(|arg| arg.get_short() == Some(char::from(letter))) else { break };
            let takes_rest = option.get_action().takes_values();
            found.push((option, takes_rest && n + 1 < letters.len()));
            if takes_rest {
                break;
            }
        }
        found
    }

    fn find(self, is: impl Fn(&&'a Arg) -> bool) -> Option<&'a Arg> {
        self.command.get_arguments().find(&is).or_else(|| self.program.get_arguments().find(&is))
    }

    fn near(self, name: &str) -> String {
        let near = nearest_flag(Some(self.command), self.program, name);
        near.map_or_else(|| ".".to_owned(), |near| format!("; did you mean '--{near}'?"))
    }

    /// An unknown flag. If any text is allowed here, or no flag is similar, the message says how to write it as data.
    fn no_flag(self, place: Option<&Arg>, words: &[Word<'_>], at: usize) -> ArgumentError {
        let bytes = &*words[at].bytes;
        let is_of_program = |letter: u8| self.in_line && LETTERS.contains(&letter);
        let what = match (flag_name(bytes), bytes) {
            (Some(name), _) => format!("unknown flag '--{}'{}", excerpt(name, SHOWN), self.near(name)),
            (None, &[b'-', letter]) if is_of_program(letter) => {
                format!("'{}' is an option of the program, not of a single command.", shown(&words[at]))
            }
            _ => format!("unknown flag '{}'.", shown(&words[at])),
        };
        let place = place.filter(|place| takes_text(place) || what.ends_with('.'));
        let as_text = place.map(|place| self.as_text(place, words, at, "it")).unwrap_or_default();
        let message = format!("{what}{as_text}");
        ArgumentError { at, message: message.trim_end_matches('.').to_owned() }
    }

    /// An unknown flag where the value of an option is required.
    fn no_value(self, option: &Arg, flag: &str, words: &[Word<'_>], at: usize) -> ArgumentError {
        let found = shown(&words[at]);
        let known = |name: &str| self.find(|arg| arg.get_long() == Some(name)).is_some();
        let near = flag_name(&words[at].bytes).filter(|name| !known(name)).map(|name| self.near(name));
        let near = near.unwrap_or_else(|| ".".to_owned());
        let text = match option.get_long() {
            Some(long) if ArgumentKind::of(option).is_text() => format!(" For text, write --{long}={found}"),
            _ => String::new(),
        };
        let message = format!("{}, found '{found}'{near}{text}", expected(option, flag));
        ArgumentError { at, message: message.trim_end_matches('.').to_owned() }
    }

    /// How to write a word as data, if text is allowed there; `it` is the noun for it.
    fn as_text(self, place: &Arg, words: &[Word<'_>], at: usize, it: &str) -> String {
        if !ArgumentKind::of(place).is_text() {
            return String::new();
        }
        let word = shown(&words[at]);
        let before: Vec<String> = words[..at].iter().map(example).collect();
        let before = excerpt(&before.join(" "), 2 * SHOWN);
        if self.in_line {
            format!(" If you mean text, quote {it}: {before} '{word}'")
        } else {
            format!(" If you mean text, write {before} -- {word}")
        }
    }

    /// The same for a word that asks for help, if the command accepts any text at some position.
    pub(crate) fn help_as_text(self, words: &[Word<'_>], at: usize) -> String {
        let count = words[1..at].iter().filter(|word| word.quoted || !word.bytes.starts_with(b"-")).count();
        match self.command.get_positionals().enumerate().find(|(_, place)| takes_text(place)) {
            Some((n, place)) if n == count => self.as_text(place, words, at, "it"),
            Some((_, place)) if self.in_line => {
                format!(" As a {}, quote it: '{}'", value_name(place), shown(&words[at]))
            }
            Some((_, place)) => format!(" As a {}, put it after '--'", value_name(place)),
            None => String::new(),
        }
    }
}

/// The nearest flag of the command, without dashes, if one is close.
pub(crate) fn nearest_flag<'a>(command: Option<&'a Command>, program: &'a Command, name: &str) -> Option<&'a str> {
    let args = command.into_iter().chain([program]).flat_map(Command::get_arguments);
    flag_nearest_to(args.filter_map(Arg::get_long).chain(["help"]), name)
}

/// The option with this name, without its dashes.
pub(crate) fn by_long<'t>(command: &'t Command, name: &str) -> Option<&'t Arg> {
    command.get_arguments().find(|arg| arg.get_long() == Some(name))
}

/// The argument at a position; the last one may take several words.
pub(crate) fn positional(command: &Command, at: usize) -> Option<&Arg> {
    let last = || command.get_positionals().last().filter(|arg| is_list(arg));
    command.get_positionals().nth(at).or_else(last)
}

/// Whether an argument takes any number of words.
pub(crate) fn is_list(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
}

/// Whether an argument accepts data that begins with a dash. For a list, clap is not told, because it would take every
/// flag after the first item as another item.
pub(crate) fn takes_dashes(arg: &Arg) -> bool {
    arg.is_allow_hyphen_values_set() || (is_list(arg) && ArgumentKind::of(arg) == ArgumentKind::Value)
}

/// Whether a word is longer than any flag, so that looking for the nearest one would take long.
pub(crate) fn is_too_long(word: &Word<'_>) -> bool {
    const LONGEST: usize = 100;
    let name = word.bytes.split(|&byte| byte == b'=').next().unwrap_or_default();
    !word.quoted && name.len() > LONGEST && name.starts_with(b"--")
}

/// The message for such a flag.
pub(crate) fn unknown(word: &Word<'_>) -> String {
    format!("unknown flag '{}'", excerpt(&String::from_utf8_lossy(&word.bytes), SHOWN))
}

/// Whether a word that begins with a dash cannot be the value of an option, except after `=`.
pub(crate) fn is_no_value(option: &Arg, word: &[u8]) -> bool {
    !(takes_dashes(option) && (word == b"--" || is_data(word)))
}

/// Whether the value of an option may be left out.
pub(crate) fn may_lack_value(option: &Arg) -> bool {
    option.get_num_args().is_some_and(|values| values.min_values() == 0)
}

/// What an option is to be followed by.
fn expected(option: &Arg, flag: &str) -> String {
    let names = option.get_possible_values();
    let names: Vec<&str> = names.iter().map(PossibleValue::get_name).collect();
    let names = if names.is_empty() { String::new() } else { format!(" ({})", any_of(&names)) };
    format!("expected a value for '{flag}'{names}")
}

/// An option as written in a word.
fn written(option: &Arg, word: &[u8]) -> String {
    match (option.get_long(), option.get_short()) {
        (Some(long), _) if word.starts_with(b"--") => format!("--{long}"),
        (_, Some(short)) => format!("-{short}"),
        (long, None) => format!("--{}", long.unwrap_or_default()),
    }
}

/// Whether an argument accepts any text, not just a number or a duration.
fn takes_text(arg: &Arg) -> bool {
    takes_dashes(arg) && ArgumentKind::of(arg).is_any_text()
}

/// A word for a message; only the name of a flag, because its value may be a secret.
fn shown(word: &Word<'_>) -> String {
    match flag_name(&word.bytes) {
        Some(name) => {
            let value = if word.bytes.len() > name.len() + 2 { "=…" } else { "" };
            format!("--{}{value}", excerpt(name, SHOWN))
        }
        None => excerpt(&String::from_utf8_lossy(&word.bytes), SHOWN),
    }
}

/// A word as written in an example.
fn example(word: &Word<'_>) -> String {
    const LONGEST: usize = 60;
    if word.bytes.len() > LONGEST {
        return "…".to_owned();
    }
    if !word.quoted && word.bytes.starts_with(b"-") { shown(word) } else { quote(&word.bytes) }
}

/// An argument marked as data, like a quoted word.
fn marked(arg: &OsString) -> OsString {
    let mut marked = OsString::from("\0");
    marked.push(arg);
    marked
}
