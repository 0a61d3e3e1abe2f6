//! Tables: text cut to the terminal and aligned, without borders. Widths are those of the escaped text, and colors are
//! added last.

use std::borrow::Cow;
use std::io::{self, Write};

use regex::bytes::Regex;
use unicode_width::UnicodeWidthChar as _;

use super::style::{self, Style};
use super::{CHUNK, RenderError, RenderOptions};
use crate::error::Error;
use crate::shell::text::escape;

/// Spaces between two columns.
const GAP: usize = 2;
/// The number of rows that are aligned together, so that a table of any length takes little memory.
const ROWS: usize = 1_000;
/// The number of bytes that are aligned together.
const HELD: usize = 1 << 20;
/// The widest alignment if nothing is cut: a key of 64 KiB must not add as many spaces to every row.
const ALIGNED: usize = 200;

/// Rows waiting to be aligned and written.
///
/// On a terminal, a row is one line of at most the terminal's width. The widest column is cut first, and the first
/// column counts half as much again, so it gets at most two fifths if there is not room for all. Elsewhere nothing is
/// cut, and cells are escaped like the fields of plain lines.
pub(super) struct Table {
    terminal: bool,
    color: bool,
    /// The width of the terminal.
    room: usize,
    /// The width that each column has needed so far.
    needed: Vec<usize>,
    rows: Vec<Vec<Cell>>,
    /// The number of bytes in the rows.
    held: usize,
    /// What is highlighted in marked cells.
    marks: Option<Regex>,
}

/// One cell. On a terminal, its text is not escaped yet, so that no escape is cut in two.
pub(super) struct Cell {
    text: String,
    /// The columns that it would take.
    width: usize,
    style: Style,
    /// Whether it is right-aligned.
    right: bool,
    /// Text after the `…` if it is cut.
    size: Option<String>,
    /// Whether what was searched for stands out.
    marked: bool,
}

impl Cell {
    /// A cell of a table in a pipe: any bytes.
    pub(super) fn of_bytes(bytes: &[u8], style: Style) -> Self {
        let mut field = Vec::with_capacity(bytes.len());
        escape::tsv(&mut field, bytes);
        let text = String::from_utf8(field).expect("an escaped field is UTF-8");
        Self { width: width(&text), text, style, right: false, size: None, marked: false }
    }

    /// The same cell for a value of this many bytes, a size that is shown if the value is cut.
    pub(super) fn of_size(mut self, bytes: usize) -> Self {
        const LONG: usize = 1 << 10;
        self.size = (bytes >= LONG).then(|| format!(" {}", size(bytes as u64)));
        self
    }

    /// The same cell, in which what was searched for stands out if `marked`.
    pub(super) fn marked(mut self, marked: bool) -> Self {
        self.marked = marked;
        self
    }

    /// The same cell at the right edge of its column if `right`.
    pub(super) fn at_right(mut self, right: bool) -> Self {
        self.right = right;
        self
    }
}

impl Table {
    /// A table as wide as the terminal.
    pub(super) fn new(rendering: &RenderOptions) -> Self {
        Self {
            terminal: rendering.terminal,
            color: rendering.color,
            room: rendering.room(),
            needed: Vec::new(),
            rows: Vec::new(),
            held: 0,
            marks: None,
        }
    }

    /// The same table, in whose marked cells the matches stand out.
    pub(super) fn marking(self, regex: Regex) -> Self {
        Self { marks: Some(regex), ..self }
    }

    /// A table of which nothing is cut, even on a terminal.
    pub(super) fn whole(rendering: &RenderOptions) -> Self {
        Self { room: usize::MAX, ..Self::new(rendering) }
    }

    /// A cell with that text.
    pub(super) fn cell(&self, text: &str, style: Style) -> Cell {
        if !self.terminal {
            return Cell::of_bytes(text.as_bytes(), style);
        }
        let mut width = 0;
        let mut end = text.len();
        for (behind, _, columns) in pieces(text) {
            width += columns;
            if width > self.room {
                // One more character shows that the text is longer.
                end = behind;
                width = self.room;
                break;
            }
        }
        Cell { text: text[..end].to_owned(), width, style, right: false, size: None, marked: false }
    }

