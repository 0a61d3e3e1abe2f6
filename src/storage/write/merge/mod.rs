//! Merging a snapshot and the changes since it into a new snapshot ([`fold()`]).

mod fault;
mod fold;
mod form;
mod touched;

#[cfg(test)]
mod tests;

pub(crate) use self::fault::FoldFault;
pub(crate) use self::fold::{Below, fold};
