//! Writing: commits, saves, and what a writer finds that did not finish.
//!
//! | module | what it is |
//! | --- | --- |
//! | `commit`, `transaction` | changes that become durable together; an open transaction |
//! | `save`, `merge` | snapshot and changes become a new snapshot |
//! | `temporary` | files in the making, and the sweeping of those that were left |
//! | `load` | bulk loads |
//! | `locking` | the writers' lock, taken and given back |
//! | `ending` | a last record of the journal that cannot be read |
//! | `restore`, `removal` | another snapshot in the place of this one, or none |

pub(crate) mod commit;
pub(crate) mod ending;
pub(crate) mod load;
mod locking;
pub(crate) mod merge;
mod removal;
pub(crate) mod restore;
pub(crate) mod save;
pub(crate) mod temporary;
pub(crate) mod transaction;
