//! Secrets: `set --ask`, and masked values.

use crate::terminal::{CTRL_C, ENTER, Home, Signal, TAB, UP};

const HISTORY: &str = "state/rusty-kv/history";

/// Enters a secret, and waits for the next prompt.
fn answer(terminal: &mut crate::terminal::Terminal, line: &str, secret: &str) {
    terminal.press(format!("{line}\r"));
    terminal.wait(line, |seen| seen.before_cursor().starts_with("Value of "));
    terminal.enter(secret);
}

#[test]
fn a_secret_that_is_asked_for_is_stored_and_stands_nowhere_else() {
    let home = Home::new();
    let mut terminal = home.at_prompt();
    answer(&mut terminal, "set token --ask", "hunter1");
    terminal.shows("Value of 'token':\nSet value for key: token");
    answer(&mut terminal, "set token --ask", "huntre\x7f\x7fer2");
    answer(&mut terminal, "set cfg --json --ask", "{\"hunter3\":1,\"hunter3\":2}");
    terminal.shows("error: not valid JSON at line 1 column");
    terminal.press_until("get token", "kv> get token");
    terminal.shows("kv> get token  = ••••");
    terminal.cancel();
    terminal.enter("list");
    terminal.shows("\ntoken  ••••\n");
    terminal.enter("incr token");
    terminal.enter("undo");
    terminal.shows("Undid: set token back to ••••");
    assert!(!terminal.look(|seen| String::from_utf8_lossy(&seen.raw).contains("hunter")), "{}", terminal.text());
    terminal.enter("copy --prefix tok bak:tok");
    terminal.enter("list bak:*");
    terminal.shows("bak:token  ••••\n");
    terminal.enter("copy token other");
    terminal.enter("rename other token2");
    terminal.enter("list token2");
    terminal.shows("\ntoken2  ••••\n");
    terminal.enter("get token");
    terminal.shows("\nhunter1\n");
    terminal.leave();
    assert_eq!(
        home.read(HISTORY),
        "#V2\nlist\nincr token\nundo\ncopy --prefix tok bak:tok\nlist bak:*\ncopy token other\nrename other token2\nlist token2\nget token\n"
    );
}

#[test]
fn ctrl_c_at_the_question_sets_nothing_and_the_session_goes_on() {
    let home = Home::new();
    let mut terminal = home.at_prompt();
    terminal.press("set token --ask\r");
    terminal.wait("the question", |seen| seen.before_cursor().starts_with("Value of "));
    terminal.press("hunter2");
    terminal.cancel();
    terminal.shows("interrupted; nothing was changed");
    terminal.enter("set a 1");
    terminal.press("set token --ask\r");
    terminal.wait("the question", |seen| {
        seen.before_cursor().ends_with("Value of 'token': ") && seen.text().contains("key: a")
    });
    terminal.enter("first\rset b 2");
    terminal.shows("the value has several lines");
    terminal.enter("count");
    terminal.shows("\n1\n");
    terminal.leave();
}

#[test]
fn a_one_shot_asks_too_and_gives_the_terminal_back_whatever_ends_it() {
    let home = Home::new();
    let shell = "stty echo; trap : INT TERM; \"$@\"; echo status $?; stty -a | tr ' ' '\\n' | grep -x -e '-*echo;*'";
    let ask = || {
        let terminal = home.terminal().through(shell).arg("set").arg("token").arg("--ask").start();
        terminal.wait("the question", |seen| seen.before_cursor() == "Value of 'token': ");
        terminal
    };
    let mut terminal = ask();
    terminal.press(CTRL_C);
    terminal.shows("Value of 'token':\nstatus 130\necho");
    assert_eq!(terminal.status(), 0);
    assert!(!home.path("config").exists());
    let mut terminal = ask();
    terminal.press("hunt\x1aer2");
    terminal.press(ENTER);
    terminal.shows("Value of 'token':\nSet value for key: token\nstatus 0\necho");
    terminal.status();
    assert_eq!(home.get("token"), "hunter2\n");
}

#[test]
fn an_end_from_outside_gives_the_terminal_back_too() {
    let home = Home::new();
    let mut terminal = home.at_prompt();
    terminal.press("set token --ask\r");
    terminal.wait("the question", |seen| seen.before_cursor().starts_with("Value of "));
    terminal.send(Signal::SIGTERM);
    assert_eq!(terminal.signal(), Signal::SIGTERM);
    assert!(terminal.has_its_modes());
}

/// Three keys, of which two are masked in the rc file.
fn masked() -> Home {
    let home = Home::new();
    home.run(&["set", "api:key", "hunter2"]);
    home.run(&["set", "--json", "api:cfg", "{\"pass\":\"hunter3\"}"]);
    home.run(&["set", "name", "Ada"]);
    home.write("config/rusty-kv/rc", "timer off\nmask api:*\n");
    home
}

