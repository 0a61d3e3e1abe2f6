//! Pipes, redirections, the pager, and the timer.

use std::os::unix::fs::PermissionsExt as _;

use crate::terminal::{CTRL_C, ENTER, Home, Seen, Terminal};

/// 200 keys, each with a value.
fn many(home: &Home) {
    let lines: Vec<String> = (0..200).map(|n| format!("set key:{n:03} value-{n}\n")).collect();
    home.write("many.kv", lines.concat());
    assert!(home.run(&["-f", "../many.kv"]).status.success());
}

fn prompt_comes(terminal: &Terminal) {
    terminal.wait("the prompt", |seen| seen.before_cursor() == "kv> ");
}

#[test]
fn an_answer_goes_into_a_program_as_into_a_pipe() {
    let home = Home::new();
    home.run(&["set", "--json", "cfg", r#"{"x": [1, 2]}"#]);
    home.run(&["set", "a", "1\x1b[31m\n2"]);
    let mut terminal = home.at_prompt();
    terminal.enter("get cfg | tr '[:lower:]|' '[:upper:]!' | sed \"s/,/ it's /\"");
    terminal.shows("\n{\"X\":[1 it's 2]}\nkv>");
    terminal.enter("list -o json | wc -l");
    terminal.shows("\n1\nkv>");
    terminal.enter("get a | od -An -c");
    terminal.shows("1 033   [   3   1   m  \\n   2  \\n\nkv>");
    terminal.enter("help set | head -1");
    terminal.shows("\nSet a key to a value\nkv>");
    terminal.leave();
}

#[test]
fn a_single_value_of_bytes_goes_into_a_file_or_a_program_exactly_and_text_with_its_newline() {
    let home = Home::new();
    home.write("work/picture", b"\x89PNG\xff\0");
    home.run(&["set", "bin", "--file", "picture"]);
    home.run(&["set", "text", "a"]);
    let mut terminal = home.at_prompt();
    terminal.enter("get bin > out");
    terminal.shows("Wrote 6 B to out");
    terminal.enter("get bin --pointer '' >> out");
    terminal.shows("Wrote 6 B to out");
    terminal.enter("get bin | cmp - picture && echo alike");
    terminal.shows("\nalike\nkv>");
    terminal.enter("get text > text");
    terminal.shows("Wrote 2 B to text");
    terminal.leave();
    let out = std::fs::read(home.path("work/out")).unwrap();
    assert_eq!(out, b"\x89PNG\xff\0\x89PNG\xff\0");
    assert_eq!(home.read("work/text"), "a\n");
    assert_eq!(home.run(&["get", "bin"]).stdout, b"\x89PNG\xff\0\n", "a pipe of the caller's has lines");
}

#[test]
fn what_a_block_says_comes_in_its_order() {
    let home = Home::new();
    let mut terminal = home.at_prompt();
    terminal.press("\x1b[200~set a 1\nget a | cat\nget nope | cat\nget a\n\x1b[201~\r");
    terminal.shows("Set value for key: a\n1\n  get nope | cat\n      ^^^^\nKey 'nope' not found\n1\nkv>");
    terminal.leave();
}

#[test]
fn how_a_program_ended_is_said_if_it_matters_and_the_session_goes_on() {
    let home = Home::new();
    many(&home);
    let mut terminal = home.at_prompt();
    terminal.enter("count | exit 3");
    terminal.shows("\nthe program ended with status 3\nkv>");
    terminal.enter("count | no-such-program");
    terminal.shows("the program ended with status 127\nkv>");
    terminal.enter("clear | cat");
    terminal.shows("error: unexpected '|': a pipe or redirection needs a command that only reads (see `help pipes`)");
    terminal.enter("list | head -1");
    terminal.shows("kv> list | head -1\nkey:000\tvalue-0\nkv>".replace('\t', " ").as_str());
    terminal.enter("get nope | cat");
    terminal.shows("^^^^\nKey 'nope' not found\nkv>");
    terminal.enter("count |");
    terminal.shows("error: expected a program after `|`");
    terminal.enter("get key:001");
    terminal.shows("\nvalue-1\nkv>");
    terminal.leave();
}

#[test]
fn ctrl_c_ends_the_program_and_not_the_session() {
    let home = Home::new();
    let mut terminal = home.at_prompt();
    // Without the trap, a shell that is just starting a program would ignore the signal.
    terminal.press("count | sh -c 'trap \"exit 130\" INT; echo started; while :; do sleep 0.05; done'\r");
    terminal.shows("\nstarted");
    terminal.press(CTRL_C);
    prompt_comes(&terminal);
    terminal.enter("count");
    terminal.shows("\n0\nkv>");
    terminal.leave();
}

#[test]
fn a_program_that_leaves_the_terminal_in_another_mode_does_no_harm() {
    let home = Home::new();
    let mut terminal = home.at_prompt();
    terminal.enter("count | stty raw -echo");
    terminal.press("count | stty -a < /dev/tty | grep -o ' icanon'\r");
    terminal.shows("\n icanon\nkv>");
    terminal.leave();
}

#[test]
fn an_answer_goes_into_a_file_or_behind_what_it_holds() {
    let home = Home::new();
    many(&home);
    let mut terminal = home.at_prompt();
    terminal.enter("keys key:00? > keys.txt");
    terminal.shows("\nWrote 80 B to ");
    assert_eq!(home.read("work/keys.txt").lines().count(), 10);
    terminal.enter("get key:199 >> 'keys.txt'");
    assert_eq!(home.read("work/keys.txt").lines().last(), Some("value-199"));
    terminal.enter("count > ~/at-home");
    assert_eq!(home.read("at-home"), "200\n");
    let mode = std::fs::metadata(home.path("at-home")).unwrap().permissions().mode();
    assert_ne!(mode & 0o600, 0);
    terminal.enter("get nope > keys.txt");
    terminal.shows("Key 'nope' not found");
    terminal.enter("keys [ > keys.txt");
    assert_eq!(home.read("work/keys.txt").lines().count(), 11, "what fails leaves the file be");
    terminal.enter("count > no/such/folder");
    terminal.shows("error: cannot write to \"no/such/folder\"");
    terminal.enter("list > /dev/full");
    terminal.shows("error: cannot write to \"/dev/full\": No space");
    terminal.enter("count > a b");
    terminal.shows("error: expected one file");
    terminal.leave();
}

#[test]
fn the_files_of_the_database_are_not_written_over() {
    let home = Home::new();
    many(&home);
    let before = home.read("config/rusty-kv/kv.json");
    let mut terminal = home.at_prompt();
    for file in ["kv.json", "kv.json.journal", "kv.json.lock"] {
        terminal.enter(&format!("list > ../config/rusty-kv/{file}"));
        terminal.shows(&format!("{file}\" belongs to the database"));
    }
    terminal.leave();
    assert_eq!(home.read("config/rusty-kv/kv.json"), before);
    assert!(!home.path("config/rusty-kv/kv.json.journal").exists());
}

#[test]
fn what_changes_data_scripts_and_one_shots_take_the_signs_for_words() {
    let home = Home::new();
    home.run(&["set", "a", "|"]);
    assert_eq!(home.get("a"), "|\n");
    assert_eq!(home.run(&["get", "a", "|", "cat"]).status.code(), Some(1));
    home.write("lines.kv", "get a > x\nget a | touch y\n");
    let output = home.run(&["-f", "../lines.kv"]);
    assert_eq!(output.status.code(), Some(1));
    let mut terminal = home.at_prompt();
    terminal.enter("set b |");
    terminal.enter("append b >");
    terminal.enter("source ../lines.kv");
    terminal.shows("lines.kv:1: Key '>' not found");
    terminal.leave();
    assert_eq!(home.get("b"), "|>\n");
    assert!(!home.path("work/x").exists() && !home.path("work/y").exists());
}

#[test]
fn what_is_longer_than_the_screen_goes_into_the_pager() {
    let home = Home::new();
    many(&home);
    let mut terminal = home.terminal().env("PAGER", "sh -c 'echo from the pager; tail -1'").at_prompt();
    terminal.enter("keys");
    terminal.shows("kv> keys\nfrom the pager\n200 keys\nkv>");
    terminal.enter("keys key:00*");
    terminal.shows("key:009\n10 keys\nkv>");
    terminal.enter("pager off");
    terminal.shows("Pager is off");
    terminal.enter("keys");
    terminal.shows("\n… 100 more of 200 (--limit N, or pipe it)\nkv>");
    terminal.enter("pager on");
    terminal.enter("help");
    terminal.shows("Pager is on\nkv> help\nfrom the pager\n");
    terminal.leave();
}

#[test]
fn a_pager_that_is_left_early_or_fails_does_no_harm() {
    let home = Home::new();
    many(&home);
    let mut terminal = home.terminal().env("PAGER", "head -2").at_prompt();
    terminal.enter("list");
    terminal.shows("\nkey:000  value-0\nkv>");
    terminal.leave();
    let mut terminal = home.terminal().env("PAGER", "false").at_prompt();
    terminal.enter("list");
    terminal.shows("the program ended with status 1\nkv>");
    terminal.enter("count");
    terminal.shows("\n200\n");
    terminal.leave();
}

#[test]
fn less_is_the_usual_pager_and_colors_and_wide_text_come_through() {
    if !std::path::Path::new("/usr/bin/less").exists() {
        let _ = std::io::Write::write_all(&mut std::io::stderr(), b"skipped: there is no less\n");
        assert!(std::env::var_os("CI").is_none(), "there is no less");
        return;
    }
    let home = Home::new();
    many(&home);
    home.run(&["set", "key:000", "日本語"]);
    let mut terminal = home.at_prompt();
    terminal.press("list\r");
    terminal.wait("less", |seen| seen.before_cursor() == ":");
    terminal.shows("\nkey:000  日本語\n");
    assert!(!terminal.text().contains("ESC"));
    terminal.press("q");
    prompt_comes(&terminal);
    terminal.press("list\r");
    terminal.wait("less", |seen| seen.before_cursor() == ":");
    terminal.press("G");
    terminal.shows("200 keys");
    terminal.press("q");
    prompt_comes(&terminal);
    terminal.enter("get key:001");
    terminal.shows("\nvalue-1\nkv>");
    terminal.leave();
}

#[test]
fn there_is_no_pager_where_it_is_turned_off_or_the_terminal_is_dumb() {
    let home = Home::new();
    many(&home);
    for pager in ["", "cat", "/no/such/pager"] {
        let mut terminal = home.terminal().env("PAGER", pager).at_prompt();
        terminal.enter("keys");
        terminal.shows("\n… 100 more of 200 (--limit N, or pipe it)\nkv>");
        terminal.leave();
    }
    let mut terminal = home.terminal().env("TERM", "dumb").start();
    prompt_comes(&terminal);
    terminal.press("keys\n");
    terminal.shows("\n… 100 more of 200 (--limit N, or pipe it)\nkv>");
    terminal.leave();
    let mut terminal = home.terminal().columns(40).env("PAGER", "").at_prompt();
    terminal.enter("keys");
    terminal.shows("\n… 100 more of 200 (--limit N)\nkv>");
    terminal.leave();
}

#[test]
fn json_is_spread_out_and_colored_for_a_person() {
    let home = Home::new();
    home.run(&["set", "--json", "small", r#"{"a": 1}"#]);
    home.run(&["set", "--json", "nested", r#"{"a": {"b": {"c": "\u202e"}}, "d": [true, null]}"#]);
    let mut terminal = home.at_prompt();
    terminal.enter("get small");
    terminal.shows("\n{\"a\": 1}\nkv>");
    terminal.enter("get nested");
    terminal.shows("\n{\n  \"a\": {\n    \"b\": {\"c\": \"\\u202e\"}\n  },\n  \"d\": [true, null]\n}\nkv>");
    assert!(terminal.look(|seen| seen.raw.windows(5).any(|bytes| bytes == b"\x1b[35m")), "words are colored");
    terminal.enter("get nested -o json");
    terminal.shows("\n{\"a\":{\"b\":{\"c\":\"\\u202e\"}},\"d\":[true,null]}\nkv>");
    terminal.leave();
}

/// Makes a running command take long; more time does no harm.
fn takes_at_least(milliseconds: u64) {
    std::thread::sleep(std::time::Duration::from_millis(milliseconds));
}

#[test]
fn a_command_that_takes_long_says_so_and_one_with_a_person_in_it_does_not() {
    let home = Home::new();
    many(&home);
    let script = home.fifo();
    let mut terminal = home.at_prompt();
    terminal.enter("count | sleep 0.6");
    terminal.press("source ../fifo\r");
    home.fifo_is_read();
    takes_at_least(700);
    terminal.press(CTRL_C);
    let is_time = |line: &String| line.strip_suffix(" s").is_some_and(|time| time.parse::<f64>().is_ok());
    terminal.wait("the time", |seen| seen.lines().iter().any(is_time));
    terminal.press_until("clear\r", "Delete all 200 keys? (Ctrl-L clears the screen) [y/N] ");
    takes_at_least(700);
    terminal.press("n");
    terminal.press(ENTER);
    prompt_comes(&terminal);
    let times = |seen: &Seen| seen.lines().iter().filter(|line| line.ends_with(" s")).count();
    assert_eq!(terminal.look(times), 1);
    drop(script);
    terminal.enter("timer on");
    terminal.enter("count");
    terminal.wait("the time", |seen| seen.text().contains("200\n") && seen.text().contains("s\nkv>"));
    terminal.leave();
}

#[test]
fn how_far_something_long_is_is_shown_and_gone_when_it_is_done() {
    let home = Home::new();
    let script = home.fifo();
    let write = |line: &[u8]| std::io::Write::write_all(&mut &script, line).unwrap();
    let is_taken = |home: &Home| {
        home.fifo_is_read();
        crate::process::wait_until("the line is taken", || rustix::io::ioctl_fionread(&script).unwrap() == 0);
    };
    for columns in [80, 40] {
        let mut terminal = home.terminal().columns(columns).at_prompt();
        terminal.press("source ../fifo\r");
        write(b"set a 1\n");
        is_taken(&home);
        takes_at_least(1100);
        write(b"set b 1\n");
        terminal.shows("\nLoading ");
        terminal.press(CTRL_C);
        prompt_comes(&terminal);
        terminal.wait("no more of it", |seen| !seen.text().contains("Loading"));
        terminal.leave();
    }
    let mut terminal = home.terminal().env("TERM", "dumb").start();
    prompt_comes(&terminal);
    terminal.press("source ../fifo\n");
    write(b"set a 1\n");
    is_taken(&home);
    takes_at_least(1100);
    write(b"set b 1\nget b\n");
    terminal.shows("kv> 1");
    terminal.press(CTRL_C);
    prompt_comes(&terminal);
    assert!(!terminal.look(|seen| seen.raw.contains(&0x1b)));
    terminal.leave();
}

#[test]
fn a_script_run_from_the_prompt_says_how_much_it_was_not_each_change() {
    let home = Home::new();
    home.write("three.kv", "set a 1\nset b 2\n# a comment\nget a\n");
    let mut terminal = home.at_prompt();
    terminal.enter("source ../three.kv");
    terminal.shows("kv> source ../three.kv\n1\nRan 3 commands\nkv>");
    terminal.leave();
    let terminal = home.terminal().arg("-f").arg("../three.kv").start();
    terminal.shows("1");
    assert_eq!(terminal.text(), "1");
    assert_eq!(terminal.status(), 0);
}

#[test]
fn a_program_that_ends_within_a_row_leaves_it_on_the_screen() {
    let home = Home::new();
    home.run(&["set", "hello", "world"]);
    for columns in [80, 40] {
        let mut terminal = home.terminal().columns(columns).at_prompt();
        let shows = |terminal: &Terminal, rows: &[&str]| {
            terminal.wait(&rows.join(", "), |seen| seen.rows().windows(rows.len()).any(|window| window == rows));
        };
        terminal.enter("get hello | head -c 3");
        shows(&terminal, &["kv> get hello | head -c 3", "wor⏎", "kv>"]);
        terminal.enter("get hello | cat");
        shows(&terminal, &["kv> get hello | cat", "world", "kv>"]);
        let full = "x".repeat(usize::from(columns));
        terminal.enter(&format!("get hello | tr -d '\\n' | sed s/world/{full}/"));
        terminal.enter("count");
        shows(&terminal, &[&full, "kv> count"]);
        terminal.leave();
    }
}

#[test]
fn a_sign_that_is_stuck_to_a_word_is_pointed_out() {
    let home = Home::new();
    home.run(&["set", "hello", "world"]);
    let mut terminal = home.at_prompt();
    terminal.enter("get hello |cat");
    terminal.shows("'|cat' is a plain word; to send the answer elsewhere, put a space after the `|`\nkv>");
    terminal.enter("list >/tmp/x");
    terminal.shows("'>/tmp/x' is a plain word; to send the answer elsewhere, put a space after the `>`\nkv>");
    terminal.enter("get hello '|cat'");
    terminal.shows("kv> get hello '|cat'\nKEY    VALUE\nhello  world\nKey '|cat' not found\nkv>");
    terminal.leave();
}
