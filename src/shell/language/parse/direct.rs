//! The fast path around clap.

use super::command_position::may_be_flag;
use crate::number::Number;
use crate::shell::commands::count::CountArgs;
use crate::shell::commands::del::DelArgs;
use crate::shell::commands::exists::ExistsArgs;
use crate::shell::commands::get::GetArgs;
use crate::shell::commands::incr::{IncrArgs, Sum};
use crate::shell::commands::listing::{KeysArgs, ListArgs, Looking};
use crate::shell::commands::part::PartArgs;
use crate::shell::commands::run::RunArgs;
use crate::shell::commands::set::SetArgs;
use crate::shell::language::command::Command;
use crate::shell::text::argument::{Data, Key, Prefix, ProgramWord, path_of};
use crate::shell::text::glob::Glob;
use crate::shell::text::words::Word;

/// Parses the most frequent commands without flags, in a twentieth of clap's time, which matters in a script of a
/// million lines. The result is the same as clap's; everything else is left to clap.
pub(super) fn direct(words: &[Word<'_>]) -> Option<Command> {
    let (name, args) = words.split_first()?;
    match &*name.bytes {
        b"list" => return Some(Command::List(ListArgs { looking: looking(args)?, ..ListArgs::default() })),
        b"keys" => return looking(args).map(|looking| Command::Keys(KeysArgs { looking, ..KeysArgs::default() })),
        b"run" => return program(args).map(Command::Run),
        _ if args.iter().any(may_be_flag) => return None,
        _ => {}
    }
    let keys = || args.iter().map(key).collect::<Option<Vec<_>>>().filter(|keys| !keys.is_empty());
    match (&*name.bytes, args) {
        (b"set", _) => {
            let (key, value) = plain_set(words)?;
            Some(Command::Set(SetArgs {
                key: Key(key.to_owned()),
                value: Some(Data(value.to_vec())),
                ..SetArgs::default()
            }))
        }
        (b"get", _) => Some(Command::Get(GetArgs { keys: keys()?, ..GetArgs::default() })),
        (b"del", _) => Some(Command::Del(DelArgs { keys: keys()?, ..DelArgs::default() })),
        (b"count", []) => Some(Command::Count(CountArgs::default())),
        (b"count", [glob]) => Some(Command::Count(CountArgs { glob: Some(pattern(glob)?), ..CountArgs::default() })),
        (b"exists", _) => Some(Command::Exists(ExistsArgs { keys: keys()?, pointer: None })),
        (b"incr", [key]) => Some(incr(self::key(key)?, Number::ONE)),
        (b"incr", [key, by]) => Some(incr(self::key(key)?, text(by)?.parse().ok()?)),
        _ => None,
    }
}

fn incr(key: Key, by: Number) -> Command {
    Command::Incr(IncrArgs { sum: Sum { key, by, part: PartArgs::default() } })
}

/// A program and its arguments after `--`, where nothing is a flag.
fn program(args: &[Word<'_>]) -> Option<RunArgs> {
    let [prefix, dashes, command @ ..] = args else { return None };
    let is_plain = !may_be_flag(prefix) && !dashes.quoted && *dashes.bytes == *b"--" && !command.is_empty();
    let command = || command.iter().map(|word| ProgramWord(path_of(word))).collect();
    is_plain.then_some(RunArgs { prefix: text(prefix).map(Prefix)?, upper: false, any_name: false, command: command() })
}

/// The selected keys: all, those that match, or those with a prefix.
fn looking(args: &[Word<'_>]) -> Option<Looking> {
    let is_prefix = |flag: &Word<'_>| !flag.quoted && *flag.bytes == *b"--prefix";
    match args {
        [] => Some(Looking::default()),
        [glob] if !may_be_flag(glob) => Some(Looking { glob: Some(pattern(glob)?), ..Looking::default() }),
        [flag, prefix] if is_prefix(flag) && !may_be_flag(prefix) => {
            Some(Looking { prefix: Some(Prefix(text(prefix)?)), ..Looking::default() })
        }
        _ => None,
    }
}

fn text(word: &Word<'_>) -> Option<String> {
    std::str::from_utf8(&word.bytes).ok().map(str::to_owned)
}

fn key(word: &Word<'_>) -> Option<Key> {
    text(word).map(Key)
}

/// A pattern for keys; clap reports errors in it.
fn pattern(word: &Word<'_>) -> Option<Glob> {
    Glob::new(std::str::from_utf8(&word.bytes).ok()?).ok()
}

/// The key and the value of a `set` without flags.
pub(crate) fn plain_set<'a>(words: &'a [Word<'_>]) -> Option<(&'a str, &'a [u8])> {
    let [name, key, value] = words else { return None };
    if *name.bytes != *b"set" || may_be_flag(key) || may_be_flag(value) {
        return None;
    }
    Some((std::str::from_utf8(&key.bytes).ok()?, &value.bytes))
}

/// The keys that a line reads with a `get`; options and their values are keys that are read in vain.
pub(crate) fn keys_read<'a>(words: &'a [Word<'_>]) -> impl Iterator<Item = &'a str> {
    let (name, args) = words.split_first().map_or((None, words), |(name, args)| (Some(name), args));
    let is_get = name.is_some_and(|name| name.bytes.eq_ignore_ascii_case(b"get"));
    let keys = args.iter().filter(move |arg| is_get && !may_be_flag(arg));
    keys.filter_map(|key| std::str::from_utf8(&key.bytes).ok())
}
