//! `undo` and open transactions, as a person sees them.

use crate::terminal::{CTRL_C, CTRL_D, Home, Seen};

#[test]
fn undo_takes_back_a_command_and_names_what_it_restored() {
    let home = Home::new();
    home.run(&["set", "n", "4"]);
    home.run(&["set", "--ttl", "1h", "user:1", "Ada"]);
    let mut terminal = home.at_prompt();
    terminal.enter("undo");
    terminal.shows("Nothing to undo");
    terminal.enter("set k v");
    terminal.enter("incr n 3");
    terminal.enter("del user:1");
    terminal.enter("get n");
    terminal.enter("undo");
    terminal.shows("Undone: restored user:1 (was deleted, expires in 1h)");
    terminal.enter("undo 2");
    terminal.shows("Undone 2 steps: removed k; set n back to 4");
    terminal.enter("undo");
    assert_eq!(terminal.text().matches("Nothing to undo").count(), 2);
    assert_eq!((home.get("n"), home.get("k"), home.get("user:1")), ("4\n".into(), String::new(), "Ada\n".into()));
    assert!(String::from_utf8(home.run(&["ttl", "user:1"]).stdout).unwrap().trim() != "none", "the expiry is back");
    terminal.enter("set n 9 --ttl 2h");
    terminal.enter("persist n");
    terminal.enter("undo");
    terminal.shows("Undone: n expires in 2h again");
    terminal.enter("undo 0");
    terminal.shows("expected a whole number of 1 or more, found '0'");
    terminal.leave();
}

#[test]
fn undo_takes_back_what_was_changed_inside_a_value() {
    let home = Home::new();
    home.run(&["set", "--json", "u", "{\"name\":\"Ada\",\"tags\":[1.10]}"]);
    let mut terminal = home.at_prompt();
    for line in [
        "set u --pointer /name Eve",
        "push u --pointer /tags 2 --json",
        "pop u --pointer /tags --front",
        "merge u {\"name\":null}",
        "patch u [{\"op\":\"remove\",\"path\":\"/tags\"}]",
    ] {
        terminal.enter(line);
    }
    assert_eq!(home.get("u"), "{}\n");
    terminal.enter("undo 5");
    terminal.shows("Undone 5 steps: set u back to");
    assert_eq!(home.get("u"), "{\"name\":\"Ada\",\"tags\":[1.10]}\n");
    terminal.leave();
}

#[test]
fn undo_takes_back_what_deletes_many_a_transaction_and_a_sourced_file_as_one_step_each() {
    let home = Home::new();
    let lines: Vec<String> = (0..200).map(|n| format!("set item:{n:03} {n}\n")).collect();
    home.write("work/setup.kv", lines.concat());
    let mut terminal = home.at_prompt();
    terminal.enter("source setup.kv");
    terminal.enter("del --glob item:1* -y");
    terminal.enter("begin");
    terminal.enter("set x 1");
    terminal.enter("set item:000 changed");
    terminal.enter("commit");
    terminal.enter("clear -y");
    terminal.shows("Deleted 101 keys");
    terminal.enter("undo");
    terminal.shows("Undone: restored 101 keys");
    terminal.enter("undo");
    terminal.shows("Undone: set item:000 back to 0; removed x");
    terminal.enter("undo");
    terminal.shows("Undone: restored 100 keys");
    terminal.enter("count");
    terminal.shows("\n200\n");
    terminal.enter("undo 7");
    terminal.shows("Undone 1 step: removed 200 keys");
    terminal.shows("There is nothing more to undo");
    terminal.leave();
}

/// Two values that are too much for `undo` together, and one more key.
fn large(home: &Home) {
    let [a, b] = ["a", "b"].map(|letter| letter.repeat(33 << 20));
    home.write("work/large.json", format!("{{\"map\":{{\"a\":\"{a}\",\"b\":\"{b}\",\"c\":\"1\"}}}}"));
}

