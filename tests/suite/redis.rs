//! The program on a redis-server of the test's own.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use crate::common::redis_server::RedisServer;
use crate::common::{folder, put};

/// The program, with a home of its own.
fn program(home: &std::path::Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rusty-kv"));
    command.env_clear().env("HOME", home).env("PATH", std::env::var_os("PATH").unwrap_or_default()).current_dir(home);
    command
}

/// Runs commands on a database as a script that is named `golden`.
fn run(url: &str, options: &[&str], script: &str) -> Output {
    let home = folder();
    put(&home.path().join("golden"), script);
    program(home.path()).args(["-d", url, "-f", "golden"]).args(options).output().expect("the program is there")
}

/// Its stdout, its stderr and its status, in which the server is called `redis:`.
fn said(url: &str, output: &Output) -> (String, String, i32) {
    let url = url.strip_suffix("/0").unwrap_or(url);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(url, "redis:").replace("redis::", "redis:");
    (text(&output.stdout), text(&output.stderr), output.status.code().unwrap_or(-1))
}

#[track_caller]
fn assert_says(server: &RedisServer, script: &str, stdout: &str, stderr: &str, status: i32) {
    let url = server.url(0);
    let output = run(&url, &[], script);
    assert_eq!(said(&url, &output), (stdout.to_owned(), stderr.to_owned(), status), "{script}");
}

#[test]
fn the_scripts_of_every_store_say_the_same_here_or_what_a_server_has_not() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let mut wrong = String::new();
    for name in ["changes", "listings", "expiries", "files", "transactions"] {
        let path = format!("{}/tests/stores/{name}.txt", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        let part = |name: &str| {
            let own = format!("{name} redis");
            let parts = text.split("== ").filter_map(|part| part.split_once('\n'));
            let found = parts.filter(|(head, _)| *head == name || *head == own).max_by_key(|(head, _)| head.len());
            found.map(|(_, body)| body.to_owned()).unwrap_or_default()
        };
        let expected = (part("stdout"), part("stderr"), part("status").trim().parse().unwrap_or(0));
        server.cli(&["FLUSHALL"]);
        let came = said(&server.url(0), &run(&server.url(0), &[], &part("script")));
        if came != expected {
            let (stdout, stderr, status) = came;
            wrong += &format!("{name} came to\n== stdout\n{stdout}== stderr\n{stderr}== status\n{status}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn what_other_programs_have_made_is_told_and_never_overwritten() {
    let Some(server) = RedisServer::start(&[]) else { return };
    server.cli(&["HSET", "h", "field", "value"]);
    server.cli(&["RPUSH", "l", "1"]);
    let script = "get h\nset a 1\nset h 1\nset h 1 --if-absent\nincr h\nappend h x\nrename h z\nset b 2\nkeys\ncount\ndel h\ncount\nexists l\n";
    let h = |line: u8| {
        format!(
            "golden:{line}: error: redis: 'h' is a hash made by another program; only strings can be read and set (`del` deletes it)\n"
        )
    };
    let errors: String = [1, 3, 4, 5, 6, 7].map(h).concat();
    assert_says(&server, script, "a\nb\n4\n3\n1\n", &errors, 2);
}

#[test]
fn every_kind_of_value_comes_back_and_other_programs_see_text_and_json_as_they_are() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let script = "set t hello\nset --json j '{\"a\": [1,2]}'\nset like '[1]'\nset --json n 12\nset --base64 b /wD+\nget t j like n\ninfo like -o json\ninfo n -o json\nget b -o json\n";
    let output = run(&server.url(0), &[], script);
    let (stdout, stderr, status) = said(&server.url(0), &output);
    assert_eq!((stderr.as_str(), status), ("", 0));
    assert!(stdout.starts_with("t\thello\nj\t{\"a\":[1,2]}\nlike\t[1]\nn\t12\n"), "{stdout}");
    assert!(
        stdout.contains("\"key\":\"like\",\"type\":\"text\"") && stdout.contains("\"key\":\"n\",\"type\":\"json\""),
        "{stdout}"
    );
    assert!(stdout.contains("/wD+"), "{stdout}");
    assert_eq!(server.cli(&["GET", "j"]), "{\"a\":[1,2]}\n");
    assert_eq!(server.cli(&["GET", "t"]), "hello\n");
}

#[test]
fn keys_that_are_no_text_are_left_out_with_a_note() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let mut cli = Command::new("redis-cli")
        .args(["-p", &server.port.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    cli.stdin.take().unwrap().write_all(b"SET \"k\\xff\" 1\nSET ok 1\n").unwrap();
    cli.wait().unwrap();
    assert_says(&server, "keys\ncount\n", "ok\n2\n", "1 key is not UTF-8 and left out: 'k\\xff'\n", 0);
}

#[test]
fn each_failure_of_a_server_has_its_words_and_its_status() {
    let Some(mut server) = RedisServer::start(&["--requirepass", "s3cret:@/"]) else { return };
    let home = folder();
    let url = server.url(0);
    let own = url.clone();
    let get = |url: &str, password: &str| {
        let output =
            program(home.path()).args(["-d", url, "get", "a"]).env("RUSTY_KV_PASSWORD", password).output().unwrap();
        let (_, stderr, status) = said(&own, &output);
        (stderr, status)
    };
    assert_eq!(get(&url, "s3cret:@/"), ("Key 'a' not found\n".to_owned(), 1));
    let needed = "error: redis: the server needs a password; set RUSTY_KV_PASSWORD or use --password-file\n";
    assert_eq!(get(&url, ""), (needed.to_owned(), 3));
    let refused = "error: redis: the server refused the user name or the password\n";
    assert_eq!(get(&url, "wrong"), (refused.to_owned(), 3));
    let shown = url.replace("//", "//:s3cret%3A%40%2F@");
    let (stderr, status) = get(&shown, "");
    assert!(
        status == 1 && !stderr.contains("s3cret") && stderr.contains("warning: others can see the password"),
        "{stderr}"
    );
    server.kill();
    let (stderr, status) = get(&url, "");
    assert_eq!((stderr.as_str(), status), ("error: redis: connection refused; is the server running there?\n", 4));
}
