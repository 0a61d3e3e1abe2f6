//! Colors, hints and keys while a line is typed.

use std::os::unix::fs::PermissionsExt as _;

use crate::terminal::{ALT_ENTER, CTRL_C, CTRL_D, Home, Seen, Terminal, UP};

const LEFT: &str = "\x1b[D";
const RIGHT: &str = "\x1b[C";
const END: &str = "\x1b[F";
const CTRL_E: &str = "\x05";
const CTRL_F: &str = "\x06";
const CTRL_R: &str = "\x12";
const CTRL_X_CTRL_E: &str = "\x18\x05";
const ALT_F: &str = "\x1bf";
const BACKSPACE: &str = "\x7f";
const ESCAPE: &str = "\x1b";

fn home() -> Home {
    let home = Home::new();
    home.write(
        "setup.kv",
        "set --json user:1 {\"name\":\"Ada\"}\nset session:9 hello --ttl 30m\nset visits 41\nset long 'a long value of several words, longer than a narrow row'\nset emoji '👩‍🚀世界'\n",
    );
    assert!(home.run(&["-f", "../setup.kv"]).status.success());
    home
}

/// Types a text and expects this row, including the hint.
#[track_caller]
fn hints(terminal: &mut Terminal, typed: &str, row: &str) {
    terminal.press(typed);
    terminal.wait(row, |seen| seen.cursor_row() == row);
    terminal.cancel();
}

#[test]
fn a_long_text_that_comes_all_at_once_is_not_drawn_anew_for_each_character() {
    let home = Home::new();
    for (text, end) in [("x".repeat(8_000), ""), ("word 12 ".repeat(1_000), "'")] {
        let mut terminal = home.at_prompt();
        let quote = if end.is_empty() { "" } else { "'" };
        terminal.press(format!("set k {quote}{text}{end}\r"));
        terminal.wait("the answer", |seen| seen.before_cursor() == "kv> " && seen.prompts() == 2);
        let sent = terminal.look(|seen| seen.raw.len());
        assert!(sent < 3_000_000, "{sent} bytes");
        terminal.press_until("get k", "kv> get k");
        terminal.cancel();
        terminal.leave();
        assert_eq!(home.get("k").trim_end(), text.trim_end());
    }
}

#[test]
fn words_are_colored_by_what_they_are() {
    use vt100::Color::{Default, Idx};
    let home = home();
    let mut terminal = home.at_prompt();
    for (typed, word, color) in [
        ("set k v", "set", Idx(2)),
        ("set k v", "v", Default),
        ("sett k v", "sett", Idx(1)),
        ("set k 'a b'", "'a b'", Idx(2)),
        ("set k --ttl 5m", "--ttl", Idx(4)),
        ("set k -1.5", "-1.5", Idx(3)),
        ("set --json k {\"a\": [1]} ", "{\"a\": [1]}", Idx(5)),
        ("get k --nonsense ", "--nonsense", Idx(1)),
        ("get user:1 | jq .name", "jq .name", Idx(6)),
        ("list > out.txt", "out.txt", Idx(6)),
        ("set a | b", "| b", Default),
    ] {
        terminal.press(typed);
        terminal.wait(typed, |seen| seen.before_cursor() == format!("kv> {typed}"));
        assert!(terminal.look(|seen| seen.cells_of(word).all(|cell| cell.fgcolor() == color)), "{word} in {typed}");
        terminal.cancel();
    }
    terminal.press("set k \"open");
    terminal.wait("what is open", |seen| seen.before_cursor() == "kv> set k \"open");
    assert!(terminal.look(|seen| seen.cells_of("\"open").all(vt100::Cell::underline)));
    terminal.press("\"");
    terminal.wait("what is closed", |seen| seen.before_cursor() == "kv> set k \"open\"");
    assert!(terminal.look(|seen| !seen.cells_of("\"open\"").any(vt100::Cell::underline)));
    terminal.cancel();
    terminal.leave();
}

