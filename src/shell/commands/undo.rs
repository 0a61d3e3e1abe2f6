//! `undo`: what was replaced comes back, and is named.

use clap::Args;

use super::traits::{CommandArgs, Group, InTransaction, Traits};
use super::{Confirm, Session, counted, keys, refused};
use crate::expiry::{Timestamp, format_duration};
use crate::shell::answer::reply::{Answer, Done, Failure, Field, Reply, shown};
use crate::shell::answer::status::Status;
use crate::shell::terminal::interrupt::stoppable;
use crate::shell::terminal::progress;
use crate::shell::text::argument::steps;
use crate::shell::text::escape::excerpt;
use crate::storage::Entry;
use crate::store::{Foreign, Scan, Store as _, TOO_LARGE, UNDO_LIMIT, UndoEnd, Undone};
use crate::value::Value;

/// What a question says about what `undo` will not bring back.
pub(super) const NO_UNDO: &str = "this cannot be undone";

/// What a person is asked about a command that nobody has asked about.
pub(crate) const TOO_LARGE_QUESTION: &str =
    "More than 64 MiB would have to be remembered to undo this. Do it all the same? (this cannot be undone)";

/// How what became of a key is counted.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    restored: u64,
    set_back: u64,
    removed: u64,
}

/// Take back what the last commands, or the last N, have changed in this session
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "Examples:\n  undo\n  undo 3\n\nA transaction is one step, and so is a file that was run by `source`. Within an open transaction its own commands are undone. If another program has changed a key since, it asks first (-y: it does not). 64 MiB of keys and values are remembered, for each database; a command that replaces more asks first, as it cannot be undone. An undo cannot be undone either."
)]
pub(crate) struct UndoArgs {
    /// How many
    #[arg(value_name = "N", value_parser = steps(), default_value = "1", hide_default_value = true)]
    pub(crate) n: usize,
}

impl CommandArgs for UndoArgs {
    const TRAITS: Traits = Traits::changes("undo", Group::Together).in_transaction(InTransaction::RefusedInDryRun);

    fn run<'s>(self, session: &'s mut Session, confirm: &mut Confirm<'_>) -> Result<Answer<'s>, Failure> {
        let Self { n } = self;
        if !session.at_prompt || !session.db.is_remembering() {
            return Err(Failure::usage("`undo` is for the prompt"));
        }
        let in_transaction = session.db.is_in_transaction();
        let undone = session.db.undo(n, &mut |foreign| confirm(&question(foreign)))?;
        if undone.steps == 0 {
            return Ok(nothing(undone.end, in_transaction));
        }
        let counts = Counts::of(&undone);
        let what = told(&undone, counts, session.db.now());
        let commands =
            if n > 1 { format!(" {}", counted(undone.steps as u64, "step", "steps")) } else { String::new() };
        let done = Done::new(format!("Undone{commands}: {what}"))
            .with("steps", Field::Number(undone.steps as u64))
            .with("restored", Field::Number(counts.restored))
            .with("set_back", Field::Number(counts.set_back))
            .with("removed", Field::Number(counts.removed));
        let note = match undone.end {
            None => None,
            Some(UndoEnd::Nothing) => Some("There was nothing more to undo".to_owned()),
            Some(UndoEnd::Forgotten) => Some("What came before is not remembered any more".to_owned()),
            Some(UndoEnd::TooLarge) => Some(format!("The step before that was {TOO_LARGE}")),
            Some(UndoEnd::Refused) => Some("The step before that was left as it is".to_owned()),
        };
        let status = if undone.end == Some(UndoEnd::Refused) { Status::No } else { Status::Done };
        Ok(Answer { reply: Reply::Done(done), status, notes: note.into_iter().collect() })
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
        Some(UndoEnd::Refused) => ("not_confirmed", "Nothing was undone".to_owned()),
        Some(UndoEnd::TooLarge) if in_transaction => {
            ("too_large", "The transaction is too large to undo in part; `rollback` forgets all of it".to_owned())
        }
        Some(UndoEnd::TooLarge) => ("too_large", format!("The last step was {TOO_LARGE}")),
        Some(UndoEnd::Forgotten) => {
            ("nothing", "Nothing to undo: what came before is not remembered any more".to_owned())
        }
        _ if in_transaction => ("nothing", "Nothing to undo in this transaction; `rollback` ends it".to_owned()),
        _ => ("nothing", "Nothing to undo".to_owned()),
    };
    refused(reason, note)
}

/// What a person is asked about keys that others have changed.
fn question(foreign: &[Foreign]) -> String {
    let (what, they) = match foreign {
        [(key, held)] => {
            let held = held
                .as_ref()
                .map_or_else(|| "it is not there any more".to_owned(), |held| format!("it is {} now", value_of(held)));
            (format!("'{}' was changed by another program since: {held}", shown(key)), "it")
        }
        many => {
            let named: Vec<String> = many.iter().take(3).map(|(key, _)| format!("'{}'", excerpt(key, 40))).collect();
            let more = if many.len() > 3 { ", …" } else { "" };
            let count = keys(many.len() as u64);
            (format!("{count} were changed by other programs since ({}{more})", named.join(", ")), "them")
        }
    };
    format!("{what}. Undo {they} all the same?")
}

impl Counts {
    fn of(undone: &Undone) -> Self {
        let mut counts = Self::default();
        for (_, from, to) in &undone.keys {
            match (from, to) {
                (None, _) => counts.restored += 1,
                (Some(_), None) => counts.removed += 1,
                (Some(_), Some(_)) => counts.set_back += 1,
            }
        }
        counts
    }
}

/// What became of the keys: each of a few, or how many.
fn told(undone: &Undone, counts: Counts, now: Timestamp) -> String {
    const FEW: usize = 4;
    if undone.keys.is_empty() {
        return "all of it was as before already".to_owned();
    }
    if undone.keys.len() <= FEW {
        let each: Vec<String> =
            undone.keys.iter().map(|(key, from, to)| key_told(key, from.as_ref(), to.as_ref(), now)).collect();
        return each.join("; ");
    }
    let Counts { restored, set_back, removed } = counts;
    let parts = [
        (restored, format!("restored {}", keys(restored))),
        (set_back, format!("set {} back", keys(set_back))),
        (removed, format!("removed {}", keys(removed))),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|(count, _)| *count > 0).map(|(_, part)| part).collect();
    parts.join("; ")
}

fn key_told(key: &str, from: Option<&Entry>, to: Option<&Entry>, now: Timestamp) -> String {
    let key = shown(key);
    let expiry =
        |to: &Entry| to.deadline.map(|deadline| format!("expires in {}", format_duration(deadline.since(now))));
    match (from, to) {
        (None, Some(to)) => {
            let expiry = expiry(to).map(|expiry| format!(", {expiry}")).unwrap_or_default();
            format!("restored {key} (was deleted{expiry})")
        }
        (Some(from), Some(to)) if from.value == to.value => match expiry(to) {
            Some(expiry) => format!("{key} {expiry} again"),
            None => format!("{key} does not expire any more"),
        },
        (Some(_), Some(to)) => {
            let expiry = expiry(to).map(|expiry| format!(" ({expiry})")).unwrap_or_default();
            format!("set {key} back to {}{expiry}", value_of(to))
        }
        (_, None) => format!("removed {key}"),
    }
}

/// The beginning of a value.
fn value_of(entry: &Entry) -> String {
    match &entry.value {
        Value::Bytes(bytes) => format!("{} bytes", bytes.len()),
        value => excerpt(&value.to_string(), 40),
    }
}
