//! Scripts: commands from a file or a pipe, read as bytes in chunks, so that a program that writes one line at a time
//! gets each answer at once.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::FileType;

use super::{Flow, Origin, Runner};
use crate::error::Error;
use crate::shell::answer::code::Code;
use crate::shell::answer::done::Done;
use crate::shell::answer::reply::Failure;
use crate::shell::language::{parse, reading};
use crate::shell::terminal::interrupt;
use crate::shell::terminal::progress;
use crate::shell::text::words::{Splitter, Step, Unfinished};
use crate::shell::transfer;
use crate::storage::{LARGE, check_memory};
use crate::store::Store as _;
use crate::value::Value;

/// A value of the maximum size, and the command around it.
const LONGEST: usize = Value::MAX_LEN + (1 << 20);

/// The input of a script.
pub(crate) trait Input {
    /// Appends a chunk, or nothing at the end. Blocks if necessary.
    fn read(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize>;
    /// Whether a read would not block.
    fn is_ready(&self) -> bool;
    /// Whether it is a file, which is complete already.
    fn has_known_end(&self) -> bool;
    /// Its length, if it is a file; otherwise 0.
    fn length(&self) -> u64;
}

/// A file, a pipe or a terminal.
pub(crate) struct Stream<F>(F);

impl<F: Read + AsFd> Input for Stream<F> {
    fn read(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        const CHUNK: usize = 64 << 10;
        let start = buffer.len();
        transfer::reserve(buffer, CHUNK)?;
        buffer.resize(start + CHUNK, 0);
        // A read is retried after a signal; a wait is not.
        let mut waits = interrupt::is_listening();
        let read = loop {
            let ready = if waits { interrupt::wait_to_read(&self.0) } else { Ok(()) };
            match ready.and_then(|()| self.0.read(&mut buffer[start..])) {
                // Another process has made it non-blocking.
                Err(error) if error.kind() == ErrorKind::WouldBlock => waits = true,
                Err(error) if error.kind() == ErrorKind::Interrupted && !interrupt::is_asked() => {}
                read => break read,
            }
        };
        buffer.truncate(start + read.as_ref().copied().unwrap_or(0));
        read
    }

    fn is_ready(&self) -> bool {
        is_ready(&self.0)
    }

    fn has_known_end(&self) -> bool {
        rustix::fs::fstat(&self.0).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile)
    }

    fn length(&self) -> u64 {
        let length = rustix::fs::fstat(&self.0).map_or(0, |stat| u64::try_from(stat.st_size).unwrap_or(0));
        if self.has_known_end() { length } else { 0 }
    }
}

/// Whether a read would not block.
pub(crate) fn is_ready(file: &impl AsFd) -> bool {
    let mut fds = [PollFd::new(file, PollFlags::IN)];
    // If poll fails, assume that a read would block, which costs only one more write.
    rustix::event::poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ready| ready > 0)
}

/// Opens a script.
pub(crate) fn open(path: &Path) -> Result<Stream<File>, Failure> {
    let opened = open_file(path)
        .and_then(|file| if file.metadata()?.is_dir() { Err(ErrorKind::IsADirectory.into()) } else { Ok(file) });
    opened.map(Stream).map_err(|error| match error.kind() {
        ErrorKind::Interrupted if interrupt::is_asked() => Error::Interrupted.into(),
        _ => Failure::io("open", path, &error),
    })
}

/// Opens a file for reading. Opening a FIFO waits for a writer; at the prompt, Ctrl-C ends that wait.
fn open_file(path: &Path) -> io::Result<File> {
    if !interrupt::is_listening() {
        return File::open(path);
    }
    let file = interrupt::open_at_once(path, File::options().read(true))?;
    if file.metadata()?.file_type().is_fifo() {
        interrupt::wait_to_read(&file)?;
    }
    Ok(file)
}

/// The process's stdin as a script.
pub(crate) fn stdin() -> Stream<impl Read + AsFd> {
    Stream(io::stdin().lock())
}

/// Runs a whole script; messages name its lines `name:line`.
pub(crate) fn run(runner: &mut Runner<'_>, input: &mut dyn Input, name: &str) -> Flow {
    let folder = runner.folder.take();
    let flow = run_lines(runner, input, name);
    runner.folder = folder;
    flow
}

