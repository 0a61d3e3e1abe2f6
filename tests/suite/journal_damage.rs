//! T13 for databases with a journal: after any small corruption of either file, an open succeeds only with an earlier
//! state, and a refused file keeps every byte.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use rusty_kv::{Database, Entry, Error, Repair, Timestamp};

use crate::common::changes::{Changes, gone, json, text, until};
use crate::common::fold::fold_line;
use crate::common::large::filler;
use crate::common::note::{Note, leave};
use crate::common::untouched::Untouched;
use crate::common::{folder, put};

type State = BTreeMap<String, Entry>;
/// The content of the snapshot.
fn first() -> Changes {
    let (key, value) = filler();
    vec![
        text("", "the empty key"),
        text("a", "1"),
        json("b\n\"", r#"[1,-0,1.10,{"$json":null}]"#),
        ("bytes", Some(Entry::from(vec![0_u8, 255, 10, 34]))),
        text("gone", "soon"),
        until("2199-01-01T00:00:00Z", text("session", "Ada")),
        (key, Some(Entry::from(value))),
    ]
}

/// The commits in the journal.
fn commits() -> Vec<Changes> {
    vec![
        vec![text("a", "2")],
        vec![gone("gone"), until("2299-12-31T23:59:59.999Z", text("session", "Grace")), json("user", r#"{"n":[1]}"#)],
        vec![gone("b\n\"")],
        vec![("bytes", Some(Entry::from(vec![b'{', 0, b'\n'])))],
        vec![text("a", "3"), text("é\u{202e}", "\"sum\":\"0\"}\n{\"n\":6")],
    ]
}

fn commit(db: &mut Database, model: &mut State, changes: &Changes) {
    let done = db.transaction(|tx| {
        for (key, change) in changes {
            match change {
                Some(entry) => tx.set_entry(key, entry.clone())?,
                None => assert!(tx.delete(key)?, "only an existing key can be deleted"),
            }
        }
        Ok(())
    });
    done.expect("the reference can be made");
    for (key, change) in changes {
        match change {
            Some(entry) => model.insert((*key).to_owned(), entry.clone()),
            None => model.remove(*key),
        };
    }
}

fn listed(db: &Database) -> Result<State, Error> {
    match db.iter().collect() {
        // Without an acknowledged record, the complete content is refused, but parts of it are not.
        Err(Error::LastRecord { acknowledged: true, .. }) => db.range(.."m").chain(db.range("m"..)).collect(),
        listed => listed,
    }
}

/// The part of a journal that a line belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Header,
    Commit(usize),
    Fold,
}

/// A commit, a fold line, or the header.
#[derive(Clone, Copy, Debug)]
struct Unit {
    part: Part,
    from: usize,
    to: usize,
    lines: usize,
    /// How many commits are complete at its end.
    commits: usize,
}

/// An intact database, and all of its states.
struct Reference {
    folder: tempfile::TempDir,
    snapshot: Vec<u8>,
    journal: Vec<u8>,
    units: Vec<Unit>,
    /// The state after each number of commits.
    states: Vec<State>,
    /// How many commits the fold line says are in the snapshot; its header says none.
    folded: usize,
}

impl Reference {
    fn path(&self) -> PathBuf {
        self.folder.path().join("kv.json")
    }

    fn journal_path(&self) -> PathBuf {
        self.folder.path().join("kv.json.journal")
    }

    /// Creates a journal of these commits, and a fold line that names no file after `fold_after` of them.
    fn new(commits: &[Changes], fold_after: Option<usize>) -> Self {
        let folder = folder();
        let path = folder.path().join("kv.json");
        let mut db = Database::open(&path).expect("a new database opens");
        let mut state = State::new();
        commit(&mut db, &mut state, &first());
        let mut states = vec![state.clone()];
        let journal_path = folder.path().join("kv.json.journal");
        for at in 0..=commits.len() {
            if fold_after == Some(at) {
                let journal = std::fs::read(&journal_path).expect("it exists");
                let nowhere =
                    String::from_utf8(journal.clone()).expect("it is text").replace("\"inode\":", "\"inode\":1");
                append(&journal_path, &fold_line(&journal, nowhere.as_bytes(), at as u64));
            }
            if let Some(changes) = commits.get(at) {
                commit(&mut db, &mut state, changes);
                states.push(state.clone());
            }
        }
        Self::of(folder, states, 0)
    }

    /// The files after a crash between the renames of the snapshot and the journal.
    fn folded(commits: &[Changes]) -> Self {
        let Self { folder, states, journal, .. } = Self::new(commits, None);
        let path = folder.path().join("kv.json");
        Database::open(&path).and_then(|mut db| db.save()).expect("it can be saved");
        let journal_path = folder.path().join("kv.json.journal");
        let newer = std::fs::read(&journal_path).expect("it exists");
        put(&journal_path, [&journal[..], &fold_line(&journal, &newer, commits.len() as u64)].concat());
        Self::of(folder, states, commits.len())
    }

    fn of(folder: tempfile::TempDir, states: Vec<State>, commits: usize) -> Self {
        let path = folder.path().join("kv.json");
        let (snapshot, journal) = (std::fs::read(&path), std::fs::read(folder.path().join("kv.json.journal")));
        let (snapshot, journal) = (snapshot.expect("it exists"), journal.expect("a large database has one"));
        let units = units(&journal);
        let reference = Self { folder, snapshot, journal, units, states, folded: commits };
        assert_eq!(listed(&Database::open_read_only(&path).expect("it opens")).expect("it reads"), *reference.newest());
        assert_eq!(std::fs::read(reference.journal_path()).expect("it exists"), reference.journal);
        reference
    }

    fn newest(&self) -> &State {
        self.states.last().expect("there is a first state")
    }

    fn last(&self) -> Unit {
        *self.units.last().expect("there is a header")
    }

    /// The expected result of corrupting the journal.
    fn wanted(&self, corruption: &Corruption) -> Wanted {
        let count = self.states.len() - 1;
        let last = self.last();
        let before_last = if matches!(last.part, Part::Commit(_)) { count - 1 } else { count };
        let torn_at = |at: usize| {
            let good = self.units.iter().rev().find(|unit| unit.to <= at);
            good.map_or(Wanted::Refused, |unit| Wanted::State { commits: unit.commits, torn: at - unit.to })
        };
        let wanted = match *corruption {
            Corruption::Cut(at) => torn_at(at),
            Corruption::Byte(at, _) if at >= last.from && last.part != Part::Header => {
                Wanted::State { commits: before_last, torn: self.journal.len() - last.from }
            }
            Corruption::Byte(..) => Wanted::Refused,
            Corruption::Dropped(line) => match self.unit_of(line) {
                Unit { part: Part::Fold, .. } => Wanted::State { commits: count, torn: 0 },
                unit if unit.from != last.from || unit.part == Part::Header => Wanted::Refused,
                unit if unit.lines == 1 => Wanted::State { commits: before_last, torn: 0 },
                _ => Wanted::LastTwo,
            },
            Corruption::Doubled(line) => match self.unit_of(line).part {
                Part::Fold => Wanted::State { commits: count, torn: 0 },
                _ => Wanted::Refused,
            },
            Corruption::Swapped(..) => Wanted::LastTwo,
        };
        match wanted {
            // The snapshot's content is right unless the journal is read from further back.
            Wanted::State { commits, .. } if self.folded > 0 => match corruption {
                Corruption::Cut(_) if commits == 0 => Wanted::State { commits: self.folded, torn: usize::MAX },
                Corruption::Doubled(_) => wanted,
                _ => Wanted::Refused,
            },
            wanted => wanted,
        }
    }

    fn unit_of(&self, line: usize) -> Unit {
        let mut before = 0;
        let of_line = |unit: &&Unit| {
            before += unit.lines;
            line < before
        };
        *self.units.iter().find(of_line).expect("every line is of one")
    }
}

fn append(path: &Path, bytes: &[u8]) {
    let mut file = File::options().append(true).open(path).expect("it exists");
    std::io::Write::write_all(&mut file, bytes).expect("it can be written");
}

fn units(journal: &[u8]) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    let (mut at, mut commits) = (0, 0);
    for line in journal.split_inclusive(|&byte| byte == b'\n') {
        let members: serde_json::Value = serde_json::from_slice(line).expect("every line is JSON");
        let part = if at == 0 {
            Part::Header
        } else if members["fold"].is_object() {
            Part::Fold
        } else {
            commits = usize::try_from(members["n"].as_u64().expect("a number")).expect("a small one");
            Part::Commit(commits)
        };
        let to = at + line.len();
        match units.last_mut() {
            Some(unit) if unit.part == part => (unit.to, unit.lines) = (to, unit.lines + 1),
            _ => units.push(Unit { part, from: at, to, lines: 1, commits }),
        }
        at = to;
    }
    units
}

/// A small corruption.
#[derive(Clone, Copy, Debug)]
enum Corruption {
    /// Everything from there on is missing.
    Cut(usize),
    /// One byte is changed.
    Byte(usize, u8),
    Dropped(usize),
    Doubled(usize),
    Swapped(usize, usize),
}

impl Corruption {
    /// Every corruption of these ranges of a file.
    fn all(bytes: &[u8], within: &[std::ops::Range<usize>]) -> Vec<Self> {
        let mut all = Vec::new();
        for at in within.iter().cloned().flatten() {
            all.push(Self::Cut(at));
            let bits = (0..8).map(|bit| bytes[at] ^ (1 << bit));
            let others: BTreeSet<u8> = bits.chain([0x00, 0xff, b'"', b'\n', b'{']).collect();
            all.extend(others.into_iter().filter(|&byte| byte != bytes[at]).map(|byte| Self::Byte(at, byte)));
        }
        let lines = bytes.split_inclusive(|&byte| byte == b'\n').count();
        for line in 0..lines {
            all.extend([Self::Dropped(line), Self::Doubled(line)]);
            all.extend((line + 1..lines).map(|other| Self::Swapped(line, other)));
        }
        all
    }

    fn done_to(self, bytes: &[u8]) -> Vec<u8> {
        let mut lines: Vec<&[u8]> = bytes.split_inclusive(|&byte| byte == b'\n').collect();
        match self {
            Self::Cut(at) => return bytes[..at].to_vec(),
            Self::Byte(at, byte) => {
                let mut bytes = bytes.to_vec();
                bytes[at] = byte;
                return bytes;
            }
            Self::Dropped(line) => drop(lines.remove(line)),
            Self::Doubled(line) => lines.insert(line, lines[line]),
            Self::Swapped(line, other) => lines.swap(line, other),
        }
        lines.concat()
    }
}

/// The expected result of a corruption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Refused,
    /// The state after this many commits, with this many invalid bytes after them (`usize::MAX` for any number).
    State {
        commits: usize,
        torn: usize,
    },
    /// Refused, or the state with or without the last commit.
    LastTwo,
}

