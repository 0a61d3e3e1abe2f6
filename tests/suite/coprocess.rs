//! rusty-kv as a co-process: it answers each command with one line of JSON before the next command.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

/// Commands of every kind, including some that fail.
const COMMANDS: &str = r#"set a 1
set --json j {"a": [1, 2]}
set a 2 --if-absent
set a 2 --print-old
set a 3 --if-equals nope
set t "two
lines"
get a
get nothing
get a nothing
get j --pointer /a/0
get j --pointer /b
set b \xff
set b "\xff\x00"
get b
get b -o json
exists a nothing
append t x
incr n
decr n 2.5
incr t
rename a z
rename nothing z
copy z a
getdel z
getdel nothing
del a nothing
del nothing
del --prefix t
keys
keys nothing*
keys '['
keys -0
list
list --values --limit 1
list --reverse -0
find x
find (
count
count n*
info n
info nothing
stats
expire n 1h
ttl n
ttl nothing
persist n
begin
set in 1
begin
commit
commit
begin
rollback
rollback
undo
wait n
wait nothing --timeout 5ms
save
save copy.json
save /
check
check nothing.json
repair
use other
use ../../x y
dbs
path
drop nothing
drop copy.json
clear
source nothing.kv
output json
timer off
pager on
hints off
edit-mode vi
edit n
history
completions bash
completions tcsh
man
help
help set
help nothing
set --help
run x -- true
run x true
nonsense
set k
set k v --ttl 0
set k v --nonsense
set "open"x
get 'a' b 'c'd
"get" n
GET n
exit x
exit"#;

#[test]
fn every_command_is_answered_by_one_line_of_json_before_the_next_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_rusty-kv"))
        .args(["-o", "json"])
        .env_clear()
        .env("HOME", folder.path())
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let (sender, answers) = mpsc::channel();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    std::thread::spawn(move || stdout.lines().try_for_each(|line| sender.send(line.unwrap())));
    let mut commands: Vec<String> = Vec::new();
    for line in COMMANDS.lines() {
        match commands.last_mut().filter(|last| last.matches('"').count() % 2 == 1) {
            Some(last) => *last = format!("{last}\n{line}"),
            None => commands.push(line.to_owned()),
        }
    }
    assert!(commands.len() > 90);
    for command in &commands {
        // Neither is a command.
        writeln!(stdin, "# a comment\n\n{command}").unwrap();
        let answer = answers.recv_timeout(Duration::from_secs(10));
        let answer = answer.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        assert!(serde_json::from_str::<Value>(&answer).is_ok(), "{command:?}: {answer}");
        assert!(answers.recv_timeout(Duration::from_millis(2)).is_err(), "{command:?} has a second line");
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(4));
}
