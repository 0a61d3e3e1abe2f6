//! Settings: what they are, where they come from, and what they do.

use crate::terminal::{CTRL_C, ENTER, Home, Seen, TAB, UP};

#[test]
fn a_setting_alone_says_what_it_is_and_config_says_where_all_come_from() {
    let home = Home::new();
    home.write("config/rusty-kv/rc", "timer on\nedit-mode vi\nmask api:*\n");
    let mut terminal = home.terminal().rows(60).columns(120).env("RUSTY_KV_DB", "work").env("PAGER", "cat").at_prompt();
    terminal.enter("timer");
    terminal.shows("\non\n");
    terminal.enter("edit-mode");
    terminal.shows("\nvi\n");
    terminal.enter("output json");
    terminal.enter("output");
    terminal.shows("\n\"json\"\n");
    terminal.enter("output plain");
    terminal.enter("hints off");
    terminal.enter("config");
    let text = terminal.text();
    let rows = [
        "SETTING    VALUE                             FROM",
        "db         ~/config/rusty-kv/work.json       environment (RUSTY_KV_DB)",
        "output     plain                             session",
        "timer      on                                rc",
        "mask       api:*                             rc",
        "pager      off                               environment (PAGER)",
        "hints      off                               session",
        "edit-mode  vi                                rc",
        "prompt     {db}{tx}>                         default",
        "history    ~/state/rusty-kv/history          default",
        "rc         ~/config/rusty-kv/rc              default",
    ];
    let squeeze = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown: Vec<String> = text.lines().map(squeeze).collect();
    for row in rows {
        assert!(shown.contains(&squeeze(row)), "{row}\n{text}");
    }
    terminal.enter("hints");
    terminal.shows("\noff\n");
    terminal.leave();
    let config = String::from_utf8(home.run(&["config", "-o", "json"]).stdout).unwrap();
    assert!(config.contains("{\"setting\":\"output\",\"value\":\"json\",\"from\":\"session\"}"), "{config}");
    assert!(!config.contains("hints"), "they are for the prompt");
}

#[test]
fn the_prompt_can_be_chosen_and_says_what_changes() {
    let home = Home::new();
    let mut terminal = home.at_prompt();
    terminal.enter("prompt '{db} {keys}{tx}> '");
    assert_eq!(terminal.look(Seen::before_cursor), "kv 0> ");
    terminal.enter("set a 1");
    assert_eq!(terminal.look(Seen::before_cursor), "kv 1> ");
    terminal.enter("begin");
    terminal.enter("set b 1");
    assert_eq!(terminal.look(Seen::before_cursor), "kv 2 (tx 1)> ");
    terminal.enter("prompt");
    terminal.shows("\n{db} {keys}{tx}>");
    terminal.enter("prompt --reset");
    assert_eq!(terminal.look(Seen::before_cursor), "kv (tx 1)> ");
    terminal.enter("prompt \"\\x1b[31m> \"");
    assert_eq!(terminal.look(Seen::before_cursor), "\\x1b[31m> ");
    terminal.enter("rollback");
    terminal.leave();
}

#[test]
fn history_off_keeps_no_lines_until_it_is_on_again() {
    let home = Home::new();
    let mut terminal = home.at_prompt();
    terminal.enter("history off");
    terminal.shows("History is off");
    terminal.enter("set hidden 1");
    terminal.press_until(UP, "kv> history off");
    terminal.cancel();
    terminal.enter("history on");
    terminal.enter("set shown 1");
    terminal.leave();
    assert_eq!(home.read("state/rusty-kv/history"), "#V2\nhistory off\nset shown 1\n");
}

#[test]
fn a_search_that_has_failed_runs_nothing_and_vi_searches_with_a_slash() {
    let home = Home::new();
    home.write("state/rusty-kv/history", "#V2\nset a 1\nset b 2\n");
    let mut terminal = home.at_prompt();
    terminal.press("\x12set axx");
    terminal.shows("(failed reverse-i-search)`set axx'");
    terminal.press_until(ENTER, "kv> ");
    terminal.press("\x12set axx");
    terminal.shows("(failed reverse-i-search)`set axx'");
    terminal.press("\x7f\x7f");
    let before = terminal.look(Seen::prompts);
    terminal.press(" ");
    terminal.shows("(reverse-i-search)`set a '");
    terminal.press(ENTER);
    terminal.wait("the next prompt", |seen| seen.prompts() > before && seen.is_at_prompt());
    terminal.shows("Set value for key: a");
    terminal.enter("edit-mode vi");
    terminal.press("get x\x1b");
    terminal.press_until("/", "/");
    terminal.press_until("set b", "/set b");
    terminal.press_until(ENTER, "kv> set b 2");
    let before = terminal.look(Seen::prompts);
    terminal.press(ENTER);
    terminal.wait("the next prompt", |seen| seen.prompts() > before && seen.is_at_prompt());
    terminal.shows("Set value for key: b");
    terminal.leave();
    assert_eq!((home.get("a"), home.get("b")), ("1\n".to_owned(), "2\n".to_owned()));
}

#[test]
fn a_line_that_begins_with_a_bang_runs_a_program() {
    let home = Home::new();
    let mut terminal = home.at_prompt();
    terminal.enter("!printf 'it''s %s' here");
    terminal.shows("\nits here⏎");
    terminal.enter("  ! exit 3");
    terminal.shows("'exit 3' ended with exit status: 3");
    terminal.enter("!");
    terminal.shows("expected a command of sh after `!`: !ls");
    terminal.press("!sleep 100\r");
    terminal.is_under_way();
    terminal.press(CTRL_C);
    terminal.shows("'sleep 100' ended with signal: 2");
    terminal.enter("set a !x");
    terminal.leave();
    assert_eq!(home.get("a"), "!x\n");
}

#[test]
fn answers_of_commands_that_change_go_into_programs_too_and_tab_knows_those() {
    let home = Home::new();
    home.run(&["set", "job", "one two"]);
    let mut terminal = home.at_prompt();
    terminal.enter("incr n 5 | sed s/^/n=/");
    terminal.shows("\nn=5\n");
    terminal.enter("getdel job | tr a-z A-Z");
    terminal.shows("\nONE TWO\n");
    terminal.press_until(&format!("keys | mkfif{TAB}"), "kv> keys | mkfifo ");
    terminal.cancel();
    terminal.press_until(&format!("!cat x; mkfif{TAB}"), "kv> !cat x; mkfifo ");
    terminal.cancel();
    terminal.leave();
    assert_eq!(home.get("job"), "");
}
