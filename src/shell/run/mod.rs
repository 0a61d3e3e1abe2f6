//! Runs commands one after another and writes their answers: one-shots, scripts, and what the prompt has in common
//! with them.
//!
//! | module | what it is |
//! | --- | --- |
//! | `script` | lines from a file or a pipe |
//! | `runner`, `answering`, `streams`, `group` | runs commands and writes their answers, those of a script in groups |
//! | `rehearsal` | `--dry-run` |
//! | `program` | `run`: another program with keys as its environment |
//! | `typed` | what only a line typed at the prompt has: pipe, pager, time, pointer |

pub(crate) mod answering;
#[cfg(test)]
mod golden;
pub(crate) mod group;
pub(crate) mod program;
pub(crate) mod rehearsal;
pub(crate) mod runner;
pub(crate) mod script;
pub(crate) mod streams;
pub(crate) mod typed;
