//! Quotes and their escapes.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

#[test]
fn single_quotes_are_literal_but_for_the_quote_and_the_backslash() {
    assert_eq!(split(r"'a b' '' 'it\'s' '\\' '\n' 'C:\x'"), ["«a b»", "«»", "«it's»", "«\\»", "«\\n»", "«C:\\x»"]);
    assert_eq!(split("set k 'a\n# b\n'"), ["set", "k", "«a\n# b\n»"]);
}

#[test]
fn double_quotes_know_their_escapes() {
    let found = words(r#""\n\r\t\b\a\0\\\"" "\x00\xfF" "\u{e9}\u{1F600}\u{00000a}" "a b" "it's""#);
    let bytes: Vec<&[u8]> = found.iter().map(|word| &*word.bytes).collect();
    let expected: [&[u8]; 5] = [b"\n\r\t\x08\x07\0\\\"", b"\0\xff", "é😀\n".as_bytes(), b"a b", b"it's"];
    assert_eq!(bytes, expected);
}

#[test]
fn a_bad_escape_is_refused_by_name() {
    for (input, escape) in [
        (r#"get "\q""#, r"\q"),
        (r#"get "\'""#, r"\'"),
        (r#"get "\é""#, r"\é"),
        (r#"get "\x4g""#, r"\x4"),
        (r#"get "\xg""#, r"\x"),
        (r#"get "\u004g""#, r"\u004"),
        (r#"get "\ug""#, r"\u"),
        (r#"get "\u{}""#, r"\u{"),
        (r#"get "\u{d800}""#, r"\u{d800}"),
        (r#"get "\u{110000}""#, r"\u{110000}"),
        (r#"get "\u{0000041}""#, r"\u{000004"),
        ("get \"\\\n\"", r"\<newline>"),
        ("get \"\\\x1b\"", "\\\\x1b"),
    ] {
        let (at, message, lines) = error(input);
        assert!(message.starts_with(&format!("unknown escape {escape} inside \"…\"; ")), "{input}: {message}");
        assert_eq!((at, lines), (4, 1), "{input}");
    }
}

#[test]
fn a_bad_escape_may_announce_more_bytes_than_its_line_has() {
    let (at, message, lines) = error(b"get \"\\\xff\nx\"\n");
    assert_eq!((at, lines), (4, 1));
    assert!(message.starts_with("unknown escape \\\u{fffd} inside"), "{message}");
    assert!(error("get \"\\").1.contains("never closed"));
}

#[test]
fn a_closing_quote_is_followed_by_white_space() {
    let (at, message, _) = error("get 'it's'");
    assert_eq!(at, 4);
    assert!(message.starts_with(r"s' follows a closing ' without a space; inside '…' write \' "), "{message}");
    assert_eq!(error(r#"get """""#).0, 4);
    assert_eq!(error("get --x='a'b").0, 4);
    assert_eq!(error("get 'a'\rb").0, 4);
}

#[test]
fn a_quote_opens_behind_a_flag_too() {
    let found = words(r#"get k --default="a b" --x='' --by=5"#);
    assert_eq!(found[2].bytes, b"--default=a b".as_slice());
    assert_eq!(found.iter().map(|word| word.flag).collect::<Vec<_>>(), [0, 0, 10, 4, 0]);
    assert!(found.iter().all(|word| !word.quoted));
    assert_eq!(split(r"x -d='a b'"), ["x", "-d='a", "b'"]);
    assert_eq!(split(r"x --1='a --='a --a=b='c --é='a"), ["x", "--1='a", "--='a", "--a=b='c", "--é='a"]);
    assert_eq!(words(r#"--a-1="\xff""#)[0].bytes, b"--a-1=\xff".as_slice());
}

#[test]
fn every_escape_of_a_json_string_is_known() {
    for (literal, meaning) in [
        (r#""caf\u00e9""#, "café"),
        (r#""\ud83d\ude00""#, "😀"),
        (r#""\uD83D\uDE00!""#, "😀!"),
        (r#""\/\b\f\n\r\t\"\\""#, "/\u{8}\u{c}\n\r\t\"\\"),
        (r#""\u0000\uffff\u2028""#, "\0\u{ffff}\u{2028}"),
    ] {
        assert_eq!(split(&format!("set k {literal}"))[2], format!("«{meaning}»"), "{literal}");
        assert_eq!(split(&format!("get k --default={literal}"))[2], format!("--default={meaning}"), "{literal}");
    }
    assert_eq!(split(r"set k '\u00e9\/\f'")[2], r"«\u00e9\/\f»", "a backslash is itself in single quotes");
}

#[test]
fn half_of_a_surrogate_pair_is_an_error_where_its_word_begins() {
    for word in
        [r#""\ud800""#, r#""a\udc00""#, r#""\ud800x""#, r#""\ud83d\n""#, r#""\ud83d\u0041""#, r#""\ud83d\ud83d""#]
    {
        let (at, message, _) = error(&format!("set k {word}"));
        assert_eq!(at, 6, "{word}");
        assert!(message.contains("half of a surrogate pair"), "{word}: {message}");
    }
    for word in [r#""\u12g4""#, r#""\u""#, r#""\ud83d\u12""#, r#""\ud83d\ux""#, r#""\u{}""#] {
        assert_eq!(error(&format!("set k {word}")).0, 6, "{word}");
    }
}

#[test]
fn an_escape_that_arrives_in_parts_is_waited_for() {
    let line = "set k \"\\ud83d\\ude00\"\n";
    for cut in 7..line.len() {
        let mut splitter = splitter();
        assert!(matches!(splitter.step(&line.as_bytes()[..cut], false), Step::More(_)), "{cut}");
        let Step::Command { words, .. } = splitter.step(line.as_bytes(), false) else { panic!("{cut}") };
        assert_eq!(words[2].bytes, "😀".as_bytes());
    }
}

/// A text as a JSON string literal, each character written in one of the ways that JSON has for it.
fn json_literal(text: &str, ways: &[u8]) -> String {
    let mut literal = String::from("\"");
    for (c, way) in text.chars().zip(ways.iter().cycle()) {
        let short = match c {
            '"' | '\\' | '/' => Some(c),
            '\u{8}' => Some('b'),
            '\u{c}' => Some('f'),
            '\n' => Some('n'),
            '\r' => Some('r'),
            '\t' => Some('t'),
            _ => None,
        };
        match (way % 4, short) {
            (0, Some(letter)) => literal.extend(['\\', letter]),
            (1, None) if c >= ' ' => literal.push(c),
            (way, _) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let digits = format!("{unit:04x}");
                    literal.push_str("\\u");
                    literal.push_str(&if way == 2 { digits.to_uppercase() } else { digits });
                }
            }
        }
    }
    literal + "\""
}

proptest! {
    #[test]
    fn every_json_string_literal_is_a_word_that_means_the_same(
        text in "(\\PC|[\\x00-\\x7f]|😀|\u{2028}|\u{10ffff}){0,20}",
        ways in vec(any::<u8>(), 1..8),
    ) {
        let by_hand = json_literal(&text, &ways);
        prop_assert_eq!(&serde_json::from_str::<String>(&by_hand).unwrap(), &text);
        for literal in [by_hand, serde_json::to_string(&text).unwrap()] {
            let line = format!("set k {literal}\n");
            let words = words(&line);
            prop_assert_eq!(&*words[2].bytes, text.as_bytes());
            prop_assert!(words[2].quoted);
        }
    }
}
