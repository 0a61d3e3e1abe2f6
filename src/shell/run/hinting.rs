//! What is said after a line that did not do what was meant.

use std::borrow::Cow;

use super::{Origin, Runner};
use crate::shell::answer::status::Status;
use crate::shell::language::habits::{self, Outcome};
use crate::shell::text::argument::OutputMode;
use crate::shell::text::words::Word;

impl Runner<'_> {
    /// Says what may have been meant by a line that was run, or by the program's arguments.
    pub(crate) fn hint<'w>(&mut self, place: Origin<'_>, words: impl FnOnce() -> Cow<'w, [Word<'w>]>) {
        let Some(outcome) = self.outcome(place) else { return };
        if let Some(hint) = habits::hint(&words(), outcome, place == Origin::Prompt) {
            self.tally.hints += u8::from(place.is_script());
            let rendering = self.rendering();
            self.notes(&[format!("hint: {hint}")], place, &rendering);
        }
    }

    /// What has become of the last line, if a hint may follow: after a failure everywhere, but not more often than anybody
    /// reads, after success only where a person reads.
    fn outcome(&self, place: Origin<'_>) -> Option<Outcome> {
        const MOST: u8 = 10;
        let rendering = self.rendering();
        let is_read = self.output.console.err_style.width > 0 && !rendering.quiet;
        let (outcome, is_asked) = match self.tally.last {
            Status::Done if self.tally.found_nothing => (Outcome::Nothing, is_read),
            Status::Done => (Outcome::Done, is_read && !place.is_script()),
            Status::No => (Outcome::Missing, true),
            Status::Usage => (Outcome::Failed, true),
            _ => return None,
        };
        (is_asked && rendering.mode != OutputMode::Json && self.tally.hints < MOST).then_some(outcome)
    }
}
