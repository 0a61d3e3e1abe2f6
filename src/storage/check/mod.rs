//! Checking and repairing what is damaged.
//!
//! | module | what it is |
//! | --- | --- |
//! | `repair` | check, and every kind of repair |
//! | `salvage`, `conflict`, `journal_salvage` | what can be read of a damaged snapshot, one with conflict marks, a damaged journal |

pub(crate) mod conflict;
pub(crate) mod journal_salvage;
pub(crate) mod repair;
pub(crate) mod salvage;
