//! The program as used by other programs: real data in all three modes, a co-process, many processes in parallel, a
//! kill.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Map, Value};

/// The program on a database of its own.
struct Program {
    home: tempfile::TempDir,
}

impl Program {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    fn database(&self) -> PathBuf {
        self.home.path().join("db.json")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rusty-kv"));
        command
            .args(args)
            .env_clear()
            .env("HOME", self.home.path())
            .env("RUSTY_KV_DB", self.database())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs it with this stdin.
    fn pipe(&self, args: &[&str], input: &[u8]) -> Output {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        output
    }

    /// Its output, if it ends with status 0 and prints nothing to stderr.
    fn says(&self, args: &[&str]) -> Vec<u8> {
        quiet(self.run(args))
    }

    /// A co-process on two pipes.
    fn talk(&self, args: &[&str]) -> Partner {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Partner { child, answers }
    }
}

struct Partner {
    child: Child,
    answers: BufReader<std::process::ChildStdout>,
}

impl Partner {
    /// Sends a line and waits for a line of an answer.
    fn ask(&mut self, line: &str) -> String {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        answer.trim_end().to_owned()
    }
}

fn quiet(output: Output) -> Vec<u8> {
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0));
    output.stdout
}

/// A script of these commands.
fn lines(commands: impl Iterator<Item = String>) -> String {
    commands.collect::<Vec<_>>().join("\n") + "\n"
}

/// The entries of a file of real data.
fn real_data(name: &str) -> Map<String, Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    let entries: Map<String, Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(entries.len() > 1_900);
    entries
}

fn listed(program: &Program) -> Map<String, Value> {
    serde_json::from_slice(&program.says(&["list", "-o", "json"])).unwrap()
}

#[test]
fn real_data_goes_through_a_pipe_and_comes_back_entry_by_entry() {
    for name in ["mime-db.json", "emoji.json"] {
        let program = Program::new();
        let entries = real_data(name);
        let script = lines(entries.iter().map(|(key, value)| format!("set --json {key} {value}")));
        assert_eq!(quiet(program.pipe(&[], script.as_bytes())), b"");
        assert_eq!(listed(&program), entries);
        let asks = lines(entries.keys().map(|key| format!("get {key}")));
        let answers = quiet(program.pipe(&["-o", "json"], asks.as_bytes()));
        let answers: Vec<Value> =
            answers.split_inclusive(|&byte| byte == b'\n').map(|line| serde_json::from_slice(line).unwrap()).collect();
        assert_eq!(answers, entries.values().cloned().collect::<Vec<_>>());
    }
}

#[test]
fn real_data_goes_in_and_out_by_one_shots() {
    let program = Program::new();
    let entries = [real_data("mime-db.json"), real_data("emoji.json")];
    let sample: Map<String, Value> =
        entries.iter().flat_map(|entries| entries.clone().into_iter().step_by(97)).collect();
    assert!(sample.len() >= 40);
    for (key, value) in &sample {
        program.says(&["set", key, &value.to_string(), "--json"]);
    }
    for (key, value) in &sample {
        let mut wanted = value.to_string().into_bytes();
        wanted.push(b'\n');
        assert_eq!(program.says(&["get", key]), wanted, "{key}");
    }
    assert_eq!(listed(&program), sample);
}

