//! Completion with Tab.

use crate::terminal::{Home, Terminal};

/// Types a text, presses Tab, and expects this row up to the cursor; then clears the line.
fn completes(terminal: &mut Terminal, typed: &str, line: &str) {
    terminal.press_until(&format!("{typed}\t"), &format!("kv> {line}"));
    terminal.cancel();
}

/// Types a text, presses Tab twice, and expects this row in the list; then clears the line.
fn lists(terminal: &mut Terminal, typed: &str, row: &str) {
    terminal.press(format!("{typed}\t\t"));
    terminal.wait(row, |seen| seen.lines().iter().any(|line| line == row));
    terminal.cancel();
    // The next list must not be mistaken for this one.
    terminal.press("\x0c");
    terminal.wait("an empty screen", |seen| seen.text() == "kv>");
}

fn home() -> Home {
    let home = Home::new();
    home.write(
        "setup.kv",
        "set apple 1\nset apricot 1\nset 'my key' 1\nset 'my kind' 1\nset \"esc\\x1b[31m\" 1\n\
         set \"rtl\\u{202e}x\" 1\nset \"it's mine\" 1\nset -- '-dash' 1\nset \"tab\\tkey\" 1\n",
    );
    assert!(home.run(&["-f", "../setup.kv"]).status.success());
    home
}

#[test]
fn the_first_word_is_a_command() {
    let home = home();
    let mut terminal = home.at_prompt();
    completes(&mut terminal, "exi", "exi");
    completes(&mut terminal, "pers", "persist ");
    completes(&mut terminal, "UNS", "unset ");
    lists(&mut terminal, "get", "getdel  Print a value and delete its key");
    lists(&mut terminal, "help ex", "exec        exists      exit        exit-codes  expire      export");
    completes(&mut terminal, "help exit-", "help exit-codes ");
    completes(&mut terminal, "nonsense a", "nonsense a");
    terminal.leave();
}

#[test]
fn a_key_is_completed_from_the_database_and_quoted_where_it_must_be() {
    let home = home();
    let mut terminal = home.at_prompt();
    completes(&mut terminal, "get app", "get apple ");
    completes(&mut terminal, "get ap", "get ap");
    lists(&mut terminal, "get ap", "apple    text  apricot  text");
    completes(&mut terminal, "get my", "get 'my k");
    completes(&mut terminal, "get my\tey", "get 'my key' ");
    completes(&mut terminal, "get \"my ke", "get \"my key\" ");
    completes(&mut terminal, "get 'my ki", "get 'my kind' ");
    completes(&mut terminal, "get it", "get 'it\\'s mine' ");
    completes(&mut terminal, "get '-", "get '-dash' ");
    completes(&mut terminal, "copy apple apr", "copy apple apricot ");
    completes(&mut terminal, "get apple app", "get apple apple ");
    completes(&mut terminal, "del --prefix app", "del --prefix apple ");
    completes(&mut terminal, "set a app", "set a app");
    lists(&mut terminal, "get my", "my key   text  my kind  text");
    terminal.leave();
}

#[test]
fn a_key_that_would_act_on_the_terminal_is_escaped_in_the_line_and_in_the_list() {
    let home = home();
    for columns in [80, 40] {
        let mut terminal = home.terminal().columns(columns).arg("--color").arg("never").at_prompt();
        completes(&mut terminal, "get esc", "get \"esc\\x1b[31m\" ");
        completes(&mut terminal, "get rtl", "get \"rtl\\u{202e}x\" ");
        completes(&mut terminal, "get ta", "get \"tab\\tkey\" ");
        terminal.press("get \t\t");
        terminal.shows("esc\\x1b[31m");
        terminal.shows("rtl\\u{202e}x");
        terminal.shows("tab\\tkey");
        terminal.look(|seen| {
            assert!(!seen.raw.windows(5).any(|bytes| bytes == b"\x1b[31m"));
            assert!(!String::from_utf8_lossy(&seen.raw).contains('\u{202e}'));
        });
        terminal.cancel();
        terminal.leave();
    }
}

#[test]
fn flags_and_their_values_are_those_of_the_command() {
    let home = home();
    home.write("work/a file.txt", "");
    home.write("work/folder/inner", "");
    let mut terminal = home.at_prompt();
    completes(&mut terminal, "set a b --ex", "set a b --expires-at ");
    completes(&mut terminal, "set a b --if-", "set a b --if-");
    lists(&mut terminal, "set a b --if-", "--if-present  Set only if the key already exists");
    completes(&mut terminal, "set a b --if-absent --if-a", "set a b --if-absent --if-a");
    completes(&mut terminal, "get -o j", "get -o json");
    completes(&mut terminal, "get --output=t", "get --output=table ");
    completes(&mut terminal, "-o json get app", "-o json get apple ");
    completes(&mut terminal, "output r", "output raw ");
    completes(&mut terminal, "timer of", "timer off ");
    completes(&mut terminal, "set a --file a", "set a --file 'a file.txt' ");
    completes(&mut terminal, "set a --file=a", "set a --file='a file.txt' ");
    completes(&mut terminal, "source fo", "source folder/");
    completes(&mut terminal, "source folder/", "source folder/inner ");
    completes(&mut terminal, "save ./fol", "save ./folder/");
    completes(&mut terminal, "get -- --", "get -- --");
    terminal.leave();
}

#[test]
fn databases_come_after_use_and_drop_by_name_or_by_path() {
    let home = home();
    home.run(&["-d", "work", "set", "a", "1"]);
    home.run(&["-d", "./project.json", "set", "a", "1"]);
    let mut terminal = home.at_prompt();
    completes(&mut terminal, "use wo", "use work ");
    completes(&mut terminal, "drop w", "drop work ");
    completes(&mut terminal, "use ./pro", "use ./project.json ");
    completes(&mut terminal, "source pro", "source project.json");
    lists(&mut terminal, "use ", "kv    work");
    terminal.leave();
}