#[test]
fn arguments_to_come_shrink_as_they_are_typed() {
    let home = home();
    let mut terminal = home.at_prompt();
    hints(&mut terminal, "rename", "kv> rename KEY NEW [--replace] [--prefix]");
    hints(&mut terminal, "rename a ", "kv> rename a NEW [--replace] [--prefix]");
    hints(&mut terminal, "rename a b", "kv> rename a b [--replace] [--prefix]");
    hints(&mut terminal, "set k v --ttl ", "kv> set k v --ttl DURATION");
    terminal.press("set ");
    terminal.wait("a hint", |seen| seen.cursor_row().starts_with("kv> set KEY VALUE [--json] [--ttl DURATION]"));
    assert!(terminal.look(|seen| seen.cells_of("KEY VALUE").all(vt100::Cell::dim)));
    terminal.press(format!("{RIGHT}{END}{CTRL_E}{CTRL_F}x"));
    terminal.wait("no name of an argument", |seen| seen.before_cursor() == "kv> set x");
    terminal.cancel();
    terminal.leave();
}

#[test]
fn the_value_of_a_whole_key_is_shown_within_the_row() {
    let home = home();
    let mut terminal = home.at_prompt();
    hints(&mut terminal, "get user:1", "kv> get user:1  = {\"name\":\"Ada\"}");
    hints(&mut terminal, "set visits", "kv> set visits VALUE  = 41");
    hints(&mut terminal, "del nothing visits", "kv> del nothing visits  = 41");
    terminal.press("ttl session:9");
    terminal.wait("what is left", |seen| seen.cursor_row().ends_with("m left) hello"));
    terminal.cancel();
    home.run(&["set", "visits", "42"]);
    // Lookups are cached for a moment.
    crate::process::wait_until("the new value", || {
        terminal.press("incr visits");
        terminal.wait("a hint", |seen| seen.cursor_row().starts_with("kv> incr visits  = "));
        let row = terminal.look(Seen::cursor_row);
        terminal.cancel();
        row == "kv> incr visits  = 42"
    });
    terminal.leave();

    let mut terminal = home.terminal().columns(40).at_prompt();
    terminal.press("get long");
    terminal.wait("a cut value", |seen| seen.cursor_row().ends_with('…'));
    assert!(terminal.look(Seen::cursor_row).chars().count() < 40);
    terminal.cancel();
    terminal.leave();
}

#[test]
fn the_newest_line_that_begins_so_can_be_taken_whole_or_by_word() {
    let home = home();
    home.write("state/rusty-kv/history", "#V2\nget user:1\nset visits 7 --ttl 5m\n");
    let mut terminal = home.at_prompt();
    for key in [RIGHT, END, CTRL_E, CTRL_F] {
        terminal.press("set v");
        terminal.wait("a hint", |seen| seen.cursor_row() == "kv> set visits 7 --ttl 5m");
        terminal.press_until(key, "kv> set visits 7 --ttl 5m");
        terminal.cancel();
    }
    terminal.press("set v");
    terminal.wait("a hint", |seen| seen.cursor_row() == "kv> set visits 7 --ttl 5m");
    for line in ["kv> set visits", "kv> set visits 7", "kv> set visits 7 --ttl"] {
        terminal.press_until(ALT_F, line);
    }
    terminal.cancel();
    // A hint that is no longer shown cannot be accepted.
    terminal.press_until("get u", "kv> get u");
    terminal.press(format!("{LEFT}{RIGHT}"));
    terminal.press_until(RIGHT, "kv> get u");
    terminal.wait("the hint again", |seen| seen.cursor_row() == "kv> get user:1");
    terminal.press_until(RIGHT, "kv> get user:1");
    terminal.cancel();
    terminal.leave();
}

#[test]
fn nothing_is_left_of_a_hint_after_ctrl_c_and_enter() {
    let home = home();
    let mut terminal = home.at_prompt();
    terminal.press("rename");
    terminal.shows("[--replace]");
    terminal.cancel();
    assert!(terminal.text().ends_with("kv> rename\nkv>"), "{}", terminal.text());
    terminal.press("get visits");
    terminal.shows("= 41");
    terminal.enter("");
    assert!(terminal.text().ends_with("kv> get visits\n41\nkv>"), "{}", terminal.text());
    terminal.leave();
}