#[test]
fn bytes_go_in_by_stdin_and_by_file_and_come_out_identical() {
    let program = Program::new();
    // Every byte value, in an order that repeats late; more than a pipe holds.
    let mut state = 1_u32;
    let bytes: Vec<u8> = (0..300_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    quiet(program.pipe(&["set", "piped", "--file", "-"], &bytes));
    assert_eq!(program.says(&["get", "piped", "-o", "raw"]), bytes);
    let file = program.home.path().join("a file");
    std::fs::File::create(&file).and_then(|mut file| file.write_all(&bytes)).unwrap();
    program.says(&["set", "filed", "--file", file.to_str().unwrap()]);
    assert_eq!(program.says(&["get", "filed", "-o", "raw"]), bytes);
}

#[test]
fn a_partner_on_a_pipe_is_answered_line_by_line() {
    let program = Program::new();
    let mut partner = program.talk(&["-o", "json"]);
    for n in 1..=30 {
        assert_eq!(partner.ask("incr n"), format!("{{\"ok\":true,\"value\":{n}}}"));
    }
    assert_eq!(partner.ask("get nothing").find("{\"error\":{\"code\":\"not_found\""), Some(0));
    drop(partner.child.stdin.take());
    let mut rest = String::new();
    partner.answers.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
    assert_eq!(partner.child.wait().unwrap().code(), Some(1));
}

#[test]
fn what_was_answered_survives_a_kill() {
    let program = Program::new();
    let mut partner = program.talk(&[]);
    for n in 1..=20 {
        assert_eq!(partner.ask("incr n"), n.to_string());
    }
    partner.child.kill().unwrap();
    partner.child.wait().unwrap();
    assert_eq!(program.says(&["get", "n"]), b"20\n");
}

#[test]
fn a_session_that_waits_holds_no_lock_and_sees_what_others_write() {
    let program = Program::new();
    let mut partner = program.talk(&[]);
    assert_eq!(partner.ask("incr n"), "1");
    assert_eq!(program.says(&["--wait", "0", "incr", "n"]), b"2\n");
    assert_eq!(partner.ask("get n"), "2");
    assert_eq!(partner.ask("incr n"), "3");
}

#[test]
fn an_atomic_script_that_was_overtaken_stores_nothing() {
    let program = Program::new();
    program.says(&["set", "n", "1"]);
    let mut partner = program.talk(&["--atomic"]);
    assert_eq!(partner.ask("incr n"), "2");
    assert_eq!(program.says(&["--wait", "0", "set", "n", "50"]), b"", "it holds no lock");
    assert_eq!(partner.ask("incr m"), "1");
    drop(partner.child.stdin.take());
    let output = partner.child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(5));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("\"n\" was changed by another process. Nothing was stored"), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert_eq!(program.says(&["list"]), b"n\t50\n");
}

#[test]
fn an_atomic_script_that_was_killed_has_stored_nothing() {
    let program = Program::new();
    let mut partner = program.talk(&["--atomic"]);
    for n in 1..=20 {
        assert_eq!(partner.ask("incr n"), n.to_string());
    }
    partner.child.kill().unwrap();
    partner.child.wait().unwrap();
    assert_eq!(program.run(&["exists", "n"]).stdout, b"0\n");
}

#[test]
fn eight_processes_at_once_lose_no_update() {
    let program = Program::new();
    std::thread::scope(|scope| {
        for worker in 0..8 {
            let program = &program;
            scope.spawn(move || {
                for turn in 0..15 {
                    program.says(&["incr", "n", "--wait", "60"]);
                    program.says(&["set", &format!("w{worker}:{turn}"), "x", "--wait", "60"]);
                }
            });
        }
    });
    assert_eq!(program.says(&["get", "n"]), b"120\n");
    assert_eq!(program.says(&["count", "w*"]), b"120\n");
}

#[test]
fn who_waits_for_the_lock_in_vain_is_told_who_has_it() {
    let program = Program::new();
    let mut db = rusty_kv::Database::open(program.database()).unwrap();
    db.begin_batch();
    db.set("a", "1").unwrap();
    let output = program.run(&["--wait", "0.1", "set", "b", "2"]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(5), "{message}");
    assert!(message.contains(&format!("pid {} ", std::process::id())), "{message}");
    db.commit_batch().unwrap();
    program.says(&["set", "b", "2"]);
    assert_eq!(program.says(&["keys"]), b"a\nb\n");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let program = Program::new();
    let script = lines((0..20_000).map(|n| format!("set key:{n} {n}")));
    quiet(program.pipe(&[], script.as_bytes()));
    let mut child = program.command(&["list"]).spawn().unwrap();
    let mut first = [0; 6];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(&first, b"key:0\t");
    quiet(output);
}

