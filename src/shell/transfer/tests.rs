use std::io;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::expiry::Timestamp;
use crate::shell::text::argument::Flatten;
use crate::storage::Entry;
use crate::value::Value;

fn plain() -> Reading {
    Reading { flatten: None, key_column: None, value_column: None, delimiter: None, now: Timestamp::from_millis(0) }
}

fn read(format: Format, bytes: &[u8]) -> Result<Vec<Record>, ImportError> {
    read_as(format, bytes, plain())
}

fn read_as(format: Format, bytes: &[u8], reading: Reading) -> Result<Vec<Record>, ImportError> {
    // A buffer of one byte finds what rests on where the buffers end.
    let mut source = source(format, io::BufReader::with_capacity(1, bytes), reading)?;
    let mut records = Vec::new();
    while let Some(record) = source.next()? {
        records.push(record);
    }
    Ok(records)
}

fn fault(format: Format, bytes: &[u8]) -> String {
    match read(format, bytes) {
        Err(ImportError::Fault(fault)) => format!("{}:{}: {}", fault.line, fault.column, fault.reason),
        other => panic!("{other:?}"),
    }
}

fn formats() -> impl Iterator<Item = Format> {
    use Format::{Csv, Dotenv, Json, Jsonl, Redis, Tsv};
    [Json, Jsonl, Csv, Dotenv, Redis, Tsv].into_iter()
}

fn write(format: Format, records: &[Record]) -> Result<Vec<u8>, Unfit> {
    let mut sink = sink(format);
    let mut written = Vec::new();
    let mut refused = Ok(());
    let mut wrote = |sink: &mut Box<dyn RecordSink>,
                     put: &dyn Fn(&mut dyn RecordSink, &mut Out<'_>) -> Result<(), Unfit>| {
        let before = written.len();
        let mut out = Out::new(&mut written);
        let put = put(&mut **sink, &mut out);
        out.finish().unwrap();
        assert!(put.is_ok() || written.len() == before, "what is refused leaves nothing");
        put
    };
    wrote(&mut sink, &|sink, out| {
        sink.begin(out);
        Ok(())
    })?;
    for record in records {
        refused = refused.and(wrote(&mut sink, &|sink, out| sink.put(&record.key, &record.entry, out)));
    }
    wrote(&mut sink, &|sink, out| {
        sink.end(out);
        Ok(())
    })?;
    refused.map(|()| written)
}

/// Whether a format can hold an entry, by what is said of the formats.
fn unfit(format: Format, Record { key, entry }: &Record) -> Option<What> {
    use Format::{Csv, Dotenv, Json, Jsonl, Redis, Tsv};
    let is_name = !key.is_empty()
        && !key.starts_with(|c: char| c.is_ascii_digit())
        && key.chars().all(|c| c == '_' || c.is_ascii_alphanumeric());
    let is_binary = matches!(entry.value, Value::Bytes(_));
    let is_whole = match format {
        Dotenv => {
            is_name
                && !is_binary
                && !entry.value.as_bytes().contains(&0)
                && readers::form(key, &entry.value.to_string()).is_ok()
        }
        Json => !is_binary,
        _ => true,
    };
    let expires = entry.expiry.is_some() && !matches!(format, Jsonl | Csv | Redis);
    let is_json = matches!(entry.value, Value::Json(_)) && matches!(format, Redis | Tsv | Dotenv);
    match (is_whole, expires, is_json) {
        (false, ..) => Some(What::Entry),
        (_, true, _) => Some(What::Expiry),
        (_, _, true) => Some(What::Type),
        _ => None,
    }
}

fn record(key: &str, value: impl Into<Value>) -> Record {
    Record { key: key.to_owned(), entry: Entry::from(value.into()) }
}

fn json(text: &str) -> Value {
    Value::from_json(text).unwrap()
}

