//! What holds for the rest of a session: `output`, `timer`, `pager`, `hints` and `edit-mode`.

use clap::Args;

use super::traits::{CommandArgs, Traits};
use crate::shell::text::argument::{KeyMode, OutputMode, key_mode, output_mode, switch};

/// Choose how answers are written: plain, json, table or raw
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  output json\n  output plain")]
pub(crate) struct OutputArgs {
    /// plain, json, table or raw
    #[arg(value_name = "MODE", value_parser = output_mode())]
    pub(crate) mode: OutputMode,
}

impl CommandArgs for OutputArgs {
    const TRAITS: Traits = Traits::of_shell("output");
}

/// Say after each command how long it took
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  timer on\n  timer off")]
pub(crate) struct TimerArgs {
    /// on or off
    #[arg(value_name = "on|off", value_parser = switch(), action = clap::ArgAction::Set)]
    pub(crate) on: bool,
}

impl CommandArgs for TimerArgs {
    const TRAITS: Traits = Traits::of_shell("timer");
}

/// Show answers longer than the screen in $PAGER (less), or not
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "With a pager a listing is shown whole, as far as you read on; without, its first 100 entries.\n\
                  PAGER= (or cat) in the environment turns it off.\n\nExamples:\n  pager off\n  pager on"
)]
pub(crate) struct PagerArgs {
    /// on or off
    #[arg(value_name = "on|off", value_parser = switch(), action = clap::ArgAction::Set)]
    pub(crate) on: bool,
}

impl CommandArgs for PagerArgs {
    const TRAITS: Traits = Traits::of_shell("pager");
}

/// Show in grey what may come next at the prompt
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "Right or End takes the rest of a line of the history, Alt-F a word of it. Without colours they are off.\n\nExamples:\n  hints off\n  hints on"
)]
pub(crate) struct HintsArgs {
    /// on or off
    #[arg(value_name = "on|off", value_parser = switch(), action = clap::ArgAction::Set)]
    pub(crate) on: bool,
}

impl CommandArgs for HintsArgs {
    const TRAITS: Traits = Traits::of_shell("hints");
}

/// Choose the keys of the prompt: those of emacs, as in bash, or those of vi
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "Keys:\n  Tab             complete; twice: list\n  Right, End      take the rest of a line of the history, Alt-F a word of it\n  Up, Down        the lines that begin with what stands before the cursor\n  Ctrl-R          search the history\n  Alt-Enter       a new line; Up in a row that continues goes back\n  Ctrl-X Ctrl-E   the line in $EDITOR (v in vi's command mode; `edit`: the last line)\n  Ctrl-C, Ctrl-D  give the line up, leave\n\nExamples:\n  edit-mode vi\n  edit-mode emacs"
)]
pub(crate) struct EditModeArgs {
    /// emacs or vi
    #[arg(value_name = "MODE", value_parser = key_mode())]
    pub(crate) mode: KeyMode,
}

impl CommandArgs for EditModeArgs {
    const TRAITS: Traits = Traits::of_shell("edit-mode");
}
