//! The language: one enum for all three modes. The doc comments are the help.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgMatches, Args, FromArgMatches, Subcommand};

use crate::expiry::Timestamp;
use crate::number::Number;
use crate::shell::text::argument::{
    Data, DatabaseName, Delimiter, Flatten, Format, Key, KeyBound, KeyMode, OnConflict, OutputMode, OwnShell, Pattern,
    Pointer, Prefix, ProgramWord, Topic, bound, data, database, decimal, delimiter, duration, export_format, flatten,
    glob, import_format, key, key_mode, number, on_conflict, output_mode, own_shell, path, pointer, prefix, program,
    regex, status, steps, switch, text, time, timeout, topic,
};
use crate::shell::text::glob::Glob;

/// A command with its arguments, checked as far as that goes without a database.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub(crate) enum Command {
    /// Set a key to a value
    #[command(
        visible_alias = "put",
        after_help = "Examples:\n  set hello world\n  set --json user:1 '{\"name\":\"Ada\"}' --ttl 1h30m"
    )]
    Set(Set),
    /// Print the values of keys
    #[command(
        after_help = "Examples:\n  get hello\n  get user:1 --pointer /name --default nobody\n\nOn a terminal text of several lines is shown as lines, and what would act on the terminal is escaped; -o raw writes the exact bytes there too, unless it is only the default (`output raw`)."
    )]
    Get(Get),
    /// Delete keys
    #[command(visible_aliases = ["delete", "rm", "unset"], after_help = "Examples:\n  del hello user:1\n  del --prefix session:")]
    Del(Del),
    /// Say how many of the keys exist; status 0 only if all do
    #[command(after_help = "Examples:\n  exists hello\n  exists user:1 user:2")]
    Exists(OfKeys),
    /// Print a value and delete its key
    #[command(after_help = "Examples:\n  getdel job:1\n  getdel token -o raw")]
    Getdel(OfKey),
    /// Add to a number (1 if BY is not given); a missing key counts from 0
    #[command(after_help = "Examples:\n  incr visits\n  incr balance -2.50")]
    Incr(Add),
    /// Subtract from a number (1 if BY is not given)
    #[command(after_help = "Examples:\n  decr stock\n  decr stock 12")]
    Decr(Add),
    /// Append text to a value (a missing key counts as empty)
    #[command(after_help = "Examples:\n  append log \"one more line\\n\"\n  append greeting \", world\"")]
    Append(Append),
    /// Give a key another name
    #[command(after_help = "Examples:\n  rename draft final\n  rename new current --replace")]
    Rename(Move),
    /// Copy a value and its expiry to another key
    #[command(after_help = "Examples:\n  copy config config.bak\n  copy new current --replace")]
    Copy(Move),

    /// Edit a value in $VISUAL or $EDITOR; JSON is spread out, and checked before it is stored
    #[command(
        after_help = "Examples:\n  edit user:1\n  edit config --json\n\nThe expiry stays. A missing key is created. A newline that the editor adds at the end of a text that had none is removed again."
    )]
    Edit(Edit),

    /// Print the keys, all or those that match
    #[command(after_help = "Examples:\n  keys user:*\n  keys --from 2026-01 --to 2026-02 --limit 10")]
    Keys(Looking),
    /// Print keys and values
    #[command(visible_aliases = ["ls", "scan"], after_help = "Examples:\n  list user:*\n  list --prefix log: --reverse --limit 5")]
    List(List),
    /// Print the entries whose key or value matches a regular expression
    #[command(after_help = "Examples:\n  find '(?i)ada'\n  find ^user: --keys")]
    Find(Find),
    /// Count keys
    #[command(after_help = "Examples:\n  count\n  count user:*")]
    Count(Count),
    /// Describe a key: type, size, expiry
    #[command(after_help = "Examples:\n  info user:1\n  info user:1 -o json")]
    Info(OfKey),
    /// Describe the database: keys, bytes, types, file
    #[command(after_help = "Examples:\n  stats\n  stats -o json")]
    Stats,

    /// Give a key a time to live
    #[command(after_help = "Examples:\n  expire session:9 30m\n  expire token 90")]
    Expire(Expire),
    /// Print how many seconds a key has left, or none
    #[command(after_help = "Examples:\n  ttl session:9\n  ttl session:9 -o json")]
    Ttl(OfKey),
    /// Remove a key's expiry
    #[command(after_help = "Examples:\n  persist session:9\n  persist token -o json")]
    Persist(OfKey),

    /// Begin a transaction: its changes are made by `commit`, all or none
    #[command(visible_alias = "multi", after_help = "Examples:\n  begin\n  begin -o json")]
    Begin,
    /// Commit the transaction, unless another process changed what it read or wrote
    #[command(visible_alias = "exec", after_help = "Examples:\n  commit\n  commit -o json")]
    Commit,
    /// Forget the transaction's changes
    #[command(visible_alias = "discard", after_help = "Examples:\n  rollback\n  rollback -o json")]
    Rollback,
    /// Take back what the last commands, or the last N, have changed in this session
    #[command(
        after_help = "Examples:\n  undo\n  undo 3\n\nA transaction is one step, and so is a file that was run by `source`. Within an open transaction its own commands are undone. If another program has changed a key since, it asks first (-y: it does not). 64 MiB of keys and values are remembered, for each database; a command that replaces more asks first, as it cannot be undone. An undo cannot be undone either."
    )]
    Undo {
        /// How many
        #[arg(value_name = "N", value_parser = steps(), default_value = "1", hide_default_value = true)]
        n: usize,
    },

    /// Print what changes as it happens, from this or another program, until Ctrl-C
    #[command(
        after_help = "Examples:\n  watch\n  watch user:* -o json\n\nEach key's last value is told, not every value on the way: it looks 20 times a second. While the file cannot be read it warns once and goes on looking. -o json is one event a line: {\"event\":\"set\",\"key\":…,\"value\":…,\"type\":…,\"expires\":…}, or \"del\" or \"expired\" with the key."
    )]
    Watch {
        /// Only keys that match: * ? [a-z] [^x] \x
        #[arg(value_name = "GLOB", value_parser = glob())]
        glob: Option<Glob>,
    },
    /// Wait until a key exists or holds a value; status 1 on timeout
    #[command(
        after_help = "Examples:\n  wait job:1:done --timeout 30s\n  wait state --equals ready\n\nIt prints nothing: `wait job:1 && get job:1` prints the value. A key that already exists ends it at once. While the file cannot be read it warns once and goes on waiting; a timeout ends it with status 3 then."
    )]
    Wait(Wait),

    /// Run a program with keys as its environment variables
    #[command(
        after_help = "Examples:\n  run app: -- ./server --port 80\n  run app/ --upper -- env\n\nThe rest of a key after the prefix is the name of a variable: if there is a key app:TOKEN, `run app: -- env` shows TOKEN with its value. A rest that is not a name (letters, digits and _, not a digit first) is refused, and nothing is run; --upper turns db-host into DB_HOST. A variable that changes how programs are found and loaded, such as PATH, BASH_ENV, LD_PRELOAD or PYTHONPATH, is refused, as anyone who may write the key could run programs of their own; --any-name passes it. The program itself is looked up in your PATH in any case. No value appears on a command line, where others could see it. The exit status is that of the program, or 126 or 127 if it cannot be run; signals go to the program. Scripts cannot run programs: what looks like a script may be a dump of somebody's data."
    )]
    Run(Run),

    /// Write pending changes to the database file, or a copy to PATH
    #[command(
        visible_alias = "flush",
        after_help = "A backup is replaced; a database in use (one with side files) only with --yes.\n\nExamples:\n  save\n  save backup.json"
    )]
    Save {
        /// Another file
        #[arg(value_name = "PATH", value_parser = path())]
        path: Option<PathBuf>,
    },
    /// Switch to another database
    #[command(after_help = "Examples:\n  use work\n  use ./project.json")]
    Use {
        /// A name, or a path with a slash or ending in .json or .db
        #[arg(value_name = "NAME", value_parser = database())]
        name: DatabaseName,
    },
    /// List the databases in the config directory
    #[command(after_help = "Examples:\n  dbs\n  dbs -o json")]
    Dbs,
    /// Delete a database and its file
    #[command(after_help = "Examples:\n  drop scratch\n  drop scratch --yes")]
    Drop {
        /// The name of the database
        #[arg(value_name = "NAME", value_parser = database())]
        name: DatabaseName,
    },
    /// Print the path of the database file
    #[command(after_help = "Examples:\n  path\n  path -o json")]
    Path,
    /// Read everything and say what is wrong
    #[command(after_help = "Examples:\n  check\n  check backup.json\n  check -")]
    Check {
        /// Another database: a name, a path with a slash or ending in .json or .db, a pipe, or - for stdin
        #[arg(value_name = "FILE", value_parser = path())]
        file: Option<PathBuf>,
    },
    /// Write what is readable into a new file, or settle a journal that belongs to another file
    #[command(
        after_help = "Examples:\n  repair\n  repair --keep-journal\n  repair --drop-journal\n\nIf nothing is damaged but the last record of the journal, `repair` sets that record aside, and the database is sound again."
    )]
    Repair {
        /// Apply the journal's changes to the file that is there
        #[arg(long, conflicts_with = "drop_journal")]
        keep_journal: bool,
        /// Set the journal aside, under another name
        #[arg(long)]
        drop_journal: bool,
    },
    /// Delete every key
    #[command(after_help = "Examples:\n  clear\n  clear --yes")]
    Clear,
    /// Put a backup made by `save FILE` in this database's place; the old file is kept next to it
    #[command(after_help = "Examples:\n  restore backup.json\n  restore backups/monday.json")]
    Restore {
        /// The snapshot: a file, a pipe, or - for stdin
        #[arg(value_name = "FILE", value_parser = path())]
        file: PathBuf,
    },
    /// Compare two databases by key: + only in B, - only in A, ~ not the same; status 1 if they differ
    #[command(after_help = "Examples:\n  diff backup.json\n  diff old.json new.json")]
    Diff {
        /// A database: a name, a path with a slash or ending in .json or .db, a pipe, or - for stdin
        #[arg(value_name = "A", value_parser = database())]
        a: DatabaseName,
        /// Another; the open one if it is left out
        #[arg(value_name = "B", value_parser = database())]
        b: Option<DatabaseName>,
    },

    /// Import entries from a file, all or nothing
    #[command(
        after_help = "Examples:\n  import users.jsonl\n  import .env --prefix env: --on-conflict skip\n  import table.csv --key-column id"
    )]
    Import(Import),
    /// Write entries to a file or stdout, for other programs
    #[command(
        after_help = "Examples:\n  export all.jsonl\n  export users.csv user:*\n  export --format sh --strip-prefix app:"
    )]
    Export(Export),
    /// Write a command file that makes exactly this database: `rusty-kv -f FILE`
    #[command(
        after_help = "It is for an empty database: what is there and not in the file stays.\n\nExamples:\n  dump all.kv\n  dump"
    )]
    Dump {
        /// The file (- for stdout, also if it is left out)
        #[arg(value_name = "FILE", value_parser = path())]
        file: Option<PathBuf>,
        /// Replace FILE even if it is a database
        #[arg(long)]
        force: bool,
    },

    #[command(flatten)]
    Shell(ShellCommand),
}

