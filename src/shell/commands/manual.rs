//! What says how to use the program: `help`, `man` and `completions`.

use clap::Args;

use super::traits::{CommandArgs, Effect, Traits};
use crate::shell::text::argument::{OwnShell, Topic, own_shell, topic};

/// List the commands, or explain a command or topic
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  help set\n  help exit-codes")]
pub(crate) struct HelpArgs {
    /// A command or a topic
    #[arg(value_name = "TOPIC", value_parser = topic())]
    pub(crate) topic: Option<Topic>,
}

impl CommandArgs for HelpArgs {
    const TRAITS: Traits = Traits { effect: Effect::Reads, ..Traits::of_shell("help") };
}

/// Print the manual page
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  man > rusty-kv.1\n  man | man -l -")]
pub(crate) struct ManArgs;

impl CommandArgs for ManArgs {
    const TRAITS: Traits = Traits { effect: Effect::Reads, ..Traits::of_shell("man") };
}

/// Print a completion script for bash, zsh or fish
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "Add the line for your shell to its startup file:\n  bash  ~/.bashrc:                    source <(rusty-kv completions bash)\n  zsh   ~/.zshrc, after compinit:     source <(rusty-kv completions zsh)\n  fish  ~/.config/fish/config.fish:   rusty-kv completions fish | source\n\nExamples:\n  completions bash\n  completions fish"
)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_parser = own_shell())]
    pub(crate) shell: OwnShell,
}

impl CommandArgs for CompletionsArgs {
    const TRAITS: Traits = Traits { effect: Effect::Reads, ..Traits::of_shell("completions") };
}
