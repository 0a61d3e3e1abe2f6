//! The result of a change, as a sentence for a user or as members of a JSON object.

use std::borrow::Cow;

use super::counts::{changes, counted, keys};
use super::undone::{Counts, told, told_again};
use crate::database::Loaded;
use crate::expiry::format_duration;
use crate::shell::answer::done::{Done, MergeConflict, Setting};
use crate::shell::answer::reply::{Field, shown};
use crate::shell::config;
use crate::value::Value;

/// What an import did, or would do, with the rows that it read.
pub(crate) fn imported(verb: &str, loaded: &Loaded) -> String {
    let rest = [(loaded.repeated(), "with a repeated key"), (loaded.kept, "skipped"), (loaded.expired, "expired")];
    let rest: Vec<_> = rest.iter().filter(|rest| rest.0 > 0).map(|(n, what)| format!("{n} {what}")).collect();
    let entries = counted(loaded.entries, "entry", "entries");
    if rest.is_empty() {
        format!("{verb} {entries}")
    } else {
        format!("{verb} {entries} (of {} read: {})", loaded.read, rest.join(", "))
    }
}

/// What a check was able to read.
pub(crate) fn found(entries: u64, in_journal: u64) -> String {
    format!("{}, {} in the journal", counted(entries, "entry", "entries"), changes(in_journal))
}

/// Results that are data, and printed even to programs that read lines.
pub(super) fn value(done: &Done) -> Option<Cow<'_, Value>> {
    match done {
        Done::WithOld(_, old) => old.as_ref().map(Cow::Borrowed),
        Done::Computed(value) => Some(Cow::Borrowed(value)),
        Done::Checked { entries, changes, faults, .. } if faults.is_empty() => {
            Some(Cow::Owned(Value::from(format!("ok: {}", found(*entries, *changes)))))
        }
        _ => None,
    }
}

