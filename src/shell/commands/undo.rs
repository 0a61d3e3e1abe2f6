//! `undo`: what was replaced comes back, and is named.

use clap::Args;

use super::traits::{CommandArgs, Group, InTransaction, Traits};
use super::{Caller, Session, keys, refused};
use crate::shell::answer::code::Reason;
use crate::shell::answer::done::Done;
use crate::shell::answer::reply::{Answer, Failure, shown};
use crate::shell::answer::status::Status;
use crate::shell::render::value_of;
use crate::shell::terminal::interrupt::stoppable;
use crate::shell::terminal::progress;
use crate::shell::text::argument::steps;
use crate::shell::text::escape::excerpt;
use crate::shell::text::mask::{HIDDEN, Masks};
use crate::store::{Foreign, Scan, Store as _, TOO_LARGE, UNDO_LIMIT, UndoEnd};

/// What a question says about what `undo` will not bring back.
pub(super) const NO_UNDO: &str = "this cannot be undone";

/// What a person is asked about a command that nobody has asked about.
pub(crate) const TOO_LARGE_QUESTION: &str = "Undo remembers at most 64 MiB, so this cannot be undone. Do it anyway?";

/// Undo the last change of this session, or the last N
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "A transaction counts as one change, and so does a file that was run with `source`. In an open transaction, undo works on its own commands. If another program has changed a key since, undo asks first (-y answers yes). Up to 64 MiB of keys and values are remembered for each database; a command that replaces more asks first, because it cannot be undone. `redo` reverts an undo.\n\nExamples:\n  undo\n  undo 3"
)]
pub(crate) struct UndoArgs {
    /// How many changes
    #[arg(value_name = "N", value_parser = steps(), default_value = "1", hide_default_value = true)]
    pub(crate) n: usize,
}

impl CommandArgs for UndoArgs {
    const TRAITS: Traits = Traits::changes("undo", Group::Processes).in_transaction(InTransaction::RefusedInDryRun);

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let Self { n } = self;
        if !caller.at_prompt || !session.db.is_remembering() {
            return Err(Failure::usage("`undo` works only at the prompt"));
        }
        let in_transaction = session.db.is_in_transaction();
        let masks = caller.masks.clone().unwrap_or_default();
        let undone = session.db.undo(n, &mut |foreign| caller.confirm(&question("Undo", foreign, &masks)))?;
        if undone.steps == 0 {
            return Ok(nothing(undone.end, in_transaction));
        }
        let note = match undone.end {
            None => None,
            Some(UndoEnd::Nothing) => Some("There is nothing more to undo".to_owned()),
            Some(UndoEnd::Forgotten) => Some("Earlier changes are no longer remembered".to_owned()),
            Some(UndoEnd::TooLarge) => Some(format!("The change before that was {TOO_LARGE}")),
            Some(UndoEnd::Refused) => Some("The change before that was kept".to_owned()),
        };
        let status = if undone.end == Some(UndoEnd::Refused) { Status::No } else { Status::Done };
        let done = Done::Undone { undone, is_counted: n > 1, now: session.db.now() };
        Ok(Answer { status, notes: note.into_iter().collect(), ..done.into() })
    }
}

impl Session {
    /// What a question about deleting keys says where `undo` will not bring them back: nothing in a transaction, which can
    /// be rolled back.
    pub(super) fn undo_warning(
        &self,
        prefix: &str,
        is_hit: impl Fn(&str) -> bool,
    ) -> Result<Option<&'static str>, Failure> {
        if self.db.is_in_transaction() {
            return Ok(None);
        }
        if !self.db.is_remembering() {
            return Ok(Some(NO_UNDO));
        }
        let mut bytes = 0;
        for entry in stoppable(self.db.scan(&Scan::prefix(prefix)), progress::keys) {
            let (key, entry) = entry?;
            if is_hit(&key) {
                bytes += key.len() + entry.value.as_bytes().len();
            }
            if bytes > UNDO_LIMIT {
                return Ok(Some(NO_UNDO));
            }
        }
        Ok(None)
    }
}

/// The answer if no step was undone.
fn nothing<'a>(end: Option<UndoEnd>, in_transaction: bool) -> Answer<'a> {
    let (reason, note) = match end {
        Some(UndoEnd::Refused) => (Reason::NotConfirmed, "Nothing was undone".to_owned()),
        Some(UndoEnd::TooLarge) if in_transaction => {
            (Reason::TooLarge, "The transaction is too large to undo in part; `rollback` discards all of it".to_owned())
        }
        Some(UndoEnd::TooLarge) => (Reason::TooLarge, format!("The last change was {TOO_LARGE}")),
        Some(UndoEnd::Forgotten) => {
            (Reason::Nothing, "Nothing to undo: earlier changes are no longer remembered".to_owned())
        }
        _ if in_transaction => {
            (Reason::Nothing, "Nothing to undo in this transaction; `rollback` discards it".to_owned())
        }
        _ => (Reason::Nothing, "Nothing to undo".to_owned()),
    };
    refused(reason, note)
}

/// What a person is asked about keys that others have changed.
pub(super) fn question(verb: &str, foreign: &[Foreign], masks: &Masks) -> String {
    let (what, they) = match foreign {
        [(key, held)] => {
            let shown_value = |held| if masks.hides(key) { HIDDEN.to_owned() } else { value_of(held) };
            let held = held.as_ref().map_or_else(
                || "it no longer exists".to_owned(),
                |held| format!("its value is now {}", shown_value(held)),
            );
            (format!("'{}' was since changed by another program: {held}", shown(key)), "it")
        }
        many => {
            let named: Vec<String> = many.iter().take(3).map(|(key, _)| format!("'{}'", excerpt(key, 40))).collect();
            let more = if many.len() > 3 { ", …" } else { "" };
            let count = keys(many.len() as u64);
            (format!("{count} were since changed by other programs ({}{more})", named.join(", ")), "them")
        }
    };
    format!("{what}. {verb} {they} anyway?")
}
