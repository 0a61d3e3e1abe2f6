//! Every example in the help runs as written: as a one-shot command in `sh`, and as a line of a script. `tests/repl`
//! tests them at the prompt.

use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::common::help_examples::{Example, Mode, all, has_its_program, prepare, program, surround};

/// Runs each example of a mode in a home of its own.
fn each(mode: Mode, run: impl Fn(&Example, &Path) -> Output) {
    let mut failed = Vec::new();
    for example in all().iter().filter(|example| example.modes.contains(&mode) && has_its_program(example)) {
        let home = crate::common::folder();
        prepare(home.path(), example);
        let output = run(example, home.path());
        // Examples without an end were stopped.
        let is_ended = example.line.starts_with("watch") && output.status.signal() == Some(13);
        if !is_ended && !output.status.code().is_some_and(|status| may_end_with(example, status)) {
            failed.push(format!("{}: {}: {}", example.line, output.status, String::from_utf8_lossy(&output.stderr)));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Whether a status means that the example did its work.
fn may_end_with(example: &Example, status: i32) -> bool {
    match example.line.as_str() {
        "exit 3" => status == 3,
        line if line.starts_with("diff") => status == 0 || status == 1,
        _ => status == 0,
    }
}

/// `watch` ends when its reader exits.
fn ended(mut command: Command, example: &Example) -> Output {
    if !example.line.starts_with("watch") {
        return command.output().expect("it starts");
    }
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    drop(child.stdout.take());
    child.wait_with_output().expect("it ends")
}

#[test]
fn every_example_runs_as_a_one_shot_in_a_shell() {
    each(Mode::OneShot, |example, home| {
        let mut command = Command::new("sh");
        surround(&mut command, home);
        let backup = std::fs::File::open(home.join("work/backup.json")).expect("there is a backup");
        command.arg("-c").arg(format!("exec rusty-kv {}", example.line)).stdin(backup);
        ended(command, example)
    });
}

#[test]
fn every_example_runs_as_a_line_of_a_script() {
    each(Mode::Script, |example, home| {
        let mut lines = example.before().join("\n");
        lines.push('\n');
        lines.push_str(&example.line);
        lines.push('\n');
        let script = home.join("work/example.kv");
        std::fs::File::create(&script)
            .and_then(|mut file| file.write_all(lines.as_bytes()))
            .expect("it can be written");
        let mut command = program(home);
        command.args(["-f", "example.kv"]).stdin(Stdio::null());
        ended(command, example)
    });
}
