//! The habits of other shells: what their users type first, and the equivalent.
//!
//! A habit is not a command. Either the line is rewritten before it is parsed, or a hint follows the failed line. Both
//! are rows of one table, which `help redis`, `help sqlite` and `help skate` print.
//!
//! | module | purpose |
//! | --- | --- |
//! | `table` | the rows |
//! | `row` | what a row is |
//! | `pattern` | the lines that a row matches, and its placeholders |
//! | `rewrite` | rewrites a line of another shell |
//! | `hint` | hints after a line that did not do what the user probably meant |
//! | `page` | the pages of help |

mod hint;
mod page;
mod pattern;
mod rewrite;
mod row;
mod table;

pub(crate) use self::hint::{hint, is_known};
pub(crate) use self::page::{help, page};
pub(crate) use self::rewrite::{begins, commands, reads, rewrite};
pub(crate) use self::row::Outcome;
#[cfg(test)]
pub(crate) use self::{row::Habit, row::HabitMeaning, table::TABLE};
