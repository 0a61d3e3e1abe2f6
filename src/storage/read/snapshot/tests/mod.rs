//! Compares snapshots with maps, with simple writing and scanning, and with bytes that are not a snapshot.

mod check;
mod cursor;
mod document;
mod index;
mod support;
