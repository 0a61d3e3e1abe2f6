//! The program `rusty-kv`: options, and three modes.
//!
//! | module | purpose |
//! | --- | --- |
//! | `repl` | the prompt: line editor, history, hints, completion |
//! | `run` | runs commands: one-shots, scripts, batches, dry runs |
//! | `language` | the command line: options, the list of commands, help |
//! | `commands` | each command: its arguments, its traits, its implementation |
//! | `terminal` | streams, pager, pipes and redirections, Ctrl-C, progress, the editor |
//! | `transfer` | the formats of `import` and `export` |
//! | `render` | turns answers into text |
//! | `config` | folders, environment, settings |
//! | `answer` | the result of a command: reply, failure, status |
//! | `text` | words, patterns, kinds of arguments, escaping for terminals |

mod repl;

mod run;

mod commands;

mod terminal;

mod transfer;

mod render;

mod filter;

mod language;

mod config;

mod answer;

mod text;

use std::cell::RefCell;
use std::ffi::OsString;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;

use self::answer::reply::{self, Failure};
use self::answer::status;
use self::commands::traits::OpenDatabase;
use self::commands::{Access, Session};
use self::config::Location;
use self::language::cli::{Cli, GlobalOptions, Line};
use self::language::command::{Command, ShellCommand};
use self::language::habits::{self, Outcome};
use self::language::parse::{self, Parsed};
use self::language::{help, own_shell, rc};
use self::run::frontend::{self, Frontend, Unattended};
use self::run::script;
use self::run::{Flow, Origin, Runner};
use self::terminal::console::{self, Console};
use self::terminal::progress;
use self::text::argument::{ColorWhen, OutputMode};
use self::text::escape;
use self::text::mask::Masks;

/// Runs the program with these arguments, the program's name first, on the process's streams; returns the exit status.
///
/// A panic is a bug: it is reported in one line, with status 70.
///
/// ```no_run
/// let status = rusty_kv::shell::run(std::env::args_os());
/// ```
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    // Exceeding the file-size limit must be an error, not end the process.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, std::sync::Arc::default());
    std::panic::set_hook(Box::new(|_| {}));
    let code = std::panic::catch_unwind(|| start(&args)).unwrap_or_else(|panic| {
        let what = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        let what = escape::excerpt(what.unwrap_or("no message"), 200);
        let _ = writeln!(
            io::stderr(),
            "error: internal error, a bug in rusty-kv: {what}. What was acknowledged is safe in the database file"
        );
        status::Status::Internal.code()
    });
    ExitCode::from(code)
}

fn start(args: &[OsString]) -> u8 {
    if args.get(1).is_some_and(|arg| arg == own_shell::ASKS) {
        repl::offer(&args[2..]);
        return 0;
    }
    let json = parse::asks_for_json(args);
    match parse::arguments(args) {
        Ok(Parsed::Run(cli)) => {
            let mode = cli.options.output;
            run_mode(*cli, args).unwrap_or_else(|failure| say(&failure, mode == Some(OutputMode::Json)))
        }
        Ok(Parsed::Help(command)) => text_alone(json, |width| match command {
            Some(command) => help::text(Some(&command), width),
            None => Ok(help::program(width)),
        }),
        Ok(Parsed::Version(text)) => text_alone(json, |_| Ok(text)),
        Err(failure) => {
            let code = say(&failure, json);
            let hint = habits::hint(&parse::command_in(args), Outcome::Failed, false).filter(|_| !json);
            if let Some(hint) = hint {
                // If stderr is broken, there is nowhere left to report that.
                let style = console::err_style(ColorWhen::Never);
                let _ = io::stderr().write_all(render::note(style, &format!("hint: {hint}")).as_bytes());
            }
            code
        }
    }
}

/// Prints a text wrapped to this many columns and returns the status.
fn text_alone(json: bool, text: impl FnOnce(usize) -> Result<String, Failure>) -> u8 {
    let console = Console::of_process(ColorWhen::Auto, false);
    let written = text(console.rendering.width).and_then(|text| one_off_text(console, OutputMode::Plain, &text));
    written.unwrap_or_else(|failure| say(&failure, json))
}

