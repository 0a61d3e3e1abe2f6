//! A load from a source whose errors are not those of a store.

use crate::error::{Error, Result};
use crate::storage::Entry;

/// The entries up to the first failure, which is kept separately: a store can only pass on its own errors.
pub(crate) fn until_failure<'e, E>(
    entries: impl Iterator<Item = Result<(String, Entry), E>> + 'e,
    failed: &'e mut Option<E>,
) -> impl Iterator<Item = Result<(String, Entry)>> + 'e {
    entries.map(|entry| {
        entry.map_err(|failure| {
            *failed = Some(failure);
            Error::Interrupted
        })
    })
}
