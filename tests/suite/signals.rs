//! Signals, at every kind of moment and in all three modes; and outputs that take nothing. One table each.
//!
//! Whatever happens, what was acknowledged is stored, the database is sound, and nothing hangs or panics.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rexpect::process::{PtyProcess, Signal as PtySignal, WaitStatus};
use rustix::process::{Pid, Signal, kill_process};

use crate::common::process::{EXPIRY, is_waiting, state, wait_until};
use crate::common::shown::shown;

const PROGRAM: &str = env!("CARGO_BIN_EXE_rusty-kv");

/// A session that is told to end has ended by then; the promise is a second, and the rest is for a busy machine.
const SOON: Duration = Duration::from_secs(5);

/// What is under way when the signal comes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Moment {
    /// It waits for input.
    Idle,
    /// A command that takes long.
    Command,
    /// A save of a large file.
    Save,
    /// Another program has the lock.
    Lock,
}

const MOMENTS: [Moment; 4] = [Moment::Idle, Moment::Command, Moment::Save, Moment::Lock];

/// What a signal does to a one-shot and to a script.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Does {
    End,
    Nothing,
    /// Stops it, and another one makes it go on.
    Pause,
}

const SIGNALS: [(Signal, PtySignal, Does); 7] = [
    (Signal::INT, PtySignal::SIGINT, Does::End),
    (Signal::TERM, PtySignal::SIGTERM, Does::End),
    (Signal::HUP, PtySignal::SIGHUP, Does::End),
    (Signal::QUIT, PtySignal::SIGQUIT, Does::End),
    (Signal::PIPE, PtySignal::SIGPIPE, Does::Nothing),
    (Signal::XFSZ, PtySignal::SIGXFSZ, Does::Nothing),
    (Signal::TSTP, PtySignal::SIGTSTP, Does::Pause),
];

/// A database with an acknowledged key.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let home = Self { folder: tempfile::tempdir().unwrap() };
        assert!(home.run(&["set", "a", "1"]).success());
        home
    }

    /// With so many entries that a save takes a while.
    fn large() -> Self {
        let home = Self::new();
        let value = "v".repeat(200);
        let lines = (0..60_000).map(|n| format!("set key:{n:06} {value}\n")).collect::<Vec<_>>().concat();
        File::create(home.path("load.kv")).unwrap().write_all(lines.as_bytes()).unwrap();
        assert!(home.command(&["-f"]).arg(home.path("load.kv")).status().unwrap().success());
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.plain(args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// On the streams that it inherits.
    fn plain(&self, args: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(args).env_clear().env("HOME", self.folder.path()).env("RUSTY_KV_DB", self.path("db.json"));
        command.env("TERM", "xterm").env("RUSTY_KV_HISTORY", "").current_dir(self.folder.path());
        command
    }

    fn run(&self, args: &[&str]) -> ExitStatus {
        self.command(args).output().unwrap().status
    }

    /// Whether the journal holds no change.
    fn is_saved(&self) -> bool {
        std::fs::read_to_string(self.path("db.json.journal")).is_ok_and(|journal| journal.lines().count() == 1)
    }

    /// Keeps others from writing until it is dropped.
    fn lock(&self) -> File {
        let lock = File::options().read(true).write(true).open(self.path("db.json.lock")).unwrap();
        lock.lock().unwrap();
        lock
    }

    #[track_caller]
    fn assert_sound(&self, what: &str) {
        let output = self.command(&["get", "a"]).output().unwrap();
        assert_eq!(output.stdout, b"1\n", "{what}: what was acknowledged is gone");
        let check = self.command(&["check"]).output().unwrap();
        assert!(check.status.success(), "{what}: {}", String::from_utf8_lossy(&check.stderr));
    }
}

/// The line that is under way at a moment.
fn line(moment: Moment) -> Option<&'static str> {
    match moment {
        Moment::Idle => None,
        Moment::Command => Some("wait signal:over"),
        Moment::Save => Some("save"),
        Moment::Lock => Some("set b 2"),
    }
}

/// Whether a process is stopped, as by Ctrl-Z; true as well once it has ended.
fn is_stopped(pid: u32) -> bool {
    !matches!(state(pid), Some((_, state)) if state != 'T' && state != 'Z')
}

/// Whether a process has a handler of its own for a signal; true as well once it has ended.
fn handles(pid: u32, signal: Signal) -> bool {
    let Ok(status) = std::fs::read_to_string(format!("/proc/{pid}/status")) else { return true };
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let bit = 1 << (signal.as_raw() - 1);
    caught.is_none_or(|mask| u64::from_str_radix(mask.trim(), 16).is_ok_and(|mask| mask & bit != 0))
}

