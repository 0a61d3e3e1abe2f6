//! `stats`, `info` and `dbs` on a terminal.

use crate::terminal::Home;

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
        terminal.shows("bad: damaged at line 1 column 16: trailing comma; JSON has none after the last item");
        terminal.leave();
    }
}
