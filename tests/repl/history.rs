//! What was entered: Up and Down, `history`, and its file.

use std::os::unix::fs::PermissionsExt as _;

use crate::terminal::{DOWN, Home, UP};

const FILE: &str = "state/rusty-kv/history";

#[test]
fn a_line_is_there_in_the_next_session_unless_it_begins_with_a_blank() {
    let home = Home::new();
    let mut terminal = home.at_prompt();
    terminal.enter("set a 1");
    terminal.enter(" set secret 2");
    terminal.enter("set a 1");
    terminal.press_until("set b 'x\r", " '> ");
    terminal.enter("y'");
    terminal.leave();
    assert_eq!(home.read(FILE), "#V2\nset a 1\nset b 'x\\ny'\n");
    let mode = |path: &str| std::fs::metadata(home.path(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(FILE), mode("state/rusty-kv")), (0o600, 0o700));

    let mut terminal = home.at_prompt();
    terminal.press_until(UP, "y'");
    terminal.press_until(UP, "kv> ");
    terminal.press_until(UP, "kv> set a 1");
    terminal.cancel();
    terminal.enter("history");
    terminal.shows("\nset a 1\nset b 'x\ny'\nhistory\nkv>");
    terminal.enter("history 1");
    terminal.shows("\nhistory 1\nkv>");
    terminal.leave();
}

#[test]
fn two_sessions_keep_the_lines_of_both() {
    let home = Home::new();
    let (mut one, mut other) = (home.at_prompt(), home.at_prompt());
    for number in 0..3 {
        one.enter(&format!("set one {number}"));
        other.enter(&format!("set other {number}"));
    }
    one.leave();
    other.leave();
    let lines = home.read(FILE);
    for number in 0..3 {
        assert!(lines.contains(&format!("set one {number}\nset other {number}\n")), "{lines}");
    }
}

#[test]
fn up_and_down_look_for_what_the_line_begins_with() {
    let home = Home::new();
    home.write(FILE, "#V2\nget a\nset b 1\nget c\nset d 2\n");
    let mut terminal = home.at_prompt();
    terminal.press_until("get", "kv> get");
    terminal.press(UP);
    terminal.shows("kv> get c");
    terminal.press(UP);
    terminal.shows("kv> get a");
    terminal.press(DOWN);
    terminal.shows("kv> get c");
    terminal.cancel();
    for (key, line) in [(UP, "set d 2"), (UP, "get c"), (UP, "set b 1"), (DOWN, "get c"), (DOWN, "set d 2"), (DOWN, "")]
    {
        terminal.press_until(key, &format!("kv> {line}"));
    }
    terminal.leave();
}

#[test]
fn a_history_that_is_not_text_or_would_act_on_the_terminal_is_set_aside() {
    for damage in [&b"#V2\nget \xff\n"[..], b"#V2\nget \x1b[31ma\n", "#V2\nget \u{202e}\n".as_bytes()] {
        let home = Home::new();
        home.write(FILE, damage);
        let mut terminal = home.at_prompt();
        terminal.shows("is corrupt: it was moved to");
        terminal.enter("set a 1");
        terminal.leave();
        assert_eq!(std::fs::read(home.path("state/rusty-kv/history.damaged")).unwrap(), damage);
        assert_eq!(home.read(FILE), "#V2\nset a 1\n");
    }
}

#[test]
fn a_last_line_without_its_newline_stays_a_line_of_its_own() {
    for (before, after) in [
        ("#V2\nget a\nget b", "#V2\nget a\nget b\nset c 1\n"),
        ("#V2\r\nget a\r\nget b", "#V2\r\nget a\r\nget b\nset c 1\n"),
        ("#V2", "#V2\nset c 1\n"),
        ("get a\nget b", "#V2\nget a\nget b\nset c 1\n"),
        ("", "#V2\nset c 1\n"),
    ] {
        let home = Home::new();
        home.write(FILE, before);
        let mut terminal = home.at_prompt();
        terminal.enter("set c 1");
        terminal.leave();
        assert_eq!(home.read(FILE), after, "{before:?}");
    }
}

#[test]
fn a_history_that_cannot_be_written_is_said_once_and_lasts_for_the_session() {
    let home = Home::new();
    home.write("file", "");
    let mut terminal = home.terminal().env("RUSTY_KV_HISTORY", home.path("file/history")).at_prompt();
    terminal.enter("set a 1");
    terminal.enter("set b 2");
    terminal.press_until(UP, "kv> set b 2");
    terminal.cancel();
    let text = terminal.text().replace('\n', " ");
    assert_eq!(text.matches("kept for this session only").count(), 1, "{}", terminal.text());
    terminal.leave();
}

#[test]
fn the_environment_names_the_file_or_turns_it_off() {
    let home = Home::new();
    let mut terminal = home.terminal().env("RUSTY_KV_HISTORY", home.path("mine/lines")).at_prompt();
    terminal.enter("set a 1");
    terminal.leave();
    assert_eq!(home.read("mine/lines"), "#V2\nset a 1\n");

    for off in ["", "/dev/null"] {
        let mut terminal = home.terminal().env("RUSTY_KV_HISTORY", off).at_prompt();
        terminal.enter("set a 1");
        terminal.press_until(UP, "kv> set a 1");
        terminal.cancel();
        terminal.leave();
    }
    assert!(!home.path("state").exists());
}
