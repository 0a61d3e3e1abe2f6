//! What may be put into the line, how it is put in, and how it is listed.

use std::borrow::Cow;

use rustyline::completion::Pair;
use unicode_width::UnicodeWidthStr as _;

use super::columns::fit;
use super::cursor::CursorContext;
use crate::shell::render::style;
use crate::shell::text::words;

/// Columns that one candidate may take in the list.
pub(super) const WIDEST: usize = 76;

/// More candidates than these help nobody, and the editor cannot list more than 65,535.
pub(super) const MOST: usize = 1_000;

/// Something that may be put in.
pub(super) struct Candidate {
    pub(super) text: Vec<u8>,
    /// How it is listed, before it is made safe and cut.
    pub(super) shown: String,
    /// What is said of it in the list, if anything.
    pub(super) about: String,
    pub(super) kind: CandidateKind,
}

impl Candidate {
    /// Bytes that are not listed yet.
    pub(super) fn of(text: Vec<u8>) -> Self {
        Self { text, shown: String::new(), about: String::new(), kind: CandidateKind::Data }
    }

    /// A text that is listed as it is.
    pub(super) fn new(text: String, kind: CandidateKind) -> Self {
        Self { shown: text.clone(), kind, ..Self::of(text.into_bytes()) }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum CandidateKind {
    /// A word of the language, which needs no quotes.
    Word,
    /// Data, quoted where it must be.
    Data,
    /// Data that goes on: a folder.
    Begun,
    /// Data behind some that was left out: it is not listed, but what all begin with, it begins with too.
    Last,
    /// Data that does not begin with what was typed, and so takes its place only where it is alone.
    Near,
}

/// The candidates as the editor wants them. It inserts what all replacements begin with, so of several all say the same:
/// as far as they agree, in quotes that stay open. `raw` is what is replaced, `after` what stands behind the cursor.
pub(super) fn fill(
    cursor: &CursorContext<'_>,
    candidates: &[Candidate],
    raw: &str,
    after: &str,
    widest: usize,
) -> Vec<Pair> {
    if let [only] = candidates {
        return vec![Pair { display: fit(&only.shown, widest), replacement: whole(only, cursor.quote, after) }];
    }
    let Some(common) = common(candidates) else { return Vec::new() };
    let is_word = candidates[0].kind == CandidateKind::Word;
    let is_near = candidates[0].kind == CandidateKind::Near;
    let replacement = if is_near || common.len() <= cursor.typed.len() {
        raw.to_owned()
    } else if is_word {
        String::from_utf8_lossy(common).into_owned()
    } else {
        opened(common, cursor.quote)
    };
    let has_more = candidates.last().is_some_and(|last| last.kind == CandidateKind::Last);
    let rows = listed(&candidates[..candidates.len() - usize::from(has_more)], widest);
    let rows = rows.into_iter().chain(has_more.then(|| "… and more".to_owned()));
    rows.map(|display| Pair { display, replacement: replacement.clone() }).collect()
}

/// The rows of the list: safe, and not so wide that it falls apart. What is said of the candidates stands in a column.
fn listed(candidates: &[Candidate], widest: usize) -> Vec<String> {
    /// What is much longer than the others does not push all of them away.
    const COLUMN: usize = 32;
    let widths = |of: fn(&Candidate) -> &str| candidates.iter().map(move |candidate| of(candidate).width());
    let about = widths(|candidate| &candidate.about).max().unwrap_or(0);
    if about == 0 {
        return candidates.iter().map(|candidate| fit(&candidate.shown, widest)).collect();
    }
    let shortest = widths(|candidate| &candidate.shown).filter(|&width| width <= COLUMN).max().unwrap_or(COLUMN);
    let about = about.min(widest.saturating_sub(shortest + GAP.len()));
    let room = widest.saturating_sub(about + GAP.len());
    let names: Vec<String> = candidates.iter().map(|candidate| fit(&candidate.shown, room)).collect();
    let column = names.iter().map(|name| name.width()).filter(|&width| width <= COLUMN).max().unwrap_or(0);
    let row = |(name, candidate): (String, &Candidate)| {
        let blanks = " ".repeat(column.saturating_sub(name.width()));
        format!("{name}{blanks}{GAP}{}", fit(&candidate.about, about))
    };
    names.into_iter().zip(candidates).map(row).collect()
}

/// What stands in a row of the list between a candidate and what is said of it.
const GAP: &str = "  ";

/// A row of the list in colours: what is said of a candidate is not what may be put in.
pub(super) fn paint_row(row: &str, color: bool) -> Cow<'_, str> {
    match row.rsplit_once(GAP) {
        Some((name, about)) if color => format!("{name}{GAP}{}", style::faint(true, about)).into(),
        _ => row.into(),
    }
}

/// What all candidates begin with, whole characters of it.
fn common(candidates: &[Candidate]) -> Option<&[u8]> {
    let (first, rest) = candidates.split_first()?;
    let mut common = &first.text[..];
    for candidate in rest {
        let same = common.iter().zip(&candidate.text).take_while(|(a, b)| a == b).count();
        common = &common[..same];
    }
    // An error without a length is a character that was cut.
    if let Err(error) = str::from_utf8(common)
        && error.error_len().is_none()
    {
        common = &common[..error.valid_up_to()];
    }
    Some(common)
}

/// A candidate with its quotes, and the blank that comes next.
fn whole(candidate: &Candidate, quote: Option<char>, after: &str) -> String {
    let mut text = match candidate.kind {
        CandidateKind::Word => String::from_utf8_lossy(&candidate.text).into_owned(),
        CandidateKind::Data | CandidateKind::Near | CandidateKind::Last => quoted(&candidate.text, quote),
        CandidateKind::Begun => return opened(&candidate.text, quote),
    };
    if quote.is_some_and(|quote| after.starts_with(quote) && text.ends_with(quote)) {
        text.pop();
    } else if !after.starts_with(char::is_whitespace) {
        text.push(' ');
    }
    text
}

/// The same without its closing quote.
fn opened(bytes: &[u8], quote: Option<char>) -> String {
    let mut text = quoted(bytes, quote);
    if text.starts_with(['\'', '"']) {
        text.pop();
    }
    text
}

fn quoted(bytes: &[u8], quote: Option<char>) -> String {
    quote.map_or_else(|| words::quote(bytes), |quote| words::quote_in(quote, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Tab inserts for the text, and what it lists, if the keys are these.
    fn tab(line: &str, after: &str, keys: &[&str]) -> (String, Vec<String>) {
        let cursor = CursorContext::at_end_of(line).unwrap();
        let candidates: Vec<Candidate> =
            keys.iter().map(|&key| Candidate::new(key.to_owned(), CandidateKind::Data)).collect();
        let pairs = fill(&cursor, &candidates, &line[cursor.start..], after, 20);
        let inserted = pairs.first().map(|pair| pair.replacement.clone()).unwrap_or_default();
        assert!(pairs.iter().all(|pair| pair.replacement == inserted));
        (inserted, pairs.into_iter().map(|pair| pair.display).collect())
    }

    #[test]
    fn one_candidate_is_put_in_whole_and_several_as_far_as_they_agree() {
        for (line, after, keys, inserted) in [
            ("get a", "", &["abc"][..], "abc "),
            ("get a", " b", &["abc"], "abc"),
            ("get a", "", &["abc", "abd"], "ab"),
            ("get ab", "", &["abc", "abd"], "ab"),
            ("get a", "", &["a b", "a c"], "'a "),
            ("get a", "", &["abc d", "abcd"], "abc"),
            ("get \"a", "", &["a b", "a c"], "\"a "),
            ("get 'a", "'", &["a b"], "'a b"),
            ("get 'a", "", &["a\u{1b}b"], "\"a\\x1bb\" "),
            ("get a", "", &["a\u{1b}b", "a\u{1b}c"], "\"a\\x1b"),
            ("get 世", "", &["世界", "世畍"], "世"),
            ("get ", "", &["é", "è"], ""),
            ("get x", "", &[], ""),
        ] {
            let (found, listed) = tab(line, after, keys);
            assert_eq!(found, inserted, "{line}");
            assert_eq!(listed.len(), keys.len());
        }
    }

    #[test]
    fn a_list_is_capped_and_its_columns_too() {
        let keys: Vec<String> = (0..1_000).map(|number| format!("{number:04} {}", "世".repeat(40))).collect();
        let cursor = CursorContext::at_end_of("get ").unwrap();
        let mut candidates: Vec<Candidate> =
            keys.into_iter().map(|key| Candidate::new(key, CandidateKind::Data)).collect();
        candidates.push(Candidate::new("9".to_owned(), CandidateKind::Last));
        let pairs = fill(&cursor, &candidates, "", "", 20);
        assert!(pairs.iter().all(|pair| pair.replacement.is_empty()), "{}", pairs[0].replacement);
        let listed: Vec<String> = pairs.into_iter().map(|pair| pair.display).collect();
        assert_eq!(listed.len(), 1_001);
        assert_eq!(listed[1_000], "… and more");
        assert!(listed.iter().all(|row| row.width() <= 20), "{:?}", listed[0]);
        assert!(listed[0].width() >= 18, "{:?}", listed[0]);
    }

    #[test]
    fn what_is_said_of_the_candidates_stands_in_a_column() {
        let about = |name: &str, about: &str| Candidate {
            about: about.to_owned(),
            ..Candidate::new(name.to_owned(), CandidateKind::Data)
        };
        let long = "k".repeat(80);
        let rows = listed(&[about("session:9", "text, 29m left"), about("a\x1b", "json"), about(&long, "text")], 60);
        assert_eq!(rows[0], "session:9  text, 29m left");
        assert_eq!(rows[1], "a\\x1b      json");
        assert_eq!(rows[2], format!("{}…  text", "k".repeat(43)));
        assert!(listed(&[about(&long, "text")], 3).iter().all(|row| !row.contains('k')));
    }
}
