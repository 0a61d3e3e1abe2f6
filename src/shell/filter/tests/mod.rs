//! Filters as a whole.

mod jq;
mod refused;

use proptest::prelude::*;

use super::{Content, Failed, Filter, Scratch, Subject, quoted};
use crate::value::{Json, Value};

/// An entry without an expiry.
fn subject(value: &Value) -> Subject<'_> {
    let content = match value {
        Value::Text(text) => Content::Text(text),
        Value::Json(json) => Content::Json(json.as_str()),
        Value::Bytes(_) => Content::Bytes,
    };
    Subject { key: "user:1", kind: value.kind(), content, size: value.as_bytes().len(), ttl: None, now: 1e9 }
}

fn outputs(filter: &str, value: &str) -> Result<String, Failed> {
    let value = Value::from_json(value).unwrap();
    let filter = Filter::parse(filter, &[("given".to_owned(), quoted("A\"da"))]).unwrap();
    let outputs = filter.outputs(&subject(&value), &Scratch::default())?;
    Ok(outputs.iter().map(|output| output.json.as_str()).collect::<Vec<_>>().join(" "))
}

#[test]
fn stored_digits_and_member_order_come_out_as_they_are() {
    let value = r#"{"z":1.10,"a":[1e400,-0],"n":18446744073709551616,"s":"\u202ex"}"#;
    for (filter, wanted) in [
        (".", value),
        (".z", "1.10"),
        (".a", "[1e400,-0]"),
        ("[.a[], .n]", "[1e400,-0,18446744073709551616]"),
        (".s", r#""\u202ex""#),
        ("{n, z}", r#"{"n":18446744073709551616,"z":1.10}"#),
        ("[.z + 1, -.z, -1.10]", "[2.1,-1.1,-1.10]"),
        ("\"\\(.z)\"", "\"1.10\""),
    ] {
        assert_eq!(outputs(filter, value).unwrap(), wanted, "{filter}");
    }
}

#[test]
fn written_numbers_are_compared_exactly_and_results_as_doubles() {
    let value = r#"{"n":18446744073709551616,"m":1e400,"d":1.10,"t":0.3}"#;
    for (filter, wanted) in [
        (".n == 18446744073709551615", "false"),
        (".n > 18446744073709551615", "true"),
        (".m > 1e399", "true"),
        (".m == 10e399", "true"),
        (".d == 1.1", "true"),
        ("-18446744073709551615 > -.n", "false"),
        (".t == 0.1 + 0.2", "false"),
        ("[.n] == [18446744073709551615]", "false"),
        ("{a: .n} == {a: 18446744073709551616.0}", "true"),
        ("(\"18446744073709551616\" | tonumber) == .n", "true"),
    ] {
        assert_eq!(outputs(filter, value).unwrap(), wanted, "{filter}");
    }
}

#[test]
fn what_an_entry_knows_of_itself_is_there() {
    assert_eq!(outputs("$key, $type, $ttl, $size, $given", "{}").unwrap(), r#""user:1" "json" null 2 "A\"da""#);
    let filter = Filter::parse(". == null and $type == \"binary\" and $ttl > 1", &[]).unwrap();
    let value = Value::Bytes(vec![0xff]);
    let subject = Subject { ttl: Some(90.0), ..subject(&value) };
    assert_eq!(filter.matches(&subject, &Scratch::default()), Ok(true));
}

#[test]
fn the_last_output_decides_and_none_is_false() {
    let matches = |filter: &str| {
        let value = Value::from_json("[1,null]").unwrap();
        Filter::parse(filter, &[]).unwrap().matches(&subject(&value), &Scratch::default()).unwrap()
    };
    assert!(matches(".[0]") && matches("false, true") && matches("0"));
    assert!(!matches(".[1]") && !matches("true, false") && !matches(".[] | select(false)"));
}

#[test]
fn a_failure_says_what_it_failed_on() {
    let failed = |filter: &str, value: &str| outputs(filter, value).unwrap_err().message().to_owned();
    assert_eq!(failed(".a", "[1,2]"), "cannot index an array [1,2] with 'a'");
    assert_eq!(failed(". + 1", "{\"a\":\"\\u001b\"}"), r#"cannot add an object {"a":"\u001b"} and a number 1"#);
    assert_eq!(failed(".[]", "1"), "cannot take the items of a number 1");
    assert!(failed("keys", &format!("\"{}\"", "x".repeat(500))).len() < 100);
}

#[test]
fn what_would_never_end_or_eat_the_memory_fails_in_time() {
    let long = format!("[{}1]", "1,".repeat(20_000));
    for filter in [
        "[.[] + .[] + .[]]",
        "any(.[] + .[]; . < 0)",
        "select(.[] + .[] < 0)",
        "\"x\" * 1e18",
        "\"x\" * 1e9 | length",
        "[.[], .[], .[]] | [.[], .[], .[]] | [.[], .[], .[]] | [.[], .[], .[]] | length",
        "tostring | . + . | . + . | . + . | . + . | . + . | . + . | . + . | . + . | . + . | . + . | . + . | length",
        ". - [.[] | -. - 1]",
        ".[]",
    ] {
        let failed = outputs(filter, &long).map(|text| text.len()).unwrap_err();
        assert!(failed.message().contains("pipe"), "{filter}: {failed:?}");
    }
    let doubled = format!("[{}]", vec!["(1,2)"; 200].join(","));
    assert!(outputs(&doubled, "1").is_ok());
    let product = format!("[{}] | length", vec!["(1,2)"; 80].join("+"));
    assert!(outputs(&product, "1").unwrap_err().message().contains("pipe"));
}

#[test]
fn the_deepest_filters_neither_overflow_the_stack_nor_take_long() {
    let nested = |open: &str, inner: &str, close: &str, times: usize| open.repeat(times) + inner + &close.repeat(times);
    for filter in [
        nested("[", "1", "]", 180),
        nested("(", "1", ")", 190),
        nested("any(.[]?; ", "1", ")", 60),
        nested("[.[]?|", "1", "]", 60),
        nested("-", ".", "", 90),
        vec![".[]?"; 120].join("|"),
        vec!["."; 7000].join(","),
        vec!["(.,.)"; 120].join("|"),
        vec!["1"; 240].join("+"),
        vec![". == 1"; 1400].join(" or "),
        vec!["1"; 190].join("//"),
        format!("{{{}}}", vec!["a:1"; 3000].join(",")),
        format!("\"{}\"", "\\(1)".repeat(3000)),
        "\"\\(".repeat(60) + "1" + &")\"".repeat(60),
    ] {
        match Filter::parse(&filter, &[]) {
            Ok(filter) => {
                let value = Value::Json(Json::parse(&nested("[", "", "]", 100)).unwrap());
                let _ = filter.outputs(&subject(&value), &Scratch::default());
            }
            Err(problem) => panic!("{filter}: {problem:?}"),
        }
    }
    for filter in [
        nested("(", "1", ")", 5000),
        nested("[", "1", "]", 5000),
        nested("-", "1", "", 16_000),
        nested("{a:", "1", "}", 3000),
        vec!["1"; 8000].join("+"),
        vec!["1"; 5000].join("//"),
        ".a".repeat(8000),
        "\"\\(".repeat(4000),
        "1".repeat(20_000),
    ] {
        let refused = Filter::parse(&filter, &[]).map(drop).unwrap_err();
        assert!(refused.message.contains("deeper") || refused.message.contains("longer"), "{refused:?}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>(), near in "[.\\[\\](){}|,:;\"\\\\a-d0-9 $@?/+*%=<>!#-]{0,40}") {
        for text in [text, near] {
            if let Err(problem) = Filter::parse(&text, &[]) {
                prop_assert!(text.get(problem.span.clone()).is_some(), "{text:?}: {problem:?}");
            }
        }
    }

    #[test]
    fn no_text_makes_an_accepted_filter_panic(
        filter in "(\\.[ab]?(\\[(\\]|-?[0-9]:?\\])|\\?)?( ?([|,+*/%-]|==|<|//|and|or) ?(\\.|1|\"a\"|null|length|tostring|keys|any|not|\\[\\.\\])){0,4})",
        value in "[\\[\\]{}:,\"a\\\\u0-9eE.+ -]{0,40}",
    ) {
        if let Ok(filter) = Filter::parse(&filter, &[]) {
            // What is no JSON is only read to some end.
            for content in [Content::Json(&value), Content::Text(&value)] {
                let subject = Subject { key: "k", kind: "json", content, size: value.len(), ttl: None, now: 0.0 };
                let _ = filter.outputs(&subject, &Scratch::default());
            }
        }
    }
}
