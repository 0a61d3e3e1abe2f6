//! A person at a terminal: a pseudo-terminal with the program on it, and what it shows.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

pub(crate) use rexpect::process::Signal;
use rexpect::process::{PtyProcess, WaitStatus};
use rustix::termios::{LocalModes, OptionalActions, Winsize, tcgetattr, tcgetsid, tcsetattr, tcsetwinsize};

use crate::process::{EXPIRY, is_waiting, wait_until};

const PROGRAM: &str = env!("CARGO_BIN_EXE_rusty-kv");

pub(crate) const CTRL_C: &str = "\x03";
pub(crate) const CTRL_D: &str = "\x04";
pub(crate) const ENTER: &str = "\r";
pub(crate) const TAB: &str = "\t";
pub(crate) const UP: &str = "\x1b[A";
pub(crate) const DOWN: &str = "\x1b[B";
pub(crate) const ALT_ENTER: &str = "\x1b\r";

/// A home directory of its own, and what runs in it.
pub(crate) struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        let home = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(home.path("work")).unwrap();
        home
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Writes a file, and the folders it is in.
    pub(crate) fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        File::create(path).unwrap().write_all(bytes.as_ref()).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap()
    }

    /// Waits until the program reads the FIFO.
    #[track_caller]
    pub(crate) fn fifo_is_read(&self) {
        wait_until("the FIFO is open", || is_open_elsewhere(&self.path("fifo")));
    }

    /// A FIFO, and this test at its other end: whoever reads from it waits.
    pub(crate) fn fifo(&self) -> File {
        assert!(Command::new("mkfifo").arg(self.path("fifo")).status().unwrap().success());
        File::options().read(true).write(true).open(self.path("fifo")).unwrap()
    }

    /// Runs the program without a terminal.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.inside(PROGRAM).args(args).output().unwrap()
    }

    pub(crate) fn get(&self, key: &str) -> String {
        String::from_utf8(self.run(&["get", key]).stdout).unwrap()
    }

    /// At the prompt, on a terminal of 80 columns.
    pub(crate) fn at_prompt(&self) -> Terminal {
        self.terminal().at_prompt()
    }

    pub(crate) fn terminal(&self) -> Start<'_> {
        Start { home: self, rows: 24, columns: 80, args: Vec::new(), env: Vec::new(), shell: "exec \"$@\"" }
    }

    fn inside(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("HOME", self.folder.path()).current_dir(self.path("work"));
        command.env("XDG_CONFIG_HOME", self.path("config")).env("XDG_STATE_HOME", self.path("state"));
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("TERM", "xterm-256color");
        command
    }
}

/// How a session is started.
pub(crate) struct Start<'h> {
    home: &'h Home,
    rows: u16,
    columns: u16,
    args: Vec<String>,
    env: Vec<(String, String)>,
    shell: &'static str,
}

impl Start<'_> {
    pub(crate) fn rows(self, rows: u16) -> Self {
        Self { rows, ..self }
    }

    pub(crate) fn columns(self, columns: u16) -> Self {
        Self { columns, ..self }
    }

    /// How `sh` runs the program, which is `"$@"` to it.
    pub(crate) fn through(self, shell: &'static str) -> Self {
        Self { shell, ..self }
    }

    pub(crate) fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.to_owned());
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<Path>) -> Self {
        self.env.push((name.to_owned(), value.as_ref().to_str().unwrap().to_owned()));
        self
    }

    /// Starts the program and waits for its prompt.
    pub(crate) fn at_prompt(self) -> Terminal {
        let terminal = self.start();
        terminal.wait("the first prompt", |seen| seen.prompts() == 1 && seen.is_at_prompt());
        terminal
    }

    pub(crate) fn start(self) -> Terminal {
        // The program must not see the terminal before it has its size: a shell waits for a line first. It is ready when
        // nothing is echoed any more.
        let mut command = self.home.inside("sh");
        let shell = format!("echo ready; read go; {}", self.shell);
        command.args(["-c", &shell, "sh", PROGRAM]).args(&self.args).envs(self.env);
        let process = PtyProcess::new(command).unwrap();
        let input = process.get_file_handle().unwrap();
        tcsetwinsize(&input, Winsize { ws_row: self.rows, ws_col: self.columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let size = |number| NonZeroU16::new(number).unwrap();
        let blank = || Seen { raw: Vec::new(), screen: vt100::Parser::new(size(self.rows), size(self.columns), 0) };
        let shown = Arc::new((Mutex::new(blank()), Condvar::new()));
        let mut output = process.get_file_handle().unwrap();
        let also = Arc::clone(&shown);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // An error is the end of the program.
            while let Ok(1..) = output.read(&mut bytes).inspect(|&read| {
                let mut seen = also.0.lock().unwrap();
                seen.raw.extend_from_slice(&bytes[..read]);
                seen.screen.process(&bytes[..read]);
                also.1.notify_all();
            }) {}
        });
        let terminal = Terminal { process, input, shown };
        terminal.wait("the shell", |seen| seen.raw == b"ready\r\n");
        *terminal.shown.0.lock().unwrap() = blank();
        (&terminal.input).write_all(b"\n").unwrap();
        terminal
    }
}

