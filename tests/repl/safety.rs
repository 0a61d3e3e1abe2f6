//! No text that was stored, typed, pasted or printed by the system affects the terminal: each active character is tried
//! in each place that it could come from.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::terminal::{CTRL_C, ENTER, Home, Terminal, UP};

/// Control characters, bidirectional characters, line separators, and invisible characters.
fn characters() -> Vec<char> {
    let ranges = [
        '\0'..='\x1f',
        '\x7f'..='\u{9f}',
        '\u{61c}'..='\u{61c}',
        '\u{180e}'..='\u{180e}',
        '\u{200b}'..='\u{200b}',
        '\u{200e}'..='\u{200f}',
        '\u{2028}'..='\u{202e}',
        '\u{2060}'..='\u{2064}',
        '\u{2066}'..='\u{206f}',
        '\u{feff}'..='\u{feff}',
    ];
    ranges.into_iter().flatten().collect()
}

/// A name that contains a character, by which the test finds it again.
fn around(at: usize, c: char) -> String {
    format!("q{at:03}{c}z")
}

/// The character as a word of the language writes it.
fn quoted(at: usize, c: char) -> String {
    format!("\"q{at:03}\\u{{{:x}}}z\"", u32::from(c))
}

/// The character as a terminal shows it.
fn shown(at: usize, c: char) -> String {
    let escape = match c {
        '\n' => "\\n".to_owned(),
        '\t' => "\\t".to_owned(),
        '\r' => "\\r".to_owned(),
        '\0' => "\\0".to_owned(),
        '\x01'..='\x1f' | '\x7f' => format!("\\x{:02x}", u32::from(c)),
        _ => format!("\\u{{{:x}}}", u32::from(c)),
    };
    format!("q{at:03}{escape}z")
}

