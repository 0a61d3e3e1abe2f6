//! The names that programs read (`-o json`): of failures, and of what kept a change from being made.

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// A command or value that is refused,
    Usage,
    /// as it asks for help together with something else: its message has several lines, as has that of a filter,
    Help,
    /// as it is no filter: the message shows where,
    Filter,
    /// as it could not be undone, and nobody has agreed to that.
    Irreversible,
    Syntax,
    Pattern,
    Limit,
    NotJson,
    WrongType,
    /// A part that a JSON Patch expects to be another one.
    Differs,
    /// What the store has nothing of.
    Unsupported,
    /// A format that cannot hold an entry, or a change that a JSON value cannot take.
    Unfit,
    NotFound,
    Exists,
    /// A key that is in a file more than once.
    Repeats,
    Interrupted,
    CannotOpen,
    Damaged,
    Corrupt,
    ForeignJournal,
    NewerVersion,
    Io,
    OutcomeUnknown,
    ReadOnly,
    Busy,
    Conflict,
    /// What was done before a failure that leaves nothing of it.
    NotStored,
}

impl Code {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Usage | Self::Irreversible => "usage",
            Self::Help => "help",
            Self::Filter => "filter",
            Self::Syntax => "syntax",
            Self::Pattern => "pattern",
            Self::Limit => "limit",
            Self::NotJson => "not_json",
            Self::WrongType => "wrong_type",
            Self::Differs => "differs",
            Self::Unsupported => "unsupported",
            Self::Unfit => "unfit",
            Self::NotFound => "not_found",
            Self::Exists => "exists",
            Self::Repeats => "repeats",
            Self::Interrupted => "interrupted",
            Self::CannotOpen => "cannot_open",
            Self::Damaged => "damaged",
            Self::Corrupt => "corrupt",
            Self::ForeignJournal => "foreign_journal",
            Self::NewerVersion => "newer_version",
            Self::Io => "io",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::ReadOnly => "read_only",
            Self::Busy => "busy",
            Self::Conflict => "conflict",
            Self::NotStored => "not_stored",
        }
    }
}

/// What kept a change from being made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The key already exists.
    Exists,
    NotFound,
    /// The key has another value than the one that was expected.
    Differs,
    /// A person has said no.
    NotConfirmed,
    Timeout,
    Interrupted,
    /// There is nothing to undo,
    Nothing,
    /// or too much.
    TooLarge,
}

impl Reason {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Exists => "exists",
            Self::NotFound => "not_found",
            Self::Differs => "differs",
            Self::NotConfirmed => "not_confirmed",
            Self::Timeout => "timeout",
            Self::Interrupted => "interrupted",
            Self::Nothing => "nothing",
            Self::TooLarge => "too_large",
        }
    }
}
