//! Scripts: commands from a file or a pipe, read as bytes in chunks, so that whoever writes them line by line is answered
//! line by line.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::FileType;

use super::runner::{Flow, Place, Runner};
use crate::error::Error;
use crate::shell::answer::reply::Failure;
use crate::shell::language::reading;
use crate::shell::terminal::interrupt;
use crate::shell::terminal::progress;
use crate::shell::text::caret::{Blame, Typed};
use crate::shell::text::words::{Open, Step};
use crate::shell::transfer;
use crate::storage::{LARGE, check_memory};
use crate::value::Value;

/// What a script is read from.
pub(crate) trait Input {
    /// Appends a chunk; nothing at the end. Waits if need be.
    fn read(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize>;
    /// Whether reading would not wait.
    fn is_ready(&self) -> bool;
    /// Whether it is a file, which nobody writes to line by line.
    fn has_known_end(&self) -> bool;
    /// How long it is, if it is a file; else 0.
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
        // A read goes on after a signal, a wait does not.
        let mut waits = interrupt::is_listening();
        let read = loop {
            let ready = if waits { interrupt::wait_to_read(&self.0) } else { Ok(()) };
            match ready.and_then(|()| self.0.read(&mut buffer[start..])) {
                // Somebody has made it non-blocking.
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

/// Whether reading a file would not wait.
pub(crate) fn is_ready(file: &impl AsFd) -> bool {
    let mut fds = [PollFd::new(file, PollFlags::IN)];
    // A poll that fails says nothing; taking it for "would wait" only means one write more.
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

/// Opens a file for reading. Who opens a FIFO waits for somebody who writes; where Ctrl-C is only noted, it ends that too.
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

/// Runs a whole script, whose lines are named `name:line` in messages.
pub(crate) fn run(runner: &mut Runner<'_>, input: &mut dyn Input, name: &str) -> Flow {
    let folder = runner.folder.take();
    let flow = run_lines(runner, input, name);
    runner.folder = folder;
    flow
}

/// Runs the script in a file; what it names by `source` lies beside it.
pub(crate) fn run_file(runner: &mut Runner<'_>, input: &mut dyn Input, path: &Path, name: &str) -> Flow {
    // Beside a pipe, such as `/dev/fd/63`, lies nothing.
    let own = path.parent().filter(|_| input.has_known_end()).map(Path::to_owned);
    let folder = std::mem::replace(&mut runner.folder, own);
    let flow = run_lines(runner, input, name);
    runner.folder = folder;
    flow
}

/// Runs the script that a command at `place` names.
pub(crate) fn source(runner: &mut Runner<'_>, file: &Path, place: Place<'_>) -> Flow {
    const DEEPEST: usize = 16;
    if runner.depth == DEEPEST {
        return runner.fail(Failure::usage(format!("`source` nests deeper than {DEEPEST} files")), place);
    }
    let file = match (&runner.folder, place) {
        (Some(folder), Place::Script { .. }) => &folder.join(file),
        _ => file,
    };
    match open(file) {
        Ok(mut input) => {
            runner.depth += 1;
            progress::begin("Loading");
            let before = runner.lines;
            let flow = run_file(runner, &mut input, file, &file.to_string_lossy());
            progress::end();
            runner.depth -= 1;
            // Scripts that run others say it once.
            let was_cut_short = place == Place::Prompt && std::mem::take(&mut runner.was_cut_short);
            // `-o json` owes every command a line, also one whose file holds none.
            match flow {
                // Ctrl-C may have come too late to cut anything.
                Flow::Next if place == Place::Prompt && !was_cut_short => runner.ran(runner.lines - before),
                Flow::Next => runner.sourced(runner.lines - before, place),
                flow => flow,
            }
        }
        Err(failure) => runner.fail(failure, place),
    }
}

/// Runs what was typed or pasted at the prompt, which is so many columns wide. After Ctrl-C the rest of it is not run.
pub(crate) fn run_typed(runner: &mut Runner<'_>, text: &str, prompt: usize) -> Flow {
    let mut splitter = reading::prompt();
    let room = runner.console.look.width;
    let mut rest = text;
    while !rest.is_empty() {
        let step = splitter.step(rest.as_bytes(), true);
        let (Step::Command { consumed, .. } | Step::Error { consumed, .. }) = step else { break };
        let (line, behind) = rest.split_at(consumed);
        // What stands in the rows below a word that has gone on there belongs to it.
        let goes_on = matches!(&step, Step::Error { through, .. } if *through > consumed);
        let is_all = line.trim() == text.trim();
        let start = Instant::now();
        runner.read_on(true, false);
        let flow = match step {
            Step::Command { words, .. } => {
                let typed = Typed::new(line, &words, prompt, room, is_all);
                match runner.typed(&words, typed) {
                    Flow::Source(file) => source(runner, &file, Place::Prompt),
                    flow => flow,
                }
            }
            Step::Error { error, .. } => {
                let end = line[error.at..].find('\n').map_or(line.len(), |newline| error.at + newline);
                let typed = Typed::new(line, &[], prompt, room, is_all);
                let failure = Failure { code: "syntax", ..Failure::usage(error.message) };
                runner.mistyped(failure, Blame::Span(error.at..end), typed)
            }
            Step::More(_) => break,
        };
        runner.took(start);
        if flow == Flow::Stop {
            runner.flush();
            return Flow::Stop;
        }
        if goes_on || interrupt::is_asked() {
            break;
        }
        rest = behind;
    }
    runner.flush()
}

fn run_lines(runner: &mut Runner<'_>, input: &mut dyn Input, name: &str) -> Flow {
    /// A value of the largest size, and the command around it.
    const LONGEST: usize = Value::MAX_LEN + (1 << 20);
    let place = |line| Place::Script { name, line };
    let mut buffer = Vec::new();
    let mut splitter = reading::script();
    let (mut start, mut line, mut end) = (0, 1, false);
    let has_known_end = input.has_known_end();
    let (mut read_in_all, length) = (0, input.length());
    loop {
        if interrupt::is_asked() {
            return interrupted(runner, place(line));
        }
        match splitter.step(&buffer[start..], end) {
            Step::Command { words, consumed, lines } => {
                if end && start == buffer.len() {
                    return runner.flush();
                }
                let place = place(line);
                start += consumed;
                line += lines;
                runner.lines += u64::from(!words.is_empty());
                let flow = match runner.words(&words, place) {
                    Flow::Source(file) => source(runner, &file, place),
                    flow => flow,
                };
                if flow == Flow::Stop {
                    runner.flush();
                    return Flow::Stop;
                }
            }
            Step::Error { error, consumed, lines, .. } => {
                let at = line + lines.saturating_sub(1);
                start += consumed;
                line += lines;
                if runner.fail(Failure { code: "syntax", ..Failure::usage(error.message) }, place(at)) == Flow::Stop {
                    runner.flush();
                    return Flow::Stop;
                }
            }
            Step::More(open) => {
                buffer.drain(..start);
                start = 0;
                if buffer.len() > LONGEST {
                    let what = if matches!(open, Open::Line) {
                        "the line"
                    } else {
                        "the quoted text or JSON that begins here"
                    };
                    let failure =
                        Failure::usage(format!("{what} is longer than 513 MiB; `set KEY --file PATH` takes any value"));
                    if runner.fail(failure, place(line)) == Flow::Stop {
                        runner.flush();
                        return Flow::Stop;
                    }
                    line += memchr::memchr_iter(b'\n', &buffer).count();
                    splitter = reading::script();
                    end = skip_line(input, &mut buffer);
                    line += 1;
                    continue;
                }
                if !input.is_ready() && runner.flush() == Flow::Stop {
                    return Flow::Stop;
                }
                let read = input.read(&mut buffer).and_then(|read| has_room(&buffer).map(|()| read));
                runner.read_on(has_known_end, true);
                match read {
                    Ok(read) => {
                        end = read == 0;
                        read_in_all += read as u64;
                        progress::bytes(read_in_all, length);
                    }
                    Err(_) if interrupt::is_asked() => {}
                    Err(error) => {
                        runner.fail(Failure::io("read", Path::new(name), &error), place(line));
                        end = true;
                        buffer = Vec::new();
                        splitter = reading::script();
                    }
                }
            }
        }
    }
}

/// Fails if there is not enough memory for what becomes of a long command on its way to the database: its words, the
/// arguments that they are, and the value.
fn has_room(command: &[u8]) -> io::Result<()> {
    const COPIES: usize = 4;
    check_memory(if command.len() < LARGE { 0 } else { COPIES * command.len() })
        .map_err(|_| ErrorKind::OutOfMemory.into())
}

/// Ctrl-C: what was run is kept, and the rest is not run.
fn interrupted(runner: &mut Runner<'_>, place: Place<'_>) -> Flow {
    // A second Ctrl-C would be meant for what was run.
    interrupt::forget();
    let flow = runner.flush();
    interrupt::ask();
    if std::mem::replace(&mut runner.was_cut_short, true) {
        return flow;
    }
    let failure = Failure { message: "interrupted; the lines before are done".to_owned(), ..Error::Interrupted.into() };
    runner.fail(failure, place);
    flow
}

/// Reads on behind the next newline without keeping what is before it; true at the end of the input.
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
