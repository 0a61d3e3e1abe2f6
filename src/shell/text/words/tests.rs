//! What the words of a line are, and are not.

use super::*;
use crate::shell::text::escape::is_unsafe;
use proptest::collection::vec;
use proptest::prelude::*;
use std::time::{Duration, Instant};

/// A language of two commands that take a value after a key.
fn may_go_on(words: &[&[u8]]) -> bool {
    words.first().is_none_or(|name| matches!(*name, b"set" | b"append") && words.len() > 1)
}

fn splitter() -> Splitter {
    Splitter::new(may_go_on)
}

/// All the steps of an input that is there at once.
fn steps(input: &[u8]) -> Vec<Step<'_>> {
    let mut splitter = splitter();
    let mut rest = input;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let step = splitter.step(rest, true);
        rest = &rest[consumed(&step)..];
        steps.push(step);
    }
    steps
}

fn consumed(step: &Step<'_>) -> usize {
    match step {
        Step::More(open) => panic!("more at the end: {open:?}"),
        Step::Command { consumed, .. } | Step::Error { consumed, .. } => *consumed,
    }
}

/// The words of an input that is one command.
fn words(input: &(impl AsRef<[u8]> + ?Sized)) -> Vec<Word<'_>> {
    let input = input.as_ref();
    match steps(input).as_slice() {
        [Step::Command { words, consumed, .. }] if *consumed == input.len() => words.clone(),
        other => panic!("{:?} is not one command: {other:?}", input.escape_ascii().to_string()),
    }
}

/// The same as text, each word of data in guillemets.
fn split(input: &(impl AsRef<[u8]> + ?Sized)) -> Vec<String> {
    let show = |word: &Word<'_>| {
        let text = String::from_utf8_lossy(&word.bytes).into_owned();
        if word.quoted { format!("«{text}»") } else { text }
    };
    words(input).iter().map(show).collect()
}

/// The first step of an input, which must be an error: where, what, and the lines it costs.
fn error(input: &(impl AsRef<[u8]> + ?Sized)) -> (usize, String, usize) {
    match splitter().step(input.as_ref(), true) {
        Step::Error { error, lines, .. } => (error.at, error.message, lines),
        other => panic!("not an error: {other:?}"),
    }
}

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
    assert_eq!(splitter.step(b"", false), Step::More(Open::Line));
    assert_eq!(splitter.step(b"\xef", false), Step::More(Open::Line));
    assert_eq!(splitter.step(b"\xef\xbb\xbf", false), Step::More(Open::Line));
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
fn balanced_json_is_one_word_verbatim() {
    for json in [
        r#"{"a": [1, 2]}"#,
        "[]",
        "{}",
        "[ ]",
        r#"[-0, 1.5e+3, 1E9, 0.10, true, false, null, "\"\\\/\b\f\n\r\t\u00Ff é", {"a": {}, "b": [[]]}]"#,
        "{\n  \"a\": 1,\r\n\t\"b\": [\n2 ]\n}",
    ] {
        assert_eq!(split(&format!("set --json u {json} x\n")), ["set", "--json", "u", &format!("«{json}»"), "x"]);
    }
}

#[test]
fn what_only_looks_like_json_is_a_bare_word() {
    for word in [
        "[a-z]*",
        "[ab]*",
        "[1]*",
        "{a,b}",
        "{\"a\":1}x",
        "[01]",
        "[1.]",
        "[.5]",
        "[1e]",
        "[+1]",
        "[1,]",
        "{\"a\",1}",
        "{,}",
        "[tru]",
        "[truex]",
        "[\"\\x\"]",
        "[\"\\u00g0\"]",
        "[}",
        "{]",
        "[1}",
        "{\"a\":}",
        "[--1]",
        "{\"a\":1,}",
        "[\"\x01\"]",
        "[nul\u{e9}]",
    ] {
        assert_eq!(split(&format!("keys {word} x")), ["keys", word, "x"]);
    }
    assert_eq!(split("a [1 2] {\"b\": c}"), ["a", "[1", "2]", "{\"b\":", "c}"]);
    let deep = "[".repeat(201) + &"]".repeat(201);
    assert_eq!(split(&deep), [deep.as_str()]);
    assert_eq!(split(&deep[1..401]), [format!("«{}»", &deep[1..401])]);
}

