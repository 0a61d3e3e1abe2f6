//! Checks the layers: a module only uses lower ones, files are touched in one place, and the engine does not depend on
//! the program. All of `src/` is read as text, so that a violation has a file and a line.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::common::tokens::{Token, is_name, sources, tokens};

/// The units, top floor first. A submodule that is not listed belongs to the unit that contains it. Units on one floor
/// may use each other as long as they form no cycle.
const FLOORS: &[&[&str]] = &[
    &["main", "build"],
    &["shell"],
    &["shell::repl", "shell::run"],
    &["shell::language"],
    &["shell::commands"],
    &["shell::terminal"],
    &["shell::render", "shell::transfer", "shell::filter"],
    &["shell::config", "shell::answer"],
    &["shell::text"],
    &["redis"],
    &["store"],
    &["database"],
    &["storage"],
    &["storage::check"],
    &["storage::write"],
    &["storage::read"],
    &["storage::format", "storage::files"],
    &["value"],
    &["number"],
    &["json"],
    &["expiry"],
    &["error"],
];

/// Modules whose `mod.rs` defines a type that their submodules extend, so the submodules may use it.
const HOLDERS: &[&str] = &[
    "store",
    "redis::remote",
    "store::undoing",
    "database",
    "storage",
    "storage::files::disk",
    "storage::read::journal",
    "json",
    "value",
    "shell::commands",
    "shell::render",
    "shell::repl",
    "shell::run",
];

/// Modules of storage that add methods to its `Storage`, and so may use it.
const EXTENDS_STORAGE: &[&str] = &["storage::check", "storage::write", "storage::read"];

/// Helpers of storage's tests, above all disks in memory. Tests on any floor may use them.
const SHARED_BY_TESTS: &str = "storage::tests";

/// The only module below the shell that opens, renames and removes files.
const FILES: &str = "storage::files::disk";

#[test]
fn every_module_uses_only_what_is_below_it() {
    let house = House::at(&src());
    let seen = |named| house.target("database", named).is_some_and(|to| to == "storage");
    assert!(house.modules["database"].paths.iter().any(seen), "what everybody can see was not seen");
    assert_none(&floor_offences(&house));
}

#[test]
fn below_the_shell_files_are_touched_in_one_place_only() {
    assert_none(&file_offences(&House::at(&src())));
}

#[test]
fn nothing_outside_the_shell_names_a_dependency_of_the_shell() {
    assert_none(&dependency_offences(&House::at(&src())));
}

#[test]
fn a_use_that_goes_up_is_reported_with_file_and_line() {
    let offences = |path, text| floor_offences(&House::of(&[(path, text)]));
    assert_eq!(
        offences("json.rs", "\n\nuse crate::storage::files;"),
        ["src/json.rs:3: json uses storage::files, which is above it"]
    );
    assert_eq!(
        offences("storage/files/lock.rs", "use super::super::{files::{\n  self},\n  read::Snapshot};"),
        [
            "src/storage/files/lock.rs:2: storage::files::lock uses storage::files, the module that it is a part of",
            "src/storage/files/lock.rs:3: storage::files::lock uses storage::read, which is above it",
        ]
    );
    assert_eq!(
        offences("value.rs", "fn f() { let x = crate::database::Database::in_memory(); }"),
        ["src/value.rs:1: value uses database, which is above it"]
    );
    assert_eq!(
        offences("error.rs", "mod tests {\n  use super::super::value::Value;\n}"),
        ["src/error.rs:2: error uses value, which is above it"]
    );
    assert_eq!(
        offences("storage/files/disk/mod.rs", "use crate::storage::Entry;"),
        ["src/storage/files/disk/mod.rs:1: storage::files::disk uses storage, which is above it"]
    );
    assert_eq!(
        offences("number.rs", "use crate::Value;"),
        ["src/number.rs:1: number uses value, which is above it"],
        "what lib.rs re-exports counts as what it is"
    );
    assert_eq!(
        offences("shell/language/help.rs", "use super::Word;"),
        ["src/shell/language/help.rs:1: shell::language::help uses shell::language, the module that it is a part of"]
    );
    assert_eq!(
        offences("cellar.rs", ""),
        ["src/cellar.rs:1: cellar has no floor; give it one in tests/suite/floors.rs"]
    );
}

