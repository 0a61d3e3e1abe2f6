//! Answers, and how long tries to get them go on.

use std::time::{Duration, Instant};

use redis::Value;

use super::fault;
use super::link::said;
use crate::error::{Error, Result};

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(50);

/// Answers in the order of their commands; where one is missing, why.
#[derive(Debug, Default)]
pub(super) struct Answers {
    pub(super) values: Vec<Option<Value>>,
    pub(super) failure: Option<Error>,
}

impl Answers {
    pub(super) fn whole(values: Vec<Value>) -> Self {
        Self { values: values.into_iter().map(Some).collect(), failure: None }
    }

    /// The answers that arrived, of this number.
    pub(super) fn partial(values: Vec<Value>, count: usize, failure: Error) -> Self {
        let mut answers = Self::whole(values);
        answers.values.resize(count, None);
        answers.failure = Some(failure);
        answers
    }

    /// All of them, or why not.
    pub(super) fn all(self) -> Result<Vec<Value>> {
        self.failure.map_or_else(|| Ok(self.values.into_iter().flatten().collect()), Err)
    }
}

/// Whether a try is worth another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    Later,
    Never,
}

/// How long tries go on.
pub(super) struct Retries {
    end: Option<Instant>,
    wait: Duration,
    is_stopped: fn() -> bool,
}

impl Retries {
    pub(super) fn new(wait: Duration, is_stopped: fn() -> bool) -> Self {
        Self { end: None, wait, is_stopped }
    }

    /// Waits before another try; false if there is to be none.
    pub(super) fn pause(&mut self) -> bool {
        let now = Instant::now();
        let end = *self.end.get_or_insert(now + self.wait);
        if now + PAUSE > end || (self.is_stopped)() {
            return false;
        }
        std::thread::sleep(PAUSE);
        true
    }
}

/// Whether a server that answers so will be able to do it in a moment.
pub(super) fn is_passing(value: &Value) -> bool {
    matches!(value, Value::ServerError(error) if fault::is_passing(&said(error)))
}