#[test]
fn a_script_ends_when_its_reader_is_gone() {
    let program = Program::new();
    program.says(&["set", "a", "b"]);
    let mut child = program.command(&[]).stdin(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    // More than a pipe holds: this ends only if the program does.
    let wrote = (0..1_000_000).try_for_each(|_| stdin.write_all(b"get a\n"));
    assert!(wrote.is_err());
    quiet(child.wait_with_output().unwrap());
}

#[test]
fn a_script_that_waits_for_a_value_holds_no_lock() {
    let program = Program::new();
    let fifo = program.home.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let script = format!("set a 1\nset b --file {}\nget b\n", fifo.display());
    let mut partner = program.talk(&[]);
    partner.child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    while program.run(&["exists", "a"]).status.code() != Some(0) {
        std::thread::yield_now();
    }
    program.says(&["--wait", "2s", "set", "c", "3"]);
    std::fs::File::options().write(true).open(&fifo).unwrap().write_all(b"from the pipe").unwrap();
    let mut answer = String::new();
    partner.answers.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "from the pipe\n");
    assert_eq!(partner.child.wait().unwrap().code(), Some(0));
    assert_eq!(program.says(&["keys"]), b"a\nb\nc\n");
}

#[test]
fn a_script_of_comments_does_not_keep_the_lock() {
    let program = Program::new();
    let mut partner = program.talk(&[]);
    let mut stdin = partner.child.stdin.take().unwrap();
    stdin.write_all(b"set a 1\n").unwrap();
    // Only comments until the lock is free.
    while program.run(&["exists", "a"]).status.code() != Some(0) {
        stdin.write_all("# nothing\n".repeat(100_000).as_bytes()).unwrap();
    }
    drop(stdin);
    assert_eq!(partner.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_script_that_never_pauses_makes_way_for_others() {
    for block in ["set a 1\nset a 2\n", "incr a\nget a\n", "set a 1\nkeys --limit 1\n"] {
        others_get_in_beside(block);
    }
}

fn others_get_in_beside(block: &str) {
    let program = Program::new();
    let mut partner = program.talk(&[]);
    let mut stdin = partner.child.stdin.take().unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let answers = &mut partner.answers;
        scope.spawn(move || std::io::copy(answers, &mut std::io::sink()).unwrap());
        scope.spawn(|| {
            let block = block.repeat(1_000);
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                stdin.write_all(block.as_bytes()).unwrap();
            }
            drop(stdin);
        });
        while program.run(&["exists", "a"]).status.code() != Some(0) {
            std::thread::yield_now();
        }
        let others: Vec<_> = (0..3).map(|_| scope.spawn(|| program.run(&["incr", "n"]))).collect();
        let results: Vec<_> = others.into_iter().map(|other| other.join().unwrap()).collect();
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        for output in results {
            quiet(output);
        }
    });
    assert_eq!(partner.child.wait().unwrap().code(), Some(0));
    assert_eq!(program.says(&["get", "n"]), b"3\n");
}

#[test]
fn what_a_killed_writer_left_goes_with_the_next_save() {
    let program = Program::new();
    program.says(&["set", "a", "1"]);
    let beside = |suffix: &str| program.home.path().join(format!("db.json{suffix}"));
    let left = beside(".tmp-0123456789abcdef");
    for (path, mine) in [(&left, true), (&beside(".tmp-notes"), false), (&beside(".bak.tmp-0123456789abcdef"), false)] {
        std::fs::File::create(path).unwrap();
        program.says(&["save"]);
        assert_eq!(path.exists(), !mine, "{path:?}");
    }
}

