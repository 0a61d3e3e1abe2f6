//! Syntax colors of the line at the prompt.

use std::ops::Range;

use clap::Command;

use super::columns::Column;
use super::cursor::{self, Rest};
use super::tree::{Before, Role};
use crate::number::Number;
use crate::shell::language::command::names_of;
use crate::shell::render::style::{self, Style};
use crate::shell::text::words::Word;

/// Longer texts are not colored, because every key repaints all of the text.
const LONGEST: usize = 64 << 10;

/// The part of a text from `from` on, escaped for the terminal, starting at `column`, with the same width.
pub(super) fn paint(tree: &Command, text: &str, from: usize, mut column: Column, color: bool) -> String {
    if !color || text.len() > LONGEST {
        return column.show(&text[from..]);
    }
    let mut painted = String::with_capacity(2 * (text.len() - from));
    let mut done = from;
    for (span, style) in spans(tree, text) {
        let (start, end) = (span.start.max(done), span.end);
        if start >= end {
            continue;
        }
        painted.push_str(&column.show(&text[done..start]));
        painted.push_str(&style(true, &column.show(&text[start..end])));
        done = end;
    }
    painted.push_str(&column.show(&text[done..]));
    painted
}

/// The styled ranges of the text, in order.
fn spans(tree: &Command, text: &str) -> Vec<(Range<usize>, Style)> {
    let mut spans = Vec::new();
    for part in cursor::parts(text.as_bytes()) {
        let mut before = Before::new(tree);
        let mut outside = None;
        for word in &part.words {
            if before.outside.is_some() {
                // After `!`, the words belong to sh: all of them are one range.
                outside.get_or_insert(word.span.start);
                continue;
            }
            push_word(&mut spans, &mut before, tree, word, text);
        }
        let end = part.rest.as_ref().map(|(_, span)| span.end).or(part.words.last().map(|word| word.span.end));
        match (part.rest, end) {
            (rest, Some(end)) if before.outside.is_some() => {
                let start = outside.or(rest.map(|(_, span)| span.start));
                spans.extend(start.map(|start| (start..end, style::outside as Style)));
            }
            (Some((rest, span)), _) => {
                let style: Style = match rest {
                    Rest::Comment => style::faint,
                    Rest::Unclosed => style::unclosed,
                    Rest::Json => style::json,
                    Rest::Wrong => style::unknown,
                };
                spans.push((span, style));
            }
            (None, _) => {}
        }
    }
    spans
}

fn push_word<'t>(
    spans: &mut Vec<(Range<usize>, Style)>,
    before: &mut Before<'t>,
    tree: &'t Command,
    word: &Word<'_>,
    text: &str,
) {
    let span = word.span.clone();
    let written = &text[span.clone()];
    match before.take(word) {
        Role::Command => spans.push((span, style::command)),
        // A word that may still become a command is not an error.
        Role::Unknown if span.end == text.len() && begins_command(tree, written) => {}
        Role::Unknown => spans.push((span, style::unknown)),
        Role::NoFlag if span.end == text.len() && before.begins_flag(written) => {}
        Role::NoFlag => spans.push((span, style::unknown)),
        Role::Dashes => spans.push((span, style::flag)),
        Role::Flag => {
            let name = written.find('=').filter(|_| written.starts_with("--")).map_or(written.len(), |at| at + 1);
            let value = span.start + name..span.end;
            spans.push((span.start..value.start, style::flag));
            if let Some(style) = value_style(&written[name..], word.flag > 0) {
                spans.push((value, style));
            }
        }
        Role::Value => {
            if let Some(style) = value_style(written, word.quoted) {
                spans.push((span, style));
            }
        }
        Role::Operator => spans.push((span, style::operator)),
        Role::Outside => spans.push((span, style::outside)),
    }
}

fn value_style(written: &str, quoted: bool) -> Option<Style> {
    match written.as_bytes().first()? {
        b'\'' | b'"' if quoted => Some(style::string),
        b'{' | b'[' if quoted => Some(style::json),
        b'0'..=b'9' | b'-' | b'+' | b'.' if written.parse::<Number>().is_ok() => Some(style::number),
        _ => None,
    }
}

