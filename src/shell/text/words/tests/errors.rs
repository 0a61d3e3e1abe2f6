//! What is wrong with some input, and that to find out takes no long time.

use super::*;
use crate::shell::text::escape::is_unsafe;
use memchr::memchr_iter;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// What this thread has used of the processor since `begin`, whatever else that does.
fn used_since(begin: Duration) -> Duration {
    let now = Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap();
    now.checked_sub(begin).unwrap()
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
fn a_value_of_many_lines_that_arrives_line_by_line_takes_linear_time() {
    for (head, line, tail) in [("set k 'a\n", "line 'x\n", "'\n"), ("set k [1\n", ",[\"a\", {}]\n", "]\n")] {
        let line = line.replace('\'', "");
        let input = format!("{head}{}{tail}", line.repeat(100_000));
        let begin = used_since(Duration::ZERO);
        let mut splitter = splitter();
        let mut seen = 0;
        for newline in memchr_iter(b'\n', input.as_bytes()) {
            seen = newline + 1;
            match splitter.step(&input.as_bytes()[..seen], false) {
                Step::More(Unfinished::Quote('\'') | Unfinished::Json) => {}
                Step::Command { words, lines, .. } => {
                    assert_eq!((words.len(), lines), (3, 100_002));
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(seen, input.len());
        let took = used_since(begin);
        assert!(took < Duration::from_secs(5), "took {took:?}");
    }
}

#[test]
fn input_that_goes_wrong_again_and_again_is_not_read_again_and_again() {
    for line in ["a' 'b\n", "]] , [[1\n", "[\n", "], [1,\n", "\" [\"x\n", "[[1 ], [\"a\" , "] {
        let input = line.repeat(30_000);
        let begin = used_since(Duration::ZERO);
        steps(input.as_bytes());
        let took = used_since(begin);
        assert!(took < Duration::from_secs(5), "{line:?} took {took:?}");
    }
}
