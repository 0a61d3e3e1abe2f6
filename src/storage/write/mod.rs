//! Writing: commits, saves, and what a writer finds that did not finish.
//!
//! | module | what it is |
//! | --- | --- |
//! | `commit`, `transaction` | a batch of changes made durable; an open transaction |
//! | `save`, `merge` | snapshot and changes become a new snapshot |
//! | `temporary` | files in the making, and the sweeping of those that were left |
//! | `spill` | changes that are more than memory is to hold |
//! | `writer` | the writers' lock in hand |
//! | `install` | a new snapshot, or a new journal, in place of the one that is there |
//! | `recover`, `ending` | what a writer before has left uncertain; a last record of the journal that cannot be read |
//! | `restore`, `removal` | another snapshot in the place of this one, or none |

pub(crate) mod commit;
pub(crate) mod ending;
mod install;
pub(crate) mod merge;
mod recover;
mod removal;
pub(crate) mod restore;
pub(crate) mod save;
pub(crate) mod spill;
pub(crate) mod temporary;
pub(crate) mod transaction;
pub(crate) mod writer;
