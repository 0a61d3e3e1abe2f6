//! Ctrl-C: a request that running work checks for, instead of the end of the process. TERM, HUP and QUIT at the prompt:
//! the session ends within a second, and the terminal is restored.
//!
//! The handler of Ctrl-C must be set before the line editor is created, which restores the previous handler after each
//! line.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::error::Error;

static ASKED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Whether SIGINT is only recorded.
static LISTENING: AtomicBool = AtomicBool::new(false);

/// Whether the session is about to end.
static ENDING: AtomicBool = AtomicBool::new(false);

static WORK: Mutex<Work> = Mutex::new(Work { under_way: false, child: None });

/// A command has ended.
static DONE: Condvar = Condvar::new();

/// Work that the end of the session has to wait for.
struct Work {
    under_way: bool,
    /// Another program that has the terminal.
    child: Option<Pid>,
}

fn flag() -> &'static Arc<AtomicBool> {
    ASKED.get_or_init(Arc::default)
}

fn work() -> MutexGuard<'static, Work> {
    WORK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on, SIGINT is recorded and does not end the process.
pub(crate) fn listen() -> io::Result<()> {
    LISTENING.store(true, Ordering::SeqCst);
    signal_hook::flag::register(SIGINT, Arc::clone(flag())).map(drop)
}

/// Whether SIGINT is only recorded.
pub(crate) fn is_listening() -> bool {
    LISTENING.load(Ordering::SeqCst)
}

/// Clears a request to stop, at the start of a command. A request to end the session stays.
pub(crate) fn forget() {
    flag().store(ENDING.load(Ordering::SeqCst), Ordering::SeqCst);
}

/// Requests a stop, like Ctrl-C.
pub(crate) fn ask() {
    flag().store(true, Ordering::SeqCst);
}

/// Whether a stop was requested.
pub(crate) fn is_asked() -> bool {
    flag().load(Ordering::Relaxed)
}

/// Fails if a stop was requested.
pub(crate) fn check() -> Result<(), Error> {
    if is_asked() { Err(Error::Interrupted) } else { Ok(()) }
}

/// From now on, TERM, HUP and QUIT end the session: the running command is asked to stop and given a moment to do so,
/// the terminal is restored, and the process ends by that signal.
pub(crate) fn leave_on_signals() -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGHUP, SIGQUIT])?;
    let modes = tcgetattr(io::stdin()).ok();
    let wait = move || {
        if let Some(signal) = signals.forever().next() {
            end(signal, modes.as_ref());
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(wait).map(drop)
}

fn end(signal: i32, modes: Option<&Termios>) {
    /// A command that does not stop in time is cut short, which is safe: acknowledged changes are stored.
    const LONGEST: Duration = Duration::from_millis(600);
    ENDING.store(true, Ordering::SeqCst);
    flag().store(true, Ordering::SeqCst);
    let work = work();
    if let Some(child) = work.child {
        // The other program restores the terminal itself. It may have exited in between.
        let _ = kill_process(child, Signal::TERM);
    }
    // Held to the end, so that nothing new begins.
    let work = DONE.wait_timeout_while(work, LONGEST, |work| work.under_way);
    if let Some(modes) = modes {
        leave_terminal(modes);
    }
    // This does not return unless the system misbehaves.
    let _ = signal_hook::low_level::emulate_default_handler(signal);
    drop(work);
}

/// Restores the terminal and starts a new line, unless the terminal is closed or does not accept output.
fn leave_terminal(modes: &Termios) {
    if tcsetattr(io::stdin(), OptionalActions::Now, modes).is_err() {
        return;
    }
    let stdout = io::stdout();
    let takes = || {
        let mut fds = [PollFd::new(&stdout, PollFlags::OUT)];
        rustix::event::poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ready| ready > 0)
    };
    if takes() {
        // Bracketed paste is the only thing besides the modes that the editor turns on.
        let text: &[u8] =
            if std::env::var_os("TERM").is_some_and(|term| term != "dumb") { b"\x1b[?2004l\n" } else { b"\n" };
        // Bypasses the lock of stdout, which a thread waiting for the terminal may hold.
        let _ = rustix::io::write(&stdout, text);
    }
}

/// Runs a command; the end of the session waits for it.
pub(crate) fn while_working<T>(run: impl FnOnce() -> T) -> T {
    work().under_way = true;
    let made = run();
    work().under_way = false;
    DONE.notify_all();
    made
}