/// Chooses the mode: one command, a script, or the prompt.
fn run_mode(cli: Cli, args: &[OsString]) -> Result<u8, Failure> {
    let Cli { options, command } = cli;
    if command.is_some() {
        check_for_command(&options)?;
    }
    let mut console = Console::of_process(options.color.unwrap_or(ColorWhen::Auto), options.quiet);
    let output = options.output.unwrap_or(OutputMode::Plain);
    console.rendering.mode = output;
    // Scripts and the prompt run many lines, so they build the whole language.
    console.rendering.exact = command.is_some() && output == OutputMode::Raw;
    // Help must work even if the database cannot be opened.
    if let Some(Command::Shell(ShellCommand::Help(asked))) = &command {
        let text = help::text(asked.topic.as_deref(), console.rendering.width)?;
        return one_off_text(console, output, &text);
    }
    let location = Location::of(options.db.as_deref())?;
    let location = match &options.password_file {
        Some(path) => location.with_password(config::password_in(path)?),
        None => location,
    };
    let access = Access { read_only: options.read_only, wait: options.wait };
    let traits = command.as_ref().map(Command::traits);
    let mut session = match traits.map(|traits| traits.database) {
        Some(OpenDatabase::IfPossible) => {
            Session::open(location.clone(), access).unwrap_or_else(|_| Session::without_database(location, access))
        }
        Some(OpenDatabase::Unneeded) => Session::without_database(location, access),
        _ => Session::open(location, access)?,
    };
    let is_stdin = |path: &PathBuf| path == Path::new("-");
    let scripts = options.script;
    let stdin_is_script = command.is_none() && (scripts.is_empty() || scripts.iter().any(is_stdin));
    session.stdin_is_free = !stdin_is_script;
    let interactive = stdin_is_script && scripts.is_empty() && io::stdin().is_terminal() && io::stdout().is_terminal();
    if interactive {
        check_for_prompt(options.atomic, options.dry_run)?;
        session.location.check_folder()?;
        return repl::run(session, console, options.yes);
    }
    session.masks = Masks::loaded_by(rc::masks);
    let session = Rc::new(RefCell::new(session));
    let frontend: Box<dyn Frontend> = if command.is_some() { Box::new(OneShotFrontend) } else { Box::new(Unattended) };
    let mut runner = Runner::new(session, console, frontend, options.yes);
    runner.bail = options.bail;
    runner.begin(options.atomic, options.dry_run && !traits.is_some_and(|traits| traits.is_dry))?;
    match command {
        Some(command) => {
            if let Flow::Source(file) = runner.line(Line::of(command), Origin::OneShot) {
                script::source(&mut runner, &file, Origin::OneShot);
                runner.end_script(&file.to_string_lossy());
            }
            runner.hint(Origin::OneShot, || parse::command_in(args).into());
            runner.flush();
            runner.end_rehearsal();
        }
        None => {
            run_scripts(&mut runner, &scripts, options.atomic)?;
            runner.end_rehearsal();
        }
    }
    Ok(runner.code())
}

/// Refuses options that have no meaning for a command.
fn check_for_command(options: &GlobalOptions) -> Result<(), Failure> {
    if !options.script.is_empty() {
        return Err(Failure::usage("--script cannot be combined with a command"));
    }
    if options.atomic {
        return Err(Failure::usage("--atomic is for scripts; a single command is always all or nothing"));
    }
    Ok(())
}

/// Refuses options that have no meaning at the prompt.
fn check_for_prompt(is_atomic: bool, is_dry: bool) -> Result<(), Failure> {
    if is_atomic {
        return Err(Failure::usage("--atomic is for scripts; at the prompt, use `begin` and `commit`"));
    }
    if is_dry {
        return Err(Failure::usage("--dry-run is for scripts and commands; at the prompt, use `begin` and `rollback`"));
    }
    Ok(())
}

/// Runs scripts in order, after checking that all files can be opened; without any, runs stdin.
fn run_scripts(runner: &mut Runner<'_>, paths: &[PathBuf], atomic: bool) -> Result<(), Failure> {
    let stdin = [PathBuf::from("-")];
    let paths = if paths.is_empty() { &stdin[..] } else { paths };
    let open = |path: &PathBuf| if path == Path::new("-") { Ok(None) } else { script::open(path).map(Some) };
    let inputs = paths.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    let last = inputs.len() - 1;
    for (number, (path, input)) in paths.iter().zip(inputs).enumerate() {
        let (flow, name) = match input {
            Some(mut input) => {
                progress::begin("Loading");
                let name = path.to_string_lossy();
                let flow = script::run_file(runner, &mut input, path, &name);
                progress::end();
                (flow, name)
            }
            None => (script::run(runner, &mut script::stdin(), "stdin"), "stdin".into()),
        };
        let is_end = number == last || flow == Flow::Stop;
        if is_end || !atomic {
            runner.end_script(&name);
        }
        if is_end {
            break;
        }
    }
    Ok(())
}

/// The frontend of a one-shot command. It asks questions only if stdin and stderr are both terminals.
struct OneShotFrontend;

impl Frontend for OneShotFrontend {
    fn confirm(&mut self, question: &str) -> bool {
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return true;
        }
        let mut answer = String::new();
        let asked = write!(
            io::stderr(),
            "{} ",
            render::wrapped(&format!("{} [y/N]", escape::terminal(question)), console::err_width())
        );
        asked.and_then(|()| io::stdin().lock().read_line(&mut answer)).is_ok() && frontend::is_yes(&answer)
    }
}

/// Writes a text without a session.
fn one_off_text(mut console: Console, mode: OutputMode, text: &str) -> Result<u8, Failure> {
    let rendering = render::RenderOptions { mode, ..console.rendering };
    let written = render::reply(&mut *console.out, &rendering, reply::Reply::Text(text.to_owned()));
    let written = match written {
        Ok(()) => console.out.flush(),
        Err(render::RenderError::Output(error)) => Err(error),
        Err(render::RenderError::Source(failure)) => return Err(failure),
    };
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::stdout(&error)),
        _ => Ok(0),
    }
}

/// Reports a failure that occurred before there was a runner.
fn say(failure: &Failure, json: bool) -> u8 {
    let line = if json {
        render::failure_json(failure)
    } else {
        render::failure(console::err_style(ColorWhen::Never), None, failure)
    };
    // If stderr is broken, there is nowhere left to report that.
    let _ = io::stderr().write_all(line.as_bytes());
    failure.status.code()
}
