//! Error codes and reasons in `-o json` output.

/// The code of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// A command or value that is refused,
    Usage,
    /// because it asks for help together with something else: the message has several lines, like that of a filter,
    Help,
    /// because it is not a filter: the message shows where,
    Filter,
    /// because it cannot be undone and was not confirmed.
    Irreversible,
    Syntax,
    Pattern,
    Limit,
    NotJson,
    WrongType,
    /// A `test` of a JSON Patch that failed.
    Differs,
    /// An operation that the store does not support.
    Unsupported,
    /// An entry that a format cannot hold, or a change that a JSON value does not allow.
    Unfit,
    NotFound,
    Exists,
    /// A key that occurs in a file more than once.
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
    /// A command before a failure that undid all of them.
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

/// The reason why a change was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The key already exists.
    Exists,
    NotFound,
    /// The key has a value other than the expected one.
    Differs,
    /// The user did not confirm.
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
