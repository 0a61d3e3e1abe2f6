//! What is wrong with a filter, or with an entry that it is asked about.

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
    /// `?` goes on after it.
    Failed(Failed),
    /// A bound was reached: the filter has no answer, whatever it says about errors.
    Bound(&'static str),
    /// Whoever asked knows enough.
    Enough,
}

impl From<Failed> for Stop {
    fn from(failed: Failed) -> Self {
        Self::Failed(failed)
    }
}

/// Goes on, or does not.
pub(super) type EvalFlow = Result<(), Stop>;
