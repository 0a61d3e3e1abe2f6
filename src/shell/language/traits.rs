//! What each command is, apart from its arguments: one row a command, in the order of `help`.

use std::sync::LazyLock;

use clap::Subcommand as _;

use super::command::{Command, ShellCommand, names_of};

/// What a command is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traits {
    /// Its name, as clap derives it from the enum.
    pub(crate) name: &'static str,
    /// The group of commands that `help` lists it in; its rows follow each other.
    pub(crate) group: &'static str,
    /// Whether it changes nothing: at the prompt its answer may go into a program or a file.
    pub(crate) reads: bool,
    pub(crate) database: OpenDatabase,
    /// Whether a script may group it with the lines around it: quick, with a small answer, on the open database.
    pub(crate) is_grouped: bool,
    pub(crate) in_transaction: InTransaction,
    /// What its progress bar says that it does.
    pub(crate) doing: &'static str,
}

/// What a command has to do with the open database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpenDatabase {
    /// Nothing: it also works on a damaged one, and leads away from it.
    Unneeded,
    /// It works on it.
    Needed,
    /// It reads from it, and its answer notes if there is no such file.
    NotedIfMissing,
}

/// Whether a command may be run while a transaction is open. A dry run is one too, from its first line to its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InTransaction {
    Allowed,
    Refused,
    /// At the prompt it asks first; elsewhere it is refused.
    AsksAtPrompt,
    /// It begins or ends one, which a script that is one transaction (`--atomic`) has no use for.
    Controls,
    /// Not in a dry run: that writes no file, and has nobody to ask before it forgets changes.
    RefusedInDryRun,
    /// Only in a dry run, where it has nothing to write.
    AllowedInDryRun,
}

use InTransaction::{Allowed, AllowedInDryRun, AsksAtPrompt, Controls, Refused, RefusedInDryRun};
use OpenDatabase::{Needed, NotedIfMissing, Unneeded};

const VALUES: &str = "Values";
const LOOKING: &str = "Looking";
const TIME: &str = "Time";
const TOGETHER: &str = "Together";
const DATABASE: &str = "Database";
const INTERCHANGE: &str = "Interchange";
const SHELL: &str = "Shell";

/// A command that changes the database.
const fn changes(name: &'static str, group: &'static str) -> Traits {
    Traits { name, group, reads: false, database: Needed, is_grouped: false, in_transaction: Allowed, doing: "Looking" }
}

/// A command that only reads.
const fn reads_only(name: &'static str, group: &'static str) -> Traits {
    Traits { reads: true, ..changes(name, group) }
}

/// A command that is the shell's own.
const fn of_shell(name: &'static str) -> Traits {
    Traits { database: Unneeded, ..changes(name, SHELL) }
}

/// Makes the rows and the match over the enum from the same lines. What depends on a command's arguments follows an
/// `if`.
macro_rules! table {
    ($($command:pat => $traits:expr $(; if $condition:expr => { $($field:ident: $value:expr),* })?,)*) => {
        impl Traits {
            /// One row a command, in the order in which a newcomer needs them.
            pub(crate) const ALL: &[Self] = &[$($traits),*];

            /// The traits of a command, given its arguments.
            pub(crate) fn of(command: &Command) -> &'static Self {
                match command {
                    $($command => {
                        $(if $condition {
                            return const { &Self { $($field: $value,)* ..$traits } };
                        })?
                        const { &$traits }
                    })*
                }
            }
        }
    };
}

