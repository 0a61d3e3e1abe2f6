//! The ways to a command lead to the same one.

use super::*;
use crate::shell::commands::get::GetArgs;
use crate::shell::language::command::Command;
use crate::shell::text::argument::Key;
use proptest::prelude::*;

fn any_word() -> impl Strategy<Value = Word<'static>> {
    let bytes = prop_oneof![
        "(set|get|del|exists|incr|list|keys|count|run|SET|put|help)".prop_map(String::into_bytes),
        "(-{0,2}[a-z0-9.=]{0,4}|--|--json|--ttl|--prefix|-o|json|5|-5|1.5)".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..4),
    ];
    (bytes, any::<bool>()).prop_map(|(bytes, quoted)| {
        // No way in lets a bare word hold a NUL.
        let quoted = quoted || bytes.is_empty() || bytes.contains(&0);
        Word { bytes: Cow::Owned(bytes), quoted, flag: 0, span: 0..0 }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]
    #[test]
    fn the_direct_path_gives_what_clap_gives(words in prop::collection::vec(any_word(), 1..5)) {
        if let Some(command) = direct(&words) {
            match Parser::default().through_clap(&words) {
                Ok(Parsed::Run(line)) => prop_assert_eq!(line, Line::of(command)),
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }
}

fn line_options() -> clap::Command {
    LineOptions::augment_args(clap::Command::new("").no_binary_name(true))
}

fn any_argument() -> impl Strategy<Value = String> {
    let flags: Vec<String> = Line::command()
        .get_subcommands()
        .flat_map(|command| command.get_arguments().filter_map(clap::Arg::get_long).collect::<Vec<_>>())
        .map(|long| format!("--{long}"))
        .collect();
    prop_oneof![
        prop::sample::select(flags),
        "(-o|-y|-q|-0|-oy|-yo|-ojson|-d|--output|--db|--output=json|--yes|--quiet|--wait|--|-|-5|-hq|-h|--help|-V)",
        "(json|plain|5|1h|k|v|[a-z*]{0,3}|--[a-z]{0,4}=?[a-z]?|-{1,2}[a-z]{0,3}|\\PC{0,3})",
    ]
}

fn any_alone() -> impl Strategy<Value = String> {
    let names =
        crate::shell::language::help::names().into_iter().filter(|name| Alone::named(name, line_options()).is_some());
    prop::sample::select(names.collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]
    #[test]
    fn a_command_by_itself_is_parsed_as_by_all_of_the_language(
        first in prop::collection::vec(any_argument(), 0..2),
        name in any_alone(),
        rest in prop::collection::vec((any_argument(), any::<bool>()), 0..6),
    ) {
        let word = |text: &str, quoted| Word { bytes: Cow::Owned(text.as_bytes().to_vec()), quoted, flag: 0, span: 0..0 };
        let mut words: Vec<Word<'_>> = first.iter().map(|text| word(text, false)).collect();
        words.push(word(&name, false));
        words.extend(rest.iter().map(|(text, quoted)| word(text, *quoted)));
        let head = CommandPosition::of(&words, line_options);
        let (first, words) = words.split_at(head.command);
        let mut parser = Parser::default();
        if words.first().is_some_and(|word| *word.bytes == *name.as_bytes())
            && let Ok(Some(line)) = parser.by_itself(&name, &head, first, words, line_options)
        {
            match parser.by_all(&head, first, words) {
                Ok(Parsed::Run(by_all)) => prop_assert_eq!(by_all, line),
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }

    #[test]
    fn arguments_by_themselves_are_parsed_as_by_all_of_the_language(
        first in prop::collection::vec(any_argument(), 0..2),
        name in any_alone(),
        rest in prop::collection::vec(any_argument(), 0..6),
    ) {
        let args: Vec<OsString> = first.iter().chain([&name]).chain(&rest).map(OsString::from).collect();
        let words: Vec<Word<'_>> = args.iter().map(word).collect();
        let options = || GlobalOptions::augment_args(clap::Command::new("").no_binary_name(true));
        let head = CommandPosition::of(&words, options);
        let (first, words) = words.split_at(head.command);
        let Some(mut alone) = name_of(words).and_then(|name| Alone::named(&name, options())) else { return Ok(()) };
        if let Ok(Some((options, command))) = alone_of::<GlobalOptions>(&mut alone, &head, first, words, false) {
            let mut tree = Cli::command();
            let whole = whole(&mut tree, &head, first, words, false);
            let args = std::iter::once("rusty-kv".into()).chain(whole.unwrap().args);
            let cli = tree.try_get_matches_from(args).and_then(|matches| Cli::from_arg_matches(&matches)).unwrap();
            prop_assert_eq!(cli.command, Some(command));
            prop_assert_eq!(cli.options, options);
        }
    }
}

proptest! {
    #[test]
    fn the_direct_path_of_arguments_gives_what_clap_gives(
        db in prop::option::of(("(-d|--db)", "([a-z./]{0,4}|-?[a-z]{0,2}|\\PC{0,3})")),
        args in prop::collection::vec("(set|get|del|exists|incr|keys|list|count|run|--|--prefix|[a-z0-9.=]{0,4}|-{1,2}[a-z]{0,3}|\\PC{0,3})", 1..5),
    ) {
        let db = db.into_iter().flat_map(|(flag, value)| [flag, value]);
        let name = std::iter::once("rusty-kv".to_owned());
        let args: Vec<OsString> = name.chain(db).chain(args).map(OsString::from).collect();
        if let Some(direct) = direct_arguments(&args) {
            match arguments_through_clap(&args) {
                Ok(Parsed::Run(cli)) => {
                    prop_assert_eq!(cli.command, direct.command);
                    prop_assert_eq!(cli.options, direct.options);
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }
}

#[test]
fn the_direct_path_is_taken_by_the_everyday_commands() {
    let word = |text: &'static str| Word { bytes: Cow::Borrowed(text.as_bytes()), quoted: false, flag: 0, span: 0..0 };
    for line in [
        &["set", "k", "v"][..],
        &["get", "k"],
        &["get", "a", "b"],
        &["del", "k"],
        &["incr", "k"],
        &["incr", "k", "5"],
        &["exists", "k"],
        &["count"],
        &["keys", "user:*"],
        &["list", "--prefix", "user:"],
        &["run", "app:", "--", "env", "-i"],
    ] {
        assert!(direct(&line.iter().copied().map(word).collect::<Vec<_>>()).is_some(), "{line:?}");
    }
    for name in ["set", "get", "del", "exists", "count", "keys", "list", "ttl", "info", "incr", "find", "run"] {
        assert!(Alone::named(name, line_options()).is_some(), "{name}");
    }
    for line in [&["set", "k", "-5"][..], &["get", "k", "-o", "json"], &["set", "k"], &["keys", "--limit", "5"]] {
        assert!(direct(&line.iter().copied().map(word).collect::<Vec<_>>()).is_none(), "{line:?}");
    }
}

#[test]
fn the_name_of_a_command_may_be_written_in_any_case_and_only_it() {
    let run = |args: &[&str]| match arguments(&args.iter().map(OsString::from).collect::<Vec<_>>()) {
        Ok(Parsed::Run(cli)) => (cli.options.db, cli.command),
        other => panic!("{other:?}"),
    };
    let (db, command) = run(&["rusty-kv", "-qd", "GeT", "GeT", "GeT"]);
    assert_eq!(db, Some(DatabaseName("GeT".into())));
    assert_eq!(command, Some(Command::Get(GetArgs { keys: vec![Key("GeT".to_owned())], ..GetArgs::default() })));
}
