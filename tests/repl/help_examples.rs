//! Every example in the help runs as written at the prompt.

#[path = "../suite/common/help_examples.rs"]
mod examples;

use std::path::Path;

use crate::terminal::{CTRL_C, ENTER, Home, Seen, Terminal};
use examples::{Example, Mode};

#[test]
fn every_example_runs_at_the_prompt() {
    let mut examples = examples::all();
    examples.extend(of_lines());
    examples.retain(|example| example.modes.contains(&Mode::Prompt) && examples::has_its_program(example));
    // They mostly wait for the disk.
    let parts = examples.chunks(examples.len().div_ceil(8));
    let failed: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            parts.map(|part| scope.spawn(|| part.iter().filter_map(fault).collect::<Vec<_>>())).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Runs an example in a home of its own; returns the error if it fails.
fn fault(example: &Example) -> Option<String> {
    let home = Home::new();
    examples::prepare(Path::new(&home.path("")), example);
    let start = home.terminal().columns(200).rows(50).env("RUSTY_KV_DB", "./kv.json").env("EDITOR", "true");
    let mut terminal = start.env("PAGER", "").env("XDG_CONFIG_HOME", home.path(".config")).at_prompt();
    for line in example.before() {
        terminal.enter(line);
    }
    let text = run(&home, &mut terminal, example);
    let error = text.lines().find(|line| line.starts_with("error") || line.contains("not found"))?;
    Some(format!("{}: {error}", example.line))
}

/// Runs an example until it ends, and returns the screen.
fn run(home: &Home, terminal: &mut Terminal, example: &Example) -> String {
    let before = terminal.look(Seen::prompts);
    terminal.press(&example.line);
    terminal.press(ENTER);
    if example.line.starts_with("exit") {
        return String::new();
    }
    if example.line.starts_with("watch") {
        let values = (0..).take_while(|_| !terminal.text().contains("user:new"));
        values.for_each(|n| {
            home.run(&["-d", "./kv.json", "set", "user:new", &n.to_string()]);
        });
        terminal.press(CTRL_C);
    }
    let is_asked = |seen: &Seen| seen.before_cursor().ends_with("[y/N] ");
    let is_done = |seen: &Seen| seen.prompts() > before && seen.is_at_prompt();
    terminal.wait(&example.line, |seen| is_asked(seen) || is_done(seen));
    if terminal.look(is_asked) {
        terminal.press(format!("y{ENTER}"));
        terminal.wait(&example.line, is_done);
    }
    terminal.text()
}

/// The example lines in `help` and `help pipes`.
fn of_lines() -> Vec<Example> {
    let text = |topic| examples::help(topic).lines().map(str::trim_start).collect::<Vec<_>>().join(" ");
    let mut lines: Vec<String> = Vec::new();
    for (text, known) in [
        (text(None), ["set \"my key\" 'a value'", "set --json u {\"a\":1}", "help exit-codes", "help formats"]),
        (text(Some("quoting")), ["save ~/backup.json", "set k \"--ttl\"", "set n -5", "set it's fine"]),
        (text(Some("pipes")), ["get cfg | jq '.x | keys'", "list user:* > users.txt", "keys >> keys.txt", "get '|'"]),
    ] {
        for line in known {
            assert!(text.contains(line), "{line} is in {text}");
            lines.push(line.to_owned());
        }
    }
    lines.iter().map(|line| Example::new(line)).collect()
}
