//! The picture in the README and the recorded session, compared with a real session.
//!
//! `UPDATE=1 cargo test --test repl picture` records both again.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use vt100::Color;

use super::terminal::{Home, Terminal};

/// The input: the line, and whether Enter follows.
const SCENE: &[(&str, bool)] = &[
    ("list user:*", true),
    ("get cfg", true),
    ("list user:* | sort -k 2 | head -n 1", true),
    ("begin", true),
    ("del --prefix user:", true),
    ("y", true),
    ("commit", true),
    ("undo", true),
    ("set user:4 --tll 90 Barbara", true),
    ("get user:2", false),
];

const ROWS: u16 = 32;
const COLUMNS: u16 = 80;

fn home() -> Home {
    let home = Home::new();
    home.write(
        "setup.kv",
        "set user:1 'Ada Lovelace'\nset user:2 'Grace Hopper'\nset --json user:3 {\"name\": \"Barbara\", \"age\": 67}\n\
         set --json cfg {\"theme\": \"dark\", \"tabs\": [1, 2], \"beta\": true}\nset session:9 token --ttl 1000d\n\
         set logo --base64 iVBORw0KGgo=\n",
    );
    assert!(home.run(&["-f", home.path("setup.kv").to_str().unwrap()]).status.success());
    home
}

/// Plays the scene; returns the output after each key, and the pause before it.
fn play(terminal: &mut Terminal) -> Vec<(Duration, Vec<u8>)> {
    let mut chunks = Vec::new();
    let mut sent = 0;
    let mut record = |terminal: &Terminal, wait: u64| {
        let new = terminal.look(|seen| seen.raw[sent..].to_vec());
        sent += new.len();
        chunks.push((Duration::from_millis(wait), new));
    };
    record(terminal, 500);
    for (line, enter) in SCENE {
        for at in 1..=line.len() {
            terminal.press_until(&line[at - 1..at], &format!("{}{}", prompt(terminal), &line[..at]));
            record(terminal, if at == 1 { 700 } else { 60 });
        }
        if *enter {
            terminal.enter("");
            record(terminal, 400);
        }
    }
    chunks
}

/// The prompt or the question in the row of the cursor.
fn prompt(terminal: &Terminal) -> String {
    let row = terminal.look(super::terminal::Seen::before_cursor);
    row[..row.find(['>', ']']).map_or(0, |at| at + 2)].to_owned()
}

/// An asciicast, version 2: <https://docs.asciinema.org/manual/asciicast/v2/>.
fn cast(chunks: &[(Duration, Vec<u8>)]) -> String {
    let mut text = format!("{{\"version\":2,\"width\":{COLUMNS},\"height\":{ROWS},\"title\":\"rusty-kv\"}}\n");
    let mut time = Duration::ZERO;
    for (wait, bytes) in chunks {
        time += *wait;
        let bytes = serde_json::to_string(&String::from_utf8_lossy(bytes)).unwrap();
        writeln!(text, "[{:.2},\"o\",{bytes}]", time.as_secs_f64()).unwrap();
    }
    text
}

/// The final screen of a recording.
fn replay(cast: &str) -> vt100::Parser {
    let mut screen = screen();
    for line in cast.lines().skip(1) {
        let (_, _, bytes): (f64, String, String) = serde_json::from_str(line).unwrap();
        screen.process(bytes.as_bytes());
    }
    screen
}

fn screen() -> vt100::Parser {
    let size = |number| std::num::NonZeroU16::new(number).unwrap();
    vt100::Parser::new(size(ROWS), size(COLUMNS), 0)
}

/// The sixteen colors of a dark terminal.
const COLORS: [&str; 16] = [
    "#45475a", "#f38ba8", "#a6e3a1", "#f9e2af", "#89b4fa", "#cba6f7", "#94e2d5", "#bac2de", "#6c7086", "#f38ba8",
    "#a6e3a1", "#f9e2af", "#89b4fa", "#cba6f7", "#94e2d5", "#ffffff",
];

/// A screen as a picture.
fn svg(screen: &vt100::Screen) -> String {
    const WIDE: f64 = 8.4;
    const HIGH: f64 = 18.0;
    const EDGE: f64 = 12.0;
    let (rows, columns) = screen.size();
    let (rows, columns) = (rows.get(), columns.get());
    let used = (0..rows).rev().find(|&row| !screen.contents_between(row, 0, row, columns).trim().is_empty());
    let shown = used.map_or(1, |row| row + 1);
    let width = f64::from(columns) * WIDE + 2.0 * EDGE;
    let height = f64::from(shown) * HIGH + 2.0 * EDGE;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"monospace\" font-size=\"14\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#1e1e2e\"/>\n"
    );
    for row in 0..shown {
        let mut column = 0;
        while column < columns {
            let cell = screen.cell(row, column).unwrap();
            let style = (cell.fgcolor(), cell.bold(), cell.dim(), cell.inverse());
            let start = column;
            let mut run = String::new();
            while let Some(cell) = screen.cell(row, column)
                && (cell.fgcolor(), cell.bold(), cell.dim(), cell.inverse()) == style
            {
                run.push_str(if cell.has_contents() { cell.contents() } else { " " });
                column += 1;
            }
            if run.trim().is_empty() {
                continue;
            }
            let color = match style.0 {
                Color::Idx(index @ 0..16) => COLORS[usize::from(index)],
                _ => "#cdd6f4",
            };
            let run = run.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            writeln!(
                text,
                "<text x=\"{:.1}\" y=\"{:.1}\" textLength=\"{:.1}\" xml:space=\"preserve\" fill=\"{color}\"{}{}>{run}</text>",
                EDGE + f64::from(start) * WIDE,
                EDGE + f64::from(row) * HIGH + 13.0,
                f64::from(column - start) * WIDE,
                if style.1 { " font-weight=\"bold\"" } else { "" },
                if style.2 { " opacity=\"0.55\"" } else { "" },
            )
            .unwrap();
        }
    }
    let (row, column) = screen.cursor_position();
    writeln!(
        text,
        "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{WIDE}\" height=\"{HIGH}\" fill=\"#f5e0dc\" opacity=\"0.6\"/>\n</svg>",
        EDGE + f64::from(column) * WIDE,
        EDGE + f64::from(row) * HIGH - 1.0,
    )
    .unwrap();
    text
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a picture is no database")]
fn the_picture_and_the_recorded_session_are_of_this_program() {
    let home = home();
    let mut terminal = home.terminal().rows(ROWS).columns(COLUMNS).at_prompt();
    let chunks = play(&mut terminal);
    let mut live = screen();
    for (_, bytes) in &chunks {
        live.process(bytes);
    }
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let (picture, recording) = (examples.join("shell.svg"), examples.join("session.cast"));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&picture, svg(live.screen())).unwrap();
        std::fs::write(&recording, cast(&chunks)).unwrap();
    }
    let recorded = replay(&std::fs::read_to_string(&recording).unwrap());
    assert_eq!(recorded.screen().contents(), live.screen().contents(), "UPDATE=1 records it anew");
    assert!(std::fs::read_to_string(&picture).unwrap() == svg(live.screen()), "UPDATE=1 takes it anew");
    terminal.press("\x15");
    terminal.leave();
}
