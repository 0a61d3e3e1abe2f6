//! The source of the commands: a prompt, whose user can be asked, or a script.

use crate::shell::answer::reply::Failure;
use crate::shell::terminal::outlet::Pager;
use crate::shell::text::argument::KeyMode;
use crate::shell::text::caret::{Blame, Pointer};

/// What depends on the source of the commands: questions, the history, settings of the prompt. By default, all of it
/// does nothing.
pub(crate) trait Frontend {
    /// Whether the user confirms a question; true in a script.
    fn confirm(&mut self, question: &str) -> bool;

    /// The last lines of the history, oldest first.
    fn history(&mut self, _n: usize) -> Result<Vec<String>, Failure> {
        Err(Failure::usage("`history` works only at the prompt"))
    }

    /// Changes a setting of the line editor.
    fn typing(&mut self, setting: TypingSetting) -> Result<(), Failure> {
        let name = match setting {
            TypingSetting::Hints(_) => "hints",
            TypingSetting::Keys(_) => "edit-mode",
            TypingSetting::Prompt(_) => "prompt",
            TypingSetting::History(_) => "history",
        };
        Err(Failure::usage(format!("`{name}` works only at the prompt")))
    }

    /// The settings of the line editor, if there is one.
    fn typing_state(&self) -> Option<TypingState> {
        None
    }

    /// Sets the pager for long answers.
    fn set_pager(&mut self, _pager: Option<Pager>) {}

    /// Records where the line is wrong.
    fn blame(&mut self, _blame: Blame) {}

    /// The part of the line that caused a failure, if the line is on the screen.
    fn pointer(&mut self, _failure: &Failure) -> Option<Pointer> {
        None
    }

    /// Notes that another program, or its user, takes some of the time of the running command.
    fn share_time(&mut self) {}
}

/// A setting of the line editor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TypingSetting {
    /// Whether there are hints.
    Hints(bool),
    /// The key bindings.
    Keys(KeyMode),
    /// The text of the prompt; `None` for the default.
    Prompt(Option<String>),
    /// Whether lines are added to the history.
    History(bool),
}

/// The current settings of the line editor and the pager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TypingState {
    pub(crate) hints: bool,
    pub(crate) keys: KeyMode,
    pub(crate) prompt: String,
    pub(crate) history: bool,
    /// Whether there is a pager.
    pub(crate) pager: bool,
}

/// A script or a pipe, where no questions can be asked.
pub(crate) struct Unattended;

impl Frontend for Unattended {
    fn confirm(&mut self, _question: &str) -> bool {
        true
    }
}

/// Whether the answer to a question means yes.
pub(crate) fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}
