//! import, export, dump and diff at the prompt.

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
    terminal.shows("Undone: set a back to old; removed b");
    terminal.enter("import users.jsonl --on-conflict skip");
    terminal.shows("Imported 1 entry; 1 key was there already");
    terminal.enter("begin");
    terminal.enter("import users.jsonl --prefix x:");
    terminal.enter("undo");
    terminal.shows("Undone: removed x:a; removed x:b");
    terminal.enter("rollback");
    terminal.enter("restore backup.json");
    terminal.shows("Restored 1 key; what was there is in ~/config/rusty-kv/kv.before-restore.json");
    terminal.enter("undo");
    terminal.shows("Undone: restored b (was deleted)");
    terminal.leave();
    assert_eq!(home.get("a"), "old\n");
}

#[test]
fn an_import_from_who_does_not_write_is_stopped_with_nothing_changed() {
    let home = Home::new();
    let fifo = home.fifo();
    let mut terminal = home.at_prompt();
    terminal.press("import ../fifo --format tsv\r");
    terminal.wait("it runs", |seen| seen.text().ends_with("tsv"));
    std::io::Write::write_all(&mut &fifo, b"a\t1\nb\t").unwrap();
    std::thread::sleep(std::time::Duration::from_millis(200));
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
    terminal.shows("the name \"all.kv\" does not say what it is");
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