/// Runs the script in a file; its `source` commands resolve paths from that file's folder.
pub(crate) fn run_file(runner: &mut Runner<'_>, input: &mut dyn Input, path: &Path, name: &str) -> Flow {
    // A pipe, such as `/dev/fd/63`, has no folder.
    let own = path.parent().filter(|_| input.has_known_end()).map(Path::to_owned);
    let folder = std::mem::replace(&mut runner.folder, own);
    let flow = run_lines(runner, input, name);
    runner.folder = folder;
    flow
}

/// Runs the script named by a command at `place`.
pub(crate) fn source(runner: &mut Runner<'_>, file: &Path, place: Origin<'_>) -> Flow {
    const DEEPEST: usize = 16;
    if runner.depth == DEEPEST {
        return runner.fail(Failure::usage(format!("`source` is nested more than {DEEPEST} files deep")), place);
    }
    let file = match (&runner.folder, place) {
        (Some(folder), Origin::Script { .. }) => &folder.join(file),
        _ => file,
    };
    match open(file) {
        Ok(mut input) => {
            runner.depth += 1;
            progress::begin("Loading");
            let before = runner.tally.lines;
            let flow = run_file(runner, &mut input, file, &file.to_string_lossy());
            progress::end();
            runner.depth -= 1;
            // Nested scripts report it once.
            let was_cut_short = place == Origin::Prompt && std::mem::take(&mut runner.tally.was_cut_short);
            let commands = runner.tally.lines - before;
            let done = match flow {
                // Ctrl-C may have come too late to cut anything.
                Flow::Next if place == Origin::Prompt && !was_cut_short => Done::Ran { commands },
                Flow::Next => Done::Sourced { commands },
                flow => return flow,
            };
            // With `-o json`, every command gets a line, even if its file contains none.
            runner.answer(Ok(done.into()), place, None)
        }
        Err(failure) => runner.fail(failure, place),
    }
}

/// A script that is being run.
struct ScriptRun<'i> {
    input: &'i mut dyn Input,
    name: &'i str,
    splitter: Splitter,
    /// The input that was read and not dropped yet, and the position of the next line.
    buffer: Vec<u8>,
    start: usize,
    /// The number of that line.
    line: usize,
    /// Whether all input was read.
    end: bool,
    /// The number of bytes read.
    read: u64,
    /// Where in the buffer the commands end whose keys the store was told.
    ahead: usize,
}

fn run_lines(runner: &mut Runner<'_>, input: &mut dyn Input, name: &str) -> Flow {
    let splitter = reading::script();
    let mut script =
        ScriptRun { input, name, splitter, buffer: Vec::new(), start: 0, line: 1, end: false, read: 0, ahead: 0 };
    let flow = script.run(runner);
    if flow == Flow::Stop {
        runner.flush();
    }
    flow
}

