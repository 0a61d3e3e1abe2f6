//! The language: one enum for all three modes, generated from the arguments of the commands.

use std::ffi::OsString;

use clap::{ArgMatches, Args, FromArgMatches, Subcommand};

use crate::shell::answer::reply::{Answer, Failure};
use crate::shell::commands::traits::{CommandArgs, Traits};
use crate::shell::commands::{self, Caller, Session};

/// Generates the enum of the commands from one line each, and every match over it.
macro_rules! commands {
    ($(#[$doc:meta])* $name:ident { $($command:ident($file:ident::$args:ident),)* $(..$rest:ident($others:ty))? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Subcommand)]
        pub(crate) enum $name {
            $(
                #[command(visible_aliases = commands::$file::$args::TRAITS.aliases)]
                $command(commands::$file::$args),
            )*
            $(#[command(flatten)] $rest($others),)?
        }

        impl $name {
            const ROWS: &[CommandInfo] = &[$(CommandInfo {
                traits: commands::$file::$args::TRAITS,
                alone: |options| Alone::of(options, |args| Self::$command(args).into()),
            }),*];

            /// The properties of the command for its arguments.
            pub(crate) fn traits(&self) -> Traits {
                match self {
                    $(Self::$command(args) => args.traits(),)*
                    $(Self::$rest(command) => command.traits(),)?
                }
            }

            fn act<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
                match self {
                    $(Self::$command(args) => args.run(session, caller),)*
                    $(Self::$rest(command) => command.act(session, caller),)?
                }
            }
        }
    };
}

commands! {
    /// A command with its arguments, checked as far as possible without a database. The order is that of `help`, group
    /// by group.
    Command {
        Set(set::SetArgs),
        Mset(mset::MsetArgs),
        Get(get::GetArgs),
        Del(del::DelArgs),
        Exists(exists::ExistsArgs),
        Getdel(getdel::GetdelArgs),
        Incr(incr::IncrArgs),
        Decr(incr::DecrArgs),
        Append(append::AppendArgs),
        Push(push::PushArgs),
        Pop(push::PopArgs),
        Merge(merge::MergeArgs),
        Patch(merge::PatchArgs),
        Rename(rename::RenameArgs),
        Copy(rename::CopyArgs),
        Edit(edit::EditArgs),
        Keys(listing::KeysArgs),
        List(listing::ListArgs),
        Find(find::FindArgs),
        Count(count::CountArgs),
        Info(info::InfoArgs),
        Type(type_of::TypeArgs),
        Stats(stats::StatsArgs),
        Expire(expiry::ExpireArgs),
        Ttl(expiry::TtlArgs),
        Persist(expiry::PersistArgs),
        Begin(transaction::BeginArgs),
        Commit(transaction::CommitArgs),
        Rollback(transaction::RollbackArgs),
        Undo(undo::UndoArgs),
        Redo(redo::RedoArgs),
        Watch(watch::WatchArgs),
        Wait(watch::WaitArgs),
        Run(run::RunArgs),
        Save(save::SaveArgs),
        Restore(restore::RestoreArgs),
        Use(use_database::UseArgs),
        Dbs(dbs::DbsArgs),
        Drop(drop::DropArgs),
        Path(path::PathArgs),
        Clear(clear::ClearArgs),
        Check(repair::CheckArgs),
        Repair(repair::RepairArgs),
        Import(import::ImportArgs),
        Export(export::ExportArgs),
        Dump(export::DumpArgs),
        MergeFile(merge_file::MergeFileArgs),
        CopyTo(copy_to::CopyToArgs),
        Diff(diff::DiffArgs),
        Ping(ping::PingArgs),
        Echo(echo::EchoArgs),
        Version(version::VersionArgs),
        ..Shell(ShellCommand)
    }
}

commands! {
    /// Commands that act on the shell.
    ShellCommand {
        Source(lines::SourceArgs),
        Output(settings::OutputArgs),
        Timer(settings::TimerArgs),
        Pager(settings::PagerArgs),
        Hints(settings::HintsArgs),
        EditMode(settings::EditModeArgs),
        Prompt(settings::PromptArgs),
        Mask(mask::MaskArgs),
        Config(settings::ConfigArgs),
        History(lines::HistoryArgs),
        Completions(manual::CompletionsArgs),
        Help(manual::HelpArgs),
        Man(manual::ManArgs),
        Exit(lines::ExitArgs),
    }
}

impl From<ShellCommand> for Command {
    fn from(command: ShellCommand) -> Self {
        Self::Shell(command)
    }
}

impl Command {
    /// Runs it, as its traits say, on the newest state. The user is asked before much is deleted.
    pub(crate) fn run<'s>(
        self,
        traits: &Traits,
        session: &'s mut Session,
        caller: &mut Caller<'_>,
    ) -> Result<Answer<'s>, Failure> {
        let note = session.prepare(traits, caller)?;
        let mut answer = self.act(session, caller)?;
        answer.notes.extend(note);
        Ok(answer)
    }
}

