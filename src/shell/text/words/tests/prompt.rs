//! Pipes, which only the prompt has.

use super::*;

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
    assert!(matches!(splitter.step(&input[..9], false), Step::More(Unfinished::Line)));
    let step = splitter.step(input, false);
    let Step::Command { words, consumed, lines } = step else { panic!("{step:?}") };
    assert_eq!((words.len(), consumed, lines), (4, 14, 1));
    assert_eq!(words[3].span, 8..13);
}
