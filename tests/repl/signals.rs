//! Ctrl-C, Ctrl-Z, TERM and HUP, at the prompt and during a command.

use std::io::Read as _;
use std::time::{Duration, Instant};

use crate::terminal::{CTRL_C, Home, Signal, Terminal};

const CTRL_Z: &str = "\x1a";

/// The program promises one second; the rest is for a busy machine.
const SOON: Duration = Duration::from_secs(5);

fn prompt_comes(terminal: &Terminal) {
    terminal.wait("the prompt", |seen| seen.before_cursor() == "kv> ");
}

#[test]
fn ctrl_c_stops_a_script_that_is_under_way_and_keeps_what_is_done() {
    let home = Home::new();
    let mut script = home.fifo();
    let mut terminal = home.at_prompt();
    terminal.press("source ../fifo\r");
    std::io::Write::write_all(&mut script, b"set a 1\nset b").unwrap();
    crate::process::wait_until("the first line is done", || !home.get("a").is_empty());
    terminal.press(CTRL_C);
    terminal.shows("interrupted; earlier lines took effect\nkv>");
    terminal.enter("get b");
    terminal.shows("Key 'b' not found");
    terminal.enter("get a");
    terminal.shows("\n1\nkv>");
    assert_eq!(terminal.leave(), 0);
}

#[test]
fn ctrl_c_ends_the_wait_for_a_writer_of_a_fifo() {
    let home = Home::new();
    // The FIFO has no writer.
    drop(home.fifo());
    let mut terminal = home.at_prompt();
    terminal.press("source ../fifo\r");
    home.fifo_is_read();
    terminal.press(CTRL_C);
    terminal.shows("interrupted");
    prompt_comes(&terminal);
    // A later writer is read.
    terminal.press("source ../fifo\r");
    home.fifo_is_read();
    let mut writer = std::fs::File::options().write(true).open(home.path("fifo")).unwrap();
    std::io::Write::write_all(&mut writer, b"set late 1\n").unwrap();
    drop(writer);
    terminal.shows("Ran 1 command");
    prompt_comes(&terminal);
    assert_eq!(terminal.leave(), 0);
    assert_eq!(home.get("late"), "1\n");
}

#[test]
fn ctrl_c_stops_a_long_listing() {
    let home = Home::new();
    let value = "v".repeat(1000);
    let lines: Vec<String> = (0..3000).map(|n| format!("set {n:0>100} {value}\n")).collect();
    home.write("many.kv", lines.concat());
    home.run(&["-f", "../many.kv"]);
    let mut reader = home.fifo();
    let mut terminal = home.at_prompt();
    for command in ["list", "find v", "list --reverse", "keys -o json"] {
        terminal.press(format!("{command} > ../fifo\r"));
        // The command is running and waits for a reader.
        reader.read_exact(&mut [0]).unwrap();
        terminal.echoes();
        terminal.press(CTRL_C);
        // The test reads the FIFO but never sees its end, because it also holds the writing end. So the program must be
        // stopped before the test reads.
        terminal.shows("^C");
        let drain = reader.try_clone().unwrap();
        let read = std::thread::spawn(move || {
            let mut drain = drain;
            let (mut bytes, mut all) = (vec![0; 1 << 16], 0);
            while let Ok(read @ 1..) = drain.read(&mut bytes) {
                all += read;
                if bytes[..read].ends_with(b"END\n") {
                    break;
                }
            }
            all
        });
        terminal.wait("interrupted", |seen| {
            let text = seen.text();
            text.contains("interrupted") && text.ends_with("kv>")
        });
        std::io::Write::write_all(&mut reader, b"END\n").unwrap();
        let read = read.join().unwrap();
        assert!(read < 1_500_000, "{command}: {read}");
        terminal.press("\x0c");
        terminal.wait("a blank screen", |seen| seen.text() == "kv>");
    }
    assert_eq!(terminal.leave(), 0);
}

