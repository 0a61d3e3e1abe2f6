//! What the words of a line are, by clap's own tree of the commands: the names, the flags and what follows them.

use clap::{Arg, ArgAction, Command, CommandFactory};

use crate::shell::language::classify::{self, by_long, positional};
use crate::shell::language::cli::{Cli, Line};
use crate::shell::language::habits;
use crate::shell::language::reading::answers;
use crate::shell::text::words::Word;

/// The tree of the commands, with what clap adds to it.
pub(super) fn tree() -> Command {
    let mut tree = Line::command();
    tree.build();
    tree
}

/// The same with the options of the program, whose arguments are the words, as far as those need it: what clap would add to
/// all the commands takes longer than everything else that an answer to a shell takes.
pub(super) fn tree_of_program(words: &[Word<'_>]) -> Command {
    let help = Arg::new("help").short('h').long("help").help("Print help").action(ArgAction::Help);
    let tree = Cli::command().arg(help.clone());
    let Some(name) = Before::in_program(&tree).reading(words).command.map(|command| command.get_name().to_owned())
    else {
        return tree;
    };
    let options: Vec<Arg> = tree.get_arguments().filter(|arg| arg.is_global_set()).cloned().collect();
    tree.mut_subcommand(name, |command| {
        let own: Vec<clap::Id> = command.get_arguments().map(|arg| arg.get_id().clone()).collect();
        command.args(options.into_iter().filter(|option| !own.contains(option.get_id()))).arg(help)
    })
}

/// What a word is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Role {
    /// A name of a command.
    Command,
    /// A word where a command's name belongs.
    Unknown,
    /// A flag; its value may be in the same word.
    Flag,
    /// Something like a flag that the command does not have.
    NoFlag,
    /// `--`: what follows is data.
    Dashes,
    /// An argument by its place, or the value of the flag before it.
    Value,
    /// `|`, `>` or `>>`: the answer goes to a program or a file.
    Operator,
    /// What stands behind one: the words of the system's shell.
    Outside,
}

/// What the words so far come to.
#[derive(Debug)]
pub(super) struct Before<'t> {
    tree: &'t Command,
    pub(super) command: Option<&'t Command>,
    /// Whether a word is no command.
    pub(super) lost: bool,
    /// The flag whose value comes next.
    pub(super) value_of: Option<&'t Arg>,
    /// The arguments by place that are there.
    pub(super) places: Vec<Vec<u8>>,
    /// Whether the last word was one of them.
    pub(super) ends_in_place: bool,
    /// Whether a `--` says that what follows is data.
    pub(super) only_data: bool,
    /// Whether the line begins with a command whose answer can go elsewhere.
    answers: bool,
    /// Whether an answer can go elsewhere by words of the line.
    may_go_outside: bool,
    /// The operator behind which this is.
    pub(super) outside: Option<Outside>,
    /// The flags that are there.
    given: Vec<&'t clap::Id>,
}

/// Where an answer goes instead of the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outside {
    /// To a program.
    Program,
    /// To a file.
    File,
}

impl<'t> Before<'t> {
    pub(super) fn new(tree: &'t Command) -> Self {
        Self {
            tree,
            command: None,
            lost: false,
            value_of: None,
            places: Vec::new(),
            ends_in_place: false,
            only_data: false,
            answers: false,
            may_go_outside: true,
            outside: None,
            given: Vec::new(),
        }
    }

