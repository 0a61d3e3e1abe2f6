//! What may be said: options and commands, and what help says of them.
//!
//! | module | what it is |
//! | --- | --- |
//! | `cli`, `command` | options, and the enum of the commands with the matches over it |
//! | `classify` | which words are options, their values or data |
//! | `parse` | words or arguments -> a command |
//! | `refused` | what clap says of words that it does not accept, in the shell's own words |
//! | `reading` | what splitting a line into words has to know of its command |
//! | `rc` | what a one-shot reads of the rc file |
//! | `habits` | what users of other shells type first, and what it is here |
//! | `redirect` | where the answer of a line typed at the prompt goes |
//! | `topics` | the topics of help besides the commands |
//! | `help`, `man`, `own_shell` | help, the man page and Tab in bash, zsh and fish, all from the same definitions |

pub(crate) mod classify;
pub(crate) mod cli;
pub(crate) mod command;
pub(crate) mod habits;
pub(crate) mod help;
pub(crate) mod man;
pub(crate) mod own_shell;
pub(crate) mod parse;
pub(crate) mod rc;
pub(crate) mod reading;
pub(crate) mod redirect;
pub(crate) mod refused;
pub(crate) mod topics;