/// Marks the terminal as used by another program, until the guard is dropped.
pub(crate) fn lend_terminal(id: u32) -> Lent {
    work().child = i32::try_from(id).ok().and_then(Pid::from_raw);
    Lent { modes: tcgetattr(io::stdin()).ok() }
}

/// Runs a program that has the terminal until it exits.
pub(crate) fn run_lent(command: &mut Command) -> io::Result<ExitStatus> {
    let mut child = command.spawn()?;
    let lent = lend_terminal(child.id());
    let status = child.wait();
    drop(lent);
    // Ctrl-C was meant for the program.
    forget();
    status
}

/// The terminal while a program has it. Its modes are restored afterwards, because the program may have been killed.
#[derive(Debug)]
pub(crate) struct Lent {
    modes: Option<Termios>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        work().child = None;
        if let Some(modes) = &self.modes {
            // A closed terminal has no modes.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, modes);
        }
    }
}

/// Called when the session is about to end because the terminal is closed: if it was hung up, the corresponding signal
/// is on its way, and the process must end by it.
pub(crate) fn wait_for_hangup() {
    let is_gone = tcgetattr(io::stdin()).is_err();
    if is_gone || is_ending() {
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// Whether the session is about to be ended by a signal.
pub(crate) fn is_ending() -> bool {
    ENDING.load(Ordering::SeqCst)
}

/// Opens a file without waiting for the other end of a FIFO, which would block the prompt. Reads and writes block as
/// usual.
pub(crate) fn open_at_once(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let file = options.custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path)?;
    fcntl_setfl(&file, fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
    Ok(file)
}

/// Waits for input, until a stop is requested.
pub(crate) fn wait_to_read(file: &impl AsFd) -> io::Result<()> {
    // A signal may come just before the wait begins.
    let often = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
    let timeout = is_listening().then_some(&often);
    loop {
        if is_asked() {
            return Err(ErrorKind::Interrupted.into());
        }
        match rustix::event::poll(&mut [PollFd::new(file, PollFlags::IN)], timeout) {
            Ok(1..) => return Ok(()),
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Waits until output is possible.
pub(crate) fn wait_to_write(file: &impl AsFd) -> io::Result<()> {
    let often = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
    let timeout = is_listening().then_some(&often);
    loop {
        match rustix::event::poll(&mut [PollFd::new(file, PollFlags::OUT)], timeout) {
            Ok(1..) => return Ok(()),
            Ok(0) | Err(rustix::io::Errno::INTR) if is_asked() => return Err(ErrorKind::Interrupted.into()),
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// An iterator that ends with an error as soon as a stop is requested.
pub(crate) struct Stoppable<I> {
    items: Option<I>,
    count: u64,
    /// Receives the number of items now and then.
    tell: fn(u64),
}

/// See [`Stoppable`].
pub(crate) fn stoppable<I>(items: I, tell: fn(u64)) -> Stoppable<I> {
    Stoppable { items: Some(items), count: 0, tell }
}

impl<I> Stoppable<I> {
    /// The number of items between two checks.
    const EACH: u64 = 64;

    fn pull<T>(&mut self, next: impl FnOnce(&mut I) -> Option<Result<T, Error>>) -> Option<Result<T, Error>> {
        let items = self.items.as_mut()?;
        self.count += 1;
        if self.count.is_multiple_of(Self::EACH) {
            (self.tell)(self.count);
            if is_asked() {
                self.items = None;
                return Some(Err(Error::Interrupted));
            }
        }
        next(items)
    }
}

impl<T, I: Iterator<Item = Result<T, Error>>> Iterator for Stoppable<I> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.pull(Iterator::next)
    }
}

impl<T, I: DoubleEndedIterator<Item = Result<T, Error>>> DoubleEndedIterator for Stoppable<I> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.pull(DoubleEndedIterator::next_back)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_through_from_both_ends_and_the_caller_is_told_how_many() {
        use std::sync::atomic::AtomicU64;
        static TOLD: AtomicU64 = AtomicU64::new(0);
        let items = |count: i32| stoppable((0..count).map(Ok), |count| TOLD.store(count, Ordering::SeqCst));
        assert_eq!(items(200).collect::<Result<Vec<_>, _>>().unwrap(), (0..200).collect::<Vec<_>>());
        assert_eq!(TOLD.load(Ordering::SeqCst), 192);
        let back: Vec<i32> = items(100).rev().map(Result::unwrap).collect();
        assert_eq!(back, (0..100).rev().collect::<Vec<_>>());
    }
}