/// How often each result occurred.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    opened: usize,
    torn: usize,
    refused: usize,
    /// A single key was read from a journal that is refused as a whole: its line is intact.
    answered: usize,
}

fn names(folder: &Path) -> BTreeSet<std::ffi::OsString> {
    let items = std::fs::read_dir(folder).expect("the folder exists");
    items.map(|item| item.expect("it can be listed").file_name()).collect()
}

/// How the intact files are restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keeping {
    /// No writer changes the snapshot, so only the journal is rewritten.
    Snapshot,
    /// A hard link keeps the snapshot's file: a fold line identifies it by its inode, not by its ctime.
    Link,
    /// Both are rewritten, so that no stamp matches, and the hash decides.
    Copy,
}

struct Sweep<'a> {
    reference: &'a Reference,
    keeping: Keeping,
    /// How the last writer ended.
    note: Note,
    tally: Tally,
}

impl Sweep<'_> {
    /// For each corruption of the journal, checks a reader, a reader of single keys, a writer that reads, and one that
    /// does not.
    fn run(reference: &Reference, corruptions: &[Corruption], keeping: Keeping) -> Tally {
        let mut sweep = Sweep { reference, keeping, note: Note::Finished, tally: Tally::default() };
        if keeping == Keeping::Link {
            std::fs::hard_link(reference.path(), sweep.kept()).expect("a link can be made");
        }
        for (number, corruption) in corruptions.iter().enumerate() {
            let journal = corruption.done_to(&reference.journal);
            if journal != reference.journal {
                sweep.note = [Note::Unfinished, Note::Finished, Note::OtherBoot][number / 2 % 3];
                sweep.corrupt(&journal);
                sweep.look(*corruption, number);
            }
        }
        sweep.tally
    }

    fn kept(&self) -> PathBuf {
        self.reference.folder.path().join("kept")
    }

    fn corrupt(&self, journal: &[u8]) {
        let Reference { snapshot, .. } = self.reference;
        let path = self.reference.path();
        match self.keeping {
            Keeping::Snapshot => {}
            Keeping::Link => {
                std::fs::remove_file(&path).expect("it exists");
                std::fs::hard_link(self.kept(), &path).expect("a link can be made");
            }
            Keeping::Copy => put(&path, snapshot),
        }
        put(&self.reference.journal_path(), journal);
        leave(&path, self.note);
    }

    fn look(&mut self, corruption: Corruption, number: usize) {
        let (path, wanted) = (self.reference.path(), self.reference.wanted(&corruption));
        let before = self.files();
        let seen = Database::open_read_only(&path).and_then(|db| listed(&db));
        let states = &self.reference.states;
        let (last, count) = (states.len() - 1, states.len());
        let permitted = match wanted {
            Wanted::Refused => count..count,
            Wanted::State { commits, .. } => commits..commits + 1,
            Wanted::LastTwo => last - 1..count,
        };
        match &seen {
            Ok(state) => {
                let is_one = states[permitted.clone()].iter().any(|permitted| permitted == state);
                assert!(
                    is_one,
                    "{corruption:?}: {:?}: {wanted:?}, but it opened as {:?}",
                    self.reference.units,
                    without_filler(state)
                );
                self.tally.opened += 1;
            }
            Err(error) => {
                assert!(!matches!(wanted, Wanted::State { .. }), "{corruption:?}: {wanted:?}, but: {error}");
                let message = error.to_string();
                assert!(
                    message.starts_with("cannot open ") && !message.contains(char::is_control),
                    "{corruption:?}: {message}"
                );
                self.tally.refused += 1;
            }
        }
        self.single_keys(corruption, number, seen.as_ref().ok());
        assert!(self.files() == before, "{corruption:?}: a reader changed a file");
        match seen {
            Ok(state) => self.write(corruption, wanted, state, number.is_multiple_of(2)),
            Err(error) => {
                let blind = |db: &mut Database| db.set("probe", "1");
                let reading = |db: &mut Database| db.transaction(|tx| tx.get("a").and_then(|_| tx.set("probe", "1")));
                for write in [blind, reading, Database::save] {
                    let written = Database::open(&path).and_then(|mut db| write(&mut db));
                    assert!(written.is_err(), "{corruption:?}: a writer accepted what a reader refuses: {error}");
                    assert!(self.files() == before, "{corruption:?}: a refused writer changed a file");
                }
            }
        }
    }

    /// Single keys, each looked up in a journal that has not been read.
    fn single_keys(&mut self, corruption: Corruption, number: usize, state: Option<&State>) {
        const KEYS: [&str; 9] = ["", "a", "b\n\"", "bytes", "gone", "session", "user", "é\u{202e}", "nothing"];
        let keys = (number..number + 3).map(|at| KEYS[at % KEYS.len()]);
        let answers =
            Database::open_read_only(self.reference.path()).map(|db| keys.map(|key| (key, db.entry(key))).collect());
        let answers: Vec<_> = match (answers, state) {
            (Ok(answers), _) => answers,
            (Err(_), None) => return,
            (Err(error), Some(_)) => panic!("{corruption:?}: {error}"),
        };
        for (key, answer) in answers {
            match (answer, state) {
                (Ok(entry), Some(state)) => assert_eq!(entry.as_ref(), state.get(key), "{corruption:?}: {key:?}"),
                (Ok(entry), None) => {
                    let mut states = self.reference.states.iter();
                    assert!(
                        states.any(|state| state.get(key) == entry.as_ref()),
                        "{corruption:?}: {key:?} was never {entry:?}"
                    );
                    self.tally.answered += 1;
                }
                (Err(_), None) => {}
                (Err(error), Some(_)) => panic!("{corruption:?}: {key:?}: {error}"),
            }
        }
    }

    /// A database that opens can be written to, and a torn end is reported and set aside. An acknowledged record that
    /// is unreadable is corrupt, and must be repaired first.
    fn write(&mut self, corruption: Corruption, wanted: Wanted, mut state: State, reads: bool) {
        let path = self.reference.path();
        let mut db =
            Database::open(&path).unwrap_or_else(|error| panic!("{corruption:?}: a reader could open it: {error}"));
        if reads {
            assert!(listed(&db).is_ok_and(|listed| listed == state), "{corruption:?}");
        }
        let mut repaired = 0;
        match db.set("probe", "1") {
            Ok(()) => assert!(
                self.note != Note::Finished
                    || matches!(wanted, Wanted::State { torn: 0 | usize::MAX, .. } | Wanted::LastTwo),
                "{corruption:?}: an acknowledged record was given up"
            ),
            Err(Error::LastRecord { acknowledged: true, .. }) if self.note == Note::Finished => {
                let notices = db.take_notices();
                assert!(
                    notices.iter().filter(|notice| notice.contains("corrupt")).count() <= 1,
                    "{corruption:?}: {notices:?}"
                );
                drop(db);
                let done = Database::repair(&path, Repair::Salvage).expect("it can be repaired");
                assert!(done.in_place && done.path == self.torn_path(), "{corruption:?}: {done:?}");
                repaired = 1;
                db = Database::open(&path).expect("it opens");
                db.set("probe", "1").unwrap_or_else(|error| panic!("{corruption:?}: after a repair: {error}"));
            }
            Err(error) => panic!("{corruption:?}, {:?}: {error}", self.note),
        }
        state.insert("probe".to_owned(), Entry::from("1"));
        let notices: Vec<_> = db.take_notices().into_iter().filter(|notice| notice.contains("torn")).collect();
        let torn = std::fs::read(self.torn_path()).unwrap_or_default();
        if let Wanted::State { torn: wanted, .. } = wanted
            && wanted != usize::MAX
        {
            let whole = corruption.done_to(&self.reference.journal);
            assert!(
                torn == whole[whole.len() - wanted..],
                "{corruption:?}: {} of {wanted} bytes were set aside",
                torn.len()
            );
        }
        assert_eq!(notices.len() + repaired, usize::from(!torn.is_empty()), "{corruption:?}: {notices:?}");
        let what = if self.note == Note::Unfinished { "torn record" } else { "corrupt record" };
        for notice in &notices {
            assert!(notice.contains(&format!("{what}: {} bytes", torn.len())), "{corruption:?}: {notice}");
        }
        if !torn.is_empty() {
            std::fs::remove_file(self.torn_path()).expect("it exists");
            self.tally.torn += 1;
        }
        for db in [Ok(db), Database::open_read_only(&path)] {
            assert!(db.and_then(|db| listed(&db)).is_ok_and(|listed| listed == state), "{corruption:?}: after a write");
        }
        let mut wanted: BTreeSet<_> = ["kv.json", "kv.json.journal", "kv.json.lock"].map(Into::into).into();
        wanted.extend(self.kept().exists().then(|| "kept".into()));
        assert_eq!(names(self.reference.folder.path()), wanted, "{corruption:?}");
    }

    fn torn_path(&self) -> PathBuf {
        self.reference.folder.path().join("kv.json.journal.torn")
    }

    /// Everything that must not change about a database that is refused.
    fn files(&self) -> (Untouched, Untouched, BTreeSet<std::ffi::OsString>) {
        let Self { reference, .. } = self;
        (Untouched::of(&reference.path()), Untouched::of(&reference.journal_path()), names(reference.folder.path()))
    }
}

