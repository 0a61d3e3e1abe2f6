//! The snapshot: one JSON document, sorted, one entry a line. Its one form is its own index; any other
//! is read whole.

pub(crate) mod cursor;
pub(crate) mod document;
pub(crate) mod index;
pub(crate) mod layout;
pub(crate) mod line;

mod check;
pub(crate) mod conflict;
mod fences;
mod lines;
pub(crate) mod salvage;
mod window;

#[cfg(test)]
mod tests;

pub(crate) use self::check::{Sums, check, hash, verify};
pub(crate) use self::cursor::Line;
pub(crate) use self::document::{Document, Unreadable};
pub(crate) use self::index::{Indexed, ReadFault};
pub(crate) use self::layout::Layout;
pub(crate) use self::line::MAX_KEY;