/// Waits until the program has come to a moment: it knows its signals by then.
#[track_caller]
fn wait_for(moment: Moment, home: &Home, pid: u32, what: &str) {
    wait_until(what, || handles(pid, Signal::XFSZ));
    match moment {
        Moment::Idle | Moment::Command | Moment::Lock => wait_until(what, || is_waiting(pid)),
        Moment::Save => {
            let makes_a_file = |item: std::fs::DirEntry| item.file_name().to_string_lossy().contains(".tmp-");
            let is_saving = || std::fs::read_dir(home.path("")).unwrap().flatten().any(makes_a_file);
            // It may have done so before anybody looked.
            wait_until(what, || is_saving() || home.is_saved() || is_waiting(pid));
        }
    }
}

#[track_caller]
fn end_of(child: &mut Child, what: &str) -> ExitStatus {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if start.elapsed() > EXPIRY {
            child.kill().unwrap();
            panic!("{what}: it does not end");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn send(child: &Child, signal: Signal) {
    // It may have ended by itself.
    let _ = kill_process(Pid::from_child(child), signal);
}

/// Goes through the table for a one-shot or a script; returns the number of cases.
fn without_a_terminal(is_script: bool) -> usize {
    let mut cases = 0;
    for moment in MOMENTS {
        let home = if moment == Moment::Save { Home::large() } else { Home::new() };
        for (signal, _, does) in SIGNALS {
            let what = format!("{signal:?} to a {} at {moment:?}", if is_script { "script" } else { "one-shot" });
            if moment == Moment::Save {
                assert!(home.run(&["set", "touched", &what]).success());
            }
            let lock = (moment == Moment::Lock).then(|| home.lock());
            let args: Vec<&str> = match line(moment) {
                _ if is_script => vec!["--wait", "60s"],
                None => vec!["set", "b", "--file", "-"],
                Some(line) => ["--wait", "60s"].into_iter().chain(line.split(' ')).collect(),
            };
            // In a group of its own, so that Ctrl-Z would stop it.
            let mut child = home.command(&args).stdin(Stdio::piped()).process_group(0).spawn().unwrap();
            let mut stdin = child.stdin.take().unwrap();
            if is_script {
                writeln!(stdin, "get a").unwrap();
                let mut answer = String::new();
                BufReader::new(child.stdout.take().unwrap()).read_line(&mut answer).unwrap();
                assert_eq!(answer, "1\n", "{what}");
                if let Some(line) = line(moment) {
                    writeln!(stdin, "{line}").unwrap();
                }
            }
            wait_for(moment, &home, child.id(), &what);
            send(&child, signal);
            if does == Does::Pause {
                wait_until(&what, || is_stopped(child.id()));
                send(&child, Signal::CONT);
            }
            if does == Does::End {
                let start = Instant::now();
                let status = end_of(&mut child, &what);
                // A save may have been done before.
                let done = moment == Moment::Save && status.success();
                assert!(done || status.signal() == Some(signal.as_raw()), "{what}: {status}");
                assert!(start.elapsed() < SOON, "{what}: {:?}", start.elapsed());
                drop((stdin, lock));
            } else {
                drop(lock);
                if moment == Moment::Command {
                    assert!(home.run(&["set", "signal:over", "1"]).success());
                }
                // The end of the input.
                drop(stdin);
                let status = end_of(&mut child, &what);
                assert_eq!(status.code(), Some(0), "{what}: {status}");
                home.run(&["del", "signal:over"]);
            }
            home.assert_sound(&what);
            cases += 1;
        }
    }
    cases
}

#[test]
fn a_one_shot_ends_by_a_signal_or_goes_on_with_everything_that_was_acknowledged() {
    assert_eq!(without_a_terminal(false), 28);
}

#[test]
fn a_script_ends_by_a_signal_or_goes_on_with_everything_that_was_acknowledged() {
    assert_eq!(without_a_terminal(true), 28);
}

/// The prompt on a pseudo-terminal.
struct Prompt {
    process: PtyProcess,
    input: File,
    shown: Arc<Mutex<Vec<u8>>>,
}

impl Prompt {
    fn start(home: &Home) -> Self {
        let process = PtyProcess::new(home.plain(&["--wait", "60s"])).unwrap();
        let input = process.get_file_handle().unwrap();
        let shown = shown(process.get_file_handle().unwrap());
        let prompt = Self { process, input, shown };
        prompt.wait_for_prompts(1, "the first prompt");
        prompt
    }

    /// How often the editor has begun to read a line: it turns bracketed paste on.
    fn prompts(&self) -> usize {
        self.shown.lock().unwrap().windows(8).filter(|bytes| bytes == b"\x1b[?2004h").count()
    }

    #[track_caller]
    fn wait_for_prompts(&self, number: usize, what: &str) {
        let start = Instant::now();
        while self.prompts() < number {
            let text = String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned();
            assert!(start.elapsed() < EXPIRY, "{what}: no prompt in {text:?}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits until the editor has given the terminal to a command.
    #[track_caller]
    fn wait_for_command(&self, what: &str) {
        self.wait_for_text("\x1b[?2004l", what);
    }

    #[track_caller]
    fn wait_for_text(&self, text: &str, what: &str) {
        wait_until(what, || String::from_utf8_lossy(&self.shown.lock().unwrap()).contains(text));
    }

    fn pid(&self) -> u32 {
        rustix::termios::tcgetsid(&self.input).unwrap().as_raw_nonzero().get().cast_unsigned()
    }

    #[track_caller]
    fn end(&self, what: &str) -> WaitStatus {
        let start = Instant::now();
        loop {
            match self.process.status() {
                Some(WaitStatus::StillAlive) | None => {}
                Some(status) => return status,
            }
            assert!(start.elapsed() < EXPIRY, "{what}: it does not end");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Prompt {
    fn drop(&mut self) {
        let _ = self.process.signal(PtySignal::SIGKILL);
    }
}

#[test]
fn the_prompt_ends_by_a_signal_or_comes_back_with_everything_that_was_acknowledged() {
    let mut cases = 0;
    for moment in MOMENTS {
        let home = if moment == Moment::Save { Home::large() } else { Home::new() };
        for (_, signal, does) in SIGNALS {
            let what = format!("{signal:?} to the prompt at {moment:?}");
            if moment == Moment::Save {
                assert!(home.run(&["set", "touched", &what]).success());
            }
            let lock = (moment == Moment::Lock).then(|| home.lock());
            let mut prompt = Prompt::start(&home);
            match line(moment) {
                Some(line) => write!(prompt.input, "{line}\r").unwrap(),
                None => write!(prompt.input, "set b half").unwrap(),
            }
            match line(moment) {
                Some(_) => prompt.wait_for_command(&what),
                None => prompt.wait_for_text("half", &what),
            }
            wait_for(moment, &home, prompt.pid(), &what);
            let start = Instant::now();
            prompt.process.signal(signal).unwrap();
            let ends = does == Does::End && signal != PtySignal::SIGINT;
            if ends {
                let status = prompt.end(&what);
                assert!(matches!(status, WaitStatus::Signaled(_, by, _) if by == signal), "{what}: {status:?}");
                assert!(start.elapsed() < SOON, "{what}: {:?}", start.elapsed());
                drop(lock);
            } else {
                // A session leader, as a terminal's first program is, is stopped by nothing.
                prompt.process.signal(PtySignal::SIGCONT).unwrap();
                if signal != PtySignal::SIGINT {
                    drop(lock);
                    if moment == Moment::Command {
                        assert!(home.run(&["set", "signal:over", "1"]).success());
                    }
                    if moment == Moment::Idle {
                        prompt.input.write_all(b"\x03").unwrap();
                    }
                }
                // Ctrl-C: the prompt comes back though nobody has let the command go on.
                prompt.wait_for_prompts(2, &what);
                prompt.input.write_all(b"\x04").unwrap();
                let status = prompt.end(&what);
                assert!(matches!(status, WaitStatus::Exited(_, 0)), "{what}: {status:?}");
                home.run(&["del", "signal:over"]);
            }
            home.assert_sound(&what);
            cases += 1;
        }
    }
    assert_eq!(cases, 28);
}

#[test]
fn an_output_that_takes_nothing_loses_and_repeats_no_write() {
    // How `sh` runs it, what its status is, and what of `late` is stored.
    const SCRIPT: &str = "printf 'get a\\nlist\\nset late 1\\n' |";
    let rows: Vec<(String, Option<i32>, Option<&str>)> = [
        ("kv list | head -1".to_owned(), Some(0), None),
        ("kv keys | true".to_owned(), Some(0), None),
        ("(kv get a; echo $? >&2) | true".to_owned(), Some(0), None),
        ("kv get a > /dev/full".to_owned(), Some(4), None),
        ("kv list > /dev/full".to_owned(), Some(4), None),
        ("kv list -o json > /dev/full".to_owned(), Some(4), None),
        ("kv help > /dev/full".to_owned(), Some(4), None),
        ("kv incr late > /dev/full".to_owned(), Some(4), Some("1")),
        ("kv set late 1 --print-old > /dev/full".to_owned(), Some(0), Some("1")),
        (format!("{SCRIPT} kv > /dev/full"), Some(4), Some("1")),
        (format!("{SCRIPT} kv -o json > /dev/full"), Some(4), Some("1")),
        (format!("{SCRIPT} kv --atomic > /dev/full"), Some(4), None),
        (format!("{SCRIPT} kv --dry-run > /dev/full"), Some(4), None),
        ("kv get a >&-".to_owned(), None, None),
        ("kv set late 1 >&-".to_owned(), Some(0), Some("1")),
        ("kv set late 1 <&- >&- 2>&-".to_owned(), Some(0), Some("1")),
        ("kv get nothing 2>&-".to_owned(), Some(1), None),
        ("kv get nothing 2> /dev/full".to_owned(), Some(1), None),
        ("kv set late 1 <&-".to_owned(), Some(0), Some("1")),
        ("kv <&-".to_owned(), None, None),
        (format!("{SCRIPT} kv >&-"), None, Some("1")),
        (format!("{SCRIPT} kv 2>&- > /dev/null"), Some(0), Some("1")),
        ("kv run '' -- true > /dev/full".to_owned(), Some(0), None),
    ]
    .to_vec();
    let cases = rows.len();
    for (shell, status, late) in rows {
        let home = Home::new();
        let script = shell.replace("kv ", &format!("{PROGRAM} "));
        let mut command = Command::new("sh");
        command.args(["-c", &script]).env_clear().env("HOME", home.path("")).env("RUSTY_KV_DB", home.path("db.json"));
        command.env("PATH", std::env::var_os("PATH").unwrap()).stdin(Stdio::null());
        let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let code = output.status.code().unwrap();
        assert!(code < 70 && !said.contains("internal error"), "{shell}: {code}: {said}");
        if let Some(status) = status {
            assert_eq!(code, status, "{shell}: {said}");
        }
        let stored = home.command(&["get", "late"]).output().unwrap().stdout;
        assert_eq!(String::from_utf8_lossy(&stored).trim_end(), late.unwrap_or_default(), "{shell}: {said}");
        home.assert_sound(&shell);
    }
    assert!(cases >= 20, "{cases}");
}

#[test]
fn a_stdout_that_somebody_has_made_non_blocking_gets_everything() {
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    let home = Home::large();
    let wanted = home.command(&["list"]).output().unwrap().stdout;
    let (reader, writer) = std::io::pipe().unwrap();
    fcntl_setfl(&writer, fcntl_getfl(&writer).unwrap() | OFlags::NONBLOCK).unwrap();
    let full = writer.try_clone().unwrap();
    let mut child = home.command(&["list"]).stdout(writer).spawn().unwrap();
    let mut reader = BufReader::new(reader);
    let mut got = Vec::new();
    wait_until("the pipe is full", || {
        let mut fds = [rustix::event::PollFd::new(&full, rustix::event::PollFlags::OUT)];
        let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        rustix::event::poll(&mut fds, Some(&now)).unwrap() == 0
    });
    drop(full);
    reader.read_to_end(&mut got).unwrap();
    assert!(end_of(&mut child, "list").success());
    assert_eq!(got.len(), wanted.len());
}

#[test]
fn run_becomes_the_program_so_that_signals_are_its_own_and_no_value_is_on_a_command_line() {
    let home = Home::new();
    assert!(home.run(&["set", "app:SECRET", "hunter2"]).success());
    let shell = "trap 'echo caught; exit 9' TERM; echo \"$SECRET\"; while :; do sleep 0.05; done";
    let mut child = home.plain(&["run", "app:", "--", "sh", "-c", shell]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "hunter2");
    if let Ok(line) = std::fs::read(format!("/proc/{}/cmdline", child.id())) {
        assert!(line.starts_with(b"sh\0"), "{}", String::from_utf8_lossy(&line));
    }
    send(&child, Signal::TERM);
    assert_eq!(lines.next().unwrap().unwrap(), "caught");
    assert_eq!(end_of(&mut child, "run").code(), Some(9));
    for (signal, _, does) in SIGNALS {
        let mut child = home.plain(&["run", "app:", "--", "sleep", "0.5"]).spawn().unwrap();
        wait_until("sleep", || state(child.id()).is_none_or(|(program, _)| program == "sleep"));
        send(&child, signal);
        send(&child, Signal::CONT);
        let status = end_of(&mut child, "sleep");
        // It is an ordinary program: what rusty-kv does with signals is not inherited.
        let ends = does != Does::Pause;
        assert_eq!(status.signal(), ends.then_some(signal.as_raw()), "{signal:?}: {status}");
    }
}
