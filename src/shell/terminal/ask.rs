//! A secret that is typed: read from the terminal itself, without echo, wherever stdin and stdout lead.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use super::interrupt;
use crate::error::Error;
use crate::shell::answer::reply::Failure;
use crate::value::Value;

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
    let read = Silent::begin(&tty, modes).and_then(|_silent| {
        (&tty).write_all(prompt.as_bytes())?;
        let read = line(&tty, &signals);
        // Its own line break was not echoed.
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

/// A terminal that shows nothing of what is typed, until it is dropped.
struct Silent<'t> {
    tty: &'t File,
    before: Termios,
}

impl<'t> Silent<'t> {
    fn begin(tty: &'t File, before: Termios) -> io::Result<Self> {
        let mut modes = before.clone();
        // Line by line the terminal would cut a line after 4 KiB.
        modes.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON);
        modes.local_modes.insert(LocalModes::ISIG);
        modes.special_codes[SpecialCodeIndex::VMIN] = 1;
        modes.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(tty, OptionalActions::Flush, &modes)?;
        Ok(Self { tty, before })
    }
}

impl Drop for Silent<'_> {
    fn drop(&mut self) {
        // What was typed ahead may be the rest of the secret, and is no command. A terminal that is gone has no modes.
        let _ = tcsetattr(self.tty, OptionalActions::Flush, &self.before);
    }
}

/// What was typed.
#[derive(Debug, PartialEq, Eq)]
enum SecretLine {
    Whole(Vec<u8>),
    GivenUp,
    TooLong,
    /// There is more after its end, as when several lines are pasted.
    Several,
}

fn line(tty: &File, signals: &Signals) -> io::Result<SecretLine> {
    let mut typed = Vec::new();
    let mut bytes = [0; 4096];
    loop {
        if !signals.wait_to_read(tty)? {
            return Ok(SecretLine::GivenUp);
        }
        let count = (&mut &*tty).read(&mut bytes)?;
        if count == 0 {
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

/// What a byte that was typed does.
#[derive(Debug, PartialEq, Eq)]
enum Edit {
    GoOn,
    End,
    GiveUp,
}

/// Takes in a byte: Backspace, Ctrl-U and Ctrl-D do what they do elsewhere.
fn edit(typed: &mut Vec<u8>, byte: u8) -> Edit {
    const END: u8 = 0x04;
    const KILL: u8 = 0x15;
    match byte {
        b'\r' | b'\n' => return Edit::End,
        END if typed.is_empty() => return Edit::GiveUp,
        END => return Edit::End,
        KILL => typed.clear(),
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

/// Signals that end the process, or at the prompt the command: the terminal gets its modes back before.
struct Signals {
    /// The one that came.
    caught: Arc<AtomicUsize>,
    /// Whether they end the process again.
    is_over: Arc<AtomicBool>,
}

impl Signals {
    /// Notes them from now on; where the prompt does that already, it goes on.
    fn listen() -> Self {
        let signals = Self { caught: Arc::default(), is_over: Arc::default() };
        if !interrupt::is_listening() {
            for (signal, number) in [(SIGINT, 2), (SIGTERM, 15), (SIGHUP, 1), (SIGQUIT, 3)] {
                // One that cannot be noted ends the process as before.
                let _ = signal_hook::flag::register_conditional_default(signal, Arc::clone(&signals.is_over));
                let _ = signal_hook::flag::register_usize(signal, Arc::clone(&signals.caught), number);
            }
        }
        signals
    }

    /// Waits for something to read; false once a signal came.
    fn wait_to_read(&self, tty: &File) -> io::Result<bool> {
        // A signal may come just before the wait begins.
        let often = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
        loop {
            if interrupt::is_asked() || self.caught.load(Ordering::SeqCst) > 0 {
                return Ok(false);
            }
            match rustix::event::poll(&mut [PollFd::new(tty, PollFlags::IN)], Some(&often)) {
                Ok(1..) => return Ok(true),
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// What came does now what it does.
    fn end(self) {
        self.is_over.store(true, Ordering::SeqCst);
        let caught = i32::try_from(self.caught.load(Ordering::SeqCst)).unwrap_or_default();
        if caught > 0 {
            // It does not come back from this.
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
        assert_eq!(edit(&mut Vec::new(), 0x04), Edit::GiveUp);
        assert_eq!(edit(&mut b"x".to_vec(), 0x04), Edit::End);
    }
}
