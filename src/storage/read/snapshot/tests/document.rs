use crate::json::Fault;
use crate::storage::read::snapshot::document::{Document, Unreadable};

fn fault(text: &str) -> Fault {
    match Document::read(text.as_bytes()) {
        Err(Unreadable::Fault(fault)) => fault,
        other => panic!("{text:?} gave {other:?}"),
    }
}

#[test]
fn keys_are_sorted_by_their_bytes() {
    let text = r#"{"map":{"é":"1","z":"2","Z":"3","":"4","\u0000":"5","😀":"6","\uffff":"7"}}"#;
    let keys: Vec<String> = Document::read(text.as_bytes()).unwrap().entries.into_keys().collect();
    assert_eq!(keys, ["", "\0", "Z", "z", "é", "\u{ffff}", "😀"]);
}

#[test]
fn a_newer_format_is_distinguished_from_corruption() {
    assert_eq!(Document::read(br#"{"$rusty-kv":2,"map":7}"#), Err(Unreadable::Newer));
}

#[test]
fn a_file_that_is_not_a_database_is_refused_with_its_place() {
    for (text, reason) in [
        ("[]", "expected an object"),
        ("\"map\"", "expected an object"),
        ("{}", "no member \"map\""),
        (r#"{"map":[]}"#, "not an object"),
        (r#"{"map":{},"map":{}}"#, "duplicate member \"map\""),
        (r#"{"map":{},"expires":[]}"#, "not an object"),
        (r#"{"map":{"a":"b"},"expires":{"a":5}}"#, "time such as"),
        (r#"{"map":{"a":"b"},"expires":{"a":"soon"}}"#, "time such as"),
        (r#"{"map":{}} {}"#, "unexpected data after"),
        ("{\"map\":{}}\0\0", "zero bytes from offset 10"),
        ("\0\0\0\0", "zero bytes from offset 0"),
        ("{\0", "UTF-16"),
        (r#"{"map":{"a":"b","#, "the end of the text"),
        (r#"{"map":{"a":"\ud800"}}"#, "surrogate"),
        ("{\"map\":{\"a\":\"\x1b\"}}", "control character"),
    ] {
        assert!(fault(text).reason.contains(reason), "{text:?}: {:?}", fault(text));
    }
    assert!(matches!(Document::read(b"{\"map\":{\"a\":\"\xff\"}}"), Err(Unreadable::Fault(Fault { at: 13, .. }))));
}

#[test]
fn no_expiries_may_be_null() {
    for expires in ["null", "{}", " null "] {
        for text in [
            format!(r#"{{"map":{{"a":"1"}},"expires":{expires}}}"#),
            format!(r#"{{"expires":{expires},"map":{{"a":"1"}}}}"#),
        ] {
            let document = Document::read(text.as_bytes()).unwrap();
            assert_eq!(document.entries["a"].expiry, None, "{text}");
            assert_eq!(document.foreign, [], "{text}");
        }
    }
    assert_eq!(fault(r#"{"map":{},"expires":nul}"#).at, 20);
}

#[test]
fn a_duplicate_key_names_both_lines() {
    let fault = fault("{\"x\":{},\n\"map\":{\n\"a\":{\"$json\":1},\n\"b\":\"\",\n\"\\u0061\":\"2\"}}");
    assert_eq!(fault.reason, "duplicate key \"a\", first in line 3");
    assert_eq!(fault.place(b"{\"x\":{},\n\"map\":{\n\"a\":{\"$json\":1},\n\"b\":\"\",\n\"\\u0061\":\"2\"}}"), (5, 1));
}

#[test]
fn values_are_kept_in_the_form_they_are_written_in() {
    let text = r#"{"expires":{"a":"2027-01-01T00:00:00Z"},"map":{"a":"\u0041\u202E","b":{ "$json" : {"x":1} },"c":{"$json":{"$json":1}},"d":[1, "\u0041"]}}"#;
    let document = Document::read(text.as_bytes()).unwrap();
    let texts: Vec<&str> = document.entries.values().map(|stored| &*stored.text).collect();
    assert_eq!(texts, ["\"A\\u202e\"", r#"{"x":1}"#, r#"{"$json":{"$json":1}}"#, r#"[1,"\u0041"]"#]);
    assert_eq!(document.entries["a"].expiry, Some("2027-01-01T00:00:00Z".parse().unwrap()));
}