/// Values, and expiries as timestamps.
type Read = BTreeMap<String, (serde_json::Value, Option<Timestamp>)>;

/// The content of a document according to another parser, without expired entries.
fn read_by_serde_json(document: &[u8]) -> Option<Read> {
    let document: serde_json::Value = serde_json::from_slice(document).ok()?;
    let now = Database::in_memory().now();
    let expiry = |key: &str| document["expires"][key].as_str().and_then(|text| text.parse::<Timestamp>().ok());
    let entries = document["map"].as_object()?.iter();
    let entries = entries.map(|(key, value)| (key.clone(), (value.clone(), expiry(key))));
    Some(entries.filter(|(_, (_, expiry))| expiry.is_none_or(|expiry| now < expiry)).collect())
}

/// The content of an open database in the same form.
fn as_json(state: &State) -> Read {
    let mut db = Database::in_memory();
    for (key, entry) in state {
        db.set_entry(key, entry.clone()).expect("it fits");
    }
    let folder = folder();
    let copy = db.save_to(folder.path().join("copy.json")).expect("it can be saved");
    read_by_serde_json(&std::fs::read(copy).expect("it exists")).expect("what is saved is JSON")
}

/// Corrupts the snapshot in each of these ways in place, as an editor or a disk would. With `keep_time`, its mtime
/// stays the same.
fn sweep_snapshot(reference: &Reference, corruptions: &[Corruption], keep_time: bool) -> Tally {
    let (path, journal_path) = (reference.path(), reference.journal_path());
    let has_changes = reference.states.len() > 1;
    let modified = std::fs::metadata(&path).and_then(|meta| meta.modified()).expect("it exists");
    let mut tally = Tally::default();
    for (number, corruption) in corruptions.iter().enumerate() {
        let document = corruption.done_to(&reference.snapshot);
        if document == reference.snapshot {
            continue;
        }
        put(&path, &document);
        put(&journal_path, &reference.journal);
        if keep_time {
            File::options().write(true).open(&path).and_then(|file| file.set_modified(modified)).expect("it is ours");
        }
        let files = || (Untouched::of(&path), Untouched::of(&journal_path), names(reference.folder.path()));
        let before = files();
        let seen = Database::open_read_only(&path).and_then(|db| listed(&db));
        let single = Database::open_read_only(&path).and_then(|db| db.entry("a"));
        assert!(files() == before, "{corruption:?}: a reader changed a file");
        match seen {
            Err(error) => {
                tally.refused += 1;
                assert!(single.is_err(), "{corruption:?}: a single key was answered: {single:?}");
                let is_reported = matches!(error, Error::ForeignJournal { .. } | Error::Unreadable { .. });
                assert!(is_reported || document.is_empty(), "{corruption:?}: {error}");
                for write in [|db: &mut Database| db.set("probe", "1"), Database::save] {
                    let written = Database::open(&path).and_then(|mut db| write(&mut db));
                    assert!(written.is_err(), "{corruption:?}: a writer accepted what a reader refuses: {error}");
                    assert!(files() == before, "{corruption:?}: a refused writer changed a file");
                }
            }
            Ok(mut state) => {
                tally.opened += 1;
                assert!(!has_changes, "{corruption:?}: changes of another snapshot were applied");
                let theirs = read_by_serde_json(&document).unwrap_or_else(|| panic!("{corruption:?}: it is not JSON"));
                assert!(as_json(&state) == theirs, "{corruption:?}: another reader finds something else");
                assert_eq!(single.ok().flatten().as_ref(), state.get("a"), "{corruption:?}");
                if number.is_multiple_of(4) {
                    Database::open(&path)
                        .and_then(|mut db| db.set("probe", "1"))
                        .unwrap_or_else(|error| panic!("{corruption:?}: {error}"));
                    state.insert("probe".to_owned(), Entry::from("1"));
                    let again = Database::open_read_only(&path).and_then(|db| listed(&db));
                    assert!(again.is_ok_and(|again| again == state), "{corruption:?}: after a write");
                }
            }
        }
    }
    tally
}

