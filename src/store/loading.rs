//! A load from a source whose failures are not those of a store.

use crate::error::{Error, Result};
use crate::storage::Entry;

/// The entries until the first that cannot be had, whose failure is kept: a store knows errors of its own only.
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
