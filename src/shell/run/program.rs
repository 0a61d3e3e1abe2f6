//! `run`: starts another program, with keys as its environment variables.
//!
//! A one-shot command becomes that program, so that no process is between it and its signals and terminal. At the
//! prompt, the program has the terminal until it ends. Scripts cannot run programs, because a script may be a dump of
//! someone else's data.

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Flow, Origin, Runner};
use crate::shell::answer::code::Code;
use crate::shell::answer::reply::Failure;
use crate::shell::answer::status::Status;
use crate::shell::commands::run::RunArgs;
use crate::shell::render::RenderOptions;
use crate::shell::terminal::interrupt;
use crate::shell::terminal::outlet::how_ended;
use crate::shell::terminal::progress;
use crate::shell::text::escape::excerpt;

/// The default search path if PATH is not set.
const USUAL_PATH: &str = "/usr/bin:/bin";

impl Runner<'_> {
    pub(crate) fn run_program(&mut self, run: &RunArgs, place: Origin<'_>, rendering: &RenderOptions) -> Flow {
        if self.mode.is_rehearsal() {
            return self.failure(&Failure::usage("--dry-run does not run programs"), place, rendering);
        }
        if self.flush() == Flow::Stop {
            return Flow::Stop;
        }
        let made = self.session.borrow_mut().environment(run);
        let variables = match made {
            Ok(variables) => variables,
            Err(failure) => return self.failure(&failure, place, rendering),
        };
        progress::end();
        self.notices();
        if variables.is_empty() && !rendering.quiet {
            let note = self.session.borrow().without_keys(&run.prefix);
            self.notes(&[note], place, rendering);
        }
        let Some((program, args)) = run.command.split_first() else { return Flow::Next };
        let found = match found(program, std::env::var_os("PATH")) {
            Ok(found) => found,
            Err(error) => return self.not_run(program, &error, place, rendering),
        };
        let mut command = Command::new(found);
        command.arg0(&**program).args(args.iter().map(|word| word.as_os_str())).envs(variables);
        if place == Origin::Prompt {
            return self.run_at_prompt(&mut command, program, rendering);
        }
        let error = command.exec();
        self.not_run(program, &error, place, rendering)
    }

    fn run_at_prompt(&mut self, command: &mut Command, program: &Path, rendering: &RenderOptions) -> Flow {
        // The time of another program is not printed.
        self.frontend.share_time();
        match interrupt::run_lent(command) {
            Ok(status) if status.success() => {}
            Ok(status) => self.note(&format!("'{}' {}", excerpt(&program.to_string_lossy(), 60), how_ended(status))),
            Err(error) => return self.not_run(program, &error, Origin::Prompt, rendering),
        }
        Flow::Next
    }

    /// Reports why a program was not run; the status is the same as in other shells.
    fn not_run(&mut self, program: &Path, error: &io::Error, place: Origin<'_>, rendering: &RenderOptions) -> Flow {
        let name = excerpt(&program.to_string_lossy(), 60);
        let is_missing = error.kind() == ErrorKind::NotFound;
        let reason = if is_missing { "program not found".to_owned() } else { crate::error::reason(error) };
        let message = format!("cannot run '{name}': {reason}");
        let failure = Failure { status: Status::Io, code: Code::Io, message, key: None };
        let flow = self.failure(&failure, place, rendering);
        if place == Origin::OneShot {
            self.tally.exit = Some(if is_missing { 127 } else { 126 });
        }
        flow
    }
}

/// Finds a program in the PATH of the caller, not in one that a key sets.
fn found(program: &Path, path: Option<OsString>) -> io::Result<PathBuf> {
    if program.as_os_str().as_bytes().contains(&b'/') {
        return Ok(program.to_owned());
    }
    let path = path.unwrap_or_else(|| USUAL_PATH.into());
    // An empty folder in PATH is the current one.
    let places = std::env::split_paths(&path).map(|folder| Path::new(".").join(folder).join(program));
    let files: Vec<PathBuf> = places.filter(|place| place.is_file()).collect();
    let is_program = |place: &&PathBuf| rustix::fs::access(*place, rustix::fs::Access::EXEC_OK).is_ok();
    files.iter().find(is_program).or(files.first()).cloned().ok_or_else(|| ErrorKind::NotFound.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_looked_up_as_shells_do() {
        let folder = tempfile::tempdir().unwrap();
        let sh = found(Path::new("sh"), None).unwrap();
        for name in ["plain", "mine"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        std::os::unix::fs::symlink(&sh, folder.path().join("mine/tool")).unwrap();
        std::fs::File::create(folder.path().join("plain/tool")).unwrap();
        let path = |folders: &[&str]| {
            let folders = folders.iter().map(|name| folder.path().join(name));
            Some(std::env::join_paths(folders).unwrap())
        };
        let tool = |folders: &[&str]| found(Path::new("tool"), path(folders)).map_err(|error| error.kind());
        assert_eq!(tool(&["plain", "mine"]), Ok(folder.path().join("mine/tool")), "what cannot be run is passed over");
        assert_eq!(tool(&["plain"]), Ok(folder.path().join("plain/tool")), "but said");
        assert_eq!(tool(&["nothing"]), Err(ErrorKind::NotFound));
        assert_eq!(found(Path::new("./tool"), path(&["mine"])).unwrap(), Path::new("./tool"));
    }
}
