//! What holds for the rest of a session: `output`, `timer`, `pager`, `hints` and `edit-mode`.

use clap::Args;

use super::traits::{CommandArgs, Traits};
use crate::shell::text::argument::{KeyMode, OutputMode, key_mode, output_mode, switch};

/// Set the output format
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  output json\n  output plain")]
pub(crate) struct OutputArgs {
    /// The output format
    #[arg(value_name = "MODE", value_parser = output_mode())]
    pub(crate) mode: OutputMode,
}

impl CommandArgs for OutputArgs {
    const TRAITS: Traits = Traits::of_shell("output");
}

/// Turn the timing of commands on or off
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  timer on\n  timer off")]
pub(crate) struct TimerArgs {
    /// Whether it is on
    #[arg(value_name = "on|off", value_parser = switch(), action = clap::ArgAction::Set)]
    pub(crate) on: bool,
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
    /// Whether it is on
    #[arg(value_name = "on|off", value_parser = switch(), action = clap::ArgAction::Set)]
    pub(crate) on: bool,
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
    /// Whether it is on
    #[arg(value_name = "on|off", value_parser = switch(), action = clap::ArgAction::Set)]
    pub(crate) on: bool,
}

impl CommandArgs for HintsArgs {
    const TRAITS: Traits = Traits::of_shell("hints");
}

/// Set the key bindings of the prompt
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "To keep vi keys, put `edit-mode vi` into the rc file (see `help rc`).\n\nKeys:\n  Tab             complete the word; twice, list the candidates\n  Right, End      accept a suggestion (Alt-F: one word of it)\n  Up, Down        go through the history, lines that begin like this one\n  Ctrl-R          search the history\n  Alt-Enter       start a new row\n  Ctrl-X Ctrl-E   edit the line in $EDITOR (vi: v in command mode)\n  Ctrl-C          discard the line\n  Ctrl-D          exit\n\nExamples:\n  edit-mode vi\n  edit-mode emacs"
)]
pub(crate) struct EditModeArgs {
    /// The key bindings
    #[arg(value_name = "MODE", value_parser = key_mode())]
    pub(crate) mode: KeyMode,
}

impl CommandArgs for EditModeArgs {
    const TRAITS: Traits = Traits::of_shell("edit-mode");
}
