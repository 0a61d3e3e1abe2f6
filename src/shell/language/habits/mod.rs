//! The habits of other shells: what their users type first, and what it is here.
//!
//! A habit is not a command. Either the line is rewritten into one of ours before it is parsed, or what was meant is said
//! after the line has failed. Both are rows of one table, which `help redis`, `help sqlite` and `help skate` print.
//!
//! | module | what it is |
//! | --- | --- |
//! | `table` | the rows |
//! | `row` | what a row is |
//! | `pattern` | which lines a row is about, and what its words stand for |
//! | `rewrite` | a line of another shell -> a line of ours |
//! | `hint` | what is said after a line that did not do what was meant |
//! | `page` | the pages of help |

mod hint;
mod page;
mod pattern;
mod rewrite;
mod row;
mod table;

pub(crate) use self::hint::{hint, is_known};
pub(crate) use self::page::page;
pub(crate) use self::rewrite::{begins, names_before_values, reads, rewrite};
pub(crate) use self::row::Outcome;
#[cfg(test)]
pub(crate) use self::{row::Habit, row::HabitMeaning, table::TABLE};