    pub(super) fn read(tree: &'t Command, words: &[Word<'_>]) -> Self {
        Self::new(tree).reading(words)
    }

    fn reading(mut self, words: &[Word<'_>]) -> Self {
        for word in words {
            self.take(word);
        }
        self
    }

    /// The same for the program's arguments: where its answer goes was said in another language.
    pub(super) fn in_program(tree: &'t Command) -> Self {
        Self { may_go_outside: false, ..Self::new(tree) }
    }

    /// Takes the next word in and says what it is.
    pub(super) fn take(&mut self, word: &Word<'_>) -> Role {
        self.ends_in_place = false;
        if self.outside.is_some() {
            return Role::Outside;
        }
        let text = String::from_utf8_lossy(&word.bytes);
        if self.is_at_start() {
            self.answers = self.may_go_outside && !word.quoted && answers(&word.bytes);
        }
        if let Some(outside) = self.operator(word, &text) {
            self.outside = Some(outside);
            return Role::Operator;
        }
        let is_bare = !word.quoted && !self.only_data && text.starts_with('-') && text.len() > 1;
        if let Some(option) = self.value_of.take() {
            let is_wrong = is_bare && classify::is_no_value(option, &word.bytes);
            return if is_wrong { Role::NoFlag } else { Role::Value };
        }
        let takes_text = |arg: Option<&Arg>| arg.is_some_and(classify::takes_dashes);
        let takes_text = takes_text(self.command.and_then(|command| positional(command, self.places.len())));
        // Where any text may stand, only what has the form of an option is none.
        let is_data = !is_bare || (takes_text && classify::is_data_for(self.scope(), &word.bytes));
        if !is_data && text == "--" {
            self.only_data = true;
            return Role::Dashes;
        }
        if !is_data && let Some((arg, has_value)) = self.flag(&text) {
            self.given.push(arg.get_id());
            self.value_of = Some(arg).filter(|arg| arg.get_action().takes_values() && !has_value);
            return Role::Flag;
        }
        if self.command.is_none() {
            if self.lost {
                return Role::Value;
            }
            self.command = self.tree.find_subcommand(text.to_ascii_lowercase());
            self.lost = self.command.is_none();
            // Another shell's name for a command is no mistake.
            let is_unknown = self.lost && !habits::begins(&word.bytes);
            return if is_unknown { Role::Unknown } else { Role::Command };
        }
        if !is_data {
            return Role::NoFlag;
        }
        self.places.push(word.bytes.to_vec());
        self.ends_in_place = true;
        Role::Value
    }

    /// Whether no word was taken in yet.
    fn is_at_start(&self) -> bool {
        self.command.is_none() && self.given.is_empty() && !self.lost
    }

    fn operator(&self, word: &Word<'_>, text: &str) -> Option<Outside> {
        match text {
            "!" if !word.quoted && self.is_at_start() && self.may_go_outside => Some(Outside::Program),
            _ if word.quoted || word.flag > 0 || !self.answers => None,
            "|" => Some(Outside::Program),
            ">" | ">>" => Some(Outside::File),
            _ => None,
        }
    }

    /// The command, or before there is one all of the language.
    pub(super) fn scope(&self) -> &'t Command {
        self.command.unwrap_or(self.tree)
    }

    /// Whether a flag of the command begins with a word that is being typed.
    pub(super) fn begins_flag(&self, word: &str) -> bool {
        let name = word.strip_prefix("--");
        name.is_some_and(|name| {
            self.scope().get_arguments().filter_map(Arg::get_long).any(|long| long.starts_with(name))
        })
    }

    /// Takes a flag in whose value is being typed behind its name.
    pub(super) fn give(&mut self, name: &str) {
        self.given.extend(by_long(self.scope(), name).map(Arg::get_id));
    }

    /// The flags that are not there yet, and may be.
    pub(super) fn free(&self) -> impl Iterator<Item = &'t Arg> {
        let command = self.scope();
        command
            .get_arguments()
            .filter(|arg| !arg.is_positional() && !arg.is_hide_set() && !self.given.contains(&arg.get_id()))
    }

    /// Whether a flag or an argument cannot stand beside one that is there.
    pub(super) fn excludes(&self, arg: &Arg) -> bool {
        let Some(command) = self.command else { return false };
        let given = command.get_arguments().filter(|there| self.given.contains(&there.get_id()));
        let mut places = command.get_positionals().take(self.places.len());
        given.into_iter().any(|there| conflict(command, arg, there))
            || places.any(|there| conflict(command, arg, there))
    }

    /// The arguments by place that are not there yet, the one that is being typed left out if `typing`.
    pub(super) fn missing(&self, typing: bool) -> impl Iterator<Item = &'t Arg> {
        let from = self.places.len() + usize::from(typing);
        self.command.into_iter().flat_map(move |command| command.get_positionals().skip(from))
    }

    /// The flag that a word is, and whether its value is in the same word.
    fn flag(&self, word: &str) -> Option<(&'t Arg, bool)> {
        let command = self.scope();
        if let Some(long) = word.strip_prefix("--") {
            let (name, has_value) = long.split_once('=').map_or((long, false), |(name, _)| (name, true));
            return by_long(command, name).map(|arg| (arg, has_value));
        }
        let mut letters = word.strip_prefix('-')?.chars();
        let letter = letters.next()?;
        let arg = command.get_arguments().find(|arg| arg.get_short() == Some(letter))?;
        Some((arg, !letters.as_str().is_empty()))
    }
}

/// Whether one of two arguments says that it excludes the other.
fn conflict(command: &Command, one: &Arg, other: &Arg) -> bool {
    let excludes =
        |one: &Arg, other: &Arg| command.get_arg_conflicts_with(one).iter().any(|arg| arg.get_id() == other.get_id());
    excludes(one, other) || excludes(other, one)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::language::reading;
    use crate::shell::text::words::Step;

    fn roles(line: &str) -> String {
        let tree = tree();
        let mut before = Before::new(&tree);
        let Step::Command { words, .. } = reading::script().step(line.as_bytes(), true) else { panic!("{line}") };
        let letter = |role| match role {
            Role::Command => 'c',
            Role::Unknown => '?',
            Role::Flag => 'f',
            Role::NoFlag => 'n',
            Role::Dashes => '-',
            Role::Value => 'v',
            Role::Operator => '|',
            Role::Outside => 'o',
        };
        words.iter().map(|word| letter(before.take(word))).collect()
    }

    #[test]
    fn words_are_commands_flags_values_and_what_is_outside() {
        for (line, wanted) in [
            ("set k v", "cvv"),
            ("SET k --ttl 5m v --json", "cvfvvf"),
            ("set k -5", "cvv"),
            ("set k v x", "cvvv"),
            ("get a b c", "cvvv"),
            ("get --nonsense a", "cnv"),
            ("set cfg --flie=config.json", "cvn"),
            ("set cfg --json --flie", "cvfn"),
            ("set cfg '--flie=x'", "cvv"),
            ("set cfg -- --flie=x", "cv-v"),
            ("set cfg -hq", "cvv"),
            ("set cfg -q", "cvn"),
            ("set cfg -----BEGIN", "cvv"),
            ("set k v --if-equals --json", "cvvfn"),
            ("get k --default=--x", "cvf"),
            ("find --keyz", "cn"),
            ("get -- --pointer", "c-v"),
            ("get '--pointer'", "cv"),
            ("-o json get a", "fvcv"),
            ("nonsense a get", "?vv"),
            ("'get' a", "cv"),
            ("get a | jq .x", "cv|oo"),
            ("ls | cat", "c|o"),
            ("-o json get a | b", "fvcvvv"),
            ("'get' a | b", "cvvv"),
            ("get a '|' b", "cvvv"),
            ("set a | b", "cvvv"),
            ("list user:* > users.txt", "cv|o"),
            ("keys >> out", "c|o"),
            ("del a | b", "cvvv"),
        ] {
            assert_eq!(roles(line), wanted, "{line}");
        }
    }
}
