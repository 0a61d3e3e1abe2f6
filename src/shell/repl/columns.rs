//! Terminal columns: where a text ends, and how much of it fits.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::shell::text::escape::{excerpt, is_unsafe};

/// Columns and rows of the terminal.
pub(super) fn terminal() -> (usize, usize) {
    let known = terminal_size::terminal_size().map(|(columns, rows)| (usize::from(columns.0), usize::from(rows.0)));
    known.filter(|&(columns, rows)| columns > 0 && rows > 0).unwrap_or((80, 24))
}

/// Tracks the cursor through a text by the editor's own rules.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    /// Counted from 0.
    at: usize,
    of: usize,
}

impl Column {
    pub(super) fn new(at: usize, of: usize) -> Self {
        let of = of.max(1);
        Self { at: at % of, of }
    }

    /// Moves past a character; for a tab, returns the number of spaces that it looks like.
    fn pass(&mut self, c: char) -> usize {
        const TAB: usize = 8;
        let width = match c {
            '\n' => {
                self.at = 0;
                return 0;
            }
            '\t' => TAB - self.at % TAB,
            c => c.width().unwrap_or(0),
        };
        let is_broken = self.at + width > self.of;
        let blanks = if is_broken { self.of - self.at + width } else { width };
        self.at = if is_broken { width } else { self.at + width };
        blanks
    }

    /// Moves past a text and returns it as it is sent to the terminal: without active characters, none of which has a
    /// width. Its line breaks are kept, because the editor handles them.
    pub(super) fn show(&mut self, text: &str) -> String {
        let mut shown = String::with_capacity(text.len());
        for c in text.chars() {
            let blanks = self.pass(c);
            match c {
                '\t' => shown.extend(std::iter::repeat_n(' ', blanks)),
                '\n' => shown.push(c),
                c if is_unsafe(c) => {}
                c => shown.push(c),
            }
        }
        shown
    }
}

/// The column, from 0, in which a text ends if it begins in column `start`.
pub(super) fn end(text: &str, start: usize, columns: usize) -> usize {
    let mut column = Column::new(start, columns);
    for c in text.chars() {
        column.pass(c);
    }
    column.at % column.of
}

/// The beginning of a text in at most this many columns, escaped for a terminal, with `…` where it was cut.
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
    fn a_text_goes_to_the_terminal_without_what_is_live_and_with_blanks_for_tabs() {
        let show = |text: &str| Column::new(4, 20).show(text);
        assert_eq!(show("a\tb\nc\td"), "a   b\nc       d");
        assert_eq!(show("a\x1b[31m\u{202e}\u{200b}b"), "a[31mb");
        assert_eq!(show("0123456789abc\tx"), format!("0123456789abc{}x", " ".repeat(3 + 7)));
        assert_eq!(show("👩\u{200d}🚀"), "👩\u{200d}🚀");
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
