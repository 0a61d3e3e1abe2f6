//! What a command is: its arguments, what is known of it before it runs, and what it does.

use clap::Args;

use super::{Caller, Session};
use crate::shell::answer::reply::{Answer, Failure};

/// The arguments of a command, which are the whole of it: what it is, and what it does.
pub(crate) trait CommandArgs: Args {
    /// What it is, whatever its arguments are.
    const TRAITS: Traits;

    /// What it is, given its arguments.
    fn traits(&self) -> Traits {
        Self::TRAITS
    }

    /// Does it, on the newest state. A person is asked before much is deleted.
    ///
    /// Commands of the shell itself are done by whoever runs the others.
    fn run<'s>(self, _: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        Err(Failure::usage("this command belongs to the shell"))
    }
}

/// What a command is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traits {
    /// Its name, as clap derives it from the enum.
    pub(crate) name: &'static str,
    /// Its other names.
    pub(crate) aliases: &'static [&'static str],
    /// The commands that `help` lists it with.
    pub(crate) group: Group,
    pub(crate) effect: Effect,
    pub(crate) database: OpenDatabase,
    pub(crate) pace: Pace,
    pub(crate) in_transaction: InTransaction,
    pub(crate) not_in: NotIn,
    pub(crate) without_undo: WithoutUndo,
    /// Whether a dry run lets it run as it is, as it only says what it would do.
    pub(crate) is_dry: bool,
    /// Whether it is parsed without the rest of the language, whose definition takes longer to make than most commands take
    /// to run. Not worth it for those that are seldom run or run long.
    pub(crate) is_parsed_alone: bool,
    /// What its progress bar says that it does.
    pub(crate) doing: &'static str,
}

impl Traits {
    /// A command that changes the database.
    pub(crate) const fn changes(name: &'static str, group: Group) -> Self {
        Self {
            name,
            aliases: &[],
            group,
            effect: Effect::Changes,
            database: OpenDatabase::Needed,
            pace: Pace::Usual,
            in_transaction: InTransaction::Allowed,
            not_in: NotIn::Nothing,
            without_undo: WithoutUndo::Asks,
            is_dry: false,
            is_parsed_alone: false,
            doing: "Looking",
        }
    }

    /// A command that only reads.
    pub(crate) const fn reads_only(name: &'static str, group: Group) -> Self {
        Self { effect: Effect::Reads, ..Self::changes(name, group) }
    }

    /// A command that is the shell's own.
    pub(crate) const fn of_shell(name: &'static str) -> Self {
        Self { database: OpenDatabase::Unneeded, ..Self::changes(name, Group::Shell) }
    }

    /// The same command, quick and often run.
    pub(crate) const fn everyday(self) -> Self {
        Self { pace: Pace::Quick, ..self.parsed_alone() }
    }

    /// The same command, which changes something and answers with data.
    pub(crate) const fn answering(self) -> Self {
        Self { effect: Effect::ChangesAndAnswers, ..self }
    }

    pub(crate) const fn parsed_alone(self) -> Self {
        Self { is_parsed_alone: true, ..self }
    }

    pub(crate) const fn also_named(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    pub(crate) const fn on(self, database: OpenDatabase) -> Self {
        Self { database, ..self }
    }

    pub(crate) const fn in_transaction(self, in_transaction: InTransaction) -> Self {
        Self { in_transaction, ..self }
    }

    pub(crate) const fn doing(self, doing: &'static str) -> Self {
        Self { doing, ..self }
    }

    /// Whether that is one of its names, in any case.
    pub(crate) fn is_named(&self, name: &[u8]) -> bool {
        let mut names = std::iter::once(&self.name).chain(self.aliases);
        names.any(|known| known.as_bytes().eq_ignore_ascii_case(name))
    }
}

/// What a command does, and whether its answer is data, which at the prompt may go into a program or a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It changes nothing, and answers with data.
    Reads,
    /// It changes something, and answers with data.
    ChangesAndAnswers,
    /// It changes something, and only says so.
    Changes,
}

impl Effect {
    /// Whether it changes nothing.
    pub(crate) fn is_read(self) -> bool {
        self == Self::Reads
    }

    /// Whether its answer is data.
    pub(crate) fn is_answer(self) -> bool {
        self != Self::Changes
    }
}

/// The commands that `help` lists together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    Values,
    Queries,
    Expiry,
    Processes,
    Database,
    Transfer,
    Shell,
}

impl Group {
    /// All of them, in the order in which a newcomer needs them.
    pub(crate) const ALL: [Self; 7] =
        [Self::Values, Self::Queries, Self::Expiry, Self::Processes, Self::Database, Self::Transfer, Self::Shell];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Values => "Values",
            Self::Queries => "Queries",
            Self::Expiry => "Expiry",
            Self::Processes => "Transactions and processes",
            Self::Database => "Database",
            Self::Transfer => "Import and export",
            Self::Shell => "Shell",
        }
    }
}

/// What a command has to do with the open database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpenDatabase {
    /// Nothing: it also works on a corrupt one, and leads away from it.
    Unneeded,
    /// It says more of one that can be opened.
    IfPossible,
    /// It works on it.
    Needed,
    /// It reads from it, and its answer notes if there is no such file.
    NotedIfMissing,
}

impl OpenDatabase {
    /// Whether the command wants the newest state of it.
    pub(crate) fn is_needed(self) -> bool {
        !matches!(self, Self::Unneeded | Self::IfPossible)
    }
}

/// How long a command takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// It is quick, has a small answer and works on the open database: a script may sync it in one batch with the lines around it.
    Quick,
    Usual,
    /// As long as others take, who may have the terminal meanwhile.
    OfOthers,
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

/// Where a command makes no sense, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotIn {
    Nothing,
    /// In a line of a script.
    Script(&'static str),
    /// In the program's arguments.
    OneShot(&'static str),
}

/// What becomes of a command at the prompt whose changes are more than `undo` can remember.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WithoutUndo {
    /// A person is asked, and it runs again.
    Asks,
    /// It fails, as what it has read cannot be read twice.
    Fails,
    /// It runs, as a person has just made what it changes.
    Runs,
}
