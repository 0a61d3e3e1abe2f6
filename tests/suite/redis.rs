//! The program on a redis-server of the test's own.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};

use crate::common::redis_server::{RedisCluster, RedisServer};
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

/// What the scripts of every store come to here, where that is something else than they say.
fn wrong_scripts(store: &str, url: &str, clear: &dyn Fn()) -> String {
    let mut wrong = String::new();
    for name in ["changes", "listings", "expiries", "files", "transactions"] {
        let path = format!("{}/tests/stores/{name}.txt", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).expect("the script is there");
        let part = |name: &str| {
            let own = format!("{name} {store}");
            let parts = text.split("== ").filter_map(|part| part.split_once('\n'));
            let found = parts.filter(|(head, _)| *head == name || *head == own).max_by_key(|(head, _)| head.len());
            found.map(|(_, body)| body.to_owned()).unwrap_or_default()
        };
        let expected = (part("stdout"), part("stderr"), part("status").trim().parse().unwrap_or(0));
        clear();
        let came = said(url, &run(url, &[], &part("script")));
        if came != expected {
            let (stdout, stderr, status) = came;
            let _ = write!(wrong, "{name} came to\n== stdout\n{stdout}== stderr\n{stderr}== status\n{status}\n");
        }
    }
    wrong
}

#[test]
fn the_scripts_of_every_store_say_the_same_here_or_what_a_server_has_not() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let wrong = wrong_scripts("redis", &server.url(0), &|| drop(server.cli(&["FLUSHALL"])));
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn the_same_scripts_run_on_a_cluster() {
    let Some(cluster) = RedisCluster::start() else { return };
    let wrong = wrong_scripts("cluster", &cluster.url(), &|| cluster.clear());
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn nothing_is_lost_or_counted_twice_while_slots_move() {
    const SETS: usize = 30_000;
    let Some(cluster) = RedisCluster::start() else { return };
    let url = cluster.url();
    let mut script = String::new();
    for number in 0..SETS {
        let _ = writeln!(script, "set key:{number} {number}\nset last {number}");
        if number % 10 == 0 {
            script.push_str("incr count\n");
        }
    }
    std::thread::scope(|scope| {
        let program = scope.spawn(|| said(&url, &run(&url, &[], &script)));
        while !program.is_finished() {
            // The slot of `last` and `count` is among them in the end.
            cluster.move_slots(0, 1, 60);
            cluster.move_slots(1, 2, 60);
            cluster.move_slots(2, 0, 60);
        }
        let (stdout, stderr, status) = program.join().expect("it runs");
        assert_eq!((stderr.as_str(), status), ("", 0));
        assert_eq!(stdout.lines().last(), Some((SETS / 10).to_string().as_str()));
    });
    let (stdout, stderr, _) = said(&url, &run(&url, &[], "count\nget last\nkeys key:*\n"));
    assert_eq!(stderr, "");
    let mut lines = stdout.lines();
    assert_eq!(lines.next(), Some((SETS + 2).to_string().as_str()));
    assert_eq!(lines.next(), Some((SETS - 1).to_string().as_str()));
    assert_eq!(lines.count(), SETS);
}

#[test]
fn a_transaction_is_made_if_what_it_has_read_is_still_there() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let script = "set a 1\nbegin\nget a\nset b 2\nkeys\n";
    let home = folder();
    let mut program = program(home.path())
        .args(["-d", &server.url(0)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program is there");
    let mut stdin = program.stdin.take().expect("it is piped");
    let mut stdout = BufReader::new(program.stdout.take().expect("it is piped"));
    stdin.write_all(script.as_bytes()).expect("it reads");
    let mut line = String::new();
    stdout.read_line(&mut line).expect("it answers");
    assert_eq!((line.as_str(), server.cli(&["EXISTS", "b"]).as_str()), ("1\n", "0\n"));
    server.cli(&["SET", "a", "other"]);
    stdin.write_all(b"commit\nbegin\nset b 3 --ttl 1h\nincr n\ncommit\nget b n\n").expect("it reads");
    drop(stdin);
    let output = program.wait_with_output().expect("it ends");
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).expect("it answers");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(rest, "1\nb\t3\nn\t1\n");
    assert!(stderr.contains("cannot list or count keys in a transaction"), "{stderr}");
    assert!(stderr.contains("conflict: key \"a\" was changed by another process"), "{stderr}");
    assert_eq!(output.status.code(), Some(5));
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
fn a_line_sees_what_the_lines_before_it_have_changed() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let script = "set a 1\nget a b\nset b 2 --ttl 1h\nget a b\nincr a\nget a\ndel --glob b*\nget b --default gone\nappend a x\nget a\nrename a c\nget a c\n";
    let stdout = "a\t1\na\t1\nb\t2\n2\n2\ngone\n2x\nc\t2x\n";
    let stderr = "golden:2: Key 'b' not found\ngolden:12: Key 'a' not found\n";
    assert_says(&server, script, stdout, stderr, 1);
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

/// Passes bytes to a server and back, and cuts the connection after this many bytes of its answers.
fn cut_after(server: u16, bytes: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    std::thread::spawn(move || {
        // The first connection is cut; the others work.
        let mut left = Some(bytes);
        for client in listener.incoming().flatten() {
            let Ok(upstream) = TcpStream::connect(("127.0.0.1", server)) else { return };
            let (mut from, mut to) =
                (client.try_clone().expect("it is open"), upstream.try_clone().expect("it is open"));
            std::thread::spawn(move || std::io::copy(&mut from, &mut to));
            let limit = left.take().map_or(u64::MAX, |left| left as u64);
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut (&upstream).take(limit), &mut &client);
                let _ = client.shutdown(Shutdown::Both);
                let _ = upstream.shutdown(Shutdown::Both);
            });
        }
    });
    port
}

