//! Arguments that are one of several names.

use std::path::Path;

use super::parser::Unmarked;
use crate::shell::text::escape::excerpt;

/// The output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutputMode {
    /// Words and tables on a terminal, escaped lines in a pipe.
    Plain,
    /// One JSON document per command.
    Json,
    /// Aligned columns.
    Table,
    /// The exact bytes, and nothing else.
    Raw,
    /// Listings as comma-separated values.
    Csv,
    /// Listings as a JSON document an entry.
    Jsonl,
}

impl OutputMode {
    /// The names, in the order of help.
    pub(crate) const NAMES: [&'static str; 6] = ["plain", "json", "table", "raw", "csv", "jsonl"];

    pub(crate) fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValueType {
    Text,
    Json,
    Binary,
}

impl ValueType {
    /// The names, as [`Value::kind`](crate::Value::kind) has them.
    const NAMES: [&'static str; 3] = ["text", "json", "binary"];

    pub(crate) fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// `text`, `json` or `binary`.
pub(crate) fn value_type() -> Unmarked<ValueType> {
    use ValueType::{Binary, Json, Text};
    Unmarked::one_of(&ValueType::NAMES, |at| [Text, Json, Binary][at])
}

/// Whose keys the prompt has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyMode {
    /// Emacs, as in bash.
    Emacs,
    /// vi.
    Vi,
}

impl KeyMode {
    /// The names, in the order of help.
    pub(crate) const NAMES: [&'static str; 2] = ["emacs", "vi"];

    pub(crate) fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// When colors are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColorWhen {
    /// On a terminal, unless the environment overrides it.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// A shell with a completion script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OwnShell {
    Bash,
    Zsh,
    Fish,
}

impl OwnShell {
    /// The names, in the order of help.
    const NAMES: [&'static str; 3] = ["bash", "zsh", "fish"];

    /// The shell with this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let at = Self::NAMES.iter().position(|known| *known == name)?;
        Some([Self::Bash, Self::Zsh, Self::Fish][at])
    }
}

/// `on` or `off`.
pub(crate) fn switch() -> Unmarked<bool> {
    Unmarked::one_of(&["on", "off"], |at| at == 0)
}

/// Parses the name of an output format.
pub(crate) fn output_mode() -> Unmarked<OutputMode> {
    use OutputMode::{Csv, Json, Jsonl, Plain, Raw, Table};
    Unmarked::one_of(&OutputMode::NAMES, |at| [Plain, Json, Table, Raw, Csv, Jsonl][at])
}

/// `auto`, `always` or `never`.
pub(crate) fn color_when() -> Unmarked<ColorWhen> {
    use ColorWhen::{Always, Auto, Never};
    Unmarked::one_of(&["auto", "always", "never"], |at| [Auto, Always, Never][at])
}

/// Parses the name of a shell.
pub(crate) fn own_shell() -> Unmarked<OwnShell> {
    Unmarked::one_of(&OwnShell::NAMES, |at| [OwnShell::Bash, OwnShell::Zsh, OwnShell::Fish][at])
}

/// The argument of `history`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HistoryAsk {
    /// The number of lines to print.
    Last(usize),
    /// Whether to add lines.
    Keep(bool),
}

/// A number of lines, or `on` or `off`.
pub(crate) fn history_ask() -> Unmarked<HistoryAsk> {
    Unmarked::text(|text| match text {
        _ if text.eq_ignore_ascii_case("on") => Ok(HistoryAsk::Keep(true)),
        _ if text.eq_ignore_ascii_case("off") => Ok(HistoryAsk::Keep(false)),
        _ => text
            .parse()
            .map(HistoryAsk::Last)
            .map_err(|_| format!("expected a whole number of 0 or more, on or off, found '{}'", excerpt(text, 40))),
    })
}

/// Parses the name of the key bindings.
pub(crate) fn key_mode() -> Unmarked<KeyMode> {
    Unmarked::one_of(&KeyMode::NAMES, |at| [KeyMode::Emacs, KeyMode::Vi][at])
}

/// An option, and the formats that use it.
type FormatOption = (&'static str, &'static [Format]);

/// The format of a file that is imported or exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Jsonl,
    Csv,
    Dotenv,
    Redis,
    Tsv,
    /// JSON with comments and trailing commas; read only.
    Jsonc,
    /// `export` lines for a POSIX shell; written only.
    Sh,
    /// `set -gx` lines for fish; written only.
    Fish,
    /// A JSON array of plain documents; written only, and read as JSON.
    JsonArray,
}

impl Format {
    const NAMES: [&'static str; 10] =
        ["json", "jsonl", "csv", "dotenv", "redis", "tsv", "jsonc", "sh", "fish", "json-array"];
    const ALL: [Self; 10] = [
        Self::Json,
        Self::Jsonl,
        Self::Csv,
        Self::Dotenv,
        Self::Redis,
        Self::Tsv,
        Self::Jsonc,
        Self::Sh,
        Self::Fish,
        Self::JsonArray,
    ];
    /// The names of the formats that can be read: the first ones.
    pub(crate) const READ: [&'static str; 7] = ["json", "jsonl", "csv", "dotenv", "redis", "tsv", "jsonc"];
    /// The names of those that can be written.
    pub(crate) const WRITTEN: [&'static str; 9] =
        ["json", "jsonl", "csv", "dotenv", "redis", "tsv", "sh", "fish", "json-array"];
    /// The options of `import` that not every format uses, and the formats that do.
    pub(crate) const IMPORT_OPTIONS: [FormatOption; 8] = [
        ("--flatten", &[Self::Json, Self::Jsonc]),
        ("--key", &[Self::Json, Self::Jsonl, Self::Csv, Self::Tsv, Self::Jsonc]),
        ("--value", &[Self::Json, Self::Jsonl, Self::Csv, Self::Tsv, Self::Jsonc]),
        ("--key-column", &[Self::Csv, Self::Tsv]),
        ("--value-column", &[Self::Csv, Self::Tsv]),
        ("--no-header", &[Self::Csv, Self::Tsv]),
        ("--delimiter", &[Self::Csv]),
        ("--expand", &[Self::Dotenv]),
    ];
    /// Those of `export`.
    pub(crate) const EXPORT_OPTIONS: [FormatOption; 3] = [
        // The others hold everything.
        ("--lossy", &[Self::Json, Self::Dotenv, Self::Redis, Self::Tsv, Self::Sh, Self::Fish, Self::JsonArray]),
        ("--key", &[Self::Jsonl, Self::Csv, Self::Tsv, Self::JsonArray]),
        ("--columns", &[Self::Csv, Self::Tsv]),
    ];

    pub(crate) fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// Whether it can be imported.
    pub(crate) fn is_read(self) -> bool {
        !matches!(self, Self::Sh | Self::Fish | Self::JsonArray)
    }

    /// Whether it can be written.
    pub(crate) fn is_written(self) -> bool {
        self != Self::Jsonc
    }

    /// Refuses options that are given and that the format does not use.
    pub(crate) fn check_options(self, options: &[FormatOption], given: &[(&str, bool)]) -> Result<(), String> {
        for (option, users) in options {
            if given.contains(&(option, true)) && !users.contains(&self) {
                let users = users.iter().map(|format| format.name()).collect::<Vec<_>>().join(", ");
                return Err(format!("{option} does not apply to {}, only to {users}", self.name()));
            }
        }
        Ok(())
    }

    /// The format that a file's name indicates.
    pub(crate) fn of_path(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        if name == ".env" || name.starts_with(".env.") {
            return Some(Self::Dotenv);
        }
        match name.rsplit_once('.')?.1 {
            "ndjson" => Some(Self::Jsonl),
            "env" => Some(Self::Dotenv),
            ending => Self::ALL.into_iter().find(|format| format.name() == ending),
        }
    }
}

/// How nested objects become keys. Arrays and empty objects stay values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flatten {
    /// `a.b`
    Dotted,
    /// `/a/b`, as in RFC 6901.
    Pointer,
}

/// What to do with a key that already exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnConflict {
    Replace,
    /// Objects are merged, other values replaced.
    Merge,
    Skip,
    Fail,
}

/// A format that can be imported.
pub(crate) fn import_format() -> Unmarked<Format> {
    Unmarked::one_of(&Format::READ, |at| Format::ALL[at])
}

/// A format that can be exported.
pub(crate) fn export_format() -> Unmarked<Format> {
    Unmarked::one_of(&Format::WRITTEN, |at| Format::ALL[if at < 6 { at } else { at + 1 }])
}

/// `dotted` or `pointer`.
pub(crate) fn flatten() -> Unmarked<Flatten> {
    Unmarked::one_of(&["dotted", "pointer"], |at| [Flatten::Dotted, Flatten::Pointer][at])
}

/// `replace`, `merge`, `skip` or `fail`.
pub(crate) fn on_conflict() -> Unmarked<OnConflict> {
    use OnConflict::{Fail, Merge, Replace, Skip};
    Unmarked::one_of(&["replace", "merge", "skip", "fail"], |at| [Replace, Merge, Skip, Fail][at])
}
