//! The snapshot: one JSON document, sorted, one entry per line. In canonical form it is its own index; any other layout
//! is read in full.

mod check;
pub(crate) mod cursor;
pub(crate) mod document;
mod fences;
pub(crate) mod index;
mod lines;
mod window;

#[cfg(test)]
mod tests;

pub(crate) use self::check::{Sums, check, hash, verify};
pub(crate) use self::cursor::RawEntry;
pub(crate) use self::document::{Document, Unreadable};
pub(crate) use self::index::{Indexed, ReadFault};
pub(crate) use crate::storage::format::layout::Layout;
pub(crate) use crate::storage::format::snapshot_line::MAX_KEY;
