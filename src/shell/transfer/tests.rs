use proptest::prelude::*;

use super::*;
use crate::value::Value;
use std::path::Path;

fn plain() -> Reading {
    Reading { flatten: None, key_column: None, value_column: None, now: Timestamp::from_millis(0) }
}

fn read(format: Format, bytes: &[u8]) -> Result<Vec<Record>, Trouble> {
    read_as(format, bytes, plain())
}

fn read_as(format: Format, bytes: &[u8], reading: Reading) -> Result<Vec<Record>, Trouble> {
    // A buffer of one byte finds what rests on where the buffers end.
    let mut source = source(format, io::BufReader::with_capacity(1, bytes), reading);
    let mut records = Vec::new();
    while let Some(record) = source.next()? {
        records.push(record);
    }
    Ok(records)
}

fn fault(format: Format, bytes: &[u8]) -> String {
    match read(format, bytes) {
        Err(Trouble::Fault(fault)) => format!("{}:{}: {}", fault.line, fault.column, fault.reason),
        other => panic!("{other:?}"),
    }
}

fn write(format: Format, records: &[Record]) -> Result<(Vec<u8>, Vec<Loss>), String> {
    let mut sink = sink(format);
    let (mut out, mut losses) = (Vec::new(), Vec::new());
    sink.begin(&mut out);
    for record in records {
        losses.push(sink.put(&record.key, &record.entry, &mut out)?);
    }
    sink.end(&mut out);
    Ok((out, losses))
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
        prop::collection::vec(any::<u8>(), 0..20).prop_map(Value::from_bytes),
        "(1|1\\.50|-0|1e400|18446744073709551616|null|true|\\[1,\"a\"\\]|\\{\"z\":1,\"a\":\\[\\]\\})"
            .prop_map(|text| json(&text)),
    ];
    let key = prop_oneof![text, "[A-Z_][A-Z0-9_]{0,4}"];
    (key, value, prop::option::of(0..4_000_000_000_000_u64)).prop_map(|(key, value, deadline)| Record {
        key,
        entry: Entry { value, deadline: deadline.map(Timestamp::from_millis) },
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn what_a_format_carries_comes_back_and_what_it_does_not_is_said(record in any_record()) {
        for (name, format) in Format::ALL.into_iter().take(6) {
            let Ok((bytes, losses)) = write(format, std::slice::from_ref(&record)) else {
                prop_assert!(matches!(format, Format::Json | Format::Dotenv), "{} refuses {:?}", name, record);
                continue;
            };
            let back = read(format, &bytes);
            let Ok([back]) = back.as_deref() else { panic!("{name}: {back:?} of {record:?}") };
            let mut wanted = record.clone();
            if losses[0].deadline {
                wanted.entry.deadline = None;
            }
            if losses[0].kind {
                wanted.entry.value = Value::from_bytes(wanted.entry.value.as_bytes().to_vec());
            }
            prop_assert_eq!(back, &wanted, "{}: {}", name, String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn no_input_is_a_panic(bytes: Vec<u8>, text in "[\\[\\]{}\":,a1\\\\ \n=SET'x#]{0,40}") {
        for (_, format) in Format::ALL.into_iter().take(6) {
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
        Record { key: "k".to_owned(), entry: Entry { deadline: Some(Timestamp::from_millis(1)), ..Entry::from("v") } },
    ];
    for format in [Format::Jsonl, Format::Csv] {
        let (bytes, losses) = write(format, &records).unwrap();
        assert_eq!(losses, [Loss::default(); 5]);
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
        ("[1]", "1:1: an object is wanted"),
        ("{\"a\":1,}", "1:8: trailing comma"),
        ("{\"a\":1}\nx", "2:1: trailing data"),
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
    assert_eq!(fault(Format::Csv, b"a,b\n1\n"), "2:0: the header has 2 columns, this row 1");
    assert!(fault(Format::Csv, b"a,a\n1,2\n").contains("two columns"));
    assert!(fault(Format::Csv, b"key,value,type\na,b,c\n").contains("unknown type"));
}

#[test]
fn variables_are_read_as_people_write_them() {
    let text = "# comment\nA=1\nexport B = two words # not this\nC='it is $literal'\nD=\"a\\nb \\$x \\\"q\\\"\"\nE=\"two\nlines\"\nF=\nG=#x\nH=a#b\n";
    let wanted = [
        record("A", "1"),
        record("B", "two words"),
        record("C", "it is $literal"),
        record("D", "a\nb $x \"q\""),
        record("E", "two\nlines"),
        record("F", ""),
        record("G", ""),
        record("H", "a#b"),
    ];
    assert_eq!(read(Format::Dotenv, text.as_bytes()).unwrap(), wanted);
    assert_eq!(fault(Format::Dotenv, b"A=1\n1B=2\n"), "2:0: not a name: letters, digits and _, no digit first");
    assert!(fault(Format::Dotenv, b"A='x\n").contains("never closed"));
    assert!(fault(Format::Dotenv, b"A='x' y\n").contains("follows"));
}

#[test]
fn redis_lines_are_read_and_no_other_command_is() {
    let text = "SET a 1\nset \"b c\" \"\\x00\\xff\\n\" PXAT 5\nSET d 'it\\'s'\nPEXPIREAT d 7\n";
    let deadline = |key: &str, value: Value, millis| Record {
        key: key.to_owned(),
        entry: Entry { value, deadline: Some(Timestamp::from_millis(millis)) },
    };
    let wanted =
        [record("a", "1"), deadline("b c", Value::Bytes(vec![0, 0xff, b'\n']), 5), deadline("d", "it's".into(), 7)];
    assert_eq!(read(Format::Redis, text.as_bytes()).unwrap(), wanted);
    for text in ["FLUSHALL", "SET a", "SET a b NX", "EXPIRE a 5", "SET a \"b", "SET a \"b\"c", "DEL a", "SET a b EX 0"]
    {
        fault(Format::Redis, text.as_bytes());
    }
}