table! {
    // A file may have to be waited for, and a group holds the lock.
    Command::Set(set) => Traits { is_grouped: true, ..changes("set", VALUES) };
        if set.file.is_some() => { is_grouped: false },
    Command::Get(_) => Traits { is_grouped: true, ..reads_only("get", VALUES) },
    Command::Del(_) => Traits { is_grouped: true, ..changes("del", VALUES) },
    Command::Exists(_) => Traits { database: NotedIfMissing, is_grouped: true, ..reads_only("exists", VALUES) },
    Command::Getdel(_) => Traits { is_grouped: true, ..changes("getdel", VALUES) },
    Command::Incr(_) => Traits { is_grouped: true, ..changes("incr", VALUES) },
    Command::Decr(_) => Traits { is_grouped: true, ..changes("decr", VALUES) },
    Command::Append(_) => Traits { is_grouped: true, ..changes("append", VALUES) },
    Command::Rename(_) => Traits { is_grouped: true, ..changes("rename", VALUES) },
    Command::Copy(_) => Traits { is_grouped: true, ..changes("copy", VALUES) },
    Command::Edit(_) => changes("edit", VALUES),

    Command::Keys(_) => Traits { database: NotedIfMissing, ..reads_only("keys", LOOKING) },
    Command::List(_) => Traits { database: NotedIfMissing, ..reads_only("list", LOOKING) },
    Command::Find(_) => Traits { database: NotedIfMissing, ..reads_only("find", LOOKING) },
    Command::Count(_) => Traits { database: NotedIfMissing, is_grouped: true, ..reads_only("count", LOOKING) },
    Command::Info(_) => Traits { is_grouped: true, ..reads_only("info", LOOKING) },
    Command::Stats => Traits { database: NotedIfMissing, ..reads_only("stats", LOOKING) },

    Command::Expire(_) => Traits { is_grouped: true, ..changes("expire", TIME) },
    Command::Ttl(_) => Traits { is_grouped: true, ..reads_only("ttl", TIME) },
    Command::Persist(_) => Traits { is_grouped: true, ..changes("persist", TIME) },

    Command::Begin => Traits { in_transaction: Controls, ..changes("begin", TOGETHER) },
    Command::Commit => Traits { in_transaction: Controls, ..changes("commit", TOGETHER) },
    Command::Rollback => Traits { in_transaction: Controls, ..changes("rollback", TOGETHER) },
    Command::Undo { .. } => Traits { in_transaction: RefusedInDryRun, ..changes("undo", TOGETHER) },
    Command::Watch { .. } => Traits { in_transaction: Refused, ..changes("watch", TOGETHER) },
    Command::Wait(_) => Traits { in_transaction: Refused, ..changes("wait", TOGETHER) },
    Command::Run(_) => changes("run", TOGETHER),

    Command::Save { path } => Traits { in_transaction: Refused, doing: "Saving", ..changes("save", DATABASE) };
        if path.is_none() => { in_transaction: AllowedInDryRun },
    Command::Restore { .. } =>
        Traits { database: Unneeded, in_transaction: Refused, doing: "Restoring", ..changes("restore", DATABASE) },
    Command::Use { .. } => Traits { database: Unneeded, in_transaction: AsksAtPrompt, ..changes("use", DATABASE) },
    Command::Dbs => Traits { database: Unneeded, ..reads_only("dbs", DATABASE) },
    Command::Drop { .. } => Traits { database: Unneeded, in_transaction: Refused, ..changes("drop", DATABASE) },
    Command::Path => Traits { database: Unneeded, ..reads_only("path", DATABASE) },
    Command::Clear => changes("clear", DATABASE),
    Command::Check { .. } =>
        Traits { database: Unneeded, in_transaction: Refused, doing: "Checking", ..reads_only("check", DATABASE) },
    Command::Repair { .. } => Traits { database: Unneeded, in_transaction: Refused, ..changes("repair", DATABASE) },
    Command::Diff { b, .. } => Traits { doing: "Comparing", ..reads_only("diff", DATABASE) };
        if b.is_some() => { database: Unneeded },

    Command::Import(_) => Traits { doing: "Importing", ..changes("import", INTERCHANGE) },
    Command::Export(export) =>
        Traits { database: NotedIfMissing, doing: "Exporting", ..reads_only("export", INTERCHANGE) };
        if export.file.is_some() => { in_transaction: RefusedInDryRun },
    Command::Dump { file, .. } =>
        Traits { database: NotedIfMissing, doing: "Exporting", ..reads_only("dump", INTERCHANGE) };
        if file.is_some() => { in_transaction: RefusedInDryRun },

    Command::Shell(ShellCommand::Source { .. }) => Traits { database: Needed, ..of_shell("source") },
    Command::Shell(ShellCommand::Output { .. }) => of_shell("output"),
    Command::Shell(ShellCommand::Timer { .. }) => of_shell("timer"),
    Command::Shell(ShellCommand::Pager { .. }) => of_shell("pager"),
    Command::Shell(ShellCommand::Hints { .. }) => of_shell("hints"),
    Command::Shell(ShellCommand::EditMode { .. }) => of_shell("edit-mode"),
    Command::Shell(ShellCommand::History { .. }) => Traits { reads: true, ..of_shell("history") },
    Command::Shell(ShellCommand::Completions { .. }) => of_shell("completions"),
    Command::Shell(ShellCommand::Man) => Traits { reads: true, ..of_shell("man") },
    Command::Shell(ShellCommand::Help { .. }) => Traits { reads: true, ..of_shell("help") },
    Command::Shell(ShellCommand::Exit { .. }) => of_shell("exit"),
}

impl Traits {
    /// The row of the command with this name.
    fn named(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|traits| traits.name == name)
    }
}

/// Whether the command with this name or alias, in any case, only reads.
pub(crate) fn reads(name: &[u8]) -> bool {
    static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
        let tree = Command::augment_subcommands(clap::Command::new(""));
        let readers = tree
            .get_subcommands()
            .filter(|command| Traits::named(command.get_name()).is_some_and(|traits| traits.reads));
        readers.flat_map(names_of).map(str::to_owned).collect()
    });
    NAMES.iter().any(|command| name.eq_ignore_ascii_case(command.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::language::cli::Line;
    use crate::shell::text::words::{Splitter, Step, Word};
    use clap::{CommandFactory as _, Parser as _};

    #[test]
    fn every_command_has_one_row_which_its_own_example_leads_to() {
        let tree = Line::command();
        let mut names: Vec<&str> = tree.get_subcommands().map(clap::Command::get_name).collect();
        let mut rows: Vec<&str> = Traits::ALL.iter().map(|traits| traits.name).collect();
        names.sort_unstable();
        rows.sort_unstable();
        assert_eq!(rows, names);
        for command in tree.get_subcommands() {
            let help = command.get_after_help().unwrap().to_string();
            let example = help.split_once("Examples:\n").unwrap().1.lines().next().unwrap();
            let example = example.split(" > ").next().unwrap();
            let step = Splitter::new(|_| false).step(example.as_bytes(), true);
            let Step::Command { words, .. } = step else { panic!("{step:?}") };
            let name = command.get_name();
            let line = Line::try_parse_from(words.iter().map(Word::to_arg)).unwrap();
            assert_eq!(Traits::of(&line.command).name, name);
        }
    }

    #[test]
    fn aliases_read_as_their_command_does() {
        assert!(["get", "ls", "SCAN", "help", "man"].iter().all(|name| reads(name.as_bytes())));
        assert!(!["set", "rm", "output", "nothing", ""].iter().any(|name| reads(name.as_bytes())));
    }
}
