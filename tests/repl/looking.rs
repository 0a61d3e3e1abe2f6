//! `stats`, `info` and `dbs` on a terminal.

use crate::terminal::{Home, Seen, Terminal};

#[test]
fn text_of_several_lines_is_shown_as_lines_and_what_acts_on_the_terminal_is_escaped() {
    let home = Home::new();
    home.run(&["set", "letter", "Dear\tAda,\n\x1b]0;t\x07bye\r\n"]);
    let mut terminal = home.at_prompt();
    let lines = "\nDear    Ada,\n\\x1b]0;t\\x07bye\\r\n\nkv>";
    let shows = |terminal: &Terminal, count| {
        assert_eq!(terminal.text().matches(lines).count(), count, "{}", terminal.text());
    };
    terminal.enter("get letter");
    shows(&terminal, 1);
    terminal.enter("get nothing --default \"x\\ny\"");
    terminal.shows("\nx\ny\nkv>");
    terminal.enter("output raw");
    terminal.enter("get letter");
    shows(&terminal, 2);
    terminal.enter("output plain");
    terminal.enter("list");
    terminal.shows("Dear\\tAda,\\n\\x1b]0;t\\x07bye\\r\\n");
    terminal.look(|seen| assert!(!seen.raw.contains(&7), "nothing acts on the terminal"));
    terminal.enter("getdel letter");
    shows(&terminal, 3);
    terminal.leave();
}

#[test]
fn raw_on_the_line_itself_is_exact_on_a_terminal_too_but_not_as_the_default() {
    let home = Home::new();
    home.run(&["set", "red", "\x1b[31mred\x1b[0m"]);
    let red = |seen: &Seen| seen.raw.windows(8).filter(|bytes| bytes == b"\x1b[31mred").count();
    let mut terminal = home.at_prompt();
    terminal.enter("get red -o raw");
    assert_eq!(terminal.look(red), 1);
    assert_eq!(terminal.look(Seen::before_cursor), "kv> ", "the prompt has a row of its own");
    terminal.shows("\nred");
    terminal.enter("list -o raw");
    terminal.shows("red  \\x1b[31mred");
    terminal.enter("output raw");
    terminal.enter("get red");
    terminal.shows("\n\\x1b[31mred\\x1b[0m\n");
    assert_eq!(terminal.look(red), 1);
    terminal.leave();
    let terminal = home.terminal().arg("get").arg("red").arg("-o").arg("raw").start();
    terminal.wait("the value", |seen| red(seen) == 1);
    assert_eq!(terminal.status(), 0);
    let mut terminal = home.terminal().arg("-o").arg("raw").at_prompt();
    terminal.enter("get red");
    terminal.shows("\n\\x1b[31mred");
    assert_eq!(terminal.look(red), 0);
    terminal.leave();
}

#[test]
fn stats_shows_bars_that_fit_the_terminal() {
    let home = Home::new();
    let lines = (0..40)
        .map(|n| format!("set user:{n} {}\n", "x".repeat(n + 1)))
        .chain((0..10).map(|n| format!("set log/{n} x\n")));
    home.write("work/a.kv", lines.collect::<Vec<_>>().concat());
    home.run(&["-f", "a.kv"]);
    for (columns, full) in [(80, 32), (40, 16)] {
        let mut terminal = home.terminal().columns(columns).env("PAGER", "cat").at_prompt();
        terminal.enter("stats");
        terminal.shows(&format!(
            "PREFIX  KEYS\nuser:     40  {}\nlog/      10  {}\n",
            "█".repeat(full),
            "█".repeat(full / 4)
        ));
        terminal.shows("\nsizes\nUP TO  VALUES\n  4 B      14  ");
        terminal.shows("save             nothing to do: every change is saved at once");
        terminal.shows("\nbiggest\nKEY      SIZE  TYPE\n");
        terminal.leave();
    }
    let mut terminal = home.at_prompt();
    terminal.enter("info user:39");
    terminal.shows(&format!("begins   {}", "x".repeat(40)));
    terminal.leave();
}

#[test]
fn dbs_marks_the_one_in_use_and_says_what_is_damaged() {
    let home = Home::new();
    let mut terminal = home.at_prompt();
    terminal.enter("dbs");
    terminal.shows("there are no databases in ");
    terminal.leave();
    home.run(&["set", "a", "1"]);
    home.run(&["-d", "work", "set", "a", "1"]);
    home.write("config/rusty-kv/bad.json", "{\"map\":{\"a\":\"1\",}}");
    for columns in [80, 40] {
        let mut terminal = home.terminal().columns(columns).at_prompt();
        terminal.enter("use work");
        terminal.enter("dbs");
        terminal.shows("NAME  KEYS  SIZE  CHANGED\nbad      ?  18 B  ");
        terminal.wait("the mark", |seen| {
            seen.lines()
                .iter()
                .any(|line| line.starts_with("work ") && line.ends_with("ago  *") || line.ends_with("ago   *"))
        });
        terminal.shows("bad: corrupt at line 1 column 16: trailing comma; JSON does not allow one after the last item");
        terminal.leave();
    }
}
