//! Reads a secret from the terminal itself, without echo, even if stdin and stdout are redirected.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use signal_hook::SigId;
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use super::interrupt;
use crate::error::Error;
use crate::shell::answer::reply::Failure;
use crate::value::Value;

/// The special code that no key has: `_POSIX_VDISABLE`.
const DISABLED: u8 = if cfg!(any(target_os = "linux", target_os = "android")) { 0 } else { 0xff };

/// The terminal of the process.
const TERMINAL: &str = "/dev/tty";

/// Reads one line without echo, after a prompt. Ctrl-C and Ctrl-D end it with [`Error::Interrupted`].
pub(crate) fn secret(prompt: &str) -> Result<Vec<u8>, Failure> {
    let Ok((tty, modes)) = open() else {
        return Err(Failure::usage(
            "--ask needs a terminal to ask on; without one use --env NAME (a variable) or --file - (stdin)",
        ));
    };
    let signals = Signals::listen();
    let read = Silent::begin(&tty, modes).and_then(|silent| {
        (&tty).write_all(prompt.as_bytes())?;
        let read = line(&silent, &signals);
        // The line break was not echoed.
        (&tty).write_all(b"\n")?;
        read
    });
    signals.end();
    match read {
        Ok(SecretLine::Whole(line)) => Ok(line),
        Ok(SecretLine::GivenUp) => Err(Error::Interrupted.into()),
        Ok(SecretLine::TooLong) => Err(Failure::usage("the value is longer than 512 MiB; nothing was set")),
        Ok(SecretLine::Several) => Err(Failure::usage(
            "the value has several lines, and --ask reads one; nothing was set. `--file PATH` and `--file -` take any value",
        )),
        Err(error) if error.kind() == ErrorKind::Interrupted => Err(Error::Interrupted.into()),
        Err(error) => Err(Failure::io("read from", TERMINAL.as_ref(), &error)),
    }
}

fn open() -> io::Result<(File, Termios)> {
    let tty = File::options().read(true).write(true).open(TERMINAL)?;
    let modes = tcgetattr(&tty)?;
    Ok((tty, modes))
}

/// A terminal with echo turned off, until it is dropped.
struct Silent<'t> {
    tty: &'t File,
    before: Termios,
    modes: Termios,
}

impl<'t> Silent<'t> {
    fn begin(tty: &'t File, before: Termios) -> io::Result<Self> {
        let mut modes = before.clone();
        // In line mode, the terminal would cut a line after 4 KiB.
        modes.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON);
        modes.local_modes.insert(LocalModes::ISIG);
        // A read must not wait: Ctrl-C discards what was typed, perhaps after it was found to be there.
        modes.special_codes[SpecialCodeIndex::VMIN] = 0;
        modes.special_codes[SpecialCodeIndex::VTIME] = 0;
        // Ctrl-Z is refused: the shell that resumes a job turns the echo on.
        modes.special_codes[SpecialCodeIndex::VSUSP] = DISABLED;
        tcsetattr(tty, OptionalActions::Flush, &modes)?;
        Ok(Self { tty, before, modes })
    }

    /// Turns echo off again after a signal has stopped the process.
    fn resume(&self) -> io::Result<()> {
        Ok(tcsetattr(self.tty, OptionalActions::Flush, &self.modes)?)
    }
}

impl Drop for Silent<'_> {
    fn drop(&mut self) {
        // Discards pending input, which may be the rest of the secret and must not run as a command. A closed terminal
        // has no modes.
        let _ = tcsetattr(self.tty, OptionalActions::Flush, &self.before);
    }
}

/// The input so far.
#[derive(Debug, PartialEq, Eq)]
enum SecretLine {
    Whole(Vec<u8>),
    GivenUp,
    TooLong,
    /// Input follows the end of the line, as when several lines are pasted.
    Several,
}

fn line(silent: &Silent<'_>, signals: &Signals) -> io::Result<SecretLine> {
    let tty = silent.tty;
    let mut typed = Vec::new();
    let mut bytes = [0; 4096];
    loop {
        let Some(events) = signals.wait_to_read(silent)? else { return Ok(SecretLine::GivenUp) };
        let count = (&mut &*tty).read(&mut bytes)?;
        // A closed terminal has nothing more, unlike one whose input was discarded.
        if count == 0 && events.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            return Ok(SecretLine::GivenUp);
        }
        for (at, &byte) in bytes[..count].iter().enumerate() {
            match edit(&mut typed, byte) {
                Edit::GoOn if typed.len() > Value::MAX_LEN => return Ok(SecretLine::TooLong),
                Edit::GoOn => {}
                Edit::GiveUp => return Ok(SecretLine::GivenUp),
                Edit::End if at + 1 < count || is_ready(tty) => return Ok(SecretLine::Several),
                Edit::End => return Ok(SecretLine::Whole(typed)),
            }
        }
    }
}