#[test]
fn what_stands_behind_the_cursor_stays() {
    let home = home();
    let mut terminal = home.at_prompt();
    let left = "\x1b[D";
    terminal.press_until(&format!("get app apricot{}", left.repeat(8)), "kv> get app");
    terminal.press("\t");
    terminal.shows("kv> get apple apricot");
    terminal.cancel();
    terminal.press_until(&format!("get 'my ki'{left}"), "kv> get 'my ki");
    terminal.press_until("\t", "kv> get 'my kind");
    terminal.shows("kv> get 'my kind'");
    terminal.cancel();
    terminal.leave();
}

#[test]
fn very_many_keys_are_listed_in_part() {
    let home = Home::new();
    let lines: Vec<String> = (0..1_500).map(|n| format!("set {} 1\n", format!("{n:04}-").repeat(30))).collect();
    home.write("many.kv", lines.concat());
    assert!(home.run(&["-f", "../many.kv"]).status.success());
    for columns in [80, 40] {
        let mut terminal = home.terminal().columns(columns).at_prompt();
        terminal.press("get \t\t");
        terminal.shows("Display all 1001 possibilities? (y or n)");
        terminal.press("y");
        terminal.shows("--More--");
        let shown = terminal.text();
        assert!(shown.lines().all(|line| line.chars().count() < columns.into()), "{shown}");
        assert!(shown.contains("-0015-") && shown.contains('…'), "{shown}");
        terminal.press("q");
        terminal.wait("the line", |seen| seen.before_cursor() == "kv> get ");
        terminal.cancel();
        terminal.leave();
    }
}

#[test]
fn what_is_put_in_is_common_to_all_keys_not_to_those_that_are_listed() {
    let home = Home::new();
    let lines: Vec<String> = (0..1_100).map(|n| format!("set a:0{n:04} 1\n")).collect();
    home.write("many.kv", lines.concat() + "set a:9 1\n");
    assert!(home.run(&["-f", "../many.kv"]).status.success());
    let mut terminal = home.at_prompt();
    completes(&mut terminal, "get a", "get a:");
    completes(&mut terminal, "get a:0", "get a:0");
    terminal.leave();
}

#[test]
fn pointers_are_those_of_the_value_that_is_there() {
    let home = Home::new();
    home.write(
        "setup.kv",
        "set --json u {\"name\":{\"first\":\"Ada\",\"a/b~\":1},\"tags\":[true,{\"x\":\"\\u001b\"}]}\nset text x\n",
    );
    assert!(home.run(&["-f", "../setup.kv"]).status.success());
    let mut terminal = home.at_prompt();
    completes(&mut terminal, "get u --pointer /n", "get u --pointer /name");
    completes(&mut terminal, "get u --pointer /name/f", "get u --pointer /name/first ");
    completes(&mut terminal, "get u --pointer=/name/a", "get u --pointer=/name/a~1b~0 ");
    completes(&mut terminal, "get u --pointer /tags/1/", "get u --pointer /tags/1/x ");
    lists(&mut terminal, "get u --pointer ", "/name  {…}  /tags  [2]");
    completes(&mut terminal, "set u --pointer /n", "set u --pointer /name");
    completes(&mut terminal, "push u --pointer .t", "push u --pointer .tags");
    completes(&mut terminal, "incr u --pointer $.tags[1].", "incr u --pointer $.tags[1].x ");
    completes(&mut terminal, "get text --pointer /", "get text --pointer /");
    completes(&mut terminal, "get nothing --pointer /", "get nothing --pointer /");
    terminal.leave();
}

#[test]
fn a_tilde_is_completed_from_the_home_directory_in_every_path() {
    let home = Home::new();
    for name in ["notes.jsonl", "other.json", "my file.txt", "notes/inner.json", "alike 1", "alike 2"] {
        home.write(name, "");
    }
    home.write("work/~/literal.json", "");
    let mut terminal = home.at_prompt();
    completes(&mut terminal, "save ~", "save ~/");
    completes(&mut terminal, "use ~/ot", "use ~/other.json ");
    completes(&mut terminal, "check ~/notes/", "check ~/notes/inner.json ");
    completes(&mut terminal, "diff ~/ot\t~/ot", "diff ~/other.json ~/other.json ");
    completes(&mut terminal, "set k --file ~/notes.", "set k --file ~/notes.jsonl ");
    completes(&mut terminal, "set k --file=~/notes.", "set k --file=~/notes.jsonl ");
    completes(&mut terminal, "keys > ~/notes.", "keys > ~/notes.jsonl ");
    completes(&mut terminal, "run app: -- ~/notes.", "run app: -- ~/notes.jsonl ");
    lists(&mut terminal, "source ~/notes", "notes/       notes.jsonl");
    // A quoted tilde is an ordinary character, so a path that needs quotes is completed in full.
    let whole = |path: &str| home.path(path).display().to_string();
    completes(&mut terminal, "source '~/l", "source '~/literal.json' ");
    completes(&mut terminal, "get ~/ot", "get ~/ot");
    terminal.press_until("source ~/my\t", &format!("kv> source '{}' ", whole("my file.txt")));
    terminal.cancel();
    terminal.press_until("source ~/ali\t", &format!("kv> source '{}", whole("alike ")));
    terminal.cancel();
    terminal.enter("run app: -- ~/no-such-program");
    terminal.shows(&format!("cannot run '{}'", whole("no-such-program")));
    terminal.enter("use ~/missing/x.json");
    terminal.shows("does not exist");
    terminal.leave();
}
