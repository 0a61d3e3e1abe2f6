//! `watch` and `wait` at the prompt.

use crate::terminal::{CTRL_C, ENTER, Home, Seen};

#[test]
fn a_watch_shows_what_others_change_until_ctrl_c() {
    let home = Home::new();
    home.run(&["set", "user:1", "Ada"]);
    for columns in [80, 40] {
        let mut terminal = home.terminal().columns(columns).at_prompt();
        terminal.press("watch user:*\r");
        terminal.shows("Watching user:*; press Ctrl-C to stop");
        home.run(&["set", "user:2", "Bob\x1b[31m"]);
        home.run(&["set", "other", "1"]);
        terminal.shows("set      user:2  Bob\\x1b[31m");
        home.run(&["del", "user:2"]);
        terminal.shows("del      user:2");
        home.run(&["set", "user:3", &"x".repeat(100), "--ttl", "300ms"]);
        terminal.shows("…  until 20");
        terminal.shows("expired  user:3");
        assert!(!terminal.text().contains("other"));
        terminal.press(CTRL_C);
        terminal.wait("the prompt", |seen| seen.before_cursor() == "kv> ");
        terminal.enter("get user:1");
        terminal.shows("\nAda\n");
        terminal.leave();
    }
}

#[test]
fn a_wait_ends_when_the_key_comes_or_by_ctrl_c() {
    let home = Home::new();
    let mut terminal = home.at_prompt();
    let waits = |seen: &Seen| seen.before_cursor().is_empty();
    terminal.press("wait job --equals done");
    terminal.press(ENTER);
    terminal.wait("a wait", waits);
    home.run(&["set", "job", "begun"]);
    // It checks about every 50 ms; if it ended here, `done` would come too late.
    std::thread::sleep(std::time::Duration::from_millis(150));
    assert_ne!(terminal.look(Seen::before_cursor), "kv> ", "another value does not do");
    home.run(&["set", "job", "done"]);
    terminal.shows("Key 'job' exists\nkv>");
    terminal.press("wait never\r");
    terminal.wait("a wait", waits);
    terminal.is_under_way();
    terminal.press(CTRL_C);
    terminal.shows("Stopped waiting\nkv>");
    terminal.enter("begin");
    terminal.enter("wait job");
    terminal.shows("a transaction is open; run `commit` or `rollback` first");
    terminal.enter("rollback");
    terminal.leave();
}