/// What belongs to the shell rather than to the data.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub(crate) enum ShellCommand {
    /// Run the commands of a file, one a line
    #[command(after_help = "Examples:\n  source setup.kv\n  source \"my commands.kv\"")]
    Source {
        /// The file
        #[arg(value_name = "FILE", value_parser = path())]
        file: PathBuf,
    },
    /// Choose how answers are written: plain, json, table or raw
    #[command(after_help = "Examples:\n  output json\n  output plain")]
    Output {
        /// plain, json, table or raw
        #[arg(value_name = "MODE", value_parser = output_mode())]
        mode: OutputMode,
    },
    /// Say after each command how long it took
    #[command(after_help = "Examples:\n  timer on\n  timer off")]
    Timer {
        /// on or off
        #[arg(value_name = "on|off", value_parser = switch(), action = clap::ArgAction::Set)]
        on: bool,
    },
    /// Show answers longer than the screen in $PAGER (less), or not
    #[command(
        after_help = "With a pager a listing is shown whole, as far as you read on; without, its first 100 entries.\n\
                      PAGER= (or cat) in the environment turns it off.\n\nExamples:\n  pager off\n  pager on"
    )]
    Pager {
        /// on or off
        #[arg(value_name = "on|off", value_parser = switch(), action = clap::ArgAction::Set)]
        on: bool,
    },
    /// Show in grey what may come next at the prompt
    #[command(
        after_help = "Right or End takes the rest of a line of the history, Alt-F a word of it. Without colours they are off.\n\nExamples:\n  hints off\n  hints on"
    )]
    Hints {
        /// on or off
        #[arg(value_name = "on|off", value_parser = switch(), action = clap::ArgAction::Set)]
        on: bool,
    },
    /// Choose the keys of the prompt: those of emacs, as in bash, or those of vi
    #[command(
        after_help = "Keys:\n  Tab             complete; twice: list\n  Right, End      take the rest of a line of the history, Alt-F a word of it\n  Up, Down        the lines that begin with what stands before the cursor\n  Ctrl-R          search the history\n  Alt-Enter       a new line; Up in a row that continues goes back\n  Ctrl-X Ctrl-E   the line in $EDITOR (v in vi's command mode; `edit`: the last line)\n  Ctrl-C, Ctrl-D  give the line up, leave\n\nExamples:\n  edit-mode vi\n  edit-mode emacs"
    )]
    EditMode {
        /// emacs or vi
        #[arg(value_name = "MODE", value_parser = key_mode())]
        mode: KeyMode,
    },
    /// Print the last lines typed at the prompt
    #[command(after_help = "Examples:\n  history\n  history 5")]
    History {
        /// How many
        #[arg(value_name = "N", value_parser = number::<usize>(), default_value = "20")]
        n: usize,
    },
    /// Print what makes Tab work in bash, zsh or fish, with live keys
    #[command(
        after_help = "Where it goes:\n  bash  ~/.bashrc:                    source <(rusty-kv completions bash)\n  zsh   ~/.zshrc, after compinit:     source <(rusty-kv completions zsh)\n  fish  ~/.config/fish/config.fish:   rusty-kv completions fish | source\n\nExamples:\n  completions bash\n  completions fish"
    )]
    Completions {
        /// bash, zsh or fish
        #[arg(value_name = "SHELL", value_parser = own_shell())]
        shell: OwnShell,
    },
    /// Print the man page
    #[command(hide = true, after_help = "Examples:\n  man > rusty-kv.1\n  man | man -l -")]
    Man,
    /// List the commands, or explain one
    #[command(after_help = "Examples:\n  help set\n  help exit-codes")]
    Help {
        /// A command, exit-codes, or pipes
        #[arg(value_name = "COMMAND", value_parser = topic())]
        topic: Option<Topic>,
    },
    /// Exit the shell
    #[command(visible_alias = "quit", after_help = "Examples:\n  exit\n  exit 3")]
    Exit {
        /// The exit status, 0 to 255
        #[arg(value_name = "CODE", value_parser = status())]
        code: Option<u8>,
    },
}

