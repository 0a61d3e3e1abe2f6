//! The definition of a command: its arguments, its properties, and its implementation.

use clap::Args;

use super::{Caller, Session};
use crate::shell::answer::reply::{Answer, Failure};

/// The arguments of a command, with its properties and its implementation.
pub(crate) trait CommandArgs: Args {
    /// Its properties, whatever the arguments.
    const TRAITS: Traits;

    /// Its properties for these arguments.
    fn traits(&self) -> Traits {
        Self::TRAITS
    }

    /// Runs it on the newest state. The user is asked before much is deleted.
    ///
    /// Commands that act on the shell are executed by the runner.
    fn run<'s>(self, _: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        Err(Failure::usage("this command belongs to the shell"))
    }
}

/// The properties of a command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traits {
    /// Its name, as clap derives it from the enum.
    pub(crate) name: &'static str,
    /// Its aliases.
    pub(crate) aliases: &'static [&'static str],
    /// Its group in `help`.
    pub(crate) group: Group,
    pub(crate) effect: Effect,
    pub(crate) database: OpenDatabase,
    pub(crate) pace: Pace,
    pub(crate) in_transaction: InTransaction,
    pub(crate) not_in: NotIn,
    pub(crate) without_undo: WithoutUndo,
    /// Whether a dry run executes it, because it only prints what it would do.
    pub(crate) is_dry: bool,
    /// Whether it is parsed without the rest of the language, whose definition takes longer to build than most commands
    /// take to run. Not worth it for rare or long commands.
    pub(crate) is_parsed_alone: bool,
    /// The label of its progress line.
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

    /// A command that acts on the shell.
    pub(crate) const fn of_shell(name: &'static str) -> Self {
        Self { database: OpenDatabase::Unneeded, ..Self::changes(name, Group::Shell) }
    }

    /// The same command, parsed by itself because it is short and frequent.
    pub(crate) const fn everyday(self) -> Self {
        Self { pace: Pace::Quick, ..self.parsed_alone() }
    }

    /// The same command, which changes data and answers with data.
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

    /// Whether this is its name or an alias, in any case.
    pub(crate) fn is_named(&self, name: &[u8]) -> bool {
        let mut names = std::iter::once(&self.name).chain(self.aliases);
        names.any(|known| known.as_bytes().eq_ignore_ascii_case(name))
    }
}

/// Whether a command changes data, and whether its answer is data, which the prompt can redirect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It changes nothing and answers with data.
    Reads,
    /// It changes data and answers with data.
    ChangesAndAnswers,
    /// It changes data and only confirms that.
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

/// The groups of `help`.
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
    /// All groups, in the order in which a newcomer needs them.
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

/// How a command uses the open database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpenDatabase {
    /// It does not use it, so it also works on a corrupt one.
    Unneeded,
    /// It prints more if the database can be opened.
    IfPossible,
    /// It works on the database.
    Needed,
    /// It reads from the database, and notes if that does not exist.
    NotedIfMissing,
}

impl OpenDatabase {
    /// Whether the command needs the newest state.
    pub(crate) fn is_needed(self) -> bool {
        !matches!(self, Self::Unneeded | Self::IfPossible)
    }
}

/// How long a command takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Short, with a small answer, on the open database: a script may sync it in one batch with the lines around it.
    Quick,
    Usual,
    /// Until another program, which may have the terminal, is done.
    OfOthers,
}

/// Whether a command can run in an open transaction. A dry run is a transaction, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InTransaction {
    Allowed,
    Refused,
    /// At the prompt, it asks first; elsewhere it is refused.
    AsksAtPrompt,
    /// It begins or ends a transaction, so it is refused if the script is one (`--atomic`).
    Controls,
    /// Not in a dry run, which writes no files and cannot ask before it discards changes.
    RefusedInDryRun,
    /// Only in a dry run, where it has nothing to write.
    AllowedInDryRun,
}

/// Where a command is refused, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotIn {
    Nothing,
    /// In a line of a script.
    Script(&'static str),
    /// In the program's arguments.
    OneShot(&'static str),
}

/// What happens at the prompt if a command changes more than `undo` can remember.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WithoutUndo {
    /// The user is asked, and it runs again.
    Asks,
    /// It fails, because its input cannot be read twice.
    Fails,
    /// It runs, because the user has just written the change.
    Runs,
}
