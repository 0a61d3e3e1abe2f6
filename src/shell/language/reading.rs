//! What the splitter has to know about commands: after which words JSON may continue on the next line, and after which
//! commands a `|` is a pipe.

use std::sync::LazyLock;

use clap::CommandFactory as _;

use super::classify::is_list;
use super::cli::Line;
use super::command::{self, names_of};
use super::habits;
use crate::shell::text::argument::ArgumentKind;
use crate::shell::text::words::Splitter;

/// A splitter for a script.
pub(crate) fn script() -> Splitter {
    Splitter::new(may_go_on)
}

/// A splitter for lines of the prompt.
pub(crate) fn prompt() -> Splitter {
    Splitter::at_prompt(may_go_on, answers)
}

/// Whether the command with this name only reads, even if the name comes from another shell.
pub(crate) fn answers(name: &[u8]) -> bool {
    command::answers(name) || habits::reads(name)
}

/// Whether the command with this name takes any number of words, even if the name comes from another shell.
pub(crate) fn takes_list(name: &[u8]) -> bool {
    is_one_of(&PLACES.lists, name)
}

/// Where a line contains values. Built for the first line that needs it.
struct ValuePlaces {
    /// The commands that take a value as a positional argument, by all their names.
    commands: Vec<String>,
    /// The commands that take any number of words.
    lists: Vec<String>,
    /// The options that take a value of the database.
    options: Vec<String>,
    /// The options that take any argument, except those whose file replaces the value.
    taking: Vec<String>,
    /// The same for the options of every command.
    taking_everywhere: Vec<String>,
}

static PLACES: LazyLock<ValuePlaces> = LazyLock::new(|| {
    let tree = Line::command();
    let is_value = |arg: &&clap::Arg| ArgumentKind::of(arg) == ArgumentKind::Value;
    let takes = |arg: &&clap::Arg| arg.get_action().takes_values() && ArgumentKind::of(arg) != ArgumentKind::File;
    let all = || tree.get_subcommands().flat_map(clap::Command::get_opts);
    let commands = tree.get_subcommands().filter(|command| command.get_positionals().any(|arg| is_value(&arg)));
    let lists = tree.get_subcommands().filter(|command| command.get_positionals().any(is_list));
    let taking_everywhere: Vec<String> = tree.get_opts().filter(takes).flat_map(written).collect();
    ValuePlaces {
        commands: commands.flat_map(names_of).map(str::to_owned).collect(),
        lists: lists.flat_map(names_of).map(str::to_owned).collect(),
        options: all().filter(is_value).flat_map(written).collect(),
        taking: all().filter(takes).flat_map(written).chain(taking_everywhere.iter().cloned()).collect(),
        taking_everywhere,
    }
});

/// The spellings of an option.
fn written(option: &clap::Arg) -> impl Iterator<Item = String> {
    let short = option.get_short().map(|short| format!("-{short}"));
    short.into_iter().chain(option.get_long().map(|long| format!("--{long}")))
}

fn has(names: &[String], word: &[u8]) -> bool {
    names.iter().any(|name| name.as_bytes() == word)
}

/// The words without options and their arguments: the command's name and its own arguments.
fn plain<'w>(words: &'w [&'w [u8]]) -> impl Iterator<Item = &'w [u8]> {
    let mut last: &[u8] = b"";
    words.iter().copied().filter(move |word| {
        let is_taken = has(&PLACES.taking_everywhere, std::mem::replace(&mut last, word));
        !word.starts_with(b"-") && !is_taken
    })
}

/// Whether one of these words may be a value: the command takes one, or is unknown.
pub(crate) fn may_hold_value(words: &[&[u8]]) -> bool {
    let option = |word: &&[u8]| word.split(|&byte| byte == b'=').next().is_some_and(|name| has(&PLACES.options, name));
    let Some(command) = plain(words).next() else { return false };
    !command::is_name(command) || is_one_of(&PLACES.commands, command) || words.iter().any(option)
}

/// Whether JSON after these words may continue on the next line.
fn may_go_on(words: &[&[u8]]) -> bool {
    let mut plain = plain(words);
    let Some(command) = plain.next() else { return true };
    words.last().is_some_and(|last| has(&PLACES.options, last))
        || (is_one_of(&PLACES.commands, command) && plain.next().is_some())
}

/// Whether a command is one of these, in any case, or another shell's name for one.
fn is_one_of(names: &[String], command: &[u8]) -> bool {
    let is = |command: &[u8]| names.iter().any(|name| command.eq_ignore_ascii_case(name.as_bytes()));
    is(command) || (!command::is_name(command) && habits::commands(command).iter().any(|command| is(command)))
}

/// Whether a word is an option that takes the next one.
pub(crate) fn takes_next(word: &[u8]) -> bool {
    has(&PLACES.taking, word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::text::words::{Step, Unfinished};

    #[test]
    fn json_goes_on_on_the_next_line_only_where_a_value_stands() {
        for line in [
            "set k [",
            "PUT k {",
            "append k [",
            "set --json k {",
            "set k --ttl 5 {\"a\":",
            "-o json set k [",
            "get k --default [",
            "wait k --equals {",
            "set k v --if-equals [",
            "setnx k {\"a\":",
            "MSETNX k {",
            "msetnx k 1 l [",
            ".set k {",
            "set; k {",
            ".push k [",
            "{",
            "[1,",
        ] {
            assert_eq!(script().step(line.as_bytes(), false), Step::More(Unfinished::Json), "{line}");
            assert_eq!(script().step(format!("{line}\n").as_bytes(), false), Step::More(Unfinished::Json), "{line}");
        }
        for line in [
            "watch [",
            "del --glob [",
            "list [",
            "keys {",
            "find [",
            "count [1,",
            "export x.json [",
            "set [",
            "set {\"a",
            "get [",
            "get set k [",
            "-o json watch [",
            "incr n [",
            "mget k [",
            ".del k {",
        ] {
            assert_eq!(script().step(line.as_bytes(), false), Step::More(Unfinished::Line), "{line}");
            for newline in ["\n", "\r\n", ""] {
                let whole = format!("{line}{newline}");
                let step = script().step(whole.as_bytes(), true);
                let Step::Command { words, .. } = step else { panic!("{step:?}") };
                let found: Vec<_> = words.iter().map(|word| String::from_utf8_lossy(&word.bytes)).collect();
                assert_eq!(found, line.split(' ').collect::<Vec<_>>(), "{line}");
                assert!(words.iter().all(|word| !word.quoted), "{line}");
            }
        }
    }

    #[test]
    fn an_argument_without_a_kind_of_its_own_is_one_of_a_few_names() {
        let tree = Line::command();
        let all = tree.get_subcommands().flat_map(clap::Command::get_arguments).chain(tree.get_arguments());
        for arg in all.filter(|arg| arg.get_action().takes_values()) {
            let is_name = ArgumentKind::of(arg) == ArgumentKind::Name;
            assert_eq!(is_name, !arg.get_possible_values().is_empty(), "{arg:?}");
        }
    }
}
