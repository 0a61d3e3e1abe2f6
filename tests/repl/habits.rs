//! Habits of other shells at the prompt.

use crate::terminal::Home;

#[test]
fn another_shells_names_work_also_with_a_pipe_and_what_was_meant_is_said() {
    let home = Home::new();
    let mut terminal = home.at_prompt();
    terminal.enter("mset hello world n 5");
    terminal.shows("\nSet 2 keys\nkv>");
    terminal.enter("mget hello n | tr a-z A-Z");
    terminal.shows("\nHELLO   WORLD\nN       5\nkv>");
    terminal.enter(".count | cat");
    terminal.shows("\n2\nkv>");
    terminal.enter("setex n 60 6");
    terminal.enter("undo");
    terminal.enter("get n");
    terminal.shows("\n5\nkv>");
    terminal.enter("set n 6;");
    terminal.shows("\nhint: the `;` was stored as part of the value; a line does not end in one\nkv>");
    terminal.enter("keys hell");
    terminal.shows("\nno keys\nhint: a pattern matches the whole key: hell* (or --prefix hell) finds keys");
    terminal.enter("list -k --limit 0");
    terminal.shows("\nno keys\nkv>");
    terminal.enter("list -k zz");
    terminal.shows("\nno keys\nhint: a pattern matches the whole key: zz* (or --prefix zz)");
    terminal.enter("get hello|cat");
    terminal.shows("\nhint: a pipe needs spaces around its `|`: get hello | cat\nkv>");
    terminal.enter("hget n field | cat");
    terminal.shows("\nhint: a hash is a JSON value: get n --pointer /field\nkv>");
    terminal.enter("mset a 1 | cat");
    terminal.shows("a pipe or redirection needs a command that only reads");
    terminal.enter("get a");
    terminal.shows("\nKey 'a' not found");
    terminal.press("quit;\r");
    assert_eq!(terminal.status(), 0);
}
