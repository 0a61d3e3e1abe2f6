//! Colors by meaning. The caller decides each time whether to use them: what `colored` detects about stdout and the
//! environment is ignored, because stderr may go elsewhere and `--color` has the last word.
//!
//! Styles are applied to text that is already escaped and cut, because they have no width.

use colored::{ColoredString, Colorize, control};

/// Applies a style to a text, or returns the text as is without color.
pub(crate) type Style = fn(color: bool, text: &str) -> String;

/// A key.
pub(crate) fn key(color: bool, text: &str) -> String {
    paint(color, text, Colorize::cyan)
}

/// A number that is an answer.
pub(crate) fn number(color: bool, text: &str) -> String {
    paint(color, text, Colorize::yellow)
}

/// Text in quotes.
pub(crate) fn string(color: bool, text: &str) -> String {
    paint(color, text, Colorize::green)
}

/// `true`, `false` or `null`.
pub(crate) fn literal(color: bool, text: &str) -> String {
    paint(color, text, Colorize::magenta)
}

/// The name of a fact, or the title of a section.
pub(crate) fn heading(color: bool, text: &str) -> String {
    paint(color, text, Colorize::bold)
}

/// Text about the data: column heads, counts, placeholders, hints.
pub(crate) fn faint(color: bool, text: &str) -> String {
    paint(color, text, Colorize::dimmed)
}

/// A failure.
pub(crate) fn error(color: bool, text: &str) -> String {
    paint(color, text, |text| text.red().bold())
}

/// Text that is only on the new side.
pub(crate) fn added(color: bool, text: &str) -> String {
    paint(color, text, Colorize::green)
}

/// Text that is only on the old side.
pub(crate) fn removed(color: bool, text: &str) -> String {
    paint(color, text, Colorize::red)
}

/// A warning.
pub(crate) fn warning(color: bool, text: &str) -> String {
    paint(color, text, |text| text.yellow().bold())
}

/// What was searched for.
pub(crate) fn found(color: bool, text: &str) -> String {
    paint(color, text, |text| text.red().bold())
}

/// The text before the cursor.
pub(crate) fn prompt(color: bool, text: &str) -> String {
    paint(color, text, |text| text.blue().bold())
}

/// The name of a command at the prompt.
pub(crate) fn command(color: bool, text: &str) -> String {
    paint(color, text, |text| text.green().bold())
}

/// An unknown word at the prompt.
pub(crate) fn unknown(color: bool, text: &str) -> String {
    paint(color, text, Colorize::red)
}

/// A flag.
pub(crate) fn flag(color: bool, text: &str) -> String {
    paint(color, text, Colorize::blue)
}

/// A JSON literal.
pub(crate) fn json(color: bool, text: &str) -> String {
    paint(color, text, Colorize::magenta)
}

/// Text in a quote that is still open.
pub(crate) fn unclosed(color: bool, text: &str) -> String {
    paint(color, text, |text| text.green().underline())
}

/// `|` and `>` as operators.
pub(crate) fn operator(color: bool, text: &str) -> String {
    paint(color, text, Colorize::bold)
}

/// The words of a shell command.
pub(crate) fn outside(color: bool, text: &str) -> String {
    paint(color, text, Colorize::cyan)
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

    const ALL: [Style; 17] = [
        key, number, string, literal, heading, faint, error, warning, prompt, command, unknown, flag, json, unclosed,
        operator, outside, plain,
    ];

    #[test]
    fn without_color_a_style_changes_nothing() {
        for style in ALL {
            assert_eq!(style(false, "a b"), "a b");
            assert_eq!(style(true, ""), "");
        }
    }

    #[test]
    fn with_color_a_style_goes_around_the_text_and_ends_behind_it() {
        for style in &ALL[..16] {
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