/// Corruptions of a snapshot before and after the long value.
fn corruptions_of_snapshot(reference: &Reference) -> Vec<Corruption> {
    let at = |part: &str| {
        let found = reference.snapshot.windows(part.len()).position(|bytes| bytes == part.as_bytes());
        found.expect("it exists")
    };
    let after = at("xxx\"\n");
    Corruption::all(&reference.snapshot, &[0..at("xxx"), after..reference.snapshot.len()])
}

#[test]
fn a_corrupt_snapshot_is_refused_or_a_legal_edit() {
    let reference = Reference::new(&[], None);
    let corruptions = corruptions_of_snapshot(&reference);
    let tallies: Vec<Tally> = std::thread::scope(|scope| {
        let halves = corruptions.chunks(corruptions.len().div_ceil(2));
        let halves = halves.map(|half| scope.spawn(|| sweep_snapshot(&Reference::new(&[], None), half, false)));
        let halves: Vec<_> = halves.collect();
        halves.into_iter().map(|half| half.join().expect("nothing may panic")).collect()
    });
    println!("{} corruptions: {tallies:?}", corruptions.len());
    assert!(corruptions.len() > 3_500 && tallies.iter().all(|tally| tally.refused > 100));
    let kept = sweep_snapshot(&reference, &corruptions.into_iter().step_by(11).collect::<Vec<_>>(), true);
    println!("with their old mtime: {kept:?}");
    assert!(kept.opened > 50 && kept.refused > 100);
}

