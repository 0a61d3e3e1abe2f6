//! Text and its words: what every other room speaks of.
//!
//! | module | what it is |
//! | --- | --- |
//! | `words` | a line -> words |
//! | `argument`, `glob` | a word -> a value: the kinds of arguments, and patterns of keys |
//! | `caret` | which word of a line is wrong |
//! | `mask` | keys whose values a terminal does not show |
//! | `escape` | text that does not act on a terminal |

pub(crate) mod argument;
pub(crate) mod caret;
pub(crate) mod escape;
pub(crate) mod glob;
pub(crate) mod mask;
pub(crate) mod words;
