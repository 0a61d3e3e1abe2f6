//! The public test suite of JSON Patch, case by case.

use rusty_kv::Json;
use serde_json::Value;

const GENERAL: &str = include_str!("../data/json-patch/tests.json");
const OF_THE_RFC: &str = include_str!("../data/json-patch/spec_tests.json");

/// Cases that are disabled there because a document or a patch in them is no JSON that any parser keeps (a name twice);
/// all others run, also those that are disabled for the sake of other programs.
const NAMES_TWICE: [&str; 2] = ["duplicate ops", "A.13 Invalid JSON Patch Document"];

#[test]
fn every_case_of_the_public_suite_comes_out_as_it_says() {
    assert_eq!((run(GENERAL), run(OF_THE_RFC)), (77, 16));
}

/// Runs the cases of a file; how many.
fn run(cases: &str) -> usize {
    let cases: Vec<Value> = serde_json::from_str(cases).expect("the cases are JSON");
    let cases =
        cases.iter().filter(|case| !case["comment"].as_str().is_some_and(|comment| NAMES_TWICE.contains(&comment)));
    cases.map(check).count()
}

fn check(case: &Value) {
    let json = |member: &str| Json::parse(&case[member].to_string()).expect("documents and patches are JSON");
    let mut document = json("doc");
    let result = document.patch(&json("patch"));
    match case.get("error") {
        Some(_) => {
            result.expect_err(&case.to_string());
            assert_eq!(document, json("doc"), "{case}");
        }
        None => {
            result.unwrap_or_else(|error| panic!("{case}: {error}"));
            let expected = if case.get("expected").is_some() { &case["expected"] } else { &case["doc"] };
            assert_eq!(
                &serde_json::from_str::<Value>(document.as_str()).expect("what comes out is JSON"),
                expected,
                "{case}"
            );
        }
    }
}

#[test]
fn a_name_that_stands_twice_in_an_operation_is_refused_where_the_patch_is_read() {
    let error = Json::parse(r#"[{"op":"add","path":"/baz","value":"qux","op":"remove"}]"#).unwrap_err();
    assert!(error.to_string().contains("duplicate member \"op\""), "{error}");
}
