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
pub(crate) const TOPICS: [Topic; 13] = [
    Topic { name: "cluster", about: "databases on Redis and Valkey, single and Cluster", text: || CLUSTER.to_owned() },
    Topic { name: "exit-codes", about: "the exit statuses", text: || status::TABLE.to_owned() },
    Topic { name: "file", about: "the database file and its side files", text: || FILE.to_owned() },
    Topic {
        name: "filters",
        about: "selecting and reshaping entries in jq's syntax: --where and --select",
        text: || FILTERS.to_owned(),
    },
    Topic { name: "formats", about: "the formats of import and export", text: || FORMATS.to_owned() },
    Topic { name: "git", about: "databases in git: merge, diff, ignore", text: || GIT.to_owned() },
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

const CLUSTER: &str = "\
The same language works on a Redis or Valkey server (6.2 or newer), and on a Cluster:

  rusty-kv -d redis://HOST            also redis://USER@HOST:PORT/N, valkey://…, redis+unix:///run/redis.sock
  rusty-kv -d redis+cluster://A:7000,B:7001
  copy-to redis://HOST user:*         from the open database to a server; `import URL` the other way round

The password comes from RUSTY_KV_PASSWORD or --password-file. One in the URL works, but `ps` shows it to others.

What is different from a file:

  order       a server has none: a listing scans all keys, even with --prefix or --limit, and sorts them here
  snapshots   there are none: a listing shows each key that exists throughout exactly once, and others perhaps
  commands    each is atomic: what depends on the old value is written only if that has not changed
  begin       changes are kept back until `commit`, which makes all or none; keys cannot be listed in between
  slots       on a Cluster, what one command or transaction changes must be in one slot: keys with the same \
          text in braces are, as {user:1}.name and {user:1}.age. `del` and `undo` change each key by itself
  durability  the server decides (its appendonly and replicas); a failover may lose what it has acknowledged
  other data  hashes, lists and sets of other programs are refused, never overwritten; `del` deletes them. \
          `count` counts them, `keys` and `list` skip them. Keys that are not UTF-8 are skipped with a note
  files       save, check, repair and restore are refused; `path` prints the URL without its password

Values are stored as they are. JSON objects and arrays read as JSON, other text as text. If the connection is lost after a \
change was sent, it is repeated if that is harmless; otherwise (incr, append, …) the status is 4, and the message says that \
the change may or may not have been stored. A server that is loading, or a Cluster in failover, is waited for (--wait, 30s).
";

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
          under the key in its first column, unless --key /COLUMN and --value /COLUMN say otherwise; \
          --no-header names the columns /1, /2 and so on; \
          --delimiter ';' or a first line sep=; if no comma separates the columns
  json    text and JSON: one object. --flatten splits nested objects into a.b (dotted) or /a/b (pointer)
  jsonc   import only: JSON with comments and trailing commas
  redis   text, bytes and expiry: SET and PEXPIREAT lines for redis-cli; other commands are refused on import
  tsv     text and bytes: key, tab, value, with \\t \\n \\r \\0 \\\\ \\xHH; what `list` prints into a pipe. With --key, \
          a table like csv
  dotenv  text under names of variables: NAME='value', exported only if python-dotenv, dotenv from npm, \
          node --env-file and bash all read it back exactly; import --expand replaces $NAME and ${NAME} with what \
          earlier lines of the file set
  sh      export only: the same for a shell to source: export NAME='value'
  fish    export only: set -gx NAME 'value'

Documents of other programs hold their keys themselves. import --key /id takes the key from that part of each item of a \
JSON array or of each line of jsonl (a pointer such as /a/b or a path such as .a.b; several --key are joined with \
--key-separator), and the value is the whole item or the part in --value. To write such documents: \
export --format json-array, or jsonl with --key NAME, where NAME is the member with the key. \
export --format csv (or tsv) --columns /name,/age writes a table of these parts.

An entry that a format cannot hold is refused and named; `export --lossy` leaves it out and reports how many there were. \
An import is all or nothing. If a key repeats, the last row counts, unless --on-conflict says otherwise: \
merge merges objects by member (null removes one), skip keeps what is there, fail imports nothing. Two members of one \
JSON document that would become the same key are refused. `dump` writes commands, which `rusty-kv -f` runs.
";

const GIT: &str = "\
Git merges a database line by line, which fails where two branches change neighboring keys. With merge-file as its merge driver, \
it merges by key, and inside JSON objects by member. The driver takes two lines of configuration, the second one in each \
repository:

  git config --global merge.rusty-kv.driver 'rusty-kv merge-file %O %A %B'
  echo 'kv.json merge=rusty-kv diff=rusty-kv' >> .gitattributes

A conflict is a key, a member or an expiry that both branches changed in different ways, or that one branch deleted and the \
other one changed. Git then stops as usual. Each conflict is on stderr, the file holds our value (with --theirs, their value), \
and it is a valid database: set the values that you want, then `git add` and commit. If a version cannot be read, \
the status is 129, and git does not merge at all.

For `git diff` and `git log -p` by entry, with the expiry next to its value:

  git config --global diff.rusty-kv.textconv 'rusty-kv --read-only export -d'

Side files do not belong in a repository. In .gitignore:

  *.json.lock
  *.json.journal*
  *.json.tmp-*

Run `save` before you commit, merge or switch branches: a database of more than 64 KiB keeps recent changes in its journal, \
which git does not see.

To compare the database with any commit (in bash and zsh):

  rusty-kv -d ./kv.json diff <(git show HEAD:kv.json)
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
  RUSTY_KV_PASSWORD   the password of a database on a server
  RUSTY_KV_HISTORY    the history file (default: ~/.local/state/rusty-kv/history); empty for none
  XDG_CONFIG_HOME     the directory for databases and the rc file (default: ~/.config)
  VISUAL, EDITOR      the editor of `edit` and Ctrl-X Ctrl-E
  PAGER               the pager for long answers (default: less); empty for none
  NO_COLOR            turns color off

A line that starts with a space is not added to the history.
";