/// A command's name and its aliases.
pub(crate) fn names_of(command: &clap::Command) -> impl Iterator<Item = &str> {
    std::iter::once(command.get_name()).chain(command.get_visible_aliases())
}

/// One command without the rest of the language, whose definition takes longer to make than most commands take to run.
pub(crate) struct Alone {
    /// Its arguments and the options for every command.
    pub(crate) arguments: clap::Command,
    make: Box<Make>,
}

/// Makes a command of what clap has found.
type Make = dyn Fn(&mut ArgMatches) -> Result<Command, clap::Error>;

impl Alone {
    /// The command by that name or alias, with options that are for every command; `None` for those that are seldom run or
    /// run long.
    pub(crate) fn named(name: &str, options: clap::Command) -> Option<Self> {
        Some(match name {
            "set" | "put" => Self::of(options, Command::Set),
            "get" => Self::of(options, Command::Get),
            "del" | "delete" | "rm" | "unset" => Self::of(options, Command::Del),
            "exists" => Self::of(options, Command::Exists),
            "getdel" => Self::of(options, Command::Getdel),
            "incr" => Self::of(options, Command::Incr),
            "decr" => Self::of(options, Command::Decr),
            "append" => Self::of(options, Command::Append),
            "rename" => Self::of(options, Command::Rename),
            "copy" => Self::of(options, Command::Copy),
            "keys" => Self::of(options, Command::Keys),
            "list" | "ls" | "scan" => Self::of(options, Command::List),
            "find" => Self::of(options, Command::Find),
            "count" => Self::of(options, Command::Count),
            "info" => Self::of(options, Command::Info),
            "expire" => Self::of(options, Command::Expire),
            "ttl" => Self::of(options, Command::Ttl),
            "persist" => Self::of(options, Command::Persist),
            "wait" => Self::of(options, Command::Wait),
            "run" => Self::of(options, Command::Run),
            "export" => Self::of(options, Command::Export),
            "stats" => Self { arguments: options, make: Box::new(|_| Ok(Command::Stats)) },
            "path" => Self { arguments: options, make: Box::new(|_| Ok(Command::Path)) },
            _ => return None,
        })
    }