impl ScriptRun<'_> {
    /// Runs the script to its end. If it is stopped, the batch is still to be written.
    fn run(&mut self, runner: &mut Runner<'_>) -> Flow {
        let name = self.name;
        let (has_known_end, length) = (self.input.has_known_end(), self.input.length());
        loop {
            if interrupt::is_asked() {
                return interrupted(runner, Origin::Script { name, line: self.line });
            }
            if self.start >= self.ahead {
                self.read_ahead(runner);
            }
            let flow = match self.splitter.step(&self.buffer[self.start..], self.end) {
                Step::Command { words, consumed, lines } => {
                    if self.end && self.start == self.buffer.len() {
                        return runner.flush();
                    }
                    let place = Origin::Script { name, line: self.line };
                    self.start += consumed;
                    self.line += lines;
                    runner.tally.lines += u64::from(!words.is_empty());
                    match runner.words(&words, place) {
                        Flow::Source(file) => source(runner, &file, place),
                        flow => flow,
                    }
                }
                Step::Error { error, consumed, lines, .. } => {
                    let at = self.line + lines.saturating_sub(1);
                    self.start += consumed;
                    self.line += lines;
                    let failure = Failure { code: Code::Syntax, ..Failure::usage(error.message) };
                    runner.fail(failure, Origin::Script { name, line: at })
                }
                Step::More(open) => {
                    self.buffer.drain(..self.start);
                    (self.start, self.ahead) = (0, 0);
                    if self.buffer.len() > LONGEST {
                        self.pass_over(runner, open)
                    } else {
                        self.read_on(runner, has_known_end, length)
                    }
                }
            };
            if flow == Flow::Stop {
                return Flow::Stop;
            }
        }
    }

    /// Tells a store that is far away which keys the next commands read, so that it reads them at once.
    fn read_ahead(&mut self, runner: &Runner<'_>) {
        const COMMANDS: usize = 1_000;
        let mut session = runner.session.borrow_mut();
        if !session.db.reads_ahead() {
            // Until there is more.
            self.ahead = usize::MAX;
            return;
        }
        let (mut splitter, mut keys) = (reading::script(), Vec::new());
        let mut at = self.start;
        for _ in 0..COMMANDS {
            let consumed = match splitter.step(&self.buffer[at..], self.end) {
                Step::Command { words, consumed, .. } => {
                    keys.extend(parse::keys_read(&words).map(ToOwned::to_owned));
                    consumed
                }
                Step::Error { consumed, .. } => consumed,
                Step::More(_) => break,
            };
            if consumed == 0 {
                break;
            }
            at += consumed;
        }
        self.ahead = at.max(self.start + 1);
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        session.db.read_ahead(&keys);
    }

    /// Reports that a line is too long to be run, and continues after it.
    fn pass_over(&mut self, runner: &mut Runner<'_>, open: Unfinished) -> Flow {
        let what =
            if matches!(open, Unfinished::Line) { "the line" } else { "the quoted text or JSON that starts here" };
        let message = format!("{what} is longer than 513 MiB; use `set KEY --file PATH`");
        let flow = runner.fail(Failure::usage(message), Origin::Script { name: self.name, line: self.line });
        if flow != Flow::Stop {
            self.line += memchr::memchr_iter(b'\n', &self.buffer).count();
            self.splitter = reading::script();
            self.end = skip_line(self.input, &mut self.buffer);
            self.line += 1;
        }
        flow
    }

    /// Reads more, after writing the answers of the lines so far.
    fn read_on(&mut self, runner: &mut Runner<'_>, has_known_end: bool, length: u64) -> Flow {
        if !self.input.is_ready() && runner.flush() == Flow::Stop {
            return Flow::Stop;
        }
        let read = self.input.read(&mut self.buffer).and_then(|read| has_room(&self.buffer).map(|()| read));
        runner.read_on(has_known_end, true);
        match read {
            Ok(read) => {
                self.end = read == 0;
                self.read += read as u64;
                progress::bytes(self.read, length);
            }
            Err(_) if interrupt::is_asked() => {}
            Err(error) => {
                let failure = Failure::io("read", Path::new(self.name), &error);
                runner.fail(failure, Origin::Script { name: self.name, line: self.line });
                self.end = true;
                self.buffer = Vec::new();
                self.splitter = reading::script();
            }
        }
        Flow::Next
    }
}

/// Fails if there is not enough memory for the copies of a long command on its way to the database: its words, its
/// arguments and its value.
fn has_room(command: &[u8]) -> io::Result<()> {
    const COPIES: usize = 4;
    check_memory(if command.len() < LARGE { 0 } else { COPIES * command.len() })
        .map_err(|_| ErrorKind::OutOfMemory.into())
}

/// Handles Ctrl-C: the lines that were run are kept, and the rest is not run.
fn interrupted(runner: &mut Runner<'_>, place: Origin<'_>) -> Flow {
    // A second Ctrl-C must not interrupt the write of those lines.
    interrupt::forget();
    let flow = runner.flush();
    interrupt::ask();
    if std::mem::replace(&mut runner.tally.was_cut_short, true) {
        return flow;
    }
    let failure = Failure { message: "interrupted; earlier lines took effect".to_owned(), ..Error::Interrupted.into() };
    runner.fail(failure, place);
    flow
}

/// Skips to the line after the next newline without keeping the input; true at the end.
fn skip_line(input: &mut dyn Input, buffer: &mut Vec<u8>) -> bool {
    loop {
        buffer.clear();
        match input.read(buffer) {
            Ok(read) if read > 0 => {
                if let Some(at) = memchr::memchr(b'\n', buffer) {
                    buffer.drain(..=at);
                    return false;
                }
            }
            _ => return true,
        }
    }
}
