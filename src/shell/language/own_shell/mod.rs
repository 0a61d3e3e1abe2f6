//! Tab in the user's own shell: what bash, zsh and fish are told to do, and how their words are read and written.
//!
//! Each of them calls `rusty-kv __complete` and is told in the first line what to do with those that follow. zsh and fish
//! quote what they insert themselves; bash inserts what it is given, so for it the words are quoted here.

mod bash;

pub(crate) use self::bash::BashLine;

use crate::shell::text::argument::OwnShell;

/// What stands in place of a command when a shell asks.
pub(crate) const ASKS: &str = "__complete";

/// What a shell has to run to know what Tab means behind `rusty-kv`.
pub(crate) fn script(shell: OwnShell) -> &'static str {
    match shell {
        OwnShell::Bash => include_str!("rusty-kv.bash"),
        OwnShell::Zsh => include_str!("rusty-kv.zsh"),
        OwnShell::Fish => include_str!("rusty-kv.fish"),
    }
}

/// What a shell is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShellAction {
    /// Offer the words that follow.
    Words,
    /// The same, and put no blank behind them: they go on.
    Open,
    /// Offer files.
    Files,
    /// Offer programs.
    Programs,
}

impl ShellAction {
    /// The line that says so.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Words => "words",
            Self::Open => "open",
            Self::Files => "files",
            Self::Programs => "programs",
        }
    }
}