#[test]
fn a_masked_value_is_not_shown_at_the_prompt_but_given_where_it_is_asked_for() {
    let home = masked();
    home.run(&["export", "old.jsonl"]);
    let mut terminal = home.terminal().rows(60).at_prompt();
    terminal.enter("list");
    terminal.shows("api:cfg  ••••\napi:key  ••••\nname     Ada\n");
    terminal.enter("find hunter -o json");
    terminal.shows("{\"api:cfg\":\"••••\",\"api:key\":\"••••\"}");
    terminal.enter("list --select '.pass?'");
    terminal.shows("\napi:cfg  \"••••\"\n");
    terminal.enter("list --values --select . -o json");
    terminal.shows("[\"••••\",\"••••\",\"Ada\"]");
    terminal.enter("get api:cfg --select '.pass | length'");
    terminal.shows("\n7\n");
    terminal.enter("list api:* --select .pass.foo --strict");
    terminal.shows("'api:cfg': its value (json) is masked, so the reason is not shown");
    terminal.enter("info api:key");
    terminal.shows("size     ••••\n");
    terminal.shows("begins   ••••\n");
    terminal.enter("stats");
    terminal.press_until("get api:key", "kv> get api:key");
    terminal.shows("kv> get api:key  = ••••");
    terminal.cancel();
    terminal.press(format!("get api:cfg --pointer {TAB}"));
    terminal.shows("/pass");
    terminal.cancel();
    terminal.enter("set api:key hunter4");
    terminal.enter("set name Eve");
    terminal.press_until(UP, "kv> set name Eve");
    terminal.press_until(UP, "kv> stats");
    terminal.cancel();
    terminal.enter("undo 2");
    terminal.shows("Undid 2 steps: set api:key back to ••••; set name back to Ada");
    terminal.enter("import old.jsonl --dry-run -o json");
    home.run(&["set", "api:key", "hunter5"]);
    terminal.enter("import old.jsonl --dry-run");
    terminal.shows("~ api:key •••• → ••••");
    let text = terminal.text();
    assert!(text.lines().filter(|line| line.contains("hunter")).all(|line| line.starts_with("kv> ")), "{text}");
    terminal.enter("list api:key | cat");
    terminal.shows("api:key hunter5");
    terminal.enter("get api:key");
    terminal.shows("\nhunter5\n");
    terminal.enter("mask");
    terminal.shows("\napi:*\n");
    terminal.enter("mask --off");
    terminal.enter("list");
    terminal.shows("api:key  hunter5\n");
    terminal.leave();
    assert!(!home.read(HISTORY).contains("hunter4"));
}

#[test]
fn earlier_lines_that_set_a_key_are_not_shown_once_it_is_masked() {
    let home = Home::new();
    let mut terminal = home.at_prompt();
    terminal.enter("set pin 4711");
    terminal.enter("set port 80");
    terminal.enter("mask pin");
    terminal.shows("pin");
    let before = terminal.text().matches("4711").count();
    terminal.enter("history");
    terminal.shows("\nset port 80\nmask pin\nhistory\n");
    terminal.press_until("set pi", "kv> set pi");
    terminal.press("n ");
    terminal.shows("kv> set pin VALUE  = ••••");
    terminal.cancel();
    assert_eq!(terminal.text().matches("4711").count(), before, "{}", terminal.text());
    terminal.leave();
}

#[test]
fn a_one_shot_on_a_terminal_reads_the_masks_of_the_rc_file_and_nothing_else_of_it() {
    let home = masked();
    home.write("config/rusty-kv/rc", "set made yes\nmask api:*\n");
    let shows = |args: &[&str], wanted: &str| {
        let start = home.terminal();
        let terminal = args.iter().fold(start, |start, arg| start.arg(arg)).start();
        terminal.shows(wanted);
        let text = terminal.text();
        terminal.status();
        text
    };
    shows(&["list"], "api:cfg  ••••\napi:key  ••••\nname     Ada\n3 keys");
    shows(&["set", "api:key", "x", "--dry-run"], "~ api:key •••• → ••••");
    shows(&["get", "api:key"], "hunter2");
    assert_eq!(String::from_utf8(home.run(&["list", "api:key"]).stdout).unwrap(), "api:key\thunter2\n");
    home.write("config/rusty-kv/rc", "mask --of\n");
    let text = shows(&["list"], "3 keys");
    assert!(text.contains("warning: rc: ") && !text.contains("hunter") && !text.contains("Ada"), "{text}");
}
