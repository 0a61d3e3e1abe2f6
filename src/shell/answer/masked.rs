//! Answers on a terminal, where masked values are not shown.

use super::done::Done;
use super::reply::{Answer, DifferenceStream, Events, Listing, Reply};
use crate::database::Event;
use crate::shell::text::mask::{HIDDEN, Masks};
use crate::storage::Entry;
use crate::store::Undone;
use crate::value::Value;

/// The same answer without the values of masked keys. One value that was asked for by its key is given.
pub(crate) fn masked<'a>(answer: Answer<'a>, masks: &Masks) -> Answer<'a> {
    let shows_values =
        matches!(&answer.reply, Reply::Listing(_) | Reply::Changes(_) | Reply::Events(_) | Reply::Done(_));
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

/// Of what an undo or a redo has done to a masked key is left whether it has another value.
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
