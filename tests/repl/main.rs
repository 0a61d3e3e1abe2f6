//! The prompt, as a person sees it: on a pseudo-terminal, each test in a home of its own.

#![cfg(feature = "shell")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../suite/common/process.rs"]
mod process;

mod terminal;

mod completion;

mod edit;

mod habits;

mod help_examples;

mod history;

mod interchange;

mod elsewhere;

mod looking;

mod picture;

mod pointing;

mod run;

mod safety;

mod secrets;

mod settings;

mod signals;

mod typing;

mod undo;

mod watch;

use terminal::{ALT_ENTER, CTRL_C, CTRL_D, ENTER, Home, Seen, TAB};

#[test]
fn the_welcome_says_where_one_is_and_how_to_get_help() {
    let home = Home::new();
    let terminal = home.at_prompt();
    let welcome =
        concat!("rusty-kv ", env!("CARGO_PKG_VERSION"), "  ~/config/rusty-kv/kv.json  no file yet  (help, exit)");
    assert_eq!(terminal.text(), format!("{welcome}\nkv>"));
    assert_eq!(terminal.leave(), 0);
    assert!(!home.path("config").exists(), "looking makes nothing");

    home.run(&["set", "a", "1"]);
    let terminal = home.at_prompt();
    terminal.shows("kv.json  1 key  (help");
    terminal.leave();

    home.run(&["set", "b", "2"]);
    let terminal = home.terminal().columns(40).at_prompt();
    let first = concat!("rusty-kv ", env!("CARGO_PKG_VERSION"));
    assert_eq!(terminal.text(), format!("{first}\n~/config/rusty-kv/kv.json  2 keys\n(help, exit)\nkv>"));
    terminal.leave();

    let terminal = home.terminal().arg("--quiet").at_prompt();
    assert_eq!(terminal.text(), "kv>");
    terminal.leave();
}

#[test]
fn a_value_that_was_set_is_there() {
    let home = Home::new();
    let mut terminal = home.at_prompt();
    terminal.enter("set greeting 'hello world'");
    terminal.shows("Set value for key: greeting");
    terminal.enter("get greeting");
    terminal.shows("\nhello world\nkv>");
    terminal.leave();
    assert_eq!(home.get("greeting"), "hello world\n");
}

#[test]
fn the_prompt_names_the_database_and_follows_use() {
    let home = Home::new();
    home.run(&["-d", "work", "set", "a", "1"]);
    home.run(&["-d", "./ev\x1bil.json", "set", "a", "1"]);
    let mut terminal = home.at_prompt();
    terminal.enter("use work");
    assert_eq!(terminal.look(Seen::before_cursor), "work> ");
    terminal.enter("use \"./ev\\x1bil.json\"");
    assert_eq!(terminal.look(Seen::before_cursor), "ev\\x1bil.json> ");
    terminal.leave();

    let terminal = home.terminal().arg("--read-only").arg("-d").arg("./ev\x1bil.json").at_prompt();
    assert_eq!(terminal.look(Seen::before_cursor), "ev\\x1bil.json (read-only)> ");
    terminal.leave();
}

#[test]
fn an_open_quote_or_bracket_goes_on_on_the_next_line() {
    let home = Home::new();
    for columns in [80, 40] {
        let mut terminal = home.terminal().columns(columns).at_prompt();
        terminal.press("set poem \"roses\r");
        terminal.shows("(\" is open: close it, or Ctrl-C)");
        terminal.press("are\r");
        terminal.shows("\n \"> are\n \"> (\" is open");
        terminal.enter("red\"");
        terminal.press("set --json o {\"a\":\r");
        terminal.shows("(JSON is open: close it, or Ctrl-C)");
        terminal.enter("[1]}");
        assert!(!terminal.text().contains("is open"), "the hint does not stay");
        terminal.leave();
        assert_eq!(home.get("poem"), "roses\nare\nred\n");
        assert_eq!(home.get("o"), "{\"a\":[1]}\n");
    }
}

#[test]
fn ctrl_c_clears_the_line_also_in_a_continuation_and_the_session_goes_on() {
    let home = Home::new();
    let mut terminal = home.at_prompt();
    terminal.press_until("set a 1", "kv> set a 1");
    terminal.cancel();
    terminal.press("set b 'x\ry");
    terminal.wait("the second row", |seen| seen.before_cursor() == " '> y");
    terminal.cancel();
    terminal.enter("set c 1");
    assert_eq!(terminal.leave(), 0);
    assert_eq!(home.read("config/rusty-kv/kv.json"), "{\n  \"map\": {\n    \"c\": \"1\"\n  }\n}\n");
}

#[test]
fn alt_enter_begins_a_new_line_and_both_are_run() {
    let home = Home::new();
    let mut terminal = home.at_prompt();
    terminal.enter(&format!("set a 1{ALT_ENTER}set b 2"));
    terminal.leave();
    assert_eq!((home.get("a"), home.get("b")), ("1\n".to_owned(), "2\n".to_owned()));
}