    fn of<A: Args + 'static>(options: clap::Command, make: fn(A) -> Command) -> Self {
        let make = move |matches: &mut ArgMatches| A::from_arg_matches_mut(matches).map(make);
        Self { arguments: A::augment_args(options), make: Box::new(make) }
    }

    /// The options and the command that these arguments give, if they do; what is wrong with others all of the language tells.
    pub(crate) fn parse<O: FromArgMatches>(&mut self, args: &[OsString]) -> Option<(O, Command)> {
        let mut matches = self.arguments.try_get_matches_from_mut(args).ok()?;
        let options = O::from_arg_matches_mut(&mut matches).ok()?;
        Some((options, (self.make)(&mut matches).ok()?))
    }
}

impl std::fmt::Debug for Alone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Alone").field(&self.arguments.get_name()).finish()
    }
}

/// The arguments of `set`.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub(crate) struct Set {
    /// The key
    #[arg(value_name = "KEY", value_parser = key())]
    pub(crate) key: Key,
    /// The value
    #[arg(value_name = "VALUE", value_parser = data(), allow_hyphen_values = true, required_unless_present = "file")]
    pub(crate) value: Option<Data>,
    /// The value is JSON: checked, and kept digit for digit
    #[arg(long)]
    pub(crate) json: bool,
    /// Delete the key after this time: 90 (seconds), 1h30m, 2days
    #[arg(long, value_name = "DURATION", value_parser = duration(), allow_hyphen_values = true)]
    pub(crate) ttl: Option<Duration>,
    /// The value is what the file holds, byte for byte (- for stdin)
    #[arg(long, value_name = "PATH", value_parser = path(), conflicts_with = "value")]
    pub(crate) file: Option<PathBuf>,
    /// The value is given as base64
    #[arg(long, conflicts_with = "json")]
    pub(crate) base64: bool,
    /// Delete the key at this time: 2026-11-23T04:00:00Z
    #[arg(long, value_name = "RFC3339", value_parser = time(), conflicts_with = "ttl")]
    pub(crate) expires_at: Option<Timestamp>,
    /// Keep the key's expiry
    #[arg(long, conflicts_with_all = ["ttl", "expires_at"])]
    pub(crate) keep_ttl: bool,
    /// Only if the key does not exist
    #[arg(long, conflicts_with = "if_present")]
    pub(crate) if_absent: bool,
    /// Only if the key already exists
    #[arg(long)]
    pub(crate) if_present: bool,
    /// Only if the value is this one
    #[arg(long, value_name = "OLD", value_parser = data(), allow_hyphen_values = true, conflicts_with = "if_absent")]
    pub(crate) if_equals: Option<Data>,
    /// Print the value that the key had
    #[arg(long)]
    pub(crate) print_old: bool,
}