#[test]
fn hints_are_turned_off_and_on() {
    let home = home();
    let mut terminal = home.at_prompt();
    terminal.enter("hints off");
    terminal.shows("Hints are off");
    terminal.press_until("get visits", "kv> get visits");
    assert_eq!(terminal.look(Seen::cursor_row), "kv> get visits");
    terminal.cancel();
    terminal.enter("hints on");
    hints(&mut terminal, "get visits", "kv> get visits  = 41");
    terminal.leave();
    assert_eq!(home.run(&["hints", "on"]).status.code(), Some(2));

    // Without colors, hints would look like typed text.
    let mut terminal = home.terminal().env("NO_COLOR", "1").at_prompt();
    terminal.press_until("get visits", "kv> get visits");
    assert_eq!(terminal.look(Seen::cursor_row), "kv> get visits");
    terminal.cancel();
    terminal.enter("hints on");
    hints(&mut terminal, "get visits", "kv> get visits  = 41");
    terminal.leave();
}

#[test]
fn keys_are_listed_with_type_and_expiry_and_found_by_their_letters() {
    let home = home();
    let mut terminal = home.at_prompt();
    terminal.press("get s\t");
    terminal.wait("one key", |seen| seen.before_cursor() == "kv> get session:9 ");
    terminal.cancel();
    terminal.press("get \t\t");
    terminal.shows("user:1     json");
    terminal.wait("what is left", |seen| seen.text().contains("session:9  text, 29m left"));
    terminal.cancel();
    terminal.press_until("get ssn9\t", "kv> get session:9 ");
    terminal.cancel();
    terminal.press_until("expire visits 15\t\t", "kv> expire visits 15");
    terminal.shows("15s  15m  15h  15d");
    terminal.cancel();
    terminal.press_until("set a 1 --ttl 5\tm", "kv> set a 1 --ttl 5m");
    terminal.cancel();
    home.write("work/notes.txt", "");
    terminal.press_until("list > no\t", "kv> list > notes.txt ");
    terminal.cancel();
    terminal.press_until("list us\t", "kv> list user:1 ");
    terminal.cancel();
    terminal.leave();
}

#[test]
fn a_row_that_continues_has_a_prompt_of_what_is_open_and_leads_back() {
    let home = Home::new();
    let mut terminal = home.at_prompt();
    terminal.press_until("set poem \"roses\r", " \"> ");
    terminal.press_until("are red", " \"> are red");
    assert_eq!(terminal.look(Seen::prompt_color), vt100::Color::Idx(4));
    terminal.press_until(UP, "kv> set poem \"roses");
    assert_eq!(terminal.look(|seen| seen.text().matches("roses").count()), 1, "{}", terminal.text());
    terminal.press_until(BACKSPACE, "kv> set poem \"rose");
    terminal.press_until("\x1b[B", "are red");
    terminal.press_until(END, "are red");
    terminal.enter("\"");
    assert_eq!(home.get("poem"), "rose\nare red\n");

    terminal.press_until("set --json o {\"a\":\r", " {> ");
    terminal.press_until("1", " {> 1");
    terminal.press_until(&format!("{LEFT}{BACKSPACE}"), "kv> set --json o {\"a\":");
    terminal.press_until(END, "kv> set --json o {\"a\":1");
    terminal.enter("}");
    assert_eq!(home.get("o"), "{\"a\":1}\n");

    terminal.press_until("set x 'open\r", " '> ");
    terminal.press(CTRL_D);
    terminal.wait("the prompt", |seen| seen.before_cursor() == "kv> ");
    terminal.press_until("set y 'a\r", " '> ");
    terminal.enter("b' 'c");
    assert_eq!(terminal.look(Seen::before_cursor), " '> ", "it goes on where something new is open");
    terminal.press(CTRL_C);
    terminal.wait("the prompt", |seen| seen.before_cursor() == "kv> ");
    terminal.leave();
    assert_eq!((home.get("x"), home.get("y")), (String::new(), String::new()));
}

