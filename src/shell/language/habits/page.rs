//! `help redis`, `help sqlite` and `help skate`: the table for people.

use super::row::OtherShell::{self, Any, Mongosh, Psql, Redis, Skate, Sqlite};
use super::row::{Habit, HabitMeaning};
use super::table::{SET_OPTIONS, TABLE};

/// The topics, and whose habits each is about.
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
    text.push_str("\nThese are done differently:\n\n");
    text.push_str(&columns(&hints));
    text.push_str("\nAnswers follow the rules of rusty-kv: changes print nothing in a pipe or a script, and \"no\" is status 1 (`help exit-codes`).");
    Some(text)
}

/// What is typed, and after it or below it what that is.
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