/// The arguments of `import`.
#[derive(Args, Clone, Debug, PartialEq)]
pub(crate) struct Import {
    /// The file (- for stdin)
    #[arg(value_name = "FILE", value_parser = path())]
    pub(crate) file: PathBuf,
    /// json, jsonl, csv, dotenv, redis or tsv; else by the file's name
    #[arg(long, value_name = "FORMAT", value_parser = import_format())]
    pub(crate) format: Option<Format>,
    /// Put this before every key
    #[arg(long, value_name = "P", value_parser = prefix(), default_value = "", hide_default_value = true)]
    pub(crate) prefix: Prefix,
    /// replace, skip or fail: what to do with a key that already exists, or that repeats in the file
    #[arg(long, value_name = "WHAT", value_parser = on_conflict(), default_value = "replace")]
    pub(crate) on_conflict: OnConflict,
    /// Say what would change, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// dotted (a.b) or pointer (/a/b): keys for the members of nested JSON objects
    #[arg(long, value_name = "HOW", value_parser = flatten())]
    pub(crate) flatten: Option<Flatten>,
    /// The column of a table that holds the keys
    #[arg(long, value_name = "NAME", value_parser = text())]
    pub(crate) key_column: Option<String>,
    /// The column that holds the values; without it a value is a JSON object of the row
    #[arg(long, value_name = "NAME", value_parser = text())]
    pub(crate) value_column: Option<String>,
    /// The character that separates the columns of a table: , or as in ; or \t
    #[arg(long, value_name = "C", value_parser = delimiter())]
    pub(crate) delimiter: Option<Delimiter>,
}