#[test]
fn what_is_too_large_to_undo_is_said_before_it_is_done_and_a_no_changes_nothing() {
    let home = Home::new();
    large(&home);
    home.write("work/large.kv", "set c 2\nset a 1\nset b 1\nset c 3\n");
    let mut terminal = home.terminal().arg("-d").arg("./large.json").at_prompt();
    let questions = [
        ("clear", "Delete all 3 keys? (this cannot be undone; Ctrl-L clears the screen) [y/N] "),
        ("del --glob [ab]", "Delete 2 keys? (this cannot be undone) [y/N] "),
        ("del a b", "Do it anyway? [y/N] "),
        ("import ../small.jsonl", "Do it anyway? [y/N] "),
        ("restore ../small.json", "? (this cannot be undone) [y/N] "),
        ("drop ./large.json", "Delete the database './large.json' with 3 keys? (this cannot be undone) [y/N] "),
    ];
    home.write("small.jsonl", "{\"key\":\"a\",\"value\":\"1\"}\n{\"key\":\"b\",\"value\":\"1\"}\n");
    home.write("small.json", "{\"map\":{\"x\":\"1\"}}");
    for (command, question) in questions {
        terminal.press(format!("{command}\r"));
        terminal.wait(command, |seen| seen.before_cursor().ends_with("[y/N] "));
        terminal.shows(question.trim_end());
        terminal.enter("n");
    }
    terminal.enter("count");
    terminal.shows("\n3\n");
    terminal.press("source large.kv\r");
    terminal.wait("the question", |seen| seen.before_cursor().ends_with("Do it anyway? [y/N] "));
    terminal.enter("n");
    terminal.enter("get b | wc -c");
    terminal.shows(&((33 << 20) + 1).to_string());
    terminal.enter("undo");
    terminal.enter("get a | wc -c");
    terminal.enter("get c");
    terminal.shows("\n1\n");
    terminal.enter("begin");
    terminal.enter("del a b");
    terminal.press_until("commit\r", "The transaction is too large to undo. Commit it? (this cannot be undone) [y/N] ");
    terminal.enter("n");
    terminal.enter("rollback");
    terminal.press("del a b\r");
    terminal.wait("the question", |seen| seen.before_cursor().ends_with("Do it anyway? [y/N] "));
    terminal.enter("y");
    terminal.shows("Deleted 2 keys");
    terminal.enter("undo");
    terminal.shows("too large to undo");
    terminal.leave();
}

#[test]
fn use_and_restore_keep_what_can_be_undone() {
    let home = Home::new();
    home.run(&["set", "a", "1"]);
    home.run(&["save", "backup.json"]);
    let mut terminal = home.at_prompt();
    terminal.enter("set a 2");
    terminal.enter("set b 2");
    terminal.enter("use other");
    terminal.enter("undo");
    terminal.shows("Nothing to undo");
    terminal.enter("set a elsewhere");
    terminal.enter("use kv");
    terminal.enter("restore backup.json -y");
    terminal.shows("Restored 1 key");
    terminal.enter("undo");
    terminal.shows("Undone: set a back to 2; restored b (was deleted)");
    terminal.enter("undo 2");
    terminal.shows("Undone 2 steps: set a back to 1; removed b");
    terminal.enter("use other");
    terminal.enter("undo");
    terminal.shows("Undone: removed a");
    terminal.leave();
    assert_eq!(home.get("a"), "1\n");
}

#[test]
fn undo_asks_before_it_replaces_what_another_program_has_changed_since() {
    let home = Home::new();
    let mut terminal = home.at_prompt();
    terminal.enter("set a 1");
    terminal.enter("set n 1");
    home.run(&["set", "n", "7"]);
    terminal.enter("undo");
    terminal.shows("'n' was since changed by another program: its value is now 7. Undo it anyway? [y/N]");
    terminal.enter("n");
    terminal.shows("Nothing was undone");
    assert_eq!(home.get("n"), "7\n");
    terminal.enter("undo 2");
    terminal.enter("y");
    terminal.shows("Undone 2 steps: removed a; removed n");
    assert_eq!(home.get("n"), "");

    // Another program has done the same.
    terminal.enter("set m 1");
    terminal.enter("incr m");
    home.run(&["set", "m", "1"]);
    terminal.enter("undo");
    terminal.shows("Undone: nothing had changed");

    terminal.enter("set m 1");
    terminal.enter("set m 2");
    home.run(&["del", "m"]);
    terminal.enter("undo -y");
    terminal.shows("Undone: restored m (was deleted)");
    assert_eq!(home.get("m"), "1\n");
    home.run(&["set", "m", "9"]);
    terminal.enter("set other 1");
    terminal.enter("undo 2");
    terminal.enter("");
    terminal.shows("Undone 1 step: removed other");
    terminal.shows("The change before that was kept");
    assert_eq!(home.get("m"), "9\n");
    terminal.leave();
}