#[test]
fn a_connection_that_is_cut_anywhere_loses_nothing_and_adds_nothing_twice() {
    let Some(server) = RedisServer::start(&[]) else { return };
    // Where the greeting ends depends on the server: cuts are sampled from before it to the last answer.
    for bytes in (150..420).step_by(7) {
        server.cli(&["FLUSHALL"]);
        let url = format!("redis://127.0.0.1:{}", cut_after(server.port, bytes));
        let script = "set a 1\nset b 2\nget a b\nset c 3\nincr n\nget c\n";
        let (stdout, stderr, status) = said(&url, &run(&url, &[], script));
        let count = server.cli(&["GET", "n"]);
        if stderr.is_empty() {
            assert_eq!((stdout.as_str(), status, count.as_str()), ("a\t1\nb\t2\n1\n3\n", 0, "1\n"), "{bytes}");
            continue;
        }
        let is_unknown = stderr.contains("golden:5:") && stderr.contains("may or may not have been stored");
        let is_at_open = stdout.is_empty() && stderr.contains("the connection was lost");
        assert!((is_unknown || is_at_open) && status == 4, "{bytes}: {stdout}{stderr}{status}");
        if is_unknown {
            assert_eq!((stdout.as_str(), server.cli(&["DBSIZE"]).as_str()), ("a\t1\nb\t2\n3\n", "4\n"), "{bytes}");
        }
    }
}

#[test]
fn entries_go_to_a_server_and_come_back_with_their_expiries() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let url = server.url(0);
    let script = format!(
        "set a 1\nset --json j [1,2]\nset --base64 b /wD+\nset e soon --expires-at 2999-01-01T00:00:00Z\ncopy-to {url}\nuse {url}\nset a here\nuse ./back.json\nimport {url}\nimport {url} --on-conflict fail\ncopy-to {url} a* --on-conflict skip\ndump\nuse {url}\ndbs\n"
    );
    let home = folder();
    put(&home.path().join("golden"), &script);
    let output = program(home.path()).args(["-d", "./from.json", "-f", "golden"]).output().expect("it is there");
    let (stdout, stderr, status) = said(&url, &output);
    let dump =
        "set a here\nset --base64 b /wD+\nset --expires-at 2999-01-01T00:00:00.000Z e soon\nset --json j '[1,2]'\n";
    assert!(stdout.ends_with(&format!("{dump}0\t4\tyes\n")), "{stdout}");
    assert_eq!((stderr.as_str(), status), ("golden:10: Key 'a' already exists; nothing was imported\n", 1));
}

#[test]
fn the_way_to_a_cluster_in_the_readme_can_be_gone() {
    let Some(cluster) = RedisCluster::start() else { return };
    let readme = include_str!("../../README.md");
    let section = readme.split_once("## When one machine is not enough").expect("it has the section").1;
    let commands = section.split("```").nth(1).and_then(|block| block.strip_prefix("sh\n")).expect("it has commands");
    let commands = commands.replace("redis+cluster://localhost:7000,localhost:7001", &cluster.url());
    let home = folder();
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_rusty-kv"));
    let path = format!("{}:/usr/bin:/bin", binary.parent().expect("it is in a folder").display());
    let output = Command::new("sh")
        .args(["-ec", &commands])
        .env_clear()
        .env("HOME", home.path())
        .env("PATH", path)
        .current_dir(home.path())
        .output()
        .expect("there is a shell");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!((text(&output.stdout).as_str(), text(&output.stderr).as_str()), ("user:1\tAda\nuser:2\tGrace\n", ""));
}
