//! T10: many processes on one database with a journal. Sessions on pipes, one-shot commands and library transactions
//! write concurrently, some are killed, and no acknowledged change is lost, applied twice or missed.
//!
//! `RUSTY_KV_SEED` repeats what each process did, though not the timing; `RUSTY_KV_LONG=1` runs longer.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use rusty_kv::{Database, Error, Options};
use serde_json::Value;

use crate::common::large::filler;
use crate::common::random::Random;
use crate::common::{folder, put};

const SESSIONS: usize = 4;
const ONE_SHOTS: usize = 4;
const WRITERS: usize = SESSIONS + ONE_SHOTS;

/// How many operations there are.
#[derive(Clone, Copy, Debug)]
struct Size {
    /// In each session, and in each loop of one-shot commands.
    session: usize,
    one_shot: usize,
    /// In each of two threads.
    transactions: u64,
    limit: Duration,
}

const SHORT: Size = Size { session: 8_000, one_shot: 1_200, transactions: 1_000, limit: Duration::from_mins(5) };
const LONG: Size = Size { session: 200_000, one_shot: 50_000, transactions: 10_000, limit: Duration::from_hours(5) };

/// What was acknowledged, known to all writers.
#[derive(Debug, Default)]
struct Acknowledged {
    total: AtomicU64,
    own: [AtomicU64; WRITERS],
    /// How often a race for a key was entered; eight writers enter each.
    races: AtomicU64,
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    /// Increments a shared number.
    Total,
    /// Sets the writer's own key to the next number.
    Own(u64),
    /// Appends a unique word to a shared text.
    Log(u64),
    /// Sets the key of a race unless it exists.
    Race(u64),
    /// Reads the shared number, which was at least this before.
    ReadTotal(u64),
    /// Reads another writer's own key, which was at least this before.
    ReadOwn(usize, u64),
    Save,
    /// The lines of a transaction that moves one unit between accounts.
    Begin,
    Take,
    Give,
    Commit,
}

/// The whole transaction; a session takes no lock before the last line.
const MOVE: [Operation; 4] = [Operation::Begin, Operation::Take, Operation::Give, Operation::Commit];

impl Operation {
    fn words(self, writer: usize) -> Vec<String> {
        let words = match self {
            Self::Total => "incr total".to_owned(),
            Self::Own(n) => format!("set own:{writer} {n}"),
            Self::Log(n) => format!("append log {writer}.{n},"),
            Self::Race(key) => format!("set --if-absent race:{key} {writer}"),
            Self::ReadTotal(_) => "get total".to_owned(),
            Self::ReadOwn(other, _) => format!("get own:{other}"),
            Self::Save => "save".to_owned(),
            Self::Begin => "begin".to_owned(),
            Self::Take => "decr account:a".to_owned(),
            Self::Give => "incr account:b".to_owned(),
            Self::Commit => "commit".to_owned(),
        };
        words.split(' ').map(str::to_owned).collect()
    }
}

/// What one writer did, as far as it knows.
#[derive(Debug, Default)]
struct Record {
    /// The number after each of its own additions.
    totals: Vec<u64>,
    unknown_totals: u64,
    last_own: u64,
    log: Vec<u64>,
    unknown_log: Vec<u64>,
    won: Vec<u64>,
    lost: Vec<u64>,
    unknown_races: Vec<u64>,
    moves: usize,
    unknown_moves: usize,
    overtaken: usize,
    operations: usize,
    reads: usize,
    kills: usize,
}

/// One of the writers.
struct Writer<'a> {
    number: usize,
    random: Random,
    database: &'a Path,
    acknowledged: &'a Acknowledged,
    next: u64,
    record: Record,
}