/// The effect of an input byte.
#[derive(Debug, PartialEq, Eq)]
enum Edit {
    GoOn,
    End,
    GiveUp,
}

/// Processes a byte; Backspace, Ctrl-U and Ctrl-D work as usual.
fn edit(typed: &mut Vec<u8>, byte: u8) -> Edit {
    const END: u8 = 0x04;
    const KILL: u8 = 0x15;
    const SUSPEND: u8 = 0x1a;
    match byte {
        b'\r' | b'\n' => return Edit::End,
        END if typed.is_empty() => return Edit::GiveUp,
        END => return Edit::End,
        KILL => typed.clear(),
        SUSPEND => {}
        0x08 | 0x7f => {
            // A whole character.
            while typed.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
        }
        byte => typed.push(byte),
    }
    Edit::GoOn
}

fn is_ready(tty: &File) -> bool {
    let mut fds = [PollFd::new(tty, PollFlags::IN)];
    rustix::event::poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ready| ready > 0)
}

/// Signals that end the process, or the command at the prompt: the modes of the terminal are restored first.
struct Signals {
    /// The signal that was received.
    caught: Arc<AtomicUsize>,
    /// Whether the process was stopped and continued.
    resumed: Arc<AtomicBool>,
    on_resume: Option<SigId>,
    /// Whether the signals end the process.
    is_over: Arc<AtomicBool>,
}

impl Signals {
    /// Catches the signals; if the prompt already does, its handlers stay.
    fn listen() -> Self {
        let resumed = Arc::default();
        // Without the handler, only a process that another one has stopped would echo.
        let on_resume = signal_hook::flag::register(SIGCONT, Arc::clone(&resumed)).ok();
        let signals = Self { caught: Arc::default(), resumed, on_resume, is_over: Arc::default() };
        if !interrupt::is_listening() {
            for (signal, number) in [(SIGINT, 2), (SIGTERM, 15), (SIGHUP, 1), (SIGQUIT, 3)] {
                // A signal that cannot be caught ends the process as before.
                let _ = signal_hook::flag::register_conditional_default(signal, Arc::clone(&signals.is_over));
                let _ = signal_hook::flag::register_usize(signal, Arc::clone(&signals.caught), number);
            }
        }
        signals
    }

    /// Waits for input, and returns the events; `None` after a signal.
    fn wait_to_read(&self, silent: &Silent<'_>) -> io::Result<Option<PollFlags>> {
        // A signal may come just before the wait begins.
        let often = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
        loop {
            if interrupt::is_asked() || self.caught.load(Ordering::SeqCst) > 0 {
                return Ok(None);
            }
            if self.resumed.swap(false, Ordering::SeqCst) {
                silent.resume()?;
            }
            let mut fds = [PollFd::new(silent.tty, PollFlags::IN)];
            match rustix::event::poll(&mut fds, Some(&often)) {
                Ok(1..) => return Ok(Some(fds[0].revents())),
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Lets the received signal take its effect.
    fn end(self) {
        self.on_resume.map(signal_hook::low_level::unregister);
        self.is_over.store(true, Ordering::SeqCst);
        let caught = i32::try_from(self.caught.load(Ordering::SeqCst)).unwrap_or_default();
        if caught > 0 {
            // This does not return.
            let _ = signal_hook::low_level::emulate_default_handler(caught);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backspace_takes_a_character_and_ctrl_u_all_of_them() {
        let typed = |keys: &str| {
            let mut typed = Vec::new();
            let ends: Vec<Edit> = keys.bytes().map(|key| edit(&mut typed, key)).collect();
            assert!(ends.iter().all(|end| *end == Edit::GoOn), "{keys:?}");
            String::from_utf8(typed).unwrap()
        };
        assert_eq!(typed("ab\x7fc"), "ac");
        assert_eq!(typed("aé\x7f\x08\x08x"), "x");
        assert_eq!(typed("old\x15new"), "new");
        assert_eq!(typed("a\x1ab"), "ab");
        assert_eq!(edit(&mut Vec::new(), 0x04), Edit::GiveUp);
        assert_eq!(edit(&mut b"x".to_vec(), 0x04), Edit::End);
    }
}
