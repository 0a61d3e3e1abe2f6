//! Outlets for answers: a program after `|`, a file after `>`, the pager.

use std::cell::RefCell;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::rc::Rc;

use unicode_width::UnicodeWidthChar as _;

use super::destination::{self, SpecialFile};
use super::interrupt::{self, Lent};
use super::progress;
use crate::shell::answer::reply::Failure;
use crate::shell::config;
use crate::shell::render::size;

/// A program that reads an answer and has the terminal until it exits.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    input: Option<BufWriter<ChildStdin>>,
    _lent: Lent,
}

impl Program {
    /// Starts a line of `sh`.
    pub(crate) fn of_shell(line: &str) -> Result<Self, Failure> {
        let mut command = Command::new("sh");
        command.arg("-c").arg(line);
        Self::start(command).map_err(|error| Failure::io("run", Path::new("sh"), &error))
    }

    fn start(mut command: Command) -> io::Result<Self> {
        let mut child = command.stdin(Stdio::piped()).spawn()?;
        let input = child.stdin.take().map(|input| BufWriter::with_capacity(64 << 10, input));
        let lent = interrupt::lend_terminal(child.id());
        Ok(Self { child, input, _lent: lent })
    }

    /// Closes its input and waits for it.
    fn end(mut self) -> io::Result<ExitStatus> {
        // A program that has read enough closes its input.
        let _ = self.input.take().map(|mut input| input.flush());
        self.child.wait()
    }
}

impl Write for Program {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.input.as_mut().map_or(Ok(bytes.len()), |input| input.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.input.as_mut().map_or(Ok(()), Write::flush)
    }
}

/// A note about how a program ended; none if it succeeded, was stopped by the user, or had read enough.
fn ending(status: ExitStatus) -> Option<String> {
    const QUIET: [i32; 2] = [signal_hook::consts::SIGINT, signal_hook::consts::SIGPIPE];
    match (status.code(), status.signal()) {
        (Some(0), _) => None,
        (Some(code), _) if QUIET.iter().any(|signal| code == 128 + signal) => None,
        (None, Some(signal)) if QUIET.contains(&signal) => None,
        _ => Some(format!("the program {}", how_ended(status))),
    }
}

/// How a program ended, for a sentence about it.
pub(crate) fn how_ended(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("ended with status {code}"),
        None => format!("was ended by signal {}", status.signal().unwrap_or_default()),
    }
}

/// A file that receives an answer. It is truncated at the first write, so a command that fails leaves it as it was.
#[derive(Debug)]
pub(crate) struct Saved {
    file: BufWriter<SpecialFile>,
    path: PathBuf,
    is_emptied: bool,
    /// The bytes written.
    length: u64,
}

impl Saved {
    /// Opens or creates the file. `own` are the files of the database, which cannot be overwritten; other databases
    /// cannot, either.
    pub(crate) fn open(path: PathBuf, append: bool, own: &[PathBuf]) -> Result<Self, Failure> {
        destination::check(&path, own, false)?;
        let failed = |error: io::Error| Failure::io("write to", &path, &error);
        let (file, is_emptied) = match SpecialFile::of(&path).map_err(failed)? {
            Some(open) => (open, true),
            None => {
                let mut options = OpenOptions::new();
                options.create(true).append(append).write(true).truncate(false);
                (SpecialFile::from(options.open(&path).map_err(failed)?), append)
            }
        };
        Ok(Self { file: BufWriter::with_capacity(64 << 10, file), path, is_emptied, length: 0 })
    }

    fn empty(&mut self) -> io::Result<()> {
        if !std::mem::replace(&mut self.is_emptied, true) {
            self.file.get_ref().empty()?;
        }
        Ok(())
    }
}

