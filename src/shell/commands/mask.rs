//! `mask`.

use clap::Args;

use super::traits::{CommandArgs, Traits};
use crate::shell::answer::reply::{Failure, shown};
use crate::shell::text::argument::glob;
use crate::shell::text::glob::Glob;

/// Hide the values of matching keys on a terminal, or print the patterns
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "Masked values are shown as •••• in list, find, info, stats, diff, watch, --dry-run, hints, completions and the messages of undo, and a line that sets such a key is not added to the history. `get KEY`, pipes, files, export and run give the value. A mask keeps values off the screen; it does not encrypt them, and it is not stored in the database.\n\nPut mask commands into the rc file (see `help rc`) to apply them to every session, and to one-shot commands and scripts whose answers go to a terminal.\n\nExamples:\n  mask api:* *password*\n  mask\n  mask --off"
)]
pub(crate) struct MaskArgs {
    /// Patterns to add: * ? [a-z] [^x] \x
    #[arg(value_name = "PATTERN", value_parser = glob())]
    pub(crate) patterns: Vec<Glob>,
    /// Remove all patterns
    #[arg(long, conflicts_with = "patterns")]
    pub(crate) off: bool,
}

impl MaskArgs {
    /// Refuses a pattern that ends in `;`: taken as it is, it would mask none of the keys that the user means.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        match self.patterns.iter().find_map(|pattern| pattern.as_str().strip_suffix(';')) {
            Some(pattern) => Err(Failure::usage(format!(
                "'{0};': a line does not end in ';'; for keys that end in ';', write '{0}[;]'",
                shown(pattern)
            ))),
            None => Ok(()),
        }
    }
}

impl CommandArgs for MaskArgs {
    const TRAITS: Traits = Traits::of_shell("mask").parsed_alone();
}
