//! Errors in a filter, or in its evaluation on an entry.

use std::ops::Range;

use crate::shell::text::escape;

/// Why a text is no filter, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FilterProblem {
    /// The bytes of the filter that are to blame; empty where something is missing.
    pub(crate) span: Range<usize>,
    pub(crate) message: String,
}

impl FilterProblem {
    pub(super) fn syntax(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into() }
    }

    /// It may be jq, but no filter.
    pub(super) fn not_part(span: Range<usize>, what: &str) -> Self {
        Self::syntax(span, format!("'{}' is not part of filters; pipe into jq", escape::excerpt(what, 60)))
    }
}

/// Why a filter has no answer for an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failed(Box<str>);

impl Failed {
    pub(super) fn new(message: impl Into<Box<str>>) -> Self {
        Self(message.into())
    }

    pub(crate) fn message(&self) -> &str {
        &self.0
    }
}

/// Why an evaluation does not go on.
#[derive(Debug)]
pub(super) enum Stop {
    /// An error that `?` catches.
    Failed(Failed),
    /// A limit was reached: the evaluation stops, even inside `?`.
    Bound(&'static str),
    /// The caller needs no more outputs.
    Enough,
}

impl From<Failed> for Stop {
    fn from(failed: Failed) -> Self {
        Self::Failed(failed)
    }
}

/// Whether the evaluation continues.
pub(super) type EvalFlow = Result<(), Stop>;
