//! Arguments that are one of a few names.

use std::path::Path;

use super::parser::Unmarked;
use crate::shell::text::escape::excerpt;

/// How answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutputMode {
    /// For a person on a terminal, line by line and escaped in a pipe.
    Plain,
    /// One JSON document a command.
    Json,
    /// Aligned columns.
    Table,
    /// The exact bytes and nothing else.
    Raw,
}

impl OutputMode {
    /// The names, in the order of help.
    pub(crate) const NAMES: [&'static str; 4] = ["plain", "json", "table", "raw"];

    pub(crate) fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// Whose keys the prompt has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyMode {
    /// Those of emacs, as in bash.
    Emacs,
    /// Those of vi.
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
    /// On a terminal, unless the environment says otherwise.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// A shell that Tab works in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OwnShell {
    Bash,
    Zsh,
    Fish,
}

impl OwnShell {
    /// The names, in the order of help.
    const NAMES: [&'static str; 3] = ["bash", "zsh", "fish"];

    /// The shell of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let at = Self::NAMES.iter().position(|known| *known == name)?;
        Some([Self::Bash, Self::Zsh, Self::Fish][at])
    }
}

/// `on` or `off`.
pub(crate) fn switch() -> Unmarked<bool> {
    Unmarked::one_of(&["on", "off"], |at| at == 0)
}

/// Reads the name of an output mode.
pub(crate) fn output_mode() -> Unmarked<OutputMode> {
    use OutputMode::{Json, Plain, Raw, Table};
    Unmarked::one_of(&OutputMode::NAMES, |at| [Plain, Json, Table, Raw][at])
}

/// `auto`, `always` or `never`.
pub(crate) fn color_when() -> Unmarked<ColorWhen> {
    use ColorWhen::{Always, Auto, Never};
    Unmarked::one_of(&["auto", "always", "never"], |at| [Auto, Always, Never][at])
}

/// Reads the name of a shell.
pub(crate) fn own_shell() -> Unmarked<OwnShell> {
    Unmarked::one_of(&OwnShell::NAMES, |at| [OwnShell::Bash, OwnShell::Zsh, OwnShell::Fish][at])
}

/// What `history` is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HistoryAsk {
    /// The last lines, so many.
    Last(usize),
    /// That lines are kept, or not.
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

/// Reads the name of a set of keys.
pub(crate) fn key_mode() -> Unmarked<KeyMode> {
    Unmarked::one_of(&KeyMode::NAMES, |at| [KeyMode::Emacs, KeyMode::Vi][at])
}

/// The format of a file that is imported or exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Jsonl,
    Csv,
    Dotenv,
    Redis,
    Tsv,
    /// `export` lines for a POSIX shell; written only.
    Sh,
    /// `set -gx` lines for fish; written only.
    Fish,
}

impl Format {
    /// The names, in the order of help.
    pub(crate) const NAMES: [&'static str; 8] = ["json", "jsonl", "csv", "dotenv", "redis", "tsv", "sh", "fish"];
    /// Those of the formats that can be read.
    pub(crate) const READ: [&'static str; 6] = ["json", "jsonl", "csv", "dotenv", "redis", "tsv"];
    /// The options of `import` and `export` that not every format uses, and the formats that do.
    pub(crate) const OPTIONS: [(&'static str, &'static [Self]); 5] = [
        ("--flatten", &[Self::Json]),
        ("--key-column", &[Self::Csv]),
        ("--value-column", &[Self::Csv]),
        ("--delimiter", &[Self::Csv]),
        // The others hold everything.
        ("--lossy", &[Self::Json, Self::Dotenv, Self::Redis, Self::Tsv, Self::Sh, Self::Fish]),
    ];
    const ALL: [Self; 8] =
        [Self::Json, Self::Jsonl, Self::Csv, Self::Dotenv, Self::Redis, Self::Tsv, Self::Sh, Self::Fish];

    pub(crate) fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// Whether it can be read.
    pub(crate) fn is_read(self) -> bool {
        !matches!(self, Self::Sh | Self::Fish)
    }

    /// Refuses options that are given and that the format does not use.
    pub(crate) fn check_options(self, given: &[(&str, bool)]) -> Result<(), String> {
        for (option, users) in Self::OPTIONS {
            if given.contains(&(option, true)) && !users.contains(&self) {
                let users = users.iter().map(|format| format.name()).collect::<Vec<_>>().join(", ");
                return Err(format!("{option} does not apply to {}, only to {users}", self.name()));
            }
        }
        Ok(())
    }

    /// The format that a file's name says it has.
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

/// How nested objects become keys of their own. Arrays and empty objects stay values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flatten {
    /// `a.b`
    Dotted,
    /// `/a/b`, as in RFC 6901.
    Pointer,
}

/// What becomes of a key that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnConflict {
    Replace,
    Skip,
    Fail,
}

/// A format that can be read.
pub(crate) fn import_format() -> Unmarked<Format> {
    Unmarked::one_of(&Format::READ, |at| Format::ALL[at])
}

/// A format that can be written.
pub(crate) fn export_format() -> Unmarked<Format> {
    Unmarked::one_of(&Format::NAMES, |at| Format::ALL[at])
}

/// `dotted` or `pointer`.
pub(crate) fn flatten() -> Unmarked<Flatten> {
    Unmarked::one_of(&["dotted", "pointer"], |at| [Flatten::Dotted, Flatten::Pointer][at])
}

/// `replace`, `skip` or `fail`.
pub(crate) fn on_conflict() -> Unmarked<OnConflict> {
    use OnConflict::{Fail, Replace, Skip};
    Unmarked::one_of(&["replace", "skip", "fail"], |at| [Replace, Skip, Fail][at])
}
