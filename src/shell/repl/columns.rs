//! Columns of the terminal: where a text ends, and what of one fits.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::shell::escape::excerpt;

/// Columns and rows of the terminal.
pub(super) fn terminal() -> (usize, usize) {
    let known = terminal_size::terminal_size().map(|(columns, rows)| (usize::from(columns.0), usize::from(rows.0)));
    known.filter(|&(columns, rows)| columns > 0 && rows > 0).unwrap_or((80, 24))
}

/// The column, from 0, in which a text ends that begins in `start`, by the editor's own rules.
pub(super) fn end(text: &str, start: usize, columns: usize) -> usize {
    const TAB: usize = 8;
    let mut column = start % columns.max(1);
    for c in text.chars() {
        let width = match c {
            '\n' => {
                column = 0;
                continue;
            }
            '\t' => TAB - column % TAB,
            c => c.width().unwrap_or(0),
        };
        column += width;
        if column > columns {
            column = width;
        }
    }
    if column == columns { 0 } else { column }
}

/// The beginning of a text in so many columns, safe on a terminal, with `…` where it was cut.
pub(super) fn fit(text: &str, columns: usize) -> String {
    let mut length = columns;
    loop {
        let shown = excerpt(text, length);
        let over = shown.width().saturating_sub(columns);
        if over == 0 {
            return shown;
        }
        length -= over.div_ceil(2).min(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_ends_where_the_editor_puts_the_cursor() {
        for (text, start, column) in [
            ("", 4, 4),
            ("get a", 4, 9),
            ("世界", 4, 8),
            ("x\nab", 4, 2),
            ("\t", 4, 8),
            ("123456", 4, 0),
            ("1234567", 4, 1),
        ] {
            assert_eq!(end(text, start, 10), column, "{text:?}");
        }
        assert_eq!(end("世", 9, 10), 2, "what is wide is not split");
    }

    #[test]
    fn what_does_not_fit_is_cut_and_says_so() {
        assert_eq!(fit("hello", 5), "hello");
        assert_eq!(fit("hello!", 5), "hell…");
        assert_eq!(fit("世界世界", 5), "世界…");
        assert_eq!(fit("a\nb\x1b", 10), "a\\nb\\x1b");
        assert_eq!(fit("x", 0), "");
    }
}