#[test]
fn ctrl_r_searches_the_history() {
    let home = Home::new();
    home.write("state/rusty-kv/history", "#V2\nset visits 1\nget other\n");
    let mut terminal = home.at_prompt();
    terminal.press(format!("{CTRL_R}visi"));
    terminal.shows("set visits 1");
    terminal.enter("");
    terminal.leave();
    assert_eq!(home.get("visits"), "1\n");
}

#[test]
fn the_keys_of_vi_are_there_when_they_are_asked_for() {
    let home = Home::new();
    let mut terminal = home.at_prompt();
    terminal.enter("edit-mode vi");
    terminal.shows("Edit mode is vi");
    terminal.press_until("set a 12", "kv> set a 12");
    // The cursor shows that the escape key was read by itself.
    terminal.press_until(ESCAPE, "kv> set a 1");
    terminal.press("x");
    terminal.wait("a key less", |seen| !seen.cursor_row().contains("12"));
    terminal.press_until("A", "kv> set a 1");
    terminal.enter("9");
    terminal.press("edit-mode emacs\r");
    terminal.shows("Edit mode is emacs");
    terminal.press_until("get \x01x", "kv> x");
    terminal.cancel();
    terminal.leave();
    assert_eq!(home.get("a"), "19\n");

    home.write("config/rusty-kv/rc", "edit-mode vi\nhints off\n");
    let mut terminal = home.at_prompt();
    terminal.press_until("get a", "kv> get a");
    terminal.press_until(ESCAPE, "kv> get ");
    terminal.press_until("0", "kv> ");
    terminal.cancel();
    terminal.leave();
}

/// A program that stands in for the editor.
fn editor(home: &Home, script: &str) -> std::path::PathBuf {
    home.write("editor", format!("#!/bin/sh\n{script}\n"));
    let path = home.path("editor");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    path
}

#[test]
fn a_line_goes_through_the_persons_own_editor_and_waits_for_enter() {
    let home = Home::new();
    let path = editor(&home, "stat -c '%a' \"$2\" \"$(dirname \"$2\")\" > ../modes; sed -i 's/1/2/' \"$2\"");
    let mut terminal = home.terminal().env("EDITOR", format!("'{}' --wait", path.display())).at_prompt();
    terminal.press(format!("set a 1{CTRL_X_CTRL_E}"));
    terminal.wait("the line", |seen| seen.before_cursor() == "kv> set a 2");
    assert_eq!(home.get("a"), "", "nothing is run before Enter");
    terminal.enter("");
    assert_eq!(home.get("a"), "2\n");
    assert_eq!(home.read("modes"), "600\n700\n");

    terminal.enter("set b 1");
    terminal.press("edit\r");
    terminal.wait("the last line", |seen| seen.before_cursor() == "kv> set b 2");
    terminal.enter("");
    assert_eq!(home.get("b"), "2\n");
    terminal.leave();

    let mut terminal = home.terminal().env("VISUAL", editor(&home, "exit 3")).at_prompt();
    terminal.press(format!("set c 1{CTRL_X_CTRL_E}"));
    terminal.shows("nothing was changed");
    terminal.wait("the same line", |seen| seen.before_cursor() == "kv> set c 1");
    terminal.cancel();
    terminal.leave();

    let mut terminal = home.terminal().env("VISUAL", "/no/such/editor").at_prompt();
    terminal.press(format!("set c 1{CTRL_X_CTRL_E}"));
    terminal.shows("cannot run the editor '/no/such/editor'");
    terminal.wait("the same line", |seen| seen.before_cursor() == "kv> set c 1");
    terminal.cancel();
    terminal.leave();

    let path = editor(&home, "printf 'set d \"x\\033[31m\\342\\200\\256\"\\nset e 5\\n' > \"$1\"");
    let mut terminal = home.terminal().env("VISUAL", path).at_prompt();
    terminal.press(CTRL_X_CTRL_E);
    terminal.wait("both lines", |seen| seen.before_cursor() == "set e 5");
    terminal.shows("set d \"x\\x1b[31m\\u{202e}\"");
    assert!(terminal.look(|seen| !String::from_utf8_lossy(&seen.raw).contains('\u{202e}')));
    terminal.enter("");
    terminal.leave();
    assert_eq!((home.get("d"), home.get("e")), ("x\x1b[31m\u{202e}\n".to_owned(), "5\n".to_owned()));
}

