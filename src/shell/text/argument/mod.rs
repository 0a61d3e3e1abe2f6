//! Arguments: how words become values, and what kind of value each is.
//!
//! | module | purpose |
//! | --- | --- |
//! | `kind` | the kind of an argument: a key, a value, a file |
//! | `values` | parses a word into a value of each kind |
//! | `names` | arguments that are one of several names: output formats, file formats |
//! | `parser` | the common part of all parsers |

mod kind;
mod names;
mod parser;
mod values;

pub(crate) use self::kind::{
    ArgumentKind, Data, DatabaseName, Delimiter, FilterText, Key, KeyBound, MemberColumns, PartPointer, Pattern,
    Prefix, ProgramWord, Topic,
};
pub(crate) use self::names::{
    ColorWhen, Flatten, Format, HistoryAsk, KeyMode, OnConflict, OutputMode, OwnShell, ValueType, color_when,
    export_format, flatten, history_ask, import_format, key_mode, on_conflict, output_mode, own_shell, switch,
    value_type,
};
pub(crate) use self::parser::{IS_PATTERN, any_of, value_name};
pub(crate) use self::values::{
    bound, data, database, decimal, delimiter, duration, filter, glob, in_home, key, member_columns, number, path,
    path_of, pointer, prefix, program, regex, status, steps, text, time, timeout, topic, variable,
};
