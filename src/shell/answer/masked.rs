//! Answers on a terminal, without masked values.

use super::done::Done;
use super::reply::{Answer, DifferenceStream, Events, FilterOutput, Listing, Outputs, Reply};
use crate::database::Event;
use crate::shell::text::mask::{HIDDEN, Masks};
use crate::storage::Entry;
use crate::store::Undone;
use crate::value::Value;

/// The same answer without the values of masked keys, except for values that were requested by their keys.
pub(crate) fn masked<'a>(answer: Answer<'a>, masks: &Masks) -> Answer<'a> {
    let shows_values = match &answer.reply {
        Reply::Listing(_) | Reply::Changes(_) | Reply::Events(_) | Reply::Done(_) => true,
        Reply::Outputs(outputs) => !outputs.is_by_key,
        _ => false,
    };
    if !shows_values || masks.is_empty() {
        return answer;
    }
    let masks = masks.clone();
    let reply = match answer.reply {
        Reply::Listing(listing) => {
            let entries = listing.entries.map(move |item| {
                let (key, entry) = item?;
                let entry = if masks.hides(&key) { hidden(&entry) } else { entry };
                Ok((key, entry))
            });
            Reply::Listing(Listing { entries: Box::new(entries), ..listing })
        }
        Reply::Outputs(outputs) => {
            let entries = outputs.entries.map(move |item| {
                let (key, outputs) = item?;
                let is_hidden = !outputs.is_empty() && masks.hides(&key);
                Ok((key, if is_hidden { vec![hidden_output()] } else { outputs }))
            });
            Reply::Outputs(Outputs { entries: Box::new(entries), ..outputs })
        }
        Reply::Changes(changes) => Reply::Changes(DifferenceStream { masks, ..changes }),
        Reply::Events(Events { title, run }) => {
            let run = move |show: &mut super::reply::OnEvent<'_>| {
                run(&mut |key, event| match event {
                    Event::Set(entry) if masks.hides(key) => show(key, &Event::Set(hidden(entry))),
                    event => show(key, event),
                })
            };
            Reply::Events(Events { title, run: Box::new(run) })
        }
        Reply::Done(Done::Undone { mut undone, is_counted, now }) => {
            hide(&mut undone, &masks);
            Reply::Done(Done::Undone { undone, is_counted, now })
        }
        Reply::Done(Done::Redone { mut undone, is_counted, now }) => {
            hide(&mut undone, &masks);
            Reply::Done(Done::Redone { undone, is_counted, now })
        }
        reply => reply,
    };
    Answer { reply, ..answer }
}

/// The entry without its value.
pub(crate) fn hidden(entry: &Entry) -> Entry {
    Entry { value: Value::from(HIDDEN), expiry: entry.expiry }
}

/// The outputs of a filter for a masked value, of which even the number may say something.
fn hidden_output() -> FilterOutput {
    FilterOutput { json: format!("\"{HIDDEN}\""), bare: Some(HIDDEN.to_owned()) }
}

/// For a masked key, an undo or a redo only shows whether the value differs.
fn hide(undone: &mut Undone, masks: &Masks) {
    for (key, from, to) in &mut undone.keys {
        let is_same = from.as_ref().map(|entry| &entry.value) == to.as_ref().map(|entry| &entry.value);
        if is_same || !masks.hides(key) {
            continue;
        }
        for (side, shown) in [(from, ""), (to, HIDDEN)] {
            if let Some(entry) = side {
                entry.value = Value::from(shown);
            }
        }
    }
}
