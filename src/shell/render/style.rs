//! Colours by what they mean. Whether there are any is the caller's to say, each time: what `colored` itself finds out
//! about stdout and the environment does not count, as stderr may be elsewhere and `--color` has the last word.
//!
//! A style goes around text that is already safe for a terminal and already cut: it has no width.

use colored::{ColoredString, Colorize, control};

/// Puts a style around a text, or returns it as it is if there is to be no colour.
pub(crate) type Style = fn(color: bool, text: &str) -> String;

/// A key.
pub(crate) fn key(color: bool, text: &str) -> String {
    paint(color, text, Colorize::cyan)
}

/// A number that is the answer.
pub(crate) fn number(color: bool, text: &str) -> String {
    paint(color, text, Colorize::yellow)
}

/// The name of a fact, or the title of a section.
pub(crate) fn heading(color: bool, text: &str) -> String {
    paint(color, text, Colorize::bold)
}

/// What is about the data rather than data: heads of columns, counts, stand-ins, hints.
pub(crate) fn faint(color: bool, text: &str) -> String {
    paint(color, text, Colorize::dimmed)
}

/// What failed.
pub(crate) fn error(color: bool, text: &str) -> String {
    paint(color, text, |text| text.red().bold())
}

/// What is there only on the new side.
pub(crate) fn added(color: bool, text: &str) -> String {
    paint(color, text, Colorize::green)
}

/// What is there only on the old side.
pub(crate) fn removed(color: bool, text: &str) -> String {
    paint(color, text, Colorize::red)
}

/// What may go wrong.
pub(crate) fn warning(color: bool, text: &str) -> String {
    paint(color, text, |text| text.yellow().bold())
}

/// What stands before the cursor.
pub(crate) fn prompt(color: bool, text: &str) -> String {
    paint(color, text, |text| text.blue().bold())
}

/// Anything else.
pub(crate) fn plain(_: bool, text: &str) -> String {
    text.to_owned()
}

fn paint(color: bool, text: &str, style: fn(ColoredString) -> ColoredString) -> String {
    if !color || text.is_empty() {
        return text.to_owned();
    }
    control::set_override(true);
    style(text.into()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Style; 8] = [key, number, heading, faint, error, warning, prompt, plain];

    #[test]
    fn without_colour_a_style_changes_nothing() {
        for style in ALL {
            assert_eq!(style(false, "a b"), "a b");
            assert_eq!(style(true, ""), "");
        }
    }

    #[test]
    fn with_colour_a_style_goes_around_the_text_and_ends_behind_it() {
        for style in &ALL[..7] {
            let styled = style(true, "a b");
            assert!(styled.starts_with("\x1b[") && styled.ends_with("ma b\x1b[0m"), "{styled:?}");
        }
        assert_eq!(plain(true, "a b"), "a b");
    }

    #[test]
    fn errors_are_bold_and_red() {
        assert_eq!(error(true, "error:"), "\x1b[1;31merror:\x1b[0m");
    }
}
