//! The prompt, as whoever runs the commands sees it.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::editor::Editor;
use crate::shell::answer::code::Code;
use crate::shell::answer::reply::Failure;
use crate::shell::language::reading;
use crate::shell::render;
use crate::shell::run::frontend::{Frontend, TypingSetting, TypingState, is_yes};
use crate::shell::terminal::console;
use crate::shell::terminal::outlet::Pager;
use crate::shell::text::argument::KeyMode;
use crate::shell::text::caret::{Blame, Pointer, TypedLine};
use crate::shell::text::escape;

/// What only a line typed at the prompt has.
pub(super) struct LineState {
    /// The line, if a person still sees it, and what is wrong with it if that is known.
    pub(super) typed: Option<TypedLine>,
    pub(super) blame: Option<Blame>,
    /// How long it was waited for a person to answer a question; `None` if for another program too.
    pub(super) waited: Option<Duration>,
    /// What longer answers are shown by.
    pub(super) pager: Option<Pager>,
}

impl LineState {
    pub(super) fn new(pager: Option<Pager>) -> Self {
        Self { typed: None, blame: None, waited: Some(Duration::ZERO), pager }
    }
}

/// The person at the prompt.
pub(super) struct PromptFrontend {
    pub(super) editor: Rc<RefCell<Editor>>,
    pub(super) line_state: Rc<RefCell<LineState>>,
}

impl Frontend for PromptFrontend {
    fn confirm(&mut self, question: &str) -> bool {
        let question = format!("{} [y/N]", escape::terminal(question));
        let question = render::wrapped(&question, console::err_width()) + " ";
        let start = Instant::now();
        let answer = self.editor.borrow_mut().ask(&question);
        let mut line_state = self.line_state.borrow_mut();
        line_state.waited = line_state.waited.map(|waited| waited.saturating_add(start.elapsed()));
        answer.is_some_and(|answer| is_yes(&answer))
    }

    fn history(&mut self, n: usize) -> Result<Vec<String>, Failure> {
        Ok(self.editor.borrow().last(n))
    }

    fn typing(&mut self, setting: TypingSetting) -> Result<(), Failure> {
        let mut editor = self.editor.borrow_mut();
        match setting {
            TypingSetting::Hints(on) => editor.set_hints(on),
            TypingSetting::Keys(mode) => editor.set_edit_mode(mode == KeyMode::Vi),
            TypingSetting::Prompt(text) => editor.set_template(text),
            TypingSetting::History(on) => editor.set_history(on),
        }
        Ok(())
    }

    fn typing_state(&self) -> Option<TypingState> {
        let editor = self.editor.borrow();
        Some(TypingState {
            hints: editor.has_hints(),
            keys: if editor.is_vi() { KeyMode::Vi } else { KeyMode::Emacs },
            prompt: editor.template().to_owned(),
            history: editor.keeps_history(),
            pager: self.line_state.borrow().pager.is_some(),
        })
    }

    fn set_pager(&mut self, pager: Option<Pager>) {
        self.line_state.borrow_mut().pager = pager;
    }

    fn blame(&mut self, blame: Blame) {
        self.line_state.borrow_mut().blame = Some(blame);
    }

    fn pointer(&mut self, failure: &Failure) -> Option<Pointer> {
        let mut line_state = self.line_state.borrow_mut();
        let blame = line_state.blame.take();
        let typed = line_state.typed.as_ref()?;
        let blame = blame.or_else(|| match (failure.code, &failure.key) {
            (Code::NotFound | Code::WrongType, Some(key)) => Some(Blame::Word(key.clone().into_bytes())),
            (Code::NotJson, _) => typed.argument(1, reading::takes_next).map(Blame::Span),
            _ => None,
        });
        typed.point(&blame?)
    }

    fn share_time(&mut self) {
        self.line_state.borrow_mut().waited = None;
    }
}
