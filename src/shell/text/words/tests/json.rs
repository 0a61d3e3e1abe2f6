//! JSON as a word.

use super::*;

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
fn json_goes_on_on_the_next_line_only_after_the_words_that_may_be_followed_by_it() {
    assert_eq!(splitter().step(b"set k {\n", false), Step::More(Unfinished::Json));
    assert_eq!(splitter().step(b"list [\n", true), Splitter::new(|_| false).step(b"list [\n", true));
    assert_eq!(split("list [\n"), ["list", "["]);
    assert_eq!(split("list [1, 2]\n"), ["list", "«[1, 2]»"]);
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
