//! Tests the table of habits row by row: at the prompt, in a script and as a one-shot command.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::time::Duration;

use super::golden::{Bytes, runner};
use super::{Origin, script};
use crate::database::Database;
use crate::shell::language::cli::Line;
use crate::shell::language::habits::{Habit, HabitMeaning, Outcome, TABLE, hint, rewrite};
use crate::shell::language::parse::{self, Parsed, Parser};
use crate::shell::language::{command, reading};
use crate::shell::text::words::{Step, Word};
use crate::storage::Entry;
use crate::store::{Scan, Store};

/// The mode in which a line is run.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Prompt,
    Script,
    OneShot,
}

/// The database of every example.
fn database() -> Database {
    let mut db = Database::in_memory();
    let user = crate::Value::from_json("{\"name\":\"Ada\"}").unwrap();
    for (key, value) in [("hello", "world".into()), ("n", "5".into()), ("token", "abc".into()), ("user:1", user)] {
        db.set(key, value).unwrap();
    }
    db.expire("token", Some(crate::Timestamp::now().after(Duration::from_hours(1)).unwrap())).unwrap();
    db
}

/// The words of the line in that mode.
fn with_words<T>(way: Way, line: &str, then: impl FnOnce(&[Word<'_>]) -> T) -> T {
    let step = reading::prompt().step(line.as_bytes(), true);
    let Step::Command { words, .. } = step else { panic!("{line}: {step:?}") };
    if way != Way::OneShot {
        return then(&words);
    }
    then(&parse::command_in(&arguments(&words)))
}

fn arguments(words: &[Word<'_>]) -> Vec<OsString> {
    let name = std::iter::once(OsString::from("rusty-kv"));
    name.chain(words.iter().map(|word| OsString::from_vec(word.bytes.to_vec()))).collect()
}

/// What a line prints, how it changes the database, and its hint.
fn run(way: Way, line: &str) -> (String, String) {
    let (mut runner, out, err) = runner(Box::new(database()), true);
    let before = entries(&runner.session.borrow().db);
    let mut said = String::new();
    match way {
        Way::Script => {
            script::run(&mut runner, &mut Bytes(line.as_bytes()), "script");
        }
        Way::Prompt => with_words(way, line, |words| {
            runner.words(words, Origin::Prompt);
        }),
        Way::OneShot => with_words(Way::Prompt, line, |words| {
            let args = arguments(words);
            match parse::arguments(&args) {
                Ok(Parsed::Run(cli)) => {
                    runner.line(Line::of(cli.command.unwrap()), Origin::OneShot);
                    runner.hint(Origin::OneShot, || parse::command_in(&args).into());
                }
                Ok(asked) => panic!("{line}: {asked:?}"),
                // As `start` does it.
                Err(_) => {
                    let hint = hint(&parse::command_in(&args), Outcome::Failed, false);
                    said = hint.map(|hint| format!("hint: {hint}\n")).unwrap_or_default();
                }
            }
        }),
    }
    runner.flush();
    let after = entries(&runner.session.borrow().db);
    (out.text() + &changes(&before, &after), err.text() + &said)
}

fn entries(db: &dyn Store) -> BTreeMap<String, Entry> {
    db.scan(&Scan::default()).map(Result::unwrap).collect()
}

/// Added, removed and changed keys, with the time to live, or the expiry if that is far in the future.
fn changes(before: &BTreeMap<String, Entry>, after: &BTreeMap<String, Entry>) -> String {
    let mut changes = BTreeMap::new();
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        changes.insert(key, format!("- {key}\n"));
    }
    for (key, entry) in after.iter().filter(|(key, entry)| before.get(*key) != Some(*entry)) {
        let sign = if before.contains_key(key) { '~' } else { '+' };
        let expires = entry.expiry.map(|expiry| {
            // Rounded to tens, because a test may be slow.
            let left = expiry.since(crate::Timestamp::now()).as_millis().div_ceil(10_000) * 10;
            if left > 1_000_000 { format!(" {expiry}") } else { format!(" {left}s") }
        });
        changes.insert(key, format!("{sign} {key} {}{}\n", entry.value, expires.unwrap_or_default()));
    }
    changes.into_values().collect()
}

#[test]
fn every_habit_does_or_says_what_its_row_does() {
    let mut wrong = Vec::new();
    // The tests have no access to the user's databases.
    for row in TABLE.iter().filter(|row| !row.typed.contains('@')) {
        let (line, expected) = row.example;
        for way in [Way::Prompt, Way::Script, Way::OneShot] {
            let found = match (row.meaning, expected.strip_prefix("= ")) {
                (HabitMeaning::Line(_), Some(_)) => with_words(way, line, |words| {
                    let ours = rewrite(words).unwrap().unwrap_or_default();
                    assert!(matches!(Parser::default().line(words), Ok(Parsed::Run(_))), "{line} does not parse");
                    let ours: Vec<_> = ours.iter().map(|word| String::from_utf8_lossy(&word.bytes)).collect();
                    format!("= {}", ours.join(" "))
                }),
                (HabitMeaning::Line(_), None) => {
                    let (found, said) = run(way, line);
                    found + &said
                }
                (HabitMeaning::Hint(after, _), _) => {
                    let (_, said) = run(way, line);
                    let is_said = match way {
                        Way::Prompt => true,
                        Way::Script => !row.at_prompt && after != [Outcome::Done],
                        Way::OneShot => !row.at_prompt,
                    };
                    let said = said.lines().find_map(|line| Some(line.split_once("hint: ")?.1.to_owned()));
                    if is_said { said.unwrap_or_default() } else { said.unwrap_or_else(|| expected.to_owned()) }
                }
            };
            if found != expected {
                wrong.push(format!("{way:?} {line}\n  expected {expected:?}\n  found    {found:?}\n"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.concat());
}

#[test]
fn no_habit_hides_a_command_of_ours() {
    for Habit { typed, meaning, .. } in TABLE.iter().filter(|row| matches!(row.meaning, HabitMeaning::Line(_))) {
        let names = typed.split(' ').next().unwrap().split('/');
        for name in names.filter(|name| command::is_name(name.as_bytes())) {
            let second = typed.split(' ').nth(1).unwrap();
            assert!(second.chars().any(char::is_lowercase), "{name}: {typed} {meaning:?}");
        }
    }
}
