//! The line editor: rustyline with this shell's keys, continuation lines and completion.

use std::cell::RefCell;
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustyline::config::Configurer as _;
use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{ColorMode, CompletionType, Config, EditMode};
use unicode_width::UnicodeWidthStr as _;

use super::columns;
use super::cursor;
use super::helper::Shell;
use super::history::{self, HistoryFile};
use super::keys::{self, Leave, Typing};
use super::secrets;
use super::welcome;
use crate::shell::answer::reply::Failure;
use crate::shell::commands::Session;
use crate::shell::render::style;
use crate::shell::run::frontend::is_yes;
use crate::shell::terminal::console::is_dumb;
use crate::shell::terminal::editor_program::edit_text;
use crate::shell::terminal::interrupt;
use crate::shell::text::escape::terminal_lines;
use crate::shell::text::mask::Masks;
use crate::shell::text::words::Unfinished;

/// The result of reading a line at the prompt.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PromptInput {
    /// One or more commands.
    Text(String),
    /// Ctrl-C discarded the line, or there is something to report before the next one.
    Cancelled,
    /// Ctrl-D on an empty line, and whether the cursor is already on a new line.
    End { ends_line: bool },
}

/// The line editor and its history.
pub(super) struct Editor {
    line: rustyline::Editor<Shell, DefaultHistory>,
    typing: Arc<Typing>,
    history: HistoryFile,
    color: bool,
    is_vi: bool,
    notes: Vec<String>,
    /// The template of the prompt.
    template: String,
    /// Patterns of masked keys: lines that set one are not added to the history.
    masks: Masks,
    /// The initial text of the next line, before and after the cursor.
    prefill: Option<(String, String)>,
}

impl Editor {
    pub(super) fn new(session: Rc<RefCell<Session>>, color: bool) -> Result<Self, Failure> {
        let config = Config::builder()
            .max_history_size(history::LONGEST)
            .and_then(|config| config.history_ignore_dups(true))
            .map_err(|error| failure(&error))?
            .history_ignore_space(true)
            .completion_type(CompletionType::List)
            // Even without colors, the line goes through the highlighter, which removes active characters.
            .color_mode(ColorMode::Forced)
            .build();
        let mut line = rustyline::Editor::with_config(config).map_err(|error| failure(&error))?;
        let masks = session.borrow().masks.clone();
        let typing = Arc::new(Typing::default());
        line.set_helper(Some(Shell::new(session, color, Arc::clone(&typing))));
        keys::bind(&mut line, &typing);
        let history = HistoryFile::open(line.history_mut());
        Ok(Self {
            line,
            typing,
            history,
            color,
            is_vi: false,
            notes: Vec::new(),
            template: welcome::PROMPT.to_owned(),
            masks,
            prefill: None,
        })
    }

    /// Reads commands and adds them to the history before they run.
    pub(super) fn read(&mut self, prompt: &str) -> Result<PromptInput, Failure> {
        let mut before = String::new();
        let mut open = None;
        loop {
            let shown = open.map_or_else(|| prompt.to_owned(), |open| continuation(prompt, open));
            let line = match self.read_row(&shown, &before) {
                Ok(line) => line,
                Err(ReadlineError::Interrupted) => return Ok(PromptInput::Cancelled),
                // Ctrl-D in a continuation line does not exit.
                Err(ReadlineError::Eof) if !before.is_empty() => return Ok(PromptInput::Cancelled),
                Err(ReadlineError::Eof) => return Ok(PromptInput::End { ends_line: !is_dumb() }),
                Err(ReadlineError::Io(error)) if error.kind() == ErrorKind::InvalidData => {
                    self.notes.push("the line is not UTF-8; write such bytes as \"\\xHH\"".to_owned());
                    return Ok(PromptInput::Cancelled);
                }
                Err(error) => return Err(failure(&error)),
            };
            match self.typing.take_leave() {
                (Leave::No, _) => {
                    before.push_str(&line);
                    open = cursor::open(&before);
                    if open.is_none() {
                        break;
                    }
                    before.push('\n');
                }
                (Leave::Cancel, _) => return Ok(PromptInput::Cancelled),
                (Leave::Editor, _) => {
                    erase(prompt, &before, &line);
                    before.push_str(&line);
                    self.edit(before);
                    return Ok(PromptInput::Cancelled);
                }
                (Leave::Search, _) => self.search(prompt, &before, &line),
                (Leave::Reveal, _) => {
                    erase(prompt, "", &line);
                    self.typing.revealed.store(true, Ordering::Relaxed);
                    self.prefill = Some((terminal_lines(line.as_bytes()).into_owned(), String::new()));
                }
                (leave @ (Leave::Up | Leave::Join), at) => {
                    erase(prompt, &before, &line);
                    let joint = if leave == Leave::Up { "\n" } else { "" };
                    before.pop();
                    let (left, right) = if leave == Leave::Up { line.split_at(0) } else { line.split_at(at) };
                    self.prefill = Some((before + left, format!("{joint}{right}")));
                    before = String::new();
                    open = None;
                }
            }
        }
        if asks_for_editor(&before) {
            let last = self.last(1).pop().unwrap_or_default();
            self.edit(last);
            return Ok(PromptInput::Cancelled);
        }
        if !secrets::may_be_in(&before, &self.masks) {
            self.history.add(self.line.history_mut(), &before);
        }
        Ok(PromptInput::Text(before))
    }