fn begins_command(tree: &Command, word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    tree.get_subcommands().flat_map(names_of).any(|name| name.starts_with(&word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::repl::tree::tree;
    use crate::shell::text::escape::is_unsafe;
    use proptest::prelude::*;
    use unicode_width::UnicodeWidthStr as _;

    /// The text with each styled range marked by a letter.
    fn marked(text: &str) -> String {
        let tree = tree();
        let mut marked = String::new();
        let mut done = 0;
        let looks: [(Style, char); 9] = [
            (style::command, 'c'),
            (style::unknown, '?'),
            (style::flag, 'f'),
            (style::string, 's'),
            (style::number, 'n'),
            (style::json, 'j'),
            (style::unclosed, 'u'),
            (style::operator, '|'),
            (style::outside, 'o'),
        ];
        for (span, style) in spans(&tree, text) {
            let look = looks.iter().find(|(known, _)| known(true, "x") == style(true, "x")).map_or('#', |look| look.1);
            marked.push_str(&text[done..span.start]);
            marked.extend([&format!("{look}<"), &text[span.clone()], ">"]);
            done = span.end;
        }
        marked + &text[done..]
    }

    #[test]
    fn each_word_is_painted_by_what_it_is() {
        for (text, wanted) in [
            ("set k v", "c<set> k v"),
            ("se", "se"),
            ("sx", "?<sx>"),
            ("se k get", "?<se> k get"),
            ("SET k 'v w' --ttl 5m", "c<SET> k s<'v w'> f<--ttl> 5m"),
            ("set n -1.5", "c<set> n n<-1.5>"),
            ("set --json u {\"a\": 1}", "c<set> f<--json> u j<{\"a\": 1}>"),
            ("set --json u {\"a\": ", "c<set> f<--json> u j<{\"a\": >"),
            ("set k \"open", "c<set> k u<\"open>"),
            ("get k --default=\"a b\"", "c<get> k f<--default=>s<\"a b\">"),
            ("get --nonsense k", "c<get> ?<--nonsense> k"),
            ("get --def", "c<get> --def"),
            ("set cfg --fi", "c<set> cfg --fi"),
            ("set cfg --flie", "c<set> cfg ?<--flie>"),
            ("set cfg --flie=config.json", "c<set> cfg ?<--flie=config.json>"),
            ("set cfg --flie=config.json --ttl", "c<set> cfg ?<--flie=config.json> f<--ttl>"),
            ("set k -param", "c<set> k -param"),
            ("get k --default --pointer x", "c<get> k f<--default> ?<--pointer> x"),
            ("get k | jq -r '.a", "c<get> k |<|> o<jq -r '.a>"),
            ("get k | '.a", "c<get> k |<|> o<'.a>"),
            ("list > a.txt", "c<list> |<>> o<a.txt>"),
            ("set a | b", "c<set> a | b"),
            ("# note", "#<# note>"),
            ("set a 1\nget 'b'", "c<set> a n<1>\nc<get> s<'b'>"),
            ("get 'a'b", "c<get> ?<'a'b>"),
        ] {
            assert_eq!(marked(text), wanted, "{text}");
        }
    }

    #[test]
    fn a_row_of_several_is_painted_from_where_it_begins() {
        let tree = tree();
        let text = "set a 'x\ny' 5";
        let row = paint(&tree, text, 9, Column::new(4, 80), true);
        assert_eq!(row, format!("{} {}", style::string(true, "y'"), style::number(true, "5")));
    }

    #[test]
    fn a_long_text_is_quickly_painted_or_not_at_all() {
        let tree = tree();
        for text in [format!("set k '{}", "x y ".repeat(15_000)), "set a 1\n".repeat(12_500), "[".repeat(60_000)] {
            let begun = std::time::Instant::now();
            assert!(paint(&tree, &text, 0, Column::new(4, 80), true).len() >= text.len());
            assert!(begun.elapsed().as_millis() < 200, "{:?} for {}", begun.elapsed(), &text[..20]);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn paint_changes_neither_the_text_nor_its_width(text in "(set |get |a|'|\"|\\{|\\[|\\||>|--ttl |5|\n|\u{202e}|\u{9b}|世|\\PC){0,12}", cut in 0usize..20) {
            let tree = tree();
            let from = (0..=cut.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
            let column = Column::new(4, 80);
            let painted = paint(&tree, &text, from, column, true);
            let plain: String = painted.split('\x1b').enumerate().map(|(at, piece)| if at == 0 { piece } else { piece.split_once('m').map_or(piece, |(_, rest)| rest) }).collect();
            prop_assert_eq!(&plain, &{ column }.show(&text[from..]));
            prop_assert_eq!(paint(&tree, &text, from, column, false), plain);
            let wide = |text: &str| text.replace('\n', "").width();
            prop_assert_eq!(wide(&{ column }.show(&text)), wide(&text.replace(is_unsafe, "")));
        }
    }
}
