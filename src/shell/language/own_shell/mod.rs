//! Completion in the user's own shell: the scripts for bash, zsh and fish, and how words are read and written.
//!
//! Each script calls `rusty-kv __complete`, whose first line says what to do with the lines that follow. zsh and fish
//! quote what they insert; bash inserts it literally, so words for bash are quoted here.

mod bash;

pub(crate) use self::bash::BashLine;

use crate::shell::text::argument::OwnShell;

/// The command's name when a shell asks for candidates.
pub(crate) const ASKS: &str = "__complete";

/// The script that a shell must run to complete `rusty-kv`.
pub(crate) fn script(shell: OwnShell) -> &'static str {
    match shell {
        OwnShell::Bash => include_str!("rusty-kv.bash"),
        OwnShell::Zsh => include_str!("rusty-kv.zsh"),
        OwnShell::Fish => include_str!("rusty-kv.fish"),
    }
}

/// What the shell must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShellAction {
    /// Offer the words that follow.
    Words,
    /// The same, without a space after them.
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