/// The message for a user, if any.
pub(super) fn sentence(done: &Done) -> Option<String> {
    let on_or_off = |on: &bool| if *on { "on" } else { "off" };
    Some(match done {
        Done::Quietly
        | Done::Refused(_)
        | Done::Computed(_)
        | Done::Checked { .. }
        | Done::Repaired { .. }
        | Done::Sourced { .. } => return None,
        Done::WithOld(done, _) => return sentence(done),
        Done::Set { key } => format!("Set value for key: {}", shown(key)),
        Done::SetKeys { keys: count } => format!("Set {}", keys(*count)),
        Done::SetTooLate { key } => format!("'{}' has already expired", shown(key)),
        Done::Appended { key, bytes } => format!("Appended to key: {} (now {bytes} bytes)", shown(key)),
        Done::PartSet { key, pointer } => format!("Set '{}' of key: {}", shown(pointer), shown(key)),
        Done::PartDeleted { key, pointer } => format!("Deleted '{}' of key: {}", shown(pointer), shown(key)),
        Done::Pushed { key, values, length } => {
            let (values, items) = (counted(*values, "value", "values"), counted(*length, "item", "items"));
            format!("Pushed {values} to key: {} (now {items})", shown(key))
        }
        Done::Merged { key } => format!("Merged into key: {}", shown(key)),
        Done::Patched { key } => format!("Patched key: {}", shown(key)),
        Done::Renamed { from, to } => format!("Renamed key: {} to {}", shown(from), shown(to)),
        Done::Copied { from, to } => format!("Copied key: {} to {}", shown(from), shown(to)),
        Done::RenamedMany { keys: count } => format!("Renamed {}", keys(*count)),
        Done::CopiedMany { keys: count } => format!("Copied {}", keys(*count)),
        Done::Deleted { keys: count, .. } | Done::Cleared { keys: count, hint: None } => {
            format!("Deleted {}", keys(*count))
        }
        Done::Cleared { keys: count, hint: Some(hint) } => format!("Deleted {} ({hint})", keys(*count)),
        Done::Expires { key, after, .. } => format!("Key '{}' expires in {}", shown(key), format_duration(*after)),
        Done::ExpiresMany { keys: count, after: Some(after), .. } => {
            format!("Set the time to live of {} to {}", keys(*count), format_duration(*after))
        }
        Done::ExpiresMany { after: None, .. } => "No key was chosen".to_owned(),
        Done::PersistsMany { keys: count } => format!("Removed the expiry of {}", keys(*count)),
        Done::Persists { key, had_expiry: true } => format!("Key '{}' no longer expires", shown(key)),
        Done::Persists { key, had_expiry: false } => format!("Key '{}' had no expiry", shown(key)),
        Done::Unchanged { key, is_there: true } => format!("Key '{}' is unchanged", shown(key)),
        Done::Unchanged { key, is_there: false } => {
            format!("Key '{}' was not created: nothing was written", shown(key))
        }
        Done::Appeared { key } => format!("Key '{}' exists", shown(key)),
        Done::Begun => "Transaction started; end it with commit or rollback".to_owned(),
        Done::Committed { changes: count } => format!("Committed {}", changes(*count)),
        Done::RolledBack { changes: count } => format!("Rolled back {}", changes(*count)),
        Done::Undone { undone, is_counted, now } => {
            let steps = counted(undone.steps as u64, "step", "steps");
            let steps = if *is_counted { format!(" {steps}") } else { String::new() };
            format!("Undid{steps}: {}", told(undone, *now))
        }
        Done::Redone { undone, is_counted, now } => {
            let steps = counted(undone.steps as u64, "step", "steps");
            let steps = if *is_counted { format!(" {steps}") } else { String::new() };
            format!("Redid{steps}: {}", told_again(undone, *now))
        }
        Done::Saved { keys: count, path } => format!("Saved {} to {}", keys(*count), config::short(path)),
        Done::Restored { keys: count, kept: None } => format!("Restored {}", keys(*count)),
        Done::Restored { keys: count, kept: Some(kept) } => {
            format!("Restored {}; the old file is now {}", keys(*count), config::short(kept))
        }
        Done::Using { name, keys: Some(count) } => format!("Using {name} ({})", keys(*count)),
        Done::Using { name, keys: None } => format!("Using {name} (new; the first change creates it)"),
        Done::Dropped { name, keys: count } => format!("Dropped {name} ({})", keys(*count)),
        Done::Imported(loaded) => imported("Imported", loaded),
        Done::CopiedOut(loaded) => imported("Copied", loaded),
        Done::Exported { keys: count, file } => format!("Wrote {} to {}", keys(*count), config::short(file)),
        Done::MergedFiles { keys: count, file, .. } => {
            format!("Merged {} into {}", changes(*count), config::short(file))
        }
        Done::Switched(Setting::Timer(on)) => format!("Timer is {}", on_or_off(on)),
        Done::Switched(Setting::Pager(on)) => format!("Pager is {}", on_or_off(on)),
        Done::Switched(Setting::Hints(on)) => format!("Hints are {}", on_or_off(on)),
        Done::Switched(Setting::Keys(mode)) => format!("Edit mode is {}", mode.name()),
        Done::Switched(Setting::History(on)) => format!("History is {}", on_or_off(on)),
        Done::Switched(Setting::Mask(patterns)) if patterns.is_empty() => "Mask is off".to_owned(),
        Done::Switched(Setting::Mask(patterns)) => format!("Masked keys: {}", patterns.join(", ")),
        Done::Ran { commands } => format!("Ran {}", counted(*commands, "command", "commands")),
    })
}

/// Whether the change was made, or the check passed.
pub(super) fn is_ok(done: &Done) -> bool {
    match done {
        Done::Refused(_) => false,
        Done::Checked { faults, .. } => faults.is_empty(),
        Done::MergedFiles { conflicts, .. } => conflicts.is_empty(),
        Done::WithOld(done, _) => is_ok(done),
        _ => true,
    }
}

