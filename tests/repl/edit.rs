//! `edit` at the prompt and as a one-shot, with editors that are scripts.

use crate::terminal::{Home, Terminal};

/// At a prompt whose editor is a shell script, which finds the file in `$1`.
fn with_editor(home: &Home, script: &str) -> Terminal {
    home.write("ed.sh", script);
    let editor = format!("sh {}", home.path("ed.sh").display());
    home.terminal().env("EDITOR", editor).env("TMPDIR", home.path("")).at_prompt()
}

#[test]
fn json_goes_out_spread_and_comes_back_compact_with_its_deadline() {
    let home = Home::new();
    home.run(&["set", "--json", "user:1", "{\"name\":\"Ada\",\"n\":1.50}", "--ttl", "1h"]);
    let script = "cp \"$1\" seen.json; stat -c %a \"$1\" > mode; sed -i s/Ada/Eve/ \"$1\"";
    let mut terminal = with_editor(&home, script);
    terminal.enter("edit user:1");
    terminal.shows("Set value for key: user:1");
    assert_eq!(home.read("work/seen.json"), "{\n  \"name\": \"Ada\",\n  \"n\": 1.50\n}\n");
    assert_eq!(home.read("work/mode"), "600\n");
    assert_eq!(home.get("user:1"), "{\"name\":\"Eve\",\"n\":1.50}\n");
    assert_ne!(home.run(&["ttl", "user:1"]).stdout, b"none\n");
    // Other white space is no change.
    home.write("ed.sh", "echo >> \"$1\"");
    terminal.enter("edit user:1");
    terminal.shows("Key 'user:1' is as it was");
    terminal.enter("undo");
    terminal.shows("set user:1 back to {\"name\":\"Ada\",\"n\":1.50}");
    terminal.leave();
}

#[test]
fn a_fault_reopens_the_editor_after_asking_and_what_was_written_is_kept() {
    let home = Home::new();
    home.run(&["set", "--json", "c", "[1]"]);
    let script = "if grep -q oops \"$1\"; then echo '[2]' > \"$1\"; else echo '[1,\noops]' > \"$1\"; fi";
    let mut terminal = with_editor(&home, script);
    terminal.enter("edit c");
    terminal.shows("not valid JSON at line 2 column 1");
    terminal.shows("Edit it again? [y/N]");
    terminal.enter("y");
    terminal.shows("Set value for key: c");
    assert_eq!(home.get("c"), "[2]\n");
    home.write("ed.sh", "printf '\\377' > \"$1\"");
    home.run(&["set", "t", "text"]);
    terminal.enter("edit t");
    terminal.shows("line 1 is not UTF-8. Edit it again? [y/N]");
    terminal.enter("");
    terminal.shows("what you wrote is in \"");
    assert_eq!(home.get("t"), "text\n");
    terminal.leave();
}

#[test]
fn text_stays_as_it_is_and_a_new_key_is_made() {
    let home = Home::new();
    home.run(&["set", "t", "007"]);
    let mut terminal = with_editor(&home, "test -s \"$1\" && echo >> \"$1\" || echo new > \"$1\"");
    terminal.enter("edit t");
    terminal.shows("Key 't' is as it was");
    terminal.enter("edit n");
    terminal.shows("Set value for key: n");
    assert_eq!(home.run(&["get", "n", "-o", "raw"]).stdout, b"new");
    home.write("ed.sh", "true");
    terminal.enter("edit nothing");
    terminal.shows("Key 'nothing' was not made");
    assert_eq!(home.get("nothing"), "");
    home.write("ed.sh", "echo '{\"a\": 1}' > \"$1\"");
    terminal.enter("edit j --json");
    assert_eq!(home.get("j"), "{\"a\":1}\n");
    home.run(&["set", "pic", "--base64", "/wA="]);
    terminal.enter("edit pic");
    terminal.shows("Key 'pic' is binary (2 bytes), which no text editor keeps; `get KEY -o raw > FILE`");
    home.write("ed.sh", "exit 3");
    terminal.enter("edit t");
    terminal.shows("exit status: 3; nothing was changed");
    terminal.leave();
}

#[test]
fn edit_asks_before_it_replaces_what_another_program_has_set_meanwhile() {
    let home = Home::new();
    home.run(&["set", "k", "1"]);
    let program = env!("CARGO_BIN_EXE_rusty-kv");
    let mut terminal = with_editor(&home, &format!("{program} set k theirs; echo mine > \"$1\""));
    terminal.enter("edit k");
    terminal.shows("Key 'k' was changed by another program meanwhile. Set it all the same? [y/N]");
    terminal.enter("n");
    terminal.shows("what you wrote is in \"");
    assert_eq!(home.get("k"), "theirs\n");
    home.write("ed.sh", format!("{program} del k; echo mine > \"$1\""));
    terminal.enter("edit k");
    terminal.shows("Key 'k' was deleted by another program meanwhile");
    terminal.enter("y");
    assert_eq!(home.get("k"), "mine\n");
    terminal.leave();
}
