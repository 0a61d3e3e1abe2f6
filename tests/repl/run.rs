//! `run` at the prompt: a program gets the terminal and gives it back.

use crate::terminal::{CTRL_C, Home};

#[test]
fn a_program_gets_the_keys_and_the_terminal_and_the_prompt_comes_back() {
    let home = Home::new();
    let mut terminal = home.at_prompt();
    terminal.enter("set app:WHO 'Ada L.'");
    terminal.enter("run app: -- sh -c 'test -t 0 && test -t 1 && echo \"it is $WHO\"'");
    terminal.shows("\nit is Ada L.\nkv>");
    terminal.enter("run app: -- sh -c 'exit 3'");
    terminal.shows("'sh' ended with status 3\nkv>");
    terminal.enter("run app: -- no-such-program");
    terminal.shows("cannot run 'no-such-program': program not found");
    terminal.press("run app: -- sh -c 'stty -echo; echo waits; exec sleep 100'\r");
    terminal.shows("\nwaits");
    terminal.press(CTRL_C);
    terminal.shows("was ended by signal 2");
    // Ctrl-C went to the program, and the terminal modes it set are undone.
    terminal.enter("get app:WHO");
    terminal.shows("\nAda L.\nkv>");
    assert_eq!(terminal.leave(), 0);
}