/// The cases: a place and a character each, counted when they were checked.
#[derive(Default)]
struct Cases(BTreeSet<(&'static str, char)>);

impl Cases {
    /// Checks that the output has no active character, and has the escape if it must be `seen`.
    #[track_caller]
    fn check(&mut self, place: &'static str, terminal: &Terminal, seen: bool) {
        let raw = terminal.look(|seen| String::from_utf8_lossy(&seen.raw).into_owned());
        for (at, c) in characters().into_iter().enumerate() {
            // What the program and its editor send themselves: line ends, escape sequences, the bell.
            let own = matches!(c, '\n' | '\r' | '\x1b' | '\x07');
            let live = if own { raw.contains(&around(at, c)) } else { raw.contains(c) };
            assert!(!live, "{place}: {c:?} is live; screen:\n{}", terminal.text());
            assert!(!seen || raw.contains(&shown(at, c)), "{place}: no {}; screen:\n{}", shown(at, c), terminal.text());
            self.0.insert((place, c));
        }
    }
}

/// A database with each character in keys, in values, and in the names of JSON members.
fn home() -> Home {
    let home = Home::new();
    let mut script = String::new();
    for (at, c) in characters().into_iter().enumerate() {
        let word = quoted(at, c);
        let json = if c < '\x20' { format!("q{at:03}\\u{:04x}z", u32::from(c)) } else { around(at, c) };
        writeln!(script, "set {word} 1\nset v{at:03} {word}").unwrap();
        writeln!(script, "set --json j{at:03} {{\"{json}\":1}}").unwrap();
        writeln!(
            script,
            "set \"k{at:03}q{at:03}\\u{{{0:x}}}z1\" 1\nset \"k{at:03}q{at:03}\\u{{{0:x}}}z2\" 1",
            u32::from(c)
        )
        .unwrap();
    }
    home.write("setup.kv", script);
    let run = home.run(&["-f", "../setup.kv"]);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    home
}

#[test]
fn no_character_that_a_terminal_acts_on_reaches_it() {
    let home = home();
    let mut cases = Cases::default();
    // On a very wide terminal, no row is wrapped; a pager would stop after the first screen.
    let at_prompt = || home.terminal().columns(400).env("PAGER", "cat").at_prompt();

    for (place, line) in [("key", "keys --limit 9999"), ("value", "list v* --limit 9999")] {
        let mut terminal = at_prompt();
        terminal.enter(line);
        cases.check(place, &terminal, true);
        terminal.leave();
    }

    for (place, key, prefix) in [("JSON field", "j", "get "), ("error", "", "get no-")] {
        let mut terminal = at_prompt();
        for (at, c) in characters().into_iter().enumerate() {
            let word = if key.is_empty() { quoted(at, c).replace('"', "") } else { format!("{key}{at:03}") };
            match place {
                "error" => terminal.enter(&format!("get \"no-{word}\"")),
                _ => terminal.enter(&format!("{prefix}{word}")),
            }
        }
        // In JSON it appears as a JSON escape.
        cases.check(place, &terminal, place == "error");
        terminal.leave();
    }

    let mut terminal = at_prompt();
    for (at, c) in characters().into_iter().enumerate() {
        terminal.enter(&format!("{} a", quoted(at, c)));
    }
    cases.check("unknown command", &terminal, true);
    terminal.leave();

    // The name of the file is in the prompt, and its path in messages.
    let mut terminal = at_prompt();
    for (at, c) in characters().into_iter().enumerate() {
        terminal.enter(&format!("use \"./{}.json\"", quoted(at, c).trim_matches('"')));
        terminal.enter("get a");
        terminal.enter("path");
    }
    cases.check("database path", &terminal, false);
    cases.check("prompt", &terminal, false);
    let raw = terminal.look(|seen| String::from_utf8_lossy(&seen.raw).into_owned());
    let missing: Vec<_> =
        (0..).zip(characters()).filter(|&(at, c)| !raw.contains(&format!("{}.json>", shown(at, c)))).collect();
    assert_eq!(missing, [(0, '\0')], "no path has a NUL in it");
    terminal.leave();

    let mut terminal = at_prompt();
    for (at, c) in characters().into_iter().enumerate() {
        terminal.press(format!("get k{at:03}\t\t"));
        let listed = format!("k{at:03}{}2  text", shown(at, c));
        terminal.wait(&listed, |seen| seen.text().contains(&listed));
        terminal.cancel();
        terminal.press(format!("get k{at:03}\t1\t"));
        terminal.wait("the whole key", |seen| seen.before_cursor().ends_with("z1\" "));
        terminal.cancel();
    }
    cases.check("completion", &terminal, true);
    terminal.leave();

    let mut terminal = at_prompt();
    for (at, c) in characters().into_iter().enumerate() {
        terminal.press(format!("get v{at:03}"));
        let hint = format!("= {}", shown(at, c));
        terminal.wait(&hint, |seen| seen.text().contains(&hint));
        terminal.cancel();
    }
    cases.check("hint", &terminal, true);
    terminal.leave();

    // Pasted characters are shown as escapes before the line runs, and are stored that way in the history.
    let mut terminal = at_prompt();
    for (at, c) in characters().into_iter().enumerate() {
        let before = terminal.look(crate::terminal::Seen::prompts);
        terminal.press(format!("\x1b[200~get {}\x1b[201~{ENTER}", around(at, c)));
        if matches!(c, '\n' | '\r' | '\t' | '\x1b') {
            // These characters end a line, separate words, or start a key sequence.
        } else {
            terminal.wait("what was hidden", |seen| seen.text().contains("hidden characters"));
            terminal.wait("the escape", |seen| seen.before_cursor().ends_with(&shown(at, c)));
            terminal.press(ENTER);
        }
        terminal.wait("the next prompt", |seen| seen.prompts() > before && seen.before_cursor() == "kv> ");
        terminal.press("\x0c");
        terminal.wait("an empty screen", |seen| seen.text() == "kv>");
    }
    terminal.enter("history 9999");
    cases.check("paste", &terminal, false);
    cases.check("history", &terminal, false);
    terminal.leave();

    assert_eq!(characters().len(), 33 + 32 + 28);
    assert!(cases.0.len() >= 600, "{} cases", cases.0.len());
    assert_eq!(cases.0.len(), characters().len() * 11);
}

#[test]
fn what_is_typed_or_quoted_in_by_key_is_not_taken_in() {
    let home = Home::new();
    let mut terminal = home.at_prompt();
    for c in ['\u{9b}', '\u{202e}', '\u{200b}', '\u{2028}'] {
        terminal.press_until(&format!("get a{c}b"), "kv> get ab");
        terminal.press(CTRL_C);
        terminal.wait("an empty line", |seen| seen.before_cursor() == "kv> ");
    }
    terminal.press("get a\x16\x1b[Ab");
    terminal.wait("no escape", |seen| !seen.text().contains('^'));
    assert!(!terminal.look(|seen| String::from_utf8_lossy(&seen.raw).contains("\u{9b}")));
    terminal.cancel();
    terminal.leave();
}

#[test]
fn a_history_with_what_cannot_be_seen_is_recalled_without_it() {
    let home = Home::new();
    home.write("state/rusty-kv/history", "#V2\nget a\u{200b}b\nget c\u{feff}d\n");
    let mut terminal = home.at_prompt();
    terminal.press_until(UP, "kv> get cd");
    terminal.press_until(UP, "kv> get ab");
    terminal.press(ENTER);
    terminal.wait("the escape", |seen| seen.before_cursor() == "kv> get a\\u{200b}b");
    terminal.shows("hidden characters are shown as escapes");
    terminal.cancel();
    let raw = terminal.look(|seen| String::from_utf8_lossy(&seen.raw).into_owned());
    assert!(!raw.contains(['\u{200b}', '\u{feff}']));
    terminal.leave();
}

#[test]
fn a_history_file_with_such_a_character_does_not_show_it() {
    let home = Home::new();
    for (at, c) in characters().into_iter().enumerate().filter(|&(_, c)| c != '\n') {
        home.write("state/rusty-kv/history", format!("#V2\nget {}\n", around(at, c)));
        let mut terminal = home.at_prompt();
        terminal.press(format!("{UP}{CTRL_C}"));
        terminal.wait("the next prompt", |seen| seen.prompts() == 2 && seen.before_cursor() == "kv> ");
        terminal.enter("history");
        let raw = terminal.look(|seen| String::from_utf8_lossy(&seen.raw).into_owned());
        let own = matches!(c, '\r' | '\x1b' | '\x07');
        assert!(!if own { raw.contains(&around(at, c)) } else { raw.contains(c) }, "{c:?}: {}", terminal.text());
        terminal.leave();
    }
}
