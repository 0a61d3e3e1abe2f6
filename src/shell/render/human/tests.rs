use super::*;
use crate::shell::render::samples::{broken, bytes, json, listing, rendering, shown, some};
use crate::shell::text::argument::OutputMode;

fn terminal() -> RenderOptions {
    rendering(OutputMode::Plain, true)
}

fn table_in_a_pipe() -> RenderOptions {
    rendering(OutputMode::Table, false)
}

/// On a terminal, where plain and table are the same; and the table in a pipe.
fn both(reply: fn() -> Reply<'static>) -> [String; 2] {
    let plain = shown(&terminal(), reply());
    assert_eq!(shown(&rendering(OutputMode::Table, true), reply()), plain);
    [plain, shown(&table_in_a_pipe(), reply())]
}

fn numbered(show: Show, count: usize) -> Listing<'static> {
    listing(show, (0..count).map(|n| (format!("k{n:05}"), format!("v{n}"))))
}

#[test]
fn a_change_is_confirmed_to_a_person_who_is_not_told_its_value() {
    let set = || Reply::Done(Done::Set { key: "a\x1bb".to_owned() });
    assert_eq!(both(set), ["Set value for key: a\\x1bb\n", ""]);
    assert_eq!(shown(&RenderOptions { quiet: true, ..terminal() }, set()), "");
    assert_eq!(both(|| Reply::Done(Done::Quietly)), ["", ""]);
    let made = || Reply::Done(Done::WithOld(Box::new(Done::Set { key: "a".to_owned() }), Some("4\n2".into())));
    assert_eq!(both(made), ["4\n2\n", "4\n2\n"]);
    assert_eq!(shown(&RenderOptions { quiet: true, ..terminal() }, made()), "4\n2\n");
}

#[test]
fn a_value_keeps_its_lines_and_is_escaped_and_bytes_are_only_named() {
    assert_eq!(both(|| Reply::Value("a\tb\n\x1b]0;t\x07".into())), ["a\tb\n\\x1b]0;t\\x07\n", "a\tb\n\x1b]0;t\x07\n"]);
    assert_eq!(both(|| Reply::Value("".into())), ["\n", "\n"]);
    assert_eq!(both(|| Reply::Value(json("[1, 2]"))), ["[1, 2]\n", "[1,2]\n"]);
    assert_eq!(shown(&terminal(), Reply::Value(vec![0xff; 12_345].into())), "<binary, 12 KiB>\n");
    assert_eq!(bytes(&table_in_a_pipe(), Reply::Value(vec![0xff].into())), b"\xff\n");
}

#[test]
fn several_values_are_a_table_of_the_found_ones() {
    let values = || {
        let found = ("a\tb".to_owned(), Some("x\ny".into()));
        Reply::Values(vec![found, ("no".to_owned(), None), ("c".to_owned(), Some(vec![0xff].into()))])
    };
    assert_eq!(
        both(values),
        ["KEY   VALUE\na\\tb  x\\ny\nc     <binary, 1 B>\n", "KEY   VALUE\na\\tb  x\\ny\nc     \\xff\n"]
    );
    assert_eq!(both(|| Reply::Values(vec![("no".to_owned(), None)])), ["", ""]);
}

#[test]
fn numbers_are_digits_and_times_are_words() {
    assert_eq!(both(|| Reply::Number(2_522)), ["2,522\n", "2522\n"]);
    assert_eq!(both(|| Reply::TimeLeft(Some(Duration::from_millis(5_399_200)))), ["1h 30m\n"; 2]);
    assert_eq!(both(|| Reply::TimeLeft(None)), ["none\n"; 2]);
}

