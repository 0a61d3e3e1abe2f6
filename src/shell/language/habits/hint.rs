//! What is said after a line that did not do what was meant.

use super::pattern::Fitted;
use super::row::{Habit, HabitMeaning, Outcome};
use super::table::TABLE;
use crate::shell::text::words::Word;

/// What to say after a line, if that is known. Longer lines than a person types are not looked at.
pub(crate) fn hint(words: &[Word<'_>], outcome: Outcome, at_prompt: bool) -> Option<String> {
    const WORDS: usize = 100;
    const BYTES: usize = 4 << 10;
    if words.len() > WORDS || words.iter().map(|word| word.bytes.len()).sum::<usize>() > BYTES {
        return None;
    }
    rows(at_prompt).find_map(|(typed, after, text)| {
        let fitted = Fitted::of(typed, words).filter(|_| after.contains(&outcome))?;
        fitted.is_exact().then(|| fitted.tell(text))
    })
}

/// Whether it is known what was meant by a line whose first word is no command of ours.
pub(crate) fn is_known(words: &[Word<'_>]) -> bool {
    hint(words, Outcome::Failed, true).is_some()
}

fn rows(at_prompt: bool) -> impl Iterator<Item = (&'static str, &'static [Outcome], &'static str)> {
    let rows = TABLE.iter().filter(move |row| at_prompt || !row.at_prompt);
    rows.filter_map(|Habit { typed, meaning, .. }| match *meaning {
        HabitMeaning::Hint(after, text) => Some((*typed, after, text)),
        HabitMeaning::Line(_) => None,
    })
}
