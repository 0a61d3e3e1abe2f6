//! Output files: a path that names an open descriptor is written to, and no database is destroyed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Output};

use crate::common::{folder, put};

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// A folder with a database of one key.
    fn new() -> Self {
        let place = Self { folder: folder() };
        place.sh("$K set a 1");
        place
    }

    /// Runs a shell line in which `$K` is the program on `x.json`.
    fn sh(&self, line: &str) -> Output {
        let program = env!("CARGO_BIN_EXE_rusty-kv");
        let mut command = Command::new("bash");
        command
            .args(["-c", line])
            .current_dir(self.folder.path())
            .env("K", format!("{program} -d ./x.json"))
            .env("P", program)
            .env("HOME", self.folder.path());
        command.output().unwrap()
    }

    /// The status of a shell line, and its stderr.
    fn status(&self, line: &str) -> (i32, String) {
        let output = self.sh(line);
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }
}

#[test]
fn a_path_that_names_a_descriptor_is_written_to_and_never_replaced() {
    let place = Place::new();
    symlink("/dev/fd/7", place.path("link")).unwrap();
    let names = [
        ("/dev/stdout", ">>"),
        ("/dev/stderr", "2>>"),
        ("/dev/fd/1", ">>"),
        ("/dev/fd/7", "7>>"),
        ("link", "7>>"),
        #[cfg(target_os = "linux")]
        ("/proc/self/fd/1", ">>"),
        #[cfg(target_os = "linux")]
        ("/proc/self/fd/7", "7>>"),
        #[cfg(target_os = "linux")]
        ("/proc/thread-self/fd/2", "2>>"),
    ];
    let written =
        [("export", "--format tsv", "a\t1\n"), ("dump", "", "set a 1\n"), ("save", "", "    \"a\": \"1\"\n  }\n}\n")];
    for (name, redirect) in names {
        for (command, options, end) in written {
            put(&place.path("log"), "before\n");
            let line = format!("$K {command} {name} {options} -q {redirect} log");
            assert_eq!(place.status(&line), (0, String::new()), "{line}");
            let log = place.read("log");
            assert!(log.starts_with("before\n") && log.ends_with(end), "{line}: {log:?}");
        }
    }
    let of_another = "exec 9>>log; $K dump /proc/$$/fd/9; exec 9>&-";
    if cfg!(target_os = "linux") {
        put(&place.path("log"), "before\n");
        assert_eq!(place.status(of_another).0, 0);
        assert!(place.read("log").starts_with("before\n#"), "{:?}", place.read("log"));
    }
}

#[test]
fn a_save_leaves_a_file_that_is_no_database_alone_and_does_not_advise_to_repair_it() {
    let place = Place::new();
    for (name, content) in [("notes.txt", "remember\n"), ("old.jsonl", "{\"key\":\"a\"}\n"), ("list.json", "[1]")] {
        put(&place.path(name), content);
        for yes in ["", "-y"] {
            let (status, said) = place.status(&format!("$K save ./{name} {yes}"));
            assert_eq!(status, 3, "{said}");
            assert!(said.contains("exists and cannot be read as a database; nothing was written to it"), "{said}");
            assert!(!said.contains("repair"), "{said}");
        }
        assert_eq!(place.read(name), content);
    }
}

#[test]
fn a_program_that_is_named_as_a_file_gets_a_copy_too() {
    let place = Place::new();
    assert_eq!(place.status("$K save >(cat > copy; touch done); until test -e done; do :; done"), (0, String::new()));
    assert_eq!(place.read("copy"), place.read("x.json"));
}

#[test]
fn a_descriptor_of_the_database_itself_is_refused_and_one_that_is_not_open_makes_no_file() {
    let place = Place::new();
    let before = place.read("x.json");
    for line in ["$K export /dev/stdout >> x.json", "$K dump >> x.json", "$K save /dev/fd/3 3>> x.json"] {
        assert_eq!(place.status(line).0, 2, "{line}");
        assert_eq!(place.read("x.json"), before);
    }
    assert_eq!(place.status("$K export /dev/fd/88 --format json").0, 4);
}

#[test]
fn a_database_that_a_descriptor_names_is_read_and_not_replaced() {
    let place = Place::new();
    let before = place.read("x.json");
    assert_eq!(place.sh("$P -d /dev/stdin get a < x.json").stdout, b"1\n");
    for line in ["$P -d /dev/fd/3 set a 2 3>> x.json", "$P -d /dev/fd/3 restore y.json 3>> x.json"] {
        assert_eq!(place.status(line).0, 4, "{line}: it is read-only");
        assert_eq!(place.read("x.json"), before);
    }
}

#[test]
fn export_and_dump_replace_a_database_only_by_force_however_it_looks() {
    let place = Place::new();
    for database in [
        "{\"map\":{\"k\":\"v\"}}",
        "\n{ \"expires\": {}, \"map\": { } }",
        "{\"map\": {\"cut\": \"o",
        "{\"map\": {\n<<<<<<< HEAD\n",
    ] {
        for command in ["export other.json", "export other.json 'nomatch*'", "dump other.json"] {
            put(&place.path("other.json"), database);
            let (status, said) = place.status(&format!("$K {command}"));
            assert!(status == 2 && said.contains("--force"), "{command}: {status} {said}");
            assert_eq!(place.read("other.json"), database);
            assert_eq!(place.status(&format!("$K {command} --force")).0, 0);
            assert_ne!(place.read("other.json"), database);
        }
    }
    for no_database in ["", "{}", "[]", "{\"map\": 1}", "{\"a\": {\"map\": {}}}", "text"] {
        put(&place.path("other.json"), no_database);
        assert_eq!(place.status("$K export other.json"), (0, String::new()), "{no_database}");
    }
    let own = place.read("x.json");
    assert_eq!(place.status("$K export x.json --force").0, 2);
    assert_eq!(place.read("x.json"), own);
}

#[test]
fn a_copy_replaces_a_backup_but_a_database_in_use_only_with_yes() {
    let place = Place::new();
    for _ in 0..3 {
        assert_eq!(place.status("$K save backup.json"), (0, String::new()));
    }
    assert!(!place.path("backup.json.lock").exists(), "nobody works on a backup");
    place.sh("$P -d ./live.json set z 9; ln -s live.json link.json");
    let live = place.read("live.json");
    for line in
        ["$K save live.json", "$K save link.json", "echo save live.json | $K", "$K --atomic -f <(echo save live.json)"]
    {
        assert_eq!(place.status(line).0, 2, "{line}");
        assert_eq!(place.read("live.json"), live);
    }
    assert_eq!(place.status("$K save live.json -y").0, 0);
    assert_eq!(place.read("live.json"), place.read("x.json"));
    place.sh("$P -d ./live.json set z 9");
    assert_eq!(place.status("echo save live.json --yes | $K").0, 0);
    assert_eq!(place.read("live.json"), place.read("x.json"));
    // The database itself, under a different name, is saved.
    place.sh("ln -s x.json self.json");
    assert_eq!(place.status("$K save self.json"), (0, String::new()));
}