/// What the terminal was sent.
pub(crate) struct Seen {
    pub(crate) raw: Vec<u8>,
    screen: vt100::Parser,
}

impl Seen {
    /// The lines as a person reads them, without blanks at their ends: rows that the terminal broke are one line.
    pub(crate) fn lines(&self) -> Vec<String> {
        let screen = self.screen.screen();
        let mut lines = vec![String::new()];
        for (number, row) in (0..).zip(screen.rows(0, screen.size().1.get())) {
            lines.last_mut().unwrap().push_str(&row);
            if !screen.row_wrapped(number) {
                lines.push(String::new());
            }
        }
        lines.iter().map(|line| line.trim_end().to_owned()).collect()
    }

    /// The rows of the screen, without blanks at their ends.
    pub(crate) fn rows(&self) -> Vec<String> {
        let screen = self.screen.screen();
        screen.rows(0, screen.size().1.get()).map(|row| row.trim_end().to_owned()).collect()
    }

    pub(crate) fn text(&self) -> String {
        self.lines().join("\n").trim_end().to_owned()
    }

    /// The row of the cursor up to it, blanks included.
    pub(crate) fn before_cursor(&self) -> String {
        let (row, column) = self.screen.screen().cursor_position();
        let text = self.screen.screen().contents_between(row, 0, row, column);
        let missing = usize::from(column).saturating_sub(text.chars().count());
        text + &" ".repeat(missing)
    }

    /// The row of the cursor, without blanks at its end.
    pub(crate) fn cursor_row(&self) -> String {
        let screen = self.screen.screen();
        let (row, _) = screen.cursor_position();
        screen.contents_between(row, 0, row, screen.size().1.get()).trim_end().to_owned()
    }

    /// The cells of an ASCII text in the row of the cursor, behind the prompt `kv> `.
    pub(crate) fn cells_of(&self, text: &str) -> impl Iterator<Item = &vt100::Cell> {
        let row = self.screen.screen().cursor_position().0;
        let start = 4 + self.cursor_row()[4..].find(text).unwrap();
        (start..start + text.len())
            .map(move |column| self.screen.screen().cell(row, u16::try_from(column).unwrap()).unwrap())
    }

    /// How often the editor has begun to read a line: it turns bracketed paste on.
    pub(crate) fn prompts(&self) -> usize {
        self.raw.windows(8).filter(|bytes| bytes == b"\x1b[?2004h").count()
    }

    pub(crate) fn is_at_prompt(&self) -> bool {
        self.before_cursor().ends_with("> ")
    }

    /// The colour of the prompt in the row of the cursor.
    pub(crate) fn prompt_color(&self) -> vt100::Color {
        let (row, _) = self.screen.screen().cursor_position();
        self.screen.screen().cell(row, 0).unwrap().fgcolor()
    }
}

/// A running session.
pub(crate) struct Terminal {
    process: PtyProcess,
    input: File,
    shown: Arc<(Mutex<Seen>, Condvar)>,
}

impl Terminal {
    /// Presses keys.
    pub(crate) fn press(&mut self, keys: impl AsRef<[u8]>) {
        self.input.write_all(keys.as_ref()).unwrap();
    }

    /// Enters a line and waits until the next prompt, or question, is there.
    pub(crate) fn enter(&mut self, line: &str) {
        let before = self.look(Seen::prompts);
        self.press(line);
        self.press(ENTER);
        self.wait(line, |seen| seen.prompts() > before && !seen.before_cursor().is_empty());
    }

    /// Presses Ctrl-C and waits until the next prompt is there.
    pub(crate) fn cancel(&mut self) {
        let before = self.look(Seen::prompts);
        self.press(CTRL_C);
        self.wait("a new prompt", |seen| seen.prompts() > before && seen.before_cursor().ends_with("> "));
    }

    /// Presses keys and waits until the row of the cursor, up to it, is this.
    pub(crate) fn press_until(&mut self, keys: &str, before_cursor: &str) {
        self.press(keys);
        self.wait(before_cursor, |seen| seen.before_cursor() == before_cursor);
    }