#[test]
fn within_a_transaction_its_own_commands_are_undone_and_the_prompt_counts_its_changes() {
    let home = Home::new();
    home.run(&["set", "a", "1"]);
    for columns in [80, 40] {
        let mut terminal = home.terminal().columns(columns).at_prompt();
        terminal.enter("set before 1");
        terminal.enter("begin");
        assert_eq!(terminal.look(Seen::before_cursor), "kv (tx 0)> ");
        terminal.enter("del a");
        terminal.enter("set b 2");
        assert_eq!(terminal.look(Seen::before_cursor), "kv (tx 2)> ");
        terminal.enter("undo");
        terminal.shows("Undone: removed b");
        assert_eq!(terminal.look(Seen::before_cursor), "kv (tx 1)> ");
        terminal.enter("undo");
        terminal.shows("Undone: restored a (was deleted)");
        assert_eq!(terminal.look(Seen::before_cursor), "kv (tx 0)> ");
        terminal.enter("undo");
        terminal.shows("Nothing to undo in this transaction; `rollback` discards it");
        terminal.enter("rollback");
        terminal.enter("undo");
        terminal.shows("Undone: removed before");
        terminal.leave();
    }
    let terminal = home.terminal().arg("--read-only").at_prompt();
    assert_eq!(terminal.look(Seen::before_cursor), "kv (read-only)> ");
    terminal.leave();
}

#[test]
fn who_leaves_an_open_transaction_is_asked() {
    let home = Home::new();
    let question = "A transaction with 3 changes is open; exit and discard them? [y/N] ";
    for (keys, status) in [("exit\r", 0), ("exit 3\r", 3), (CTRL_D, 0)] {
        let mut terminal = home.at_prompt();
        terminal.enter("begin");
        for key in ["a", "b", "c"] {
            terminal.enter(&format!("set {key} 1"));
        }
        for no in ["\r", "n\r", CTRL_C] {
            terminal.press_until(keys, question);
            terminal.press_until(no, "kv (tx 3)> ");
        }
        terminal.press_until(keys, question);
        terminal.press("y\r");
        terminal.shows("warning: the open transaction was rolled back (3 changes)");
        assert_eq!(terminal.status(), status, "{keys:?}");
        assert_eq!(home.get("a"), "", "{keys:?}");
    }
    // Who has gone away cannot answer.
    let mut terminal = home.at_prompt();
    terminal.enter("begin");
    terminal.enter("set a 1");
    terminal.press(CTRL_D);
    terminal.shows("exit and discard them? [y/N]");
    terminal.press(CTRL_D);
    assert_eq!(terminal.status(), 0);

    let mut terminal = home.terminal().arg("-y").at_prompt();
    terminal.enter("begin");
    terminal.enter("set a 1");
    assert_eq!(terminal.leave(), 0);

    let mut terminal = home.at_prompt();
    terminal.enter("begin");
    terminal.enter("get a");
    terminal.press("exit\r");
    terminal.wait("the end of the line", |seen| seen.before_cursor().is_empty());
    assert!(!terminal.text().contains("rolled back"), "there was nothing to lose");
    assert_eq!(terminal.status(), 0);
}

#[test]
fn use_asks_in_a_transaction_and_what_was_done_elsewhere_is_no_step() {
    let home = Home::new();
    let mut terminal = home.at_prompt();
    terminal.enter("begin");
    terminal.enter("set a 1");
    terminal
        .press_until("use other\r", "A transaction with 1 change is open; discard them and switch to other? [y/N] ");
    terminal.enter("");
    terminal.shows("Still using kv");
    assert_eq!(terminal.look(Seen::before_cursor), "kv (tx 1)> ");
    terminal
        .press_until("use other\r", "A transaction with 1 change is open; discard them and switch to other? [y/N] ");
    terminal.press_until("y\r", "other> ");
    terminal.enter("undo");
    terminal.shows("Nothing to undo");
    terminal.enter("set b 1");
    terminal.enter("undo");
    terminal.shows("Undone: removed b");
    terminal.leave();
    assert_eq!(home.get("a"), "");
}

