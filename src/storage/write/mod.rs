//! Writing: commits, saves, and recovery from writers that did not finish.
//!
//! | module | what it is |
//! | --- | --- |
//! | `commit`, `transaction` | a batch of changes made durable; an open transaction |
//! | `save`, `merge` | merging snapshot and changes into a new snapshot |
//! | `temporary` | temporary files, and removing those that killed writers left |
//! | `spill` | moving changes that do not fit in memory to disk |
//! | `writer` | the right to write, while the writers' lock is held |
//! | `install` | putting a new snapshot or journal in place |
//! | `recover`, `ending` | recovering from an uncertain state; an unreadable last record of the journal |
//! | `restore`, `removal` | replacing the database by another one; removing it |

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
