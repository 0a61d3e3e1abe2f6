//! The terminal and other external resources: streams, output files, other programs, signals.
//!
//! | module | purpose |
//! | --- | --- |
//! | `console` | the process's streams, and what they are connected to |
//! | `outlet`, `destination` | answers to programs, the pager and files |
//! | `spool` | a pipe's content as a file |
//! | `interrupt`, `progress` | Ctrl-C and other signals; the progress line |
//! | `editor_program` | edits a text in the editor |
//! | `ask` | reads a secret without echo |

pub(crate) mod ask;
pub(crate) mod console;
pub(crate) mod destination;
pub(crate) mod editor_program;
pub(crate) mod interrupt;
pub(crate) mod outlet;
pub(crate) mod progress;
pub(crate) mod spool;
