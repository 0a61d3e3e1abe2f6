//! Tab in the user's own shell: real bash, zsh and fish on a pseudo-terminal, whose completed lines are run, so that what
//! was put in is compared by what it means.
//!
//! A shell that is not there is left out, which is said, and is a failure with `CI=true`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use rexpect::process::{PtyProcess, Signal};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::common::process::EXPIRY;
use crate::common::shown::shown;

const PROGRAM: &str = env!("CARGO_BIN_EXE_rusty-kv");

/// Keys that a shell would read as something else, were they put in as they are.
const NASTY: [&str; 33] = [
    "plain",
    "two words",
    " blank first",
    "blank last ",
    "it's",
    "'quoted'",
    "say \"hi\"",
    "\"",
    "user:1:name",
    ":",
    "a=b",
    "=equals",
    "$HOME",
    "$(touch pwned)",
    "`touch pwned`",
    "; touch pwned",
    "x & y | z > pwned < w",
    "back\\slash",
    "back\\",
    "bang!now",
    "!!",
    "glob*[a-z]?{x,y}",
    "(paren)",
    "#hash",
    "~",
    "~root",
    "^caret^",
    "%percent",
    "@at, +plus",
    "é世界👩‍🚀",
    "tab\tand newline\n",
    "esc \x1b[31m red",
    "bidi \u{202e} and \u{200b}",
];

/// The shells that are there.
fn shells() -> Vec<&'static str> {
    let there = |shell: &&str| {
        let is_there = Command::new(shell).arg("--version").output().is_ok_and(|output| output.status.success());
        if !is_there {
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{shell} is not installed");
            skipped(shell);
        }
        is_there
    };
    ["bash", "zsh", "fish"].into_iter().filter(there).collect()
}

/// Says on stderr, past the capture of the test's output, that a shell is left out.
fn skipped(shell: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {shell} is not installed, so Tab was not tried in it");
}

/// A home with databases.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let home = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(home.path("work")).unwrap();
        home
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(Path::new(PROGRAM).parent().unwrap().to_owned());
        let path = std::env::join_paths(folders.chain(std::env::split_paths(&path))).unwrap();
        command.env_clear().env("HOME", self.folder.path()).current_dir(self.path("work")).env("PATH", path);
        command.env("XDG_CONFIG_HOME", self.path("config")).env("TERM", "xterm").env("LC_ALL", "C.UTF-8");
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(PROGRAM).args(args).output().unwrap()
    }

    /// Makes a database that holds these keys.
    fn make(&self, db: &str, keys: &[&str]) {
        for key in keys {
            let output = self.run(&["-d", db, "set", "--", key, "x"]);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }

    /// What is where, and since when.
    fn files(&self) -> BTreeMap<PathBuf, (u64, SystemTime)> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                let meta = entry.metadata().unwrap();
                if meta.is_dir() {
                    folders.push(entry.path());
                }
                files.insert(entry.path(), (meta.len(), meta.modified().unwrap()));
            }
        }
        files
    }

    fn ask(&self, args: &[&str]) -> String {
        let output = self.command(PROGRAM).arg("__complete").args(args).output().unwrap();
        assert_eq!((output.status.code(), &output.stderr[..]), (Some(0), &b""[..]), "{args:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

/// A shell at its prompt, in which `show` is completed as `rusty-kv` is, and writes its arguments into a file.
struct Shell<'h> {
    home: &'h Home,
    name: &'static str,
    input: File,
    shown: Arc<Mutex<Vec<u8>>>,
    process: PtyProcess,
}

impl Drop for Shell<'_> {
    fn drop(&mut self) {
        // An interactive shell heeds no other.
        let _ = self.process.signal(Signal::SIGKILL);
    }
}

