//! What a run has come to so far, and the status that it ends with.

use crate::shell::answer::status::Status;

/// What the commands of a run have come to.
#[derive(Debug)]
pub(crate) struct Tally {
    /// The highest status so far.
    pub(crate) worst: Status,
    /// How the last command has ended.
    pub(crate) last: Status,
    /// Whether it had nothing to print.
    pub(crate) found_nothing: bool,
    /// Hints that were given since a person has typed something.
    pub(crate) hints: u8,
    /// The line of a script that was the first to fail.
    pub(crate) fault: Option<String>,
    /// What `exit N` has said, or the program that was run.
    pub(crate) exit: Option<u8>,
    /// Whether `exit` was said.
    pub(crate) left: bool,
    /// Commands of scripts that were run.
    pub(crate) lines: u64,
    /// Whether something was changed, and is stored.
    pub(crate) has_changed: bool,
    /// Whether Ctrl-C has cut a script short, and it was said what that means.
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
            // What a "no" would have told, nobody was there to hear.
            None if is_reader_gone && self.worst == Status::No => 0,
            None => self.worst.code(),
        }
    }

    /// Whether nothing has failed, so that what waits for the end of the run may be stored.
    pub(crate) fn is_good(&self, is_reader_gone: bool) -> bool {
        self.worst < Status::Usage && self.code(is_reader_gone) < Status::Usage.code()
    }

    /// A person who was about to leave stays.
    pub(crate) fn stay(&mut self) {
        self.exit = None;
        self.left = false;
    }
}
