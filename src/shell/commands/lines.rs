//! The lines themselves: `source`, `history` and `exit`.

use std::path::PathBuf;

use clap::Args;

use super::traits::{CommandArgs, OpenDatabase, Traits};
use crate::shell::text::argument::{number, path, status};

/// Run the commands in a file, one per line
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  source setup.kv\n  source \"my commands.kv\"")]
pub(crate) struct SourceArgs {
    /// The file
    #[arg(value_name = "FILE", value_parser = path())]
    pub(crate) file: PathBuf,
}

impl CommandArgs for SourceArgs {
    const TRAITS: Traits = Traits::of_shell("source").on(OpenDatabase::Needed);
}

/// Print the last lines entered at the prompt
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  history\n  history 5")]
pub(crate) struct HistoryArgs {
    /// How many lines
    #[arg(value_name = "N", value_parser = number::<usize>(), default_value = "20")]
    pub(crate) n: usize,
}

impl CommandArgs for HistoryArgs {
    const TRAITS: Traits = Traits { reads: true, ..Traits::of_shell("history") };
}

/// Exit the shell
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  exit\n  exit 3")]
pub(crate) struct ExitArgs {
    /// The exit status, 0 to 255
    #[arg(value_name = "CODE", value_parser = status())]
    pub(crate) code: Option<u8>,
}

impl CommandArgs for ExitArgs {
    const TRAITS: Traits = Traits::of_shell("exit").also_named(&["quit"]);
}
