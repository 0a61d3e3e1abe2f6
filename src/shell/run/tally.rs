//! The results of a run so far, and its exit status.

use crate::shell::answer::status::Status;

/// The results of the commands of a run.
#[derive(Debug)]
pub(crate) struct Tally {
    /// The highest status so far.
    pub(crate) worst: Status,
    /// The status of the last command.
    pub(crate) last: Status,
    /// Whether the last command printed nothing.
    pub(crate) found_nothing: bool,
    /// The number of hints since the last line at the prompt.
    pub(crate) hints: u8,
    /// The first line of a script that failed.
    pub(crate) fault: Option<String>,
    /// The status of `exit N`, or of the program that was run.
    pub(crate) exit: Option<u8>,
    /// Whether `exit` was run.
    pub(crate) left: bool,
    /// The number of commands of scripts.
    pub(crate) lines: u64,
    /// Whether anything was changed and stored.
    pub(crate) has_changed: bool,
    /// Whether Ctrl-C has cut a script short and that was reported.
    pub(crate) was_cut_short: bool,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self {
            worst: Status::Done,
            last: Status::Done,
            found_nothing: false,
            hints: 0,
            fault: None,
            exit: None,
            left: false,
            lines: 0,
            has_changed: false,
            was_cut_short: false,
        }
    }

    /// The status of the process, if the run ended now.
    pub(crate) fn code(&self, is_reader_gone: bool) -> u8 {
        match self.exit {
            Some(code) => code,
            // A "no" could not be reported, because the reader has exited.
            None if is_reader_gone && self.worst == Status::No => 0,
            None => self.worst.code(),
        }
    }

    /// Whether nothing has failed, so that changes that wait for the end of the run may be stored.
    pub(crate) fn is_good(&self, is_reader_gone: bool) -> bool {
        self.worst < Status::Usage && self.code(is_reader_gone) < Status::Usage.code()
    }

    /// Notes that the user was asked and does not exit.
    pub(crate) fn stay(&mut self) {
        self.exit = None;
        self.left = false;
    }
}