/// The properties of a command without its arguments.
struct CommandInfo {
    traits: Traits,
    /// Makes it a command by itself.
    alone: fn(clap::Command) -> Alone,
}

fn rows() -> impl Iterator<Item = &'static CommandInfo> {
    Command::ROWS.iter().chain(ShellCommand::ROWS)
}

/// The traits of every command, in the order of `help`.
pub(crate) fn all() -> impl Iterator<Item = &'static Traits> {
    rows().map(|row| &row.traits)
}

/// Whether this is the name or an alias of a command, in any case.
pub(crate) fn is_name(name: &[u8]) -> bool {
    all().any(|traits| traits.is_named(name))
}

/// Whether the command with this name or alias, in any case, only reads.
pub(crate) fn reads(name: &[u8]) -> bool {
    all().any(|traits| traits.effect.is_read() && traits.is_named(name))
}

/// Whether the answer of the command with this name or alias, in any case, is data.
pub(crate) fn answers(name: &[u8]) -> bool {
    all().any(|traits| traits.effect.is_answer() && traits.is_named(name))
}

/// A command's name and its aliases.
pub(crate) fn names_of(command: &clap::Command) -> impl Iterator<Item = &str> {
    std::iter::once(command.get_name()).chain(command.get_visible_aliases())
}

/// One command without the rest of the language, whose definition takes longer to build than most commands take to run.
pub(crate) struct Alone {
    /// Its arguments and the options for every command.
    pub(crate) arguments: clap::Command,
    make: Box<Make>,
}

/// Builds a command from clap's matches.
type Make = dyn Fn(&mut ArgMatches) -> Result<Command, clap::Error>;

impl Alone {
    /// The command with this name or alias and the options of every command; `None` for rare or long commands.
    pub(crate) fn named(name: &str, options: clap::Command) -> Option<Self> {
        let row =
            rows().find(|CommandInfo { traits, .. }| traits.is_parsed_alone && traits.is_named(name.as_bytes()))?;
        Some((row.alone)(options))
    }

    fn of<A: Args + 'static>(options: clap::Command, make: fn(A) -> Command) -> Self {
        let make = move |matches: &mut ArgMatches| A::from_arg_matches_mut(matches).map(make);
        Self { arguments: A::augment_args(options), make: Box::new(make) }
    }

    /// Parses options and a command; errors are left to the full language.
    pub(crate) fn parse<O: FromArgMatches>(&mut self, args: &[OsString]) -> Option<(O, Command)> {
        let mut matches = self.arguments.try_get_matches_from_mut(args).ok()?;
        let options = O::from_arg_matches_mut(&mut matches).ok()?;
        Some((options, (self.make)(&mut matches).ok()?))
    }
}

impl std::fmt::Debug for Alone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Alone").field(&self.arguments.get_name()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_read_as_their_command_does() {
        assert!(["get", "ls", "SCAN", "help", "man"].iter().all(|name| reads(name.as_bytes())));
        assert!(!["set", "rm", "output", "nothing", ""].iter().any(|name| reads(name.as_bytes())));
    }
}