impl Write for Saved {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.empty()?;
        let written = self.file.write(bytes)?;
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The pager for answers longer than the screen.
#[derive(Clone, Debug)]
pub(crate) struct Pager {
    words: Vec<OsString>,
}

impl Pager {
    /// The pager that `$PAGER` names, or `less`; `None` if it is empty, `cat` or missing, or if the terminal is dumb.
    pub(crate) fn of_environment() -> Option<Self> {
        match std::env::var("PAGER") {
            Ok(pager) => Self::named(&pager),
            Err(_) => Self::usual(),
        }
    }

    /// The pager after `pager on`: the one from the environment, or the default.
    pub(crate) fn chosen(on: bool) -> Result<Option<Self>, Failure> {
        if !on {
            return Ok(None);
        }
        let pager = Self::of_environment().or_else(Self::usual);
        pager.map(Some).ok_or_else(|| Failure::usage("no pager found for this terminal; set PAGER"))
    }

    /// `less`, if it exists and supports the terminal.
    fn usual() -> Option<Self> {
        Self::named("less")
    }

    fn named(line: &str) -> Option<Self> {
        let words = shlex::split(line).filter(|words| words.first().is_some_and(|word| word != "cat"))?;
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        (!is_dumb && is_program(&words[0])).then(|| Self { words: words.into_iter().map(OsString::from).collect() })
    }

    fn start(&self) -> io::Result<Program> {
        let (program, args) = self.words.split_first().ok_or(io::ErrorKind::NotFound)?;
        let mut command = Command::new(program);
        command.args(args);
        // Exit at once for short answers, pass colors through, and keep the text on the screen.
        for (name, value) in [("LESS", "FRX"), ("LESSCHARSET", "utf-8")] {
            if std::env::var_os(name).is_none() {
                command.env(name, value);
            }
        }
        Program::start(command)
    }
}

/// Whether a program with this name exists.
fn is_program(name: &str) -> bool {
    let runs = |path: &Path| path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok();
    if name.contains('/') {
        return runs(Path::new(name));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| runs(&folder.join(name)))
}

/// An answer on its way to the terminal, or to the pager once it is longer than the screen.
#[derive(Debug)]
pub(crate) struct Paged {
    pager: Pager,
    state: PagerState,
    /// What was measured so far.
    rows: usize,
    column: usize,
    /// The size of the screen.
    height: usize,
    width: usize,
}

#[derive(Debug)]
enum PagerState {
    /// The answer may still fit.
    Held(Vec<u8>),
    /// The answer does not fit.
    Shown(Program),
    /// The pager could not be started.
    Plain,
}

impl Paged {
    fn new(pager: Pager, width: usize, height: usize) -> Self {
        Self { pager, state: PagerState::Held(Vec::new()), rows: 0, column: 0, height, width: width.max(1) }
    }

    /// Advances by the columns and rows that a terminal would show.
    fn count(&mut self, bytes: &[u8]) {
        const TAB: usize = 8;
        let mut is_style = false;
        for c in bytes.utf8_chunks().flat_map(|chunk| chunk.valid().chars()) {
            match c {
                '\x1b' => is_style = true,
                _ if is_style => is_style = c != 'm',
                '\n' => {
                    self.rows += 1;
                    self.column = 0;
                }
                '\t' => self.column = ((self.column / TAB + 1) * TAB).min(self.width),
                _ => {
                    let columns = c.width().unwrap_or(0);
                    if self.column + columns > self.width {
                        self.rows += 1;
                        self.column = 0;
                    }
                    self.column += columns;
                }
            }
            if self.is_too_long() {
                return;
            }
        }
    }

