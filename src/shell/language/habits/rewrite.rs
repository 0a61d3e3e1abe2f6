//! Rewrites a line of another shell.

use super::pattern::{Fitted, is_flag};
use super::row::{Habit, HabitMeaning, OtherShell};
use super::table::{SET_OPTIONS, TABLE};
use crate::shell::language::classify::{ArgumentError, SHOWN};
use crate::shell::language::command;
use crate::shell::text::argument::any_of;
use crate::shell::text::escape::excerpt;
use crate::shell::text::words::Word;

/// The rewritten line, if the line is a habit. Valid lines stay as they are, except for a few that would be refused.
///
/// # Errors
/// The line is a habit with too few words, or too many.
pub(crate) fn rewrite<'w>(words: &'w [Word<'w>]) -> Result<Option<Vec<Word<'w>>>, ArgumentError> {
    let Some(first) = words.first().filter(|word| !word.quoted && word.flag == 0) else { return Ok(None) };
    if first.bytes.eq_ignore_ascii_case(b"set") {
        return set(words);
    }
    let name = &*first.bytes;
    let is_ours = command::is_name(name);
    // A row may name one of our commands only together with other words.
    let is_about = |typed: &str| {
        let (own, more) = typed.as_bytes().split_at(name.len().min(typed.len()));
        !is_ours || (own.eq_ignore_ascii_case(name) && more.starts_with(b" "))
    };
    let row = lines().filter(|(row, _)| is_about(row.typed)).find_map(|(row, ours)| {
        let fitted = Fitted::of(row.typed, words)?;
        let is_all = row.typed.ends_with(';') && !fitted.rest().is_empty();
        (!is_all).then_some((row, ours, fitted))
    });
    let Some((row, ours, fitted)) = row else { return Ok(None) };
    let mut line = fitted.fill(ours, first);
    let asks = |word: &Word<'_>| !word.quoted && matches!(&*word.bytes, b"--help" | b"-h");
    if let [_, help] = words
        && asks(help)
    {
        line.splice(1.., [help.clone()]);
    } else if let Some(refused) = missing(row, ours, words, &fitted).or_else(|| too_many(row, words, &fitted)) {
        return Err(refused);
    }
    Ok(Some(line))
}

/// The error for a line that has fewer words than its row.
fn missing(row: &Habit, ours: &str, words: &[Word<'_>], fitted: &Fitted<'_>) -> Option<ArgumentError> {
    let (_, arguments) = row.typed.split_once(' ').filter(|_| fitted.lacks_a_word())?;
    let message = format!("{}: expected {arguments} (here: {ours})", name(words));
    Some(ArgumentError { at: words.len(), message })
}

/// The error for a line that has more words than Redis takes. Flags are ours, and several words may be a value without
/// quotes: our command judges both.
fn too_many(row: &Habit, words: &[Word<'_>], fitted: &Fitted<'_>) -> Option<ArgumentError> {
    let more = fitted.rest();
    let is_ours = row.typed.ends_with("VALUE") || words.iter().any(is_flag);
    let found = more.first().filter(|_| row.program == OtherShell::Redis && !is_ours)?;
    let begin = |line: &'static str| line.split(' ').next().unwrap_or_default();
    let alike = lines().map(|(other, _)| other.typed).filter(|typed| begin(typed) == begin(row.typed));
    let forms: Vec<&str> = alike.map(|typed| typed.split_once(' ').map_or("nothing more", |(_, form)| form)).collect();
    let found = excerpt(&String::from_utf8_lossy(&found.bytes), SHOWN);
    let message = format!("{}: expected {}, found '{found}'", name(words), any_of(&forms));
    Some(ArgumentError { at: words.len() - more.len(), message })
}

/// The name as typed, for a message.
fn name(words: &[Word<'_>]) -> String {
    words.first().map(|word| excerpt(&String::from_utf8_lossy(&word.bytes), SHOWN)).unwrap_or_default()
}

/// The rows that rewrite lines.
fn lines() -> impl Iterator<Item = (&'static Habit, &'static str)> {
    TABLE.iter().filter_map(|row| match row.meaning {
        HabitMeaning::Line(ours) => Some((row, ours)),
        HabitMeaning::Hint(..) => None,
    })
}

/// `set` with Redis's options, if everything after the value is one.
fn set<'w>(words: &'w [Word<'w>]) -> Result<Option<Vec<Word<'w>>>, ArgumentError> {
    let Some((command, mut rest)) = words.split_at_checked(3) else { return Ok(None) };
    // After a flag, an option word may be its value.
    if rest.first().is_none_or(|word| word.bytes.starts_with(b"-")) || command.iter().any(is_flag) {
        return Ok(None);
    }
    let mut line = command.to_vec();
    while let Some(first) = rest.first() {
        let row = SET_OPTIONS.iter().find(|(typed, _)| Fitted::of(typed, &rest[..1]).is_some());
        let Some(&(typed, ours)) = row else { return Ok(None) };
        let (option, after) = rest.split_at(typed.split(' ').count().min(rest.len()));
        let fitted = Fitted::of(typed, option).filter(|_| !option.iter().any(|word| word.quoted));
        let Some(fitted) = fitted else { return Ok(None) };
        if fitted.lacks_a_word() {
            let message = format!("{}: expected {typed}, found nothing after '{}'", name(words), name(option));
            return Err(ArgumentError { at: words.len(), message });
        }
        line.extend(fitted.fill(ours, first));
        rest = after;
    }
    Ok(Some(line))
}

/// Whether a line that begins with this word may be a habit.
pub(crate) fn begins(name: &[u8]) -> bool {
    !commands(name).is_empty()
}

/// Whether a line that begins with this word is always rewritten to a command that only reads.
pub(crate) fn reads(name: &[u8]) -> bool {
    let commands = commands(name);
    !commands.is_empty() && commands.iter().all(|name| command::reads(name))
}

/// The commands that a line with this first word may be rewritten to.
pub(crate) fn commands(name: &[u8]) -> Vec<Vec<u8>> {
    let words = [Word { bytes: name.into(), quoted: false, flag: 0, span: 0..0 }];
    let ours = lines().filter_map(|(row, ours)| {
        let fitted = Fitted::of(row.typed.split(' ').next()?, &words)?;
        let line = fitted.fill(ours.split(' ').next()?, &words[0]);
        line.first().map(|word| word.bytes.to_vec())
    });
    ours.collect()
}