/// The arguments of `export`.
#[derive(Args, Clone, Debug, PartialEq)]
pub(crate) struct Export {
    /// The file (- for stdout, also if it is left out)
    #[arg(value_name = "FILE", value_parser = path())]
    pub(crate) file: Option<PathBuf>,
    /// Only keys that match: * ? [a-z] [^x] \x
    #[arg(value_name = "GLOB", value_parser = glob())]
    pub(crate) glob: Option<Glob>,
    /// json, jsonl, csv, dotenv, redis, tsv, sh or fish; else by the file's name
    #[arg(long, value_name = "FORMAT", value_parser = export_format())]
    pub(crate) format: Option<Format>,
    /// Only keys that begin with P, which is left out of them
    #[arg(long, value_name = "P", value_parser = prefix(), default_value = "", hide_default_value = true)]
    pub(crate) strip_prefix: Prefix,
    /// Leave out what the format cannot hold, and say how much
    #[arg(long)]
    pub(crate) lossy: bool,
    /// Replace FILE even if it is a database
    #[arg(long)]
    pub(crate) force: bool,
}

/// The arguments of `get`.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub(crate) struct Get {
    /// The keys
    #[arg(required = true, value_name = "KEY", value_parser = key())]
    pub(crate) keys: Vec<Key>,
    /// Only the part of the JSON that this JSON Pointer names
    #[arg(long, value_name = "POINTER", value_parser = pointer())]
    pub(crate) pointer: Option<Pointer>,
    /// What to print for a missing key
    #[arg(long, value_name = "VALUE", value_parser = data(), allow_hyphen_values = true)]
    pub(crate) default: Option<Data>,
}

/// The argument of `getdel`, `info`, `ttl` and `persist`.
#[derive(Args, Clone, Debug, PartialEq)]
pub(crate) struct OfKey {
    /// The key
    #[arg(value_name = "KEY", value_parser = key())]
    pub(crate) key: Key,
}

/// The arguments of `exists`.
#[derive(Args, Clone, Debug, PartialEq)]
pub(crate) struct OfKeys {
    /// The keys
    #[arg(required = true, value_name = "KEY", value_parser = key())]
    pub(crate) keys: Vec<Key>,
}

/// The arguments of `append`.
#[derive(Args, Clone, Debug, PartialEq)]
pub(crate) struct Append {
    /// The key
    #[arg(value_name = "KEY", value_parser = key())]
    pub(crate) key: Key,
    /// The text to append
    #[arg(value_name = "VALUE", value_parser = data(), allow_hyphen_values = true)]
    pub(crate) value: Data,
}

/// The arguments of `list`.
#[derive(Args, Clone, Debug, PartialEq)]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) looking: Looking,
    /// Only the values
    #[arg(long)]
    pub(crate) values: bool,
}

/// The arguments of `find`.
#[derive(Args, Clone, Debug, PartialEq)]
pub(crate) struct Find {
    /// The regular expression (syntax of the Rust regex crate)
    #[arg(value_name = "REGEX", value_parser = regex(), allow_hyphen_values = true)]
    pub(crate) regex: Pattern,
    /// Look at keys only
    #[arg(long, conflicts_with = "values")]
    pub(crate) keys: bool,
    /// Look at values only
    #[arg(long)]
    pub(crate) values: bool,
    /// Stop after N entries
    #[arg(long, value_name = "N", value_parser = number::<u64>())]
    pub(crate) limit: Option<u64>,
}

/// The argument of `count`.
#[derive(Args, Clone, Debug, PartialEq)]
pub(crate) struct Count {
    /// Only those that match
    #[arg(value_name = "GLOB", value_parser = glob())]
    pub(crate) glob: Option<Glob>,
}

/// The arguments of `expire`.
#[derive(Args, Clone, Debug, PartialEq)]
pub(crate) struct Expire {
    /// The key
    #[arg(value_name = "KEY", value_parser = key())]
    pub(crate) key: Key,
    /// 90 (seconds), 45s, 1h30m, 2days
    #[arg(value_name = "DURATION", value_parser = duration(), allow_hyphen_values = true)]
    pub(crate) duration: Duration,
}

