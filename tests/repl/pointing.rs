//! Errors at the prompt point at the word that they are about.

use crate::terminal::{ALT_ENTER, ENTER, Home};

#[test]
fn carets_stand_under_the_word_in_question() {
    let home = Home::new();
    home.run(&["set", "user:1", "Ada"]);
    let mut terminal = home.at_prompt();
    for (line, said) in [
        ("get usr:1", "        ^^^^^\nKey 'usr:1' not found; did you mean 'user:1'?\n"),
        ("sett a b", "    ^^^^\nerror: unknown command 'sett'; did you mean 'set'?"),
        ("set k v --tl 5", "            ^^^^\nerror: unknown flag '--tl'; did you mean '--ttl'?"),
        ("set k v --tl=5", "            ^^^^^^\nerror: unknown flag '--tl'; did you mean '--ttl'?"),
        ("set k --tll 90 v", "          ^^^^^\nerror: unknown flag '--tll'; did you mean '--ttl'?"),
        ("set k v --ttl 5q", "                  ^^\nerror: "),
        ("set k v --json --base64", "            ^^^^^^\nerror: '--json' cannot be used with '--base64'"),
        ("set k", "          ^\nerror: missing VALUE"),
        (
            "set k --ttl",
            "                ^\nerror: expected a value for '--ttl', found nothing. If you mean text, quote '--ttl'",
        ),
        ("list --lmit 3", "         ^^^^^^\nerror: unknown flag '--lmit'; did you mean '--limit'?"),
        ("list --limit -z", "                 ^^\nerror: expected a value for '--limit', found '-z'"),
        ("del --hlep", "        ^^^^^^\nerror: unknown flag '--hlep'; did you mean '--help'?"),
        ("set k v --json=yes", "            ^^^^^^^^^^\nerror: '--json' takes no value"),
        ("del a --glob b*", "          ^^^^^^\nerror: KEY cannot be used with '--glob'"),
        ("-- get k", "    ^^\nerror: expected a command, found '--'"),
        ("get k -z", "          ^^\nerror: unknown flag '-z'. If you mean text, quote it"),
        ("incr user:1", "         ^^^^^^\nerror: "),
        ("set k 'v'w", "          ^^^^\nerror: "),
        ("get usr:1 > x y", "                  ^\nerror: expected one file"),
        ("keys a[b", "         ^^^\nerror: a `[` in the pattern"),
        ("set --json k {bad", "                 ^^^^\nerror: not valid JSON"),
        (
            "set --json k {\"a\": 1 \"b\": 2}",
            "                 ^^^^^^^^^^^^^^^\nerror: the JSON literal {\"a\": 1 \"b\": 2} begins here and cannot go on with \"b\": 2}",
        ),
        (
            "set --json k {\"a\": tru, \"b\": 2}",
            "                 ^^^^^^^^^^^^^^^^^^\nerror: the JSON literal {\"a\": tru, \"b\": 2} begins here and cannot go on with tru,",
        ),
        (
            "set --json k {'a': 1}",
            "                 ^^^^^\nerror: the word that starts with {'a': is not valid JSON; if it is text, quote it",
        ),
        ("find (x", "         ^^\nerror: not a regular expression"),
        ("find --limit 5 (x", "                   ^^\nerror: not a regular expression"),
        ("list --prefix a [x", "                    ^^\nerror: a `[` in the pattern"),
        ("count [a", "          ^^\nerror: a `[` in the pattern"),
        ("export out.jsonl [a", "                     ^^\nerror: a `[` in the pattern"),
        ("export --format json - [a", "                           ^^\nerror: a `[` in the pattern"),
        ("del --glob [x", "               ^^\nerror: a `[` in the pattern"),
        ("del --glob=[", "        ^^^^^^^^\nerror: a `[` in the pattern"),
        ("del --glob='[ b'", "        ^^^^^^^^^^^^\nerror: a `[` in the pattern"),
        ("watch [x", "          ^^\nerror: a `[` in the pattern"),
        ("watch [", "          ^\nerror: a `[` in the pattern"),
        ("del --glob [", "               ^\nerror: a `[` in the pattern"),
        ("list [", "         ^\nerror: a `[` in the pattern"),
        ("export out.jsonl [", "                     ^\nerror: a `[` in the pattern"),
        ("find [", "         ^\nerror: not a regular expression"),
        ("keys [1,", "         ^^^\nerror: a `[` in the pattern"),
        ("ttl a ~/b", "          ^^^\nerror: unexpected '~/b'"),
        ("keys [a > out.txt", "         ^^\nerror: a `[` in the pattern"),
        ("get 日本 '語'", "        ^^^^\nerror: "),
    ] {
        terminal.enter("output plain");
        terminal.enter(line);
        if line.contains('日') {
            continue; // Several keys have no failure of their own; below it is one.
        }
        terminal.shows(&format!("kv> {line}\n{said}"));
    }
    // Lines of a script have no carets, and neither does pasted text after the first line.
    home.write("state/bad.kv", "sett a b\n");
    terminal.enter(&format!("source {}", home.path("state/bad.kv").display()));
    terminal.enter("commit");
    terminal.shows("kv> commit\nerror: no transaction is open");
    terminal.press(format!("set --json k {{\"a\": 1,{ENTER}"));
    terminal.wait("what is open", |seen| seen.before_cursor() == " {> ");
    terminal.press(format!("\"b\": tru,{ENTER}"));
    terminal.wait("the prompt", |seen| seen.before_cursor() == "kv> ");
    assert!(!terminal.text().contains("follows a closing"), "what belongs to the literal is no line of its own");
    terminal.enter("get '日本'x");
    terminal.shows("kv> get '日本'x\n        ^^^^^^^\nerror: ");
    terminal.leave();
}

#[test]
fn where_the_line_is_not_right_above_it_is_shown_again() {
    let home = Home::new();
    home.run(&["set", "a", "1"]);
    let mut terminal = home.terminal().columns(40).at_prompt();
    terminal.enter("set some:rather:long:key value --tl 5");
    terminal.shows("\n  …long:key value --tl 5\n                  ^^^^\nerror: unknown flag '--tl'");
    terminal.enter(&format!("get nope{ALT_ENTER}get nada"));
    terminal.shows("\n  get nope\n      ^^^^\nKey 'nope' not found\n  get nada\n      ^^^^\nKey 'nada' not found\n");
    terminal.leave();
}

#[test]
fn without_colors_and_on_a_dumb_terminal_the_carets_are_the_same() {
    let home = Home::new();
    home.run(&["set", "a", "1"]);
    let mut terminal = home.terminal().env("NO_COLOR", "1").at_prompt();
    terminal.enter("get nope");
    terminal.shows("kv> get nope\n        ^^^^\nKey 'nope' not found\n");
    terminal.leave();
    let mut terminal = home.terminal().env("TERM", "dumb").start();
    terminal.wait("the prompt", |seen| seen.before_cursor() == "kv> ");
    terminal.press("get nope\n");
    // This terminal does not echo.
    terminal.shows("        ^^^^\nKey 'nope' not found\n");
    assert!(!terminal.look(|seen| seen.raw.contains(&0x1b)));
    terminal.leave();
}

#[test]
fn scripts_and_one_shots_are_not_pointed_into() {
    let home = Home::new();
    home.write("nope.kv", "get nope\n");
    assert!(!String::from_utf8(home.run(&["get", "nope"]).stderr).unwrap().contains('^'));
    let mut terminal = home.at_prompt();
    terminal.enter("source ../nope.kv");
    terminal.shows("nope.kv:1: Key 'nope' not found");
    assert!(!terminal.text().contains('^'));
    terminal.leave();
}
