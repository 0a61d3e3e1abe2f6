//! Scripts: commands from a file or a pipe, read as bytes in chunks, so that whoever writes them line by line is answered
//! line by line.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::AsFd;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::FileType;

use super::reply::Failure;
use super::runner::{Flow, Place, Runner};
use super::words::{Open, Splitter, Step};
use crate::value::Value;

/// What a script is read from.
pub(crate) trait Input {
    /// Appends a chunk; nothing at the end. Waits if need be.
    fn read(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize>;
    /// Whether reading would not wait.
    fn is_ready(&self) -> bool;
    /// Whether it is a file, which nobody writes to line by line.
    fn has_known_end(&self) -> bool;
}

/// A file, a pipe or a terminal.
pub(crate) struct Stream<F>(F);

impl<F: Read + AsFd> Input for Stream<F> {
    fn read(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        const CHUNK: usize = 64 << 10;
        let start = buffer.len();
        buffer.resize(start + CHUNK, 0);
        let read = loop {
            match self.0.read(&mut buffer[start..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.wait()?,
                read => break read,
            }
        };
        buffer.truncate(start + read.as_ref().copied().unwrap_or(0));
        read
    }

    fn is_ready(&self) -> bool {
        let mut fds = [PollFd::new(&self.0, PollFlags::IN)];
        // A poll that fails says nothing; taking it for "would wait" only means one write more.
        rustix::event::poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ready| ready > 0)
    }

    fn has_known_end(&self) -> bool {
        rustix::fs::fstat(&self.0).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile)
    }
}

impl<F: Read + AsFd> Stream<F> {
    /// Waits on a descriptor that somebody has made non-blocking.
    fn wait(&self) -> io::Result<()> {
        let mut fds = [PollFd::new(&self.0, PollFlags::IN)];
        match rustix::event::poll(&mut fds, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Text that is there already: a block that was pasted at the prompt.
pub(crate) struct Text<'a>(pub(crate) &'a [u8]);

impl Input for Text<'_> {
    fn read(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        buffer.extend_from_slice(self.0);
        Ok(std::mem::take(&mut self.0).len())
    }

    fn is_ready(&self) -> bool {
        true
    }

    fn has_known_end(&self) -> bool {
        true
    }
}

/// Opens a script.
pub(crate) fn open(path: &Path) -> Result<Stream<File>, Failure> {
    let opened = File::open(path)
        .and_then(|file| if file.metadata()?.is_dir() { Err(ErrorKind::IsADirectory.into()) } else { Ok(file) });
    opened.map(Stream).map_err(|error| Failure::io("open", path, &error))
}

/// The process's stdin as a script.
pub(crate) fn stdin() -> Stream<impl Read + AsFd> {
    Stream(io::stdin().lock())
}

/// Runs a whole script, whose lines are named `name:line` in messages.
pub(crate) fn run(runner: &mut Runner<'_>, input: &mut dyn Input, name: &str) -> Flow {
    let name = if name == "-" { "stdin" } else { name };
    run_lines(runner, input, name, &|line| Place::Script { name, line })
}

/// Runs the script that a command at `place` names.
pub(crate) fn source(runner: &mut Runner<'_>, file: &Path, place: Place<'_>) -> Flow {
    const DEEPEST: usize = 16;
    if runner.depth == DEEPEST {
        return runner.fail(Failure::usage(format!("`source` nests deeper than {DEEPEST} files")), place);
    }
    match open(file) {
        Ok(mut input) => {
            runner.depth += 1;
            let flow = run(runner, &mut input, &file.to_string_lossy());
            runner.depth -= 1;
            // `-o json` owes every command a line, also one whose file holds none.
            if flow == Flow::Next { runner.done(place) } else { flow }
        }
        Err(failure) => runner.fail(failure, place),
    }
}

/// Runs what was typed or pasted at the prompt.
pub(crate) fn run_typed(runner: &mut Runner<'_>, text: &str) -> Flow {
    run_lines(runner, &mut Text(text.as_bytes()), "", &|_| Place::Prompt)
}

fn run_lines<'p>(
    runner: &mut Runner<'_>,
    input: &mut dyn Input,
    name: &str,
    place: &dyn Fn(usize) -> Place<'p>,
) -> Flow {
    /// A value of the largest size, and the command around it.
    const LONGEST: usize = Value::MAX_LEN + (1 << 20);
    let mut buffer = Vec::new();
    let mut splitter = Splitter::new();
    let (mut start, mut line, mut end) = (0, 1, false);
    let has_known_end = input.has_known_end();
    loop {
        match splitter.step(&buffer[start..], end) {
            Step::Command { words, consumed, lines } => {
                if end && start == buffer.len() {
                    return runner.flush();
                }
                let place = place(line);
                start += consumed;
                line += lines;
                let flow = match runner.words(&words, place) {
                    Flow::Source(file) => source(runner, &file, place),
                    flow => flow,
                };
                if flow == Flow::Stop {
                    runner.flush();
                    return Flow::Stop;
                }
            }
            Step::Error { error, consumed, lines } => {
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
                    splitter = Splitter::new();
                    end = skip_line(input, &mut buffer);
                    line += 1;
                    continue;
                }
                if !input.is_ready() && runner.flush() == Flow::Stop {
                    return Flow::Stop;
                }
                let read = input.read(&mut buffer);
                runner.read_on(has_known_end, matches!(place(line), Place::Script { .. }));
                match read {
                    Ok(read) => end = read == 0,
                    Err(error) => {
                        runner.fail(Failure::io("read", Path::new(name), &error), place(line));
                        end = true;
                        buffer.clear();
                    }
                }
            }
        }
    }
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
