//! The lines themselves: `source`, `history` and `exit`.

use std::path::PathBuf;

use clap::Args;

use super::traits::{CommandArgs, Effect, OpenDatabase, Traits};
use crate::shell::text::argument::{HistoryAsk, history_ask, path, status};

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

/// Print the last lines entered at the prompt, or stop keeping them
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "Lines that start with a space, lines with --ask, and lines that set a masked key (see `help mask`) are not added to the history. `history off` stops adding lines, and `history on` starts again. RUSTY_KV_HISTORY names the history file; if it is empty, the history lasts for the session only.\n\nExamples:\n  history\n  history 5\n  history off"
)]
pub(crate) struct HistoryArgs {
    /// How many lines; or on or off
    #[arg(value_name = "N|on|off", value_parser = history_ask(), default_value = "20")]
    pub(crate) what: HistoryAsk,
}

impl CommandArgs for HistoryArgs {
    const TRAITS: Traits = Traits { effect: Effect::Reads, ..Traits::of_shell("history") };
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