#[test]
fn a_cycle_on_one_floor_is_reported_from_each_of_its_sides() {
    let offences = floor_offences(&House::of(&[
        ("shell/repl/mod.rs", "\nuse super::run::Runner;"),
        ("shell/run.rs", "use super::repl;"),
        ("shell/mod.rs", "use self::run;"),
    ]));
    assert_eq!(
        offences,
        [
            "src/shell/repl/mod.rs:2: shell::repl uses shell::run, which leads back to it",
            "src/shell/run.rs:1: shell::run uses shell::repl, which leads back to it",
        ]
    );
}

#[test]
fn what_goes_down_or_stays_at_home_is_no_offence() {
    let offences = floor_offences(&House::of(&[
        ("main.rs", "fn main() { rusty_kv::shell::run() }"),
        ("database/options.rs", "use super::Database;\nuse crate::storage::{Settings, Storage};"),
        ("storage/mod.rs", "mod files; use self::files::Identity; use crate::error::{Error, Result};"),
        ("storage/write/commit.rs", "use crate::storage::Storage;"),
        (
            "storage/format/record.rs",
            "pub(in crate::database) fn f() {}\npub(super) fn g() {}\nmod tests { use super::*; }",
        ),
        (
            "json.rs",
            "// use crate::database;\n/* crate::storage /* nested */ */ const A: &str = \"use crate::value;\\\"\"; const B: &str = r#\"\"crate::value\"#; const C: char = '\"'; fn f<'a>(_: &'a str) {}",
        ),
    ]));
    assert_none(&offences);
}

#[test]
fn a_file_touched_elsewhere_is_reported_with_file_and_line() {
    let offences = |path, text| file_offences(&House::of(&[(path, text)]));
    for text in [
        "use std::fs::rename;",
        "fn f() { std::fs::remove_file(path); }",
        "fn f() { fs::write(path, text); }",
        "use std::{fs::{self, OpenOptions}};",
        "fn f() { File::open(path); }",
        "fn f() { File::create_new(path); }",
        "use std::os::unix::fs::symlink;",
    ] {
        assert_eq!(offences("value.rs", text).len(), 1, "{text}");
        assert!(offences("value.rs", text)[0].starts_with("src/value.rs:1: "), "{text}");
        assert_none(&offences("storage/files/disk/real.rs", text));
        assert_none(&offences("shell/config.rs", text));
    }
    assert_none(&offences("storage/files/lock.rs", "use std::fs::{File, TryLockError};"));
}

#[test]
fn a_dependency_of_the_shell_named_elsewhere_is_reported() {
    let offences = |path| dependency_offences(&House::of(&[(path, "\nfn f() { strsim::osa(a, b); }")]));
    assert_eq!(offences("value.rs"), ["src/value.rs:2: strsim is for the shell alone"]);
    assert_none(&offences("shell/render/table.rs"));
    for name in ["clap", "rustyline", "colored", "dirs", "regex", "strsim"] {
        assert!(shell_dependencies().contains(name), "{name}");
    }
}