    /// The head of a column.
    pub(super) fn head(&self, name: &str) -> Cell {
        self.cell(&name.to_uppercase(), style::faint)
    }

    /// Adds a row.
    pub(super) fn push(&mut self, row: Vec<Cell>) {
        self.needed.resize(self.needed.len().max(row.len()), 0);
        for (needed, cell) in self.needed.iter_mut().zip(&row) {
            *needed = cell.width.max(*needed);
            self.held += cell.text.len();
        }
        self.rows.push(row);
    }

    /// Writes rows as they come, the first `most` of them, below a head if there is one and any row; returns the number of
    /// all. The rows before a failure are written.
    pub(super) fn stream<T>(
        mut self,
        out: &mut dyn Write,
        rows: impl Iterator<Item = Result<T, Error>>,
        most: u64,
        head: Option<&[&str]>,
        cells: impl Fn(&Self, T) -> Vec<Cell>,
    ) -> Result<u64, RenderError> {
        let mut total = 0;
        for row in rows {
            let row = match row {
                Ok(row) => row,
                Err(error) => {
                    self.write(out)?;
                    return Err(error.into());
                }
            };
            total += 1;
            if total > most {
                continue;
            }
            if let Some(names) = head.filter(|_| total == 1) {
                self.push(names.iter().map(|name| self.head(name)).collect());
            }
            let cells = cells(&self, row);
            self.push(cells);
            if self.is_full() || total == most {
                self.write(out)?;
            }
        }
        self.write(out)?;
        Ok(total)
    }

    /// Whether the rows should be written now, with [`Table::write`].
    pub(super) fn is_full(&self) -> bool {
        self.rows.len() >= ROWS || self.held >= HELD
    }

    /// Writes the rows and forgets them. Columns never become narrower, so that later rows stay aligned if possible.
    pub(super) fn write(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let widths = self.widths();
        let mut lines = String::new();
        for row in &self.rows {
            // Spaces are written only before text, so that no line ends in spaces.
            let mut blanks = 0;
            for (at, (cell, &column)) in row.iter().zip(&widths).enumerate() {
                let shown = self.show(cell, column);
                let left = column.saturating_sub(if self.terminal { width(&shown) } else { cell.width });
                let (before, behind) = if cell.right { (left, 0) } else { (0, left) };
                blanks += before + if at > 0 { GAP } else { 0 };
                if !shown.is_empty() {
                    lines.extend(std::iter::repeat_n(' ', blanks));
                    match self.marks.as_ref().filter(|_| cell.marked && self.color) {
                        Some(regex) => push_marked(&mut lines, regex, &shown, cell.style),
                        None => lines.push_str(&(cell.style)(self.color, &shown)),
                    }
                    blanks = 0;
                }
                blanks += behind;
            }
            lines.push('\n');
            if lines.len() >= CHUNK {
                out.write_all(lines.as_bytes())?;
                lines.clear();
            }
        }
        self.rows.clear();
        self.held = 0;
        out.write_all(lines.as_bytes())
    }

    /// The text of the cell, escaped, and cut to its column if necessary.
    fn show<'a>(&self, cell: &'a Cell, column: usize) -> Cow<'a, str> {
        if !self.terminal {
            Cow::Borrowed(&cell.text)
        } else if self.room == usize::MAX {
            escape::terminal(&cell.text)
        } else {
            match &cell.size {
                // The cut must remove more than the size adds.
                Some(size) if cell.width > column && column > 3 * size.len() => {
                    (cut(&cell.text, column - size.len()) + size).into()
                }
                _ => cut(&cell.text, column).into(),
            }
        }
    }

    /// The width of each column.
    fn widths(&self) -> Vec<usize> {
        if self.room == usize::MAX {
            return self.needed.iter().map(|&needed| needed.min(ALIGNED)).collect();
        }
        let mut widths = self.needed.clone();
        let room = self.room.saturating_sub(GAP * widths.len().saturating_sub(1));
        while widths.iter().sum::<usize>() > room {
            let weight = |at: usize, width: usize| if at == 0 { width * 3 } else { width * 2 };
            let Some((_, widest)) = widths.iter_mut().enumerate().max_by_key(|(at, width)| weight(*at, **width)) else {
                break;
            };
            *widest -= 1;
        }
        widths
    }
}

