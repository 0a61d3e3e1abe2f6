//! Branches of a database in a real git, which runs `merge-file` as its merge driver.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output};

use rusty_kv::{Database, Entry, Timestamp, Value};

/// A repository with a database in it.
struct Repository {
    folder: tempfile::TempDir,
}

type Entries = BTreeMap<String, Entry>;

impl Repository {
    /// With the driver, configured as `help git` says; `None` if there is no git.
    fn new() -> Option<Self> {
        let repository = Self { folder: tempfile::tempdir().unwrap() };
        if Command::new("git").arg("--version").output().is_err() {
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "git is not installed");
            std::io::stderr().write_all(b"SKIPPED: git is not installed\n").unwrap();
            return None;
        }
        let program = env!("CARGO_BIN_EXE_rusty-kv");
        repository.git(&["init", "-q", "-b", "main"]);
        repository.git(&["config", "merge.rusty-kv.driver", &format!("'{program}' merge-file %O %A %B")]);
        repository.git(&["config", "diff.rusty-kv.textconv", &format!("'{program}' --read-only export -d")]);
        repository.write(".gitattributes", b"kv.json merge=rusty-kv diff=rusty-kv\n");
        repository.write(".gitignore", b"*.json.lock\n*.json.journal*\n*.json.tmp-*\n");
        repository.git(&["add", "."]);
        repository.git(&["commit", "-q", "-m", "configuration"]);
        Some(repository)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: &[u8]) {
        fs::File::create(self.path(name)).and_then(|mut file| file.write_all(content.as_ref())).unwrap();
    }

    fn try_git(&self, args: &[&str]) -> Output {
        let mut command = Command::new("git");
        command.current_dir(self.folder.path()).env("HOME", self.folder.path()).env("GIT_CONFIG_NOSYSTEM", "1");
        command.args(["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "gc.auto=0"]);
        command.args(args).output().unwrap()
    }

    fn git(&self, args: &[&str]) -> String {
        let output = self.try_git(args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {args:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Makes a commit of these entries on a new branch off `from`.
    fn branch(&self, name: &str, from: &str, entries: &Entries) {
        self.git(&["checkout", "-q", "-B", name, from]);
        self.fill(entries);
        self.git(&["add", "."]);
        self.git(&["commit", "-q", "--allow-empty", "-m", name]);
    }

    fn fill(&self, entries: &Entries) {
        let mut db = Database::open(self.path("kv.json")).unwrap();
        db.transaction(|tx| {
            for key in tx.keys("")? {
                tx.delete(&key)?;
            }
            entries.iter().try_for_each(|(key, entry)| tx.set_entry(key, entry.clone()))
        })
        .unwrap();
        db.save().unwrap();
    }

    fn content(&self) -> Entries {
        Database::open(self.path("kv.json")).unwrap().range::<&str>(..).map(Result::unwrap).collect()
    }

    /// Makes three versions and merges the last two; the entries, and what git says.
    fn merge(&self, base: &Entries, ours: &Entries, theirs: &Entries) -> (Entries, Output) {
        self.git(&["checkout", "-q", "--orphan", "new"]);
        self.fill(base);
        self.git(&["add", "."]);
        self.git(&["commit", "-q", "-m", "base"]);
        self.git(&["branch", "-f", "base"]);
        self.branch("theirs", "base", theirs);
        self.branch("ours", "base", ours);
        self.git(&["branch", "-q", "-D", "new"]);
        let output = self.try_git(&["merge", "-q", "--no-edit", "theirs"]);
        let merged = self.content();
        if !output.status.success() {
            self.git(&["merge", "--abort"]);
        }
        (merged, output)
    }
}

/// Pseudo-random numbers, the same for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn entry(&mut self) -> Entry {
        let value = match self.below(4) {
            0 => Value::from_json(&format!("{{\"n\":{}.10,\"tags\":[{}]}}", self.below(100), self.below(9))).unwrap(),
            1 => Value::Bytes(vec![0xff, u8::try_from(self.below(256)).unwrap()]),
            _ => Value::from(format!("value {}\n\"", self.below(1000)).as_str()),
        };
        let expiry = (self.below(5) == 0).then(|| Timestamp::from_millis(4_000_000_000_000 + self.below(1000)));
        Entry { value, expiry }
    }

    /// Changes keys whose number is even, or odd: sets, deletes and adds some.
    fn change(&mut self, entries: &Entries, odd: u64) -> Entries {
        let mut changed = entries.clone();
        for _ in 0..=self.below(8) {
            let key = format!("key:{:03}", self.below(30) * 2 + odd);
            if self.below(3) == 0 {
                changed.remove(&key);
            } else {
                changed.insert(key, self.entry());
            }
        }
        changed
    }
}

/// Merges pairs of branches that touch different keys: none conflicts, and all changes are there.
fn merge_pairs(pairs: u64, seed: u64) {
    std::io::stderr().write_all(format!("{pairs} pairs of branches, seed {seed}\n").as_bytes()).unwrap();
    let Some(repository) = Repository::new() else { return };
    let mut random = Random(seed);
    for pair in 0..pairs {
        let base: Entries =
            (0..60).filter(|_| random.below(2) == 0).map(|n| (format!("key:{n:03}"), Entry::from("old"))).collect();
        let [ours, theirs] = [0, 1].map(|odd| random.change(&base, odd));
        let is_even = |key: &str| key.ends_with(['0', '2', '4', '6', '8']);
        let of = |entries: &Entries, even| {
            entries.clone().into_iter().filter(move |(key, _)| is_even(key) == even).collect::<Entries>()
        };
        let wanted: Entries = of(&ours, true).into_iter().chain(of(&theirs, false)).collect();
        let (merged, output) = repository.merge(&base, &ours, &theirs);
        assert!(output.status.success(), "pair {pair} of seed {seed}: {output:?}");
        assert_eq!(merged, wanted, "pair {pair} of seed {seed}");
        assert_eq!(repository.git(&["status", "--porcelain"]), "", "a file is left");
    }
}

#[test]
fn branches_that_change_different_keys_merge_without_a_conflict() {
    merge_pairs(20, 14);
}

/// `cargo test --test suite git -- --ignored`
#[test]
#[ignore = "takes minutes"]
fn a_thousand_pairs_of_branches_merge_without_a_conflict() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    merge_pairs(1000, seed.unwrap_or_else(|| u64::from(std::process::id())));
}

fn entries(entries: &[(&str, &str)]) -> Entries {
    entries.iter().map(|(key, json)| ((*key).to_owned(), Value::from_json(json).unwrap().into())).collect()
}

#[test]
fn the_same_change_twice_is_none_and_a_deletion_against_a_change_is_a_conflict() {
    let Some(repository) = Repository::new() else { return };
    let base = entries(&[("a", "1"), ("b", "2"), ("c", r#"{"x":1,"y":1}"#)]);
    let same = entries(&[("a", "5"), ("b", "2"), ("c", r#"{"x":1,"y":1}"#), ("new", "[1]")]);
    let (merged, output) = repository.merge(&base, &same, &same);
    assert!(output.status.success() && merged == same, "{output:?}");

    let ours = entries(&[("b", "2"), ("c", r#"{"x":2,"y":1}"#)]);
    let theirs = entries(&[("a", "3"), ("b", "4"), ("c", r#"{"x":1,"y":1.50}"#)]);
    let (merged, output) = repository.merge(&base, &ours, &theirs);
    assert!(!output.status.success());
    assert_eq!(merged, entries(&[("b", "4"), ("c", r#"{"x":2,"y":1.50}"#)]));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("conflict in 'a': ours is deleted, theirs is 3\n1 conflict: kept ours"), "{said}");

    // Both branches add the database: git's base is an empty file.
    repository.git(&["checkout", "-q", "--orphan", "one"]);
    repository.git(&["rm", "-q", "-f", "kv.json"]);
    repository.git(&["commit", "-q", "-m", "no database"]);
    repository.branch("two", "one", &entries(&[("a", "1"), ("z", "1")]));
    repository.branch("three", "one", &entries(&[("b", "1"), ("z", "1")]));
    repository.git(&["merge", "-q", "--no-edit", "two"]);
    assert_eq!(repository.content(), entries(&[("a", "1"), ("b", "1"), ("z", "1")]));
    let shown = repository.git(&["diff", "one", "HEAD", "--", "kv.json"]);
    assert!(shown.contains(r#"+{"key":"b","value":1,"type":"json"}"#), "{shown}");
}

#[test]
fn a_version_that_cannot_be_read_stops_git_with_our_version_untouched() {
    let Some(repository) = Repository::new() else { return };
    repository.branch("base", "HEAD", &entries(&[("a", "1")]));
    repository.git(&["checkout", "-q", "-b", "theirs"]);
    repository.write("kv.json", b"{\"map\":{\"a\":1,}}\n");
    repository.git(&["commit", "-q", "-a", "-m", "not JSON"]);
    repository.branch("ours", "base", &entries(&[("a", "2")]));
    let before = fs::read(repository.path("kv.json")).unwrap();
    let output = repository.try_git(&["merge", "-q", "--no-edit", "theirs"]);
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("trailing comma") && !said.contains("Automatic merge failed"), "{said}");
    assert_eq!(fs::read(repository.path("kv.json")).unwrap(), before);
}