#[test]
fn ctrl_c_ends_the_rest_of_a_pasted_block() {
    let home = Home::new();
    let _script = home.fifo();
    let mut terminal = home.at_prompt();
    terminal.press("\x1b[200~set a 1\nsource ../fifo\nset c 3\n\x1b[201~\r");
    terminal.shows("Set value for key: a");
    terminal.press(CTRL_C);
    terminal.shows("interrupted");
    prompt_comes(&terminal);
    terminal.leave();
    assert_eq!((home.get("a"), home.get("c")), ("1\n".to_owned(), String::new()));
}

#[test]
fn one_shots_and_scripts_are_ended_by_the_signal() {
    let home = Home::new();
    let _script = home.fifo();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let mut terminal = home.terminal().arg("-f").arg("../fifo").start();
        home.fifo_is_read();
        terminal.send(signal);
        assert_eq!(terminal.signal(), signal);
    }
}

#[test]
fn term_and_hup_at_the_prompt_end_the_session_at_once_with_the_terminal_as_it_was() {
    let home = Home::new();
    for (signal, typed) in [
        (Signal::SIGTERM, ""),
        (Signal::SIGHUP, ""),
        (Signal::SIGTERM, "set b half"),
        (Signal::SIGHUP, "set 'b"),
        (Signal::SIGQUIT, ""),
    ] {
        let mut terminal = home.at_prompt();
        terminal.enter("set a 1");
        terminal.press_until(typed, &format!("kv> {typed}"));
        assert!(!terminal.has_its_modes(), "the editor has the terminal");
        let start = Instant::now();
        terminal.send(signal);
        assert_eq!(terminal.signal(), signal);
        assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
        assert!(terminal.has_its_modes());
        terminal.wait("no more bracketed paste", |seen| seen.raw.ends_with(b"\x1b[?2004l\r\n"));
        assert_eq!(home.get("a"), "1\n");
        assert_eq!(home.get("b"), "");
    }
}

#[test]
fn term_and_hup_end_what_is_under_way_within_a_second() {
    let home = Home::new();
    let _script = home.fifo();
    for signal in [Signal::SIGTERM, Signal::SIGHUP] {
        for command in ["source ../fifo", "count | sh -c 'echo up; exec sleep 100'", "clear"] {
            let mut terminal = home.at_prompt();
            terminal.enter("set a 1");
            terminal.enter("set b 1");
            terminal.press(format!("{command}\r"));
            match command {
                "clear" => terminal.shows("[y/N]"),
                command if command.starts_with("count") => terminal.shows("\nup"),
                command => terminal.shows(command),
            }
            if command.starts_with("source") {
                home.fifo_is_read();
            }
            let start = Instant::now();
            terminal.send(signal);
            assert_eq!(terminal.signal(), signal, "{command}");
            assert!(start.elapsed() < SOON, "{command}: {:?}", start.elapsed());
            assert!(terminal.has_its_modes(), "{command}");
            assert_eq!(home.get("b"), "1\n");
        }
    }
}

#[test]
fn ctrl_z_suspends_at_the_prompt_and_while_something_runs_and_fg_goes_on() {
    let home = Home::new();
    let mut script = home.fifo();
    let shell = "set -m; \"$@\"; echo suspended; read go; fg; echo suspended again; read go; fg";
    let mut terminal = home.terminal().through(shell).at_prompt();
    terminal.press_until("set a 1", "kv> set a 1");
    terminal.press(CTRL_Z);
    terminal.shows("suspended");
    assert!(terminal.has_its_modes());
    terminal.press("\n");
    terminal.wait("the line", |seen| seen.before_cursor() == "kv> set a 1");
    terminal.press("\r");
    terminal.shows("Set value for key: a");
    prompt_comes(&terminal);
    terminal.press("source ../fifo\r");
    home.fifo_is_read();
    terminal.press(CTRL_Z);
    terminal.shows("suspended again");
    terminal.press("\n");
    std::io::Write::write_all(&mut script, b"set b 2\nexit 3\n").unwrap();
    assert_eq!(terminal.status(), 3);
    assert_eq!((home.get("a"), home.get("b")), ("1\n".to_owned(), "2\n".to_owned()));
}
