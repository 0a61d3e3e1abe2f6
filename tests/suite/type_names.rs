//! Type names are unambiguous: no two types of the crate share one. Types in tests are exempt.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::common::tokens::{Token, is_name, sources, tokens};

#[test]
fn no_two_types_share_a_name() {
    let files = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let shared = shared(&files);
    assert!(shared.is_empty(), "\n{}\n", shared.join("\n"));
}

#[test]
fn a_shared_name_is_reported_with_every_place_and_tests_may_have_it() {
    let files = [
        ("a.rs", "#[cfg(test)]\nmod fake;\nstruct One { two: Two }\nimpl X for One { type Item = Two; }"),
        ("b.rs", "mod c {\n    pub(crate) type One = u8;\n}\n// struct Two;\ntrait Two { type Three; }"),
        ("d.rs", "#[cfg(test)] struct Two(u8);\nenum Three { One }\n#[cfg(test)]\nmod tests { struct Three; }"),
        ("a/fake.rs", "struct Two;"),
        ("a/fake/parts.rs", "struct Two;"),
    ];
    assert_eq!(shared(&files), ["One: src/a.rs:3, src/b.rs:2"]);
}

/// The names of more than one type, with their locations.
fn shared(files: &[(&str, &str)]) -> Vec<String> {
    let module = |path: &str| path.trim_end_matches(".rs").trim_end_matches("/mod").to_owned();
    let found: Vec<_> = files.iter().map(|(path, text)| (*path, declared(&tokens(text)))).collect();
    let in_tests: BTreeSet<String> = found
        .iter()
        .flat_map(|(path, found)| found.tests.iter().map(move |name| format!("{}/{name}", module(path))))
        .map(|name| name.trim_start_matches("lib/").to_owned())
        .collect();
    let is_test = |path: &str| in_tests.iter().any(|test| Path::new(&module(path)).starts_with(test));
    let mut places: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (path, found) in found.iter().filter(|(path, _)| !is_test(path)) {
        for (name, line) in &found.types {
            places.entry(name).or_default().push(format!("src/{path}:{line}"));
        }
    }
    let shared = places.iter_mut().filter(|(_, places)| places.len() > 1);
    shared
        .map(|(name, places)| {
            places.sort();
            format!("{name}: {}", places.join(", "))
        })
        .collect()
}

/// The types that a file declares outside its tests.
#[derive(Default)]
struct Declared {
    types: Vec<(String, usize)>,
    /// Modules in other files that only tests use.
    tests: Vec<String>,
}

fn declared(tokens: &[Token]) -> Declared {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let mut found = Declared::default();
    // For each open brace, whether the types in it belong to a trait.
    let mut open = Vec::new();
    let mut in_trait = false;
    let mut at = 0;
    while at < tokens.len() {
        match text(at) {
            "#" if (1..7).map(|n| text(at + n)).eq(["[", "cfg", "(", "test", ")", "]"]) => {
                let end = end_of_item(tokens, at + 7);
                let name = (at..end).find(|&at| text(at) == "mod" && text(at + 2) == ";");
                found.tests.extend(name.map(|at| text(at + 1).to_owned()));
                at = end;
                continue;
            }
            "{" => open.push(std::mem::take(&mut in_trait)),
            "}" => _ = open.pop(),
            ";" => in_trait = false,
            keyword @ ("struct" | "enum" | "trait" | "type") if is_name(text(at + 1)) => {
                if keyword != "type" || open.last() != Some(&true) {
                    found.types.push((text(at + 1).to_owned(), tokens[at].line));
                }
                in_trait = keyword == "trait";
            }
            "impl" => in_trait = true,
            _ => {}
        }
        at += 1;
    }
    found
}

/// After an item, a field or a statement.
fn end_of_item(tokens: &[Token], start: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(start) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" if depth == 0 => return at,
            end @ (")" | "]" | "}") => {
                depth -= 1;
                if depth == 0 && end == "}" {
                    return at + 1;
                }
            }
            ";" | "," if depth == 0 => return at + 1,
            _ => {}
        }
    }
    tokens.len()
}
