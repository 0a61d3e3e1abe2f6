//! `edit` at the prompt and as a one-shot, with editors that are scripts.

use crate::terminal::{Home, Terminal};

/// At a prompt whose editor is a shell script, which finds the file in `$1`.
fn with_editor(home: &Home, script: &str) -> Terminal {
    home.write("ed.sh", script);
    let editor = format!("sh {}", home.path("ed.sh").display());
    home.terminal().env("EDITOR", editor).env("TMPDIR", home.path("")).at_prompt()
}

#[test]
fn json_goes_out_spread_and_comes_back_compact_with_its_expiry() {
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
    terminal.shows("Key 'user:1' is unchanged");
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
    terminal.shows("Key 't' is unchanged");
    terminal.enter("edit n");
    terminal.shows("Set value for key: n");
    assert_eq!(home.run(&["get", "n", "-o", "raw"]).stdout, b"new");
    home.write("ed.sh", "true");
    terminal.enter("edit nothing");
    terminal.shows("Key 'nothing' was not created");
    assert_eq!(home.get("nothing"), "");
    home.write("ed.sh", "echo '{\"a\": 1}' > \"$1\"");
    terminal.enter("edit j --json");
    assert_eq!(home.get("j"), "{\"a\":1}\n");
    home.run(&["set", "pic", "--base64", "/wA="]);
    terminal.enter("edit pic");
    terminal.shows("Key 'pic' is binary (2 bytes), which text editors do not preserve; use `get KEY -o raw > FILE`");
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
    terminal.shows("Key 'k' was changed by another program in the meantime. Set it anyway? [y/N]");
    terminal.enter("n");
    terminal.shows("what you wrote is in \"");
    assert_eq!(home.get("k"), "theirs\n");
    home.write("ed.sh", format!("{program} del k; echo mine > \"$1\""));
    terminal.enter("edit k");
    terminal.shows("Key 'k' was deleted by another program in the meantime");
    terminal.enter("y");
    assert_eq!(home.get("k"), "mine\n");
    terminal.leave();
}

#[test]
fn what_a_killed_edit_has_left_is_removed_by_the_next_session_and_the_next_edit() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    home.run(&["set", "secret", "s3cret"]);
    std::fs::create_dir(home.path("run")).unwrap();
    home.write("ed.sh", "cp \"$1\" seen; dirname \"$1\" > folder; test -e calm || kill -9 $PPID");
    let killed = |runtime: &str, mode: u32| {
        std::fs::set_permissions(home.path("run"), std::fs::Permissions::from_mode(mode)).unwrap();
        let editor = format!("sh {}", home.path("ed.sh").display());
        let start = home.terminal().env("EDITOR", editor).env("TMPDIR", home.path("")).arg("edit").arg("secret");
        let terminal = start.env("XDG_RUNTIME_DIR", home.path(runtime)).start();
        if home.path("work/calm").exists() {
            assert_eq!(terminal.status(), 0);
        } else {
            assert_eq!(terminal.signal(), crate::terminal::Signal::SIGKILL);
        }
        assert_eq!(home.read("work/seen"), "s3cret");
        std::path::PathBuf::from(home.read("work/folder").trim())
    };
    let of_runtime = killed("run", 0o700);
    assert_eq!(of_runtime.parent().unwrap(), home.path("run"), "the user's runtime folder is used");
    assert!(of_runtime.exists(), "nobody was left to remove it");
    let readable = killed("run", 0o755);
    assert_eq!(readable.parent().unwrap(), home.path("run"), "others may list it, but not write to it");
    let open_to_all = killed("run", 0o777);
    assert_eq!(open_to_all.parent().unwrap(), home.path(""), "a runtime folder that others can write to is none");
    let missing = killed("nothing", 0o700);
    assert_eq!(missing.parent().unwrap(), home.path(""));
    assert!(!open_to_all.exists(), "the next edit has removed it");
    home.terminal().env("TMPDIR", home.path("")).env("XDG_RUNTIME_DIR", home.path("run")).at_prompt().leave();
    assert!(!missing.exists() && !of_runtime.exists(), "and so does a session");
    home.write("work/calm", "");
    let calm = killed("run", 0o700);
    assert!(!calm.exists());
    assert_eq!(std::fs::read_dir(home.path("run")).unwrap().count(), 0);
}
