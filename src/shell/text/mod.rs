//! Text and its words, used by all other modules of the shell.
//!
//! | module | purpose |
//! | --- | --- |
//! | `words` | splits a line into words |
//! | `argument`, `glob` | parses a word into a value: kinds of arguments, and key patterns |
//! | `caret` | points at the wrong word of a line |
//! | `mask` | keys whose values are hidden on a terminal |
//! | `escape` | escapes for terminals and pipes |

pub(crate) mod argument;
pub(crate) mod caret;
pub(crate) mod escape;
pub(crate) mod glob;
pub(crate) mod mask;
pub(crate) mod words;