#[test]
fn undo_is_for_the_prompt() {
    let home = Home::new();
    let undo = home.run(&["undo"]);
    assert_eq!(String::from_utf8(undo.stderr).unwrap(), "error: `undo` works only at the prompt\n");
    assert_eq!(undo.status.code(), Some(2));
    home.write("config/rusty-kv/rc", "set rc 1\n");
    home.write("work/a.kv", "set a 1\nundo\n");
    let mut terminal = home.at_prompt();
    terminal.enter("source a.kv");
    terminal.shows("a.kv:2: error: `undo` works only at the prompt");
    terminal.enter("undo 2");
    terminal.shows("Undone 1 step: removed a");
    assert_eq!(home.get("rc"), "1\n", "the rc script is no step");
    terminal.leave();
}

#[test]
fn what_a_key_or_a_value_holds_reaches_the_terminal_escaped_in_questions_and_answers() {
    let home = Home::new();
    let key = "k\x07\u{202e}\u{9b}";
    home.run(&["set", key, "a\x07"]);
    let mut terminal = home.at_prompt();
    let quoted = "\"k\\a\\u{202e}\\u{9b}\"";
    terminal.enter(&format!("set {quoted} \"b\\a\""));
    home.run(&["set", key, "c\x07"]);
    terminal.enter("undo");
    terminal.shows("'k\\x07\\u{202e}\\u{9b}' was since changed by another program: its value is now c\\x07.");
    terminal.enter("y");
    terminal.shows("Undone: set k\\x07\\u{202e}\\u{9b} back to a\\x07");
    terminal.enter(&format!("del {quoted}"));
    terminal.enter("undo");
    terminal.shows("Undone: restored k\\x07\\u{202e}\\u{9b} (was deleted)");
    terminal.enter(&format!("wait {quoted} --equals x --timeout 10ms"));
    terminal.shows("Key 'k\\x07\\u{202e}\\u{9b}' did not get the expected value within 10ms");
    terminal.enter("stats");
    terminal.shows("k\\x07\\u{202e}\\u{9b}");
    terminal.press(format!("watch {quoted}\r"));
    terminal.shows("Watching k\\x07\\u{202e}\\u{9b}; press Ctrl-C to stop");
    home.run(&["set", key, "d\x07"]);
    terminal.shows("set      k\\x07\\u{202e}\\u{9b}  d\\x07");
    terminal.press(CTRL_C);
    terminal.wait("the prompt", |seen| seen.before_cursor() == "kv> ");
    terminal.look(|seen| {
        for live in ["\x07", "\u{202e}", "\u{9b}"] {
            assert!(!seen.raw.windows(live.len()).any(|bytes| bytes == live.as_bytes()), "{live:?}");
        }
    });
    terminal.leave();
}

#[test]
fn redo_makes_again_what_was_undone_until_something_else_changes() {
    let home = Home::new();
    let mut terminal = home.at_prompt();
    terminal.enter("redo");
    terminal.shows("Nothing to redo");
    terminal.enter("set n 4");
    terminal.enter("set n 5 --ttl 2h");
    terminal.enter("del n");
    terminal.enter("undo 3");
    terminal.enter("redo");
    terminal.shows("Redid: set n to 4\n");
    terminal.enter("redo 5");
    terminal.shows("Redid 2 steps: deleted n\nThere is nothing more to redo");
    terminal.enter("undo");
    terminal.shows("Undone: restored n (was deleted, expires in");
    terminal.enter("undo");
    home.run(&["set", "n", "theirs"]);
    terminal.press("redo\r");
    terminal.shows("'n' was since changed by another program: its value is now theirs. Redo it anyway? [y/N]");
    terminal.enter("n");
    terminal.shows("Nothing was redone");
    terminal.enter("redo -y");
    terminal.shows("Redid: set n to 5 (expires in ");
    terminal.enter("begin");
    terminal.enter("set a 1");
    terminal.enter("incr a");
    terminal.enter("undo 2");
    terminal.enter("redo 2");
    terminal.shows("Redid 2 steps: set a to 2");
    terminal.enter("undo");
    terminal.enter("set b 1");
    terminal.enter("redo");
    terminal.shows("Nothing to redo in this transaction");
    terminal.enter("commit");
    terminal.leave();
    assert_eq!((home.get("a"), home.get("b"), home.get("n")), ("1\n".into(), "1\n".into(), "5\n".into()));
}
