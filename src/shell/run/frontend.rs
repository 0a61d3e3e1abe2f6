//! Who gives the commands: a person who can be asked, or nobody.

use crate::shell::answer::reply::Failure;
use crate::shell::terminal::outlet::Pager;
use crate::shell::text::argument::KeyMode;
use crate::shell::text::caret::{Blame, Pointer};

/// What only who gives the commands can do: ask a person, show what was typed. What is not asked for does nothing.
pub(crate) trait Frontend {
    /// Whether a person says yes; true where there is nobody to ask.
    fn confirm(&mut self, question: &str) -> bool;

    /// The last lines that were typed, the oldest first.
    fn history(&mut self, _n: usize) -> Result<Vec<String>, Failure> {
        Err(Failure::usage("`history` works only at the prompt"))
    }

    /// Changes how lines are typed.
    fn typing(&mut self, setting: TypingSetting) -> Result<(), Failure> {
        let name = match setting {
            TypingSetting::Hints(_) => "hints",
            TypingSetting::Keys(_) => "edit-mode",
            TypingSetting::Prompt(_) => "prompt",
            TypingSetting::History(_) => "history",
        };
        Err(Failure::usage(format!("`{name}` works only at the prompt")))
    }

    /// How lines are typed; nothing where nobody types.
    fn typing_state(&self) -> Option<TypingState> {
        None
    }

    /// Chooses what shows answers that are longer than the screen.
    fn set_pager(&mut self, _pager: Option<Pager>) {}

    /// What is wrong with the line that was typed is known.
    fn blame(&mut self, _blame: Blame) {}

    /// Where the line that was typed is to blame for a failure, if it can be seen.
    fn pointer(&mut self, _failure: &Failure) -> Option<Pointer> {
        None
    }

    /// Another program, or whoever uses it, takes a part of the time of the command that runs.
    fn share_time(&mut self) {}
}

/// A setting of the line editor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TypingSetting {
    /// Whether there are hints.
    Hints(bool),
    /// Whose keys it has.
    Keys(KeyMode),
    /// What stands before the cursor; nothing for the usual prompt.
    Prompt(Option<String>),
    /// Whether lines are kept.
    History(bool),
}

/// What the settings of the line editor and of the pager are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TypingState {
    pub(crate) hints: bool,
    pub(crate) keys: KeyMode,
    pub(crate) prompt: String,
    pub(crate) history: bool,
    /// Whether there is a pager.
    pub(crate) pager: bool,
}

/// A script or a pipe: there is nobody to ask.
pub(crate) struct Unattended;

impl Frontend for Unattended {
    fn confirm(&mut self, _question: &str) -> bool {
        true
    }
}

/// Whether an answer to a question is a yes.
pub(crate) fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}
