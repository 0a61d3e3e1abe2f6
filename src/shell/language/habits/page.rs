//! `help redis`, `help sqlite` and `help skate`, printed from the table.

use super::pattern::Fitted;
use super::rewrite::commands;
use super::row::OtherShell::{self, Any, Mongosh, Psql, Redis, Skate, Sqlite};
use super::row::{Habit, HabitMeaning};
use super::table::{SET_OPTIONS, TABLE};
use crate::shell::text::words::Word;

/// The topics, and the programs that each covers.
const PAGES: [(&str, &str, &[OtherShell]); 3] = [
    ("redis", "redis-cli", &[Redis, Any]),
    ("sqlite", "sqlite3, psql and mongosh", &[Sqlite, Psql, Mongosh, Any]),
    ("skate", "skate", &[Skate, Any]),
];

/// What `help TOPIC` prints, if it is one of these topics.
pub(crate) fn page(topic: &str) -> Option<String> {
    let (name, of, programs) = PAGES.iter().find(|(name, ..)| name.eq_ignore_ascii_case(topic))?;
    let (mut lines, mut hints) = (Vec::new(), Vec::new());
    for Habit { typed, meaning, .. } in TABLE.iter().filter(|row| programs.contains(&row.program)) {
        match meaning {
            HabitMeaning::Line(ours) => lines.push((*typed, *ours)),
            HabitMeaning::Hint(_, text) => hints.push((*typed, *text)),
        }
    }
    let mut text = format!("For users of {of}.\n\nThese work:\n\n");
    text.push_str(&columns(&lines));
    if *name == "redis" {
        text.push_str(
            "\nRedis's options work after `set KEY VALUE` if they are not quoted and nothing else follows:\n\n",
        );
        text.push_str(&columns(SET_OPTIONS));
    }
    text.push_str("\nThese work differently:\n\n");
    text.push_str(&columns(&hints));
    text.push_str("\nAnswers follow the rules of rusty-kv: changes print nothing in a pipe or a script, and \"no\" is status 1 (`help exit-codes`).");
    Some(text)
}

/// What `help NAME` prints if this is a name of another shell: its rows, and where to read on.
pub(crate) fn help(name: &str) -> Option<String> {
    let word = [Word { bytes: name.as_bytes().into(), quoted: false, flag: 0, span: 0..0 }];
    let begin = |typed: &'static str| typed.split(' ').next().unwrap_or_default();
    let is_named = |row: &&Habit| {
        let is_line = matches!(row.meaning, HabitMeaning::Line(_));
        let is_literal = !begin(row.typed).contains(char::is_uppercase);
        (is_line || is_literal) && Fitted::of(begin(row.typed), &word).is_some()
    };
    let rows: Vec<&Habit> = TABLE.iter().filter(is_named).collect();
    let program = rows.first()?.program;
    let told = |row: &&Habit| match row.meaning {
        HabitMeaning::Line(text) | HabitMeaning::Hint(_, text) => (row.typed, text),
    };
    let text = columns(&rows.iter().map(told).collect::<Vec<_>>());
    let topics = PAGES.iter().filter(|(.., programs)| programs.contains(&program)).map(|(topic, ..)| *topic);
    let mut commands: Vec<String> =
        commands(name.as_bytes()).iter().map(|name| format!("help {}", String::from_utf8_lossy(name))).collect();
    commands.dedup();
    commands.extend(topics.map(|topic| format!("help {topic}")));
    Some(text + "\nSee also: " + &commands.join(", "))
}

/// Two columns: what the user types, and its meaning (on the next line if the first is too wide).
fn columns(rows: &[(&str, &str)]) -> String {
    const WIDEST: usize = 24;
    let rows: Vec<_> = rows.iter().map(|(typed, meaning)| (typed.replace('/', ", "), meaning)).collect();
    let widths = rows.iter().map(|(typed, _)| typed.chars().count());
    let width = widths.filter(|&width| width <= WIDEST).max().unwrap_or(0);
    let line = |(typed, meaning): (String, &&str)| match typed.chars().count() {
        wide if wide > width => format!("  {typed}\n  {:width$}  {meaning}\n", ""),
        _ => format!("  {typed:<width$}  {meaning}\n"),
    };
    rows.into_iter().map(line).collect()
}