#[test]
fn ctrl_d_leaves_with_status_0_on_a_line_of_its_own_whatever_went_wrong_before() {
    let home = Home::new();
    let mut terminal = home.at_prompt();
    terminal.enter("get nothing");
    terminal.enter("no such command");
    terminal.press(CTRL_D);
    terminal.wait("the end of the line", |seen| seen.before_cursor().is_empty());
    assert_eq!(terminal.status(), 0);
}

#[test]
fn exit_leaves_with_its_status() {
    let home = Home::new();
    for (line, status) in [("exit 3\r", 3), ("exit\r", 0), ("QUIT\r", 0)] {
        let mut terminal = home.at_prompt();
        terminal.enter("get nothing");
        terminal.press(line);
        assert_eq!(terminal.status(), status, "{line}");
    }
}

#[test]
fn an_unknown_command_names_the_nearest() {
    let home = Home::new();
    let mut terminal = home.at_prompt();
    terminal.enter("sett a 1");
    terminal.shows("unknown command 'sett'; did you mean 'set'?");
    terminal.leave();
}

#[test]
fn colours_are_there_unless_they_are_turned_off() {
    let home = Home::new();
    let mut terminal = home.at_prompt();
    assert_eq!(terminal.look(Seen::prompt_color), vt100::Color::Idx(4));
    terminal.enter("nonsense");
    assert!(terminal.look(|seen| seen.raw.windows(4).any(|bytes| bytes == b"\x1b[1;")));
    terminal.leave();

    let starts = [
        home.terminal().env("NO_COLOR", "1"),
        home.terminal().arg("--color").arg("never"),
        home.terminal().env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1"),
    ];
    for start in starts {
        let mut terminal = start.at_prompt();
        terminal.press("set a 'x\r");
        terminal.shows("is open");
        terminal.enter("y'");
        terminal.enter("nonsense");
        let raw = terminal.look(|seen| String::from_utf8(seen.raw.clone()).unwrap());
        let styles = raw
            .split("\x1b[")
            .skip(1)
            .filter(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').starts_with('m'));
        assert_eq!(styles.count(), 0, "{raw:?}");
        terminal.leave();
    }
}

#[test]
fn a_dumb_terminal_is_usable() {
    let home = Home::new();
    let mut terminal = home.terminal().env("TERM", "dumb").start();
    terminal.wait("the prompt", |seen| seen.before_cursor() == "kv> ");
    terminal.press("set a 'x\n");
    terminal.wait("what is open", |seen| seen.before_cursor().ends_with(" '> "));
    terminal.press(CTRL_C);
    terminal.wait("the prompt", |seen| seen.before_cursor() == "kv> ");
    terminal.press("set a 'x\ny'\n");
    terminal.press("sett\n");
    terminal.shows("did you mean 'set'?");
    terminal.wait("the prompt", |seen| seen.before_cursor() == "kv> ");
    terminal.press("clear\n");
    terminal.wait("the question", |seen| seen.before_cursor().ends_with("(Ctrl-L clears the screen) [y/N] "));
    terminal.press("y\n");
    terminal.shows("Deleted 1 key");
    terminal.wait("the prompt", |seen| seen.before_cursor() == "kv> ");
    terminal.press(CTRL_D);
    terminal.wait("the end of the line", |seen| seen.before_cursor().is_empty());
    assert!(!terminal.look(|seen| seen.raw.contains(&0x1b)));
    assert_eq!(terminal.status(), 0);
    assert_eq!(home.get("a"), "", "it was cleared");
}

#[test]
fn the_rc_script_runs_at_the_prompt_only_and_its_mistakes_do_not_end_the_session() {
    let home = Home::new();
    home.write("config/rusty-kv/rc", "# mine\nset from-rc 1\nnonsense\nset 'open\n");
    home.run(&["set", "a", "1"]);
    assert_eq!(home.get("from-rc"), "");
    let terminal = home.at_prompt();
    let text = terminal.text();
    let (third, rest) = text.split_once('\n').unwrap();
    assert!(third.starts_with("rc:3: ") && third.contains("unknown command 'nonsense'"), "{text}");
    assert!(rest.starts_with("rc:4: ") && text.contains("is never closed"), "{text}");
    terminal.shows("2 keys  (help, exit)");
    assert_eq!(terminal.leave(), 0);
    assert_eq!(home.get("from-rc"), "1\n");

    home.write("config/rusty-kv/rc", "set crlf 1\r\nset last 1");
    home.at_prompt().leave();
    assert_eq!((home.get("crlf"), home.get("last")), ("1\n".to_owned(), "1\n".to_owned()));

    home.write("config/rusty-kv/rc", "use work\n");
    let terminal = home.at_prompt();
    assert_eq!(terminal.look(Seen::before_cursor), "work> ");
    terminal.leave();

    home.write("config/rusty-kv/rc", "exit 7\n");
    assert_eq!(home.terminal().start().status(), 7);
}

#[test]
fn much_is_deleted_only_after_a_yes() {
    let home = Home::new();
    home.write("setup.kv", "set a 1\nset b 2\n");
    let mut terminal = home.at_prompt();
    let fill = |terminal: &mut terminal::Terminal| terminal.enter("source ../setup.kv");
    for answer in ["n", "", "nonsense", CTRL_C, CTRL_D, &format!("{TAB}n")] {
        fill(&mut terminal);
        terminal.press_until("clear\r", "Delete all 2 keys? (Ctrl-L clears the screen) [y/N] ");
        terminal.press(answer);
        if ![CTRL_C, CTRL_D].contains(&answer) {
            terminal.press(ENTER);
        }
        terminal.wait("the prompt", |seen| seen.before_cursor() == "kv> ");
        assert_eq!(home.get("a"), "1\n", "{answer:?}");
    }
    terminal.press_until("clear\r", "Delete all 2 keys? (Ctrl-L clears the screen) [y/N] ");
    terminal.press("Yes\r");
    terminal.wait("the prompt", |seen| seen.before_cursor() == "kv> ");
    assert_eq!(home.get("a"), "");
    terminal.press_until(terminal::UP, "kv> clear");
    terminal.cancel();
    terminal.leave();

    fill(&mut home.at_prompt());
    let mut terminal = home.terminal().arg("--yes").at_prompt();
    terminal.enter("clear");
    terminal.leave();
    assert_eq!(home.get("a"), "");
}

#[test]
fn clear_asks_for_a_single_key_too_and_names_the_key_that_clears_the_screen() {
    let home = Home::new();
    let mut terminal = home.at_prompt();
    terminal.enter("clear");
    terminal.shows("Deleted 0 keys (Ctrl-L clears the screen)");
    terminal.enter("set a 1");
    terminal.press_until("clear\r", "Delete the only key? (Ctrl-L clears the screen) [y/N] ");
    terminal.enter("");
    terminal.shows("Nothing was deleted");
    assert_eq!(home.get("a"), "1\n");
    terminal.leave();
}

#[test]
fn what_others_write_meanwhile_is_seen() {
    let home = Home::new();
    let mut terminal = home.at_prompt();
    terminal.enter("get late");
    home.run(&["set", "late", "but here"]);
    terminal.enter("get late");
    terminal.shows("\nbut here\n");
    home.run(&["set", "later", "1"]);
    terminal.press_until("get lat\t", "kv> get late");
    terminal.press_until("r\t", "kv> get later ");
    terminal.cancel();
    terminal.leave();
}

#[test]
fn a_paste_waits_for_enter_and_runs_line_by_line() {
    let home = Home::new();
    let mut terminal = home.at_prompt();
    terminal.press("\x1b[200~set a 1\nset b 'two\nlines'\nset c 3\n\x1b[201~");
    terminal.shows("set c 3");
    assert_eq!(home.get("a"), "", "a paste alone runs nothing");
    terminal.enter("");
    terminal.leave();
    let got: Vec<String> = ["a", "b", "c"].map(|key| home.get(key)).to_vec();
    assert_eq!(got, ["1\n", "two\nlines\n", "3\n"]);
}

#[test]
fn what_is_typed_ahead_is_not_lost() {
    let home = Home::new();
    let mut terminal = home.at_prompt();
    terminal.press("set a 1\rset b 2\rset c 3\r");
    terminal.wait("three more prompts", |seen| seen.prompts() == 4 && seen.before_cursor() == "kv> ");
    terminal.leave();
    let got: Vec<String> = ["a", "b", "c"].map(|key| home.get(key)).to_vec();
    assert_eq!(got, ["1\n", "2\n", "3\n"]);
}

#[test]
fn a_transaction_is_confirmed_and_seen_by_others_at_its_commit() {
    let home = Home::new();
    let mut terminal = home.at_prompt();
    terminal.enter("begin");
    terminal.shows("Transaction started");
    for key in ["a", "b", "c"] {
        terminal.enter(&format!("set {key} 1"));
    }
    assert_eq!(home.get("a"), "", "it is not stored yet");
    terminal.enter("save");
    terminal.shows("a transaction is open; run `commit` or `rollback` first");
    terminal.enter("commit");
    terminal.shows("Committed 3 changes");
    assert_eq!(home.get("c"), "1\n");
    terminal.enter("multi");
    terminal.enter("del a b");
    terminal.enter("rollback");
    terminal.shows("Rolled back 2 changes");
    assert_eq!(terminal.leave(), 0);
    assert_eq!(home.get("a"), "1\n");
}

#[test]
fn tab_in_a_transaction_reads_nothing_that_its_commit_rests_on() {
    let home = Home::new();
    home.run(&["set", "apple", "1"]);
    let mut terminal = home.at_prompt();
    terminal.enter("begin");
    terminal.enter("set mine 1");
    terminal.press_until("get app\t", "kv (tx 1)> get apple ");
    terminal.cancel();
    home.run(&["set", "apple", "2"]);
    terminal.enter("commit");
    terminal.shows("Committed 1 change");
    terminal.enter("begin");
    terminal.enter("get apple");
    home.run(&["set", "apple", "3"]);
    terminal.enter("set mine 2");
    terminal.enter("commit");
    terminal.shows("key \"apple\" was changed by another process");
    terminal.leave();
    assert_eq!(home.get("mine"), "1\n");
}
