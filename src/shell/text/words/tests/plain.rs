//! Bare words, comments, and where a command ends.

use super::*;
use std::borrow::Cow;

#[test]
fn bare_words_run_to_white_space_and_keep_what_is_in_them() {
    assert_eq!(split("set key value\n"), ["set", "key", "value"]);
    assert_eq!(split(" \t set\x0b\x0ckey  \n"), ["set", "key"]);
    assert_eq!(split(r#"set k it's 5" a\b --x="#), ["set", "k", "it's", "5\"", "a\\b", "--x="]);
    assert_eq!(split("set n -5"), ["set", "n", "-5"]);
    assert_eq!(split("set clé 世界"), ["set", "clé", "世界"]);
    assert!(matches!(&words("get k")[1].bytes, Cow::Borrowed(b"k")));
}

#[test]
fn a_command_ends_at_its_newline_and_says_how_much_it_took() {
    let input = b"get a\r\n\n# set b\n  get 'x\ny' # z";
    let found: Vec<_> = steps(input)
        .iter()
        .map(|step| match step {
            Step::Command { words, consumed, lines } => (words.len(), *consumed, *lines),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(found, [(2, 7, 1), (0, 1, 1), (0, 8, 1), (4, 15, 2)]);
}

#[test]
fn a_span_is_the_word_as_written() {
    let input = "set 'a b' {\"x\": 1} --f=\"é\"";
    let spans: Vec<_> = words(input).into_iter().map(|word| &input[word.span]).collect();
    assert_eq!(spans, ["set", "'a b'", "{\"x\": 1}", "--f=\"é\""]);
}

#[test]
fn a_carriage_return_counts_as_a_line_end_only() {
    assert_eq!(split("get k\r\n"), ["get", "k"]);
    assert_eq!(split("get k\r"), ["get", "k"]);
    assert_eq!(split("get 'k'\r\n"), ["get", "«k»"]);
    assert_eq!(split("get a\rb \rc"), ["get", "a\rb", "\rc"]);
    assert_eq!(split("get 'a\r\nb'\r\n"), ["get", "«a\r\nb»"]);
    assert_eq!(split("\r\n"), [""; 0]);
}

#[test]
fn a_byte_order_mark_is_skipped_at_the_very_start_only() {
    assert_eq!(split("\u{feff}get k"), ["get", "k"]);
    assert_eq!(split("\u{feff}# get k"), [""; 0]);
    assert_eq!(split("\u{feff}\u{feff}k"), ["\u{feff}k"]);
    let mut splitter = splitter();
    assert_eq!(splitter.step(b"", false), Step::More(Unfinished::Line));
    assert_eq!(splitter.step(b"\xef", false), Step::More(Unfinished::Line));
    assert_eq!(splitter.step(b"\xef\xbb\xbf", false), Step::More(Unfinished::Line));
    let step = splitter.step("\u{feff}x\n".as_bytes(), false);
    assert!(matches!(step, Step::Command { consumed: 5, .. }), "{step:?}");
    let step = splitter.step("\u{feff}x\n".as_bytes(), false);
    assert!(matches!(&step, Step::Command { words, .. } if words[0].span == (0..4)), "{step:?}");
}

#[test]
fn a_hash_begins_a_comment_only_in_front_of_a_command() {
    assert_eq!(split("# it's {\n"), [""; 0]);
    assert_eq!(split("  \t# x"), [""; 0]);
    assert_eq!(split("set color #fff"), ["set", "color", "#fff"]);
    assert_eq!(split("#"), [""; 0]);
}

#[test]
fn what_is_open_goes_on_on_the_next_line() {
    for (line, open) in [
        ("set k v", Unfinished::Line),
        ("set k 'v'", Unfinished::Line),
        ("set k [1]", Unfinished::Line),
        ("set k [a", Unfinished::Line),
        ("# 'x", Unfinished::Line),
        ("set k \"\\q", Unfinished::Line),
        ("set k 'v", Unfinished::Quote('\'')),
        ("set k 'v\n", Unfinished::Quote('\'')),
        ("set k \"v\\", Unfinished::Quote('"')),
        ("set k --x=\"v\\u{1", Unfinished::Quote('"')),
        ("set k [1, 'x", Unfinished::Quote('\'')),
        ("set k [1,", Unfinished::Json),
        ("set k {\n\"a\": tr", Unfinished::Json),
    ] {
        assert_eq!(splitter().step(line.as_bytes(), false), Step::More(open), "{line}");
    }
}