    /// Asks for the history line to put in place of this one; if there is none, keeps this one.
    fn search(&mut self, prompt: &str, before: &str, line: &str) {
        const SIGN: &str = "/";
        erase(prompt, before, line);
        let wanted = self.ask(SIGN).unwrap_or_default();
        erase(SIGN, "", &wanted);
        let is_hit = |entry: &&String| {
            before.is_empty()
                && !wanted.is_empty()
                && entry.contains(&wanted)
                && !secrets::may_be_in(entry, &self.masks)
        };
        let found = self.line.history().iter().rev().find(is_hit).cloned();
        if found.is_none() && !wanted.is_empty() {
            self.notes.push(format!("no line of the history contains '{wanted}'"));
        }
        self.prefill = Some((found.unwrap_or_else(|| line.to_owned()), String::new()));
    }

    /// Asks a question, which is not added to the history; `None` for Ctrl-C, Ctrl-D and a closed terminal.
    pub(super) fn ask(&mut self, question: &str) -> Option<String> {
        self.question(question).ok()
    }

    /// Asks whether to exit. If the terminal is closed, it does not ask again.
    pub(super) fn asks_to_leave(&mut self, question: &str) -> bool {
        match self.question(question) {
            Ok(answer) => is_yes(&answer),
            Err(error) => !matches!(error, ReadlineError::Interrupted),
        }
    }

    fn question(&mut self, question: &str) -> rustyline::Result<String> {
        self.typing.asking.store(true, Ordering::Relaxed);
        if let Some(shell) = self.line.helper() {
            shell.begin("", question.width());
        }
        let answer = if is_dumb() { self.read_dumb(question) } else { self.line.readline(question) };
        self.typing.asking.store(false, Ordering::Relaxed);
        // A discarded line is no answer.
        if self.typing.take_leave().0 == Leave::No { answer } else { Err(ReadlineError::Interrupted) }
    }

    /// The last entries of the history, oldest first, without those that set a key that is masked now.
    pub(super) fn last(&self, n: usize) -> Vec<String> {
        let mut last: Vec<String> = {
            let entries = self.line.history().iter().rev();
            entries.filter(|entry| !secrets::may_be_in(entry, &self.masks)).take(n).cloned().collect()
        };
        last.reverse();
        last
    }

    /// Notices for the user, each reported once.
    pub(super) fn take_notes(&mut self) -> Vec<String> {
        let mut notes = self.history.take_notes();
        notes.append(&mut self.notes);
        notes
    }

    /// Records that the last line failed, so that it is not suggested again.
    pub(super) fn fail(&self, line: &str) {
        if let Some(shell) = self.line.helper() {
            shell.fail(line);
        }
    }

    /// Turns hints on or off from the next line on.
    pub(super) fn set_hints(&mut self, on: bool) {
        if let Some(shell) = self.line.helper() {
            shell.hinting.set(on);
        }
    }

    /// Sets the key bindings from the next line on.
    pub(super) fn set_edit_mode(&mut self, vi: bool) {
        self.is_vi = vi;
        self.line.set_edit_mode(if vi { EditMode::Vi } else { EditMode::Emacs });
    }

    pub(super) fn has_hints(&self) -> bool {
        self.line.helper().is_some_and(|shell| shell.hinting.get())
    }

    pub(super) fn is_vi(&self) -> bool {
        self.is_vi
    }

    /// Sets the prompt from the next line on.
    pub(super) fn set_template(&mut self, template: Option<String>) {
        self.template = template.unwrap_or_else(|| welcome::PROMPT.to_owned());
    }

    pub(super) fn template(&self) -> &str {
        &self.template
    }

