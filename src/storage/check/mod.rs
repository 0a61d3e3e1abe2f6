//! Checking and repairing what is corrupt.
//!
//! | module | what it is |
//! | --- | --- |
//! | `files` | both files, opened together |
//! | `report` | the check |
//! | `repair`, `journal` | a new file of what can be read; a journal that stands in the way |
//! | `rescue` | what can be read of both files |
//! | `salvage`, `conflict`, `journal_salvage` | what can be read of a corrupt snapshot, one with conflict marks, a corrupt journal |

pub(crate) mod conflict;
pub(crate) mod files;
mod journal;
pub(crate) mod journal_salvage;
pub(crate) mod repair;
pub(crate) mod report;
mod rescue;
pub(crate) mod salvage;
