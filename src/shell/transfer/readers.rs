//! How programs that read `.env` files interpret a value: python-dotenv, dotenv from npm, `node --env-file` and bash.
//! They have different languages; a value is written in a form that means the same in all of them, if there is one.
//!
//! | in | python-dotenv | dotenv, node | bash |
//! | --- | --- | --- | --- |
//! | '…' | `\\` and `\'` are escapes, `${name}` is expanded | all is data | all is data |
//! | "…" | the escapes of Python, `${name}` is expanded | `\n` and `\r` are escapes | `$` and backticks are expanded |
//!
//! For the first two, a CR is a newline everywhere.

use super::record::Unfit;

const PYTHON: &str = "python-dotenv";
const NPM: &str = "dotenv from npm";
const BASH: &str = "bash";

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quoting {
    Bare,
    Single,
    Double,
}

/// The form in which all readers read the value as it is, or which reader does not.
pub(super) fn form(key: &str, value: &str) -> Result<Quoting, Unfit> {
    let misread = |reader: &str, what: &str| {
        let reason = format!(
            "{reader} would not read {what} back exactly; use --format sh or --format json, or --lossy to leave it out"
        );
        Err(Unfit::entry(reason))
    };
    if let Some(reader) = loses_name(key) {
        return misread(reader, "a variable of this name");
    }
    if value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_./:@%+,-".contains(&byte)) {
        return Ok(Quoting::Bare);
    }
    if value.contains('\r') {
        return misread(NPM, "a CR");
    }
    if expands(value) {
        return misread(PYTHON, "${…}");
    }
    if !value.contains('\'') {
        return match value {
            _ if value.contains("\\\\") => misread(PYTHON, "two backslashes"),
            _ if value.ends_with('\\') => misread(PYTHON, "a backslash at the end"),
            _ => Ok(Quoting::Single),
        };
    }
    let followed_by = |mark: char, next: &str| {
        value.match_indices(mark).any(|(at, _)| value[at + 1..].starts_with(|after| next.contains(after)))
    };
    match value {
        _ if value.contains('"') => misread(BASH, "both kinds of quotes"),
        _ if value.contains('`') => misread(BASH, "a backtick next to '"),
        _ if value.contains('$') && value.match_indices('$').any(|(at, _)| bash_expands(&value[at + 1..])) => {
            misread(BASH, "a $ beside '")
        }
        _ if followed_by('\\', "\n$") => misread(BASH, "a backslash next to '"),
        _ if followed_by('\\', "\\'abfnrtv") || value.ends_with('\\') => misread(PYTHON, "a backslash next to '"),
        _ => Ok(Quoting::Double),
    }
}

/// Whether python-dotenv takes a part of it for a variable: `${name}` or `${name:-default}`.
fn expands(value: &str) -> bool {
    value.match_indices("${").any(|(at, begin)| {
        let name = &value[at + begin.len()..];
        name.find([':', '}']).is_some_and(|end| {
            let after = &name[end..];
            after.starts_with('}') || after.starts_with(":-") && after.contains('}')
        })
    })
}

/// Whether bash takes a `$` before that for more than a `$`, inside "…".
fn bash_expands(after: &str) -> bool {
    after.starts_with(|next: char| next.is_ascii_alphanumeric() || "_{([@*#?$!-".contains(next))
}

/// The reader that does not keep a variable with this name.
fn loses_name(key: &str) -> Option<&'static str> {
    /// Variables that bash sets itself or does not allow to be set.
    const OF_BASH: [&str; 28] = [
        "_",
        "BASHOPTS",
        "BASHPID",
        "BASH_ARGC",
        "BASH_ARGV",
        "BASH_COMMAND",
        "BASH_LINENO",
        "BASH_SOURCE",
        "BASH_SUBSHELL",
        "BASH_VERSINFO",
        "DIRSTACK",
        "EPOCHREALTIME",
        "EPOCHSECONDS",
        "EUID",
        "FUNCNAME",
        "GROUPS",
        "HISTCMD",
        "LINENO",
        "OPTIND",
        "PIPESTATUS",
        "PPID",
        "RANDOM",
        "SECONDS",
        "SHELLOPTS",
        "SRANDOM",
        "UID",
        "BASH_ALIASES",
        "BASH_CMDS",
    ];
    match key {
        "__proto__" => Some(NPM),
        _ if OF_BASH.contains(&key) => Some(BASH),
        _ => None,
    }
}