fn assert_none(offences: &[String]) {
    assert!(offences.is_empty(), "\n{}\n", offences.join("\n"));
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The modules of a source tree, one per file.
struct House {
    modules: BTreeMap<String, Module>,
    /// The re-exports of `lib.rs`, with the modules that they come from.
    exports: BTreeMap<String, String>,
}

struct Module {
    file: String,
    paths: Vec<Named>,
}

impl House {
    /// Reads every file in a folder.
    fn at(folder: &Path) -> Self {
        let files = sources(folder);
        assert!(files.len() > 10, "{} has hardly any files", folder.display());
        let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        Self::of(&files)
    }

    /// A source tree with these files above the real lowest floor.
    fn of(files: &[(&str, &str)]) -> Self {
        let lib = "pub use self::value::{Json, Value};";
        let lib = files.iter().find(|(path, _)| *path == "lib.rs").map_or(lib, |(_, text)| text);
        let exports = named(lib)
            .into_iter()
            .filter(|named| named.path.len() == 3 && named.path[0] == "self")
            .map(|named| (named.path[2].clone(), named.path[1].clone()))
            .collect();
        let modules = files
            .iter()
            .filter(|(path, _)| *path != "lib.rs")
            .map(|(path, text)| {
                let name = path.trim_end_matches(".rs").trim_end_matches("/mod").replace('/', "::");
                (name, Module { file: format!("src/{path}"), paths: named(text) })
            })
            .collect();
        Self { modules, exports }
    }

    /// The module that a path in `from` refers to; `None` if it leaves the crate or stays in the file.
    fn target(&self, from: &str, named: &Named) -> Option<String> {
        let mut steps = named.path.iter().map(String::as_str).peekable();
        let mut at: Vec<&str> = from.split("::").chain(named.inside.iter().map(String::as_str)).collect();
        match *steps.peek()? {
            "crate" | "rusty_kv" => {
                at.clear();
                steps.next();
            }
            "self" => {
                steps.next();
            }
            "super" => {}
            _ => return None,
        }
        while steps.next_if_eq(&"super").is_some() {
            at.pop();
        }
        at.extend(steps);
        if at.len() == 1
            && let Some(module) = self.exports.get(at[0])
        {
            return Some(module.clone());
        }
        let known = |module: &str| {
            self.modules.contains_key(module)
                || FLOORS.iter().flat_map(|floor| floor.iter()).any(|&unit| unit == module)
        };
        (1..=at.len()).rev().map(|len| at[..len].join("::")).find(|module| known(module)).filter(|to| to != from)
    }
}

/// The floor of a module, counted from the top, and its unit.
fn floor(module: &str) -> Option<(usize, &'static str)> {
    let belongs = |unit: &str| module == unit || module.strip_prefix(unit).is_some_and(|rest| rest.starts_with("::"));
    // `mod.rs` of the shell is on the top floor; a new file in it must be listed.
    let own = |unit: &&str| module == *unit || *unit != "shell";
    let named = FLOORS.iter().enumerate().flat_map(|(floor, units)| units.iter().map(move |&unit| (floor, unit)));
    named.filter(|(_, unit)| belongs(unit) && own(unit)).max_by_key(|(_, unit)| unit.len())
}

fn floor_offences(house: &House) -> Vec<String> {
    let mut offences = Vec::new();
    let mut uses: BTreeMap<(String, String), String> = BTreeMap::new();
    // The files of a test are one unit.
    for (from, module) in house.modules.iter().filter(|(from, _)| !from.contains("::tests::")) {
        let Some((from_floor, from_unit)) = floor(from) else {
            offences.push(format!("{}:1: {from} has no floor; give it one in tests/suite/floors.rs", module.file));
            continue;
        };
        for named in &module.paths {
            let Some(to) = house.target(from, named) else { continue };
            let place = format!("{}:{}", module.file, named.line);
            let Some((to_floor, to_unit)) = floor(&to) else { continue };
            let is_test = from.ends_with("::tests") || named.inside.iter().any(|module| module == "tests");
            if is_test && to.starts_with(SHARED_BY_TESTS) {
                continue;
            }
            let is_part = from.starts_with(&format!("{to}::")) && !from.ends_with("::tests");
            let extends = is_part && HOLDERS.contains(&to.as_str());
            if extends && (to_unit == from_unit || EXTENDS_STORAGE.contains(&from_unit)) {
                continue;
            }
            if to_floor < from_floor {
                offences.push(format!("{place}: {from} uses {to}, which is above it"));
            } else if to_unit == from_unit && is_part {
                offences.push(format!("{place}: {from} uses {to}, the module that it is a part of"));
            } else {
                uses.entry((from.clone(), to)).or_insert(place);
            }
        }
    }
    for ((from, to), place) in &uses {
        if leads(&uses, to, from) {
            offences.push(format!("{place}: {from} uses {to}, which leads back to it"));
        }
    }
    offences
}

/// Whether one module uses another, directly or not.
fn leads(uses: &BTreeMap<(String, String), String>, from: &str, to: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        if at == to {
            return true;
        }
        if seen.insert(at) {
            open.extend(uses.keys().filter(|(user, _)| user == at).map(|(_, used)| used.as_str()));
        }
    }
    false
}

fn file_offences(house: &House) -> Vec<String> {
    let is_files =
        |module: &str| module.strip_prefix(FILES).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
    let outside = |module: &str| is_files(module) || is_shell(module);
    let touches = |path: &[String]| {
        path.iter().any(|name| name == "OpenOptions" || name == "DirBuilder")
            || path.windows(2).any(|pair| match (&*pair[0], &*pair[1]) {
                ("File", call) => call.starts_with(|c: char| c.is_ascii_lowercase()),
                ("fs", call) => call != "self" && call.starts_with(|c: char| c.is_ascii_lowercase()),
                _ => false,
            })
    };
    let mut offences = Vec::new();
    for (_, module) in house.modules.iter().filter(|(name, _)| !outside(name)) {
        for named in module.paths.iter().filter(|named| touches(&named.path)) {
            let (file, line, path) = (&module.file, named.line, named.path.join("::"));
            offences.push(format!("{file}:{line}: {path} belongs into {FILES}"));
        }
    }
    offences
}