/// Appends a text in which the matches stand out: as far as they are shown, as they are shown.
fn push_marked(lines: &mut String, regex: &Regex, shown: &str, style: Style) {
    let mut rest = 0;
    for found in regex.find_iter(shown.as_bytes()) {
        let (Some(before), Some(text)) = (shown.get(rest..found.start()), shown.get(found.range())) else { continue };
        if !text.is_empty() {
            lines.push_str(&style(true, before));
            lines.push_str(&style::found(true, text));
            rest = found.end();
        }
    }
    lines.push_str(&style(true, &shown[rest..]));
}

/// A size in words: `12 KiB`, with one decimal below ten unless it is zero.
pub(crate) fn size(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut shown = String::new();
    for (unit, bits) in [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40)] {
        let tenths = (u128::from(bytes) * 10 + (1 << (bits - 1))) >> bits;
        let whole = (u128::from(bytes) + (1 << (bits - 1))) >> bits;
        shown = match tenths {
            100.. => format!("{whole} {unit}"),
            _ if tenths % 10 == 0 => format!("{} {unit}", tenths / 10),
            _ => format!("{}.{} {unit}", tenths / 10, tenths % 10),
        };
        if whole < 1024 {
            break;
        }
    }
    shown
}

/// `text` escaped for a terminal, in at most `columns` columns, with `…` at the end if it was cut. The time depends on
/// `columns`, not on the length of `text`.
pub(super) fn cut(text: &str, columns: usize) -> String {
    let mut shown = String::new();
    let mut width = 0;
    let mut kept = 0; // bytes of `shown` that leave room for the `…`
    for (_, piece, more) in pieces(text) {
        width += more;
        if width > columns {
            shown.truncate(kept);
            if columns > 0 {
                shown.push('…');
            }
            break;
        }
        shown.push_str(&piece);
        if width < columns {
            kept = shown.len();
        }
    }
    shown
}

/// The width of a text that needs no escaping.
fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().map(columns).sum() }
}

/// The width of one character by itself, as terminals count. The variation selector of an emoji counts as the column by
/// which some terminals widen the character before it; on others, a cell is one space short, which is better than a
/// line that is too long.
fn columns(c: char) -> usize {
    if c == '\u{fe0f}' { 1 } else { c.width().unwrap_or(0) }
}

