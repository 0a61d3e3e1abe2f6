//! Snapshots: against maps, plain writing and reading past all lines, and bytes that are no snapshot.

mod check;
mod cursor;
mod document;
mod index;
mod support;
