//! Checking and repairing corrupt files.
//!
//! | module | what it is |
//! | --- | --- |
//! | `files` | both files, opened together |
//! | `report` | the check |
//! | `repair`, `journal` | writing what is readable to a new file; repairing the journal |
//! | `rescue` | what is readable in both files |
//! | `salvage`, `conflict`, `journal_salvage` | what is readable in a corrupt snapshot, one with conflict markers, a corrupt journal |

pub(crate) mod conflict;
pub(crate) mod files;
mod journal;
pub(crate) mod journal_salvage;
pub(crate) mod repair;
pub(crate) mod report;
mod rescue;
pub(crate) mod salvage;