/// The text as shown on a terminal, character by character: where each ends, its escaped form, and its width.
fn pieces(text: &str) -> impl Iterator<Item = (usize, Cow<'_, str>, usize)> {
    text.char_indices().map(|(at, c)| {
        let behind = at + c.len_utf8();
        let piece = &text[at..behind];
        if escape::is_unsafe(c) {
            let shown = escape::terminal(piece);
            let width = shown.len(); // an escape is ASCII
            (behind, shown, width)
        } else {
            (behind, Cow::Borrowed(piece), columns(c))
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_width::UnicodeWidthStr as _;

    use super::super::samples::rendering;
    use super::*;
    use crate::shell::text::argument::OutputMode;

    /// Letters, control characters, wide ones, and what joins, widens or stands above others.
    const NASTY: &str = r"(\PC|[\x00-\x1f]|[一-丏]|[😀-😏]|\u{fe0f}|\u{301}|❤|\u{200d}){0,40}";

    fn written(rendering: &RenderOptions, rows: &[&[&str]]) -> String {
        let mut table = Table::new(rendering);
        for row in rows {
            let row = row.iter().map(|text| table.cell(text, style::plain)).collect();
            table.push(row);
        }
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn table(columns: usize, rows: &[&[&str]]) -> String {
        written(&RenderOptions { width: columns, ..rendering(OutputMode::Plain, true) }, rows)
    }

    #[test]
    fn columns_are_aligned_by_what_is_seen() {
        let shown =
            table(80, &[&["a", "1", "x"], &["日本", "22", "y"], &["e\u{301}\u{301}", "", "z"], &["\x1b", "4", "w"]]);
        assert_eq!(shown, "a     1   x\n日本  22  y\ne\u{301}\u{301}         z\n\\x1b  4   w\n");
    }

    #[test]
    fn a_line_does_not_end_with_blanks() {
        assert_eq!(table(80, &[&["a", "b", ""], &["long", "", ""], &["", "", ""]]), "a     b\nlong\n\n");
    }

    #[test]
    fn what_does_not_fit_is_cut_and_the_first_column_gets_two_fifths() {
        let long = "k".repeat(50);
        let value = "v".repeat(50);
        let shown = table(42, &[&[&long, &value]]);
        assert_eq!(shown, format!("{}…  {}…\n", "k".repeat(15), "v".repeat(23)));
    }

    #[test]
    fn a_column_that_the_others_leave_room_for_is_not_cut() {
        let long = "k".repeat(35);
        assert_eq!(table(40, &[&[&long, "1"]]), format!("{long}  1\n"));
        assert_eq!(table(40, &[&["1", &long]]), format!("1  {long}\n"));
    }

    #[test]
    fn a_long_value_that_is_cut_says_its_size() {
        let shown = |columns, length: usize| {
            let mut table = Table::new(&RenderOptions { width: columns, ..rendering(OutputMode::Plain, true) });
            let value = table.cell(&"v".repeat(length), style::plain).of_size(length);
            table.push(vec![table.cell("k", style::key), value]);
            let mut out = Vec::new();
            table.write(&mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(shown(40, 12 << 10), format!("k  {}… 12 KiB\n", "v".repeat(29)));
        assert_eq!(shown(40, 200), format!("k  {}…\n", "v".repeat(36)), "a short one has no need to");
        assert_eq!(shown(2_000, 1 << 10), format!("k  {}\n", "v".repeat(1 << 10)), "and what is whole neither");
        assert_eq!(shown(20, 12 << 10), format!("k  {}…\n", "v".repeat(16)), "nor is there room for it");
    }

    #[test]
    fn cutting_leaves_escapes_and_wide_characters_whole() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("日本語", 6), "日本語");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("a\x1b\x1b", 6), "a\\x1b…");
        assert_eq!(cut("a\x1b\x1b", 5), "a…");
        assert_eq!(cut("ae\u{301}", 2), "ae\u{301}");
        assert_eq!(cut("a", 0), "");
    }

    #[test]
    fn a_table_into_a_pipe_is_aligned_and_whole() {
        let long = "v".repeat(300);
        let shown = written(&rendering(OutputMode::Table, false), &[&["a\tb", &long], &["c", "\u{1b}"]]);
        assert_eq!(shown, format!("a\\tb  {long}\nc     \u{1b}\n"));
    }

    #[test]
    fn a_huge_key_does_not_blow_up_the_rows_around_it() {
        let huge = "k".repeat(64 << 10);
        let rendering = rendering(OutputMode::Table, false);
        let rows: [&[&str]; 2] = [&[&huge, "v"], &["a", "b"]];
        let shown = written(&rendering, &rows);
        assert_eq!(shown, format!("{huge}  v\na{}b\n", " ".repeat(ALIGNED - 1 + GAP)));
    }

    #[test]
    fn rows_are_held_up_to_a_bound() {
        let mut table = Table::new(&rendering(OutputMode::Table, false));
        let row = vec![table.cell(&"v".repeat(HELD), style::plain)];
        assert!(!table.is_full());
        table.push(row);
        assert!(table.is_full());
        table.write(&mut io::sink()).unwrap();
        assert!(!table.is_full());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn no_line_is_wider_than_the_terminal(
            rows in prop::collection::vec(prop::collection::vec(NASTY, 1..4), 1..5),
            // The console never reports fewer than 20 columns.
            columns in 20usize..90,
        ) {
            let rows: Vec<Vec<&str>> = rows.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
            let rows: Vec<&[&str]> = rows.iter().map(Vec::as_slice).collect();
            let shown = table(columns, &rows);
            prop_assert_eq!(shown.lines().count(), rows.len());
            for line in shown.lines() {
                prop_assert!(!line.contains(escape::is_unsafe));
                prop_assert!(line.width() <= columns, "{} > {}: {:?}", line.width(), columns, line);
                prop_assert!(width(line) <= columns, "{} > {}: {:?}", width(line), columns, line);
            }
        }
    }
}
