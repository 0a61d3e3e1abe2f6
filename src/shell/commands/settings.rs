//! What holds for the rest of a session: `output`, `timer`, `pager`, `hints`, `edit-mode` and `prompt`. Without a value
//! each prints what it is; `config` prints all of them.

use clap::Args;

use super::traits::{CommandArgs, Effect, Traits};
use crate::shell::text::argument::{KeyMode, OutputMode, key_mode, output_mode, switch, text};

/// Set the output format
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  output json\n  output plain\n  output")]
pub(crate) struct OutputArgs {
    /// The output format; if none is given, print the current one
    #[arg(value_name = "MODE", value_parser = output_mode())]
    pub(crate) mode: Option<OutputMode>,
}

impl CommandArgs for OutputArgs {
    const TRAITS: Traits = Traits::of_shell("output");
}

/// Turn the timing of commands on or off
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  timer on\n  timer off")]
pub(crate) struct TimerArgs {
    /// on or off; if neither is given, print the current state
    #[arg(value_name = "on|off", value_parser = switch(), action = clap::ArgAction::Set)]
    pub(crate) on: Option<bool>,
}

impl CommandArgs for TimerArgs {
    const TRAITS: Traits = Traits::of_shell("timer");
}

/// Turn the pager for long answers on or off
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "Answers longer than the screen are shown in $PAGER (default: less). Without the pager, a listing ends after 100 entries. An empty PAGER turns it off, too.\n\nExamples:\n  pager off\n  pager on"
)]
pub(crate) struct PagerArgs {
    /// on or off; if neither is given, print the current state
    #[arg(value_name = "on|off", value_parser = switch(), action = clap::ArgAction::Set)]
    pub(crate) on: Option<bool>,
}

impl CommandArgs for PagerArgs {
    const TRAITS: Traits = Traits::of_shell("pager");
}

/// Turn suggestions at the prompt on or off
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "Suggestions are gray: the arguments to come, the newest line of the history that begins the same way, a preview of a value. Right or End accepts a line, Alt-F a word of it. Without color there are none.\n\nExamples:\n  hints off\n  hints on"
)]
pub(crate) struct HintsArgs {
    /// on or off; if neither is given, print the current state
    #[arg(value_name = "on|off", value_parser = switch(), action = clap::ArgAction::Set)]
    pub(crate) on: Option<bool>,
}

impl CommandArgs for HintsArgs {
    const TRAITS: Traits = Traits::of_shell("hints");
}

/// Set the key bindings of the prompt
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "To keep vi keys, put `edit-mode vi` into the rc file (see `help rc`).\n\nKeys:\n  Tab             complete the word; twice, list the candidates\n  Right, End      accept a suggestion (Alt-F: one word of it)\n  Up, Down        go through the history, lines that begin like this one\n  Ctrl-R          search the history (vi: / in command mode)\n  Alt-Enter       start a new row\n  Ctrl-X Ctrl-E   edit the line in $EDITOR (vi: v in command mode)\n  Ctrl-C          discard the line\n  Ctrl-D          exit\n\nExamples:\n  edit-mode vi\n  edit-mode emacs"
)]
pub(crate) struct EditModeArgs {
    /// The key bindings; if none are given, print the current ones
    #[arg(value_name = "MODE", value_parser = key_mode())]
    pub(crate) mode: Option<KeyMode>,
}

impl CommandArgs for EditModeArgs {
    const TRAITS: Traits = Traits::of_shell("edit-mode");
}

/// Set the text of the prompt
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "{db} stands for the name of the database, {keys} for its number of keys, and {tx} for its state: ` (tx N)` in a transaction with N changes, ` (read-only)`, or nothing. The default is '{db}{tx}> '.\n\nExamples:\n  prompt '{db} ({keys}){tx}> '\n  prompt\n  prompt --reset"
)]
pub(crate) struct PromptArgs {
    /// The text; if none is given, print the current one
    #[arg(value_name = "TEXT", value_parser = text())]
    pub(crate) text: Option<String>,
    /// Restore the default prompt
    #[arg(long, conflicts_with = "text")]
    pub(crate) reset: bool,
}

impl CommandArgs for PromptArgs {
    const TRAITS: Traits = Traits::of_shell("prompt");
}

/// List all settings and where each comes from
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "A setting comes from its default, an environment variable, the rc file, or this session (an option or a command). To make a setting permanent, put its command into the rc file (see `help rc`).\n\nExamples:\n  config\n  config -o json"
)]
pub(crate) struct ConfigArgs;

impl CommandArgs for ConfigArgs {
    const TRAITS: Traits = Traits { effect: Effect::Reads, ..Traits::of_shell("config") };
}