fn numbers<const N: usize>(counts: [(&'static str, u64); N]) -> Vec<(&'static str, Field)> {
    counts.into_iter().map(|(name, count)| (name, Field::Number(count))).collect()
}

/// Further members of the JSON object: counts, old values.
pub(super) fn fields(done: Done) -> Vec<(&'static str, Field)> {
    let path = |path: std::path::PathBuf| Field::Text(path.to_string_lossy().into_owned());
    match done {
        Done::Refused(reason) => vec![("reason", Field::Text(reason.name().to_owned()))],
        Done::WithOld(done, old) => {
            let mut fields = fields(*done);
            fields.push(("old", old.map_or(Field::None, Field::Value)));
            fields
        }
        Done::Computed(value) => vec![("value", Field::Exact(value.to_string()))],
        Done::SetKeys { keys } => vec![("keys", Field::Number(keys))],
        Done::Appended { bytes, .. } => vec![("size", Field::Bytes(bytes))],
        Done::Pushed { length, .. } => vec![("length", Field::Number(length))],
        Done::PartDeleted { .. } => vec![("deleted", Field::Number(1))],
        Done::Deleted { keys, missing } => {
            let mut fields = numbers([("deleted", keys)]);
            fields.extend((!missing.is_empty()).then_some(("missing", Field::Keys(missing))));
            fields
        }
        Done::Cleared { keys, .. } | Done::Dropped { keys, .. } => vec![("deleted", Field::Number(keys))],
        Done::Expires { at, .. } => vec![("expires", Field::Text(at.to_string()))],
        Done::ExpiresMany { keys, at, .. } => {
            let mut fields = numbers([("keys", keys)]);
            fields.extend(at.map(|at| ("expires", Field::Text(at.to_string()))));
            fields
        }
        Done::PersistsMany { keys } | Done::RenamedMany { keys } | Done::CopiedMany { keys } => {
            numbers([("keys", keys)])
        }
        Done::Committed { changes } | Done::RolledBack { changes } => vec![("changes", Field::Number(changes))],
        Done::Undone { undone, .. } => {
            let Counts { restored, set_back, removed } = Counts::of(&undone);
            numbers([
                ("steps", undone.steps as u64),
                ("restored", restored),
                ("set_back", set_back),
                ("removed", removed),
            ])
        }
        Done::Redone { undone, .. } => {
            let Counts { restored, set_back, removed } = Counts::of(&undone);
            numbers([("steps", undone.steps as u64), ("set", restored + set_back), ("deleted", removed)])
        }
        Done::Saved { keys, path: saved } => vec![("keys", Field::Number(keys)), ("path", path(saved))],
        Done::Restored { keys, kept } => vec![("keys", Field::Number(keys)), ("kept", kept.map_or(Field::None, path))],
        Done::Using { name, .. } => vec![("name", Field::Text(name))],
        Done::Checked { entries, changes, torn, faults, uncertain } => {
            let mut fields = numbers([("entries", entries), ("changes", changes), ("torn_bytes", torn)]);
            fields.extend((!faults.is_empty()).then_some(("faults", Field::Keys(faults))));
            fields.extend(uncertain.map(|uncertain| ("doubt", Field::Text(uncertain))));
            fields
        }
        Done::Repaired { path: made, count, is_entries, dropped, is_corrupt } => {
            let name = if is_entries { "entries" } else { "changes" };
            let fields = [(name, Field::Number(count)), ("path", path(made)), ("dropped", Field::Keys(dropped))];
            fields.into_iter().chain(is_corrupt.then_some(("corrupt", Field::Flag(true)))).collect()
        }
        Done::CopiedOut(loaded) => {
            let counts = [("copied", loaded.entries), ("read", loaded.read), ("skipped", loaded.kept)];
            numbers(counts)
        }
        Done::Imported(loaded) => {
            let (repeated, skipped) = (loaded.repeated(), loaded.kept);
            let counts =
                [("imported", loaded.entries), ("read", loaded.read), ("repeated", repeated), ("skipped", skipped)];
            let mut fields = numbers(counts);
            fields.extend((loaded.expired > 0).then_some(("expired", Field::Number(loaded.expired))));
            fields
        }
        Done::Exported { keys, .. } => vec![("exported", Field::Number(keys))],
        Done::MergedFiles { keys, conflicts, .. } => {
            let text = |text: String| Field::Text(text);
            let row = |MergeConflict { key, part, ours, theirs }| {
                vec![("key", text(key)), ("part", text(part)), ("ours", text(ours)), ("theirs", text(theirs))]
            };
            let conflicts = conflicts.into_iter().map(row).collect();
            vec![("changes", Field::Number(keys)), ("conflicts", Field::Rows(conflicts))]
        }
        Done::Sourced { commands } => vec![("commands", Field::Number(commands))],
        // Only the fact that it was done.
        _ => Vec::new(),
    }
}
