//! What is said besides an answer: failures, notes, and the line that points at what is wrong.

use super::{json, style};
use crate::shell::answer::code::Code;
use crate::shell::answer::reply::Failure;
use crate::shell::answer::status::Status;
use crate::shell::text::caret::Pointer;
use crate::shell::text::escape;

/// How messages look.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MessageStyle {
    pub(crate) color: bool,
    /// The columns of the terminal that they go to; 0 for no limit.
    pub(crate) width: usize,
}

/// A line broken between words so that each row has at most `width` columns; 0 is no limit. A word that is longer stays whole,
/// so that it can be copied.
pub(crate) fn wrapped(line: &str, width: usize) -> String {
    if width == 0 || line.len() <= width {
        return line.to_owned();
    }
    let options = textwrap::Options::new(width).break_words(false);
    textwrap::wrap(line, options.word_splitter(textwrap::WordSplitter::NoHyphenation)).join("\n")
}

/// A failure for a person: one line, to be written at once so that the lines of several programs on one stderr stay whole; `error: ` before all but answers of "no", behind the place if there is one
/// (`commands.kv:17`). Control characters are escaped wherever it goes.
pub(crate) fn failure(style: MessageStyle, place: Option<&str>, failure: &Failure) -> String {
    let color = style.color;
    let mut line = String::new();
    if let Some(place) = place {
        line.push_str(&escape::terminal(place));
        line.push_str(": ");
    }
    if failure.status >= Status::Usage {
        line.push_str(&style::error(color, "error:"));
        line.push(' ');
    }
    if matches!(failure.code, Code::Help | Code::Filter) {
        for row in failure.message.lines() {
            line.push_str(&escape::terminal(row));
            line.push('\n');
        }
        return line;
    }
    line.push_str(&escape::terminal(&escape::brief(&failure.message)));
    wrapped(&line, style.width) + "\n"
}

/// A failure for a program: `{"error":{"code":…,"message":…,"key":…}}` on one line.
pub(crate) fn failure_json(failure: &Failure) -> String {
    json::failure(failure)
}

/// The line that points at what is wrong with the one above it, or with the excerpt that it begins with.
pub(crate) fn pointer(color: bool, pointer: &Pointer) -> String {
    let excerpt = pointer.excerpt.as_ref().map(|excerpt| format!("{}\n", style::faint(color, excerpt)));
    let carets = style::error(color, &"^".repeat(pointer.carets));
    format!("{}{}{carets}\n", excerpt.unwrap_or_default(), " ".repeat(pointer.indent))
}

/// A line about a command rather than of it.
pub(crate) fn aside(color: bool, text: &str) -> String {
    style::faint(color, text) + "\n"
}

/// A line that is not a failure: a note, a notice, what the timer says, what a check has found.
pub(crate) fn note(style: MessageStyle, note: &str) -> String {
    let color = style.color;
    let (mark, rest) = match note.split_once(' ') {
        Some((mark @ "warning:", rest)) => (style::warning(color, mark) + " ", rest),
        Some((mark @ "error:", rest)) => (style::error(color, mark) + " ", rest),
        _ => (String::new(), note),
    };
    wrapped(&(mark + &escape::terminal(rest)), style.width) + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_break_between_words_and_leave_long_words_whole() {
        assert_eq!(wrapped("no such key, I am afraid", 12), "no such key,\nI am afraid");
        assert_eq!(wrapped("see /a/very/long/path here", 10), "see\n/a/very/long/path\nhere");
        assert_eq!(wrapped("anything at all", 0), "anything at all");
        // Colors take no columns.
        assert_eq!(wrapped("\x1b[1;31merror:\x1b[0m no room", 14), "\x1b[1;31merror:\x1b[0m no room");
    }
}