    /// Waits until the screen holds a text, whose rows may end at any of its blanks.
    #[track_caller]
    pub(crate) fn shows(&self, text: &str) {
        self.wait(text, |seen| holds(&seen.text(), text));
    }

    /// The screen as it is.
    pub(crate) fn text(&self) -> String {
        self.look(Seen::text)
    }

    pub(crate) fn look<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.shown.0.lock().unwrap())
    }

    /// Waits until something is to be seen.
    #[track_caller]
    pub(crate) fn wait(&self, what: &str, until: impl Fn(&Seen) -> bool) {
        let (seen, changed) = &*self.shown;
        let (seen, timeout) = changed.wait_timeout_while(seen.lock().unwrap(), EXPIRY, |seen| !until(seen)).unwrap();
        let (text, cursor) = (seen.text(), seen.before_cursor());
        drop(seen);
        assert!(!timeout.timed_out(), "waited for {what:?}; cursor behind {cursor:?} on this screen:\n{text}\n");
    }

    /// Leaves by Ctrl-D; returns the status.
    pub(crate) fn leave(mut self) -> i32 {
        self.press(CTRL_D);
        self.status()
    }

    /// Sends the program a signal.
    pub(crate) fn send(&mut self, signal: Signal) {
        self.process.signal(signal).unwrap();
    }

    /// Waits until a command has the terminal, and waits itself.
    #[track_caller]
    pub(crate) fn is_under_way(&self) {
        wait_until("a command under way", || self.has_its_modes());
        let pid = tcgetsid(&self.input).unwrap().as_raw_nonzero().get().cast_unsigned();
        wait_until("it waits", || is_waiting(pid));
    }

    /// Has the terminal show what is typed into the command that is under way.
    pub(crate) fn echoes(&self) {
        let mut modes = tcgetattr(&self.input).unwrap();
        modes.local_modes |= LocalModes::ECHO | LocalModes::ECHOCTL;
        tcsetattr(&self.input, OptionalActions::Now, &modes).unwrap();
    }

    /// Whether the terminal edits lines and knows Ctrl-C by itself, as it does where no program has other wishes.
    pub(crate) fn has_its_modes(&self) -> bool {
        let modes = tcgetattr(&self.input).unwrap().local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ISIG)
    }

    /// The signal that the program is about to end by, once it has.
    #[track_caller]
    pub(crate) fn signal(&self) -> Signal {
        let start = Instant::now();
        loop {
            match self.process.status() {
                Some(WaitStatus::Signaled(_, signal, _)) => return signal,
                Some(WaitStatus::StillAlive) if start.elapsed() < EXPIRY => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                other => panic!("{other:?}, with this screen:\n{}\n", self.text()),
            }
        }
    }

    /// The status of the program, which is about to end.
    pub(crate) fn status(self) -> i32 {
        let start = Instant::now();
        loop {
            match self.process.status() {
                Some(WaitStatus::Exited(_, code)) => return code,
                Some(WaitStatus::StillAlive) if start.elapsed() < EXPIRY => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                other => panic!("{other:?}, with this screen:\n{}\n", self.text()),
            }
        }
    }
}

/// Whether a process other than this one has a file open.
#[cfg(target_os = "linux")]
fn is_open_elsewhere(path: &Path) -> bool {
    let path = path.canonicalize().expect("the file is there");
    let processes = std::fs::read_dir("/proc").expect("/proc is mounted").flatten();
    // A child that is just being made has what this process has, until it becomes another program.
    let program = std::fs::read_link("/proc/self/exe").expect("a process has a program");
    let others =
        processes.filter(|process| std::fs::read_link(process.path().join("exe")).is_ok_and(|other| other != program));
    others
        .filter_map(|process| std::fs::read_dir(process.path().join("fd")).ok())
        .flat_map(Iterator::flatten)
        .any(|file| std::fs::read_link(file.path()).is_ok_and(|target| target == path))
}

/// Whether a process other than this one has a file open.
#[cfg(not(target_os = "linux"))]
fn is_open_elsewhere(path: &Path) -> bool {
    let output = std::process::Command::new("lsof").arg("-t").arg(path).output().expect("lsof is there");
    let own = std::process::id().to_string();
    String::from_utf8_lossy(&output.stdout).lines().any(|pid| pid != own)
}

/// Whether a screen holds a text: messages break between words.
fn holds(screen: &str, text: &str) -> bool {
    let is_same = |(seen, wanted): (&u8, &u8)| seen == wanted || (*seen, *wanted) == (b'\n', b' ');
    screen.as_bytes().windows(text.len()).any(|part| part.iter().zip(text.as_bytes()).all(is_same))
}
