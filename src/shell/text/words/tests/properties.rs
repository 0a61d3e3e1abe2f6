//! Properties that hold for every input.

use super::*;
use crate::shell::text::escape::is_unsafe;
use crate::shell::text::words::splitter::{count_lines, count_newlines};
use proptest::collection::vec;
use proptest::prelude::*;

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
