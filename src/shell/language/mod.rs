//! The command language: options, commands, and their help.
//!
//! | module | purpose |
//! | --- | --- |
//! | `cli`, `command` | options, and the enum of the commands with the matches over it |
//! | `classify` | which words are options, their values or data |
//! | `parse` | parses words or arguments into a command |
//! | `refused` | rewords clap's errors |
//! | `reading` | what the splitter has to know about commands |
//! | `rc` | the part of the rc file that a one-shot command reads |
//! | `habits` | what users of other shells type first, and the equivalent |
//! | `redirect` | pipes and redirections of the prompt |
//! | `nearest` | the name that a misspelled word is closest to |
//! | `topics` | the topics of help other than the commands |
//! | `help`, `man`, `own_shell` | help, the man page and completion in bash, zsh and fish, from the same definitions |

pub(crate) mod classify;
pub(crate) mod cli;
pub(crate) mod command;
pub(crate) mod habits;
pub(crate) mod help;
pub(crate) mod man;
pub(crate) mod nearest;
pub(crate) mod own_shell;
pub(crate) mod parse;
pub(crate) mod rc;
pub(crate) mod reading;
pub(crate) mod redirect;
pub(crate) mod refused;
pub(crate) mod topics;
