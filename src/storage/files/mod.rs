//! The files: the only place that opens, syncs, renames and locks.
//!
//! | module | what it is |
//! | --- | --- |
//! | `disk` | what storage needs of a file system, and the implementation for the operating system |
//! | `lock`, `uncertain` | the writers' lock and its note; what a failed sync leaves uncertain |

pub(crate) mod disk;
pub(crate) mod lock;
pub(crate) mod uncertain;
