//! What splitting input into words has to know about the commands: after which words JSON may continue on the next line,
//! and which commands a `|` may follow.

use std::sync::LazyLock;

use clap::CommandFactory as _;

use super::cli::Line;
use super::command::{self, all, names_of};
use super::habits;
use crate::shell::text::argument::ArgumentKind;
use crate::shell::text::words::Splitter;

/// A splitter for a script.
pub(crate) fn script() -> Splitter {
    Splitter::new(may_go_on)
}

/// A splitter for lines typed at the prompt.
pub(crate) fn prompt() -> Splitter {
    Splitter::at_prompt(may_go_on, answers)
}

/// Whether the command with this name only reads, also if it is another shell's name for one.
pub(crate) fn answers(name: &[u8]) -> bool {
    command::answers(name) || habits::reads(name)
}

/// Where values stand in a line. It is made when the first line asks.
struct ValuePlaces {
    /// The commands that take a value by its place, by all their names.
    commands: Vec<String>,
    /// The options whose value is one.
    options: Vec<String>,
    /// The options that take something, whatever it is; but where a file stands for the value that it holds, not that one.
    taking: Vec<String>,
    /// The same of the options for every command.
    taking_everywhere: Vec<String>,
}

static PLACES: LazyLock<ValuePlaces> = LazyLock::new(|| {
    let tree = Line::command();
    let is_value = |arg: &&clap::Arg| ArgumentKind::of(arg) == ArgumentKind::Value;
    let takes = |arg: &&clap::Arg| arg.get_action().takes_values() && ArgumentKind::of(arg) != ArgumentKind::File;
    let all = || tree.get_subcommands().flat_map(clap::Command::get_opts);
    let commands = tree.get_subcommands().filter(|command| command.get_positionals().any(|arg| is_value(&arg)));
    let taking_everywhere: Vec<String> = tree.get_opts().filter(takes).flat_map(written).collect();
    let foreign = habits::names_before_values().map(str::to_owned);
    ValuePlaces {
        commands: commands.flat_map(names_of).map(str::to_owned).chain(foreign).collect(),
        options: all().filter(is_value).flat_map(written).collect(),
        taking: all().filter(takes).flat_map(written).chain(taking_everywhere.iter().cloned()).collect(),
        taking_everywhere,
    }
});

/// The ways to write an option.
fn written(option: &clap::Arg) -> impl Iterator<Item = String> {
    let short = option.get_short().map(|short| format!("-{short}"));
    short.into_iter().chain(option.get_long().map(|long| format!("--{long}")))
}

fn has(names: &[String], word: &[u8]) -> bool {
    names.iter().any(|name| name.as_bytes() == word)
}

/// The words but options and what the options for every command take: the command's name and its arguments.
fn plain<'w>(words: &'w [&'w [u8]]) -> impl Iterator<Item = &'w [u8]> {
    let mut last: &[u8] = b"";
    words.iter().copied().filter(move |word| {
        let is_taken = has(&PLACES.taking_everywhere, std::mem::replace(&mut last, word));
        !word.starts_with(b"-") && !is_taken
    })
}

/// Whether a value may be among these words: the command takes one, or is none that there is.
pub(crate) fn may_hold_value(words: &[&[u8]]) -> bool {
    let option = |word: &&[u8]| word.split(|&byte| byte == b'=').next().is_some_and(|name| has(&PLACES.options, name));
    let Some(command) = plain(words).next() else { return false };
    let is = |name: &[u8]| command.eq_ignore_ascii_case(name);
    let is_known = all().any(|traits| traits.is_named(command));
    !is_known || PLACES.commands.iter().any(|name| is(name.as_bytes())) || words.iter().any(option)
}

/// Whether JSON after these words may go on on the next line.
fn may_go_on(words: &[&[u8]]) -> bool {
    let mut plain = plain(words);
    let Some(command) = plain.next() else { return true };
    words.last().is_some_and(|last| has(&PLACES.options, last))
        || (PLACES.commands.iter().any(|name| command.eq_ignore_ascii_case(name.as_bytes())) && plain.next().is_some())
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
