//! The files themselves: the only place that opens, syncs, renames and locks.
//!
//! | module | what it is |
//! | --- | --- |
//! | `disk` | what storage asks of a file system, and the one of the system |
//! | `lock`, `uncertain` | the writers' lock, and what its note says; what a failed sync leaves |

pub(crate) mod disk;
pub(crate) mod lock;
pub(crate) mod uncertain;
