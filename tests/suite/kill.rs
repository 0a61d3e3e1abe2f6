//! SIGKILL at any moment: what was acknowledged is there, any other change is there completely or not at all, and the
//! file opens.
//!
//! `RUSTY_KV_SEED=N` repeats the rounds of that seed (the time of each kill also depends on the machine);
//! `RUSTY_KV_LONG=1` runs 1,500 rounds instead of 300.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rusty_kv::{Database, Value};
use serde::de::IgnoredAny;

use crate::common::random::Random;

/// The content of the database: keys and texts.
type State = BTreeMap<String, String>;

/// A line for the program, and its effect on success.
#[derive(Clone, Debug)]
struct Line {
    text: String,
    effect: Effect,
}

#[derive(Clone, Debug)]
enum Effect {
    Nothing,
    Set(Vec<(String, String)>),
    Increment,
    Delete(Vec<String>),
    Rename(String, String),
}

impl Effect {
    fn apply(&self, state: &mut State) {
        match self {
            Self::Nothing => {}
            Self::Set(entries) => state.extend(entries.iter().cloned()),
            Self::Increment => {
                let n = state.get(COUNTER).map_or(0, |n| n.parse::<u64>().unwrap());
                state.insert(COUNTER.to_owned(), (n + 1).to_string());
            }
            Self::Delete(keys) => keys.iter().for_each(|key| drop(state.remove(key))),
            Self::Rename(old, new) => {
                if let Some(value) = state.remove(old) {
                    state.insert(new.clone(), value);
                }
            }
        }
    }
}

const COUNTER: &str = "counter";

/// An endless sequence of lines for one process. Each value names the line that wrote it.
struct Script {
    random: Random,
    round: u64,
    lines: u64,
    /// The maximum padding of a value.
    pad: u64,
    /// The rest of an open transaction, in reverse.
    planned: Vec<Line>,
}

impl Script {
    fn next(&mut self) -> Line {
        if let Some(line) = self.planned.pop() {
            return line;
        }
        self.lines += 1;
        let [key, other, third] = [(); 3].map(|()| format!("key:{:02}", self.random.below(40)));
        let (text, effect) = match self.random.below(40) {
            0..16 => {
                // Some are longer than a page of memory, so that a write can end inside them.
                let pad = if self.random.below(8) == 0 { self.random.below(self.pad) } else { self.random.below(60) };
                let value = format!("{}:{}{}", self.round, self.lines, "x".repeat(usize::try_from(pad).unwrap()));
                (format!("set {key} {value}"), Effect::Set(vec![(key, value)]))
            }
            16 | 17 => {
                let value = format!("{}:{}", self.round, self.lines);
                let sets = [&key, &other, &third].map(|key| format!("set {key} {value}"));
                let all = Effect::Set([key, other, third].map(|key| (key, value.clone())).to_vec());
                self.planned.push(Line { text: "commit".to_owned(), effect: all });
                self.planned.extend(sets.map(|text| Line { text, effect: Effect::Nothing }));
                ("begin".to_owned(), Effect::Nothing)
            }
            18..25 => (format!("incr {COUNTER}"), Effect::Increment),
            25..29 => (format!("del {key} {other} {third}"), Effect::Delete(vec![key, other, third])),
            // Two keys change, both or neither.
            29..37 => (format!("rename {key} {other} --replace"), Effect::Rename(key, other)),
            37 => ("save".to_owned(), Effect::Nothing),
            _ => (format!("get {key}"), Effect::Nothing),
        };
        Line { text, effect }
    }
}

/// The lines that a killed process was sent, and its answers.
struct Talk {
    sent: Vec<Line>,
    answers: Vec<String>,
}

/// Runs the program until it is killed. Sends at most `window` lines ahead of their answers.
fn talk_until_killed(path: &Path, mut script: Script, window: usize, life: Duration) -> Talk {
    let mut child = Command::new(env!("CARGO_BIN_EXE_rusty-kv"))
        .args(["-o", "json"])
        .env_clear()
        .env("HOME", path.parent().unwrap())
        .env("RUSTY_KV_DB", path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let (answered, answers): (_, Receiver<()>) = channel();
    std::thread::scope(|scope| {
        let sender = scope.spawn(move || {
            let mut sent = Vec::new();
            for ahead in 0.. {
                if ahead >= window && answers.recv().is_err() {
                    break;
                }
                sent.push(script.next());
                if writeln!(stdin, "{}", sent[ahead].text).is_err() {
                    break;
                }
            }
            sent
        });
        let listener = scope.spawn(move || {
            let mut answers = Vec::new();
            loop {
                let mut answer = String::new();
                stdout.read_line(&mut answer).unwrap();
                if !answer.ends_with('\n') {
                    // A partial line is not an answer.
                    break answers;
                }
                answers.push(answer);
                // The sender may have stopped with its pipe.
                let _ = answered.send(());
            }
        });
        let killed = Instant::now() + life;
        assert_is_json(path);
        std::thread::sleep(killed.saturating_duration_since(Instant::now()));
        child.kill().unwrap();
        let status = child.wait().unwrap();
        assert_eq!(status.signal(), Some(9), "it ended before it was killed: {status}");
        Talk { sent: sender.join().unwrap(), answers: listener.join().unwrap() }
    })
}

/// Anyone who reads the file at any moment reads a valid document.
fn assert_is_json(path: &Path) {
    match std::fs::read(path) {
        Ok(bytes) => drop(serde_json::from_slice::<IgnoredAny>(&bytes).unwrap()),
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound),
    }
}