impl<'h> Shell<'h> {
    fn start(name: &'static str, home: &'h Home) -> Self {
        let show = "show() { printf '%s\\0' \"$@\" > ../shown; mv ../shown ../args; }";
        let (file, text, args) = match name {
            "bash" => (
                "rc.bash",
                format!("PS1='ready> '\n{show}\nsource <(rusty-kv completions bash)\ncomplete -F _rusty_kv show\n"),
                ["--noprofile", "--rcfile", "../rc.bash", "-i"].map(str::to_owned).to_vec(),
            ),
            "zsh" => (
                ".zshrc",
                format!(
                    "PS1='ready> '\nunsetopt beep bang_hist\nautoload -U compinit && compinit -u -D\n{show}\nsource <(rusty-kv completions zsh)\ncompdef _rusty_kv show\n"
                ),
                ["-d", "-i"].map(str::to_owned).to_vec(),
            ),
            _ => (
                "rc.fish",
                "function fish_prompt; echo 'ready> '; end\nfunction fish_greeting; end\nset -g fish_autosuggestion_enabled 0\nfunction show; printf '%s\\0' $argv > ../shown; mv ../shown ../args; end\nrusty-kv completions fish | source\ncomplete -c show -k -f -a '(__rusty_kv)'\n".to_owned(),
                ["--no-config", "-i", "-C", "source ../rc.fish"].map(str::to_owned).to_vec(),
            ),
        };
        std::fs::File::create(home.path(file)).unwrap().write_all(text.as_bytes()).unwrap();
        let mut command = home.command(name);
        command.args(args);
        let process = PtyProcess::new(command).unwrap();
        let input = process.get_file_handle().unwrap();
        tcsetwinsize(&input, Winsize { ws_row: 24, ws_col: 200, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let shown = shown(process.get_file_handle().unwrap());
        let shell = Self { home, name, input, shown, process };
        shell.wait("a prompt", |shown| shown.windows(6).any(|part| part == b"ready>"));
        shell
    }

    fn wait(&self, what: &str, until: impl Fn(&[u8]) -> bool) {
        let start = Instant::now();
        while !until(&self.shown.lock().unwrap()) {
            assert!(start.elapsed() < EXPIRY, "{}: no {what}: {}", self.name, self.text());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    /// Types a line, presses Tab, then Enter; returns the arguments that `show` was given.
    fn complete(&mut self, line: &str) -> Vec<String> {
        let args = self.home.path("args");
        let _ = std::fs::remove_file(&args);
        self.shown.lock().unwrap().clear();
        self.input.write_all(format!("{line}\t").as_bytes()).unwrap();
        self.input.write_all(b"\r").unwrap();
        let (start, mut entered) = (Instant::now(), Instant::now());
        while !args.exists() {
            if start.elapsed() > EXPIRY {
                let text = self.text();
                self.input.write_all(b"\x03\x03\r").unwrap();
                return vec![format!("nothing was run: {text:?}")];
            }
            // fish throws away what was typed ahead while it looks for candidates.
            if self.name == "fish" && entered.elapsed() > Duration::from_millis(60) {
                self.input.write_all(b"\r").unwrap();
                entered = Instant::now();
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        self.wait("a prompt", |shown| shown.windows(6).filter(|part| part == b"ready>").count() > 0);
        let text = std::fs::read_to_string(args).unwrap();
        text.split_terminator('\0').map(str::to_owned).collect()
    }
}

/// The beginning of a key as a person types it: `None` where it is not the same in all shells.
fn begun(open: &str, head: &str) -> Option<String> {
    let has = |marks: &str| head.contains(|c: char| marks.contains(c) || c.is_control());
    let is_bare = head.chars().all(|c| c.is_alphanumeric() || c == ':');
    match open {
        "" if is_bare => Some(head.to_owned()),
        "\\" if !head.is_empty() && head.chars().all(|c| c.is_ascii_punctuation() || c == ' ') => {
            Some(head.chars().flat_map(|c| ['\\', c]).collect())
        }
        "'" if !has("'\\!") => Some(format!("'{head}")),
        "\"" if !has("\"\\$`!") => Some(format!("\"{head}")),
        _ => None,
    }
}

#[test]
fn a_completed_key_is_that_key_however_it_was_begun() {
    let home = Home::new();
    for (number, key) in NASTY.iter().enumerate() {
        home.make(&format!("{number}.json"), &[key]);
    }
    let mut cases = 0;
    for name in shells() {
        let mut shell = Shell::start(name, &home);
        let mut wrong = Vec::new();
        for (number, key) in NASTY.iter().enumerate() {
            if wrong.len() > 9 {
                break;
            }
            // fish takes candidates line by line and column by column, so there such a key is not offered.
            let is_offered =
                name != "fish" || !key.contains(|c: char| c.is_control() || "\u{202e}\u{200b}".contains(c));
            for open in ["", "\\", "'", "\""] {
                for length in 0..=3 {
                    let head: String = key.chars().take(length).collect();
                    let Some(begun) = begun(open, &head).filter(|_| head.chars().count() == length) else { continue };
                    // It leaves a quote open behind a colon, and a tilde a tilde that it has put in itself.
                    let is_fishs =
                        (key.ends_with(':') && !open.is_empty()) || (key.starts_with('~') && begun.is_empty());
                    if !is_offered || (name == "fish" && is_fishs) {
                        continue;
                    }
                    let line = format!("show -d {number}.json get {begun}");
                    let args = shell.complete(&line);
                    cases += 1;
                    if args != ["-d", &format!("{number}.json"), "get", key] {
                        wrong.push(format!("{name}: {line:?} became {args:?} for {key:?}"));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    }
    assert!(!home.path("work/pwned").exists(), "a key was run");
    let least = 200 * shells().len();
    assert!(cases >= least, "only {cases} cases");
}

#[test]
fn commands_flags_databases_and_files_are_completed_too() {
    let home = Home::new();
    home.make("work", &["user:1", "user:22"]);
    home.make("with space.json", &["in: it"]);
    File::create(home.path("home of.txt")).unwrap();
    for name in shells() {
        let mut shell = Shell::start(name, &home);
        for (line, wanted) in [
            ("show expi", &["expire"][..]),
            ("show set k v --if-abs", &["set", "k", "v", "--if-absent"]),
            ("show -d wo", &["-d", "work"]),
            ("show --db=wo", &["--db=work"]),
            ("show use wo", &["use", "work"]),
            ("show -d work get user:2", &["-d", "work", "get", "user:22"]),
            ("show --db=work get user:2", &["--db=work", "get", "user:22"]),
            ("show -d 'with space.json' get i", &["-d", "with space.json", "get", "in: it"]),
            ("show -d work list --prefix=user:2", &["-d", "work", "list", "--prefix=user:22"]),
            ("show -d work get -- user:2", &["-d", "work", "get", "--", "user:22"]),
            ("show -d work del user:1 user:2", &["-d", "work", "del", "user:1", "user:22"]),
            ("show -d ./with", &["-d", "./with space.json"]),
            ("show help exit-", &["help", "exit-codes"]),
            ("show set k --file=../ho", &["set", "k", "--file=../home of.txt"]),
            ("show set k --file ../ho", &["set", "k", "--file", "../home of.txt"]),
            ("show -o ta", &["-o", "table"]),
            ("show completions fi", &["completions", "fish"]),
            ("show -d work run us", &["-d", "work", "run", "user:"]),
            ("show run user: -- printen", &["run", "user:", "--", "printenv"]),
        ] {
            assert_eq!(shell.complete(line), wanted, "{name}: {line}");
        }
        // As far as all of them go.
        if name != "fish" {
            assert_eq!(shell.complete("show -d work get u"), ["-d", "work", "get", "user:"], "{name}");
        }
    }
}

#[test]
fn whoever_asks_is_told_lines_without_control_characters_whatever_the_keys() {
    let home = Home::new();
    let odd = (1..0x20).chain(0x7f..0xa0).chain([0xad, 0x61c, 0x200b, 0x200e, 0x2028, 0x202e, 0x2066, 0xfeff]);
    let keys: Vec<String> = odd.filter_map(char::from_u32).map(|c| format!("k{c}x")).collect();
    home.make("work", &keys.iter().map(String::as_str).collect::<Vec<_>>());
    let mut asked = 0;
    for args in [
        &["bash", "rusty-kv -d work get k", "k"][..],
        &["zsh", "", "k", "-d", "work", "get"],
        &["fish", "k", "-d", "work", "get"],
    ] {
        let told = home.ask(args);
        let is_live = |c: char| {
            (c.is_control() && c != '\n' && c != '\t')
                || "\u{61c}\u{200b}\u{200e}\u{2028}\u{202e}\u{2066}\u{feff}".contains(c)
        };
        assert!(!told.contains(is_live), "{told:?}");
        asked += told.lines().count();
    }
    assert!(asked > 2 * keys.len(), "{asked} lines for {} keys", keys.len());
}

#[test]
fn asking_makes_and_changes_nothing_and_is_silent_about_what_is_wrong() {
    let home = Home::new();
    home.make("work", &["a"]);
    File::create(home.path("work/damaged.json")).unwrap().write_all(b"{\"map\": {\"a\"").unwrap();
    std::fs::create_dir(home.path("work/folder.json")).unwrap();
    let before = home.files();
    for db in
        ["work", "new", "./none.json", "damaged.json", "folder.json", "no/such/folder.json", "redis://x", "a b", ""]
    {
        for line in [
            "get ",
            "set ",
            "use ",
            "-d ",
            "list --prefix=",
            "nonsense ",
            "get --pointer ",
            "get $(touch pwned) ",
            "get 'a",
        ] {
            home.ask(&["bash", &format!("rusty-kv -d '{db}' {line}"), ""]);
        }
        home.ask(&["zsh", "", "", "-d", db, "get"]);
        home.ask(&["fish", "", "-d", db, "get"]);
    }
    for args in [&[][..], &["bash"], &["bash", "x", "longer"], &["tcsh", "a", "b"], &["zsh"], &["fish"]] {
        home.ask(args);
    }
    assert_eq!(home.files(), before);
}