    /// Turns the history on or off.
    pub(super) fn set_history(&mut self, on: bool) {
        self.history.is_on = on;
    }

    pub(super) fn keeps_history(&self) -> bool {
        self.history.is_on
    }

    fn read_row(&mut self, prompt: &str, before: &str) -> rustyline::Result<String> {
        if let Some(shell) = self.line.helper() {
            shell.begin(before, prompt.width());
        }
        if is_dumb() {
            return self.read_dumb(prompt);
        }
        let styled = style::prompt(self.color, prompt);
        match self.prefill.take() {
            Some((left, right)) => self.line.readline_with_initial(&(prompt, styled), (&left, &right)),
            None => self.line.readline(&(prompt, styled)),
        }
    }

    /// Reads a line from a terminal on which rustyline does not edit and would not notice Ctrl-C.
    fn read_dumb(&mut self, prompt: &str) -> rustyline::Result<String> {
        let mut out = io::stdout();
        // Ctrl-C must work as soon as the prompt is visible.
        interrupt::forget();
        out.write_all(prompt.as_bytes()).and_then(|()| out.flush())?;
        if let Err(error) = interrupt::wait_to_read(&io::stdin()) {
            if error.kind() != ErrorKind::Interrupted {
                return Err(error.into());
            }
            out.write_all(b"\n").and_then(|()| out.flush())?;
            return Err(ReadlineError::Interrupted);
        }
        self.line.readline("")
    }

    /// Opens a text in the editor; in any case, it becomes the next line.
    fn edit(&mut self, text: String) {
        // Editors expect a final newline.
        let edited = match edit_text(format!("{text}\n").as_bytes(), ".kv", None) {
            Ok(None) => text,
            Ok(Some(edited)) => {
                let edited = String::from_utf8_lossy(&edited).replace('\r', "");
                let edited = edited.trim_end_matches('\n');
                let visible = terminal_lines(edited.as_bytes()).into_owned();
                if visible != edited {
                    self.notes.push("control characters are shown as escapes, which work inside \"…\"".to_owned());
                }
                visible
            }
            Err(failure) => {
                self.notes.push(format!("error: {}", failure.message));
                text
            }
        };
        self.prefill = Some((edited, String::new()));
    }
}

/// The prompt of a continuation line: as wide as the first one, and it shows the open quote or bracket.
fn continuation(prompt: &str, open: Unfinished) -> String {
    let mark = match open {
        Unfinished::Quote(quote) => quote,
        Unfinished::Json | Unfinished::Line => '{',
    };
    let blanks = prompt.width().saturating_sub(3);
    format!("{}{mark}> ", " ".repeat(blanks))
}

/// Whether a line is `edit` alone, which opens the last line in the editor.
fn asks_for_editor(text: &str) -> bool {
    text.trim().eq_ignore_ascii_case("edit")
}

/// Erases the entered rows, which are about to be shown again, unless they have scrolled off or may have been wrapped.
fn erase(prompt: &str, before: &str, line: &str) {
    let (columns, height) = columns::terminal();
    let rows: Vec<&str> =
        before.lines().chain(if line.is_empty() { vec![""] } else { line.split('\n').collect() }).collect();
    let fits = rows.iter().all(|row| !row.contains('\t') && prompt.width() + row.width() < columns);
    if fits && rows.len() < height && !is_dumb() {
        // A closed terminal is noticed at the next line, which follows at once.
        let mut out = io::stdout();
        let _ = write!(out, "\x1b[{}A\r\x1b[J", rows.len()).and_then(|()| out.flush());
    }
}

fn failure(error: &ReadlineError) -> Failure {
    let error = match error {
        ReadlineError::Io(error) => io::Error::new(error.kind(), error.to_string()),
        error => io::Error::other(error.to_string()),
    };
    Failure::io("read from", Path::new("the terminal"), &error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_continues_begins_where_the_first_one_does() {
        assert_eq!(continuation("kv> ", Unfinished::Quote('"')), " \"> ");
        assert_eq!(continuation("work (read-only)> ", Unfinished::Json).width(), "work (read-only)> ".width());
        assert_eq!(continuation("> ", Unfinished::Json), "{> ");
    }

    #[test]
    fn edit_alone_is_for_the_line_and_with_a_key_for_the_value() {
        for (text, is) in [("edit", true), (" EDIT \n", true), ("edit k", false), ("edit\nget a", false), ("", false)] {
            assert_eq!(asks_for_editor(text), is, "{text:?}");
        }
    }
}
