//! How words are marked for a parser of arguments.

use super::*;
use std::ffi::OsStr;

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
