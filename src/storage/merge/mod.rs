//! A snapshot and the changes since, as one: written out as a new snapshot ([`fold()`]), or read ([`Merged`]).

mod fault;
mod fold;
mod form;
mod layers;
mod merged;
mod touched;

#[cfg(test)]
mod tests;

pub(crate) use self::fault::FoldFault;
pub(crate) use self::fold::{Below, fold};
pub(crate) use self::layers::{Layer, Layers};
pub(crate) use self::merged::{Held, Merged};
