//! The topics of `help` other than the commands.

use clap::CommandFactory as _;

use super::cli::Cli;
use super::habits;
use super::redirect;
use crate::shell::answer::status;

/// A topic of `help` that is not a command.
pub(crate) struct Topic {
    pub(crate) name: &'static str,
    /// What it explains, for the list of topics.
    pub(crate) about: &'static str,
    /// Its text, with each paragraph on one line.
    pub(crate) text: fn() -> String,
}

/// All topics, sorted by name.
pub(crate) const TOPICS: [Topic; 11] = [
    Topic { name: "exit-codes", about: "the exit statuses", text: || status::TABLE.to_owned() },
    Topic { name: "file", about: "the database file and its side files", text: || FILE.to_owned() },
    Topic {
        name: "filters",
        about: "selecting and reshaping entries in jq's syntax: --where and --select",
        text: || FILTERS.to_owned(),
    },
    Topic { name: "formats", about: "the formats of import and export", text: || FORMATS.to_owned() },
    Topic { name: "options", about: "the options of every command", text: options },
    Topic { name: "pipes", about: "sending an answer to a program or a file", text: redirect::help },
    Topic { name: "quoting", about: "words, quotes, JSON and comments", text: || QUOTING.to_owned() },
    Topic { name: "rc", about: "the rc file and the environment: settings that last", text: || RC.to_owned() },
    Topic { name: "redis", about: "for users of redis-cli", text: || habits::page("redis").unwrap_or_default() },
    Topic { name: "skate", about: "for users of skate", text: || habits::page("skate").unwrap_or_default() },
    Topic {
        name: "sqlite",
        about: "for users of sqlite3, psql and mongosh",
        text: || habits::page("sqlite").unwrap_or_default(),
    },
];

/// The topic with this name, in any case.
pub(crate) fn topic(name: &str) -> Option<&'static Topic> {
    TOPICS.iter().find(|topic| topic.name.eq_ignore_ascii_case(name))
}

/// The list of topics, one per line.
pub(crate) fn list() -> String {
    let rows: Vec<String> = TOPICS.iter().map(|Topic { name, about, .. }| format!("  {name:<11}  {about}\n")).collect();
    rows.concat()
}

/// The options of the program, and where they are accepted.
pub(crate) fn options() -> String {
    let help = Cli::command().help_template("{options}").render_help().to_string();
    format!(
        "Options may come before or after the command. On a line of a script or at the prompt, only -o and -y are accepted.\n\n{}",
        help.trim_end()
    )
}

const FILE: &str = "\
The database is one JSON file with one line per entry, sorted by key:

  {
    \"map\": {
      \"logo\": {\"$binary\":\"iVBORw0=\"},
      \"session:9\": \"Ada\",
      \"user:1\": {\"name\":\"Ada\",\"age\":36}
    },
    \"expires\": {
      \"session:9\": \"2999-01-01T00:00:00.000Z\"
    }
  }

Text is a JSON string, JSON is stored as is, and bytes are base64 under $binary. Other members at the top level are kept. \
You may edit the file with any program: any layout of the same JSON is accepted, and the next write restores this one. \
A file that is not valid JSON is never changed.

  kv.json.lock      locked by writers while they write; it is never deleted, and readers never wait for it
  kv.json.journal   next to a database of more than 64 KiB: the changes since the last save

Smaller databases are always complete in their one file. Run `save` before you use jq, an editor or git on a larger one. \
To back up, use `save FILE`, or copy the file and its journal together.

Limits: keys 64 KiB, values 512 MiB, JSON nested 100 levels deep.
";

const FILTERS: &str = "\
A filter is an expression in jq's syntax. --where keeps the entries for which it is true, and --select prints its result for \
each value. In a filter, `.` is the value (text is a string, bytes are null), and $key, $type, $ttl (seconds or null) and $size \
belong to the entry. At the prompt, an unquoted | is a pipe: put filters in single quotes.

  list --where '.age > 30'                             compare a member
  list --where '.age != null and .age < 30'            a missing member is null, and null sorts first
  count --where '.age > 30 and .addr.city == \"Oslo\"'  combine with and, or, not
  keys --where '.tags | any(. == \"new\")'             at least one item; all(…) for every item
  list --where '.name | test(\"^a\"; \"i\")'           a regular expression, with flags
  list --where '(.visits // 0) >= 10'                  count null as 0
  keys --where '$ttl != null and $ttl < 3600'          keys that expire within the hour
  list user:* --select '{name, city: .addr.city}'      an object with two members
  list --values --select .name -o raw                  strings without quotes
  list --where '.city == $c' --arg c Oslo              pass a value in as text; --argjson for JSON