#[test]
fn a_listing_is_a_table_and_a_terminal_is_told_how_many() {
    let table = "\
KEY     VALUE
a\\tb    x\\ny\\
bin     <binary, 2 B>
hello   world
user:1  {\"name\":\"Ada\",\"age\":36}
";
    let piped = table.replace("y\\", "y\\\\").replace("<binary, 2 B>", "\\xff!");
    assert_eq!(both(|| Reply::Listing(some(Show::Entries))), [format!("{table}4 keys\n"), piped]);
    let keys = "a\\tb\nbin\nhello\nuser:1\n";
    assert_eq!(both(|| Reply::Listing(some(Show::Keys))), [format!("{keys}4 keys\n"), keys.to_owned()]);
    let values = "x\\ny\\\n<binary, 2 B>\nworld\n{\"name\":\"Ada\",\"age\":36}\n4 keys\n";
    assert_eq!(shown(&terminal(), Reply::Listing(some(Show::Values))), values);
}

#[test]
fn the_count_below_a_listing_is_for_people_who_want_it() {
    assert_eq!(both(|| Reply::Listing(numbered(Show::Keys, 0))), ["no keys\n", ""]);
    assert_eq!(both(|| Reply::Listing(numbered(Show::Entries, 0))), ["no keys\n", ""]);
    assert_eq!(both(|| Reply::Listing(numbered(Show::Keys, 1))), ["k00000\n1 key\n", "k00000\n"]);
    let quiet = RenderOptions { quiet: true, ..terminal() };
    assert_eq!(shown(&quiet, Reply::Listing(numbered(Show::Keys, 1))), "k00000\n");
    let cut_off = shown(&quiet, Reply::Listing(numbered(Show::Keys, 101)));
    assert!(cut_off.ends_with("\n… 1 more of 101 (--limit N, or pipe it)\n"), "{cut_off}");
}

#[test]
fn a_terminal_gets_a_hundred_entries_unless_it_was_said_how_many() {
    let first = shown(&terminal(), Reply::Listing(numbered(Show::Entries, 2_522)));
    assert_eq!(first.lines().count(), 1 + 100 + 1);
    assert!(first.ends_with("k00099  v99\n… 2,422 more of 2,522 (--limit N, or pipe it)\n"), "{first}");
    let narrow = shown(&RenderOptions { width: 40, ..terminal() }, Reply::Listing(numbered(Show::Entries, 2_522)));
    assert!(narrow.ends_with("v99\n… 2,422 more of 2,522 (--limit N)\n"), "{narrow}");
    let paged = shown(&RenderOptions { paged: true, ..terminal() }, Reply::Listing(numbered(Show::Keys, 2_522)));
    assert!(paged.ends_with("k02521\n2,522 keys\n"), "{paged}");
    let exactly = shown(&terminal(), Reply::Listing(numbered(Show::Keys, 100)));
    assert!(exactly.ends_with("k00099\n100 keys\n"), "{exactly}");
    let limited = Listing { limited: true, ..numbered(Show::Entries, 2_522) };
    let limited = shown(&terminal(), Reply::Listing(limited));
    assert_eq!(limited.lines().count(), 1 + 2_522 + 1);
    assert!(limited.ends_with("k02521  v2521\n2,522 keys\n"), "{limited}");
    let piped = shown(&table_in_a_pipe(), Reply::Listing(numbered(Show::Entries, 2_522)));
    assert_eq!(piped.lines().count(), 1 + 2_522);
}

#[test]
fn a_listing_is_cut_to_the_terminal_and_to_one_line_each() {
    let rendering = RenderOptions { width: 40, ..terminal() };
    let long = "k".repeat(60);
    let entries = |show| Reply::Listing(listing(show, [(long.clone(), "日".repeat(60)), ("a".into(), "b".into())]));
    let expected =
        format!("KEY              VALUE\n{}…  {}…\na                b\n2 keys\n", "k".repeat(14), "日".repeat(11));
    assert_eq!(shown(&rendering, entries(Show::Entries)), expected);
    assert_eq!(shown(&rendering, entries(Show::Keys)), format!("{}…\na\n2 keys\n", "k".repeat(39)));
    assert_eq!(shown(&rendering, entries(Show::Values)), format!("{}…\nb\n2 keys\n", "日".repeat(19)));
}

#[test]
fn keys_are_colored_and_what_is_about_them_is_faint() {
    let rendering = RenderOptions { color: true, ..terminal() };
    let shown = shown(&rendering, Reply::Listing(numbered(Show::Entries, 1)));
    assert_eq!(shown, "\x1b[2mKEY\x1b[0m     \x1b[2mVALUE\x1b[0m\n\x1b[36mk00000\x1b[0m  v0\n\x1b[2m1 key\x1b[0m\n");
}

#[test]
fn a_record_is_aligned_and_not_cut() {
    let path = format!("/{}", "d".repeat(100));
    let facts = vec![
        ("path", Field::Text(path.clone())),
        ("size", Field::Bytes(12_345)),
        ("entries", Field::Number(2_522)),
        ("left", Field::Span(Duration::from_mins(90))),
        ("deadline", Field::None),
        ("near", Field::Keys(vec!["a".to_owned(), "b\n".to_owned()])),
        ("value", Field::Value(vec![0xff].into())),
        ("sum", Field::Exact("1.50".to_owned())),
    ];
    let expected = format!(
        "path      {path}\nsize      12 KiB\nentries   2,522\nleft      1h 30m\ndeadline  none\nnear      a, b\\n\n\
         value     <binary, 1 B>\nsum       1.50\n"
    );
    assert_eq!(shown(&terminal(), Reply::Record(facts)), expected);
}

#[test]
fn rows_have_a_head_and_numbers_at_the_right() {
    let rows = || {
        let row = |name: &str, size, left| vec![Field::Text(name.to_owned()), size, left];
        let rows = vec![
            row("kv", Field::Bytes(999), Field::None),
            row("work", Field::Bytes(1_234_567), Field::Span(Duration::from_mins(1))),
            row("none", Field::None, Field::None),
        ];
        Reply::Rows { columns: vec!["name", "size", "left"], rows }
    };
    let expected = "NAME     SIZE  LEFT\nkv      999 B  none\nwork  1.2 MiB  1m\nnone  none     none\n";
    assert_eq!(both(rows), [expected; 2]);
}

#[test]
fn a_bar_is_as_long_as_its_share_and_never_nothing() {
    let rows = || {
        let row = |up_to, count| vec![("up_to", Field::Bytes(up_to)), ("keys", Field::Bar(count))];
        let rows = vec![row(4, 1), row(16, 0), row(64, 16_000), row(256, 32_000)];
        Reply::Record(vec![("journal_bytes", Field::None), ("sizes", Field::Rows(rows)), ("none", Field::Rows(vec![]))])
    };
    let full = "█".repeat(16);
    let expected = format!(
        "journal bytes  none\n\nsizes\nUP TO    KEYS\n  4 B       1  ▏\n 16 B       0\n 64 B  16,000  {}\n256 B  32,000  {full}\n",
        "█".repeat(8)
    );
    assert_eq!(shown(&RenderOptions { width: 40, ..terminal() }, rows()), expected);
}

#[test]
fn what_is_wrong_with_a_row_stands_below_the_table_in_full() {
    let rows = || {
        let row = |name: &str, keys, is_current, fault: Option<&str>| {
            let ago = Duration::from_secs(7_300);
            let changed = Field::Moment(crate::Timestamp::from_millis(0), ago);
            let fault = Field::Fault(fault.map(str::to_owned));
            vec![Field::Text(name.to_owned()), keys, changed, Field::Flag(is_current), fault]
        };
        let rows = vec![
            row("bad", Field::Unknown, false, Some("it is damaged, and this is a long line\x1b that says why")),
            row("kv", Field::Number(1_000), true, None),
        ];
        Reply::Rows { columns: vec!["name", "keys", "changed", "current", "error"], rows }
    };
    let expected = "NAME   KEYS  CHANGED\nbad       ?  2h ago\nkv    1,000  2h ago   *\n\
                    bad: it is damaged, and this is a long line\\x1b that says why\n";
    assert_eq!(shown(&RenderOptions { width: 40, ..terminal() }, rows()), expected);
}

#[test]
fn a_beginning_is_cut_to_what_is_left_of_its_line() {
    let facts = || Reply::Record(vec![("begins", Field::Beginning("v".repeat(80)))]);
    assert_eq!(shown(&RenderOptions { width: 20, ..terminal() }, facts()), "begins  vvvvvvvvvvv…\n");
    assert_eq!(shown(&table_in_a_pipe(), facts()), format!("begins  {}\n", "v".repeat(80)));
}

#[test]
fn text_keeps_its_lines_and_nothing_else_that_acts() {
    assert_eq!(both(|| Reply::Text("a\n\n  b\x1b".to_owned())), ["a\n\n  b\\x1b\n", "a\n\n  b\x1b\n"]);
    assert_eq!(both(|| Reply::Text(String::new())), ["", ""]);
}

#[test]
fn entries_before_a_failure_of_the_source_are_shown_without_a_count() {
    let mut out = Vec::new();
    reply(&mut out, &terminal(), Reply::Listing(broken(Show::Entries, 2))).unwrap_err();
    assert_eq!(out, b"KEY  VALUE\na    vv\nb    vv\n");
}

#[test]
fn sizes_are_short_and_rounded() {
    let expected = [
        (0, "0 B"),
        (1_023, "1023 B"),
        (1_024, "1 KiB"),
        (1_536, "1.5 KiB"),
        (10_188, "9.9 KiB"),
        (10_189, "10 KiB"),
        (12_345, "12 KiB"),
        ((1 << 20) - 512, "1 MiB"),
        ((1 << 20) - 513, "1023 KiB"),
        (512 << 20, "512 MiB"),
        (u64::MAX, "16777216 TiB"),
    ];
    for (bytes, shown) in expected {
        assert_eq!(size(bytes), shown);
    }
}

#[test]
fn thousands_stand_apart() {
    for (number, shown) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
        assert_eq!(grouped(number), shown);
    }
}