fn any_record() -> impl Strategy<Value = Record> {
    let text = prop_oneof![any::<String>(), "[\\PC\t\n\r\"'\\\\,#$` \0\u{feff}]{0,12}", "[a-z0-9 ]{0,6}"];
    let value = prop_oneof![
        text.clone().prop_map(Value::Text),
        prop::collection::vec(any::<u8>(), 0..20).prop_map(Value::Bytes),
        "(1|1\\.50|-0|1e400|18446744073709551616|null|true|\\[1,\"a\"\\]|\\{\"z\":1,\"a\":\\[\\]\\})"
            .prop_map(|text| json(&text)),
    ];
    let key = prop_oneof![text, "[A-Z_][A-Z0-9_]{0,4}"];
    (key, value, prop::option::of(0..4_000_000_000_000_u64)).prop_map(|(key, value, expiry)| Record {
        key,
        entry: Entry { value, expiry: expiry.map(Timestamp::from_millis) },
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn what_a_format_carries_comes_back_and_what_it_does_not_is_said(record in any_record()) {
        for format in formats() {
            let written = write(format, std::slice::from_ref(&record));
            prop_assert_eq!(written.as_ref().err().map(|unfit| unfit.what), unfit(format, &record), "{:?}", format);
            let Ok(bytes) = written else { continue };
            let back = read(format, &bytes);
            let Ok([back]) = back.as_deref() else { panic!("{format:?}: {back:?} of {record:?}") };
            let mut kept = record.clone();
            if let (Format::Redis | Format::Tsv, Value::Bytes(bytes)) = (format, &record.entry.value) {
                // They have bytes without a type: those that are text are text.
                kept.entry.value = Value::from_bytes(bytes.clone());
            }
            prop_assert_eq!(back, &kept, "{:?}: {}", format, String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn no_input_is_a_panic(bytes: Vec<u8>, text in "[\\[\\]{}\":,a1\\\\ \n=SET'x#]{0,40}") {
        for format in formats() {
            let _ = read(format, &bytes);
            let _ = read(format, text.as_bytes());
        }
    }
}

#[test]
fn jsonl_and_csv_carry_everything() {
    let records = [
        record("text", "a\n\"b\",\t\u{202e}"),
        record("", ""),
        record("json", json("{\"$binary\":\"AA==\"}")),
        record("bytes", vec![0xff, 0]),
        Record { key: "k".to_owned(), entry: Entry { expiry: Some(Timestamp::from_millis(1)), ..Entry::from("v") } },
    ];
    for format in [Format::Jsonl, Format::Csv] {
        let bytes = write(format, &records).unwrap();
        assert_eq!(read(format, &bytes).unwrap(), records);
    }
}

#[test]
fn the_name_of_a_file_says_its_format() {
    for (name, format) in [
        ("a.json", Some(Format::Json)),
        ("b/A.JSONL", Some(Format::Jsonl)),
        ("x.ndjson", Some(Format::Jsonl)),
        (".env", Some(Format::Dotenv)),
        (".env.local", Some(Format::Dotenv)),
        ("prod.env", Some(Format::Dotenv)),
        ("x.redis", Some(Format::Redis)),
        ("x.tsv", Some(Format::Tsv)),
        ("x.txt", None),
        ("json", None),
    ] {
        assert_eq!(Format::of_path(Path::new(name)), format, "{name}");
    }
}

#[test]
fn an_object_is_read_member_by_member_and_a_fault_has_its_place() {
    let text = "\u{feff} {\"a\": \"x\", \"b\" : [1, {\"c\":\"},{\"}],\n \"ü\":null}\n";
    let records = [record("a", "x"), record("b", json("[1,{\"c\":\"},{\"}]")), record("ü", json("null"))];
    assert_eq!(read(Format::Json, text.as_bytes()).unwrap(), records);
    assert_eq!(read(Format::Json, b"{}").unwrap(), []);
    for (text, place) in [
        ("", "1:1: the file is empty"),
        ("[1]", "1:1: expected an object"),
        ("{\"a\":1,}", "1:8: trailing comma"),
        ("{\"a\":1}\nx", "2:1: unexpected data"),
        ("{\"a\":1", "1:7: the file ends"),
        ("{\"ü\":1,\n  \"b\": 01}", "2:8: "),
        ("{\"a\":\n{\"x\":1,\"x\":2}}", "2:8: duplicate member"),
        ("{\"a\" 1}", "1:6: "),
        ("{\"a\":1 \"b\":2}", "1:8: "),
        ("{,}", "1:2: "),
        ("{\"a\":[1}", "1:"),
    ] {
        let fault = fault(Format::Json, text.as_bytes());
        assert!(fault.starts_with(place), "{text:?}: {fault}");
    }
}

#[test]
fn nested_objects_become_keys() {
    let text = br#"{"a":{"b":{"c":1},"d~/":"x","e":{},"f":[{"g":1}]},"h":2}"#;
    let keys = |flatten| {
        let reading = Reading { flatten: Some(flatten), ..plain() };
        let records = read_as(Format::Json, text, reading).unwrap();
        records
            .into_iter()
            .map(|record| format!("{}={:?}", record.key, record.entry.value))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let dotted = keys(Flatten::Dotted);
    assert!(
        dotted.starts_with("a.b.c=") && dotted.contains("a.d~/=") && dotted.contains("a.e=") && dotted.contains("a.f="),
        "{dotted}"
    );
    let pointers = keys(Flatten::Pointer);
    assert!(
        pointers.starts_with("/a/b/c=") && pointers.contains("/a/d~0~1=") && pointers.contains(" /h="),
        "{pointers}"
    );
}

#[test]
fn a_table_gives_the_chosen_columns_or_all_of_them() {
    let text = b"id,name,note\n1,Ada,\"a, \"\"b\"\"\nc\"\n2,Grace,\n";
    let rows = read(Format::Csv, text).unwrap();
    assert_eq!(rows[0], record("1", json(r#"{"id":"1","name":"Ada","note":"a, \"b\"\nc"}"#)));
    let chosen = Reading { key_column: Some("name".to_owned()), value_column: Some("note".to_owned()), ..plain() };
    assert_eq!(read_as(Format::Csv, text, chosen).unwrap(), [record("Ada", "a, \"b\"\nc"), record("Grace", "")]);
    assert_eq!(
        read(Format::Csv, b"\xef\xbb\xbfkey,value\r\na,\"1\r\n2\"\r\n\r\nb,").unwrap(),
        [record("a", "1\r\n2"), record("b", "")]
    );
    assert_eq!(read(Format::Csv, b"").unwrap(), []);
    for (text, place) in [
        (&b"a,b\n1\n"[..], "2:1: the header has 2 columns, this row 1"),
        (b"a,a\n1,2\n", "1:3: two columns"),
        (b"key,value,type\na,\xc3\xa9,c\n", "2:5: unknown type"),
        (b"key,value\na,\"b\n", "2:3: the quote opened here is never closed"),
        (b"key,value\na,\"b\"c\n", "2:6: something follows the quote"),
        (b"key,value\ra,\"b\"\rc\n", "3:1: the header has 2 columns"),
        (b"key,value\n\xff,b\n", "2:1: the key is not UTF-8"),
        (b"key,value,type\na,\"[1,\",json\n", "2:3: the value: "),
        (b"key,value,type\na,?,binary\n", "2:3: the value is not base64"),
        (b"key,value,expires\na,b,soon\n", "2:5: "),
    ] {
        let fault = fault(Format::Csv, text);
        assert!(fault.starts_with(place), "{:?}: {fault}", String::from_utf8_lossy(text));
    }
}

#[test]
fn variables_are_read_as_people_write_them() {
    let text = "# comment\nA=1\nexport B = two words # not this\nC='it is $literal'\nD=\"a\\nb \\$x \\\"q\\\"\"\nE=\"two\nlines\"\nF=\nG=#x\nH=a#b\nI= #x\nexport\tJ=1\n  export \t K=\"\"\rL='a\r\nb\rc'\r";
    let wanted = [
        record("A", "1"),
        record("B", "two words"),
        record("C", "it is $literal"),
        record("D", "a\nb $x \"q\""),
        record("E", "two\nlines"),
        record("F", ""),
        record("G", "#x"),
        record("H", "a#b"),
        record("I", ""),
        record("J", "1"),
        record("K", ""),
        record("L", "a\nb\rc"),
    ];
    assert_eq!(read(Format::Dotenv, text.as_bytes()).unwrap(), wanted);
    for (text, place) in [
        ("A=1\n1B=2\n", "2:1: not a name"),
        ("A=1\n  export B C\n", "2:10: expected '='"),
        ("é='x\n", "1:1: not a name"),
        ("A= 'x\ny", "1:4: the quote opened here is never closed"),
        ("A='é' y\n", "1:7: unexpected text after the closing quote"),
        ("A='\né' y\n", "2:4: unexpected text after the closing quote"),
    ] {
        let fault = fault(Format::Dotenv, text.as_bytes());
        assert!(fault.starts_with(place), "{text:?}: {fault}");
    }
}

#[test]
fn redis_lines_are_read_and_no_other_command_is() {
    let text = "SET a 1\nset \"b c\" \"\\x00\\xff\\n\" PXAT 5\nSET d it'\\'s'\nPEXPIREAT d 7\n";
    let expiry = |key: &str, value: Value, millis| Record {
        key: key.to_owned(),
        entry: Entry { value, expiry: Some(Timestamp::from_millis(millis)) },
    };
    let wanted =
        [record("a", "1"), expiry("b c", Value::Bytes(vec![0, 0xff, b'\n']), 5), expiry("d", "it's".into(), 7)];
    assert_eq!(read(Format::Redis, text.as_bytes()).unwrap(), wanted);
    for (text, place) in [
        ("FLUSHALL", "1:1: expected SET key value, or EXPIRE and its like after it, found \"FLUSHALL\""),
        ("SET a", "1:1: "),
        ("SET é b NX", "1:9: SET accepts only one of"),
        ("SET a 1\nEXPIRE b 5", "2:8: an expiry must follow"),
        ("SET a \"b", "1:7: the quote opened here"),
        ("SET a \"b\\", "1:7: the quote opened here"),
        ("SET a \"b\"c", "1:10: unexpected text"),
        ("DEL a", "1:1: "),
        ("SET a b EX 0", "1:9: a time to live must be more than zero"),
        ("SET a b EX x", "1:9: an expiry is a whole number"),
    ] {
        let fault = fault(Format::Redis, text.as_bytes());
        assert!(fault.starts_with(place), "{text:?}: {fault}");
    }
}