fn dependency_offences(house: &House) -> Vec<String> {
    let forbidden = shell_dependencies();
    let mut offences = Vec::new();
    for (name, module) in house.modules.iter().filter(|(name, _)| !is_shell(name)) {
        // A module that has the name of a crate is there for it.
        let own = name.split("::").next();
        for named in &module.paths {
            if named.path.len() > 1 && forbidden.contains(&named.path[0]) && own != Some(&*named.path[0]) {
                offences.push(format!("{}:{}: {} is for the shell alone", module.file, named.line, named.path[0]));
            }
        }
    }
    offences
}

fn is_shell(module: &str) -> bool {
    module == "shell" || module.starts_with("shell::")
}

/// The dependencies that only the feature `shell` adds, by their names in code, without those that every test may use.
fn shell_dependencies() -> BTreeSet<String> {
    let manifest = include_str!("../../Cargo.toml");
    let for_tests = manifest.split_once("[dev-dependencies]").map_or("", |(_, rest)| rest);
    let optional = manifest.split("\"dep:").skip(1).filter_map(|rest| rest.split('"').next());
    let optional = optional.filter(|name| !for_tests.contains(&format!("\n{name} = ")));
    optional.map(|name| name.replace('-', "_")).collect()
}

/// A path that a source text names.
#[derive(Debug)]
struct Named {
    line: usize,
    /// The inline modules that contain it.
    inside: Vec<String>,
    path: Vec<String>,
}

/// Every path in a source text, with each branch of a `use` tree as a path.
fn named(text: &str) -> Vec<Named> {
    let tokens = tokens(text);
    let mut found = Vec::new();
    // The open inline modules, each with the depth of braces at its start.
    let mut inside: Vec<(String, usize)> = Vec::new();
    let mut depth = 0;
    let mut at = 0;
    while at < tokens.len() {
        match &*tokens[at].text {
            "{" => depth += 1,
            "}" => {
                depth -= 1;
                inside.pop_if(|(_, began)| *began == depth);
            }
            "mod" if tokens.get(at + 2).is_some_and(|token| token.text == "{") => {
                inside.push((tokens[at + 1].text.clone(), depth));
                at += 1;
            }
            // `pub(super)` and `pub(in crate::x)` restrict visibility and use nothing.
            "pub" if tokens.get(at + 1).is_some_and(|token| token.text == "(") => {
                while tokens[at].text != ")" {
                    at += 1;
                }
            }
            "use" => {
                at = branches(&tokens, at + 1, &mut Vec::new(), &inside, &mut found);
                continue;
            }
            name if is_name(name) => {
                at = branches(&tokens, at, &mut Vec::new(), &inside, &mut found);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Reads a path, or a tree of paths after `before`; returns the token after it.
fn branches(
    tokens: &[Token],
    mut at: usize,
    before: &mut Vec<String>,
    inside: &[(String, usize)],
    found: &mut Vec<Named>,
) -> usize {
    let kept = before.len();
    let line = tokens.get(at).map_or(0, |token| token.line);
    let mut tree = false;
    while let Some(token) = tokens.get(at) {
        if is_name(&token.text) || token.text == "*" && !before.is_empty() {
            before.push(token.text.clone());
            at += 1;
        } else if token.text == "{" {
            tree = true;
            at += 1;
            while tokens.get(at).is_some_and(|token| token.text != "}") {
                at = if tokens[at].text == "," { at + 1 } else { branches(tokens, at, before, inside, found) };
            }
            at += 1;
            break;
        } else {
            at += 1;
            break;
        }
        if tokens.get(at).is_some_and(|token| token.text == "::") {
            at += 1;
        } else {
            break;
        }
    }
    if !tree && before.len() > kept {
        let inside = inside.iter().map(|(name, _)| name.clone()).collect();
        found.push(Named { line, inside, path: before.clone() });
    }
    before.truncate(kept);
    at
}