    /// Leaves a row for the next prompt.
    fn is_too_long(&self) -> bool {
        self.rows + usize::from(self.column > 0) >= self.height
    }
}

impl Write for Paged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.state {
            PagerState::Shown(program) => return program.write(bytes),
            PagerState::Plain => return io::stdout().write(bytes),
            PagerState::Held(held) => held.extend_from_slice(bytes),
        }
        self.count(bytes);
        if self.is_too_long() {
            progress::end();
            let state = self.pager.start().map_or(PagerState::Plain, PagerState::Shown);
            if let PagerState::Held(held) = std::mem::replace(&mut self.state, state) {
                match &mut self.state {
                    PagerState::Shown(program) => program.write_all(&held)?,
                    PagerState::Plain | PagerState::Held(_) => io::stdout().write_all(&held)?,
                }
            }
        }
        Ok(bytes.len())
    }

    /// The held text may still grow.
    fn flush(&mut self) -> io::Result<()> {
        match &mut self.state {
            PagerState::Shown(program) => program.flush(),
            PagerState::Plain => io::stdout().flush(),
            PagerState::Held(_) => Ok(()),
        }
    }
}

/// An outlet that one part of the runner writes to and another ends.
#[derive(Clone, Debug)]
pub(crate) struct Outlet(Rc<RefCell<Option<OutletKind>>>);

#[derive(Debug)]
enum OutletKind {
    Program(Program),
    Saved(Saved),
    Paged(Paged),
}

impl OutletKind {
    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::Program(program) => program,
            Self::Saved(saved) => saved,
            Self::Paged(paged) => paged,
        }
    }
}

/// The result of an outlet.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    /// A note for the user.
    pub(crate) note: Option<String>,
    /// Whether another program took part.
    pub(crate) was_shared: bool,
    /// The error of the file.
    pub(crate) failure: Option<Failure>,
}

impl Outlet {
    pub(crate) fn program(program: Program) -> Self {
        Self(Rc::new(RefCell::new(Some(OutletKind::Program(program)))))
    }

    pub(crate) fn file(saved: Saved) -> Self {
        Self(Rc::new(RefCell::new(Some(OutletKind::Saved(saved)))))
    }

    pub(crate) fn pager(pager: Pager, width: usize, height: usize) -> Self {
        Self(Rc::new(RefCell::new(Some(OutletKind::Paged(Paged::new(pager, width, height))))))
    }

    /// Whether it is a program after `|`.
    pub(crate) fn is_program(&self) -> bool {
        matches!(&*self.0.borrow(), Some(OutletKind::Program(_)))
    }

    /// The path, if it is a file.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        match &*self.0.borrow() {
            Some(OutletKind::Saved(saved)) => Some(saved.path.clone()),
            _ => None,
        }
    }

    /// Ends the outlet and waits for its program; `failed` says that there is no answer.
    pub(crate) fn end(&self, failed: bool) -> Ended {
        let Some(kind) = self.0.borrow_mut().take() else { return Ended::default() };
        let of = |status: io::Result<ExitStatus>| status.ok().and_then(ending);
        match kind {
            OutletKind::Program(program) => Ended { note: of(program.end()), was_shared: true, ..Ended::default() },
            OutletKind::Saved(mut saved) => {
                let emptied = if failed { Ok(()) } else { saved.empty() };
                let written = emptied.and_then(|()| saved.flush());
                let failure = written.err().map(|error| Failure::io("write to", &saved.path, &error));
                let done = failure.is_none() && !failed;
                let (length, path) = (size(saved.length), config::short(&saved.path));
                let note = match saved.length {
                    _ if done => Some(format!("Wrote {length} to {path}")),
                    1.. if failure.is_none() => Some(format!("{path} holds only the first {length}")),
                    _ => None,
                };
                // A second attempt to write would fail, too.
                let _ = saved.file.into_parts();
                Ended { note, failure, ..Ended::default() }
            }
            OutletKind::Paged(Paged { state: PagerState::Shown(program), .. }) => {
                // The user may leave the pager in any way, but a pager that failed is reported.
                let note = of(program.end()).filter(|_| !interrupt::is_asked());
                Ended { note, was_shared: true, ..Ended::default() }
            }
            OutletKind::Paged(Paged { state: PagerState::Held(held), .. }) => {
                // A closed terminal is noticed at the prompt, which follows at once.
                progress::end();
                let mut stdout = io::stdout();
                let _ = stdout.write_all(&held).and_then(|()| stdout.flush());
                Ended::default()
            }
            OutletKind::Paged(Paged { state: PagerState::Plain, .. }) => Ended::default(),
        }
    }
}

