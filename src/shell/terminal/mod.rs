//! The terminal and what else is outside: streams, files that answers go to, other programs, signals.
//!
//! | module | what it is |
//! | --- | --- |
//! | `console` | the process's streams, and what they are connected to |
//! | `outlet`, `destination` | answers into programs, the pager and files |
//! | `spool` | a pipe's content as a file |
//! | `interrupt`, `progress` | Ctrl-C and other signals; how far a long command is |
//! | `editor_program` | a text in the user's own editor |
//! | `ask` | a secret that is typed without echo |

pub(crate) mod ask;
pub(crate) mod console;
pub(crate) mod destination;
pub(crate) mod editor_program;
pub(crate) mod interrupt;
pub(crate) mod outlet;
pub(crate) mod progress;
pub(crate) mod spool;
