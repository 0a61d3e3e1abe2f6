//! `import`, `export`, `dump` and `diff` at the prompt.

use crate::terminal::{CTRL_C, Home, TAB};

#[test]
fn an_import_and_a_restore_are_undone_as_one_step_each() {
    let home = Home::new();
    home.write("work/users.jsonl", "{\"key\":\"a\",\"value\":\"new\"}\n{\"key\":\"b\",\"value\":[1]}\n");
    let mut terminal = home.at_prompt();
    terminal.enter("set a old");
    terminal.enter("save backup.json");
    terminal.enter("import users.jsonl");
    terminal.shows("Imported 2 entries");
    terminal.enter("undo");
    terminal.shows("Undid: set a back to old; removed b");
    terminal.enter("import users.jsonl --on-conflict skip");
    terminal.shows("Imported 1 entry (of 2 read: 1 skipped)");
    terminal.enter("begin");
    terminal.enter("import users.jsonl --prefix x:");
    terminal.enter("undo");
    terminal.shows("Undid: removed x:a; removed x:b");
    terminal.enter("rollback");
    terminal.press("restore backup.json\r");
    terminal.shows("backup.json (1 key)? [y/N]");
    terminal.enter("");
    terminal.shows("Nothing was restored");
    terminal.press("restore backup.json\r");
    terminal.wait("it asks again", |seen| seen.text().matches("[y/N]").count() == 2);
    terminal.enter("y");
    terminal.shows("Restored 1 key; the old file is now ~/config/rusty-kv/kv.before-restore.json");
    terminal.enter("undo");
    terminal.shows("Undid: restored b (was deleted)");
    terminal.leave();
    assert_eq!(home.get("a"), "old\n");
}

#[test]
fn an_answer_goes_into_no_database_and_into_what_names_a_descriptor_as_it_is() {
    let home = Home::new();
    home.run(&["set", "a", "\u{1b}[31mred"]);
    home.run(&["save", "../work/backup.json"]);
    home.write("work/log", "before\n");
    let mut terminal = home.terminal().through("exec 7>>log; exec \"$@\"").at_prompt();
    let backup = home.read("work/backup.json");
    for line in ["keys > backup.json", "keys >> backup.json", "man > backup.json"] {
        terminal.enter(line);
        terminal.shows("is a database; nothing was written to it");
        assert_eq!(home.read("work/backup.json"), backup);
    }
    terminal.enter("keys > /dev/fd/7");
    terminal.enter("export /dev/fd/7 --format tsv");
    terminal.shows("Wrote 1 key to /dev/fd/7");
    assert_eq!(home.read("work/log"), "before\na\na\t\u{1b}[31mred\n");
    // No part of a value affects the terminal, whatever the file's name.
    for line in ["get a > /dev/stdout", "get a > /dev/tty", "export /dev/stderr --format tsv"] {
        terminal.enter("count");
        terminal.enter(line);
        terminal.shows("\\x1b[31mred");
    }
    terminal.enter("export /dev/stdout --format tsv");
    terminal.leave();
}

#[test]
fn an_import_from_who_does_not_write_is_stopped_with_nothing_changed() {
    let home = Home::new();
    let fifo = home.fifo();
    let mut terminal = home.at_prompt();
    terminal.press("import ../fifo --format tsv\r");
    terminal.wait("it runs", |seen| seen.text().ends_with("tsv"));
    std::io::Write::write_all(&mut &fifo, b"a\t1\nb\t").unwrap();
    crate::process::wait_until("it was read", || rustix::io::ioctl_fionread(&fifo).unwrap() == 0);
    terminal.press(CTRL_C);
    terminal.wait("it was stopped", |seen| seen.text().contains("interrupted; nothing was changed"));
    terminal.enter("count");
    terminal.shows("\n0\n");
    terminal.leave();
}

#[test]
fn what_is_exported_goes_into_programs_and_nothing_of_it_acts_on_the_terminal() {
    let home = Home::new();
    home.run(&["set", "a", "\u{1b}[31mred\u{202e}"]);
    home.run(&["set", "b", "2"]);
    let mut terminal = home.at_prompt();
    terminal.enter("export | wc -l");
    terminal.shows("\n2\n");
    terminal.enter("dump > all.kv");
    terminal.enter("export --format tsv");
    terminal.shows("a\\t\\x1b[31mred\\u{202e}\nb\\t2\n");
    terminal.enter("import all.kv");
    terminal.shows("the name \"all.kv\" does not indicate a format");
    terminal.enter("export all.csv");
    terminal.shows("Wrote 2 keys to all.csv");
    home.run(&["-d", "other", "-f", &home.path("work/all.kv").to_string_lossy()]);
    home.run(&["-d", "other", "set", "b", "3"]);
    terminal.enter("diff other");
    terminal.shows("~ b 3 → 2");
    terminal.press("import all.c");
    terminal.press_until(TAB, "kv> import all.csv ");
    terminal.press("--format ts");
    terminal.press_until(TAB, "kv> import all.csv --format tsv ");
    terminal.cancel();
    terminal.leave();
}