#[test]
fn what_is_open_goes_on_on_the_next_line() {
    for (line, open) in [
        ("set k v", Open::Line),
        ("set k 'v'", Open::Line),
        ("set k [1]", Open::Line),
        ("set k [a", Open::Line),
        ("# 'x", Open::Line),
        ("set k \"\\q", Open::Line),
        ("set k 'v", Open::Quote('\'')),
        ("set k 'v\n", Open::Quote('\'')),
        ("set k \"v\\", Open::Quote('"')),
        ("set k --x=\"v\\u{1", Open::Quote('"')),
        ("set k [1, 'x", Open::Quote('\'')),
        ("set k [1,", Open::Json),
        ("set k {\n\"a\": tr", Open::Json),
    ] {
        assert_eq!(splitter().step(line.as_bytes(), false), Step::More(open), "{line}");
    }
}

#[test]
fn json_goes_on_on_the_next_line_only_after_the_words_that_may_be_followed_by_it() {
    assert_eq!(splitter().step(b"set k {\n", false), Step::More(Open::Json));
    assert_eq!(splitter().step(b"list [\n", true), Splitter::new(|_| false).step(b"list [\n", true));
    assert_eq!(split("list [\n"), ["list", "["]);
    assert_eq!(split("list [1, 2]\n"), ["list", "«[1, 2]»"]);
}

#[test]
fn an_open_quote_at_the_end_is_an_error_where_it_begins() {
    let (at, message, lines) = error("get 'a\nget b\n");
    assert_eq!((at, lines), (4, 1));
    assert!(message.starts_with("the ' that opens the word 'a is never closed; "), "{message}");
    let (at, message, _) = error("get \"a\\");
    assert_eq!(at, 4);
    assert!(message.contains("put it in '…'"), "{message}");
    let input = b"get 'a\nget b\n";
    let steps = steps(input);
    assert!(matches!(&steps[1], Step::Command { words, .. } if words.len() == 2), "{steps:?}");
}

#[test]
fn json_that_is_no_longer_possible_is_an_error_where_it_begins() {
    let (at, message, lines) = error("set k [\nget x\nget y\n");
    assert_eq!((at, lines), (6, 1));
    assert_eq!(
        message,
        "the JSON literal [ begins here and cannot go on with get x; if it is plain text, \
         quote it: '…'"
    );
    let (_, message, _) = error("set k [1");
    assert!(message.starts_with("the JSON literal [1 begins here and is never finished; "), "{message}");
    assert!(error("set k [1\n").1.contains("never finished"));
    assert!(error("set k [1\n]x\n").1.contains("cannot go on with x"));
    assert!(error("append k [1\n,\n\n").1.contains("never finished"));
}

#[test]
fn an_error_costs_the_lines_up_to_the_one_its_word_begins_on() {
    let input = b"set 'a\nb' 'c\nd'e\nget x\n";
    let (at, _, lines) = error(input);
    assert_eq!((at, lines), (10, 2));
    assert_eq!(consumed(&steps(input)[0]), 13);
}

#[test]
fn bytes_that_are_not_text_and_nul_are_refused_everywhere() {
    assert_eq!(error(b"get a\xff").1, "not UTF-8 at byte 6 of the line; if the byte is meant, write it as \"\\xff\"");
    assert_eq!(error(b"get x '\n\xc3'").0, 6);
    assert!(error(b"get x '\n\n \xc3'").1.contains("byte 2 of the line 2 further down"));
    assert_eq!(error(b"get a\0").1, "NUL byte at byte 6 of the line; write it as \"\\0\"");
    for input in
        [&b"\0"[..], b"# \0", b"get '\0'", b"get {\"a\":\"\0\"}", b"# caf\xe9", b"\xef\xbb", b"get \xed\xa0\x80"]
    {
        let (at, message, lines) = error(input);
        assert!(message.contains("byte") && at < input.len() && lines == 1, "{message}");
    }
}

#[test]
fn a_message_shows_little_of_the_input_and_nothing_live() {
    let long = "x\x1b[2J".repeat(100);
    for input in [format!("get '{long}"), format!("get 'a'{long}"), format!("get [\n{long}"), format!("get [\"{long}é")]
    {
        for step in steps(input.as_bytes()) {
            if let Step::Error { error, .. } = step {
                assert!(!error.message.contains(is_unsafe), "{}", error.message);
                assert!(error.message.matches(['x', 'J']).count() <= 40, "{}", error.message);
                assert!(error.message.chars().count() < 200, "{}", error.message);
            }
        }
    }
}