An entry matches if the last output is neither null nor false. If the filter fails on an entry, the entry is skipped, and \
stderr reports how many were; with --strict, the command stops there with status 2.

Values sort as null, false, true, numbers, strings, arrays, objects. Stored numbers are compared exactly and printed as they \
are stored; the results of calculations are doubles.

Filters may use paths (.a.b .[\"a b\"] .[0] .[-1] .[2:4] .[] ?), == != < <= > >=, and or not, //, + - * / %, | and comma, \
arrays, objects, \"\\(…)\", select any all length type has keys contains inside startswith endswith ltrimstr rtrimstr \
ascii_downcase ascii_upcase test split join tostring tonumber now todate fromdate. For the rest of jq, pipe into jq.
";

const FORMATS: &str = "\
import and export take the format from the file's name, or from --format:

  jsonl   everything, one entry per line: {\"key\":\"a\",\"value\":1,\"type\":\"json\",\"expires\":\"2030-01-01T00:00:00Z\"}
  csv     everything, in the columns key, value, type, expires. In any other table, each row becomes a JSON object \
          under the key in its first column, unless --key-column and --value-column say otherwise; \
          if the columns are not separated by commas, give --delimiter ';' or a first line sep=;
  json    text and JSON: one object. --flatten splits nested objects into a.b (dotted) or /a/b (pointer)
  redis   text, bytes and expiry: SET and PEXPIREAT lines for redis-cli; other commands are refused on import
  tsv     text and bytes: key, tab, value, with \\t \\n \\r \\0 \\\\ \\xHH; what `list` prints into a pipe
  dotenv  text under names of variables: NAME='value', exported only if python-dotenv, dotenv from npm, \
          node --env-file and bash all read it back exactly; variables are not expanded on import
  sh      export only: lines for a shell to source: export NAME='value'
  fish    export only: the same for fish: set -gx NAME 'value'

An entry that a format cannot hold is refused and named; `export --lossy` skips it and reports how many there were. \
An import is all or nothing. If a key repeats, the last row wins, unless --on-conflict says otherwise. Two members of one \
JSON document that would become the same key are refused. `dump` writes commands, which `rusty-kv -f` runs.
";

const QUOTING: &str = "\
A word ends at the next space. Quote words that contain spaces:

  set \"my key\" 'a value'       '…' is literal, except for \\' and \\\\
  append log \"one line\\n\"      \"…\" supports \\n \\r \\t \\b \\a \\0 \\\\ \\\" \\xHH \\u{H…}, and all escapes of JSON
  set it's fine                quotes are special only at the start of a word
  set --json u {\"a\": [1, 2]}   a JSON object or array needs no quotes
  set k \"--ttl\"                a quoted word is always data, never a flag
  set n -5                     a value may start with a dash

An open quote or bracket continues on the next line. A line that starts with # is a comment. A path may start with ~/ for \
your home directory: save ~/backup.json

Patterns: * any characters, ? one character, [a-z] one of these, [^x] none of these, \\x that character.
";

const RC: &str = "\
The rc file is a script that runs whenever the interactive shell starts. Put settings there to make them permanent:

  edit-mode vi
  pager off
  output table
  mask api:* *password*

It is ~/.config/rusty-kv/rc (macOS: ~/Library/Application Support/rusty-kv/rc). Scripts and one-shot commands do not run it; of its lines, only `mask` applies to them, and only if their answers go to a terminal (see `help mask`).

Environment variables:

  RUSTY_KV_DB         the database to open if --db is not given
  RUSTY_KV_HISTORY    the history file (default: ~/.local/state/rusty-kv/history); empty for none
  XDG_CONFIG_HOME     the directory for databases and the rc file (default: ~/.config)
  VISUAL, EDITOR      the editor of `edit` and Ctrl-X Ctrl-E
  PAGER               the pager for long answers (default: less); empty for none
  NO_COLOR            turns color off

A line that starts with a space is not added to the history.
";
