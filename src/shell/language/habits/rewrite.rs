//! Rewrites a line of another shell.

use super::pattern::Fitted;
use super::row::{Habit, HabitMeaning};
use super::table::{SET_OPTIONS, TABLE};
use crate::shell::language::command;
use crate::shell::text::words::Word;

/// The rewritten line, if the line is a habit. Valid lines stay as they are, except for a few that would be refused.
pub(crate) fn rewrite<'w>(words: &'w [Word<'w>]) -> Option<Vec<Word<'w>>> {
    let first = words.first().filter(|word| !word.quoted && word.flag == 0)?;
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
    lines().filter(|(typed, _)| is_about(typed)).find_map(|(typed, ours)| {
        let fitted = Fitted::of(typed, words)?;
        let is_all = typed.ends_with(';') && fitted.has_more();
        (!is_all).then(|| fitted.fill(ours, first))
    })
}

/// The rows that rewrite lines.
fn lines() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.iter().filter_map(|Habit { typed, meaning, .. }| match meaning {
        HabitMeaning::Line(ours) => Some((*typed, *ours)),
        HabitMeaning::Hint(..) => None,
    })
}

/// `set` with Redis's options, if everything after the value is one.
fn set<'w>(words: &'w [Word<'w>]) -> Option<Vec<Word<'w>>> {
    let (command, mut rest) = words.split_at_checked(3)?;
    if rest.first().is_none_or(|word| word.bytes.starts_with(b"-")) {
        return None;
    }
    let mut line = command.to_vec();
    while let Some(first) = rest.first() {
        let (typed, ours) = SET_OPTIONS.iter().find(|(typed, _)| Fitted::of(typed, &rest[..1]).is_some())?;
        let length = typed.split(' ').count().min(rest.len());
        let (option, after) = rest.split_at(length);
        if option.iter().any(|word| word.quoted) {
            return None;
        }
        line.extend(Fitted::of(typed, option)?.fill(ours, first));
        rest = after;
    }
    Some(line)
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
    let ours = lines().filter_map(|(typed, ours)| {
        let fitted = Fitted::of(typed.split(' ').next()?, &words)?;
        let line = fitted.fill(ours.split(' ').next()?, &words[0]);
        line.first().map(|word| word.bytes.to_vec())
    });
    ours.collect()
}