#[test]
fn arguments_and_paths_need_not_be_utf_8() {
    use std::os::unix::ffi::OsStrExt;
    let program = Program::new();
    let odd = |bytes: &'static [u8]| std::ffi::OsStr::from_bytes(bytes);
    let mut set = program.command(&["set", "bytes"]);
    quiet(set.arg(odd(b"\xff\xfe")).output().unwrap());
    assert_eq!(program.says(&["get", "bytes", "-o", "raw"]), b"\xff\xfe");
    let output = program.command(&["get"]).arg(odd(b"\xff")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let mut path = program.home.path().as_os_str().to_owned();
    path.push("/");
    path.push(odd(b"odd\xff.json"));
    let mut set = program.command(&["set", "a", "b", "-d"]);
    quiet(set.arg(&path).output().unwrap());
    assert!(Path::new(&path).exists());
}

#[test]
fn what_a_message_quotes_of_the_input_is_bounded_and_takes_no_time() {
    let program = Program::new();
    program.says(&["set", "--json", "j", "{\"a\":1}"]);
    let long = "x".repeat(200_000);
    for line in [
        "%",
        "--%",
        "-%",
        "%=1",
        "get --% k",
        "get --%=1 k",
        "get %",
        "get '%'",
        "set k --%",
        "set k v --%=1",
        "set k v %",
        "get j --pointer /%",
        "get j --default --%",
        "get j -o %",
        "-o % get j",
        "incr n %",
        "expire j %",
        "set k v --ttl %",
        "set k v --expires-at %",
        "set --json k {%",
        "set --base64 k '!%'",
        "keys [%",
        "keys --limit %",
        "find (%",
        "use %",
        "use ./%",
        "drop %",
        "check %",
        "diff %",
        "restore %",
        "save %/x",
        "source %",
        "import %",
        "import % --format csv",
        "import x --format %",
        "export x --format %",
        "export %/x.csv",
        "help %",
        "output %",
        "timer %",
        "undo %",
        "exit %",
        "completions %",
        "wait j --timeout %",
        "copy j b --replace=%",
        "begin %",
        "set k --file %",
        "set k \"\\q%\"",
    ] {
        for fill in [long.clone(), long.replace('x', "\u{1b}"), long.replace('x', "y\u{301}")] {
            let output = program.pipe(&[], (line.replace('%', &fill) + "\n").as_bytes());
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(said.len() < 12_000 && (!said.is_empty() || fill != long), "{line} says {} bytes", said.len());
            assert!(!said.contains('\u{1b}'), "{line}");
            let in_json = program.pipe(&["-o", "json"], (line.replace('%', &fill) + "\n").as_bytes());
            assert!(in_json.stdout.len() < 220_000, "{line}");
        }
    }
}

#[test]
fn a_word_of_five_million_characters_is_unknown_at_once() {
    let program = Program::new();
    let word = "x".repeat(5_000_000);
    for line in [word.clone(), format!("get --{word} k"), format!("--{word}"), format!("set k --{word}=1")] {
        let begun = std::time::Instant::now();
        let output = program.pipe(&[], (line + "\n").as_bytes());
        assert_eq!(output.status.code(), Some(2));
        // This used to take nine seconds; a debug build on a busy machine takes a tenth of that.
        assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    }
}

#[test]
fn a_misspelled_flag_is_never_stored_in_any_of_the_ways_in() {
    let program = Program::new();
    program.says(&["set", "cfg", "kept"]);
    for words in [
        &["set", "cfg", "--flie=config.json"][..],
        &["set", "--json", "cfg", "--Flie"],
        &["put", "cfg", "--x-1="],
        &["append", "cfg", "--sep=,"],
        &["find", "--limt=5"],
        &["get", "none", "--default", "--json"],
        &["set", "cfg", "v", "--if-equals", "--ttl=5"],
        &["wait", "cfg", "--timeout", "0", "--equals", "--x"],
    ] {
        let one_shot = program.run(words);
        assert_eq!((one_shot.status.code(), &one_shot.stdout[..]), (Some(2), &b""[..]), "{words:?}");
        let script = program.pipe(&[], (words.join(" ") + "\n").as_bytes());
        assert_eq!((script.status.code(), &script.stdout[..]), (Some(2), &b""[..]), "{words:?}");
        assert_eq!(program.says(&["get", "cfg"]), b"kept\n");
    }
}