impl Write for Outlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().as_mut().map_or(Ok(bytes.len()), |kind| kind.writer().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.borrow_mut().as_mut().map_or(Ok(()), |kind| kind.writer().flush())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(width: usize, text: &str) -> usize {
        let mut paged = Paged::new(Pager { words: Vec::new() }, width, usize::MAX);
        paged.count(text.as_bytes());
        paged.rows + usize::from(paged.column > 0)
    }

    #[test]
    fn rows_are_counted_as_a_terminal_breaks_them() {
        assert_eq!(rows(10, "a\nb\n"), 2);
        assert_eq!(rows(10, "a\nb"), 2);
        assert_eq!(rows(10, &"x".repeat(10)), 1);
        assert_eq!(rows(10, &"x".repeat(11)), 2);
        assert_eq!(rows(10, &"日".repeat(6)), 2);
        assert_eq!(rows(9, &"日".repeat(5)), 2, "a wide character is not cut in two");
        assert_eq!(rows(10, "\x1b[1;31mxxxxxxxxxx\x1b[0m\n"), 1, "colors take no room");
        assert_eq!(rows(10, "\n\n\n"), 3);
        assert_eq!(rows(10, "\tab"), 1);
        assert_eq!(rows(10, "\tabc"), 2);
        assert_eq!(rows(10, "\t\t\n"), 1, "a tab stops at the end of the row");
    }

    #[test]
    fn a_file_is_emptied_by_the_first_of_an_answer_or_by_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let read = || String::from_utf8(std::fs::read(&path).unwrap()).unwrap();
        let open = |append| Saved::open(path.clone(), append, &[]).unwrap();
        let mut outlet = Outlet::file(open(false));
        outlet.write_all(b"one\n").unwrap();
        assert!(outlet.end(false).failure.is_none());
        assert_eq!(read(), "one\n");
        Outlet::file(open(false)).end(true);
        assert_eq!(read(), "one\n", "a command that failed leaves it be");
        let mut outlet = Outlet::file(open(true));
        outlet.write_all(b"two\n").unwrap();
        outlet.end(false);
        assert_eq!(read(), "one\ntwo\n");
        Outlet::file(open(false)).end(false);
        assert_eq!(read(), "");
    }

    #[test]
    fn the_files_of_the_database_are_refused_also_those_that_are_not_there_yet_and_by_other_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kv.json");
        let journal = folder.path().join("kv.json.journal");
        std::fs::File::create(&path).unwrap();
        std::os::unix::fs::symlink(&path, folder.path().join("link")).unwrap();
        let own = [path.clone(), journal.clone()];
        for name in ["kv.json", "kv.json.journal", "link", "../x/kv.json.journal"] {
            let target = match name.strip_prefix("../x/") {
                Some(name) => folder.path().join("..").join(folder.path().file_name().unwrap()).join(name),
                None => folder.path().join(name),
            };
            assert!(Saved::open(target, false, &own).is_err(), "{name}");
        }
        assert!(!journal.exists());
        assert!(Saved::open(folder.path().join("other"), false, &own).is_ok());
    }

    #[test]
    fn how_a_program_ended_is_said_unless_all_is_well() {
        let status = |line: &str| Command::new("sh").arg("-c").arg(line).status().unwrap();
        assert_eq!(ending(status("true")), None);
        assert_eq!(ending(status("exit 3")).unwrap(), "the program ended with status 3");
        assert_eq!(ending(status("kill -9 $$")).unwrap(), "the program was ended by signal 9");
        assert_eq!(ending(status("kill -INT $$")), None);
        assert_eq!(ending(status("exit 141")), None);
    }
}