/// The arguments of `del`.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub(crate) struct Del {
    /// The keys
    #[arg(required_unless_present_any = ["glob", "prefix"], value_name = "KEY", value_parser = key())]
    pub(crate) keys: Vec<Key>,
    /// All keys that match: * ? [a-z] [^x] \x
    #[arg(long, value_name = "GLOB", value_parser = glob(), conflicts_with = "keys")]
    pub(crate) glob: Option<Glob>,
    /// All keys with this prefix
    #[arg(long, value_name = "PREFIX", value_parser = prefix(), conflicts_with_all = ["keys", "glob"])]
    pub(crate) prefix: Option<Prefix>,
}

/// The arguments of `incr` and `decr`.
#[derive(Args, Clone, Debug, PartialEq)]
pub(crate) struct Add {
    /// The key
    #[arg(value_name = "KEY", value_parser = key())]
    pub(crate) key: Key,
    /// A number, also a negative or decimal one
    #[arg(value_name = "BY", value_parser = decimal(), allow_hyphen_values = true, default_value = "1", hide_default_value = true)]
    pub(crate) by: Number,
}

/// The arguments of `edit`.
#[derive(Args, Clone, Debug, PartialEq)]
pub(crate) struct Edit {
    /// The key
    #[arg(value_name = "KEY", value_parser = key())]
    pub(crate) key: Key,
    /// What comes out is JSON, also if the key holds text or is not there yet
    #[arg(long)]
    pub(crate) json: bool,
}

/// The arguments of `wait`.
#[derive(Args, Clone, Debug, PartialEq)]
pub(crate) struct Wait {
    /// The key
    #[arg(value_name = "KEY", value_parser = key())]
    pub(crate) key: Key,
    /// Wait for exactly this value
    #[arg(long, value_name = "VALUE", value_parser = data(), allow_hyphen_values = true)]
    pub(crate) equals: Option<Data>,
    /// How long: 90 (seconds), 1h30m, 2days; else as long as it takes
    #[arg(long, value_name = "DURATION", value_parser = timeout(), allow_hyphen_values = true)]
    pub(crate) timeout: Option<Duration>,
}

/// The arguments of `run`.
#[derive(Args, Clone, Debug, PartialEq)]
pub(crate) struct Run {
    /// Only keys with this prefix
    #[arg(value_name = "PREFIX", value_parser = prefix())]
    pub(crate) prefix: Prefix,
    /// Names in upper case, with _ for what a name cannot have
    #[arg(long)]
    pub(crate) upper: bool,
    /// Also pass variables that change how programs are found and loaded
    #[arg(long)]
    pub(crate) any_name: bool,
    /// The program and its arguments
    #[arg(value_name = "CMD", last = true, required = true, value_parser = program())]
    pub(crate) command: Vec<ProgramWord>,
}

/// The arguments of `rename` and `copy`.
#[derive(Args, Clone, Debug, PartialEq)]
pub(crate) struct Move {
    /// The key
    #[arg(value_name = "KEY", value_parser = key())]
    pub(crate) from: Key,
    /// The other key
    #[arg(value_name = "NEW", value_parser = key())]
    pub(crate) to: Key,
    /// Even if the other key already exists
    #[arg(long)]
    pub(crate) replace: bool,
}

/// Which keys, for `keys` and `list`.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub(crate) struct Looking {
    /// Only keys that match: * ? [a-z] [^x] \x
    #[arg(value_name = "GLOB", value_parser = glob())]
    pub(crate) glob: Option<Glob>,
    /// Only keys with this prefix
    #[arg(long, value_name = "P", value_parser = prefix())]
    pub(crate) prefix: Option<Prefix>,
    /// Only keys from this one on
    #[arg(long, value_name = "K", value_parser = bound())]
    pub(crate) from: Option<KeyBound>,
    /// Only keys before this one
    #[arg(long, value_name = "K", value_parser = bound())]
    pub(crate) to: Option<KeyBound>,
    /// Stop after N entries
    #[arg(long, value_name = "N", value_parser = number::<u64>())]
    pub(crate) limit: Option<u64>,
    /// In reverse order
    #[arg(long)]
    pub(crate) reverse: bool,
    /// End each record with a NUL instead of a newline, and escape nothing
    #[arg(short = '0', long = "null")]
    pub(crate) nul: bool,
}
