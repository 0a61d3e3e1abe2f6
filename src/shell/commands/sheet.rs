//! Entries as the rows of a table, and in the order of a part of them.

use std::cmp::Ordering;

use super::Caller;
use super::part::part_of;
use crate::expiry::Timestamp;
use crate::shell::answer::reply::{Answer, Field, Listing, Reply, Sheet};
use crate::shell::filter;
use crate::shell::text::argument::PartPointer;
use crate::shell::text::mask::HIDDEN;
use crate::storage::Entry;
use crate::value::Value;

/// The columns after the key.
#[derive(Debug)]
pub(super) enum SheetColumns {
    /// Type, size and what is left of the time, and perhaps the value.
    Long { now: Timestamp, values: bool },
    /// Parts of the values.
    Members(Vec<PartPointer>),
}

impl SheetColumns {
    fn names(&self) -> Vec<String> {
        let key = || "key".to_owned();
        match self {
            Self::Long { values, .. } => {
                let names = ["type", "size", "ttl"].into_iter().chain(values.then_some("value"));
                std::iter::once(key()).chain(names.map(str::to_owned)).collect()
            }
            Self::Members(members) => {
                let mut names = vec![key()];
                for member in members {
                    // Of two members of one name the second keeps its pointer.
                    let name = member.path.name();
                    names.push(if name.is_empty() || names.contains(&name) { member.typed.clone() } else { name });
                }
                names
            }
        }
    }

    fn row(&self, key: String, entry: Entry, is_masked: bool) -> Vec<Field> {
        let hidden = || Field::Text(HIDDEN.to_owned());
        let mut row = vec![Field::Text(key)];
        match self {
            Self::Long { now, values } => {
                let size = Field::Bytes(entry.value.as_bytes().len() as u64);
                row.push(Field::Text(entry.value.kind().to_owned()));
                // How long a secret is, is a part of it.
                row.push(if is_masked { hidden() } else { size });
                row.push(entry.expiry.map_or(Field::None, |expiry| Field::Span(expiry.since(*now))));
                if *values {
                    row.push(if is_masked { hidden() } else { Field::Value(entry.value) });
                }
            }
            Self::Members(members) if is_masked => row.extend(members.iter().map(|_| hidden())),
            Self::Members(members) => row.extend(members.iter().map(|member| member_of(&entry.value, member))),
        }
        row
    }
}

/// Makes the rows of a table of a listing.
pub(super) fn of<'s>(answer: Answer<'s>, columns: SheetColumns, caller: &Caller<'_>) -> Answer<'s> {
    let Reply::Listing(Listing { entries, limited, .. }) = answer.reply else { return answer };
    let masks = caller.masks.clone().unwrap_or_default();
    let names = columns.names();
    let rows = entries.map(move |item| {
        let (key, entry) = item?;
        let is_masked = masks.hides(&key);
        Ok(columns.row(key, entry, is_masked))
    });
    Answer { reply: Reply::Sheet(Sheet { columns: names, rows: Box::new(rows), limited }), ..answer }
}

fn member_of(value: &Value, member: &PartPointer) -> Field {
    match part(value, member) {
        Some(value) => Field::Value(value),
        None => Field::None,
    }
}

/// The part of JSON; nothing else has one.
fn part(value: &Value, pointer: &PartPointer) -> Option<Value> {
    match value {
        Value::Json(_) => part_of(value.clone(), pointer).ok().flatten(),
        value => pointer.path.is_whole().then(|| value.clone()),
    }
}

/// An entry, and the JSON of the part that it is sorted by.
type SortedRow = (Option<String>, String, Entry);

/// The entries in the order of a part of them, then of their keys. With a limit no more are held than twice as many.
pub(super) fn sorted(
    entries: impl Iterator<Item = crate::Result<(String, Entry)>>,
    by: &PartPointer,
    reverse: bool,
    limit: Option<u64>,
) -> crate::Result<Vec<(String, Entry)>> {
    /// It does not pay to sort fewer.
    const FEW: usize = 256;
    let compare = |a: &SortedRow, b: &SortedRow| -> Ordering {
        let order = filter::order(a.0.as_deref(), b.0.as_deref()).then_with(|| a.1.cmp(&b.1));
        if reverse { order.reverse() } else { order }
    };
    let most = super::at_most(limit);
    let mut rows: Vec<SortedRow> = Vec::new();
    for item in entries {
        let (key, entry) = item?;
        let part = part(&entry.value, by).and_then(|part| match part {
            Value::Text(text) => Some(filter::quoted(&text)),
            Value::Json(json) => Some(json.into_string()),
            Value::Bytes(_) => None,
        });
        rows.push((part, key, entry));
        if rows.len() >= most.saturating_mul(2).max(FEW) {
            rows.sort_by(compare);
            rows.truncate(most);
        }
    }
    rows.sort_by(compare);
    rows.truncate(most);
    Ok(rows.into_iter().map(|(_, key, entry)| (key, entry)).collect())
}