#[test]
fn a_line_in_vi_goes_to_the_editor_by_v() {
    let home = Home::new();
    let path = editor(&home, "sed -i 's/1/2/' \"$1\"");
    let mut terminal = home.terminal().env("EDITOR", path).at_prompt();
    terminal.enter("edit-mode vi");
    terminal.press_until("set vv 1", "kv> set vv 1");
    terminal.press_until(ESCAPE, "kv> set vv ");
    terminal.press("v");
    terminal.wait("the line", |seen| seen.before_cursor() == "kv> set vv 2");
    terminal.cancel();
    terminal.leave();
}

#[test]
fn a_pasted_block_is_shown_and_runs_line_by_line_at_enter() {
    let home = Home::new();
    let mut terminal = home.at_prompt();
    terminal.press("\x1b[200~set a 1\r\nset b 'two\r\nlines'\r\nnonsense\r\nset c {\"x\":\r\n1}\x1b[201~");
    terminal.wait("the block", |seen| seen.before_cursor() == "1}");
    assert_eq!(home.get("a"), "");
    terminal.enter("");
    terminal.shows("unknown command 'nonsense'");
    terminal.shows("Set value for key: c");
    let got: Vec<String> = ["a", "b", "c"].map(|key| home.get(key)).to_vec();
    assert_eq!(got, ["1\n", "two\nlines\n", "{\"x\":\n1}\n"]);
    terminal.press_until(&format!("set d 1{ALT_ENTER}set e 2"), "set e 2");
    terminal.enter("");
    terminal.leave();
    assert_eq!((home.get("d"), home.get("e")), ("1\n".to_owned(), "2\n".to_owned()));
}

#[test]
fn wide_characters_and_long_lines_keep_the_cursor_where_it_is() {
    let home = home();
    let mut terminal = home.terminal().columns(40).at_prompt();
    terminal.press("set 世界 👍é");
    terminal.wait("all of it", |seen| seen.cursor_row().starts_with("kv> set 世界 👍é"));
    terminal.press(format!("{}x", LEFT.repeat(3)));
    terminal.wait("the new key", |seen| seen.cursor_row().starts_with("kv> set 世界x 👍é"));
    terminal.enter("");
    assert_eq!(home.get("世界x"), "👍é\n");
    hints(&mut terminal, "get emoji", "kv> get emoji  = 👩‍🚀世界");

    let value = "0123456789".repeat(20);
    terminal.press(format!("set long {value}"));
    terminal.wait("the end of it", |seen| seen.text().contains(&format!("kv> set long {value}")));
    terminal.press("\x01");
    terminal.wait("its start", |seen| seen.before_cursor() == "kv> ");
    terminal.press(CTRL_E);
    terminal.enter("!");
    assert_eq!(home.get("long"), format!("{value}!\n"));
    let value = "x".repeat(100_000);
    terminal.enter(&format!("\x1b[200~set long {value}\x1b[201~"));
    assert_eq!(home.get("long").len(), 100_001);
    terminal.leave();
}

#[test]
fn what_was_no_command_is_not_suggested_and_a_value_comes_before_other_keys() {
    let home = home();
    let mut terminal = home.at_prompt();
    for line in ["list --bogus", "get visits user:1"] {
        terminal.enter(line);
    }
    hints(&mut terminal, "get visits", "kv> get visits  = 41");
    terminal.press("list --b");
    terminal.wait("no hint", |seen| seen.cursor_row() == "kv> list --b");
    terminal.cancel();
    terminal.leave();
}
