//! The prompt: lines from a person at a terminal, run as they are entered.
//!
//! | module | what it is |
//! | --- | --- |
//! | `prompt` | runs the lines: pipe, pager, time, pointer |
//! | `frontend` | the prompt, as whoever runs the commands sees it |
//! | `editor` | reads a line: continuation over rows, questions, the person's own editor |
//! | `helper` | what rustyline asks meanwhile |
//! | `keys` | what keys do |
//! | `history` | the lines of this session and of earlier ones, and their file |
//! | `secrets` | which lines are not kept |
//! | `highlight`, `hint`, `complete` | the colours of the line, what stands behind the cursor, what Tab offers |
//! | `paths` | the files that Tab offers |
//! | `parts` | the parts of a JSON value, as pointers or paths |
//! | `outside` | what Tab offers in the words of the system's shell |
//! | `candidate` | how that is put in and listed |
//! | `lookup` | what of the database they show |
//! | `tree` | what the words are, by the definitions of the commands |
//! | `cursor` | which words of which command there are so far |
//! | `columns` | what fits into a row |
//! | `offer` | the same candidates for Tab in the user's own shell |
//! | `welcome` | the first line, and the prompt |
//!
//! Left out on purpose: the editor never sees a script or a pipe, which are read as bytes.

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

/// Runs commands from a person until they leave; returns the exit status, which is 0 unless `exit` says otherwise: what
/// went wrong on the way, the person has seen.
pub(crate) fn run(session: Session, console: Console, yes: bool) -> Result<u8, Failure> {
    let color = console.rendering.color;
    // Without it Ctrl-C ends the process, as it does everywhere else.
    let _ = interrupt::listen();
    // And without this TERM and HUP do, with the terminal as the editor has it.
    let _ = interrupt::leave_on_signals();
    editor_program::sweep();
    let session = Rc::new(RefCell::new(session));
    let editor = Rc::new(RefCell::new(Editor::new(Rc::clone(&session), color)?));
    let mut prompt = Prompt::new(Rc::clone(&session), console, Rc::clone(&editor), yes);
    let mut flow = start(&mut prompt.runner);
    // What the rc script does is no step of the session.
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

/// Reads what a person enters, and runs it.
fn turn(prompt: &mut Prompt, editor: &RefCell<Editor>) -> Result<Flow, Failure> {
    prompt.runner.notices();
    let notes = editor.borrow_mut().take_notes();
    if !prompt.runner.rendering().quiet {
        for note in &notes {
            prompt.runner.note(note);
        }
    }
    let shown = welcome::prompt(&prompt.runner.session.borrow(), editor.borrow().template());
    // From Enter on, Ctrl-C is for the command, however early it comes.
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
                // A terminal that is gone needs no newline.
                let _ = console.out.write_all(b"\n").and_then(|()| console.out.flush());
            }
            Ok(Flow::Stop)
        }
    }
}

/// Whether a person may go: who has a transaction open is asked.
fn may_leave(session: &RefCell<Session>, editor: &RefCell<Editor>) -> bool {
    let question = session.borrow().leaving("exit and discard them");
    question
        .is_none_or(|question| editor.borrow_mut().asks_to_leave(&format!("{} [y/N] ", escape::terminal(&question))))
}

/// What comes before the first prompt: what the database has to say, the rc script, the welcome.
fn start(runner: &mut Runner<'_>) -> Flow {
    runner.notices();
    let mut flow = Flow::Next;
    if let Some(path) = config::rc_file() {
        // It sets things up; only what goes wrong is worth a line.
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
            // A terminal that is gone shows at the prompt, which follows at once.
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
