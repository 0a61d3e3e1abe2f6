//! Hints after a line that did not do what the user probably meant.

use super::pattern::Fitted;
use super::rewrite::rewrite;
use super::row::{Habit, HabitMeaning, Outcome};
use super::table::TABLE;
use crate::shell::text::words::Word;

/// The hint after a line, if there is one. Lines longer than a user types are ignored.
pub(crate) fn hint(words: &[Word<'_>], outcome: Outcome, at_prompt: bool) -> Option<String> {
    const WORDS: usize = 100;
    const BYTES: usize = 4 << 10;
    if words.len() > WORDS || words.iter().map(|word| word.bytes.len()).sum::<usize>() > BYTES {
        return None;
    }
    let about = |words: &[Word<'_>]| {
        rows(outcome, at_prompt).find_map(|(typed, text)| {
            let fitted = Fitted::of(typed, words)?;
            (fitted.is_exact() && !fitted.takes_flag()).then(|| fitted.tell(text))
        })
    };
    about(words).or_else(|| about(&rewrite(words).ok()??))
}

/// Whether there is a hint for a line whose first word is not a command.
pub(crate) fn is_known(words: &[Word<'_>]) -> bool {
    hint(words, Outcome::Failed, true).is_some()
}

/// The hints after this outcome, which leaves few rows to match: a script may have a line without a hit a million times.
fn rows(outcome: Outcome, at_prompt: bool) -> impl Iterator<Item = (&'static str, &'static str)> {
    let rows = TABLE.iter().filter(move |row| at_prompt || !row.at_prompt);
    rows.filter_map(move |Habit { typed, meaning, .. }| match *meaning {
        HabitMeaning::Hint(after, text) if after.contains(&outcome) => Some((*typed, text)),
        _ => None,
    })
}
