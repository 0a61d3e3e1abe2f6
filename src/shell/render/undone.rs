//! What an undo or a redo has done to which keys.

use super::counts::keys;
use crate::expiry::{Timestamp, format_duration};
use crate::shell::answer::reply::shown;
use crate::shell::text::escape::excerpt;
use crate::storage::Entry;
use crate::store::Undone;
use crate::value::Value;

/// How what became of a key is counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) restored: u64,
    pub(super) set_back: u64,
    pub(super) removed: u64,
}

impl Counts {
    pub(super) fn of(undone: &Undone) -> Self {
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

/// So many keys are named one by one.
const FEW: usize = 4;

/// What became of the keys: each of a few, or how many.
pub(super) fn told(undone: &Undone, now: Timestamp) -> String {
    if undone.keys.is_empty() {
        return "nothing had changed".to_owned();
    }
    if undone.keys.len() <= FEW {
        let each: Vec<String> =
            undone.keys.iter().map(|(key, from, to)| key_told(key, from.as_ref(), to.as_ref(), now)).collect();
        return each.join("; ");
    }
    let Counts { restored, set_back, removed } = Counts::of(undone);
    let parts = [
        (restored, format!("restored {}", keys(restored))),
        (set_back, format!("set {} back", keys(set_back))),
        (removed, format!("removed {}", keys(removed))),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|(count, _)| *count > 0).map(|(_, part)| part).collect();
    parts.join("; ")
}

/// The same of a redo.
pub(super) fn told_again(undone: &Undone, now: Timestamp) -> String {
    if undone.keys.is_empty() {
        return "nothing had changed".to_owned();
    }
    if undone.keys.len() <= FEW {
        let each = undone.keys.iter().map(|(key, _, to)| match to {
            Some(to) => {
                let expiry = to.expiry.map(|at| format!(" (expires in {})", format_duration(at.since(now))));
                format!("set {} to {}{}", shown(key), value_of(to), expiry.unwrap_or_default())
            }
            None => format!("deleted {}", shown(key)),
        });
        return each.collect::<Vec<_>>().join("; ");
    }
    let Counts { restored, set_back, removed } = Counts::of(undone);
    let parts = [(restored + set_back, "set"), (removed, "deleted")];
    let parts =
        parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, verb)| format!("{verb} {}", keys(count)));
    parts.collect::<Vec<_>>().join("; ")
}

fn key_told(key: &str, from: Option<&Entry>, to: Option<&Entry>, now: Timestamp) -> String {
    let key = shown(key);
    let expiry = |to: &Entry| to.expiry.map(|expiry| format!("expires in {}", format_duration(expiry.since(now))));
    match (from, to) {
        (None, Some(to)) => {
            let expiry = expiry(to).map(|expiry| format!(", {expiry}")).unwrap_or_default();
            format!("restored {key} (was deleted{expiry})")
        }
        (Some(from), Some(to)) if from.value == to.value => match expiry(to) {
            Some(expiry) => format!("{key} {expiry} again"),
            None => format!("{key} no longer expires"),
        },
        (Some(_), Some(to)) => {
            let expiry = expiry(to).map(|expiry| format!(" ({expiry})")).unwrap_or_default();
            format!("set {key} back to {}{expiry}", value_of(to))
        }
        (_, None) => format!("removed {key}"),
    }
}

/// The beginning of a value.
pub(crate) fn value_of(entry: &Entry) -> String {
    match &entry.value {
        Value::Bytes(bytes) => format!("{} bytes", bytes.len()),
        value => excerpt(&value.to_string(), 40),
    }
}
