//! The command line: options around one command, without behavior.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser};

use super::command::Command;
use crate::shell::text::argument::{
    ColorWhen, DatabaseName, OutputMode, color_when, database, output_mode, path, timeout,
};

/// A key-value database you can read, and the shell around it
#[derive(Debug, Parser)]
#[command(name = "rusty-kv", bin_name = "rusty-kv", version, disable_help_subcommand = true, infer_long_args = false)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) options: GlobalOptions,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// One line of a script or of the prompt.
#[derive(Debug, PartialEq, Parser)]
#[command(name = "", no_binary_name = true, disable_help_subcommand = true, disable_version_flag = true)]
pub(crate) struct Line {
    #[command(flatten)]
    pub(crate) options: LineOptions,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Line {
    /// A command and nothing else.
    pub(crate) fn of(command: Command) -> Self {
        Self { options: LineOptions::default(), command }
    }
}

/// The options of a line.
#[derive(Args, Debug, Default, PartialEq)]
#[command(next_help_heading = "Options for every command")]
pub(crate) struct LineOptions {
    /// Output format: plain, json, table, raw, csv or jsonl
    #[arg(short, long, global = true, value_name = "MODE", value_parser = output_mode(), hide_possible_values = true)]
    pub(crate) output: Option<OutputMode>,
    /// Answer yes to all questions
    #[arg(short, long, global = true)]
    pub(crate) yes: bool,
}

/// The options of the program.
#[derive(Args, Debug, PartialEq)]
#[command(next_help_heading = "Options for every command")]
pub(crate) struct GlobalOptions {
    /// The database: a name, a path (with a slash, or ending in .json or .db), or the URL of one on a server (`redis://HOST`) [default: `RUSTY_KV_DB`, or kv]
    #[arg(short, long, global = true, value_name = "DB", value_parser = database())]
    pub(crate) db: Option<DatabaseName>,
    /// Output format: plain, json, table, raw (exact bytes), or csv or jsonl for listings
    #[arg(short, long, global = true, value_name = "MODE", value_parser = output_mode(), hide_possible_values = true)]
    pub(crate) output: Option<OutputMode>,
    /// When to use color: auto, always or never
    #[arg(long, global = true, value_name = "WHEN", value_parser = color_when(), hide_possible_values = true)]
    pub(crate) color: Option<ColorWhen>,
    /// Refuse every change
    #[arg(long, global = true)]
    pub(crate) read_only: bool,
    /// Run the commands in a file, one per line (- for stdin); can be repeated
    #[arg(short = 'f', long, global = true, value_name = "FILE")]
    pub(crate) script: Vec<PathBuf>,
    /// Stop a script at the first status of 2 or more
    #[arg(long, global = true)]
    pub(crate) bail: bool,
    /// Make a script one transaction: if a line ends with status 2 or more, nothing is stored
    #[arg(long, global = true)]
    pub(crate) atomic: bool,
    /// Change nothing, and print what would change: + key, - key, ~ key old → new
    #[arg(long, global = true)]
    pub(crate) dry_run: bool,
    /// Print no confirmations, notices or welcome
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// How long to wait for the lock (default 5s), or for a server that is not ready (default 30s)
    #[arg(long, global = true, value_name = "DURATION", value_parser = timeout())]
    pub(crate) wait: Option<Duration>,
    /// Read the password of a database on a server from a file
    #[arg(long, global = true, value_name = "FILE", value_parser = path())]
    pub(crate) password_file: Option<PathBuf>,
    /// Answer yes to all questions
    #[arg(short, long, global = true)]
    pub(crate) yes: bool,
}

/// What holds when nothing is said.
impl Default for GlobalOptions {
    fn default() -> Self {
        Self {
            db: None,
            output: None,
            color: None,
            read_only: false,
            script: Vec::new(),
            bail: false,
            atomic: false,
            dry_run: false,
            quiet: false,
            wait: None,
            password_file: None,
            yes: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::shell::language::command::all;
    use crate::shell::text::words::{Splitter, Step, Word};

    #[test]
    fn every_command_has_one_row_which_its_own_example_leads_to() {
        let tree = Line::command();
        let mut names: Vec<&str> = tree.get_subcommands().map(clap::Command::get_name).collect();
        let mut rows: Vec<&str> = all().map(|traits| traits.name).collect();
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
            assert_eq!(line.command.traits().name, name);
        }
    }
}