impl Writer<'_> {
    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rusty-kv"));
        command.args(["-o", "json", "--wait", "60"]).env_clear().env("RUSTY_KV_DB", self.database);
        command.env("HOME", self.database.parent().expect("it is in a folder"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn choose(&mut self) -> Operation {
        self.next += 1;
        match self.random.below(1_000) {
            0..300 => Operation::Total,
            300..480 => Operation::Own(self.next),
            480..580 => Operation::Log(self.next),
            580..680 => Operation::Race(self.acknowledged.races.fetch_add(1, Ordering::SeqCst) / WRITERS as u64),
            680..830 => Operation::ReadTotal(self.acknowledged.total.load(Ordering::SeqCst)),
            830..995 => {
                let other = self.random.index(WRITERS);
                Operation::ReadOwn(other, self.acknowledged.own[other].load(Ordering::SeqCst))
            }
            _ => Operation::Save,
        }
    }

    /// Records an answer.
    fn answered(&mut self, operation: Operation, answer: &Value) {
        self.record.operations += 1;
        let seen = || {
            let missing = answer["error"]["code"] == "not_found";
            let text = answer.as_str().and_then(|text| text.parse().ok()).or(answer.as_u64());
            text.or(missing.then_some(0)).unwrap_or_else(|| panic!("{operation:?}: {answer}"))
        };
        let ok = answer["ok"].as_bool();
        match operation {
            Operation::Total => {
                let total = answer["value"].as_u64().unwrap_or_else(|| panic!("{operation:?}: {answer}"));
                let before = self.record.totals.last();
                assert!(before.is_none_or(|&before| before < total), "{before:?}, then {total}");
                self.record.totals.push(total);
                self.acknowledged.total.fetch_max(total, Ordering::SeqCst);
            }
            Operation::Own(n) => {
                assert_eq!(ok, Some(true), "{operation:?}: {answer}");
                self.record.last_own = n;
                self.acknowledged.own[self.number].fetch_max(n, Ordering::SeqCst);
            }
            Operation::Log(n) => {
                assert_eq!(ok, Some(true), "{operation:?}: {answer}");
                self.record.log.push(n);
            }
            Operation::Race(key) => match ok {
                Some(true) => self.record.won.push(key),
                Some(false) => self.record.lost.push(key),
                None => panic!("{operation:?}: {answer}"),
            },
            Operation::ReadTotal(least) | Operation::ReadOwn(_, least) => {
                self.record.reads += 1;
                assert!(seen() >= least, "a stale read: {operation:?}: {answer}");
            }
            Operation::Save | Operation::Begin | Operation::Take | Operation::Give => {
                assert_eq!(ok, Some(true), "{operation:?}: {answer}");
            }
            Operation::Commit if answer["error"]["code"] == "conflict" => self.record.overtaken += 1,
            Operation::Commit => {
                assert_eq!(answer["changes"], 2, "{operation:?}: {answer}");
                self.record.moves += 1;
            }
        }
    }

    /// An unanswered operation may or may not have been performed.
    fn unanswered(&mut self, operation: Operation) {
        match operation {
            Operation::Total => self.record.unknown_totals += 1,
            Operation::Log(n) => self.record.unknown_log.push(n),
            Operation::Race(key) => self.record.unknown_races.push(key),
            Operation::Commit => self.record.unknown_moves += 1,
            _ => {}
        }
    }

    fn record_answers(&mut self, operations: &[Operation], answers: impl Iterator<Item = String>) {
        let mut answers = answers;
        for &operation in operations {
            // A line that a kill cut off is not an answer.
            let answer = answers.next().and_then(|line| serde_json::from_str(&line).ok());
            match answer {
                Some(answer) => self.answered(operation, &answer),
                None => self.unanswered(operation),
            }
        }
    }

    /// Sends operations to a session in bursts, and sometimes kills it in the middle of one.
    fn run_session(mut self, operations: usize) -> Record {
        let mut session = Session::start(&mut self.command());
        while self.record.operations < operations {
            let burst: Vec<Operation> = match self.random.below(16) {
                0 => MOVE.to_vec(),
                1..12 => vec![self.choose()],
                _ => (0..=self.random.below(12)).map(|_| self.choose()).collect(),
            };
            let lines: String = burst.iter().map(|operation| operation.words(self.number).join(" ") + "\n").collect();
            session.send(&lines);
            if self.random.below(60) == 0 {
                std::thread::sleep(Duration::from_micros(self.random.below(3_000)));
                let rest = session.kill();
                self.record.kills += 1;
                self.record_answers(&burst, rest.lines().map(str::to_owned));
                session = Session::start(&mut self.command());
            } else {
                let answers: Vec<String> = burst.iter().map(|_| session.answer()).collect();
                self.record_answers(&burst, answers.into_iter());
            }
        }
        session.end();
        self.record
    }

    /// Runs one-shot commands, and kills some.
    fn run_one_shots(mut self, operations: usize) -> Record {
        while self.record.operations < operations {
            let operation = self.choose();
            let mut child = self.command().args(operation.words(self.number)).spawn().expect("the program starts");
            let killed = self.random.below(25) == 0;
            if killed {
                std::thread::sleep(Duration::from_micros(self.random.below(8_000)));
                child.kill().expect("it is ours");
                self.record.kills += 1;
            }
            let output = child.wait_with_output().expect("it ends");
            // Errors go to stderr.
            let said = String::from_utf8([output.stdout, output.stderr].concat()).expect("it writes text");
            assert!(killed || !said.is_empty(), "{operation:?}: {}", output.status);
            self.record_answers(&[operation], said.lines().map(str::to_owned));
        }
        self.record
    }
}

/// A session on two pipes.
struct Session {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Session {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program starts");
        let answers = BufReader::new(child.stdout.take().expect("it has one"));
        Self { child, answers }
    }

    fn send(&mut self, lines: &str) {
        let stdin = self.child.stdin.as_mut().expect("it has one");
        stdin.write_all(lines.as_bytes()).expect("it listens");
    }

    fn answer(&mut self) -> String {
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("it answers");
        assert!(answer.ends_with('\n'), "the session has ended: {answer:?}");
        answer
    }

    /// Kills it and returns its remaining output.
    fn kill(mut self) -> String {
        self.child.kill().expect("it is ours");
        let mut rest = Vec::new();
        self.answers.read_to_end(&mut rest).expect("it can be read");
        self.child.wait().expect("it has ended");
        // A partial line was not acknowledged.
        let whole = rest.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        String::from_utf8(rest[..whole].to_vec()).expect("it writes text")
    }

    fn end(mut self) {
        drop(self.child.stdin.take());
        let status = self.child.wait().expect("it ends");
        // 1: a key did not exist, or already existed; 5: a transaction was overtaken.
        assert!(matches!(status.code(), Some(0 | 1 | 5)), "{status}");
    }
}

fn number(db: &Database, key: &str) -> i64 {
    let value = db.get(key).expect("it can be read");
    value.map_or(0, |value| value.to_string().parse().expect("a number"))
}

/// Moves one unit between accounts in transactions that hold no lock while they are open. Returns how often one was
/// overtaken.
fn run_transactions(database: &Path, number_of: usize, times: u64) -> usize {
    let options = Options::new().wait(Duration::from_mins(1));
    let mut db = options.open(database).expect("it opens");
    let (mut done, mut overtaken) = (0, 0);
    while done < times {
        db.begin().expect("none is open");
        let (from, to) = (number(&db, "account:a"), number(&db, "account:b"));
        assert_eq!(from + to, 0, "a transaction is seen in part");
        db.set("account:a", (from - 1).to_string()).expect("it is a change in memory");
        db.set("account:b", (to + 1).to_string()).expect("it is a change in memory");
        db.set(&format!("moved:{number_of}"), (done + 1).to_string()).expect("it is a change in memory");
        match db.commit() {
            Ok(keys) => {
                assert_eq!(keys, 3);
                done += 1;
            }
            Err(Error::Overtaken { key }) => {
                assert!(key.starts_with("account:"), "{key} belongs to no one else");
                overtaken += 1;
            }
            Err(error) => panic!("{error}"),
        }
        let reader = Database::open_read_only(database).expect("it opens");
        assert_eq!(number(&reader, "account:a"), -number(&reader, "account:b"), "a transaction is seen in part");
    }
    overtaken
}

/// The final state must follow from the records.
fn assert_complete(database: &Path, records: &[Record], transactions: u64) {
    let db = Database::open_read_only(database).expect("it opens");
    let total = u64::try_from(number(&db, "total")).expect("it only grows");
    let acked: Vec<u64> = records.iter().flat_map(|record| record.totals.iter().copied()).collect();
    let unknown: u64 = records.iter().map(|record| record.unknown_totals).sum();
    let distinct: BTreeSet<u64> = acked.iter().copied().collect();
    assert_eq!(distinct.len(), acked.len(), "two additions gave one number");
    let (least, most) = (acked.len() as u64, acked.len() as u64 + unknown);
    assert!((least..=most).contains(&total), "{total} after {least} to {most} additions");
    assert!(distinct.last().is_none_or(|&last| last <= total));

    for (writer, record) in records.iter().enumerate() {
        let own = u64::try_from(number(&db, &format!("own:{writer}"))).expect("it only grows");
        assert!(own >= record.last_own, "writer {writer} was acknowledged {}, but left {own}", record.last_own);
    }

    let log = db.get("log").expect("it can be read").expect("it exists").to_string();
    let mut logged: Vec<Vec<u64>> = vec![Vec::new(); records.len()];
    for word in log.split_terminator(',') {
        let (writer, n) = word.split_once('.').unwrap_or_else(|| panic!("{word:?} was never appended whole"));
        logged[writer.parse::<usize>().expect("a number")].push(n.parse().expect("a number"));
    }
    for (record, logged) in records.iter().zip(logged) {
        assert!(logged.is_sorted_by(|one, other| one < other), "out of order, or twice");
        let logged: BTreeSet<u64> = logged.into_iter().collect();
        let known: BTreeSet<u64> = record.log.iter().copied().collect();
        assert!(known.is_subset(&logged), "an append that was acknowledged is lost");
        assert!(logged.difference(&known).all(|n| record.unknown_log.contains(n)), "an append that no one made");
    }

    let races = |of: fn(&Record) -> &Vec<u64>| {
        let mut races: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for (writer, record) in records.iter().enumerate() {
            for &key in of(record) {
                races.entry(key).or_default().push(writer);
            }
        }
        races
    };
    let (won, lost, unknown) = (races(|it| &it.won), races(|it| &it.lost), races(|it| &it.unknown_races));
    for key in won.keys().chain(lost.keys()).chain(unknown.keys()) {
        let there = db.get(&format!("race:{key}")).expect("it can be read");
        let winner = there.map(|value| value.to_string().parse::<usize>().expect("a writer"));
        let none = Vec::new();
        match (&won.get(key).unwrap_or(&none)[..], winner) {
            (&[one], Some(winner)) => assert_eq!(one, winner, "race {key}"),
            ([], Some(winner)) => {
                assert!(unknown.get(key).unwrap_or(&none).contains(&winner), "race {key}: {winner}");
            }
            ([], None) => assert!(!lost.contains_key(key), "race {key} was lost, but has no winner"),
            (_, winner) => panic!("race {key} was won by {:?}, but the value is {winner:?}", won.get(key)),
        }
    }

    let (left, moved) = (number(&db, "account:a"), number(&db, "account:b"));
    assert_eq!(left, -moved, "a transaction was done in part");
    let moved = u64::try_from(moved).expect("it only grows");
    let least = 2 * transactions + records.iter().map(|record| record.moves as u64).sum::<u64>();
    let most = least + records.iter().map(|record| record.unknown_moves as u64).sum::<u64>();
    assert!((least..=most).contains(&moved), "{moved} after {least} to {most} moves");
}

fn run(seed: u64, size: Size) {
    let folder = folder();
    let database: PathBuf = folder.path().join("kv.json");
    let (key, value) = filler();
    // As an editor may have written it: the first writer saves it in canonical form.
    put(&database, format!("{{\"map\": {{\"{key}\": \"{value}\"}}}}"));
    let acknowledged = Acknowledged::default();
    let started = std::time::Instant::now();
    let (records, overtaken) = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|number| {
                let random = Random(seed ^ (number as u64) << 32);
                let writer = Writer {
                    number,
                    random,
                    database: &database,
                    acknowledged: &acknowledged,
                    next: 0,
                    record: Record::default(),
                };
                scope.spawn(move || match number {
                    0..SESSIONS => writer.run_session(size.session),
                    _ => writer.run_one_shots(size.one_shot),
                })
            })
            .collect();
        let movers: Vec<_> = (0..2)
            .map(|mover| (mover, &database))
            .map(|(mover, database)| scope.spawn(move || run_transactions(database, mover, size.transactions)))
            .collect();
        let records: Vec<Record> =
            writers.into_iter().map(|writer| writer.join().expect("a writer has failed")).collect();
        let overtaken: usize = movers.into_iter().map(|mover| mover.join().expect("a mover has failed")).sum();
        (records, overtaken)
    });
    let took = started.elapsed();
    assert_complete(&database, &records, size.transactions);
    Database::open(&database).and_then(|mut db| db.save()).expect("it can be saved");
    assert_complete(&database, &records, size.transactions);
    let left = std::fs::read_dir(folder.path()).expect("the folder exists").flatten();
    let left: Vec<_> = left.map(|item| item.file_name().into_string().expect("ours are text")).collect();
    assert!(left.iter().all(|name| !name.contains(".tmp-")), "a save removes what killed writers left: {left:?}");

    let sum = |of: fn(&Record) -> usize| records.iter().map(of).sum::<usize>();
    let (operations, reads, kills) = (sum(|it| it.operations), sum(|it| it.reads), sum(|it| it.kills));
    let torn = left.iter().filter(|name| name.contains(".torn")).count();
    let moves = 2 * size.transactions + sum(|it| it.moves) as u64;
    let overtaken = overtaken + sum(|it| it.overtaken);
    println!(
        "{operations} operations ({reads} reads), {moves} transactions ({overtaken} overtaken), {kills} kills ({torn} torn tails), {took:?}"
    );
    assert!(operations >= 2 * (size.session + size.one_shot) && kills >= 200, "too little was done");
}

#[test]
fn eight_processes_lose_and_miss_nothing_although_some_are_killed() {
    let seed = std::env::var("RUSTY_KV_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()) ^ Database::in_memory().now().as_millis());
    println!("RUSTY_KV_SEED={seed}");
    let size = if std::env::var_os("RUSTY_KV_LONG").is_some_and(|long| long == "1") { LONG } else { SHORT };
    let (done, end) = mpsc::channel();
    let runner = std::thread::spawn(move || {
        run(seed, size);
        done.send(()).expect("it is waited for");
    });
    match end.recv_timeout(size.limit) {
        Ok(()) => {}
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs; RUSTY_KV_SEED={seed}"),
        Err(mpsc::RecvTimeoutError::Disconnected) => {}
    }
    runner.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}
