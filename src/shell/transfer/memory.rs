//! Memory for lines and rows of any length: it is requested in advance, so that a lack of it is an error.

use std::io::{self, ErrorKind};

use crate::storage::{LARGE, check_memory};

/// Makes room for more, twice as much as there is if that can be had.
pub(crate) fn reserve<T>(list: &mut Vec<T>, more: usize) -> io::Result<()> {
    let reserved = list.try_reserve(more).or_else(|_| list.try_reserve_exact(more));
    reserved.map_err(|_| ErrorKind::OutOfMemory.into())
}

/// Fails if there is not enough memory for the record that a text holds, which is made while the text is held.
pub(super) fn check(text: &[u8]) -> io::Result<()> {
    if text.len() < LARGE {
        return Ok(());
    }
    // Unsafe characters become escapes of six bytes, and a growing buffer takes up to twice its length.
    let longer = |byte: &u8| match byte {
        0x7f => 5,
        0xc2 | 0xd8 => 4,
        0xe2 => 3,
        _ => 0,
    };
    let most = text.len() + text.iter().map(longer).sum::<usize>();
    check_memory(2 * most).map_err(|_| ErrorKind::OutOfMemory.into())
}
