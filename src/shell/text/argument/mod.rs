//! Arguments: how a word becomes a value, and what the value stands for.
//!
//! | module | what it is |
//! | --- | --- |
//! | `kind` | what an argument stands for: a key, a value, a file |
//! | `values` | a word -> a value of each kind |
//! | `names` | arguments that are one of a few names: output modes, formats |
//! | `parser` | what all of them do to a word first |

mod kind;
mod names;
mod parser;
mod values;

pub(crate) use self::kind::{
    ArgumentKind, Data, DatabaseName, Delimiter, FilterText, Key, KeyBound, PartPointer, Pattern, Prefix, ProgramWord,
    Topic,
};
pub(crate) use self::names::{
    ColorWhen, Flatten, Format, HistoryAsk, KeyMode, OnConflict, OutputMode, OwnShell, color_when, export_format,
    flatten, history_ask, import_format, key_mode, on_conflict, output_mode, own_shell, switch,
};
pub(crate) use self::parser::{IS_PATTERN, any_of, value_name};
pub(crate) use self::values::{
    bound, data, database, decimal, delimiter, duration, filter, glob, in_home, key, number, path, path_of, pointer,
    prefix, program, regex, status, steps, text, time, timeout, topic, variable,
};