/// The entries that the scripts write, and the number of other entries.
fn read(path: &Path) -> (State, usize) {
    let mut state = State::new();
    let mut others = 0;
    if !path.exists() {
        return (state, others);
    }
    for entry in &Database::open_read_only(path).unwrap() {
        let (key, entry) = entry.unwrap();
        if key.starts_with(FILL) {
            others += 1;
            continue;
        }
        let text = match entry.value {
            Value::Text(text) => text,
            other => other.to_string(),
        };
        state.insert(key, text);
    }
    (state, others)
}

const FILL: &str = "fill:";

fn seed() -> u64 {
    match std::env::var("RUSTY_KV_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => RandomState::new().build_hasher().finish() >> 16,
    }
}

/// Totals over all rounds.
#[derive(Debug, Default)]
struct Tally {
    answered: usize,
    /// Rounds in which a line was sent, but not answered.
    open: usize,
    /// Those of them in which some of it took effect.
    happened: usize,
    /// Rounds that ended with a journal.
    journals: usize,
    /// Rounds that ended during a save.
    saves: usize,
}

/// Runs rounds on one file that starts with `fill` other entries, and whose values are at most `pad` bytes long.
fn rounds(seed: u64, count: u64, fill: usize, pad: u64) -> Tally {
    let folder = crate::common::folder();
    let path = folder.path().join("db.json");
    let mut state = State::new();
    if fill > 0 {
        let mut db = Database::open(&path).unwrap();
        let filled = db.transaction(|tx| (0..fill).try_for_each(|n| tx.set(&format!("{FILL}{n:05}"), "x".repeat(60))));
        filled.unwrap();
    }
    let mut tally = Tally::default();
    for round in 0..count {
        let mut random = Random((seed ^ (round + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)) | 1);
        let window = [1, 1, 4, 1_000][random.index(4)];
        let life = Duration::from_micros(1_000 + random.below(25_000));
        let script = Script { random, round, lines: 0, pad, planned: Vec::new() };
        let talk = talk_until_killed(&path, script, window, life);
        let case = format!("RUSTY_KV_SEED={seed}, round {round}, {fill} others, {pad} bytes, window {window}");

        for (line, answer) in talk.sent.iter().zip(&talk.answers) {
            line.effect.apply(&mut state);
            let answer: serde_json::Value = serde_json::from_str(answer).unwrap();
            match &line.effect {
                Effect::Increment => assert_eq!(answer["value"].to_string(), state[COUNTER], "{case}: {answer}"),
                Effect::Set(..) => assert_eq!(answer["ok"], true, "{case}: {}: {answer}", line.text),
                // The key may not exist.
                _ => {}
            }
        }
        assert_is_json(&path);
        let names = names(folder.path());
        let strays = names.iter().filter(|name| name.contains(".tmp-")).count();
        tally.journals += usize::from(names.iter().any(|name| name == "db.json.journal"));
        assert!(strays <= 1, "{case}: {names:?}");
        tally.saves += strays;
        let (found, others) = read(&path);
        assert_eq!(others, fill, "{case}");
        // All answered lines, and any number of the others, in order.
        let open = &talk.sent[talk.answers.len()..];
        let steps = open.iter().scan(state.clone(), |state, line| {
            line.effect.apply(state);
            Some(state.clone())
        });
        let step = std::iter::once(state.clone()).chain(steps).position(|step| step == found);
        let Some(step) = step else {
            let wrong: Vec<_> =
                state.keys().chain(found.keys()).filter(|key| state.get(*key) != found.get(*key)).collect();
            panic!(
                "{case}: it holds what it never held, see {wrong:?}; {} were answered, then {open:.200?}",
                talk.answers.len()
            );
        };
        tally.answered += talk.answers.len();
        tally.open += usize::from(!open.is_empty());
        tally.happened += usize::from(step > 0);
        state = found;
    }
    let mut db = Database::open(&path).unwrap();
    db.save().unwrap();
    drop(db);
    assert_eq!(read(&path), (state, fill));
    assert_is_json(&path);
    let left = names(folder.path());
    assert!(!left.iter().any(|name| name.contains(".tmp-")), "a save removes strays: {left:?}");
    tally
}

fn names(folder: &Path) -> Vec<String> {
    folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn answered_changes_survive_any_kill_and_others_are_complete_or_absent() {
    let seed = seed();
    let long = std::env::var_os("RUSTY_KV_LONG").is_some_and(|long| long == "1");
    let count = if long { 500 } else { 100 };
    println!("RUSTY_KV_SEED={seed}, {count} rounds on each of three files");
    let (mut touched, started) = (0, Instant::now());
    // Every commit is a save; the file grows until it has a journal; it always has a journal.
    for (fill, pad) in [(0, 100), (0, 60_000), (6_000, 60_000)] {
        let tally = rounds(seed, count, fill, pad);
        println!("{fill} others, {pad} bytes, {:.1?}: {tally:?}", started.elapsed());
        assert!(tally.answered > 0 && tally.open > 0, "{tally:?}");
        assert!(fill == 0 || tally.journals as u64 > count / 2, "{tally:?}");
        touched += tally.happened + tally.saves;
    }
    assert!(touched > 0, "no kill came between a write and its answer: nothing was at stake");
}