#[test]
fn data_is_marked_in_arguments_and_nothing_else_is() {
    let args = |line: &str| words(line).iter().map(Word::to_arg).collect::<Vec<_>>();
    assert_eq!(
        args(r#"get k '--' "" [1] --x=1 --d="a b" "\0""#),
        ["get", "k", "\0--", "\0", "\0[1]", "--x=1", "--d=\0a b", "\0\0"]
    );
    for (arg, bytes) in [("\0--", "--"), ("k", "k"), ("\0\0", "\0"), ("", ""), ("\0", "")] {
        assert_eq!(&*unmark(OsStr::new(arg)), bytes.as_bytes());
    }
}

#[test]
fn a_bare_tilde_is_marked_in_a_line_and_in_no_argument_of_the_program() {
    let args = |line: &str| words(line).iter().map(Word::to_arg).collect::<Vec<_>>();
    assert_eq!(
        args(r#"save ~ ~/b '~/b' ~b ~~ a~/b --file=~/f --file=~ --file="~/f" --file ~/f "#),
        [
            "save",
            "~\0",
            "~\0/b",
            "\0~/b",
            "~b",
            "~~",
            "a~/b",
            "--file=~\0/f",
            "--file=~\0",
            "--file=\0~/f",
            "--file",
            "~\0/f"
        ]
    );
    for (arg, bytes, is_home) in [("~\0/b", "~/b", true), ("\0~/b", "~/b", false), ("--x=~\0/b", "--x=~/b", false)] {
        assert_eq!((&*unmark(OsStr::new(arg)), is_marked_home(OsStr::new(arg))), (bytes.as_bytes(), is_home));
    }
    let argument = Word { bytes: b"~/b"[..].into(), quoted: false, flag: 0, span: 0..0 };
    assert_eq!(argument.to_arg(), "~/b");
}

#[test]
fn a_value_of_many_lines_that_arrives_line_by_line_takes_linear_time() {
    for (head, line, tail) in [("set k 'a\n", "line 'x\n", "'\n"), ("set k [1\n", ",[\"a\", {}]\n", "]\n")] {
        let line = line.replace('\'', "");
        let input = format!("{head}{}{tail}", line.repeat(100_000));
        let begin = Instant::now();
        let mut splitter = splitter();
        let mut seen = 0;
        for newline in memchr_iter(b'\n', input.as_bytes()) {
            seen = newline + 1;
            match splitter.step(&input.as_bytes()[..seen], false) {
                Step::More(Open::Quote('\'') | Open::Json) => {}
                Step::Command { words, lines, .. } => {
                    assert_eq!((words.len(), lines), (3, 100_002));
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(seen, input.len());
        assert!(begin.elapsed() < Duration::from_secs(5), "took {:?}", begin.elapsed());
    }
}

#[test]
fn input_that_goes_wrong_again_and_again_is_not_read_again_and_again() {
    for line in ["a' 'b\n", "]] , [[1\n", "[\n", "], [1,\n", "\" [\"x\n", "[[1 ], [\"a\" , "] {
        let input = line.repeat(30_000);
        let begin = Instant::now();
        steps(input.as_bytes());
        assert!(begin.elapsed() < Duration::from_secs(5), "{line:?} took {:?}", begin.elapsed());
    }
}

/// Input made of the pieces that matter, so that quotes close and JSON goes wrong late.
fn input() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: &[&[u8]] = &[
        b"'",
        b"\"",
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b",",
        b" ",
        b" ",
        b"\t",
        b"\n",
        b"\n",
        b"\r",
        b"\r\n",
        b"#",
        b"--f=",
        b"--",
        b"-",
        b"=",
        b"a",
        b"1",
        b"0",
        b"e",
        b".",
        b"\"a\"",
        b"true",
        b"null",
        b"\\x",
        b"\\u{",
        b"4",
        b"\\n",
        "é".as_bytes(),
        b"\xc3",
        b"\xff",
        b"\0",
        b"\x0b",
        b"\xef\xbb\xbf",
        b"set k ",
    ];
    let piece = prop_oneof![
        40 => proptest::sample::select(PIECES).prop_map(<[u8]>::to_vec),
        1 => vec(any::<u8>(), 1..3),
    ];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![input(), any::<Vec<u8>>(), any::<String>().prop_map(String::into_bytes)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn quoted_bytes_split_back_and_are_harmless(bytes in any_bytes()) {
        let quoted = quote(&bytes);
        prop_assert!(!quoted.contains(is_unsafe), "{quoted}");
        let found = words(&quoted);
        prop_assert_eq!(found.len(), 1);
        prop_assert_eq!(&*found[0].bytes, bytes.as_slice());
        prop_assert!(found[0].quoted || !bytes.starts_with(b"-"));
        let arg = found[0].to_arg();
        prop_assert_eq!(&*unmark(&arg), bytes.as_slice());
    }

    #[test]
    fn quoted_words_joined_by_blanks_split_back(
        all in vec(any_bytes(), 1..6),
        blank in proptest::sample::select(&[" ", " \t", "\x0b", " [1] "]),
    ) {
        let quoted: Vec<_> = all.iter().map(|bytes| quote(bytes)).collect();
        let line = quoted.join(blank) + "\n";
        let mut found = words(&line);
        found.retain(|word| &line[word.span.clone()] != "[1]");
        prop_assert_eq!(found.len(), all.len());
        for (word, bytes) in found.iter().zip(&all) {
            prop_assert_eq!(&*word.bytes, bytes.as_slice());
        }
    }

    #[test]
    fn every_step_goes_on_within_the_input(input in any_bytes()) {
        let mut rest = input.as_slice();
        let mut splitter = splitter();
        while !rest.is_empty() {
            let step = splitter.step(rest, true);
            let taken = consumed(&step);
            prop_assert!(0 < taken && taken <= rest.len());
            prop_assert!(taken == rest.len() || rest[taken - 1] == b'\n');
            let newlines = count_newlines(&rest[..taken]);
            match &step {
                Step::Command { words, lines, .. } => {
                    prop_assert_eq!(*lines, newlines.max(count_lines(&rest[..taken])));
                    for pair in words.windows(2) {
                        prop_assert!(pair[0].span.end < pair[1].span.start);
                    }
                    for Word { span, .. } in words {
                        prop_assert!(!span.is_empty() && span.end <= taken);
                    }
                }
                Step::Error { error, lines, .. } => {
                    prop_assert!(error.at < taken);
                    prop_assert_eq!(*lines, count_newlines(&rest[..error.at]) + 1);
                    prop_assert!(!error.message.contains(is_unsafe), "{}", error.message);
                }
                Step::More(_) => unreachable!("`consumed` has refused it"),
            }
            rest = &rest[taken..];
        }
        let nothing = Step::Command { words: Vec::new(), consumed: 0, lines: 0 };
        prop_assert_eq!(splitter.step(b"", true), nothing);
    }

    #[test]
    fn any_chunking_gives_the_same_steps(input in any_bytes(), sizes in vec(1usize..12, 1..8)) {
        let mut splitter = splitter();
        let mut found = Vec::new();
        let (mut from, mut to) = (0, 0);
        let mut sizes = sizes.iter().cycle();
        while from < input.len() {
            match splitter.step(&input[from..to], to == input.len()) {
                Step::More(_) => to = input.len().min(to + sizes.next().unwrap()),
                step => {
                    from += consumed(&step);
                    found.push(step);
                }
            }
        }
        prop_assert_eq!(found, steps(&input));
    }
}

fn typed(input: &str) -> Vec<String> {
    let may_pipe = |name: &[u8]| name == b"get";
    match Splitter::at_prompt(may_go_on, may_pipe).step(input.as_bytes(), true) {
        Step::Command { words, .. } => {
            words.iter().map(|word| String::from_utf8_lossy(&word.bytes).into_owned()).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn at_the_prompt_a_pipe_behind_a_command_that_reads_takes_the_rest_of_the_line_as_it_is() {
    assert_eq!(typed("get cfg | jq '.x|.y'  \n"), ["get", "cfg", "|", "jq '.x|.y'"]);
    assert_eq!(typed("get a b |sort"), ["get", "a", "b", "|sort"], "a word of its own");
    assert_eq!(typed("get a | sed \"s/\\d/it's/\" | {"), ["get", "a", "|", "sed \"s/\\d/it's/\" | {"]);
    assert_eq!(typed("get a |"), ["get", "a", "|"]);
    assert_eq!(typed("get a |\r\n"), ["get", "a", "|"]);
    assert_eq!(typed("get '|' b"), ["get", "|", "b"], "a quoted one is data");
    assert_eq!(typed("set a | b"), ["set", "a", "|", "b"]);
    assert_eq!(typed("| get a"), ["|", "get", "a"]);
}

#[test]
fn a_pipe_in_a_script_is_a_word_like_any_other() {
    let step = splitter().step(b"get cfg | jq '.x'", true);
    let Step::Command { words, .. } = step else { panic!("{step:?}") };
    assert_eq!(words.len(), 5);
}

#[test]
fn the_program_behind_a_pipe_ends_with_its_line() {
    let mut splitter = Splitter::at_prompt(may_go_on, |_| true);
    let input = b"get a | wc -c\nget b";
    assert!(matches!(splitter.step(&input[..9], false), Step::More(Open::Line)));
    let step = splitter.step(input, false);
    let Step::Command { words, consumed, lines } = step else { panic!("{step:?}") };
    assert_eq!((words.len(), consumed, lines), (4, 14, 1));
    assert_eq!(words[3].span, 8..13);
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