#[test]
fn changes_are_never_applied_to_a_corrupt_snapshot() {
    let reference = Reference::new(&commits(), None);
    let corruptions = corruptions_of_snapshot(&reference);
    let tally = sweep_snapshot(&reference, &corruptions, false);
    println!("{} corruptions: {tally:?}", corruptions.len());
    let kept = sweep_snapshot(&reference, &corruptions.into_iter().step_by(7).collect::<Vec<_>>(), true);
    println!("with their old mtime: {kept:?}");
    assert!(tally.opened + kept.opened == 0 && tally.refused > 3_500);
}

fn without_filler(state: &State) -> Vec<(&String, &Entry)> {
    state.iter().filter(|(key, _)| *key != filler().0).collect()
}

fn whole(bytes: &[u8]) -> std::ops::Range<usize> {
    0..bytes.len()
}

/// Every corruption of the journal, or every `step`-th unless in a long run.
fn sweep_all(reference: &Reference, keeping: Keeping, step: usize) {
    let long = std::env::var_os("RUSTY_KV_LONG").is_some_and(|long| long == "1");
    let corruptions = Corruption::all(&reference.journal, &[whole(&reference.journal)]);
    let corruptions: Vec<Corruption> = corruptions.into_iter().step_by(if long { 1 } else { step }).collect();
    let started = std::time::Instant::now();
    let tally = Sweep::run(reference, &corruptions, keeping);
    println!(
        "{} corruptions to {} bytes, {:?}: {tally:?}",
        corruptions.len(),
        reference.journal.len(),
        started.elapsed()
    );
    assert!(corruptions.len() >= 10_000 / step && tally.opened > 0 && tally.refused > 0, "{tally:?}");
}

