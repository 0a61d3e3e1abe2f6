//! Filters: the part of jq's language that always ends, asked of one entry at a time.
//!
//! What is accepted means what it means in jq, but for numbers: those that were written are compared exactly, and come out
//! as they were written. Everything else is refused where it stands.
//!
//! | module | what it is |
//! | --- | --- |
//! | `lexer`, `parser`, `ast` | from a text to a tree |
//! | `evaluate` | what a tree makes of an entry |
//! | `paths`, `arithmetic`, `builtins` | what the parts of a tree do |
//! | `order`, `number`, `time`, `pattern` | how values are compared; numbers, times, regular expressions |
//! | `term`, `raw` | values, read where they are stored |
//! | `budget`, `problem`, `shown` | what a filter may do for an entry; what is wrong, and how it is said |

mod arithmetic;
mod ast;
mod budget;
mod builtins;
mod evaluate;
mod lexer;
mod number;
mod order;
mod parser;
mod paths;
mod pattern;
mod problem;
mod raw;
mod shown;
mod term;
#[cfg(test)]
mod tests;
mod time;

use std::cell::RefCell;

use self::ast::Expr;
use self::budget::{Budget, MAX_OUTPUTS};
use self::evaluate::{Compiled, Evaluation, FilterVariables};
use self::parser::FilterParser;
use self::problem::{EvalFlow, Stop};
pub(crate) use self::problem::{Failed, FilterProblem};
use self::term::{Term, Text};
use super::answer::reply::FilterOutput;
use crate::json;

/// The longest filter, in bytes.
const MAX_LENGTH: usize = 16 << 10;

/// A filter that was understood.
#[derive(Debug)]
pub(crate) struct Filter {
    root: Expr,
    /// The variables that were given, each a JSON text.
    given: Vec<String>,
}

/// An entry as a filter sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) key: &'a str,
    /// `text`, `json` or `binary`.
    pub(crate) kind: &'static str,
    pub(crate) content: Content<'a>,
    /// The value's bytes.
    pub(crate) size: usize,
    /// Seconds until it expires.
    pub(crate) ttl: Option<f64>,
    /// The time now, in seconds since 1970.
    pub(crate) now: f64,
}

/// What a value holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Content<'a> {
    Text(&'a str),
    /// A checked JSON text.
    Json(&'a str),
    /// A filter sees null.
    Bytes,
}

/// What lasts from one entry to the next: each thread has its own.
#[derive(Debug, Default)]
pub(crate) struct Scratch(RefCell<Option<Compiled>>);

impl Filter {
    /// Parses a filter. The variables are names with a JSON text each.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub(crate) fn parse(text: &str, variables: &[(String, String)]) -> Result<Self, FilterProblem> {
        if text.len() > MAX_LENGTH {
            let message = format!("a filter of {} bytes is longer than {MAX_LENGTH}", text.len());
            return Err(FilterProblem { span: 0..0, message });
        }
        let names: Vec<String> = variables.iter().map(|(name, _)| name.clone()).collect();
        let root = FilterParser::parse(text, &names)?;
        Ok(Self { root, given: variables.iter().map(|(_, value)| value.clone()).collect() })
    }

    /// Whether an entry counts: the last output is neither null nor false. Without an output it does not.
    pub(crate) fn matches(&self, subject: &Subject<'_>, scratch: &Scratch) -> Result<bool, Failed> {
        let mut last = false;
        self.run(subject, scratch, &mut |output| {
            last = output.is_true();
            Ok(())
        })?;
        Ok(last)
    }

    /// The outputs, in order.
    pub(crate) fn outputs(&self, subject: &Subject<'_>, scratch: &Scratch) -> Result<Vec<FilterOutput>, Failed> {
        let mut outputs = Vec::new();
        self.run(subject, scratch, &mut |output| {
            let mut json = String::new();
            output.write(&mut json);
            let bare = match output {
                Term::Text(text) => Some(text.get().into_owned()),
                _ => None,
            };
            outputs.push(FilterOutput { json, bare });
            Ok(())
        })?;
        Ok(outputs)
    }

    fn run(
        &self,
        subject: &Subject<'_>,
        scratch: &Scratch,
        take: &mut dyn FnMut(&Term<'_>) -> EvalFlow,
    ) -> Result<(), Failed> {
        let Subject { key, kind, content, size, ttl, now } = *subject;
        let input = match content {
            Content::Text(text) => Term::Text(Text::Plain(text)),
            Content::Json(text) => Term::of(text),
            Content::Bytes => Term::Null,
        };
        let budget = Budget::new(size);
        let variables = FilterVariables { key, kind, ttl, size, given: &self.given, now };
        let evaluation = Evaluation { variables: &variables, budget: &budget, pattern: &scratch.0 };
        let mut count = 0;
        let ended = evaluation.run(&self.root, &input, &mut |output| {
            count += 1;
            if count > MAX_OUTPUTS {
                return Err(Stop::Bound("more than 10,000 outputs; pipe the value into jq"));
            }
            take(&output)
        });
        match ended {
            Ok(()) | Err(Stop::Enough) => Ok(()),
            Err(Stop::Failed(failed)) => Err(failed),
            Err(Stop::Bound(bound)) => Err(Failed::new(bound)),
        }
    }
}

/// A text as a JSON string, for a variable.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::new();
    json::write_string(&mut out, text);
    out
}
