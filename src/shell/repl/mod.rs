//! The interactive prompt: reads lines from a terminal and runs them.
//!
//! | module | purpose |
//! | --- | --- |
//! | `prompt` | runs the lines: pipe, pager, timing, error position |
//! | `frontend` | the prompt, as seen by the runner of the commands |
//! | `editor` | reads a line: continuation lines, questions, the editor |
//! | `helper` | the callbacks of rustyline |
//! | `keys` | the key bindings |
//! | `history` | the history of this session and earlier ones, and its file |
//! | `secrets` | lines that are not added to the history |
//! | `highlight`, `hint`, `complete` | syntax colors, gray hints, completion with Tab |
//! | `paths` | completes files |
//! | `parts` | completes the parts of a JSON value, as pointers or paths |
//! | `outside` | completes the shell commands of pipes and `!` |
//! | `candidate` | how candidates are inserted and listed |
//! | `lookup` | reads the database for hints and completion |
//! | `tree` | classifies words by the command definitions |
//! | `cursor` | finds the word and the command at the cursor |
//! | `columns` | terminal columns |
//! | `offer` | completion in the user's own shell |
//! | `welcome` | the welcome and the prompt's text |
//!
//! Scripts and pipes never go through the editor; they are read as bytes.

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;

use unicode_width::UnicodeWidthStr as _;

use self::editor::{Editor, PromptInput};
use self::prompt::Prompt;
use super::answer::reply::Failure;
use super::answer::status::Status;
use super::commands::Session;
use super::config;
use super::run::script;
use super::run::settings::SettingSource;
use super::run::{Flow, Origin, Runner};
use super::terminal::console::Console;
use super::terminal::editor_program;
use super::terminal::interrupt;
use super::text::escape;
use crate::store::Store as _;

mod prompt;

mod frontend;

mod editor;

mod helper;

mod keys;

mod history;

mod secrets;

mod highlight;

mod complete;

mod candidate;

mod hint;
mod parts;

mod lookup;

mod outside;

mod paths;

mod tree;

mod cursor;

mod columns;

mod welcome;

mod offer;

pub(crate) use self::offer::offer;

/// Runs commands until the user exits; returns the exit status, which is 0 unless `exit` sets another: the user has
/// already seen any errors.
pub(crate) fn run(session: Session, console: Console, yes: bool) -> Result<u8, Failure> {
    let color = console.rendering.color;
    // Without this handler, Ctrl-C ends the process.
    let _ = interrupt::listen();
    // Without this one, TERM and HUP end the process and leave the terminal in the editor's mode.
    let _ = interrupt::leave_on_signals();
    editor_program::sweep();
    let session = Rc::new(RefCell::new(session));
    let editor = Rc::new(RefCell::new(Editor::new(Rc::clone(&session), color)?));
    let mut prompt = Prompt::new(Rc::clone(&session), console, Rc::clone(&editor), yes);
    let mut flow = start(&mut prompt.runner);
    // Commands of the rc script cannot be undone.
    session.borrow_mut().db.remember();
    while !interrupt::is_ending() {
        if flow != Flow::Next {
            if yes || may_leave(&session, &editor) {
                break;
            }
            prompt.runner.tally.stay();
        }
        flow = turn(&mut prompt, &editor)?;
    }
    interrupt::wait_for_hangup();
    let left = session.borrow_mut().db.rollback();
    if let Ok(changed) = left
        && changed > 0
    {
        prompt.runner.left_open(changed);
    }
    Ok(prompt.runner.tally.exit.unwrap_or(0))
}

/// Reads lines and runs them.
fn turn(prompt: &mut Prompt, editor: &RefCell<Editor>) -> Result<Flow, Failure> {
    prompt.runner.notices();
    let notes = editor.borrow_mut().take_notes();
    if !prompt.runner.rendering().quiet {
        for note in &notes {
            prompt.runner.note(note);
        }
    }
    let shown = welcome::prompt(&prompt.runner.session.borrow(), editor.borrow().template());
    // After Enter, Ctrl-C is for the command, however early it comes.
    interrupt::forget();
    let typed = editor.borrow_mut().read(&shown).inspect_err(|_| interrupt::wait_for_hangup())?;
    let console = &mut prompt.runner.output.console;
    console.measure();
    match typed {
        PromptInput::Text(text) => {
            prompt.runner.tally.worst = Status::Done;
            prompt.runner.tally.hints = 0;
            let flow = interrupt::while_working(|| prompt.run(&text, shown.width()));
            if prompt.runner.tally.worst >= Status::Usage {
                editor.borrow().fail(&text);
            }
            Ok(flow)
        }
        PromptInput::Cancelled => Ok(Flow::Next),
        PromptInput::End { ends_line } => {
            if !ends_line {
                // A closed terminal needs no newline.
                let _ = console.out.write_all(b"\n").and_then(|()| console.out.flush());
            }
            Ok(Flow::Stop)
        }
    }
}

/// Whether the session may end; asks if a transaction is open.
fn may_leave(session: &RefCell<Session>, editor: &RefCell<Editor>) -> bool {
    let question = session.borrow().leaving("exit and discard them");
    question
        .is_none_or(|question| editor.borrow_mut().asks_to_leave(&format!("{} [y/N] ", escape::terminal(&question))))
}

/// Prints notices of the database, runs the rc script, and prints the welcome, before the first prompt.
fn start(runner: &mut Runner<'_>) -> Flow {
    runner.notices();
    let mut flow = Flow::Next;
    if let Some(path) = config::rc_file() {
        // The rc script only changes settings, so only its errors are printed.
        let quiet = std::mem::replace(&mut runner.output.console.rendering.quiet, true);
        runner.settings.by = SettingSource::Rc;
        flow = match script::open(&path) {
            Ok(mut input) => script::run_file(runner, &mut input, &path, "rc"),
            Err(failure) => runner.fail(failure, Origin::Prompt),
        };
        runner.settings.by = SettingSource::Session;
        runner.output.console.rendering.quiet = quiet;
    }
    if flow == Flow::Next && !runner.output.console.rendering.quiet {
        for line in welcome::lines(&runner.session.borrow(), runner.output.console.rendering.width) {
            // A closed terminal is noticed at the prompt, which follows at once.
            let line = super::render::note(
                super::render::MessageStyle { color: runner.output.console.rendering.color, width: 0 },
                &line,
            );
            let _ = runner.output.console.out.write_all(line.as_bytes());
        }
        let _ = runner.output.console.out.flush();
    }
    flow
}