#[test]
fn a_journal_with_any_small_corruption_gives_an_earlier_state_or_is_refused() {
    sweep_all(&Reference::new(&commits(), None), Keeping::Snapshot, 1);
}

#[test]
fn a_journal_noted_by_an_unfinished_save_gives_an_earlier_state_or_is_refused() {
    let commits = commits();
    sweep_all(&Reference::new(&commits[..4], Some(2)), Keeping::Snapshot, 1);
    sweep_all(&Reference::new(&commits[..2], Some(2)), Keeping::Snapshot, 3);
}

#[test]
fn a_journal_whose_save_reached_the_snapshot_gives_an_earlier_state_or_is_refused() {
    sweep_all(&Reference::folded(&commits()[1..4]), Keeping::Link, 3);
}

#[test]
fn a_copy_of_both_files_gives_an_earlier_state_or_is_refused() {
    let reference = Reference::new(&commits()[3..], None);
    let corruptions = Corruption::all(&reference.journal, &[whole(&reference.journal)]);
    let corruptions: Vec<Corruption> = corruptions.into_iter().step_by(5).collect();
    let tally = Sweep::run(&reference, &corruptions, Keeping::Copy);
    println!("{} corruptions: {tally:?}", corruptions.len());
    assert!(tally.opened > 100 && tally.refused > 100, "{tally:?}");
}
